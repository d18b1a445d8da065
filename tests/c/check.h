/* What every C test shares: checks that name file and line, a runner, gates that hold a task, and small
 * tasks. */
#ifndef RASK_TESTS_CHECK_H
#define RASK_TESTS_CHECK_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <ctype.h>
#include <pthread.h>
#include <rask.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- checks ---- */

/* Long enough for the slowest machine under valgrind: a wait that takes this long has hung. */
#define LONG_NS (120LL * 1000 * 1000 * 1000)
#define WATCHDOG_SECONDS 300

#define FAIL_AT(file, line, ...)                                                                             \
    do {                                                                                                     \
        fprintf(stderr, "%s:%d: ", file, line);                                                              \
        fprintf(stderr, __VA_ARGS__);                                                                        \
        fputc('\n', stderr);                                                                                 \
        fflush(stderr);                                                                                      \
        abort();                                                                                             \
    } while (0)

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            FAIL_AT(__FILE__, __LINE__, "%s is false", #condition);                                          \
    } while (0)

static inline void check_eq_at(const char *file, int line, const char *what, long long got, long long want) {
    if (got != want)
        FAIL_AT(file, line, "%s is %lld, expected %lld", what, got, want);
}
#define CHECK_EQ(got, want) check_eq_at(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))

static inline void check_status_at(const char *file, int line, const char *what, rask_status got,
                                   rask_status want) {
    if (got == want)
        return;
    const char *got_name = rask_status_name(got), *want_name = rask_status_name(want);
    const char *words = rask_last_error();
    FAIL_AT(file, line, "%s is %d (%s), expected %d (%s); last error: %s", what, (int)got,
            got_name ? got_name : "?", (int)want, want_name ? want_name : "?", words ? words : "none");
}
#define CHECK_STATUS(got, want) check_status_at(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_OK(got) CHECK_STATUS(got, RASK_OK)

static inline void check_str_eq_at(const char *file, int line, const char *what, const char *got,
                                   const char *want) {
    if (!got || strcmp(got, want) != 0)
        FAIL_AT(file, line, "%s is \"%s\", expected \"%s\"", what, got ? got : "(NULL)", want);
}
#define CHECK_STR_EQ(got, want) check_str_eq_at(__FILE__, __LINE__, #got, (got), (want))

/* Upper and lower case are the same. */
static inline bool contains(const char *text, const char *part) {
    size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return n == 0;
}
static inline void check_str_contains_at(const char *file, int line, const char *what, const char *text,
                                         const char *part) {
    if (!text || !contains(text, part))
        FAIL_AT(file, line, "%s is \"%s\", which lacks \"%s\"", what, text ? text : "(NULL)", part);
}
#define CHECK_STR_CONTAINS(text, part) check_str_contains_at(__FILE__, __LINE__, #text, (text), (part))

/* ---- time ---- */

static inline void sleep_us(long us) {
    struct timespec t = {us / 1000000, (us % 1000000) * 1000};
    nanosleep(&t, NULL);
}

static inline double now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Becomes true sooner or later; fails when it has not after a very long time. */
#define EVENTUALLY(condition)                                                                                \
    do {                                                                                                     \
        double eventually_until = now_seconds() + 120.0;                                                     \
        while (!(condition)) {                                                                               \
            if (now_seconds() > eventually_until)                                                            \
                FAIL_AT(__FILE__, __LINE__, "%s did not become true", #condition);                           \
            sleep_us(200);                                                                                   \
        }                                                                                                    \
    } while (0)

/* ---- running ---- */

static const char *volatile check_running = "";

static inline void check_hung(int signal_number) {
    static const char words[] = "hung: ";
    const char *name = check_running;
    (void)signal_number;
    ssize_t ignored = write(2, words, sizeof words - 1);
    ignored = write(2, name, strlen(name));
    ignored = write(2, "\n", 1);
    (void)ignored;
    _exit(3);
}

/* RASK_TEST_SCALE=small makes every size small: for valgrind, sanitizers and slow machines. */
static inline bool small_scale(void) {
    const char *scale = getenv("RASK_TEST_SCALE");
    return scale && strcmp(scale, "small") == 0;
}
static inline size_t scaled(size_t full) {
    if (!small_scale())
        return full;
    return full / 1000 > 20 ? full / 1000 : (full < 20 ? full : 20);
}

static inline pthread_t start_thread(void *(*fn)(void *), void *context) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, fn, context), 0);
    return thread;
}
static inline void join_thread(pthread_t thread) { CHECK_EQ(pthread_join(thread, NULL), 0); }

