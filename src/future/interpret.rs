//! Running a [program](Program): no nodes for its steps, but a record of sixteen bytes each.
//!
//! One node stands for the whole program: it is the future of the output, and runs as long as any step does. Each ready step is a job
//! of its own, which any worker may take. A step that has run counts itself into the records of those that take it; whoever is the last to
//! arrive at one goes on with it. `docs/lazy.md` has the protocol.

use super::argument::Argument;
use super::cascade::Cascade;
use super::error::{Ending, Error};
use super::handle::Taken;
use super::node::{Block, Inline, NodePtr, Shape};
use super::program::{Dependent, Number, PAGE, Program, Step};
use super::shortage::Left;
use super::submit::{Made, Spec, begin_ready};
use super::task::{self, FORWARD_BUDGET, Returned, StepArgs, StepView};
use super::walk::Search;
use super::{State, SubmitOptions, extra, waiting};
use super::watch::{Watch, Watcher};
use crate::scheduler::{Job, Local, Purse};
use crate::slab::Class;
use crate::status::{self, Failure, Result};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::value::{Type, Value, kind};
use parking_lot::Mutex;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr};

/// Set in the job of a step, or of a page, whose address is in the rest of the word. No node's job has it.
const STEP: Job = 1;
/// Set too if the step has run and returned a future, which is done now.
const RETURNED: Job = 2;

/// Whether the job is one of ours.
#[inline]
pub(super) fn is_step(job: Job) -> bool {
    job & STEP != 0
}

/// What is known of a step in a run.
#[repr(C, align(16))]
struct Record {
    /// How many of its inputs have arrived; when it has a value, [`DONE`] and the value's kind.
    arrived: AtomicU32,
    /// How many of its dependents have read a value that is in a box.
    read: AtomicU32,
    /// The number, or the address of the value's box; before that, the node of the future that the step returned.
    word: AtomicU64,
}

const DONE: u32 = 1 << 31;
/// In place of a kind: a value that is more than a number.
const BOXED: u32 = DONE | 0xff;

/// Records side by side. The first is no step's but tells whose they are, so that a record's address is all a job needs.
#[repr(C, align(4096))]
struct Page {
    run: *const Run,
    first: Number,
    records: [Record; PAGE as usize - 1],
}

const _: () = assert!(size_of::<Page>() == 16 * PAGE as usize && size_of::<Record>() == 16);

/// One execution of a program. The block of its node owns it, and whoever holds credits keeps it alive.
struct Run {
    program: Arc<Program>,
    /// Set before anything runs.
    node: AtomicU64,
    /// What is to be there: every job and every thread that is at a step has one credit, [purses](Purse) have many. [`OWNED`] is the block's.
    /// When only that is left, nothing of the run is going on any more.
    credits: AtomicU64,
    /// The records, from the first time it runs on.
    pages: AtomicPtr<Page>,
    /// Whether any value is in a box. Relaxed: who reads such a value came to know of it by an arrival.
    has_boxes: AtomicBool,
    /// Steps and pages that were ready when nobody wanted the output any more, and steps that failed: where a retry goes on.
    parked: Mutex<Vec<Number>>,
}

const OWNED: u64 = 1 << 63;
/// Credits taken at a time.
const BULK: u64 = 1 << 10;

/// Where a step that runs finds its inputs.
#[derive(Clone, Copy)]
pub(super) struct Records(*const Run);

impl Records {
    /// The value of an argument that is a number or an input.
    ///
    /// # Safety
    /// It is one of a step that runs, of that run.
    #[inline]
    pub(super) unsafe fn value(self, arg: &Argument<Number>) -> Value {
        match arg {
            // SAFETY: the step is a dependent of its input, and counts itself as a reader only when its function is over.
            Argument::Input(input) => unsafe { (*self.0).value(*input) },
            Argument::Word(Inline::I64, word) => Value::i64(*word as i64),
            Argument::Word(Inline::F64, word) => Value::f64(f64::from_bits(*word)),
            Argument::Word(_, word) => Value::pointer(std::ptr::with_exposed_provenance_mut(*word as usize)),
            Argument::Value(_) | Argument::List(_) => unreachable!("such a step is not plain"),
        }
    }

