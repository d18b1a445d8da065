/* Values of every kind: made from a seed, and read into a digest that the model can foretell. */
#ifndef RASK_TESTS_RANDOM_VALUES_H
#define RASK_TESTS_RANDOM_VALUES_H

#include "model.h"

#include <stdint.h>

static inline uint64_t mixed(uint64_t a, uint64_t b) {
    uint64_t x = (a + 0x9E3779B97F4A7C15ULL) * 0xD1342543DE82EF95ULL ^ b;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ x >> 27) * 0x94D049BB133111EBULL;
    return x ^ x >> 31;
}

/* ---- digests ---- */

static inline uint64_t digest_of_scalar(rask_kind kind, uint64_t bits) {
    return mixed((uint64_t)kind + 1, bits);
}
static inline uint64_t digest_of_f64(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return digest_of_scalar(RASK_F64, bits);
}
static inline uint64_t digest_of_pointer(const void *at) {
    return digest_of_scalar(RASK_POINTER, (uint64_t)(uintptr_t)at);
}
static uint64_t digest_of_bytes(const void *data, size_t size) {
    const unsigned char *bytes = data;
    uint64_t hash = size;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001B3ULL;
    return digest_of_scalar(RASK_BYTES, hash);
}
#define DIGEST_OF_NONE digest_of_scalar(RASK_NONE, 0)

/* ---- bytes ---- */

static inline size_t size_from(uint64_t seed) { return seed % 64 == 0 ? seed % 20000 : seed % 200; }

/* No NUL among them: they may be passed as text. */
static void fill(void *data, size_t size, uint64_t seed) {
    unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 6364136223846793005ULL + 1;
        bytes[i] = (unsigned char)(1 + (seed >> 33) % 255);
    }
}

/* ---- objects ---- */

static atomic_llong n_made, n_destroyed; /* objects, and bytes that were moved in */

enum { BOX_ALIVE = 0x0b0c5a11, BOX_DEAD = 0x0dead0b0 };
typedef struct box {
    uint32_t alive;
    uint64_t seed; /* its digest is made of it */
} box;

static void *box_new(uint64_t seed) {
    box *b = malloc(sizeof *b);
    CHECK(b != NULL);
    *b = (box){BOX_ALIVE, seed};
    atomic_fetch_add(&n_made, 1);
    return b;
}
static void box_destroy(void *object) {
    box *b = object;
    EXPECT(NULL, NULL, b->alive == BOX_ALIVE, "an object is destroyed that is none, or was destroyed before");
    b->alive = BOX_DEAD;
    atomic_fetch_add(&n_destroyed, 1);
    free(b);
}
static size_t box_nbytes(const void *object) { return 100 + ((const box *)object)->seed % 3000; }
static rask_status box_encode(const void *object, rask_bytes_out *out) {
    const box *b = object;
    char padding[1024] = {0};
    EXPECT(NULL, NULL, b->alive == BOX_ALIVE, "an object is encoded that is none");
    rask_status status = rask_bytes_write(out, &b->seed, sizeof b->seed);
    return status ? status : rask_bytes_write(out, padding, b->seed % sizeof padding);
}
static void *box_decode(const void *data, size_t size) {
    uint64_t seed;
    if (size < sizeof seed)
        return NULL;
    memcpy(&seed, data, sizeof seed);
    EXPECT(NULL, NULL, size == sizeof seed + seed % 1024, "decode is given other bytes than were written");
    return box_new(seed);
}
static const rask_type box_type = {sizeof(rask_type), "box", box_destroy, box_nbytes, NULL, NULL};
static const rask_type crate_type = {sizeof(rask_type), "crate",    box_destroy,
                                     box_nbytes,        box_encode, box_decode};

static inline const rask_type *box_type_from(uint64_t seed) { return seed & 1 ? &box_type : &crate_type; }
static inline uint64_t digest_of_box(uint64_t seed) { return digest_of_scalar(RASK_OBJECT, seed); }

/* A handle in an object: whatever becomes of the task, the handle is released once. */
typedef struct carrier {
    uint32_t alive;
    rask_future future;
} carrier;
static void carrier_destroy(void *object) {
    carrier *c = object;
    EXPECT(NULL, NULL, c->alive == BOX_ALIVE, "a carrier is destroyed that is none, or was destroyed before");
    c->alive = BOX_DEAD;
    EXPECT_STATUS(NULL, NULL, rask_release(c->future), RASK_OK);
    atomic_fetch_add(&n_destroyed, 1);
    free(c);
}
static const rask_type carrier_type = {sizeof(rask_type), "carrier", carrier_destroy, NULL, NULL, NULL};
static void *carrier_new(rask_future future) {
    carrier *c = malloc(sizeof *c);
    CHECK(c != NULL);
    *c = (carrier){BOX_ALIVE, future};
    atomic_fetch_add(&n_made, 1);
    return c;
}

static void owned_destroy(void *data) {
    atomic_fetch_add(&n_destroyed, 1);
    free(data);
}

/* ---- values that tasks make ---- */

static const rask_kind made_kinds[] = {RASK_I64, RASK_I64, RASK_F64, RASK_BYTES, RASK_POINTER, RASK_OBJECT};
enum { N_MADE_KINDS = sizeof made_kinds / sizeof *made_kinds };

