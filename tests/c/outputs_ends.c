/* Outputs of one graph that are cancelled, released or closed while it runs: each by itself. */
#include "forked.h"

/* (before it begins, at what both need, at what only it needs); a retry goes on from there. */
static void one_ends_early(void) {
    for (int at = stats_of(client).n_workers > 1; at < 3; at++) {
        for (int released = 0; released < 2; released++) {
            gate *g = gate_new();
            forked *k = forked_new(at == 1 ? g : NULL, at == 2 ? g : NULL, NULL);
            rask_future f[2], blocker = {0};
            if (at == 0) {
                blocker = submit_held(client, g, 1);
                GATE_REACHED(g, 1);
            }
            COMPUTE(k, f);
            if (at > 0)
                GATE_REACHED(g, 1);
            else
                CHECK_EQ(rask_future_state(f[LEFT]), RASK_PENDING);
            if (released)
                CHECK_OK(rask_release(f[LEFT]));
            else
                CHECK_OK(rask_cancel(f[LEFT], "enough"));
            CHECK_EQ(rask_future_state(f[RIGHT]) == RASK_CANCELLED, false);
            gate_open(g);
            CHECK_I64(f[RIGHT], 17);
            CHECK_OK(rask_client_wait(client, LONG_NS));
            /* What somebody needs does not see it. */
            CHECK_EQ(atomic_load(&k->common.sees_cancelled), 0);
            CHECK_EQ(atomic_load(&k->left1.sees_cancelled), at == 2);
            CHECK_RUNS(k, 1, at == 2, 0, 1, 1);
            if (!released) {
                CHECK_FAILS(f[LEFT], RASK_E_CANCELLED);
                CHECK_STR_EQ(ERROR_OF(f[LEFT]).message, "enough");
                CHECK_OK(rask_retry(f[LEFT]));
                CHECK_I64(f[LEFT], 17);
                CHECK_RUNS(k, 1, 1, 1, 1, 1);
                CHECK_OK(rask_release(f[LEFT]));
            }
            CHECK_OK(rask_release_all(RASK_FUTURES(f[RIGHT], blocker)));
            forked_free(k);
        }
    }
}

/* Not when the others are through, as a graph with one output has to be. */
static void a_retry_while_others_run(void) {
    gate *g = gate_new();
    forked *k = forked_new(NULL, NULL, g);
    rask_future f[2];
    atomic_store(&k->left.fails, true);
    COMPUTE(k, f);
    GATE_REACHED(g, 1);
    CHECK_FAILS(f[LEFT], RASK_E_TASK);
    atomic_store(&k->left.fails, false);
    CHECK_OK(rask_retry(f[LEFT]));
    CHECK_I64(f[LEFT], 17);
    CHECK_EQ(rask_future_state(f[RIGHT]), RASK_RUNNING);
    gate_open(g);
    CHECK_I64(f[RIGHT], 17);
    CHECK_RUNS(k, 1, 1, 2, 1, 1);
    CHECK_OK(rask_release_all(f, 2));
    forked_free(k);
}

static void all_end_early(void) {
    for (int released = 0; released < 2; released++) {
        gate *g = gate_new();
        forked *k = forked_new(g, NULL, NULL);
        rask_future f[2];
        COMPUTE(k, f);
        GATE_REACHED(g, 1);
        for (int side = 0; side < 2; side++)
            CHECK_OK(released ? rask_release(f[side]) : rask_cancel(f[side], "enough"));
        CHECK_STATUS(rask_client_wait(client, 0), RASK_E_TIMEOUT);
        gate_open(g);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(atomic_load(&k->common.sees_cancelled), 1);
        CHECK_RUNS(k, 1, 0, 0, 0, 0);
        for (int side = 0; side < 2 && !released; side++) {
            CHECK_OK(rask_retry(f[side]));
            CHECK_I64(f[side], 17);
            CHECK_EQ(runs(&k->right), side == RIGHT);
        }
        if (!released) {
            CHECK_RUNS(k, 1, 1, 1, 1, 1);
            CHECK_OK(rask_release_all(f, 2));
        }
        forked_free(k);
    }
}

