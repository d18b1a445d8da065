/* Lanes and the end: of the lane, of its client, in every order. */
#include "lanes.h"

#include <poll.h>

static void what_nobody_pulled_is_cancelled(void) {
    rask_lane lane = open_lane();
    gate *g = gate_new();
    rask_future open = submit_held(client, g, 1);
    rask_future ready = submit_to(lane, inc, RASK_ARGS(rask_lane_token(lane, 1)));
    rask_future waits = submit_to(lane, inc, RASK_ARGS(open)),
                after = rask_submit(client, inc, RASK_ARGS(ready));
    rask_submit_options options = on_lane(lane);
    options.priority = 3;
    rask_future first = rask_submit_with(client, inc, RASK_ARGS(1), &options);
    CHECK_OK(rask_lane_close(lane));
    CHECK_FAILS(ready, RASK_E_CANCELLED);
    CHECK_STR_EQ(ERROR_OF(ready).message, "lane closed");
    CHECK_FAILS(first, RASK_E_CANCELLED);
    CHECK_FAILS(after, RASK_E_CANCELLED);
    CHECK_FAILS(waits, RASK_E_CANCELLED);
    CHECK_STATUS(rask_retry(ready), RASK_E_STATE); /* nobody could run it */
    CHECK_EQ(rask_live_handles(), 6);              /* five futures and the client: the lane's has ended */
    gate_open(g);
    CHECK_I64(open, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(open, ready, waits, after, first)));
}

static void what_is_out_is_handed_back_after_the_close(void) {
    rask_lane lane = open_lane();
    rask_future f[2], y;
    for (int i = 0; i < 2; i++)
        f[i] = submit_to(lane, inc, RASK_ARGS(i));
    y = rask_submit(client, inc, RASK_ARGS(f[1]));
    rask_lane_task a = pull_one(lane), b = pull_one(lane), task;
    CHECK_OK(rask_lane_close(lane));
    CHECK_OK(rask_lane_close(lane)); /* twice */
    size_t n = 9;
    CHECK_STATUS(rask_lane_exchange(lane, NULL, 0, &task, 1, RASK_FOREVER, &n), RASK_END);
    CHECK_EQ(n, 0);
    CHECK_EQ(rask_future_state(f[0]), RASK_RUNNING);
    rask_lane_result result = {a.id, rask_i64(5), NULL, 0, false};
    CHECK_STATUS(rask_lane_exchange(lane, &result, 1, &task, 1, RASK_FOREVER, &n), RASK_END);
    CHECK_I64(f[0], 5);
    uint64_t id;
    CHECK_OK(rask_cancel(f[0], NULL) == RASK_E_STATE ? RASK_OK : RASK_E_INVALID);
    CHECK_STATUS(rask_lane_cancelled(lane, &id, 1, 0, &n), RASK_E_TIMEOUT);
    CHECK_OK(give(lane, b.id, rask_i64(6)));
    CHECK_I64(y, 7);
    CHECK_STATUS(rask_lane_cancelled(lane, &id, 1, RASK_FOREVER, &n), RASK_END);
    CHECK_STATUS(give(lane, b.id, rask_i64(6)), RASK_E_HANDLE);
    probe p = {0};
    CHECK_STATUS(give(lane, 77, rask_object(&p, &probe_type)), RASK_E_HANDLE);
    CHECK_EQ(destroyed(&p), 1);
    CHECK_STATUS(rask_lane_run(lane, 1, RASK_FOREVER, &n), RASK_END);
    CHECK_OK(rask_lane_close(lane));
    CHECK_OK(rask_release_all(f, 2));
    CHECK_OK(rask_release(y));
}

