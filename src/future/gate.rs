//! The dependency gate: how many inputs a task still waits for, and who may act on it.
//!
//! ```text
//!  31     30        29        28        27        26      25        24     23        0
//! | extra | forward | linking | settled | started | bound | forgone | lane | count: 24 |
//! ```
//!
//! The count begins at the number of open inputs plus one for submit itself. Whoever brings it to zero queues the task.
//! `started` and `settled` are claims: setting the first of them is the right to run the task, or to end it without running,
//! and there is one winner because both live in this word. `bound` says that a settled task has still a place in a queue, in the lists of
//! its inputs or on a worker, and a reference counted for that. `forgone` says that nobody can retry the task, and that its inputs
//! were released therefore. `lane` says that the task is a lane's, and not for workers. `docs/node.md` has the states and transitions, `docs/retry.md` the way back.

use crate::sync::{AtomicU32, Ordering};

/// The most inputs a task may have: what the count holds, less room for submit, an abandoned run and as many as may look at the inputs at a time.
pub(crate) const MAX_INPUTS: usize = (1 << 24) - (1 << 16);

const LANE: u32 = 1 << 24;
const FORGONE: u32 = 1 << 25;
const BOUND: u32 = 1 << 26;
const STARTED: u32 = 1 << 27;
const SETTLED: u32 = 1 << 28;
const LINKING: u32 = 1 << 29;
const FORWARD: u32 = 1 << 30;
const EXTRA: u32 = 1 << 31;
const COUNT: u32 = LANE - 1;
/// What stays as it is when a task runs again or waits anew.
const KEPT: u32 = EXTRA | LANE;

/// The gate word.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Gate(AtomicU32);

/// What an arrival found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Arrived {
    /// Others are still to come.
    NotLast,
    /// The last one: the caller queues the task.
    Ready,
    /// The last one, and the task forwards: the caller ends it with its input's outcome.
    Forward,
    /// The last one, but the task was settled meanwhile: the caller drops the engine's reference.
    Settled,
}

/// Who may act on the task after a claim to settle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Settled {
    /// It never starts; the caller ends it.
    Idle,
    /// As `Idle`, but somebody is still linking the inputs, and finds out when that is done.
    Linking,
    /// It runs: the caller races with its completion.
    Running,
    /// Somebody else settled it before.
    Already,
}

/// What a task was when it was [reopened](Gate::reopen).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Reopened {
    /// It had no place, or one in a queue whose taker drops the engine's reference.
    Idle,
    /// It waited for inputs: the caller drops the engine's reference.
    Waiting,
    /// The run that was cancelled is not over: it counts as one more input.
    Running,
}

impl Gate {
    #[cfg(all(test, loom))]
    pub(crate) fn new(inputs: u32) -> Self {
        Self(AtomicU32::new(if inputs == 0 { 0 } else { (inputs + 1) | LINKING }))
    }

