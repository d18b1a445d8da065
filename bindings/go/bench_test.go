package rask_test

import (
	"context"
	"testing"

	"rask.dev/rask"
)

// A round is so many tasks; an operation of a benchmark is one task.
const round = 100_000

func BenchmarkMap(b *testing.B) {
	client := open(b)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= round {
		items := make([]int64, min(left, round))
		fs := rask.Map(client, inc, items)
		vs, err := rask.Gather(background, fs...)
		if err != nil || len(vs) != len(items) {
			b.Fatal(err)
		}
		rask.CloseAll(fs...)
	}
}

func BenchmarkSubmit(b *testing.B) {
	client := open(b)
	b.ReportAllocs()
	b.ResetTimer()
	fs := make([]*rask.Future[int64], b.N)
	for i := range fs {
		fs[i] = rask.Submit(client, func(context.Context) (int64, error) { return int64(i), nil })
	}
	if _, err := rask.Gather(background, fs...); err != nil {
		b.Fatal(err)
	}
	rask.CloseAll(fs...)
}

func chain(b *testing.B, on rask.Submitter) {
	fs := make([]*rask.Future[int64], b.N)
	fs[0] = rask.Submit(on, func(context.Context) (int64, error) { return 0, nil })
	for i := 1; i < b.N; i++ {
		fs[i] = rask.Submit1(on, inc, fs[i-1])
	}
	if v, err := fs[b.N-1].Result(background); err != nil || v != int64(b.N-1) {
		b.Fatal(v, err)
	}
	rask.CloseAll(fs...)
}

func BenchmarkChain(b *testing.B) {
	client := open(b)
	b.ReportAllocs()
	b.ResetTimer()
	chain(b, client)
}

func BenchmarkChainBatch(b *testing.B) {
	client := open(b)
	b.ReportAllocs()
	b.ResetTimer()
	chain(b, client.NewBatch())
}

func BenchmarkChainChannels(b *testing.B) {
	b.ReportAllocs()
	last := make(chan int64, 1)
	last <- 0
	for range b.N - 1 {
		from, to := last, make(chan int64, 1)
		go func() { to <- <-from + 1 }()
		last = to
	}
	if v := <-last; v != int64(b.N-1) {
		b.Fatal(v)
	}
}
