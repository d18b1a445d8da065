//! Looking inside.

use super::guard;
use crate::client;

/// How many handles of every kind are alive in this process.
///
/// Returns: their number; 0 at the end of a tidy program.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_live_handles() -> u64 {
    guard::call(0, || Ok(client::live_handles()))
}
