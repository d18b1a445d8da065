//! Retry: futures that failed or were cancelled become pending again, on the nodes they are.
//!
//! Such a node keeps its *recipe*, function and inputs, as long as somebody could retry it: until its last handle and its last dependent
//! are gone, or its client is closed. `docs/retry.md` has the protocol.

use super::cascade::Cascade;
use super::dependents::UNLINKED;
use super::error::{Ending, Error, state_of};
use super::gate::Reopened;
use super::node::{EdgeRef, NodePtr, Shape};
use super::settle::Telling;
use super::submit::error_of;
use super::task::Task;
use super::walk::Ref;
use super::{State, extra, key};
use crate::scheduler::{Local, find_number};
use crate::slab::{Class, for_each_line};
use crate::status::{self, Failure, Result};
use crate::sync::Ordering;
use parking_lot::{RwLock, RwLockWriteGuard};
use std::collections::HashSet;
use std::sync::Arc;

/// Shared by those who end futures without a value, until everybody was told; exclusive for a retry. So when a retry looks, the edges of a failed
/// input have all been told, and nobody settles what it opens. Taken before any other lock of ours, and with it held no reference is let go: the
/// last one needs it.
pub(super) static TELLING: RwLock<()> = RwLock::new(());

/// Runs a future that failed or was cancelled again: the failed inputs it depends on that have none themselves, and whatever ended because of
/// them. The caller counts a reference on `node`.
pub(super) fn retry(node: NodePtr, local: &Local) -> Result<()> {
    if find_number(node.client()).is_none() {
        return Err(crate::scheduler::closed());
    }
    let nested = local.put_burying_off();
    let found = find(node);
    let (alone, found) = match found {
        Ok(found) => found,
        Err(failure) => {
            local.bury_now(nested);
            return Err(failure);
        }
    };
    let mut cascade = Cascade::new(local);
    let opened: Vec<_> = found.nodes.iter().map(|&node| Opened::new(node, &mut cascade)).collect();
    for &root in &found.roots {
        local.tally(root.client(), |tally| tally.retried.add(1));
    }
    // From here on others may end what was opened, as while a submit links.
    cascade.go_on_telling(Telling::of(local, nested, RwLockWriteGuard::downgrade(alone)));
    for opened in opened {
        opened.link(&mut cascade);
    }
    cascade.run();
    // The last: they may be all that refers to what was found.
    drop(found.references);
    Ok(())
}

/// What a retry is to open.
#[derive(Default)]
struct Found {
    nodes: Vec<NodePtr>,
    /// Those that failed themselves.
    roots: Vec<NodePtr>,
    /// Kept until the lock is free again.
    references: Vec<Ref>,
}

/// Finds what a retry of `node` is to open, and keeps everybody else from ending futures.
fn find(node: NodePtr) -> Result<(RwLockWriteGuard<'static, ()>, Found)> {
    loop {
        let mut found = Found::default();
        let alone = TELLING.write();
        let looked = look(node, &mut found);
        if let Ok(true) = looked {
            return Ok((alone, found));
        }
        drop(alone);
        looked?;
        // A submit is linking one of them, and may need the lock to come to its end.
        std::thread::yield_now();
    }
}

/// `false`: somebody is linking one of the nodes.
fn look(node: NodePtr, found: &mut Found) -> Result<bool> {
    if failure_of(node).is_none() {
        return Err(Failure::new(status::STATE, "the future has neither failed nor been cancelled"));
    }
    let mut seen = HashSet::new();
    // Mostly one.
    let mut errors: Vec<Arc<Error>> = Vec::new();
    let mut known = HashSet::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if !seen.insert(node) {
            continue;
        }
        if node.gate.is_linking() {
            return Ok(false);
        }
        let error = failure_of(node).expect("it has failed, and nobody else retries it");
        if node.gate.is_forgone() || !error.is_retryable {
            let (origin, message) = (error.origin.to_string_lossy(), error.message.to_string_lossy());
            let words = format!("{origin} cannot be run again: {message}");
            return Err(Failure::new(status::STATE, words));
        }
        found.nodes.push(node);
        if known.insert(Arc::as_ptr(&error)) {
            errors.push(error);
        }
        let before = open.len();
        // The inputs of what runs are finished, and its body may be changing.
        if !runs_unwanted(node) {
            node.for_each_edge(|input, edge| {
                // What became of the others is not why it failed.
                if !edge.is_lenient() {
                    open.extend(failure_of(input).map(|_| input));
                }
            });
        }
        if open.len() == before {
            found.roots.push(node);
        }
    }
    for error in errors {
        let first = found.references.len();
        found.references.extend(error.followers());
        for follower in &found.references[first..] {
            let node = follower.node();
            if !failure_of(node).is_some_and(|its| Arc::ptr_eq(&its, &error)) || node.gate.is_forgone() {
                continue;
            }
            if node.gate.is_linking() {
                return Ok(false);
            }
            if seen.insert(node) {
                found.nodes.push(node);
            }
        }
    }
    Ok(true)
}

