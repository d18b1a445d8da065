/* Lanes: tasks that threads of the program run by rask_lane_run. What holds for tasks of workers holds for
 * them. */
#include "lanes.h"
#include "order.h"

#include <poll.h>

static pthread_t ran_on;

static void note_thread(rask_task *t) {
    ran_on = pthread_self();
    rask_return_i64(t, rask_arg_i64(t, 0));
}

static void runs_on_the_thread_that_pulls(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, note_thread, RASK_ARGS(7));
    sleep_us(2000); /* no worker takes it */
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    size_t n;
    CHECK_OK(rask_lane_run(lane, 5, LONG_NS, &n));
    CHECK_EQ(n, 1);
    CHECK(pthread_equal(ran_on, pthread_self()));
    CHECK_I64(f, 7);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

static void at_most_max_in_the_order_submitted(void) {
    rask_lane lane = open_lane();
    atomic_int counter = 0;
    rask_future f[5];
    for (int i = 0; i < 5; i++)
        f[i] = submit_to(lane, count, RASK_ARGS(rask_pointer(&counter)));
    size_t n;
    CHECK_OK(rask_lane_run(lane, 2, 0, &n));
    CHECK_EQ(n, 2);
    CHECK_EQ(rask_future_state(f[1]), RASK_FINISHED);
    CHECK_EQ(rask_future_state(f[2]), RASK_PENDING);
    CHECK_OK(rask_lane_run(lane, 9, 0, NULL));
    for (int i = 0; i < 5; i++)
        CHECK_I64(f[i], i + 1);
    CHECK_STATUS(rask_lane_run(lane, 9, 0, &n), RASK_E_TIMEOUT);
    CHECK_EQ(n, 0);
    CHECK_OK(rask_release_all(f, 5));
    CHECK_OK(rask_lane_close(lane));
}

static void timeouts(void) {
    rask_lane lane = open_lane();
    size_t n = 9;
    CHECK_STATUS(rask_lane_run(lane, 1, 0, &n), RASK_E_TIMEOUT);
    CHECK_EQ(n, 0);
    CHECK_STATUS(rask_lane_run(lane, 1, 3000000, &n), RASK_E_TIMEOUT);
    CHECK_STATUS(rask_lane_run(lane, 1, -2, &n), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_run(lane, 0, 0, &n), RASK_E_INVALID);
    CHECK_OK(rask_lane_close(lane));
}

/* Each takes the one before; even ones are the lane's. */
static void alternates_with_workers(void) {
    rask_lane lane = open_lane();
    int64_t length = (int64_t)scaled(20000);
    rask_future last = submit_to(lane, inc, RASK_ARGS(0));
    for (int64_t i = 1; i < length; i++)
        last = i % 2 ? rask_submit(client, inc, RASK_ARGS(rask_take(last)))
                     : submit_to(lane, inc, RASK_ARGS(rask_take(last)));
    while (rask_future_state(last) < RASK_FINISHED) {
        rask_status status = rask_lane_run(lane, 100, 1000000, NULL);
        CHECK(status == RASK_OK || status == RASK_E_TIMEOUT);
    }
    CHECK_I64(last, length);
    CHECK_OK(rask_release(last));
    CHECK_OK(rask_lane_close(lane));
}

