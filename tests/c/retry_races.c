/* rask_retry against cancel, release, submit, close, completion and itself. What came of a race may be the
 * one or the other; that everything has one of its ends, and every object one death, is checked. */
#include "machine.h"

enum { THREADS = 4 };

typedef struct worker {
    pthread_t thread;
    uint64_t random;
} worker;

static void run_threads(void *(*fn)(void *)) {
    worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i].random = 0x9e3779b97f4a7c15ULL * (uint64_t)(i + 1);
        workers[i].thread = start_thread(fn, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        join_thread(workers[i].thread);
}

/* Retries until it finishes. */
static void finish(rask_future f) {
    for (;;) {
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        if (rask_future_state(f) == RASK_FINISHED)
            return;
        rask_status status = rask_retry(f);
        CHECK(status == RASK_OK || status == RASK_E_STATE);
    }
}

static bool may_be(rask_status status, rask_status other) { return status == RASK_OK || status == other; }

/* ---- a graph ---- */

enum { NODES = 24, INPUTS = 3 };
static machine machines[NODES];
static probe probes[NODES];
static rask_future nodes[NODES];
static int64_t values[NODES];
static size_t rounds;

/* (machine, probe, input …): one more than the sum of its inputs. */
static void node_of_graph(rask_task *t) {
    probe *p = rask_arg_object(t, 1, &probe_type);
    CHECK_EQ(destroyed(p), 0);
    int64_t sum = 1;
    for (size_t i = 2; i < rask_arg_count(t); i++)
        sum += rask_arg_i64(t, i);
    bool fails = machine_fails(rask_arg_pointer(t, 0), t);
    CHECK_EQ(destroyed(p), 0);
    if (!fails)
        rask_return_i64(t, sum);
}

static void make_graph(rask_client c, uint64_t *random) {
    memset(probes, 0, sizeof probes);
    for (int i = 0; i < NODES; i++) {
        machines[i] = (machine){.broken = (int)(random_next(random) % 3)};
        rask_arg args[2 + INPUTS] = {rask_pointer(&machines[i]), rask_object(&probes[i], &probe_type)};
        values[i] = 1;
        size_t n = 2;
        for (int k = 0; i > 0 && k < (int)(random_next(random) % (INPUTS + 1)); k++) {
            int input = (int)(random_next(random) % (uint64_t)i);
            args[n++] = rask_of(nodes[input]);
            values[i] += values[input];
        }
        rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
        options.retries = (uint32_t)(random_next(random) % 2);
        options.retry_delay_ns = random_next(random) % 4 ? 0 : 50000;
        nodes[i] = rask_submit_with(c, node_of_graph, args, n, &options);
        CHECK(nodes[i].id != 0);
    }
}

static void *disturb(void *context) {
    worker *w = context;
    for (size_t i = 0; i < rounds; i++) {
        uint64_t random = random_next(&w->random);
        int at = (int)(random >> 8) % NODES;
        rask_future f = nodes[at < 0 ? -at : at];
        switch (random % 8) {
        case 0:
        case 1:
            CHECK(may_be(rask_cancel(f, "disturbed"), RASK_E_STATE));
            break;
        case 2:
        case 3:
        case 4:
            CHECK(may_be(rask_retry(f), RASK_E_STATE));
            break;
        case 5: {
            rask_future c = rask_clone(f), d = rask_submit(client, inc, RASK_ARGS(rask_take(c)));
            if (random & 16)
                CHECK(may_be(rask_retry(d), RASK_E_STATE));
            CHECK_OK(rask_release(d));
            break;
        }
        case 6: {
            rask_error error = RASK_ERROR_INIT;
            if (rask_future_error(f, &error) == RASK_OK && error.status != RASK_OK)
                CHECK(strlen(error.message) > 0 && strlen(error.origin) > 0);
            break;
        }
        default: {
            char text[256];
            CHECK(rask_future_describe(f, text, sizeof text) > 0);
            atomic_store(&machines[at < 0 ? -at : at].broken, random & 32 ? 2 : 0);
        }
        }
    }
    return NULL;
}

