/* Submits to a client that holds too much: they wait, or are refused, and never hang. */
#include "limited.h"

enum { SIZE = 64 * KB };

/* An object that cannot leave memory, and holds more than the clients here may. */
static rask_future fill_up(void) { return scatter_box(0, 5000, &raw_box_type); }

/* ---- refused ---- */

static void refused_over_the_limit(void) {
    client = open_limited(1, 1000, RASK_CLIENT_NOMEM);
    rask_future full = fill_up();
    CHECK(full.id != 0);
    CHECK_EQ(rask_submit(client, inc, RASK_ARGS(1)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_NOMEM);
    CHECK_STR_CONTAINS(rask_last_error(), "memory_limit");
    CHECK_EQ(rask_scatter(client, rask_i64(1)).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_NOMEM);
    rask_arg items[] = {rask_i64(1), rask_i64(2)};
    rask_future out[2];
    CHECK_STATUS(rask_map(client, inc, items, 2, NULL, out), RASK_E_NOMEM);
    CHECK(out[0].id == 0 && out[1].id == 0);
    CHECK_OK(rask_release(full));
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    boxes_balance();
    close_limited();
}

static void what_is_handed_over_is_taken_all_the_same(void) {
    client = open_limited(1, 1000, RASK_CLIENT_NOMEM);
    rask_future full = fill_up(), input = rask_clone(full);
    CHECK_EQ(rask_submit(client, inc, RASK_ARGS(rask_object(box_new(1, 10), &box_type), rask_take(input))).id,
             0);
    CHECK_STATUS(rask_release(input), RASK_E_HANDLE);
    CHECK_EQ(scatter_box(2, 10, &box_type).id, 0);
    rask_arg item = rask_object(box_new(3, 10), &box_type);
    rask_future out;
    CHECK_STATUS(rask_map(client, inc, &item, 1, NULL, &out), RASK_E_NOMEM);
    CHECK_EQ(atomic_load(&boxes_made), atomic_load(&boxes_destroyed) + 1);
    CHECK_OK(rask_release(full));
    boxes_balance();
    close_limited();
}

static void what_can_spill_is_not_refused(void) {
    client = open_limited(1, 1, RASK_CLIENT_NOMEM);
    rask_future f[8];
    for (int i = 0; i < 8; i++)
        f[i] = scatter_block(SIZE, i);
    for (int i = 0; i < 8; i++) {
        CHECK_BLOCK(f[i], SIZE, i);
        CHECK_OK(rask_release(f[i]));
    }
    close_limited();
}

static void map_is_refused_from_some_item_on(void) {
    client = open_limited(1, 12000, RASK_CLIENT_NOMEM);
    gate *g = gate_new();
    rask_future held_up = submit_held(client, g, 1), out[6];
    GATE_REACHED(g, 1);
    rask_arg items[6];
    for (int i = 0; i < 6; i++)
        items[i] = rask_object(box_new(i, 5000), &raw_box_type);
    CHECK_STATUS(rask_map(client, nothing, items, 6, NULL, out), RASK_E_NOMEM);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(out[i].id != 0, i < 3);
    gate_open(g);
    CHECK_OK(rask_wait(out, 3, RASK_ALL_COMPLETED, LONG_NS, NULL));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(rask_future_state(out[i]), RASK_FINISHED);
    CHECK_OK(rask_release_all(out, 3));
    CHECK_OK(rask_release(held_up));
    boxes_balance();
    close_limited();
}

/* ---- waiting ---- */

/* A thread that submits, and what came of it. */
typedef struct submitter {
    atomic_bool begun, over;
    rask_future future;
    rask_status status;
} submitter;

static void *submit_one(void *context) {
    submitter *s = context;
    atomic_store(&s->begun, true);
    s->future = rask_submit(client, which_box, RASK_ARGS(rask_object(box_new(8, 10), &box_type)));
    s->status = s->future.id ? RASK_OK : rask_last_status();
    atomic_store(&s->over, true);
    return NULL;
}

/* It has begun and does not come back: as far as one can see in a moment. */
static void is_blocked(submitter *s) {
    EVENTUALLY(atomic_load(&s->begun));
    sleep_us(20000);
    CHECK(!atomic_load(&s->over));
}

static void a_release_lets_it_pass(void) {
    client = open_limited(1, 1000, 0);
    gate *g = gate_new();
    rask_future held_up = submit_held(client, g, 1), full = fill_up();
    GATE_REACHED(g, 1);
    submitter s = {0};
    pthread_t thread = start_thread(submit_one, &s);
    is_blocked(&s);
    CHECK_OK(rask_release(full));
    join_thread(thread);
    CHECK_OK(s.status);
    gate_open(g);
    CHECK_I64(s.future, 8);
    CHECK_OK(rask_release_all(RASK_FUTURES(held_up, s.future)));
    boxes_balance();
    close_limited();
}

static void an_idle_client_lets_it_pass(void) {
    client = open_limited(1, 1000, 0);
    gate *g = gate_new();
    rask_future held_up = submit_held(client, g, 1), full = fill_up();
    GATE_REACHED(g, 1);
    submitter s = {0};
    pthread_t thread = start_thread(submit_one, &s);
    is_blocked(&s);
    gate_open(g);
    join_thread(thread);
    CHECK_OK(s.status);
    CHECK_I64(s.future, 8);
    /* Nothing is pending or running: there is nobody to wait for. */
    CHECK_OK(rask_client_wait(client, LONG_NS));
    rask_future more = fill_up();
    CHECK(more.id != 0);
    CHECK_OK(rask_release_all(RASK_FUTURES(held_up, s.future, full, more)));
    boxes_balance();
    close_limited();
}

static void *close_it(void *context) {
    CHECK_OK(rask_client_close(client));
    return context;
}

static void close_ends_the_wait(void) {
    client = open_limited(1, 1000, 0);
    gate *g = gate_new();
    rask_future held_up = submit_held(client, g, 1), full = fill_up();
    GATE_REACHED(g, 1);
    submitter s[3] = {0};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        threads[i] = start_thread(submit_one, &s[i]);
        is_blocked(&s[i]);
    }
    pthread_t closer = start_thread(close_it, NULL);
    for (int i = 0; i < 3; i++) {
        join_thread(threads[i]); /* while the task still runs */
        CHECK_EQ(s[i].future.id, 0);
        CHECK_STATUS(s[i].status, RASK_E_CLOSED);
    }
    gate_open(g);
    join_thread(closer);
    CHECK_OK(rask_release_all(RASK_FUTURES(held_up, full)));
    boxes_balance();
    close_limited();
}

