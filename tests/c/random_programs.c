/* Random programs over the whole API, on several threads, held to a model of what may be observed.
 *
 * A million operations are divided among a few kinds (programs[]) and rounds; each thread draws its
 * operations from a generator of its own, so that a seed repeats the calls, if not their timing. For every
 * future that is made the model (random/model.h) keeps a record: its inputs, the value it must have if it has
 * one, the errors it may have, whether somebody cancelled it. Every observation has to be allowed by it, what
 * is done has to stay as it is, and at the end of a round nothing may be left.
 *
 *     random_programs [SEED]     or RASK_TEST_SEED; RASK_TEST_OPERATIONS for more or fewer */
#include "random/bad.h"

#include <inttypes.h>

typedef struct operation {
    const char *name;
    void (*run)(thread *t);
    unsigned weight;
    bool needs_a_future;
} operation;

static const operation operations[] = {
    {"mix", op_mix, 60, false},
    {"shared", op_shared, 12, false},
    {"fail", op_fail, 8, false},
    {"flaky", op_flaky, 12, false},
    {"wrong", op_wrong, 4, false},
    {"pass", op_pass, 14, false},
    {"forward", op_forward, 12, true},
    {"children", op_children, 10, false},
    {"poll", op_poll, 8, false},
    {"nothing", op_nothing, 6, false},
    {"scatter", op_scatter, 12, false},
    {"map", op_map, 10, false},
    {"submit all", op_submit_all, 10, false},
    {"shared key", op_key_shared, 10, false},
    {"private key", op_key_private, 4, false},
    {"state", op_state, 30, true},
    {"key", op_key, 10, true},
    {"describe", op_describe, 8, true},
    {"error", op_error, 20, true},
    {"result", op_result, 40, true},
    {"result of a kind", op_result_of_kind, 25, true},
    {"wait", op_wait, 20, false},
    {"gather", op_gather, 15, false},
    {"gather until an error", op_gather_first, 8, false},
    {"progress", op_progress, 1, false},
    {"client wait", op_client_wait, 2, false},
    {"stats", op_stats, 5, false},
    {"trace", op_trace, 1, false},
    {"dump", op_dump, 1, false},
    {"cancel", op_cancel, 8, true},
    {"retry", op_retry, 25, true},
    {"retry what is finished", op_retry_finished, 3, true},
    {"clone", op_clone, 20, true},
    {"release", op_release, 50, true},
    {"release all", op_release_all, 10, false},
    {"fire and forget", op_fire_and_forget, 8, true},
    {"give", op_give, 30, true},
    {"borrow", op_borrow, 20, false},
    {"race", op_race, 30, false},
    {"on done", op_on_done, 15, true},
    {"iterate: open", op_iterate_open, 6, false},
    {"iterate: add", op_iterate_add, 25, true},
    {"iterate: next", op_iterate_next, 25, false},
    {"iterate: fd", op_iterate_fd, 3, false},
    {"iterate: release", op_iterate_release, 4, false},
    {"iterate: close", op_iterate_close, 2, false},
    {"delayed call", op_delayed_call, 14, false},
    {"compute", op_compute, 10, false},
    {"compute all", op_compute_all, 4, false},
    {"delayed release", op_delayed_release, 5, false},
    {"bad", op_bad, 60, true},
};
enum { N_OPERATIONS = sizeof operations / sizeof *operations };

static const operation *draw(thread *t) {
    unsigned total = 0;
    for (size_t i = 0; i < N_OPERATIONS; i++)
        total += operations[i].weight;
    unsigned left = (unsigned)below(t, total);
    size_t i = 0;
    while (left >= operations[i].weight)
        left -= operations[i++].weight;
    return &operations[i];
}

static bool is_wanted(const thread *t, const operation *o) {
    if (o->run == op_retry && !now.program->retries)
        return false;
    return t->n > 0 || !o->needs_a_future;
}

static void *thread_main(void *context) {
    thread *t = context;
    for (t->operation = 0; t->operation < t->n_operations; t->operation++) {
        const operation *o = draw(t);
        t->name = o->name;
        if (is_wanted(t, o))
            o->run(t);
    }
    t->name = "the end";
    op_iterate_close(t);
    while (t->n > 0)
        op_release(t);
    while (t->n_lazy > 0)
        op_delayed_release(t);
    return NULL;
}

/* ---- rounds ---- */

enum { MAX_THREADS = 4 };
static thread threads[MAX_THREADS];

