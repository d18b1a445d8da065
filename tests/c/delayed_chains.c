/* Lazy graphs: steps of which each takes the one before are one task. */
#include "lazy.h"

static void fail_at_five(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0);
    if (n == 5)
        rask_fail(t, 55, rask_task_key(t));
    rask_return_i64(t, n + 1);
}

static void an_error_in_a_chain_names_its_step(void) {
    rask_delayed d = chain_of(call(inc, RASK_ARGS(0)), fail_at_five, "step", 20);
    d = chain_of(d, inc, "after", 100);
    for (int i = 0; i < 2; i++) {
        rask_future f = rask_compute(client, d);
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_EQ(ERROR_OF(f).code, 55);
        CHECK_EQ(ERROR_OF(f).attempts, 1);
        CHECK_STR_CONTAINS(ERROR_OF(f).origin, "step-");
        CHECK_STR_EQ(ERROR_OF(f).message, ERROR_OF(f).origin);
        CHECK_STR_CONTAINS(rask_future_key(f), "after-");
        CHECK_OK(rask_release(f));
    }
    drop(d);
}

static void wrong_type_at_five(rask_task *t) {
    if (rask_arg_i64(t, 0) == 5)
        rask_arg_bytes(t, 0, NULL);
    rask_return_i64(t, rask_arg_i64(t, 0) + 1);
}

static void a_mistake_in_a_chain_names_its_step(void) {
    rask_delayed d = chain_of(call(inc, RASK_ARGS(0)), wrong_type_at_five, "reader", 20);
    rask_future f = rask_compute(client, d);
    CHECK_FAILS(f, RASK_E_TYPE);
    CHECK_STR_CONTAINS(ERROR_OF(f).origin, "reader-");
    CHECK_STR_CONTAINS(ERROR_OF(f).message, ERROR_OF(f).origin);
    CHECK_OK(rask_release(f));
    drop(d);
}

/* (previous, text, number): appends the number's digit. */
static void append(rask_task *t) {
    size_t size = 0;
    const char *before = rask_arg_bytes(t, 1, &size);
    CHECK_STR_EQ(rask_arg_str(t, 0), "a constant that is longer than twenty-three bytes");
    CHECK_EQ(rask_arg_count(t), 3);
    CHECK_EQ(rask_task_attempt(t), 1);
    CHECK_EQ(rask_task_client(t).id, client.id);
    CHECK(!rask_cancelled(t));
    char *to = rask_return_buffer(t, size + 1);
    memcpy(to, before, size);
    to[size] = (char)('0' + rask_arg_i64(t, 2) % 10);
}

static void values_pass_through_a_chain(void) {
    rask_delayed d = call(pass_on, RASK_ARGS("x"));
    for (int i = 0; i < 200; i++) {
        rask_delayed next =
            call(append, RASK_ARGS("a constant that is longer than twenty-three bytes", d, i));
        drop(d);
        d = next;
    }
    for (int round = 0; round < 3; round++) {
        rask_future f = rask_compute(client, d);
        const void *data = NULL;
        size_t size = 0;
        CHECK_OK(rask_result_bytes(f, &data, &size));
        CHECK_EQ(size, 201);
        for (size_t i = 0; i < 200; i++)
            CHECK_EQ(((const char *)data)[i + 1], '0' + (int)(i % 10));
        CHECK_OK(rask_release(f));
    }
    drop(d);
}

/* (probe): an object made of it, or passed on. */
static void same_object(rask_task *t) { rask_return_arg(t, 0); }

