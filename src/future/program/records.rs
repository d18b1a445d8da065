//! Records: what is known of each step in a run, sixteen bytes of it.

use super::{Number, PAGE, Program, Run};
use crate::future::argument::Argument;
use crate::future::node::Inline;
use crate::scheduler::Local;
use crate::value::{Value, kind};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// One step's. All accesses but the counting are relaxed: the arrivals, and the queues that jobs go through, order a step before those that
/// take it.
#[repr(C, align(16))]
pub(super) struct Record {
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

impl Record {
    /// One more input is done. `true`: the last of so many. `is_alone`: the client has one slot, which all that runs steps passes on.
    #[inline]
    #[must_use]
    pub(super) fn arrive(&self, n_inputs: u32, is_alone: bool) -> bool {
        if is_alone {
            let arrived = self.arrived.load(Ordering::Relaxed) + 1;
            self.arrived.store(arrived, Ordering::Relaxed);
            return arrived == n_inputs;
        }
        // AcqRel: release hands on what this thread saw of the inputs, acquire collects it for who runs the step.
        self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == n_inputs
    }

    /// As [`arrive`](Self::arrive), for `n` inputs.
    #[must_use]
    pub(super) fn arrive_at_once(&self, n: u32, n_inputs: u32) -> bool {
        self.arrived.fetch_add(n, Ordering::AcqRel) + n == n_inputs
    }

    /// Until the step has a value: a word for who runs it.
    pub(super) fn note(&self, word: u64) {
        self.word.store(word, Ordering::Relaxed);
    }

    pub(super) fn noted(&self) -> u64 {
        self.word.load(Ordering::Relaxed)
    }

    /// The value as an i64, if it is one.
    #[inline]
    fn as_i64(&self) -> Option<i64> {
        (self.arrived.load(Ordering::Relaxed) == DONE | kind::I64 as u32)
            .then(|| self.word.load(Ordering::Relaxed) as i64)
    }

    /// The value.
    ///
    /// # Safety
    /// The step has one, and not all who take it have [read](Records::count_read) it.
    #[inline]
    pub(super) unsafe fn value(&self) -> Value {
        let (word, kind) = (self.noted(), self.arrived.load(Ordering::Relaxed));
        if kind == BOXED {
            // SAFETY: by contract it is still there.
            return unsafe { Value::reference(std::ptr::with_exposed_provenance(word as usize)) };
        }
        // SAFETY: a number has one word, and its kind.
        unsafe { Value::from_words([word, 0, 0, u64::from(kind & !DONE)]) }
    }

    /// Destroys a value that all have read, or nobody will.
    #[cold]
    fn drop_box(&self) {
        let value = std::ptr::with_exposed_provenance_mut::<Value>(self.noted() as usize);
        // SAFETY: made by `Box::into_raw`, and dropped by the last reader or with the records.
        let value = unsafe { *Box::from_raw(value) };
        Local::with(|local| local.bury(value));
    }
}

/// Records side by side. The first is no step's but tells whose they are, so that a record's address is all that a job needs.
#[repr(C, align(4096))]
struct Page {
    run: *const Run,
    first: Number,
    records: [Record; PAGE as usize - 1],
}

const _: () = assert!(size_of::<Page>() == 16 * PAGE as usize && size_of::<Record>() == 16);

/// The records of a run.
pub(crate) struct Records {
    pages: NonNull<Page>,
    n_pages: usize,
    /// Whether any value is in a box. Relaxed: who reads such a value came to know of it by an arrival.
    has_boxes: AtomicBool,
}

// SAFETY: records are atomics, and the headers are not written any more.
unsafe impl Send for Records {}
// SAFETY: as above.
unsafe impl Sync for Records {}

impl Records {
    /// `None`: without memory.
    pub(super) fn new(program: &Program, run: NonNull<Run>) -> Option<Self> {
        let n_pages = program.n_pages();
        // SAFETY: the layout has a size, since a program has steps.
        let pages = NonNull::new(unsafe { alloc_zeroed(Self::layout(n_pages)) }.cast::<Page>())?;
        for at in 0..n_pages {
            // SAFETY: within the allocation, which nobody else has yet.
            unsafe {
                let page = pages.add(at).as_ptr();
                (&raw mut (*page).run).write(run.as_ptr());
                (&raw mut (*page).first).write(Number(at as u32 * PAGE));
            }
        }
        Some(Self { pages, n_pages, has_boxes: AtomicBool::new(false) })
    }

    fn layout(n_pages: usize) -> Layout {
        Layout::array::<Page>(n_pages).expect("a program is not larger than memory")
    }

    /// The address of a record or a header; by it [`found_at`](Self::found_at) finds the way back.
    pub(super) fn address(&self, number: Number) -> usize {
        self.pages.as_ptr().expose_provenance() + number.0 as usize * size_of::<Record>()
    }

