//! The memory of a client that has a limit: how much its values hold, and which of them go to disk when that is too much.
//!
//! Everybody counts; whoever finds that there is too much calls [`Store::make_room`], which spills what was unused for the longest time, on
//! the calling thread, until there is room or nothing is left that could go. Several may do so at once: each takes another value, and
//! what they are about to win is taken into account.

use super::managed::{Managed, Spilled};
use super::spill_file::Disk;
use super::{Value, codec};
use crate::status::{Failure, Result};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bit of a client's number: it has a store. Whoever has the number knows by one test that there is nothing to be done.
pub const LIMITED: u32 = 1 << 30;

/// How long nothing is spilled after the disk has refused something.
const REST: Duration = Duration::from_millis(100);

/// How a store is opened.
pub struct Settings {
    /// Bytes that values may hold.
    pub limit: u64,
    /// Where its directory is made.
    pub parent: PathBuf,
    /// Whether who finds no room is to fail rather than to wait: the store only remembers it.
    pub fails_when_full: bool,
    /// Drops a value whose destructor is the user's, when that may be called.
    pub bury: fn(Value),
}

/// See the module.
pub struct Store {
    settings: Settings,
    /// Bytes that the client's values hold in memory, those that cannot be spilled included.
    held: AtomicU64,
    queue: Mutex<Queue>,
    pub(super) disk: Disk,
}

/// What could be spilled.
struct Queue {
    /// By the time they were last used. An entry's value takes it out before it ends.
    idle: BTreeMap<Tick, NonNull<Managed>>,
    /// Counts what became unused.
    last: Tick,
    /// Bytes of values that threads are spilling just now.
    leaving: u64,
    /// Nothing is spilled until then.
    rests_until: Option<Instant>,
    closed: bool,
}

/// A moment in the order in which values became unused.
pub(super) type Tick = u64;

// SAFETY: the queue's pointers lead to values that are shared between threads as all values are.
unsafe impl Send for Queue {}

/// The stores of the open clients, by their numbers.
static STORES: RwLock<BTreeMap<u32, Arc<Store>>> = RwLock::new(BTreeMap::new());

/// Counts `delta` bytes more (or, negative, fewer) in the memory of a client with a limit.
pub(super) fn account(client: u32, delta: i64) {
    if let Some(store) = STORES.read().get(&client) {
        // SeqCst: whoever waits for room has announced that before he looks, and is told after this.
        store.held.fetch_add(delta as u64, Ordering::SeqCst);
    }
}

impl Store {
    /// Makes the store's directory. `INVALID`: it cannot be made.
    pub fn open(settings: Settings) -> Result<Self> {
        // Absolute, because the file is opened later: the program may be in another directory then.
        let parent = std::path::absolute(&settings.parent);
        let disk = parent.and_then(|parent| Disk::create(&parent)).map_err(|error| {
            let parent = settings.parent.display();
            Failure::invalid(format!("spill_directory: no directory can be made in {parent}: {error}"))
        })?;
        let queue = Queue { idle: BTreeMap::new(), last: 0, leaving: 0, rests_until: None, closed: false };
        Ok(Self { settings, held: AtomicU64::new(0), queue: Mutex::new(queue), disk })
    }

    /// Makes it the store of a client, from before its first value on.
    pub fn register(self, client: u32) {
        STORES.write().insert(client, Arc::new(self));
    }

    /// The store of an open client.
    #[must_use]
    pub fn of(client: u32) -> Option<Arc<Self>> {
        STORES.read().get(&client).cloned()
    }

    /// Ends the store of a client that is closed: its files are removed when this returns, whoever called it first. What is on disk stays
    /// readable, and nothing is spilled any more.
    pub fn close(client: u32) {
        if let Some(store) = Self::of(client) {
            store.queue.lock().closed = true;
            store.disk.remove();
            STORES.write().remove(&client);
        }
    }

    /// See [`Settings`].
    pub fn fails_when_full(&self) -> bool {
        self.settings.fails_when_full
    }

    /// The most that values are to hold.
    pub fn limit(&self) -> u64 {
        self.settings.limit
    }

    /// Bytes that values hold in memory now.
    #[cfg(test)]
    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::SeqCst)
    }

    /// Whether values hold more than they should, even when all that is being spilled will have left.
    pub fn is_full(&self) -> bool {
        self.exceeds(&self.queue.lock(), 0)
    }

    fn exceeds(&self, queue: &Queue, extra: u64) -> bool {
        let held = self.held.load(Ordering::SeqCst).saturating_sub(queue.leaving);
        held.saturating_add(extra) > self.limit()
    }

    /// Spills until there is room, or nothing is left that could be spilled. Calls functions of the user's, and nothing of what is borrowed
    /// from unpinned values stays valid.
    pub fn make_room(&self) {
        if !codec::is_running() {
            self.spill(0);
        }
    }

    /// Spills until there is room for `extra` bytes more, or nothing is left that could be spilled.
    pub(super) fn spill(&self, extra: usize) {
        while let Some(value) = self.begin(extra as u64) {
            let spilled = value.managed().spill();
            self.end(value.managed().size(), spilled);
            (self.settings.bury)(value);
        }
    }

    /// The value that is to leave next, if one has to.
    fn begin(&self, extra: u64) -> Option<Value> {
        let mut queue = self.queue.lock();
        while self.exceeds(&queue, extra) && !queue.closed && !queue.rests() {
            let (_, managed) = queue.idle.pop_first()?;
            // SAFETY: what stands in the queue takes itself out before it ends, under this lock.
            if let Some(value) = unsafe { Managed::share(managed) } {
                queue.leaving += value.managed().size() as u64;
                return Some(value);
            }
        }
        None
    }

    fn end(&self, size: usize, spilled: Spilled) {
        let mut queue = self.queue.lock();
        queue.leaving -= size as u64;
        if spilled == Spilled::Failed {
            queue.rests_until = Some(Instant::now() + REST);
        }
    }

    /// Enters a value that is not used any more. Its moment, by which it is [taken out](Self::dequeue).
    pub(super) fn enqueue(&self, managed: NonNull<Managed>) -> Tick {
        let mut queue = self.queue.lock();
        queue.last += 1;
        let tick = queue.last;
        queue.idle.insert(tick, managed);
        tick
    }

    /// Takes a value out, if somebody who is spilling has not done so.
    pub(super) fn dequeue(&self, tick: Tick) {
        self.queue.lock().idle.remove(&tick);
    }

    /// Drops a value of which the user's destructor may be part.
    pub(super) fn bury(&self, value: Value) {
        (self.settings.bury)(value);
    }
}

impl Queue {
    fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // For a client that did not come to be. Otherwise there is nothing left to be removed.
        self.disk.remove();
    }
}
