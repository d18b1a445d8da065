package rask

import (
	"context"
	"time"
)

// A taskContext is the context that a Go task is given. It is the future's core by another name, so that a task which does not look at
// its context pays nothing for it.
type taskContext core

// A taskState is what it takes when somebody does.
type taskState struct {
	context.Context
	cancel context.CancelCauseFunc
}

type taskKey struct{}

func (t *taskContext) parent() context.Context {
	if t.options != nil && t.options.ctx != nil {
		return t.options.ctx
	}
	return context.Background()
}

func (t *taskContext) Deadline() (time.Time, bool) { return t.parent().Deadline() }

func (t *taskContext) Done() <-chan struct{} {
	if state := t.task.Load(); state != nil {
		return state.Done()
	}
	ctx, cancel := context.WithCancelCause(t.parent())
	state := &taskState{ctx, cancel}
	if !t.task.CompareAndSwap(nil, state) {
		cancel(nil)
		return t.task.Load().Done()
	}
	// Who marks it looks for the state afterwards: one of the two sees the other.
	if t.flags.Load()&(isUnwanted|isOver) != 0 {
		cancel(context.Canceled)
	}
	return state.Done()
}

func (t *taskContext) Err() error {
	if state := t.task.Load(); state != nil {
		return state.Err()
	}
	if t.flags.Load()&(isUnwanted|isOver) != 0 {
		return context.Canceled
	}
	return t.parent().Err()
}

func (t *taskContext) Value(key any) any {
	if key == (taskKey{}) {
		return (*core)(t)
	}
	if state := t.task.Load(); state != nil {
		return state.Value(key)
	}
	return t.parent().Value(key)
}

func (t *taskContext) String() string { return "rask.Task" }

// begin makes the context ready for a run of the task, which may be another attempt.
func (c *core) begin() {
	if c.flags.Load()&(isUnwanted|isOver) != 0 {
		c.flags.And(^uint32(isUnwanted | isOver))
	}
	if c.task.Load() != nil {
		c.task.Store(nil)
	}
}

// end makes the context done, with what the task may have left behind that waits for it.
func (c *core) end() {
	c.flags.Or(isOver)
	if state := c.task.Load(); state != nil {
		state.cancel(context.Canceled)
	}
}

// interrupt tells the running task that nobody wants its result.
func (c *core) interrupt() {
	c.flags.Or(isUnwanted)
	if state := c.task.Load(); state != nil {
		state.cancel(context.Canceled)
	}
}

// A Task is what a Go task can learn about itself by its context.
type Task struct {
	Client  *Client // where it runs, to submit more to; not to be closed from inside
	Key     string  // its future's
	Attempt int     // 1 for the first
}

// TaskFrom tells in which task the context was given; false for any other context.
func TaskFrom(ctx context.Context) (Task, bool) {
	c, ok := ctx.Value(taskKey{}).(*core)
	if !ok {
		return Task{}, false
	}
	return Task{Client: &Client{c.engine}, Key: c.Key(), Attempt: int(c.attempt.Load())}, true
}
