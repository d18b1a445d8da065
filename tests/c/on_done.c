/* rask_on_done: once for each registration, whatever becomes of the future, on one thread. */
#include "on_done.h"
#include <dirent.h>
#include <sys/resource.h>

static int dispatcher_threads(void) {
    DIR *dir = opendir("/proc/self/task");
    CHECK(dir != NULL);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        n += fgets(name, sizeof name, file) && strcmp(name, "rask-callbacks\n") == 0;
        fclose(file);
    }
    closedir(dir);
    return n;
}

/* ---- without threads to be had; first, while no ended thread's stack is kept for another ---- */

static struct rlimit address_space;
static void allow_no_threads(void) {
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    CHECK_EQ(getrlimit(RLIMIT_AS, &address_space), 0);
    limit = address_space;
    limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (4 << 20);
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}
static void *allow_threads(void *g) {
    gate_pass(g);
    sleep_us(20000);
    CHECK_EQ(setrlimit(RLIMIT_AS, &address_space), 0);
    return NULL;
}

/* Handles come from chunks of memory, and the first clone of a process asks for one. A thread that cannot be
 * started when something is to be called is asked for again. */
static void no_memory_and_no_thread(void) {
    call c = {0};
    rask_future f = rask_submit(client, inc, RASK_ARGS(4));
    gate *g = gate_new();
    pthread_t thread = start_thread(allow_threads, g);
    GATE_REACHED(g, 1);
    CHECK_I64(f, 5);
    sleep_us(20000); /* whatever memory threads begin with, they have by now */
    allow_no_threads();
    CHECK_STATUS(rask_on_done(f, note, &c), RASK_E_NOMEM);
    CHECK_EQ(setrlimit(RLIMIT_AS, &address_space), 0);
    rask_future other = rask_clone(f);
    allow_no_threads();
    CHECK_OK(rask_on_done(f, note, &c));
    gate_open(g);
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(atomic_load(&c.n), 1);
    CHECK_EQ(c.value, 5);
    join_thread(thread);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, other)));
}

/* ---- how futures end ---- */

static void when_it_has_finished(void) {
    gate *g = gate_new();
    call c = {0};
    rask_future f = submit_held(client, g, 7);
    CHECK_OK(rask_on_done(f, note, &c));
    sleep_us(5000);
    CHECK_EQ(atomic_load(&c.n), 0);
    gate_open(g);
    CALLED(&c);
    CHECK_EQ(c.state, RASK_FINISHED);
    CHECK_OK(c.status);
    CHECK_EQ(c.value, 7);
    CHECK(c.future.id != f.id);                               /* a handle of its own, */
    EVENTUALLY(rask_future_state(c.future) == RASK_E_HANDLE); /* which has ended */
    CHECK_I64(f, 7);
    CHECK_OK(rask_release(f));
}

static void when_it_has_failed(void) {
    gate *g = gate_new();
    call c[3] = {{0}, {0}, {0}};
    rask_future f = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 3, "no")),
                next = rask_submit(client, inc, RASK_ARGS(f)),
                wrong = rask_submit(client, NULL, RASK_NO_ARGS);
    CHECK_OK(rask_on_done(f, note, &c[0]));
    CHECK_OK(rask_on_done(next, note, &c[1]));
    CHECK_OK(rask_on_done(wrong, note, &c[2]));
    gate_open(g);
    for (int i = 0; i < 3; i++) {
        CALLED(&c[i]);
        CHECK_EQ(c[i].state, RASK_ERROR);
        CHECK_STATUS(c[i].status, i < 2 ? RASK_E_TASK : RASK_E_INVALID);
    }
    CHECK_OK(rask_release_all(RASK_FUTURES(f, next, wrong)));
}

static void when_it_is_cancelled(void) {
    gate *g = gate_new();
    call c[3] = {{0}, {0}, {0}};
    rask_future x = submit_held(client, g, 1), y = rask_submit(client, inc, RASK_ARGS(x)),
                z = rask_submit(client, inc, RASK_ARGS(y));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_on_done(x, note, &c[0]));
    CHECK_OK(rask_on_done(y, note, &c[1]));
    CHECK_OK(rask_on_done(z, note, &c[2]));
    CHECK_OK(rask_cancel(y, NULL));
    CALLED(&c[1]);
    CALLED(&c[2]);
    CHECK_EQ(atomic_load(&c[0].n), 0);
    CHECK_OK(rask_cancel(x, NULL)); /* while it runs */
    CALLED(&c[0]);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(c[i].state, RASK_CANCELLED);
        CHECK_STATUS(c[i].status, RASK_E_CANCELLED);
    }
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(atomic_load(&c[i].n), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
}

