/* Priorities: the highest of what is ready runs first, equal ones in the order of the other queues. */
#include "order.h"

static rask_future submit_at(int32_t priority, rask_task_fn fn, const rask_arg *args, size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.priority = priority;
    return rask_submit_with(client, fn, args, n, &options);
}

static void the_highest_runs_first(void) {
    static const int32_t priorities[] = {0, -1, 5, INT32_MIN, INT32_MAX, 1, -5, 0, 5, INT32_MIN, INT32_MAX};
    static const int want[] = {4, 10, 2, 8, 5, 0, 7, 1, 6, 3, 9};
    enum { N = sizeof priorities / sizeof *priorities };
    gate *g = gate_new();
    rask_future holder = hold(g), f[N];
    for (int i = 0; i < N; i++)
        f[i] = submit_at(priorities[i], note, RASK_ARGS(i));
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_order(want, N);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
}

/* Of many, in no order of priorities: each priority's in the order they were submitted. */
static void equal_ones_in_the_order_of_submits(void) {
    enum { N = 2000 };
    uint64_t seed = 1;
    static int32_t priorities[N];
    static rask_future f[N];
    gate *g = gate_new();
    rask_future holder = hold(g);
    for (int i = 0; i < N; i++) {
        priorities[i] = (int32_t)(random_next(&seed) % 7) - 3;
        f[i] = submit_at(priorities[i], note, RASK_ARGS(i));
    }
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (int i = 1; i < N; i++) {
        int before = order[i - 1], after = order[i];
        CHECK(priorities[before] > priorities[after] ||
              (priorities[before] == priorities[after] && before < after));
    }
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
}

