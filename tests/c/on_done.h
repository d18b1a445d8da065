/* What the tests of rask_on_done share: callbacks that tell how they were called. */
#ifndef RASK_TESTS_ON_DONE_H
#define RASK_TESTS_ON_DONE_H

#include "check.h"

#define MS 1000000LL

/* What a callback was called with. */
typedef struct call {
    atomic_int n;
    int order;
    rask_state state;
    rask_future future;
    pthread_t thread;
    int64_t value;
    rask_status status;
} call;

static atomic_int calls; /* of note, in this test */

static inline void note(rask_future future, rask_state state, void *context) {
    call *c = context;
    c->order = atomic_fetch_add(&calls, 1);
    c->state = state;
    c->future = future;
    c->thread = pthread_self();
    CHECK_EQ(rask_future_state(future), state);
    c->status = rask_result_i64(future, &c->value);
    atomic_fetch_add(&c->n, 1);
}
#define CALLED(c) EVENTUALLY(atomic_load(&(c)->n) > 0)

static inline void count_call(rask_future future, rask_state state, void *context) {
    CHECK(future.id != 0 && state >= RASK_FINISHED);
    atomic_fetch_add((atomic_int *)context, 1);
}

/* Holds the dispatcher up until the gate is opened. */
static inline void pass_gate(rask_future future, rask_state state, void *context) {
    (void)future, (void)state;
    gate_pass(context);
}
static inline rask_future hold_dispatcher(gate *g) {
    rask_future f = rask_scatter(client, rask_i64(0));
    CHECK_OK(rask_on_done(f, pass_gate, g));
    GATE_REACHED(g, 1);
    return f;
}

static inline void reset_calls(void) { atomic_store(&calls, 0); }

#endif
