//! An object's encode and decode, called.
//!
//! Both are the user's: they run under no lock of ours, and may call the library. While they do, and while a value is being loaded, their
//! thread neither waits (what it would wait for may need the very value that is on its way) nor begins to spill another value, which
//! would nest without end.

use super::Type;
use std::cell::Cell;
use std::ffi::c_void;

thread_local! {
    static RUNNING: Cell<u32> = const { Cell::new(0) };
}

/// Whether an encode or decode of the user's runs on this thread, or a value is being loaded by it.
#[must_use]
pub fn is_running() -> bool {
    RUNNING.get() > 0
}

/// Calls `f`, which is such a function, or loads.
pub(super) fn running<T>(f: impl FnOnce() -> T) -> T {
    RUNNING.set(RUNNING.get() + 1);
    let result = f();
    RUNNING.set(RUNNING.get() - 1);
    result
}

/// Makes an object of what its encode wrote; NULL on failure.
///
/// # Safety
/// `ty` is an accepted type.
pub(super) unsafe fn decode(data: &[u8], ty: *const Type) -> *mut c_void {
    // SAFETY: by contract.
    match unsafe { (*ty).decode } {
        // SAFETY: readable for that size during the call.
        Some(decode) => running(|| unsafe { decode(data.as_ptr().cast(), data.len()) }),
        None => std::ptr::null_mut(),
    }
}
