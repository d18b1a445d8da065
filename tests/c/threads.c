/* Many threads at once, at random, from a seed: submit, depend on each other's futures, clone, cancel, wait,
 * release. A handle that another thread released meanwhile is refused; everything else must be right.
 * RASK_TEST_SEED=n runs another course. */
#include "check.h"

enum { THREADS = 8, SLOTS = 128 };

static _Atomic uint64_t slots[SLOTS]; /* handles; whoever exchanges one out owns it */
static atomic_int executed;

/* Every task's value is the number 1 or a sum of its inputs' (all positive), so that a wrong read shows. */
static void one(rask_task *t) {
    atomic_fetch_add(&executed, 1);
    rask_return_i64(t, 1);
}
static void positive(rask_task *t) {
    int64_t largest = 0;
    for (size_t i = 0; i < rask_arg_count(t); i++) {
        const rask_value *value = rask_arg_value(t, i);
        for (size_t k = 0; k < rask_value_count(value); k++) {
            int64_t x = 0;
            CHECK_OK(rask_value_i64(rask_value_at(value, k), &x));
            CHECK(x > 0);
            if (x > largest)
                largest = x;
        }
        if (rask_value_kind(value) == RASK_I64) {
            int64_t x = rask_arg_i64(t, i);
            CHECK(x > 0);
            if (x > largest)
                largest = x;
        }
    }
    atomic_fetch_add(&executed, 1);
    if (rask_cancelled(t))
        return;
    rask_return_i64(t, largest + 1);
}
static void maybe_fail(rask_task *t) {
    atomic_fetch_add(&executed, 1);
    rask_fail(t, 99, "at random");
}

static void check_status_among(rask_status status, bool waited) {
    switch (status) {
    case RASK_OK:
    case RASK_E_HANDLE:
    case RASK_E_CANCELLED:
        return;
    case RASK_E_TASK:
        return;
    case RASK_E_TIMEOUT:
        CHECK(waited);
        return;
    default:
        FAIL_AT(__FILE__, __LINE__, "unexpected status %d: %s", (int)status, rask_last_error());
    }
}

/* Puts a handle that we own into a slot and ends the one that was there. */
static void put(uint64_t *seed, rask_future f) {
    rask_future old = {atomic_exchange(&slots[random_next(seed) % SLOTS], f.id)};
    if (old.id)
        CHECK_OK(rask_release(old)); /* nobody else owned it */
}

static void *play(void *context) {
    uint64_t seed = (uint64_t)(uintptr_t)context;
    size_t steps = scaled(40000);
    for (size_t step = 0; step < steps; step++) {
        rask_future a = {atomic_load(
            &slots[random_next(&seed) % SLOTS])}; /* another thread may release it at any moment */
        rask_future b = {atomic_load(&slots[random_next(&seed) % SLOTS])};
        rask_future f = {0};
        int64_t out = 0;
        switch (random_next(&seed) % 16) {
        case 0:
        case 1:
        case 2:
            f = rask_submit(client, one, RASK_NO_ARGS);
            break;
        case 3:
        case 4:
        case 5:
            f = rask_submit(client, positive, RASK_ARGS(a, b));
            break;
        case 6:
            f = rask_submit(client, positive, RASK_ARGS(rask_list_of((rask_future[]){a, b, a}, 3), b));
            break;
        case 7:
            f = rask_submit(client, maybe_fail, RASK_NO_ARGS);
            break;
        case 8:
            f = rask_scatter(client, rask_i64(1));
            break;
        case 9: {
            rask_future own = {atomic_exchange(&slots[random_next(&seed) % SLOTS], 0)};
            if (own.id)
                f = rask_submit(client, positive, RASK_ARGS(rask_take(own), b));
            if (own.id)
                CHECK_STATUS(rask_release(own), RASK_E_HANDLE);
            break;
        }
        case 10:
            f = rask_clone(a);
            break;
        case 11: {
            rask_status status = rask_cancel(a, "at random");
            if (status != RASK_E_STATE)
                check_status_among(status, false);
            break;
        }
        case 12: {
            bool done[2] = {true, true};
            check_status_among(rask_wait(RASK_FUTURES(a, b), (int32_t)(random_next(&seed) % 3), 20000, done),
                               true);
            break;
        }
        case 13: {
            rask_future mine = rask_clone(a);
            if (mine.id) {
                rask_status status = rask_result_i64(mine, &out);
                check_status_among(status, false);
                if (status == RASK_OK)
                    CHECK(out >= 0);
                CHECK_OK(rask_release(mine));
            }
            break;
        }
        case 14: {
            rask_state state = rask_future_state(a);
            CHECK(state == RASK_E_HANDLE || (state >= RASK_PENDING && state <= RASK_CANCELLED));
            check_status_among(rask_result_i64(b, &out), false);
            break;
        }
        default: {
            rask_future own = {atomic_exchange(&slots[random_next(&seed) % SLOTS], 0)};
            if (own.id) {
                if (random_next(&seed) % 4)
                    CHECK_OK(rask_release(own));
                else
                    CHECK_OK(rask_fire_and_forget(own));
            }
            break;
        }
        }
        if (f.id)
            put(&seed, f);
    }
    return NULL;
}

