//! Runs: a program while it is executed, from its node's claim to the last credit.

use super::credits::{Credits, Left};
use super::interpret::{hand_on, job, push};
use super::several::Several;
use super::{Number, PAGE, Program, Records, outputs};
use crate::future::SubmitOptions;
use crate::future::cascade::Cascade;
use crate::future::error::{Ending, Error};
use crate::future::node::{Block, NodePtr, Shape};
use crate::future::submit::{Made, Spec, begin_ready};
use crate::scheduler::{Job, Local, Slot};
use crate::slab::Class;
use crate::status::{self, Failure, Result};
use crate::value::{Type, Value};
use parking_lot::Mutex;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

/// One execution of a program. The block of its node owns it, and whoever holds credits keeps it alive.
pub(crate) struct Run {
    pub(super) program: Arc<Program>,
    /// The output's, or the hub of several.
    pub(super) node: NodePtr,
    /// That of the node, which may be gone before the last credit.
    pub(super) client: u32,
    /// `None`: there is one output.
    pub(super) several: Option<Arc<Several>>,
    credits: Credits,
    /// Made when it runs for the first time.
    records: OnceLock<Records>,
    /// Steps and pages that were ready when nobody wanted the output any more, and steps that failed: where a retry goes on. Those of several outputs
    /// are [elsewhere](Several::park).
    parked: Mutex<Vec<Number>>,
}

/// Credits that a purse is filled with.
const BULK: u64 = 1 << 10;

/// Makes the future of a program's output, and its task.
pub(crate) fn prepare(program: &Arc<Program>, local: &Local, client: u32) -> Result<Made> {
    let Some(line) = local.magazine(Class::Small).take() else {
        return Err(Failure::new(status::NOMEM, "no memory for a future"));
    };
    let node = NodePtr::of(line);
    let run =
        Run::make(program, node, client, None).inspect_err(|_| local.magazine(Class::Small).put(line))?;
    let output = program.get(program.outputs[0]);
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
    let run = run.cast::<Run>();
    // SAFETY: made by `prepare`, and destroyed once.
    if unsafe { &*run }.credits.disown() == Left::None {
        // SAFETY: nobody is left.
        drop(unsafe { Box::from_raw(run) });
    }
}

/// Begins with the program of a node that the caller has claimed, or goes on with it after a retry; or with one of several outputs.
#[cold]
pub(crate) fn begin(node: NodePtr, local: &Local, mut cascade: Cascade<'_>) -> Option<Job> {
    if node.shape() == Shape::OUTPUT {
        return outputs::begin(node, local, cascade);
    }
    // SAFETY: claimed, and the arguments are taken out when the run is over.
    let object = unsafe { node.block().as_ref().args()[0].as_object() };
    let (run, _) = object.ok().flatten().expect("a program's block holds its run");
    let run = NonNull::new(run.cast::<Run>()).expect("put there by `prepare`");
    if node.shape() == Shape::HUB {
        // SAFETY: the block keeps it while the node runs.
        return unsafe { outputs::begin_hub(run, local, cascade) };
    }
    // SAFETY: as above.
    let run = unsafe { run.as_ref() };
    let Some(jobs) = run.first_jobs() else {
        local.tally(node.client(), |tally| tally.returned.add(1));
        cascade.fail(node, Ending::Failed(Error::new(node, status::NOMEM, 0, 1, NO_RECORDS)));
        let next = cascade.run();
        local.tally(node.client(), |tally| tally.ended.add(1));
        return next;
    };
    let keeps_next = cascade.keeps_next();
    cascade.run();
    run.add_credits(jobs.len() as u64);
    if keeps_next {
        let (first, rest) = jobs.split_first().expect("a graph that is not done has something to go on with");
        push(node.client(), rest, local);
        return Some(*first);
    }
    push(node.client(), &jobs, local);
    None
}

pub(super) const NO_RECORDS: &str = "no memory for the records of a graph";

/// Gives back the credits in a slot's purse, and hands on the arrivals: before its worker turns to something else, or sleeps. There are no arrivals
/// without a credit.
#[inline]
pub(crate) fn settle_up(slot: &Slot) {
    if !slot.purse.is_empty() {
        give_all(slot);
    }
}

#[cold]
fn give_all(slot: &Slot) {
    hand_on(slot);
    let (run, credits) = slot.purse.empty();
    // The last one may have gone with the arrivals.
    if credits > 0
        && let Some(run) = NonNull::new(std::ptr::with_exposed_provenance_mut::<Run>(run))
    {
        // SAFETY: they are its credits.
        unsafe { Run::give(run, credits) }
    }
}

impl Run {
    /// A run, as the object that the block of this node holds.
    pub(super) fn make(
        program: &Arc<Program>,
        node: NodePtr,
        client: u32,
        several: Option<Arc<Several>>,
    ) -> Result<Value> {
        static TYPE: Type = Type {
            struct_size: size_of::<Type>(),
            name: c"rask graph".as_ptr(),
            destroy: Some(disown),
            nbytes: None,
            encode: None,
            decode: None,
            bytes: None,
            flags: 0,
        };
        let run = Box::into_raw(Box::new(Self {
            program: program.clone(),
            node,
            client,
            several,
            credits: Credits::new(),
            records: OnceLock::new(),
            parked: Mutex::default(),
        }));
        // Purses know it by its address.
        run.expose_provenance();
        // SAFETY: an object of that type, which is static.
        unsafe { Value::object(run.cast(), &raw const TYPE, 0) }
    }

