package rask_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rask.dev/rask"
	"rask.dev/rask/internal/ctasks"
)

type myError struct{ n int }

func (e *myError) Error() string { return fmt.Sprint("my error ", e.n) }

func TestErrorsKeepTheirIdentity(t *testing.T) {
	client := open(t)
	f := rask.Submit(client, func(context.Context) (int64, error) { return 0, fmt.Errorf("reading: %w", &myError{7}) })
	g := rask.Submit1(client, inc, f)
	c := rask.SubmitC[int64](client, ctasks.Inc, g)
	h := rask.Submit1(client, inc, c)
	all := rask.SubmitN(client, func(context.Context, []int64) (int64, error) { return 0, nil }, []*rask.Future[int64]{g, h})
	last := rask.Submit1(client, inc, all)
	key := f.Key()
	rask.CloseAll(f, g, c, h, all) // whoever depends on them knows all the same
	collect()
	_, err := last.Result(background)
	var mine *myError
	var e *rask.Error
	switch {
	case !errors.As(err, &mine) || mine.n != 7:
		t.Error("not found:", err)
	case !errors.As(err, &e) || e.Status != rask.ErrTask || e.Origin != key || e.Attempts != 1 || e.Message != "reading: my error 7":
		t.Errorf("%+v", e)
	case !errors.Is(err, rask.ErrTask) || errors.Is(err, rask.ErrCancelled):
		t.Error(err)
	}
	last.Close()
}

func TestManyErrors(t *testing.T) {
	client := open(t)
	items := make([]int, 1000)
	for i := range items {
		items[i] = i
	}
	fs := rask.Map(client, func(_ context.Context, i int) (int, error) { return 0, &myError{i} }, items)
	dependents := rask.MapC[int64](client, ctasks.Inc, fs)
	for i, f := range dependents {
		_, err := f.Result(background)
		var mine *myError
		if !errors.As(err, &mine) || mine.n != i {
			t.Fatal(i, err)
		}
	}
	rask.CloseAll(fs...)
	rask.CloseAll(dependents...)
}

func TestErrorsOfCTasks(t *testing.T) {
	client := open(t)
	f := rask.SubmitC[int64](client, ctasks.Fail, 42, "no such thing")
	g := rask.Submit1(client, inc, f)
	_, err := g.Result(background)
	var e *rask.Error
	if !errors.As(err, &e) || e.Code != 42 || e.Message != "no such thing" || !errors.Is(err, rask.ErrTask) {
		t.Error(err)
	}
	if !strings.Contains(err.Error(), f.Key()) {
		t.Error("does not say where it began:", err)
	}
	coded := rask.Submit(client, func(context.Context) (int64, error) { return 0, rask.Fail(7, "of Go") })
	through := rask.SubmitC[int64](client, ctasks.Inc, coded)
	if _, err := through.Result(background); !errors.As(err, &e) || e.Code != 7 || e.Message != "of Go" {
		t.Error(err)
	}
	rask.CloseAll(f, g, coded, through)
}

func TestAPanicIsAnErrorWithItsStack(t *testing.T) {
	client := open(t)
	f := rask.Submit(client, func(context.Context) (int64, error) { panic("oh no") })
	c := rask.SubmitC[int64](client, ctasks.Inc, f)
	_, err := c.Result(background)
	var p *rask.PanicError
	var e *rask.Error
	if !errors.As(err, &p) || p.Value != "oh no" || !strings.Contains(string(p.Stack), "TestAPanicIsAnErrorWithItsStack") {
		t.Error(err)
	}
	if !errors.As(err, &e) || e.Message != "panic: oh no" {
		t.Errorf("what C reads: %q", e.Message)
	}
	g := rask.Submit(client, func(context.Context) (int64, error) { panic(io.ErrUnexpectedEOF) })
	if _, err := g.Result(background); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	var null *myError
	h := rask.Submit(client, func(context.Context) (int, error) { return null.n, nil })
	var r runtime.Error
	if _, err := h.Result(background); !errors.As(err, &r) {
		t.Error(err)
	}
	fs := rask.Map(client, func(_ context.Context, i int) (int, error) { panic(i) }, []int{1, 2})
	if _, err := rask.Gather(background, fs...); !errors.As(err, &p) {
		t.Error(err)
	}
	rask.CloseAll[rask.AnyFuture](f, c, g, h)
	rask.CloseAll(fs...)
}

func TestGoexitIsAnError(t *testing.T) {
	client := open(t, rask.Options{Workers: 1})
	fs := rask.Map(client, func(_ context.Context, i int) (int, error) {
		if i%3 == 1 {
			runtime.Goexit()
		}
		return i, nil
	}, make([]int, 10))
	for range 10 {
		f := rask.Submit(client, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil })
		if _, err := f.Result(background); !errors.Is(err, rask.ErrGoexit) {
			t.Error(err)
		}
		f.Close()
	}
	must(rask.Gather(background, fs...))
	rask.CloseAll(fs...)
}

func TestRetries(t *testing.T) {
	client := open(t)
	var runs atomic.Int32
	f := rask.Submit(client, func(context.Context) (int64, error) {
		if n := runs.Add(1); n < 4 {
			return 0, &myError{int(n)}
		}
		return 9, nil
	}, rask.WithRetries(2), rask.WithRetryDelay(time.Millisecond))
	g := rask.Submit1(client, inc, f)
	c := rask.SubmitC[int64](client, ctasks.Inc, g)
	_, err := c.Result(background)
	var mine *myError
	var e *rask.Error
	if !errors.As(err, &mine) || mine.n != 3 || !errors.As(err, &e) || e.Attempts != 3 {
		t.Error(err)
	}
	done := g.Done()
	<-done
	if err := c.Retry(); err != nil {
		t.Error(err)
	}
	if v := must(c.Result(background)); v != 11 {
		t.Error(v)
	}
	<-g.Done()
	if v := must(f.Result(background)); v != 9 {
		t.Error(v)
	}
	if err := c.Retry(); !errors.Is(err, rask.ErrState) {
		t.Error(err)
	}
	rask.CloseAll(f, g, c)
}

func TestRetryAfterTheRootWasClosed(t *testing.T) {
	client := open(t)
	var fails atomic.Bool
	fails.Store(true)
	f := rask.Submit(client, func(context.Context) (int64, error) {
		if fails.Load() {
			return 0, &myError{1}
		}
		return 1, nil
	})
	g := rask.Submit1(client, inc, f)
	f.Close()
	if _, err := g.Result(background); err == nil {
		t.Error("no error")
	}
	fails.Store(false)
	collect()
	if err := g.Retry(); err != nil {
		t.Error(err)
	}
	if v := must(g.Result(background)); v != 2 {
		t.Error(v)
	}
	g.Close()
}

func TestStatusesHaveNames(t *testing.T) {
	if rask.ErrCancelled.Error() != "RASK_E_CANCELLED" {
		t.Error(rask.ErrCancelled)
	}
	err := &rask.Error{Status: rask.ErrTimeout}
	if err.Error() == "" || !errors.Is(err, rask.ErrTimeout) || errors.Is(err, rask.ErrTask) {
		t.Error(err)
	}
}
