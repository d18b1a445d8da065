/* What bindings of other languages are built on: errors that carry an object, objects that are bytes, objects
 * taken out of their future, the current task, the client of a future. */
#include "check.h"

/* ---- errors that carry an object ---- */

/* (probe): fails with it. */
static void fail_with_probe(rask_task *t) {
    rask_fail_with(t, 9, "with a probe", rask_arg_pointer(t, 0), &probe_type);
}
static void *object_of_error(rask_future f) {
    void *object = &object;
    CHECK_OK(rask_future_error_object(f, &probe_type, &object));
    return object;
}

static void travels_with_the_error(void) {
    probe p = {0};
    rask_future root = rask_submit(client, fail_with_probe, RASK_ARGS(rask_pointer(&p)));
    rask_future next = rask_submit(client, inc, RASK_ARGS(root));
    rask_future last = rask_submit(client, inc, RASK_ARGS(next));
    CHECK_FAILS(last, RASK_E_TASK);
    CHECK_EQ(ERROR_OF(last).code, 9);
    CHECK_STR_EQ(ERROR_OF(last).message, "with a probe");
    CHECK(object_of_error(last) == &p && object_of_error(root) == &p);
    CHECK_OK(rask_release_all(RASK_FUTURES(root, next)));
    CHECK(object_of_error(last) == &p);
    CHECK_EQ(destroyed(&p), 0);
    CHECK_OK(rask_release(last));
    CHECK_OK(rask_client_wait(client, LONG_NS));
    EVENTUALLY(destroyed(&p) == 1);
}

static void fail_twice(rask_task *t) {
    rask_fail_with(t, 1, NULL, rask_arg_pointer(t, 0), &probe_type);
    rask_fail_with(t, 2, "too late", rask_arg_pointer(t, 1), &probe_type);
    rask_return_object(t, rask_arg_pointer(t, 2), &probe_type);
}

