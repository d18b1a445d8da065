/* A table of words and how often each occurs, and the rask_type that makes it a value of a future.
 *
 * The words stand in the order of their arrival; an index with open addressing finds them by their hash;
 * their letters stand one after another in a single text. A table is so four allocations however many words
 * it holds, quick to destroy. (Merging goes by order of arrival, not by order of the index: whoever fills one
 * hash table in another's order piles the words up in one place.) */
#ifndef WORD_TABLE_H
#define WORD_TABLE_H

#include <rask.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    uint64_t count;
    size_t at, length; /* where in the table's text it stands */
};

struct word_table {
    struct word *words;
    size_t n_words, capacity;
    uint32_t *index; /* twice the capacity, a power of two; 0 is free, else 1 + the word's number */
    char *text;
    size_t text_size, text_capacity;
};

static struct word_table *word_table_new(void) { return calloc(1, sizeof(struct word_table)); }

static void word_table_destroy(void *object) {
    struct word_table *table = object;
    if (!table)
        return;
    free(table->words);
    free(table->index);
    free(table->text);
    free(table);
}

/* The word's place in the index: its own, or the free one where it belongs. */
static uint32_t *word_table_place(const struct word_table *table, const char *text, size_t length) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    for (size_t i = hash;; i++) {
        uint32_t *place = &table->index[i & (2 * table->capacity - 1)];
        if (*place == 0)
            return place;
        const struct word *word = &table->words[*place - 1];
        if (word->length == length && memcmp(table->text + word->at, text, length) == 0)
            return place;
    }
}

static uint64_t word_table_count(const struct word_table *table, const char *text, size_t length) {
    uint32_t place = table->n_words ? *word_table_place(table, text, length) : 0;
    return place ? table->words[place - 1].count : 0;
}

static bool word_table_grow(struct word_table *table) {
    size_t capacity = table->capacity ? 2 * table->capacity : 64;
    struct word *words = realloc(table->words, capacity * sizeof *words);
    if (words)
        table->words = words;
    uint32_t *index = calloc(2 * capacity, sizeof *index);
    if (!words || !index) {
        free(index);
        return false;
    }
    free(table->index);
    table->index = index;
    table->capacity = capacity;
    for (size_t i = 0; i < table->n_words; i++)
        *word_table_place(table, table->text + words[i].at, words[i].length) = (uint32_t)(i + 1);
    return true;
}

/* Counts the word `count` more times. False when there is no memory. */
static bool word_table_add(struct word_table *table, const char *text, size_t length, uint64_t count) {
    if (table->n_words == table->capacity && !word_table_grow(table))
        return false;
    uint32_t *place = word_table_place(table, text, length);
    if (*place) {
        table->words[*place - 1].count += count;
        return true;
    }
    if (length > table->text_capacity - table->text_size) {
        size_t capacity = 2 * table->text_capacity + length + 256;
        char *larger = realloc(table->text, capacity);
        if (!larger)
            return false;
        table->text = larger;
        table->text_capacity = capacity;
    }
    memcpy(table->text + table->text_size, text, length);
    table->words[table->n_words++] = (struct word){count, table->text_size, length};
    table->text_size += length;
    *place = (uint32_t)table->n_words;
    return true;
}

/* Adds all that `from` holds. */
static bool word_table_merge(struct word_table *table, const struct word_table *from) {
    for (const struct word *word = from->words; word < from->words + from->n_words; word++)
        if (!word_table_add(table, from->text + word->at, word->length, word->count))
            return false;
    return true;
}

/* How a future's value is handled: destroyed and weighed, and turned into bytes and back ("count word\n"
 * each), which is what it takes to leave this process's memory. */
static size_t word_table_nbytes(const void *object) {
    const struct word_table *table = object;
    return sizeof *table + table->capacity * (sizeof *table->words + 2 * sizeof *table->index) +
           table->text_capacity;
}

static rask_status word_table_encode(const void *object, rask_bytes_out *out) {
    const struct word_table *table = object;
    rask_status status = RASK_OK;
    for (size_t i = 0; i < table->n_words && status == RASK_OK; i++) {
        const struct word *word = &table->words[i];
        char number[24];
        int digits = snprintf(number, sizeof number, "%" PRIu64 " ", word->count);
        status = rask_bytes_write(out, number, (size_t)digits);
        if (status == RASK_OK)
            status = rask_bytes_write(out, table->text + word->at, word->length);
        if (status == RASK_OK)
            status = rask_bytes_write(out, "\n", 1);
    }
    return status;
}

static void *word_table_decode(const void *data, size_t size) {
    struct word_table *table = word_table_new();
    const char *at = data, *end = at + size;
    while (table && at < end) {
        uint64_t count = 0;
        while (at < end && *at >= '0' && *at <= '9')
            count = count * 10 + (uint64_t)(*at++ - '0');
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        bool good = count && newline && *at == ' ' &&
                    word_table_add(table, at + 1, (size_t)(newline - at - 1), count);
        if (!good) { /* cut off or not ours */
            word_table_destroy(table);
            return NULL;
        }
        at = newline + 1;
    }
    return table;
}

static const rask_type word_table_type = {
    .struct_size = sizeof(rask_type),
    .name = "word_table",
    .destroy = word_table_destroy,
    .nbytes = word_table_nbytes,
    .encode = word_table_encode,
    .decode = word_table_decode,
};

#endif
