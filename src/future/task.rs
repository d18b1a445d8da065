//! A task while its function runs: arguments in, result out.

use super::cascade::{Cascade, RunEnd};
use super::dependents::UNLINKED;
use super::error::{Ending, Error};
use super::handle::{self, Taken};
use super::node::{Inline, MAX_INLINE, NodePtr, Shape};
use super::shortage::Left;
use super::step::{Returned, StepArgs, StepView};
use super::trace::Outcome;
use super::walk::{Runner, Search};
use super::{TaskFn, chain, extra, key, lane, program, trace, waiting};
use crate::scheduler::{Core, Job, Local, client_id};
use crate::slab::Id;
use crate::status::{self, Result, Status};
use crate::value::{LIMITED, Pins, Store, Value};
use std::any::Any;
use std::cell::{OnceCell, UnsafeCell};
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// A task as its function sees it. Lives on the worker's stack while the function runs.
pub struct Task {
    node: NodePtr,
    result: Value,
    failure: Option<Arc<Error>>,
    /// The future whose result becomes this task's.
    forward: Option<Taken>,
    /// Inline numbers and pointers, as values: written when read, since C is given their addresses. Always with the same value, and never
    /// dropped, as there is nothing to drop.
    args: [UnsafeCell<MaybeUninit<Value>>; MAX_INLINE],
    key: OnceCell<CString>,
    /// The step that runs, or null: the node is neither a chain nor a program.
    step: *const StepView,
    /// The task that waits on this thread for this one to be done, or null.
    beneath: *const Task,
}

impl Task {
    pub(super) fn new(node: NodePtr, beneath: *const Task) -> Self {
        Self {
            node,
            result: Value::NONE,
            failure: None,
            forward: None,
            args: [const { UnsafeCell::new(MaybeUninit::uninit()) }; MAX_INLINE],
            key: OnceCell::new(),
            step: std::ptr::null(),
            beneath,
        }
    }

    /// Makes a task of a lane in its place, field by field: most of it is room for arguments, which need not be written.
    ///
    /// # Safety
    /// `at` is the caller's, and holds no task.
    pub(super) unsafe fn begin_at(at: *mut Task, node: NodePtr) {
        // SAFETY: by contract.
        unsafe {
            (&raw mut (*at).node).write(node);
            (&raw mut (*at).result).write(Value::NONE);
            (&raw mut (*at).failure).write(None);
            (&raw mut (*at).forward).write(None);
            (&raw mut (*at).key).write(OnceCell::new());
            (&raw mut (*at).step).write(std::ptr::null());
            (&raw mut (*at).beneath).write(std::ptr::null());
        }
    }

    /// How many arguments the task was submitted with.
    pub fn arg_count(&self) -> usize {
        let shape = self.node.shape();
        match self.step_args() {
            Some(StepArgs::Plain { args, .. }) => args.len(),
            _ if shape.is_block() => self.block_args().len(),
            _ => shape.count(),
        }
    }

    /// Argument `index` (a future's value where a future was given), or `None` out of range. Valid while the task runs.
    pub fn arg(&self, index: usize) -> Option<&Value> {
        let shape = self.node.shape();
        if shape.is_block() {
            if let Some(StepArgs::Plain { args, records }) = self.step_args() {
                // SAFETY: kept while the step runs; the arguments are its own.
                let value = unsafe { (*records).value((&*args).get(index)?) };
                return Some(self.keep_arg(index, value).resolve());
            }
            return self.block_args().get(index).map(Value::resolve);
        }
        if index >= shape.count() {
            return None;
        }
        let word = self.node.get(shape.offset(index));
        let value = match shape.kind(index) {
            // SAFETY: the input is finished, and the node counts a reference on it until the function has returned.
            Inline::Future => return Some(unsafe { &*NodePtr::from_word(word).value() }),
            Inline::I64 => Value::i64(word as i64),
            Inline::F64 => Value::f64(f64::from_bits(word)),
            Inline::Pointer => Value::pointer(std::ptr::with_exposed_provenance_mut(word as usize)),
        };
        Some(self.keep_arg(index, value))
    }

    /// Gives the value of an argument, a number or a reference, an address for as long as the task runs.
    fn keep_arg(&self, index: usize, value: Value) -> &Value {
        let place = self.args[index].get();
        // SAFETY: only this thread uses the task, and who has the address of an earlier reading finds the same bytes in it.
        unsafe {
            place.write(MaybeUninit::new(value));
            (*place).assume_init_ref()
        }
    }

