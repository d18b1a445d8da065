/* What a client tells about itself. Figures may lag behind for a moment: each is given time
 * to become right. */
#include "check.h"

static void workers(void) {
    CHECK_EQ(stats_of(client).struct_size, sizeof(rask_client_stats));
    CHECK_EQ(stats_of(client).n_workers, 3);
    CHECK_EQ(stats_of(client).n_running, 0);
    CHECK_EQ(stats_of(client).n_pending, 0);
}

static void a_fresh_client_has_done_nothing(void) {
    rask_client_stats stats = stats_of(client);
    CHECK_EQ(stats.n_submitted, 0);
    CHECK_EQ(stats.n_executed, 0);
    CHECK_EQ(stats.n_retried, 0);
    CHECK_EQ(stats.live_futures, 0);
}

static void submitted_and_executed(void) {
    rask_future f[10];
    for (int i = 0; i < 10; i++)
        f[i] = rask_submit(client, inc, RASK_ARGS(i));
    CHECK_EQ(stats_of(client).n_submitted, 10);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(stats_of(client).n_executed == 10);
    EVENTUALLY(stats_of(client).n_finished == 10);
    CHECK_EQ(stats_of(client).live_futures, 10);
    CHECK_EQ(stats_of(client).n_retried, 0);
    CHECK_OK(rask_release_all(f, 10));
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(stats_of(client).n_submitted, 10);
    CHECK_EQ(stats_of(client).n_executed, 10);
}

static void pending_and_running(void) {
    gate *g = gate_new();
    rask_future x[2], f[5];
    for (int i = 0; i < 2; i++)
        x[i] = submit_held(client, g, i);
    GATE_REACHED(g, 2);
    for (int i = 0; i < 5; i++)
        f[i] = i % 2 ? rask_submit(client, inc, RASK_ARGS(x[0])) : rask_submit(client, inc, RASK_ARGS(i));
    EVENTUALLY(stats_of(client).n_running == 2);
    EVENTUALLY(stats_of(client).n_pending == 5);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(stats_of(client).n_running == 0);
    EVENTUALLY(stats_of(client).n_pending == 0);
    EVENTUALLY(stats_of(client).n_finished == 7);
    CHECK_OK(rask_release_all(f, 5));
    CHECK_OK(rask_release_all(x, 2));
}

static void errors_and_cancelled(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f[6];
    for (int i = 0; i < 3; i++) {
        f[i] = rask_submit(client, fail, RASK_ARGS(i, "no"));
        f[3 + i] = rask_submit(client, inc, RASK_ARGS(x));
    }
    for (int i = 3; i < 5; i++)
        CHECK_OK(rask_cancel(f[i], NULL));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(stats_of(client).n_error == 3);
    EVENTUALLY(stats_of(client).n_cancelled == 2);
    EVENTUALLY(stats_of(client).n_finished == 2);
    CHECK_OK(rask_release_all(f, 6));
    CHECK_OK(rask_release(x));
}

