/* The order in which tasks run, on one worker. */
#include "order.h"

static void first_submitted_first_run(void) {
    enum { N = 1000 };
    gate *g = gate_new();
    rask_future holder = hold(g), f[N];
    for (int i = 0; i < N; i++)
        f[i] = rask_submit(client, note, RASK_ARGS(i));
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_numbered_order(N);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
}

static void mapped_in_order(void) {
    enum { N = 1000 };
    gate *g = gate_new();
    rask_future holder = hold(g), f[N];
    rask_arg items[N];
    for (int i = 0; i < N; i++)
        items[i] = rask_i64(i);
    CHECK_OK(rask_map(client, note, items, N, NULL, f));
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_numbered_order(N);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
}

enum { MANY = 2000 };
static rask_future mapped[MANY];

/* (): maps many numbers. */
static void map_numbers(rask_task *t) {
    static rask_arg items[MANY];
    for (int i = 0; i < MANY; i++)
        items[i] = rask_i64(i);
    CHECK_OK(rask_map(rask_task_client(t), note, items, MANY, NULL, mapped));
}

/* A worker begins with what it made available last, but the items of a map are in order there too, apart from
 * a look at the far end now and then. */
static void mapped_by_a_task_in_order(void) {
    atomic_store(&n_ran, 0);
    rask_future f = rask_submit(client, map_numbers, RASK_NO_ARGS);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_wait(mapped, MANY, RASK_ALL_COMPLETED, LONG_NS, NULL));
    int early = 0;
    for (int i = 0; i < MANY / 2; i++)
        early += order[i] < MANY / 2;
    CHECK(early > MANY / 2 * 9 / 10);
    CHECK_OK(rask_release_all(mapped, MANY));
    CHECK_OK(rask_release(f));
}

/* Three roots with two descendants each: a root's descendants run before the next root. */
static void newly_ready_runs_next(void) {
    gate *g = gate_new();
    rask_future holder = hold(g), f[9];
    for (int i = 0; i < 3; i++)
        f[3 * i] = rask_submit(client, note, RASK_ARGS(10 * i));
    for (int i = 0; i < 3; i++) {
        f[3 * i + 1] = rask_submit(client, note, RASK_ARGS(10 * i + 1, f[3 * i]));
        f[3 * i + 2] = rask_submit(client, note, RASK_ARGS(10 * i + 2, f[3 * i + 1]));
    }
    gate_open(g);
    CHECK_OK(rask_wait(f, 9, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_order_of_triples();
    CHECK_OK(rask_release_all(f, 9));
    CHECK_OK(rask_release(holder));
}

/* A chain that is ready step by step may run ahead of what was submitted later, but not for ever. */
static void a_long_chain_starves_nobody(void) {
    int n = small_scale() ? 20000 : 199000;
    gate *g = gate_new();
    rask_future holder = hold(g), f = rask_clone(holder);
    for (int i = 0; i < n; i++)
        f = rask_submit(client, note, RASK_ARGS(1, rask_take(f)));
    rask_future other = rask_submit(client, note, RASK_ARGS(2));
    gate_open(g);
    CHECK_OK(rask_wait(RASK_FUTURES(f, other), RASK_ALL_COMPLETED, LONG_NS, NULL));
    int at = 0;
    while (order[at] != 2)
        CHECK(++at <= n);
    CHECK(at < n);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, f, other)));
}

static void again(rask_task *t) {
    if (atomic_load(&stop))
        return;
    rask_future f = rask_submit(rask_task_client(t), again, RASK_NO_ARGS);
    if (f.id)
        CHECK_OK(rask_fire_and_forget(f));
}
static void again_by_return(rask_task *t) {
    if (!atomic_load(&stop))
        rask_return_future(t, rask_submit(rask_task_client(t), again_by_return, RASK_NO_ARGS));
}

/* Tasks that submit themselves again and again end only if a task from outside gets its turn. */
static void work_from_inside_starves_nobody(void) {
    static const rask_task_fn how[] = {again, again_by_return};
    for (int i = 0; i < 2; i++) {
        atomic_store(&stop, false);
        rask_future f = rask_submit(client, how[i], RASK_NO_ARGS),
                    e = rask_submit(client, how[i], RASK_NO_ARGS);
        CHECK_OK(rask_fire_and_forget(f));
        sleep_us(1000);
        rask_future last = rask_submit(client, say_stop, RASK_NO_ARGS);
        CHECK_OK(rask_wait(&last, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_wait(&e, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_OK(rask_release_all(RASK_FUTURES(last, e)));
    }
}

/* One thread that never stops submitting does not keep another thread's task from running. */
static void *submit_all_the_time(void *unused) {
    (void)unused;
    while (!atomic_load(&stop)) {
        rask_future f[50];
        for (int i = 0; i < 50; i++)
            f[i] = rask_submit(client, inc, RASK_ARGS(i));
        CHECK_OK(rask_wait(&f[0], 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        for (int i = 0; i < 50; i++)
            CHECK_OK(rask_fire_and_forget(f[i]));
    }
    return NULL;
}

static void one_thread_does_not_starve_another(void) {
    atomic_store(&stop, false);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = start_thread(submit_all_the_time, NULL);
    sleep_us(2000);
    for (int i = 0; i < 20; i++) {
        rask_future f = rask_submit(client, inc, RASK_ARGS(i));
        CHECK_I64(f, i + 1);
        CHECK_OK(rask_release(f));
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        join_thread(threads[i]);
}

int main(void) {
    RUN_WITH(1, first_submitted_first_run);
    RUN_WITH(1, mapped_in_order);
    RUN_WITH(1, mapped_by_a_task_in_order);
    RUN_WITH(1, newly_ready_runs_next);
    RUN_WITH(1, a_long_chain_starves_nobody);
    RUN_WITH(1, work_from_inside_starves_nobody);
    RUN_WITH(2, work_from_inside_starves_nobody);
    RUN_WITH(1, one_thread_does_not_starve_another);
    return 0;
}