    /// Argument `index` if it is an i64: the short way.
    #[inline(always)]
    pub fn arg_i64(&self, index: usize) -> Option<i64> {
        let shape = self.node.shape();
        if shape.is_block() {
            return self.arg_i64_of_block(index);
        }
        if index >= shape.count() {
            return None;
        }
        let word = self.node.get(shape.offset(index));
        match shape.kind(index) {
            Inline::I64 => Some(word as i64),
            // SAFETY: as in `arg`.
            Inline::Future => unsafe { &*NodePtr::from_word(word).value() }.as_i64(),
            Inline::F64 | Inline::Pointer => None,
        }
    }

    /// Out of line, so that what it takes is no matter of tasks without a block.
    #[inline(never)]
    fn arg_i64_of_block(&self, index: usize) -> Option<i64> {
        if let Some(StepArgs::Plain { args, records }) = self.step_args() {
            // SAFETY: as in `arg`.
            return unsafe { (*records).i64((&*args).get(index)?) };
        }
        self.arg(index)?.as_i64()
    }

    #[inline]
    fn step_args(&self) -> Option<StepArgs> {
        // SAFETY: set for as long as the step runs.
        unsafe { self.step.as_ref() }.map(|step| step.args)
    }

    fn block_args(&self) -> &[Value] {
        if let Some(StepArgs::Values(args)) = self.step_args() {
            // SAFETY: kept while the step runs.
            return unsafe { &*args };
        }
        // SAFETY: the task is claimed and runs; its arguments are taken out after the function has returned.
        unsafe { self.node.block().as_ref().args() }
    }

    /// Holds in memory what the task may read in place while its function runs.
    pub(super) fn pin_args(&self) -> Pins {
        let mut pins = Pins::default();
        (0..self.arg_count()).filter_map(|index| self.arg(index)).for_each(|value| pins.add(value));
        pins
    }

    /// Sets the result; of several the last counts. Kept, if only to be destroyed, when the task has failed. Returns the one before, for the
    /// caller to drop: its destructor may use the task.
    #[inline]
    #[must_use]
    pub fn set_result(&mut self, value: Value) -> Value {
        self.drop_forward();
        std::mem::replace(&mut self.result, value)
    }

    /// Takes the result set so far.
    #[must_use]
    pub fn take_result(&mut self) -> Value {
        std::mem::replace(&mut self.result, Value::NONE)
    }

    /// The result set so far, at an address that stays until the task returns: for `rask_return_buffer`.
    pub fn result_mut(&mut self) -> &mut Value {
        &mut self.result
    }

    /// The client that values made by this task are booked for.
    pub fn account(&self) -> u32 {
        self.node.client()
    }

    /// Makes the task an error. The first failure stands.
    pub fn fail(&mut self, status: Status, code: i32, message: &str) {
        if self.failure.is_none() {
            let origin = self.key().to_owned();
            self.failure = Some(Error::begun_in(origin, status, code, self.attempt(), message));
        }
    }

    /// Makes the task an error with an object that travels with it. The first failure stands: returns an object that nobody wants, for the
    /// caller to drop.
    #[must_use]
    pub fn fail_with(&mut self, status: Status, code: i32, message: &str, object: Value) -> Option<Value> {
        if self.failure.is_some() {
            return Some(object);
        }
        let (origin, attempt) = (self.key().to_owned(), self.attempt());
        self.failure = Some(Error::with_payload(origin, status, code, attempt, message, Some(object)));
        None
    }

    /// The task's result becomes that of `future`, whose handle is taken on every path. The caller has dropped the
    /// [result](Self::take_result) set before.
    pub fn return_future(&mut self, future: u64) {
        self.return_taken(handle::take(Id(future)));
    }

    /// As [`return_future`](Self::return_future), for a reference that is taken.
    pub(super) fn return_taken(&mut self, future: Result<Taken>) {
        self.drop_forward();
        match future {
            Err(failure) => {
                self.fail(failure.status, 0, &format!("rask_return_future: {}", failure.message));
            }
            Ok(taken) if taken.node().client() != self.node.client() => {
                taken.let_go();
                self.fail(status::HANDLE, 0, "rask_return_future: a future of another client");
            }
            Ok(taken) => self.forward = Some(taken),
        }
    }

