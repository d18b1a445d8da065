/* rask_submit_all: many tasks, which may depend on each other, in one call. */
#include "lanes.h"
#include "limited.h"

/* (anything, value): returns the value. */
static void second(rask_task *t) { rask_return_arg(t, 1); }

static rask_status submit_all(const rask_submission *tasks, size_t n, rask_future *out) {
    return rask_submit_all(client, tasks, n, NULL, out);
}

static void each_on_those_before_it(void) {
    rask_arg one[] = {rask_i64(1)}, first[] = {rask_earlier(0)}, both[] = {rask_earlier(0), rask_earlier(1)};
    rask_submission tasks[] = {{inc, one, 1}, {inc, first, 1}, {add, both, 2}};
    rask_future f[3];
    CHECK_OK(submit_all(tasks, 3, f));
    CHECK_I64(f[0], 2);
    CHECK_I64(f[1], 3);
    CHECK_I64(f[2], 5);
    CHECK_OK(rask_release_all(f, 3));
}

static void none(void) {
    rask_future out = {77};
    CHECK_OK(submit_all(NULL, 0, &out));
    CHECK_OK(submit_all(NULL, 0, NULL));
    CHECK_EQ(out.id, 77);
}

/* A grid in which each task adds its left and its upper neighbour: more than are made available at a time. */
static void a_grid(void) {
    size_t side = small_scale() ? 8 : 400, n = side * side;
    rask_submission *tasks = malloc(n * sizeof *tasks);
    rask_arg(*args)[2] = malloc(n * sizeof *args);
    rask_future *f = malloc(n * sizeof *f);
    int64_t *row = malloc(side * sizeof *row);
    CHECK(tasks && args && f && row);
    for (size_t i = 0; i < n; i++) {
        bool has_left = i % side > 0, has_upper = i >= side;
        args[i][0] = has_left ? rask_earlier(i - 1) : rask_i64(0);
        args[i][1] = has_upper ? rask_earlier(i - side) : rask_i64(i == 0);
        tasks[i] = (rask_submission){add, args[i], 2};
    }
    CHECK_OK(submit_all(tasks, n, f));
    memset(row, 0, side * sizeof *row);
    for (size_t i = 0; i < n; i++) {
        size_t x = i % side;
        uint64_t left = x ? (uint64_t)row[x - 1] : 0, upper = i < side ? i == 0 : (uint64_t)row[x];
        row[x] = (int64_t)(left + upper); /* wraps, as add does */
        CHECK_I64(f[i], row[x]);
    }
    CHECK_OK(rask_release_all(f, n));
    free(tasks), free(args), free(f), free(row);
}

