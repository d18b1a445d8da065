/* rask_map: one task an item, one call, futures in order. */
#include "check.h"

static void in_order(void) {
    size_t n = scaled(100000);
    rask_arg *items = malloc(n * sizeof *items);
    rask_future *f = malloc(n * sizeof *f);
    CHECK(items && f);
    for (size_t i = 0; i < n; i++)
        items[i] = rask_i64((int64_t)i);
    CHECK_OK(rask_map(client, inc, items, n, NULL, f));
    free(items);
    for (size_t i = 0; i < n; i++) {
        int64_t out = 0;
        CHECK_OK(rask_result_i64(f[i], &out));
        CHECK_EQ(out, (int64_t)i + 1);
    }
    CHECK_OK(rask_release_all(f, n));
    free(f);
}

static void one_argument(rask_task *t) {
    CHECK_EQ(rask_arg_count(t), 1);
    rask_return_arg(t, 0);
}

static void items_of_every_kind(void) {
    gate *g = gate_new();
    static probe p;
    rask_future x = submit_held(client, g, 5), y = submit_held(client, g, 6), f[7];
    rask_arg list[] = {rask_i64(1), rask_of(x)};
    rask_arg items[] = {rask_i64(1), rask_f64(2.5), rask_str("three"), rask_object(&p, &probe_type),
                        rask_of(x),  rask_take(y),  rask_list(list, 2)};
    static const rask_kind kinds[] = {RASK_I64, RASK_F64, RASK_BYTES, RASK_OBJECT,
                                      RASK_I64, RASK_I64, RASK_LIST};
    const rask_value *values[7];
    CHECK_OK(rask_map(client, one_argument, items, 7, NULL, f));
    CHECK_STATUS(rask_release(y), RASK_E_HANDLE); /* taken */
    CHECK_OK(rask_wait(f, 4, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(rask_future_state(f[4]), RASK_PENDING);
    gate_open(g);
    CHECK_OK(rask_gather(f, 7, LONG_NS, values, NULL));
    for (int i = 0; i < 7; i++)
        CHECK_EQ(rask_value_kind(values[i]), kinds[i]);
    CHECK_I64(f[4], 5);
    CHECK_I64(f[5], 6);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release_all(f, 7));
    CHECK_OK(rask_release(x));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(destroyed(&p), 1);
}

static void no_items(void) {
    rask_future out = {77};
    CHECK_OK(rask_map(client, inc, NULL, 0, NULL, &out));
    CHECK_OK(rask_map(client, inc, NULL, 0, NULL, NULL));
    CHECK_EQ(out.id, 77);
}

static void no_pointers_with_a_count(void) {
    rask_future out[] = {{77}, {77}};
    static probe p;
    rask_arg item = rask_object(&p, &probe_type);
    CHECK_STATUS(rask_map(client, inc, NULL, 2, NULL, out), RASK_E_INVALID);
    CHECK_EQ(out[0].id, 0); /* written on every path */
    CHECK_EQ(out[1].id, 0);
    CHECK_STATUS(rask_map(client, inc, &item, 1, NULL, NULL), RASK_E_INVALID);
    CHECK_EQ(destroyed(&p), 1); /* taken on every path */
}

static void a_bad_item_is_an_error_in_its_slot(void) {
    rask_future stale = rask_scatter(client, rask_i64(1)), f[5];
    CHECK_OK(rask_release(stale));
    rask_arg items[] = {rask_i64(1), rask_str(NULL), rask_i64(3), rask_of(stale), rask_i64(5)};
    (void)rask_map(client, inc, items, 5, NULL, f);
    CHECK_I64(f[0], 2);
    CHECK_FAILS(f[1], RASK_E_INVALID);
    CHECK_I64(f[2], 4);
    CHECK_FAILS(f[3], RASK_E_HANDLE);
    CHECK_I64(f[4], 6);
    CHECK_OK(rask_release_all(f, 5));
}

static void a_failed_item(void) {
    rask_future bad = rask_submit(client, fail, RASK_ARGS(4, "bad item")), f[2];
    rask_arg items[] = {rask_of(bad), rask_i64(1)};
    CHECK_OK(rask_map(client, inc, items, 2, NULL, f));
    CHECK_FAILS(f[0], RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f[0]).code, 4);
    CHECK_I64(f[1], 2);
    CHECK_OK(rask_release_all(f, 2));
    CHECK_OK(rask_release(bad));
}

