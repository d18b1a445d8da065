//! Keys: what a future is called. Made when asked for, and kept with the given names in a table beside the nodes, because
//! most futures are never asked.

use super::TaskFn;
use super::node::NodePtr;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::LazyLock;

#[derive(Default)]
struct Extra {
    name: Option<CString>,
    key: Option<CString>,
}

const SHARDS: usize = 64;

/// Extras by node, sharded so that naming every task does not make the table a bottleneck.
static EXTRAS: LazyLock<[Mutex<HashMap<NodePtr, Extra>>; SHARDS]> =
    LazyLock::new(|| std::array::from_fn(|_| Mutex::new(HashMap::new())));

fn shard(node: NodePtr) -> &'static Mutex<HashMap<NodePtr, Extra>> {
    // Fibonacci hashing (Knuth 6.4) of the line number: neighbours go to different shards.
    let line = node.to_word() >> 6;
    &EXTRAS[(line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize]
}

/// Gives a new node, which the caller owns alone, a name other than its function's.
pub(crate) fn set_name(node: NodePtr, name: &CStr) {
    shard(node).lock().entry(node).or_default().name = Some(name.to_owned());
    node.gate.mark_extra();
}

/// The key of a node that the caller counts a reference on; the address is valid until the node is freed.
pub(crate) fn pointer(node: NodePtr) -> *const c_char {
    let mut extras = shard(node).lock();
    let extra = extras.entry(node).or_default();
    let key = match &extra.key {
        Some(key) => key.as_ptr(),
        None => {
            let key = make(node, extra.name.as_deref());
            extra.key.insert(key).as_ptr()
        }
    };
    node.gate.mark_extra();
    key
}

/// A copy of the key.
pub(crate) fn of(node: NodePtr) -> CString {
    if node.gate.has_extra() {
        let extras = shard(node).lock();
        if let Some(extra) = extras.get(&node) {
            return extra.key.clone().unwrap_or_else(|| make(node, extra.name.as_deref()));
        }
    }
    make(node, None)
}

/// Removes what the table has of a node that is being freed.
#[cold]
pub(crate) fn forget(node: NodePtr) {
    shard(node).lock().remove(&node);
}

fn make(node: NodePtr, name: Option<&CStr>) -> CString {
    let mut key = match (name, node.function()) {
        (Some(name), _) => name.to_bytes().to_vec(),
        (None, Some(function)) => symbol(function).unwrap_or_else(|| b"task".to_vec()),
        (None, None) => b"value".to_vec(),
    };
    key.extend_from_slice(format!("-{:08x}", node.number()).as_bytes());
    CString::new(key).expect("neither a name nor a symbol holds a NUL")
}

/// The name of a function that the dynamic linker knows: not that of a static one.
fn symbol(function: TaskFn) -> Option<Vec<u8>> {
    let address = function as *const libc::c_void;
    // SAFETY: dladdr takes any address and fills the struct it is given; the name it points to belongs to a loaded object, which is
    // there since one of its functions is being run or submitted.
    unsafe {
        let mut info = std::mem::zeroed::<libc::Dl_info>();
        let known = libc::dladdr(address, &mut info) != 0;
        (known && !info.dli_sname.is_null() && info.dli_saddr.cast_const() == address)
            .then(|| CStr::from_ptr(info.dli_sname).to_bytes().to_vec())
    }
}
