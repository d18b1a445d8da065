package rask

// #include "shim.h"
import "C"

import (
	"context"
	"fmt"
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

func (f *Future[T]) base() *core {
	if f == nil {
		return nil
	}
	return &f.core
}

// coreOf is the core of a future of any type; nil for none.
func coreOf[F AnyFuture](future F) *core {
	if any(future) == nil {
		return nil
	}
	return future.base()
}

// Cancel cancels the future and what depends on it: queued, it never starts; running, its context is done and its result is
// dropped. [ErrState] for what is done.
func (f *Future[T]) Cancel() error { return f.base().cancel(nil, "cancelled") }

// CancelCause is as Cancel; errors.Is finds the cause in the error of the result, and [context.Cause] in the running task's context.
func (f *Future[T]) CancelCause(cause error) error { return f.base().cancel(cause, "cancelled") }

// Close gives the future up: a task that has not started never runs, unless another one needs it, and a running one is asked to
// stop. Every other use of the future is an error from then on. Closing twice does nothing.
func (f *Future[T]) Close() error {
	if c := f.base(); c.shut() {
		c.release()
	}
	return nil
}

// Done is closed when the future is done: finished, failed or cancelled. After a retry there is another one.
func (f *Future[T]) Done() <-chan struct{} { return f.base().done() }

// Handle is another handle of the future for C: a rask_future's id, to be released by rask_release.
func (f *Future[T]) Handle() (uint64, error) { return f.base().clone() }

// Key is the future's name, unique in its client; empty for a closed future.
func (f *Future[T]) Key() string { return f.base().key() }

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

// Retry runs a future that has failed or was cancelled again, with the failed inputs it depends on, and every future that ended
// because of them. [ErrState] for anything else.
func (f *Future[T]) Retry() error { return f.base().retry() }

// State is where the future is now.
func (f *Future[T]) State() State { return f.base().state() }

// String is one line about the future, for people: key, state, and what it holds or why not.
func (f *Future[T]) String() string { return f.base().describe() }

// CloseAll closes many futures in one call.
func CloseAll[F AnyFuture](futures ...F) {
	ids := make([]C.rask_future, 0, len(futures))
	for _, future := range futures {
		if c := coreOf(future); c.shut() {
			if id := c.lease.slots[c.slot].Swap(0); id != 0 {
				ids = append(ids, C.rask_future{id: C.uint64_t(id)})
			}
		}
	}
	if len(ids) > 0 {
		C.rask_release_all(&ids[0], C.size_t(len(ids)))
	}
}
