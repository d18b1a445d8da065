/* A graph with two outputs, which tells how often each of its steps ran. */
#ifndef RASK_TESTS_FORKED_H
#define RASK_TESTS_FORKED_H

#include "lazy.h"

/* So many steps, each of which adds one. */
static inline rask_delayed line(size_t n) {
    rask_delayed d = call(inc, RASK_ARGS(0));
    for (size_t i = 1; i < n; i++) {
        rask_delayed next = call(inc, RASK_ARGS(d));
        drop(d);
        d = next;
    }
    return d;
}

/*                      ┌─ left1 ── left
 * 14 steps ── common ──┤                    each counts one and what it takes: left and right are 17.
 *                      └─ right1 ── right                                                              */
typedef struct forked {
    plan common, left1, left, right1, right;
    rask_delayed middle, outputs[2];
} forked;
enum { LEFT, RIGHT };

static inline forked *forked_new(gate *at_common, gate *at_left1, gate *at_right1) {
    forked *k = calloc(1, sizeof *k);
    CHECK(k != NULL);
    k->common.gate = at_common;
    k->left1.gate = at_left1;
    k->right1.gate = at_right1;
    rask_delayed first = line(14);
    k->middle = call_named("common", planned, RASK_ARGS(rask_pointer(&k->common), first));
    rask_delayed left1 = call_named("left1", planned, RASK_ARGS(rask_pointer(&k->left1), k->middle)),
                 right1 = call_named("right1", planned, RASK_ARGS(rask_pointer(&k->right1), k->middle));
    k->outputs[LEFT] = call_named("left", planned, RASK_ARGS(rask_pointer(&k->left), left1));
    k->outputs[RIGHT] = call_named("right", planned, RASK_ARGS(rask_pointer(&k->right), right1));
    DROP_ALL(first, left1, right1);
    return k;
}
static inline void forked_free(forked *k) {
    DROP_ALL(k->middle, k->outputs[LEFT], k->outputs[RIGHT]);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    free(k);
}
static inline void check_runs_at(const char *file, int line, forked *k, int common, int left1, int left,
                                 int right1, int right) {
    check_eq_at(file, line, "runs of common", runs(&k->common), common);
    check_eq_at(file, line, "runs of left1", runs(&k->left1), left1);
    check_eq_at(file, line, "runs of left", runs(&k->left), left);
    check_eq_at(file, line, "runs of right1", runs(&k->right1), right1);
    check_eq_at(file, line, "runs of right", runs(&k->right), right);
}
#define CHECK_RUNS(...) check_runs_at(__FILE__, __LINE__, __VA_ARGS__)
/* Computes both outputs. */
#define COMPUTE(k, f) CHECK_OK(rask_compute_all(client, (k)->outputs, 2, f))

#endif
