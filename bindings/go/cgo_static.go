//go:build rask_static

package rask

// #cgo LDFLAGS: -l:librask.a -Wl,--as-needed
// #cgo pkg-config: --static rask
import "C"

// The archive comes first and leaves nothing for the shared library to resolve, which is therefore not needed.
