/* rask_retry: what failed runs again, with all that ended because of it. */
#include "machine.h"

/* ---- the root ---- */

static void repaired_it_works(void) {
    machine m = {.broken = BROKEN};
    rask_future f = submit_work(client, &m, 7);
    CHECK_FAILS(f, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 7);
    CHECK_EQ(ERROR_OF(f).status, RASK_OK);
    CHECK_EQ(machine_runs(&m), 2);
    CHECK_EQ(atomic_load(&m.attempts), 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    rask_client_stats stats = stats_of(client);
    CHECK_EQ(stats.n_retried, 1);
    CHECK_EQ(stats.n_error, 0);
    CHECK_EQ(stats.n_finished, 1);
    CHECK_EQ(stats.n_pending, 0);
    CHECK_EQ(stats.n_submitted, 1);
    CHECK_OK(rask_release(f));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void it_may_fail_again_and_again(void) {
    machine m = {.broken = BROKEN};
    rask_future f = submit_work(client, &m, 7);
    const char *told[10], *origin = NULL;
    for (int i = 0; i < 10; i++) {
        CHECK_FAILS(f, RASK_E_TASK);
        rask_error error = ERROR_OF(f);
        CHECK_EQ(error.code, i + 1);
        CHECK_EQ(error.attempts, 1);
        told[i] = error.message;
        origin = error.origin;
        CHECK_OK(rask_retry(f));
    }
    machine_repair(&m);
    is_over(f);
    if (rask_future_state(f) == RASK_ERROR)
        CHECK_OK(rask_retry(f));
    CHECK_I64(f, 7);
    /* What was told is good as long as the handle. */
    for (int i = 0; i < 10; i++) {
        char words[32];
        snprintf(words, sizeof words, "broken in run %d", i + 1);
        CHECK_STR_EQ(told[i], words);
    }
    CHECK_STR_EQ(origin, rask_future_key(f));
    CHECK_OK(rask_release(f));
}

static void retries_are_counted_anew(void) {
    machine m = {.broken = BROKEN};
    rask_future f = submit_retries(client, &m, 7, 2, 0);
    for (int i = 1; i <= 3; i++) {
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_EQ(machine_runs(&m), 3 * i);
        CHECK_EQ(ERROR_OF(f).attempts, 3);
        CHECK_OK(rask_retry(f));
    }
    CHECK_FAILS(f, RASK_E_TASK);
    atomic_store(&m.broken, 2);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 7);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_retried, 2 * 5 + 4);
    CHECK_OK(rask_release(f));
}

/* (id, machine): a function like any other, but for what it returns. */
static void fails_by_type(rask_task *t) {
    if (!machine_fails(rask_arg_pointer(t, 1), t))
        rask_return_arg(t, 0);
    else
        (void)rask_arg_i64(t, 0);
}
static void through_a_clone(void) {
    machine m = {.broken = 1};
    rask_future f = rask_submit(client, fails_by_type, RASK_ARGS("text", rask_pointer(&m))),
                c = rask_clone(f);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_retry(c));
    CHECK_TEXT(c, "text");
    CHECK_OK(rask_release(c));
}

static void with_its_delay(void) {
    machine m = {.broken = 3};
    rask_future f = submit_retries(client, &m, 7, 1, 1000000);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 7);
    CHECK_EQ(atomic_load(&m.attempts), 2);
    CHECK_OK(rask_release(f));
}

/* ---- what it depends on, and what depends on it ---- */

static void roots_whose_handles_are_gone(void) {
    machine m = {.broken = BROKEN};
    rask_future f = submit_work(client, &m, 1);
    for (int i = 0; i < 10; i++)
        f = rask_submit(client, inc, RASK_ARGS(rask_take(f)));
    CHECK_FAILS(f, RASK_E_TASK);
    EVENTUALLY(stats_of(client).n_error == 11);
    machine_repair(&m);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 11);
    CHECK_EQ(machine_runs(&m), 2);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_retried, 1);
    CHECK_EQ(stats_of(client).n_finished, 11);
    CHECK_EQ(stats_of(client).n_error, 0);
    CHECK_OK(rask_release(f));
}

