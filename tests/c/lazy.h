/* What the tests of lazy graphs share. */
#ifndef RASK_TESTS_LAZY_H
#define RASK_TESTS_LAZY_H

#include "check.h"

static inline rask_delayed call(rask_task_fn fn, const rask_arg *args, size_t n) {
    rask_delayed d = rask_delayed_call(fn, args, n, NULL);
    CHECK(d.id != 0);
    return d;
}
static inline rask_delayed call_named(const char *name, rask_task_fn fn, const rask_arg *args, size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.name = name;
    rask_delayed d = rask_delayed_call(fn, args, n, &options);
    CHECK(d.id != 0);
    return d;
}
static inline void drop(rask_delayed d) { CHECK_OK(rask_delayed_release(d)); }
#define DROP_ALL(...)                                                                                        \
    do {                                                                                                     \
        const rask_delayed dropped[] = {__VA_ARGS__};                                                        \
        for (size_t each = 0; each < sizeof dropped / sizeof *dropped; each++)                               \
            CHECK_OK(rask_delayed_release(dropped[each]));                                                   \
    } while (0)
#define DELAYEDS(...)                                                                                        \
    (const rask_delayed[]){__VA_ARGS__}, sizeof((const rask_delayed[]){__VA_ARGS__}) / sizeof(rask_delayed)

/* Computes it, and checks the integer that comes out. */
#define COMPUTES(delayed, want)                                                                              \
    do {                                                                                                     \
        rask_future f = rask_compute(client, delayed);                                                       \
        CHECK_I64(f, want);                                                                                  \
        CHECK_OK(rask_release(f));                                                                           \
    } while (0)

/* Computes it; it fails with this status, and words with this in them. */
#define COMPUTE_FAILS(delayed, want, words)                                                                  \
    do {                                                                                                     \
        rask_future f = rask_compute(client, delayed);                                                       \
        CHECK_FAILS(f, want);                                                                                \
        CHECK_STR_CONTAINS(ERROR_OF(f).message, words);                                                      \
        CHECK_OK(rask_release(f));                                                                           \
    } while (0)

/* So many steps, each of which takes the one before, the first takes d, which is dropped. */
static inline rask_delayed chain_of(rask_delayed d, rask_task_fn fn, const char *name, size_t n) {
    for (size_t i = 0; i < n; i++) {
        rask_delayed next = call_named(name, fn, RASK_ARGS(d));
        drop(d);
        d = next;
    }
    return d;
}

/* (counter, inputs …): counts its runs, returns the sum of the rest. */
static inline void count_and_add(rask_task *t) {
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1);
    int64_t sum = 0;
    for (size_t i = 1; i < rask_arg_count(t); i++)
        sum += rask_arg_i64(t, i);
    rask_return_i64(t, sum);
}

/* (list of integers and of lists of such): their sum. */
static inline void sum_list(rask_task *t) {
    int64_t sum = 0, one;
    const rask_value *list = rask_arg_value(t, 0);
    for (size_t i = 0; i < rask_value_count(list); i++) {
        const rask_value *item = rask_value_at(list, i);
        if (rask_value_kind(item) == RASK_LIST) {
            for (size_t k = 0; k < rask_value_count(item); k++) {
                CHECK_OK(rask_value_i64(rask_value_at(item, k), &one));
                sum += one;
            }
        } else {
            CHECK_OK(rask_value_i64(item, &one));
            sum += one;
        }
    }
    rask_return_i64(t, sum);
}

/* What a step does beside counting; the test changes it between runs. */
typedef struct plan {
    atomic_int runs;
    atomic_int sees_cancelled;
    atomic_bool fails;
    gate *gate; /* or NULL */
} plan;

/* (plan, inputs …): their sum and one, when it has passed the plan's gate; or fails. */
static inline void planned(rask_task *t) {
    plan *p = rask_arg_pointer(t, 0);
    atomic_fetch_add(&p->runs, 1);
    if (p->gate)
        gate_pass(p->gate);
    if (rask_cancelled(t))
        atomic_fetch_add(&p->sees_cancelled, 1);
    if (atomic_load(&p->fails)) {
        rask_fail(t, 7, "as planned");
        return;
    }
    int64_t total = 1;
    for (size_t i = 1; i < rask_arg_count(t); i++)
        total += rask_arg_i64(t, i);
    rask_return_i64(t, total);
}
static inline int runs(plan *p) { return atomic_load(&p->runs); }

/* (pointer to a future): returns that future. */
static inline void return_pointed(rask_task *t) {
    rask_return_future(t, rask_clone(*(rask_future *)rask_arg_pointer(t, 0)));
}

/* (counter): counts that it runs, until it is cancelled. */
static inline void until_cancelled(rask_task *t) {
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1);
    while (!rask_cancelled(t))
        sleep_us(200);
}
/* (counter): returns the future of such a task. */
static inline void return_until_cancelled(rask_task *t) {
    rask_return_future(t,
                       rask_submit(rask_task_client(t), until_cancelled, RASK_ARGS(rask_arg_pointer(t, 0))));
}

#endif
