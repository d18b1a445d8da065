//! Futures: their body, states, dependencies, release, cancel.

use crate::status::{Result, Status};
use crate::value::Value;
use std::ffi::{CStr, c_char};

/// The states of a future, as `rask_state` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum State {
    /// Waits for its inputs or for a worker.
    Pending = 0,
    /// A worker runs it.
    Running = 1,
    /// Its value is there.
    Finished = 2,
    /// It, or one it depends on, failed.
    Error = 3,
    /// It will never have a value.
    Cancelled = 4,
    /// Its value was lost with a worker of a cluster.
    Lost = 5,
}

/// A task as its function sees it: arguments in, result out. Lives on the worker's stack while the function runs.
pub struct Task {
    _private: (),
}

/// A task's function.
pub type TaskFn = unsafe extern "C-unwind" fn(*mut Task);

#[allow(unused_variables)]
impl Task {
    /// How many arguments the task was submitted with.
    pub fn arg_count(&self) -> usize {
        unimplemented!()
    }
    /// Argument `index` (a future's value where a future was given), or `None` out of range. Valid while the task runs.
    pub fn arg(&mut self, index: usize) -> Option<&Value> {
        unimplemented!()
    }
    /// Sets the result; of several the last counts. It is kept until the task ends even if the task has failed, so that
    /// what `rask_return_buffer` gave stays writable; the failure counts all the same.
    pub fn set_result(&mut self, value: Value) {
        unimplemented!()
    }
    /// The result set so far, in its place, for `rask_return_buffer`: it does not move until the task returns.
    pub fn result_mut(&mut self) -> &mut Value {
        unimplemented!()
    }
    /// The number that bytes made by this task are accounted to (`crate::value::account`).
    pub fn account(&self) -> u32 {
        unimplemented!()
    }
    /// Makes the task an error. The first failure stands.
    pub fn fail(&mut self, status: Status, code: i32, message: &str) {
        unimplemented!()
    }
    /// The task's result becomes that of `future`, whose handle is taken on every path.
    pub fn return_future(&mut self, future: u64) {
        unimplemented!()
    }
    /// Nobody wants the result any more.
    pub fn cancelled(&self) -> bool {
        unimplemented!()
    }
    /// 1 for the first run.
    pub fn attempt(&self) -> u32 {
        unimplemented!()
    }
    /// The task's key; valid while the task runs.
    pub fn key(&self) -> &CStr {
        unimplemented!()
    }
    /// The id of the client the task runs in.
    pub fn client(&self) -> u64 {
        unimplemented!()
    }
}

/// What [`error`] tells. The texts are valid until the handle is released.
pub struct ErrorView {
    /// `OK`: the future has no error.
    pub status: Status,
    /// The task's own code.
    pub code: i32,
    /// How often the task it began in was run.
    pub attempts: u32,
    /// In words; null without error.
    pub message: *const c_char,
    /// The key of the task it began in; null without error.
    pub origin: *const c_char,
}

/// The state of a future right now.
pub fn state(future: u64) -> Result<State> {
    unimplemented!("{future}")
}
/// The key; valid until the handle is released.
pub fn key(future: u64) -> Result<*const c_char> {
    unimplemented!("{future}")
}
/// One line about the future: key, state and what it holds.
pub fn describe(future: u64) -> Result<String> {
    unimplemented!("{future}")
}
/// Never waits: `STATE` while pending or running.
pub fn error(future: u64) -> Result<ErrorView> {
    unimplemented!("{future}")
}
/// Cancels the future and its dependents; `STATE` when done already.
pub fn cancel(future: u64, reason: Option<&CStr>) -> Result<()> {
    unimplemented!("{future} {reason:?}")
}
/// Another handle of the same future.
pub fn clone(future: u64) -> Result<u64> {
    unimplemented!("{future}")
}
/// Ends one handle. Null is a no-op.
pub fn release(future: u64) -> Result<()> {
    unimplemented!("{future}")
}
/// Takes the handle; the task runs all the same.
pub fn fire_and_forget(future: u64) -> Result<()> {
    unimplemented!("{future}")
}
