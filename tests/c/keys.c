/* Keys: the same key is the same future; pure: the same computation is the same future. */
#include "check.h"

static rask_future keyed(const char *key, rask_task_fn fn, const rask_arg *args, size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.key = key;
    return rask_submit_with(client, fn, args, n, &options);
}

static rask_future pure(rask_task_fn fn, const rask_arg *args, size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.flags = RASK_PURE;
    return rask_submit_with(client, fn, args, n, &options);
}

/* Counts its runs; the arguments do not matter. */
static atomic_int runs;
static void counted(rask_task *t) { rask_return_i64(t, atomic_fetch_add(&runs, 1) + 1); }
static void counted_too(rask_task *t) { rask_return_i64(t, 1000 + atomic_fetch_add(&runs, 1)); }
static void counted_fail(rask_task *t) {
    atomic_fetch_add(&runs, 1);
    rask_fail(t, 7, "as ever");
}

/* Both futures are the same, and still there. */
static void check_same(rask_future a, rask_future b) {
    int64_t x, y;
    CHECK(a.id != b.id);
    CHECK_OK(rask_result_i64(a, &x));
    CHECK_OK(rask_result_i64(b, &y));
    CHECK_EQ(x, y);
    char key[256];
    snprintf(key, sizeof key, "%s", rask_future_key(a));
    CHECK_STR_EQ(rask_future_key(b), key);
}
static void check_different(rask_future a, rask_future b) {
    int64_t x, y;
    CHECK_OK(rask_result_i64(a, &x));
    CHECK_OK(rask_result_i64(b, &y));
    CHECK(x != y);
}

static void a_given_key_is_the_futures_key(void) {
    rask_future f = keyed("mine", counted, RASK_ARGS(1));
    CHECK_STR_EQ(rask_future_key(f), "mine");
    CHECK_OK(rask_release(f));
}

static void task_key_fn(rask_task *t) { rask_return_str(t, rask_task_key(t)); }
static void the_task_knows_its_key(void) {
    rask_future f = keyed("known inside", task_key_fn, RASK_NO_ARGS);
    CHECK_TEXT(f, "known inside");
    CHECK_OK(rask_release(f));
}

static void the_same_key_is_the_same_future(void) {
    atomic_store(&runs, 0);
    rask_future a = keyed("k", counted, RASK_ARGS(1, 2.5, "text")),
                b = keyed("k", counted, RASK_ARGS(1, 2.5, "text"));
    check_same(a, b);
    CHECK_EQ(atomic_load(&runs), 1);
    CHECK_OK(rask_release(a));
    rask_future c = keyed("k", counted, RASK_ARGS(1, 2.5, "text"));
    check_same(b, c);
    CHECK_EQ(atomic_load(&runs), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(b, c)));
}

static void the_same_key_while_it_is_pending(void) {
    gate *g = gate_new();
    rask_future a = keyed("k", held, RASK_ARGS(rask_pointer(g), 5)),
                b = keyed("k", held, RASK_ARGS(rask_pointer(g), 5));
    gate_open(g);
    check_same(a, b);
    CHECK_EQ(atomic_load(&g->entered), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
}

static void a_released_key_runs_again(void) {
    atomic_store(&runs, 0);
    for (int i = 1; i <= 3; i++) {
        rask_future f = keyed("again", counted, RASK_ARGS(1));
        CHECK_I64(f, i);
        CHECK_OK(rask_release(f));
    }
}

static void check_exists(rask_future f) {
    CHECK_FAILS(f, RASK_E_EXISTS);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "taken");
    CHECK_STATUS(rask_retry(f), RASK_E_STATE);
    CHECK_OK(rask_release(f));
}
static void another_function_or_argument_is_refused(void) {
    rask_future x = rask_submit(client, inc, RASK_ARGS(1)), y = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_wait(RASK_FUTURES(x, y), RASK_ALL_COMPLETED, LONG_NS, NULL));
    rask_future f = keyed("taken", counted, RASK_ARGS(1, x));
    check_exists(keyed("taken", counted_too, RASK_ARGS(1, x)));
    check_exists(keyed("taken", counted, RASK_ARGS(2, x)));
    check_exists(keyed("taken", counted, RASK_ARGS(1.0, x)));
    check_exists(keyed("taken", counted, RASK_ARGS(1, y)));
    check_exists(keyed("taken", counted, RASK_ARGS(1, x, x)));
    check_exists(keyed("taken", counted, RASK_ARGS(1)));
    check_exists(keyed("taken", counted, RASK_NO_ARGS));
    check_exists(keyed("taken", counted, RASK_ARGS(1, 2)));
    rask_future clone = rask_clone(x), same = keyed("taken", counted, RASK_ARGS(1, clone));
    check_same(f, same);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, f, clone, same)));
}

