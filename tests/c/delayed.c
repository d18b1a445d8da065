/* Lazy graphs: nothing runs before it is computed; computing runs each needed part once, as
 * often as wanted. */
#include "lazy.h"

/* ---- what a graph is ---- */

static void nothing_runs_before_it_is_computed(void) {
    atomic_int runs = 0;
    rask_delayed d = call(count_and_add, RASK_ARGS(&runs, 1, 2));
    sleep_us(2000);
    CHECK_EQ(atomic_load(&runs), 0);
    COMPUTES(d, 3);
    CHECK_EQ(atomic_load(&runs), 1);
    COMPUTES(d, 3);
    CHECK_EQ(atomic_load(&runs), 2);
    drop(d);
}

static void common_parts_run_once(void) {
    atomic_int x_runs = 0, y_runs = 0, z_runs = 0;
    rask_delayed x = call(count_and_add, RASK_ARGS(&x_runs, 1)),
                 y = call(count_and_add, RASK_ARGS(&y_runs, x, x)),
                 z = call(count_and_add, RASK_ARGS(&z_runs, x, y, y, x));
    COMPUTES(z, 6);
    CHECK_EQ(atomic_load(&x_runs), 1);
    CHECK_EQ(atomic_load(&y_runs), 1);
    rask_future f[3];
    CHECK_OK(rask_compute_all(client, DELAYEDS(z, x, y), f));
    CHECK_I64(f[0], 6);
    CHECK_I64(f[1], 1);
    CHECK_I64(f[2], 2);
    CHECK_EQ(atomic_load(&x_runs), 2);
    CHECK_EQ(atomic_load(&y_runs), 2);
    CHECK_EQ(atomic_load(&z_runs), 2);
    CHECK_OK(rask_release_all(f, 3));
    DROP_ALL(x, y, z);
}

static void what_is_not_needed_does_not_run(void) {
    atomic_int runs = 0, needless = 0;
    rask_delayed x = call(count_and_add, RASK_ARGS(&runs, 1)),
                 wanted = call(count_and_add, RASK_ARGS(&runs, x)),
                 unwanted = call(count_and_add, RASK_ARGS(&needless, x)),
                 above = call(count_and_add, RASK_ARGS(&needless, wanted, unwanted));
    COMPUTES(wanted, 1);
    CHECK_EQ(atomic_load(&runs), 2);
    CHECK_EQ(atomic_load(&needless), 0);
    DROP_ALL(x, wanted, unwanted, above);
}

static void what_only_fails_anyhow_needs_nothing(void) {
    atomic_int runs = 0;
    rask_delayed x = call(count_and_add, RASK_ARGS(&runs, 1)), bad = call(NULL, RASK_NO_ARGS),
                 d = call(count_and_add, RASK_ARGS(&runs, x, bad));
    COMPUTE_FAILS(d, RASK_E_INVALID, "NULL");
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 0);
    DROP_ALL(x, bad, d);
}

static void parts_outlive_their_handles(void) {
    rask_delayed x = call(inc, RASK_ARGS(1)), y = call(add, RASK_ARGS(x, x));
    drop(x);
    rask_delayed z = call(add, RASK_ARGS(y, 10));
    drop(y);
    COMPUTES(z, 14);
    COMPUTES(z, 14);
    drop(z);
}

static void a_future_outlives_its_delayed(void) {
    gate *g = gate_new();
    rask_delayed x = call(held, RASK_ARGS(rask_pointer(g), 5)), y = call(inc, RASK_ARGS(x));
    rask_future f = rask_compute(client, y);
    DROP_ALL(x, y);
    gate_open(g);
    CHECK_I64(f, 6);
    CHECK_OK(rask_release(f));
}

