/* What a task answers, or fails with, and what it can ask about itself. */
#include "check.h"

static int here;

/* ---- answering ---- */

static void return_buffer(rask_task *t) {
    size_t size = (size_t)rask_arg_i64(t, 0);
    unsigned char *buffer = rask_return_buffer(t, size);
    CHECK(buffer != NULL || size == 0);
    for (size_t i = 0; i < size; i++)
        buffer[i] = (unsigned char)(i ^ size);
}

static void buffers_are_filled_in_place(void) {
    static const size_t sizes[] = {0, 1, 7, 15, 16, 17, 23, 24, 25, 64, 4096, 100000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        rask_future f = rask_submit(client, return_buffer, RASK_ARGS(rask_i64((int64_t)sizes[s])));
        const rask_value *value = NULL;
        const void *data = NULL;
        size_t size = 77;
        CHECK_OK(rask_result(f, LONG_NS, &value));
        CHECK_OK(rask_value_bytes(value, &data, &size));
        CHECK_EQ(size, sizes[s]);
        for (size_t i = 0; i < size; i++)
            CHECK_EQ(((const unsigned char *)data)[i], (unsigned char)(i ^ size));
        CHECK_EQ(((const char *)data)[size], 0);
        CHECK_OK(rask_release(f));
    }
}

static void return_by_kind(rask_task *t) {
    char scratch[40];
    switch (rask_arg_i64(t, 0)) {
    case RASK_NONE:
        break;
    case RASK_I64:
        rask_return_i64(t, INT64_MIN);
        break;
    case RASK_F64:
        rask_return_f64(t, 0.1);
        break;
    case RASK_BYTES:
        memcpy(scratch, "on the stack", 13);
        rask_return_bytes(t, scratch, 12);
        memset(scratch, '?', sizeof scratch);
        break;
    case RASK_POINTER:
        rask_return_pointer(t, &here);
        break;
    case RASK_OBJECT:
        rask_return_object(t, rask_arg_pointer(t, 1), &probe_type);
        break;
    default:
        rask_return_arg(t, 2);
        break;
    }
}

static void every_kind_comes_out(void) {
    probe p = {0};
    int64_t i = 0;
    double d = 0;
    const void *data = NULL;
    size_t size = 0;
    void *pointer = NULL;
    rask_future f[7];
    const rask_value *value[7];
    rask_arg items[] = {rask_i64(5), rask_i64(6)};
    for (int kind = RASK_NONE; kind <= RASK_LIST; kind++) {
        f[kind] = rask_submit(client, return_by_kind, RASK_ARGS(kind, rask_pointer(&p), rask_list(items, 2)));
        CHECK_OK(rask_result(f[kind], LONG_NS, &value[kind]));
        CHECK_EQ(rask_value_kind(value[kind]), kind);
    }
    CHECK_OK(rask_value_i64(value[RASK_I64], &i));
    CHECK_EQ(i, INT64_MIN);
    CHECK_OK(rask_value_f64(value[RASK_F64], &d));
    CHECK(d == 0.1);
    CHECK_OK(rask_value_bytes(value[RASK_BYTES], &data, &size));
    CHECK_EQ(size, 12);
    CHECK_STR_EQ((const char *)data, "on the stack");
    CHECK_OK(rask_value_pointer(value[RASK_POINTER], &pointer));
    CHECK(pointer == &here);
    CHECK_OK(rask_value_object(value[RASK_OBJECT], &probe_type, &pointer));
    CHECK(pointer == &p);
    CHECK_EQ(rask_value_count(value[RASK_LIST]), 2);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release_all(f, 7));
    CHECK_EQ(destroyed(&p), 1);
}

static void return_text(rask_task *t) {
    char scratch[64];
    snprintf(scratch, sizeof scratch, "text number %d", (int)rask_arg_i64(t, 0));
    rask_return_str(t, scratch);
}

static void texts_are_copied_out(void) {
    rask_future f = rask_submit(client, return_text, RASK_ARGS(7));
    CHECK_TEXT(f, "text number 7");
    CHECK_OK(rask_release(f));
}

static void return_three_times(rask_task *t) {
    rask_return_str(t, "a first answer that needs memory of its own");
    memset(rask_return_buffer(t, 1000), 1, 1000);
    rask_return_i64(t, 3);
}

static void the_last_return_counts(void) {
    rask_future f = rask_submit(client, return_three_times, RASK_NO_ARGS);
    CHECK_I64(f, 3);
    CHECK_OK(rask_release(f));
}

static void return_wrongly(rask_task *t) {
    switch (rask_arg_i64(t, 0)) {
    case 0:
        rask_return_bytes(t, NULL, 5);
        break;
    case 1:
        rask_return_str(t, NULL);
        break;
    case 2:
        rask_return_object(t, &here, NULL);
        break;
    default:
        CHECK(rask_return_buffer(t, SIZE_MAX) == NULL);
        break;
    }
}

static void wrong_returns_fail_the_task(void) {
    for (int which = 0; which < 4; which++) {
        rask_future f = rask_submit(client, return_wrongly, RASK_ARGS(which));
        const rask_value *value = NULL;
        rask_status status = rask_result(f, LONG_NS, &value);
        if (which < 3)
            CHECK_STATUS(status, RASK_E_INVALID);
        else
            CHECK(status == RASK_E_NOMEM || status == RASK_E_INVALID);
        CHECK(value == NULL);
        CHECK_EQ(rask_future_state(f), RASK_ERROR);
        CHECK_OK(rask_release(f));
    }
}

/* ---- failing ---- */

