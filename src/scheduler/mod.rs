//! The scheduler: queues, workers, sleeping, and slots that move between threads when a task waits.
//!
//! It runs jobs, addresses that mean something to the layer above, through the functions in [`Work`]. A *slot* is the right to run
//! one task at a time, with the queue and the figures that go with it; a client has as many slots as workers. A
//! thread holds a slot while it works and hands it to a spare thread while its task is suspended in a wait.

mod batch;
mod inbox;
mod local;
mod patience;
mod pool;
mod priority;
mod queue;
mod ranked;
mod resources;
mod sleep;
mod tally;
mod worker;

pub(crate) use local::Local;
pub(crate) use pool::spawn_quietly;
pub(crate) use pool::with_signals_blocked;
pub(crate) use priority::Rank;
pub(crate) use queue::Job;
pub(crate) use resources::{Need, Resources};
pub(crate) use tally::Tally;

#[cfg(all(test, loom))]
mod loom_tests;

use crate::log::log;
use crate::slab::{Id, Kind};
use crate::status::{self, Failure, Result};
use batch::Batch;
use inbox::InboxEnd;
use parking_lot::{Condvar, Mutex, RwLock};
use patience::Patience;
use pool::Pool;
use queue::{Deque, DequeEnd};
use ranked::{Ranked, Taken};
use sleep::Sleep;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::ThreadId;
use std::time::Instant;

/// What the layer above does with jobs.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    /// Runs a job and returns one that became ready by it and should run next, on this thread.
    pub(crate) run: fn(Job, &Local, &Core) -> Option<Job>,
    /// Ends a job that will not run, because the client is closed.
    pub(crate) discard: fn(Job, &Local, &Core),
    /// Whether somebody else has run or ended a job that is still in a queue.
    pub(crate) is_stale: fn(Job) -> bool,
    /// Lets go of a job that is.
    pub(crate) drop_stale: fn(Job, &Local),
    /// Ends what waits for its inputs, in the client with this number, because it is closed. `nothing_runs`: and all else that is not done.
    pub(crate) cancel_pending: fn(client: u32, nothing_runs: bool, &Local),
    /// A client is closed, and all its futures are done; `has_failed`: not all with a value.
    pub(crate) closed: fn(client: u32, has_failed: bool, &Local),
    /// Nothing is to be run, yet tasks are suspended: perhaps they wait for each other.
    pub(crate) stuck: fn(&Core),
}

/// What a client is opened with.
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) n_workers: usize,
    pub(crate) stack_size: usize,
    pub(crate) max_spares: usize,
    /// What tasks can hold while they run.
    pub(crate) resources: Resources,
    /// Of [`trait_bit`].
    pub(crate) trait_bits: u32,
}

/// An embedded client's engine.
pub(crate) struct Core {
    /// Never used again in this process; with the client's [`trait_bit`]s.
    pub(crate) number: u32,
    pub(crate) settings: Settings,
    work: Work,
    sleep: Sleep,
    /// What is ready and not in a slot's queue or an inbox, because it has a rank.
    ranked: Ranked,
    /// The slots' queues, as thieves see them.
    ends: Box<[SlotEnd]>,
    inboxes: Mutex<Vec<Arc<InboxEnd>>>,
    /// Counts changes of `inboxes`, so that slots can keep a copy.
    inboxes_changed: AtomicUsize,
    tallies: Mutex<Vec<Arc<Tally>>>,
    pool: Pool,
    /// Threads that wait until nothing is pending or running.
    drainers: AtomicUsize,
    drain_lock: Mutex<()>,
    drained: Condvar,
    closing: Mutex<Closing>,
    closed: Condvar,
}

#[derive(PartialEq, Eq)]
enum Closing {
    Open,
    /// By this thread.
    Begun(ThreadId),
    Done,
}

/// What others take from a slot.
struct SlotEnd {
    deque: DequeEnd,
    batch: Batch,
}

