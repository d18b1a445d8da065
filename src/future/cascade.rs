//! What follows when a future is done: its dependents become ready or fail, inputs are let go, values are destroyed.
//!
//! A chain of ten million tasks fails, is cancelled or is released in one loop: what would be recursion is a stack of closed lists.

use super::dependents::{Closed, EdgeWord, UNLINKED};
use super::error::{Ending, state_of};
use super::gate::Arrived;
use super::node::{Edge, Inline, MAX_INLINE, NodePtr, is_lenient, link_of};
use super::program::Role;
use super::settle::{Telling, leave_unless_alone};
use super::spread::Spread;
use super::watch::Watch;
use super::{State, extra, held, lane, on_done, program};
use crate::scheduler::{Job, Local};
use crate::slab::Class;
use crate::value::Value;

/// Work that one event has caused and that is still to be done. [`run`](Self::run) does it.
#[must_use]
pub(crate) struct Cascade<'a> {
    pub(super) local: &'a Local,
    /// A list that was closed, with the ending its edges are to be told.
    list: Option<(EdgeWord, Ending)>,
    /// What there mostly is nothing of.
    rest: Option<Box<Rest<'a>>>,
    /// Whether the first task made ready is kept for this thread to run next.
    keeps_next: bool,
    /// Whether [`run_stacks`](Self::run_stacks) is at work, which looks for whatever there is.
    is_running: bool,
    next: Option<NodePtr>,
}

/// What makes a cascade more than the end of one task.
#[derive(Default)]
pub(super) struct Rest<'a> {
    /// Further lists like the first.
    pub(super) lists: Vec<(EdgeWord, Ending)>,
    /// Futures that nobody wants and that did not finish: to be cancelled if they are not done, their inputs to be released. A reference
    /// on each is ours, the last but perhaps the engine's.
    pub(super) unwanted: Vec<NodePtr>,
    /// Jobs of [programs](super::program) that wait for what steps have returned, to be parked.
    pub(super) parked: Vec<Job>,
    /// From the end of a future without a value until all who depend on it were told: no retry comes in between.
    pub(super) telling: Option<Telling<'a>>,
    /// The client of futures that ended other than by running: somebody may wait until it has none left.
    pub(super) settled: Option<u32>,
    /// One of them may have been among the jobs with a rank.
    pub(super) is_ranked: bool,
}

/// How the run of a task that has a value came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// The future has finished, for good.
    Finished,
    /// Somebody cancelled it in the last moment: the inputs are gone, and the value is kept for a retry.
    Late,
    /// It is no end of the task: somebody may run it again.
    Kept,
}

impl<'a> Cascade<'a> {
    pub(crate) fn new(local: &'a Local) -> Self {
        Self { local, list: None, rest: None, keeps_next: false, is_running: false, next: None }
    }

    /// As [`new`](Self::new), for a worker that asks for the [`next`](Self::run) task.
    pub(crate) fn keeping_next(local: &'a Local) -> Self {
        Self { keeps_next: true, ..Self::new(local) }
    }

    /// Whether the task to run next is the caller's.
    pub(super) fn keeps_next(&self) -> bool {
        self.keeps_next
    }

    /// Does all that is to be done. Returns the task to run next, if one was kept.
    #[inline]
    pub(crate) fn run(mut self) -> Option<Job> {
        if self.list.is_some() || self.rest.is_some() {
            self.run_stacks();
        }
        let next = self.next.map(|node| node.to_word() as Job);
        // Nothing is left: spare it the look for what to drop.
        std::mem::forget(self);
        next
    }

