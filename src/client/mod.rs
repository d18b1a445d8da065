//! Clients: where work runs, and everything that waits for it.

pub mod as_completed;
mod compile;
pub mod delayed;
mod dump;
mod embedded;
mod engine;
mod graph;
pub mod lane;
mod memory;
mod progress;
mod table;
mod trace;
mod wait;
pub use crate::future::SubmitOptions;
pub use crate::future::waiting::Until;
pub use progress::{progress, progress_start};
pub use wait::{gather, read_result, result, result_i64, wait};

use crate::future::{self, TaskFn};
use crate::scheduler::{self, Local};
use crate::status::{self, Failure, Result};
use crate::value::Arg;
use engine::Engine;
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// How a client is opened.
#[derive(Default)]
pub struct Options<'a> {
    /// Names the worker threads; `None`: "rask".
    pub name: Option<&'a CStr>,
    /// 0: one per processor this process may use.
    pub n_workers: u32,
    /// Bytes per worker; 0: the platform's default.
    pub stack_size: usize,
    /// Threads that may be suspended in waits inside tasks; 0: the default.
    pub max_spares: u32,
    /// Submits are pure unless they say otherwise.
    pub pure: bool,
    /// `"GPU=2,license=1"`: what tasks can hold while they run.
    pub resources: Option<&'a CStr>,
    /// Bytes that values may hold; 0: no limit.
    pub memory_limit: u64,
    /// Where values go when there is no room; `None`: the system's directory for temporary files.
    pub spill_directory: Option<&'a CStr>,
    /// A submit that finds no room fails instead of waiting.
    pub fails_over_limit: bool,
}

/// What a client tells about itself; the fields of `rask_client_stats`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
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
    After(Duration),
}

/// The most workers a client may have. Stated in the header.
pub const MAX_WORKERS: u32 = 1024;
/// The most threads suspended in waits a client may have. Stated in the header.
pub const MAX_SPARES: u32 = 1 << 16;
/// As many as [`Options::max_spares`] means by 0.
pub const DEFAULT_SPARES: u32 = 1024;
/// The largest stack of a worker, in bytes, and the smallest. Stated in the header.
pub const MAX_STACK: usize = 1 << 30;
/// See [`MAX_STACK`]; smaller sizes are raised to this.
pub const MIN_STACK: usize = 256 << 10;

impl Timeout {
    /// When the time is up; `None`: never.
    fn deadline(self) -> Option<Instant> {
        match self {
            Timeout::Forever => None,
            // A time that the clock cannot tell does not come.
            Timeout::After(timeout) => Instant::now().checked_add(timeout),
        }
    }

    /// What is left of it for who has waited since `begun`, and is to wait again because of a retry.
    fn left(self, begun: Instant) -> Self {
        match self {
            Timeout::Forever => Timeout::Forever,
            Timeout::After(timeout) => Timeout::After(timeout.saturating_sub(begun.elapsed())),
        }
    }
}

/// Opens a client; its id.
pub fn open(options: &Options<'_>) -> Result<u64> {
    crate::log::read_environment();
    embedded::open(options)
}

/// Blocks until nothing is pending or running.
pub fn drain(client: u64, timeout: Timeout) -> Result<()> {
    engine::of(client).drain(client, timeout)
}

/// Cancels what has not started, waits for what runs, ends the threads.
pub fn close(client: u64) -> Result<()> {
    let closed = engine::of(client).close(client);
    if closed.as_ref().err().is_none_or(|failure| failure.status == status::LOST) {
        // All its futures are done now: whoever watches their progress is to see that.
        progress::look_again();
    }
    closed
}

/// Figures of the client.
pub fn stats(client: u64) -> Result<Stats> {
    engine::of(client).stats(client)
}

/// Records what the client's tasks do, for a file at `path`.
pub fn trace_start(client: u64, path: &CStr) -> Result<()> {
    engine::of(client).trace_start(client, path)
}

/// Ends the record and writes it.
pub fn trace_stop(client: u64) -> Result<()> {
    engine::of(client).trace_stop(client)
}

/// Writes what is not done, and what it waits for, to the file at `path`, or to stderr.
pub fn dump(client: u64, path: Option<&CStr>) -> Result<()> {
    engine::of(client).dump(client, path)
}

/// Submits one task; the id of its future. What is wrong with function or arguments becomes a future in error; `Err` only
/// without a client, or without memory. `wrong` is a mistake the caller found already (a NULL array with a count, bad options): a future
/// in error with it is made, and what `args` hands over is destroyed all the same.
#[inline(always)]
pub fn submit(
    client: u64,
    function: Option<TaskFn>,
    args: &[Arg],
    options: Option<&SubmitOptions<'_>>,
    wrong: Option<Failure>,
) -> Result<u64> {
    engine::of(client).submit(client, function, args, options, wrong)
}

/// A task of many that are submitted in one call.
pub struct Submission<'a> {
    /// `None`: a mistake, which makes its future an error.
    pub function: Option<TaskFn>,
    /// Taken on every path. [`EARLIER`](crate::value::arg::kind::EARLIER) is an earlier task.
    pub args: &'a [Arg],
    /// A mistake that the caller found already.
    pub wrong: Option<Failure>,
}

/// Many tasks, made available together. `out` has room for their futures and is written on every path; a mistake gives an error future in
/// its slot.
pub fn submit_all<'a>(
    client: u64,
    tasks: impl Iterator<Item = Submission<'a>>,
    options: Option<&SubmitOptions<'_>>,
    wrong: Option<Failure>,
    out: &mut [u64],
) -> Result<()> {
    engine::of(client).submit_all(client, tasks, options, wrong, out)
}

/// A finished future of the value.
pub fn scatter(client: u64, value: &Arg) -> Result<u64> {
    engine::of(client).scatter(client, value)
}

/// Destroys or releases what `args` hands over (owned bytes, objects, taken handles), for calls that fail before they submit.
pub fn discard(args: &[Arg]) {
    future::discard(args);
}

/// Handles of every kind that are alive in this process.
pub fn live_handles() -> u64 {
    Local::live_handles()
        + scheduler::open_clients()
        + as_completed::open_iterations()
        + delayed::live_handles()
        + scheduler::lane::open_lanes()
}
