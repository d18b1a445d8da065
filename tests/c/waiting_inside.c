/* Waiting inside a task: never deadlocks a correct program; a wait that can never end says so. */
#include "check.h"

static void fib(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0), a = 0, b = 0;
    if (n < 2) {
        rask_return_i64(t, n);
        return;
    }
    rask_future x = rask_submit(rask_task_client(t), fib, RASK_ARGS(n - 1));
    rask_future y = rask_submit(rask_task_client(t), fib, RASK_ARGS(n - 2));
    CHECK_OK(rask_result_i64(x, &a));
    CHECK_OK(rask_result_i64(y, &b));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
    rask_return_i64(t, a + b);
}

static void fibonacci(void) {
    rask_future f = rask_submit(client, fib, RASK_ARGS(small_scale() ? 12 : 25));
    CHECK_I64(f, small_scale() ? 144 : 75025);
    CHECK_OK(rask_release(f));
}

/* The same, waiting in the wrong order and for both at once. */
static void fib_wait(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0), a = 0, b = 0;
    if (n < 2) {
        rask_return_i64(t, n);
        return;
    }
    rask_future f[2];
    for (int i = 0; i < 2; i++)
        f[i] = rask_submit(rask_task_client(t), fib_wait, RASK_ARGS(n - 1 - i));
    if (n % 2) {
        CHECK_OK(rask_wait(f, 2, RASK_ALL_COMPLETED, RASK_FOREVER, NULL));
    } else {
        const rask_value *values[2];
        CHECK_OK(rask_gather(f, 2, LONG_NS, values, NULL));
    }
    CHECK_OK(rask_result_i64(f[0], &a));
    CHECK_OK(rask_result_i64(f[1], &b));
    CHECK_OK(rask_release_all(f, 2));
    rask_return_i64(t, a + b);
}

static void fibonacci_by_wait_and_gather(void) {
    rask_future f = rask_submit(client, fib_wait, RASK_ARGS(small_scale() ? 10 : 18));
    CHECK_I64(f, small_scale() ? 55 : 2584);
    CHECK_OK(rask_release(f));
}

/* ---- futures the task did not create ---- */

typedef struct slot {
    gate *g;
    rask_future future;
    rask_status status;
    atomic_int ended;
} slot;

/* (slot): passes its gate, waits for the slot's future, adds one. */
static void wait_for_slot(rask_task *t) {
    slot *s = rask_arg_pointer(t, 0);
    int64_t out = 0;
    gate_pass(s->g);
    s->status = rask_result_i64(s->future, &out);
    rask_return_i64(t, out + 1);
    atomic_fetch_add(&s->ended, 1);
}

static void a_task_that_is_queued_behind(void) {
    static slot s;
    s = (slot){gate_new(), {0}, 77, 0};
    rask_future a = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s)));
    GATE_REACHED(s.g, 1);
    rask_future other = rask_submit(client, inc, RASK_ARGS(1)), b = rask_submit(client, inc, RASK_ARGS(41));
    s.future = b;
    gate_open(s.g);
    CHECK_I64(a, 43);
    CHECK_OK(s.status);
    CHECK_I64(other, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, other, b)));
}

static void a_task_with_inputs_of_its_own(void) {
    static slot s;
    s = (slot){gate_new(), {0}, 77, 0};
    rask_future a = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s)));
    GATE_REACHED(s.g, 1);
    rask_future f = rask_submit(client, inc, RASK_ARGS(0));
    for (int i = 0; i < 100; i++)
        f = rask_submit(client, inc, RASK_ARGS(rask_take(f)));
    s.future = f;
    gate_open(s.g);
    CHECK_I64(a, 102);
    CHECK_OK(s.status);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, f)));
}

/* Each waits for the next one, which was submitted later; the last one waits for nothing. */
static void a_chain_of_nested_waits(void) {
    enum { N = 60 };
    static slot s[N];
    rask_future f[N + 1];
    gate *g = gate_new();
    for (int i = 0; i < N; i++) {
        s[i] = (slot){g, {0}, 77, 0};
        f[i] = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s[i])));
    }
    f[N] = rask_submit(client, inc, RASK_ARGS(0));
    for (int i = 0; i < N; i++)
        s[i].future = f[i + 1];
    gate_open(g);
    CHECK_I64(f[0], N + 1);
    for (int i = 0; i < N; i++)
        CHECK_OK(s[i].status);
    CHECK_OK(rask_release_all(f, N + 1));
}

/* Several wait for one that cannot run inside any of them, for it waits for its turn. */
static void several_wait_for_the_same(void) {
    enum { N = 6 };
    static slot s[N];
    rask_future f[N];
    gate *g = gate_new();
    for (int i = 0; i < N; i++) {
        s[i] = (slot){g, {0}, 77, 0};
        f[i] = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s[i])));
    }
    rask_future x = rask_submit(client, inc, RASK_ARGS(0)), y = rask_submit(client, inc, RASK_ARGS(x));
    for (int i = 0; i < N; i++)
        s[i].future = y;
    gate_open(g);
    for (int i = 0; i < N; i++) {
        CHECK_I64(f[i], 3);
        CHECK_OK(s[i].status);
    }
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void submit_and_wait_for_error(rask_task *t) {
    rask_future f = rask_submit(rask_task_client(t), fail, RASK_ARGS(6, "inner"));
    int64_t out = 77;
    CHECK_STATUS(rask_result_i64(f, &out), RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 6);
    CHECK_OK(rask_release(f));
    rask_return_i64(t, 1);
}

