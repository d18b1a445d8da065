/* rask_retry: what failed or was cancelled runs again, with all that ended because of it. */
#include "machine.h"

static void is_over(rask_future f) { CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL)); }

static rask_future submit_inc(rask_future x) { return rask_submit(client, inc, RASK_ARGS(x)); }

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

/* ---- cancelled ---- */

static void what_was_cancelled_before_it_ran(void) {
    gate *g = gate_new();
    atomic_int runs = 0;
    rask_future holder = submit_held(client, g, 0);
    GATE_REACHED(g, 1);
    rask_future f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs))), d = submit_inc(f);
    for (int i = 0; i < 5; i++) {
        CHECK_OK(rask_cancel(f, "changed my mind"));
        CHECK_FAILS(f, RASK_E_CANCELLED);
        CHECK_FAILS(d, RASK_E_CANCELLED);
        CHECK_OK(rask_retry(i % 2 ? d : f));
        CHECK_EQ(rask_future_state(f), RASK_PENDING);
        CHECK_EQ(rask_future_state(d), RASK_PENDING);
    }
    gate_open(g);
    CHECK_I64(f, 1);
    CHECK_I64(d, 2);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 1);
    CHECK_EQ(stats_of(client).n_cancelled, 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f, d)));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void what_was_cancelled_while_it_waited(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f = submit_inc(x);
    for (int i = 0; i < 5; i++) {
        CHECK_OK(rask_cancel(f, NULL));
        CHECK_OK(rask_retry(f));
    }
    CHECK_OK(rask_cancel(f, NULL));
    gate_open(g);
    CHECK_I64(x, 1);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

/* The input fails after the task was cancelled: a retry of the task needs the input again, and with the task
 * all that was cancelled with it. */
static void cancelled_and_then_its_input_failed(void) {
    gate *g = gate_new();
    machine m = {.broken = BROKEN};
    rask_future hold = submit_held(client, g, 0);
    rask_future x = rask_submit(client, work, RASK_ARGS(rask_pointer(&m), 1, hold));
    rask_future f = submit_inc(x), d = submit_inc(f), other = submit_inc(f);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_FAILS(d, RASK_E_CANCELLED);
    gate_open(g);
    CHECK_FAILS(x, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(d));
    CHECK_I64(d, 3);
    CHECK_I64(other, 3);
    CHECK_I64(x, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(hold, x, f, d, other)));
}

/* ---- cancelled while it runs ---- */

typedef struct slow {
    gate first, second; /* of the first run, and of the others */
    atomic_int runs, inside;
    atomic_bool overlapped;
} slow;
/* (slow, input …): returns 100 times the number of its run. */
static void run_slowly(rask_task *t) {
    slow *s = rask_arg_pointer(t, 0);
    if (atomic_fetch_add(&s->inside, 1) != 0)
        atomic_store(&s->overlapped, true);
    int run = atomic_fetch_add(&s->runs, 1) + 1;
    gate_pass(run == 1 ? &s->first : &s->second);
    for (size_t i = 1; i < rask_arg_count(t); i++)
        CHECK_EQ(destroyed(rask_arg_object(t, i, &probe_type)), 0);
    rask_return_i64(t, 100 * run);
    atomic_fetch_sub(&s->inside, 1);
}

static void a_late_result_is_not_taken(void) {
    slow s = {0};
    gate_open(&s.second);
    rask_future f = rask_submit(client, run_slowly, RASK_ARGS(rask_pointer(&s))), d = submit_inc(f);
    GATE_REACHED(&s.first, 1);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_FAILS(d, RASK_E_CANCELLED);
    CHECK_OK(rask_retry(f));
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    CHECK_STATUS(rask_wait(&f, 1, RASK_ALL_COMPLETED, 10000000, NULL),
                 RASK_E_TIMEOUT); /* one run at a time */
    CHECK_EQ(atomic_load(&s.runs), 1);
    gate_open(&s.first);
    CHECK_I64(f, 200);
    CHECK_I64(d, 201);
    CHECK(!atomic_load(&s.overlapped));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_finished, 2);
    CHECK_EQ(stats_of(client).n_cancelled, 0);
    CHECK_EQ(stats_of(client).n_pending, 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, d)));
}

