/* Graphs that are interpreted: one future stands for all of it, and its steps are run by whichever worker is
 * free. */
#include "lazy.h"

/* a ─┬─ b ─┬─ d;  each counts one and what it takes: d is 1 + 2 + 2.
 *    └─ c ─┘                                                          */
typedef struct diamond {
    plan a, b, c, d;
    rask_delayed whole;
} diamond;

static diamond *diamond_new(gate *at_a, gate *at_b, gate *at_c, gate *at_d) {
    diamond *g = calloc(1, sizeof *g);
    CHECK(g != NULL);
    g->a.gate = at_a;
    g->b.gate = at_b;
    g->c.gate = at_c;
    g->d.gate = at_d;
    rask_delayed a = call_named("a", planned, RASK_ARGS(rask_pointer(&g->a))),
                 b = call_named("b", planned, RASK_ARGS(rask_pointer(&g->b), a)),
                 c = call_named("c", planned, RASK_ARGS(rask_pointer(&g->c), a));
    g->whole = call_named("d", planned, RASK_ARGS(rask_pointer(&g->d), b, c));
    DROP_ALL(a, b, c);
    return g;
}
static void diamond_free(diamond *g) {
    drop(g->whole);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    free(g);
}
static void check_runs_at(int line, diamond *g, int a, int b, int c, int d) {
    check_eq_at(__FILE__, line, "runs of a", runs(&g->a), a);
    check_eq_at(__FILE__, line, "runs of b", runs(&g->b), b);
    check_eq_at(__FILE__, line, "runs of c", runs(&g->c), c);
    check_eq_at(__FILE__, line, "runs of d", runs(&g->d), d);
}
#define CHECK_RUNS(...) check_runs_at(__LINE__, __VA_ARGS__)

/* ---- what a step is given, and gives ---- */

static void texts(rask_task *t) {
    CHECK_STR_EQ(rask_arg_str(t, 0), "short");
    CHECK_STR_EQ(rask_arg_str(t, 1), "a text that is longer than what fits into a value itself");
    rask_return_i64(t, 1);
}
static void numbers(rask_task *t) {
    CHECK_EQ(rask_arg_i64(t, 0), -7);
    CHECK(rask_arg_f64(t, 1) == 2.5);
    CHECK(rask_arg_f64(t, 0) == -7.0);
    CHECK(rask_arg_pointer(t, 2) == &client);
    CHECK_EQ(rask_value_kind(rask_arg_value(t, 3)), RASK_NONE);
    CHECK_EQ(rask_arg_count(t), 4);
    CHECK(rask_arg_value(t, 0) != rask_arg_value(t, 1));
    CHECK_EQ(rask_value_kind(rask_arg_value(t, 1)), RASK_F64);
    rask_return_f64(t, 0.5);
}
/* (a list of an i64, a list of a text and an object) */
static void lists(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    CHECK_EQ(rask_value_count(list), 2);
    int64_t first = 0;
    CHECK_OK(rask_value_i64(rask_value_at(list, 0), &first));
    CHECK_EQ(first, -7);
    const rask_value *inner = rask_value_at(list, 1);
    const void *data = NULL;
    size_t size = 0;
    CHECK_OK(rask_value_bytes(rask_value_at(inner, 0), &data, &size));
    CHECK_STR_EQ(data, "a text that is longer than what fits into a value itself");
    void *object = NULL;
    CHECK_OK(rask_value_object(rask_value_at(inner, 1), &probe_type, &object));
    rask_return_arg(t, 0);
}
/* (f64, i64, list): the list. */
static void all_of_it(rask_task *t) {
    CHECK(rask_arg_f64(t, 0) == 0.5);
    CHECK_EQ(rask_arg_i64(t, 1), 1);
    rask_return_arg(t, 2);
}

static void every_kind_of_value(void) {
    probe p = {0}, constant = {0};
    rask_delayed none = call(nothing, RASK_NO_ARGS), number = call(pass_on, RASK_ARGS(-7)),
                 real = call(pass_on, RASK_ARGS(2.5)),
                 pointer = call(pass_on, RASK_ARGS(rask_pointer(&client))),
                 text = call(pass_on, RASK_ARGS("short")),
                 longer =
                     call(pass_on, RASK_ARGS("a text that is longer than what fits into a value itself")),
                 object = call(make_probe, RASK_ARGS(rask_pointer(&p))),
                 n = call(numbers, RASK_ARGS(number, real, pointer, none)),
                 s = call(texts, RASK_ARGS(text, longer)),
                 l = call(lists, RASK_ARGS(rask_list(RASK_ARGS(number, rask_list(RASK_ARGS(longer, object)))),
                                           rask_object(&constant, &probe_type))),
                 whole = call(all_of_it, RASK_ARGS(n, s, l));
    for (int round = 1; round <= 3; round++) {
        rask_future f = rask_compute(client, whole);
        const rask_value *value = NULL;
        CHECK_OK(rask_result(f, LONG_NS, &value));
        CHECK_EQ(rask_value_count(value), 2);
        CHECK_EQ(destroyed(&p), round - 1);
        CHECK_OK(rask_release(f));
        EVENTUALLY(destroyed(&p) == round);
    }
    CHECK_EQ(destroyed(&constant), 0);
    DROP_ALL(none, number, real, pointer, text, longer, object, n, s, l, whole);
    EVENTUALLY(destroyed(&constant) == 1);
}

static void an_input_taken_more_than_once(void) {
    probe p = {0};
    rask_delayed object = call(make_probe, RASK_ARGS(rask_pointer(&p))),
                 again = call(pass_on, RASK_ARGS(object, object, rask_list(RASK_ARGS(object, 1, object)))),
                 once = call(pass_on, RASK_ARGS(again)), one = call(inc, RASK_ARGS(0)),
                 two = call(add, RASK_ARGS(one, one)), whole = call(pass_on, RASK_ARGS(two, once, again));
    COMPUTES(whole, 2);
    CHECK_EQ(destroyed(&p), 1);
    DROP_ALL(object, again, once, one, two, whole);
}

/* (gate, object, …) */
static void at_gate_with(rask_task *t) {
    gate_pass(rask_arg_pointer(t, 0));
    rask_return_i64(t, 1);
}