static void an_error_is_seen_by_the_waiting_task(void) {
    rask_future f = rask_submit(client, submit_and_wait_for_error, RASK_NO_ARGS);
    CHECK_I64(f, 1);
    CHECK_OK(rask_release(f));
}

static void wait_a_little(rask_task *t) {
    rask_future f = {(uint64_t)rask_arg_i64(t, 0)};
    const rask_value *value = NULL;
    CHECK_STATUS(rask_result(f, 0, &value), RASK_E_TIMEOUT);
    CHECK_STATUS(rask_result(f, 5000000, &value), RASK_E_TIMEOUT);
    CHECK_STATUS(rask_wait(&f, 1, RASK_FIRST_COMPLETED, 5000000, NULL), RASK_E_TIMEOUT);
    rask_return_i64(t, 1);
}

static void a_timeout_inside(void) {
    gate *g = gate_new();
    rask_future running = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    rask_future f = rask_submit(client, wait_a_little, RASK_ARGS((int64_t)running.id));
    CHECK_I64(f, 1);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(running, f)));
}

/* ---- waits that can never end ---- */

static void waiting_for_itself(void) {
    static slot s;
    s = (slot){gate_new(), {0}, 77, 0};
    s.future = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s)));
    gate_open(s.g);
    CHECK_I64(s.future, 1);
    CHECK_STATUS(s.status, RASK_E_DEADLOCK);
    CHECK_OK(rask_release(s.future));
}

static void waiting_for_a_clone_of_itself(void) {
    static slot s;
    s = (slot){gate_new(), {0}, 77, 0};
    rask_future f = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s)));
    s.future = rask_clone(f);
    gate_open(s.g);
    CHECK_I64(f, 1);
    CHECK_STATUS(s.status, RASK_E_DEADLOCK);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, s.future)));
}

static void waiting_for_each_other(void) {
    static slot s[2];
    gate *g = gate_new();
    for (int i = 0; i < 2; i++)
        s[i] = (slot){g, {0}, 77, 0};
    rask_future a = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s[0])));
    rask_future b = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s[1])));
    s[0].future = b;
    s[1].future = a;
    gate_open(g);
    CHECK_OK(rask_wait(RASK_FUTURES(a, b), RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK(s[0].status == RASK_E_DEADLOCK || s[1].status == RASK_E_DEADLOCK);
    for (int i = 0; i < 2; i++)
        CHECK(s[i].status == RASK_OK || s[i].status == RASK_E_DEADLOCK);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
}

static void a_circle_of_three(void) {
    static slot s[3];
    rask_future f[3];
    gate *g = gate_new();
    int deadlocks = 0;
    for (int i = 0; i < 3; i++) {
        s[i] = (slot){g, {0}, 77, 0};
        f[i] = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s[i])));
    }
    for (int i = 0; i < 3; i++)
        s[i].future = f[(i + 1) % 3];
    gate_open(g);
    CHECK_OK(rask_wait(f, 3, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (int i = 0; i < 3; i++) {
        CHECK(s[i].status == RASK_OK || s[i].status == RASK_E_DEADLOCK);
        deadlocks += s[i].status == RASK_E_DEADLOCK;
    }
    CHECK(deadlocks >= 1);
    CHECK_OK(rask_release_all(f, 3));
}

static void waiting_for_its_own_dependent(void) {
    for (int far = 0; far < 3; far++) {
        static slot s;
        s = (slot){gate_new(), {0}, 77, 0};
        rask_future a = rask_submit(client, wait_for_slot, RASK_ARGS(rask_pointer(&s)));
        rask_future f = rask_submit(client, inc, RASK_ARGS(a));
        for (int i = 0; i < far * 10; i++)
            f = rask_submit(client, inc, RASK_ARGS(rask_take(f)));
        s.future = f;
        gate_open(s.g);
        CHECK_I64(f, 2 + far * 10);
        CHECK_STATUS(s.status, RASK_E_DEADLOCK);
        CHECK_OK(rask_release_all(RASK_FUTURES(a, f)));
    }
}

static void drain_inside(rask_task *t) {
    rask_return_i64(t, rask_client_wait(rask_task_client(t), RASK_FOREVER));
}
static void close_inside(rask_task *t) { rask_return_i64(t, rask_client_close(rask_task_client(t))); }

static void draining_its_own_client(void) {
    rask_future f = rask_submit(client, drain_inside, RASK_NO_ARGS);
    CHECK_I64(f, RASK_E_DEADLOCK);
    CHECK_OK(rask_release(f));
}

static void closing_its_own_client(void) {
    rask_future f = rask_submit(client, close_inside, RASK_NO_ARGS),
                after = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(f, RASK_E_STATE);
    CHECK_I64(after, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, after)));
}

