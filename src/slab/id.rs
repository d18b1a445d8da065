//! Ids: the 64 bits behind every handle.
//!
//! ```text
//!  63            36 35                    4 3    0
//! | generation: 28 | index of a line: 32   | kind |
//! ```
//!
//! The generation stands where [`Life`](super::Life) keeps it, so that the two compare without shifting them apart.

/// Where the generation begins, in an id and in a life word.
pub(crate) const GENERATION_SHIFT: u32 = 36;
/// The largest generation. Odd ones belong to live handles.
pub(crate) const GENERATION_MAX: u64 = (1 << 28) - 1;

const KIND_MASK: u64 = 0xf;
const INDEX_SHIFT: u32 = 4;

/// What a handle refers to. Zero is no kind, so that the null id is of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Kind {
    /// A client: its index is a serial number, not a line.
    Client = 1,
    /// The first handle of a future, in a one-line node.
    Small = 2,
    /// The first handle of a future, in a two-line node.
    Large = 3,
    /// A further handle of a future, in a line of its own.
    Clone = 4,
    /// An iteration over futures as they are done: its index is a serial number.
    AsCompleted = 5,
    /// A part of a lazy graph: its index is a serial number.
    Delayed = 6,
    /// A lane: its index is a serial number.
    Lane = 7,
    /// A task of a lane that was handed out, in a line of its own.
    Task = 8,
}

/// A handle's id, of any origin: nothing about it can be trusted before it has been looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) u64);

impl Id {
    pub(crate) fn new(kind: Kind, index: u32, generation: u64) -> Self {
        debug_assert!(generation <= GENERATION_MAX);
        Self(generation << GENERATION_SHIFT | u64::from(index) << INDEX_SHIFT | kind as u64)
    }

    pub(crate) fn is_null(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn kind(self) -> Option<Kind> {
        match self.0 & KIND_MASK {
            1 => Some(Kind::Client),
            2 => Some(Kind::Small),
            3 => Some(Kind::Large),
            4 => Some(Kind::Clone),
            5 => Some(Kind::AsCompleted),
            6 => Some(Kind::Delayed),
            7 => Some(Kind::Lane),
            8 => Some(Kind::Task),
            _ => None,
        }
    }

    pub(crate) fn index(self) -> u32 {
        (self.0 >> INDEX_SHIFT) as u32
    }

    pub(crate) fn generation(self) -> u64 {
        self.0 >> GENERATION_SHIFT
    }
}
