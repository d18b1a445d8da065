/* Lanes under load: many tasks, many threads that pull, while others submit, cancel, retry, release and
 * close. */
#include "lanes.h"

enum { BATCH = 64, MAX_OUT = 4096 };

/* A puller that hands back what it was given, one more than the word; every 50th result fails. */
typedef struct puller {
    rask_lane lane;
    bool runs;  /* by rask_lane_run */
    bool fails; /* some */
    size_t batch;
    atomic_size_t *n_dropped;
    uint64_t n_handed;
} puller;

static void *pull(void *context) {
    puller *p = context;
    rask_lane_task tasks[BATCH];
    rask_lane_result results[BATCH];
    size_t n = 0;
    for (;;) {
        rask_status status;
        size_t n_results = p->runs ? 0 : n;
        if (p->runs) {
            status = rask_lane_run(p->lane, p->batch, RASK_FOREVER, &n);
            p->n_handed += n;
        } else {
            for (size_t i = 0; i < n_results; i++) {
                const char *error = p->fails && tasks[i].word % 50 == 0 ? "fails" : NULL;
                results[i] = (rask_lane_result){tasks[i].id, rask_i64(tasks[i].word + 1), error, 3, false};
            }
            status = rask_lane_exchange(p->lane, results, n_results, tasks, p->batch, RASK_FOREVER, &n);
            p->n_handed += n;
        }
        for (size_t i = 0; i < n_results; i++)
            atomic_fetch_add(p->n_dropped, results[i].token_ended);
        int64_t tokens[BATCH];
        size_t n_tokens;
        do {
            CHECK_OK(rask_lane_dropped(p->lane, tokens, BATCH, &n_tokens));
            atomic_fetch_add(p->n_dropped, n_tokens);
        } while (n_tokens == BATCH);
        if (status == RASK_END)
            return NULL;
        CHECK_OK(status);
    }
}

static void a_million_tasks(void) {
    rask_lane lane = open_lane();
    size_t n = scaled(1000000);
    atomic_size_t n_dropped = 0;
    puller pullers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        pullers[i] = (puller){lane, false, false, BATCH, &n_dropped, 0};
        threads[i] = start_thread(pull, &pullers[i]);
    }
    rask_submit_options options = on_lane(lane);
    rask_arg *items = calloc(n, sizeof *items);
    rask_future *f = calloc(n, sizeof *f);
    CHECK(items && f);
    for (size_t i = 0; i < n; i++)
        items[i] = rask_lane_token(lane, (int64_t)i);
    CHECK_OK(rask_map(client, nothing, items, n, &options, f));
    CHECK_OK(rask_wait(f, n, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        CHECK_OK(rask_result_i64(f[i], &value));
        CHECK_EQ(value, (int64_t)i + 1);
    }
    CHECK_OK(rask_release_all(f, n));
    EVENTUALLY(atomic_load(&n_dropped) == n);
    CHECK_OK(rask_lane_close(lane));
    uint64_t handed = 0;
    for (int i = 0; i < 3; i++) {
        join_thread(threads[i]);
        handed += pullers[i].n_handed;
    }
    CHECK_EQ(handed, n);
    free(items);
    free(f);
}

