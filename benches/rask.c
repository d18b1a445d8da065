/* Rask, as a C program uses it. */
#include "contestant.h"

#include <rask.h>

#include <stdio.h>
#include <stdlib.h>

const char contestant_name[] = "rask";

static rask_client client;

const char *contestant_describe(void) {
    static char text[128];
    snprintf(text, sizeof text, "%s; n_workers threads, and the outside thread, which only submits and waits",
             rask_version_string());
    return text;
}

void contestant_start(unsigned workers) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = workers;
    client = rask_client_open(&options);
    if (!client.id) {
        fprintf(stderr, "rask: %s\n", rask_last_error());
        exit(1);
    }
}

void contestant_stop(void) {
    if (rask_client_close(client) != RASK_OK)
        fprintf(stderr, "rask: %s\n", rask_last_error());
    if (rask_live_handles() != 0)
        fprintf(stderr, "rask: %llu handles left over\n", (unsigned long long)rask_live_handles());
}

/* A status that is not RASK_OK is said once; the answer is then wrong and the check says so too. */
static int64_t result_of(rask_future future) {
    int64_t value = 0;
    if (rask_result_i64(future, &value) != RASK_OK)
        fprintf(stderr, "rask: %s\n", rask_last_error());
    return value;
}

static void inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }

/* Wraps around, which a wavefront does on purpose. */
static void add(rask_task *t) {
    rask_return_i64(t, (int64_t)((uint64_t)rask_arg_i64(t, 0) + (uint64_t)rask_arg_i64(t, 1)));
}

int64_t run_independent(size_t tasks) {
    rask_future *futures = array_of(tasks, sizeof *futures);
    for (size_t i = 0; i < tasks; i++)
        futures[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
    rask_wait(futures, tasks, RASK_ALL_COMPLETED, RASK_FOREVER, NULL);
    int64_t sum = 0;
    for (size_t i = 0; i < tasks; i++)
        sum += result_of(futures[i]);
    rask_release_all(futures, tasks);
    free(futures);
    return sum;
}

int64_t run_chain(size_t tasks) {
    rask_future *futures = array_of(tasks, sizeof *futures);
    futures[0] = rask_submit(client, inc, RASK_ARGS(0));
    for (size_t i = 1; i < tasks; i++)
        futures[i] = rask_submit(client, inc, RASK_ARGS(futures[i - 1]));
    int64_t last = result_of(futures[tasks - 1]);
    rask_release_all(futures, tasks);
    free(futures);
    return last;
}

/* The leaves first, then level by level: task i adds tasks 2(i - leaves) and 2(i - leaves) + 1. */
int64_t run_tree(size_t leaves) {
    size_t tasks = 2 * leaves - 1;
    rask_future *futures = array_of(tasks, sizeof *futures);
    for (size_t i = 0; i < leaves; i++)
        futures[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
    for (size_t i = leaves; i < tasks; i++) {
        const rask_future *children = futures + 2 * (i - leaves);
        futures[i] = rask_submit(client, add, RASK_ARGS(children[0], children[1]));
    }
    int64_t sum = result_of(futures[tasks - 1]);
    rask_release_all(futures, tasks);
    free(futures);
    return sum;
}

static void fib(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0);
    if (n < 2) {
        rask_return_i64(t, n);
        return;
    }
    rask_client here = rask_task_client(t);
    rask_future x = rask_submit(here, fib, RASK_ARGS(n - 1));
    rask_future y = rask_submit(here, fib, RASK_ARGS(n - 2));
    rask_return_i64(t, result_of(x) + result_of(y));
    rask_release_all(RASK_FUTURES(x, y));
}

int64_t run_fork_join(size_t n) {
    rask_future root = rask_submit(client, fib, RASK_ARGS((int64_t)n));
    int64_t value = result_of(root);
    rask_release(root);
    return value;
}

static void one(rask_task *t) { rask_return_i64(t, 1); }
static void same(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0)); }

int64_t run_wavefront(size_t side) {
    rask_future *cells = array_of(side * side, sizeof *cells);
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            rask_future *cell = cells + y * side + x;
            if (x > 0 && y > 0)
                *cell = rask_submit(client, add, RASK_ARGS(cell[-1], cell[-(ptrdiff_t)side]));
            else if (x > 0)
                *cell = rask_submit(client, same, RASK_ARGS(cell[-1]));
            else if (y > 0)
                *cell = rask_submit(client, same, RASK_ARGS(cell[-(ptrdiff_t)side]));
            else
                *cell = rask_submit(client, one, RASK_NO_ARGS);
        }
    int64_t paths = result_of(cells[side * side - 1]);
    rask_release_all(cells, side * side);
    free(cells);
    return paths;
}

static void sum(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    int64_t total = 0;
    for (size_t i = 0; i < rask_value_count(list); i++) {
        int64_t item;
        if (rask_value_i64(rask_value_at(list, i), &item) == RASK_OK)
            total += item;
    }
    rask_return_i64(t, total);
}

int64_t run_fan(size_t rounds) {
    rask_future *many = array_of(FAN_WIDTH, sizeof *many);
    int64_t total = 0;
    for (size_t round = 0; round < rounds; round++) {
        rask_future first = rask_submit(client, inc, RASK_ARGS((int64_t)round));
        for (size_t i = 0; i < FAN_WIDTH; i++)
            many[i] = rask_submit(client, add, RASK_ARGS(first, (int64_t)i));
        rask_future last = rask_submit(client, sum, RASK_ARGS(rask_list_of(many, FAN_WIDTH)));
        total += result_of(last);
        rask_release_all(many, FAN_WIDTH);
        rask_release_all(RASK_FUTURES(first, last));
    }
    free(many);
    return total;
}