static void keys_are_kept_apart_by_client(void) {
    rask_client other = open_workers(1);
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.key = "k";
    rask_future a = keyed("k", counted, RASK_ARGS(1)),
                b = rask_submit_with(other, counted, RASK_ARGS(1), &options);
    check_different(a, b);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
    CHECK_OK(rask_client_close(other));
}

static void a_key_has_1_to_65536_bytes(void) {
    char *text = malloc(65538);
    CHECK(text != NULL);
    memset(text, 'k', 65537);
    text[65537] = 0;
    rask_future empty = keyed("", counted, RASK_NO_ARGS), longer = keyed(text, counted, RASK_NO_ARGS);
    text[65536] = 0;
    rask_future longest = keyed(text, counted, RASK_NO_ARGS),
                odd = keyed("\xff\x01 ü", counted, RASK_NO_ARGS);
    CHECK_FAILS(empty, RASK_E_INVALID);
    CHECK_FAILS(longer, RASK_E_INVALID);
    CHECK_STR_EQ(rask_future_key(longest), text);
    CHECK_STR_EQ(rask_future_key(odd), "\xff\x01 ü");
    CHECK_OK(rask_release_all(RASK_FUTURES(empty, longer, longest, odd)));
    free(text);
}

static void a_name_leaves_room_for_the_rest_of_the_key(void) {
    char *text = malloc(65537);
    CHECK(text != NULL);
    memset(text, 'n', 65536);
    text[65536] = 0;
    rask_future longer = submit_named(client, text, counted, RASK_NO_ARGS);
    CHECK_FAILS(longer, RASK_E_INVALID);
    CHECK_STR_CONTAINS(ERROR_OF(longer).message, "name");
    CHECK(strlen(rask_future_key(longer)) < 100);
    text[65472] = 0;
    rask_future longest = submit_named(client, text, counted, RASK_NO_ARGS);
    CHECK_EQ(strncmp(rask_future_key(longest), text, 65472), 0);
    CHECK(strlen(rask_future_key(longest)) <= 65536);
    CHECK_OK(rask_wait(&longest, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(rask_future_state(longest), RASK_FINISHED);
    CHECK_OK(rask_release_all(RASK_FUTURES(longer, longest)));
    free(text);
}

static void the_key_of_a_future_that_was_given_none(void) {
    rask_future one = rask_submit(client, counted, RASK_NO_ARGS), clone = rask_clone(one);
    rask_arg nine[9];
    for (int i = 0; i < 9; i++)
        nine[i] = rask_i64(i);
    rask_future large = submit_named(client, "large-1", counted, nine, 9),
                value = rask_scatter(client, rask_i64(1));
    rask_future given[] = {one, large, value};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        rask_future again = keyed(rask_future_key(given[i]), counted, RASK_NO_ARGS);
        CHECK_FAILS(again, RASK_E_EXISTS);
        CHECK_STR_CONTAINS(ERROR_OF(again).message, rask_future_key(given[i]));
        CHECK_OK(rask_release(again));
    }
    char key[200];
    snprintf(key, sizeof key, "%s", rask_future_key(one));
    CHECK_OK(rask_release(one));
    rask_future again = keyed(key, counted, RASK_NO_ARGS);
    CHECK_FAILS(again, RASK_E_EXISTS); /* the clone holds it */
    CHECK_OK(rask_wait(&clone, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(RASK_FUTURES(clone, large, value, again)));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    static const char *const others[] = {"x-",
                                         "x-ffffffffffffffff",
                                         "x-00000000",
                                         "x-100000000",
                                         "x-7ffffff00000001",
                                         "x-ffffffff00000001",
                                         "x-10000000000000001",
                                         "-",
                                         "x-+1",
                                         "x-100000001 "};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        rask_future f = keyed(others[i], counted, RASK_NO_ARGS);
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_EQ(rask_future_state(f), RASK_FINISHED);
        CHECK_STR_EQ(rask_future_key(f), others[i]);
        CHECK_OK(rask_release(f));
    }
    rask_future freed = keyed(key, counted, RASK_NO_ARGS);
    CHECK_OK(rask_wait(&freed, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(rask_future_state(freed), RASK_FINISHED);
    CHECK_OK(rask_release(freed));
}

/* The next life of the same memory: a guess, but whether it is right or not, the key is found as ever. */
static void the_key_it_would_have_had_anyhow(void) {
    for (int i = 0; i < 100; i++) {
        rask_future f = rask_submit(client, counted, RASK_NO_ARGS);
        const char *key = rask_future_key(f), *number = strrchr(key, '-') + 1;
        char next[100];
        snprintf(next, sizeof next, "%.*s%08llx", (int)(number - key), key,
                 strtoull(number, NULL, 16) + (1ull << 32));
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_OK(rask_release(f));
        rask_future a = keyed(next, counted, RASK_NO_ARGS), b = keyed(next, counted, RASK_NO_ARGS);
        check_same(a, b);
        CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
    }
}

static void a_wrong_submit_does_not_hold_its_key(void) {
    rask_future bad = keyed("k", NULL, RASK_NO_ARGS),
                stale = keyed("k", counted, RASK_ARGS((rask_future){12345}));
    CHECK_FAILS(bad, RASK_E_INVALID);
    CHECK_FAILS(stale, RASK_E_HANDLE);
    rask_future good = keyed("k", counted, RASK_ARGS(1));
    CHECK_STR_EQ(rask_future_key(good), "k");
    CHECK_OK(rask_release_all(RASK_FUTURES(bad, stale, good)));
}

static void what_is_handed_over_is_taken_also_by_a_second_submit(void) {
    probe p[3] = {{0}};
    rask_future x = rask_submit(client, inc, RASK_ARGS(1)), a, b;
    a = keyed("k", counted, RASK_ARGS(rask_object(&p[0], &probe_type)));
    b = keyed("k", counted, RASK_ARGS(rask_object(&p[1], &probe_type)));
    CHECK_FAILS(b, RASK_E_EXISTS);
    CHECK_EQ(destroyed(&p[1]), 1);
    rask_future c = keyed("k2", counted, RASK_ARGS(rask_take(rask_clone(x)))),
                d = keyed("k2", counted, RASK_ARGS(rask_take(x)));
    check_same(c, d);
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(destroyed(&p[0]), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b, c, d)));
}

static void a_cancelled_future_still_holds_its_key(void) {
    gate *g = gate_new();
    rask_future holder = submit_held(client, g, 0);
    GATE_REACHED(g, 1);
    rask_future f = keyed("k", counted, RASK_ARGS(1));
    CHECK_OK(rask_cancel(f, "no"));
    rask_future same = keyed("k", counted, RASK_ARGS(1));
    CHECK_EQ(rask_future_state(same), RASK_CANCELLED);
    CHECK_OK(rask_retry(same));
    gate_open(g);
    check_same(f, same);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f, same)));
}

