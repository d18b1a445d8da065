/* Random graphs against what they are to compute, with one output or several: steps that wait, submit,
 * compute graphs, return futures and fail, with values of every kind; cancelled, retried and released at
 * random. No step runs more often than it has to.
 *
 * `graphs_random SEED` builds that graph alone. */
#include "lazy.h"

#include <inttypes.h>

enum { MAX_STEPS = 2000, MAX_INPUTS = 5, MAX_OUTPUTS = 4 };

typedef enum kind { NUMBER, REAL, POINTER, SHORT_TEXT, LONG_TEXT, OBJECT, LIST, N_KINDS } kind;
typedef enum way {
    AT_ONCE,
    BY_WAITING,
    BY_GRAPH,
    BY_FUTURE,
    BY_DONE_FUTURE,
    BY_LATE_FUTURE,
    BY_GRAPHS_FUTURE,
    N_WAYS
} way;
typedef enum failure { BY_FAIL, BY_TYPE, BY_FAILED_FUTURE, BY_CANCELLED_FUTURE, N_FAILURES } failure;

typedef struct step {
    uint64_t seed; /* of the graph */
    uint64_t seen; /* in its arguments */
    uint64_t value;
    size_t gives_list; /* the argument that it returns; 0: it makes what it returns of what it has seen */
    size_t n_inputs;
    int64_t inputs[MAX_INPUTS]; /* earlier steps; -1 - n: the constant n */
    size_t first_in_list;       /* from here on they are items of a list */
    bool is_output;
    kind kind;
    way way;
    failure failure;
    int fails;
    bool is_slow;
    atomic_int fails_left;
    atomic_int runs;
    atomic_bool is_needed;
} step;

/* ---- values ---- */

static const uint64_t MASK = (1ULL << 44) - 1;
static uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t x = (a * 0x9e3779b97f4a7c15ULL) ^ (b + 0x632be59bd9b4e019ULL);
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9ULL;
    return (x ^ x >> 32) & MASK;
}

typedef struct object {
    uint64_t number, is_alive;
} object;
static atomic_int live_objects;
static void destroy_object(void *pointer) {
    object *o = pointer;
    CHECK_EQ(o->is_alive, 1);
    o->is_alive = 0;
    atomic_fetch_sub(&live_objects, 1);
    free(o);
}
static const rask_type object_type = {sizeof(rask_type), "number", destroy_object, NULL, NULL, NULL};

static uint64_t number_of(const rask_value *value) {
    int64_t number = 0;
    double real = 0;
    void *pointer = NULL;
    const void *data = NULL;
    size_t size = 0;
    switch (rask_value_kind(value)) {
    case RASK_I64:
        CHECK_OK(rask_value_i64(value, &number));
        return (uint64_t)number;
    case RASK_F64:
        CHECK_OK(rask_value_f64(value, &real));
        return (uint64_t)real;
    case RASK_POINTER:
        CHECK_OK(rask_value_pointer(value, &pointer));
        return (uint64_t)(uintptr_t)pointer;
    case RASK_BYTES:
        CHECK_OK(rask_value_bytes(value, &data, &size));
        CHECK(size == 12 || size == 70);
        char text[13] = {0};
        memcpy(text, data, 12);
        return strtoull(text, NULL, 16);
    case RASK_OBJECT:
        CHECK_OK(rask_value_object(value, &object_type, &pointer));
        CHECK_EQ(((object *)pointer)->is_alive, 1);
        return ((object *)pointer)->number;
    default: {
        CHECK_EQ(rask_value_kind(value), RASK_LIST);
        uint64_t folded = 0;
        for (size_t i = 0; i < rask_value_count(value); i++)
            folded = mix(folded, number_of(rask_value_at(value, i)));
        return folded;
    }
    }
}

static void give(rask_task *t, kind kind, uint64_t number) {
    char text[71];
    snprintf(text, sizeof text, "%012" PRIx64 "%058d", number, 0);
    switch (kind) {
    case REAL:
        rask_return_f64(t, (double)number);
        return;
    case POINTER:
        rask_return_pointer(t, (void *)(uintptr_t)number);
        return;
    case SHORT_TEXT:
    case LONG_TEXT:
        rask_return_bytes(t, text, kind == SHORT_TEXT ? 12 : 70);
        return;
    case OBJECT: {
        object *o = malloc(sizeof *o);
        CHECK(o != NULL);
        *o = (object){number, 1};
        atomic_fetch_add(&live_objects, 1);
        rask_return_object(t, o, &object_type);
        return;
    }
    default:
        rask_return_i64(t, (int64_t)number);
    }
}

