/* Graphs with several outputs that are interpreted: what they have in common is computed once, and each
 * output is a future of its own. */
#include "forked.h"

/* ---- values ---- */

static void common_parts_run_once(void) {
    forked *k = forked_new(NULL, NULL, NULL);
    for (int i = 1; i <= 20; i++) {
        rask_future f[2];
        COMPUTE(k, f);
        CHECK_I64(f[LEFT], 17);
        CHECK_I64(f[RIGHT], 17);
        CHECK_RUNS(k, i, i, i, i, i);
        CHECK_OK(rask_release_all(f, 2));
    }
    forked_free(k);
}

static void an_output_is_done_while_others_run(void) {
    gate *g = gate_new();
    forked *k = forked_new(NULL, NULL, g);
    rask_future f[2];
    COMPUTE(k, f);
    rask_future above = rask_submit(client, inc, RASK_ARGS(f[LEFT]));
    GATE_REACHED(g, 1);
    CHECK_I64(above, 18);
    CHECK_I64(f[LEFT], 17);
    CHECK_EQ(rask_future_state(f[RIGHT]), RASK_RUNNING);
    gate_open(g);
    CHECK_I64(f[RIGHT], 17);
    CHECK_OK(rask_release_all(RASK_FUTURES(above, f[LEFT], f[RIGHT])));
    forked_free(k);
}

static void an_output_that_another_takes(void) {
    gate *g = gate_new();
    forked *k = forked_new(NULL, g, NULL);
    rask_delayed both[] = {k->outputs[LEFT], k->middle};
    rask_future f[2];
    CHECK_OK(rask_compute_all(client, both, 2, f));
    GATE_REACHED(g, 1);
    CHECK_I64(f[1], 15);
    gate_open(g);
    CHECK_I64(f[0], 17);
    CHECK_RUNS(k, 1, 1, 1, 0, 0);
    CHECK_OK(rask_release_all(f, 2));
    forked_free(k);
}

static void an_object_lives_as_long_as_its_output(void) {
    probe p = {0};
    rask_delayed first = line(20), object = call(make_probe, RASK_ARGS(rask_pointer(&p), first)),
                 reads = call(pass_on, RASK_ARGS(first, object)), both[] = {object, reads};
    rask_future f[2];
    CHECK_OK(rask_compute_all(client, both, 2, f));
    CHECK_I64(f[1], 20);
    const rask_value *value;
    CHECK_OK(rask_result(f[0], LONG_NS, &value));
    CHECK_EQ(rask_value_kind(value), RASK_OBJECT);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(f[0]));
    CHECK_EQ(destroyed(&p), 1);
    CHECK_OK(rask_release(f[1]));
    DROP_ALL(first, object, reads);
}

static void the_same_output_twice_and_one_that_is_none(void) {
    forked *k = forked_new(NULL, NULL, NULL);
    rask_delayed stale = call(inc, RASK_ARGS(1));
    drop(stale);
    rask_delayed asked[] = {k->outputs[LEFT], stale, k->outputs[RIGHT], k->outputs[LEFT], {0}};
    for (int i = 1; i <= 2; i++) {
        rask_future f[5];
        CHECK_OK(rask_compute_all(client, asked, 5, f));
        CHECK_I64(f[0], 17);
        CHECK_I64(f[2], 17);
        CHECK_I64(f[3], 17);
        CHECK_FAILS(f[1], RASK_E_HANDLE);
        CHECK_FAILS(f[4], RASK_E_HANDLE);
        CHECK(f[0].id != f[3].id);
        CHECK_STR_EQ(rask_future_key(f[0]), rask_future_key(f[3]));
        CHECK_RUNS(k, i, i, i, i, i);
        CHECK_OK(rask_release_all(f, 5));
    }
    forked_free(k);
}

static void tell_key(rask_task *t) { rask_return_str(t, rask_task_key(t)); }
static const char *text_of(rask_future f) {
    const void *data = NULL;
    size_t size = 0;
    CHECK_OK(rask_result_bytes(f, &data, &size));
    return data;
}

