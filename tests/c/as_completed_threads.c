/* rask_as_completed of many threads, and inside tasks. */
#include "as_completed.h"

/* ---- many threads ---- */

static void all_of_them_reach_the_end(void) {
    enum { N = 8 };
    gate *g = gate_new();
    rask_future f[3];
    for (int i = 0; i < 3; i++)
        f[i] = submit_held(client, g, i);
    rask_as_completed iter = open_iter(f, 3);
    atomic_long delivered = 0;
    reader r[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        r[i] = (reader){iter, RASK_OK, &delivered, 0};
        threads[i] = start_thread(read_to_the_end, &r[i]);
    }
    sleep_us(20000);
    gate_open(g);
    for (int i = 0; i < N; i++) {
        join_thread(threads[i]);
        CHECK_STATUS(r[i].ended_with, RASK_END);
    }
    CHECK_EQ(atomic_load(&delivered), 3);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, 3));
}

typedef struct adder {
    rask_as_completed iter;
    size_t n;
    rask_future *futures;
} adder;
static void *add_many(void *context) {
    adder *a = context;
    for (size_t i = 0; i < a->n; i++) {
        a->futures[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
        CHECK_OK(rask_as_completed_add(a->iter, &a->futures[i], 1));
    }
    return NULL;
}

static void added_and_taken_by_many(void) {
    enum { N = 4 };
    size_t n = scaled(20000);
    gate *g = gate_new();
    rask_future last = submit_held(client, g, 1); /* so that the end comes after all have been added */
    rask_as_completed iter = open_iter(&last, 1);
    atomic_long delivered = 0;
    adder a[N];
    reader r[N];
    pthread_t adders[N], readers[N];
    for (int i = 0; i < N; i++) {
        a[i] = (adder){iter, n, malloc(n * sizeof(rask_future))};
        r[i] = (reader){iter, RASK_OK, &delivered, 0};
        CHECK(a[i].futures != NULL);
        adders[i] = start_thread(add_many, &a[i]);
        readers[i] = start_thread(read_to_the_end, &r[i]);
    }
    for (int i = 0; i < N; i++)
        join_thread(adders[i]);
    gate_open(g);
    long own = 0;
    for (int i = 0; i < N; i++) {
        join_thread(readers[i]);
        CHECK_STATUS(r[i].ended_with, RASK_END);
        own += r[i].own;
    }
    for (int i = 0; i < N; i++) {
        CHECK_OK(rask_release_all(a[i].futures, n));
        free(a[i].futures);
    }
    CHECK_EQ(own, N * (long)n + 1);
    CHECK_EQ(atomic_load(&delivered), own);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release(last));
}

/* One call of add is one event: nobody is told of an end in the midst of it. */
static void *add_fifty_a_round(void *context) {
    adder *a = context;
    for (size_t i = 0; i < a->n; i++)
        CHECK_OK(rask_as_completed_add(a->iter, a->futures, 50));
    return NULL;
}
static void no_end_in_the_midst_of_an_add(void) {
    rask_future f[50];
    for (int i = 0; i < 50; i++)
        f[i] = rask_scatter(client, rask_i64(i));
    size_t rounds = scaled(2000);
    adder a = {open_iter(NULL, 0), rounds, f};
    pthread_t thread = start_thread(add_fifty_a_round, &a);
    size_t seen = 0;
    while (seen < rounds * 50) {
        rask_future got;
        rask_status status = rask_as_completed_next(a.iter, LONG_NS, &got);
        if (status == RASK_OK)
            CHECK_EQ(got.id, f[seen++ % 50].id);
        else
            CHECK(status == RASK_END && seen % 50 == 0);
    }
    join_thread(thread);
    CHECK_OK(rask_as_completed_close(a.iter));
    CHECK_OK(rask_release_all(f, 50));
}

