/* rask_after: a task that runs when others are done, whatever became of them. */
#include "check.h"

static void count_runs(rask_task *t) {
    CHECK_EQ(rask_value_kind(rask_arg_value(t, 1)), RASK_NONE);
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1);
    rask_return_i64(t, (int64_t)rask_arg_count(t));
}
static void fail_always(rask_task *t) { rask_fail(t, 7, "as it should"); }
static void fail_first(rask_task *t) {
    if (atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1) == 0)
        rask_fail(t, 1, "the first time");
    else
        rask_return_i64(t, 5);
}

static int64_t value_of(rask_future f) {
    int64_t value;
    CHECK_OK(rask_result_i64(f, &value));
    return value;
}

static void finished(void) {
    atomic_int runs = 0;
    gate *g = gate_new();
    rask_future first = submit_held(client, g, 1);
    rask_future after = rask_submit(client, count_runs, RASK_ARGS(rask_pointer(&runs), rask_after(first)));
    CHECK_EQ(rask_future_state(after), RASK_PENDING);
    CHECK_EQ(atomic_load(&runs), 0);
    gate_open(g);
    CHECK_EQ(value_of(after), 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(first, after)));
}

static void failed_later_and_before(void) {
    atomic_int runs = 0;
    gate *g = gate_new();
    rask_future open = submit_held(client, g, 1);
    rask_future bad = rask_submit(client, fail_always, RASK_ARGS(open));
    rask_future later = rask_submit(client, count_runs, RASK_ARGS(rask_pointer(&runs), rask_after(bad)));
    gate_open(g);
    CHECK_EQ(value_of(later), 2);
    CHECK_EQ(rask_future_state(bad), RASK_ERROR);
    rask_future before = rask_submit(client, count_runs, RASK_ARGS(rask_pointer(&runs), rask_after(bad)));
    CHECK_EQ(value_of(before), 2);
    CHECK_EQ(atomic_load(&runs), 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(open, bad, later, before)));
}

static void cancelled(void) {
    atomic_int runs = 0;
    gate *g = gate_new();
    rask_future open = submit_held(client, g, 1);
    rask_future never = rask_submit(client, fail_always, RASK_ARGS(open));
    rask_future after = rask_submit(client, count_runs, RASK_ARGS(rask_pointer(&runs), rask_after(never)));
    CHECK_OK(rask_cancel(never, NULL));
    CHECK_EQ(value_of(after), 2);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(open, never, after)));
}

/* It wants its inputs: a future that nobody else holds runs all the same. */
static void keeps_its_inputs_wanted(void) {
    atomic_int runs = 0;
    rask_future first = rask_submit(client, count_runs, RASK_ARGS(rask_pointer(&runs), rask_none()));
    rask_future after = rask_submit(client, count_runs, RASK_ARGS(rask_pointer(&runs), rask_after(first)));
    CHECK_OK(rask_release(first));
    CHECK_EQ(value_of(after), 2);
    CHECK_EQ(atomic_load(&runs), 2);
    CHECK_OK(rask_release(after));
}

/* Other inputs count as ever: what fails there fails it. */
static void beside_other_inputs(void) {
    rask_future bad = rask_submit(client, fail_always, RASK_NO_ARGS);
    rask_future good = rask_submit(client, inc, RASK_ARGS(1));
    rask_future sum = rask_submit(client, inc, RASK_ARGS(good, rask_after(bad)));
    CHECK_EQ(value_of(sum), 3);
    rask_future failed = rask_submit(client, inc, RASK_ARGS(bad, rask_after(good)));
    int64_t value;
    CHECK_STATUS(rask_result_i64(failed, &value), RASK_E_TASK);
    CHECK_OK(rask_release_all(RASK_FUTURES(bad, good, sum, failed)));
}

