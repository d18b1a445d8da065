//! Who waits: through which handle, in which suspended task, and whether such a wait could ever end.

use super::shortage::{self, Left};
use super::task::Task;
use super::walk::{Reached, Ref, Search};
use super::{NodePtr, State, Watcher, state_of_node};
use crate::scheduler::{Core, Local, Need};
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

/// Futures looked at before a task is suspended, for a wait that could never end. Longer ways round are found when nothing runs any
/// more.
const DEADLOCK_BUDGET: usize = 4096;

/// A blocked wait.
pub(crate) trait Waiter: Watcher {
    /// A handle that is waited through was released.
    fn released(&self);
    /// The wait is part of a circle.
    fn deadlocked(&self);
    /// Some handle was released, and the wait did not say of which it wants to know.
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
static WIDE: Mutex<Vec<Arc<dyn Waiter>>> = Mutex::new(Vec::new());
/// How many [`WIDE`] has. Written before a wide wait looks at its handles, read after a handle has ended; all four are sequentially
/// consistent, so either the look finds the handle ended, or whoever ended it finds the wait.
static N_WIDE: AtomicUsize = AtomicUsize::new(0);

/// A wide wait that stands in the table; dropped to take it out.
pub(crate) struct Wide(Arc<dyn Waiter>);

impl Wide {
    /// From now on the waiter is told when any handle is released.
    pub(crate) fn begin(waiter: Arc<dyn Waiter>) -> Self {
        WIDE.lock().push(waiter.clone());
        N_WIDE.fetch_add(1, Ordering::SeqCst);
        Self(waiter)
    }
}

impl Drop for Wide {
    fn drop(&mut self) {
        N_WIDE.fetch_sub(1, Ordering::SeqCst);
        let mut wide = WIDE.lock();
        if let Some(at) = wide.iter().position(|other| Arc::ptr_eq(other, &self.0)) {
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
    let wide = WIDE.lock().clone();
    wide.iter().for_each(|waiter| waiter.some_released());
}

/// Tells those who wait through a handle that it is no more.
fn released(id: Id) {
    let waiters = WAITING.lock().remove(&id.0);
    for waiter in waiters.into_iter().flatten() {
        waiter.released();
    }
}

/// What a task that is about to be suspended waits for.
pub(crate) struct Suspension {
    pub(crate) futures: Vec<Ref>,
    pub(crate) until: Until,
    /// The wait ends by itself.
    pub(crate) is_timed: bool,
    pub(crate) waiter: Arc<dyn Waiter>,
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
    pub(super) tasks: Vec<NodePtr>,
    /// The resources that they hold, of their client.
    pub(super) held: Option<Need>,
    pub(super) wait: Suspension,
}

static SUSPENDED: Mutex<Vec<Arc<Entry>>> = Mutex::new(Vec::new());
/// Held from entering a suspension to having looked for a circle, so that of two that complete one, one sees the other.
static LOOKING: Mutex<()> = Mutex::new(());

/// Calls `f` while nobody else looks for circles, or adds to one. Destructors wait until it is over: they are not to run under the lock.
pub(super) fn looking<T>(local: &Local, f: impl FnOnce() -> T) -> T {
    local.bury_later(|| {
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
        let tasks = std::iter::successors(Some(task), |task| task.beneath()).map(Task::node).collect();
        let entry = Arc::new(Entry { tasks, held: local.held(), wait: self });
        looking(local, || {
            SUSPENDED.lock().push(entry.clone());
            CHANGES.fetch_add(1, Ordering::Relaxed);
            let entered = Suspended(entry);
            if entered.0.is_in_circle(DEADLOCK_BUDGET, false) { Err(deadlock()) } else { Ok(entered) }
        })
    }
}

impl Suspension {
    /// The futures that are not done.
    fn open(&self) -> impl Iterator<Item = NodePtr> + '_ {
        let is_open = |node: &NodePtr| matches!(state_of_node(*node), State::Pending | State::Running);
        self.futures.iter().map(Ref::node).filter(is_open)
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
            Until::AllCompleted => open.find_map(|future| search.reach(future)),
            // One that fails would do.
            Until::FirstError if nothing_runs => open.find_map(|future| search.reach(future)),
            // One that does not need it ends the wait.
            Until::FirstError | Until::FirstCompleted => {
                let mut last = None;
                for future in open {
                    last = Some(search.reach(future)?);
                }
                last
            }
        }
    }

    /// The client of the tasks.
    pub(super) fn client(&self) -> u32 {
        self.tasks[0].client()
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

/// What the task, if it is suspended, waits for without limit.
pub(super) fn waited_for_by(task: NodePtr) -> Vec<Ref> {
    let suspended = SUSPENDED.lock();
    for entry in suspended.iter() {
        let Some(at) = entry.tasks.iter().position(|&other| other == task) else { continue };
        if at > 0 {
            // The task above it runs, so that one has references.
            return vec![Ref::new(entry.tasks[at - 1])];
        }
        if entry.wait.is_timed {
            return Vec::new();
        }
        let open: Vec<_> = entry.wait.open().map(Ref::new).collect();
        // Of several of which any would do, none is needed.
        return if entry.wait.until != Until::FirstCompleted || open.len() == 1 { open } else { Vec::new() };
    }
    Vec::new()
}

/// Counts what can close a circle: suspensions, and tasks that wait for another's result.
static CHANGES: AtomicUsize = AtomicUsize::new(0);

/// Nothing runs and nothing is queued, yet tasks are suspended: ends a wait that is part of a circle, if there is one. Looks only if
/// something has changed since the last look.
pub(super) fn resolve_deadlocks(core: &Core) {
    static LOOKED_AT: AtomicUsize = AtomicUsize::new(0);
    Local::with(|local| {
        looking(local, || {
            // Relaxed: both are written under the lock.
            let changes = CHANGES.load(Ordering::Relaxed);
            let suspended = SUSPENDED.lock().clone();
            let is_new = LOOKED_AT.swap(changes, Ordering::Relaxed) != changes;
            let circle = suspended
                .iter()
                // A wait for an error may become part of a circle when others it waits for finish.
                .filter(|entry| !entry.wait.is_timed && (is_new || entry.wait.until == Until::FirstError))
                .find(|entry| entry.is_in_circle(usize::MAX, true));
            let circle =
                circle.or_else(|| if core.has_waiting() { shortage::find(&suspended) } else { None });
            if let Some(entry) = circle {
                entry.wait.waiter.deadlocked();
                // There may be another one.
                CHANGES.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
}

/// A task waits for another's result from now on. Called while [`looking`].
pub(super) fn forwarded() {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}
