//! Statuses, and this thread's last failure.

use super::guard;
use crate::status;
use std::ffi::{CStr, c_char};

/// What became of a call: RASK_OK, RASK_END, or a failure below zero. Numbers are never reused.
pub type rask_status = i32;

/// An iteration has no more elements; not a failure.
pub const RASK_END: rask_status = 1;
/// Success.
pub const RASK_OK: rask_status = 0;
/// An argument makes no sense.
pub const RASK_E_INVALID: rask_status = -1;
/// A handle is null, stale, of another kind or of another client.
pub const RASK_E_HANDLE: rask_status = -2;
/// The value is of another kind.
pub const RASK_E_TYPE: rask_status = -3;
/// The time was up; everything is as it was.
pub const RASK_E_TIMEOUT: rask_status = -4;
/// The future was cancelled.
pub const RASK_E_CANCELLED: rask_status = -5;
/// The task, or one it depends on, failed by rask_fail.
pub const RASK_E_TASK: rask_status = -6;
/// The client is closed.
pub const RASK_E_CLOSED: rask_status = -7;
/// Not in a state that allows this.
pub const RASK_E_STATE: rask_status = -8;
/// The key is held by a different computation.
pub const RASK_E_EXISTS: rask_status = -9;
/// This wait could never end.
pub const RASK_E_DEADLOCK: rask_status = -10;
/// Called in a child after fork.
pub const RASK_E_FORKED: rask_status = -11;
/// No memory, no thread or no descriptor is to be had.
pub const RASK_E_NOMEM: rask_status = -12;
/// This engine cannot do that.
pub const RASK_E_UNSUPPORTED: rask_status = -13;
/// A value was lost: it cannot be brought back from disk, or its cluster worker is gone.
pub const RASK_E_LOST: rask_status = -14;
/// The cluster cannot be reached.
pub const RASK_E_CONNECT: rask_status = -15;
/// A defect of the library or of a Rust task, caught.
pub const RASK_E_PANIC: rask_status = -16;

// The header needs the numbers, the engine the names: they are the same.
const _: () = assert!(
    RASK_END == status::END
        && RASK_OK == status::OK
        && RASK_E_INVALID == status::INVALID
        && RASK_E_HANDLE == status::HANDLE
        && RASK_E_TYPE == status::TYPE
        && RASK_E_TIMEOUT == status::TIMEOUT
        && RASK_E_CANCELLED == status::CANCELLED
        && RASK_E_TASK == status::TASK
        && RASK_E_CLOSED == status::CLOSED
        && RASK_E_STATE == status::STATE
        && RASK_E_EXISTS == status::EXISTS
        && RASK_E_DEADLOCK == status::DEADLOCK
        && RASK_E_FORKED == status::FORKED
        && RASK_E_NOMEM == status::NOMEM
        && RASK_E_UNSUPPORTED == status::UNSUPPORTED
        && RASK_E_LOST == status::LOST
        && RASK_E_CONNECT == status::CONNECT
        && RASK_E_PANIC == status::PANIC
);

/// The name of a status, "RASK_E_HANDLE".
///
/// Returns: a static text; "RASK_E_UNKNOWN" for a number that is none.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_status_name(status: rask_status) -> *const c_char {
    name(status).as_ptr()
}

/// This thread's last failure. Calls that succeed leave it as it is.
///
/// Returns: its status; RASK_OK if no call of this thread has failed.
/// Threads: any, each has its own. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_last_status() -> rask_status {
    guard::last_status()
}

/// This thread's last failure in words.
///
/// Returns: a text, valid until this thread's next failing call; empty, never NULL, if no call has failed.
/// Threads: any, each has its own. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_last_error() -> *const c_char {
    guard::last_error()
}

fn name(status: rask_status) -> &'static CStr {
    match status {
        RASK_END => c"RASK_END",
        RASK_OK => c"RASK_OK",
        RASK_E_INVALID => c"RASK_E_INVALID",
        RASK_E_HANDLE => c"RASK_E_HANDLE",
        RASK_E_TYPE => c"RASK_E_TYPE",
        RASK_E_TIMEOUT => c"RASK_E_TIMEOUT",
        RASK_E_CANCELLED => c"RASK_E_CANCELLED",
        RASK_E_TASK => c"RASK_E_TASK",
        RASK_E_CLOSED => c"RASK_E_CLOSED",
        RASK_E_STATE => c"RASK_E_STATE",
        RASK_E_EXISTS => c"RASK_E_EXISTS",
        RASK_E_DEADLOCK => c"RASK_E_DEADLOCK",
        RASK_E_FORKED => c"RASK_E_FORKED",
        RASK_E_NOMEM => c"RASK_E_NOMEM",
        RASK_E_UNSUPPORTED => c"RASK_E_UNSUPPORTED",
        RASK_E_LOST => c"RASK_E_LOST",
        RASK_E_CONNECT => c"RASK_E_CONNECT",
        RASK_E_PANIC => c"RASK_E_PANIC",
        _ => c"RASK_E_UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name(RASK_OK), c"RASK_OK");
        assert_eq!(name(RASK_E_HANDLE), c"RASK_E_HANDLE");
        assert!((RASK_E_PANIC..=RASK_END).all(|status| name(status) != c"RASK_E_UNKNOWN"));
        assert_eq!(name(RASK_E_PANIC - 1), c"RASK_E_UNKNOWN");
        assert_eq!(name(2), c"RASK_E_UNKNOWN");
    }
}
