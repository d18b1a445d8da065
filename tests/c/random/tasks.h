/* The tasks' functions. Each computes what the model foretells from the digests of its arguments; argument 0
 * is a salt, which tells submits apart, argument 1 the kind of the result, and the rest is as the function
 * says. */
#ifndef RASK_TESTS_RANDOM_TASKS_H
#define RASK_TESTS_RANDOM_TASKS_H

#include "values.h"

/* What the digests of the arguments are added to, one after the other. */
static inline uint64_t digest_begin(task_kind task) { return mixed(0x7a5c, task); }

static uint64_t digest_of_args(rask_task *t, task_kind task) {
    uint64_t digest = digest_begin(task);
    size_t n = rask_arg_count(t);
    for (size_t i = 0; i < n; i++)
        digest = mixed(digest, digest_of_arg(t, i));
    return digest;
}

/* (salt, kind, anything …) */
static void task_mix(rask_task *t) { return_made(t, (rask_kind)rask_arg_i64(t, 1), digest_of_args(t, MIX)); }

/* One item of a map: its only argument is anything. */
static void task_item(rask_task *t) { return_made(t, RASK_I64, digest_of_args(t, MIX)); }

/* (salt, code, anything …) */
static void task_fail(rask_task *t) {
    char message[32];
    snprintf(message, sizeof message, "code %d", (int)rask_arg_i64(t, 1));
    rask_fail(t, (int32_t)rask_arg_i64(t, 1), message);
    rask_fail(t, 61, "the second failure does not count");
    rask_return_object(t, box_new(1), &box_type); /* nor does this, but it is destroyed */
}

/* (salt, kind, failures, code, anything …): fails that many attempts. */
static void task_flaky(rask_task *t) {
    if ((int64_t)rask_task_attempt(t) > rask_arg_i64(t, 2)) {
        return_made(t, (rask_kind)rask_arg_i64(t, 1), digest_of_args(t, FLAKY));
        return;
    }
    char message[32];
    snprintf(message, sizeof message, "code %d", (int)rask_arg_i64(t, 3));
    rask_fail(t, (int32_t)rask_arg_i64(t, 3), message);
}

/* (salt, mistake, anything …) */
static void task_wrong(rask_task *t) {
    if (rask_arg_i64(t, 1) == 0) {
        EXPECT(NULL, NULL, rask_arg_bytes(t, 0, NULL) == NULL, "a number was read as bytes");
        EXPECT(NULL, NULL, rask_arg_object(t, 1, &box_type) == NULL, "a number was read as an object");
    } else {
        EXPECT(NULL, NULL, rask_arg_value(t, 1000) == NULL, "there is an argument 1000");
    }
    rask_return_i64(t, 1);
}

/* (salt, index, anything …): returns the argument. */
static void task_pass(rask_task *t) {
    rask_return_i64(t, 1);
    rask_return_arg(t, (size_t)rask_arg_i64(t, 1));
}

/* (salt, carrier): becomes what the future in the carrier becomes. */
static void task_forward(rask_task *t) {
    const carrier *c = rask_arg_object(t, 1, &carrier_type);
    EXPECT(NULL, NULL, c && c->alive == BOX_ALIVE, "a carrier that is none, or was destroyed");
    rask_future future = rask_clone(c->future);
    EXPECT(NULL, NULL, future.id != 0, "the handle in a carrier cannot be cloned");
    rask_return_future(t, future);
}

/* (salt, kind, microseconds): works for a while, less if it is cancelled. */
static void task_poll(rask_task *t) {
    double until = now_seconds() + (double)rask_arg_i64(t, 2) * 1e-6;
    while (!rask_cancelled(t) && now_seconds() < until)
        sched_yield();
    return_made(t, (rask_kind)rask_arg_i64(t, 1), digest_of_args(t, POLL));
}

static void task_nothing(rask_task *t) {
    EXPECT(NULL, NULL, rask_task_key(t) != NULL && rask_task_attempt(t) >= 1,
           "a task without key or attempt");
    EXPECT_STATUS(NULL, NULL, rask_client_close(rask_task_client(t)), RASK_E_STATE);
    rask_status drained = rask_client_wait(rask_task_client(t), 0);
    EXPECT(NULL, NULL,
           drained == RASK_E_DEADLOCK || (drained == RASK_E_CLOSED && atomic_load(&now.is_closing)),
           "a task that drains its own client is %s", rask_status_name(drained));
}

