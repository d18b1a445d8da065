/* Graphs that are cancelled, released or closed at each of their steps, and what a worker still
 * has of them. */
#include "diamond.h"

/* ---- cancel, release, close ---- */

static void cancelled_before_it_begins(void) {
    gate *g = gate_new();
    rask_future blocker = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    diamond *d = diamond_new(NULL, NULL, NULL, NULL);
    rask_future f = rask_compute(client, d->whole), gone = rask_compute(client, d->whole);
    CHECK_OK(rask_cancel(f, "not now"));
    CHECK_OK(rask_release(gone));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_RUNS(d, 0, 0, 0, 0);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 5);
    CHECK_RUNS(d, 1, 1, 1, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, blocker)));
    diamond_free(d);
}

/* Cancelled at each of its steps: the one that runs sees it, what comes after does not begin; a retry goes on
 * from there. */
static void cancelled_at_each_step(void) {
    for (int at = 0; at < 4; at++) {
        for (int early = 0; early < 2; early++) {
            gate *g = gate_new();
            diamond *d =
                diamond_new(at == 0 ? g : NULL, at == 1 ? g : NULL, at == 2 ? g : NULL, at == 3 ? g : NULL);
            plan *plans[] = {&d->a, &d->b, &d->c, &d->d};
            rask_future f = rask_compute(client, d->whole);
            GATE_REACHED(g, 1);
            CHECK_OK(rask_cancel(f, "enough"));
            CHECK_FAILS(f, RASK_E_CANCELLED);
            CHECK_STATUS(rask_cancel(f, "twice"), RASK_E_STATE);
            if (early)
                CHECK_OK(rask_retry(f));
            gate_open(g);
            if (!early) {
                CHECK_OK(rask_client_wait(client, LONG_NS));
                CHECK_EQ(runs(plans[at]), 1);
                CHECK_EQ(atomic_load(&plans[at]->sees_cancelled), 1);
                CHECK_EQ(runs(&d->d), at == 3);
                CHECK_OK(rask_retry(f));
            }
            CHECK_I64(f, 5);
            /* The last one's result is nobody's when it was cancelled before it returned. */
            CHECK_RUNS(d, 1, 1, 1, 1 + (at == 3));
            CHECK_OK(rask_release(f));
            diamond_free(d);
        }
    }
}

static void released_at_each_step(void) {
    for (int at = 0; at < 4; at++) {
        gate *g = gate_new();
        probe p = {0};
        diamond *d =
            diamond_new(at == 0 ? g : NULL, at == 1 ? g : NULL, at == 2 ? g : NULL, at == 3 ? g : NULL);
        plan *plans[] = {&d->a, &d->b, &d->c, &d->d};
        rask_delayed object = call(make_probe, RASK_ARGS(rask_pointer(&p))),
                     whole = call(pass_on, RASK_ARGS(d->whole, object));
        rask_future f = rask_compute(client, whole);
        GATE_REACHED(g, 1);
        CHECK_OK(rask_release(f));
        CHECK_STATUS(rask_release(f), RASK_E_HANDLE);
        gate_open(g);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(atomic_load(&plans[at]->sees_cancelled), 1);
        CHECK(destroyed(&p) <= 1);
        DROP_ALL(object, whole);
        diamond_free(d);
        EVENTUALLY(stats_of(client).live_futures == 0);
        EVENTUALLY(stats_of(client).nbytes == 0);
    }
}

static rask_future to_cancel;
static int retries_too;
static void cancel_when_destroyed(void *object) {
    atomic_fetch_add(&((probe *)object)->destroyed, 1);
    rask_cancel(to_cancel, "by a destructor");
    if (retries_too)
        rask_retry(to_cancel);
}
static const rask_type cancelling_type = {
    sizeof(rask_type), "cancelling", cancel_when_destroyed, NULL, NULL, NULL};
static void make_cancelling(rask_task *t) { rask_return_object(t, rask_arg_pointer(t, 0), &cancelling_type); }

/* The value is there, but the future is cancelled while the inputs are destroyed, and perhaps retried: the
 * value is kept for that. */
