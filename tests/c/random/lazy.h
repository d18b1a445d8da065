/* Operations on lazy graphs: a delayed has a record as a future has, and whatever is computed from it
 * another, of which the delayed's is the only input. */
#ifndef RASK_TESTS_RANDOM_LAZY_H
#define RASK_TESTS_RANDOM_LAZY_H

#include "iterate.h"

static void delayed_released(thread *t, size_t index) {
    rask_delayed delayed = t->lazy[index].id;
    t->lazy[index] = t->lazy[--t->n_lazy];
    EXPECT_STATUS(t, NULL, rask_delayed_release(delayed), RASK_OK);
    EXPECT_STATUS(t, NULL, rask_delayed_release(delayed), RASK_E_HANDLE);
}

static void op_delayed_call(thread *t) {
    building b;
    bool is_failing = one_in(t, 12);
    build(&b, t, is_failing ? FAIL : MIX);
    b.is_lazy = true;
    b.client = 0;
    b.is_known = false;
    int64_t code = (int64_t)below(t, N_CODES);
    rask_kind kind = made_kinds[below(t, N_MADE_KINDS)];
    add_i64(&b, (int64_t)new_salt(t));
    add_i64(&b, is_failing ? code : kind);
    add_random(&b, 4);
    if (is_failing) {
        b.record.has_value = false;
        b.record.codes |= b.record.is_mistake ? 0 : 1ULL << code;
    } else {
        will_make(&b, kind);
    }
    chosen c = choose(t, 0);
    apply(&b, &c);
    rask_delayed delayed =
        rask_delayed_call(is_failing ? task_fail : task_mix, b.args, b.n_args, c.is_used ? &c.options : NULL);
    EXPECT(t, NULL, delayed.id != 0, "a call cannot be delayed");
    check_taken(&b);
    b.certain = 0;
    record *r = recorded(&b);
    if (!r) {
        EXPECT_STATUS(t, NULL, rask_delayed_release(delayed), RASK_OK);
        return;
    }
    r->task = LAZY;
    if (!r->is_mistake) /* what several have in common may be one future */
        r->family = 1 + (unsigned)(b.digest % (N_FAMILIES - 1));
    if (t->n_lazy == MAX_DELAYED)
        delayed_released(t, below(t, MAX_DELAYED));
    t->lazy[t->n_lazy++] = (lazy){delayed, r};
}

/* The record of a future that was computed from it. */
static void keep_computed(thread *t, rask_future future, const lazy *l) {
    building b;
    build(&b, t, LAZY);
    b.client = 0;
    b.is_known = false;
    needs(&b, l->record);
    b.record.kind = l->record->kind;
    b.record.digest = l->record->digest;
    b.record.weight = l->record->weight;
    b.record.family = l->record->family;
    keep(&b, future);
}

static void op_compute(thread *t) {
    if (!t->n_lazy)
        return;
    const lazy *l = &t->lazy[below(t, t->n_lazy)];
    bool was_closed = atomic_load(&now.is_closed);
    rask_future future = rask_compute(now.clients[0], l->id);
    if (is_made(t, future, was_closed))
        keep_computed(t, future, l);
}

static void op_compute_all(thread *t) {
    const lazy *chosen[3];
    rask_delayed delayed[3];
    rask_future futures[3] = {{7}, {7}, {7}};
    size_t n = t->n_lazy ? below(t, 4) : 0;
    for (size_t i = 0; i < n; i++) {
        chosen[i] = &t->lazy[below(t, t->n_lazy)];
        delayed[i] = chosen[i]->id;
    }
    rask_status status = rask_compute_all(now.clients[0], n ? delayed : NULL, n, n ? futures : NULL);
    if (status != RASK_OK)
        EXPECT(t, NULL,
               (status == RASK_E_CLOSED && atomic_load(&now.is_closing)) ||
                   (status == RASK_E_NOMEM && now.program->client_flags & RASK_CLIENT_NOMEM),
               "compute_all is %s", rask_status_name(status));
    for (size_t i = 0; i < n; i++) {
        EXPECT(t, NULL, (futures[i].id != 0) == (status == RASK_OK),
               "compute_all is %s, future %zu is there: %s", rask_status_name(status), i,
               futures[i].id ? "yes" : "no");
        if (!futures[i].id)
            continue;
        keep_computed(t, futures[i], chosen[i]);
    }
}

static void op_delayed_release(thread *t) {
    if (t->n_lazy)
        delayed_released(t, below(t, t->n_lazy));
}

#endif
