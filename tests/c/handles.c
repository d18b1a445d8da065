/* Handles: one that is null, stale, of another kind or nobody's does no harm, and says what it is; released,
 * cloned, taken, each once. */
#include "check.h"

/* Calls everything that takes a future. Each must say that this is none. */
static void refuses_future(rask_future bad) {
    const rask_value *value = (const rask_value *)&bad;
    const void *data = &bad;
    size_t size = 77;
    int64_t i = 77;
    double d = 77;
    bool done = true;
    char text[64];
    rask_status status = RASK_OK;
    rask_error error = RASK_ERROR_INIT;
    CHECK_STATUS(rask_future_state(bad), RASK_E_HANDLE);
    CHECK(rask_future_key(bad) == NULL);
    (void)rask_future_describe(bad, text, sizeof text);
    CHECK_STATUS(rask_result(bad, RASK_FOREVER, &value), RASK_E_HANDLE);
    CHECK(value == NULL);
    CHECK_STATUS(rask_result(bad, 0, &value), RASK_E_HANDLE);
    CHECK_STATUS(rask_result_i64(bad, &i), RASK_E_HANDLE);
    CHECK_EQ(i, 0);
    CHECK_STATUS(rask_result_f64(bad, &d), RASK_E_HANDLE);
    CHECK(d == 0);
    CHECK_STATUS(rask_result_bytes(bad, &data, &size), RASK_E_HANDLE);
    CHECK(data == NULL && size == 0);
    CHECK_STATUS(rask_future_error(bad, &error), RASK_E_HANDLE);
    CHECK_STATUS(rask_cancel(bad, "why"), RASK_E_HANDLE);
    CHECK_EQ(rask_clone(bad).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
    CHECK_STATUS(rask_fire_and_forget(bad), RASK_E_HANDLE);
    CHECK_STATUS(rask_wait(&bad, 1, RASK_ALL_COMPLETED, RASK_FOREVER, &done), RASK_E_HANDLE);
    CHECK_STATUS(rask_wait(&bad, 1, RASK_FIRST_COMPLETED, 0, NULL), RASK_E_HANDLE);
    CHECK_STATUS(rask_wait(&bad, 1, RASK_FIRST_ERROR, RASK_FOREVER, NULL), RASK_E_HANDLE);
    value = (const rask_value *)&bad;
    CHECK_STATUS(rask_gather(&bad, 1, RASK_FOREVER, &value, NULL), RASK_E_HANDLE);
    CHECK(value == NULL);
    value = (const rask_value *)&bad;
    (void)rask_gather(&bad, 1, RASK_FOREVER, &value, &status);
    CHECK(value == NULL);
    CHECK_STATUS(status, RASK_E_HANDLE);
    CHECK_STATUS(rask_progress(&bad, 1, "label"), RASK_E_HANDLE);
    CHECK_STATUS(rask_progress_start(&bad, 1, "label"), RASK_E_HANDLE);
    if (bad.id) { /* releasing null is no failure */
        CHECK_STATUS(rask_release(bad), RASK_E_HANDLE);
        CHECK_STATUS(rask_release_all(&bad, 1), RASK_E_HANDLE);
    }
    const rask_arg as_argument[] = {rask_of(bad), rask_take(bad), rask_list_of(&bad, 1)};
    for (int k = 0; k < 3; k++) {
        rask_future f = rask_submit(client, nothing, &as_argument[k], 1);
        CHECK_FAILS(f, RASK_E_HANDLE);
        CHECK_OK(rask_release(f));
    }
}

static void refuses_client(rask_client bad) {
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    rask_future out = {77};
    rask_arg item = rask_i64(1);
    CHECK_STATUS(rask_client_wait(bad, RASK_FOREVER), RASK_E_HANDLE);
    CHECK_STATUS(rask_client_close(bad), RASK_E_HANDLE);
    CHECK_STATUS(rask_client_get_stats(bad, &stats), RASK_E_HANDLE);
    CHECK_STATUS(rask_client_dump(bad, NULL), RASK_E_HANDLE);
    CHECK_STATUS(rask_trace_start(bad, "/dev/null"), RASK_E_HANDLE);
    CHECK_STATUS(rask_trace_stop(bad), RASK_E_HANDLE);
    CHECK_EQ(rask_submit(bad, nothing, RASK_NO_ARGS).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
    CHECK_EQ(rask_submit_with(bad, nothing, RASK_NO_ARGS, NULL).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
    CHECK_EQ(rask_scatter(bad, rask_i64(1)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
    CHECK_STATUS(rask_map(bad, nothing, &item, 1, NULL, &out), RASK_E_HANDLE);
    CHECK_EQ(out.id, 0);
}

static void null_handles(void) {
    refuses_future((rask_future){0});
    refuses_client((rask_client){0});
    CHECK_OK(rask_release((rask_future){0}));
    CHECK_OK(rask_release_all(RASK_FUTURES((rask_future){0}, (rask_future){0})));
}

static void stale_handles(void) {
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    refuses_future(f);
    for (int i = 0; i < 100; i++) { /* also when its place is used again */
        rask_future other = rask_scatter(client, rask_i64(i));
        CHECK(other.id != f.id);
        CHECK_STATUS(rask_future_state(f), RASK_E_HANDLE);
        CHECK_OK(rask_release(other));
    }
    rask_future a = rask_scatter(client, rask_i64(1)), b = rask_clone(a);
    CHECK_OK(rask_release(b));
    refuses_future(b);
    CHECK_I64(a, 1);
    CHECK_OK(rask_release(a));
}

static void handles_of_the_wrong_kind(void) {
    rask_future f = rask_scatter(client, rask_i64(1)), clone = rask_clone(f);
    refuses_future((rask_future){client.id});
    refuses_client((rask_client){f.id});
    refuses_client((rask_client){clone.id});
    CHECK_I64(f, 1);
    CHECK_I64(clone, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, clone)));
}

static void ids_that_nobody_gave(void) {
    uint64_t seed = 20260101;
    rask_future f = rask_scatter(client, rask_i64(1)), clone = rask_clone(f);
    for (int bit = 0; bit < 64; bit++) {
        const uint64_t ids[] = {f.id ^ 1ULL << bit, clone.id ^ 1ULL << bit, client.id ^ 1ULL << bit};
        for (int i = 0; i < 3; i++) {
            if (ids[i] == 0 || ids[i] == f.id || ids[i] == clone.id || ids[i] == client.id)
                continue;
            refuses_future((rask_future){ids[i]});
            refuses_client((rask_client){ids[i]});
        }
    }
    size_t n = scaled(20000);
    for (size_t i = 0; i < n; i++) {
        uint64_t id = random_next(&seed);
        if (i % 4 == 1)
            id &= UINT32_MAX;
        if (i % 4 == 2)
            id = f.id ^ (id % 65536);
        if (i % 4 == 3)
            id = clone.id ^ (id << 40);
        if (id == 0 || id == f.id || id == clone.id || id == client.id)
            continue;
        refuses_future((rask_future){id});
        refuses_client((rask_client){id});
    }
    CHECK_I64(f, 1);
    CHECK_I64(clone, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, clone)));
}

static void handles_are_counted(void) {
    CHECK_EQ(rask_live_handles(), 1); /* the client's */
    rask_future f = rask_scatter(client, rask_i64(1));
    CHECK_EQ(rask_live_handles(), 2);
    rask_future g = rask_clone(f);
    CHECK_EQ(rask_live_handles(), 3);
    CHECK_OK(rask_release(f));
    CHECK_EQ(rask_live_handles(), 2);
    CHECK_STATUS(rask_release(f), RASK_E_HANDLE);
    CHECK_EQ(rask_live_handles(), 2);
    CHECK_OK(rask_release(g));
    CHECK_EQ(rask_live_handles(), 1);
    f = rask_submit(client, NULL, RASK_NO_ARGS); /* a future in error is one, too */
    CHECK_EQ(rask_live_handles(), 2);
    CHECK_OK(rask_release(f));
    rask_client other = open_workers(1);
    CHECK_EQ(rask_live_handles(), 2);
    CHECK_OK(rask_client_close(other));
    CHECK_EQ(rask_live_handles(), 1);
}

/* ---- release ---- */

static void released_twice(void) {
    gate *g = gate_new();
    rask_future f = rask_scatter(client, rask_i64(1)), pending = submit_held(client, g, 1);
    CHECK_OK(rask_release(f));
    CHECK_STATUS(rask_release(f), RASK_E_HANDLE);
    CHECK_OK(rask_release(pending));
    CHECK_STATUS(rask_release(pending), RASK_E_HANDLE);
    gate_open(g);
}

static void release_all_goes_on(void) {
    rask_future f[5];
    for (int i = 0; i < 5; i++)
        f[i] = i == 3 ? (rask_future){0} : rask_scatter(client, rask_i64(i));
    CHECK_OK(rask_release(f[1]));
    rask_future third = rask_clone(f[2]);
    CHECK_STATUS(rask_release_all(f, 5), RASK_E_HANDLE);
    for (int i = 0; i < 5; i++)
        if (i != 3)
            CHECK_STATUS(rask_future_state(f[i]), RASK_E_HANDLE);
    CHECK_OK(rask_release(third));
}

typedef struct race {
    pthread_barrier_t *start;
    rask_future future;
    rask_status status;
} race;
static void *release_at_once(void *context) {
    race *r = context;
    pthread_barrier_wait(r->start);
    r->status = rask_release(r->future);
    return NULL;
}

static void the_bad_one_of_several_is_named(void) {
    rask_future good = rask_scatter(client, rask_i64(1)), wrong = rask_submit(client, NULL, RASK_NO_ARGS);
    rask_future f[] = {good, good, {client.id}, good}, unlike[] = {wrong, {0}};
    rask_as_completed iter = rask_as_completed_open(f, 2);
    for (int i = 0; i < 7; i++) {
        rask_status statuses[4];
        switch (i) {
        case 0:
            CHECK_STATUS(rask_wait(f, 4, RASK_ALL_COMPLETED, LONG_NS, NULL), RASK_E_HANDLE);
            break;
        case 1:
            CHECK_STATUS(rask_gather(f, 4, LONG_NS, NULL, statuses), RASK_E_HANDLE);
            break;
        case 2:
            CHECK_STATUS(rask_gather(f, 4, LONG_NS, NULL, NULL), RASK_E_HANDLE);
            break;
        case 3:
            CHECK_EQ(rask_as_completed_open(f, 4).id, 0);
            break;
        case 4:
            CHECK_STATUS(rask_as_completed_add(iter, f, 4), RASK_E_HANDLE);
            break;
        case 5:
            CHECK_STATUS(rask_progress(f, 4, NULL), RASK_E_HANDLE);
            break;
        default:
            CHECK_STATUS(rask_progress_start(f, 4, NULL), RASK_E_HANDLE);
            break;
        }
        CHECK_STR_CONTAINS(rask_last_error(), "future 2: ");
        CHECK_STR_CONTAINS(rask_last_error(), "client");
    }
    /* An error of a future is not the handle's. */
    CHECK_STATUS(rask_gather(unlike, 2, LONG_NS, NULL, NULL), RASK_E_INVALID);
    CHECK(strstr(rask_last_error(), "future 0") == NULL);
    CHECK_STATUS(rask_release_all(f, 4), RASK_E_HANDLE);
    CHECK_STR_CONTAINS(rask_last_error(), "future 1: "); /* the first handle was given twice */
    CHECK_OK(rask_release(wrong));
    CHECK_OK(rask_as_completed_close(iter));
}

static void released_by_two_threads_at_once(void) {
    size_t rounds = scaled(2000);
    pthread_barrier_t start;
    CHECK_EQ(pthread_barrier_init(&start, NULL, 2), 0);
    for (size_t i = 0; i < rounds; i++) {
        rask_future f = i % 2 ? rask_scatter(client, rask_i64(1)) : rask_submit(client, inc, RASK_ARGS(1));
        rask_future keep = i % 4 < 2 ? rask_clone(f) : (rask_future){0}, raced = i % 8 == 1 ? keep : f;
        race a = {&start, raced, 77}, b = {&start, raced, 77};
        pthread_t other = start_thread(release_at_once, &a);
        release_at_once(&b);
        join_thread(other);
        CHECK((a.status == RASK_OK && b.status == RASK_E_HANDLE) ||
              (b.status == RASK_OK && a.status == RASK_E_HANDLE));
        rask_future rest = raced.id == f.id ? keep : f;
        if (rest.id) {
            CHECK(rask_future_state(rest) >= 0); /* the other handle is still good */
            CHECK_OK(rask_release(rest));
        }
    }
    pthread_barrier_destroy(&start);
}

typedef struct waiter {
    rask_future future, other;
    int how;
    atomic_int started;
    rask_status status;
} waiter;
static void *wait_for_it(void *context) {
    waiter *w = context;
    const rask_value *values[2];
    rask_status statuses[2] = {77, 77};
    rask_future both[] = {w->other, w->future};
    int64_t out;
    atomic_store(&w->started, 1);
    switch (w->how) {
    case 0:
        w->status = rask_result(w->future, RASK_FOREVER, &values[0]);
        break;
    case 1:
        w->status = rask_result(w->future, LONG_NS, &values[0]);
        break;
    case 2:
        w->status = rask_result_i64(w->future, &out);
        break;
    case 3:
        w->status = rask_wait(&w->future, 1, RASK_ALL_COMPLETED, RASK_FOREVER, NULL);
        break;
    case 4:
        w->status = rask_wait(both, 2, RASK_ALL_COMPLETED, RASK_FOREVER, NULL);
        break;
    case 5:
        w->status = rask_wait(both, 2, RASK_FIRST_COMPLETED, RASK_FOREVER, NULL);
        break;
    case 6:
        w->status = rask_wait(both, 2, RASK_FIRST_ERROR, LONG_NS, NULL);
        break;
    default:
        w->status = rask_gather(both, 2, RASK_FOREVER, values, NULL);
        break;
    }
    (void)statuses;
    return NULL;
}

static void a_release_ends_the_wait_of_another_thread(void) {
    for (int how = 0; how < 8; how++) {
        for (int kept = 0; kept < 2; kept++) {
            gate *g = gate_new();
            rask_future f = submit_held(client, g, 1), other = submit_held(client, g, 2);
            rask_future keep = kept ? rask_clone(f) : (rask_future){0};
            waiter w = {f, other, how, 0, 77};
            pthread_t thread = start_thread(wait_for_it, &w);
            EVENTUALLY(atomic_load(&w.started));
            sleep_us(5000);
            CHECK_OK(rask_release(f));
            join_thread(thread); /* before the gate is opened */
            CHECK_STATUS(w.status, RASK_E_HANDLE);
            CHECK(!atomic_load(&g->open));
            if (kept) {
                CHECK(rask_future_state(keep) <= RASK_RUNNING);
                gate_open(g);
                CHECK_I64(keep, 1);
                CHECK_OK(rask_release(keep));
            }
            gate_open(g);
            CHECK_OK(rask_release(other));
            CHECK_OK(rask_client_wait(client, LONG_NS));
        }
    }
}

static void releasing_a_clone_leaves_other_waiters_alone(void) {
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 1), clone = rask_clone(f);
    waiter w = {f, f, 0, 0, 77};
    pthread_t thread = start_thread(wait_for_it, &w);
    EVENTUALLY(atomic_load(&w.started));
    sleep_us(5000);
    CHECK_OK(rask_release(clone));
    sleep_us(5000);
    gate_open(g);
    join_thread(thread);
    CHECK_OK(w.status);
    CHECK_OK(rask_release(f));
}