static void what_was_cancelled_is_not_executed(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f = rask_submit(client, inc, RASK_ARGS(x));
    CHECK_OK(rask_cancel(f, NULL));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(stats_of(client).n_executed == 1);
    sleep_us(2000);
    CHECK_EQ(stats_of(client).n_executed, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

static size_t told_size(const void *object) {
    (void)object;
    return 1000000;
}

static void bytes_held(void) {
    static const rask_type sized = {sizeof(rask_type), "sized", probe_destroy, told_size, NULL, NULL};
    size_t size = 1 << 20;
    probe p = {0};
    char *data = calloc(1, size);
    CHECK(data != NULL);
    uint64_t before = stats_of(client).nbytes;
    rask_future bytes = rask_scatter(client, rask_bytes(data, size));
    EVENTUALLY(stats_of(client).nbytes >= before + size);
    rask_future object = rask_scatter(client, rask_object(&p, &sized));
    EVENTUALLY(stats_of(client).nbytes >= before + size + 1000000);
    CHECK_OK(rask_release(bytes));
    EVENTUALLY(stats_of(client).nbytes < before + size);
    CHECK(stats_of(client).nbytes >= before + 1000000);
    CHECK_OK(rask_release(object));
    EVENTUALLY(stats_of(client).nbytes <= before);
    free(data);
}

static void clones_are_no_futures(void) {
    rask_future f = rask_scatter(client, rask_i64(1)), c = rask_clone(f);
    EVENTUALLY(stats_of(client).live_futures == 1);
    CHECK_OK(rask_release(f));
    CHECK_EQ(stats_of(client).live_futures, 1);
    CHECK_OK(rask_release(c));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void each_client_counts_for_itself(void) {
    rask_client other = open_workers(1);
    rask_future f = rask_submit(other, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_EQ(stats_of(client).n_submitted, 0);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(other));
}

static void values_and_items_are_futures_too(void) {
    rask_arg items[] = {rask_i64(1), rask_i64(2), rask_of((rask_future){77})};
    rask_future f[4] = {rask_scatter(client, rask_i64(1))};
    CHECK_OK(rask_map(client, inc, items, 3, NULL, f + 1));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    rask_client_stats stats = stats_of(client);
    CHECK_EQ(stats.n_submitted, 4);
    CHECK_EQ(stats.n_finished, 3);
    CHECK_EQ(stats.n_error, 1); /* the bad item */
    CHECK_EQ(stats.n_executed, 2);
    CHECK_EQ(stats.live_futures, 4);
    CHECK_OK(rask_release_all(f, 4));
}

static void wrong_submits_and_dependents_are_errors(void) {
    rask_future wrong = rask_submit(client, NULL, RASK_NO_ARGS);
    rask_future after = rask_submit(client, inc, RASK_ARGS(wrong));
    rask_client_stats stats = stats_of(client);
    CHECK_EQ(stats.n_submitted, 2);
    CHECK_EQ(stats.n_error, 2);
    CHECK_EQ(stats.n_pending, 0);
    CHECK_EQ(stats.n_executed, 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(wrong, after)));
}

static void released_ones_are_cancelled(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    rask_future queued = rask_submit(client, inc, RASK_ARGS(1)),
                waiting = rask_submit(client, inc, RASK_ARGS(x));
    EVENTUALLY(stats_of(client).n_pending == 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(queued, waiting)));
    EVENTUALLY(stats_of(client).n_cancelled == 2);
    EVENTUALLY(stats_of(client).n_pending == 0);
    gate_open(g);
    CHECK_I64(x, 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_executed, 1);
    EVENTUALLY(stats_of(client).live_futures == 1);
    CHECK_OK(rask_release(x));
}

static void a_cancelled_function_still_runs(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(x, NULL));
    rask_client_stats stats = stats_of(client);
    CHECK_EQ(stats.n_cancelled, 1);
    CHECK_EQ(stats.n_running, 1);
    CHECK_EQ(stats.n_executed, 0);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    stats = stats_of(client);
    CHECK_EQ(stats.n_running, 0);
    CHECK_EQ(stats.n_executed, 1);
    CHECK_EQ(stats.n_finished, 0);
    CHECK_EQ(stats.n_cancelled, 1);
    CHECK_OK(rask_release(x));
}

/* (future) */
static void waits(rask_task *t) {
    const rask_value *value = NULL;
    rask_return_i64(t, rask_result(*(const rask_future *)rask_arg_pointer(t, 0), LONG_NS, &value));
}

static void who_waits_inside_runs(void) {
    gate *before = gate_new(), *g = gate_new();
    rask_future first = submit_held(client, before, 0), x = {0};
    GATE_REACHED(before, 1);
    rask_future w = rask_submit(client, waits, RASK_ARGS(rask_pointer(&x)));
    x = submit_held(client, g, 1);
    gate_open(before);
    EVENTUALLY(stats_of(client).n_running == 2); /* with one worker: w is suspended */
    gate_open(g);
    CHECK_I64(w, RASK_OK);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_running, 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(first, x, w)));
}

/* (future): makes it its own. */
static void returns(rask_task *t) {
    rask_return_future(t, rask_clone(*(const rask_future *)rask_arg_pointer(t, 0)));
}

