//! How futures end without a value: failed, cancelled, released; and what their inputs are kept for.
//!
//! All of it happens between [`begin_telling`](Cascade::begin_telling) and the end of the cascade, which no retry comes into.

use super::cascade::Cascade;
use super::error::{Ending, state_of};
use super::gate::Settled;
use super::node::{NodePtr, Shape};
use super::{State, held, lane, program, retry, timer, waiting};
use crate::log::log;
use crate::scheduler::Local;
use crate::slab::Left;
use crate::value::Value;
use parking_lot::RwLockReadGuard;
use std::time::Duration;

impl<'a> Cascade<'a> {
    /// Begins to end futures without a value; [`run`](Self::run) has told everybody when it is over.
    pub(crate) fn begin_telling(&mut self) {
        let local = self.local;
        self.rest().telling.get_or_insert_with(|| Telling::begin(local));
    }

    /// As [`begin_telling`](Self::begin_telling), for who excludes retries already.
    pub(crate) fn go_on_telling(&mut self, telling: Telling<'a>) {
        let before = self.rest().telling.replace(telling);
        debug_assert!(before.is_none());
    }

    /// Whether it was cancelled therefore.
    pub(super) fn drop_unwanted(&mut self, node: NodePtr) -> bool {
        // First: the future may have been retried until now.
        self.begin_telling();
        if !is_alone(node) || node.gate.has_extra() && !held::give_up(node) {
            // What seemed to be the engine's reference was another's, or somebody found it by its key.
            self.let_go(node);
            return false;
        }
        let cancelled = node.dependents.closed().is_none() && self.settle(node, &Ending::released());
        self.forgo_failed(node);
        if node.gate.is_forgone() {
            self.leave(node);
        } else {
            // Somebody else is ending it, or it still runs or is being linked: whoever of them and us goes last looks again.
            self.let_go(node);
        }
        cancelled
    }

    /// Releases the inputs of a future that nobody can retry, if it has failed or was cancelled. What still runs, or is being linked, needs
    /// its inputs: it is looked at again when that is over.
    pub(crate) fn forgo_failed(&mut self, node: NodePtr) {
        self.begin_telling();
        let has_failed = node.dependents.closed().is_some_and(|closed| state_of(closed) != State::Finished);
        if has_failed && !retry::runs_unwanted(node) && !node.gate.is_linking() {
            self.forgo(node);
        }
    }

    /// As [`forgo_failed`](Self::forgo_failed), if it ended in a way that nobody can retry after, whoever still holds it.
    pub(super) fn forgo_if_final(&mut self, node: NodePtr) {
        let ending = node.dependents.closed().map(Ending::of);
        let is_final = ending.as_ref().and_then(Ending::error).is_some_and(|error| !error.is_retryable);
        if is_final && !retry::runs_unwanted(node) {
            self.forgo(node);
        }
    }

    #[cold]
    pub(super) fn finish_unwanted(&mut self, node: NodePtr, value: &mut Value) {
        self.begin_telling();
        if retry::is_late(node) {
            // The value is all there is to retry it with.
            node.set_value(value);
        } else {
            self.local.bury(std::mem::take(value));
        }
        self.end_run(node);
    }

    /// The future was cancelled, and perhaps retried, between the last look and the end: the inputs are gone, so a retry is given the
    /// value that nobody has seen.
    #[cold]
    pub(super) fn finish_late(&mut self, node: NodePtr) {
        self.begin_telling();
        self.local.tally(node.client(), |tally| tally.finished.sub(1));
        retry::keep_late_value(node);
        self.end_run(node);
    }

    /// A run whose outcome was not wanted is over. Whoever settled it left a reference for us to drop.
    pub(crate) fn end_run(&mut self, node: NodePtr) {
        if node.dependents.take_abandoned() {
            // Before the arrival, so that what nobody wants any more does not run again; until then the gate keeps the node.
            if leave_unless_alone(node) {
                self.drop_unwanted(node);
            }
            self.arrive(node);
        } else {
            node.gate.unbind();
            self.forgo_if_final(node);
            self.let_go(node);
        }
    }

