/* Resources: held while a task runs, never more than there are, given back on every way out. */
#include "resources.h"

/* ---- texts ---- */

static const char *const malformed[] = {
    "",
    ",",
    "GPU",
    "GPU=",
    "=1",
    "=",
    "GPU=0",
    "GPU=-1",
    "GPU=+1",
    "GPU=1.0",
    "GPU=x",
    "GPU=1x",
    "GPU=0x1",
    "GPU=1,",
    ",GPU=1",
    "GPU=1,,a=1",
    "GPU=1 ",
    " GPU=1",
    "GPU =1",
    "GPU= 1",
    "GPU=1, a=1",
    "GPU\t=1",
    "GPU=1\n",
    "GPU=1=1",
    "GPU==1",
    "GPU=1,GPU=1",
    "a=1,b=1,a=2",
    "GPU=1;a=1",
    "\xff\xfe=1",
    "GPU=18446744073709551616",
    "GPU=99999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
};
enum { N_MALFORMED = sizeof malformed / sizeof *malformed };

static void malformed_texts(void) {
    rask_client own = open_with(1, "GPU=2,a=1,b=1");
    for (int i = 0; i < N_MALFORMED; i++) {
        rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
        options.resources = malformed[i];
        if (rask_client_open(&options).id != 0)
            FAIL_AT(__FILE__, __LINE__, "\"%s\" opened a client", malformed[i]);
        CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
        CHECK_STR_CONTAINS(rask_last_error(), "resources");

        rask_future f = submit_to(own, malformed[i], 0, inc, RASK_ARGS(1));
        CHECK_FAILS(f, RASK_E_INVALID);
        CHECK_STR_CONTAINS(ERROR_OF(f).message, "resources");
        CHECK_OK(rask_release(f));
    }
    CHECK_OK(rask_client_close(own));
}

/* Endless texts, as many resources as there may be, and one more. */
static void long_texts(void) {
    size_t n = scaled(1000000);
    char *text = malloc(n + 3);
    CHECK(text != NULL);
    memset(text, 'x', n);
    memcpy(text + n, "=1", 3);
    rask_client own = open_with(1, text);
    rask_future f = submit_to(own, text, 0, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    text[n] = 'x';
    f = submit_to(own, text, 0, inc, RASK_ARGS(1));
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK(strlen(ERROR_OF(f).message) < 500);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(own));
    free(text);

    char many[65 * 8];
    int at = 0, at_most = 0;
    for (int i = 0; i < 65; i++) {
        at += snprintf(many + at, sizeof many - (size_t)at, "%sr%d=1", i ? "," : "", i);
        if (i == 63)
            at_most = at;
    }
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.resources = many;
    CHECK(rask_client_open(&options).id == 0);
    CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
    many[at_most] = 0;
    own = open_with(1, many);
    f = submit_to(own, many, 0, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(own));
}

