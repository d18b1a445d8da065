//! The seam between clients and what they are underneath: an engine in this process, or one day a cluster.
//!
//! A client's engine is chosen by the address it is opened with, and found again by its id. Whatever the engine, its futures are nodes
//! that end; so waiting, gathering, callbacks and progress know nothing of engines and are written once.

use super::embedded::Embedded;
use super::{Stats, Submission, SubmitOptions, Timeout};
use crate::future::{Plan, Program, TaskFn};
use crate::status::{Failure, Result};
use crate::value::Arg;
use std::ffi::CStr;
use std::sync::Arc;

/// What it takes to know of a client when a lazy graph is made ready for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Traits {
    /// Submits are pure unless they say otherwise.
    pub(super) is_pure: bool,
    /// A graph need not become futures, one for each task: nobody looks at them just now.
    pub(super) interprets: bool,
}

/// What a client does with work.
pub(super) trait Engine {
    /// See [`submit`](super::submit).
    fn submit(
        &self,
        client: u64,
        function: Option<TaskFn>,
        args: &[Arg],
        options: Option<&SubmitOptions<'_>>,
        wrong: Option<Failure>,
    ) -> Result<u64>;

    /// See [`submit_all`](super::submit_all).
    fn submit_all<'a>(
        &self,
        client: u64,
        tasks: impl Iterator<Item = Submission<'a>>,
        options: Option<&SubmitOptions<'_>>,
        wrong: Option<Failure>,
        out: &mut [u64],
    ) -> Result<()>;

    /// See [`scatter`](super::scatter).
    fn scatter(&self, client: u64, value: &Arg) -> Result<u64>;

    /// What the client does with lazy graphs. Fails if it takes none.
    fn traits(&self, client: u64) -> Result<Traits>;

    /// Submits the tasks of a plan; `out` has room for the futures of its outputs. `Err`: none was made.
    fn compute(&self, client: u64, plan: &Plan, out: &mut [u64]) -> Result<()>;

    /// Submits a program; `out` has room for the futures of its outputs. `Err`: none was made.
    fn interpret(&self, client: u64, program: &Arc<Program>, out: &mut [u64]) -> Result<()>;

    /// See [`drain`](super::drain).
    fn drain(&self, client: u64, timeout: Timeout) -> Result<()>;

    /// See [`close`](super::close).
    fn close(&self, client: u64) -> Result<()>;

    /// See [`stats`](super::stats).
    fn stats(&self, client: u64) -> Result<Stats>;

    /// See [`dump`](super::dump).
    fn dump(&self, client: u64, path: Option<&CStr>) -> Result<()>;

    /// See [`trace_start`](super::trace_start).
    fn trace_start(&self, client: u64, path: &CStr) -> Result<()>;

    /// See [`trace_stop`](super::trace_stop).
    fn trace_stop(&self, client: u64) -> Result<()>;
}

/// The engine of a client. There is one so far; an id that is no client's is for it to refuse.
#[inline(always)]
pub(super) fn of(_client: u64) -> impl Engine {
    Embedded
}
