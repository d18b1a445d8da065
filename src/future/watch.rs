//! Watches: edges that tell something other than a task that a future is done.

use super::State;
use super::dependents::EdgeWord;
use super::node::{Edge, NodePtr, link_of};
use crate::sync::AtomicU64;
use std::ptr::NonNull;
use std::sync::Arc;

/// Who wants to know. Told once for each watch, by the thread that ended the future, which holds no lock and should not be kept.
pub(crate) trait Watcher: Send + Sync {
    /// The future watched with `token` is done, and this is its state.
    fn done(&self, token: usize, state: State);
}

/// An edge in a future's list. The link comes first: an edge word is its address.
#[repr(C, align(8))]
pub(crate) struct Watch {
    link: AtomicU64,
    token: usize,
    watcher: Arc<dyn Watcher>,
}

/// A watch that its owner may take back.
pub(crate) struct Watching(NonNull<Watch>);

impl Watch {
    /// Has `watcher` told when `node`, which the caller counts a reference on, is done. `None`: it is done already.
    pub(crate) fn begin(node: NodePtr, token: usize, watcher: Arc<dyn Watcher>) -> Option<Watching> {
        let watch = Box::new(Watch { link: AtomicU64::new(0), token, watcher });
        let watch = NonNull::from(Box::leak(watch));
        // SAFETY: just made, and nobody frees it before it is linked.
        let link = unsafe { &watch.as_ref().link };
        match node.dependents.link(Edge::watch(watch), link) {
            Ok(()) => Some(Watching(watch)),
            Err(_) => {
                // SAFETY: it was not linked, so it is still ours alone.
                drop(unsafe { Box::from_raw(watch.as_ptr()) });
                None
            }
        }
    }

    /// Tells and frees a watch that was taken from a closed list.
    ///
    /// # Safety
    /// The caller took the edge from the list and tells it once.
    pub(crate) unsafe fn tell(watch: NonNull<Watch>, state: State) {
        // SAFETY: whoever closed the list owns the watches in it.
        let watch = unsafe { Box::from_raw(watch.as_ptr()) };
        watch.watcher.done(watch.token, state);
    }
}

impl Watching {
    /// Takes the watch back, unless the future was done before: then its watcher was told, or is just being told.
    pub(crate) fn end(self, node: NodePtr) {
        let edge: EdgeWord = Edge::watch(self.0);
        if node.dependents.unlink(edge, link_of) {
            // SAFETY: it is out of the list, so it is ours alone again.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}
