/* Steps of a graph that return a future, circles of such, and long lines. */
#include "diamond.h"

/* ---- steps that return a future ---- */

/* (number): that of a task which adds one. */
static void return_inc(rask_task *t) {
    rask_return_future(t, rask_submit(rask_task_client(t), inc, RASK_ARGS(rask_arg_i64(t, 0))));
}
/* A graph around a step: 1 before it, and what it gives twice after it. */
static rask_delayed around(rask_task_fn fn, void *pointer) {
    rask_delayed one = call(inc, RASK_ARGS(0)),
                 step = pointer ? call_named("asks", fn, RASK_ARGS(rask_pointer(pointer), one))
                                : call_named("asks", fn, RASK_ARGS(one)),
                 twice = call(add, RASK_ARGS(step, step)), whole = call(add, RASK_ARGS(twice, one));
    DROP_ALL(one, step, twice);
    return whole;
}

static void a_returned_future(void) {
    rask_delayed d = around(return_inc, NULL);
    for (int i = 0; i < 50; i++)
        COMPUTES(d, 5);
    drop(d);
}

static void a_returned_future_that_is_done(void) {
    rask_future done = rask_scatter(client, rask_i64(4)),
                bad = rask_submit(client, fail, RASK_ARGS(4, "bad"));
    CHECK_FAILS(bad, RASK_E_TASK);
    rask_delayed d = around(return_pointed, &done), e = around(return_pointed, &bad);
    COMPUTES(d, 9);
    COMPUTE_FAILS(e, RASK_E_TASK, "bad");
    CHECK_OK(rask_release_all(RASK_FUTURES(done, bad)));
    DROP_ALL(d, e);
}

static void a_returned_future_that_is_late(void) {
    gate *g = gate_new();
    rask_future first = submit_held(client, g, 3), late = rask_submit(client, inc, RASK_ARGS(first));
    GATE_REACHED(g, 1);
    rask_delayed d = around(return_pointed, &late);
    rask_future f = rask_compute(client, d), other = rask_submit(client, inc, RASK_ARGS(1));
    /* No worker waits for it. */
    CHECK_I64(other, 2);
    EVENTUALLY(rask_future_state(f) == RASK_RUNNING);
    gate_open(g);
    CHECK_I64(f, 9);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, other, first, late)));
    drop(d);
}

static void return_far_failure(rask_task *t) {
    rask_return_future(t, submit_named(rask_task_client(t), "far", fail, RASK_ARGS(9, "away")));
}
static void return_nothing(rask_task *t) { rask_return_future(t, (rask_future){0}); }
static rask_client elsewhere;
static void return_foreign(rask_task *t) { rask_return_future(t, rask_submit(elsewhere, inc, RASK_ARGS(1))); }

static void wrong_returned_futures(void) {
    elsewhere = open_workers(1);
    rask_delayed d = around(return_far_failure, NULL), e = around(return_nothing, NULL),
                 foreign = around(return_foreign, NULL);
    rask_future far = rask_compute(client, d);
    CHECK_FAILS(far, RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(far).origin, "far-");
    CHECK_OK(rask_release(far));
    COMPUTE_FAILS(e, RASK_E_HANDLE, "null");
    COMPUTE_FAILS(foreign, RASK_E_HANDLE, "another client");
    DROP_ALL(d, e, foreign);
    CHECK_OK(rask_client_close(elsewhere));
}

static void a_retry_asks_again(void) {
    diamond *d = diamond_new(NULL, NULL, NULL, NULL);
    rask_delayed asks = call(return_far_failure, RASK_ARGS(d->whole)),
                 whole = call(add, RASK_ARGS(asks, d->whole));
    rask_future f = rask_compute(client, whole);
    for (int i = 0; i < 5; i++) {
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_OK(rask_retry(f));
    }
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_RUNS(d, 1, 1, 1, 1);
    CHECK_OK(rask_release(f));
    DROP_ALL(asks, whole);
    diamond_free(d);
}

/* What a graph waits for is not wanted any more than the graph is. */
static void a_returned_future_ends_with_the_graph(void) {
    for (int how = 0; how < 4; how++) {
        atomic_int asked = 0;
        gate *g = gate_new();
        rask_delayed d = around(return_until_cancelled, &asked),
                     bad = call(held_fail, RASK_ARGS(rask_pointer(g), 5, "bad")),
                     whole = call(add, RASK_ARGS(d, bad));
        rask_future f = rask_compute(client, whole);
        EVENTUALLY(atomic_load(&asked) == 1);
        sleep_us(how % 2 ? 1000 : 0);
        if (how == 0)
            CHECK_OK(rask_cancel(f, "enough"));
        if (how == 1)
            CHECK_OK(rask_release(f));
        gate_open(g);
        if (how == 3) { /* cancelled by a retry's next run */
            CHECK_FAILS(f, RASK_E_TASK);
            CHECK_OK(rask_retry(f));
            CHECK_FAILS(f, RASK_E_TASK);
        }
        CHECK_OK(rask_client_wait(client, LONG_NS));
        if (how != 1) {
            CHECK_FAILS(f, how == 0 ? RASK_E_CANCELLED : RASK_E_TASK);
            CHECK_OK(rask_release(f));
        }
        DROP_ALL(d, bad, whole);
    }
}

