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
	client *Client
	sheet  atomic.Pointer[sheet]
	spare  atomic.Pointer[notes] // of a sheet that was sent
}

// NewBatch begins a batch of tasks for the client. It may be used by many goroutines at a time, and again after Send.
func (c *Client) NewBatch() *Batch { return &Batch{client: c} }

func (b *Batch) target() (*Client, *Batch) {
	if b == nil {
		return nil, nil
	}
	return b.client, b
}

// Send submits what has been collected.
func (b *Batch) Send() {
	if b == nil {
		return
	}
	if s := b.sheet.Load(); s != nil {
		s.send()
	}
}

// sheetSize is how many tasks are sent at a time: enough to make the call cheap, few enough for the first to run early.
const sheetSize = 512

// add notes a task.
func (b *Batch) add(c *core, j job, args []argument) error {
	for {
		s := b.sheet.Load()
		if s == nil || s.lease.sheet.Load() == nil {
			next := newSheet(b, s)
			if !b.sheet.CompareAndSwap(s, next) {
				continue // somebody else has begun one
			}
			s = next
		}
		added, err := s.add(c, j, args)
		if added || err != nil {
			return err
		}
	}
}

// A sheet is what is sent in one call. It is the job of all its tasks, and their lease knows it until it was sent.
type sheet struct {
	batch *Batch
	lease *lease
	mu    sync.Mutex
	jobs  []job
	*notes
}

// notes are what a sheet needs until it is sent.
type notes struct {
	cores  []*core
	counts []C.uint32_t // of each task's inputs
	inputs []C.rask_go_input
	pinned []*core // futures of other sheets among the inputs
}

// newSheet begins a sheet, with as much room as the one before it needed.
func newSheet(b *Batch, before *sheet) *sheet {
	s := &sheet{batch: b, lease: &lease{client: b.client}} // makes room when it is known how much
	if before != nil {
		s.jobs = make([]job, 0, cap(before.jobs))
	}
	if s.notes = b.spare.Swap(nil); s.notes == nil {
		s.notes = new(notes)
	}
	s.lease.sheet.Store(s)
	return s
}

// add notes a task; false if the sheet was sent meanwhile.
func (s *sheet) add(c *core, j job, args []argument) (added bool, err error) {
	var few [4]input
	inputs, err := s.inputsOf(args, few[:0])
	if err == nil {
		s.mu.Lock()
		if added = s.lease.sheet.Load() != nil; added {
			s.note(c, j, inputs)
		}
		s.mu.Unlock()
	}
	if !added {
		for _, in := range inputs {
			if in.id != 0 {
				in.of.unpin()
			}
		}
	}
	return added, err
}

// note writes a task down. The lock is held.
func (s *sheet) note(c *core, j job, inputs []input) {
	for _, in := range inputs {
		if in.id == 0 {
			s.inputs = append(s.inputs, C.rask_go_input{earlier: C.int64_t(in.of.slot)})
		} else {
			s.inputs = append(s.inputs, C.rask_go_input{future: C.uint64_t(in.id), earlier: -1})
			s.pinned = append(s.pinned, in.of)
		}
	}
	c.lease, c.slot = s.lease, int32(len(s.jobs))
	s.jobs = append(s.jobs, j)
	s.cores = append(s.cores, c)
	s.counts = append(s.counts, C.uint32_t(len(inputs)))
	if len(s.jobs) == sheetSize {
		s.sendLocked()
	}
}

// An input of a task that is added: of the same sheet, or pinned with this id, since it may be closed before this is sent.
type input struct {
	of *core
	id uint64
}

