/* Random arguments and options, and what the model makes of them: the record of the future that a submit
 * gives. */
#ifndef RASK_TESTS_RANDOM_BUILD_H
#define RASK_TESTS_RANDOM_BUILD_H

#include "tasks.h"

/* ---- handles of one thread ---- */

static void keep_stale(thread *t, rask_future future) { t->stale[t->n_stale++ % N_STALE] = future; }

static void released(thread *t, handle h) {
    EXPECT_STATUS(t, h.record, rask_release(h.future), RASK_OK);
    keep_stale(t, h.future);
}
/* To be called before anything that ends a handle. */
static handle about_to_end(handle h) {
    atomic_store(&h.record->is_released, true);
    return h;
}

static handle take_out(thread *t, size_t index) {
    handle h = t->pool[index];
    t->pool[index] = t->pool[--t->n];
    return h;
}
static void put(thread *t, handle h) {
    if (t->n == MAX_POOL)
        released(t, about_to_end(take_out(t, below(t, MAX_POOL))));
    t->pool[t->n++] = h;
}
static inline size_t any(thread *t) { return below(t, t->n); }

/* ---- a call being written down ---- */

enum { MAX_ARGS = 10, MAX_ITEMS = 48, MAX_TEXT = 4096 };

typedef struct building {
    thread *thread;
    unsigned client;
    bool is_lazy;
    rask_arg args[MAX_ARGS];
    size_t n_args;
    uint64_t digest;           /* of the arguments so far */
    rask_arg items[MAX_ITEMS]; /* of lists */
    size_t n_items;
    char text[MAX_TEXT]; /* what bytes are borrowed from */
    size_t n_text;
    rask_future taken[MAX_INPUTS]; /* stale after the call */
    size_t n_taken;
    rask_future futures[MAX_INPUTS]; /* of rask_list_of */
    size_t n_futures;
    /* what the record will say */
    record record;
    bool is_known;  /* so far all inputs are known to be finished */
    ending certain; /* how the future must have ended when submit returns; 0: not known */
} building;

static void build(building *b, thread *t, task_kind task) {
    b->thread = t;
    b->is_lazy = false;
    b->n_args = b->n_items = b->n_text = b->n_taken = b->n_futures = 0;
    b->client = one_in(t, 4) ? (unsigned)below(t, now.program->n_clients) : 0;
    b->digest = digest_begin(task);
    b->record = (record){.task = task, .has_value = true, .weight = 1, .kind = RASK_NONE};
    b->is_known = !now.program->retries && !now.program->closes_early; /* otherwise nothing ever is */
    b->certain = 0;
}

/* The call is wrong at this point: what follows does not count, but in a lazy graph, where some mistakes are
 * found when the call is written down, and some when it is computed. */
static void mistake(building *b, rask_status status) {
    record *r = &b->record;
    if (r->is_mistake && !b->is_lazy)
        return;
    if (!b->certain && b->is_known)
        b->certain = ending_of(RASK_ERROR, status, -1);
    r->is_mistake = true;
    r->has_value = false;
    r->statuses |= 1U << -status;
}

/* The task needs that future. */
static void needs(building *b, record *input) {
    record *r = &b->record;
    if (r->is_mistake && !b->is_lazy)
        return;
    ending seen = atomic_load(&input->seen);
    if (b->is_known && !b->certain && is_done(state_of(seen)) && state_of(seen) != RASK_FINISHED)
        b->certain = seen;
    b->is_known = b->is_known && state_of(seen) == RASK_FINISHED;
    r->inputs[r->n_inputs++] = input;
    r->has_value = r->has_value && input->has_value;
    r->codes |= input->codes;
    r->statuses |= input->statuses;
    if (r->depth <= input->depth)
        r->depth = input->depth + 1;
}

static void add_arg(building *b, rask_arg arg, uint64_t digest) {
    b->args[b->n_args++] = arg;
    b->digest = mixed(b->digest, digest);
}
static void add_i64(building *b, int64_t value) {
    add_arg(b, rask_i64(value), digest_of_scalar(RASK_I64, (uint64_t)value));
}
/* Different for every submit, unless it is to be like others. */
static uint64_t new_salt(thread *t) { return random_next(&t->random) | 1; }

/* ---- arguments ---- */

/* What is known of an argument. */
typedef struct known {
    uint64_t digest;
    rask_kind kind;
    unsigned weight;
} known;

