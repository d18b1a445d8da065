//! Values: immutable results and arguments, 32 bytes each, shared by counting.
//!
//! A [`Value`] is four words, so that it moves into and out of a future's node as four words. Scalars and up
//! to [`INLINE_MAX`] bytes lie in the value itself; everything else is a pointer to a ref-counted [`block`]
//! and what readers need of it, so that reading never touches the block's header.
//!
//! | kind and form | word 0 | word 1 | word 2 | block's payload |
//! |---|---|---|---|---|
//! | scalar, inline bytes | the data | | | |
//! | bytes, copied | block | size | data | the data and a NUL |
//! | bytes, moved in | block | size | data | [`bytes::Moved`]: who ends it |
//! | object | block | object | its type | bytes accounted |
//! | list | block | count | items | [`list::Head`], then the items |
//! | managed | block | size of bytes | type of an object | [`managed::Managed`]: in memory or on disk |
//! | reference | target | | | |

pub mod arg;
mod block;
mod bytes;
mod codec;
mod list;
mod managed;
mod object;
mod out;
mod residence;
mod spill_file;
#[cfg(test)]
mod spill_tests;
mod store;
#[cfg(test)]
mod tests;

pub use arg::{Arg, ArgKind};
pub use block::{account, install_accounting};
pub use bytes::{Destroy, INLINE_MAX};
pub use codec::is_running as codec_is_running;
pub(crate) use list::ListBuilder;
pub use managed::Pins;
pub use object::{Type, encode, type_name};
pub use out::BytesOut;
pub use store::{LIMITED, Settings as StoreSettings, Store};

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;

/// What a value is: one of the constants in [`kind`].
pub type Kind = i32;

/// Kinds of [`Value`]; the numbers are public.
pub mod kind {
    #![allow(missing_docs)]
    use super::Kind;
    pub const NONE: Kind = 0;
    pub const I64: Kind = 1;
    pub const F64: Kind = 2;
    pub const BYTES: Kind = 3;
    pub const POINTER: Kind = 4;
    pub const OBJECT: Kind = 5;
    pub const LIST: Kind = 6;
    /// Another value, not owned. Internal: readers see through it.
    pub(super) const REF: Kind = 7;

    /// The kind in a word, for messages.
    #[must_use]
    pub fn name(kind: Kind) -> &'static str {
        match kind {
            NONE => "none",
            I64 => "i64",
            F64 => "f64",
            BYTES => "bytes",
            POINTER => "pointer",
            OBJECT => "object",
            LIST => "list",
            _ => "unknown",
        }
    }
}

/// How a value is held, in the second byte of `meta`. Only [`Form::INLINE`] ends without ado.
struct Form;

impl Form {
    const INLINE: u64 = 0;
    /// A block of ours: copied bytes, an object, a list.
    const BLOCK: u64 = 1 << 8;
    /// Bytes of somebody else, with a block that ends them.
    const MOVED: u64 = 2 << 8;
    /// Bytes or an object that may be on disk.
    const MANAGED: u64 = 3 << 8;
    const MASK: u64 = 0xff00;
}

const KIND_MASK: u64 = 0xff;
/// Where the length of inline bytes stands.
const LEN_SHIFT: u32 = 16;
/// A list with a reference somewhere in it.
const HAS_REFS: u64 = 1 << 24;
/// A list with a managed value somewhere in it.
const HAS_MANAGED: u64 = 1 << 25;

/// An immutable result or argument. `Clone` shares; dropping the last one destroys what it holds.
#[repr(C, align(16))]
pub struct Value {
    words: [u64; 3],
    meta: u64,
}

const _: () = assert!(size_of::<Value>() == 32 && align_of::<Value>() == 16);

// SAFETY: what values share is immutable and counted atomically. Objects and buffers of the caller are read
// by any thread and ended on any thread; the header says so.
unsafe impl Send for Value {}
// SAFETY: as above.
unsafe impl Sync for Value {}

impl Value {
    /// The value of a task that returned nothing.
    pub const NONE: Value = Value { words: [0; 3], meta: kind::NONE as u64 };

    /// An integer.
    #[inline]
    #[must_use]
    pub const fn i64(value: i64) -> Self {
        Value { words: [value as u64, 0, 0], meta: kind::I64 as u64 }
    }

    /// A floating-point number.
    #[inline]
    #[must_use]
    pub const fn f64(value: f64) -> Self {
        Value { words: [value.to_bits(), 0, 0], meta: kind::F64 as u64 }
    }

    /// A pointer of the caller's; never dereferenced, never freed.
    #[inline]
    #[must_use]
    pub fn pointer(pointer: *mut c_void) -> Self {
        Value { words: [word(pointer), 0, 0], meta: kind::POINTER as u64 }
    }

    /// Stands for `target` without owning it.
    ///
    /// # Safety
    /// Until this value and all its clones are gone, or turned into values of their own by [`Value::share`],
    /// whoever reads them sees to it that `target` is alive, at its place and not written to at that moment.
    #[inline]
    #[must_use]
    pub unsafe fn reference(target: *const Value) -> Self {
        Value { words: [word(target), 0, 0], meta: kind::REF as u64 }
    }

    /// The four words of the value, which now own what it held.
    #[inline]
    #[must_use]
    pub fn into_words(self) -> [u64; 4] {
        let value = std::mem::ManuallyDrop::new(self);
        [value.words[0], value.words[1], value.words[2], value.meta]
    }

