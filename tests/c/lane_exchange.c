/* rask_lane_exchange and what belongs to it: tasks handed out and handed back, by records. */
#include "lanes.h"

static void a_task_as_it_is_handed_out(void) {
    rask_lane lane = open_lane();
    rask_future x = rask_scatter(client, rask_i64(5));
    rask_future f[] = {submit_to(lane, inc, RASK_ARGS(7, x)), submit_to(lane, add, RASK_ARGS("text")),
                       submit_to(lane, inc, RASK_NO_ARGS), submit_to(lane, inc, RASK_ARGS(x))};
    rask_lane_task tasks[8];
    size_t n;
    CHECK_OK(rask_lane_exchange(lane, NULL, 0, tasks, 8, 0, &n));
    CHECK_EQ(n, 4);
    CHECK(tasks[0].fn == inc && tasks[1].fn == add);
    CHECK_EQ(tasks[0].word, 7);
    CHECK_EQ(tasks[0].n_args, 2);
    CHECK_EQ(tasks[0].attempt, 1);
    CHECK_EQ(rask_arg_i64(tasks[0].task, 1), 5);
    CHECK_EQ(tasks[1].word, 0);
    CHECK_STR_EQ(rask_arg_str(tasks[1].task, 0), "text");
    CHECK_EQ(tasks[2].n_args, 0);
    CHECK_EQ(tasks[3].word, 5);
    CHECK_EQ(rask_task_client(tasks[0].task).id, client.id);
    CHECK_STR_EQ(rask_task_key(tasks[0].task), rask_future_key(f[0]));
    rask_lane_result results[4];
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(rask_future_state(f[i]), RASK_RUNNING);
        results[i] = (rask_lane_result){tasks[i].id, rask_i64(i), NULL, 0, false};
    }
    CHECK_OK(rask_lane_exchange(lane, results, 4, NULL, 0, 0, &n));
    CHECK_EQ(n, 0);
    for (int i = 0; i < 4; i++)
        CHECK_I64(f[i], i);
    CHECK_OK(rask_release_all(f, 4));
    CHECK_OK(rask_release(x));
    CHECK_OK(rask_lane_close(lane));
}

static void results_of_all_kinds(void) {
    rask_lane lane = open_lane();
    probe p[2] = {{0}, {0}};
    rask_future x = rask_scatter(client, rask_i64(5)), pending = submit_to(lane, inc, RASK_ARGS(1)), f[9];
    rask_lane_task first = pull_one(lane);
    rask_arg items[] = {rask_i64(1), rask_str("two")};
    rask_arg values[] = {rask_none(),
                         rask_f64(1.5),
                         rask_str("text"),
                         rask_pointer(&p),
                         rask_object(&p[0], &probe_type),
                         rask_list(items, 2),
                         rask_of(x),
                         rask_take(rask_clone(pending)),
                         rask_bytes("abc", 3)};
    static const rask_kind kinds[] = {RASK_NONE, RASK_F64, RASK_BYTES, RASK_POINTER, RASK_OBJECT,
                                      RASK_LIST, RASK_I64, RASK_I64,   RASK_BYTES};
    rask_lane_result results[9];
    for (int i = 0; i < 9; i++) {
        f[i] = submit_to(lane, nothing, RASK_NO_ARGS);
        results[i] = (rask_lane_result){pull_one(lane).id, values[i], NULL, 0, false};
    }
    size_t n;
    CHECK_OK(rask_lane_exchange(lane, results, 9, NULL, 0, 0, &n));
    CHECK_EQ(rask_future_state(f[7]), RASK_RUNNING);
    CHECK_OK(give(lane, first.id, rask_i64(3)));
    for (int i = 0; i < 9; i++) {
        const rask_value *value;
        CHECK_OK(rask_result(f[i], LONG_NS, &value));
        CHECK_EQ(rask_value_kind(value), kinds[i]);
    }
    CHECK_I64(f[6], 5);
    CHECK_I64(f[7], 3);
    CHECK_OK(rask_release_all(f, 9));
    CHECK_EQ(destroyed(&p[0]), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, pending)));
    CHECK_OK(rask_lane_close(lane));
}

