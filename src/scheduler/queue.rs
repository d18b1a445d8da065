//! A slot's own queue. Everything that knows crossbeam-deque is in this file, so that another deque can be measured against it.

use crossbeam_deque::{Steal, Stealer, Worker};
use std::cell::UnsafeCell;
use std::collections::VecDeque;

/// A task in a queue: an address that means something to the layer above.
pub(crate) type Job = usize;

/// The queue: last in first out for its owner, the oldest first for thieves.
pub(crate) enum Deque {
    /// One that thieves take from.
    Shared(Worker<Job>, Stealer<Job>),
    /// That of a client's only slot. Without thieves, the fence of each pop would be for nothing.
    Alone(UnsafeCell<VecDeque<Job>>),
}

/// How thieves take from a [`Deque`].
pub(crate) struct DequeEnd(Stealer<Job>);

impl Deque {
    pub(crate) fn shared() -> (Self, DequeEnd) {
        let deque = Worker::new_lifo();
        let end = DequeEnd(deque.stealer());
        let stealer = deque.stealer();
        (Self::Shared(deque, stealer), end)
    }

    /// The end is that of an empty deque: there is nobody to use it.
    pub(crate) fn alone() -> (Self, DequeEnd) {
        (Self::Alone(UnsafeCell::default()), DequeEnd(Worker::new_lifo().stealer()))
    }

    #[allow(clippy::mut_from_ref)]
    #[inline]
    fn jobs(jobs: &UnsafeCell<VecDeque<Job>>) -> &mut VecDeque<Job> {
        // SAFETY: the owner alone uses it (the cell is not `Sync`), and no method keeps the reference or calls out.
        unsafe { &mut *jobs.get() }
    }

    #[inline]
    pub(crate) fn push(&self, job: Job) {
        match self {
            Self::Shared(deque, _) => deque.push(job),
            Self::Alone(jobs) => Self::jobs(jobs).push_back(job),
        }
    }

    /// The newest job.
    #[inline]
    pub(crate) fn pop(&self) -> Option<Job> {
        match self {
            Self::Shared(deque, _) => deque.pop(),
            Self::Alone(jobs) => Self::jobs(jobs).pop_back(),
        }
    }

    /// The oldest job, for the owner.
    pub(crate) fn take_oldest(&self) -> Option<Job> {
        match self {
            Self::Shared(_, stealer) => steal(stealer),
            Self::Alone(jobs) => Self::jobs(jobs).pop_front(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Shared(deque, _) => deque.is_empty(),
            Self::Alone(jobs) => Self::jobs(jobs).is_empty(),
        }
    }

    /// How many jobs there are that the deque's [`DequeEnd`] does not show.
    pub(crate) fn hidden(&self) -> usize {
        match self {
            Self::Shared(..) => 0,
            Self::Alone(jobs) => Self::jobs(jobs).len(),
        }
    }
}

impl DequeEnd {
    /// The oldest job.
    pub(crate) fn steal(&self) -> Option<Job> {
        steal(&self.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn steal(stealer: &Stealer<Job>) -> Option<Job> {
    loop {
        match stealer.steal() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn newest_and_oldest() {
        for (deque, end) in [Deque::shared(), Deque::alone()] {
            assert!(deque.is_empty() && deque.pop().is_none() && deque.take_oldest().is_none());
            (0..5).for_each(|job| deque.push(job));
            assert_eq!((deque.pop(), deque.take_oldest()), (Some(4), Some(0)));
            assert_eq!(end.is_empty(), matches!(deque, Deque::Alone(_)));
            assert_eq!(end.steal().or_else(|| deque.take_oldest()), Some(1));
            assert_eq!((deque.pop(), deque.pop(), deque.pop()), (Some(3), Some(2), None));
        }
    }
}
