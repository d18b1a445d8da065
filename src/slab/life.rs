//! The first word of every line: who still refers to it, and which handle is the live one.
//!
//! ```text
//!  63            36 35       34               0
//! | generation: 28 | watched | references: 35 |
//! ```
//!
//! An odd generation means that the line has a live handle, whose id carries the same generation. Ending that handle makes
//! it even; the line's next life makes it odd again. Since checking a generation and counting a reference are one
//! compare-and-swap, a stale handle can never reach what now lives in its line. A line whose generations are used up is
//! retired, so that no id comes twice. `docs/slab.md` has the states and transitions.

use super::id::{GENERATION_MAX, GENERATION_SHIFT, Id};
use crate::sync::{AtomicU64, Ordering, fence};

const WATCHED: u64 = 1 << 35;
const REFERENCES: u64 = WATCHED - 1;
const GENERATION_ONE: u64 = 1 << GENERATION_SHIFT;

/// The life word.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Life(AtomicU64);

/// What ending a handle did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Ended {
    /// The id is not that of a live handle: nothing was done.
    Stale,
    /// Others still refer to the line.
    Shared {
        /// Somebody waits through the handle that just ended.
        watched: bool,
        /// By one reference only.
        by_one: bool,
    },
    /// The handle's reference is the last one, and now the caller's: it must [`leave`](Life::leave) it.
    Last {
        /// As in `Shared`; a waiter counts a reference while it registers, but may be gone since.
        watched: bool,
    },
    /// The handle's reference was the last one, and the line is the caller's to free.
    Free {
        /// Somebody said to wait through the handle.
        watched: bool,
    },
}

/// What giving a reference up did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Left {
    /// Others still refer to the line.
    Others,
    /// By one reference only.
    One,
    /// Nothing: it is the last one, and stays the caller's.
    Last,
}

impl Life {
    #[cfg(all(test, loom))]
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn generation(word: u64) -> u64 {
        word >> GENERATION_SHIFT
    }

    /// Lives are numbered by pairs of generations: odd while the first handle lives, then even.
    fn number(word: u64) -> u64 {
        Self::generation(word).div_ceil(2)
    }

    fn names(word: u64, id: Id) -> bool {
        debug_assert!(id.generation() % 2 == 1, "looked up, so the id of a handle that lives or lived");
        (word ^ id.0) >> GENERATION_SHIFT == 0
    }

    /// Begins a life with one reference, that of the first handle, and returns the handle's generation.
    ///
    /// The caller owns the line alone. Release: whoever pins a forged id that happens to fit must see an initialised line.
    pub(crate) fn begin(&self) -> u64 {
        self.begin_held(1)
    }

    /// As [`begin`](Self::begin), with these references, that of the handle among them.
    pub(crate) fn begin_held(&self, references: u32) -> u64 {
        debug_assert!(references > 0);
        let generation = Self::generation(self.0.load(Ordering::Relaxed)) + 1;
        debug_assert!(generation % 2 == 1);
        self.0.store(generation << GENERATION_SHIFT | u64::from(references), Ordering::Release);
        generation
    }

    /// Begins a life that has no handle, with these references: that of a handle which has ended already.
    ///
    /// The caller owns the line alone. Release: whoever [joins](Self::join) the life must see an initialised line.
    pub(crate) fn begin_unheld(&self, references: u32) {
        debug_assert!(references > 0);
        let generation = Self::generation(self.0.load(Ordering::Relaxed)) + 2;
        debug_assert!(generation % 2 == 0);
        self.0.store(generation << GENERATION_SHIFT | u64::from(references), Ordering::Release);
    }

    /// Whether `id` is the live handle just now.
    ///
    /// Acquire: what is read of the line afterwards belongs to this life or a later one; [`is_still`](Self::is_still) tells.
    /// Sequentially consistent for the sake of who waits for very many futures; see `update`.
    pub(crate) fn is(&self, id: Id) -> bool {
        Self::names(self.0.load(Ordering::SeqCst), id)
    }

    /// Whether `id` was the live handle during all reads since [`is`](Self::is): the second half of a sequence lock.
    pub(crate) fn is_still(&self, id: Id) -> bool {
        fence(Ordering::Acquire);
        Self::names(self.0.load(Ordering::Relaxed), id)
    }

    /// Whether the line has references in its life of this number (see [`count`](Self::count)): as [`is`](Self::is), for who has no handle.
    pub(crate) fn is_number(&self, number: u32) -> bool {
        Self::lives(self.0.load(Ordering::Acquire), number)
    }

    /// As [`is_still`](Self::is_still), after [`is_number`](Self::is_number).
    pub(crate) fn is_still_number(&self, number: u32) -> bool {
        fence(Ordering::Acquire);
        Self::lives(self.0.load(Ordering::Relaxed), number)
    }

    fn lives(word: u64, number: u32) -> bool {
        Self::number(word) == u64::from(number) && word & REFERENCES != 0
    }

    /// Counts one more reference if `id` is the live handle.
    ///
    /// Acquire pairs with the release in `begin` and in whatever handed the id over.
    pub(crate) fn pin(&self, id: Id) -> bool {
        self.update(id, |word| word + 1).is_some()
    }

    /// As [`pin`](Self::pin), and asks the end of the handle to tell its waiters.
    pub(crate) fn watch(&self, id: Id) -> bool {
        self.update(id, |word| (word + 1) | WATCHED).is_some()
    }

    /// Ends the handle and keeps its reference for the caller: how a handle is taken.
    pub(crate) fn take(&self, id: Id) -> Option<bool> {
        let before = self.update(id, |word| (word & !WATCHED) + GENERATION_ONE)?;
        Some(before & WATCHED != 0)
    }