static void some_fail(rask_task *t) {
    if (rask_arg_i64(t, 0) % 3 == 0)
        rask_fail(t, (int32_t)rask_arg_i64(t, 0), "a multiple of three");
    else
        rask_return_arg(t, 0);
}

static void each_fails_for_itself(void) {
    rask_arg items[30];
    rask_future f[30];
    for (int i = 0; i < 30; i++)
        items[i] = rask_i64(i);
    CHECK_OK(rask_map(client, some_fail, items, 30, NULL, f));
    for (int i = 0; i < 30; i++) {
        if (i % 3) {
            CHECK_I64(f[i], i);
        } else {
            CHECK_FAILS(f[i], RASK_E_TASK);
            CHECK_EQ(ERROR_OF(f[i]).code, i);
        }
    }
    CHECK_OK(rask_release_all(f, 30));
}

static void no_function(void) {
    rask_arg items[] = {rask_i64(1), rask_i64(2)};
    rask_future f[2] = {{0}, {0}};
    (void)rask_map(client, NULL, items, 2, NULL, f);
    for (int i = 0; i < 2; i++)
        CHECK_FAILS(f[i], RASK_E_INVALID);
    CHECK_OK(rask_release_all(f, 2));
}

static void named(void) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.name = "mapped";
    rask_arg items[] = {rask_i64(1), rask_i64(1), rask_i64(2)};
    rask_future f[3];
    CHECK_OK(rask_map(client, inc, items, 3, &options, f));
    for (int i = 0; i < 3; i++) {
        CHECK(strncmp(rask_future_key(f[i]), "mapped-", 7) == 0);
        for (int k = 0; k < i; k++)
            CHECK(strcmp(rask_future_key(f[i]), rask_future_key(f[k])) != 0);
    }
    CHECK_OK(rask_release_all(f, 3));
}

static void of_a_map(void) {
    enum { N = 100 };
    rask_arg items[N];
    rask_future a[N], b[N];
    for (int i = 0; i < N; i++)
        items[i] = rask_i64(i);
    CHECK_OK(rask_map(client, inc, items, N, NULL, a));
    for (int i = 0; i < N; i++)
        items[i] = rask_take(a[i]);
    CHECK_OK(rask_map(client, inc, items, N, NULL, b));
    for (int i = 0; i < N; i++)
        CHECK_I64(b[i], i + 2);
    CHECK_OK(rask_release_all(b, N));
}

static atomic_int mapped_runs;
static void count_mapped(rask_task *t) {
    (void)t;
    atomic_fetch_add(&mapped_runs, 1);
}

static void each_runs_once(void) {
    int n = (int)scaled(50000);
    rask_arg *items = calloc((size_t)n, sizeof *items);
    rask_future *f = malloc((size_t)n * sizeof *f);
    CHECK(items && f);
    for (int i = 0; i < n; i++)
        items[i] = rask_none();
    atomic_store(&mapped_runs, 0);
    CHECK_OK(rask_map(client, count_mapped, items, (size_t)n, NULL, f));
    CHECK_OK(rask_wait(f, (size_t)n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(atomic_load(&mapped_runs), n);
    CHECK_OK(rask_release_all(f, (size_t)n));
    free(items);
    free(f);
}

int main(void) {
    RUN_WITH(1, in_order);
    RUN_WITH(4, in_order);
    RUN_WITH(4, items_of_every_kind); /* two of them are held */
    RUN_WITH(2, no_items);
    RUN_WITH(2, no_pointers_with_a_count);
    RUN_WITH(2, a_bad_item_is_an_error_in_its_slot);
    RUN_WITH(2, a_failed_item);
    RUN_WITH(2, each_fails_for_itself);
    RUN_WITH(2, no_function);
    RUN_WITH(2, named);
    RUN_WITH(2, of_a_map);
    RUN_WITH(4, each_runs_once);
    return 0;
}