static void a_value_lives_until_the_last_has_read_it(void) {
    probe p = {0};
    gate *first = gate_new(), *second = gate_new(), *last = gate_new();
    rask_delayed object = call(make_probe, RASK_ARGS(rask_pointer(&p))),
                 x = call(at_gate_with, RASK_ARGS(rask_pointer(first), object)),
                 y = call(at_gate_with, RASK_ARGS(rask_pointer(second), object)),
                 whole = call(at_gate_with, RASK_ARGS(rask_pointer(last), x, y));
    rask_future f = rask_compute(client, whole);
    GATE_REACHED(first, 1);
    gate_open(first);
    GATE_REACHED(second, 1);
    CHECK_EQ(destroyed(&p), 0);
    gate_open(second);
    GATE_REACHED(last, 1);
    CHECK_EQ(destroyed(&p), 1);
    gate_open(last);
    CHECK_I64(f, 1);
    CHECK_EQ(destroyed(&p), 1);
    CHECK_OK(rask_release(f));
    DROP_ALL(object, x, y, whole);
}

static void values_of_a_run_that_failed_stay_for_a_retry(void) {
    for (int retried = 0; retried < 2; retried++) {
        probe p = {0};
        plan fails = {.fails = true};
        gate *g = gate_new();
        gate_open(g);
        rask_delayed object = call(make_probe, RASK_ARGS(rask_pointer(&p))),
                     x = call(at_gate_with, RASK_ARGS(rask_pointer(g), object)),
                     y = call(planned, RASK_ARGS(rask_pointer(&fails), x)),
                     whole = call(pass_on, RASK_ARGS(y, object));
        rask_future f = rask_compute(client, whole);
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(destroyed(&p), 0);
        if (retried) {
            atomic_store(&fails.fails, false);
            CHECK_OK(rask_retry(f));
            CHECK_I64(f, 2);
            CHECK_EQ(destroyed(&p), 1);
            CHECK_EQ(runs(&fails), 2);
        }
        CHECK_OK(rask_release(f));
        EVENTUALLY(destroyed(&p) == 1);
        DROP_ALL(object, x, y, whole);
    }
}

/* They are values of the graph: of every step that takes one, of steps that take nothing else, in lists, more
 * than once. */
static void finished_futures_from_outside(void) {
    probe p = {0};
    rask_future x = rask_scatter(client, rask_i64(4)),
                y = rask_scatter(client,
                                 rask_str("a text that is longer than what fits into a value itself")),
                z = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    CHECK_OK(rask_wait(&z, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    rask_delayed a = call(inc, RASK_ARGS(x)), b = call(add, RASK_ARGS(a, x)),
                 c = call(pass_on, RASK_ARGS(b, y, z)), only = call(texts, RASK_ARGS("short", y)),
                 listed = call(nothing, RASK_ARGS(rask_list(RASK_ARGS(x, rask_list(RASK_ARGS(z, y, z)))))),
                 whole = call(add, RASK_ARGS(c, only, listed, z));
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
    for (int i = 0; i < 3; i++)
        COMPUTES(whole, 10);
    rask_future f = rask_compute(client, whole);
    CHECK_EQ(destroyed(&p), 0);
    DROP_ALL(a, b, c, only, listed, whole);
    CHECK_I64(f, 10);
    CHECK_OK(rask_release(f));
    EVENTUALLY(destroyed(&p) == 1);
}

static char seen_keys[4][128];
static void tell_key(rask_task *t) {
    snprintf(seen_keys[rask_arg_i64(t, 0)], sizeof *seen_keys, "%s", rask_task_key(t));
    CHECK_EQ(rask_task_attempt(t), 1);
    CHECK_EQ(rask_task_client(t).id, client.id);
    CHECK(!rask_cancelled(t));
}

static void keys_of_steps(void) {
    rask_delayed a = call_named("first", tell_key, RASK_ARGS(0)),
                 b = call_named("second", tell_key, RASK_ARGS(1, a)),
                 c = call_named("third", tell_key, RASK_ARGS(2, a)),
                 d = call_named("last", tell_key, RASK_ARGS(3, b, c));
    rask_future f = rask_compute(client, d);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_STR_EQ(seen_keys[3], rask_future_key(f));
    unsigned long long number = 0, other = 0;
    unsigned place = 0;
    CHECK_EQ(sscanf(rask_future_key(f), "last-%llx", &number), 1);
    const char *forms[] = {"first-%llx.%u", "second-%llx.%u", "third-%llx.%u"};
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(sscanf(seen_keys[i], forms[i], &other, &place), 2);
        CHECK_EQ(other, number);
        CHECK_EQ(place, i + 1);
    }
    CHECK_OK(rask_release(f));
    DROP_ALL(a, b, c, d);
}

static void read_wrongly(rask_task *t) { rask_return_i64(t, (int64_t)(size_t)rask_arg_bytes(t, 0, NULL)); }
static void read_too_far(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 9)); }

static void mistakes_of_a_step(void) {
    rask_task_fn wrong[] = {read_wrongly, read_too_far};
    rask_status statuses[] = {RASK_E_TYPE, RASK_E_INVALID};
    for (int i = 0; i < 2; i++) {
        rask_delayed a = call(inc, RASK_ARGS(0)), b = call_named("reader", wrong[i], RASK_ARGS(a)),
                     c = call(add, RASK_ARGS(a, b)), d = call(add, RASK_ARGS(c, c));
        rask_future f = rask_compute(client, d);
        CHECK_FAILS(f, statuses[i]);
        CHECK_STR_CONTAINS(ERROR_OF(f).origin, "reader-");
        CHECK_STR_CONTAINS(ERROR_OF(f).origin, ".2");
        CHECK_STR_CONTAINS(ERROR_OF(f).message, ERROR_OF(f).origin);
        CHECK_OK(rask_release(f));
        DROP_ALL(a, b, c, d);
    }
}

/* ---- who runs steps ---- */

static pthread_barrier_t barrier;
static void at_barrier(rask_task *t) {
    pthread_barrier_wait(&barrier);
    rask_return_arg(t, 0);
}

static void branches_meet_at_a_barrier(void) {
    CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
    rask_delayed a = call(inc, RASK_ARGS(0)), b = call(at_barrier, RASK_ARGS(a)),
                 c = call(at_barrier, RASK_ARGS(a)), x = call(at_barrier, RASK_ARGS(5)),
                 y = call(at_barrier, RASK_ARGS(6)), bc = call(add, RASK_ARGS(b, c)),
                 xy = call(add, RASK_ARGS(x, y)), one = call(add, RASK_ARGS(bc, 0)),
                 two = call(add, RASK_ARGS(xy, 0)), again = call(add, RASK_ARGS(one, two));
    for (int i = 0; i < 20; i++) {
        COMPUTES(one, 2);
        COMPUTES(two, 11);
    }
    DROP_ALL(a, b, c, x, y, bc, xy, one, two, again);
    CHECK_EQ(pthread_barrier_destroy(&barrier), 0);
}

