//! Who waits: through which handle, in which suspended task, and whether such a wait could ever end.

use super::retry::TELLING;
use super::shortage::{self, Left};
use super::task::Task;
use super::walk::{Reached, Ref, Runner, Search};
use super::{NodePtr, State, state_of_node};
use crate::log::log;
use crate::scheduler::{Core, Local, Need};
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::Thread;

/// Futures looked at before a task is suspended, for a wait that could never end. Longer ways round are found when nothing runs any
/// more.
const DEADLOCK_BUDGET: usize = 4096;

/// A blocked wait through handles.
pub(crate) trait Waiter: Send + Sync {
    /// A handle that is waited through was released.
    fn released(&self);
    /// Some handle was released, or some future ended without a value, and the wait did not say of which it wants to know.
    fn some_released(&self);
}

type Waiters = HashMap<u64, Vec<Arc<dyn Waiter>>>;

/// The blocked waits, by the ids of the handles they wait through.
static WAITING: LazyLock<Mutex<Waiters>> = LazyLock::new(Mutex::default);

/// From now on the waiter is told when one of the handles, which were marked as [watched](super::handle::watch) before, is released.
pub(crate) fn enter(ids: &[u64], waiter: &Arc<dyn Waiter>) {
    let mut waiting = WAITING.lock();
    for &id in ids {
        waiting.entry(id).or_default().push(waiter.clone());
    }
}

/// Undoes [`enter`].
pub(crate) fn leave(ids: impl Iterator<Item = u64>, waiter: &Arc<dyn Waiter>) {
    let mut waiting = WAITING.lock();
    for id in ids {
        let Some(waiters) = waiting.get_mut(&id) else { continue };
        if let Some(at) = waiters.iter().position(|other| Arc::ptr_eq(other, waiter)) {
            waiters.swap_remove(at);
        }
        if waiters.is_empty() {
            waiting.remove(&id);
        }
    }
}

/// Waits for so many futures that marking each handle would cost more than looking at all of them when any is released.
static WIDE: Mutex<Vec<WideEntry>> = Mutex::new(Vec::new());
/// How many [`WIDE`] has. Written before a wide wait looks at its handles, read after a handle has ended; all four are sequentially
/// consistent, so either the look finds the handle ended, or whoever ended it finds the wait.
static N_WIDE: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone)]
struct WideEntry {
    waiter: Arc<dyn Waiter>,
    /// Whether it is to hear of futures that end without a value.
    hears_failures: bool,
}

/// A wide wait that stands in the table; dropped to take it out.
pub(crate) struct Wide(Arc<dyn Waiter>);

impl Wide {
    /// From now on the waiter is told when any handle is released, and perhaps when any future ends without a value.
    pub(crate) fn begin(waiter: Arc<dyn Waiter>, hears_failures: bool) -> Self {
        WIDE.lock().push(WideEntry { waiter: waiter.clone(), hears_failures });
        N_WIDE.fetch_add(1, Ordering::SeqCst);
        Self(waiter)
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        N_WIDE.fetch_sub(1, Ordering::SeqCst);
        let mut wide = WIDE.lock();
        if let Some(at) = wide.iter().position(|other| Arc::ptr_eq(&other.waiter, &self.0)) {
            wide.swap_remove(at);
        }
    }
}

/// A handle has ended; `watched` tells whether somebody said to wait through it.
#[inline]
pub(super) fn handle_ended(id: Id, watched: bool) {
    if watched || N_WIDE.load(Ordering::SeqCst) > 0 {
        tell(id, watched);
    }
}

#[cold]
fn tell(id: Id, watched: bool) {
    if watched {
        released(id);
    }
    tell_wide(|_| true);
}

fn tell_wide(hears: impl Fn(&WideEntry) -> bool) {
    let wide = WIDE.lock().clone();
    wide.iter().filter(|entry| hears(entry)).for_each(|entry| entry.waiter.some_released());
}

/// A future has ended without a value; its list is closed. As for a handle that has ended: either who waits finds it, or is told.
#[cold]
pub(super) fn ended_without_value() {
    crate::sync::full_fence();
    if N_WIDE.load(Ordering::SeqCst) > 0 {
        tell_wide(|entry| entry.hears_failures);
    }
}

/// Tells those who wait through a handle that it is no more.
fn released(id: Id) {
    let waiters = WAITING.lock().remove(&id.0);
    for waiter in waiters.into_iter().flatten() {
        waiter.released();
    }
}