/* ---- steps ---- */

/* (number, kind, anything …) */
static void make(rask_task *t) { give(t, (kind)rask_arg_i64(t, 1), (uint64_t)rask_arg_i64(t, 0)); }

static rask_delayed small_graph(uint64_t number, kind kind) {
    rask_delayed a = call(inc, RASK_ARGS(1)), b = call(add, RASK_ARGS(a, 1)), c = call(add, RASK_ARGS(a, b)),
                 whole = call(make, RASK_ARGS((int64_t)number, (int64_t)kind, b, c));
    DROP_ALL(a, b, c);
    return whole;
}

static void fails_as(rask_task *t, failure failure) {
    rask_future f;
    switch (failure) {
    case BY_FAIL:
        rask_fail(t, 5, "by chance");
        return;
    case BY_TYPE:
        rask_arg_i64(t, 0);
        return;
    case BY_FAILED_FUTURE:
        rask_return_future(t, rask_submit(rask_task_client(t), fail, RASK_ARGS(6, "by chance, elsewhere")));
        return;
    default:
        f = rask_submit(rask_task_client(t), inc, RASK_ARGS(1));
        if (rask_cancel(f, "by chance") == RASK_OK) {
            rask_return_future(t, f);
        } else { /* it has run */
            CHECK_OK(rask_release(f));
            rask_fail(t, 5, "by chance");
        }
    }
}

static void run_step(rask_task *t) {
    step *s = rask_arg_pointer(t, 0);
    atomic_fetch_add(&s->runs, 1);
    uint64_t number = s->seed & MASK;
    for (size_t i = 1; i < rask_arg_count(t); i++)
        number = mix(number, number_of(rask_arg_value(t, i)));
    if (number != s->seen)
        FAIL_AT(__FILE__, __LINE__, "seed %" PRIu64 ": a step has seen %" PRIx64 ", expected %" PRIx64,
                s->seed, number, s->seen);
    if (s->is_slow)
        sleep_us(50);
    if (atomic_fetch_sub(&s->fails_left, 1) > 0) {
        fails_as(t, s->failure);
        return;
    }
    if (s->gives_list) {
        rask_return_arg(t, s->gives_list);
        return;
    }
    rask_client here = rask_task_client(t);
    int64_t result = (int64_t)number;
    kind kind = s->kind == LIST ? NUMBER : s->kind;
    rask_future f = {0}, first;
    rask_delayed d;
    switch (s->way) {
    case AT_ONCE:
        give(t, kind, number);
        return;
    case BY_WAITING:
        f = rask_submit(here, make, RASK_ARGS(result, NUMBER));
        if (rask_result_i64(f, &result) == RASK_OK)
            give(t, kind, (uint64_t)result);
        else
            rask_fail(t, 9, "closed");
        CHECK_OK(rask_release(f));
        return;
    case BY_GRAPH:
    case BY_GRAPHS_FUTURE:
        d = small_graph(number, s->way == BY_GRAPH ? NUMBER : kind);
        f = rask_compute(here, d);
        drop(d);
        if (s->way == BY_GRAPHS_FUTURE)
            break;
        if (f.id && rask_result_i64(f, &result) == RASK_OK)
            give(t, kind, (uint64_t)result);
        else
            rask_fail(t, 9, "closed");
        CHECK_OK(rask_release(f));
        return;
    case BY_FUTURE:
        f = rask_submit(here, make, RASK_ARGS(result, (int64_t)kind));
        break;
    case BY_DONE_FUTURE:
        f = rask_scatter(here, rask_i64(result));
        break;
    default:
        first = rask_submit(here, inc, RASK_ARGS(1));
        f = rask_submit(here, make, RASK_ARGS(result, (int64_t)kind, rask_take(first)));
    }
    rask_return_future(t, f);
}

/* ---- a graph ---- */

typedef struct graph {
    uint64_t seed, random;
    rask_client client;
    bool takes_futures;
    size_t n;
    step *steps;
    size_t n_outputs, outputs[MAX_OUTPUTS]; /* the last step, and others */
    rask_delayed whole[MAX_OUTPUTS];
    int n_cancelled; /* and retried */
    int n_rounds;
} graph;

