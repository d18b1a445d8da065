/* rask_as_completed_fd: readable while a future that is done waits to be delivered, for poll and epoll. */
#include "as_completed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>

/* Waits up to timeout_ms for the descriptor to be readable. */
static bool readable(int fd, int timeout_ms) {
    struct pollfd p = {fd, POLLIN, 0};
    int n = poll(&p, 1, timeout_ms);
    CHECK(n >= 0);
    CHECK_EQ(p.revents & ~POLLIN, 0);
    return n == 1;
}
#define FOR_LONG 120000

static rask_future next_now(rask_as_completed iter) {
    rask_future got;
    CHECK_OK(rask_as_completed_next(iter, 0, &got));
    return got;
}

static int open_descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    CHECK(dir != NULL);
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void readable_while_there_is_something(void) {
    gate *g[] = {gate_new(), gate_new()};
    rask_future f[] = {submit_held(client, g[0], 1), submit_held(client, g[1], 2)}, got;
    rask_as_completed iter = open_iter(f, 2);
    int fd = rask_as_completed_fd(iter);
    CHECK(fd >= 0);
    CHECK(!readable(fd, 0));
    gate_open(g[1]);
    CHECK(readable(fd, FOR_LONG));
    CHECK(readable(fd, 0)); /* and stays so */
    CHECK_EQ(next_now(iter).id, f[1].id);
    CHECK(!readable(fd, 0));
    CHECK_STATUS(rask_as_completed_next(iter, 0, &got), RASK_E_TIMEOUT);
    CHECK(!readable(fd, 0));
    gate_open(g[0]);
    CHECK_OK(rask_wait(f, 2, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK(readable(fd, FOR_LONG));
    CHECK_EQ(next_now(iter).id, f[0].id);
    CHECK(!readable(fd, 0));
    CHECK_STATUS(rask_as_completed_next(iter, 0, &got), RASK_END);
    CHECK(!readable(fd, 0)); /* the end is nothing to read */
    CHECK_OK(rask_as_completed_add(iter, f, 2));
    CHECK(readable(fd, 0));
    CHECK_EQ(next_now(iter).id, f[0].id);
    CHECK(readable(fd, 0)); /* one of two is left */
    CHECK_EQ(next_now(iter).id, f[1].id);
    CHECK(!readable(fd, 0));
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, 2));
}

static void made_when_asked_for(void) {
    rask_future x = rask_scatter(client, rask_i64(1));
    int before = open_descriptors();
    rask_as_completed iter = open_iter(RASK_FUTURES(x, x));
    CHECK_EQ(next_now(iter).id, x.id);
    CHECK_EQ(open_descriptors(), before);
    int fd = rask_as_completed_fd(iter);
    CHECK_EQ(open_descriptors(), before + 1);
    CHECK(readable(fd, 0)); /* of what was done before, too */
    CHECK_EQ(rask_as_completed_fd(iter), fd);
    CHECK_EQ(next_now(iter).id, x.id);
    CHECK(!readable(fd, 0));
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_EQ(open_descriptors(), before);
    CHECK_OK(rask_release(x));
}

static void errors_and_cancelled_ones_are_events_too(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_submit(client, inc, RASK_ARGS(x)),
                z = rask_submit(client, inc, RASK_ARGS(x));
    rask_as_completed iter = open_iter(RASK_FUTURES(y, z));
    int fd = rask_as_completed_fd(iter);
    CHECK_OK(rask_cancel(y, NULL));
    CHECK(readable(fd, FOR_LONG));
    CHECK_EQ(next_now(iter).id, y.id);
    CHECK(!readable(fd, 0));
    CHECK_OK(rask_release(z)); /* nobody wants it */
    CHECK(readable(fd, FOR_LONG));
    CHECK_EQ(next_now(iter).id, z.id);
    gate_open(g);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

/* A loop over several iterations and a pipe; level-triggered, as is the rule. */
static void in_an_epoll_loop(void) {
    enum { ITERATIONS = 4 };
    size_t n = scaled(5000), seen = 0;
    int loop = epoll_create1(EPOLL_CLOEXEC), ends[2];
    CHECK(loop >= 0);
    CHECK_EQ(pipe(ends), 0);
    struct epoll_event event = {EPOLLIN, {.u32 = ITERATIONS}};
    CHECK_EQ(epoll_ctl(loop, EPOLL_CTL_ADD, ends[0], &event), 0);
    rask_as_completed iter[ITERATIONS];
    rask_future *f = malloc(ITERATIONS * n * sizeof *f);
    CHECK(f != NULL);
    for (uint32_t k = 0; k < ITERATIONS; k++) {
        for (size_t i = 0; i < n; i++)
            f[k * n + i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
        iter[k] = open_iter(&f[k * n], n);
        event = (struct epoll_event){EPOLLIN, {.u32 = k}};
        CHECK_EQ(epoll_ctl(loop, EPOLL_CTL_ADD, rask_as_completed_fd(iter[k]), &event), 0);
    }
    CHECK_EQ(write(ends[1], "x", 1), 1);
    bool piped = false;
    while (seen < ITERATIONS * n || !piped) {
        struct epoll_event events[ITERATIONS + 1];
        int ready = epoll_wait(loop, events, ITERATIONS + 1, FOR_LONG);
        CHECK(ready > 0);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.u32 == ITERATIONS) {
                char byte;
                CHECK_EQ(read(ends[0], &byte, 1), 1);
                piped = true;
                continue;
            }
            CHECK(rask_future_state(next_now(iter[events[i].data.u32])) == RASK_FINISHED);
            seen++;
        }
    }
    struct epoll_event events[1];
    CHECK_EQ(epoll_wait(loop, events, 1, 0), 0);
    for (int k = 0; k < ITERATIONS; k++)
        CHECK_OK(rask_as_completed_close(iter[k]));
    CHECK_EQ(epoll_wait(loop, events, 1, 0), 0);
    CHECK_OK(rask_release_all(f, ITERATIONS * n));
    free(f);
    close(loop);
    close(ends[0]);
    close(ends[1]);
}

