/* Operations that look at futures and clients, and change nothing. */
#ifndef RASK_TESTS_RANDOM_OBSERVE_H
#define RASK_TESTS_RANDOM_OBSERVE_H

#include "submit.h"

static int64_t random_timeout(thread *t) {
    switch (below(t, 6)) {
    case 0:
    case 1:
        return 0;
    case 2:
        return (int64_t)below(t, 1000);
    case 3:
        return (int64_t)below(t, 200 * 1000);
    case 4:
        return LONG_NS;
    default:
        return RASK_FOREVER;
    }
}

static void check_value(thread *t, const record *r, const rask_value *value) {
    EXPECT(t, r, value != NULL, "a finished future has no value");
    EXPECT(t, r, rask_value_kind(value) == r->kind, "its value is of kind %d", (int)rask_value_kind(value));
    uint64_t digest = digest_of(value);
    EXPECT(t, r, digest == r->digest, "its value has the digest %016llx", (unsigned long long)digest);
}

static void op_state(thread *t) {
    handle h = t->pool[any(t)];
    ending before = atomic_load(&h.record->seen);
    saw_state(t, h.record, before, rask_future_state(h.future));
}

static uint64_t hash_of_text(const char *text) { return digest_of_bytes(text, strlen(text)) | 1; }

static void op_key(thread *t) {
    handle h = t->pool[any(t)];
    const char *key = rask_future_key(h.future);
    EXPECT(t, h.record, key != NULL && *key, "it has no key");
    uint64_t expected = 0, hash = hash_of_text(key);
    if (!atomic_compare_exchange_strong(&h.record->key, &expected, hash))
        EXPECT(t, h.record, expected == hash, "its key is now %s", key);
}

static void op_describe(thread *t) {
    static const char *const states[] = {"pending", "running", "finished", "error", "cancelled"};
    handle h = t->pool[any(t)];
    char text[512], cut[16];
    ending before = atomic_load(&h.record->seen);
    size_t length = rask_future_describe(h.future, text, sizeof text);
    EXPECT(t, h.record, length > 0, "nothing describes it");
    EXPECT(t, h.record, length >= sizeof text || strlen(text) == length, "%zu bytes describe it: %s", length,
           text);
    EXPECT(t, h.record, rask_future_describe(h.future, NULL, 0) > 0, "nothing describes it");
    size_t cut_length = rask_future_describe(h.future, cut, sizeof cut);
    EXPECT(t, h.record, strlen(cut) == (cut_length < sizeof cut ? cut_length : sizeof cut - 1),
           "a description is cut wrongly");
    const char *key = rask_future_key(h.future);
    EXPECT(t, h.record, strncmp(text, key, strlen(key)) == 0, "described as %s, its key is %s", text, key);
    bool names_a_state = false;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        names_a_state = names_a_state || contains(text + strlen(key), states[i]);
    EXPECT(t, h.record, names_a_state, "described without its state: %s", text);
    (void)before;
}

static void op_error(thread *t) {
    handle h = t->pool[any(t)];
    record *r = h.record;
    ending before = atomic_load(&r->seen);
    rask_error error = RASK_ERROR_INIT;
    rask_status status = rask_future_error(h.future, &error);
    if (status == RASK_E_STATE) {
        saw_open(t, r, before);
        EXPECT(t, r, error.status == RASK_OK && !error.message && !error.origin, "an error is not zeroed");
        return;
    }
    EXPECT_STATUS(t, r, status, RASK_OK);
    if (error.status == RASK_OK) {
        EXPECT(t, r, !error.message && !error.origin && !error.code,
               "a finished future has words of an error");
        saw_done(t, r, before, RASK_FINISHED, RASK_OK, -1);
        return;
    }
    EXPECT(t, r, error.message && *error.message && error.origin && *error.origin, "an error without words");
    EXPECT(t, r, error.status == RASK_E_TASK || error.code == 0, "code %d of no task", (int)error.code);
    if (error.status == RASK_E_TASK && error.code != CODE_CLOSING) {
        char message[32];
        snprintf(message, sizeof message, "code %d", (int)error.code);
        EXPECT(t, r, strcmp(error.message, message) == 0, "code %d says: %s", (int)error.code, error.message);
        if (r->attempts && r->n_inputs == 0 && !now.program->retries)
            EXPECT(t, r, error.attempts == r->attempts, "%u attempts instead of %u", (unsigned)error.attempts,
                   r->attempts);
    }
    rask_state state = error.status == RASK_E_CANCELLED ? RASK_CANCELLED : RASK_ERROR;
    saw_done(t, r, before, state, error.status, error.status == RASK_E_TASK ? error.code : -1);
}

