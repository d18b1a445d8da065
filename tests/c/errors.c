/* Errors are values: their statuses, their words, and how they travel through the graph. */
#include "check.h"

static void a_failing_task(void) {
    rask_future f = submit_named(client, "culprit", fail, RASK_ARGS(42, "no such file"));
    CHECK_FAILS(f, RASK_E_TASK);
    rask_error error = ERROR_OF(f);
    CHECK_EQ(error.code, 42);
    CHECK_EQ(error.attempts, 1);
    CHECK_STR_CONTAINS(error.message, "no such file");
    CHECK_STR_EQ(error.origin, rask_future_key(f));
    CHECK_STR_CONTAINS(error.origin, "culprit");
    CHECK_OK(rask_release(f));
}

static void every_code_is_carried(void) {
    static const int32_t codes[] = {0, 1, -1, RASK_E_CANCELLED, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        rask_future f = rask_submit(client, fail, RASK_ARGS(codes[i], "no"));
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_EQ(ERROR_OF(f).code, codes[i]);
        CHECK_OK(rask_release(f));
    }
}

static void the_result_is_told_in_words(void) {
    rask_future f = submit_named(client, "culprit", fail, RASK_ARGS(1, "the disk is full"));
    rask_future g = rask_submit(client, inc, RASK_ARGS(f));
    int64_t out = 77;
    CHECK_STATUS(rask_result_i64(g, &out), RASK_E_TASK);
    CHECK_EQ(out, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_TASK);
    CHECK_STR_CONTAINS(rask_last_error(), "the disk is full");
    CHECK_STR_CONTAINS(rask_last_error(), "culprit");
    double d = 77;
    CHECK_STATUS(rask_result_f64(g, &d), RASK_E_TASK);
    CHECK(d == 0);
    const void *data = &out;
    size_t size = 77;
    CHECK_STATUS(rask_result_bytes(g, &data, &size), RASK_E_TASK);
    CHECK(data == NULL && size == 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
}

static void a_long_message(void) {
    char words[4001];
    memset(words, 'x', 4000);
    memcpy(words + 3995, "ende!", 6);
    rask_future f = rask_submit(client, fail, RASK_ARGS(1, rask_str(words)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(f).message, words);
    CHECK_OK(rask_release(f));
}

static void a_message_that_is_not_utf8(void) {
    rask_future f = rask_submit(client, fail, RASK_ARGS(1, "before\xff\xfe\x80 after"));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_STR_EQ(ERROR_OF(f).message, "before\xff\xfe\x80 after");
    gate *g = gate_new();
    rask_future h = submit_held(client, g, 1);
    CHECK_OK(rask_cancel(h, "\xe5 alone is Latin-1"));
    CHECK_STR_EQ(ERROR_OF(h).message, "\xe5 alone is Latin-1");
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, h)));
}

static void no_error(void) {
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    rask_error error = RASK_ERROR_INIT;
    error.status = 77;
    CHECK_OK(rask_future_error(f, &error));
    CHECK_STATUS(error.status, RASK_OK);
    CHECK_EQ(error.code, 0);
    CHECK_OK(rask_release(f));
}

static void not_yet_an_error(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_submit(client, inc, RASK_ARGS(x));
    GATE_REACHED(g, 1);
    rask_error error = RASK_ERROR_INIT;
    CHECK_STATUS(rask_future_error(x, &error), RASK_E_STATE); /* running; and it does not wait */
    CHECK_STATUS(rask_future_error(y, &error), RASK_E_STATE); /* pending */
    gate_open(g);
    CHECK_I64(y, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void a_wrong_submit_is_a_future_in_error(void) {
    rask_future f = rask_submit(client, NULL, RASK_ARGS(1));
    CHECK(f.id != 0);
    CHECK_EQ(rask_future_state(f), RASK_ERROR); /* at once */
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK(ERROR_OF(f).message[0] != 0);
    CHECK(rask_future_key(f) != NULL);
    CHECK_OK(rask_release(f));

    rask_future stale = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(stale));
    f = rask_submit(client, inc, RASK_ARGS(stale));
    CHECK_EQ(rask_future_state(f), RASK_ERROR);
    CHECK_FAILS(f, RASK_E_HANDLE);
    CHECK(ERROR_OF(f).message[0] != 0);
    CHECK_OK(rask_release(f));
}

static void a_wrong_submit_travels_on(void) {
    rask_future f = submit_named(client, "nowhere", NULL, RASK_NO_ARGS);
    rask_future g = rask_submit(client, inc, RASK_ARGS(f)), h = rask_submit(client, inc, RASK_ARGS(g));
    CHECK_FAILS(h, RASK_E_INVALID);
    CHECK_STR_EQ(ERROR_OF(h).origin, rask_future_key(f));
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g, h)));
}