/// The right to run one task at a time.
pub(crate) struct Slot {
    pub(crate) core: Arc<Core>,
    index: usize,
    deque: Deque,
    pub(crate) tally: Arc<Tally>,
    /// Counts the jobs taken, so that every so often the far ends of the queues have their turn.
    tick: Cell<u32>,
    /// The last tick at which jobs with a rank were ready, and how many of them were taken at a stretch.
    ranked_at: Cell<u32>,
    patience: Cell<Patience>,
    random: Cell<u32>,
    inboxes: RefCell<Vec<Arc<InboxEnd>>>,
    inboxes_seen: Cell<usize>,
    next_inbox: Cell<usize>,
}

/// The open clients of this process, and the number of the last one.
struct Registry {
    open: HashMap<u32, Arc<Core>>,
    /// Those on their way from open to closed.
    closing: HashMap<u32, Arc<Core>>,
    last: u32,
}

static REGISTRY: LazyLock<RwLock<Registry>> =
    LazyLock::new(|| RwLock::new(Registry { open: HashMap::new(), closing: HashMap::new(), last: 0 }));

/// Bits of a client's number that say what every submit to it has to know: at hand wherever the number is.
pub(crate) mod trait_bit {
    /// Submits are pure unless they say otherwise.
    pub(crate) const PURE: u32 = 1 << 31;
    /// The client has a memory limit.
    pub(crate) const LIMITED: u32 = crate::value::LIMITED;
    /// The rest is serial.
    pub(crate) const ALL: u32 = PURE | LIMITED;
}

/// The id of client `number`. The generation is the number, scattered: random ids do not pass for clients.
pub(crate) fn client_id(number: u32) -> Id {
    Id::new(Kind::Client, number, (u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 37) | 1)
}

/// The client behind an id: `CLOSED` if it was one, `HANDLE` if it never was.
pub(crate) fn find(id: Id) -> Result<Arc<Core>> {
    if id.is_null() {
        return Err(Failure::handle("null client handle"));
    }
    let number = id.index();
    let registry = REGISTRY.read();
    let serial = number & !trait_bit::ALL;
    if client_id(number) != id || serial == 0 || serial > registry.last {
        return Err(Failure::handle("not a client handle"));
    }
    registry.open.get(&number).cloned().ok_or_else(closed)
}

/// As [`find`], also for a client that is being closed.
pub(crate) fn find_unclosed(id: Id) -> Result<Arc<Core>> {
    find(id).or_else(|failure| REGISTRY.read().closing.get(&id.index()).cloned().ok_or(failure))
}

pub(crate) fn closed() -> Failure {
    Failure::new(status::CLOSED, "the client is closed")
}

/// Blocks until the client, which is closed or being closed, is closed.
pub(crate) fn await_closed(id: Id) -> Result<()> {
    let closing = REGISTRY.read().closing.get(&id.index()).cloned();
    closing.map_or(Ok(()), |core| core.close())
}

/// The platform's default for the stack of a thread, in bytes.
pub(crate) fn default_stack_size() -> usize {
    // SAFETY: the attributes are initialised before they are read, and destroyed after.
    unsafe {
        let mut attributes = std::mem::zeroed::<libc::pthread_attr_t>();
        let mut size = 0;
        if libc::pthread_attr_init(&mut attributes) == 0 {
            libc::pthread_attr_getstacksize(&attributes, &mut size);
            libc::pthread_attr_destroy(&mut attributes);
        }
        if size == 0 { 2 << 20 } else { size }
    }
}

/// The open client with this number.
pub(crate) fn find_number(number: u32) -> Option<Arc<Core>> {
    REGISTRY.read().open.get(&number).cloned()
}

/// How many clients are open.
pub(crate) fn open_clients() -> u64 {
    REGISTRY.read().open.len() as u64
}

