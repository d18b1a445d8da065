//! librask: eager futures for C, C++ and Go over a work-stealing engine.

pub mod capi;
pub mod client;
mod fork;
pub mod future;
mod log;
mod scheduler;
mod slab;
pub mod status;
mod sync;
pub mod value;