static void *scatter_one(void *context) {
    submitter *s = context;
    atomic_store(&s->begun, true);
    s->future = rask_scatter(client, rask_i64(8));
    atomic_store(&s->over, true);
    return NULL;
}

static void scatter_waits_too(void) {
    client = open_limited(1, 1000, 0);
    gate *g = gate_new();
    rask_future held_up = submit_held(client, g, 1), full = fill_up();
    GATE_REACHED(g, 1);
    submitter s = {0};
    pthread_t thread = start_thread(scatter_one, &s);
    is_blocked(&s);
    CHECK_OK(rask_release(full));
    join_thread(thread);
    CHECK_I64(s.future, 8);
    gate_open(g);
    CHECK_OK(rask_release_all(RASK_FUTURES(held_up, s.future)));
    boxes_balance();
    close_limited();
}

static void which_raw_box(rask_task *t) {
    const box *b = rask_arg_object(t, 0, &raw_box_type);
    rask_return_i64(t, b ? b->which : -1);
}

/* Each item takes half of what there is: the map goes on as its tasks end. */
static void map_waits_for_its_own_tasks(void) {
    client = open_limited(2, 10000, 0);
    enum { ITEMS = 40 };
    rask_arg items[ITEMS];
    rask_future out[ITEMS];
    for (int i = 0; i < ITEMS; i++)
        items[i] = rask_object(box_new(i, 5000), &raw_box_type);
    CHECK_OK(rask_map(client, which_raw_box, items, ITEMS, NULL, out));
    for (int i = 0; i < ITEMS; i++)
        CHECK_I64(out[i], i);
    CHECK_OK(rask_release_all(out, ITEMS));
    boxes_balance();
    close_limited();
}

/* (what fills the client up): submits all the same. */
static void submits_inside(rask_task *t) {
    rask_client own = rask_task_client(t);
    rask_future f = rask_submit(own, inc, RASK_ARGS(1)), g = rask_scatter(own, rask_i64(2)), out[3];
    rask_arg items[] = {rask_i64(1), rask_i64(2), rask_i64(3)};
    int64_t x = 0, y = 0;
    CHECK_OK(rask_map(own, inc, items, 3, NULL, out));
    CHECK_OK(rask_result_i64(f, &x));
    CHECK_OK(rask_result_i64(g, &y));
    CHECK_OK(rask_release_all(out, 3));
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    rask_return_i64(t, x + y);
}