impl Core {
    /// Starts the threads of a new client and enters it in the registry.
    pub(crate) fn open(mut settings: Settings, work: Work) -> Result<Arc<Self>> {
        let number = {
            let mut registry = REGISTRY.write();
            if registry.last == !trait_bit::ALL {
                return Err(Failure::new(status::NOMEM, "no more client numbers in this process"));
            }
            registry.last += 1;
            registry.last | settings.trait_bits
        };
        let n_workers = settings.n_workers;
        let mut ends = Vec::with_capacity(n_workers);
        let mut queues = Vec::with_capacity(n_workers);
        for _ in 0..n_workers {
            let (deque, end) = if n_workers == 1 { Deque::alone() } else { Deque::shared() };
            ends.push(SlotEnd { deque: end, batch: Batch::new() });
            queues.push(deque);
        }
        let core = Arc::new(Self {
            number,
            pool: Pool::new(n_workers + settings.max_spares),
            ranked: Ranked::new(std::mem::take(&mut settings.resources), work.is_stale),
            settings,
            work,
            sleep: Sleep::new(),
            ends: ends.into(),
            inboxes: Mutex::new(Vec::new()),
            inboxes_changed: AtomicUsize::new(0),
            tallies: Mutex::new(vec![Arc::default()]),
            drainers: AtomicUsize::new(0),
            drain_lock: Mutex::new(()),
            drained: Condvar::new(),
            closing: Mutex::new(Closing::Open),
            closed: Condvar::new(),
        });
        for (index, deque) in queues.into_iter().enumerate() {
            let slot = Box::new(Slot {
                core: core.clone(),
                index,
                deque,
                tally: core.new_tally(),
                tick: Cell::new(0),
                ranked_at: Cell::new(0),
                patience: Cell::default(),
                random: Cell::new((index as u32).wrapping_mul(0x9e37_79b9) | 1),
                inboxes: RefCell::new(Vec::new()),
                inboxes_seen: Cell::new(usize::MAX),
                next_inbox: Cell::new(0),
            });
            if let Err(error) = core.pool.start_thread(slot) {
                core.close()?;
                return Err(Failure::new(
                    status::NOMEM,
                    format!("worker thread {index} of {n_workers} did not start: {error}"),
                ));
            }
        }
        REGISTRY.write().open.insert(number, core.clone());
        log!(Debug, "{core} opened with {n_workers} workers");
        Ok(core)
    }

    pub(crate) fn id(&self) -> Id {
        client_id(self.number)
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.sleep.counts.is_closed()
    }

    fn new_tally(&self) -> Arc<Tally> {
        let tally = Arc::new(Tally::default());
        self.tallies.lock().push(tally.clone());
        tally
    }

    /// Adds a tally that is counted no further to the first one, which nobody writes otherwise.
    fn retire_tally(&self, tally: &Arc<Tally>) {
        let mut tallies = self.tallies.lock();
        if let Some(at) = tallies.iter().position(|other| Arc::ptr_eq(other, tally)) {
            let tally = tallies.swap_remove(at);
            tallies[0].absorb(&tally);
        }
    }

    /// Sums a figure over all tallies.
    pub(crate) fn sum(&self, figure: impl Fn(&Tally) -> u64) -> u64 {
        self.tallies.lock().iter().fold(0, |sum, tally| sum.wrapping_add(figure(tally)))
    }

    /// Futures that neither run nor have ended. What takes them from the pending is summed before what brings them there, so that the
    /// difference does not turn negative while tasks go on.
    pub(crate) fn n_pending(&self) -> u64 {
        let gone = self.sum(|tally| tally.unstarted.get().wrapping_add(tally.started.get()));
        let back = self.sum(|tally| tally.forwarded.get().wrapping_add(tally.reopened.get()));
        self.sum(|tally| tally.submitted.get()).wrapping_add(back).saturating_sub(gone)
    }

    /// Futures in error, so far as nobody has retried them since.
    pub(crate) fn n_failed(&self) -> u64 {
        let retried = self.sum(|tally| tally.unfailed.get());
        self.sum(|tally| tally.failed.get()).saturating_sub(retried)
    }

    /// As [`n_failed`](Self::n_failed), of those that were cancelled.
    pub(crate) fn n_cancelled(&self) -> u64 {
        let retried = self.sum(|tally| tally.uncancelled.get());
        self.sum(|tally| tally.cancelled.get()).saturating_sub(retried)
    }

