package rask

// #include "shim.h"
import "C"

import (
	"context"
	"iter"
	"sync/atomic"
)

// Until says when a wait for several futures is over.
type Until int32

const (
	AllCompleted   Until = C.RASK_ALL_COMPLETED   // when all are done, whatever became of them
	FirstCompleted Until = C.RASK_FIRST_COMPLETED // when one is done
	FirstError     Until = C.RASK_FIRST_ERROR     // when one has failed or was cancelled, or all are done
)

// Gather waits for all futures and returns their values in order. The first error ends the wait; of several, the first in order
// counts.
func Gather[T any](ctx context.Context, futures ...*Future[T]) ([]T, error) {
	values := make([]T, len(futures))
	first := 0 // whose value Go does not know to be there
	for first < len(futures) && futures[first] != nil && futures[first].isFinished() {
		values[first] = futures[first].value
		first++
	}
	rest := futures[first:]
	if len(rest) == 0 {
		return values, nil
	}
	states, err := settle(ctx, coresOf(rest), FirstError)
	if err != nil {
		return nil, err
	}
	for i, future := range rest {
		switch state := states[i]; {
		case State(state) == Finished && future.has(isStored): // what most are
			future.word.Or(isFinal)
			values[first+i] = future.value
		case State(state) == Finished:
			if values[first+i], err = future.Result(ctx); err != nil {
				return nil, err
			}
		case !isOpen(state):
			_, err := future.Result(ctx)
			return nil, err
		}
	}
	return values, nil
}

// GatherAll waits for all futures, whatever becomes of them, and returns a value or an error for each, in order. The last result is
// why the wait itself ended too early.
func GatherAll[T any](ctx context.Context, futures ...*Future[T]) ([]T, []error, error) {
	if _, err := settle(ctx, coresOf(futures), AllCompleted); err != nil {
		return nil, nil, err
	}
	values, errs := make([]T, len(futures)), make([]error, len(futures))
	for i, future := range futures {
		values[i], errs[i] = future.Result(ctx)
	}
	return values, errs, nil
}

// Wait waits until all futures are done, whatever became of them.
func Wait[F AnyFuture](ctx context.Context, futures ...F) error {
	_, err := settle(ctx, coresOf(futures), AllCompleted)
	return err
}

// WaitUntil waits until the condition is met, and says which futures are done, also when ctx ends the wait.
func WaitUntil[F AnyFuture](ctx context.Context, until Until, futures ...F) (done []bool, err error) {
	states, err := settle(ctx, coresOf(futures), until)
	done = make([]bool, len(futures))
	for i, state := range states {
		done[i] = !isOpen(state)
	}
	return done, err
}

// AsCompleted ranges over futures in the order in which they are done, each with its index among the arguments.
func AsCompleted[F AnyFuture](futures ...F) iter.Seq2[int, F] {
	return func(yield func(int, F) bool) {
		ids := make([]uint64, 0, len(futures))
		indexes := make(map[uint64][]int, len(futures))
		var bad []int // closed, or never made: done in a way
		for i, future := range futures {
			id, err := coreOf(future).handle()
			if err != nil {
				bad = append(bad, i)
				continue
			}
			ids = append(ids, id)
			indexes[id] = append(indexes[id], i)
		}
		for _, i := range bad {
			if !yield(i, futures[i]) {
				return
			}
		}
		if len(ids) == 0 {
			return
		}
		var done completions
		if err := done.open(ids); err != nil {
			// One was closed meanwhile, or no descriptor is to be had: in order, then.
			for _, id := range ids {
				i := indexes[id][0]
				_ = coreOf(futures[i]).await(context.Background())
				indexes[id] = indexes[id][1:]
				if !yield(i, futures[i]) {
					return
				}
			}
			return
		}
		defer done.close()
		buffer := make([]uint64, completionsAtOnce)
		for left := len(ids); left > 0; {
			for _, id := range done.await(buffer) {
				i := indexes[id][0]
				indexes[id] = indexes[id][1:]
				left--
				if !yield(i, futures[i]) {
					return
				}
			}
		}
	}
}

func coresOf[F AnyFuture](futures []F) []*core {
	cores := make([]*core, len(futures))
	for i, future := range futures {
		cores[i] = coreOf(future)
	}
	return cores
}