/* Where everybody is, when the watchdog barks. */
static void hung(int number) {
    (void)number;
    report_here();
    fprintf(stderr, "hung: program %s, seed %" PRIu64 ", round %u\n", now.program->name, now.seed,
            now.number);
    for (unsigned i = 0; i < now.program->n_threads; i++)
        fprintf(stderr, "thread %u: operation %zu, %s\n", i, threads[i].operation, threads[i].name);
    _exit(3);
}

static void thread_begin(thread *t, unsigned index, size_t n_operations) {
    *t = (thread){.index = index, .n_operations = n_operations};
    t->random = mixed(mixed(mixed(now.seed, now.number), index), digest_of_bytes(now.program->name, 4)) | 1;
    t->marks = calloc(now.max_records, sizeof *t->marks);
    t->open = calloc(now.max_records, sizeof *t->open);
    CHECK(t->marks && t->open);
}
static void thread_end(thread *t) {
    check_registrations(t);
    free(t->marks);
    free(t->open);
}

static void open_clients(void) {
    const program *p = now.program;
    for (unsigned i = 0; i < p->n_clients; i++) {
        rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
        options.n_workers = p->n_workers;
        options.resources = CLIENT_RESOURCES;
        options.flags = (p->pure ? RASK_CLIENT_PURE : 0) | p->client_flags;
        options.memory_limit = i == 0 ? p->memory_limit : 0;
        now.clients[i] = rask_client_open(&options);
        EXPECT(NULL, NULL, now.clients[i].id != 0, "a client cannot be opened");
    }
}

static bool is_empty(rask_client client) {
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    EXPECT_STATUS(NULL, NULL, rask_client_get_stats(client, &stats), RASK_OK);
    return stats.n_pending == 0 && stats.n_running == 0 && stats.live_futures == 0 && stats.nbytes == 0;
}

static rask_client_stats total; /* of the drained clients of a program */

/* Everybody has released what was theirs: nothing is left, and the sums are right. */
static void check_drained(rask_client client) {
    EXPECT_STATUS(NULL, NULL, rask_client_wait(client, LONG_NS), RASK_OK);
    double until = now_seconds() + 60;
    while (!is_empty(client) && now_seconds() < until)
        sleep_us(200);
    rask_client_stats s = RASK_CLIENT_STATS_INIT;
    EXPECT_STATUS(NULL, NULL, rask_client_get_stats(client, &s), RASK_OK);
    EXPECT(NULL, NULL, is_empty(client),
           "left at the end: %" PRIu64 " pending, %u running, %" PRIu64 " live, %" PRIu64 " bytes",
           s.n_pending, (unsigned)s.n_running, s.live_futures, s.nbytes);
    EXPECT(NULL, NULL, s.n_submitted == s.n_finished + s.n_error + s.n_cancelled,
           "of %" PRIu64 " futures %" PRIu64 " finished, %" PRIu64 " failed, %" PRIu64 " were cancelled",
           s.n_submitted, s.n_finished, s.n_error, s.n_cancelled);
    total.n_submitted += s.n_submitted;
    total.n_finished += s.n_finished;
    total.n_error += s.n_error;
    total.n_cancelled += s.n_cancelled;
    total.n_executed += s.n_executed;
    total.n_retried += s.n_retried;
}

static void close_clients(void) {
    atomic_store(&now.is_closing, true);
    for (unsigned i = 0; i < now.program->n_clients; i++)
        EXPECT_STATUS(NULL, NULL, rask_client_close(now.clients[i]), RASK_OK);
    atomic_store(&now.is_closed, true);
}