/* ---- clone and take ---- */

static void clones_have_ids_of_their_own(void) {
    enum { N = 1000 };
    rask_future f[N];
    f[0] = rask_submit(client, inc, RASK_ARGS(1));
    for (int i = 1; i < N; i++) {
        f[i] = rask_clone(f[i / 2]);
        CHECK(f[i].id != 0);
        CHECK(f[i].id != f[i - 1].id && f[i].id != f[i / 2].id && f[i].id != f[0].id);
    }
    for (int i = 0; i < N; i += 2)
        CHECK_OK(rask_release(f[i]));
    for (int i = 1; i < N; i += 2) {
        CHECK_STATUS(rask_future_state(f[i - 1]), RASK_E_HANDLE);
        CHECK_I64(f[i], 2);
        CHECK_OK(rask_release(f[i]));
    }
}

static void clones_in_every_state(void) {
    gate *g = gate_new();
    rask_future f[4], c[4];
    f[0] = submit_held(client, g, 5);
    f[1] = rask_submit(client, inc, RASK_ARGS(f[0]));
    f[2] = rask_submit(client, NULL, RASK_NO_ARGS);
    f[3] = rask_submit(client, inc, RASK_ARGS(f[0]));
    CHECK_OK(rask_cancel(f[3], NULL));
    for (int i = 0; i < 4; i++) {
        c[i] = rask_clone(f[i]);
        rask_state state = rask_future_state(c[i]); /* once: the held task may begin to run at any moment */
        CHECK_EQ(state == RASK_RUNNING ? RASK_PENDING : state,
                 i < 2 ? RASK_PENDING : (i == 2 ? RASK_ERROR : RASK_CANCELLED));
        CHECK_STR_EQ(rask_future_key(c[i]), rask_future_key(f[i]));
    }
    CHECK_OK(rask_release_all(f, 4));
    gate_open(g);
    CHECK_I64(c[0], 5);
    CHECK_I64(c[1], 6);
    CHECK_FAILS(c[2], RASK_E_INVALID);
    CHECK_FAILS(c[3], RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(c, 4));
}

