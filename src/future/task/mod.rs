//! A task as its function sees it: arguments in, result out.

mod execution;

use super::error::{Ending, Error};
use super::handle::{self, Taken};
use super::key;
use super::node::{Inline, MAX_INLINE, NodePtr};
use super::step::{StepArgs, StepView};
use super::walk::Runner;
use crate::scheduler::{Local, client_id};
use crate::slab::Id;
use crate::status::{self, Result, Status};
use crate::value::{Pins, Value};
use std::cell::{OnceCell, UnsafeCell};
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::sync::Arc;

pub(super) use execution::{FORWARD_BUDGET, attempt, execute_on_lane, run_step, runs};
pub(crate) use execution::{
    drop_stale, drop_stale_entries, execute, is_stale, panic_message, run, run_queued_child,
};

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
    pub fn fail(&mut self, status: Status, code: i32, message: impl AsRef<[u8]>) {
        if self.failure.is_none() {
            let origin = self.key().to_owned();
            self.failure = Some(Error::begun_in(origin, status, code, self.attempt(), message));
        }
    }

    /// Makes the task an error with an object that travels with it. The first failure stands: returns an object that nobody wants, for the
    /// caller to drop.
    #[must_use]
    pub fn fail_with(
        &mut self,
        status: Status,
        code: i32,
        message: impl AsRef<[u8]>,
        object: Value,
    ) -> Option<Value> {
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
                self.fail(failure.status, 0, format!("rask_return_future: {}", failure.message));
            }
            Ok(taken) if taken.node().client() != self.node.client() => {
                taken.let_go();
                self.fail(status::HANDLE, 0, "rask_return_future: a future of another client");
            }
            Ok(taken) => self.forward = Some(taken),
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
