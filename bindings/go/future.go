package rask

// #include "shim.h"
// #include <stdlib.h>
// #cgo noescape rask_future_state
// #cgo nocallback rask_future_state
import "C"

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"unsafe"
)

// A State is where a future is.
type State int32

// The states of a future. Cancelled counts as done, and is never success.
const (
	Pending   State = C.RASK_PENDING   // waits for its inputs or for a worker
	Running   State = C.RASK_RUNNING   // a worker runs it
	Finished  State = C.RASK_FINISHED  // its value is there
	Failed    State = C.RASK_ERROR     // it, or one it depends on, failed
	Cancelled State = C.RASK_CANCELLED // it will never have a value
	Lost      State = C.RASK_LOST      // its value was lost with a worker of a cluster
)

// String is the state in lower case, "finished".
func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case Running:
		return "running"
	case Finished:
		return "finished"
	case Failed:
		return "error"
	case Cancelled:
		return "cancelled"
	case Lost:
		return "lost"
	}
	return fmt.Sprintf("State(%d)", int32(s))
}

// A Future is the promised value of a task. It may be used by many goroutines at a time, and handed to further tasks before it has
// its value. Close it when nobody needs it any more; the garbage collector does it for those that are forgotten. A task runs
// whether or not anybody still refers to its future, but closing its future before it has started lets it not run, unless
// others depend on it.
type Future[T any] struct {
	core
	value T
}

// AnyFuture is a future of any type.
type AnyFuture interface {
	Cancel() error
	Close() error
	Done() <-chan struct{}
	Key() string
	Retry() error
	State() State
	base() *core
}

// A core is what does not depend on the type of the value. It is small, as there are many.
type core struct {
	lease *lease // where the handle is; nil: there is no client
	rest  atomic.Pointer[extra]
	slot  int32         // in the lease
	word  atomic.Uint32 // flags, and above them how many read by the handle: after Close the last of them releases it
}

const (
	isStored   = 1 << iota // a run of the Go task has left its value in the Go future
	isFinal                // and the engine says that it is finished, for good
	isClosed               // by Close
	isDropped              // nobody can run it any more
	isUnwanted             // the running task was cancelled
	isOver                 // the task's function has returned
	oneUser
	flagMask = oneUser - 1
)

// An extra is what few futures need.
type extra struct {
	task    atomic.Pointer[taskState]   // what contexts of the running task need
	stop    atomic.Pointer[func() bool] // following the context of the submit
	done    atomic.Pointer[doneChannel]
	cause   atomic.Pointer[remembered] // what it failed with
	reason  atomic.Pointer[remembered] // why it was cancelled
	attempt atomic.Uint32              // of the running task, if it is not the first
	ctx     context.Context            // of the submit
	inputs  []*core                    // of a C task: they know why they failed
	of      any                        // the *Future[T] whose value it shares, submitted under the same key before
	failed  error                      // why there is no future, or one that never had a task
}

// more is where to write what few futures need.
func (c *core) more() *extra {
	if rest := c.rest.Load(); rest != nil {
		return rest
	}
	rest := new(extra)
	if c.rest.CompareAndSwap(nil, rest) {
		return rest
	}
	return c.rest.Load()
}

func (f *Future[T]) base() *core {
	if f == nil {
		return nil
	}
	return &f.core
}

func (c *core) has(flag uint32) bool { return c.word.Load()&flag != 0 }

// isFinished says whether Go knows already that the future has finished.
func (c *core) isFinished() bool { return c.word.Load()&(isFinal|isClosed) == isFinal }

func (c *core) engine() *engine { return c.lease.client.engine }

// open gives the future its handle.
func (c *core) open(id uint64) { c.lease.slots[c.slot].Store(id) }

// fail notes why there is no future, or none with a task.
func (c *core) fail(err error) { c.more().failed = err }

func (c *core) failed() error {
	if rest := c.rest.Load(); rest != nil {
		return rest.failed
	}
	return nil
}

var errClosed = failure(ErrHandle, "the future was closed")

// sent makes sure that the future is the engine's, as far as it will ever be.
func (c *core) sent() bool {
	if c == nil || c.lease == nil {
		return false
	}
	if sheet := c.lease.sheet.Load(); sheet != nil {
		sheet.send()
	}
	return true
}

// handle is the engine's id of the future: not released before the caller's own Close.
func (c *core) handle() (uint64, error) {
	if !c.sent() {
		if c == nil {
			return 0, failure(ErrHandle, "a nil future")
		}
		if err := c.failed(); err != nil {
			return 0, err
		}
		return 0, failure(ErrHandle, "a future that nobody submitted")
	}
	if c.has(isClosed) {
		return 0, errClosed
	}
	if id := c.lease.slots[c.slot].Load(); id != 0 {
		return id, nil
	}
	if err := c.failed(); err != nil {
		return 0, err
	}
	return 0, failure(ErrState, "the future is being submitted") // its task asks for it already
}

// pin is a handle that stays valid until unpin, also when somebody closes the future meanwhile.
func (c *core) pin() (uint64, error) {
	id, err := c.handle()
	if err != nil {
		return 0, err
	}
	for {
		word := c.word.Load()
		if word&isClosed != 0 {
			return 0, errClosed
		}
		if c.word.CompareAndSwap(word, word+oneUser) {
			return id, nil
		}
	}
}

