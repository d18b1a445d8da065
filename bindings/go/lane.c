#include "lane.h"

#include <stdlib.h>
#include <string.h>

/* What lanes hand out with each task; nobody calls it. */
static void go_task(rask_task *task) { rask_fail(task, 0, "a Go task was run by a C thread"); }

static const rask_submit_options *completed(rask_submit_options *given, rask_submit_options *defaults,
                                            uint64_t lane) {
    if (given == NULL) {
        given = defaults;
        *given = (rask_submit_options)RASK_SUBMIT_OPTIONS_INIT;
    }
    given->lane = (rask_lane){lane};
    return given;
}

static uint64_t made(rask_future future, rask_go_failure *failure) {
    if (future.id == 0 && failure->status == RASK_OK)
        *failure = (rask_go_failure){rask_last_status(), strdup(rask_last_error())};
    return future.id;
}

uint64_t rask_go_lane_open(uint64_t client, rask_go_failure *failure) {
    rask_lane lane = rask_lane_open((rask_client){client}, "go");
    if (lane.id == 0)
        *failure = (rask_go_failure){rask_last_status(), strdup(rask_last_error())};
    return lane.id;
}

static void take_dropped(rask_lane lane, rask_go_puller *p) {
    rask_lane_dropped(lane, p->dropped, RASK_GO_DROPPED, &p->n_dropped);
}

rask_status rask_go_exchange(uint64_t id, rask_go_puller *p, size_t capacity, bool waits) {
    rask_lane lane = {id};
    rask_status status =
        rask_lane_exchange(lane, p->results, p->n_results, p->tasks, capacity, 0, &p->n_tasks);
    bool has_ended = false;
    for (size_t i = 0; i < p->n_results; i++) {
        free((void *)p->results[i].error);
        has_ended |= p->results[i].token_ended;
    }
    p->n_results = 0;
    p->arena_used = 0;
    take_dropped(lane, p);
    /* What has ended is somebody's memory, and is not to wait for the next task. */
    if (status == RASK_E_TIMEOUT && waits && p->n_dropped == 0 && !has_ended) {
        status = rask_lane_exchange(lane, NULL, 0, p->tasks, capacity, RASK_FOREVER, &p->n_tasks);
        take_dropped(lane, p);
    }
    return status;
}

enum { FEW = 16 };

/* Room for so many arguments: the given one, if it is enough. NULL without memory. */
static rask_arg *room_for(size_t n, rask_arg few[FEW]) {
    return n <= FEW ? few : malloc(n * sizeof(rask_arg));
}

static void no_memory(rask_go_failure *failure) {
    if (failure->status == RASK_OK)
        *failure = (rask_go_failure){RASK_E_NOMEM, strdup("no memory for the arguments")};
}

uint64_t rask_go_submit(uint64_t client, uint64_t lane, int64_t token, const uint64_t *inputs,
                        size_t n_inputs, rask_submit_options *options, rask_go_failure *failure) {
    rask_submit_options defaults;
    rask_arg few[FEW], *args = room_for(n_inputs + 1, few);
    if (args == NULL) {
        no_memory(failure);
        return 0;
    }
    args[0] = rask_lane_token((rask_lane){lane}, token);
    for (size_t i = 0; i < n_inputs; i++)
        args[i + 1] = rask_of((rask_future){inputs[i]});
    rask_future future = rask_submit_with((rask_client){client}, go_task, args, n_inputs + 1,
                                          completed(options, &defaults, lane));
    if (args != few)
        free(args);
    return made(future, failure);
}

uint64_t rask_go_refuse(uint64_t client, bool has_bad_handle, rask_go_failure *failure) {
    rask_arg null = rask_of((rask_future){0});
    return made(rask_submit((rask_client){client}, has_bad_handle ? go_task : NULL, &null, has_bad_handle),
                failure);
}

void rask_go_submit_batch(uint64_t client, uint64_t lane, int64_t first_token, size_t n,
                          const uint32_t *n_inputs, const rask_go_input *inputs, size_t n_all_inputs,
                          uint64_t *out, rask_go_failure *failure) {
    rask_submission *tasks = malloc(n * sizeof *tasks + (n + n_all_inputs) * sizeof(rask_arg));
    if (tasks == NULL) {
        memset(out, 0, n * sizeof *out);
        no_memory(failure);
        return;
    }
    rask_arg *arg = (rask_arg *)(tasks + n);
    for (size_t i = 0; i < n; i++) {
        tasks[i] = (rask_submission){go_task, arg, n_inputs[i] + 1};
        *arg++ = rask_lane_token((rask_lane){lane}, first_token + (int64_t)i);
        for (size_t j = 0; j < n_inputs[i]; j++, inputs++)
            *arg++ = inputs->earlier < 0 ? rask_of((rask_future){inputs->future})
                                         : rask_earlier((size_t)inputs->earlier);
    }
    rask_submit_options defaults;
    rask_status status = rask_submit_all((rask_client){client}, tasks, n, completed(NULL, &defaults, lane),
                                         (rask_future *)out);
    if (status < 0 && failure->status == RASK_OK)
        *failure = (rask_go_failure){status, strdup(rask_last_error())};
    free(tasks);
}

rask_status rask_go_map(uint64_t client, uint64_t lane, int64_t first_token, size_t n,
                        rask_submit_options *options, uint64_t *out, rask_go_failure *failure) {
    enum { AT_ONCE = 512 }; /* so that the first run while the last are written */
    rask_submit_options defaults;
    const rask_submit_options *with = completed(options, &defaults, lane);
    rask_arg items[AT_ONCE];
    rask_status first = RASK_OK;
    for (size_t from = 0; from < n; from += AT_ONCE) {
        size_t count = n - from < AT_ONCE ? n - from : AT_ONCE;
        for (size_t i = 0; i < count; i++)
            items[i] = rask_lane_token((rask_lane){lane}, first_token + (int64_t)(from + i));
        rask_status status =
            rask_map((rask_client){client}, go_task, items, count, with, (rask_future *)out + from);
        if (status < 0 && first == RASK_OK) {
            first = status;
            if (failure->status != RASK_OK)
                continue;
            *failure = (rask_go_failure){status, strdup(rask_last_error())};
        }
    }
    return first;
}

rask_status rask_go_unwanted(uint64_t lane, uint64_t *ids, size_t capacity, size_t *n) {
    return rask_lane_cancelled((rask_lane){lane}, ids, capacity, RASK_FOREVER, n);
}

rask_status rask_go_argument(rask_task *task, size_t index, rask_go_value *out) {
    return rask_go_read(rask_arg_value(task, index), out);
}

rask_arg rask_go_bytes_owned(void *data, size_t size) { return rask_bytes_owned(data, size, free); }