    /// The same, if it is an i64: the short way.
    ///
    /// # Safety
    /// As for [`value`](Self::value).
    #[inline]
    pub(super) unsafe fn i64(self, arg: &Argument<Number>) -> Option<i64> {
        match arg {
            Argument::Word(Inline::I64, word) => Some(*word as i64),
            Argument::Input(input) => {
                // SAFETY: by contract.
                let record = unsafe { (*self.0).record(*input) };
                if record.arrived.load(Ordering::Relaxed) == DONE | kind::I64 as u32 {
                    return Some(record.word.load(Ordering::Relaxed) as i64);
                }
                // SAFETY: by contract.
                unsafe { self.value(arg) }.as_i64()
            }
            _ => None,
        }
    }
}

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
        node: AtomicU64::new(node.to_word()),
        credits: AtomicU64::new(OWNED),
        pages: AtomicPtr::default(),
        has_boxes: AtomicBool::new(false),
        parked: Mutex::default(),
    }));
    // SAFETY: an object of that type, which is static.
    let run = unsafe { Value::object(run.cast(), &raw const TYPE, 0) }.inspect_err(|_| {
        local.magazine(Class::Small).put(line);
    })?;
    let output = program.get(program.last());
    node.begin(client, Some(output.function), Shape::PROGRAM);
    node.set_block(Block::new(node, vec![run], Vec::new()));
    let options = program.name(output).map(|name| SubmitOptions { name: Some(name), ..Default::default() });
    let spec = Spec { client, function: None, options: options.as_ref(), rank: None, identity: None, wrong: None };
    Ok(begin_ready(local, node, Class::Small, spec))
}

/// The destructor of the block's object.
unsafe extern "C" fn disown(run: *mut c_void) {
    // SAFETY: made by `prepare`, and destroyed once.
    unsafe { Run::give(NonNull::new_unchecked(run.cast()), OWNED) }
}

/// Begins, or goes on after a retry, with the program of a node that the caller has claimed.
#[cold]
pub(super) fn begin(node: NodePtr, local: &Local, mut cascade: Cascade<'_>) -> Option<Job> {
    // SAFETY: claimed, and the arguments are taken out when the run is over.
    let object = unsafe { node.block().as_ref().args()[0].as_object() };
    let (run, _) = object.ok().flatten().expect("a program's block holds its run");
    let run = NonNull::new(run.cast::<Run>()).expect("put there by `prepare`");
    let Some(jobs) = Run::first_jobs(run) else {
        local.tally(node.client(), |tally| tally.returned.add(1));
        let error = Error::new(node, status::NOMEM, 0, 1, "no memory for the records of a graph");
        cascade.fail(node, Ending::Failed(error));
        let next = cascade.run();
        local.tally(node.client(), |tally| tally.ended.add(1));
        return next;
    };
    let keeps_next = cascade.keeps_next();
    cascade.run();
    // SAFETY: the block keeps it while the node runs. Relaxed: whoever takes a credit has one, or the claim.
    unsafe { run.as_ref() }.credits.fetch_add(jobs.len() as u64, Ordering::Relaxed);
    let (first, rest) = jobs.split_first().expect("a graph that is not done has something to go on with");
    if keeps_next {
        push(node.client(), rest, local);
        return Some(*first);
    }
    push(node.client(), &jobs, local);
    None
}

/// Makes jobs available, a credit with each.
fn push(client: u32, jobs: &[Job], local: &Local) {
    if !jobs.is_empty() && !local.push_all(client, jobs) {
        jobs.iter().for_each(|&job| discard(job, local));
    }
}

/// A job's run and number. The job's credit is the caller's from now on.
fn place(job: Job) -> (NonNull<Run>, Number) {
    let address = job & !(STEP | RETURNED);
    let page = std::ptr::with_exposed_provenance::<Page>(address & !(size_of::<Page>() - 1));
    // SAFETY: a job's credit keeps the run, and so the page, whose header was written before there were jobs.
    let (run, first) = unsafe { ((*page).run, (*page).first) };
    let at = (address - page.addr()) / size_of::<Record>();
    (NonNull::new(run.cast_mut()).expect("set with the page"), Number(first.0 + at as u32))
}

/// Runs one step; the job to run next, if one became ready by it.
#[inline]
pub(super) fn run(job: Job, local: &Local) -> Option<Job> {
    let (run, number) = place(job);
    // SAFETY: the credit, which lasts until `Run::put_back` or beyond.
    let at = At { run: unsafe { run.as_ref() }, local };
    if job & RETURNED != 0 {
        at.go_on_after(number)
    } else if !at.is_wanted() {
        at.park(number)
    } else if number.is_page() {
        at.begin_page(number)
    } else {
        at.step(number)
    }
}