static void every_kind_of_argument(void) {
    probe p = {0};
    rask_delayed one = call(inc, RASK_ARGS(0));
    rask_delayed kinds[] = {
        call(pass_on, RASK_ARGS(rask_none())),
        call(pass_on, RASK_ARGS(7)),
        call(pass_on, RASK_ARGS(2.5)),
        call(pass_on, RASK_ARGS("a text that does not fit into a value itself")),
        call(pass_on, RASK_ARGS(rask_bytes("abc", 3))),
        call(pass_on, RASK_ARGS(rask_pointer(&p))),
        call(pass_on, RASK_ARGS(rask_object(&p, &probe_type))),
        call(pass_on, RASK_ARGS(rask_list(RASK_ARGS(1, rask_list(RASK_ARGS(2, "three")))))),
        call(pass_on, RASK_ARGS(rask_list(RASK_ARGS(one, rask_list(RASK_ARGS(one, 2)))))),
        call(pass_on, RASK_ARGS(rask_list(NULL, 0))),
        call(add, RASK_ARGS(1, one)),
    };
    enum { N = sizeof kinds / sizeof *kinds };
    for (int round = 0; round < 3; round++) {
        rask_future f[N];
        const rask_value *v[N];
        CHECK_OK(rask_compute_all(client, kinds, N, f));
        CHECK_OK(rask_gather(f, N, LONG_NS, v, NULL));
        CHECK_EQ(rask_value_kind(v[0]), RASK_NONE);
        int64_t i = 0;
        double d = 0;
        const void *data = NULL;
        size_t size = 0;
        void *pointer = NULL;
        CHECK_OK(rask_value_i64(v[1], &i));
        CHECK_EQ(i, 7);
        CHECK_OK(rask_value_f64(v[2], &d));
        CHECK(d == 2.5);
        CHECK_OK(rask_value_bytes(v[3], &data, &size));
        CHECK_STR_EQ((const char *)data, "a text that does not fit into a value itself");
        CHECK_OK(rask_value_bytes(v[4], &data, &size));
        CHECK_EQ(size, 3);
        CHECK_OK(rask_value_pointer(v[5], &pointer));
        CHECK(pointer == &p);
        CHECK_OK(rask_value_object(v[6], &probe_type, &pointer));
        CHECK(pointer == &p);
        CHECK_EQ(rask_value_count(v[7]), 2);
        CHECK_OK(rask_value_bytes(rask_value_at(rask_value_at(v[7], 1), 1), &data, &size));
        CHECK_STR_EQ((const char *)data, "three");
        CHECK_OK(rask_value_i64(rask_value_at(rask_value_at(v[8], 1), 0), &i));
        CHECK_EQ(i, 1);
        CHECK_EQ(rask_value_kind(v[9]), RASK_LIST);
        CHECK_I64(f[10], 2);
        CHECK_OK(rask_release_all(f, N));
    }
    CHECK_EQ(destroyed(&p), 0);
    for (size_t k = 0; k < N; k++)
        drop(kinds[k]);
    drop(one);
    EVENTUALLY(destroyed(&p) == 1);
}

static void lists_of_parts(void) {
    enum { N = 300 };
    rask_delayed parts[N];
    rask_arg items[N];
    for (int i = 0; i < N; i++) {
        parts[i] = call(inc, RASK_ARGS(i));
        items[i] = rask_lazy(parts[i]);
    }
    rask_delayed all = call(sum_list, RASK_ARGS(rask_list(items, N))),
                 nested = call(sum_list, RASK_ARGS(rask_list(RASK_ARGS(1, rask_list(items, N)))));
    COMPUTES(all, N * (N + 1) / 2);
    COMPUTES(nested, N * (N + 1) / 2 + 1);
    for (int i = 0; i < N; i++)
        drop(parts[i]);
    COMPUTES(nested, N * (N + 1) / 2 + 1);
    DROP_ALL(all, nested);
}

static void low_bits(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) & 0xffff); }

