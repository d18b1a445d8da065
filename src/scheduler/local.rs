//! What a thread has of its own: free lines, its way into each client, its slot if it is a worker.
//!
//! A call looks its thread's [`Local`] up once and passes it on.

use super::inbox::{Inbox, InboxEnd};
use super::queue::Job;
use super::registry::find_unclosed_number;
use super::tally::{Count, Tally};
use super::{Core, Lane, Need, Rank, Slot, closed, find};
use crate::slab::{Class, Id, Line, Magazine};
use crate::status::Result;
use crate::value::Value;
use parking_lot::Mutex;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// What a thread that is no worker of a client has in it.
struct Door {
    core: Arc<Core>,
    inbox: Inbox,
    tally: Arc<Tally>,
    /// While this thread [ends](Local::take_back) what it has put in.
    takes_back: Cell<bool>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.core.retire_tally(&self.tally);
    }
}

/// The way into the client that this thread used last, at hand without a search.
///
/// The pointers lead to what one of the thread's doors or its slot keeps; whoever drops either clears the way first. They are followed
/// only where nothing in between could do that: no user code, no search.
struct Way {
    id: Cell<u64>,
    number: Cell<u32>,
    core: Cell<*const Core>,
    tally: Cell<*const Tally>,
    /// The slot, or null.
    slot: Cell<*const Slot>,
    /// The door, or null.
    door: Cell<*const Door>,
}

/// An id that no caller can mistake for a client's, as 0 could be. No client has the number 0.
const NO_ID: u64 = u64::MAX;

impl Default for Way {
    fn default() -> Self {
        Self {
            id: Cell::new(NO_ID),
            number: Cell::new(0),
            core: Cell::new(std::ptr::null()),
            tally: Cell::new(std::ptr::null()),
            slot: Cell::new(std::ptr::null()),
            door: Cell::new(std::ptr::null()),
        }
    }
}

impl Way {
    fn set(&self, core: &Core, tally: &Tally, slot: *const Slot, door: *const Door) {
        self.id.set(core.id().0);
        self.number.set(core.number);
        self.core.set(core);
        self.tally.set(tally);
        self.slot.set(slot);
        self.door.set(door);
    }

    fn clear(&self) {
        self.id.set(NO_ID);
        self.number.set(0);
    }
}

/// See the module.
pub(crate) struct Local {
    magazines: [Magazine; Class::COUNT],
    way: Way,
    doors: RefCell<Vec<Rc<Door>>>,
    slot: UnsafeCell<Option<Box<Slot>>>,
    worker: Cell<bool>,
    /// The innermost task that runs on this thread; for the layer above.
    pub(crate) task: Cell<*const ()>,
    /// What the outermost task that runs on this thread holds: those on top of it are never ones that need resources.
    held: RefCell<Option<Need>>,
    /// The lowest address of the stack that a task may still be begun at.
    stack_floor: Cell<usize>,
    handles: Arc<Count>,
    /// Values whose destructors wait for the one that runs, so that destructors that release futures do not nest.
    graveyard: RefCell<Vec<Value>>,
    burying: Cell<bool>,
    /// The lane that this thread used last: see [`take_lane`](Self::take_lane).
    pub(super) lane: Cell<Option<Arc<Lane>>>,
    /// Arrays that exchanges with lanes fill, kept for the next.
    pub(crate) jobs: Cell<Vec<Job>>,
    pub(crate) kept_jobs: Cell<Vec<Job>>,
    /// What became ready for lanes and is still to be published.
    pub(crate) ready_on_lanes: RefCell<Vec<Job>>,
    /// The number of the lane whose ready jobs are kept on this thread for an exchange that is about to take some; 0: none.
    pub(crate) keeps_for_lane: Cell<u32>,
    pub(crate) lines: Cell<Vec<Line>>,
    pub(crate) tokens: Cell<Vec<i64>>,
}

/// The handle counters of all threads, and the sum of those that have ended.
static HANDLES: Mutex<(Vec<Weak<Count>>, u64)> = Mutex::new((Vec::new(), 0));

thread_local! {
    static LOCAL: Local = Local::new();
}

