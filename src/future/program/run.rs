//! Runs: a program while it is executed, from its node's claim to the last credit.

use super::interpret::{job, push};
use super::{Number, PAGE, Program, Records};
use crate::future::SubmitOptions;
use crate::future::cascade::Cascade;
use crate::future::error::{Ending, Error};
use crate::future::node::{Block, NodePtr, Shape};
use crate::future::submit::{Made, Spec, begin_ready};
use crate::scheduler::{Job, Local, Purse};
use crate::slab::Class;
use crate::status::{self, Failure, Result};
use crate::sync::{AtomicU64, Ordering};
use crate::value::{Type, Value};
use parking_lot::Mutex;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

/// One execution of a program. The block of its node owns it, and whoever holds credits keeps it alive.
pub(crate) struct Run {
    pub(super) program: Arc<Program>,
    pub(super) node: NodePtr,
    /// What is to be there: every job, and every thread that is at a step, has one credit; [purses](Purse) have many. [`OWNED`] is the block's.
    /// When only that is left, nothing of the run is going on any more.
    credits: AtomicU64,
    /// Made when it runs for the first time.
    records: OnceLock<Records>,
    /// Steps and pages that were ready when nobody wanted the output any more, and steps that failed: where a retry goes on.
    parked: Mutex<Vec<Number>>,
}

const OWNED: u64 = 1 << 63;
/// Credits that a purse is filled with.
const BULK: u64 = 1 << 10;

/// Makes the future of a program's output, and its task.
pub(crate) fn prepare(program: &Arc<Program>, local: &Local, client: u32) -> Result<Made> {
    static TYPE: Type = Type {
        struct_size: size_of::<Type>(),
        name: c"rask graph".as_ptr(),
        destroy: Some(disown),
        nbytes: None,
        encode: None,
        decode: None,
    };
    let Some(line) = local.magazine(Class::Small).take() else {
        return Err(Failure::new(status::NOMEM, "no memory for a future"));
    };
    let node = NodePtr::of(line);
    let run = Box::into_raw(Box::new(Run {
        program: program.clone(),
        node,
        credits: AtomicU64::new(OWNED),
        records: OnceLock::new(),
        parked: Mutex::default(),
    }));
    // Purses know it by its address.
    run.expose_provenance();
    // SAFETY: an object of that type, which is static.
    let run = unsafe { Value::object(run.cast(), &raw const TYPE, 0) }.inspect_err(|_| {
        local.magazine(Class::Small).put(line);
    })?;
    let output = program.get(program.last());
    let options = program.name(output).map(|name| SubmitOptions { name: Some(name), ..Default::default() });
    let spec = Spec {
        client,
        function: None,
        options: options.as_ref(),
        rank: None,
        lane: None,
        identity: None,
        wrong: None,
    };
    node.begin(client, Some(output.function), Shape::PROGRAM);
    node.set_block(Block::new(node, vec![run], Vec::new()));
    Ok(begin_ready(local, node, Class::Small, spec))
}

/// The destructor of the block's object.
unsafe extern "C" fn disown(run: *mut c_void) {
    // SAFETY: made by `prepare`, and destroyed once.
    unsafe { Run::give(NonNull::new_unchecked(run.cast()), OWNED) }
}

/// Begins with the program of a node that the caller has claimed, or goes on with it after a retry.
#[cold]
pub(crate) fn begin(node: NodePtr, local: &Local, mut cascade: Cascade<'_>) -> Option<Job> {
    // SAFETY: claimed, and the arguments are taken out when the run is over.
    let object = unsafe { node.block().as_ref().args()[0].as_object() };
    let (run, _) = object.ok().flatten().expect("a program's block holds its run");
    let run = NonNull::new(run.cast::<Run>()).expect("put there by `prepare`");
    // SAFETY: the block keeps it while the node runs.
    let Some(jobs) = (unsafe { Run::first_jobs(run) }) else {
        local.tally(node.client(), |tally| tally.returned.add(1));
        let error = Error::new(node, status::NOMEM, 0, 1, "no memory for the records of a graph");
        cascade.fail(node, Ending::Failed(error));
        let next = cascade.run();
        local.tally(node.client(), |tally| tally.ended.add(1));
        return next;
    };
    let keeps_next = cascade.keeps_next();
    cascade.run();
    // SAFETY: as above.
    unsafe { run.as_ref() }.add_credits(jobs.len() as u64);
    let (first, rest) = jobs.split_first().expect("a graph that is not done has something to go on with");
    if keeps_next {
        push(node.client(), rest, local);
        return Some(*first);
    }
    push(node.client(), &jobs, local);
    None
}

/// Gives back the credits in a purse: before its worker turns to something else, or sleeps.
#[inline]
pub(crate) fn settle_up(purse: &Purse) {
    if !purse.is_empty() {
        give_all(purse);
    }
}

