package rask

// #include "lane.h"
import "C"

import (
	"context"
	"sync"
	"sync/atomic"
)

// A Batch collects Go tasks and submits them in one call, which is cheaper by half where tasks are small and many. Their futures
// are there at once, and may be inputs of further tasks of the batch. What is asked of one of them sends the batch, and so does its growth.
type Batch struct {
	engine *engine
	mu     sync.Mutex
	sheet  *sheet
}

// NewBatch begins a batch of tasks for the client. It may be used by many goroutines at a time, and again after Send.
func (c *Client) NewBatch() *Batch { return &Batch{engine: c.engine} }

func (b *Batch) target() (*engine, *Batch) {
	if b == nil {
		return nil, nil
	}
	return b.engine, b
}

// Send submits what has been collected.
func (b *Batch) Send() {
	b.mu.Lock()
	s := b.sheet
	b.mu.Unlock()
	if s != nil {
		s.send()
	}
}

// sheetSize is how many tasks are sent at a time: enough to make the call cheap, few enough for the first to run early.
const sheetSize = 512

// add notes a task.
func (b *Batch) add(c *core, j job, args []argument) error {
	for {
		b.mu.Lock()
		s := b.sheet
		if s == nil || s.isFull() {
			s = &sheet{engine: b.engine}
			b.sheet = s
		}
		b.mu.Unlock()
		added, err := s.add(c, j, args)
		if added || err != nil {
			return err
		}
	}
}

// A sheet is what is sent in one call. It is the job of all its tasks.
type sheet struct {
	engine *engine
	isSent atomic.Bool
	mu     sync.Mutex
	jobs   []job
	cores  []*core
	counts []C.uint32_t
	inputs []C.rask_go_input
}

func (s *sheet) isFull() bool { return s.isSent.Load() }