static void who_returned_a_future_waits(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f = rask_submit(client, returns, RASK_ARGS(rask_pointer(&x)));
    EVENTUALLY(stats_of(client).n_executed == 1);
    EVENTUALLY(stats_of(client).n_running == 1);
    EVENTUALLY(stats_of(client).n_pending == 1);
    CHECK_EQ(rask_future_state(f), RASK_RUNNING);
    gate_open(g);
    CHECK_I64(f, 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_finished, 2);
    CHECK_EQ(stats_of(client).n_executed, 2);
    CHECK_EQ(stats_of(client).n_pending, 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

/* (counter): submits tasks that count, and does not return before they have run, which another worker must
 * do. */
static void leaves_work_to_others(rask_task *t) {
    enum { CHILDREN = 20 };
    atomic_int *runs = rask_arg_pointer(t, 0);
    for (int i = 0; i < CHILDREN; i++)
        rask_fire_and_forget(rask_submit(rask_task_client(t), count, RASK_ARGS(rask_pointer(runs))));
    EVENTUALLY(atomic_load(runs) == CHILDREN);
}

static void what_another_worker_takes_is_stolen(void) {
    atomic_int runs = 0;
    CHECK_EQ(stats_of(client).n_stolen, 0);
    rask_future f = rask_submit(client, leaves_work_to_others, RASK_ARGS(rask_pointer(&runs)));
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK(stats_of(client).n_stolen >= 20);
    CHECK_OK(rask_release(f));
}

static atomic_bool enough;

static void *looks(void *context) {
    (void)context;
    while (!atomic_load(&enough)) {
        rask_client_stats stats = stats_of(client);
        CHECK(stats.n_finished + stats.n_error + stats.n_cancelled <= stats.n_submitted);
        CHECK(stats.n_pending <= stats.n_submitted);
        CHECK(stats.n_executed <= stats.n_submitted);
        CHECK(stats.live_futures <= stats.n_submitted);
        CHECK(stats.nbytes < (uint64_t)1 << 40);
    }
    return NULL;
}

static void no_figure_turns_negative(void) {
    char data[100] = {0};
    atomic_store(&enough, false);
    pthread_t thread = start_thread(looks, NULL);
    for (size_t i = 0; i < scaled(20000); i++) {
        rask_future x = rask_submit(client, pass_on, RASK_ARGS(rask_bytes(data, sizeof data)));
        rask_future y = rask_submit(client, pass_on, RASK_ARGS(x)),
                    bad = rask_submit(client, inc, RASK_ARGS(y));
        if (i % 2)
            rask_wait(&bad, 1, RASK_ALL_COMPLETED, LONG_NS, NULL);
        CHECK_OK(rask_release_all(RASK_FUTURES(x, y, bad)));
    }
    CHECK_OK(rask_client_wait(client, LONG_NS));
    atomic_store(&enough, true);
    join_thread(thread);
    EVENTUALLY(stats_of(client).nbytes == 0);
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void mistakes(void) {
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    stats.n_pending = 77;
    CHECK_STATUS(rask_client_get_stats((rask_client){0}, &stats), RASK_E_HANDLE);
    CHECK_EQ(stats.n_pending, 0);
    CHECK_STATUS(rask_client_get_stats(client, NULL), RASK_E_INVALID);
    rask_client other = open_workers(1);
    CHECK_OK(rask_client_close(other));
    CHECK_STATUS(rask_client_get_stats(other, &stats), RASK_E_CLOSED);
}

int main(void) {
    RUN_WITH(3, workers);
    RUN_WITH(2, a_fresh_client_has_done_nothing);
    RUN_WITH(2, submitted_and_executed);
    RUN_WITH(2, pending_and_running);
    RUN_WITH(2, errors_and_cancelled);
    RUN_WITH(2, what_was_cancelled_is_not_executed);
    RUN_WITH(2, bytes_held);
    RUN_WITH(2, clones_are_no_futures);
    RUN_WITH(2, each_client_counts_for_itself);
    RUN_WITH(2, values_and_items_are_futures_too);
    RUN_WITH(1, wrong_submits_and_dependents_are_errors);
    RUN_WITH(1, released_ones_are_cancelled);
    RUN_WITH(1, a_cancelled_function_still_runs);
    RUN_WITH(1, who_waits_inside_runs);
    RUN_WITH(2, who_returned_a_future_waits);
    RUN_WITH(2, what_another_worker_takes_is_stolen);
    RUN_WITH(2, no_figure_turns_negative);
    RUN_WITH(1, mistakes);
    return 0;
}
