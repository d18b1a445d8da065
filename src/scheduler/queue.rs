//! Queues: a deque for each slot, a first-in first-out inbox for each thread that submits from outside.
//!
//! Everything that knows crossbeam-deque is in this file, so that another deque can be measured against it.

use crossbeam_deque::{Steal, Stealer, Worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A task in a queue: an address that means something to the layer above.
pub(crate) type Job = usize;

/// A slot's own queue: last in first out for its owner, the oldest first for thieves.
pub(crate) struct Deque(Worker<Job>);

/// How others take from a [`Deque`] or a [`Batch`].
pub(crate) struct DequeEnd(Stealer<Job>);

/// What a slot has taken from an inbox and not run yet: first in first out.
pub(crate) struct Batch(Worker<Job>);

/// A thread's inbox: its owner pushes, workers take batches from the other end.
pub(crate) struct Inbox {
    queue: Worker<Job>,
    end: Arc<InboxEnd>,
}

/// How workers take from an [`Inbox`].
pub(crate) struct InboxEnd {
    queue: Stealer<Job>,
    /// The owner is gone: once empty, always empty.
    orphaned: AtomicBool,
}

fn insist<T>(mut attempt: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match attempt() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}

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

impl Batch {
    pub(crate) fn new() -> (Self, DequeEnd) {
        let batch = Worker::new_fifo();
        let end = DequeEnd(batch.stealer());
        (Self(batch), end)
    }

    /// Puts a job behind all others.
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
        insist(|| self.0.steal())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let queue = Worker::new_fifo();
        let end = Arc::new(InboxEnd { queue: queue.stealer(), orphaned: AtomicBool::new(false) });
        Self { queue, end }
    }

    pub(crate) fn end(&self) -> Arc<InboxEnd> {
        self.end.clone()
    }

    #[inline]
    pub(crate) fn push(&self, job: Job) {
        self.queue.push(job);
    }

    /// Takes the oldest job back, as the owner.
    pub(crate) fn pop(&self) -> Option<Job> {
        self.queue.pop()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // Release: whoever sees the mark sees every push before it.
        self.end.orphaned.store(true, Ordering::Release);
    }
}

impl InboxEnd {
    /// Takes a batch: the oldest job is returned, those after it go to `batch`.
    pub(crate) fn take_batch(&self, batch: &Batch) -> Option<Job> {
        insist(|| self.queue.steal_batch_and_pop(&batch.0))
    }

    /// Moves some of the oldest jobs to `batch`.
    pub(crate) fn move_batch(&self, batch: &Batch) {
        insist(|| self.queue.steal_batch(&batch.0));
    }

    /// Takes the oldest job.
    pub(crate) fn take(&self) -> Option<Job> {
        insist(|| self.queue.steal())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether nothing can ever come out of it again.
    pub(crate) fn is_done(&self) -> bool {
        self.orphaned.load(Ordering::Acquire) && self.is_empty()
    }
}
