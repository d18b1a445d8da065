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
	if rest := t.rest.Load(); rest != nil && rest.ctx != nil {
		return rest.ctx
	}
	return context.Background()
}

func (t *taskContext) state() *taskState {
	if rest := t.rest.Load(); rest != nil {
		return rest.task.Load()
	}
	return nil
}

func (t *taskContext) Deadline() (time.Time, bool) { return t.parent().Deadline() }

func (t *taskContext) Done() <-chan struct{} {
	if state := t.state(); state != nil {
		return state.Done()
	}
	ctx, cancel := context.WithCancelCause(t.parent())
	state := &taskState{ctx, cancel}
	if task := &(*core)(t).more().task; !task.CompareAndSwap(nil, state) {
		cancel(nil)
		return task.Load().Done()
	}
	// Who marks it looks for the state afterwards: one of the two sees the other.
	if t.word.Load()&(isUnwanted|isOver) != 0 {
		cancel(context.Canceled)
	}
	return state.Done()
}

func (t *taskContext) Err() error {
	if state := t.state(); state != nil {
		return state.Err()
	}
	if t.word.Load()&(isUnwanted|isOver) != 0 {
		return context.Canceled
	}
	return t.parent().Err()
}

func (t *taskContext) Value(key any) any {
	if key == (taskKey{}) {
		return (*core)(t)
	}
	if state := t.state(); state != nil {
		return state.Value(key)
	}
	return t.parent().Value(key)
}

func (t *taskContext) String() string { return "rask.Task" }

// begin makes the context ready for a run of the task.
func (c *core) begin(attempt uint32) {
	if attempt == 1 && c.rest.Load() == nil && !c.has(isUnwanted|isOver) {
		return // as it was made
	}
	c.word.And(^uint32(isUnwanted | isOver))
	rest := c.more()
	rest.attempt.Store(attempt)
	rest.task.Store(nil)
}

// end makes the context done, with what the task may have left behind that waits for it. The mark isOver was set.
func (c *core) end() {
	if state := (*taskContext)(c).state(); state != nil {
		state.cancel(context.Canceled)
	}
}

// interrupt tells the running task that nobody wants its result.
func (c *core) interrupt() {
	c.word.Or(isUnwanted)
	c.end()
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
	return Task{Client: c.lease.client, Key: c.engine().lane.keyOf(c), Attempt: c.attempt()}, true
}

func (c *core) attempt() int {
	if rest := c.rest.Load(); rest != nil {
		return max(1, int(rest.attempt.Load()))
	}
	return 1
}
