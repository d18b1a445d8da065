#include "shim.h"

#include <stdlib.h>
#include <string.h>

static rask_status told(rask_status status, rask_go_failure *failure) {
    if (status < 0)
        *failure = (rask_go_failure){status, strdup(rask_last_error())};
    return status;
}

static uint64_t made(uint64_t id, rask_go_failure *failure) {
    if (id == 0)
        *failure = (rask_go_failure){rask_last_status(), strdup(rask_last_error())};
    return id;
}

static rask_client client_of(uint64_t id) { return (rask_client){id}; }
static rask_future future_of(uint64_t id) { return (rask_future){id}; }

/* Handles are one number each, so an array of either is an array of the other. */
_Static_assert(sizeof(rask_future) == sizeof(uint64_t), "a handle is a number");
static const rask_future *futures_of(const uint64_t *ids) { return (const rask_future *)ids; }

uint64_t rask_go_open(const rask_client_options *options, rask_go_failure *failure) {
    return made(rask_client_open(options).id, failure);
}

rask_status rask_go_close(uint64_t client, rask_go_failure *failure) {
    return told(rask_client_close(client_of(client)), failure);
}

rask_status rask_go_drain(uint64_t client, int64_t timeout_ns, rask_go_failure *failure) {
    return told(rask_client_wait(client_of(client), timeout_ns), failure);
}

rask_status rask_go_stats(uint64_t client, rask_client_stats *stats, rask_go_failure *failure) {
    *stats = (rask_client_stats)RASK_CLIENT_STATS_INIT;
    return told(rask_client_get_stats(client_of(client), stats), failure);
}

rask_status rask_go_trace_start(uint64_t client, const char *path, rask_go_failure *failure) {
    return told(rask_trace_start(client_of(client), path), failure);
}

rask_status rask_go_trace_stop(uint64_t client, rask_go_failure *failure) {
    return told(rask_trace_stop(client_of(client)), failure);
}

rask_status rask_go_dump(uint64_t client, const char *path, rask_go_failure *failure) {
    return told(rask_client_dump(client_of(client), path), failure);
}

rask_status rask_go_read(const rask_value *value, rask_go_value *out) {
    memset(out, 0, sizeof *out);
    out->value = value;
    out->kind = rask_value_kind(value);
    const void *data = NULL;
    size_t size = 0;
    double real = 0;
    void *pointer = NULL;
    rask_status status = RASK_OK;
    switch (out->kind) {
    case RASK_I64:
        status = rask_value_i64(value, (int64_t *)&out->number);
        break;
    case RASK_F64:
        status = rask_value_f64(value, &real);
        memcpy(&out->number, &real, sizeof real);
        break;
    case RASK_BYTES:
        status = rask_value_bytes(value, &data, &size);
        out->data = (uint64_t)(uintptr_t)data;
        out->size = size;
        break;
    case RASK_POINTER:
        status = rask_value_pointer(value, &pointer);
        out->number = (uint64_t)(uintptr_t)pointer;
        break;
    case RASK_LIST:
        out->number = rask_value_count(value);
        break;
    default:
        break;
    }
    return status;
}

rask_status rask_go_look(uint64_t future, rask_go_value *out) {
    const rask_value *value;
    rask_status status = rask_result(future_of(future), 0, &value);
    return status == RASK_OK ? rask_go_read(value, out) : status;
}

rask_status rask_go_error(uint64_t future, rask_error *out) {
    *out = (rask_error)RASK_ERROR_INIT;
    return rask_future_error(future_of(future), out);
}

rask_status rask_go_cancel(uint64_t future, const char *reason, rask_go_failure *failure) {
    return told(rask_cancel(future_of(future), reason), failure);
}

rask_status rask_go_retry(uint64_t future, rask_go_failure *failure) {
    return told(rask_retry(future_of(future)), failure);
}

size_t rask_go_states(const uint64_t *futures, size_t n, int8_t *states) {
    size_t open = 0;
    for (size_t i = 0; i < n; i++) {
        if (futures[i] == 0)
            continue;
        rask_state state = rask_future_state(future_of(futures[i]));
        states[i] = (int8_t)state;
        open += state == RASK_PENDING || state == RASK_RUNNING;
    }
    return open;
}

rask_status rask_go_wait(const uint64_t *futures, size_t n, int32_t until) {
    return rask_wait(futures_of(futures), n, until, RASK_FOREVER, NULL);
}

uint64_t rask_go_watch_open(const uint64_t *futures, size_t n, rask_go_failure *failure) {
    return made(rask_as_completed_open(futures_of(futures), n).id, failure);
}

rask_status rask_go_watch_add(uint64_t iter, const uint64_t *futures, size_t n, rask_go_failure *failure) {
    return told(rask_as_completed_add((rask_as_completed){iter}, futures_of(futures), n), failure);
}

size_t rask_go_watch_take(uint64_t iter, uint64_t *out, size_t capacity) {
    size_t n = 0;
    rask_future done;
    while (n < capacity && rask_as_completed_next((rask_as_completed){iter}, 0, &done) == RASK_OK)
        out[n++] = done.id;
    return n;
}

rask_status rask_go_progress_start(const uint64_t *futures, size_t n, const char *label,
                                   rask_go_failure *failure) {
    return told(rask_progress_start(futures_of(futures), n, label), failure);
}

uint64_t rask_go_submit_native(uint64_t client, rask_task_fn fn, const rask_arg *args, size_t n_args,
                               const rask_submit_options *options, rask_go_failure *failure) {
    return made(rask_submit_with(client_of(client), fn, args, n_args, options).id, failure);
}

rask_status rask_go_map_native(uint64_t client, rask_task_fn fn, const rask_arg *items, size_t n_items,
                               const rask_submit_options *options, uint64_t *out, rask_go_failure *failure) {
    return told(rask_map(client_of(client), fn, items, n_items, options, (rask_future *)out), failure);
}

uint64_t rask_go_scatter(uint64_t client, rask_arg value, rask_go_failure *failure) {
    return made(rask_scatter(client_of(client), value).id, failure);
}
