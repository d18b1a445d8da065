/* What the tests of lanes share: a lane of the test's client, submits to it, tasks pulled by hand. */
#ifndef RASK_TESTS_LANES_H
#define RASK_TESTS_LANES_H

#include "check.h"

static inline rask_lane open_lane(void) {
    rask_lane lane = rask_lane_open(client, "test");
    if (lane.id == 0)
        FAIL_AT(__FILE__, __LINE__, "no lane: %s", rask_last_error());
    return lane;
}

static inline rask_submit_options on_lane(rask_lane lane) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.lane = lane;
    return options;
}

static inline rask_future submit_to(rask_lane lane, rask_task_fn fn, const rask_arg *args, size_t n) {
    rask_submit_options options = on_lane(lane);
    return rask_submit_with(client, fn, args, n, &options);
}

/* Runs what is ready on this thread; how many. */
static inline size_t run_ready(rask_lane lane) {
    size_t n;
    rask_status status = rask_lane_run(lane, 1000000, 0, &n);
    CHECK(status == RASK_OK || status == RASK_E_TIMEOUT);
    return n;
}

/* Pulls one task, which is or will be ready. */
static inline rask_lane_task pull_one(rask_lane lane) {
    rask_lane_task task;
    size_t n;
    do
        CHECK_OK(rask_lane_exchange(lane, NULL, 0, &task, 1, LONG_NS, &n));
    while (n == 0);
    return task;
}

/* Nothing is ready. */
static inline void none_ready(rask_lane lane) {
    rask_lane_task task;
    size_t n = 9;
    CHECK_STATUS(rask_lane_exchange(lane, NULL, 0, &task, 1, 0, &n), RASK_E_TIMEOUT);
    CHECK_EQ(n, 0);
}

static inline rask_status give(rask_lane lane, uint64_t id, rask_arg value) {
    rask_lane_result result = {id, value, NULL, 0, false};
    size_t n;
    return rask_lane_exchange(lane, &result, 1, NULL, 0, 0, &n);
}

static inline rask_status give_error(rask_lane lane, uint64_t id, int32_t code, const char *error) {
    rask_lane_result result = {id, rask_none(), error, code, false};
    size_t n;
    return rask_lane_exchange(lane, &result, 1, NULL, 0, 0, &n);
}

/* All tokens that are dropped by now, which are below 64: a bit for each. One that comes twice
 * is an error. */
static inline uint64_t dropped_tokens(rask_lane lane) {
    uint64_t seen = 0;
    for (;;) {
        int64_t tokens[3];
        size_t n;
        CHECK_OK(rask_lane_dropped(lane, tokens, 3, &n));
        if (n == 0)
            return seen;
        for (size_t i = 0; i < n; i++) {
            CHECK(tokens[i] >= 0 && tokens[i] < 64 && !(seen >> tokens[i] & 1));
            seen |= UINT64_C(1) << tokens[i];
        }
    }
}

#endif
