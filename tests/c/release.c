/* Release: what nobody wants never runs or is asked to stop, and a value lives exactly as long as it is held
 * or needed. */
#include "check.h"

/* One worker, held: whatever is submitted stays queued until the gate opens. */
static gate held_gate;
static rask_future hold_the_worker(void) {
    memset(&held_gate, 0, sizeof held_gate);
    rask_future f = submit_held(client, &held_gate, 0);
    GATE_REACHED(&held_gate, 1);
    return f;
}
static void let_go(rask_future holder) {
    gate_open(&held_gate);
    CHECK_OK(rask_release(holder));
    CHECK_OK(rask_client_wait(client, LONG_NS));
}

static void queued_and_unheld_never_runs(void) {
    atomic_int runs = 0;
    rask_future holder = hold_the_worker();
    rask_future f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)));
    CHECK_OK(rask_release(f));
    let_go(holder);
    CHECK_EQ(atomic_load(&runs), 0);
}

static void pending_and_unheld_never_runs(void) {
    atomic_int runs = 0;
    rask_future holder = hold_the_worker();
    rask_future f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), holder));
    CHECK_OK(rask_release(f));
    let_go(holder);
    CHECK_EQ(atomic_load(&runs), 0);
}

static void a_clone_keeps_it_wanted(void) {
    atomic_int runs = 0;
    rask_future holder = hold_the_worker();
    rask_future f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs))), c = rask_clone(f);
    CHECK_OK(rask_release(f));
    let_go(holder);
    CHECK_I64(c, 1);
    CHECK_OK(rask_release(c));
}

/* A chain of queued tasks, released in three orders: none runs. */
static void transitively(void) {
    for (int order = 0; order < 3; order++) {
        atomic_int runs = 0;
        rask_future holder = hold_the_worker(), f[10];
        for (int i = 0; i < 10; i++) {
            rask_arg input = i ? rask_of(f[i - 1]) : rask_i64(0);
            f[i] = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), input));
        }
        for (int i = 0; i < 10; i++)
            CHECK_OK(rask_release(f[order == 0 ? i : (order == 1 ? 9 - i : i * 3 % 10)]));
        let_go(holder);
        CHECK_EQ(atomic_load(&runs), 0);
    }
}

static void what_a_wanted_task_needs_still_runs(void) {
    atomic_int runs = 0;
    rask_future holder = hold_the_worker();
    rask_future a = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)));
    rask_future b = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), a));
    rask_future c = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), b));
    CHECK_OK(rask_release(a));
    CHECK_OK(rask_release(c)); /* only c is unwanted */
    let_go(holder);
    CHECK_I64(b, 2);
    CHECK_EQ(atomic_load(&runs), 2);
    CHECK_OK(rask_release(b));
}

static void a_branch_that_is_shared_still_runs(void) {
    atomic_int runs = 0;
    rask_future holder = hold_the_worker();
    rask_future root = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)));
    rask_future left = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), root));
    rask_future right = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), rask_take(root)));
    CHECK_OK(rask_release(left));
    let_go(holder);
    CHECK_I64(right, 2);
    CHECK_EQ(atomic_load(&runs), 2);
    CHECK_OK(rask_release(right));
}

static void what_fire_and_forget_needs_still_runs(void) {
    atomic_int runs = 0;
    rask_future holder = hold_the_worker();
    rask_future a = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)));
    rask_future b = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), rask_take(a)));
    CHECK_OK(rask_fire_and_forget(b));
    let_go(holder);
    CHECK_EQ(atomic_load(&runs), 2);
}

/* ---- running ---- */

typedef struct stopping {
    atomic_int started, told, ended;
    atomic_bool let_go;
} stopping;
static void until_told(rask_task *t) {
    stopping *s = rask_arg_pointer(t, 0);
    atomic_fetch_add(&s->started, 1);
    while (!atomic_load(&s->let_go)) {
        if (rask_cancelled(t)) {
            atomic_fetch_add(&s->told, 1);
            break;
        }
        sleep_us(200);
    }
    atomic_fetch_add(&s->ended, 1);
    rask_return_i64(t, 1);
}

static void running_is_asked_to_stop(void) {
    stopping s = {0};
    rask_future f = rask_submit(client, until_told, RASK_ARGS(rask_pointer(&s)));
    EVENTUALLY(atomic_load(&s.started) == 1);
    CHECK_OK(rask_release(f));
    EVENTUALLY(atomic_load(&s.ended) == 1);
    CHECK_EQ(atomic_load(&s.told), 1);
}

static void running_and_held_is_not(void) {
    stopping s = {0};
    rask_future f = rask_submit(client, until_told, RASK_ARGS(rask_pointer(&s))), c = rask_clone(f);
    EVENTUALLY(atomic_load(&s.started) == 1);
    CHECK_OK(rask_release(f));
    sleep_us(20000);
    CHECK_EQ(atomic_load(&s.told), 0);
    atomic_store(&s.let_go, true);
    CHECK_I64(c, 1);
    CHECK_EQ(atomic_load(&s.told), 0);
    CHECK_OK(rask_release(c));
}

static void running_and_needed_is_not_until_it_is_needed_no_more(void) {
    stopping s = {0};
    rask_future a = rask_submit(client, until_told, RASK_ARGS(rask_pointer(&s)));
    rask_future b = rask_submit(client, inc, RASK_ARGS(a)), c = rask_submit(client, inc, RASK_ARGS(b));
    EVENTUALLY(atomic_load(&s.started) == 1);
    CHECK_OK(rask_release(a));
    CHECK_OK(rask_release(b));
    sleep_us(20000);
    CHECK_EQ(atomic_load(&s.told), 0);
    CHECK_OK(rask_release(c));
    EVENTUALLY(atomic_load(&s.ended) == 1);
    CHECK_EQ(atomic_load(&s.told), 1);
}