static void what_can_never_be(void) {
    static const struct {
        const char *has, *asks, *names;
    } cases[] = {
        {NULL, "GPU=1", "GPU"},
        {"GPU=2", "GPU=3", "GPU"},
        {"GPU=2", "gpu=1", "gpu"},
        {"GPU=2", "GPU=1,a=1", "a"},
        {"GPU=2,a=1", "a=2", "a=2"},
        {"GPU=2", "GPU=18446744073709551615", "GPU"},
        {"GPU=18446744073709551615", "b=1", "b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rask_client own = open_with(1, cases[i].has);
        rask_future f = submit_to(own, cases[i].asks, 0, inc, RASK_ARGS(1)), out[2];
        CHECK_FAILS(f, RASK_E_INVALID);
        CHECK_STR_CONTAINS(ERROR_OF(f).message, cases[i].names);
        CHECK_OK(rask_release(f));
        rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
        options.resources = cases[i].asks;
        rask_arg items[2] = {rask_i64(1), rask_i64(2)};
        CHECK_OK(rask_map(own, inc, items, 2, &options, out));
        CHECK_FAILS(out[0], RASK_E_INVALID);
        CHECK_FAILS(out[1], RASK_E_INVALID);
        CHECK_OK(rask_release_all(out, 2));
        /* What is handed over is destroyed all the same. */
        probe p = {0};
        f = submit_to(own, cases[i].asks, 0, pass_on, RASK_ARGS(rask_object(&p, &probe_type)));
        CHECK_FAILS(f, RASK_E_INVALID);
        CHECK_EQ(destroyed(&p), 1);
        CHECK_OK(rask_release(f));
        CHECK_OK(rask_client_close(own));
    }
}

static void all_there_is_at_once(void) {
    rask_client own = open_with(2, "GPU=18446744073709551615,a=1");
    rask_future f[3];
    for (int i = 0; i < 3; i++)
        f[i] = submit_to(own, "a=1,GPU=18446744073709551615", 0, inc, RASK_ARGS(i));
    for (int i = 0; i < 3; i++)
        CHECK_I64(f[i], i + 1);
    CHECK_OK(rask_release_all(f, 3));
    CHECK_OK(rask_client_close(own));
}

/* ---- never more than there are ---- */

enum { GPUS = 3, LICENSES = 2 };
static const struct {
    const char *text;
    int gpus, licenses;
} needs[] = {
    {NULL, 0, 0},        {"GPU=1", 1, 0},     {"GPU=2", 2, 0},           {"GPU=3", 3, 0},
    {"license=1", 0, 1}, {"license=2", 0, 2}, {"GPU=1,license=1", 1, 1}, {"license=2,GPU=3", 3, 2},
};
enum { N_NEEDS = sizeof needs / sizeof *needs };
static atomic_int gpus, licenses, n_ran;

static void take_both(int64_t need) {
    CHECK(atomic_fetch_add(&gpus, needs[need].gpus) + needs[need].gpus <= GPUS);
    CHECK(atomic_fetch_add(&licenses, needs[need].licenses) + needs[need].licenses <= LICENSES);
}
static void give_both(int64_t need) {
    atomic_fetch_sub(&gpus, needs[need].gpus);
    atomic_fetch_sub(&licenses, needs[need].licenses);
    atomic_fetch_add(&n_ran, 1);
}

/* (need, anything …): counts what it holds; some fail, some wait, some return another's future. */
static void use(rask_task *t) {
    int64_t need = rask_arg_i64(t, 0);
    take_both(need);
    uint64_t seed = (uint64_t)(uintptr_t)t ^ (uint64_t)atomic_load(&n_ran) * 7919;
    seed |= 1;
    switch (random_next(&seed) % 8) {
    case 0:
        sched_yield();
        break;
    case 1:
        rask_fail(t, 1, "on purpose");
        break;
    case 2: {
        rask_future f = rask_submit(rask_task_client(t), inc, RASK_ARGS(1));
        int64_t out = 0;
        if (rask_result_i64(f, &out) == RASK_OK)
            CHECK_EQ(out, 2);
        CHECK_OK(rask_release(f));
        break;
    }
    case 3:
        rask_return_future(t, submit_to(rask_task_client(t), needs[need].text, 1, inc, RASK_ARGS(1)));
        break;
    default:
        break;
    }
    give_both(need);
}

static rask_client shared;
static void *submit_all_kinds(void *seed_at) {
    uint64_t seed = *(uint64_t *)seed_at;
    size_t n = scaled(20000);
    rask_future *f = calloc(n, sizeof *f);
    CHECK(f != NULL);
    for (size_t i = 0; i < n; i++) {
        int64_t need = (int64_t)(random_next(&seed) % N_NEEDS);
        int32_t priority = (int32_t)(random_next(&seed) % 3) - 1;
        if (i > 0 && random_next(&seed) % 3 == 0)
            f[i] = submit_to(shared, needs[need].text, priority, use,
                             RASK_ARGS(need, f[random_next(&seed) % i]));
        else
            f[i] = submit_to(shared, needs[need].text, priority, use, RASK_ARGS(need));
        if (random_next(&seed) % 20 == 0)
            (void)rask_cancel(f[i], NULL);
    }
    /* Some are given up while they wait. */
    for (size_t i = 0; i < n; i += 7) {
        CHECK_OK(rask_release(f[i]));
        f[i] = rask_submit(shared, nothing, RASK_NO_ARGS);
    }
    CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(f, n));
    free(f);
    return NULL;
}

