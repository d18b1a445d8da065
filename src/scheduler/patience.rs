//! How long priorities hold up what stands behind them: very long, but not for ever.

use std::time::{Duration, Instant};

/// Jobs that may overtake another one before it is its turn. Many, since each turn breaks the order that was asked for.
const JOBS: u32 = 4096;
/// Or for how long, where jobs take their time.
const TIME: Duration = Duration::from_secs(2);
/// Jobs between two looks at the clock.
const LOOK: u32 = 64;

/// Counts jobs that overtake others.
#[derive(Clone, Copy, Default)]
pub(super) struct Patience {
    jobs: u32,
    since: Option<Instant>,
}

impl Patience {
    /// One more has overtaken. `true`: it is the turn of the one that was overtaken, and counting begins anew.
    pub(super) fn is_over(&mut self) -> bool {
        self.jobs += 1;
        if self.jobs % LOOK != 0 {
            return false;
        }
        // From the first look on: how long the others were ready before does not matter.
        let is_late = self.since.get_or_insert_with(Instant::now).elapsed() >= TIME;
        let is_over = is_late || self.jobs >= JOBS;
        if is_over {
            *self = Self::default();
        }
        is_over
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_after_so_many() {
        let mut patience = Patience::default();
        for _ in 0..3 {
            assert_eq!((1..).find(|_| patience.is_over()), Some(JOBS));
        }
    }
}
