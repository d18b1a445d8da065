/* The model: a record for every future that was made, and from it the set of what may be observed. It is
 * sound, not complete: what threads decide by their timing is left open, all else is held to. */
#ifndef RASK_TESTS_RANDOM_MODEL_H
#define RASK_TESTS_RANDOM_MODEL_H

#include "../check.h"
#include "report.h"

#include <stdarg.h>

/* ---- programs ---- */

/* One kind of random program; its operations are split into rounds, each with clients of its own. */
typedef struct program {
    const char *name;
    unsigned n_threads, n_workers, n_clients;
    unsigned percent; /* of all operations */
    unsigned n_rounds;
    bool retries;          /* rask_retry is among the operations: errors and cancellations may end */
    bool closes_early;     /* the clients are closed while the threads go on */
    bool pure;             /* RASK_CLIENT_PURE */
    uint64_t memory_limit; /* of the first client */
    uint32_t client_flags;
} program;

enum {
    MAX_INPUTS = 12, /* of a record */
    MAX_DEPTH = 24,  /* of records: how long a chain of inputs grows */
    MAX_WEIGHT = 48, /* of a value that becomes an argument: lists of lists would grow without end */
    N_FAMILIES = 256,
    N_EXCHANGE = 32,
    N_CODES = 60,     /* codes of tasks that fail */
    CODE_CLOSING = 63 /* of a task whose children were cancelled by the close */
};

typedef enum task_kind {
    MIX,      /* returns something that was computed from all arguments */
    FAIL,     /* fails with a code */
    FLAKY,    /* fails so many attempts */
    WRONG,    /* reads an argument as what it is not */
    PASS,     /* returns an argument */
    FORWARD,  /* returns another future */
    CHILDREN, /* submits, waits inside */
    POLL,     /* looks for a while whether it was cancelled */
    NOTHING,  /* returns nothing */
    VALUE,    /* was scattered */
    LAZY,     /* was computed from a delayed, or is one */
    MISTAKE,  /* no task: the submit was wrong */
} task_kind;
static const char *const task_names[] = {"mix",      "fail", "flaky",   "wrong", "pass", "forward",
                                         "children", "poll", "nothing", "value", "lazy", "mistake"};

/* ---- records ---- */

/* What was seen of a future that is done, in one word: state + 1, then -status, then code + 1;
 * 0 is unknown. */
typedef uint32_t ending;
static inline ending ending_of(rask_state state, rask_status status, int32_t code) {
    return (uint32_t)(state + 1) | (uint32_t)-status << 4 | (uint32_t)(code + 1) << 12;
}
static inline rask_state state_of(ending e) { return (rask_state)(e & 15) - 1; }
static inline rask_status status_of(ending e) { return -(rask_status)(e >> 4 & 255); }
static inline int32_t code_of(ending e) { return (int32_t)(e >> 12) - 1; }

/* One future, or several that may share a node (pure submits), or a delayed. All but the atomics is written
 * before anybody else can know it. */
typedef struct record {
    uint32_t number;
    task_kind task;
    unsigned client, depth, weight, attempts;
    bool has_value; /* it may finish, with a value of this kind and digest */
    rask_kind kind;
    uint64_t digest;
    uint64_t codes;    /* bit c: it may fail by rask_fail with code c */
    uint32_t statuses; /* bit s: it may be an error with status -s */
    bool is_mistake;   /* the submit itself was wrong */
    unsigned family;   /* of those that may share a node; 0: none */
    unsigned n_inputs;
    struct record *inputs[MAX_INPUTS];
    atomic_bool is_cancelled; /* by somebody, or about to be; or an input is known to have been */
    atomic_bool is_released;  /* a handle of it was, or is about to be */
    _Atomic ending seen;
    _Atomic uint64_t key; /* its hash; 0: not asked yet */
} record;

/* A handle, and what it stands for. */
typedef struct handle {
    rask_future future;
    record *record;
} handle;

/* ---- a round ---- */

static struct {
    const program *program;
    uint64_t seed;
    unsigned number;
    rask_client clients[2];
    atomic_bool is_closing, is_closed;
    atomic_uint n_dumps, n_dumps_ended;
    record *records;
    size_t max_records;
    atomic_size_t n_records;
    atomic_bool family_is_cancelled[N_FAMILIES];
    pthread_mutex_t lock; /* of the exchange */
    handle exchange[N_EXCHANGE];
} now = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* NULL when the round has as many as it may. */
static record *record_new(task_kind task) {
    size_t number = atomic_fetch_add(&now.n_records, 1);
    if (number >= now.max_records)
        return NULL;
    record *r = &now.records[number];
    r->number = (uint32_t)number;
    r->task = task;
    return r;
}

