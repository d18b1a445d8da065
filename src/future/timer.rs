//! Tasks that wait for a time: one thread for all clients, there while anything waits.

use super::cascade::Cascade;
use super::node::NodePtr;
use crate::scheduler::{Local, spawn_quietly};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What waits, by when its time has come and in what order it was put down.
struct Waiting {
    tasks: BTreeMap<(Instant, u64), NodePtr>,
    last: u64,
    /// Whether the thread is there.
    runs: bool,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting { tasks: BTreeMap::new(), last: 0, runs: false });
static CHANGED: Condvar = Condvar::new();

/// Lets a task that waits for one arrival more have it after `delay`. That arrival keeps the node from being freed.
pub(super) fn arrive_after(delay: Duration, node: NodePtr) {
    let now = Instant::now();
    // A time that the clock cannot tell does not come: a century stands for it.
    let due = now.checked_add(delay).unwrap_or(now + Duration::from_secs(100 * 365 * 24 * 3600));
    let mut waiting = WAITING.lock();
    waiting.last += 1;
    let place = (due, waiting.last);
    waiting.tasks.insert(place, node);
    if !waiting.runs {
        waiting.runs = spawn_quietly("rask-timer", run).is_ok();
        if !waiting.runs {
            // Without a thread nothing waits for its time: early is better than never.
            let early = std::mem::take(&mut waiting.tasks);
            drop(waiting);
            early.into_values().for_each(arrive);
        }
    } else if waiting.tasks.first_key_value().is_some_and(|(first, _)| *first == place) {
        CHANGED.notify_one();
    }
}

/// Ends the waiting of a client's tasks, because it is closed.
pub(crate) fn forget_client(client: u32) {
    let mut its = Vec::new();
    WAITING.lock().tasks.retain(|_, node| {
        let is_its = node.client() == client;
        if is_its {
            its.push(*node);
        }
        !is_its
    });
    CHANGED.notify_one();
    its.into_iter().for_each(arrive);
}

fn run() {
    let mut waiting = WAITING.lock();
    while let Some((&(due, _), _)) = waiting.tasks.first_key_value() {
        if due > Instant::now() {
            CHANGED.wait_until(&mut waiting, due);
            continue;
        }
        let (_, node) = waiting.tasks.pop_first().expect("seen just now");
        drop(waiting);
        arrive(node);
        waiting = WAITING.lock();
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
