//! A worker thread: takes jobs from where they are, runs them, sleeps when there are none.

use super::local::Local;
use super::patience::Patience;
use super::pool::Seat;
use super::queue::Job;
use super::ranked::{self, Taken};
use super::resources::Need;
use super::sleep::Published;
use super::{Core, Slot};
use crate::log::log;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Jobs between two looks at the far ends of the queues. A prime, so as not to march in step with a program's own rhythm.
const FAIRNESS: u32 = 61;
/// Tasks that may follow each other directly, each made ready by the one before, until the queues have their turn.
const SUCCESSION: u32 = 64;
/// How long a worker searches before it sleeps. About the time a wake-up takes to arrive.
const SEARCH: Duration = Duration::from_micros(5);

/// The life of a thread that begins with `slot`.
pub(crate) fn run(core: &Arc<Core>, slot: Box<Slot>, seat: Arc<Seat>) {
    Local::with(|local| {
        local.enter_worker(slot);
        loop {
            if work(core, local) == Left::Closed {
                break;
            }
            match core.pool.await_slot(&seat) {
                Some(slot) => local.put_slot(slot),
                None => break,
            }
        }
        local.leave_worker();
    });
}

/// Why a thread stopped working.
#[derive(PartialEq, Eq)]
enum Left {
    /// Its slot went to a task that resumes.
    HandedOver,
    /// The client is closed and nothing is left to do.
    Closed,
}

fn work(core: &Core, local: &Local) -> Left {
    loop {
        if core.pool.n_resuming() > 0 && hand_over(core, local) {
            return Left::HandedOver;
        }
        // The slot may be another one after each job: a job that blocked resumes with whichever was free.
        let slot = local.slot().expect("a worker has a slot");
        match slot.take(core) {
            Some(taken) => run_taken(core, local, taken),
            None => match search(core, local, slot) {
                Found::Taken(taken) => run_taken(core, local, taken),
                Found::Resuming => {}
                Found::Closed => {
                    local.take_slot();
                    // Others may sleep because a task of this thread was still suspended.
                    core.sleep.wake_all();
                    return Left::Closed;
                }
            },
        }
    }
}

/// Gives this thread's slot to a task that resumes, and may keep it for long: not with a purse of this thread's. `false`: there is none any more.
#[cold]
fn hand_over(core: &Core, local: &Local) -> bool {
    core.settle_up(local);
    core.pool.hand_over(local)
}

#[inline]
fn run_taken(core: &Core, local: &Local, taken: Taken) {
    let next = match taken {
        Taken::Job(job) => run_or_discard(core, local, job),
        Taken::Holding(job, need) => run_holding(core, local, job, need),
        Taken::Stale(job) => return (core.work.drop_stale)(job, local),
    };
    run_successors(core, local, next);
}

#[inline]
fn run_or_discard(core: &Core, local: &Local, job: Job) -> Option<Job> {
    if core.is_closed() {
        (core.work.discard)(job, local, core);
        None
    } else {
        (core.work.run)(job, local, core)
    }
}

/// Runs a job that resources are held for, until it has ended in whatever way.
#[cold]
fn run_holding(core: &Core, local: &Local, job: Job, need: Need) -> Option<Job> {
    struct Holding<'a>(&'a Core, &'a Local, Need);
    impl Drop for Holding<'_> {
        fn drop(&mut self) {
            self.1.set_held(None);
            self.0.ranked.give_back(&self.2);
            self.0.notify_ranked();
        }
    }
    local.set_held(Some(need.clone()));
    let _holding = Holding(core, local, need);
    run_or_discard(core, local, job)
}

/// Runs tasks that each were made ready by the one before.
#[inline]
fn run_successors(core: &Core, local: &Local, mut next: Option<Job>) {
    let mut left = SUCCESSION;
    while let Some(job) = next {
        left -= 1;
        if left == 0 || core.ranked.top() > 0 {
            return run_later(core, local, job, left == 0);
        }
        next = run_or_discard(core, local, job);
    }
}

/// Leaves a job to the queues: one that has followed too many others goes behind what came from outside, one that is ready
/// beside what has a higher priority stays the next of those that have not.
#[cold]
fn run_later(core: &Core, local: &Local, job: Job, is_put_off: bool) {
    let slot = local.slot().expect("a worker has a slot");
    if is_put_off {
        slot.put_off(core, job);
    } else {
        slot.push(job);
    }
    core.notify();
}

