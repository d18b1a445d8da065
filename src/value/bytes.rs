//! Bytes: inline, copied into a block, or moved in with somebody who ends them.

use super::block::{self, account, no_memory};
use super::{Form, LEN_SHIFT, Value, kind, pointer_of, word};
use crate::status::{Failure, Result};
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{c_char, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

/// So many bytes lie in the value itself, with their NUL.
pub const INLINE_MAX: usize = 23;

/// Ends a moved-in buffer or an object. Called once, on any thread, under no lock; it must not unwind.
pub type Destroy = unsafe extern "C" fn(*mut c_void);

/// The payload of moved-in bytes.
pub(super) struct Moved {
    destroy: Option<Destroy>,
    /// A copy that ends with a NUL, made when somebody first asks for the text.
    text: AtomicPtr<u8>,
}

impl Value {
    /// A copy of `data`, followed by a NUL that does not count, aligned to 16 bytes.
    pub fn bytes(data: &[u8], client: u32) -> Result<Value> {
        let mut value = Value::buffer(data.len(), client)?;
        // SAFETY: the buffer has room for `data` and nobody else knows it yet.
        unsafe { ptr::copy_nonoverlapping(data.as_ptr(), value.buffer_mut(), data.len()) };
        Ok(value)
    }

    /// A copy of what a caller points to: NULL goes with size 0 only, and no size is trusted.
    ///
    /// # Safety
    /// `data`, if not NULL, is readable for `size` bytes where such an object can exist at all.
    pub unsafe fn bytes_from(data: *const c_void, size: usize, client: u32) -> Result<Value> {
        if data.is_null() && size != 0 {
            return Err(Failure::invalid(format!("data is NULL with a size of {size} bytes")));
        }
        let mut value = Value::buffer(size, client)?;
        if size != 0 {
            // SAFETY: readable by contract, writable because freshly made, and not the same memory for that
            // reason.
            unsafe { ptr::copy_nonoverlapping(data.cast(), value.buffer_mut(), size) };
        }
        Ok(value)
    }

    /// Bytes yet to be filled through [`Value::buffer_mut`]. Small ones are zero and lie in the value: put it
    /// in its place first. Larger ones hold anything until they are filled.
    pub fn buffer(size: usize, client: u32) -> Result<Value> {
        if size <= INLINE_MAX {
            return Ok(Value { words: [0; 3], meta: kind::BYTES as u64 | (size as u64) << LEN_SHIFT });
        }
        let block = block::alloc(size.checked_add(1).ok_or_else(|| no_memory(size))?, client)?;
        // SAFETY: the payload has size + 1 bytes.
        unsafe { block.add(size).write(0) };
        account(client, size as i64);
        let data = word(block.as_ptr());
        Ok(Value { words: [data, size as u64, data], meta: kind::BYTES as u64 | Form::BLOCK })
    }

    /// Where a [`Value::buffer`] that nobody shares yet is filled; NULL for any other value.
    #[must_use]
    pub fn buffer_mut(&mut self) -> *mut u8 {
        match (self.tag(), self.form()) {
            (kind::BYTES, Form::INLINE) => self.words.as_mut_ptr().cast(),
            (kind::BYTES, Form::BLOCK) => pointer_of(self.words[2]),
            _ => ptr::null_mut(),
        }
    }

    /// Moves a buffer in: `destroy(data)` ends it, after the last reader; without one it is never ended. The
    /// buffer is taken on every path, also when this fails. It is read where it is, so a NUL follows it only
    /// if the caller put one there (see [`Value::text`]). NULL with size 0 is an empty value, and `destroy`
    /// is not called for NULL.
    ///
    /// # Safety
    /// `data` is readable for `size` bytes until `destroy(data)`, which may be called on any thread.
    pub unsafe fn bytes_owned(
        data: *mut c_void,
        size: usize,
        destroy: Option<Destroy>,
        client: u32,
    ) -> Result<Value> {
        if data.is_null() {
            return match size {
                0 => Value::buffer(0, client),
                _ => Err(Failure::invalid(format!("data is NULL with a size of {size} bytes"))),
            };
        }
        let made = if size > isize::MAX as usize {
            Err(Failure::invalid(format!("no buffer has {size} bytes")))
        } else {
            block::alloc(size_of::<Moved>(), client)
        };
        match made {
            Ok(block) => {
                // SAFETY: the payload was allocated for it, and is aligned to 16 bytes.
                unsafe { block.cast().write(Moved { destroy, text: AtomicPtr::new(ptr::null_mut()) }) };
                account(client, moved_size(destroy, size));
                let meta = kind::BYTES as u64 | Form::MOVED;
                Ok(Value { words: [word(block.as_ptr()), size as u64, word(data)], meta })
            }
            Err(failure) => {
                if let Some(destroy) = destroy {
                    // SAFETY: `data` was handed over, and this is the only place that ends it on this path.
                    unsafe { destroy(data) };
                }
                Err(failure)
            }
        }
    }

    /// Where the bytes are and how many, if the value is bytes. Those that are on disk are loaded, which may
    /// fail. The pointer is valid as long as the value is pinned, or else as long as it lives, and at its place.
    #[inline]
    pub fn bytes_raw(&self) -> Result<Option<(*const u8, usize)>> {
        let value = self.resolve();
        Ok(match (value.tag(), value.form()) {
            (kind::BYTES, Form::INLINE) => Some((value.words.as_ptr().cast(), value.bytes_size())),
            (kind::BYTES, Form::MANAGED) => return value.resident()?.bytes_raw(),
            (kind::BYTES, _) => Some((pointer_of(value.words[2]), value.bytes_size())),
            (kind::OBJECT, _) => return value.object_bytes(),
            _ => None,
        })
    }

    /// The size of a value that is bytes, wherever they are.
    #[inline]
    pub(super) fn bytes_size(&self) -> usize {
        if self.form() == Form::INLINE {
            (self.meta >> LEN_SHIFT & 0xff) as usize
        } else {
            self.words[1] as usize
        }
    }

    /// The bytes with a NUL behind them, `None` if the value is not bytes. Moved-in bytes without a NUL of
    /// their own are copied once, at the first call, and the copy is kept with them.
    pub fn text(&self) -> Result<Option<*const c_char>> {
        let value = self.resolve();
        if value.tag() == kind::BYTES && value.form() == Form::MANAGED {
            return value.resident()?.text();
        }
        if value.tag() == kind::OBJECT && !value.is_text_object() {
            return Ok(None);
        }
        let Some((data, size)) = value.bytes_raw()? else { return Ok(None) };
        // SAFETY: not NULL, readable for that size while the value lives, and immutable.
        let data = unsafe { std::slice::from_raw_parts(data, size) };
        if value.tag() == kind::OBJECT || value.form() != Form::MOVED || data.contains(&0) {
            return Ok(Some(data.as_ptr().cast()));
        }
        let block = pointer_of::<Moved>(value.words[0]);
        // SAFETY: bytes of this form have that payload, alive while the value is.
        let slot = unsafe { &(*block).text };
        // Acquire, with the Release below: whoever sees the copy sees its bytes.
        let text = slot.load(Ordering::Acquire);
        if !text.is_null() {
            return Ok(Some(text.cast()));
        }
        let copy = copy_text(data)?;
        match slot.compare_exchange(ptr::null_mut(), copy.as_ptr(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                // SAFETY: the value holds a reference.
                account(unsafe { block::client(NonNull::new_unchecked(block.cast())) }, text_size(data));
                Ok(Some(copy.as_ptr().cast()))
            }
            Err(other) => {
                // SAFETY: our copy was not published.
                unsafe { free_text(copy.as_ptr(), data.len()) };
                Ok(Some(other.cast()))
            }
        }
    }

    /// How much memory is won when these bytes, which are in a block, are put elsewhere; 0 for what stays where
    /// it is, because nobody ends it.
    pub(super) fn movable_bytes(&self) -> usize {
        match self.form() {
            Form::BLOCK => self.bytes_size(),
            // SAFETY: bytes of this form have that payload.
            Form::MOVED => unsafe {
                moved_size((*pointer_of::<Moved>(self.words[0])).destroy, self.bytes_size()) as usize
            },
            _ => 0,
        }
    }

    /// Ends the bytes in a block.
    ///
    /// # Safety
    /// The value is bytes in `block`, and the last reference to it is gone.
    pub(super) unsafe fn end_bytes(&mut self, block: NonNull<u8>) {
        let size = self.words[1] as usize;
        // SAFETY: the block is ours, and of the size it was made with.
        unsafe {
            let client = block::client(block);
            let mut held = size as i64;
            if self.form() == Form::MOVED {
                let moved = block.cast::<Moved>().read();
                block::free(block, size_of::<Moved>());
                held = moved_size(moved.destroy, size);
                let text = moved.text.into_inner();
                if !text.is_null() {
                    free_text(text, size);
                    held += size as i64 + 1;
                }
                if let Some(destroy) = moved.destroy {
                    destroy(pointer_of(self.words[2]));
                }
            } else {
                block::free(block, size + 1);
            }
            account(client, -held);
        }
    }
}

/// What moved-in bytes are accounted with. What nobody ends is not held by the value: it is there anyway.
fn moved_size(destroy: Option<Destroy>, size: usize) -> i64 {
    if destroy.is_some() { size as i64 } else { 0 }
}

/// What a copied text is accounted with.
fn text_size(data: &[u8]) -> i64 {
    data.len() as i64 + 1
}

/// A copy with a NUL behind it.
fn copy_text(data: &[u8]) -> Result<NonNull<u8>> {
    let layout = Layout::array::<u8>(data.len() + 1).map_err(|_| no_memory(data.len()))?;
    // SAFETY: the size is at least 1.
    let copy = NonNull::new(unsafe { alloc(layout) }).ok_or_else(|| no_memory(data.len()))?;
    // SAFETY: freshly allocated with room for the data and the NUL.
    unsafe {
        ptr::copy_nonoverlapping(data.as_ptr(), copy.as_ptr(), data.len());
        copy.add(data.len()).write(0);
    }
    Ok(copy)
}

/// Frees what [`copy_text`] made.
///
/// # Safety
/// `text` is a copy of `size` bytes, used by nobody any more.
unsafe fn free_text(text: *mut u8, size: usize) {
    if let Ok(layout) = Layout::array::<u8>(size + 1) {
        // SAFETY: the layout it was allocated with.
        unsafe { dealloc(text, layout) };
    }
}
