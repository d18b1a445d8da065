package rask_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rask.dev/rask"
	"rask.dev/rask/internal/ctasks"
)

// gated are n tasks that wait, each for a value of its own channel: what it returns, or an error if that is negative.
func gated(client *rask.Client, n int) ([]*rask.Future[int], []chan int) {
	fs, gates := make([]*rask.Future[int], n), make([]chan int, n)
	for i := range fs {
		gate := make(chan int, 1)
		gates[i] = gate
		fs[i] = rask.Submit(client, func(ctx context.Context) (int, error) {
			select {
			case v := <-gate:
				if v < 0 {
					return 0, &myError{v}
				}
				return v, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		})
	}
	return fs, gates
}

func TestGatherEndsWithTheFirstError(t *testing.T) {
	for _, n := range []int{3, 100} { // by the watcher, and by the engine
		client := open(t)
		fs, gates := gated(client, n)
		gates[n-1] <- -5
		_, err := rask.Gather(background, fs...)
		var mine *myError
		if !errors.As(err, &mine) || mine.n != -5 {
			t.Error(err)
		}
		rask.CloseAll(fs...)
	}
}

func TestGatherIsEndedByItsContext(t *testing.T) {
	for _, n := range []int{3, 100} {
		client := open(t)
		fs, _ := gated(client, n)
		ctx, cancel := context.WithTimeout(background, 10*time.Millisecond)
		if _, err := rask.Gather(ctx, fs...); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := rask.Wait(ctx, fs...); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		cancel()
		rask.CloseAll(fs...)
	}
}

func TestGatherAll(t *testing.T) {
	client := open(t)
	fs, gates := gated(client, 4)
	for i, gate := range gates {
		gate <- i - 1
	}
	values, errs, err := rask.GatherAll(background, fs...)
	if err != nil || errs[0] == nil || errs[1] != nil || values[3] != 2 {
		t.Error(values, errs, err)
	}
	if values, err := rask.Gather[int](background); len(values) != 0 || err != nil {
		t.Error(values, err)
	}
	rask.CloseAll(fs...)
}

func TestWaitUntil(t *testing.T) {
	for _, n := range []int{4, 100} {
		client := open(t)
		fs, gates := gated(client, n)
		gates[2] <- 1
		done, err := rask.WaitUntil(background, rask.FirstCompleted, fs...)
		if err != nil || !done[2] || done[0] {
			t.Error(done, err)
		}
		gates[1] <- -1
		done, err = rask.WaitUntil(background, rask.FirstError, fs...)
		if err != nil || !done[1] || done[0] {
			t.Error(done, err)
		}
		ctx, cancel := context.WithTimeout(background, time.Millisecond)
		done, err = rask.WaitUntil(ctx, rask.AllCompleted, fs...)
		if !errors.Is(err, context.DeadlineExceeded) || !done[1] || done[0] {
			t.Error(done, err)
		}
		cancel()
		for i, gate := range gates {
			if i != 1 && i != 2 {
				gate <- i
			}
		}
		if done, err = rask.WaitUntil(background, rask.AllCompleted, fs...); err != nil || !done[0] {
			t.Error(done, err)
		}
		if _, err := rask.WaitUntil(background, 9, fs...); !errors.Is(err, rask.ErrInvalid) {
			t.Error(err)
		}
		rask.CloseAll(fs...)
	}
}

func TestAsCompleted(t *testing.T) {
	client := open(t)
	fs, gates := gated(client, 5)
	order := []int{3, 0, 4, 2, 1}
	gates[order[0]] <- 10 * order[0]
	next := 1
	for i, f := range rask.AsCompleted(fs...) {
		if i != order[next-1] {
			t.Fatal("got", i, "want", order[next-1])
		}
		if v := must(f.Result(background)); v != 10*i {
			t.Error(v)
		}
		if next < len(order) {
			gates[order[next]] <- 10 * order[next]
		}
		next++
	}
	if next != 6 {
		t.Error(next)
	}
	for range rask.AsCompleted(fs[0], fs[0]) {
		next++
	}
	if next != 8 {
		t.Error("the same future twice", next)
	}
	for range rask.AsCompleted(fs...) {
		break
	}
	for range rask.AsCompleted[*rask.Future[int]]() {
		t.Error("nothing to range over")
	}
	rask.CloseAll(fs...)
}

func TestMixedFutures(t *testing.T) {
	client, other := open(t), open(t)
	a := rask.Submit(client, func(context.Context) (string, error) { return "a", nil })
	b := rask.SubmitC[int64](other, ctasks.Inc, 1)
	if err := rask.Wait[rask.AnyFuture](background, a, b); err != nil {
		t.Error(err)
	}
	foreign := rask.SubmitC[int64](client, ctasks.Inc, b)
	if _, err := foreign.Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	n := 0
	for range rask.AsCompleted[rask.AnyFuture](a, b) {
		n++
	}
	if n != 2 {
		t.Error(n)
	}
	rask.CloseAll[rask.AnyFuture](a, b, foreign)
}

func TestDone(t *testing.T) {
	client := open(t)
	fs, gates := gated(client, 2)
	select {
	case <-fs[0].Done():
		t.Error("not yet")
	case <-time.After(time.Millisecond):
	}
	if fs[0].Done() != fs[0].Done() {
		t.Error("two channels for one end")
	}
	gates[0] <- 1
	<-fs[0].Done()
	<-fs[0].Done()
	rask.CloseAll(fs...)
}

func TestProgress(t *testing.T) {
	client := open(t)
	fs := rask.Map(client, inc, make([]int64, 10))
	if err := rask.Progress("ten", fs...); err != nil {
		t.Error(err)
	}
	must(rask.Gather(background, fs...))
	rask.CloseAll(fs...)
	if err := rask.Progress("closed", fs...); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
}
