/* Operations that make futures: submit with tasks and options of every kind, map, scatter, keys. */
#ifndef RASK_TESTS_RANDOM_SUBMIT_H
#define RASK_TESTS_RANDOM_SUBMIT_H

#include "lanes.h"

/* ---- options ---- */

typedef struct chosen {
    rask_submit_options options;
    bool is_used;
    bool is_wrong; /* INVALID, whatever the arguments are */
    bool is_pure;
} chosen;

#define CLIENT_RESOURCES "GPU=2,license=1"

static void choose_resources(thread *t, chosen *c) {
    static const char *const fitting[] = {"GPU=1", "GPU=2", "license=1", "license=1,GPU=1"};
    static const char *const wrong[] = {
        "GPU=3", "TPU=1", "GPU", "GPU=", "=1", "GPU=0", "GPU=-1", "GPU=1,", "GPU=1, license=1", "GPU=x"};
    c->is_wrong = one_in(t, 5);
    c->options.resources = c->is_wrong ? wrong[below(t, sizeof wrong / sizeof *wrong)] : fitting[below(t, 4)];
}

static void choose_wrong(thread *t, chosen *c) {
    c->is_wrong = true;
    switch (below(t, 6)) {
    case 0:
        c->options.struct_size =
            below(t, offsetof(rask_submit_options, lane)); /* the first version had no more */
        break;
    case 1:
        c->options.flags = RASK_PURE | RASK_IMPURE;
        break;
    case 2:
        c->options.flags = 1U << (2 + below(t, 30));
        break;
    case 3:
        c->options.retry_delay_ns = -1 - (int64_t)below(t, INT64_MAX);
        break;
    case 4:
        c->options.reserved = 1;
        break;
    default:
        c->options.key = "";
    }
}

static chosen choose(thread *t, unsigned retries) {
    static const char *const names[] = {NULL, "alpha", "beta", "a name with spaces", "ü"};
    chosen c = {.options = RASK_SUBMIT_OPTIONS_INIT, .is_pure = now.program->pure};
    c.is_used = retries > 0 || one_in(t, 3);
    if (!c.is_used)
        return c;
    c.options.retries = retries;
    c.options.name = names[below(t, 5)];
    if (one_in(t, 3))
        c.options.priority = one_in(t, 10) ? INT32_MIN : (int32_t)below(t, 7) - 3;
    if (retries && one_in(t, 2))
        c.options.retry_delay_ns = (int64_t)below(t, 200 * 1000);
    if (one_in(t, 8))
        choose_resources(t, &c);
    if (one_in(t, 8)) {
        c.is_pure = one_in(t, 2);
        c.options.flags = c.is_pure ? RASK_PURE : RASK_IMPURE;
    }
    if (one_in(t, 40))
        choose_wrong(t, &c);
    return c;
}

/* What the options make of the call. */
static void apply(building *b, const chosen *c) {
    record *r = &b->record;
    if (c->is_wrong && !b->is_lazy) { /* that comes before the arguments */
        *r = (record){.task = MISTAKE};
        b->certain = 0;
        b->is_known = !now.program->retries && !now.program->closes_early;
    }
    if (c->is_wrong)
        mistake(b, RASK_E_INVALID);
    if (c->is_pure && !r->is_mistake)
        r->family = 1 + (unsigned)(b->digest % (N_FAMILIES - 1));
}

/* ---- what came back ---- */

/* Whether there is a future; if not, there is a good reason. */
static bool is_made(thread *t, rask_future future, bool was_closed) {
    if (future.id != 0) {
        EXPECT(t, NULL, !was_closed, "a closed client gave a future");
        return true;
    }
    rask_status status = rask_last_status();
    if (status == RASK_E_CLOSED)
        EXPECT(t, NULL, atomic_load(&now.is_closing), "there is no future");
    else
        EXPECT(t, NULL, status == RASK_E_NOMEM && now.program->client_flags & RASK_CLIENT_NOMEM,
               "there is no future");
    return false;
}

