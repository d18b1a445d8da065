/* Cancel: about the future, for all its handles. */
#include "check.h"

static rask_future hold_the_worker(gate *g) {
    rask_future f = submit_held(client, g, 0);
    GATE_REACHED(g, 1);
    return f;
}

static void queued_never_starts(void) {
    gate *g = gate_new();
    atomic_int runs = 0;
    rask_future holder = hold_the_worker(g), f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)));
    CHECK_OK(rask_cancel(f, "changed my mind"));
    CHECK_EQ(rask_future_state(f), RASK_CANCELLED);
    gate_open(g);
    CHECK_I64(holder, 0);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f)));
}

static void many_queued_never_start(void) {
    enum { N = 1000 };
    gate *g = gate_new();
    atomic_int runs = 0;
    rask_future holder = hold_the_worker(g), f[N];
    for (int i = 0; i < N; i++)
        f[i] = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)));
    for (int i = 0; i < N; i += 2)
        CHECK_OK(rask_cancel(f[i], NULL));
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (int i = 0; i < N; i++)
        CHECK_EQ(rask_future_state(f[i]), i % 2 ? RASK_FINISHED : RASK_CANCELLED);
    CHECK_EQ(atomic_load(&runs), N / 2);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
}

static void the_reason_is_told(void) {
    gate *g = gate_new();
    rask_future holder = hold_the_worker(g), f = rask_submit(client, inc, RASK_ARGS(1)), c = rask_clone(f);
    CHECK_OK(rask_cancel(f, "the user pressed Escape"));
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "the user pressed Escape");
    CHECK_STR_CONTAINS(ERROR_OF(c).message, "the user pressed Escape");
    CHECK_STATUS(ERROR_OF(f).status, RASK_E_CANCELLED);
    int64_t out = 77;
    CHECK_STATUS(rask_result_i64(c, &out), RASK_E_CANCELLED);
    CHECK_EQ(out, 0);
    CHECK_STR_CONTAINS(rask_last_error(), "the user pressed Escape");
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f, c)));
}

static void no_reason_is_needed(void) {
    gate *g = gate_new();
    rask_future holder = hold_the_worker(g), f = rask_submit(client, inc, RASK_ARGS(1));
    rask_future h = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_cancel(h, ""));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_FAILS(h, RASK_E_CANCELLED);
    CHECK(ERROR_OF(f).message != NULL);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f, h)));
}

static void every_handle_sees_it(void) {
    gate *g = gate_new();
    rask_future holder = hold_the_worker(g), f = rask_submit(client, inc, RASK_ARGS(1));
    rask_future before = rask_clone(f);
    CHECK_OK(rask_cancel(before, NULL));
    rask_future after = rask_clone(f);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release(f));
    CHECK_FAILS(before, RASK_E_CANCELLED);
    CHECK_FAILS(after, RASK_E_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, before, after)));
}

/* ---- running ---- */

typedef struct told {
    gate g;
    atomic_int told;
    int64_t answer;
} told;
static void until_told(rask_task *t) {
    told *s = rask_arg_pointer(t, 0);
    CHECK(!rask_cancelled(t));
    atomic_fetch_add(&s->g.entered, 1);
    while (!rask_cancelled(t))
        sleep_us(200);
    atomic_fetch_add(&s->told, 1);
    while (!atomic_load(&s->g.open))
        sleep_us(200);
    rask_return_i64(t, 42);
    atomic_fetch_add(&s->g.left, 1);
}

static void running_is_cancelled_at_once(void) {
    told s = {0};
    rask_future f = rask_submit(client, until_told, RASK_ARGS(rask_pointer(&s)));
    GATE_REACHED(&s.g, 1);
    CHECK_EQ(rask_future_state(f), RASK_RUNNING);
    CHECK_OK(rask_cancel(f, "stop"));
    CHECK_EQ(rask_future_state(f), RASK_CANCELLED); /* while the function is still in there */
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_EQ(atomic_load(&s.g.left), 0);
    EVENTUALLY(atomic_load(&s.told) == 1);
    gate_open(&s.g);
    EVENTUALLY(atomic_load(&s.g.left) == 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_FAILS(f, RASK_E_CANCELLED); /* the late result is discarded */
    CHECK_OK(rask_release(f));
}

static void the_worker_counts_as_busy(void) {
    gate *g = gate_new();
    rask_future f = hold_the_worker(g);
    CHECK_OK(rask_cancel(f, NULL));
    rask_future next = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_STATUS(rask_wait(&next, 1, RASK_ALL_COMPLETED, 20000000, NULL),
                 RASK_E_TIMEOUT); /* one worker only */
    CHECK_EQ(stats_of(client).n_running, 1);
    gate_open(g);
    CHECK_I64(next, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, next)));
}

