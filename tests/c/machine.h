/* Tasks that fail until somebody repairs what they need. */
#ifndef RASK_TESTS_MACHINE_H
#define RASK_TESTS_MACHINE_H

#include "check.h"

typedef struct machine {
    atomic_int broken; /* runs that are still to fail; a very large number: all, until it is repaired */
    atomic_int runs;
    atomic_int attempts; /* of the last run, what it was told */
    atomic_int inside;   /* functions that run just now */
    atomic_bool overlapped;
} machine;

#define BROKEN 1000000000

static inline void machine_break(machine *m) { atomic_store(&m->broken, BROKEN); }
static inline void machine_repair(machine *m) { atomic_store(&m->broken, 0); }
static inline int machine_runs(machine *m) { return atomic_load(&m->runs); }

/* Whether this run is one that fails. */
static inline bool machine_fails(machine *m, rask_task *t) {
    if (atomic_fetch_add(&m->inside, 1) != 0)
        atomic_store(&m->overlapped, true);
    int run = atomic_fetch_add(&m->runs, 1) + 1;
    atomic_store(&m->attempts, (int)rask_task_attempt(t));
    int broken = atomic_load(&m->broken);
    while (broken > 0 && !atomic_compare_exchange_weak(&m->broken, &broken, broken - 1))
        ;
    if (broken > 0) {
        char message[64];
        snprintf(message, sizeof message, "broken in run %d", run);
        rask_fail(t, run, message);
    }
    atomic_fetch_sub(&m->inside, 1);
    return broken > 0;
}

/* (machine, value, anything …): returns the value, if the machine works. */
static inline void work(rask_task *t) {
    if (!machine_fails(rask_arg_pointer(t, 0), t))
        rask_return_arg(t, 1);
}
static inline rask_future submit_work(rask_client client, machine *m, int64_t value) {
    return rask_submit(client, work, RASK_ARGS(rask_pointer(m), rask_i64(value)));
}
static inline rask_future submit_retries(rask_client client, machine *m, int64_t value, uint32_t retries,
                                         int64_t delay_ns) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = retries;
    options.retry_delay_ns = delay_ns;
    return rask_submit_with(client, work, RASK_ARGS(rask_pointer(m), rask_i64(value)), &options);
}

/* (machine, x): x + 1, if the machine works. */
static inline void work_inc(rask_task *t) {
    if (!machine_fails(rask_arg_pointer(t, 0), t))
        rask_return_i64(t, rask_arg_i64(t, 1) + 1);
}

static inline rask_future submit_inc(rask_future x) { return rask_submit(client, inc, RASK_ARGS(x)); }

static inline void is_over(rask_future f) { CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL)); }

#endif