static void never_exceeded(void) {
    for (uint32_t workers = 1; workers <= 8; workers *= 2) {
        shared = open_with(workers, "GPU=3,license=2");
        pthread_t threads[2];
        uint64_t seeds[2] = {workers, 1000 + workers};
        for (int i = 0; i < 2; i++)
            threads[i] = start_thread(submit_all_kinds, &seeds[i]);
        for (int i = 0; i < 2; i++)
            join_thread(threads[i]);
        CHECK_OK(rask_client_wait(shared, LONG_NS));
        CHECK_EQ(atomic_load(&gpus), 0);
        CHECK_EQ(atomic_load(&licenses), 0);
        /* All of both is there again. */
        rask_future f = submit_to(shared, "GPU=3,license=2", 0, inc, RASK_ARGS(1));
        CHECK_I64(f, 2);
        CHECK_OK(rask_release(f));
        CHECK_OK(rask_client_close(shared));
    }
}

/* ---- given back ---- */

/* All of it can be had, and soon. */
static void check_all_back(rask_client own) {
    rask_future f = submit_to(own, "GPU=2", 0, inc, RASK_ARGS(41));
    CHECK_I64(f, 42);
    CHECK_OK(rask_release(f));
}

static void panics_not_but_reads_a_wrong_type(rask_task *t) { (void)rask_arg_str(t, 0); }
static void returns_a_future(rask_task *t) {
    rask_return_future(t, rask_submit(rask_task_client(t), held, RASK_ARGS(rask_arg_pointer(t, 0), 5)));
}

static void given_back_by_those_that_ran(void) {
    rask_client own = open_with(2, "GPU=2");
    gate *g = gate_new();
    rask_future f[5];
    f[0] = submit_to(own, "GPU=2", 0, inc, RASK_ARGS(1));
    CHECK_I64(f[0], 2);
    check_all_back(own);
    f[1] = submit_to(own, "GPU=2", 0, fail, RASK_ARGS(1, "on purpose"));
    CHECK_FAILS(f[1], RASK_E_TASK);
    check_all_back(own);
    f[2] = submit_to(own, "GPU=2", 0, panics_not_but_reads_a_wrong_type, RASK_ARGS(1));
    CHECK_FAILS(f[2], RASK_E_TYPE);
    check_all_back(own);
    /* Cancelled while it runs: given back when the function returns, not before. */
    f[3] = submit_to(own, "GPU=2", 0, held, RASK_ARGS(rask_pointer(g), 1));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(f[3], NULL));
    rask_future waits = submit_to(own, "GPU=1", 0, inc, RASK_ARGS(1));
    CHECK_STATUS(rask_wait(&waits, 1, RASK_ALL_COMPLETED, 20 * 1000 * 1000, NULL), RASK_E_TIMEOUT);
    CHECK_EQ(rask_future_state(waits), RASK_PENDING);
    gate_open(g);
    CHECK_I64(waits, 2);
    check_all_back(own);
    /* One that returned another's future holds nothing any more while it waits for that. */
    g = gate_new();
    f[4] = submit_to(own, "GPU=2", 0, returns_a_future, RASK_ARGS(rask_pointer(g)));
    GATE_REACHED(g, 1);
    check_all_back(own);
    CHECK_EQ(rask_future_state(f[4]), RASK_RUNNING);
    gate_open(g);
    CHECK_I64(f[4], 5);
    CHECK_OK(rask_release_all(f, 5));
    CHECK_OK(rask_release(waits));
    CHECK_OK(rask_client_close(own));
}

