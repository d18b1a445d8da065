package rask

// #include "lane.h"
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// How pullers that are held up are relieved: of the tasks they hold, which others run, and of the results they hold, which others hand
// back. A task that waits for a future says so; one that blocks otherwise is found by the monitor.

// watch has the monitor run while tasks do.
func (l *lane) watch() {
	if l.monitored.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.monitored.Swap(true) {
		l.group.Add(1)
		go l.monitor()
	}
}

// The monitor looks this often, and more often while it finds pullers held up.
const (
	tick      = time.Millisecond
	quickTick = tick / 4
	late      = 3 * tick // to be woken
)

// monitor looks once in a tick which pullers are still at the task they were at before. It ends when nothing runs.
func (l *lane) monitor() {
	defer l.group.Done()
	next, idle, busy := tick, 0, 0
	for {
		before := time.Now()
		time.Sleep(next)
		// Who is woken late is on a machine whose processors are all at work: more goroutines would not help. But a few
		// more from time to time, in case those that work wait for what is not begun.
		if time.Since(before) > late && busy < 10 {
			busy++
			continue
		}
		busy = 0
		running, held := l.relieve()
		next = tick
		if held {
			next = quickTick
		}
		if running {
			idle = 0
			continue
		}
		if idle++; idle < 10 {
			continue
		}
		l.monitored.Store(false)
		if l.slots.used.Load() == 0 || l.monitored.Swap(true) {
			return
		}
	}
}

// relieve looks at all pullers: whether any runs a task, and whether any was found to be held up.
func (l *lane) relieve() (running, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pullers {
		p.mu.Lock()
		if p.doing != 0 {
			running = true
			if p.seen == p.count && !p.held && p.waits == 0 {
				p.held, held = true, true
				l.free--
				p.relieved()
			}
			p.seen = p.count
		}
		p.mu.Unlock()
	}
	l.grow()
	return running, held
}

// relieved takes from a puller what it holds. Both locks are held.
func (p *puller) relieved() {
	if p.next < len(p.tasks) {
		p.lane.overflow = append(p.lane.overflow, p.tasks[p.next:]...)
		p.tasks, p.next = nil, 0
		p.lane.hasOverflow.Store(true)
	}
	p.capacity = 1
	if p.shared.n_results > 0 {
		p.exchange(0, false)
	}
}

// takeOverflow takes a task that another puller was relieved of.
func (p *puller) takeOverflow() bool {
	l := p.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.overflow) == 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks, p.next = l.overflow[:1:1], 0
	p.cancelled = 0 // it was pulled long ago
	l.overflow = l.overflow[1:]
	l.hasOverflow.Store(len(l.overflow) > 0)
	return true
}

// Of waits for more futures than this the engine is not told: whether they could never end is not found out.
const toldAtMost = 4096

// suspend makes room for others while a task waits for futures: the one that the context belongs to, or the one that this goroutine runs.
// The function it returns takes the room back. [ErrDeadlock]: the wait could never end.
func suspend(ctx context.Context, ids []uint64, until Until) (resume func(), err error) {
	nothing := func() {}
	t, ok := runOf(ctx)
	if !ok {
		here := pullerHere()
		if here == nil {
			return nothing, nil
		}
		t = here.run.ctx.(runContext) // nobody else's while the task runs
	}
	l := &t.of().engine().lane
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pullers {
		p.mu.Lock()
		if p.current == nil || p.run.ctx != context.Context(t) {
			p.mu.Unlock()
			continue
		}
		defer p.mu.Unlock()
		doing, task := p.doing, p.run.task
		var wait C.uint64_t
		if len(ids) > 0 && len(ids) <= toldAtMost && task != nil {
			futures := (*C.rask_future)(unsafe.Pointer(idsPointer(ids)))
			if C.rask_lane_wait_begin(task, futures, C.size_t(len(ids)), C.int32_t(until), &wait) == C.RASK_E_DEADLOCK {
				return nil, failure(ErrDeadlock, "this wait could never end: what the task waits for waits for the task")
			}
		}
		if p.waits++; p.waits == 1 {
			if !p.held {
				l.free--
			}
			p.relieved()
			l.slots.release()
			l.grow()
		}
		return func() { p.resumed(doing, task, wait) }, nil
	}
	return nothing, nil // the task has returned: somebody whom it has left behind waits
}

func (p *puller) resumed(doing uint64, task *C.rask_task, wait C.uint64_t) {
	l := p.lane
	l.mu.Lock()
	p.mu.Lock()
	if p.doing == doing && wait != 0 {
		C.rask_lane_wait_end(task, wait)
	}
	last := p.doing == doing && p.waits == 1
	if p.doing == doing && p.waits > 0 {
		p.waits--
	}
	if last && !p.held {
		l.free++
	}
	p.mu.Unlock()
	l.mu.Unlock()
	if last {
		l.slots.acquire()
	}
}
