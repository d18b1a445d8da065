//! The embedded engine: worker threads in this process.

use super::engine::{Engine, Traits};
use super::{
    DEFAULT_SPARES, MAX_SPARES, MAX_STACK, MAX_WORKERS, MIN_STACK, Options, Stats, Submission, SubmitOptions,
    Timeout, discard, dump, memory, trace, wait,
};
use crate::future::{self, Made, Plan, Program, Spec, Task, TaskFn};
use crate::scheduler::{self, Core, Job, Lane, Local, Resources, Settings, trait_bit};
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use crate::value::{self, Arg, LIMITED, arg::kind};
use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

/// See the module. All it knows is found through the ids of its clients.
pub(super) struct Embedded;

/// Opens a client; its id.
pub(super) fn open(options: &Options<'_>) -> Result<u64> {
    at_most("n_workers", options.n_workers as usize, MAX_WORKERS as usize)?;
    at_most("max_spares", options.max_spares as usize, MAX_SPARES as usize)?;
    at_most("stack_size", options.stack_size, MAX_STACK)?;
    crate::value::install_accounting(memory::account);
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
    let store = memory::open(options)?;
    let core = Core::open(settings, future::work())?;
    if let Some(store) = store {
        store.register(core.number);
    }
    Ok(core.id().0)
}

fn at_most(what: &str, n: usize, most: usize) -> Result<()> {
    if n > most { Err(Failure::invalid(format!("{what}: {n} is more than {most}"))) } else { Ok(()) }
}

