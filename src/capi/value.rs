//! Values as they are read.

use super::guard;
use super::kind::{RASK_NONE, rask_kind};
use super::pointers::{set, slice, text};
use super::status::rask_status;
use crate::status::{Failure, INVALID, Result, TYPE};
use crate::value::{BytesOut, Kind, Type, Value, codec_explain, kind, type_name};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Appends bytes to what an encoder writes.
///
/// Parameters: out: as given to the encoder. data: copied; NULL if size is 0. size: in bytes.
/// Returns: RASK_OK, RASK_E_INVALID, RASK_E_NOMEM (nothing was appended).
/// Threads: the encoder's. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_bytes_write(
    out: *mut BytesOut,
    data: *const c_void,
    size: usize,
) -> rask_status {
    guard::status(|| {
        // SAFETY: NULL, or valid, as the header requires.
        let out = unsafe { out.as_mut() }.ok_or(Failure::invalid("the output is NULL"))?;
        // SAFETY: readable for that size, as the header requires.
        out.write(unsafe { slice(data.cast::<u8>(), size, "data") }?)
    })
}

/// Says why the encode or decode that calls it fails: what a future's error says of it then. Encode returns
/// what this returns, decode NULL.
///
/// Parameters: status: below zero. message: copied; NULL: nothing is said.
/// Returns: status, which is this thread's last failure then; RASK_E_INVALID for one that is no failure.
/// Threads: the one that runs it. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_codec_fail(status: rask_status, message: *const c_char) -> rask_status {
    guard::status(|| {
        // SAFETY: NULL, or NUL-terminated, as the header requires.
        let message = unsafe { text(message) }.map(|message| message.to_string_lossy().into_owned());
        if let Some(message) = &message {
            codec_explain(message);
        }
        Err(Failure::new(if status < 0 { status } else { INVALID }, message.unwrap_or_default()))
    })
}

/// What a value is.
///
/// Parameters: value: borrowed; may be NULL.
/// Returns: a rask_kind; RASK_NONE for NULL.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_kind(value: *const Value) -> rask_kind {
    // SAFETY: NULL, or valid, as the header requires.
    guard::call(RASK_NONE, || Ok(unsafe { value.as_ref() }.map_or(RASK_NONE, Value::kind)))
}

/// Reads an integer.
///
/// Parameters: value: borrowed. out: written on every path, 0 on failure.
/// Returns: RASK_OK, RASK_E_TYPE, RASK_E_INVALID (NULL).
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_i64(value: *const Value, out: *mut i64) -> rask_status {
    // SAFETY: NULL, or valid, as the header requires.
    unsafe { read(value, out, 0, i64_of) }
}

/// Reads a double; an integer converts.
///
/// Parameters: value: borrowed. out: written on every path, 0 on failure.
/// Returns: RASK_OK, RASK_E_TYPE, RASK_E_INVALID (NULL).
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_f64(value: *const Value, out: *mut f64) -> rask_status {
    // SAFETY: NULL, or valid, as the header requires.
    unsafe { read(value, out, 0.0, f64_of) }
}

/// Reads bytes or text in place.
///
/// Parameters: value: borrowed. data: borrowed as long as the value; aligned to 16 and followed by a NUL that
/// is not counted, except for objects and bytes moved in by rask_bytes_owned. size: in bytes. Both written on every path,
/// NULL and 0 on failure.
/// Returns: RASK_OK, RASK_E_TYPE, RASK_E_INVALID (NULL), RASK_E_LOST (it cannot be brought back from disk),
/// RASK_E_NOMEM (there is no memory for that).
/// Threads: any. Blocks: no, but reads what is on disk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_bytes(
    value: *const Value,
    data: *mut *const c_void,
    size: *mut usize,
) -> rask_status {
    // SAFETY: NULL, or valid, as the header requires.
    guard::status(|| unsafe { write_bytes(data, size, || bytes_of(borrow(value)?)) })
}

/// Reads a pointer of the caller's.
///
/// Parameters: value: borrowed. out: written on every path, NULL on failure.
/// Returns: RASK_OK, RASK_E_TYPE, RASK_E_INVALID (NULL).
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_pointer(value: *const Value, out: *mut *mut c_void) -> rask_status {
    // SAFETY: NULL, or valid, as the header requires.
    unsafe { read(value, out, ptr::null_mut(), pointer_of) }
}

