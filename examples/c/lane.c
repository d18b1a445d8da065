/* A lane: tasks that a program runs on a thread of its own choosing. Here the main thread owns a "screen",
 * which no other thread may touch, as with a GUI, an OpenGL context or an interpreter's lock. It sits in its
 * epoll loop, beside a timer; workers compute, and what they make is drawn by tasks of the main thread's
 * lane. */
#define _POSIX_C_SOURCE 200809L
#include <rask.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { WIDTH = 32, ROWS = 8 };

static pthread_t main_thread;
static struct {
    char row[ROWS][WIDTH + 1];
    int n_drawn, n_elsewhere;
} screen;

/* On a worker: how many steps until x leaves 1 by Collatz's rule, for a row of numbers. */
static void compute_row(rask_task *t) {
    int64_t first = rask_arg_i64(t, 0);
    int32_t *steps = rask_return_buffer(t, WIDTH * sizeof *steps);
    for (int i = 0; steps && i < WIDTH; i++) {
        steps[i] = 0;
        for (uint64_t x = (uint64_t)first + (uint64_t)i; x > 1; steps[i]++)
            x = x % 2 ? 3 * x + 1 : x / 2;
    }
}

/* On the main thread: no lock is needed for the screen. */
static void draw_row(rask_task *t) {
    size_t size;
    int64_t row = rask_arg_i64(t, 0);
    const int32_t *steps = rask_arg_bytes(t, 1, &size);
    for (int i = 0; steps && i < WIDTH; i++)
        screen.row[row][i] = ".:+*#"[steps[i] / 30 > 4 ? 4 : steps[i] / 30];
    screen.n_drawn++;
    screen.n_elsewhere += !pthread_equal(pthread_self(), main_thread);
}

/* On a worker again, after a row was drawn. */
static void count_row(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }

int main(void) {
    main_thread = pthread_self();
    rask_client client = rask_client_open(NULL);
    rask_lane gui = rask_lane_open(client, "gui");
    rask_submit_options on_gui = RASK_SUBMIT_OPTIONS_INIT;
    on_gui.lane = gui;

    int loop = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec every = {{0, 2000000}, {0, 2000000}};
    struct epoll_event tasks = {.events = EPOLLIN, .data.fd = rask_lane_fd(gui)};
    struct epoll_event ticks = {.events = EPOLLIN, .data.fd = timer};
    if (loop < 0 || timer < 0 || timerfd_settime(timer, 0, &every, NULL) < 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, tasks.data.fd, &tasks) < 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, timer, &ticks) < 0) {
        perror("lane");
        return 1;
    }

    rask_future counted[ROWS];
    for (int row = 0; row < ROWS; row++) {
        rask_future steps = rask_submit(client, compute_row, RASK_ARGS(1 + row * WIDTH));
        rask_future drawn = rask_submit_with(client, draw_row, RASK_ARGS(row, rask_take(steps)), &on_gui);
        counted[row] = rask_submit(client, count_row, RASK_ARGS(row, rask_take(drawn)));
    }

    int n_ticks = 0;
    while (screen.n_drawn < ROWS || n_ticks == 0) {
        struct epoll_event event;
        if (epoll_wait(loop, &event, 1, -1) != 1)
            continue;
        uint64_t elapsed;
        if (event.data.fd == timer)
            n_ticks +=
                read(timer, &elapsed, sizeof elapsed) == sizeof elapsed; /* the loop goes round meanwhile */
        else
            rask_lane_run(gui, 4, 0, NULL); /* a few at a time, so that the loop stays lively */
    }

    int64_t rows = 0;
    if (rask_result_i64(counted[ROWS - 1], &rows) != RASK_OK)
        fprintf(stderr, "%s\n", rask_last_error());
    for (int row = 0; row < ROWS; row++)
        puts(screen.row[row]);
    printf("%" PRId64 " rows, drawn by the main thread but for %d\n", rows, screen.n_elsewhere);

    rask_release_all(counted, ROWS);
    rask_lane_close(gui); /* and its descriptor */
    rask_client_close(client);
    close(loop), close(timer);
    return rask_live_handles() != 0;
}