static void return_input(rask_task *t) {
    rask_return_future(t, rask_clone(*(rask_future *)rask_arg_pointer(t, 0)));
}
static void when_it_takes_the_result_of_another(void) {
    gate *g = gate_new();
    call c = {0};
    rask_future x = submit_held(client, g, 9),
                f = rask_submit(client, return_input, RASK_ARGS(rask_pointer(&x)));
    CHECK_OK(rask_on_done(f, note, &c));
    gate_open(g);
    CALLED(&c);
    CHECK_EQ(c.value, 9);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

static void when_it_is_done_already(void) {
    gate *g = gate_new();
    call c = {0};
    rask_future held_up = hold_dispatcher(g), f = rask_scatter(client, rask_i64(3));
    CHECK_OK(rask_on_done(f, note, &c));
    sleep_us(5000);
    CHECK_EQ(atomic_load(&c.n), 0); /* not in the call, but on the dispatcher's thread */
    gate_open(g);
    CALLED(&c);
    CHECK(!pthread_equal(c.thread, pthread_self()));
    CHECK_EQ(c.value, 3);
    CHECK_OK(rask_release_all(RASK_FUTURES(held_up, f)));
}

/* ---- how often, where, in which order ---- */

static void once_for_each_registration(void) {
    enum { N = 200 };
    gate *g = gate_new();
    static call c[N];
    memset(c, 0, sizeof c);
    reset_calls();
    rask_future f = submit_held(client, g, 1), other = rask_clone(f);
    for (int i = 0; i < N; i++)
        CHECK_OK(rask_on_done(i % 3 ? f : other, note, &c[i]));
    gate_open(g);
    for (int i = 0; i < N; i++) {
        CALLED(&c[i]);
        CHECK_EQ(c[i].order, i); /* as they were registered */
        CHECK(pthread_equal(c[i].thread, c[0].thread));
    }
    sleep_us(5000);
    CHECK_EQ(atomic_load(&calls), N);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, other)));
}

static void the_same_function_and_context_twice(void) {
    atomic_int n = 0;
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    for (int i = 0; i < 10; i++)
        CHECK_OK(rask_on_done(f, count_call, &n));
    EVENTUALLY(atomic_load(&n) == 10);
    CHECK_OK(rask_release(f));
}

static void check_context(rask_future future, rask_state state, void *context) {
    (void)future, (void)state;
    CHECK(context == NULL);
    atomic_fetch_add(&calls, 1);
}
static void a_null_context_is_passed_on(void) {
    reset_calls();
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_on_done(f, check_context, NULL));
    EVENTUALLY(atomic_load(&calls) == 1);
    CHECK_OK(rask_release(f));
}

static atomic_int in_callback, most_in_callback;
static void one_at_a_time(rask_future future, rask_state state, void *context) {
    int now = atomic_fetch_add(&in_callback, 1) + 1;
    if (now > atomic_load(&most_in_callback))
        atomic_store(&most_in_callback, now);
    count_call(future, state, context);
    atomic_fetch_sub(&in_callback, 1);
}
static void one_after_the_other(void) {
    int n = (int)scaled(5000);
    atomic_int done = 0;
    rask_client other = open_workers(2);
    for (int i = 0; i < n; i++) {
        rask_future f = rask_submit(i % 2 ? client : other, inc, RASK_ARGS(i));
        CHECK_OK(rask_on_done(f, one_at_a_time, &done));
        CHECK_OK(rask_fire_and_forget(f));
    }
    EVENTUALLY(atomic_load(&done) == n);
    CHECK_EQ(atomic_load(&most_in_callback), 1);
    CHECK_OK(rask_client_close(other));
}