static void run_round(size_t n_operations) {
    const program *p = now.program;
    now.max_records = 3 * n_operations + 1000;
    now.records = calloc(now.max_records, sizeof *now.records);
    CHECK(now.records != NULL);
    atomic_store(&now.n_records, 0);
    atomic_store(&now.is_closing, false);
    atomic_store(&now.is_closed, false);
    memset(now.family_is_cancelled, 0, sizeof now.family_is_cancelled);
    memset(now.exchange, 0, sizeof now.exchange);
    open_clients();
    open_lanes();
    thread_begin(&dispatcher, MAX_THREADS, 0);
    pthread_t ids[MAX_THREADS];
    for (unsigned i = 0; i < p->n_threads; i++) {
        thread_begin(&threads[i], i, n_operations / p->n_threads);
        ids[i] = start_thread(thread_main, &threads[i]);
    }
    if (p->closes_early) {
        sleep_us((long)below(&dispatcher, 1000) * (long)(n_operations / 200 + 1));
        close_clients();
    }
    for (unsigned i = 0; i < p->n_threads; i++)
        join_thread(ids[i]);
    for (size_t i = 0; i < N_EXCHANGE; i++)
        if (now.exchange[i].record)
            released(&threads[0], about_to_end(now.exchange[i]));
    for (unsigned i = 0; i < p->n_clients && !p->closes_early; i++)
        check_drained(now.clients[i]);
    close_clients();
    close_lanes();
    for (unsigned i = 0; i < p->n_threads; i++)
        thread_end(&threads[i]);
    thread_end(&dispatcher);
    free(now.records);
    EXPECT(NULL, NULL, atomic_load(&n_made) == atomic_load(&n_destroyed),
           "of %lld objects %lld were destroyed", atomic_load(&n_made), atomic_load(&n_destroyed));
    EXPECT(NULL, NULL, rask_live_handles() == 0, "%" PRIu64 " handles are alive", rask_live_handles());
}

/* ---- programs ---- */

static size_t all_operations = 1000 * 1000;

static void run_program(const program *p) {
    signal(SIGALRM, hung);
    now.program = p;
    total = (rask_client_stats)RASK_CLIENT_STATS_INIT;
    size_t n = all_operations * p->percent / 100 / p->n_rounds;
    for (now.number = 0; now.number < p->n_rounds; now.number++)
        run_round(n);
    if (!p->closes_early)
        printf("  %" PRIu64 " futures: %" PRIu64 " finished, %" PRIu64 " failed, %" PRIu64
               " were cancelled; %" PRIu64 " runs, %" PRIu64 " retries\n",
               total.n_submitted, total.n_finished, total.n_error, total.n_cancelled, total.n_executed,
               total.n_retried);
}

static void threads_that_share_futures(void) {
    run_program(&(program){
        .name = "sharing", .n_threads = 4, .n_workers = 4, .n_clients = 1, .percent = 25, .n_rounds = 16});
}
static void one_worker(void) {
    run_program(&(program){
        .name = "one worker", .n_threads = 3, .n_workers = 1, .n_clients = 1, .percent = 15, .n_rounds = 12});
}
static void retries_of_what_failed(void) {
    run_program(&(program){.name = "retries",
                           .n_threads = 4,
                           .n_workers = 3,
                           .n_clients = 1,
                           .percent = 20,
                           .n_rounds = 16,
                           .retries = true});
}
static void two_clients(void) {
    run_program(&(program){
        .name = "two clients", .n_threads = 3, .n_workers = 2, .n_clients = 2, .percent = 10, .n_rounds = 8});
}
static void pure_and_short_of_memory(void) {
    run_program(&(program){.name = "pure",
                           .n_threads = 3,
                           .n_workers = 2,
                           .n_clients = 1,
                           .percent = 10,
                           .n_rounds = 8,
                           .pure = true,
                           .memory_limit = 32 << 10});
}
static void refused_for_want_of_memory(void) {
    run_program(&(program){.name = "no memory",
                           .n_threads = 3,
                           .n_workers = 2,
                           .n_clients = 1,
                           .percent = 5,
                           .n_rounds = 8,
                           .memory_limit = 32 << 10,
                           .client_flags = RASK_CLIENT_NOMEM});
}
static void closed_while_in_use(void) {
    run_program(&(program){.name = "closed early",
                           .n_threads = 4,
                           .n_workers = 2,
                           .n_clients = 1,
                           .percent = 15,
                           .n_rounds = 100,
                           .closes_early = true});
}

static uint64_t number_from(const char *text, uint64_t otherwise) {
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv) {
    now.seed = number_from(argc > 1 ? argv[1] : getenv("RASK_TEST_SEED"), 20240229);
    all_operations = number_from(getenv("RASK_TEST_OPERATIONS"), small_scale() ? 8000 : all_operations);
    printf("seed %" PRIu64 ", %zu operations\n", now.seed, all_operations);
    report_elsewhere();
    RUN(threads_that_share_futures);
    RUN(one_worker);
    RUN(retries_of_what_failed);
    RUN(two_clients);
    RUN(pure_and_short_of_memory);
    RUN(refused_for_want_of_memory);
    RUN(closed_while_in_use);
    return 0;
}
