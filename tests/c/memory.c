/* Values that leave memory and come back: what spills, and in which order. */
#include "limited.h"

enum { N = 16, SIZE = 64 * KB };

/* ---- bytes ---- */

static void bytes_spill_and_come_back(void) {
    client = open_limited(2, 4 * SIZE, 0);
    rask_future f[N];
    for (int i = 0; i < N; i++) {
        f[i] = scatter_block(SIZE, i);
        CHECK(held_bytes() <= 4 * SIZE);
    }
    CHECK(spill_file_size() >= (size_t)(N - 4) * SIZE);
    for (int round = 0; round < 2; round++) {
        rask_future ok[N];
        for (int i = 0; i < N; i++)
            ok[i] = rask_submit(client, check_block, RASK_ARGS(f[i], i));
        for (int i = 0; i < N; i++)
            CHECK_I64(ok[i], 1);
        CHECK_OK(rask_release_all(ok, N));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK(held_bytes() <= 4 * SIZE);
    }
    for (int i = 0; i < N; i++) {
        CHECK_BLOCK(f[i], SIZE, i);
        CHECK_OK(rask_release(f[i]));
    }
    CHECK_EQ(held_bytes(), 0);
    CHECK_EQ(spill_file_size(), 0);
    close_limited();
}

static void results_spill(void) {
    client = open_limited(2, 2 * SIZE, 0);
    rask_future f[N], ok[N];
    for (int i = 0; i < N; i++) {
        f[i] = rask_submit(client, make_block, RASK_ARGS((int64_t)SIZE, i));
        ok[i] = rask_submit(client, check_block, RASK_ARGS(f[i], i));
    }
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK(held_bytes() <= 2 * SIZE);
    CHECK(spill_file_size() > 0);
    for (int i = 0; i < N; i++)
        CHECK_I64(ok[i], 1);
    const rask_value *values[N];
    CHECK_OK(rask_gather(f, N, LONG_NS, values, NULL));
    for (int i = 0; i < N; i++) {
        const void *data;
        size_t size;
        CHECK_OK(rask_value_bytes(values[i], &data, &size));
        CHECK(size == SIZE && is_block(data, size, i));
    }
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release_all(ok, N));
    close_limited();
}

static atomic_int freed;
static void free_counted(void *data) {
    atomic_fetch_add(&freed, 1);
    free(data);
}

static void read_text(rask_task *t) {
    const char *text = rask_arg_str(t, 0);
    rask_return_i64(t, text ? (int64_t)strlen(text) : -1);
}

static void moved_in_bytes_end_when_they_leave(void) {
    client = open_limited(1, 1, 0);
    atomic_store(&freed, 0);
    char *text = malloc(5000);
    CHECK(text != NULL);
    memset(text, 'x', 5000);
    rask_future f = rask_scatter(client, rask_bytes_owned(text, 5000, free_counted));
    CHECK_EQ(atomic_load(&freed), 1);
    rask_future n = rask_submit(client, read_text, RASK_ARGS(f));
    CHECK_I64(n, 5000);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, n)));
    CHECK_EQ(atomic_load(&freed), 1);
    close_limited();
}

static void lent_bytes_are_not_held(void) {
    static char lent[100 * KB];
    client = open_limited(1, 1, 0);
    rask_future f = rask_scatter(client, rask_bytes_owned(lent, sizeof lent, NULL));
    CHECK_EQ(held_bytes(), 0);
    CHECK_EQ(spill_file_size(), 0);
    CHECK_OK(rask_release(f));
    close_limited();
}

