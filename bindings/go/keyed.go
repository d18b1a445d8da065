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
	"weak"
)

// keyed knows the Go tasks with a key, or pure, whose futures are held: the engine cannot tell whether two Go functions are the same.
// Here they are, if their code is.
type keyed struct {
	mu sync.Mutex
	by map[string]*keyedTask
}

type keyedTask struct {
	code   uintptr
	values []any    // plain arguments
	inputs []string // keys of futures
	future any      // weak.Pointer[Future[T]]
}

func (k *keyedTask) isSameAs(other *keyedTask) bool {
	return k.code == other.code && slices.Equal(k.inputs, other.inputs) && reflect.DeepEqual(k.values, other.values)
}

func submitKeyed[T any](e *Client, j job, future *Future[T], f any, o *submitOptions, args []argument) *Future[T] {
	handles, err := handlesOf(nil, args)
	if err != nil {
		return refuse(future, e, err)
	}
	task := &keyedTask{code: reflect.ValueOf(f).Pointer(), future: weak.Make(future)}
	for _, arg := range args {
		if c, ok := arg.input(); ok {
			task.inputs = append(task.inputs, c.Key())
		} else {
			task.values = append(task.values, arg.plain())
		}
	}
	if o.key == nil {
		key := task.pureKey(o.name)
		o.key = &key
	}
	o.flags = 0

	e.keyed.mu.Lock()
	defer e.keyed.mu.Unlock()
	if known := e.keyed.by[*o.key]; known != nil && known.isSameAs(task) {
		if pointer, ok := known.future.(weak.Pointer[Future[T]]); ok {
			if first := pointer.Value(); first != nil && share(future, first) {
				return future
			}
		}
	}
	// If the key is held by another computation, the engine says so: this task's token is another one's.
	e.launch(&future.core, j, handles, o)
	if future.failed() == nil && future.State() != Failed {
		if e.keyed.by == nil {
			e.keyed.by = make(map[string]*keyedTask)
		}
		e.keyed.by[*o.key] = task
		runtime.AddCleanup(future, func(k keyedCleanup) { k.forget() }, keyedCleanup{e.engine, *o.key, task})
	}
	return future
}

// share makes future another handle of first; false if first was closed.
func share[T any](future, first *Future[T]) bool {
	first = first.owner()
	id, err := first.Handle()
	if err != nil {
		return false
	}
	future.more().of = first
	first.lease.client.lend(&future.core)
	future.open(id)
	return true
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