static void what_the_task_returned_counts_without_a_value(void) {
    rask_lane lane = open_lane();
    probe p[2] = {{0}, {0}};
    rask_future f = submit_to(lane, nothing, RASK_NO_ARGS), g = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_lane_task a = pull_one(lane), b = pull_one(lane);
    rask_return_object(a.task, &p[0], &probe_type);
    rask_return_object(b.task, &p[1], &probe_type);
    CHECK_OK(give(lane, a.id, rask_none()));
    CHECK_OK(give(lane, b.id, rask_i64(2))); /* of several the last counts */
    CHECK_EQ(destroyed(&p[1]), 1);
    const rask_value *value;
    CHECK_OK(rask_result(f, 0, &value));
    CHECK_EQ(rask_value_kind(value), RASK_OBJECT);
    CHECK_I64(g, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    CHECK_EQ(destroyed(&p[0]), 1);
    CHECK_OK(rask_lane_close(lane));
}

static void failures(void) {
    rask_lane lane = open_lane();
    probe p = {0};
    rask_future x = rask_scatter(client, rask_i64(1)), f[5];
    for (int i = 0; i < 5; i++)
        f[i] = submit_to(lane, nothing, RASK_ARGS("text"));
    rask_lane_task t[5];
    for (int i = 0; i < 5; i++)
        t[i] = pull_one(lane);
    rask_lane_result failed = {t[0].id, rask_object(&p, &probe_type), "why", 42, false};
    size_t n;
    CHECK_OK(rask_lane_exchange(lane, &failed, 1, NULL, 0, 0, &n));
    CHECK_EQ(destroyed(&p), 1);
    CHECK_FAILS(f[0], RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f[0]).code, 42);
    CHECK_STR_EQ(ERROR_OF(f[0]).message, "why");
    /* The first failure stands. */
    CHECK_EQ(rask_arg_i64(t[1].task, 0), 0);
    CHECK_OK(give_error(lane, t[1].id, 1, "later"));
    CHECK_FAILS(f[1], RASK_E_TYPE);
    /* What makes no sense fails the task. */
    rask_arg nonsense = {99, 0, 0, 0, NULL}, reserved = rask_i64(1);
    reserved.reserved = 1;
    CHECK_OK(give(lane, t[2].id, nonsense));
    CHECK_FAILS(f[2], RASK_E_INVALID);
    CHECK_OK(give(lane, t[3].id, reserved));
    CHECK_FAILS(f[3], RASK_E_INVALID);
    CHECK_OK(give(lane, t[4].id, rask_list_of(&x, 1)));
    CHECK_FAILS(f[4], RASK_E_INVALID);
    rask_future stale = x;
    CHECK_OK(rask_release(x));
    rask_future g = submit_to(lane, nothing, RASK_NO_ARGS);
    CHECK_OK(give(lane, pull_one(lane).id, rask_of(stale)));
    CHECK_FAILS(g, RASK_E_HANDLE);
    CHECK_OK(rask_release(g));
    CHECK_OK(rask_release_all(f, 5));
    CHECK_OK(rask_lane_close(lane));
}

static void bad_ids(void) {
    rask_lane lane = open_lane(), other = open_lane();
    probe p[4] = {{0}, {0}, {0}, {0}};
    rask_future f = submit_to(lane, nothing, RASK_NO_ARGS), g = submit_to(other, nothing, RASK_NO_ARGS);
    rask_future more = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_lane_task a = pull_one(lane), b = pull_one(other);
    uint64_t state = 99;
    rask_lane_result results[] = {
        {a.id, rask_i64(1), NULL, 0, false},                        /* good */
        {a.id, rask_object(&p[0], &probe_type), NULL, 0, false},    /* twice */
        {b.id, rask_object(&p[1], &probe_type), NULL, 0, false},    /* another lane's */
        {0, rask_object(&p[2], &probe_type), NULL, 0, false},       /* null */
        {f.id, rask_object(&p[3], &probe_type), "words", 1, false}, /* a future's */
    };
    rask_lane_task task;
    size_t n = 9;
    CHECK_STATUS(rask_lane_exchange(lane, results, 5, &task, 1, LONG_NS, &n), RASK_E_HANDLE);
    CHECK_EQ(n, 0); /* nothing is handed out then */
    CHECK_I64(f, 1);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(destroyed(&p[i]), 1);
    CHECK_EQ(rask_future_state(g), RASK_RUNNING);
    for (int i = 0; i < 1000; i++)
        CHECK_STATUS(give(lane, random_next(&state) | 1, rask_i64(1)), RASK_E_HANDLE);
    for (uint64_t i = 1; i < 64; i++)
        CHECK_STATUS(give(other, b.id ^ UINT64_C(1) << i, rask_i64(1)), RASK_E_HANDLE);
    CHECK_STATUS(rask_release((rask_future){b.id}), RASK_E_HANDLE);
    CHECK_OK(give(other, b.id, rask_i64(2)));
    CHECK_I64(g, 2);
    CHECK_STATUS(give(other, b.id, rask_i64(2)), RASK_E_HANDLE);
    CHECK_OK(give(lane, pull_one(lane).id, rask_i64(3)));
    CHECK_I64(more, 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g, more)));
    CHECK_OK(rask_lane_close(lane));
    CHECK_OK(rask_lane_close(other));
}

