/* Counts the identifiers in every file of a directory tree: read, transform, write, on real files.
 *
 *     word_count [--strict] [--check] [--out DIR] [--workers N] [DIR]
 *
 *     read ── count ─┐
 *     read ── count ─┼─ settle ─┐
 *     read ── count ─┘          ├─ merge ─┬─ write      a result for each folder
 *               ...    settle ──┘         └─ merge ─ write      and one for all of them
 *
 * All of it is submitted at once, before the first file has been read; from then on each task starts when its
 * inputs are there. A file that cannot be read or is not text fails its own tasks and nobody else's: the
 * others go on, and the failed ones are named at the end. With --strict they make the exit status 1. --check
 * counts everything once more without Rask and compares. */
#define _XOPEN_SOURCE 700
#include <rask.h>

#include "word_count/check.h"
#include "word_count/tree.h"
#include "word_count/word_table.h"

#include <time.h>
#include <unistd.h>

enum {
    SETTLE_AT_ONCE = 16, /* files that one settle waits for */
    MERGE_AT_ONCE = 8,   /* tables that one merge takes */
    LARGEST_FILE = 1 << 30,
    EXIT_USAGE = 2,
    EXIT_LEAK = 70,
};

/* ---- the tasks ---- */

static void fail_errno(rask_task *task, const char *what) {
    int code = errno;
    char why[96] = "", message[400];
    strerror_r(code, why, sizeof why);
    snprintf(message, sizeof message, "%s: %s", what, why);
    rask_fail(task, code, message); /* the message is copied */
}

/* (path) -> the file's bytes */
static void read_file(rask_task *task) {
    FILE *file = fopen(rask_arg_str(task, 0), "rb");
    if (!file) {
        fail_errno(task, "cannot open");
        return;
    }
    struct stat info;
    if (fstat(fileno(file), &info) != 0) {
        fail_errno(task, "cannot stat");
    } else if (info.st_size > LARGEST_FILE) {
        rask_fail(task, EFBIG, "larger than 1 GiB");
    } else {
        size_t size = (size_t)info.st_size;
        char *buffer = rask_return_buffer(task, size); /* filled in place: the bytes are never copied */
        if (buffer && fread(buffer, 1, size, file) != size) {
            if (ferror(file))
                fail_errno(task, "cannot read");
            else
                rask_fail(task, EIO, "became shorter while it was read");
        }
    }
    fclose(file);
}

/* The offset of the first byte that is not UTF-8; `size` if all is well. */
static size_t utf8_check(const unsigned char *text, size_t size) {
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000}; /* what needs that many bytes more */
    for (size_t i = 0, more; i < size; i += 1 + more) {
        unsigned char lead = text[i];
        more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : size;
        if (more >= size - i)
            return i;
        uint32_t code = more ? lead & (0x3fu >> more) : lead;
        for (size_t k = 1; k <= more; k++) {
            if (text[i + k] >> 6 != 2)
                return i;
            code = code << 6 | (text[i + k] & 0x3f);
        }
        if (code < least[more] || code > 0x10ffff || code >> 11 == 0x1b)
            return i; /* 0x1b: surrogates */
    }
    return size;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Ends a task that made a table, or ran out of memory on the way. The table is the library's from here on: it
 * destroys it when nobody needs it any more, which is at once if the task has failed. */
static void return_table(rask_task *task, struct word_table *table, bool good) {
    if (!good)
        rask_fail(task, ENOMEM, "out of memory");
    rask_return_object(task, table, &word_table_type);
}

/* (text) -> a table of its identifiers */
static void count_words(rask_task *task) {
    size_t size;
    const char *text = rask_arg_bytes(task, 0, &size);
    size_t valid = utf8_check((const unsigned char *)text, size);
    if (valid < size) {
        char message[64];
        snprintf(message, sizeof message, "not UTF-8 at byte %zu", valid);
        rask_fail(task, EILSEQ, message);
        return;
    }
    struct word_table *table = word_table_new();
    bool good = table != NULL;
    for (size_t i = 0; i < size && good;) {
        size_t start = i;
        while (i < size && (is_letter(text[i]) || is_digit(text[i])))
            i++;
        if (i == start)
            i++;
        else if (is_letter(text[start])) /* else it is a number */
            good = word_table_add(table, text + start, i - start, 1);
    }
    return_table(task, table, good);
}

/* (counts, how many) -> the merged table of those that did not fail
 *
 * A failed input fails the task that takes it, and then whatever takes that one. Here the chain is cut: this
 * task takes no futures as inputs but waits for them (the worker is not idle meanwhile), and leaves out those
 * in error. It releases what it has merged, so that a file's table does not outlive this step; the others are
 * left for the report. */
static void settle(rask_task *task) {
    rask_future *counts = rask_arg_pointer(task, 0);
    size_t n = (size_t)rask_arg_i64(task, 1);
    const rask_value *values[SETTLE_AT_ONCE];
    rask_status statuses[SETTLE_AT_ONCE];
    if (rask_gather(counts, n, RASK_FOREVER, values, statuses) != RASK_OK) {
        rask_fail(task, rask_last_status(), rask_last_error());
        return;
    }
    struct word_table *sum = word_table_new();
    bool good = sum != NULL;
    for (size_t i = 0; i < n && good; i++) {
        void *table;
        if (statuses[i] != RASK_OK || rask_value_object(values[i], &word_table_type, &table) != RASK_OK)
            continue;
        good = word_table_merge(sum, table);
        rask_release(counts[i]);
        counts[i] = (rask_future){0};
    }
    return_table(task, sum, good);
}

/* (table, ...) -> their sum. Values are immutable, they may have other readers: the sum is a table of its
 * own. */
