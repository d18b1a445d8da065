package rask

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"math"
	"strings"
	"time"
	"unsafe"
)

// Options say how a client is opened. The zero value is a good choice: a worker for each processor.
type Options struct {
	// Workers is how many tasks run at a time: C tasks on that many threads, and Go tasks on that many goroutines, those
	// that block not counted. 0: one for each processor this process may use.
	Workers int
	// Limit is how many Go tasks may be in their functions at a time, those that block included, as errgroup's SetLimit has
	// it; those that wait for futures are not counted, but for those that receive from Done. 0: 10,000. Negative: no limit.
	Limit int
	// Name begins the names of the worker threads, "rask-0".
	Name string
	// MemoryLimit is how many bytes values may hold in the engine's memory; above it they go to disk. 0: no limit. Values
	// that stay in Go are not counted.
	MemoryLimit uint64
	// RefuseWhenFull makes a submit that finds MemoryLimit exceeded an [ErrNoMemory], instead of waiting for room.
	RefuseWhenFull bool
	// SpillDirectory is where values go that have no room; empty: the system's directory for temporary files.
	SpillDirectory string
	// Resources are what tasks can hold while they run: "GPU=2,license=1".
	Resources string
	// Pure makes C tasks pure unless they are submitted with WithPure(false).
	Pure bool
	// StackSize of the worker threads in bytes; 0: the platform's.
	StackSize uint64
	// MaxSpares is how many threads may be suspended in waits inside C tasks; 0: 1024.
	MaxSpares int
	// Address of a cluster; empty: the embedded engine.
	Address string
}

const defaultLimit = 10_000

func (o *Options) limit() int {
	switch {
	case o.Limit < 0:
		return math.MaxInt
	case o.Limit == 0:
		return defaultLimit
	}
	return o.Limit
}

// encode writes the options for C; free gives back what they hold.
func (o *Options) encode() (options C.rask_client_options, free func(), err error) {
	if o.Workers < 0 || o.MaxSpares < 0 || int64(o.Workers) > math.MaxUint32 || int64(o.MaxSpares) > math.MaxUint32 {
		return options, nil, failure(ErrInvalid, "%d workers and %d spares: out of range", o.Workers, o.MaxSpares)
	}
	for _, text := range []string{o.Name, o.Address, o.Resources, o.SpillDirectory} {
		if strings.IndexByte(text, 0) >= 0 {
			return options, nil, failure(ErrInvalid, "%q has a NUL in it", text)
		}
	}
	var texts cTexts
	options = C.rask_client_options{
		struct_size:     C.sizeof_rask_client_options,
		name:            texts.add(o.Name),
		address:         texts.add(o.Address),
		n_workers:       C.uint32_t(o.Workers),
		memory_limit:    C.uint64_t(o.MemoryLimit),
		resources:       texts.add(o.Resources),
		stack_size:      C.size_t(o.StackSize),
		max_spares:      C.uint32_t(o.MaxSpares),
		spill_directory: texts.add(o.SpillDirectory),
	}
	if o.Pure {
		options.flags |= C.RASK_CLIENT_PURE
	}
	if o.RefuseWhenFull {
		options.flags |= C.RASK_CLIENT_NOMEM
	}
	return options, texts.free, nil
}

// An Option says how a task is submitted.
type Option func(*submitOptions)

type submitOptions struct {
	ctx        context.Context
	key        *string
	name       string
	resources  string
	priority   int32
	retries    uint32
	retryDelay time.Duration
	flags      C.uint32_t
	plain      bool // nothing but, perhaps, a context
}

// WithContext cancels the task when ctx is done, and makes ctx the parent of the one the task is given.
func WithContext(ctx context.Context) Option {
	return func(o *submitOptions) { o.ctx = ctx }
}

// WithKey gives the future a key: as long as a future of that key is held, the same submit is that same future, and a different one
// is [ErrExists]. A Go function is told from another one by its code, not by what it captured. The context of the first submit counts.
func WithKey(key string) Option {
	return func(o *submitOptions) { o.key, o.plain = &key, false }
}

// WithName begins the future's key.
func WithName(name string) Option {
	return func(o *submitOptions) { o.name, o.plain = name, false }
}

// WithPriority runs the task before ready ones with a lower priority; 0 unless said.
func WithPriority(priority int32) Option {
	return func(o *submitOptions) { o.priority, o.plain = priority, false }
}

// WithRetries runs the task up to n times more after failures of its own.
func WithRetries(n uint32) Option {
	return func(o *submitOptions) { o.retries, o.plain = n, false }
}

// WithRetryDelay waits before each run but the first. No worker waits meanwhile.
func WithRetryDelay(delay time.Duration) Option {
	return func(o *submitOptions) { o.retryDelay, o.plain = delay, false }
}

// WithResources holds some of the client's resources while the task runs: "GPU=1,license=2". For C tasks only.
func WithResources(resources string) Option {
	return func(o *submitOptions) { o.resources, o.plain = resources, false }
}

// WithPure says that the function does nothing but compute its result from its arguments: while a future of the same function
// with equal arguments is held, it is that future. A Go function is told from another one by its code: it must not be a closure
// over anything that matters. WithPure(false) is for clients whose tasks are pure.
func WithPure(pure ...bool) Option {
	return func(o *submitOptions) {
		o.plain = false
		if len(pure) > 0 && !pure[0] {
			o.flags = C.RASK_IMPURE
		} else {
			o.flags = C.RASK_PURE
		}
	}
}

// noOptions are those of most submits.
var noOptions = submitOptions{plain: true}

func collect(options []Option) *submitOptions {
	if len(options) == 0 {
		return &noOptions
	}
	o := &submitOptions{plain: true}
	for _, option := range options {
		if option != nil {
			option(o)
		}
	}
	return o
}

// encode writes the options for C, in C's memory; nil for defaults.
func (o *submitOptions) encode(texts *cTexts) *C.rask_submit_options {
	if o.plain {
		return nil
	}
	options := (*C.rask_submit_options)(texts.block(C.sizeof_rask_submit_options))
	*options = C.rask_submit_options{
		struct_size:    C.sizeof_rask_submit_options,
		name:           texts.add(o.name),
		priority:       C.int32_t(o.priority),
		retries:        C.uint32_t(o.retries),
		retry_delay_ns: C.int64_t(o.retryDelay),
		resources:      texts.add(o.resources),
		flags:          o.flags,
	}
	if o.key != nil {
		options.key = texts.copy(*o.key)
	}
	return options
}

// check finds what would not survive the way to C.
func (o *submitOptions) check() error {
	if o == &noOptions {
		return nil
	}
	for _, text := range []string{o.name, o.resources} {
		if strings.IndexByte(text, 0) >= 0 {
			return failure(ErrInvalid, "%q has a NUL in it", text)
		}
	}
	if o.key != nil && strings.IndexByte(*o.key, 0) >= 0 {
		return failure(ErrInvalid, "key %q has a NUL in it", *o.key)
	}
	return nil
}

// cTexts are copies of Go's strings for one call.
type cTexts []unsafe.Pointer

// add copies a text; NULL for none.
func (t *cTexts) add(text string) *C.char {
	if text == "" {
		return nil
	}
	return t.copy(text)
}

func (t *cTexts) copy(text string) *C.char {
	copied := C.CString(text)
	*t = append(*t, unsafe.Pointer(copied))
	return copied
}

func (t *cTexts) block(size C.size_t) unsafe.Pointer {
	block := C.calloc(1, size)
	*t = append(*t, block)
	return block
}

func (t *cTexts) free() {
	for _, text := range *t {
		C.free(text)
	}
	*t = nil
}
