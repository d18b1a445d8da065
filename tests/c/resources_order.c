/* Resources: who is next of those that wait for some. */
#include "order.h"
#include "resources.h"

static void priorities_among_the_waiting(void) {
    static const int32_t priorities[] = {0, -1, 5, INT32_MIN, INT32_MAX, 1, -5, 0, 5};
    static const int want[] = {4, 2, 8, 5, 0, 7, 1, 6, 3};
    enum { N = sizeof priorities / sizeof *priorities };
    rask_client own = open_with(4, "GPU=1");
    gate *g = gate_new();
    rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1)), f[N];
    GATE_REACHED(g, 1);
    forget_order();
    for (int i = 0; i < N; i++)
        f[i] = submit_to(own, "GPU=1", priorities[i], note, RASK_ARGS(i));
    /* What needs none of it does not wait for it. */
    rask_future free_one = submit_to(own, NULL, INT32_MIN, inc, RASK_ARGS(1));
    CHECK_I64(free_one, 2);
    CHECK_EQ(atomic_load(&n_ran), 0);
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_order(want, N);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, free_one)));
    CHECK_OK(rask_client_close(own));
}

static void first_come_first_served(void) {
    enum { N = 500 };
    rask_client own = open_with(4, "GPU=1");
    gate *g = gate_new();
    rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1)), f[N];
    GATE_REACHED(g, 1);
    forget_order();
    for (int i = 0; i < N; i++)
        f[i] = submit_to(own, "GPU=1", 0, note, RASK_ARGS(i));
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_numbered_order(N);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
    CHECK_OK(rask_client_close(own));
}

/* A big one that waits keeps later small ones from taking what it needs, but not from what it does not. */
static void a_big_one_is_not_overtaken(void) {
    rask_client own = open_with(4, "GPU=3,license=1");
    gate *g = gate_new();
    rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1));
    GATE_REACHED(g, 1);
    forget_order();
    rask_future big = submit_to(own, "GPU=3", 0, note, RASK_ARGS(1)),
                small = submit_to(own, "GPU=1", 0, note, RASK_ARGS(2)),
                both = submit_to(own, "GPU=1,license=1", 0, note, RASK_ARGS(3)),
                other = submit_to(own, "license=1", 0, inc, RASK_ARGS(4)),
                higher = submit_to(own, "GPU=1", 1, inc, RASK_ARGS(5));
    CHECK_I64(other, 5);
    CHECK_I64(higher, 6);
    CHECK_EQ(atomic_load(&n_ran), 0);
    gate_open(g);
    CHECK_OK(rask_wait(RASK_FUTURES(big, small, both), RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(order[0], 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(holder, big, small, both, other, higher)));
    CHECK_OK(rask_client_close(own));
}

/* (priority): submits itself again, with a resource. */
static void again(rask_task *t) {
    if (atomic_load(&stop))
        return;
    int64_t priority = rask_arg_i64(t, 0);
    rask_future f = submit_to(rask_task_client(t), "GPU=1", (int32_t)priority, again, RASK_ARGS(priority));
    if (f.id)
        CHECK_OK(rask_fire_and_forget(f));
}
/* A flood of small ones of high priority does not keep a big one of low priority, nor one of the other
 * queues, waiting for ever. */
static void a_flood_starves_nobody(void) {
    static const struct {
        const char *text;
        int32_t priority;
    } last[] = {{"GPU=3", -1}, {"GPU=1", -1}, {"GPU=3", 0}, {NULL, 0}, {NULL, -5}};
    /* Each takes thousands of tasks. */
    size_t n_floods = small_scale() ? 1 : sizeof last / sizeof *last;
    for (size_t i = 0; i < n_floods; i++) {
        rask_client own = open_with(i % 2 ? 1 : 3, "GPU=3");
        atomic_store(&stop, false);
        for (int n = 0; n < 9; n++) {
            rask_future flood = submit_to(own, "GPU=1", 5, again, RASK_ARGS(5));
            CHECK_OK(rask_fire_and_forget(flood));
        }
        rask_future f = submit_to(own, last[i].text, last[i].priority, say_stop, RASK_NO_ARGS);
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_client_wait(own, LONG_NS));
        CHECK_OK(rask_release(f));
        CHECK_OK(rask_client_close(own));
    }
}

static void dependents_in_turn(void) {
    enum { N = 300 };
    rask_client own = open_with(3, "GPU=1");
    rask_future f[N];
    f[0] = submit_to(own, "GPU=1", 0, inc, RASK_ARGS(0));
    for (int i = 1; i < N; i++)
        f[i] = submit_to(own, i % 2 ? NULL : "GPU=1", i % 3 - 1, inc, RASK_ARGS(f[i - 1]));
    CHECK_I64(f[N - 1], N);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_client_close(own));
}

static void clients_of_their_own(void) {
    rask_client a = open_with(2, "GPU=1"), b = open_with(2, "GPU=1,a=1");
    gate *g = gate_new();
    rask_future held_a = submit_to(a, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1));
    GATE_REACHED(g, 1);
    rask_future in_b = submit_to(b, "GPU=1,a=1", 0, inc, RASK_ARGS(1)),
                in_a = submit_to(a, "GPU=1", 0, inc, RASK_ARGS(1)),
                wrong = submit_to(a, "a=1", 0, inc, RASK_ARGS(1));
    CHECK_I64(in_b, 2);
    CHECK_FAILS(wrong, RASK_E_INVALID);
    CHECK_EQ(rask_future_state(in_a), RASK_PENDING);
    gate_open(g);
    CHECK_I64(in_a, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(held_a, in_a, in_b, wrong)));
    CHECK_OK(rask_client_close(a));
    CHECK_OK(rask_client_close(b));
}

int main(void) {
    RUN(priorities_among_the_waiting);
    RUN(first_come_first_served);
    RUN(a_big_one_is_not_overtaken);
    RUN(a_flood_starves_nobody);
    RUN(dependents_in_turn);
    RUN(clients_of_their_own);
    return 0;
}