enum Found {
    Taken(Taken),
    Resuming,
    Closed,
}

/// Looks everywhere for a while, then sleeps until woken, until there is something to do.
#[cold]
fn search(core: &Core, local: &Local, slot: &Slot) -> Found {
    core.settle_up(local);
    let counts = &core.sleep.counts;
    counts.search();
    loop {
        let begun = Instant::now();
        loop {
            if core.pool.n_resuming() > 0 {
                finish_search(core, slot, 1);
                return Found::Resuming;
            }
            if let Some(taken) = slot.take(core) {
                finish_search(core, slot, 0);
                return Found::Taken(taken);
            }
            if begun.elapsed() >= SEARCH {
                break;
            }
            for _ in 0..16 {
                std::hint::spin_loop();
            }
        }
        core.tell_drainers();
        counts.lie_down();
        // One more look, now that publishers count this worker as asleep.
        if slot.sees_work(core) || core.pool.n_resuming() > 0 {
            if !counts.rise() {
                core.sleep.block();
            }
            continue;
        }
        if core.is_closed() && core.suspended() == 0 && !core.pool.n_resuming() > 0 {
            // It stays counted as asleep; nobody needs it any more.
            return Found::Closed;
        }
        if counts.all_sleep(core.ends.len()) && core.suspended() > 0 {
            (core.work.stuck)(core);
        }
        log!(Debug, "sleeps");
        core.sleep.block();
        log!(Debug, "wakes");
    }
}

/// The search ended with something: if more is to be seen and nobody else searches, another worker takes it over.
/// `resuming` tasks are taken care of by this worker.
fn finish_search(core: &Core, slot: &Slot, resuming: usize) {
    if core.sleep.counts.found() && (slot.sees_work(core) || core.pool.n_resuming() > resuming) {
        core.sleep.wake_one();
    }
}

impl Slot {
    /// The next job: newest own work first, then what came from outside in the order it came, then what others have; now and then the
    /// other way round, so that nothing starves.
    #[inline]
    fn take(&self, core: &Core) -> Option<Taken> {
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        if core.ranked.top() != ranked::NONE {
            return self.take_by_rank(core, tick);
        }
        self.take_queued(core, tick).map(Taken::Job)
    }

    #[inline]
    fn take_queued(&self, core: &Core, tick: u32) -> Option<Job> {
        if tick % FAIRNESS == 0
            && let Some(job) = self.take_fairly(core, tick)
        {
            return Some(job);
        }
        self.deque.pop().or_else(|| self.take_from_outside(core)).or_else(|| self.steal(core))
    }

    #[cold]
    fn take_fairly(&self, core: &Core, tick: u32) -> Option<Job> {
        if tick % (2 * FAIRNESS) == 0 { self.deque.take_oldest() } else { self.take_from_outside(core) }
    }

    /// As [`take`](Self::take) while jobs with a rank can run.
    #[cold]
    fn take_by_rank(&self, core: &Core, tick: u32) -> Option<Taken> {
        let taken = self.take_highest(core, tick);
        if core.ranked.top() != ranked::NONE {
            // Another one that can run may have stood behind the one that was taken.
            core.notify();
        }
        taken
    }

    /// Jobs with a rank before the others, unless their priority is below 0, until one or the other has been overtaken by very many.
    fn take_highest(&self, core: &Core, tick: u32) -> Option<Taken> {
        let mut patience = self.patience.take();
        if self.ranked_at.replace(tick).wrapping_add(1) != tick {
            // Since then the other queues have had their turn.
            patience = Patience::default();
        }
        if patience.is_over()
            && let Some(job) = self.take_queued(core, tick)
        {
            return Some(Taken::Job(job));
        }
        if let Some(taken) = core.ranked.take(0) {
            self.patience.set(patience);
            return Some(taken);
        }
        match self.take_queued(core, tick) {
            Some(job) => {
                core.ranked.overtaken();
                Some(Taken::Job(job))
            }
            None => core.ranked.take(ranked::NONE),
        }
    }

    /// The oldest of the batch at hand, or else of a new one.
    #[inline]
    fn take_from_outside(&self, core: &Core) -> Option<Job> {
        let batch = &core.ends[self.index].batch;
        let take = || if core.is_alone() { batch.take_alone() } else { batch.take() };
        take().or_else(|| if self.fill_batch(core) { take() } else { None })
    }

