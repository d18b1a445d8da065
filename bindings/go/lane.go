package rask

// #include "lane.h"
// #include <stdlib.h>
import "C"

import (
	"sync"
	"sync/atomic"
)

// A lane runs the client's Go tasks: goroutines pull ready ones from the engine, many in one call, and hand their results back with
// the next call. There are as many as the client has workers, and more while some are held up: a task that blocks is no reason
// for the others to wait.
type lane struct {
	engine  *engine
	id      uint64
	table   table
	slots   slots
	started atomic.Bool

	monitored   atomic.Bool // the monitor runs
	hasOverflow atomic.Bool
	cancelled   atomic.Uint64  // tasks that were out, so far
	grown       atomic.Bool    // there were more pullers than are wanted
	group       sync.WaitGroup // all goroutines of the lane

	mu       sync.Mutex // before those of pullers
	pullers  map[*puller]struct{}
	free     int                // pullers that are not held up by what they run
	overflow []C.rask_lane_task // taken from pullers that are held up
	ended    bool               // the engine hands out nothing more
}

func (l *lane) open(e *engine) error {
	var left C.rask_go_failure
	l.engine = e
	l.id = uint64(C.rask_go_lane_open(C.uint64_t(e.id), &left))
	if l.id == 0 {
		return failed(&left)
	}
	l.slots.limit = int64(e.limit)
	l.slots.changed.L = &l.slots.mu
	l.pullers = make(map[*puller]struct{})
	return nil
}

// start starts the goroutines, before the first Go task is submitted.
func (l *lane) start() {
	if l.started.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started.Load() || l.ended {
		return
	}
	l.started.Store(true)
	l.group.Add(1)
	go l.listen()
	l.grow()
}

// close waits for the goroutines, after the client was closed and so nothing is out any more.
func (l *lane) close() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.group.Wait()
	C.rask_lane_close(C.rask_lane{id: C.uint64_t(l.id)})
	l.table.clear()
}

// wanted is how many pullers there are to be that are not held up.
func (l *lane) wanted() int { return min(l.engine.workers, l.engine.limit) }

// grow starts pullers until enough are free. The lock is held.
func (l *lane) grow() {
	for l.free < l.wanted() && !(l.ended && len(l.overflow) == 0) && !l.slots.full() {
		p := newPuller(l)
		l.pullers[p] = struct{}{}
		l.free++
		l.grown.Store(len(l.pullers) > l.wanted() || l.grown.Load())
		l.group.Add(1)
		go p.work()
	}
}

// listen hears from the engine which tasks that are out nobody wants any more.
func (l *lane) listen() {
	defer l.group.Done()
	var ids [64]C.uint64_t
	for {
		var n C.size_t
		if C.rask_go_unwanted(C.uint64_t(l.id), &ids[0], C.size_t(len(ids)), &n) != C.RASK_OK {
			return
		}
		for _, id := range ids[:n] {
			l.interrupt(uint64(id))
		}
	}
}

// interrupt tells a task that it may stop. One that has been pulled and not begun finds out when it is claimed.
func (l *lane) interrupt(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Counted before the look: who claims a task looks here afterwards.
	l.cancelled.Add(1)
	for p := range l.pullers {
		p.mu.Lock()
		var doing runContext
		if p.doing == id {
			doing = p.run.ctx.(runContext)
		}
		p.mu.Unlock()
		if doing != nil {
			doing.interrupt()
			return
		}
	}
}

// end notes that the engine hands out nothing more.
func (l *lane) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// isSpare says whether there are more free pullers than needed.
func (l *lane) isSpare() bool {
	if !l.grown.Load() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.free > l.wanted()
}

// dismiss takes leave of a puller that holds nothing, if it is not needed.
func (l *lane) dismiss(p *puller) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.overflow) > 0 || !l.ended && l.free <= l.wanted() {
		return false
	}
	delete(l.pullers, p)
	l.free--
	return true
}

// cameBack counts a puller that was held up as free again.
func (l *lane) cameBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free++
}

// slots are counted by those that run Go tasks, up to the limit.
type slots struct {
	limit   int64
	used    atomic.Int64
	waiting atomic.Int64
	mu      sync.Mutex
	changed sync.Cond
}

func (s *slots) full() bool { return s.used.Load() >= s.limit }

func (s *slots) try() bool {
	for {
		used := s.used.Load()
		if used >= s.limit {
			return false
		}
		if s.used.CompareAndSwap(used, used+1) {
			return true
		}
	}
}

func (s *slots) acquire() {
	if s.try() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.Add(1) // before the look that counts: who releases looks here afterwards
	for !s.try() {
		s.changed.Wait()
	}
	s.waiting.Add(-1)
}

func (s *slots) release() {
	s.used.Add(-1)
	if s.waiting.Load() > 0 {
		s.mu.Lock()
		s.changed.Signal()
		s.mu.Unlock()
	}
}