static void keys(void) {
    rask_delayed first = line(24), inner = call_named("inner", tell_key, RASK_ARGS(first)),
                 all[] = {call_named("x", tell_key, RASK_ARGS(first)),
                          call_named("y", fail, RASK_ARGS(3, "no", first)),
                          call_named("z", pass_on, RASK_ARGS(inner, inner))};
    rask_future f[3];
    CHECK_OK(rask_compute_all(client, all, 3, f));
    CHECK_STR_EQ(text_of(f[0]), rask_future_key(f[0]));
    CHECK_STR_CONTAINS(text_of(f[0]), "x-");
    CHECK(strchr(text_of(f[0]), '.') == NULL);
    CHECK_FAILS(f[1], RASK_E_TASK);
    CHECK_STR_EQ(ERROR_OF(f[1]).origin, rask_future_key(f[1]));
    CHECK_STR_CONTAINS(rask_future_key(f[1]), "y-");
    CHECK_STR_CONTAINS(text_of(f[2]), "inner-");
    CHECK(strchr(text_of(f[2]), '.') != NULL);
    CHECK_OK(rask_release_all(f, 3));
    DROP_ALL(first, inner, all[0], all[1], all[2]);
}

/* ---- failures ---- */

static void one_fails_and_the_other_goes_on(void) {
    forked *k = forked_new(NULL, NULL, NULL);
    rask_future f[2];
    atomic_store(&k->left1.fails, true);
    COMPUTE(k, f);
    CHECK_FAILS(f[LEFT], RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(f[LEFT]).origin, "left1-");
    CHECK_STR_CONTAINS(ERROR_OF(f[LEFT]).origin, ".");
    CHECK_I64(f[RIGHT], 17);
    CHECK_STATUS(rask_retry(f[RIGHT]), RASK_E_STATE);
    CHECK_OK(rask_retry(f[LEFT]));
    CHECK_FAILS(f[LEFT], RASK_E_TASK);
    atomic_store(&k->left1.fails, false);
    CHECK_OK(rask_retry(f[LEFT]));
    CHECK_I64(f[LEFT], 17);
    CHECK_RUNS(k, 1, 3, 1, 1, 1);
    CHECK_OK(rask_release_all(f, 2));
    forked_free(k);
}

static void what_both_need_fails_both(void) {
    forked *k = forked_new(NULL, NULL, NULL);
    rask_future f[2];
    atomic_store(&k->common.fails, true);
    COMPUTE(k, f);
    rask_future above = rask_submit(client, add, RASK_ARGS(f[LEFT], f[RIGHT]));
    for (int i = 1; i <= 3; i++) {
        for (int side = 0; side < 2; side++) {
            CHECK_FAILS(f[side], RASK_E_TASK);
            CHECK_STR_CONTAINS(ERROR_OF(f[side]).origin, "common-");
        }
        CHECK_FAILS(above, RASK_E_TASK);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_RUNS(k, i, 0, 0, 0, 0);
        if (i == 3)
            atomic_store(&k->common.fails, false);
        /* A retry of one is for whatever has failed because of the same. */
        CHECK_OK(rask_retry(i == 2 ? above : f[i % 2]));
    }
    CHECK_I64(f[LEFT], 17);
    CHECK_I64(f[RIGHT], 17);
    CHECK_I64(above, 34);
    CHECK_RUNS(k, 4, 1, 1, 1, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(above, f[LEFT], f[RIGHT])));
    forked_free(k);
}

static void both_fail_and_one_is_given_up(void) {
    forked *k = forked_new(NULL, NULL, NULL);
    rask_future f[2];
    atomic_store(&k->common.fails, true);
    COMPUTE(k, f);
    CHECK_FAILS(f[RIGHT], RASK_E_TASK);
    CHECK_FAILS(f[LEFT], RASK_E_TASK);
    CHECK_OK(rask_release(f[RIGHT]));
    atomic_store(&k->common.fails, false);
    CHECK_OK(rask_retry(f[LEFT]));
    CHECK_I64(f[LEFT], 17);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_RUNS(k, 2, 1, 1, 0, 0);
    CHECK_OK(rask_release(f[LEFT]));
    forked_free(k);
}

/* ---- figures ---- */

