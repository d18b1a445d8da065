/* rask_wait: every condition, the flags on every path, timeouts, many waiters. */
#include "check.h"

#define MS 1000000LL

static void nothing_to_wait_for(void) {
    for (int until = RASK_ALL_COMPLETED; until <= RASK_FIRST_ERROR; until++) {
        CHECK_OK(rask_wait(NULL, 0, until, 0, NULL));
        CHECK_OK(rask_wait(NULL, 0, until, RASK_FOREVER, NULL));
        bool unwritten = true;
        CHECK_OK(rask_wait(NULL, 0, until, RASK_FOREVER, &unwritten));
        CHECK(unwritten);
    }
}

static void all_completed(void) {
    gate *g[] = {gate_new(), gate_new()};
    rask_future f[] = {submit_held(client, g[0], 1), submit_held(client, g[1], 2),
                       rask_scatter(client, rask_i64(3))};
    bool done[3] = {true, true, false};
    CHECK_STATUS(rask_wait(f, 3, RASK_ALL_COMPLETED, 0, done), RASK_E_TIMEOUT);
    CHECK(!done[0] && !done[1] && done[2]);
    gate_open(g[1]);
    CHECK_OK(rask_wait(&f[1], 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    memset(done, 0, sizeof done);
    CHECK_STATUS(rask_wait(f, 3, RASK_ALL_COMPLETED, 5 * MS, done), RASK_E_TIMEOUT);
    CHECK(!done[0] && done[1] && done[2]);
    gate_open(g[0]);
    memset(done, 0, sizeof done);
    CHECK_OK(rask_wait(f, 3, RASK_ALL_COMPLETED, LONG_NS, done));
    CHECK(done[0] && done[1] && done[2]);
    CHECK_OK(rask_release_all(f, 3));
}

static void whatever_became_of_them(void) {
    gate *g = gate_new();
    rask_future held_one = submit_held(client, g, 1);
    rask_future f[] = {rask_submit(client, fail, RASK_ARGS(1, "no")),
                       rask_submit(client, inc, RASK_ARGS(held_one)), rask_submit(client, inc, RASK_ARGS(1))};
    bool done[3] = {false, false, false};
    CHECK_OK(rask_cancel(f[1], NULL));
    CHECK_OK(rask_wait(f, 3, RASK_ALL_COMPLETED, LONG_NS, done));
    CHECK(done[0] && done[1] && done[2]);
    gate_open(g);
    CHECK_OK(rask_release_all(f, 3));
    CHECK_OK(rask_release(held_one));
}

static void first_completed(void) {
    gate *g[] = {gate_new(), gate_new()};
    rask_future f[] = {submit_held(client, g[0], 1), submit_held(client, g[1], 2)};
    bool done[2] = {true, true};
    CHECK_STATUS(rask_wait(f, 2, RASK_FIRST_COMPLETED, 5 * MS, done), RASK_E_TIMEOUT);
    CHECK(!done[0] && !done[1]);
    gate_open(g[1]);
    CHECK_OK(rask_wait(f, 2, RASK_FIRST_COMPLETED, LONG_NS, done));
    CHECK(!done[0] && done[1]);
    CHECK_EQ(rask_future_state(f[0]), RASK_RUNNING);
    gate_open(g[0]);
    CHECK_OK(rask_wait(f, 2, RASK_ALL_COMPLETED, LONG_NS, done));
    CHECK(done[0] && done[1]);
    CHECK_OK(rask_release_all(f, 2));
}

static void first_completed_may_be_an_error(void) {
    gate *g = gate_new(), *bad = gate_new();
    rask_future f[] = {submit_held(client, g, 1),
                       rask_submit(client, held_fail, RASK_ARGS(rask_pointer(bad), 1, "no"))};
    bool done[2] = {true, false};
    gate_open(bad);
    CHECK_OK(rask_wait(f, 2, RASK_FIRST_COMPLETED, LONG_NS, done));
    CHECK(!done[0] && done[1]);
    gate_open(g);
    CHECK_OK(rask_release_all(f, 2));
}

static void first_error(void) {
    gate *g[] = {gate_new(), gate_new()};
    rask_future f[] = {rask_scatter(client, rask_i64(1)), submit_held(client, g[0], 1),
                       rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g[1]), 1, "no"))};
    bool done[3] = {false, true, true};
    CHECK_STATUS(rask_wait(f, 3, RASK_FIRST_ERROR, 5 * MS, done),
                 RASK_E_TIMEOUT); /* f[0] has finished: not enough */
    CHECK(done[0] && !done[1] && !done[2]);
    gate_open(g[1]);
    CHECK_OK(rask_wait(f, 3, RASK_FIRST_ERROR, LONG_NS, done));
    CHECK(done[0] && !done[1] && done[2]);
    gate_open(g[0]);
    CHECK_OK(rask_release_all(f, 3));
}

