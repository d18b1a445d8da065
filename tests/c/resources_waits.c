/* Resources and waits inside tasks: who holds some keeps them, and what can never end is found. */
#include "resources.h"

/* ---- waiting inside a task that holds resources ---- */

/* (text or nothing): waits for a child that asks for this. */
static void wait_for_child(rask_task *t) {
    const char *text = rask_arg_count(t) ? rask_arg_str(t, 0) : NULL;
    rask_future f = submit_to(rask_task_client(t), text, 0, inc, RASK_ARGS(41));
    int64_t out = 0;
    rask_status status = rask_result_i64(f, &out);
    CHECK_OK(rask_release(f));
    if (status == RASK_OK)
        rask_return_i64(t, out);
    else
        rask_fail(t, status, rask_last_error());
}

static void children_of_holders(void) {
    for (uint32_t workers = 1; workers <= 3; workers++) {
        rask_client own = open_with(workers, "GPU=2,a=1");
        rask_future f[4] = {
            submit_to(own, "GPU=2", 0, wait_for_child, RASK_NO_ARGS),
            submit_to(own, "GPU=2", 0, wait_for_child, RASK_ARGS("a=1")),
            submit_to(own, "GPU=1", 0, wait_for_child, RASK_ARGS("GPU=1")),
            submit_to(own, NULL, 0, wait_for_child, RASK_ARGS("GPU=2,a=1")),
        };
        for (int i = 0; i < 4; i++) {
            rask_status status = rask_wait(&f[i], 1, RASK_ALL_COMPLETED, LONG_NS, NULL);
            CHECK_OK(status);
            CHECK_I64(f[i], 42);
        }
        CHECK_OK(rask_release_all(f, 4));
        CHECK_OK(rask_client_close(own));
    }
}

/* A holder waits for a small one that stands behind a big one, which waits for the holder: the small one may
 * pass. */
static void a_needed_one_is_not_held_up(void) {
    rask_client own = open_with(2, "GPU=3");
    gate *g = gate_new();
    rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1)),
                waiter = submit_to(own, "GPU=1", 0, wait_for_child, RASK_ARGS("GPU=1"));
    CHECK_I64(waiter, 42);
    CHECK_OK(rask_release(waiter));
    rask_future other_gate = submit_held(own, g, 1);
    GATE_REACHED(g, 2);
    waiter = submit_to(own, "GPU=1", 9, wait_for_child, RASK_ARGS("GPU=1"));
    rask_future big = submit_to(own, "GPU=3", 5, inc, RASK_ARGS(1));
    gate_open(g);
    CHECK_I64(waiter, 42);
    CHECK_I64(big, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, other_gate, waiter, big)));
    CHECK_OK(rask_client_close(own));
}

/* ---- waits that can never end ---- */

static void a_child_that_needs_what_its_parent_holds(void) {
    for (uint32_t workers = 1; workers <= 2; workers++) {
        rask_client own = open_with(workers, "GPU=2");
        rask_future f = submit_to(own, "GPU=1", 0, wait_for_child, RASK_ARGS("GPU=2"));
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_EQ(ERROR_OF(f).code, RASK_E_DEADLOCK);
        CHECK_OK(rask_release(f));
        CHECK_OK(rask_client_wait(own, LONG_NS));
        CHECK_OK(rask_client_close(own));
    }
}

/* (gate, n): waits until n are here, then for a child with a GPU. */
static void meet_and_wait(rask_task *t) {
    gate *g = rask_arg_pointer(t, 0);
    gate_pass(g);
    rask_future f = submit_to(rask_task_client(t), "GPU=1", 0, inc, RASK_ARGS(41));
    int64_t out = 0;
    rask_status status = rask_result_i64(f, &out);
    CHECK_OK(rask_release(f));
    rask_return_i64(t, status == RASK_OK ? out : status);
}

/* All that there is, is held by tasks that each wait for a child in need of some: one wait ends, then the
 * others can go on. */
static void holders_that_wait_for_each_other(void) {
    enum { N = 3 };
    rask_client own = open_with(N, "GPU=3");
    gate *g = gate_new();
    rask_future f[N];
    for (int i = 0; i < N; i++)
        f[i] = submit_to(own, "GPU=1", 0, meet_and_wait, RASK_ARGS(rask_pointer(g)));
    GATE_REACHED(g, N);
    gate_open(g);
    int n_deadlocks = 0;
    for (int i = 0; i < N; i++) {
        int64_t out = 0;
        CHECK_OK(rask_result_i64(f[i], &out));
        CHECK(out == 42 || out == RASK_E_DEADLOCK);
        n_deadlocks += out == RASK_E_DEADLOCK;
    }
    CHECK(n_deadlocks >= 1 && n_deadlocks < N);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_client_close(own));
}