static void several_roots(void) {
    enum { N = 20 };
    static machine m[N];
    rask_future roots[N], f;
    for (int i = 0; i < N; i++) {
        m[i] = (machine){.broken = i % 2 ? BROKEN : 0};
        roots[i] = submit_work(client, &m[i], i);
    }
    f = rask_submit(client, nothing, RASK_ARGS(rask_list_of(roots, N)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_wait(roots, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (int i = 0; i < N; i++)
        machine_repair(&m[i]);
    CHECK_OK(rask_release_all(roots, N));
    CHECK_OK(rask_retry(f));
    is_over(f);
    CHECK_EQ(rask_future_state(f), RASK_FINISHED);
    for (int i = 0; i < N; i++)
        CHECK_EQ(machine_runs(&m[i]), 1 + i % 2);
    CHECK_OK(rask_release(f));
}

static void every_dependent_of_the_root(void) {
    enum { N = 100 };
    machine m = {.broken = BROKEN};
    rask_future x = submit_work(client, &m, 1), f[N], deeper[N];
    for (int i = 0; i < N; i++) {
        f[i] = rask_submit(client, inc, RASK_ARGS(x));
        deeper[i] = rask_submit(client, add, RASK_ARGS(rask_take(f[i]), x));
    }
    CHECK_OK(rask_wait(deeper, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    rask_future late = submit_inc(deeper[0]);
    CHECK_FAILS(late, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(x));
    for (int i = 0; i < N; i++)
        CHECK_I64(deeper[i], 3);
    CHECK_I64(late, 4);
    CHECK_EQ(machine_runs(&m), 2);
    CHECK_OK(rask_release_all(deeper, N));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, late)));
}

static void its_siblings_too(void) {
    machine m = {.broken = BROKEN};
    rask_future x = submit_work(client, &m, 1), f = submit_inc(x), g = submit_inc(x);
    rask_future h = rask_submit(client, add, RASK_ARGS(g, g));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, g)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_FAILS(h, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 2);
    CHECK_I64(h, 4);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, h)));
}

static void what_it_has_finished_with_is_not_run_again(void) {
    machine good = {0}, bad = {.broken = BROKEN};
    rask_future x = submit_work(client, &good, 20);
    CHECK_I64(x, 20);
    rask_future y = submit_work(client, &bad, 22);
    rask_future f = rask_submit(client, add, RASK_ARGS(rask_take(x), rask_take(y)));
    CHECK_FAILS(f, RASK_E_TASK);
    machine_repair(&bad);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 42);
    CHECK_EQ(machine_runs(&good), 1);
    CHECK_OK(rask_release(f));
}

/* The input that has not failed still runs when the task is retried: it is waited for. */
static void an_input_that_still_runs(void) {
    gate *g = gate_new();
    machine bad = {.broken = BROKEN};
    rask_future x = submit_held(client, g, 20), y = submit_work(client, &bad, 22);
    rask_future f = rask_submit(client, add, RASK_ARGS(rask_take(x), rask_take(y)));
    CHECK_FAILS(f, RASK_E_TASK);
    machine_repair(&bad);
    CHECK_OK(rask_retry(f));
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    gate_open(g);
    CHECK_I64(f, 42);
    CHECK_OK(rask_release(f));
}

static void one_of_two_roots_alone(void) {
    machine a = {.broken = BROKEN}, b = {.broken = BROKEN};
    rask_future x = submit_work(client, &a, 1);
    CHECK_FAILS(x, RASK_E_TASK);
    rask_future y = submit_work(client, &b, 2), f = rask_submit(client, add, RASK_ARGS(x, y));
    CHECK_FAILS(y, RASK_E_TASK);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_STR_EQ(ERROR_OF(f).origin, rask_future_key(x));
    machine_repair(&a);
    CHECK_OK(rask_retry(x));
    CHECK_I64(x, 1);
    CHECK_FAILS(f, RASK_E_TASK); /* because of the other one now */
    CHECK_STR_EQ(ERROR_OF(f).origin, rask_future_key(y));
    CHECK_OK(rask_retry(f));
    CHECK_FAILS(f, RASK_E_TASK);
    machine_repair(&b);
    CHECK_OK(rask_retry(y));
    CHECK_I64(f, 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, f)));
}