/// Ends a job that will not run, because its client is closed.
#[cold]
pub(super) fn discard(job: Job, local: &Local) {
    let (run, number) = place(job);
    // SAFETY: as in `run`.
    let at = At { run: unsafe { run.as_ref() }, local };
    if job & RETURNED != 0 {
        at.forget_returned(number);
    }
    at.stop(Ending::closed(at.run.node()));
    at.run.parked.lock().push(number);
    // Not by the purse: this thread may be no worker.
    // SAFETY: the job's credit.
    unsafe { Run::give(run, 1) }
}

/// Gives back what a worker has of credits: before it turns to something else, or sleeps.
#[inline]
pub(crate) fn settle_up(purse: &Purse) {
    if !purse.is_empty() {
        give_all(purse);
    }
}

#[cold]
fn give_all(purse: &Purse) {
    let (run, n) = purse.empty();
    if let Some(run) = NonNull::new(std::ptr::with_exposed_provenance_mut::<Run>(run)) {
        // SAFETY: they were its credits.
        unsafe { Run::give(run, n) }
    }
}

impl Run {
    fn node(&self) -> NodePtr {
        NodePtr::from_word(self.node.load(Ordering::Relaxed))
    }

    /// What there is to begin with; `None` without memory for the records.
    fn first_jobs(run: NonNull<Self>) -> Option<Vec<Job>> {
        // SAFETY: the block keeps it while the node runs.
        let this = unsafe { run.as_ref() };
        let mut parked = std::mem::take(&mut *this.parked.lock());
        if this.pages.load(Ordering::Relaxed).is_null() {
            let n = this.program.n_pages();
            // SAFETY: the layout has a size, since a program has steps.
            let pages = unsafe { alloc_zeroed(Self::layout(n)) }.cast::<Page>();
            if pages.is_null() {
                return None;
            }
            pages.expose_provenance();
            for at in 0..n {
                // SAFETY: within the allocation; nobody else has it yet.
                unsafe {
                    (&raw mut (*pages.add(at)).run).write(run.as_ptr());
                    (&raw mut (*pages.add(at)).first).write(Number(at as u32 * PAGE));
                }
            }
            // Relaxed: handing out jobs orders it.
            this.pages.store(pages, Ordering::Relaxed);
            let has_sources = |&page: &Number| {
                this.program.in_page(page).any(|number| this.program.get(number).n_inputs == 0)
            };
            parked = (0..n as u32).map(|at| Number(at * PAGE)).filter(has_sources).collect();
        }
        Some(parked.into_iter().map(|number| this.job(number)).collect())
    }

    fn layout(n_pages: usize) -> Layout {
        Layout::array::<Page>(n_pages).expect("as many as there are steps")
    }

    /// The job of a step, or of a page.
    fn job(&self, number: Number) -> Job {
        let pages = self.pages.load(Ordering::Relaxed);
        pages.expose_provenance() + number.0 as usize * size_of::<Record>() | STEP
    }

    #[inline]
    fn record(&self, number: Number) -> &Record {
        debug_assert!(!number.is_page());
        // SAFETY: a step's number is a place in the pages behind its page's header.
        unsafe { &*self.pages.load(Ordering::Relaxed).cast::<Record>().add(number.0 as usize) }
    }

    /// The value of a step that is done.
    ///
    /// # Safety
    /// A value that is more than a number is read only as long as not all dependents of the step have read it.
    #[inline]
    unsafe fn value(&self, number: Number) -> Value {
        let record = self.record(number);
        // Relaxed: the arrival that made the reader ready ordered it.
        let (word, kind) = (record.word.load(Ordering::Relaxed), record.arrived.load(Ordering::Relaxed));
        if kind == BOXED {
            // SAFETY: by contract it is still there.
            return unsafe { Value::reference(std::ptr::with_exposed_provenance(word as usize)) };
        }
        // SAFETY: a number has one word, and its kind.
        unsafe { Value::from_words([word, 0, 0, u64::from(kind & !DONE)]) }
    }

