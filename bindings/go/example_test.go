package rask_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"rask.dev/rask"
)

func Example() {
	client, err := rask.Open(rask.Options{Workers: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	inc := func(_ context.Context, x int) (int, error) { return x + 1, nil }
	add := func(_ context.Context, x, y int) (int, error) { return x + y, nil }
	x := rask.Submit1(client, inc, rask.Value(1))
	y := rask.Submit1(client, inc, rask.Value(2))
	z := rask.Submit2(client, add, x, y) // x and y need not be done
	defer rask.CloseAll(x, y, z)

	fmt.Println(z.Result(context.Background()))
	// Output: 5 <nil>
}

func ExampleMap() {
	client, _ := rask.Open(rask.Options{})
	defer client.Close()

	squares := rask.Map(client, func(_ context.Context, x int) (int, error) { return x * x, nil }, []int{1, 2, 3})
	defer rask.CloseAll(squares...)
	fmt.Println(rask.Gather(context.Background(), squares...))
	// Output: [1 4 9] <nil>
}

func ExampleClient_NewBatch() {
	client, _ := rask.Open(rask.Options{})
	defer client.Close()

	// A chain of many small tasks: one call of C for hundreds of them.
	batch := client.NewBatch()
	last := rask.Submit(batch, func(context.Context) (int, error) { return 0, nil })
	for range 1000 {
		next := rask.Submit1(batch, func(_ context.Context, x int) (int, error) { return x + 1, nil }, last)
		last.Close()
		last = next
	}
	defer last.Close()
	fmt.Println(last.Result(context.Background())) // sends what is left of the batch
	// Output: 1000 <nil>
}

func ExampleAsCompleted() {
	client, _ := rask.Open(rask.Options{})
	defer client.Close()

	naps := []time.Duration{30 * time.Millisecond, 0}
	futures := rask.Map(client, func(ctx context.Context, nap time.Duration) (string, error) {
		time.Sleep(nap)
		return nap.String(), nil
	}, naps)
	for i, future := range rask.AsCompleted(futures...) {
		value, _ := future.Result(context.Background())
		fmt.Println(i, value)
		future.Close()
	}
	// Output:
	// 1 0s
	// 0 30ms
}

func ExampleError() {
	client, _ := rask.Open(rask.Options{})
	defer client.Close()

	text := rask.Submit(client, func(context.Context) ([]byte, error) { return os.ReadFile("/no/such/file") }, rask.WithKey("read"))
	size := rask.Submit1(client, func(_ context.Context, b []byte) (int, error) { return len(b), nil }, text)
	defer rask.CloseAll[rask.AnyFuture](text, size)

	_, err := size.Result(context.Background())
	fmt.Println(errors.Is(err, fs.ErrNotExist), errors.Is(err, rask.ErrTask))
	var failed *rask.Error
	if errors.As(err, &failed) {
		fmt.Println("began in:", failed.Origin)
	}
	// Output:
	// true true
	// began in: read
}

func ExampleWithContext() {
	client, _ := rask.Open(rask.Options{})
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	future := rask.Submit(client, func(ctx context.Context) (int, error) {
		<-ctx.Done() // told to stop
		return 0, ctx.Err()
	}, rask.WithContext(ctx))
	defer future.Close()

	_, err := future.Result(context.Background())
	fmt.Println(errors.Is(err, rask.ErrCancelled), errors.Is(err, context.DeadlineExceeded), future.State())
	// Output: true true cancelled
}

func ExampleWithRetries() {
	client, _ := rask.Open(rask.Options{})
	defer client.Close()

	future := rask.Submit(client, func(ctx context.Context) (string, error) {
		task, _ := rask.TaskFrom(ctx)
		if task.Attempt < 3 {
			return "", rask.Fail(503, "try again")
		}
		return fmt.Sprint("attempt ", task.Attempt), nil
	}, rask.WithRetries(5), rask.WithRetryDelay(time.Millisecond))
	defer future.Close()
	fmt.Println(future.Result(context.Background()))
	// Output: attempt 3 <nil>
}
