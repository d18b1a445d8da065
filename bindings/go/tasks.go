package rask

import "context"

// The Go tasks of each number of arguments: a future with its function and arguments, in one allocation. All are jobs of one task.

type task0[T any] struct {
	Future[T]
	f func(context.Context) (T, error)
}

func (t *task0[T]) run(_ uint32, r *run) {
	returned := false
	defer r.leave(&returned)
	value, err := t.f(r.ctx)
	returned = true
	t.finish(r, value, err)
}

func (t *task0[T]) drop(_ uint32, finished bool) {
	if t.Future.drop(finished) {
		t.f = nil
	}
}

type task1[A, T any] struct {
	Future[T]
	f func(context.Context, A) (T, error)
	a Arg[A]
}

func (t *task1[A, T]) run(_ uint32, r *run) {
	returned := false
	defer r.leave(&returned)
	var value T
	a, err := t.a.load(r)
	if err == nil {
		value, err = t.f(r.ctx, a)
	}
	returned = true
	t.finish(r, value, err)
}

func (t *task1[A, T]) drop(_ uint32, finished bool) {
	if t.Future.drop(finished) {
		t.f, t.a = nil, nil
	}
}

type task2[A, B, T any] struct {
	Future[T]
	f func(context.Context, A, B) (T, error)
	a Arg[A]
	b Arg[B]
}

func (t *task2[A, B, T]) run(_ uint32, r *run) {
	returned := false
	defer r.leave(&returned)
	var value T
	var err error
	a, b := loaded(r, t.a, &err), loaded(r, t.b, &err)
	if err == nil {
		value, err = t.f(r.ctx, a, b)
	}
	returned = true
	t.finish(r, value, err)
}

func (t *task2[A, B, T]) drop(_ uint32, finished bool) {
	if t.Future.drop(finished) {
		t.f, t.a, t.b = nil, nil, nil
	}
}

// A taskOf any other number of arguments has them in a closure.
type taskOf[T any] struct {
	Future[T]
	call func(*run) (T, error)
}

func (t *taskOf[T]) run(_ uint32, r *run) {
	returned := false
	defer r.leave(&returned)
	value, err := t.call(r)
	returned = true
	t.finish(r, value, err)
}

func (t *taskOf[T]) drop(_ uint32, finished bool) {
	if t.Future.drop(finished) {
		t.call = nil
	}
}

// loaded is the value of an argument, unless one before had none: of several that have failed the first counts.
func loaded[A any](r *run, a Arg[A], err *error) (value A) {
	if *err == nil {
		value, *err = a.load(r)
	}
	return value
}
