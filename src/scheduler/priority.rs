//! The order of ready jobs that have a [`Rank`]: by priority, and among equals as the other queues have it: what workers made ready before
//! what came from outside, the newest of the former and the oldest of the latter first.
//!
//! Jobs that need the same are in one line, of which only the first counts: if that cannot run, neither can those behind it. Lines that
//! need the same resources, if different amounts, are in one set, so that a set whose resources are spoken for is passed over
//! whole. So a look at what can run costs as much as there are sets, however many jobs wait.

use super::queue::Job;
use super::resources::Need;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Bound::{Excluded, Unbounded};

/// What sets a job apart from those that the other queues hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rank {
    /// Higher first; the other queues' jobs have 0.
    pub(crate) priority: i32,
    /// What it holds while it runs.
    pub(crate) need: Need,
}

/// Where a job stands among all. The smallest is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    priority: Reverse<i64>,
    /// The job's number in the order of their coming: itself if it came from outside, negative if it came from a worker.
    number: i64,
}

/// Above every priority: that of a job which has waited so long that it is its turn.
const PROMOTED: i64 = i64::MAX;

impl Place {
    pub(super) fn priority(self) -> i64 {
        self.priority.0
    }
}

/// What a look at the first job of a line comes to.
pub(super) enum Verdict {
    /// It can run.
    Runs,
    /// It cannot, and what comes after it must not take from the same resources.
    Reserves,
    /// It cannot, and what comes after it need not mind.
    Waits,
}

/// The jobs, in order.
#[derive(Default)]
pub(super) struct PriorityQueue {
    /// By the names of what they need.
    sets: BTreeMap<u64, Set>,
    /// Those not promoted, the oldest first.
    by_age: BTreeMap<i64, (Place, Need)>,
    /// The number of the last one that came.
    last: i64,
    len: usize,
}

/// Jobs that need the same resources.
#[derive(Default)]
struct Set {
    /// The first of each line.
    first: BTreeMap<Place, (Job, Need)>,
    /// The jobs that need the same amounts.
    lines: BTreeMap<Need, BTreeMap<Place, Job>>,
}

impl PriorityQueue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a job that came from outside, or else from a worker.
    pub(super) fn push(&mut self, job: Job, rank: &Rank, from_outside: bool) {
        self.last += 1;
        let number = if from_outside { self.last } else { -self.last };
        let place = Place { priority: Reverse(rank.priority.into()), number };
        self.by_age.insert(self.last, (place, rank.need.clone()));
        self.insert(place, job, rank.need.clone());
    }

    fn insert(&mut self, place: Place, job: Job, need: Need) {
        self.len += 1;
        let set = self.sets.entry(need.names()).or_default();
        let line = set.lines.entry(need.clone()).or_default();
        let first = line.first_key_value().map(|(&first, _)| first);
        if first.is_none_or(|first| place < first) {
            first.map(|first| set.first.remove(&first));
            set.first.insert(place, (job, need));
        }
        line.insert(place, job);
    }

    /// Takes out the job at `place`, which needs `need`.
    pub(super) fn remove(&mut self, place: Place, need: &Need) -> Job {
        self.len -= 1;
        self.by_age.remove(&place.number.abs());
        let set = self.sets.get_mut(&need.names()).expect("the set of a job");
        let line = set.lines.get_mut(need).expect("the line of a job");
        let job = line.remove(&place).expect("a job in its line");
        if set.first.remove(&place).is_some()
            && let Some((&next, &job)) = line.first_key_value()
        {
            set.first.insert(next, (job, need.clone()));
        }
        if line.is_empty() {
            set.lines.remove(need);
            if set.lines.is_empty() {
                self.sets.remove(&need.names());
            }
        }
        job
    }

    /// The oldest job not promoted yet becomes the first, behind those promoted before.
    pub(super) fn promote_oldest(&mut self) {
        let Some((number, (place, need))) = self.by_age.pop_first() else { return };
        let job = self.remove(place, &need);
        self.insert(Place { priority: Reverse(PROMOTED), number }, job, need);
    }

    /// The first job that can run.
    pub(super) fn first(&self, mut look: impl FnMut(Job, &Need) -> Verdict) -> Option<(Place, Need, Job)> {
        let mut reserved = 0;
        let mut next: BinaryHeap<_> =
            self.sets.iter().map(|(&names, set)| set.from(Unbounded, names)).collect();
        while let Some(Some(Reverse((place, names)))) = next.pop() {
            if names & reserved != 0 {
                continue;
            }
            let set = &self.sets[&names];
            let (job, need) = &set.first[&place];
            match look(*job, need) {
                Verdict::Runs => return Some((place, need.clone(), *job)),
                Verdict::Reserves => reserved |= names,
                Verdict::Waits => next.push(set.from(Excluded(place), names)),
            }
        }
        None
    }

    /// The first job of some line that `is_wanted`.
    pub(super) fn find(&self, mut is_wanted: impl FnMut(Job) -> bool) -> Option<(Place, Need)> {
        let mut firsts = self.sets.values().flat_map(|set| &set.first);
        firsts.find(|(_, (job, _))| is_wanted(*job)).map(|(&place, (_, need))| (place, need.clone()))
    }
}