static void fail_soon(rask_task *t) {
    sleep_us(20000);
    rask_fail(t, 1, "meanwhile");
}

/* More than are watched one by one: the failure is that of one that is not. */
static void first_error_among_very_many(void) {
    enum { N = 5000 };
    static rask_future f[N];
    rask_lane lane = rask_lane_open(client, "never");
    rask_submit_options never = RASK_SUBMIT_OPTIONS_INIT;
    never.lane = lane;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++)
            f[i] = rask_submit_with(client, inc, RASK_ARGS(1), &never);
        CHECK_OK(rask_release(f[round]));
        if (round == 0) {
            f[round] = rask_submit(client, fail, RASK_ARGS(1, "before"));
            CHECK_OK(rask_wait(f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        } else {
            f[round] = rask_submit(client, fail_soon, RASK_NO_ARGS);
        }
        CHECK_OK(rask_wait(f, N, RASK_FIRST_ERROR, LONG_NS, NULL));
        CHECK_EQ(rask_future_state(f[round]), RASK_ERROR);
        CHECK_OK(rask_release_all(f, N));
    }
    CHECK_OK(rask_lane_close(lane));
}

static void first_error_counts_cancelled(void) {
    gate *g = gate_new();
    rask_future f[] = {submit_held(client, g, 1), submit_held(client, g, 2)};
    bool done[2] = {true, false};
    CHECK_OK(rask_cancel(f[1], NULL));
    CHECK_OK(rask_wait(f, 2, RASK_FIRST_ERROR, LONG_NS, done));
    CHECK(!done[0] && done[1]);
    gate_open(g);
    CHECK_OK(rask_release_all(f, 2));
}

static void first_error_ends_when_all_are_done_without_one(void) {
    gate *g = gate_new();
    rask_future f[] = {submit_held(client, g, 1), submit_held(client, g, 2),
                       rask_scatter(client, rask_i64(3))};
    bool done[3] = {false, false, false};
    gate_open(g);
    CHECK_OK(rask_wait(f, 3, RASK_FIRST_ERROR, LONG_NS, done));
    CHECK(done[0] && done[1] && done[2]);
    CHECK_OK(rask_release_all(f, 3));
}

static void zero_polls(void) {
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 1);
    const rask_value *value = NULL;
    for (int until = RASK_ALL_COMPLETED; until <= RASK_FIRST_ERROR; until++)
        CHECK_STATUS(rask_wait(&f, 1, until, 0, NULL), RASK_E_TIMEOUT);
    CHECK_STATUS(rask_result(f, 0, &value), RASK_E_TIMEOUT);
    CHECK(value == NULL);
    gate_open(g);
    CHECK_I64(f, 1);
    for (int until = RASK_ALL_COMPLETED; until <= RASK_FIRST_ERROR; until++)
        CHECK_OK(rask_wait(&f, 1, until, 0, NULL));
    CHECK_OK(rask_result(f, 0, &value));
    CHECK_OK(rask_release(f));
}