static void bad_arguments(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, nothing, RASK_NO_ARGS), g = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_lane_task task = pull_one(lane), tasks[1];
    rask_lane_result result = {task.id, rask_i64(1), NULL, 0, false};
    uint64_t ids[1];
    int64_t tokens[1];
    size_t n = 9;
    CHECK_STATUS(rask_lane_exchange(lane, NULL, 1, tasks, 1, 0, &n), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_exchange(lane, NULL, 0, NULL, 1, 0, &n), RASK_E_INVALID);
    CHECK_EQ(n, 0);
    CHECK_STATUS(rask_lane_exchange(lane, NULL, 0, tasks, SIZE_MAX, 0, &n), RASK_E_INVALID);
    /* Handed back all the same. */
    CHECK_STATUS(rask_lane_exchange(lane, &result, 1, tasks, 1, -7, &n), RASK_E_INVALID);
    CHECK_I64(f, 1);
    CHECK_STATUS(rask_lane_exchange(lane, NULL, 0, tasks, 1, 0, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_cancelled(lane, NULL, 1, 0, &n), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_cancelled(lane, ids, 1, -9, &n), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_cancelled(lane, ids, 1, 0, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_cancelled(lane, ids, 0, 0, &n), RASK_OK);
    CHECK_STATUS(rask_lane_dropped(lane, NULL, 1, &n), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_dropped(lane, tokens, 1, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_dropped((rask_lane){5}, tokens, 1, &n), RASK_E_HANDLE);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    CHECK_OK(rask_lane_close(lane));
}

static void cancelled_while_out(void) {
    rask_lane lane = open_lane();
    probe input = {0}, late = {0};
    rask_future x = rask_scatter(client, rask_object(&input, &probe_type));
    rask_future f = submit_to(lane, nothing, RASK_ARGS(rask_take(x)));
    rask_future g = rask_submit(client, inc, RASK_ARGS(f));
    rask_future h = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_lane_task a = pull_one(lane), b = pull_one(lane);
    uint64_t ids[4];
    size_t n;
    CHECK_STATUS(rask_lane_cancelled(lane, ids, 4, 0, &n), RASK_E_TIMEOUT);
    CHECK_OK(rask_cancel(f, "enough"));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_FAILS(g, RASK_E_CANCELLED);
    CHECK(rask_cancelled(a.task));
    CHECK(!rask_cancelled(b.task));
    CHECK_OK(rask_lane_cancelled(lane, ids, 4, 0, &n));
    CHECK_EQ(n, 1);
    CHECK_EQ(ids[0], a.id);
    CHECK_STATUS(rask_lane_cancelled(lane, ids, 4, 0, &n), RASK_E_TIMEOUT); /* once */
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    CHECK(rask_arg_object(a.task, 0, &probe_type) == &input);
    CHECK_EQ(destroyed(&input), 0); /* the inputs live until then */
    CHECK_OK(give(lane, a.id, rask_object(&late, &probe_type)));
    CHECK_EQ(destroyed(&input), 1);
    CHECK_EQ(destroyed(&late), 1);
    /* Released is as good as cancelled. */
    CHECK_OK(rask_release(h));
    CHECK(rask_cancelled(b.task));
    CHECK_OK(rask_lane_cancelled(lane, ids, 4, LONG_NS, &n));
    CHECK_EQ(ids[0], b.id);
    CHECK_OK(give(lane, b.id, rask_i64(1)));
    CHECK_OK(rask_lane_close(lane));
}

static void what_is_back_is_not_reported(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_lane_task a = pull_one(lane);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(give(lane, a.id, rask_i64(1)));
    uint64_t ids[4];
    size_t n;
    CHECK_STATUS(rask_lane_cancelled(lane, ids, 4, 0, &n), RASK_E_TIMEOUT);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

static void *cancel_soon(void *future) {
    sleep_us(3000);
    CHECK_OK(rask_cancel(*(rask_future *)future, NULL));
    return NULL;
}

static void a_waiting_exchange_hears_of_it(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_lane_task a = pull_one(lane), task;
    pthread_t thread = start_thread(cancel_soon, &f);
    size_t n = 9;
    CHECK_OK(rask_lane_exchange(lane, NULL, 0, &task, 1, LONG_NS, &n));
    CHECK_EQ(n, 0);
    uint64_t id;
    CHECK_OK(rask_lane_cancelled(lane, &id, 1, 0, &n));
    CHECK_EQ(id, a.id);
    join_thread(thread);
    CHECK_OK(give(lane, a.id, rask_none()));
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

static void cancelled_waits(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_lane_task a = pull_one(lane);
    uint64_t id = 0;
    size_t n;
    CHECK_STATUS(rask_lane_cancelled(lane, &id, 1, 2000000, &n), RASK_E_TIMEOUT);
    pthread_t thread = start_thread(cancel_soon, &f);
    CHECK_OK(rask_lane_cancelled(lane, &id, 1, RASK_FOREVER, &n));
    CHECK_EQ(id, a.id);
    join_thread(thread);
    CHECK_OK(give(lane, a.id, rask_none()));
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
    CHECK_STATUS(rask_lane_cancelled(lane, &id, 1, RASK_FOREVER, &n), RASK_END);
}

static void cancelled_and_retried_while_out(void) {
    rask_lane lane = open_lane();
    rask_future f = submit_to(lane, nothing, RASK_ARGS(rask_lane_token(lane, 3)));
    rask_lane_task a = pull_one(lane);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_retry(f));
    none_ready(lane); /* one run at a time */
    CHECK(rask_cancelled(a.task));
    CHECK_OK(give(lane, a.id, rask_i64(1)));
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    rask_lane_task b = pull_one(lane);
    CHECK_EQ(b.word, 3);
    CHECK(b.id != a.id);
    CHECK(!rask_cancelled(b.task));
    CHECK_EQ(dropped_tokens(lane), 0);
    CHECK_OK(give(lane, b.id, rask_i64(2)));
    CHECK_I64(f, 2);
    CHECK_EQ(dropped_tokens(lane), 0); /* the result told it */
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_lane_close(lane));
}

static void a_failure_with_retries_left_is_handed_out_again(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    options.retries = 1;
    rask_future f = rask_submit_with(client, nothing, RASK_ARGS(rask_lane_token(lane, 1)), &options);
    rask_lane_task a = pull_one(lane), b;
    rask_lane_result failed = {a.id, rask_none(), "once", 1, false};
    size_t n;
    CHECK_OK(rask_lane_exchange(lane, &failed, 1, &b, 1, 0, &n)); /* in the very same exchange */
    CHECK_EQ(n, 1);
    CHECK_EQ(b.attempt, 2);
    CHECK_EQ(b.word, 1);
    CHECK_OK(give_error(lane, b.id, 2, "twice"));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).attempts, 2);
    CHECK_EQ(dropped_tokens(lane), 0); /* it may be retried */
    CHECK_OK(rask_retry(f));
    CHECK_EQ(pull_one(lane).attempt, 1);
    CHECK_OK(rask_cancel(f, NULL));
    uint64_t id;
    CHECK_OK(rask_lane_cancelled(lane, &id, 1, 0, &n));
    CHECK_OK(give(lane, id, rask_none()));
    CHECK_OK(rask_release(f));
    CHECK_EQ(dropped_tokens(lane), 1 << 1);
    CHECK_OK(rask_lane_close(lane));
}