static void one_future_in_all_figures(void) {
    gate *g = gate_new();
    diamond *d = diamond_new(NULL, g, g, NULL);
    rask_client_stats before = stats_of(client), now;
    rask_future f = rask_compute(client, d->whole);
    GATE_REACHED(g, 1);
    CHECK_EQ(rask_future_state(f), RASK_RUNNING);
    now = stats_of(client);
    CHECK_EQ(now.n_running, 1);
    CHECK_EQ(now.n_pending, 0);
    CHECK_STATUS(rask_client_wait(client, 0), RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_I64(f, 5);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    now = stats_of(client);
    CHECK_EQ(now.n_submitted - before.n_submitted, 1);
    CHECK_EQ(now.n_executed - before.n_executed, 1);
    CHECK_EQ(now.n_finished - before.n_finished, 1);
    CHECK_EQ(now.n_running + now.n_pending, 0);
    CHECK_OK(rask_release(f));
    diamond_free(d);
}

/* ---- failures ---- */

static void a_step_that_fails_ends_the_future_at_once(void) {
    gate *g = gate_new(), *before = gate_new();
    diamond *d = diamond_new(NULL, before, g, NULL);
    atomic_store(&d->b.fails, true);
    rask_future f = rask_compute(client, d->whole);
    GATE_REACHED(g, 1);
    gate_open(before);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(f).origin, "b-");
    CHECK_EQ(stats_of(client).n_running, 1);
    CHECK_STATUS(rask_client_wait(client, 0), RASK_E_TIMEOUT);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(atomic_load(&d->c.sees_cancelled), 1);
    CHECK_RUNS(d, 1, 1, 1, 0);
    CHECK_OK(rask_release(f));
    diamond_free(d);
}

static void further_steps_do_not_begin(void) {
    gate *g = gate_new();
    diamond *d = diamond_new(g, NULL, NULL, NULL);
    rask_delayed bad = call(fail, RASK_ARGS(3, "bad")), both = call(add, RASK_ARGS(d->whole, bad));
    rask_future f = rask_compute(client, both);
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(f).code, 3);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK(runs(&d->a) <= 1);
    CHECK_RUNS(d, runs(&d->a), 0, 0, 0);
    CHECK_OK(rask_release(f));
    DROP_ALL(bad, both);
    diamond_free(d);
}

static void a_retry_runs_what_failed_and_what_had_not_run(void) {
    diamond *d = diamond_new(NULL, NULL, NULL, NULL);
    atomic_store(&d->b.fails, true);
    rask_future f = rask_compute(client, d->whole), above = rask_submit(client, inc, RASK_ARGS(f));
    CHECK_FAILS(above, RASK_E_TASK);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    int c = runs(&d->c);
    CHECK_RUNS(d, 1, 1, c, 0);
    CHECK_OK(rask_retry(f));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_EQ(runs(&d->b), 2);
    atomic_store(&d->b.fails, false);
    CHECK_OK(rask_retry(above));
    CHECK_I64(above, 6);
    CHECK_RUNS(d, 1, 3, 1, 1);
    CHECK_STATUS(rask_retry(f), RASK_E_STATE);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, above)));
    diamond_free(d);
}

static void a_retry_while_steps_still_run(void) {
    gate *g = gate_new(), *before = gate_new();
    diamond *d = diamond_new(NULL, before, g, NULL);
    atomic_store(&d->b.fails, true);
    rask_future f = rask_compute(client, d->whole);
    GATE_REACHED(g, 1);
    gate_open(before);
    CHECK_FAILS(f, RASK_E_TASK);
    atomic_store(&d->b.fails, false);
    CHECK_OK(rask_retry(f));
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    CHECK_STATUS(rask_retry(f), RASK_E_STATE);
    sleep_us(2000);
    CHECK_EQ(rask_future_state(f), RASK_PENDING);
    CHECK_EQ(runs(&d->b), 1);
    gate_open(g);
    CHECK_I64(f, 5);
    CHECK_RUNS(d, 1, 2, 1, 1);
    CHECK_OK(rask_release(f));
    diamond_free(d);
}

static void retried_and_given_up_again_while_steps_still_run(void) {
    for (int released = 0; released < 2; released++) {
        gate *g = gate_new(), *before = gate_new();
        diamond *d = diamond_new(NULL, before, g, NULL);
        atomic_store(&d->b.fails, true);
        rask_future f = rask_compute(client, d->whole);
        GATE_REACHED(g, 1);
        gate_open(before);
        CHECK_FAILS(f, RASK_E_TASK);
        for (int i = 0; i < 3; i++) {
            CHECK_OK(rask_retry(f));
            if (!released || i < 2)
                CHECK_OK(rask_cancel(f, "again"));
        }
        CHECK_OK(rask_release(f));
        gate_open(g);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_RUNS(d, 1, 1, 1, 0);
        diamond_free(d);
    }
}

/* ---- cancel, release, close ---- */

static void cancelled_before_it_begins(void) {
    gate *g = gate_new();
    rask_future blocker = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    diamond *d = diamond_new(NULL, NULL, NULL, NULL);
    rask_future f = rask_compute(client, d->whole), gone = rask_compute(client, d->whole);
    CHECK_OK(rask_cancel(f, "not now"));
    CHECK_OK(rask_release(gone));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    CHECK_RUNS(d, 0, 0, 0, 0);
    CHECK_OK(rask_retry(f));
    CHECK_I64(f, 5);
    CHECK_RUNS(d, 1, 1, 1, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, blocker)));
    diamond_free(d);
}

/* Cancelled at each of its steps: the one that runs sees it, what comes after does not begin; a retry goes on
 * from there. */