static void with_what_was_there(void) {
    gate *g = gate_new();
    static probe p;
    rask_future x = submit_held(client, g, 5), y = submit_held(client, g, 6), f[4];
    rask_arg inputs[] = {rask_of(x), rask_take(y)}, again[] = {rask_earlier(0), rask_earlier(0)},
             object[] = {rask_object(&p, &probe_type), rask_earlier(1)}, after[] = {rask_after(x)};
    rask_submission tasks[] = {{add, inputs, 2}, {add, again, 2}, {second, object, 2}, {nothing, after, 1}};
    CHECK_OK(submit_all(tasks, 4, f));
    CHECK_STATUS(rask_release(y), RASK_E_HANDLE); /* taken */
    CHECK_EQ(rask_future_state(f[3]), RASK_PENDING);
    gate_open(g);
    CHECK_I64(f[1], 22);
    CHECK_I64(f[2], 22);
    CHECK_OK(rask_wait(f, 4, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(f, 4));
    CHECK_OK(rask_release(x));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(destroyed(&p), 1);
}

static void a_failure_travels(void) {
    rask_arg words[] = {rask_i64(4), rask_str("bad")}, first[] = {rask_earlier(0)},
             second_one[] = {rask_earlier(1)}, one[] = {rask_i64(1)};
    rask_submission tasks[] = {{fail, words, 2}, {inc, first, 1}, {inc, second_one, 1}, {inc, one, 1}};
    rask_future f[4];
    CHECK_OK(submit_all(tasks, 4, f));
    for (int i = 0; i < 3; i++) {
        CHECK_FAILS(f[i], RASK_E_TASK);
        CHECK_EQ(ERROR_OF(f[i]).code, 4);
        CHECK_STR_EQ(ERROR_OF(f[i]).origin, rask_future_key(f[0]));
    }
    CHECK_I64(f[3], 2);
    CHECK_OK(rask_release_all(f, 4));
}

static void a_mistake_is_an_error_in_its_slot(void) {
    rask_arg one[] = {rask_i64(1)}, itself[] = {rask_earlier(1)}, later[] = {rask_earlier(4)},
             none[] = {rask_earlier(SIZE_MAX)}, item[] = {rask_earlier(0)}, list[] = {rask_list(item, 1)},
             wrong[] = {rask_earlier(0)}, first[] = {rask_earlier(0)}, mistaken[] = {rask_earlier(1)};
    wrong[0].reserved = 1;
    rask_submission tasks[] = {{inc, one, 1},   {inc, itself, 1},   {inc, later, 1},     {inc, none, 1},
                               {inc, list, 1},  {inc, wrong, 1},    {inc, NULL, 1},      {NULL, one, 1},
                               {inc, first, 1}, {inc, mistaken, 1}, {inc, one, SIZE_MAX}};
    enum { N = sizeof tasks / sizeof *tasks };
    rask_future f[N];
    CHECK_OK(submit_all(tasks, N, f));
    for (int i = 0; i < N; i++) {
        if (i == 0 || i == 8)
            CHECK_I64(f[i], i ? 3 : 2);
        else
            CHECK_FAILS(f[i], RASK_E_INVALID);
    }
    CHECK_STR_CONTAINS(ERROR_OF(f[1]).message, "rask_submit_all");
    CHECK_STR_CONTAINS(ERROR_OF(f[4]).message, "item 0");
    CHECK_OK(rask_release_all(f, N));
}

static void of_no_other_call(void) {
    rask_submit_options pure = RASK_SUBMIT_OPTIONS_INIT;
    pure.flags = RASK_PURE;
    rask_arg earlier = rask_earlier(0);
    rask_future mapped, f[] = {rask_submit(client, inc, RASK_ARGS(rask_earlier(0))),
                               rask_submit_with(client, inc, RASK_ARGS(rask_earlier(0)), &pure),
                               rask_scatter(client, rask_earlier(0))};
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(f[i], RASK_E_INVALID);
    CHECK_OK(rask_release_all(f, 3));
    CHECK_OK(rask_map(client, inc, &earlier, 1, NULL, &mapped));
    CHECK_FAILS(mapped, RASK_E_INVALID);
    CHECK_OK(rask_release(mapped));
    rask_delayed d = rask_delayed_call(inc, RASK_ARGS(rask_earlier(0)), NULL);
    mapped = rask_compute(client, d);
    CHECK_FAILS(mapped, RASK_E_INVALID);
    CHECK_OK(rask_release(mapped));
    CHECK_OK(rask_delayed_release(d));
}

/* What is handed over is taken, and what is to be written is written, however the call fails. */
static void bad_calls(void) {
    rask_future kept = rask_scatter(client, rask_i64(1)), f[2] = {{77}, {77}};
    probe p[3] = {0};
    rask_arg args[] = {rask_object(&p[0], &probe_type), rask_object(&p[1], &probe_type)};
    rask_submission tasks[] = {{inc, args, 1}, {inc, args + 1, 1}};
    CHECK_STATUS(submit_all(NULL, 2, f), RASK_E_INVALID);
    CHECK_EQ(f[0].id | f[1].id, 0);
    CHECK_STATUS(submit_all(tasks, 2, NULL), RASK_E_INVALID);
    CHECK_EQ(destroyed(&p[0]) + destroyed(&p[1]), 2);
    CHECK_STATUS(submit_all(tasks, SIZE_MAX, f), RASK_E_INVALID);
    static const rask_client no_clients[] = {{0}, {UINT64_MAX}};
    for (int i = 0; i < 2; i++) {
        rask_future taken = rask_clone(kept);
        rask_arg handed[] = {rask_object(&p[2], &probe_type), rask_take(taken)};
        rask_submission task = {add, handed, 2};
        f[0].id = 77;
        CHECK_STATUS(rask_submit_all(no_clients[i], &task, 1, NULL, f), RASK_E_HANDLE);
        CHECK_EQ(f[0].id, 0);
        CHECK_EQ(destroyed(&p[2]), i + 1);
        CHECK_STATUS(rask_release(taken), RASK_E_HANDLE);
    }
    CHECK_OK(rask_release(kept));
}

static void of_a_closed_client(void) {
    probe p = {0};
    rask_arg one[] = {rask_i64(1)}, handed[] = {rask_object(&p, &probe_type), rask_earlier(0)};
    rask_submission tasks[] = {{inc, one, 1}, {add, handed, 2}};
    rask_future f[2] = {{77}, {77}};
    CHECK_OK(rask_client_close(client));
    CHECK_STATUS(submit_all(tasks, 2, f), RASK_E_CLOSED);
    CHECK_EQ(f[0].id | f[1].id, 0);
    CHECK_EQ(destroyed(&p), 1);
}

static void with_options(void) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.name = "many";
    options.priority = 3;
    options.retries = 2;
    options.flags = RASK_PURE;
    rask_arg one[] = {rask_i64(1)}, first[] = {rask_earlier(0)}, second_one[] = {rask_earlier(1)};
    rask_submission tasks[] = {{inc, one, 1}, {inc, one, 1}, {inc, first, 1}, {inc, second_one, 1}};
    rask_future f[4];
    CHECK_OK(rask_submit_all(client, tasks, 4, &options, f));
    CHECK_STR_EQ(rask_future_key(f[0]), rask_future_key(f[1])); /* the same computation */
    CHECK_STR_EQ(rask_future_key(f[2]), rask_future_key(f[3]));
    CHECK(strncmp(rask_future_key(f[0]), "many-", 5) == 0);
    CHECK_I64(f[3], 3);
    CHECK_OK(rask_release_all(f, 4));
    options.flags = 4;
    CHECK_OK(rask_submit_all(client, tasks, 4, &options, f));
    for (int i = 0; i < 4; i++)
        CHECK_FAILS(f[i], RASK_E_INVALID);
    CHECK_OK(rask_release_all(f, 4));
}

