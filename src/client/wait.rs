//! Waiting: for one future or many, from outside or inside a task.
//!
//! From outside, a wait is a [`Signal`] that watches the futures. Inside a task the thread's slot must not stand idle, and the task's wait
//! must not be for itself. So a task that waits first runs, on top of itself, what it waits for and what that needs, and nothing
//! else: a task on top then holds up only tasks that truly wait for it. What cannot be run so is waited for with the slot given to
//! another thread, after a look at whether the wait could ever end.

use super::{Timeout, Until};
use crate::future::waiting::{self, Suspension, TaskWait, Waiter, Wide};
use crate::future::walk::{Help, Ref};
use crate::future::{
    self, Cascade, FirstHandle, NodePtr, State, Task, Watch, Watcher, Watching, at_future, handle,
};
use crate::scheduler::Local;
use crate::slab::Id;
use crate::status::{self, Failure, Result, Status};
use crate::value::{self, LIMITED, Value};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many futures one wait for all watches at a time. Those watched are the last of the open ones: when they are done, most others are.
const WATCHED: usize = 1024;
/// How long a wait looks before it blocks: less than a blocked thread takes to come back.
const LOOK: Duration = Duration::from_micros(5);
/// How long releases of handles gather before a wait for very many futures looks at all of its handles.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What wakes a blocked wait.
struct Signal {
    state: Mutex<Told>,
    changed: Condvar,
}

#[derive(Default)]
struct Told {
    done: usize,
    failed: bool,
    /// A handle that is waited through was released.
    released: bool,
    /// The wait was found to be part of a circle.
    deadlocked: bool,
    /// Some handle was released, or some future ended without a value: it may be one of ours that is not watched.
    some_released: bool,
}

impl Signal {
    fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(Told::default()), changed: Condvar::new() })
    }

    fn change(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.state.lock());
        self.changed.notify_one();
    }

    /// Blocks until the condition holds; `false` when the time is up first.
    fn wait(&self, deadline: Option<Instant>, mut condition: impl FnMut(&Told) -> bool) -> bool {
        let mut told = self.state.lock();
        loop {
            if condition(&told) {
                return true;
            }
            match deadline {
                None => self.changed.wait(&mut told),
                Some(deadline) => {
                    if self.changed.wait_until(&mut told, deadline).timed_out() {
                        return condition(&told);
                    }
                }
            }
        }
    }
}

impl Watcher for Signal {
    fn done(&self, _token: usize, state: State) {
        self.change(|told| {
            told.done += 1;
            told.failed |= state != State::Finished;
        });
    }
}

impl Waiter for Signal {
    fn released(&self) {
        self.change(|told| told.released = true);
    }

    fn some_released(&self) {
        let mut told = self.state.lock();
        if !std::mem::replace(&mut told.some_released, true) {
            self.changed.notify_one();
        }
    }
}

/// The wait of a suspended task.
struct Blocked {
    futures: Vec<Ref>,
    signal: Arc<Signal>,
}

impl TaskWait for Blocked {
    fn awaited(&self, at: usize) -> Option<(Ref, usize)> {
        Some((Ref::new(self.futures.get(at)?.node()), at + 1))
    }

    fn deadlocked(&self) {
        self.signal.change(|told| told.deadlocked = true);
    }
}

/// A future that a blocked wait watches.
struct Watched {
    id: u64,
    node: NodePtr,
    watching: Option<Watching>,
}

/// The futures that a blocked wait watches; undone when dropped.
struct WatchedSet {
    signal: Arc<Signal>,
    /// Kept while there are futures to wait for that are not in the set.
    wide: Option<Wide>,
    futures: Vec<Watched>,
    /// How many of them were done before they could be watched.
    done: usize,
}

impl WatchedSet {
    /// Watches the last of the futures, or all: for the first that completes, or for a task's wait, in which each of them counts.
    fn begin(futures: &[u64], until: Until, in_task: bool) -> Result<Self> {
        let signal = Signal::new();
        let mut wide = None;
        let mut watched = futures;
        let counts_each = until == Until::FirstCompleted || until == Until::FirstError && in_task;
        if !counts_each && futures.len() > WATCHED {
            wide = Some(Wide::begin(signal.clone(), until == Until::FirstError));
            // Those that ended before the wait was announced are found now, later ones are told.
            let (rest, last) = futures.split_at(futures.len() - WATCHED);
            for &future in rest {
                let is_failed = is_failed(future::state(future)?);
                if is_failed && until == Until::FirstError {
                    signal.some_released();
                }
            }
            watched = last;
        }
        let futures = watched;
        let mut set = Self { signal, wide, futures: Vec::with_capacity(futures.len()), done: 0 };
        for &id in futures {
            // The mark comes before the entry in the table: a release in between is noticed below.
            let node = handle::watch(Id(id))?.into_node();
            set.futures.push(Watched { id, node, watching: None });
        }
        let waiter: Arc<dyn Waiter> = set.signal.clone();
        waiting::enter(futures, &waiter);
        for watched in &mut set.futures {
            if !handle::is_live(Id(watched.id)) {
                return Err(handle_released());
            }
            watched.watching = Watch::begin(watched.node, 0, set.signal.clone()).ok();
            set.done += usize::from(watched.watching.is_none());
        }
        Ok(set)
    }

