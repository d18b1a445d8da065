/* An idle client uses no processor: measured by the process's processor time and context switches over a
 * second. The bounds are generous; what they catch is a thread that polls. */
#include "check.h"
#include <sys/resource.h>

static double cpu_seconds(const struct rusage *u) {
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1e-6;
}

static void check_a_quiet_second(void) {
    struct rusage before, after;
    sleep_us(50000); /* time to fall asleep */
    CHECK_EQ(getrusage(RUSAGE_SELF, &before), 0);
    sleep_us(1000000);
    CHECK_EQ(getrusage(RUSAGE_SELF, &after), 0);
    double cpu = cpu_seconds(&after) - cpu_seconds(&before);
    long switches = after.ru_nvcsw - before.ru_nvcsw;
    if (cpu >= 0.020)
        FAIL_AT(__FILE__, __LINE__, "an idle second used %.1f ms of processor time", cpu * 1e3);
    if (switches >= 50)
        FAIL_AT(__FILE__, __LINE__, "an idle second had %ld context switches", switches);
}

static void fresh(void) { check_a_quiet_second(); }

static void after_work(void) {
    enum { N = 10000 };
    static rask_future f[N];
    for (int i = 0; i < N; i++)
        f[i] = rask_submit(client, inc, RASK_ARGS(i));
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    check_a_quiet_second(); /* with finished futures held */
    CHECK_OK(rask_release_all(f, N));
    check_a_quiet_second();
}

/* A gate that sleeps instead of polling, so that only the library is measured. */
typedef struct door {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool entered, open;
} door;
static void behind_the_door(rask_task *t) {
    door *d = rask_arg_pointer(t, 0);
    pthread_mutex_lock(&d->mutex);
    d->entered = true;
    pthread_cond_broadcast(&d->changed);
    while (!d->open)
        pthread_cond_wait(&d->changed, &d->mutex);
    pthread_mutex_unlock(&d->mutex);
    rask_return_i64(t, 1);
}
static void wait_for_argument(rask_task *t) {
    int64_t out = 0;
    CHECK_OK(rask_result_i64((rask_future){(uint64_t)rask_arg_i64(t, 0)}, &out));
    rask_return_i64(t, out + 1);
}

static void *wait_outside(void *context) {
    CHECK_OK(rask_wait(context, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    return NULL;
}

/* One task is blocked in the program's own wait, one in ours, tasks are pending, and a
 * thread waits outside. */
static void while_everything_waits(void) {
    static door d = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    rask_future x = rask_submit(client, behind_the_door, RASK_ARGS(rask_pointer(&d)));
    pthread_mutex_lock(&d.mutex);
    while (!d.entered)
        pthread_cond_wait(&d.changed, &d.mutex);
    pthread_mutex_unlock(&d.mutex);
    rask_future y = rask_submit(client, wait_for_argument, RASK_ARGS((int64_t)x.id)),
                z = rask_submit(client, inc, RASK_ARGS(x));
    pthread_t waiter = start_thread(wait_outside, &z);
    check_a_quiet_second();
    pthread_mutex_lock(&d.mutex);
    d.open = true;
    pthread_cond_broadcast(&d.changed);
    pthread_mutex_unlock(&d.mutex);
    join_thread(waiter);
    CHECK_I64(y, 2);
    CHECK_I64(z, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
}

static void after_close(void) {
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_OK(rask_client_close(client));
    check_a_quiet_second();
    CHECK_OK(rask_release(f));
}

int main(void) {
    RUN_WITH(8, fresh);
    RUN_WITH(8, after_work);
    RUN_WITH(4, while_everything_waits);
    RUN_WITH(4, after_close);
    return 0;
}
