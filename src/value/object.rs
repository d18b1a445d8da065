//! Objects: something of the caller's, owned by the value, with a static type that says how it ends.

use super::block::{self, account};
use super::{BytesOut, Destroy, Form, Value, codec, kind, pointer_of, word};
use crate::status::{self, Failure, Result, Status};
use std::ffi::{CStr, c_char, c_void};
use std::mem::offset_of;
use std::ptr::NonNull;

/// What an object is: its name and how it is destroyed, measured and, where it may leave the process,
/// encoded. Static: it outlives every object of it. Types are told apart by their address. The functions may
/// be called on any thread, with no lock of the library held, and must not throw.
#[repr(C)]
pub struct Type {
    /// sizeof(rask_type).
    pub struct_size: usize,
    /// For messages and for a cluster; not NULL.
    pub name: *const c_char,
    /// Called once, after the last handle and the last reader are gone. It may call the library, but not wait
    /// or close a client: on a worker both are RASK_E_STATE. NULL: objects of it are never destroyed.
    pub destroy: Option<unsafe extern "C" fn(object: *mut c_void)>,
    /// How many bytes the object holds. NULL: 0.
    pub nbytes: Option<unsafe extern "C" fn(object: *const c_void) -> usize>,
    /// Writes the object to out by rask_bytes_write. NULL: objects of it stay in this process, and in memory. It
    /// may call the library, but not wait or close a client: RASK_E_STATE. Nor may decode. rask_codec_fail says
    /// why either fails.
    pub encode: Option<unsafe extern "C" fn(object: *const c_void, out: *mut BytesOut) -> Status>,
    /// Makes an object of what encode wrote; NULL on failure.
    pub decode: Option<unsafe extern "C" fn(data: *const c_void, size: usize) -> *mut c_void>,
    /// Shows the object as bytes, in place: where they are and, in size, how many. They stay as long as the
    /// object. What reads bytes then reads objects of it too. NULL: it is no bytes.
    pub bytes: Option<unsafe extern "C" fn(object: *const c_void, size: *mut usize) -> *const c_void>,
    /// RASK_TYPE_TEXT, or 0.
    pub flags: u64,
}

/// What a type's bytes shows is followed by a NUL that is not counted: rask_arg_str reads it.
pub const RASK_TYPE_TEXT: u64 = 1;

/// The size of `rask_type` as it was first agreed on: without what shows an object as bytes. It never changes.
const FIRST_SIZE: usize = 48;
const _: () = assert!(size_of::<Type>() == 64);
/// A struct said to be larger than this was never initialised.
const ABSURD_SIZE: usize = 4096;

// SAFETY: the pointers lead to static data and functions that the header requires to be callable from any
// thread.
unsafe impl Sync for Type {}

/// A type as the caller gave it: what is wrong with it, and the destroy that is usable all the same.
///
/// # Safety
/// `ty` is NULL or points to a type of at least the size it states.
unsafe fn check(ty: *const Type) -> (Option<Destroy>, Result<()>) {
    let invalid = |message: &'static str| Err(Failure::invalid(message));
    if ty.is_null() {
        return (None, invalid("the type of an object is NULL"));
    }
    // SAFETY: every version of the struct begins with its size.
    let size = unsafe { (&raw const (*ty).struct_size).read() };
    if size > ABSURD_SIZE {
        return (None, invalid("the struct_size of a rask_type was not initialised"));
    }
    let has_destroy = size >= offset_of!(Type, destroy) + size_of::<usize>();
    // SAFETY: within the stated size; any bit pattern of a function pointer that a caller stores is one.
    let destroy = if has_destroy { unsafe { (&raw const (*ty).destroy).read() } } else { None };
    if size < FIRST_SIZE || size < size_of::<Type>() && size % size_of::<usize>() != 0 {
        return (destroy, invalid("the struct_size of a rask_type is too small"));
    }
    let extra = size.saturating_sub(size_of::<Type>());
    // SAFETY: the struct is as large as it says.
    let tail = unsafe { std::slice::from_raw_parts(ty.cast::<u8>().add(size - extra), extra) };
    if tail.iter().any(|&byte| byte != 0) {
        return (destroy, invalid("a rask_type is of a later version and uses what this one does not know"));
    }
    // SAFETY: within the stated size.
    if unsafe { (*ty).name.is_null() } {
        return (destroy, invalid("the name of a rask_type is NULL"));
    }
    // SAFETY: as large as it says.
    if unsafe { view(ty) }.is_some_and(|(_, flags)| flags & !RASK_TYPE_TEXT != 0) {
        return (destroy, invalid("unknown bits in the flags of a rask_type"));
    }
    (destroy, Ok(()))
}

