//! Values: their memory, their sharing, their end.

use super::*;
use crate::status::{INVALID, NOMEM};
use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Counts the ends of objects and buffers made here. Each test that looks at it holds [`counted`].
static ENDED: AtomicUsize = AtomicUsize::new(0);
/// Bytes held for [`CLIENT`].
static HELD: AtomicI64 = AtomicI64::new(0);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// A client that no other test has.
const CLIENT: u32 = u32::MAX;

/// Sees what is accounted beside the hook, which belongs to the engine.
pub(super) fn account(client: u32, delta: i64) {
    if client == CLIENT {
        HELD.fetch_add(delta, Ordering::Relaxed);
    }
}

fn counted() -> MutexGuard<'static, ()> {
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(|broken| broken.into_inner());
    ENDED.store(0, Ordering::Relaxed);
    HELD.store(0, Ordering::Relaxed);
    guard
}

fn ended() -> usize {
    ENDED.load(Ordering::Relaxed)
}

fn held() -> i64 {
    HELD.load(Ordering::Relaxed)
}

unsafe extern "C" fn end(_: *mut c_void) {
    ENDED.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn hundred(_: *const c_void) -> usize {
    100
}

const THING: Type = Type {
    struct_size: size_of::<Type>(),
    name: c"thing".as_ptr(),
    destroy: Some(end),
    nbytes: Some(hundred),
    encode: None,
    decode: None,
    bytes: None,
    flags: 0,
};
static THING_TYPE: Type = THING;

/// The bytes of a value that is some.
fn bytes(value: &Value) -> &[u8] {
    let (data, size) = value.bytes_raw().unwrap().unwrap();
    // SAFETY: readable while the value lives: nothing pins it, so it is kept.
    unsafe { std::slice::from_raw_parts(data, size) }
}

fn somewhere() -> *mut c_void {
    static PLACE: u64 = 0;
    (&raw const PLACE).cast_mut().cast()
}

fn thing() -> Value {
    // SAFETY: a static type, and a destroy that does not look at the object.
    unsafe { Value::object(somewhere(), &raw const THING_TYPE, CLIENT) }.unwrap()
}

#[test]
fn words_go_and_come_back() {
    let _guard = counted();
    let words = thing().into_words();
    assert_eq!(ended(), 0);
    // SAFETY: words of `into_words`, turned back once.
    drop(unsafe { Value::from_words(words) });
    assert_eq!(ended(), 1);
}

#[test]
fn scalars_read_back() {
    assert_eq!(Value::NONE.kind(), kind::NONE);
    assert_eq!(Value::NONE.nbytes(), 0);
    assert_eq!(Value::i64(-7).as_i64(), Some(-7));
    assert_eq!(Value::i64(-7).as_f64(), Some(-7.0));
    assert_eq!(Value::f64(0.5).as_f64(), Some(0.5));
    assert_eq!(Value::f64(0.5).as_i64(), None);
    assert_eq!(Value::pointer(somewhere()).as_pointer(), Some(somewhere()));
    assert_eq!(Value::f64(0.5).nbytes(), 8);
    assert!(Value::i64(1).bytes_raw().unwrap().is_none() && Value::i64(1).items().is_none());
}

#[test]
fn bytes_are_aligned_and_end_with_a_nul() {
    let _guard = counted();
    for size in [0, 1, 22, 23, 24, 25, 4096, 1 << 20] {
        let data: Vec<u8> = (0..size).map(|i| i as u8 | 1).collect();
        let value = Value::bytes(&data, CLIENT).unwrap();
        assert_eq!(value.needs_drop(), size > INLINE_MAX, "{size}");
        assert_eq!(bytes(&value), &data[..]);
        assert_eq!(value.nbytes(), size);
        assert_eq!(held(), if size > INLINE_MAX { size as i64 } else { 0 });
        let (at, _) = value.bytes_raw().unwrap().unwrap();
        assert_eq!(at.addr() % 16, 0);
        // SAFETY: a NUL follows the bytes.
        assert_eq!(unsafe { *at.add(size) }, 0);
        let text = value.text().unwrap().unwrap();
        // SAFETY: it ends with that NUL, and there is none before.
        assert_eq!(unsafe { CStr::from_ptr(text) }.to_bytes(), &data[..]);
        drop(value);
        assert_eq!(held(), 0);
    }
}

#[test]
fn buffers_are_filled_in_place() {
    for size in [0, 8, 23, 24, 1000] {
        let mut value = Value::buffer(size, 0).unwrap();
        // SAFETY: the buffer has that size.
        unsafe { value.buffer_mut().write_bytes(b'x', size) };
        assert_eq!(bytes(&value), vec![b'x'; size]);
    }
    assert!(Value::i64(1).buffer_mut().is_null());
}

#[test]
fn absurd_sizes_are_failures() {
    for size in [usize::MAX, usize::MAX - 1, isize::MAX as usize, isize::MAX as usize - 15, 1 << 60] {
        assert_eq!(Value::buffer(size, 0).unwrap_err().status, NOMEM, "{size}");
        // SAFETY: nothing is read where there is no memory for the copy.
        assert_eq!(unsafe { Value::bytes_from(somewhere(), size, 0) }.unwrap_err().status, NOMEM);
    }
    // SAFETY: NULL is allowed.
    assert_eq!(unsafe { Value::bytes_from(std::ptr::null(), 1, 0) }.unwrap_err().status, INVALID);
    // SAFETY: NULL is allowed.
    assert_eq!(unsafe { Value::bytes_from(std::ptr::null(), 0, 0) }.unwrap().nbytes(), 0);
}

#[test]
fn moved_bytes_end_once() {
    let _guard = counted();
    let data = b"moved in, no NUL";
    let pointer = data.as_ptr().cast_mut().cast();
    // SAFETY: the data is static, and `end` does not look at it.
    let value = unsafe { Value::bytes_owned(pointer, data.len(), Some(end), CLIENT) }.unwrap();
    assert_eq!(value.bytes_raw().unwrap(), Some((data.as_ptr(), data.len())));
    assert_eq!(held(), 16);
    let text = value.text().unwrap().unwrap();
    assert_eq!(value.clone().text().unwrap().unwrap(), text);
    assert_eq!(held(), 16 + 17);
    // SAFETY: the text ends with a NUL, and the value still lives.
    assert_eq!(unsafe { CStr::from_ptr(text) }.to_bytes(), data);
    assert_eq!(ended(), 0);
    drop(value);
    assert_eq!((ended(), held()), (1, 0));

    // SAFETY: refused before anything is read.
    let refused = unsafe { Value::bytes_owned(pointer, usize::MAX, Some(end), CLIENT) };
    assert_eq!((refused.unwrap_err().status, ended()), (INVALID, 2));
    // SAFETY: NULL is allowed.
    let refused = unsafe { Value::bytes_owned(std::ptr::null_mut(), 3, Some(end), CLIENT) };
    assert_eq!((refused.unwrap_err().status, ended()), (INVALID, 2));
    // SAFETY: the data is static.
    drop(unsafe { Value::bytes_owned(pointer, data.len(), None, CLIENT) }.unwrap());
    assert_eq!((ended(), held()), (2, 0));
    // Text with a NUL of its own is not copied.
    let text = c"has one";
    // SAFETY: the text is static.
    let value = unsafe { Value::bytes_owned(text.as_ptr().cast_mut().cast(), 8, None, CLIENT) }.unwrap();
    assert_eq!(value.text().unwrap().unwrap(), text.as_ptr());
}

#[test]
fn objects_end_once() {
    let _guard = counted();
    let value = thing();
    assert_eq!((value.nbytes(), held()), (100, 100));
    let (object, ty) = value.as_object().unwrap().unwrap();
    assert_eq!((object, ty), (somewhere(), &raw const THING_TYPE));
    assert_eq!(value.kind_in_words(), "object thing");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let value = value.clone();
            std::thread::spawn(move || (0..1000).for_each(|_| drop(value.clone())))
        })
        .collect();
    drop(value);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!((ended(), held()), (1, 0));
}

