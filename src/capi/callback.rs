//! Callbacks: called when a future is done.

use super::future::rask_state;
use super::guard;
use super::handle::rask_future;
use super::status::rask_status;
use crate::future;
use crate::status::Failure;
use std::ffi::c_void;

/// What is called when a future is done, with its state. The future is borrowed: valid during the call, not to
/// be released; to keep it, clone it. It may call anything but rask_client_close, and must neither throw nor
/// longjmp out.
pub type rask_done_fn =
    Option<unsafe extern "C-unwind" fn(future: rask_future, state: rask_state, context: *mut c_void)>;

/// The caller's, handed back to the caller's function.
struct Context(*mut c_void);

// SAFETY: never followed here; the caller gave it for a function that is called on another thread.
unsafe impl Send for Context {}

impl Context {
    fn into_pointer(self) -> *mut c_void {
        self.0
    }
}

/// Has fn called when a future is done, however it ends: once for each registration, at once if it is done
/// already. All callbacks of the process are made on one thread, one after the other, under no lock; those of
/// one future in the order they were registered. A registration does not keep the future wanted: a pending one
/// that is released by all is cancelled, which is an end too. rask_client_close waits for the callbacks of its
/// futures.
///
/// Parameters: fn: see rask_done_fn. context: passed on to it; may be NULL.
/// Returns: RASK_OK, RASK_E_HANDLE, RASK_E_INVALID (fn is NULL), RASK_E_NOMEM: then fn is not called.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_on_done(
    future: rask_future,
    r#fn: rask_done_fn,
    context: *mut c_void,
) -> rask_status {
    guard::status(|| {
        let function = r#fn.ok_or_else(|| Failure::invalid("the callback is NULL"))?;
        let context = Context(context);
        let callback = move |id, state| {
            // SAFETY: a function with this signature that may be called with this context on any thread, as the
            // header requires.
            unsafe { function(rask_future { id }, state as rask_state, context.into_pointer()) }
        };
        future::on_done(future.id, Box::new(callback))
    })
}
