/* Bytes in Go's memory that C reads where they lie: pinned there until C gives them back. */
#ifndef RASK_GO_LOAN_H
#define RASK_GO_LOAN_H

#include "shim.h"

/* Takes a loan, which is to be pinned: an argument that gives it back when nobody reads it any more; false
 * without memory. */
bool rask_go_borrow(uint64_t address, size_t size, rask_arg *out);

/* Addresses of loans that were given back since they were asked for last; how many. */
size_t rask_go_given_back(uint64_t *addresses, size_t capacity);

#endif
