//! Tallies: figures of a client, counted by each thread for itself and added up by who asks.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter with one writer. Differences wrap, so a tally may count down what another counted up.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// By its one writer. Release: who sums up what is done has to see what was submitted before.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Release);
    }

    #[inline]
    pub(crate) fn sub(&self, n: u64) {
        self.add(n.wrapping_neg());
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// What one thread, or one slot, has counted for one client.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Tally {
    /// Tasks submitted.
    pub(crate) submitted: Count,
    /// Functions begun, less those whose future went back to waiting for another's result.
    pub(crate) started: Count,
    /// Functions that returned, likewise.
    pub(crate) ended: Count,
    /// Functions that returned.
    pub(crate) executed: Count,
    /// Jobs taken from another slot.
    pub(crate) stolen: Count,
    pub(crate) finished: Count,
    pub(crate) failed: Count,
    pub(crate) cancelled: Count,
    /// Futures that ended without running, or while another's result was awaited.
    pub(crate) unstarted: Count,
    /// Nodes made less nodes freed.
    pub(crate) live: Count,
    /// Bytes of values made less bytes destroyed.
    pub(crate) nbytes: Count,
}
