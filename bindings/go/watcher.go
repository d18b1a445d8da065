package rask

// #include "shim.h"
import "C"

import (
	"slices"
	"sync"
)

// A watcher tells goroutines that futures are done. It is one of the engine's iterations over futures as they are completed, and one
// goroutine that the runtime's own poller wakes: so a waiting goroutine is only that, and no thread of the system is blocked.
type watcher struct {
	mu      sync.Mutex
	iter    completions
	waiting map[uint64][]*watch
	closed  bool
}

// A watch is somebody who waits for a future. Its function must neither block nor take the watcher's lock.
type watch struct{ told func() }

// add has w told once, when the future is done; at once if it is.
func (w *watcher) add(id uint64, one *watch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed { // so the client is, and all its futures are done
		one.told()
		return nil
	}
	if w.waiting == nil {
		if err := w.iter.open(nil); err != nil {
			return err
		}
		w.waiting = make(map[uint64][]*watch)
		go w.iter.each(w.tell)
	}
	others, known := w.waiting[id]
	if !known {
		if err := w.iter.add(id); err != nil {
			return err
		}
	}
	w.waiting[id] = append(others, one)
	return nil
}

// remove has it told no more. The engine goes on watching the future, for whoever asks next.
func (w *watcher) remove(id uint64, gone *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.waiting[id]
	if i := slices.Index(all, gone); i >= 0 {
		w.waiting[id] = slices.Delete(all, i, i+1)
	}
}

func (w *watcher) tell(ids []uint64) {
	var due []*watch
	w.mu.Lock()
	for _, id := range ids {
		due = append(due, w.waiting[id]...)
		delete(w.waiting, id)
	}
	w.mu.Unlock()
	for _, watch := range due {
		watch.told()
	}
}

// close ends the goroutine. All futures of the client are done by now, and whoever waits for them is told first.
func (w *watcher) close() {
	w.mu.Lock()
	started := w.waiting != nil && !w.closed
	w.closed = true
	w.mu.Unlock()
	if started {
		w.iter.end()
	}
}