    /// Gives credits back. With the last one the run is over, without an output unless the block has given up its own.
    ///
    /// # Safety
    /// They are the caller's, who does not use the run any more.
    unsafe fn give(this: NonNull<Self>, credits: u64) {
        // SAFETY: until its credits are gone.
        let before = unsafe { this.as_ref() }.credits.fetch_sub(credits, Ordering::AcqRel);
        match before - credits {
            // SAFETY: made by `Box::into_raw`, and nobody is left.
            0 => drop(unsafe { Box::from_raw(this.as_ptr()) }),
            // SAFETY: the block keeps it as long as the node has not ended its run.
            OWNED if credits != OWNED => over(unsafe { this.as_ref() }.node()),
            _ => {}
        }
    }
}

/// Nothing goes on any more in a run whose output nobody waits for.
#[cold]
fn over(node: NodePtr) {
    Local::with(|local| {
        let client = node.client();
        local.tally(client, |tally| tally.returned.add(1));
        let mut cascade = Cascade::new(local);
        cascade.begin_telling();
        cascade.end_run(node);
        cascade.run();
        local.tally(client, |tally| tally.ended.add(1));
    });
}

impl Drop for Run {
    fn drop(&mut self) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages.is_null() {
            return;
        }
        let n = self.program.n_pages();
        if self.has_boxes.load(Ordering::Relaxed) {
            (0..n as u32).for_each(|at| self.drop_boxes(Number(at * PAGE)));
        }
        // SAFETY: allocated with this layout.
        unsafe { dealloc(pages.cast(), Self::layout(n)) }
    }
}

impl Run {
    #[cold]
    fn drop_boxes(&self, page: Number) {
        for number in self.program.in_page(page) {
            let record = self.record(number);
            if record.arrived.load(Ordering::Relaxed) == BOXED
                && record.read.load(Ordering::Relaxed) < self.program.get(number).n_dependents
            {
                drop_box(record);
            }
        }
    }
}

/// Destroys the value of a step that all have read, or nobody will.
#[cold]
fn drop_box(record: &Record) {
    let value = std::ptr::with_exposed_provenance_mut::<Value>(record.word.load(Ordering::Relaxed) as usize);
    // SAFETY: made by `Box::into_raw`, and dropped by the last reader or with the run.
    let value = unsafe { *Box::from_raw(value) };
    Local::with(|local| local.bury(value));
}

/// A thread at a run, with a credit.
#[derive(Clone, Copy)]
struct At<'a> {
    run: &'a Run,
    local: &'a Local,
}

