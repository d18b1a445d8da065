/* A task may submit tasks and wait for them, as deep as it likes: the worker does not stand idle, it runs
 * what is waited for, or another thread takes its place. Here each number of Fibonacci is a task that waits
 * for two others. */
#include <rask.h>

#include <inttypes.h>
#include <stdio.h>

static void fib(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0);
    if (n < 2) {
        rask_return_i64(t, n);
        return;
    }
    rask_client client = rask_task_client(t); /* the one this task runs in; borrowed, not to be closed */
    rask_future x = rask_submit(client, fib, RASK_ARGS(n - 1));
    rask_future y = rask_submit(client, fib, RASK_ARGS(n - 2));
    int64_t a, b;
    if (rask_result_i64(x, &a) == RASK_OK && rask_result_i64(y, &b) == RASK_OK)
        rask_return_i64(t, a + b);
    else
        rask_fail(t, rask_last_status(), rask_last_error());
    rask_release_all(RASK_FUTURES(x, y));
}

int main(void) {
    rask_client client = rask_client_open(NULL);
    rask_future f = rask_submit(client, fib, RASK_ARGS(20)); /* 21891 tasks */
    int64_t result;
    rask_status status = rask_result_i64(f, &result);
    if (status == RASK_OK)
        printf("fib(20) = %" PRId64 "\n", result);
    else
        fprintf(stderr, "%s\n", rask_last_error());
    rask_release(f);
    rask_client_close(client);
    return status != RASK_OK;
}
