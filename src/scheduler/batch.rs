//! Batches: what a slot has taken from inboxes and not run yet, first in first out, open to thieves.
//!
//! A ring with one writer, like the local run queue of Go's scheduler. Positions count up for ever, so a thief that was slow cannot
//! mistake a place that was filled again for the one it read: the head has moved, and its compare-and-swap fails.

use super::queue::Job;
use crate::slab::prefetch_address;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Places in the ring.
pub(crate) const CAPACITY: usize = 64;
/// How many jobs before its turn a job's memory is asked for: it mostly lies in the cache of the core that submitted it.
const AHEAD: usize = 6;

#[repr(align(128))]
pub(crate) struct Batch {
    head: AtomicUsize,
    tail: AtomicUsize,
    jobs: [AtomicUsize; CAPACITY],
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            jobs: [const { AtomicUsize::new(0) }; CAPACITY],
        }
    }

    /// Puts a job behind all others, as the slot's owner. `false`: there is no room.
    #[must_use]
    pub(crate) fn push(&self, job: Job) -> bool {
        let tail = self.tail.load(Ordering::Relaxed);
        // Acquire: what was read from the place that is now written again has been read.
        let n = tail - self.head.load(Ordering::Acquire);
        if n == CAPACITY {
            return false;
        }
        if n < AHEAD {
            prefetch_address(job);
        }
        self.jobs[tail % CAPACITY].store(job, Ordering::Relaxed);
        self.tail.store(tail + 1, Ordering::Release);
        true
    }

    /// Takes the oldest job, as anybody.
    #[inline]
    pub(crate) fn take(&self) -> Option<Job> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let tail = self.tail.load(Ordering::Acquire);
            if head == tail {
                return None;
            }
            let job = self.jobs[head % CAPACITY].load(Ordering::Relaxed);
            // AcqRel: release tells the owner that the place was read; if it was written again meanwhile, the head has moved.
            match self.head.compare_exchange_weak(head, head + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    if tail - head > AHEAD {
                        prefetch_address(self.jobs[(head + AHEAD) % CAPACITY].load(Ordering::Relaxed));
                    }
                    return Some(job);
                }
                Err(now) => head = now,
            }
        }
    }

    /// As [`take`](Self::take), as the owner where there are no thieves: a client's only slot.
    #[inline]
    pub(crate) fn take_alone(&self) -> Option<Job> {
        let head = self.head.load(Ordering::Relaxed);
        let tail = self.tail.load(Ordering::Relaxed);
        if head == tail {
            return None;
        }
        if tail - head > AHEAD {
            prefetch_address(self.jobs[(head + AHEAD) % CAPACITY].load(Ordering::Relaxed));
        }
        let job = self.jobs[head % CAPACITY].load(Ordering::Relaxed);
        self.head.store(head + 1, Ordering::Relaxed);
        Some(job)
    }

    /// How many more jobs fit, as the slot's owner sees it.
    pub(crate) fn room(&self) -> usize {
        CAPACITY - (self.tail.load(Ordering::Relaxed) - self.head.load(Ordering::Relaxed))
    }

    /// How many jobs are in it, as anybody sees it at about this moment.
    pub(crate) fn len(&self) -> usize {
        let head = self.head.load(Ordering::Acquire);
        self.tail.load(Ordering::Acquire).saturating_sub(head)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed) == self.tail.load(Ordering::Acquire)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_full_batch_takes_no_more() {
        let batch = Batch::new();
        assert!((0..CAPACITY).all(|job| batch.push(job)));
        assert!(!batch.push(CAPACITY) && batch.room() == 0);
        assert_eq!(batch.take(), Some(0));
        assert!(batch.push(CAPACITY));
        assert!((1..=CAPACITY / 2).all(|job| batch.take() == Some(job)));
        assert!((CAPACITY / 2 + 1..=CAPACITY).all(|job| batch.take_alone() == Some(job)));
        assert!(batch.take_alone().is_none());
        assert!(batch.take().is_none() && batch.is_empty());
    }

    #[test]
    fn each_job_is_taken_once_by_owner_or_thief() {
        const JOBS: usize = 200_000;
        let batch = Batch::new();
        let done = AtomicBool::new(false);
        let mut taken = std::thread::scope(|scope| {
            let thieves: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut taken = Vec::new();
                        while !done.load(Ordering::Acquire) {
                            taken.extend(batch.take());
                        }
                        taken
                    })
                })
                .collect();
            let mut taken = Vec::new();
            for job in 0..JOBS {
                while !batch.push(job) {
                    taken.extend(batch.take());
                }
            }
            taken.extend(std::iter::from_fn(|| batch.take()));
            done.store(true, Ordering::Release);
            thieves.into_iter().for_each(|thief| taken.extend(thief.join().expect("a thief")));
            taken
        });
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..JOBS));
    }
}
