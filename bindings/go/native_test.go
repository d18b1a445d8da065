package rask_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"rask.dev/rask"
	"rask.dev/rask/internal/ctasks"
)

func TestCTasks(t *testing.T) {
	client := open(t)
	x := rask.SubmitC[int64](client, ctasks.Inc, 1)
	y := rask.SubmitC[int](client, ctasks.Add, x, 10)
	h := rask.SubmitC[float64](client, ctasks.Half, 5.0)
	s := rask.SubmitC[string](client, ctasks.Concat, "a", []byte("b"), "", "c")
	l := rask.SubmitC[int64](client, ctasks.SumList, []any{1, x, int8(3), true, uint16(5)})
	nothing := rask.SubmitC[struct{}](client, ctasks.Nothing)
	list := rask.SubmitC[[]int64](client, ctasks.Echo, []int{1, 2, 3})
	natural := rask.SubmitC[any](client, ctasks.Echo, []any{1, "a", 2.5, nil})
	if v := must(y.Result(background)); v != 12 {
		t.Error(v)
	}
	if v := must(h.Result(background)); v != 2.5 {
		t.Error(v)
	}
	if v := must(s.Result(background)); v != "abc" {
		t.Error(v)
	}
	if v := must(l.Result(background)); v != 1+2+3+1+5 {
		t.Error(v)
	}
	must(nothing.Result(background))
	if v := must(list.Result(background)); len(v) != 3 || v[2] != 3 {
		t.Error(v)
	}
	if v := must(natural.Result(background)).([]any); len(v) != 4 || v[0] != int64(1) || string(v[1].([]byte)) != "a" || v[3] != nil {
		t.Error(v)
	}
	rask.CloseAll[rask.AnyFuture](x, y, h, s, l, nothing, list, natural)
}

func TestGoAndCInOneGraph(t *testing.T) {
	client := open(t)
	g := rask.Submit(client, func(context.Context) (int64, error) { return 1, nil })
	c := rask.SubmitC[int64](client, ctasks.Inc, g)
	d := rask.Submit2(client, add, c, g)
	if v := must(d.Result(background)); v != 3 {
		t.Error(v)
	}
	text := rask.Submit(client, func(context.Context) (string, error) { return "go", nil })
	raw := rask.Submit(client, func(context.Context) ([]byte, error) { return []byte(" and "), nil })
	half := rask.Submit(client, func(context.Context) (float64, error) { return 3, nil })
	all := rask.SubmitC[[]byte](client, ctasks.Concat, text, raw, "C")
	length := rask.Submit2(client, func(_ context.Context, b []byte, f float64) (int, error) { return len(b) + int(f), nil },
		all, rask.SubmitC[float64](client, ctasks.Half, half))
	if v := must(all.Result(background)); string(v) != "go and C" {
		t.Errorf("%q", v)
	}
	if v := must(length.Result(background)); v != 9 {
		t.Error(v)
	}
	rask.CloseAll[rask.AnyFuture](g, c, d, text, raw, half, all, length)
}

func TestAViewIsNoCopy(t *testing.T) {
	client := open(t)
	large := bytes.Repeat([]byte("abc"), 1<<16)
	made := rask.SubmitC[[]byte](client, ctasks.Concat, large, "d")
	view, err := rask.View(background, made)
	if err != nil || len(view) != len(large)+1 || view[len(view)-1] != 'd' {
		t.Error(len(view), err)
	}
	if again := must(rask.View(background, made)); &again[0] != &view[0] {
		t.Error("a copy was made")
	}
	if copied := must(made.Result(background)); &copied[0] == &view[0] || !bytes.Equal(copied, view) {
		t.Error("Result is no copy")
	}
	own := rask.Submit(client, func(context.Context) ([]byte, error) { return large, nil })
	if view := must(rask.View(background, own)); &view[0] != &large[0] {
		t.Error("Go's own was copied")
	}
	failed := rask.Submit(client, func(context.Context) ([]byte, error) { return nil, errors.New("no") })
	if _, err := rask.View(background, failed); !errors.Is(err, rask.ErrTask) {
		t.Error(err)
	}
	rask.CloseAll(made, own, failed)
	if _, err := rask.View(background, made); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	if _, err := rask.View(background, nil); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
}

