//! The clients of this process, by number.

use super::{Core, closed};
use crate::slab::{Id, Kind};
use crate::status::{Failure, Result};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The open clients of this process, and the number of the last one.
pub(super) struct Registry {
    pub(super) open: HashMap<u32, Arc<Core>>,
    /// Those on their way from open to closed.
    pub(super) closing: HashMap<u32, Arc<Core>>,
    pub(super) last: u32,
}

pub(super) static REGISTRY: LazyLock<RwLock<Registry>> =
    LazyLock::new(|| RwLock::new(Registry { open: HashMap::new(), closing: HashMap::new(), last: 0 }));

/// Bits of a client's number that say what every submit to it has to know: at hand wherever the number is.
pub(crate) mod trait_bit {
    /// Submits are pure unless they say otherwise.
    pub(crate) const PURE: u32 = 1 << 31;
    /// The client has a memory limit.
    pub(crate) const LIMITED: u32 = crate::value::LIMITED;
    /// The rest is serial.
    pub(crate) const ALL: u32 = PURE | LIMITED;
}

/// The id of client `number`. The generation is the number, scattered: random ids do not pass for clients.
pub(crate) fn client_id(number: u32) -> Id {
    Id::new(Kind::Client, number, (u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 37) | 1)
}

/// The client behind an id: `CLOSED` if it was one, `HANDLE` if it never was.
pub(crate) fn find(id: Id) -> Result<Arc<Core>> {
    if id.is_null() {
        return Err(Failure::handle("null client handle"));
    }
    let number = id.index();
    let registry = REGISTRY.read();
    let serial = number & !trait_bit::ALL;
    if client_id(number) != id || serial == 0 || serial > registry.last {
        return Err(Failure::handle("not a client handle"));
    }
    registry.open.get(&number).cloned().ok_or_else(closed)
}

/// As [`find`], also for a client that is being closed.
pub(crate) fn find_unclosed(id: Id) -> Result<Arc<Core>> {
    find(id).or_else(|failure| REGISTRY.read().closing.get(&id.index()).cloned().ok_or(failure))
}

/// Blocks until the client, which is closed or being closed, is closed.
pub(crate) fn await_closed(id: Id) -> Result<()> {
    let closing = REGISTRY.read().closing.get(&id.index()).cloned();
    closing.map_or(Ok(()), |core| core.close())
}

/// The open client with this number.
pub(crate) fn find_number(number: u32) -> Option<Arc<Core>> {
    REGISTRY.read().open.get(&number).cloned()
}

/// As [`find_number`], also a client that is being closed: its figures tell it what is left to end.
pub(crate) fn find_unclosed_number(number: u32) -> Option<Arc<Core>> {
    let registry = REGISTRY.read();
    registry.open.get(&number).or_else(|| registry.closing.get(&number)).cloned()
}

/// How many clients are open.
pub(crate) fn open_clients() -> u64 {
    REGISTRY.read().open.len() as u64
}