static void cancelled_by_the_destructor_of_an_input(void) {
    for (retries_too = 0; retries_too < 2; retries_too++) {
        probe p = {0};
        gate *g = gate_new();
        plan last = {0};
        rask_delayed start = call(held, RASK_ARGS(rask_pointer(g), 1)),
                     object = call(make_cancelling, RASK_ARGS(rask_pointer(&p), start)),
                     other = call(inc, RASK_ARGS(start)),
                     whole = call(planned, RASK_ARGS(rask_pointer(&last), other));
        rask_delayed end = call(pass_on, RASK_ARGS(whole, object));
        to_cancel = rask_compute(client, end);
        gate_open(g);
        EVENTUALLY(destroyed(&p) == 1);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        if (!retries_too) {
            CHECK_FAILS(to_cancel, RASK_E_CANCELLED);
            CHECK_OK(rask_retry(to_cancel));
        }
        CHECK_I64(to_cancel, 3);
        CHECK_EQ(destroyed(&p), 1);
        CHECK_EQ(runs(&last), 1);
        CHECK_OK(rask_release(to_cancel));
        DROP_ALL(start, object, other, whole, end);
    }
}

/* Cancels, and perhaps retries, while the last step ends. */
static void cancelled_as_it_ends(void) {
    diamond *d = diamond_new(NULL, NULL, NULL, NULL);
    size_t n = scaled(20000);
    uint64_t seed = 11;
    for (size_t i = 0; i < n; i++) {
        rask_future f = rask_compute(client, d->whole);
        for (uint64_t spin = random_next(&seed) % 2000; spin; spin--)
            atomic_thread_fence(memory_order_seq_cst);
        rask_status status = rask_cancel(f, "perhaps");
        CHECK(status == RASK_OK || status == RASK_E_STATE);
        if (status == RASK_OK && i % 2)
            CHECK_OK(rask_retry(f));
        else if (status == RASK_OK) {
            CHECK_FAILS(f, RASK_E_CANCELLED);
            if (i % 4)
                CHECK_OK(rask_retry(f));
        }
        if (rask_future_state(f) != RASK_CANCELLED)
            CHECK_I64(f, 5);
        CHECK_OK(rask_release(f));
    }
    diamond_free(d);
}

static void wait_for_pointed(rask_task *t) {
    rask_future *f = rask_arg_pointer(t, 0);
    const rask_value *value;
    rask_status status = rask_result(*f, RASK_FOREVER, &value);
    CHECK(status == RASK_OK || status == RASK_E_CANCELLED);
    rask_return_i64(t, 1);
}
/* (before it begins, at a step, at the last one, with a step that waits, with one that has returned a future,
 * failed, retried) */
static void closed_in_every_state(void) {
    for (int state = 0; state < 7; state++) {
        for (uint32_t workers = 1; workers <= 2; workers++) {
            rask_client mine = client;
            client = open_workers(workers);
            gate *g = gate_new(), *blocks = gate_new();
            probe p = {0};
            rask_future blocker = {0}, pending = {0};
            diamond *d = diamond_new(NULL, state == 1 || state >= 5 ? g : NULL, NULL, state == 2 ? g : NULL);
            rask_delayed object = call(make_probe, RASK_ARGS(rask_pointer(&p))), extra = object;
            if (state == 0) {
                blocker = submit_held(client, g, 1);
                GATE_REACHED(g, 1);
            }
            if (state == 3 || state == 4) {
                blocker = submit_held(client, blocks, 1);
                GATE_REACHED(blocks, 1);
                pending = rask_submit(client, inc, RASK_ARGS(blocker));
                extra = call(state == 3 ? wait_for_pointed : return_pointed,
                             RASK_ARGS(rask_pointer(&pending), object));
            }
            if (state >= 5)
                extra = call(fail, RASK_ARGS(1, "early", object));
            rask_delayed whole = call(pass_on, RASK_ARGS(d->whole, extra));
            rask_future f = rask_compute(client, whole);
            if (state == 1 || state == 2)
                GATE_REACHED(g, 1);
            if ((state == 3 || state == 4) && workers == 2)
                EVENTUALLY(runs(&d->d) == 1);
            pthread_t opener = start_thread(open_soon, state == 3 || state == 4 ? blocks : g);
            if (state >= 5) {
                CHECK_FAILS(f, RASK_E_TASK);
                if (state == 6)
                    CHECK_OK(rask_retry(f));
            }
            CHECK_OK(rask_client_close(client));
            CHECK_STATUS(rask_retry(f), RASK_E_CLOSED);
            rask_state ended = rask_future_state(f);
            CHECK(ended == RASK_CANCELLED || ended == RASK_FINISHED || (state >= 5 && ended == RASK_ERROR));
            join_thread(opener);
            CHECK_OK(rask_release_all(RASK_FUTURES(f, blocker, pending)));
            if (extra.id != object.id)
                drop(extra);
            DROP_ALL(object, whole, d->whole);
            CHECK(destroyed(&p) <= 1);
            free(d);
            client = mine;
        }
    }
}