/* More parts than are published at a time, with edges of all lengths. */
static void large_graphs(void) {
    size_t n = scaled(20000) < 5000 ? 5000 : 20000;
    rask_delayed *d = malloc(n * sizeof *d);
    int64_t *want = malloc(n * sizeof *want);
    CHECK(d && want);
    uint64_t seed = 7;
    for (size_t i = 0; i < n; i++) {
        if (i < 10) {
            d[i] = call(inc, RASK_ARGS((int64_t)i));
            want[i] = (int64_t)i + 1;
            continue;
        }
        size_t near = i - 1 - random_next(&seed) % 8, far = random_next(&seed) % i;
        if (random_next(&seed) % 4 == 0) {
            rask_arg list = rask_list(RASK_ARGS(d[near], rask_list(RASK_ARGS(d[far], 3))));
            d[i] = call(sum_list, &list, 1);
            want[i] = (int64_t)(((uint64_t)want[near] + (uint64_t)want[far] + 3) & 0xffff);
            rask_delayed whole = d[i];
            d[i] = call(low_bits, RASK_ARGS(whole));
            drop(whole);
        } else {
            rask_delayed whole = call(add, RASK_ARGS(d[near], d[far]));
            d[i] = call(low_bits, RASK_ARGS(whole));
            drop(whole);
            want[i] = (int64_t)(((uint64_t)want[near] + (uint64_t)want[far]) & 0xffff);
        }
    }
    rask_future *f = malloc(n * sizeof *f);
    CHECK(f != NULL);
    for (int round = 0; round < 2; round++) {
        CHECK_OK(rask_compute_all(client, d, n, f));
        for (size_t i = 0; i < n; i++)
            CHECK_I64(f[i], want[i]);
        CHECK_OK(rask_release_all(f, n));
        COMPUTES(d[n - 1], want[n - 1]);
    }
    for (size_t i = 0; i < n; i++)
        drop(d[i]);
    free(f);
    free(d);
    free(want);
}
/* ---- futures in a graph ---- */

static void futures_are_inputs(void) {
    gate *g = gate_new();
    rask_future pending = submit_held(client, g, 5), done = rask_scatter(client, rask_i64(7));
    rask_delayed d = call(add, RASK_ARGS(pending, done)),
                 list = call(sum_list, RASK_ARGS(rask_list_of(RASK_FUTURES(pending, done, pending)))),
                 e = call(add, RASK_ARGS(d, list));
    CHECK_OK(rask_release_all(RASK_FUTURES(pending, done)));
    rask_future f = rask_compute(client, e);
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    gate_open(g);
    CHECK_I64(f, 29);
    CHECK_OK(rask_release(f));
    COMPUTES(e, 29);
    DROP_ALL(d, list, e);
}

static void add_to_size(rask_task *t) {
    size_t size;
    CHECK(rask_arg_bytes(t, 1, &size));
    rask_return_i64(t, rask_arg_i64(t, 0) + (int64_t)size);
}

static rask_delayed graph_over(rask_future number, rask_future bytes) {
    rask_delayed d = call(inc, RASK_ARGS(number));
    for (int i = 0; i < 20; i++) {
        rask_delayed e = call(add_to_size, RASK_ARGS(d, bytes)), both = call(add, RASK_ARGS(e, number));
        DROP_ALL(d, e);
        d = both;
    }
    return d;
}

/* Computed while one is pending, and when all are finished; in another client, and then again. */
static void futures_are_inputs_of_larger_graphs(void) {
    gate *g = gate_new();
    rask_future number = submit_held(client, g, 5), bytes = rask_scatter(client, rask_str("seven7!"));
    rask_client other = rask_client_open(NULL);
    for (int is_finished = 0; is_finished < 2; is_finished++) {
        rask_delayed d = graph_over(number, bytes);
        rask_future f = rask_compute(client, d), foreign = rask_compute(other, d);
        CHECK_FAILS(foreign, RASK_E_HANDLE);
        if (!is_finished) {
            CHECK_EQ(rask_future_state(f), RASK_PENDING);
            gate_open(g);
        }
        CHECK_I64(f, 6 + 20 * 12);
        CHECK_OK(rask_release_all(RASK_FUTURES(f, foreign)));
        for (int i = 0; i < 3; i++)
            COMPUTES(d, 6 + 20 * 12);
        foreign = rask_compute(other, d);
        CHECK_FAILS(foreign, RASK_E_HANDLE);
        CHECK_OK(rask_release(foreign));
        COMPUTES(d, 6 + 20 * 12);
        drop(d);
    }
    CHECK_OK(rask_release_all(RASK_FUTURES(number, bytes)));
    CHECK_OK(rask_client_close(other));
}