#[test]
fn refused_objects_are_destroyed() {
    let _guard = counted();
    let refuse = |ty: *const Type, object: *mut c_void| {
        // SAFETY: the types are as large as they say, or refused for their size.
        let failure = unsafe { Value::object(object, ty, CLIENT) }.unwrap_err();
        assert_eq!(failure.status, INVALID);
        ENDED.swap(0, Ordering::Relaxed)
    };
    assert_eq!(refuse(std::ptr::null(), somewhere()), 0);
    assert_eq!(refuse(&Type { name: std::ptr::null::<c_char>(), ..THING }, somewhere()), 1);
    assert_eq!(refuse(&Type { struct_size: 40, ..THING }, somewhere()), 1);
    assert_eq!(refuse(&Type { struct_size: 16, ..THING }, somewhere()), 0);
    assert_eq!(refuse(&Type { struct_size: usize::MAX, ..THING }, somewhere()), 0);
    assert_eq!(refuse(&THING_TYPE, std::ptr::null_mut()), 0);
    let mut later = (Type { struct_size: size_of::<Type>() + 8, ..THING }, 1u64);
    assert_eq!(refuse((&raw const later).cast(), somewhere()), 1);
    later.1 = 0;
    // SAFETY: as large as it says.
    drop(unsafe { Value::object(somewhere(), (&raw const later).cast(), CLIENT) }.unwrap());
    assert_eq!((ended(), held()), (1, 0));
}

