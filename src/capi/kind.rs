//! Kinds of values.

use crate::value::kind;

/// What a value is: one of the following.
pub type rask_kind = i32;

/// Nothing.
pub const RASK_NONE: rask_kind = 0;
/// A 64-bit integer.
pub const RASK_I64: rask_kind = 1;
/// A double.
pub const RASK_F64: rask_kind = 2;
/// Bytes or text, aligned to 16 and, unless moved in, followed by a NUL that is not counted.
pub const RASK_BYTES: rask_kind = 3;
/// The caller's: never dereferenced, never freed.
pub const RASK_POINTER: rask_kind = 4;
/// Owned by the value, by its rask_type.
pub const RASK_OBJECT: rask_kind = 5;
/// Values in a row.
pub const RASK_LIST: rask_kind = 6;

const _: () = assert!(
    RASK_NONE == kind::NONE
        && RASK_I64 == kind::I64
        && RASK_F64 == kind::F64
        && RASK_BYTES == kind::BYTES
        && RASK_POINTER == kind::POINTER
        && RASK_OBJECT == kind::OBJECT
        && RASK_LIST == kind::LIST
);
