/* Operations that end handles, cancel, retry, and pass futures between threads. */
#ifndef RASK_TESTS_RANDOM_CHANGE_H
#define RASK_TESTS_RANDOM_CHANGE_H

#include "observe.h"

static void about_to_cancel(record *r) {
    atomic_store(&r->is_cancelled, true);
    if (r->family)
        atomic_store(&now.family_is_cancelled[r->family], true);
}

static void cancel(thread *t, handle h, bool is_ours) {
    ending before = atomic_load(&h.record->seen);
    about_to_cancel(h.record);
    rask_status status = rask_cancel(h.future, one_in(t, 2) ? NULL : "at random");
    if (status == RASK_OK)
        saw_done(t, h.record, before, RASK_CANCELLED, RASK_E_CANCELLED, -1);
    else if (status == RASK_E_STATE && is_ours && !now.program->retries)
        EXPECT(t, h.record, is_done(rask_future_state(h.future)), "it cannot be cancelled, but is not done");
    else
        EXPECT(t, h.record, status == RASK_E_STATE || (!is_ours && status == RASK_E_HANDLE), "a cancel is %s",
               rask_status_name(status));
}
static void op_cancel(thread *t) { cancel(t, t->pool[any(t)], true); }

static void retry(thread *t, handle h, bool is_ours) {
    record *r = h.record;
    ending before = atomic_load(&r->seen);
    rask_status status = rask_retry(h.future);
    switch (status) {
    case RASK_OK:
        EXPECT(t, r, now.program->retries, "a retry, where there was to be none");
        EXPECT(t, r, !r->is_mistake, "there is nothing to retry");
        EXPECT(t, r, state_of(before) != RASK_FINISHED, "a finished future was retried");
        break;
    case RASK_E_STATE:
        break;
    case RASK_E_CLOSED:
        EXPECT(t, r, atomic_load(&now.is_closing), "a retry finds the client closed");
        break;
    default:
        EXPECT(t, r, !is_ours && status == RASK_E_HANDLE, "a retry is %s", rask_status_name(status));
    }
}
static void op_retry(thread *t) { retry(t, t->pool[any(t)], true); }

/* Where nothing is to be retried, what is finished refuses it. */
static void op_retry_finished(thread *t) {
    handle h = t->pool[any(t)];
    if (state_of(atomic_load(&h.record->seen)) == RASK_FINISHED) {
        rask_status status = rask_retry(h.future);
        EXPECT(t, h.record,
               status == RASK_E_STATE || (status == RASK_E_CLOSED && atomic_load(&now.is_closing)),
               "a retry of a finished future is %s", rask_status_name(status));
    }
}

static handle cloned(thread *t, handle h) {
    rask_future clone = rask_clone(h.future);
    EXPECT(t, h.record, clone.id != 0 && clone.id != h.future.id, "it cannot be cloned");
    return (handle){clone, h.record};
}
static void op_clone(thread *t) {
    handle h = cloned(t, t->pool[any(t)]);
    put(t, h);
}

static void op_release(thread *t) { released(t, about_to_end(take_out(t, any(t)))); }

static void op_release_all(thread *t) {
    rask_future futures[4];
    size_t n = 0;
    while (n < 4 && t->n > 0 && !one_in(t, 4)) {
        futures[n] = about_to_end(take_out(t, any(t))).future;
        keep_stale(t, futures[n++]);
    }
    EXPECT_STATUS(t, NULL, rask_release_all(futures, n), RASK_OK);
    if (n)
        EXPECT_STATUS(t, NULL, rask_release_all(futures, n), RASK_E_HANDLE);
}

static void op_fire_and_forget(thread *t) {
    handle h = about_to_end(take_out(t, any(t)));
    EXPECT_STATUS(t, h.record, rask_fire_and_forget(h.future), RASK_OK);
    EXPECT_STATUS(t, h.record, rask_release(h.future), RASK_E_HANDLE);
    keep_stale(t, h.future);
}

/* ---- between threads ---- */

