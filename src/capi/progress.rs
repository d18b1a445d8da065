//! Several futures: watched on a terminal.

use super::guard;
use super::handle::rask_future;
use super::pointers::{futures, text};
use super::status::rask_status;
use crate::client;
use std::ffi::c_char;

/// Draws progress on stderr until all futures are done: how many are done, run and failed, at which rate, how
/// long the rest will take, by the names of their tasks. Bars on a terminal, else a line now and then.
///
/// Parameters: futures: n handles, borrowed; NULL if n is 0. label: borrowed; NULL: the tasks' name, or
/// "tasks" if they have several.
/// Returns: RASK_OK when all are done, whatever became of them; RASK_E_HANDLE, RASK_E_INVALID,
/// RASK_E_DEADLOCK, RASK_E_NOMEM.
/// Threads: any. Blocks: yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_progress(
    futures: *const rask_future,
    n: usize,
    label: *const c_char,
) -> rask_status {
    // SAFETY: NULL, or that many handles and a NUL-terminated text, as the header requires.
    guard::status(|| unsafe { client::progress(self::futures(futures, n)?, text(label)) })
}

/// As rask_progress, drawn by a thread of the library while the caller goes on. It does not keep the futures
/// wanted, and they may be released meanwhile: those that are gone count as done.
///
/// Parameters: futures: n handles, borrowed during the call; NULL if n is 0. label: as for rask_progress.
/// Returns: RASK_OK, RASK_E_HANDLE, RASK_E_INVALID, RASK_E_NOMEM (also where no thread can be started).
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_progress_start(
    futures: *const rask_future,
    n: usize,
    label: *const c_char,
) -> rask_status {
    // SAFETY: NULL, or that many handles and a NUL-terminated text, as the header requires.
    guard::status(|| unsafe { client::progress_start(self::futures(futures, n)?, text(label)) })
}
