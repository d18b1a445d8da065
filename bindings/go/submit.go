package rask

// #include "lane.h"
// #cgo noescape rask_go_submit
// #cgo nocallback rask_go_submit
import "C"

import (
	"context"
	"errors"
	"reflect"
)

// A Submitter is what tasks are submitted to: a [Client], which runs them as soon as it can, or a [Batch].
type Submitter interface {
	target() (*Client, *Batch)
}

func (c *Client) target() (*Client, *Batch) { return c, nil }

// An Arg is an argument of a task of type A: a *Future[A], or a value by [Value].
type Arg[A any] interface {
	argument
	// load is the argument for a run of the task.
	load(r *run) (A, error)
}

type argument interface {
	// input is the future, if it is one.
	input() (c *core, ok bool)
	// plain is the value, if it is none.
	plain() any
}

// Value is a value as an argument, where one that is captured by the function would not do: in pure tasks, and among futures.
func Value[A any](value A) Arg[A] { return plainValue[A]{value} }

type plainValue[A any] struct{ value A }

func (p plainValue[A]) load(*run) (A, error) { return p.value, nil }
func (p plainValue[A]) input() (*core, bool) { return nil, false }
func (p plainValue[A]) plain() any           { return p.value }

func (f *Future[T]) input() (*core, bool) {
	if f == nil {
		return nil, true
	}
	return &f.core, true
}

func (f *Future[T]) plain() any { return f }

// load is the value of a finished future, for a task that has it as its next input.
func (f *Future[T]) load(r *run) (value T, err error) {
	r.inputs++
	if of := f.owner(); of.has(isStored) {
		return of.value, nil
	}
	err = r.input(r.inputs, reflect.ValueOf(&value).Elem())
	return value, err
}

// Submit runs f on a goroutine as soon as one is free, and returns its future at once. What is wrong with the submit makes the future
// an error. The context that f is given is done when the future is cancelled, and when f has returned.
func Submit[T any](on Submitter, f func(context.Context) (T, error), options ...Option) *Future[T] {
	t := &task0[T]{f: f}
	return submit(on, t, &t.Future, f, f == nil, options)
}

// Submit1 runs f with an argument as soon as it is there.
func Submit1[A, T any](on Submitter, f func(context.Context, A) (T, error), a Arg[A], options ...Option) *Future[T] {
	t := &task1[A, T]{f: f, a: a}
	return submit(on, t, &t.Future, f, f == nil, options, argument(a))
}

// Submit2 runs f with two arguments as soon as both are there.
func Submit2[A, B, T any](on Submitter, f func(context.Context, A, B) (T, error), a Arg[A], b Arg[B], options ...Option) *Future[T] {
	t := &task2[A, B, T]{f: f, a: a, b: b}
	return submit(on, t, &t.Future, f, f == nil, options, argument(a), argument(b))
}

// Submit3 runs f with three arguments as soon as all are there.
func Submit3[A, B, D, T any](on Submitter, f func(context.Context, A, B, D) (T, error), a Arg[A], b Arg[B], c Arg[D], options ...Option) *Future[T] {
	call := func(r *run) (result T, err error) {
		va, vb, vc := loaded(r, a, &err), loaded(r, b, &err), loaded(r, c, &err)
		if err != nil {
			return result, err
		}
		return f(r.ctx, va, vb, vc)
	}
	t := &taskOf[T]{call: call}
	return submit(on, t, &t.Future, f, f == nil, options, argument(a), argument(b), argument(c))
}

// Submit4 runs f with four arguments as soon as all are there.
func Submit4[A, B, D, E, T any](on Submitter, f func(context.Context, A, B, D, E) (T, error), a Arg[A], b Arg[B], c Arg[D], d Arg[E], options ...Option) *Future[T] {
	call := func(r *run) (result T, err error) {
		va, vb, vc, vd := loaded(r, a, &err), loaded(r, b, &err), loaded(r, c, &err), loaded(r, d, &err)
		if err != nil {
			return result, err
		}
		return f(r.ctx, va, vb, vc, vd)
	}
	t := &taskOf[T]{call: call}
	return submit(on, t, &t.Future, f, f == nil, options, argument(a), argument(b), argument(c), argument(d))
}

// Submit5 runs f with five arguments as soon as all are there.
func Submit5[A, B, D, E, G, T any](on Submitter, f func(context.Context, A, B, D, E, G) (T, error), a Arg[A], b Arg[B], c Arg[D], d Arg[E], e Arg[G], options ...Option) *Future[T] {
	call := func(r *run) (result T, err error) {
		va, vb, vc, vd, ve := loaded(r, a, &err), loaded(r, b, &err), loaded(r, c, &err), loaded(r, d, &err), loaded(r, e, &err)
		if err != nil {
			return result, err
		}
		return f(r.ctx, va, vb, vc, vd, ve)
	}
	t := &taskOf[T]{call: call}
	return submit(on, t, &t.Future, f, f == nil, options, argument(a), argument(b), argument(c), argument(d), argument(e))
}

// Submit6 runs f with six arguments as soon as all are there. Of more, make a struct or a slice: [SubmitN].
func Submit6[A, B, D, E, G, H, T any](on Submitter, f func(context.Context, A, B, D, E, G, H) (T, error), a Arg[A], b Arg[B], c Arg[D], d Arg[E], e Arg[G], g Arg[H], options ...Option) *Future[T] {
	call := func(r *run) (result T, err error) {
		va, vb, vc, vd, ve, vg := loaded(r, a, &err), loaded(r, b, &err), loaded(r, c, &err), loaded(r, d, &err), loaded(r, e, &err), loaded(r, g, &err)
		if err != nil {
			return result, err
		}
		return f(r.ctx, va, vb, vc, vd, ve, vg)
	}
	t := &taskOf[T]{call: call}
	return submit(on, t, &t.Future, f, f == nil, options, argument(a), argument(b), argument(c), argument(d), argument(e), argument(g))
}

