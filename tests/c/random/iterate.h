/* Operations that are told when futures are done: callbacks and as_completed. */
#ifndef RASK_TESTS_RANDOM_ITERATE_H
#define RASK_TESTS_RANDOM_ITERATE_H

#include "change.h"

#include <poll.h>

/* ---- callbacks ---- */

static thread dispatcher; /* whoever calls back: one thread */

static void task_done_work(rask_task *t) { rask_return_i64(t, 1); }

/* How a future ended that nobody need have held any longer: then it may be cancelled, too. */
static void saw_told(thread *t, record *r, rask_state state) {
    if (state == RASK_CANCELLED && atomic_load(&r->is_released))
        return;
    saw_done(t, r, 0, state, RASK_OK, -1);
}

static void called_back(rask_future future, rask_state state, void *context) {
    registration *g = context;
    record *r = g->record;
    dispatcher.name = "in a callback";
    dispatcher.operation++;
    EXPECT(&dispatcher, r, atomic_fetch_add(&g->fired, 1) == 0, "called back twice for one registration");
    saw_told(&dispatcher, r, state);
    switch (g->what) {
    case 0: { /* keeps the future for a moment */
        rask_future clone = rask_clone(future);
        EXPECT(&dispatcher, r, clone.id != 0, "the handle of a callback cannot be cloned");
        EXPECT_STATUS(&dispatcher, r, rask_release(clone), RASK_OK);
        break;
    }
    case 1: { /* submits what takes it */
        rask_future next = rask_submit(now.clients[r->client], task_done_work, RASK_ARGS(future));
        if (next.id)
            EXPECT_STATUS(&dispatcher, r, rask_fire_and_forget(next), RASK_OK);
        else
            EXPECT(&dispatcher, r, atomic_load(&now.is_closing) || now.program->client_flags,
                   "a callback cannot submit");
        break;
    }
    case 2: {
        rask_state at_once = rask_future_state(future);
        if (!now.program->retries)
            EXPECT(&dispatcher, r, at_once == state, "a callback is told of state %d, now it is %d",
                   (int)state, (int)at_once);
        break;
    }
    default:
        break;
    }
}

static void op_on_done(thread *t) {
    handle h = t->pool[any(t)];
    registration *g = calloc(1, sizeof *g);
    CHECK(g != NULL);
    g->record = h.record;
    g->what = (unsigned)below(t, 4);
    g->next = t->registrations;
    t->registrations = g;
    EXPECT_STATUS(t, h.record, rask_on_done(h.future, called_back, g), RASK_OK);
}

/* At the end of a round: each registration has been called once. */
static void check_registrations(thread *t) {
    while (t->registrations) {
        registration *g = t->registrations;
        t->registrations = g->next;
        EXPECT(t, g->record, atomic_load(&g->fired) == 1, "called back %u times for one registration",
               atomic_load(&g->fired));
        free(g);
    }
}

/* ---- as_completed ---- */

static void op_iterate_open(thread *t) {
    iteration *i = &t->iteration;
    if (i->id.id)
        return;
    sample s = take_sample(t);
    if (s.n && one_in(t, 2))
        s.n = 0;
    handle clones[MAX_SAMPLE];
    rask_future futures[MAX_SAMPLE];
    for (size_t k = 0; k < s.n; k++) {
        clones[k] = cloned(t, (handle){s.futures[k], s.records[k]});
        futures[k] = clones[k].future;
    }
    i->id = rask_as_completed_open(s.n ? futures : NULL, s.n);
    EXPECT(t, NULL, i->id.id != 0, "no iteration over %zu futures", s.n);
    i->fd = -1;
    i->n = s.n;
    for (size_t k = 0; k < s.n; k++) {
        i->expected[k] = clones[k];
        i->is_released[k] = false;
    }
}

