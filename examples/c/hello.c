/* Futures in a screenful: submit returns at once, and a future can be passed on before its value is there. */
#include <rask.h>

#include <inttypes.h>
#include <stdio.h>

static void inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }
static void add(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + rask_arg_i64(t, 1)); }

int main(void) {
    rask_client client = rask_client_open(NULL);            /* a worker per core */
    rask_future x = rask_submit(client, inc, RASK_ARGS(1)); /* returns at once   */
    rask_future y = rask_submit(client, inc, RASK_ARGS(2));
    rask_future z = rask_submit(client, add, RASK_ARGS(x, y)); /* x, y not done yet */

    int64_t sum;
    rask_status status = rask_result_i64(z, &sum); /* waits */
    if (status == RASK_OK)
        printf("(1 + 1) + (2 + 1) = %" PRId64 "\n", sum);
    else
        fprintf(stderr, "%s\n", rask_last_error());

    rask_release_all(RASK_FUTURES(x, y, z));
    rask_client_close(client);
    return status != RASK_OK;
}