static void a_dependent_of_a_closed_lane_is_cancelled(void) {
    rask_lane lane = open_lane(), other = open_lane();
    rask_future x = submit_to(other, inc, RASK_ARGS(1));
    rask_lane_task a = pull_one(other);
    rask_submit_options options = on_lane(lane);
    options.retries = 1;
    rask_future failing = rask_submit_with(client, nothing, RASK_NO_ARGS, &options);
    rask_lane_task b = pull_one(lane);
    CHECK_OK(rask_lane_close(lane));
    /* A retry would have to be pulled. */
    CHECK_OK(give_error(lane, b.id, 1, "no"));
    CHECK_FAILS(failing, RASK_E_CANCELLED);
    CHECK_OK(give(other, a.id, rask_i64(1)));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, failing)));
    CHECK_OK(rask_lane_close(other));
}

static rask_status waited;
static void *wait_in_run(void *lane) {
    waited = rask_lane_run(*(rask_lane *)lane, 1, RASK_FOREVER, NULL);
    return NULL;
}
static void *wait_in_exchange(void *lane) {
    rask_lane_task task;
    size_t n;
    waited = rask_lane_exchange(*(rask_lane *)lane, NULL, 0, &task, 1, RASK_FOREVER, &n);
    return NULL;
}
static void *wait_in_cancelled(void *lane) {
    uint64_t id;
    size_t n;
    waited = rask_lane_cancelled(*(rask_lane *)lane, &id, 1, RASK_FOREVER, &n);
    return NULL;
}

static void waits_end_with_the_lane(void) {
    void *(*const waits[])(void *) = {wait_in_run, wait_in_exchange, wait_in_cancelled};
    for (int i = 0; i < 3; i++) {
        rask_lane lane = open_lane();
        pthread_t thread = start_thread(waits[i], &lane);
        sleep_us(i * 1000);
        CHECK_OK(rask_lane_close(lane));
        join_thread(thread);
        CHECK_STATUS(waited, RASK_END);
    }
}

static void waits_end_with_the_client(void) {
    void *(*const waits[])(void *) = {wait_in_run, wait_in_exchange, wait_in_cancelled};
    for (int i = 0; i < 3; i++) {
        client = open_workers(1);
        rask_lane lane = open_lane();
        int fd = rask_lane_fd(lane);
        pthread_t thread = start_thread(waits[i], &lane);
        sleep_us(i * 1000);
        CHECK_OK(rask_client_close(client));
        join_thread(thread);
        CHECK_STATUS(waited, RASK_END);
        struct pollfd p = {fd, POLLIN, 0};
        CHECK_EQ(poll(&p, 1, 0), 1);
        CHECK_EQ(rask_live_handles(), 1);
        CHECK_OK(rask_lane_close(lane));
    }
}

/* Hands a task back once its client is being closed. */
static void *give_late(void *context) {
    rask_lane_task *task = context;
    rask_future probe;
    while ((probe = rask_submit(client, nothing, RASK_NO_ARGS)).id != 0) {
        CHECK_OK(rask_release(probe));
        sleep_us(100);
    }
    CHECK_EQ(rask_last_status(), RASK_E_CLOSED);
    rask_lane lane = {(uint64_t)task->word};
    CHECK_OK(give(lane, task->id, rask_i64(9)));
    return NULL;
}

static void a_closing_client_waits_for_what_is_out(void) {
    for (int lane_first = 0; lane_first < 2; lane_first++) {
        client = open_workers(2);
        rask_lane lane = open_lane();
        rask_future f = submit_to(lane, inc, RASK_ARGS(1)), queued = submit_to(lane, inc, RASK_ARGS(2));
        rask_future after = rask_submit(client, inc, RASK_ARGS(f)), token;
        token = submit_to(lane, inc, RASK_ARGS(rask_lane_token(lane, 7)));
        rask_lane_task task = pull_one(lane);
        task.word = (int64_t)lane.id;
        if (lane_first)
            CHECK_OK(rask_lane_close(lane));
        pthread_t thread = start_thread(give_late, &task);
        CHECK_OK(rask_client_close(client));
        CHECK_I64(f, 9);
        CHECK_FAILS(queued, RASK_E_CANCELLED);
        CHECK_STR_EQ(ERROR_OF(queued).message, lane_first ? "lane closed" : "client closed");
        CHECK_FAILS(after, RASK_E_CANCELLED);
        join_thread(thread);
        if (!lane_first)
            CHECK_EQ(dropped_tokens(lane), 1 << 7);
        CHECK_OK(rask_lane_close(lane));
        CHECK_OK(rask_release_all(RASK_FUTURES(f, queued, after, token)));
    }
}

