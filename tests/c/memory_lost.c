/* What goes wrong with values that leave memory: directories that will not do, damaged files, a full disk. */
#include "limited.h"

#include <fcntl.h>
#include <sys/resource.h>

enum { N = 16, SIZE = 64 * KB };

static void directories_that_will_not_do(void) {
    static const char *const bad[] = {"/nonexistent/directory", "/dev/null", "", "/proc"};
    for (int i = 0; i < 4; i++) {
        rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
        options.memory_limit = 1;
        options.spill_directory = bad[i];
        CHECK_EQ(rask_client_open(&options).id, 0);
        CHECK_STATUS(rask_last_status(), RASK_E_INVALID);
        CHECK_STR_CONTAINS(rask_last_error(), "spill_directory");
    }
    CHECK_STR_CONTAINS(rask_last_error(), "/proc");
}

static void the_default_directory(void) {
    rask_client_options options = RASK_CLIENT_OPTIONS_INIT;
    options.n_workers = 1;
    options.memory_limit = 1;
    client = rask_client_open(&options);
    CHECK(client.id != 0);
    rask_future f = scatter_block(SIZE, 1);
    CHECK_EQ(held_bytes(), 0);
    CHECK_BLOCK(f, SIZE, 1);
    CHECK_OK(rask_release(f));
    CHECK_OK(rask_client_close(client));
}

/* What is lost is an error with words for whoever reads it: a task, the caller, each time. */
static void check_lost(rask_future f, const char *words) {
    const void *data;
    size_t size;
    const rask_value *value;
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(rask_result_bytes(f, &data, &size), RASK_E_LOST);
        CHECK(data == NULL && size == 0);
        CHECK_STR_CONTAINS(rask_last_error(), "65536 bytes");
        CHECK_STR_CONTAINS(rask_last_error(), words);
    }
    CHECK_OK(rask_result(f, 0, &value));
    CHECK_EQ(rask_value_nbytes(value), SIZE);
    CHECK_STATUS(rask_value_bytes(value, &data, &size), RASK_E_LOST);
    rask_future task = submit_named(client, "reader", check_block, RASK_ARGS(f, 1));
    rask_future dependent = rask_submit(client, inc, RASK_ARGS(task));
    CHECK_FAILS(task, RASK_E_LOST);
    CHECK_FAILS(dependent, RASK_E_LOST);
    CHECK_STR_CONTAINS(ERROR_OF(dependent).message, "argument 0");
    CHECK_STR_CONTAINS(ERROR_OF(dependent).message, words);
    CHECK_STR_CONTAINS(ERROR_OF(dependent).origin, "reader-");
    CHECK_OK(rask_release_all(RASK_FUTURES(task, dependent)));
}

static void a_file_cut_short_is_an_error(void) {
    client = open_limited(1, 1, 0);
    rask_future f = scatter_block(SIZE, 1);
    char path[PATH];
    CHECK(spill_file(path));
    CHECK_EQ(truncate(path, SIZE / 2), 0);
    check_lost(f, "cut short");
    CHECK_OK(rask_release(f));
    close_limited();
}

static void a_file_overwritten_is_an_error(void) {
    client = open_limited(1, 1, 0);
    rask_future f = scatter_block(SIZE, 1), g = scatter_block(SIZE, 2);
    char path[PATH];
    CHECK(spill_file(path));
    int file = open(path, O_WRONLY);
    CHECK(file >= 0);
    CHECK_EQ(pwrite(file, "?", 1, 1000), 1);
    CHECK_EQ(close(file), 0);
    check_lost(f, "changed");
    CHECK_BLOCK(g, SIZE, 2);
    CHECK_OK(rask_release_all(RASK_FUTURES(f, g)));
    close_limited();
}

static void what_the_disk_refuses_stays(void) {
    client = open_limited(1, 1, 0);
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {100 * KB, limit.rlim_max};
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    rask_future f[8];
    for (int i = 0; i < 8; i++)
        f[i] = scatter_block(SIZE, i);
    CHECK(held_bytes() >= 7 * SIZE);
    rask_future ok = rask_submit(client, check_block, RASK_ARGS(f[5], 5));
    CHECK_I64(ok, 1);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_DFL);
    /* It is tried again, when something is submitted. */
    EVENTUALLY((rask_release(scatter_block(SIZE, 100)), held_bytes() == 0));
    for (int i = 0; i < 8; i++)
        CHECK_BLOCK(f[i], SIZE, i);
    CHECK_OK(rask_release_all(f, 8));
    CHECK_OK(rask_release(ok));
    close_limited();
}

int main(void) {
    RUN(directories_that_will_not_do);
    RUN(the_default_directory);
    RUN(a_file_cut_short_is_an_error);
    RUN(a_file_overwritten_is_an_error);
    RUN(what_the_disk_refuses_stays);
    return 0;
}
