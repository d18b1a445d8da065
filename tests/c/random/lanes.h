/* A lane for each client: some tasks go there, and two threads pull them, each in one of the two ways. What
 * the model says of a task does not depend on who runs it. */
#ifndef RASK_TESTS_RANDOM_LANES_H
#define RASK_TESTS_RANDOM_LANES_H

#include "build.h"

enum { MAX_PULLED = 24 };

/* Pulls by rask_lane_run. */
static void *run_on_lane(void *lane) {
    for (size_t round = 1;; round++) {
        rask_status status = rask_lane_run(*(rask_lane *)lane, 1 + round % 7, RASK_FOREVER, NULL);
        if (status == RASK_END)
            return NULL;
        EXPECT_STATUS(NULL, NULL, status, RASK_OK);
    }
}

/* Pulls by rask_lane_exchange, and calls the functions itself. */
static void *exchange_with_lane(void *at) {
    rask_lane lane = *(rask_lane *)at;
    rask_lane_task tasks[MAX_PULLED];
    rask_lane_result results[MAX_PULLED];
    size_t n = 0;
    for (size_t round = 0;; round++) {
        for (size_t i = 0; i < n; i++) {
            tasks[i].fn(tasks[i].task);
            results[i] = (rask_lane_result){tasks[i].id, rask_none(), NULL, 0, false};
        }
        size_t capacity = 1 + round * 5 % MAX_PULLED;
        rask_status status =
            rask_lane_exchange(lane, results, n, tasks, capacity, round % 9 ? RASK_FOREVER : 0, &n);
        if (status == RASK_END)
            return NULL;
        EXPECT(NULL, NULL, status == RASK_OK || status == RASK_E_TIMEOUT, "an exchange is %s",
               rask_status_name(status));
        uint64_t ids[4];
        size_t n_ids;
        status = rask_lane_cancelled(lane, ids, 4, 0, &n_ids);
        EXPECT(NULL, NULL, status == RASK_OK || status == RASK_E_TIMEOUT || status == RASK_END,
               "cancelled tasks: %s", rask_status_name(status));
    }
}

static struct {
    rask_lane lanes[2];
    pthread_t pullers[4];
} lanes;

/* For a round. Not where the clients are closed in its midst: what a lane refuses then is not
 * in the model. */
static void open_lanes(void) {
    lanes.lanes[0] = lanes.lanes[1] = (rask_lane){0};
    for (unsigned i = 0; i < now.program->n_clients && !now.program->closes_early; i++) {
        lanes.lanes[i] = rask_lane_open(now.clients[i], "random");
        EXPECT(NULL, NULL, lanes.lanes[i].id != 0, "a lane cannot be opened");
        lanes.pullers[2 * i] = start_thread(run_on_lane, &lanes.lanes[i]);
        lanes.pullers[2 * i + 1] = start_thread(exchange_with_lane, &lanes.lanes[i]);
    }
}

/* After the clients were closed. */
static void close_lanes(void) {
    for (unsigned i = 0; i < now.program->n_clients && !now.program->closes_early; i++) {
        join_thread(lanes.pullers[2 * i]);
        join_thread(lanes.pullers[2 * i + 1]);
        EXPECT_STATUS(NULL, NULL, rask_lane_close(lanes.lanes[i]), RASK_OK);
    }
}

/* Which lane a task is to go to, or none: not one that waits for others of its lane, and not what holds
 * resources. */
static rask_lane choose_lane(thread *t, const building *b, const rask_submit_options *options) {
    task_kind task = b->record.task;
    bool fits =
        task == MIX || task == FAIL || task == FLAKY || task == WRONG || task == PASS || task == FORWARD;
    return fits && !options->resources && one_in(t, 3) ? lanes.lanes[b->client] : (rask_lane){0};
}

#endif