static inline double f64_from(uint64_t seed) { return (double)(int64_t)(seed >> 12) / 1024; }

static uint64_t digest_of_made(rask_kind kind, uint64_t seed) {
    switch (kind) {
    case RASK_I64:
        return digest_of_scalar(RASK_I64, seed);
    case RASK_F64:
        return digest_of_f64(f64_from(seed));
    case RASK_BYTES: {
        char bytes[20000];
        size_t size = size_from(seed);
        fill(bytes, size, seed);
        return digest_of_bytes(bytes, size);
    }
    case RASK_POINTER:
        return digest_of_pointer((const void *)(uintptr_t)seed);
    case RASK_OBJECT:
        return digest_of_box(seed);
    default:
        return DIGEST_OF_NONE;
    }
}

static void return_made(rask_task *t, rask_kind kind, uint64_t seed) {
    switch (kind) {
    case RASK_I64:
        rask_return_i64(t, (int64_t)seed);
        break;
    case RASK_F64:
        rask_return_f64(t, f64_from(seed));
        break;
    case RASK_BYTES: {
        char bytes[20001];
        size_t size = size_from(seed);
        fill(bytes, size, seed);
        bytes[size] = 0;
        if (seed >> 32 & 1)
            rask_return_bytes(t, bytes, size);
        else if (seed >> 33 & 1)
            rask_return_str(t, bytes);
        else {
            void *buffer = rask_return_buffer(t, size);
            if (size)
                memcpy(buffer, bytes, size);
        }
        break;
    }
    case RASK_POINTER:
        rask_return_pointer(t, (void *)(uintptr_t)seed);
        break;
    case RASK_OBJECT:
        rask_return_object(t, box_new(seed), box_type_from(seed));
        break;
    default:
        break;
    }
}

/* ---- reading ---- */

static uint64_t digest_of_object(const rask_value *value) {
    void *object = NULL;
    if (rask_value_object(value, &box_type, &object) != RASK_OK &&
        rask_value_object(value, &crate_type, &object) != RASK_OK) {
        /* A carrier: what it carries is the model's own matter. */
        EXPECT(NULL, NULL, rask_value_object(value, &carrier_type, &object) == RASK_OK,
               "an object of no type of ours");
        EXPECT(NULL, NULL, ((carrier *)object)->alive == BOX_ALIVE, "a carrier that is none");
        return digest_of_box(0);
    }
    const box *b = object;
    EXPECT(NULL, NULL, b->alive == BOX_ALIVE, "an object that is none, or was destroyed");
    return digest_of_box(b->seed);
}

static uint64_t digest_of(const rask_value *value) {
    switch (rask_value_kind(value)) {
    case RASK_NONE:
        return DIGEST_OF_NONE;
    case RASK_I64: {
        int64_t number = 0;
        EXPECT_STATUS(NULL, NULL, rask_value_i64(value, &number), RASK_OK);
        return digest_of_scalar(RASK_I64, (uint64_t)number);
    }
    case RASK_F64: {
        double number = 0;
        EXPECT_STATUS(NULL, NULL, rask_value_f64(value, &number), RASK_OK);
        return digest_of_f64(number);
    }
    case RASK_BYTES: {
        const void *data = NULL;
        size_t size = 0;
        EXPECT_STATUS(NULL, NULL, rask_value_bytes(value, &data, &size), RASK_OK);
        EXPECT(NULL, NULL, rask_value_nbytes(value) == size, "%zu bytes count as %zu", size,
               rask_value_nbytes(value));
        return digest_of_bytes(data, size);
    }
    case RASK_POINTER: {
        void *at = NULL;
        EXPECT_STATUS(NULL, NULL, rask_value_pointer(value, &at), RASK_OK);
        return digest_of_pointer(at);
    }
    case RASK_OBJECT:
        return digest_of_object(value);
    case RASK_LIST: {
        size_t n = rask_value_count(value);
        uint64_t digest = mixed(RASK_LIST + 1, n);
        for (size_t i = 0; i < n; i++)
            digest = mixed(digest, digest_of(rask_value_at(value, i)));
        EXPECT(NULL, NULL, rask_value_at(value, n) == NULL, "a list has more items than it counts");
        return digest;
    }
    default:
        VIOLATION(NULL, NULL, "a value of kind %d", (int)rask_value_kind(value));
    }
}

/* An argument of a task, read by the function for its kind. */
static uint64_t digest_of_arg(rask_task *t, size_t index) {
    const rask_value *value = rask_arg_value(t, index);
    switch (rask_value_kind(value)) {
    case RASK_I64:
        return digest_of_scalar(RASK_I64, (uint64_t)rask_arg_i64(t, index));
    case RASK_F64:
        return digest_of_f64(rask_arg_f64(t, index));
    case RASK_BYTES: {
        size_t size = 0;
        const void *data = rask_arg_bytes(t, index, &size);
        const char *text = rask_arg_str(t, index);
        EXPECT(NULL, NULL, text != NULL && memcmp(text, data, size) == 0 && text[size] == 0,
               "bytes and text of an argument differ");
        return digest_of_bytes(data, size);
    }
    case RASK_POINTER:
        return digest_of_pointer(rask_arg_pointer(t, index));
    default:
        return digest_of(value);
    }
}

#endif
