/* The tasks of word_count. Above each: what it takes, and what it makes of it. */
#ifndef TASKS_H
#define TASKS_H

#include "word_table.h"

#include <errno.h>
#include <sys/stat.h>

enum {
    SETTLE_AT_ONCE = 16, /* files that one settle waits for */
    LARGEST_FILE = 1 << 30,
};

/* Fails the task for the reason in errno, which becomes its code. */
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
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000}; /* code points with that many bytes more */
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
    bool good = !ferror(file);
    good &= fclose(file) == 0;
    if (!good)
        fail_errno(task, failure);
    free(lines);
    rask_return_i64(task, (int64_t)table->n_words);
}

#endif
