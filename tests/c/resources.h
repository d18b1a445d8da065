/* What the tests of resources share: a client that has some, submits that need some. */
#ifndef RASK_TESTS_RESOURCES_H
#define RASK_TESTS_RESOURCES_H

#include "check.h"

static inline rask_client open_with(uint32_t n_workers, const char *resources) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = n_workers;
    options.resources = resources;
    rask_client opened = rask_client_open(&options);
    if (opened.id == 0)
        FAIL_AT(__FILE__, __LINE__, "no client with \"%s\": %s", resources, rask_last_error());
    return opened;
}

static inline rask_future submit_to(rask_client to, const char *resources, int32_t priority, rask_task_fn fn,
                                    const rask_arg *args, size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.resources = resources;
    options.priority = priority;
    return rask_submit_with(to, fn, args, n, &options);
}

#endif
