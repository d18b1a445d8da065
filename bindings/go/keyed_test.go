package rask_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"rask.dev/rask"
)

func TestKeys(t *testing.T) {
	client := open(t)
	runs := 0
	task := func(context.Context) (int, error) { runs++; return runs, nil }
	other := func(context.Context) (int, error) { return -1, nil }
	a := rask.Submit(client, task, rask.WithKey("one"))
	b := rask.Submit(client, task, rask.WithKey("one"))
	if a.Key() != "one" || must(a.Result(background)) != 1 || must(b.Result(background)) != 1 {
		t.Error(a, b, runs)
	}
	c := rask.Submit(client, other, rask.WithKey("one"))
	if _, err := c.Result(background); !errors.Is(err, rask.ErrExists) {
		t.Error(err)
	}
	sum := rask.Submit2(client, func(_ context.Context, x, y int) (int, error) { return x + y, nil }, a, b)
	if v := must(sum.Result(background)); v != 2 {
		t.Error(v)
	}
	rask.CloseAll(a, c)
	if v := must(b.Result(background)); v != 1 {
		t.Error("another handle of a closed future", v)
	}
	b.Close()
	sum.Close()
	d := rask.Submit(client, task, rask.WithKey("one"))
	if v := must(d.Result(background)); v != 2 {
		t.Error("after all are closed it runs again", v)
	}
	d.Close()
}

func TestPure(t *testing.T) {
	client := open(t)
	square := func(_ context.Context, x int) (int, error) { return x * x, nil }
	a := rask.Submit1(client, square, rask.Value(3), rask.WithPure())
	b := rask.Submit1(client, square, rask.Value(3), rask.WithPure())
	c := rask.Submit1(client, square, rask.Value(4), rask.WithPure())
	if a.Key() != b.Key() || a.Key() == c.Key() {
		t.Error(a.Key(), b.Key(), c.Key())
	}
	if v := must(rask.Gather(background, a, b, c)); v[0] != 9 || v[1] != 9 || v[2] != 16 {
		t.Error(v)
	}
	rask.CloseAll(a, b, c)
}

func TestAKeyIsFreeWhenNobodyHoldsIt(t *testing.T) {
	client := open(t)
	runs := 0
	task := func(context.Context) (int, error) { runs++; return runs, nil }
	for want := 1; want <= 3; want++ {
		f := rask.Submit(client, task, rask.WithKey("dropped")) // and not closed
		g := rask.Submit(client, task, rask.WithKey("dropped"))
		if v, err := rask.Gather(background, f, g); err != nil || v[0] != want || v[1] != want {
			t.Error(v, err)
		}
		f, g = nil, nil
		collect()
	}

	release := make(chan struct{})
	slow := func(context.Context) (int64, error) { <-release; return 5, nil }
	f := rask.Submit(client, slow, rask.WithKey("needed"))
	g := rask.Submit1(client, inc, f)
	f.Close() // but g needs it
	again := rask.Submit(client, slow, rask.WithKey("needed"))
	if _, err := again.Result(background); !errors.Is(err, rask.ErrExists) || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	close(release)
	if v := must(g.Result(background)); v != 6 {
		t.Error(v)
	}
	rask.CloseAll(g, again)
	last := rask.Submit(client, slow, rask.WithKey("needed"))
	if v := must(last.Result(background)); v != 5 {
		t.Error(v)
	}
	last.Close()
}

func TestAFailedKeyIsKept(t *testing.T) {
	client := open(t)
	wrong := errors.New("wrong")
	runs := 0
	task := func(context.Context) (int64, error) { runs++; return 0, wrong }
	for range 100 { // it may have failed before the submit returns
		f := rask.Submit(client, task, rask.WithKey("failed"))
		g := rask.Submit(client, task, rask.WithKey("failed"))
		for _, f := range []*rask.Future[int64]{f, g} {
			if _, err := f.Result(background); !errors.Is(err, wrong) {
				t.Fatal(err)
			}
		}
		rask.CloseAll(f, g)
	}
	if runs != 100 {
		t.Error(runs)
	}
}

func TestPureWithOddArguments(t *testing.T) {
	client := open(t)
	same := func(_ context.Context, x float64) (float64, error) { return x, nil }
	call := func(_ context.Context, f func() float64) (float64, error) { return f(), nil }
	one := func() float64 { return 1 }
	var fs []*rask.Future[float64]
	for range 3 { // not equal to themselves, and so not the same computation
		fs = append(fs, rask.Submit1(client, same, rask.Value(math.NaN()), rask.WithPure()))
		fs = append(fs, rask.Submit1(client, call, rask.Value(one), rask.WithPure()))
	}
	if v, err := rask.Gather(background, fs...); err != nil || v[1] != 1 || v[0] == v[0] {
		t.Error(v, err)
	}
	rask.CloseAll(fs...)
}

func TestPureWhileTheFirstIsStillNeeded(t *testing.T) {
	client := open(t)
	release := make(chan struct{})
	slow := func(_ context.Context, x int64) (int64, error) { <-release; return x, nil }
	f := rask.Submit1(client, slow, rask.Value(int64(1)), rask.WithPure())
	g := rask.Submit1(client, inc, f)
	f.Close()
	again := rask.Submit1(client, slow, rask.Value(int64(1)), rask.WithPure())
	shared := rask.Submit1(client, slow, rask.Value(int64(1)), rask.WithPure())
	close(release)
	if v, err := rask.Gather(background, g, again, shared); err != nil || v[0] != 2 || v[1] != 1 || v[2] != 1 || again.Key() != shared.Key() {
		t.Error(v, err)
	}
	rask.CloseAll(g, again, shared)
}
