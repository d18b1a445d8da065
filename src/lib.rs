//! librask: eager futures for C, C++ and Go over a work-stealing engine.

pub mod capi;
pub mod client;
pub mod future;
pub mod status;
mod scheduler;
mod slab;
mod sync;
pub mod value;
