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

    #[cfg(test)]
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.at, At::Memory(_) | At::Leaving)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// One thread of a program, between two transitions.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    enum Actor {
        /// Is about to spill, so many times.
        Spiller(u8),
        Writes(u8),
        /// Is about to pin, or to keep, and read, so many times.
        Reader(Hold, u8),
        Loads(Hold, u8),
        Fetches(Hold, u8),
        Reads(Hold, u8),
        Done,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    enum Hold {
        Pin,
        Keep,
    }

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct World {
        residence: Residence<()>,
        /// Whether the value is in its place.
        in_memory: bool,
        actors: Vec<Actor>,
    }

    impl World {
        /// What can come of the actor's next step; nothing if it has to wait.
        fn step(&self, actor: usize) -> Vec<World> {
            let mut next = self.clone();
            let to = |mut world: World, state| {
                world.actors[actor] = state;
                world.check();
                world
            };
            match self.actors[actor] {
                Actor::Done | Actor::Spiller(0) | Actor::Reader(_, 0) => vec![to(next, Actor::Done)],
                Actor::Spiller(n) => match next.residence.begin_spill() {
                    BeginSpill::Busy => vec![to(next, Actor::Spiller(n - 1))],
                    BeginSpill::Write => vec![to(next, Actor::Writes(n - 1))],
                    BeginSpill::Left => {
                        assert!(std::mem::replace(&mut next.in_memory, false), "taken twice");
                        vec![to(next, Actor::Spiller(n - 1))]
                    }
                },
                Actor::Writes(n) => [Written::To(()), Written::Failed, Written::Refused]
                    .into_iter()
                    .map(|written| {
                        let mut next = self.clone();
                        assert!(next.in_memory, "written while it is there");
                        if next.residence.end_spill(written) == EndSpill::Left {
                            next.in_memory = false;
                        }
                        to(next, Actor::Spiller(n))
                    })
                    .collect(),
                Actor::Reader(hold, n) => {
                    match hold {
                        Hold::Pin => next.residence.pin(),
                        Hold::Keep => next.residence.keep(),
                    }
                    vec![to(next, Actor::Loads(hold, n - 1))]
                }
                Actor::Loads(hold, n) => match next.residence.begin_load() {
                    BeginLoad::Wait => Vec::new(),
                    BeginLoad::Here => vec![to(next, Actor::Reads(hold, n))],
                    BeginLoad::Read(()) => vec![to(next, Actor::Fetches(hold, n))],
                },
                Actor::Fetches(hold, n) => [true, false]
                    .into_iter()
                    .map(|is_here| {
                        let mut next = self.clone();
                        assert!(!next.in_memory, "nobody else brings it in");
                        next.in_memory = is_here;
                        next.residence.end_load((), is_here);
                        if is_here {
                            return to(next, Actor::Reads(hold, n));
                        }
                        if hold == Hold::Pin {
                            next.residence.unpin();
                        }
                        to(next, Actor::Reader(hold, n))
                    })
                    .collect(),
                Actor::Reads(hold, n) => {
                    if hold == Hold::Pin {
                        next.residence.unpin();
                    }
                    vec![to(next, Actor::Reader(hold, n))]
                }
            }
        }

        fn check(&self) {
            for actor in &self.actors {
                assert!(
                    self.in_memory || !matches!(actor, Actor::Reads(..)),
                    "read while it is gone: {self:?}"
                );
            }
            let on_disk = matches!(self.residence.at, At::Disk(()) | At::Coming);
            assert_eq!(self.in_memory, !on_disk, "in one place: {self:?}");
        }
    }

    /// Goes through every interleaving of the actors' steps; how many worlds there are.
    fn explore(actors: &[Actor]) -> usize {
        let mut open = vec![World { residence: Residence::new(), in_memory: true, actors: actors.to_vec() }];
        let mut seen = HashSet::new();
        while let Some(world) = open.pop() {
            if !seen.insert(world.clone()) {
                continue;
            }
            let mut is_stuck = true;
            for actor in 0..world.actors.len() {
                if world.actors[actor] != Actor::Done {
                    let next = world.step(actor);
                    is_stuck &= next.is_empty();
                    open.extend(next);
                }
            }
            if world.actors.iter().all(|&actor| actor == Actor::Done) {
                assert_eq!(world.residence.pins, 0);
                assert!(matches!(world.residence.at, At::Memory(_) | At::Disk(())));
            } else {
                assert!(!is_stuck, "everybody waits: {world:?}");
            }
        }
        seen.len()
    }

    #[test]
    fn spills_and_reads_in_every_order() {
        use Actor::{Reader, Spiller};
        assert!(explore(&[Spiller(3), Reader(Hold::Pin, 3)]) > 100);
        explore(&[Spiller(2), Spiller(2), Reader(Hold::Pin, 2)]);
        explore(&[Spiller(2), Reader(Hold::Pin, 2), Reader(Hold::Pin, 2)]);
        explore(&[Spiller(2), Spiller(1), Reader(Hold::Pin, 2), Reader(Hold::Pin, 1)]);
        explore(&[Spiller(3), Reader(Hold::Keep, 2), Reader(Hold::Pin, 2)]);
    }

    #[test]
    fn what_is_used_does_not_leave() {
        let mut value = Residence::<u8>::new();
        assert!(value.is_idle());
        value.pin();
        assert_eq!(value.begin_spill(), BeginSpill::Busy);
        value.unpin();
        assert_eq!(value.begin_spill(), BeginSpill::Write);
        assert_eq!(value.begin_spill(), BeginSpill::Busy);
        value.pin();
        assert_eq!(value.begin_load(), BeginLoad::Here);
        assert_eq!(value.end_spill(Written::To(1)), EndSpill::Stayed);
        value.unpin();
        // What was written then is still good.
        assert_eq!(value.begin_spill(), BeginSpill::Left);
        value.pin();
        assert_eq!(value.begin_load(), BeginLoad::Read(1));
        assert_eq!(value.begin_load(), BeginLoad::Wait);
        value.end_load(1, false);
        assert_eq!(value.begin_load(), BeginLoad::Read(1));
        value.end_load(1, true);
        value.unpin();
        value.keep();
        assert!(!value.is_idle());
        assert_eq!(value.begin_spill(), BeginSpill::Busy);
    }

    #[test]
    fn what_cannot_be_encoded_is_not_asked_again() {
        let mut value = Residence::<u8>::new();
        assert_eq!(value.begin_spill(), BeginSpill::Write);
        assert_eq!(value.end_spill(Written::Failed), EndSpill::Stayed);
        assert_eq!(value.begin_spill(), BeginSpill::Write);
        assert_eq!(value.end_spill(Written::Refused), EndSpill::Stayed);
        assert_eq!(value.begin_spill(), BeginSpill::Busy);
        assert!(!value.is_idle());
    }
}
