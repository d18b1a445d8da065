/* What a contestant implements; contestant.c holds its main function, the clock and the check of the answer.
 *
 * A run_ function is what is timed: it submits every task, waits, reads the results and releases everything.
 * Each task has a result of its own, which can still be read when all have run. */
#ifndef RASK_BENCH_CONTESTANT_H
#define RASK_BENCH_CONTESTANT_H

#include "shapes.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const char contestant_name[];
const char *contestant_describe(void); /* version, and how its workers are counted */

void contestant_start(unsigned workers); /* not timed */
void contestant_stop(void);

int64_t run_independent(size_t tasks);
int64_t run_chain(size_t tasks);
int64_t run_tree(size_t leaves); /* a power of two */
int64_t run_fork_join(size_t n);
int64_t run_wavefront(size_t side);
int64_t run_fan(size_t rounds);

/* Allocates an array, or ends the process. */
void *array_of(size_t count, size_t size);

#ifdef __cplusplus
}
#endif
#endif
