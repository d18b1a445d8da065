//! Looking at what a future waits for, while others run, fail and free it.

use super::cascade::Cascade;
use super::extra;
use super::node::NodePtr;
use super::program::{Number, Role};
use super::shortage::Left;
use super::waiting::waited_for_by;
use crate::scheduler::Local;
use std::collections::HashSet;
use std::sync::Arc;

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

    /// Counts a reference on a node, if it still is in the life it was in when its life word was `seen`, and references on it were
    /// counted: else it is done and gone.
    pub(crate) fn join(node: NodePtr, seen: u64) -> Option<Self> {
        node.life.join(seen).then(|| Self(node))
    }

    /// Counts the first reference again on a node that the caller was about to free.
    pub(crate) fn revive(node: NodePtr) -> Self {
        node.life.revive();
        Self(node)
    }

    /// Hands the reference to the caller, who lets go of it.
    pub(crate) fn into_node(self) -> NodePtr {
        std::mem::ManuallyDrop::new(self).0
    }

    pub(crate) fn node(&self) -> NodePtr {
        self.0
    }
}

impl Clone for Ref {
    fn clone(&self) -> Self {
        Self::new(self.0)
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
/// its inputs: an input counts only if it had references when first seen, and the task was not settled after that. What waits for a run of
/// its own that was abandoned had all its inputs, and its body is that run's.
pub(crate) fn open_inputs(node: NodePtr) -> Vec<Ref> {
    let mut inputs = Vec::new();
    if !node.gate.hold() {
        // A graph that runs may wait for what its steps have returned, and its outputs for it.
        let role = extra::peek(node, |extra| {
            inputs.extend(extra.awaited.iter().map(|awaited| Ref::new(awaited.input)));
            extra.role.clone()
        });
        if let Some(Role::Output(several, _)) = role.flatten() {
            inputs.extend(several.hub());
        }
        return inputs;
    }
    if !node.dependents.is_abandoned() {
        node.for_each_input(|input| {
            let seen = input.life.peek();
            if !node.gate.is_settled() && input.dependents.closed().is_none() && input.life.join(seen) {
                inputs.push(Ref(input));
            }
        });
    }
    Local::with(|local| {
        let mut cascade = Cascade::new(local);
        cascade.arrive(node);
        cascade.run();
    });
    inputs
}

/// Who runs: a task, or a step of a graph with several outputs, not all of which need it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Runner {
    pub(crate) node: NodePtr,
    /// Of the hub that `node` is.
    pub(crate) step: Option<Number>,
}

impl Runner {
    pub(crate) fn task(node: NodePtr) -> Self {
        Self { node, step: None }
    }

    /// Whether this future can end only after who runs is done.
    fn holds_up(self, future: NodePtr, role: Option<&Role>) -> bool {
        match (role, self.step) {
            (Some(Role::Output(several, output)), Some(step)) => {
                matches!(Role::of(self.node), Some(Role::Hub(its)) if Arc::ptr_eq(&its, several))
                    && several.takes(*output, step)
            }
            _ => self.node == future,
        }
    }
}

/// Looks for futures that can only end after one of some tasks has.
pub(crate) struct Search<'a> {
    tasks: &'a [Runner],
    left: &'a Left,
    /// What was looked at and does not need the tasks.
    seen: HashSet<NodePtr>,
    /// How many futures are looked at before the search gives up.
    budget: usize,
}

/// Why a future needs one of the tasks.
pub(crate) enum Reached {
    /// It, or one that it needs, waits for this one to end.
    Task(Runner),
    /// Or lacks these resources of this client, which the tasks hold.
    Resources(u32, u64),
}

impl<'a> Search<'a> {
    /// The caller counts a reference on each of the tasks. `left`: the resources that they do not hold.
    pub(crate) fn new(tasks: &'a [Runner], left: &'a Left, budget: usize) -> Self {
        Self { tasks, left, seen: HashSet::new(), budget }
    }

    /// Whether `future`, on which the caller counts a reference, needs one of the tasks, and why. Gives up with `None`.
    pub(crate) fn reach(&mut self, future: NodePtr) -> Option<Reached> {
        let mut open = vec![Ref::new(future)];
        while let Some(next) = open.pop() {
            let node = next.node();
            let role = Role::of(node);
            if let Some(&task) = self.tasks.iter().find(|task| task.holds_up(node, role.as_ref())) {
                return self.reached(Reached::Task(task));
            }
            if node.dependents.closed().is_some() || !self.seen.insert(node) {
                continue;
            }
            let lacked = self.left.lacked_by(node);
            if lacked != 0 {
                return self.reached(Reached::Resources(node.client(), lacked));
            }
            if self.seen.len() > self.budget {
                return None;
            }
            if let Some(Role::Output(several, output)) = &role {
                // Not all that its hub does is for this one.
                open.extend(several.awaited_for(*output));
            } else {
                open.extend(open_inputs(node));
            }
            open.extend(waited_for_by(|task| task.holds_up(node, role.as_ref())));
        }
        None
    }

    fn reached(&mut self, reached: Reached) -> Option<Reached> {
        // Not all that was seen on the way is known not to need the tasks.
        self.seen.clear();
        Some(reached)
    }
}

/// Goes through what a future waits for, in search of tasks to run: depth first, each future's inputs once.
pub(crate) struct Help {
    /// What to look at, the last first, and whether its inputs lie above it already.
    open: Vec<(Ref, bool)>,
    /// How many of them are.
    n_opened: usize,
}

/// Futures that one search opens at most: beyond that a waiting task had better let others run.
const HELP_DEPTH: usize = 256;

impl Help {
    /// For a future that the caller counts a reference on.
    pub(crate) fn new(future: NodePtr) -> Self {
        Self { open: vec![(Ref::new(future), false)], n_opened: 0 }
    }

    /// The next ready task, claimed for the caller to run. A reference is counted for the entry in whatever queue it is in; whoever takes that
    /// entry drops it.
    pub(crate) fn next(&mut self) -> Option<Ref> {
        while let Some((next, is_opened)) = self.open.pop() {
            self.n_opened -= usize::from(is_opened);
            if claim(next.node()) {
                return Some(next);
            }
            if is_opened || self.n_opened == HELP_DEPTH {
                continue;
            }
            let inputs = open_inputs(next.node());
            // None: it is done, or runs elsewhere.
            if !inputs.is_empty() {
                self.open.push((next, true));
                self.n_opened += 1;
                // The first input on top.
                self.open.extend(inputs.into_iter().rev().map(|input| (input, false)));
            }
        }
        None
    }
}

fn claim(node: NodePtr) -> bool {
    // What needs resources waits for its turn to have them, and a lane's tasks are not for workers.
    if !node.gate.is_ready() || node.gate.is_on_lane() || extra::need(node).is_some() {
        return false;
    }
    node.life.retain();
    if node.gate.start() {
        return true;
    }
    drop(Ref(node));
    false
}
