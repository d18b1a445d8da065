//! For the log: how far an error or a cancellation has spread.

use super::error::Ending;
use crate::log::{Level, is_on, log};

/// How many futures ended because of another, counted while the reason stays the same.
#[derive(Default)]
pub(super) struct Spread {
    reason: Option<Ending>,
    futures: usize,
}

impl Spread {
    #[cold]
    pub(super) fn add(&mut self, ending: &Ending, futures: usize) {
        if !is_on(Level::Debug) {
            return;
        }
        if self.reason.as_ref().is_none_or(|reason| !reason.is(ending)) {
            std::mem::take(self).tell();
            self.reason = Some(ending.clone());
        }
        self.futures += futures;
    }

    pub(super) fn tell(self) {
        if let Some(reason) = self.reason {
            log!(Debug, "{} more ended because of that: {reason}", self.futures);
        }
    }
}
