package rask_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rask.dev/rask"
)

type customError struct{ code int }

func (e *customError) Error() string { return "custom" }

func TestWhatATaskPanicsWithIsFound(t *testing.T) {
	client := open(t)
	panics := func(value any) error {
		f := rask.Submit(client, func(context.Context) (int, error) { panic(value) })
		defer f.Close()
		_, err := f.Result(background)
		var panicked *rask.PanicError
		if !errors.As(err, &panicked) || len(panicked.Stack) == 0 || !errors.Is(err, rask.ErrTask) {
			t.Errorf("panic(%v): %v", value, err)
		}
		return err
	}
	var custom *customError
	if err := panics(&customError{7}); !errors.As(err, &custom) || custom.code != 7 {
		t.Error(err)
	}
	var isNil *runtime.PanicNilError
	if err := panics(nil); !errors.As(err, &isNil) {
		t.Error(err)
	}
	panics("words")
	panics(3.5)
	var none []int
	f := rask.Submit(client, func(context.Context) (int, error) { return none[5], nil })
	g := rask.Submit1(client, func(_ context.Context, x int) (int, error) { return x, nil }, f)
	_, err := g.Result(background)
	var failed runtime.Error
	if !errors.As(err, &failed) || !strings.Contains(failed.Error(), "out of range") {
		t.Error(err)
	}
	rask.CloseAll(f, g)
}

func TestWaitsThatCouldNeverEnd(t *testing.T) {
	client := open(t)
	own := make(chan *rask.Future[int64], 1)
	f := rask.Submit(client, func(ctx context.Context) (int64, error) { return (<-own).Result(ctx) })
	own <- f
	if _, err := f.Result(background); !errors.Is(err, rask.ErrDeadlock) {
		t.Error("its own: ", err)
	}
	g := rask.Submit(client, func(ctx context.Context) (int64, error) { return (<-own).Result(ctx) })
	h := rask.Submit1(client, inc, g)
	own <- h
	if _, err := h.Result(background); !errors.Is(err, rask.ErrDeadlock) {
		t.Error("of a dependent: ", err)
	}
	// Two wait for each other: one of them is told, and the other has its answer.
	left, right := make(chan *rask.Future[int64], 1), make(chan *rask.Future[int64], 1)
	a := rask.Submit(client, func(ctx context.Context) (int64, error) { return (<-left).Result(ctx) })
	b := rask.Submit(client, func(ctx context.Context) (int64, error) { return (<-right).Result(ctx) })
	left <- b
	right <- a
	_, errA := a.Result(background)
	_, errB := b.Result(background)
	if !errors.Is(errA, rask.ErrDeadlock) || !errors.Is(errB, rask.ErrDeadlock) {
		t.Error("of two: ", errA, errB)
	}
	// By Gather and Wait too.
	all := make(chan []*rask.Future[int64], 1)
	c := rask.Submit(client, func(ctx context.Context) (int64, error) {
		fs := <-all
		if err := rask.Wait(ctx, fs...); !errors.Is(err, rask.ErrDeadlock) {
			return 0, errors.New("Wait did not find it")
		}
		_, err := rask.Gather(ctx, fs...)
		return 0, err
	})
	many := []*rask.Future[int64]{c}
	for range 100 {
		many = append(many, rask.Submit1(client, inc, c))
	}
	all <- many
	if _, err := c.Result(background); !errors.Is(err, rask.ErrDeadlock) {
		t.Error("of many: ", err)
	}
	rask.CloseAll(many...)
	rask.CloseAll(f, g, h, a, b)
}