/* A retry runs what has failed again, and not what it only comes after. */
static void retry_leaves_them_alone(void) {
    atomic_int runs = 0;
    rask_future bad = rask_submit(client, fail_always, RASK_NO_ARGS);
    rask_future flaky = rask_submit(client, fail_first, RASK_ARGS(rask_pointer(&runs), rask_after(bad)));
    rask_future depends = rask_submit(client, inc, RASK_ARGS(flaky, rask_after(bad)));
    int64_t value;
    CHECK_STATUS(rask_result_i64(depends, &value), RASK_E_TASK);
    CHECK_OK(rask_retry(depends));
    CHECK_EQ(value_of(depends), 6);
    CHECK_EQ(rask_future_state(bad), RASK_ERROR);
    CHECK_STATUS(rask_retry(depends), RASK_E_STATE);
    CHECK_OK(rask_retry(bad));
    CHECK_STATUS(rask_result_i64(bad, &value), RASK_E_TASK);
    CHECK_OK(rask_release_all(RASK_FUTURES(bad, flaky, depends)));
}

static void mistakes(void) {
    rask_future stale = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_release(stale));
    const rask_value *value;
    rask_future wrong = rask_submit(client, inc, RASK_ARGS(1, rask_after(stale)));
    CHECK_STATUS(rask_result(wrong, LONG_NS, &value), RASK_E_HANDLE);
    CHECK_OK(rask_release(wrong));

    rask_future good = rask_submit(client, inc, RASK_ARGS(1));
    const rask_arg items[] = {rask_after(good)};
    wrong = rask_submit(client, inc, RASK_ARGS(1, rask_list(items, 1)));
    CHECK_STATUS(rask_result(wrong, LONG_NS, &value), RASK_E_INVALID);
    CHECK_OK(rask_release(wrong));
    wrong = rask_scatter(client, rask_after(good));
    CHECK_STATUS(rask_result(wrong, LONG_NS, &value), RASK_E_INVALID);
    CHECK_OK(rask_release(wrong));
    rask_delayed lazy = rask_delayed_call(inc, RASK_ARGS(1, rask_after(good)), NULL);
    wrong = rask_compute(client, lazy);
    CHECK_STATUS(rask_result(wrong, LONG_NS, &value), RASK_E_INVALID);
    CHECK_OK(rask_release(wrong));
    CHECK_OK(rask_delayed_release(lazy));
    CHECK_OK(rask_release(good));
}

static void many_after_many(void) {
    atomic_int runs = 0;
    enum { N = 200 };
    rask_future bad[N], after[N];
    for (int i = 0; i < N; i++)
        bad[i] = rask_submit(client, i % 2 ? fail_always : inc, RASK_ARGS(i));
    rask_arg args[N + 1] = {rask_pointer(&runs)};
    for (int i = 0; i < N; i++)
        args[i + 1] = rask_after(bad[i]);
    for (int i = 0; i < N; i++)
        after[i] = rask_submit(client, count_runs, args, N + 1);
    for (int i = 0; i < N; i++)
        CHECK_EQ(value_of(after[i]), N + 1);
    CHECK_EQ(atomic_load(&runs), N);
    CHECK_OK(rask_release_all(bad, N));
    CHECK_OK(rask_release_all(after, N));
}

static void pure_ones_are_the_same(void) {
    atomic_int runs = 0;
    rask_submit_options pure = RASK_SUBMIT_OPTIONS_INIT;
    pure.flags = RASK_PURE;
    rask_future first = rask_submit(client, inc, RASK_ARGS(1));
    const rask_arg args[] = {rask_pointer(&runs), rask_after(first)};
    const rask_arg other[] = {rask_pointer(&runs), rask_none()};
    rask_future a = rask_submit_with(client, count_runs, args, 2, &pure);
    rask_future b = rask_submit_with(client, count_runs, args, 2, &pure);
    rask_future c = rask_submit_with(client, count_runs, other, 2, &pure);
    CHECK_EQ(value_of(a) + value_of(b) + value_of(c), 6);
    CHECK_EQ(atomic_load(&runs), 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(first, a, b, c)));
}

int main(void) {
    RUN_WITH(2, finished);
    RUN_WITH(2, failed_later_and_before);
    RUN_WITH(2, cancelled);
    RUN_WITH(2, keeps_its_inputs_wanted);
    RUN_WITH(2, beside_other_inputs);
    RUN_WITH(2, retry_leaves_them_alone);
    RUN_WITH(2, mistakes);
    RUN_WITH(1, many_after_many);
    RUN_WITH(2, many_after_many);
    RUN_WITH(2, pure_ones_are_the_same);
    return 0;
}