static void cancelled_at_each_step(void) {
    for (int at = 0; at < 4; at++) {
        for (int early = 0; early < 2; early++) {
            gate *g = gate_new();
            diamond *d =
                diamond_new(at == 0 ? g : NULL, at == 1 ? g : NULL, at == 2 ? g : NULL, at == 3 ? g : NULL);
            plan *plans[] = {&d->a, &d->b, &d->c, &d->d};
            rask_future f = rask_compute(client, d->whole);
            GATE_REACHED(g, 1);
            CHECK_OK(rask_cancel(f, "enough"));
            CHECK_FAILS(f, RASK_E_CANCELLED);
            CHECK_STATUS(rask_cancel(f, "twice"), RASK_E_STATE);
            if (early)
                CHECK_OK(rask_retry(f));
            gate_open(g);
            if (!early) {
                CHECK_OK(rask_client_wait(client, LONG_NS));
                CHECK_EQ(runs(plans[at]), 1);
                CHECK_EQ(atomic_load(&plans[at]->sees_cancelled), 1);
                CHECK_EQ(runs(&d->d), at == 3);
                CHECK_OK(rask_retry(f));
            }
            CHECK_I64(f, 5);
            /* The last one's result is nobody's when it was cancelled before it returned. */
            CHECK_RUNS(d, 1, 1, 1, 1 + (at == 3));
            CHECK_OK(rask_release(f));
            diamond_free(d);
        }
    }
}

static void released_at_each_step(void) {
    for (int at = 0; at < 4; at++) {
        gate *g = gate_new();
        probe p = {0};
        diamond *d =
            diamond_new(at == 0 ? g : NULL, at == 1 ? g : NULL, at == 2 ? g : NULL, at == 3 ? g : NULL);
        plan *plans[] = {&d->a, &d->b, &d->c, &d->d};
        rask_delayed object = call(make_probe, RASK_ARGS(rask_pointer(&p))),
                     whole = call(pass_on, RASK_ARGS(d->whole, object));
        rask_future f = rask_compute(client, whole);
        GATE_REACHED(g, 1);
        CHECK_OK(rask_release(f));
        CHECK_STATUS(rask_release(f), RASK_E_HANDLE);
        gate_open(g);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_EQ(atomic_load(&plans[at]->sees_cancelled), 1);
        CHECK(destroyed(&p) <= 1);
        DROP_ALL(object, whole);
        diamond_free(d);
        EVENTUALLY(stats_of(client).live_futures == 0);
        EVENTUALLY(stats_of(client).nbytes == 0);
    }
}

static rask_future to_cancel;
static int retries_too;
static void cancel_when_destroyed(void *object) {
    atomic_fetch_add(&((probe *)object)->destroyed, 1);
    rask_cancel(to_cancel, "by a destructor");
    if (retries_too)
        rask_retry(to_cancel);
}
static const rask_type cancelling_type = {
    sizeof(rask_type), "cancelling", cancel_when_destroyed, NULL, NULL, NULL};
static void make_cancelling(rask_task *t) { rask_return_object(t, rask_arg_pointer(t, 0), &cancelling_type); }

/* The value is there, but the future is cancelled while the inputs are destroyed, and perhaps retried: the
 * value is kept for that. */
static void cancelled_by_the_destructor_of_an_input(void) {
    for (retries_too = 0; retries_too < 2; retries_too++) {
        probe p = {0};
        gate *g = gate_new();
        plan last = {0};
        rask_delayed start = call(held, RASK_ARGS(rask_pointer(g), 1)),
                     object = call(make_cancelling, RASK_ARGS(rask_pointer(&p), start)),
                     other = call(inc, RASK_ARGS(start)),
                     whole = call(planned, RASK_ARGS(rask_pointer(&last), other));
        rask_delayed end = call(pass_on, RASK_ARGS(whole, object));
        to_cancel = rask_compute(client, end);
        gate_open(g);
        EVENTUALLY(destroyed(&p) == 1);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        if (!retries_too) {
            CHECK_FAILS(to_cancel, RASK_E_CANCELLED);
            CHECK_OK(rask_retry(to_cancel));
        }
        CHECK_I64(to_cancel, 3);
        CHECK_EQ(destroyed(&p), 1);
        CHECK_EQ(runs(&last), 1);
        CHECK_OK(rask_release(to_cancel));
        DROP_ALL(start, object, other, whole, end);
    }
}

/* Cancels, and perhaps retries, while the last step ends. */
static void cancelled_as_it_ends(void) {
    diamond *d = diamond_new(NULL, NULL, NULL, NULL);
    size_t n = scaled(20000);
    uint64_t seed = 11;
    for (size_t i = 0; i < n; i++) {
        rask_future f = rask_compute(client, d->whole);
        for (uint64_t spin = random_next(&seed) % 2000; spin; spin--)
            atomic_thread_fence(memory_order_seq_cst);
        rask_status status = rask_cancel(f, "perhaps");
        CHECK(status == RASK_OK || status == RASK_E_STATE);
        if (status == RASK_OK && i % 2)
            CHECK_OK(rask_retry(f));
        else if (status == RASK_OK) {
            CHECK_FAILS(f, RASK_E_CANCELLED);
            if (i % 4)
                CHECK_OK(rask_retry(f));
        }
        if (rask_future_state(f) != RASK_CANCELLED)
            CHECK_I64(f, 5);
        CHECK_OK(rask_release(f));
    }
    diamond_free(d);
}

static void wait_for_pointed(rask_task *t) {
    rask_future *f = rask_arg_pointer(t, 0);
    const rask_value *value;
    rask_status status = rask_result(*f, RASK_FOREVER, &value);
    CHECK(status == RASK_OK || status == RASK_E_CANCELLED);
    rask_return_i64(t, 1);
}
static void return_pointed(rask_task *t) {
    rask_return_future(t, rask_clone(*(rask_future *)rask_arg_pointer(t, 0)));
}

/* (before it begins, at a step, at the last one, with a step that waits, with one that has returned a future,
 * failed, retried) */
static void closed_in_every_state(void) {
    for (int state = 0; state < 7; state++) {
        for (uint32_t workers = 1; workers <= 2; workers++) {
            rask_client mine = client;
            client = open_workers(workers);
            gate *g = gate_new(), *blocks = gate_new();
            probe p = {0};
            rask_future blocker = {0}, pending = {0};
            diamond *d = diamond_new(NULL, state == 1 || state >= 5 ? g : NULL, NULL, state == 2 ? g : NULL);
            rask_delayed object = call(make_probe, RASK_ARGS(rask_pointer(&p))), extra = object;
            if (state == 0) {
                blocker = submit_held(client, g, 1);
                GATE_REACHED(g, 1);
            }
            if (state == 3 || state == 4) {
                blocker = submit_held(client, blocks, 1);
                GATE_REACHED(blocks, 1);
                pending = rask_submit(client, inc, RASK_ARGS(blocker));
                extra = call(state == 3 ? wait_for_pointed : return_pointed,
                             RASK_ARGS(rask_pointer(&pending), object));
            }
            if (state >= 5)
                extra = call(fail, RASK_ARGS(1, "early", object));
            rask_delayed whole = call(pass_on, RASK_ARGS(d->whole, extra));
            rask_future f = rask_compute(client, whole);
            if (state == 1 || state == 2)
                GATE_REACHED(g, 1);
            if ((state == 3 || state == 4) && workers == 2)
                EVENTUALLY(runs(&d->d) == 1);
            pthread_t opener = start_thread(open_soon, state == 3 || state == 4 ? blocks : g);
            if (state >= 5) {
                CHECK_FAILS(f, RASK_E_TASK);
                if (state == 6)
                    CHECK_OK(rask_retry(f));
            }
            CHECK_OK(rask_client_close(client));
            CHECK_STATUS(rask_retry(f), RASK_E_CLOSED);
            rask_state ended = rask_future_state(f);
            CHECK(ended == RASK_CANCELLED || ended == RASK_FINISHED || (state >= 5 && ended == RASK_ERROR));
            join_thread(opener);
            CHECK_OK(rask_release_all(RASK_FUTURES(f, blocker, pending)));
            if (extra.id != object.id)
                drop(extra);
            DROP_ALL(object, whole, d->whole);
            CHECK(destroyed(&p) <= 1);
            free(d);
            client = mine;
        }
    }
}

