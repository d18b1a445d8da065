/* rask_trace_start and rask_trace_stop: what they refuse, when the file is written, what is in it. That it is
 * valid to the last arrow is checked by tests/trace.rs. */
#include "capture.h"

static size_t runs_in(const char *path) {
    char *text = read_file(path);
    CHECK_STR_CONTAINS(text, "\"traceEvents\":[");
    size_t n = count_of(text, "\"ph\":\"X\"");
    CHECK_EQ(count_of(text, "\"ph\":\"s\""), count_of(text, "\"ph\":\"f\""));
    free(text);
    return n;
}

static void what_runs_is_written_at_the_stop(void) {
    const char *path = temporary("trace.json");
    CHECK_OK(rask_trace_start(client, path));
    rask_future x = submit_named(client, "load", inc, RASK_ARGS(1));
    rask_future y = submit_named(client, "store", add, RASK_ARGS(x, x));
    rask_future bad = submit_named(client, "bad", fail, RASK_ARGS(3, "no \"way\""));
    CHECK_I64(y, 4);
    CHECK_FAILS(bad, RASK_E_TASK);
    char *text = read_file(path);
    CHECK_STR_EQ(text, ""); /* made, so that a mistake in the path shows at once, but not written yet */
    free(text);
    CHECK_OK(rask_trace_stop(client));
    CHECK_EQ(runs_in(path), 3);
    text = read_file(path);
    CHECK_STR_CONTAINS(text, "\"name\":\"load\"");
    CHECK_STR_CONTAINS(text, rask_future_key(y));
    CHECK_STR_CONTAINS(text, "\"error\":\"no \\\"way\\\"\"");
    CHECK_EQ(count_of(text, "\"ph\":\"s\""), 2);
    free(text);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, bad)));
    CHECK_EQ(remove(path), 0);
}

static void what_runs_without_a_trace_is_in_none(void) {
    const char *path = temporary("trace.json");
    rask_future before = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(before, 2);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_trace_start(client, path));
    CHECK_OK(rask_trace_stop(client));
    CHECK_EQ(runs_in(path), 0);
    rask_future after = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(after, 2);
    CHECK_EQ(runs_in(path), 0);
    CHECK_OK(rask_trace_start(client, path)); /* overwrites it */
    rask_future during = rask_submit(client, inc, RASK_ARGS(before));
    CHECK_I64(during, 3);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_trace_stop(client));
    CHECK_EQ(runs_in(path), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(before, after, during)));
    CHECK_EQ(remove(path), 0);
}

static void closing_writes_it(void) {
    const char *path = temporary("trace.json");
    rask_client other = open_workers(2);
    CHECK_OK(rask_trace_start(other, path));
    rask_future f[20];
    for (int i = 0; i < 20; i++)
        f[i] = rask_submit(other, inc, RASK_ARGS(i));
    CHECK_OK(rask_client_wait(other, LONG_NS));
    CHECK_OK(rask_client_close(other));
    CHECK_EQ(runs_in(path), 20);
    CHECK_STATUS(rask_trace_stop(other), RASK_E_CLOSED);
    CHECK_STATUS(rask_trace_start(other, path), RASK_E_CLOSED);
    CHECK_OK(rask_release_all(f, 20));
    CHECK_EQ(remove(path), 0);
}