static void a_future_each_in_all_figures(void) {
    gate *g = gate_new();
    forked *k = forked_new(g, NULL, NULL);
    rask_client_stats before = stats_of(client), now;
    rask_future f[2];
    COMPUTE(k, f);
    GATE_REACHED(g, 1);
    now = stats_of(client);
    CHECK_EQ(now.n_submitted - before.n_submitted, 2);
    CHECK_EQ(now.live_futures, 2);
    CHECK_EQ(now.n_running, 2);
    CHECK_EQ(now.n_pending, 0);
    CHECK_STATUS(rask_client_wait(client, 0), RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_I64(f[LEFT], 17);
    CHECK_I64(f[RIGHT], 17);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    now = stats_of(client);
    CHECK_EQ(now.n_submitted - before.n_submitted, 2);
    CHECK_EQ(now.n_executed - before.n_executed, 2);
    CHECK_EQ(now.n_finished - before.n_finished, 2);
    CHECK_EQ(now.n_cancelled - before.n_cancelled, 0);
    CHECK_EQ(now.n_running + now.n_pending, 0);
    CHECK_EQ(now.live_futures, 2);
    CHECK_OK(rask_release_all(f, 2));
    EVENTUALLY(stats_of(client).live_futures == 0);
    forked_free(k);
}

static void failed_ones_are_done_in_all_figures(void) {
    forked *k = forked_new(NULL, NULL, NULL);
    rask_client_stats before = stats_of(client), now;
    rask_future f[2];
    atomic_store(&k->common.fails, true);
    COMPUTE(k, f);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    now = stats_of(client);
    CHECK_EQ(now.n_error - before.n_error, 2);
    CHECK_EQ(now.n_finished - before.n_finished, 0);
    CHECK_EQ(now.n_running + now.n_pending, 0);
    atomic_store(&k->common.fails, false);
    CHECK_OK(rask_retry(f[LEFT]));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    now = stats_of(client);
    CHECK_EQ(now.n_error - before.n_error, 0);
    CHECK_EQ(now.n_finished - before.n_finished, 2);
    CHECK_EQ(now.n_cancelled - before.n_cancelled, 0);
    CHECK_OK(rask_release_all(f, 2));
    EVENTUALLY(stats_of(client).live_futures == 0);
    forked_free(k);
}

static void a_drain_waits_for_what_nobody_needs(void) {
    gate *g = gate_new();
    forked *k = forked_new(NULL, g, NULL);
    rask_future f[2];
    COMPUTE(k, f);
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(f[LEFT], "enough"));
    CHECK_I64(f[RIGHT], 17);
    CHECK_STATUS(rask_client_wait(client, 1000 * 1000), RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_release_all(f, 2));
    forked_free(k);
}

/* Its destructor makes so many futures of another client that some are of the memory that was free last. */
enum { N_MADE = 300 };
typedef struct maker {
    rask_client other;
    rask_future made[N_MADE];
} maker;
static void make_futures(void *object) {
    maker *m = object;
    for (int i = 0; i < N_MADE; i++)
        m->made[i] = rask_submit(m->other, inc, RASK_ARGS(i));
}
static const rask_type maker_type = {sizeof(rask_type), "maker", make_futures, NULL, NULL, NULL};
static void make_maker(rask_task *t) { rask_return_object(t, rask_arg_pointer(t, 0), &maker_type); }

static void a_destructor_after_the_last_output(void) {
    maker m = {.other = open_workers(1)};
    rask_delayed first = line(14), object = call(make_maker, RASK_ARGS(rask_pointer(&m), first)),
                 other = call(inc, RASK_ARGS(first)), last = call(pass_on, RASK_ARGS(other, object)),
                 both[] = {other, last};
    rask_future f[2];
    CHECK_OK(rask_compute_all(client, both, 2, f));
    CHECK_I64(f[0], 15);
    CHECK_I64(f[1], 15);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    for (int i = 0; i < N_MADE; i++)
        CHECK_I64(m.made[i], i + 1);
    CHECK_OK(rask_client_wait(m.other, LONG_NS));
    CHECK_EQ(stats_of(client).n_running, 0);
    CHECK_OK(rask_release_all(f, 2));
    CHECK_OK(rask_release_all(m.made, N_MADE));
    CHECK_OK(rask_client_close(m.other));
    DROP_ALL(first, object, other, last);
}

/* ---- waiting and returned futures ---- */

static void compute_both_and_wait(rask_task *t) {
    forked *k = rask_arg_pointer(t, 0);
    rask_future f[2];
    CHECK_OK(rask_compute_all(rask_task_client(t), k->outputs, 2, f));
    int64_t left = 0, right = 0;
    CHECK_OK(rask_result_i64(f[LEFT], &left));
    CHECK_OK(rask_result_i64(f[RIGHT], &right));
    CHECK_OK(rask_release_all(f, 2));
    rask_return_i64(t, left + right);
}
static void computed_and_waited_for_inside(void) {
    forked *k = forked_new(NULL, NULL, NULL);
    rask_future f[50];
    for (int i = 0; i < 50; i++)
        f[i] = rask_submit(client, compute_both_and_wait, RASK_ARGS(rask_pointer(k)));
    for (int i = 0; i < 50; i++)
        CHECK_I64(f[i], 34);
    CHECK_RUNS(k, 50, 50, 50, 50, 50);
    CHECK_OK(rask_release_all(f, 50));
    forked_free(k);
}

