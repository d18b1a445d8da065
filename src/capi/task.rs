//! What a task function may call: its arguments, its result, its surroundings.

use super::guard;
use super::handle::{rask_client, rask_future};
use super::pointers::text;
use super::value::{bytes_of, f64_of, i64_of, object_of, pointer_of, wanted};
use crate::client::discard;
use crate::future::{Task, current};
use crate::status::{Failure, Result, TASK};
use crate::value::{Type, Value, kind};
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

/// A task's function. It runs on a worker thread, once per attempt, and must neither throw nor longjmp out.
/// The task is valid until it returns.
pub type rask_task_fn = Option<unsafe extern "C-unwind" fn(task: *mut Task)>;

/// How many arguments the task was submitted with.
///
/// Returns: their number; 0 if task is NULL.
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_arg_count(task: *mut Task) -> usize {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { with(task, 0, |task| Ok(task.arg_count())) }
}

/// An argument of any kind; of a future its value.
///
/// Parameters: index: from 0.
/// Returns: the value, borrowed until the task returns; NULL out of range, which fails the task
/// (RASK_E_INVALID).
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_arg_value(task: *mut Task, index: usize) -> *const Value {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { read(task, index, ptr::null(), |value| Ok(ptr::from_ref(value.resolve()))) }
}

/// An integer argument.
///
/// Parameters: index: from 0.
/// Returns: the integer. 0 for another kind, which fails the task (RASK_E_TYPE), or out of range
/// (RASK_E_INVALID).
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_arg_i64(task: *mut Task, index: usize) -> i64 {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe {
        match task.as_ref().and_then(|task| task.arg_i64(index)) {
            Some(value) => value,
            None => read(task, index, 0, i64_of),
        }
    }
}

/// A double argument; an integer converts.
///
/// Parameters: index: from 0.
/// Returns: the number. 0 for another kind, which fails the task (RASK_E_TYPE), or out of range
/// (RASK_E_INVALID).
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_arg_f64(task: *mut Task, index: usize) -> f64 {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { read(task, index, 0.0, f64_of) }
}

/// An argument of bytes, in place.
///
/// Parameters: index: from 0. size: set to the number of bytes, 0 on failure; may be NULL.
/// Returns: the bytes, borrowed until the task returns, aligned to 16 and followed by a NUL that is not
/// counted, except for objects and bytes moved in by rask_bytes_owned. NULL for another kind, which fails the task
/// (RASK_E_TYPE), out of range (RASK_E_INVALID), or where it cannot be brought back from disk (RASK_E_LOST,
/// RASK_E_NOMEM).
/// Threads: the task's. Blocks: no, but reads what is on disk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_arg_bytes(task: *mut Task, index: usize, size: *mut usize) -> *const c_void {
    // SAFETY: NULL, or the running task, as the header requires.
    let (data, count) = unsafe { read(task, index, (ptr::null(), 0), bytes_of) };
    if !size.is_null() {
        // SAFETY: writable, as the header requires.
        unsafe { size.write(count) };
    }
    data.cast()
}

/// An argument of text: bytes, always with a NUL behind them.
///
/// Parameters: index: from 0.
/// Returns: the text, borrowed until the task returns. NULL for another kind, which fails the task
/// (RASK_E_TYPE), out of range (RASK_E_INVALID), where moved-in bytes without a NUL cannot be copied
/// (RASK_E_NOMEM), or where it cannot be brought back from disk (RASK_E_LOST).
/// Threads: the task's. Blocks: no, but reads what is on disk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_arg_str(task: *mut Task, index: usize) -> *const c_char {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { read(task, index, ptr::null(), |value| value.text()?.ok_or_else(|| wanted(kind::BYTES, value))) }
}

/// An argument that is a pointer of the caller's.
///
/// Parameters: index: from 0.
/// Returns: the pointer. NULL for another kind, which fails the task (RASK_E_TYPE), or out of range
/// (RASK_E_INVALID).
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_arg_pointer(task: *mut Task, index: usize) -> *mut c_void {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { read(task, index, ptr::null_mut(), pointer_of) }
}

/// An argument that is an object, in place.
///
/// Parameters: index: from 0. type: the object's type, by its address.
/// Returns: the object, borrowed until the task returns, not to be changed: others may read it. NULL for
/// another kind or type, which fails the task (RASK_E_TYPE), out of range (RASK_E_INVALID), or where it cannot
/// be brought back from disk (RASK_E_LOST).
/// Threads: the task's. Blocks: no, but reads and decodes what is on disk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_arg_object(task: *mut Task, index: usize, r#type: *const Type) -> *mut c_void {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { read(task, index, ptr::null_mut(), |value| object_of(value, r#type)) }
}