/* ---- purses: what a worker holds of a graph in bulk ---- */

static rask_delayed inner;
static rask_future inner_future;
static void compute_inner(rask_task *t) {
    inner_future = rask_compute(rask_task_client(t), inner);
    rask_return_i64(t, 1);
}
static void make_inner(probe *p) {
    rask_delayed a = call(inc, RASK_ARGS(0)), b = call(add, RASK_ARGS(a, 1)), c = call(add, RASK_ARGS(a, 2));
    inner = call(pass_on, RASK_ARGS(b, c, rask_object(p, &probe_type)));
    DROP_ALL(a, b, c);
}

/* The only worker runs a whole graph between two steps of another: what it has of that one it gives back
 * before the second. */
static void a_worker_that_turns_to_another_graph(void) {
    gate *g = gate_new();
    probe p = {0};
    make_inner(&p);
    rask_delayed start = call(inc, RASK_ARGS(0)), first = call(compute_inner, RASK_ARGS(start)),
                 second = call(held, RASK_ARGS(rask_pointer(g), 1, start)),
                 whole = call(add, RASK_ARGS(first, second));
    rask_future f = rask_compute(client, whole);
    GATE_REACHED(g, 1);
    CHECK_I64(inner_future, 2);
    CHECK_OK(rask_release(inner_future));
    drop(inner);
    EVENTUALLY(destroyed(&p) == 1);
    gate_open(g);
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    DROP_ALL(start, first, second, whole);
}

static void wait_for_inner_then_gate(rask_task *t) {
    inner_future = rask_compute(rask_task_client(t), inner);
    CHECK_I64(inner_future, 2);
    gate_pass(rask_arg_pointer(t, 0));
}

/* The graph has been run with the slot of a task that waited for it, and now has the slot back. */
static void a_slot_that_is_handed_back(void) {
    gate *g = gate_new();
    probe p = {0};
    make_inner(&p);
    rask_future f = rask_submit(client, wait_for_inner_then_gate, RASK_ARGS(rask_pointer(g)));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_release(inner_future));
    drop(inner);
    EVENTUALLY(destroyed(&p) == 1);
    gate_open(g);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release(f));
}

int main(void) {
    RUN_WITH(1, cancelled_before_it_begins);
    RUN_WITH(1, cancelled_at_each_step);
    RUN_WITH(2, cancelled_at_each_step);
    RUN_WITH(1, released_at_each_step);
    RUN_WITH(2, released_at_each_step);
    RUN_WITH(1, cancelled_by_the_destructor_of_an_input);
    RUN_WITH(2, cancelled_by_the_destructor_of_an_input);
    RUN_WITH(1, cancelled_as_it_ends);
    RUN_WITH(2, cancelled_as_it_ends);
    RUN_WITH(1, closed_in_every_state);
    RUN_WITH(1, a_worker_that_turns_to_another_graph);
    RUN_WITH(1, a_slot_that_is_handed_back);
    return 0;
}
