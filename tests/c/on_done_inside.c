/* What a callback of rask_on_done may do. */
#include "on_done.h"

/* Goes on with another task each time, and registers itself with it. */
static void go_on(rask_future future, rask_state state, void *context) {
    int64_t value = 0;
    CHECK_EQ(state, RASK_FINISHED);
    CHECK_OK(rask_result_i64(future, &value));
    atomic_store((atomic_int *)context, (int)value);
    if (value < 1000) {
        rask_future next = rask_submit(client, inc, RASK_ARGS(future));
        CHECK_OK(rask_on_done(next, go_on, context));
        CHECK_OK(rask_fire_and_forget(next));
    }
}
static void submit_and_register(void) {
    atomic_int at = 0;
    rask_future f = rask_submit(client, inc, RASK_ARGS(0));
    CHECK_OK(rask_on_done(f, go_on, &at));
    EVENTUALLY(atomic_load(&at) == 1000);
    CHECK_OK(rask_release(f));
}

static void register_again(rask_future future, rask_state state, void *context) {
    (void)state;
    if (atomic_fetch_add((atomic_int *)context, 1) < 100)
        CHECK_OK(rask_on_done(future, register_again, context)); /* on what is done: soon, not from within */
}
static void register_on_the_same(void) {
    atomic_int n = 0;
    rask_future f = rask_submit(client, inc, RASK_ARGS(0));
    CHECK_OK(rask_on_done(f, register_again, &n));
    EVENTUALLY(atomic_load(&n) == 101);
    CHECK_OK(rask_release(f));
}

/* (counter): fails until it has run three times. */
static void third_time_lucky(rask_task *t) {
    int n = atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1) + 1;
    if (n < 3)
        rask_fail(t, n, "not yet");
    else
        rask_return_i64(t, n);
}
typedef struct retrier {
    rask_future future; /* kept: what nobody holds cannot be retried */
    atomic_int errors, finished;
} retrier;
static void retry_until_it_works(rask_future future, rask_state state, void *context) {
    retrier *r = context;
    CHECK_EQ(rask_future_state(future), state);
    if (state == RASK_FINISHED) {
        atomic_fetch_add(&r->finished, 1);
        return;
    }
    atomic_fetch_add(&r->errors, 1);
    CHECK_OK(rask_retry(future));
    CHECK_OK(rask_on_done(future, retry_until_it_works, r)); /* for its next end */
}
static void retry_and_register(void) {
    for (size_t i = scaled(500); i > 0; i--) {
        static atomic_int runs;
        atomic_store(&runs, 0);
        call c = {0};
        retrier r = {rask_submit(client, third_time_lucky, RASK_ARGS(rask_pointer(&runs))), 0, 0};
        CHECK_OK(rask_on_done(r.future, retry_until_it_works, &r));
        CHECK_OK(rask_on_done(r.future, count_call, &c.n));
        EVENTUALLY(atomic_load(&r.finished) == 1);
        CHECK_EQ(atomic_load(&r.errors), 2);
        CHECK_I64(r.future, 3);
        CALLED(&c);
        CHECK_EQ(atomic_load(&c.n), 1); /* once, for the first end */
        CHECK_OK(rask_release(r.future));
    }
}

static void wait_inside(rask_future future, rask_state state, void *context) {
    (void)future, (void)state;
    int64_t value = 0;
    rask_future got, f[] = {rask_submit(client, inc, RASK_ARGS(1)), rask_submit(client, inc, RASK_ARGS(2))};
    CHECK_OK(rask_wait(f, 2, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_result_i64(f[0], &value));
    rask_as_completed iter = rask_as_completed_open(f, 2);
    CHECK_OK(rask_as_completed_next(iter, RASK_FOREVER, &got));
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_release_all(f, 2));
    atomic_store((atomic_int *)context, (int)value);
}
static void wait_and_drain(void) {
    atomic_int value = 0;
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_on_done(f, wait_inside, &value));
    EVENTUALLY(atomic_load(&value) == 2);
    CHECK_OK(rask_release(f));
}

static void release_others(rask_future future, rask_state state, void *context) {
    (void)future, (void)state;
    CHECK_OK(rask_release_all(context, 2));
    atomic_fetch_add(&calls, 1);
}
static void release_and_cancel(void) {
    gate *g = gate_new();
    reset_calls();
    call c = {0};
    rask_future x = submit_held(client, g, 1), f[] = {rask_submit(client, inc, RASK_ARGS(x)), rask_clone(x)},
                y = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_on_done(f[0], note, &c));
    CHECK_OK(rask_on_done(y, release_others, f)); /* which cancels f[0] */
    CALLED(&c);
    CHECK_EQ(c.state, RASK_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void register_in_a_task(rask_task *t) {
    rask_future f = rask_submit(rask_task_client(t), inc, RASK_ARGS(1));
    CHECK_OK(rask_on_done(f, count_call, rask_arg_pointer(t, 0)));
    CHECK_OK(rask_fire_and_forget(f));
}
static void registered_in_tasks(void) {
    int n = (int)scaled(2000);
    atomic_int done = 0;
    for (int i = 0; i < n; i++)
        CHECK_OK(
            rask_fire_and_forget(rask_submit(client, register_in_a_task, RASK_ARGS(rask_pointer(&done)))));
    EVENTUALLY(atomic_load(&done) == n);
}

static void close_inside(rask_future future, rask_state state, void *context) {
    (void)future, (void)state;
    rask_client *closed = context;
    CHECK_STATUS(rask_client_close(client), RASK_E_STATE);
    CHECK_STR_CONTAINS(rask_last_error(), "callback");
    CHECK_STATUS(rask_client_close(*closed),
                 RASK_E_STATE); /* whichever client: it might wait for this one, too */
    atomic_fetch_add(&calls, 1);
}
static void no_close_from_a_callback(void) {
    reset_calls();
    rask_client other = open_workers(1);
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_on_done(f, close_inside, &other));
    EVENTUALLY(atomic_load(&calls) == 1);
    CHECK_I64(f, 2);
    CHECK_OK(rask_client_close(other));
    CHECK_OK(rask_release(f));
}

int main(void) {
    RUN_WITH(2, submit_and_register);
    RUN_WITH(1, register_on_the_same);
    RUN_WITH(2, retry_and_register);
    RUN_WITH(2, wait_and_drain);
    RUN_WITH(2, release_and_cancel);
    RUN_WITH(2, registered_in_tasks);
    RUN_WITH(1, no_close_from_a_callback);
    return 0;
}
