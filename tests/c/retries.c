/* retries = n: a task that fails is run again, at once or after a delay. */
#include "machine.h"

#define HOUR_NS (3600LL * 1000 * 1000 * 1000)

static rask_future submit_fn(rask_task_fn fn, const rask_arg *args, size_t n, uint32_t retries) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = retries;
    return rask_submit_with(client, fn, args, n, &options);
}

static void it_is_run_again_until_it_works(void) {
    machine m = {.broken = 2};
    rask_future f = submit_retries(client, &m, 7, 3, 0);
    CHECK_I64(f, 7);
    CHECK_EQ(machine_runs(&m), 3);
    CHECK_EQ(atomic_load(&m.attempts), 3);
    CHECK_EQ(ERROR_OF(f).status, RASK_OK);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    rask_client_stats stats = stats_of(client);
    CHECK_EQ(stats.n_retried, 2);
    CHECK_EQ(stats.n_executed, 3);
    CHECK_EQ(stats.n_submitted, 1);
    CHECK_EQ(stats.n_finished, 1);
    CHECK_EQ(stats.n_error, 0);
    CHECK_EQ(stats.n_pending, 0);
}

static void when_they_are_used_up_the_last_error_is_shown(void) {
    machine m = {.broken = BROKEN};
    rask_future f = submit_retries(client, &m, 7, 2, 0), g = rask_submit(client, inc, RASK_ARGS(f));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_FAILS(g, RASK_E_TASK);
    CHECK_EQ(machine_runs(&m), 3);
    for (int i = 0; i < 2; i++) {
        rask_error error = ERROR_OF(i ? g : f);
        CHECK_EQ(error.attempts, 3);
        CHECK_EQ(error.code, 3);
        CHECK_STR_EQ(error.message, "broken in run 3");
        CHECK_STR_EQ(error.origin, rask_future_key(f));
    }
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_retried, 2);
    CHECK_EQ(stats_of(client).n_error, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
}

static void attempts_are_numbered_from_1(void) {
    machine m = {.broken = 0};
    for (int fails = 0; fails < 5; fails++) {
        atomic_store(&m.broken, fails);
        rask_future f = submit_retries(client, &m, fails, 4, 0);
        CHECK_I64(f, fails);
        CHECK_EQ(atomic_load(&m.attempts), fails + 1);
        CHECK_OK(rask_release(f));
    }
}

static void none_is_the_default(void) {
    machine m = {.broken = 1};
    rask_future f = submit_work(client, &m, 1), g = submit_retries(client, &m, 2, 0, 0);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_I64(g, 2);
    CHECK_EQ(ERROR_OF(f).attempts, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
}

static void as_many_as_there_can_be(void) {
    machine m = {.broken = 1000};
    rask_future f = submit_retries(client, &m, 1, UINT32_MAX, 0);
    CHECK_I64(f, 1);
    CHECK_EQ(machine_runs(&m), 1001);
    CHECK_OK(rask_release(f));
}

static void an_inputs_failure_is_not_its_own(void) {
    machine m = {.broken = BROKEN}, runs = {0};
    rask_future x = submit_work(client, &m, 1);
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = 5;
    rask_future f = rask_submit_with(client, work_inc, RASK_ARGS(rask_pointer(&runs), x), &options);
    CHECK_FAILS(f, RASK_E_TASK);
    rask_future late = rask_submit_with(client, work_inc, RASK_ARGS(rask_pointer(&runs), x), &options);
    CHECK_FAILS(late, RASK_E_TASK);
    CHECK_EQ(machine_runs(&m), 1);
    CHECK_EQ(machine_runs(&runs), 0);
    CHECK_EQ(ERROR_OF(f).attempts, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f, late)));
}