static char *random_text(building *b, size_t *size) {
    uint64_t seed = random_next(&b->thread->random);
    *size = size_from(seed) % 300;
    if (b->n_text + *size + 1 > MAX_TEXT)
        *size = 0;
    char *text = &b->text[b->n_text];
    fill(text, *size, seed);
    text[*size] = 0;
    b->n_text += *size + (b->n_text + *size + 1 < MAX_TEXT);
    return text;
}

static rask_arg random_scalar(building *b, known *k) {
    thread *t = b->thread;
    uint64_t seed = random_next(&t->random);
    *k = (known){DIGEST_OF_NONE, RASK_NONE, 1};
    switch (below(t, 8)) {
    case 0:
        return rask_none();
    case 1:
        *k = (known){digest_of_f64(f64_from(seed)), RASK_F64, 1};
        return rask_f64(f64_from(seed));
    case 2:
        *k = (known){digest_of_pointer((void *)(uintptr_t)seed), RASK_POINTER, 1};
        return rask_pointer((void *)(uintptr_t)seed);
    case 3:
    case 4: {
        size_t size;
        const char *text = random_text(b, &size);
        *k = (known){digest_of_bytes(text, size), RASK_BYTES, 1};
        return seed & 1 ? rask_bytes(size ? text : NULL, size) : rask_str(text);
    }
    case 5: {
        size_t size = size_from(seed) + 1;
        char *data = malloc(size);
        CHECK(data != NULL);
        fill(data, size, seed);
        atomic_fetch_add(&n_made, 1);
        *k = (known){digest_of_bytes(data, size), RASK_BYTES, 1};
        return rask_bytes_owned(data, size, owned_destroy);
    }
    case 6:
        *k = (known){digest_of_box(seed), RASK_OBJECT, 1};
        return rask_object(box_new(seed), box_type_from(seed));
    default:
        *k = (known){digest_of_scalar(RASK_I64, seed), RASK_I64, 1};
        return rask_i64((int64_t)seed);
    }
}

/* A future of ours that may become an argument here; false if there is none. */
static bool find_input(building *b, size_t *index) {
    thread *t = b->thread;
    for (unsigned tries = 0; tries < 4 && t->n > 0 && b->record.n_inputs < MAX_INPUTS; tries++) {
        const record *r = t->pool[ *index = any(t)].record;
        bool is_usual = r->client == b->client && r->has_value; /* few failures make many */
        if (r->depth < MAX_DEPTH && r->weight <= MAX_WEIGHT && (is_usual || one_in(t, 8)))
            return true;
    }
    return false;
}

static known known_of(const record *r) { return (known){r->digest, r->kind, r->weight}; }

/* The value of a future: borrowed, taken, or through a handle that is taken twice. */
static rask_arg random_future(building *b, known *k) {
    thread *t = b->thread;
    size_t index;
    if (!find_input(b, &index))
        return random_scalar(b, k);
    handle h = t->pool[index];
    *k = known_of(h.record);
    if (h.record->client == b->client)
        needs(b, h.record);
    else
        mistake(b, RASK_E_HANDLE);
    if (b->n_taken == MAX_INPUTS || !one_in(t, 4))
        return rask_of(h.future);
    /* Still used by the rest of this call if it is there twice: stale then. */
    about_to_end(take_out(t, index));
    b->taken[b->n_taken++] = h.future;
    return rask_take(h.future);
}

static rask_arg random_mistake(building *b, known *k) {
    thread *t = b->thread;
    *k = (known){DIGEST_OF_NONE, RASK_NONE, 1};
    switch (below(t, 8)) {
    case 0:
        mistake(b, RASK_E_HANDLE);
        return rask_of((rask_future){0});
    case 1:
        mistake(b, RASK_E_HANDLE);
        return rask_of((rask_future){now.clients[0].id});
    case 2: {
        rask_future stale =
            t->n_stale ? t->stale[below(t, t->n_stale < N_STALE ? t->n_stale : N_STALE)] : (rask_future){0};
        mistake(b, RASK_E_HANDLE);
        return one_in(t, 2) ? rask_take(stale) : rask_of(stale);
    }
    case 3:
        mistake(b, RASK_E_INVALID);
        return rask_list(NULL, 1 + below(t, 3));
    case 4:
        mistake(b, RASK_E_INVALID);
        return rask_str(NULL);
    case 5:
        mistake(b, RASK_E_INVALID);
        return rask_list_of(b->futures, SIZE_MAX);
    case 6:
        mistake(b, RASK_E_INVALID);
        return (rask_arg){.kind = 99};
    default: /* taken by this very call, or null */
        mistake(b, RASK_E_HANDLE);
        return rask_take(b->n_taken ? b->taken[0] : (rask_future){0});
    }
}