static void a_graph_that_is_disturbed(void) {
    uint64_t random = 4711;
    rounds = scaled(3000);
    for (size_t round = scaled(20); round > 0; round--) {
        make_graph(client, &random);
        run_threads(disturb);
        for (int i = 0; i < NODES; i++)
            machine_repair(&machines[i]);
        for (int i = 0; i < NODES; i++) {
            finish(nodes[i]);
            CHECK_I64(nodes[i], values[i]);
        }
        CHECK_OK(rask_release_all(nodes, NODES));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        for (int i = 0; i < NODES; i++) {
            EVENTUALLY(destroyed(&probes[i]) == 1);
            CHECK(!atomic_load(&machines[i].overlapped));
        }
    }
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(stats_of(client).n_pending, 0);
    CHECK_EQ(stats_of(client).n_error, stats_of(client).n_error);
}

/* Threads hold clones of their own and give them up one by one, while others retry. */
static void *disturb_and_release(void *context) {
    worker *w = context;
    rask_future own[NODES];
    for (int i = 0; i < NODES; i++)
        own[i] = rask_clone(nodes[i]);
    atomic_fetch_add(&machines[0].attempts, 1000); /* this thread has its clones */
    for (int left = NODES; left > 0; left--) {
        uint64_t random = random_next(&w->random);
        int at = (int)(random >> 8 & 0xffff) % left;
        rask_future f = own[at];
        if (random & 1)
            CHECK(may_be(rask_cancel(f, NULL), RASK_E_STATE));
        if (random & 2)
            CHECK(may_be(rask_retry(f), RASK_E_STATE));
        CHECK_OK(rask_release(f));
        own[at] = own[left - 1];
    }
    return NULL;
}
static void a_graph_that_is_given_up(void) {
    uint64_t random = 1234;
    for (size_t round = scaled(300); round > 0; round--) {
        make_graph(client, &random);
        for (int i = 0; i < NODES; i++)
            atomic_store(&machines[i].broken, random_next(&random) % 4 ? 0 : BROKEN);
        worker workers[THREADS];
        atomic_store(&machines[0].broken, 0);
        rask_future seen[NODES];
        memcpy(seen, nodes, sizeof seen);
        for (int i = 0; i < THREADS; i++) {
            workers[i].random = random_next(&random) | 1;
            workers[i].thread = start_thread(disturb_and_release, &workers[i]);
        }
        for (int i = 0; i < THREADS; i++)
            join_thread(workers[i].thread);
        CHECK_OK(rask_release_all(seen, NODES));
        CHECK_OK(rask_client_wait(client, LONG_NS));
        for (int i = 0; i < NODES; i++)
            EVENTUALLY(destroyed(&probes[i]) == 1);
    }
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(stats_of(client).n_pending, 0);
}

/* ---- close ---- */

static rask_client closing;
static void *retry_until_closed(void *context) {
    worker *w = context;
    for (;;) {
        uint64_t random = random_next(&w->random);
        rask_future f = nodes[(random >> 8 & 0xffff) % NODES];
        rask_status status = random & 1 ? rask_retry(f) : rask_cancel(f, NULL);
        if (status == RASK_E_CLOSED)
            return NULL;
        CHECK(may_be(status, RASK_E_STATE));
    }
}
static void a_client_that_is_closed_meanwhile(void) {
    uint64_t random = 99;
    for (size_t round = scaled(200); round > 0; round--) {
        closing = open_workers(2);
        make_graph(closing, &random);
        for (int i = 0; i < NODES; i++)
            atomic_store(&machines[i].broken, i % 3 ? 0 : BROKEN);
        worker workers[THREADS];
        for (int i = 0; i < THREADS; i++) {
            workers[i].random = random_next(&random) | 1;
            workers[i].thread = start_thread(retry_until_closed, &workers[i]);
        }
        sleep_us((long)(random_next(&random) % 2000));
        CHECK_OK(rask_client_close(closing));
        for (int i = 0; i < THREADS; i++)
            join_thread(workers[i].thread);
        CHECK_OK(rask_wait(nodes, NODES, RASK_ALL_COMPLETED, LONG_NS, NULL));
        for (int i = 0; i < NODES; i++)
            CHECK_STATUS(rask_retry(nodes[i]), RASK_E_CLOSED);
        CHECK_OK(rask_release_all(nodes, NODES));
        for (int i = 0; i < NODES; i++)
            CHECK_EQ(destroyed(&probes[i]), 1);
    }
}

