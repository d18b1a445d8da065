/* Graphs that are very deep or very wide: everything that walks them is a loop. RASK_TEST_SCALE=small makes
 * them small; full size needs a few gigabytes of memory. */
#include "check.h"

/* n tasks behind root, each taking the one before; only the last one is held. */
static rask_future chain(rask_future root, size_t n) {
    rask_future f = root;
    for (size_t i = 0; i < n; i++)
        f = rask_submit(client, inc, RASK_ARGS(rask_take(f)));
    CHECK(f.id != 0);
    return f;
}
static size_t depth(void) { return scaled(10000000); }
static size_t width(void) { return scaled(1000000); }

static void a_chain_that_runs_meanwhile(void) {
    rask_future f = chain(rask_scatter(client, rask_i64(0)), depth());
    CHECK_I64(f, (int64_t)depth());
    CHECK_OK(rask_release(f));
}

static void a_chain_that_is_all_pending_first(void) {
    gate *g = gate_new();
    rask_future f = chain(submit_held(client, g, 0), depth());
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    gate_open(g);
    CHECK_I64(f, (int64_t)depth());
    CHECK_OK(rask_release(f));
}

static void a_chain_that_fails_at_the_root(void) {
    gate *g = gate_new();
    rask_future root = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 7, "rotten")),
                f = chain(root, depth());
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    gate_open(g);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 7);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "rotten");
    CHECK_OK(rask_release(f));
}

static void a_chain_that_is_cancelled_at_the_root(void) {
    gate *g = gate_new();
    rask_future root = submit_held(client, g, 0), seen = rask_clone(root), f = chain(root, depth());
    CHECK_OK(rask_cancel(seen, "no"));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(seen, f)));
}

static void a_chain_that_is_released_while_pending(void) {
    gate *g = gate_new();
    rask_future root = submit_held(client, g, 0), seen = rask_clone(root), f = chain(root, depth());
    CHECK_OK(rask_release(f));
    gate_open(g);
    CHECK_I64(seen, 0);
    CHECK_OK(rask_release(seen));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(stats_of(client).n_executed, 1); /* the root: nobody wanted the rest */
}

static void a_chain_that_its_client_is_closed_upon(void) {
    gate *g = gate_new();
    rask_future root = submit_held(client, g, 0), f = chain(root, depth());
    gate_open(g);
    CHECK_OK(rask_client_close(client));
    rask_state state = rask_future_state(f);
    CHECK(state == RASK_CANCELLED || state == RASK_FINISHED);
    CHECK_OK(rask_release(f));
}

/* ---- width ---- */

static void sum_list(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    int64_t sum = 0, i = 0;
    for (size_t k = 0; k < rask_value_count(list); k++) {
        CHECK_OK(rask_value_i64(rask_value_at(list, k), &i));
        sum += i;
    }
    rask_return_i64(t, sum);
}

static rask_future *many(rask_arg input, size_t n) {
    rask_future *f = malloc(n * sizeof *f);
    CHECK(f != NULL);
    for (size_t i = 0; i < n; i++)
        f[i] = rask_submit(client, add, RASK_ARGS(input, (int64_t)i));
    return f;
}

static void fan_in_by_a_list(void) {
    size_t n = width();
    gate *g = gate_new();
    rask_future root = submit_held(client, g, 1), *f = many(rask_of(root), n);
    rask_future sum = rask_submit(client, sum_list, RASK_ARGS(rask_list_of(f, n)));
    CHECK_OK(rask_release_all(f, n));
    CHECK_EQ(rask_future_state(sum), RASK_PENDING);
    gate_open(g);
    CHECK_I64(sum, (int64_t)n + (int64_t)n * ((int64_t)n - 1) / 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(root, sum)));
    free(f);
}

static void fan_in_that_fails(void) {
    size_t n = width();
    gate *g = gate_new();
    rask_future root = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 7, "rotten")),
                *f = many(rask_of(root), n);
    rask_future sum = rask_submit(client, sum_list, RASK_ARGS(rask_list_of(f, n)));
    CHECK_OK(rask_release_all(f, n));
    gate_open(g);
    CHECK_FAILS(sum, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(sum).code, 7);
    CHECK_OK(rask_release_all(RASK_FUTURES(root, sum)));
    free(f);
}

static void fan_in_that_is_released(void) {
    size_t n = width();
    gate *g = gate_new();
    rask_future root = submit_held(client, g, 1), *f = many(rask_of(root), n);
    rask_future sum = rask_submit(client, sum_list, RASK_ARGS(rask_list_of(f, n)));
    CHECK_OK(rask_release_all(f, n));
    CHECK_OK(rask_release(sum));
    gate_open(g);
    CHECK_I64(root, 1);
    CHECK_OK(rask_release(root));
    free(f);
}

static void fan_in_by_arguments(void) {
    size_t n = width() / 10;
    rask_future *f = many(rask_i64(1), n);
    rask_arg *args = malloc(n * sizeof *args);
    CHECK(args != NULL);
    for (size_t i = 0; i < n; i++)
        args[i] = rask_take(f[i]);
    rask_future last = rask_submit(client, nothing, args, n);
    CHECK_OK(rask_wait(&last, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(rask_future_state(last), RASK_FINISHED);
    CHECK_OK(rask_release(last));
    free(args);
    free(f);
}

static void fan_out(void) {
    size_t n = width();
    gate *g = gate_new();
    rask_future root = submit_held(client, g, 5), *f = many(rask_of(root), n);
    gate_open(g);
    CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (size_t i = 0; i < n; i++) {
        int64_t out = 0;
        CHECK_OK(rask_result_i64(f[i], &out));
        CHECK_EQ(out, (int64_t)i + 5);
    }
    CHECK_OK(rask_release_all(f, n));
    CHECK_OK(rask_release(root));
    free(f);
}

static void fan_out_that_fails(void) {
    size_t n = width();
    gate *g = gate_new();
    rask_future root = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 7, "rotten")),
                *f = many(rask_of(root), n);
    gate_open(g);
    CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(rask_future_state(f[i]), RASK_ERROR);
    CHECK_EQ(ERROR_OF(f[n - 1]).code, 7);
    CHECK_OK(rask_release_all(f, n));
    CHECK_OK(rask_release(root));
    free(f);
}

static void fan_out_that_is_cancelled(void) {
    size_t n = width();
    gate *g = gate_new();
    rask_future root = submit_held(client, g, 5), *f = many(rask_of(root), n);
    CHECK_OK(rask_cancel(root, "no"));
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(rask_future_state(f[i]), RASK_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_release_all(f, n));
    CHECK_OK(rask_release(root));
    free(f);
}

int main(void) {
    RUN_WITH(2, a_chain_that_runs_meanwhile);
    RUN_WITH(2, a_chain_that_is_all_pending_first);
    RUN_WITH(2, a_chain_that_fails_at_the_root);
    RUN_WITH(2, a_chain_that_is_cancelled_at_the_root);
    RUN_WITH(2, a_chain_that_is_released_while_pending);
    RUN_WITH(2, a_chain_that_its_client_is_closed_upon);
    RUN_WITH(2, fan_in_by_a_list);
    RUN_WITH(2, fan_in_that_fails);
    RUN_WITH(2, fan_in_that_is_released);
    RUN_WITH(2, fan_in_by_arguments);
    RUN_WITH(2, fan_out);
    RUN_WITH(2, fan_out_that_fails);
    RUN_WITH(2, fan_out_that_is_cancelled);
    return 0;
}
