/* rask_gather: values and statuses, index by index. rask_progress: the same wait, drawn. */
#include "check.h"

static int64_t i64_of(const rask_value *value) {
    int64_t i = 0;
    CHECK(value != NULL);
    CHECK_OK(rask_value_i64(value, &i));
    return i;
}

static void in_order(void) {
    size_t n = scaled(50000);
    rask_future *f = malloc(n * sizeof *f);
    const rask_value **values = malloc(n * sizeof *values);
    rask_status *statuses = malloc(n * sizeof *statuses);
    CHECK(f && values && statuses);
    for (size_t i = 0; i < n; i++)
        f[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
    memset(statuses, 1, n * sizeof *statuses);
    CHECK_OK(rask_gather(f, n, LONG_NS, values, statuses));
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(statuses[i]);
        CHECK_EQ(i64_of(values[i]), (int64_t)i + 1);
        values[i] = NULL;
    }
    CHECK_OK(rask_gather(f, n, RASK_FOREVER, values, NULL));
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(i64_of(values[i]), (int64_t)i + 1);
    CHECK_OK(rask_release_all(f, n));
    free(f);
    free(values);
    free(statuses);
}

static void nothing_to_gather(void) {
    const rask_value *value = NULL;
    rask_status status = 77;
    CHECK_OK(rask_gather(NULL, 0, RASK_FOREVER, &value, &status));
    CHECK_OK(rask_gather(NULL, 0, 0, &value, NULL));
    CHECK_EQ(status, 77);
}

static void a_status_for_each(void) {
    gate *g = gate_new();
    rask_future held_one = submit_held(client, g, 1);
    rask_future f[] = {rask_submit(client, inc, RASK_ARGS(1)), rask_submit(client, fail, RASK_ARGS(1, "no")),
                       rask_submit(client, inc, RASK_ARGS(held_one)), rask_submit(client, NULL, RASK_NO_ARGS),
                       rask_submit(client, inc, RASK_ARGS(9))};
    const rask_value *values[5];
    rask_status statuses[5] = {77, 77, 77, 77, 77};
    for (int i = 0; i < 5; i++)
        values[i] = (const rask_value *)f;
    CHECK_OK(rask_cancel(f[2], NULL));
    CHECK_OK(rask_gather(f, 5, LONG_NS, values, statuses));
    CHECK_OK(statuses[0]);
    CHECK_EQ(i64_of(values[0]), 2);
    CHECK_STATUS(statuses[1], RASK_E_TASK);
    CHECK(values[1] == NULL);
    CHECK_STATUS(statuses[2], RASK_E_CANCELLED);
    CHECK(values[2] == NULL);
    CHECK_STATUS(statuses[3], RASK_E_INVALID);
    CHECK(values[3] == NULL);
    CHECK_OK(statuses[4]);
    CHECK_EQ(i64_of(values[4]), 10);
    gate_open(g);
    CHECK_OK(rask_release_all(f, 5));
    CHECK_OK(rask_release(held_one));
}

static void a_timeout_with_statuses(void) {
    gate *g = gate_new();
    rask_future f[] = {rask_scatter(client, rask_i64(1)), submit_held(client, g, 2),
                       rask_submit(client, NULL, RASK_NO_ARGS)};
    const rask_value *values[3] = {(const rask_value *)f, (const rask_value *)f, (const rask_value *)f};
    rask_status statuses[3] = {77, 77, 77};
    for (int64_t timeout = 0; timeout < 3; timeout++) {
        CHECK_STATUS(rask_gather(f, 3, timeout * 1000000, values, statuses), RASK_E_TIMEOUT);
        CHECK_OK(statuses[0]);
        CHECK_EQ(i64_of(values[0]), 1);
        CHECK_STATUS(statuses[1], RASK_E_TIMEOUT);
        CHECK(values[1] == NULL);
        CHECK_STATUS(statuses[2], RASK_E_INVALID);
        CHECK(values[2] == NULL);
    }
    gate_open(g);
    CHECK_OK(rask_gather(f, 3, LONG_NS, values, statuses));
    CHECK_EQ(i64_of(values[1]), 2);
    CHECK_OK(rask_release_all(f, 3));
}

