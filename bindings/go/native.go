package rask

// #include "lane.h"
import "C"

import (
	"context"
	"reflect"
	"unsafe"
)

// A CFunc is a task's function in C, void f(rask_task *).
type CFunc struct{ pointer unsafe.Pointer }

// Func makes a CFunc of a function that cgo knows: rask.Func(C.symbol).
func Func(symbol unsafe.Pointer) CFunc { return CFunc{symbol} }

// SubmitC runs a C function on the engine's own worker threads once the futures among its arguments are finished, and returns the
// future of its result, which Go reads as a T. Arguments are integers, floats, strings, bytes, pointers of C's memory, futures, and slices
// of these, which C finds as lists; those of type [Option] say how it is submitted. Bytes and strings are copied.
func SubmitC[T any](on Submitter, f CFunc, arguments ...any) *Future[T] {
	future := &Future[T]{}
	var native nativeTask
	defer native.done()
	e, _, err := targetOf(on)
	if err == nil {
		err = native.collect(arguments)
	}
	if err != nil {
		return refuse(future, e, err)
	}
	c := &future.core
	e.lend(c)
	if len(native.inputs) > 0 {
		c.more().inputs = native.inputs
	}
	var args *C.rask_arg
	if len(native.list) > 0 {
		args = &native.list[0]
	}
	var left C.rask_go_failure
	id := uint64(C.rask_go_submit_native(C.uint64_t(e.id), C.rask_task_fn(f.pointer), args,
		C.size_t(len(native.list)), native.options.encode(&native.texts), &left))
	if id == 0 {
		c.fail(failed(&left))
		return future
	}
	c.open(id)
	c.followNative(native.options.ctx)
	return future
}

// MapC runs a C function on each item, and returns the futures in order.
func MapC[T, A any](on Submitter, f CFunc, items []A, options ...Option) []*Future[T] {
	futures := make([]*Future[T], len(items))
	chunk := make([]Future[T], len(items))
	for i := range chunk {
		futures[i] = &chunk[i]
	}
	var native nativeTask
	defer native.done()
	native.options = collect(options)
	e, _, err := targetOf(on)
	if err == nil {
		err = native.options.check()
	}
	for i := 0; err == nil && i < len(items); i++ {
		err = native.addInput(items[i])
	}
	if err != nil || len(items) == 0 {
		for _, future := range futures {
			refuse(future, e, err)
		}
		return futures
	}
	ids := make([]uint64, len(items))
	cores := coresOf(futures)
	e.lendAll(cores)
	var left C.rask_go_failure
	C.rask_go_map_native(C.uint64_t(e.id), C.rask_task_fn(f.pointer), &native.list[0], C.size_t(len(items)),
		native.options.encode(&native.texts), idsPointer(ids), &left)
	openAll(cores, ids, failed(&left))
	for i, c := range cores {
		if input, ok := any(items[i]).(AnyFuture); ok {
			c.more().inputs = []*core{input.base()}
		}
		c.followNative(native.options.ctx)
	}
	return futures
}

// Scatter makes a value a finished future, to be an input of many tasks. The value is not to be changed from then on.
func Scatter[T any](on Submitter, value T) *Future[T] {
	future := &Future[T]{}
	e, _, err := targetOf(on)
	if err != nil {
		return refuse(future, nil, err)
	}
	var native nativeTask
	defer native.done()
	future.value = value
	var known outcome
	known.set(&future.value)
	var encoded C.rask_arg
	isLent := false
	if known.kind == kindText && !e.spills {
		encoded, isLent = lend(known.data, known.size)
	}
	if known.kind == kindOpaque {
		encoded = opaqueValue(known.opaque)
	} else if known.kind != kindNothing && !isLent {
		if encoded, err = native.encode(value); err != nil {
			return refuse(future, e, err)
		}
	}
	c := &future.core
	e.lend(c)
	var left C.rask_go_failure
	id := uint64(C.rask_go_scatter(C.uint64_t(e.id), encoded, &left))
	if id == 0 {
		c.fail(failed(&left))
		return future
	}
	if e.spills && known.kind == kindText {
		var none T
		future.value = none
	} else {
		c.word.Or(isStored)
	}
	c.open(id)
	return future
}

// A nativeTask is what a C task is submitted with.
type nativeTask struct {
	arguments
	options *submitOptions
	inputs  []*core
	texts   cTexts
}

func (n *nativeTask) collect(arguments []any) error {
	var options []Option
	for _, argument := range arguments {
		if option, ok := argument.(Option); ok {
			options = append(options, option)
		} else if err := n.addInput(argument); err != nil {
			return err
		}
	}
	n.options = collect(options)
	return n.options.check()
}

// addInput adds an argument, and keeps the future that it is: by it an error is found again.
func (n *nativeTask) addInput(argument any) error {
	if future, ok := argument.(AnyFuture); ok && !isNil(future) {
		n.inputs = append(n.inputs, future.base())
	}
	return n.add(argument)
}

func isNil(value any) bool {
	v := reflect.ValueOf(value)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

func (n *nativeTask) done() {
	n.arguments.done()
	n.texts.free()
}

// followNative is as follow. Go hears of the end of a C task only if it asks.
func (c *core) followNative(ctx context.Context) {
	c.follow(ctx)
	if ctx == nil || ctx.Done() == nil {
		return
	}
	if id, err := c.handle(); err == nil {
		_ = c.engine().watcher.add(id, &watch{told: c.unfollow})
	}
}

// Progress has progress drawn on stderr until all futures are done, while the program goes on. An empty label is the tasks' name.
func Progress[F AnyFuture](label string, futures ...F) error {
	ids := make([]uint64, len(futures))
	for i, future := range futures {
		id, err := coreOf(future).handle()
		if err != nil {
			return err
		}
		ids[i] = id
	}
	var texts cTexts
	defer texts.free()
	var left C.rask_go_failure
	C.rask_go_progress_start(idsPointer(ids), C.size_t(len(ids)), texts.add(label), &left)
	return failed(&left)
}
