//! Several futures: waited for, gathered.

use super::guard;
use super::handle::rask_future;
use super::pointers::{futures, optional_out, timeout};
use super::status::{RASK_E_INVALID, rask_status};
use crate::client::{self, Until};
use crate::status::{Failure, Result};
use crate::value::Value;

/// Wait until all are done, whatever became of them.
pub const RASK_ALL_COMPLETED: i32 = 0;
/// Wait until one is done.
pub const RASK_FIRST_COMPLETED: i32 = 1;
/// Wait until one has failed or was cancelled, or all are done.
pub const RASK_FIRST_ERROR: i32 = 2;

/// Waits for futures.
///
/// Parameters: futures: n handles, borrowed; NULL if n is 0. until: RASK_ALL_COMPLETED, RASK_FIRST_COMPLETED
/// or RASK_FIRST_ERROR. timeout_ns: nanoseconds; 0 polls, RASK_FOREVER does not end. done: n flags, written
/// on every path, or NULL.
/// Returns: RASK_OK when the condition is met, whatever became of the futures, and for n = 0; RASK_E_TIMEOUT,
/// RASK_E_HANDLE, RASK_E_INVALID, RASK_E_DEADLOCK, RASK_E_NOMEM (inside a task: no thread to go on with).
/// Threads: any. Blocks: yes; inside a task another thread takes over its worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_wait(
    futures: *const rask_future,
    n: usize,
    until: i32,
    timeout_ns: i64,
    done: *mut bool,
) -> rask_status {
    guard::outputs(
        // SAFETY: NULL, or room for that many flags, as the header requires.
        || unsafe { optional_out(done, n, "done") },
        |done| {
            // SAFETY: NULL, or that many handles, as the header requires.
            let futures = unsafe { self::futures(futures, n) }?;
            client::wait(futures, until_of(until)?, timeout(timeout_ns)?, done)
        },
    )
}

/// Waits for all futures and reads their values in place.
///
/// Parameters: futures: n handles, borrowed; NULL if n is 0. timeout_ns: nanoseconds; 0 polls, RASK_FOREVER
/// does not end. values: n values, each borrowed until its handle is released; written on every path, NULL
/// where there is none; may be NULL. statuses: n statuses, RASK_OK or why there is no value, written on every
/// path; NULL: the first error ends the wait.
/// Returns: with statuses RASK_OK when all are done, RASK_E_TIMEOUT with that in the open slots; without, the
/// status of the first error too. RASK_E_HANDLE, RASK_E_INVALID, RASK_E_DEADLOCK, RASK_E_NOMEM (inside a
/// task: no thread to go on with).
/// Threads: any. Blocks: yes; inside a task another thread takes over its worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_gather(
    futures: *const rask_future,
    n: usize,
    timeout_ns: i64,
    values: *mut *const Value,
    statuses: *mut rask_status,
) -> rask_status {
    guard::outputs(
        || {
            // SAFETY: NULL, or room for that many values and statuses, as the header requires.
            let (values, mut statuses) =
                unsafe { (optional_out(values, n, "values")?, optional_out(statuses, n, "statuses")?) };
            // Where the call is refused there is no value, and no slot may say RASK_OK.
            if let Some(statuses) = statuses.as_deref_mut() {
                statuses.fill(RASK_E_INVALID);
            }
            Ok((values, statuses))
        },
        |(values, statuses)| {
            // SAFETY: NULL, or that many handles, as the header requires.
            let futures = unsafe { self::futures(futures, n) }?;
            client::gather(futures, timeout(timeout_ns)?, values, statuses)
        },
    )
}

pub(super) fn until_of(until: i32) -> Result<Until> {
    match until {
        RASK_ALL_COMPLETED => Ok(Until::AllCompleted),
        RASK_FIRST_COMPLETED => Ok(Until::FirstCompleted),
        RASK_FIRST_ERROR => Ok(Until::FirstError),
        _ => Err(Failure::invalid(format!("until is {until}: it is one of RASK_ALL_COMPLETED and its kin"))),
    }
}