    fn nodes(&self) -> impl Iterator<Item = NodePtr> + '_ {
        self.futures.iter().map(|watched| watched.node)
    }

    /// Whether what is told, with what was done before, meets the condition.
    fn is_enough(&self, until: Until, told: &Told) -> bool {
        let done = self.done + told.done;
        done == self.futures.len()
            || match until {
                Until::AllCompleted => false,
                Until::FirstCompleted => done > 0,
                Until::FirstError => told.failed || self.done > 0,
            }
    }
}

impl Drop for WatchedSet {
    fn drop(&mut self) {
        let waiter: Arc<dyn Waiter> = self.signal.clone();
        waiting::leave(self.futures.iter().map(|watched| watched.id), &waiter);
        Local::with(|local| {
            let mut cascade = Cascade::new(local);
            for watched in self.futures.drain(..) {
                if let Some(watching) = watched.watching {
                    watching.end(watched.node);
                }
                cascade.let_go(watched.node);
            }
            cascade.run();
        });
    }
}

fn handle_released() -> Failure {
    Failure::handle("the handle was released while it was waited for")
}

pub(super) fn destructor_waits() -> Failure {
    Failure::new(status::STATE, "a destructor that a worker runs cannot wait")
}

pub(super) fn codec_waits() -> Failure {
    Failure::new(
        status::STATE,
        "a function of a rask_type can neither wait nor close a client while a value is spilled or loaded",
    )
}

pub(super) fn time_is_up() -> Failure {
    Failure::new(status::TIMEOUT, "the time was up before the wait was over")
}

// ---- the verbs ----------------------------------------------------------------------------------------------------------

/// Waits until the condition holds. `done`, when there, has one flag a future and is written on every path.
pub fn wait(futures: &[u64], until: Until, timeout: Timeout, done: Option<&mut [bool]>) -> Result<()> {
    let Some(done) = done else { return wait_for_several(futures, until, timeout) };
    let begun = Instant::now();
    loop {
        let outcome = wait_for_several(futures, until, timeout.left(begun));
        let states: Vec<_> = futures.iter().map(|&future| future::state(future)).collect();
        for (done, state) in done.iter_mut().zip(&states) {
            *done = state.as_ref().is_ok_and(|state| is_done(*state));
        }
        let are_live = states.iter().all(Result::is_ok);
        let is_over = are_live && (futures.is_empty() || is_over(states.into_iter().flatten(), until));
        // Status and flags tell one story.
        match outcome {
            // What ended between the time being up and this look ended in time.
            Err(failure) if failure.status == status::TIMEOUT && is_over => return Ok(()),
            // Retried before this look.
            Ok(()) if are_live && !is_over => {}
            outcome => return outcome,
        }
    }
}

fn is_done(state: State) -> bool {
    !matches!(state, State::Pending | State::Running)
}

fn is_failed(state: State) -> bool {
    matches!(state, State::Error | State::Cancelled | State::Lost)
}

/// Whether futures in these states end a wait.
fn is_over(mut states: impl Iterator<Item = State>, until: Until) -> bool {
    match until {
        Until::AllCompleted => states.all(is_done),
        Until::FirstCompleted => states.any(is_done),
        Until::FirstError => {
            let states: Vec<_> = states.collect();
            states.iter().any(|&state| is_failed(state)) || states.into_iter().all(is_done)
        }
    }
}

/// As [`wait_until`]; of a bad handle is told which it is.
fn wait_for_several(futures: &[u64], until: Until, timeout: Timeout) -> Result<()> {
    wait_until(futures, until, timeout).map_err(|wrong| {
        let culprit = futures.iter().position(|&future| future::state(future).is_err());
        culprit.map_or(wrong.clone(), |index| at_future(index, wrong))
    })
}

