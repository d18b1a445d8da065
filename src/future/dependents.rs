//! The list of those who want to know when a future is done, and the state it is done with: one word.
//!
//! ```text
//!  open:   | 0 | locked | abandoned | … address of the newest edge …   | tag: 2 |
//!  closed: | 1 |   0    | abandoned | state: 3 | … address of the error … |
//! ```
//!
//! Edges are linked newest first. Completion is one exchange that closes the list and takes all of it: an edge is either
//! taken by that exchange or refused because of it, and since there is no second variable no wake-up can fall between. Whoever closed
//! the list never touches the node again. A retry [opens](Dependents::reopen) the list of a future that failed anew; `abandoned` then tells a
//! function that still runs since before that its outcome is not wanted. Edges of tasks stay until then; a waiter that gives up takes its own out under
//! the lock bit, which is held for that walk only. `docs/node.md` has the states and transitions.

use crate::sync::{AtomicU64, Ordering, spin_loop};

const CLOSED: u64 = 1 << 63;
const LOCKED: u64 = 1 << 62;
const ABANDONED: u64 = 1 << 61;
const STATE_SHIFT: u32 = 56;
const ADDRESS: u64 = (1 << STATE_SHIFT) - 1;

/// An edge, as linked: the address of its link word, and in the three lowest bits what it is part of. 0 ends a list.
pub(crate) type EdgeWord = u64;

/// What the link word of a task's edge holds once the task was told that the input failed, or was refused by a failed input: the edge
/// is in no list. No edge has this word.
pub(crate) const UNLINKED: EdgeWord = u64::MAX;

/// A closed list: how the future ended. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed(u64);

impl Closed {
    /// A final `state` (1 to 7) and the address of what belongs to it.
    pub(crate) fn new(state: u64, address: u64) -> Self {
        debug_assert!((1..8).contains(&state) && address & !ADDRESS == 0);
        Self(CLOSED | state << STATE_SHIFT | address)
    }

    pub(crate) fn state(self) -> u64 {
        self.0 >> STATE_SHIFT & 7
    }

    pub(crate) fn address(self) -> u64 {
        self.0 & ADDRESS
    }
}

/// The head of the list, or the final state.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Dependents(AtomicU64);

impl Dependents {
    #[cfg(all(test, loom))]
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Begins open and empty. The caller owns the node; publishing it orders the store.
    pub(crate) fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Begins closed. As for [`begin`](Self::begin).
    pub(crate) fn begin_closed(&self, closed: Closed) {
        self.0.store(closed.0, Ordering::Relaxed);
    }

    /// How the future ended, if it did. Acquire: the result may be read.
    #[inline]
    pub(crate) fn closed(&self) -> Option<Closed> {
        let word = self.0.load(Ordering::Acquire);
        (word & CLOSED != 0).then_some(Closed(word))
    }

