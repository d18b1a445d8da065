//! Handles of what is no future: a table from ids to objects. Ids are serial, so none comes twice.

use crate::slab::{Id, Kind};
use crate::status::{Failure, Result};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Enough that threads which make objects at a time rarely meet.
const SHARDS: usize = 16;

/// The live objects of one kind.
pub(super) struct Table<T> {
    kind: Kind,
    /// What a handle of this kind is called in messages.
    name: &'static str,
    last: AtomicU64,
    shards: [RwLock<Option<Objects<T>>>; SHARDS],
}

type Objects<T> = HashMap<u64, Arc<T>, BuildHasherDefault<IdHasher>>;

/// For ids and addresses, which differ but in few of their bits.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, n: u64) {
        // Fibonacci hashing (Knuth 6.4); the table uses the highest and the lowest bits, so those are mixed.
        let product = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
}

impl<T> Table<T> {
    pub(super) const fn new(kind: Kind, name: &'static str) -> Self {
        Self { kind, name, last: AtomicU64::new(0), shards: [const { RwLock::new(None) }; SHARDS] }
    }

    fn shard(&self, id: u64) -> &RwLock<Option<Objects<T>>> {
        &self.shards[Id(id).index() as usize % SHARDS]
    }

    /// Gives the object a handle.
    pub(super) fn insert(&self, object: Arc<T>) -> u64 {
        // Relaxed: the number only has to be nobody else's.
        let serial = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        // 32 bits of it are the index; the rest, made odd like that of every live handle, is the generation.
        let id = Id::new(self.kind, serial as u32, (serial >> 32) << 1 | 1).0;
        self.shard(id).write().get_or_insert_default().insert(id, object);
        id
    }

    /// The object behind a handle.
    pub(super) fn get(&self, id: u64) -> Result<Arc<T>> {
        let objects = self.shard(id).read();
        objects.as_ref().and_then(|objects| objects.get(&id).cloned()).ok_or_else(|| self.not_one(id))
    }

    /// Ends a handle; the object.
    pub(super) fn remove(&self, id: u64) -> Result<Arc<T>> {
        let mut objects = self.shard(id).write();
        objects.as_mut().and_then(|objects| objects.remove(&id)).ok_or_else(|| self.not_one(id))
    }

    /// How many handles are alive.
    pub(super) fn len(&self) -> u64 {
        self.shards
            .iter()
            .map(|objects| objects.read().as_ref().map_or(0, |objects| objects.len() as u64))
            .sum()
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
