/* Lists as arguments and values: nested, holding futures, long, deep. */
#include "check.h"

static int64_t sum_of(const rask_value *value) {
    int64_t i = 0;
    if (rask_value_kind(value) != RASK_LIST) {
        CHECK_OK(rask_value_i64(value, &i));
        return i;
    }
    for (size_t k = 0; k < rask_value_count(value); k++)
        i += sum_of(rask_value_at(value, k));
    return i;
}
static void sum(rask_task *t) {
    int64_t total = 0;
    for (size_t i = 0; i < rask_arg_count(t); i++)
        total += sum_of(rask_arg_value(t, i));
    rask_return_i64(t, total);
}

static void an_empty_list(void) {
    const rask_arg empty[] = {rask_list(NULL, 0), rask_list_of(NULL, 0)};
    for (int i = 0; i < 2; i++) {
        rask_future f = rask_submit(client, pass_on, &empty[i], 1);
        const rask_value *value = NULL;
        CHECK_OK(rask_result(f, LONG_NS, &value));
        CHECK_EQ(rask_value_kind(value), RASK_LIST);
        CHECK_EQ(rask_value_count(value), 0);
        CHECK(rask_value_at(value, 0) == NULL);
        CHECK_OK(rask_release(f));
    }
}

static void look_inside(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0), *inner = rask_value_at(list, 1);
    const void *text = NULL;
    size_t size = 0;
    int64_t i = 0;
    void *pointer = NULL;
    CHECK_EQ(rask_value_count(list), 3);
    CHECK_OK(rask_value_i64(rask_value_at(list, 0), &i));
    CHECK_EQ(i, 1);
    CHECK_EQ(rask_value_kind(inner), RASK_LIST);
    CHECK_EQ(rask_value_count(inner), 3);
    CHECK_OK(rask_value_bytes(rask_value_at(inner, 0), &text, &size));
    CHECK_STR_EQ((const char *)text, "a text with more than sixteen bytes");
    CHECK_OK(rask_value_i64(rask_value_at(inner, 1), &i));
    CHECK_EQ(i, 42);
    CHECK_OK(rask_value_object(rask_value_at(inner, 2), &probe_type, &pointer));
    CHECK_EQ(destroyed((probe *)pointer), 0);
    CHECK_EQ(rask_value_kind(rask_value_at(list, 2)), RASK_NONE);
}

static void lists_nest_and_hold_everything(void) {
    probe p = {0};
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 42);
    rask_arg inner[] = {rask_str("a text with more than sixteen bytes"), rask_of(x),
                        rask_object(&p, &probe_type)};
    rask_arg outer[] = {rask_i64(1), rask_list(inner, 3), rask_none()};
    rask_future f = rask_submit(client, look_inside, RASK_ARGS(rask_list(outer, 3)));
    memset(inner, 0, sizeof inner);
    memset(outer, 0, sizeof outer);
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    gate_open(g);
    CHECK_OK(rask_result(f, LONG_NS, &(const rask_value *){NULL}));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(destroyed(&p), 1);
}

static void futures_by_their_array(void) {
    gate *g = gate_new();
    rask_future x[100];
    for (int i = 0; i < 100; i++)
        x[i] = i % 3 ? rask_submit(client, pass_on, RASK_ARGS(i)) : submit_held(client, g, i);
    rask_future total = rask_submit(client, sum, RASK_ARGS(rask_list_of(x, 100)));
    CHECK_OK(rask_release_all(x, 100));
    memset(x, 0, sizeof x);
    gate_open(g);
    CHECK_I64(total, 4950);
    CHECK_OK(rask_release(total));
}

static void the_same_future_many_times(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 3), same[50];
    for (int i = 0; i < 50; i++)
        same[i] = x;
    rask_arg inner = rask_list_of(same, 50);
    rask_future total =
        rask_submit(client, sum, RASK_ARGS(x, rask_list_of(same, 50), rask_list(&inner, 1), x));
    gate_open(g);
    CHECK_I64(total, 306);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, total)));
}

static void handles_are_taken_from_within(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 40), y = submit_held(client, g, 2);
    rask_arg inner[] = {rask_take(x)}, outer[] = {rask_list(inner, 1), rask_take(y)};
    rask_future total = rask_submit(client, sum, RASK_ARGS(rask_list(outer, 2)));
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
    CHECK_STATUS(rask_release(y), RASK_E_HANDLE);
    gate_open(g);
    CHECK_I64(total, 42);
    CHECK_OK(rask_release(total));
}

static void a_stale_future_within(void) {
    rask_future x = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(x));
    rask_arg inner = rask_of(x), outer[] = {rask_i64(1), rask_list(&inner, 1)};
    rask_future f = rask_submit(client, sum, RASK_ARGS(rask_list(outer, 2)));
    CHECK_FAILS(f, RASK_E_HANDLE);
    CHECK_OK(rask_release(f));
    f = rask_submit(client, sum, RASK_ARGS(rask_list_of(&x, 1)));
    CHECK_FAILS(f, RASK_E_HANDLE);
    CHECK_OK(rask_release(f));
}

static void a_list_as_a_result(void) {
    rask_future x = rask_submit(client, pass_on, RASK_ARGS(5));
    rask_arg items[] = {rask_of(x), rask_str("some text that is rather long"), rask_i64(7)};
    rask_future list = rask_submit(client, pass_on, RASK_ARGS(rask_list(items, 3)));
    CHECK_OK(rask_release(x));
    const rask_value *value = NULL;
    int64_t i = 0;
    CHECK_OK(rask_result(list, LONG_NS, &value));
    CHECK_EQ(rask_value_count(value), 3);
    CHECK_OK(rask_value_i64(rask_value_at(value, 0), &i));
    CHECK_EQ(i, 5);
    CHECK_OK(rask_value_i64(rask_value_at(value, 2), &i));
    CHECK_EQ(i, 7);
    const void *text = NULL;
    size_t size = 0;
    CHECK_OK(rask_value_bytes(rask_value_at(value, 1), &text, &size));
    CHECK_STR_EQ((const char *)text, "some text that is rather long");
    CHECK_OK(rask_release(list));
}

