package rask

// #include "shim.h"
// #include <stdlib.h>
// #cgo noescape rask_future_state
// #cgo nocallback rask_future_state
import "C"

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

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
	isUnwanted             // the first run of the task was cancelled
	isOver                 // and has returned
	oneUser
	flagMask = oneUser - 1
)

// An extra is what few futures need.
type extra struct {
	task       atomic.Pointer[taskState]   // what the context of the first run needs
	stop       atomic.Pointer[func() bool] // following the context of the submit
	done       atomic.Pointer[doneChannel]
	cause      atomic.Pointer[remembered] // what it failed with
	reason     atomic.Pointer[remembered] // why it was cancelled
	cancelling sync.Mutex                 // held by who writes that
	ctx        context.Context            // of the submit
	inputs     []*core                    // of a C task: they know why they failed
	of         any                        // the *Future[T] whose value it shares, submitted under the same key before
	failed     error                      // why there is no future, or one that never had a task
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

func (c *core) release() { releaseSlot(&c.lease.slots[c.slot]) }

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

func (c *core) state() State {
	if c != nil && c.isFinished() {
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

// key is the future's name; empty for one that is closed or was never made.
func (c *core) key() string {
	id, err := c.pin()
	if err != nil {
		return ""
	}
	defer c.unpin()
	return C.GoString(C.rask_future_key(C.rask_future{id: C.uint64_t(id)}))
}

// describe is one line about the future, for people.
func (c *core) describe() string {
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

// cancel cancels the future, for the cause, if there is one, and else in these words.
func (c *core) cancel(cause error, words string) error {
	id, err := c.handle()
	if err != nil {
		return err
	}
	if cause != nil {
		words = textOf(cause)
	}
	reason := C.CString(strings.ReplaceAll(words, "\x00", "\\0"))
	defer C.free(unsafe.Pointer(reason))
	if rest := c.rest.Load(); cause != nil || rest != nil && rest.reason.Load() != nil {
		rest = c.more()
		rest.cancelling.Lock() // of several cancels one counts, and its cause
		defer rest.cancelling.Unlock()
		// Before anybody can see the cancellation, and taken back if it comes too late.
		before := c.rememberCancel(cause)
		defer func() {
			if err != nil {
				c.rememberCancel(before)
			}
		}()
	}
	var left C.rask_go_failure
	C.rask_go_cancel(C.uint64_t(id), reason, &left)
	err = failed(&left)
	return err
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

func (c *core) retry() error {
	id, err := c.handle()
	if err != nil {
		return err
	}
	var left C.rask_go_failure
	C.rask_go_retry(C.uint64_t(id), &left)
	return failed(&left)
}

// clone is another handle of the future, to be released.
func (c *core) clone() (uint64, error) {
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