static void cancelled_out_and_closed(void) {
    client = open_workers(1);
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, inc, RASK_ARGS(1));
    rask_lane_task task = pull_one(lane);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_release(f));
    task.word = (int64_t)lane.id;
    pthread_t thread = start_thread(give_late, &task);
    CHECK_OK(rask_client_close(client));
    CHECK_OK(rask_lane_close(lane));
    join_thread(thread);
}

static void close_the_lane(rask_task *t) {
    rask_lane lane = {(uint64_t)rask_arg_i64(t, 0)};
    CHECK_OK(rask_lane_close(lane));
    CHECK_STATUS(rask_lane_run(lane, 1, RASK_FOREVER, NULL), RASK_END);
    rask_return_i64(t, 1);
}

static void a_task_closes_its_own_lane(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, close_the_lane, RASK_ARGS((int64_t)lane.id));
    rask_future g = submit_to(lane, close_the_lane, RASK_ARGS((int64_t)lane.id));
    size_t n;
    CHECK_OK(rask_lane_run(lane, 9, 0, &n));
    CHECK_EQ(n, 1);
    CHECK_I64(f, 1);
    CHECK_FAILS(g, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
}

static rask_lane lane_of_object;
static void close_and_exchange(void *object) {
    size_t n;
    atomic_fetch_add(&((probe *)object)->destroyed, 1);
    CHECK_OK(rask_lane_exchange(lane_of_object, NULL, 0, NULL, 0, 0, &n));
    CHECK_OK(rask_lane_close(lane_of_object));
}
static const rask_type closer = {sizeof(rask_type), "closer", close_and_exchange, NULL, NULL, NULL};

/* A destructor that runs in an exchange may use the lane. */
static void a_destructor_closes_the_lane(void) {
    lane_of_object = open_lane();
    probe p = {0};
    rask_future f = submit_to(lane_of_object, nothing, RASK_NO_ARGS);
    rask_lane_task task = pull_one(lane_of_object);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(give(lane_of_object, task.id, rask_object(&p, &closer)));
    CHECK_EQ(destroyed(&p), 1);
    CHECK_OK(rask_release(f));
}

static void nobody_ever_pulls(void) {
    client = open_workers(1);
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, inc, RASK_ARGS(1));
    CHECK_OK(rask_client_close(client));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

static void many_lanes_come_and_go(void) {
    for (size_t i = 0; i < scaled(20000); i++) {
        rask_lane lane = open_lane();
        rask_future f = submit_to(lane, inc, RASK_ARGS(1));
        if (i % 2)
            CHECK_EQ(run_ready(lane), 1);
        CHECK_OK(rask_lane_close(lane));
        CHECK_OK(rask_release(f));
    }
}

int main(void) {
    RUN_WITH(2, what_nobody_pulled_is_cancelled);
    RUN_WITH(1, what_is_out_is_handed_back_after_the_close);
    RUN_WITH(1, a_dependent_of_a_closed_lane_is_cancelled);
    RUN_WITH(1, waits_end_with_the_lane);
    RUN(waits_end_with_the_client);
    RUN(a_closing_client_waits_for_what_is_out);
    RUN(cancelled_out_and_closed);
    RUN_WITH(1, a_task_closes_its_own_lane);
    RUN_WITH(1, a_destructor_closes_the_lane);
    RUN(nobody_ever_pulls);
    RUN_WITH(1, many_lanes_come_and_go);
    return 0;
}