/// Reads an object in place.
///
/// Parameters: value: borrowed. type: the object's type, by its address. out: borrowed as long as the value,
/// not to be changed; written on every path, NULL on failure.
/// Returns: RASK_OK, RASK_E_TYPE (also for an object of another type), RASK_E_INVALID (NULL), RASK_E_LOST or
/// RASK_E_NOMEM as rask_value_bytes.
/// Threads: any. Blocks: no, but reads and decodes what is on disk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_object(
    value: *const Value,
    r#type: *const Type,
    out: *mut *mut c_void,
) -> rask_status {
    // SAFETY: NULL, or valid, as the header requires.
    unsafe { read(value, out, ptr::null_mut(), |value| object_of(value, r#type)) }
}

/// The length of a list.
///
/// Parameters: value: borrowed; may be NULL.
/// Returns: how many items a list has; 0 for anything else.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_count(value: *const Value) -> usize {
    // SAFETY: NULL, or valid, as the header requires.
    guard::call(0, || Ok(unsafe { value.as_ref() }.and_then(Value::items).map_or(0, <[Value]>::len)))
}

/// An item of a list.
///
/// Parameters: list: borrowed. index: from 0.
/// Returns: the item, borrowed as long as the list; NULL for what is no list or out of range.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_at(list: *const Value, index: usize) -> *const Value {
    guard::call(ptr::null(), || {
        // SAFETY: NULL, or valid, as the header requires.
        let items = unsafe { borrow(list) }?.items().ok_or(Failure::new(TYPE, "the value is no list"))?;
        let item = items
            .get(index)
            .ok_or_else(|| Failure::invalid(format!("index {index} of a list of {} items", items.len())))?;
        Ok(ptr::from_ref(item.resolve()))
    })
}

/// How much a value holds.
///
/// Parameters: value: borrowed; may be NULL.
/// Returns: bytes: the size of bytes, what an object's type tells, for a list the sum and 32 for each item, 8
/// for a scalar.
/// Threads: any. Blocks: no, but asks the objects in it, except those that may be on disk: what they told first
/// is remembered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_value_nbytes(value: *const Value) -> usize {
    // SAFETY: NULL, or valid, as the header requires.
    guard::call(0, || Ok(unsafe { value.as_ref() }.map_or(0, Value::nbytes)))
}

/// A value that is not NULL.
///
/// # Safety
/// `value` is NULL or valid during `'a`.
unsafe fn borrow<'a>(value: *const Value) -> Result<&'a Value> {
    // SAFETY: by contract.
    unsafe { value.as_ref() }.ok_or(Failure::invalid("the value is NULL"))
}

/// Reads a value into one output.
///
/// # Safety
/// Each pointer is NULL or valid.
unsafe fn read<T: Copy>(
    value: *const Value,
    out: *mut T,
    nothing: T,
    reader: impl FnOnce(&Value) -> Result<T>,
) -> rask_status {
    // SAFETY: by contract.
    unsafe { guard::output(out, nothing, || reader(borrow(value)?)) }
}

/// Writes bytes that were read to two outputs, NULL and 0 first.
///
/// # Safety
/// Each pointer is NULL or writable.
pub(super) unsafe fn write_bytes(
    data: *mut *const c_void,
    size: *mut usize,
    reader: impl FnOnce() -> Result<(*const u8, usize)>,
) -> Result<()> {
    // SAFETY: by contract. Both are written before either is complained about.
    unsafe {
        set(data, ptr::null()).and(set(size, 0))?;
        let (at, count) = reader()?;
        set(data, at.cast())?;
        set(size, count)
    }
}

pub(super) fn i64_of(value: &Value) -> Result<i64> {
    value.as_i64().ok_or_else(|| wanted(kind::I64, value))
}

pub(super) fn f64_of(value: &Value) -> Result<f64> {
    value.as_f64().ok_or_else(|| wanted(kind::F64, value))
}

pub(super) fn bytes_of(value: &Value) -> Result<(*const u8, usize)> {
    value.bytes_raw()?.ok_or_else(|| wanted(kind::BYTES, value))
}