    #[inline(never)]
    fn run_stacks(&mut self) {
        let mut spread = Spread::default();
        self.is_running = true;
        loop {
            let rest = self.rest.as_mut();
            if let Some((edges, ending)) = rest.and_then(|rest| rest.lists.pop()).or_else(|| self.list.take())
            {
                let settled = self.tell(edges, &ending);
                if settled > 0 {
                    spread.add(&ending, settled);
                }
            } else if let Some(node) = self.rest.as_mut().and_then(|rest| rest.unwanted.pop()) {
                if self.drop_unwanted(node) {
                    spread.add(&Ending::released(), 1);
                }
            } else if lane::publish_ready(self) {
                // Those of them that cannot run may have brought more to do.
            } else if let Some(job) = self.rest.as_mut().and_then(|rest| rest.parked.pop()) {
                program::park_awaited(job, self);
            } else {
                break;
            }
        }
        self.is_running = false;
        spread.tell();
        if let Some(rest) = self.rest.take() {
            if let Some(telling) = rest.telling {
                telling.end();
            }
            if let Some(client) = rest.settled {
                self.local.tell_drainers(client);
                if rest.is_ranked {
                    self.local.refresh_ranked(client);
                }
            }
        }
    }

    #[cold]
    pub(super) fn rest(&mut self) -> &mut Rest<'a> {
        self.rest.get_or_insert_default()
    }

    /// Ends the wait of a step for the future that it has returned; its job's credit is ours from now on.
    #[cold]
    pub(super) fn park(&mut self, job: Job) {
        self.rest().parked.push(job);
    }

    /// How many dependents ended for that reason.
    fn tell(&mut self, edges: EdgeWord, ending: &Ending) -> usize {
        let mut settled = 0;
        let mut edge = edges;
        while edge != 0 {
            // Read before the edge is told: its owner may be gone afterwards.
            let next = link_of(edge).load(crate::sync::Ordering::Relaxed);
            match Edge::of(edge) {
                Edge::Task(node) => {
                    if !matches!(ending, Ending::Finished) && !is_lenient(edge) {
                        // Relaxed: the lock orders it before a retry.
                        link_of(edge).store(UNLINKED, crate::sync::Ordering::Relaxed);
                        settled += usize::from(self.settle(node, ending));
                    }
                    self.arrive(node);
                }
                // SAFETY: the list was closed by this cascade, and each edge is told once.
                Edge::Watch(watch) => unsafe { Watch::tell(watch, ending.state()) },
            }
            edge = next;
        }
        settled
    }

    /// An input of `node` is done.
    pub(crate) fn arrive(&mut self, node: NodePtr) {
        let arrived = node.gate.arrive();
        self.arrived(node, arrived);
    }

    pub(crate) fn arrived(&mut self, node: NodePtr, arrived: Arrived) {
        match arrived {
            Arrived::NotLast => {}
            Arrived::Ready => self.ready(node),
            Arrived::Forward => self.forwarded(node),
            Arrived::Settled => {
                node.gate.unbind_place();
                self.let_go(node);
            }
        }
    }

    /// The inputs of `node` are linked; `finished` of those that it awaits were done before.
    pub(crate) fn linked(&mut self, node: NodePtr, finished: u32) {
        let (arrived, is_settled) = node.gate.linked(finished);
        self.arrived(node, arrived);
        if is_settled {
            self.begin_telling();
            self.forgo_if_final(node);
            self.let_go(node);
        }
    }

    pub(super) fn ready(&mut self, node: NodePtr) {
        if node.gate.is_special() && self.push_special(node) {
            return;
        }
        if !self.keeps_next {
            return self.push(node);
        }
        // Edges are told newest first, so the one kept in the end is the one that was submitted first.
        if let Some(newer) = self.next.replace(node) {
            self.push(newer);
        }
    }

    fn push(&mut self, node: NodePtr) {
        if !self.local.push(node.client(), node.to_word() as Job) {
            discard(node, self);
        }
    }

    /// `false`: the task is one for workers, and has no rank.
    #[cold]
    fn push_special(&mut self, node: NodePtr) -> bool {
        if node.gate.is_on_lane() {
            // Published together, so that a lane's lock is taken once.
            self.local.ready_on_lanes.borrow_mut().push(node.to_word() as Job);
            if !self.is_running {
                self.rest();
            }
            return true;
        }
        let Some(rank) = extra::rank(node) else { return false };
        if !self.local.push_ranked(node.client(), &[node.to_word() as Job], &rank) {
            discard(node, self);
        }
        true
    }

    /// A task that waited for another's result has it.
    fn forwarded(&mut self, node: NodePtr) {
        if !node.gate.start_forwarded() {
            node.gate.unbind_place();
            return self.let_go(node);
        }
        let input = NodePtr::from_word(node.get(0));
        // SAFETY: the input finished (an error or cancellation would have settled the node), and the node counts a reference on it.
        let value = unsafe { (*input.value()).share() };
        self.count_unstarted(node);
        match value {
            Ok(mut value) => {
                self.finish(node, &mut value);
            }
            Err(failure) => self.fail(node, Ending::failed(node, &failure)),
        }
    }

    /// Finishes a task that the caller has claimed, and whose inputs are still to be released. If somebody cancelled it while it ran, the
    /// value is discarded.
    #[inline]
    pub(crate) fn finish(&mut self, node: NodePtr, value: &mut Value) -> RunEnd {
        // Whoever is cancelled now keeps its inputs for a retry.
        if !node.dependents.is_wanted() {
            self.finish_unwanted(node, value);
            return RunEnd::Kept;
        }
        self.finish_wanted(node, value)
    }

    /// As [`finish`](Self::finish), by who has seen that the value is wanted: if somebody cancels it from then on, the value is kept for a retry.
    #[inline]
    pub(super) fn finish_wanted(&mut self, node: NodePtr, value: &mut Value) -> RunEnd {
        self.release_inputs(node);
        node.set_value(value);
        // Counted first: who has seen the result finds it counted.
        let client = node.client();
        self.local.tally(client, |tally| tally.finished.add(1));
        match node.dependents.close_run(Ending::Finished.into_closed()) {
            Some(0) => {}
            Some(edges) => self.closed(edges, Ending::Finished),
            None => {
                self.finish_late(node);
                return RunEnd::Late;
            }
        }
        RunEnd::Finished
    }

    /// Finishes the claimed hub of a graph, which is no task and has no value.
    #[cold]
    pub(super) fn finish_uncounted(&mut self, node: NodePtr) {
        self.release_inputs(node);
        node.set_value(&mut Value::default());
        if let Some(edges) = node.dependents.close_run(Ending::Finished.into_closed()) {
            return self.closed(edges, Ending::Finished);
        }
        self.local.tally(node.client(), |tally| tally.finished.add(1));
        self.finish_late(node);
    }

    /// A task that ran waits for another's result from now on.
    pub(crate) fn count_forwarded(&self, node: NodePtr) {
        self.local.tally(node.client(), |tally| tally.forwarded.add(1));
    }

    #[inline]
    pub(super) fn closed(&mut self, edges: EdgeWord, ending: Ending) {
        if edges == 0 {
            // Nobody is to be told.
        } else if self.list.is_none() {
            self.list = Some((edges, ending));
        } else {
            self.rest().lists.push((edges, ending));
        }
    }

    /// Releases the inputs of a task that the caller claimed and that has no open edges any more.
    #[inline]
    pub(crate) fn release_inputs(&mut self, node: NodePtr) {
        let shape = node.shape();
        if !shape.has_inputs() {
            // Numbers and pointers: nothing to release.
        } else if shape.is_block() {
            self.release_block(node);
            // SAFETY: no edge is linked: the gate let the task through, or submit never linked them.
            unsafe { node.free_block() };
        } else {
            self.release_inline(node);
        }
    }

    pub(super) fn release_inline(&mut self, node: NodePtr) {
        let shape = node.shape();
        let mut inputs = [None; MAX_INLINE];
        let mut n = 0;
        for index in 0..shape.count() {
            if shape.kind(index) == Inline::Future {
                inputs[n] = Some(NodePtr::from_word(node.get(shape.offset(index))));
                n += 1;
            }
        }
        for input in inputs.into_iter().take(n).flatten() {
            self.let_go(input);
        }
    }

    pub(super) fn release_block(&mut self, node: NodePtr) {
        let block = node.block();
        // SAFETY: the block is there until the node is freed, and the caller's claim gives it the arguments.
        let (args, edges) = unsafe { (block.as_ref().take_args(), &block.as_ref().edges) };
        for edge in edges.iter() {
            self.let_go(edge.input);
        }
        for arg in args {
            self.local.bury(arg);
        }
    }

    /// Gives up a counted reference. With the last one a future that is not done is cancelled, since nobody can want it any more, one that did
    /// not finish releases its inputs, since nobody can retry it any more, and the node is freed.
    pub(crate) fn let_go(&mut self, node: NodePtr) {
        if leave_unless_alone(node) {
            self.let_go_last(node);
        }
    }

    /// As [`let_go`](Self::let_go), for a reference that is the last one, or seems to be but for the engine's.
    pub(crate) fn let_go_last(&mut self, node: NodePtr) {
        match node.dependents.closed() {
            Some(closed) if state_of(closed) == State::Finished => self.leave(node),
            _ => self.rest().unwanted.push(node),
        }
    }

    /// Gives up a reference on a node that is done.
    #[inline]
    pub(super) fn leave(&mut self, node: NodePtr) {
        if node.life.leave() {
            free(node, class_of(node), self.local);
        }
    }

    /// Drops the reference that comes with an entry of a queue whose task cannot be started.
    pub(crate) fn let_go_entry(&mut self, node: NodePtr) {
        node.gate.unbind_place();
        self.let_go(node);
    }
}

