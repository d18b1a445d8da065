/* fork: in the child every call is RASK_E_FORKED and nothing hangs; the parent goes on as if nothing had
 * happened. */
#include "lanes.h"
#include <sys/wait.h>

/* Runs body in a child, with a watchdog of its own; the child must exit with 0. */
static void in_child(void (*body)(void), bool plain_exit) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        body();
        fflush(NULL);
        if (plain_exit)
            exit(0);
        _exit(0);
    }
    int status = 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        FAIL_AT(__FILE__, __LINE__, "the child was ended by signal %d", WTERMSIG(status));
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

static rask_future finished, running, pending;
static rask_as_completed iter;

static void not_in_a_child(rask_future future, rask_state state, void *parent) {
    (void)future, (void)state;
    CHECK(parent && *(pid_t *)parent == getpid());
}

static void every_call(void) {
    const rask_value *value = (const rask_value *)&finished;
    const void *data = NULL;
    size_t size = 0;
    int64_t i = 0;
    double d = 0;
    bool done = true;
    rask_error error = RASK_ERROR_INIT;
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    rask_future out = {77};
    rask_arg item = rask_i64(1);
    const rask_future all[] = {finished, running, pending};

    CHECK_EQ(rask_submit(client, inc, RASK_ARGS(1)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_FORKED);
    CHECK(rask_last_error() && rask_last_error()[0]);
    CHECK_EQ(submit_named(client, "child", inc, RASK_ARGS(finished)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_FORKED);
    CHECK_EQ(rask_scatter(client, rask_i64(1)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_FORKED);
    CHECK_STATUS(rask_map(client, inc, &item, 1, NULL, &out), RASK_E_FORKED);
    CHECK_EQ(out.id, 0);
    CHECK_EQ(rask_client_open(NULL).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_FORKED);
    CHECK_STATUS(rask_client_wait(client, RASK_FOREVER), RASK_E_FORKED);
    CHECK_STATUS(rask_client_get_stats(client, &stats), RASK_E_FORKED);
    CHECK_STATUS(rask_client_dump(client, NULL), RASK_E_FORKED);
    CHECK_STATUS(rask_trace_start(client, "/dev/null"), RASK_E_FORKED);
    CHECK_STATUS(rask_trace_stop(client), RASK_E_FORKED);
    for (int k = 0; k < 3; k++) {
        CHECK_STATUS(rask_future_state(all[k]), RASK_E_FORKED);
        CHECK(rask_future_key(all[k]) == NULL);
        CHECK_STATUS(rask_result(all[k], RASK_FOREVER, &value), RASK_E_FORKED);
        CHECK(value == NULL);
        CHECK_STATUS(rask_result_i64(all[k], &i), RASK_E_FORKED);
        CHECK_STATUS(rask_result_f64(all[k], &d), RASK_E_FORKED);
        CHECK_STATUS(rask_result_bytes(all[k], &data, &size), RASK_E_FORKED);
        CHECK_STATUS(rask_future_error(all[k], &error), RASK_E_FORKED);
        CHECK_STATUS(rask_cancel(all[k], NULL), RASK_E_FORKED);
        CHECK_EQ(rask_clone(all[k]).id, 0);
        CHECK_STATUS(rask_last_status(), RASK_E_FORKED);
        CHECK_STATUS(rask_wait(&all[k], 1, RASK_ALL_COMPLETED, RASK_FOREVER, &done), RASK_E_FORKED);
        CHECK_STATUS(rask_gather(&all[k], 1, RASK_FOREVER, &value, NULL), RASK_E_FORKED);
        CHECK_STATUS(rask_progress(&all[k], 1, NULL), RASK_E_FORKED);
        CHECK_STATUS(rask_on_done(all[k], not_in_a_child, NULL), RASK_E_FORKED);
        CHECK_EQ(rask_as_completed_open(&all[k], 1).id, 0);
        CHECK_STATUS(rask_last_status(), RASK_E_FORKED);
        CHECK_STATUS(rask_as_completed_add(iter, &all[k], 1), RASK_E_FORKED);
        out.id = 77;
        CHECK_STATUS(rask_as_completed_next(iter, RASK_FOREVER, &out), RASK_E_FORKED);
        CHECK_EQ(out.id, 0);
        CHECK_STATUS(rask_progress_start(&all[k], 1, NULL), RASK_E_FORKED);
        CHECK_STATUS(rask_fire_and_forget(all[k]), RASK_E_FORKED);
        CHECK_STATUS(rask_release(all[k]), RASK_E_FORKED);
    }
    CHECK_EQ(rask_as_completed_count(iter), 0);
    CHECK_EQ(rask_as_completed_fd(iter), -1);
    CHECK_STATUS(rask_as_completed_close(iter), RASK_E_FORKED);
    CHECK_STATUS(rask_release_all(all, 3), RASK_E_FORKED);
    CHECK_STATUS(rask_client_close(client), RASK_E_FORKED);
}

static void do_nothing(void) {}

static void open_one(void) {
    CHECK_EQ(rask_client_open(NULL).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_FORKED);
}

static void fork_inside_fork(void) { in_child(every_call, true); }

static void fork_while_busy(void (*body)(void), bool plain_exit) {
    gate *g = gate_new();
    finished = rask_scatter(client, rask_str("the value of the parent, not inline at all"));
    running = submit_held(client, g, 1);
    pending = rask_submit(client, inc, RASK_ARGS(running));
    GATE_REACHED(g, 1);
    pid_t parent = getpid();
    iter = rask_as_completed_open(RASK_FUTURES(finished, running));
    CHECK_OK(rask_on_done(finished, not_in_a_child, &parent)); /* its thread is there, and not in the child */
    CHECK_OK(rask_on_done(running, not_in_a_child, &parent));
    in_child(body, plain_exit);
    CHECK_EQ(rask_as_completed_count(iter), 2);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_EQ(rask_future_state(running), RASK_RUNNING); /* the parent's are as they were */
    CHECK_EQ(rask_future_state(pending), RASK_PENDING);
    gate_open(g);
    CHECK_I64(pending, 2);
    rask_future f = rask_submit(client, inc, RASK_ARGS(pending));
    CHECK_I64(f, 3);
    CHECK_OK(rask_client_close(client)); /* the callbacks know the parent */
    CHECK_OK(rask_release_all(RASK_FUTURES(finished, running, pending, f)));
}

static void every_call_is_refused(void) { fork_while_busy(every_call, false); }
static void and_the_child_may_exit(void) { fork_while_busy(every_call, true); }
static void a_child_that_calls_nothing(void) { fork_while_busy(do_nothing, true); }
static void a_child_of_the_child(void) { fork_while_busy(fork_inside_fork, true); }
static void no_new_client_either(void) { fork_while_busy(open_one, true); }

/* Forks at any moment, whatever lock is held by whom. */
static atomic_bool stop;
static void *submit_all_the_time(void *unused) {
    (void)unused;
    while (!atomic_load(&stop)) {
        rask_future f = rask_submit(client, inc, RASK_ARGS(1)), c = rask_clone(f);
        CHECK_I64(c, 2);
        CHECK_OK(rask_release_all(RASK_FUTURES(f, c)));
    }
    return NULL;
}

static void short_look(void) {
    CHECK_STATUS(rask_future_state(finished), RASK_E_FORKED);
    CHECK_EQ(rask_submit(client, inc, RASK_ARGS(1)).id, 0);
    CHECK_STATUS(rask_release(finished), RASK_E_FORKED);
    CHECK_STATUS(rask_client_close(client), RASK_E_FORKED);
}

static void at_any_moment(void) {
    pthread_t threads[2];
    atomic_store(&stop, false);
    finished = rask_scatter(client, rask_i64(5));
    for (int i = 0; i < 2; i++)
        threads[i] = start_thread(submit_all_the_time, NULL);
    for (int i = 0; i < (small_scale() ? 5 : 100); i++)
        in_child(short_look, false);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        join_thread(threads[i]);
    CHECK_I64(finished, 5);
    CHECK_OK(rask_release(finished));
}

static void a_child_is_refused_lanes(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, inc, RASK_ARGS(1));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        rask_lane_task task;
        uint64_t id;
        int64_t token;
        size_t n;
        bool refused = rask_lane_run(lane, 1, RASK_FOREVER, &n) == RASK_E_FORKED && n == 0 &&
                       rask_lane_exchange(lane, NULL, 0, &task, 1, RASK_FOREVER, &n) == RASK_E_FORKED &&
                       rask_lane_cancelled(lane, &id, 1, RASK_FOREVER, &n) == RASK_E_FORKED &&
                       rask_lane_dropped(lane, &token, 1, &n) == RASK_E_FORKED &&
                       rask_lane_close(lane) == RASK_E_FORKED && rask_lane_fd(lane) == -1 &&
                       rask_lane_open(client, NULL).id == 0;
        _exit(refused ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

int main(void) {
    RUN_WITH(2, every_call_is_refused);
    RUN_WITH(2, and_the_child_may_exit);
    RUN_WITH(2, a_child_that_calls_nothing);
    RUN_WITH(2, a_child_of_the_child);
    RUN_WITH(2, no_new_client_either);
    RUN_WITH(2, at_any_moment);
    RUN_WITH(1, a_child_is_refused_lanes);
    return 0;
}
