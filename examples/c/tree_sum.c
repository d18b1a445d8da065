/* Sums many numbers by a tree of additions. Each addition takes its inputs (rask_take), so that they are gone
 * as soon as they have been added, and the program has only the futures at the top of the tree to think of.
 */
#include <rask.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void square(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) * rask_arg_i64(t, 0)); }
static void add(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + rask_arg_i64(t, 1)); }

int main(void) {
    enum { N = 100000 };
    rask_arg *numbers = malloc(N * sizeof *numbers);
    rask_future *futures = malloc(N * sizeof *futures);
    if (!numbers || !futures)
        return EXIT_FAILURE;
    for (int i = 0; i < N; i++)
        numbers[i] = rask_i64(i + 1);

    rask_client client = rask_client_open(NULL);
    rask_map(client, square, numbers, N, NULL, futures); /* a task for each, in one call */

    size_t n = N;
    while (n > 1) { /* layer by layer, without waiting for any of them */
        size_t n_sums = 0;
        for (size_t i = 0; i + 1 < n; i += 2)
            futures[n_sums++] =
                rask_submit(client, add, RASK_ARGS(rask_take(futures[i]), rask_take(futures[i + 1])));
        if (n % 2)
            futures[n_sums++] = futures[n - 1]; /* the odd one moves up as it is */
        n = n_sums;
    }

    int64_t sum;
    rask_status status = rask_result_i64(futures[0], &sum);
    if (status == RASK_OK)
        printf("1^2 + 2^2 + ... + %d^2 = %" PRId64 "\n", N, sum);
    else
        fprintf(stderr, "%s\n", rask_last_error());

    rask_release(futures[0]); /* the only one left */
    rask_client_close(client);
    free(numbers);
    free(futures);
    return status == RASK_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