static void taken_futures(void) {
    probe p = {0};
    rask_future f = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    rask_delayed d = call(nothing, RASK_ARGS(rask_take(f)));
    CHECK_STATUS(rask_release(f), RASK_E_HANDLE);
    for (int i = 0; i < 2; i++) {
        rask_future g = rask_compute(client, d);
        CHECK_OK(rask_wait(&g, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_release(g));
    }
    CHECK_EQ(destroyed(&p), 0);
    drop(d);
    EVENTUALLY(destroyed(&p) == 1);
}

static void failed_futures_fail_what_takes_them(void) {
    atomic_int runs = 0;
    rask_future bad = submit_named(client, "root", fail, RASK_ARGS(7, "rotten"));
    rask_delayed d = call(count_and_add, RASK_ARGS(&runs, bad)), e = call(inc, RASK_ARGS(d));
    for (int i = 0; i < 2; i++) {
        rask_future f = rask_compute(client, e);
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_EQ(ERROR_OF(f).code, 7);
        CHECK_STR_CONTAINS(ERROR_OF(f).origin, "root-");
        CHECK_OK(rask_release(f));
    }
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_OK(rask_release(bad));
    DROP_ALL(d, e);
}

static void futures_of_another_client(void) {
    rask_client other = open_workers(1);
    rask_future theirs = rask_submit(other, inc, RASK_ARGS(1));
    rask_delayed d = call(inc, RASK_ARGS(theirs)), e = call(add, RASK_ARGS(d, 1));
    rask_future f = rask_compute(client, e), g = rask_compute(other, e);
    CHECK_FAILS(f, RASK_E_HANDLE);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "another client");
    CHECK_I64(g, 4);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g, theirs)));
    DROP_ALL(d, e);
    CHECK_OK(rask_client_close(other));
}

static void two_clients_compute_one_graph(void) {
    rask_client other = open_workers(2);
    rask_delayed d = call(inc, RASK_ARGS(1)), e = call(add, RASK_ARGS(d, d));
    for (int i = 0; i < 3; i++) {
        rask_future f = rask_compute(client, e), g = rask_compute(other, e);
        CHECK_I64(f, 4);
        CHECK_I64(g, 4);
        CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    }
    CHECK_OK(rask_client_close(other));
    COMPUTES(e, 4);
    DROP_ALL(d, e);
}

/* ---- mistakes ---- */

