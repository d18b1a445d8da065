/* Closing a client: cancels what has not started, waits for what runs, leaves values readable. */
#include "check.h"

typedef struct closing {
    rask_client client;
    rask_status status;
    atomic_int returned;
} closing;
static void *close_it(void *context) {
    closing *c = context;
    c->status = rask_client_close(c->client);
    atomic_store(&c->returned, 1);
    return NULL;
}

static void what_has_not_started_is_cancelled(void) {
    gate *g = gate_new();
    static atomic_int runs;
    atomic_store(&runs, 0);
    rask_future x = submit_held(client, g, 1), f[10];
    GATE_REACHED(g, 1);
    for (int i = 0; i < 10; i++) {
        rask_arg input = i % 2 ? rask_of(x) : rask_none(); /* waiting for an input, or for a worker */
        f[i] = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), input));
    }
    closing c = {client, 77, 0};
    pthread_t thread = start_thread(close_it, &c);
    for (int i = 0; i < 10; i++) {
        CHECK_FAILS(f[i], RASK_E_CANCELLED); /* before the running task ends */
        CHECK_STR_CONTAINS(ERROR_OF(f[i]).message, "client closed");
    }
    sleep_us(10000);
    CHECK_EQ(atomic_load(&c.returned), 0); /* what runs is waited for */
    CHECK_EQ(rask_future_state(x), RASK_RUNNING);
    gate_open(g);
    join_thread(thread);
    CHECK_OK(c.status);
    CHECK_EQ(atomic_load(&g->left), 1);
    CHECK_I64(x, 1); /* its result counts */
    CHECK_EQ(atomic_load(&runs), 0);
    CHECK_OK(rask_release_all(f, 10));
    CHECK_OK(rask_release(x));
}

