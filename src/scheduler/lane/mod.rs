//! Lanes: ready jobs that workers leave alone, for threads of the program that come and take them.
//!
//! A lane is a queue under one lock, which pushers and pullers hold for a whole batch. A puller without work looks for a moment and then
//! sleeps; a push wakes one sleeper at most, and none while another is on its way: that one wakes the next if it leaves something. What was
//! taken is *out* until it is given back, and a close waits for that. Beside the jobs a lane keeps notices for who pulls: see [`notices`].
//!
//! Jobs know their lane by its number, and no lane is kept for them: what becomes ready for one that is no more is ended.

mod notices;
mod queue;
mod registry;

pub(super) use registry::of_client;
pub(crate) use registry::{Found, find, find_number, open_lanes};

use super::event::Event;
use super::queue::Job;
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use notices::Notices;
use parking_lot::{Condvar, Mutex, MutexGuard};
use queue::Queue;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a puller looks before it sleeps: less than a blocked thread takes to come back.
const LOOK: Duration = Duration::from_micros(5);

/// See the module.
pub(crate) struct Lane {
    pub(crate) number: u32,
    /// The number of its client.
    pub(crate) client: u32,
    pub(crate) name: String,
    /// As in the state, for a look without the lock.
    is_shut: AtomicBool,
    shared: Shared,
}

/// What is written all the time: apart from the rest, which each submit reads.
#[derive(Default)]
#[repr(align(128))]
struct Shared {
    state: Mutex<State>,
    /// A copy of how many jobs are ready, for a look without the lock.
    n_ready: AtomicUsize,
    /// Whether there may be notices, for a look without the lock.
    has_notices: AtomicBool,
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
    /// Nothing is taken any more: the lane or its client is closed.
    is_shut: bool,
    /// The program closed its handle.
    is_closed: bool,
    /// Set while a job is ready, and from when the lane is shut with its client; there once it was asked for.
    event: Option<Event>,
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

/// Why there can be nothing more for a lane.
pub(crate) fn lane_closed() -> Failure {
    Failure::new(status::CLOSED, "the lane is closed")
}

impl Lane {
    fn new(number: u32, client: u32, name: String) -> Self {
        Self { number, client, name, is_shut: AtomicBool::new(false), shared: Shared::default() }
    }

    pub(crate) fn id(&self) -> Id {
        registry::id(self.number)
    }

    /// Ends the handle. Returns the jobs that are nobody's any more, or nothing if it was ended before.
    pub(crate) fn close(&self) -> Option<Vec<Job>> {
        let mut state = self.shared.state.lock();
        if std::mem::replace(&mut state.is_closed, true) {
            return None;
        }
        let jobs = self.shut(&mut state);
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
        self.shut(&mut self.shared.state.lock())
    }

    fn shut(&self, state: &mut State) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(state.queue.len());
        jobs.extend(std::iter::from_fn(|| state.queue.pop()));
        self.shared.n_ready.store(0, Ordering::Relaxed);
        if !std::mem::replace(&mut state.is_shut, true) {
            self.is_shut.store(true, Ordering::Relaxed);
            state.woken += self.shared.changed.notify_all();
            self.shared.noticed.notify_all();
        }
        if let Some(event) = &state.event {
            event.set();
        }
        jobs
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shared.state.lock().is_closed
    }

    /// Whether nothing is taken from it any more. Relaxed: who pushes finds out in any case.
    pub(crate) fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::Relaxed)
    }

    // ---- jobs -----------------------------------------------------------------------------------------------------------

    /// Makes jobs available. `false`: the lane is shut, and they are still the caller's.
    #[must_use]
    pub(crate) fn push(&self, jobs: impl Iterator<Item = Job>, priority: i32) -> bool {
        let mut state = self.shared.state.lock();
        if state.is_shut {
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
        self.shared.n_ready.store(n_ready, Ordering::Relaxed);
        if n_ready > 0 && state.sleeping > 0 && state.woken == 0 && self.shared.changed.notify_one() {
            state.woken += 1;
        }
    }

    /// Gives `returned` jobs back that were taken before, makes those that are `ready` available, and takes up to `most`. If the lane is shut, what is
    /// ready stays the caller's, who ends it and only then [gives back](Self::give_back) what is returned: a close waits for that.
    pub(crate) fn take(
        &self,
        returned: usize,
        ready: &mut Vec<Job>,
        most: usize,
        jobs: &mut Vec<Job>,
    ) -> Taken {
        let mut state = self.shared.state.lock();
        if state.is_shut {
            if ready.is_empty() {
                state.out -= returned;
                self.came_back(state);
            }
            return Taken::Shut;
        }
        state.out -= returned;
        if state.queue.len() == 0 && ready.len() <= most {
            // Straight through.
            state.out += ready.len();
            jobs.append(ready);
            return if jobs.is_empty() { Taken::Nothing } else { Taken::Jobs };
        }
        if state.queue.len() == 0
            && let Some(event) = &state.event
        {
            event.set();
        }
        state.queue.push(ready.drain(..), 0);
        let n = state.queue.len().min(most);
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
        let mut state = self.shared.state.lock();
        state.out -= returned;
        if state.is_shut {
            self.came_back(state);
        }
    }

    /// Puts jobs that were taken into the queue again; those that can be put there no more are the caller's.
    pub(crate) fn put_back(&self, jobs: &[Job]) -> bool {
        let mut state = self.shared.state.lock();
        state.out -= jobs.len();
        if state.is_shut {
            self.came_back(state);
            return false;
        }
        for &job in jobs.iter().rev() {
            state.queue.push_front(job);
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
        self.shared.noticed.notify_all();
        drop(state);
        if is_over {
            self.end();
        }
    }

    /// Blocks until nothing is out.
    pub(super) fn await_back(&self) {
        let mut state = self.shared.state.lock();
        while state.out > 0 {
            self.shared.noticed.wait(&mut state);
        }
    }

    /// Looks for jobs, notices and the end for a short while; whether a look under the lock is worth while.
    pub(crate) fn look(&self) -> bool {
        let begun = Instant::now();
        loop {
            for _ in 0..16 {
                if self.shared.n_ready.load(Ordering::Relaxed) > 0 {
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
        let mut state = self.shared.state.lock();
        let mut is_late = false;
        loop {
            if state.queue.len() > 0 || state.is_shut {
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
                None => self.shared.changed.wait(&mut state),
                Some(deadline) => is_late = self.shared.changed.wait_until(&mut state, deadline).timed_out(),
            }
            state.sleeping -= 1;
            // Who was not woken has timed out: parking_lot wakes nobody for nothing.
            state.woken -= usize::from(!is_late);
        }
    }

    /// Wakes another sleeper for what is ready, since the caller was woken and cannot come for it yet.
    pub(crate) fn pass_on(&self) {
        self.ready_changed(&mut self.shared.state.lock());
    }

    /// How many jobs are ready, at about this moment.
    pub(crate) fn n_ready(&self) -> usize {
        self.shared.n_ready.load(Ordering::Relaxed)
    }

    /// A descriptor that is readable while a job is ready.
    pub(crate) fn fd(&self) -> Result<RawFd> {
        let mut state = self.shared.state.lock();
        if state.is_closed {
            return Err(lane_closed());
        }
        if state.event.is_none() {
            let event = Event::new().map_err(|error| {
                Failure::new(status::NOMEM, format!("no file descriptor for a lane: {error}"))
            })?;
            if state.queue.len() > 0 || state.is_shut {
                event.set();
            }
            state.event = Some(event);
        }
        Ok(state.event.as_ref().map_or(-1, Event::fd))
    }
}
