/* Calls that are wrong in every way: each is the status that is documented, with its outputs written, and
 * changes nothing that the model knows. */
#ifndef RASK_TESTS_RANDOM_BAD_H
#define RASK_TESTS_RANDOM_BAD_H

#include "lazy.h"

#define REFUSED(call, want)                                                                                  \
    do {                                                                                                     \
        rask_status refused = (call);                                                                        \
        EXPECT(t, NULL, refused == (want), "%s is %s, expected %s", #call, rask_status_name(refused),        \
               rask_status_name(want));                                                                      \
        EXPECT(t, NULL, rask_last_status() == (want), "the last status is not %s", rask_status_name(want));  \
    } while (0)
/* Of a call that does not return its status. */
#define FAILED(condition, want)                                                                              \
    do {                                                                                                     \
        EXPECT(t, NULL, condition, "%s is false", #condition);                                               \
        EXPECT(t, NULL, rask_last_status() == (want), "the last status is %s, not %s",                       \
               rask_status_name(rask_last_status()), rask_status_name(want));                                \
    } while (0)

/* An id that is no future's, or no longer. */
static rask_future bad_future(thread *t) {
    switch (below(t, 6)) {
    case 0:
        return (rask_future){UINT64_MAX};
    case 1:
        return (rask_future){now.clients[0].id};
    case 2:
        return (rask_future){t->iteration.id.id};
    case 3:
        return (rask_future){t->n_lazy ? t->lazy[0].id.id : 1};
    case 4:
        return t->n_stale ? t->stale[below(t, t->n_stale < N_STALE ? t->n_stale : N_STALE)]
                          : (rask_future){0};
    default:
        return (rask_future){0};
    }
}
static uint64_t bad_id(thread *t) { return bad_future(t).id; }

static void bad_one(thread *t, rask_future bad) {
    const rask_value *value = (const rask_value *)&bad;
    const void *data = &bad;
    size_t size = 7;
    int64_t number = 7;
    double real = 7;
    char text[8] = "before";
    rask_error error = RASK_ERROR_INIT;
    error.code = 7;
    switch (below(t, 13)) {
    case 0:
        REFUSED(rask_future_state(bad), RASK_E_HANDLE);
        break;
    case 1:
        FAILED(rask_future_key(bad) == NULL, RASK_E_HANDLE);
        break;
    case 2:
        FAILED(rask_future_describe(bad, text, sizeof text) == 0 && !*text, RASK_E_HANDLE);
        break;
    case 3:
        REFUSED(rask_result(bad, RASK_FOREVER, &value), RASK_E_HANDLE);
        EXPECT(t, NULL, value == NULL, "a bad handle has a value");
        break;
    case 4:
        REFUSED(rask_result_i64(bad, &number), RASK_E_HANDLE);
        EXPECT(t, NULL, number == 0, "a bad handle has a number");
        break;
    case 5:
        REFUSED(rask_result_f64(bad, &real), RASK_E_HANDLE);
        EXPECT(t, NULL, real == 0, "a bad handle has a number");
        break;
    case 6:
        REFUSED(rask_result_bytes(bad, &data, &size), RASK_E_HANDLE);
        EXPECT(t, NULL, !data && !size, "a bad handle has bytes");
        break;
    case 7:
        REFUSED(rask_future_error(bad, &error), RASK_E_HANDLE);
        EXPECT(t, NULL, !error.code && !error.message && !error.origin, "a bad handle has an error");
        break;
    case 8:
        REFUSED(rask_cancel(bad, "bad"), RASK_E_HANDLE);
        break;
    case 9:
        REFUSED(rask_retry(bad), RASK_E_HANDLE);
        break;
    case 10:
        FAILED(rask_clone(bad).id == 0, RASK_E_HANDLE);
        break;
    case 11:
        if (bad.id)
            REFUSED(rask_release(bad), RASK_E_HANDLE);
        else
            EXPECT_STATUS(t, NULL, rask_release(bad), RASK_OK);
        break;
    default:
        REFUSED(rask_fire_and_forget(bad), RASK_E_HANDLE);
    }
}

/* One bad future among good ones. */
static void bad_among(thread *t, rask_future bad) {
    sample s = take_sample(t);
    const rask_value *values[MAX_SAMPLE];
    rask_status statuses[MAX_SAMPLE];
    bool done[MAX_SAMPLE];
    if (s.n == 0)
        s.n = 1;
    size_t at = below(t, s.n);
    s.futures[at] = bad;
    switch (below(t, 8)) {
    case 0:
        REFUSED(rask_wait(s.futures, s.n, (int32_t)below(t, 3), RASK_FOREVER, done), RASK_E_HANDLE);
        break;
    case 1:
        REFUSED(rask_gather(s.futures, s.n, RASK_FOREVER, values, statuses), RASK_E_HANDLE);
        break;
    case 2: {
        rask_as_completed iter = rask_as_completed_open(s.futures, s.n);
        FAILED(iter.id == 0, RASK_E_HANDLE);
        break;
    }
    case 3:
        if (t->iteration.id.id) {
            REFUSED(rask_as_completed_add(t->iteration.id, s.futures, s.n), RASK_E_HANDLE);
            EXPECT(t, NULL, rask_as_completed_count(t->iteration.id) == t->iteration.n,
                   "some futures were added beside a bad one");
        }
        break;
    case 4:
        REFUSED(rask_progress(s.futures, s.n, NULL), RASK_E_HANDLE);
        break;
    case 5:
        REFUSED(rask_progress_start(s.futures, s.n, NULL), RASK_E_HANDLE);
        break;
    case 6:
        REFUSED(rask_on_done(bad, called_back, NULL), RASK_E_HANDLE);
        break;
    default:
        if (bad.id) { /* the others are released all the same */
            handle h = cloned(t, t->pool[any(t)]);
            about_to_end(h);
            REFUSED(rask_release_all(RASK_FUTURES(bad, h.future)), RASK_E_HANDLE);
            REFUSED(rask_release(h.future), RASK_E_HANDLE);
        }
    }
}

/* A good future, and something else that is wrong. */
static void bad_argument(thread *t, rask_future good) {
    const rask_value *value = (const rask_value *)&good;
    int64_t timeout = -2 - (int64_t)below(t, INT64_MAX - 2);
    rask_status status;
    bool flag;
    struct {
        rask_error error;
        char tail[16];
    } longer = {.error = RASK_ERROR_INIT, .tail = "not zero"};
    switch (below(t, 17)) {
    case 0:
        REFUSED(rask_result(good, RASK_FOREVER, NULL), RASK_E_INVALID);
        break;
    case 1:
        REFUSED(rask_result(good, timeout, &value), RASK_E_INVALID);
        EXPECT(t, NULL, value == NULL, "a value in spite of a bad timeout");
        break;
    case 2:
        REFUSED(rask_result_i64(good, NULL), RASK_E_INVALID);
        break;
    case 3:
        REFUSED(rask_future_error(good, NULL), RASK_E_INVALID);
        break;
    case 4:
        longer.error.struct_size = below(t, sizeof(rask_error));
        REFUSED(rask_future_error(good, &longer.error), RASK_E_INVALID);
        break;
    case 5:
        longer.error.struct_size = sizeof longer;
        REFUSED(rask_future_error(good, &longer.error), RASK_E_INVALID);
        break;
    case 6:
        FAILED(rask_future_describe(good, NULL, 10) == 0, RASK_E_INVALID);
        break;
    case 7:
        REFUSED(rask_on_done(good, NULL, NULL), RASK_E_INVALID);
        break;
    case 8:
        REFUSED(rask_wait(NULL, 1 + below(t, 9), RASK_ALL_COMPLETED, RASK_FOREVER, NULL), RASK_E_INVALID);
        break;
    case 9:
        REFUSED(rask_wait(&good, 1, 3 + (int32_t)below(t, 99), RASK_FOREVER, &flag), RASK_E_INVALID);
        break;
    case 10:
        REFUSED(rask_wait(&good, 1, RASK_ALL_COMPLETED, timeout, &flag), RASK_E_INVALID);
        break;
    case 11:
        REFUSED(rask_wait(&good, SIZE_MAX - below(t, 99), RASK_ALL_COMPLETED, 0, NULL), RASK_E_INVALID);
        break;
    case 12:
        REFUSED(rask_gather(NULL, 2, 0, NULL, NULL), RASK_E_INVALID);
        break;
    case 13:
        REFUSED(rask_gather(&good, 1, timeout, &value, &status), RASK_E_INVALID);
        break;
    case 14:
        FAILED(rask_as_completed_open(NULL, 2).id == 0, RASK_E_INVALID);
        break;
    case 15:
        REFUSED(rask_release_all(NULL, 2), RASK_E_INVALID);
        break;
    default:
        REFUSED(rask_progress(NULL, 2, NULL), RASK_E_INVALID);
    }
}

static void bad_client(thread *t) {
    /* An id that is no client's. */
    rask_client bad = {one_in(t, 3) && t->n ? t->pool[any(t)].future.id : one_in(t, 2) ? UINT64_MAX : 0};
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    rask_future out[2] = {{7}, {7}};
    rask_arg items[2] = {rask_i64(1), rask_object(box_new(2), &box_type)};
    stats.n_submitted = 7;
    switch (below(t, 10)) {
    case 0:
        FAILED(rask_submit(bad, task_mix, items, 2).id == 0, RASK_E_HANDLE);
        return; /* the object was taken */
    case 1:
        FAILED(rask_submit_with(bad, task_mix, items, 2, NULL).id == 0, RASK_E_HANDLE);
        return;
    case 2:
        REFUSED(rask_map(bad, task_item, items, 2, NULL, out), RASK_E_HANDLE);
        EXPECT(t, NULL, !out[0].id && !out[1].id, "a bad client made futures");
        return;
    case 3:
        FAILED(rask_scatter(bad, items[1]).id == 0, RASK_E_HANDLE);
        return;
    case 9: {
        rask_submission tasks[2] = {{task_mix, items, 1}, {task_mix, items + 1, 1}};
        REFUSED(rask_submit_all(bad, tasks, 2, NULL, out), RASK_E_HANDLE);
        EXPECT(t, NULL, !out[0].id && !out[1].id, "a bad client made futures");
        return;
    }
    case 4:
        REFUSED(rask_client_wait(bad, RASK_FOREVER), RASK_E_HANDLE);
        break;
    case 5:
        REFUSED(rask_client_close(bad), RASK_E_HANDLE);
        break;
    case 6:
        REFUSED(rask_client_get_stats(bad, &stats), RASK_E_HANDLE);
        EXPECT(t, NULL, stats.n_submitted == 0, "a bad client has figures");
        break;
    case 7:
        REFUSED(one_in(t, 2) ? rask_trace_start(bad, "/dev/null") : rask_trace_stop(bad), RASK_E_HANDLE);
        break;
    default:
        REFUSED(rask_client_dump(bad, "/dev/null"), RASK_E_HANDLE);
    }
    items[1].kind = RASK_OBJECT; /* never passed */
    box_destroy((void *)(uintptr_t)items[1].payload);
}

static void bad_client_argument(thread *t) {
    rask_client good = now.clients[0];
    rask_client_stats stats = {.struct_size = below(t, sizeof(rask_client_stats))};
    rask_future out[2] = {{7}, {7}};
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    switch (below(t, 10)) {
    case 0:
        REFUSED(rask_client_wait(good, -2 - (int64_t)below(t, 99)), RASK_E_INVALID);
        break;
    case 1:
        REFUSED(rask_client_get_stats(good, NULL), RASK_E_INVALID);
        break;
    case 2:
        REFUSED(rask_client_get_stats(good, &stats), RASK_E_INVALID);
        break;
    case 3:
        REFUSED(rask_map(good, task_item, NULL, 2, NULL, out), RASK_E_INVALID);
        EXPECT(t, NULL, !out[0].id && !out[1].id, "a map without items made futures");
        break;
    case 4:
        REFUSED(rask_map(good, task_item, RASK_ARGS(rask_object(box_new(3), &box_type)), NULL, NULL),
                RASK_E_INVALID);
        break;
    case 5:
        REFUSED(rask_trace_start(good, NULL), RASK_E_INVALID);
        break;
    case 6:
        REFUSED(rask_client_dump(good, "/nowhere/at all"), RASK_E_INVALID);
        break;
    case 7:
        options.n_workers = 1025 + (uint32_t)below(t, 99);
        FAILED(rask_client_open(&options).id == 0, RASK_E_INVALID);
        break;
    case 8:
        options.flags = 1U << (8 + below(t, 24));
        FAILED(rask_client_open(&options).id == 0, RASK_E_INVALID);
        break;
    default:
        options.struct_size = below(t, sizeof options / 2);
        FAILED(rask_client_open(&options).id == 0, RASK_E_INVALID);
    }
}

static void bad_iteration(thread *t) {
    rask_as_completed bad = {bad_id(t)};
    if (bad.id && bad.id == t->iteration.id.id)
        bad.id = t->n ? t->pool[any(t)].future.id : 0;
    rask_future out = {7};
    switch (below(t, 7)) {
    case 0:
        REFUSED(rask_as_completed_add(bad, NULL, 0), RASK_E_HANDLE);
        break;
    case 1:
        REFUSED(rask_as_completed_next(bad, RASK_FOREVER, &out), RASK_E_HANDLE);
        EXPECT(t, NULL, out.id == 0, "a bad iteration delivered");
        break;
    case 2:
        FAILED(rask_as_completed_count(bad) == 0, RASK_E_HANDLE);
        break;
    case 3:
        FAILED(rask_as_completed_fd(bad) == -1, RASK_E_HANDLE);
        break;
    case 4:
        REFUSED(rask_as_completed_close(bad), RASK_E_HANDLE);
        break;
    case 5:
        if (t->iteration.id.id)
            REFUSED(rask_as_completed_next(t->iteration.id, -2, &out), RASK_E_INVALID);
        break;
    default:
        if (t->iteration.id.id)
            REFUSED(rask_as_completed_next(t->iteration.id, 0, NULL), RASK_E_INVALID);
    }
}

static void bad_lazy(thread *t) {
    rask_delayed bad = {bad_id(t)};
    if (bad.id && t->n_lazy && bad.id == t->lazy[0].id.id)
        bad.id = 0;
    rask_future out = {7};
    switch (below(t, 4)) {
    case 0:
        if (bad.id)
            REFUSED(rask_delayed_release(bad), RASK_E_HANDLE);
        else
            EXPECT_STATUS(t, NULL, rask_delayed_release(bad), RASK_OK);
        break;
    case 1: {
        bool was_closed = atomic_load(&now.is_closed);
        out = rask_compute(now.clients[0], bad);
        if (!is_made(t, out, was_closed))
            break;
        EXPECT_STATUS(t, NULL, rask_future_state(out), RASK_ERROR);
        EXPECT_STATUS(t, NULL, rask_result(out, 0, &(const rask_value *){NULL}), RASK_E_HANDLE);
        EXPECT_STATUS(t, NULL, rask_release(out), RASK_OK);
        break;
    }
    case 2:
        if (!atomic_load(&now.is_closing))
            REFUSED(rask_compute_all(now.clients[0], NULL, 2, &out), RASK_E_INVALID);
        break;
    default:
        REFUSED(rask_compute_all((rask_client){0}, NULL, 0, NULL), RASK_E_HANDLE);
    }
}

/* Readers and tasks that are NULL. */
static void bad_null(thread *t) {
    int64_t number = 7;
    double real = 7;
    void *at = &number;
    const void *data = &number;
    size_t size = 7;
    REFUSED(rask_value_i64(NULL, &number), RASK_E_INVALID);
    REFUSED(rask_value_f64(NULL, &real), RASK_E_INVALID);
    REFUSED(rask_value_bytes(NULL, &data, &size), RASK_E_INVALID);
    REFUSED(rask_value_pointer(NULL, &at), RASK_E_INVALID);
    EXPECT(t, NULL, !number && real == 0 && !data && !size && !at, "outputs were not zeroed");
    REFUSED(rask_value_object(NULL, &box_type, &at), RASK_E_INVALID);
    REFUSED(rask_bytes_write(NULL, "x", 1), RASK_E_INVALID);
    EXPECT(t, NULL,
           rask_value_kind(NULL) == RASK_NONE && !rask_value_count(NULL) && !rask_value_at(NULL, 0) &&
               !rask_value_nbytes(NULL),
           "NULL is a value");
    EXPECT(t, NULL,
           !rask_arg_count(NULL) && !rask_arg_value(NULL, 0) && !rask_arg_i64(NULL, 0) &&
               !rask_arg_str(NULL, 0) && !rask_return_buffer(NULL, 1) && !rask_cancelled(NULL) &&
               !rask_task_attempt(NULL) && !rask_task_key(NULL) && !rask_task_client(NULL).id,
           "NULL is a task");
    rask_return_i64(NULL, 1);
    rask_return_object(NULL, box_new(4), &box_type);
    rask_return_future(NULL, t->n_stale ? t->stale[0] : (rask_future){0});
    rask_fail(NULL, 1, "nobody");
    EXPECT(t, NULL, strcmp(rask_status_name(-99), "RASK_E_UNKNOWN") == 0, "-99 is a status");
}

static void op_bad(thread *t) {
    switch (below(t, 10)) {
    case 0:
    case 1:
        bad_one(t, bad_future(t));
        break;
    case 2:
        bad_among(t, bad_future(t));
        break;
    case 3:
        bad_argument(t, t->pool[any(t)].future);
        break;
    case 4:
        bad_client(t);
        break;
    case 5:
        if (!now.program->closes_early)
            bad_client_argument(t);
        break;
    case 6:
        bad_iteration(t);
        break;
    case 7:
        bad_lazy(t);
        break;
    case 8:
        bad_null(t);
        break;
    default:
        op_mistake(t);
    }
}

#endif