static void a_timeout_leaves_everything_as_it_was(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f[] = {x, rask_submit(client, inc, RASK_ARGS(x))};
    const rask_value *value = NULL;
    uint64_t handles = rask_live_handles();
    for (int i = 0; i < 200; i++) {
        CHECK_STATUS(rask_wait(f, 2, i % 3, (i % 5) * MS / 10, NULL), RASK_E_TIMEOUT);
        CHECK_STATUS(rask_result(f[1], i % 2 ? 1 : 0, &value), RASK_E_TIMEOUT);
    }
    CHECK_EQ(rask_live_handles(), handles);
    CHECK(rask_future_state(f[0]) <= RASK_RUNNING);
    CHECK_EQ(rask_future_state(f[1]), RASK_PENDING);
    gate_open(g);
    CHECK_OK(rask_wait(f, 2, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_I64(f[1], 2);
    CHECK_OK(rask_release_all(f, 2));
}

static void a_timeout_is_not_early(void) {
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 1);
    double before = now_seconds();
    CHECK_STATUS(rask_wait(&f, 1, RASK_ALL_COMPLETED, 50 * MS, NULL), RASK_E_TIMEOUT);
    CHECK(now_seconds() - before >= 0.049);
    gate_open(g);
    CHECK_OK(rask_release(f));
}

static void flags_when_the_call_fails(void) {
    gate *g = gate_new();
    rask_future finished = rask_scatter(client, rask_i64(1)), pending = submit_held(client, g, 1);
    rask_future stale = rask_scatter(client, rask_i64(2));
    CHECK_OK(rask_release(stale));
    rask_future f[] = {finished, stale, pending};
    bool done[3] = {true, true, true};
    CHECK_STATUS(rask_wait(f, 3, RASK_ALL_COMPLETED, LONG_NS, done), RASK_E_HANDLE);
    CHECK(!done[1] && !done[2]);
    memset(done, true, sizeof done);
    CHECK_STATUS(rask_wait(f, 3, 99, LONG_NS, done), RASK_E_INVALID);
    CHECK(!done[1] && !done[2]);
    memset(done, true, sizeof done);
    CHECK_STATUS(rask_wait(f, 3, RASK_ALL_COMPLETED, -7, done), RASK_E_INVALID);
    CHECK(!done[1] && !done[2]);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(finished, pending)));
}

