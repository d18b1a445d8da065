/* What the binding asks of librask in one call of cgo each: a failure comes back with its words, which belong
 * to the thread that failed, and a goroutine may be on another one by the next call. */
#ifndef RASK_GO_SHIM_H
#define RASK_GO_SHIM_H

#include <rask.h>

/* What a call that fails leaves; untouched on success. */
typedef struct rask_go_failure {
    rask_status status;
    char *words; /* malloced, for the caller to free */
} rask_go_failure;

uint64_t rask_go_open(const rask_client_options *options, rask_go_failure *failure);
rask_status rask_go_close(uint64_t client, rask_go_failure *failure);
rask_status rask_go_drain(uint64_t client, int64_t timeout_ns, rask_go_failure *failure);
rask_status rask_go_stats(uint64_t client, rask_client_stats *stats, rask_go_failure *failure);
rask_status rask_go_trace_start(uint64_t client, const char *path, rask_go_failure *failure);
rask_status rask_go_trace_stop(uint64_t client, rask_go_failure *failure);
rask_status rask_go_dump(uint64_t client, const char *path, rask_go_failure *failure);

/* A value as Go reads it: numbers as they are, everything else by where it lies. */
typedef struct rask_go_value {
    rask_kind kind;
    uint32_t reserved;
    uint64_t number; /* an i64, the bits of an f64, a pointer; of a list its length */
    uint64_t data;   /* of bytes; borrowed like the value */
    uint64_t size;
    const rask_value *value;
} rask_go_value;

/* Reads a value, of NULL nothing. RASK_E_LOST and RASK_E_NOMEM as rask_value_bytes. */
rask_status rask_go_read(const rask_value *value, rask_go_value *out);
/* Reads a future's value without waiting: RASK_E_TIMEOUT while there is none. */
rask_status rask_go_look(uint64_t future, rask_go_value *out);
/* Why a future has no value; the words are borrowed from it. */
rask_status rask_go_error(uint64_t future, rask_error *out);

rask_status rask_go_cancel(uint64_t future, const char *reason, rask_go_failure *failure);
rask_status rask_go_retry(uint64_t future, rask_go_failure *failure);

/* The states of n futures, but for null ones, whose state is left as it is; how many are not done. */
size_t rask_go_states(const uint64_t *futures, size_t n, int8_t *states);
/* Waits as rask_wait does; releasing one of the handles ends it. */
rask_status rask_go_wait(const uint64_t *futures, size_t n, int32_t until);

uint64_t rask_go_watch_open(const uint64_t *futures, size_t n, rask_go_failure *failure);
rask_status rask_go_watch_add(uint64_t iter, const uint64_t *futures, size_t n, rask_go_failure *failure);
/* Takes what is done already, up to capacity. */
size_t rask_go_watch_take(uint64_t iter, uint64_t *out, size_t capacity);

rask_status rask_go_progress_start(const uint64_t *futures, size_t n, const char *label,
                                   rask_go_failure *failure);

/* C tasks, with arguments as rask.h has them. */
uint64_t rask_go_submit_native(uint64_t client, rask_task_fn fn, const rask_arg *args, size_t n_args,
                               const rask_submit_options *options, rask_go_failure *failure);
rask_status rask_go_map_native(uint64_t client, rask_task_fn fn, const rask_arg *items, size_t n_items,
                               const rask_submit_options *options, uint64_t *out, rask_go_failure *failure);
uint64_t rask_go_scatter(uint64_t client, rask_arg value, rask_go_failure *failure);

#endif
