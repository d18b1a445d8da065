//! What few futures have and no node has room for: given names and keys, options, callbacks. In a table beside the nodes.
//!
//! The gate of a node with an entry [says so](super::gate::Gate::has_extra), so that nobody else pays for the table.

use super::error::Error;
use super::identity::Identity;
use super::node::NodePtr;
use super::on_done::Registration;
use super::program::{Awaited, Role};
use crate::scheduler::{Need, Rank};
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// An entry of the table.
#[derive(Default)]
pub(crate) struct Extra {
    /// What the key begins with, if not the function's name.
    pub(crate) name: Option<CString>,
    /// The key, once it was given or asked for. Its address is the caller's to read until the node is freed.
    pub(crate) key: Option<CString>,
    /// Priority and resources, if not the default.
    pub(crate) rank: Option<Rank>,
    /// What it computes, if others are to find it by that or by its key.
    pub(crate) identity: Option<Identity>,
    /// How often the task may be run again after it failed, and how long that waits.
    pub(crate) retries: u32,
    pub(crate) retry_delay: Duration,
    /// How often it has failed and been run again.
    pub(crate) attempt: u32,
    /// What it failed with before it was retried: told to somebody who may still read it.
    pub(crate) past_errors: Vec<Arc<Error>>,
    /// What steps of its program have returned and wait for.
    pub(crate) awaited: Vec<Awaited>,
    /// What it is to a program with several outputs.
    pub(crate) role: Option<Role>,
    /// What is to be called when the future is done, in the order it was registered.
    pub(crate) on_done: Vec<Registration>,
}

type Table = HashMap<NodePtr, Extra>;

const SHARDS: usize = 64;

/// Sharded so that naming every task does not make the table a bottleneck.
static EXTRAS: LazyLock<[Mutex<Table>; SHARDS]> =
    LazyLock::new(|| std::array::from_fn(|_| Mutex::new(HashMap::new())));

fn shard(node: NodePtr) -> MutexGuard<'static, Table> {
    // Fibonacci hashing (Knuth 6.4) of the line number: neighbours go to different shards.
    let line = node.to_word() >> 6;
    EXTRAS[(line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize].lock()
}

/// Calls `f` with the entry of a node that the caller owns or counts a reference on; one is made if there was none. `f` runs under
/// a lock: it must not call out.
pub(crate) fn with<T>(node: NodePtr, f: impl FnOnce(&mut Extra) -> T) -> T {
    let mut table = shard(node);
    let result = f(table.entry(node).or_default());
    node.gate.mark_extra();
    result
}

/// As [`with`], if there is an entry.
pub(crate) fn peek<T>(node: NodePtr, f: impl FnOnce(&mut Extra) -> T) -> Option<T> {
    if node.gate.has_extra() { shard(node).get_mut(&node).map(f) } else { None }
}

/// The rank of a task, if it has one.
pub(crate) fn rank(node: NodePtr) -> Option<Rank> {
    peek(node, |extra| extra.rank.clone()).flatten()
}

/// The resources that a task needs, if any.
pub(crate) fn need(node: NodePtr) -> Option<Need> {
    rank(node).map(|rank| rank.need).filter(|need| !need.is_empty())
}

/// Removes the entry of a node that is being freed.
#[cold]
pub(crate) fn take(node: NodePtr) -> Option<Extra> {
    shard(node).remove(&node)
}
