//! The lanes of this process, by number.

use super::Lane;
use crate::scheduler::{Core, Local, closed};
use crate::slab::{Id, Kind};
use crate::status::{self, Failure, Result};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The lanes by number: those that are not closed, and those that are and have jobs out.
struct Lanes {
    lanes: HashMap<u32, Arc<Lane>>,
    /// The number of the last one.
    last: u32,
}

static LANES: LazyLock<RwLock<Lanes>> =
    LazyLock::new(|| RwLock::new(Lanes { lanes: HashMap::new(), last: 0 }));

/// Numbers have 31 bits: see the layer above.
const MAX_NUMBER: u32 = u32::MAX >> 1;

/// The id of the lane with this number; scattered as a [client's](crate::scheduler::client_id).
pub(super) fn id(number: u32) -> Id {
    Id::new(Kind::Lane, number, (u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 37) | 1)
}

/// A lane that was found.
pub(crate) enum Found {
    /// It may be closed, with jobs out.
    Lane(Arc<Lane>),
    /// There was one.
    Ended,
}

/// The lane behind an id.
pub(crate) fn find(id: Id) -> Result<Found> {
    if id.is_null() {
        return Err(Failure::handle("null lane handle"));
    }
    let number = id.index();
    let lanes = LANES.read();
    if id.kind() != Some(Kind::Lane) {
        return Err(Failure::handle("another kind of handle where a lane is wanted"));
    }
    if self::id(number) != id || number == 0 || number > lanes.last {
        return Err(Failure::handle("not a lane handle"));
    }
    Ok(lanes.lanes.get(&number).cloned().map_or(Found::Ended, Found::Lane))
}

/// The lane with this number, unless it has ended.
pub(crate) fn find_number(number: u32) -> Option<Arc<Lane>> {
    LANES.read().lanes.get(&number).cloned()
}

impl Local {
    /// As [`find`]; the lane that this thread used last is at hand without a search, and without a share to be counted: the one that was kept is
    /// taken, and given back by [`keep_lane`](Self::keep_lane).
    #[inline]
    pub(crate) fn take_lane(&self, id: Id) -> Result<Found> {
        match self.lane.take() {
            Some(lane) if lane.id() == id => Ok(Found::Lane(lane)),
            _ => find(id),
        }
    }

    /// As [`take_lane`](Self::take_lane), by the number.
    #[inline]
    pub(crate) fn take_lane_number(&self, number: u32) -> Option<Arc<Lane>> {
        self.lane.take().filter(|lane| lane.number == number).or_else(|| find_number(number))
    }

    /// Has a lane at hand for the next time.
    #[inline]
    pub(crate) fn keep_lane(&self, lane: Arc<Lane>) {
        if !lane.is_shut() {
            self.lane.set(Some(lane));
        }
    }
}

/// How many lanes are open.
pub(crate) fn open_lanes() -> u64 {
    LANES.read().lanes.values().filter(|lane| !lane.is_closed()).count() as u64
}

/// The lanes of the client with this number.
pub(in crate::scheduler) fn of_client(client: u32) -> Vec<Arc<Lane>> {
    LANES.read().lanes.values().filter(|lane| lane.client == client).cloned().collect()
}

impl Lane {
    /// Opens a lane of the client; its id.
    pub(crate) fn open(core: &Core, name: String) -> Result<Id> {
        let lane = {
            let mut lanes = LANES.write();
            if lanes.last == MAX_NUMBER {
                return Err(Failure::new(status::NOMEM, "no more lane numbers in this process"));
            }
            lanes.last += 1;
            let lane = Arc::new(Lane::new(lanes.last, core.number, name));
            lanes.lanes.insert(lane.number, lane.clone());
            lane
        };
        // Who closes the client marks it first and then shuts the lanes it finds: it found this one, or the mark is found here.
        if core.is_closed() {
            lane.close();
            return Err(closed());
        }
        Ok(lane.id())
    }

    /// Takes a lane out that is closed and has nothing out.
    pub(super) fn end(&self) {
        LANES.write().lanes.remove(&self.number);
    }
}
