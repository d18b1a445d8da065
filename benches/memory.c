/* Bytes per pending task: how much a process grows when many tasks wait. One measurement a process, so that
 * no memory of an earlier one is used again.
 *
 *   bench_memory gate|queue TASKS
 *
 * gate: each task depends on one future that is not finished. queue: no dependency, but the only worker is
 * busy. */
#include <rask.h>

#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sem_t running, open_gate;

/* Occupies the only worker until the gate is opened. */
static void gate(rask_task *t) {
    sem_post(&running);
    sem_wait(&open_gate);
    rask_return_i64(t, 1);
}

static void inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }

static size_t resident_bytes(void) {
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%*u %zu", &pages) != 1)
        pages = 0;
    if (statm)
        fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int fail(const char *what) {
    fprintf(stderr, "bench_memory: %s: %s\n", what, rask_last_error());
    return 1;
}

int main(int argc, char **argv) {
    size_t tasks = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (tasks == 0 || (strcmp(argv[1], "gate") != 0 && strcmp(argv[1], "queue") != 0)) {
        fprintf(stderr, "usage: bench_memory gate|queue TASKS\n");
        return 2;
    }
    bool behind_gate = strcmp(argv[1], "gate") == 0;
    sem_init(&running, 0, 0);
    sem_init(&open_gate, 0, 0);

    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = 1;
    rask_client client = rask_client_open(&options);
    rask_future first = rask_submit(client, gate, RASK_NO_ARGS);
    if (!first.id)
        return fail("submit");
    sem_wait(&running);

    /* The caller's own array is touched beforehand, and counted at its size. */
    rask_future *futures = malloc(tasks * sizeof *futures);
    if (!futures)
        return fail("malloc");
    memset(futures, 0xff, tasks * sizeof *futures);
    size_t before = resident_bytes();
    for (size_t i = 0; i < tasks; i++)
        futures[i] = behind_gate ? rask_submit(client, inc, RASK_ARGS(first))
                                 : rask_submit(client, inc, RASK_ARGS((int64_t)i));
    size_t after = resident_bytes();
    sem_post(&open_gate);

    int64_t sum = 0, expected = 0;
    for (size_t i = 0; i < tasks; i++) {
        int64_t value;
        if (rask_result_i64(futures[i], &value) != RASK_OK)
            return fail("result");
        sum += value;
        expected += behind_gate ? 2 : (int64_t)i + 1;
    }
    if (sum != expected) {
        fprintf(stderr, "bench_memory: wrong sum: %" PRId64 ", not %" PRId64 "\n", sum, expected);
        return 1;
    }
    rask_release_all(futures, tasks);
    rask_release(first);
    rask_client_close(client);
    free(futures);
    printf("%.1f\n", (double)(after > before ? after - before : 0) / (double)tasks + sizeof *futures);
    return 0;
}