// SubmitN runs f with the values of any number of futures, in order, as soon as all are there.
func SubmitN[A, T any](on Submitter, f func(context.Context, []A) (T, error), inputs []*Future[A], options ...Option) *Future[T] {
	own := append([]*Future[A](nil), inputs...) // the caller may change its slice
	call := func(r *run) (result T, err error) {
		values := make([]A, len(own))
		for i, input := range own {
			if values[i], err = input.load(r); err != nil {
				return result, err
			}
		}
		return f(r.ctx, values)
	}
	args := make([]argument, len(own))
	for i, input := range own {
		args[i] = input
	}
	t := &taskOf[T]{call: call}
	return submit(on, t, &t.Future, f, f == nil, options, args...)
}

// submit sends the future of a Go task, which is the job j, or adds it to its batch. f is what identifies the function.
func submit[T any](on Submitter, j job, future *Future[T], f any, isNil bool, options []Option, args ...argument) *Future[T] {
	o := collect(options)
	client, batch, err := targetOf(on)
	if err == nil && isNil {
		err = failure(ErrInvalid, "no function")
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return refuse(future, client, err)
	}
	if o.key != nil || o.flags == C.RASK_PURE {
		return submitKeyed(client, j, future, f, o, args)
	}
	if batch != nil && o.plain && o.ctx == nil {
		if err := batch.add(&future.core, j, args); err != nil {
			return refuse(future, client, err)
		}
		return future
	}
	var few [8]uint64
	inputs, err := handlesOf(few[:0], args)
	if err != nil {
		return refuse(future, client, err)
	}
	client.launch(&future.core, j, inputs, o)
	return future
}

func targetOf(on Submitter) (*Client, *Batch, error) {
	if on != nil {
		if client, batch := on.target(); client != nil && client.engine != nil {
			return client, batch, nil
		}
	}
	return nil, nil, failure(ErrHandle, "no client")
}

// handlesOf appends the handles of those arguments that are futures.
func handlesOf(handles []uint64, args []argument) ([]uint64, error) {
	for i, arg := range args {
		if arg == nil {
			return nil, failure(ErrInvalid, "argument %d is nil", i)
		}
		c, ok := arg.input()
		if !ok {
			continue
		}
		id, err := c.handle()
		if err != nil {
			return nil, err
		}
		handles = append(handles, id)
	}
	return handles, nil
}

// launch submits a Go task in one call.
func (e *Client) launch(c *core, j job, inputs []uint64, o *submitOptions) {
	e.lane.start()
	if c.lease == nil {
		e.lend(c)
	}
	if o.ctx != nil {
		c.more().ctx = o.ctx
	}
	token := e.lane.table.add(j, 1)
	var left C.rask_go_failure
	var id uint64
	if o.plain && (o.ctx == nil || o.ctx.Done() == nil) {
		id = uint64(C.rask_go_submit(C.uint64_t(e.id), C.uint64_t(e.lane.id), C.int64_t(token),
			idsPointer(inputs), C.size_t(len(inputs)), nil, &left))
	} else {
		id = e.launchWith(token, inputs, o, &left)
	}
	if id == 0 {
		c.fail(failed(&left))
		return
	}
	c.open(id)
	c.follow(o.ctx)
}

func (e *engine) launchWith(token int64, inputs []uint64, o *submitOptions, left *C.rask_go_failure) uint64 {
	var texts cTexts
	defer texts.free()
	return uint64(C.rask_go_submit(C.uint64_t(e.id), C.uint64_t(e.lane.id), C.int64_t(token),
		idsPointer(inputs), C.size_t(len(inputs)), o.encode(&texts), left))
}

func (f *Future[T]) of(uint32) *core { return &f.core }

// finish keeps what the function returned.
func (f *Future[T]) finish(r *run, value T, err error) {
	if err != nil {
		r.outcome.err = err
		return
	}
	f.value = value
	r.outcome.set(&f.value)
	if r.outcome.kind == kindText && f.engine().spills {
		var none T
		f.value = none // the engine's alone, which may write it to disk
		r.outcome.spills = true
		f.word.Or(isOver)
		return
	}
	f.word.Or(isStored | isOver)
}

// drop notes that nobody can run the task any more. Its function and its arguments are to be let go of, if it says so: who has failed keeps
// them, and by them the error.
func (f *Future[T]) drop(finished bool) (letsGo bool) {
	flags := uint32(isDropped)
	isStored := f.has(isStored)
	if isStored && finished {
		flags |= isFinal
	}
	f.word.Or(flags)
	f.unfollow()
	return isStored
}

// refuse makes a future of a submit that is wrong: in Go it tells err, for the engine it is an error too.
func refuse[T any](future *Future[T], e *Client, err error) *Future[T] {
	c := &future.core
	c.fail(err)
	if e == nil {
		return future
	}
	e.lend(c)
	var left C.rask_go_failure
	id := uint64(C.rask_go_refuse(C.uint64_t(e.id), C.bool(errors.Is(err, ErrHandle)), &left))
	if id == 0 {
		c.fail(failed(&left))
		return future
	}
	c.open(id)
	c.remember(c.key(), err)
	return future
}