/// The figures of a client.
pub(super) fn figures(core: &Core) -> Stats {
    let sum = |figure: fn(&scheduler::Tally) -> u64| core.sum(figure);
    // What ends is summed before what begins: never more has ended than was made.
    let freed = sum(|tally| tally.freed.get());
    let mut stats = Stats {
        n_workers: core.settings.n_workers as u32,
        n_running: core.n_running() as u32,
        n_pending: core.n_pending(),
        n_finished: sum(|tally| tally.finished.get()),
        n_error: core.n_failed(),
        n_cancelled: core.n_cancelled(),
        n_executed: sum(|tally| tally.returned.get()),
        n_stolen: sum(|tally| tally.stolen.get()),
        n_retried: sum(|tally| tally.retried.get()),
        // One thread may have destroyed already what another was not yet seen to make.
        nbytes: (sum(|tally| tally.nbytes.get()) as i64).max(0) as u64,
        ..Stats::default()
    };
    stats.n_submitted = sum(|tally| tally.submitted.get());
    // Less than none may have been freed, for a moment, when the hub of a graph is.
    stats.live_futures = (stats.n_submitted.wrapping_sub(freed) as i64).max(0) as u64;
    stats
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
            if value::codec_is_running() {
                return Err(wait::codec_waits());
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
            if local.is_worker() || Task::current(local).is_some() {
                return Err(Failure::new(status::STATE, "a client cannot be closed from inside a task"));
            }
            if future::is_dispatcher() {
                return Err(Failure::new(
                    status::STATE,
                    "a client cannot be closed from inside a callback: the close would wait for it to return",
                ));
            }
            if value::codec_is_running() {
                return Err(wait::codec_waits());
            }
            match scheduler::find(id) {
                Ok(core) => core.close()?,
                Err(failure) if failure.status == status::CLOSED => scheduler::await_closed(id)?,
                Err(failure) => return Err(failure),
            }
            memory::close(id);
            local.forget_closed();
            // All its futures are done, so whoever is to be called is being called.
            future::await_callbacks(id.index());
            trace::finish(id.index()).unwrap_or(Ok(()))
        })
    }

    fn stats(&self, client: u64) -> Result<Stats> {
        scheduler::find(Id(client)).map(|core| figures(&core))
    }

    fn dump(&self, client: u64, path: Option<&CStr>) -> Result<()> {
        dump::write(client, path)
    }

    fn trace_start(&self, client: u64, path: &CStr) -> Result<()> {
        trace::start(client, path)
    }

    fn trace_stop(&self, client: u64) -> Result<()> {
        trace::stop(client)
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
            let wrong = wrong.as_ref();
            if let Some(options) = options {
                return submit_with(local, client, function, args, options, wrong);
            }
            let spec =
                Spec { client, function, options: None, rank: None, identity: None, lane: None, wrong };
            let made = future::submit(local, spec, args)?;
            publish(local, client, &made);
            if client & LIMITED != 0 {
                memory::make_room(client);
            }
            Ok(made.id.0)
        })
    }

    fn submit_all<'a>(
        &self,
        client: u64,
        mut tasks: impl Iterator<Item = Submission<'a>>,
        options: Option<&SubmitOptions<'_>>,
        wrong: Option<Failure>,
        out: &mut [u64],
    ) -> Result<()> {
        out.fill(0);
        Local::with(|local| {
            let id = Id(client);
            let drop_rest =
                |tasks: &mut dyn Iterator<Item = Submission<'a>>| tasks.for_each(|task| discard(task.args));
            let client = enter(local, client, &[]).inspect_err(|_| drop_rest(&mut tasks))?;
            let rank = options.map_or(Ok(None), |options| options.rank(client));
            let lane = options.map_or(Ok(None), |options| options.lane(client, local));
            let wrong = wrong.as_ref();
            let spec =
                Spec { client, function: None, options, rank: None, identity: None, lane: None, wrong };
            let spec = spec.ranked(&rank).on_lane(&lane);
            // A worker begins with what it made available last, which is to be the first of all: so it does that once.
            let is_worker = local.slot().is_some() && spec.lane.is_none();
            let mut ready = room_for_jobs(if is_worker { out.len() } else { AT_ONCE.min(out.len()) });
            let mut resolved = Vec::new();
            let mut outcome = Ok(());
            let mut n = 0;
            for task in tasks.by_ref() {
                let is_full = client & LIMITED != 0 && memory::has_to_wait(local, client);
                if is_full || ready.len() == ready.capacity() {
                    // So that they run meanwhile, and, where there is a limit, that something can give way at all.
                    publish_all(local, spec, &ready);
                    ready.clear();
                }
                let admitted = if is_full { memory::admit(local, id, client) } else { Ok(()) };
                let made = admitted
                    .and_then(|()| resolve(task.args, &out[..n], &mut resolved))
                    .inspect_err(|_| discard(task.args))
                    .and_then(|args| {
                        let wrong = spec.wrong.or(task.wrong.as_ref());
                        future::submit(local, Spec { function: task.function, wrong, ..spec }, args)
                    });
                match made {
                    Ok(made) => {
                        out[n] = made.id.0;
                        n += 1;
                        ready.extend(made.job);
                    }
                    Err(failure) => {
                        outcome = Err(failure);
                        break;
                    }
                }
            }
            drop_rest(&mut tasks);
            publish_all(local, spec, &ready);
            keep(local, lane);
            if client & LIMITED != 0 {
                memory::make_room(client);
            }
            outcome
        })
    }

    fn scatter(&self, client: u64, value: &Arg) -> Result<u64> {
        Local::with(|local| {
            let client = enter(local, client, std::slice::from_ref(value))?;
            let made = future::scatter(local, client, value)?;
            if client & LIMITED != 0 {
                memory::make_room(client);
            }
            Ok(made.id.0)
        })
    }

    fn traits(&self, client: u64) -> Result<Traits> {
        let number = Local::with(|local| local.enter(Id(client)))?;
        // With a limit each value has to be one that can leave memory; a trace shows each task.
        let interprets = number & trait_bit::ALL == 0 && !future::trace::is_on();
        Ok(Traits { is_pure: number & trait_bit::PURE != 0, interprets })
    }

    fn interpret(&self, client: u64, program: &Arc<Program>, out: &mut [u64]) -> Result<()> {
        Local::with(|local| {
            let client = local.enter(Id(client))?;
            if let [out] = out {
                let made = future::prepare_program(program, local, client)?;
                publish(local, client, &made);
                *out = made.id.0;
            } else {
                let job = future::prepare_several(program, local, client, out)?;
                push(local, client, job);
            }
            Ok(())
        })
    }

    fn compute(&self, client: u64, plan: &Plan, out: &mut [u64]) -> Result<()> {
        Local::with(|local| {
            let client = enter(local, client, &[])?;
            future::instantiate(plan, local, client, out)?;
            if client & LIMITED != 0 {
                memory::make_room(client);
            }
            Ok(())
        })
    }
}

