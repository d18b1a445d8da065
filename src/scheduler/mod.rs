//! The scheduler: queues, workers, sleeping, and slots that move between threads when a task waits.
//!
//! It runs jobs, addresses that mean something to the layer above, through the functions in [`Work`]. A *slot* is the right to run
//! one task at a time, with the queue and the figures that go with it; a client has as many slots as workers. A
//! thread holds a slot while it works and hands it to a spare thread while its task is suspended in a wait.

mod batch;
mod event;
mod figures;
mod inbox;
pub(crate) mod lane;
mod local;
mod patience;
mod pool;
mod priority;
mod purse;
mod queue;
mod ranked;
mod registry;
mod resources;
mod sleep;
mod tally;
mod worker;

pub(crate) use event::Event;
pub(crate) use lane::Lane;
pub(crate) use local::Local;
pub(crate) use pool::spawn_quietly;
pub(crate) use pool::with_signals_blocked;
pub(crate) use priority::Rank;
pub(crate) use purse::Purse;
pub(crate) use queue::Job;
use registry::REGISTRY;
pub(crate) use registry::{
    await_closed, client_id, find, find_number, find_unclosed, find_unclosed_number, open_clients, trait_bit,
};
pub(crate) use resources::{Need, Resources};
pub(crate) use tally::Tally;

#[cfg(all(test, loom))]
mod loom_tests;

use crate::log::log;
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use batch::Batch;
use inbox::InboxEnd;
use parking_lot::{Condvar, Mutex};
use patience::Patience;
use pool::Pool;
use queue::{Deque, DequeEnd};
use ranked::{Ranked, Taken};
use sleep::Sleep;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::ThreadId;

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
    /// The worker with this slot has nothing to do, or turns to something else.
    pub(crate) settle_up: fn(&Slot),
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
    /// For the layer above: references, and arrivals at what waits for many.
    pub(crate) purse: Purse,
    pub(crate) arrivals: Purse,
}

pub(crate) fn closed() -> Failure {
    Failure::new(status::CLOSED, "the client is closed")
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
                purse: Purse::default(),
                arrivals: Purse::default(),
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

    /// Whether it has one slot only: what its holder does needs no protection from other workers.
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.ends.len() == 1
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.sleep.counts.is_closed()
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
            lane::of_client(self.number).iter().for_each(|lane| lane.await_back());
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
        for lane in lane::of_client(self.number) {
            lane.shut_with_client().into_iter().for_each(|job| (self.work.discard)(job, local, self));
        }
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
        self.settle_up(local);
        self.pool.suspend(local)?;
        if let Some(need) = local.held() {
            self.ranked.suspend(&need);
            self.notify_ranked();
        }
        Ok(())
    }

    /// Empties the purse of this thread's slot: who works with the slot next may do something else for long.
    fn settle_up(&self, local: &Local) {
        if let Some(slot) = local.slot() {
            (self.work.settle_up)(slot);
        }
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

    /// Name, total and what is free of each resource.
    pub(crate) fn stock(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        let resources = self.resources();
        let stock = resources.names.iter().zip(resources.totals()).zip(self.ranked.free());
        stock.map(|((name, &total), free)| (&**name, total, free))
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