static void op_result(thread *t) {
    handle h = t->pool[any(t)];
    ending before = atomic_load(&h.record->seen);
    const rask_value *value = (const rask_value *)&before;
    rask_status status = rask_result(h.future, random_timeout(t), &value);
    saw_status(t, h.record, before, status, true);
    if (status == RASK_OK)
        check_value(t, h.record, value);
    else
        EXPECT(t, h.record, value == NULL, "a value in spite of %s", rask_status_name(status));
}

/* The readers of one kind. A value of another kind is TYPE, and so may be an error of the future. */
static void op_result_of_kind(thread *t) {
    handle h = t->pool[any(t)];
    record *r = h.record;
    ending before = atomic_load(&r->seen);
    rask_status status;
    bool fits;
    uint64_t digest = 0;
    switch (below(t, 3)) {
    case 0: {
        int64_t number = 7;
        status = rask_result_i64(h.future, &number);
        fits = r->kind == RASK_I64;
        digest = digest_of_scalar(RASK_I64, (uint64_t)number);
        EXPECT(t, r, status == RASK_OK || number == 0, "the output is %lld on failure", (long long)number);
        break;
    }
    case 1: {
        double number = 7;
        status = rask_result_f64(h.future, &number);
        fits = r->kind == RASK_F64 || r->kind == RASK_I64;
        digest = r->kind == RASK_F64 ? digest_of_f64(number) : r->digest;
        EXPECT(t, r, status == RASK_OK || number == 0, "the output is %g on failure", number);
        break;
    }
    default: {
        const void *data = &before;
        size_t size = 7;
        status = rask_result_bytes(h.future, &data, &size);
        fits = r->kind == RASK_BYTES;
        digest = status == RASK_OK ? digest_of_bytes(data, size) : 0;
        EXPECT(t, r, status == RASK_OK || (!data && !size), "%zu bytes on failure", size);
    }
    }
    if (status == RASK_OK)
        EXPECT(t, r, fits && digest == r->digest, "a wrong value was read");
    if (status == RASK_E_TYPE && r->has_value && !fits)
        return; /* of the value, or of an error */
    saw_status(t, r, before, status, true);
}

/* ---- several ---- */

enum { MAX_SAMPLE = 8 };

/* Some of the thread's futures, with repetitions. */
typedef struct sample {
    size_t n;
    record *records[MAX_SAMPLE];
    rask_future futures[MAX_SAMPLE];
    ending before[MAX_SAMPLE];
} sample;

static sample take_sample(thread *t) {
    sample s = {.n = t->n ? below(t, MAX_SAMPLE + 1) : 0};
    for (size_t i = 0; i < s.n; i++) {
        handle h = t->pool[any(t)];
        s.records[i] = h.record;
        s.futures[i] = h.future;
        s.before[i] = atomic_load(&h.record->seen);
    }
    return s;
}

/* Whether one failed, or was cancelled, is only known once it is looked at. */
static void op_wait(thread *t) {
    sample s = take_sample(t);
    bool done[MAX_SAMPLE], has_flags = !one_in(t, 4);
    memset(done, 0x55, sizeof done); /* not a bool: all are to be written */
    int32_t until = (int32_t)below(t, 3);
    rask_status status =
        rask_wait(s.n ? s.futures : NULL, s.n, until, random_timeout(t), has_flags ? done : NULL);
    EXPECT(t, NULL, status == RASK_OK || (status == RASK_E_TIMEOUT && s.n > 0), "a wait is %s",
           rask_status_name(status));
    if (!has_flags)
        return;
    size_t n_done = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char flag;
        memcpy(&flag, &done[i], 1);
        EXPECT(t, s.records[i], flag <= 1, "a flag was not written");
        n_done += flag;
        if (!flag)
            saw_open(t, s.records[i], s.before[i]);
        else if (!now.program->retries)
            EXPECT(t, s.records[i], is_done(rask_future_state(s.futures[i])), "flagged as done, but is not");
    }
    bool is_met = until == RASK_ALL_COMPLETED ? n_done == s.n : n_done > 0 || s.n == 0;
    if (status == RASK_OK)
        EXPECT(t, NULL, is_met, "a wait until %d is over with %zu of %zu done", (int)until, n_done, s.n);
    else if (until != RASK_FIRST_ERROR)
        EXPECT(t, NULL, !is_met, "a wait until %d timed out with %zu of %zu done", (int)until, n_done, s.n);
    else
        EXPECT(t, NULL, n_done < s.n, "a wait for an error timed out with all done");
}