static void dependents_wait_for_the_last_attempt(void) {
    machine m = {.broken = 3}, runs = {0};
    rask_future x = submit_retries(client, &m, 1, 3, 0);
    rask_future f = rask_submit(client, work_inc, RASK_ARGS(rask_pointer(&runs), x));
    CHECK_I64(f, 2);
    CHECK_EQ(machine_runs(&runs), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

/* ---- failures of every kind ---- */

static atomic_int kinds_run;
static void reads_wrongly_twice(rask_task *t) {
    if (atomic_fetch_add(&kinds_run, 1) < 2)
        rask_return_f64(t, (double)rask_arg_i64(t, 0)); /* a text */
    else
        rask_return_str(t, rask_arg_str(t, 0));
}
static void a_wrong_read_is_a_failure(void) {
    atomic_store(&kinds_run, 0);
    rask_future f = submit_fn(reads_wrongly_twice, RASK_ARGS("a text that is too long to be inline"), 2);
    CHECK_TEXT(f, "a text that is too long to be inline");
    CHECK_OK(rask_release(f));
    atomic_store(&kinds_run, 0);
    f = submit_fn(reads_wrongly_twice, RASK_ARGS("text"), 1);
    CHECK_FAILS(f, RASK_E_TYPE);
    CHECK_EQ(ERROR_OF(f).attempts, 2);
    CHECK_OK(rask_release(f));
}

/* (probe pointer, machine): returns the probe as an object even where it fails. */
static void makes_and_fails(rask_task *t) {
    rask_return_object(t, rask_arg_pointer(t, 0), &probe_type);
    machine_fails(rask_arg_pointer(t, 1), t);
}
static void what_a_failed_run_returned_is_destroyed(void) {
    probe p = {0};
    machine m = {.broken = 3};
    rask_future f = submit_fn(makes_and_fails, RASK_ARGS(rask_pointer(&p), rask_pointer(&m)), 3);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(rask_future_state(f), RASK_FINISHED);
    CHECK_EQ(destroyed(&p), 3);
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&p), 4);
}

/* (machine, probe object, future): needs all of them in every run. */
static void needs_its_inputs(rask_task *t) {
    probe *p = rask_arg_object(t, 1, &probe_type);
    CHECK(p != NULL);
    CHECK_EQ(destroyed(p), 0);
    if (!machine_fails(rask_arg_pointer(t, 0), t))
        rask_return_i64(t, rask_arg_i64(t, 2));
}
static void every_attempt_has_its_inputs(void) {
    probe p = {0}, q = {0};
    machine m = {.broken = 4};
    rask_future x = rask_scatter(client, rask_object(&p, &probe_type)),
                y = rask_submit(client, inc, RASK_ARGS(41));
    rask_future f = submit_fn(needs_its_inputs, RASK_ARGS(rask_pointer(&m), rask_take(x), rask_take(y)), 4);
    CHECK_I64(f, 42);
    CHECK_EQ(destroyed(&p), 1);
    atomic_store(&m.broken, 4);
    rask_future g =
        submit_fn(needs_its_inputs, RASK_ARGS(rask_pointer(&m), rask_object(&q, &probe_type), f), 4);
    CHECK_I64(g, 42);
    CHECK_EQ(destroyed(&q), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
}

/* (future id, machine): returns a clone of the future when the machine works. */
static void forwards_if_it_works(rask_task *t) {
    rask_future inner = {(uint64_t)rask_arg_i64(t, 0)};
    rask_return_future(t, rask_clone(inner));
    machine_fails(rask_arg_pointer(t, 1), t);
}
static void a_returned_future_is_dropped_by_a_failure(void) {
    machine m = {.broken = 2};
    rask_future inner = rask_submit(client, inc, RASK_ARGS(1));
    rask_future f = submit_fn(forwards_if_it_works, RASK_ARGS((int64_t)inner.id, rask_pointer(&m)), 2);
    CHECK_I64(f, 2);
    CHECK_EQ(machine_runs(&m), 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(inner, f)));
}

static void a_returned_futures_failure_is_not_its_own(void) {
    machine m = {0}, bad = {.broken = BROKEN};
    rask_future inner = submit_work(client, &bad, 1);
    rask_future f = submit_fn(forwards_if_it_works, RASK_ARGS((int64_t)inner.id, rask_pointer(&m)), 5);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(machine_runs(&m), 1);
    CHECK_EQ(machine_runs(&bad), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(inner, f)));
}

/* ---- ways to submit, ways to wait ---- */

/* (machine): the number of its run, if it works. */
static void work_alone(rask_task *t) {
    machine *m = rask_arg_pointer(t, 0);
    if (!machine_fails(m, t))
        rask_return_i64(t, rask_task_attempt(t));
}
static void each_item_of_a_map(void) {
    enum { N = 100 };
    static machine m[N];
    rask_arg items[N];
    rask_future f[N];
    for (int i = 0; i < N; i++) {
        m[i] = (machine){.broken = i % 5};
        items[i] = rask_pointer(&m[i]);
    }
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = 4;
    CHECK_OK(rask_map(client, work_alone, items, N, &options, f));
    for (int i = 0; i < N; i++)
        CHECK_I64(f[i], i % 5 + 1);
    CHECK_OK(rask_release_all(f, N));
}

static void fired_and_forgotten(void) {
    machine m = {.broken = 3};
    CHECK_OK(rask_fire_and_forget(submit_retries(client, &m, 1, 3, 1000000)));
    EVENTUALLY(machine_runs(&m) == 4);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(stats_of(client).n_finished, 1);
}

