package rask_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"rask.dev/rask"
)

var background = context.Background()

// open gives the test a client, and holds it to leave nothing: no handle, no goroutine.
func open(t testing.TB, options ...rask.Options) *rask.Client {
	t.Helper()
	o := rask.Options{Workers: 2}
	if len(options) > 0 {
		o = options[0]
	}
	before := rask.LiveHandles()
	client, err := rask.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if before == 0 { // else other clients of the test are open
			eventually(t, "all handles are released", func() bool { collect(); return rask.LiveHandles() == 0 })
		}
	})
	return client
}

// eventually waits for what other threads and the garbage collector bring about.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// collect runs the garbage collector, and what it found.
func collect() {
	runtime.GC()
	time.Sleep(time.Millisecond)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func inc(_ context.Context, x int64) (int64, error)    { return x + 1, nil }
func add(_ context.Context, x, y int64) (int64, error) { return x + y, nil }

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		code = leftovers()
	}
	os.Exit(code)
}

// leftovers looks for handles and goroutines that outlive all clients.
func leftovers() int {
	var stacks string
	for range 200 {
		runtime.GC()
		buffer := make([]byte, 1<<20)
		stacks = string(buffer[:runtime.Stack(buffer, true)])
		if rask.LiveHandles() == 0 && !strings.Contains(stacks, "rask.(*") {
			return 0
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Fprintf(os.Stderr, "%d handles are left, or a goroutine:\n%s\n", rask.LiveHandles(), stacks)
	return 1
}
