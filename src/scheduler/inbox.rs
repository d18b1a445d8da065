//! Inboxes: a first-in first-out queue for each thread that submits from outside, drained in batches by workers.
//!
//! The owner writes a job and then the number of jobs written; nothing else on its way is shared. Workers take turns at the other end,
//! under a lock that is held while a batch of addresses is copied. Jobs lie in blocks that are linked, so the queue has no bound and never
//! moves what is in it.

use super::queue::Job;
use parking_lot::Mutex;
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// Jobs in a block: with the link half a kilobyte.
const BLOCK: usize = 63;

struct Block {
    jobs: [AtomicUsize; BLOCK],
    next: AtomicPtr<Block>,
}

impl Block {
    fn new() -> NonNull<Block> {
        let block =
            Block { jobs: [const { AtomicUsize::new(0) }; BLOCK], next: AtomicPtr::new(ptr::null_mut()) };
        NonNull::from(Box::leak(Box::new(block)))
    }
}

/// The owner's end.
pub(crate) struct Inbox {
    end: Arc<InboxEnd>,
    block: Cell<NonNull<Block>>,
    pushed: Cell<usize>,
}

/// The workers' end.
#[repr(align(128))]
pub(crate) struct InboxEnd {
    /// Jobs pushed so far. Stored with release by the owner after the job, and after the block it lies in was linked.
    pushed: AtomicUsize,
    /// The owner is gone: once empty, always empty.
    orphaned: AtomicBool,
    head: Mutex<Head>,
    /// A copy of `Head::taken`, for a look without the lock.
    taken: AtomicUsize,
}

/// Where the next job is taken.
struct Head {
    block: NonNull<Block>,
    taken: usize,
}

// SAFETY: whoever holds the lock owns the blocks up to what is pushed, but for the last, which the owner of the inbox writes to beyond
// that; all its words are atomics.
unsafe impl Send for Head {}

impl Inbox {
    pub(crate) fn new() -> Self {
        let block = Block::new();
        let end = Arc::new(InboxEnd {
            pushed: AtomicUsize::new(0),
            orphaned: AtomicBool::new(false),
            head: Mutex::new(Head { block, taken: 0 }),
            taken: AtomicUsize::new(0),
        });
        Self { end, block: Cell::new(block), pushed: Cell::new(0) }
    }

    pub(crate) fn end(&self) -> Arc<InboxEnd> {
        self.end.clone()
    }

    #[inline]
    pub(crate) fn push(&self, job: Job) {
        let pushed = self.pushed.get();
        let at = pushed % BLOCK;
        if at == 0 && pushed != 0 {
            self.extend();
        }
        // SAFETY: workers free a block only after all of its jobs were pushed and taken.
        unsafe { self.block.get().as_ref() }.jobs[at].store(job, Ordering::Relaxed);
        self.pushed.set(pushed + 1);
        self.end.pushed.store(pushed + 1, Ordering::Release);
    }

    #[cold]
    fn extend(&self) {
        let next = Block::new();
        // SAFETY: as in `push`. A full block whose jobs were all taken is kept until its next one is there: see `take`.
        // Release is `pushed`'s: nobody follows the link before a job behind it is pushed.
        unsafe { self.block.get().as_ref() }.next.store(next.as_ptr(), Ordering::Relaxed);
        self.block.set(next);
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // Release: whoever sees the mark sees every push before it.
        self.end.orphaned.store(true, Ordering::Release);
    }
}

impl InboxEnd {
    /// Takes up to `most` of the oldest jobs, in order. Returns how many.
    pub(crate) fn take(&self, most: usize, mut put: impl FnMut(Job)) -> usize {
        if self.is_empty() {
            return 0;
        }
        let mut head = self.head.lock();
        let n = (self.pushed.load(Ordering::Acquire) - head.taken).min(most);
        for _ in 0..n {
            let at = head.taken % BLOCK;
            if at == 0 && head.taken != 0 {
                let done = head.block;
                // SAFETY: a job behind this block was pushed, so the owner has linked the next one and left this one for good.
                unsafe {
                    head.block = NonNull::new_unchecked(done.as_ref().next.load(Ordering::Relaxed));
                    drop(Box::from_raw(done.as_ptr()));
                }
            }
            // SAFETY: the block is freed only here.
            put(unsafe { head.block.as_ref() }.jobs[at].load(Ordering::Relaxed));
            head.taken += 1;
        }
        self.taken.store(head.taken, Ordering::Release);
        n
    }

    /// Takes the oldest job.
    pub(crate) fn take_one(&self) -> Option<Job> {
        let mut job = None;
        self.take(1, |taken| job = Some(taken));
        job
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.pushed.load(Ordering::Acquire) == self.taken.load(Ordering::Relaxed)
    }

    /// How many jobs are in it, at about this moment.
    pub(crate) fn len(&self) -> usize {
        let taken = self.taken.load(Ordering::Acquire);
        self.pushed.load(Ordering::Acquire).saturating_sub(taken)
    }

    /// Whether nothing can ever come out of it again.
    pub(crate) fn is_done(&self) -> bool {
        self.orphaned.load(Ordering::Acquire) && self.is_empty()
    }
}

impl Drop for InboxEnd {
    fn drop(&mut self) {
        let mut block = self.head.get_mut().block.as_ptr();
        while !block.is_null() {
            // SAFETY: nobody else refers to the blocks any more; each was made by `Block::new` and is freed once.
            block = unsafe { Box::from_raw(block) }.next.load(Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_across_blocks() {
        let inbox = Inbox::new();
        let end = inbox.end();
        let mut taken = Vec::new();
        for job in 0..10 * BLOCK {
            inbox.push(job);
            if job % 100 == 99 {
                end.take(60, |job| taken.push(job));
            }
        }
        while end.take(7, |job| taken.push(job)) > 0 {}
        assert!(taken.into_iter().eq(0..10 * BLOCK));
        assert!(end.is_empty() && !end.is_done());
        drop(inbox);
        assert!(end.is_done());
    }

    #[test]
    fn each_job_is_taken_once_by_one_of_many() {
        const JOBS: usize = 100_000;
        let inbox = Inbox::new();
        let taken = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..3)
                .map(|_| {
                    let end = inbox.end();
                    scope.spawn(move || {
                        let mut taken = Vec::new();
                        while !(end.is_done()) {
                            end.take(32, |job| taken.push(job));
                        }
                        taken
                    })
                })
                .collect();
            (0..JOBS).for_each(|job| inbox.push(job));
            drop(inbox);
            takers.into_iter().map(|taker| taker.join().expect("a taker")).collect::<Vec<_>>()
        });
        assert!(taken.iter().all(|taken| taken.is_sorted()), "each sees them in order");
        let mut all: Vec<_> = taken.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..JOBS));
    }
}
