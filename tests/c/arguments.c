/* What a task reads of its arguments: every kind, and every wrong way. */
#include "check.h"

/* ---- what comes in ---- */

static int here;

static void read_every_kind(rask_task *t) {
    size_t size = 77;
    CHECK_EQ(rask_arg_count(t), 8);
    CHECK_EQ(rask_arg_i64(t, 0), -5);
    CHECK(rask_arg_f64(t, 1) == 2.5);
    CHECK(rask_arg_f64(t, 0) == -5.0);
    CHECK_STR_EQ((const char *)rask_arg_bytes(t, 2, &size), "text");
    CHECK_EQ(size, 4);
    CHECK_STR_EQ(rask_arg_str(t, 2), "text");
    CHECK(memcmp(rask_arg_bytes(t, 3, &size), "a\0b", 4) == 0);
    CHECK_EQ(size, 3);
    CHECK(rask_arg_pointer(t, 4) == &here);
    CHECK_EQ(rask_value_kind(rask_arg_value(t, 5)), RASK_NONE);
    CHECK(rask_arg_object(t, 6, &probe_type) != NULL);
    CHECK_EQ(destroyed((probe *)rask_arg_object(t, 6, &probe_type)), 0);
    CHECK_EQ(rask_arg_i64(t, 7), 41);
    static const rask_kind kinds[] = {RASK_I64,     RASK_F64,  RASK_BYTES,  RASK_BYTES,
                                      RASK_POINTER, RASK_NONE, RASK_OBJECT, RASK_I64};
    for (size_t i = 0; i < 8; i++)
        CHECK_EQ(rask_value_kind(rask_arg_value(t, i)), kinds[i]);
    rask_return_i64(t, rask_arg_i64(t, 7) + 1);
}

static void every_kind_arrives(void) {
    probe p = {0};
    rask_future x = rask_submit(client, pass_on, RASK_ARGS(41));
    rask_future f = rask_submit(client, read_every_kind,
                                RASK_ARGS(-5, 2.5, "text", rask_bytes("a\0b", 3), rask_pointer(&here),
                                          rask_none(), rask_object(&p, &probe_type), x));
    CHECK_I64(f, 42);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(destroyed(&p), 1);
}

static void read_generic(rask_task *t) {
    CHECK_EQ(rask_arg_count(t), 7);
    CHECK_EQ(rask_arg_i64(t, 0), 1);
    CHECK_EQ(rask_arg_i64(t, 1), 1LL << 40);
    CHECK_EQ(rask_arg_i64(t, 2), INT64_MIN);
    CHECK(rask_arg_f64(t, 3) == 0.5);
    CHECK_STR_EQ(rask_arg_str(t, 4), "const");
    CHECK_STR_EQ(rask_arg_str(t, 5), "not const");
    CHECK_EQ(rask_arg_i64(t, 6), 9);
}

static void args_pick_the_right_kind(void) {
    int i = 1;
    long long wide = 1LL << 40;
    int64_t low = INT64_MIN;
    double half = 0.5;
    const char *text = "const";
    char own[] = "not const";
    char *mine = own;
    rask_arg nine = rask_i64(9);
    rask_future f = rask_submit(client, read_generic, RASK_ARGS(i, wide, low, half, text, mine, nine));
    CHECK_OK(rask_result(f, LONG_NS, &(const rask_value *){NULL}));
    CHECK_OK(rask_release(f));
}