static void read_text(rask_task *t) { (void)rask_arg_str(t, 0); }

static void a_type_error_travels_on(void) {
    rask_future f = submit_named(client, "misreads", read_text, RASK_ARGS(1));
    rask_future g = rask_submit(client, inc, RASK_ARGS(f));
    CHECK_FAILS(g, RASK_E_TYPE);
    CHECK_STR_EQ(ERROR_OF(g).origin, rask_future_key(f));
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
}

/* A chain behind a task that fails when told to: all fail, none runs, all name the origin. */
static void a_failure_reaches_all_dependents(void) {
    gate *g = gate_new();
    atomic_int runs = 0;
    rask_future f[21];
    f[0] = submit_named(client, "origin", held_fail, RASK_ARGS(rask_pointer(g), 9, "broken"));
    for (int i = 1; i <= 20; i++)
        f[i] = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), f[i / 2]));
    gate_open(g);
    for (int i = 20; i >= 0; i--) {
        CHECK_FAILS(f[i], RASK_E_TASK);
        rask_error error = ERROR_OF(f[i]);
        CHECK_EQ(error.code, 9);
        CHECK_EQ(error.attempts, 1);
        CHECK_STR_CONTAINS(error.message, "broken");
        CHECK_STR_EQ(error.origin, rask_future_key(f[0]));
    }
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_OK(rask_release_all(f, 21));
}

static void the_origin_outlives_its_future(void) {
    gate *g = gate_new();
    rask_future root = submit_named(client, "long-gone", held_fail, RASK_ARGS(rask_pointer(g), 9, "broken"));
    rask_future f = rask_submit(client, inc, RASK_ARGS(rask_take(root)));
    gate_open(g);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(f).origin, "long-gone");
    CHECK_STR_CONTAINS(ERROR_OF(f).message, "broken");
    CHECK_OK(rask_release(f));
}

static void submitting_onto_a_failed_future_fails_at_once(void) {
    atomic_int runs = 0;
    gate *g = gate_new();
    rask_future other = submit_held(client, g, 1);
    rask_future bad = rask_submit(client, fail, RASK_ARGS(5, "known already"));
    CHECK_FAILS(bad, RASK_E_TASK);
    rask_future f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), other, bad));
    CHECK_EQ(rask_future_state(f), RASK_ERROR);
    CHECK_EQ(ERROR_OF(f).code, 5);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(other, bad, f)));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 0);
}

static rask_future failed(const char *name, int code) {
    rask_future f = submit_named(client, name, fail, RASK_ARGS(code, rask_str(name)));
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    return f;
}

static void the_lowest_failed_argument_wins(void) {
    rask_future ok = rask_scatter(client, rask_i64(1)), a = failed("a", 1), b = failed("b", 2);
    rask_future f = rask_submit(client, nothing, RASK_ARGS(ok, b, a));
    CHECK_EQ(ERROR_OF(f).code, 2);
    CHECK_STR_EQ(ERROR_OF(f).origin, rask_future_key(b));
    CHECK_OK(rask_release(f));
    f = rask_submit(client, nothing, RASK_ARGS(ok, a, b));
    CHECK_EQ(ERROR_OF(f).code, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(ok, a, b, f)));
}

static void lists_count_depth_first(void) {
    rask_future ok = rask_scatter(client, rask_i64(1)), a = failed("a", 1), b = failed("b", 2),
                c = failed("c", 3);
    rask_arg innermost[] = {rask_of(ok), rask_of(b)}, inner[] = {rask_list(innermost, 2), rask_of(a)};
    rask_future f = rask_submit(client, nothing, RASK_ARGS(ok, rask_list(inner, 2), c));
    CHECK_EQ(ERROR_OF(f).code, 2);
    CHECK_OK(rask_release(f));
    rask_arg last[] = {rask_of(ok), rask_list(inner, 2)};
    f = rask_submit(client, nothing, RASK_ARGS(c, rask_list(last, 2)));
    CHECK_EQ(ERROR_OF(f).code, 3);
    CHECK_OK(rask_release(f));
    f = rask_submit(client, nothing, RASK_ARGS(rask_list_of((rask_future[]){ok, c, a}, 3), b));
    CHECK_EQ(ERROR_OF(f).code, 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(ok, a, b, c, f)));
}