    /// Sets the gate of a task whose inputs are all there. The caller owns the node; publishing it orders the store.
    pub(crate) fn open(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Sets the gate of a task with `inputs` still open, which the caller is about to link. As for [`open`](Self::open).
    pub(crate) fn await_inputs(&self, inputs: u32) {
        debug_assert!(inputs < COUNT);
        self.0.store((inputs + 1) | LINKING, Ordering::Relaxed);
    }

    /// Sets the gate of a task with `inputs` still open that are linked already. As for [`open`](Self::open).
    pub(crate) fn await_linked(&self, inputs: u32) {
        debug_assert!(inputs < COUNT);
        self.0.store(inputs, Ordering::Relaxed);
    }

    /// One input has finished.
    ///
    /// AcqRel: release hands on what this thread saw of its input, acquire collects it for the one who runs the task.
    pub(crate) fn arrive(&self) -> Arrived {
        Self::arrived(self.0.fetch_sub(1, Ordering::AcqRel), 1)
    }

    /// How many inputs submit is about to link.
    pub(crate) fn awaited(&self) -> u32 {
        (self.0.load(Ordering::Relaxed) & COUNT) - 1
    }

    /// What was to be linked is linked; `finished` inputs turned out to be done already. Also whether the task was settled meanwhile: then
    /// [`settle`](Self::settle) said `Linking` to somebody, who left a reference for the caller.
    pub(crate) fn linked(&self, finished: u32) -> (Arrived, bool) {
        let before = self.0.fetch_sub(LINKING + 1 + finished, Ordering::AcqRel);
        (Self::arrived(before, 1 + finished), before & SETTLED != 0)
    }

    fn arrived(before: u32, arrivals: u32) -> Arrived {
        debug_assert!(before & COUNT >= arrivals);
        if before & COUNT != arrivals {
            Arrived::NotLast
        } else if before & SETTLED != 0 {
            Arrived::Settled
        } else if before & FORWARD != 0 {
            Arrived::Forward
        } else {
            Arrived::Ready
        }
    }

    /// Claims the right to run a task that is in a queue, or to end it. `false`: somebody started or settled it before, and what is in the queue
    /// is a stale entry. The count is looked at too, because such a task may have run and wait for another's result by now.
    ///
    /// Acquire: the arguments, and with [`arrive`](Self::arrive) the inputs, are there to be read. Release is not needed: what the
    /// claim must order for others is ordered by the completion.
    #[inline]
    #[must_use]
    pub(crate) fn start(&self) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while word & (COUNT | STARTED | SETTLED | FORWARD) == 0 {
            match self.0.compare_exchange_weak(word, word | STARTED, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Claims the right to end a task whose awaited outcome has come. `false`: it was settled before, or is claimed by another who saw the
    /// outcome after a retry; then the caller drops the engine's reference.
    #[must_use]
    pub(crate) fn start_forwarded(&self) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while word & (COUNT | STARTED | SETTLED) == 0 {
            match self.0.compare_exchange_weak(word, word | STARTED, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// The task waits for no other's result any more: its own is there.
    pub(crate) fn end_forward(&self) {
        self.0.fetch_and(!FORWARD, Ordering::Relaxed);
    }

    /// Whether a function that was settled still runs.
    pub(crate) fn runs_settled(&self) -> bool {
        let all = STARTED | SETTLED | BOUND;
        self.0.load(Ordering::Acquire) & all == all
    }

    /// Whether somebody has begun to run it, or has ended it.
    pub(crate) fn is_claimed(&self) -> bool {
        self.0.load(Ordering::Relaxed) & (STARTED | SETTLED | FORWARD) != 0
    }

    /// Whether it waits for nothing but to be run.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed) & (COUNT | STARTED | SETTLED | FORWARD) == 0
    }

    /// Claims the right to end the task without running it, or asks it to stop if it runs.
    ///
    /// AcqRel: acquire, since the winner may release the inputs; release, so that the reference it took for the engine before is seen by
    /// whoever finds the mark and drops that reference.
    pub(crate) fn settle(&self) -> Settled {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word & SETTLED != 0 {
                return Settled::Already;
            }
            match self.0.compare_exchange_weak(
                word,
                word | SETTLED | BOUND,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) if word & STARTED != 0 => return Settled::Running,
                Ok(_) if word & LINKING != 0 => return Settled::Linking,
                Ok(_) => return Settled::Idle,
                Err(now) => word = now,
            }
        }
    }

    /// The function of a settled task has returned, and who calls this drops the engine's reference.
    ///
    /// AcqRel: a retry that finds the mark gone also finds what was done before.
    pub(crate) fn unbind(&self) {
        self.0.fetch_and(!BOUND, Ordering::AcqRel);
    }

    /// As [`unbind`](Self::unbind), by who found a settled task in a queue, or was the last to arrive at it. The task may have been retried and
    /// settled again since: then the mark is for a place of its own, and where a function runs, it must stay.
    pub(crate) fn unbind_place(&self) {
        let mut word = self.0.load(Ordering::Relaxed);
        while word & (COUNT | STARTED) == 0 && word & BOUND != 0 {
            match self.0.compare_exchange_weak(word, word & !BOUND, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// Whether a settled task has a place, and the engine's reference with it, but no function that runs.
    #[inline]
    pub(crate) fn is_bound(&self) -> bool {
        self.0.load(Ordering::Acquire) & (BOUND | STARTED) == BOUND
    }

    /// Claims the right to release the inputs of a task that has failed or was cancelled. `false`: it was done before.
    #[must_use]
    pub(crate) fn forgo(&self) -> bool {
        self.0.fetch_or(FORGONE, Ordering::AcqRel) & FORGONE == 0
    }

    /// Whether the task can be run no more, because its inputs were released or it never had any that made sense.
    pub(crate) fn is_forgone(&self) -> bool {
        self.0.load(Ordering::Acquire) & FORGONE != 0
    }

    /// Sets the gate of a future that has no task. As for [`open`](Self::open).
    pub(crate) fn open_forgone(&self) {
        self.0.store(FORGONE, Ordering::Relaxed);
    }

    /// The task has failed and is to run again: it is ready, or after one more [`arrive`](Self::arrive) where it `waits`. `false`: it
    /// was settled while it ran.
    #[must_use]
    pub(crate) fn again(&self, waits: bool) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while word & (SETTLED | STARTED) == STARTED {
            let next = (word & KEPT) | u32::from(waits);
            // Release: what the run has left behind is seen by the next.
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Whether submit is still linking the inputs.
    pub(crate) fn is_linking(&self) -> bool {
        self.0.load(Ordering::Acquire) & LINKING != 0
    }

    /// Makes a task that has failed or was cancelled wait again: for what it waited for before, for `links` inputs that the caller is about to
    /// link, and for the caller, who then says [`linked`](Self::linked). Nobody settles it meanwhile: see `docs/retry.md`.
    pub(crate) fn reopen(&self, links: u32) -> Reopened {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let all = STARTED | SETTLED | BOUND;
            let runs = word & all == all;
            let waits = word & (STARTED | BOUND) == BOUND && word & COUNT != 0;
            let next = (word & (KEPT | FORWARD | COUNT)) + (LINKING | (1 + links + u32::from(runs)));
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if runs => return Reopened::Running,
                Ok(_) if waits => return Reopened::Waiting,
                Ok(_) => return Reopened::Idle,
                Err(now) => word = now,
            }
        }
    }

    /// The task that runs turns into one that waits for one input and then takes its outcome. `false`: it was settled meanwhile, and would
    /// wait if it were retried.
    ///
    /// Release publishes the input in the node's body to whoever arrives or settles later.
    #[must_use]
    pub(crate) fn forward(&self) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let is_settled = word & SETTLED != 0;
            let next = if is_settled { word | FORWARD } else { (word & KEPT) | FORWARD | LINKING | 2 };
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return !is_settled,
                Err(now) => word = now,
            }
        }
    }

    /// Keeps a waiting task from starting while its inputs are looked at; ended by [`arrive`](Self::arrive). `false`: it does not wait.
    #[must_use]
    pub(crate) fn hold(&self) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while word & COUNT != 0 && word & (SETTLED | LINKING | STARTED) == 0 {
            match self.0.compare_exchange_weak(word, word + 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Whether the task was settled. Acquire: inputs read before this answered `false` were still the task's.
    pub(crate) fn is_settled(&self) -> bool {
        crate::sync::fence(Ordering::Acquire);
        self.0.load(Ordering::Acquire) & SETTLED != 0
    }

    /// Whether a worker has begun to run it; it may wait for another's result since.
    pub(crate) fn is_started(&self) -> bool {
        self.0.load(Ordering::Relaxed) & (STARTED | FORWARD) != 0
    }

    /// Notes that the node has an entry in the table of extras, to be removed with it.
    pub(crate) fn mark_extra(&self) {
        self.0.fetch_or(EXTRA, Ordering::Relaxed);
    }

    /// Makes the task a lane's. The caller owns the node; publishing it orders the store.
    pub(crate) fn set_lane(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) | LANE, Ordering::Relaxed);
    }

    /// Makes a task of a lane one that any worker may run.
    pub(crate) fn leave_lane(&self) {
        self.0.fetch_and(!LANE, Ordering::Relaxed);
    }

    /// Whether the task is a lane's. Relaxed: it was from the beginning, and ceases to be under the lock of retries.
    #[inline]
    pub(crate) fn is_on_lane(&self) -> bool {
        self.0.load(Ordering::Relaxed) & LANE != 0
    }

    /// Whether it may be that a worker is not to run the task as soon as it is ready: it has an entry in the table of extras, or is a lane's.
    #[inline]
    pub(crate) fn is_special(&self) -> bool {
        self.0.load(Ordering::Relaxed) & KEPT != 0
    }

    /// Whether [`mark_extra`](Self::mark_extra) was called.
    pub(crate) fn has_extra(&self) -> bool {
        self.0.load(Ordering::Relaxed) & EXTRA != 0
    }
}