    /// Ends the task, whose function is over.
    #[inline]
    pub(super) fn end(&mut self, local: &Local, cascade: &mut Cascade<'_>) -> RunEnd {
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
    pub(super) fn outcome(&self) -> Outcome {
        match (&self.failure, &self.forward) {
            _ if self.cancelled() => Outcome::Cancelled,
            (Some(error), _) => Outcome::Failed(error.bare()),
            (None, Some(_)) => Outcome::Forwarded,
            (None, None) => Outcome::Finished,
        }
    }

    /// Ends the task as cancelled because its client is closed, when it returns.
    pub(super) fn cancel(&mut self) {
        if self.failure.is_none() {
            self.failure = Ending::closed(self.node).error().cloned();
        }
    }

    /// From now on the task is a step of its node's chain, to itself and to others. `step` stays until [`end_step`](Self::end_step).
    pub(super) fn begin_step(&mut self, step: &StepView) {
        self.step = step;
        self.key = OnceCell::new();
    }

    pub(super) fn end_step(&mut self) {
        self.step = std::ptr::null();
        self.key = OnceCell::new();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn has_forward(&self) -> bool {
        self.forward.is_some()
    }

    /// The future whose result would become this task's.
    pub(super) fn take_forward(&mut self) -> Option<Taken> {
        self.forward.take()
    }

    /// The task's result becomes that of a future of its own client.
    pub(super) fn forward(&mut self, future: Taken) {
        self.forward = Some(future);
    }

    #[inline]
    fn drop_forward(&mut self) {
        if let Some(taken) = self.forward.take() {
            taken.let_go();
        }
    }

    /// Nobody wants the result of this run any more.
    pub fn cancelled(&self) -> bool {
        // SAFETY: set for as long as the step runs.
        !self.node.dependents.is_wanted() || unsafe { self.step.as_ref() }.is_some_and(StepView::is_unneeded)
    }

    /// 1 for the first run.
    pub fn attempt(&self) -> u32 {
        attempt(self.node)
    }

    /// The task's key; valid while the task runs.
    pub fn key(&self) -> &CStr {
        self.key.get_or_init(|| {
            // SAFETY: set for as long as the step runs.
            unsafe { self.step.as_ref() }.map_or_else(|| key::of(self.node), |step| step.key(self.node))
        })
    }

    /// The id of the client the task runs in.
    pub fn client(&self) -> u64 {
        client_id(self.node.client()).0
    }

    pub(crate) fn node(&self) -> NodePtr {
        self.node
    }

    /// As what those see it who look for circles.
    pub(crate) fn runner(&self) -> Runner {
        // SAFETY: set for as long as the step runs.
        let step = unsafe { self.step.as_ref() }.and_then(StepView::number_in_hub);
        Runner { node: self.node, step }
    }

    /// The task beneath this one on its thread's stack, which waits for this one.
    pub(crate) fn beneath(&self) -> Option<&Task> {
        // SAFETY: what is beneath on the stack outlives what is above.
        unsafe { self.beneath.as_ref() }
    }

    /// Whether this task, or one beneath it, belongs to the client.
    pub(crate) fn is_above_client(&self, number: u32) -> bool {
        std::iter::successors(Some(self), |task| task.beneath()).any(|task| task.node.client() == number)
    }

    /// Whether it is a lane's, and so runs on a thread of the program's.
    pub(crate) fn is_on_lane(&self) -> bool {
        self.node.gate.is_on_lane()
    }

    /// The innermost task of this thread.
    pub(crate) fn current(local: &Local) -> Option<&Task> {
        // SAFETY: set by `execute` for as long as the task lives.
        unsafe { local.task.get().cast::<Task>().as_ref() }
    }
}

/// The innermost task of the calling thread, or null.
pub fn current() -> *mut Task {
    Local::with(|local| local.task.get().cast_mut().cast())
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
pub(super) fn execute_on_lane(node: NodePtr, local: &Local) {
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
pub(super) fn run_step(node: NodePtr, step: &StepView, local: &Local) -> Returned {
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
        unsafe { &mut *task }.fail(status::PANIC, 0, &panic_message(&*panic));
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

pub(super) fn attempt(node: NodePtr) -> u32 {
    extra::peek(node, |extra| extra.attempt).unwrap_or(0).saturating_add(1)
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
        super::submit::link_inputs(node, cascade);
    } else {
        cascade.end_run(node);
    }
}

/// Futures looked at before a task turns into one that waits: enough for what a program does by mistake.
pub(super) const FORWARD_BUDGET: usize = 1024;

/// A panic's words.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panicked: {}", words.as_deref().unwrap_or("(no message)"))
}
