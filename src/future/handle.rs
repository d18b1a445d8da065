//! From ids to nodes and back: handles looked up, cloned, taken and ended.

use super::State;
use super::cascade::{Cascade, class_of, free};
use super::error::state_of;
use super::node::NodePtr;
use super::waiting::handle_ended;
use super::walk::Ref;
use crate::scheduler::Local;
use crate::slab::{self, Class, Ended, Id, Life, Line};
use crate::status::{self, Failure, Result};
use crate::sync::{AtomicU64, Ordering};
use crate::value::Value;
use std::ffi::c_void;

/// The line of a further handle of a future.
#[repr(C)]
struct CloneLine {
    life: Life,
    /// The node, of which the line counts a reference.
    node: AtomicU64,
}

fn clone_line(line: Line) -> &'static CloneLine {
    // SAFETY: the caller has a line of the clone class: mapped for ever, and these words of it are only used as atomics.
    unsafe { line.cast::<CloneLine>().as_ref() }
}

/// A counted reference made from a handle. Must be let go.
#[must_use]
pub(crate) struct Taken(NodePtr);

impl Taken {
    /// Of a reference that was counted already.
    pub(crate) fn of(node: NodePtr) -> Self {
        Self(node)
    }

    #[inline]
    pub(crate) fn node(&self) -> NodePtr {
        self.0
    }

    #[inline]
    pub(crate) fn into_node(self) -> NodePtr {
        self.0
    }

    pub(crate) fn let_go(self) {
        Local::with(|local| {
            let mut cascade = Cascade::new(local);
            cascade.let_go(self.0);
            cascade.run();
        });
    }
}

/// Why an id is not that of a future.
fn not_a_future(id: Id) -> Failure {
    if id.is_null() {
        return Failure::handle("null future handle");
    }
    match id.kind() {
        Some(slab::Kind::Client) => Failure::handle("a client handle where a future is wanted"),
        Some(slab::Kind::AsCompleted) => Failure::handle("a rask_as_completed where a future is wanted"),
        Some(slab::Kind::Delayed) => Failure::handle("a delayed where a future is wanted: compute it first"),
        Some(slab::Kind::Lane) => Failure::handle("a lane where a future is wanted"),
        _ => Failure::handle("stale or invalid future handle"),
    }
}

/// The line behind a future's id; its generation has not been compared yet.
#[inline]
pub(crate) fn line(id: Id) -> Result<(Line, Class)> {
    slab::look_up(id).ok_or_else(|| not_a_future(id))
}

/// Asks for the memory behind an id that is about to be used.
#[inline]
pub(super) fn prefetch(id: Id) {
    if let Some((line, _)) = slab::look_up(id) {
        slab::prefetch_address(line.as_ptr().addr());
    }
}

fn life(line: Line) -> &'static Life {
    // SAFETY: lines are mapped for ever and begin with their life.
    unsafe { line.as_ref() }
}

/// Turns a reference on a handle's line into one on its node: the same, for a first handle.
#[inline]
fn to_node(line: Line, class: Class) -> Taken {
    if class != Class::Clone {
        return Taken(NodePtr::of(line));
    }
    let node = NodePtr::from_word(clone_line(line).node.load(Ordering::Relaxed));
    node.life.retain();
    leave_clone(line);
    Taken(node)
}

/// Counts a reference on the future behind a live handle.
#[inline]
pub(crate) fn pin(id: Id) -> Result<Taken> {
    let (line, class) = line(id)?;
    if !life(line).pin(id) {
        return Err(not_a_future(id));
    }
    Ok(to_node(line, class))
}

/// Gives up a reference on a clone's line; with the last one, the line is freed and its reference on the node is the caller's.
fn leave_clone(line: Line) {
    if life(line).leave() {
        free_clone(line).let_go();
    }
}

fn free_clone(line: Line) -> Taken {
    let node = NodePtr::from_word(clone_line(line).node.load(Ordering::Relaxed));
    Local::with(|local| local.magazine(Class::Clone).put(line));
    Taken(node)
}

/// As [`pin`], and the end of the handle will tell its waiters.
pub(crate) fn watch(id: Id) -> Result<Taken> {
    let (line, class) = line(id)?;
    if !life(line).watch(id) {
        return Err(not_a_future(id));
    }
    Ok(to_node(line, class))
}

/// Whether the handle is live just now.
pub(crate) fn is_live(id: Id) -> bool {
    line(id).is_ok_and(|(line, _)| life(line).is(id))
}

/// Ends the handle; its reference is the caller's.
#[inline]
pub(crate) fn take(id: Id) -> Result<Taken> {
    let (line, class) = line(id)?;
    let watched = life(line).take(id).ok_or_else(|| not_a_future(id))?;
    Local::with(|local| local.count_handles(1u64.wrapping_neg()));
    handle_ended(id, watched);
    Ok(to_node(line, class))
}

