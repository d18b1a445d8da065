/* Lazy graphs: how their futures end, and many threads that compute. */
#include "lazy.h"

/* ---- the ends of futures ---- */

/* (counter, gate, previous): counts, and waits for the gate. */
static void count_at_gate(rask_task *t) {
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1);
    gate_pass((gate *)rask_arg_pointer(t, 1));
    rask_return_i64(t, rask_arg_count(t) > 2 ? rask_arg_i64(t, 2) : 0);
}

static rask_delayed gated_chain(atomic_int *runs, gate *g, size_t n) {
    rask_delayed d = call(count_at_gate, RASK_ARGS(runs, rask_pointer(g)));
    for (size_t i = 1; i < n; i++) {
        rask_delayed next = call(count_at_gate, RASK_ARGS(runs, rask_pointer(g), d));
        drop(d);
        d = next;
    }
    return d;
}

static void cancelled_in_the_middle(void) {
    atomic_int runs = 0;
    gate *g = gate_new();
    rask_delayed d = gated_chain(&runs, g, 10), other = call(add, RASK_ARGS(d, d));
    rask_future f[2];
    CHECK_OK(rask_compute_all(client, DELAYEDS(other, d), f));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(f[1], "enough"));
    CHECK_FAILS(f[0], RASK_E_CANCELLED);
    CHECK_FAILS(f[1], RASK_E_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 1);
    CHECK_OK(rask_release_all(f, 2));
    DROP_ALL(d, other);
}

static void released_in_the_middle(void) {
    atomic_int runs = 0, late = 0;
    gate *g = gate_new();
    rask_delayed d = gated_chain(&runs, g, 10), e = call(count_and_add, RASK_ARGS(&late, d, d)),
                 e2 = call(count_and_add, RASK_ARGS(&late, e, d));
    rask_future f = rask_compute(client, e2);
    GATE_REACHED(g, 1);
    CHECK_OK(rask_release(f));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 1);
    CHECK_EQ(atomic_load(&late), 0);
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(stats_of(client).n_pending, 0);
    DROP_ALL(d, e, e2);
}

static void one_of_two_outputs_released(void) {
    atomic_int common = 0, mine = 0, theirs = 0;
    gate *g = gate_new();
    rask_delayed x = call(count_at_gate, RASK_ARGS(&common, rask_pointer(g))),
                 a = call(count_and_add, RASK_ARGS(&mine, x, x)),
                 b = call(count_and_add, RASK_ARGS(&theirs, x, x));
    rask_future f[2];
    CHECK_OK(rask_compute_all(client, DELAYEDS(a, b), f));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_release(f[1]));
    gate_open(g);
    CHECK_I64(f[0], 0);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&common), 1);
    CHECK_EQ(atomic_load(&mine), 1);
    CHECK_EQ(atomic_load(&theirs), 0);
    CHECK_OK(rask_release(f[0]));
    DROP_ALL(x, a, b);
}

static void its_client_is_closed_early(void) {
    rask_client other = open_workers(2);
    atomic_int runs = 0;
    gate *g = gate_new();
    rask_delayed d = gated_chain(&runs, g, 10), e = d;
    for (int i = 0; i < 3000; i++) {
        rask_delayed next = call(add, RASK_ARGS(e, e));
        if (i > 0)
            drop(e);
        e = next;
    }
    rask_future f = rask_compute(other, e);
    GATE_REACHED(g, 1);
    gate_open(g);
    CHECK_OK(rask_client_close(other));
    rask_state state = rask_future_state(f);
    CHECK(state == RASK_CANCELLED || state == RASK_FINISHED);
    CHECK_OK(rask_release(f));
    COMPUTES(e, 0);
    DROP_ALL(d, e);
}

typedef struct closing {
    rask_client client;
    rask_delayed delayed;
    atomic_bool begun;
} closing;