/* A seeded generator (xorshift64*), so that a failure can be run again. */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1DULL;
}

/* ---- clients and futures ---- */

static inline rask_client open_workers(uint32_t n_workers) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = n_workers;
    rask_client client = rask_client_open(&options);
    if (client.id == 0)
        FAIL_AT(__FILE__, __LINE__, "no client with %u workers: %s", n_workers, rask_last_error());
    return client;
}

static inline rask_future submit_named(rask_client client, const char *name, rask_task_fn fn,
                                       const rask_arg *args, size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.name = name;
    return rask_submit_with(client, fn, args, n, &options);
}

/* What the client tells of itself; some of it may be a moment old. */
static inline rask_client_stats stats_of(rask_client client) {
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    CHECK_OK(rask_client_get_stats(client, &stats));
    return stats;
}

static inline rask_error error_of_at(const char *file, int line, rask_future future) {
    rask_error error = RASK_ERROR_INIT;
    check_status_at(file, line, "rask_future_error", rask_future_error(future, &error), RASK_OK);
    return error;
}
#define ERROR_OF(future) error_of_at(__FILE__, __LINE__, (future))

static inline void check_i64_at(const char *file, int line, rask_future future, int64_t want) {
    const rask_value *value = NULL;
    int64_t got = ~want;
    check_status_at(file, line, "rask_result", rask_result(future, LONG_NS, &value), RASK_OK);
    check_status_at(file, line, "rask_value_i64", rask_value_i64(value, &got), RASK_OK);
    check_eq_at(file, line, "the result", got, want);
}
/* The future finishes with this integer. */
#define CHECK_I64(future, want) check_i64_at(__FILE__, __LINE__, (future), (want))

static inline void check_text_at(const char *file, int line, rask_future future, const char *want) {
    const void *data = NULL;
    size_t size = 0;
    check_status_at(file, line, "rask_result_bytes", rask_result_bytes(future, &data, &size), RASK_OK);
    check_str_eq_at(file, line, "the result", data, want);
    check_eq_at(file, line, "its size", (long long)size, (long long)strlen(want));
}
/* The future finishes with this text. */
#define CHECK_TEXT(future, want) check_text_at(__FILE__, __LINE__, (future), (want))

static inline void check_fails_at(const char *file, int line, rask_future future, rask_status want) {
    const rask_value *value = NULL;
    if (future.id == 0)
        FAIL_AT(file, line, "no future at all: %s", rask_last_error());
    check_status_at(file, line, "rask_result", rask_result(future, LONG_NS, &value), want);
    if (value)
        FAIL_AT(file, line, "a future that failed has a value");
    check_status_at(file, line, "the status in its error", error_of_at(file, line, future).status, want);
    check_eq_at(file, line, "its state", rask_future_state(future),
                want == RASK_E_CANCELLED ? RASK_CANCELLED : RASK_ERROR);
}
/* The future ends in error (or is cancelled) with this status. */
#define CHECK_FAILS(future, want) check_fails_at(__FILE__, __LINE__, (future), (want))

/* ---- a gate: holds tasks until the test opens it ---- */

typedef struct gate {
    atomic_int entered; /* tasks that have reached it */
    atomic_int left;    /* tasks that have passed it */
    atomic_bool open;
    struct gate *next;
} gate;

/* Gates outlive the test's function, as a task may still be leaving one: run_test frees them when the client
 * is closed. */
static gate *all_gates;

