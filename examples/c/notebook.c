/* Dask's futures notebook, from end to end: chains, many tasks, a tree of sums, work that grows while it
 * runs, tasks that fail now and then, and a gather that skips what failed. */
#include <rask.h>

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static rask_client client;

static void inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }
static void twice(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) * 2); }
static void add(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + rask_arg_i64(t, 1)); }

/* x = client.submit(inc, 1); y = client.submit(double, x); z = client.submit(add, x, y); z.result() */
static void chain_dependencies(void) {
    rask_future x = rask_submit(client, inc, RASK_ARGS(1));
    rask_future y = rask_submit(client, twice, RASK_ARGS(x)); /* x need not be done for that */
    rask_future z = rask_submit(client, add, RASK_ARGS(x, y));
    int64_t sum = 0;
    rask_result_i64(z, &sum); /* waits */
    printf("inc(1) + 2 * inc(1) = %" PRId64 "\n", sum);
    rask_release_all(RASK_FUTURES(x, y, z));
}

enum { MANY = 256 };

/* zs = client.map(inc, range(256)), summed pair by pair. No layer waits for the one below. */
static void many_tasks_and_a_tree(void) {
    rask_arg numbers[MANY];
    rask_future layer[MANY];
    for (int i = 0; i < MANY; i++)
        numbers[i] = rask_i64(i);
    rask_map(client, inc, numbers, MANY, NULL, layer);
    for (size_t n = MANY; n > 1; n /= 2)
        for (size_t i = 0; i < n;
             i += 2) /* an addition takes its inputs' handles, so none are left to release */
            layer[i / 2] = rask_submit(client, add, RASK_ARGS(rask_take(layer[i]), rask_take(layer[i + 1])));
    int64_t total = 0;
    rask_result_i64(layer[0], &total);
    printf("1 + 2 + ... + %d = %" PRId64 "\n", MANY, total);
    rask_release(layer[0]);
}

/* The area under sqrt from a to b by Simpson's rule, as {a, b, area, whether that is good enough}. */
typedef struct slice {
    double a, b, area;
    bool is_good;
} slice;

static double simpson(double a, double b) {
    return (b - a) / 6 * (sqrt(a) + 4 * sqrt((a + b) / 2) + sqrt(b));
}

static void integrate(rask_task *t) {
    slice s = {.a = rask_arg_f64(t, 0), .b = rask_arg_f64(t, 1)};
    double middle = (s.a + s.b) / 2;
    s.area = simpson(s.a, middle) + simpson(middle, s.b);
    s.is_good = fabs(s.area - simpson(s.a, s.b)) < 1e-9;
    rask_return_bytes(t, &s, sizeof s);
}

/* for future in as_completed(futures): what turns out to be too coarse is cut in two, and goes back in. */
static void grow_while_it_runs(void) {
    rask_future first = rask_submit(client, integrate, RASK_ARGS(0.0, 1.0)), done;
    rask_as_completed iteration = rask_as_completed_open(&first, 1);
    double area = 0;
    int n_slices = 0;
    while (rask_as_completed_next(iteration, RASK_FOREVER, &done) == RASK_OK) { /* then RASK_END */
        const void *data;
        size_t size;
        if (rask_result_bytes(done, &data, &size) == RASK_OK) {
            const slice *s = data; /* in place, until done is released */
            if (s->is_good) {
                area += s->area;
                n_slices++;
            } else {
                double middle = (s->a + s->b) / 2;
                rask_future halves[] = {rask_submit(client, integrate, RASK_ARGS(s->a, middle)),
                                        rask_submit(client, integrate, RASK_ARGS(middle, s->b))};
                rask_as_completed_add(iteration, halves, 2);
            }
        }
        rask_release(done);
    }
    rask_as_completed_close(iteration);
    printf("the area under sqrt from 0 to 1 is %.6f, by %d slices\n", area, n_slices);
}

/* A server that is down for the first attempts, and one that stays down. */
static void fetch(rask_task *t) {
    int64_t page = rask_arg_i64(t, 0);
    if (page == 7)
        rask_fail(t, 404, "there is no page 7");
    else if (rask_task_attempt(t) <= page % 3)
        rask_fail(t, 503, "try again");
    else
        rask_return_i64(t, page * page);
}

enum { PAGES = 10 };

/* futures = client.map(fetch, range(10), retries=2); client.gather(futures, errors="skip") */
static void flaky_tasks_and_a_gather_that_skips(void) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.retries = 2;
    options.retry_delay_ns = 1000 * 1000;
    rask_arg pages[PAGES];
    rask_future futures[PAGES];
    for (int i = 0; i < PAGES; i++)
        pages[i] = rask_i64(i);
    rask_map(client, fetch, pages, PAGES, &options, futures);

    const rask_value *values[PAGES];
    rask_status statuses[PAGES]; /* one for each; with NULL in their place the first error would end it */
    rask_gather(futures, PAGES, RASK_FOREVER, values, statuses);
    int n_fetched = 0;
    int64_t sum = 0;
    for (int i = 0; i < PAGES; i++) {
        int64_t value;
        if (statuses[i] == RASK_OK && rask_value_i64(values[i], &value) == RASK_OK) {
            n_fetched++;
            sum += value;
            continue;
        }
        rask_error error = RASK_ERROR_INIT;
        rask_future_error(futures[i], &error);
        printf("page %d: %s, after %u attempts\n", i, error.message, (unsigned)error.attempts);
    }
    printf("%d of %d pages, adding up to %" PRId64 "\n", n_fetched, PAGES, sum);
    rask_release_all(futures, PAGES);
}

int main(void) {
    client = rask_client_open(NULL); /* a worker per core */
    if (client.id == 0) {
        fprintf(stderr, "%s\n", rask_last_error());
        return EXIT_FAILURE;
    }
    chain_dependencies();
    many_tasks_and_a_tree();
    grow_while_it_runs();
    flaky_tasks_and_a_gather_that_skips();
    rask_client_close(client);
    return rask_live_handles() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
