// Dask's futures notebook, from end to end: chains, many tasks, a tree of sums, work that grows while it runs, tasks that fail now
// and then, and a gather that skips what failed.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"time"

	"rask.dev/rask"
)

var ctx = context.Background()

func inc(_ context.Context, x int) (int, error)    { return x + 1, nil }
func twice(_ context.Context, x int) (int, error)  { return 2 * x, nil }
func add(_ context.Context, x, y int) (int, error) { return x + y, nil }

func main() {
	client, err := rask.Open(rask.Options{}) // a worker per core
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	chainDependencies(client)
	manyTasksAndATree(client)
	growWhileItRuns(client)
	flakyTasksAndAGatherThatSkips(client)
}

// x = client.submit(inc, 1); y = client.submit(double, x); z = client.submit(add, x, y); z.result()
func chainDependencies(client *rask.Client) {
	x := rask.Submit1(client, inc, rask.Value(1))
	y := rask.Submit1(client, twice, x) // x need not be done for that
	z := rask.Submit2(client, add, x, y)
	defer rask.CloseAll(x, y, z)
	sum, err := z.Result(ctx) // waits
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("inc(1) + 2 * inc(1) =", sum)
}

// zs = client.map(inc, range(256)), summed pair by pair. No layer waits for the one below.
func manyTasksAndATree(client *rask.Client) {
	const many = 256
	numbers := make([]int, many)
	for i := range numbers {
		numbers[i] = i
	}
	layer := rask.Map(client, inc, numbers)
	for len(layer) > 1 {
		var above []*rask.Future[int]
		for i := 0; i < len(layer); i += 2 {
			above = append(above, rask.Submit2(client, add, layer[i], layer[i+1]))
		}
		rask.CloseAll(layer...) // the additions have what they need
		layer = above
	}
	total, err := layer[0].Result(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("1 + 2 + ... +", many, "=", total)
	layer[0].Close()
}

// A slice is the area under sqrt from a to b by Simpson's rule.
type slice struct {
	a, b, area float64
	isGood     bool
}

func integrate(_ context.Context, a, b float64) (slice, error) {
	simpson := func(a, b float64) float64 {
		return (b - a) / 6 * (math.Sqrt(a) + 4*math.Sqrt((a+b)/2) + math.Sqrt(b))
	}
	middle := (a + b) / 2
	area := simpson(a, middle) + simpson(middle, b)
	return slice{a, b, area, math.Abs(area-simpson(a, b)) < 1e-9}, nil
}

// for future in as_completed(futures): what turns out to be too coarse is cut in two.
func growWhileItRuns(client *rask.Client) {
	part := func(a, b float64) *rask.Future[slice] {
		return rask.Submit2(client, integrate, rask.Value(a), rask.Value(b))
	}
	area, slices := 0.0, 0
	for parts := []*rask.Future[slice]{part(0, 1)}; len(parts) > 0; {
		var finer []*rask.Future[slice]
		for _, done := range rask.AsCompleted(parts...) {
			s, err := done.Result(ctx)
			if err != nil {
				log.Fatal(err)
			}
			if s.isGood {
				area += s.area
				slices++
			} else {
				middle := (s.a + s.b) / 2
				finer = append(finer, part(s.a, middle), part(middle, s.b))
			}
			done.Close()
		}
		parts = finer
	}
	fmt.Printf("the area under sqrt from 0 to 1 is %.6f, by %d slices\n", area, slices)
}

// A server that is down for the first attempts, and one that stays down.
func fetch(ctx context.Context, page int) (int, error) {
	task, _ := rask.TaskFrom(ctx)
	switch {
	case page == 7:
		return 0, rask.Fail(404, "there is no page 7")
	case task.Attempt <= page%3:
		return 0, rask.Fail(503, "try again")
	}
	return page * page, nil
}

// futures = client.map(fetch, range(10), retries=2); client.gather(futures, errors="skip")
func flakyTasksAndAGatherThatSkips(client *rask.Client) {
	pages := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	futures := rask.Map(client, fetch, pages, rask.WithRetries(2), rask.WithRetryDelay(time.Millisecond))
	defer rask.CloseAll(futures...)
	values, errs, err := rask.GatherAll(ctx, futures...)
	if err != nil {
		log.Fatal(err)
	}
	fetched, sum := 0, 0
	for page, err := range errs {
		if err == nil {
			fetched++
			sum += values[page]
		} else if e, ok := err.(*rask.Error); ok {
			fmt.Printf("page %d: %s, after %d attempts\n", page, e.Message, e.Attempts)
		}
	}
	fmt.Printf("%d of %d pages, adding up to %d\n", fetched, len(pages), sum)
}
