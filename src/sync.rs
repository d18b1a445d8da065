//! The atomics of the protocols: the standard library's, or loom's when the models run.
//!
//! Only the words that loom models are built on this module. Statics and plain locks use the standard library and parking_lot
//! directly: loom's types cannot be constants.

#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};