/* Two kinds, taken in opposite orders. */
typedef struct pair {
    gate *g;
    const char *wants;
} pair;
static void meet_and_want(rask_task *t) {
    pair *p = rask_arg_pointer(t, 0);
    gate_pass(p->g);
    rask_future f = submit_to(rask_task_client(t), p->wants, 0, inc, RASK_ARGS(41));
    int64_t out = 0;
    rask_status status = rask_wait(&f, 1, RASK_FIRST_COMPLETED, RASK_FOREVER, NULL);
    if (status == RASK_OK)
        CHECK_OK(rask_result_i64(f, &out));
    CHECK_OK(rask_release(f));
    rask_return_i64(t, status == RASK_OK ? out : status);
}
static void opposite_orders(void) {
    rask_client own = open_with(2, "a=1,b=1");
    gate *g = gate_new();
    pair pairs[2] = {{g, "b=1"}, {g, "a=1"}};
    rask_future f[2] = {submit_to(own, "a=1", 0, meet_and_want, RASK_ARGS(rask_pointer(&pairs[0]))),
                        submit_to(own, "b=1", 0, meet_and_want, RASK_ARGS(rask_pointer(&pairs[1])))};
    /* Waits for one of the circle, but is not part of it. */
    GATE_REACHED(g, 2);
    gate_open(g);
    int n_deadlocks = 0;
    for (int i = 0; i < 2; i++) {
        int64_t out = 0;
        CHECK_OK(rask_result_i64(f[i], &out));
        CHECK(out == 42 || out == RASK_E_DEADLOCK);
        n_deadlocks += out == RASK_E_DEADLOCK;
    }
    CHECK_EQ(n_deadlocks, 1);
    CHECK_OK(rask_release_all(f, 2));
    CHECK_OK(rask_client_close(own));
}

/* (gate, future): waits for the future, passes on how that ended. */
static rask_future looked_at;
static void wait_for_looked_at(rask_task *t) {
    gate_pass(rask_arg_pointer(t, 0));
    rask_return_i64(t, rask_wait(&looked_at, 1, RASK_ALL_COMPLETED, RASK_FOREVER, NULL));
}
static void a_bystander_is_not_told(void) {
    rask_client own = open_with(3, "a=1,b=1,c=1");
    gate *g = gate_new(), *other = gate_new();
    pair pairs[2] = {{g, "b=1"}, {g, "a=1"}};
    rask_future bystander = submit_to(own, "c=1", 0, wait_for_looked_at, RASK_ARGS(rask_pointer(other)));
    GATE_REACHED(other, 1);
    rask_future f[2] = {submit_to(own, "a=1", 0, meet_and_want, RASK_ARGS(rask_pointer(&pairs[0]))),
                        submit_to(own, "b=1", 0, meet_and_want, RASK_ARGS(rask_pointer(&pairs[1])))};
    looked_at = f[0];
    gate_open(other);
    GATE_REACHED(g, 2);
    EVENTUALLY(atomic_load(&other->left) == 1);
    gate_open(g);
    CHECK_I64(bystander, RASK_OK);
    for (int i = 0; i < 2; i++) {
        int64_t out = 0;
        CHECK_OK(rask_result_i64(f[i], &out));
    }
    CHECK_OK(rask_release_all(RASK_FUTURES(bystander, f[0], f[1])));
    CHECK_OK(rask_client_close(own));
}

/* A timed wait of one holder ends by itself, so nobody is told of a deadlock. */
static void wait_a_while(rask_task *t) {
    gate_pass(rask_arg_pointer(t, 0));
    rask_return_i64(t, rask_wait(&looked_at, 1, RASK_ALL_COMPLETED, 50 * 1000 * 1000, NULL));
}
static void a_timed_wait_breaks_the_circle(void) {
    rask_client own = open_with(2, "GPU=2"), elsewhere = open_workers(1);
    gate *g = gate_new(), *never = gate_new();
    looked_at = submit_held(elsewhere, never, 1);
    rask_future timed = submit_to(own, "GPU=1", 0, wait_a_while, RASK_ARGS(rask_pointer(g))),
                f = submit_to(own, "GPU=1", 0, meet_and_wait, RASK_ARGS(rask_pointer(g)));
    GATE_REACHED(g, 2);
    gate_open(g);
    CHECK_I64(f, 42);
    CHECK_I64(timed, RASK_E_TIMEOUT);
    gate_open(never);
    CHECK_OK(rask_release_all(RASK_FUTURES(timed, f, looked_at)));
    CHECK_OK(rask_client_close(own));
    CHECK_OK(rask_client_close(elsewhere));
}

int main(void) {
    RUN(children_of_holders);
    RUN(a_needed_one_is_not_held_up);
    RUN(a_child_that_needs_what_its_parent_holds);
    RUN(holders_that_wait_for_each_other);
    RUN(opposite_orders);
    RUN(a_bystander_is_not_told);
    RUN(a_timed_wait_breaks_the_circle);
    return 0;
}
