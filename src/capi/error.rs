//! Why a future has no value.

use super::guard;
use super::handle::rask_future;
use super::sized::{self, Versioned};
use super::status::rask_status;
use super::value::object_of;
use crate::future;
use crate::status::Failure;
use crate::value::Type;
use std::ffi::{c_char, c_void};
use std::ptr;

/// Why a future has no value. Begin with RASK_ERROR_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rask_error {
    /// sizeof(rask_error).
    pub struct_size: usize,
    /// RASK_OK: the future has no error.
    pub status: rask_status,
    /// The task's own, from rask_fail; else 0.
    pub code: i32,
    /// How often the task it began in was run.
    pub attempts: u32,
    /// 0.
    pub reserved: u32,
    /// In words; NULL without error. Borrowed until the handle is released.
    pub message: *const c_char,
    /// Key of the task it began in; NULL without error. Borrowed likewise.
    pub origin: *const c_char,
}

// SAFETY: repr(C), its size first, no padding; pointers and integers are valid when zero.
unsafe impl Versioned for rask_error {
    const NAME: &'static str = "rask_error";
    const FIRST_SIZE: usize = 40;
}
const _: () = assert!(size_of::<rask_error>() == 40);

/// Why a future has no value.
///
/// Parameters: out: written on every path, zero on failure, unless its struct_size is wrong.
/// Returns: RASK_OK, also for a finished future (out->status is RASK_OK then); RASK_E_STATE while it is
/// pending or running, RASK_E_HANDLE, RASK_E_INVALID.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_future_error(future: rask_future, out: *mut rask_error) -> rask_status {
    guard::status(|| {
        // SAFETY: NULL, or a writable struct of the size it states, as the header requires.
        let out = unsafe { sized::out(out) }?;
        let error = future::error(future.id)?;
        out.set(rask_error {
            struct_size: size_of::<rask_error>(),
            status: error.status,
            code: error.code,
            attempts: error.attempts,
            reserved: 0,
            message: error.message,
            origin: error.origin,
        });
        Ok(())
    })
}

/// The object that a task failed with by rask_fail_with, for all futures that have its error.
///
/// Parameters: type: the object's type, by its address. out: borrowed until the handle is released, not to be
/// changed; written on every path, NULL on failure.
/// Returns: RASK_OK; RASK_E_TYPE (the error has no such object, or there is no error), RASK_E_STATE while the
/// future is pending or running, RASK_E_HANDLE, RASK_E_INVALID.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_future_error_object(
    future: rask_future,
    r#type: *const Type,
    out: *mut *mut c_void,
) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires; the error lives until the handle is released.
    unsafe {
        guard::output(out, ptr::null_mut(), || {
            let none = || Failure::new(crate::status::TYPE, "no object came with the error");
            let payload = future::error_payload(future.id)?.ok_or_else(none)?;
            object_of(&*payload, r#type)
        })
    }
}
