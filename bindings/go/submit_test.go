package rask_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"rask.dev/rask"
)

func TestSubmitAndPassFuturesOn(t *testing.T) {
	client := open(t)
	x := rask.Submit(client, func(context.Context) (int64, error) { return 1, nil })
	y := rask.Submit1(client, inc, x)
	z := rask.Submit2(client, add, x, y)
	if v, err := z.Result(background); v != 3 || err != nil {
		t.Fatal(v, err)
	}
	if z.State() != rask.Finished || z.State().String() != "finished" || z.Key() == "" {
		t.Error(z.State(), z.Key())
	}
	rask.CloseAll(x, y, z)
}

func TestArgumentsOfAllArities(t *testing.T) {
	client := open(t)
	one := rask.Scatter(client, "1")
	defer one.Close()
	fs := []*rask.Future[string]{
		rask.Submit1(client, func(_ context.Context, a string) (string, error) { return a, nil }, one),
		rask.Submit2(client, func(_ context.Context, a string, b int) (string, error) { return fmt.Sprint(a, b), nil }, one, rask.Value(2)),
		rask.Submit3(client, func(_ context.Context, a string, b int, c float64) (string, error) { return fmt.Sprint(a, b, c), nil },
			one, rask.Value(2), rask.Value(3.5)),
		rask.Submit4(client, func(_ context.Context, a string, b int, c float64, d string) (string, error) {
			return fmt.Sprint(a, b, c, d), nil
		}, one, rask.Value(2), rask.Value(3.5), one),
		rask.SubmitN(client, func(_ context.Context, all []string) (string, error) { return fmt.Sprint(all), nil },
			[]*rask.Future[string]{one, one, one}),
	}
	got := must(rask.Gather(background, fs...))
	want := []string{"1", "12", "12 3.5", "12 3.51", "[1 1 1]"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	rask.CloseAll(fs...)
}

func TestValuesOfAnyTypeStayInGo(t *testing.T) {
	client := open(t)
	type point struct {
		x, y int
		tags map[string]int
	}
	p := rask.Submit(client, func(context.Context) (*point, error) { return &point{1, 2, map[string]int{"a": 1}}, nil })
	defer p.Close()
	n := rask.Submit1(client, func(_ context.Context, p *point) (int, error) { return p.x + p.y + p.tags["a"], nil }, p)
	defer n.Close()
	if v := must(n.Result(background)); v != 4 {
		t.Error(v)
	}
	if must(p.Result(background)) != must(p.Result(background)) {
		t.Error("not the same pointer twice")
	}
	var nothing error
	e := rask.Submit(client, func(context.Context) (error, error) { return nothing, nil })
	defer e.Close()
	if v, err := e.Result(background); v != nil || err != nil {
		t.Error(v, err)
	}
}

func TestMap(t *testing.T) {
	client := open(t)
	for _, n := range []int{0, 1, 31, 32, 33, 1000, 20000} {
		items := make([]int64, n)
		for i := range items {
			items[i] = int64(i)
		}
		fs := rask.Map(client, inc, items)
		values := must(rask.Gather(background, fs...))
		if len(values) != n {
			t.Fatal(len(values), n)
		}
		for i, v := range values {
			if v != int64(i+1) {
				t.Fatal(n, i, v)
			}
		}
		rask.CloseAll(fs...)
	}
}

func TestWideAndDeep(t *testing.T) {
	client := open(t)
	const n = 5000
	batch := client.NewBatch()
	first := rask.Submit(batch, func(context.Context) (int64, error) { return 0, nil })
	all := []*rask.Future[int64]{first}
	for range n {
		all = append(all, rask.Submit1(batch, inc, all[len(all)-1]))
	}
	sum := rask.SubmitN(batch, func(_ context.Context, all []int64) (sum int64, err error) {
		for _, v := range all {
			sum += v
		}
		return sum, nil
	}, all)
	if v := must(sum.Result(background)); v != n*(n+1)/2 {
		t.Error(v)
	}
	rask.CloseAll(append(all, sum)...)
}

func TestBatch(t *testing.T) {
	client := open(t)
	batch := client.NewBatch()
	outside := rask.Submit(client, func(context.Context) (int64, error) { return 10, nil })
	a := rask.Submit1(batch, inc, outside)
	b := rask.Submit2(batch, add, a, outside)
	batch.Send()
	batch.Send()
	c := rask.Submit2(batch, add, a, b)  // in the next one
	late := rask.Submit1(client, inc, c) // sends it
	if v := must(late.Result(background)); v != 33 {
		t.Error(v)
	}
	unsent := rask.Submit1(batch, inc, c)
	if err := unsent.Close(); err != nil { // sends it, too
		t.Error(err)
	}
	rask.CloseAll(outside, a, b, c, late)
	rask.Submit1(batch, inc, rask.Value(int64(1))) // neither sent nor closed
}

func TestWrongSubmits(t *testing.T) {
	client := open(t)
	closed := rask.Submit(client, func(context.Context) (int64, error) { return 1, nil })
	closed.Close()
	var none func(context.Context) (int64, error)
	var null *rask.Future[int64]
	for name, c := range map[string]struct {
		future *rask.Future[int64]
		status rask.Status
	}{
		"no client":       {rask.Submit((*rask.Client)(nil), func(context.Context) (int64, error) { return 1, nil }), rask.ErrHandle},
		"no function":     {rask.Submit(client, none), rask.ErrInvalid},
		"nil future":      {rask.Submit1(client, inc, null), rask.ErrHandle},
		"nil argument":    {rask.Submit1(client, inc, nil), rask.ErrInvalid},
		"closed future":   {rask.Submit1(client, inc, closed), rask.ErrHandle},
		"NUL in a key":    {rask.Submit(client, func(context.Context) (int64, error) { return 1, nil }, rask.WithKey("a\x00b")), rask.ErrInvalid},
		"empty key":       {rask.Submit(client, func(context.Context) (int64, error) { return 1, nil }, rask.WithKey("")), rask.ErrInvalid},
		"resources":       {rask.Submit(client, func(context.Context) (int64, error) { return 1, nil }, rask.WithResources("GPU=1")), rask.ErrUnsupported},
		"a future nobody": {rask.Submit1(client, inc, new(rask.Future[int64])), rask.ErrHandle},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.future.Result(background)
			var e *rask.Error
			if !errors.Is(err, c.status) || !errors.As(err, &e) || e.Message == "" {
				t.Errorf("%v, want %v", err, c.status)
			}
			if c.future.State() != rask.Failed {
				t.Error(c.future.State())
			}
			dependent := rask.Submit1(client, inc, c.future)
			if _, again := dependent.Result(background); again == nil {
				t.Error("a dependent does not fail")
			}
			<-dependent.Done()
			dependent.Close()
			c.future.Close()
			c.future.Close()
		})
	}
}