static void mistakes_appear_when_computed(void) {
    probe p = {0};
    atomic_int runs = 0;
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.flags = 1u << 30;
    rask_future stale = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(stale));
    rask_delayed gone = call(inc, RASK_ARGS(1));
    drop(gone);
    rask_arg reserved = rask_i64(1);
    reserved.reserved = 1;
    rask_arg unknown = rask_i64(1), shared = rask_i64(1);
    unknown.kind = 99;
    shared.kind = 13;
    struct {
        rask_delayed d;
        rask_status status;
        const char *words;
    } wrong[] = {
        {call(NULL, RASK_ARGS(rask_object(&p, &probe_type))), RASK_E_INVALID, "function"},
        {call(inc, NULL, 3), RASK_E_INVALID, "NULL"},
        {call(inc, RASK_ARGS(rask_list(NULL, 2), rask_object(&p, &probe_type))), RASK_E_INVALID,
         "argument 0"},
        {call(inc, RASK_ARGS(rask_object(&p, &probe_type), stale)), RASK_E_HANDLE, "argument 1"},
        {call(inc, RASK_ARGS(1, rask_take(stale))), RASK_E_HANDLE, "argument 1"},
        {call(inc, RASK_ARGS(gone)), RASK_E_HANDLE, "argument 0"},
        {call(inc, RASK_ARGS(rask_lazy((rask_delayed){0}))), RASK_E_HANDLE, "null"},
        {call(inc, RASK_ARGS(rask_lazy((rask_delayed){client.id}))), RASK_E_HANDLE, "another kind"},
        {call(inc, RASK_ARGS(rask_list(RASK_ARGS(1, rask_list(RASK_ARGS(2, gone)))))), RASK_E_HANDLE,
         "argument 0: item 1: item 1"},
        {call(inc, RASK_ARGS(rask_list_of(RASK_FUTURES(stale)))), RASK_E_HANDLE, "item 0"},
        {call(inc, RASK_ARGS(rask_str(NULL))), RASK_E_INVALID, "NULL"},
        {call(inc, RASK_ARGS(rask_bytes(NULL, 5))), RASK_E_INVALID, "NULL"},
        {call(inc, RASK_ARGS(rask_object(NULL, &probe_type))), RASK_E_INVALID, "NULL"},
        {call(inc, &reserved, 1), RASK_E_INVALID, "reserved"},
        {call(inc, &unknown, 1), RASK_E_INVALID, "kind"},
        {call(inc, &shared, 1), RASK_E_INVALID, "kind"},
        {rask_delayed_call(inc, RASK_ARGS(1), &options), RASK_E_INVALID, "flags"},
    };
    enum { N = sizeof wrong / sizeof *wrong };
    CHECK_EQ(destroyed(&p), 3);
    for (size_t i = 0; i < N; i++) {
        rask_delayed above = call(count_and_add, RASK_ARGS(&runs, wrong[i].d));
        COMPUTE_FAILS(wrong[i].d, wrong[i].status, wrong[i].words);
        COMPUTE_FAILS(above, wrong[i].status, wrong[i].words);
        COMPUTE_FAILS(above, wrong[i].status, wrong[i].words);
        drop(above);
        drop(wrong[i].d);
    }
    CHECK_EQ(atomic_load(&runs), 0);
}

static void the_lowest_mistake_counts(void) {
    rask_delayed a = call(inc, RASK_ARGS(rask_str(NULL))), b = call(NULL, RASK_NO_ARGS),
                 ab = call(add, RASK_ARGS(a, b)), ba = call(add, RASK_ARGS(b, a)),
                 up = call(inc, RASK_ARGS(ba));
    rask_future f[5];
    CHECK_OK(rask_compute_all(client, DELAYEDS(a, b, ab, ba, up), f));
    CHECK_STR_CONTAINS(ERROR_OF(f[2]).message, "text");
    CHECK_STR_CONTAINS(ERROR_OF(f[3]).message, "function");
    CHECK_STR_CONTAINS(ERROR_OF(f[4]).message, "function");
    CHECK_STR_EQ(ERROR_OF(f[4]).origin, rask_future_key(f[1]));
    CHECK_OK(rask_release_all(f, 5));
    DROP_ALL(a, b, ab, ba, up);
}