/// The wait of a suspended task, as those see it who look for circles.
pub(crate) trait TaskWait: Send + Sync {
    /// Of the futures that are waited for now, the first from place `at` on, and the place behind it.
    fn awaited(&self, at: usize) -> Option<(Ref, usize)>;
    /// The wait is part of a circle.
    fn deadlocked(&self);
    /// Whether anybody hears of that.
    fn hears(&self) -> bool {
        true
    }
}

/// What a task that is about to be suspended waits for.
pub(crate) struct Suspension {
    pub(crate) wait: Arc<dyn TaskWait>,
    pub(crate) until: Until,
    /// The wait ends by itself.
    pub(crate) is_timed: bool,
}

/// When a wait for several futures ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Until {
    AllCompleted,
    FirstCompleted,
    FirstError,
}

pub(super) struct Entry {
    /// The task, and those beneath it on its thread's stack, each of which waits for the one before.
    pub(super) tasks: Vec<Runner>,
    /// The resources that they hold, of their client.
    pub(super) held: Option<Need>,
    thread: Thread,
    pub(super) wait: Suspension,
}

static SUSPENDED: Mutex<Vec<Arc<Entry>>> = Mutex::new(Vec::new());
/// Held from entering a suspension to having looked for a circle, so that of two that complete one, one sees the other.
static LOOKING: Mutex<()> = Mutex::new(());

/// Calls `f` while nobody else looks for circles, or adds to one. Destructors wait until it is over: they are not to run under the lock.
pub(super) fn looking<T>(local: &Local, f: impl FnOnce() -> T) -> T {
    local.bury_later(|| {
        // A look may be what ends a future. Its lock comes first: whoever returned a future has it when coming here.
        let _telling = TELLING.read_recursive();
        let _looking = LOOKING.lock();
        f()
    })
}

/// A suspension that stands in the table; dropped to take it out.
pub(crate) struct Suspended(Arc<Entry>);

/// The failure of a wait that could never end.
pub(crate) fn deadlock() -> Failure {
    Failure::new(status::DEADLOCK, "this wait could never end: what it waits for waits for this task")
}

impl Suspension {
    /// Enters the wait of `task` in the table. `DEADLOCK`: it could never end.
    pub(crate) fn begin(self, local: &Local, task: &Task) -> Result<Suspended> {
        let tasks = std::iter::successors(Some(task), |task| task.beneath()).map(Task::runner).collect();
        let thread = std::thread::current();
        let entry = Arc::new(Entry { tasks, held: local.held(), thread, wait: self });
        looking(local, || {
            SUSPENDED.lock().push(entry.clone());
            CHANGES.fetch_add(1, Ordering::Relaxed);
            let entered = Suspended(entry);
            if entered.0.is_in_circle(DEADLOCK_BUDGET, false) { Err(deadlock()) } else { Ok(entered) }
        })
        .inspect_err(|_| log!(Debug, "deadlock: what {} would wait for waits for it", key_of(task.node())))
    }
}

impl Suspension {
    /// The futures that are not done.
    fn open(&self) -> impl Iterator<Item = Ref> + '_ {
        let mut place = 0;
        let awaited = std::iter::from_fn(move || {
            let (future, next) = self.wait.awaited(place)?;
            place = next;
            Some(future)
        });
        awaited.filter(|future| matches!(state_of_node(future.node()), State::Pending | State::Running))
    }
}

impl Entry {
    /// Whether what the wait needs cannot end before the task itself has. `nothing_runs`: no other future will end meanwhile either.
    fn is_in_circle(&self, budget: usize, nothing_runs: bool) -> bool {
        let left = Left::when_held_by(std::iter::once(self));
        self.reach(&mut Search::new(&self.tasks, &left, budget), nothing_runs).is_some()
    }

    /// Why the wait needs what is searched for.
    pub(super) fn reach(&self, search: &mut Search<'_>, nothing_runs: bool) -> Option<Reached> {
        let mut open = self.wait.open();
        match self.wait.until {
            Until::AllCompleted => open.find_map(|future| search.reach(future.node())),
            // One that fails would do.
            Until::FirstError if nothing_runs => open.find_map(|future| search.reach(future.node())),
            // One that does not need it ends the wait.
            Until::FirstError | Until::FirstCompleted => {
                let mut last = None;
                for future in open {
                    last = Some(search.reach(future.node())?);
                }
                last
            }
        }
    }