static void inputs_stay_alive_until_the_function_returns(void) {
    probe p = {0};
    gate *g = gate_new();
    rask_future x = rask_scatter(client, rask_object(&p, &probe_type));
    rask_future f = rask_submit(client, held, RASK_ARGS(rask_pointer(g), rask_take(x)));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_release(f));
    sleep_us(20000);
    CHECK_EQ(destroyed(&p), 0);
    gate_open(g);
    EVENTUALLY(destroyed(&p) == 1);
}

static void the_error_tells_how_often_it_ran(void) {
    gate *g = gate_new();
    rask_future f = hold_the_worker(g), queued = rask_submit(client, inc, RASK_ARGS(1));
    rask_future dependent = rask_submit(client, inc, RASK_ARGS(f));
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_cancel(queued, NULL));
    CHECK_EQ(ERROR_OF(f).attempts, 1);
    CHECK_EQ(ERROR_OF(dependent).attempts, 1);
    CHECK_EQ(ERROR_OF(queued).attempts, 0);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = 3;
    options.retry_delay_ns = LONG_NS;
    rask_future failed = rask_submit_with(client, fail, RASK_ARGS(1, "once"), &options);
    EVENTUALLY(stats_of(client).n_retried == 1);
    EVENTUALLY(stats_of(client).n_running == 0);
    CHECK_OK(rask_cancel(failed, NULL));
    CHECK_EQ(ERROR_OF(failed).attempts, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, queued, dependent, failed)));
}

static void *wait_for_result(void *context) {
    const rask_value *value = NULL;
    CHECK_STATUS(rask_result(*(rask_future *)context, LONG_NS, &value), RASK_E_CANCELLED);
    CHECK(value == NULL);
    return NULL;
}

static void waiters_wake_up(void) {
    gate *g = gate_new();
    rask_future f = hold_the_worker(g);
    pthread_t waiters[4];
    for (int i = 0; i < 4; i++)
        waiters[i] = start_thread(wait_for_result, &f);
    sleep_us(10000);
    CHECK_OK(rask_cancel(f, NULL));
    for (int i = 0; i < 4; i++)
        join_thread(waiters[i]); /* before the function returns */
    CHECK_EQ(atomic_load(&g->left), 0);
    gate_open(g);
    CHECK_OK(rask_release(f));
}

static void late_failures_are_discarded(void) {
    gate *g = gate_new();
    rask_future f = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 5, "too late"));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(f, "first"));
    gate_open(g);
    EVENTUALLY(atomic_load(&g->left) == 1);
    sleep_us(5000);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "first");
    CHECK_OK(rask_release(f));
}

static _Atomic uint64_t own_id;
static void cancel_itself(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    CHECK(!rask_cancelled(t));
    CHECK_OK(rask_cancel((rask_future){atomic_load(&own_id)}, "no longer needed"));
    CHECK(rask_cancelled(t));
    rask_return_i64(t, 1);
}

static void a_task_may_cancel_itself(void) {
    gate *g = gate_new();
    rask_future f = rask_submit(client, cancel_itself, RASK_ARGS(rask_pointer(g)));
    atomic_store(&own_id, f.id);
    gate_open(g);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "no longer needed");
    CHECK_OK(rask_release(f));
}

/* ---- in the graph ---- */

static void dependents_are_cancelled(void) {
    gate *g = gate_new();
    atomic_int runs = 0;
    rask_future holder = hold_the_worker(g), f[20];
    f[0] = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)));
    for (int i = 1; i < 20; i++)
        f[i] = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), f[i / 2]));
    CHECK_OK(rask_cancel(f[0], "root"));
    for (int i = 0; i < 20; i++)
        CHECK_FAILS(f[i], RASK_E_CANCELLED);
    gate_open(g);
    CHECK_I64(holder, 0);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_OK(rask_release_all(f, 20));
    CHECK_OK(rask_release(holder));
}

static void dependents_of_a_running_one_too(void) {
    gate *g = gate_new();
    rask_future f = hold_the_worker(g), after = rask_submit(client, inc, RASK_ARGS(f));
    rask_future both = rask_submit(client, add, RASK_ARGS(after, f));
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_FAILS(after, RASK_E_CANCELLED);
    CHECK_FAILS(both, RASK_E_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, after, both)));
}

static void inputs_and_siblings_are_not(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    rask_future f = rask_submit(client, inc, RASK_ARGS(x)), sibling = rask_submit(client, inc, RASK_ARGS(x));
    CHECK_OK(rask_cancel(f, NULL));
    CHECK(rask_future_state(x) <= RASK_RUNNING);
    CHECK_EQ(rask_future_state(sibling), RASK_PENDING);
    gate_open(g);
    CHECK_I64(x, 1);
    CHECK_I64(sibling, 2);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f, sibling)));
}

static void submitting_onto_a_cancelled_future(void) {
    gate *g = gate_new();
    atomic_int runs = 0;
    rask_future holder = hold_the_worker(g), f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_cancel(f, NULL));
    rask_future after = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), f));
    CHECK_FAILS(after, RASK_E_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f, after)));
}

