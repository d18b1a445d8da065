/* Counts the identifiers in every file of a directory tree: read, transform, write, on real files.
 *
 *     word_count [--strict] [--check] [--out DIR] [--workers N] [DIR]
 *
 *     read ── count ─┐
 *     read ── count ─┼─ settle ─┐
 *     read ── count ─┘          ├─ merge ─┬─ write      a result for each folder
 *               ...    settle ──┘         └─ merge ─ write      and one for all of them
 *
 * All of it is submitted without waiting for any of it; each task starts when its inputs are there. A file
 * that cannot be read or is not text fails its own tasks and nobody else's: the others go on, and the failed
 * ones are named at the end (with --strict they make the exit status 1). --check counts everything once more,
 * without Rask, and compares. */
#define _XOPEN_SOURCE 700
#include <rask.h>

#include "word_count/check.h"
#include "word_count/tasks.h"
#include "word_count/tree.h"
#include "word_count/word_table.h"

#include <time.h>

enum {
    MERGE_AT_ONCE = 8, /* tables that one merge takes */
    EXIT_USAGE = 2,
    EXIT_LEAK = 70,
};

/* ---- the graph ---- */

struct work {
    rask_future *counts; /* one for each file; null again once it is settled, so that those in error remain */
    rask_future *writes; /* one for each folder that has files, and the total's */
    size_t n_writes;
    rask_future total; /* the table of all files */
};

/* A task with a name, which its key then begins with: "count-17". */
static rask_future submit(rask_client client, const char *name, rask_task_fn fn, const rask_arg *args,
                          size_t n) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.name = name;
    return rask_submit_with(client, fn, args, n, &options);
}

/* One table of n, by a tree of merges that can run in parallel. Takes the futures; the array is scratch. */
static rask_future merge_tree(rask_client client, rask_future *tables, size_t n) {
    while (n > 1) {
        size_t n_left = 0;
        for (size_t i = 0; i < n; i += MERGE_AT_ONCE) {
            rask_arg inputs[MERGE_AT_ONCE];
            size_t k = 0;
            for (; k < MERGE_AT_ONCE && i + k < n; k++)
                inputs[k] = rask_take(tables[i + k]);
            tables[n_left++] = k == 1 ? tables[i] : submit(client, "merge", merge, inputs, k);
        }
        n = n_left;
    }
    return n ? tables[0] : submit(client, "merge", merge, RASK_NO_ARGS);
}

static rask_future submit_write(rask_client client, rask_future table, char *path) {
    rask_future write = submit(client, "write", write_table, RASK_ARGS(table, path)); /* the path is copied */
    free(path);
    return write;
}

/* What a task takes (rask_take) is nobody else's: a file's bytes go when they are counted, a table when it is
 * merged. What is only passed (the folder's table to its write) stays ours to use again. */
static struct work submit_all(rask_client client, const struct tree *tree, const char *out) {
    struct work work = {
        .counts = must(calloc(tree->n_files + 1, sizeof(rask_future))),
        .writes = must(calloc(tree->n_folders + 1, sizeof(rask_future))),
    };
    rask_future *folder_tables = must(calloc(tree->n_folders, sizeof(rask_future)));
    rask_future *parts = must(calloc(tree->n_files / SETTLE_AT_ONCE + 1, sizeof(rask_future)));
    for (size_t i = 0; i < tree->n_folders; i++) {
        const struct folder *folder = &tree->folders[i];
        if (folder->n == 0)
            continue;
        size_t n_parts = 0, end = folder->first + folder->n;
        for (size_t k = folder->first; k < end;) {
            rask_future *part = &work.counts[k];
            int64_t n = 0;
            for (; n < SETTLE_AT_ONCE && k < end; n++, k++) {
                rask_future text = submit(client, "read", read_file, RASK_ARGS(tree->files[k].path));
                work.counts[k] = submit(client, "count", count_words, RASK_ARGS(rask_take(text)));
            }
            parts[n_parts++] = submit(client, "settle", settle, RASK_ARGS(rask_pointer(part), n));
        }
        rask_future table = merge_tree(client, parts, n_parts);
        folder_tables[work.n_writes] = table;
        work.writes[work.n_writes++] = submit_write(client, table, result_path(out, tree, i));
    }
    work.total = merge_tree(client, folder_tables, work.n_writes);
    work.writes[work.n_writes++] = submit_write(client, work.total, join(out, "total.txt"));
    free(folder_tables);
    free(parts);
    return work;
}

/* ---- the report ---- */

