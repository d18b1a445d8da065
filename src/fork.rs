//! After `fork`: the child has none of its parent's worker threads, and locks may be held by threads that it does not have. So nothing of
//! the library is used there, not even to tidy up.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set in a child after `fork`.
static CHILD: AtomicBool = AtomicBool::new(false);

/// From now on [`in_child`] tells. Called whenever a client is opened; the first time counts.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    extern "C" fn mark() {
        CHILD.store(true, Ordering::Relaxed);
    }
    ONCE.call_once(|| {
        // Out of memory is the only failure; then forks go unnoticed, which is no reason to refuse a client.
        // SAFETY: the handler only stores to an atomic, as a handler may in the child of a threaded process.
        unsafe { libc::pthread_atfork(None, None, Some(mark)) };
    });
}

/// Whether this process is such a child. Relaxed: the child has one thread, and sees what its fork handler stored.
#[inline]
pub(crate) fn in_child() -> bool {
    CHILD.load(Ordering::Relaxed)
}