static void *open_and_close(void *context) {
    rask_future f = *(rask_future *)context;
    uint64_t random = f.id | 1;
    for (size_t i = scaled(3000); i > 0; i--) {
        rask_future own[] = {f, rask_submit(client, inc, RASK_ARGS(1)), f}, got;
        rask_as_completed iter = open_iter(own, 3);
        if (random_next(&random) % 2)
            CHECK_OK(rask_as_completed_next(iter, LONG_NS, &got));
        if (random_next(&random) % 2)
            CHECK_OK(rask_release(own[1]));
        else
            CHECK_OK(rask_fire_and_forget(own[1]));
        CHECK_OK(rask_as_completed_close(iter));
    }
    return NULL;
}
static void closed_while_futures_are_done(void) {
    enum { N = 4 };
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 1);
    pthread_t threads[N];
    for (int i = 0; i < N; i++)
        threads[i] = start_thread(open_and_close, &f);
    for (int i = 0; i < N; i++)
        join_thread(threads[i]);
    gate_open(g);
    CHECK_I64(f, 1);
    CHECK_OK(rask_release(f));
}

/* ---- inside tasks ---- */

/* (depth): a tree whose tasks take their children's results as they come. */
static void tree(rask_task *t) {
    enum { WIDTH = 4 };
    int64_t depth = rask_arg_i64(t, 0), sum = 1, out = 0;
    if (depth > 0) {
        rask_future f[WIDTH], got;
        for (int i = 0; i < WIDTH; i++)
            f[i] = rask_submit(rask_task_client(t), tree, RASK_ARGS(depth - 1));
        rask_as_completed iter = open_iter(f, WIDTH);
        while (rask_as_completed_next(iter, RASK_FOREVER, &got) == RASK_OK) {
            CHECK_OK(rask_result_i64(got, &out));
            CHECK_OK(rask_release(got));
            sum += out;
        }
        CHECK_OK(rask_as_completed_close(iter));
    }
    rask_return_i64(t, sum);
}

static void inside_tasks(void) {
    rask_future f = rask_submit(client, tree, RASK_ARGS(small_scale() ? 2 : 5));
    CHECK_I64(f, small_scale() ? 21 : 1365);
    CHECK_OK(rask_release(f));
}

/* (iteration): delivers what it can, returns how it ended. */
static void drain(rask_task *t) {
    rask_as_completed iter = {(uint64_t)rask_arg_i64(t, 0)};
    rask_future got;
    rask_status status;
    while ((status = rask_as_completed_next(iter, RASK_FOREVER, &got)) == RASK_OK)
        CHECK(got.id != 0);
    CHECK_EQ(got.id, 0);
    rask_return_i64(t, status);
}

static void the_worker_is_not_kept(void) {
    gate *g = gate_new();
    rask_future x[] = {submit_held(client, g, 1), {0}};
    rask_as_completed iter = open_iter(x, 1);
    rask_future waits = rask_submit(client, drain, RASK_ARGS((int64_t)iter.id));
    gate_open(g);
    x[1] = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(x[1], 2);
    CHECK_I64(waits, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(RASK_FUTURES(x[0], x[1], waits)));
}

static void closed_while_a_task_waits(void) {
    gate *g = gate_new();
    rask_client other = open_workers(1);
    rask_future x = submit_held(other, g, 1);
    rask_as_completed iter = open_iter(&x, 1);
    rask_future waits = rask_submit(client, drain, RASK_ARGS((int64_t)iter.id)),
                behind = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(behind, 2); /* the only worker's slot is free again */
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_I64(waits, RASK_E_HANDLE);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, waits, behind)));
    CHECK_OK(rask_client_close(other));
}

/* Nothing that the iteration holds can be done before the task that waits for it. */
static void a_wait_for_itself(void) {
    gate *g = gate_new();
    rask_as_completed iter = open_iter(NULL, 0);
    rask_future hold = submit_held(client, g, (int64_t)iter.id),
                self = rask_submit(client, drain, RASK_ARGS(hold)),
                next = rask_submit(client, inc, RASK_ARGS(self)), x = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_as_completed_add(iter, RASK_FUTURES(self, next, x)));
    gate_open(g);
    CHECK_I64(self, RASK_E_DEADLOCK);
    CHECK_EQ(rask_as_completed_count(iter), 2); /* x was delivered, the others wait to be */
    CHECK_I64(next, RASK_E_DEADLOCK + 1);
    CHECK_NEXT(iter, self);
    CHECK_NEXT(iter, next);
    CHECK_NO_NEXT(iter, RASK_FOREVER, RASK_END);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(RASK_FUTURES(hold, self, next, x)));
}

