//! Arguments as they are written. Nothing here can fail: submit checks.

use super::handle::rask_future;
use crate::value::{Arg, ArgKind, Type, arg::kind};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Nothing: RASK_NONE for the task.
#[unsafe(no_mangle)]
pub extern "C" fn rask_none() -> Arg {
    arg(kind::NONE, 0, 0, ptr::null())
}

/// An integer.
#[unsafe(no_mangle)]
pub extern "C" fn rask_i64(value: i64) -> Arg {
    arg(kind::I64, value as u64, 0, ptr::null())
}

/// A double.
#[unsafe(no_mangle)]
pub extern "C" fn rask_f64(value: f64) -> Arg {
    arg(kind::F64, value.to_bits(), 0, ptr::null())
}

/// Bytes, copied by submit. data may be NULL if size, in bytes, is 0.
#[unsafe(no_mangle)]
pub extern "C" fn rask_bytes(data: *const c_void, size: usize) -> Arg {
    arg(kind::BYTES, word(data), size, ptr::null())
}

/// A buffer that is moved in, not copied. Submit takes it on every path: destroy(data) is called once, after the last
/// reader, on any thread; with destroy NULL it never is. Nothing is appended: readers find a NUL behind it only if it ends
/// with one. For data NULL with size 0 destroy is not called.
#[unsafe(no_mangle)]
pub extern "C" fn rask_bytes_owned(
    data: *mut c_void,
    size: usize,
    destroy: Option<unsafe extern "C" fn(data: *mut c_void)>,
) -> Arg {
    let destroy = destroy.map_or(ptr::null(), |destroy| destroy as *const c_void);
    arg(kind::BYTES_OWNED, word(data), size, destroy)
}

/// NUL-terminated text, copied by submit; RASK_BYTES for the task.
#[unsafe(no_mangle)]
pub extern "C" fn rask_str(text: *const c_char) -> Arg {
    arg(kind::STR, word(text), 0, ptr::null())
}

/// A pointer of the caller's, passed through as it is.
#[unsafe(no_mangle)]
pub extern "C" fn rask_pointer(pointer: *mut c_void) -> Arg {
    arg(kind::POINTER, word(pointer), 0, ptr::null())
}

/// An object that is moved in. Submit takes it on every path: type->destroy(object) is called once, after the last reader.
#[unsafe(no_mangle)]
pub extern "C" fn rask_object(object: *mut c_void, r#type: *const Type) -> Arg {
    arg(kind::OBJECT, word(object), 0, r#type.cast())
}

/// The value of a future, once it is there. The handle stays the caller's and may be released right after submit.
#[unsafe(no_mangle)]
pub extern "C" fn rask_of(future: rask_future) -> Arg {
    arg(kind::FUTURE, future.id, 0, ptr::null())
}

/// Likewise, and the handle is handed over: submit takes it on every path, and it is stale when submit returns.
#[unsafe(no_mangle)]
pub extern "C" fn rask_take(future: rask_future) -> Arg {
    arg(kind::TAKE, future.id, 0, ptr::null())
}

/// A list of arguments, which may be lists and futures in their turn. The array is borrowed until submit returns.
#[unsafe(no_mangle)]
pub extern "C" fn rask_list(items: *const Arg, count: usize) -> Arg {
    arg(kind::LIST, word(items), count, ptr::null())
}

/// A list of the values of futures. The array is borrowed until submit returns, the handles stay the caller's.
#[unsafe(no_mangle)]
pub extern "C" fn rask_list_of(futures: *const rask_future, count: usize) -> Arg {
    arg(kind::LIST_OF, word(futures), count, ptr::null())
}

fn arg(kind: ArgKind, payload: u64, size: usize, aux: *const c_void) -> Arg {
    Arg { kind, reserved: 0, payload, size, aux }
}

/// A pointer as the payload of an argument, from where the engine takes it again.
fn word<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}
