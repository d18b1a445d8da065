//! Watches: edges that tell something other than a task that a future is done.
//!
//! A watch belongs to the list it is linked in and to whoever may take it back, whichever lets go last: as long as somebody may still ask
//! for it to be taken out, its address is no other watch's.

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

/// A watch that its owner may take back.
pub(crate) struct Watching(Arc<Watch>);

impl Watch {
    /// Has `watcher` told when `node`, which the caller counts a reference on, is done. `Err`: it is done already, with this
    /// state.
    pub(crate) fn begin(node: NodePtr, token: usize, watcher: Arc<dyn Watcher>) -> Result<Watching, State> {
        let watch = Arc::new(Watch { link: AtomicU64::new(0), token, watcher });
        let edge = Edge::watch(to_list(watch.clone()));
        match node.dependents.link(edge, &watch.link) {
            Ok(()) => Ok(Watching(watch)),
            Err(closed) => {
                // SAFETY: it was not linked, so the list's share is still ours.
                drop(unsafe { from_list(pointer(&watch)) });
                Err(state_of(closed))
            }
        }
    }

    /// Tells a watch that was taken from a closed list.
    ///
    /// # Safety
    /// The caller took the edge from the list and tells it once.
    pub(crate) unsafe fn tell(watch: NonNull<Watch>, state: State) {
        // SAFETY: whoever closed the list has its share of the watches in it.
        let watch = unsafe { from_list(watch) };
        watch.watcher.done(watch.token, state);
    }
}

fn pointer(watch: &Arc<Watch>) -> NonNull<Watch> {
    NonNull::new(Arc::as_ptr(watch).cast_mut()).expect("an address")
}

/// The list's share of a watch, for [`from_list`] to take back.
fn to_list(watch: Arc<Watch>) -> NonNull<Watch> {
    let pointer = pointer(&watch);
    std::mem::forget(watch);
    pointer
}

/// # Safety
/// The watch is in no list any more, or was never linked, and its share is taken back once.
unsafe fn from_list(watch: NonNull<Watch>) -> Arc<Watch> {
    // SAFETY: by contract.
    unsafe { Arc::from_raw(watch.as_ptr()) }
}

impl Watching {
    /// Takes the watch back, unless the future was done before: then its watcher was told, or is just being told.
    pub(crate) fn end(self, node: NodePtr) {
        let watch = pointer(&self.0);
        if node.dependents.unlink(Edge::watch(watch), link_of) {
            // SAFETY: it is out of the list.
            drop(unsafe { from_list(watch) });
        }
    }
}
