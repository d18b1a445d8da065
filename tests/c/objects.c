/* Objects: the destructor runs exactly once, whatever becomes of the value. Each test closes the client
 * before it counts, where the moment of destruction is not promised. */
#include "check.h"

#define OBJECT(p) rask_object((p), &probe_type)

/* Closes the client, then: destroyed exactly once. */
#define CLOSE_AND_CHECK_DESTROYED(p)                                                                         \
    do {                                                                                                     \
        CHECK_OK(rask_client_close(client));                                                                 \
        CHECK_EQ(destroyed(p), 1);                                                                           \
    } while (0)

static void wait_done(rask_future f) { CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL)); }

static void *object_of(rask_future f) {
    const rask_value *value = NULL;
    void *object = NULL;
    CHECK_OK(rask_result(f, LONG_NS, &value));
    CHECK_OK(rask_value_object(value, &probe_type, &object));
    return object;
}

static void returned(void) {
    probe p = {0};
    rask_future f = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    CHECK(object_of(f) == &p);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&p), 1);
}

static void lives_until_the_last_clone(void) {
    probe p = {0};
    rask_future f = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    rask_future a = rask_clone(f), b = rask_clone(a);
    CHECK(object_of(b) == &p);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_release(b));
    CHECK_EQ(destroyed(&p), 0);
    CHECK(object_of(a) == &p);
    CHECK_OK(rask_release(a));
    CHECK_EQ(destroyed(&p), 1);
}

static void return_two(rask_task *t) {
    rask_return_object(t, rask_arg_pointer(t, 0), &probe_type);
    rask_return_object(t, rask_arg_pointer(t, 1), &probe_type);
}

static void overwritten_by_an_object(void) {
    probe p = {0}, q = {0};
    rask_future f = rask_submit(client, return_two, RASK_ARGS(rask_pointer(&p), rask_pointer(&q)));
    CHECK(object_of(f) == &q);
    EVENTUALLY(destroyed(&p) == 1);
    CHECK_EQ(destroyed(&q), 0);
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&q), 1);
    CLOSE_AND_CHECK_DESTROYED(&p);
    CHECK_EQ(destroyed(&q), 1);
}

static void return_then(rask_task *t) {
    rask_return_object(t, rask_arg_pointer(t, 0), &probe_type);
    switch (rask_arg_i64(t, 1)) {
    case 0:
        rask_return_i64(t, 1);
        break;
    case 1:
        rask_return_str(t, "a text that is too long to be inline");
        break;
    case 2:
        (void)rask_return_buffer(t, 100);
        break;
    case 3:
        rask_return_arg(t, 1);
        break;
    case 4:
        rask_return_pointer(t, NULL);
        break;
    case 5:
        rask_return_f64(t, 1);
        break;
    default:
        rask_return_future(t, rask_scatter(rask_task_client(t), rask_i64(1)));
        break;
    }
}

static void overwritten_by_anything(void) {
    for (int how = 0; how < 7; how++) {
        probe p = {0};
        rask_future f = rask_submit(client, return_then, RASK_ARGS(rask_pointer(&p), how));
        CHECK_OK(rask_result(f, LONG_NS, &(const rask_value *){NULL}));
        EVENTUALLY(destroyed(&p) == 1);
        CHECK_OK(rask_release(f));
        CHECK_EQ(destroyed(&p), 1);
    }
}

static void return_then_fail(rask_task *t) {
    rask_return_object(t, rask_arg_pointer(t, 0), &probe_type);
    rask_fail(t, 1, "no");
}
static void fail_then_return(rask_task *t) {
    rask_fail(t, 1, "no");
    rask_return_object(t, rask_arg_pointer(t, 0), &probe_type);
}
static void return_then_read_wrongly(rask_task *t) {
    rask_return_object(t, rask_arg_pointer(t, 0), &probe_type);
    (void)rask_arg_str(t, 0);
}

static void returned_by_a_failing_task(void) {
    static const rask_task_fn how[] = {return_then_fail, fail_then_return, return_then_read_wrongly};
    probe p[3];
    memset(p, 0, sizeof p);
    for (int i = 0; i < 3; i++) {
        rask_future f = rask_submit(client, how[i], RASK_ARGS(rask_pointer(&p[i])));
        CHECK_FAILS(f, i < 2 ? RASK_E_TASK : RASK_E_TYPE);
        CHECK_OK(rask_release(f));
    }
    for (int i = 0; i < 3; i++)
        CLOSE_AND_CHECK_DESTROYED(&p[i]);
}

