//! Managed values: bytes and objects that leave memory when there is no room, and come back when they are read.
//!
//! A large value of a client with a limit becomes managed where it enters: as an argument, by scatter, or when the function whose result it
//! is has returned. All that share it share one [`Managed`]; kind, type and size are known without loading. `docs/memory.md` has the
//! protocol.

use super::codec;
use super::residence::{BeginLoad, BeginSpill, EndSpill, Residence, Written};
use super::spill_file::Extent;
use super::store::{Store, Tick};
use super::{Form, HAS_MANAGED, HAS_REFS, Type, Value, block, encode, kind, pointer_of, word};
use crate::status::{DEADLOCK, Failure, LOST, NOMEM, Result};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

/// Values that hold less stay as they are: putting them on disk would win little, and cost a block of the file and ours.
const SMALLEST: usize = 1024;

/// The payload of a managed value's block.
pub(super) struct Managed {
    store: Arc<Store>,
    client: u32,
    /// What it holds in memory, as it was when it entered.
    size: usize,
    /// The word of the shared value that tells its type, if it is an object; else 0.
    ty: u64,
    state: Mutex<State>,
    /// It is no longer on its way from disk.
    arrived: Condvar,
    /// The value, while it is in memory; else none. Changed under the lock, by who brings it in or takes it out; read without by who
    /// holds it there.
    place: UnsafeCell<Value>,
}

struct State {
    residence: Residence<Extent>,
    /// When it became unused, while it stands in the store's queue.
    queued: Option<Tick>,
}

/// What became of an attempt to spill.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spilled {
    Left,
    /// It is in use, or will never go.
    Stayed,
    /// The disk has refused it, or there was no memory to encode it.
    Failed,
}

/// Values that stay in memory while a task runs that may read them.
#[derive(Default)]
pub struct Pins(Vec<Value>);

impl Pins {
    /// Pins every managed value in `value`. What is on disk is loaded when it is read, not now.
    pub fn add(&mut self, value: &Value) {
        value.for_each_managed(|value| {
            value.managed().change(Residence::pin);
            self.0.push(value.clone());
        });
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        for value in &self.0 {
            value.managed().change(Residence::unpin);
        }
    }
}

impl Value {
    /// The same value, from now on as the store of its client wants it. Nothing borrowed from it before is valid any more.
    #[must_use]
    pub fn manage(self) -> Value {
        let size = match (self.tag(), self.form()) {
            (_, Form::INLINE | Form::MANAGED) => 0,
            (kind::BYTES, _) => self.movable_bytes(),
            (kind::OBJECT, _) => self.movable_object(),
            _ => 0,
        };
        if size < SMALLEST {
            return self;
        }
        // SAFETY: a value that is not inline holds a reference to its block.
        let client = self.block().map_or(0, |block| unsafe { block::client(block) });
        let Some(store) = Store::of(client) else { return self };
        let Ok(block) = block::alloc(size_of::<Managed>(), client) else { return self };
        let (ty, known) = if self.tag() == kind::OBJECT { (self.words[2], 0) } else { (0, size as u64) };
        let meta = self.tag() as u64 | Form::MANAGED;
        let managed = Managed {
            store,
            client,
            size,
            ty,
            state: Mutex::new(State { residence: Residence::new(), queued: None }),
            arrived: Condvar::new(),
            place: UnsafeCell::new(self),
        };
        // SAFETY: the payload was allocated for it, and is aligned to 16 bytes.
        unsafe { block.cast::<Managed>().write(managed) };
        let value = Value { words: [word(block.as_ptr()), known, ty], meta };
        value.managed().change(|_| {});
        value
    }

    /// Every managed value in this one stays in memory, from its next reading on, as long as it lives: somebody may read it in place.
    pub fn keep(&self) {
        self.for_each_managed(|value| value.managed().change(Residence::keep));
    }

    /// What a managed value shares with others.
    pub(super) fn managed(&self) -> &Managed {
        debug_assert!(self.form() == Form::MANAGED);
        // SAFETY: a value of this form holds a reference to a block with that payload.
        unsafe { &*pointer_of::<Managed>(self.words[0]) }
    }

