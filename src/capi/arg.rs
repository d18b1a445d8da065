//! Arguments as they are written. Nothing here can fail: submit checks.

use super::handle::{rask_delayed, rask_future};
use crate::value::{Arg, ArgKind, Type, arg::kind};
use std::ffi::{c_char, c_void};
use std::ptr;

/// The kind of an argument that rask_of writes: its payload is a future's id. Of values that lie in the payload
/// (RASK_I64, RASK_F64, RASK_POINTER, and RASK_OBJECT with its type in aux) the kind is theirs. A binding may write
/// these down itself, with the other fields 0.
pub const RASK_ARG_FUTURE: i32 = 9;
/// The kind of an argument that rask_take writes, likewise.
pub const RASK_ARG_TAKE: i32 = 10;

const _: () = assert!(RASK_ARG_FUTURE == kind::FUTURE && RASK_ARG_TAKE == kind::TAKE);

/// Nothing: RASK_NONE for the task.
///
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_none() -> Arg {
    arg(kind::NONE, 0, 0, ptr::null())
}

/// An integer.
///
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_i64(value: i64) -> Arg {
    arg(kind::I64, value as u64, 0, ptr::null())
}

/// A double.
///
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_f64(value: f64) -> Arg {
    arg(kind::F64, value.to_bits(), 0, ptr::null())
}

/// Bytes, copied by submit.
///
/// Parameters: data: borrowed until submit returns; NULL if size is 0. size: in bytes.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_bytes(data: *const c_void, size: usize) -> Arg {
    arg(kind::BYTES, word(data), size, ptr::null())
}

/// Bytes that are moved in, not copied. Nothing is appended: readers find a NUL behind them only if they end
/// with one.
///
/// Parameters: data: taken by submit on every path; NULL if size is 0. size: in bytes. destroy: called once
/// as destroy(data), after the last reader, on any thread, but not for data NULL; NULL: the bytes are never
/// destroyed.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_bytes_owned(
    data: *mut c_void,
    size: usize,
    destroy: Option<unsafe extern "C" fn(data: *mut c_void)>,
) -> Arg {
    let destroy = destroy.map_or(ptr::null(), |destroy| destroy as *const c_void);
    arg(kind::BYTES_OWNED, word(data), size, destroy)
}

/// Text, copied by submit; RASK_BYTES for the task.
///
/// Parameters: text: NUL-terminated, borrowed until submit returns.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_str(text: *const c_char) -> Arg {
    arg(kind::STR, word(text), 0, ptr::null())
}

/// A pointer of the caller's, passed through as it is.
///
/// Parameters: pointer: anything, also NULL.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_pointer(pointer: *mut c_void) -> Arg {
    arg(kind::POINTER, word(pointer), 0, ptr::null())
}

/// An object that is moved in.
///
/// Parameters: object: taken by submit on every path: type->destroy(object) is called once, after the last
/// reader, on any thread. type: static.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_object(object: *mut c_void, r#type: *const Type) -> Arg {
    arg(kind::OBJECT, word(object), 0, r#type.cast())
}

/// The value of a future, once it is there.
///
/// Parameters: future: borrowed until submit returns; it may be released right then.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_of(future: rask_future) -> Arg {
    arg(kind::FUTURE, future.id, 0, ptr::null())
}

/// The value of a future, once it is there, and its handle too: the task releases it when it needs the input
/// no longer.
///
/// Parameters: future: taken by submit on every path, stale when submit returns.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_take(future: rask_future) -> Arg {
    arg(kind::TAKE, future.id, 0, ptr::null())
}

/// Nothing, once a future is done, whatever became of it: the task runs after it, also when it has failed or was
/// cancelled. RASK_NONE for the task, which reads what became of it through a handle of its own.
///
/// Parameters: future: borrowed until submit returns; it may be released right then. An argument of rask_submit,
/// rask_submit_with and rask_map, not in a list.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_after(future: rask_future) -> Arg {
    arg(kind::AFTER, future.id, 0, ptr::null())
}

/// The value of an earlier task of the same rask_submit_all, once it is there.
///
/// Parameters: index: where that task stands among those of the call. An argument of a task there, not in a list.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_earlier(index: usize) -> Arg {
    arg(kind::EARLIER, index as u64, 0, ptr::null())
}

/// A list of arguments, which may be lists (at most 128 deep) and futures in their turn.
///
/// Parameters: items: count arguments, at most 2^24, borrowed until submit returns; NULL if count is 0. What
/// they hand over is taken.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_list(items: *const Arg, count: usize) -> Arg {
    arg(kind::LIST, word(items), count, ptr::null())
}

/// A list of the values of futures.
///
/// Parameters: futures: count handles, borrowed until submit returns; NULL if count is 0.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_list_of(futures: *const rask_future, count: usize) -> Arg {
    arg(kind::LIST_OF, word(futures), count, ptr::null())
}

/// The value of a delayed, once it is computed: for rask_delayed_call only.
///
/// Parameters: delayed: borrowed until the call returns; it may be released right then.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_lazy(delayed: rask_delayed) -> Arg {
    arg(kind::LAZY, delayed.id, 0, ptr::null())
}

fn arg(kind: ArgKind, payload: u64, size: usize, aux: *const c_void) -> Arg {
    Arg { kind, reserved: 0, payload, size, aux }
}

/// A pointer as the payload of an argument, from where the engine takes it again.
fn word<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}
