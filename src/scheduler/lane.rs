//! Lanes: ready jobs that workers leave alone, for threads of the program that come and take them.
//!
//! A lane is a queue under one lock, which pushers and pullers hold for a whole batch. A puller without work looks for a moment and then
//! sleeps; a push wakes one sleeper at most, and none while another is on its way: that one wakes the next if it leaves something. What was
//! taken is *out* until it is given back, and a close waits for that. Beside the jobs a lane keeps notices for who pulls: see [`Notices`].
//!
//! Jobs know their lane by its number, and no lane is kept for them: what becomes ready for one that is no more is ended.

use super::event::Event;
use super::patience::Patience;
use super::priority::{PriorityQueue, Rank, Verdict};
use super::queue::Job;
use super::{Core, Local, closed};
use crate::slab::{Id, Kind};
use crate::status::{self, Failure, Result};
use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
use std::collections::{HashMap, VecDeque};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// How long a puller looks before it sleeps: less than a blocked thread takes to come back.
const LOOK: Duration = Duration::from_micros(5);

/// See the module.
pub(crate) struct Lane {
    pub(crate) number: u32,
    /// The number of its client.
    pub(crate) client: u32,
    pub(crate) name: String,
    state: Mutex<State>,
    /// A copy of how many jobs are ready, for a look without the lock.
    n_ready: AtomicUsize,
    /// Whether there may be notices, for a look without the lock.
    has_notices: AtomicBool,
    /// As `State::shut` says, for a look without the lock.
    is_shut: AtomicBool,
    /// Jobs became ready, notices came, or the lane was shut.
    changed: Condvar,
    /// A task that is out was cancelled, or the last one came back to a lane that is shut.
    noticed: Condvar,
}

#[derive(Default)]
struct State {
    queue: Queue,
    /// Jobs that were taken and not given back.
    out: usize,
    /// Sleepers on `changed`, and how many of them were woken and have not come to the lock yet.
    sleeping: usize,
    woken: usize,
    /// Sleepers on `noticed`.
    listening: usize,
    notices: Notices,
    /// Notices came since a puller was last told.
    is_news: bool,
    shut: Option<Shut>,
    /// The program closed its handle.
    is_closed: bool,
    /// Set while a job is ready, and from when the lane is shut with its client; there once it was asked for.
    event: Option<Event>,
}

/// What pullers are to hear of.
#[derive(Default)]
struct Notices {
    /// Ids of tasks that are out and that nobody wants any more.
    cancelled: Vec<u64>,
    /// Tokens whose tasks nobody can run any more.
    dropped: Vec<i64>,
}

/// Why nothing is taken from a lane any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    Lane,
    Client,
}

/// What a look for jobs came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Jobs,
    Nothing,
    Shut,
}

/// How a wait for jobs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// A look is worth while.
    Ready,
    Notices,
    TimeIsUp,
}

/// Ready jobs: those without a priority in the order of their coming, and the others.
#[derive(Default)]
struct Queue {
    plain: VecDeque<Job>,
    ranked: PriorityQueue,
    /// Of the jobs of either that were overtaken by the other.
    plain_patience: Patience,
    ranked_patience: Patience,
}

impl Queue {
    fn len(&self) -> usize {
        self.plain.len() + self.ranked.len()
    }

