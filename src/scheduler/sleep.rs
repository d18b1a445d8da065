//! Sleeping: one word that counts who searches for work and who sleeps, so that a task is never forgotten and nobody is
//! woken for nothing.
//!
//! ```text
//!  | closed: 1 | sleeping: 16 | searching: 16 |
//! ```
//!
//! Whoever publishes work wakes a sleeper only if nobody searches: a searcher will find it. A searcher that gives up changes
//! its count first and looks once more afterwards. Publisher and searcher each write one variable and then read the
//! other's, with sequentially consistent fences in between, so at least one of them sees the other. A worker that
//! finds work as the last searcher hands the search on if more is to be seen. `docs/sleep.md` has the transitions and the proof.

use crate::sync::{AtomicU64, Ordering, fence, full_fence};
use parking_lot::{Condvar, Mutex};

const SEARCHING: u64 = 1;
const SLEEPING: u64 = 1 << 16;
const MASK: u64 = 0xffff;
const CLOSED: u64 = 1 << 32;

/// The packed counts, without the means to sleep.
#[derive(Debug)]
pub(crate) struct Counts(AtomicU64);

/// What a publisher has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Published {
    /// Somebody searches, or nobody sleeps.
    Seen,
    /// A sleeper should be woken.
    Wake,
    /// The client is closed: the publisher takes back what it published.
    Closed,
}

fn searching(word: u64) -> u64 {
    word & MASK
}

fn sleeping(word: u64) -> u64 {
    word >> 16 & MASK
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// After work was published. The fence orders the publication before the look at the counts.
    #[inline]
    pub(crate) fn published(&self) -> Published {
        full_fence();
        let word = self.0.load(Ordering::Relaxed);
        if word & CLOSED != 0 {
            Published::Closed
        } else if searching(word) == 0 && sleeping(word) > 0 {
            Published::Wake
        } else {
            Published::Seen
        }
    }

    /// A worker begins to search.
    pub(crate) fn search(&self) {
        self.0.fetch_add(SEARCHING, Ordering::SeqCst);
    }

    /// A searcher found work. `true`: it was the last one and others sleep, so if more work is to be seen now, one should be woken.
    #[must_use]
    pub(crate) fn found(&self) -> bool {
        let before = self.0.fetch_sub(SEARCHING, Ordering::SeqCst);
        // The caller looks at the queues next, and must not look earlier than the count changed.
        fence(Ordering::SeqCst);
        searching(before) == 1 && sleeping(before) > 0
    }

    /// A searcher gives up. It must look once more before it blocks, and either [`rise`](Self::rise) or block.
    pub(crate) fn lie_down(&self) {
        self.0.fetch_add(SLEEPING.wrapping_sub(SEARCHING), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// A sleeper that has not blocked yet searches again. `false`: all sleepers have been claimed, so a permit is on its way to it.
    #[must_use]
    pub(crate) fn rise(&self) -> bool {
        self.change(|word| sleeping(word) > 0)
    }

    /// Turns a sleeper into a searcher on its behalf, if nobody searches. `true`: the caller owes the sleepers a permit.
    #[must_use]
    pub(crate) fn claim_sleeper(&self) -> bool {
        self.change(|word| sleeping(word) > 0 && searching(word) == 0)
    }

    /// As [`claim_sleeper`](Self::claim_sleeper), also while others search.
    #[must_use]
    pub(crate) fn claim_any_sleeper(&self) -> bool {
        self.change(|word| sleeping(word) > 0)
    }

    fn change(&self, condition: impl Fn(u64) -> bool) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while condition(word) {
            let next = word - SLEEPING + SEARCHING;
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// From now on publishers are told so. SeqCst, as the counterpart of [`published`](Self::published): work published without
    /// noticing is there for whoever looks after this.
    pub(crate) fn close(&self) {
        self.0.fetch_or(CLOSED, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Whether no worker searches and all `workers` sleep.
    pub(crate) fn all_sleep(&self, workers: usize) -> bool {
        sleeping(self.0.load(Ordering::SeqCst)) as usize == workers
    }
}

/// The counts and a semaphore to sleep on. Sleepers are all alike, so permits need no addressee.
pub(crate) struct Sleep {
    pub(crate) counts: Counts,
    permits: Mutex<usize>,
    given: Condvar,
}

impl Sleep {
    pub(crate) fn new() -> Self {
        Self { counts: Counts::new(), permits: Mutex::new(0), given: Condvar::new() }
    }

    /// Blocks until a permit is there. The caller has lain down and looked once more.
    pub(crate) fn block(&self) {
        let mut permits = self.permits.lock();
        while *permits == 0 {
            self.given.wait(&mut permits);
        }
        *permits -= 1;
    }

    #[cold]
    pub(crate) fn wake_one(&self) {
        if self.counts.claim_sleeper() {
            self.permit();
        }
    }

    /// Wakes every sleeper, whoever searches.
    pub(crate) fn wake_all(&self) {
        while self.counts.claim_any_sleeper() {
            self.permit();
        }
    }

    fn permit(&self) {
        *self.permits.lock() += 1;
        self.given.notify_one();
    }
}
