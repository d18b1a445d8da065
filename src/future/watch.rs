//! Watches: edges that tell something other than a task that a future is done.

use super::State;
use super::error::state_of;
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

/// A watch that its owner may take back. The list has a share in it as long as it is linked, the owner until this is dropped: so its address
/// is nobody else's meanwhile, even if the future ends and is retried.
pub(crate) struct Watching(Arc<Watch>);

impl Watch {
    /// Has `watcher` told when `node`, which the caller counts a reference on, is done. `Err`: it is done already, with this
    /// state.
    pub(crate) fn begin(node: NodePtr, token: usize, watcher: Arc<dyn Watcher>) -> Result<Watching, State> {
        let watch = Arc::new(Watch { link: AtomicU64::new(0), token, watcher });
        let linked = Arc::into_raw(watch.clone());
        match node.dependents.link(Edge::watch(linked), &watch.link) {
            Ok(()) => Ok(Watching(watch)),
            Err(closed) => {
                // SAFETY: it was not linked, so the list's share is taken back.
                drop(unsafe { Arc::from_raw(linked) });
                Err(state_of(closed))
            }
        }
    }

    /// Tells a watch that was taken from a closed list, whose share ends.
    ///
    /// # Safety
    /// The caller took the edge from the list and tells it once.
    pub(crate) unsafe fn tell(watch: NonNull<Watch>, state: State) {
        // SAFETY: whoever closed the list owns its share in the watches that were in it.
        let watch = unsafe { Arc::from_raw(watch.as_ptr().cast_const()) };
        watch.watcher.done(watch.token, state);
    }
}

impl Watching {
    /// Takes the watch back. `false`: the future was done before, and its watcher was told, or is just being told.
    pub(crate) fn end(self, node: NodePtr) -> bool {
        let watch = Arc::as_ptr(&self.0);
        let is_back = node.dependents.unlink(Edge::watch(watch), link_of);
        if is_back {
            // SAFETY: it is out of the list, so the list's share is ours.
            drop(unsafe { Arc::from_raw(watch) });
        }
        is_back
    }
}