/* ---- a run that ends just then ---- */

/* (counter, probe, value as text): short, so that cancel and retry meet its end. */
static void short_run(rask_task *t) {
    CHECK_EQ(destroyed(rask_arg_object(t, 1, &probe_type)), 0);
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1);
    rask_return_arg(t, 2);
}
static void a_run_that_is_about_to_end(void) {
    uint64_t random = 5;
    for (size_t i = scaled(20000); i > 0; i--) {
        atomic_int runs = 0;
        probe p = {0};
        rask_future x = rask_submit(client, pass_on, RASK_ARGS("some text that is not short"));
        rask_future f = rask_submit(
            client, short_run, RASK_ARGS(rask_pointer(&runs), rask_object(&p, &probe_type), rask_take(x)));
        for (uint64_t spin = random_next(&random) % 4000; spin > 0; spin--)
            __asm__ volatile("");
        for (int again = 0; again < 3; again++)
            if (rask_cancel(f, NULL) == RASK_OK && random & 1)
                CHECK_OK(rask_retry(f));
        finish(f);
        CHECK_TEXT(f, "some text that is not short");
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK(atomic_load(&runs) >= 1);
        CHECK_EQ(destroyed(&p), 1);
        CHECK_OK(rask_release(f));
    }
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(stats_of(client).n_pending, 0);
    CHECK_EQ(stats_of(client).n_cancelled, 0);
}

/* (counter, text): returns a future that is about to be there. */
static void short_forward(rask_task *t) {
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1);
    rask_return_future(t, rask_submit(rask_task_client(t), pass_on, RASK_ARGS(rask_arg_str(t, 1))));
}
static void a_returned_future_that_is_about_to_end(void) {
    uint64_t random = 6;
    for (size_t i = scaled(10000); i > 0; i--) {
        atomic_int runs = 0;
        rask_future f =
            rask_submit(client, short_forward, RASK_ARGS(rask_pointer(&runs), "some text that is not short"));
        for (uint64_t spin = random_next(&random) % 8000; spin > 0; spin--)
            __asm__ volatile("");
        for (int again = 0; again < 3; again++)
            if (rask_cancel(f, NULL) == RASK_OK && random & 1)
                CHECK_OK(rask_retry(f));
        finish(f);
        CHECK_TEXT(f, "some text that is not short");
        CHECK_OK(rask_release(f));
        CHECK_OK(rask_client_wait(client, LONG_NS));
    }
    EVENTUALLY(stats_of(client).live_futures == 0);
}

/* A cancel that comes too late leaves the retries that are left. */
static void a_cancel_while_it_fails(void) {
    for (size_t i = scaled(20000); i > 0; i--) {
        machine m = {.broken = 3};
        rask_future f = submit_retries(client, &m, 1, 3, 0);
        uint64_t random = i * 77773;
        for (uint64_t spin = random % 3000; spin > 0; spin--)
            __asm__ volatile("");
        rask_status status = rask_cancel(f, NULL);
        if (status == RASK_OK) {
            CHECK_FAILS(f, RASK_E_CANCELLED);
        } else {
            CHECK_STATUS(status, RASK_E_STATE);
            CHECK_I64(f, 1);
        }
        CHECK_OK(rask_release(f));
        CHECK_OK(rask_client_wait(client, LONG_NS));
    }
    EVENTUALLY(stats_of(client).live_futures == 0);
}

/* ---- two at once ---- */

