//! What the pullers of a lane are to hear of beside jobs.
//!
//! A notice is news until a puller was told that there are some, or they were taken: one sleeper wakes for a burst of them.

use super::{Lane, State};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// See the module.
#[derive(Default)]
pub(super) struct Notices {
    /// Ids of tasks that are out and that nobody wants any more.
    pub(super) cancelled: Vec<u64>,
    /// Tokens whose tasks nobody can run any more.
    pub(super) dropped: Vec<i64>,
    /// How many ids there may be before those that are not out any more are dropped.
    most: usize,
}

impl Notices {
    fn push_cancelled(&mut self, id: u64, is_out: impl Fn(u64) -> bool) {
        if self.cancelled.len() >= self.most {
            // Perhaps nobody ever asks. Each look at all of them lets their number double before the next.
            self.cancelled.retain(|&id| is_out(id));
            self.most = (2 * self.cancelled.len()).max(64);
        }
        self.cancelled.push(id);
    }
}

impl Lane {
    /// A task that is out is wanted no more. Whoever listens hears of it, else a puller. `is_out` as for
    /// [`take_cancelled`](Self::take_cancelled).
    pub(crate) fn cancelled(&self, id: u64, is_out: impl Fn(u64) -> bool) {
        let mut state = self.shared.state.lock();
        state.notices.push_cancelled(id, is_out);
        self.shared.has_notices.store(true, Ordering::Relaxed);
        if state.listening > 0 {
            self.shared.noticed.notify_all();
        } else {
            self.tell_puller(&mut state);
        }
    }

    /// Nobody can run the tasks with these tokens any more. `is_known`: who gives the notice is a puller, which hears of it before it sleeps.
    pub(crate) fn dropped(&self, tokens: &[i64], is_known: bool) {
        let mut state = self.shared.state.lock();
        if state.is_closed {
            return;
        }
        state.notices.dropped.extend_from_slice(tokens);
        self.shared.has_notices.store(true, Ordering::Relaxed);
        if is_known {
            state.is_news = true;
        } else {
            self.tell_puller(&mut state);
        }
    }

    /// Wakes the sleepers for the first notice since one was told; who takes it tells the others nothing.
    fn tell_puller(&self, state: &mut State) {
        if !std::mem::replace(&mut state.is_news, true) && state.sleeping > state.woken {
            // All: it may be that some do not hear of notices.
            state.woken += self.shared.changed.notify_all();
        }
    }

    /// Moves notices of cancelled tasks into `out`; how many. `is_out` tells which are out still: of the others nobody wants to know.
    pub(crate) fn take_cancelled(&self, out: &mut [u64], is_out: impl Fn(u64) -> bool) -> usize {
        // Relaxed: what comes a moment later is found by the next look.
        if !self.shared.has_notices.load(Ordering::Relaxed) {
            return 0;
        }
        let mut state = self.shared.state.lock();
        let mut n = 0;
        while n < out.len()
            && let Some(id) = state.notices.cancelled.pop()
        {
            if is_out(id) {
                out[n] = id;
                n += 1;
            }
        }
        self.notices_changed(&mut state);
        n
    }

    /// Moves dropped tokens into `out`; how many.
    pub(crate) fn take_dropped(&self, out: &mut [i64]) -> usize {
        if !self.shared.has_notices.load(Ordering::Relaxed) {
            return 0;
        }
        let mut state = self.shared.state.lock();
        let dropped = &mut state.notices.dropped;
        let n = dropped.len().min(out.len());
        let rest = dropped.len() - n;
        out[..n].copy_from_slice(&dropped[rest..]);
        dropped.truncate(rest);
        self.notices_changed(&mut state);
        n
    }

    fn notices_changed(&self, state: &mut State) {
        let has_notices = !state.notices.cancelled.is_empty() || !state.notices.dropped.is_empty();
        self.shared.has_notices.store(has_notices, Ordering::Relaxed);
        state.is_news &= has_notices;
    }

    /// Blocks until a task that is out is cancelled. `false`: the time is up. `None`: none can be any more.
    pub(crate) fn await_cancelled(&self, deadline: Option<Instant>) -> Option<bool> {
        let mut state = self.shared.state.lock();
        let mut is_late = false;
        loop {
            if !state.notices.cancelled.is_empty() {
                return Some(true);
            }
            if state.is_shut && state.out == 0 {
                return None;
            }
            if is_late {
                return Some(false);
            }
            state.listening += 1;
            match deadline {
                None => self.shared.noticed.wait(&mut state),
                Some(deadline) => is_late = self.shared.noticed.wait_until(&mut state, deadline).timed_out(),
            }
            state.listening -= 1;
        }
    }
}