/// Makes an integer the task's result. Of several returns the last counts, a failure counts before all of
/// them, and a task that returns nothing has the result RASK_NONE.
///
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_i64(task: *mut Task, value: i64) {
    // SAFETY: NULL, or the running task, as the header requires.
    match unsafe { task.as_mut() } {
        // Nothing here can fail or panic, so the guard may be left out.
        Some(task) => drop(task.set_result(Value::i64(value))),
        // SAFETY: as above.
        None => unsafe { answer(task, |_| Ok(Value::NONE)) },
    }
}

/// Makes a double the task's result.
///
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_f64(task: *mut Task, value: f64) {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { answer(task, |_| Ok(Value::f64(value))) };
}

/// Makes bytes the task's result.
///
/// Parameters: data: copied; NULL if size is 0, else the task fails (RASK_E_INVALID). size: in bytes; the
/// task fails if there is no memory for them (RASK_E_NOMEM).
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_bytes(task: *mut Task, data: *const c_void, size: usize) {
    // SAFETY: NULL, or the running task; data readable for that size, as the header requires.
    unsafe { answer(task, |task| Value::bytes_from(data, size, task.account())) };
}

/// Makes a buffer the task's result, to be filled in place: bytes without a copy.
///
/// Parameters: size: in bytes.
/// Returns: the buffer, writable until the task returns or sets another result, aligned to 16, its content
/// undefined until filled. NULL without memory, which fails the task (RASK_E_NOMEM).
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_buffer(task: *mut Task, size: usize) -> *mut c_void {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe {
        // The one before is dropped while the task is not borrowed: its destructor may call us with it.
        drop(with(task, Value::NONE, |task| Ok(task.take_result())));
        with(task, ptr::null_mut(), |task| {
            let buffer = Value::buffer(size, task.account())?;
            let _none = task.set_result(buffer);
            // Only now: a small buffer lies in the value, which has just moved.
            let result = task.result_mut();
            Ok(result.buffer_mut().cast())
        })
    }
}

/// Makes text the task's result.
///
/// Parameters: text: NUL-terminated, copied; if NULL, the task fails (RASK_E_INVALID).
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_str(task: *mut Task, text: *const c_char) {
    // SAFETY: NULL, or the running task; a NUL-terminated text, as the header requires.
    unsafe {
        answer(task, |task| match self::text(text) {
            Some(text) => Value::bytes(text.to_bytes(), task.account()),
            None => Err(Failure::invalid("the text to be returned is NULL")),
        });
    }
}

/// Makes a pointer the task's result, passed through as it is.
///
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_pointer(task: *mut Task, pointer: *mut c_void) {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { answer(task, |_| Ok(Value::pointer(pointer))) };
}