static void a_returned_future_is_released_once_it_is_read(void) {
    probe p = {0};
    rask_future object = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    rask_delayed asks = call(return_pointed, RASK_ARGS(rask_pointer(&object))), one = call(inc, RASK_ARGS(0));
    gate *g = gate_new();
    rask_delayed reads = call(pass_on, RASK_ARGS(one, asks)),
                 last = call(held, RASK_ARGS(rask_pointer(g), 3, reads));
    rask_future f = rask_compute(client, last);
    GATE_REACHED(g, 1);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(object));
    CHECK_EQ(destroyed(&p), 1);
    gate_open(g);
    CHECK_I64(f, 3);
    CHECK_OK(rask_release(f));
    DROP_ALL(asks, one, reads, last);
}

/* The returned future fails, and is retried at that moment. */
static void a_returned_future_is_retried(void) {
    size_t n = scaled(3000);
    for (size_t i = 0; i < n; i++) {
        plan fails = {.fails = true};
        rask_future bad = rask_submit(client, planned, RASK_ARGS(rask_pointer(&fails)));
        rask_delayed d = around(return_pointed, &bad);
        rask_future f = rask_compute(client, d);
        while (rask_future_state(bad) != RASK_ERROR)
            sched_yield();
        atomic_store(&fails.fails, false);
        CHECK_OK(rask_retry(bad));
        CHECK_I64(bad, 1);
        const rask_value *value;
        if (rask_result(f, LONG_NS, &value) != RASK_OK && rask_retry(f) == RASK_OK)
            CHECK_I64(f, 3);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_OK(rask_release_all(RASK_FUTURES(f, bad)));
        drop(d);
    }
}

/* ---- circles ---- */

static void return_pointed_at_gate(rask_task *t) {
    void **both = rask_arg_pointer(t, 0);
    gate_pass(both[0]);
    rask_return_future(t, rask_clone(*(rask_future *)both[1]));
}

static void a_step_that_returns_its_own_future(void) {
    gate *g = gate_new();
    rask_future f, above;
    void *both[] = {g, &f}, *further[] = {g, &above};
    rask_delayed d = around(return_pointed_at_gate, both), e = around(return_pointed_at_gate, further);
    f = rask_compute(client, d);
    rask_future other = rask_compute(client, e);
    above = rask_submit(client, inc, RASK_ARGS(other));
    gate_open(g);
    CHECK_FAILS(f, RASK_E_DEADLOCK);
    CHECK_STR_CONTAINS(ERROR_OF(f).origin, "asks-");
    CHECK_FAILS(above, RASK_E_DEADLOCK);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, above, other)));
    DROP_ALL(d, e);
}

static void graphs_that_return_each_other(void) {
    gate *g = gate_new();
    rask_future f[3];
    void *both[3][2] = {{g, &f[1]}, {g, &f[2]}, {g, &f[0]}};
    rask_delayed d[3];
    for (int i = 0; i < 3; i++) {
        d[i] = around(return_pointed_at_gate, both[i]);
        f[i] = rask_compute(client, d[i]);
    }
    gate_open(g);
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(f[i], RASK_E_DEADLOCK);
    CHECK_OK(rask_release_all(f, 3));
    DROP_ALL(d[0], d[1], d[2]);
}

static rask_future own;
static void wait_for_own(rask_task *t) {
    gate_pass(rask_arg_pointer(t, 0));
    const rask_value *value;
    rask_return_i64(t, rask_result(own, RASK_FOREVER, &value));
}

static void a_step_that_waits_for_its_own_future(void) {
    gate *g = gate_new();
    rask_delayed d = around(wait_for_own, g);
    own = rask_compute(client, d);
    gate_open(g);
    CHECK_I64(own, 2 * RASK_E_DEADLOCK + 1);
    CHECK_OK(rask_release(own));
    drop(d);
}

/* (gate, future): says that it is about to wait, and does; the status. */
static void say_and_wait(rask_task *t) {
    gate *g = rask_arg_pointer(t, 0);
    atomic_fetch_add(&g->entered, 1);
    const rask_value *value;
    rask_return_i64(t, rask_result(*(rask_future *)rask_arg_pointer(t, 1), RASK_FOREVER, &value));
}