/* Gives the future its record, if there is one left, and keeps it. */
static record *keep(building *b, rask_future future) {
    thread *t = b->thread;
    record *r = recorded(b);
    if (r)
        put(t, (handle){future, r});
    else
        EXPECT_STATUS(t, NULL, rask_release(future), RASK_OK);
    return r;
}

static void submit(building *b, rask_task_fn fn, const chosen *c) {
    thread *t = b->thread;
    apply(b, c);
    rask_client client = now.clients[b->client];
    bool was_closed = atomic_load(&now.is_closed);
    rask_submit_options options = c->options;
    if (c->is_used && !c->is_wrong)
        options.lane = choose_lane(t, b, &options);
    rask_future future = c->is_used ? rask_submit_with(client, fn, b->args, b->n_args, &options)
                                    : rask_submit(client, fn, b->args, b->n_args);
    bool made = is_made(t, future, was_closed);
    check_taken(b);
    if (made)
        keep(b, future);
}

/* ---- operations ---- */

static void op_mix(thread *t) {
    building b;
    build(&b, t, MIX);
    rask_kind kind = made_kinds[below(t, N_MADE_KINDS)];
    add_i64(&b, (int64_t)new_salt(t));
    add_i64(&b, kind);
    add_random(&b, 5);
    will_make(&b, kind);
    chosen c = choose(t, 0);
    submit(&b, task_mix, &c);
}

/* Pure submits of a few computations: the same, again and again. No two objects are the same. */
static void op_shared(thread *t) {
    building b;
    build(&b, t, MIX);
    add_i64(&b, (int64_t)below(t, 4));
    add_i64(&b, RASK_I64);
    known k;
    size_t index;
    if (one_in(t, 2) && find_input(&b, &index) && t->pool[index].record->client == b.client) {
        k = known_of(t->pool[index].record);
        add_arg(&b, rask_of(t->pool[index].future), k.digest);
        needs(&b, t->pool[index].record);
    } else if (one_in(t, 2)) {
        rask_arg arg = random_scalar(&b, &k);
        add_arg(&b, arg, k.digest);
    }
    will_make(&b, RASK_I64);
    chosen c = {.options = RASK_SUBMIT_OPTIONS_INIT, .is_used = true, .is_pure = true};
    c.options.flags = RASK_PURE;
    submit(&b, task_mix, &c);
}

static void op_fail(thread *t) {
    building b;
    build(&b, t, FAIL);
    int64_t code = (int64_t)below(t, N_CODES);
    unsigned retries = one_in(t, 4) ? 1 + (unsigned)below(t, 2) : 0;
    add_i64(&b, (int64_t)new_salt(t));
    add_i64(&b, code);
    add_random(&b, 2);
    b.record.has_value = false;
    b.record.codes |= b.record.is_mistake ? 0 : 1ULL << code;
    b.record.attempts = retries + 1;
    chosen c = choose(t, retries);
    submit(&b, task_fail, &c);
}

static void op_flaky(thread *t) {
    building b;
    build(&b, t, FLAKY);
    unsigned failures = (unsigned)below(t, 4), retries = (unsigned)below(t, 4);
    int64_t code = (int64_t)below(t, N_CODES);
    rask_kind kind = made_kinds[below(t, N_MADE_KINDS)];
    add_i64(&b, (int64_t)new_salt(t));
    add_i64(&b, kind);
    add_i64(&b, failures);
    add_i64(&b, code);
    add_random(&b, 2);
    will_make(&b, kind);
    if (retries < failures && !b.record.is_mistake) {
        b.record.has_value = false;
        b.record.codes |= 1ULL << code;
        b.record.attempts = retries + 1;
    }
    chosen c = choose(t, retries);
    submit(&b, task_flaky, &c);
}

static void op_wrong(thread *t) {
    building b;
    build(&b, t, WRONG);
    int64_t what = (int64_t)below(t, 2);
    add_i64(&b, (int64_t)new_salt(t));
    add_i64(&b, what);
    add_random(&b, 2);
    b.record.has_value = false;
    b.record.statuses |= b.record.is_mistake ? 0 : 1U << -(what ? RASK_E_INVALID : RASK_E_TYPE);
    chosen c = choose(t, 0);
    submit(&b, task_wrong, &c);
}

