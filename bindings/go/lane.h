/* Go tasks: what goroutines that run them exchange with the engine, in one call of cgo for many tasks. */
#ifndef RASK_GO_LANE_H
#define RASK_GO_LANE_H

#include "shim.h"

enum {
    RASK_GO_BATCH = 64,     /* tasks at a time */
    RASK_GO_DROPPED = 256,  /* tokens at a time */
    RASK_GO_ARENA = 1 << 15 /* bytes of small results */
};

/* What a goroutine that runs tasks shares with C. C's memory. */
typedef struct rask_go_puller {
    size_t n_tasks;
    size_t n_results;
    size_t n_dropped;
    size_t arena_used;
    rask_lane_task tasks[RASK_GO_BATCH];
    rask_lane_result results[RASK_GO_BATCH]; /* their errors are malloced, and freed when handed back */
    int64_t dropped[RASK_GO_DROPPED];
    char arena[RASK_GO_ARENA];
} rask_go_puller;

/* An input of a task in a batch: a future, or an earlier task of the same batch. */
typedef struct rask_go_input {
    uint64_t future;
    int64_t earlier; /* its index, or -1 */
} rask_go_input;

uint64_t rask_go_lane_open(uint64_t client, rask_go_failure *failure);

/* Hands back the results, and hands out up to capacity tasks; waits for the first if told to, unless tokens
 * have ended. Which did with results these tell afterwards. */
rask_status rask_go_exchange(uint64_t lane, rask_go_puller *puller, size_t capacity, bool waits);

/* Submits a Go task. Its options, NULL for defaults, are completed by the lane. */
uint64_t rask_go_submit(uint64_t client, uint64_t lane, int64_t token, const uint64_t *inputs,
                        size_t n_inputs, rask_submit_options *options, rask_go_failure *failure);

/* A future in error: of a handle that is none, or of no function. */
uint64_t rask_go_refuse(uint64_t client, bool has_bad_handle, rask_go_failure *failure);

/* Submits n Go tasks with tokens in a row, of which task i takes the next n_inputs[i] inputs. */
void rask_go_submit_batch(uint64_t client, uint64_t lane, int64_t first_token, size_t n,
                          const uint32_t *n_inputs, const rask_go_input *inputs, size_t n_all_inputs,
                          uint64_t *out, rask_go_failure *failure);

/* Submits n Go tasks without inputs, with tokens in a row. */
rask_status rask_go_map(uint64_t client, uint64_t lane, int64_t first_token, size_t n,
                        rask_submit_options *options, uint64_t *out, rask_go_failure *failure);

/* Which tasks that are out nobody wants any more: waits for the next. */
rask_status rask_go_unwanted(uint64_t lane, uint64_t *ids, size_t capacity, size_t *n);

/* Reads an argument of a task that is out. */
rask_status rask_go_argument(rask_task *task, size_t index, rask_go_value *out);

/* Bytes that the engine takes over. */
rask_arg rask_go_bytes_owned(void *data, size_t size);

#endif