static void the_first_failure_stands(void) {
    probe p = {0}, q = {0}, r = {0};
    rask_future f =
        rask_submit(client, fail_twice, RASK_ARGS(rask_pointer(&p), rask_pointer(&q), rask_pointer(&r)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK_STR_EQ(ERROR_OF(f).message, "the task failed");
    CHECK(object_of_error(f) == &p);
    EVENTUALLY(destroyed(&q) == 1 && destroyed(&r) == 1);
    CHECK_OK(rask_release(f));
    EVENTUALLY(destroyed(&p) == 1);
}

static void fail_badly(rask_task *t) {
    if (rask_arg_i64(t, 0) == 0)
        rask_fail_with(t, 3, "no object", NULL, &probe_type);
    else
        rask_fail_with(t, 3, "no type", &client, NULL);
}
/* (counter, probe, probe): fails with the first, then with the second. */
static void fail_in_turn(rask_task *t) {
    int run = atomic_fetch_add((atomic_int *)rask_arg_pointer(t, 0), 1);
    rask_fail_with(t, run, "in turn", rask_arg_pointer(t, run ? 2 : 1), &probe_type);
}

static void mistakes_and_absence(void) {
    void *object = &object;
    for (int i = 0; i < 2; i++) {
        rask_future f = rask_submit(client, fail_badly, RASK_ARGS(i));
        CHECK_FAILS(f, RASK_E_INVALID);
        CHECK_STATUS(rask_future_error_object(f, &probe_type, &object), RASK_E_TYPE);
        CHECK(object == NULL);
        CHECK_OK(rask_release(f));
    }
    probe p = {0};
    rask_fail_with(NULL, 1, "nobody", &p, &probe_type);
    CHECK_EQ(destroyed(&p), 1);
    rask_future f = rask_submit(client, inc, RASK_ARGS(1));
    CHECK_I64(f, 2);
    CHECK_STATUS(rask_future_error_object(f, &probe_type, &object), RASK_E_TYPE);
    CHECK_STATUS(rask_future_error_object(f, &probe_type, NULL), RASK_E_INVALID);
    CHECK_OK(rask_release(f));
    CHECK_STATUS(rask_future_error_object(f, &probe_type, &object), RASK_E_HANDLE);
    gate *g = gate_new();
    rask_future open = submit_held(client, g, 1);
    CHECK_STATUS(rask_future_error_object(open, &probe_type, &object), RASK_E_STATE);
    gate_open(g);
    CHECK_OK(rask_release(open));
}

static void each_retry_has_its_own(void) {
    probe p = {0}, q = {0};
    atomic_int runs = 0;
    rask_future f =
        rask_submit(client, fail_in_turn, RASK_ARGS(rask_pointer(&runs), rask_pointer(&p), rask_pointer(&q)));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK(object_of_error(f) == &p);
    CHECK_OK(rask_retry(f));
    CHECK_FAILS(f, RASK_E_TASK);
    CHECK(object_of_error(f) == &q);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(client));
    CHECK(destroyed(&p) == 1 && destroyed(&q) == 1);
}

/* ---- objects that are bytes ---- */

typedef struct text {
    size_t size;
    char data[16];
} text;
static const void *text_bytes(const void *object, size_t *size) {
    *size = ((const text *)object)->size;
    return ((const text *)object)->data;
}
static const void *no_bytes(const void *object, size_t *size) {
    (void)object;
    *size = 77;
    return NULL;
}
static const rask_type text_type = {
    .struct_size = sizeof(rask_type), .name = "text", .bytes = text_bytes, .flags = RASK_TYPE_TEXT};
static const rask_type blob_type = {.struct_size = sizeof(rask_type), .name = "blob", .bytes = text_bytes};
static const rask_type empty_type = {.struct_size = sizeof(rask_type), .name = "empty", .bytes = no_bytes};
static const rask_type wrong_type = {.struct_size = sizeof(rask_type), .name = "wrong", .flags = 2};
static const rask_type cut_type = {
    .struct_size = offsetof(rask_type, bytes), .name = "cut", .bytes = text_bytes};

static text hello = {5, "hello"};

static void size_of_bytes(rask_task *t) {
    size_t size;
    if (rask_arg_bytes(t, 0, &size))
        rask_return_i64(t, (int64_t)size);
}
static void size_of_text(rask_task *t) {
    const char *at = rask_arg_str(t, 0);
    if (at)
        rask_return_i64(t, (int64_t)strlen(at));
}

static void read_in_place(void) {
    rask_future f = rask_scatter(client, rask_object(&hello, &text_type));
    const void *data;
    size_t size;
    CHECK_OK(rask_result_bytes(f, &data, &size));
    CHECK(data == hello.data && size == 5);
    const rask_value *value;
    CHECK_OK(rask_result(f, 0, &value));
    CHECK_EQ(rask_value_kind(value), RASK_OBJECT);
    CHECK_OK(rask_value_bytes(value, &data, &size));
    CHECK(data == hello.data && size == 5);
    rask_future bytes = rask_submit(client, size_of_bytes, RASK_ARGS(f));
    rask_future str = rask_submit(client, size_of_text, RASK_ARGS(f));
    CHECK_I64(bytes, 5);
    CHECK_I64(str, 5);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, bytes, str)));
}

static void not_all_are_bytes_or_text(void) {
    rask_future blob = rask_scatter(client, rask_object(&hello, &blob_type));
    rask_future str = rask_submit(client, size_of_text, RASK_ARGS(blob));
    rask_future bytes = rask_submit(client, size_of_bytes, RASK_ARGS(blob));
    CHECK_FAILS(str, RASK_E_TYPE);
    CHECK_I64(bytes, 5);
    rask_future empty = rask_scatter(client, rask_object(&hello, &empty_type));
    rask_future none = rask_submit(client, size_of_bytes, RASK_ARGS(empty));
    CHECK_I64(none, 0);
    rask_future cut = rask_scatter(client, rask_object(&hello, &cut_type));
    CHECK_FAILS(cut, RASK_E_INVALID);
    rask_future wrong = rask_scatter(client, rask_object(&hello, &wrong_type));
    CHECK_FAILS(wrong, RASK_E_INVALID);
    CHECK_OK(rask_release_all(RASK_FUTURES(blob, str, bytes, empty, none, cut, wrong)));
}

/* ---- objects taken out ---- */

static void taken_by_the_only_holder(void) {
    probe p = {0};
    void *object;
    rask_future f = rask_submit(client, make_probe, RASK_ARGS(rask_pointer(&p)));
    const rask_value *value;
    CHECK_OK(rask_result(f, LONG_NS, &value));
    rask_future was = f;
    CHECK_OK(rask_future_take_object(&f, &probe_type, &object));
    CHECK(object == &p && f.id == 0);
    CHECK_STATUS(rask_release(was), RASK_E_HANDLE);
    CHECK_EQ(destroyed(&p), 0);

    /* Through a clone. */
    f = rask_scatter(client, rask_object(&p, &probe_type));
    rask_future clone = rask_clone(f);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_future_take_object(&clone, &probe_type, &object));
    CHECK(object == &p);
    CHECK_OK(rask_client_close(client));
    CHECK_EQ(destroyed(&p), 0);
}