static void and_cancelled_and_retried_once_more(void) {
    slow s = {0};
    gate_open(&s.second);
    rask_future f = rask_submit(client, run_slowly, RASK_ARGS(rask_pointer(&s)));
    GATE_REACHED(&s.first, 1);
    for (int i = 0; i < 4; i++) {
        CHECK_OK(rask_cancel(f, NULL));
        CHECK_FAILS(f, RASK_E_CANCELLED);
        CHECK_OK(rask_retry(f));
    }
    gate_open(&s.first);
    CHECK_I64(f, 200);
    CHECK(!atomic_load(&s.overlapped));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_pending, 0);
    CHECK_OK(rask_release(f));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void and_cancelled_for_good(void) {
    slow s = {0};
    probe p = {0};
    gate_open(&s.second);
    rask_future f =
        rask_submit(client, run_slowly, RASK_ARGS(rask_pointer(&s), rask_object(&p, &probe_type)));
    GATE_REACHED(&s.first, 1);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_retry(f));
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&p), 0); /* the function uses it */
    gate_open(&s.first);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(destroyed(&p) == 1);
    CHECK_EQ(atomic_load(&s.runs), 1);
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void and_released_before_it_could_run(void) {
    slow s = {0};
    probe p = {0};
    gate_open(&s.second);
    rask_future f =
        rask_submit(client, run_slowly, RASK_ARGS(rask_pointer(&s), rask_object(&p, &probe_type)));
    GATE_REACHED(&s.first, 1);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_retry(f));
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&p), 0);
    gate_open(&s.first);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(destroyed(&p) == 1);
    CHECK_EQ(atomic_load(&s.runs), 1); /* nobody wants another run */
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void and_its_client_is_closed(void) {
    for (int again = 0; again < 2; again++) {
        slow s = {0};
        probe p = {0}, q = {0};
        gate_open(&s.second);
        rask_client other = open_workers(1);
        rask_future x = rask_scatter(other, rask_object(&q, &probe_type));
        rask_future f = rask_submit(other, run_slowly,
                                    RASK_ARGS(rask_pointer(&s), rask_object(&p, &probe_type), rask_take(x)));
        GATE_REACHED(&s.first, 1);
        CHECK_OK(rask_cancel(f, NULL));
        CHECK_OK(rask_retry(f));
        if (again) {
            CHECK_OK(rask_cancel(f, NULL));
            CHECK_OK(rask_retry(f));
        }
        pthread_t thread = start_thread(open_soon, &s.first);
        CHECK_OK(rask_client_close(other)); /* waits for the function, which uses its inputs until then */
        join_thread(thread);
        CHECK_EQ(atomic_load(&s.runs), 1);
        CHECK_EQ(destroyed(&p), 1);
        CHECK_EQ(destroyed(&q), 1);
        CHECK_FAILS(f, RASK_E_CANCELLED);
        CHECK_STATUS(rask_retry(f), RASK_E_CLOSED);
        CHECK_OK(rask_release(f));
    }
}

/* (slow): fails, late. */
static void fail_slowly(rask_task *t) {
    slow *s = rask_arg_pointer(t, 0);
    int run = atomic_fetch_add(&s->runs, 1) + 1;
    gate_pass(run == 1 ? &s->first : &s->second);
    if (run == 1)
        rask_fail(t, 1, "late");
    else
        rask_return_i64(t, rask_task_attempt(t));
}
static void a_late_failure_is_not_taken(void) {
    for (uint32_t retries = 0; retries < 3; retries++) {
        slow s = {0};
        gate_open(&s.second);
        rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
        options.retries = retries;
        rask_future f = rask_submit_with(client, fail_slowly, RASK_ARGS(rask_pointer(&s)), &options);
        GATE_REACHED(&s.first, 1);
        CHECK_OK(rask_cancel(f, NULL));
        CHECK_OK(rask_retry(f));
        gate_open(&s.first);
        CHECK_I64(f, 1); /* the first attempt of the retry */
        CHECK_EQ(atomic_load(&s.runs), 2);
        CHECK_OK(rask_release(f));
    }
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_error, 0);
    CHECK_EQ(stats_of(client).n_finished, 3);
}