static atomic_int retried;
static void *retry_all(void *context) {
    (void)context;
    for (int i = 0; i < NODES; i++) {
        rask_status status = rask_retry(nodes[i]);
        CHECK(may_be(status, RASK_E_STATE));
        if (status == RASK_OK)
            atomic_fetch_add(&retried, 1);
    }
    return NULL;
}
static void several_retries_of_the_same(void) {
    for (size_t round = scaled(300); round > 0; round--) {
        machine m = {.broken = 1};
        atomic_store(&retried, 0);
        nodes[0] = submit_work(client, &m, 0);
        for (int i = 1; i < NODES; i++)
            nodes[i] = rask_submit(client, inc, RASK_ARGS(nodes[i - 1]));
        CHECK_FAILS(nodes[NODES - 1], RASK_E_TASK);
        run_threads(retry_all);
        CHECK_EQ(atomic_load(&retried), 1); /* it works now, and all are pending again at once */
        for (int i = 0; i < NODES; i++)
            CHECK_I64(nodes[i], i);
        CHECK_EQ(machine_runs(&m), 2);
        CHECK_OK(rask_release_all(nodes, NODES));
    }
}

/* ---- waits ---- */

static atomic_bool over;
static void *keep_retrying(void *context) {
    rask_future *f = context;
    while (!atomic_load(&over))
        CHECK(may_be(rask_retry(*f), RASK_E_STATE));
    return NULL;
}
static void waits_for_what_fails_again_and_again(void) {
    machine m = {.broken = BROKEN};
    rask_future f = submit_work(client, &m, 1), g = rask_submit(client, inc, RASK_ARGS(f)),
                h = rask_scatter(client, rask_i64(5)), all[3] = {h, f, g};
    atomic_store(&over, false);
    pthread_t thread = start_thread(keep_retrying, &f);
    for (size_t i = scaled(2000); i > 0; i--) {
        const rask_value *got[3] = {NULL};
        rask_status statuses[3];
        bool done[3];
        rask_status status = rask_gather(all, 3, LONG_NS, got, NULL);
        CHECK_STATUS(status, RASK_E_TASK);
        CHECK_OK(rask_gather(all, 3, LONG_NS, got, statuses));
        CHECK_OK(statuses[0]);
        CHECK_STATUS(statuses[1], RASK_E_TASK);
        CHECK_STATUS(statuses[2], RASK_E_TASK);
        CHECK_OK(rask_wait(all, 3, RASK_ALL_COMPLETED, LONG_NS, done));
        CHECK(done[0] && done[1] && done[2]);
        CHECK_STATUS(rask_result(g, LONG_NS, &got[0]), RASK_E_TASK);
    }
    machine_repair(&m);
    finish(g);
    atomic_store(&over, true);
    join_thread(thread);
    CHECK_I64(g, 2);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_error, 0);
    CHECK_OK(rask_release_all(all, 3));
}

/* Figures that are read while futures come and go between error and pending. */
static void figures_meanwhile(void) {
    machine m = {.broken = BROKEN};
    rask_future f = submit_work(client, &m, 1);
    atomic_store(&over, false);
    pthread_t thread = start_thread(keep_retrying, &f);
    for (size_t i = scaled(20000); i > 0; i--) {
        rask_client_stats stats = stats_of(client);
        /* They may be rounds apart, but never below zero. */
        CHECK(stats.n_error < 1u << 30);
        CHECK(stats.n_pending < 1u << 30);
        CHECK(stats.n_cancelled == 0);
    }
    atomic_store(&over, true);
    join_thread(thread);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(stats_of(client).n_error, 1);
    CHECK_OK(rask_release(f));
}

int main(void) {
    RUN_WITH(4, a_graph_that_is_disturbed);
    RUN_WITH(1, a_graph_that_is_disturbed);
    RUN_WITH(3, a_graph_that_is_given_up);
    RUN(a_client_that_is_closed_meanwhile);
    RUN_WITH(2, a_run_that_is_about_to_end);
    RUN_WITH(2, a_returned_future_that_is_about_to_end);
    RUN_WITH(2, a_cancel_while_it_fails);
    RUN_WITH(2, several_retries_of_the_same);
    RUN_WITH(2, waits_for_what_fails_again_and_again);
    RUN_WITH(2, figures_meanwhile);
    return 0;
}
