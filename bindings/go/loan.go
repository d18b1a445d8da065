package rask

// #include "loan.h"
// #cgo noescape rask_go_borrow
// #cgo nocallback rask_go_borrow
// #cgo noescape rask_go_given_back
// #cgo nocallback rask_go_given_back
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// lendFrom is how many bytes C reads where they lie in Go's memory. Fewer are cheaper to copy than to pin.
const lendFrom = 32 << 10

// loans are the bytes that C has on loan, by their address. What C gives back, on any of its threads, is found when the next is lent, and
// in each cycle of the garbage collector: nobody misses the memory before.
var loans = struct {
	mu    sync.Mutex
	of    map[uint64]*loan
	waits bool // for the end of a cycle
}{of: map[uint64]*loan{}}

type loan struct {
	pins  runtime.Pinner
	times int
}

// lend has C read bytes where they lie, which nobody is to change; false for few, and for memory that is not Go's: that is to be copied.
func lend(data unsafe.Pointer, size int) (arg C.rask_arg, ok bool) {
	if size < lendFrom {
		return arg, false
	}
	address := uint64(uintptr(data))
	loans.mu.Lock()
	defer loans.mu.Unlock()
	takeBack()
	l := loans.of[address]
	if l == nil {
		if !isGos(data) {
			return arg, false
		}
		l = new(loan)
		l.pins.Pin((*byte)(data))
	}
	if !C.rask_go_borrow(C.uint64_t(address), C.size_t(size), &arg) {
		if l.times == 0 {
			l.pins.Unpin()
		}
		return arg, false
	}
	l.times++
	loans.of[address] = l
	if !loans.waits {
		awaitCycle()
	}
	return arg, true
}

// isGos says whether memory is Go's: other memory (a mapped file) may go away, whoever refers to it. A pinner takes any; a cleanup does not.
func isGos(data unsafe.Pointer) (is bool) {
	defer func() { is = recover() == nil }()
	runtime.AddCleanup((*byte)(data), func(struct{}) {}, struct{}{}).Stop()
	return true
}

// takeBack unpins what C has given back. The lock is held.
func takeBack() {
	var addresses [64]uint64
	for {
		n := int(C.rask_go_given_back((*C.uint64_t)(&addresses[0]), C.size_t(len(addresses))))
		for _, address := range addresses[:n] {
			l := loans.of[address]
			if l.times--; l.times == 0 {
				l.pins.Unpin()
				delete(loans.of, address)
			}
		}
		if n < len(addresses) {
			return
		}
	}
}

// awaitCycle takes back in each cycle of the collector, as long as there are loans. The lock is held.
func awaitCycle() {
	loans.waits = true
	runtime.AddCleanup(&sentinel{}, func(struct{}) {
		loans.mu.Lock()
		defer loans.mu.Unlock()
		takeBack()
		if loans.waits = len(loans.of) > 0; loans.waits {
			awaitCycle()
		}
	}, struct{}{})
}

// A sentinel is dead from the start. Not one of those that share their memory with others and live as long as they.
type sentinel struct{ _ [2]*byte }