/* ---- as many at a time as there are workers ---- */

static atomic_int active, most_active;
static void enter(void) {
    int now = atomic_fetch_add(&active, 1) + 1, most = atomic_load(&most_active);
    while (now > most && !atomic_compare_exchange_weak(&most_active, &most, now)) {
    }
    sched_yield();
}
static void leave(void) { atomic_fetch_sub(&active, 1); }

/* (depth, slot or NULL): a tree whose inner tasks wait; counts how many run outside a wait. */
static void counted_tree(rask_task *t) {
    enter();
    int64_t n = rask_arg_i64(t, 0), a = 0, b = 0;
    if (n > 0) {
        rask_future x = rask_submit(rask_task_client(t), counted_tree, RASK_ARGS(n - 1));
        rask_future y = rask_submit(rask_task_client(t), inc, RASK_ARGS(x)); /* not a child that is ready */
        rask_future z = rask_submit(rask_task_client(t), counted_tree, RASK_ARGS(n - 1));
        leave();
        CHECK_OK(rask_result_i64(y, &a));
        enter();
        leave();
        CHECK_OK(rask_result_i64(z, &b));
        enter();
        CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
    }
    rask_return_i64(t, a + b + 1);
    leave();
}

static int64_t tree_size(int64_t n) { return n == 0 ? 1 : 2 * tree_size(n - 1) + 2; }

static void never_more_than(int workers) {
    atomic_store(&active, 0);
    atomic_store(&most_active, 0);
    int64_t n = small_scale() ? 4 : 9;
    rask_future f[4];
    for (int i = 0; i < 4; i++)
        f[i] = rask_submit(client, counted_tree, RASK_ARGS(n));
    for (int i = 0; i < 4; i++)
        CHECK_I64(f[i], tree_size(n));
    CHECK_OK(rask_release_all(f, 4));
    CHECK(atomic_load(&most_active) >= 1);
    CHECK(atomic_load(&most_active) <= workers);
}
static void one_worker_runs_one_task_at_a_time(void) { never_more_than(1); }
static void three_workers_run_three_at_most(void) { never_more_than(3); }

/* One worker is held, so that nothing can help; only one wait may be suspended, so the others are refused. */
static void at_the_limit_of_spares(void) {
    enum { N = 4 };
    static slot s[N];
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = 2;
    options.max_spares = 1;
    rask_client limited = rask_client_open(&options);
    CHECK(limited.id != 0);
    gate *g = gate_new(), *open = gate_new();
    gate_open(open);
    rask_future x = submit_held(limited, g, 1), f[N];
    GATE_REACHED(g, 1);
    for (int i = 0; i < N; i++) {
        s[i] = (slot){open, x, 77, 0};
        f[i] = rask_submit(limited, wait_for_slot, RASK_ARGS(rask_pointer(&s[i])));
    }
    int refused = 0, ended = 0;
    EVENTUALLY((ended = atomic_load(&s[0].ended) + atomic_load(&s[1].ended) + atomic_load(&s[2].ended) +
                        atomic_load(&s[3].ended)) == N - 1);
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (int i = 0; i < N; i++) {
        CHECK(s[i].status == RASK_OK || s[i].status == RASK_E_NOMEM);
        refused += s[i].status == RASK_E_NOMEM;
    }
    CHECK_EQ(ended, N - 1);
    CHECK_EQ(refused, N - 1);
    CHECK_I64(x, 1);
    CHECK_OK(rask_release(x));
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_client_close(limited));
}

int main(void) {
    static const uint32_t workers[] = {1, 2, 8};
    for (int i = 0; i < 3; i++) {
        RUN_WITH(workers[i], fibonacci);
        RUN_WITH(workers[i], fibonacci_by_wait_and_gather);
        RUN_WITH(workers[i], a_task_that_is_queued_behind);
        RUN_WITH(workers[i], a_task_with_inputs_of_its_own);
        RUN_WITH(workers[i], a_chain_of_nested_waits);
        RUN_WITH(workers[i], several_wait_for_the_same);
        RUN_WITH(workers[i], an_error_is_seen_by_the_waiting_task);
        RUN_WITH(workers[i], waiting_for_itself);
        RUN_WITH(workers[i], waiting_for_a_clone_of_itself);
        RUN_WITH(workers[i], waiting_for_each_other);
        RUN_WITH(workers[i], a_circle_of_three);
        RUN_WITH(workers[i], waiting_for_its_own_dependent);
        RUN_WITH(workers[i], draining_its_own_client);
        RUN_WITH(workers[i], closing_its_own_client);
    }
    RUN_WITH(2, a_timeout_inside);
    RUN_WITH(1, one_worker_runs_one_task_at_a_time);
    RUN_WITH(3, three_workers_run_three_at_most);
    RUN(at_the_limit_of_spares);
    return 0;
}