/* Edge-triggered: an event for each time that the iteration has something after it had nothing. */
static void edge_triggered(void) {
    size_t n = scaled(20000), seen = 0;
    int loop = epoll_create1(EPOLL_CLOEXEC);
    rask_future *f = malloc(n * sizeof *f);
    CHECK(loop >= 0 && f != NULL);
    rask_as_completed iter = open_iter(NULL, 0);
    struct epoll_event event = {EPOLLIN | EPOLLET, {.u32 = 0}};
    CHECK_EQ(epoll_ctl(loop, EPOLL_CTL_ADD, rask_as_completed_fd(iter), &event), 0);
    for (size_t i = 0; i < n; i++) {
        f[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
        CHECK_OK(rask_as_completed_add(iter, &f[i], 1));
    }
    while (seen < n) {
        rask_future got;
        CHECK_EQ(epoll_wait(loop, &event, 1, FOR_LONG), 1);
        while (rask_as_completed_next(iter, 0, &got) == RASK_OK)
            seen++;
    }
    CHECK_EQ(epoll_wait(loop, &event, 1, 0), 0);
    CHECK_EQ(rask_as_completed_count(iter), 0);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, n));
    free(f);
    close(loop);
}

/* Whoever reads the descriptor makes it lie, and breaks nothing else. */
static void read_by_the_caller(void) {
    rask_future x = rask_scatter(client, rask_i64(1));
    rask_as_completed iter = open_iter(RASK_FUTURES(x, x));
    int fd = rask_as_completed_fd(iter);
    uint64_t number = 0;
    CHECK_EQ(read(fd, &number, sizeof number), (ssize_t)sizeof number);
    CHECK(!readable(fd, 0));
    CHECK_EQ(next_now(iter).id, x.id);
    CHECK_EQ(next_now(iter).id, x.id);
    CHECK_OK(rask_as_completed_add(iter, &x, 1));
    CHECK(readable(fd, 0));
    CHECK_EQ(next_now(iter).id, x.id);
    CHECK(!readable(fd, 0));
    number = UINT64_MAX - 1; /* as full as it can be */
    CHECK_EQ(write(fd, &number, sizeof number), (ssize_t)sizeof number);
    CHECK_OK(rask_as_completed_add(iter, &x, 1));
    CHECK_EQ(next_now(iter).id, x.id);
    CHECK(!readable(fd, 0));
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release(x));
}

static void without_descriptors(void) {
    rask_future x = rask_scatter(client, rask_i64(1));
    rask_as_completed iter = open_iter(&x, 1);
    struct rlimit before, none;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_EQ(rask_as_completed_fd(iter), -1);
    CHECK_STATUS(rask_last_status(), RASK_E_NOMEM);
    CHECK_STR_CONTAINS(rask_last_error(), "descriptor");
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK(readable(rask_as_completed_fd(iter), 0)); /* nothing is broken */
    CHECK_EQ(next_now(iter).id, x.id);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release(x));
}

typedef struct taker {
    rask_as_completed iter;
    size_t n;
} taker;
static void *take_when_readable(void *context) {
    taker *t = context;
    int fd = rask_as_completed_fd(t->iter);
    while (rask_as_completed_count(t->iter) > 0) {
        rask_future got;
        /* Another may take it between the two. */
        if (readable(fd, 10) && rask_as_completed_next(t->iter, 0, &got) == RASK_OK)
            t->n++;
    }
    return NULL;
}

static void polled_by_many(void) {
    enum { N = 4 };
    size_t n = scaled(20000), taken = 0;
    rask_future *f = malloc(n * sizeof *f);
    CHECK(f != NULL);
    for (size_t i = 0; i < n; i++)
        f[i] = rask_submit(client, inc, RASK_ARGS((int64_t)i));
    rask_as_completed iter = open_iter(f, n);
    taker t[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        t[i] = (taker){iter, 0};
        threads[i] = start_thread(take_when_readable, &t[i]);
    }
    for (int i = 0; i < N; i++) {
        join_thread(threads[i]);
        taken += t[i].n;
    }
    CHECK_EQ(taken, n);
    CHECK(!readable(rask_as_completed_fd(iter), 0));
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release_all(f, n));
    free(f);
}

int main(void) {
    RUN_WITH(2, readable_while_there_is_something);
    RUN_WITH(1, made_when_asked_for);
    RUN_WITH(2, errors_and_cancelled_ones_are_events_too);
    RUN_WITH(4, in_an_epoll_loop);
    RUN_WITH(4, edge_triggered);
    RUN_WITH(1, read_by_the_caller);
    RUN_WITH(1, without_descriptors);
    RUN_WITH(4, polled_by_many);
    return 0;
}
