//! The dispatcher: the one thread of the process that makes callbacks. It is there while there is something to call, and a moment longer.

use super::on_done::Registration;
use super::walk::Ref;
use super::{State, handle};
use crate::scheduler::{Local, spawn_quietly};
use parking_lot::{Condvar, Mutex};
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How long the thread waits for more to call before it ends.
const LINGER: Duration = Duration::from_secs(1);
/// How often somebody who waits for callbacks tries to start the thread where that has failed.
const RETRY: Duration = Duration::from_millis(10);

/// A callback that is due.
pub(super) struct Call {
    pub(super) future: Ref,
    pub(super) registration: Registration,
    pub(super) state: State,
}

struct Queue {
    calls: VecDeque<Call>,
    has_thread: bool,
    /// By client, how many callbacks were registered and have not returned.
    outstanding: BTreeMap<u32, usize>,
}

static QUEUE: Mutex<Queue> =
    Mutex::new(Queue { calls: VecDeque::new(), has_thread: false, outstanding: BTreeMap::new() });
/// There is something to call.
static PUSHED: Condvar = Condvar::new();
/// Some client has no callbacks outstanding any more.
static RETURNED: Condvar = Condvar::new();

thread_local! {
    static IS_DISPATCHER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread makes the callbacks.
pub(crate) fn is_current() -> bool {
    IS_DISPATCHER.get()
}

/// A callback was registered for a future of the client.
pub(super) fn expect(client: u32) {
    *QUEUE.lock().outstanding.entry(client).or_default() += 1;
}

/// Has the callbacks made, one after the other.
pub(super) fn push(calls: impl Iterator<Item = Call>) {
    let mut queue = QUEUE.lock();
    queue.calls.extend(calls);
    // Where no thread is to be had, the next call or the close of the client tries again.
    let _ = queue.provide_thread();
    PUSHED.notify_one();
}

/// Blocks until every callback registered for a future of the client has returned. They all do once their futures are done, as those of a
/// closed client are.
pub(crate) fn await_returned(client: u32) {
    let mut queue = QUEUE.lock();
    while queue.outstanding.contains_key(&client) {
        match queue.provide_thread() {
            Ok(()) => RETURNED.wait(&mut queue),
            Err(_) => drop(RETURNED.wait_for(&mut queue, RETRY)),
        }
    }
}

impl Queue {
    /// Starts the thread if there is something to call and nobody to do it.
    fn provide_thread(&mut self) -> io::Result<()> {
        if self.calls.is_empty() || self.has_thread {
            return Ok(());
        }
        spawn_quietly("rask-callbacks", run)?;
        self.has_thread = true;
        Ok(())
    }
}

fn run() {
    IS_DISPATCHER.set(true);
    while let Some(call) = next() {
        make(call);
    }
}

/// The next call; `None` when there was none for a while, and the thread is to end.
fn next() -> Option<Call> {
    let mut queue = QUEUE.lock();
    let mut is_over = false;
    loop {
        if let Some(call) = queue.calls.pop_front() {
            return Some(call);
        }
        if is_over {
            queue.has_thread = false;
            return None;
        }
        is_over = PUSHED.wait_for(&mut queue, LINGER).timed_out();
    }
}

fn make(call: Call) {
    let Call { future, registration, state } = call;
    let client = future.node().client();
    let id = registration.spare.into_handle(future);
    let callback = registration.callback;
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| callback(id.0, state))) {
        // It was reported where it happened. Its destructor might panic in its turn.
        std::mem::forget(panic);
    }
    // Stale if the callback has released what it only borrowed: then there is nothing left to do.
    let _ = Local::with(|local| handle::release(id, local));
    returned(client);
}

fn returned(client: u32) {
    let mut queue = QUEUE.lock();
    let outstanding = queue.outstanding.get_mut(&client).expect("the callback was expected");
    *outstanding -= 1;
    if *outstanding == 0 {
        queue.outstanding.remove(&client);
        RETURNED.notify_all();
    }
}
