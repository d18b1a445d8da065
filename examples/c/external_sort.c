/* Sorts more numbers than its client may hold in memory.
 *
 *     generate ── sort ─┬─ slice ──┐
 *     generate ── sort ─┼─ slice ──┼─ merge ─ check ─┐
 *                       ├─ slice ──┤                 ├─ sorted?
 *     ...               └─ slice ──┴─ merge ─ check ─┘
 *
 * Each chunk is sorted and cut into slices, one for each range of numbers; the slices of a range are merged.
 * There is nothing here about files: what has no room waits on disk, least recently used first, until the
 * task that needs it runs. */
#include <rask.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNKS = 64,
    RANGES = 32,
    NUMBERS = 64 * 1024, /* in a chunk */
    CHUNK_BYTES = NUMBERS * (int)sizeof(uint64_t),
    WORKERS = 2,
};
static const uint64_t DATA_BYTES = (uint64_t)CHUNKS * CHUNK_BYTES; /* 32 MiB */
static const uint64_t LIMIT_BYTES = 4 << 20;

/* What a run of numbers looks like from outside. */
typedef struct summary {
    uint64_t count, sum, first, last;
    bool is_sorted;
} summary;

static rask_client client;
static atomic_uint_least64_t most_held; /* bytes in memory */

static void look_at_memory(void) {
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    if (rask_client_get_stats(client, &stats) != RASK_OK)
        return;
    uint64_t most = atomic_load(&most_held);
    while (stats.nbytes > most && !atomic_compare_exchange_weak(&most_held, &most, stats.nbytes)) {
    }
}

/* ---- tasks ---- */