static void parent(rask_task *t) {
    machine *m = rask_arg_pointer(t, 0);
    int64_t delay = rask_arg_i64(t, 1), got = 0;
    rask_future child = submit_retries(rask_task_client(t), m, 20, 3, delay);
    CHECK_OK(rask_result_i64(child, &got));
    CHECK_OK(rask_release(child));
    rask_return_i64(t, got + 1);
}
static void waited_for_inside_a_task(void) {
    for (int64_t delay = 0; delay <= 1000000; delay += 1000000) {
        machine m = {.broken = 3};
        rask_future f = rask_submit(client, parent, RASK_ARGS(rask_pointer(&m), delay));
        CHECK_I64(f, 21);
        CHECK_EQ(machine_runs(&m), 4);
        CHECK_OK(rask_release(f));
    }
}

static void a_drain_waits_for_the_last_attempt(void) {
    machine m = {.broken = 3};
    rask_future f = submit_retries(client, &m, 1, 3, 2000000);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(rask_future_state(f), RASK_FINISHED);
    CHECK_OK(rask_release(f));
}

/* ---- with a delay ---- */

static void the_worker_is_free_meanwhile(void) {
    machine m = {.broken = 1};
    rask_future f = submit_retries(client, &m, 1, 1, HOUR_NS);
    EVENTUALLY(machine_runs(&m) == 1);
    rask_future g = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(g, 2);
    EVENTUALLY(rask_future_state(f) == RASK_PENDING);
    CHECK_EQ(machine_runs(&m), 1);
    CHECK_STATUS(rask_retry(f), RASK_E_STATE);
    EVENTUALLY(stats_of(client).n_pending == 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    EVENTUALLY(stats_of(client).live_futures == 0); /* nothing of it stays behind for an hour */
    CHECK_EQ(stats_of(client).n_pending, 0);
}

static void cancelled_while_it_waits_for_its_time(void) {
    machine m = {.broken = 1};
    rask_future f = submit_retries(client, &m, 1, 1, INT64_MAX), g = rask_submit(client, inc, RASK_ARGS(f));
    EVENTUALLY(machine_runs(&m) == 1 && rask_future_state(f) == RASK_PENDING);
    CHECK_OK(rask_cancel(f, "too late"));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_FAILS(g, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(machine_runs(&m), 1);
}

static void a_retry_does_not_wait_for_the_old_time(void) {
    machine m = {.broken = 1};
    rask_future f = submit_retries(client, &m, 1, 1, HOUR_NS);
    EVENTUALLY(machine_runs(&m) == 1 && rask_future_state(f) == RASK_PENDING);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 1);
    CHECK_EQ(atomic_load(&m.attempts), 1);
    CHECK_OK(rask_release(f));
}

static void many_delays(void) {
    enum { N = 300 };
    static machine m[N];
    rask_future f[N];
    uint64_t random = 7;
    for (int i = 0; i < N; i++) {
        m[i] = (machine){.broken = i % 4};
        f[i] = submit_retries(client, &m[i], i, 3, (int64_t)(random_next(&random) % 5000000));
    }
    for (int i = 0; i < N; i++)
        CHECK_I64(f[i], i);
    CHECK_OK(rask_release_all(f, N));
}

static void a_close_does_not_wait_for_the_time(void) {
    machine m = {.broken = 1};
    probe p = {0};
    rask_client other = open_workers(1);
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = 1;
    options.retry_delay_ns = HOUR_NS;
    rask_future f =
        rask_submit_with(other, work, RASK_ARGS(rask_pointer(&m), 1, rask_object(&p, &probe_type)), &options);
    EVENTUALLY(machine_runs(&m) == 1 && rask_future_state(f) == RASK_PENDING);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_client_close(other));
    CHECK_EQ(destroyed(&p), 1);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "closed");
    CHECK_OK(rask_release(f));
}

static void a_negative_delay_is_wrong(void) {
    machine m = {0};
    for (int i = 0; i < 2; i++) {
        rask_future f = submit_retries(client, &m, 1, 1, i ? INT64_MIN : -1);
        CHECK_FAILS(f, RASK_E_INVALID);
        CHECK_STR_CONTAINS(ERROR_OF(f).message, "retry_delay_ns");
        CHECK_STATUS(rask_retry(f), RASK_E_STATE);
        CHECK_OK(rask_release(f));
    }
    CHECK_EQ(machine_runs(&m), 0);
}

/* ---- cancelled and released between attempts ---- */

