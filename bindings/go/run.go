package rask

// #include "lane.h"
// #include <stdlib.h>
// #cgo noescape rask_go_argument
// #cgo nocallback rask_go_argument
import "C"

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// A run is what a job is given: the task at hand, and where its outcome goes.
type run struct {
	puller  *puller
	job     job
	core    *core
	task    *C.rask_task
	token   int64
	sub     uint32
	attempt uint32
	inputs  int             // futures among the arguments that were read so far
	ctx     context.Context // a runContext
	outcome outcome
	failure failureWords // of the outcome's error
}

func (r *run) begin(task *C.rask_lane_task, t *table) {
	r.token = int64(task.word)
	r.job, r.sub = t.find(r.token)
	r.core = r.job.of(r.sub)
	r.task, r.attempt, r.inputs = task.task, uint32(task.attempt), 0
	r.ctx = r.core.contextFor(r.attempt)
	r.outcome = outcome{err: ErrGoexit} // unless it comes to anything else
}

// clear lets go of what the task had.
func (r *run) clear() {
	r.job, r.core, r.task, r.ctx = nil, nil, nil, nil
	if r.outcome.data != nil || r.outcome.err != nil {
		r.outcome = outcome{}
	}
}

// mayRun cancels what is not to be run: what was not begun when the client was closed, or when its context was done.
func (r *run) mayRun() bool {
	if r.core.engine().closing.Load() {
		r.cancel(nil, "client closed")
		return false
	}
	return !r.isCancelledByContext()
}

// isCancelledByContext cancels the future if the context of its submit is done. Others hear of that too, but perhaps after the task,
// which may have returned for that very reason.
func (r *run) isCancelledByContext() bool {
	rest := r.core.rest.Load()
	if rest == nil || rest.ctx == nil || rest.ctx.Err() == nil {
		return false
	}
	r.cancel(causeOf(rest.ctx), "")
	return true
}

func (r *run) cancel(cause error, reason string) {
	r.outcome = outcome{}
	for range 1000 {
		if r.core.has(isClosed) {
			break // nobody can cancel it any more, but others may need it
		}
		if r.core.lease.slots[r.core.slot].Load() != 0 {
			if err := r.core.cancel(cause, reason); !errors.Is(err, ErrHandle) {
				return // or it is already
			}
			continue
		}
		time.Sleep(50 * time.Microsecond) // the call that submits it is about to return
	}
	// Or it waits for room in the engine's memory, which may be for this task to end.
	if cause == nil {
		r.outcome.err = ErrCancelled
	} else {
		r.outcome.err = fmt.Errorf("%w: %w", ErrCancelled, cause)
	}
	r.core.remember(C.GoString(C.rask_task_key(r.task)), r.outcome.err)
	r.describe()
}