static void what_is_done_cannot_be_cancelled(void) {
    gate *g = gate_new();
    rask_future finished = rask_submit(client, inc, RASK_ARGS(1)),
                scattered = rask_scatter(client, rask_i64(1));
    rask_future bad = rask_submit(client, fail, RASK_ARGS(1, "no"));
    CHECK_I64(finished, 2);
    CHECK_FAILS(bad, RASK_E_TASK);
    rask_future holder = hold_the_worker(g), f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_cancel(f, "first"));
    CHECK_STATUS(rask_cancel(finished, NULL), RASK_E_STATE);
    CHECK_STATUS(rask_cancel(scattered, NULL), RASK_E_STATE);
    CHECK_STATUS(rask_cancel(bad, NULL), RASK_E_STATE);
    CHECK_STATUS(rask_cancel(f, "second"), RASK_E_STATE);
    CHECK_I64(finished, 2);
    CHECK_FAILS(bad, RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "first");
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(finished, scattered, bad, holder, f)));
}

typedef struct race {
    pthread_barrier_t *start;
    rask_future future;
    rask_status status;
} race;
static void *cancel_at_once(void *context) {
    race *r = context;
    pthread_barrier_wait(r->start);
    r->status = rask_cancel(r->future, NULL);
    return NULL;
}

/* Cancel against cancel, and both against the task: one winner each time, and the future agrees with it. */
static void one_winner(void) {
    static atomic_int runs[2000];
    pthread_barrier_t start;
    size_t rounds = scaled(2000);
    CHECK_EQ(pthread_barrier_init(&start, NULL, 2), 0);
    for (size_t i = 0; i < rounds; i++) {
        rask_future f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs[i])));
        race a = {&start, f, 77}, b = {&start, f, 77};
        pthread_t other = start_thread(cancel_at_once, &a);
        cancel_at_once(&b);
        join_thread(other);
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK(a.status == RASK_OK || a.status == RASK_E_STATE);
        CHECK(b.status == RASK_OK || b.status == RASK_E_STATE);
        CHECK(a.status != RASK_OK || b.status != RASK_OK);
        if (a.status == RASK_OK || b.status == RASK_OK)
            CHECK_FAILS(f, RASK_E_CANCELLED);
        else
            CHECK_I64(f, 1);
        CHECK_OK(rask_release(f));
    }
    pthread_barrier_destroy(&start);
}

enum { RACES = 64 };
static rask_future raced[RACES];
static atomic_int at_the_line;

static void *cancel_raced(void *context) {
    (void)context;
    for (int i = 0; i < RACES; i++) {
        atomic_fetch_add(&at_the_line, 1);
        for (int spins = 0; atomic_load(&at_the_line) < 2 * (i + 1); spins++)
            if (spins > 1000) /* mostly both come at once */
                sched_yield();
        rask_status status = rask_cancel(raced[i], NULL);
        CHECK(status == RASK_OK || status == RASK_E_STATE);
        CHECK_EQ(rask_future_state(raced[i]), RASK_CANCELLED);
    }
    return NULL;
}

/* Of two who cancel at once the second is told that the future is done: it is. */
static void who_comes_second_finds_it_done(void) {
    gate *g = gate_new();
    rask_future holder = submit_held(client, g, 1);
    for (size_t round = 0; round < scaled(100); round++) {
        for (int i = 0; i < RACES; i++)
            raced[i] = rask_submit(client, inc, RASK_ARGS(holder));
        atomic_store(&at_the_line, 0);
        pthread_t other = start_thread(cancel_raced, NULL);
        cancel_raced(NULL);
        join_thread(other);
        CHECK_OK(rask_release_all(raced, RACES));
    }
    gate_open(g);
    CHECK_OK(rask_release(holder));
}

int main(void) {
    RUN_WITH(1, queued_never_starts);
    RUN_WITH(1, many_queued_never_start);
    RUN_WITH(1, the_reason_is_told);
    RUN_WITH(1, no_reason_is_needed);
    RUN_WITH(1, every_handle_sees_it);
    RUN_WITH(1, running_is_cancelled_at_once);
    RUN_WITH(1, the_worker_counts_as_busy);
    RUN_WITH(1, inputs_stay_alive_until_the_function_returns);
    RUN_WITH(1, the_error_tells_how_often_it_ran);
    RUN_WITH(1, waiters_wake_up);
    RUN_WITH(1, late_failures_are_discarded);
    RUN_WITH(1, a_task_may_cancel_itself);
    RUN_WITH(1, dependents_are_cancelled);
    RUN_WITH(1, dependents_of_a_running_one_too);
    RUN_WITH(1, inputs_and_siblings_are_not);
    RUN_WITH(1, submitting_onto_a_cancelled_future);
    RUN_WITH(1, what_is_done_cannot_be_cancelled);
    RUN_WITH(2, one_winner);
    RUN_WITH(1, who_comes_second_finds_it_done);
    return 0;
}