static void what_becomes_ready_by_a_run_is_run_too(void) {
    rask_lane lane = open_lane();
    rask_future x = submit_to(lane, inc, RASK_ARGS(0));
    rask_future y = submit_to(lane, inc, RASK_ARGS(x));
    rask_future z = submit_to(lane, add, RASK_ARGS(x, y));
    size_t n;
    CHECK_OK(rask_lane_run(lane, 9, 0, &n));
    CHECK_EQ(n, 3);
    CHECK_I64(z, 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
    CHECK_OK(rask_lane_close(lane));
}

static void many_arguments_of_all_kinds(void) {
    rask_lane lane = open_lane();
    rask_future x = rask_scatter(client, rask_i64(4)), y = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(y, 2);
    rask_future f[] = {
        submit_to(lane, pass_on, RASK_ARGS("text", x, y, 1, 2.0)),
        submit_to(lane, pass_on, RASK_ARGS(y, x, y, x, y, x)),
        submit_to(lane, pass_on, RASK_ARGS(1, 2, 3, 4)),
        submit_to(lane, pass_on, RASK_ARGS(x, 1, 2, 3, 4, 5)),
        submit_to(lane, pass_on, RASK_ARGS(rask_list_of(&x, 1))),
        submit_to(lane, pass_on, RASK_ARGS(1, 2, 3, 4, 5, 6, 7, 8)),
    };
    CHECK_EQ(run_ready(lane), 6);
    const rask_value *value;
    CHECK_OK(rask_result(f[0], 0, &value));
    CHECK_EQ(rask_value_kind(value), RASK_BYTES);
    CHECK_I64(f[1], 2);
    CHECK_I64(f[2], 1);
    CHECK_I64(f[3], 4);
    CHECK_OK(rask_result(f[4], 0, &value));
    CHECK_EQ(rask_value_count(value), 1);
    CHECK_I64(f[5], 1);
    CHECK_OK(rask_release_all(f, 6));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
    CHECK_OK(rask_lane_close(lane));
}

static void errors_travel(void) {
    rask_lane lane = open_lane();
    rask_future x = submit_to(lane, fail, RASK_ARGS(5, "no"));
    rask_future y = rask_submit(client, inc, RASK_ARGS(x));
    rask_future z = submit_to(lane, inc, RASK_ARGS(y));
    CHECK_EQ(run_ready(lane), 1);
    CHECK_FAILS(z, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(z).code, 5);
    CHECK_STR_EQ(ERROR_OF(z).message, "no");
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
    CHECK_OK(rask_lane_close(lane));
}

static void fail_first(rask_task *t) {
    if (rask_task_attempt(t) < 3)
        rask_fail(t, 1, "not yet");
    else
        rask_return_i64(t, rask_task_attempt(t));
}

static void retries(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    options.retries = 2;
    rask_future f = rask_submit_with(client, fail_first, RASK_NO_ARGS, &options);
    CHECK_EQ(run_ready(lane), 3);
    CHECK_I64(f, 3);
    options.retry_delay_ns = 2000000;
    rask_future g = rask_submit_with(client, fail_first, RASK_NO_ARGS, &options);
    while (rask_future_state(g) < RASK_FINISHED)
        (void)rask_lane_run(lane, 1, 10000000, NULL);
    CHECK_I64(g, 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    CHECK_OK(rask_lane_close(lane));
}

static void retry_runs_it_again_on_the_lane(void) {
    rask_lane lane = open_lane();
    atomic_int runs = 0;
    rask_future x = submit_to(lane, fail, RASK_ARGS(1, "no"));
    rask_future y = submit_to(lane, count, RASK_ARGS(rask_pointer(&runs), x));
    CHECK_EQ(run_ready(lane), 1);
    CHECK_FAILS(y, RASK_E_TASK);
    CHECK_OK(rask_retry(y));
    sleep_us(2000);
    CHECK_EQ(rask_future_state(x), RASK_PENDING);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_FAILS(y, RASK_E_TASK);
    CHECK_EQ(runs, 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
    CHECK_OK(rask_lane_close(lane));
}

static void cancelled_before_it_is_pulled(void) {
    rask_lane lane = open_lane();
    atomic_int runs = 0;
    rask_future f = submit_to(lane, count, RASK_ARGS(rask_pointer(&runs)));
    rask_future g = submit_to(lane, count, RASK_ARGS(rask_pointer(&runs)));
    CHECK_OK(rask_cancel(f, "enough"));
    CHECK_EQ(run_ready(lane), 1);
    CHECK_EQ(runs, 1);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    CHECK_OK(rask_lane_close(lane));
}

static void released_before_it_is_pulled(void) {
    rask_lane lane = open_lane();
    atomic_int runs = 0;
    rask_future f = submit_to(lane, count, RASK_ARGS(rask_pointer(&runs)));
    CHECK_OK(rask_release(f));
    CHECK_EQ(run_ready(lane), 0);
    CHECK_EQ(runs, 0);
    CHECK_OK(rask_lane_close(lane));
}

static rask_future victim;
static void cancel_self(rask_task *t) {
    CHECK(!rask_cancelled(t));
    CHECK_OK(rask_cancel(victim, "while it runs"));
    CHECK(rask_cancelled(t));
    rask_return_i64(t, 1);
}

static void cancelled_while_it_runs(void) {
    rask_lane lane = open_lane();
    victim = submit_to(lane, cancel_self, RASK_NO_ARGS);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_FAILS(victim, RASK_E_CANCELLED);
    CHECK_OK(rask_release(victim));
    CHECK_OK(rask_lane_close(lane));
}

static void priorities(void) {
    rask_lane lane = open_lane();
    static const int32_t priority[] = {0, -1, 5, 0, 5, INT32_MIN, 0};
    static const int want[] = {2, 4, 0, 3, 6, 1, 5};
    rask_future f[7];
    forget_order();
    for (int i = 0; i < 7; i++) {
        rask_submit_options options = on_lane(lane);
        options.priority = priority[i];
        f[i] = rask_submit_with(client, note, RASK_ARGS(i), &options);
    }
    CHECK_EQ(run_ready(lane), 7);
    check_order(want, 7);
    CHECK_OK(rask_release_all(f, 7));
    CHECK_OK(rask_lane_close(lane));
}

static void low_priorities_have_their_turn(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    atomic_int runs = 0;
    options.priority = -1;
    rask_future low = rask_submit_with(client, count, RASK_ARGS(rask_pointer(&runs)), &options);
    rask_future plain = submit_to(lane, count, RASK_ARGS(rask_pointer(&runs)));
    options.priority = 1;
    int high = 0;
    for (; rask_future_state(low) != RASK_FINISHED || rask_future_state(plain) != RASK_FINISHED; high++) {
        rask_future f[2];
        for (int i = 0; i < 2; i++)
            f[i] = rask_submit_with(client, nothing, RASK_NO_ARGS, &options);
        CHECK_OK(rask_lane_run(lane, 1, 0, NULL));
        for (int i = 0; i < 2; i++)
            CHECK_OK(rask_fire_and_forget(f[i]));
        CHECK(high < 100000);
    }
    while (run_ready(lane) > 0)
        ;
    CHECK_OK(rask_release_all(RASK_FUTURES(low, plain)));
    CHECK_OK(rask_lane_close(lane));
}

static void keys_and_pure_tasks(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    options.flags = RASK_PURE;
    rask_future x = rask_submit_with(client, inc, RASK_ARGS(1), &options);
    rask_future y = rask_submit_with(client, inc, RASK_ARGS(1), &options);
    options.flags = 0;
    options.key = "mine";
    rask_future z = rask_submit_with(client, inc, RASK_ARGS(5), &options);
    CHECK_STR_EQ(rask_future_key(z), "mine");
    CHECK_EQ(run_ready(lane), 2);
    CHECK_I64(x, 2);
    CHECK_I64(y, 2);
    CHECK_I64(z, 6);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
    CHECK_OK(rask_lane_close(lane));
}

static void return_inner(rask_task *t) {
    rask_return_future(t, rask_submit(rask_task_client(t), inc, RASK_ARGS(41)));
}

static void returned_futures(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, return_inner, RASK_NO_ARGS);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_I64(f, 42);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

static void wait_for_worker(rask_task *t) {
    rask_future f = rask_submit(rask_task_client(t), inc, RASK_ARGS(1));
    int64_t value = 0;
    CHECK_OK(rask_result_i64(f, &value));
    CHECK_OK(rask_release(f));
    rask_return_i64(t, value);
}

static void waits_inside_block_the_thread(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, wait_for_worker, RASK_NO_ARGS);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

static rask_lane lane_of_task;
static void wait_for_itself(rask_task *t) {
    const rask_value *value;
    CHECK_STATUS(rask_result(victim, RASK_FOREVER, &value), RASK_E_DEADLOCK);
    CHECK_STATUS(rask_client_wait(client, RASK_FOREVER), RASK_E_DEADLOCK);
    CHECK_STATUS(rask_client_close(client), RASK_E_STATE);
    rask_return_i64(t, 3);
}

static void a_wait_for_itself_is_a_deadlock(void) {
    rask_lane lane = open_lane();
    victim = submit_to(lane, wait_for_itself, RASK_NO_ARGS);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_I64(victim, 3);
    CHECK_OK(rask_release(victim));
    CHECK_OK(rask_lane_close(lane));
}

/* A worker's task waits for a lane's: no worker runs that on top of it. */
static void wait_for_lane(rask_task *t) {
    rask_submit_options options = on_lane(lane_of_task);
    rask_future f = rask_submit_with(rask_task_client(t), note_thread, RASK_ARGS(8), &options);
    int64_t value = 0;
    CHECK_OK(rask_result_i64(f, &value));
    CHECK_OK(rask_release(f));
    rask_return_i64(t, value);
}

static void a_worker_waits_for_the_lane(void) {
    lane_of_task = open_lane();
    rask_future f = rask_submit(client, wait_for_lane, RASK_NO_ARGS);
    CHECK_OK(rask_lane_run(lane_of_task, 1, LONG_NS, NULL));
    CHECK(pthread_equal(ran_on, pthread_self()));
    CHECK_I64(f, 8);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane_of_task));
}

static void pull_inside(rask_task *t) {
    size_t n = 0;
    CHECK_OK(rask_lane_run(lane_of_task, 1, LONG_NS, &n));
    rask_return_i64(t, (int64_t)n);
}

/* While it waits for a task of the lane, another thread has its worker. */
static void a_task_of_a_worker_pulls(void) {
    lane_of_task = open_lane();
    rask_future f = rask_submit(client, pull_inside, RASK_NO_ARGS);
    rask_future x = rask_submit(client, inc, RASK_ARGS(0));
    rask_future y = submit_to(lane_of_task, inc, RASK_ARGS(x));
    CHECK_I64(f, 1);
    CHECK_I64(y, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, x, y)));
    CHECK_OK(rask_lane_close(lane_of_task));
}

