package rask_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"rask.dev/rask"
	"rask.dev/rask/internal/ctasks"
)

// untilCancelled is a task that ends when its context is done.
func untilCancelled(started chan<- struct{}) func(context.Context) (int64, error) {
	return func(ctx context.Context) (int64, error) {
		close(started)
		<-ctx.Done()
		return 0, ctx.Err()
	}
}

func TestTheContextOfResultEndsTheWait(t *testing.T) {
	client := open(t)
	release := make(chan struct{})
	f := rask.Submit(client, func(context.Context) (int64, error) { <-release; return 1, nil })
	ctx, cancel := context.WithCancel(background)
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := f.Result(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(background, time.Millisecond)
	defer cancel()
	if _, err := f.Result(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := rask.Gather(ctx, f, f); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if f.State() != rask.Running {
		t.Error(f.State())
	}
	close(release)
	if v := must(f.Result(background)); v != 1 {
		t.Error(v)
	}
	f.Close()
}

func TestTheContextOfSubmitCancels(t *testing.T) {
	client := open(t)
	cause := errors.New("no longer needed")
	ctx, cancel := context.WithCancelCause(background)
	started := make(chan struct{})
	var inside error
	f := rask.Submit(client, func(ctx context.Context) (int64, error) {
		close(started)
		<-ctx.Done()
		inside = ctx.Err()
		return 0, nil
	}, rask.WithContext(ctx))
	pending := rask.Submit1(client, inc, f)
	<-started
	cancel(cause)
	for _, f := range []*rask.Future[int64]{f, pending} {
		_, err := f.Result(background)
		if !errors.Is(err, rask.ErrCancelled) || !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
			t.Error(err)
		}
		if f.State() != rask.Cancelled {
			t.Error(f.State())
		}
	}
	if err := client.Wait(background); err != nil || inside == nil {
		t.Error(err, inside)
	}
	rask.CloseAll(f, pending)
}

func TestADeadlineOfSubmit(t *testing.T) {
	client := open(t)
	ctx, cancel := context.WithTimeout(background, 5*time.Millisecond)
	defer cancel()
	f := rask.Submit(client, func(ctx context.Context) (int64, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the task does not see the deadline")
		}
		<-ctx.Done()
		return 0, ctx.Err()
	}, rask.WithContext(ctx))
	if _, err := f.Result(background); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	c := rask.SubmitC[struct{}](client, ctasks.Spin, rask.WithContext(ctx))
	if _, err := c.Result(background); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	f.Close()
	c.Close()
}

func TestWhatIsCancelledBeforeNeverRuns(t *testing.T) {
	client := open(t)
	ctx, cancel := context.WithCancel(background)
	cancel()
	ran := false
	task := func(context.Context) (int64, error) { ran = true; return 1, nil }
	f := rask.Submit(client, task, rask.WithContext(ctx))
	fs := rask.Map(client, func(ctx context.Context, _ int) (int64, error) { return task(ctx) }, []int{1, 2, 3}, rask.WithContext(ctx))
	for _, f := range append(fs, f) {
		if _, err := f.Result(background); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		f.Close()
	}
	if err := client.Wait(background); err != nil || ran {
		t.Error(err, ran)
	}
}

func TestMapWithAContext(t *testing.T) {
	client := open(t)
	ctx, cancel := context.WithCancel(background)
	fs := rask.Map(client, func(ctx context.Context, i int) (int, error) {
		if i%2 == 0 {
			return i, nil
		}
		<-ctx.Done()
		return 0, ctx.Err()
	}, []int{0, 1, 2, 3, 4, 5}, rask.WithContext(ctx))
	for i := 0; i < len(fs); i += 2 {
		if v := must(fs[i].Result(background)); v != i {
			t.Error(v)
		}
	}
	cancel()
	for i := 1; i < len(fs); i += 2 {
		if _, err := fs[i].Result(background); !errors.Is(err, rask.ErrCancelled) {
			t.Error(err)
		}
	}
	rask.CloseAll(fs...)
}

func TestCancelTellsTheTask(t *testing.T) {
	client := open(t)
	started := make(chan struct{})
	f := rask.Submit(client, untilCancelled(started))
	<-started
	if err := f.Cancel(); err != nil {
		t.Error(err)
	}
	if err := f.Cancel(); !errors.Is(err, rask.ErrState) {
		t.Error(err)
	}
	if _, err := f.Result(background); !errors.Is(err, rask.ErrCancelled) {
		t.Error(err)
	}
	if err := client.Wait(background); err != nil {
		t.Error(err)
	}
	f.Close()

	cause := errors.New("a reason")
	started = make(chan struct{})
	g := rask.Submit(client, untilCancelled(started))
	<-started
	if err := g.CancelCause(cause); err != nil {
		t.Error(err)
	}
	if _, err := g.Result(background); !errors.Is(err, cause) || !errors.Is(err, rask.ErrCancelled) {
		t.Error(err)
	}
	g.Close()
}

func TestClosingTheLastFutureTellsTheTask(t *testing.T) {
	client := open(t)
	started := make(chan struct{})
	f := rask.Submit(client, untilCancelled(started))
	<-started
	f.Close()
	if err := client.Wait(background); err != nil {
		t.Error(err)
	}
}

func TestWhatATaskLeavesBehindIsTold(t *testing.T) {
	client := open(t)
	left := make(chan error, 1)
	f := rask.Submit(client, func(ctx context.Context) (int64, error) {
		child, cancel := context.WithCancel(ctx)
		go func() {
			defer cancel()
			<-child.Done()
			left <- context.Cause(child)
		}()
		return 1, nil
	})
	if v := must(f.Result(background)); v != 1 {
		t.Error(v)
	}
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	f.Close()
}