static void fail_then(rask_task *t) {
    switch (rask_arg_i64(t, 0)) {
    case 0:
        rask_fail(t, 11, "first");
        rask_return_i64(t, 1);
        break;
    case 1:
        rask_return_i64(t, 1);
        rask_fail(t, 11, "first");
        break;
    case 2:
        rask_fail(t, 11, "first");
        rask_fail(t, 12, "second");
        break;
    default:
        rask_fail(t, 11, "first");
        (void)rask_arg_str(t, 0);
        break;
    }
}

static void the_first_failure_stands(void) {
    for (int which = 0; which < 4; which++) {
        rask_future f = rask_submit(client, fail_then, RASK_ARGS(which));
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_EQ(ERROR_OF(f).code, 11);
        CHECK_STR_CONTAINS(ERROR_OF(f).message, "first");
        CHECK_OK(rask_release(f));
    }
}

static void read_wrongly_then_fail(rask_task *t) {
    (void)rask_arg_str(t, 0);
    rask_fail(t, 11, "second");
}

static void a_wrong_read_stands_against_a_later_failure(void) {
    rask_future f = rask_submit(client, read_wrongly_then_fail, RASK_ARGS(1));
    CHECK_FAILS(f, RASK_E_TYPE);
    CHECK_OK(rask_release(f));
}

static void fail_without_words(rask_task *t) { rask_fail(t, 13, NULL); }

static void a_failure_needs_no_words(void) {
    rask_future f = rask_submit(client, fail_without_words, RASK_NO_ARGS);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 13);
    CHECK(ERROR_OF(f).message != NULL);
    CHECK_OK(rask_release(f));
}

static void fail_from_the_stack(rask_task *t) {
    char scratch[40];
    snprintf(scratch, sizeof scratch, "no file %d", 7);
    rask_fail(t, 2, scratch);
    memset(scratch, '?', sizeof scratch - 1);
}

static void the_message_is_copied(void) {
    rask_future f = rask_submit(client, fail_from_the_stack, RASK_NO_ARGS);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "no file 7");
    CHECK_OK(rask_release(f));
}

/* ---- asking about itself ---- */

static void about_itself(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    CHECK_EQ(rask_task_attempt(t), 1);
    CHECK(!rask_cancelled(t));
    CHECK(rask_task_client(t).id == client.id);
    rask_return_str(t, rask_task_key(t));
}

static void a_task_knows_itself(void) {
    gate *g = gate_new();
    rask_future f = submit_named(client, "knows-itself", about_itself, RASK_ARGS(rask_pointer(g)));
    CHECK(strncmp(rask_future_key(f), "knows-itself-", 13) == 0);
    gate_open(g);
    CHECK_TEXT(f, rask_future_key(f));
    CHECK_OK(rask_release(f));
}

static void submit_a_child(rask_task *t) {
    rask_future child = rask_submit(rask_task_client(t), inc, RASK_ARGS(rask_arg_i64(t, 0)));
    rask_return_future(t, child);
}

static void a_task_submits_to_its_client(void) {
    rask_future f = rask_submit(client, submit_a_child, RASK_ARGS(41));
    CHECK_I64(f, 42);
    CHECK_OK(rask_release(f));
}

static void no_task_at_all(void) {
    size_t size = 77;
    rask_future f = rask_scatter(client, rask_i64(1));
    CHECK_EQ(rask_arg_count(NULL), 0);
    CHECK(rask_arg_value(NULL, 0) == NULL);
    CHECK_EQ(rask_arg_i64(NULL, 0), 0);
    CHECK(rask_arg_f64(NULL, 0) == 0);
    CHECK(rask_arg_bytes(NULL, 0, &size) == NULL);
    CHECK_EQ(size, 0);
    CHECK(rask_arg_str(NULL, 0) == NULL);
    CHECK(rask_arg_pointer(NULL, 0) == NULL);
    CHECK(rask_arg_object(NULL, 0, &probe_type) == NULL);
    rask_return_i64(NULL, 1);
    rask_return_f64(NULL, 1);
    rask_return_bytes(NULL, "a", 1);
    CHECK(rask_return_buffer(NULL, 1) == NULL);
    rask_return_str(NULL, "a");
    rask_return_pointer(NULL, &here);
    probe p = {0};
    rask_return_object(NULL, &p, &probe_type);
    CHECK_EQ(destroyed(&p), 1); /* taken on every path */
    rask_return_arg(NULL, 0);
    rask_return_future(NULL, f);
    CHECK_STATUS(rask_release(f), RASK_E_HANDLE); /* likewise */
    rask_fail(NULL, 1, "nobody");
    (void)rask_cancelled(NULL);
    (void)rask_task_attempt(NULL);
    (void)rask_task_key(NULL);
    CHECK_EQ(rask_task_client(NULL).id, 0);
}

int main(void) {
    RUN_WITH(2, buffers_are_filled_in_place);
    RUN_WITH(2, every_kind_comes_out);
    RUN_WITH(2, texts_are_copied_out);
    RUN_WITH(2, the_last_return_counts);
    RUN_WITH(2, wrong_returns_fail_the_task);
    RUN_WITH(2, the_first_failure_stands);
    RUN_WITH(2, a_wrong_read_stands_against_a_later_failure);
    RUN_WITH(2, a_failure_needs_no_words);
    RUN_WITH(2, the_message_is_copied);
    RUN_WITH(2, a_task_knows_itself);
    RUN_WITH(2, a_task_submits_to_its_client);
    RUN_WITH(2, no_task_at_all);
    return 0;
}
