/* Tokens of a lane: each ends once, with the result of its task or among the dropped ones. */
#include "lanes.h"

static void a_token_ends_with_the_result_of_its_task(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    rask_arg items[5];
    rask_future f[5];
    for (int i = 0; i < 5; i++)
        items[i] = rask_lane_token(lane, i);
    CHECK_OK(rask_map(client, nothing, items, 5, &options, f));
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(dropped_tokens(lane), 0);
        rask_lane_task task = pull_one(lane);
        CHECK_EQ(task.word, i);
        rask_lane_result result = {task.id, rask_i64(i), i == 3 ? "no" : NULL, 0, true};
        if (i == 4)
            CHECK_OK(rask_cancel(f[i], NULL));
        size_t n;
        CHECK_OK(rask_lane_exchange(lane, &result, 1, NULL, 0, 0, &n));
        CHECK_EQ(result.token_ended, i < 3); /* the others may be retried */
    }
    CHECK_EQ(dropped_tokens(lane), 0);
    CHECK_OK(rask_release_all(f, 5));
    CHECK_EQ(dropped_tokens(lane), 1 << 3 | 1 << 4);
    /* No token, one that lies elsewhere, and what is not out. */
    rask_future x = rask_scatter(client, rask_i64(1));
    f[0] = submit_to(lane, nothing, RASK_ARGS(7));
    f[1] = submit_to(lane, nothing, RASK_ARGS(rask_lane_token(lane, 5), x, x, x, x, x, x, x));
    rask_lane_result others[3] = {{pull_one(lane).id, rask_none(), NULL, 0, true},
                                  {pull_one(lane).id, rask_none(), NULL, 0, true},
                                  {77, rask_none(), NULL, 0, true}};
    size_t n;
    CHECK_STATUS(rask_lane_exchange(lane, others, 3, NULL, 0, 0, &n), RASK_E_HANDLE);
    CHECK(!others[0].token_ended && !others[1].token_ended && !others[2].token_ended);
    CHECK_EQ(dropped_tokens(lane), 1 << 5);
    CHECK_OK(rask_release_all(RASK_FUTURES(f[0], f[1], x)));
    CHECK_OK(rask_lane_close(lane));
}

static void run_by_this_thread(rask_task *t) { rask_return_i64(t, 1); }

static void tokens_end_on_every_path(void) {
    rask_lane lane = open_lane(), other = open_lane();
    rask_submit_options options = on_lane(lane);
    rask_future x = rask_scatter(client, rask_i64(1)), dead = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(dead));