static void mapped_ones(void) {
    enum { N = 300 };
    gate *g = gate_new();
    rask_future holder = hold(g), f[3][N];
    static const int32_t priorities[3] = {-7, 7, 0};
    static const int place[3] = {2 * N, 0, N};
    for (int m = 0; m < 3; m++) {
        rask_arg items[N];
        for (int i = 0; i < N; i++)
            items[i] = rask_i64(place[m] + i);
        rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
        options.priority = priorities[m];
        CHECK_OK(rask_map(client, note, items, N, &options, f[m]));
    }
    gate_open(g);
    CHECK_OK(rask_wait(f[0], 3 * N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_numbered_order(3 * N);
    CHECK_OK(rask_release_all(f[0], 3 * N));
    CHECK_OK(rask_release(holder));
}

/* What becomes ready when an input is there takes its place by priority, also before a successor that would
 * have run next. */
static void newly_ready_by_priority(void) {
    static const int want[] = {0, 5, 1, 2, 4, 3, 6};
    gate *g = gate_new();
    rask_future holder = hold(g), f[7];
    f[0] = submit_at(9, note, RASK_ARGS(0));
    f[1] = submit_at(4, note, RASK_ARGS(1));
    f[2] = rask_submit(client, note, RASK_ARGS(2, f[0]));
    f[3] = submit_at(-1, note, RASK_ARGS(3, f[0]));
    f[4] = rask_submit(client, note, RASK_ARGS(4, f[0]));
    f[5] = submit_at(8, note, RASK_ARGS(5, f[0]));
    f[6] = submit_at(-2, note, RASK_ARGS(6));
    gate_open(g);
    CHECK_OK(rask_wait(f, 7, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_order(want, 7);
    CHECK_OK(rask_release_all(f, 7));
    CHECK_OK(rask_release(holder));
}

/* Three roots with two descendants each, all of one priority: a root's descendants run before
 * the next root. */
static void newly_ready_equal_ones_run_next(void) {
    for (int32_t priority = -3; priority <= 3; priority += 3) {
        gate *g = gate_new();
        rask_future holder = hold(g), f[9];
        for (int i = 0; i < 3; i++)
            f[3 * i] = submit_at(priority, note, RASK_ARGS(10 * i));
        for (int i = 0; i < 3; i++) {
            f[3 * i + 1] = submit_at(priority, note, RASK_ARGS(10 * i + 1, f[3 * i]));
            f[3 * i + 2] = submit_at(priority, note, RASK_ARGS(10 * i + 2, f[3 * i]));
        }
        gate_open(g);
        CHECK_OK(rask_wait(f, 9, RASK_ALL_COMPLETED, LONG_NS, NULL));
        check_order_of_triples();
        CHECK_OK(rask_release_all(f, 9));
        CHECK_OK(rask_release(holder));
    }
}

/* A task made ready by one of low priority does not run before what is ready and higher. */
static void a_successor_does_not_jump(void) {
    static const int want[] = {2, 0, 1};
    gate *g = gate_new(), *second = gate_new();
    rask_future holder = hold(g), f[3], held_first = submit_at(1, held, RASK_ARGS(rask_pointer(second), 7));
    f[0] = rask_submit(client, note, RASK_ARGS(0, held_first));
    f[1] = submit_at(-1, note, RASK_ARGS(1, held_first));
    gate_open(g);
    GATE_REACHED(second, 1);
    f[2] = submit_at(1, note, RASK_ARGS(2));
    gate_open(second);
    CHECK_OK(rask_wait(f, 3, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_order(want, 3);
    CHECK_OK(rask_release_all(f, 3));
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, held_first)));
}

/* ---- submitted inside a task ---- */

static rask_future inner[6];
static void submit_inside(rask_task *t) {
    static const int32_t priorities[6] = {0, 3, 3, -2, -2, 0};
    for (int i = 0; i < 6; i++) {
        rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
        options.priority = priorities[i];
        inner[i] = rask_submit_with(rask_task_client(t), note, RASK_ARGS(i), &options);
    }
}
static void inside_a_task(void) {
    /* A task's own submits run newest first. */
    static const int want[] = {2, 1, 5, 0, 10, 4, 3};
    gate *g = gate_new();
    rask_future holder = hold(g), f = submit_at(1, submit_inside, RASK_NO_ARGS),
                other = submit_at(-1, note, RASK_ARGS(10));
    gate_open(g);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_wait(inner, 6, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_wait(&other, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_order(want, 7);
    CHECK_OK(rask_release_all(inner, 6));
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f, other)));
}

/* (depth): waits inside for children of other priorities. */
static void nested(rask_task *t) {
    int64_t depth = rask_arg_i64(t, 0), a = 0, b = 0;
    if (depth == 0) {
        rask_return_i64(t, 1);
        return;
    }
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.priority = (int32_t)(depth % 3) - 1;
    rask_future x = rask_submit_with(rask_task_client(t), nested, RASK_ARGS(depth - 1), &options);
    options.priority = -options.priority;
    rask_future y = rask_submit_with(rask_task_client(t), nested, RASK_ARGS(depth - 1), &options);
    CHECK_OK(rask_result_i64(x, &a));
    CHECK_OK(rask_result_i64(y, &b));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
    rask_return_i64(t, a + b);
}
static void waits_for_children_of_any_priority(void) {
    int64_t depth = small_scale() ? 6 : 12;
    rask_future f = submit_at(2, nested, RASK_ARGS(depth));
    CHECK_I64(f, (int64_t)1 << depth);
    CHECK_OK(rask_release(f));
}

/* A task that submits and waits again and again leaves nothing behind in the order. */
static void submit_and_wait(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0);
    for (int64_t i = 0; i < n; i++) {
        rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
        options.priority = i % 2 ? 5 : -5;
        rask_future f = rask_submit_with(rask_task_client(t), inc, RASK_ARGS(i), &options);
        int64_t out = 0;
        CHECK_OK(rask_result_i64(f, &out));
        CHECK_EQ(out, i + 1);
        CHECK_OK(rask_release(f));
    }
    rask_return_i64(t, (int64_t)stats_of(rask_task_client(t)).live_futures);
}
static void nothing_is_left_behind(void) {
    rask_future f = rask_submit(client, submit_and_wait, RASK_ARGS((int64_t)scaled(20000)));
    int64_t live = 0;
    CHECK_OK(rask_result_i64(f, &live));
    CHECK(live < 100);
    CHECK_OK(rask_release(f));
}

/* ---- lazy graphs ---- */

static rask_delayed delayed_at(int32_t priority, const char *resources, const rask_arg *args, size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.priority = priority;
    options.resources = resources;
    return rask_delayed_call(note, args, n, &options);
}
static void parts_of_a_lazy_graph(void) {
    static const int want[] = {1, 4, 3, 0, 2};
    enum { N = 5 };
    gate *g = gate_new();
    rask_future holder = hold(g), f[N];
    rask_delayed root = delayed_at(9, NULL, RASK_ARGS(1)),
                 parts[N] = {delayed_at(0, NULL, RASK_ARGS(0, rask_lazy(root))), root,
                             delayed_at(-3, NULL, RASK_ARGS(2, rask_lazy(root))),
                             delayed_at(1, NULL, RASK_ARGS(3)),
                             delayed_at(7, NULL, RASK_ARGS(4, rask_lazy(root)))};
    CHECK_OK(rask_compute_all(client, parts, N, f));
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_order(want, N);
    for (int i = 0; i < N; i++)
        CHECK_OK(rask_delayed_release(parts[i]));
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
    /* The client has none. */
    rask_delayed needs = delayed_at(0, "GPU=1", RASK_ARGS(1));
    rask_future wrong = rask_compute(client, needs);
    CHECK_FAILS(wrong, RASK_E_INVALID);
    CHECK_OK(rask_delayed_release(needs));
    CHECK_OK(rask_release(wrong));
}

/* ---- ends other than by running ---- */

static void cancelled_and_released_while_queued(void) {
    static const int want[] = {4, 0};
    gate *g = gate_new();
    rask_future holder = hold(g), f[5];
    for (int i = 0; i < 5; i++)
        f[i] = submit_at(i < 3 ? -1 : 1, note, RASK_ARGS(i));
    CHECK_OK(rask_cancel(f[1], NULL));
    CHECK_OK(rask_cancel(f[3], NULL));
    CHECK_OK(rask_release(f[2]));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    check_order(want, 2);
    CHECK_FAILS(f[1], RASK_E_CANCELLED);
    CHECK_FAILS(f[3], RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f[0], f[1], f[3], f[4])));
}

