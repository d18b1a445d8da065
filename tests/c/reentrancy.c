/* Calls from places where one does not expect them: destructors, tasks that run on top of others, closing
 * clients. */
#include "check.h"

/* ---- destructors that call the library ---- */

static rask_task *running;
static int ended;

static void end_and_return(void *object) {
    (void)object;
    if (++ended < 3)
        rask_return_i64(running, 5);
}
static const rask_type returning = {sizeof(rask_type), "returning", end_and_return, NULL, NULL, NULL};

static void return_twice(rask_task *t) {
    static int object;
    running = t;
    rask_return_object(t, &object, &returning);
    rask_return_i64(t, 1);
}

static void a_destructor_may_return_for_its_task(void) {
    ended = 0;
    rask_future f = rask_submit(client, return_twice, RASK_NO_ARGS);
    CHECK_I64(f, 5); /* the destructor's return came last */
    CHECK_EQ(ended, 1);
    CHECK_OK(rask_release(f));
}

static atomic_int seen;

static void end_and_wait(void *object) {
    (void)object;
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    int64_t value;
    atomic_store(&seen, rask_result_i64(f, &value));
    rask_release(f);
}
static const rask_type waiting = {sizeof(rask_type), "waiting", end_and_wait, NULL, NULL, NULL};

static void a_destructor_on_a_worker_cannot_wait(void) {
    int object;
    atomic_store(&seen, 1);
    rask_future f = rask_submit(client, nothing, RASK_ARGS(rask_object(&object, &waiting)));
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_STATUS(atomic_load(&seen), RASK_E_STATE);
    CHECK_OK(rask_release(f));
}

static rask_client closing;

static void end_and_close(void *object) {
    (void)object;
    atomic_store(&seen, rask_client_close(closing));
}
static const rask_type closes = {sizeof(rask_type), "closes", end_and_close, NULL, NULL, NULL};

/* Whichever thread ends what was queued, the closing one or a worker, cannot close the client once more. */
static void a_destructor_cannot_close_the_client_that_closes(void) {
    int object;
    gate *g = gate_new();
    closing = open_workers(1);
    atomic_store(&seen, 1);
    rask_future h = submit_held(closing, g, 1);
    GATE_REACHED(g, 1);
    rask_future f = rask_submit(closing, nothing, RASK_ARGS(rask_object(&object, &closes)));
    opener opens = {g, f};
    pthread_t thread = start_thread(open_when_cancelled, &opens);
    CHECK_OK(rask_client_close(closing));
    join_thread(thread);
    CHECK_STATUS(atomic_load(&seen), RASK_E_STATE);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(h, f)));
}

/* ---- tasks on top of others ---- */

static atomic_int runs;
static rask_future other;

static void return_other(rask_task *t) {
    atomic_fetch_add(&runs, 1);
    CHECK_EQ(rask_arg_i64(t, 0), 41);
    rask_return_future(t, rask_clone(other));
}
static void wait_for_child(rask_task *t) {
    rask_future f = rask_submit(rask_task_client(t), return_other, RASK_ARGS(41));
    int64_t value = -1;
    rask_result_i64(f, &value);
    rask_release(f);
    rask_return_i64(t, value);
}

/* The child's entry in the queue stays there while the child, run by its parent, waits
 * for another's result. */
static void a_child_that_returns_a_future_runs_once(void) {
    for (int i = 0; i < 20; i++) {
        gate *g = gate_new();
        atomic_store(&runs, 0);
        other = submit_held(client, g, 7);
        GATE_REACHED(g, 1);
        rask_future parent = rask_submit(client, wait_for_child, RASK_NO_ARGS);
        EVENTUALLY(atomic_load(&runs) == 1);
        sleep_us(2000);
        gate_open(g);
        CHECK_I64(parent, 7);
        CHECK_EQ(atomic_load(&runs), 1);
        CHECK_OK(rask_release_all(RASK_FUTURES(parent, other)));
    }
}

/* ---- futures that return each other ---- */

static rask_future pair[2];
static atomic_int arrived, go;

static void return_the_other(rask_task *t) {
    while (!atomic_load(&go))
        sleep_us(50);
    rask_future f = rask_clone(pair[1 - rask_arg_i64(t, 0)]);
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < 2)
        ;
    rask_return_future(t, f);
}

static void two_futures_that_return_each_other_end(void) {
    for (int i = 0; i < 50; i++) {
        atomic_store(&arrived, 0);
        atomic_store(&go, 0);
        for (int k = 0; k < 2; k++)
            pair[k] = rask_submit(client, return_the_other, RASK_ARGS(k));
        atomic_store(&go, 1);
        CHECK_FAILS(pair[0], RASK_E_DEADLOCK);
        CHECK_FAILS(pair[1], RASK_E_DEADLOCK);
        CHECK_OK(rask_release_all(pair, 2));
    }
}

/* ---- waiting for all while others end futures ---- */

static atomic_bool stop;

static void *scatter_and_release(void *unused) {
    while (!atomic_load(&stop)) {
        for (int i = 0; i < 50; i++)
            CHECK_OK(rask_release(rask_scatter(client, rask_i64(i))));
        sleep_us(30);
    }
    return unused;
}

/* A future that is done from the start wakes nobody but whoever waits until there is none. */
static void draining_while_another_thread_scatters(void) {
    atomic_store(&stop, false);
    pthread_t thread = start_thread(scatter_and_release, NULL);
    for (size_t i = 0; i < scaled(200000); i++)
        CHECK_OK(rask_client_wait(client, LONG_NS));
    atomic_store(&stop, true);
    join_thread(thread);
}

int main(void) {
    RUN_WITH(1, a_destructor_may_return_for_its_task);
    RUN_WITH(1, a_destructor_on_a_worker_cannot_wait);
    RUN_WITH(1, a_destructor_cannot_close_the_client_that_closes);
    RUN_WITH(2, a_child_that_returns_a_future_runs_once);
    RUN_WITH(2, two_futures_that_return_each_other_end);
    RUN_WITH(1, draining_while_another_thread_scatters);
    return 0;
}