static void running_and_forgotten_is_not(void) {
    stopping s = {0};
    rask_future f = rask_submit(client, until_told, RASK_ARGS(rask_pointer(&s)));
    EVENTUALLY(atomic_load(&s.started) == 1);
    CHECK_OK(rask_fire_and_forget(f));
    sleep_us(20000);
    CHECK_EQ(atomic_load(&s.told), 0);
    atomic_store(&s.let_go, true);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&s.told), 0);
    CHECK_EQ(atomic_load(&s.ended), 1);
}

/* ---- values ---- */

static void a_value_is_destroyed_now(void) {
    probe p = {0}, q = {0};
    rask_future scattered = rask_scatter(client, rask_object(&p, &probe_type));
    rask_future computed = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&q)));
    CHECK_OK(rask_wait(&computed, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(scattered));
    CHECK_EQ(destroyed(&p), 1);
    CHECK_EQ(destroyed(&q), 0);
    CHECK_OK(rask_release(computed));
    CHECK_EQ(destroyed(&q), 1);
}

static void read_probe(rask_task *t) {
    probe *p = rask_arg_object(t, 0, &probe_type);
    CHECK_EQ(destroyed(p), 0);
    rask_return_i64(t, 1);
}

static void a_value_lives_until_the_last_dependent_has_read_it(void) {
    probe p = {0};
    gate *g[] = {gate_new(), gate_new()};
    rask_future x = rask_scatter(client, rask_object(&p, &probe_type));
    rask_future early = submit_held(client, g[0], 0), late = submit_held(client, g[1], 0);
    rask_future a = rask_submit(client, read_probe, RASK_ARGS(x, early));
    rask_future b = rask_submit(client, read_probe, RASK_ARGS(x, late));
    CHECK_OK(rask_release(x));
    CHECK_EQ(destroyed(&p), 0);
    gate_open(g[0]);
    CHECK_I64(a, 1);
    sleep_us(5000);
    CHECK_EQ(destroyed(&p), 0);
    gate_open(g[1]);
    CHECK_I64(b, 1);
    EVENTUALLY(destroyed(&p) == 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(early, late, a, b)));
}

static void a_dependent_that_is_dropped_needs_nothing(void) {
    probe p = {0}, q = {0};
    gate *g = gate_new();
    rask_future x = rask_scatter(client, rask_object(&p, &probe_type)),
                y = rask_scatter(client, rask_object(&q, &probe_type));
    rask_future late = submit_held(client, g, 0);
    rask_future released = rask_submit(client, read_probe, RASK_ARGS(rask_take(x), late));
    rask_future cancelled = rask_submit(client, read_probe, RASK_ARGS(rask_take(y), late));
    CHECK_OK(rask_release(released));
    EVENTUALLY(destroyed(&p) == 1);
    CHECK_OK(rask_cancel(cancelled, NULL));
    CHECK_OK(rask_release(cancelled));
    EVENTUALLY(destroyed(&q) == 1);
    gate_open(g);
    CHECK_OK(rask_release(late));
}

static void a_result_that_is_only_needed_goes_with_its_reader(void) {
    probe p = {0};
    rask_future x = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    rask_future y = rask_submit(client, read_probe, RASK_ARGS(rask_take(x)));
    CHECK_I64(y, 1);
    EVENTUALLY(destroyed(&p) == 1); /* although y is still held */
    CHECK_I64(y, 1);
    CHECK_OK(rask_release(y));
}

static void released_right_after_submit(void) {
    atomic_int runs = 0;
    size_t n = scaled(100000);
    for (size_t i = 0; i < n; i++)
        CHECK_OK(rask_release(rask_submit(client, count, RASK_ARGS(rask_pointer(&runs)))));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK(atomic_load(&runs) <= (int)n);
    CHECK_EQ(rask_live_handles(), 1);
}

static void released_after_a_look(void) {
    size_t n = scaled(20000);
    for (size_t i = 0; i < n; i++) {
        rask_future a = rask_submit(client, inc, RASK_ARGS((int64_t)i)),
                    b = rask_submit(client, inc, RASK_ARGS(a));
        if (i % 2)
            CHECK_OK(rask_release(a));
        CHECK_I64(b, (int64_t)i + 2);
        if (i % 2 == 0)
            CHECK_OK(rask_release(a));
        CHECK_OK(rask_release(b));
    }
}

int main(void) {
    RUN_WITH(1, queued_and_unheld_never_runs);
    RUN_WITH(1, pending_and_unheld_never_runs);
    RUN_WITH(1, a_clone_keeps_it_wanted);
    RUN_WITH(1, transitively);
    RUN_WITH(1, what_a_wanted_task_needs_still_runs);
    RUN_WITH(1, a_branch_that_is_shared_still_runs);
    RUN_WITH(1, what_fire_and_forget_needs_still_runs);
    RUN_WITH(2, running_is_asked_to_stop);
    RUN_WITH(2, running_and_held_is_not);
    RUN_WITH(2, running_and_needed_is_not_until_it_is_needed_no_more);
    RUN_WITH(2, running_and_forgotten_is_not);
    RUN_WITH(2, a_value_is_destroyed_now);
    RUN_WITH(2, a_value_lives_until_the_last_dependent_has_read_it);
    RUN_WITH(2, a_dependent_that_is_dropped_needs_nothing);
    RUN_WITH(2, a_result_that_is_only_needed_goes_with_its_reader);
    RUN_WITH(2, released_right_after_submit);
    RUN_WITH(2, released_after_a_look);
    return 0;
}
