//! The embedded engine: worker threads in this process.

use super::engine::Engine;
use super::{
    DEFAULT_SPARES, MAX_SPARES, MAX_STACK, MAX_WORKERS, MIN_STACK, Options, Stats, SubmitOptions, Timeout,
    discard, wait,
};
use crate::future::{self, Made, Spec, Task, TaskFn};
use crate::scheduler::{self, Core, Local, Rank, Resources, Settings, trait_bit};
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use crate::value::Arg;
use std::time::Duration;

/// See the module. All it knows is found through the ids of its clients.
pub(super) struct Embedded;

/// Opens a client; its id.
pub(super) fn open(options: &Options<'_>) -> Result<u64> {
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
        trait_bits: if options.pure { trait_bit::PURE } else { 0 }
            | if options.memory_limit != 0 { trait_bit::LIMITED } else { 0 },
        resources: options.resources.map_or(Ok(Resources::default()), Resources::read)?,
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

impl Engine for Embedded {
    fn drain(&self, client: u64, timeout: Timeout) -> Result<()> {
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
            if local.is_worker() && local.is_burying() {
                return Err(wait::destructor_waits());
            }
            let deadline = timeout.deadline();
            let drained = match timeout {
                Timeout::After(Duration::ZERO) => core.is_drained(),
                _ => wait::suspended_meanwhile(local, || core.drain(deadline))?,
            };
            if drained { Ok(()) } else { Err(wait::time_is_up()) }
        })
    }

    fn close(&self, client: u64) -> Result<()> {
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

    fn stats(&self, client: u64) -> Result<Stats> {
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

    #[inline(always)]
    fn submit(
        &self,
        client: u64,
        function: Option<TaskFn>,
        args: &[Arg],
        options: Option<&SubmitOptions<'_>>,
        wrong: Option<Failure>,
    ) -> Result<u64> {
        Local::with(|local| {
            let client = enter(local, client, args)?;
            let rank = options.map(|options| rank(options, client));
            let spec = spec(client, function, options, &rank, wrong.as_ref());
            let made = future::make(local, spec, args)?;
            publish(local, client, &made, spec.rank);
            Ok(made.id.0)
        })
    }

    fn map(
        &self,
        client: u64,
        function: Option<TaskFn>,
        items: &[Arg],
        options: Option<&SubmitOptions<'_>>,
        wrong: Option<Failure>,
        out: &mut [u64],
    ) -> Result<()> {
        out.fill(0);
        Local::with(|local| {
            let client = enter(local, client, items)?;
            let rank = options.map(|options| rank(options, client));
            let spec = spec(client, function, options, &rank, wrong.as_ref());
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
            let pushed = match spec.rank {
                None => local.push_all(client, &jobs),
                Some(rank) => local.push_ranked(client, &jobs, rank),
            };
            if !pushed {
                jobs.into_iter().for_each(|job| future::discard_job(job, local));
            }
            outcome
        })
    }

    fn scatter(&self, client: u64, value: &Arg) -> Result<u64> {
        Local::with(|local| {
            let client = enter(local, client, std::slice::from_ref(value))?;
            future::scatter(local, client, value).map(|made| made.id.0)
        })
    }
}

/// The number of the client, or the end of what `args` hands over.
#[inline(always)]
fn enter(local: &Local, client: u64, args: &[Arg]) -> Result<u32> {
    local.enter(Id(client)).inspect_err(|_| discard(args))
}

#[inline(always)]
fn publish(local: &Local, client: u32, made: &Made, rank: Option<&Rank>) {
    let Some(job) = made.job else { return };
    let pushed = match rank {
        None => local.push(client, job),
        Some(rank) => local.push_ranked(client, &[job], rank),
    };
    if !pushed {
        future::discard_job(job, local);
    }
}

/// What options say of priority and resources. Boxed, since most submits have none.
#[cold]
fn rank(options: &SubmitOptions<'_>, client: u32) -> Box<Result<Option<Rank>>> {
    Box::new(options.rank(client))
}

#[inline(always)]
fn spec<'a>(
    client: u32,
    function: Option<TaskFn>,
    options: Option<&'a SubmitOptions<'a>>,
    rank: &'a Option<Box<Result<Option<Rank>>>>,
    wrong: Option<&'a Failure>,
) -> Spec<'a> {
    match rank.as_deref() {
        None => Spec { client, function, options, rank: None, wrong },
        Some(Ok(rank)) => Spec { client, function, options, rank: rank.as_ref(), wrong },
        Some(Err(failure)) => Spec { client, function, options, rank: None, wrong: wrong.or(Some(failure)) },
    }
}
