/* A task that fails is a value too: its error travels to whatever depends on it, and names the task it began
 * in. What does not depend on it goes on. */
#include <rask.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_A_NUMBER = 7 }; /* a code of our own; Rask hands it on as it is */

static void parse(rask_task *t) {
    const char *text = rask_arg_str(t, 0);
    char *end;
    int64_t number = strtoll(text, &end, 10);
    if (end == text || *end) {
        char message[64];
        snprintf(message, sizeof message, "\"%.20s\" is not a number", text);
        rask_fail(t, NOT_A_NUMBER, message); /* the message is copied */
        return;
    }
    rask_return_i64(t, number);
}

static void twice(rask_task *t) { rask_return_i64(t, 2 * rask_arg_i64(t, 0)); }
static void add(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + rask_arg_i64(t, 1)); }

int main(void) {
    rask_client client = rask_client_open(NULL);
    rask_submit_options options = RASK_SUBMIT_OPTIONS_INIT;
    options.name = "parse"; /* the tasks' keys begin with it */
    rask_future good = rask_submit_with(client, parse, RASK_ARGS("21"), &options);
    rask_future bad = rask_submit_with(client, parse, RASK_ARGS("2l"), &options);
    const char *names[] = {"twice(good)", "twice(bad)", "add(twice(good), twice(bad))"};
    rask_future futures[3];
    futures[0] = rask_submit(client, twice, RASK_ARGS(good));
    futures[1] = rask_submit(client, twice, RASK_ARGS(bad)); /* never runs */
    futures[2] = rask_submit(client, add, RASK_ARGS(futures[0], futures[1]));

    /* With statuses, gather tells what became of each. With NULL in their place the first error would end it.
     */
    const rask_value *values[3];
    rask_status statuses[3];
    rask_gather(futures, 3, RASK_FOREVER, values, statuses);
    for (int i = 0; i < 3; i++) {
        int64_t number;
        if (statuses[i] == RASK_OK && rask_value_i64(values[i], &number) == RASK_OK)
            printf("%s = %" PRId64 "\n", names[i], number);
        else
            printf("%s: %s\n", names[i], rask_status_name(statuses[i]));
    }

    rask_error error = RASK_ERROR_INIT;
    if (rask_future_error(futures[2], &error) == RASK_OK)
        printf("the last one says: %s (code %d, began in a task named %.*s)\n", error.message,
               (int)error.code, (int)strcspn(error.origin, "-"),
               error.origin); /* a key is the name, "-" and a number */

    rask_release_all(RASK_FUTURES(good, bad));
    rask_release_all(futures, 3);
    rask_client_close(client);
    return 0;
}
