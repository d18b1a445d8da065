package rask

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"unsafe"
)

// A Status says what kind of failure an [Error] is. Each is an error itself, for errors.Is.
type Status int32

// What can go wrong, as rask.h has it.
const (
	ErrInvalid     Status = C.RASK_E_INVALID     // an argument makes no sense
	ErrHandle      Status = C.RASK_E_HANDLE      // a future or client was closed before
	ErrType        Status = C.RASK_E_TYPE        // the value is of another kind
	ErrTimeout     Status = C.RASK_E_TIMEOUT     // the time was up; everything is as it was
	ErrCancelled   Status = C.RASK_E_CANCELLED   // the future was cancelled
	ErrTask        Status = C.RASK_E_TASK        // the task, or one it depends on, failed
	ErrClosed      Status = C.RASK_E_CLOSED      // the client is closed
	ErrState       Status = C.RASK_E_STATE       // not in a state that allows this
	ErrExists      Status = C.RASK_E_EXISTS      // the key is held by a different computation
	ErrDeadlock    Status = C.RASK_E_DEADLOCK    // this wait could never end
	ErrForked      Status = C.RASK_E_FORKED      // called in a child after fork
	ErrNoMemory    Status = C.RASK_E_NOMEM       // no memory, no thread or no descriptor is to be had
	ErrUnsupported Status = C.RASK_E_UNSUPPORTED // this engine cannot do that
	ErrLost        Status = C.RASK_E_LOST        // a value was lost
	ErrConnect     Status = C.RASK_E_CONNECT     // the cluster cannot be reached
	ErrPanic       Status = C.RASK_E_PANIC       // a defect of the library, caught
)

// Error is the name of the status, "RASK_E_CANCELLED".
func (s Status) Error() string { return C.GoString(C.rask_status_name(C.rask_status(s))) }

// An Error is why a call failed or why a future has no value. errors.Is finds its Status, and what the Go task returned or
// panicked with that it began in, through however many tasks it came.
type Error struct {
	Status   Status
	Code     int32  // the task's own, from [Fail] or rask_fail
	Message  string // in words
	Origin   string // key of the task it began in; empty where a call failed
	Attempts int    // how often that task was run

	cause error
}

// Error is what happened and, if it happened in a task, in which.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	words := e.Message
	if words == "" {
		words = e.Status.Error()
	}
	if e.Origin != "" {
		return e.Origin + ": " + words
	}
	return "rask: " + words
}

// Is reports whether the target is this error's Status.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && e != nil && status == e.Status
}

// Unwrap is what a Go task failed with, or the cause of the context that cancelled it; nil where there is no such error.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.cause
}

// Fail is an error for a task to return: tasks and programs in C and C++ find code and message in their rask_error, in Go
// they are an [Error]'s.
func Fail(code int32, message string) error {
	return &Error{Status: ErrTask, Code: code, Message: message}
}

// A PanicError is what becomes of a Go task that panics.
type PanicError struct {
	Value any    // what the task panicked with
	Stack []byte // where
}

func (e *PanicError) Error() string {
	if e == nil {
		return "<nil>"
	}
	return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap is the value if the task panicked with an error.
func (e *PanicError) Unwrap() error {
	if e == nil {
		return nil
	}
	err, _ := e.Value.(error)
	return err
}

// ErrGoexit is what becomes of a Go task that ends its goroutine by runtime.Goexit, as testing's FailNow does.
var ErrGoexit = errors.New("the task called runtime.Goexit")

func failure(status Status, format string, arguments ...any) *Error {
	return &Error{Status: status, Message: fmt.Sprintf(format, arguments...)}
}

// failed makes an error of what a call left, and frees its words; nil if it left nothing.
func failed(left *C.rask_go_failure) error {
	if left.status == 0 {
		return nil
	}
	words := C.GoString(left.words)
	C.free(unsafe.Pointer(left.words))
	return &Error{Status: Status(left.status), Message: words}
}

// wordsOf is an error as C is told of it: a panic without its stack.
func wordsOf(err error) (code int32, words string) {
	defer func() {
		if recover() != nil { // in a method of the error's
			words = fmt.Sprint(err)
		}
	}()
	var panicked *PanicError
	if errors.As(err, &panicked) && panicked != nil {
		return 0, fmt.Sprintf("panic: %v", panicked.Value)
	}
	var failed *Error
	if errors.As(err, &failed) && failed != nil {
		code = failed.Code
		if err == error(failed) && failed.Message != "" {
			return code, failed.Message
		}
	}
	return code, err.Error()
}

// textOf is an error's text, also when that panics.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprint(err)
		}
	}()
	return err.Error()
}

// causeOf is why a context is done: its cause, which errors.Is also finds context.Canceled or DeadlineExceeded in.
func causeOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || isIn(cause, err) {
		return err
	}
	return errors.Join(err, cause)
}

// isIn is errors.Is, and false where a method of the error's panics.
func isIn(err, target error) (found bool) {
	defer func() { _ = recover() }()
	return errors.Is(err, target)
}