static void op_gather(thread *t) {
    sample s = take_sample(t);
    const rask_value *values[MAX_SAMPLE];
    rask_status statuses[MAX_SAMPLE];
    for (size_t i = 0; i < s.n; i++) {
        values[i] = (const rask_value *)&s;
        statuses[i] = 7;
    }
    bool has_values = !one_in(t, 4);
    rask_status status = rask_gather(s.n ? s.futures : NULL, s.n, random_timeout(t),
                                     has_values ? values : NULL, s.n ? statuses : NULL);
    bool is_open = false;
    for (size_t i = 0; i < s.n; i++) {
        saw_status(t, s.records[i], s.before[i], statuses[i], true);
        is_open = is_open || statuses[i] == RASK_E_TIMEOUT;
        if (has_values && statuses[i] == RASK_OK)
            check_value(t, s.records[i], values[i]);
        else if (has_values)
            EXPECT(t, s.records[i], values[i] == NULL, "a value in spite of %s",
                   rask_status_name(statuses[i]));
    }
    EXPECT_STATUS(t, NULL, status, is_open ? RASK_E_TIMEOUT : RASK_OK);
}

/* Without statuses the first error ends it. */
static void op_gather_first(thread *t) {
    sample s = take_sample(t);
    const rask_value *values[MAX_SAMPLE];
    for (size_t i = 0; i < s.n; i++)
        values[i] = (const rask_value *)&s;
    rask_status status = rask_gather(s.futures, s.n, random_timeout(t), values, NULL);
    bool explains = status == RASK_OK || (status == RASK_E_TIMEOUT && s.n > 0);
    bool may_wait = false; /* for one that is not known to be done */
    for (size_t i = 0; i < s.n; i++) {
        record *r = s.records[i];
        may_wait = may_wait || !is_final(s.before[i]);
        if (status == RASK_OK)
            saw_status(t, r, s.before[i], RASK_OK, true);
        if (status == RASK_OK || values[i])
            check_value(t, r, values[i]);
        if (status == RASK_E_CANCELLED)
            explains = explains || may_be_cancelled(t, r);
        else if (status == RASK_E_TASK)
            explains = explains || r->codes || atomic_load(&now.is_closing);
        else if (status < 0)
            explains = explains || r->statuses >> -status & 1;
    }
    EXPECT(t, NULL, explains, "a gather of %zu is %s", s.n, rask_status_name(status));
    EXPECT(t, NULL, status != RASK_E_TIMEOUT || may_wait, "a gather of what is done timed out");
}

static void op_progress(thread *t) {
    sample s = take_sample(t);
    const char *label = one_in(t, 2) ? NULL : "random";
    rask_status status = one_in(t, 2) ? rask_progress(s.n ? s.futures : NULL, s.n, label)
                                      : rask_progress_start(s.n ? s.futures : NULL, s.n, label);
    EXPECT_STATUS(t, NULL, status, RASK_OK);
}

/* ---- clients ---- */

static void op_client_wait(thread *t) {
    unsigned client = (unsigned)below(t, now.program->n_clients);
    rask_status status = rask_client_wait(now.clients[client], (int64_t)below(t, 3) * 50 * 1000);
    EXPECT(t, NULL,
           status == RASK_OK || status == RASK_E_TIMEOUT ||
               (status == RASK_E_CLOSED && atomic_load(&now.is_closing)),
           "a drain is %s", rask_status_name(status));
}

static void op_stats(thread *t) {
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    unsigned client = (unsigned)below(t, now.program->n_clients);
    rask_status status = rask_client_get_stats(now.clients[client], &stats);
    if (status == RASK_E_CLOSED && atomic_load(&now.is_closing))
        return;
    EXPECT_STATUS(t, NULL, status, RASK_OK);
    EXPECT(t, NULL, stats.n_workers == now.program->n_workers, "%u workers", (unsigned)stats.n_workers);
    /* They are read one after the other: a difference may be a moment old, but never negative. */
    EXPECT(
        t, NULL, stats.n_pending < 1ULL << 40 && stats.live_futures < 1ULL << 40 && stats.nbytes < 1ULL << 40,
        "a difference is negative: %llu pending, %llu live, %llu bytes", (unsigned long long)stats.n_pending,
        (unsigned long long)stats.live_futures, (unsigned long long)stats.nbytes);
}

static void op_trace(thread *t) {
    rask_client client = now.clients[below(t, now.program->n_clients)];
    rask_status status = one_in(t, 2) ? rask_trace_start(client, "/dev/null") : rask_trace_stop(client);
    EXPECT(t, NULL,
           status == RASK_OK || status == RASK_E_STATE ||
               (status == RASK_E_CLOSED && atomic_load(&now.is_closing)),
           "a trace is %s", rask_status_name(status));
}

static void op_dump(thread *t) {
    atomic_fetch_add(&now.n_dumps, 1);
    rask_status status = rask_client_dump(now.clients[below(t, now.program->n_clients)], "/dev/null");
    atomic_fetch_add(&now.n_dumps_ended, 1);
    EXPECT(t, NULL, status == RASK_OK || (status == RASK_E_CLOSED && atomic_load(&now.is_closing)),
           "a dump is %s", rask_status_name(status));
}

#endif