/* (iteration): takes one. */
static void take_one(rask_task *t) {
    rask_as_completed iter = {(uint64_t)rask_arg_i64(t, 0)};
    rask_future got;
    rask_return_i64(t, rask_as_completed_next(iter, RASK_FOREVER, &got));
}

/* Of two tasks that wait, one takes what there is, and the other is left with what needs it: a circle that
 * closes while it is suspended. */
static void a_circle_that_closes_later(void) {
    for (int i = 0; i < 20; i++) {
        gate *start = gate_new(), *g = gate_new();
        rask_as_completed iter = open_iter(NULL, 0);
        rask_future hold = submit_held(client, start, (int64_t)iter.id), f[2], x = submit_held(client, g, 1);
        f[0] = rask_submit(client, i % 2 ? take_one : drain, RASK_ARGS(hold));
        f[1] = rask_submit(client, i % 2 ? drain : take_one, RASK_ARGS(hold));
        rask_future drains = f[i % 2], takes = f[1 - i % 2],
                    needs = rask_submit(client, inc, RASK_ARGS(drains));
        CHECK_OK(rask_as_completed_add(iter, RASK_FUTURES(needs, x)));
        gate_open(start);
        CHECK_STATUS(rask_wait(f, 2, RASK_FIRST_COMPLETED, 5 * MS, NULL), RASK_E_TIMEOUT);
        gate_open(g);
        CHECK_I64(drains, RASK_E_DEADLOCK);
        CHECK_I64(takes, RASK_OK);
        CHECK_I64(needs, RASK_E_DEADLOCK + 1);
        CHECK_OK(rask_as_completed_close(iter));
        CHECK_OK(rask_release_all(RASK_FUTURES(hold, f[0], f[1], x, needs)));
    }
}

static void a_timed_wait_in_a_task(rask_task *t) {
    rask_as_completed iter = {(uint64_t)rask_arg_i64(t, 0)};
    rask_future got;
    rask_return_i64(t, rask_as_completed_next(iter, 2 * MS, &got));
}
static void a_timeout_inside_a_task(void) {
    gate *g = gate_new();
    rask_client other = open_workers(1);
    rask_future x = submit_held(other, g, 1);
    rask_as_completed iter = open_iter(&x, 1);
    rask_future f = rask_submit(client, a_timed_wait_in_a_task, RASK_ARGS((int64_t)iter.id));
    CHECK_I64(f, RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_NEXT(iter, x);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
    CHECK_OK(rask_client_close(other));
}

static rask_as_completed for_destructor;
static atomic_int seen;
static void end_and_wait(void *object) {
    (void)object;
    rask_future got = {77};
    atomic_store(&seen, rask_as_completed_next(for_destructor, RASK_FOREVER, &got));
    CHECK_EQ(got.id, 0);
}
static const rask_type waiting = {sizeof(rask_type), "waiting", end_and_wait, NULL, NULL, NULL};

static void not_in_a_destructor_on_a_worker(void) {
    int object;
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    for_destructor = open_iter(&x, 1);
    atomic_store(&seen, 1);
    rask_future f = rask_submit(client, nothing, RASK_ARGS(rask_object(&object, &waiting)));
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    EVENTUALLY(atomic_load(&seen) != 1);
    CHECK_STATUS(atomic_load(&seen), RASK_E_STATE);
    gate_open(g);
    CHECK_NEXT(for_destructor, x);
    CHECK_OK(rask_as_completed_close(for_destructor));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

int main(void) {
    RUN_WITH(4, all_of_them_reach_the_end);
    RUN_WITH(2, added_and_taken_by_many);
    RUN_WITH(2, no_end_in_the_midst_of_an_add);
    RUN_WITH(2, closed_while_futures_are_done);
    RUN_WITH(1, inside_tasks);
    RUN_WITH(4, inside_tasks);
    RUN_WITH(1, the_worker_is_not_kept);
    RUN_WITH(1, closed_while_a_task_waits);
    RUN_WITH(2, a_wait_for_itself);
    RUN_WITH(2, a_circle_that_closes_later);
    RUN_WITH(1, a_timeout_inside_a_task);
    RUN_WITH(2, not_in_a_destructor_on_a_worker);
    return 0;
}
