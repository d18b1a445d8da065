/* rask_return_future: a task's result becomes that of another future, without blocking a worker. */
#include "check.h"

static void wait_done(rask_future f) { CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL)); }

/* (n): returns the future of the same with n - 1. */
static void count_down(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0);
    if (n == 0)
        rask_return_i64(t, 42);
    else
        rask_return_future(t, rask_submit(rask_task_client(t), count_down, RASK_ARGS(n - 1)));
}

static void a_long_recursion(void) {
    rask_future f = rask_submit(client, count_down, RASK_ARGS((int64_t)scaled(1000000)));
    CHECK_I64(f, 42);
    CHECK_OK(rask_release(f));
}

static void count_down_to_failure(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0);
    if (n == 0)
        rask_fail(t, 5, "at the bottom");
    else
        rask_return_future(t, rask_submit(rask_task_client(t), count_down_to_failure, RASK_ARGS(n - 1)));
}

static void a_long_recursion_to_a_failure(void) {
    rask_future f = rask_submit(client, count_down_to_failure, RASK_ARGS((int64_t)scaled(1000000)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 5);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "at the bottom");
    CHECK_OK(rask_release(f));
}

/* (gate, id): passes the gate, returns the future. */
static void return_this(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    rask_return_future(t, (rask_future){(uint64_t)rask_arg_i64(t, 1)});
}
static gate *open_gate(void) {
    gate *g = gate_new();
    gate_open(g);
    return g;
}
static rask_future submit_return(rask_future f) {
    return rask_submit(client, return_this, RASK_ARGS(rask_pointer(open_gate()), (int64_t)f.id));
}

static void one_that_is_finished(void) {
    rask_future f = submit_return(rask_scatter(client, rask_str("a text that is too long to be inline")));
    CHECK_TEXT(f, "a text that is too long to be inline");
    CHECK_OK(rask_release(f));
}

static void one_that_is_pending_blocks_no_worker(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 41); /* holds one of two workers */
    rask_future y = rask_submit(client, inc, RASK_ARGS(x)), seen = rask_clone(y);
    rask_future f = submit_return(y), after = rask_submit(client, inc, RASK_ARGS(f));
    EVENTUALLY(rask_future_state(y) == RASK_E_HANDLE); /* taken */
    for (int i = 0; i < 100; i++) {
        rask_future other = rask_submit(client, inc, RASK_ARGS(i));
        CHECK_I64(other, i + 1);
        CHECK_OK(rask_release(other));
    }
    CHECK(rask_future_state(f) <= RASK_RUNNING);
    gate_open(g);
    CHECK_I64(f, 42);
    CHECK_I64(after, 43);
    CHECK_I64(seen, 42);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, seen, f, after)));
}

static void one_that_failed(void) {
    rask_future bad = submit_named(client, "the-root", fail, RASK_ARGS(3, "broken")), seen = rask_clone(bad);
    wait_done(bad);
    rask_future f = submit_return(bad), after = rask_submit(client, inc, RASK_ARGS(f));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 3);
    CHECK_STR_EQ(ERROR_OF(f).origin, rask_future_key(seen));
    CHECK_FAILS(after, RASK_E_TASK);
    CHECK_STR_EQ(ERROR_OF(after).origin, rask_future_key(seen));
    CHECK_OK(rask_release_all(RASK_FUTURES(seen, f, after)));
}

static void one_that_fails_later(void) {
    gate *g = gate_new();
    rask_future bad = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 4, "later")),
                f = submit_return(bad);
    EVENTUALLY(rask_future_state(bad) == RASK_E_HANDLE);
    gate_open(g);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 4);
    CHECK_OK(rask_release(f));
}

static void one_that_is_cancelled(void) {
    for (int later = 0; later < 2; later++) {
        gate *g = gate_new();
        rask_future x = submit_held(client, g, 1), y = rask_submit(client, inc, RASK_ARGS(x)),
                    seen = rask_clone(y);
        if (!later)
            CHECK_OK(rask_cancel(seen, "before"));
        rask_future f = submit_return(y);
        EVENTUALLY(rask_future_state(y) == RASK_E_HANDLE);
        if (later)
            CHECK_OK(rask_cancel(seen, "after"));
        CHECK_FAILS(f, RASK_E_CANCELLED);
        gate_open(g);
        CHECK_OK(rask_release_all(RASK_FUTURES(x, seen, f)));
    }
}

static void cancelling_what_returned_another(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), seen = rask_clone(x), f = submit_return(x);
    EVENTUALLY(rask_future_state(x) == RASK_E_HANDLE);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    gate_open(g);
    CHECK_I64(seen, 1); /* held: it is not cancelled with it */
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(seen, f)));
}

static _Atomic uint64_t own_id;
static void return_itself(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    rask_return_future(t, (rask_future){atomic_load(&own_id)});
}