/* (gate, machine): fails once the gate is open. */
static void held_then_works(rask_task *t) {
    gate_pass(rask_arg_pointer(t, 0));
    if (!machine_fails(rask_arg_pointer(t, 1), t))
        rask_return_i64(t, 1);
}
static void cancelled_while_it_runs_it_is_not_run_again(void) {
    gate *g = gate_new();
    machine m = {.broken = BROKEN};
    rask_future f = submit_fn(held_then_works, RASK_ARGS(rask_pointer(g), rask_pointer(&m)), 100);
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(f, NULL));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_EQ(machine_runs(&m), 1);
    CHECK_OK(rask_release(f));
}

static void released_while_it_runs_it_is_not_run_again(void) {
    gate *g = gate_new();
    machine m = {.broken = BROKEN};
    rask_future f = submit_fn(held_then_works, RASK_ARGS(rask_pointer(g), rask_pointer(&m)), 100);
    GATE_REACHED(g, 1);
    CHECK_OK(rask_release(f));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(machine_runs(&m), 1);
    CHECK_EQ(stats_of(client).n_retried, 0);
}

/* ---- many ---- */

static void many_flaky_tasks(void) {
    size_t n = scaled(50000);
    machine *m = calloc(n, sizeof *m);
    rask_future *f = calloc(n, sizeof *f);
    CHECK(m && f);
    uint64_t random = 42, fails = 0, errors = 0;
    for (size_t i = 0; i < n; i++) {
        int broken = (int)(random_next(&random) % 6);
        atomic_store(&m[i].broken, broken);
        f[i] = submit_retries(client, &m[i], (int64_t)i, 4, i % 8 ? 0 : 100000);
        fails += broken < 5 ? (uint64_t)broken : 4;
        errors += broken == 5;
    }
    CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (size_t i = 0; i < n; i++) {
        if (machine_runs(&m[i]) == 5 && rask_future_state(f[i]) == RASK_ERROR)
            CHECK_EQ(ERROR_OF(f[i]).attempts, 5);
        else
            CHECK_I64(f[i], (int64_t)i);
        CHECK(!atomic_load(&m[i].overlapped));
    }
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_retried, fails);
    CHECK_EQ(stats_of(client).n_error, errors);
    CHECK_EQ(stats_of(client).n_finished, n - errors);
    CHECK_OK(rask_release_all(f, n));
    EVENTUALLY(stats_of(client).live_futures == 0);
    free(f);
    free(m);
}

static void a_flaky_chain(void) {
    enum { N = 1000 };
    static machine m[N];
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = 3;
    rask_future f = rask_scatter(client, rask_i64(0));
    for (int i = 0; i < N; i++) {
        m[i] = (machine){.broken = i % 4};
        f = rask_submit_with(client, work_inc, RASK_ARGS(rask_pointer(&m[i]), rask_take(f)), &options);
    }
    CHECK_I64(f, N);
    CHECK_OK(rask_release(f));
}

int main(void) {
    RUN_WITH(1, it_is_run_again_until_it_works);
    RUN_WITH(1, when_they_are_used_up_the_last_error_is_shown);
    RUN_WITH(2, attempts_are_numbered_from_1);
    RUN_WITH(1, none_is_the_default);
    RUN_WITH(2, as_many_as_there_can_be);
    RUN_WITH(2, an_inputs_failure_is_not_its_own);
    RUN_WITH(2, dependents_wait_for_the_last_attempt);

    RUN_WITH(2, a_wrong_read_is_a_failure);
    RUN_WITH(2, what_a_failed_run_returned_is_destroyed);
    RUN_WITH(2, every_attempt_has_its_inputs);
    RUN_WITH(2, a_returned_future_is_dropped_by_a_failure);
    RUN_WITH(2, a_returned_futures_failure_is_not_its_own);

    RUN_WITH(2, each_item_of_a_map);
    RUN_WITH(2, fired_and_forgotten);
    RUN_WITH(1, waited_for_inside_a_task);
    RUN_WITH(4, waited_for_inside_a_task);
    RUN_WITH(1, a_drain_waits_for_the_last_attempt);

    RUN_WITH(1, the_worker_is_free_meanwhile);
    RUN_WITH(1, cancelled_while_it_waits_for_its_time);
    RUN_WITH(1, a_retry_does_not_wait_for_the_old_time);
    RUN_WITH(2, many_delays);
    RUN(a_close_does_not_wait_for_the_time);
    RUN_WITH(1, a_negative_delay_is_wrong);

    RUN_WITH(1, cancelled_while_it_runs_it_is_not_run_again);
    RUN_WITH(1, released_while_it_runs_it_is_not_run_again);

    RUN_WITH(4, many_flaky_tasks);
    RUN_WITH(4, a_flaky_chain);
    return 0;
}