    /// Gives the four words away, and with them what the value held; it is none afterwards.
    ///
    /// One by one, because they were often written one by one just before: a load of two at once would have to wait until both stores
    /// have reached the cache.
    #[inline]
    pub fn give_words(&mut self, mut take: impl FnMut(usize, u64)) {
        for index in 0..3 {
            take(index, self.words[index]);
        }
        take(3, self.meta);
        self.meta = kind::NONE as u64;
    }

    /// The value that became these words.
    ///
    /// # Safety
    /// The words come from [`Value::into_words`] and are turned back once only.
    #[inline]
    #[must_use]
    pub unsafe fn from_words(words: [u64; 4]) -> Self {
        Value { words: [words[0], words[1], words[2]], meta: words[3] }
    }

    /// The value itself, or what it refers to.
    #[inline]
    #[must_use]
    pub fn resolve(&self) -> &Value {
        let mut value = self;
        while value.tag() == kind::REF {
            // SAFETY: by the contract of `reference`, the target is alive while it is read.
            value = unsafe { &*pointer_of::<Value>(value.words[0]) };
        }
        value
    }

    /// What it is; never a reference.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.resolve().tag()
    }

    /// The integer, if it is one.
    #[inline]
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        let value = self.resolve();
        (value.tag() == kind::I64).then_some(value.words[0] as i64)
    }

    /// The number, if it is one; integers convert.
    #[inline]
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        let value = self.resolve();
        match value.tag() {
            kind::F64 => Some(f64::from_bits(value.words[0])),
            kind::I64 => Some(value.words[0] as i64 as f64),
            _ => None,
        }
    }

    /// The pointer, if it is one.
    #[inline]
    #[must_use]
    pub fn as_pointer(&self) -> Option<*mut c_void> {
        let value = self.resolve();
        (value.tag() == kind::POINTER).then(|| pointer_of::<c_void>(value.words[0]))
    }

    /// How much it holds: bytes their size, an object what its type tells, a list the sum of its items and
    /// the array of them, a scalar 8, nothing 0. Calls the `nbytes` of objects, except of those that may be on
    /// disk: what they told first is remembered.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        let value = self.resolve();
        match value.tag() {
            kind::NONE => 0,
            kind::BYTES => value.bytes_size(),
            kind::OBJECT => value.object_nbytes(),
            kind::LIST => list::nbytes(value),
            _ => 8,
        }
    }

    /// Whether dropping it is more than forgetting it.
    #[inline]
    #[must_use]
    pub fn needs_drop(&self) -> bool {
        self.form() != Form::INLINE
    }

    /// The kind as stored, references included.
    #[inline]
    fn tag(&self) -> Kind {
        (self.meta & KIND_MASK) as Kind
    }

    #[inline]
    fn form(&self) -> u64 {
        self.meta & Form::MASK
    }

    /// The block of a value that is not inline.
    #[inline]
    fn block(&self) -> Option<NonNull<u8>> {
        if self.form() == Form::INLINE { None } else { NonNull::new(pointer_of::<u8>(self.words[0])) }
    }

    /// Gives up the reference to `block`, and ends the block if it was the last. Out of line: most values are
    /// inline.
    #[inline(never)]
    fn release_block(&mut self, block: NonNull<u8>) {
        // SAFETY: this value holds one reference, and nobody uses it after its drop.
        if !unsafe { block::release(block) } {
            return;
        }
        // SAFETY: the last reference is gone, so the block is ours; its kind says what is in it.
        unsafe {
            match self.tag() {
                _ if self.form() == Form::MANAGED => managed::end(block),
                kind::BYTES => self.end_bytes(block),
                kind::OBJECT => self.end_object(block),
                kind::LIST => list::end(block),
                _ => {}
            }
        }
    }
}

impl Clone for Value {
    /// Shares; nothing is copied. A reference stays one: see [`Value::share`].
    #[inline]
    fn clone(&self) -> Self {
        if let Some(block) = self.block() {
            // SAFETY: `self` holds a reference.
            unsafe { block::retain(block) };
        }
        Value { words: self.words, meta: self.meta }
    }
}

impl Drop for Value {
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.block() {
            self.release_block(block);
        }
    }
}

impl Default for Value {
    fn default() -> Self {
        Value::NONE
    }
}

impl fmt::Debug for Value {
    /// Kind and content in a few words; of bytes and lists the size only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            kind::I64 => write!(f, "i64 {}", self.as_i64().unwrap_or(0)),
            kind::F64 => write!(f, "f64 {}", self.as_f64().unwrap_or(0.0)),
            kind::BYTES => write!(f, "bytes of {}", self.nbytes()),
            kind::POINTER => write!(f, "pointer {:p}", self.as_pointer().unwrap_or(std::ptr::null_mut())),
            kind::OBJECT => write!(f, "object {}", self.object_name()),
            kind::LIST => write!(f, "list of {}", self.items().map_or(0, <[Value]>::len)),
            other => f.write_str(kind::name(other)),
        }
    }
}

/// A pointer as a word. Values travel through nodes as integers, so the provenance is exposed here.
#[inline]
fn word<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}

/// The pointer in a word.
#[inline]
fn pointer_of<T>(word: u64) -> *mut T {
    std::ptr::with_exposed_provenance_mut(word as usize)
}
