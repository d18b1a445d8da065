/* The same total counted once more: one thread, line by line, textbook buckets, and nothing of Rask. It is
 * what
 * --check compares with, so it shares no counting code with what it checks. */
#ifndef CHECK_H
#define CHECK_H

#include "tree.h"
#include "word_table.h"

#include <sys/types.h>

enum { PLAIN_BUCKETS = 1 << 18 };

struct plain_word {
    struct plain_word *next;
    uint64_t count;
    char text[];
};

static struct plain_word *plain_word(struct plain_word **buckets, const char *text) {
    size_t hash = 0;
    for (const char *c = text; *c; c++)
        hash = hash * 31 + (unsigned char)*c;
    struct plain_word **at = &buckets[hash % PLAIN_BUCKETS];
    while (*at && strcmp((*at)->text, text) != 0)
        at = &(*at)->next;
    if (!*at) {
        *at = must(calloc(1, sizeof **at + strlen(text) + 1));
        strcpy((*at)->text, text);
    }
    return *at;
}

static void plain_count(struct plain_word **buckets, FILE *file) {
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
        for (char *at = line; at < line + size; at++) {
            const char *word = at;
            while (isalnum((unsigned char)*at) || *at == '_')
                at++; /* ends at the line's NUL at the latest */
            *at = '\0';
            if (*word && !isdigit((unsigned char)*word))
                plain_word(buckets, word)->count++;
        }
    }
    free(line);
}

/* Counts the files that are not left out, compares, and says what differs. */
static bool same_as_plain_count(const struct word_table *total, const struct tree *tree,
                                const bool *left_out) {
    struct plain_word **buckets = must(calloc(PLAIN_BUCKETS, sizeof *buckets));
    for (size_t i = 0; i < tree->n_files; i++) {
        FILE *file = left_out[i] ? NULL : fopen(tree->files[i].path, "rb");
        if (!file)
            continue;
        plain_count(buckets, file);
        fclose(file);
    }
    size_t n_words = 0, n_different = 0;
    for (size_t i = 0; i < PLAIN_BUCKETS; i++) {
        for (struct plain_word *word = buckets[i], *next; word; word = next) {
            uint64_t found = word_table_count(total, word->text, strlen(word->text));
            if (found != word->count && n_different++ < 10)
                fprintf(stderr, "check: %s: %" PRIu64 ", but counted plainly %" PRIu64 "\n", word->text,
                        found, word->count);
            n_words++;
            next = word->next;
            free(word);
        }
    }
    free(buckets);
    if (n_words != total->n_words)
        fprintf(stderr, "check: %zu words, but counted plainly %zu\n", total->n_words, n_words);
    return n_different == 0 && n_words == total->n_words;
}

#endif
