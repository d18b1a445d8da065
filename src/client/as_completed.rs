//! As completed: an iteration over futures in the order in which they are done.
//!
//! Each future added is watched; the thread that ends it moves it from the open ones to the completed ones, from where `next` takes them.
//! The iteration counts no references on the futures it watches. It remembers which life of a node it saw, and when it is closed, it
//! takes back its watches from those that still live that life; the others are done, and it was told, or is just being told.

use super::table::Table;
use super::{Timeout, Until, wait};
use crate::future::waiting::{Suspension, TaskWait};
use crate::future::walk::Ref;
use crate::future::{self, NodePtr, State, Task, Watch, Watcher, Watching, at_future, handle};
use crate::scheduler::{Event, Local};
use crate::slab::{Id, Kind};
use crate::status::{self, Failure, Result};
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static ITERATIONS: Table<Iteration> = Table::new(Kind::AsCompleted, "rask_as_completed");

/// How many iterations are open.
pub(super) fn open_iterations() -> u64 {
    ITERATIONS.len()
}

/// Begins an iteration over the futures; its id. A bad handle among them is a failure, and nothing is begun.
pub fn open(futures: &[u64]) -> Result<u64> {
    let iteration = Arc::new(Iteration::default());
    iteration.add(futures)?;
    Ok(ITERATIONS.insert(iteration))
}

/// Adds futures. A bad handle among them is a failure, and none is added.
pub fn add(iteration: u64, futures: &[u64]) -> Result<()> {
    ITERATIONS.get(iteration)?.add(futures)
}

/// Waits for a future that is done and was not delivered yet; the id it was added by, or `None` when all have been delivered.
pub fn next(iteration: u64, timeout: Timeout) -> Result<Option<u64>> {
    ITERATIONS.get(iteration)?.next(timeout)
}

/// How many futures have not been delivered yet.
pub fn count(iteration: u64) -> Result<usize> {
    Ok(ITERATIONS.get(iteration)?.progress.lock().outstanding())
}

/// A file descriptor, the iteration's own, that is readable while a completed future waits to be delivered.
pub fn fd(iteration: u64) -> Result<RawFd> {
    ITERATIONS.get(iteration)?.fd()
}

/// Ends an iteration, and the waits for its next.
pub fn close(iteration: u64) -> Result<()> {
    ITERATIONS.remove(iteration)?.close();
    Ok(())
}

#[derive(Default)]
struct Iteration {
    progress: Mutex<Progress>,
    /// A future was completed, the last was delivered, the iteration was closed, or a wait for it was found to be part of a circle.
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    /// Futures that are not done, by the tokens of their watches, which are serial.
    open: BTreeMap<usize, Open>,
    next_token: usize,
    /// Futures that calls of `add` are about to add: until then, nobody is told that there are no more.
    adding: usize,
    /// What is done and not delivered yet, in the order it was done.
    completed: VecDeque<u64>,
    /// Set while `completed` has any; there once it was asked for.
    event: Option<Event>,
    is_closed: bool,
}

/// A future that is watched.
struct Open {
    /// The handle it was added by.
    id: u64,
    node: NodePtr,
    /// The life that the node was in: see [`Ref::join`].
    life: u64,
    watching: Watching,
}

impl Progress {
    fn check(&self) -> Result<()> {
        if self.is_closed { Err(Failure::handle("the rask_as_completed was closed")) } else { Ok(()) }
    }

    fn outstanding(&self) -> usize {
        self.open.len() + self.completed.len() + self.adding
    }

    fn complete(&mut self, id: u64) {
        if self.completed.is_empty()
            && let Some(event) = &self.event
        {
            event.set();
        }
        self.completed.push_back(id);
    }

    /// Takes the first of what is completed.
    fn deliver(&mut self) -> Option<u64> {
        let id = self.completed.pop_front()?;
        if self.completed.is_empty()
            && let Some(event) = &self.event
        {
            event.clear();
        }
        Some(id)
    }
}

impl Iteration {
    fn add(self: &Arc<Self>, futures: &[u64]) -> Result<()> {
        let pinned = pin_all(futures)?;
        {
            let mut progress = self.progress.lock();
            progress.check()?;
            progress.adding += futures.len();
        }
        // One at a time, so that whoever completes a future meanwhile is not kept.
        for (&id, future) in futures.iter().zip(&pinned) {
            let node = future.node();
            let mut progress = self.progress.lock();
            progress.check()?;
            progress.adding -= 1;
            let token = progress.next_token;
            progress.next_token += 1;
            match Watch::begin(node, token, self.clone()) {
                // Whoever tells the watch waits for the lock, and then finds the entry.
                Ok(watching) => {
                    progress.open.insert(token, Open { id, node, life: node.life.peek(), watching });
                }
                Err(_) => {
                    progress.complete(id);
                    self.changed.notify_one();
                }
            }
        }
        Ok(())
    }

