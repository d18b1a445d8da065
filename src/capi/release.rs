//! The end of a future and of its handles: cancelled, cloned, released, given up.

use super::guard;
use super::handle::rask_future;
use super::pointers::{futures, text};
use super::status::rask_status;
use crate::future;
use std::ffi::c_char;

/// Cancels a future, for all its handles, and its dependents. A running task is asked to stop
/// (rask_cancelled), and its result is dropped.
///
/// Parameters: reason: copied into the error; may be NULL.
/// Returns: RASK_OK, RASK_E_STATE (it is done), RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_cancel(future: rask_future, reason: *const c_char) -> rask_status {
    // SAFETY: NULL, or NUL-terminated, as the header requires.
    guard::status(|| future::cancel(future.id, unsafe { text(reason) }))
}

/// Runs a future that has failed or was cancelled again: the failed inputs it depends on, also where their
/// handles were released, and every future that ended because of them. Their retries are counted anew.
///
/// Returns: RASK_OK; the futures are pending again. RASK_E_STATE: it is neither in error nor cancelled, or there
/// is no task to run, because the submit itself was wrong. RASK_E_CLOSED, RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_retry(future: rask_future) -> rask_status {
    guard::status(|| future::retry(future.id))
}

/// Another handle of the same future, to be released like the first.
///
/// Returns: the handle; {0} on failure: RASK_E_HANDLE, RASK_E_NOMEM.
/// Threads: any. Blocks: no.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn rask_clone(future: rask_future) -> rask_future {
    rask_future { id: guard::call(0, || future::clone(future.id)) }
}

/// Ends one handle. When it was the last and nobody needs the future as an input, a task that has not started
/// never runs, and a value is destroyed now.
///
/// Returns: RASK_OK, also for {0}; RASK_E_HANDLE for one that was released before.
/// Threads: any. Blocks: no, but may call the destructor of the value.
#[unsafe(no_mangle)]
pub extern "C" fn rask_release(future: rask_future) -> rask_status {
    guard::status(|| future::release(future.id))
}

/// Ends many handles.
///
/// Parameters: futures: n handles, borrowed; NULL if n is 0.
/// Returns: RASK_OK, or the first failure of all (RASK_E_HANDLE): the others are released all the same.
/// RASK_E_INVALID.
/// Threads: any. Blocks: no, but may call destructors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_release_all(futures: *const rask_future, n: usize) -> rask_status {
    guard::status(|| {
        // SAFETY: NULL, or that many handles, as the header requires.
        let futures = unsafe { self::futures(futures, n) }?;
        future::release_all(futures)
    })
}

/// Gives a handle up: the task runs all the same, and its result is dropped.
///
/// Parameters: future: the handle is taken on every path.
/// Returns: RASK_OK, RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_fire_and_forget(future: rask_future) -> rask_status {
    guard::status(|| future::fire_and_forget(future.id))
}