/* What the header says of the fields, for bindings. */
static void arguments_may_be_written_by_hand(void) {
    probe p = {0};
    double half = 2.5;
    uint64_t bits;
    memcpy(&bits, &half, sizeof bits);
    rask_future x = rask_submit(client, pass_on, RASK_ARGS(41));
    rask_future taken = rask_clone(x);
    const rask_arg args[] = {
        {RASK_I64, 0, (uint64_t)-5, 0, NULL},
        {RASK_F64, 0, bits, 0, NULL},
        rask_str("text"),
        rask_bytes("a\0b", 3),
        {RASK_POINTER, 0, (uint64_t)(uintptr_t)&here, 0, NULL},
        {RASK_NONE, 0, 0, 0, NULL},
        {RASK_OBJECT, 0, (uint64_t)(uintptr_t)&p, 0, &probe_type},
        {RASK_ARG_FUTURE, 0, x.id, 0, NULL},
    };
    rask_future f = rask_submit(client, read_every_kind, args, 8);
    rask_future g = rask_submit(client, pass_on, &(rask_arg){RASK_ARG_TAKE, 0, taken.id, 0, NULL}, 1);
    CHECK_I64(f, 42);
    CHECK_I64(g, 41);
    CHECK_EQ(rask_release(taken), RASK_E_HANDLE);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f, g)));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(destroyed(&p), 1);
}

static void count_args(rask_task *t) {
    int64_t sum = 0;
    for (size_t i = 0; i < rask_arg_count(t); i++)
        sum += rask_arg_i64(t, i);
    rask_return_i64(t, sum * 10000 + (int64_t)rask_arg_count(t));
}

static void any_number_of_arguments(void) {
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33, 100, 1000};
    rask_arg args[1000];
    rask_future inputs[1000];
    for (int i = 0; i < 1000; i++)
        args[i] = rask_i64(i);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = (int64_t)sizes[s];
        rask_future f = rask_submit(client, count_args, args, sizes[s]);
        CHECK_I64(f, n * (n - 1) / 2 * 10000 + n);
        CHECK_OK(rask_release(f));
    }
    for (int i = 0; i < 1000; i++) {
        inputs[i] = rask_submit(client, pass_on, RASK_ARGS(i));
        args[i] = rask_of(inputs[i]);
    }
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = (int64_t)sizes[s];
        rask_future f = rask_submit(client, count_args, args, sizes[s]);
        CHECK_I64(f, n * (n - 1) / 2 * 10000 + n);
        CHECK_OK(rask_release(f));
    }
    CHECK_OK(rask_release_all(inputs, 1000));
}

static void the_same_future_twice(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 21);
    rask_future y = rask_submit(client, add, RASK_ARGS(x, x));
    gate_open(g);
    CHECK_I64(y, 42);
    rask_future z = rask_submit(client, add, RASK_ARGS(x, x));
    CHECK_I64(z, 42);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
}

static void compare_with_old(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    CHECK_STR_EQ(rask_arg_str(t, 1), "short");
    CHECK_STR_EQ(rask_arg_str(t, 2), "long enough to need memory of its own, surely");
    CHECK(memcmp(rask_arg_bytes(t, 3, &(size_t){0}), "12345678901234567890123456789012", 32) == 0);
}

static void bytes_are_copied_by_submit(void) {
    gate *g = gate_new();
    char a[] = "short", b[] = "long enough to need memory of its own, surely";
    char c[] = "12345678901234567890123456789012";
    rask_future f = rask_submit(client, compare_with_old,
                                RASK_ARGS(rask_pointer(g), rask_str(a), rask_str(b), rask_bytes(c, 32)));
    memset(a, '?', sizeof a - 1);
    memset(b, '?', sizeof b - 1);
    memset(c, '?', sizeof c - 1);
    gate_open(g);
    CHECK_OK(rask_result(f, LONG_NS, &(const rask_value *){NULL}));
    CHECK_OK(rask_release(f));
}

static atomic_int freed;
static void free_counted(void *data) {
    atomic_fetch_add(&freed, 1);
    free(data);
}
static char *owned_text(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    CHECK(copy != NULL);
    strcpy(copy, text);
    return copy;
}

static void starts_with_moved(rask_task *t) {
    size_t size = 0;
    const void *data = rask_arg_bytes(t, 0, &size);
    CHECK(size >= 5 && memcmp(data, "moved", 5) == 0);
    rask_return_i64(t, (int64_t)size);
}