/// Makes an object the task's result.
///
/// Parameters: object: taken on every path, also with task NULL. type: static; if it or the object is no
/// good, the task fails (RASK_E_INVALID).
/// Threads: the task's. Blocks: no, but calls the type's nbytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_object(task: *mut Task, object: *mut c_void, r#type: *const Type) {
    // SAFETY: NULL, or the running task; an object of that type, as the header requires.
    unsafe {
        if task.is_null() {
            guard::call((), || {
                drop(Value::object(object, r#type, 0)?);
                Err(no_task())
            });
        } else {
            answer(task, |task| Value::object(object, r#type, task.account()));
        }
    }
}

/// Makes an argument the task's result, shared, not copied.
///
/// Parameters: index: from 0; out of range fails the task (RASK_E_INVALID).
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_arg(task: *mut Task, index: usize) {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe {
        if let Some(value) = read(task, index, None, |value| value.share().map(Some)) {
            answer(task, |_| Ok(value));
        }
    }
}

/// Makes the task's result that of another future, whatever becomes of it, without waiting for it here: the
/// task returns, and is running until the other is done.
///
/// Parameters: future: the handle is taken on every path, also with task NULL.
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_return_future(task: *mut Task, future: rask_future) {
    if task.is_null() {
        guard::call((), || {
            discard(&[super::arg::rask_take(future)]);
            Err(no_task())
        });
    } else {
        // SAFETY: the running task, as the header requires.
        unsafe {
            drop(with(task, Value::NONE, |task| Ok(task.take_result())));
            with(task, (), |task| {
                task.return_future(future.id);
                Ok(())
            });
        }
    }
}

/// Fails the task. The first failure stands; the function should return soon.
///
/// Parameters: code: the task's own, for rask_error.code. message: NUL-terminated, copied; NULL: "the task
/// failed".
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_fail(task: *mut Task, code: i32, message: *const c_char) {
    // SAFETY: NULL, or the running task; NULL or a NUL-terminated text, as the header requires.
    unsafe {
        with(task, (), |task| {
            task.fail(TASK, code, words(message));
            Ok(())
        });
    }
}

/// Fails the task with an object that travels with the error to all that depend on the task: what a language
/// has of its own to say about a failure. Else as rask_fail.
///
/// Parameters: code, message: as for rask_fail. object: taken on every path, also with task NULL; destroyed with
/// the last future that has the error. type: static; if it or the object is no good, the task fails all the
/// same (RASK_E_INVALID).
/// Threads: the task's. Blocks: no, but calls the type's nbytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_fail_with(
    task: *mut Task,
    code: i32,
    message: *const c_char,
    object: *mut c_void,
    r#type: *const Type,
) {
    // SAFETY: NULL, or the running task; NULL or a NUL-terminated text; an object of that type, as the header
    // requires. The object is dropped while the task is not borrowed: its destructor may call us with it.
    unsafe {
        let account = task.as_ref().map_or(0, Task::account);
        let object = guard::call(Err(Failure::invalid("")), || Ok(Value::object(object, r#type, account)));
        drop(with(task, None, |task| Ok(task.fail_with(TASK, code, words(message), object?))));
    }
}

/// Whether nobody wants the result any more: the future was cancelled, or released by all.
///
/// Returns: true if the function had better return; false if task is NULL.
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_cancelled(task: *mut Task) -> bool {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { with(task, false, |task| Ok(task.cancelled())) }
}

/// Which attempt this is.
///
/// Returns: 1 for the first; 0 if task is NULL.
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_task_attempt(task: *mut Task) -> u32 {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { with(task, 0, |task| Ok(task.attempt())) }
}

/// The key of the task.
///
/// Returns: a text, borrowed until the task returns; NULL if task is NULL.
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_task_key(task: *mut Task) -> *const c_char {
    // SAFETY: NULL, or the running task, as the header requires.
    unsafe { with(task, ptr::null(), |task| Ok(task.key().as_ptr())) }
}

/// The task whose function runs on the calling thread: for what is called by a task and was not given it.
///
/// Returns: the task, the innermost if one waits for another on this thread; NULL outside of tasks.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_task_current() -> *mut Task {
    guard::call(ptr::null_mut(), || Ok(current()))
}

/// The client the task runs in, to submit more to.
///
/// Returns: the handle, borrowed: it may not be closed from inside; {0} if task is NULL.
/// Threads: the task's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_task_client(task: *mut Task) -> rask_client {
    // SAFETY: NULL, or the running task, as the header requires.
    rask_client { id: unsafe { with(task, 0, |task| Ok(task.client())) } }
}

/// A failure as the task words it: bytes, in whatever encoding.
///
/// # Safety
/// `message` is NULL or a NUL-terminated text, valid during `'a`.
unsafe fn words<'a>(message: *const c_char) -> &'a [u8] {
    // SAFETY: by contract.
    unsafe { text(message) }.map_or(b"the task failed", CStr::to_bytes)
}

fn no_task() -> Failure {
    Failure::invalid("the task is NULL")
}

/// Runs a body on a task. Its failure fails the task, in words that name it, and `failed` is returned
/// instead.
///
/// # Safety
/// `task` is NULL or the running task, on its thread.
#[inline]
unsafe fn with<T>(task: *mut Task, failed: T, body: impl FnOnce(&mut Task) -> Result<T>) -> T {
    guard::call(failed, || {
        // SAFETY: by contract; no other call uses the task at this moment, because it stays on its thread.
        let task = unsafe { task.as_mut() }.ok_or_else(no_task)?;
        body(task).map_err(|failure| fail(task, failure))
    })
}

/// Fails the task, naming it.
#[cold]
fn fail(task: &mut Task, failure: Failure) -> Failure {
    let message = format!("task {}: {}", task.key().to_string_lossy(), failure.message);
    task.fail(failure.status, 0, &message);
    Failure::new(failure.status, message)
}

/// Makes what the body gives the task's result.
///
/// # Safety
/// As for [`with`].
#[inline]
unsafe fn answer(task: *mut Task, body: impl FnOnce(&mut Task) -> Result<Value>) {
    // SAFETY: by contract.
    unsafe {
        // The one before is dropped when the task is no longer borrowed: its destructor may call us with it.
        drop(with(task, Value::NONE, |task| {
            let value = body(task)?;
            Ok(task.set_result(value))
        }));
    }
}

/// Reads an argument; a failure names it.
///
/// # Safety
/// As for [`with`].
#[inline]
unsafe fn read<T>(task: *mut Task, index: usize, failed: T, reader: impl FnOnce(&Value) -> Result<T>) -> T {
    guard::call(failed, || {
        // SAFETY: by contract. The task is not borrowed while the value is read: what is on disk is loaded by functions of the user's,
        // which may call us with it. The argument itself stays until the task's function has returned.
        let argument = unsafe { task.as_ref() }.ok_or_else(no_task)?.arg(index).map(ptr::from_ref);
        let read = match argument {
            // SAFETY: as above.
            Some(value) => reader(unsafe { &*value }),
            // SAFETY: as above.
            None => Err(Failure::invalid(format!("there are {}", unsafe { &*task }.arg_count()))),
        };
        read.map_err(|failure| {
            let failure = Failure::new(failure.status, format!("argument {index}: {}", failure.message));
            // SAFETY: as above.
            fail(unsafe { &mut *task }, failure)
        })
    })
}