static void op_pass(thread *t) {
    building b;
    known k;
    build(&b, t, PASS);
    add_i64(&b, (int64_t)new_salt(t));
    add_i64(&b, 2);
    rask_arg arg = random_arg(&b, &k, 0);
    add_arg(&b, arg, k.digest);
    add_random(&b, 2);
    b.record.kind = k.kind;
    b.record.digest = k.digest;
    b.record.weight = k.weight;
    chosen c = choose(t, 0);
    submit(&b, task_pass, &c);
}

static void op_forward(thread *t) {
    building b;
    size_t index;
    build(&b, t, FORWARD);
    if (!find_input(&b, &index) || t->pool[index].record->client != b.client)
        return;
    handle target = t->pool[index];
    rask_future clone = rask_clone(target.future);
    EXPECT(t, target.record, clone.id != 0, "it cannot be cloned");
    atomic_store(&target.record->is_released, true); /* by the carrier, some time */
    add_i64(&b, (int64_t)new_salt(t));
    add_arg(&b, rask_object(carrier_new(clone), &carrier_type), 0);
    b.is_known = false; /* it is no input */
    needs(&b, target.record);
    b.record.kind = target.record->kind;
    b.record.digest = target.record->digest;
    b.record.weight = target.record->weight;
    chosen c = choose(t, 0);
    submit(&b, task_forward, &c);
}

static void op_children(thread *t) {
    building b;
    build(&b, t, CHILDREN);
    uint64_t salt = new_salt(t) >> 8, n = 1 + below(t, MAX_CHILDREN - 1);
    add_i64(&b, (int64_t)salt);
    add_i64(&b, (int64_t)n);
    add_i64(&b, (int64_t)below(t, N_WAYS));
    add_random(&b, 2);
    b.record.kind = RASK_I64;
    b.record.digest = digest_of_scalar(RASK_I64, children_value(salt, n));
    chosen c = choose(t, 0);
    submit(&b, task_children, &c);
}

static void op_poll(thread *t) {
    building b;
    build(&b, t, POLL);
    rask_kind kind = made_kinds[below(t, N_MADE_KINDS)];
    add_i64(&b, (int64_t)new_salt(t));
    add_i64(&b, kind);
    add_i64(&b, (int64_t)below(t, 300));
    add_random(&b, 2);
    will_make(&b, kind);
    chosen c = choose(t, 0);
    submit(&b, task_poll, &c);
}

static void op_nothing(thread *t) {
    building b;
    build(&b, t, NOTHING);
    add_i64(&b, (int64_t)new_salt(t));
    add_random(&b, 3);
    b.record.digest = DIGEST_OF_NONE;
    chosen c = choose(t, 0);
    submit(&b, task_nothing, &c);
}

/* A submit that is wrong in itself. */
static void op_mistake(thread *t) {
    building b;
    build(&b, t, MISTAKE);
    add_i64(&b, 1);
    add_random(&b, 3);
    chosen c = {.options = RASK_SUBMIT_OPTIONS_INIT, .is_used = true, .is_wrong = true};
    c.options.reserved = 1;
    submit(&b, one_in(t, 2) ? NULL : task_mix, &c);
}

static void op_scatter(thread *t) {
    building b;
    known k;
    build(&b, t, VALUE);
    rask_arg arg = one_in(t, 2) ? random_scalar(&b, &k) : random_arg(&b, &k, 0);
    bool has_futures = b.record.n_inputs > 0 || b.n_futures > 0;
    if (has_futures || b.record.is_mistake) { /* a mistake, and perhaps another before that one */
        unsigned statuses = b.record.statuses & (1U << -RASK_E_INVALID | 1U << -RASK_E_HANDLE);
        b.record = (record){.task = VALUE, .is_mistake = true, .statuses = statuses};
        b.record.statuses |= has_futures ? 1U << -RASK_E_INVALID : 0;
        b.certain = 0;
    }
    b.record.kind = k.kind;
    b.record.digest = k.digest;
    b.record.weight = k.weight;
    bool was_closed = atomic_load(&now.is_closed);
    rask_future future = rask_scatter(now.clients[b.client], arg);
    bool made = is_made(t, future, was_closed);
    check_taken(&b);
    if (!made)
        return;
    if (!b.record.is_mistake)
        b.certain = ending_of(RASK_FINISHED, RASK_OK, -1);
    keep(&b, future);
}

