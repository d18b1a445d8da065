package rask

// #include "shim.h"
// #include <stdlib.h>
// #cgo noescape rask_go_watch_take
// #cgo nocallback rask_go_watch_take
import "C"

import (
	"context"
	"os"
	"syscall"
)

// completions is an iteration of the engine's over futures as they are done, and its descriptor, by which the runtime's poller wakes
// a goroutine.
type completions struct {
	iter  uint64
	file  *os.File
	raw   syscall.RawConn
	ended chan struct{}
}

const completionsAtOnce = 256

func (c *completions) open(ids []uint64) error {
	var left C.rask_go_failure
	iter := uint64(C.rask_go_watch_open(idsPointer(ids), C.size_t(len(ids)), &left))
	if iter == 0 {
		return failed(&left)
	}
	fd := C.rask_as_completed_fd(C.rask_as_completed{id: C.uint64_t(iter)})
	if fd < 0 {
		C.rask_as_completed_close(C.rask_as_completed{id: C.uint64_t(iter)})
		return failure(ErrNoMemory, "no descriptor to wait with is to be had")
	}
	// A copy, since the iteration closes its own.
	copied, err := dup(int(fd))
	if err != nil {
		C.rask_as_completed_close(C.rask_as_completed{id: C.uint64_t(iter)})
		return failure(ErrNoMemory, "no descriptor to wait with is to be had: %v", err)
	}
	c.iter, c.ended = iter, make(chan struct{})
	c.file = os.NewFile(uintptr(copied), "rask")
	c.raw, err = c.file.SyscallConn()
	if err != nil {
		c.close()
	}
	return err
}

// dup copies a descriptor, which the runtime's poller takes only if it does not block. An eventfd that is polled and nothing else
// may be set so at any time.
func dup(fd int) (int, error) {
	copied, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return 0, errno
	}
	if err := syscall.SetNonblock(int(copied), true); err != nil {
		_ = syscall.Close(int(copied))
		return 0, err
	}
	return int(copied), nil
}

func (c *completions) add(ids ...uint64) error {
	var left C.rask_go_failure
	C.rask_go_watch_add(C.uint64_t(c.iter), idsPointer(ids), C.size_t(len(ids)), &left)
	return failed(&left)
}

// next waits for futures that are done, and returns their handles as they were added; nil after end.
func (c *completions) next(buffer []uint64) []uint64 {
	n := 0
	err := c.raw.Read(func(uintptr) bool {
		n = c.take(buffer)
		return n > 0
	})
	if err != nil { // ended: what is left
		n = c.take(buffer)
	}
	return buffer[:n]
}

// await is next, and makes room for others meanwhile if this goroutine runs a task.
func (c *completions) await(buffer []uint64) []uint64 {
	if n := c.take(buffer); n > 0 {
		return buffer[:n]
	}
	resume, err := suspend(context.Background(), nil, FirstCompleted)
	if err == nil {
		defer resume()
	}
	return c.next(buffer)
}

func (c *completions) take(buffer []uint64) int {
	return int(C.rask_go_watch_take(C.uint64_t(c.iter), (*C.uint64_t)(&buffer[0]), C.size_t(len(buffer))))
}

// each calls f with all that is done until end.
func (c *completions) each(f func([]uint64)) {
	defer close(c.ended)
	buffer := make([]uint64, completionsAtOnce)
	for {
		done := c.next(buffer)
		if len(done) == 0 {
			return
		}
		f(done)
	}
}

// end makes each return when all that is done was seen, waits for that, and closes.
func (c *completions) end() {
	_ = c.file.Close()
	<-c.ended
	C.rask_as_completed_close(C.rask_as_completed{id: C.uint64_t(c.iter)})
}

// close closes, where nobody is in next.
func (c *completions) close() {
	_ = c.file.Close()
	C.rask_as_completed_close(C.rask_as_completed{id: C.uint64_t(c.iter)})
}

func idsPointer(ids []uint64) *C.uint64_t {
	if len(ids) == 0 {
		return nil
	}
	return (*C.uint64_t)(&ids[0])
}
