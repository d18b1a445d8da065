//! Interpreting: ready steps are jobs, which any worker may take.
//!
//! A step that has run counts itself into the records of those that take it; whoever is the last to arrive at one goes on with it. Before
//! each step is a look whether anybody wants the output.

use super::{Dependent, Number, Records, Run, Step};
use crate::future::cascade::Cascade;
use crate::future::discard_job;
use crate::future::error::{Ending, Error};
use crate::future::handle::Taken;
use crate::future::node::NodePtr;
use crate::future::step::{Returned, StepArgs, StepOf, StepView};
use crate::future::task::{attempt, run_step};
use crate::scheduler::{Job, Local, Slot};
use crate::status::{self, Status};
use crate::value::Value;
use std::ptr::NonNull;
use std::sync::Arc;

/// Set in the job of a step, or of a page, whose address is in the rest of the word. No node's job has it.
const STEP: Job = 1;
/// Set too if the step has run and returned a future, which is done now.
pub(super) const RETURNED: Job = 2;

/// Whether the job is one of ours.
#[inline]
pub(crate) fn is_step(job: Job) -> bool {
    job & STEP != 0
}

/// The job of a step, or of the steps in a page that take nothing.
#[inline]
pub(super) fn job(run: &Run, number: Number) -> Job {
    run.records().address(number) | STEP
}

/// A job's run and number. Its credit is the caller's from now on.
#[inline]
pub(super) fn found(job: Job) -> (NonNull<Run>, Number) {
    // SAFETY: the job's credit keeps the run, and the run its records.
    unsafe { Records::found_at(job & !(STEP | RETURNED)) }
}

/// Makes jobs available, a credit with each.
pub(super) fn push(client: u32, jobs: &[Job], local: &Local) {
    if !jobs.is_empty() && !local.push_all(client, jobs) {
        jobs.iter().for_each(|&job| discard(job, local));
    }
}

/// Runs one step; the job to run next, if one became ready by it.
#[inline]
pub(crate) fn run(job: Job, local: &Local) -> Option<Job> {
    let (run, number) = found(job);
    // SAFETY: the credit, which this thread has until it puts it back.
    let at = At { run: unsafe { run.as_ref() }, local };
    let slot = at.slot();
    if slot.purse.is_of_another(run.addr().get()) {
        // What this step does may take long, and the other run may be waited for to end.
        super::settle_up(slot);
    }
    if !slot.arrivals.is_empty() && !at.arrives_with_others(job, number) {
        hand_on(slot);
    }
    if job & RETURNED != 0 {
        at.go_on_after(number)
    } else if !at.is_wanted(number) {
        at.park(number)
    } else if number.is_page() {
        at.begin_page(number)
    } else {
        at.step(number)
    }
}

/// Runs, on top of a task that waits for this node, steps of its program that are the newest in this thread's queue, and what they make ready. All of
/// them are needed for the output, so the wait needs them anyhow.
#[cold]
pub(crate) fn help(node: NodePtr, local: &Local) {
    // SAFETY: the job was taken from a queue, and its credit with it.
    let is_ours = |job| is_step(job) && unsafe { found(job).0.as_ref() }.node == node;
    while node.dependents.closed().is_none() && local.has_stack() {
        let slot = local.slot().filter(|slot| slot.core.number == node.client());
        let Some(mut job) = slot.and_then(|slot| slot.take_newest_if(is_ours)) else { break };
        while is_ours(job) {
            if local.slot().is_some_and(|slot| slot.core.is_closed()) {
                discard(job, local);
                break;
            }
            match run(job, local) {
                Some(next) => job = next,
                None => break,
            }
            if !is_ours(job) {
                // A task that waited for the output.
                leave(job, local);
                break;
            }
        }
    }
    if let Some(slot) = local.slot() {
        // The task that goes on may run for long.
        super::settle_up(slot);
    }
}

/// Leaves a task to the queues.
fn leave(job: Job, local: &Local) {
    let node = NodePtr::from_word(job as u64);
    if !local.push(node.client(), job) {
        discard_job(job, local);
    }
}

/// Ends a job that will not run, because its client is closed.
#[cold]
pub(crate) fn discard(job: Job, local: &Local) {
    let (run, number) = found(job);
    // SAFETY: as in `run`.
    let at = At { run: unsafe { run.as_ref() }, local };
    if job & RETURNED != 0 {
        Taken::of(at.forget(number)).let_go();
    }
    let ending = Ending::closed(at.run.node);
    match &at.run.several {
        None => at.stop(ending),
        Some(_) => at.end_all(&ending),
    }
    let is_parked = at.run.park(number);
    debug_assert!(is_parked, "nobody retries what ended with its client");
    // Not by a purse: this thread may be no worker.
    // SAFETY: the job's credit.
    unsafe { Run::give(run, 1) }
}