static void at_random(void) {
    const char *given = getenv("RASK_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    pthread_t threads[THREADS];
    atomic_store(&executed, 0);
    for (uint64_t i = 0; i < THREADS; i++)
        threads[i] = start_thread(play, (void *)(uintptr_t)(seed * 1000003 + i * 7919 + 1));
    for (int i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    for (int i = 0; i < SLOTS; i++)
        CHECK_OK(rask_release((rask_future){atomic_exchange(&slots[i], 0)}));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK(atomic_load(&executed) > 0);
    CHECK_EQ(rask_live_handles(), 1);
    EVENTUALLY(stats_of(client).live_futures == 0); /* nothing is kept */
    CHECK_EQ(stats_of(client).n_pending, 0);
    CHECK_EQ(stats_of(client).nbytes, 0);
}

/* ---- the same future in all hands ---- */

typedef struct shared {
    rask_future future;
    atomic_int ok;
} shared;
static void *clone_and_release(void *context) {
    shared *s = context;
    for (size_t i = 0, n = scaled(20000); i < n; i++) {
        rask_future c = rask_clone(s->future);
        CHECK(c.id != 0);
        rask_future d = rask_clone(c);
        CHECK_OK(rask_release(c));
        rask_future f = rask_submit(client, inc, RASK_ARGS(rask_take(d)));
        if (i % 2)
            CHECK_I64(f, 8);
        CHECK_OK(rask_release(f));
        atomic_fetch_add(&s->ok, 1);
    }
    return NULL;
}

static void everybody_clones_the_same(void) {
    shared s = {rask_scatter(client, rask_i64(7)), 0};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = start_thread(clone_and_release, &s);
    for (int i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    CHECK_EQ(atomic_load(&s.ok), (int)scaled(20000) * THREADS);
    CHECK_I64(s.future, 7);
    CHECK_EQ(rask_live_handles(), 2);
    CHECK_OK(rask_release(s.future));
}

/* ---- a chain that goes from thread to thread ---- */

static _Atomic uint64_t baton;
static void *extend(void *unused) {
    (void)unused;
    for (size_t i = 0, n = scaled(20000); i < n; i++) {
        uint64_t id;
        while ((id = atomic_exchange(&baton, 0)) == 0)
            sched_yield();
        rask_future f = rask_submit(client, inc, RASK_ARGS(rask_take((rask_future){id})));
        CHECK(f.id != 0);
        atomic_store(&baton, f.id);
    }
    return NULL;
}

static void one_chain_by_all(void) {
    pthread_t threads[THREADS];
    atomic_store(&baton, rask_scatter(client, rask_i64(0)).id);
    for (int i = 0; i < THREADS; i++)
        threads[i] = start_thread(extend, NULL);
    for (int i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    rask_future last = {atomic_load(&baton)};
    CHECK_I64(last, (int64_t)scaled(20000) * THREADS);
    CHECK_OK(rask_release(last));
}

/* Threads that come and go leave nothing behind. */
static void *submit_one(void *unused) {
    (void)unused;
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    return NULL;
}

static void threads_come_and_go(void) {
    for (size_t i = 0, n = scaled(1000); i < n; i++)
        join_thread(start_thread(submit_one, NULL));
    CHECK_EQ(rask_live_handles(), 1);
}

/* What a thread submitted runs, although the thread is gone. */
static void *submit_and_leave(void *context) {
    shared *s = context;
    s->future = rask_submit(client, inc, RASK_ARGS(rask_take(s->future)));
    return NULL;
}

static void a_thread_may_leave_its_work(void) {
    gate *g = gate_new();
    shared s = {submit_held(client, g, 0), 0};
    for (int i = 0; i < 20; i++)
        join_thread(start_thread(submit_and_leave, &s));
    gate_open(g);
    CHECK_I64(s.future, 20);
    CHECK_OK(rask_release(s.future));
}

int main(void) {
    RUN_WITH(1, at_random);
    RUN_WITH(4, at_random);
    RUN_WITH(2, everybody_clones_the_same);
    RUN_WITH(2, one_chain_by_all);
    RUN_WITH(2, threads_come_and_go);
    RUN_WITH(2, a_thread_may_leave_its_work);
    return 0;
}
