/* The task graphs that every contestant runs: what they are called, how large they are, what they must
 * answer. */
#ifndef RASK_BENCH_SHAPES_H
#define RASK_BENCH_SHAPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { INDEPENDENT, CHAIN, TREE, FORK_JOIN, WAVEFRONT, FAN, SHAPE_COUNT };

/* A fan goes from one task to FAN_WIDTH tasks and back to one. */
#define FAN_WIDTH 10000

typedef struct shape {
    const char *name;
    const char *what;
    size_t size;                          /* tasks, leaves, n of fib(n), length of a side, or rounds */
    size_t quick_size;                    /* for a first impression */
    size_t (*tasks)(size_t size);         /* how many tasks that makes */
    int64_t (*expected)(size_t size);     /* the answer, computed without any task */
    double goal_1_worker, goal_2_workers; /* nanoseconds per task that Rask aims at first */
} shape;

extern const shape shapes[SHAPE_COUNT];

#ifdef __cplusplus
}
#endif
#endif