/// Ends the handle and its reference. Null is a no-op.
#[inline]
pub(crate) fn release(id: Id, local: &Local) -> Result<()> {
    if id.is_null() {
        return Ok(());
    }
    let (line, class) = line(id)?;
    if class == Class::Clone {
        return release_clone(id, line, local);
    }
    let node = NodePtr::of(line);
    // A future that has finished stays so. If the handle is live before this look and still when it ends, the look was at its future.
    let is_finished = life(line).is(id)
        && node.dependents.closed().is_some_and(|closed| state_of(closed) == State::Finished);
    let (watched, last) = match life(line).end(id, is_finished) {
        Ended::Stale => return Err(not_a_future(id)),
        Ended::Shared { watched, by_one } => {
            if by_one && node.gate.is_bound() {
                forgo_if_unwanted(node, local);
            }
            (watched, false)
        }
        Ended::Last { watched } => (watched, true),
        Ended::Free { .. } => {
            free(node, class, local);
            (false, false)
        }
    };
    local.count_handles(1u64.wrapping_neg());
    handle_ended(id, watched);
    if last {
        let mut cascade = Cascade::new(local);
        cascade.let_go_last(node);
        cascade.run();
    }
    Ok(())
}

/// A handle has ended, and what refers to the node now is perhaps the engine alone: then nobody can retry it. Whether the node is still the same
/// does not matter, since the reference counted here is let go as any other.
#[cold]
fn forgo_if_unwanted(node: NodePtr, local: &Local) {
    if node.life.join(node.life.peek()) {
        let mut cascade = Cascade::new(local);
        cascade.let_go(node);
        cascade.run();
    }
}

#[cold]
fn release_clone(id: Id, line: Line, local: &Local) -> Result<()> {
    // Nothing is ever to be done with a clone's line but to free it.
    let (watched, is_free) = match life(line).end(id, true) {
        Ended::Stale => return Err(not_a_future(id)),
        Ended::Shared { watched, .. } | Ended::Last { watched } => (watched, false),
        Ended::Free { watched } => (watched, true),
    };
    local.count_handles(1u64.wrapping_neg());
    handle_ended(id, watched);
    if is_free {
        let mut cascade = Cascade::new(local);
        cascade.let_go(free_clone(line).into_node());
        cascade.run();
    }
    Ok(())
}

/// Makes another handle of the future.
pub(crate) fn clone(id: Id) -> Result<Id> {
    let future = Ref::of(pin(id)?);
    Ok(Spare::new()?.into_handle(future))
}

/// Makes another handle of a node that the caller counts a reference on.
pub(crate) fn another(node: NodePtr) -> Result<Id> {
    Ok(Spare::new()?.into_handle(Ref::new(node)))
}

/// Memory for a further handle of a future.
pub(crate) struct Spare(Line);

// SAFETY: lines are mapped for ever and made of atomics; a free one is its owner's alone, whichever thread that is on.
unsafe impl Send for Spare {}

impl Spare {
    pub(crate) fn new() -> Result<Self> {
        let line = Local::with(|local| local.magazine(Class::Clone).take());
        line.map(Self).ok_or_else(|| Failure::new(status::NOMEM, "no memory for a handle"))
    }

    /// Makes a handle, which takes over the reference.
    pub(crate) fn into_handle(self, future: Ref) -> Id {
        let line = std::mem::ManuallyDrop::new(self).0;
        clone_line(line).node.store(future.into_node().to_word(), Ordering::Relaxed);
        Local::with(|local| local.count_handles(1));
        Id::new(slab::Kind::Clone, slab::index_of(line), life(line).begin())
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        Local::with(|local| local.magazine(Class::Clone).put(self.0));
    }
}

/// Takes the object out of a finished future that nobody refers to but this handle, and ends it. On failure the future is as before, under
/// the same handle or another one. `check` says what is wrong with the object.
pub(crate) fn take_object(id: &mut Id, check: impl FnOnce(&Value) -> Result<()>) -> Result<*mut c_void> {
    let shared = || Failure::new(status::STATE, "others hold the future, need it, or share its object");
    let spare = Spare::new()?;
    let pinned = Ref::of(pin(*id)?);
    let node = pinned.node();
    if !node.dependents.closed().is_some_and(|closed| state_of(closed) == State::Finished) {
        return Err(Failure::new(status::STATE, "the future has not finished"));
    }
    // SAFETY: finished, and a reference is counted.
    let value = unsafe { &*node.value() };
    check(value)?;
    // The handle's, or its clone's, and the one counted here.
    if node.life.references() != 2 || !value.is_sole_object() {
        return Err(shared());
    }
    let held = Ref::of(take(*id)?);
    drop(pinned);
    *id = Id(0);
    // From here on nobody finds the future but by its key, or by looking at all nodes.
    let node = held.into_node();
    if node.life.leave_if_last() {
        // SAFETY: finished, the caller is the only one to refer to it, and what is put there instead is read like any value.
        let mut value = unsafe { node.take_value() };
        let object = value.take_object();
        node.set_value(&mut value);
        if let Some(object) = object {
            Local::with(|local| free(node, class_of(node), local));
            return Ok(object);
        }
        node.life.revive();
    }
    *id = spare.into_handle(Ref::of(Taken::of(node)));
    Err(shared())
}
