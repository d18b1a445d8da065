package rask_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rask.dev/rask"
)

func TestTasksThatBlockDoNotStarveOthers(t *testing.T) {
	client := open(t, rask.Options{Workers: 1})
	const n = 50
	var barrier sync.WaitGroup // none returns before all run
	barrier.Add(n)
	fs := rask.Map(client, func(context.Context, int) (int, error) {
		barrier.Done()
		barrier.Wait()
		return 1, nil
	}, make([]int, n))
	if values := must(rask.Gather(background, fs...)); len(values) != n {
		t.Error(len(values))
	}
	rask.CloseAll(fs...)
}

func TestResultsAreNotHeldUpByATaskThatBlocks(t *testing.T) {
	client := open(t, rask.Options{Workers: 1})
	release := make(chan struct{})
	// In one batch, after small ones have taught the puller to take many at a time.
	warm := rask.Map(client, inc, make([]int64, 5000))
	must(rask.Gather(background, warm...))
	batch := client.NewBatch()
	before := rask.Submit1(batch, inc, rask.Value(int64(1)))
	blocks := rask.Submit(batch, func(context.Context) (int64, error) { <-release; return 1, nil })
	after := rask.Submit1(batch, inc, rask.Value(int64(2)))
	batch.Send()
	if v := must(before.Result(background)) + must(after.Result(background)); v != 5 {
		t.Error(v)
	}
	close(release)
	must(blocks.Result(background))
	rask.CloseAll(before, blocks, after)
	rask.CloseAll(warm...)
}

func TestTheLimitHolds(t *testing.T) {
	const limit = 3
	client := open(t, rask.Options{Workers: 2, Limit: limit})
	var now, most atomic.Int32
	fs := rask.Map(client, func(context.Context, int) (int, error) {
		n := now.Add(1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
		return 0, nil
	}, make([]int, 40))
	must(rask.Gather(background, fs...))
	if m := most.Load(); m > limit || m < 2 {
		t.Error("tasks at a time:", m)
	}
	rask.CloseAll(fs...)
}

// fib waits inside tasks for tasks, which is no reason to stop, whatever the limit.
func fib(ctx context.Context, n int) (int, error) {
	if n < 2 {
		return n, nil
	}
	task, _ := rask.TaskFrom(ctx)
	a := rask.Submit1(task.Client, fib, rask.Value(n-1))
	b := rask.Submit1(task.Client, fib, rask.Value(n-2))
	defer rask.CloseAll(a, b)
	values, err := rask.Gather(ctx, a, b)
	if err != nil {
		return 0, err
	}
	return values[0] + values[1], nil
}

func TestWaitingInsideTasks(t *testing.T) {
	for _, o := range []rask.Options{{Workers: 1, Limit: 1}, {Workers: 2}, {Workers: 4, Limit: 2}} {
		client := open(t, o)
		f := rask.Submit1(client, fib, rask.Value(12))
		if v := must(f.Result(background)); v != 144 {
			t.Error(v)
		}
		f.Close()
	}
}

func TestManyGoroutinesSubmit(t *testing.T) {
	client := open(t)
	var group sync.WaitGroup
	for g := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			batch := client.NewBatch()
			for i := range 300 {
				var on rask.Submitter = client
				if i%2 == 0 {
					on = batch
				}
				x := rask.Submit(on, func(context.Context) (int64, error) { return int64(g), nil })
				y := rask.Submit2(on, add, x, rask.Value(int64(i)))
				if v, err := y.Result(background); err != nil || v != int64(g+i) {
					t.Error(v, err)
				}
				rask.CloseAll(x, y)
			}
		}()
	}
	group.Wait()
}

func TestCancelRaces(t *testing.T) {
	client := open(t)
	for i := range 300 {
		f := rask.Submit(client, func(ctx context.Context) (int64, error) {
			select {
			case <-ctx.Done():
			default:
			}
			return 1, nil
		})
		g := rask.Submit1(client, inc, f)
		go func() { _ = f.Cancel() }()
		if i%2 == 0 {
			go g.Close()
		}
		_, _ = g.Result(background)
		_, _ = f.Result(background)
		_ = f.Retry()
		rask.CloseAll(f, g)
	}
}