    /// Ends, without a value, a task that the caller has claimed. If somebody cancelled it while it ran, that counts. The inputs stay, for a
    /// retry.
    #[cold]
    pub(crate) fn fail(&mut self, node: NodePtr, ending: Ending) {
        self.begin_telling();
        if !ending.error().expect("a failure").is_retryable {
            self.forgo(node);
        }
        self.count(node, &ending, 1);
        let closed = ending.clone().into_closed();
        match node.dependents.close_run(closed) {
            Some(edges) => {
                log!(Debug, "{ending}");
                waiting::ended_without_value();
                self.closed(edges, ending);
            }
            None => {
                // SAFETY: the word was refused, so it is taken back.
                drop(unsafe { Ending::from_closed(closed) });
                self.count(node, &ending, 1u64.wrapping_neg());
                self.end_run(node);
            }
        }
    }

    /// Runs a task that the caller has claimed, and that has failed, again: at once, or when its `delay` is over; not if it was cancelled
    /// while it ran.
    pub(crate) fn run_again(&mut self, node: NodePtr, delay: Duration) {
        // Counted first: what is ready may have run, and ended, before this returns.
        let count = |n: u64| {
            self.local.tally(node.client(), |tally| {
                tally.reopened.add(n);
                tally.retried.add(n);
            });
        };
        count(1);
        if !node.gate.again(!delay.is_zero()) {
            count(1u64.wrapping_neg());
            // Who cancelled it is about to close the list, if that is not done. Had it failed instead, the cancel would have come too late, and
            // yet have taken the retries that are left.
            while node.dependents.closed().is_none() {
                std::thread::yield_now();
            }
            return self.end_run(node);
        }
        if delay.is_zero() {
            self.ready(node);
        } else {
            timer::arrive_after(delay, node);
        }
    }

    pub(super) fn count(&mut self, node: NodePtr, ending: &Ending, n: u64) {
        self.rest().settled = Some(node.client());
        if node.shape() == Shape::HUB {
            return;
        }
        self.local.tally(node.client(), |tally| match ending {
            Ending::Finished => tally.finished.add(n),
            Ending::Failed(_) => tally.failed.add(n),
            Ending::Cancelled(_) => tally.cancelled.add(n),
        });
    }

    /// A task ends without running.
    pub(super) fn count_unstarted(&self, node: NodePtr) {
        if node.shape() != Shape::HUB {
            self.local.tally(node.client(), |tally| tally.unstarted.add(1));
        }
    }

    /// A future that was in `state` is pending again.
    pub(crate) fn count_reopened(&mut self, node: NodePtr, state: State) {
        self.local.tally(node.client(), |tally| {
            tally.reopened.add(1);
            match state {
                State::Error => tally.unfailed.add(1),
                _ => tally.uncancelled.add(1),
            }
        });
    }

    /// Ends a future as error or cancelled, whatever state it is in. `false`: it was done, or somebody else is ending it.
    ///
    /// The caller counts a reference, or holds an edge of the node that was not told yet.
    pub(crate) fn settle(&mut self, node: NodePtr, ending: &Ending) -> bool {
        if node.dependents.closed().is_some() {
            return false;
        }
        self.begin_telling();
        // The engine's reference: dropped by whoever finds the mark, at the gate, in a queue or at the end of the function.
        node.life.retain();
        // And one that is let go when the future has ended: if nobody else is left by then, nobody can retry it. Who still links its inputs
        // finds the mark, and does that.
        node.life.retain();
        let settled = node.gate.settle();
        if settled == Settled::Already {
            self.let_go(node);
            self.let_go(node);
            return false;
        }
        let is_ended = self.end_settled(node, settled, ending);
        if settled != Settled::Linking {
            self.let_go(node);
        }
        is_ended
    }