/* (slow): returns a future, late. */
static void forward_slowly(rask_task *t) {
    slow *s = rask_arg_pointer(t, 0);
    int run = atomic_fetch_add(&s->runs, 1) + 1;
    gate_pass(run == 1 ? &s->first : &s->second);
    rask_return_future(t, rask_submit(rask_task_client(t), inc, RASK_ARGS(run)));
}
static void a_late_future_is_not_taken(void) {
    slow s = {0};
    gate_open(&s.second);
    rask_future f = rask_submit(client, forward_slowly, RASK_ARGS(rask_pointer(&s)));
    GATE_REACHED(&s.first, 1);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_retry(f));
    gate_open(&s.first);
    CHECK_I64(f, 3);
    CHECK_EQ(atomic_load(&s.runs), 2);
    CHECK_OK(rask_release(f));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

/* (slow): cancels and retries itself; the gate opens when its handle is there to be read. */
static _Atomic uint64_t own_id;
static void begin_itself_anew(rask_task *t) {
    slow *s = rask_arg_pointer(t, 0);
    int run = atomic_fetch_add(&s->runs, 1) + 1;
    gate_pass(&s->first);
    rask_future self = {atomic_load(&own_id)};
    if (run < 3) {
        CHECK_STATUS(rask_retry(self), RASK_E_STATE); /* it runs */
        CHECK_OK(rask_cancel(self, NULL));
        CHECK(rask_cancelled(t));
        CHECK_OK(rask_retry(self));
        CHECK(rask_cancelled(t)); /* this run still is */
        CHECK_STATUS(rask_wait(&self, 1, RASK_ALL_COMPLETED, RASK_FOREVER, NULL), RASK_E_DEADLOCK);
    }
    rask_return_i64(t, run);
}
static void from_inside_the_task_itself(void) {
    slow s = {0};
    rask_future f = rask_submit(client, begin_itself_anew, RASK_ARGS(rask_pointer(&s)));
    atomic_store(&own_id, f.id);
    gate_open(&s.first);
    is_over(f);
    EVENTUALLY(rask_future_state(f) == RASK_FINISHED);
    CHECK_I64(f, 3);
    CHECK_OK(rask_release(f));
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

/* ---- how long it is possible ---- */

static rask_future submit_with_probe(rask_client c, machine *m, probe *p) {
    return rask_submit(c, work, RASK_ARGS(rask_pointer(m), 1, rask_object(p, &probe_type)));
}

static void the_recipe_lives_as_long_as_a_handle(void) {
    machine m = {.broken = BROKEN};
    probe p = {0}, q = {0};
    rask_future x = rask_scatter(client, rask_object(&q, &probe_type));
    rask_future f =
        rask_submit(client, work, RASK_ARGS(rask_pointer(&m), 1, rask_object(&p, &probe_type), rask_take(x)));
    rask_future c = rask_clone(f);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_retry(f));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&p) + destroyed(&q), 0);
    CHECK_OK(rask_release(c));
    EVENTUALLY(destroyed(&p) == 1 && destroyed(&q) == 1);
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void or_as_a_dependent(void) {
    machine m = {.broken = BROKEN};
    probe p = {0};
    rask_future f = submit_with_probe(client, &m, &p);
    for (int i = 0; i < 5; i++)
        f = rask_submit(client, inc, RASK_ARGS(rask_take(f)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(f));
    EVENTUALLY(destroyed(&p) == 1);
    EVENTUALLY(stats_of(client).live_futures == 0);
}

static void and_no_longer_than_it_takes(void) {
    machine m = {.broken = BROKEN};
    probe p = {0};
    rask_future f = submit_with_probe(client, &m, &p);
    CHECK_FAILS(f, RASK_E_TASK);
    machine_repair(&m);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 1);
    CHECK_EQ(destroyed(&p), 1);
    CHECK_OK(rask_release(f));
}