static void a_dependent_is_handed_out_in_the_same_exchange(void) {
    rask_lane lane = open_lane();
    rask_future x = submit_to(lane, inc, RASK_ARGS(1)), y = submit_to(lane, inc, RASK_ARGS(x));
    rask_lane_task a = pull_one(lane), b;
    none_ready(lane);
    rask_lane_result result = {a.id, rask_i64(8), NULL, 0, false};
    size_t n;
    CHECK_OK(rask_lane_exchange(lane, &result, 1, &b, 1, 0, &n));
    CHECK_EQ(n, 1);
    CHECK_EQ(b.word, 8);
    CHECK_OK(give(lane, b.id, rask_i64(9)));
    CHECK_I64(y, 9);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
    CHECK_OK(rask_lane_close(lane));
}

static void dependents_keep_the_order_of_submits(void) {
    rask_lane lane = open_lane();
    rask_future x = submit_to(lane, nothing, RASK_NO_ARGS), f[20];
    for (int i = 0; i < 20; i++)
        f[i] = submit_to(lane, inc, RASK_ARGS(i, x));
    CHECK_OK(give(lane, pull_one(lane).id, rask_none()));
    for (int i = 0; i < 20; i++) {
        rask_lane_task task = pull_one(lane);
        CHECK_EQ(task.word, i);
        CHECK_OK(give(lane, task.id, rask_i64(i)));
    }
    CHECK_OK(rask_release_all(f, 20));
    CHECK_OK(rask_release(x));
    CHECK_OK(rask_lane_close(lane));
}

/* ---- waits ---- */

