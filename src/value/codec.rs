//! An object's encode and decode, called.
//!
//! Both are the user's: they run under no lock of ours, and may call the library. While they do, their thread neither waits (what it
//! would wait for may need the very value that is on its way) nor begins to spill another value, which would nest without end.

use super::{BytesOut, Type};
use crate::status::OK;
use std::cell::Cell;
use std::ffi::c_void;

thread_local! {
    static RUNNING: Cell<u32> = const { Cell::new(0) };
}

/// Whether an encode or decode of the user's runs on this thread.
#[must_use]
pub fn is_running() -> bool {
    RUNNING.get() > 0
}

fn running<T>(f: impl FnOnce() -> T) -> T {
    RUNNING.set(RUNNING.get() + 1);
    let result = f();
    RUNNING.set(RUNNING.get() - 1);
    result
}

/// What became of an encode.
pub(super) enum Encoded {
    Bytes(Vec<u8>),
    /// There was no memory for it: another time, perhaps.
    Short,
    /// Its encode failed, or wrote nothing: it is not to be asked again.
    Refused,
}

/// Encodes an object.
///
/// # Safety
/// A live object of this type, which is an accepted one with an encode.
pub(super) unsafe fn encode(object: *const c_void, ty: *const Type) -> Encoded {
    // SAFETY: by contract.
    let Some(encode) = (unsafe { (*ty).encode }) else { return Encoded::Refused };
    let mut out = BytesOut::new();
    // SAFETY: as above; the output is valid during the call.
    let status = running(|| unsafe { encode(object, &raw mut out) });
    // An encoder that does not look at what its writes return must not cost anybody half an object.
    if out.is_short() {
        Encoded::Short
    } else if status != OK || out.as_bytes().is_empty() {
        Encoded::Refused
    } else {
        Encoded::Bytes(out.into_bytes())
    }
}

/// Makes an object of what [`encode`] gave; NULL on failure.
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