static void the_same_future_twice(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_clone(x), f[] = {x, x, y, x};
    bool done[4] = {true, true, true, true};
    CHECK_STATUS(rask_wait(f, 4, RASK_ALL_COMPLETED, MS, done), RASK_E_TIMEOUT);
    for (int i = 0; i < 4; i++)
        CHECK(!done[i]);
    CHECK_STATUS(rask_wait(f, 4, RASK_FIRST_COMPLETED, MS, done), RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_OK(rask_wait(f, 4, RASK_ALL_COMPLETED, LONG_NS, done));
    for (int i = 0; i < 4; i++)
        CHECK(done[i]);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void *release_soon(void *context) {
    const struct timespec soon = {0, 5 * 1000 * 1000};
    nanosleep(&soon, NULL);
    CHECK_OK(rask_release(*(rask_future *)context));
    return NULL;
}

/* The clone's line is freed by the release: its waiters are told all the same. */
static void a_clone_is_released_meanwhile(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = submit_held(client, g, 2);
    for (int until = RASK_ALL_COMPLETED; until <= RASK_FIRST_ERROR; until++) {
        rask_future f[] = {x, y, rask_clone(x)};
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, release_soon, &f[2]), 0);
        CHECK_STATUS(rask_wait(f, 3, until, LONG_NS, NULL), RASK_E_HANDLE);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    gate_open(g);
    CHECK_OK(rask_wait(RASK_FUTURES(x, y), RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

typedef struct waiter {
    rask_future f;
    int how;
    atomic_int *woken;
} waiter;
static void *wait_for_it(void *context) {
    waiter *w = context;
    int64_t out = 0;
    if (w->how == RASK_FIRST_ERROR + 1) {
        CHECK_OK(rask_result_i64(w->f, &out));
        CHECK_EQ(out, 7);
    } else {
        CHECK_OK(rask_wait(&w->f, 1, w->how, w->how ? LONG_NS : RASK_FOREVER, NULL));
    }
    CHECK_EQ(rask_future_state(w->f), RASK_FINISHED);
    atomic_fetch_add(w->woken, 1);
    return NULL;
}

static void many_waiters_on_one_future(void) {
    enum { N = 32 };
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 7);
    atomic_int woken = 0;
    waiter w[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        w[i] = (waiter){f, i % 4, &woken};
        threads[i] = start_thread(wait_for_it, &w[i]);
    }
    sleep_us(20000);
    CHECK_EQ(atomic_load(&woken), 0);
    gate_open(g);
    for (int i = 0; i < N; i++)
        join_thread(threads[i]);
    CHECK_EQ(atomic_load(&woken), N);
    CHECK_OK(rask_release(f));
}

static void many_futures(void) {
    size_t n = scaled(100000);
    rask_future *f = malloc(n * sizeof *f);
    bool *done = malloc(n);
    CHECK(f && done);
    for (size_t i = 0; i < n; i++)
        f[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
    CHECK_OK(rask_wait(f, n, RASK_FIRST_COMPLETED, LONG_NS, done));
    CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, done));
    for (size_t i = 0; i < n; i++) {
        int64_t out = 0;
        CHECK(done[i]);
        CHECK_OK(rask_result_i64(f[i], &out));
        CHECK_EQ(out, (int64_t)i + 1);
    }
    CHECK_OK(rask_release_all(f, n));
    free(f);
    free(done);
}

/* Completion against timeout: whatever wins, the call tells the truth and the future is fine afterwards. */
static void timeouts_race_with_completion(void) {
    size_t rounds = scaled(20000);
    for (size_t i = 0; i < rounds; i++) {
        rask_future f[] = {rask_submit(client, inc, RASK_ARGS(1)), rask_submit(client, inc, RASK_ARGS(2))};
        bool done[2] = {false, false};
        rask_status status = rask_wait(f, 2, RASK_ALL_COMPLETED, (int64_t)(i % 50) * 200, done);
        CHECK(status == RASK_OK || status == RASK_E_TIMEOUT);
        if (status == RASK_OK)
            CHECK(done[0] && done[1]);
        for (int k = 0; k < 2; k++)
            if (done[k])
                CHECK_EQ(rask_future_state(f[k]), RASK_FINISHED);
        CHECK_I64(f[0], 2);
        CHECK_I64(f[1], 3);
        CHECK_OK(rask_release_all(f, 2));
    }
}

int main(void) {
    RUN(nothing_to_wait_for);
    RUN_WITH(2, all_completed);
    RUN_WITH(2, whatever_became_of_them);
    RUN_WITH(2, first_completed);
    RUN_WITH(2, first_completed_may_be_an_error);
    RUN_WITH(2, first_error);
    RUN_WITH(2, first_error_among_very_many);
    RUN_WITH(2, first_error_counts_cancelled);
    RUN_WITH(2, first_error_ends_when_all_are_done_without_one);
    RUN_WITH(2, zero_polls);
    RUN_WITH(2, a_timeout_leaves_everything_as_it_was);
    RUN_WITH(2, a_timeout_is_not_early);
    RUN_WITH(2, flags_when_the_call_fails);
    RUN_WITH(2, the_same_future_twice);
    RUN_WITH(2, a_clone_is_released_meanwhile);
    RUN_WITH(2, many_waiters_on_one_future);
    RUN_WITH(2, many_futures);
    RUN_WITH(2, timeouts_race_with_completion);
    return 0;
}