static uint64_t below(graph *g, uint64_t n) { return random_next(&g->random) % n; }
static bool one_in(graph *g, uint64_t n) { return below(g, n) == 0; }

/* A constant may come as a finished future, too. */
static rask_arg input_arg(graph *g, const rask_delayed *d, int64_t input) {
    if (input >= 0)
        return rask_lazy(d[input]);
    rask_arg constant = rask_i64(-1 - input);
    return g->takes_futures && one_in(g, 2) ? rask_take(rask_scatter(g->client, constant)) : constant;
}

static void choose_step(graph *g, size_t index) {
    step *s = &g->steps[index];
    s->seed = g->seed;
    s->n_inputs = below(g, MAX_INPUTS + 1);
    /* Near ones make it deep, far ones wide. */
    size_t near = one_in(g, 2) ? 5 : MAX_STEPS;
    for (size_t i = 0; i < s->n_inputs; i++) {
        uint64_t back = 1 + below(g, index < near ? index + 1 : near);
        s->inputs[i] = back > index || one_in(g, 10) ? -1 - (int64_t)below(g, 100) : (int64_t)(index - back);
        if (i && one_in(g, 8))
            s->inputs[i] = s->inputs[i - 1];
    }
    s->first_in_list = one_in(g, 4) && s->n_inputs ? below(g, s->n_inputs) : s->n_inputs;
    s->kind = one_in(g, 2) ? NUMBER : (kind)below(g, N_KINDS);
    s->way = one_in(g, 4) ? (way)below(g, N_WAYS) : AT_ONCE;
    s->is_slow = one_in(g, 100);
    s->failure = (failure)below(g, N_FAILURES);
}

static uint64_t value_of(graph *g, int64_t input) {
    if (input < 0)
        return (uint64_t)(-1 - input);
    atomic_store(&g->steps[input].is_needed, true);
    return g->steps[input].value;
}

/* The last step takes all that nobody else does, too. One in so many fails at first; 0: none. */
static void build(graph *g, rask_client in, uint64_t seed, uint64_t one_fails_in) {
    *g = (graph){.seed = seed, .random = seed * 2 + 1, .client = in};
    for (int i = 0; i < 4; i++)
        random_next(&g->random);
    g->takes_futures = one_in(g, 3);
    size_t most = small_scale() ? 60 : one_in(g, 8) ? MAX_STEPS : 100;
    g->n = 4 + below(g, most - 3);
    g->steps = calloc(g->n, sizeof *g->steps);
    rask_delayed *d = calloc(g->n, sizeof *d);
    rask_arg *args = calloc(g->n + MAX_INPUTS + 2, sizeof *args), *rest = calloc(MAX_INPUTS, sizeof *rest);
    CHECK(g->steps && d && args && rest);
    for (size_t index = 0; index < g->n; index++) {
        step *s = &g->steps[index];
        choose_step(g, index);
        s->fails = one_fails_in && one_in(g, one_fails_in) ? 1 + (int)below(g, 2) : 0;
        atomic_store(&s->fails_left, s->fails);
        size_t n = 0, n_rest = 0;
        uint64_t value = seed & MASK, folded = 0;
        args[n++] = rask_pointer(s);
        for (size_t i = 0; i < s->first_in_list; i++) {
            args[n++] = input_arg(g, d, s->inputs[i]);
            value = mix(value, value_of(g, s->inputs[i]));
        }
        for (size_t i = s->first_in_list; i < s->n_inputs; i++) {
            rest[n_rest++] = input_arg(g, d, s->inputs[i]);
            folded = mix(folded, value_of(g, s->inputs[i]));
        }
        if (n_rest) {
            s->gives_list = s->kind == LIST ? n : 0;
            args[n++] = rask_list(rest, n_rest);
            value = mix(value, folded);
        }
        for (size_t i = 0; index + 1 == g->n && i < index; i++)
            if (!atomic_load(&g->steps[i].is_needed)) {
                args[n++] = rask_lazy(d[i]);
                value = mix(value, value_of(g, (int64_t)i));
            }
        s->seen = value;
        s->value = s->gives_list ? folded : value;
        d[index] = call(run_step, args, n);
    }
    /* With fewer steps for each they would be ordinary tasks, of which a retry runs more, or others. */
    g->n_outputs = 1 + below(g, one_in(g, 2) ? 1 : MAX_OUTPUTS);
    while (g->n_outputs > 1 && g->n < 8 * g->n_outputs)
        g->n_outputs--;
    for (size_t i = 0; i < g->n_outputs; i++) {
        size_t output = i == 0 ? g->n - 1 : below(g, g->n);
        while (g->steps[output].is_output)
            output = (output + 1) % g->n;
        g->steps[output].is_output = true;
        g->outputs[i] = output;
        g->whole[i] = d[output];
    }
    for (size_t index = 0; index < g->n; index++)
        if (!g->steps[index].is_output)
            drop(d[index]);
    free(d);
    free(args);
    free(rest);
}