func (s *sheet) add(c *core, j job, args []argument) (added bool, err error) {
	// First what may send another sheet, or this one.
	for i, arg := range args {
		if arg == nil {
			return false, failure(ErrInvalid, "argument %d is nil", i)
		}
		if of, ok := arg.input(); ok && (of == nil || of.sheet != s) {
			if _, err := of.handle(); err != nil {
				return false, err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isSent.Load() {
		return false, nil
	}
	n := 0
	for _, arg := range args {
		of, ok := arg.input()
		if !ok {
			continue
		}
		n++
		if of.sheet == s {
			if of.has(isClosed) {
				return false, errClosed
			}
			s.inputs = append(s.inputs, C.rask_go_input{earlier: C.int64_t(of.slot)})
			continue
		}
		id, _ := of.handle()
		s.inputs = append(s.inputs, C.rask_go_input{future: C.uint64_t(id), earlier: -1})
	}
	if s.jobs == nil {
		s.jobs = make([]job, 0, sheetSize)
		s.cores = make([]*core, 0, sheetSize)
		s.counts = make([]C.uint32_t, 0, sheetSize)
	}
	c.engine, c.sheet, c.slot = s.engine, s, int32(len(s.cores))
	s.jobs = append(s.jobs, j)
	s.cores = append(s.cores, c)
	s.counts = append(s.counts, C.uint32_t(n))
	if len(s.cores) == sheetSize {
		s.sendLocked()
	}
	return true, nil
}

// sent makes sure that the future is the engine's.
func (c *core) sent() {
	if c.sheet != nil && !c.sheet.isSent.Load() {
		c.sheet.send()
	}
}

func (s *sheet) send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isSent.Load() {
		s.sendLocked()
	}
}

func (s *sheet) sendLocked() {
	defer s.isSent.Store(true)
	n := len(s.cores)
	if n == 0 {
		return
	}
	e := s.engine
	e.lane.start()
	l := newLease(n)
	ids := make([]uint64, n)
	var inputs *C.rask_go_input
	if len(s.inputs) > 0 {
		inputs = &s.inputs[0]
	}
	var left C.rask_go_failure
	first := e.lane.table.add(s, n)
	C.rask_go_submit_batch(C.uint64_t(e.id), C.uint64_t(e.lane.id), C.int64_t(first), C.size_t(n),
		&s.counts[0], inputs, idsPointer(ids), &left)
	err := failed(&left)
	for i, c := range s.cores {
		c.lease = l
		if ids[i] == 0 {
			c.failed = err
		} else {
			c.open(ids[i])
		}
	}
	s.cores, s.counts, s.inputs = nil, nil, nil
}

func (s *sheet) run(sub uint32, r *run) { s.jobs[sub].run(0, r) }

func (s *sheet) drop(sub uint32) {
	s.jobs[sub].drop(0)
	s.jobs[sub] = nil
}

// Map runs f on each item, and returns the futures in order. It is one call, whatever their number.
func Map[A, T any](on Submitter, f func(context.Context, A) (T, error), items []A, options ...Option) []*Future[T] {
	futures := make([]*Future[T], len(items))
	o := collect(options)
	e, _, err := targetOf(on)
	if err == nil && f == nil {
		err = failure(ErrInvalid, "no function")
	}
	if err == nil {
		err = o.check()
	}
	if err != nil || o.key != nil || o.flags == C.RASK_PURE {
		for i, item := range items {
			futures[i] = Submit1(on, f, Value(item), options...)
		}
		return futures
	}
	if len(items) == 0 {
		return futures
	}
	e.mapAll(newMapJob(e, f, items, futures, o), coresOf(futures), o)
	return futures
}

// A mapJob is the job of all tasks of a Map.
type mapJob[A, T any] struct {
	f      func(context.Context, A) (T, error)
	items  []A
	chunks [][]Future[T]
}

// Futures lie together in chunks: cheaper than one by one, and no reason to keep many for one.
const chunkSize = 32

func newMapJob[A, T any](e *engine, f func(context.Context, A) (T, error), items []A, futures []*Future[T], o *submitOptions) *mapJob[A, T] {
	m := &mapJob[A, T]{f: f, items: append([]A(nil), items...)} // the caller may change its slice
	for left := len(items); left > 0; left -= chunkSize {
		chunk := make([]Future[T], min(left, chunkSize))
		m.chunks = append(m.chunks, chunk)
	}
	for i := range futures {
		future := m.future(uint32(i))
		future.engine = e
		if o.ctx != nil {
			future.options = o
		}
		futures[i] = future
	}
	return m
}

func (m *mapJob[A, T]) future(sub uint32) *Future[T] {
	return &m.chunks[sub/chunkSize][sub%chunkSize]
}

func (m *mapJob[A, T]) run(sub uint32, r *run) {
	future := m.future(sub)
	if !r.enter(&future.core) {
		return
	}
	returned := false
	defer r.leave(&future.core, &returned)
	value, err := m.f(r.ctx, m.items[sub])
	returned = true
	future.finish(r, value, err)
}

func (m *mapJob[A, T]) drop(sub uint32) {
	var none A
	m.items[sub] = none
	m.future(sub).drop(sub)
}

func (e *engine) mapAll(j job, cores []*core, o *submitOptions) {
	e.lane.start()
	n := len(cores)
	ids := make([]uint64, n)
	var texts cTexts
	defer texts.free()
	var left C.rask_go_failure
	first := e.lane.table.add(j, n)
	C.rask_go_map(C.uint64_t(e.id), C.uint64_t(e.lane.id), C.int64_t(first), C.size_t(n),
		o.encode(&texts), idsPointer(ids), &left)
	err := failed(&left)
	var l *lease
	for i, c := range cores {
		if i%leaseSize == 0 {
			l = newLease(min(leaseSize, n-i))
		}
		c.lease, c.slot = l, int32(i%leaseSize)
		if ids[i] == 0 {
			c.failed = err
			continue
		}
		c.open(ids[i])
		c.follow(o.ctx)
	}
}