    /// Takes what fits from the inboxes, beginning with the one whose turn it is. `false`: there was nothing.
    fn fill_batch(&self, core: &Core) -> bool {
        self.refresh_inboxes(core);
        let batch = &core.ends[self.index].batch;
        let inboxes = self.inboxes.borrow();
        let n = inboxes.len();
        let first = self.next_inbox.get();
        for step in 0..n {
            let at = (first + step) % n;
            // Half of what fits: the rest is for jobs that are put off.
            let room = batch.room() / 2;
            let moved = inboxes[at].take(room, |job| assert!(batch.push(job), "there is room"));
            if moved > 0 {
                self.next_inbox.set(at + 1);
                if moved > 1 {
                    // Who looked for work while the jobs were on their way has seen them in neither place.
                    core.notify();
                }
                return true;
            }
        }
        false
    }

    /// Puts a job behind what has come from outside, so that a chain without end does not hold that up.
    fn put_off(&self, core: &Core, job: Job) {
        self.fill_batch(core);
        if !core.ends[self.index].batch.push(job) {
            self.deque.push(job);
        }
    }

    fn refresh_inboxes(&self, core: &Core) {
        // Acquire pairs with the release in `Core::add_inbox`.
        let changed = core.inboxes_changed.load(Ordering::Acquire);
        if changed != self.inboxes_seen.get() {
            self.inboxes_seen.set(changed);
            self.inboxes.replace(core.inboxes.lock().clone());
        }
    }

    /// The oldest job of another slot, beginning with a random one.
    fn steal(&self, core: &Core) -> Option<Job> {
        let n = core.ends.len();
        // xorshift32 (Marsaglia 2003): any spread will do.
        let mut random = self.random.get();
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        self.random.set(random);
        for step in 0..n {
            let victim = (random as usize + step) % n;
            let end = &core.ends[victim];
            if victim != self.index
                && let Some(job) = end.deque.steal().or_else(|| end.batch.take())
            {
                self.tally.stolen.add(1);
                log!(Trace, "slot {} steals from slot {victim}", self.index);
                return Some(job);
            }
        }
        None
    }

    /// Whether any queue holds anything.
    fn sees_work(&self, core: &Core) -> bool {
        self.refresh_inboxes(core);
        !self.deque.is_empty()
            || core.ranked.top() != ranked::NONE
            || self.inboxes.borrow().iter().any(|inbox| !inbox.is_empty())
            || core.ends.iter().any(|end| !end.deque.is_empty() || !end.batch.is_empty())
    }

    /// Jobs in the own deque that nobody else can see.
    pub(crate) fn n_hidden(&self) -> usize {
        self.deque.hidden()
    }

    /// Takes the job out of the own deque if it is one of the two newest there: of two children, the first is waited for first.
    pub(crate) fn take_newest(&self, job: Job) -> bool {
        let Some(newest) = self.deque.pop() else { return false };
        if newest == job {
            return true;
        }
        let second = self.deque.pop();
        if let Some(second) = second
            && second != job
        {
            self.deque.push(second);
        }
        self.deque.push(newest);
        // Who looked for work meanwhile has not seen them.
        self.core.notify();
        second == Some(job)
    }

    /// Takes the newest job of the own deque if it is stale, or else one from among those with a rank.
    pub(crate) fn take_stale(&self, is_stale: impl FnOnce(Job) -> bool) -> Option<Job> {
        let Some(newest) = self.deque.pop() else { return self.core.ranked.take_stale() };
        if is_stale(newest) {
            return Some(newest);
        }
        self.deque.push(newest);
        self.core.notify();
        self.core.ranked.take_stale()
    }

    /// Makes a job of this slot's owner available, to itself first.
    #[inline]
    pub(crate) fn push(&self, job: Job) {
        self.deque.push(job);
    }
}

impl Core {
    /// Publishes what was pushed into an inbox. `true`: the client is closed, and the owner takes it back.
    #[inline]
    #[must_use]
    pub(crate) fn published(&self) -> bool {
        match self.sleep.counts.published() {
            Published::Seen => false,
            Published::Wake => {
                self.sleep.wake_one();
                false
            }
            Published::Closed => true,
        }
    }
}