static uint64_t scramble(uint64_t x) { /* splitmix64 */
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* (chunk): its numbers. */
static void generate(rask_task *t) {
    uint64_t chunk = (uint64_t)rask_arg_i64(t, 0);
    uint64_t *numbers = rask_return_buffer(t, CHUNK_BYTES);
    for (uint64_t i = 0; numbers && i < NUMBERS; i++)
        numbers[i] = scramble(chunk * NUMBERS + i);
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* (numbers): the same, sorted. */
static void sort(rask_task *t) {
    size_t size;
    const void *numbers = rask_arg_bytes(t, 0, &size);
    uint64_t *sorted = numbers ? rask_return_buffer(t, size) : NULL;
    if (sorted) {
        memcpy(sorted, numbers, size);
        qsort(sorted, size / sizeof *sorted, sizeof *sorted, compare);
    }
    look_at_memory();
}

/* The first of n sorted numbers that is not below a bound. */
static size_t lower_bound(const uint64_t *numbers, size_t n, uint64_t bound) {
    size_t low = 0;
    while (n > low) {
        size_t middle = low + (n - low) / 2;
        if (numbers[middle] < bound)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

/* (sorted numbers, range): those in the range. */
static void slice(rask_task *t) {
    size_t size;
    const uint64_t *numbers = rask_arg_bytes(t, 0, &size);
    uint64_t range = (uint64_t)rask_arg_i64(t, 1), width = UINT64_MAX / RANGES + 1;
    if (!numbers)
        return;
    size_t n = size / sizeof *numbers;
    size_t begin = lower_bound(numbers, n, range * width);
    size_t end = range + 1 < RANGES ? lower_bound(numbers, n, (range + 1) * width) : n;
    rask_return_bytes(t, numbers + begin, (end - begin) * sizeof *numbers);
}

/* (list of sorted slices): one sorted run. */
static void merge(rask_task *t) {
    const rask_value *slices = rask_arg_value(t, 0);
    const uint64_t *next[CHUNKS], *end[CHUNKS];
    size_t n = rask_value_count(slices), total = 0;
    for (size_t i = 0; i < n; i++) {
        const void *data;
        size_t size;
        if (rask_value_bytes(rask_value_at(slices, i), &data, &size) != RASK_OK) {
            rask_fail(t, 1, rask_last_error());
            return;
        }
        next[i] = data;
        end[i] = next[i] + size / sizeof(uint64_t);
        total += size;
    }
    uint64_t *merged = rask_return_buffer(t, total);
    for (size_t k = 0; merged && k < total / sizeof *merged; k++) {
        size_t least = n;
        for (size_t i = 0; i < n; i++)
            if (next[i] < end[i] && (least == n || *next[i] < *next[least]))
                least = i;
        merged[k] = *next[least]++;
    }
    look_at_memory();
}

/* (run): its summary. */
static void check(rask_task *t) {
    size_t size;
    const uint64_t *numbers = rask_arg_bytes(t, 0, &size);
    size_t n = size / sizeof *numbers;
    summary s = {.count = n, .is_sorted = true};
    for (size_t i = 0; i < n; i++) {
        s.sum += numbers[i];
        s.is_sorted = s.is_sorted && (i == 0 || numbers[i - 1] <= numbers[i]);
    }
    if (n) {
        s.first = numbers[0];
        s.last = numbers[n - 1];
    }
    rask_return_bytes(t, &s, sizeof s);
}

/* ---- the graph ---- */

int main(void) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = WORKERS;
    options.memory_limit = LIMIT_BYTES;
    client = rask_client_open(&options);
    if (client.id == 0) {
        fprintf(stderr, "%s\n", rask_last_error());
        return 1;
    }

    static rask_future slices[RANGES][CHUNKS], runs[RANGES];
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        rask_future numbers = rask_submit(client, generate, RASK_ARGS(chunk));
        rask_future sorted = rask_submit(client, sort, RASK_ARGS(rask_take(numbers)));
        for (int range = 0; range < RANGES; range++)
            slices[range][chunk] = rask_submit(client, slice, RASK_ARGS(sorted, range));
        rask_release(sorted);
    }
    for (int range = 0; range < RANGES; range++) {
        rask_arg list = rask_list_of(slices[range], CHUNKS);
        runs[range] = rask_submit(client, merge, &list, 1);
        rask_release_all(slices[range], CHUNKS);
    }
    /* All runs are kept, as the result of a sort is: most of it on disk. */
    rask_future checks[RANGES];
    for (int range = 0; range < RANGES; range++)
        checks[range] = rask_submit(client, check, RASK_ARGS(runs[range]));

    summary all = {.is_sorted = true};
    for (int range = 0; range < RANGES; range++) {
        const void *data;
        size_t size;
        if (rask_result_bytes(checks[range], &data, &size) != RASK_OK) {
            fprintf(stderr, "%s\n", rask_last_error());
            return 1;
        }
        summary run;
        memcpy(&run, data, sizeof run);
        all.is_sorted = all.is_sorted && run.is_sorted && (all.count == 0 || all.last <= run.first);
        all.count += run.count;
        all.sum += run.sum;
        all.last = run.last;
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)CHUNKS * NUMBERS; i++)
        sum += scramble(i);

    printf("%llu MiB of numbers, %llu MiB of memory\n", (unsigned long long)(DATA_BYTES >> 20),
           (unsigned long long)(LIMIT_BYTES >> 20));
    printf("numbers: %llu\n", (unsigned long long)all.count);
    printf("sorted: %s\n", all.is_sorted ? "yes" : "no");
    printf("none lost, none changed: %s\n", all.sum == sum ? "yes" : "no");
    /* Tasks that run hold their inputs and results, whatever the limit. */
    uint64_t in_use = WORKERS * 4 * (uint64_t)CHUNK_BYTES;
    printf("in memory at most the limit and what runs: %s\n",
           atomic_load(&most_held) <= LIMIT_BYTES + in_use ? "yes" : "no");

    rask_release_all(checks, RANGES);
    rask_release_all(runs, RANGES);
    rask_client_close(client);
    return rask_live_handles() != 0;
}