#define TOKEN(n) rask_lane_token(lane, n)
    /* Wrong in itself. */
    CHECK_OK(rask_release(submit_to(lane, NULL, RASK_ARGS(TOKEN(1)))));
    CHECK_OK(rask_release(submit_to(lane, nothing, RASK_ARGS(TOKEN(2), dead))));
    CHECK_OK(rask_release(submit_to(lane, nothing, RASK_ARGS(TOKEN(3), x, dead))));
    options.flags = 77;
    CHECK_OK(rask_release(rask_submit_with(client, nothing, RASK_ARGS(TOKEN(4)), &options)));
    CHECK_EQ(rask_submit((rask_client){0}, nothing, RASK_ARGS(TOKEN(5))).id, 0);
    CHECK_OK(rask_release(rask_scatter(client, rask_lane_token((rask_lane){0}, 6)))); /* nobody's */
    CHECK_EQ(dropped_tokens(lane), 0x3e);
    /* In other places: an object without use. */
    CHECK_OK(rask_release(rask_scatter(client, TOKEN(1))));
    rask_future f[6];
    f[0] = rask_submit(client, nothing, RASK_ARGS(TOKEN(2)));
    f[1] = submit_to(other, run_by_this_thread, RASK_ARGS(TOKEN(3)));
    f[2] = submit_to(lane, run_by_this_thread, RASK_ARGS("text", TOKEN(4)));
    f[3] = submit_to(lane, run_by_this_thread, RASK_ARGS(rask_list((rask_arg[]){TOKEN(5), TOKEN(6)}, 2)));
    f[4] = submit_to(lane, run_by_this_thread, RASK_ARGS(TOKEN(7), "text"));
    f[5] = submit_to(lane, run_by_this_thread, RASK_ARGS(TOKEN(8), x, x, x, x, x));
    CHECK_OK(rask_wait(f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    EVENTUALLY(stats_of(client).n_running == 0);
    CHECK_EQ(dropped_tokens(lane), 0x6);
    CHECK_EQ(run_ready(other), 1);
    CHECK_EQ(dropped_tokens(lane), 0x8);
    CHECK_EQ(run_ready(lane), 4);
    CHECK_EQ(dropped_tokens(lane), 0x1f0);
    CHECK_OK(rask_release_all(f, 6));
    /* Never run. */
    CHECK_OK(rask_release(submit_to(lane, nothing, RASK_ARGS(TOKEN(9)))));
    CHECK_EQ(dropped_tokens(lane), 0x200);
    f[0] = submit_to(lane, nothing, RASK_ARGS(TOKEN(10)));
    CHECK_OK(rask_cancel(f[0], NULL));
    CHECK_EQ(dropped_tokens(lane), 0); /* it may be retried */
    CHECK_OK(rask_release(f[0]));
    CHECK_EQ(dropped_tokens(lane), 0x400);
    /* An input fails. */
    f[0] = rask_submit(client, fail, RASK_ARGS(1, "no"));
    f[1] = submit_to(lane, nothing, RASK_ARGS(TOKEN(11), f[0]));
    CHECK_FAILS(f[1], RASK_E_TASK);
    CHECK_EQ(dropped_tokens(lane), 0);
    CHECK_OK(rask_release_all(f, 2));
    CHECK_EQ(dropped_tokens(lane), 0x800);
    /* The key is held: by the same, which a token never is. */
    options = on_lane(lane);
    options.key = "k";
    f[0] = rask_submit_with(client, nothing, RASK_ARGS(TOKEN(12)), &options);
    f[1] = rask_submit_with(client, nothing, RASK_ARGS(TOKEN(13)), &options);
    CHECK_FAILS(f[1], RASK_E_EXISTS);
    CHECK_EQ(dropped_tokens(lane), 0x2000);
    CHECK_OK(rask_release_all(f, 2));
    CHECK_EQ(dropped_tokens(lane), 0x1000);
    /* A returned future is waited for, not run again. */
    f[0] = submit_to(lane, nothing, RASK_ARGS(TOKEN(14)));
    CHECK_OK(give(lane, pull_one(lane).id, rask_of(x)));
    CHECK_EQ(dropped_tokens(lane), 0x4000);
    CHECK_OK(rask_release(f[0]));
    CHECK_EQ(run_ready(lane), 0);
    CHECK_OK(rask_release(x));
    CHECK_OK(rask_lane_close(lane));
    CHECK_OK(rask_lane_close(other));
}

static void tokens_of_lazy_graphs(void) {
    rask_lane lane = open_lane();
    rask_submit_options options = on_lane(lane);
    rask_delayed x = rask_delayed_call(run_by_this_thread, RASK_ARGS(TOKEN(1)), &options);
    for (int round = 0; round < 3; round++) {
        rask_future f = rask_compute(client, x);
        rask_lane_task task = pull_one(lane);
        CHECK_EQ(task.word, 1);
        CHECK_OK(give(lane, task.id, rask_i64(1)));
        CHECK_I64(f, 1);
        CHECK_OK(rask_release(f));
        CHECK_EQ(dropped_tokens(lane), 0);
    }
    CHECK_OK(rask_delayed_release(x));
    CHECK_EQ(dropped_tokens(lane), 2);
    CHECK_OK(rask_lane_close(lane));
}

static void *release_soon(void *future) {
    sleep_us(3000);
    CHECK_OK(rask_release(*(rask_future *)future));
    return NULL;
}

static void a_waiting_exchange_hears_of_tokens(void) {
    rask_lane lane = open_lane();
    rask_future x = rask_submit(client, nothing, RASK_NO_ARGS);
    rask_future f = submit_to(lane, nothing, RASK_ARGS(TOKEN(5)));
    CHECK_OK(rask_cancel(f, NULL));
    none_ready(lane);
    pthread_t thread = start_thread(release_soon, &f);
    rask_lane_task task;
    size_t n = 9;
    CHECK_OK(rask_lane_exchange(lane, NULL, 0, &task, 1, LONG_NS, &n));
    CHECK_EQ(n, 0);
    CHECK_EQ(dropped_tokens(lane), 0x20);
    join_thread(thread);
    CHECK_OK(rask_release(x));
    CHECK_OK(rask_lane_close(lane));
}

static void check_file(const char *path, const char *part) {
    static char text[1 << 16];
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    CHECK_STR_CONTAINS(text, part);
    CHECK_EQ(remove(path), 0);
}

static void seen_in_traces_and_dumps(void) {
    rask_lane lane = open_lane();
    char path[64];
    snprintf(path, sizeof path, "/tmp/rask-lane-%d", (int)getpid());
    CHECK_OK(rask_trace_start(client, path));
    rask_future f = submit_to(lane, nothing, RASK_NO_ARGS), g = submit_to(lane, nothing, RASK_NO_ARGS);
    rask_lane_task a = pull_one(lane), b = pull_one(lane);
    CHECK_OK(give(lane, a.id, rask_i64(1)));
    CHECK_OK(give(lane, b.id, rask_i64(1)));
    CHECK_OK(rask_trace_stop(client));
    check_file(path, "\"ph\":\"b\""); /* asynchronous: both were out at a time */
    rask_future h = submit_to(lane, nothing, RASK_NO_ARGS);
    CHECK_OK(rask_client_dump(client, path));
    check_file(path, "\"lane\": \"test\"");
    CHECK_EQ(run_ready(lane), 1);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g, h)));
    CHECK_OK(rask_lane_close(lane));
}

int main(void) {
    RUN_WITH(1, seen_in_traces_and_dumps);
    RUN_WITH(1, a_token_ends_with_the_result_of_its_task);
    RUN_WITH(2, tokens_end_on_every_path);
    RUN_WITH(1, tokens_of_lazy_graphs);
    RUN_WITH(1, a_waiting_exchange_hears_of_tokens);
    return 0;
}