static void kind_and_size_need_no_loading(void) {
    client = open_limited(1, 1, 0);
    rask_future f = scatter_block(SIZE, 1), g = scatter_box(1, 5000, &box_type);
    const rask_value *bytes, *object;
    CHECK_OK(rask_result(f, 0, &bytes));
    CHECK_OK(rask_result(g, 0, &object));
    CHECK_EQ(rask_value_kind(bytes), RASK_BYTES);
    CHECK_EQ(rask_value_nbytes(bytes), SIZE);
    CHECK_EQ(rask_value_count(bytes), 0);
    CHECK_EQ(rask_value_kind(object), RASK_OBJECT);
    CHECK_EQ(rask_value_nbytes(object), 5000);
    void *out;
    CHECK_STATUS(rask_value_object(object, &raw_box_type, &out), RASK_E_TYPE);
    CHECK_STR_CONTAINS(rask_last_error(), "found object box");
    char text[100];
    CHECK(rask_future_describe(g, text, sizeof text) > 0);
    CHECK_STR_CONTAINS(text, "object box");
    CHECK_EQ(held_bytes(), 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    close_limited();
}

static void small_values_stay(void) {
    client = open_limited(1, 1, 0);
    rask_future f = rask_scatter(client, rask_str("a text that is longer than what fits a value"));
    CHECK(held_bytes() > 0);
    CHECK_EQ(spill_file_size(), 0);
    CHECK_OK(rask_release(f));
    close_limited();
}

/* ---- objects ---- */

static void make_box(rask_task *t) {
    rask_return_object(t, box_new(rask_arg_i64(t, 0), (size_t)rask_arg_i64(t, 1)), &box_type);
}

static void objects_spill_and_come_back(void) {
    client = open_limited(2, 20000, 0);
    rask_future f[N];
    for (int i = 0; i < N; i++)
        f[i] = i % 2 ? scatter_box(i, 5000, &box_type)
                     : rask_submit(client, make_box, RASK_ARGS(i, (int64_t)5000));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK(held_bytes() <= 20000);
    CHECK(atomic_load(&boxes_encoded) >= N - 4);
    CHECK(atomic_load(&boxes_destroyed) >= N - 4);
    for (int i = 0; i < N; i++) {
        rask_future which = rask_submit(client, which_box, RASK_ARGS(f[i]));
        CHECK_I64(which, i);
        CHECK_OK(rask_release(which));
    }
    CHECK(atomic_load(&boxes_decoded) > 0);
    const rask_value *value;
    void *b;
    CHECK_OK(rask_result(f[3], 0, &value));
    CHECK_OK(rask_value_object(value, &box_type, &b));
    CHECK_EQ(((box *)b)->which, 3);
    CHECK_OK(rask_release_all(f, N));
    boxes_balance();
    close_limited();
}

static void what_came_back_is_not_written_again(void) {
    client = open_limited(1, 1, 0);
    atomic_store(&boxes_encoded, 0);
    rask_future f = scatter_box(7, 5000, &box_type);
    for (int i = 0; i < 3; i++) {
        rask_future which = rask_submit(client, which_box, RASK_ARGS(f));
        CHECK_I64(which, 7);
        CHECK_OK(rask_release(which));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(held_bytes(), 0);
    }
    CHECK_EQ(atomic_load(&boxes_encoded), 1);
    CHECK_OK(rask_release(f));
    boxes_balance();
    close_limited();
}

static void raw_objects_never_spill(void) {
    client = open_limited(1, 1000, 0);
    rask_future f = scatter_box(1, 5000, &raw_box_type), g = scatter_box(2, 5000, &raw_box_type);
    CHECK_EQ(held_bytes(), 10000);
    CHECK_EQ(spill_file_size(), 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    boxes_balance();
    close_limited();
}

static atomic_int encodes;
static rask_status encode_fails(const void *object, rask_bytes_out *out) {
    atomic_fetch_add(&encodes, 1);
    CHECK_OK(rask_bytes_write(out, object, sizeof(box)));
    return RASK_E_TASK;
}
static rask_status encode_nothing(const void *object, rask_bytes_out *out) {
    (void)object, (void)out;
    atomic_fetch_add(&encodes, 1);
    return RASK_OK;
}
static rask_status encode_too_much(const void *object, rask_bytes_out *out) {
    (void)rask_bytes_write(out, object, SIZE_MAX / 4);
    return rask_bytes_write(out, object, sizeof(box));
}
static void *decode_nothing(const void *data, size_t size) {
    (void)data, (void)size;
    return NULL;
}

static void encoders_that_fail_keep_their_objects(void) {
    static const rask_type types[] = {
        {sizeof(rask_type), "fails", box_destroy, box_nbytes, encode_fails, box_decode},
        {sizeof(rask_type), "nothing", box_destroy, box_nbytes, encode_nothing, box_decode},
    };
    for (int i = 0; i < 2; i++) {
        client = open_limited(1, 1, 0);
        atomic_store(&encodes, 0);
        rask_future f = scatter_box(i, 5000, &types[i]);
        for (int k = 0; k < 5; k++)
            CHECK_OK(rask_release(scatter_block(SIZE, k)));
        CHECK_EQ(atomic_load(&encodes), 1);
        CHECK_EQ(held_bytes(), 5000);
        const rask_value *value;
        void *b;
        CHECK_OK(rask_result(f, 0, &value));
        CHECK_OK(rask_value_object(value, &types[i], &b));
        CHECK_EQ(((box *)b)->which, i);
        CHECK_OK(rask_release(f));
        boxes_balance();
        close_limited();
    }
}

static void what_did_not_fit_the_encoding_is_not_lost(void) {
    static const rask_type type = {sizeof(rask_type), "greedy",        box_destroy,
                                   box_nbytes,        encode_too_much, box_decode};
    client = open_limited(1, 1, 0);
    rask_future f = scatter_box(5, 5000, &type);
    CHECK_EQ(held_bytes(), 5000);
    CHECK_OK(rask_release(f));
    boxes_balance();
    close_limited();
}

static void decoders_that_fail_are_errors(void) {
    static const rask_type type = {sizeof(rask_type), "one way",  box_destroy,
                                   box_nbytes,        box_encode, decode_nothing};
    client = open_limited(1, 1, 0);
    rask_future f = scatter_box(1, 5000, &type), g = rask_submit(client, which_box, RASK_ARGS(f));
    CHECK_FAILS(g, RASK_E_TYPE); /* another type: it is not even loaded */
    const rask_value *value;
    void *b;
    CHECK_OK(rask_result(f, 0, &value));
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(rask_value_object(value, &type, &b), RASK_E_LOST);
        CHECK(b == NULL);
        CHECK_STR_CONTAINS(rask_last_error(), "decode returned NULL");
    }
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    boxes_balance();
    close_limited();
}

/* An encode that uses the library: it may submit and read, but not wait or close. */
static atomic_int encodes_checked;
static rask_status encode_that_calls(const void *object, rask_bytes_out *out) {
    rask_future f = scatter_block(SIZE, 3), g = rask_submit(client, make_block, RASK_ARGS(10, 1));
    CHECK_BLOCK(f, SIZE, 3);
    if (rask_future_state(g) == RASK_PENDING || rask_future_state(g) == RASK_RUNNING) {
        const rask_value *value;
        rask_status status = rask_result(g, LONG_NS, &value);
        CHECK(status == RASK_E_STATE || status == RASK_OK);
    }
    CHECK_STATUS(rask_client_close(client), RASK_E_STATE);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    atomic_fetch_add(&encodes_checked, 1);
    return rask_bytes_write(out, object, sizeof(box));
}

static void encoders_may_call_the_library(void) {
    static const rask_type type = {sizeof(rask_type), "caller",          box_destroy,
                                   box_nbytes,        encode_that_calls, box_decode};
    client = open_limited(1, 1, 0);
    rask_future f = scatter_box(1, 5000, &type), g = scatter_box(2, 5000, &type);
    CHECK_EQ(atomic_load(&encodes_checked), 2);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    boxes_balance();
    close_limited();
}

/* A destructor that reads the value for which its object makes room. */
static const rask_value *being_loaded;
static rask_status read_meanwhile = RASK_OK;
static void destroy_that_reads(void *object) {
    void *b;
    read_meanwhile = rask_value_object(being_loaded, &box_type, &b);
    box_destroy(object);
}

static void a_value_on_its_way_is_not_waited_for_by_what_it_waits_for(void) {
    static const rask_type type = {sizeof(rask_type), "reader",   destroy_that_reads,
                                   box_nbytes,        box_encode, box_decode};
    client = open_limited(1, 5000, 0);
    rask_future f = scatter_box(1, 5000, &box_type), g = scatter_box(2, 5000, &type);
    CHECK_EQ(encoded_last, 1);
    void *b;
    CHECK_OK(rask_result(f, 0, &being_loaded));
    CHECK_OK(rask_value_object(being_loaded, &box_type, &b));
    CHECK_EQ(encoded_last, 2);
    CHECK_STATUS(read_meanwhile, RASK_E_DEADLOCK);
    CHECK_EQ(((box *)b)->which, 1);
    CHECK_OK(rask_release(g));
    CHECK_OK(rask_release(f));
    boxes_balance();
    close_limited();
}

/* ---- order and pins ---- */

static void the_least_recently_used_leaves_first(void) {
    client = open_limited(1, 15000, 0);
    rask_future f[3], last[5];
    for (int i = 0; i < 3; i++)
        f[i] = scatter_box(i, 5000, &box_type);
    CHECK_EQ(held_bytes(), 15000);
    rask_future used = rask_submit(client, which_box, RASK_ARGS(f[0]));
    CHECK_I64(used, 0);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    static const int64_t order[] = {1, 2, 0, 10, 11};
    for (int i = 0; i < 5; i++) {
        last[i] = scatter_box(10 + i, 5000, &box_type);
        CHECK_EQ(encoded_last, order[i]);
    }
    CHECK_OK(rask_release_all(f, 3));
    CHECK_OK(rask_release_all(last, 5));
    CHECK_OK(rask_release(used));
    boxes_balance();
    close_limited();
}

/* (block, which, gate): reads, passes the gate, and finds what it read where it was. */
static void hold_block(rask_task *t) {
    size_t size;
    const unsigned char *before = rask_arg_bytes(t, 0, &size);
    CHECK(before != NULL && is_block(before, size, rask_arg_i64(t, 1)));
    gate_pass(rask_arg_pointer(t, 2));
    CHECK(rask_arg_bytes(t, 0, &size) == (const void *)before);
    rask_return_i64(t, is_block(before, size, rask_arg_i64(t, 1)));
}

static void what_a_task_reads_stays(void) {
    client = open_limited(2, 3 * SIZE, 0);
    gate *g = gate_new();
    rask_future f = scatter_block(SIZE, 1);
    rask_future held_up = rask_submit(client, hold_block, RASK_ARGS(f, 1, (void *)g));
    GATE_REACHED(g, 1);
    rask_future others[8];
    for (int i = 0; i < 8; i++)
        others[i] = rask_submit(client, make_block, RASK_ARGS((int64_t)SIZE, i));
    CHECK_OK(rask_wait(others, 8, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK(spill_file_size() >= 5 * SIZE);
    gate_open(g);
    CHECK_I64(held_up, 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK(held_bytes() <= 3 * SIZE);
    CHECK_OK(rask_release_all(others, 8));
    CHECK_OK(rask_release_all(RASK_FUTURES(f, held_up)));
    close_limited();
}

static void what_is_read_by_its_handle_stays(void) {
    client = open_limited(1, 1, 0);
    rask_future f = scatter_block(SIZE, 1), g[4];
    const void *data, *again;
    size_t size;
    CHECK_OK(rask_result_bytes(f, &data, &size));
    for (int i = 0; i < 4; i++)
        g[i] = scatter_block(SIZE, i);
    rask_future ok = rask_submit(client, check_block, RASK_ARGS(f, 1));
    CHECK_I64(ok, 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(held_bytes(), SIZE);
    CHECK(is_block(data, size, 1));
    CHECK_OK(rask_result_bytes(f, &again, &size));
    CHECK(again == data);
    CHECK_OK(rask_release_all(g, 4));
    CHECK_OK(rask_release_all(RASK_FUTURES(f, ok)));
    CHECK_EQ(held_bytes(), 0);
    close_limited();
}

/* A task that waits for a child and reads its result through a handle that it leaves to others. */
static rask_future left_behind;
static const void *left_data;
static void read_child(rask_task *t) {
    size_t size = 0;
    left_behind = rask_submit(rask_task_client(t), make_block, RASK_ARGS((int64_t)SIZE, 4));
    CHECK_OK(rask_result_bytes(left_behind, &left_data, &size));
    rask_return_i64(t, is_block(left_data, size, 4));
}

static void what_a_task_reads_by_a_handle_stays_after_it(void) {
    client = open_limited(1, 1, 0);
    rask_future parent = rask_submit(client, read_child, RASK_NO_ARGS);
    CHECK_I64(parent, 1);
    for (int i = 0; i < 4; i++)
        CHECK_OK(rask_release(scatter_block(SIZE, i)));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK(is_block(left_data, SIZE, 4));
    CHECK_OK(rask_release_all(RASK_FUTURES(parent, left_behind)));
    close_limited();
}

/* ---- lists, forwarded and passed on ---- */

/* (list of blocks 0, 1, …; a list in it): how many are right. */
static void check_blocks(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    int64_t right = 0;
    for (size_t i = 0; i < rask_value_count(list); i++) {
        const rask_value *item = rask_value_at(list, i);
        if (rask_value_kind(item) == RASK_LIST)
            item = rask_value_at(item, 0);
        const void *data;
        size_t size;
        CHECK_OK(rask_value_bytes(item, &data, &size));
        right += is_block(data, size, (int64_t)i);
    }
    rask_return_i64(t, right);
}

static void lists_with_large_items(void) {
    client = open_limited(2, 1, 0);
    unsigned char *data[3];
    for (int i = 0; i < 3; i++) {
        data[i] = malloc(SIZE);
        CHECK(data[i] != NULL);
        fill_block(data[i], SIZE, i);
    }
    rask_future third = rask_submit(client, make_block, RASK_ARGS((int64_t)SIZE, 3));
    rask_arg inner[] = {rask_of(third)};
    rask_arg items[] = {rask_bytes(data[0], SIZE), rask_bytes(data[1], SIZE), rask_bytes(data[2], SIZE),
                        rask_list(inner, 1)};
    rask_arg list = rask_list(items, 4);
    rask_future right = rask_submit(client, check_blocks, &list, 1);
    rask_future passed = rask_submit(client, pass_on, &list, 1);
    rask_future again = rask_submit(client, check_blocks, RASK_ARGS(passed));
    CHECK_I64(right, 4);
    CHECK_I64(again, 4);
    CHECK_OK(rask_release_all(RASK_FUTURES(third, right, again)));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK(held_bytes() < SIZE);
    const rask_value *value;
    CHECK_OK(rask_result(passed, LONG_NS, &value));
    CHECK(rask_value_nbytes(value) >= 4 * SIZE);
    for (size_t i = 0; i < 3; i++) {
        const void *bytes;
        size_t size;
        CHECK_OK(rask_value_bytes(rask_value_at(value, i), &bytes, &size));
        CHECK(is_block(bytes, size, (int64_t)i));
        free(data[i]);
    }
    CHECK_OK(rask_release(passed));
    close_limited();
}

static void returns_a_child(rask_task *t) {
    rask_return_future(t, rask_submit(rask_task_client(t), make_block, RASK_ARGS((int64_t)SIZE, 9)));
}

static void forwarded_and_passed_on(void) {
    client = open_limited(2, 1, 0);
    rask_future f = rask_submit(client, returns_a_child, RASK_NO_ARGS);
    rask_future g = rask_submit(client, pass_on, RASK_ARGS(f));
    rask_future ok = rask_submit(client, check_block, RASK_ARGS(g, 9));
    CHECK_I64(ok, 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(held_bytes(), 0);
    CHECK_BLOCK(f, SIZE, 9);
    CHECK_EQ(held_bytes(), SIZE); /* they share it */
    CHECK_BLOCK(g, SIZE, 9);
    CHECK_EQ(held_bytes(), SIZE);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g, ok)));
    CHECK_EQ(held_bytes(), 0);
    close_limited();
}

/* (block, which, flag): fails until the flag is set. */
static void check_later(rask_task *t) {
    if (!atomic_load((atomic_int *)rask_arg_pointer(t, 2)))
        rask_fail(t, 1, "not yet");
    check_block(t);
}

static void a_retried_task_finds_its_inputs(void) {
    client = open_limited(1, 1, 0);
    static unsigned char data[SIZE];
    fill_block(data, SIZE, 2);
    atomic_int flag = 0;
    rask_future f = rask_submit(client, check_later, RASK_ARGS(rask_bytes(data, SIZE), 2, (void *)&flag));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(held_bytes(), 0);
    atomic_store(&flag, 1);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 1);
    CHECK_OK(rask_release(f));
    close_limited();
}

/* ---- close ---- */

static void values_are_readable_after_close(void) {
    client = open_limited(2, 1, 0);
    rask_future f[4], g = scatter_box(6, 5000, &box_type);
    for (int i = 0; i < 4; i++)
        f[i] = i % 2 ? scatter_block(SIZE, i) : rask_submit(client, make_block, RASK_ARGS((int64_t)SIZE, i));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    char path[PATH];
    CHECK(spill_file(path));
    close_limited(); /* finds the directory empty */
    for (int i = 0; i < 3; i++)
        CHECK_BLOCK(f[i], SIZE, i);
    const rask_value *value;
    void *b;
    CHECK_OK(rask_result(g, 0, &value));
    CHECK_OK(rask_value_object(value, &box_type, &b));
    CHECK_EQ(((box *)b)->which, 6);
    CHECK_OK(rask_release_all(f, 4)); /* one of them still on disk */
    CHECK_OK(rask_release(g));
    boxes_balance();
}

int main(void) {
    RUN(bytes_spill_and_come_back);
    RUN(results_spill);
    RUN(moved_in_bytes_end_when_they_leave);
    RUN(lent_bytes_are_not_held);
    RUN(kind_and_size_need_no_loading);
    RUN(small_values_stay);
    RUN(objects_spill_and_come_back);
    RUN(what_came_back_is_not_written_again);
    RUN(raw_objects_never_spill);
    RUN(encoders_that_fail_keep_their_objects);
    RUN(what_did_not_fit_the_encoding_is_not_lost);
    RUN(decoders_that_fail_are_errors);
    RUN(encoders_may_call_the_library);
    RUN(a_value_on_its_way_is_not_waited_for_by_what_it_waits_for);
    RUN(the_least_recently_used_leaves_first);
    RUN(what_a_task_reads_stays);
    RUN(what_is_read_by_its_handle_stays);
    RUN(what_a_task_reads_by_a_handle_stays_after_it);
    RUN(lists_with_large_items);
    RUN(forwarded_and_passed_on);
    RUN(a_retried_task_finds_its_inputs);
    RUN(values_are_readable_after_close);
    return 0;
}
