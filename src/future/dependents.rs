//! The list of those who want to know when a future is done, and the state it is done with: one word.
//!
//! ```text
//!  open:   | 0 | locked | … address of the newest edge …   | tag: 2 |
//!  closed: | 1 |   0    | state: 3 | … address of the error … |
//! ```
//!
//! Edges are linked newest first. Completion is one exchange that closes the list and takes all of it: an edge is either
//! taken by that exchange or refused because of it, and since there is no second variable no wake-up can fall between. Whoever closed
//! the list never touches the node again. Edges of tasks stay until then; a waiter that gives up takes its own out under
//! the lock bit, which is held for that walk only. `docs/node.md` has the states and transitions.

use crate::sync::{AtomicU64, Ordering, spin_loop};

const CLOSED: u64 = 1 << 63;
const LOCKED: u64 = 1 << 62;
const STATE_SHIFT: u32 = 56;
const ADDRESS: u64 = (1 << STATE_SHIFT) - 1;

/// An edge, as linked: the address of its link word, and in the two lowest bits what it is part of. 0 ends a list.
pub(crate) type EdgeWord = u64;

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
            link.store(head, Ordering::Relaxed);
            match self.0.compare_exchange_weak(head, edge, Ordering::Release, Ordering::Acquire) {
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
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            if head & CLOSED != 0 {
                return None;
            }
            if head & LOCKED != 0 {
                spin_loop();
                head = self.0.load(Ordering::Relaxed);
                continue;
            }
            match self.0.compare_exchange_weak(head, closed.0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(head),
                Err(now) => head = now,
            }
        }
    }

    /// Takes `edge` out again. `false`: the list was closed before, and whoever closed it has the edge.
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
        let mut first = head;
        if head == edge {
            first = next_of(edge).load(Ordering::Relaxed);
        } else {
            let mut at = head;
            loop {
                let link = next_of(at);
                let next = link.load(Ordering::Relaxed);
                debug_assert!(next != 0, "an edge that is unlinked was linked");
                if next == edge {
                    link.store(next_of(edge).load(Ordering::Relaxed), Ordering::Relaxed);
                    break;
                }
                at = next;
            }
        }
        // Release: the changed links are seen by whoever takes the list; unlocks at the same time.
        self.0.store(first, Ordering::Release);
        true
    }
}