    /// Jobs that lie in queues, at about this moment. A client's only worker alone knows how many are in its own deque: they count if
    /// `local` is that worker's.
    pub(crate) fn n_queued(&self, local: &Local) -> u64 {
        let hidden = local.slot().map_or(0, Slot::n_hidden);
        let taken: usize = self.ends.iter().map(|end| end.deque.len() + end.batch.len()).sum();
        let outside: usize = self.inboxes.lock().iter().map(|inbox| inbox.len()).sum();
        (hidden + taken + outside + self.ranked.len()) as u64
    }

    /// Functions that run.
    pub(crate) fn n_running(&self) -> u64 {
        let returned = self.sum(|tally| tally.returned.get());
        self.sum(|tally| tally.started.get()).saturating_sub(returned)
    }

    /// Whether every future submitted so far is done and no function runs.
    ///
    /// Ends are summed before retries: a future that counts as done then was done between the two sums, since of each further end the retry
    /// before it is seen. What is done so never exceeds what was submitted by then; if it equals what was submitted by the time of the third
    /// sum, everything was done between the first two.
    pub(crate) fn is_drained(&self) -> bool {
        let ended = self.sum(|tally| tally.ended.get());
        let ends = self.sum(|tally| {
            tally.finished.get().wrapping_add(tally.failed.get()).wrapping_add(tally.cancelled.get())
        });
        let retried = self.sum(|tally| tally.unfailed.get().wrapping_add(tally.uncancelled.get()));
        let done = ends.wrapping_sub(retried);
        done == self.sum(|tally| tally.submitted.get()) && ended == self.sum(|tally| tally.started.get())
    }

    /// Blocks until [`is_drained`](Self::is_drained). `false`: the time was up first.
    pub(crate) fn drain(&self, deadline: Option<Instant>) -> bool {
        self.await_told(deadline, || self.is_drained())
    }

    /// Blocks until a condition holds, which is looked at whenever [drainers are told](Self::tell_drainers) something. `false`: the time
    /// was up first.
    pub(crate) fn await_told(&self, deadline: Option<Instant>, holds: impl Fn() -> bool) -> bool {
        self.drainers.fetch_add(1, Ordering::SeqCst);
        // The partner of the fence in `tell_drainers`: either this look sees what ended, or who ended it sees the drainer.
        std::sync::atomic::fence(Ordering::SeqCst);
        let mut guard = self.drain_lock.lock();
        let held = loop {
            if holds() {
                break true;
            }
            match deadline {
                None => self.drained.wait(&mut guard),
                Some(deadline) => {
                    if self.drained.wait_until(&mut guard, deadline).timed_out() {
                        break holds();
                    }
                }
            }
        };
        drop(guard);
        self.drainers.fetch_sub(1, Ordering::SeqCst);
        held
    }

    /// Lets the drainers look again; called after futures ended, before a worker sleeps, when a client with a limit holds less memory, and
    /// when it is being closed.
    pub(crate) fn tell_drainers(&self) {
        std::sync::atomic::fence(Ordering::SeqCst);
        if self.drainers.load(Ordering::Relaxed) > 0 {
            // With the lock held no drainer is between its look and its wait.
            let _guard = self.drain_lock.lock();
            self.drained.notify_all();
        }
    }

    /// Wakes a worker, if that is called for, for work that a slot's owner just put into its own deque.
    #[inline]
    pub(crate) fn notify(&self) {
        // A client's only worker need not be told of what it has itself.
        if self.settings.n_workers > 1 && self.sleep.counts.published() == sleep::Published::Wake {
            self.sleep.wake_one();
        }
    }