/* ---- pure ---- */

static void equal_pure_submits_share_one_run(void) {
    atomic_store(&runs, 0);
    rask_future a = pure(counted, RASK_ARGS(1, 2.5, "text", rask_none())),
                b = pure(counted, RASK_ARGS(1, 2.5, "text", rask_none()));
    check_same(a, b);
    CHECK_EQ(atomic_load(&runs), 1);
    CHECK_STR_CONTAINS(rask_future_key(a), "-");
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
    rask_future c = pure(counted, RASK_ARGS(1, 2.5, "text", rask_none()));
    CHECK_I64(c, 2);
    CHECK_OK(rask_release(c));
}

static void arguments_differ_by_kind_and_place(void) {
    static const rask_arg one[] = {{RASK_I64, 0, 1, 0, NULL}}, nested[] = {{RASK_LIST, 0, 0, 0, NULL}};
    rask_arg lists[] = {rask_list(one, 1), rask_list(nested, 1), rask_list(NULL, 0), rask_i64(1),
                        rask_f64(1.0),     rask_str("1"),        rask_none(),        rask_pointer(NULL),
                        rask_f64(0.0),     rask_f64(-0.0)};
    enum { N = sizeof lists / sizeof *lists };
    rask_future f[N + 3];
    size_t n = 0;
    for (size_t i = 0; i < N; i++)
        f[n++] = pure(counted, &lists[i], 1);
    f[n++] = pure(counted, RASK_ARGS(1, 1));
    f[n++] = pure(counted, RASK_ARGS("1", "1"));
    f[n++] = pure(counted, RASK_ARGS("11", ""));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            check_different(f[i], f[j]);
    CHECK_OK(rask_release_all(f, n));
}