static void argument_of_a_task(void) {
    probe p = {0};
    rask_future f = rask_submit(client, nothing, RASK_ARGS(OBJECT(&p)));
    wait_done(f);
    CHECK_OK(rask_release(f));
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void argument_of_a_failing_task(void) {
    probe p = {0};
    rask_future f = rask_submit(client, fail, RASK_ARGS(1, "no", OBJECT(&p)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_OK(rask_release(f));
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void argument_of_a_dependent_that_cannot_run(void) {
    probe p = {0}, q = {0};
    gate *g = gate_new();
    rask_future bad = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 1, "no"));
    rask_future before = rask_submit(client, nothing, RASK_ARGS(bad, OBJECT(&p)));
    gate_open(g);
    CHECK_FAILS(before, RASK_E_TASK);
    rask_future after = rask_submit(client, nothing, RASK_ARGS(bad, OBJECT(&q)));
    CHECK_FAILS(after, RASK_E_TASK);
    CHECK_OK(rask_release_all(RASK_FUTURES(bad, before, after)));
    CLOSE_AND_CHECK_DESTROYED(&p);
    CHECK_EQ(destroyed(&q), 1);
}

static void argument_of_a_cancelled_task(void) {
    probe p = {0};
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    rask_future f = rask_submit(client, nothing, RASK_ARGS(x, OBJECT(&p)));
    CHECK_OK(rask_cancel(f, "not wanted"));
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release(f));
    gate_open(g);
    CHECK_OK(rask_release(x));
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void argument_of_a_task_cancelled_while_running(void) {
    probe p = {0};
    gate *g = gate_new();
    rask_future f = rask_submit(client, held, RASK_ARGS(rask_pointer(g), OBJECT(&p)));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(f, NULL));
    CHECK_OK(rask_release(f));
    sleep_us(20000);
    CHECK_EQ(destroyed(&p), 0); /* the function still reads it */
    gate_open(g);
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void late_result_of_a_cancelled_task(void) {
    probe p = {0};
    gate *g = gate_new();
    rask_future f = rask_submit(client, held_make_probe, RASK_ARGS(rask_pointer(g), rask_pointer(&p)));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(f, NULL));
    gate_open(g);
    EVENTUALLY(destroyed(&p) == 1);
    CHECK_FAILS(f, RASK_E_CANCELLED);
    CHECK_OK(rask_release(f));
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void late_result_of_a_released_task(void) {
    probe p = {0};
    gate *g = gate_new();
    rask_future f = rask_submit(client, held_make_probe, RASK_ARGS(rask_pointer(g), rask_pointer(&p)));
    GATE_REACHED(g, 1);
    CHECK_OK(rask_release(f));
    gate_open(g);
    EVENTUALLY(destroyed(&p) == 1);
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void argument_of_a_task_that_nobody_wants(void) {
    probe p = {0};
    atomic_int runs = 0;
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    rask_future f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), x, OBJECT(&p)));
    CHECK_OK(rask_release(f));
    gate_open(g);
    CHECK_OK(rask_release(x));
    CLOSE_AND_CHECK_DESTROYED(&p);
    CHECK_EQ(atomic_load(&runs), 0);
}

static void argument_passed_on(void) {
    probe p = {0};
    rask_future f = rask_submit(client, pass_on, RASK_ARGS(OBJECT(&p)));
    CHECK(object_of(f) == &p);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(f));
    EVENTUALLY(destroyed(&p) == 1);
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void result_passed_on(void) {
    for (int first = 0; first < 2; first++) {
        probe p = {0};
        rask_future both[2];
        both[0] = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
        both[1] = rask_submit(client, pass_on, RASK_ARGS(both[0]));
        CHECK(object_of(both[1]) == &p);
        CHECK_OK(rask_release(both[first]));
        sleep_us(1000);
        CHECK_EQ(destroyed(&p), 0);
        CHECK(object_of(both[1 - first]) == &p);
        CHECK_OK(rask_release(both[1 - first]));
        EVENTUALLY(destroyed(&p) == 1);
    }
}