    fn push(&mut self, jobs: impl Iterator<Item = Job>, priority: i32) {
        if priority == 0 {
            self.plain.extend(jobs);
        } else {
            let rank = Rank { priority, need: super::Need::default() };
            jobs.for_each(|job| self.ranked.push(job, &rank, true));
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Job> {
        if self.ranked.len() == 0 { self.plain.pop_front() } else { self.pop_by_rank() }
    }

    #[cold]
    fn pop_by_rank(&mut self) -> Option<Job> {
        let (place, need, job) = self.ranked.first(|_, _| Verdict::Runs)?;
        let is_first = self.plain.is_empty() || place.priority() > 0 && !self.plain_patience.is_over();
        if !is_first {
            self.plain_patience = Patience::default();
        }
        let popped = if is_first { self.ranked.remove(place, &need) } else { self.plain.pop_front()? };
        debug_assert!(!is_first || popped == job);
        if self.ranked.len() == 0 {
            self.ranked_patience = Patience::default();
        } else if self.ranked_patience.is_over() {
            self.ranked.promote_oldest();
        }
        Some(popped)
    }
}

// ---- the lanes of this process ------------------------------------------------------------------------------------------

/// The lanes by number: those that are not closed, and those that are and have jobs out.
struct Lanes {
    lanes: HashMap<u32, Arc<Lane>>,
    /// The number of the last one.
    last: u32,
}

static LANES: LazyLock<RwLock<Lanes>> =
    LazyLock::new(|| RwLock::new(Lanes { lanes: HashMap::new(), last: 0 }));

/// Numbers have 31 bits: see the layer above.
const MAX_NUMBER: u32 = u32::MAX >> 1;

/// The id of the lane with this number; scattered as a [client's](super::client_id).
fn lane_id(number: u32) -> Id {
    Id::new(Kind::Lane, number, (u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 37) | 1)
}

/// A lane that was found.
pub(crate) enum Found {
    /// It may be closed, with jobs out.
    Lane(Arc<Lane>),
    /// There was one.
    Ended,
}

/// The lane behind an id.
pub(crate) fn find(id: Id) -> Result<Found> {
    if id.is_null() {
        return Err(Failure::handle("null lane handle"));
    }
    let number = id.index();
    let lanes = LANES.read();
    if id.kind() != Some(Kind::Lane) {
        return Err(Failure::handle("another kind of handle where a lane is wanted"));
    }
    if lane_id(number) != id || number == 0 || number > lanes.last {
        return Err(Failure::handle("not a lane handle"));
    }
    Ok(lanes.lanes.get(&number).cloned().map_or(Found::Ended, Found::Lane))
}

/// The lane with this number, unless it has ended.
pub(crate) fn find_number(number: u32) -> Option<Arc<Lane>> {
    LANES.read().lanes.get(&number).cloned()
}

impl Local {
    /// As [`find`]; the lane that this thread used last is at hand without a search, and without a share to be counted: the one that was kept is
    /// taken, and given back by [`keep_lane`](Self::keep_lane).
    #[inline]
    pub(crate) fn take_lane(&self, id: Id) -> Result<Found> {
        match self.lane.take() {
            Some(lane) if lane.id() == id => Ok(Found::Lane(lane)),
            _ => find(id),
        }
    }

    /// As [`take_lane`](Self::take_lane), by the number.
    #[inline]
    pub(crate) fn take_lane_number(&self, number: u32) -> Option<Arc<Lane>> {
        self.lane.take().filter(|lane| lane.number == number).or_else(|| find_number(number))
    }

    /// Has a lane at hand for the next time.
    #[inline]
    pub(crate) fn keep_lane(&self, lane: Arc<Lane>) {
        if !lane.is_shut() {
            self.lane.set(Some(lane));
        }
    }
}

/// How many lanes are open.
pub(crate) fn open_lanes() -> u64 {
    LANES.read().lanes.values().filter(|lane| !lane.state.lock().is_closed).count() as u64
}

/// The lanes of the client with this number.
pub(super) fn of_client(client: u32) -> Vec<Arc<Lane>> {
    LANES.read().lanes.values().filter(|lane| lane.client == client).cloned().collect()
}

/// Why there can be nothing more for a lane.
pub(crate) fn lane_closed() -> Failure {
    Failure::new(status::CLOSED, "the lane is closed")
}

impl Lane {
    /// Opens a lane of the client; its id.
    pub(crate) fn open(core: &Core, name: String) -> Result<Id> {
        let lane = {
            let mut lanes = LANES.write();
            if lanes.last == MAX_NUMBER {
                return Err(Failure::new(status::NOMEM, "no more lane numbers in this process"));
            }
            lanes.last += 1;
            let lane = Arc::new(Lane {
                number: lanes.last,
                client: core.number,
                name,
                state: Mutex::default(),
                n_ready: AtomicUsize::new(0),
                has_notices: AtomicBool::new(false),
                is_shut: AtomicBool::new(false),
                changed: Condvar::new(),
                noticed: Condvar::new(),
            });
            lanes.lanes.insert(lane.number, lane.clone());
            lane
        };
        // Who closes the client marks it first and then shuts the lanes it finds: it found this one, or the mark is found here.
        if core.is_closed() {
            lane.close();
            return Err(closed());
        }
        Ok(lane.id())
    }

    pub(crate) fn id(&self) -> Id {
        lane_id(self.number)
    }

    /// Ends the handle. Returns the jobs that are nobody's any more, or nothing if it was ended before.
    pub(crate) fn close(&self) -> Option<Vec<Job>> {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.is_closed, true) {
            return None;
        }
        let jobs = self.shut(&mut state, Shut::Lane);
        state.event = None;
        state.notices.dropped = Vec::new();
        let is_over = state.out == 0;
        drop(state);
        if is_over {
            self.end();
        }
        Some(jobs)
    }

    /// Has nothing taken from the lane any more, because its client is closed. Returns the jobs in it.
    pub(super) fn shut_with_client(&self) -> Vec<Job> {
        self.shut(&mut self.state.lock(), Shut::Client)
    }

    fn shut(&self, state: &mut State, why: Shut) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(state.queue.len());
        jobs.extend(std::iter::from_fn(|| state.queue.pop()));
        self.n_ready.store(0, Ordering::Relaxed);
        if state.shut.is_none() {
            state.shut = Some(why);
            self.is_shut.store(true, Ordering::Relaxed);
            state.woken += self.changed.notify_all();
            self.noticed.notify_all();
        }
        if let Some(event) = &state.event {
            event.set();
        }
        jobs
    }

