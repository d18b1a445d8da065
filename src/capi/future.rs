//! One future: asked and read.

use super::guard;
use super::handle::{rask_client, rask_future};
use super::pointers::{set, timeout};
use super::status::rask_status;
use super::value::{bytes_of, f64_of, object_of, write_bytes};
use crate::client::{self, Timeout};
use crate::future::{self, State};
use crate::status::{Failure, OK};
use crate::value::{Type, Value};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Where a future is: one of the following.
pub type rask_state = i32;

/// Waits for its inputs or for a worker.
pub const RASK_PENDING: rask_state = 0;
/// A worker runs it.
pub const RASK_RUNNING: rask_state = 1;
/// Its value is there.
pub const RASK_FINISHED: rask_state = 2;
/// It, or one it depends on, failed.
pub const RASK_ERROR: rask_state = 3;
/// It will never have a value.
pub const RASK_CANCELLED: rask_state = 4;
/// Its value was lost with a worker of a cluster.
pub const RASK_LOST: rask_state = 5;

/// As timeout_ns: without limit.
pub const RASK_FOREVER: i64 = -1;

const _: () = assert!(
    RASK_PENDING == State::Pending as i32
        && RASK_RUNNING == State::Running as i32
        && RASK_FINISHED == State::Finished as i32
        && RASK_ERROR == State::Error as i32
        && RASK_CANCELLED == State::Cancelled as i32
        && RASK_LOST == State::Lost as i32
);

/// Where a future is at this moment.
///
/// Returns: a rask_state; below zero a failure: RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_future_state(future: rask_future) -> rask_state {
    let mut state = 0;
    let status = guard::status(|| {
        state = future::state(future.id)? as rask_state;
        Ok(())
    });
    if status == OK { state } else { status }
}

/// The key of a future.
///
/// Returns: a text, borrowed until the handle is released; NULL on failure: RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_future_key(future: rask_future) -> *const c_char {
    guard::call(ptr::null(), || future::key(future.id))
}

/// The client of a future.
///
/// Returns: the handle, borrowed: valid until its owner closes it; {0} on failure: RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_future_client(future: rask_future) -> rask_client {
    rask_client { id: guard::call(0, || future::client(future.id)) }
}

/// One line about a future, for people: key, state, and what it holds or why not.
///
/// Parameters: text: written on every path, cut to size bytes with its NUL; NULL if size is 0.
/// Returns: the length of the whole line in bytes, without its NUL, as snprintf does; 0 on failure:
/// RASK_E_HANDLE, RASK_E_INVALID.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_future_describe(future: rask_future, text: *mut c_char, size: usize) -> usize {
    guard::call(0, || {
        if text.is_null() && size != 0 {
            return Err(Failure::invalid(format!("text is NULL with a size of {size} bytes")));
        }
        let write = |line: &str| {
            if size != 0 {
                let mut cut = line.len().min(size - 1);
                while !line.is_char_boundary(cut) {
                    cut -= 1;
                }
                // SAFETY: `text` has room for `size` bytes, as the header requires, and cut + 1 is no more
                // than that.
                unsafe {
                    ptr::copy_nonoverlapping(line.as_ptr(), text.cast(), cut);
                    text.add(cut).write(0);
                }
            }
        };
        write("");
        let line = future::describe(future.id)?;
        write(&line);
        Ok(line.len())
    })
}

/// Waits for a future and reads its value in place.
///
/// Parameters: timeout_ns: nanoseconds; 0 polls, RASK_FOREVER does not end. out: borrowed until this handle
/// is released; written on every path, NULL on failure.
/// Returns: RASK_OK; the status of the future's error (RASK_E_TASK, RASK_E_CANCELLED, ...); RASK_E_TIMEOUT,
/// RASK_E_HANDLE, RASK_E_INVALID, RASK_E_DEADLOCK, RASK_E_NOMEM (inside a task: no thread to go on with).
/// Threads: any. Blocks: yes; inside a task another thread takes over its worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_result(
    future: rask_future,
    timeout_ns: i64,
    out: *mut *const Value,
) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    unsafe { guard::output(out, ptr::null(), || client::result(future.id, timeout(timeout_ns)?)) }
}

/// Waits for a future without limit and reads its integer.
///
/// Parameters: out: written on every path, 0 on failure.
/// Returns: as rask_result, or RASK_E_TYPE.
/// Threads: any. Blocks: yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_result_i64(future: rask_future, out: *mut i64) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    unsafe { guard::output(out, 0, || client::result_i64(future.id)) }
}

/// Waits for a future without limit and reads its double; an integer converts.
///
/// Parameters: out: written on every path, 0 on failure.
/// Returns: as rask_result, or RASK_E_TYPE.
/// Threads: any. Blocks: yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_result_f64(future: rask_future, out: *mut f64) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    unsafe { guard::output(out, 0.0, || client::read_result(future.id, Timeout::Forever, f64_of)) }
}

/// Waits for a future without limit and reads its bytes or text in place.
///
/// Parameters: data: borrowed until this handle is released; aligned to 16 and followed by a NUL that is not
/// counted, except for objects and bytes moved in by rask_bytes_owned. size: in bytes. Both written on every path, NULL
/// and 0 on failure.
/// Returns: as rask_result, or RASK_E_TYPE, RASK_E_LOST (it cannot be brought back from disk).
/// Threads: any. Blocks: yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_result_bytes(
    future: rask_future,
    data: *mut *const c_void,
    size: *mut usize,
) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    let clear = || unsafe { set(data, ptr::null()).and(set(size, 0)) };
    guard::outputs(clear, |()| {
        // SAFETY: as above.
        unsafe { write_bytes(data, size, || client::read_result(future.id, Timeout::Forever, bytes_of)) }
    })
}

/// Takes the object out of a finished future that nobody but this handle refers to, so that it need not be
/// copied.
///
/// Parameters: future: RASK_OK: the handle is taken, and set to {0}; else it is a handle of the same future, the
/// same or another one. type: the object's type, by its address. out: the object, the caller's to destroy;
/// written on every path, NULL on failure.
/// Returns: RASK_OK; RASK_E_STATE (it is not finished, or others hold it, need it or share the object, or it may
/// be on disk), RASK_E_TYPE, RASK_E_HANDLE, RASK_E_INVALID, RASK_E_NOMEM.
/// Threads: any, but no other may use this handle meanwhile. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_future_take_object(
    future: *mut rask_future,
    r#type: *const Type,
    out: *mut *mut c_void,
) -> rask_status {
    // SAFETY: NULL, or valid and writable, as the header requires.
    unsafe {
        guard::output(out, ptr::null_mut(), || {
            let future = future.as_mut().ok_or_else(|| Failure::invalid("future is NULL"))?;
            future::take_object(&mut future.id, |value| object_of(value, r#type).map(drop))
        })
    }
}