/* Released, it is made for the other's sake; cancelled, the other is cancelled with it, as
 * any dependent is. */
static void one_that_another_takes_ends_early(void) {
    for (int released = 0; released < 2; released++) {
        gate *g = gate_new(), *late = gate_new();
        probe p = {0};
        rask_delayed first = line(30), start = call(held, RASK_ARGS(rask_pointer(g), 1, first)),
                     object = call(make_probe, RASK_ARGS(rask_pointer(&p), start)),
                     reads = call(pass_on, RASK_ARGS(first, object)), other = call(inc, RASK_ARGS(reads)),
                     last = call(held, RASK_ARGS(rask_pointer(late), 2, start)),
                     all[] = {object, other, last};
        rask_future f[3];
        CHECK_OK(rask_compute_all(client, all, 3, f));
        GATE_REACHED(g, 1);
        CHECK_OK(released ? rask_release(f[0]) : rask_cancel(f[0], "enough"));
        if (!released) {
            CHECK_FAILS(f[0], RASK_E_CANCELLED);
            CHECK_FAILS(f[1], RASK_E_CANCELLED);
            CHECK_STR_EQ(ERROR_OF(f[1]).message, "enough");
            CHECK_STR_EQ(ERROR_OF(f[1]).origin, rask_future_key(f[0]));
        }
        gate_open(g);
        GATE_REACHED(late, 1);
        if (!released) {
            CHECK_EQ(destroyed(&p), 0);
            CHECK_OK(rask_retry(f[1]));
            gate_open(late); /* the only worker's, perhaps */
            const rask_value *value;
            CHECK_OK(rask_result(f[0], LONG_NS, &value));
            CHECK_EQ(rask_value_kind(value), RASK_OBJECT);
        }
        gate_open(late);
        CHECK_I64(f[1], 31);
        CHECK_I64(f[2], 2);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(destroyed(&p), released);
        CHECK_OK(rask_release_all(f + released, (size_t)(3 - released)));
        CHECK_EQ(destroyed(&p), 1);
        DROP_ALL(first, start, object, reads, other, last);
    }
}

/* (before it begins, at what both need, at what one needs, when one has failed, has failed and is retried, is
 * cancelled, is released) */
static void closed_in_every_state(void) {
    for (int state = 0; state < 7; state++) {
        for (uint32_t workers = 1; workers <= 2; workers++) {
            rask_client mine = client;
            client = open_workers(workers);
            gate *g = gate_new();
            forked *k = forked_new(state == 1 ? g : NULL, state == 2 ? g : NULL, NULL);
            rask_future f[2], blocker = {0};
            if (state == 0) {
                blocker = submit_held(client, g, 1);
                GATE_REACHED(g, 1);
            }
            atomic_store(&k->left.fails, state == 3 || state == 4);
            COMPUTE(k, f);
            if (state == 1 || state == 2)
                GATE_REACHED(g, 1);
            if (state == 3 || state == 4)
                CHECK_FAILS(f[LEFT], RASK_E_TASK);
            if (state == 4)
                CHECK_OK(rask_retry(f[LEFT]));
            if (state == 5 && rask_cancel(f[LEFT], "enough") == RASK_OK)
                CHECK_FAILS(f[LEFT], RASK_E_CANCELLED);
            if (state == 6) {
                CHECK_OK(rask_release(f[LEFT]));
                f[LEFT] = (rask_future){0};
            }
            pthread_t opener = start_thread(open_soon, g);
            CHECK_OK(rask_client_close(client));
            for (int side = state == 6; side < 2; side++) {
                CHECK_STATUS(rask_retry(f[side]), RASK_E_CLOSED);
                rask_state ended = rask_future_state(f[side]);
                CHECK(ended == RASK_CANCELLED || ended == RASK_FINISHED || ended == RASK_ERROR);
            }
            join_thread(opener);
            CHECK_OK(rask_release_all(RASK_FUTURES(f[0], f[1], blocker)));
            DROP_ALL(k->middle, k->outputs[LEFT], k->outputs[RIGHT]);
            free(k);
            client = mine;
        }
    }
}

