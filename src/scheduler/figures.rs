//! What a client has done, summed over the tallies of its threads; and those who wait until nothing is left.

use super::{Core, Local, Slot, Tally};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Core {
    pub(super) fn new_tally(&self) -> Arc<Tally> {
        let tally = Arc::new(Tally::default());
        self.tallies.lock().push(tally.clone());
        tally
    }

    /// Adds a tally that is counted no further to the first one, which nobody writes otherwise.
    pub(super) fn retire_tally(&self, tally: &Arc<Tally>) {
        let mut tallies = self.tallies.lock();
        if let Some(at) = tallies.iter().position(|other| Arc::ptr_eq(other, tally)) {
            let tally = tallies.swap_remove(at);
            tallies[0].absorb(&tally);
        }
    }

    /// Sums a figure over all tallies.
    pub(crate) fn sum(&self, figure: impl Fn(&Tally) -> u64) -> u64 {
        self.tallies.lock().iter().fold(0, |sum, tally| sum.wrapping_add(figure(tally)))
    }

    /// Futures that neither run nor have ended. What takes them from the pending is summed before what brings them there, so that the
    /// difference does not turn negative while tasks go on.
    pub(crate) fn n_pending(&self) -> u64 {
        let gone = self.sum(|tally| tally.unstarted.get().wrapping_add(tally.started.get()));
        let back = self.sum(|tally| tally.forwarded.get().wrapping_add(tally.reopened.get()));
        self.sum(|tally| tally.submitted.get()).wrapping_add(back).saturating_sub(gone)
    }

    /// Futures in error, so far as nobody has retried them since.
    pub(crate) fn n_failed(&self) -> u64 {
        let retried = self.sum(|tally| tally.unfailed.get());
        self.sum(|tally| tally.failed.get()).saturating_sub(retried)
    }

    /// As [`n_failed`](Self::n_failed), of those that were cancelled.
    pub(crate) fn n_cancelled(&self) -> u64 {
        let retried = self.sum(|tally| tally.uncancelled.get());
        self.sum(|tally| tally.cancelled.get()).saturating_sub(retried)
    }

    /// Jobs that lie in queues, at about this moment. A client's only worker alone knows how many are in its own deque: they count if
    /// `local` is that worker's.
    pub(crate) fn n_queued(&self, local: &Local) -> u64 {
        let hidden = local.slot().map_or(0, Slot::n_hidden);
        let taken: usize = self.ends.iter().map(|end| end.deque.len() + end.batch.len()).sum();
        let outside: usize = self.inboxes.lock().iter().map(|inbox| inbox.len()).sum();
        let lanes: usize = super::lane::of_client(self.number).iter().map(|lane| lane.n_ready()).sum();
        (hidden + taken + outside + self.ranked.len() + lanes) as u64
    }

    /// Functions that run.
    pub(crate) fn n_running(&self) -> u64 {
        let returned = self.sum(|tally| tally.returned.get());
        self.sum(|tally| tally.started.get()).saturating_sub(returned)
    }

    /// Whether every future submitted so far is done and no function runs.
    ///
    /// Ends are summed before retries: a future that counts as done then was done between the two sums, since of each further end the retry
    /// before it is seen. What is done so never exceeds what was submitted by then; if it equals what was submitted by the time of the third
    /// sum, everything was done between the first two.
    pub(crate) fn is_drained(&self) -> bool {
        let ended = self.sum(|tally| tally.ended.get());
        let ends = self.sum(|tally| {
            tally.finished.get().wrapping_add(tally.failed.get()).wrapping_add(tally.cancelled.get())
        });
        let retried = self.sum(|tally| tally.unfailed.get().wrapping_add(tally.uncancelled.get()));
        let done = ends.wrapping_sub(retried);
        done == self.sum(|tally| tally.submitted.get()) && ended == self.sum(|tally| tally.started.get())
    }

    /// Blocks until [`is_drained`](Self::is_drained). `false`: the time was up first.
    pub(crate) fn drain(&self, deadline: Option<Instant>) -> bool {
        self.await_told(deadline, || self.is_drained())
    }

    /// Blocks until a condition holds, which is looked at whenever [drainers are told](Self::tell_drainers) something. `false`: the time
    /// was up first.
    pub(crate) fn await_told(&self, deadline: Option<Instant>, holds: impl Fn() -> bool) -> bool {
        self.drainers.fetch_add(1, Ordering::SeqCst);
        // The partner of the fence in `tell_drainers`: either this look sees what ended, or who ended it sees the drainer.
        std::sync::atomic::fence(Ordering::SeqCst);
        let mut guard = self.drain_lock.lock();
        let held = loop {
            if holds() {
                break true;
            }
            match deadline {
                None => self.drained.wait(&mut guard),
                Some(deadline) => {
                    if self.drained.wait_until(&mut guard, deadline).timed_out() {
                        break holds();
                    }
                }
            }
        };
        drop(guard);
        self.drainers.fetch_sub(1, Ordering::SeqCst);
        held
    }

    /// Lets the drainers look again; called after futures ended, before a worker sleeps, when a client with a limit holds less memory, and
    /// when it is being closed.
    pub(crate) fn tell_drainers(&self) {
        std::sync::atomic::fence(Ordering::SeqCst);
        if self.drainers.load(Ordering::Relaxed) > 0 {
            // With the lock held no drainer is between its look and its wait.
            let _guard = self.drain_lock.lock();
            self.drained.notify_all();
        }
    }
}
