//! Values and arguments.

mod arg;
pub use arg::{Arg, ArgKind};

use std::ffi::c_void;

/// An immutable result or argument (stub).
#[repr(C, align(16))]
pub struct Value {
    words: [u64; 3],
    meta: u64,
}

impl Value {
    /// The value of a task that returned nothing.
    pub const NONE: Value = Value { words: [0; 3], meta: 0 };
    /// stub
    pub fn i64(_: i64) -> Self {
        unimplemented!()
    }
    /// stub
    pub fn pointer(_: *mut c_void) -> Self {
        unimplemented!()
    }
}
