package main

import (
	"fmt"
	"runtime"
)

// withChannels is what one writes without Rask: a goroutine for each task, and its result in a cell that a closed channel says is there.
type withChannels struct{}

func (withChannels) describe() string {
	return fmt.Sprintf("%s; GOMAXPROCS as workers, a goroutine and a channel for each task", runtime.Version())
}

func (withChannels) start(int) {}
func (withChannels) stop()     {}

// A cell is a promised value, which any number of goroutines may wait for.
type cell struct {
	done  chan struct{}
	value int64
}

func spawn(f func() int64) *cell {
	c := &cell{done: make(chan struct{})}
	go func() {
		c.value = f()
		close(c.done)
	}()
	return c
}

func (c *cell) get() int64 {
	<-c.done
	return c.value
}

func (withChannels) independent(tasks int) (sum int64) {
	cells := make([]*cell, tasks)
	for i := range cells {
		cells[i] = spawn(func() int64 { return int64(i) + 1 })
	}
	for _, c := range cells {
		sum += c.get()
	}
	return sum
}

func (withChannels) chain(tasks int) int64 {
	cells := make([]*cell, tasks)
	cells[0] = spawn(func() int64 { return 1 })
	for i := 1; i < tasks; i++ {
		cells[i] = spawn(func() int64 { return cells[i-1].get() + 1 })
	}
	return cells[tasks-1].get()
}

func (withChannels) tree(leaves int) int64 {
	cells := make([]*cell, 2*leaves-1)
	for i := range leaves {
		cells[i] = spawn(func() int64 { return int64(i) + 1 })
	}
	for i := leaves; i < len(cells); i++ {
		a, b := cells[2*(i-leaves)], cells[2*(i-leaves)+1]
		cells[i] = spawn(func() int64 { return a.get() + b.get() })
	}
	return cells[len(cells)-1].get()
}

func (withChannels) wavefront(side int) int64 {
	cells := make([]*cell, side*side)
	for i := range cells {
		var left, above *cell
		x, y := i%side, i/side
		if x > 0 {
			left = cells[i-1]
		}
		if y > 0 {
			above = cells[i-side]
		}
		cells[i] = spawn(func() int64 {
			switch {
			case left != nil && above != nil:
				return left.get() + above.get()
			case left != nil:
				return left.get()
			case above != nil:
				return above.get()
			}
			return 1
		})
	}
	return cells[len(cells)-1].get()
}