/* ---- threads ---- */

enum { MAX_POOL = 40, N_STALE = 32, MAX_ITERATED = 48, MAX_DELAYED = 8 };

/* An iteration of one thread's, with what it still has to deliver. */
typedef struct iteration {
    rask_as_completed id;
    handle expected[MAX_ITERATED];
    bool is_released[MAX_ITERATED]; /* the handle, while it was still expected */
    size_t n;
    int fd;
} iteration;

typedef struct lazy {
    rask_delayed id;
    record *record;
} lazy;

typedef struct registration {
    record *record;
    atomic_uint fired;
    unsigned what; /* it does when called */
    struct registration *next;
} registration;

typedef struct thread {
    unsigned index;
    uint64_t random;
    size_t n_operations;
    size_t operation;      /* the number of the one at hand */
    const char *name;      /* and its name */
    handle pool[MAX_POOL]; /* handles that are this thread's */
    size_t n;
    rask_future stale[N_STALE]; /* ids that were released or taken */
    size_t n_stale;
    iteration iteration;
    lazy lazy[MAX_DELAYED];
    size_t n_lazy;
    registration *registrations;
    uint32_t *marks; /* of records, for walks */
    uint32_t mark;
    record **open; /* what a walk has still to look at */
} thread;

static inline uint64_t below(thread *t, uint64_t n) { return (random_next(&t->random) >> 11) % n; }
static inline bool one_in(thread *t, uint64_t n) { return below(t, n) == 0; }

/* ---- what must not be ---- */

static void describe_record(const record *r) {
    if (!r)
        return;
    fprintf(stderr, "record %u: %s, client %u, inputs", (unsigned)r->number, task_names[r->task], r->client);
    for (unsigned i = 0; i < r->n_inputs; i++)
        fprintf(stderr, " %u (%s)", (unsigned)r->inputs[i]->number, task_names[r->inputs[i]->task]);
    fprintf(stderr, "\nallowed: ");
    if (r->has_value)
        fprintf(stderr, "a value of kind %d, digest %016llx; ", (int)r->kind, (unsigned long long)r->digest);
    for (int code = 0; code < 64; code++)
        if (r->codes >> code & 1)
            fprintf(stderr, "code %d; ", code);
    for (int status = 1; status < 32; status++)
        if (r->statuses >> status & 1)
            fprintf(stderr, "%s; ", rask_status_name(-status));
    fprintf(stderr, "cancelled %s, released %s, family %u\n", atomic_load(&r->is_cancelled) ? "yes" : "no",
            atomic_load(&r->is_released) ? "yes" : "no", r->family);
    ending seen = atomic_load(&r->seen);
    fprintf(stderr, "seen: state %d, status %d, code %d\n", (int)state_of(seen), (int)status_of(seen),
            (int)code_of(seen));
}

__attribute__((noreturn, format(printf, 5, 6))) static void
violation_at(const char *file, int line, thread *t, const record *r, const char *format, ...) {
    static atomic_flag once = ATOMIC_FLAG_INIT;
    rask_status last = rask_last_status();
    char words[512];
    snprintf(words, sizeof words, "%s", rask_last_error());
    while (atomic_flag_test_and_set(&once))
        sleep_us(1000 * 1000); /* the first has the word */
    report_here();
    fprintf(stderr, "%s:%d: program %s, seed %llu, round %u, thread %d, operation %zu (%s)\n", file, line,
            now.program->name, (unsigned long long)now.seed, now.number, t ? (int)t->index : -1,
            t ? t->operation : 0, t && t->name ? t->name : "in a task");
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    describe_record(r);
    fprintf(stderr, "this thread's last failure: %s, %s\n", rask_status_name(last), words);
    fflush(stderr);
    abort();
}
#define VIOLATION(t, r, ...) violation_at(__FILE__, __LINE__, t, r, __VA_ARGS__)
#define EXPECT(t, r, condition, ...)                                                                         \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            violation_at(__FILE__, __LINE__, t, r, __VA_ARGS__);                                             \
    } while (0)

static void expect_status_at(const char *file, int line, thread *t, const record *r, const char *call,
                             rask_status got, rask_status want) {
    if (got != want)
        violation_at(file, line, t, r, "%s is %s, expected %s", call, rask_status_name(got),
                     rask_status_name(want));
}
#define EXPECT_STATUS(t, r, call, want) expect_status_at(__FILE__, __LINE__, t, r, #call, call, want)

