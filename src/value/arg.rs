//! `rask_arg`: an argument on its way into a task, as the caller wrote it.

use std::ffi::c_void;

/// Which member of an [`Arg`] counts. The first seven are the kinds of values.
///
/// cbindgen:ignore
pub type ArgKind = i32;

/// An argument as it is written down: a small tagged struct, passed by value, made by the functions of this
/// section and read by submit. Its fields are for bindings; nothing in them is trusted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Arg {
    /// What the rest means.
    pub kind: i32,
    /// Zero.
    pub reserved: u32,
    /// An i64, the bits of an f64, a pointer, or the id of a handle.
    pub payload: u64,
    /// Bytes or items behind the pointer, or the id of a token's lane; 0 otherwise.
    pub size: usize,
    /// The destructor of moved-in bytes, or the rask_type of an object; else NULL.
    pub aux: *const c_void,
}

/// Kinds of [`Arg`].
///
/// cbindgen:ignore
pub mod kind {
    #![allow(missing_docs)]
    use super::ArgKind;
    pub const NONE: ArgKind = 0;
    pub const I64: ArgKind = 1;
    pub const F64: ArgKind = 2;
    /// Copied by submit.
    pub const BYTES: ArgKind = 3;
    pub const POINTER: ArgKind = 4;
    pub const OBJECT: ArgKind = 5;
    /// `payload` points to `size` items, read by submit.
    pub const LIST: ArgKind = 6;
    /// Moved in, destroyed by `aux`.
    pub const BYTES_OWNED: ArgKind = 7;
    /// NUL-terminated text, copied by submit.
    pub const STR: ArgKind = 8;
    /// A future's value.
    pub const FUTURE: ArgKind = 9;
    /// Likewise, the handle is handed over.
    pub const TAKE: ArgKind = 10;
    /// `payload` points to `size` future handles.
    pub const LIST_OF: ArgKind = 11;
    /// A delayed; in `rask_delayed_call` only.
    pub const LAZY: ArgKind = 12;
    /// `payload` points to a value that is shared. Of ours alone: `aux` is the address of [`SHARED`](super::SHARED), which nobody
    /// outside can know.
    pub const SHARED: ArgKind = 13;
    /// A token of the lane whose id is `size`.
    pub const TOKEN: ArgKind = 14;
    /// Nothing, once a future is done, whatever became of it.
    pub const AFTER: ArgKind = 15;
    /// The value of an earlier task of the same `rask_submit_all`, whose index is `payload`.
    pub const EARLIER: ArgKind = 16;
}

/// What proves that an argument of kind [`SHARED`](kind::SHARED) is one of ours.
///
/// cbindgen:ignore
pub(crate) static SHARED: u8 = 0;