func TestLargeBytes(t *testing.T) {
	client := open(t)
	for _, size := range []int{0, 1, 15, 16, 500, 513, 4096, 1 << 20} {
		want := bytes.Repeat([]byte{'x', 0, 'y'}, size)[:size]
		f := rask.Submit(client, func(context.Context) ([]byte, error) { return want, nil })
		g := rask.SubmitC[[]byte](client, ctasks.Concat, f, want)
		h := rask.Submit1(client, func(_ context.Context, b []byte) (string, error) { return string(b), nil }, g)
		if got := must(h.Result(background)); got != string(want)+string(want) {
			t.Error(size, len(got))
		}
		rask.CloseAll[rask.AnyFuture](f, g, h)
	}
}

func TestTypesThatDoNotFit(t *testing.T) {
	client := open(t)
	type mine struct{ a, b int }
	opaque := rask.Submit(client, func(context.Context) (mine, error) { return mine{1, 2}, nil })
	read := rask.SubmitC[int64](client, ctasks.Inc, opaque)
	_, err := read.Result(background)
	if !errors.Is(err, rask.ErrType) || !strings.Contains(err.Error(), "mine") {
		t.Error(err)
	}
	text := rask.SubmitC[int64](client, ctasks.Echo, "text")
	if _, err := text.Result(background); !errors.Is(err, rask.ErrType) {
		t.Error(err)
	}
	small := rask.SubmitC[int8](client, ctasks.Inc, 1000)
	if _, err := small.Result(background); !errors.Is(err, rask.ErrType) {
		t.Error(err)
	}
	in := rask.Submit1(client, inc, text)
	if _, err := in.Result(background); !errors.Is(err, rask.ErrType) {
		t.Error(err)
	}
	channel := rask.SubmitC[int64](client, ctasks.Inc, make(chan int))
	if _, err := channel.Result(background); !errors.Is(err, rask.ErrInvalid) {
		t.Error(err)
	}
	null := rask.SubmitC[int64](client, rask.CFunc{})
	if _, err := null.Result(background); !errors.Is(err, rask.ErrInvalid) {
		t.Error(err)
	}
	var none *rask.Future[int64]
	bad := rask.SubmitC[int64](client, ctasks.Inc, none)
	if _, err := bad.Result(background); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	rask.CloseAll[rask.AnyFuture](opaque, read, text, small, in, channel, null, bad)
}

func TestMapC(t *testing.T) {
	client := open(t)
	fs := rask.MapC[int64](client, ctasks.Inc, []int{1, 2, 3}, rask.WithName("inc"))
	values := must(rask.Gather(background, fs...))
	if values[0] != 2 || values[2] != 4 || !strings.HasPrefix(fs[0].Key(), "inc-") {
		t.Error(values, fs[0].Key())
	}
	again := rask.MapC[int64](client, ctasks.Inc, fs)
	if values := must(rask.Gather(background, again...)); values[2] != 5 {
		t.Error(values)
	}
	if none := rask.MapC[int64](client, ctasks.Inc, []int{}); len(none) != 0 {
		t.Error(none)
	}
	rask.CloseAll(fs...)
	rask.CloseAll(again...)
}

func TestScatter(t *testing.T) {
	client := open(t)
	numbers := rask.Scatter(client, []float64{1, 2})
	text := rask.Scatter(client, "shared")
	sum := rask.Submit1(client, func(_ context.Context, v []float64) (float64, error) { return v[0] + v[1], nil }, numbers)
	upper := rask.Submit1(client, func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil }, text)
	again := rask.SubmitC[string](client, ctasks.Concat, text, upper)
	if v := must(sum.Result(background)); v != 3 {
		t.Error(v)
	}
	if v := must(again.Result(background)); v != "sharedSHARED" {
		t.Error(v)
	}
	if text.State() != rask.Finished || must(text.Result(background)) != "shared" {
		t.Error(text)
	}
	rask.CloseAll[rask.AnyFuture](numbers, text, sum, upper, again)
}

func TestHandlesForC(t *testing.T) {
	client := open(t)
	f := rask.Submit(client, func(context.Context) (int64, error) { return 5, nil })
	if value, status := ctasks.Result(must(f.Handle())); value != 5 || status != 0 {
		t.Error(value, status)
	}
	f.Close()
	if _, err := f.Handle(); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	started := make(chan struct{})
	running := rask.Submit(client, func(ctx context.Context) (int64, error) {
		close(started)
		<-ctx.Done()
		return 1, nil
	})
	<-started
	ctasks.Cancel(must(running.Handle()))
	if _, err := running.Result(background); !errors.Is(err, rask.ErrCancelled) {
		t.Error(err)
	}
	running.Close()
}

