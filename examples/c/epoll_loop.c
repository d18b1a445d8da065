/* Futures in an event loop: an iteration over futures has a descriptor, which epoll watches beside a timer
 * and a pipe. Everything happens on one thread, which never waits but in epoll_wait. The pipe stands for
 * whatever else a program listens to: here it carries orders, each of which becomes a task. */
#define _POSIX_C_SOURCE 200809L
#include <rask.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void square(rask_task *t) {
    nanosleep(&(struct timespec){0, 1000000}, NULL); /* real work takes a while */
    int64_t x = rask_arg_i64(t, 0);
    if (x == 13)
        rask_fail(t, 13, "not that number");
    else
        rask_return_i64(t, x * x);
}

/* The sources of events. */
enum { FUTURES, TIMER, ORDERS, N_SOURCES };

static int listen_to(int loop, int fd, uint32_t source) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = source};
    return epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

static int timer_of(int64_t ns) {
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct itimerspec every = {{0, ns}, {0, ns}};
    return timer < 0 || timerfd_settime(timer, 0, &every, NULL) < 0 ? -1 : timer;
}

int main(void) {
    enum { N = 20 };
    rask_client client = rask_client_open(NULL);
    rask_as_completed running = rask_as_completed_open(NULL, 0); /* futures are added as they are submitted */
    int loop = epoll_create1(EPOLL_CLOEXEC), timer = timer_of(1000000), orders[2];
    if (loop < 0 || timer < 0 || pipe(orders) < 0 || listen_to(loop, timer, TIMER) < 0 ||
        listen_to(loop, orders[0], ORDERS) < 0 ||
        listen_to(loop, rask_as_completed_fd(running), FUTURES) < 0) {
        perror("epoll_loop");
        return 1;
    }
    for (int i = 1; i <= N; i++) /* somebody else's doing, usually */
        if (write(orders[1], &i, sizeof i) != sizeof i)
            return 1;
    close(orders[1]);

    int64_t sum = 0;
    int n_ordered = 0, n_done = 0, n_failed = 0;
    uint64_t ticks = 0;
    bool open = true;
    while (open || ticks == 0 || rask_as_completed_count(running) > 0) {
        struct epoll_event events[N_SOURCES];
        int n = epoll_wait(loop, events, N_SOURCES, -1);
        for (int i = 0; i < n; i++) {
            switch (events[i].data.u32) {
            case FUTURES: {
                rask_future done;
                int64_t value;
                /* Readable: this does not block. The handle is the one that was added, and ours to release.
                 */
                if (rask_as_completed_next(running, 0, &done) != RASK_OK)
                    break;
                if (rask_result_i64(done, &value) == RASK_OK)
                    sum += value, n_done++;
                else
                    fprintf(stderr, "%s\n", rask_last_error()), n_failed++;
                rask_release(done);
                break;
            }
            case TIMER: {
                uint64_t elapsed = 0;
                if (read(timer, &elapsed, sizeof elapsed) == sizeof elapsed)
                    ticks += elapsed; /* the loop goes round while the tasks run */
                break;
            }
            case ORDERS: {
                int order;
                if (read(orders[0], &order, sizeof order) != sizeof order) { /* the other end was closed */
                    epoll_ctl(loop, EPOLL_CTL_DEL, orders[0], NULL);
                    open = false;
                    break;
                }
                rask_future f = rask_submit(client, square, RASK_ARGS(order));
                if (rask_as_completed_add(running, &f, 1) == RASK_OK)
                    n_ordered++;
                break;
            }
            }
        }
    }
    printf("%d ordered, %d done, %d failed\n", n_ordered, n_done, n_failed);
    printf("the sum of the squares is %" PRId64 "\n", sum);
    printf("the timer went off meanwhile: %s\n", ticks > 0 ? "yes" : "no");

    rask_as_completed_close(running); /* closes the descriptor too */
    rask_client_close(client);
    close(loop), close(timer), close(orders[0]);
    return rask_live_handles() != 0;
}
