/* rask_client_dump: what is not done, and what it waits for. */
#include "capture.h"

static char *dump_of(rask_client of) {
    const char *path = temporary("dump.json");
    CHECK_OK(rask_client_dump(of, path));
    char *text = read_file(path);
    CHECK_EQ(remove(path), 0);
    CHECK_EQ(text[0], '{');
    CHECK_EQ(text[strlen(text) - 1], '\n');
    return text;
}

/* What is said of the future, from its key to the end of its entry. */
static const char *entry_of(const char *text, rask_future future) {
    static char entry[4096];
    char key[512];
    snprintf(key, sizeof key, "\"key\": \"%s\"", rask_future_key(future));
    const char *at = strstr(strstr(text, "\"futures\""), key);
    if (!at)
        return "";
    const char *end = strstr(at, "\n    }");
    snprintf(entry, sizeof entry, "%.*s", (int)(end - at), at);
    return entry;
}

static void nothing_is_open(void) {
    rask_future done = rask_scatter(client, rask_i64(1)), bad = rask_submit(client, fail, RASK_ARGS(1, "no"));
    CHECK_FAILS(bad, RASK_E_TASK);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    char *text = dump_of(client);
    CHECK_STR_CONTAINS(text, "\"futures\": []");
    CHECK_STR_CONTAINS(text, "\"suspended\": []");
    CHECK_STR_CONTAINS(text, "\"state\": \"open\"");
    CHECK_STR_CONTAINS(text, "\"n_workers\": 2");
    free(text);
    CHECK_OK(rask_release_all(RASK_FUTURES(done, bad)));
}

static void pending_and_running(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), done = rask_scatter(client, rask_i64(1));
    GATE_REACHED(g, 1);
    rask_future y = submit_named(client, "sum \"of\"", add, RASK_ARGS(x, done));
    rask_future z = rask_submit(client, add, RASK_ARGS(x, y)), ready = rask_submit(client, inc, RASK_ARGS(1));
    char *text = dump_of(client);
    CHECK_STR_CONTAINS(entry_of(text, x), "\"state\": \"running\"");
    /* A key in JSON has its quotes escaped, and so is not found as it is. */
    CHECK_STR_CONTAINS(text, "\"key\": \"sum \\\"of\\\"-");
    CHECK_STR_CONTAINS(entry_of(text, z), "\"state\": \"pending\"");
    CHECK_STR_CONTAINS(entry_of(text, z), rask_future_key(x));
    CHECK_STR_CONTAINS(entry_of(text, z), "sum \\\"of\\\"-");
    CHECK_STR_CONTAINS(entry_of(text, ready), "\"worker\": true");
    CHECK(strstr(text, rask_future_key(done)) == NULL);
    free(text);
    gate_open(g);
    CHECK_I64(z, 3);
    CHECK_I64(ready, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z, ready, done)));
}

static void many_inputs_are_counted(void) {
    enum { N = 150 };
    gate *g = gate_new();
    rask_future f[N];
    for (int i = 0; i < N; i++)
        f[i] = submit_held(client, g, i);
    rask_future all = rask_submit(client, nothing, RASK_ARGS(rask_list_of(f, N)));
    char *text = dump_of(client);
    CHECK_STR_CONTAINS(entry_of(text, all), "\"omitted\": 50");
    free(text);
    gate_open(g);
    CHECK_OK(rask_wait(&all, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release(all));
    CHECK_OK(rask_release_all(f, N));
}

static void resources(void) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.resources = "GPU=2,license=1";
    rask_client own = rask_client_open(&options);
    rask_submit_options needs = RASK_SUBMIT_OPTIONS_INIT;
    needs.resources = "GPU=2";
    gate *g = gate_new();
    rask_future holds = rask_submit_with(own, held, RASK_ARGS(rask_pointer(g), 1), &needs);
    GATE_REACHED(g, 1);
    rask_future waits = rask_submit_with(own, inc, RASK_ARGS(1), &needs);
    char *text = dump_of(own);
    CHECK_STR_CONTAINS(entry_of(text, waits), "\"resources\": \"GPU=2\"");
    CHECK(strstr(entry_of(text, holds), "resources") == NULL);
    const char *gpu = strstr(text, "\"GPU\": {");
    CHECK(gpu != NULL);
    CHECK_STR_CONTAINS(gpu, "\"total\": 2");
    CHECK_STR_CONTAINS(gpu, "\"free\": 0");
    free(text);
    gate_open(g);
    CHECK_I64(waits, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(holds, waits)));
    CHECK_OK(rask_client_close(own));
}

static void the_next_run(void) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = 1;
    options.retry_delay_ns = 1000 * LONG_NS;
    rask_future f = rask_submit_with(client, fail, RASK_ARGS(1, "not yet"), &options);
    char *text = NULL;
    EVENTUALLY((free(text), text = dump_of(client), contains(entry_of(text, f), "\"retry_in_s\": ")));
    CHECK_STR_CONTAINS(entry_of(text, f), "\"state\": \"pending\"");
    free(text);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_release(f));
}

/* (address of a future, counter): waits for it. */
static void waits_for(rask_task *t) {
    const rask_value *value = NULL;
    const rask_future *future = rask_arg_pointer(t, 0);
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 1), 1);
    rask_return_i64(t, rask_result(*future, LONG_NS, &value));
}