/* ---- tasks that submit and wait ---- */

enum { MAX_CHILDREN = 6, N_WAYS = 6 };

/* What child `index` of a task with this salt returns. */
static uint64_t child_value(uint64_t salt, uint64_t index) {
    uint64_t digest = mixed(digest_begin(MIX), digest_of_scalar(RASK_I64, salt + index));
    return mixed(digest, digest_of_scalar(RASK_I64, RASK_I64));
}
/* What a task of that many children adds up. */
static uint64_t children_value(uint64_t salt, uint64_t n) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum = mixed(sum, child_value(salt, i));
    return sum;
}

/* Whether this went as it must; if not, the client is being closed, and the task fails with the code for
 * that. */
static bool went_well(rask_task *t, rask_status status) {
    if (status == RASK_OK)
        return true;
    EXPECT(NULL, NULL, atomic_load(&now.is_closing), "a child is %s", rask_status_name(status));
    rask_fail(t, CODE_CLOSING, "the client is being closed");
    return false;
}

static rask_status wait_for_children(rask_future *children, size_t n, int64_t way) {
    rask_status status = RASK_OK;
    switch (way) {
    case 0:
        return rask_gather(children, n, RASK_FOREVER, NULL, NULL);
    case 1: {
        bool done[MAX_CHILDREN];
        status = rask_wait(children, n, RASK_ALL_COMPLETED, RASK_FOREVER, done);
        for (size_t i = 0; i < n && status == RASK_OK; i++)
            EXPECT(NULL, NULL, done[i], "a child is not done after a wait for all");
        return status;
    }
    case 2: {
        rask_as_completed iteration = rask_as_completed_open(children, n);
        size_t n_delivered = 0;
        if (iteration.id == 0)
            return rask_last_status();
        for (rask_future done; (status = rask_as_completed_next(iteration, RASK_FOREVER, &done)) == RASK_OK;)
            n_delivered++;
        if (status == RASK_END)
            EXPECT(NULL, NULL, n_delivered == n, "%zu of %zu children were delivered", n_delivered, n);
        EXPECT_STATUS(NULL, NULL, rask_as_completed_close(iteration), RASK_OK);
        return status == RASK_END ? RASK_OK : status;
    }
    case 3:
        status = rask_wait(children, n, RASK_FIRST_COMPLETED, RASK_FOREVER, NULL);
        return status;
    case 4: /* a wait with a limit, which may be over without anything being done */
        status = rask_wait(children, n, RASK_ALL_COMPLETED, 20 * 1000, NULL);
        return status == RASK_E_TIMEOUT ? RASK_OK : status;
    default:
        return RASK_OK;
    }
}

/* (salt, children, way): adds up what so many children return. */
static void task_children(rask_task *t) {
    uint64_t salt = (uint64_t)rask_arg_i64(t, 0), sum = 0;
    size_t n = (size_t)rask_arg_i64(t, 1);
    rask_future children[MAX_CHILDREN];
    rask_status status = RASK_OK;
    for (size_t i = 0; i < n; i++) {
        children[i] = rask_submit(rask_task_client(t), task_mix, RASK_ARGS(salt + i, RASK_I64));
        if (children[i].id == 0)
            status = rask_last_status();
    }
    if (status == RASK_OK)
        status = wait_for_children(children, n, rask_arg_i64(t, 2));
    for (size_t i = 0; i < n && went_well(t, status); i++) {
        int64_t value = 0;
        status = rask_result_i64(children[i], &value);
        if (status == RASK_OK)
            EXPECT(NULL, NULL, (uint64_t)value == child_value(salt, i), "child %zu has a wrong value", i);
        sum = mixed(sum, (uint64_t)value);
    }
    went_well(t, status);
    rask_status released = rask_release_all(children, n);
    EXPECT(NULL, NULL, released == RASK_OK, "the children cannot be released");
    rask_return_i64(t, (int64_t)sum);
}

#endif
