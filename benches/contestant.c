/* The main function of every contestant.
 *
 *   bench_NAME                        says who it is, then answers "SHAPE WORKERS SIZE" lines with
 * nanoseconds bench_NAME SHAPE WORKERS SIZE     runs that once, for instruction counts and profilers
 *
 * Each contestant is a process of its own, so that one that crashes or hangs does not take the others along
 * and no allocator sees another's garbage; it lives through all repetitions, so that what is measured is
 * warm. */
#include "contestant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t (*const run[SHAPE_COUNT])(size_t) = {
    [INDEPENDENT] = run_independent, [CHAIN] = run_chain,         [TREE] = run_tree,
    [FORK_JOIN] = run_fork_join,     [WAVEFRONT] = run_wavefront, [FAN] = run_fan,
};

static unsigned workers_now;

void *array_of(size_t count, size_t size) {
    void *array = malloc(count * size);
    if (!array) {
        fprintf(stderr, "%s: out of memory\n", contestant_name);
        exit(1);
    }
    return array;
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void use_workers(unsigned workers) {
    if (workers == workers_now)
        return;
    if (workers_now)
        contestant_stop();
    if (workers)
        contestant_start(workers);
    workers_now = workers;
}

/* Prints the nanoseconds it took, or why there are none. */
static int measure(const char *name, unsigned workers, size_t size) {
    int which = 0;
    while (which < SHAPE_COUNT && strcmp(shapes[which].name, name) != 0)
        which++;
    if (which == SHAPE_COUNT || workers == 0 || size == 0) {
        printf("no such measurement\n");
        return 1;
    }
    use_workers(workers);
    int64_t begin = now_ns();
    int64_t answer = run[which](size);
    int64_t elapsed = now_ns() - begin;
    int64_t expected = shapes[which].expected(size);
    if (answer != expected) {
        printf("wrong answer: %" PRId64 ", not %" PRId64 "\n", answer, expected);
        return 1;
    }
    printf("%" PRId64 "\n", elapsed);
    return 0;
}

int main(int argc, char **argv) {
    int failed = 0;
    if (argc == 4) {
        failed = measure(argv[1], (unsigned)strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    } else {
        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("%s\t%s\n", contestant_name, contestant_describe());
        char name[32];
        unsigned workers;
        size_t size;
        while (scanf("%31s %u %zu", name, &workers, &size) == 3)
            failed |= measure(name, workers, size);
    }
    use_workers(0);
    return failed;
}
