//! Ready jobs with a [`Rank`] of their own, a priority or resources to wait for, and the resources: one structure for each client, under
//! one lock, which nobody takes who uses neither.
//!
//! Workers read one word, [`top`](Ranked::top), between any two tasks: the priority of the job that can run next. It is brought up to
//! date under the lock after every change, so that it is no promise to others but never wrong for who has made the change; and whoever made a job
//! able to run looks for sleepers afterwards, as after any push.
//!
//! A job that does not fit keeps the resources it needs from those behind it: else many small ones would keep a big one waiting
//! for ever. It does not if tasks that are suspended in waits hold what it lacks: they may well wait for one that stands behind it.

use super::patience::Patience;
use super::priority::{Place, PriorityQueue, Rank, Verdict};
use super::queue::Job;
use super::resources::{Need, Resources};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// [`top`](Ranked::top) when no job can run: below every priority.
pub(crate) const NONE: i64 = i64::MIN;

/// See the module.
pub(crate) struct Ranked {
    top: Top,
    pub(crate) resources: Resources,
    is_stale: fn(Job) -> bool,
    state: Mutex<State>,
}

/// In a line of its own, since it is read far more often than written.
#[repr(align(128))]
struct Top(AtomicI64);

struct State {
    queue: PriorityQueue,
    stock: Vec<Stock>,
    /// Of the jobs that were overtaken.
    patience: Patience,
    /// Resources matter no more: what is taken is discarded.
    closed: bool,
}

/// What is left of a resource.
struct Stock {
    total: u64,
    free: u64,
    /// Held by tasks that are suspended.
    suspended: u64,
}

/// A job that was taken, and what that means.
pub(crate) enum Taken {
    /// To be run.
    Job(Job),
    /// To be run; these resources are held for it, and [given back](Ranked::give_back) when that is over.
    Holding(Job, Need),
    /// Claimed by somebody else while it waited.
    Stale(Job),
}

impl State {
    /// Whether the job could run now.
    fn look(&self, need: &Need) -> Verdict {
        let mut verdict = Verdict::Runs;
        for (index, amount) in need.amounts() {
            let stock = &self.stock[index];
            if amount > stock.total - stock.suspended {
                return Verdict::Waits;
            }
            if amount > stock.free {
                verdict = Verdict::Reserves;
            }
        }
        verdict
    }

    /// Takes what a job needs. `false`: it is not there.
    fn hold(&mut self, need: &Need) -> bool {
        let fits = need.amounts().all(|(index, amount)| amount <= self.stock[index].free);
        if fits {
            need.amounts().for_each(|(index, amount)| self.stock[index].free -= amount);
        }
        fits
    }
}

impl Ranked {
    pub(crate) fn new(resources: Resources, is_stale: fn(Job) -> bool) -> Self {
        let stock = resources.totals().iter().map(|&total| Stock { total, free: total, suspended: 0 });
        let state = State {
            queue: PriorityQueue::default(),
            stock: stock.collect(),
            patience: Patience::default(),
            closed: false,
        };
        Self { top: Top(AtomicI64::new(NONE)), resources, is_stale, state: Mutex::new(state) }
    }

    /// The priority of the job that [`take`](Self::take) would return, or [`NONE`].
    ///
    /// Relaxed: a hint. A worker that relies on it before it sleeps has a fence before this look, as whoever changes it has after the change.
    #[inline]
    pub(crate) fn top(&self) -> i64 {
        self.top.0.load(Ordering::Relaxed)
    }

    fn first(&self, state: &State) -> Option<(Place, Need, Job)> {
        state.queue.first(
            |job, need| {
                if state.closed || (self.is_stale)(job) { Verdict::Runs } else { state.look(need) }
            },
        )
    }