static void a_timeout_without_statuses(void) {
    gate *g = gate_new();
    rask_future f[] = {rask_scatter(client, rask_i64(1)), submit_held(client, g, 2)};
    const rask_value *values[2] = {(const rask_value *)f, (const rask_value *)f};
    CHECK_STATUS(rask_gather(f, 2, 1000000, values, NULL), RASK_E_TIMEOUT);
    CHECK(values[1] == NULL);
    gate_open(g);
    CHECK_OK(rask_gather(f, 2, LONG_NS, values, NULL));
    CHECK_EQ(i64_of(values[0]), 1);
    CHECK_EQ(i64_of(values[1]), 2);
    CHECK_OK(rask_release_all(f, 2));
}

static void the_first_error_ends_it(void) {
    gate *g = gate_new();
    rask_future f[] = {submit_held(client, g, 1), rask_submit(client, fail, RASK_ARGS(1, "gathered badly"))};
    const rask_value *values[2] = {(const rask_value *)f, (const rask_value *)f};
    CHECK_STATUS(rask_gather(f, 2, LONG_NS, values, NULL), RASK_E_TASK); /* although f[0] still runs */
    CHECK_EQ(atomic_load(&g->left), 0);
    CHECK(values[0] == NULL);
    CHECK(values[1] == NULL);
    CHECK_STR_CONTAINS(rask_last_error(), "gathered badly");
    gate_open(g);
    CHECK_OK(rask_release_all(f, 2));
}

static void the_same_future_twice(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 4), y = rask_clone(x), f[] = {x, y, x};
    const rask_value *values[3] = {NULL, NULL, NULL};
    gate_open(g);
    CHECK_OK(rask_gather(f, 3, LONG_NS, values, NULL));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(i64_of(values[i]), 4);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void values_stay_until_release(void) {
    rask_future f[] = {
        rask_submit(client, pass_on, RASK_ARGS("a text which is not stored inline, being long")),
        rask_submit(client, pass_on, RASK_ARGS("short"))};
    const rask_value *values[2];
    const void *text = NULL;
    size_t size = 0;
    CHECK_OK(rask_gather(f, 2, LONG_NS, values, NULL));
    for (int i = 0; i < 100; i++) {
        rask_future other =
            rask_submit(client, pass_on, RASK_ARGS("another text which is not stored inline"));
        CHECK_OK(rask_wait(&other, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_release(other));
    }
    CHECK_OK(rask_value_bytes(values[0], &text, &size));
    CHECK_STR_EQ((const char *)text, "a text which is not stored inline, being long");
    CHECK_OK(rask_value_bytes(values[1], &text, &size));
    CHECK_STR_EQ((const char *)text, "short");
    CHECK_OK(rask_release_all(f, 2));
}

static void progress_waits_for_all(void) {
    enum { N = 200 };
    rask_future f[N];
    for (int i = 0; i < N; i++)
        f[i] =
            i % 10 ? rask_submit(client, inc, RASK_ARGS(i)) : rask_submit(client, fail, RASK_ARGS(1, "no"));
    CHECK_OK(rask_progress(f, N, "gathering"));
    for (int i = 0; i < N; i++)
        CHECK_EQ(rask_future_state(f[i]), i % 10 ? RASK_FINISHED : RASK_ERROR);
    CHECK_OK(rask_progress(f, N, NULL)); /* all done already */
    CHECK_OK(rask_release_all(f, N));
}

int main(void) {
    RUN_WITH(2, in_order);
    RUN(nothing_to_gather);
    RUN_WITH(2, a_status_for_each);
    RUN_WITH(2, a_timeout_with_statuses);
    RUN_WITH(2, a_timeout_without_statuses);
    RUN_WITH(2, the_first_error_ends_it);
    RUN_WITH(2, the_same_future_twice);
    RUN_WITH(2, values_stay_until_release);
    RUN_WITH(2, progress_waits_for_all);
    return 0;
}
