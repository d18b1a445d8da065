package rask

// #include "shim.h"
// #cgo noescape rask_go_look
// #cgo nocallback rask_go_look
import "C"

import (
	"context"
	"reflect"
)

func (f *Future[T]) result(ctx context.Context) (value T, err error) {
	ctx = orBackground(ctx)
	for {
		id, err := f.pin()
		if err != nil {
			return value, err
		}
		var seen C.rask_go_value
		status := C.rask_go_look(C.uint64_t(id), &seen)
		switch status {
		case C.RASK_OK:
			value, err = f.read(&seen)
		case C.RASK_E_TIMEOUT:
		default:
			err = f.why(id)
		}
		f.unpin()
		if status != C.RASK_E_TIMEOUT {
			return value, err
		}
		if err := f.await(ctx); err != nil {
			return value, err
		}
	}
}

// View is as Result, without a copy: what C has made is read where it lies, in C's memory. Nobody may write to it; it may be read until the
// future is closed, which is also as long as somebody refers to it (see [runtime.KeepAlive]).
func View(ctx context.Context, f *Future[[]byte]) ([]byte, error) {
	if f == nil || f.isFinished() {
		return f.Result(ctx)
	}
	if err := Wait(ctx, f); err != nil {
		return nil, err
	}
	id, err := f.pin()
	if err != nil {
		return nil, err
	}
	defer f.unpin()
	var seen C.rask_go_value
	status := C.rask_go_look(C.uint64_t(id), &seen)
	if status == C.RASK_OK && seen.kind == C.RASK_BYTES && !f.owner().has(isStored) {
		return borrowed(&seen), nil
	}
	return f.result(ctx) // Go's own, an error, or retried meanwhile
}

// read is the value of a finished future, which the caller has pinned.
func (f *Future[T]) read(seen *C.rask_go_value) (value T, err error) {
	of := f.owner()
	switch {
	case !of.has(isStored):
	case of == f:
		f.word.Or(isFinal)
		return f.value, nil
	default:
		return of.value, nil
	}
	err = decode(reflect.ValueOf(&value).Elem(), seen)
	return value, err
}

// owner is the future whose run makes the value.
func (f *Future[T]) owner() *Future[T] {
	if rest := f.rest.Load(); rest != nil && rest.of != nil {
		return rest.of.(*Future[T])
	}
	return f
}

// done is closed when the future is done.
func (c *core) done() <-chan struct{} {
	if c != nil && c.isFinished() {
		return closedChannel
	}
	done, err := c.watchDone()
	if err != nil {
		return closedChannel // whoever looks at the result sees why
	}
	return done
}

func (c *core) watchDone() (<-chan struct{}, error) {
	for {
		id, err := c.handle()
		if err != nil {
			return nil, err
		}
		if isDone(id) {
			return closedChannel, nil
		}
		current := &c.more().done
		before := current.Load()
		if before != nil && !before.isClosed() {
			return before.channel, nil
		}
		now := &doneChannel{channel: make(chan struct{})}
		if !current.CompareAndSwap(before, now) {
			continue
		}
		if err := c.engine().watcher.add(id, &watch{told: now.close}); err != nil {
			now.close() // for who found it meanwhile
			return nil, err
		}
		return now.channel, nil
	}
}

type doneChannel struct{ channel chan struct{} }

func (d *doneChannel) close() { close(d.channel) }

func (d *doneChannel) isClosed() bool {
	select {
	case <-d.channel:
		return true
	default:
		return false
	}
}

var closedChannel = func() chan struct{} {
	channel := make(chan struct{})
	close(channel)
	return channel
}()

func isDone(id uint64) bool {
	state := C.rask_future_state(C.rask_future{id: C.uint64_t(id)})
	return state != C.RASK_PENDING && state != C.RASK_RUNNING
}

// await returns when the future is done, or the context is.
func (c *core) await(ctx context.Context) error {
	done, err := c.watchDone()
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	default:
	}
	id, err := c.handle()
	if err != nil {
		return err
	}
	resume, err := suspend(ctx, []uint64{id}, AllCompleted)
	if err != nil {
		return err
	}
	defer resume()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return causeOf(ctx)
	}
}
