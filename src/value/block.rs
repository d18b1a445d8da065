//! Ref-counted heap blocks: a 16-byte header in front of a payload that is aligned to 16 bytes.
//!
//! `Arc` would do but for two things: it aborts where memory is short, and a block has to say whose memory it
//! is. The payload is raw; what lies in it, and how it ends, is known by the [`Value`](super::Value)s that
//! point to it.

use super::store::{self, LIMITED};
use crate::status::{Failure, NOMEM, Result};
use std::alloc::{Layout, alloc as heap_alloc, dealloc};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

#[repr(C, align(16))]
struct Header {
    refs: AtomicUsize,
    client: u32,
    _padding: u32,
}

const HEADER: usize = size_of::<Header>();
const _: () = assert!(HEADER == 16 && align_of::<Header>() == 16);

static HOOK: OnceLock<fn(u32, i64)> = OnceLock::new();

/// Installs what [`account`] calls: bytes (more or fewer) held for a client's number. The first caller wins.
pub fn install_accounting(hook: fn(client: u32, delta: i64)) {
    let _ = HOOK.set(hook);
}

/// Reports `delta` bytes more (or, negative, fewer) held for `client`; 0 is nobody, and nobody is told.
#[inline]
pub fn account(client: u32, delta: i64) {
    #[cfg(test)]
    super::tests::account(client, delta);
    if client != 0 && delta != 0 {
        if client & LIMITED != 0 {
            store::account(client, delta);
        }
        if let Some(hook) = HOOK.get() {
            hook(client, delta);
        }
    }
}

/// What every allocation here says when there is no memory.
pub(super) fn no_memory(size: usize) -> Failure {
    Failure::new(NOMEM, format!("no memory for a value of {size} bytes"))
}

/// The layout of header and payload; `None` where that exceeds what a pointer can span.
fn layout(payload: usize) -> Option<Layout> {
    Layout::from_size_align(payload.checked_add(HEADER)?, align_of::<Header>()).ok()
}

/// A new block with one reference. The payload, `size` bytes, is not initialised.
pub(super) fn alloc(size: usize, client: u32) -> Result<NonNull<u8>> {
    let layout = layout(size).ok_or_else(|| no_memory(size))?;
    // SAFETY: the layout has at least the header's size, so it is not zero.
    let header = NonNull::new(unsafe { heap_alloc(layout) }).ok_or_else(|| no_memory(size))?.cast::<Header>();
    // SAFETY: freshly allocated with the header's size and alignment, and more than HEADER bytes or exactly
    // that many.
    unsafe {
        header.write(Header { refs: AtomicUsize::new(1), client, _padding: 0 });
        Ok(header.add(1).cast())
    }
}

/// The header before a payload.
///
/// # Safety
/// `payload` comes from [`alloc`] and the caller holds a reference (or is the last to have held one).
#[inline]
unsafe fn header<'a>(payload: NonNull<u8>) -> &'a Header {
    // SAFETY: `alloc` put an initialised header right before the payload; it lives as long as the references
    // do.
    unsafe { payload.cast::<Header>().sub(1).as_ref() }
}

/// One more reference.
///
/// # Safety
/// The caller holds a reference to the block.
#[inline]
pub(super) unsafe fn retain(payload: NonNull<u8>) {
    // Relaxed: whoever clones holds a reference already, so nothing has to be made visible. The count cannot
    // overflow: each reference is a value of 32 bytes somewhere in an address space that has no room for
    // usize::MAX of them. SAFETY: by contract.
    unsafe { header(payload) }.refs.fetch_add(1, Ordering::Relaxed);
}

/// One more reference, unless the last has gone.
///
/// # Safety
/// The block is still there: whoever frees it waits for the caller first.
#[must_use]
pub(super) unsafe fn retain_unless_ended(payload: NonNull<u8>) -> bool {
    // SAFETY: by contract.
    let refs = &unsafe { header(payload) }.refs;
    // Relaxed: what is in the block is read under its own lock.
    refs.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |refs| (refs != 0).then(|| refs + 1)).is_ok()
}

/// One reference less; true for the last, who then owns the block and has to [`free`] it.
///
/// # Safety
/// The caller holds a reference and gives it up.
#[inline]
#[must_use]
pub(super) unsafe fn release(payload: NonNull<u8>) -> bool {
    // SAFETY: by contract.
    let refs = &unsafe { header(payload) }.refs;
    // Release: what this owner did with the block happens before its end. Acquire, by the last only: it sees
    // what all the others did. A load rather than a fence, because ThreadSanitizer does not understand
    // fences.
    if refs.fetch_sub(1, Ordering::Release) != 1 {
        return false;
    }
    refs.load(Ordering::Acquire) == 0
}

/// Whether the caller's reference is the only one. Acquire: what others did with the block is over.
///
/// # Safety
/// The caller holds a reference.
#[inline]
pub(super) unsafe fn is_sole(payload: NonNull<u8>) -> bool {
    // SAFETY: by contract.
    unsafe { header(payload) }.refs.load(Ordering::Acquire) == 1
}

/// Whose memory it is.
///
/// # Safety
/// The caller holds a reference, or was the last.
#[inline]
pub(super) unsafe fn client(payload: NonNull<u8>) -> u32 {
    // SAFETY: by contract.
    unsafe { header(payload) }.client
}

/// Gives the memory back.
///
/// # Safety
/// The caller's [`release`] returned true, `size` is what [`alloc`] was called with, and the payload is not
/// used again.
pub(super) unsafe fn free(payload: NonNull<u8>, size: usize) {
    if let Some(layout) = layout(size) {
        // SAFETY: the same pointer and layout as in `alloc`.
        unsafe { dealloc(payload.cast::<Header>().sub(1).as_ptr().cast(), layout) };
    }
}
