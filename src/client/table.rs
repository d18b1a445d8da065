//! Handles of what is no future: a table from ids to objects. Ids are serial, so none comes twice.

use crate::slab::{Id, Kind};
use crate::status::{Failure, Result};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// The live objects of one kind.
pub(super) struct Table<T> {
    kind: Kind,
    /// What a handle of this kind is called in messages.
    name: &'static str,
    objects: RwLock<Objects<T>>,
}

struct Objects<T> {
    live: Option<HashMap<u64, Arc<T>>>,
    last: u64,
}

impl<T> Table<T> {
    pub(super) const fn new(kind: Kind, name: &'static str) -> Self {
        Self { kind, name, objects: RwLock::new(Objects { live: None, last: 0 }) }
    }

    /// Gives the object a handle.
    pub(super) fn insert(&self, object: Arc<T>) -> u64 {
        let mut objects = self.objects.write();
        objects.last += 1;
        // 32 bits of it are the index; the rest, made odd like that of every live handle, is the generation.
        let id = Id::new(self.kind, objects.last as u32, (objects.last >> 32) << 1 | 1).0;
        objects.live.get_or_insert_default().insert(id, object);
        id
    }

    /// The object behind a handle.
    pub(super) fn get(&self, id: u64) -> Result<Arc<T>> {
        let objects = self.objects.read();
        objects.live.as_ref().and_then(|live| live.get(&id).cloned()).ok_or_else(|| self.not_one(id))
    }

    /// Ends a handle; the object.
    pub(super) fn remove(&self, id: u64) -> Result<Arc<T>> {
        let mut objects = self.objects.write();
        objects.live.as_mut().and_then(|live| live.remove(&id)).ok_or_else(|| self.not_one(id))
    }

    /// How many handles are alive.
    pub(super) fn len(&self) -> u64 {
        self.objects.read().live.as_ref().map_or(0, |live| live.len() as u64)
    }

    fn not_one(&self, id: u64) -> Failure {
        match Id(id).kind() {
            _ if id == 0 => Failure::handle(format!("null {} handle", self.name)),
            Some(kind) if kind == self.kind => {
                Failure::handle(format!("stale or invalid {} handle", self.name))
            }
            _ => Failure::handle(format!("another kind of handle where a {} is wanted", self.name)),
        }
    }
}