    pub(super) fn end_settled(&mut self, node: NodePtr, settled: Settled, ending: &Ending) -> bool {
        let error = ending.error().expect("a future is settled for a reason");
        if error.is_retryable {
            error.follow(node);
        } else if settled == Settled::Idle && !node.dependents.is_abandoned() {
            self.forgo(node);
        }
        let closed = ending.clone().into_closed();
        let Some(edges) = node.dependents.close(closed) else {
            debug_assert!(settled == Settled::Running);
            // SAFETY: the word was refused.
            drop(unsafe { Ending::from_closed(closed) });
            node.gate.unbind();
            self.let_go(node);
            return false;
        };
        if settled != Settled::Running {
            self.rest().is_ranked |= node.gate.has_extra();
            self.count_unstarted(node);
        } else if node.gate.is_on_lane() {
            lane::ended_while_out(node);
        }
        self.count(node, ending, 1);
        waiting::ended_without_value();
        self.closed(edges, ending.clone());
        if timer::forget(node) {
            self.arrive(node);
        }
        if node.gate.has_extra() {
            if settled == Settled::Running {
                program::give_up_awaited(node, self, |_| true);
            }
            program::settled(node, settled == Settled::Running, ending, self);
        }
        true
    }

    /// Releases the inputs of a task that has failed or was cancelled, once, when nobody can retry it any more. Edges may still hang in the
    /// inputs' lists: a block stays until the node is freed.
    pub(crate) fn forgo(&mut self, node: NodePtr) {
        if !node.gate.forgo() {
            return;
        }
        if node.gate.is_on_lane() {
            lane::forgo_token(node);
        }
        if retry::is_late(node) {
            // SAFETY: nobody reads a cancelled future's body, and the claim above is won once.
            self.local.bury(unsafe { node.take_value() });
        } else if node.shape().is_block() {
            self.release_block(node);
        } else {
            self.release_inline(node);
        }
    }
}

/// Returns when whoever has claimed to end the future has closed its list: a few steps later, between which no code of the user's runs. The
/// caller is not in the midst of ending it.
pub(super) fn await_closed(node: NodePtr) {
    while node.gate.is_settled() && node.dependents.closed().is_none() {
        std::thread::yield_now();
    }
}

/// Excludes retries, and destructors of the user's, which might retry.
pub(crate) struct Telling<'a> {
    local: &'a Local,
    nested: bool,
    guard: RwLockReadGuard<'static, ()>,
}

impl<'a> Telling<'a> {
    /// Recursive: who is told may end futures in its turn.
    pub(super) fn begin(local: &'a Local) -> Self {
        Self { local, nested: local.put_burying_off(), guard: retry::TELLING.read_recursive() }
    }

    /// The caller has put burying off, and `nested` is what it was told.
    pub(crate) fn of(local: &'a Local, nested: bool, guard: RwLockReadGuard<'static, ()>) -> Self {
        Self { local, nested, guard }
    }

    pub(super) fn end(self) {
        drop(self.guard);
        self.local.bury_now(self.nested);
    }
}

/// Gives a reference up, unless nobody seems to refer to the node but the caller and the engine. `true`: a reference is still the caller's.
#[inline]
pub(super) fn leave_unless_alone(node: NodePtr) -> bool {
    match node.life.leave_unless_last() {
        Left::Others => false,
        // Asked when the reference has gone: before, the one that is left could have been another's, and this one the engine's by now.
        // Whether it still is the same node does not matter, since the reference counted here is let go like any other.
        Left::One => node.gate.is_bound() && node.life.join(node.life.peek()),
        Left::Last => true,
    }
}

/// Whether nobody refers to the node but the caller, who excludes retries, and the engine.
///
/// Without a retry the mark of the engine's reference is set at most once and then taken back at most once. So if it is there before and
/// after the look at the count, it was meanwhile, and of two references one is the engine's.
pub(super) fn is_alone(node: NodePtr) -> bool {
    let is_bound = node.gate.is_bound();
    node.life.references() == 1 + u64::from(is_bound) && node.gate.is_bound() == is_bound
}
