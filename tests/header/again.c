/* The common subset of C and C++. Compiled by tests/header.rs as either, with all warnings as errors. */
#include <rask.h>

static void task(rask_task *t) { rask_return_arg(t, 0); }

int use_rask_again(void);
int use_rask_again(void) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    rask_submit_options named = RASK_SUBMIT_OPTIONS_INIT;
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    rask_error error = RASK_ERROR_INIT;
    rask_client client = rask_client_open(&options);
    rask_arg args[2] = {rask_i64(1), rask_str("text")};
    rask_future x = rask_submit(client, task, args, 2);
    rask_future y = rask_submit_with(client, task, RASK_NO_ARGS, &named);
    if (rask_future_error(y, &error) != RASK_OK)
        rask_cancel(y, "not needed");
    rask_client_get_stats(client, &stats);
    rask_release(x);
    rask_release(y);
    return rask_client_close(client) == RASK_OK ? 0 : 1;
}
