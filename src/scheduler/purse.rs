//! Purses: what a slot counts by itself and hands on in bulk, so that counting one is no matter of atomics.

use std::cell::Cell;

/// References on one thing at a time, or anything else that is counted; what that is, and what it takes to give them back, the layer above
/// knows.
#[derive(Default)]
pub(crate) struct Purse {
    /// The address of the thing.
    of: Cell<usize>,
    n: Cell<u64>,
}

impl Purse {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.n.get() == 0
    }

    /// Whether it holds references on anything but this.
    #[inline]
    pub(crate) fn is_of_another(&self, of: usize) -> bool {
        self.of.get() != of && self.n.get() > 0
    }

    /// Whether it holds some on this.
    #[inline]
    pub(crate) fn is_of(&self, of: usize) -> bool {
        self.of.get() == of && self.n.get() > 0
    }

    /// Takes a reference on this thing out. `false`: there is none.
    #[inline]
    #[must_use]
    pub(crate) fn take_one(&self, of: usize) -> bool {
        let has_one = self.of.get() == of && self.n.get() > 0;
        if has_one {
            self.n.set(self.n.get() - 1);
        }
        has_one
    }

    /// Puts a reference in. `false`: those in it are on another thing.
    #[inline]
    #[must_use]
    pub(crate) fn put_one(&self, of: usize) -> bool {
        let is_same = self.of.get() == of;
        if is_same {
            self.n.set(self.n.get() + 1);
        }
        is_same
    }

    /// Puts references into an empty purse.
    pub(crate) fn fill(&self, of: usize, n: u64) {
        debug_assert!(self.is_empty());
        self.of.set(of);
        self.n.set(n);
    }

    /// Takes all out: on what, and how many.
    pub(crate) fn empty(&self) -> (usize, u64) {
        (self.of.replace(0), self.n.replace(0))
    }
}