impl Local {
    fn new() -> Self {
        let handles = Arc::new(Count::default());
        HANDLES.lock().0.push(Arc::downgrade(&handles));
        Self {
            magazines: [
                Magazine::new(Class::Small),
                Magazine::new(Class::Large),
                Magazine::new(Class::Clone),
                Magazine::new(Class::Task),
            ],
            way: Way::default(),
            doors: RefCell::new(Vec::new()),
            slot: UnsafeCell::new(None),
            worker: Cell::new(false),
            task: Cell::new(std::ptr::null()),
            held: RefCell::new(None),
            stack_floor: Cell::new(0),
            handles,
            graveyard: RefCell::new(Vec::new()),
            burying: Cell::new(false),
            lane: Cell::default(),
            jobs: Cell::default(),
            kept_jobs: Cell::default(),
            ready_on_lanes: RefCell::default(),
            keeps_for_lane: Cell::new(0),
            lines: Cell::default(),
            tokens: Cell::default(),
        }
    }

    /// Calls `f` with this thread's own, or with a temporary one while the thread's is being destroyed.
    #[inline(always)]
    pub(crate) fn with<T>(f: impl FnOnce(&Local) -> T) -> T {
        match LOCAL.try_with(std::ptr::from_ref) {
            // SAFETY: it lives until the thread's destructors run, and the thread is in this call.
            Ok(local) => f(unsafe { &*local }),
            Err(_) => f(&Local::new()),
        }
    }

    #[inline]
    pub(crate) fn magazine(&self, class: Class) -> &Magazine {
        &self.magazines[class as usize]
    }

    /// Counts handles made (or, wrapping, ended) by this thread.
    #[inline]
    pub(crate) fn count_handles(&self, n: u64) {
        self.handles.add(n);
    }

    /// Live future handles in the process.
    pub(crate) fn live_handles() -> u64 {
        let mut handles = HANDLES.lock();
        let (counters, ended) = &mut *handles;
        counters.retain(|counter| counter.strong_count() > 0);
        counters.iter().filter_map(Weak::upgrade).fold(*ended, |sum, count| sum.wrapping_add(count.get()))
    }

    /// The number of the open client with this id, through which this thread can push from now on.
    #[inline(always)]
    pub(crate) fn enter(&self, id: Id) -> Result<u32> {
        if self.way.id.get() == id.0 && id.0 != NO_ID {
            // SAFETY: see `Way`.
            let core = unsafe { &*self.way.core.get() };
            return core.check_open();
        }
        self.enter_another(id)
    }

    #[cold]
    fn enter_another(&self, id: Id) -> Result<u32> {
        let core = find(id)?;
        self.turn_to(core.number);
        core.check_open()
    }

    /// Makes the way lead to the client with this number. `false`: it is closed.
    #[cold]
    fn turn_to(&self, number: u32) -> bool {
        if let Some(slot) = self.slot()
            && slot.core.number == number
        {
            self.way.set(&slot.core, &slot.tally, slot, std::ptr::null());
            return true;
        }
        let Some(core) = find_unclosed_number(number) else { return false };
        let mut doors = self.doors.borrow_mut();
        let at = doors.iter().position(|door| door.core.number == number).unwrap_or_else(|| {
            let inbox = Inbox::new();
            core.add_inbox(inbox.end());
            let tally = core.new_tally();
            doors.push(Rc::new(Door { core, inbox, tally, takes_back: Cell::new(false) }));
            doors.len() - 1
        });
        let door = &doors[at];
        self.way.set(&door.core, &door.tally, std::ptr::null(), Rc::as_ptr(door));
        true
    }

    /// Drops this thread's doors into closed clients.
    pub(crate) fn forget_closed(&self) {
        self.way.clear();
        let (open, closed) = self.doors.take().into_iter().partition(|door| !door.core.is_closed());
        self.doors.replace(open);
        drop::<Vec<_>>(closed);
    }

    /// Counts something for a client, in this thread's tally; not if the client is closed and its figures have gone.
    #[inline]
    pub(crate) fn tally(&self, number: u32, count: impl FnOnce(&Tally)) {
        if self.way.number.get() == number || self.turn_to(number) {
            // SAFETY: see `Way`; `count` only counts.
            count(unsafe { &*self.way.tally.get() });
        }
    }