static void suspended(void) {
    gate *g = gate_new();
    atomic_int begun = 0;
    rask_future x = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    rask_future w = rask_submit(client, waits_for, RASK_ARGS(rask_pointer(&x), rask_pointer(&begun)));
    EVENTUALLY(atomic_load(&begun) == 1);
    char *text = NULL;
    EVENTUALLY((free(text), text = dump_of(client), strstr(text, "\"until\": \"all are completed\"")));
    const char *at = strstr(text, "\"suspended\": [");
    CHECK(at != NULL);
    CHECK(strstr(at, rask_future_key(w)) < strstr(at, "\"futures\": ["));
    CHECK(strstr(at, rask_future_key(x)) < strstr(at, "\"futures\": ["));
    CHECK_STR_CONTAINS(at, "\"timed\": true");
    CHECK_STR_CONTAINS(at, "\"thread\": \"rask-");
    CHECK_STR_CONTAINS(entry_of(text, w), "running");
    free(text);
    gate_open(g);
    CHECK_I64(w, RASK_OK);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, w)));
}

/* (future): makes it its own. */
static void returns(rask_task *t) {
    rask_return_future(t, rask_clone(*(const rask_future *)rask_arg_pointer(t, 0)));
}

static void returned(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f = rask_submit(client, returns, RASK_ARGS(rask_pointer(&x)));
    char *text = NULL;
    EVENTUALLY((free(text), text = dump_of(client), contains(entry_of(text, f), "\"returned\"")));
    CHECK_STR_CONTAINS(entry_of(text, f), rask_future_key(x));
    CHECK_STR_CONTAINS(entry_of(text, f), "running");
    free(text);
    gate_open(g);
    CHECK_I64(f, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

static void the_thread_is_known_while_traced(void) {
    const char *path = temporary("trace.json");
    gate *g = gate_new();
    CHECK_OK(rask_trace_start(client, path));
    rask_future x = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    char *text = dump_of(client);
    CHECK_STR_CONTAINS(entry_of(text, x), "\"thread\": \"rask-");
    free(text);
    gate_open(g);
    CHECK_I64(x, 1);
    CHECK_OK(rask_trace_stop(client));
    CHECK_OK(rask_release(x));
    CHECK_EQ(remove(path), 0);
}

static void *close_other(void *context) {
    CHECK_OK(rask_client_close(*(rask_client *)context));
    return NULL;
}

static void a_close_that_does_not_return(void) {
    rask_client other = open_workers(1);
    gate *g = gate_new();
    rask_future x = submit_held(other, g, 1);
    GATE_REACHED(g, 1);
    pthread_t thread = start_thread(close_other, &other);
    char *text = NULL;
    EVENTUALLY((free(text), text = dump_of(other), strstr(text, "\"state\": \"closing\"")));
    CHECK_STR_CONTAINS(entry_of(text, x), "running");
    free(text);
    gate_open(g);
    join_thread(thread);
    CHECK_STATUS(rask_client_dump(other, NULL), RASK_E_CLOSED);
    CHECK_OK(rask_release(x));
}

static void to_stderr_and_inside_a_task_body(rask_task *t) {
    rask_return_i64(t, rask_client_dump(rask_task_client(t), NULL));
}

static void to_stderr_and_inside_a_task(void) {
    capture_stderr();
    rask_future f = rask_submit(client, to_stderr_and_inside_a_task_body, RASK_NO_ARGS);
    CHECK_I64(f, RASK_OK);
    char *text = release_stderr();
    CHECK_STR_CONTAINS(entry_of(text, f), "running");
    free(text);
    CHECK_OK(rask_release(f));
}

static void mistakes(void) {
    CHECK_STATUS(rask_client_dump((rask_client){0}, NULL), RASK_E_HANDLE);
    CHECK_STATUS(rask_client_dump((rask_client){99}, NULL), RASK_E_HANDLE);
    CHECK_STATUS(rask_client_dump(client, "/no/such/directory/dump"), RASK_E_INVALID);
    CHECK_STR_CONTAINS(rask_last_error(), "no such file");
    if (access("/dev/full", W_OK) == 0)
        CHECK_STATUS(rask_client_dump(client, "/dev/full"), RASK_E_LOST);
}

static atomic_bool enough;

static void *dumps(void *context) {
    (void)context;
    while (!atomic_load(&enough))
        CHECK_OK(rask_client_dump(client, "/dev/null"));
    return NULL;
}

static void while_futures_come_and_go(void) {
    enum { N = 50 };
    atomic_store(&enough, false);
    pthread_t thread = start_thread(dumps, NULL);
    for (size_t round = 0; round < scaled(2000); round++) {
        rask_future f[N];
        for (int i = 0; i < N; i++)
            f[i] = i ? rask_submit(client, add, RASK_ARGS(f[i - 1], f[i / 2]))
                     : rask_submit(client, inc, RASK_ARGS(0));
        if (round % 3 == 0)
            rask_cancel(f[N / 2], NULL);
        if (round % 3 == 1)
            CHECK_OK(rask_wait(&f[N - 1], 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_release_all(f, N));
    }
    atomic_store(&enough, true);
    join_thread(thread);
}

int main(void) {
    RUN_WITH(2, nothing_is_open);
    RUN_WITH(1, pending_and_running);
    RUN_WITH(2, many_inputs_are_counted);
    RUN(resources);
    RUN_WITH(2, the_next_run);
    RUN_WITH(2, suspended);
    RUN_WITH(2, returned);
    RUN_WITH(2, the_thread_is_known_while_traced);
    RUN(a_close_that_does_not_return);
    RUN_WITH(2, to_stderr_and_inside_a_task);
    RUN_WITH(1, mistakes);
    RUN_WITH(2, while_futures_come_and_go);
    return 0;
}
