//! As completed: futures in the order in which they are done.

use super::guard;
use super::handle::{rask_as_completed, rask_future};
use super::pointers::{futures, set, timeout};
use super::status::{RASK_END, RASK_OK, rask_status};
use crate::client::as_completed;
use std::ffi::c_int;

/// Begins an iteration over futures in the order in which they are done. It does not keep them wanted: that is
/// what the caller's handles are for, until the future has been delivered.
///
/// Parameters: futures: n handles, borrowed; NULL if n is 0. The same future may be among them several times, and
/// is then delivered as often.
/// Returns: the iteration, to be closed by rask_as_completed_close; {0} on failure: RASK_E_HANDLE (one of them
/// is bad), RASK_E_INVALID, RASK_E_NOMEM.
/// Threads: any. Blocks: no.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_as_completed_open(futures: *const rask_future, n: usize) -> rask_as_completed {
    // SAFETY: NULL, or that many handles, as the header requires.
    rask_as_completed { id: guard::call(0, || as_completed::open(unsafe { self::futures(futures, n) }?)) }
}

/// Adds futures to an iteration, also while it is waited for. Those that are done already are delivered in the
/// order given.
///
/// Parameters: futures: as for rask_as_completed_open.
/// Returns: RASK_OK; RASK_E_HANDLE (also if one of the futures is bad), RASK_E_INVALID, RASK_E_NOMEM: then none
/// was added.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_as_completed_add(
    iter: rask_as_completed,
    futures: *const rask_future,
    n: usize,
) -> rask_status {
    // SAFETY: NULL, or that many handles, as the header requires.
    guard::status(|| as_completed::add(iter.id, unsafe { self::futures(futures, n) }?))
}

/// Waits for the next future that is done: finished, failed or cancelled. Of several threads that wait, each
/// gets another one.
///
/// Parameters: timeout_ns: nanoseconds; 0 polls, RASK_FOREVER does not end. out: the handle as it was added, the
/// caller's as before; written on every path, {0} where there is none.
/// Returns: RASK_OK; RASK_END when all have been delivered; RASK_E_TIMEOUT, RASK_E_HANDLE (also when another
/// thread closes the iteration meanwhile), RASK_E_INVALID, RASK_E_DEADLOCK, RASK_E_NOMEM (inside a task: no thread
/// to go on with).
/// Threads: any. Blocks: yes; inside a task another thread takes over its worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_as_completed_next(
    iter: rask_as_completed,
    timeout_ns: i64,
    out: *mut rask_future,
) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    let write = |id| unsafe { set(out, rask_future { id }) };
    let mut delivered = RASK_OK;
    let status = guard::outputs(
        || write(0),
        |()| match as_completed::next(iter.id, timeout(timeout_ns)?)? {
            Some(future) => write(future),
            None => {
                delivered = RASK_END;
                Ok(())
            }
        },
    );
    if status == RASK_OK { delivered } else { status }
}

/// How many futures have not been delivered yet.
///
/// Returns: their number; 0 on failure: RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_as_completed_count(iter: rask_as_completed) -> usize {
    guard::call(0, || as_completed::count(iter.id))
}

/// A file descriptor for poll, epoll and event loops: readable while a future that is done waits to be
/// delivered. With edge-triggered notification, take futures with a timeout of 0 until there is none.
///
/// Returns: the descriptor, the same each time, to be polled and nothing else: rask_as_completed_close closes it;
/// -1 on failure: RASK_E_HANDLE, RASK_E_NOMEM (no descriptor is to be had).
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_as_completed_fd(iter: rask_as_completed) -> c_int {
    guard::call(-1, || as_completed::fd(iter.id))
}

/// Ends an iteration, and with RASK_E_HANDLE the waits for its next. The futures are left as they are, those not
/// yet delivered too.
///
/// Returns: RASK_OK, RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_as_completed_close(iter: rask_as_completed) -> rask_status {
    guard::status(|| as_completed::close(iter.id))
}
