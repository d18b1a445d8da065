package rask_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rask.dev/rask"
	"rask.dev/rask/internal/ctasks"
)

func TestAFutureThatIsNone(t *testing.T) {
	var none *rask.Future[int64]
	for name, f := range map[string]*rask.Future[int64]{"nil": none, "zero": {}} {
		_, result := f.Result(background)
		_, handle := f.Handle()
		_, gathered := rask.Gather(background, f)
		_, all, err := rask.GatherAll(background, f)
		_, until := rask.WaitUntil(background, rask.FirstError, f)
		for what, err := range map[string]error{
			"Result": result, "Handle": handle, "Gather": gathered, "WaitUntil": until, "Cancel": f.Cancel(), "Retry": f.Retry(),
			"CancelCause": f.CancelCause(errors.New("why")), "Wait": rask.Wait(background, f), "Progress": rask.Progress("none", f),
			"GatherAll": errors.Join(append(all, err)...),
		} {
			if !errors.Is(err, rask.ErrHandle) {
				t.Error(name, what, err)
			}
		}
		if err := f.Close(); err != nil || f.Key() != "" || f.State() != rask.Failed || f.String() == "" {
			t.Error(name, err, f.Key(), f.State(), f)
		}
		<-f.Done()
		for range rask.AsCompleted(f, f) {
		}
		rask.CloseAll(f, f)
	}
	var nothing rask.AnyFuture
	if err := rask.Wait(background, nothing); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	if err := rask.Progress("none", nothing); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
	for range rask.AsCompleted(nothing) {
	}
	rask.CloseAll(nothing)
}

func TestAClientThatIsNone(t *testing.T) {
	var none *rask.Client
	for name, client := range map[string]*rask.Client{"nil": none, "zero": {}} {
		one := func(context.Context) (int64, error) { return 1, nil }
		batch := client.NewBatch()
		inBatch := rask.Submit(batch, one)
		batch.Send()
		_, stats := client.Stats()
		for what, err := range map[string]error{
			"Close": client.Close(), "Wait": client.Wait(background), "Stats": stats, "Dump": client.Dump("file"),
			"TraceStart": client.TraceStart("file"), "TraceStop": client.TraceStop(),
			"Submit": resultOf(rask.Submit(client, one)), "Batch": resultOf(inBatch), "Scatter": resultOf(rask.Scatter(client, int64(1))),
			"SubmitC": resultOf(rask.SubmitC[int64](client, ctasks.Inc, 1)), "MapC": resultOf(rask.MapC[int64](client, ctasks.Inc, []int{1})[0]),
			"Map":   resultOf(rask.Map(client, inc, []int64{1})[0]),
			"keyed": resultOf(rask.Submit(client, one, rask.WithKey("key"))),
		} {
			if !errors.Is(err, rask.ErrHandle) {
				t.Error(name, what, err)
			}
		}
	}
	var batch *rask.Batch
	batch.Send()
	new(rask.Batch).Send()
	if err := resultOf(rask.Submit1(batch, inc, rask.Value(int64(1)))); !errors.Is(err, rask.ErrHandle) {
		t.Error(err)
	}
}

func resultOf(f *rask.Future[int64]) error {
	_, err := f.Result(background)
	return err
}

func TestANilContextNeverEnds(t *testing.T) {
	client := open(t)
	f := rask.Submit(client, func(context.Context) (int64, error) { time.Sleep(2 * time.Millisecond); return 1, nil }, rask.WithContext(nil), nil)
	var none context.Context
	if v, err := f.Result(none); v != 1 || err != nil {
		t.Error(v, err)
	}
	g := rask.Submit(client, func(context.Context) (int64, error) { time.Sleep(2 * time.Millisecond); return 1, nil })
	if _, err := rask.Gather(none, f, g); err != nil {
		t.Error(err)
	}
	if err := errors.Join(rask.Wait(none, f), client.Wait(none)); err != nil {
		t.Error(err)
	}
	if _, ok := rask.TaskFrom(none); ok {
		t.Error("no task")
	}
	rask.CloseAll(f, g)
}

func TestErrorsThatAreNil(t *testing.T) {
	var failed *rask.Error
	var panicked *rask.PanicError
	if failed.Error() == "" || errors.Is(failed, rask.ErrTask) || failed.Unwrap() != nil || panicked.Error() == "" || panicked.Unwrap() != nil {
		t.Error(failed, panicked)
	}
}