/// Whether a function whose outcome is not wanted still runs, and uses the node's body.
pub(super) fn runs_unwanted(node: NodePtr) -> bool {
    node.gate.runs_settled() || node.dependents.is_abandoned()
}

fn has_failed(node: NodePtr) -> bool {
    node.dependents.closed().is_some_and(|closed| state_of(closed) != State::Finished)
}

/// The error of a future that has failed or was cancelled, and on which a reference is counted.
fn failure_of(node: NodePtr) -> Option<Arc<Error>> {
    error_of(node.dependents.closed()?)
}

/// A future that is pending again, and whose inputs are still to be linked.
struct Opened {
    node: NodePtr,
    links: Vec<(NodePtr, EdgeRef)>,
}

impl Opened {
    /// Opens `node`, under the exclusive lock.
    fn new(node: NodePtr, cascade: &mut Cascade<'_>) -> Self {
        let closed = node.dependents.closed().expect("found to have failed");
        let state = state_of(closed);
        // SAFETY: the list is opened below, so the word's share of the error is taken once.
        let ending = unsafe { Ending::from_closed(closed) };
        // Who has been told of the error has borrowed its words until the handle is released.
        extra::with(node, |extra| {
            extra.past_errors.extend(ending.error().cloned());
            extra.attempt = 0;
        });
        let mut links = Vec::new();
        if !runs_unwanted(node) {
            node.for_each_edge(|input, edge| {
                let is_finished =
                    input.dependents.closed().is_some_and(|closed| state_of(closed) == State::Finished);
                // Relaxed: whoever told the edge held the lock.
                if edge.link().load(Ordering::Relaxed) == UNLINKED && !is_finished && !edge.is_lenient() {
                    links.push((input, edge));
                }
            });
        }
        super::program::reopened(node);
        let reopened = node.gate.reopen(links.len() as u32);
        node.dependents.reopen(reopened == Reopened::Running);
        cascade.count_reopened(node, state);
        if reopened == Reopened::Waiting {
            cascade.let_go(node);
        }
        Self { node, links }
    }

    fn link(self, cascade: &mut Cascade<'_>) {
        let mut finished = 0;
        let mut failed = None;
        for (input, edge) in self.links {
            if let Err(closed) = input.dependents.link(edge.word(), edge.link()) {
                finished += 1;
                if state_of(closed) != State::Finished {
                    edge.link().store(UNLINKED, Ordering::Relaxed);
                    failed.get_or_insert_with(|| Ending::of(closed));
                }
            }
        }
        if let Some(ending) = failed {
            cascade.settle(self.node, &ending);
        }
        cascade.linked(self.node, finished);
    }
}

/// Releases the inputs of all futures of a client that is closed.
pub(super) fn forgo_all(client: u32, local: &Local) {
    for class in [Class::Small, Class::Large] {
        for_each_line(class, |line| {
            let node = NodePtr::of(line);
            let seen = node.life.peek();
            if node.client() != client || !has_failed(node) || !node.life.join(seen) {
                return;
            }
            // Looked at again now that it cannot become another one.
            let mut cascade = Cascade::new(local);
            if node.client() == client {
                cascade.forgo_failed(node);
            }
            cascade.let_go(node);
            cascade.run();
        });
    }
}

// ---- late values --------------------------------------------------------------------------------------------------------

/// What a task becomes whose inputs were released before it turned out to be cancelled: a function that returns the value in the body.
///
/// # Safety
/// As for every task's function; the node's body holds a value.
unsafe extern "C-unwind" fn late(task: *mut Task) {
    // SAFETY: by contract. The run has been claimed, so the value is taken once.
    unsafe {
        let task = &mut *task;
        let value = task.node().take_value();
        drop(task.set_result(value));
    }
}

/// Makes the value in the body of a task, which was cancelled in the last moment, its recipe.
pub(super) fn keep_late_value(node: NodePtr) {
    // Made while its function can still be asked for the name.
    key::pointer(node);
    node.begin(node.client(), Some(late), Shape::EMPTY);
    node.gate.end_forward();
    // Any worker can return a value.
    node.gate.leave_lane();
}

/// Whether the node's recipe is a value in its body.
pub(super) fn is_late(node: NodePtr) -> bool {
    node.function().is_some_and(|function| std::ptr::fn_addr_eq(function, late as super::TaskFn))
}
