/* What ordinary programs write. Compiled by tests/header.rs, with all warnings as errors. */
#include <rask.h>
#include <stdio.h>
#include <stdlib.h>

struct thing {
    int x;
};

static void thing_destroy(void *object) { free(object); }
static size_t thing_nbytes(const void *object) { return sizeof(*(const struct thing *)object); }
static rask_status thing_encode(const void *object, rask_bytes_out *out) {
    return rask_bytes_write(out, object, sizeof(struct thing));
}
static const rask_type thing_type = {.struct_size = sizeof(rask_type),
                                     .name = "thing",
                                     .destroy = thing_destroy,
                                     .nbytes = thing_nbytes,
                                     .encode = thing_encode};

static void add(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + rask_arg_i64(t, 1)); }

static void each_kind(rask_client client, rask_future x, const struct thing *thing, void *anything) {
    const rask_future constant = x;
    char text[] = "text";
    const char *const literal = "literal";
    bool yes = true;
    size_t size = sizeof text;
    uint8_t byte = 1;
    float single = 1.5f;
    const int number = 3;
    rask_delayed part = rask_delayed_call(add, RASK_ARGS(1, x), NULL);
    const rask_delayed lazy =
        rask_delayed_call(add, RASK_ARGS(part, rask_list(RASK_ARGS(part, rask_lazy(part)))), NULL);
    volatile int changing = 4;
    int numbers[4] = {1, 2, 3, 4};
    rask_future futures[] = {
        rask_submit(client, add, RASK_ARGS(1)),
        rask_submit(client, add, RASK_ARGS(1, 2.5, "text", x, rask_take(x), constant)),
        rask_submit(client, add,
                    RASK_ARGS(text, literal, yes, size, byte, single, number, changing, numbers)),
        rask_submit(client, add, RASK_ARGS('c', 1u, 1l, 1ul, 1ll, 1ull, (short)1, (unsigned short)1)),
        rask_submit(client, add, RASK_ARGS(thing, anything, &numbers[1], &x, NULL, (void *)text)),
        rask_submit(client, add, RASK_ARGS(rask_list(RASK_ARGS(1, rask_list(RASK_ARGS(2, x)))), 3)),
        rask_submit(client, add, RASK_ARGS(rask_list_of(RASK_FUTURES(x, constant)), rask_none())),
        rask_submit(client, add,
                    RASK_ARGS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                              23, 24, 25, 26, 27, 28, 29, 30, 31, 32)),
        rask_submit(client, add, RASK_NO_ARGS),
        rask_scatter(client, RASK_ARG("text")),
        rask_compute(client, lazy),
        rask_clone(x),
    };
    rask_release_all(futures, sizeof futures / sizeof *futures);
    rask_future both[2];
    rask_compute_all(client, (const rask_delayed[]){part, lazy}, 2, both);
    rask_release_all(both, 2);
    rask_delayed_release(part);
    rask_delayed_release(lazy);
}

int use_rask(void);
int use_rask(void) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = 4;
    rask_client client = rask_client_open(&options);
    rask_submit_options named = RASK_SUBMIT_OPTIONS_INIT;
    named.name = "add";
    rask_future x = rask_submit_with(client, add, RASK_ARGS(1, 2), &named);
    rask_future y =
        rask_submit_with(client, add, RASK_ARGS(x, 2), &(rask_submit_options){.struct_size = sizeof named});
    struct thing *thing = calloc(1, sizeof *thing);
    rask_future z = rask_submit(client, add, RASK_ARGS(rask_object(thing, &thing_type), y));
    each_kind(client, x, thing, &options);
    int64_t sum;
    if (rask_result_i64(y, &sum) != RASK_OK)
        fprintf(stderr, "%s\n", rask_last_error());
    const rask_value *values[2];
    rask_status statuses[2];
    bool done[3];
    rask_wait(RASK_FUTURES(x, y, z), RASK_ALL_COMPLETED, RASK_FOREVER, done);
    rask_gather(RASK_FUTURES(x, y), 1000000, values, statuses);
    rask_error error = RASK_ERROR_INIT;
    rask_future_error(z, &error);
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    rask_client_get_stats(client, &stats);
    rask_fire_and_forget(rask_submit(client, add, RASK_ARGS(x, y)));
    rask_release_all(RASK_FUTURES(x, y, z));
    rask_client_close(client);
    return rask_live_handles() == 0 ? 0 : 1;
}
