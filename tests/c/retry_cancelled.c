/* rask_retry of what was cancelled, before it ran or while it runs. */
#include "machine.h"

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
        opener opens = {&s.first, f};
        pthread_t thread = start_thread(open_when_cancelled, &opens);
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

int main(void) {
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
    return 0;
}
