package main

import (
	"context"
	"fmt"
	"os"

	"rask.dev/rask"
)

// withRask is Rask, as a Go program uses it: many small tasks in a batch.
type withRask struct{ client *rask.Client }

func (r *withRask) describe() string {
	return rask.Version() + "; as many goroutines as workers run tasks, and one submits and waits"
}

func (r *withRask) start(workers int) {
	var err error
	if r.client, err = rask.Open(rask.Options{Workers: workers}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (r *withRask) stop() { _ = r.client.Close() }

type future = *rask.Future[int64]

func one(context.Context) (int64, error)               { return 1, nil }
func inc(_ context.Context, x int64) (int64, error)    { return x + 1, nil }
func add(_ context.Context, x, y int64) (int64, error) { return x + y, nil }

func (r *withRask) independent(tasks int) (sum int64) {
	items := make([]int64, tasks)
	for i := range items {
		items[i] = int64(i)
	}
	futures := rask.Map(r.client, inc, items)
	values, err := rask.Gather(context.Background(), futures...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	for _, value := range values {
		sum += value
	}
	rask.CloseAll(futures...)
	return sum
}

func (r *withRask) chain(tasks int) int64 {
	batch := r.client.NewBatch()
	futures := make([]future, tasks)
	futures[0] = rask.Submit(batch, one)
	for i := 1; i < tasks; i++ {
		futures[i] = rask.Submit1(batch, inc, futures[i-1])
	}
	return last(futures)
}

func (r *withRask) tree(leaves int) int64 {
	batch := r.client.NewBatch()
	futures := make([]future, 2*leaves-1)
	for i := range leaves {
		futures[i] = rask.Submit(batch, func(context.Context) (int64, error) { return int64(i) + 1, nil })
	}
	for i := leaves; i < len(futures); i++ {
		futures[i] = rask.Submit2(batch, add, futures[2*(i-leaves)], futures[2*(i-leaves)+1])
	}
	return last(futures)
}

func (r *withRask) wavefront(side int) int64 {
	batch := r.client.NewBatch()
	same := func(_ context.Context, x int64) (int64, error) { return x, nil }
	cells := make([]future, side*side)
	for i := range cells {
		switch x, y := i%side, i/side; {
		case x > 0 && y > 0:
			cells[i] = rask.Submit2(batch, add, cells[i-1], cells[i-side])
		case x > 0:
			cells[i] = rask.Submit1(batch, same, cells[i-1])
		case y > 0:
			cells[i] = rask.Submit1(batch, same, cells[i-side])
		default:
			cells[i] = rask.Submit(batch, one)
		}
	}
	return last(cells)
}

// last waits for the last future, and closes all.
func last(futures []future) int64 {
	value, err := futures[len(futures)-1].Result(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	rask.CloseAll(futures...)
	return value
}