static void lazy_graphs(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    rask_delayed x = rask_delayed_call(inc, RASK_ARGS(1), &options);
    rask_delayed y = rask_delayed_call(inc, RASK_ARGS(x), NULL);
    rask_delayed z = rask_delayed_call(add, RASK_ARGS(x, y), &options);
    for (int round = 0; round < 2; round++) {
        rask_future f = rask_compute(client, z);
        CHECK_OK(rask_lane_run(lane, 1, LONG_NS, NULL));
        CHECK_OK(rask_lane_run(lane, 1, LONG_NS, NULL));
        CHECK_I64(f, 5);
        CHECK_OK(rask_release(f));
    }
    CHECK_OK(rask_delayed_release(x));
    CHECK_OK(rask_delayed_release(y));
    CHECK_OK(rask_delayed_release(z));
    CHECK_OK(rask_lane_close(lane));
}

static bool readable(int fd) {
    struct pollfd p = {fd, POLLIN, 0};
    CHECK(poll(&p, 1, 0) >= 0);
    return p.revents != 0;
}

static void a_descriptor_tells_of_ready_tasks(void) {
    rask_lane lane = open_lane();
    rask_future x = submit_to(lane, inc, RASK_ARGS(1));
    int fd = rask_lane_fd(lane);
    CHECK(fd >= 0);
    CHECK_EQ(rask_lane_fd(lane), fd);
    CHECK(readable(fd));
    CHECK_EQ(run_ready(lane), 1);
    CHECK(!readable(fd));
    rask_future y = submit_to(lane, inc, RASK_ARGS(rask_take(rask_submit(client, inc, RASK_ARGS(x)))));
    struct pollfd p = {fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 120000), 1);
    CHECK_EQ(run_ready(lane), 1);
    CHECK(!readable(fd));
    CHECK_I64(y, 4);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
    CHECK_OK(rask_lane_close(lane));
    CHECK_EQ(rask_lane_fd(lane), -1);
}