type Bytes = unsafe extern "C" fn(object: *const c_void, size: *mut usize) -> *const c_void;

/// How objects of the type are shown as bytes, if they are, and the type's flags.
///
/// # Safety
/// `ty` points to a type of at least the size it states.
unsafe fn view(ty: *const Type) -> Option<(Option<Bytes>, u64)> {
    // SAFETY: by contract: types of before 0.1 end earlier, and those between the two sizes have only a part of it.
    unsafe { ((*ty).struct_size >= size_of::<Type>()).then(|| ((*ty).bytes, (*ty).flags)) }
}

/// The name of a type that was accepted.
///
/// # Safety
/// `ty` is the type of a live object.
unsafe fn name_of<'a>(ty: *const Type) -> &'a CStr {
    // SAFETY: accepted types have a name, and are static.
    unsafe { CStr::from_ptr((*ty).name) }
}

/// The name of a type a caller asks for, for messages; "?" for one that has none.
///
/// # Safety
/// `ty` is NULL or points to a type of at least the size it states.
#[must_use]
pub unsafe fn type_name(ty: *const Type) -> String {
    // SAFETY: by contract; a type that checks out has a name.
    match unsafe { check(ty) } {
        // SAFETY: likewise.
        (_, Ok(())) => unsafe { name_of(ty) }.to_string_lossy().into_owned(),
        _ => "?".to_owned(),
    }
}

/// What the object's type writes of it; `None`: it has no encode, or is no proper object, which [`Value::object`] will say.
///
/// # Safety
/// As for [`Value::object`], but the object stays the caller's.
pub unsafe fn encode(object: *const c_void, ty: *const Type) -> Result<Option<Vec<u8>>> {
    // SAFETY: by contract.
    let encode = match unsafe { check(ty) } {
        // SAFETY: a type that checks out has all its fields.
        (_, Ok(())) if !object.is_null() => unsafe { (*ty).encode },
        _ => None,
    };
    let Some(encode) = encode else { return Ok(None) };
    let mut out = BytesOut::new();
    // SAFETY: the type's own function, for an object of it.
    let (status, words) = codec::calling(|| unsafe { encode(object, &raw mut out) });
    if out.is_short() {
        // An encoder that does not look at what its writes return must not cost anybody half an object.
        return Err(Failure::new(status::NOMEM, "no memory to encode an object"));
    }
    if status == status::OK {
        return Ok(Some(out.into_bytes()));
    }
    // SAFETY: it checked out.
    let name = unsafe { name_of(ty) }.to_string_lossy();
    let words = match words {
        Some(words) => format!("encode of {name}: {words}"),
        None => format!("encode of {name} returned {status}"),
    };
    Err(Failure::new(if status < 0 { status } else { status::INVALID }, words))
}

impl Value {
    /// Moves an object in. It is taken on every path: when this fails it is destroyed, if its type says how.
    /// Calls the type's `nbytes`.
    ///
    /// # Safety
    /// `ty` is NULL or points to a static type of at least the size it states, and `object` is one of that
    /// type.
    pub unsafe fn object(object: *mut c_void, ty: *const Type, client: u32) -> Result<Value> {
        // SAFETY: by contract.
        let (destroy, checked) = unsafe { check(ty) };
        let checked = checked.and_then(|()| match object.is_null() {
            true => Err(Failure::invalid("the object is NULL")),
            false => block::alloc(size_of::<u64>(), client),
        });
        match checked {
            Ok(block) => {
                let meta = kind::OBJECT as u64 | Form::BLOCK;
                let value = Value { words: [word(block.as_ptr()), word(object), word(ty)], meta };
                // Remembered, because what an object says may change while it lives.
                let held = value.object_nbytes().min(i64::MAX as usize) as u64;
                // SAFETY: the payload has 8 bytes, aligned to 16.
                unsafe { block.cast::<u64>().write(held) };
                account(client, held as i64);
                Ok(value)
            }
            Err(failure) => {
                if let (Some(destroy), false) = (destroy, object.is_null()) {
                    // SAFETY: `object` was handed over, and this is the only place that ends it on this path.
                    unsafe { destroy(object) };
                }
                Err(failure)
            }
        }
    }

    /// The type, if the value is an object.
    #[inline]
    #[must_use]
    pub fn object_type(&self) -> Option<*const Type> {
        let value = self.resolve();
        (value.tag() == kind::OBJECT).then(|| pointer_of::<Type>(value.words[2]).cast_const())
    }

