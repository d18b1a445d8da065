/* rask_progress and rask_progress_start, as lines: stderr is no terminal here. */
#include "capture.h"

enum { N = 40 };

static void lines_by_name(void) {
    rask_future f[N];
    for (int i = 0; i < N; i++)
        f[i] = i % 4 ? submit_named(client, "load", inc, RASK_ARGS(i))
                     : submit_named(client, "store", fail, RASK_ARGS(i, "no"));
    capture_stderr();
    rask_status status = rask_progress(f, N, "job");
    char *text = release_stderr();
    CHECK_OK(status);
    CHECK_STR_CONTAINS(text, "job: 40/40 done, 10 failed in ");
    CHECK_STR_CONTAINS(text, "(store 10/10, 10 failed; load 30/30)\n");
    free(text);
    CHECK_OK(rask_release_all(f, N));
}

static void one_name_is_the_label(void) {
    rask_future f = submit_named(client, "load", inc, RASK_ARGS(1));
    capture_stderr();
    rask_status status = rask_progress(&f, 1, NULL);
    char *text = release_stderr();
    CHECK_OK(status);
    CHECK_STR_CONTAINS(text, "load: 1/1 done in ");
    free(text);
    CHECK_OK(rask_release(f));
}

static void many_names(void) {
    rask_future f[N];
    for (int i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof name, "name%d", i);
        f[i] = submit_named(client, name, inc, RASK_ARGS(i));
    }
    capture_stderr();
    rask_status status = rask_progress(f, N, NULL);
    char *text = release_stderr();
    CHECK_OK(status);
    CHECK_STR_CONTAINS(text, "tasks: 40/40 done");
    CHECK_STR_CONTAINS(text, "name11 1/1; others 28/28)\n");
    free(text);
    CHECK_OK(rask_release_all(f, N));
}

static void in_the_background(void) {
    gate *g = gate_new();
    rask_future x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = submit_held(client, g, i);
        y[i] = submit_named(client, "after", inc, RASK_ARGS(x[i]));
    }
    GATE_REACHED(g, 2);
    capture_stderr();
    rask_status first = rask_progress_start(x, N, "held");
    rask_status second = rask_progress_start(y, N, NULL); /* returns at once, too: nothing is done yet */
    EVENTUALLY(is_captured("held: 0/40 done, 2 running"));
    EVENTUALLY(is_captured("after: 0/40 done"));
    gate_open(g);
    rask_status waited = rask_wait(y, N, RASK_ALL_COMPLETED, LONG_NS, NULL);
    rask_status closed = rask_client_close(client); /* draws the last sight */
    char *text = release_stderr();
    CHECK_OK(first);
    CHECK_OK(second);
    CHECK_OK(waited);
    CHECK_OK(closed);
    CHECK_STR_CONTAINS(text, "held: 40/40 done in ");
    CHECK_STR_CONTAINS(text, "after: 40/40 done in ");
    free(text);
    CHECK_OK(rask_release_all(x, N));
    CHECK_OK(rask_release_all(y, N));
}

static void it_keeps_nothing_wanted(void) {
    static atomic_int runs;
    atomic_store(&runs, 0);
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f[N];
    GATE_REACHED(g, 1);
    for (int i = 0; i < N; i++)
        f[i] = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), rask_of(x)));
    rask_future clones[] = {rask_clone(f[0]), rask_clone(x)};
    capture_stderr();
    rask_status started = rask_progress_start(f, N, "released");
    rask_status of_clones = rask_progress_start(clones, 2, "clones");
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release_all(clones, 2));
    gate_open(g);
    CHECK_OK(rask_client_close(client));
    char *text = release_stderr();
    CHECK_OK(started);
    CHECK_OK(of_clones);
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_STR_CONTAINS(text, "released: 40/40 done");
    CHECK_STR_CONTAINS(text, "clones: 2/2 done");
    free(text);
    CHECK_OK(rask_release(x));
}

