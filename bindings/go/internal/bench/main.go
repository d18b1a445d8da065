// The contestants of script/bench that are written in Go: Rask by its binding, and the same graphs with a goroutine and a channel
// for each task. Which of the two it is, its file's name says: bench_go_rask, bench_go_channels. What it speaks is in
// benches/contestant.c.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// shapes are graphs of tasks: each returns its answer.
type shapes interface {
	describe() string
	start(workers int)
	stop()
	independent(tasks int) int64
	chain(tasks int) int64
	tree(leaves int) int64
	wavefront(side int) int64
}

func main() {
	name := filepath.Base(os.Args[0])
	var s shapes = new(withRask)
	if strings.HasSuffix(name, "channels") {
		s = new(withChannels)
	}
	fmt.Printf("%s\t%s\n", strings.TrimPrefix(name, "bench_"), s.describe())
	workers := 0
	for {
		var shape string
		var wanted, size int
		if _, err := fmt.Scan(&shape, &wanted, &size); err != nil {
			break
		}
		run := map[string]func(int) int64{
			"independent": s.independent, "chain": s.chain, "tree": s.tree, "wavefront": s.wavefront,
		}[shape]
		expected := answers[shape]
		if run == nil || wanted < 1 || size < 1 {
			fmt.Println("no such measurement")
			continue
		}
		if wanted != workers {
			if workers > 0 {
				s.stop()
			}
			runtime.GOMAXPROCS(wanted)
			s.start(wanted)
			workers = wanted
		}
		begin := time.Now()
		answer := run(size)
		took := time.Since(begin)
		if answer != expected(size) {
			fmt.Printf("wrong answer: %d, not %d\n", answer, expected(size))
			continue
		}
		fmt.Println(took.Nanoseconds())
		runtime.GC() // each begins with the same memory
	}
	if workers > 0 {
		s.stop()
	}
}

// answers are computed without any task.
var answers = map[string]func(int) int64{
	"independent": func(n int) int64 { return int64(n) * int64(n+1) / 2 },
	"chain":       func(n int) int64 { return int64(n) },
	"tree":        func(n int) int64 { return int64(n) * int64(n+1) / 2 },
	"wavefront": func(n int) int64 {
		row := make([]int64, n)
		for i := range n {
			for j := range n {
				switch {
				case i == 0 || j == 0:
					row[j] = 1
				default:
					row[j] += row[j-1]
				}
			}
		}
		return row[n-1]
	},
}
