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
	"unsafe"
)

// A lease holds the handles of some futures, and releases those that are left when none of its futures can be reached any more. That
// is the net under futures nobody closes: a cleanup for each would cost more than the task.
type lease struct {
	client *Client
	slots  []atomic.Uint64
	sheet  atomic.Pointer[sheet] // that the futures are still to be sent with
}

const leaseSize = 64

func newLease(client *Client, n int) *lease {
	l := &lease{client: client}
	l.makeRoom(n)
	return l
}

func (l *lease) makeRoom(n int) {
	l.slots = make([]atomic.Uint64, n)
	runtime.AddCleanup(l, releaseSlots, l.slots)
}

func releaseSlots(slots []atomic.Uint64) {
	for i := range slots {
		if slots[i].Load() != 0 { // mostly it is 0, and a look is cheaper than a swap
			releaseSlot(&slots[i])
		}
	}
}

// releaseSlot releases the handle in a place, unless somebody else did.
func releaseSlot(slot *atomic.Uint64) {
	if id := slot.Swap(0); id != 0 {
		C.rask_release(C.rask_future{id: C.uint64_t(id)})
	}
}

// leases hands out places for futures that are submitted one by one.
type leases struct {
	mu      sync.Mutex
	current *lease
	used    int
}

func (l *leases) next(client *Client) (*lease, int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil || l.used == leaseSize {
		l.current, l.used = newLease(client, leaseSize), 0
	}
	l.used++
	return l.current, int32(l.used - 1)
}

// close lets go of the lease at hand, so that its futures alone are what keeps it.
func (l *leases) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = nil
}

// lend gives a future its place.
func (client *Client) lend(c *core) { c.lease, c.slot = client.leases.next(client) }

// lendAll gives many futures their places.
func (client *Client) lendAll(cores []*core) {
	var l *lease
	for i, c := range cores {
		if i%leaseSize == 0 {
			l = newLease(client, min(leaseSize, len(cores)-i))
		}
		c.lease, c.slot = l, int32(i%leaseSize)
	}
}

// at is where the engine writes the handles of n futures from the first place on.
func (l *lease) at(first int) *C.uint64_t { return (*C.uint64_t)(unsafe.Pointer(&l.slots[first])) }

// failMissing has those futures that were given no handle fail with err.
func failMissing(cores []*core, err error) {
	if err == nil {
		return
	}
	for _, c := range cores {
		if c.lease.slots[c.slot].Load() == 0 {
			c.fail(err)
		}
	}
}

// openAll gives many futures their handles; those without one fail with err.
func openAll(cores []*core, ids []uint64, err error) {
	for i, c := range cores {
		if ids[i] == 0 {
			c.fail(err)
		} else {
			c.open(ids[i])
		}
	}
}