func TestOptionsOfCTasks(t *testing.T) {
	client := open(t, rask.Options{Workers: 1, Resources: "GPU=1"})
	f := rask.SubmitC[int64](client, ctasks.Flaky, 3, rask.WithRetries(5), rask.WithResources("GPU=1"), rask.WithPriority(3))
	if v := must(f.Result(background)); v != 3 {
		t.Error(v)
	}
	never := rask.SubmitC[int64](client, ctasks.Flaky, 3, rask.WithResources("GPU=2"))
	if _, err := never.Result(background); !errors.Is(err, rask.ErrInvalid) {
		t.Error(err)
	}
	a := rask.SubmitC[int64](client, ctasks.Inc, 1, rask.WithPure())
	b := rask.SubmitC[int64](client, ctasks.Inc, 1, rask.WithPure())
	if a.Key() != b.Key() {
		t.Error(a.Key(), b.Key())
	}
	spin := rask.SubmitC[int64](client, ctasks.Spin)
	if err := spin.Cancel(); err != nil {
		t.Error(err)
	}
	rask.CloseAll(f, never, a, b, spin)
}

func TestMemoryLimit(t *testing.T) {
	client := open(t, rask.Options{Workers: 2, MemoryLimit: 1 << 20, SpillDirectory: t.TempDir()})
	var fs []*rask.Future[[]byte]
	for i := range 32 {
		fs = append(fs, rask.Submit(client, func(context.Context) ([]byte, error) { return bytes.Repeat([]byte{byte(i)}, 1<<18), nil }))
	}
	if err := rask.Wait(background, fs...); err != nil {
		t.Error(err)
	}
	if s := must(client.Stats()); s.Bytes > 2<<20 {
		t.Error("more is held than the limit allows", s.Bytes)
	}
	for i, f := range fs {
		v := must(f.Result(background))
		if len(v) != 1<<18 || v[0] != byte(i) || v[len(v)-1] != byte(i) {
			t.Error(i, len(v))
		}
	}
	size := rask.SubmitN(client, func(_ context.Context, all [][]byte) (n int, err error) {
		for _, b := range all {
			n += len(b)
		}
		return n, nil
	}, fs)
	if v := must(size.Result(background)); v != 32<<18 {
		t.Error(v)
	}
	size.Close()
	rask.CloseAll(fs...)
}

// there sends a value from Go to C and back, in every way there is.
func there[T any](t *testing.T, client *rask.Client, value T) {
	t.Helper()
	made := rask.Submit(client, func(context.Context) (T, error) { return value, nil })
	back := rask.SubmitC[T](client, ctasks.Echo, made)
	direct := rask.SubmitC[T](client, ctasks.Echo, value)
	scattered := rask.Scatter(client, value)
	again := rask.SubmitC[T](client, ctasks.Echo, scattered)
	same := rask.Submit1(client, func(_ context.Context, x T) (T, error) { return x, nil }, again)
	fs := []*rask.Future[T]{made, back, direct, scattered, again, same}
	for i, f := range fs {
		if got, err := f.Result(background); err != nil || !reflect.DeepEqual(got, value) {
			t.Errorf("%T, %d: %#v instead of %#v: %v", value, i, got, value, err)
		}
	}
	rask.CloseAll(fs...)
}

func TestEveryKindThereAndBack(t *testing.T) {
	type (
		number int16
		text   string
		raw    []byte
	)
	client := open(t)
	there(t, client, int8(-128))
	there(t, client, int32(math.MinInt32))
	there(t, client, uint8(255))
	there(t, client, uint(math.MaxUint))
	there(t, client, uint64(math.MaxUint64))
	there(t, client, true)
	there(t, client, float32(1.25))
	there(t, client, math.Inf(-1))
	there(t, client, "a\x00b\xff")
	there(t, client, []byte{})
	there(t, client, number(-3))
	there(t, client, text(""))
	there(t, client, raw{1, 0})
	there(t, client, time.Second)
	there(t, client, struct{}{})
}

func TestListsAreReadIntoArrays(t *testing.T) {
	client := open(t)
	three := [3]int64{1, 2, 3}
	list := rask.SubmitC[[3]int64](client, ctasks.Echo, three)
	if v, err := list.Result(background); v != three || err != nil {
		t.Error(v, err)
	}
	short := rask.SubmitC[[2]int64](client, ctasks.Echo, three)
	if _, err := short.Result(background); !errors.Is(err, rask.ErrType) {
		t.Error(err)
	}
	nested := rask.SubmitC[[][2]string](client, ctasks.Echo, [][]string{{"a", "b"}, {"c", "d"}})
	if v, err := nested.Result(background); err != nil || len(v) != 2 || v[1][1] != "d" {
		t.Error(v, err)
	}
	rask.CloseAll[rask.AnyFuture](list, short, nested)
}