static void what_a_released_handle_leaves_is_followed(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_submit(client, inc, RASK_ARGS(rask_take(x)));
    GATE_REACHED(g, 1);
    rask_future again = rask_clone(y);
    capture_stderr();
    rask_status started = rask_progress_start(&y, 1, "followed");
    CHECK_OK(rask_release(y));
    EVENTUALLY(is_captured("followed: 0/1 done"));
    gate_open(g);
    CHECK_I64(again, 2);
    CHECK_OK(rask_client_close(client));
    char *text = release_stderr();
    CHECK_OK(started);
    CHECK_EQ(count_of(text, "followed: 1/1 done"), 1);
    free(text);
    CHECK_OK(rask_release(again));
}

static void mistakes_and_nothing(void) {
    rask_future f = rask_scatter(client, rask_i64(1)), bad[] = {f, {77}};
    CHECK_STATUS(rask_progress_start(NULL, 3, "x"), RASK_E_INVALID);
    CHECK_STATUS(rask_progress_start(&f, (size_t)-1, "x"), RASK_E_INVALID);
    CHECK_STATUS(rask_progress_start(bad, 2, "x"), RASK_E_HANDLE);
    CHECK_STATUS(rask_progress(bad, 2, "x"), RASK_E_HANDLE);
    capture_stderr();
    rask_status empty = rask_progress_start(NULL, 0, "empty");
    rask_status done = rask_progress_start(&f, 1, "line\nbreak");
    CHECK_OK(rask_client_close(client));
    char *text = release_stderr();
    CHECK_OK(empty);
    CHECK_OK(done);
    CHECK_STR_CONTAINS(text, "empty: 0/0 done in ");
    CHECK_STR_CONTAINS(text, "line break: 1/1 done in ");
    CHECK_EQ(count_of(text, "\n"), 2);
    free(text);
    CHECK_OK(rask_release(f));
}

/* (future): draws it. */
static void draws(rask_task *t) {
    rask_future f = *(const rask_future *)rask_arg_pointer(t, 0);
    rask_status status = rask_progress(&f, 1, "inside");
    rask_return_i64(t, status ? status : rask_progress_start(&f, 1, "inside too"));
}

static void inside_a_task(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    capture_stderr();
    rask_future f = rask_submit(client, draws, RASK_ARGS(rask_pointer(&x)));
    gate_open(g);
    CHECK_I64(f, RASK_OK);
    CHECK_OK(rask_client_close(client));
    char *text = release_stderr();
    CHECK_STR_CONTAINS(text, "inside: 1/1 done");
    CHECK_STR_CONTAINS(text, "inside too: 1/1 done");
    free(text);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

static void *starts_some(void *context) {
    (void)context;
    for (size_t i = 0; i < scaled(100); i++) {
        rask_future f[N];
        for (int j = 0; j < N; j++)
            f[j] = rask_submit(client, inc, RASK_ARGS(j));
        CHECK_OK(rask_progress_start(f, N, "storm"));
        CHECK_OK(rask_release_all(f, N));
    }
    return NULL;
}

static void from_many_threads(void) {
    pthread_t threads[4];
    capture_stderr();
    for (int i = 0; i < 4; i++)
        threads[i] = start_thread(starts_some, NULL);
    for (int i = 0; i < 4; i++)
        join_thread(threads[i]);
    CHECK_OK(rask_client_close(client));
    char *text = release_stderr();
    CHECK_EQ(count_of(text, "storm: 40/40 done"), 4 * scaled(100));
    free(text);
}

/* The program ends while it draws: see main. */
static void left_behind(void) {
    rask_client other = open_workers(1);
    gate *g = gate_new();
    rask_future x = submit_held(other, g, 1);
    CHECK_OK(rask_progress_start(&x, 1, "left behind"));
}

int main(void) {
    RUN_WITH(2, lines_by_name);
    RUN_WITH(1, one_name_is_the_label);
    RUN_WITH(2, many_names);
    RUN_WITH(2, in_the_background);
    RUN_WITH(1, it_keeps_nothing_wanted);
    RUN_WITH(2, what_a_released_handle_leaves_is_followed);
    RUN_WITH(1, mistakes_and_nothing);
    RUN_WITH(2, inside_a_task);
    RUN_WITH(2, from_many_threads);
    left_behind();
    return 0;
}