static void given_up_while_they_wait(void) {
    rask_client own = open_with(1, "GPU=2");
    for (int how = 0; how < 3; how++) {
        gate *g = gate_new();
        rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1)), failing, f[20];
        GATE_REACHED(g, 1);
        failing = submit_held(own, g, 1);
        for (int i = 0; i < 20; i++)
            f[i] = submit_to(own, i % 2 ? "GPU=2" : "GPU=1", i % 3, add, RASK_ARGS(1, failing));
        if (how == 0) {
            for (int i = 0; i < 20; i++)
                CHECK_OK(rask_cancel(f[i], NULL));
        } else if (how == 1) {
            CHECK_OK(rask_release_all(f, 20));
        } else {
            CHECK_OK(rask_cancel(failing, NULL));
            for (int i = 0; i < 20; i++)
                CHECK_FAILS(f[i], RASK_E_CANCELLED);
        }
        gate_open(g);
        check_all_back(own);
        if (how != 1)
            CHECK_OK(rask_release_all(f, 20));
        CHECK_OK(rask_release_all(RASK_FUTURES(holder, failing)));
    }
    CHECK_OK(rask_client_close(own));
}

/* With nothing else that happens: a big request is given up, and those behind it run although a holder still
 * holds. */
static void giving_up_lets_those_behind_run(void) {
    for (int how = 0; how < 2; how++) {
        rask_client own = open_with(3, "GPU=2");
        gate *g = gate_new();
        rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1));
        GATE_REACHED(g, 1);
        rask_future big = submit_to(own, "GPU=2", 1, inc, RASK_ARGS(1)),
                    small = submit_to(own, "GPU=1", 0, inc, RASK_ARGS(1));
        CHECK_STATUS(rask_wait(&small, 1, RASK_ALL_COMPLETED, 20 * 1000 * 1000, NULL), RASK_E_TIMEOUT);
        CHECK_OK(how ? rask_cancel(big, NULL) : rask_release(big));
        CHECK_I64(small, 2);
        CHECK_EQ(rask_future_state(holder), RASK_RUNNING);
        gate_open(g);
        if (how)
            CHECK_OK(rask_release(big));
        CHECK_OK(rask_release_all(RASK_FUTURES(holder, small)));
        CHECK_OK(rask_client_close(own));
    }
}

static void closed_while_some_run_and_some_wait(void) {
    enum { N = 200 };
    rask_client own = open_with(3, "GPU=1");
    gate *g = gate_new();
    rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1)), f[N];
    GATE_REACHED(g, 1);
    for (int i = 0; i < N; i++)
        f[i] = submit_to(own, "GPU=1", i % 3 - 1, inc, RASK_ARGS(i));
    gate_open(g);
    CHECK_OK(rask_client_close(own));
    for (int i = 0; i < N; i++) {
        rask_state state = rask_future_state(f[i]);
        CHECK(state == RASK_FINISHED || state == RASK_CANCELLED);
    }
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
}

/* (times): fails so many times. */
static atomic_int failures;
static void fail_at_first(rask_task *t) {
    CHECK_EQ(atomic_fetch_add(&gpus, 2), 0);
    if (atomic_fetch_add(&failures, 1) < (int)rask_arg_i64(t, 0))
        rask_fail(t, 1, "on purpose");
    atomic_fetch_sub(&gpus, 2);
}
/* Each run waits for its turn anew, and none is held between two. */
static void run_again(void) {
    rask_client own = open_with(2, "GPU=2");
    for (int delay = 0; delay < 2; delay++) {
        atomic_store(&failures, 0);
        rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
        options.resources = "GPU=2";
        options.retries = 3;
        options.retry_delay_ns = delay * 1000 * 1000;
        rask_future f = rask_submit_with(own, fail_at_first, RASK_ARGS(5), &options);
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_EQ(ERROR_OF(f).attempts, 4);
        check_all_back(own);
        CHECK_OK(rask_retry(f));
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_EQ(rask_future_state(f), RASK_FINISHED);
        check_all_back(own);
        CHECK_OK(rask_release(f));
    }
    CHECK_OK(rask_client_close(own));
}

