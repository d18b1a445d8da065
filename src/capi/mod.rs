//! The C ABI: the only `extern "C"` functions of the crate, one file per object, and what they have in
//! common.
//!
//! Each function runs inside [`guard`], checks what its caller handed in ([`pointers`], [`sized`]), calls the
//! engine in [`crate::client`] and [`crate::future`], and turns the outcome into a status. Their doc comments
//! become `include/rask.h` (see `tests/header.rs` and `rask.h.in`), so they are written for readers of C.

// The contract of each function stands in its documentation, for callers in C; a section "Safety" would
// repeat it. Names are those of the header.
#![allow(clippy::missing_safety_doc, non_camel_case_types)]

mod guard;
mod pointers;
mod sized;

pub mod arg;
pub mod as_completed;
pub mod callback;
pub mod client;
pub mod delayed;
pub mod error;
pub mod future;
pub mod handle;
pub mod introspect;
pub mod kind;
pub mod lane;
pub mod progress;
pub mod release;
pub mod several;
pub mod status;
pub mod submit;
pub mod task;
pub mod value;
pub mod version;
