/* A task in C: the 64-bit FNV-1a hash of a file, read on a worker thread. */
#ifndef HASHES_HASH_H
#define HASHES_HASH_H

#include <rask.h>

void hash_file(rask_task *task); /* path -> hash, as an i64 */

#endif