static void look_at_signals(rask_future future, rask_state state, void *context) {
    (void)future, (void)state;
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, context), 0);
    atomic_fetch_add(&calls, 1);
}
static void signals_are_the_hosts(void) {
    sigset_t blocked, before, after;
    reset_calls();
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    rask_future f = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_on_done(f, look_at_signals, &blocked));
    EVENTUALLY(atomic_load(&calls) == 1);
    static const int host[] = {SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGPIPE},
                     faults[] = {SIGSEGV, SIGBUS};
    for (int i = 0; i < 6; i++)
        CHECK(sigismember(&blocked, host[i]));
    for (int i = 0; i < 2; i++)
        CHECK(!sigismember(&blocked, faults[i]));
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    CHECK_EQ(sigismember(&after, SIGUSR1), sigismember(&before, SIGUSR1));
    CHECK_OK(rask_release(f));
}

static void the_thread_is_there_when_needed(void) {
    EVENTUALLY(dispatcher_threads() == 0); /* of the tests before */
    for (int i = 0; i < 2; i++) {
        gate *g = gate_new();
        rask_future f = submit_held(client, g, 1), held_up;
        CHECK_OK(rask_on_done(f, pass_gate, g));
        CHECK_EQ(dispatcher_threads(), 0); /* a registration alone needs none */
        gate_open(g);
        CHECK_I64(f, 1);
        g = gate_new();
        held_up = hold_dispatcher(g);
        CHECK_EQ(dispatcher_threads(), 1);
        gate_open(g);
        EVENTUALLY(dispatcher_threads() == 0);
        CHECK_OK(rask_release_all(RASK_FUTURES(f, held_up)));
    }
}

/* ---- the handle ---- */

static void it_does_not_keep_a_task_wanted(void) {
    gate *g = gate_new();
    static atomic_int runs;
    atomic_store(&runs, 0);
    call c = {0};
    rask_future x = submit_held(client, g, 1),
                y = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), x));
    CHECK_OK(rask_on_done(y, note, &c));
    CHECK_OK(rask_release(y));
    CALLED(&c);
    CHECK_EQ(c.state, RASK_CANCELLED);
    gate_open(g);
    CHECK_I64(x, 1);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_OK(rask_release(x));
}

static void read_all(rask_future future, rask_state state, void *context) {
    rask_error error = RASK_ERROR_INIT;
    char line[200];
    CHECK_STR_CONTAINS(rask_future_key(future), "named-");
    CHECK(rask_future_describe(future, line, sizeof line) > 0);
    CHECK_OK(rask_future_error(future, &error));
    if (state == RASK_FINISHED) {
        CHECK_TEXT(future, "a text that is not inline, of more than sixteen bytes");
    } else {
        CHECK_STATUS(error.status, RASK_E_CANCELLED);
    }
    atomic_fetch_add((atomic_int *)context, 1);
}

/* Nobody else holds the future any more when its callback comes: it is whole all the same. */
static void the_handle_is_valid_whoever_has_released(void) {
    gate *g = gate_new(), *tasks = gate_new();
    atomic_int n = 0;
    rask_future held_up = hold_dispatcher(g);
    rask_arg text = rask_str("a text that is not inline, of more than sixteen bytes");
    rask_future f = submit_named(client, "named", pass_on, &text, 1), x = submit_held(client, tasks, 1),
                y = submit_named(client, "named", pass_on, RASK_ARGS(x));
    CHECK_OK(rask_on_done(f, read_all, &n));
    CHECK_OK(rask_on_done(y, read_all, &n));
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(RASK_FUTURES(f, y)));
    CHECK_EQ(atomic_load(&n), 0);
    gate_open(g);
    EVENTUALLY(atomic_load(&n) == 2);
    gate_open(tasks);
    CHECK_OK(rask_release_all(RASK_FUTURES(held_up, x)));
}

static void keep_a_clone(rask_future future, rask_state state, void *context) {
    (void)state;
    *(rask_future *)context = rask_clone(future);
    atomic_fetch_add(&calls, 1);
}
static void a_clone_keeps_it(void) {
    rask_future kept = {0}, f = rask_submit(client, inc, RASK_ARGS(1));
    reset_calls();
    CHECK_OK(rask_on_done(f, keep_a_clone, &kept));
    CHECK_OK(rask_fire_and_forget(f));
    EVENTUALLY(atomic_load(&calls) == 1);
    CHECK_I64(kept, 2);
    CHECK_OK(rask_release(kept));
}

