//! An object's encode and decode, called.
//!
//! Both are the user's: they run under no lock of ours, and may call the library. While they do, and while a value is being loaded, their
//! thread neither waits (what it would wait for may need the very value that is on its way) nor begins to spill another value, which
//! would nest without end.

use super::Type;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::NonNull;

thread_local! {
    static RUNNING: Cell<u32> = const { Cell::new(0) };
    /// Why the one that runs fails, in its own words.
    static WORDS: RefCell<Option<String>> = const { RefCell::new(None) };
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

/// Remembers why the encode or decode that runs on this thread fails; in no such function there is nobody to be told.
pub fn explain(words: &str) {
    if is_running() {
        WORDS.set(Some(words.to_owned()));
    }
}

/// Calls `f`, which is an encode or decode: what it returns, and the words it had for why it fails.
pub(super) fn calling<T>(f: impl FnOnce() -> T) -> (T, Option<String>) {
    // It may itself be called while another one runs, which reads an object that has to be decoded.
    let before = WORDS.take();
    let result = running(f);
    (result, WORDS.replace(before))
}

/// Makes an object of what its encode wrote; why not, in words.
///
/// # Safety
/// `ty` is an accepted type.
pub(super) unsafe fn decode(data: &[u8], ty: *const Type) -> Result<NonNull<c_void>, String> {
    // SAFETY: by contract.
    let decode = unsafe { (*ty).decode }.ok_or("its type has no decode")?;
    // SAFETY: readable for that size during the call.
    let (object, words) = calling(|| unsafe { decode(data.as_ptr().cast(), data.len()) });
    NonNull::new(object).ok_or_else(|| match words {
        Some(words) => format!("its decode failed: {words}"),
        None => "its decode returned NULL".to_owned(),
    })
}
