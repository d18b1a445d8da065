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

#endif
