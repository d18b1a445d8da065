/* RASK_LOG: what the engine decides, a line each. The environment is read once, so each look at it is a
 * process of its own: this program again, with an argument. */
#include "capture.h"
#include <sys/wait.h>

static const char *program;

/* What the scenario writes to stderr with this RASK_LOG (NULL: without). The caller frees it. */
static char *log_of(const char *scenario, const char *level) {
    fflush(NULL);
    FILE *out = tmpfile();
    CHECK(out != NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (level)
            setenv("RASK_LOG", level, 1);
        else
            unsetenv("RASK_LOG");
        dup2(fileno(out), 2);
        execl(program, program, scenario, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    char *text = read_all(out);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        FAIL_AT(__FILE__, __LINE__, "%s ended with %d: %s", scenario, status, text);
    fclose(out);
    return text;
}

/* Each line says when, how important, and who. */
static void check_lines(const char *text) {
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        double seconds = -1;
        char level[8], thread[32];
        CHECK(strchr(line, '\n') != NULL);
        if (sscanf(line, "rask %lf %7s %31[^:]:", &seconds, level, thread) != 3 || seconds < 0)
            FAIL_AT(__FILE__, __LINE__, "not a line of the log: %s", line);
        CHECK(strcmp(level, "debug") == 0 || strcmp(level, "trace") == 0);
    }
}

/* ---- scenarios ---- */

static void failures(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f[5], c = submit_held(client, g, 2);
    rask_future bad =
        submit_named(client, "bad\nname", fail, RASK_ARGS(rask_i64(3), rask_str("no way"), rask_of(x)));
    for (int i = 0; i < 5; i++)
        f[i] = rask_submit(client, inc, RASK_ARGS(bad));
    rask_future after = rask_submit(client, inc, RASK_ARGS(c));
    CHECK_OK(rask_cancel(c, "not wanted"));
    gate_open(g);
    CHECK_FAILS(f[4], RASK_E_TASK);
    rask_future late = rask_submit(client, inc, RASK_ARGS(bad));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_release_all(f, 5));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, c, bad, after, late)));
    sleep_us(100 * 1000); /* with nothing to do, both workers lie down */
}

static rask_future circle[2];
static atomic_int entered;

/* (number): waits for the other one. */
static void waits_for_other(rask_task *t) {
    const rask_value *value = NULL;
    atomic_fetch_add(&entered, 1);
    while (atomic_load(&entered) < 2)
        sleep_us(100);
    rask_return_i64(t, rask_result(circle[1 - rask_arg_i64(t, 0)], RASK_FOREVER, &value));
}

static void deadlock(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    for (int i = 0; i < 2; i++)
        circle[i] = rask_submit(client, waits_for_other, RASK_ARGS(rask_i64(i), rask_of(x)));
    gate_open(g);
    CHECK_OK(rask_wait(circle, 2, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(circle, 2));
    CHECK_OK(rask_release(x));
}

/* ---- tests ---- */

static void off_is_silent(void) {
    char *text = log_of("failures", NULL);
    CHECK_STR_EQ(text, "");
    free(text);
    text = log_of("failures", "off");
    CHECK_STR_EQ(text, "");
    free(text);
    text = log_of("failures", "");
    CHECK_STR_EQ(text, "");
    free(text);
}

static void what_is_unknown_is_told_once(void) {
    char *text = log_of("failures", "loud");
    CHECK_STR_CONTAINS(text, "loud");
    CHECK_STR_CONTAINS(text, "debug, trace and off");
    CHECK_EQ(count_of(text, "\n"), 1);
    free(text);
}

static void clients_threads_and_failures(void) {
    char *text = log_of("failures", "debug");
    check_lines(text);
    CHECK_STR_CONTAINS(text, "client 1 \"rask\" opened with 2 workers");
    CHECK_STR_CONTAINS(text, "rask-0: starts");
    CHECK_STR_CONTAINS(text, "rask-1: ends");
    CHECK_STR_CONTAINS(text, ": sleeps\n");
    CHECK_STR_CONTAINS(text, ": wakes\n");
    CHECK_STR_CONTAINS(text, "failed: no way\n");
    CHECK_STR_CONTAINS(text, "bad name-"); /* its line break would have made two lines of one */
    CHECK_STR_CONTAINS(text, "5 more ended because of that: bad name-");
    CHECK_STR_CONTAINS(text, "1 more ended because of that: task-");
    CHECK_STR_CONTAINS(text, "was cancelled: not wanted\n");
    CHECK_STR_CONTAINS(text, "submitted what cannot run: bad name-");
    CHECK_STR_CONTAINS(text, "client 1 \"rask\" closes: 0 pending, 0 running");
    CHECK_STR_CONTAINS(text, "client 1 \"rask\" is closed\n");
    free(text);
}

static void waits_and_deadlocks(void) {
    char *text = log_of("deadlock", "trace");
    check_lines(text);
    CHECK_STR_CONTAINS(text, "is suspended in a wait");
    CHECK_STR_CONTAINS(text, "a new spare thread");
    CHECK_STR_CONTAINS(text, ": resumes\n");
    CHECK_STR_CONTAINS(text, "deadlock: ");
    free(text);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1) {
        client = open_workers(2);
        if (strcmp(argv[1], "deadlock") == 0)
            deadlock();
        else
            failures();
        CHECK_OK(rask_client_close(client));
        return 0;
    }
    RUN(off_is_silent);
    RUN(what_is_unknown_is_told_once);
    RUN(clients_threads_and_failures);
    RUN(waits_and_deadlocks);
    return 0;
}