#[cold]
fn give_all(purse: &Purse) {
    let (run, credits) = purse.empty();
    if let Some(run) = NonNull::new(std::ptr::with_exposed_provenance_mut::<Run>(run)) {
        // SAFETY: they are its credits.
        unsafe { Run::give(run, credits) }
    }
}

impl Run {
    /// What there is to begin with; `None` without memory for the records.
    ///
    /// # Safety
    /// The run is there, and its node is the caller's to run.
    unsafe fn first_jobs(run: NonNull<Self>) -> Option<Vec<Job>> {
        // SAFETY: by contract.
        let this = unsafe { run.as_ref() };
        let mut parked = std::mem::take(&mut *this.parked.lock());
        if this.records.get().is_none() {
            let program = &*this.program;
            let records = Records::new(program, run)?;
            for (number, future) in &program.given {
                // SAFETY: finished, and the program counts a reference.
                records.set(*number, unsafe { (*future.node().value()).share() }.ok()?);
            }
            assert!(this.records.set(records).is_ok(), "one thread at a time runs the node");
            let has_sources =
                |&page: &Number| program.in_page(page).any(|number| program.get(number).n_inputs == 0);
            let pages = (0..program.n_pages() as u32).map(|at| Number(at * PAGE));
            parked = pages.filter(has_sources).collect();
        }
        Some(parked.into_iter().map(|number| job(this, number)).collect())
    }

    #[inline]
    pub(super) fn records(&self) -> &Records {
        // SAFETY: set before there is any job.
        unsafe { self.records.get().unwrap_unchecked() }
    }

    /// Leaves a step or a page to a retry.
    pub(super) fn park(&self, number: Number) {
        self.parked.lock().push(number);
    }

    /// Counts credits, by who has one or has the node's claim: relaxed therefore.
    pub(super) fn add_credits(&self, n: u64) {
        self.credits.fetch_add(n, Ordering::Relaxed);
    }

    /// Takes a credit out of the purse, which is filled first if need be.
    #[inline]
    pub(super) fn take_credit(&self, purse: &Purse) {
        if !purse.take_one(self.address()) {
            settle_up(purse);
            self.add_credits(BULK);
            purse.fill(self.address(), BULK - 1);
        }
    }

    /// Puts a credit into the purse. The run may end as soon as that is emptied.
    #[inline]
    pub(super) fn put_credit(&self, purse: &Purse) {
        if !purse.put_one(self.address()) {
            settle_up(purse);
            purse.fill(self.address(), 1);
        }
    }

    /// What [`give_all`] finds it by.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Gives credits back. With the last one the run is over: without an output, unless the block has given up its own.
    ///
    /// # Safety
    /// They are the caller's, who does not use the run any more.
    pub(super) unsafe fn give(this: NonNull<Self>, credits: u64) {
        // SAFETY: as for the caller; until its credits are gone.
        let node = unsafe { this.as_ref() }.node;
        // SAFETY: by contract.
        if unsafe { Self::give_up(this, credits) } {
            over(node);
        }
    }

    /// As [`give`](Self::give), but that the run is over is the caller's to [tell](over_in) if this says so.
    ///
    /// # Safety
    /// As for [`give`](Self::give).
    #[must_use]
    pub(super) unsafe fn give_up(this: NonNull<Self>, credits: u64) -> bool {
        // SAFETY: until its credits are gone. AcqRel: who ends the run does so after everybody's last use of it.
        let before = unsafe { this.as_ref() }.credits.fetch_sub(credits, Ordering::AcqRel);
        if before == credits {
            // SAFETY: made by `Box::into_raw`, and nobody is left.
            drop(unsafe { Box::from_raw(this.as_ptr()) });
        }
        // What is left is the block's, which keeps it as long as the node has not ended its run.
        before - credits == OWNED && credits != OWNED
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(records) = self.records.get() {
            records.drop_boxes(&self.program);
        }
    }
}

/// Nothing goes on any more in a run whose output nobody waits for.
#[cold]
fn over(node: NodePtr) {
    Local::with(|local| {
        let mut cascade = Cascade::new(local);
        over_in(node, &mut cascade);
        cascade.run();
    });
}

/// As [`over`], as part of what has caused it.
pub(super) fn over_in(node: NodePtr, cascade: &mut Cascade<'_>) {
    let (client, local) = (node.client(), cascade.local);
    local.tally(client, |tally| tally.returned.add(1));
    cascade.begin_telling();
    // Whoever settled the node has closed it by now, so that it counts as ended already; what else there is to be told is of the inputs.
    cascade.end_run(node);
    local.tally(client, |tally| tally.ended.add(1));
}
