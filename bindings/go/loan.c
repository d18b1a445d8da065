#include "loan.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What was given back. There is room for all that are out, since there may be no memory when they come. */
static uint64_t *given_back;
static size_t n_given_back, n_out, room;

static void give_back(void *data) {
    pthread_mutex_lock(&lock);
    given_back[n_given_back++] = (uint64_t)(uintptr_t)data;
    n_out--;
    pthread_mutex_unlock(&lock);
}

static bool make_room(size_t n) {
    if (n <= room)
        return true;
    size_t more = n < 64 ? 64 : 2 * n;
    uint64_t *grown = realloc(given_back, more * sizeof *grown);
    if (grown == NULL)
        return false;
    given_back = grown;
    room = more;
    return true;
}

bool rask_go_borrow(uint64_t address, size_t size, rask_arg *out) {
    pthread_mutex_lock(&lock);
    bool has_room = make_room(n_given_back + n_out + 1);
    n_out += has_room;
    pthread_mutex_unlock(&lock);
    if (has_room)
        *out = rask_bytes_owned((void *)(uintptr_t)address, size, give_back);
    return has_room;
}

size_t rask_go_given_back(uint64_t *addresses, size_t capacity) {
    pthread_mutex_lock(&lock);
    size_t n = n_given_back < capacity ? n_given_back : capacity;
    n_given_back -= n;
    if (n > 0)
        memcpy(addresses, given_back + n_given_back, n * sizeof *addresses);
    pthread_mutex_unlock(&lock);
    return n;
}
