#include "tasks.h"

#include <sched.h>
#include <string.h>

void c_inc(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + 1); }

void c_add(rask_task *t) { rask_return_i64(t, rask_arg_i64(t, 0) + rask_arg_i64(t, 1)); }

void c_half(rask_task *t) { rask_return_f64(t, rask_arg_f64(t, 0) / 2); }

void c_concat(rask_task *t) {
    size_t total = 0, size;
    for (size_t i = 0; i < rask_arg_count(t); i++) {
        rask_arg_bytes(t, i, &size);
        total += size;
    }
    char *to = rask_return_buffer(t, total);
    for (size_t i = 0; to != NULL && i < rask_arg_count(t); i++) {
        const void *from = rask_arg_bytes(t, i, &size);
        if (size > 0)
            memcpy(to, from, size);
        to += size;
    }
}

void c_sum_list(rask_task *t) {
    const rask_value *list = rask_arg_value(t, 0);
    int64_t sum = 0;
    for (size_t i = 0; i < rask_value_count(list); i++) {
        int64_t item;
        if (rask_value_i64(rask_value_at(list, i), &item) != RASK_OK) {
            rask_fail(t, 1, "the list has something else than integers in it");
            return;
        }
        sum += item;
    }
    rask_return_i64(t, sum);
}

void c_echo(rask_task *t) { rask_return_arg(t, 0); }

void c_nothing(rask_task *t) { (void)t; }

void c_fail(rask_task *t) { rask_fail(t, (int32_t)rask_arg_i64(t, 0), rask_arg_str(t, 1)); }

void c_flaky(rask_task *t) {
    if (rask_task_attempt(t) < rask_arg_i64(t, 0))
        rask_fail(t, 503, "try again");
    else
        rask_return_i64(t, rask_task_attempt(t));
}

void c_spin(rask_task *t) {
    while (!rask_cancelled(t))
        sched_yield();
}

void c_attempt(rask_task *t) { rask_return_i64(t, rask_task_attempt(t)); }

void c_same(rask_task *t) { rask_return_i64(t, (int64_t)(intptr_t)rask_arg_bytes(t, 0, NULL)); }