    /// The client of the tasks.
    pub(super) fn client(&self) -> u32 {
        self.tasks[0].node.client()
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        let mut suspended = SUSPENDED.lock();
        if let Some(at) = suspended.iter().position(|other| Arc::ptr_eq(other, &self.0)) {
            suspended.swap_remove(at);
        }
    }
}

/// A suspended wait, for who looks at it from outside.
pub(super) struct SuspendedWait {
    /// As [`Entry`] has them, the innermost first.
    pub(super) tasks: Vec<Ref>,
    pub(super) thread: Thread,
    /// What is waited for and not done.
    pub(super) open: Vec<Ref>,
    pub(super) until: Until,
    pub(super) is_timed: bool,
}

/// The waits that are suspended just now, of all clients.
pub(super) fn suspended() -> Vec<SuspendedWait> {
    let suspended = SUSPENDED.lock();
    // As long as the lock is held they stay so, and what is suspended or waited for has references.
    let looked_at = suspended.iter().map(|entry| SuspendedWait {
        tasks: entry.tasks.iter().map(|task| Ref::new(task.node)).collect(),
        thread: entry.thread.clone(),
        open: entry.wait.open().collect(),
        until: entry.wait.until,
        is_timed: entry.wait.is_timed,
    });
    looked_at.collect()
}

/// What those for which `is_meant`, as far as they are suspended, wait for without limit.
pub(super) fn waited_for_by(is_meant: impl Fn(Runner) -> bool) -> Vec<Ref> {
    let mut needed = Vec::new();
    let mut waits = Vec::new();
    for entry in SUSPENDED.lock().iter() {
        match entry.tasks.iter().position(|&task| is_meant(task)) {
            None => {}
            Some(0) => waits.push(entry.clone()),
            // The task above it runs, so that one has references.
            Some(at) => needed.push(Ref::new(entry.tasks[at - 1].node)),
        }
    }
    // More than one if it is a graph, several of whose steps wait: it needs what any of them does.
    for entry in waits {
        let mut open = entry.wait.open();
        match entry.wait.until {
            _ if entry.wait.is_timed => {}
            Until::AllCompleted | Until::FirstError => needed.extend(open),
            // Of several of which any would do, none is needed.
            Until::FirstCompleted => needed.extend(open.next().filter(|_| open.next().is_none())),
        }
    }
    needed
}

/// Counts what can close a circle: suspensions, and tasks that wait for another's result.
static CHANGES: AtomicUsize = AtomicUsize::new(0);

/// For the log: the key of a task that is suspended or about to be.
fn key_of(task: NodePtr) -> String {
    super::key::of(task).to_string_lossy().into_owned()
}

/// Nothing runs and nothing is queued, yet tasks are suspended: ends a wait that is part of a circle, if there is one. Looks only if
/// something has changed since the last look.
pub(super) fn resolve_deadlocks(core: &Core) {
    static LOOKED_AT: AtomicUsize = AtomicUsize::new(0);
    Local::with(|local| {
        let found = looking(local, || {
            // Relaxed: both are written under the lock.
            let changes = CHANGES.load(Ordering::Relaxed);
            let suspended = SUSPENDED.lock().clone();
            let is_new = LOOKED_AT.swap(changes, Ordering::Relaxed) != changes;
            let circle = suspended
                .iter()
                // Others may become part of a circle when some of what they wait for is done, and does not end them.
                .filter(|entry| {
                    !entry.wait.is_timed
                        && entry.wait.wait.hears()
                        && (is_new || entry.wait.until != Until::AllCompleted)
                })
                .find(|entry| entry.is_in_circle(usize::MAX, true));
            let waits_for_resources = || if core.has_waiting() { shortage::find(&suspended) } else { None };
            let entry = circle.or_else(waits_for_resources)?;
            // Asked before the wait is ended, after which the task may be gone. If it is already, the log names another: no harm.
            let task = crate::log::is_on(crate::log::Level::Debug).then(|| key_of(entry.tasks[0].node));
            entry.wait.wait.deadlocked();
            // There may be another one.
            CHANGES.fetch_add(1, Ordering::Relaxed);
            task
        });
        if let Some(task) = found {
            log!(Debug, "deadlock: nothing runs, and what {task} waits for waits for it");
        }
    });
}

/// A task waits for another's result from now on. Called while [`looking`].
pub(super) fn forwarded() {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}