/// How many tasks of one call are made available at a time, from outside of workers: the first of them run while the last are made.
const AT_ONCE: usize = 512;

/// Room for so many jobs, or for some if there is not that much memory.
fn room_for_jobs(n: usize) -> Vec<Job> {
    let mut jobs = Vec::new();
    if jobs.try_reserve_exact(n).is_err() {
        jobs.reserve_exact(AT_ONCE);
    }
    jobs
}

/// The arguments of a task with earlier tasks of the call as the futures that they are, which `made` has; in `room` if there are any.
#[inline]
fn resolve<'a>(args: &'a [Arg], made: &[u64], room: &'a mut Vec<Arg>) -> Result<&'a [Arg]> {
    let is_earlier = |arg: &Arg| arg.kind == kind::EARLIER && arg.reserved == 0;
    if !args.iter().any(is_earlier) {
        return Ok(args);
    }
    room.clear();
    if room.try_reserve(args.len()).is_err() {
        return Err(Failure::new(status::NOMEM, format!("no memory for {} arguments", args.len())));
    }
    room.extend(args.iter().map(|arg| match made.get(arg.payload as usize) {
        Some(&future) if is_earlier(arg) => Arg { kind: kind::FUTURE, payload: future, ..*arg },
        _ => *arg, // what is none of these is refused where arguments are read
    }));
    Ok(room)
}

/// The number of the client, or the end of what `args` hands over. Where the client has a limit, waits until there is room.
#[inline(always)]
fn enter(local: &Local, client: u64, args: &[Arg]) -> Result<u32> {
    let id = Id(client);
    let number = local.enter(id).inspect_err(|_| discard(args))?;
    if number & LIMITED != 0 {
        memory::admit(local, id, number).inspect_err(|_| discard(args))?;
    }
    Ok(number)
}

#[inline(always)]
fn publish(local: &Local, client: u32, made: &Made) {
    if let Some(job) = made.job {
        push(local, client, job);
    }
}

#[inline(always)]
fn push(local: &Local, client: u32, job: Job) {
    if !local.push(client, job) {
        future::discard_job(job, local);
    }
}

#[cold]
#[inline(never)]
fn submit_with(
    local: &Local,
    client: u32,
    function: Option<TaskFn>,
    args: &[Arg],
    options: &SubmitOptions<'_>,
    wrong: Option<&Failure>,
) -> Result<u64> {
    let rank = options.rank(client);
    let lane = options.lane(client, local);
    let spec =
        Spec { client, function, options: Some(options), rank: None, identity: None, lane: None, wrong };
    let spec = spec.ranked(&rank).on_lane(&lane);
    let made = future::submit(local, spec, args)?;
    publish_all(local, spec, made.job.as_slice());
    keep(local, lane);
    if client & LIMITED != 0 {
        memory::make_room(client);
    }
    Ok(made.id.0)
}

/// Has the lane of a submit at hand for the next.
fn keep(local: &Local, lane: Result<Option<Arc<Lane>>>) {
    if let Ok(Some(lane)) = lane {
        local.keep_lane(lane);
    }
}

/// Makes many jobs of one rank available, with one wake-up.
fn publish_all(local: &Local, spec: Spec<'_>, jobs: &[Job]) {
    if let Some(lane) = spec.lane {
        let priority = spec.rank.map_or(0, |rank| rank.priority);
        return future::lane::publish_all(lane, jobs, priority, local);
    }
    let is_open = match spec.rank {
        _ if jobs.is_empty() => true,
        None => local.push_all(spec.client, jobs),
        Some(rank) => local.push_ranked(spec.client, jobs, rank),
    };
    if !is_open {
        jobs.iter().for_each(|&job| future::discard_job(job, local));
    }
}
