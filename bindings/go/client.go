package rask

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// A Client is where work runs: an embedded engine with its worker threads. It may be used by many goroutines at a time. Close ends
// it; one that is forgotten is closed when the garbage collector finds it.
type Client struct {
	*engine
	leases leases
}

// An engine is what goroutines refer to, so that the Client can be found unreachable: by futures, and tasks to come, it is reachable.
type engine struct {
	id      uint64
	workers int
	limit   int
	spills  bool // values of the engine's kinds are its own alone, so that a memory limit means something

	watcher watcher
	lane    lane
	keyed   keyed

	closing atomic.Bool
	closed  sync.Once
	reason  error // of closing, for all who call it
}

// Open opens a client: starts its worker threads. The zero Options are a good choice.
func Open(options Options) (*Client, error) {
	encoded, free, err := options.encode()
	if err != nil {
		return nil, err
	}
	defer free()
	var left C.rask_go_failure
	id := uint64(C.rask_go_open(&encoded, &left))
	if id == 0 {
		return nil, failed(&left)
	}
	e := &engine{id: id, workers: options.Workers, limit: options.limit(), spills: options.MemoryLimit > 0}
	client := &Client{engine: e}
	if e.workers == 0 {
		stats, err := client.Stats()
		if err != nil {
			_ = e.close()
			return nil, err
		}
		e.workers = stats.Workers
	}
	if err := e.lane.open(e); err != nil {
		_ = e.close()
		return nil, err
	}
	// Not on the cleanup's own goroutine, which all cleanups share: a close waits for what runs.
	runtime.AddCleanup(client, func(e *engine) { go func() { _ = e.close() }() }, e)
	return client, nil
}

// Close cancels what has not started, waits for what runs, and ends threads and goroutines. Finished futures stay readable, and
// all futures are still to be closed. Closing twice does nothing; inside one of its Go tasks it is [ErrState], as the close would wait for it.
func (c *Client) Close() error {
	if err := c.check(); err != nil {
		return err
	}
	err := c.engine.close()
	c.leases.close()
	return err
}

// check is why it is no client; nil for one that was opened.
func (c *Client) check() error {
	if c == nil || c.engine == nil {
		return failure(ErrHandle, "no client")
	}
	return nil
}

func (e *engine) close() error {
	if e.isHere() {
		return failure(ErrState, "a client cannot be closed from inside a task")
	}
	e.closed.Do(func() {
		e.closing.Store(true)
		var left C.rask_go_failure
		C.rask_go_close(C.uint64_t(e.id), &left)
		e.reason = failed(&left)
		e.lane.close()
		e.watcher.close()
	})
	return e.reason
}

// Wait waits until the client has nothing pending or running. Inside one of its Go tasks that is [ErrDeadlock].
func (c *Client) Wait(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	ctx = orBackground(ctx)
	if t, ok := runOf(ctx); ok && t.of().engine() == c.engine || c.isHere() {
		return failure(ErrDeadlock, "this wait could never end: the task waits for its own client to have no tasks")
	}
	// In slices, so that the context can end it: the engine offers no other way.
	const slice = 20 * time.Millisecond
	for {
		if err := ctx.Err(); err != nil {
			return causeOf(ctx)
		}
		timeout := C.int64_t(slice)
		if ctx.Done() == nil {
			timeout = C.RASK_FOREVER
		}
		var left C.rask_go_failure
		if C.rask_go_drain(C.uint64_t(c.id), timeout, &left) != C.RASK_E_TIMEOUT {
			return failed(&left)
		}
		_ = failed(&left)
	}
}

// Stats are figures of a client at one moment, read one after the other while it works on.
type Stats struct {
	Workers     int    // worker threads
	Running     int    // task functions that run now
	Pending     uint64 // futures that wait now
	Finished    uint64 // futures finished so far
	Errors      uint64 // futures that became errors so far
	Cancelled   uint64 // futures cancelled so far
	Submitted   uint64 // futures made so far
	Executed    uint64 // calls of task functions that have returned so far
	Stolen      uint64 // tasks that a worker took from another one so far
	Retried     uint64 // attempts after a failure so far
	LiveFutures uint64 // futures that exist now, held or needed
	Bytes       uint64 // bytes that values hold in the engine's memory now
}

// Stats tells what the client does and has done.
func (c *Client) Stats() (Stats, error) {
	if err := c.check(); err != nil {
		return Stats{}, err
	}
	var left C.rask_go_failure
	var s C.rask_client_stats
	if C.rask_go_stats(C.uint64_t(c.id), &s, &left) != 0 {
		return Stats{}, failed(&left)
	}
	return Stats{
		Workers: int(s.n_workers), Running: int(s.n_running), Pending: uint64(s.n_pending), Finished: uint64(s.n_finished),
		Errors: uint64(s.n_error), Cancelled: uint64(s.n_cancelled), Submitted: uint64(s.n_submitted),
		Executed: uint64(s.n_executed), Stolen: uint64(s.n_stolen), Retried: uint64(s.n_retried),
		LiveFutures: uint64(s.live_futures), Bytes: uint64(s.nbytes),
	}, nil
}

// TraceStart records what the client's tasks do from now on, into a file for Perfetto (ui.perfetto.dev).
func (c *Client) TraceStart(path string) error {
	return c.withText(path, func(path *C.char, left *C.rask_go_failure) {
		C.rask_go_trace_start(C.uint64_t(c.id), path, left)
	})
}

// TraceStop ends the client's trace and writes its file.
func (c *Client) TraceStop() error {
	if err := c.check(); err != nil {
		return err
	}
	var left C.rask_go_failure
	C.rask_go_trace_stop(C.uint64_t(c.id), &left)
	return failed(&left)
}

// Dump writes what is not done, and what each such future waits for, to a file, as JSON.
func (c *Client) Dump(path string) error {
	return c.withText(path, func(path *C.char, left *C.rask_go_failure) {
		C.rask_go_dump(C.uint64_t(c.id), path, left)
	})
}

func (c *Client) withText(text string, call func(*C.char, *C.rask_go_failure)) error {
	if err := c.check(); err != nil {
		return err
	}
	if strings.IndexByte(text, 0) >= 0 {
		return failure(ErrInvalid, "%q has a NUL in it", text)
	}
	copied := C.CString(text)
	defer C.free(unsafe.Pointer(copied))
	var left C.rask_go_failure
	call(copied, &left)
	return failed(&left)
}

// LiveHandles is how many handles of every kind are alive in this process: 0 at the end of a tidy program.
func LiveHandles() uint64 { return uint64(C.rask_live_handles()) }

// Version of the library that was loaded, "0.1.0".
func Version() string { return C.GoString(C.rask_version_string()) }