    /// Ends the handle and its reference. A last reference is given up too if `is_done`, that is if nothing is to be done with the line but to
    /// free it; else it stays with the caller.
    #[inline]
    pub(crate) fn end(&self, id: Id, is_done: bool) -> Ended {
        let before = self.update(id, |word| {
            let next = (word & !WATCHED) + GENERATION_ONE;
            if word & REFERENCES == 1 && !is_done { next } else { next - 1 }
        });
        match before {
            None => Ended::Stale,
            Some(word) if word & REFERENCES != 1 => {
                Ended::Shared { watched: word & WATCHED != 0, by_one: word & REFERENCES == 2 }
            }
            Some(word) if is_done => {
                // The other half of [`is_still`](Self::is_still), as in `leave`.
                fence(Ordering::Release);
                Ended::Free { watched: word & WATCHED != 0 }
            }
            Some(word) => Ended::Last { watched: word & WATCHED != 0 },
        }
    }

    fn update(&self, id: Id, change: impl Fn(u64) -> u64) -> Option<u64> {
        let mut word = self.0.load(Ordering::Relaxed);
        while Self::names(word, id) {
            // Acquire for what the line holds, release so that whoever frees it sees this thread's last use; sequentially
            // consistent so that a wait for very many futures, which announces itself instead of marking handles, is not missed.
            match self.0.compare_exchange_weak(word, change(word), Ordering::SeqCst, Ordering::Relaxed) {
                Ok(before) => return Some(before),
                Err(now) => word = now,
            }
        }
        None
    }

    /// One more reference for somebody who has one, or who is known to be outlived by one.
    ///
    /// Relaxed: a reference is only ever made from a reference, and the hand-over of that one ordered everything.
    pub(crate) fn retain(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a reference again after the last one was given up, by the one who [left](Self::leave) last and now does not free the line. The
    /// life goes on without its handle.
    ///
    /// Relaxed: as for [`retain`](Self::retain); nothing was written to the line meanwhile.
    pub(crate) fn revive(&self) {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        debug_assert!(before & REFERENCES == 0);
    }

    /// Takes part in the life seen as `word` (from [`peek`](Self::peek)) if it is still the same and has references.
    pub(crate) fn join(&self, seen: u64) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while Self::number(word) == Self::number(seen) && word & REFERENCES != 0 {
            match self.0.compare_exchange_weak(word, word + 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// The word as it is, for [`join`](Self::join).
    pub(crate) fn peek(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// The generation just now. Acquire: as for [`is`](Self::is).
    pub(crate) fn current(&self) -> u64 {
        Self::generation(self.0.load(Ordering::Acquire))
    }

    /// Gives one reference up, unless it is the last.
    #[inline]
    pub(crate) fn leave_unless_last(&self) -> Left {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            debug_assert!(word & REFERENCES != 0);
            if word & REFERENCES == 1 {
                // The others' uses are seen by who sees that they have gone.
                fence(Ordering::Acquire);
                return Left::Last;
            }
            // Release: the one who frees the line acquires everybody's last use of it. Acquire: who finds one reference left sees what that one
            // is for, if whoever counted it has given up another since.
            match self.0.compare_exchange_weak(word, word - 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if word & REFERENCES == 2 => return Left::One,
                Ok(_) => return Left::Others,
                Err(now) => word = now,
            }
        }
    }

    /// Gives up the last reference, if it is the last; then the line is the caller's to free, or to [`revive`](Self::revive).
    pub(crate) fn leave_if_last(&self) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        // As in `leave`: acquire for what others did, release for who reads the line in a sequence lock.
        let left = word & REFERENCES == 1
            && self.0.compare_exchange(word, word - 1, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if left {
            fence(Ordering::Release);
        }
        left
    }

    /// How many references there are just now.
    pub(crate) fn references(&self) -> u64 {
        self.0.load(Ordering::Acquire) & REFERENCES
    }

    /// Whether this is the life seen as `seen`, with references or without.
    pub(crate) fn is_same(&self, seen: u64) -> bool {
        Self::number(self.0.load(Ordering::Relaxed)) == Self::number(seen)
    }

    /// Whether the life seen as `word` (from [`peek`](Self::peek)) is still the same and has references.
    pub(crate) fn lasts(&self, seen: u64) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        Self::number(word) == Self::number(seen) && word & REFERENCES != 0
    }

    /// Gives up a reference that may be the last; `true` if it was, and the line is the caller's to free.
    ///
    /// Always a read-modify-write: up to the moment the count is zero somebody may [`join`](Self::join).
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        if self.0.fetch_sub(1, Ordering::Release) & REFERENCES != 1 {
            return false;
        }
        // Acquire receives everybody's last use of the line. Release is the other half of [`is_still`](Self::is_still): who sees
        // anything that this thread writes to the line from here on also sees that the handle has ended.
        fence(Ordering::AcqRel);
        true
    }

    /// How many lives the line has had, this one included, or the one about to begin.
    pub(crate) fn count(&self) -> u64 {
        let word = self.0.load(Ordering::Relaxed);
        Self::number(word) + u64::from(word & REFERENCES == 0)
    }

    /// Whether the line can live again, or its generations are used up. Asked by the owner of a free line.
    pub(crate) fn is_spent(&self) -> bool {
        Self::generation(self.0.load(Ordering::Relaxed)) >= GENERATION_MAX - 1
    }

    #[cfg(all(test, not(loom)))]
    pub(crate) fn spend(&self) {
        self.0.store((GENERATION_MAX - 1) << GENERATION_SHIFT, Ordering::Relaxed);
    }
}
