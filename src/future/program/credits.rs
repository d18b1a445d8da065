//! Credits: who is at a run, counted in one word.

use crate::sync::{AtomicU64, Ordering};

/// How many are to be there: every job, and every thread that is at a step, has one credit; [purses](crate::scheduler::Purse) have many. [`OWNED`]
/// is that of the node's block, [`HUB`] that of the hub of several outputs, from when it begins to its end.
pub(crate) struct Credits(AtomicU64);

const OWNED: u64 = 1 << 63;
const HUB: u64 = 1 << 62;

/// What is left after credits were given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Left {
    /// Somebody's.
    Some,
    /// Those of the block and of the hub: nothing of the run is going on just now.
    Idle,
    /// The block's only: nothing of the run is going on any more. The caller ends it.
    Owned,
    /// Nothing: the caller frees the run.
    None,
}

impl Credits {
    /// The block's.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(OWNED))
    }

    /// More of them, for who has one, has claimed the node, or keeps the hub open: relaxed therefore. `true`: nothing was going on.
    pub(crate) fn add(&self, n: u64) -> bool {
        self.0.fetch_add(n, Ordering::Relaxed) & !(OWNED | HUB) == 0
    }

    /// Gives credits back. AcqRel: who ends the run, or frees it, does so after everybody's last use of it.
    pub(crate) fn give(&self, n: u64) -> Left {
        const IDLE: u64 = OWNED | HUB;
        match self.0.fetch_sub(n, Ordering::AcqRel) - n {
            0 => Left::None,
            OWNED => Left::Owned,
            IDLE => Left::Idle,
            _ => Left::Some,
        }
    }

    /// The hub's.
    pub(crate) fn open_hub(&self) {
        self.0.fetch_add(HUB, Ordering::Relaxed);
    }

    /// Gives that of the hub back.
    pub(crate) fn close_hub(&self) -> Left {
        self.give(HUB)
    }

    /// Gives that of the block back: the run will not be gone on with.
    pub(crate) fn disown(&self) -> Left {
        match self.0.fetch_sub(OWNED, Ordering::AcqRel) {
            OWNED => Left::None,
            _ => Left::Some,
        }
    }
}
