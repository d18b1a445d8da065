//! Which computation a submit asks for: its function and its arguments, by content, as one hash.
//!
//! The hash is BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020), so that two that are equal may be taken for the same
//! computation. Each argument goes in as a tag, its length where it has one, and its content; so no two lists of arguments read
//! the same.

use super::node::NodePtr;
use super::read::{MAX_NESTING, items, text_of};
use super::{TaskFn, extra, handle};
use crate::slab::Id;
use crate::status::Result;
use crate::value::{Arg, Type, Value, arg::SHARED, arg::kind as arg_kind, encode};
use blake3::Hasher;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};

/// The hash of a function and its arguments.
pub(crate) type Print = [u8; 32];

/// What a future with a key of its own computes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) print: Print,
    /// Whether equal submits share its run.
    pub(crate) is_pure: bool,
}

/// The hash of what a submit asks for. `None`: an argument makes no sense; making the task will say which, and why. `Err`: an object's
/// encode failed. Calls the encode of objects.
pub(super) fn of(function: TaskFn, args: &[Arg], client: u32) -> Result<Option<Print>> {
    let mut hasher = Hasher::new();
    hasher.update(&(function as usize).to_ne_bytes());
    let known = args_into(&mut hasher, args, client)?;
    Ok(known.then(|| *hasher.finalize().as_bytes()))
}

/// Adds arguments; lists by a stack of what is left of them. `false`: one makes no sense.
fn args_into(hasher: &mut Hasher, args: &[Arg], client: u32) -> Result<bool> {
    let mut open = vec![args.iter()];
    hasher.update(&args.len().to_ne_bytes());
    while let Some(top) = open.last_mut() {
        let Some(arg) = top.next() else {
            open.pop();
            continue;
        };
        let known = match arg.kind {
            _ if arg.reserved != 0 => false,
            arg_kind::LIST => match items::<Arg>(arg) {
                Ok(items) if open.len() <= MAX_NESTING => {
                    tagged(hasher, arg_kind::LIST, &items.len().to_ne_bytes());
                    open.push(items.iter());
                    true
                }
                _ => false,
            },
            arg_kind::LIST_OF => match items::<u64>(arg) {
                Ok(futures) => {
                    tagged(hasher, arg_kind::LIST, &futures.len().to_ne_bytes());
                    futures.iter().all(|&future| future_into(hasher, future, client))
                }
                Err(_) => false,
            },
            arg_kind::FUTURE | arg_kind::TAKE => future_into(hasher, arg.payload, client),
            _ => value_into(hasher, arg)?,
        };
        if !known {
            return Ok(false);
        }
    }
    Ok(true)
}

fn tagged(hasher: &mut Hasher, tag: i32, content: &[u8]) {
    hasher.update(&tag.to_ne_bytes()).update(content);
}

fn bytes_into(hasher: &mut Hasher, bytes: &[u8]) {
    tagged(hasher, arg_kind::BYTES, &bytes.len().to_ne_bytes());
    hasher.update(bytes);
}

fn value_into(hasher: &mut Hasher, arg: &Arg) -> Result<bool> {
    let pointer = std::ptr::with_exposed_provenance::<c_void>(arg.payload as usize);
    match arg.kind {
        arg_kind::NONE => tagged(hasher, arg.kind, &[]),
        // A number is equal to one of the same bits only: 1 is not 1.0, 0.0 is not -0.0.
        arg_kind::I64 | arg_kind::F64 | arg_kind::POINTER => {
            tagged(hasher, arg.kind, &arg.payload.to_ne_bytes());
        }
        arg_kind::BYTES | arg_kind::BYTES_OWNED => {
            if (pointer.is_null() && arg.size != 0) || arg.size > isize::MAX as usize {
                return Ok(false);
            }
            let bytes = match arg.size {
                0 => &[],
                // SAFETY: by the contract of the C API, `size` bytes are there until submit returns.
                size => unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), size) },
            };
            bytes_into(hasher, bytes);
        }
        arg_kind::STR => match text_of(arg) {
            Some(text) => bytes_into(hasher, text.to_bytes()),
            None => return Ok(false),
        },
        arg_kind::OBJECT => object_into(hasher, pointer.cast_mut(), arg.aux.cast::<Type>())?,
        arg_kind::SHARED if arg.aux == (&raw const SHARED).cast() => {
            // SAFETY: such an argument is one of ours, and points to a value that is there until submit returns.
            match unsafe { &*pointer.cast::<Value>() }.as_object()? {
                Some((object, ty)) => object_into(hasher, object, ty)?,
                None => return Ok(false),
            }
        }
        arg_kind::TOKEN => unlike_any(hasher),
        _ => return Ok(false),
    }
    Ok(true)
}

fn object_into(hasher: &mut Hasher, object: *mut c_void, ty: *const Type) -> Result<()> {
    tagged(hasher, arg_kind::OBJECT, &ty.addr().to_ne_bytes());
    // SAFETY: by the contract of the C API, an object of that type, or what is wrong is found out.
    match unsafe { encode(object, ty) }? {
        Some(bytes) => bytes_into(hasher, &bytes),
        // What cannot be looked into is equal to nothing. Its address would do only as long as it is there, and the next object may get it.
        None => unlike_any(hasher),
    }
    Ok(())
}

fn unlike_any(hasher: &mut Hasher) {
    static UNLIKE: AtomicU64 = AtomicU64::new(0);
    // Relaxed: each number is given once, whatever the order.
    tagged(hasher, arg_kind::OBJECT, &UNLIKE.fetch_add(1, Ordering::Relaxed).to_ne_bytes());
}

/// A future goes in by its key: one that was computed again after its release is the same, if function and arguments are.
fn future_into(hasher: &mut Hasher, future: u64, client: u32) -> bool {
    let Ok(taken) = handle::pin(Id(future)) else { return false };
    let is_ours = taken.node().client() == client;
    if is_ours {
        node_into(hasher, taken.node());
    }
    taken.let_go();
    is_ours
}

fn node_into(hasher: &mut Hasher, node: NodePtr) {
    tagged(hasher, arg_kind::FUTURE, &[]);
    let named = extra::peek(node, |extra| {
        let (Some(identity), Some(key)) = (&extra.identity, &extra.key) else { return false };
        bytes_into(hasher, key.as_bytes());
        hasher.update(&identity.print);
        true
    });
    if !named.unwrap_or(false) {
        hasher.update(&node.number().to_ne_bytes());
    }
}