/// Inputs of a step from which on threads arrive at it in bulk: all of them would otherwise write one word all the time.
const WIDE: u32 = 64;

/// Hands on the arrivals that a slot has counted. There is a credit for them in its purse.
#[cold]
pub(super) fn hand_on(slot: &Slot) {
    let (address, n) = slot.arrivals.empty();
    if n == 0 {
        return;
    }
    // SAFETY: the credit.
    let (run, number) = unsafe { Records::found_at(address) };
    // SAFETY: as above.
    let run = unsafe { run.as_ref() };
    if run.records().get(number).arrive_at_once(n as u32, run.program.get(number).n_inputs) {
        run.take_credit(slot);
        slot.push(job(run, number));
        slot.core.notify();
    }
}

/// A thread at a run, with a credit.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) run: &'a Run,
    pub(super) local: &'a Local,
}

impl At<'_> {
    /// Whether the step, or anything of a page, is needed.
    #[inline]
    pub(super) fn is_wanted(self, number: Number) -> bool {
        self.run.node.dependents.is_wanted()
            && self.run.several.as_ref().is_none_or(|several| number.is_page() || several.needs(number))
    }

    #[inline]
    pub(super) fn slot(&self) -> &Slot {
        self.local.slot().expect("steps run on workers")
    }

    /// Begins with what takes nothing among the steps of a page.
    fn begin_page(self, page: Number) -> Option<Job> {
        let program = &*self.run.program;
        let sources = program.in_page(page).filter(|&number| program.get(number).n_inputs == 0);
        let jobs: Vec<Job> = sources.map(|number| job(self.run, number)).collect();
        let (first, rest) = jobs.split_first().expect("only pages with such steps are jobs");
        self.run.add_credits(rest.len() as u64);
        push(self.run.client, rest, self.local);
        Some(*first)
    }

    #[inline]
    fn step(self, number: Number) -> Option<Job> {
        let step = self.run.program.get(number);
        match self.call(number, step) {
            Returned::Value(value) => self.complete(number, step, value),
            Returned::Failed(error) => self.fail(number, error),
            Returned::Future(input) => self.await_returned(number, step, input),
        }
    }

    #[inline]
    fn call(self, number: Number, step: &Step) -> Returned {
        if !step.is_plain {
            return self.call_with_more(number, step);
        }
        let args = self.run.program.args(step);
        self.call_with(number, step, StepArgs::Plain { args, records: self.run.records() })
    }

    /// As [`call`](Self::call), with arguments that have to be made first.
    #[cold]
    fn call_with_more(self, number: Number, step: &Step) -> Returned {
        let (client, records) = (self.run.client, self.run.records());
        let mut values = Vec::new();
        let mut failure = None;
        for arg in self.run.program.args(step) {
            // SAFETY: the step counts itself as a reader of its inputs only when its function is over.
            match arg.value(client, &mut |&input| unsafe { records.get(input).value() }) {
                Ok(value) => values.push(value),
                Err(why) => failure = Some(why),
            }
        }
        let returned = match failure {
            None => self.call_with(number, step, StepArgs::Values(&raw const *values)),
            Some(why) => Returned::Failed(self.error(number, step, why.status, &why.message)),
        };
        values.into_iter().for_each(|value| self.local.bury(value));
        returned
    }

    #[inline]
    fn call_with(self, number: Number, step: &Step, args: StepArgs) -> Returned {
        run_step(self.run.node, &self.view(number, step, args), self.local)
    }

    /// The step as its function sees it.
    #[inline]
    fn view(self, number: Number, step: &Step, args: StepArgs) -> StepView {
        StepView {
            function: step.function,
            name: self.run.program.name(step).map(std::ptr::from_ref),
            place: number.place(),
            of: match &self.run.several {
                Some(several) => StepOf::Several(&raw const **several, number),
                None if step.output != 0 => StepOf::Node,
                None => StepOf::Part,
            },
            args,
        }
    }

    #[cold]
    pub(super) fn error(self, number: Number, step: &Step, status: Status, message: &str) -> Arc<Error> {
        let node = self.run.node;
        let origin = self.view(number, step, StepArgs::Values(&[])).key(node);
        Error::begun_in(origin, status, 0, attempt(node), message)
    }

    /// The step has a value: those that take it may be ready now. The first of them is next.
    #[inline(always)]
    fn complete(self, number: Number, step: &Step, value: Value) -> Option<Job> {
        if step.output != 0 {
            return match &self.run.several {
                None => self.finish(number, step, value),
                Some(several) => self.complete_output(several, number, step, value),
            };
        }
        let (program, records) = (&*self.run.program, self.run.records());
        records.set(number, value);
        records.count_read(program, step);
        self.pass_on(step)
    }

    /// As [`complete`](Self::complete), for what is rare.
    #[cold]
    pub(super) fn complete_late(self, number: Number, step: &Step, value: Value) -> Option<Job> {
        self.complete(number, step, value)
    }

    /// Those that take the step may be ready now.
    #[inline(always)]
    fn pass_on(self, step: &Step) -> Option<Job> {
        let (program, records) = (&*self.run.program, self.run.records());
        let is_alone = self.slot().core.is_alone();
        if let &[only] = program.dependents(step)
            && only.n_inputs >= WIDE
            && !is_alone
        {
            return self.arrive_later(only.number);
        }
        let mut next: Option<Number> = None;
        // The last first, so that the first is the one kept, and the second the newest of those pushed.
        for &Dependent { number, n_inputs } in program.dependents(step).iter().rev() {
            let is_ready = n_inputs == 1 || records.get(number).arrive(n_inputs, is_alone);
            if is_ready && let Some(later) = next.replace(number) {
                self.run.take_credit(self.slot());
                push(self.run.client, &[job(self.run, later)], self.local);
            }
        }
        match next {
            Some(number) => Some(job(self.run, number)),
            None => {
                self.run.put_credit(self.slot());
                None
            }
        }
    }

    /// As [`pass_on`](Self::pass_on), for what is rare.
    #[cold]
    pub(super) fn pass_on_late(self, step: &Step) -> Option<Job> {
        self.pass_on(step)
    }

    /// Arrives at a step that waits for many, with those that do so next.
    #[inline]
    fn arrive_later(self, number: Number) -> Option<Job> {
        let (slot, address) = (self.slot(), self.run.records().address(number));
        if !slot.arrivals.put_one(address) {
            hand_on(slot);
            slot.arrivals.fill(address, 1);
        }
        self.run.put_credit(slot);
        None
    }

    /// Whether the job is a step that leads to where this thread is about to arrive, and nowhere else: that cannot be ready before the step
    /// is over.
    fn arrives_with_others(self, job: Job, number: Number) -> bool {
        if job & RETURNED != 0 || number.is_page() {
            return false;
        }
        let program = &self.run.program;
        let leads_to = |number| self.slot().arrivals.is_of(self.run.records().address(number));
        matches!(program.dependents(program.get(number)), &[only] if leads_to(only.number))
    }

    /// The output's step has a value.
    #[inline(never)]
    fn finish(self, number: Number, step: &Step, mut value: Value) -> Option<Job> {
        let node = self.run.node;
        if !node.dependents.is_wanted() {
            self.local.bury(value);
            return self.park(number);
        }
        // From here on it is not asked again: a destructor may cancel the future, and there would be nothing left to go on with.
        self.run.records().count_read(&self.run.program, step);
        let client = node.client();
        self.local.tally(client, |tally| tally.returned.add(1));
        let mut cascade = Cascade::keeping_next(self.local);
        cascade.finish_wanted(node, &mut value);
        let next = cascade.run();
        self.local.tally(client, |tally| tally.ended.add(1));
        self.run.put_credit(self.slot());
        next
    }

    #[cold]
    pub(super) fn fail(self, number: Number, error: Arc<Error>) -> Option<Job> {
        self.end_and_park(
            number,
            match error.status {
                status::CANCELLED => Ending::Cancelled(error),
                _ => Ending::Failed(error),
            },
        )
    }

    /// Ends what cannot be without the step, and leaves the step to a retry.
    #[cold]
    pub(super) fn end_and_park(self, number: Number, ending: Ending) -> Option<Job> {
        match &self.run.several {
            None => self.stop(ending),
            Some(several) => self.end_reached(several, number, &ending),
        }
        self.park(number)
    }

    /// Ends the one future. What runs of the program goes on to the end of its step.
    #[cold]
    fn stop(self, ending: Ending) {
        let mut cascade = Cascade::new(self.local);
        // Meanwhile nobody retries it: what a retry has made of it is not ours to end.
        cascade.begin_telling();
        if self.run.node.dependents.is_wanted() {
            cascade.settle(self.run.node, &ending);
        }
        cascade.run();
    }

    /// Leaves a step or a page to a retry; or runs it, if one has come meanwhile.
    #[cold]
    pub(super) fn park(self, number: Number) -> Option<Job> {
        if !self.run.park(number) {
            return Some(job(self.run, number));
        }
        let slot = self.slot();
        self.run.put_credit(slot);
        // A retry waits until all credits are back.
        super::settle_up(slot);
        None
    }
}
