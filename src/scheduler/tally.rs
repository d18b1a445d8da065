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

macro_rules! tally {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What one thread, or one slot, has counted for one client.
        #[derive(Default)]
        #[repr(align(128))]
        pub(crate) struct Tally {
            $($(#[$doc])* pub(crate) $name: Count,)*
        }

        impl Tally {
            /// Adds what another has counted.
            pub(crate) fn absorb(&self, other: &Tally) {
                $(self.$name.add(other.$name.get());)*
            }
        }
    };
}

tally! {
    /// Futures made.
    submitted,
    /// Functions begun.
    started,
    /// Functions that returned. Counted before the future ends: who has seen the result finds it counted.
    returned,
    /// Functions that returned, counted after the future has ended and its dependents were told.
    ended,
    /// Functions that returned another's future: theirs went back to waiting.
    forwarded,
    /// Futures that were done, or whose function had failed, and that wait anew.
    reopened,
    /// Functions to be run again after they failed.
    retried,
    /// Jobs taken from another slot.
    stolen,
    finished,
    failed,
    cancelled,
    /// Of those that failed, the ones that a retry made pending again. A figure of its own, since who counts it is not who counted the
    /// failure: of two figures, read in the right order, the difference does not turn negative.
    unfailed,
    /// As `unfailed`, of those that were cancelled.
    uncancelled,
    /// Futures that ended without running, or while another's result was awaited.
    unstarted,
    /// Nodes given back.
    freed,
    /// Bytes of values made less bytes destroyed.
    nbytes,
}