func TestWhatATaskKnowsOfItself(t *testing.T) {
	client := open(t)
	type key struct{}
	f := rask.Submit(client, func(ctx context.Context) (string, error) {
		task, ok := rask.TaskFrom(ctx)
		if !ok || task.Attempt < 3 {
			return "", errors.New("again")
		}
		if ctx.Value(key{}) != "value" {
			return "", errors.New("the context's values do not arrive")
		}
		inner := rask.Submit(task.Client, func(context.Context) (string, error) { return "inner", nil })
		defer inner.Close()
		v, err := inner.Result(ctx)
		return task.Key + " " + v, err
	}, rask.WithRetries(2), rask.WithName("self"), rask.WithContext(context.WithValue(background, key{}, "value")))
	if v := must(f.Result(background)); v != f.Key()+" inner" {
		t.Error(v, f.Key())
	}
	if _, ok := rask.TaskFrom(background); ok {
		t.Error("no task runs here")
	}
	f.Close()
}

func TestTheCauseIsInTheTask(t *testing.T) {
	client := open(t)
	cause := errors.New("a reason")
	for _, looks := range []func(context.Context){
		func(ctx context.Context) { <-ctx.Done() },
		func(ctx context.Context) {
			for ctx.Err() == nil {
				runtime.Gosched()
			}
		},
	} {
		for _, options := range [][]rask.Option{nil, {rask.WithContext(t.Context())}} {
			started, seen := make(chan struct{}), make(chan error, 1)
			f := rask.Submit(client, func(ctx context.Context) (int64, error) {
				close(started)
				looks(ctx)
				seen <- errors.Join(ctx.Err(), context.Cause(ctx))
				return 0, nil
			}, options...)
			<-started
			if err := f.CancelCause(cause); err != nil {
				t.Error(err)
			}
			if err := <-seen; !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
				t.Error(err)
			}
			f.Close()
		}
	}
}

func TestACancelThatComesTooLateChangesNoCause(t *testing.T) {
	client := open(t)
	first, second := errors.New("the first"), errors.New("the second")
	ctx, cancel := context.WithCancelCause(background)
	started := make(chan struct{})
	f := rask.Submit(client, untilCancelled(started), rask.WithContext(ctx))
	<-started
	if err := f.CancelCause(first); err != nil {
		t.Error(err)
	}
	cancel(second)
	if err := f.CancelCause(second); !errors.Is(err, rask.ErrState) {
		t.Error(err)
	}
	if _, err := f.Result(background); !errors.Is(err, first) || errors.Is(err, second) {
		t.Error(err)
	}
	f.Close()

	runs := make(chan struct{}, 2)
	g := rask.Submit(client, func(ctx context.Context) (int64, error) { runs <- struct{}{}; <-ctx.Done(); return 0, nil })
	<-runs
	if err := errors.Join(g.CancelCause(first), g.Retry()); err != nil {
		t.Error(err)
	}
	<-runs
	if err := g.Cancel(); err != nil {
		t.Error(err)
	}
	if _, err := g.Result(background); errors.Is(err, first) || !errors.Is(err, rask.ErrCancelled) {
		t.Error("after a retry, the cause of the cancel before:", err)
	}
	g.Close()
}

func TestEachRunHasAContextOfItsOwn(t *testing.T) {
	client := open(t)
	given, release := make(chan context.Context, 3), make(chan struct{})
	f := rask.Submit(client, func(ctx context.Context) (int64, error) {
		given <- ctx
		if task, _ := rask.TaskFrom(ctx); task.Attempt == 1 {
			return 0, errors.New("again")
		}
		select {
		case <-release:
			return 1, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}, rask.WithRetries(1))
	first, second := <-given, <-given
	if task, ok := rask.TaskFrom(first); first.Err() == nil || !ok || task.Attempt != 1 {
		t.Error("the first run is over, its context is", first.Err(), task.Attempt)
	}
	<-first.Done()
	if task, ok := rask.TaskFrom(second); second.Err() != nil || !ok || task.Attempt != 2 {
		t.Error("the second run goes on, its context is", second.Err(), task.Attempt)
	}
	close(release)
	must(f.Result(background))
	<-second.Done()
	f.Close()
}

func TestTheContextOfAClosedFuture(t *testing.T) {
	client := open(t, rask.Options{Workers: 1, Limit: 1})
	ctx, cancel := context.WithCancel(background)
	started, release := make(chan struct{}), make(chan struct{})
	var ran atomic.Int32
	first := rask.Submit(client, func(context.Context) (int64, error) { close(started); <-release; return 1, nil }, rask.WithContext(ctx))
	<-started
	rest := rask.Map(client, func(context.Context, int) (int64, error) { ran.Add(1); return 1, nil }, make([]int, 1000), rask.WithContext(ctx))
	sum := rask.SubmitN(client, func(context.Context, []int64) (int64, error) { return 0, nil }, append(rest, first))
	rask.CloseAll(append(rest, first)...) // the sum needs them
	cancel()
	close(release)
	if _, err := sum.Result(background); !errors.Is(err, context.Canceled) || !errors.Is(err, rask.ErrCancelled) {
		t.Error(err)
	}
	if err := client.Wait(background); err != nil || ran.Load() > 0 {
		t.Error(err, ran.Load())
	}
	sum.Close()
}