    /// Whether the outcome of the run that the caller is in is still wanted. Relaxed: [`close_run`](Self::close_run) decides.
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed) & (CLOSED | ABANDONED) == 0
    }

    /// Whether a run that was abandoned by a retry is not over. Acquire: if it is, what it did to the body is done.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::Acquire) & ABANDONED != 0
    }

    /// Opens the list of a future that failed or was cancelled. A run of it that is not over is abandoned, if there is one.
    ///
    /// Nobody else writes a closed word but another retry, or a run that ends: all under the lock of `docs/retry.md`. Release: who sees the list
    /// open sees the gate reopened.
    pub(crate) fn reopen(&self, abandons: bool) {
        let before = self.0.load(Ordering::Relaxed);
        debug_assert!(before & CLOSED != 0);
        self.0.store(before & ABANDONED | if abandons { ABANDONED } else { 0 }, Ordering::Release);
    }

    /// A run whose outcome was not wanted is over. `true`: it was abandoned by a retry, which waits for that.
    pub(crate) fn take_abandoned(&self) -> bool {
        let mut head = self.0.load(Ordering::Relaxed);
        while head & ABANDONED != 0 {
            if head & LOCKED != 0 {
                spin_loop();
                head = self.0.load(Ordering::Relaxed);
                continue;
            }
            let next = head & !ABANDONED;
            match self.0.compare_exchange_weak(head, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => head = now,
            }
        }
        false
    }

    /// Links an edge unless the list is closed. `link` is the edge's own link word.
    ///
    /// Release publishes the edge and its owner; acquire on refusal lets the caller read the result.
    pub(crate) fn link(&self, edge: EdgeWord, link: &AtomicU64) -> Result<(), Closed> {
        let mut head = self.0.load(Ordering::Acquire);
        loop {
            if head & CLOSED != 0 {
                return Err(Closed(head));
            }
            if head & LOCKED != 0 {
                spin_loop();
                head = self.0.load(Ordering::Acquire);
                continue;
            }
            link.store(head & !ABANDONED, Ordering::Relaxed);
            let next = edge | head & ABANDONED;
            match self.0.compare_exchange_weak(head, next, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(now) => head = now,
            }
        }
    }

    /// As [`link`](Self::link), on a node that the caller owns alone: publishing it orders the stores.
    #[inline]
    pub(crate) fn link_private(&self, edge: EdgeWord, link: &AtomicU64) {
        link.store(self.0.load(Ordering::Relaxed), Ordering::Relaxed);
        self.0.store(edge, Ordering::Relaxed);
    }

    /// Ends the future: closes the list and takes it. `None`: it was closed before, and nothing changed.
    ///
    /// Release publishes the result, acquire receives the edges.
    #[must_use]
    pub(crate) fn close(&self, closed: Closed) -> Option<EdgeWord> {
        self.close_unless(CLOSED, closed)
    }

    /// As [`close`](Self::close), by who runs the task. `None` also when that run was abandoned.
    #[inline]
    #[must_use]
    pub(crate) fn close_run(&self, closed: Closed) -> Option<EdgeWord> {
        self.close_unless(CLOSED | ABANDONED, closed)
    }

    #[inline]
    fn close_unless(&self, refused: u64, closed: Closed) -> Option<EdgeWord> {
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            if head & refused != 0 {
                return None;
            }
            if head & LOCKED != 0 {
                spin_loop();
                head = self.0.load(Ordering::Relaxed);
                continue;
            }
            let next = closed.0 | head & ABANDONED;
            match self.0.compare_exchange_weak(head, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(head & !ABANDONED),
                Err(now) => head = now,
            }
        }
    }

    /// Takes `edge` out again. `false`: the list was closed before, and whoever closed it has the edge, or had it if the list is open again.
    ///
    /// `next_of` gives the link word of an edge; the edges in between belong to nodes that cannot go away while they are linked.
    pub(crate) fn unlink<'a>(&self, edge: EdgeWord, next_of: impl Fn(EdgeWord) -> &'a AtomicU64) -> bool {
        let mut head = self.0.load(Ordering::Acquire);
        loop {
            if head & CLOSED != 0 {
                return false;
            }
            if head & LOCKED != 0 {
                spin_loop();
                head = self.0.load(Ordering::Acquire);
                continue;
            }
            // Acquire receives the edges linked by others, like `close`.
            match self.0.compare_exchange_weak(head, head | LOCKED, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        let newest = head & !ABANDONED;
        let mut first = newest;
        let mut found = newest == edge;
        if found {
            first = next_of(edge).load(Ordering::Relaxed);
        } else {
            let mut at = newest;
            while at != 0 && !found {
                let link = next_of(at);
                at = link.load(Ordering::Relaxed);
                found = at == edge;
                if found {
                    link.store(next_of(edge).load(Ordering::Relaxed), Ordering::Relaxed);
                }
            }
        }
        // Release: the changed links are seen by whoever takes the list; unlocks at the same time.
        self.0.store(first | head & ABANDONED, Ordering::Release);
        found
    }
}
