/* rask_as_completed: futures in the order in which they are done; added meanwhile, closed early. */
#include "as_completed.h"

/* ---- order ---- */

static void nothing_to_iterate(void) {
    rask_as_completed iter = open_iter(NULL, 0);
    CHECK_EQ(rask_live_handles(), 2); /* the client, too */
    CHECK_EQ(rask_as_completed_count(iter), 0);
    CHECK_NO_NEXT(iter, 0, RASK_END);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_as_completed_add(iter, NULL, 0));
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
}

static void in_the_order_they_are_done(void) {
    gate *g[] = {gate_new(), gate_new(), gate_new()};
    rask_future f[3];
    for (int i = 0; i < 3; i++)
        f[i] = submit_held(client, g[i], i);
    rask_as_completed iter = open_iter(f, 3);
    static const int order[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rask_as_completed_count(iter), 3 - i);
        CHECK_NO_NEXT(iter, 0, RASK_E_TIMEOUT);
        gate_open(g[order[i]]);
        CHECK_NEXT(iter, f[order[i]]);
        CHECK_I64(f[order[i]], order[i]);
    }
    CHECK_EQ(rask_as_completed_count(iter), 0);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, 3));
}

static void what_is_done_already_in_the_order_added(void) {
    enum { N = 100 };
    rask_future f[N], g[N];
    for (int i = 0; i < N; i++) {
        f[i] = rask_scatter(client, rask_i64(i));
        g[i] = rask_submit(client, i % 2 ? fail : inc, RASK_ARGS(i, "odd"));
    }
    CHECK_OK(rask_wait(g, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    rask_as_completed iter = open_iter(f, N);
    CHECK_OK(rask_as_completed_add(iter, g, N));
    CHECK_EQ(rask_as_completed_count(iter), 2 * N);
    for (int i = 0; i < N; i++)
        CHECK_NEXT(iter, f[i]);
    for (int i = 0; i < N; i++)
        CHECK_NEXT(iter, g[i]);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release_all(g, N));
}

static void as_often_as_it_was_added(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_clone(x);
    rask_as_completed iter = open_iter(RASK_FUTURES(x, x, y));
    CHECK_OK(rask_as_completed_add(iter, &x, 1));
    CHECK_EQ(rask_as_completed_count(iter), 4);
    gate_open(g);
    int xs = 0, ys = 0;
    for (int i = 0; i < 4; i++) {
        rask_future got = {0};
        CHECK_OK(rask_as_completed_next(iter, LONG_NS, &got));
        xs += got.id == x.id;
        ys += got.id == y.id;
    }
    CHECK_EQ(xs, 3);
    CHECK_EQ(ys, 1);
    CHECK_NO_NEXT(iter, 0, RASK_END);
    CHECK_OK(rask_as_completed_add(iter, RASK_FUTURES(y, y))); /* again, after the end */
    CHECK_EQ(rask_as_completed_count(iter), 2);
    CHECK_NEXT(iter, y);
    CHECK_NEXT(iter, y);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void errors_and_cancelled_ones_too(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), wrong = rask_submit(client, NULL, RASK_NO_ARGS),
                bad = rask_submit(client, fail, RASK_ARGS(1, "no")),
                y = rask_submit(client, inc, RASK_ARGS(x)), z = rask_submit(client, inc, RASK_ARGS(y));
    CHECK_OK(rask_wait(&bad, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    rask_as_completed iter = open_iter(RASK_FUTURES(x, wrong, bad, z));
    CHECK_NEXT(iter, wrong);
    CHECK_NEXT(iter, bad);
    CHECK_NO_NEXT(iter, MS, RASK_E_TIMEOUT);
    CHECK_OK(rask_cancel(y, NULL));
    CHECK_NEXT(iter, z); /* cancelled with what it depends on */
    CHECK_EQ(rask_future_state(z), RASK_CANCELLED);
    CHECK_OK(rask_cancel(x, NULL)); /* while it runs */
    CHECK_NEXT(iter, x);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    gate_open(g);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, wrong, bad, y, z)));
}

static void futures_of_several_clients(void) {
    gate *g[] = {gate_new(), gate_new()};
    rask_client other = open_workers(1);
    rask_future f[] = {submit_held(client, g[0], 1), submit_held(other, g[1], 2)};
    rask_as_completed iter = open_iter(f, 2);
    gate_open(g[1]);
    CHECK_NEXT(iter, f[1]);
    gate_open(g[0]);
    CHECK_NEXT(iter, f[0]);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_client_close(other));
    CHECK_OK(rask_as_completed_add(iter, &f[1], 1)); /* its client is closed */
    CHECK_NEXT(iter, f[1]);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, 2));
}