    /// The run and the number that an address stands for.
    ///
    /// # Safety
    /// The records at that address are still there.
    pub(super) unsafe fn found_at(address: usize) -> (NonNull<Run>, Number) {
        let page = std::ptr::with_exposed_provenance::<Page>(address & !(size_of::<Page>() - 1));
        // SAFETY: by contract; the header was written before anybody had the address.
        let (run, first) = unsafe { ((*page).run, (*page).first) };
        let at = (address - page.addr()) / size_of::<Record>();
        (NonNull::new(run.cast_mut()).expect("written from such a pointer"), Number(first.0 + at as u32))
    }

    #[inline]
    pub(super) fn get(&self, number: Number) -> &Record {
        debug_assert!(!number.is_page() && (number.0 as usize) < self.n_pages * PAGE as usize);
        // SAFETY: a step's number is a place in the pages behind its page's header.
        unsafe { self.pages.cast::<Record>().add(number.0 as usize).as_ref() }
    }

    /// Keeps the value of a step; those that take it may be told afterwards.
    #[inline(always)]
    pub(super) fn set(&self, number: Number, value: Value) {
        let record = self.get(number);
        let [word, second, third, meta] = value.into_words();
        let kind = if meta == kind::I64 as u64 || meta == kind::F64 as u64 {
            record.word.store(word, Ordering::Relaxed);
            meta as u32
        } else {
            // SAFETY: the words were just taken from it.
            return self.set_other(record, unsafe { Value::from_words([word, second, third, meta]) });
        };
        record.arrived.store(DONE | kind, Ordering::Relaxed);
    }

    #[cold]
    fn set_other(&self, record: &Record, value: Value) {
        let kind = match value.kind() {
            kind @ (kind::NONE | kind::POINTER) => {
                record.note(value.into_words()[0]);
                DONE | kind as u32
            }
            _ => {
                self.has_boxes.store(true, Ordering::Relaxed);
                record.note(Box::into_raw(Box::new(value)).expose_provenance() as u64);
                BOXED
            }
        };
        record.arrived.store(kind, Ordering::Relaxed);
    }

    /// The value of an argument that is a number or an input.
    ///
    /// # Safety
    /// It is one of a step that runs.
    #[inline]
    pub(crate) unsafe fn value(&self, arg: &Argument<Number>) -> Value {
        match arg {
            Argument::Word(Inline::I64, word) => Value::i64(*word as i64),
            Argument::Word(Inline::F64, word) => Value::f64(f64::from_bits(*word)),
            Argument::Word(_, word) => Value::pointer(std::ptr::with_exposed_provenance_mut(*word as usize)),
            // SAFETY: the step counts itself as a reader of its inputs only when its function is over.
            Argument::Input(input) => unsafe { self.get(*input).value() },
            Argument::Value(_) | Argument::List(_) => unreachable!("such a step is not plain"),
        }
    }

    /// The same, if it is an i64: the short way.
    ///
    /// # Safety
    /// As for [`value`](Self::value).
    #[inline]
    pub(crate) unsafe fn i64(&self, arg: &Argument<Number>) -> Option<i64> {
        match arg {
            Argument::Word(Inline::I64, word) => Some(*word as i64),
            Argument::Input(input) => self.get(*input).as_i64().or_else(|| {
                // SAFETY: by contract.
                unsafe { self.value(arg) }.as_i64()
            }),
            _ => None,
        }
    }

    /// The step needs its inputs no longer: those that nobody needs any more are destroyed.
    #[inline]
    pub(super) fn count_read(&self, program: &Program, step: &super::Step) {
        if self.has_boxes.load(Ordering::Relaxed) {
            self.count_boxes_read(program, step);
        }
    }

    #[cold]
    fn count_boxes_read(&self, program: &Program, step: &super::Step) {
        for arg in program.args(step) {
            arg.for_each_input(&mut |&input| self.count_one_read(program, input));
        }
    }

    /// The value of `input` was read for one of its [uses](super::Step::uses).
    pub(super) fn count_one_read(&self, program: &Program, input: Number) {
        let record = self.get(input);
        if record.arrived.load(Ordering::Relaxed) == BOXED {
            // AcqRel: who destroys the value does so after all have read it.
            let read = record.read.fetch_add(1, Ordering::AcqRel) + 1;
            if read == program.get(input).uses() {
                record.drop_box();
            }
        }
    }

    /// Destroys the values that not all have read. Nothing of the run is going on any more.
    pub(super) fn drop_boxes(&self, program: &Program) {
        if !self.has_boxes.load(Ordering::Relaxed) {
            return;
        }
        for page in 0..self.n_pages as u32 {
            for number in program.in_page(Number(page * PAGE)) {
                let record = self.get(number);
                if record.arrived.load(Ordering::Relaxed) == BOXED
                    && record.read.load(Ordering::Relaxed) < program.get(number).uses()
                {
                    record.drop_box();
                }
            }
        }
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.pages.as_ptr().cast(), Self::layout(self.n_pages)) }
    }
}
