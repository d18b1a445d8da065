// Hashes the files of a directory tree: a Go program walks it, tasks in C hash on the engine's worker threads, and tasks in Go make a
// line of each hash, which arrive as they are done.
//
//	hashes [DIR]
package main

// #cgo pkg-config: rask
// #include "hash.h"
import "C"

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"rask.dev/rask"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	client, err := rask.Open(rask.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var lines []*rask.Future[string]
	var paths []string
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			paths = append(paths, path)
			lines = append(lines, submit(client, path))
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

	hashed, failed, wrong := 0, 0, 0
	for i, done := range rask.AsCompleted(lines...) {
		line, err := done.Result(context.Background())
		switch {
		case err != nil:
			fmt.Fprintln(os.Stderr, paths[i], err)
			failed++
		case line != expected(paths[i]):
			wrong++
		default:
			hashed++
		}
		done.Close()
	}
	fmt.Printf("every file of the tree: %t, could not be read: %d, wrong: %d\n", hashed == len(paths) && hashed > 0, failed, wrong)
}

// submit hashes a file in C, and describes the hash in Go.
func submit(client *rask.Client, path string) *rask.Future[string] {
	hash := rask.SubmitC[uint64](client, rask.Func(C.hash_file), path, rask.WithName("hash"))
	defer hash.Close() // the line needs it, and nobody else
	return rask.Submit1(client, func(_ context.Context, hash uint64) (string, error) {
		return describe(hash, path), nil
	}, hash)
}

func describe(hash uint64, path string) string { return fmt.Sprintf("%016x  %s", hash, path) }

// expected is the same by Go's own library.
func expected(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	hash := fnv.New64a()
	_, _ = hash.Write(content)
	return describe(hash.Sum64(), path)
}
