#include "hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void hash_file(rask_task *task) {
    const char *path = rask_arg_str(task, 0);
    if (path == NULL)
        return; /* the task has failed, in words */
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        rask_fail(task, errno, strerror(errno));
        return;
    }
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    unsigned char buffer[1 << 16];
    size_t n;
    while (!rask_cancelled(task) && (n = fread(buffer, 1, sizeof buffer, file)) > 0)
        for (size_t i = 0; i < n; i++)
            hash = (hash ^ buffer[i]) * UINT64_C(0x100000001b3);
    if (ferror(file))
        rask_fail(task, EIO, "the file cannot be read");
    fclose(file);
    rask_return_i64(task, (int64_t)hash);
}