static void *compute_until_closed(void *context) {
    closing *c = context;
    for (;;) {
        rask_future f = rask_compute(c->client, c->delayed);
        atomic_store(&c->begun, true);
        if (!f.id) {
            CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
            return NULL;
        }
        const rask_value *value;
        rask_status status = rask_result(f, LONG_NS, &value);
        CHECK(status == RASK_OK || status == RASK_E_CANCELLED);
        CHECK_OK(rask_release(f));
    }
}

/* Graphs of one chunk and of several: a close looks for nodes while their lives begin. */
static void closed_while_it_is_computed(void) {
    const int sizes[] = {200, 2500};
    for (int k = 0; k < 2; k++) {
        rask_delayed d = call(inc, RASK_ARGS(0));
        for (int i = 0; i < sizes[k]; i++) {
            rask_delayed next = call(add, RASK_ARGS(d, d));
            drop(d);
            d = next;
        }
        for (int round = 0; round < (small_scale() ? 5 : 400); round++) {
            closing c = {open_workers(2), d, false};
            pthread_t threads[3];
            for (int i = 0; i < 3; i++)
                threads[i] = start_thread(compute_until_closed, &c);
            EVENTUALLY(atomic_load(&c.begun));
            sleep_us(round % 10 * (sizes[k] / 100));
            CHECK_OK(rask_client_close(c.client));
            for (int i = 0; i < 3; i++)
                join_thread(threads[i]);
        }
        drop(d);
    }
}

/* ---- many threads ---- */

static rask_delayed shared_graph;
static void *compute_often(void *context) {
    rask_client here = *(rask_client *)context;
    for (int i = 0; i < (small_scale() ? 5 : 100); i++) {
        rask_future f = rask_compute(here, shared_graph);
        int64_t value = 0;
        CHECK_OK(rask_result_i64(f, &value));
        CHECK_EQ(value, 1024 + 50);
        CHECK_OK(rask_release(f));
    }
    return NULL;
}

static void threads_compute_one_graph(void) {
    rask_client other = open_workers(2);
    rask_delayed d = call(inc, RASK_ARGS(0));
    for (int i = 0; i < 10; i++) {
        rask_delayed next = call(add, RASK_ARGS(d, d));
        drop(d);
        d = next;
    }
    shared_graph = chain_of(d, inc, "inc", 50);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start_thread(compute_often, i % 2 ? &client : &other);
    for (int i = 0; i < 4; i++)
        join_thread(threads[i]);
    drop(shared_graph);
    CHECK_OK(rask_client_close(other));
}

static void compute_inside(rask_task *t) {
    rask_future f = rask_compute(rask_task_client(t), shared_graph);
    int64_t value = 0;
    CHECK_OK(rask_result_i64(f, &value));
    CHECK_OK(rask_release(f));
    rask_return_i64(t, value);
}

static void computed_inside_a_task(void) {
    rask_delayed d = call(inc, RASK_ARGS(0));
    for (int i = 0; i < 12; i++) {
        rask_delayed next = call(add, RASK_ARGS(d, d));
        drop(d);
        d = next;
    }
    shared_graph = d;
    rask_delayed twice = call(compute_inside, RASK_NO_ARGS);
    COMPUTES(twice, 4096);
    rask_future f = rask_submit(client, compute_inside, RASK_NO_ARGS);
    CHECK_I64(f, 4096);
    CHECK_OK(rask_release(f));
    DROP_ALL(d, twice);
}

int main(void) {
    RUN_WITH(2, cancelled_in_the_middle);
    RUN_WITH(2, released_in_the_middle);
    RUN_WITH(2, one_of_two_outputs_released);
    RUN_WITH(1, its_client_is_closed_early);
    RUN(closed_while_it_is_computed);
    RUN_WITH(2, threads_compute_one_graph);
    RUN_WITH(1, computed_inside_a_task);
    RUN_WITH(2, computed_inside_a_task);
    return 0;
}
