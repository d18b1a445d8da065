/* The states of a future, its key, its description. */
#include "check.h"

static void from_pending_to_finished(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), y = rask_submit(client, inc, RASK_ARGS(x));
    GATE_REACHED(g, 1);
    CHECK_EQ(rask_future_state(x), RASK_RUNNING);
    CHECK_EQ(rask_future_state(y), RASK_PENDING);
    gate_open(g);
    CHECK_I64(y, 2);
    CHECK_EQ(rask_future_state(x), RASK_FINISHED);
    CHECK_EQ(rask_future_state(y), RASK_FINISHED);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void queued_is_pending(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1);
    GATE_REACHED(g, 1);
    rask_future y = rask_submit(client, inc, RASK_ARGS(1)); /* ready, but the only worker is busy */
    sleep_us(5000);
    CHECK_EQ(rask_future_state(y), RASK_PENDING);
    gate_open(g);
    CHECK_I64(y, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y)));
}

static void to_error_and_cancelled(void) {
    gate *g = gate_new();
    rask_future x = rask_submit(client, held_fail, RASK_ARGS(rask_pointer(g), 1, "no"));
    rask_future y = rask_submit(client, inc, RASK_ARGS(x)), z = rask_submit(client, inc, RASK_ARGS(x));
    CHECK_OK(rask_cancel(z, NULL));
    CHECK_EQ(rask_future_state(z), RASK_CANCELLED);
    CHECK_EQ(rask_future_state(y), RASK_PENDING);
    gate_open(g);
    CHECK_FAILS(y, RASK_E_TASK);
    CHECK_EQ(rask_future_state(x), RASK_ERROR);
    CHECK_EQ(rask_future_state(y), RASK_ERROR);
    CHECK_EQ(rask_future_state(z), RASK_CANCELLED);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z)));
}

static void numbers(void) {
    CHECK_EQ(RASK_PENDING, 0);
    CHECK_EQ(RASK_RUNNING, 1);
    CHECK_EQ(RASK_FINISHED, 2);
    CHECK_EQ(RASK_ERROR, 3);
    CHECK_EQ(RASK_CANCELLED, 4);
    CHECK_EQ(RASK_LOST, 5);
}

static void keys_are_unique(void) {
    enum { N = 500 };
    static rask_future f[N];
    for (int i = 0; i < N; i++) {
        f[i] = submit_named(client, i % 2 ? "odd" : "even", inc, RASK_ARGS(7));
        CHECK(strncmp(rask_future_key(f[i]), i % 2 ? "odd-" : "even-", i % 2 ? 4 : 5) == 0);
        for (int k = 0; k < i; k++)
            CHECK(strcmp(rask_future_key(f[k]), rask_future_key(f[i])) != 0);
    }
    CHECK_OK(rask_release_all(f, N));
}

static void every_future_has_a_key(void) {
    rask_future f[] = {rask_submit(client, inc, RASK_ARGS(1)), rask_scatter(client, rask_i64(1)),
                       rask_submit(client, NULL, RASK_NO_ARGS), rask_submit(client, inc, RASK_ARGS(1))};
    for (int i = 0; i < 4; i++) {
        CHECK(rask_future_key(f[i]) != NULL);
        CHECK(rask_future_key(f[i])[0] != 0);
    }
    CHECK(strcmp(rask_future_key(f[0]), rask_future_key(f[3])) != 0);
    CHECK_OK(rask_release_all(f, 4));
}

static void a_key_stays_what_it_is(void) {
    gate *g = gate_new();
    char before[256];
    rask_future f = rask_submit(client, held, RASK_ARGS(rask_pointer(g), 1));
    const char *borrowed = rask_future_key(f);
    snprintf(before, sizeof before, "%s", borrowed);
    gate_open(g);
    CHECK_I64(f, 1);
    rask_future c = rask_clone(f);
    CHECK_STR_EQ(borrowed, before);
    CHECK_STR_EQ(rask_future_key(f), before);
    CHECK_STR_EQ(rask_future_key(c), before);
    CHECK_OK(rask_release(f));
    CHECK_STR_EQ(rask_future_key(c), before);
    CHECK_OK(rask_release(c));
}

