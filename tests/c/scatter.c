/* rask_scatter: a value becomes a finished future. */
#include "check.h"

static void finished_at_once(void) {
    rask_future f = rask_scatter(client, rask_i64(42));
    CHECK_EQ(rask_future_state(f), RASK_FINISHED);
    CHECK_I64(f, 42);
    rask_error error = ERROR_OF(f);
    CHECK_OK(error.status);
    CHECK_STATUS(rask_cancel(f, NULL), RASK_E_STATE);
    CHECK_OK(rask_release(f));
}

static void even_when_every_worker_is_busy(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    rask_future f = rask_scatter(client, rask_i64(42));
    CHECK_I64(f, 42);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

static void used_by_many(void) {
    enum { N = 100 };
    rask_future x = rask_scatter(client, rask_i64(5)), f[N];
    for (int i = 0; i < N; i++)
        f[i] = rask_submit(client, add, RASK_ARGS(x, i));
    CHECK_OK(rask_release(x));
    for (int i = 0; i < N; i++)
        CHECK_I64(f[i], i + 5);
    CHECK_OK(rask_release_all(f, N));
}

static void text_length(rask_task *t) {
    size_t size = 0;
    const char *text = rask_arg_bytes(t, 0, &size);
    CHECK_EQ(strlen(text), size);
    rask_return_i64(t, (int64_t)size);
}

static void bytes_are_copied(void) {
    char text[] = "a text that will be overwritten afterwards";
    rask_future x = rask_scatter(client, rask_str(text));
    memset(text, 0, sizeof text);
    rask_future f = rask_submit(client, text_length, RASK_ARGS(x));
    CHECK_I64(f, sizeof text - 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

static void shared_without_a_copy(void) {
    size_t size = 1 << 20;
    char *text = malloc(size);
    CHECK(text != NULL);
    memset(text, 'x', size);
    rask_future x = rask_scatter(client, rask_bytes(text, size)),
                y = rask_submit(client, pass_on, RASK_ARGS(x));
    free(text);
    const void *a = NULL, *b = NULL;
    size_t size_a = 0, size_b = 0;
    CHECK_OK(rask_result(y, LONG_NS, &(const rask_value *){NULL}));
    CHECK_OK(rask_result_bytes(x, &a, &size_a));
    CHECK_OK(rask_result_bytes(y, &b, &size_b));
    CHECK(a == b); /* passed on, not copied */
    CHECK_EQ(size_a, size);
    CHECK_EQ(size_b, size);
    CHECK_OK(rask_release(x));
    CHECK_EQ(((const char *)b)[size - 1], 'x');
    CHECK_OK(rask_release(y));
}

static void an_object(void) {
    probe p = {0};
    rask_future x = rask_scatter(client, rask_object(&p, &probe_type)), c = rask_clone(x);
    CHECK_OK(rask_release(x));
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(c));
    CHECK_EQ(destroyed(&p), 1);
}

static void a_bad_value_is_a_future_in_error(void) {
    rask_arg strange;
    memset(&strange, 0x7f, sizeof strange);
    const rask_arg bad[] = {rask_str(NULL), rask_bytes(NULL, 4), rask_list(NULL, 4), strange};
    for (int i = 0; i < 4; i++) {
        rask_future f = rask_scatter(client, bad[i]);
        CHECK_FAILS(f, RASK_E_INVALID);
        rask_future after = rask_submit(client, inc, RASK_ARGS(f));
        CHECK_FAILS(after, RASK_E_INVALID);
        CHECK_OK(rask_release_all(RASK_FUTURES(f, after)));
    }
}

static void keys_are_unique(void) {
    rask_future a = rask_scatter(client, rask_i64(1)), b = rask_scatter(client, rask_i64(1));
    CHECK(strcmp(rask_future_key(a), rask_future_key(b)) != 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
}

/* What was read of a list before the mistake in it is let go of again: nothing may be left at the end. */
static void a_future_before_a_mistake_is_released(void) {
    probe p = {0};
    rask_future x = rask_scatter(client, rask_object(&p, &probe_type));
    rask_arg items[] = {rask_of(x), rask_str(NULL)};
    rask_future f = rask_scatter(client, rask_list(items, 2));
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
    CHECK_EQ(destroyed(&p), 1);
}

static void scatter_inside(rask_task *t) {
    rask_future x = rask_scatter(rask_task_client(t), rask_i64(rask_arg_i64(t, 0)));
    rask_future y = rask_submit(rask_task_client(t), inc, RASK_ARGS(rask_take(x)));
    rask_return_future(t, y);
}

static void from_inside_a_task(void) {
    rask_future f = rask_submit(client, scatter_inside, RASK_ARGS(41));
    CHECK_I64(f, 42);
    CHECK_OK(rask_release(f));
}

static void many(void) {
    size_t n = scaled(200000);
    for (size_t i = 0; i < n; i++) {
        rask_future f = rask_scatter(client, rask_i64((int64_t)i));
        int64_t out = -1;
        CHECK_OK(rask_result_i64(f, &out));
        CHECK_EQ(out, (int64_t)i);
        CHECK_OK(rask_release(f));
    }
}

int main(void) {
    RUN_WITH(2, finished_at_once);
    RUN_WITH(1, even_when_every_worker_is_busy);
    RUN_WITH(2, used_by_many);
    RUN_WITH(2, bytes_are_copied);
    RUN_WITH(2, shared_without_a_copy);
    RUN_WITH(2, an_object);
    RUN_WITH(2, a_bad_value_is_a_future_in_error);
    RUN_WITH(2, a_future_before_a_mistake_is_released);
    RUN_WITH(2, keys_are_unique);
    RUN_WITH(2, from_inside_a_task);
    RUN_WITH(2, many);
    return 0;
}