// leave ends a run, also when the function panicked.
func (r *run) leave(returned *bool) {
	if !*returned {
		if value := recover(); value != nil {
			r.outcome.err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}
	if r.isCancelledByContext() {
		r.core.word.Or(isOver)
	} else if err := r.outcome.err; err != nil {
		r.core.remember(C.GoString(C.rask_task_key(r.task)), err)
		r.core.word.Or(isOver)
	}
	r.endContext()
	if r.outcome.err != nil {
		r.describe()
	}
}

func (r *run) endContext() {
	if first, ok := r.ctx.(*firstContext); ok { // as it is nearly always
		first.end()
		return
	}
	r.ctx.(runContext).end()
}

// describe puts the outcome's error in words: here, and not where it is written down, since that calls the program's own methods, which may
// take long, panic, or end the goroutine.
func (r *run) describe() {
	r.failure = failureWords{words: "the task failed"}
	r.failure.code, r.failure.words = wordsOf(r.outcome.err)
}

// input reads the next future among the arguments of the task, one whose value Go does not have.
func (r *run) input(index int, target reflect.Value) error {
	var seen C.rask_go_value
	if status := C.rask_go_argument(r.task, C.size_t(index), &seen); status != 0 {
		return failure(Status(status), "argument %d cannot be read", index-1)
	}
	return decode(target, &seen)
}

// An outcome is what became of a run, in terms that the engine knows.
type outcome struct {
	kind   kind
	number uint64
	data   unsafe.Pointer // of bytes, Go's
	size   int
	opaque reflect.Type
	spills bool // the bytes are to be the engine's alone
	err    error
}

// A kind is what the engine knows a Go value as.
type kind uint8

const (
	kindOpaque kind = iota // a value that stays in Go
	kindNothing
	kindInt
	kindFloat
	kindText
)

// set makes the value behind a pointer the outcome. Text stays where it is until the outcome is encoded.
func (o *outcome) set(value any) {
	o.err = nil
	switch v := value.(type) {
	case *int64:
		o.kind, o.number = kindInt, uint64(*v)
	case *int:
		o.kind, o.number = kindInt, uint64(*v)
	case *float64:
		o.kind, o.number = kindFloat, math.Float64bits(*v)
	case *string:
		o.kind, o.data, o.size = kindText, unsafe.Pointer(unsafe.StringData(*v)), len(*v)
	case *[]byte:
		o.kind, o.data, o.size = kindText, unsafe.Pointer(unsafe.SliceData(*v)), len(*v)
	case *struct{}:
		o.kind = kindNothing
	default:
		o.reflect(reflect.ValueOf(value).Elem())
	}
}

func (o *outcome) reflect(v reflect.Value) {
	switch {
	case v.CanInt():
		o.kind, o.number = kindInt, uint64(v.Int())
	case v.CanUint() && v.Kind() != reflect.Uintptr:
		o.kind, o.number = kindInt, v.Uint()
	case v.CanFloat():
		o.kind, o.number = kindFloat, math.Float64bits(v.Float())
	case v.Kind() == reflect.Bool:
		o.kind = kindInt
		if v.Bool() {
			o.number = 1
		}
	case v.Kind() == reflect.String:
		text := v.String()
		o.kind, o.data, o.size = kindText, unsafe.Pointer(unsafe.StringData(text)), len(text)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		bytes := v.Bytes()
		o.kind, o.data, o.size = kindText, unsafe.Pointer(unsafe.SliceData(bytes)), len(bytes)
	default:
		o.kind, o.opaque = kindOpaque, v.Type()
	}
}

// failureWords are what C is told of an error.
type failureWords struct {
	code  int32
	words string
}

func (f *failureWords) encode(result *C.rask_lane_result) {
	result.error, result.code = C.CString(strings.ReplaceAll(f.words, "\x00", "\\0")), C.int32_t(f.code)
}

// encode writes the outcome, which is no error, for the engine.
func (o *outcome) encode(shared *C.rask_go_puller, result *C.rask_lane_result) {
	switch o.kind {
	case kindInt:
		result.value = C.rask_arg{kind: kindInteger, payload: C.uint64_t(o.number)}
	case kindFloat:
		result.value = C.rask_arg{kind: kindReal, payload: C.uint64_t(o.number)}
	case kindText:
		result.value = o.text(shared)
	case kindOpaque:
		if o.opaque != nil {
			result.value = opaqueValue(o.opaque)
		}
	}
}

// text has C read bytes: few of them are copied to where the engine copies them from, more to where they stay, and many it reads where they
// are.
func (o *outcome) text(shared *C.rask_go_puller) C.rask_arg {
	if o.size == 0 {
		return C.rask_arg{kind: kindBytes}
	}
	if !o.spills {
		if arg, ok := lend(o.data, o.size); ok {
			return arg
		}
	}
	bytes := unsafe.Slice((*byte)(o.data), o.size)
	if used := int(shared.arena_used); used+o.size <= C.RASK_GO_ARENA && o.size <= C.RASK_GO_ARENA/C.RASK_GO_BATCH {
		at := unsafe.Pointer(&shared.arena[used])
		copy(unsafe.Slice((*byte)(at), o.size), bytes)
		shared.arena_used += C.size_t(o.size)
		return C.rask_arg{kind: kindBytes, payload: C.uint64_t(uintptr(at)), size: C.size_t(o.size)}
	}
	return C.rask_go_bytes_owned(C.CBytes(bytes), C.size_t(o.size))
}

// opaqueTypes has a rask_type for each type of Go values that stay in Go, so that C tasks which read them fail with words.
var opaqueTypes sync.Map // reflect.Type to *C.rask_type

func opaqueValue(t reflect.Type) C.rask_arg {
	found, ok := opaqueTypes.Load(t)
	if !ok {
		made := (*C.rask_type)(C.calloc(1, C.sizeof_rask_type))
		*made = C.rask_type{struct_size: C.sizeof_rask_type, name: C.CString("Go " + t.String())}
		found, ok = opaqueTypes.LoadOrStore(t, made)
		if ok {
			C.free(unsafe.Pointer(made.name))
			C.free(unsafe.Pointer(made))
		}
	}
	of := found.(*C.rask_type)
	return C.rask_object(unsafe.Pointer(of), of) // there is nothing to point to
}

// keyOf is the key of a future whose task runs.
func (l *lane) keyOf(c *core) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pullers {
		p.mu.Lock()
		if p.current == c {
			defer p.mu.Unlock()
			return C.GoString(C.rask_task_key(p.run.task))
		}
		p.mu.Unlock()
	}
	return c.key() // it has returned
}
