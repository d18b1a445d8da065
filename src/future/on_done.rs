//! Callbacks: what is to be called when a future is done, and who sees to it that it is.
//!
//! A registration is kept beside its node, in the [table of extras](super::extra), and a watch in the node's list tells when it is due. It
//! counts no reference, since it is not to keep a pending task wanted. But the callback is given a valid handle, so whoever finds it due
//! needs a reference:
//!
//! - the thread that *tells the watch* has none, and takes part in the node's life ([`Life::join`]) if that has not ended;
//! - the thread that *frees the node* looks for registrations first. Their futures are done, or the node would not be freed; so
//!   it counts references again instead ([`Life::revive`]), and the node is freed when the callbacks have returned.
//!
//! Each takes the registrations out of the table before it acts on them, under the table's lock, so one of the two has each. If the first
//! cannot join, the second is under way and finds them.
//!
//! [`Life::join`]: crate::slab::Life::join
//! [`Life::revive`]: crate::slab::Life::revive

use super::dispatcher::{self, Call};
use super::handle::{self, Spare};
use super::walk::Ref;
use super::{NodePtr, State, Watch, Watcher, extra};
use crate::slab::Id;
use crate::status::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is called: with a handle, borrowed for the call, and the state the future is done with.
pub type Callback = Box<dyn FnOnce(u64, State) + Send>;

/// A callback that waits for its future to be done.
pub(crate) struct Registration {
    /// Unlike any other's: the token of its watch.
    number: usize,
    pub(super) callback: Callback,
    /// For the handle it will be given.
    pub(super) spare: Spare,
}

/// Has `callback` called on the dispatcher's thread when the future is done: once, and soon if it is done already.
pub fn on_done(future: u64, callback: Callback) -> Result<()> {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    let future = Ref::of(handle::pin(Id(future))?);
    let spare = Spare::new()?;
    // Relaxed: the numbers only differ.
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let node = future.node();
    dispatcher::expect(node.client());
    extra::with(node, |extra| extra.on_done.push(Registration { number, callback, spare }));
    let told = Arc::new(Told { node, life: node.life.peek() });
    if let Err(state) = Watch::begin(node, number, told) {
        due(future, number, state);
    }
    Ok(())
}

/// Who is told by a registration's watch.
struct Told {
    node: NodePtr,
    /// See [`Ref::join`].
    life: u64,
}

impl Watcher for Told {
    fn done(&self, number: usize, state: State) {
        if let Some(future) = Ref::join(self.node, self.life) {
            due(future, number, state);
        }
    }
}

/// Registration `number` is due, if it still is there. Those before it are too, and go first: lists are told newest first.
fn due(future: Ref, number: usize, state: State) {
    let due = extra::peek(future.node(), |extra| {
        let at = extra.on_done.iter().rposition(|registration| registration.number == number)?;
        Some(extra.on_done.drain(..=at).collect::<Vec<_>>())
    });
    if let Some(due) = due.flatten() {
        dispatch(&future, due, state);
    }
}

/// Whether somebody is still to be called with a future that is done, and that the caller was about to free: then it lives on until they
/// have returned.
pub(super) fn call_before_free(node: NodePtr, state: State) -> bool {
    let due = extra::peek(node, |extra| std::mem::take(&mut extra.on_done)).unwrap_or_default();
    if due.is_empty() {
        return false;
    }
    dispatch(&Ref::revive(node), due, state);
    true
}

fn dispatch(future: &Ref, due: Vec<Registration>, state: State) {
    let call = |registration| Call { future: Ref::new(future.node()), registration, state };
    dispatcher::push(due.into_iter().map(call));
}