/* ---- purses: what a worker holds of a graph in bulk ---- */

static rask_delayed inner;
static rask_future inner_future;
static void compute_inner(rask_task *t) {
    inner_future = rask_compute(rask_task_client(t), inner);
    rask_return_i64(t, 1);
}
static void make_inner(probe *p) {
    rask_delayed a = call(inc, RASK_ARGS(0)), b = call(add, RASK_ARGS(a, 1)), c = call(add, RASK_ARGS(a, 2));
    inner = call(pass_on, RASK_ARGS(b, c, rask_object(p, &probe_type)));
    DROP_ALL(a, b, c);
}

/* The only worker runs a whole graph between two steps of another: what it has of that one it gives back
 * before the second. */
static void a_worker_that_turns_to_another_graph(void) {
    gate *g = gate_new();
    probe p = {0};
    make_inner(&p);
    rask_delayed start = call(inc, RASK_ARGS(0)), first = call(compute_inner, RASK_ARGS(start)),
                 second = call(held, RASK_ARGS(rask_pointer(g), 1, start)),
                 whole = call(add, RASK_ARGS(first, second));
    rask_future f = rask_compute(client, whole);
    GATE_REACHED(g, 1);
    CHECK_I64(inner_future, 2);
    CHECK_OK(rask_release(inner_future));
    drop(inner);
    EVENTUALLY(destroyed(&p) == 1);
    gate_open(g);
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    DROP_ALL(start, first, second, whole);
}

static void wait_for_inner_then_gate(rask_task *t) {
    inner_future = rask_compute(rask_task_client(t), inner);
    CHECK_I64(inner_future, 2);
    gate_pass(rask_arg_pointer(t, 0));
}

/* The graph has been run with the slot of a task that waited for it, and now has the slot back. */
static void a_slot_that_is_handed_back(void) {
    gate *g = gate_new();
    probe p = {0};
    make_inner(&p);
    rask_future f = rask_submit(client, wait_for_inner_then_gate, RASK_ARGS(rask_pointer(g)));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_release(inner_future));
    drop(inner);
    EVENTUALLY(destroyed(&p) == 1);
    gate_open(g);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_OK(rask_release(f));
}

/* ---- steps that return a future ---- */

/* (number): that of a task which adds one. */
static void return_inc(rask_task *t) {
    rask_return_future(t, rask_submit(rask_task_client(t), inc, RASK_ARGS(rask_arg_i64(t, 0))));
}
/* A graph around a step: 1 before it, and what it gives twice after it. */
static rask_delayed around(rask_task_fn fn, void *pointer) {
    rask_delayed one = call(inc, RASK_ARGS(0)),
                 step = pointer ? call_named("asks", fn, RASK_ARGS(rask_pointer(pointer), one))
                                : call_named("asks", fn, RASK_ARGS(one)),
                 twice = call(add, RASK_ARGS(step, step)), whole = call(add, RASK_ARGS(twice, one));
    DROP_ALL(one, step, twice);
    return whole;
}

static void a_returned_future(void) {
    rask_delayed d = around(return_inc, NULL);
    for (int i = 0; i < 50; i++)
        COMPUTES(d, 5);
    drop(d);
}

static void a_returned_future_that_is_done(void) {
    rask_future done = rask_scatter(client, rask_i64(4)),
                bad = rask_submit(client, fail, RASK_ARGS(4, "bad"));
    CHECK_FAILS(bad, RASK_E_TASK);
    rask_delayed d = around(return_pointed, &done), e = around(return_pointed, &bad);
    COMPUTES(d, 9);
    COMPUTE_FAILS(e, RASK_E_TASK, "bad");
    CHECK_OK(rask_release_all(RASK_FUTURES(done, bad)));
    DROP_ALL(d, e);
}

static void a_returned_future_that_is_late(void) {
    gate *g = gate_new();
    rask_future first = submit_held(client, g, 3), late = rask_submit(client, inc, RASK_ARGS(first));
    GATE_REACHED(g, 1);
    rask_delayed d = around(return_pointed, &late);
    rask_future f = rask_compute(client, d), other = rask_submit(client, inc, RASK_ARGS(1));
    /* No worker waits for it. */
    CHECK_I64(other, 2);
    EVENTUALLY(rask_future_state(f) == RASK_RUNNING);
    gate_open(g);
    CHECK_I64(f, 9);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, other, first, late)));
    drop(d);
}

static void return_far_failure(rask_task *t) {
    rask_return_future(t, submit_named(rask_task_client(t), "far", fail, RASK_ARGS(9, "away")));
}
static void return_nothing(rask_task *t) { rask_return_future(t, (rask_future){0}); }
static rask_client elsewhere;
static void return_foreign(rask_task *t) { rask_return_future(t, rask_submit(elsewhere, inc, RASK_ARGS(1))); }

static void wrong_returned_futures(void) {
    elsewhere = open_workers(1);
    rask_delayed d = around(return_far_failure, NULL), e = around(return_nothing, NULL),
                 foreign = around(return_foreign, NULL);
    rask_future far = rask_compute(client, d);
    CHECK_FAILS(far, RASK_E_TASK);
    CHECK_STR_CONTAINS(ERROR_OF(far).origin, "far-");
    CHECK_OK(rask_release(far));
    COMPUTE_FAILS(e, RASK_E_HANDLE, "null");
    COMPUTE_FAILS(foreign, RASK_E_HANDLE, "another client");
    DROP_ALL(d, e, foreign);
    CHECK_OK(rask_client_close(elsewhere));
}

