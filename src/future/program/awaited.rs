//! Steps that return a future: their value is that one's, and no worker waits for it.

use super::Step;
use super::interpret::{At, RETURNED, found, job, push};
use super::run::over_in;
use super::{Number, Run};
use crate::future::cascade::Cascade;
use crate::future::error::Ending;
use crate::future::handle::Taken;
use crate::future::node::NodePtr;
use crate::future::shortage::Left;
use crate::future::task::FORWARD_BUDGET;
use crate::future::walk::{Ref, Runner, Search};
use crate::future::watch::{Watch, Watcher, Watching};
use crate::future::{State, extra, waiting};
use crate::scheduler::{Job, Local};
use crate::status;
use std::sync::Arc;

/// A future that a step has returned, while it is waited for; kept [beside the node](extra::Extra::awaited), where those who look for circles find
/// it. A reference on it is the entry's.
pub(crate) struct Awaited {
    pub(crate) input: NodePtr,
    /// Goes on with the step.
    job: Job,
    /// There while the watch may be taken back; with it goes the job's credit.
    watching: Option<Watching>,
}

/// Goes on with a step whose returned future is done. The number of the client.
struct GoOn(u32);

impl Watcher for GoOn {
    fn done(&self, job: usize, _state: State) {
        Local::with(|local| push(self.0, &[job], local));
    }
}

impl At<'_> {
    /// The result of the step becomes that of `input`, whenever that is done.
    #[cold]
    pub(super) fn await_returned(self, number: Number, step: &Step, input: Taken) -> Option<Job> {
        let (node, input) = (self.run.node, input.into_node());
        let job = job(self.run, number) | RETURNED;
        let runner = Runner { node, step: self.run.several.as_ref().map(|_| number) };
        // Looked at and entered as one step: of two that return each other's futures, the second sees the first.
        let is_awaited = waiting::looking(self.local, || {
            let left = Left::default();
            if Search::new(&[runner], &left, FORWARD_BUDGET).reach(input).is_some() {
                return false;
            }
            extra::with(node, |extra| extra.awaited.push(Awaited { input, job, watching: None }));
            waiting::forwarded();
            true
        });
        if !is_awaited {
            Taken::of(input).let_go();
            let message = "rask_return_future: the future waits for this task";
            return self.fail(number, self.error(number, step, status::DEADLOCK, message));
        }
        self.run.records().get(number).note(input.to_word());
        self.watch(number, input)
    }

    /// Goes on with the step when `input` is done.
    fn watch(self, number: Number, input: NodePtr) -> Option<Job> {
        let job = job(self.run, number) | RETURNED;
        // A reference and a credit to look with: that of the step goes with the watch, and all may be over before this returns.
        let _node = Ref::new(self.run.node);
        self.run.take_credit(self.slot());
        let next = match Watch::begin(input, job, Arc::new(GoOn(self.run.client))) {
            Ok(watching) => {
                self.keep(number, job, watching);
                None
            }
            Err(_) => self.go_on_after(number),
        };
        self.run.put_credit(self.slot());
        next
    }

    /// Lets the watch be taken back by who ends the future; and does so if that was before.
    fn keep(self, number: Number, job: Job, watching: Watching) {
        let node = self.run.node;
        extra::with(node, |extra| {
            // Else it was told meanwhile.
            if let Some(awaited) = extra.awaited.iter_mut().find(|awaited| awaited.job == job) {
                awaited.watching = Some(watching);
            }
        });
        // Who ended it has looked there under the same lock, before or after: one of the two finds the other.
        if !self.is_wanted(number) {
            let mut cascade = Cascade::new(self.local);
            give_up(node, &mut cascade, |other| other == number);
            cascade.run();
        }
    }

    /// The future that a step has returned is done.
    #[cold]
    pub(super) fn go_on_after(self, number: Number) -> Option<Job> {
        let input = NodePtr::from_word(self.run.records().get(number).noted());
        let Some(closed) = input.dependents.closed() else {
            // It had failed, and somebody has retried it since.
            return self.watch(number, input);
        };
        let (input, step) = (self.forget(number), self.run.program.get(number));
        let ending = Ending::of(closed);
        let value = match ending {
            // SAFETY: finished, and the reference is ours.
            Ending::Finished => Some(unsafe { (*input.value()).share() }),
            _ => None,
        };
        Taken::of(input).let_go();
        match value {
            Some(Ok(value)) => self.complete_late(number, step, value),
            Some(Err(why)) => self.fail(number, self.error(number, step, why.status, &why.message)),
            None => self.end_and_park(number, ending),
        }
    }

    /// The future that the step has returned is not waited for any more: it, with its reference.
    pub(super) fn forget(self, number: Number) -> NodePtr {
        forget(self.run, number)
    }
}

#[cold]
fn forget(run: &Run, number: Number) -> NodePtr {
    let job = job(run, number) | RETURNED;
    let awaited = extra::with(run.node, |extra| {
        let at = extra.awaited.iter().position(|awaited| awaited.job == job);
        extra.awaited.swap_remove(at.expect("put there when it was returned"))
    });
    awaited.input
}

/// What steps for which `is_meant` have returned, and wait for. `node` is counted by the caller.
pub(super) fn awaited(node: NodePtr, is_meant: impl Fn(Number) -> bool) -> Vec<Ref> {
    let meant = |awaited: &&mut Awaited| is_meant(found(awaited.job).1);
    let inputs = extra::peek(node, |extra| {
        extra.awaited.iter_mut().filter(meant).map(|awaited| Ref::new(awaited.input)).collect()
    });
    inputs.unwrap_or_default()
}

/// What steps for which `is_unneeded` have returned is waited for no longer, since the node, or all outputs that need the step, have ended
/// without a value; a retry runs those steps again. `node` is counted by the caller.
pub(crate) fn give_up(node: NodePtr, cascade: &mut Cascade<'_>, is_unneeded: impl Fn(Number) -> bool) {
    let take_back = |awaited: &mut Awaited| {
        // The entry is there as long as the job, which has a credit.
        if !is_unneeded(found(awaited.job).1) {
            return None;
        }
        let watching = awaited.watching.take()?;
        // The entry goes with its reference when the job, which may be on its way, is run.
        Some((Ref::new(awaited.input), awaited.job, watching))
    };
    let taken = extra::peek(node, |extra| extra.awaited.iter_mut().filter_map(take_back).collect::<Vec<_>>());
    for (input, job, watching) in taken.into_iter().flatten() {
        if watching.end(input.node()) {
            cascade.park(job);
        }
    }
}

/// Parks a step whose watch was taken back, and whose credit is the caller's therefore.
#[cold]
pub(crate) fn park(job: Job, cascade: &mut Cascade<'_>) {
    let (run, number) = found(job);
    // SAFETY: the credit.
    let this = unsafe { run.as_ref() };
    let node = this.node;
    cascade.let_go(forget(this, number));
    if !this.park(number) {
        return push(node.client(), &[self::job(this, number)], cascade.local);
    }
    // SAFETY: the credit, and the run is not used any more.
    if unsafe { Run::give_up(run, 1) } {
        over_in(node, cascade);
    }
}