/// Frees a node, of this class, that nobody refers to; unless somebody is still to be called with the future.
#[inline]
pub(crate) fn free(node: NodePtr, class: Class, local: &Local) {
    let closed = node.dependents.closed().expect("a node without references is done");
    if node.gate.has_extra() && !forget_extra(node, state_of(closed)) {
        return;
    }
    local.tally(node.client(), |tally| tally.freed.add(1));
    if state_of(closed) != State::Finished {
        free_error(node, closed);
    // SAFETY: finished, and the caller is the only one to refer to it.
    } else if unsafe { (*node.value()).needs_drop() } {
        // SAFETY: as above, and freed once.
        local.bury(unsafe { node.take_value() });
    }
    local.magazine(class).put(node.line());
}

/// Removes what is kept beside a node that is about to be freed. `false`: somebody is still to be called with the future, which lives on
/// until then.
#[cold]
fn forget_extra(node: NodePtr, state: State) -> bool {
    if on_done::call_before_free(node, state) {
        return false;
    }
    if let Some(extra) = extra::take(node) {
        if let Some(Role::Hub(_)) = extra.role {
            // It was not counted as made.
            Local::with(|local| local.tally(node.client(), |tally| tally.freed.sub(1)));
        }
        if let (Some(key), Some(identity)) = (extra.key, extra.identity) {
            held::forget(node, key, identity);
        }
    }
    true
}

#[cold]
fn free_error(node: NodePtr, closed: Closed) {
    debug_assert!(node.gate.is_forgone(), "a future that did not finish has released its inputs");
    // SAFETY: the node's own share of the error, dropped once.
    drop(unsafe { Ending::from_closed(closed) });
    if node.shape().is_block() {
        // SAFETY: a settled node is freed only after its gate has seen the last edge.
        unsafe { node.free_block() };
    }
}

/// Ends a job that will not run because its client is closed.
pub(crate) fn discard(node: NodePtr, cascade: &mut Cascade<'_>) {
    end_unstarted(node, cascade, || Ending::closed(node));
}

/// Ends a task, ready but not to be run, instead of queueing it.
pub(crate) fn end_unstarted(node: NodePtr, cascade: &mut Cascade<'_>, ending: impl FnOnce() -> Ending) {
    if !node.gate.start() {
        return cascade.let_go_entry(node);
    }
    cascade.count_unstarted(node);
    cascade.fail(node, ending());
}

/// The class of a live node's line.
pub(crate) fn class_of(node: NodePtr) -> Class {
    crate::slab::class_of(node.line())
}
