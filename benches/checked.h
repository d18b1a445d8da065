/* What benchmarks of their own, those without a driver, share: calls that end the program when they fail. */
#ifndef RASK_BENCHES_CHECKED_H
#define RASK_BENCHES_CHECKED_H

#include <rask.h>

#include <stdio.h>
#include <stdlib.h>

static inline void *array_of(size_t count, size_t size) {
    void *array = calloc(count, size);
    if (!array) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return array;
}

static inline void must(rask_status status) {
    if (status != RASK_OK) {
        fprintf(stderr, "rask: %s\n", rask_last_error());
        exit(1);
    }
}

#endif