func TestRecursionBeyondTheLimit(t *testing.T) {
	client := open(t, rask.Options{Workers: 2, Limit: 2})
	var fib func(ctx context.Context, n int64) (int64, error)
	fib = func(ctx context.Context, n int64) (int64, error) {
		if n < 2 {
			return n, nil
		}
		a := rask.Submit1(client, fib, rask.Value(n-1))
		b := rask.Submit1(client, fib, rask.Value(n-2))
		defer rask.CloseAll(a, b)
		values, err := rask.Gather(ctx, a, b)
		if err != nil {
			return 0, err
		}
		return values[0] + values[1], nil
	}
	f := rask.Submit1(client, fib, rask.Value(int64(12)))
	if v, err := f.Result(background); v != 144 || err != nil {
		t.Error(v, err)
	}
	f.Close()
}

func TestValuesAtTheEdges(t *testing.T) {
	client := open(t)
	same := func(_ context.Context, x int64) (int64, error) { return x, nil }
	for _, x := range []int64{math.MinInt64, -1, 0, math.MaxInt64} {
		f := rask.Submit1(client, same, rask.Value(x))
		g := rask.Submit1(client, same, f)
		if v, err := g.Result(background); v != x || err != nil {
			t.Error(x, v, err)
		}
		rask.CloseAll(f, g)
	}
	for _, x := range []float64{math.NaN(), math.Inf(-1), math.Copysign(0, -1), math.SmallestNonzeroFloat64} {
		f := rask.Submit(client, func(context.Context) (float64, error) { return x, nil })
		if v, err := f.Result(background); math.Float64bits(v) != math.Float64bits(x) || err != nil {
			t.Error(x, v, err)
		}
		f.Close()
	}
	size := 100 << 20
	if testing.Short() {
		size = 1 << 20
	}
	for _, x := range [][]byte{nil, {}, bytes.Repeat([]byte{0}, size)} {
		f := rask.Submit(client, func(context.Context) ([]byte, error) { return x, nil })
		if v, err := f.Result(background); !bytes.Equal(v, x) || err != nil {
			t.Error(len(x), len(v), err)
		}
		f.Close()
	}
	for _, x := range []string{"", "a\x00b", "\xff\xfe\xfd", strings.Repeat("å", 10_000)} {
		f := rask.Submit(client, func(context.Context) (string, error) { return x, nil })
		if v, err := f.Result(background); v != x || err != nil {
			t.Errorf("%q: %q %v", x, v, err)
		}
		f.Close()
		g := rask.Submit(client, func(context.Context) (int, error) { return 0, errors.New(x) })
		if _, err := g.Result(background); err == nil || !errors.Is(err, rask.ErrTask) {
			t.Errorf("error %q: %v", x, err)
		}
		g.Close()
	}
}

func TestMisuse(t *testing.T) {
	client := open(t)
	var zero rask.Future[int64]
	if _, err := zero.Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	if err := zero.Cancel(); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	if err := zero.Close(); err != nil {
		t.Error(err)
	}
	<-zero.Done()
	var none *rask.Future[int64]
	if _, err := none.Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	if _, err := rask.Gather(background, &zero); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	if _, err := rask.Gather(background, none); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	if _, err := rask.Submit1(client, inc, &zero).Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	if fs := rask.Map[int64, int64](client, nil, []int64{1, 2}); len(fs) != 2 {
		t.Error(fs)
	} else if _, err := fs[1].Result(background); !errors.Is(err, rask.ErrInvalid) {
		t.Error(err)
	}
	if fs := rask.Map(client, inc, nil); len(fs) != 0 {
		t.Error(fs)
	}
	if values, err := rask.Gather[int64](background); len(values) != 0 || err != nil {
		t.Error(values, err)
	}
	if err := rask.Wait[*rask.Future[int64]](background); err != nil {
		t.Error(err)
	}
	for range rask.AsCompleted[*rask.Future[int64]]() {
		t.Error("nothing is completed")
	}

	other, err := rask.Open(rask.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	f := rask.Submit(other, func(context.Context) (int64, error) { return 1, nil })
	g := rask.Submit1(client, inc, f)
	if _, err := g.Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error("of two clients: ", err)
	}
	h := rask.Submit1(client.NewBatch(), inc, f)
	if _, err := h.Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error("of two clients, in a batch: ", err)
	}
	if v, err := f.Result(background); v != 1 || err != nil {
		t.Error(v, err)
	}
	rask.CloseAll(f, g, h)
	if err := errors.Join(other.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if _, err := rask.Submit(other, func(context.Context) (int64, error) { return 1, nil }).Result(background); !errors.Is(err, rask.ErrClosed) {
		t.Error(err)
	}
	if _, err := rask.Map(other, inc, []int64{1})[0].Result(background); !errors.Is(err, rask.ErrClosed) {
		t.Error(err)
	}
}

