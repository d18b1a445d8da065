#include "/work/wt/model/tests/c/check.h"
static rask_client c;
static atomic_bool stop;
static void *dumper(void *x) { (void)x; while (!atomic_load(&stop)) rask_client_dump(c, "/dev/null"); return NULL; }
static rask_future sub(const char *key, int64_t v, uint32_t flags) { rask_submit_options o = RASK_SUBMIT_OPTIONS_INIT; o.key = key; o.flags = flags; return rask_submit_with(c, inc, RASK_ARGS(v), &o); }
int main(int argc, char **argv) {
    int dump = argc > 1 && atoi(argv[1]), clone = argc > 2 && atoi(argv[2]);
    c = open_workers(4);
    pthread_t d; if (dump) d = start_thread(dumper, NULL);
    int bad = 0; size_t n = 300000; if (dump) n = 50000;
    for (size_t i = 0; i < n; i++) {
        char key[32]; snprintf(key, sizeof key, "k%zu", i % 7);
        rask_future a = sub(key, 1, i % 3), b = clone ? rask_clone(a) : (rask_future){0};
        int64_t out; rask_result_i64(a, &out);
        rask_release_all(RASK_FUTURES(a, b));
        rask_future e = sub(key, 2, i % 3);
        if (rask_result_i64(e, &out) == RASK_E_EXISTS) bad++;
        rask_release(e);
    }
    printf("dump %d clone %d: %d of %zu\n", dump, clone, bad, n);
    if (dump) { atomic_store(&stop, true); join_thread(d); }
    rask_client_close(c);
}