static atomic_int runs;
static void fail_first(rask_task *t) {
    if (atomic_fetch_add(&runs, 1) == 0)
        rask_fail(t, 1, "the first time");
    else
        rask_return_arg(t, 0);
}

static void retried(void) {
    rask_arg one[] = {rask_i64(7)}, first[] = {rask_earlier(0)};
    rask_submission tasks[] = {{fail_first, one, 1}, {inc, first, 1}};
    rask_future f[2];
    CHECK_OK(submit_all(tasks, 2, f));
    CHECK_FAILS(f[1], RASK_E_TASK);
    CHECK_OK(rask_retry(f[1]));
    CHECK_I64(f[1], 8);
    CHECK_OK(rask_release_all(f, 2));
}

static void in_a_lane(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    rask_arg tokens[3][3];
    rask_submission tasks[3];
    for (int i = 0; i < 3; i++) {
        tokens[i][0] = rask_lane_token(lane, 10 + i);
        tokens[i][1] = tokens[i][2] = rask_earlier((size_t)i - 1);
        tasks[i] = (rask_submission){nothing, tokens[i], i ? 3 : 1};
    }
    rask_future f[3];
    CHECK_OK(rask_submit_all(client, tasks, 3, &options, f));
    for (int i = 0; i < 3; i++) {
        rask_lane_task task = pull_one(lane);
        CHECK_EQ(task.word, 10 + i);
        CHECK_EQ(task.n_args, i ? 3 : 1);
        if (i)
            CHECK_EQ(rask_arg_i64(task.task, 1) + rask_arg_i64(task.task, 2), 2 * (i - 1));
        none_ready(lane);
        CHECK_OK(give(lane, task.id, rask_i64(i)));
    }
    CHECK_I64(f[2], 2);
    CHECK_OK(rask_release_all(f, 3));
    CHECK_EQ(dropped_tokens(lane), 0); /* their results told that they have ended */
    CHECK_OK(rask_lane_close(lane));
}

