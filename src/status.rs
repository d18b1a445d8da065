//! Statuses: how every call says what became of it, and the failure that carries one together with its words.

use std::borrow::Cow;

/// What a call returns: [`OK`], a positive notice or a negative failure. Numbers are never reused.
pub type Status = i32;

/// An iteration has no more elements; not a failure.
pub const END: Status = 1;
/// Success.
pub const OK: Status = 0;
/// An argument makes no sense.
pub const INVALID: Status = -1;
/// A handle is null, stale, of another kind or of another client.
pub const HANDLE: Status = -2;
/// The value is of another kind.
pub const TYPE: Status = -3;
/// The time was up; everything is as it was.
pub const TIMEOUT: Status = -4;
/// The future was cancelled.
pub const CANCELLED: Status = -5;
/// The task, or one it depends on, failed.
pub const TASK: Status = -6;
/// The client is closed.
pub const CLOSED: Status = -7;
/// Not in a state that allows this.
pub const STATE: Status = -8;
/// The key is held by a different computation.
pub const EXISTS: Status = -9;
/// This wait could never end.
pub const DEADLOCK: Status = -10;
/// Called in a child after `fork`.
pub const FORKED: Status = -11;
/// No memory, or no thread, is to be had.
pub const NOMEM: Status = -12;
/// This engine cannot do that.
pub const UNSUPPORTED: Status = -13;
/// A value was lost: its place on disk was damaged, or its cluster worker is gone.
pub const LOST: Status = -14;
/// The cluster cannot be reached.
pub const CONNECT: Status = -15;
/// A defect of the library or of a Rust task, caught.
pub const PANIC: Status = -16;

/// A status below zero, and what went wrong in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Always negative.
    pub status: Status,
    /// Names the culprit.
    pub message: Cow<'static, str>,
}

impl Failure {
    /// A failure with `status` (negative) and its words.
    pub fn new(status: Status, message: impl Into<Cow<'static, str>>) -> Self {
        debug_assert!(status < 0);
        Self { status, message: message.into() }
    }

    /// [`INVALID`], in words.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(INVALID, message)
    }

    /// [`HANDLE`], in words.
    pub fn handle(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(HANDLE, message)
    }
}

/// What internal functions return on their way to a [`Status`].
pub type Result<T> = std::result::Result<T, Failure>;