/* (futures, index of the one to wait for, gate) */
static void wait_for_output(rask_task *t) {
    gate_pass(rask_arg_pointer(t, 2));
    const rask_future *f = rask_arg_pointer(t, 0);
    int64_t result = 0;
    rask_status status = rask_result_i64(f[rask_arg_i64(t, 1)], &result);
    rask_return_i64(t, status == RASK_OK ? result : (int64_t)status);
}
static void a_step_that_waits_for_an_output(void) {
    for (int its_own = 0; its_own < 2; its_own++) {
        gate *g = gate_new();
        rask_future f[2];
        rask_delayed first = line(20), other = call(inc, RASK_ARGS(first)),
                     waits = call(wait_for_output,
                                  RASK_ARGS(rask_pointer(f), its_own ? 0 : 1, rask_pointer(g), first)),
                     last = call(add, RASK_ARGS(waits, 0)), both[] = {last, other};
        CHECK_OK(rask_compute_all(client, both, 2, f));
        gate_open(g);
        CHECK_I64(f[0], its_own ? RASK_E_DEADLOCK : 21);
        CHECK_I64(f[1], 21);
        CHECK_OK(rask_release_all(f, 2));
        DROP_ALL(first, other, waits, last);
    }
}

/* Each of two waits for the other's output. */
static void two_steps_that_wait_for_each_other(void) {
    gate *g = gate_new();
    rask_future f[2];
    rask_delayed first = line(20), x = call(wait_for_output, RASK_ARGS(rask_pointer(f), 1, rask_pointer(g))),
                 y = call(wait_for_output, RASK_ARGS(rask_pointer(f), 0, rask_pointer(g))),
                 both[] = {call(add, RASK_ARGS(x, first)), call(add, RASK_ARGS(y, first))};
    CHECK_OK(rask_compute_all(client, both, 2, f));
    gate_open(g);
    int64_t a = 0, b = 0;
    CHECK_OK(rask_result_i64(f[0], &a));
    CHECK_OK(rask_result_i64(f[1], &b));
    /* One is told, and the other has its result. */
    int64_t told = 20 + RASK_E_DEADLOCK;
    CHECK((a == told && b == 20 + told) || (b == told && a == 20 + told));
    CHECK_OK(rask_release_all(f, 2));
    DROP_ALL(first, x, y, both[0], both[1]);
}

static void a_returned_future_ends_with_who_needs_it(void) {
    for (int released = 0; released < 2; released++) {
        gate *g = gate_new();
        atomic_int asked = 0;
        rask_delayed first = line(20),
                     returns = call(return_until_cancelled, RASK_ARGS(rask_pointer(&asked))),
                     left = call(add, RASK_ARGS(returns, first)),
                     right = call(held, RASK_ARGS(rask_pointer(g), 3, first)), both[] = {left, right};
        rask_future f[2];
        CHECK_OK(rask_compute_all(client, both, 2, f));
        GATE_REACHED(g, 1);
        EVENTUALLY(atomic_load(&asked) == 1);
        CHECK_OK(released ? rask_release(f[0]) : rask_cancel(f[0], "enough"));
        /* The one that was returned returns, since nobody wants it. */
        EVENTUALLY(stats_of(client).n_running == 1);
        gate_open(g);
        CHECK_I64(f[1], 3);
        CHECK_OK(rask_release_all(f + released, (size_t)(2 - released)));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        DROP_ALL(first, returns, left, right);
    }
}

/* ---- many ---- */

/* (row, column) of a triangle: each takes the two above it, the last row is the output: Pascal's, modulo. */
static void add_modulo(rask_task *t) {
    rask_return_i64(t, (rask_arg_i64(t, 0) + rask_arg_i64(t, 1)) % 1000003);
}
static void a_triangle(void) {
    size_t n = scaled(1000);
    rask_delayed *row = calloc(n + 1, sizeof *row);
    int64_t *want = calloc(n + 1, sizeof *want);
    rask_future *f = calloc(n + 1, sizeof *f);
    CHECK(row && want && f);
    row[0] = call(inc, RASK_ARGS(0));
    want[0] = 1;
    for (size_t i = 1; i <= n; i++) {
        rask_delayed before = row[0];
        int64_t value = want[0];
        row[i] = call(inc, RASK_ARGS(0));
        want[i] = 1;
        for (size_t k = 1; k < i; k++) {
            rask_delayed sum = call(add_modulo, RASK_ARGS(before, row[k]));
            int64_t total = (value + want[k]) % 1000003;
            if (k > 1)
                drop(before);
            before = row[k];
            value = want[k];
            row[k] = sum;
            want[k] = total;
        }
        if (i > 1)
            drop(before);
    }
    for (int round = 0; round < 3; round++) {
        CHECK_OK(rask_compute_all(client, row, n + 1, f));
        /* In the second round some are given up, which makes no difference to the others. */
        for (size_t i = 0; i <= n; i++)
            if (round == 1 && i % 3 == 0) {
                CHECK_OK(rask_release(f[i]));
                f[i] = (rask_future){0};
            }
        for (size_t i = 0; i <= n; i++)
            if (f[i].id)
                CHECK_I64(f[i], want[i]);
        CHECK_OK(rask_release_all(f, n + 1));
    }
    for (size_t i = 0; i <= n; i++)
        drop(row[i]);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    free(row);
    free(want);
    free(f);
}