static void a_retry_asks_again(void) {
    diamond *d = diamond_new(NULL, NULL, NULL, NULL);
    rask_delayed asks = call(return_far_failure, RASK_ARGS(d->whole)),
                 whole = call(add, RASK_ARGS(asks, d->whole));
    rask_future f = rask_compute(client, whole);
    for (int i = 0; i < 5; i++) {
        CHECK_FAILS(f, RASK_E_TASK);
        CHECK_OK(rask_retry(f));
    }
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_RUNS(d, 1, 1, 1, 1);
    CHECK_OK(rask_release(f));
    DROP_ALL(asks, whole);
    diamond_free(d);
}

/* What a graph waits for is not wanted any more than the graph is. */
static void a_returned_future_ends_with_the_graph(void) {
    for (int how = 0; how < 4; how++) {
        atomic_int asked = 0;
        gate *g = gate_new();
        rask_delayed d = around(return_until_cancelled, &asked),
                     bad = call(held_fail, RASK_ARGS(rask_pointer(g), 5, "bad")),
                     whole = call(add, RASK_ARGS(d, bad));
        rask_future f = rask_compute(client, whole);
        EVENTUALLY(atomic_load(&asked) == 1);
        sleep_us(how % 2 ? 1000 : 0);
        if (how == 0)
            CHECK_OK(rask_cancel(f, "enough"));
        if (how == 1)
            CHECK_OK(rask_release(f));
        gate_open(g);
        if (how == 3) { /* cancelled by a retry's next run */
            CHECK_FAILS(f, RASK_E_TASK);
            CHECK_OK(rask_retry(f));
            CHECK_FAILS(f, RASK_E_TASK);
        }
        CHECK_OK(rask_client_wait(client, LONG_NS));
        if (how != 1) {
            CHECK_FAILS(f, how == 0 ? RASK_E_CANCELLED : RASK_E_TASK);
            CHECK_OK(rask_release(f));
        }
        DROP_ALL(d, bad, whole);
    }
}

static void a_returned_future_is_released_once_it_is_read(void) {
    probe p = {0};
    rask_future object = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    rask_delayed asks = call(return_pointed, RASK_ARGS(rask_pointer(&object))), one = call(inc, RASK_ARGS(0)),
                 two = call(at_gate_with, RASK_ARGS(rask_pointer(&client), one));
    drop(two);
    gate *g = gate_new();
    rask_delayed reads = call(pass_on, RASK_ARGS(one, asks)),
                 last = call(held, RASK_ARGS(rask_pointer(g), 3, reads));
    rask_future f = rask_compute(client, last);
    GATE_REACHED(g, 1);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(object));
    CHECK_EQ(destroyed(&p), 1);
    gate_open(g);
    CHECK_I64(f, 3);
    CHECK_OK(rask_release(f));
    DROP_ALL(asks, one, reads, last);
}

/* The returned future fails, and is retried at that moment. */
static void a_returned_future_is_retried(void) {
    size_t n = scaled(3000);
    for (size_t i = 0; i < n; i++) {
        plan fails = {.fails = true};
        rask_future bad = rask_submit(client, planned, RASK_ARGS(rask_pointer(&fails)));
        rask_delayed d = around(return_pointed, &bad);
        rask_future f = rask_compute(client, d);
        while (rask_future_state(bad) != RASK_ERROR)
            sched_yield();
        atomic_store(&fails.fails, false);
        CHECK_OK(rask_retry(bad));
        CHECK_I64(bad, 1);
        const rask_value *value;
        if (rask_result(f, LONG_NS, &value) != RASK_OK && rask_retry(f) == RASK_OK)
            CHECK_I64(f, 3);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        CHECK_OK(rask_release_all(RASK_FUTURES(f, bad)));
        drop(d);
    }
}

/* ---- circles ---- */

static void return_pointed_at_gate(rask_task *t) {
    void **both = rask_arg_pointer(t, 0);
    gate_pass(both[0]);
    rask_return_future(t, rask_clone(*(rask_future *)both[1]));
}

static void a_step_that_returns_its_own_future(void) {
    gate *g = gate_new();
    rask_future f, above;
    void *both[] = {g, &f}, *further[] = {g, &above};
    rask_delayed d = around(return_pointed_at_gate, both), e = around(return_pointed_at_gate, further);
    f = rask_compute(client, d);
    rask_future other = rask_compute(client, e);
    above = rask_submit(client, inc, RASK_ARGS(other));
    gate_open(g);
    CHECK_FAILS(f, RASK_E_DEADLOCK);
    CHECK_STR_CONTAINS(ERROR_OF(f).origin, "asks-");
    CHECK_FAILS(above, RASK_E_DEADLOCK);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, above, other)));
    DROP_ALL(d, e);
}

static void graphs_that_return_each_other(void) {
    gate *g = gate_new();
    rask_future f[3];
    void *both[3][2] = {{g, &f[1]}, {g, &f[2]}, {g, &f[0]}};
    rask_delayed d[3];
    for (int i = 0; i < 3; i++) {
        d[i] = around(return_pointed_at_gate, both[i]);
        f[i] = rask_compute(client, d[i]);
    }
    gate_open(g);
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(f[i], RASK_E_DEADLOCK);
    CHECK_OK(rask_release_all(f, 3));
    DROP_ALL(d[0], d[1], d[2]);
}

static rask_future own;
static void wait_for_own(rask_task *t) {
    gate_pass(rask_arg_pointer(t, 0));
    const rask_value *value;
    rask_return_i64(t, rask_result(own, RASK_FOREVER, &value));
}

static void a_step_that_waits_for_its_own_future(void) {
    gate *g = gate_new();
    rask_delayed d = around(wait_for_own, g);
    own = rask_compute(client, d);
    gate_open(g);
    CHECK_I64(own, 2 * RASK_E_DEADLOCK + 1);
    CHECK_OK(rask_release(own));
    drop(d);
}

/* (gate, future): says that it is about to wait, and does; the status. */
static void say_and_wait(rask_task *t) {
    gate *g = rask_arg_pointer(t, 0);
    atomic_fetch_add(&g->entered, 1);
    const rask_value *value;
    rask_return_i64(t, rask_result(*(rask_future *)rask_arg_pointer(t, 1), RASK_FOREVER, &value));
}