// inputsOf appends those arguments that are futures. No lock is held: this may send another sheet.
func (s *sheet) inputsOf(args []argument, inputs []input) ([]input, error) {
	for i, arg := range args {
		if arg == nil {
			return inputs, failure(ErrInvalid, "argument %d is nil", i)
		}
		of, ok := arg.input()
		if !ok {
			continue
		}
		in := input{of: of}
		if of == nil || of.lease != s.lease {
			var err error
			if in.id, err = of.pin(); err != nil {
				return inputs, err
			}
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

func (s *sheet) send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease.sheet.Load() != nil {
		s.sendLocked()
	}
}

func (s *sheet) sendLocked() {
	n := len(s.jobs)
	if n == 0 {
		return
	}
	e := s.lease.client.engine
	e.lane.start()
	s.lease.makeRoom(n)
	var inputs *C.rask_go_input
	if len(s.inputs) > 0 {
		inputs = &s.inputs[0]
	}
	var left C.rask_go_failure
	first := e.lane.table.add(s, n)
	C.rask_go_submit_batch(C.uint64_t(e.id), C.uint64_t(e.lane.id), C.int64_t(first), C.size_t(n),
		&s.counts[0], inputs, C.size_t(len(s.inputs)), s.lease.at(0), &left)
	failMissing(s.cores, failed(&left))
	for _, c := range s.pinned {
		c.unpin()
	}
	s.notes.clear()
	s.batch.spare.Store(s.notes)
	s.notes = nil
	s.lease.sheet.Store(nil) // what was written is seen by who sees this
}

func (n *notes) clear() {
	clear(n.cores)
	clear(n.pinned)
	n.cores, n.counts, n.inputs, n.pinned = n.cores[:0], n.counts[:0], n.inputs[:0], n.pinned[:0]
}

func (s *sheet) of(sub uint32) *core { return s.jobs[sub].of(0) }

func (s *sheet) run(sub uint32, r *run) { s.jobs[sub].run(0, r) }

func (s *sheet) drop(sub uint32, finished bool) {
	s.jobs[sub].drop(0, finished)
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
	m := newMapJob(f, items, futures, o)
	for from := 0; from < len(items); from += sheetSize {
		e.mapSome(m, from, min(sheetSize, len(items)-from), o)
	}
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

func newMapJob[A, T any](f func(context.Context, A) (T, error), items []A, futures []*Future[T], o *submitOptions) *mapJob[A, T] {
	m := &mapJob[A, T]{f: f, items: append([]A(nil), items...)} // the caller may change its slice
	for left := len(items); left > 0; left -= chunkSize {
		chunk := make([]Future[T], min(left, chunkSize))
		m.chunks = append(m.chunks, chunk)
	}
	for i := range futures {
		future := m.future(uint32(i))
		if o.ctx != nil {
			future.more().ctx = o.ctx
		}
		futures[i] = future
	}
	return m
}

func (m *mapJob[A, T]) future(sub uint32) *Future[T] {
	return &m.chunks[sub/chunkSize][sub%chunkSize]
}

func (m *mapJob[A, T]) of(sub uint32) *core { return &m.future(sub).core }

func (m *mapJob[A, T]) run(sub uint32, r *run) {
	future := m.future(sub)
	returned := false
	defer r.leave(&returned)
	value, err := m.f(r.ctx, m.items[sub])
	returned = true
	future.finish(r, value, err)
}

func (m *mapJob[A, T]) drop(sub uint32, finished bool) {
	var none A
	m.items[sub] = none
	m.future(sub).drop(finished)
}

// mapSome submits so many tasks of a Map, in one call. The first of them run while the next are submitted.
func (e *Client) mapSome(j job, from, n int, o *submitOptions) {
	e.lane.start()
	l := newLease(e, n)
	for i := range n {
		c := j.of(uint32(from + i))
		c.lease, c.slot = l, int32(i)
	}
	var texts cTexts
	defer texts.free()
	var left C.rask_go_failure
	first := e.lane.table.add(j, n) + int64(from)
	C.rask_go_map(C.uint64_t(e.id), C.uint64_t(e.lane.id), C.int64_t(first), C.size_t(n), o.encode(&texts), l.at(0), &left)
	if err := failed(&left); err != nil || o.ctx != nil {
		for i := range n {
			c := j.of(uint32(from + i))
			if l.slots[i].Load() == 0 {
				c.fail(err)
			}
			c.follow(o.ctx)
		}
	}
}
