//! How a task is run: claimed, called with its arguments held, ended as its function left it.

use super::Task;
use crate::future::cascade::{Cascade, RunEnd};
use crate::future::dependents::UNLINKED;
use crate::future::error::{Ending, Error};
use crate::future::handle::Taken;
use crate::future::node::{NodePtr, Shape};
use crate::future::shortage::Left;
use crate::future::step::{Returned, StepView};
use crate::future::trace::Outcome;
use crate::future::walk::{Runner, Search};
use crate::future::{TaskFn, chain, extra, lane, program, submit, trace, waiting};
use crate::scheduler::{Core, Job, Local};
use crate::status;
use crate::value::{LIMITED, Pins, Store};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

impl Task {
    /// Ends the task, whose function is over.
    #[inline]
    pub(in crate::future) fn end(&mut self, local: &Local, cascade: &mut Cascade<'_>) -> RunEnd {
        if self.failure.is_none() && self.forward.is_none() {
            return cascade.finish(self.node, &mut self.result);
        }
        self.end_otherwise(local, cascade);
        RunEnd::Kept
    }

    /// Ends a task that has failed, or that returned a future.
    #[cold]
    fn end_otherwise(&mut self, local: &Local, cascade: &mut Cascade<'_>) {
        local.bury(self.take_result());
        let forward = self.forward.take().map(Taken::into_node);
        match (self.failure.take(), forward) {
            (None, None) => unreachable!("such a task has finished"),
            (None, Some(input)) => {
                forward_to(self.node, input, local, cascade);
            }
            (Some(error), forward) => {
                if let Some(input) = forward {
                    cascade.let_go(input);
                }
                if error.status == status::CANCELLED {
                    return cascade.fail(self.node, Ending::Cancelled(error));
                }
                // No retry comes in between, to count anew.
                cascade.begin_telling();
                match take_retry(self.node) {
                    Some(delay) => cascade.run_again(self.node, delay),
                    None => cascade.fail(self.node, Ending::Failed(error)),
                }
            }
        }
    }

    /// How the run ended, now that the function has returned.
    #[cold]
    pub(in crate::future) fn outcome(&self) -> Outcome {
        match (&self.failure, &self.forward) {
            _ if self.cancelled() => Outcome::Cancelled,
            (Some(error), _) => Outcome::Failed(error.bare()),
            (None, Some(_)) => Outcome::Forwarded,
            (None, None) => Outcome::Finished,
        }
    }
}

/// Runs a future's task on top of the one that runs on this thread, if it is among the newest that this thread has queued: the child that a
/// parent has just submitted and now waits for. No reference is needed: what is queued is there.
pub(crate) fn run_queued_child(node: NodePtr, local: &Local) -> bool {
    let job = node.to_word() as Job;
    let taken = local.slot().is_some_and(|slot| slot.core.number == node.client() && slot.take_newest(job));
    if taken {
        if node.gate.start() {
            execute(node, local, Cascade::new(local));
        } else {
            drop_stale(job, local);
        }
    }
    taken
}

/// Lets go of tasks that are on top of this thread's own queue but were run by who waited for them: else a task that submits and waits in a
/// loop would keep them all.
pub(crate) fn drop_stale_entries(local: &Local) {
    loop {
        let Some(slot) = local.slot() else { return };
        let Some(job) = slot.take_stale(is_stale) else { return };
        drop_stale(job, local);
    }
}

/// Whether a job in a queue was run by who waited for it, or ended, meanwhile.
pub(crate) fn is_stale(job: Job) -> bool {
    !program::is_step(job) && NodePtr::from_word(job as u64).gate.is_claimed()
}

/// Lets go of such a job: its entry's reference is all that is left of it.
pub(crate) fn drop_stale(job: Job, local: &Local) {
    let mut cascade = Cascade::new(local);
    cascade.let_go_entry(NodePtr::from_word(job as u64));
    cascade.run();
}

/// Runs a job from a queue; the job to run next, if one became ready by it.
pub(crate) fn run(job: Job, local: &Local, _core: &Core) -> Option<Job> {
    if program::is_step(job) {
        return program::run(job, local);
    }
    if let Some(slot) = local.slot() {
        program::settle_up(slot);
    }
    let node = NodePtr::from_word(job as u64);
    if !node.gate.start() {
        drop_stale(job, local);
        return None;
    }
    execute(node, local, Cascade::keeping_next(local))
}

/// Runs a task that the caller has claimed.
pub(crate) fn execute<'a>(node: NodePtr, local: &'a Local, cascade: Cascade<'a>) -> Option<Job> {
    execute_as::<false>(node, local, cascade)
}

/// As [`execute`], for a task of a lane, on a thread that pulls.
pub(in crate::future) fn execute_on_lane(node: NodePtr, local: &Local) {
    execute_as::<true>(node, local, Cascade::new(local));
}

