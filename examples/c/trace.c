/* Looking inside: a small pipeline whose trace is written to the file given as argument ("trace.json" if none
 * is). Open it at https://ui.perfetto.dev: a track per worker, a span per task, an arrow along each
 * dependency. */
#include <rask.h>

#include <inttypes.h>
#include <stdio.h>

enum { STEPS = 4, PARTS = 8 };

/* Work that takes a while, so that there is something to see. */
static void load(rask_task *t) {
    volatile double x = 1;
    for (int i = 0; i < 300000; i++)
        x = x * 1.000001 + (double)rask_arg_i64(t, 0);
    rask_return_i64(t, rask_arg_i64(t, 0));
}

static void transform(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) * rask_arg_i64(t, 0)); }

static void sum(rask_task *t) {
    int64_t total = 0;
    for (size_t i = 0; i < rask_arg_count(t); i++)
        total += rask_arg_i64(t, i);
    rask_return_i64(t, total);
}

/* Names are for keys, traces and progress: the linker does not tell us those of static functions. */
static rask_future named(rask_client client, const char *name, rask_task_fn fn, const rask_arg *args,
                         size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.name = name;
    return rask_submit_with(client, fn, args, n, &options);
}

int main(int argc, char **argv) {
    rask_client client = rask_client_open(NULL);
    if (rask_trace_start(client, argc > 1 ? argv[1] : "trace.json") != RASK_OK) {
        fprintf(stderr, "%s\n", rask_last_error());
        rask_client_close(client);
        return 1;
    }
    rask_future step[STEPS];
    for (int64_t s = 0; s < STEPS; s++) {
        rask_arg squares[PARTS + 1] = {s > 0 ? rask_of(step[s - 1]) : rask_i64(0)};
        for (int64_t p = 0; p < PARTS; p++) {
            rask_future part = named(client, "load", load, RASK_ARGS(s * PARTS + p));
            squares[p + 1] = rask_take(named(client, "transform", transform, RASK_ARGS(rask_take(part))));
        }
        step[s] = named(client, "sum", sum, squares, PARTS + 1);
    }
    rask_progress_start(step, STEPS, "steps"); /* draws on stderr while we go on */
    int64_t total = 0;
    rask_status status = rask_result_i64(step[STEPS - 1], &total);
    printf("%" PRId64 "\n", total);
    rask_release_all(step, STEPS);
    if (rask_client_close(client) != RASK_OK) { /* writes the trace, too */
        fprintf(stderr, "%s\n", rask_last_error());
        return 1;
    }
    return status != RASK_OK;
}