    /// Lets those who wait until the client has nothing left look again.
    pub(crate) fn tell_drainers(&self, number: u32) {
        if self.way.number.get() == number || self.turn_to(number) {
            // SAFETY: see `Way`; nothing below turns it.
            unsafe { &*self.way.core.get() }.tell_drainers();
        }
    }

    /// Makes a job available to the workers of its client: through this thread's slot if it has one there, else through its inbox.
    /// `false`: the client is closed, and the job is still the caller's.
    #[inline(always)]
    #[must_use]
    pub(crate) fn push(&self, number: u32, job: Job) -> bool {
        if self.way.number.get() != number && !self.turn_to(number) {
            return false;
        }
        // SAFETY: as in `push_all`.
        let (core, slot) = unsafe { (&*self.way.core.get(), self.way.slot.get().as_ref()) };
        match slot {
            Some(slot) => {
                slot.push(job);
                core.notify();
                true
            }
            None => self.push_all(number, &[job]),
        }
    }

    /// As [`push`](Self::push), for many, with one wake-up.
    #[inline]
    #[must_use]
    pub(crate) fn push_all(&self, number: u32, jobs: &[Job]) -> bool {
        if self.way.number.get() != number && !self.turn_to(number) {
            return false;
        }
        // SAFETY: see `Way`; nothing below turns it or drops what it leads to.
        let (core, slot, door) =
            unsafe { (&*self.way.core.get(), self.way.slot.get().as_ref(), self.way.door.get().as_ref()) };
        match (slot, door) {
            (Some(slot), _) => {
                // The owner takes the newest first, and is to begin with the first.
                jobs.iter().rev().for_each(|&job| slot.push(job));
                core.notify();
            }
            (None, Some(door)) => {
                jobs.iter().for_each(|&job| door.inbox.push(job));
                if core.published() {
                    self.take_back(number);
                }
            }
            (None, None) => unreachable!("a way leads through a slot or a door"),
        }
        true
    }

    /// As [`push_all`](Self::push_all), for jobs of this rank.
    #[cold]
    #[must_use]
    pub(crate) fn push_ranked(&self, number: u32, jobs: &[Job], rank: &Rank) -> bool {
        if self.way.number.get() != number && !self.turn_to(number) {
            return false;
        }
        // SAFETY: as in `push_all`; turned only after the last use.
        let (core, is_worker) = unsafe { (&*self.way.core.get(), !self.way.slot.get().is_null()) };
        core.ranked.push(jobs, rank, !is_worker);
        if core.notify_ranked() && !is_worker {
            self.take_back(number);
        }
        true
    }

    /// Lets the workers of the client look again at what has a rank, since one of these jobs may have been ended.
    pub(crate) fn refresh_ranked(&self, number: u32) {
        if self.way.number.get() == number || self.turn_to(number) {
            // SAFETY: see `Way`; nothing below turns it.
            unsafe { &*self.way.core.get() }.refresh_ranked();
        }
    }

    /// What the task that runs on this thread, or one beneath it, holds.
    pub(crate) fn held(&self) -> Option<Need> {
        self.held.borrow().clone()
    }

    pub(super) fn set_held(&self, need: Option<Need>) {
        self.held.replace(need);
    }

    /// The client was closed while this thread submitted: what no worker will look for any more is ended here.
    #[cold]
    fn take_back(&self, number: u32) {
        let door = self.doors.borrow().iter().find(|door| door.core.number == number).cloned();
        let Some(door) = door else { return };
        // What is ended here may make more available, and that more in its turn: found by this loop, not by one inside it.
        if door.takes_back.replace(true) {
            return;
        }
        loop {
            while let Some(job) = door.inbox.end().take_one() {
                (door.core.work.discard)(job, self, &door.core);
            }
            door.core.discard_ranked(self);
            if door.inbox.end().is_empty() {
                break;
            }
        }
        door.takes_back.set(false);
        door.core.tell_drainers();
    }

    /// The slot of this thread, if it is a worker and its task is not suspended.
    #[inline]
    pub(crate) fn slot(&self) -> Option<&Slot> {
        // SAFETY: only this thread touches the cell, and `take_slot` is not called while a reference is in use: workers
        // fetch the slot anew for each job and each push.
        unsafe { (*self.slot.get()).as_deref() }
    }

