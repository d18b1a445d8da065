/* A graph of four steps, which tells how often each of them ran. */
#ifndef RASK_TESTS_DIAMOND_H
#define RASK_TESTS_DIAMOND_H

#include "lazy.h"

/* a ─┬─ b ─┬─ d;  each counts one and what it takes: d is 1 + 2 + 2.
 *    └─ c ─┘                                                          */
typedef struct diamond {
    plan a, b, c, d;
    rask_delayed whole;
} diamond;

static inline diamond *diamond_new(gate *at_a, gate *at_b, gate *at_c, gate *at_d) {
    diamond *g = calloc(1, sizeof *g);
    CHECK(g != NULL);
    g->a.gate = at_a;
    g->b.gate = at_b;
    g->c.gate = at_c;
    g->d.gate = at_d;
    rask_delayed a = call_named("a", planned, RASK_ARGS(rask_pointer(&g->a))),
                 b = call_named("b", planned, RASK_ARGS(rask_pointer(&g->b), a)),
                 c = call_named("c", planned, RASK_ARGS(rask_pointer(&g->c), a));
    g->whole = call_named("d", planned, RASK_ARGS(rask_pointer(&g->d), b, c));
    DROP_ALL(a, b, c);
    return g;
}
static inline void diamond_free(diamond *g) {
    drop(g->whole);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    free(g);
}
static inline void check_runs_at(const char *file, int line, diamond *g, int a, int b, int c, int d) {
    check_eq_at(file, line, "runs of a", runs(&g->a), a);
    check_eq_at(file, line, "runs of b", runs(&g->b), b);
    check_eq_at(file, line, "runs of c", runs(&g->c), c);
    check_eq_at(file, line, "runs of d", runs(&g->d), d);
}
#define CHECK_RUNS(...) check_runs_at(__FILE__, __LINE__, __VA_ARGS__)

#endif