    fn end(&self) {
        LANES.write().lanes.remove(&self.number);
    }

    /// Whether nothing is taken from it any more. Relaxed: who pushes finds out in any case.
    pub(crate) fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::Relaxed)
    }

    // ---- jobs -----------------------------------------------------------------------------------------------------------

    /// Makes jobs available. `false`: the lane is shut, and they are still the caller's.
    #[must_use]
    pub(crate) fn push(&self, jobs: impl Iterator<Item = Job>, priority: i32) -> bool {
        let mut state = self.state.lock();
        if state.shut.is_some() {
            return false;
        }
        if state.queue.len() == 0
            && let Some(event) = &state.event
        {
            event.set();
        }
        state.queue.push(jobs, priority);
        self.ready_changed(&mut state);
        true
    }

    /// Brings the copy up to date, and wakes a sleeper for what there is unless one is on its way.
    fn ready_changed(&self, state: &mut State) {
        let n_ready = state.queue.len();
        // Relaxed: a hint. Who sleeps has looked under the lock.
        self.n_ready.store(n_ready, Ordering::Relaxed);
        if n_ready > 0 && state.sleeping > 0 && state.woken == 0 && self.changed.notify_one() {
            state.woken += 1;
        }
    }

    /// Gives `returned` jobs back that were taken before, and takes up to `most` others.
    pub(crate) fn take(&self, returned: usize, most: usize, jobs: &mut Vec<Job>) -> Taken {
        let mut state = self.state.lock();
        state.out -= returned;
        if state.shut.is_some() {
            self.came_back(state);
            return Taken::Shut;
        }
        let n = state.queue.len().min(most);
        if n == 0 {
            return Taken::Nothing;
        }
        jobs.extend((0..n).map_while(|_| state.queue.pop()));
        state.out += n;
        if state.queue.len() == 0
            && let Some(event) = &state.event
        {
            event.clear();
        }
        self.ready_changed(&mut state);
        Taken::Jobs
    }

    /// Gives jobs back that were taken.
    pub(crate) fn give_back(&self, returned: usize) {
        let mut state = self.state.lock();
        state.out -= returned;
        if state.shut.is_some() {
            self.came_back(state);
        }
    }

    /// Puts jobs that were taken into the queue again; those that can be put there no more are the caller's.
    pub(crate) fn put_back(&self, jobs: &[Job]) -> bool {
        let mut state = self.state.lock();
        state.out -= jobs.len();
        if state.shut.is_some() {
            self.came_back(state);
            return false;
        }
        for &job in jobs.iter().rev() {
            state.queue.plain.push_front(job);
        }
        if let Some(event) = &state.event {
            event.set();
        }
        self.ready_changed(&mut state);
        true
    }

    /// Jobs came back to a lane that is shut.
    fn came_back(&self, state: MutexGuard<'_, State>) {
        if state.out > 0 {
            return;
        }
        let is_over = state.is_closed;
        self.noticed.notify_all();
        drop(state);
        if is_over {
            self.end();
        }
    }

    /// Blocks until nothing is out.
    pub(super) fn await_back(&self) {
        let mut state = self.state.lock();
        while state.out > 0 {
            self.noticed.wait(&mut state);
        }
    }

    /// Looks for jobs, notices and the end for a short while; whether a look under the lock is worth while.
    pub(crate) fn look(&self) -> bool {
        let begun = Instant::now();
        loop {
            for _ in 0..16 {
                if self.n_ready.load(Ordering::Relaxed) > 0 {
                    return true;
                }
                std::hint::spin_loop();
            }
            if begun.elapsed() >= LOOK {
                return false;
            }
        }
    }

    /// Blocks until a job is ready, the lane is shut or, for who `hears` of them, there are notices.
    pub(crate) fn wait(&self, deadline: Option<Instant>, hears: bool) -> Waited {
        let mut state = self.state.lock();
        let mut is_late = false;
        loop {
            if state.queue.len() > 0 || state.shut.is_some() {
                return Waited::Ready;
            }
            if hears && std::mem::take(&mut state.is_news) {
                return Waited::Notices;
            }
            if is_late {
                return Waited::TimeIsUp;
            }
            state.sleeping += 1;
            match deadline {
                None => self.changed.wait(&mut state),
                Some(deadline) => is_late = self.changed.wait_until(&mut state, deadline).timed_out(),
            }
            state.sleeping -= 1;
            // Who was not woken has timed out: parking_lot wakes nobody for nothing.
            state.woken -= usize::from(!is_late);
        }
    }

    /// How many jobs are ready, at about this moment.
    pub(crate) fn n_ready(&self) -> usize {
        self.n_ready.load(Ordering::Relaxed)
    }

    /// A descriptor that is readable while a job is ready.
    pub(crate) fn fd(&self) -> Result<RawFd> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(lane_closed());
        }
        if state.event.is_none() {
            let event = Event::new().map_err(|error| {
                Failure::new(status::NOMEM, format!("no file descriptor for a lane: {error}"))
            })?;
            if state.queue.len() > 0 || state.shut.is_some() {
                event.set();
            }
            state.event = Some(event);
        }
        Ok(state.event.as_ref().map_or(-1, Event::fd))
    }

    // ---- notices --------------------------------------------------------------------------------------------------------

    /// A task that is out is wanted no more. Whoever listens hears of it, else a puller.
    pub(crate) fn cancelled(&self, id: u64) {
        let mut state = self.state.lock();
        state.notices.cancelled.push(id);
        self.has_notices.store(true, Ordering::Relaxed);
        if state.listening > 0 {
            self.noticed.notify_all();
        } else {
            self.tell_puller(&mut state);
        }
    }

    /// Nobody can run the tasks with these tokens any more. `is_known`: who gives the notice is a puller, which hears of it before it sleeps.
    pub(crate) fn dropped(&self, tokens: &[i64], is_known: bool) {
        let mut state = self.state.lock();
        if state.is_closed {
            return;
        }
        state.notices.dropped.extend_from_slice(tokens);
        self.has_notices.store(true, Ordering::Relaxed);
        if is_known {
            state.is_news = true;
        } else {
            self.tell_puller(&mut state);
        }
    }

    /// Wakes the sleepers for the first notice since one was told; who takes it tells the others nothing.
    fn tell_puller(&self, state: &mut State) {
        if !std::mem::replace(&mut state.is_news, true) && state.sleeping > state.woken {
            // All: it may be that some do not hear of notices.
            state.woken += self.changed.notify_all();
        }
    }

    /// Moves notices of cancelled tasks into `out`; how many. `is_out` tells which are out still: of the others nobody wants to know.
    pub(crate) fn take_cancelled(&self, out: &mut [u64], is_out: impl Fn(u64) -> bool) -> usize {
        // Relaxed: what comes a moment later is found by the next look.
        if !self.has_notices.load(Ordering::Relaxed) {
            return 0;
        }
        let mut state = self.state.lock();
        let mut n = 0;
        while n < out.len()
            && let Some(id) = state.notices.cancelled.pop()
        {
            if is_out(id) {
                out[n] = id;
                n += 1;
            }
        }
        self.notices_changed(&mut state);
        n
    }

    /// Moves dropped tokens into `out`; how many.
    pub(crate) fn take_dropped(&self, out: &mut [i64]) -> usize {
        if !self.has_notices.load(Ordering::Relaxed) {
            return 0;
        }
        let mut state = self.state.lock();
        let dropped = &mut state.notices.dropped;
        let n = dropped.len().min(out.len());
        let rest = dropped.len() - n;
        out[..n].copy_from_slice(&dropped[rest..]);
        dropped.truncate(rest);
        self.notices_changed(&mut state);
        n
    }

    fn notices_changed(&self, state: &mut State) {
        let has_notices = !state.notices.cancelled.is_empty() || !state.notices.dropped.is_empty();
        self.has_notices.store(has_notices, Ordering::Relaxed);
        state.is_news &= has_notices;
    }

    /// Blocks until a task that is out is cancelled. `false`: the time is up. `Err`: none can be any more.
    pub(crate) fn await_cancelled(&self, deadline: Option<Instant>) -> std::result::Result<bool, Shut> {
        let mut state = self.state.lock();
        let mut is_late = false;
        loop {
            if !state.notices.cancelled.is_empty() {
                return Ok(true);
            }
            if let (Some(shut), 0) = (state.shut, state.out) {
                return Err(shut);
            }
            if is_late {
                return Ok(false);
            }
            state.listening += 1;
            match deadline {
                None => self.noticed.wait(&mut state),
                Some(deadline) => is_late = self.noticed.wait_until(&mut state, deadline).timed_out(),
            }
            state.listening -= 1;
        }
    }
}