    /// What there is to begin with, or to go on with; `None` without memory for the records.
    pub(super) fn first_jobs(&self) -> Option<Vec<Job>> {
        // Held to the end, so that of several outputs one makes the records.
        let mut parked = self.parked.lock();
        let numbers: Vec<Number> = if self.records.get().is_some() {
            match &self.several {
                Some(several) => several.take_needed(),
                None => std::mem::take(&mut parked),
            }
        } else {
            let program = &*self.program;
            let records = Records::new(program, self.into())?;
            for (number, future) in &program.given {
                // SAFETY: finished, and the program counts a reference.
                match unsafe { (*future.node().value()).share() } {
                    Ok(value) => records.set(*number, value),
                    Err(_) => {
                        records.drop_boxes(program);
                        return None;
                    }
                }
            }
            assert!(self.records.set(records).is_ok(), "made under the lock");
            let has_sources =
                |&page: &Number| program.in_page(page).any(|number| program.get(number).n_inputs == 0);
            let pages = (0..program.n_pages() as u32).map(|at| Number(at * PAGE));
            pages.filter(has_sources).collect()
        };
        Some(numbers.into_iter().map(|number| job(self, number)).collect())
    }

    #[inline]
    pub(super) fn records(&self) -> &Records {
        // SAFETY: set before there is any job.
        unsafe { self.records.get().unwrap_unchecked() }
    }

    /// Leaves a step or a page to a retry. `false`: one of several outputs needs the step again, so the caller goes on with it.
    #[must_use]
    pub(super) fn park(&self, number: Number) -> bool {
        match &self.several {
            Some(several) if self.node.dependents.is_wanted() && !number.is_page() => several.park(number),
            Some(_) => true,
            None => {
                self.parked.lock().push(number);
                true
            }
        }
    }

    /// Counts credits, by who has one, has the node's claim, or keeps the hub open.
    pub(super) fn add_credits(&self, n: u64) {
        let was_idle = self.credits.add(n);
        if was_idle && self.several.is_some() {
            // A hub is no task, but what it does is waited for as if a function ran.
            Local::with(|local| local.tally(self.client, |tally| tally.ended.sub(1)));
        }
    }

    /// The hub has begun.
    pub(super) fn open_hub(&self) {
        self.credits.open_hub();
    }

    /// The hub has ended. `true`: nothing was going on, and the end of its run is the caller's to [tell](over_in).
    #[must_use]
    pub(super) fn close_hub(&self) -> bool {
        self.credits.close_hub() == Left::Owned
    }

    /// Takes a credit out of the purse, which is filled first if need be.
    #[inline]
    pub(super) fn take_credit(&self, slot: &Slot) {
        if !slot.purse.take_one(self.address()) {
            settle_up(slot);
            self.add_credits(BULK);
            slot.purse.fill(self.address(), BULK - 1);
        }
    }

    /// Puts a credit into the purse. The run may end as soon as that is emptied.
    #[inline]
    pub(super) fn put_credit(&self, slot: &Slot) {
        if !slot.purse.put_one(self.address()) {
            settle_up(slot);
            slot.purse.fill(self.address(), 1);
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
        // SAFETY: until its credits are gone.
        let (client, has_hub) = unsafe { (this.as_ref().client, this.as_ref().several.is_some()) };
        // SAFETY: as above.
        let left = unsafe { this.as_ref() }.credits.give(credits);
        if has_hub && left != Left::Some {
            Local::with(|local| {
                local.tally(client, |tally| tally.ended.add(1));
                local.tell_drainers(client);
            });
        }
        if left == Left::None {
            // SAFETY: made by `Box::into_raw`, and nobody is left.
            drop(unsafe { Box::from_raw(this.as_ptr()) });
        }
        // The block keeps it as long as the node has not ended its run.
        left == Left::Owned
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(records) = self.records.get() {
            records.drop_boxes(&self.program);
        }
        if let Some(several) = &self.several {
            outputs::end_rest(several);
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
    cascade.begin_telling();
    // Whoever settled the node has closed it by now, so that it counts as ended already; what else there is to be told is of the inputs.
    if node.shape() == Shape::HUB {
        cascade.end_run(node);
    } else {
        end_counted(node, cascade, |cascade| cascade.end_run(node));
    }
}

/// Ends the run of a node that is counted as a function which has begun.
pub(super) fn end_counted<T>(
    node: NodePtr,
    cascade: &mut Cascade<'_>,
    how: impl FnOnce(&mut Cascade<'_>) -> T,
) -> T {
    let (client, local) = (node.client(), cascade.local);
    local.tally(client, |tally| tally.returned.add(1));
    let outcome = how(cascade);
    local.tally(client, |tally| tally.ended.add(1));
    outcome
}