static void an_iteration_outlives_the_client(void) {
    gate *g = gate_new();
    rask_client other = open_workers(1);
    rask_future f[] = {submit_held(other, g, 1), rask_submit(other, inc, RASK_ARGS(1))};
    GATE_REACHED(g, 1);
    rask_as_completed iter = open_iter(f, 2);
    gate_open(g);
    CHECK_OK(rask_client_close(other));
    CHECK_EQ(rask_as_completed_count(iter), 2);
    rask_future got[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++)
        CHECK_OK(rask_as_completed_next(iter, 0, &got[i]));
    CHECK_EQ(got[0].id + got[1].id, f[0].id + f[1].id);
    CHECK_NO_NEXT(iter, 0, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, 2));
}

static void add_while_iterating(void) {
    rask_as_completed iter = open_iter(NULL, 0);
    rask_future f = rask_submit(client, inc, RASK_ARGS(0)), got;
    CHECK_OK(rask_as_completed_add(iter, &f, 1));
    int n = 0, rounds = (int)scaled(20000);
    while (rask_as_completed_next(iter, LONG_NS, &got) == RASK_OK) {
        if (++n < rounds) {
            f = rask_submit(client, inc, RASK_ARGS(rask_take(got)));
            CHECK_OK(rask_as_completed_add(iter, &f, 1));
        } else {
            CHECK_I64(got, rounds);
            CHECK_OK(rask_release(got));
        }
    }
    CHECK_EQ(n, rounds);
    CHECK_OK(rask_as_completed_close(iter));
}

/* It is told of what the caller has released, too: the id is stale then. */
static void a_future_released_before_it_is_delivered(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_submit(client, inc, RASK_ARGS(x));
    rask_as_completed iter = open_iter(RASK_FUTURES(y, x));
    CHECK_OK(rask_release(y)); /* nobody wants it: cancelled */
    CHECK_NEXT(iter, y);
    CHECK_STATUS(rask_future_state(y), RASK_E_HANDLE);
    CHECK_NO_NEXT(iter, 0, RASK_E_TIMEOUT);
    CHECK_OK(rask_fire_and_forget(x));
    gate_open(g);
    CHECK_NEXT(iter, x);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
}

/* (gate): fails behind the gate the first time. */
static atomic_int n_tries;
static void second_time_lucky(rask_task *t) {
    if (atomic_fetch_add(&n_tries, 1) == 0)
        rask_fail(t, 1, "not yet");
    else
        gate_pass(rask_arg_pointer(t, 0));
}
static void retried_before_it_is_delivered(void) {
    gate *g = gate_new();
    atomic_store(&n_tries, 0);
    rask_future x = rask_submit(client, second_time_lucky, RASK_ARGS(rask_pointer(g)));
    rask_as_completed iter = open_iter(&x, 1);
    CHECK_FAILS(x, RASK_E_TASK);
    CHECK_OK(rask_retry(x));
    GATE_REACHED(g, 1);
    CHECK_NEXT(iter, x); /* for its first end */
    CHECK_NO_NEXT(iter, 0, RASK_END);
    CHECK_OK(rask_as_completed_add(iter, &x, 1));
    CHECK_NO_NEXT(iter, 0, RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_NEXT(iter, x);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release(x));
}

static void many_futures(void) {
    size_t n = scaled(100000);
    rask_future *f = malloc(n * sizeof *f);
    CHECK(f != NULL);
    for (size_t i = 0; i < n; i++)
        f[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
    rask_as_completed iter = open_iter(f, n);
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        rask_future got = {0};
        int64_t out = 0;
        CHECK_OK(rask_as_completed_next(iter, LONG_NS, &got));
        CHECK_OK(rask_result_i64(got, &out));
        sum += out;
    }
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_EQ(sum, (int64_t)n * ((int64_t)n + 1) / 2);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, n));
    free(f);
}

/* ---- bad input ---- */

static void bad_futures(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), stale = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(stale));
    rask_as_completed iter = open_iter(&x, 1);
    const rask_future null = {0}, wild = {~0ULL}, foreign[] = {{client.id}, {iter.id}};
    const rask_future bad[] = {null, stale, wild, foreign[0], foreign[1]};
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(rask_as_completed_open(RASK_FUTURES(x, x, bad[i])).id, 0);
        CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
        CHECK(rask_last_error()[0]);
        CHECK_EQ(rask_as_completed_open(RASK_FUTURES(bad[i], x)).id, 0);
        CHECK_STATUS(rask_as_completed_add(iter, RASK_FUTURES(x, bad[i], x)), RASK_E_HANDLE);
        CHECK_EQ(rask_as_completed_count(iter), 1); /* nothing was added */
    }
    gate_open(g);
    CHECK_NEXT(iter, x);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release(x));
}