func isOpen(state int8) bool { return state == C.RASK_PENDING || state == C.RASK_RUNNING }

// settle waits until the condition is met, and returns the states at that moment. A closed future is an error.
func settle(ctx context.Context, cores []*core, until Until) ([]int8, error) {
	if until < AllCompleted || until > FirstError {
		return nil, failure(ErrInvalid, "there is no condition %d to wait until", until)
	}
	ctx = orBackground(ctx)
	ids, states := make([]uint64, len(cores)), make([]int8, len(cores))
	for i, c := range cores {
		id, err := c.handle()
		if err != nil {
			return states, err
		}
		ids[i] = id
	}
	if len(ids) == 0 {
		return states, nil
	}
	for waited := false; ; waited = true {
		unknown := 0
		for i, c := range cores {
			if ids[i] != 0 && c.isFinished() {
				ids[i], states[i] = 0, int8(Finished) // nobody need be asked
			} else if ids[i] != 0 {
				unknown++
			}
		}
		if !waited && unknown > watchedOneByOne && until != FirstCompleted && ctx.Err() == nil {
			// Mostly some of so many are open: to ask for all of them first would be one look at each for nothing.
			if err := waitForMany(ctx, asked(ids), until); err != nil {
				return states, err
			}
			continue
		}
		open := int(C.rask_go_states(idsPointer(ids), C.size_t(len(ids)), (*C.int8_t)(&states[0])))
		if open == 0 || isMet(until, states) {
			return states, nil
		}
		if err := ctx.Err(); err != nil {
			return states, causeOf(ctx)
		}
		var err error
		if open <= watchedOneByOne {
			err = waitForSome(ctx, cores, ids, states, until)
		} else {
			err = waitForMany(ctx, asked(ids), until)
		}
		if err != nil {
			return states, err
		}
	}
}

// asked are those ids that are still asked for, with room for one more.
func asked(ids []uint64) []uint64 {
	some := make([]uint64, 0, len(ids)+1)
	for _, id := range ids {
		if id != 0 {
			some = append(some, id)
		}
	}
	return some
}

func isMet(until Until, states []int8) bool {
	if until == AllCompleted {
		return false
	}
	for _, state := range states {
		if !isOpen(state) && (until == FirstCompleted || state != C.RASK_FINISHED) {
			return true
		}
	}
	return false
}

// Up to so many futures are waited for by the watcher, which blocks no thread; of more, each would cost what a task does.
const watchedOneByOne = 64

// waitForSome returns when one of those that are open is done.
func waitForSome(ctx context.Context, cores []*core, ids []uint64, states []int8, until Until) error {
	changed := make(chan struct{}, 1)
	one := &watch{told: func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}}
	var open []uint64
	for i, id := range ids {
		if isOpen(states[i]) {
			open = append(open, id)
			watcher := &cores[i].engine().watcher
			if err := watcher.add(id, one); err != nil {
				return err
			}
			defer watcher.remove(id, one)
		}
	}
	resume, err := suspend(ctx, open, until)
	if err != nil {
		return err
	}
	defer resume()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return nil // the caller looks
	}
}

// waitForMany has the engine wait. A handle that is released ends that at once, so there is one to be released when ctx is done.
func waitForMany(ctx context.Context, ids []uint64, until Until) error {
	extra := uint64(C.rask_clone(C.rask_future{id: C.uint64_t(ids[0])}).id)
	if extra == 0 {
		return errClosed
	}
	var released atomic.Bool
	release := func() {
		if !released.Swap(true) {
			C.rask_release(C.rask_future{id: C.uint64_t(extra)})
		}
	}
	stop := context.AfterFunc(ctx, release)
	resume, err := suspend(ctx, ids, until)
	if err != nil {
		stop()
		release()
		return err
	}
	all := append(ids, extra)
	status := C.rask_go_wait(idsPointer(all), C.size_t(len(all)), C.int32_t(until))
	resume()
	stop()
	early := released.Load()
	release()
	if status != 0 && !early {
		return failure(Status(status), "the wait for %d futures ended early", len(ids))
	}
	return nil
}