static void a_taken_handle_is_stale(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 41), keep = rask_clone(x),
                y = rask_submit(client, inc, RASK_ARGS(rask_take(x)));
    CHECK_STATUS(rask_future_state(x), RASK_E_HANDLE);
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
    CHECK(rask_future_state(keep) >= 0);
    gate_open(g);
    CHECK_I64(y, 42);
    CHECK_I64(keep, 41);
    CHECK_OK(rask_release_all(RASK_FUTURES(keep, y)));
}

static void taken_on_every_path(void) {
    rask_future x = rask_scatter(client, rask_i64(1));
    rask_future f = rask_submit(client, NULL, RASK_ARGS(rask_take(x)));
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
    CHECK_OK(rask_release(f));

    x = rask_scatter(client, rask_i64(1));
    f = rask_submit(client, inc, RASK_ARGS(rask_str(NULL), rask_take(x)));
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
    CHECK_OK(rask_release(f));

    x = rask_scatter(client, rask_i64(1));
    CHECK_EQ(rask_submit((rask_client){0}, inc, RASK_ARGS(rask_take(x))).id, 0);
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);

    x = rask_scatter(client, rask_i64(1)); /* of another client: refused, and taken */
    rask_client other = open_workers(1);
    f = rask_submit(other, inc, RASK_ARGS(rask_take(x)));
    CHECK_FAILS(f, RASK_E_HANDLE);
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
    CHECK_OK(rask_release(f));

    x = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_client_close(other));
    CHECK_EQ(rask_submit(other, inc, RASK_ARGS(rask_take(x))).id, 0);
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);

    x = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_OK(rask_fire_and_forget(x));
    CHECK_STATUS(rask_release(x), RASK_E_HANDLE);
}

