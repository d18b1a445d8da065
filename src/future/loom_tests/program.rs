//! Models of runs of programs: credits, parked steps, and the node that stands for all of it.
//!
//! Node 0 is the node of a program with two steps and a last one that takes both. The credits are the engine's.

use super::*;
use crate::future::program::{Credits, CreditsLeft};

const LAST: usize = 2;

/// The stand-in for `program::Run`.
pub(super) struct Run {
    credits: Credits,
    /// Read by who is at the run, written by who frees it.
    memory: UnsafeCell<()>,
    parked: Mutex<Vec<usize>>,
    arrived: AtomicU64,
    /// Whether the step fails the next time.
    fails: [Note; 3],
    runs: [Note; 3],
    overs: Note,
    frees: Note,
}

impl Run {
    fn new(fails: [u32; 3]) -> Self {
        Self {
            credits: Credits::new(),
            memory: UnsafeCell::new(()),
            parked: Mutex::new(Vec::new()),
            arrived: AtomicU64::new(0),
            fails: fails.map(Note::new),
            runs: [0; 3].map(Note::new),
            overs: Note::new(0),
            frees: Note::new(0),
        }
    }

    fn uses(&self) {
        self.memory.with(|_| ());
        assert_eq!(self.frees.load(SeqCst), 0, "a run is used after it was freed");
    }

    fn free(&self) {
        self.memory.with_mut(|_| ());
        assert_eq!(self.frees.fetch_add(1, SeqCst), 0, "a run is freed twice");
    }

    /// `run::disown`.
    pub(super) fn disown(&self) {
        if self.credits.disown() == CreditsLeft::None {
            self.free();
        }
    }

    fn park(&self, step: usize) {
        self.uses();
        self.parked.lock().unwrap().push(step);
    }
}

impl Cascade<'_> {
    /// `run::begin`: the jobs are run at once.
    pub(super) fn begin_run(&mut self, node: usize) {
        let run = self.world.program();
        run.uses();
        let jobs = std::mem::take(&mut *run.parked.lock().unwrap());
        assert!(!jobs.is_empty(), "a graph that is not done has something to go on with");
        run.credits.add(jobs.len() as u64);
        assert_eq!(node, 0);
        for job in jobs {
            self.world.step(job);
        }
    }
}

impl World {
    /// A world whose node 0 runs such a program: a credit has been counted for each of `begun`.
    fn with_run(fails: [u32; 3], begun: &[usize]) -> Arc<Self> {
        let run = Run::new(fails);
        run.credits.add(begun.len() as u64);
        Arc::new(Self {
            nodes: vec![running(&[])],
            watches: Vec::new(),
            telling: Some(RwLock::new(())),
            run: Some(run),
        })
    }

    /// One whose step 0 has run.
    fn with_last_two_steps() -> Arc<Self> {
        let world = Self::with_run([0, 0, 0], &[1]);
        world.program().arrived.store(1, Ordering::Relaxed);
        world.program().runs[0].store(1, SeqCst);
        world
    }

    fn program(&self) -> &Run {
        self.run.as_ref().expect("a world with a run")
    }

    fn is_wanted(&self) -> bool {
        self.node(0).dependents.is_wanted()
    }

    /// `Run::give` and `run::over`.
    fn give(&self, n: u64) {
        match self.program().credits.give(n) {
            CreditsLeft::Some => {}
            CreditsLeft::Idle => unreachable!("there is no hub"),
            CreditsLeft::None => self.program().free(),
            CreditsLeft::Owned => {
                self.program().overs.fetch_add(1, SeqCst);
                self.cascade(|cascade| {
                    cascade.begin_telling();
                    cascade.end_run(0);
                });
            }
        }
    }

