//! Where a managed value is: a state machine without locks or I/O, changed under the value's lock by the transitions below.
//!
//! ```text
//!               begin_spill: Write                end_spill(written)
//!            ┌────────────────────────► LEAVING ───────────────────────┐
//!            │ ◄────────────────────────   │                           ▼
//!          MEMORY   end_spill, if it was   ┘                          DISK
//!            ▲ │    used meanwhile or not written                    ▲ │ ▲
//!            │ └─────────────────────────────────────────────────────┘ │ │
//!            │   begin_spill: Left (what is on disk still is as good)  │ │
//!            │                                                         │ │
//!            └────────────────────────── COMING ◄──────────────────────┘ │
//!                end_load(true)            │       begin_load: Read      │
//!                                          └─────────────────────────────┘
//!                                                 end_load(false)
//! ```
//!
//! While a value is pinned or kept it does not leave memory: [`begin_spill`](Residence::begin_spill) refuses, and a spill that had
//! begun before ends with the value still there. Values are immutable, so a value that came back leaves again without being
//! written again.

/// See the module. `E` is a place on disk, which ends when it is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Residence<E> {
    at: At<E>,
    /// Tasks that run with the value as an input.
    pins: usize,
    /// Somebody may read it in place as long as it lives.
    kept: bool,
    /// It cannot be put on disk.
    fixed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum At<E> {
    /// With a copy on disk, if it was there before.
    Memory(Option<E>),
    /// In memory, while one thread writes it.
    Leaving,
    Disk(E),
    /// On disk, while one thread reads it.
    Coming,
}

/// What [`Residence::begin_spill`] found.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum BeginSpill {
    /// It is in use, on its way or gone already.
    Busy,
    /// Write it, then [`end_spill`](Residence::end_spill). It stays where it is meanwhile.
    Write,
    /// It is on disk: the caller takes what is in memory.
    Left,
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written<E> {
    To(E),
    /// This time.
    Failed,
    /// For ever.
    Refused,
}

/// What [`Residence::end_spill`] decided.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum EndSpill {
    /// The caller takes what is in memory.
    Left,
    Stayed,
}

/// What [`Residence::begin_load`] found.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum BeginLoad<E> {
    /// In memory, for as long as the caller's pin holds.
    Here,
    /// Another thread reads it: look again when it has.
    Wait,
    /// Read it from there, then [`end_load`](Residence::end_load).
    Read(E),
}

impl<E> Residence<E> {
    /// In memory and not in use.
    pub(super) fn new() -> Self {
        Self { at: At::Memory(None), pins: 0, kept: false, fixed: false }
    }

    pub(super) fn pin(&mut self) {
        self.pins += 1;
    }

    pub(super) fn unpin(&mut self) {
        self.pins -= 1;
    }

    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    pub(super) fn is_used(&self) -> bool {
        self.pins > 0 || self.kept
    }

    /// Whether it is in memory and could be spilled.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.at, At::Memory(_)) && !self.is_used() && !self.fixed
    }

    pub(super) fn begin_spill(&mut self) -> BeginSpill {
        if !self.is_idle() {
            return BeginSpill::Busy;
        }
        match std::mem::replace(&mut self.at, At::Leaving) {
            At::Memory(Some(copy)) => {
                self.at = At::Disk(copy);
                BeginSpill::Left
            }
            _ => BeginSpill::Write,
        }
    }

    pub(super) fn end_spill(&mut self, written: Written<E>) -> EndSpill {
        debug_assert!(matches!(self.at, At::Leaving));
        self.fixed |= matches!(written, Written::Refused);
        match written {
            Written::To(place) if !self.is_used() => {
                self.at = At::Disk(place);
                EndSpill::Left
            }
            // Written for nothing, but for the next time.
            Written::To(place) => {
                self.at = At::Memory(Some(place));
                EndSpill::Stayed
            }
            Written::Failed | Written::Refused => {
                self.at = At::Memory(None);
                EndSpill::Stayed
            }
        }
    }

    pub(super) fn begin_load(&mut self) -> BeginLoad<E> {
        debug_assert!(self.is_used(), "who reads a value holds it in memory");
        match std::mem::replace(&mut self.at, At::Coming) {
            At::Disk(place) => BeginLoad::Read(place),
            At::Coming => BeginLoad::Wait,
            here => {
                self.at = here;
                BeginLoad::Here
            }
        }
    }

    /// The value is in memory, or could not be read: then it is still where it was, for whoever tries again.
    pub(super) fn end_load(&mut self, place: E, is_here: bool) {
        debug_assert!(matches!(self.at, At::Coming));
        self.at = if is_here { At::Memory(Some(place)) } else { At::Disk(place) };
    }
}