impl At<'_> {
    #[inline]
    fn is_wanted(self) -> bool {
        self.run.node().dependents.is_wanted()
    }

    /// Begins with what takes nothing among the steps of a page.
    fn begin_page(self, page: Number) -> Option<Job> {
        let program = &*self.run.program;
        let sources = program.in_page(page).filter(|&number| program.get(number).n_inputs == 0);
        let jobs: Vec<Job> = sources.map(|number| self.run.job(number)).collect();
        let (first, rest) = jobs.split_first().expect("such pages only have jobs");
        // Relaxed: as in `begin`.
        self.run.credits.fetch_add(rest.len() as u64, Ordering::Relaxed);
        push(self.run.node().client(), rest, self.local);
        Some(*first)
    }

    #[inline]
    fn step(self, number: Number) -> Option<Job> {
        let step = self.run.program.get(number);
        match self.call(number, step) {
            Returned::Value(value) => self.complete(number, step, value),
            Returned::Failed(error) => self.fail(number, error),
            Returned::Future(input) => self.await_returned(number, step, input),
        }
    }

    #[inline]
    fn call(self, number: Number, step: &Step) -> Returned {
        if !step.is_plain {
            return self.call_with_more(number, step);
        }
        let args = self.run.program.args(step);
        self.call_with(number, step, StepArgs::Plain { args, records: Records(self.run) })
    }

    #[cold]
    fn call_with_more(self, number: Number, step: &Step) -> Returned {
        let mut values = Vec::new();
        for arg in self.run.program.args(step) {
            // SAFETY: as in `call`.
            match arg.value(self.run.node().client(), &mut |input| unsafe { self.run.value(*input) }) {
                Ok(value) => values.push(value),
                Err(failure) => return Returned::Failed(self.error(number, step, failure.status, &failure.message)),
            }
        }
        let returned = self.call_with(number, step, StepArgs::Values(&raw const *values));
        values.into_iter().for_each(|value| self.local.bury(value));
        returned
    }

    #[inline]
    fn call_with(self, number: Number, step: &Step, args: StepArgs) -> Returned {
        task::run_step(self.run.node(), &self.view(number, step, args), self.local)
    }

    /// The step as its function sees it.
    #[inline]
    fn view(self, number: Number, step: &Step, args: StepArgs) -> StepView {
        StepView {
            function: step.function,
            name: self.run.program.name(step).map(std::ptr::from_ref),
            place: if number == self.run.program.last() { 0 } else { Program::place(number) },
            args,
        }
    }

    #[cold]
    fn error(self, number: Number, step: &Step, status: status::Status, message: &str) -> Arc<Error> {
        let node = self.run.node();
        Error::begun_in(self.view(number, step, StepArgs::Values(&[])).key(node), status, 0, task::attempt(node), message)
    }

    /// The step has a value: those that take it may be ready now. The first of them is next.
    #[inline]
    fn complete(self, number: Number, step: &Step, value: Value) -> Option<Job> {
        if number == self.run.program.last() {
            return self.finish(number, step, value);
        }
        let record = self.run.record(number);
        let words = value.into_words();
        // Relaxed, all of it: the arrivals below, and the queues, order it for those who read it.
        if words[3] == kind::I64 as u64 || words[3] == kind::F64 as u64 {
            record.word.store(words[0], Ordering::Relaxed);
            record.arrived.store(DONE | words[3] as u32, Ordering::Relaxed);
        } else {
            // SAFETY: the words were just taken from it.
            self.keep(record, unsafe { Value::from_words(words) });
        }
        self.has_read(step);
        let mut next: Option<Number> = None;
        // The last first, so that the first is the one kept, and of those pushed the newest.
        for &Dependent { number, n_inputs } in self.run.program.dependents(step).iter().rev() {
            // AcqRel: release hands on what this thread saw of the inputs, acquire collects it for who runs the dependent.
            let is_ready =
                n_inputs == 1 || self.run.record(number).arrived.fetch_add(1, Ordering::AcqRel) + 1 == n_inputs;
            if is_ready && let Some(later) = next.replace(number) {
                self.push(later);
            }
        }
        if next.is_none() {
            self.put_back();
        }
        next.map(|number| self.run.job(number))
    }

    /// Keeps the value of a step that is not an i64 or f64.
    fn keep(self, record: &Record, value: Value) {
        let kind = value.kind();
        if kind == kind::NONE || kind == kind::POINTER {
            record.word.store(value.into_words()[0], Ordering::Relaxed);
            record.arrived.store(DONE | kind as u32, Ordering::Relaxed);
        } else {
            self.run.has_boxes.store(true, Ordering::Relaxed);
            let address = Box::into_raw(Box::new(value)).expose_provenance();
            record.word.store(address as u64, Ordering::Relaxed);
            record.arrived.store(BOXED, Ordering::Relaxed);
        }
    }

    /// The step needs its inputs no longer.
    #[inline]
    fn has_read(self, step: &Step) {
        if self.run.has_boxes.load(Ordering::Relaxed) {
            self.count_read(step);
        }
    }

    #[cold]
    fn count_read(self, step: &Step) {
        for arg in self.run.program.args(step) {
            arg.for_each_input(&mut |&input| {
                let record = self.run.record(input);
                if record.arrived.load(Ordering::Relaxed) == BOXED {
                    // AcqRel: who destroys the value does so after all have read it.
                    let read = record.read.fetch_add(1, Ordering::AcqRel) + 1;
                    if read == self.run.program.get(input).n_dependents {
                        drop_box(record);
                    }
                }
            });
        }
    }

    /// The output's step has a value.
    fn finish(self, number: Number, step: &Step, mut value: Value) -> Option<Job> {
        let node = self.run.node();
        if !self.is_wanted() {
            self.local.bury(value);
            return self.park(number);
        }
        self.has_read(step);
        let client = node.client();
        self.local.tally(client, |tally| tally.returned.add(1));
        let mut cascade = Cascade::keeping_next(self.local);
        cascade.finish(node, &mut value);
        let next = cascade.run();
        self.local.tally(client, |tally| tally.ended.add(1));
        self.put_back();
        next
    }

    #[cold]
    fn fail(self, number: Number, error: Arc<Error>) -> Option<Job> {
        self.stop(match error.status {
            status::CANCELLED => Ending::Cancelled(error),
            _ => Ending::Failed(error),
        });
        self.park(number)
    }

    /// Ends the future. What runs of the program goes on to the end of its step.
    #[cold]
    fn stop(self, ending: Ending) {
        let mut cascade = Cascade::new(self.local);
        // Meanwhile nobody retries it: what a retry has made of it is not ours to end.
        cascade.begin_telling();
        if self.is_wanted() {
            cascade.settle(self.run.node(), &ending);
        }
        cascade.run();
    }

    /// Leaves a step or a page to a retry.
    #[cold]
    fn park(self, number: Number) -> Option<Job> {
        self.run.parked.lock().push(number);
        self.put_back();
        // Who wants to retry waits until all credits are back.
        if let Some(slot) = self.local.slot() {
            settle_up(&slot.purse);
        }
        None
    }

    /// Makes a step available to others, with a credit from the purse.
    #[inline]
    fn push(self, number: Number) {
        let slot = self.local.slot().expect("steps run on workers");
        let purse = &slot.purse;
        let address = self.address();
        if !purse.take_one(address) {
            settle_up(purse);
            // Relaxed: this thread has a credit.
            self.run.credits.fetch_add(BULK, Ordering::Relaxed);
            purse.fill(address, BULK - 1);
        }
        push(self.run.node().client(), &[self.run.job(number)], self.local);
    }

    /// Puts this thread's credit into its purse.
    #[inline]
    fn put_back(self) {
        let slot = self.local.slot().expect("steps run on workers");
        if !slot.purse.put_one(self.address()) {
            settle_up(&slot.purse);
            slot.purse.fill(self.address(), 1);
        }
    }

    #[inline]
    fn address(self) -> usize {
        std::ptr::from_ref(self.run).expose_provenance()
    }

    // ---- steps that return a future ----

    /// The result of the step becomes that of `input`, whenever that is done.
    #[cold]
    fn await_returned(self, number: Number, step: &Step, input: Taken) -> Option<Job> {
        let (node, input) = (self.run.node(), input.into_node());
        let is_awaited = waiting::looking(self.local, || {
            let left = Left::default();
            if Search::new(&[node], &left, FORWARD_BUDGET).reach(input).is_some() {
                return false;
            }
            extra::with(node, |extra| extra.returned.push(input));
            true
        });
        if !is_awaited {
            Taken::of(input).let_go();
            let message = "rask_return_future: the future waits for this task";
            return self.fail(number, self.error(number, step, status::DEADLOCK, message));
        }
        self.run.record(number).word.store(input.to_word(), Ordering::Relaxed);
        waiting::forwarded();
        let job = self.run.job(number) | RETURNED;
        // This thread's credit is the watch's now.
        match Watch::begin(input, job, Arc::new(Awaited(node.client()))) {
            Ok(_) => None,
            Err(_) => self.go_on_after(number),
        }
    }

    /// The future that a step has returned is done.
    #[cold]
    fn go_on_after(self, number: Number) -> Option<Job> {
        let input = NodePtr::from_word(self.run.record(number).word.load(Ordering::Relaxed));
        let ending = Ending::of(input.dependents.closed().expect("it was told so"));
        let value = match ending {
            // SAFETY: finished, and a reference is ours.
            Ending::Finished => unsafe { (*input.value()).share() },
            _ => Ok(Value::NONE),
        };
        self.forget_returned(number);
        let step = self.run.program.get(number);
        match (ending, value) {
            (Ending::Finished, Ok(value)) => self.complete(number, step, value),
            (Ending::Finished, Err(failure)) => {
                self.fail(number, self.error(number, step, failure.status, &failure.message))
            }
            (ending, _) => {
                self.stop(ending);
                self.park(number)
            }
        }
    }

    #[cold]
    fn forget_returned(self, number: Number) {
        let input = NodePtr::from_word(self.run.record(number).word.load(Ordering::Relaxed));
        extra::with(self.run.node(), |extra| {
            let at = extra.returned.iter().position(|&other| other == input);
            extra.returned.swap_remove(at.expect("put there when it was returned"));
        });
        Taken::of(input).let_go();
    }
}

/// Goes on with a step whose returned future is done. The client's number.
struct Awaited(u32);

impl Watcher for Awaited {
    fn done(&self, job: usize, _state: State) {
        Local::with(|local| push(self.0, &[job], local));
    }
}