static void count_handles(rask_future future, rask_state state, void *context) {
    (void)future, (void)state;
    *(uint64_t *)context = rask_live_handles();
    atomic_fetch_add(&calls, 1);
}
static void it_counts_during_the_call(void) {
    uint64_t during = 0;
    reset_calls();
    rask_future f = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_on_done(f, count_handles, &during));
    EVENTUALLY(atomic_load(&calls) == 1);
    CHECK_EQ(during, 3); /* client, future, and the one lent */
    EVENTUALLY(rask_live_handles() == 2);
    CHECK_OK(rask_release(f));
}

static void release_what_was_lent(rask_future future, rask_state state, void *context) {
    (void)state;
    CHECK_OK(rask_release(future));
    CHECK_STATUS(rask_release(future), RASK_E_HANDLE);
    atomic_fetch_add((atomic_int *)context, 1);
}
static void a_callback_that_releases_what_was_lent(void) {
    atomic_int n = 0;
    rask_future f = rask_submit(client, inc, RASK_ARGS(1)), x = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_on_done(f, release_what_was_lent, &n));
    CHECK_OK(rask_on_done(x, release_what_was_lent, &n));
    CHECK_OK(rask_release(x));
    EVENTUALLY(atomic_load(&n) == 2);
    CHECK_I64(f, 2); /* nobody else's was released */
    CHECK_OK(rask_release(f));
}

static void the_value_is_destroyed_after_the_call(void) {
    probe p = {0};
    gate *g = gate_new();
    rask_future f = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_on_done(f, pass_gate, g));
    CHECK_OK(rask_release(f));
    GATE_REACHED(g, 1);
    CHECK_EQ(destroyed(&p), 0);
    gate_open(g);
    EVENTUALLY(destroyed(&p) == 1);
}

/* ---- bad input ---- */

static void bad_input(void) {
    atomic_int n = 0;
    rask_future f = rask_scatter(client, rask_i64(1)), stale = rask_clone(f);
    CHECK_OK(rask_release(stale));
    rask_as_completed iter = rask_as_completed_open(&f, 1);
    const rask_future bad[] = {{0}, stale, {~0ULL}, {client.id}, {iter.id}};
    for (int i = 0; i < 5; i++) {
        CHECK_STATUS(rask_on_done(bad[i], count_call, &n), RASK_E_HANDLE);
        CHECK_STATUS(rask_on_done(bad[i], NULL, &n), RASK_E_INVALID);
        CHECK(rask_last_error()[0]);
    }
    CHECK_STATUS(rask_on_done(f, NULL, NULL), RASK_E_INVALID);
    CHECK_OK(rask_on_done(f, count_call, &n));
    EVENTUALLY(atomic_load(&n) == 1);
    CHECK_OK(rask_as_completed_close(iter));
    CHECK_OK(rask_release(f));
}

int main(void) {
    if (!small_scale()) /* valgrind's own memory would count */
        RUN_WITH(1, no_memory_and_no_thread);
    RUN_WITH(2, when_it_has_finished);
    RUN_WITH(2, when_it_has_failed);
    RUN_WITH(2, when_it_is_cancelled);
    RUN_WITH(2, when_it_takes_the_result_of_another);
    RUN_WITH(2, when_it_is_done_already);
    RUN_WITH(2, once_for_each_registration);
    RUN_WITH(2, the_same_function_and_context_twice);
    RUN_WITH(1, a_null_context_is_passed_on);
    RUN_WITH(2, one_after_the_other);
    RUN_WITH(1, signals_are_the_hosts);
    RUN_WITH(2, the_thread_is_there_when_needed);
    RUN_WITH(1, it_does_not_keep_a_task_wanted);
    RUN_WITH(2, the_handle_is_valid_whoever_has_released);
    RUN_WITH(1, a_clone_keeps_it);
    RUN_WITH(1, it_counts_during_the_call);
    RUN_WITH(1, a_callback_that_releases_what_was_lent);
    RUN_WITH(1, the_value_is_destroyed_after_the_call);
    RUN_WITH(1, bad_input);
    return 0;
}
