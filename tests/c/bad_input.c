/* Bad input of every other kind: NULL, counts, sizes, numbers that are unknown. Each is answered by its
 * status. */
#include "check.h"

/* ---- NULL, counts, unknown numbers ---- */

static void null_pointers_with_and_without_a_count(void) {
    rask_future f = rask_submit(client, nothing, NULL, 0);
    CHECK_OK(rask_result(f, LONG_NS, &(const rask_value *){NULL}));
    CHECK_OK(rask_release(f));
    f = rask_submit(client, nothing, NULL, 3);
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    f = rask_submit(client, nothing, NULL, SIZE_MAX);
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_release_all(NULL, 0));
    CHECK_STATUS(rask_release_all(NULL, 3), RASK_E_INVALID);
    CHECK_OK(rask_wait(NULL, 0, RASK_ALL_COMPLETED, 0, NULL));
    bool done[3] = {true, true, true};
    CHECK_STATUS(rask_wait(NULL, 3, RASK_ALL_COMPLETED, 0, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_wait(NULL, 3, RASK_ALL_COMPLETED, 0, done), RASK_E_INVALID);
    CHECK(!done[0] && !done[1] && !done[2]);
    const rask_value *values[3] = {NULL, NULL, NULL};
    CHECK_OK(rask_gather(NULL, 0, 0, values, NULL));
    CHECK_STATUS(rask_gather(NULL, 3, 0, values, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_progress(NULL, 3, "label"), RASK_E_INVALID);
    rask_future out[1] = {{77}};
    CHECK_OK(rask_map(client, nothing, NULL, 0, NULL, out));
    CHECK_EQ(out[0].id, 77);
    rask_arg item = rask_i64(1);
    CHECK_STATUS(rask_map(client, nothing, &item, 1, NULL, NULL), RASK_E_INVALID);
}

/* None of them is looked at. */
static void more_arguments_than_there_may_be(void) {
    static const size_t counts[] = {(1u << 24) + 1, INT32_MAX, UINT32_MAX, SIZE_MAX / 64, SIZE_MAX};
    rask_arg one = rask_i64(1);
    rask_future x = rask_scatter(client, one);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        rask_future f[] = {rask_submit(client, nothing, &one, counts[i]),
                           rask_submit_with(client, nothing, &one, counts[i], NULL),
                           rask_submit(client, nothing, RASK_ARGS(rask_list(&one, counts[i]))),
                           rask_submit(client, nothing, RASK_ARGS(rask_list_of(&x, counts[i]))),
                           {0}};
        rask_delayed d = rask_delayed_call(nothing, &one, counts[i], NULL);
        f[4] = rask_compute(client, d);
        for (size_t k = 0; k < sizeof f / sizeof *f; k++)
            CHECK_FAILS(f[k], RASK_E_INVALID);
        CHECK_OK(rask_release_all(f, sizeof f / sizeof *f));
        CHECK_OK(rask_delayed_release(d));
    }
    CHECK_OK(rask_release(x));
}

static void null_outputs(void) {
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    const void *data = NULL;
    size_t size = 0;
    CHECK_I64(f, 2);
    CHECK_STATUS(rask_result(f, LONG_NS, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_result_i64(f, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_result_f64(f, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_result_bytes(f, NULL, &size), RASK_E_INVALID);
    CHECK_STATUS(rask_result_bytes(f, &data, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_future_error(f, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_client_get_stats(client, NULL), RASK_E_INVALID);
    CHECK_OK(rask_release(f));
}

static void unknown_conditions(void) {
    static const int32_t unknown[] = {-1, 3, 99, INT32_MAX, INT32_MIN};
    rask_future f = rask_scatter(client, rask_i64(1));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CHECK_STATUS(rask_wait(&f, 1, unknown[i], 0, NULL), RASK_E_INVALID);
        CHECK_STATUS(rask_wait(NULL, 0, unknown[i], 0, NULL), RASK_E_INVALID);
    }
    CHECK_OK(rask_release(f));
}

static void negative_timeouts(void) {
    static const int64_t wrong[] = {-2, -1000, INT64_MIN};
    rask_future f = rask_scatter(client, rask_i64(1));
    const rask_value *value = NULL;
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(rask_result(f, wrong[i], &value), RASK_E_INVALID);
        CHECK(value == NULL);
        CHECK_STATUS(rask_wait(&f, 1, RASK_ALL_COMPLETED, wrong[i], NULL), RASK_E_INVALID);
        CHECK_STATUS(rask_gather(&f, 1, wrong[i], &value, NULL), RASK_E_INVALID);
        CHECK_STATUS(rask_client_wait(client, wrong[i]), RASK_E_INVALID);
    }
    CHECK_OK(rask_result(f, RASK_FOREVER, &value));
    CHECK_OK(rask_release(f));
}

static void enormous_timeouts(void) {
    static const int64_t enormous[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2};
    for (int i = 0; i < 3; i++) {
        gate *g = gate_new();
        rask_future f = submit_held(client, g, 1);
        const rask_value *value = NULL;
        pthread_t opener = start_thread(open_soon, g);
        CHECK_OK(rask_result(f, enormous[i], &value));
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, enormous[i], NULL));
        CHECK_OK(rask_client_wait(client, enormous[i]));
        join_thread(opener);
        CHECK_OK(rask_release(f));
    }
}

/* ---- options ---- */

static void refused(const rask_client_options *options) {
    CHECK_EQ(rask_client_open(options).id, 0);
    CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
    CHECK(rask_last_error()[0] != 0);
}

static void wrong_client_options(void) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = 1;
    options.struct_size = 0;
    refused(&options);
    options.struct_size = sizeof(size_t);
    refused(&options);
    options.struct_size = sizeof options - 1;
    refused(&options);
    /* As it was first agreed on; of what follows, nothing is read. */
    options.struct_size = offsetof(rask_client_options, max_spares);
    options.max_spares = UINT32_MAX;
    rask_client old = rask_client_open(&options);
    CHECK(old.id != 0);
    CHECK_OK(rask_client_close(old));
    options.max_spares = 0;
    options.struct_size = sizeof options;
    options.flags = 1u << 31;
    refused(&options);
    options.flags = 0;
    options.n_workers = UINT32_MAX;
    refused(&options);
    options.n_workers = 1;
    options.stack_size = SIZE_MAX;
    refused(&options);
    options.stack_size = SIZE_MAX / 2 + 1;
    refused(&options);
    options.stack_size = 0;
    rask_client fine = rask_client_open(&options);
    CHECK(fine.id != 0);
    CHECK_OK(rask_client_close(fine));
}

