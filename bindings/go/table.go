package rask

import (
	"sync"
	"sync/atomic"
)

// A job is what a token of the engine's stands for: a Go function with its arguments, or many of them in a row, told apart by sub.
type job interface {
	// of is the future that is run.
	of(sub uint32) *core
	// run calls the function, and leaves the outcome in r.
	run(sub uint32, r *run)
	// drop is called when nobody can run it any more: because it has finished, if the engine has told that.
	drop(sub uint32, finished bool)
}

// A table keeps jobs for as long as the engine may hand out their tokens. A token is the place of a job and a sub.
type table struct {
	mu    sync.Mutex
	pages atomic.Pointer[[]*page] // copied to grow, so that they are read without the lock
	free  []uint32
	used  uint32
	over  bool // the engine hands out nothing more
}

const pageBits = 8

type page [1 << pageBits]place

type place struct {
	job  job
	left atomic.Int64 // tokens that were not dropped yet
}

// add gives n tokens in a row for a job; the first of them.
func (t *table) add(j job, n int) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return 0
	}
	var index uint32
	if last := len(t.free) - 1; last >= 0 {
		index, t.free = t.free[last], t.free[:last]
	} else {
		index = t.used
		t.used++
		if index&(1<<pageBits-1) == 0 {
			var pages []*page
			if old := t.pages.Load(); old != nil {
				pages = append(pages, *old...)
			}
			pages = append(pages, new(page))
			t.pages.Store(&pages)
		}
	}
	p := t.at(index)
	p.job = j
	p.left.Store(int64(n))
	return int64(index) << 32
}

func (t *table) at(index uint32) *place {
	return &(*t.pages.Load())[index>>pageBits][index&(1<<pageBits-1)]
}

// find is the job of a token that was handed out.
func (t *table) find(token int64) (job, uint32) {
	return t.at(uint32(token >> 32)).job, uint32(token)
}

// drop lets go of what nobody can run any more.
func (t *table) drop(tokens []int64, finished bool) {
	for from := 0; from < len(tokens); {
		index := uint32(tokens[from] >> 32)
		p := t.at(index)
		to := from
		for ; to < len(tokens) && uint32(tokens[to]>>32) == index; to++ {
			p.job.drop(uint32(tokens[to]), finished)
		}
		if p.left.Add(int64(from-to)) == 0 {
			t.mu.Lock()
			p.job = nil
			t.free = append(t.free, index)
			t.mu.Unlock()
		}
		from = to
	}
}

// clear lets go of all jobs, when the engine hands out none any more.
func (t *table) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.pages.Store(nil)
}
