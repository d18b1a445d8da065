package rask

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// Which task a goroutine runs, where no context tells it. Go has no word for "this goroutine", so it is found by two looks at the stack: a
// cheap one that says whether a puller is at its bottom, and, only if one is, one that has the goroutine's number in it.

// atWork are the pullers by the numbers of their goroutines.
var atWork struct {
	sync.RWMutex
	by map[uint64]*puller
}

// arrive notes on which goroutine the puller is, which is this one; the function it returns takes that back.
func (p *puller) arrive() (leave func()) {
	number := goroutineNumber()
	atWork.Lock()
	defer atWork.Unlock()
	if atWork.by == nil {
		atWork.by = make(map[uint64]*puller)
	}
	atWork.by[number] = p
	return func() {
		atWork.Lock()
		defer atWork.Unlock()
		delete(atWork.by, number)
	}
}

// pullerHere is the puller that runs on this goroutine the task which asks; nil outside of tasks.
func pullerHere() *puller {
	if !isPuller() {
		return nil
	}
	number := goroutineNumber()
	atWork.RLock()
	defer atWork.RUnlock()
	return atWork.by[number]
}

// isHere says whether this goroutine runs one of the client's Go tasks.
func (e *engine) isHere() bool {
	p := pullerHere()
	return p != nil && p.lane.engine == e
}

// isPuller says whether a puller is at the bottom of this goroutine's stack.
func isPuller() bool {
	var few [64]uintptr
	callers := few[:]
	n := runtime.Callers(2, callers)
	for n == len(callers) {
		callers = make([]uintptr, 4*len(callers))
		n = runtime.Callers(2, callers)
	}
	for _, pc := range callers[max(0, n-3):n] { // before the runtime's own
		if f := runtime.FuncForPC(pc - 1); f != nil && strings.HasSuffix(f.Name(), "rask.(*puller).work") {
			return true
		}
	}
	return false
}

// goroutineNumber is in the first line of a stack, "goroutine 7 [running]:".
func goroutineNumber() uint64 {
	var line [64]byte
	words := bytes.Fields(line[:runtime.Stack(line[:], false)])
	if len(words) < 2 {
		return 0
	}
	number, _ := strconv.ParseUint(string(words[1]), 10, 64)
	return number
}
