//! Credits: who is at a run, counted in one word.

use crate::sync::{AtomicU64, Ordering};

/// How many are to be there: every job, and every thread that is at a step, has one credit; [purses](crate::scheduler::Purse) have many. [`OWNED`]
/// is that of the node's block.
pub(crate) struct Credits(AtomicU64);

const OWNED: u64 = 1 << 63;

/// What is left after credits were given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Left {
    /// Somebody's.
    Some,
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

    /// More of them, for who has one or has claimed the node: relaxed therefore.
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Gives credits back. AcqRel: who ends the run, or frees it, does so after everybody's last use of it.
    pub(crate) fn give(&self, n: u64) -> Left {
        match self.0.fetch_sub(n, Ordering::AcqRel) - n {
            0 => Left::None,
            OWNED => Left::Owned,
            _ => Left::Some,
        }
    }

    /// Gives that of the block back: the run will not be gone on with.
    pub(crate) fn disown(&self) -> Left {
        match self.0.fetch_sub(OWNED, Ordering::AcqRel) {
            OWNED => Left::None,
            _ => Left::Some,
        }
    }
}
