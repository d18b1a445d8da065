//! Several futures: watched on a terminal.

use super::guard;
use super::handle::rask_future;
use super::pointers::{futures, text};
use super::status::rask_status;
use crate::client;
use std::ffi::c_char;

/// Draws progress on stderr until all futures are done: a bar on a terminal, else a line now and then.
///
/// Parameters: futures: n handles, borrowed; NULL if n is 0. label: borrowed; NULL: "tasks".
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
