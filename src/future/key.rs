//! Keys: what a future is called. Made when asked for, because most futures are never asked.

use super::identity::Print;
use super::node::NodePtr;
use super::walk::Ref;
use super::{SubmitOptions, TaskFn, extra};
use crate::slab::{GENERATION_MAX, Id, Kind, look_up};
use std::ffi::{CStr, CString, c_char};

/// The key of a node that the caller counts a reference on; the address is valid until the node is freed.
pub(crate) fn pointer(node: NodePtr) -> *const c_char {
    extra::with(node, |extra| {
        let name = extra.name.as_deref();
        extra.key.get_or_insert_with(|| make(node, name)).as_ptr()
    })
}

/// A copy of the key.
pub(crate) fn of(node: NodePtr) -> CString {
    let known =
        extra::peek(node, |extra| extra.key.clone().unwrap_or_else(|| make(node, extra.name.as_deref())));
    known.unwrap_or_else(|| make(node, None))
}

/// The key of a pure task: the same for the same computation, as long as its code stays where it is.
pub(crate) fn of_pure(function: TaskFn, options: Option<&SubmitOptions<'_>>, print: &Print) -> CString {
    let hash = u128::from_be_bytes(*print.first_chunk().expect("a print has more bytes"));
    let hash = format!("{hash:032x}");
    match options.and_then(|options| options.name) {
        Some(name) => joined(name.to_bytes(), &hash),
        None => joined(&name_of(function as usize), &hash),
    }
}

/// The key of a step of the node's chain.
pub(crate) fn of_step(node: NodePtr, name: Option<&CStr>, function: TaskFn, step: usize) -> CString {
    let suffix = format!("{:08x}.{step}", node.number());
    match name {
        Some(name) => joined(name.to_bytes(), &suffix),
        None => joined(&name_of(function as usize), &suffix),
    }
}

fn make(node: NodePtr, name: Option<&CStr>) -> CString {
    match name {
        Some(name) => numbered(name.to_bytes(), node.number()),
        None => numbered(&name_of(node.function_address()), node.number()),
    }
}

/// The key of the node with that number, of which nothing was given but perhaps a name.
pub(crate) fn numbered(name: &[u8], number: u64) -> CString {
    joined(name, &format!("{number:08x}"))
}

/// Whether it is the key of a living future of the client that was given none: a number leads to its node.
pub(crate) fn is_numbered(client: u32, key: &CStr) -> bool {
    let Some(number) = number_in(key.to_bytes()) else { return false };
    let (lives, index) = (number >> 32, number as u32);
    if !(1..=GENERATION_MAX / 2).contains(&lives) {
        return false;
    }
    let line = |kind| look_up(Id::new(kind, index, 2 * lives - 1));
    let Some((line, _)) = line(Kind::Small).or_else(|| line(Kind::Large)) else { return false };
    let node = NodePtr::of(line);
    let seen = node.life.peek();
    if node.client() != client {
        return false;
    }
    // Looked at again now that it cannot become another one.
    Ref::join(node, seen).is_some_and(|found| {
        let node = found.node();
        let is_given = extra::peek(node, |extra| extra.identity.is_some()) == Some(true);
        node.client() == client && node.number() == number && !is_given && of(node).as_c_str() == key
    })
}

/// The number that ends such a key.
fn number_in(key: &[u8]) -> Option<u64> {
    let dash = key.iter().rposition(|&byte| byte == b'-')?;
    u64::from_str_radix(std::str::from_utf8(&key[dash + 1..]).ok()?, 16).ok()
}

fn joined(name: &[u8], suffix: &str) -> CString {
    let key = [name, b"-", suffix.as_bytes()].concat();
    CString::new(key).expect("neither a name nor a symbol holds a NUL")
}

/// What tasks with the function at this address are called, if they were not given a name; 0: no function, so a value.
pub(crate) fn name_of(function: usize) -> Vec<u8> {
    if function == 0 { b"value".to_vec() } else { symbol(function).unwrap_or_else(|| b"task".to_vec()) }
}

/// The name of a function that the dynamic linker knows: not that of a static one.
fn symbol(function: usize) -> Option<Vec<u8>> {
    let address = std::ptr::without_provenance::<libc::c_void>(function);
    // SAFETY: dladdr takes any address, also one that nothing is at any more, and fills the struct it is given; the name it points to belongs
    // to a loaded object, which nobody unloads while a task with a function of it is of interest.
    unsafe {
        let mut info = std::mem::zeroed::<libc::Dl_info>();
        let known = libc::dladdr(address, &mut info) != 0;
        (known && !info.dli_sname.is_null() && info.dli_saddr.cast_const() == address)
            .then(|| CStr::from_ptr(info.dli_sname).to_bytes().to_vec())
    }
}