static void bad_arrays(void) {
    rask_future x = rask_scatter(client, rask_i64(1));
    rask_as_completed iter = open_iter(NULL, 0);
    static const size_t huge[] = {SIZE_MAX, SIZE_MAX / 8 + 1, SIZE_MAX / 16 + 1};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rask_as_completed_open(&x, huge[i]).id, 0);
        CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
        CHECK_STATUS(rask_as_completed_add(iter, &x, huge[i]), RASK_E_INVALID);
        CHECK_EQ(rask_as_completed_open(NULL, huge[i]).id, 0);
        CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
    }
    CHECK_EQ(rask_as_completed_open(NULL, 1).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
    CHECK_STATUS(rask_as_completed_add(iter, NULL, 1), RASK_E_INVALID);
    CHECK_OK(rask_as_completed_add(iter, &x, 0));
    CHECK_EQ(rask_as_completed_count(iter), 0);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release(x));
}

static void bad_iterations(void) {
    rask_future x = rask_scatter(client, rask_i64(1));
    rask_as_completed closed = open_iter(&x, 1);
    CHECK_OK(rask_as_completed_close(closed));
    const rask_as_completed bad[] = {{0}, closed, {~0ULL}, {client.id}, {x.id}, {closed.id + 16}};
    for (int i = 0; i < 6; i++) {
        CHECK_STATUS(rask_as_completed_add(bad[i], &x, 1), RASK_E_HANDLE);
        CHECK_STATUS(rask_as_completed_add(bad[i], NULL, 0), RASK_E_HANDLE);
        CHECK_NO_NEXT(bad[i], RASK_FOREVER, RASK_E_HANDLE);
        CHECK_NO_NEXT(bad[i], 0, RASK_E_HANDLE);
        CHECK_EQ(rask_as_completed_count(bad[i]), 0);
        CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
        CHECK_EQ(rask_as_completed_fd(bad[i]), -1);
        CHECK_STATUS(rask_as_completed_close(bad[i]), RASK_E_HANDLE);
        CHECK(rask_last_error()[0]);
    }
    /* Nor does one pass for another kind. */
    rask_as_completed iter = open_iter(&x, 1);
    CHECK_STATUS(rask_future_state((rask_future){iter.id}), RASK_E_HANDLE);
    CHECK_STATUS(rask_release((rask_future){iter.id}), RASK_E_HANDLE);
    CHECK_STATUS(rask_client_close((rask_client){iter.id}), RASK_E_HANDLE);
    CHECK_NEXT(iter, x);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_STATUS(rask_as_completed_close(iter), RASK_E_HANDLE);
    CHECK_OK(rask_release(x));
}