static void check_runs(graph *g, int n_futures) {
    for (size_t i = 0; i < g->n; i++) {
        step *s = &g->steps[i];
        int runs = atomic_load(&s->runs), least = n_futures + s->fails, most = least;
        /* A step whose returned future was not done when the graph ended is asked again. */
        if ((s->way >= BY_FUTURE && !s->gives_list) || (s->fails && s->failure >= BY_FAILED_FUTURE))
            most += g->n_rounds;
        /* The value that an output returns after a cancel is nobody's. */
        if (s->is_output)
            most += g->n_cancelled;
        if (runs < least || runs > most)
            FAIL_AT(__FILE__, __LINE__,
                    "seed %" PRIu64 ": step %zu of %zu has run %d times, expected %d to %d", g->seed, i, g->n,
                    runs, least, most);
    }
}

static void pause_a_little(graph *g) {
    if (one_in(g, 3))
        sleep_us((long)below(g, 300));
    else
        for (uint64_t spin = below(g, 3000); spin; spin--)
            atomic_thread_fence(memory_order_seq_cst);
}

static void cancel_perhaps(graph *g, rask_future f, uint64_t chance) {
    if (g->n_cancelled < 20 && one_in(g, chance)) {
        pause_a_little(g);
        rask_status status = rask_cancel(f, "by chance");
        CHECK(status == RASK_OK || status == RASK_E_STATE);
        if (status == RASK_OK) {
            g->n_cancelled++;
            pause_a_little(g);
        }
    }
}

static void drop_whole(graph *g) {
    for (size_t i = 0; i < g->n_outputs; i++) {
        drop(g->whole[i]);
        g->whole[i] = (rask_delayed){0};
    }
}

static void compute_outputs(graph *g, rask_future *f) {
    if (g->n_outputs == 1)
        f[0] = rask_compute(g->client, g->whole[0]);
    else
        CHECK_OK(rask_compute_all(g->client, g->whole, g->n_outputs, f));
}

/* Retries until it is finished. */
static void await_output(graph *g, rask_future f, size_t output) {
    for (;;) {
        const rask_value *value = NULL;
        rask_status status = rask_result(f, LONG_NS, &value);
        if (status == RASK_OK) {
            CHECK_EQ(number_of(value), g->steps[output].value);
            return;
        }
        if (status != RASK_E_TASK && status != RASK_E_TYPE && status != RASK_E_CANCELLED)
            FAIL_AT(__FILE__, __LINE__, "seed %" PRIu64 ": %s: %s", g->seed, rask_status_name(status),
                    rask_last_error());
        if (one_in(g, 3))
            pause_a_little(g);
        if (++g->n_rounds == 1000)
            FAIL_AT(__FILE__, __LINE__, "seed %" PRIu64 ": retried a thousand times: %s", g->seed,
                    rask_last_error());
        status = rask_retry(f);
        /* A retry of another output that failed for the same reason may have been for this one, too. */
        if (status != RASK_OK && !(g->n_outputs > 1 && status == RASK_E_STATE))
            FAIL_AT(__FILE__, __LINE__, "seed %" PRIu64 ": retry: %s", g->seed, rask_last_error());
        cancel_perhaps(g, f, 4);
    }
}

/* Computes it several times at once, and retries until all are finished; or gives all or some up
 * on the way. */
