package rask

import (
	"context"
	"time"
)

// A runContext is the context that a run of a Go task is given.
type runContext interface {
	context.Context
	of() *core
	attempt() int
	// interrupt tells the run that nobody wants its result.
	interrupt()
	// end makes the context done, with what the run may have left behind that waits for it.
	end()
}

// A firstContext is that of a task's first run. It is the future's core by another name, so that a task which does not look at its
// context pays nothing for it.
type firstContext core

// A taskState is what it takes when somebody does.
type taskState struct {
	context.Context
	cancel context.CancelCauseFunc
}

type taskKey struct{}

// contextFor is the context of a run that begins.
func (c *core) contextFor(attempt uint32) context.Context {
	if attempt == 1 && !c.has(isUnwanted|isOver) {
		return (*firstContext)(c)
	}
	ctx, cancel := context.WithCancelCause(c.parent())
	return &laterContext{ctx, cancel, c, int(attempt)}
}

func (c *core) parent() context.Context {
	if rest := c.rest.Load(); rest != nil && rest.ctx != nil {
		return rest.ctx
	}
	return context.Background()
}

// whyUnwanted is what the context of the running task ends with: the cause that its future was cancelled for, if there is one.
func (c *core) whyUnwanted() error {
	if rest := c.rest.Load(); rest != nil {
		if reason := rest.reason.Load(); reason != nil {
			return reason.err
		}
	}
	return context.Canceled
}

func (t *firstContext) of() *core    { return (*core)(t) }
func (t *firstContext) attempt() int { return 1 }

func (t *firstContext) interrupt() {
	t.word.Or(isUnwanted)
	if state := t.state(); state != nil {
		state.cancel(t.of().whyUnwanted())
	}
}

// The mark isOver was set.
func (t *firstContext) end() {
	if state := t.state(); state != nil {
		state.cancel(context.Canceled)
	}
}

func (t *firstContext) state() *taskState {
	if rest := t.rest.Load(); rest != nil {
		return rest.task.Load()
	}
	return nil
}

// made is the state, made if there is none.
func (t *firstContext) made() *taskState {
	if state := t.state(); state != nil {
		return state
	}
	ctx, cancel := context.WithCancelCause(t.of().parent())
	state := &taskState{ctx, cancel}
	if task := &t.of().more().task; !task.CompareAndSwap(nil, state) {
		cancel(nil)
		return task.Load()
	}
	// Who marks it looks for the state afterwards: one of the two sees the other.
	switch {
	case t.of().has(isUnwanted):
		cancel(t.of().whyUnwanted())
	case t.of().has(isOver):
		cancel(context.Canceled)
	}
	return state
}

func (t *firstContext) Deadline() (time.Time, bool) { return t.of().parent().Deadline() }

func (t *firstContext) Done() <-chan struct{} { return t.made().Done() }

func (t *firstContext) Err() error {
	if t.state() != nil || t.of().has(isUnwanted|isOver) {
		return t.made().Err()
	}
	return t.of().parent().Err()
}

func (t *firstContext) Value(key any) any {
	if key == (taskKey{}) {
		return t
	}
	if t.state() != nil || t.of().has(isUnwanted|isOver) { // context.Cause asks by a key of its own
		return t.made().Value(key)
	}
	return t.of().parent().Value(key)
}

func (t *firstContext) String() string { return "rask.Task" }

// A laterContext is that of a further run: those of the runs before are done, and stay so.
type laterContext struct {
	context.Context
	cancel context.CancelCauseFunc
	core   *core
	number int
}

func (t *laterContext) of() *core      { return t.core }
func (t *laterContext) attempt() int   { return t.number }
func (t *laterContext) interrupt()     { t.cancel(t.core.whyUnwanted()) }
func (t *laterContext) end()           { t.cancel(context.Canceled) }
func (t *laterContext) String() string { return "rask.Task" }

func (t *laterContext) Value(key any) any {
	if key == (taskKey{}) {
		return t
	}
	return t.Context.Value(key)
}

// runOf is the run that the context was given to.
func runOf(ctx context.Context) (runContext, bool) {
	if ctx == nil {
		return nil, false
	}
	t, ok := ctx.Value(taskKey{}).(runContext)
	return t, ok
}

// orBackground has a nil context never end.
func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// A Task is what a Go task can learn about itself by its context.
type Task struct {
	Client  *Client // where it runs, to submit more to; not to be closed from inside
	Key     string  // its future's
	Attempt int     // 1 for the first
}

// TaskFrom tells in which task the context was given; false for any other context.
func TaskFrom(ctx context.Context) (Task, bool) {
	t, ok := runOf(ctx)
	if !ok {
		return Task{}, false
	}
	c := t.of()
	return Task{Client: c.lease.client, Key: c.engine().lane.keyOf(c), Attempt: t.attempt()}, true
}
