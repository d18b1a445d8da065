package rask_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"rask.dev/rask"
)

// Errors whose own methods go wrong: the program's business, which is no reason for a task not to end, or for the process to.

type readsItself struct{ text string }

func (e *readsItself) Error() string { return e.text }

type panicsInError struct{}

func (panicsInError) Error() string { panic("in Error") }

type panicsInIs struct{}

func (panicsInIs) Error() string { return "panics in Is and As" }
func (panicsInIs) Is(error) bool { panic("in Is") }
func (panicsInIs) As(any) bool   { panic("in As") }

type exitsInError struct{}

func (exitsInError) Error() string { runtime.Goexit(); return "" }

var hostile = []error{(*readsItself)(nil), panicsInError{}, panicsInIs{}, (*rask.Error)(nil), (*rask.PanicError)(nil)}

func TestErrorsThatPanic(t *testing.T) {
	client := open(t)
	for _, hostile := range append(hostile, exitsInError{}) {
		returns := rask.Submit(client, func(context.Context) (int64, error) { return 0, hostile })
		panics := rask.Submit(client, func(context.Context) (int64, error) { panic(hostile) })
		through := rask.Submit1(client, inc, returns)
		for _, f := range []*rask.Future[int64]{returns, panics, through} {
			_, err := f.Result(background)
			var e *rask.Error
			if !errors.As(err, &e) || e.Status != rask.ErrTask || e.Message == "" {
				t.Errorf("%T: %T", hostile, err)
			}
			f.Close()
		}
	}
}

func TestCausesThatPanic(t *testing.T) {
	client := open(t)
	for _, hostile := range hostile {
		ctx, cancel := context.WithCancelCause(background)
		started := make(chan struct{})
		f := rask.Submit(client, untilCancelled(started), rask.WithContext(ctx))
		<-started
		cancel(hostile)
		if _, err := f.Result(background); f.State() != rask.Cancelled || err == nil {
			t.Errorf("%T: %v", hostile, f.State())
		}
		f.Close()
	}
	started := make(chan struct{})
	f := rask.Submit(client, untilCancelled(started))
	<-started
	if err := f.CancelCause(panicsInError{}); err != nil {
		t.Error(err)
	}
	f.Close()
}