    /// Stops taking submits, ends what has not started, waits for what runs, and joins the threads. Returns when all is done, whoever
    /// closed first.
    pub(crate) fn close(&self) -> Result<()> {
        let mut closing = self.closing.lock();
        let this = std::thread::current().id();
        match *closing {
            Closing::Open => *closing = Closing::Begun(this),
            Closing::Begun(closer) if closer == this => {
                return Err(Failure::new(
                    status::STATE,
                    "a destructor cannot close the client whose close runs it",
                ));
            }
            Closing::Begun(_) | Closing::Done => {
                while *closing != Closing::Done {
                    self.closed.wait(&mut closing);
                }
                return Ok(());
            }
        }
        drop(closing);

        log!(Debug, "{self} closes: {} pending, {} running", self.n_pending(), self.n_running());
        {
            let mut registry = REGISTRY.write();
            if let Some(core) = registry.open.remove(&self.number) {
                registry.closing.insert(self.number, core);
            }
        }
        self.sleep.counts.close();
        // After the mark: who takes a job for which there are no resources sees that it is to be discarded.
        self.ranked.close();
        self.sleep.wake_all();
        self.tell_drainers();
        self.pool.dismiss_spares();
        Local::with(|local| {
            // What is queued is ended by the workers and by us; what waits for a task that runs is in no queue.
            self.discard_queued(local);
            if self.n_pending() > 0 {
                (self.work.cancel_pending)(self.number, false, local);
            }
            self.pool.join();
            // Nothing runs any more, so what is still pending waits for itself, or was linked while we looked.
            if self.n_pending() > 0 {
                (self.work.cancel_pending)(self.number, true, local);
            }
            // What came in while the last worker left. Later submitters see the mark and take theirs back themselves.
            self.discard_queued(local);
            let failed = self.sum(|tally| tally.failed.get().wrapping_add(tally.cancelled.get()));
            (self.work.closed)(self.number, failed > 0, local);
        });
        self.tell_drainers();
        REGISTRY.write().closing.remove(&self.number);
        *self.closing.lock() = Closing::Done;
        self.closed.notify_all();
        log!(Debug, "{self} is closed");
        Ok(())
    }

    fn discard_queued(&self, local: &Local) {
        let inboxes = self.inboxes.lock().clone();
        for inbox in inboxes {
            while let Some(job) = inbox.take_one() {
                (self.work.discard)(job, local, self);
            }
        }
        self.discard_ranked(local);
    }

    /// Ends the jobs with a rank of a client that is closed.
    fn discard_ranked(&self, local: &Local) {
        while let Some(taken) = self.ranked.take(ranked::NONE) {
            match taken {
                Taken::Job(job) | Taken::Holding(job, _) => (self.work.discard)(job, local, self),
                Taken::Stale(job) => (self.work.drop_stale)(job, local),
            }
        }
    }

    /// Gives this thread's slot to another thread, because its task is about to block. `Err`: no thread is to be had.
    pub(crate) fn suspend(&self, local: &Local) -> Result<()> {
        self.pool.suspend(local)?;
        if let Some(need) = local.held() {
            self.ranked.suspend(&need);
            self.notify_ranked();
        }
        Ok(())
    }

    /// Gets a slot back for this thread's task; blocks until one is free.
    pub(crate) fn resume(&self, local: &Local) {
        if let Some(need) = local.held() {
            self.ranked.resume(&need);
        }
        self.pool.resume(local, &self.sleep);
    }

    /// Wakes a worker, if that is called for, because a job with a rank may have become able to run. `true`: the client is closed.
    fn notify_ranked(&self) -> bool {
        match self.sleep.counts.published() {
            sleep::Published::Seen => false,
            sleep::Published::Wake => {
                if self.ranked.top() != ranked::NONE {
                    self.sleep.wake_one();
                }
                false
            }
            sleep::Published::Closed => true,
        }
    }

    /// A job with a rank may have become stale, and with it another one able to run.
    pub(crate) fn refresh_ranked(&self) {
        self.ranked.refresh();
        self.notify_ranked();
    }

    /// What the client has of each resource, in the order of its [`Need`]s' indices.
    pub(crate) fn resources(&self) -> &Resources {
        &self.ranked.resources
    }

    /// Whether jobs with a rank, ready though they are, wait for something.
    pub(crate) fn has_waiting(&self) -> bool {
        self.ranked.len() > 0
    }

    /// How many tasks are suspended in waits.
    pub(crate) fn suspended(&self) -> usize {
        self.pool.suspended()
    }
}

impl std::fmt::Display for Core {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "client {} {:?}", self.number & !trait_bit::ALL, self.settings.name)
    }
}
