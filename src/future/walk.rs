//! Looking at what a future waits for, while others run, fail and free it.

use super::cascade::Cascade;
use super::node::NodePtr;
use crate::scheduler::Local;
use std::collections::HashSet;

/// A counted reference that lets go of itself.
pub(crate) struct Ref(NodePtr);

impl Ref {
    /// Makes a reference that was counted already let go of itself.
    pub(crate) fn of(taken: super::handle::Taken) -> Self {
        Self(taken.into_node())
    }

    /// Counts a reference on a node that the caller knows to have one.
    pub(crate) fn new(node: NodePtr) -> Self {
        node.life.retain();
        Self(node)
    }

    pub(crate) fn node(&self) -> NodePtr {
        self.0
    }
}

impl Drop for Ref {
    fn drop(&mut self) {
        Local::with(|local| {
            let mut cascade = Cascade::new(local);
            cascade.let_go(self.0);
            cascade.run();
        });
    }
}

/// The inputs of a task that waits for inputs, those that are not done. The caller counts a reference on `node`.
///
/// The gate is held meanwhile, so that the task does not start and its body stays what it is. It may still be settled, which releases
/// its inputs: an input counts only if it had references when first seen, and the task was not settled after that.
pub(crate) fn open_inputs(node: NodePtr) -> Vec<Ref> {
    let mut inputs = Vec::new();
    if !node.gate.hold() {
        return inputs;
    }
    node.for_each_input(|input| {
        let seen = input.life.peek();
        if !node.gate.is_settled() && input.dependents.closed().is_none() && input.life.join(seen) {
            inputs.push(Ref(input));
        }
    });
    Local::with(|local| {
        let mut cascade = Cascade::new(local);
        cascade.arrive(node);
        cascade.run();
    });
    inputs
}

/// Whether `future` can only end after one of `tasks` has. Gives up, with `false`, after looking at `budget` futures.
///
/// The caller counts a reference on `future` and on each of the tasks.
pub(crate) fn needs(future: NodePtr, tasks: &[NodePtr], budget: usize) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![Ref::new(future)];
    while let Some(next) = open.pop() {
        let node = next.node();
        if tasks.contains(&node) {
            return true;
        }
        if node.dependents.closed().is_some() || !seen.insert(node) {
            continue;
        }
        if seen.len() > budget {
            return false;
        }
        open.extend(open_inputs(node));
        open.extend(super::waiting::waited_for_by(node));
    }
    false
}

/// A task that is ready and that `future` waits for, or `future` itself; claimed for the caller to run. Looks at `budget` futures.
///
/// A reference is counted for the entry in whatever queue the task is in; the one who takes that entry drops it.
pub(crate) fn claim_ready(future: NodePtr, budget: usize) -> Option<Ref> {
    if claim(future) {
        return Some(Ref::new(future));
    }
    let mut left = budget;
    let mut open = open_inputs(future);
    while let Some(next) = open.pop() {
        if claim(next.node()) {
            return Some(next);
        }
        left = left.checked_sub(1)?;
        open.extend(open_inputs(next.node()));
    }
    None
}

fn claim(node: NodePtr) -> bool {
    if !node.gate.is_ready() {
        return false;
    }
    node.life.retain();
    if node.gate.start_if_ready() {
        return true;
    }
    drop(Ref(node));
    false
}
