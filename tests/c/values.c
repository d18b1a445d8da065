/* Version, status, last error, and every kind of value as the result of a future. */
#include "check.h"
#include <math.h>

static void version_is_the_headers(void) {
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", RASK_VERSION_MAJOR, RASK_VERSION_MINOR, RASK_VERSION_PATCH);
    CHECK_STR_EQ(rask_version_string(), text);
    CHECK_EQ(rask_version(), RASK_VERSION_MAJOR << 16 | RASK_VERSION_MINOR << 8 | RASK_VERSION_PATCH);
}

static void every_status_has_its_name(void) {
    static const struct {
        rask_status status, number;
        const char *name;
    } all[] = {
        {RASK_END, 1, "RASK_END"},
        {RASK_OK, 0, "RASK_OK"},
        {RASK_E_INVALID, -1, "RASK_E_INVALID"},
        {RASK_E_HANDLE, -2, "RASK_E_HANDLE"},
        {RASK_E_TYPE, -3, "RASK_E_TYPE"},
        {RASK_E_TIMEOUT, -4, "RASK_E_TIMEOUT"},
        {RASK_E_CANCELLED, -5, "RASK_E_CANCELLED"},
        {RASK_E_TASK, -6, "RASK_E_TASK"},
        {RASK_E_CLOSED, -7, "RASK_E_CLOSED"},
        {RASK_E_STATE, -8, "RASK_E_STATE"},
        {RASK_E_EXISTS, -9, "RASK_E_EXISTS"},
        {RASK_E_DEADLOCK, -10, "RASK_E_DEADLOCK"},
        {RASK_E_FORKED, -11, "RASK_E_FORKED"},
        {RASK_E_NOMEM, -12, "RASK_E_NOMEM"},
        {RASK_E_UNSUPPORTED, -13, "RASK_E_UNSUPPORTED"},
        {RASK_E_LOST, -14, "RASK_E_LOST"},
        {RASK_E_CONNECT, -15, "RASK_E_CONNECT"},
        {RASK_E_PANIC, -16, "RASK_E_PANIC"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_EQ(all[i].status, all[i].number);
        CHECK_STR_EQ(rask_status_name(all[i].status), all[i].name);
    }
}

static void unknown_statuses_do_no_harm(void) {
    static const rask_status strange[] = {2, -17, 1000, -1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        const char *name = rask_status_name(strange[i]);
        CHECK(!name || strncmp(name, "RASK_E_HANDLE", 14) != 0);
    }
}

static void last_error_tells_the_last_failure(void) {
    CHECK_STATUS(rask_release((rask_future){12345}), RASK_E_HANDLE);
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
    CHECK(rask_last_error() && rask_last_error()[0]);
    CHECK_STATUS(rask_wait(NULL, 0, 99, 0, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
    CHECK(rask_last_error() && rask_last_error()[0]);
}

static void last_error_outlives_success(void) {
    CHECK_STATUS(rask_release((rask_future){12345}), RASK_E_HANDLE);
    rask_future f = rask_scatter(client, rask_i64(1));
    CHECK_OK(rask_release(f));
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
}

static void *fails_elsewhere(void *unused) {
    (void)unused;
    CHECK_STATUS(rask_wait(NULL, 0, 99, 0, NULL), RASK_E_INVALID);
    CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
    return NULL;
}

static void last_error_is_per_thread(void) {
    CHECK_STATUS(rask_release((rask_future){12345}), RASK_E_HANDLE);
    const char *words = rask_last_error();
    char before[512];
    snprintf(before, sizeof before, "%s", words ? words : "");
    join_thread(start_thread(fails_elsewhere, NULL));
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
    CHECK_STR_CONTAINS(rask_last_error(), before);
}

static const rask_value *value_of(rask_future f) {
    const rask_value *value = NULL;
    CHECK(f.id != 0);
    CHECK_OK(rask_result(f, LONG_NS, &value));
    CHECK(value != NULL);
    return value;
}

/* Reads a value as every kind; only the reader of its own kind may succeed, and each writes its outputs. */
static void only_reads_as(const rask_value *value, rask_kind kind) {
    CHECK_EQ(rask_value_kind(value), kind);
    int64_t i = 77;
    if (kind != RASK_I64) {
        CHECK_STATUS(rask_value_i64(value, &i), RASK_E_TYPE);
        CHECK_EQ(i, 0);
    }
    if (kind != RASK_F64 && kind != RASK_I64) {
        double d = 77;
        CHECK_STATUS(rask_value_f64(value, &d), RASK_E_TYPE);
        CHECK(d == 0);
    }
    if (kind != RASK_BYTES) {
        const void *data = &i;
        size_t size = 77;
        CHECK_STATUS(rask_value_bytes(value, &data, &size), RASK_E_TYPE);
        CHECK(data == NULL);
        CHECK_EQ(size, 0);
    }
    if (kind != RASK_POINTER) {
        void *pointer = &i;
        CHECK_STATUS(rask_value_pointer(value, &pointer), RASK_E_TYPE);
        CHECK(pointer == NULL);
    }
    if (kind != RASK_OBJECT) {
        void *object = &i;
        CHECK_STATUS(rask_value_object(value, &probe_type, &object), RASK_E_TYPE);
        CHECK(object == NULL);
    }
    if (kind != RASK_LIST) {
        CHECK_EQ(rask_value_count(value), 0);
        CHECK(rask_value_at(value, 0) == NULL);
    }
}

static void none(void) {
    rask_future f = rask_submit(client, nothing, RASK_NO_ARGS);
    only_reads_as(value_of(f), RASK_NONE);
    CHECK_OK(rask_release(f));
    f = rask_scatter(client, rask_none());
    only_reads_as(value_of(f), RASK_NONE);
    CHECK_OK(rask_release(f));
}

static void integers(void) {
    static const int64_t numbers[] = {0, 1, -1, 42, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 1LL << 53};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        rask_future f = rask_submit(client, pass_on, RASK_ARGS(rask_i64(numbers[i])));
        CHECK_I64(f, numbers[i]);
        int64_t got = ~numbers[i];
        CHECK_OK(rask_result_i64(f, &got));
        CHECK_EQ(got, numbers[i]);
        only_reads_as(value_of(f), RASK_I64);
        CHECK_OK(rask_release(f));
    }
}

static void floats(void) {
    const double numbers[] = {0.0, -0.0, 1.5, -1e308, 5e-324, INFINITY, -INFINITY, NAN, 1.0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        rask_future f = rask_submit(client, pass_on, RASK_ARGS(rask_f64(numbers[i])));
        double got = 77, again = 77;
        CHECK_OK(rask_value_f64(value_of(f), &got));
        CHECK_OK(rask_result_f64(f, &again));
        CHECK(memcmp(&got, &numbers[i], sizeof got) == 0);
        CHECK(memcmp(&again, &numbers[i], sizeof again) == 0);
        only_reads_as(value_of(f), RASK_F64);
        CHECK_OK(rask_release(f));
    }
}

static void one_is_not_one_point_zero(void) {
    rask_future f = rask_scatter(client, rask_f64(1.0));
    int64_t got = 77;
    CHECK_STATUS(rask_result_i64(f, &got), RASK_E_TYPE);
    CHECK_EQ(got, 0);
    CHECK_OK(rask_release(f));
}

static void bytes_of_every_small_size(void) {
    char data[200];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7 + 1);
    for (size_t size = 0; size < sizeof data; size++) {
        rask_future f = rask_submit(client, pass_on, RASK_ARGS(rask_bytes(data, size)));
        const void *got = NULL;
        size_t got_size = ~size;
        CHECK_OK(rask_value_bytes(value_of(f), &got, &got_size));
        CHECK_EQ(got_size, size);
        CHECK(got != NULL && got != (const void *)data);
        CHECK(memcmp(got, data, size) == 0);
        CHECK_EQ(((const char *)got)[size], 0);
        got_size = ~size;
        CHECK_OK(rask_result_bytes(f, &got, &got_size));
        CHECK_EQ(got_size, size);
        CHECK(memcmp(got, data, size) == 0);
        only_reads_as(value_of(f), RASK_BYTES);
        CHECK_OK(rask_release(f));
    }
}

static void a_megabyte(void) {
    size_t size = 1 << 20;
    unsigned char *data = malloc(size);
    CHECK(data != NULL);
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(i * 31 >> 3);
    rask_future f = rask_scatter(client, rask_bytes(data, size));
    const void *got = NULL;
    size_t got_size = 0;
    CHECK_OK(rask_result_bytes(f, &got, &got_size));
    CHECK_EQ(got_size, size);
    CHECK(memcmp(got, data, size) == 0);
    CHECK_EQ(((const char *)got)[size], 0);
    CHECK(rask_value_nbytes(value_of(f)) >= size);
    CHECK_OK(rask_release(f));
    free(data);
}

static void no_bytes_at_all(void) {
    rask_future f = rask_scatter(client, rask_bytes(NULL, 0));
    const void *got = NULL;
    size_t size = 77;
    CHECK_OK(rask_result_bytes(f, &got, &size));
    CHECK_EQ(size, 0);
    CHECK(got != NULL);
    CHECK_EQ(*(const char *)got, 0);
    CHECK_OK(rask_release(f));
}

static void texts_are_bytes(void) {
    static const char *const texts[] = {"", "a", "fifteen letters", "exactly sixteen!",
                                        "æøå, longer than what is inline"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rask_future f = rask_scatter(client, rask_str(texts[i]));
        const void *got = NULL;
        size_t size = 77;
        CHECK_OK(rask_result_bytes(f, &got, &size));
        CHECK_EQ(size, strlen(texts[i]));
        CHECK_STR_EQ((const char *)got, texts[i]);
        only_reads_as(value_of(f), RASK_BYTES);
        CHECK_OK(rask_release(f));
    }
}

static void pointers(void) {
    int here;
    void *const all[] = {NULL, &here, (void *)(uintptr_t)1};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        rask_future f = rask_submit(client, pass_on, RASK_ARGS(rask_pointer(all[i])));
        void *got = &f;
        CHECK_OK(rask_value_pointer(value_of(f), &got));
        CHECK(got == all[i]);
        only_reads_as(value_of(f), RASK_POINTER);
        CHECK_OK(rask_release(f));
    }
}