static void bytes_are_moved_in(void) {
    atomic_store(&freed, 0);
    char *data = owned_text("moved in, not copied");
    rask_future f =
        rask_submit(client, starts_with_moved, RASK_ARGS(rask_bytes_owned(data, 20, free_counted)));
    CHECK_I64(f, 20);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(atomic_load(&freed), 1);
}

static void moved_bytes_live_with_their_future(void) {
    atomic_store(&freed, 0);
    rask_future f = rask_scatter(client, rask_bytes_owned(owned_text("moved"), 5, free_counted));
    const void *data = NULL;
    size_t size = 0;
    CHECK_OK(rask_result_bytes(f, &data, &size));
    CHECK_EQ(size, 5);
    CHECK(memcmp(data, "moved", 5) == 0);
    rask_future g = rask_submit(client, starts_with_moved, RASK_ARGS(f));
    CHECK_I64(g, 5);
    CHECK_EQ(atomic_load(&freed), 0);
    CHECK_OK(rask_release(g));
    CHECK_OK(rask_release(f));
    EVENTUALLY(atomic_load(&freed) == 1);
}

static void moved_bytes_are_freed_when_submit_fails(void) {
    atomic_store(&freed, 0);
    rask_future f =
        rask_submit(client, NULL, RASK_ARGS(rask_bytes_owned(owned_text("moved"), 5, free_counted)));
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(atomic_load(&freed), 1);
    f = rask_submit(client, inc, RASK_ARGS(rask_bytes_owned(owned_text("moved"), 5, free_counted)));
    CHECK_EQ(f.id, 0);
    CHECK_EQ(atomic_load(&freed), 2);
}

static void malformed_arguments_give_a_future_in_error(void) {
    static const rask_type too_short = {3, "short", probe_destroy, NULL, NULL, NULL};
    probe p = {0};
    rask_arg wrong[8];
    size_t n = 0;
    wrong[n++] = rask_str(NULL);
    wrong[n++] = rask_bytes(NULL, 5);
    wrong[n++] = rask_list(NULL, 2);
    wrong[n++] = rask_list_of(NULL, 2);
    wrong[n++] = rask_object(&p, NULL);
    wrong[n++] = rask_object(&p, &too_short);
    memset(&wrong[n++], 0x7f, sizeof(rask_arg)); /* a kind there is not */
    memset(&wrong[n++], 0xff, sizeof(rask_arg));
    for (size_t i = 0; i < n; i++) {
        rask_future f = rask_submit(client, nothing, &wrong[i], 1);
        CHECK_FAILS(f, RASK_E_INVALID);
        CHECK(ERROR_OF(f).message[0] != 0);
        CHECK_OK(rask_release(f));
        rask_arg args[] = {rask_i64(1), rask_list(&wrong[i], 1)};
        f = rask_submit(client, nothing, args, 2);
        CHECK_FAILS(f, RASK_E_INVALID);
        CHECK_OK(rask_release(f));
    }
}

/* ---- reading wrongly ---- */

static void wrong_reads(rask_task *t) {
    size_t size = 77;
    switch (rask_arg_i64(t, 0)) {
    case 0:
        CHECK_EQ(rask_arg_i64(t, 1), 0);
        break;
    case 1:
        CHECK(rask_arg_f64(t, 1) == 0);
        break;
    case 2:
        CHECK(rask_arg_bytes(t, 3, &size) == NULL && size == 0);
        break;
    case 3:
        CHECK(rask_arg_str(t, 3) == NULL);
        break;
    case 4:
        CHECK(rask_arg_pointer(t, 3) == NULL);
        break;
    case 5:
        CHECK(rask_arg_object(t, 3, &probe_type) == NULL);
        break;
    case 6:
        CHECK_EQ(rask_arg_i64(t, 2), 0);
        break;
    default:
        CHECK(rask_arg_pointer(t, 4) == NULL);
        break;
    }
    rask_return_i64(t, 1); /* too late: the first failure stands */
}