static void compute_and_check(graph *g) {
    rask_future f[3 * MAX_OUTPUTS];
    size_t times = 1 + below(g, 3), n = times * g->n_outputs;
    bool gives_up = one_in(g, 4), gives_some_up = one_in(g, 4);
    for (size_t i = 0; i < times; i++)
        compute_outputs(g, f + i * g->n_outputs);
    if (one_in(g, 3))
        drop_whole(g);
    for (size_t i = 0; i < n; i++) {
        cancel_perhaps(g, f[i], 3);
        if (gives_up || (gives_some_up && one_in(g, 2))) {
            pause_a_little(g);
            CHECK_OK(rask_release(f[i]));
            f[i] = (rask_future){0};
        } else if (one_in(g, 2)) {
            await_output(g, f[i], g->outputs[i % g->n_outputs]);
        }
    }
    for (size_t i = 0; i < n; i++)
        if (f[i].id)
            await_output(g, f[i], g->outputs[i % g->n_outputs]);
    if (!gives_up && !gives_some_up)
        check_runs(g, (int)times);
    CHECK_OK(rask_release_all(f, n));
}

/* After its client has nothing left to run. */
static void graph_free(graph *g) {
    drop_whole(g);
    free(g->steps);
}

/* ---- programs ---- */

static uint64_t only_seed;

/* Each of its graphs after the other; all of them in one client. */
typedef struct driver {
    rask_client client;
    uint64_t first_seed;
    size_t n;
    graph *graphs;
} driver;

static void *drive(void *context) {
    driver *d = context;
    for (size_t i = 0; i < d->n; i++) {
        build(&d->graphs[i], d->client, d->first_seed + i, i % 3 == 0 ? 0 : 10 << (i % 7));
        compute_and_check(&d->graphs[i]);
    }
    return NULL;
}

static void run_drivers(size_t n_drivers, uint64_t seed, size_t n) {
    driver drivers[4];
    pthread_t threads[4];
    for (size_t i = 0; i < n_drivers; i++) {
        drivers[i] = (driver){client, seed + i * 100000, n, calloc(n, sizeof(graph))};
        CHECK(drivers[i].graphs != NULL);
        threads[i] = start_thread(drive, &drivers[i]);
    }
    for (size_t i = 0; i < n_drivers; i++)
        join_thread(threads[i]);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    for (size_t i = 0; i < n_drivers; i++) {
        for (size_t k = 0; k < n; k++)
            graph_free(&drivers[i].graphs[k]);
        free(drivers[i].graphs);
    }
    EVENTUALLY(stats_of(client).live_futures == 0);
    CHECK_EQ(stats_of(client).n_running + stats_of(client).n_pending, 0);
    EVENTUALLY(atomic_load(&live_objects) == 0);
}

static void one_graph_at_a_time(void) { run_drivers(1, 1, scaled(400)); }
static void several_graphs_at_a_time(void) { run_drivers(3, 1000000, scaled(200)); }
static void this_graph(void) {
    for (int i = 0; i < 50; i++)
        run_drivers(1, only_seed, 1);
}

/* Closed while it runs: every future is done, every value destroyed. */
static void closed_at_some_moment(void) {
    size_t n = scaled(400);
    for (size_t i = 0; i < n; i++) {
        rask_client mine = open_workers(1 + (uint32_t)(i % 3));
        graph g;
        build(&g, mine, 5000000 + i, i % 2 ? 20 : 0);
        rask_future f[3 * MAX_OUTPUTS];
        size_t n_futures = 3 * g.n_outputs;
        for (size_t k = 0; k < 3; k++)
            compute_outputs(&g, f + k * g.n_outputs);
        cancel_perhaps(&g, f[0], 2);
        rask_status status = rask_retry(f[0]);
        CHECK(status == RASK_OK || status == RASK_E_STATE);
        pause_a_little(&g);
        CHECK_OK(rask_client_close(mine));
        for (size_t k = 0; k < n_futures; k++) {
            rask_state state = rask_future_state(f[k]);
            CHECK(state == RASK_FINISHED || state == RASK_ERROR || state == RASK_CANCELLED);
            CHECK(rask_retry(f[k]) != RASK_OK);
            CHECK_OK(rask_release(f[k]));
        }
        graph_free(&g);
        EVENTUALLY(atomic_load(&live_objects) == 0);
    }
}

int main(int n_args, char **args) {
    if (n_args > 1) {
        only_seed = strtoull(args[1], NULL, 0);
        RUN_WITH(1, this_graph);
        RUN_WITH(3, this_graph);
        return 0;
    }
    RUN_WITH(1, one_graph_at_a_time);
    RUN_WITH(2, one_graph_at_a_time);
    RUN_WITH(4, one_graph_at_a_time);
    RUN_WITH(1, several_graphs_at_a_time);
    RUN_WITH(3, several_graphs_at_a_time);
    RUN(closed_at_some_moment);
    return 0;
}