/* ---- arguments of every form ---- */

/* (machine, list …): the sum of all numbers, however deep. */
static int64_t sum_of(const rask_value *value) {
    int64_t sum = 0;
    if (rask_value_kind(value) != RASK_LIST) {
        CHECK_OK(rask_value_i64(value, &sum));
        return sum;
    }
    for (size_t i = 0; i < rask_value_count(value); i++)
        sum += sum_of(rask_value_at(value, i));
    return sum;
}
static void sum_all(rask_task *t) {
    int64_t sum = 0;
    if (machine_fails(rask_arg_pointer(t, 0), t))
        return;
    for (size_t i = 1; i < rask_arg_count(t); i++)
        sum += sum_of(rask_arg_value(t, i));
    rask_return_i64(t, sum);
}

static void lists_and_blocks(void) {
    machine m[4] = {{.broken = BROKEN}, {.broken = BROKEN}, {0}, {.broken = BROKEN}};
    rask_future x = submit_work(client, &m[0], 1), y = submit_work(client, &m[1], 10),
                z = submit_work(client, &m[2], 100);
    rask_arg inner[] = {rask_of(x), rask_i64(1000), rask_of(z), rask_of(x)};
    rask_future many[] = {x, y, z, y};
    rask_future f =
        rask_submit(client, sum_all,
                    RASK_ARGS(rask_pointer(&m[3]), rask_list(inner, 4), rask_list_of(many, 4), y, 20000, z));
    int64_t sum = 1 + 1000 + 100 + 1 + 1 + 10 + 100 + 10 + 10 + 20000 + 100;
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_wait(many, 4, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
    machine_repair(&m[0]);
    CHECK_OK(rask_retry(f));
    CHECK_FAILS(f, RASK_E_TASK); /* the second input */
    machine_repair(&m[1]);
    CHECK_OK(rask_retry(f));
    CHECK_FAILS(f, RASK_E_TASK); /* itself */
    CHECK_STR_EQ(ERROR_OF(f).origin, rask_future_key(f));
    machine_repair(&m[3]);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, sum);
    CHECK_EQ(machine_runs(&m[2]), 1);
    CHECK_EQ(machine_runs(&m[3]), 2);
    CHECK_OK(rask_release(f));
}

static void six_futures_inline(void) {
    machine m = {.broken = BROKEN};
    rask_future x = submit_work(client, &m, 1), y = rask_submit(client, inc, RASK_ARGS(2));
    rask_future f = rask_submit(client, add, RASK_ARGS(x, y, x, y, x, y));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_I64(y, 3);
    machine_repair(&m);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 4);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, f)));
}

/* ---- returned futures ---- */

/* (counter, machine): returns the future of a task of its own. */
static void delegate(rask_task *t) {
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1);
    rask_return_future(t, submit_work(rask_task_client(t), rask_arg_pointer(t, 1), 5));
}
static void a_returned_future_that_failed(void) {
    machine m = {.broken = BROKEN};
    atomic_int runs = 0;
    rask_future f = rask_submit(client, delegate, RASK_ARGS(rask_pointer(&runs), rask_pointer(&m)));
    rask_future d = submit_inc(f);
    for (int i = 0; i < 3; i++) {
        CHECK_FAILS(d, RASK_E_TASK);
        CHECK_OK(rask_retry(i % 2 ? d : f));
    }
    CHECK_FAILS(d, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(d));
    CHECK_I64(d, 6);
    CHECK_I64(f, 5);
    CHECK_EQ(atomic_load(&runs), 1); /* it was done: what it returned was not */
    CHECK_EQ(machine_runs(&m), 5);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_pending, 0);
    CHECK_EQ(stats_of(client).n_finished, 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, d)));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

/* (gate, counter): returns the future of a task that passes the gate. */
static void delegate_held(rask_task *t) {
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 1), 1);
    rask_return_future(t, submit_held(rask_task_client(t), rask_arg_pointer(t, 0), 9));
}
static void cancelled_while_it_waits_for_a_returned_future(void) {
    gate *g = gate_new();
    atomic_int runs = 0;
    rask_future f = rask_submit(client, delegate_held, RASK_ARGS(rask_pointer(g), rask_pointer(&runs)));
    GATE_REACHED(g, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(rask_cancel(f, NULL));
        CHECK_OK(rask_retry(f));
        EVENTUALLY(rask_future_state(f) == RASK_RUNNING);
    }
    CHECK_OK(rask_cancel(f, NULL));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 9);
    CHECK_EQ(atomic_load(&runs), 1);
    CHECK_OK(rask_release(f));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