static size_t probe_nbytes(const void *object) {
    (void)object;
    return 12345;
}

static void objects(void) {
    static const rask_type sized = {sizeof(rask_type), "sized", probe_destroy, probe_nbytes, NULL, NULL};
    probe p = {0};
    rask_future f = rask_scatter(client, rask_object(&p, &sized));
    const rask_value *value = value_of(f);
    void *got = NULL;
    CHECK_OK(rask_value_object(value, &sized, &got));
    CHECK(got == &p);
    CHECK_STATUS(rask_value_object(value, &probe_type, &got), RASK_E_TYPE);
    CHECK(got == NULL);
    CHECK(rask_value_nbytes(value) >= 12345);
    only_reads_as(value, RASK_OBJECT);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&p), 1);
}

static void lists(void) {
    rask_arg items[] = {rask_i64(7), rask_str("seven"), rask_f64(7.5)};
    rask_future f = rask_scatter(client, rask_list(items, 3));
    const rask_value *list = value_of(f);
    CHECK_EQ(rask_value_count(list), 3);
    int64_t i = 0;
    CHECK_OK(rask_value_i64(rask_value_at(list, 0), &i));
    CHECK_EQ(i, 7);
    only_reads_as(rask_value_at(list, 1), RASK_BYTES);
    only_reads_as(rask_value_at(list, 2), RASK_F64);
    CHECK(rask_value_at(list, 3) == NULL);
    CHECK(rask_value_at(list, SIZE_MAX) == NULL);
    only_reads_as(list, RASK_LIST);
    CHECK_OK(rask_release(f));
}

