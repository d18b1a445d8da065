// An HTTP handler that submits tasks and honours its request's context: when the visitor goes away or has waited long enough, what was
// not begun for the request never runs, and what runs is told to stop.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"rask.dev/rask"
)

// A collatz handler counts the steps of numbers to 1: /?from=1&to=1000.
type collatz struct{ client *rask.Client }

func (h collatz) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, err1 := strconv.Atoi(r.FormValue("from"))
	to, err2 := strconv.Atoi(r.FormValue("to"))
	if err1 != nil || err2 != nil || from < 1 || to < from || to-from > 1_000_000 {
		http.Error(w, "from and to, please", http.StatusBadRequest)
		return
	}
	numbers := make([]int, 0, to-from+1)
	for n := from; n <= to; n++ {
		numbers = append(numbers, n)
	}

	ctx := r.Context()
	steps := rask.Map(h.client, steps, numbers, rask.WithContext(ctx))
	most := rask.SubmitN(h.client, most, steps, rask.WithContext(ctx))
	rask.CloseAll(steps...) // the last task needs them, and nobody else
	defer most.Close()

	longest, err := most.Result(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		http.Error(w, "that takes too long", http.StatusGatewayTimeout)
	case errors.Is(err, context.Canceled):
		return // nobody is there to read an answer
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		fmt.Fprintf(w, "%d steps\n", longest)
	}
}

func steps(ctx context.Context, n int) (count int, err error) {
	for ; n != 1; count++ {
		if n%2 == 0 {
			n /= 2
		} else {
			n = 3*n + 1
		}
	}
	return count, ctx.Err()
}

func most(_ context.Context, counts []int) (most int, err error) {
	for _, count := range counts {
		most = max(most, count)
	}
	return most, nil
}

func main() {
	client, err := rask.Open(rask.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	server := httptest.NewServer(collatz{client})
	defer server.Close()

	get(server, "from=1&to=10000", time.Minute)
	get(server, "from=5&to=nonsense", time.Minute)
	get(server, "from=1&to=1000000", time.Millisecond) // and goes away
	if err := client.Wait(context.Background()); err != nil {
		log.Fatal(err)
	}
	stats, err := client.Stats()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left to do for those who went away:", stats.Pending+uint64(stats.Running))
}

func get(server *httptest.Server, query string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/?"+query, nil)
	if err != nil {
		log.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		fmt.Println("no answer in time")
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	fmt.Print(response.StatusCode, " ", string(body))
}