static rask_arg random_arg(building *b, known *k, unsigned depth);

static rask_arg random_list(building *b, known *k, unsigned depth) {
    thread *t = b->thread;
    size_t n = below(t, 4);
    *k = (known){mixed(RASK_LIST + 1, n), RASK_LIST, 1};
    if (b->n_items + n > MAX_ITEMS)
        n = 0, k->digest = mixed(RASK_LIST + 1, 0);
    rask_arg *items = &b->items[b->n_items];
    b->n_items += n;
    for (size_t i = 0; i < n; i++) {
        known item;
        items[i] = random_arg(b, &item, depth + 1);
        k->digest = mixed(k->digest, item.digest);
        k->weight += item.weight;
    }
    return rask_list(n ? items : NULL, n);
}

static rask_arg random_list_of(building *b, known *k) {
    thread *t = b->thread;
    size_t wanted = 1 + below(t, 3), n = 0, index;
    rask_future *futures = &b->futures[b->n_futures];
    record *records[3];
    while (n < wanted && b->n_futures < MAX_INPUTS && find_input(b, &index) &&
           t->pool[index].record->client == b->client) {
        records[n] = t->pool[index].record;
        futures[n++] = t->pool[index].future;
        b->n_futures++;
        needs(b, records[n - 1]);
    }
    *k = (known){mixed(RASK_LIST + 1, n), RASK_LIST, 1};
    for (size_t i = 0; i < n; i++) {
        k->digest = mixed(k->digest, records[i]->digest);
        k->weight += records[i]->weight;
    }
    return rask_list_of(futures, n);
}

/* A delayed of ours, in another delayed. */
static rask_arg random_lazy(building *b, known *k) {
    thread *t = b->thread;
    const lazy *l = &t->lazy[below(t, t->n_lazy)];
    if (l->record->depth >= MAX_DEPTH || l->record->weight > MAX_WEIGHT || b->record.n_inputs == MAX_INPUTS)
        return random_scalar(b, k);
    *k = known_of(l->record);
    needs(b, l->record);
    return rask_lazy(l->id);
}

static rask_arg random_arg(building *b, known *k, unsigned depth) {
    thread *t = b->thread;
    uint64_t what = below(t, 100);
    if (what < 45)
        return random_future(b, k);
    if (what < 55 && depth < 2)
        return random_list(b, k, depth);
    if (what < 60)
        return random_list_of(b, k);
    if (what < 61)
        return random_mistake(b, k);
    if (b->is_lazy && t->n_lazy && what < 85)
        return random_lazy(b, k);
    return random_scalar(b, k);
}

/* Up to that many more arguments of any kind. */
static void add_random(building *b, size_t most) {
    for (size_t n = below(b->thread, most + 1); n > 0 && b->n_args < MAX_ARGS; n--) {
        known k;
        rask_arg arg = random_arg(b, &k, 0);
        add_arg(b, arg, k.digest);
    }
}

/* ---- the record ---- */

/* The result will be made from the digest of all arguments. */
static void will_make(building *b, rask_kind kind) {
    b->record.kind = kind;
    b->record.digest = digest_of_made(kind, b->digest);
}

/* After the call: what was taken is stale. */
static void check_taken(building *b) {
    for (size_t i = 0; i < b->n_taken; i++) {
        EXPECT_STATUS(b->thread, NULL, rask_future_state(b->taken[i]), RASK_E_HANDLE);
        keep_stale(b->thread, b->taken[i]);
    }
}

/* The record as it was built up, with a number; NULL when the round is full. */
static record *recorded(building *b) {
    record *r = record_new(b->record.task);
    if (!r)
        return NULL;
    uint32_t number = r->number;
    *r = b->record;
    r->number = number;
    r->client = b->client;
    if (r->is_mistake)
        r->task = MISTAKE;
    if (b->certain && !r->family)
        atomic_store(&r->seen, b->certain);
    return r;
}

#endif