static void passed_on_through_a_chain(void) {
    probe p = {0};
    rask_future f = rask_scatter(client, OBJECT(&p));
    for (int i = 0; i < 1000; i++)
        f = rask_submit(client, pass_on, RASK_ARGS(rask_take(f)));
    CHECK(object_of(f) == &p);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(f));
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void pass_on_twice(rask_task *t) {
    rask_return_arg(t, 0);
    rask_return_arg(t, 1);
}

static void passed_on_and_overwritten(void) {
    probe p = {0}, q = {0};
    rask_future f = rask_submit(client, pass_on_twice, RASK_ARGS(OBJECT(&p), OBJECT(&q)));
    CHECK(object_of(f) == &q);
    CHECK_EQ(destroyed(&q), 0);
    CHECK_OK(rask_release(f));
    CLOSE_AND_CHECK_DESTROYED(&p);
    CHECK_EQ(destroyed(&q), 1);
}

static void make_in_a_child(rask_task *t) {
    rask_future child =
        rask_submit(rask_task_client(t), make_probe, RASK_ARGS(rask_pointer(rask_arg_pointer(t, 0))));
    rask_return_future(t, child);
}

static void returned_by_a_returned_future(void) {
    probe p = {0};
    rask_future f = rask_submit(client, make_in_a_child, RASK_ARGS(rask_pointer(&p)));
    CHECK(object_of(f) == &p);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(f));
    EVENTUALLY(destroyed(&p) == 1);
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void handed_to_a_failing_submit(void) {
    probe p[6];
    memset(p, 0, sizeof p);
    rask_future stale = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(stale));
    rask_future f[4];
    f[0] = rask_submit(client, NULL, RASK_ARGS(OBJECT(&p[0])));
    f[1] = rask_submit(client, nothing, RASK_ARGS(stale, OBJECT(&p[1])));
    f[2] = rask_submit(client, nothing, RASK_ARGS(OBJECT(&p[2]), rask_str(NULL)));
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.struct_size = 1;
    f[3] = rask_submit_with(client, nothing, RASK_ARGS(OBJECT(&p[3])), &options);
    CHECK_FAILS(f[0], RASK_E_INVALID);
    CHECK_FAILS(f[1], RASK_E_HANDLE);
    CHECK_FAILS(f[2], RASK_E_INVALID);
    CHECK_FAILS(f[3], RASK_E_INVALID);
    CHECK_OK(rask_release_all(f, 4));
    CHECK_EQ(rask_submit((rask_client){0}, nothing, RASK_ARGS(OBJECT(&p[4]))).id, 0);
    CHECK_EQ(destroyed(&p[4]), 1);
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(rask_submit(client, nothing, RASK_ARGS(OBJECT(&p[5]))).id, 0);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(destroyed(&p[i]), 1);
}

static void handed_to_a_failing_scatter_or_map(void) {
    probe p[4];
    memset(p, 0, sizeof p);
    rask_future out[2] = {{77}, {77}};
    CHECK_EQ(rask_scatter((rask_client){0}, OBJECT(&p[0])).id, 0);
    CHECK_EQ(destroyed(&p[0]), 1);
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(rask_scatter(client, OBJECT(&p[1])).id, 0);
    CHECK_EQ(destroyed(&p[1]), 1);
    rask_arg items[] = {OBJECT(&p[2]), OBJECT(&p[3])};
    CHECK_STATUS(rask_map(client, nothing, items, 2, NULL, out), RASK_E_CLOSED);
    CHECK_EQ(out[0].id, 0);
    CHECK_EQ(out[1].id, 0);
    CHECK_EQ(destroyed(&p[2]), 1);
    CHECK_EQ(destroyed(&p[3]), 1);
}

static void inside_lists(void) {
    probe p = {0}, q = {0}, r = {0};
    rask_arg inner[] = {OBJECT(&p), rask_i64(1)}, outer[] = {OBJECT(&q), rask_list(inner, 2)};
    rask_future list = rask_submit(client, pass_on, RASK_ARGS(rask_list(outer, 2)));
    const rask_value *value = NULL;
    CHECK_OK(rask_result(list, LONG_NS, &value));
    CHECK_EQ(destroyed(&p), 0);
    CHECK_EQ(destroyed(&q), 0);
    CHECK_OK(rask_release(list));
    rask_arg wrong[] = {OBJECT(&r), rask_str(NULL)};
    rask_future f = rask_submit(client, pass_on, RASK_ARGS(rask_list(wrong, 2)));
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    CLOSE_AND_CHECK_DESTROYED(&p);
    CHECK_EQ(destroyed(&q), 1);
    CHECK_EQ(destroyed(&r), 1);
}