static void a_result_list_outlives_its_parts(void) {
    probe p = {0};
    rask_future x = rask_scatter(client, rask_object(&p, &probe_type));
    rask_arg item = rask_take(x);
    rask_future list = rask_submit(client, pass_on, RASK_ARGS(rask_list(&item, 1)));
    rask_future same = rask_submit(client, pass_on, RASK_ARGS(rask_take(list)));
    const rask_value *value = NULL;
    void *object = NULL;
    CHECK_OK(rask_result(same, LONG_NS, &value));
    CHECK_OK(rask_value_object(rask_value_at(value, 0), &probe_type, &object));
    CHECK(object == &p);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(same));
    EVENTUALLY(destroyed(&p) == 1);
}

static void a_long_list(void) {
    size_t n = scaled(1000000);
    rask_arg *items = malloc(n * sizeof *items);
    CHECK(items != NULL);
    for (size_t i = 0; i < n; i++)
        items[i] = rask_i64((int64_t)i);
    rask_future f = rask_submit(client, sum, RASK_ARGS(rask_list(items, n)));
    free(items);
    CHECK_I64(f, (int64_t)n * ((int64_t)n - 1) / 2);
    CHECK_OK(rask_release(f));
}

static int64_t depth_of(const rask_value *value) {
    int64_t depth = 0;
    for (; rask_value_kind(value) == RASK_LIST; depth++)
        value = rask_value_at(value, 0);
    return depth;
}
static void depth(rask_task *t) { rask_return_i64(t, depth_of(rask_arg_value(t, 0))); }

/* Each task's result is a list that holds the result before it: 100,000 deep. */
static void deep_results_are_destroyed_without_recursion(void) {
    size_t n = scaled(100000);
    rask_future f = rask_submit(client, pass_on, RASK_ARGS("the innermost, too long to be inline"));
    for (size_t i = 0; i < n; i++) {
        rask_arg item = rask_take(f);
        f = rask_submit(client, pass_on, RASK_ARGS(rask_list(&item, 1)));
    }
    rask_future measured = rask_submit(client, depth, RASK_ARGS(rask_take(f)));
    CHECK_I64(measured, (int64_t)n);
    CHECK_OK(rask_release(measured));
}

/* One argument nested this deep works, or is refused in words. It may not crash. */
static void a_deep_argument(void) {
    size_t n = scaled(100000);
    rask_arg *items = malloc((n + 1) * sizeof *items);
    CHECK(items != NULL);
    items[0] = rask_i64(1);
    for (size_t i = 1; i <= n; i++)
        items[i] = rask_list(&items[i - 1], 1);
    rask_future f = rask_submit(client, depth, &items[n], 1);
    const rask_value *value = NULL;
    rask_status status = rask_result(f, LONG_NS, &value);
    if (status == RASK_OK)
        CHECK_I64(f, (int64_t)n);
    else
        CHECK_FAILS(f, RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    free(items);
}

/* Nobody's mistake but the caller's: refused, and what it hands over is taken. */
static void a_list_that_holds_itself(void) {
    for (int how = 0; how < 5; how++) {
        rask_future x = rask_scatter(client, rask_i64(1)), f = {0};
        rask_arg items[3];
        items[0] = items[1] = rask_list(items, 3);
        items[2] = rask_take(x);
        if (how < 2) {
            rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
            options.flags = how == 0 ? RASK_IMPURE : RASK_PURE;
            f = rask_submit_with(client, nothing, items, 1, &options);
        } else if (how == 2) {
            f = rask_scatter(client, items[0]);
        } else if (how == 3) {
            rask_delayed d = rask_delayed_call(nothing, items, 3, NULL);
            f = rask_compute(client, d);
            CHECK_OK(rask_delayed_release(d));
        } else {
            CHECK_EQ(rask_submit((rask_client){0}, nothing, items, 3).id, 0);
        }
        if (how < 4)
            CHECK_FAILS(f, RASK_E_INVALID);
        CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
        CHECK_OK(rask_release(f));
    }
}

static void a_nested_list_of_thirty(void) {
    rask_arg items[31];
    items[0] = rask_i64(9);
    for (int i = 1; i <= 30; i++)
        items[i] = rask_list(&items[i - 1], 1);
    rask_future f = rask_submit(client, depth, &items[30], 1);
    CHECK_I64(f, 30);
    CHECK_OK(rask_release(f));
}

int main(void) {
    RUN_WITH(2, an_empty_list);
    RUN_WITH(2, lists_nest_and_hold_everything);
    RUN_WITH(2, futures_by_their_array);
    RUN_WITH(2, the_same_future_many_times);
    RUN_WITH(2, handles_are_taken_from_within);
    RUN_WITH(2, a_stale_future_within);
    RUN_WITH(2, a_list_as_a_result);
    RUN_WITH(2, a_result_list_outlives_its_parts);
    RUN_WITH(2, a_long_list);
    RUN_WITH(2, a_nested_list_of_thirty);
    RUN_WITH(2, deep_results_are_destroyed_without_recursion);
    RUN_WITH(2, a_deep_argument);
    RUN_WITH(2, a_list_that_holds_itself);
    return 0;
}