    /// The value that a managed one stands for, loaded if need be. Where nobody holds it in memory, it is kept from now on.
    pub(super) fn resident(&self) -> Result<&Value> {
        self.managed().resident()
    }

    /// Lists nest without limit, so this is a loop.
    fn for_each_managed(&self, mut visit: impl FnMut(&Value)) {
        let value = self.resolve();
        if value.tag() != kind::LIST {
            if value.form() == Form::MANAGED {
                visit(value);
            }
            return;
        }
        let mut open = vec![std::slice::from_ref(value).iter()];
        while let Some(items) = open.last_mut() {
            let Some(item) = items.next().map(Value::resolve) else {
                open.pop();
                continue;
            };
            if item.form() == Form::MANAGED {
                visit(item);
            } else if item.tag() == kind::LIST && item.meta & (HAS_REFS | HAS_MANAGED) != 0 {
                open.push(item.items().unwrap_or(&[]).iter());
            }
        }
    }
}

impl Managed {
    pub(super) fn size(&self) -> usize {
        self.size
    }

    #[cfg(test)]
    pub(super) fn is_in_memory(&self) -> bool {
        self.state.lock().residence.is_in_memory()
    }

    /// A value that shares what stands in the store's queue; `None` if it is about to end.
    ///
    /// # Safety
    /// It has not ended: the caller holds the queue's lock, and found it there.
    pub(super) unsafe fn share(this: NonNull<Self>) -> Option<Value> {
        // SAFETY: by contract; `this` is a payload.
        unsafe {
            if !block::retain_unless_ended(this.cast()) {
                return None;
            }
            Some(this.as_ref().value(this))
        }
    }

    /// The value whose reference on the block the caller has counted.
    fn value(&self, this: NonNull<Self>) -> Value {
        let (kind, size) = if self.ty == 0 { (kind::BYTES, self.size as u64) } else { (kind::OBJECT, 0) };
        Value { words: [word(this.as_ptr()), size, self.ty], meta: kind as u64 | Form::MANAGED }
    }

    /// A transition that needs nothing else.
    fn change(&self, transition: impl FnOnce(&mut Residence<Extent>)) {
        let mut state = self.state.lock();
        transition(&mut state.residence);
        self.queue(&mut state);
    }

    /// Enters the value in the store's queue or takes it out, as it is idle or not. After every transition.
    fn queue(&self, state: &mut State) {
        match (state.residence.is_idle(), state.queued) {
            (true, None) => state.queued = Some(self.store.enqueue(NonNull::from(self))),
            (false, Some(tick)) => {
                self.store.dequeue(tick);
                state.queued = None;
            }
            _ => {}
        }
    }

    /// Takes the value out of memory, in a state that says it has left.
    fn take(&self, _state: &mut MutexGuard<'_, State>) -> Value {
        // SAFETY: nobody holds it in memory any more, and whoever wants to has to take the lock.
        unsafe { std::mem::take(&mut *self.place.get()) }
    }

    /// Puts the value on disk, if nobody uses it.
    pub(super) fn spill(&self) -> Spilled {
        let mut state = self.state.lock();
        let begun = state.residence.begin_spill();
        self.queue(&mut state);
        match begun {
            BeginSpill::Busy => return Spilled::Stayed,
            BeginSpill::Left => {
                let gone = self.take(&mut state);
                drop(state);
                self.store.bury(gone);
                return Spilled::Left;
            }
            BeginSpill::Write => drop(state),
        }
        let written = self.write();
        let outcome = if matches!(written, Written::Failed) { Spilled::Failed } else { Spilled::Stayed };
        let mut state = self.state.lock();
        let ended = state.residence.end_spill(written);
        self.queue(&mut state);
        match ended {
            EndSpill::Stayed => outcome,
            EndSpill::Left => {
                let gone = self.take(&mut state);
                drop(state);
                self.store.bury(gone);
                Spilled::Left
            }
        }
    }

