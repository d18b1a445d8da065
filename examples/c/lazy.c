/* A graph that is written down first and computed later, as often as wanted: the mean and the spread of a few
 * measurements. What both need is computed once; what nobody asks for does not run. */
#include <rask.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void measure(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0);
    rask_return_f64(t, 20.0 + (double)(n * n % 7));
}

static void mean(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    double sum = 0, x = 0;
    for (size_t i = 0; i < rask_value_count(list); i++) {
        rask_value_f64(rask_value_at(list, i), &x);
        sum += x;
    }
    rask_return_f64(t, sum / (double)rask_value_count(list));
}

/* (list, its mean) */
static void spread(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    double sum = 0, x = 0;
    for (size_t i = 0; i < rask_value_count(list); i++) {
        rask_value_f64(rask_value_at(list, i), &x);
        sum += (x - rask_arg_f64(t, 1)) * (x - rask_arg_f64(t, 1));
    }
    rask_return_f64(t, sum / (double)rask_value_count(list));
}

static void explode(rask_task *t) { rask_fail(t, 1, "nobody asked for this"); }

int main(void) {
    enum { N = 10 };
    rask_delayed parts[N];
    rask_arg measured[N];
    for (int i = 0; i < N; i++) {
        parts[i] = rask_delayed_call(measure, RASK_ARGS(i), NULL); /* nothing runs yet */
        measured[i] = rask_lazy(parts[i]);
    }
    rask_delayed average = rask_delayed_call(mean, RASK_ARGS(rask_list(measured, N)), NULL);
    rask_delayed wide = rask_delayed_call(spread, RASK_ARGS(rask_list(measured, N), average), NULL);
    rask_delayed unasked = rask_delayed_call(explode, RASK_ARGS(wide), NULL);
    for (int i = 0; i < N; i++)
        rask_delayed_release(parts[i]); /* the graph keeps what it is built on */

    rask_client client = rask_client_open(NULL);
    int failed = 0;
    for (int round = 0; round < 2; round++) {
        const rask_delayed wanted[] = {average, wide};
        rask_future futures[2];
        double results[2] = {0, 0};
        rask_compute_all(client, wanted, 2, futures); /* each measurement is taken once */
        for (int i = 0; i < 2; i++)
            if (rask_result_f64(futures[i], &results[i]) != RASK_OK) {
                fprintf(stderr, "%s\n", rask_last_error());
                failed = 1;
            }
        printf("mean %.1f, spread %.2f\n", results[0], results[1]);
        rask_release_all(futures, 2);
    }
    rask_client_close(client);
    rask_delayed_release(average);
    rask_delayed_release(wide);
    rask_delayed_release(unasked);
    return failed || rask_live_handles() != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
