/* Callbacks of rask_on_done and the threads of the program: what a close waits for, many registrations. */
#include "on_done.h"

/* ---- close ---- */

static void slowly(rask_future future, rask_state state, void *context) {
    sleep_us(2000);
    count_call(future, state, context);
}

static void close_waits_for_what_is_due(void) {
    enum { N = 10 };
    atomic_int n = 0;
    rask_client own = open_workers(2);
    rask_future f[N];
    for (int i = 0; i < N; i++) {
        f[i] = rask_submit(own, inc, RASK_ARGS(i));
        CHECK_OK(rask_on_done(f[i], slowly, &n));
    }
    CHECK_OK(rask_client_close(own));
    CHECK_EQ(atomic_load(&n), N);
    CHECK_EQ(rask_live_handles(), N + 1); /* nothing is lent any more */
    CHECK_OK(rask_release_all(f, N));
}

static void close_cancels_and_calls(void) {
    enum { N = 100 };
    static call c[N];
    memset(c, 0, sizeof c);
    gate *g = gate_new();
    rask_client own = open_workers(1);
    rask_future f[N];
    f[0] = submit_held(own, g, 0);
    GATE_REACHED(g, 1);
    for (int i = 1; i < N; i++)
        f[i] = i % 2 ? rask_submit(own, inc, RASK_ARGS(f[i - 1])) : rask_submit(own, inc, RASK_ARGS(i));
    for (int i = 0; i < N; i++)
        CHECK_OK(rask_on_done(f[i], note, &c[i]));
    CHECK_OK(rask_release_all(&f[N / 2], N / 2)); /* some are not even held */
    gate_open(g);
    CHECK_OK(rask_client_close(own));
    for (int i = 0; i < N; i++)
        CHECK_EQ(atomic_load(&c[i].n), 1);
    CHECK_EQ(c[0].state, RASK_FINISHED);
    CHECK_OK(rask_release_all(f, N / 2));
}

typedef struct closer {
    rask_client client;
    atomic_int *closed, *n;
    int want;
} closer;
static void *close_it(void *context) {
    closer *c = context;
    CHECK_OK(rask_client_close(c->client));
    CHECK_EQ(atomic_load(c->n), c->want);
    atomic_fetch_add(c->closed, 1);
    return NULL;
}
static void count_late(rask_future future, rask_state state, void *context) {
    gate_pass(context);
    count_call(future, state, &calls);
}

static void every_close_waits(void) {
    enum { N = 4 };
    gate *g = gate_new();
    atomic_int closed = 0;
    reset_calls();
    rask_client own = open_workers(1);
    rask_future f = rask_submit(own, inc, RASK_ARGS(1));
    CHECK_OK(rask_on_done(f, count_late, g));
    closer c = {own, &closed, &calls, 1};
    pthread_t threads[N];
    for (int i = 0; i < N; i++)
        threads[i] = start_thread(close_it, &c);
    GATE_REACHED(g, 1);
    sleep_us(20000);
    CHECK_EQ(atomic_load(&closed), 0);
    gate_open(g);
    for (int i = 0; i < N; i++)
        join_thread(threads[i]);
    CHECK_OK(rask_client_close(own));
    CHECK_OK(rask_release(f));
}

static void a_close_after_the_close_waits_too(void) {
    gate *g = gate_new();
    atomic_int closed = 0;
    reset_calls();
    rask_client own = open_workers(1);
    rask_future f = rask_scatter(own, rask_i64(1));
    CHECK_OK(rask_client_close(own));
    CHECK_OK(rask_on_done(f, count_late, g)); /* late, of a closed client */
    closer c = {own, &closed, &calls, 1};
    pthread_t thread = start_thread(close_it, &c);
    GATE_REACHED(g, 1);
    CHECK_EQ(atomic_load(&closed), 0);
    gate_open(g);
    join_thread(thread);
    CHECK_OK(rask_release(f));
}

static void only_for_its_own(void) {
    gate *g = gate_new();
    rask_future held_up = hold_dispatcher(g);
    rask_client own = open_workers(1);
    rask_future f = rask_submit(own, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_OK(rask_client_close(own)); /* whose futures have no callbacks */
    CHECK_OK(rask_release_all(RASK_FUTURES(f, held_up)));
    gate_open(g);
}

/* The close ends what the callback waits for. */
static void wait_for_context(rask_future future, rask_state state, void *context) {
    int64_t value;
    (void)future, (void)state;
    gate_pass(((void **)context)[0]);
    CHECK_STATUS(rask_result_i64(*(rask_future *)((void **)context)[1], &value), RASK_E_CANCELLED);
    atomic_fetch_add(&calls, 1);
}
static void close_while_a_callback_waits(void) {
    gate *g = gate_new(), *run = gate_new();
    reset_calls();
    rask_client own = open_workers(1);
    rask_future x = submit_held(own, run, 1), y = rask_submit(own, inc, RASK_ARGS(x)),
                f = rask_scatter(own, rask_i64(1));
    void *context[] = {g, &y};
    CHECK_OK(rask_on_done(f, wait_for_context, context));
    gate_open(g);
    GATE_REACHED(run, 1);
    sleep_us(5000);
    atomic_int closed = 0;
    closer c = {own, &closed, &calls, 1};
    pthread_t thread = start_thread(close_it, &c);
    EVENTUALLY(atomic_load(&calls) == 1);
    gate_open(run);
    join_thread(thread);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, f)));
}

/* ---- many ---- */