func TestAMillionItems(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	client := open(t)
	items := make([]int64, n)
	for i := range items {
		items[i] = int64(i)
	}
	fs := rask.Map(client, inc, items)
	values, err := rask.Gather(background, fs...)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if v != int64(i)+1 {
			t.Fatal(i, v)
		}
	}
	rask.CloseAll(fs...)
}

func TestGatherOfVeryManyEndsWithTheFirstError(t *testing.T) {
	client := open(t)
	release := make(chan struct{})
	wrong := errors.New("wrong")
	items := make([]int, 3000)
	items[0], items[1] = 1, 2
	fs := rask.Map(client, func(ctx context.Context, x int) (int, error) {
		switch x {
		case 1:
			<-release
		case 2:
			time.Sleep(5 * time.Millisecond)
			return 0, wrong
		}
		return x, nil
	}, items)
	_, err := rask.Gather(background, fs...)
	if !errors.Is(err, wrong) {
		t.Error(err)
	}
	close(release)
	if err := rask.Wait(background, fs...); err != nil {
		t.Error(err)
	}
	rask.CloseAll(fs...)
}

func TestAsCompletedMayBeLeft(t *testing.T) {
	client := open(t)
	fs := rask.Map(client, inc, make([]int64, 100))
	for range 50 {
		seen := 0
		for range rask.AsCompleted(fs...) {
			if seen++; seen == 3 {
				break
			}
		}
	}
	rask.CloseAll(fs...)
}

func TestRetriesAndCancelsOfManyTasks(t *testing.T) {
	client := open(t)
	var runs atomic.Int64
	fs := make([]*rask.Future[int64], 200)
	for i := range fs {
		fs[i] = rask.Submit(client, func(context.Context) (int64, error) {
			if runs.Add(1)%2 == 0 {
				return 0, errors.New("every second run")
			}
			return int64(i), nil
		}, rask.WithRetries(50))
	}
	values, err := rask.Gather(background, fs...)
	for i, v := range values {
		if v != int64(i) {
			t.Error(i, v)
		}
	}
	if err != nil {
		t.Error(err)
	}
	if err := fs[0].Cancel(); !errors.Is(err, rask.ErrState) {
		t.Error("cancelled although finished: ", err)
	}
	if err := fs[0].Retry(); !errors.Is(err, rask.ErrState) {
		t.Error("retried although finished: ", err)
	}
	if state := fs[0].State(); state != rask.Finished {
		t.Error(state)
	}
	rask.CloseAll(fs...)
	if _, err := fs[0].Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
}

func TestSixArguments(t *testing.T) {
	client := open(t)
	x := rask.Submit(client, func(context.Context) (int64, error) { return 1, nil })
	sum5 := func(_ context.Context, a, b, c, d, e int64) (int64, error) { return a + b + c + d + e, nil }
	sum6 := func(_ context.Context, a, b, c, d, e, f int64) (int64, error) { return a + b + c + d + e + f, nil }
	five := rask.Submit5(client, sum5, x, x, rask.Value(int64(10)), x, x)
	six := rask.Submit6(client, sum6, x, five, x, x, rask.Value(int64(100)), x)
	if v, err := six.Result(background); v != 118 || err != nil {
		t.Error(v, err)
	}
	rask.CloseAll(x, five, six)
}
