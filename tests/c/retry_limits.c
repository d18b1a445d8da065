/* For how long rask_retry is possible, and of what it is not. */
#include "machine.h"

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

int main(void) {
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
    return 0;
}