static void tasks_never_wait_for_room(void) {
    for (uint32_t flags = 0; flags <= RASK_CLIENT_NOMEM; flags += RASK_CLIENT_NOMEM) {
        client = open_limited(1, 1000, flags);
        rask_future f =
            rask_submit(client, submits_inside, RASK_ARGS(rask_object(box_new(1, 5000), &raw_box_type)));
        CHECK_I64(f, 4);
        CHECK_OK(rask_release(f));
        boxes_balance();
        close_limited();
    }
}

/* ---- programs ---- */

/* (depth): a block made of two of half the size, by children that are waited for. */
static void block_tree(rask_task *t) {
    int64_t depth = rask_arg_i64(t, 0);
    if (depth == 0) {
        rask_return_bytes(t, "0123456789abcdef0123456789abcdef", 32);
        return;
    }
    rask_future half[2];
    for (int i = 0; i < 2; i++)
        half[i] = rask_submit(rask_task_client(t), block_tree, RASK_ARGS(depth - 1));
    char *data = rask_return_buffer(t, 32u << depth);
    for (int i = 0; i < 2; i++) {
        const void *bytes;
        size_t size;
        CHECK_OK(rask_result_bytes(half[i], &bytes, &size));
        CHECK_EQ(size, 16u << depth);
        memcpy(data + (size_t)i * size, bytes, size);
        CHECK_OK(rask_release(half[i]));
    }
}

static void one_byte_is_enough_for_every_program(void) {
    client = open_limited(2, 1, 0);
    int64_t depth = small_scale() ? 7 : 10;
    rask_future f = rask_submit(client, block_tree, RASK_ARGS(depth));
    const void *data;
    size_t size;
    CHECK_OK(rask_result_bytes(f, &data, &size));
    CHECK_EQ(size, 32u << depth);
    for (size_t i = 0; i < size; i += 16)
        CHECK(memcmp((const char *)data + i, "0123456789abcdef", 16) == 0);
    CHECK_OK(rask_release(f));
    close_limited();
}

enum { THREADS = 4 };

static void *many_blocks(void *context) {
    int64_t base = (int64_t)(intptr_t)context;
    size_t rounds = small_scale() ? 5 : 50;
    for (size_t round = 0; round < rounds; round++) {
        rask_future f[4], g[4], ok[4];
        for (int i = 0; i < 4; i++) {
            f[i] = i % 2 ? scatter_block(SIZE / 4, base + i)
                         : rask_submit(client, make_block, RASK_ARGS((int64_t)SIZE / 4, base + i));
            g[i] = rask_submit(client, pass_on, RASK_ARGS(f[i]));
            ok[i] = rask_submit(client, check_block, RASK_ARGS(rask_take(g[i]), base + i));
        }
        rask_future box = scatter_box(base, 5000, &box_type);
        rask_future which = rask_submit(client, which_box, RASK_ARGS(box));
        for (int i = 0; i < 4; i++)
            CHECK_I64(ok[i], 1);
        CHECK_BLOCK(f[round % 4], SIZE / 4, base + (int64_t)(round % 4));
        CHECK_I64(which, base);
        CHECK_OK(rask_release_all(f, 4));
        CHECK_OK(rask_release_all(ok, 4));
        CHECK_OK(rask_release_all(RASK_FUTURES(box, which)));
    }
    return NULL;
}

static void many_threads(void) {
    for (uint64_t limit = 1; limit <= 8 * SIZE; limit *= 1024) {
        client = open_limited(2, limit, 0);
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            threads[i] = start_thread(many_blocks, (void *)(intptr_t)(100 * i));
        for (int i = 0; i < THREADS; i++)
            join_thread(threads[i]);
        CHECK_OK(rask_client_wait(client, LONG_NS));
        EVENTUALLY(held_bytes() == 0);
        boxes_balance();
        close_limited();
    }
}

static void a_limit_that_is_not_reached_costs_no_file(void) {
    client = open_limited(2, UINT64_MAX, 0);
    many_blocks((void *)(intptr_t)1);
    char path[PATH];
    CHECK(!spill_file(path));
    close_limited();
}

int main(void) {
    RUN(refused_over_the_limit);
    RUN(what_is_handed_over_is_taken_all_the_same);
    RUN(what_can_spill_is_not_refused);
    RUN(map_is_refused_from_some_item_on);
    RUN(a_release_lets_it_pass);
    RUN(an_idle_client_lets_it_pass);
    RUN(close_ends_the_wait);
    RUN(scatter_waits_too);
    RUN(map_waits_for_its_own_tasks);
    RUN(tasks_never_wait_for_room);
    RUN(one_byte_is_enough_for_every_program);
    RUN(many_threads);
    RUN(a_limit_that_is_not_reached_costs_no_file);
    return 0;
}