static void not_taken_from_others(void) {
    probe p = {0};
    void *object;
    rask_future f = rask_scatter(client, rask_object(&p, &probe_type));
    rask_future clone = rask_clone(f);
    CHECK_STATUS(rask_future_take_object(&f, &probe_type, &object), RASK_E_STATE);
    CHECK(object == NULL);
    CHECK_STATUS(rask_future_take_object(&clone, &probe_type, &object), RASK_E_STATE);
    CHECK_OK(rask_release(clone));

    gate *g = gate_new();
    rask_future needs = rask_submit(client, held, RASK_ARGS(rask_pointer(g), f));
    CHECK_STATUS(rask_future_take_object(&f, &probe_type, &object), RASK_E_STATE);
    gate_open(g);
    CHECK_OK(rask_wait(&needs, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    /* Its result shares the object. */
    CHECK_STATUS(rask_future_take_object(&f, &probe_type, &object), RASK_E_STATE);
    CHECK_OK(rask_release(needs));
    CHECK_STATUS(rask_future_take_object(&f, &text_type, &object), RASK_E_TYPE);
    CHECK_OK(rask_future_take_object(&f, &probe_type, &object));
    CHECK(object == &p);
    CHECK_STATUS(rask_future_take_object(&f, &probe_type, &object), RASK_E_HANDLE);
    CHECK_STATUS(rask_future_take_object(NULL, &probe_type, &object), RASK_E_INVALID);

    gate *h = gate_new();
    rask_future open = submit_held(client, h, 1);
    CHECK_STATUS(rask_future_take_object(&open, &probe_type, &object), RASK_E_STATE);
    gate_open(h);
    CHECK_I64(open, 1);
    CHECK_STATUS(rask_future_take_object(&open, &probe_type, &object), RASK_E_TYPE);
    CHECK_OK(rask_release(open));
    CHECK_EQ(destroyed(&p), 0);
}

static void a_key_may_be_given_anew(void) {
    probe p = {0};
    void *object;
    rask_submit_options named = RASK_SUBMIT_OPTIONS_INIT;
    named.key = "named";
    for (int i = 0; i < 3; i++) {
        rask_future f = rask_submit_with(client, make_probe, RASK_ARGS(rask_pointer(&p)), &named);
        CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
        CHECK_OK(rask_future_take_object(&f, &probe_type, &object));
    }
    CHECK_EQ(destroyed(&p), 0);
}

/* ---- where am I ---- */

static void asks_for_itself(rask_task *t) {
    CHECK(rask_task_current() == t);
    rask_future child = rask_submit(rask_task_client(t), inc, RASK_ARGS(1));
    CHECK_I64(child, 2);
    CHECK_OK(rask_release(child));
    CHECK(rask_task_current() == t);
}

static void current_task_and_client(void) {
    CHECK(rask_task_current() == NULL);
    rask_future f = rask_submit(client, asks_for_itself, RASK_NO_ARGS);
    CHECK(rask_future_client(f).id == client.id);
    CHECK_OK(rask_wait(&f, 1, RASK_ALL_COMPLETED, LONG_NS, NULL));
    rask_future clone = rask_clone(f);
    CHECK(rask_future_client(clone).id == client.id);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, clone)));
    CHECK(rask_future_client(f).id == 0);
    CHECK_STATUS(rask_last_status(), RASK_E_HANDLE);
}

int main(void) {
    RUN_WITH(2, travels_with_the_error);
    RUN_WITH(2, the_first_failure_stands);
    RUN_WITH(2, mistakes_and_absence);
    RUN_WITH(2, each_retry_has_its_own);
    RUN_WITH(2, read_in_place);
    RUN_WITH(2, not_all_are_bytes_or_text);
    RUN_WITH(2, taken_by_the_only_holder);
    RUN_WITH(2, not_taken_from_others);
    RUN_WITH(2, a_key_may_be_given_anew);
    RUN_WITH(2, current_task_and_client);
    return 0;
}
