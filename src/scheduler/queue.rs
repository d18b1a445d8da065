//! A slot's own queue. Everything that knows crossbeam-deque is in this file, so that another deque can be measured against it.

use crossbeam_deque::{Steal, Stealer, Worker};

/// A task in a queue: an address that means something to the layer above.
pub(crate) type Job = usize;

/// The queue: last in first out for its owner, the oldest first for thieves.
pub(crate) struct Deque(Worker<Job>);

/// How others take from a [`Deque`].
pub(crate) struct DequeEnd(Stealer<Job>);

impl Deque {
    pub(crate) fn new() -> (Self, DequeEnd) {
        let deque = Worker::new_lifo();
        let end = DequeEnd(deque.stealer());
        (Self(deque), end)
    }

    #[inline]
    pub(crate) fn push(&self, job: Job) {
        self.0.push(job);
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<Job> {
        self.0.pop()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl DequeEnd {
    /// The oldest job.
    pub(crate) fn steal(&self) -> Option<Job> {
        loop {
            match self.0.steal() {
                Steal::Success(job) => return Some(job),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
