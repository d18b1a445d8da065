/* What a client tells about itself. Figures may lag behind for a moment: each is given time to become right.
 */
#include "check.h"

static rask_client_stats look(void) {
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    CHECK_OK(rask_client_get_stats(client, &stats));
    CHECK_EQ(stats.struct_size, sizeof stats);
    return stats;
}

static void workers(void) {
    CHECK_EQ(look().n_workers, 3);
    CHECK_EQ(look().n_running, 0);
    CHECK_EQ(look().n_pending, 0);
}

static void a_fresh_client_has_done_nothing(void) {
    rask_client_stats stats = look();
    CHECK_EQ(stats.n_submitted, 0);
    CHECK_EQ(stats.n_executed, 0);
    CHECK_EQ(stats.n_retried, 0);
    CHECK_EQ(stats.live_futures, 0);
}

static void submitted_and_executed(void) {
    rask_future f[10];
    for (int i = 0; i < 10; i++)
        f[i] = rask_submit(client, inc, RASK_ARGS(i));
    CHECK_EQ(look().n_submitted, 10);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(look().n_executed == 10);
    EVENTUALLY(look().n_finished == 10);
    CHECK_EQ(look().live_futures, 10);
    CHECK_EQ(look().n_retried, 0);
    CHECK_OK(rask_release_all(f, 10));
    EVENTUALLY(look().live_futures == 0);
    CHECK_EQ(look().n_submitted, 10);
    CHECK_EQ(look().n_executed, 10);
}

static void pending_and_running(void) {
    gate *g = gate_new();
    rask_future x[2], f[5];
    for (int i = 0; i < 2; i++)
        x[i] = submit_held(client, g, i);
    GATE_REACHED(g, 2);
    for (int i = 0; i < 5; i++)
        f[i] = i % 2 ? rask_submit(client, inc, RASK_ARGS(x[0])) : rask_submit(client, inc, RASK_ARGS(i));
    EVENTUALLY(look().n_running == 2);
    EVENTUALLY(look().n_pending == 5);
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(look().n_running == 0);
    EVENTUALLY(look().n_pending == 0);
    EVENTUALLY(look().n_finished == 7);
    CHECK_OK(rask_release_all(f, 5));
    CHECK_OK(rask_release_all(x, 2));
}

static void errors_and_cancelled(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f[6];
    for (int i = 0; i < 3; i++) {
        f[i] = rask_submit(client, fail, RASK_ARGS(i, "no"));
        f[3 + i] = rask_submit(client, inc, RASK_ARGS(x));
    }
    for (int i = 3; i < 5; i++)
        CHECK_OK(rask_cancel(f[i], NULL));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(look().n_error == 3);
    EVENTUALLY(look().n_cancelled == 2);
    EVENTUALLY(look().n_finished == 2);
    CHECK_OK(rask_release_all(f, 6));
    CHECK_OK(rask_release(x));
}

static void what_was_cancelled_is_not_executed(void) {
    gate *g = gate_new();
    rask_future x = submit_held(client, g, 1), f = rask_submit(client, inc, RASK_ARGS(x));
    CHECK_OK(rask_cancel(f, NULL));
    gate_open(g);
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(look().n_executed == 1);
    sleep_us(2000);
    CHECK_EQ(look().n_executed, 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(x, f)));
}

static size_t told_size(const void *object) {
    (void)object;
    return 1000000;
}

static void bytes_held(void) {
    static const rask_type sized = {sizeof(rask_type), "sized", probe_destroy, told_size, NULL, NULL};
    size_t size = 1 << 20;
    probe p = {0};
    char *data = calloc(1, size);
    CHECK(data != NULL);
    uint64_t before = look().nbytes;
    rask_future bytes = rask_scatter(client, rask_bytes(data, size));
    EVENTUALLY(look().nbytes >= before + size);
    rask_future object = rask_scatter(client, rask_object(&p, &sized));
    EVENTUALLY(look().nbytes >= before + size + 1000000);
    CHECK_OK(rask_release(bytes));
    EVENTUALLY(look().nbytes < before + size);
    CHECK(look().nbytes >= before + 1000000);
    CHECK_OK(rask_release(object));
    EVENTUALLY(look().nbytes <= before);
    free(data);
}

static void clones_are_no_futures(void) {
    rask_future f = rask_scatter(client, rask_i64(1)), c = rask_clone(f);
    EVENTUALLY(look().live_futures == 1);
    CHECK_OK(rask_release(f));
    CHECK_EQ(look().live_futures, 1);
    CHECK_OK(rask_release(c));
    EVENTUALLY(look().live_futures == 0);
}

static void each_client_counts_for_itself(void) {
    rask_client other = open_workers(1);
    rask_future f = rask_submit(other, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_EQ(look().n_submitted, 0);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(other));
}

int main(void) {
    RUN_WITH(3, workers);
    RUN_WITH(2, a_fresh_client_has_done_nothing);
    RUN_WITH(2, submitted_and_executed);
    RUN_WITH(2, pending_and_running);
    RUN_WITH(2, errors_and_cancelled);
    RUN_WITH(2, what_was_cancelled_is_not_executed);
    RUN_WITH(2, bytes_held);
    RUN_WITH(2, clones_are_no_futures);
    RUN_WITH(2, each_client_counts_for_itself);
    return 0;
}