/* Two steps wait; it is the second that what it waits for waits for. */
static void a_circle_through_the_second_step_that_waits(void) {
    for (int order = 0; order < 2; order++) {
        gate *first = gate_new(), *second = gate_new(), *about = gate_new();
        rask_future x = submit_held(client, first, 0),
                    y = rask_submit(client, wait_for_own, RASK_ARGS(rask_pointer(second)));
        GATE_REACHED(first, 1);
        GATE_REACHED(second, 1);
        rask_delayed a = call(say_and_wait, RASK_ARGS(rask_pointer(about), rask_pointer(order ? &x : &y))),
                     b = call(say_and_wait, RASK_ARGS(rask_pointer(about), rask_pointer(order ? &y : &x))),
                     ab = call(add, RASK_ARGS(a, b)), whole = call(add, RASK_ARGS(ab, ab));
        own = rask_compute(client, whole);
        GATE_REACHED(about, 2);
        sleep_us(20000);
        gate_open(second);
        CHECK_I64(y, RASK_E_DEADLOCK);
        gate_open(first);
        CHECK_I64(own, 0);
        CHECK_OK(rask_release_all(RASK_FUTURES(own, x, y)));
        DROP_ALL(a, b, ab, whole);
    }
}

/* ---- a long line of graphs, each of which returns the next ---- */

static rask_delayed line;
static atomic_int line_left;
static rask_future line_end;
static void next_in_line(rask_task *t) {
    if (atomic_fetch_sub(&line_left, 1) > 1)
        rask_return_future(t, rask_compute(rask_task_client(t), line));
    else
        rask_return_future(t, rask_clone(line_end));
}
static rask_future begin_line(int n, rask_future end) {
    atomic_store(&line_left, n);
    line_end = end;
    rask_delayed one = call(inc, RASK_ARGS(0)), step = call(next_in_line, RASK_ARGS(one)),
                 same = call(pass_on, RASK_ARGS(step, one));
    line = call(pass_on, RASK_ARGS(same, step));
    DROP_ALL(one, step, same);
    return rask_compute(client, line);
}

static void a_long_line(void) {
    int n = (int)scaled(100000);
    for (int how = 0; how < 4; how++) {
        gate *g = gate_new();
        rask_future blocker = how == 1 ? rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 1, "end"))
                                       : submit_held(client, g, 0),
                    end = rask_submit(client, pass_on, RASK_ARGS(blocker)), f = begin_line(n, end);
        GATE_REACHED(g, 1);
        EVENTUALLY(atomic_load(&line_left) == 0);
        if (how == 2)
            CHECK_OK(rask_cancel(f, "enough"));
        if (how == 3)
            CHECK_OK(rask_release(f));
        gate_open(g);
        const rask_value *value;
        if (how < 3)
            CHECK_STATUS(rask_result(f, LONG_NS, &value), how == 0   ? RASK_OK
                                                          : how == 1 ? RASK_E_TASK
                                                                     : RASK_E_CANCELLED);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        if (how < 3)
            CHECK_OK(rask_release(f));
        CHECK_OK(rask_release_all(RASK_FUTURES(blocker, end)));
        drop(line);
    }
}

static void a_long_line_is_closed(void) {
    int n = (int)scaled(100000);
    rask_client mine = client;
    client = open_workers(2);
    gate *g = gate_new();
    rask_future blocker = submit_held(client, g, 0), end = rask_submit(client, pass_on, RASK_ARGS(blocker)),
                f = begin_line(n, end);
    GATE_REACHED(g, 1);
    EVENTUALLY(atomic_load(&line_left) == 0);
    pthread_t opener = start_thread(open_soon, g);
    CHECK_OK(rask_client_close(client));
    join_thread(opener);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, blocker, end)));
    drop(line);
    client = mine;
}

/* ---- inside steps ---- */

static void compute_and_wait(rask_task *t) {
    int64_t n = rask_arg_i64(t, 1), value = 0;
    CHECK_EQ(*(int *)rask_arg_pointer(t, 0), 42);
    if (n == 0) {
        rask_return_i64(t, 1);
        return;
    }
    rask_delayed a = call(compute_and_wait, RASK_ARGS(rask_arg_pointer(t, 0), n - 1)),
                 b = call(compute_and_wait, RASK_ARGS(rask_arg_pointer(t, 0), n - 1)),
                 ab = call(add, RASK_ARGS(a, b)), whole = call(add, RASK_ARGS(ab, 1));
    rask_future f = rask_compute(rask_task_client(t), whole);
    CHECK_OK(rask_result_i64(f, &value));
    CHECK_OK(rask_release(f));
    DROP_ALL(a, b, ab, whole);
    rask_return_i64(t, value);
}

static void graphs_in_graphs(void) {
    int answer = 42;
    rask_delayed d = call(compute_and_wait, RASK_ARGS(rask_pointer(&answer), 5)),
                 two = call(add, RASK_ARGS(d, d)), three = call(add, RASK_ARGS(two, d)),
                 four = call(add, RASK_ARGS(three, d));
    COMPUTES(four, 4 * 63);
    DROP_ALL(d, two, three, four);
}

/* (depth): computes a graph whose first step does the same, and waits for it. */
static void compute_the_next(rask_task *t) {
    int64_t n = rask_arg_i64(t, 0), value = 0;
    if (n > 0) {
        rask_delayed a = call(compute_the_next, RASK_ARGS(n - 1)), b = call(add, RASK_ARGS(a, 1)),
                     c = call(add, RASK_ARGS(a, b)), whole = call(add, RASK_ARGS(c, -n));
        rask_future f = rask_compute(rask_task_client(t), whole);
        CHECK_OK(rask_result_i64(f, &value));
        CHECK_EQ(value, 2 * (n - 1) + 1 - n);
        CHECK_OK(rask_release(f));
        DROP_ALL(a, b, c, whole);
    }
    rask_return_i64(t, n);
}

/* Deeper than there are spare threads: what is waited for is run on top. */
static void graphs_deep_in_graphs(void) {
    int64_t n = (int64_t)scaled(3000);
    rask_delayed a = call(compute_the_next, RASK_ARGS(n)), b = call(add, RASK_ARGS(a, 1)),
                 c = call(add, RASK_ARGS(a, b)), whole = call(add, RASK_ARGS(c, 0));
    COMPUTES(whole, 2 * n + 1);
    DROP_ALL(a, b, c, whole);
}

static void wait_for_child(rask_task *t) {
    int64_t value = 0;
    rask_future f = rask_submit(rask_task_client(t), inc, RASK_ARGS(rask_arg_i64(t, 0)));
    CHECK_OK(rask_result_i64(f, &value));
    CHECK_OK(rask_release(f));
    rask_return_i64(t, value);
}