static void bytes_are_equal_by_content_however_given(void) {
    char text[] = "hello";
    rask_future a = pure(counted, RASK_ARGS(rask_str("hello"))),
                b = pure(counted, RASK_ARGS(rask_bytes(text, 5))),
                c = pure(counted, RASK_ARGS(rask_bytes_owned(text, 5, NULL))),
                d = pure(counted, RASK_ARGS(rask_bytes(text, 4)));
    check_same(a, b);
    check_same(a, c);
    check_different(a, d);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b, c, d)));
}

static void lists_of_futures_and_lists_with_futures_are_equal(void) {
    rask_future x = rask_submit(client, inc, RASK_ARGS(1)), y = rask_submit(client, inc, RASK_ARGS(2));
    rask_future both[] = {x, y};
    rask_arg items[] = {rask_of(x), rask_of(y)}, reversed[] = {rask_of(y), rask_of(x)};
    rask_future a = pure(counted, RASK_ARGS(rask_list_of(both, 2))),
                b = pure(counted, RASK_ARGS(rask_list(items, 2))),
                c = pure(counted, RASK_ARGS(rask_list(reversed, 2)));
    check_same(a, b);
    check_different(a, c);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, a, b, c)));
}

static void pure_on_pure_is_equal_by_key(void) {
    atomic_store(&runs, 0);
    rask_future x1 = pure(inc, RASK_ARGS(1)), a = pure(counted, RASK_ARGS(x1));
    CHECK_I64(a, 1);
    CHECK_OK(rask_release(x1));
    rask_future x2 = pure(inc, RASK_ARGS(1)), b = pure(counted, RASK_ARGS(x2));
    check_same(a, b);
    /* What is not pure is itself only. */
    rask_future y1 = rask_submit(client, inc, RASK_ARGS(1)), y2 = rask_submit(client, inc, RASK_ARGS(1));
    rask_future c = pure(counted, RASK_ARGS(y1)), d = pure(counted, RASK_ARGS(y2));
    check_different(c, d);
    CHECK_OK(rask_release_all(RASK_FUTURES(x2, a, b, y1, y2, c, d)));
}

static void errors_are_shared_too(void) {
    atomic_store(&runs, 0);
    rask_future a = pure(counted_fail, RASK_ARGS(1));
    CHECK_FAILS(a, RASK_E_TASK);
    rask_future b = pure(counted_fail, RASK_ARGS(1));
    CHECK_FAILS(b, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(b).code, 7);
    CHECK_EQ(atomic_load(&runs), 1);
    CHECK_OK(rask_retry(b));
    CHECK_FAILS(a, RASK_E_TASK);
    CHECK_EQ(atomic_load(&runs), 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
    rask_future c = pure(counted_fail, RASK_ARGS(1));
    CHECK_FAILS(c, RASK_E_TASK);
    CHECK_EQ(atomic_load(&runs), 3);
    CHECK_OK(rask_release(c));
}

typedef struct number {
    int64_t value;
    atomic_int *destroyed;
} number;
static void number_destroy(void *object) {
    atomic_fetch_add(((number *)object)->destroyed, 1);
    free(object);
}
static rask_status number_encode(const void *object, rask_bytes_out *out) {
    const number *n = object;
    if (n->value < -1)
        return rask_codec_fail(RASK_E_UNSUPPORTED, "no number below -1");
    return n->value < 0 ? RASK_E_INVALID : rask_bytes_write(out, &n->value, sizeof n->value);
}
static void *number_decode(const void *data, size_t size) {
    (void)data, (void)size;
    return NULL;
}
static const rask_type number_type = {sizeof(rask_type), "number",     number_destroy, NULL,
                                      number_encode,     number_decode};
static const rask_type sealed_type = {sizeof(rask_type), "sealed", number_destroy, NULL, NULL, NULL};
static atomic_int numbers_destroyed;
static rask_arg number_new(int64_t value, const rask_type *type) {
    number *n = malloc(sizeof *n);
    CHECK(n != NULL);
    *n = (number){value, &numbers_destroyed};
    return rask_object(n, type);
}

static void objects_are_equal_by_what_encode_writes(void) {
    atomic_store(&numbers_destroyed, 0);
    rask_future a = pure(counted, RASK_ARGS(number_new(5, &number_type))),
                b = pure(counted, RASK_ARGS(number_new(5, &number_type))),
                c = pure(counted, RASK_ARGS(number_new(6, &number_type))),
                d = pure(counted, RASK_ARGS(number_new(5, &sealed_type))),
                e = pure(counted, RASK_ARGS(number_new(5, &sealed_type)));
    check_same(a, b);
    check_different(a, c);
    check_different(a, d);
    check_different(d, e);
    rask_future failed = pure(counted, RASK_ARGS(number_new(-1, &number_type)));
    CHECK_FAILS(failed, RASK_E_INVALID);
    CHECK_STR_CONTAINS(ERROR_OF(failed).message, "number");
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&numbers_destroyed), 6);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b, c, d, e, failed)));
}