static void null_values_and_outputs(void) {
    int64_t i = 77;
    double d = 77;
    const void *data = &i;
    size_t size = 77;
    void *pointer = &i;
    CHECK(rask_value_i64(NULL, &i) < 0);
    CHECK_EQ(i, 0);
    CHECK(rask_value_f64(NULL, &d) < 0);
    CHECK(d == 0);
    CHECK(rask_value_bytes(NULL, &data, &size) < 0);
    CHECK(data == NULL && size == 0);
    CHECK(rask_value_pointer(NULL, &pointer) < 0);
    CHECK(pointer == NULL);
    pointer = &i;
    CHECK(rask_value_object(NULL, &probe_type, &pointer) < 0);
    CHECK(pointer == NULL);
    CHECK_EQ(rask_value_count(NULL), 0);
    CHECK(rask_value_at(NULL, 0) == NULL);
    (void)rask_value_kind(NULL);
    (void)rask_value_nbytes(NULL);

    rask_future f = rask_scatter(client, rask_i64(1));
    CHECK_STATUS(rask_value_i64(value_of(f), NULL), RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    f = rask_scatter(client, rask_f64(1));
    CHECK_STATUS(rask_value_f64(value_of(f), NULL), RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    f = rask_scatter(client, rask_pointer(NULL));
    CHECK_STATUS(rask_value_pointer(value_of(f), NULL), RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    probe p = {0};
    f = rask_scatter(client, rask_object(&p, &probe_type));
    CHECK_STATUS(rask_value_object(value_of(f), &probe_type, NULL), RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    CHECK_EQ(destroyed(&p), 1);
}

static void results_of_the_wrong_kind(void) {
    rask_future text = rask_scatter(client, rask_str("text"));
    int64_t i = 77;
    double d = 77;
    CHECK_STATUS(rask_result_i64(text, &i), RASK_E_TYPE);
    CHECK_EQ(i, 0);
    CHECK_STATUS(rask_result_f64(text, &d), RASK_E_TYPE);
    CHECK(d == 0);
    CHECK_EQ(rask_future_state(text), RASK_FINISHED);
    CHECK_OK(rask_release(text));
    rask_future number = rask_scatter(client, rask_i64(3));
    const void *data = &i;
    size_t size = 77;
    CHECK_STATUS(rask_result_bytes(number, &data, &size), RASK_E_TYPE);
    CHECK(data == NULL && size == 0);
    CHECK_OK(rask_release(number));
}

static void a_borrowed_value_stays_put(void) {
    rask_future f = rask_submit(client, pass_on, RASK_ARGS("a text that is too long to be stored inline"));
    const void *first = NULL, *second = NULL;
    size_t size = 0;
    CHECK_OK(rask_result_bytes(f, &first, &size));
    for (int i = 0; i < 1000; i++) {
        rask_future other = rask_submit(client, inc, RASK_ARGS(rask_take(rask_scatter(client, rask_i64(i)))));
        CHECK(other.id != 0);
        CHECK_I64(other, i + 1);
        CHECK_OK(rask_release(other));
        if (i == 0)
            CHECK_OK(rask_result_bytes(f, &second, &size));
    }
    CHECK_STR_EQ((const char *)first, "a text that is too long to be stored inline");
    CHECK_STR_EQ((const char *)second, "a text that is too long to be stored inline");
    CHECK_OK(rask_release(f));
}

int main(void) {
    RUN(version_is_the_headers);
    RUN(every_status_has_its_name);
    RUN(unknown_statuses_do_no_harm);
    RUN(last_error_tells_the_last_failure);
    RUN(last_error_is_per_thread);
    RUN_WITH(2, last_error_outlives_success);
    RUN_WITH(2, none);
    RUN_WITH(2, integers);
    RUN_WITH(2, floats);
    RUN_WITH(2, one_is_not_one_point_zero);
    RUN_WITH(2, bytes_of_every_small_size);
    RUN_WITH(2, a_megabyte);
    RUN_WITH(2, no_bytes_at_all);
    RUN_WITH(2, texts_are_bytes);
    RUN_WITH(2, pointers);
    RUN_WITH(2, objects);
    RUN_WITH(2, lists);
    RUN_WITH(2, null_values_and_outputs);
    RUN_WITH(2, results_of_the_wrong_kind);
    RUN_WITH(2, a_borrowed_value_stays_put);
    return 0;
}