static void steps_that_wait(void) {
    enum { N = 200 };
    rask_delayed steps[N];
    rask_arg items[N];
    for (int i = 0; i < N; i++) {
        steps[i] = call(wait_for_child, RASK_ARGS(i));
        items[i] = rask_lazy(steps[i]);
    }
    rask_delayed last = call(nothing, items, N), one = call(inc, RASK_ARGS(0)),
                 whole = call(pass_on, RASK_ARGS(one, last));
    for (int i = 0; i < 10; i++)
        COMPUTES(whole, 1);
    for (int i = 0; i < N; i++)
        drop(steps[i]);
    DROP_ALL(last, one, whole);
}

static rask_delayed shared;
static void *compute_shared(void *context) {
    (void)context;
    for (size_t i = scaled(5000); i; i--)
        COMPUTES(shared, 5);
    return NULL;
}

static void threads_compute_one_graph_at_a_time(void) {
    diamond *d = diamond_new(NULL, NULL, NULL, NULL);
    shared = d->whole;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start_thread(compute_shared, NULL);
    for (int i = 0; i < 4; i++)
        join_thread(threads[i]);
    int n = 4 * (int)scaled(5000);
    CHECK_RUNS(d, n, n, n, n);
    diamond_free(d);
}

/* ---- sizes ---- */

static void first_plus_one(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }

/* Two inputs, so that it is no chain. */
static void a_deep_graph(void) {
    int64_t n = (int64_t)scaled(10000000);
    rask_delayed d = call(inc, RASK_ARGS(0));
    for (int64_t i = 1; i < n; i++) {
        rask_delayed next = call(first_plus_one, RASK_ARGS(d, d));
        drop(d);
        d = next;
    }
    COMPUTES(d, n);
    rask_future f = rask_compute(client, d);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    drop(d);
}

static void sum_of_list(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    int64_t total = 0, one = 0;
    for (size_t i = 0; i < rask_value_count(list); i++) {
        CHECK_OK(rask_value_i64(rask_value_at(list, i), &one));
        total += one;
    }
    rask_return_i64(t, total);
}

static void a_wide_graph(void) {
    size_t n = scaled(1000000);
    rask_delayed one = call(inc, RASK_ARGS(0));
    rask_delayed *middle = malloc(n * sizeof *middle);
    rask_arg *items = malloc(n * sizeof *items);
    CHECK(middle && items);
    for (size_t i = 0; i < n; i++) {
        middle[i] = call(inc, RASK_ARGS(one));
        items[i] = rask_lazy(middle[i]);
    }
    rask_arg list = rask_list(items, n);
    rask_delayed whole = call(sum_of_list, &list, 1);
    for (size_t i = 0; i < n; i++)
        drop(middle[i]);
    for (int round = 0; round < 2; round++)
        COMPUTES(whole, 2 * (int64_t)n);
    DROP_ALL(one, whole);
    free(middle);
    free(items);
}

int main(void) {
    RUN_WITH(1, every_kind_of_value);
    RUN_WITH(2, every_kind_of_value);
    RUN_WITH(2, an_input_taken_more_than_once);
    RUN_WITH(1, a_value_lives_until_the_last_has_read_it);
    RUN_WITH(2, a_value_lives_until_the_last_has_read_it);
    RUN_WITH(2, values_of_a_run_that_failed_stay_for_a_retry);
    RUN_WITH(1, finished_futures_from_outside);
    RUN_WITH(2, finished_futures_from_outside);
    RUN_WITH(2, keys_of_steps);
    RUN_WITH(2, mistakes_of_a_step);
    RUN_WITH(2, branches_meet_at_a_barrier);
    RUN_WITH(2, one_future_in_all_figures);
    RUN_WITH(2, a_step_that_fails_ends_the_future_at_once);
    RUN_WITH(2, further_steps_do_not_begin);
    RUN_WITH(1, a_retry_runs_what_failed_and_what_had_not_run);
    RUN_WITH(2, a_retry_runs_what_failed_and_what_had_not_run);
    RUN_WITH(2, a_retry_while_steps_still_run);
    RUN_WITH(2, retried_and_given_up_again_while_steps_still_run);
    RUN_WITH(1, cancelled_before_it_begins);
    RUN_WITH(1, cancelled_at_each_step);
    RUN_WITH(2, cancelled_at_each_step);
    RUN_WITH(1, released_at_each_step);
    RUN_WITH(2, released_at_each_step);
    RUN_WITH(1, cancelled_by_the_destructor_of_an_input);
    RUN_WITH(2, cancelled_by_the_destructor_of_an_input);
    RUN_WITH(1, cancelled_as_it_ends);
    RUN_WITH(2, cancelled_as_it_ends);
    RUN_WITH(1, closed_in_every_state);
    RUN_WITH(1, a_worker_that_turns_to_another_graph);
    RUN_WITH(1, a_slot_that_is_handed_back);
    RUN_WITH(1, a_returned_future);
    RUN_WITH(2, a_returned_future);
    RUN_WITH(2, a_returned_future_that_is_done);
    RUN_WITH(2, a_returned_future_that_is_late);
    RUN_WITH(2, wrong_returned_futures);
    RUN_WITH(2, a_retry_asks_again);
    RUN_WITH(2, a_returned_future_ends_with_the_graph);
    RUN_WITH(2, a_returned_future_is_released_once_it_is_read);
    RUN_WITH(1, a_returned_future_is_retried);
    RUN_WITH(2, a_returned_future_is_retried);
    RUN_WITH(2, a_step_that_returns_its_own_future);
    RUN_WITH(3, graphs_that_return_each_other);
    RUN_WITH(2, a_step_that_waits_for_its_own_future);
    RUN_WITH(3, a_circle_through_the_second_step_that_waits);
    RUN_WITH(2, a_long_line);
    RUN_WITH(2, a_long_line_is_closed);
    RUN_WITH(1, graphs_in_graphs);
    RUN_WITH(2, graphs_in_graphs);
    RUN_WITH(1, graphs_deep_in_graphs);
    RUN_WITH(2, graphs_deep_in_graphs);
    RUN_WITH(2, steps_that_wait);
    RUN_WITH(2, threads_compute_one_graph_at_a_time);
    RUN_WITH(2, a_deep_graph);
    RUN_WITH(1, a_wide_graph);
    RUN_WITH(2, a_wide_graph);
    return 0;
}