fn wait_until(futures: &[u64], until: Until, timeout: Timeout) -> Result<()> {
    let deadline = timeout.deadline();
    let polls = timeout == Timeout::After(Duration::ZERO);
    let mut open = open_ones(futures, until)?;
    while !open.is_empty() {
        if polls {
            return Err(time_is_up());
        }
        block(&open, until, deadline)?;
        open = open_ones(if until == Until::AllCompleted { &open } else { futures }, until)?;
    }
    Ok(())
}

/// The futures that are not done; none when the condition holds. A bad handle is a failure whatever the others are.
fn open_ones(futures: &[u64], until: Until) -> Result<Vec<u64>> {
    let mut open = Vec::new();
    let mut met = false;
    for &future in futures {
        match future::state(future)? {
            State::Pending | State::Running => open.push(future),
            State::Finished => met |= until == Until::FirstCompleted,
            State::Error | State::Cancelled | State::Lost => met |= until != Until::AllCompleted,
        }
    }
    if met {
        open.clear();
    }
    Ok(open)
}

/// Waits for the future, then its value, valid until the handle is released; the status of its error otherwise.
pub fn result(future: u64, timeout: Timeout) -> Result<*const Value> {
    let mut begun = None;
    loop {
        let taken = handle::pin(Id(future))?;
        let outcome = outcome_to_read(taken.node());
        taken.let_go();
        match outcome {
            Some(outcome) => return outcome,
            // More than once only if it is retried before it is looked at.
            None => {
                let begun = *begun.get_or_insert_with(Instant::now);
                wait_until(&[future], Until::AllCompleted, timeout.left(begun))?;
            }
        }
    }
}

/// An i64 result, read without holding on to the future; `TYPE` for another kind.
#[inline]
pub fn result_i64(future: u64) -> Result<i64> {
    let handle = future::first_handle(future);
    match handle.and_then(FirstHandle::i64) {
        Some(value) => Ok(value),
        None => result_i64_by_waiting(future, handle),
    }
}

#[inline(never)]
fn result_i64_by_waiting(future: u64, handle: Option<FirstHandle>) -> Result<i64> {
    if let Some(handle) = handle
        && Local::with(|local| Task::current(local).is_some() && handle.run_child(local))
        && let Some(value) = handle.i64()
    {
        return Ok(value);
    }
    read_result(future, Timeout::Forever, |value| {
        value.as_i64().ok_or_else(|| {
            Failure::new(status::TYPE, format!("the result is not an i64 but {}", value.kind_in_words()))
        })
    })
}

/// Waits for the future, then runs `read` on its value while nobody can take it away; the status of its error otherwise.
pub fn read_result<T>(future: u64, timeout: Timeout, read: impl FnOnce(&Value) -> Result<T>) -> Result<T> {
    loop {
        let taken = handle::pin(Id(future))?;
        match outcome_to_read(taken.node()) {
            Some(outcome) => {
                // SAFETY: the node is finished, and `taken` keeps it so.
                let result = outcome.and_then(|value| read(unsafe { &*value }));
                taken.let_go();
                return result;
            }
            None => taken.let_go(),
        }
        wait_until(&[future], Until::AllCompleted, timeout)?;
    }
}

/// The outcome of a done node. What is read of it through a handle has to stay where it is until that is released.
fn outcome_to_read(node: NodePtr) -> Option<Result<*const Value>> {
    let outcome = future::outcome(node)?;
    if node.client() & LIMITED != 0
        && let Ok(value) = &outcome
    {
        // SAFETY: the node is finished, and the caller counts a reference.
        unsafe { &**value }.keep();
    }
    Some(outcome)
}

/// Waits for all; one status and one value (null where there is none) for each future.
pub fn gather(
    futures: &[u64],
    timeout: Timeout,
    mut values: Option<&mut [*const Value]>,
    mut statuses: Option<&mut [Status]>,
) -> Result<()> {
    let until = if statuses.is_some() { Until::AllCompleted } else { Until::FirstError };
    let begun = Instant::now();
    loop {
        let waited = wait_for_several(futures, until, timeout.left(begun));
        let mut first = Ok(());
        let mut all_done = true;
        for (index, &future) in futures.iter().enumerate() {
            let outcome = result(future, Timeout::After(Duration::ZERO));
            let status = outcome.as_ref().map_or_else(|failure| failure.status, |_| status::OK);
            all_done &= status != status::TIMEOUT;
            if let Some(values) = &mut values {
                values[index] = outcome.as_ref().map_or(std::ptr::null(), |value| *value);
            }
            match &mut statuses {
                Some(statuses) => statuses[index] = status,
                // An open future is no error of its own: what the wait said of it counts.
                None if status != status::TIMEOUT => {
                    first = first.and_then(|()| {
                        outcome.map(drop).map_err(|wrong| match future::state(future) {
                            Ok(_) => wrong,
                            Err(_) => at_future(index, wrong),
                        })
                    });
                }
                None => {}
            }
        }
        match waited {
            // What ended between the time being up and this look ended in time.
            Err(failure) if failure.status == status::TIMEOUT && all_done => return first,
            // Retried before this look.
            Ok(()) if !all_done && first.is_ok() => {}
            waited => return first.and(waited),
        }
    }
}