static void held_when_its_client_is_closed(void) {
    probe p = {0};
    rask_future f = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    CHECK(object_of(f) == &p);
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(destroyed(&p), 0);
    CHECK(object_of(f) == &p);
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&p), 1);
}

static void *close_it(void *unused) {
    (void)unused;
    CHECK_OK(rask_client_close(client));
    return NULL;
}

static void argument_of_a_task_cancelled_by_close(void) {
    probe p = {0};
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    rask_future f = rask_submit(client, nothing, RASK_ARGS(x, OBJECT(&p)));
    GATE_REACHED(g, 1);
    pthread_t closer = start_thread(close_it, NULL);
    EVENTUALLY(rask_future_state(f) == RASK_CANCELLED);
    gate_open(g);
    join_thread(closer);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
    CHECK_EQ(destroyed(&p), 1);
}

static void result_that_nobody_waits_for(void) {
    probe p = {0};
    rask_future f = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    CHECK_OK(rask_fire_and_forget(f));
    EVENTUALLY(destroyed(&p) == 1);
    CLOSE_AND_CHECK_DESTROYED(&p);
}

static void read_while_held(rask_task *t) {
    gate_pass((gate *)rask_arg_pointer(t, 0));
    CHECK_EQ(destroyed((probe *)rask_arg_object(t, 1, &probe_type)), 0);
}

static void lives_until_the_last_running_reader(void) {
    probe p = {0};
    gate *g[] = {gate_new(), gate_new()};
    rask_future x = rask_scatter(client, OBJECT(&p));
    rask_future a = rask_submit(client, read_while_held, RASK_ARGS(rask_pointer(g[0]), x));
    rask_future b = rask_submit(client, read_while_held, RASK_ARGS(rask_pointer(g[1]), x));
    CHECK_OK(rask_release(x));
    GATE_REACHED(g[0], 1);
    GATE_REACHED(g[1], 1);
    gate_open(g[0]);
    wait_done(a);
    CHECK_OK(rask_release(a));
    sleep_us(10000);
    CHECK_EQ(destroyed(&p), 0);
    gate_open(g[1]);
    wait_done(b);
    EVENTUALLY(destroyed(&p) == 1);
    CHECK_OK(rask_release(b));
    CLOSE_AND_CHECK_DESTROYED(&p);
}

/* An object whose destructor calls the library, as the owner of other futures would. */
typedef struct owner {
    rask_client client;
    rask_future owned;
    atomic_int destroyed;
} owner;
static void owner_destroy(void *object) {
    owner *o = object;
    rask_future f = rask_submit(o->client, inc, RASK_ARGS(1));
    CHECK(f.id == 0 || rask_future_state(f) >= 0);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_release(o->owned));
    atomic_fetch_add(&o->destroyed, 1);
}
static const rask_type owner_type = {sizeof(rask_type), "owner", owner_destroy, NULL, NULL, NULL};

static void a_destructor_may_call_the_library(void) {
    owner inner = {client, {0}, 0}, outer = {client, {0}, 0};
    inner.owned = rask_scatter(client, rask_i64(1));
    outer.owned = rask_scatter(client, rask_object(&inner, &owner_type));
    rask_future f = rask_scatter(client, rask_object(&outer, &owner_type));
    CHECK_OK(rask_release(f));
    CHECK_EQ(atomic_load(&outer.destroyed), 1);
    CHECK_EQ(atomic_load(&inner.destroyed), 1);
}

static void a_destructor_may_call_it_from_a_worker(void) {
    owner o = {client, {0}, 0};
    o.owned = rask_scatter(client, rask_i64(1));
    rask_future f = rask_submit(client, nothing, RASK_ARGS(rask_object(&o, &owner_type)));
    wait_done(f);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(atomic_load(&o.destroyed), 1);
}

enum { MANY = 2000 };

