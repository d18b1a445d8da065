//! Type-stable memory: lines of 64, 128 or 512 bytes that are reused but never given back to the system.
//!
//! That a line stays a line of its class for ever is what makes stale handles harmless: whatever an id says, the memory it
//! leads to begins with a [`Life`] word that can be read and compared. Threads take lines from a [`Magazine`] of their
//! own, and exchange whole stocks of them through one depot.

mod chunk;
mod id;
mod life;
mod magazine;

#[cfg(all(test, loom))]
mod loom_tests;

pub(crate) use chunk::{Class, Line, class_of, for_each_line, index_of, look_up, look_up_task, task_at};
pub(crate) use id::{GENERATION_MAX, Id, Kind};
pub(crate) use life::{Ended, Left, Life};
pub(crate) use magazine::{Magazine, prefetch_address};
