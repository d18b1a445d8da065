/* Graphs that are interpreted: one future stands for all of it, and its steps are run by whichever worker is
 * free. */
#include "diamond.h"

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
    rask_delayed whole = call(sum_list, &list, 1);
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
