/* What is written to stderr or to a file, as a text to look at. */
#ifndef RASK_TESTS_CAPTURE_H
#define RASK_TESTS_CAPTURE_H

#include "check.h"

static inline char *read_all(FILE *file) {
    CHECK_EQ(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    CHECK(size >= 0);
    char *text = calloc(1, (size_t)size + 1);
    CHECK(text != NULL);
    rewind(file);
    CHECK_EQ(fread(text, 1, (size_t)size, file), size);
    return text;
}

static inline char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        FAIL_AT(__FILE__, __LINE__, "no file %s", path);
    char *text = read_all(file);
    fclose(file);
    return text;
}

/* From now on what is written to stderr goes into a file: what a failing check says, too. */
static FILE *captured;
static int uncaptured = -1;

static inline void capture_stderr(void) {
    fflush(stderr);
    captured = tmpfile();
    CHECK(captured != NULL);
    uncaptured = dup(2);
    CHECK(uncaptured >= 0);
    CHECK_EQ(dup2(fileno(captured), 2), 2);
}

/* Whether this was written so far. Does not move the place where stderr is written. */
static inline bool is_captured(const char *part) {
    static char text[1 << 16];
    ssize_t size = pread(fileno(captured), text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = 0;
    return strstr(text, part) != NULL;
}

/* Until here; the caller frees the text. */
static inline char *release_stderr(void) {
    fflush(stderr);
    CHECK_EQ(dup2(uncaptured, 2), 2);
    close(uncaptured);
    char *text = read_all(captured);
    fclose(captured);
    return text;
}

/* How often the part occurs. */
static inline size_t count_of(const char *text, const char *part) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        n++;
    return n;
}

/* A file of this process's own, in the directory for temporary files. */
static inline const char *temporary(const char *name) {
    static char paths[8][512];
    static size_t next;
    char *path = paths[next++ % 8];
    const char *directory = getenv("TMPDIR");
    snprintf(path, sizeof paths[0], "%s/rask-%ld-%s", directory ? directory : "/tmp", (long)getpid(), name);
    return path;
}

#endif
