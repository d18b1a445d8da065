// Package rask gives Go programs Dask's futures: submit a function, get its future at once, pass futures to further work before they
// have a value, gather, retry, cancel. It is a binding of librask, a work-stealing engine; tasks in C and C++ run on the engine's
// threads, tasks in Go on goroutines, all in one graph.
//
//	client, err := rask.Open(rask.Options{Workers: 4})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer client.Close()
//
//	x := rask.Submit(client, load)       // func(context.Context) (Table, error)
//	y := rask.Submit1(client, clean, x)  // func(context.Context, Table) (Table, error), as soon as x is there
//	table, err := y.Result(ctx)
//
// # Futures
//
// [Submit] and its kin return a *Future[T] at once. What is wrong with a submit makes its future an error, so that one check, at the
// result, is enough. [Future.Close] gives a future up; the garbage collector does it for those that are forgotten, in its own time. What
// is closed says so in every later use.
//
// # Values
//
// A value of any Go type may be a result and an input. Integers, floats, strings and byte slices are known to the engine, and so to tasks in C
// and C++. All others stay in Go's memory, held by futures and by the tasks that need them: C tasks that read them fail with words.
// Values are shared and not copied: whoever has one must not change it.
//
// # Contexts
//
// The context of [Future.Result] ends the wait, that of [WithContext] the task. A task is given one that is done when its future is
// cancelled, when the context it was submitted with is, and when its function has returned; [context.Cause] tells why. A wait for futures inside a
// task makes room for other tasks, and never counts against [Options].Limit. A nil context never ends.
//
// # Errors
//
// A failed future's error is an [*Error] around what the task returned: errors.Is and errors.As find that, in this future and in whatever
// failed because of it, also with C tasks in between. A panic is a [*PanicError] with its stack.
//
// # Linking
//
// The package asks pkg-config for librask. With the build tag rask_static it links the archive instead of the shared library.
package rask
