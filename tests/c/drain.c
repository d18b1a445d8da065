/* rask_client_wait: until nothing is pending or running. */
#include "check.h"

static void an_idle_client(void) {
    CHECK_OK(rask_client_wait(client, 0));
    CHECK_OK(rask_client_wait(client, RASK_FOREVER));
    rask_future f = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_client_wait(client, RASK_FOREVER));
    CHECK_OK(rask_release(f));
}

static void waits_for_pending_and_running(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_submit(client, inc, RASK_ARGS(x));
    CHECK_STATUS(rask_client_wait(client, 0), RASK_E_TIMEOUT);
    CHECK_STATUS(rask_client_wait(client, 5000000), RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(rask_future_state(x), RASK_FINISHED);
    CHECK_EQ(rask_future_state(y), RASK_FINISHED);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void waits_for_what_nobody_holds(void) {
    static atomic_int runs;
    atomic_store(&runs, 0);
    int n = (int)scaled(10000);
    for (int i = 0; i < n; i++)
        CHECK_OK(rask_fire_and_forget(rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)))));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), n);
}

/* (counter, depth): a tree of tasks that nobody holds. */
static void spread(rask_task *t) {
    void *counter = rask_arg_pointer(t, 0);
    int64_t depth = rask_arg_i64(t, 1);
    atomic_fetch_add((atomic_int *)counter, 1);
    for (int i = 0; i < 2 && depth > 0; i++)
        CHECK_OK(rask_fire_and_forget(
            rask_submit(rask_task_client(t), spread, RASK_ARGS(rask_pointer(counter), depth - 1))));
}

static void waits_for_what_tasks_submit(void) {
    static atomic_int runs;
    int depth = small_scale() ? 5 : 14;
    for (int i = 0; i < 5; i++) {
        atomic_store(&runs, 0);
        CHECK_OK(rask_fire_and_forget(rask_submit(client, spread, RASK_ARGS(rask_pointer(&runs), depth))));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(atomic_load(&runs), (2 << depth) - 1);
    }
}

static void failures_and_cancelled_ones_are_done(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    rask_future f[] = {rask_submit(client, fail, RASK_ARGS(1, "no")), rask_submit(client, inc, RASK_ARGS(x)),
                       x};
    CHECK_OK(rask_cancel(f[1], NULL));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(rask_future_state(f[0]), RASK_ERROR);
    CHECK_EQ(rask_future_state(f[1]), RASK_CANCELLED);
    CHECK_OK(rask_release_all(f, 3));
}

static void *drain_it(void *unused) {
    (void)unused;
    CHECK_OK(rask_client_wait(client, LONG_NS));
    return NULL;
}

static void several_at_once(void) {
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 1);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        threads[i] = start_thread(drain_it, NULL);
    sleep_us(10000);
    gate_open(g);
    for (int i = 0; i < 8; i++)
        join_thread(threads[i]);
    CHECK_OK(rask_release(f));
}

static void again_and_again(void) {
    size_t rounds = scaled(20000);
    for (size_t i = 0; i < rounds; i++) {
        rask_future f = rask_submit(client, inc, RASK_ARGS((int64_t)i));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(rask_future_state(f), RASK_FINISHED);
        CHECK_OK(rask_release(f));
    }
}

static void another_client_does_not_count(void) {
    gate *g = gate_new();
    rask_client other = open_workers(1);
    rask_future f = submit_held(other, g, 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_STATUS(rask_client_wait(other, 0), RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_OK(rask_client_wait(other, LONG_NS));
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(other));
    CHECK_STATUS(rask_client_wait(other, 0), RASK_E_CLOSED);
    CHECK_STATUS(rask_client_wait(other, RASK_FOREVER), RASK_E_CLOSED);
}

int main(void) {
    RUN_WITH(2, an_idle_client);
    RUN_WITH(2, waits_for_pending_and_running);
    RUN_WITH(2, waits_for_what_nobody_holds);
    RUN_WITH(1, waits_for_what_tasks_submit);
    RUN_WITH(4, waits_for_what_tasks_submit);
    RUN_WITH(2, failures_and_cancelled_ones_are_done);
    RUN_WITH(2, several_at_once);
    RUN_WITH(2, again_and_again);
    RUN_WITH(2, another_client_does_not_count);
    return 0;
}