impl Set {
    /// The first place from there on, with the set's names.
    fn from(&self, from: std::ops::Bound<Place>, names: u64) -> Option<Reverse<(Place, u64)>> {
        self.first.range((from, Unbounded)).next().map(|(&place, _)| Reverse((place, names)))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::resources::Resources;
    use super::*;

    fn rank(priority: i32, need: &Need) -> Rank {
        Rank { priority, need: need.clone() }
    }

    /// Takes all that can run by this verdict, in order.
    fn drain(queue: &mut PriorityQueue, look: impl Fn(Job, &Need) -> Verdict) -> Vec<Job> {
        std::iter::from_fn(|| {
            let (place, need, job) = queue.first(&look)?;
            assert_eq!(queue.remove(place, &need), job);
            Some(job)
        })
        .collect()
    }

    #[test]
    fn by_priority_then_from_workers_then_from_outside() {
        let (mut queue, none) = (PriorityQueue::default(), Need::default());
        for (job, priority, from_outside) in [
            (10, 0, true),
            (11, 0, true),
            (20, i32::MIN, true),
            (12, 0, false),
            (13, 0, false),
            (30, i32::MAX, false),
            (31, i32::MAX, true),
        ] {
            queue.push(job, &rank(priority, &none), from_outside);
        }
        assert_eq!(queue.len(), 7);
        assert_eq!(drain(&mut queue, |_, _| Verdict::Runs), [30, 31, 13, 12, 10, 11, 20]);
        assert_eq!((queue.len(), queue.sets.len(), queue.by_age.len()), (0, 0, 0));
    }

    #[test]
    fn the_oldest_are_promoted_in_turn() {
        let (mut queue, none) = (PriorityQueue::default(), Need::default());
        for job in 0..5 {
            queue.push(job, &rank(job as i32, &none), job % 2 == 0);
        }
        queue.promote_oldest();
        queue.promote_oldest();
        assert_eq!(drain(&mut queue, |_, _| Verdict::Runs), [0, 1, 4, 3, 2]);
        queue.promote_oldest();
        assert!(queue.by_age.is_empty());
    }

    /// What waits keeps what it needs from those behind it, or does not; others pass.
    #[test]
    fn verdicts() {
        let resources = Resources::read(c"a=9,b=9").unwrap();
        let [none, a1, a9, b1, both] =
            [c"", c"a=1", c"a=9", c"b=1", c"a=1,b=1"].map(|text| resources.need(text).unwrap_or_default());
        let fill = || {
            let mut queue = PriorityQueue::default();
            for (job, need) in [&a9, &a1, &both, &a9, &b1, &none, &a1, &both].into_iter().enumerate() {
                queue.push(job, &rank(0, need), true);
            }
            queue
        };
        let cannot = |verdict: fn() -> Verdict| {
            let a9 = &a9;
            move |_, need: &Need| if need == a9 { verdict() } else { Verdict::Runs }
        };
        assert_eq!(drain(&mut fill(), cannot(|| Verdict::Reserves)), [4, 5]);
        assert_eq!(drain(&mut fill(), cannot(|| Verdict::Waits)), [1, 2, 4, 5, 6, 7]);
        assert!(drain(&mut fill(), |_, _| Verdict::Waits).is_empty());
        let mut queue = fill();
        assert_eq!(queue.find(|job| job == 2).map(|(place, need)| queue.remove(place, &need)), Some(2));
        assert!(queue.find(|job| job == 3).is_none(), "it is not the first of its line");
    }
}
