package rask

// #include "lane.h"
import "C"

import (
	"fmt"
	"hash/maphash"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"weak"
)

// keyed knows the Go tasks with a key, or pure, whose futures are held: the engine cannot tell whether two Go functions are the same.
// Here they are, if their code is.
type keyed struct {
	mu sync.Mutex
	by map[string]*keyedTask
}

type keyedTask struct {
	code    uintptr
	values  []any    // plain arguments
	inputs  []string // keys of futures
	future  any      // weak.Pointer[Future[T]]
	core    weak.Pointer[core]
	handles []*atomic.Uint64 // of the future and of all that share its value
}

func (k *keyedTask) isSameAs(other *keyedTask) bool {
	return k.code == other.code && slices.Equal(k.inputs, other.inputs) && reflect.DeepEqual(k.values, other.values)
}

func submitKeyed[T any](e *Client, j job, future *Future[T], f any, o *submitOptions, args []argument) *Future[T] {
	handles, err := handlesOf(nil, args)
	if err != nil {
		return refuse(future, e, err)
	}
	task := &keyedTask{code: reflect.ValueOf(f).Pointer(), future: weak.Make(future), core: weak.Make(&future.core)}
	for _, arg := range args {
		if c, ok := arg.input(); ok {
			task.inputs = append(task.inputs, c.key())
		} else {
			task.values = append(task.values, arg.plain())
		}
	}
	isPure := o.key == nil
	if isPure {
		key := task.pureKey(o.name)
		o.key = &key
	}
	key := *o.key
	o.flags = 0
	future.lease = newLease(e, 1) // its own: the key is free as soon as nobody holds it
	handle := &future.lease.slots[0]

	e.keyed.mu.Lock()
	defer e.keyed.mu.Unlock()
	wasClosed := false
	switch known := e.keyed.by[key]; {
	case known == nil:
	case known.core.Value() == nil:
		known.release()
	case known.isSameAs(task) && share(future, known):
		known.holds(handle)
		return future
	case known.isSameAs(task) && !isPure:
		wasClosed = true
	case isPure: // with arguments that are not equal to themselves, or closed: nobody asked for that key
		o.key = nil
	}
	// If the key is held by another computation, the engine says so: this task's token is another one's.
	e.launch(&future.core, j, handles, o)
	if o.key == nil || future.Key() == key {
		if e.keyed.by == nil {
			e.keyed.by = make(map[string]*keyedTask)
		}
		task.holds(handle)
		e.keyed.by[key] = task
		runtime.AddCleanup(future, func(k keyedCleanup) { k.forget() }, keyedCleanup{e.engine, key, task})
	} else if wasClosed && future.failed() == nil {
		future.fail(failure(ErrExists, "the key %s is held by a future that was closed and is still needed", key))
	}
	return future
}

// share makes future another handle of the one that is known; false if that was closed.
func share[T any](future *Future[T], known *keyedTask) bool {
	pointer, ok := known.future.(weak.Pointer[Future[T]])
	if !ok {
		return false
	}
	first := pointer.Value()
	id, err := first.base().clone()
	if err != nil {
		return false
	}
	future.more().of = first
	future.open(id)
	return true
}

// holds notes a handle.
func (k *keyedTask) holds(handle *atomic.Uint64) {
	k.handles = append(slices.DeleteFunc(k.handles, func(h *atomic.Uint64) bool { return h.Load() == 0 }), handle)
}

// release releases all handles, when nobody refers to any of their futures: their leases do so too, but later.
func (k *keyedTask) release() {
	for _, handle := range k.handles {
		releaseSlot(handle)
	}
}

type keyedCleanup struct {
	engine *engine
	key    string
	task   *keyedTask
}

func (k keyedCleanup) forget() {
	keyed := &k.engine.keyed
	keyed.mu.Lock()
	defer keyed.mu.Unlock()
	k.task.release()
	if keyed.by[k.key] == k.task {
		delete(keyed.by, k.key)
	}
}

var pureSeed = maphash.MakeSeed()

// pureKey names a computation by what it is.
func (k *keyedTask) pureKey(name string) string {
	if name == "" {
		name = runtime.FuncForPC(k.code).Name()
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	var hash maphash.Hash
	hash.SetSeed(pureSeed)
	fmt.Fprintf(&hash, "%x %q", k.code, k.inputs)
	for _, value := range k.values {
		fmt.Fprintf(&hash, " %T %#v", value, value)
	}
	return fmt.Sprintf("%s-%016x", name, hash.Sum64())
}
