package rask

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"unsafe"
)

// The kinds of rask_arg are the library's own business; what its functions write is the way to learn them.
var (
	kindNone    = C.rask_none().kind
	kindInteger = C.rask_i64(0).kind
	kindReal    = C.rask_f64(0).kind
	kindBytes   = C.rask_bytes(nil, 0).kind
	kindPointer = C.rask_pointer(nil).kind
	kindFuture  = C.rask_of(C.rask_future{}).kind
)

// arguments are written down for one call: what they point to in Go's memory is pinned until it returns, what they need of C's
// memory is freed then.
type arguments struct {
	list   []C.rask_arg
	pins   runtime.Pinner
	blocks []unsafe.Pointer
}

func (a *arguments) done() {
	a.pins.Unpin()
	for _, block := range a.blocks {
		C.free(block)
	}
}

// encode writes a Go value as C reads it: integers, floats, strings, bytes, pointers of C, futures, and slices of these as lists.
func (a *arguments) encode(value any) (C.rask_arg, error) {
	switch value := value.(type) {
	case nil:
		return C.rask_arg{kind: kindNone}, nil
	case int64:
		return C.rask_arg{kind: kindInteger, payload: C.uint64_t(value)}, nil
	case int:
		return C.rask_arg{kind: kindInteger, payload: C.uint64_t(value)}, nil
	case float64:
		return C.rask_arg{kind: kindReal, payload: C.uint64_t(math.Float64bits(value))}, nil
	case string:
		return a.bytes(unsafe.StringData(value), len(value)), nil
	case []byte:
		return a.bytes(unsafe.SliceData(value), len(value)), nil
	case unsafe.Pointer:
		return C.rask_arg{kind: kindPointer, payload: C.uint64_t(uintptr(value))}, nil
	case AnyFuture:
		c := value.base()
		if c == nil {
			return C.rask_arg{}, failure(ErrHandle, "a nil future")
		}
		id, err := c.handle()
		return C.rask_arg{kind: kindFuture, payload: C.uint64_t(id)}, err
	case argument:
		return a.encode(value.plain())
	}
	v := reflect.ValueOf(value)
	switch kind := v.Kind(); {
	case kind == reflect.Bool:
		number := 0
		if v.Bool() {
			number = 1
		}
		return a.encode(number)
	case v.CanInt():
		return a.encode(v.Int())
	case v.CanUint() && kind != reflect.Uintptr:
		return a.encode(int64(v.Uint())) // above the largest int64 they wrap, as in RASK_ARGS
	case v.CanFloat():
		return a.encode(v.Float())
	case kind == reflect.String:
		return a.encode(v.String())
	case kind == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return a.encode(v.Bytes())
	case kind == reflect.Slice, kind == reflect.Array:
		return a.encodeList(v)
	case kind == reflect.Struct && v.NumField() == 0:
		return a.encode(nil)
	}
	return C.rask_arg{}, failure(ErrInvalid, "a %T stays in Go: C reads integers, floats, strings, bytes, futures and slices of them", value)
}

func (a *arguments) bytes(data *byte, size int) C.rask_arg {
	if size == 0 {
		return C.rask_arg{kind: kindBytes}
	}
	a.pins.Pin(data)
	return C.rask_arg{kind: kindBytes, payload: C.uint64_t(uintptr(unsafe.Pointer(data))), size: C.size_t(size)}
}

func (a *arguments) encodeList(v reflect.Value) (C.rask_arg, error) {
	n := v.Len()
	if n == 0 {
		return C.rask_list(nil, 0), nil
	}
	block := C.calloc(C.size_t(n), C.sizeof_rask_arg)
	a.blocks = append(a.blocks, block)
	items := unsafe.Slice((*C.rask_arg)(block), n)
	for i := range items {
		item, err := a.encode(v.Index(i).Interface())
		if err != nil {
			return item, fmt.Errorf("item %d: %w", i, err)
		}
		items[i] = item
	}
	return C.rask_list(&items[0], C.size_t(n)), nil
}

// add appends one argument.
func (a *arguments) add(value any) error {
	encoded, err := a.encode(value)
	if err != nil {
		return fmt.Errorf("argument %d: %w", len(a.list), err)
	}
	a.list = append(a.list, encoded)
	return nil
}