#[inline(always)]
fn execute_as<'a, const ON_LANE: bool>(
    node: NodePtr,
    local: &'a Local,
    mut cascade: Cascade<'a>,
) -> Option<Job> {
    let client = node.client();
    let function = node.function().expect("only tasks with a function are queued");
    local.tally(client, |tally| tally.started.add(1));
    let shape = node.shape();
    if shape.is_graph() {
        return program::begin(node, local, cascade);
    }

    let beneath = local.task.get();
    let mut task = Task::new(node, beneath.cast());
    let address = &raw mut task;
    local.task.set(address.cast_const().cast());
    let is_chain = shape == Shape::CHAIN;
    // SAFETY: the task is the node's, and nobody else uses it during the call.
    unsafe {
        if is_chain || client & LIMITED != 0 || trace::is_on() {
            call_with_care(address, function, is_chain, local);
        } else {
            call(address, || function(address));
        }
    }
    local.task.set(beneath);

    local.tally(client, |tally| tally.returned.add(1));
    if client & LIMITED != 0 && task.failure.is_none() && task.forward.is_none() {
        task.result = task.take_result().manage();
    }
    let token = if ON_LANE { lane::token_of(node) } else { None };
    if task.end(local, &mut cascade) != RunEnd::Kept
        && ON_LANE
        && let Some((number, token)) = token
    {
        lane::drop_token(number, token);
    }
    let next = cascade.run();
    if client & LIMITED != 0
        && let Some(store) = Store::of(client)
    {
        // Its inputs may go, its result has come.
        store.make_room();
    }
    // Last: when everything is counted as ended, everything has been told.
    local.tally(client, |tally| tally.ended.add(1));
    next
}

/// Runs a step of a node's program.
#[inline]
pub(in crate::future) fn run_step(node: NodePtr, step: &StepView, local: &Local) -> Returned {
    let beneath = local.task.get();
    let mut task = Task::new(node, beneath.cast());
    task.step = step;
    let address = &raw mut task;
    local.task.set(address.cast_const().cast());
    // SAFETY: the task is on this thread's stack, and nobody else uses it during the call.
    unsafe { call(address, || (step.function)(address)) };
    local.task.set(beneath);
    if task.failure.is_none() && task.forward.is_none() {
        return Returned::Value(task.take_result());
    }
    local.bury(task.take_result());
    match (task.failure.take(), task.forward.take()) {
        (Some(error), forward) => {
            forward.into_iter().for_each(Taken::let_go);
            Returned::Failed(error)
        }
        (None, Some(future)) => Returned::Future(future),
        (None, None) => unreachable!("it would have returned above"),
    }
}

/// Calls the task's function, or what stands for it; a panic is the task's failure.
///
/// # Safety
/// `task` runs on this thread, and nobody uses it but the function.
#[inline]
unsafe fn call(task: *mut Task, function: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(function)) {
        // SAFETY: by contract; the function is over.
        unsafe { &mut *task }.fail(status::PANIC, 0, panic_message(&*panic));
        // Its destructor might panic in its turn.
        std::mem::forget(panic);
    }
}

/// As [`call`], for a task that is traced, whose arguments may leave memory, or that is a chain.
///
/// # Safety
/// As for [`call`].
#[cold]
unsafe fn call_with_care(task: *mut Task, function: TaskFn, is_chain: bool, local: &Local) {
    // SAFETY: by contract. The task is borrowed only while no function runs.
    unsafe {
        let node = (*task).node();
        let pins = if node.client() & LIMITED == 0 { Pins::default() } else { (*task).pin_args() };
        let traced = if trace::is_on() { trace::begin(node, (*task).attempt(), false, local) } else { None };
        call(task, || if is_chain { chain::run(task, local) } else { function(task) });
        drop(pins);
        if let Some(begun) = traced {
            begun.end((*task).outcome());
        }
    }
}

pub(in crate::future) fn attempt(node: NodePtr) -> u32 {
    extra::peek(node, |extra| extra.attempt).unwrap_or(0).saturating_add(1)
}

/// How often the task was run so far, the run that goes on included.
pub(in crate::future) fn runs(node: NodePtr) -> u32 {
    attempt(node) - u32::from(!node.gate.is_started())
}

/// Counts another attempt of a task that has failed, if it has one left and is still wanted: how long it waits.
fn take_retry(node: NodePtr) -> Option<Duration> {
    if !node.dependents.is_wanted() {
        return None;
    }
    extra::peek(node, |extra| {
        (extra.attempt < extra.retries).then(|| {
            extra.attempt += 1;
            extra.retry_delay
        })
    })?
}

/// Turns a task whose function has returned into one that waits for `input` and then takes its outcome.
fn forward_to(node: NodePtr, input: NodePtr, local: &Local, cascade: &mut Cascade<'_>) {
    // A retry that came in between would find the task neither running nor waiting.
    cascade.begin_telling();
    if !node.dependents.is_wanted() {
        cascade.let_go(input);
        return cascade.end_run(node);
    }
    // Looked at and linked as one step: of two tasks that return each other's futures, the second sees the first.
    let is_linked = waiting::looking(local, || {
        // What the task holds is given back when this is over.
        let left = Left::default();
        if Search::new(&[Runner::task(node)], &left, FORWARD_BUDGET).reach(input).is_some() {
            return false;
        }
        link_forward(node, input, cascade);
        true
    });
    if !is_linked {
        cascade.let_go(input);
        let message = "rask_return_future: the future waits for this task";
        let error = Error::new(node, status::DEADLOCK, 0, attempt(node), message);
        cascade.fail(node, Ending::Failed(error));
    }
}

fn link_forward(node: NodePtr, input: NodePtr, cascade: &mut Cascade<'_>) {
    // What a retry has to do from now on is wait for that future again.
    if node.gate.is_on_lane() {
        lane::forgo_token(node);
    }
    cascade.release_inputs(node);
    node.set_shape(Shape::ONE_FUTURE);
    node.set(0, input.to_word());
    node.set(1, UNLINKED);
    if node.gate.forward() {
        cascade.count_forwarded(node);
        waiting::forwarded();
        submit::link_inputs(node, cascade);
    } else {
        cascade.end_run(node);
    }
}

/// Futures looked at before a task turns into one that waits: enough for what a program does by mistake.
pub(in crate::future) const FORWARD_BUDGET: usize = 1024;

/// A panic's words.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panicked: {}", words.as_deref().unwrap_or("(no message)"))
}