static void merge(rask_task *task) {
    struct word_table *sum = word_table_new();
    bool good = sum != NULL;
    for (size_t i = 0; i < rask_arg_count(task) && good; i++) {
        const struct word_table *table = rask_arg_object(task, i, &word_table_type);
        good = table && word_table_merge(sum, table);
    }
    return_table(task, sum, good);
}

struct line {
    uint64_t count;
    const char *word;
    size_t length;
};

/* The most frequent first; equally frequent ones by alphabet. */
static int by_count(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    int order = memcmp(x->word, y->word, x->length < y->length ? x->length : y->length);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* (table, path) -> the number of lines written, "count<TAB>word" each */
static void write_table(rask_task *task) {
    const struct word_table *table = rask_arg_object(task, 0, &word_table_type);
    const char *path = rask_arg_str(task, 1);
    char failure[300];
    snprintf(failure, sizeof failure, "cannot write %s", strrchr(path, '/') + 1);
    struct line *lines = malloc((table->n_words + 1) * sizeof *lines);
    FILE *file = lines ? fopen(path, "w") : NULL;
    if (!file) {
        fail_errno(task, failure);
        free(lines);
        return;
    }
    for (size_t i = 0; i < table->n_words; i++) {
        const struct word *word = &table->words[i];
        lines[i] = (struct line){word->count, table->text + word->at, word->length};
    }
    qsort(lines, table->n_words, sizeof *lines, by_count);
    for (size_t i = 0; i < table->n_words; i++) {
        fprintf(file, "%" PRIu64 "\t", lines[i].count);
        fwrite(lines[i].word, 1, lines[i].length, file);
        putc('\n', file);
    }
    free(lines);
    bool good = !ferror(file);
    if ((fclose(file) != 0) | !good)
        fail_errno(task, failure);
    rask_return_i64(task, (int64_t)table->n_words);
}

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

/* One table of n, by a tree of merges, so that they run in parallel. Takes the futures; the array is scratch
 * space. */
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

static void print_failure(const char *path, const char *why) {
    fputs("failed: ", stderr);
    print_escaped(stderr, path);
    fprintf(stderr, ": %s\n", why);
}

static bool print_error(const char *path, rask_future future) {
    rask_error error = RASK_ERROR_INIT;
    if (rask_future_error(future, &error) == RASK_OK && error.status == RASK_OK)
        return false;
    print_failure(path, error.message ? error.message : rask_last_error());
    return true;
}

/* Names the files and folders that had to be left out; how many they are. */
static size_t report_failures(const struct tree *tree, const struct work *work, bool *left_out) {
    size_t n_failed = 0;
    for (size_t i = 0; i < tree->n_folders; i++) {
        if (tree->folders[i].error == 0)
            continue;
        print_failure(tree->folders[i].path, strerror(tree->folders[i].error));
        n_failed++;
    }
    for (size_t i = 0; i < tree->n_files; i++) {
        left_out[i] = work->counts[i].id != 0 && print_error(tree->files[i].path, work->counts[i]);
        n_failed += left_out[i];
    }
    return n_failed;
}

static void report_sum(const struct tree *tree, const bool *left_out, uint64_t n_tasks, double seconds) {
    size_t n_files = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < tree->n_files; i++) {
        n_files += !left_out[i];
        bytes += left_out[i] ? 0 : tree->files[i].size;
    }
    print_escaped(stdout, tree->folders[0].path);
    printf(": %zu files, %" PRIu64 " bytes, %" PRIu64 " tasks, %.2f s\n", n_files, bytes, n_tasks, seconds);
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

/* The first of the places where a machine with a compiler keeps text that has any. */
static struct tree scan_default(void) {
    static const char *const places[] = {"/usr/include", "/usr/lib/gcc", "/usr/local/include", "/etc"};
    struct tree tree = tree_scan(places[0]);
    for (size_t i = 1; i < sizeof places / sizeof *places && tree.n_files == 0; i++) {
        tree_free(&tree);
        tree = tree_scan(places[i]);
    }
    return tree;
}

/* Makes the directory for the results, or a fresh temporary one. NULL, and errno, if that cannot be. */
static char *make_out(const char *wanted) {
    const char *temporary = getenv("TMPDIR");
    char *out = wanted ? join(wanted, NULL) : join(temporary ? temporary : "/tmp", "word_count-XXXXXX");
    bool there = wanted ? mkdir(out, 0777) == 0 || errno == EEXIST : mkdtemp(out) != NULL;
    if (there && access(out, W_OK | X_OK) == 0)
        return out;
    print_failure(out, strerror(errno));
    free(out);
    return NULL;
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
    rask_progress(work.writes, work.n_writes, "word_count");
    rask_client_wait(client, RASK_FOREVER); /* had a write failed, other tasks could still be running */
    double seconds = now() - start;
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    rask_client_get_stats(client, &stats);

    bool *left_out = must(calloc(tree->n_files + 1, sizeof *left_out));
    bool good = true;
    for (size_t i = 0; i < work.n_writes; i++)
        good &= !print_error(out, work.writes[i]);
    if (report_failures(tree, &work, left_out) && options->strict)
        good = false;
    report_sum(tree, left_out, stats.n_executed, seconds);
    printf("results: ");
    print_escaped(stdout, out);
    putchar('\n');

    const rask_value *value;
    void *total;
    if (options->check && rask_result(work.total, RASK_FOREVER, &value) == RASK_OK &&
        rask_value_object(value, &word_table_type, &total) == RASK_OK) {
        bool same = same_as_plain_count(total, tree, left_out);
        printf("check: %s\n", same ? "the same as counted plainly" : "NOT the same as counted plainly");
        good &= same;
    }

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