// decode reads a value of the engine's into target, which is addressable. Bytes are copied, since C's memory may go away.
func decode(target reflect.Value, from *C.rask_go_value) error {
	kind := target.Kind()
	if kind == reflect.Interface && target.NumMethod() == 0 {
		natural, err := anyOf(from)
		if err == nil && natural != nil {
			target.Set(reflect.ValueOf(natural))
		}
		return err
	}
	switch from.kind {
	case C.RASK_NONE:
		if kind == reflect.Struct && target.NumField() == 0 {
			return nil
		}
	case C.RASK_I64:
		number := int64(from.number)
		switch {
		case target.CanInt() && !target.OverflowInt(number):
			target.SetInt(number)
			return nil
		case kind == reflect.Uint64 || kind == reflect.Uint: // as they were encoded: above the largest int64 they wrap
			target.SetUint(uint64(number))
			return nil
		case target.CanUint() && number >= 0 && !target.OverflowUint(uint64(number)):
			target.SetUint(uint64(number))
			return nil
		case target.CanFloat():
			target.SetFloat(float64(number))
			return nil
		case kind == reflect.Bool:
			target.SetBool(number != 0)
			return nil
		case target.CanInt() || target.CanUint():
			return failure(ErrType, "%d does not fit into %s", number, target.Type())
		}
	case C.RASK_F64:
		if target.CanFloat() {
			target.SetFloat(math.Float64frombits(uint64(from.number)))
			return nil
		}
	case C.RASK_BYTES:
		switch {
		case kind == reflect.String:
			target.SetString(string(borrowed(from)))
			return nil
		case kind == reflect.Slice && target.Type().Elem().Kind() == reflect.Uint8:
			target.SetBytes(append([]byte{}, borrowed(from)...))
			return nil
		}
	case C.RASK_POINTER:
		if kind == reflect.UnsafePointer {
			target.SetPointer(cPointer(from.number))
			return nil
		}
	case C.RASK_LIST:
		switch {
		case kind == reflect.Slice:
			n := int(from.number)
			list := reflect.MakeSlice(target.Type(), n, n)
			if err := decodeItems(list, from); err != nil {
				return err
			}
			target.Set(list)
			return nil
		case kind == reflect.Array && target.Len() == int(from.number):
			return decodeItems(target, from)
		case kind == reflect.Array:
			return failure(ErrType, "a list of %d does not fit into %s", from.number, target.Type())
		}
	}
	return failure(ErrType, "the value is %s, not a Go %s", kindName(from.kind), target.Type())
}

// decodeItems reads a list into as many places.
func decodeItems(places reflect.Value, from *C.rask_go_value) error {
	for i := range places.Len() {
		var item C.rask_go_value
		if status := C.rask_go_read(C.rask_value_at(from.value, C.size_t(i)), &item); status != 0 {
			return failure(Status(status), "item %d cannot be read", i)
		}
		if err := decode(places.Index(i), &item); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

// anyOf is the value as the Go type that is most like it.
func anyOf(from *C.rask_go_value) (any, error) {
	switch from.kind {
	case C.RASK_NONE:
		return nil, nil
	case C.RASK_I64:
		return int64(from.number), nil
	case C.RASK_F64:
		return math.Float64frombits(uint64(from.number)), nil
	case C.RASK_BYTES:
		return append([]byte{}, borrowed(from)...), nil
	case C.RASK_LIST:
		list := make([]any, int(from.number))
		err := decodeItems(reflect.ValueOf(list), from)
		return list, err
	}
	return nil, failure(ErrType, "the value is %s, which Go has nothing for", kindName(from.kind))
}

// borrowed is C's memory as Go sees it, valid as long as the value.
func borrowed(from *C.rask_go_value) []byte {
	if from.size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(cPointer(from.data)), int(from.size))
}

// cPointer makes a pointer of an address in C's memory. By way of memory, since that is what vet lets stand.
func cPointer(address C.uint64_t) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

func kindName(kind C.rask_kind) string {
	switch kind {
	case C.RASK_NONE:
		return "nothing"
	case C.RASK_I64:
		return "an i64"
	case C.RASK_F64:
		return "an f64"
	case C.RASK_BYTES:
		return "bytes"
	case C.RASK_POINTER:
		return "a pointer"
	case C.RASK_OBJECT:
		return "an object"
	case C.RASK_LIST:
		return "a list"
	}
	return "of an unknown kind"
}
