package rask_test

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"rask.dev/rask"
	"rask.dev/rask/internal/ctasks"
)

const large = 1 << 20

func addressOf[T any](first *T) int64 { return int64(uintptr(unsafe.Pointer(first))) }

// addressSeen is where a C task sees the bytes of a future.
func addressSeen(t *testing.T, client *rask.Client, f rask.AnyFuture) int64 {
	t.Helper()
	same := rask.SubmitC[int64](client, ctasks.Same, f)
	defer same.Close()
	return must(same.Result(background))
}

func TestManyBytesAreReadWhereTheyLie(t *testing.T) {
	client := open(t)
	made, text := bytes.Repeat([]byte{7}, large), string(bytes.Repeat([]byte("x"), large))
	result := rask.Submit(client, func(context.Context) ([]byte, error) { return made, nil })
	scattered := rask.Scatter(client, made[large/2:])
	words := rask.Scatter(client, text)
	if seen := addressSeen(t, client, result); seen != addressOf(&made[0]) {
		t.Error("a result was copied")
	}
	if seen := addressSeen(t, client, scattered); seen != addressOf(&made[large/2]) {
		t.Error("scattered bytes were copied")
	}
	if seen := addressSeen(t, client, words); seen != addressOf(unsafe.StringData(text)) {
		t.Error("a scattered string was copied")
	}
	both := rask.SubmitC[[]byte](client, ctasks.Concat, result, scattered)
	if v := must(both.Result(background)); len(v) != large+large/2 || v[large] != 7 {
		t.Error(len(v))
	}
	rask.CloseAll[rask.AnyFuture](result, scattered, words, both)
}

func TestOtherBytesAreCopied(t *testing.T) {
	few := []byte("few")
	client := open(t)
	scattered := rask.Scatter(client, few)
	if seen := addressSeen(t, client, scattered); seen == addressOf(&few[0]) {
		t.Error("few bytes are not worth a loan")
	}
	scattered.Close()

	limited := open(t, rask.Options{Workers: 1, MemoryLimit: 1 << 30, SpillDirectory: t.TempDir()})
	many := make([]byte, large)
	scattered = rask.Scatter(limited, many)
	result := rask.Submit(limited, func(context.Context) ([]byte, error) { return many, nil })
	for _, f := range []*rask.Future[[]byte]{scattered, result} {
		if seen := addressSeen(t, limited, f); seen == addressOf(&many[0]) {
			t.Error("what may go to disk is the engine's")
		}
		f.Close()
	}
}

// Memory that is not Go's may go away at any time.
func TestBytesOfNobodysAreCopied(t *testing.T) {
	client := open(t)
	mapped, err := syscall.Mmap(-1, 0, large, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	copy(mapped, "mapped")
	scattered := rask.Scatter(client, mapped)
	result := rask.Submit(client, func(context.Context) ([]byte, error) { return mapped, nil })
	given := rask.SubmitC[[]byte](client, ctasks.Echo, mapped)
	rask.Wait(background, result, given)
	echo := rask.SubmitC[[]byte](client, ctasks.Echo, result)
	again := rask.SubmitC[[]byte](client, ctasks.Echo, scattered)
	rask.Wait(background, echo, again)
	scattered.Close()
	result.Close()
	if err := syscall.Munmap(mapped); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*rask.Future[[]byte]{given, echo, again} {
		if v := must(f.Result(background)); len(v) != large || string(v[:6]) != "mapped" {
			t.Error(len(v))
		}
		f.Close()
	}
}

func TestALoanLastsAsLongAsItIsRead(t *testing.T) {
	client := open(t)
	var freed atomic.Bool
	lend := func() *rask.Future[[]byte] {
		made := bytes.Repeat([]byte{3}, large)
		runtime.AddCleanup(&made[0], func(int) { freed.Store(true) }, 0)
		f := rask.Submit(client, func(context.Context) ([]byte, error) { return made, nil })
		if err := rask.Wait(background, f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := lend()
	read := rask.SubmitC[[]byte](client, ctasks.Echo, f) // refers to C's value, nothing of Go's
	if err := rask.Wait(background, read); err != nil {
		t.Fatal(err)
	}
	f.Close()
	f = nil
	for range 10 {
		collect()
	}
	if v := must(rask.View(background, read)); freed.Load() || v[0] != 3 || v[large-1] != 3 {
		t.Error("collected while C reads it")
	}
	read.Close()
	eventually(t, "the bytes are collected", func() bool { collect(); return freed.Load() })
}

func TestTheSameBytesLentOften(t *testing.T) {
	client := open(t)
	made := bytes.Repeat([]byte{5}, large)
	var group sync.WaitGroup
	for range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 50 {
				a, b := rask.Scatter(client, made), rask.Scatter(client, made)
				a.Close()
				if seen := addressSeen(t, client, b); seen != addressOf(&made[0]) {
					t.Error("copied")
				}
				b.Close()
			}
		}()
	}
	group.Wait()
	if made[0] != 5 {
		t.Error(made[0])
	}
}

func TestALoanToAClosedClient(t *testing.T) {
	client := open(t)
	client.Close()
	f := rask.Scatter(client, make([]byte, large))
	if _, err := f.Result(background); err == nil {
		t.Error("there is a result")
	}
	f.Close()
}
