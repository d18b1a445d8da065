//! The dependency gate: how many inputs a task still waits for, and who may act on it.
//!
//! ```text
//!  31     30        29        28        27        26        0
//! | extra | forward | linking | settled | started | count: 27 |
//! ```
//!
//! The count begins at the number of open inputs plus one for submit itself. Whoever brings it to zero queues the task.
//! `started` and `settled` are claims: setting the first of them is the right to run the task, or to end it without running,
//! and there is one winner because both live in this word. `docs/node.md` has the states and transitions.

use crate::sync::{AtomicU32, Ordering};

/// The most inputs a task may have.
pub(crate) const MAX_INPUTS: usize = (1 << 27) - 2;

const STARTED: u32 = 1 << 27;
const SETTLED: u32 = 1 << 28;
const LINKING: u32 = 1 << 29;
const FORWARD: u32 = 1 << 30;
const EXTRA: u32 = 1 << 31;
const COUNT: u32 = STARTED - 1;

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
    /// It never starts; the caller ends it and releases its inputs.
    Idle,
    /// As `Idle`, but submit is still linking the inputs and will release them itself.
    Linking,
    /// It runs: the caller races with its completion.
    Running,
    /// Somebody else settled it before.
    Already,
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

    /// Submit has linked what was to be linked; `finished` inputs turned out to be there already. `None`: the task was settled
    /// meanwhile, and nothing was done: the caller, whose count still keeps the node, releases the inputs and then calls
    /// [`linked_settled`](Self::linked_settled).
    pub(crate) fn linked(&self, finished: u32) -> Option<Arrived> {
        let mut word = self.0.load(Ordering::Relaxed);
        while word & SETTLED == 0 {
            let next = word - (LINKING + 1 + finished);
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(Self::arrived(word, 1 + finished)),
                Err(now) => word = now,
            }
        }
        None
    }

    /// As [`linked`](Self::linked), for a task known to be settled.
    pub(crate) fn linked_settled(&self, finished: u32) -> Arrived {
        Self::arrived(self.0.fetch_sub(LINKING + 1 + finished, Ordering::AcqRel), 1 + finished)
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

    /// Claims the right to end a task whose awaited outcome has come. `false`: it was settled before.
    #[must_use]
    pub(crate) fn start_forwarded(&self) -> bool {
        self.0.fetch_or(STARTED, Ordering::Acquire) & SETTLED == 0
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
    /// AcqRel: acquire, since the winner releases the inputs; release, so that the reference it took for the engine before is seen by
    /// whoever finds the mark and drops that reference.
    pub(crate) fn settle(&self) -> Settled {
        let before = self.0.fetch_or(SETTLED, Ordering::AcqRel);
        if before & SETTLED != 0 {
            Settled::Already
        } else if before & STARTED != 0 {
            Settled::Running
        } else if before & LINKING != 0 {
            Settled::Linking
        } else {
            Settled::Idle
        }
    }

    /// The task that runs turns into one that waits for one input and then takes its outcome. `false`: it was settled meanwhile.
    ///
    /// Release publishes the input in the node's body to whoever arrives or settles later.
    #[must_use]
    pub(crate) fn forward(&self) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while word & SETTLED == 0 {
            let next = (word & EXTRA) | FORWARD | LINKING | 2;
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
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

    /// Whether [`mark_extra`](Self::mark_extra) was called.
    pub(crate) fn has_extra(&self) -> bool {
        self.0.load(Ordering::Relaxed) & EXTRA != 0
    }
}