static void resources_are_refused(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    options.resources = "GPU=1";
    rask_future f = rask_submit_with(client, inc, RASK_ARGS(1), &options);
    CHECK_FAILS(f, RASK_E_UNSUPPORTED);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "lane");
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

static void bad_lanes_make_futures_in_error(void) {
    rask_client other = open_workers(1);
    rask_lane foreign = rask_lane_open(other, NULL), closed = open_lane();
    CHECK_OK(rask_lane_close(closed));
    rask_lane stale = {foreign.id ^ (UINT64_C(1) << 40)}, wrong = {client.id};
    probe p = {0};
    struct {
        rask_lane lane;
        rask_status status;
    } cases[] = {
        {foreign, RASK_E_HANDLE}, {closed, RASK_E_CLOSED}, {stale, RASK_E_HANDLE}, {wrong, RASK_E_HANDLE}};
    for (size_t i = 0; i < 4; i++) {
        rask_future f = submit_to(cases[i].lane, inc, RASK_ARGS(rask_object(&p, &probe_type)));
        CHECK_FAILS(f, cases[i].status);
        CHECK_EQ(destroyed(&p), (int)i + 1);
        CHECK_OK(rask_release(f));
        rask_submit_options options = on_lane(cases[i].lane);
        rask_arg items[] = {rask_i64(1), rask_i64(2)};
        rask_future out[2];
        CHECK_OK(rask_map(client, inc, items, 2, &options, out));
        CHECK_FAILS(out[1], cases[i].status);
        CHECK_OK(rask_release_all(out, 2));
        size_t n = 9;
        rask_status status = cases[i].status == RASK_E_CLOSED ? RASK_END : RASK_E_HANDLE;
        if (i > 0) {
            CHECK_STATUS(rask_lane_run(cases[i].lane, 1, 0, &n), status);
            CHECK_EQ(n, 0);
            CHECK_STATUS(rask_lane_exchange(cases[i].lane, NULL, 0, NULL, 0, 0, &n), status);
            CHECK_STATUS(rask_lane_cancelled(cases[i].lane, &(uint64_t){0}, 1, 0, &n), status);
            CHECK_EQ(rask_lane_fd(cases[i].lane), -1);
        }
    }
    rask_lane null = {0};
    size_t n;
    CHECK_STATUS(rask_lane_run(null, 1, 0, &n), RASK_E_HANDLE);
    CHECK_STATUS(rask_lane_close(null), RASK_E_HANDLE);
    CHECK_STATUS(rask_lane_close(stale), RASK_E_HANDLE);
    CHECK_STATUS(rask_lane_close(wrong), RASK_E_HANDLE);
    CHECK_STATUS(rask_release((rask_future){foreign.id}), RASK_E_HANDLE);
    CHECK_EQ(rask_lane_open((rask_client){foreign.id}, NULL).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
    CHECK_OK(rask_lane_close(foreign));
    CHECK_OK(rask_client_close(other));
    CHECK_EQ(rask_lane_open(other, NULL).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
}

static void inside_a_callback(rask_future f, rask_state state, void *context) {
    (void)f, (void)state;
    CHECK_OK(rask_lane_run(*(rask_lane *)context, 1, LONG_NS, NULL));
}

static void a_callback_may_run_tasks(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, inc, RASK_ARGS(1)), x = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_on_done(x, inside_a_callback, &lane));
    CHECK_I64(f, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
    CHECK_OK(rask_lane_close(lane));
}

static void figures(void) {
    rask_lane lane = open_lane();
    rask_future f[3];
    for (int i = 0; i < 3; i++)
        f[i] = submit_to(lane, inc, RASK_ARGS(i));
    CHECK_EQ(stats_of(client).n_pending, 3);
    CHECK_EQ(stats_of(client).n_running, 0);
    rask_lane_task task = pull_one(lane);
    CHECK_EQ(stats_of(client).n_pending, 2);
    CHECK_EQ(stats_of(client).n_running, 1);
    CHECK_EQ(rask_future_state(f[0]), RASK_RUNNING);
    CHECK_STATUS(rask_client_wait(client, 0), RASK_E_TIMEOUT);
    CHECK_OK(give(lane, task.id, rask_i64(1)));
    CHECK_EQ(run_ready(lane), 2);
    CHECK_OK(rask_client_wait(client, 0));
    CHECK_EQ(stats_of(client).n_executed, 3);
    CHECK_EQ(stats_of(client).n_finished, 3);
    CHECK_OK(rask_release_all(f, 3));
    CHECK_OK(rask_lane_close(lane));
}

static void an_older_struct_has_no_lane(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    options.struct_size = offsetof(rask_submit_options, lane);
    rask_future f = rask_submit_with(client, inc, RASK_ARGS(1), &options);
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

int main(void) {
    RUN_WITH(2, runs_on_the_thread_that_pulls);
    RUN_WITH(1, an_older_struct_has_no_lane);
    RUN_WITH(1, at_most_max_in_the_order_submitted);
    RUN_WITH(1, timeouts);
    RUN_WITH(1, alternates_with_workers);
    RUN_WITH(2, alternates_with_workers);
    RUN_WITH(1, what_becomes_ready_by_a_run_is_run_too);
    RUN_WITH(2, many_arguments_of_all_kinds);
    RUN_WITH(2, errors_travel);
    RUN_WITH(1, retries);
    RUN_WITH(2, retry_runs_it_again_on_the_lane);
    RUN_WITH(1, cancelled_before_it_is_pulled);
    RUN_WITH(1, released_before_it_is_pulled);
    RUN_WITH(1, cancelled_while_it_runs);
    RUN_WITH(1, priorities);
    RUN_WITH(1, low_priorities_have_their_turn);
    RUN_WITH(1, keys_and_pure_tasks);
    RUN_WITH(1, returned_futures);
    RUN_WITH(1, waits_inside_block_the_thread);
    RUN_WITH(1, a_wait_for_itself_is_a_deadlock);
    RUN_WITH(1, a_worker_waits_for_the_lane);
    RUN_WITH(1, a_task_of_a_worker_pulls);
    RUN_WITH(1, lazy_graphs);
    RUN_WITH(1, a_descriptor_tells_of_ready_tasks);
    RUN_WITH(1, resources_are_refused);
    RUN_WITH(1, bad_lanes_make_futures_in_error);
    RUN_WITH(1, a_callback_may_run_tasks);
    RUN_WITH(1, figures);
    return 0;
}