/* What came of a call that makes many futures. */
static void expect_made(thread *t, rask_status status, bool was_closed, const rask_future *futures,
                        size_t n) {
    if (status == RASK_E_CLOSED)
        EXPECT(t, NULL, atomic_load(&now.is_closing), "the client is found closed");
    else if (status == RASK_E_NOMEM)
        EXPECT(t, NULL, now.program->client_flags & RASK_CLIENT_NOMEM, "no memory is found");
    else
        EXPECT_STATUS(t, NULL, status, RASK_OK);
    EXPECT(t, NULL, !was_closed || status != RASK_OK, "a closed client takes tasks");
    for (size_t i = 0; i < n; i++) {
        EXPECT(t, NULL, status != RASK_OK || futures[i].id != 0, "no future was made");
        EXPECT(t, NULL, !was_closed || futures[i].id == 0, "a closed client made a future");
    }
}

enum { MAX_MAPPED = 6 };

static void op_map(thread *t) {
    building items[MAX_MAPPED];
    rask_arg args[MAX_MAPPED];
    rask_future futures[MAX_MAPPED];
    size_t n = below(t, MAX_MAPPED + 1);
    unsigned client = one_in(t, 4) ? (unsigned)below(t, now.program->n_clients) : 0;
    chosen c = choose(t, 0);
    for (size_t i = 0; i < n; i++) {
        known k;
        build(&items[i], t, MIX);
        items[i].client = client;
        args[i] = random_arg(&items[i], &k, 0);
        add_arg(&items[i], args[i], k.digest);
        will_make(&items[i], RASK_I64);
        apply(&items[i], &c);
    }
    bool was_closed = atomic_load(&now.is_closed);
    rask_status status =
        rask_map(now.clients[client], task_item, n ? args : NULL, n, c.is_used ? &c.options : NULL, futures);
    expect_made(t, status, was_closed, futures, n);
    for (size_t i = 0; i < n; i++) {
        check_taken(&items[i]);
        if (futures[i].id)
            keep(&items[i], futures[i]);
    }
}

/* The value of an earlier task of the same call. */
static void add_earlier(building *b, building *tasks, size_t index) {
    record *earlier = &tasks[index].record;
    if (earlier->depth >= MAX_DEPTH || earlier->weight > MAX_WEIGHT || b->record.n_inputs == MAX_INPUTS)
        return;
    needs(b, earlier);
    add_arg(b, rask_earlier(index), known_of(earlier).digest);
}

static void op_submit_all(thread *t) {
    building tasks[MAX_MAPPED];
    rask_submission submissions[MAX_MAPPED];
    rask_future futures[MAX_MAPPED];
    record *records[MAX_MAPPED] = {NULL};
    size_t n = below(t, MAX_MAPPED + 1);
    unsigned client = one_in(t, 4) ? (unsigned)below(t, now.program->n_clients) : 0;
    chosen c = choose(t, 0);
    for (size_t i = 0; i < n; i++) {
        building *b = &tasks[i];
        rask_kind kind = made_kinds[below(t, N_MADE_KINDS)];
        build(b, t, MIX);
        b->client = client;
        add_i64(b, (int64_t)new_salt(t));
        add_i64(b, kind);
        if (i && !one_in(t, 3))
            add_earlier(b, tasks, below(t, i));
        add_random(b, 2);
        if (i && one_in(t, 3))
            add_earlier(b, tasks, i - 1);
        if (one_in(t, 60)) {
            mistake(b, RASK_E_INVALID);
            add_arg(b, rask_earlier(one_in(t, 2) ? i : SIZE_MAX - below(t, 9)), 0);
        }
        will_make(b, kind);
        apply(b, &c);
        submissions[i] = (rask_submission){task_mix, b->args, b->n_args};
    }
    rask_submit_options options = c.options;
    if (n && c.is_used && !c.is_wrong)
        options.lane = choose_lane(t, &tasks[0], &options);
    bool was_closed = atomic_load(&now.is_closed);
    rask_status status =
        rask_submit_all(now.clients[client], n ? submissions : NULL, n, c.is_used ? &options : NULL, futures);
    expect_made(t, status, was_closed, futures, n);
    for (size_t i = 0; i < n; i++) {
        building *b = &tasks[i];
        check_taken(b);
        for (size_t k = 0; k < b->record.n_inputs; k++)
            for (size_t j = 0; j < i; j++)
                if (b->record.inputs[k] == &tasks[j].record)
                    b->record.inputs[k] = records[j];
        if (futures[i].id)
            records[i] = keep(b, futures[i]);
    }
}