/* Tokens of tasks that cannot be made are dropped, once each. */
static void tokens_of_mistakes(void) {
    rask_lane lane = open_lane(), closed = open_lane();
    rask_submit_options options = on_lane(lane);
    rask_future other = rask_scatter(client, rask_i64(1));
    rask_arg bad[] = {rask_lane_token(lane, 1), rask_earlier(7)},
             stale[] = {rask_lane_token(lane, 2), rask_of((rask_future){0})},
             both[] = {rask_lane_token(lane, 3), rask_of(other), rask_earlier(0)},
             no_function[] = {rask_lane_token(lane, 4)};
    rask_submission tasks[] = {
        {nothing, bad, 2}, {nothing, stale, 2}, {nothing, both, 3}, {NULL, no_function, 1}};
    rask_future f[4];
    CHECK_OK(rask_submit_all(client, tasks, 4, &options, f));
    CHECK_FAILS(f[0], RASK_E_INVALID);
    CHECK_FAILS(f[1], RASK_E_HANDLE);
    CHECK_FAILS(f[2], RASK_E_INVALID); /* by its input */
    CHECK_FAILS(f[3], RASK_E_INVALID);
    CHECK_OK(rask_release_all(f, 4));
    CHECK_EQ(dropped_tokens(lane), 2 + 4 + 8 + 16);
    CHECK_STATUS(rask_submit_all((rask_client){0}, tasks, 4, &options, f), RASK_E_HANDLE);
    CHECK_EQ(dropped_tokens(lane), 2 + 4 + 8 + 16);
    CHECK_OK(rask_lane_close(closed));
    options.lane = closed;
    CHECK_OK(rask_submit_all(client, tasks, 1, &options, f));
    CHECK_FAILS(f[0], RASK_E_CLOSED);
    CHECK_EQ(dropped_tokens(lane), 2);
    CHECK_OK(rask_release(f[0]));
    CHECK_OK(rask_release(other));
    CHECK_OK(rask_lane_close(lane));
}

/* With a limit the call waits for room: what it has made so far is run meanwhile. */
static void over_a_limit(void) {
    client = open_limited(2, 64 * KB, 0);
    enum { N = 64 };
    static char block[16 * KB];
    rask_arg args[N][2];
    rask_submission tasks[N];
    rask_future f[N];
    for (size_t i = 0; i < N; i++) {
        args[i][0] = rask_bytes(block, sizeof block);
        args[i][1] = i ? rask_earlier(i - 1) : rask_i64(0);
        tasks[i] = (rask_submission){second, args[i], 2};
    }
    CHECK_OK(submit_all(tasks, N, f));
    CHECK_I64(f[N - 1], 0);
    CHECK_OK(rask_release_all(f, N));
    close_limited();
}

static void *submit_grids(void *context) {
    (void)context;
    for (int i = 0; i < 3; i++)
        a_grid();
    return NULL;
}

static void by_many_threads(void) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start_thread(submit_grids, NULL);
    for (int i = 0; i < 3; i++)
        join_thread(threads[i]);
}

static void from_a_task(rask_task *t) {
    rask_arg one[] = {rask_i64(rask_arg_i64(t, 0))}, first[] = {rask_earlier(0)};
    rask_submission tasks[] = {{inc, one, 1}, {inc, first, 1}};
    rask_future f[2];
    CHECK_OK(rask_submit_all(rask_task_client(t), tasks, 2, NULL, f));
    CHECK_OK(rask_release(f[0]));
    rask_return_future(t, f[1]);
}

static void inside_a_task(void) {
    rask_future f = rask_submit(client, from_a_task, RASK_ARGS(3));
    CHECK_I64(f, 5);
    CHECK_OK(rask_release(f));
}

int main(void) {
    RUN_WITH(1, each_on_those_before_it);
    RUN_WITH(4, each_on_those_before_it);
    RUN_WITH(2, none);
    RUN_WITH(1, a_grid);
    RUN_WITH(4, a_grid);
    RUN_WITH(4, with_what_was_there);
    RUN_WITH(2, a_failure_travels);
    RUN_WITH(2, a_mistake_is_an_error_in_its_slot);
    RUN_WITH(2, of_no_other_call);
    RUN_WITH(2, bad_calls);
    RUN_WITH(2, of_a_closed_client);
    RUN_WITH(2, with_options);
    RUN_WITH(2, retried);
    RUN_WITH(2, in_a_lane);
    RUN_WITH(2, tokens_of_mistakes);
    RUN(over_a_limit);
    RUN_WITH(3, by_many_threads);
    RUN_WITH(2, inside_a_task);
    return 0;
}
