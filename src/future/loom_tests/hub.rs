//! Models of the hub of several outputs: whether what it runs goes on, is over, and who frees it.

use super::*;
use crate::future::program::{Credits, CreditsLeft};

/// A run with a hub, and who has seen what of it.
struct HubRun {
    credits: Credits,
    memory: UnsafeCell<()>,
    /// Whether the hub is open: a credit may be taken by who has none.
    open: Mutex<bool>,
    /// Times that something began to go on, and that nothing did any more.
    begun: Note,
    ended: Note,
    overs: Note,
    frees: Note,
}

impl HubRun {
    /// With nothing but the hub that is about to begin.
    fn unbegun() -> Arc<Self> {
        Arc::new(Self {
            credits: Credits::new(),
            memory: UnsafeCell::new(()),
            open: Mutex::new(false),
            begun: Note::new(0),
            ended: Note::new(0),
            overs: Note::new(0),
            frees: Note::new(0),
        })
    }

    /// With an open hub and a job.
    fn begun() -> Arc<Self> {
        let run = Self::unbegun();
        run.credits.open_hub();
        run.adds();
        *run.open.lock().unwrap() = true;
        run
    }

    /// `Run::add_credits`.
    fn adds(&self) {
        if self.credits.add(1) {
            self.begun.fetch_add(1, SeqCst);
        }
    }

    /// `Run::give_up` and `run::over_in`, which releases the block.
    fn gives(&self) {
        self.memory.with(|_| ());
        let left = self.credits.give(1);
        if left != CreditsLeft::Some {
            self.ended.fetch_add(1, SeqCst);
        }
        self.left(left);
    }

    fn left(&self, left: CreditsLeft) {
        match left {
            CreditsLeft::Owned => {
                self.overs.fetch_add(1, SeqCst);
                self.disowns();
            }
            CreditsLeft::None => self.frees(),
            CreditsLeft::Some | CreditsLeft::Idle => {}
        }
    }

    fn disowns(&self) {
        if self.credits.disown() == CreditsLeft::None {
            self.frees();
        }
    }

    fn frees(&self) {
        self.memory.with_mut(|_| ());
        assert_eq!(self.frees.fetch_add(1, SeqCst), 0, "a run is freed twice");
    }

    /// `outputs::settled`, for the hub.
    fn hub_is_settled(&self) {
        if std::mem::take(&mut *self.open.lock().unwrap()) {
            self.left(self.credits.close_hub());
        }
    }

    /// `outputs::begin_hub`, by who has claimed it.
    fn hub_begins(&self) {
        {
            let mut open = self.open.lock().unwrap();
            self.credits.open_hub();
            self.adds();
            *open = true;
        }
        self.gives();
    }

    /// As [`hub_is_settled`](Self::hub_is_settled), once the hub has begun.
    fn hub_is_settled_when_open(&self) {
        while !*self.open.lock().unwrap() {
            thread::yield_now();
        }
        self.hub_is_settled();
    }

    /// `outputs::finish`, by who has a credit.
    fn hub_finishes(&self) {
        if std::mem::take(&mut *self.open.lock().unwrap()) {
            self.disowns();
            assert_eq!(self.credits.close_hub(), CreditsLeft::Some);
        }
        self.gives();
    }

    /// `Several::visit`.
    fn visits(&self) {
        let open = self.open.lock().unwrap();
        let may = *open;
        if may {
            self.adds();
        }
        drop(open);
        if may {
            self.gives();
        }
    }

    fn is_over(&self, overs: u32) {
        assert_eq!(self.begun.load(SeqCst), self.ended.load(SeqCst));
        assert_eq!(self.overs.load(SeqCst), overs);
        assert_eq!(self.frees.load(SeqCst), 1);
    }
}

#[test]
fn a_hub_is_settled_while_it_begins() {
    model(|| {
        let run = HubRun::unbegun();
        together(&run, &[HubRun::hub_begins, HubRun::hub_is_settled_when_open]);
        run.is_over(1);
    });
}

#[test]
fn a_hub_is_settled_against_the_last_step() {
    model(|| {
        let run = HubRun::begun();
        together(&run, &[HubRun::gives, HubRun::hub_is_settled]);
        run.is_over(1);
    });
}

#[test]
fn a_hub_is_settled_against_a_visit() {
    model(|| {
        let run = HubRun::begun();
        together(&run, &[HubRun::gives, HubRun::visits, HubRun::hub_is_settled]);
        run.is_over(1);
    });
}

#[test]
fn a_hub_finishes_against_a_visit() {
    model(|| {
        let run = HubRun::begun();
        together(&run, &[HubRun::hub_finishes, HubRun::visits]);
        run.is_over(0);
    });
}
