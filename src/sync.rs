//! The atomics of the protocols: the standard library's, or loom's when the models run.
//!
//! Only the words that loom models are built on this module. Statics and plain locks use the standard library and parking_lot
//! directly: loom's types cannot be constants.

#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

/// `fence(SeqCst)`. On x86-64 a locked instruction on the thread's own stack: a full barrier like the `mfence` the compiler would emit, at
/// about half its price, because it does not wait for what only non-temporal stores need.
#[inline]
pub(crate) fn full_fence() {
    #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
    // SAFETY: adds 0 to a word of our own stack frame; without `nomem` the compiler moves no memory access across it.
    unsafe {
        std::arch::asm!("lock or dword ptr [rsp - 8], 0", options(nostack));
    }
    #[cfg(not(all(target_arch = "x86_64", not(loom), not(miri))))]
    fence(Ordering::SeqCst);
}

#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

/// Checks all interleavings with at most three preemptions.
#[cfg(all(test, loom))]
pub(crate) fn model(body: impl Fn() + Sync + Send + 'static) {
    model_with(3, body);
}

/// As [`model`], with fewer preemptions where three would take long.
#[cfg(all(test, loom))]
pub(crate) fn model_with(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}