static void and_no_longer_than_the_client(void) {
    machine m = {.broken = BROKEN};
    probe p = {0}, q = {0}, r = {0};
    rask_client other = open_workers(1);
    rask_future f = submit_with_probe(other, &m, &p);
    CHECK_FAILS(f, RASK_E_TASK);
    rask_future d = rask_submit(other, inc, RASK_ARGS(f, rask_object(&q, &probe_type)));
    gate *g = gate_new();
    rask_future hold = submit_held(other, g, 0);
    GATE_REACHED(g, 1);
    rask_future c = submit_with_probe(other, &m, &r);
    CHECK_OK(rask_cancel(c, NULL));
    gate_open(g);
    CHECK_I64(hold, 0);
    CHECK_EQ(destroyed(&p) + destroyed(&q) + destroyed(&r), 0);
    CHECK_OK(rask_client_close(other));
    CHECK_EQ(destroyed(&p), 1);
    CHECK_EQ(destroyed(&q), 1);
    CHECK_EQ(destroyed(&r), 1);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_FAILS(c, RASK_E_CANCELLED);
    CHECK_STATUS(rask_retry(f), RASK_E_CLOSED);
    CHECK_STATUS(rask_retry(d), RASK_E_CLOSED);
    CHECK_STATUS(rask_retry(c), RASK_E_CLOSED);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, d, c, hold)));
}

/* Inputs that nobody else wants: those of a future that could be retried run, the others do not. */
static void inputs_that_are_pending(void) {
    for (int held = 0; held < 2; held++) {
        gate *g = gate_new();
        atomic_int runs = 0;
        machine m = {.broken = BROKEN};
        rask_future bad = submit_work(client, &m, 1);
        CHECK_FAILS(bad, RASK_E_TASK);
        rask_future holder = submit_held(client, g, 0);
        GATE_REACHED(g, 1);
        rask_future x = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)));
        rask_future f = rask_submit(client, add, RASK_ARGS(bad, rask_take(x)));
        CHECK_FAILS(f, RASK_E_TASK);
        if (!held)
            CHECK_OK(rask_release(f));
        gate_open(g);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(atomic_load(&runs), held);
        if (held) {
            machine_repair(&m);
            CHECK_OK(rask_retry(f));
            CHECK_I64(f, 2);
            CHECK_EQ(atomic_load(&runs), 1);
            CHECK_OK(rask_release(f));
        }
        CHECK_OK(rask_release_all(RASK_FUTURES(bad, holder)));
        EVENTUALLY(stats_of(client).live_futures == 0);
    }
}

/* The same of a task that is told of the failure while another input is still to come. */
static void inputs_that_are_pending_when_the_failure_comes(void) {
    gate *g = gate_new(), *h = gate_new();
    atomic_int runs = 0;
    rask_future bad = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 1, "no"));
    GATE_REACHED(g, 1);
    rask_future holder = submit_held(client, h, 0);
    rask_future x = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), holder));
    rask_future f = rask_submit(client, add, RASK_ARGS(rask_take(bad), rask_take(x)));
    gate_open(g);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_release(f));
    gate_open(h);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_OK(rask_release(holder));
    EVENTUALLY(stats_of(client).live_futures == 0);
}

/* ---- what cannot be retried ---- */

static void what_has_not_failed(void) {
    gate *g = gate_new();
    rask_future running = submit_held(client, g, 1), pending = submit_inc(running),
                finished = rask_scatter(client, rask_i64(1));
    GATE_REACHED(g, 1);
    CHECK_STATUS(rask_retry(running), RASK_E_STATE);
    CHECK_STATUS(rask_retry(pending), RASK_E_STATE);
    CHECK_STATUS(rask_retry(finished), RASK_E_STATE);
    gate_open(g);
    CHECK_I64(pending, 2);
    CHECK_STATUS(rask_retry(pending), RASK_E_STATE);
    CHECK_OK(rask_release_all(RASK_FUTURES(running, pending, finished)));
}

