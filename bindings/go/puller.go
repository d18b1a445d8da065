package rask

// #include "lane.h"
// #include <stdlib.h>
// #cgo nocallback rask_go_exchange
// #cgo noescape rask_go_exchange
import "C"

import (
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// A puller is a goroutine that runs Go tasks: it has some from the engine, runs one after the other, and hands them all back when it
// comes for more. Its lock is its own nearly always; others take it to relieve it of what it holds while a task holds it up.
type puller struct {
	lane     *lane
	run      run
	capacity int // how many tasks it asks for: about as many as it runs in quantum

	cancelled uint64 // the lane's, when it pulled: what is cancelled later may be among its tasks

	mu      sync.Mutex
	shared  *C.rask_go_puller
	tokens  [C.RASK_GO_BATCH]int64 // of the results that are not handed back
	tasks   []C.rask_lane_task     // in C's memory
	next    int                    // of those that were handed out, the first that is not begun
	doing   uint64                 // the id of the task that runs; 0: none
	current *core                  // its future
	count   uint64                 // of tasks begun
	seen    uint64                 // count, when the monitor looked
	held    bool                   // up, by its task, as the monitor found; another puller was started for it
	waits   int                    // waits for futures in its task; another puller was started for it
}

// quantum is how long the tasks of one exchange should run in all: long enough to make the call's cost small, short enough that nobody
// misses their results.
const quantum = 50 * time.Microsecond

func newPuller(l *lane) *puller {
	p := &puller{lane: l, capacity: 1}
	p.shared = (*C.rask_go_puller)(C.calloc(1, C.sizeof_rask_go_puller))
	p.run.puller = p
	return p
}

// work is the goroutine.
func (p *puller) work() {
	normal := false
	defer p.arrive()()
	defer func() {
		if normal {
			p.lane.group.Done()
			return
		}
		// The task called runtime.Goexit. It has failed, and another goroutine goes on in this one's place.
		go p.work()
	}()
	p.afterGoexit()
	for p.pull() {
		p.batch()
	}
	p.leave()
	normal = true
}

// pull comes for tasks; false if this puller is needed no more. It takes no lock: nobody touches what it holds while nothing runs.
func (p *puller) pull() bool {
	for {
		if p.lane.hasOverflow.Load() {
			p.exchange(0, false) // what there is, before other tasks
			if p.takeOverflow() {
				return true
			}
		}
		p.cancelled = p.lane.cancelled.Load()
		if p.lane.isSpare() {
			p.exchange(0, false)
			if p.lane.dismiss(p) {
				return false
			}
			continue
		}
		status := p.exchange(p.capacity, false)
		if p.shared.n_tasks == 0 && status == C.RASK_E_TIMEOUT {
			// Perhaps by those who have not had a processor. A wait in C keeps this one from them for a while.
			runtime.Gosched()
			status = p.exchange(p.capacity, true)
		}
		p.tasks, p.next = p.shared.tasks[:p.shared.n_tasks], 0
		switch {
		case len(p.tasks) > 0:
			return true
		case status != C.RASK_OK && status != C.RASK_E_TIMEOUT:
			p.lane.end()
			if p.lane.dismiss(p) {
				return false
			}
		}
	}
}

// exchange hands back what there is, and takes up to capacity tasks.
func (p *puller) exchange(capacity int, waits bool) C.rask_status {
	returned := p.shared.results[:p.shared.n_results]
	status := C.rask_go_exchange(C.uint64_t(p.lane.id), p.shared, C.size_t(capacity), C.bool(waits))
	if len(returned) > 0 {
		ended := p.tokens[:0]
		for i := range returned {
			if returned[i].token_ended {
				ended = append(ended, p.tokens[i])
			}
		}
		p.lane.table.drop(ended, true)
	}
	if n := p.shared.n_dropped; n > 0 {
		p.lane.table.drop(unsafe.Slice((*int64)(unsafe.Pointer(&p.shared.dropped[0])), int(n)), false)
	}
	return status
}

// batch runs the tasks at hand.
func (p *puller) batch() {
	p.lane.slots.acquire()
	p.lane.watch() // after the slot was taken: the monitor looks at those before it ends
	p.rest()
}

// rest runs what is left of a batch.
func (p *puller) rest() {
	n := len(p.tasks) - p.next
	var begun time.Time
	if p.measures(n) {
		begun = time.Now()
	}
	for more := p.claim(); more; more = p.advance() {
		p.execute()
	}
	p.lane.slots.release()
	if !begun.IsZero() {
		p.adapt(time.Since(begun), n)
	}
}

// measures says whether it matters how long so many tasks take: a look at the clock costs as much as a small task.
func (p *puller) measures(n int) bool { return n > 1 || n == p.capacity }

// adapt chooses how many tasks to ask for next, by how long these took.
func (p *puller) adapt(took time.Duration, n int) {
	switch each := took / time.Duration(n); {
	case took > 2*quantum:
		p.capacity = max(1, min(p.capacity, int(quantum/(each+1))))
	case n == p.capacity && took < quantum/2:
		p.capacity = min(2*p.capacity, C.RASK_GO_BATCH)
	}
}

// claim takes the next task at hand.
func (p *puller) claim() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.claimLocked()
}

func (p *puller) claimLocked() bool {
	if p.next == len(p.tasks) {
		return false
	}
	task := &p.tasks[p.next]
	p.next++
	p.count++
	p.doing = uint64(task.id)
	p.run.begin(task, &p.lane.table)
	p.current = p.run.core
	return true
}

// advance delivers the outcome of the task at hand and takes the next, mostly under the lock at once.
func (p *puller) advance() bool {
	p.mu.Lock()
	if p.held || p.waits > 0 || p.shared.n_results == C.RASK_GO_BATCH-1 {
		p.mu.Unlock()
		p.deliver()
		return p.claim()
	}
	p.writeDown()
	p.run.clear()
	more := p.claimLocked()
	p.mu.Unlock()
	return more
}

// execute runs the task, and leaves its outcome in p.run.
func (p *puller) execute() {
	if p.cancelled != p.lane.cancelled.Load() && C.rask_cancelled(p.run.task) {
		p.run.outcome.err = nil // nobody wants it
		return
	}
	if !p.run.mayRun() {
		return
	}
	p.run.job.run(p.run.sub, &p.run)
}

// deliver writes the outcome down for the next exchange.
func (p *puller) deliver() {
	p.mu.Lock()
	p.writeDown()
	wasHeld, waited := p.held, p.waits > 0
	p.held, p.waits = false, 0
	p.mu.Unlock()
	p.run.clear()
	if wasHeld || waited {
		p.lane.cameBack()
	}
	if waited { // somebody whom the task has left behind still does, without its slot
		p.lane.slots.acquire()
	}
	if p.shared.n_results == C.RASK_GO_BATCH {
		p.exchange(0, false)
	}
}

// writeDown writes down what became of the task at hand. The lock is held.
func (p *puller) writeDown() {
	i := p.shared.n_results
	p.shared.n_results++
	p.tokens[i] = p.run.token
	result := &p.shared.results[i]
	*result = C.rask_lane_result{id: C.uint64_t(p.doing)}
	if p.run.outcome.err != nil {
		p.run.failure.encode(result)
	} else {
		p.run.outcome.encode(p.shared, result)
	}
	p.doing, p.current = 0, nil
}

// afterGoexit goes on where a task ended the goroutine.
func (p *puller) afterGoexit() {
	if p.doing != 0 {
		p.deliver()
		p.rest()
	}
}

func (p *puller) leave() { C.free(unsafe.Pointer(p.shared)) }