    /// Changes the state and brings `top` up to date.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let result = change(&mut state);
        self.refresh_top(&state);
        result
    }

    fn refresh_top(&self, state: &State) {
        let top = self.first(state).map_or(NONE, |(place, ..)| place.priority());
        self.top.0.store(top, Ordering::Relaxed);
    }

    /// Adds jobs of one rank, from outside or from a worker, the first of them to be run first.
    pub(crate) fn push(&self, jobs: &[Job], rank: &Rank, from_outside: bool) {
        let mut state = self.state.lock();
        if from_outside {
            jobs.iter().for_each(|&job| state.queue.push(job, rank, true));
        } else {
            jobs.iter().rev().for_each(|&job| state.queue.push(job, rank, false));
        }
        // Behind one that can run it makes no difference.
        let priority = rank.priority.into();
        if self.top() < priority || (self.top() == priority && !from_outside) {
            self.refresh_top(&state);
        }
    }

    /// Takes the first job that can run, if its priority is at least `floor`.
    pub(crate) fn take(&self, floor: i64) -> Option<Taken> {
        if self.top() < floor {
            return None;
        }
        self.change(|state| {
            let (place, need, job) = self.first(state).filter(|(place, ..)| place.priority() >= floor)?;
            let taken = if (self.is_stale)(job) {
                Taken::Stale(job)
            } else if need.is_empty() || state.closed {
                Taken::Job(job)
            } else if state.hold(&need) {
                Taken::Holding(job, need.clone())
            } else {
                // It was stale a moment ago, and is wanted again.
                return None;
            };
            state.queue.remove(place, &need);
            if state.queue.len() == 0 {
                state.patience = Patience::default();
            } else if state.patience.is_over() {
                state.queue.promote_oldest();
            }
            Some(taken)
        })
    }

    /// A job of another queue overtakes these.
    pub(crate) fn overtaken(&self) {
        let mut state = self.state.lock();
        if state.patience.is_over() {
            state.queue.promote_oldest();
            self.refresh_top(&state);
        }
    }

    /// Takes a stale job, if one is the first of those that need the same.
    pub(crate) fn take_stale(&self) -> Option<Job> {
        if self.top() == NONE {
            return None;
        }
        self.change(|state| {
            let (place, need) = state.queue.find(self.is_stale)?;
            Some(state.queue.remove(place, &need))
        })
    }

    /// Whoever held these resources is done with them.
    pub(crate) fn give_back(&self, need: &Need) {
        self.change(|state| need.amounts().for_each(|(index, amount)| state.stock[index].free += amount));
    }

    /// The task that holds these resources is suspended from now on.
    pub(crate) fn suspend(&self, need: &Need) {
        self.change(|state| {
            need.amounts().for_each(|(index, amount)| state.stock[index].suspended += amount)
        });
    }

    /// Undoes [`suspend`](Self::suspend).
    pub(crate) fn resume(&self, need: &Need) {
        self.change(|state| {
            need.amounts().for_each(|(index, amount)| state.stock[index].suspended -= amount)
        });
    }

    /// Looks again, since a job may have become stale.
    pub(crate) fn refresh(&self) {
        self.change(|_| ());
    }

    /// What is free of each resource.
    pub(crate) fn free(&self) -> Vec<u64> {
        self.state.lock().stock.iter().map(|stock| stock.free).collect()
    }

    /// How many jobs are in it.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// From now on every job can be taken, for the sake of being discarded.
    pub(crate) fn close(&self) {
        self.change(|state| state.closed = true);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const STALE: Job = 1000;

    fn ranked() -> Ranked {
        Ranked::new(Resources::read(c"GPU=3").unwrap(), |job| job >= STALE)
    }

    fn push(ranked: &Ranked, job: Job, priority: i32, gpus: u64) {
        let text = std::ffi::CString::new(format!("GPU={gpus}")).unwrap();
        let need = ranked.resources.need(&text).unwrap_or_default();
        ranked.push(&[job], &Rank { priority, need }, true);
    }

    fn take(ranked: &Ranked) -> Option<(Job, Need)> {
        match ranked.take(NONE + 1)? {
            Taken::Job(job) | Taken::Stale(job) => Some((job, Need::default())),
            Taken::Holding(job, need) => Some((job, need)),
        }
    }

    #[test]
    fn top_is_what_take_returns() {
        let ranked = ranked();
        assert!(ranked.top() == NONE && take(&ranked).is_none());
        push(&ranked, 1, -1, 2);
        push(&ranked, 2, 5, 2);
        push(&ranked, 3, 7, 0);
        assert_eq!((ranked.top(), ranked.len()), (7, 3));
        assert!(ranked.take(8).is_none());
        assert_eq!(take(&ranked).map(|(job, _)| job), Some(3));
        assert_eq!(ranked.top(), 5);
        let (job, need) = take(&ranked).unwrap();
        assert_eq!((job, ranked.top()), (2, NONE));
        ranked.give_back(&need);
        assert_eq!(ranked.top(), -1);
    }

    #[test]
    fn a_big_one_reserves_unless_suspended_tasks_hold_what_it_lacks() {
        let ranked = ranked();
        push(&ranked, 1, 0, 1);
        let (_, held) = take(&ranked).unwrap();
        push(&ranked, 2, 0, 3);
        push(&ranked, 3, 0, 1);
        assert_eq!(ranked.top(), NONE);
        ranked.suspend(&held);
        assert_eq!(ranked.top(), 0);
        ranked.resume(&held);
        assert_eq!(ranked.top(), NONE);
        ranked.suspend(&held);
        assert_eq!(take(&ranked).map(|(job, _)| job), Some(3));
        assert_eq!(ranked.top(), NONE);
    }

    #[test]
    fn stale_ones_neither_reserve_nor_hold() {
        let ranked = ranked();
        push(&ranked, 1, 0, 2);
        let (_, held) = take(&ranked).unwrap();
        push(&ranked, STALE, 0, 3);
        push(&ranked, 2, 0, 1);
        assert!(matches!(ranked.take(0), Some(Taken::Stale(STALE))));
        assert!(matches!(ranked.take(0), Some(Taken::Holding(2, _))));
        ranked.give_back(&held);
        push(&ranked, 3, 0, 1);
        push(&ranked, STALE + 1, 9, 2);
        assert!(ranked.take_stale() == Some(STALE + 1) && ranked.take_stale().is_none());
        assert_eq!(take(&ranked).map(|(job, _)| job), Some(3));
    }

    #[test]
    fn all_can_be_taken_of_a_closed_client() {
        let ranked = ranked();
        for job in 0..4 {
            push(&ranked, job, 0, 3);
        }
        assert!(take(&ranked).is_some() && take(&ranked).is_none());
        ranked.close();
        assert_eq!(std::iter::from_fn(|| take(&ranked)).count(), 3);
        assert_eq!(ranked.top(), NONE);
    }

    #[test]
    fn who_is_overtaken_has_its_turn() {
        let ranked = ranked();
        push(&ranked, 1, -1, 3);
        push(&ranked, 2, 9, 1);
        let (_, mut held) = take(&ranked).unwrap();
        let turns = (0..).find(|_| {
            push(&ranked, 2, 9, 1);
            let Some((job, next)) = take(&ranked) else {
                // The big one is the next, and so keeps the small one from what it needs.
                ranked.give_back(&held);
                assert_eq!(take(&ranked).map(|(job, _)| job), Some(1));
                return true;
            };
            assert_eq!(job, 2);
            ranked.give_back(&std::mem::replace(&mut held, next));
            false
        });
        assert!(turns.is_some());
    }
}