/* Adds a clone, which the iteration's list owns from here on, or one that is there already. */
static void op_iterate_add(thread *t) {
    iteration *i = &t->iteration;
    if (!i->id.id || i->n == MAX_ITERATED)
        return;
    handle h = i->n && one_in(t, 8) ? i->expected[below(t, i->n)] : (handle){{0}, NULL};
    for (size_t k = 0; k < i->n && h.record; k++)
        if (i->is_released[k] && i->expected[k].future.id == h.future.id)
            h.record = NULL; /* stale */
    if (!h.record)
        h = cloned(t, t->pool[any(t)]);
    EXPECT_STATUS(t, h.record, rask_as_completed_add(i->id, &h.future, 1), RASK_OK);
    i->expected[i->n] = h;
    i->is_released[i->n++] = false;
}

/* Another one of the same handle that is still expected, or its own length. */
static size_t find_expected(const iteration *i, rask_future future) {
    size_t k = 0;
    while (k < i->n && i->expected[k].future.id != future.id)
        k++;
    return k;
}

static void delivered(thread *t, rask_future future) {
    iteration *i = &t->iteration;
    size_t k = find_expected(i, future);
    EXPECT(t, NULL, k < i->n, "a future is delivered that was not added, or twice");
    handle h = i->expected[k];
    bool was_released = i->is_released[k];
    i->n--;
    i->expected[k] = i->expected[i->n];
    i->is_released[k] = i->is_released[i->n];
    if (was_released)
        return;
    if (!now.program->retries)
        saw_told(t, h.record, rask_future_state(h.future));
    if (find_expected(i, future) == i->n)
        put(t, h);
}

static void op_iterate_next(thread *t) {
    iteration *i = &t->iteration;
    if (!i->id.id)
        return;
    EXPECT(t, NULL, rask_as_completed_count(i->id) == i->n, "%zu are left, not %zu",
           rask_as_completed_count(i->id), i->n);
    bool is_readable = false;
    if (i->fd >= 0) {
        struct pollfd p = {.fd = i->fd, .events = POLLIN};
        is_readable = poll(&p, 1, 0) == 1 && p.revents & POLLIN;
    }
    rask_future future = {7};
    rask_status status = rask_as_completed_next(i->id, is_readable ? 0 : random_timeout(t), &future);
    if (status == RASK_OK) {
        delivered(t, future);
        return;
    }
    EXPECT(t, NULL, future.id == 0, "an output was not zeroed");
    EXPECT(t, NULL, !is_readable, "the descriptor is readable, but the next is %s", rask_status_name(status));
    EXPECT_STATUS(t, NULL, status, i->n ? RASK_E_TIMEOUT : RASK_END);
}

static void op_iterate_fd(thread *t) {
    iteration *i = &t->iteration;
    if (!i->id.id)
        return;
    int fd = rask_as_completed_fd(i->id);
    EXPECT(t, NULL, fd >= 0, "an iteration without a descriptor");
    EXPECT(t, NULL, i->fd < 0 || i->fd == fd, "an iteration has two descriptors");
    i->fd = fd;
}

/* Releases a handle before it is delivered: that it will be all the same. */
static void op_iterate_release(thread *t) {
    iteration *i = &t->iteration;
    if (!i->id.id || !i->n)
        return;
    size_t k = below(t, i->n);
    if (i->is_released[k])
        return;
    handle h = i->expected[k];
    for (size_t j = 0; j < i->n; j++)
        i->is_released[j] = i->is_released[j] || i->expected[j].future.id == h.future.id;
    released(t, about_to_end(h));
}

static void op_iterate_close(thread *t) {
    iteration *i = &t->iteration;
    if (!i->id.id)
        return;
    EXPECT_STATUS(t, NULL, rask_as_completed_close(i->id), RASK_OK);
    EXPECT_STATUS(t, NULL, rask_as_completed_close(i->id), RASK_E_HANDLE);
    i->id.id = 0;
    while (i->n > 0) {
        bool is_released = i->is_released[--i->n];
        handle h = i->expected[i->n];
        if (!is_released && find_expected(i, h.future) == i->n)
            released(t, about_to_end(h));
    }
}

#endif