static void client_options_of_a_later_version(void) {
    struct {
        rask_client_options options;
        unsigned char tail[64];
    } later = {.options = RASK_CLIENT_OPTIONS_INIT};
    later.options.n_workers = 1;
    later.options.struct_size = sizeof later;
    rask_client fine = rask_client_open(&later.options); /* what it does not know is zero */
    CHECK(fine.id != 0);
    CHECK_OK(rask_client_close(fine));
    later.tail[63] = 1;
    refused(&later.options);
}

static void wrong_submit_options(void) {
    struct {
        rask_submit_options options;
        unsigned char tail[64];
    } later = {.options = RASK_SUBMIT_OPTIONS_INIT};
    rask_future f = rask_submit_with(client, inc, RASK_ARGS(1), NULL);
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    later.options.struct_size = sizeof later;
    f = rask_submit_with(client, inc, RASK_ARGS(1), &later.options);
    CHECK_I64(f, 2);
    CHECK_OK(rask_release(f));
    later.tail[5] = 1;
    f = rask_submit_with(client, inc, RASK_ARGS(1), &later.options);
    CHECK_FAILS(f, RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    static const size_t too_small[] = {0, sizeof(size_t), sizeof options - 1};
    for (size_t i = 0; i < sizeof too_small / sizeof *too_small; i++) {
        options.struct_size = too_small[i];
        f = rask_submit_with(client, inc, RASK_ARGS(1), &options);
        CHECK_FAILS(f, RASK_E_INVALID);
        CHECK_OK(rask_release(f));
    }
    options = (rask_submit_options)RASK_SUBMIT_OPTIONS_INIT;
    options.flags = 1u << 31;
    f = rask_submit_with(client, inc, RASK_ARGS(1), &options);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    CHECK_EQ(rask_future_state(f), RASK_ERROR); /* refused; as invalid or as not supported (yet) */
    CHECK(ERROR_OF(f).status == RASK_E_INVALID || ERROR_OF(f).status == RASK_E_UNSUPPORTED);
    CHECK_OK(rask_release(f));
}

static void wrong_output_sizes(void) {
    rask_future f = rask_scatter(client, rask_i64(1));
    rask_error error = RASK_ERROR_INIT;
    error.struct_size = 0;
    CHECK_STATUS(rask_future_error(f, &error), RASK_E_INVALID);
    error.struct_size = sizeof(size_t);
    CHECK_STATUS(rask_future_error(f, &error), RASK_E_INVALID);
    error.struct_size = sizeof error - 1;
    CHECK_STATUS(rask_future_error(f, &error), RASK_E_INVALID);
    rask_client_stats stats = RASK_CLIENT_STATS_INIT;
    stats.struct_size = sizeof stats - 1;
    CHECK_STATUS(rask_client_get_stats(client, &stats), RASK_E_INVALID);
    stats.struct_size = 0;
    CHECK_STATUS(rask_client_get_stats(client, &stats), RASK_E_INVALID);
    stats.struct_size = sizeof(size_t);
    CHECK_STATUS(rask_client_get_stats(client, &stats), RASK_E_INVALID);
    struct {
        rask_error error;
        unsigned char tail[64];
    } later = {.error = RASK_ERROR_INIT};
    later.error.struct_size = sizeof later;
    CHECK_OK(rask_future_error(f, &later.error));
    later.error.struct_size = sizeof later;
    later.tail[0] = 1;
    CHECK_STATUS(rask_future_error(f, &later.error), RASK_E_INVALID);
    CHECK_OK(rask_release(f));
}

static void names_of_every_size(void) {
    char *name = malloc(100001);
    CHECK(name != NULL);
    memset(name, 'n', 100000);
    name[100000] = 0;
    static const size_t sizes[] = {0, 1, 15, 16, 64, 1000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
        options.n_workers = 1;
        options.name = name + 100000 - sizes[i];
        rask_client other = rask_client_open(&options); /* opened or refused, and no harm done */
        if (other.id)
            CHECK_OK(rask_client_close(other));
        rask_future f = submit_named(client, name + 100000 - sizes[i], inc, RASK_ARGS(1));
        CHECK(f.id != 0);
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_release(f));
    }
    free(name);
}

int main(void) {
    RUN_WITH(2, null_pointers_with_and_without_a_count);
    RUN_WITH(2, more_arguments_than_there_may_be);
    RUN_WITH(2, null_outputs);
    RUN_WITH(2, unknown_conditions);
    RUN_WITH(2, negative_timeouts);
    RUN_WITH(2, enormous_timeouts);
    RUN_WITH(2, wrong_client_options);
    RUN_WITH(2, client_options_of_a_later_version);
    RUN_WITH(2, wrong_submit_options);
    RUN_WITH(2, wrong_output_sizes);
    RUN_WITH(2, names_of_every_size);
    return 0;
}