/* Cancelled, retried and released by several threads at a time while it runs. */
typedef struct meddler {
    rask_future *f;
    size_t n;
    uint64_t random;
} meddler;
static void *meddle(void *context) {
    meddler *m = context;
    for (int i = 0; i < 200; i++) {
        rask_future f = m->f[random_next(&m->random) % m->n];
        rask_status status = random_next(&m->random) % 2 ? rask_cancel(f, "by chance") : rask_retry(f);
        CHECK(status == RASK_OK || status == RASK_E_STATE);
    }
    return NULL;
}
static void cancelled_and_retried_by_many_threads(void) {
    enum { LINES = 6 };
    size_t n = scaled(60);
    rask_delayed first = line(30), ends[LINES];
    for (int i = 0; i < LINES; i++) {
        ends[i] = call(add, RASK_ARGS(first, i));
        for (int k = 0; k < 20; k++) {
            rask_delayed next = call(add, RASK_ARGS(ends[i], i && k % 5 == 0 ? ends[i - 1] : first));
            drop(ends[i]);
            ends[i] = next;
        }
    }
    rask_future f[LINES];
    int64_t want[LINES];
    CHECK_OK(rask_compute_all(client, ends, LINES, f));
    for (int i = 0; i < LINES; i++)
        CHECK_OK(rask_result_i64(f[i], &want[i]));
    CHECK_OK(rask_release_all(f, LINES));
    for (size_t round = 0; round < n; round++) {
        CHECK_OK(rask_compute_all(client, ends, LINES, f));
        meddler m[3];
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) {
            m[i] = (meddler){f, LINES, round * 3 + (uint64_t)i + 1};
            threads[i] = start_thread(meddle, &m[i]);
        }
        for (int i = 0; i < 3; i++)
            join_thread(threads[i]);
        for (int i = 0; i < LINES; i++) {
            int64_t got = 0;
            while (rask_result_i64(f[i], &got) != RASK_OK)
                CHECK(rask_retry(f[i]) == RASK_OK || rask_future_state(f[i]) != RASK_CANCELLED);
            CHECK_EQ(got, want[i]);
        }
        CHECK_OK(rask_release_all(f, LINES));
    }
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).live_futures, 0);
    drop(first);
    for (int i = 0; i < LINES; i++)
        drop(ends[i]);
}

int main(void) {
    RUN_WITH(1, common_parts_run_once);
    RUN_WITH(2, common_parts_run_once);
    RUN_WITH(2, an_output_is_done_while_others_run);
    RUN_WITH(2, an_output_that_another_takes);
    RUN_WITH(1, an_object_lives_as_long_as_its_output);
    RUN_WITH(2, an_object_lives_as_long_as_its_output);
    RUN_WITH(2, the_same_output_twice_and_one_that_is_none);
    RUN_WITH(2, keys);
    RUN_WITH(1, one_fails_and_the_other_goes_on);
    RUN_WITH(2, one_fails_and_the_other_goes_on);
    RUN_WITH(1, what_both_need_fails_both);
    RUN_WITH(2, what_both_need_fails_both);
    RUN_WITH(2, both_fail_and_one_is_given_up);
    RUN_WITH(2, a_future_each_in_all_figures);
    RUN_WITH(1, failed_ones_are_done_in_all_figures);
    RUN_WITH(2, failed_ones_are_done_in_all_figures);
    RUN_WITH(1, a_destructor_after_the_last_output);
    RUN_WITH(2, a_drain_waits_for_what_nobody_needs);
    RUN_WITH(1, computed_and_waited_for_inside);
    RUN_WITH(2, computed_and_waited_for_inside);
    RUN_WITH(2, a_step_that_waits_for_an_output);
    RUN_WITH(2, two_steps_that_wait_for_each_other);
    RUN_WITH(2, a_returned_future_ends_with_who_needs_it);
    RUN_WITH(1, a_triangle);
    RUN_WITH(2, a_triangle);
    RUN_WITH(2, cancelled_and_retried_by_many_threads);
    return 0;
}