// ---- blocking -----------------------------------------------------------------------------------------------------------

/// Blocks until the condition holds for the open futures given, by whatever means the calling thread has.
fn block(futures: &[u64], until: Until, deadline: Option<Instant>) -> Result<()> {
    Local::with(|local| match Task::current(local) {
        // What this thread has yet to tell others may be what the destructor waits for.
        _ if local.is_worker() && local.is_burying() => Err(destructor_waits()),
        // What it waits for may need the value that is being encoded or decoded.
        _ if value::codec_is_running() => Err(codec_waits()),
        Some(task) if local.slot().is_some() || task.is_on_lane() => {
            block_task(local, task, futures, until, deadline)
        }
        _ => {
            if let [future] = futures
                && look(*future)?
            {
                return Ok(());
            }
            block_thread(&WatchedSet::begin(futures, until, false)?, until, deadline)
        }
    })
}

/// Looks at a future for a short while, in case it is done in a moment.
fn look(future: u64) -> Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < LOOK {
        for _ in 0..16 {
            if is_done(future::state(future)?) {
                return Ok(true);
            }
            std::hint::spin_loop();
        }
    }
    Ok(false)
}

fn block_thread(set: &WatchedSet, until: Until, deadline: Option<Instant>) -> Result<()> {
    let mut ended = Ok(());
    let in_time = set.signal.wait(deadline, |told| {
        ended = if told.released {
            Err(handle_released())
        } else if told.deadlocked {
            Err(future::deadlock())
        } else {
            Ok(())
        };
        ended.is_err() || set.is_enough(until, told) || told.some_released
    });
    if set.wide.is_some() && set.signal.state.lock().some_released {
        // All are looked at again now: that many releases cause one look, not as many.
        std::thread::sleep(LOOK_AGAIN);
    }
    if in_time { ended } else { Err(time_is_up()) }
}

fn block_task(
    local: &Local,
    task: &Task,
    futures: &[u64],
    until: Until,
    deadline: Option<Instant>,
) -> Result<()> {
    // On top of the task goes only what it must wait for anyhow: not any of several, and nothing when the time may be up before. Nor does anything
    // on top of a lane's task, on a thread that is the program's.
    if until != Until::FirstCompleted && deadline.is_none() && local.slot().is_some() {
        help(local, task, futures)?;
        if futures.iter().all(|&future| future::state(future).is_ok_and(is_done)) {
            return Ok(());
        }
    }
    let set = WatchedSet::begin(futures, until, true)?;
    let wait = Blocked { futures: set.nodes().map(Ref::new).collect(), signal: set.signal.clone() };
    let suspension =
        Suspension { wait: Arc::new(wait), until, is_timed: deadline.is_some() }.begin(local, task)?;
    let outcome = suspended_meanwhile(local, || block_thread(&set, until, deadline)).and_then(|ended| ended);
    drop(suspension);
    outcome
}

/// Runs, on top of the task, the futures and what they need, as far as that is queued and there is stack.
fn help(local: &Local, task: &Task, futures: &[u64]) -> Result<()> {
    for &future in futures {
        if future::first_handle(future).is_some_and(|handle| handle.run_child(local))
            && future::state(future).is_ok_and(is_done)
        {
            continue;
        }
        let future = Ref::of(handle::pin(Id(future))?);
        // Tasks of another client are its own workers' to run.
        if future.node().client() != task.node().client() {
            continue;
        }
        let mut help = Help::new(future.node());
        while local.has_stack()
            && let Some(ready) = help.next()
        {
            future::execute(ready.node(), local, Cascade::new(local));
            future::help_graph(ready.node(), local);
            drop(ready);
            future::drop_stale_entries(local);
        }
        future::help_graph(future.node(), local);
    }
    Ok(())
}

/// Runs `blocking` with this thread's slot, if it has one, given to another thread.
pub(super) fn suspended_meanwhile<T>(local: &Local, blocking: impl FnOnce() -> T) -> Result<T> {
    let Some(core) = local.slot().map(|slot| slot.core.clone()) else {
        return Ok(blocking());
    };
    core.suspend(local)?;
    let result = blocking();
    core.resume(local);
    Ok(result)
}
