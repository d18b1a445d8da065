//! Handles: structs with one id, so that a client cannot be mistaken for a future by the compiler either.

/// Where work runs: an embedded engine with its worker threads. {0} is null.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct rask_client {
    /// Nobody's business but the library's.
    pub id: u64,
}

/// The promised value of a task. {0} is null.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct rask_future {
    /// Nobody's business but the library's.
    pub id: u64,
}

/// An iteration over futures as they are done. {0} is null.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct rask_as_completed {
    /// Nobody's business but the library's.
    pub id: u64,
}

/// Tasks that threads of the program run. {0} is null.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct rask_lane {
    /// Nobody's business but the library's.
    pub id: u64,
}

/// A call that was written down, to be computed as often as wanted. {0} is null.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct rask_delayed {
    /// Nobody's business but the library's.
    pub id: u64,
}