static void taken_twice_in_one_call(void) {
    rask_future x = rask_scatter(client, rask_i64(21));
    rask_future f = rask_submit(client, add, RASK_ARGS(rask_take(x), rask_take(x)));
    CHECK(f.id != 0);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_STATUS(rask_future_state(x), RASK_E_HANDLE);
    CHECK_OK(rask_release(f));
}

static void futures_of_another_client(void) {
    gate *g = gate_new();
    rask_client other = open_workers(1);
    rask_future finished = rask_scatter(other, rask_i64(1)), pending = submit_held(other, g, 2);
    rask_future a = rask_submit(client, inc, RASK_ARGS(finished)),
                b = rask_submit(client, inc, RASK_ARGS(pending));
    CHECK_FAILS(a, RASK_E_HANDLE);
    CHECK_FAILS(b, RASK_E_HANDLE);
    gate_open(g);
    CHECK_I64(pending, 2);
    CHECK_I64(finished, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(finished, pending, a, b)));
    CHECK_OK(rask_client_close(other));
}

int main(void) {
    RUN_WITH(2,
             ids_that_nobody_gave); /* first: the ids of closed clients are remembered, and are no garbage */
    RUN_WITH(2, null_handles);
    RUN_WITH(2, stale_handles);
    RUN_WITH(2, handles_of_the_wrong_kind);
    RUN_WITH(2, handles_are_counted);
    RUN_WITH(2, released_twice);
    RUN_WITH(2, release_all_goes_on);
    RUN_WITH(2, the_bad_one_of_several_is_named);
    RUN_WITH(2, released_by_two_threads_at_once);
    RUN_WITH(2, a_release_ends_the_wait_of_another_thread);
    RUN_WITH(2, releasing_a_clone_leaves_other_waiters_alone);
    RUN_WITH(2, clones_have_ids_of_their_own);
    RUN_WITH(2, clones_in_every_state);
    RUN_WITH(2, a_taken_handle_is_stale);
    RUN_WITH(2, taken_on_every_path);
    RUN_WITH(2, taken_twice_in_one_call);
    RUN_WITH(2, futures_of_another_client);
    return 0;
}