/* Cancelled and retried while they wait: each runs once, when it can. */
static void retried_while_they_wait(void) {
    enum { N = 50 };
    rask_client own = open_with(2, "GPU=2");
    gate *g = gate_new();
    rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1)), f[N];
    GATE_REACHED(g, 1);
    atomic_int runs = 0;
    for (int i = 0; i < N; i++)
        f[i] = submit_to(own, i % 2 ? "GPU=2" : "GPU=1", i % 3, count, RASK_ARGS(rask_pointer(&runs)));
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < N; i++)
            if (rask_cancel(f[i], NULL) == RASK_OK)
                CHECK_OK(rask_retry(f[i]));
    gate_open(g);
    CHECK_OK(rask_wait(f, N, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_client_wait(own, LONG_NS));
    for (int i = 0; i < N; i++)
        CHECK_EQ(rask_future_state(f[i]), RASK_FINISHED);
    CHECK(atomic_load(&runs) >= N);
    check_all_back(own);
    CHECK_OK(rask_release_all(f, N));
    CHECK_OK(rask_release(holder));
    CHECK_OK(rask_client_close(own));
}

/* ---- many ---- */

static atomic_int in_use;
static void one_at_a_time(rask_task *t) {
    CHECK_EQ(atomic_fetch_add(&in_use, 1), 0);
    atomic_fetch_sub(&in_use, 1);
    rask_return_i64(t, rask_arg_i64(t, 0));
}
static void a_hundred_thousand(void) {
    size_t n = scaled(100000);
    rask_future *f = calloc(n, sizeof *f);
    CHECK(f != NULL);
    for (uint32_t workers = 1; workers <= 4; workers *= 2) {
        rask_client own = open_with(workers, "GPU=1");
        gate *g = gate_new();
        rask_future holder = submit_to(own, "GPU=1", 0, held, RASK_ARGS(rask_pointer(g), 1));
        GATE_REACHED(g, 1);
        for (size_t i = 0; i < n; i++)
            f[i] = submit_to(own, "GPU=1", (int32_t)(i % 3), one_at_a_time, RASK_ARGS((int64_t)i));
        gate_open(g);
        CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_I64(f[n - 1], (int64_t)n - 1);
        CHECK_OK(rask_release_all(f, n));
        CHECK_OK(rask_release(holder));
        CHECK_OK(rask_client_close(own));
    }
    free(f);
}

/* No two ask for the same amount, and one that is suspended holds some meanwhile. */
static void a_hundred_thousand_amounts(void) {
    size_t n = scaled(100000);
    rask_future *f = calloc(n, sizeof *f);
    CHECK(f != NULL);
    rask_client own = open_with(2, "memory=1000000");
    gate *g = gate_new();
    rask_future holder = submit_to(own, "memory=900000", 0, held, RASK_ARGS(rask_pointer(g), 1));
    GATE_REACHED(g, 1);
    for (size_t i = 0; i < n; i++) {
        char text[64];
        snprintf(text, sizeof text, "memory=%zu", 1000000 - 9 * i);
        f[i] = submit_to(own, text, 0, inc, RASK_ARGS((int64_t)i));
    }
    rask_future free_ones[100];
    for (int i = 0; i < 100; i++)
        free_ones[i] = rask_submit(own, inc, RASK_ARGS(i));
    CHECK_OK(rask_wait(free_ones, 100, RASK_ALL_COMPLETED, LONG_NS, NULL));
    gate_open(g);
    CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release_all(f, n));
    CHECK_OK(rask_release_all(free_ones, 100));
    CHECK_OK(rask_release(holder));
    CHECK_OK(rask_client_close(own));
    free(f);
}

int main(void) {
    RUN(malformed_texts);
    RUN(long_texts);
    RUN(what_can_never_be);
    RUN(all_there_is_at_once);
    RUN(never_exceeded);
    RUN(given_back_by_those_that_ran);
    RUN(given_up_while_they_wait);
    RUN(giving_up_lets_those_behind_run);
    RUN(closed_while_some_run_and_some_wait);
    RUN(run_again);
    RUN(retried_while_they_wait);
    RUN(a_hundred_thousand);
    RUN(a_hundred_thousand_amounts);
    return 0;
}