static void bad_handles(void) {
    rask_delayed d = call(inc, RASK_ARGS(1)), gone = call(inc, RASK_ARGS(1));
    drop(gone);
    CHECK_STATUS(rask_delayed_release(gone), RASK_E_HANDLE);
    CHECK_OK(rask_delayed_release((rask_delayed){0}));
    CHECK_STATUS(rask_delayed_release((rask_delayed){client.id}), RASK_E_HANDLE);
    CHECK_STATUS(rask_delayed_release((rask_delayed){UINT64_MAX}), RASK_E_HANDLE);
    CHECK_STATUS(rask_release((rask_future){d.id}), RASK_E_HANDLE);
    COMPUTE_FAILS(gone, RASK_E_HANDLE, "delayed");
    COMPUTE_FAILS((rask_delayed){0}, RASK_E_HANDLE, "null");
    COMPUTE_FAILS((rask_delayed){client.id}, RASK_E_HANDLE, "delayed");
    rask_future f[3] = {{1}, {1}, {1}};
    CHECK_EQ(rask_compute((rask_client){0}, d).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
    CHECK_EQ(rask_compute((rask_client){d.id}, d).id, 0);
    CHECK_STATUS(rask_compute_all((rask_client){12345}, DELAYEDS(d, d, gone), f), RASK_E_HANDLE);
    CHECK_EQ(f[0].id | f[1].id | f[2].id, 0);
    CHECK_STATUS(rask_compute_all(client, NULL, 3, f), RASK_E_INVALID);
    CHECK_EQ(f[0].id | f[1].id | f[2].id, 0);
    CHECK_STATUS(rask_compute_all(client, DELAYEDS(d), NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_compute_all(client, &d, SIZE_MAX / 2, f), RASK_E_INVALID);
    CHECK_OK(rask_compute_all(client, NULL, 0, NULL));
    CHECK_STATUS(rask_compute_all((rask_client){0}, NULL, 0, NULL), RASK_E_HANDLE);
    CHECK_OK(rask_compute_all(client, DELAYEDS(d, gone, d), f));
    CHECK_I64(f[0], 2);
    CHECK_FAILS(f[1], RASK_E_HANDLE);
    CHECK_I64(f[2], 2);
    CHECK(f[0].id != f[2].id);
    CHECK_STR_EQ(rask_future_key(f[0]), rask_future_key(f[2]));
    CHECK_OK(rask_release_all(f, 3));
    rask_future s = rask_submit(client, inc, RASK_ARGS(d));
    CHECK_FAILS(s, RASK_E_INVALID);
    CHECK_OK(rask_release(s));
    drop(d);
}

static void a_closed_client(void) {
    rask_client other = open_workers(1);
    rask_delayed d = call(inc, RASK_ARGS(1));
    CHECK_OK(rask_client_close(other));
    rask_future f[1] = {{1}};
    CHECK_EQ(rask_compute(other, d).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
    CHECK_STATUS(rask_compute_all(other, &d, 1, f), RASK_E_CLOSED);
    CHECK_EQ(f[0].id, 0);
    drop(d);
}

/* ---- size ---- */

static void a_deep_graph(void) {
    size_t n = scaled(1000000);
    rask_delayed d = call(inc, RASK_ARGS(0));
    for (size_t i = 0; i < n; i++) {
        rask_delayed next = call(inc, RASK_ARGS(d));
        drop(d);
        d = next;
    }
    COMPUTES(d, (int64_t)n + 1);
    COMPUTES(d, (int64_t)n + 1);
    drop(d);
}

static void first_of_two(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }

static void a_deep_graph_without_chains(void) {
    size_t n = scaled(1000000);
    rask_delayed d = call(inc, RASK_ARGS(0));
    for (size_t i = 0; i < n; i++) {
        rask_delayed next = call(first_of_two, RASK_ARGS(d, d));
        drop(d);
        d = next;
    }
    COMPUTES(d, (int64_t)n + 1);
    gate *g = gate_new();
    rask_delayed bad = call(held_fail, RASK_ARGS(rask_pointer(g), 7, "rotten")), e = bad;
    for (size_t i = 0; i < n; i++) {
        rask_delayed next = call(first_of_two, RASK_ARGS(e, e));
        if (i > 0)
            drop(e);
        e = next;
    }
    rask_future f = rask_compute(client, e), unwanted = rask_compute(client, e);
    CHECK_OK(rask_release(unwanted));
    gate_open(g);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_release(f));
    DROP_ALL(d, bad, e);
}

static void a_wide_graph(void) {
    size_t n = scaled(10000000);
    rask_delayed *d = malloc(n * sizeof *d);
    rask_arg *items = malloc(n * sizeof *items);
    CHECK(d && items);
    rask_delayed root = call(inc, RASK_ARGS(0));
    for (size_t i = 0; i < n; i++) {
        d[i] = call(add, RASK_ARGS(root, 1));
        items[i] = rask_lazy(d[i]);
    }
    rask_delayed sum = call(sum_list, RASK_ARGS(rask_list(items, n)));
    for (size_t i = 0; i < n; i++)
        drop(d[i]);
    free(items);
    free(d);
    COMPUTES(sum, 2 * (int64_t)n);
    DROP_ALL(root, sum);
}

static void a_graph_never_computed(void) {
    size_t n = scaled(10000000);
    rask_delayed d = call(inc, RASK_ARGS(0));
    for (size_t i = 0; i < n; i++) {
        rask_delayed next = call(inc, RASK_ARGS(d));
        drop(d);
        d = next;
    }
    drop(d);
}

static void each_part_of_a_chain_computed(void) {
    size_t n = small_scale() ? 100 : 1000;
    rask_delayed *d = malloc(n * sizeof *d);
    CHECK(d != NULL);
    d[0] = call(inc, RASK_ARGS(0));
    for (size_t i = 1; i < n; i++)
        d[i] = call(inc, RASK_ARGS(d[i - 1]));
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < n; i++)
            COMPUTES(d[i], (int64_t)i + 1);
    for (size_t i = 0; i < n; i++)
        drop(d[i]);
    free(d);
}

static void releasing_an_output_forgets_what_only_it_needed(void) {
    probe p = {0};
    rask_delayed x = call(inc, RASK_ARGS(1)), y = call(pass_on, RASK_ARGS(x, rask_object(&p, &probe_type)));
    rask_future f[2];
    for (int i = 0; i < 2; i++) {
        CHECK_OK(rask_compute_all(client, DELAYEDS(x, y), f));
        CHECK_I64(f[1], 2);
        CHECK_OK(rask_release_all(f, 2));
    }
    drop(y);
    EVENTUALLY(destroyed(&p) == 1); /* though x was computed together with it */
    COMPUTES(x, 2);
    drop(x);
}

static void delayeds_are_live_handles(void) {
    uint64_t before = rask_live_handles();
    rask_delayed x = call(inc, RASK_ARGS(1)), y = call(inc, RASK_ARGS(x));
    CHECK_EQ(rask_live_handles(), before + 2);
    drop(x);
    CHECK_EQ(rask_live_handles(), before + 1);
    rask_future f = rask_compute(client, y);
    CHECK_EQ(rask_live_handles(), before + 2);
    CHECK_I64(f, 3);
    CHECK_OK(rask_release(f));
    drop(y);
    CHECK_EQ(rask_live_handles(), before);
}

int main(void) {
    RUN_WITH(2, nothing_runs_before_it_is_computed);
    RUN_WITH(2, common_parts_run_once);
    RUN_WITH(2, what_is_not_needed_does_not_run);
    RUN_WITH(2, what_only_fails_anyhow_needs_nothing);
    RUN_WITH(2, parts_outlive_their_handles);
    RUN_WITH(2, a_future_outlives_its_delayed);
    RUN_WITH(2, every_kind_of_argument);
    RUN_WITH(2, lists_of_parts);
    RUN_WITH(1, large_graphs);
    RUN_WITH(2, large_graphs);
    RUN_WITH(2, futures_are_inputs);
    RUN_WITH(2, futures_are_inputs_of_larger_graphs);
    RUN_WITH(2, taken_futures);
    RUN_WITH(2, failed_futures_fail_what_takes_them);
    RUN_WITH(2, futures_of_another_client);
    RUN_WITH(2, two_clients_compute_one_graph);
    RUN_WITH(2, mistakes_appear_when_computed);
    RUN_WITH(2, the_lowest_mistake_counts);
    RUN_WITH(2, bad_handles);
    RUN(a_closed_client);
    RUN_WITH(2, a_deep_graph);
    RUN_WITH(2, a_deep_graph_without_chains);
    RUN_WITH(2, a_wide_graph);
    RUN(a_graph_never_computed);
    RUN_WITH(2, each_part_of_a_chain_computed);
    RUN_WITH(2, releasing_an_output_forgets_what_only_it_needed);
    RUN_WITH(2, delayeds_are_live_handles);
    return 0;
}
