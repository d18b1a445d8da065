//! Clients: where work runs, and everything that waits for it.

mod progress;
pub use progress::progress;

use crate::future::TaskFn;
use crate::status::{Result, Status};
use crate::value::{Arg, Value};
use std::ffi::CStr;

/// How a client is opened.
#[derive(Default)]
pub struct Options<'a> {
    /// Names the worker threads; `None`: "rask".
    pub name: Option<&'a CStr>,
    /// `None`: embedded.
    pub address: Option<&'a CStr>,
    /// 0: one per processor this process may use.
    pub n_workers: u32,
    /// `RASK_CLIENT_PURE`.
    pub flags: u32,
    /// Bytes; 0: none.
    pub memory_limit: u64,
    /// "GPU=2,license=1".
    pub resources: Option<&'a CStr>,
    /// Bytes per worker; 0: the platform's default.
    pub stack_size: usize,
    /// Threads that may be suspended in waits inside tasks; 0: the default.
    pub max_spares: u32,
}

/// How a task is submitted.
#[derive(Default)]
pub struct SubmitOptions<'a> {
    /// `None`: the function's symbol where it has one.
    pub name: Option<&'a CStr>,
}

/// What a client tells about itself; the fields of `rask_client_stats`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Stats {
    pub n_workers: u32,
    pub n_running: u32,
    pub n_pending: u64,
    pub n_finished: u64,
    pub n_error: u64,
    pub n_cancelled: u64,
    pub n_submitted: u64,
    pub n_executed: u64,
    pub n_stolen: u64,
    pub n_retried: u64,
    pub live_futures: u64,
    pub nbytes: u64,
}

/// How long a wait may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// Without limit.
    Forever,
    /// At most this long; zero polls.
    After(std::time::Duration),
}

/// When a wait for several futures ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Until {
    AllCompleted,
    FirstCompleted,
    FirstError,
}

/// Opens a client; its id.
pub fn open(_options: &Options<'_>) -> Result<u64> {
    unimplemented!()
}
/// Blocks until nothing is pending or running.
pub fn drain(_client: u64, _timeout: Timeout) -> Result<()> {
    unimplemented!()
}
/// Cancels what has not started, waits for what runs, ends the threads.
pub fn close(_client: u64) -> Result<()> {
    unimplemented!()
}
/// Figures of the client.
pub fn stats(_client: u64) -> Result<Stats> {
    unimplemented!()
}

/// Submits one task; the id of its future. What is wrong with function or arguments becomes a future in error; `Err` only
/// without a client, or without memory. `wrong` is a mistake the caller found already (a NULL array with a count, bad options): a future
/// in error with it is made, and what `args` hands over is destroyed all the same.
pub fn submit(
    _client: u64,
    _function: Option<TaskFn>,
    _args: &[Arg],
    _options: &SubmitOptions<'_>,
    _wrong: Option<crate::status::Failure>,
) -> Result<u64> {
    unimplemented!()
}
/// One task an item, one wake-up. `out` is written on every path; a bad item gives an error future in its slot.
pub fn map(
    _client: u64,
    _function: Option<TaskFn>,
    _items: &[Arg],
    _options: &SubmitOptions<'_>,
    _wrong: Option<crate::status::Failure>,
    _out: &mut [u64],
) -> Result<()> {
    unimplemented!()
}
/// A finished future of the value.
pub fn scatter(_client: u64, _value: &Arg) -> Result<u64> {
    unimplemented!()
}
/// Destroys or releases what `args` hands over (owned bytes, objects, taken handles), for calls that fail before they submit.
pub fn discard(_args: &[Arg]) {
    unimplemented!()
}
/// Waits for the future, then its value, valid until the handle is released; the status of its error otherwise.
pub fn result(_future: u64, _timeout: Timeout) -> Result<*const Value> {
    unimplemented!()
}
/// An i64 result, read without holding on to the future; `TYPE` for another kind (an f64 reader converts i64).
pub fn result_i64(_future: u64) -> Result<i64> {
    unimplemented!()
}
/// Waits for the future, then runs `read` on its value while nobody can take it away; the status of its error otherwise.
pub fn read_result<T>(_future: u64, _timeout: Timeout, _read: impl FnOnce(&Value) -> Result<T>) -> Result<T> {
    unimplemented!()
}
/// Waits until the condition holds. `done`, when there, has one flag a future and is written on every path.
pub fn wait(_futures: &[u64], _until: Until, _timeout: Timeout, _done: Option<&mut [bool]>) -> Result<()> {
    unimplemented!()
}
/// Waits for all; one status and one value (null where there is none) for each future.
pub fn gather(
    _futures: &[u64],
    _timeout: Timeout,
    _values: Option<&mut [*const Value]>,
    _statuses: Option<&mut [Status]>,
) -> Result<()> {
    unimplemented!()
}
/// Handles of every kind that are alive in this process.
pub fn live_handles() -> u64 {
    unimplemented!()
}