func (c *core) unpin() {
	if word := c.word.Add(^uint32(oneUser - 1)); word < oneUser && word&isClosed != 0 {
		c.release()
	}
}

func (c *core) release() {
	if id := c.lease.slots[c.slot].Swap(0); id != 0 {
		C.rask_release(C.rask_future{id: C.uint64_t(id)})
	}
}

// shut marks the future closed; whether its handle is to be released now.
func (c *core) shut() bool {
	if !c.sent() {
		return false
	}
	for {
		word := c.word.Load()
		if word&isClosed != 0 {
			return false
		}
		if c.word.CompareAndSwap(word, word|isClosed) {
			return word < oneUser
		}
	}
}

// Close gives the future up: a task that has not started never runs, unless another one needs it, and a running one is asked to
// stop. Every other use of the future is an error from then on. Closing twice does nothing.
func (c *core) Close() error {
	if c.shut() {
		c.release()
	}
	return nil
}

// State is where the future is now.
func (c *core) State() State {
	if c.isFinished() {
		return Finished
	}
	id, err := c.handle()
	if err != nil {
		return Failed
	}
	state := C.rask_future_state(C.rask_future{id: C.uint64_t(id)})
	if state < 0 {
		return Failed
	}
	return State(state)
}

// Key is the future's name, unique in its client; empty for a closed future.
func (c *core) Key() string {
	id, err := c.pin()
	if err != nil {
		return ""
	}
	defer c.unpin()
	return C.GoString(C.rask_future_key(C.rask_future{id: C.uint64_t(id)}))
}

// String is one line about the future, for people: key, state, and what it holds or why not.
func (c *core) String() string {
	id, err := c.pin()
	if err != nil {
		return err.Error()
	}
	defer c.unpin()
	handle := C.rask_future{id: C.uint64_t(id)}
	text := make([]byte, 256)
	for {
		n := int(C.rask_future_describe(handle, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text))))
		if n < len(text) {
			return string(text[:n])
		}
		text = make([]byte, n+1)
	}
}

// Cancel cancels the future and what depends on it: queued, it never starts; running, its context is done and its result is
// dropped. [ErrState] for what is done.
func (c *core) Cancel() error { return c.cancel(nil, "cancelled") }

// CancelCause is as Cancel; errors.Is finds the cause in the error of the result.
func (c *core) CancelCause(cause error) error { return c.cancel(cause, "cancelled") }

func (c *core) cancel(cause error, reason string) error {
	id, err := c.handle()
	if err != nil {
		return err
	}
	if cause != nil {
		reason = strings.ReplaceAll(cause.Error(), "\x00", "\\0")
		// Before anybody can see the cancellation. If it comes too late, nobody asks for its cause.
		c.rememberCancel(cause)
	}
	words := C.CString(reason)
	defer C.free(unsafe.Pointer(words))
	var left C.rask_go_failure
	C.rask_go_cancel(C.uint64_t(id), words, &left)
	return failed(&left)
}

// follow has the future cancelled when the context is done.
func (c *core) follow(ctx context.Context) {
	if ctx == nil || ctx.Done() == nil {
		return
	}
	if ctx.Err() != nil {
		_ = c.cancel(causeOf(ctx), "")
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = c.cancel(causeOf(ctx), "") })
	c.more().stop.Store(&stop)
	if c.has(isDropped) { // before it was stored
		stop()
	}
}

// unfollow ends that, when the task cannot run any more.
func (c *core) unfollow() {
	if rest := c.rest.Load(); rest != nil {
		if stop := rest.stop.Swap(nil); stop != nil {
			(*stop)()
		}
	}
}

// Retry runs a future that has failed or was cancelled again, with the failed inputs it depends on, and every future that ended
// because of them. [ErrState] for anything else.
func (c *core) Retry() error {
	id, err := c.handle()
	if err != nil {
		return err
	}
	var left C.rask_go_failure
	C.rask_go_retry(C.uint64_t(id), &left)
	return failed(&left)
}

// Handle is another handle of the future for C: a rask_future's id, to be released by rask_release.
func (c *core) Handle() (uint64, error) {
	id, err := c.handle()
	if err != nil {
		return 0, err
	}
	cloned := uint64(C.rask_clone(C.rask_future{id: C.uint64_t(id)}).id)
	if cloned == 0 {
		return 0, errClosed
	}
	return cloned, nil
}

// Result waits for the value. When ctx is done it stops waiting, with the context's error; the task goes on.
func (f *Future[T]) Result(ctx context.Context) (T, error) {
	if f == nil {
		var none T
		return none, failure(ErrHandle, "a nil future")
	}
	if f.isFinished() {
		return f.value, nil
	}
	return f.result(ctx)
}

// CloseAll closes many futures in one call.
func CloseAll[F AnyFuture](futures ...F) {
	ids := make([]C.rask_future, 0, len(futures))
	for _, future := range futures {
		if c := future.base(); c.shut() {
			if id := c.lease.slots[c.slot].Swap(0); id != 0 {
				ids = append(ids, C.rask_future{id: C.uint64_t(id)})
			}
		}
	}
	if len(ids) > 0 {
		C.rask_release_all(&ids[0], C.size_t(len(ids)))
	}
}
