package rask_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rask.dev/rask"
)

const header = "../../include/rask.h"

// notReached are functions of the header that the binding has no use for, and why.
var notReached = map[string]string{
	"rask_arg_i64":             "for tasks in C",
	"rask_arg_f64":             "for tasks in C",
	"rask_arg_bytes":           "for tasks in C",
	"rask_arg_str":             "for tasks in C",
	"rask_arg_pointer":         "for tasks in C",
	"rask_arg_object":          "for tasks in C",
	"rask_arg_count":           "for tasks in C",
	"rask_return_i64":          "a Go task returns",
	"rask_return_f64":          "a Go task returns",
	"rask_return_bytes":        "a Go task returns",
	"rask_return_buffer":       "a Go task returns",
	"rask_return_str":          "a Go task returns",
	"rask_return_pointer":      "a Go task returns",
	"rask_return_object":       "a Go task returns",
	"rask_return_arg":          "a Go task returns",
	"rask_return_future":       "a Go task waits for another future, which costs a goroutine and no thread",
	"rask_task_attempt":        "TaskFrom: from rask_lane_task",
	"rask_task_client":         "TaskFrom",
	"rask_bytes_write":         "Go values have no encoders",
	"rask_codec_fail":          "as rask_bytes_write",
	"rask_value_object":        "objects are C's",
	"rask_value_nbytes":        "len",
	"rask_result_i64":          "rask_result",
	"rask_result_f64":          "rask_result",
	"rask_result_bytes":        "rask_result",
	"rask_gather":              "Gather waits without blocking a thread",
	"rask_str":                 "rask_bytes",
	"rask_take":                "futures have an owner in Go",
	"rask_list_of":             "rask_list",
	"rask_lazy":                "a function is lazy in Go",
	"rask_delayed_call":        "a function is lazy in Go",
	"rask_compute":             "a function is lazy in Go",
	"rask_compute_all":         "a function is lazy in Go",
	"rask_delayed_release":     "a function is lazy in Go",
	"rask_fire_and_forget":     "a future that is dropped is that",
	"rask_on_done":             "Done: no C thread calls into Go",
	"rask_as_completed_count":  "the caller counts",
	"rask_progress":            "Progress, and Wait",
	"rask_lane_fd":             "pullers wait in rask_lane_exchange",
	"rask_lane_run":            "C would have to call Go",
	"rask_version":             "Version tells it as text",
	"rask_after":               "a Go task may wait for a future that fails",
	"rask_fail_with":           "Go errors stay in Go, and are found by the key they began in",
	"rask_future_error_object": "as rask_fail_with",
	"rask_future_take_object":  "objects are C's",
	"rask_future_client":       "a Go future keeps its client",
	"rask_task_current":        "TaskFrom",
}

func TestEveryFunctionIsReached(t *testing.T) {
	text := read(t, header)
	sources := ""
	for _, pattern := range []string{"*.go", "*.c", "*.h"} {
		files := must(filepath.Glob(pattern))
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				sources += read(t, file)
			}
		}
	}
	// A declaration begins a line, with a type.
	declared := regexp.MustCompile(`(?m)^(?:RASK_MUST_USE )?[a-z][\w ]*[ *](rask_\w+)\(`)
	n, left := 0, maps.Clone(notReached)
	for _, match := range declared.FindAllStringSubmatch(text, -1) {
		name := match[1]
		if strings.HasSuffix(name, "_") { // RASK_ARGS's own
			continue
		}
		n++
		reached := regexp.MustCompile(`\b` + name + `\(`).MatchString(sources)
		if _, listed := notReached[name]; reached == listed {
			t.Errorf("%s: reached is %t, on the list is %t", name, reached, listed)
		}
		delete(left, name)
	}
	if n < 90 {
		t.Error("the header has more functions than", n)
	}
	for name := range left {
		t.Errorf("%s is on the list and not in the header", name)
	}
}

func TestConstantsAreTheHeaders(t *testing.T) {
	text := read(t, header)
	ours := map[string]int32{
		"RASK_E_INVALID": int32(rask.ErrInvalid), "RASK_E_HANDLE": int32(rask.ErrHandle), "RASK_E_TYPE": int32(rask.ErrType),
		"RASK_E_TIMEOUT": int32(rask.ErrTimeout), "RASK_E_CANCELLED": int32(rask.ErrCancelled), "RASK_E_TASK": int32(rask.ErrTask),
		"RASK_E_CLOSED": int32(rask.ErrClosed), "RASK_E_STATE": int32(rask.ErrState), "RASK_E_EXISTS": int32(rask.ErrExists),
		"RASK_E_DEADLOCK": int32(rask.ErrDeadlock), "RASK_E_FORKED": int32(rask.ErrForked), "RASK_E_NOMEM": int32(rask.ErrNoMemory),
		"RASK_E_UNSUPPORTED": int32(rask.ErrUnsupported), "RASK_E_LOST": int32(rask.ErrLost), "RASK_E_CONNECT": int32(rask.ErrConnect),
		"RASK_E_PANIC": int32(rask.ErrPanic),
		"RASK_PENDING": int32(rask.Pending), "RASK_RUNNING": int32(rask.Running), "RASK_FINISHED": int32(rask.Finished),
		"RASK_ERROR": int32(rask.Failed), "RASK_CANCELLED": int32(rask.Cancelled), "RASK_LOST": int32(rask.Lost),
		"RASK_ALL_COMPLETED": int32(rask.AllCompleted), "RASK_FIRST_COMPLETED": int32(rask.FirstCompleted), "RASK_FIRST_ERROR": int32(rask.FirstError),
	}
	defined := regexp.MustCompile(`(?m)^#define (RASK_\w+) +\(?(-?\d+)\)?`)
	found := map[string]int32{}
	for _, match := range defined.FindAllStringSubmatch(text, -1) {
		var value int32
		must(fmt.Sscan(match[2], &value))
		found[match[1]] = value
		if strings.HasPrefix(match[1], "RASK_E_") {
			if _, ok := ours[match[1]]; !ok {
				t.Error(match[1], "is not in the binding")
			}
		}
	}
	for name, value := range ours {
		if found[name] != value {
			t.Errorf("%s is %d in the header, %d here", name, found[name], value)
		}
		if status := rask.Status(value); strings.HasPrefix(name, "RASK_E_") && status.Error() != name {
			t.Errorf("%s is called %s", name, status.Error())
		}
	}
}

func TestStructsAreTheHeaders(t *testing.T) {
	for name, size := range rask.StructSizes() {
		if size[0] != size[1] {
			t.Errorf("%s has %d bytes in Go and %d in C", name, size[0], size[1])
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	return string(must(os.ReadFile(path)))
}