static void a_submit_that_was_wrong(void) {
    rask_future stale = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(stale, 2);
    CHECK_OK(rask_release(stale));
    machine m = {.broken = BROKEN};
    probe p = {0};
    rask_future bad = submit_work(client, &m, 1);
    CHECK_FAILS(bad, RASK_E_TASK);
    rask_arg list[] = {rask_of(bad), rask_of(stale)};
    rask_future wrong[] = {
        rask_submit(client, NULL, RASK_ARGS(1)),
        rask_submit(client, inc, RASK_ARGS(bad, stale)),
        rask_submit(client, inc, RASK_ARGS(rask_list(list, 2))),
        rask_submit(client, inc, RASK_ARGS(rask_str(NULL))),
        rask_submit(client, NULL, RASK_ARGS(bad)),
        rask_scatter(client, rask_of(bad)),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_EQ(rask_future_state(wrong[i]), RASK_ERROR);
        CHECK_STATUS(rask_retry(wrong[i]), RASK_E_STATE);
        CHECK_STR_CONTAINS(rask_last_error(), "cannot be run again");
        rask_future d =
            rask_submit(client, inc, RASK_ARGS(wrong[i], bad, rask_object(&p, &probe_type), wrong[i]));
        CHECK_EQ(destroyed(&p), (int)i + 1); /* for nothing could it be kept */
        rask_future after = submit_inc(d);
        CHECK_EQ(rask_future_state(d), RASK_ERROR);
        CHECK_STATUS(rask_retry(d), RASK_E_STATE);
        CHECK_STATUS(rask_retry(after), RASK_E_STATE);
        CHECK_OK(rask_release_all(RASK_FUTURES(wrong[i], d)));
        CHECK_STATUS(rask_retry(after), RASK_E_STATE);
        CHECK_OK(rask_release(after));
    }
    CHECK_EQ(machine_runs(&m), 1);
    CHECK_OK(rask_release(bad));
}

static void a_handle_that_is_none(void) {
    rask_future f = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(f));
    CHECK_STATUS(rask_retry(f), RASK_E_HANDLE);
    CHECK_STATUS(rask_retry((rask_future){0}), RASK_E_HANDLE);
    CHECK_STATUS(rask_retry((rask_future){client.id}), RASK_E_HANDLE);
    CHECK_STATUS(rask_retry((rask_future){~0ull}), RASK_E_HANDLE);
    CHECK_STATUS(rask_retry((rask_future){12345}), RASK_E_HANDLE);
}

static void a_client_that_is_closed(void) {
    machine m = {.broken = BROKEN};
    rask_client other = open_workers(2);
    gate *g = gate_new();
    rask_future f = submit_work(other, &m, 1), r = submit_held(other, g, 1),
                d = rask_submit(other, inc, RASK_ARGS(r));
    CHECK_FAILS(f, RASK_E_TASK);
    GATE_REACHED(g, 1);
    pthread_t thread = start_thread(open_soon, g);
    CHECK_OK(rask_client_close(other));
    join_thread(thread);
    CHECK_STATUS(rask_retry(f), RASK_E_CLOSED);
    CHECK_STATUS(rask_retry(d), RASK_E_CLOSED);
    CHECK_STATUS(rask_retry(r), RASK_E_CLOSED);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, r, d)));
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

    RUN_WITH(1, what_was_cancelled_before_it_ran);
    RUN_WITH(2, what_was_cancelled_while_it_waited);
    RUN_WITH(2, cancelled_and_then_its_input_failed);

    RUN_WITH(2, a_late_result_is_not_taken);
    RUN_WITH(2, and_cancelled_and_retried_once_more);
    RUN_WITH(2, and_cancelled_for_good);
    RUN_WITH(2, and_released_before_it_could_run);
    RUN(and_its_client_is_closed);
    RUN_WITH(2, a_late_failure_is_not_taken);
    RUN_WITH(2, a_late_future_is_not_taken);
    RUN_WITH(2, from_inside_the_task_itself);

    RUN_WITH(2, a_returned_future_that_failed);
    RUN_WITH(2, cancelled_while_it_waits_for_a_returned_future);
    RUN_WITH(2, a_long_recursion_that_failed);

    RUN_WITH(2, the_recipe_lives_as_long_as_a_handle);
    RUN_WITH(2, or_as_a_dependent);
    RUN_WITH(2, and_no_longer_than_it_takes);
    RUN(and_no_longer_than_the_client);
    RUN_WITH(1, inputs_that_are_pending);
    RUN_WITH(2, inputs_that_are_pending_when_the_failure_comes);

    RUN_WITH(2, what_has_not_failed);
    RUN_WITH(2, a_submit_that_was_wrong);
    RUN_WITH(1, a_handle_that_is_none);
    RUN(a_client_that_is_closed);

    RUN_WITH(1, from_inside_a_task);
    RUN_WITH(4, from_inside_a_task);
    RUN_WITH(2, from_a_destructor);
    RUN_WITH(2, waits_are_for_the_new_end);

    RUN_WITH(2, a_deep_graph);
    RUN_WITH(2, a_wide_graph);
    return 0;
}