static inline gate *gate_new(void) {
    gate *g = calloc(1, sizeof *g);
    CHECK(g != NULL);
    g->next = all_gates;
    all_gates = g;
    return g;
}
static inline void gate_pass(gate *g) {
    atomic_fetch_add(&g->entered, 1);
    while (!atomic_load(&g->open))
        sleep_us(200);
    atomic_fetch_add(&g->left, 1);
}
static inline void gate_open(gate *g) { atomic_store(&g->open, true); }
/* The body of a thread that opens it when whoever is to wait does so by all appearance. */
static inline void *open_soon(void *gate) {
    sleep_us(20000);
    gate_open(gate);
    return NULL;
}
/* Likewise for a close, which cancels before it waits: when this future is cancelled, so that nothing that
 * was not begun can begin after all. */
typedef struct opener {
    gate *gate;
    rask_future cancelled;
} opener;
static inline void *open_when_cancelled(void *context) {
    opener *o = context;
    EVENTUALLY(rask_future_state(o->cancelled) == RASK_CANCELLED);
    gate_open(o->gate);
    return NULL;
}
#define GATE_REACHED(g, n) EVENTUALLY(atomic_load(&(g)->entered) >= (n))

/* ---- one test ---- */

/* The client of the running test, where RUN_WITH asks for one; closed before the handles are counted. */
static rask_client client;

static inline void run_test(const char *name, void (*test)(void), uint32_t n_workers) {
    if (n_workers)
        printf("%s (%u)\n", name, n_workers);
    else
        printf("%s\n", name);
    fflush(stdout);
    check_running = name;
    signal(SIGALRM, check_hung);
    alarm(WATCHDOG_SECONDS);
    if (n_workers)
        client = open_workers(n_workers);
    test();
    if (n_workers)
        CHECK_OK(rask_client_close(client));
    alarm(0);
    while (all_gates) {
        gate *next = all_gates->next;
        free(all_gates);
        all_gates = next;
    }
    CHECK_EQ(rask_live_handles(), 0);
}
#define RUN(test) run_test(#test, test, 0)
#define RUN_WITH(n_workers, test) run_test(#test, test, n_workers)

/* ---- tasks ---- */

static inline void inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }
static inline void add(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + rask_arg_i64(t, 1)); }
static inline void nothing(rask_task *t) { (void)t; }
static inline void pass_on(rask_task *t) { rask_return_arg(t, 0); }

/* (gate, value): passes the gate, returns the value. */
static inline void held(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    rask_return_arg(t, 1);
}
static inline rask_future submit_held(rask_client client, gate *g, int64_t value) {
    return rask_submit(client, held, RASK_ARGS(rask_pointer(g), rask_i64(value)));
}

/* (gate, code, message): passes the gate, fails. */
static inline void held_fail(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    rask_fail(t, (int32_t)rask_arg_i64(t, 1), rask_arg_str(t, 2));
}

/* (code, message) */
static inline void fail(rask_task *t) { rask_fail(t, (int32_t)rask_arg_i64(t, 0), rask_arg_str(t, 1)); }

/* (counter, anything …): counts its runs. */
static inline void count(rask_task *t) {
    rask_return_i64(t, atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1) + 1);
}

/* ---- an object that counts how often it was destroyed ---- */

typedef struct probe {
    atomic_int destroyed;
} probe;

static inline void probe_destroy(void *object) { atomic_fetch_add(&((probe *)object)->destroyed, 1); }
static const rask_type probe_type = {sizeof(rask_type), "probe", probe_destroy, NULL, NULL, NULL};
static inline int destroyed(probe *p) { return atomic_load(&p->destroyed); }

/* (probe): returns it as an object of its own. */
static inline void make_probe(rask_task *t) { rask_return_object(t, rask_arg_pointer(t, 0), &probe_type); }

/* (gate, probe): passes the gate, returns the probe as an object. */
static inline void held_make_probe(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    rask_return_object(t, rask_arg_pointer(t, 1), &probe_type);
}

#endif