/* (outputs' futures, gate, graph): computes it behind a task that comes first, and waits for one of them. */
static void compute_behind_and_wait(rask_task *t) {
    rask_future *f = rask_arg_pointer(t, 0);
    forked *k = rask_arg_pointer(t, 2);
    rask_submit_options first = RASK_SUBMIT_OPTIONS_INIT;
    first.priority = 1;
    CHECK_OK(rask_compute_all(rask_task_client(t), k->outputs, 2, f));
    rask_future blocker =
        rask_submit_with(rask_task_client(t), held, RASK_ARGS(rask_arg_pointer(t, 1), 1), &first);
    int64_t result = 0;
    rask_return_i64(t, rask_result_i64(f[LEFT], &result));
    CHECK_OK(rask_release(blocker));
}
/* Who waits has claimed an output, and what computes it has not begun. */
static void closed_when_only_an_output_has_begun(void) {
    rask_client mine = client;
    client = open_workers(1);
    gate *g = gate_new();
    forked *k = forked_new(NULL, NULL, NULL);
    rask_future f[2] = {{0}, {0}},
                waits = rask_submit(client, compute_behind_and_wait,
                                    RASK_ARGS(rask_pointer(f), rask_pointer(g), rask_pointer(k)));
    GATE_REACHED(g, 1);
    CHECK_EQ(rask_future_state(f[LEFT]), RASK_RUNNING);
    CHECK_EQ(rask_future_state(f[RIGHT]), RASK_PENDING);
    opener opens = {g, f[RIGHT]};
    pthread_t thread = start_thread(open_when_cancelled, &opens);
    CHECK_OK(rask_client_close(client));
    join_thread(thread);
    CHECK_FAILS(f[LEFT], RASK_E_CANCELLED);
    CHECK_FAILS(f[RIGHT], RASK_E_CANCELLED);
    CHECK_RUNS(k, 0, 0, 0, 0, 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(waits, f[LEFT], f[RIGHT])));
    DROP_ALL(k->middle, k->outputs[LEFT], k->outputs[RIGHT]);
    free(k);
    client = mine;
}

/* Before anything has begun, too, those that take an output end with it, and are retried with it. */
static void one_that_another_takes_is_cancelled_before_it_begins(void) {
    gate *g = gate_new();
    forked *k = forked_new(NULL, NULL, NULL);
    rask_future blocker = submit_held(client, g, 1), f[3];
    GATE_REACHED(g, 1);
    rask_delayed last = call(inc, RASK_ARGS(k->outputs[LEFT])), all[] = {last, k->outputs[LEFT]};
    CHECK_OK(rask_compute_all(client, all, 2, f));
    CHECK_OK(rask_cancel(f[1], "enough"));
    CHECK_EQ(rask_future_state(f[0]), RASK_CANCELLED);
    CHECK_OK(rask_retry(f[1]));
    CHECK_EQ(rask_future_state(f[0]), RASK_PENDING);
    gate_open(g);
    CHECK_I64(f[0], 18);
    CHECK_I64(f[1], 17);
    CHECK_RUNS(k, 1, 1, 1, 0, 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(blocker, f[0], f[1])));
    drop(last);
    forked_free(k);
}

int main(void) {
    RUN_WITH(1, one_ends_early);
    RUN_WITH(2, one_ends_early);
    RUN_WITH(2, a_retry_while_others_run);
    RUN_WITH(1, all_end_early);
    RUN_WITH(2, all_end_early);
    RUN_WITH(1, one_that_another_takes_ends_early);
    RUN_WITH(2, one_that_another_takes_ends_early);
    RUN_WITH(1, closed_in_every_state);
    RUN_WITH(1, closed_when_only_an_output_has_begun);
    RUN_WITH(1, one_that_another_takes_is_cancelled_before_it_begins);
    return 0;
}