/* (n, machine): n futures deep, then works or fails. */
static void delegate_deep(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0);
    machine *m = rask_arg_pointer(t, 1);
    if (n > 0)
        rask_return_future(
            t, rask_submit(rask_task_client(t), delegate_deep, RASK_ARGS(n - 1, rask_pointer(m))));
    else if (!machine_fails(m, t))
        rask_return_i64(t, 42);
}
static void a_long_recursion_that_failed(void) {
    machine m = {.broken = BROKEN};
    rask_future f = rask_submit(client, delegate_deep, RASK_ARGS((int64_t)scaled(300000), rask_pointer(&m)));
    CHECK_FAILS(f, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 42);
    CHECK_EQ(machine_runs(&m), 2);
    CHECK_OK(rask_release(f));
}

/* ---- from wherever ---- */

/* (machine, id): repairs, retries and waits. */
static void repair_and_retry(rask_task *t) {
    machine *m = rask_arg_pointer(t, 0);
    rask_future f = {(uint64_t)rask_arg_i64(t, 1)};
    int64_t got = 0;
    machine_repair(m);
    CHECK_OK(rask_retry(f));
    CHECK_OK(rask_result_i64(f, &got));
    rask_return_i64(t, got + 1);
}
static void from_inside_a_task(void) {
    machine m = {.broken = BROKEN};
    rask_future x = submit_work(client, &m, 1), f = submit_inc(x);
    CHECK_FAILS(f, RASK_E_TASK);
    rask_future g = rask_submit(client, repair_and_retry, RASK_ARGS(rask_pointer(&m), (int64_t)f.id));
    CHECK_I64(g, 3);
    CHECK_I64(f, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f, g)));
}

typedef struct undertaker {
    rask_future future;
    atomic_int status; /* of the retry; 1: none yet */
} undertaker;
static void retry_it(void *object) {
    undertaker *u = object;
    atomic_store(&u->status, rask_retry(u->future));
}
static const rask_type undertaker_type = {sizeof(rask_type), "undertaker", retry_it, NULL, NULL, NULL};
static void from_a_destructor(void) {
    machine m = {.broken = BROKEN};
    rask_future f = submit_work(client, &m, 1);
    CHECK_FAILS(f, RASK_E_TASK);
    machine_repair(&m);
    /* Of a value that is released. */
    undertaker u = {f, 1};
    CHECK_OK(rask_release(rask_scatter(client, rask_object(&u, &undertaker_type))));
    CHECK_EQ(atomic_load(&u.status), RASK_OK);
    CHECK_I64(f, 1);
    /* Of an input let go by a worker, and by the end of what has failed. */
    machine_break(&m);
    rask_future g = submit_work(client, &m, 1), bad = submit_work(client, &m, 1);
    CHECK_FAILS(g, RASK_E_TASK);
    CHECK_FAILS(bad, RASK_E_TASK);
    machine_repair(&m);
    undertaker v = {g, 1}, w = {g, 1};
    rask_future d = rask_submit(client, nothing, RASK_ARGS(rask_object(&v, &undertaker_type)));
    is_over(d);
    EVENTUALLY(atomic_load(&v.status) == RASK_OK);
    CHECK_I64(g, 1);
    rask_future e = rask_submit(client, nothing, RASK_ARGS(bad, rask_object(&w, &undertaker_type)));
    CHECK_FAILS(e, RASK_E_TASK);
    CHECK_OK(rask_release(e));
    CHECK_EQ(atomic_load(&w.status), RASK_E_STATE);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g, bad, d)));
}

/* ---- waits ---- */