/* ---- keys ---- */

/* Of the keys that all threads share, the last two stand for two computations each. */
static void op_key_shared(thread *t) {
    building b;
    char key[32];
    build(&b, t, MIX);
    unsigned number = (unsigned)below(t, 8), variant = number >= 6 ? (unsigned)below(t, 2) : 0;
    snprintf(key, sizeof key, "shared-%u", number);
    add_i64(&b, 2 * number + variant);
    add_i64(&b, RASK_I64);
    will_make(&b, RASK_I64);
    b.record.family = 1 + number + 8 * b.client;
    b.record.statuses |= number >= 6 ? 1U << -RASK_E_EXISTS : 0;
    chosen c = {.options = RASK_SUBMIT_OPTIONS_INIT, .is_used = true};
    c.options.key = key;
    submit(&b, task_mix, &c);
}

static rask_future submit_keyed(const char *key, int64_t variant, uint32_t flags) {
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.key = key;
    options.flags = flags;
    return rask_submit_with(now.clients[0], task_mix, RASK_ARGS(variant, RASK_BYTES), &options);
}

/* A key of this thread's alone: all that is promised of keys, in one operation. */
static void op_key_private(thread *t) {
    if (now.program->closes_early || now.program->client_flags & RASK_CLIENT_NOMEM)
        return;
    char key[64];
    snprintf(key, sizeof key, "private-%u-%zu", t->index, t->operation);
    uint32_t flags = (uint32_t)below(t, 3);
    unsigned n_dumps = atomic_load(&now.n_dumps_ended);
    rask_future first = submit_keyed(key, 1, flags), same = submit_keyed(key, 1, flags);
    rask_future other = submit_keyed(key, 2, flags), clone = rask_clone(first);
    EXPECT(t, NULL, first.id && same.id && other.id && clone.id, "a submit with a key gives no future");
    EXPECT(t, NULL, first.id != same.id, "two submits gave the same handle");
    rask_error error = RASK_ERROR_INIT;
    EXPECT_STATUS(t, NULL, rask_future_error(other, &error), RASK_OK);
    EXPECT_STATUS(t, NULL, error.status, RASK_E_EXISTS);
    const rask_value *value, *same_value;
    EXPECT_STATUS(t, NULL, rask_result(first, RASK_FOREVER, &value), RASK_OK);
    EXPECT_STATUS(t, NULL, rask_result(same, 0, &same_value), RASK_OK);
    EXPECT(t, NULL, digest_of(value) == digest_of(same_value), "the same key gave two values");
    EXPECT(t, NULL, strcmp(rask_future_key(first), key) == 0 && strcmp(rask_future_key(same), key) == 0,
           "the key is another");
    EXPECT_STATUS(t, NULL, rask_release_all(RASK_FUTURES(first, same, clone)), RASK_OK);
    rask_future again = submit_keyed(key, 2, flags);
    /* A dump keeps what it looks at for a moment. */
    if (rask_result(again, RASK_FOREVER, &value) != RASK_OK)
        EXPECT(t, NULL, rask_last_status() == RASK_E_EXISTS && atomic_load(&now.n_dumps) > n_dumps,
               "a key that was released is still held");
    EXPECT_STATUS(t, NULL, rask_release_all(RASK_FUTURES(again, other)), RASK_OK);
}

#endif
