/* What a task of a lane costs, from submit to release: threads of the program pull tasks in batches and hand
 * them back with their results, as a binding does.
 *
 *   bench_lane [--reps N]                a table of medians, in nanoseconds a task
 *   bench_lane SHAPE PULLERS TASKS       runs that once, for instruction counts and profilers
 *
 * independent: a million tasks by rask_map, each with a token. chain: each takes the one before. alternating:
 * a chain of which every second task is a worker's. */
#include "checked.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 256, MAX_PULLERS = 16 };

static rask_client client;
static rask_lane lane;

static void inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }

/* Where a task has an input its word is that input's value, else its token. */
static void *pull(void *unused) {
    rask_lane_task tasks[BATCH];
    rask_lane_result results[BATCH];
    int64_t tokens[BATCH];
    size_t n = 0, dropped;
    for (;;) {
        for (size_t i = 0; i < n; i++)
            results[i] = (rask_lane_result){tasks[i].id, rask_i64(tasks[i].word + 1), NULL, 0, false};
        rask_status status = rask_lane_exchange(lane, results, n, tasks, BATCH, RASK_FOREVER, &n);
        if (status == RASK_END)
            return unused;
        must(status);
        do /* those that have not ended with a result */
            must(rask_lane_dropped(lane, tokens, BATCH, &dropped));
        while (dropped == BATCH);
    }
}

static int64_t result_of(rask_future future) {
    int64_t value = 0;
    must(rask_result_i64(future, &value));
    return value;
}

static void independent(size_t tasks) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.lane = lane;
    rask_arg *items = array_of(tasks, sizeof *items);
    rask_future *futures = array_of(tasks, sizeof *futures);
    for (size_t i = 0; i < tasks; i++)
        items[i] = rask_lane_token(lane, (int64_t)i);
    must(rask_map(client, inc, items, tasks, &options, futures));
    must(rask_wait(futures, tasks, RASK_ALL_COMPLETED, RASK_FOREVER, NULL));
    int64_t sum = 0;
    for (size_t i = 0; i < tasks; i++)
        sum += result_of(futures[i]);
    if (sum != (int64_t)(tasks * (tasks + 1) / 2))
        fprintf(stderr, "wrong sum\n");
    must(rask_release_all(futures, tasks));
    free(items);
    free(futures);
}

static void follow(size_t tasks, bool alternates) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.lane = lane;
    rask_future last = rask_submit_with(client, inc, RASK_ARGS(0), &options);
    for (size_t i = 1; i < tasks; i++)
        last = alternates && i % 2 ? rask_submit(client, inc, RASK_ARGS(rask_take(last)))
                                   : rask_submit_with(client, inc, RASK_ARGS(rask_take(last)), &options);
    if (result_of(last) != (int64_t)tasks)
        fprintf(stderr, "wrong length\n");
    must(rask_release(last));
}

static void chain(size_t tasks) { follow(tasks, false); }
static void alternating(size_t tasks) { follow(tasks, true); }

static const struct {
    const char *name;
    void (*run)(size_t tasks);
    size_t tasks;
} shapes[] = {
    {"independent", independent, 1000000}, {"chain", chain, 200000}, {"alternating", alternating, 100000}};

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The median of some runs, in nanoseconds a task. */
static double measure(void (*run)(size_t), unsigned pullers, size_t tasks, int reps) {
    pthread_t threads[MAX_PULLERS];
    int64_t times[64];
    client = rask_client_open(NULL);
    lane = rask_lane_open(client, NULL);
    for (unsigned i = 0; i < pullers; i++)
        pthread_create(&threads[i], NULL, pull, NULL);
    for (int rep = 0; rep < reps; rep++) {
        int64_t begin = now_ns();
        run(tasks);
        times[rep] = now_ns() - begin;
    }
    must(rask_lane_close(lane));
    for (unsigned i = 0; i < pullers; i++)
        pthread_join(threads[i], NULL);
    must(rask_client_close(client));
    qsort(times, (size_t)reps, sizeof *times, by_value);
    return (double)times[reps / 2] / (double)tasks;
}

int main(int argc, char **argv) {
    int reps = argc == 3 && strcmp(argv[1], "--reps") == 0 ? atoi(argv[2]) : 9;
    if (reps < 1 || reps > 64)
        reps = 9;
    if (argc != 4)
        printf("%-12s %10s %10s  ns a task\n", "", "1 puller", "2 pullers");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (argc == 4) {
            unsigned pullers = (unsigned)strtoul(argv[2], NULL, 10);
            if (strcmp(argv[1], shapes[i].name) == 0 && pullers >= 1 && pullers <= MAX_PULLERS)
                printf("%.1f\n", measure(shapes[i].run, pullers, strtoul(argv[3], NULL, 10), 1));
            continue;
        }
        printf("%-12s %10.1f %10.1f\n", shapes[i].name, measure(shapes[i].run, 1, shapes[i].tasks, reps),
               measure(shapes[i].run, 2, shapes[i].tasks, reps));
    }
    return rask_live_handles() != 0;
}
