//! Clients: where work runs, and everything that waits for it.

mod progress;
mod wait;
pub use progress::progress;
pub use wait::{gather, read_result, result, result_i64, wait};

use crate::future::{self, Made, Spec, Task, TaskFn};
use crate::scheduler::{self, Core, Local, Settings};
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use crate::value::Arg;
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
    After(Duration),
}

/// When a wait for several futures ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Until {
    AllCompleted,
    FirstCompleted,
    FirstError,
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
}

/// Opens a client; its id.
pub fn open(options: &Options<'_>) -> Result<u64> {
    at_most("n_workers", options.n_workers as usize, MAX_WORKERS as usize)?;
    at_most("max_spares", options.max_spares as usize, MAX_SPARES as usize)?;
    at_most("stack_size", options.stack_size, MAX_STACK)?;
    crate::value::install_accounting(account);
    Local::with(Local::forget_closed);
    let n_workers = match options.n_workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS as usize),
        n => n as usize,
    };
    let settings = Settings {
        name: options.name.map_or("rask".into(), |name| name.to_string_lossy().into_owned()),
        n_workers,
        stack_size: match options.stack_size {
            0 => scheduler::default_stack_size(),
            size => size.max(MIN_STACK),
        },
        max_spares: if options.max_spares == 0 { DEFAULT_SPARES } else { options.max_spares } as usize,
    };
    Core::open(settings, future::work()).map(|core| core.id().0)
}

fn at_most(what: &str, n: usize, most: usize) -> Result<()> {
    if n > most { Err(Failure::invalid(format!("{what}: {n} is more than {most}"))) } else { Ok(()) }
}

/// Books bytes of values for the client that holds them.
fn account(client: u32, delta: i64) {
    if client != 0 {
        Local::with(|local| local.tally(client, |tally| tally.nbytes.add(delta as u64)));
    }
}

/// Blocks until nothing is pending or running.
pub fn drain(client: u64, timeout: Timeout) -> Result<()> {
    let core = scheduler::find(Id(client))?;
    Local::with(|local| {
        if let Some(task) = Task::current(local)
            && task.is_above_client(core.number)
        {
            return Err(Failure::new(
                status::DEADLOCK,
                "a task cannot wait until its own client has none left",
            ));
        }
        let deadline = timeout.deadline();
        let drained = match timeout {
            Timeout::After(Duration::ZERO) => core.is_drained(),
            _ => wait::suspended_meanwhile(local, || core.drain(deadline))?,
        };
        if drained { Ok(()) } else { Err(wait::time_is_up()) }
    })
}

/// Cancels what has not started, waits for what runs, ends the threads.
pub fn close(client: u64) -> Result<()> {
    let id = Id(client);
    Local::with(|local| {
        if local.is_worker() {
            return Err(Failure::new(status::STATE, "a client cannot be closed from inside a task"));
        }
        match scheduler::find(id) {
            Ok(core) => core.close()?,
            Err(failure) if failure.status == status::CLOSED => scheduler::await_closed(id)?,
            Err(failure) => return Err(failure),
        }
        local.forget_closed();
        Ok(())
    })
}

/// Figures of the client.
pub fn stats(client: u64) -> Result<Stats> {
    let core = scheduler::find(Id(client))?;
    let sum = |figure: fn(&scheduler::Tally) -> u64| core.sum(figure);
    let freed = sum(|tally| tally.freed.get());
    let n_pending = core.n_pending();
    let n_running = core.n_running() as u32;
    let submitted = sum(|tally| tally.submitted.get());
    Ok(Stats {
        n_workers: core.settings.n_workers as u32,
        n_running,
        n_pending,
        n_finished: sum(|tally| tally.finished.get()),
        n_error: sum(|tally| tally.failed.get()),
        n_cancelled: sum(|tally| tally.cancelled.get()),
        n_submitted: submitted,
        n_executed: sum(|tally| tally.returned.get()),
        n_stolen: sum(|tally| tally.stolen.get()),
        n_retried: 0,
        live_futures: submitted.saturating_sub(freed),
        nbytes: sum(|tally| tally.nbytes.get()),
    })
}

/// Submits one task; the id of its future. What is wrong with function or arguments becomes a future in error; `Err` only
/// without a client, or without memory. `wrong` is a mistake the caller found already (a NULL array with a count, bad options): a future
/// in error with it is made, and what `args` hands over is destroyed all the same.
#[inline(always)]
pub fn submit(
    client: u64,
    function: Option<TaskFn>,
    args: &[Arg],
    options: &SubmitOptions<'_>,
    wrong: Option<Failure>,
) -> Result<u64> {
    Local::with(|local| {
        let client = enter(local, client, args)?;
        let spec = Spec { client, function, name: options.name, wrong: wrong.as_ref() };
        let made = future::make(local, spec, args)?;
        publish(local, client, &made);
        Ok(made.id.0)
    })
}

/// The number of the client, or the end of what `args` hands over.
#[inline(always)]
fn enter(local: &Local, client: u64, args: &[Arg]) -> Result<u32> {
    local.enter(Id(client)).inspect_err(|_| discard(args))
}

#[inline(always)]
fn publish(local: &Local, client: u32, made: &Made) {
    if let Some(job) = made.job
        && !local.push(client, job)
    {
        future::discard_job(job, local);
    }
}

/// One task an item, one wake-up. `out` is written on every path; a bad item gives an error future in its slot.
pub fn map(
    client: u64,
    function: Option<TaskFn>,
    items: &[Arg],
    options: &SubmitOptions<'_>,
    wrong: Option<Failure>,
    out: &mut [u64],
) -> Result<()> {
    out.fill(0);
    Local::with(|local| {
        let client = enter(local, client, items)?;
        let spec = Spec { client, function, name: options.name, wrong: wrong.as_ref() };
        let mut jobs = Vec::with_capacity(items.len());
        let mut outcome = Ok(());
        for (index, item) in items.iter().enumerate() {
            match future::make(local, spec, std::slice::from_ref(item)) {
                Ok(made) => {
                    out[index] = made.id.0;
                    jobs.extend(made.job);
                }
                Err(failure) => {
                    discard(&items[index + 1..]);
                    outcome = Err(failure);
                    break;
                }
            }
        }
        if !local.push_all(client, &jobs) {
            jobs.into_iter().for_each(|job| future::discard_job(job, local));
        }
        outcome
    })
}

/// A finished future of the value.
pub fn scatter(client: u64, value: &Arg) -> Result<u64> {
    Local::with(|local| {
        let client = enter(local, client, std::slice::from_ref(value))?;
        future::scatter(local, client, value).map(|made| made.id.0)
    })
}

/// Destroys or releases what `args` hands over (owned bytes, objects, taken handles), for calls that fail before they submit.
pub fn discard(args: &[Arg]) {
    future::discard(args);
}

/// Handles of every kind that are alive in this process.
pub fn live_handles() -> u64 {
    Local::live_handles() + scheduler::open_clients()
}