func TestCloseWhileTasksRun(t *testing.T) {
	for range 20 {
		client, err := rask.Open(rask.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		started := make(chan struct{})
		running := rask.Submit(client, func(context.Context) (int64, error) {
			close(started)
			time.Sleep(time.Millisecond)
			return 1, nil
		})
		waiting := rask.Map(client, inc, make([]int64, 100))
		dependent := rask.Submit1(client, inc, running)
		<-started
		var group sync.WaitGroup
		for range 2 {
			group.Add(1)
			go func() {
				defer group.Done()
				if err := client.Close(); err != nil {
					t.Error(err)
				}
			}()
		}
		group.Wait()
		if v := must(running.Result(background)); v != 1 {
			t.Error("what runs is waited for", v)
		}
		for _, f := range append(waiting, dependent) {
			if s := f.State(); s != rask.Cancelled && s != rask.Finished {
				t.Error(s)
			}
		}
		rask.CloseAll(append(waiting, running, dependent)...)
	}
}

func TestCloseInsideATask(t *testing.T) {
	client := open(t)
	f := rask.Submit(client, func(context.Context) (int64, error) { return 0, client.Close() })
	if _, err := f.Result(background); !errors.Is(err, rask.ErrState) {
		t.Error(err)
	}
	f.Close()
}

func TestWhatATaskLeavesBehindMayWait(t *testing.T) {
	client := open(t)
	done := make(chan struct{})
	f := rask.Submit(client, func(ctx context.Context) (int64, error) {
		g := rask.Submit(client, func(context.Context) (int64, error) { time.Sleep(2 * time.Millisecond); return 2, nil })
		go func() { // waits by the context of a task that has returned
			defer close(done)
			_, _ = g.Result(ctx)
			g.Close()
		}()
		return 1, nil
	})
	must(f.Result(background))
	<-done
	f.Close()
}

func TestAForgottenClientGoesOnForItsFutures(t *testing.T) {
	before := rask.LiveHandles()
	f, g := func() (*rask.Future[int64], *rask.Future[int64]) {
		client := must(rask.Open(rask.Options{Workers: 1}))
		f := rask.Submit(client, func(context.Context) (int64, error) { time.Sleep(20 * time.Millisecond); return 1, nil })
		return f, rask.Submit1(client, inc, f)
	}()
	for range 5 {
		collect()
	}
	if v := must(g.Result(background)); v != 2 {
		t.Error(v)
	}
	rask.CloseAll(f, g)
	f, g = nil, nil
	eventually(t, "the client is closed", func() bool { collect(); return rask.LiveHandles() == before })
}

func TestWhatIsCancelledInABatchIsNotBegun(t *testing.T) {
	client := open(t, rask.Options{Workers: 1, Limit: 1})
	warm := rask.Map(client, inc, make([]int64, 5000))
	must(rask.Gather(background, warm...))
	rask.CloseAll(warm...)
	started, release := make(chan struct{}), make(chan struct{})
	var ran atomic.Int32
	batch := client.NewBatch()
	first := rask.Submit(batch, func(context.Context) (int64, error) { close(started); <-release; return 1, nil })
	second := rask.Submit(batch, func(ctx context.Context) (int64, error) {
		ran.Add(1)
		<-ctx.Done() // for ever, if it is not told
		return 1, nil
	})
	batch.Send()
	<-started
	if err := second.Cancel(); err != nil {
		t.Error(err)
	}
	close(release)
	if err := client.Wait(background); err != nil {
		t.Error(err)
	}
	rask.CloseAll(first, second)
}

// Whatever it waits with: also with a context that tells nothing of the task.
func TestEveryWaitInsideATaskMakesRoom(t *testing.T) {
	client, other := open(t, rask.Options{Workers: 1, Limit: 1}), open(t, rask.Options{Workers: 1})
	for name, wait := range map[string]func(fs []*rask.Future[int64]) error{
		"Result": func(fs []*rask.Future[int64]) error { _, err := fs[0].Result(background); return err },
		"Gather": func(fs []*rask.Future[int64]) error { _, err := rask.Gather(background, fs...); return err },
		"Wait":   func(fs []*rask.Future[int64]) error { return rask.Wait(background, fs...) },
		"AsCompleted": func(fs []*rask.Future[int64]) error {
			rask.AsCompleted(fs...)(func(int, *rask.Future[int64]) bool { return true })
			return nil
		},
	} {
		for _, n := range []int{1, 100} {
			f := rask.Submit(client, func(context.Context) (int64, error) {
				fs := rask.Map(client, inc, make([]int64, n))
				defer rask.CloseAll(fs...)
				return 1, wait(fs)
			})
			if v, err := f.Result(background); v != 1 || err != nil {
				t.Error(name, n, v, err)
			}
			f.Close()
		}
	}
	own := make(chan *rask.Future[int64], 1)
	f := rask.Submit(client, func(context.Context) (int64, error) { return (<-own).Result(background) })
	own <- f
	if _, err := f.Result(background); !errors.Is(err, rask.ErrDeadlock) {
		t.Error("for itself:", err)
	}
	g := rask.Submit(other, func(context.Context) (int64, error) {
		h := rask.Submit1(client, inc, rask.Value(int64(1)))
		defer h.Close()
		return h.Result(background)
	})
	if v, err := g.Result(background); v != 2 || err != nil {
		t.Error("for another client's:", v, err)
	}
	rask.CloseAll(f, g)
}

func TestAClientOfATask(t *testing.T) {
	client := open(t)
	f := rask.Submit(client, func(ctx context.Context) (int64, error) {
		own, err := rask.Open(rask.Options{Workers: 1})
		if err != nil {
			return 0, err
		}
		g := rask.Submit(own, func(context.Context) (int64, error) { return 2, nil })
		v, err := g.Result(ctx)
		g.Close()
		return v, errors.Join(err, own.Wait(ctx), own.Close())
	})
	if v, err := f.Result(background); v != 2 || err != nil {
		t.Error(v, err)
	}
	f.Close()
	for _, given := range []func(context.Context) context.Context{
		func(ctx context.Context) context.Context { return ctx },
		func(context.Context) context.Context { return background },
	} {
		f := rask.Submit(client, func(ctx context.Context) (int64, error) { return 0, client.Wait(given(ctx)) })
		if _, err := f.Result(background); !errors.Is(err, rask.ErrDeadlock) {
			t.Error(err)
		}
		f.Close()
	}
}