static void many_futures(void) {
    int n = (int)scaled(100000);
    atomic_int done = 0;
    rask_future *f = malloc((size_t)n * sizeof *f);
    CHECK(f != NULL);
    for (int i = 0; i < n; i++) {
        f[i] = rask_submit(client, inc, RASK_ARGS(i));
        CHECK_OK(rask_on_done(f[i], count_call, &done));
    }
    CHECK_OK(rask_release_all(f, (size_t)n)); /* in whatever state they are */
    EVENTUALLY(atomic_load(&done) == n);
    free(f);
}

static void many_on_one(void) {
    int n = (int)scaled(100000);
    atomic_int done = 0;
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 1);
    for (int i = 0; i < n; i++)
        CHECK_OK(rask_on_done(f, count_call, &done));
    gate_open(g);
    EVENTUALLY(atomic_load(&done) == n);
    CHECK_OK(rask_release(f));
}

static atomic_long registered, called;
static void count_once(rask_future future, rask_state state, void *context) {
    CHECK_EQ(atomic_fetch_add((atomic_int *)context, 1), 0);
    CHECK_EQ(rask_future_state(future), state);
    atomic_fetch_add(&called, 1);
}

typedef struct worker {
    uint64_t seed;
    rask_client client;
    size_t n;
    atomic_int *flags; /* two a round */
} worker;
/* Registers, while what it registers with is done, is cancelled or is released by others. */
static void *register_at_random(void *context) {
    worker *w = context;
    for (size_t i = 0; i < w->n; i++) {
        rask_future x = rask_submit(w->client, inc, RASK_ARGS((int64_t)i));
        rask_future f = random_next(&w->seed) % 2 ? rask_submit(w->client, inc, RASK_ARGS(x)) : rask_clone(x);
        if (f.id == 0) { /* the client was closed */
            CHECK_OK(rask_release(x));
            break;
        }
        for (int k = 0; k < 2; k++) {
            CHECK_OK(rask_on_done(f, count_once, &w->flags[2 * i + (size_t)k]));
            atomic_fetch_add(&registered, 1);
            if (random_next(&w->seed) % 4 == 0)
                sched_yield();
        }
        uint64_t what = random_next(&w->seed) % 4;
        if (what == 0)
            rask_cancel(f, NULL);
        if (what == 1)
            CHECK_OK(rask_fire_and_forget(x));
        CHECK_OK(rask_release(f));
        if (what != 1)
            CHECK_OK(rask_release(x));
    }
    return NULL;
}
static void from_many_threads(rask_client own, bool close_early) {
    enum { N = 4 };
    size_t n = scaled(20000);
    worker w[N];
    pthread_t threads[N];
    atomic_store(&registered, 0);
    atomic_store(&called, 0);
    for (int i = 0; i < N; i++) {
        w[i] = (worker){(uint64_t)i + 1, own, n, calloc(2 * n, sizeof(atomic_int))};
        CHECK(w[i].flags != NULL);
        threads[i] = start_thread(register_at_random, &w[i]);
    }
    if (close_early) {
        sleep_us(small_scale() ? 1000 : 10000);
        CHECK_OK(rask_client_close(own));
    }
    for (int i = 0; i < N; i++)
        join_thread(threads[i]);
    CHECK_OK(rask_client_close(own));
    CHECK_EQ(atomic_load(&called), atomic_load(&registered));
    for (int i = 0; i < N; i++)
        free(w[i].flags);
}
static void registered_by_many(void) { from_many_threads(open_workers(2), false); }
static void closed_while_many_register(void) {
    for (int i = 0; i < 5; i++)
        from_many_threads(open_workers(2), true);
}

/* One ends the future, one releases the last handle, and the callback is due: whoever comes first. */
static atomic_long round_number;
static rask_future contested;
static void *release_contested(void *context) {
    size_t rounds = *(size_t *)context;
    for (size_t i = 1; i <= rounds; i++) {
        while (atomic_load(&round_number) < (long)i)
            sched_yield();
        CHECK_OK(rask_release(contested));
        atomic_store(&round_number, -(long)i);
    }
    return NULL;
}
static void the_last_release_against_the_end(void) {
    size_t rounds = scaled(20000);
    atomic_int n = 0;
    atomic_store(&round_number, 0);
    pthread_t thread = start_thread(release_contested, &rounds);
    for (size_t i = 1; i <= rounds; i++) {
        contested = rask_submit(client, inc, RASK_ARGS((int64_t)i));
        rask_future other = rask_clone(contested);
        CHECK_OK(rask_on_done(contested, count_call, &n));
        atomic_store(&round_number, (long)i);
        if (i % 2)
            rask_cancel(other, NULL);
        CHECK_OK(rask_release(other));
        while (atomic_load(&round_number) != -(long)i)
            sched_yield();
    }
    join_thread(thread);
    EVENTUALLY(atomic_load(&n) == (int)rounds);
}

int main(void) {
    RUN_WITH(1, close_waits_for_what_is_due);
    RUN_WITH(1, close_cancels_and_calls);
    RUN_WITH(1, every_close_waits);
    RUN_WITH(1, a_close_after_the_close_waits_too);
    RUN_WITH(1, only_for_its_own);
    RUN_WITH(1, close_while_a_callback_waits);
    RUN_WITH(2, many_futures);
    RUN_WITH(2, many_on_one);
    RUN(registered_by_many);
    RUN(closed_while_many_register);
    RUN_WITH(2, the_last_release_against_the_end);
    return 0;
}