static void values_stay_readable(void) {
    rask_future f[] = {rask_submit(client, inc, RASK_ARGS(41)),
                       rask_submit(client, pass_on, RASK_ARGS("not an inline text, it is too long")),
                       rask_submit(client, fail, RASK_ARGS(3, "broken")), rask_scatter(client, rask_i64(5))};
    rask_status statuses[4];
    const rask_value *values[4];
    CHECK_OK(rask_wait(f, 4, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_client_close(client));
    CHECK_I64(f[0], 42);
    CHECK_TEXT(f[1], "not an inline text, it is too long");
    CHECK_FAILS(f[2], RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(f[2]).message, "broken");
    CHECK(rask_future_key(f[0]) != NULL);
    CHECK_OK(rask_wait(f, 4, RASK_ALL_COMPLETED, RASK_FOREVER, NULL));
    CHECK_OK(rask_gather(f, 4, RASK_FOREVER, values, statuses));
    CHECK_STATUS(statuses[2], RASK_E_TASK);
    CHECK_STATUS(rask_cancel(f[0], NULL), RASK_E_STATE);
    rask_future c = rask_clone(f[3]);
    CHECK_I64(c, 5);
    CHECK_OK(rask_release(c));
    CHECK_OK(rask_release_all(f, 4));
    CHECK_EQ(rask_live_handles(), 0);
}

static void submitting_to_a_closed_client(void) {
    rask_future f = rask_scatter(client, rask_i64(1)), out[2] = {{77}, {77}};
    rask_arg items[] = {rask_i64(1), rask_of(f)};
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(rask_submit(client, inc, RASK_ARGS(f)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
    CHECK_EQ(rask_submit(client, NULL, NULL, 3).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
    CHECK_EQ(submit_named(client, "late", inc, RASK_ARGS(1)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
    CHECK_EQ(rask_scatter(client, rask_i64(1)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
    CHECK_STATUS(rask_map(client, inc, items, 2, NULL, out), RASK_E_CLOSED);
    CHECK_EQ(out[0].id, 0);
    CHECK_EQ(out[1].id, 0);
    CHECK_OK(rask_release(f));
}

static void twice(void) {
    CHECK_OK(rask_client_close(client));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(rask_live_handles(), 0);
}

static void a_closed_client_is_remembered(void) {
    enum { N = 50 };
    rask_client closed[N];
    for (int i = 0; i < N; i++) {
        closed[i] = open_workers(1);
        for (int k = 0; k < i; k++)
            CHECK(closed[k].id != closed[i].id);
        CHECK_OK(rask_client_close(closed[i]));
    }
    for (int i = 0; i < N; i++) {
        CHECK_EQ(rask_submit(closed[i], inc, RASK_ARGS(1)).id, 0);
        CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
        CHECK_OK(rask_client_close(closed[i]));
    }
    CHECK_EQ(rask_live_handles(), 0);
}

static void concurrent_closers(void) {
    enum { N = 6 };
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    closing c[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        c[i] = (closing){client, 77, 0};
        threads[i] = start_thread(close_it, &c[i]);
    }
    sleep_us(20000);
    for (int i = 0; i < N; i++)
        CHECK_EQ(atomic_load(&c[i].returned), 0); /* each returns after the last task */
    gate_open(g);
    for (int i = 0; i < N; i++) {
        join_thread(threads[i]);
        CHECK_OK(c[i].status);
    }
    CHECK_I64(f, 1);
    CHECK_OK(rask_release(f));
}

static void *wait_for_cancel(void *context) {
    const rask_value *value = NULL;
    CHECK_STATUS(rask_result(*(rask_future *)context, LONG_NS, &value), RASK_E_CANCELLED);
    return NULL;
}

static void waiters_wake_up(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f = rask_submit(client, inc, RASK_ARGS(x));
    GATE_REACHED(g, 1);
    pthread_t waiter = start_thread(wait_for_cancel, &f);
    sleep_us(5000);
    closing c = {client, 77, 0};
    pthread_t thread = start_thread(close_it, &c);
    join_thread(waiter);
    gate_open(g);
    join_thread(thread);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

typedef struct submitter {
    rask_client client;
    uint64_t accepted, after_closed;
} submitter;
static atomic_int ran;
static void *submit_until_closed(void *context) {
    submitter *s = context;
    rask_future last = {0};
    for (;;) {
        rask_arg input = last.id ? rask_take(last) : rask_none();
        rask_future f = rask_submit(s->client, count, RASK_ARGS(rask_pointer(&ran), input));
        if (f.id == 0) {
            CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
            break;
        }
        s->accepted++;
        last = f;
        if (s->accepted % 8 == 0) {
            CHECK_OK(rask_release(last));
            last.id = 0;
        }
    }
    for (int i = 0; i < 10; i++) { /* closed once, closed for good */
        CHECK_EQ(rask_submit(s->client, count, RASK_ARGS(rask_pointer(&ran))).id, 0);
        CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
        s->after_closed++;
    }
    return NULL;
}

static void submitters_race_with_close(void) {
    size_t rounds = small_scale() ? 3 : 50;
    for (size_t round = 0; round < rounds; round++) {
        rask_client racing = open_workers(2);
        submitter s[4];
        pthread_t threads[4];
        atomic_store(&ran, 0);
        for (int i = 0; i < 4; i++) {
            s[i] = (submitter){racing, 0, 0};
            threads[i] = start_thread(submit_until_closed, &s[i]);
        }
        sleep_us((long)(round % 10) * 500);
        CHECK_OK(rask_client_close(racing));
        int before = atomic_load(&ran);
        uint64_t accepted = 0;
        for (int i = 0; i < 4; i++) {
            join_thread(threads[i]);
            accepted += s[i].accepted;
            CHECK_EQ(s[i].after_closed, 10);
        }
        CHECK_EQ(atomic_load(&ran), before); /* nothing runs after close has returned */
        CHECK((uint64_t)before <= accepted);
        CHECK_EQ(rask_live_handles(), 0);
    }
}

static void *release_all_of_them(void *context) {
    rask_future *f = context;
    for (int i = 0; i < 1000; i++)
        CHECK_OK(rask_release(f[i]));
    return NULL;
}

static void releases_race_with_close(void) {
    static rask_future f[1000];
    size_t rounds = small_scale() ? 3 : 50;
    for (size_t round = 0; round < rounds; round++) {
        rask_client racing = open_workers(2);
        for (int i = 0; i < 1000; i++)
            f[i] = i % 3 ? rask_submit(racing, inc, RASK_ARGS(f[i - 1]))
                         : rask_submit(racing, inc, RASK_ARGS(i));
        pthread_t thread = start_thread(release_all_of_them, f);
        CHECK_OK(rask_client_close(racing));
        join_thread(thread);
        CHECK_EQ(rask_live_handles(), 0);
    }
}

static void submit_forever(rask_task *t) {
    rask_future f = rask_submit(rask_task_client(t), submit_forever, RASK_NO_ARGS);
    if (f.id == 0) {
        CHECK_STATUS(rask_last_status(), RASK_E_CLOSED);
        return;
    }
    CHECK_OK(rask_fire_and_forget(f));
}

static void tasks_that_submit_forever(void) {
    rask_future f = rask_submit(client, submit_forever, RASK_NO_ARGS);
    CHECK_OK(rask_fire_and_forget(f));
    sleep_us(5000);
    CHECK_OK(rask_client_close(client)); /* ends, all the same */
}

static void many_clients(void) {
    size_t n = small_scale() ? 10 : 300;
    for (size_t i = 0; i < n; i++) {
        rask_client one = open_workers(1 + (uint32_t)(i % 4));
        rask_future f = rask_submit(one, inc, RASK_ARGS((int64_t)i));
        if (i % 2)
            CHECK_I64(f, (int64_t)i + 1);
        CHECK_OK(rask_client_close(one));
        CHECK_OK(rask_release(f));
        CHECK_EQ(rask_live_handles(), 0);
    }
}

static void many_clients_at_once(void) {
    enum { N = 20 };
    rask_client all[N];
    rask_future f[N];
    for (int i = 0; i < N; i++)
        all[i] = open_workers(2);
    for (int i = 0; i < N; i++)
        f[i] = rask_submit(all[i], inc, RASK_ARGS(i));
    for (int i = 0; i < N; i++)
        CHECK_I64(f[i], i + 1);
    for (int i = 0; i < N; i += 2)
        CHECK_OK(rask_client_close(all[i]));
    for (int i = 1; i < N; i += 2) {
        rask_future again = rask_submit(all[i], inc, RASK_ARGS(f[i]));
        CHECK_I64(again, i + 2);
        CHECK_OK(rask_release(again));
        CHECK_OK(rask_client_close(all[i]));
    }
    CHECK_OK(rask_release_all(f, N));
}

static void by_default_a_client_has_workers(void) {
    rask_client one = rask_client_open(NULL);
    CHECK(one.id != 0);
    CHECK(stats_of(one).n_workers >= 1);
    rask_future f = rask_submit(one, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(one));
}

/* A ring of tasks that return each other's futures, too long for anybody to notice: nothing but a close ends
 * it. */
enum { RING = 3000 };
static rask_future ring[RING];
static void return_the_next(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    rask_return_future(t, rask_clone(ring[(rask_arg_i64(t, 1) + 1) % RING]));
}
static void count_cancelled(rask_future future, rask_state state, void *context) {
    (void)future;
    if (state == RASK_CANCELLED)
        atomic_fetch_add((atomic_int *)context, 1);
}
static void ends_what_waits_for_itself(void) {
    gate *g = gate_new();
    atomic_int n = 0;
    rask_client own = open_workers(2);
    for (int i = 0; i < RING; i++) {
        ring[i] = rask_submit(own, return_the_next, RASK_ARGS(rask_pointer(g), i));
        CHECK_OK(rask_on_done(ring[i], count_cancelled, &n));
    }
    gate_open(g);
    while (stats_of(own).n_executed < RING)
        sched_yield();
    CHECK_OK(rask_client_close(own));
    CHECK_EQ(atomic_load(&n), RING);
    CHECK_OK(rask_release_all(ring, RING));
}

int main(void) {
    RUN_WITH(1, what_has_not_started_is_cancelled);
    RUN_WITH(2, values_stay_readable);
    RUN_WITH(2, submitting_to_a_closed_client);
    RUN_WITH(2, twice);
    RUN(a_closed_client_is_remembered);
    RUN_WITH(2, concurrent_closers);
    RUN_WITH(1, waiters_wake_up);
    RUN(submitters_race_with_close);
    RUN(releases_race_with_close);
    RUN_WITH(2, tasks_that_submit_forever);
    RUN(many_clients);
    RUN(many_clients_at_once);
    RUN(by_default_a_client_has_workers);
    RUN(ends_what_waits_for_itself);
    return 0;
}
