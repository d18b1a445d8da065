/* What the tests of memory limits share: a client with a limit and a spill directory of its own, blocks of
 * bytes that can be told apart, an object that can be encoded. */
#ifndef RASK_TESTS_LIMITED_H
#define RASK_TESTS_LIMITED_H

#include "check.h"

#include <dirent.h>
#include <sys/stat.h>

enum { KB = 1024, PATH = 400 };

/* ---- a client ---- */

static char spill_directory[64];

static inline rask_client open_limited(uint32_t n_workers, uint64_t limit, uint32_t flags) {
    strcpy(spill_directory, "/tmp/rask-test-XXXXXX");
    CHECK(mkdtemp(spill_directory) != NULL);
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = n_workers;
    options.memory_limit = limit;
    options.flags = flags;
    options.spill_directory = spill_directory;
    rask_client opened = rask_client_open(&options);
    if (opened.id == 0)
        FAIL_AT(__FILE__, __LINE__, "no client with a limit: %s", rask_last_error());
    return opened;
}

/* Closes the client of the test, which removes all that it has put into its directory. */
static inline void close_limited(void) {
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(rmdir(spill_directory), 0);
}

static inline uint64_t held_bytes(void) { return stats_of(client).nbytes; }

/* The path of the client's file of spilled values; false while there is none. */
static inline bool spill_file(char path[PATH]) {
    DIR *directory = opendir(spill_directory);
    CHECK(directory != NULL);
    bool found = false;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            CHECK(strncmp(entry->d_name, "rask-", 5) == 0);
            snprintf(path, PATH, "%s/%s/values", spill_directory, entry->d_name);
            found = access(path, F_OK) == 0;
        }
    }
    closedir(directory);
    return found;
}

static inline size_t spill_file_size(void) {
    char path[PATH];
    struct stat status;
    return spill_file(path) && stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

/* ---- blocks: bytes that say which they are, all through ---- */

static inline void fill_block(unsigned char *data, size_t size, int64_t which) {
    uint64_t state = (uint64_t)which * 2 + 1;
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(i % 64 ? (uint64_t)data[i - 1] + 7 : random_next(&state));
}
static inline bool is_block(const unsigned char *data, size_t size, int64_t which) {
    uint64_t state = (uint64_t)which * 2 + 1;
    for (size_t i = 0; i < size; i++)
        if (data[i] != (unsigned char)(i % 64 ? data[i - 1] + 7u : random_next(&state)))
            return false;
    return true;
}

static inline rask_future scatter_block(size_t size, int64_t which) {
    unsigned char *data = malloc(size);
    CHECK(data != NULL);
    fill_block(data, size, which);
    rask_future f = rask_scatter(client, rask_bytes(data, size));
    free(data);
    CHECK(f.id != 0);
    return f;
}

/* (size, which): a block. */
static inline void make_block(rask_task *t) {
    size_t size = (size_t)rask_arg_i64(t, 0);
    unsigned char *data = rask_return_buffer(t, size);
    if (data)
        fill_block(data, size, rask_arg_i64(t, 1));
}

/* (block, which): 1 if it is. */
static inline void check_block(rask_task *t) {
    size_t size = 0;
    const unsigned char *data = rask_arg_bytes(t, 0, &size);
    rask_return_i64(t, data && is_block(data, size, rask_arg_i64(t, 1)));
}

static inline void check_result_block_at(const char *file, int line, rask_future f, size_t want,
                                         int64_t which) {
    const void *data = NULL;
    size_t size = 0;
    check_status_at(file, line, "rask_result_bytes", rask_result_bytes(f, &data, &size), RASK_OK);
    check_eq_at(file, line, "the size", (long long)size, (long long)want);
    if (!is_block(data, size, which))
        FAIL_AT(file, line, "the block is not block %lld", (long long)which);
}
#define CHECK_BLOCK(f, size, which) check_result_block_at(__FILE__, __LINE__, (f), (size), (which))

/* ---- boxes: encodable objects that say how large they are, and count ---- */

typedef struct box {
    int64_t which;
    size_t size;
} box;

static atomic_int boxes_made, boxes_destroyed, boxes_encoded, boxes_decoded;
static int64_t encoded_last; /* which was encoded last */

static inline box *box_new(int64_t which, size_t size) {
    box *b = malloc(sizeof *b);
    CHECK(b != NULL);
    *b = (box){which, size};
    atomic_fetch_add(&boxes_made, 1);
    return b;
}
static inline void box_destroy(void *object) {
    atomic_fetch_add(&boxes_destroyed, 1);
    free(object);
}
static inline size_t box_nbytes(const void *object) { return ((const box *)object)->size; }
static inline rask_status box_encode(const void *object, rask_bytes_out *out) {
    atomic_fetch_add(&boxes_encoded, 1);
    encoded_last = ((const box *)object)->which;
    return rask_bytes_write(out, object, sizeof(box));
}
static inline void *box_decode(const void *data, size_t size) {
    atomic_fetch_add(&boxes_decoded, 1);
    if (size != sizeof(box))
        return NULL;
    const box *b = data;
    return box_new(b->which, b->size);
}
static const rask_type box_type = {sizeof(rask_type), "box", box_destroy, box_nbytes, box_encode, box_decode};
/* The same, but it does not leave the process. */
static const rask_type raw_box_type = {sizeof(rask_type), "raw box", box_destroy, box_nbytes, NULL, NULL};

static inline rask_future scatter_box(int64_t which, size_t size, const rask_type *type) {
    return rask_scatter(client, rask_object(box_new(which, size), type));
}

/* (box): which it is. */
static inline void which_box(rask_task *t) {
    const box *b = rask_arg_object(t, 0, &box_type);
    rask_return_i64(t, b ? b->which : -1);
}

static inline void boxes_balance(void) { CHECK_EQ(atomic_load(&boxes_made), atomic_load(&boxes_destroyed)); }

#endif
