//! The guard at the boundary: a panic becomes a status, a child after `fork` is refused, a failure is
//! remembered.

use super::pointers::set;
use super::status::rask_status;
use crate::fork;
use crate::status::{FORKED, Failure, OK, PANIC, Result};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a call. Its failure is remembered as this thread's last one, and `failed` is returned
/// instead.
#[inline]
pub(super) fn call<T>(failed: T, body: impl FnOnce() -> Result<T>) -> T {
    match run(body) {
        Ok(value) => value,
        Err(failure) => {
            remember(&failure);
            failed
        }
    }
}

/// [`call`] for what returns a status.
#[inline]
pub(super) fn status(body: impl FnOnce() -> Result<()>) -> rask_status {
    match run(body) {
        Ok(()) => OK,
        Err(failure) => {
            remember(&failure);
            failure.status
        }
    }
}

/// [`status`] for what has outputs: `prepare` checks and clears them, which it does on every path, before all else can fail.
#[inline]
pub(super) fn outputs<O>(
    prepare: impl FnOnce() -> Result<O>,
    body: impl FnOnce(O) -> Result<()>,
) -> rask_status {
    let prepared = prepare();
    status(|| body(prepared?))
}

/// [`outputs`] for what has one: `nothing` first, and then what `body` gives.
///
/// # Safety
/// `out` is NULL or writable.
#[inline]
pub(super) unsafe fn output<T>(out: *mut T, nothing: T, body: impl FnOnce() -> Result<T>) -> rask_status {
    // SAFETY: by contract.
    let write = |value| unsafe { set(out, value) };
    outputs(|| write(nothing), |()| write(body()?))
}

#[inline]
fn run<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    if fork::in_child() {
        return Err(forked());
    }
    // Unwind safety: what the engine shares between threads it has to keep consistent itself.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(caught(panic)))
}

#[cold]
fn forked() -> Failure {
    Failure::new(FORKED, "the process was forked after a client was opened; use the library in the parent")
}

#[cold]
fn caught(panic: Box<dyn Any + Send>) -> Failure {
    let words = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(words), _) => (*words).to_owned(),
        (None, Some(words)) => words.clone(),
        (None, None) => {
            // Dropping an unknown payload could panic in its turn.
            std::mem::forget(panic);
            "of unknown type".to_owned()
        }
    };
    Failure::new(PANIC, format!("caught a panic: {words}"))
}

/// The last failure of a thread. The text is kept in place, so that failing often (polling, say) does not
/// allocate.
struct Last {
    status: Cell<rask_status>,
    text: RefCell<Vec<u8>>,
}

thread_local! {
    static LAST: Last = const { Last { status: Cell::new(OK), text: RefCell::new(Vec::new()) } };
}

/// Makes `failure` this thread's last one.
#[cold]
pub(super) fn remember(failure: &Failure) {
    // In a thread that is ending the words have nowhere to go.
    let _ = LAST.try_with(|last| {
        last.status.set(failure.status);
        let mut text = last.text.borrow_mut();
        text.clear();
        let words = failure.message.as_bytes();
        let words = words.split(|&byte| byte == 0).next().unwrap_or_default();
        if text.try_reserve(words.len() + 1).is_ok() {
            text.extend_from_slice(words);
            text.push(0);
        }
    });
}

/// This thread's last failure; `OK` if there was none.
pub(super) fn last_status() -> rask_status {
    LAST.try_with(|last| last.status.get()).unwrap_or(OK)
}

/// This thread's last failure in words, empty if there was none. Valid until its next.
pub(super) fn last_error() -> *const c_char {
    const EMPTY: &CStr = c"";
    LAST.try_with(|last| {
        let text = last.text.borrow();
        if text.is_empty() { EMPTY.as_ptr() } else { text.as_ptr().cast() }
    })
    .unwrap_or(EMPTY.as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{INVALID, TIMEOUT};

    fn last() -> (rask_status, String) {
        // SAFETY: a text that ends with a NUL, not changed meanwhile.
        (last_status(), unsafe { CStr::from_ptr(last_error()) }.to_string_lossy().into_owned())
    }

    #[test]
    fn a_fresh_thread_has_no_failure() {
        assert_eq!(std::thread::spawn(last).join().unwrap(), (OK, String::new()));
    }

    #[test]
    fn failures_are_remembered_per_thread_until_the_next() {
        assert_eq!(status(|| Err(Failure::invalid("first"))), INVALID);
        assert_eq!(last(), (INVALID, "first".into()));
        assert_eq!(status(|| Ok(())), OK);
        assert_eq!(last(), (INVALID, "first".into()));
        assert_eq!(call(7, || Err(Failure::new(TIMEOUT, "a longer\0cut"))), 7);
        assert_eq!(last(), (TIMEOUT, "a longer".into()));
        assert_eq!(std::thread::spawn(last).join().unwrap().0, OK);
    }

    #[test]
    fn panics_become_statuses() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        assert_eq!(status(|| panic!("at the disco")), PANIC);
        assert_eq!(last(), (PANIC, "caught a panic: at the disco".into()));
        assert_eq!(status(|| panic!("{}", 5)), PANIC);
        assert_eq!(last().1, "caught a panic: 5");
        assert_eq!(status(|| std::panic::panic_any(5)), PANIC);
        assert_eq!(last().1, "caught a panic: of unknown type");
        std::panic::set_hook(hook);
    }

    #[test]
    fn a_forked_child_is_refused() {
        fork::watch();
        fork::watch();
        // SAFETY: the child only calls what touches thread-local memory and leaves at once.
        match unsafe { libc::fork() } {
            0 => {
                let refused = status(|| Ok(())) == FORKED && last_status() == FORKED;
                // SAFETY: ends the child without running the parent's exit handlers.
                unsafe { libc::_exit(if refused { 0 } else { 1 }) }
            }
            child => {
                let mut outcome = -1;
                // SAFETY: our own child, and a place for its status.
                assert_eq!(unsafe { libc::waitpid(child, &raw mut outcome, 0) }, child);
                assert_eq!(outcome, 0);
                assert_eq!(status(|| Ok(())), OK);
            }
        }
    }
}
