package rask_test

import (
	"context"
	"testing"

	"rask.dev/rask"
)

func TestFirst(t *testing.T) {
	client := open(t)
	x := rask.Submit(client, func(context.Context) (int64, error) { return 1, nil })
	y := rask.Submit1(client, inc, x)
	z := rask.Submit2(client, add, x, y)
	if v, err := z.Result(background); v != 3 || err != nil {
		t.Fatal(v, err)
	}
	t.Log(z.Key(), z.State(), z)
	rask.CloseAll(x, y, z)
}

func TestMap(t *testing.T) {
	client := open(t)
	items := make([]int64, 100000)
	for i := range items {
		items[i] = int64(i)
	}
	for range 10 {
		fs := rask.Map(client, inc, items)
		vs, err := rask.Gather(background, fs...)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range vs {
			if v != int64(i+1) {
				t.Fatal(i, v)
			}
		}
		rask.CloseAll(fs...)
	}
}