/* (probe, made): makes the object, and says that it did. */
static void make_and_tell(rask_task *t) {
    atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 1), 1);
    rask_return_object(t, rask_arg_pointer(t, 0), &probe_type);
}

static void exactly_once_among_many_results(void) {
    static probe results[MANY];
    static atomic_int made[MANY];
    uint64_t seed = 42;
    int n = (int)scaled(MANY);
    rask_future f[64];
    memset(f, 0, sizeof f);
    for (int i = 0; i < n; i++) {
        int at = (int)(random_next(&seed) % 64), from = (int)(random_next(&seed) % 64);
        rask_future old = f[at];
        rask_arg probe_arg = rask_pointer(&results[i]), made_arg = rask_pointer(&made[i]);
        if (f[from].id)
            f[at] = rask_submit(client, make_and_tell, RASK_ARGS(probe_arg, made_arg, f[from]));
        else
            f[at] = rask_submit(client, make_and_tell, RASK_ARGS(probe_arg, made_arg));
        CHECK(f[at].id != 0);
        if (random_next(&seed) % 4 == 0)
            (void)rask_cancel(old, "at random");
        CHECK_OK(rask_release(old));
    }
    CHECK_OK(rask_release_all(f, 64));
    CHECK_OK(rask_client_close(client));
    for (int i = 0; i < n; i++)
        CHECK_EQ(destroyed(&results[i]), atomic_load(&made[i]));
}

static void exactly_once_among_many_arguments(void) {
    static probe args[MANY];
    uint64_t seed = 43;
    int n = (int)scaled(MANY);
    rask_future last = rask_scatter(client, rask_i64(0));
    for (int i = 0; i < n; i++) {
        rask_future f = rask_submit(client, pass_on, RASK_ARGS(OBJECT(&args[i]), last));
        uint64_t dice = random_next(&seed) % 4;
        if (dice == 0)
            (void)rask_cancel(f, NULL);
        if (dice == 1) {
            CHECK_OK(rask_release(f));
        } else {
            CHECK_OK(rask_release(last));
            last = f;
        }
        if (dice == 0) {
            CHECK_OK(rask_release(last));
            last = rask_scatter(client, rask_i64(0));
        }
    }
    CHECK_OK(rask_release(last));
    CHECK_OK(rask_client_close(client));
    for (int i = 0; i < n; i++)
        CHECK_EQ(destroyed(&args[i]), 1);
}

int main(void) {
    RUN_WITH(2, returned);
    RUN_WITH(2, lives_until_the_last_clone);
    RUN_WITH(2, overwritten_by_an_object);
    RUN_WITH(2, overwritten_by_anything);
    RUN_WITH(2, returned_by_a_failing_task);
    RUN_WITH(2, argument_of_a_task);
    RUN_WITH(2, argument_of_a_failing_task);
    RUN_WITH(2, argument_of_a_dependent_that_cannot_run);
    RUN_WITH(2, argument_of_a_cancelled_task);
    RUN_WITH(2, argument_of_a_task_cancelled_while_running);
    RUN_WITH(2, late_result_of_a_cancelled_task);
    RUN_WITH(2, late_result_of_a_released_task);
    RUN_WITH(2, argument_of_a_task_that_nobody_wants);
    RUN_WITH(2, argument_passed_on);
    RUN_WITH(2, result_passed_on);
    RUN_WITH(2, passed_on_through_a_chain);
    RUN_WITH(2, passed_on_and_overwritten);
    RUN_WITH(2, returned_by_a_returned_future);
    RUN_WITH(2, handed_to_a_failing_submit);
    RUN_WITH(2, handed_to_a_failing_scatter_or_map);
    RUN_WITH(2, inside_lists);
    RUN_WITH(2, held_when_its_client_is_closed);
    RUN_WITH(2, argument_of_a_task_cancelled_by_close);
    RUN_WITH(2, result_that_nobody_waits_for);
    RUN_WITH(2, lives_until_the_last_running_reader);
    RUN_WITH(2, a_destructor_may_call_the_library);
    RUN_WITH(2, a_destructor_may_call_it_from_a_worker);
    RUN_WITH(2, exactly_once_among_many_results);
    RUN_WITH(2, exactly_once_among_many_arguments);
    return 0;
}