static void closed_while_queued(void) {
    enum { N = 200 };
    rask_client own = open_workers(2);
    gate *g = gate_new();
    rask_future holders[2] = {submit_held(own, g, 1), submit_held(own, g, 1)}, f[N];
    GATE_REACHED(g, 2);
    for (int i = 0; i < N; i++) {
        rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
        options.priority = i % 5 - 2;
        f[i] = i % 3 ? rask_submit_with(own, inc, RASK_ARGS(i), &options)
                     : rask_submit_with(own, add, RASK_ARGS(i, holders[0]), &options);
    }
    gate_open(g);
    CHECK_OK(rask_client_close(own));
    for (int i = 0; i < N; i++) {
        rask_state state = rask_future_state(f[i]);
        CHECK(state == RASK_FINISHED || state == RASK_CANCELLED);
    }
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release_all(holders, 2));
}

/* ---- no starvation ---- */

/* (priority): submits itself again. */
static void again(rask_task *t) {
    if (atomic_load(&stop))
        return;
    int64_t priority = rask_arg_i64(t, 0);
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.priority = (int32_t)priority;
    rask_future f = rask_submit_with(rask_task_client(t), again, RASK_ARGS(priority), &options);
    if (f.id)
        CHECK_OK(rask_fire_and_forget(f));
}

/* (priority): likewise, as a chain in which each makes the next one ready. */
static void again_by_return(rask_task *t) {
    if (atomic_load(&stop))
        return;
    int64_t priority = rask_arg_i64(t, 0);
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.priority = (int32_t)priority;
    rask_return_future(t,
                       rask_submit_with(rask_task_client(t), again_by_return, RASK_ARGS(priority), &options));
}

static void a_flood_starves_nobody(void) {
    static const rask_task_fn how[] = {again, again_by_return};
    static const int32_t flood[] = {5, 5, INT32_MAX, 0, 0, 3, -1};
    static const int32_t last[] = {0, -5, INT32_MIN, -1, INT32_MIN, 3, -1};
    /* Each takes thousands of tasks. */
    size_t n_floods = small_scale() ? 1 : sizeof flood / sizeof *flood;
    for (size_t i = 0; i < n_floods; i++) {
        for (int h = 0; h < 2; h++) {
            atomic_store(&stop, false);
            rask_future floods[4], f;
            for (int n = 0; n < 4; n++)
                floods[n] = submit_at(flood[i], how[h], RASK_ARGS(flood[i]));
            sleep_us(1000);
            f = submit_at(last[i], say_stop, RASK_NO_ARGS);
            CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
            CHECK_OK(rask_client_wait(client, LONG_NS));
            CHECK_OK(rask_release(f));
            CHECK_OK(rask_release_all(floods, 4));
        }
    }
}

