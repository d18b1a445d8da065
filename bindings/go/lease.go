package rask

// #include "shim.h"
// #cgo noescape rask_release
// #cgo nocallback rask_release
// #cgo noescape rask_release_all
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A lease holds the handles of some futures, and releases those that are left when none of its futures can be reached any more. That
// is the net under futures nobody closes: a cleanup for each would cost more than the task.
type lease struct{ slots []atomic.Uint64 }

const leaseSize = 64

func newLease(n int) *lease {
	l := &lease{slots: make([]atomic.Uint64, n)}
	runtime.AddCleanup(l, releaseSlots, l.slots)
	return l
}

func releaseSlots(slots []atomic.Uint64) {
	for i := range slots {
		if id := slots[i].Swap(0); id != 0 {
			C.rask_release(C.rask_future{id: C.uint64_t(id)})
		}
	}
}

// leases hands out places for futures that are submitted one by one.
type leases struct {
	mu      sync.Mutex
	current *lease
	used    int
}

func (l *leases) next() (*lease, int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil || l.used == leaseSize {
		l.current, l.used = newLease(leaseSize), 0
	}
	l.used++
	return l.current, int32(l.used - 1)
}

// close lets go of the lease at hand, so that its futures are what keeps it.
func (l *leases) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = nil
}
