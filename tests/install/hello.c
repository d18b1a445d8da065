/* The first program one writes with Rask. It succeeds only if everything about it is right. */
#include <inttypes.h>
#include <rask.h>
#include <stdio.h>

static void inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }
static void add(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + rask_arg_i64(t, 1)); }

int main(void) {
    uint32_t header = RASK_VERSION_MAJOR << 16 | RASK_VERSION_MINOR << 8 | RASK_VERSION_PATCH;
    if (rask_version() != header) {
        fprintf(stderr, "the header is not that of librask %s\n", rask_version_string());
        return 1;
    }

    rask_client client = rask_client_open(NULL);
    rask_future x = rask_submit(client, inc, RASK_ARGS(1));
    rask_future y = rask_submit(client, inc, RASK_ARGS(2));
    rask_future z = rask_submit(client, add, RASK_ARGS(x, y));
    int64_t sum = 0;
    if (rask_result_i64(z, &sum) != RASK_OK) {
        fprintf(stderr, "%s\n", rask_last_error());
        return 1;
    }
    rask_release_all(RASK_FUTURES(x, y, z));
    rask_client_close(client);

    printf("rask %s: %" PRId64 "\n", rask_version_string(), sum);
    return sum == 5 && rask_live_handles() == 0 ? 0 : 1;
}