/* A thread outside that never stops submitting. */
static int32_t outside_priority;
static void *submit_all_the_time(void *unused) {
    (void)unused;
    while (!atomic_load(&stop)) {
        rask_future f[50];
        for (int i = 0; i < 50; i++)
            f[i] = submit_at(outside_priority, inc, RASK_ARGS(i));
        CHECK_OK(rask_wait(&f[0], 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        for (int i = 0; i < 50; i++)
            CHECK_OK(rask_fire_and_forget(f[i]));
    }
    return NULL;
}
static void a_flood_from_outside_starves_nobody(void) {
    static const int32_t floods[] = {1, 0}, lasts[] = {0, -1};
    for (int i = 0; i < 2; i++) {
        atomic_store(&stop, false);
        outside_priority = floods[i];
        pthread_t thread = start_thread(submit_all_the_time, NULL);
        sleep_us(1000);
        rask_future f = submit_at(lasts[i], say_stop, RASK_NO_ARGS);
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        join_thread(thread);
        CHECK_OK(rask_release(f));
    }
}

/* ---- many threads ---- */

enum { PER_THREAD = 20000 };
static void *submit_many(void *seed_at) {
    uint64_t seed = *(uint64_t *)seed_at;
    size_t n = scaled(PER_THREAD);
    rask_future *f = calloc(n, sizeof *f);
    CHECK(f != NULL);
    for (size_t i = 0; i < n; i++) {
        int32_t priority = (int32_t)(random_next(&seed) % 5) - 2;
        if (i > 10 && random_next(&seed) % 2)
            f[i] = submit_at(priority, add, RASK_ARGS(1, f[random_next(&seed) % i]));
        else
            f[i] = submit_at(priority, inc, RASK_ARGS((int64_t)i));
        if (random_next(&seed) % 50 == 0)
            (void)rask_cancel(f[i], NULL);
    }
    CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(f, n));
    free(f);
    return NULL;
}
static void many_threads_and_priorities(void) {
    pthread_t threads[3];
    uint64_t seeds[3] = {11, 22, 33};
    for (int i = 0; i < 3; i++)
        threads[i] = start_thread(submit_many, &seeds[i]);
    for (int i = 0; i < 3; i++)
        join_thread(threads[i]);
    CHECK_OK(rask_client_wait(client, LONG_NS));
}

/* With as many priorities as tasks. */
static void as_many_priorities_as_tasks(void) {
    int n = (int)scaled(100000);
    gate *g = gate_new();
    rask_future holder = hold(g), *f = calloc((size_t)n, sizeof *f);
    CHECK(f != NULL);
    for (int i = 0; i < n; i++)
        f[i] = submit_at(i + 1, note, RASK_ARGS(i));
    gate_open(g);
    CHECK_OK(rask_wait(f, (size_t)n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(order[0], n - 1);
    CHECK_OK(rask_release_all(f, (size_t)n));
    CHECK_OK(rask_release(holder));
    free(f);
}

int main(void) {
    RUN_WITH(1, the_highest_runs_first);
    RUN_WITH(1, equal_ones_in_the_order_of_submits);
    RUN_WITH(1, mapped_ones);
    RUN_WITH(1, newly_ready_by_priority);
    RUN_WITH(1, newly_ready_equal_ones_run_next);
    RUN_WITH(1, a_successor_does_not_jump);
    RUN_WITH(1, inside_a_task);
    RUN_WITH(1, waits_for_children_of_any_priority);
    RUN_WITH(4, waits_for_children_of_any_priority);
    RUN_WITH(1, nothing_is_left_behind);
    RUN_WITH(1, parts_of_a_lazy_graph);
    RUN_WITH(1, cancelled_and_released_while_queued);
    RUN(closed_while_queued);
    RUN_WITH(1, a_flood_starves_nobody);
    RUN_WITH(3, a_flood_starves_nobody);
    RUN_WITH(1, a_flood_from_outside_starves_nobody);
    RUN_WITH(2, a_flood_from_outside_starves_nobody);
    RUN_WITH(3, many_threads_and_priorities);
    RUN_WITH(1, as_many_priorities_as_tasks);
    return 0;
}