static void itself(void) {
    gate *g = gate_new();
    rask_future f = rask_submit(client, return_itself, RASK_ARGS(rask_pointer(g))), clone = rask_clone(f);
    atomic_store(&own_id, clone.id);
    gate_open(g);
    wait_done(f);
    CHECK_EQ(rask_future_state(f), RASK_ERROR);
    CHECK(ERROR_OF(f).status < 0);
    CHECK(ERROR_OF(f).message[0] != 0);
    CHECK_STATUS(rask_release(clone), RASK_E_HANDLE); /* taken, all the same */
    CHECK_OK(rask_release(f));
}

static void handles_that_are_none(void) {
    rask_future stale = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(stale));
    const rask_future bad[] = {{0}, stale, {client.id}, {0x123456789abcdefULL}};
    for (int i = 0; i < 4; i++) {
        rask_future f = submit_return(bad[i]);
        CHECK_FAILS(f, RASK_E_HANDLE);
        CHECK_OK(rask_release(f));
    }
}

static void one_of_another_client(void) {
    rask_client other = open_workers(1);
    rask_future foreign = rask_scatter(other, rask_i64(1)), f = submit_return(foreign);
    CHECK_FAILS(f, RASK_E_HANDLE);
    CHECK_STATUS(rask_release(foreign), RASK_E_HANDLE); /* taken */
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(other));
}

/* (how, id): several answers. */
static void several(rask_task *t) {
    rask_future f = {(uint64_t)rask_arg_i64(t, 1)};
    switch (rask_arg_i64(t, 0)) {
    case 0:
        rask_return_future(t, f);
        rask_return_i64(t, 7);
        break;
    case 1:
        rask_return_i64(t, 7);
        rask_return_future(t, f);
        break;
    case 2:
        rask_return_future(t, f);
        rask_fail(t, 8, "after all");
        break;
    default:
        rask_fail(t, 8, "before all");
        rask_return_future(t, f);
        break;
    }
}

static void of_several_answers_the_last_counts(void) {
    for (int how = 0; how < 4; how++) {
        rask_future x = rask_scatter(client, rask_i64(9));
        rask_future f = rask_submit(client, several, RASK_ARGS(how, (int64_t)x.id));
        if (how < 2) {
            CHECK_I64(f, how == 0 ? 7 : 9);
        } else {
            CHECK_FAILS(f, RASK_E_TASK);
            CHECK_EQ(ERROR_OF(f).code, 8);
        }
        CHECK_STATUS(rask_release(x), RASK_E_HANDLE); /* taken each time */
        CHECK_OK(rask_release(f));
    }
}

static void twice(rask_task *t) {
    rask_return_future(t, (rask_future){(uint64_t)rask_arg_i64(t, 0)});
    rask_return_future(t, (rask_future){(uint64_t)rask_arg_i64(t, 1)});
}

static void of_two_futures_the_last_counts(void) {
    rask_future x = rask_scatter(client, rask_i64(1)), y = rask_scatter(client, rask_i64(2));
    rask_future f = rask_submit(client, twice, RASK_ARGS((int64_t)x.id, (int64_t)y.id));
    CHECK_I64(f, 2);
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
    CHECK_STATUS(rask_release(y), RASK_E_HANDLE);
    CHECK_OK(rask_release(f));
}

static void released_while_it_waits_for_the_other(void) {
    gate *g = gate_new();
    static atomic_int runs;
    atomic_store(&runs, 0);
    rask_future x = submit_held(client, g, 1);
    rask_future y = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), x)), f = submit_return(y);
    EVENTUALLY(rask_future_state(y) == RASK_E_HANDLE);
    EVENTUALLY(stats_of(client).n_running == 1); /* only x */
    CHECK_OK(rask_release(f));                   /* nobody wants y any more, either */
    gate_open(g);
    CHECK_OK(rask_release(x));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 0);
}

int main(void) {
    static const uint32_t workers[] = {1, 4};
    for (int i = 0; i < 2; i++) {
        RUN_WITH(workers[i], a_long_recursion);
        RUN_WITH(workers[i], a_long_recursion_to_a_failure);
        RUN_WITH(workers[i], one_that_is_finished);
        RUN_WITH(workers[i], one_that_failed);
        RUN_WITH(workers[i], itself);
        RUN_WITH(workers[i], handles_that_are_none);
        RUN_WITH(workers[i], one_of_another_client);
        RUN_WITH(workers[i], of_several_answers_the_last_counts);
        RUN_WITH(workers[i], of_two_futures_the_last_counts);
    }
    RUN_WITH(2, one_that_is_pending_blocks_no_worker);
    RUN_WITH(2, one_that_fails_later);
    RUN_WITH(2, one_that_is_cancelled);
    RUN_WITH(2, cancelling_what_returned_another);
    RUN_WITH(2, released_while_it_waits_for_the_other);
    return 0;
}
