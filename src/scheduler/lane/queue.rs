//! The order of a lane's ready jobs.

use crate::scheduler::Need;
use crate::scheduler::patience::Patience;
use crate::scheduler::priority::{PriorityQueue, Rank, Verdict};
use crate::scheduler::queue::Job;
use std::collections::VecDeque;

/// Ready jobs: those without a priority in the order of their coming, and the others.
#[derive(Default)]
pub(super) struct Queue {
    plain: VecDeque<Job>,
    ranked: PriorityQueue,
    /// Of the jobs of either that were overtaken by the other.
    plain_patience: Patience,
    ranked_patience: Patience,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.plain.len() + self.ranked.len()
    }

    pub(super) fn push(&mut self, jobs: impl Iterator<Item = Job>, priority: i32) {
        if priority == 0 {
            self.plain.extend(jobs);
        } else {
            let rank = Rank { priority, need: Need::default() };
            jobs.for_each(|job| self.ranked.push(job, &rank, true));
        }
    }

    /// Puts a job that was taken before all others that have no priority.
    pub(super) fn push_front(&mut self, job: Job) {
        self.plain.push_front(job);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Job> {
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