func TestUseAfterClose(t *testing.T) {
	client := open(t)
	f := rask.Submit(client, func(context.Context) (int64, error) { return 1, nil })
	must(f.Result(background))
	f.Close()
	if _, err := f.Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	for _, err := range []error{f.Cancel(), f.Retry(), rask.Wait(background, f), f.Close()} {
		if err != nil && !errors.Is(err, rask.ErrHandle) {
			t.Error(err)
		}
	}
	<-f.Done()
	if f.Key() != "" || f.State() != rask.Failed || f.String() == "" {
		t.Error(f.Key(), f.State(), f)
	}
	if _, err := rask.Gather(background, f); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	for range rask.AsCompleted(f, f) {
	}

	other, err := rask.Open(rask.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	g := rask.Submit(other, func(context.Context) (int64, error) { return 7, nil })
	must(g.Result(background))
	for range 2 {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
	if v := must(g.Result(background)); v != 7 {
		t.Error(v)
	}
	late := rask.Submit(other, func(context.Context) (int64, error) { return 1, nil })
	if _, err := late.Result(background); !errors.Is(err, rask.ErrClosed) {
		t.Error(err)
	}
	many := rask.Map(other, inc, []int64{1, 2})
	if _, err := rask.Gather(background, many...); !errors.Is(err, rask.ErrClosed) {
		t.Error(err)
	}
	if _, err := other.Stats(); !errors.Is(err, rask.ErrClosed) {
		t.Error(err)
	}
	rask.CloseAll(g, late)
	rask.CloseAll(many...)
}

func TestNobodyClosesAnything(t *testing.T) {
	before := rask.LiveHandles()
	func() {
		client, err := rask.Open(rask.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		var ran atomic.Int64
		for range 200 {
			rask.Submit(client, func(context.Context) (int64, error) { return ran.Add(1), nil })
		}
		if err := client.Wait(background); err != nil || ran.Load() != 200 {
			t.Error("dropping a future does not cancel its task", ran.Load(), err)
		}
	}()
	eventually(t, "the garbage collector closes client and futures", func() bool {
		collect()
		return rask.LiveHandles() == before
	})
}

func TestStatsTraceAndDump(t *testing.T) {
	client := open(t, rask.Options{Workers: 3})
	path := t.TempDir() + "/trace.json"
	if err := client.TraceStart(path); err != nil {
		t.Fatal(err)
	}
	fs := rask.Map(client, inc, []int64{1, 2, 3})
	must(rask.Gather(background, fs...))
	if err := client.TraceStop(); err != nil {
		t.Error(err)
	}
	if err := client.TraceStop(); !errors.Is(err, rask.ErrState) {
		t.Error(err)
	}
	if err := client.Dump(t.TempDir() + "/dump.json"); err != nil {
		t.Error(err)
	}
	if err := client.Dump("a\x00b"); !errors.Is(err, rask.ErrInvalid) {
		t.Error(err)
	}
	s := must(client.Stats())
	if s.Workers != 3 || s.Finished != 3 || s.Submitted != 3 {
		t.Errorf("%+v", s)
	}
	rask.CloseAll(fs...)
	if rask.Version() == "" {
		t.Error("no version")
	}
}

func TestWrongOptions(t *testing.T) {
	for _, o := range []rask.Options{
		{Workers: -1}, {Workers: 1 << 30}, {Resources: "GPU"}, {Name: "a\x00b"}, {Address: "tcp://nowhere:8786"}, {MaxSpares: 1 << 20},
	} {
		if client, err := rask.Open(o); err == nil || client != nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestWaitForAClient(t *testing.T) {
	client := open(t)
	release := make(chan struct{})
	f := rask.Submit(client, func(context.Context) (int64, error) { <-release; return 1, nil })
	ctx, cancel := context.WithTimeout(background, 10*time.Millisecond)
	defer cancel()
	if err := client.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(release)
	if err := client.Wait(background); err != nil {
		t.Error(err)
	}
	f.Close()
}
