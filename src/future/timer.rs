//! Tasks that wait for a time: one thread for all clients, there while anything waits.

use super::cascade::Cascade;
use super::extra;
use super::node::NodePtr;
use crate::scheduler::{Local, spawn_quietly};
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// When a task's time has come, and in what order it was put down.
type Place = (Instant, u64);

/// What waits.
#[derive(Default)]
struct Waiting {
    tasks: BTreeMap<Place, NodePtr>,
    places: HashMap<NodePtr, Place>,
    last: u64,
    /// Whether the thread is there.
    runs: bool,
    /// The client of the task whose time has come just now.
    arriving: Option<u32>,
}

static WAITING: LazyLock<Mutex<Waiting>> = LazyLock::new(Mutex::default);
static CHANGED: Condvar = Condvar::new();
static ARRIVED: Condvar = Condvar::new();

impl Waiting {
    fn put(&mut self, due: Instant, node: NodePtr) {
        self.last += 1;
        self.tasks.insert((due, self.last), node);
        self.places.insert(node, (due, self.last));
    }

    /// The first task, if its time has come; else when it will.
    fn take_due(&mut self) -> Option<Result<NodePtr, Instant>> {
        let first = self.tasks.first_entry()?;
        let due = first.key().0;
        if due > Instant::now() {
            return Some(Err(due));
        }
        let node = first.remove();
        self.places.remove(&node);
        Some(Ok(node))
    }
}

/// Lets a task that waits for one arrival more have it after `delay`. That arrival keeps the node from being freed.
pub(super) fn arrive_after(delay: Duration, node: NodePtr) {
    let now = Instant::now();
    // A time that the clock cannot tell does not come: a century stands for it.
    let due = now.checked_add(delay).unwrap_or(now + Duration::from_secs(100 * 365 * 24 * 3600));
    let mut waiting = WAITING.lock();
    if node.gate.is_settled() {
        // Who settled it may have looked for it here already.
        drop(waiting);
        return arrive(node);
    }
    let is_first = waiting.tasks.first_key_value().is_none_or(|(first, _)| first.0 > due);
    waiting.put(due, node);
    if !waiting.runs {
        waiting.runs = spawn_quietly("rask-timer", run).is_ok();
        if !waiting.runs {
            // Without a thread nothing waits for its time: early is better than never.
            let early = std::mem::take(&mut *waiting);
            drop(waiting);
            early.tasks.into_values().for_each(arrive);
        }
    } else if is_first {
        CHANGED.notify_one();
    }
}

/// When the task's time comes, if it waits for one.
pub(super) fn due(node: NodePtr) -> Option<Instant> {
    WAITING.lock().places.get(&node).map(|&(due, _)| due)
}

/// A task was settled: it waits for its time no more. `true`: it did, and the caller has it arrive.
pub(super) fn forget(node: NodePtr) -> bool {
    let may_wait = extra::peek(node, |extra| extra.attempt > 0 && !extra.retry_delay.is_zero());
    if may_wait != Some(true) {
        return false;
    }
    let mut waiting = WAITING.lock();
    let Some(place) = waiting.places.remove(&node) else { return false };
    waiting.tasks.remove(&place);
    if waiting.tasks.is_empty() {
        // The thread ends.
        CHANGED.notify_one();
    }
    true
}

/// Blocks while the thread still has to do with a task of a client that is closed.
pub(super) fn await_client(client: u32) {
    let mut waiting = WAITING.lock();
    while waiting.arriving == Some(client) {
        ARRIVED.wait(&mut waiting);
    }
}

fn run() {
    // A destructor that happens to run here must not hold up the others' time, nor close the client that waits for it.
    Local::with(Local::serve);
    let mut waiting = WAITING.lock();
    while let Some(due) = waiting.take_due() {
        match due {
            Ok(node) => {
                waiting.arriving = Some(node.client());
                drop(waiting);
                arrive(node);
                waiting = WAITING.lock();
                waiting.arriving = None;
                ARRIVED.notify_all();
            }
            Err(due) => drop(CHANGED.wait_until(&mut waiting, due)),
        }
    }
    waiting.runs = false;
}

fn arrive(node: NodePtr) {
    Local::with(|local| {
        let mut cascade = Cascade::new(local);
        cascade.arrive(node);
        cascade.run();
    });
}