/* Puts a handle where the others find it, and takes what was there. */
static void op_give(thread *t) {
    handle mine = take_out(t, any(t)), theirs;
    size_t slot = below(t, N_EXCHANGE);
    pthread_mutex_lock(&now.lock);
    theirs = now.exchange[slot];
    now.exchange[slot] = mine;
    pthread_mutex_unlock(&now.lock);
    if (theirs.record)
        put(t, theirs);
}

/* Another handle of what is there. */
static void op_borrow(thread *t) {
    size_t slot = below(t, N_EXCHANGE);
    pthread_mutex_lock(&now.lock);
    handle theirs = now.exchange[slot];
    if (theirs.record)
        theirs = cloned(t, theirs);
    pthread_mutex_unlock(&now.lock);
    if (theirs.record)
        put(t, theirs);
}

/* Uses a handle that another thread may release at this very moment: then it is HANDLE, and nothing else. */
static void op_race(thread *t) {
    pthread_mutex_lock(&now.lock);
    handle h = now.exchange[below(t, N_EXCHANGE)];
    pthread_mutex_unlock(&now.lock);
    if (!h.record)
        return;
    record *r = h.record;
    ending before = atomic_load(&r->seen);
    switch (below(t, 10)) {
    case 0: {
        rask_state state = rask_future_state(h.future);
        if (state != RASK_E_HANDLE)
            saw_state(t, r, before, state);
        break;
    }
    case 1: {
        rask_future clone = rask_clone(h.future);
        if (clone.id)
            put(t, (handle){clone, r});
        else
            EXPECT_STATUS(t, r, rask_last_status(), RASK_E_HANDLE);
        break;
    }
    case 2: {
        int64_t number;
        rask_status status = rask_result_i64(h.future, &number);
        if (status == RASK_E_TYPE && r->kind != RASK_I64)
            break;
        saw_status(t, r, before, status, false);
        if (status == RASK_OK)
            EXPECT(t, r, digest_of_scalar(RASK_I64, (uint64_t)number) == r->digest, "a wrong value was read");
        break;
    }
    case 3:
        cancel(t, h, false);
        break;
    case 4:
        if (now.program->retries)
            retry(t, h, false);
        break;
    case 5: {
        rask_status status = rask_wait(&h.future, 1, RASK_FIRST_COMPLETED, random_timeout(t), NULL);
        EXPECT(t, r, status == RASK_OK || status == RASK_E_TIMEOUT || status == RASK_E_HANDLE, "a wait is %s",
               rask_status_name(status));
        break;
    }
    case 6: {
        rask_status status = RASK_OK;
        const rask_value *value; /* not read: it is borrowed from the handle */
        rask_status outcome = rask_gather(&h.future, 1, random_timeout(t), &value, &status);
        if (outcome == RASK_OK || outcome == RASK_E_TIMEOUT)
            saw_status(t, r, before, status, false);
        else
            EXPECT_STATUS(t, r, outcome, RASK_E_HANDLE);
        break;
    }
    case 7: {
        rask_error error = RASK_ERROR_INIT; /* nor are its words */
        rask_status status = rask_future_error(h.future, &error);
        if (status == RASK_E_STATE)
            saw_open(t, r, before);
        else if (status == RASK_OK && error.status != RASK_OK)
            saw_status(t, r, before, error.status, false);
        else
            EXPECT(t, r, status == RASK_OK || status == RASK_E_HANDLE, "its error is %s",
                   rask_status_name(status));
        break;
    }
    case 8: {
        char text[64];
        if (rask_future_describe(h.future, text, sizeof text) == 0)
            EXPECT_STATUS(t, r, rask_last_status(), RASK_E_HANDLE);
        break;
    }
    default: {
        building b;
        build(&b, t, MIX);
        if (r->client != b.client || r->depth >= MAX_DEPTH || r->weight > MAX_WEIGHT)
            break;
        add_i64(&b, (int64_t)new_salt(t));
        add_i64(&b, RASK_I64);
        b.is_known = false;
        needs(&b, r);
        add_arg(&b, rask_of(h.future), r->digest);
        will_make(&b, RASK_I64);
        b.record.statuses |= 1U << -RASK_E_HANDLE;
        chosen c = {.is_used = false, .is_pure = now.program->pure};
        submit(&b, task_mix, &c);
    }
    }
}

#endif