/* Two steps wait; it is the second that what it waits for waits for. */
static void a_circle_through_the_second_step_that_waits(void) {
    for (int order = 0; order < 2; order++) {
        gate *first = gate_new(), *second = gate_new(), *about = gate_new();
        rask_future x = submit_held(client, first, 0),
                    y = rask_submit(client, wait_for_own, RASK_ARGS(rask_pointer(second)));
        GATE_REACHED(first, 1);
        GATE_REACHED(second, 1);
        rask_delayed a = call(say_and_wait, RASK_ARGS(rask_pointer(about), rask_pointer(order ? &x : &y))),
                     b = call(say_and_wait, RASK_ARGS(rask_pointer(about), rask_pointer(order ? &y : &x))),
                     ab = call(add, RASK_ARGS(a, b)), whole = call(add, RASK_ARGS(ab, ab));
        own = rask_compute(client, whole);
        GATE_REACHED(about, 2);
        sleep_us(20000);
        gate_open(second);
        CHECK_I64(y, RASK_E_DEADLOCK);
        gate_open(first);
        CHECK_I64(own, 0);
        CHECK_OK(rask_release_all(RASK_FUTURES(own, x, y)));
        DROP_ALL(a, b, ab, whole);
    }
}

/* ---- a long line of graphs, each of which returns the next ---- */

static rask_delayed line;
static atomic_int line_left;
static rask_future line_end;
static void next_in_line(rask_task *t) {
    if (atomic_fetch_sub(&line_left, 1) > 1)
        rask_return_future(t, rask_compute(rask_task_client(t), line));
    else
        rask_return_future(t, rask_clone(line_end));
}
static rask_future begin_line(int n, rask_future end) {
    atomic_store(&line_left, n);
    line_end = end;
    rask_delayed one = call(inc, RASK_ARGS(0)), step = call(next_in_line, RASK_ARGS(one)),
                 same = call(pass_on, RASK_ARGS(step, one));
    line = call(pass_on, RASK_ARGS(same, step));
    DROP_ALL(one, step, same);
    return rask_compute(client, line);
}

static void a_long_line(void) {
    int n = (int)scaled(100000);
    for (int how = 0; how < 4; how++) {
        gate *g = gate_new();
        rask_future blocker = how == 1 ? rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 1, "end"))
                                       : submit_held(client, g, 0),
                    end = rask_submit(client, pass_on, RASK_ARGS(blocker)), f = begin_line(n, end);
        GATE_REACHED(g, 1);
        EVENTUALLY(atomic_load(&line_left) == 0);
        if (how == 2)
            CHECK_OK(rask_cancel(f, "enough"));
        if (how == 3)
            CHECK_OK(rask_release(f));
        gate_open(g);
        const rask_value *value;
        if (how < 3)
            CHECK_STATUS(rask_result(f, LONG_NS, &value), how == 0   ? RASK_OK
                                                          : how == 1 ? RASK_E_TASK
                                                                     : RASK_E_CANCELLED);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        if (how < 3)
            CHECK_OK(rask_release(f));
        CHECK_OK(rask_release_all(RASK_FUTURES(blocker, end)));
        drop(line);
    }
}

static void a_long_line_is_closed(void) {
    int n = (int)scaled(100000);
    rask_client mine = client;
    client = open_workers(2);
    gate *g = gate_new();
    rask_future blocker = submit_held(client, g, 0), end = rask_submit(client, pass_on, RASK_ARGS(blocker)),
                f = begin_line(n, end);
    GATE_REACHED(g, 1);
    EVENTUALLY(atomic_load(&line_left) == 0);
    opener opens = {g, f};
    pthread_t thread = start_thread(open_when_cancelled, &opens);
    CHECK_OK(rask_client_close(client));
    join_thread(thread);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, blocker, end)));
    drop(line);
    client = mine;
}

int main(void) {
    RUN_WITH(1, a_returned_future);
    RUN_WITH(2, a_returned_future);
    RUN_WITH(2, a_returned_future_that_is_done);
    RUN_WITH(2, a_returned_future_that_is_late);
    RUN_WITH(2, wrong_returned_futures);
    RUN_WITH(2, a_retry_asks_again);
    RUN_WITH(2, a_returned_future_ends_with_the_graph);
    RUN_WITH(2, a_returned_future_is_released_once_it_is_read);
    RUN_WITH(1, a_returned_future_is_retried);
    RUN_WITH(2, a_returned_future_is_retried);
    RUN_WITH(2, a_step_that_returns_its_own_future);
    RUN_WITH(3, graphs_that_return_each_other);
    RUN_WITH(2, a_step_that_waits_for_its_own_future);
    RUN_WITH(3, a_circle_through_the_second_step_that_waits);
    RUN_WITH(2, a_long_line);
    RUN_WITH(2, a_long_line_is_closed);
    return 0;
}