static void a_wait_that_could_never_end_is_found(void) {
    rask_lane lane = open_lane();
    rask_future a = submit_to(lane, nothing, RASK_NO_ARGS), b = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_future after_a = rask_submit(client, inc, RASK_ARGS(a)),
                after_b = submit_to(lane, nothing, RASK_ARGS(b));
    rask_lane_task ta = pull_one(lane), tb = pull_one(lane);
    uint64_t wait, other;
    CHECK_STATUS(rask_lane_wait_begin(ta.task, &a, 1, RASK_ALL_COMPLETED, &wait), RASK_E_DEADLOCK);
    CHECK_EQ(wait, 0);
    CHECK_STATUS(rask_lane_wait_begin(ta.task, &after_a, 1, RASK_ALL_COMPLETED, &wait), RASK_E_DEADLOCK);
    CHECK_OK(rask_lane_wait_begin(ta.task, &after_b, 1, RASK_ALL_COMPLETED, &wait));
    CHECK_STATUS(rask_lane_wait_begin(tb.task, &after_a, 1, RASK_ALL_COMPLETED, &other), RASK_E_DEADLOCK);
    CHECK_STATUS(rask_lane_wait_begin(tb.task, RASK_FUTURES(after_a, after_b), RASK_FIRST_COMPLETED, &other),
                 RASK_E_DEADLOCK);
    CHECK_OK(rask_lane_wait_end(ta.task, wait));
    CHECK_STATUS(rask_lane_wait_end(ta.task, wait), RASK_E_INVALID);
    CHECK_OK(
        rask_lane_wait_begin(tb.task, &after_a, 1, RASK_ALL_COMPLETED, &other)); /* handing it back ends it */
    CHECK_STATUS(rask_lane_wait_begin(NULL, &a, 1, RASK_ALL_COMPLETED, &other), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_wait_begin(ta.task, &a, 1, 77, &other), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_wait_begin(ta.task, NULL, 1, RASK_ALL_COMPLETED, &other), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_wait_begin(ta.task, &(rask_future){7}, 1, RASK_ALL_COMPLETED, &other),
                 RASK_E_HANDLE);
    CHECK_STATUS(rask_lane_wait_begin(ta.task, &b, 1, RASK_ALL_COMPLETED, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_lane_wait_end(NULL, 1), RASK_E_INVALID);
    CHECK_OK(give(lane, tb.id, rask_i64(2)));
    CHECK_OK(give(lane, ta.id, rask_i64(1)));
    CHECK_I64(after_a, 2);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b, after_a, after_b)));
    CHECK_OK(rask_lane_close(lane));
}

/* A task that a thread runs is on its stack, and says what it waits for by waiting. */
static void begins_a_wait(rask_task *t) {
    uint64_t wait;
    rask_future done = rask_scatter(client, rask_i64(1));
    CHECK_STATUS(rask_lane_wait_begin(t, &done, 1, RASK_ALL_COMPLETED, &wait), RASK_E_STATE);
    CHECK_STATUS(rask_lane_wait_end(t, 1), RASK_E_STATE);
    CHECK_OK(rask_release(done));
}

static void only_what_is_out_says_that_it_waits(void) {
    rask_lane lane = open_lane();
    rask_future a = submit_to(lane, begins_a_wait, RASK_NO_ARGS),
                b = rask_submit(client, begins_a_wait, RASK_NO_ARGS);
    CHECK_EQ(run_ready(lane), 1);
    CHECK_OK(rask_wait(RASK_FUTURES(a, b), RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b)));
    CHECK_OK(rask_lane_close(lane));
}

int main(void) {
    RUN_WITH(1, a_task_as_it_is_handed_out);
    RUN_WITH(1, results_of_all_kinds);
    RUN_WITH(1, what_the_task_returned_counts_without_a_value);
    RUN_WITH(1, failures);
    RUN_WITH(1, bad_ids);
    RUN_WITH(1, bad_arguments);
    RUN_WITH(1, cancelled_while_out);
    RUN_WITH(1, what_is_back_is_not_reported);
    RUN_WITH(1, a_waiting_exchange_hears_of_it);
    RUN_WITH(1, cancelled_waits);
    RUN_WITH(1, cancelled_and_retried_while_out);
    RUN_WITH(1, a_failure_with_retries_left_is_handed_out_again);
    RUN_WITH(1, a_dependent_is_handed_out_in_the_same_exchange);
    RUN_WITH(1, dependents_keep_the_order_of_submits);
    RUN_WITH(1, a_wait_that_could_never_end_is_found);
    RUN_WITH(1, only_what_is_out_says_that_it_waits);
    return 0;
}
