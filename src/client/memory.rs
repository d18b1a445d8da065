//! A client's memory limit: who submits from outside waits for room, or is refused.
//!
//! What can leave memory does, by whoever brings it above the limit ([`Store`]). What cannot (small values, objects without encode, what is
//! being read) is all that a submit ever waits for. It waits only while the client has work: with nothing pending or running, nobody but
//! the submitter could make room.

use super::Options;
use crate::future::Task;
use crate::scheduler::{self, Local};
use crate::slab::Id;
use crate::status::{Failure, NOMEM, Result};
use crate::value::{self, LIMITED, Store, StoreSettings};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The store of a client that is about to be opened with these options; `None` without a limit.
pub(super) fn open(options: &Options<'_>) -> Result<Option<Store>> {
    if options.memory_limit == 0 {
        return Ok(None);
    }
    let parent = match options.spill_directory {
        None => std::env::temp_dir(),
        Some(path) if path.is_empty() => return Err(Failure::invalid("spill_directory: an empty path")),
        Some(path) => PathBuf::from(OsStr::from_bytes(path.to_bytes())),
    };
    let settings = StoreSettings {
        limit: options.memory_limit,
        parent,
        fails_when_full: options.fails_over_limit,
        bury: |value| Local::with(|local| local.bury(value)),
    };
    Store::open(settings).map(Some)
}

/// Removes what a closed client has put on disk.
pub(super) fn close(client: Id) {
    Store::close(client.index());
}

/// Books bytes of values for the client that holds them.
pub(super) fn account(client: u32, delta: i64) {
    Local::with(|local| {
        local.tally(client, |tally| tally.nbytes.add(delta as u64));
        if client & LIMITED != 0 && delta < 0 {
            local.tell_drainers(client);
        }
    });
}

/// Spills what is too much. Calls functions of the user's.
#[cold]
pub(super) fn make_room(client: u32) {
    if let Some(store) = Store::of(client) {
        store.make_room();
    }
}

/// Whether a submit would not pass just now: there is too much that cannot be spilled, and it comes from outside. Tasks pass, and so do
/// destructors and encoders: others may wait for them. Calls functions of the user's.
#[cold]
pub(super) fn has_to_wait(local: &Local, client: u32) -> bool {
    let Some(store) = Store::of(client) else { return false };
    store.make_room();
    let in_task = local.is_worker() || Task::current(local).is_some();
    store.is_full() && !in_task && !local.is_burying() && !value::codec_is_running()
}

/// Lets a submit pass when there is room. From outside it waits for that, or is `NOMEM`, as the client was opened.
#[cold]
pub(super) fn admit(local: &Local, id: Id, client: u32) -> Result<()> {
    if !has_to_wait(local, client) {
        return Ok(());
    }
    let Some(store) = Store::of(client) else { return Ok(()) };
    if store.fails_when_full() {
        return Err(Failure::new(
            NOMEM,
            format!("values hold more than memory_limit, {} bytes, and cannot be spilled", store.limit()),
        ));
    }
    let core = scheduler::find(id)?;
    core.await_told(None, || core.is_closed() || !store.is_full() || core.is_drained());
    // Closed meanwhile, perhaps. Others have run on this thread, so it has to find its way in again anyhow.
    local.enter(id).map(drop)
}