static void an_encode_says_why_it_fails(void) {
    rask_future failed = pure(counted, RASK_ARGS(number_new(-2, &number_type)));
    CHECK_FAILS(failed, RASK_E_UNSUPPORTED);
    CHECK_STR_EQ(ERROR_OF(failed).message, "encode of number: no number below -1");
    rask_future silent = pure(counted, RASK_ARGS(number_new(-1, &number_type)));
    CHECK_STR_EQ(ERROR_OF(silent).message, "encode of number returned -1");
    CHECK_OK(rask_release_all(RASK_FUTURES(failed, silent)));

    /* Elsewhere it is a failure like any other. */
    CHECK_EQ(rask_codec_fail(RASK_E_TYPE, "words"), RASK_E_TYPE);
    CHECK_STR_EQ(rask_last_error(), "words");
    CHECK_EQ(rask_codec_fail(RASK_OK, NULL), RASK_E_INVALID);
    CHECK_EQ(rask_last_status(), RASK_E_INVALID);
}

/* One after the other, so that each object has the address of the one before. */
static void number_of(rask_task *t) {
    rask_return_i64(t, ((const number *)rask_arg_object(t, 0, &sealed_type))->value);
}
static void an_object_in_the_place_of_another_is_not_the_same(void) {
    enum { N = 20 };
    rask_future f[N];
    for (int i = 0; i < N; i++) {
        f[i] = pure(number_of, RASK_ARGS(number_new(i, &sealed_type)));
        CHECK_I64(f[i], i);
    }
    CHECK_OK(rask_release_all(f, N));
}

static void a_pure_client_and_impure_submits(void) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.flags = RASK_CLIENT_PURE;
    options.n_workers = 2;
    rask_client lazy = rask_client_open(&options);
    CHECK(lazy.id != 0);
    rask_submit_options impure = RASK_SUBMIT_OPTIONS_INIT;
    impure.flags = RASK_IMPURE;
    rask_future a = rask_submit(lazy, counted, RASK_ARGS(1)), b = rask_submit(lazy, counted, RASK_ARGS(1)),
                c = rask_submit_with(lazy, counted, RASK_ARGS(1), &impure),
                d = rask_submit_with(lazy, counted, RASK_ARGS(1), &impure), m[4];
    check_same(a, b);
    check_different(a, c);
    check_different(c, d);
    CHECK_OK(rask_map(lazy, counted, RASK_ARGS(1, 2, 1, 3), NULL, m));
    check_same(a, m[0]);
    check_same(a, m[2]);
    check_different(a, m[1]);
    CHECK_OK(rask_release_all(m, 4));
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b, c, d)));
    CHECK_OK(rask_client_close(lazy));
}

static void a_name_does_not_make_it_another_computation(void) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.flags = RASK_PURE;
    options.name = "one";
    rask_future a = rask_submit_with(client, counted, RASK_ARGS(1), &options);
    options.name = "two";
    rask_future b = rask_submit_with(client, counted, RASK_ARGS(1), &options);
    check_same(a, b);
    CHECK_STR_CONTAINS(rask_future_key(b), "one-");
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
}

static void the_key_of_a_pure_future_can_be_given(void) {
    rask_future a = pure(counted, RASK_ARGS(1));
    char key[256];
    snprintf(key, sizeof key, "%s", rask_future_key(a));
    rask_future same = keyed(key, counted, RASK_ARGS(1)), other = keyed(key, counted, RASK_ARGS(2));
    check_same(a, same);
    CHECK_FAILS(other, RASK_E_EXISTS);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, same, other)));
}

/* ---- many threads ---- */

enum { THREADS = 4, NUMBERS = 50 };
static atomic_int runs_of[NUMBERS];
static void run_of(rask_task *t) {
    int64_t number = rask_arg_i64(t, 0);
    atomic_fetch_add(&runs_of[number], 1);
    rask_return_i64(t, number);
}