static void mistakes(void) {
    const char *path = temporary("trace.json");
    CHECK_STATUS(rask_trace_start(client, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_trace_start(client, ""), RASK_E_INVALID);
    CHECK_STATUS(rask_trace_start(client, "/no/such/directory/trace.json"), RASK_E_INVALID);
    CHECK_STR_CONTAINS(rask_last_error(), "no such file");
    CHECK_STATUS(rask_trace_start(client, "/"), RASK_E_INVALID);
    CHECK_STATUS(rask_trace_stop(client), RASK_E_STATE);
    CHECK_STATUS(rask_trace_start((rask_client){0}, path), RASK_E_HANDLE);
    CHECK_STATUS(rask_trace_start((rask_client){77}, path), RASK_E_HANDLE);
    CHECK_STATUS(rask_trace_stop((rask_client){0}), RASK_E_HANDLE);
    CHECK_OK(rask_trace_start(client, path));
    CHECK_STATUS(rask_trace_start(client, path), RASK_E_STATE);
    CHECK_STATUS(rask_trace_start(client, temporary("another.json")), RASK_E_STATE);
    rask_client other = open_workers(1);
    CHECK_STATUS(rask_trace_start(other, path), RASK_E_INVALID); /* two into one file */
    CHECK_STATUS(rask_trace_stop(other), RASK_E_STATE);
    CHECK_OK(rask_client_close(other));
    CHECK_OK(rask_trace_stop(client));
    CHECK_STATUS(rask_trace_stop(client), RASK_E_STATE);
    CHECK_EQ(remove(path), 0);
}

static void what_cannot_be_written_is_told(void) {
    if (access("/dev/full", W_OK) != 0)
        return;
    CHECK_OK(rask_trace_start(client, "/dev/full"));
    CHECK_STATUS(rask_trace_stop(client), RASK_E_LOST);
    CHECK_STR_CONTAINS(rask_last_error(), "/dev/full");
    CHECK_STATUS(rask_trace_stop(client), RASK_E_STATE); /* it is over all the same */
    rask_client other = open_workers(1);
    CHECK_OK(rask_trace_start(other, "/dev/full"));
    CHECK_STATUS(rask_client_close(other), RASK_E_LOST);
    CHECK_OK(rask_client_close(other)); /* it is closed */
}

/* (path) */
static void stops_its_trace(rask_task *t) {
    rask_client own = rask_task_client(t);
    rask_return_i64(t, rask_trace_stop(own));
    rask_trace_start(own, rask_arg_str(t, 0));
}

static void from_inside_a_task(void) {
    const char *path = temporary("trace.json");
    CHECK_OK(rask_trace_start(client, path));
    rask_future f = submit_named(client, "stopper", stops_its_trace, RASK_ARGS(path));
    CHECK_I64(f, RASK_OK);
    CHECK_OK(
        rask_trace_stop(client)); /* the one that the task has started; it was not in it from the beginning */
    CHECK_EQ(runs_in(path), 0);
    CHECK_OK(rask_release(f));
    CHECK_EQ(remove(path), 0);
}

static atomic_bool enough;

static void *submits(void *context) {
    (void)context;
    while (!atomic_load(&enough)) {
        rask_future x = rask_submit(client, inc, RASK_ARGS(1)), y = rask_submit(client, inc, RASK_ARGS(x));
        CHECK_I64(y, 3);
        CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
    }
    return NULL;
}

static void *traces(void *context) {
    for (size_t i = 0; i < scaled(200); i++) {
        rask_status started = rask_trace_start(client, context);
        CHECK(started == RASK_OK || started == RASK_E_STATE);
        rask_status stopped = rask_trace_stop(client);
        CHECK(stopped == RASK_OK || stopped == RASK_E_STATE);
    }
    return NULL;
}

static void many_threads_start_and_stop(void) {
    char path[2][512];
    atomic_store(&enough, false);
    pthread_t submitters[2], tracers[2];
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s", temporary(i ? "one.json" : "two.json"));
        submitters[i] = start_thread(submits, NULL);
        tracers[i] = start_thread(traces, path[i]);
    }
    for (int i = 0; i < 2; i++)
        join_thread(tracers[i]);
    atomic_store(&enough, true);
    for (int i = 0; i < 2; i++) {
        join_thread(submitters[i]);
        remove(path[i]);
    }
    CHECK_STATUS(rask_trace_stop(client), RASK_E_STATE);
}

int main(void) {
    RUN_WITH(2, what_runs_is_written_at_the_stop);
    RUN_WITH(1, what_runs_without_a_trace_is_in_none);
    RUN(closing_writes_it);
    RUN_WITH(2, mistakes);
    RUN_WITH(1, what_cannot_be_written_is_told);
    RUN_WITH(1, from_inside_a_task);
    RUN_WITH(2, many_threads_start_and_stop);
    return 0;
}
