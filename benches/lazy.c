/* What computing a built graph again costs, beside submitting the same graph eagerly: both end to end, from
 * the first call to the last release, by turns in one run.
 *
 *   bench_lazy [--quick] [--reps N]            a table of medians
 *   bench_lazy SHAPE WORKERS SIZE eager|lazy TIMES   runs that, for instruction counts and profilers
 *
 * The lazy column has no share of building the graph, which is shown apart. */
#include "checked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static rask_client client;

static void inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }
static void add(rask_task *t) {
    rask_return_i64(t, (int64_t)((uint64_t)rask_arg_i64(t, 0) + (uint64_t)rask_arg_i64(t, 1)));
}
static void sum(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    int64_t total = 0;
    for (size_t i = 0; i < rask_value_count(list); i++) {
        int64_t item;
        if (rask_value_i64(rask_value_at(list, i), &item) == RASK_OK)
            total += item;
    }
    rask_return_i64(t, total);
}

/* A graph is an array of nodes, each taking up to two earlier ones, or all of the first n. */
typedef struct node {
    rask_task_fn fn;
    int n;            /* inputs; -1: a list of all before */
    size_t inputs[2]; /* without any: a number */
} node;

typedef struct graph {
    size_t n;
    node *nodes;
    size_t n_outputs; /* the last so many nodes */
} graph;

static graph chain(size_t n) {
    graph g = {n, array_of(n, sizeof(node)), 1};
    for (size_t i = 0; i < n; i++)
        g.nodes[i] = (node){inc, i > 0, {i - (i > 0), 0}};
    return g;
}

static graph tree(size_t leaves) {
    graph g = {2 * leaves - 1, array_of(2 * leaves - 1, sizeof(node)), 1};
    for (size_t i = 0; i < leaves; i++)
        g.nodes[i] = (node){inc, 0, {i, 0}};
    for (size_t i = leaves; i < g.n; i++)
        g.nodes[i] = (node){add, 2, {2 * (i - leaves), 2 * (i - leaves) + 1}};
    return g;
}

static graph wavefront(size_t side) {
    graph g = {side * side, array_of(side * side, sizeof(node)), 1};
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            size_t i = y * side + x;
            if (x > 0 && y > 0)
                g.nodes[i] = (node){add, 2, {i - 1, i - side}};
            else if (x > 0 || y > 0)
                g.nodes[i] = (node){inc, 1, {x > 0 ? i - 1 : i - side, 0}};
            else
                g.nodes[i] = (node){inc, 0, {0, 0}};
        }
    return g;
}

static graph bottom(size_t side) {
    graph g = wavefront(side);
    g.n_outputs = side;
    return g;
}

static graph independent(size_t n) {
    graph g = {n, array_of(n, sizeof(node)), n};
    for (size_t i = 0; i < n; i++)
        g.nodes[i] = (node){inc, 0, {i, 0}};
    return g;
}

static graph summed(size_t n) {
    graph g = independent(n + 1);
    g.nodes[n] = (node){sum, -1, {0, 0}};
    g.n_outputs = 1;
    return g;
}

static const struct shape {
    const char *name, *what;
    graph (*make)(size_t);
    size_t size, quick_size;
} shapes[] = {
    {"chain", "each takes the one before", chain, 1000000, 100000},
    {"tree", "2^18 leaves, every inner task adds two", tree, 1 << 18, 1 << 15},
    {"wavefront", "512 x 512, each takes its upper and left neighbour", wavefront, 512, 160},
    {"bottom", "the same, its last row outputs of rask_compute_all", bottom, 512, 160},
    {"independent", "each an output of rask_compute_all", independent, 1000000, 100000},
    {"summed", "all taken by one sum", summed, 1000000, 100000},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Three figures of a run: the time of the wall, the processor time of all threads, and that of the caller
 * until all was submitted. On a machine that is shared the first one is worthless soonest. */
enum { WALL, ALL, CALL, FIGURES };
typedef struct reading {
    double ns[FIGURES];
} reading;

static double clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double submitted_at; /* by the caller's processor time */
static void all_is_submitted(void) { submitted_at = clock_ns(CLOCK_THREAD_CPUTIME_ID); }

static reading begin_reading(void) {
    return (reading){{[WALL] = clock_ns(CLOCK_MONOTONIC),
                      [ALL] = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
                      [CALL] = clock_ns(CLOCK_THREAD_CPUTIME_ID)}};
}
static reading end_reading(reading begin) {
    return (reading){{[WALL] = clock_ns(CLOCK_MONOTONIC) - begin.ns[WALL],
                      [ALL] = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin.ns[ALL],
                      [CALL] = submitted_at - begin.ns[CALL]}};
}

static int64_t read_all(const rask_future *futures, size_t n) {
    must(rask_wait(futures, n, RASK_ALL_COMPLETED, RASK_FOREVER, NULL));
    int64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t one;
        must(rask_result_i64(futures[i], &one));
        total += one;
    }
    return total;
}

static int64_t run_eager(const graph *g) {
    rask_future *f = array_of(g->n, sizeof *f);
    for (size_t i = 0; i < g->n; i++) {
        const node *p = &g->nodes[i];
        if (p->n == 2)
            f[i] = rask_submit(client, p->fn, RASK_ARGS(f[p->inputs[0]], f[p->inputs[1]]));
        else if (p->n == 1)
            f[i] = rask_submit(client, p->fn, RASK_ARGS(f[p->inputs[0]]));
        else if (p->n == 0)
            f[i] = rask_submit(client, p->fn, RASK_ARGS((int64_t)p->inputs[0]));
        else
            f[i] = rask_submit(client, p->fn, RASK_ARGS(rask_list_of(f, i)));
    }
    all_is_submitted();
    int64_t answer = read_all(f + g->n - g->n_outputs, g->n_outputs);
    must(rask_release_all(f, g->n));
    free(f);
    return answer;
}