    /// Writes the value, which is leaving, to disk.
    fn write(&self) -> Written<Extent> {
        // SAFETY: only the one who has begun to spill it takes it out.
        let value = unsafe { &*self.place.get() };
        let write = |data: &[u8]| self.store.disk.write(data).map_or(Written::Failed, Written::To);
        match (value.tag(), value.words[1]) {
            (kind::OBJECT, object) => {
                // SAFETY: a live object of its type.
                match unsafe { encode(pointer_of::<c_void>(object), self.object_type()) } {
                    Ok(Some(data)) if !data.is_empty() => write(&data),
                    Err(failure) if failure.status == NOMEM => Written::Failed,
                    _ => Written::Refused,
                }
            }
            (_, size) => {
                let data = pointer_of::<u8>(value.words[2]);
                // SAFETY: bytes in a block or moved in, alive and immutable.
                write(unsafe { std::slice::from_raw_parts(data, size as usize) })
            }
        }
    }

    /// The value in memory, to be read as long as it is held there.
    fn resident(&self) -> Result<&Value> {
        let mut state = self.state.lock();
        if !state.residence.is_used() {
            state.residence.keep();
            self.queue(&mut state);
        }
        let extent = loop {
            match state.residence.begin_load() {
                // SAFETY: in memory, and the state says that it is used: nobody takes it out.
                BeginLoad::Here => return Ok(unsafe { &*self.place.get() }),
                BeginLoad::Read(extent) => break extent,
                BeginLoad::Wait if codec::is_running() => return Err(waits_for_itself()),
                BeginLoad::Wait => self.arrived.wait(&mut state),
            }
        };
        drop(state);
        let is_nested = codec::is_running();
        // Others may wait for this value until it is here. So what runs meanwhile, destructors of what has to go too, must not wait.
        let loaded = codec::running(|| {
            if !is_nested {
                self.store.spill(self.size);
            }
            self.load(&extent)
        });
        let mut state = self.state.lock();
        state.residence.end_load(extent, loaded.is_ok());
        let outcome = loaded.map(|value| {
            // SAFETY: the place is empty, and only the one who has begun to load fills it. There is nothing in it to be dropped.
            unsafe { self.place.get().write(value) };
            // SAFETY: as above.
            unsafe { &*self.place.get() }
        });
        self.queue(&mut state);
        self.arrived.notify_all();
        outcome
    }

    /// Reads the value from disk.
    fn load(&self, extent: &Extent) -> Result<Value> {
        let lost = |why: &dyn std::fmt::Display| {
            Failure::new(
                LOST,
                format!("a value of {} bytes cannot be brought back from disk: {why}", self.size),
            )
        };
        let mut bytes = Value::buffer(extent.size(), self.client)?;
        // SAFETY: the buffer has that size and is ours alone; it is initialised first, because a reader takes only such memory.
        let data = unsafe {
            let data = bytes.buffer_mut();
            data.write_bytes(0, extent.size());
            std::slice::from_raw_parts_mut(data, extent.size())
        };
        extent.read(data).map_err(|error| lost(&error))?;
        if self.ty == 0 {
            return Ok(bytes);
        }
        // SAFETY: the type of an object that was accepted is static.
        let object = unsafe { codec::decode(data, self.object_type()) }.map_err(|why| lost(&why))?;
        drop(bytes);
        // SAFETY: an object of that type, just made.
        unsafe { Value::object(object.as_ptr(), self.object_type(), self.client) }
    }

    fn object_type(&self) -> *const Type {
        pointer_of::<Type>(self.ty)
    }
}

fn waits_for_itself() -> Failure {
    Failure::new(DEADLOCK, "a function of a rask_type reads a value that is being loaded, perhaps by itself")
}

/// Ends a managed value.
///
/// # Safety
/// `block` is a managed value's, and the last reference to it is gone.
pub(super) unsafe fn end(block: NonNull<u8>) {
    let mut managed = block.cast::<Managed>();
    // SAFETY: nobody else has a reference. Whoever finds it in the queue does not get one any more, and not even to see it once it is
    // taken out.
    unsafe {
        let managed = managed.as_mut();
        if let Some(tick) = managed.state.get_mut().queued {
            managed.store.dequeue(tick);
        }
    }
    // SAFETY: as above; moved out once, before its memory goes.
    let managed = unsafe { managed.read() };
    // SAFETY: allocated with this size, and not used again.
    unsafe { block::free(block, size_of::<Managed>()) };
    drop(managed);
}