static void objects_in_a_chain_are_destroyed_once(void) {
    enum { N = 40 };
    static probe probes[N];
    memset(probes, 0, sizeof probes);
    rask_delayed d = call(make_probe, RASK_ARGS(&probes[0]));
    d = chain_of(d, same_object, "same", 3);
    d = chain_of(d, nothing, "nothing", 3);
    rask_future f = rask_compute(client, d);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(destroyed(&probes[0]), 1);
    CHECK_OK(rask_release(f));
    drop(d);
    /* Constants of steps live as long as the graph and what was computed of it. */
    d = call(inc, RASK_ARGS(0));
    for (int i = 1; i < N; i++) {
        rask_delayed next = call(pass_on, RASK_ARGS(d, rask_object(&probes[i], &probe_type)));
        drop(d);
        d = next;
    }
    COMPUTES(d, 1);
    COMPUTES(d, 1);
    for (int i = 1; i < N; i++)
        CHECK_EQ(destroyed(&probes[i]), 0);
    drop(d);
    for (int i = 1; i < N; i++)
        EVENTUALLY(destroyed(&probes[i]) == 1);
}

static void return_a_future(rask_task *t) {
    rask_client here = rask_task_client(t);
    rask_return_future(t, rask_submit(here, inc, RASK_ARGS(rask_arg_i64(t, 0))));
}

static void a_step_that_returns_a_future(void) {
    rask_delayed d = chain_of(call(inc, RASK_ARGS(0)), return_a_future, "asks", 10);
    d = chain_of(d, inc, "goes", 10);
    d = chain_of(d, return_a_future, "asks", 1);
    COMPUTES(d, 22);
    COMPUTES(d, 22);
    drop(d);
}

static void return_a_failing_future(rask_task *t) {
    rask_return_future(t, submit_named(rask_task_client(t), "far", fail, RASK_ARGS(9, "away")));
}

static void a_step_that_returns_a_failing_future(void) {
    atomic_int runs = 0;
    rask_delayed d = chain_of(call(inc, RASK_ARGS(0)), inc, "before", 5);
    d = chain_of(d, return_a_failing_future, "asks", 1);
    rask_delayed e = call(count_and_add, RASK_ARGS(&runs, d));
    e = chain_of(e, inc, "after", 5);
    rask_future f = rask_compute(client, e);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(f).origin, "far-");
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_OK(rask_release(f));
    DROP_ALL(d, e);
}

static rask_future waited_for;
static void wait_inside(rask_task *t) {
    rask_future f = rask_submit(rask_task_client(t), inc, RASK_ARGS(rask_arg_i64(t, 0)));
    int64_t value = 0;
    CHECK_OK(rask_result_i64(f, &value));
    CHECK_OK(rask_release(f));
    rask_return_i64(t, value);
}
static void wait_for_oneself(rask_task *t) {
    const rask_value *value;
    gate_pass((gate *)rask_arg_pointer(t, 0));
    rask_status status = rask_result(waited_for, RASK_FOREVER, &value);
    rask_return_i64(t, status);
}

static void waits_inside_a_chain(void) {
    rask_delayed d = chain_of(call(inc, RASK_ARGS(0)), wait_inside, "waits", 30);
    COMPUTES(d, 31);
    drop(d);
}

static void a_wait_for_what_waits_for_it(void) {
    gate *g = gate_new();
    rask_delayed d = call(wait_for_oneself, RASK_ARGS(rask_pointer(g)));
    d = chain_of(d, pass_on, "above", 6);
    rask_delayed e = call(add, RASK_ARGS(d, 0)), f = call(add, RASK_ARGS(e, e));
    waited_for = rask_compute(client, f);
    gate_open(g);
    CHECK_I64(waited_for, 2 * RASK_E_DEADLOCK);
    CHECK_OK(rask_release(waited_for));
    DROP_ALL(d, e, f);
}

int main(void) {
    RUN_WITH(2, an_error_in_a_chain_names_its_step);
    RUN_WITH(2, a_mistake_in_a_chain_names_its_step);
    RUN_WITH(2, values_pass_through_a_chain);
    RUN_WITH(2, objects_in_a_chain_are_destroyed_once);
    RUN_WITH(1, a_step_that_returns_a_future);
    RUN_WITH(2, a_step_that_returns_a_future);
    RUN_WITH(2, a_step_that_returns_a_failing_future);
    RUN_WITH(1, waits_inside_a_chain);
    RUN_WITH(1, a_wait_for_what_waits_for_it);
    RUN_WITH(2, a_wait_for_what_waits_for_it);
    return 0;
}