static void bad_times_and_outputs(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_scatter(client, rask_i64(1));
    rask_as_completed iter = open_iter(RASK_FUTURES(x, y));
    CHECK_NO_NEXT(iter, -2, RASK_E_INVALID);
    CHECK_NO_NEXT(iter, INT64_MIN, RASK_E_INVALID);
    CHECK_STATUS(rask_as_completed_next(iter, 0, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_as_completed_next(iter, RASK_FOREVER, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_as_completed_next((rask_as_completed){0}, 0, NULL), RASK_E_INVALID);
    CHECK_EQ(rask_as_completed_count(iter), 2); /* none was lost */
    CHECK_NEXT(iter, y);
    gate_open(g);
    rask_future got;
    CHECK_OK(rask_as_completed_next(iter, INT64_MAX, &got)); /* a time that does not come */
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void a_timeout_leaves_everything_as_it_was(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    rask_as_completed iter = open_iter(&x, 1);
    for (int i = 0; i < 5; i++) {
        double before = now_seconds();
        CHECK_NO_NEXT(iter, 5 * MS, RASK_E_TIMEOUT);
        CHECK(now_seconds() - before >= 0.005);
        CHECK_NO_NEXT(iter, 0, RASK_E_TIMEOUT);
        CHECK_NO_NEXT(iter, 1, RASK_E_TIMEOUT);
        CHECK_EQ(rask_as_completed_count(iter), 1);
    }
    CHECK_EQ(rask_future_state(x), RASK_RUNNING);
    gate_open(g);
    CHECK_NEXT(iter, x);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release(x));
}

/* ---- closing ---- */

static void close_with_futures_outstanding(void) {
    gate *g = gate_new();
    enum { N = 300 };
    rask_future f[N];
    for (int i = 0; i < N; i++)
        f[i] = i % 3 == 0 ? submit_held(client, g, i) : rask_submit(client, inc, RASK_ARGS(f[i - 1]));
    rask_as_completed iter[3];
    for (int i = 0; i < 3; i++) {
        iter[i] = open_iter(f, N);
        CHECK_OK(rask_as_completed_add(iter[i], f, N));
    }
    CHECK_OK(rask_as_completed_close(iter[1])); /* takes its watches from between the others' */
    CHECK_OK(rask_as_completed_close(iter[0]));
    gate_open(g);
    for (int i = 0; i < 2 * N; i++) {
        rask_future got;
        CHECK_OK(rask_as_completed_next(iter[2], LONG_NS, &got));
    }
    CHECK_OK(rask_as_completed_close(iter[2]));
    CHECK_OK(rask_release_all(f, N));
}

static void close_with_deliveries_outstanding(void) {
    rask_future x = rask_scatter(client, rask_i64(1));
    rask_as_completed iter = open_iter(RASK_FUTURES(x, x, x));
    CHECK_NEXT(iter, x);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_EQ(rask_future_state(x), RASK_FINISHED);
    CHECK_OK(rask_release(x));
}

static void closing_does_not_cancel(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    CHECK_OK(rask_as_completed_close(open_iter(&x, 1)));
    gate_open(g);
    CHECK_I64(x, 1);
    CHECK_OK(rask_release(x));
}

/* The futures are gone when the iteration is closed: what it remembers of them is of no use any more, and
 * their lines hold others. */
static void close_after_the_futures_have_gone(void) {
    size_t n = scaled(2000);
    rask_future *f = malloc(n * sizeof *f);
    CHECK(f != NULL);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < n; i++)
            f[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
        rask_as_completed iter = open_iter(f, n), other;
        CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_release_all(f, n));
        gate *g = gate_new();
        for (size_t i = 0; i < n; i++)
            f[i] = submit_held(client, g, 1);
        other = open_iter(f, n);
        CHECK_OK(rask_as_completed_close(iter));
        gate_open(g);
        for (size_t i = 0; i < n; i++) {
            rask_future got;
            CHECK_OK(rask_as_completed_next(other, LONG_NS, &got));
        }
        CHECK_OK(rask_as_completed_close(other));
        CHECK_OK(rask_release_all(f, n));
    }
    free(f);
}

static void close_while_threads_wait(void) {
    enum { N = 4 };
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    rask_as_completed iter = open_iter(&x, 1);
    atomic_long delivered = 0;
    reader r[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        r[i] = (reader){iter, RASK_OK, &delivered, 0};
        threads[i] = start_thread(read_to_the_end, &r[i]);
    }
    sleep_us(20000);
    CHECK_OK(rask_as_completed_close(iter));
    for (int i = 0; i < N; i++) {
        join_thread(threads[i]);
        CHECK_STATUS(r[i].ended_with, RASK_E_HANDLE);
    }
    CHECK_EQ(atomic_load(&delivered), 0);
    gate_open(g);
    CHECK_I64(x, 1);
    CHECK_OK(rask_release(x));
}

int main(void) {
    RUN_WITH(1, nothing_to_iterate);
    RUN_WITH(4, in_the_order_they_are_done);
    RUN_WITH(2, what_is_done_already_in_the_order_added);
    RUN_WITH(2, as_often_as_it_was_added);
    RUN_WITH(2, errors_and_cancelled_ones_too);
    RUN_WITH(2, futures_of_several_clients);
    RUN_WITH(1, an_iteration_outlives_the_client);
    RUN_WITH(2, add_while_iterating);
    RUN_WITH(2, a_future_released_before_it_is_delivered);
    RUN_WITH(1, retried_before_it_is_delivered);
    RUN_WITH(1, many_futures);
    RUN_WITH(4, many_futures);
    RUN_WITH(2, bad_futures);
    RUN_WITH(1, bad_arrays);
    RUN_WITH(1, bad_iterations);
    RUN_WITH(2, bad_times_and_outputs);
    RUN_WITH(2, a_timeout_leaves_everything_as_it_was);
    RUN_WITH(2, close_with_futures_outstanding);
    RUN_WITH(1, close_with_deliveries_outstanding);
    RUN_WITH(1, closing_does_not_cancel);
    RUN_WITH(2, close_after_the_futures_have_gone);
    RUN_WITH(2, close_while_threads_wait);
    return 0;
}