static void *wait_for_it(void *context) {
    rask_future *f = context;
    CHECK_I64(*f, 3);
    return NULL;
}
static void waits_are_for_the_new_end(void) {
    gate *g = gate_new();
    machine m = {.broken = BROKEN};
    rask_future x =
        rask_submit(client, work, RASK_ARGS(rask_pointer(&m), 1, rask_take(submit_held(client, g, 0))));
    rask_future f = submit_inc(x), h = submit_inc(f);
    gate_open(g);
    CHECK_FAILS(h, RASK_E_TASK);
    gate *again = gate_new();
    rask_future z = rask_submit(client, add, RASK_ARGS(rask_take(submit_held(client, again, 10)), f));
    CHECK_FAILS(z, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(z));
    CHECK_STATUS(rask_wait(&z, 1, RASK_ALL_COMPLETED, 0, NULL), RASK_E_TIMEOUT);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start_thread(wait_for_it, &h);
    for (int i = 0; i < 4; i++)
        join_thread(threads[i]);
    gate_open(again);
    rask_status statuses[3];
    const rask_value *values[3];
    CHECK_OK(rask_gather(RASK_FUTURES(x, h, z), LONG_NS, values, statuses));
    for (int i = 0; i < 3; i++)
        CHECK_OK(statuses[i]);
    CHECK_I64(z, 12);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f, h, z)));
}

/* ---- deep and wide ---- */

static void a_deep_graph(void) {
    machine m = {.broken = BROKEN};
    size_t n = scaled(1000000);
    rask_future f = submit_work(client, &m, 0);
    for (size_t i = 0; i < n; i++)
        f = rask_submit(client, inc, RASK_ARGS(rask_take(f)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_retry(f));
    CHECK_FAILS(f, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, (int64_t)n);
    CHECK_OK(rask_release(f));
    machine_break(&m);
    f = submit_work(client, &m, 0);
    for (size_t i = 0; i < n; i++)
        f = rask_submit(client, inc, RASK_ARGS(rask_take(f)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_release(f));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void a_wide_graph(void) {
    machine m = {.broken = BROKEN}, collects = {0};
    size_t n = scaled(200000);
    rask_future *f = calloc(n, sizeof *f);
    CHECK(f != NULL);
    rask_future x = submit_work(client, &m, 1);
    for (size_t i = 0; i < n; i++)
        f[i] = submit_inc(x);
    rask_future sum = rask_submit(client, sum_all, RASK_ARGS(rask_pointer(&collects), rask_list_of(f, n)));
    CHECK_FAILS(sum, RASK_E_TASK);
    CHECK_OK(rask_release_all(f + 1, n - 1));
    machine_repair(&m);
    CHECK_OK(rask_retry(f[0]));
    CHECK_I64(sum, 2 * (int64_t)n);
    CHECK_EQ(machine_runs(&m), 2);
    CHECK_EQ(machine_runs(&collects), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f[0], sum)));
    EVENTUALLY(stats_of(client).live_futures == 0);
    free(f);
}

int main(void) {
    RUN_WITH(1, repaired_it_works);
    RUN_WITH(2, it_may_fail_again_and_again);
    RUN_WITH(2, retries_are_counted_anew);
    RUN_WITH(2, through_a_clone);
    RUN_WITH(2, with_its_delay);

    RUN_WITH(2, roots_whose_handles_are_gone);
    RUN_WITH(2, several_roots);
    RUN_WITH(2, every_dependent_of_the_root);
    RUN_WITH(2, its_siblings_too);
    RUN_WITH(2, what_it_has_finished_with_is_not_run_again);
    RUN_WITH(2, an_input_that_still_runs);
    RUN_WITH(2, one_of_two_roots_alone);
    RUN_WITH(2, lists_and_blocks);
    RUN_WITH(2, six_futures_inline);

    RUN_WITH(2, a_returned_future_that_failed);
    RUN_WITH(2, cancelled_while_it_waits_for_a_returned_future);
    RUN_WITH(2, a_long_recursion_that_failed);

    RUN_WITH(1, from_inside_a_task);
    RUN_WITH(4, from_inside_a_task);
    RUN_WITH(2, from_a_destructor);
    RUN_WITH(2, waits_are_for_the_new_end);

    RUN_WITH(2, a_deep_graph);
    RUN_WITH(2, a_wide_graph);
    return 0;
}
