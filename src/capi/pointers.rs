//! Pointers and counts from a caller, checked before they are believed: NULL goes with a count of 0 only, and
//! no array is larger than an array can be.

use super::handle::rask_future;
use crate::client::Timeout;
use crate::future::MAX_ARGUMENTS;
use crate::status::{Failure, Result};
use crate::value::Arg;
use std::ffi::{CStr, c_char};
use std::time::Duration;

/// `n` elements that the caller lends; `what` names them in a message.
///
/// # Safety
/// `at`, if not NULL, points to `n` elements that nobody changes during `'a`, where such an array can exist
/// at all.
pub(super) unsafe fn slice<'a, T>(at: *const T, n: usize, what: &str) -> Result<&'a [T]> {
    check(at, n, what)?;
    // SAFETY: by contract; an empty slice needs a pointer that is not NULL.
    Ok(if n == 0 { &[] } else { unsafe { std::slice::from_raw_parts(at, n) } })
}

/// The arguments of a task; more than there may be are not looked at.
///
/// # Safety
/// As for [`slice`].
pub(super) unsafe fn args<'a>(at: *const Arg, n: usize) -> Result<&'a [Arg]> {
    if n > MAX_ARGUMENTS {
        return Err(Failure::invalid(format!(
            "args: {n} are more than the {MAX_ARGUMENTS} that a task may have"
        )));
    }
    // SAFETY: by contract.
    unsafe { slice(at, n, "args") }
}

/// `n` elements to be written, set to zero first, so that they are written on every path.
///
/// # Safety
/// `at`, if not NULL, points to room for `n` elements that is the caller's alone during `'a`. All zero is a
/// valid `T`.
pub(super) unsafe fn out<'a, T>(at: *mut T, n: usize, what: &str) -> Result<&'a mut [T]> {
    check(at, n, what)?;
    if n == 0 {
        return Ok(&mut []);
    }
    // SAFETY: by contract.
    unsafe {
        at.write_bytes(0, n);
        Ok(std::slice::from_raw_parts_mut(at, n))
    }
}

/// [`out`] that may be left out.
///
/// # Safety
/// As for [`out`].
pub(super) unsafe fn optional_out<'a, T>(at: *mut T, n: usize, what: &str) -> Result<Option<&'a mut [T]>> {
    // SAFETY: by contract.
    if at.is_null() { Ok(None) } else { unsafe { out(at, n, what) }.map(Some) }
}

/// The ids of `n` futures.
///
/// # Safety
/// As for [`slice`].
pub(super) unsafe fn futures<'a>(at: *const rask_future, n: usize) -> Result<&'a [u64]> {
    const { assert!(size_of::<rask_future>() == 8 && align_of::<rask_future>() == align_of::<u64>()) };
    // SAFETY: a handle is its id and nothing else.
    unsafe { slice(at.cast(), n, "futures") }
}

/// One output: what is written to it, after a check for NULL.
///
/// # Safety
/// `at`, if not NULL, is writable.
pub(super) unsafe fn set<T>(at: *mut T, value: T) -> Result<()> {
    if at.is_null() {
        return Err(Failure::invalid("the output is NULL"));
    }
    // SAFETY: by contract.
    unsafe { at.write(value) };
    Ok(())
}

/// A text that may be NULL.
///
/// # Safety
/// `text`, if not NULL, ends with a NUL and is not changed during `'a`.
pub(super) unsafe fn text<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: by contract.
    if text.is_null() { None } else { Some(unsafe { CStr::from_ptr(text) }) }
}

/// A `timeout_ns`: nanoseconds, or `RASK_FOREVER`.
pub(super) fn timeout(timeout_ns: i64) -> Result<Timeout> {
    match timeout_ns {
        super::future::RASK_FOREVER => Ok(Timeout::Forever),
        0.. => Ok(Timeout::After(Duration::from_nanos(timeout_ns as u64))),
        _ => Err(Failure::invalid(format!("a timeout of {timeout_ns} ns: it is 0 or more, or RASK_FOREVER"))),
    }
}

fn check<T>(at: *const T, n: usize, what: &str) -> Result<()> {
    if n.checked_mul(size_of::<T>()).is_none_or(|size| size > isize::MAX as usize) {
        return Err(Failure::invalid(format!("no array of {what} has {n} elements")));
    }
    if at.is_null() && n != 0 {
        return Err(Failure::invalid(format!("{what} is NULL with a count of {n}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn null_and_counts() {
        // SAFETY: NULL, and counts that no array has, are not followed.
        unsafe {
            assert!(slice::<u64>(ptr::null(), 0, "numbers").unwrap().is_empty());
            let message = slice::<u64>(ptr::null(), 3, "numbers").unwrap_err().message;
            assert_eq!(message, "numbers is NULL with a count of 3");
            let wild = ptr::dangling::<u64>();
            assert!(slice(wild, usize::MAX, "numbers").is_err());
            assert!(slice(wild, isize::MAX as usize / 8 + 1, "numbers").is_err());
            assert!(slice(wild, 0, "numbers").unwrap().is_empty());
            assert!(optional_out::<u64>(ptr::null_mut(), 5, "numbers").unwrap().is_none());
            assert!(set(ptr::null_mut(), 5).is_err());
            let mut numbers = [7u64, 7];
            assert_eq!(out(numbers.as_mut_ptr(), 2, "numbers").unwrap(), [0, 0]);
            assert!(text(ptr::null()).is_none());
        }
    }

    #[test]
    fn timeouts() {
        assert_eq!(timeout(-1).unwrap(), Timeout::Forever);
        assert_eq!(timeout(0).unwrap(), Timeout::After(Duration::ZERO));
        assert_eq!(timeout(i64::MAX).unwrap(), Timeout::After(Duration::from_nanos(i64::MAX as u64)));
        assert!(timeout(-2).is_err() && timeout(i64::MIN).is_err());
    }
}