#[test]
fn lists_share_and_end() {
    let _guard = counted();
    let list =
        Value::list(vec![Value::i64(1), thing(), Value::bytes(&[7; 100], CLIENT).unwrap()], CLIENT).unwrap();
    assert_eq!(list.items().unwrap().len(), 3);
    assert_eq!(list.nbytes(), 3 * 32 + 8 + 100 + 100);
    assert_eq!(held(), 3 * 32 + 100 + 100);
    let other = list.share().unwrap();
    assert_eq!(other.items().unwrap().as_ptr(), list.items().unwrap().as_ptr());
    let nested = Value::list(vec![list, other, Value::NONE], CLIENT).unwrap();
    assert_eq!(nested.nbytes(), 3 * 32 + 2 * (3 * 32 + 208));
    drop(nested);
    assert_eq!((ended(), held()), (1, 0));
    let empty = Value::list(Vec::new(), CLIENT).unwrap();
    assert!(!empty.needs_drop() && empty.items() == Some(&[]) && empty.kind() == kind::LIST);
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

#[test]
fn references_are_seen_through_and_shared_away() {
    let _guard = counted();
    let target = Value::list(vec![thing(), Value::i64(5)], CLIENT).unwrap();
    // SAFETY: `target` outlives what refers to it, all through this test.
    let reference = || unsafe { Value::reference(&raw const target) };
    assert_eq!(reference().kind(), kind::LIST);
    assert!(!reference().needs_drop());
    let shared = reference().share().unwrap();
    let inner = Value::list(vec![reference(), Value::i64(6)], CLIENT).unwrap();
    let outer = Value::list(vec![Value::i64(1), inner, thing()], CLIENT).unwrap();
    assert_eq!(outer.nbytes(), 3 * 32 + 8 + 100 + (2 * 32 + 8 + (2 * 32 + 8 + 100)));
    let own = outer.share().unwrap();
    drop(outer);
    assert_eq!(own.meta & HAS_REFS, 0);
    let items = own.items().unwrap();
    let inner = items[1].items().unwrap();
    assert_eq!(inner[0].items().unwrap().as_ptr(), target.items().unwrap().as_ptr());
    drop(target);
    assert_eq!(ended(), 0);
    drop(shared);
    assert_eq!(ended(), 0);
    drop(own);
    assert_eq!((ended(), held()), (2, 0));
}

#[test]
fn millions_of_nested_lists_end_without_recursion() {
    let _guard = counted();
    let depth = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };
    let mut list = thing();
    for _ in 0..depth {
        list = Value::list(vec![list], CLIENT).unwrap();
    }
    assert_eq!(list.nbytes(), depth * 32 + 100);
    drop(list);
    assert_eq!((ended(), held()), (1, 0));
}

#[test]
fn deep_references_are_shared_without_recursion() {
    let target = Value::i64(9);
    // SAFETY: `target` outlives it.
    let mut list = unsafe { Value::reference(&raw const target) };
    for _ in 0..200_000 {
        list = Value::list(vec![list, Value::NONE], 0).unwrap();
    }
    let own = list.share().unwrap();
    drop(list);
    assert_eq!(own.meta & HAS_REFS, 0);
}

#[test]
fn encoders_write_to_a_growing_buffer() {
    let mut out = BytesOut::new();
    out.write(b"ab").unwrap();
    out.write(b"").unwrap();
    out.write(b"c").unwrap();
    assert_eq!(out.as_bytes(), b"abc");
    assert_eq!(out.into_bytes(), b"abc");
}
