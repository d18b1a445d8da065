// Package ctasks has C tasks for the tests of package rask: test files may not use cgo.
package ctasks

// #cgo pkg-config: rask
// #include "tasks.h"
import "C"

import "rask.dev/rask"

// The functions of tasks.h.
var (
	Inc     = rask.Func(C.c_inc)
	Add     = rask.Func(C.c_add)
	Half    = rask.Func(C.c_half)
	Concat  = rask.Func(C.c_concat)
	SumList = rask.Func(C.c_sum_list)
	Echo    = rask.Func(C.c_echo)
	Nothing = rask.Func(C.c_nothing)
	Fail    = rask.Func(C.c_fail)
	Flaky   = rask.Func(C.c_flaky)
	Spin    = rask.Func(C.c_spin)
	Attempt = rask.Func(C.c_attempt)
	Same    = rask.Func(C.c_same)
)

// Result reads a future by its C handle, which it releases.
func Result(handle uint64) (int64, int) {
	var value C.int64_t
	future := C.rask_future{id: C.uint64_t(handle)}
	status := C.rask_result_i64(future, &value)
	C.rask_release(future)
	return int64(value), int(status)
}

// Cancel cancels a future by its C handle, which it releases.
func Cancel(handle uint64) {
	future := C.rask_future{id: C.uint64_t(handle)}
	C.rask_cancel(future, nil)
	C.rask_release(future)
}
