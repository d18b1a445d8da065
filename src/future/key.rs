//! Keys: what a future is called. Made when asked for, because most futures are never asked.

use super::identity::Print;
use super::node::NodePtr;
use super::{SubmitOptions, TaskFn, extra};
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
    text(options.and_then(|options| options.name), Some(function), &format!("{hash:032x}"))
}

fn make(node: NodePtr, name: Option<&CStr>) -> CString {
    text(name, node.function(), &format!("{:08x}", node.number()))
}

fn text(name: Option<&CStr>, function: Option<TaskFn>, suffix: &str) -> CString {
    let mut key = match (name, function) {
        (Some(name), _) => name.to_bytes().to_vec(),
        (None, Some(function)) => symbol(function).unwrap_or_else(|| b"task".to_vec()),
        (None, None) => b"value".to_vec(),
    };
    key.push(b'-');
    key.extend_from_slice(suffix.as_bytes());
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