pub(super) fn pointer_of(value: &Value) -> Result<*mut c_void> {
    value.as_pointer().ok_or_else(|| wanted(kind::POINTER, value))
}

/// The object, if it is of this very type: another with the same name may have another layout.
pub(super) fn object_of(value: &Value, ty: *const Type) -> Result<*mut c_void> {
    if ty.is_null() {
        return Err(Failure::invalid("the type asked for is NULL"));
    }
    match value.object_type() {
        Some(found) if ptr::eq(found, ty) => {
            value.as_object()?.map(|(object, _)| object).ok_or_else(|| wanted(kind::OBJECT, value))
        }
        found => {
            // SAFETY: not NULL, so valid, as the header requires.
            let name = unsafe { type_name(ty) };
            let other = match found {
                Some(_) if value.kind_in_words() == format!("object {name}") => {
                    " of another rask_type of that name"
                }
                _ => "",
            };
            Err(Failure::new(TYPE, format!("wanted object {name}, found {}{other}", value.kind_in_words())))
        }
    }
}

#[cold]
pub(super) fn wanted(wanted: Kind, found: &Value) -> Failure {
    Failure::new(TYPE, format!("wanted {}, found {}", kind::name(wanted), found.kind_in_words()))
}

#[cfg(test)]
mod tests {
    use super::super::status::{RASK_E_INVALID, RASK_E_TYPE, RASK_OK};
    use super::*;

    #[test]
    fn readers_check_kind_and_null() {
        let number = Value::i64(3);
        let text = Value::bytes(b"text", 0).unwrap();
        let mut i = 9i64;
        let mut f = 9.0f64;
        let (mut data, mut size) = (ptr::dangling::<c_void>(), 9);
        // SAFETY: live values and outputs, or NULL.
        unsafe {
            assert_eq!((rask_value_i64(&number, &mut i), i), (RASK_OK, 3));
            assert_eq!((rask_value_i64(&text, &mut i), i), (RASK_E_TYPE, 0));
            assert_eq!(rask_value_i64(&number, ptr::null_mut()), RASK_E_INVALID);
            assert_eq!(rask_value_i64(ptr::null(), &mut i), RASK_E_INVALID);
            assert_eq!((rask_value_f64(&number, &mut f), f), (RASK_OK, 3.0));
            assert_eq!(rask_value_bytes(&number, &mut data, &mut size), RASK_E_TYPE);
            assert_eq!((data, size), (ptr::null(), 0));
            assert_eq!(rask_value_bytes(&text, &mut data, &mut size), RASK_OK);
            assert_eq!(size, 4);
            assert_eq!(rask_value_bytes(&text, &mut data, ptr::null_mut()), RASK_E_INVALID);
            assert!(data.is_null());
            assert_eq!(rask_value_kind(ptr::null()), RASK_NONE);
            assert_eq!(rask_value_count(&text), 0);
            assert!(rask_value_at(&text, 0).is_null());
            assert_eq!(rask_value_nbytes(ptr::null()), 0);
        }
    }

    #[test]
    fn items_are_seen_through_references() {
        let target = Value::i64(3);
        // SAFETY: the target outlives the list.
        let list = Value::list(vec![unsafe { Value::reference(&raw const target) }], 0).unwrap();
        // SAFETY: live values.
        unsafe {
            assert_eq!(rask_value_count(&list), 1);
            assert_eq!(rask_value_at(&list, 0), &raw const target);
            assert!(rask_value_at(&list, 1).is_null());
        }
    }

    #[test]
    fn encoders_append() {
        let mut out = BytesOut::new();
        // SAFETY: live memory of that size, or NULL.
        unsafe {
            assert_eq!(rask_bytes_write(&mut out, b"abc".as_ptr().cast(), 3), RASK_OK);
            assert_eq!(rask_bytes_write(&mut out, ptr::null(), 0), RASK_OK);
            assert_eq!(rask_bytes_write(&mut out, ptr::null(), 1), RASK_E_INVALID);
            assert_eq!(rask_bytes_write(&mut out, b"".as_ptr().cast(), usize::MAX), RASK_E_INVALID);
            assert_eq!(rask_bytes_write(ptr::null_mut(), b"".as_ptr().cast(), 0), RASK_E_INVALID);
        }
        assert_eq!(out.as_bytes(), b"abc");
    }
}