static void *submit_all(void *context) {
    rask_future *futures = context;
    for (int i = 0; i < NUMBERS; i++)
        futures[i] = pure(run_of, RASK_ARGS(i));
    return NULL;
}
static void threads_share_one_run(void) {
    rask_future futures[THREADS][NUMBERS];
    pthread_t threads[THREADS];
    for (int i = 0; i < NUMBERS; i++)
        atomic_store(&runs_of[i], 0);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start_thread(submit_all, futures[i]);
    for (int i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    for (int i = 0; i < NUMBERS; i++) {
        for (int j = 0; j < THREADS; j++)
            CHECK_I64(futures[j][i], i);
        CHECK_EQ(atomic_load(&runs_of[i]), 1);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_OK(rask_release_all(futures[i], NUMBERS));
}

/* Whoever gets a future gets one that ends with the number, however often others release theirs. */
static void *submit_and_release(void *context) {
    uint64_t random = (uint64_t)(uintptr_t)context;
    for (size_t i = 0, n = scaled(20000); i < n; i++) {
        int64_t number = (int64_t)(random_next(&random) % 5);
        char key[16];
        snprintf(key, sizeof key, "k%d", (int)number);
        rask_future f = random_next(&random) % 2 ? pure(run_of, RASK_ARGS(number))
                                                 : keyed(key, run_of, RASK_ARGS(number));
        if (random_next(&random) % 3)
            CHECK_I64(f, number);
        CHECK_OK(rask_release(f));
    }
    return NULL;
}
static void submits_against_releases(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start_thread(submit_and_release, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < THREADS; i++)
        join_thread(threads[i]);
}

/* The destructor of an argument that is not needed submits the very same. */
static rask_future from_destructor;
static void submit_same(void *object) {
    (void)object;
    if (from_destructor.id == 0)
        from_destructor = keyed("k", counted, RASK_ARGS("same"));
}
static const rask_type submitting_type = {sizeof(rask_type), "submitting", submit_same, NULL, NULL, NULL};
static void a_destructor_submits_under_the_same_key(void) {
    int object;
    from_destructor.id = 0;
    rask_future f =
        keyed("k", counted, RASK_ARGS("same", rask_object(&object, &submitting_type), (rask_future){99}));
    CHECK_FAILS(f, RASK_E_HANDLE);
    rask_future g = keyed("k", counted, RASK_ARGS("same"));
    check_same(from_destructor, g);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g, from_destructor)));
}

int main(void) {
    RUN_WITH(2, a_given_key_is_the_futures_key);
    RUN_WITH(2, the_task_knows_its_key);
    RUN_WITH(2, the_same_key_is_the_same_future);
    RUN_WITH(2, the_same_key_while_it_is_pending);
    RUN_WITH(2, a_released_key_runs_again);
    RUN_WITH(2, another_function_or_argument_is_refused);
    RUN_WITH(2, keys_are_kept_apart_by_client);
    RUN_WITH(2, a_key_has_1_to_65536_bytes);
    RUN_WITH(2, a_name_leaves_room_for_the_rest_of_the_key);
    RUN_WITH(2, the_key_of_a_future_that_was_given_none);
    RUN_WITH(2, the_key_it_would_have_had_anyhow);
    RUN_WITH(2, a_wrong_submit_does_not_hold_its_key);
    RUN_WITH(2, what_is_handed_over_is_taken_also_by_a_second_submit);
    RUN_WITH(1, a_cancelled_future_still_holds_its_key);
    RUN_WITH(2, equal_pure_submits_share_one_run);
    RUN_WITH(2, arguments_differ_by_kind_and_place);
    RUN_WITH(2, bytes_are_equal_by_content_however_given);
    RUN_WITH(2, lists_of_futures_and_lists_with_futures_are_equal);
    RUN_WITH(2, pure_on_pure_is_equal_by_key);
    RUN_WITH(2, errors_are_shared_too);
    RUN_WITH(2, objects_are_equal_by_what_encode_writes);
    RUN_WITH(2, an_encode_says_why_it_fails);
    RUN_WITH(1, an_object_in_the_place_of_another_is_not_the_same);
    RUN(a_pure_client_and_impure_submits);
    RUN_WITH(2, a_name_does_not_make_it_another_computation);
    RUN_WITH(2, the_key_of_a_pure_future_can_be_given);
    RUN_WITH(4, threads_share_one_run);
    RUN_WITH(2, submits_against_releases);
    RUN_WITH(2, a_destructor_submits_under_the_same_key);
    return 0;
}
