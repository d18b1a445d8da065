/* What the tests of rask_as_completed share. */
#ifndef RASK_TESTS_AS_COMPLETED_H
#define RASK_TESTS_AS_COMPLETED_H

#include "check.h"

#define MS 1000000LL

static inline void check_next_at(const char *file, int line, rask_as_completed iter, rask_future want) {
    rask_future got = {77};
    check_status_at(file, line, "rask_as_completed_next", rask_as_completed_next(iter, LONG_NS, &got),
                    RASK_OK);
    check_eq_at(file, line, "the id delivered", (long long)got.id, (long long)want.id);
}
/* The next one is this very handle. */
#define CHECK_NEXT(iter, want) check_next_at(__FILE__, __LINE__, (iter), (want))

static inline void check_no_next_at(const char *file, int line, rask_as_completed iter, int64_t timeout_ns,
                                    rask_status want) {
    rask_future got = {77};
    check_status_at(file, line, "rask_as_completed_next", rask_as_completed_next(iter, timeout_ns, &got),
                    want);
    check_eq_at(file, line, "the id where there is none", (long long)got.id, 0);
}
#define CHECK_NO_NEXT(iter, timeout_ns, want)                                                                \
    check_no_next_at(__FILE__, __LINE__, (iter), (timeout_ns), (want))

static inline rask_as_completed open_iter(const rask_future *futures, size_t n) {
    rask_as_completed iter = rask_as_completed_open(futures, n);
    if (iter.id == 0)
        FAIL_AT(__FILE__, __LINE__, "no iteration: %s", rask_last_error());
    return iter;
}

typedef struct reader {
    rask_as_completed iter;
    rask_status ended_with;
    atomic_long *delivered;
    long own;
} reader;
static inline void *read_to_the_end(void *context) {
    reader *r = context;
    rask_future got;
    while ((r->ended_with = rask_as_completed_next(r->iter, LONG_NS, &got)) == RASK_OK) {
        CHECK(rask_future_state(got) >= RASK_FINISHED);
        atomic_fetch_add(r->delivered, 1);
        r->own++;
    }
    CHECK_EQ(got.id, 0);
    return NULL;
}

#endif