/* The delayeds of the outputs, in an array that is the caller's; the others are released. */
static rask_delayed *build(const graph *g) {
    rask_delayed *d = array_of(g->n, sizeof *d);
    for (size_t i = 0; i < g->n; i++) {
        const node *p = &g->nodes[i];
        if (p->n == 2)
            d[i] = rask_delayed_call(p->fn, RASK_ARGS(d[p->inputs[0]], d[p->inputs[1]]), NULL);
        else if (p->n == 1)
            d[i] = rask_delayed_call(p->fn, RASK_ARGS(d[p->inputs[0]]), NULL);
        else if (p->n == 0)
            d[i] = rask_delayed_call(p->fn, RASK_ARGS((int64_t)p->inputs[0]), NULL);
        else {
            rask_arg *items = array_of(i, sizeof *items);
            for (size_t k = 0; k < i; k++)
                items[k] = rask_lazy(d[k]);
            d[i] = rask_delayed_call(p->fn, RASK_ARGS(rask_list(items, i)), NULL);
            free(items);
        }
    }
    size_t n_others = g->n - g->n_outputs;
    for (size_t i = 0; i < n_others; i++)
        must(rask_delayed_release(d[i]));
    memmove(d, d + n_others, g->n_outputs * sizeof *d);
    return d;
}

static int64_t run_lazy(const graph *g, const rask_delayed *d) {
    size_t n = g->n_outputs;
    rask_future *f = array_of(n, sizeof *f);
    must(rask_compute_all(client, d, n, f));
    all_is_submitted();
    int64_t answer = read_all(f, n);
    must(rask_release_all(f, n));
    free(f);
    return answer;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double median(const reading *all, size_t n, int figure) {
    double *sorted = array_of(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = all[i].ns[figure];
    qsort(sorted, n, sizeof *sorted, by_size);
    double middle = sorted[n / 2];
    free(sorted);
    return middle;
}

static void open_workers(unsigned workers) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = workers;
    client = rask_client_open(&options);
    if (!client.id) {
        fprintf(stderr, "rask: %s\n", rask_last_error());
        exit(1);
    }
}

static void release_built(const graph *g, rask_delayed *d) {
    for (size_t i = 0; i < g->n_outputs; i++)
        must(rask_delayed_release(d[i]));
    free(d);
    free(g->nodes);
}

static int measure(const struct shape *shape, unsigned workers, size_t size, size_t reps) {
    graph g = shape->make(size);
    open_workers(workers);
    reading begin = begin_reading();
    rask_delayed *d = build(&g);
    all_is_submitted();
    double built = end_reading(begin).ns[CALL];
    begin = begin_reading();
    int64_t answer = run_lazy(&g, d);
    double first = end_reading(begin).ns[WALL];
    reading *eager = array_of(reps, sizeof *eager), *lazy = array_of(reps, sizeof *lazy);
    int failed = run_eager(&g) != answer; /* both are warm now */
    for (size_t i = 0; i < reps; i++) {
        begin = begin_reading();
        failed |= run_eager(&g) != answer;
        eager[i] = end_reading(begin);
        begin = begin_reading();
        failed |= run_lazy(&g, d) != answer;
        lazy[i] = end_reading(begin);
    }
    double n = (double)g.n;
    printf("%-12s %7u", shape->name, workers);
    for (int i = 0; i < FIGURES; i++) {
        double e = median(eager, reps, i) / n, l = median(lazy, reps, i) / n;
        printf("  %7.1f %7.1f %5.2f", e, l, e / l);
    }
    printf("  %7.1f %7.1f%s\n", built / n, first / n, failed ? "  wrong answer" : "");
    free(eager);
    free(lazy);
    release_built(&g, d);
    must(rask_client_close(client));
    return failed;
}

static int run_once(const struct shape *shape, unsigned workers, size_t size, bool is_lazy, size_t times) {
    graph g = shape->make(size);
    open_workers(workers);
    rask_delayed *d = build(&g);
    for (size_t i = 0; i < times; i++)
        printf("%" PRId64 "\n", is_lazy ? run_lazy(&g, d) : run_eager(&g));
    release_built(&g, d);
    must(rask_client_close(client));
    return 0;
}

static const struct shape *shape_called(const char *name) {
    for (size_t i = 0; i < SHAPES; i++)
        if (strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    fprintf(stderr, "no such shape: %s\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc == 6)
        return run_once(shape_called(argv[1]), (unsigned)strtoul(argv[2], NULL, 10),
                        strtoul(argv[3], NULL, 10), strcmp(argv[4], "lazy") == 0, strtoul(argv[5], NULL, 10));
    bool quick = false;
    size_t reps = 9;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            quick = true;
        else if (strcmp(argv[i], "--reps") == 0 && i + 1 < argc)
            reps = strtoul(argv[++i], NULL, 10);
        else {
            fprintf(stderr, "usage: bench_lazy [--quick] [--reps N]\n");
            return 2;
        }
    }
    if (reps == 0)
        reps = 1;
    printf("nanoseconds per task: eager, computed again, and how many times cheaper that is\n");
    printf("%-12s %7s  %-21s  %-21s  %-21s  %7s %7s\n", "", "workers", "wall", "all processors",
           "the calls alone", "to build", "first");
    int failed = 0;
    for (unsigned workers = 1; workers <= 2; workers++)
        for (size_t i = 0; i < SHAPES; i++)
            failed |= measure(&shapes[i], workers, quick ? shapes[i].quick_size : shapes[i].size, reps);
    return failed;
}
