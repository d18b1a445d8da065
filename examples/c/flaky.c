/* Tasks that fail now and then: retries run a task again by itself, rask_retry runs again what failed for
 * good, once its cause is gone, with everything that failed because of it. */
#include <rask.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* A sensor that answers every third time it is asked, if its cable is plugged in. */
typedef struct sensor {
    int64_t reading;
    atomic_bool plugged_in;
} sensor;

static void measure(rask_task *t) {
    sensor *s = rask_arg_pointer(t, 0);
    if (!atomic_load(&s->plugged_in))
        rask_fail(t, 1, "no sensor is connected");
    else if (rask_task_attempt(t) % 3 != 0)
        rask_fail(t, 2, "the sensor did not answer"); /* a retry may help */
    else
        rask_return_i64(t, s->reading);
}

static void mean(rask_task *t) { /* never runs as long as one of its inputs has failed */
    int64_t sum = 0;
    for (size_t i = 0; i < rask_arg_count(t); i++)
        sum += rask_arg_i64(t, i);
    rask_return_f64(t, (double)sum / (double)rask_arg_count(t));
}

static void print(const char *name, rask_future f) {
    double value;
    rask_error error = RASK_ERROR_INIT;
    if (rask_result_f64(f, &value) == RASK_OK)
        printf("%s: %.1f\n", name, value);
    else if (rask_future_error(f, &error) == RASK_OK)
        printf("%s: %s (attempts: %" PRIu32 ")\n", name, error.message, error.attempts);
}

int main(void) {
    static sensor sensors[3] = {{20, true}, {22, true}, {27, false}};
    rask_client client = rask_client_open(NULL);
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = 4; /* so up to five runs */
    options.retry_delay_ns =
        1000 * 1000; /* a millisecond before each but the first; no worker waits for it */

    rask_future measured[3];
    for (int i = 0; i < 3; i++)
        measured[i] = rask_submit_with(client, measure, RASK_ARGS(rask_pointer(&sensors[i])), &options);
    rask_future all = rask_submit(client, mean, RASK_ARGS(measured[0], measured[1], measured[2]));
    print("first", measured[0]);
    print("third", measured[2]);
    print("all", all);

    /* We do not keep what we need no more. What failed still knows its inputs: "all" needs them. */
    rask_release_all(measured, 3);

    atomic_store(&sensors[2].plugged_in, true);
    if (rask_retry(all) != RASK_OK) /* runs the third measurement again, and then the mean */
        fprintf(stderr, "%s\n", rask_last_error());
    print("all", all);

    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    if (rask_client_get_stats(client, &stats) == RASK_OK)
        printf("runs: %" PRIu64 "\n", stats.n_executed);
    rask_release(all);
    rask_client_close(client);
    return rask_live_handles() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
