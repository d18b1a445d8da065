#include "shapes.h"

#include <stdlib.h>

static size_t one_each(size_t size) { return size; }
static size_t tree_tasks(size_t leaves) { return 2 * leaves - 1; }
static size_t wavefront_tasks(size_t side) { return side * side; }
static size_t fan_tasks(size_t rounds) { return rounds * (FAN_WIDTH + 2); }

static int64_t fib(size_t n) { return n < 2 ? (int64_t)n : fib(n - 1) + fib(n - 2); }
static size_t fib_tasks(size_t n) { return (size_t)(2 * fib(n + 1) - 1); }

/* Task i answers i + 1. */
static int64_t sum_of_increments(size_t size) { return (int64_t)(size * (size + 1) / 2); }
static int64_t length_of_chain(size_t size) { return (int64_t)size; }

/* The number of ways from corner to corner, modulo 2^64: wrong as soon as one cell is. */
static int64_t wavefront_paths(size_t side) {
    uint64_t *row = calloc(side, sizeof *row);
    if (!row)
        abort();
    row[0] = 1;
    for (size_t y = 0; y < side; y++)
        for (size_t x = 1; x < side; x++)
            row[x] += row[x - 1];
    uint64_t paths = row[side - 1];
    free(row);
    return (int64_t)paths;
}

/* In round r the first task answers r + 1, task i of the many adds i, the last one sums. */
static int64_t fan_sum(size_t rounds) {
    int64_t sum = 0;
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < FAN_WIDTH; i++)
            sum += (int64_t)(round + 1 + i);
    return sum;
}

const shape shapes[SHAPE_COUNT] = {
    [INDEPENDENT] = {"independent", "submitted by one outside thread, waited for, summed", 1000000, 100000,
                     one_each, sum_of_increments, 45, 100},
    [CHAIN] = {"chain", "each task takes the one before", 1000000, 100000, one_each, length_of_chain, 60,
               100},
    [TREE] = {"tree", "2^18 leaves, every inner task adds two futures", 1 << 18, 1 << 15, tree_tasks,
              sum_of_increments, 80, 120},
    [FORK_JOIN] = {"fork-join", "fib(27), spawned and waited for inside tasks", 27, 22, fib_tasks, fib, 50,
                   50},
    [WAVEFRONT] = {"wavefront", "512 x 512, each task takes its upper and left neighbour", 512, 160,
                   wavefront_tasks, wavefront_paths, 90, 130},
    [FAN] = {"fan", "1 to 10,000 to 1, twenty times", 20, 4, fan_tasks, fan_sum, 80, 100},
};