/* Chains of which every second task is the lane's, several at a time, some tasks of which fail. */
static void chains_through_both(void) {
    rask_lane lane = open_lane();
    atomic_size_t n_dropped = 0;
    puller pullers[3] = {{lane, false, false, 1, &n_dropped, 0},
                         {lane, true, false, 3, &n_dropped, 0},
                         {lane, false, false, BATCH, &n_dropped, 0}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = start_thread(pull, &pullers[i]);
    enum { CHAINS = 32 };
    rask_future last[CHAINS];
    int64_t length = (int64_t)scaled(3000);
    for (int c = 0; c < CHAINS; c++)
        last[c] = rask_submit(client, inc, RASK_ARGS(c));
    for (int64_t i = 1; i < length; i++)
        for (int c = 0; c < CHAINS; c++)
            last[c] = i % 2 ? submit_to(lane, inc, RASK_ARGS(rask_take(last[c])))
                            : rask_submit(client, inc, RASK_ARGS(rask_take(last[c])));
    for (int c = 0; c < CHAINS; c++)
        CHECK_I64(last[c], c + length);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_OK(rask_release_all(last, CHAINS));
    CHECK_OK(rask_lane_close(lane));
    for (int i = 0; i < 3; i++)
        join_thread(threads[i]);
}

/* Ends of every kind at once: what is true at the end is that nothing is left, and every token
 * has come back. */
typedef struct submitter {
    rask_lane lane;
    uint64_t seed;
    size_t rounds;
    size_t n_tokens;
} submitter;

static void *submit_and_end(void *context) {
    submitter *s = context;
    enum { N = 16 };
    rask_future f[N];
    for (size_t round = 0; round < s->rounds; round++) {
        rask_submit_options options = on_lane(s->lane);
        for (int i = 0; i < N; i++) {
            uint64_t r = random_next(&s->seed);
            options.retries = r % 7 == 0 ? 2 : 0;
            options.priority = r % 11 == 0 ? (int32_t)(r >> 32) : 0;
            rask_arg token = rask_lane_token(s->lane, (int64_t)(r >> 20 & 0xffff));
            s->n_tokens++;
            if (i > 0 && r % 3 == 0)
                f[i] = rask_submit_with(client, inc, RASK_ARGS(token, f[r % (unsigned)i]), &options);
            else if (i > 0 && r % 3 == 1)
                f[i] = rask_submit(client, inc, RASK_ARGS(f[i - 1])), s->n_tokens--;
            else
                f[i] = rask_submit_with(client, inc, RASK_ARGS(token), &options);
            CHECK(f[i].id != 0);
        }
        for (int i = 0; i < N; i++) {
            uint64_t r = random_next(&s->seed);
            rask_future at = f[r >> 8 & (N - 1)];
            switch (r % 6) {
            case 0: {
                rask_status status = rask_cancel(at, NULL);
                CHECK(status == RASK_OK || status == RASK_E_STATE);
                break;
            }
            case 1: {
                rask_status status = rask_retry(at);
                CHECK(status == RASK_OK || status == RASK_E_STATE);
                break;
            }
            case 2: {
                rask_status status = rask_wait(&at, 1, RASK_ALL_COMPLETED, 100000, NULL);
                CHECK(status == RASK_OK || status == RASK_E_TIMEOUT);
                break;
            }
            default:
                break;
            }
        }
        CHECK_OK(rask_release_all(f, N));
    }
    return NULL;
}

static void *listen_for_cancels(void *context) {
    rask_lane lane = *(rask_lane *)context;
    for (;;) {
        uint64_t ids[8];
        size_t n;
        rask_status status = rask_lane_cancelled(lane, ids, 8, RASK_FOREVER, &n);
        if (status == RASK_END)
            return NULL;
        CHECK_OK(status);
        for (size_t i = 0; i < n; i++)
            CHECK(ids[i] != 0);
    }
}

static void every_end_at_once(void) {
    rask_lane lane = open_lane();
    atomic_size_t n_dropped = 0;
    puller pullers[3] = {{lane, false, true, 7, &n_dropped, 0},
                         {lane, true, false, 2, &n_dropped, 0},
                         {lane, false, true, BATCH, &n_dropped, 0}};
    submitter submitters[3];
    pthread_t threads[7];
    for (unsigned i = 0; i < 3; i++) {
        submitters[i] = (submitter){lane, 0x9e3779b97f4a7c15u + i, scaled(3000), 0};
        threads[i] = start_thread(pull, &pullers[i]);
        threads[3 + i] = start_thread(submit_and_end, &submitters[i]);
    }
    threads[6] = start_thread(listen_for_cancels, &lane);
    size_t n_tokens = 0;
    for (int i = 0; i < 3; i++) {
        join_thread(threads[3 + i]);
        n_tokens += submitters[i].n_tokens;
    }
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(stats_of(client).live_futures == 0);
    EVENTUALLY(atomic_load(&n_dropped) == n_tokens);
    CHECK_OK(rask_lane_close(lane));
    for (int i = 0; i < 3; i++)
        join_thread(threads[i]);
    join_thread(threads[6]);
}

/* The client or the lane is closed while all of that goes on. */
static void *submit_until_closed(void *context) {
    submitter *s = context;
    rask_submit_options options = on_lane(s->lane);
    rask_future last = {0};
    for (;;) {
        rask_future f = last.id
                            ? rask_submit_with(client, inc, RASK_ARGS(last), &options)
                            : rask_submit_with(client, inc, RASK_ARGS(rask_lane_token(s->lane, 1)), &options);
        CHECK_OK(rask_release(last));
        if (f.id == 0 || rask_future_state(f) == RASK_ERROR) {
            rask_error error = RASK_ERROR_INIT;
            CHECK(f.id == 0 || (rask_future_error(f, &error) == RASK_OK &&
                                (error.status == RASK_E_CLOSED || error.status == RASK_E_TYPE ||
                                 error.status == RASK_E_TASK)));
            CHECK_OK(rask_release(f));
            if (f.id == 0 || error.status == RASK_E_CLOSED)
                return NULL;
            f.id = 0;
        }
        last = random_next(&s->seed) % 8 ? f : (rask_future){0};
        if (last.id == 0)
            CHECK_OK(rask_release(f));
    }
}

static void closed_in_the_midst(void) {
    for (size_t round = 0; round < scaled(20000) / 100; round++) {
        client = open_workers(2);
        rask_lane lane = open_lane();
        atomic_size_t n_dropped = 0;
        puller pullers[2] = {{lane, false, true, 5, &n_dropped, 0},
                             {lane, round % 2 == 0, false, 2, &n_dropped, 0}};
        submitter submitters[2];
        pthread_t threads[4];
        for (unsigned i = 0; i < 2; i++) {
            submitters[i] = (submitter){lane, round * 2 + i + 1, 0, 0};
            threads[i] = start_thread(pull, &pullers[i]);
            threads[2 + i] = start_thread(submit_until_closed, &submitters[i]);
        }
        sleep_us((long)(round % 7) * 150);
        if (round % 3 == 0)
            CHECK_OK(rask_lane_close(lane));
        CHECK_OK(rask_client_close(client));
        for (int i = 0; i < 4; i++)
            join_thread(threads[i]);
        CHECK_OK(rask_lane_close(lane));
    }
}

int main(void) {
    RUN_WITH(2, a_million_tasks);
    RUN_WITH(2, chains_through_both);
    RUN_WITH(2, every_end_at_once);
    RUN(closed_in_the_midst);
    return 0;
}
