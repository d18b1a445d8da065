// Package rask is Dask's futures for Go.
package rask