static void a_wrong_argument_is_a_failure_too(void) {
    rask_future bad = failed("bad", 1), stale = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(stale));
    rask_future f = rask_submit(client, nothing, RASK_ARGS(1, bad, "text"));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_release(f));
    f = rask_submit(client, nothing, RASK_ARGS(stale, 1, 2));
    CHECK_FAILS(f, RASK_E_HANDLE);
    CHECK_OK(rask_release_all(RASK_FUTURES(bad, f)));
}

static void fails_while_another_input_still_runs(void) {
    gate *g = gate_new(), *bad_gate = gate_new();
    rask_future running = submit_held(client, g, 1);
    rask_future bad = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(bad_gate), 8, "early"));
    rask_future f = rask_submit(client, add, RASK_ARGS(running, bad));
    GATE_REACHED(g, 1);
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    gate_open(bad_gate);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 8);
    CHECK_EQ(rask_future_state(running), RASK_RUNNING);
    gate_open(g);
    CHECK_I64(running, 1);
    CHECK_EQ(ERROR_OF(f).code, 8);
    CHECK_OK(rask_release_all(RASK_FUTURES(running, bad, f)));
}

static void later_the_first_to_fail_wins(void) {
    gate *g[] = {gate_new(), gate_new()};
    rask_future a = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g[0]), 1, "a"));
    rask_future b = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g[1]), 2, "b"));
    rask_future f = rask_submit(client, add, RASK_ARGS(a, b));
    gate_open(g[1]);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 2);
    gate_open(g[0]);
    CHECK_FAILS(a, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(a, b, f)));
}

static void a_failure_leaves_others_alone(void) {
    rask_future bad = failed("bad", 1), good = rask_submit(client, inc, RASK_ARGS(1));
    rask_future after = rask_submit(client, inc, RASK_ARGS(good)),
                f = rask_submit(client, add, RASK_ARGS(good, bad));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_I64(good, 2);
    CHECK_I64(after, 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(bad, good, after, f)));
}

static void every_clone_sees_the_error(void) {
    rask_future f = failed("f", 3), g = rask_clone(f);
    CHECK_OK(rask_release(f));
    CHECK_FAILS(g, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(g).code, 3);
    CHECK_OK(rask_release(g));
}

static void statuses_by_situation(void) {
    gate *g = gate_new();
    const rask_value *value = NULL;
    rask_future f = submit_held(client, g, 1), dead = rask_clone(f);
    CHECK_STATUS(rask_result(f, 0, &value), RASK_E_TIMEOUT);
    CHECK_STATUS(rask_result(f, -2, &value), RASK_E_INVALID);
    CHECK_OK(rask_release(dead));
    CHECK_STATUS(rask_result(dead, 0, &value), RASK_E_HANDLE);
    gate_open(g);
    CHECK_I64(f, 1);
    CHECK_STATUS(rask_cancel(f, NULL), RASK_E_STATE);
    rask_client other = open_workers(1);
    rask_future foreign = rask_submit(other, inc, RASK_ARGS(f));
    CHECK_FAILS(foreign, RASK_E_HANDLE);
    CHECK_OK(rask_client_close(other));
    CHECK_EQ(rask_submit(other, inc, RASK_ARGS(1)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, foreign)));
}

int main(void) {
    RUN_WITH(2, a_failing_task);
    RUN_WITH(2, every_code_is_carried);
    RUN_WITH(2, the_result_is_told_in_words);
    RUN_WITH(2, a_long_message);
    RUN_WITH(2, a_message_that_is_not_utf8);
    RUN_WITH(2, no_error);
    RUN_WITH(2, not_yet_an_error);
    RUN_WITH(2, a_wrong_submit_is_a_future_in_error);
    RUN_WITH(2, a_wrong_submit_travels_on);
    RUN_WITH(2, a_type_error_travels_on);
    RUN_WITH(2, a_failure_reaches_all_dependents);
    RUN_WITH(2, the_origin_outlives_its_future);
    RUN_WITH(2, submitting_onto_a_failed_future_fails_at_once);
    RUN_WITH(2, the_lowest_failed_argument_wins);
    RUN_WITH(2, lists_count_depth_first);
    RUN_WITH(2, a_wrong_argument_is_a_failure_too);
    RUN_WITH(2, fails_while_another_input_still_runs);
    RUN_WITH(2, later_the_first_to_fail_wins);
    RUN_WITH(2, a_failure_leaves_others_alone);
    RUN_WITH(2, every_clone_sees_the_error);
    RUN_WITH(2, statuses_by_situation);
    return 0;
}
