package rask

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"weak"
)

// A remembered is the Go error that a future failed with. The engine carries words, and the key of the task they began in; by
// that key a dependent finds the error itself. It lives as long as the Go future that failed, which its dependents refer to.
type remembered struct{ err error }

type origin struct {
	client    uint64
	key       string
	cancelled bool // why it was cancelled, which may be while it fails
}

var failures struct {
	sync.Mutex
	by map[origin]weak.Pointer[remembered]
}

// remember keeps the error that the future with this key fails with.
func (c *core) remember(key string, err error) {
	r := &remembered{err}
	c.more().cause.Store(r)
	r.keep(origin{c.engine().id, key, false})
}

// rememberCancel keeps why it is cancelled, or that there is no error for that, instead of what was kept before.
func (c *core) rememberCancel(cause error) (before error) {
	var now *remembered
	if cause != nil {
		now = &remembered{cause}
	}
	old := c.more().reason.Swap(now)
	from := origin{c.engine().id, c.key(), true}
	switch {
	case now != nil:
		now.keep(from)
	case old != nil:
		old.lose(from)
	}
	if old != nil {
		before = old.err
	}
	return before
}

func (r *remembered) keep(from origin) {
	failures.Lock()
	defer failures.Unlock()
	if failures.by == nil {
		failures.by = make(map[origin]weak.Pointer[remembered])
	}
	failures.by[from] = weak.Make(r)
	runtime.AddCleanup(r, forget, from)
}

// lose has it be found no more.
func (r *remembered) lose(from origin) {
	failures.Lock()
	defer failures.Unlock()
	if failures.by[from].Value() == r {
		delete(failures.by, from)
	}
}

// forget removes what is gone; under the same key there may be a newer one.
func forget(from origin) {
	failures.Lock()
	defer failures.Unlock()
	if r, ok := failures.by[from]; ok && r.Value() == nil {
		delete(failures.by, from)
	}
}

// recall is the error that a task failed with, or nil.
func recall(from origin) error {
	failures.Lock()
	r := failures.by[from]
	failures.Unlock()
	if r := r.Value(); r != nil {
		return r.err
	}
	return nil
}

// why is the error of a future that is done without a value. The handle is pinned.
func (c *core) why(id uint64) error {
	if err := c.failed(); err != nil {
		return err
	}
	var e C.rask_error
	if status := C.rask_go_error(C.uint64_t(id), &e); status != 0 {
		return failure(Status(status), "the future is not done") // retried meanwhile
	}
	err := &Error{
		Status:   Status(e.status),
		Code:     int32(e.code),
		Message:  C.GoString(e.message),
		Origin:   C.GoString(e.origin),
		Attempts: int(e.attempts),
	}
	err.cause = recall(origin{c.engine().id, err.Origin, err.Status == ErrCancelled})
	return err
}