    /// The object and its type, if the value is one. An object that is on disk is loaded, which may fail. The
    /// pointer is valid as long as the value is pinned, or else as long as it lives.
    #[inline]
    pub fn as_object(&self) -> Result<Option<(*mut c_void, *const Type)>> {
        let value = self.resolve();
        let Some(ty) = value.object_type() else { return Ok(None) };
        let resident = if value.form() == Form::MANAGED { value.resident()? } else { value };
        Ok(Some((pointer_of(resident.words[1]), ty)))
    }

    /// The bytes that an object is shown as, if its type shows it so; as for [`bytes_raw`](Self::bytes_raw).
    pub(super) fn object_bytes(&self) -> Result<Option<(*const u8, usize)>> {
        let Some(ty) = self.object_type() else { return Ok(None) };
        // SAFETY: the type of a live object.
        let Some((Some(bytes), _)) = (unsafe { view(ty) }) else { return Ok(None) };
        let Some((object, _)) = self.as_object()? else { return Ok(None) };
        let mut size = 0;
        // SAFETY: the type's own function, for an object of it.
        let data = unsafe { bytes(object, &raw mut size) };
        if data.is_null() {
            return Ok(Some((NonNull::dangling().as_ptr(), 0)));
        }
        Ok(Some((data.cast(), size)))
    }

    /// Whether a NUL follows what [`object_bytes`](Self::object_bytes) shows.
    pub(super) fn is_text_object(&self) -> bool {
        // SAFETY: the type of a live object.
        self.object_type()
            .is_some_and(|ty| unsafe { view(ty) }.is_some_and(|(_, flags)| flags & RASK_TYPE_TEXT != 0))
    }

    /// Whether it is an object in memory that no other value shares.
    pub fn is_sole_object(&self) -> bool {
        let value = self.resolve();
        let held = value.tag() == kind::OBJECT && value.form() == Form::BLOCK;
        // SAFETY: a value of this form holds a reference to its block.
        held && value.block().is_some_and(|block| unsafe { block::is_sole(block) })
    }

    /// Takes the object out and leaves nothing; `None`, and all is as before, unless it is [sole](Self::is_sole_object).
    pub fn take_object(&mut self) -> Option<*mut c_void> {
        if !self.is_sole_object() {
            return None;
        }
        let [block, object, _, _] = std::mem::take(self).into_words();
        let block = NonNull::new(pointer_of::<u8>(block))?;
        // SAFETY: the only reference to the block was the value's.
        unsafe {
            let (client, held) = (block::client(block), block.cast::<u64>().read());
            block::free(block, size_of::<u64>());
            account(client, -(held as i64));
        }
        Some(pointer_of(object))
    }

    /// The name of its type, if the value is an object; else empty.
    pub(super) fn object_name(&self) -> String {
        // SAFETY: the type of a live object.
        self.object_type().map_or(String::new(), |ty| unsafe { name_of(ty) }.to_string_lossy().into_owned())
    }

    /// What the object says it holds, or said first if it may be on disk.
    pub(super) fn object_nbytes(&self) -> usize {
        let ty = pointer_of::<Type>(self.words[2]);
        match self.form() {
            Form::MANAGED => self.managed().size(),
            // SAFETY: the type of a live object is static, and its function takes that object.
            _ => unsafe { (*ty).nbytes.map_or(0, |nbytes| nbytes(pointer_of(self.words[1]))) },
        }
    }

    /// How much memory is won when this object is put elsewhere; 0 if its type does not allow that.
    pub(super) fn movable_object(&self) -> usize {
        let ty = pointer_of::<Type>(self.words[2]);
        // SAFETY: the type of a live object is static; its block holds what it is accounted with.
        unsafe {
            let movable = (*ty).encode.is_some() && (*ty).decode.is_some() && (*ty).destroy.is_some();
            if movable { *pointer_of::<u64>(self.words[0]) as usize } else { 0 }
        }
    }

    /// What it is, in words for a message: the kind, and of an object its type.
    #[must_use]
    pub fn kind_in_words(&self) -> String {
        match self.kind() {
            kind::OBJECT => format!("object {}", self.object_name()),
            other => kind::name(other).to_owned(),
        }
    }

    /// Ends the object.
    ///
    /// # Safety
    /// The value is an object in `block`, and the last reference to it is gone.
    pub(super) unsafe fn end_object(&mut self, block: NonNull<u8>) {
        // SAFETY: the block is ours; the type is static and its destroy takes this object, once.
        unsafe {
            let client = block::client(block);
            let held = block.cast::<u64>().read();
            block::free(block, size_of::<u64>());
            if let Some(destroy) = (*pointer_of::<Type>(self.words[2])).destroy {
                destroy(pointer_of(self.words[1]));
            }
            account(client, -(held as i64));
        }
    }
}