    pub(crate) fn take_slot(&self) -> Option<Box<Slot>> {
        self.way.clear();
        // SAFETY: see `slot`.
        unsafe { (*self.slot.get()).take() }
    }

    pub(crate) fn put_slot(&self, slot: Box<Slot>) {
        self.way.clear();
        // SAFETY: see `slot`.
        unsafe { *self.slot.get() = Some(slot) };
    }

    pub(crate) fn enter_worker(&self, slot: Box<Slot>) {
        self.put_slot(slot);
        self.worker.set(true);
        self.stack_floor.set(stack_floor());
    }

    /// This thread is one of the library's own: what it runs must not block, as on a worker.
    pub(crate) fn serve(&self) {
        self.worker.set(true);
    }

    pub(crate) fn leave_worker(&self) {
        self.worker.set(false);
        self.take_slot();
    }

    /// Whether this thread is a worker of some client, or serves all of them.
    pub(crate) fn is_worker(&self) -> bool {
        self.worker.get()
    }

    /// Whether a task may be begun on top of what is on the stack.
    pub(crate) fn has_stack(&self) -> bool {
        let here = 0u8;
        (&raw const here).addr() > self.stack_floor.get()
    }

    /// Puts off [`bury`](Self::bury) until `f` is over.
    pub(crate) fn bury_later<T>(&self, f: impl FnOnce() -> T) -> T {
        let nested = self.put_burying_off();
        let result = f();
        self.bury_now(nested);
        result
    }

    /// Puts off [`bury`](Self::bury) until [`bury_now`](Self::bury_now) is given what this returns.
    pub(crate) fn put_burying_off(&self) -> bool {
        self.burying.replace(true)
    }

    /// See [`put_burying_off`](Self::put_burying_off).
    pub(crate) fn bury_now(&self, nested: bool) {
        if !nested {
            self.burying.set(false);
            self.bury(Value::NONE);
        }
    }

    /// Whether a destructor of the user's runs on this thread.
    pub(crate) fn is_burying(&self) -> bool {
        self.burying.get()
    }

    /// Whether destructors were put off that [`bury_now`](Self::bury_now) is going to run.
    pub(crate) fn has_buried(&self) -> bool {
        !self.graveyard.borrow().is_empty()
    }

    /// Destroys a value whose destructor is the user's: now, or after the one that runs on this thread just now.
    pub(crate) fn bury(&self, value: Value) {
        if self.burying.get() {
            self.graveyard.borrow_mut().push(value);
            return;
        }
        self.burying.set(true);
        drop(value);
        loop {
            let next = self.graveyard.borrow_mut().pop();
            match next {
                Some(value) => drop(value),
                None => break,
            }
        }
        self.burying.set(false);
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if crate::fork::in_child() {
            return;
        }
        let mut handles = HANDLES.lock();
        handles.1 = handles.1.wrapping_add(self.handles.get());
        // Counted in the sum from now on.
        self.handles.sub(self.handles.get());
    }
}

impl Core {
    #[inline]
    fn check_open(&self) -> Result<u32> {
        if self.is_closed() { Err(closed()) } else { Ok(self.number) }
    }

    fn add_inbox(&self, end: Arc<InboxEnd>) {
        let mut inboxes = self.inboxes.lock();
        inboxes.retain(|inbox| !inbox.is_done());
        inboxes.push(end);
        // Release: who sees the number sees the list.
        self.inboxes_changed.fetch_add(1, Ordering::Release);
    }
}

/// A quarter of the stack, at least 64 KiB, is left to the functions of the host that a task calls.
fn stack_floor() -> usize {
    // SAFETY: the attributes are initialised by pthread_getattr_np and destroyed after the one use.
    unsafe {
        let mut attributes = std::mem::zeroed::<libc::pthread_attr_t>();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) != 0 {
            return usize::MAX;
        }
        let mut lowest = std::ptr::null_mut();
        let mut size = 0;
        let told = libc::pthread_attr_getstack(&attributes, &mut lowest, &mut size);
        libc::pthread_attr_destroy(&mut attributes);
        if told != 0 { usize::MAX } else { lowest.addr() + (size / 4).max(64 << 10) }
    }
}
