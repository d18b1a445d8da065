//! Looking inside.

use super::guard;
use super::handle::rask_client;
use super::pointers::text;
use super::status::rask_status;
use crate::client;
use crate::status::{Failure, Result};
use std::ffi::{CStr, c_char};

/// How many handles of every kind are alive in this process.
///
/// Returns: their number; 0 at the end of a tidy program.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_live_handles() -> u64 {
    guard::call(0, || Ok(client::live_handles()))
}

/// Records what the client's tasks do from now on: which thread ran what and when, what depended on what,
/// how much waited. The file is made at once and written when the trace is stopped or the client is closed;
/// it is Chrome's JSON format, for Perfetto (ui.perfetto.dev). Until then a run takes about 100 bytes of
/// memory.
///
/// Parameters: path: borrowed; a file that is there already is overwritten.
/// Returns: RASK_OK, RASK_E_STATE (it is traced already), RASK_E_INVALID (path is NULL, or a file that
/// cannot be written), RASK_E_HANDLE, RASK_E_CLOSED.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_trace_start(client: rask_client, path: *const c_char) -> rask_status {
    // SAFETY: NULL, or a NUL-terminated text, as the header requires.
    guard::status(|| client::trace_start(client.id, unsafe { file_path(path) }?))
}

/// Ends the client's trace and writes its file. Tasks that still run are in it up to now.
///
/// Returns: RASK_OK, RASK_E_STATE (it is not traced), RASK_E_LOST (the file could not be written),
/// RASK_E_HANDLE, RASK_E_CLOSED (the trace was written by the close).
/// Threads: any. Blocks: while the file is written.
#[unsafe(no_mangle)]
pub extern "C" fn rask_trace_stop(client: rask_client) -> rask_status {
    guard::status(|| client::trace_stop(client.id))
}

/// Writes what is not done, and what each such future waits for, as JSON: for who wonders why nothing goes
/// on. Tasks go on meanwhile, and each is told of as it was when it was looked at. Also for a client that is
/// being closed.
///
/// Parameters: path: borrowed; a file, overwritten if it is there. NULL: to stderr.
/// Returns: RASK_OK, RASK_E_INVALID (a file that cannot be made), RASK_E_LOST (it could not be written),
/// RASK_E_HANDLE, RASK_E_CLOSED.
/// Threads: any, also inside a task, or called by a debugger. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_client_dump(client: rask_client, path: *const c_char) -> rask_status {
    // SAFETY: NULL, or a NUL-terminated text, as the header requires.
    guard::status(|| client::dump(client.id, unsafe { text(path) }))
}

/// # Safety
/// As for [`text`].
unsafe fn file_path<'a>(path: *const c_char) -> Result<&'a CStr> {
    // SAFETY: by contract.
    unsafe { text(path) }.ok_or_else(|| Failure::invalid("path is NULL"))
}