static void a_wrong_read_is_a_type_error(void) {
    for (int which = 0; which < 8; which++) {
        rask_future f = rask_submit(client, wrong_reads, RASK_ARGS(which, "text", 1.5, 3, rask_none()));
        CHECK_FAILS(f, RASK_E_TYPE);
        CHECK_OK(rask_release(f));
    }
}

static void read_seventh_as_i64(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 7)); }

static void a_wrong_read_is_told_in_words(void) {
    rask_future f = submit_named(client, "reads-wrongly", read_seventh_as_i64,
                                 RASK_ARGS(0, 1, 2, 3, 4, 5, 6, "bytes, really"));
    CHECK_FAILS(f, RASK_E_TYPE);
    const char *message = ERROR_OF(f).message;
    CHECK_STR_CONTAINS(message, "reads-wrongly");
    CHECK_STR_CONTAINS(message, "7");
    CHECK_STR_CONTAINS(message, "i64");
    CHECK_STR_CONTAINS(message, "bytes");
    CHECK_OK(rask_release(f));
}

static void reads_another_type(rask_task *t) {
    static const rask_type other = {sizeof(rask_type), "other", probe_destroy, NULL, NULL, NULL};
    CHECK(rask_arg_object(t, 0, &other) == NULL);
}

static void an_object_of_another_type(void) {
    probe p = {0};
    rask_future f = rask_submit(client, reads_another_type, RASK_ARGS(rask_object(&p, &probe_type)));
    CHECK_FAILS(f, RASK_E_TYPE);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "other");
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "probe");
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(destroyed(&p), 1);
}

static void bad_index(rask_task *t) {
    size_t size = 77, index = rask_arg_i64(t, 1) == 0 ? 2 : SIZE_MAX;
    switch (rask_arg_i64(t, 0)) {
    case 0:
        CHECK_EQ(rask_arg_i64(t, index), 0);
        break;
    case 1:
        CHECK(rask_arg_f64(t, index) == 0);
        break;
    case 2:
        CHECK(rask_arg_bytes(t, index, &size) == NULL && size == 0);
        break;
    case 3:
        CHECK(rask_arg_str(t, index) == NULL);
        break;
    case 4:
        CHECK(rask_arg_pointer(t, index) == NULL);
        break;
    case 5:
        CHECK(rask_arg_object(t, index, &probe_type) == NULL);
        break;
    case 6:
        CHECK(rask_arg_value(t, index) == NULL);
        break;
    default:
        rask_return_arg(t, index);
        break;
    }
}

static void a_bad_index_is_invalid(void) {
    for (int which = 0; which < 8; which++) {
        for (int far = 0; far < 2; far++) {
            rask_future f = rask_submit(client, bad_index, RASK_ARGS(which, far));
            CHECK_FAILS(f, RASK_E_INVALID);
            CHECK_OK(rask_release(f));
        }
    }
}

int main(void) {
    RUN_WITH(2, every_kind_arrives);
    RUN_WITH(2, arguments_may_be_written_by_hand);
    RUN_WITH(2, args_pick_the_right_kind);
    RUN_WITH(2, any_number_of_arguments);
    RUN_WITH(2, the_same_future_twice);
    RUN_WITH(2, bytes_are_copied_by_submit);
    RUN_WITH(2, bytes_are_moved_in);
    RUN_WITH(2, moved_bytes_live_with_their_future);
    RUN_WITH(2, moved_bytes_are_freed_when_submit_fails);
    RUN_WITH(2, malformed_arguments_give_a_future_in_error);
    RUN_WITH(2, a_wrong_read_is_a_type_error);
    RUN_WITH(2, a_wrong_read_is_told_in_words);
    RUN_WITH(2, an_object_of_another_type);
    RUN_WITH(2, a_bad_index_is_invalid);
    return 0;
}