    fn next(self: &Arc<Self>, timeout: Timeout) -> Result<Option<u64>> {
        if let Some(next) = self.take(&mut self.progress.lock())? {
            return Ok(next);
        }
        if timeout == Timeout::After(Duration::ZERO) {
            return Err(wait::time_is_up());
        }
        let deadline = timeout.deadline();
        Local::with(|local| match Task::current(local) {
            _ if local.is_worker() && local.is_burying() => Err(wait::destructor_waits()),
            Some(task) if local.slot().is_some() || task.is_on_lane() => {
                self.next_in_task(local, task, deadline)
            }
            _ => self.wait(deadline, || false),
        })
    }

    fn next_in_task(
        self: &Arc<Self>,
        local: &Local,
        task: &Task,
        deadline: Option<Instant>,
    ) -> Result<Option<u64>> {
        let turn = Arc::new(Turn { iteration: self.clone(), is_deadlocked: AtomicBool::new(false) });
        let is_timed = deadline.is_some();
        let wait = Suspension { wait: turn.clone(), until: Until::FirstCompleted, is_timed };
        let suspension = wait.begin(local, task)?;
        let outcome = wait::suspended_meanwhile(local, || self.wait(deadline, || turn.is_deadlocked()));
        drop(suspension);
        outcome.and_then(|ended| ended)
    }

    /// What there is to be delivered: a future, or (`Some(None)`) that there are no more.
    fn take(&self, progress: &mut Progress) -> Result<Option<Option<u64>>> {
        progress.check()?;
        let next = progress.deliver();
        let is_last = progress.outstanding() == 0;
        if is_last {
            // Nor is there anything for others to wait for.
            self.changed.notify_all();
        }
        Ok(if next.is_some() || is_last { Some(next) } else { None })
    }

    /// Blocks until there is something to be delivered.
    fn wait(&self, deadline: Option<Instant>, is_deadlocked: impl Fn() -> bool) -> Result<Option<u64>> {
        let mut progress = self.progress.lock();
        let mut is_late = false;
        loop {
            if let Some(next) = self.take(&mut progress)? {
                return Ok(next);
            }
            if is_deadlocked() {
                return Err(future::deadlock());
            }
            if is_late {
                return Err(wait::time_is_up());
            }
            match deadline {
                None => self.changed.wait(&mut progress),
                Some(deadline) => is_late = self.changed.wait_until(&mut progress, deadline).timed_out(),
            }
        }
    }

    fn fd(&self) -> Result<RawFd> {
        let mut progress = self.progress.lock();
        progress.check()?;
        if progress.event.is_none() {
            let event = Event::new().map_err(|error| {
                Failure::new(status::NOMEM, format!("no file descriptor for a rask_as_completed: {error}"))
            })?;
            if !progress.completed.is_empty() {
                event.set();
            }
            progress.event = Some(event);
        }
        Ok(progress.event.as_ref().map_or(-1, Event::fd))
    }

    fn close(&self) {
        let open = {
            let mut progress = self.progress.lock();
            progress.is_closed = true;
            progress.event = None;
            std::mem::take(&mut progress.open)
        };
        self.changed.notify_all();
        // The last first: of several watches of one future it is at the head of the list.
        for open in open.into_values().rev() {
            if let Some(future) = Ref::join(open.node, open.life) {
                open.watching.end(future.node());
            }
        }
    }
}

impl Watcher for Iteration {
    fn done(&self, token: usize, _state: State) {
        let completed = {
            let mut progress = self.progress.lock();
            let completed = progress.open.remove(&token);
            if let Some(open) = &completed {
                progress.complete(open.id);
            }
            completed
        };
        if completed.is_some() {
            self.changed.notify_one();
        }
    }
}

/// A task's wait for the next.
struct Turn {
    iteration: Arc<Iteration>,
    /// Read and written under the iteration's lock.
    is_deadlocked: AtomicBool,
}

impl Turn {
    fn is_deadlocked(&self) -> bool {
        self.is_deadlocked.load(Ordering::Relaxed)
    }
}

impl TaskWait for Turn {
    fn awaited(&self, at: usize) -> Option<(Ref, usize)> {
        let progress = self.iteration.progress.lock();
        let mut open = progress.open.range(at..);
        open.find_map(|(token, open)| Some((Ref::join(open.node, open.life)?, token + 1)))
    }

    fn deadlocked(&self) {
        let _progress = self.iteration.progress.lock();
        self.is_deadlocked.store(true, Ordering::Relaxed);
        self.iteration.changed.notify_all();
    }
}

fn pin_all(futures: &[u64]) -> Result<Vec<Ref>> {
    let mut pinned = Vec::new();
    pinned
        .try_reserve_exact(futures.len())
        .map_err(|_| Failure::new(status::NOMEM, format!("no memory to watch {} futures", futures.len())))?;
    for (index, &future) in futures.iter().enumerate() {
        pinned.push(Ref::of(handle::pin(Id(future)).map_err(|wrong| at_future(index, wrong))?));
    }
    Ok(pinned)
}