static void described_as(rask_future f, const char *state) {
    char text[1024], part[16];
    size_t length = rask_future_describe(f, text, sizeof text);
    CHECK(length > 0 && length < sizeof text);
    CHECK_EQ(strlen(text), length);
    CHECK_STR_CONTAINS(text, rask_future_key(f));
    CHECK_STR_CONTAINS(text, state);
    for (size_t size = 1; size < sizeof part; size++) { /* like snprintf */
        memset(part, '?', sizeof part);
        CHECK_EQ(rask_future_describe(f, part, size), length);
        size_t fits = length < size - 1 ? length : size - 1;
        CHECK_EQ(strlen(part), fits);
        CHECK(strncmp(part, text, fits) == 0);
        for (size_t i = size; i < sizeof part; i++)
            CHECK_EQ(part[i], '?');
    }
    CHECK_EQ(rask_future_describe(f, NULL, 0), length);
}

static void descriptions(void) {
    gate *g = gate_new();
    rask_future x = submit_named(client, "described", held, RASK_ARGS(rask_pointer(g), 1));
    rask_future y = rask_submit(client, inc, RASK_ARGS(x)), z = rask_submit(client, inc, RASK_ARGS(x));
    rask_future e = rask_submit(client, NULL, RASK_NO_ARGS);
    GATE_REACHED(g, 1);
    CHECK_OK(rask_cancel(z, NULL));
    described_as(x, "running");
    described_as(y, "pending");
    described_as(z, "cancelled");
    described_as(e, "error");
    gate_open(g);
    CHECK_I64(y, 2);
    described_as(x, "finished");
    described_as(y, "finished");
    CHECK_OK(rask_release_all(RASK_FUTURES(x, y, z, e)));
}

static void a_description_is_one_line(void) {
    rask_future f = submit_named(client, "two\nlines\x1b[1m", fail, RASK_ARGS(1, "and\r\nmore"));
    CHECK_FAILS(f, RASK_E_TASK);
    char text[200];
    size_t size = rask_future_describe(f, text, sizeof text);
    CHECK_EQ(strlen(text), size);
    for (size_t i = 0; i < size; i++)
        CHECK(!iscntrl((unsigned char)text[i]));
    CHECK_STR_CONTAINS(text, "and  more");
    CHECK_OK(rask_release(f));
}

static void describing_into_nothing(void) {
    rask_future f = rask_scatter(client, rask_i64(1));
    char text[64];
    (void)rask_future_describe(f, NULL, 64);
    (void)rask_future_describe((rask_future){0}, text, sizeof text);
    (void)rask_future_describe((rask_future){99}, NULL, 0);
    CHECK_I64(f, 1);
    CHECK_OK(rask_release(f));
}

static void fired_and_forgotten(void) {
    gate *g = gate_new();
    atomic_int runs = 0;
    rask_future x = submit_held(client, g, 1);
    rask_future f = rask_submit(client, count, RASK_ARGS(rask_pointer(&runs), rask_take(x)));
    CHECK_OK(rask_fire_and_forget(f));
    CHECK_STATUS(rask_future_state(f), RASK_E_HANDLE);
    CHECK_EQ(atomic_load(&runs), 0);
    gate_open(g);
    EVENTUALLY(atomic_load(&runs) == 1);
}

static void a_clone_of_what_is_fired_and_forgotten(void) {
    gate *g = gate_new();
    rask_future f = submit_held(client, g, 5), c = rask_clone(f);
    CHECK_OK(rask_fire_and_forget(f));
    gate_open(g);
    CHECK_I64(c, 5);
    CHECK_OK(rask_release(c));
}

static void what_is_done_can_be_forgotten(void) {
    rask_future f = rask_scatter(client, rask_i64(1)), e = rask_submit(client, NULL, RASK_NO_ARGS);
    CHECK_OK(rask_fire_and_forget(f));
    CHECK_OK(rask_fire_and_forget(e));
    CHECK_STATUS(rask_release(f), RASK_E_HANDLE);
    CHECK_STATUS(rask_release(e), RASK_E_HANDLE);
    CHECK_EQ(rask_live_handles(), 1);
}

int main(void) {
    RUN_WITH(2, from_pending_to_finished);
    RUN_WITH(1, queued_is_pending);
    RUN_WITH(2, to_error_and_cancelled);
    RUN(numbers);
    RUN_WITH(2, keys_are_unique);
    RUN_WITH(2, every_future_has_a_key);
    RUN_WITH(2, a_key_stays_what_it_is);
    RUN_WITH(2, descriptions);
    RUN_WITH(2, a_description_is_one_line);
    RUN_WITH(2, describing_into_nothing);
    RUN_WITH(2, fired_and_forgotten);
    RUN_WITH(2, a_clone_of_what_is_fired_and_forgotten);
    RUN_WITH(2, what_is_done_can_be_forgotten);
    return 0;
}