/* ---- what may be ---- */

/* Whether the future may be cancelled: it was, or one that it needs, or its client is being closed. */
static bool may_be_cancelled(thread *t, record *r) {
    if (atomic_load(&now.is_closing))
        return true;
    uint32_t mark = ++t->mark;
    size_t n = 0;
    t->open[n++] = r;
    t->marks[r->number] = mark;
    while (n > 0) {
        record *at = t->open[--n];
        if (atomic_load(&at->is_cancelled) ||
            (at->family && atomic_load(&now.family_is_cancelled[at->family]))) {
            atomic_store(&r->is_cancelled, true);
            if (r->family)
                atomic_store(&now.family_is_cancelled[r->family], true);
            return true;
        }
        for (unsigned i = 0; i < at->n_inputs; i++)
            if (t->marks[at->inputs[i]->number] != mark) {
                t->marks[at->inputs[i]->number] = mark;
                t->open[n++] = at->inputs[i];
            }
    }
    return false;
}

static inline bool is_done(rask_state state) { return state >= RASK_FINISHED; }

/* What must still be true of a future of which this was seen before a call began. */
static inline bool is_final(ending before) {
    return before && (!now.program->retries || state_of(before) == RASK_FINISHED);
}

/* The future was seen done; `status` and `code` as far as they are known (RASK_OK, -1). `before` is what was
 * known of it when the call began: what is done stays as it is. */
static void saw_done(thread *t, record *r, ending before, rask_state state, rask_status status,
                     int32_t code) {
    switch (state) {
    case RASK_FINISHED:
        EXPECT(t, r, r->has_value, "it is finished");
        break;
    case RASK_CANCELLED:
        EXPECT(t, r, may_be_cancelled(t, r), "it is cancelled");
        break;
    case RASK_ERROR:
        if (code == CODE_CLOSING && status == RASK_E_TASK)
            EXPECT(t, r, atomic_load(&now.is_closing), "it failed as if by the close");
        else if (status == RASK_E_TASK && code >= 0)
            EXPECT(t, r, code < 64 && r->codes >> code & 1, "it failed with code %d", (int)code);
        else if (status == RASK_E_TASK)
            EXPECT(t, r, r->codes || atomic_load(&now.is_closing), "it failed by rask_fail");
        else if (status != RASK_OK)
            EXPECT(t, r, status > -32 && r->statuses >> -status & 1, "it is an error, %s",
                   rask_status_name(status));
        else
            EXPECT(t, r, r->codes || r->statuses || atomic_load(&now.is_closing), "it is an error");
        break;
    default:
        VIOLATION(t, r, "its state is %d", (int)state);
    }
    if (is_final(before)) {
        EXPECT(t, r, state_of(before) == state, "its state was %d, now it is %d", (int)state_of(before),
               (int)state);
        EXPECT(t, r, !status || !status_of(before) || status_of(before) == status,
               "its status was %s, now %s", rask_status_name(status_of(before)), rask_status_name(status));
        EXPECT(t, r, code < 0 || code_of(before) < 0 || code_of(before) == code, "its code was %d, now %d",
               (int)code_of(before), (int)code);
    }
    /* More is known than before, or other than before where that may change. */
    ending after = ending_of(state, status, code);
    ending expected = before;
    if (after > before || !is_final(before))
        atomic_compare_exchange_strong(&r->seen, &expected, after);
}

/* The future was seen not to be done. */
static void saw_open(thread *t, record *r, ending before) {
    EXPECT(t, r, !is_final(before), "it was done, and is so no more");
}

static void saw_state(thread *t, record *r, ending before, rask_state state) {
    if (state == RASK_PENDING || state == RASK_RUNNING)
        saw_open(t, r, before);
    else
        saw_done(t, r, before, state, RASK_OK, -1);
}

/* What a call that waits for the future came back with. `is_ours`: the handle cannot have been released
 * meanwhile. */
static void saw_status(thread *t, record *r, ending before, rask_status status, bool is_ours) {
    if (status == RASK_OK)
        saw_done(t, r, before, RASK_FINISHED, RASK_OK, -1);
    else if (status == RASK_E_TIMEOUT)
        saw_open(t, r, before);
    else if (status == RASK_E_CANCELLED)
        saw_done(t, r, before, RASK_CANCELLED, status, -1);
    else if (status != RASK_E_HANDLE || is_ours)
        saw_done(t, r, before, RASK_ERROR, status, -1);
}

#endif
