//go:build !rask_static

package rask

// #cgo pkg-config: rask
import "C"