    /// `interpret::run`, by one who has a credit and puts it into its purse, which is emptied at once.
    fn step(&self, step: usize) {
        let run = self.program();
        run.uses();
        if !self.is_wanted() {
            run.park(step);
            return self.give(1);
        }
        run.runs[step].fetch_add(1, SeqCst);
        if run.fails[step].swap(0, SeqCst) != 0 {
            // `At::stop`.
            self.cascade(|cascade| {
                cascade.begin_telling();
                if self.is_wanted() {
                    cascade.settle(0, State::Error);
                }
            });
            run.park(step);
            return self.give(1);
        }
        if step != LAST {
            // `At::complete`.
            return match run.arrived.fetch_add(1, Ordering::AcqRel) {
                0 => self.give(1),
                _ => self.step(LAST),
            };
        }
        // `At::finish`.
        if !self.is_wanted() {
            run.park(step);
            return self.give(1);
        }
        self.cascade(|cascade| cascade.finish_wanted(0));
        run.uses();
        self.give(1);
    }
}

/// Retries until the future has finished; each step has run as often as it had to.
fn finishes(world: &World, runs: [u32; 2], cancels: u32) {
    while world.state(0) != Some(State::Finished) {
        assert_eq!(world.retry(0), Some(true));
    }
    assert_eq!(world.value(0), VALUE);
    let run = world.program();
    for (step, runs) in runs.into_iter().enumerate() {
        assert_eq!(run.runs[step].load(SeqCst), runs);
    }
    let last = run.runs[LAST].load(SeqCst);
    assert!(last >= 1 && last <= 1 + cancels, "the last step runs again only if it was cancelled");
    world.release(0);
    world.all_over();
    assert_eq!(run.frees.load(SeqCst), 1);
}

#[test]
fn a_step_that_fails_against_one_that_ends() {
    model(|| {
        let world = World::with_run([1, 0, 0], &[0, 1]);
        together(&world, &[|world| world.step(0), |world| world.step(1)]);
        assert_eq!(world.state(0), Some(State::Error));
        assert_eq!(world.program().overs.load(SeqCst), 1);
        finishes(&world, [2, 1], 0);
    });
}

#[test]
fn two_steps_that_fail() {
    model(|| {
        let world = World::with_run([1, 1, 0], &[0, 1]);
        together(&world, &[|world| world.step(0), |world| world.step(1)]);
        assert_eq!(world.state(0), Some(State::Error));
        finishes(&world, [2, 2], 0);
    });
}

#[test]
fn two_steps_that_end() {
    model(|| {
        let world = World::with_run([0, 0, 0], &[0, 1]);
        together(&world, &[|world| world.step(0), |world| world.step(1)]);
        finishes(&world, [1, 1], 0);
        assert_eq!(world.program().overs.load(SeqCst), 0);
    });
}

#[test]
fn retry_against_steps_of_the_run_that_failed() {
    model_with(2, || {
        let world = World::with_run([1, 0, 0], &[0, 1]);
        together(&world, &[|world| world.step(0), |world| world.step(1), |world| world.retries(0)]);
        finishes(&world, [2, 1], 0);
    });
}

#[test]
fn cancel_against_the_last_step() {
    model(|| {
        let world = World::with_last_two_steps();
        together(&world, &[|world| world.step(1), |world| world.cancels(0)]);
        finishes(&world, [1, 1], 1);
    });
}

#[test]
fn cancel_and_retry_against_the_last_step() {
    model_with(2, || {
        let world = World::with_last_two_steps();
        together(
            &world,
            &[
                |world| world.step(1),
                |world| {
                    world.cancels(0);
                    world.retries(0);
                },
            ],
        );
        finishes(&world, [1, 1], 1);
    });
}

#[test]
fn release_against_two_steps() {
    model_with(2, || {
        let world = World::with_run([0, 0, 0], &[0, 1]);
        together(&world, &[|world| world.step(0), |world| world.step(1), |world| world.release(0)]);
        world.all_over();
        assert_eq!(world.program().frees.load(SeqCst), 1);
    });
}

#[test]
fn release_against_a_step_that_fails() {
    model(|| {
        let world = World::with_run([1, 0, 0], &[0]);
        together(&world, &[|world| world.step(0), |world| world.release(0)]);
        world.all_over();
        assert_eq!(world.program().frees.load(SeqCst), 1);
    });
}
