/* OpenMP tasks, ordered by depend(). The thread of the single region submits, the others run tasks meanwhile.
 * As soon as 64 tasks a thread are queued, libgomp runs a task where it is submitted: it never holds a
 * million of them. */
#include "contestant.h"

#include <stdlib.h>

const char contestant_name[] = "openmp";

static int threads;

const char *contestant_describe(void) {
    return "gcc " __VERSION__ "; num_threads, the submitting one among them";
}

void contestant_start(unsigned workers) { threads = (int)workers; }
void contestant_stop(void) {}

int64_t run_independent(size_t tasks) {
    int64_t *results = array_of(tasks, sizeof *results);
#pragma omp parallel num_threads(threads)
#pragma omp single
    for (size_t i = 0; i < tasks; i++) {
#pragma omp task firstprivate(i) shared(results)
        results[i] = (int64_t)i + 1;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < tasks; i++)
        sum += results[i];
    free(results);
    return sum;
}

int64_t run_chain(size_t tasks) {
    int64_t *results = array_of(tasks, sizeof *results);
#pragma omp parallel num_threads(threads)
#pragma omp single
    {
#pragma omp task depend(out : results[0]) shared(results)
        results[0] = 1;
        for (size_t i = 1; i < tasks; i++) {
#pragma omp task depend(in : results[i - 1]) depend(out : results[i]) firstprivate(i) shared(results)
            results[i] = results[i - 1] + 1;
        }
    }
    int64_t last = results[tasks - 1];
    free(results);
    return last;
}

int64_t run_tree(size_t leaves) {
    size_t tasks = 2 * leaves - 1;
    int64_t *results = array_of(tasks, sizeof *results);
#pragma omp parallel num_threads(threads)
#pragma omp single
    {
        for (size_t i = 0; i < leaves; i++) {
#pragma omp task depend(out : results[i]) firstprivate(i) shared(results)
            results[i] = (int64_t)i + 1;
        }
        for (size_t i = leaves; i < tasks; i++) {
            const int64_t *children = results + 2 * (i - leaves);
#pragma omp task depend(in                                                                                   \
                        : children[0], children[1]) depend(out                                               \
                                                           : results[i]) firstprivate(i, children)           \
    shared(results)
            results[i] = children[0] + children[1];
        }
    }
    int64_t sum = results[tasks - 1];
    free(results);
    return sum;
}

static int64_t fib(int64_t n) {
    if (n < 2)
        return n;
    int64_t x, y;
#pragma omp task shared(x)
    x = fib(n - 1);
#pragma omp task shared(y)
    y = fib(n - 2);
#pragma omp taskwait
    return x + y;
}

int64_t run_fork_join(size_t n) {
    int64_t value = 0;
#pragma omp parallel num_threads(threads)
#pragma omp single
#pragma omp task shared(value)
    value = fib((int64_t)n);
    return value;
}

int64_t run_wavefront(size_t side) {
    uint64_t *cells = array_of(side * side, sizeof *cells);
#pragma omp parallel num_threads(threads)
#pragma omp single
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            uint64_t *cell = cells + y * side + x;
            const uint64_t *left = cell - 1, *up = cell - side;
            if (x > 0 && y > 0) {
#pragma omp task depend(in : left[0], up[0]) depend(out : cell[0]) firstprivate(cell, left, up)
                *cell = *left + *up;
            } else if (x > 0) {
#pragma omp task depend(in : left[0]) depend(out : cell[0]) firstprivate(cell, left)
                *cell = *left;
            } else if (y > 0) {
#pragma omp task depend(in : up[0]) depend(out : cell[0]) firstprivate(cell, up)
                *cell = *up;
            } else {
#pragma omp task depend(out : cell[0]) firstprivate(cell)
                *cell = 1;
            }
        }
    int64_t paths = (int64_t)cells[side * side - 1];
    free(cells);
    return paths;
}

int64_t run_fan(size_t rounds) {
    int64_t *many = array_of(FAN_WIDTH, sizeof *many);
    int64_t total = 0;
#pragma omp parallel num_threads(threads)
#pragma omp single
    for (size_t round = 0; round < rounds; round++) {
        int64_t first, last;
#pragma omp task depend(out : first) firstprivate(round) shared(first)
        first = (int64_t)round + 1;
        for (size_t i = 0; i < FAN_WIDTH; i++) {
#pragma omp task depend(in : first) depend(out : many[i]) firstprivate(i) shared(first, many)
            many[i] = first + (int64_t)i;
        }
#pragma omp task depend(iterator(size_t i = 0                                                                \
                                 : FAN_WIDTH),                                                               \
                        in                                                                                   \
                        : many[i]) depend(out                                                                \
                                          : last) shared(many, last)
        {
            last = 0;
            for (size_t i = 0; i < FAN_WIDTH; i++)
                last += many[i];
        }
#pragma omp taskwait
        total += last;
    }
    free(many);
    return total;
}
