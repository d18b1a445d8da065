/* Tasks that note that they ran, and in which order; and what ends a flood of them. */
#ifndef RASK_TESTS_ORDER_H
#define RASK_TESTS_ORDER_H

#include "check.h"

static int order[200000];
static atomic_int n_ran;

static inline void forget_order(void) { atomic_store(&n_ran, 0); }

/* (number, anything …): notes that it ran. */
static inline void note(rask_task *t) {
    int64_t number = rask_arg_i64(t, 0);
    order[atomic_fetch_add(&n_ran, 1)] = (int)number;
    rask_return_i64(t, number);
}

static inline void check_order(const int *want, int n) {
    CHECK_EQ(atomic_load(&n_ran), n);
    for (int i = 0; i < n; i++)
        CHECK_EQ(order[i], want[i]);
}
/* They ran as they are numbered, from 0. */
static inline void check_numbered_order(int n) {
    CHECK_EQ(atomic_load(&n_ran), n);
    for (int i = 0; i < n; i++)
        CHECK_EQ(order[i], i);
}
/* Numbers 0, 1, 2, 10, 11, 12, 20, …: what was made ready by a root ran before the next root. */
static inline void check_order_of_triples(void) {
    CHECK_EQ(atomic_load(&n_ran), 9);
    for (int i = 0; i < 9; i++)
        CHECK_EQ(order[i], 10 * (i / 3) + i % 3);
}

/* Keeps the only worker of the test's client busy until the gate is opened. */
static inline rask_future hold(gate *g) {
    forget_order();
    rask_future f = submit_held(client, g, 0);
    GATE_REACHED(g, 1);
    return f;
}

/* What submits itself again and again does so until this. */
static atomic_bool stop;
static inline void say_stop(rask_task *t) {
    (void)t;
    atomic_store(&stop, true);
}

#endif