static bool print_error(const char *path, rask_future future) {
    rask_error error = RASK_ERROR_INIT;
    if (rask_future_error(future, &error) == RASK_OK && error.status == RASK_OK)
        return false;
    print_failure(path, error.message ? error.message : rask_last_error());
    return true;
}

/* Names what had to be left out, then sums up the rest. Returns how many files and folders failed. */
static size_t report(const struct tree *tree, const struct work *work, bool *left_out) {
    size_t n_failed = 0, n_files = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < tree->n_folders; i++) {
        if (tree->folders[i].error == 0)
            continue;
        print_failure(tree->folders[i].path, strerror(tree->folders[i].error));
        n_failed++;
    }
    for (size_t i = 0; i < tree->n_files; i++) {
        left_out[i] = work->counts[i].id != 0 && print_error(tree->files[i].path, work->counts[i]);
        n_failed += left_out[i];
        n_files += !left_out[i];
        bytes += left_out[i] ? 0 : tree->files[i].size;
    }
    print_escaped(stdout, tree->folders[0].path);
    printf(": %zu files, %" PRIu64 " bytes, ", n_files, bytes);
    return n_failed;
}

/* Compares the total with a count made without Rask. */
static bool check(const struct tree *tree, const struct work *work, const bool *left_out) {
    const rask_value *value;
    void *total;
    bool same = rask_result(work->total, RASK_FOREVER, &value) == RASK_OK &&
                rask_value_object(value, &word_table_type, &total) == RASK_OK &&
                same_as_plain_count(total, tree, left_out);
    printf("check: %s as counted plainly\n", same ? "the same" : "NOT the same");
    return same;
}

/* ---- the program ---- */

struct options {
    const char *directory, *out;
    bool strict, check;
    uint32_t n_workers; /* 0: one per processor */
};

static bool parse(int argc, char **argv, struct options *options) {
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--strict") == 0) {
            options->strict = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            options->check = true;
        } else if (strcmp(argv[i], "--out") == 0 && value) {
            options->out = argv[++i];
        } else if (strcmp(argv[i], "--workers") == 0 && value && is_digit(value[0])) {
            char *end;
            unsigned long n = strtoul(argv[++i], &end, 10);
            if (*end || n > UINT32_MAX)
                return false;
            options->n_workers = (uint32_t)n;
        } else if (argv[i][0] != '-' && !options->directory) {
            options->directory = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int run(const struct options *options, const struct tree *tree, const char *out) {
    rask_client_options client_options = RASK_CLIENT_OPTIONS_INIT;
    client_options.n_workers = options->n_workers;
    rask_client client = rask_client_open(&client_options);
    if (client.id == 0) {
        fprintf(stderr, "word_count: %s\n", rask_last_error());
        return EXIT_FAILURE;
    }

    double start = now();
    struct work work = submit_all(client, tree, out);
    rask_progress(work.writes, work.n_writes,
                  "word_count");            /* blocks until all are written, or have failed */
    rask_client_wait(client, RASK_FOREVER); /* a merge that failed did not wait for its other inputs: we do */
    double seconds = now() - start;
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    rask_client_get_stats(client, &stats);

    bool good = true;
    bool *left_out = must(calloc(tree->n_files + 1, sizeof *left_out));
    for (size_t i = 0; i < work.n_writes; i++)
        good &= !print_error(out, work.writes[i]);
    if (report(tree, &work, left_out) && options->strict)
        good = false;
    printf("%" PRIu64 " tasks, %.2f s\nresults in ", stats.n_executed, seconds);
    print_escaped(stdout, out);
    putchar('\n');
    if (options->check)
        good &= check(tree, &work, left_out);

    free(left_out);
    rask_release_all(work.counts, tree->n_files); /* skips what is null by now */
    rask_release_all(work.writes, work.n_writes);
    rask_release(work.total);
    free(work.counts);
    free(work.writes);
    rask_client_close(client);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    struct options options = {0};
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: %s [--strict] [--check] [--out DIR] [--workers N] [DIR]\n", argv[0]);
        return EXIT_USAGE;
    }
    int status = EXIT_USAGE;
    struct tree tree = options.directory ? tree_scan(options.directory) : scan_default();
    if (tree.folders[0].error) {
        print_failure(tree.folders[0].path, strerror(tree.folders[0].error));
    } else {
        char *out = make_out(options.out);
        status = out ? run(&options, &tree, out) : EXIT_FAILURE;
        free(out);
    }
    tree_free(&tree);
    if (rask_live_handles() == 0)
        return status;
    fprintf(stderr, "word_count: %" PRIu64 " handles were not released\n", rask_live_handles());
    return EXIT_LEAK;
}
