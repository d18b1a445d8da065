//! Arguments as a caller wrote them, turned into values and inputs.

use super::error::state_of;
use super::node::NodePtr;
use super::{State, handle, lane};
use crate::scheduler::Local;
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use crate::value::{Arg, LIMITED, ListBuilder, Type, Value, arg::SHARED, arg::kind as arg_kind};
use std::collections::HashSet;
use std::ffi::{CStr, c_char, c_void};

/// How deep lists of arguments may nest. Stated in the header.
pub(crate) const MAX_NESTING: usize = 128;

/// How many arguments a task may have, and items a list of arguments. Stated in the header. More futures than a gate counts make no task, and a
/// count above is more likely a mistake than memory that is there to be read.
pub(crate) const MAX_ARGUMENTS: usize = 1 << 24;

/// The input that an argument names, with a reference for the task, and whether it has finished.
#[inline]
pub(super) fn input(arg: &Arg, client: u32) -> Result<(NodePtr, bool)> {
    let id = Id(arg.payload);
    let taken = if arg.kind == arg_kind::TAKE { handle::take(id) } else { handle::pin(id) };
    let taken = taken?;
    let node = taken.node();
    if node.client() != client {
        taken.let_go();
        return Err(Failure::handle("a future of another client"));
    }
    // An input that has failed counts as open: linking finds out, and the task keeps it for a retry.
    let is_finished = node.dependents.closed().is_some_and(|closed| state_of(closed) == State::Finished);
    Ok((taken.into_node(), is_finished))
}

/// An argument as the task will read it. Futures in it are added to `inputs`, with a reference each, and become references to the values
/// in their nodes. On failure, what the rest of a list hands over has been discarded.
pub(super) fn read(arg: &Arg, client: u32, inputs: &mut Vec<NodePtr>, depth: usize) -> Result<Value> {
    let pointer = std::ptr::with_exposed_provenance_mut::<c_void>(arg.payload as usize);
    // SAFETY: pointers in arguments that are not NULL are valid, by the contract of the C API; counts were checked to fit memory.
    unsafe {
        match arg.kind {
            _ if arg.reserved != 0 => Err(Failure::invalid("reserved is not 0 in rask_arg")),
            arg_kind::NONE => Ok(Value::NONE),
            arg_kind::I64 => Ok(Value::i64(arg.payload as i64)),
            arg_kind::F64 => Ok(Value::f64(f64::from_bits(arg.payload))),
            arg_kind::POINTER => Ok(Value::pointer(pointer)),
            arg_kind::BYTES => managed(Value::bytes_from(pointer, arg.size, client), client),
            arg_kind::STR => match text_of(arg) {
                Some(text) => managed(Value::bytes(text.to_bytes(), client), client),
                None => Err(Failure::invalid("the text is NULL")),
            },
            arg_kind::BYTES_OWNED => {
                managed(Value::bytes_owned(pointer, arg.size, destructor(arg), client), client)
            }
            arg_kind::OBJECT => managed(Value::object(pointer, arg.aux.cast::<Type>(), client), client),
            arg_kind::FUTURE | arg_kind::TAKE => {
                let (node, _) = input(arg, client)?;
                inputs.push(node);
                Ok(Value::reference(node.value()))
            }
            arg_kind::LIST => {
                let items = items::<Arg>(arg)?;
                if depth == MAX_NESTING {
                    discard(items);
                    return Err(Failure::invalid("lists nest more than 128 deep"));
                }
                let mut list = ListBuilder::new(items.len(), client).inspect_err(|_| discard(items))?;
                for (index, item) in items.iter().enumerate() {
                    match read(item, client, inputs, depth + 1) {
                        Ok(value) => list.push(value),
                        Err(wrong) => {
                            discard(&items[index + 1..]);
                            return Err(at_item(index, wrong));
                        }
                    }
                }
                Ok(list.finish())
            }
            arg_kind::LIST_OF => {
                let futures = items::<u64>(arg)?;
                let mut list = ListBuilder::new(futures.len(), client)?;
                for (index, &future) in futures.iter().enumerate() {
                    let item = Arg { kind: arg_kind::FUTURE, payload: future, ..*arg };
                    let (node, _) = input(&item, client).map_err(|wrong| at_item(index, wrong))?;
                    inputs.push(node);
                    list.push(Value::reference(node.value()));
                }
                Ok(list.finish())
            }
            arg_kind::SHARED if arg.aux == (&raw const SHARED).cast() => {
                Ok((*pointer.cast::<Value>()).clone())
            }
            arg_kind::TOKEN => lane::read_token(arg),
            arg_kind::LAZY => Err(Failure::invalid("a delayed is an argument of rask_delayed_call only")),
            arg_kind::AFTER => Err(Failure::invalid(
                "rask_after is an argument of a task, not in a list, a value or a delayed",
            )),
            arg_kind::EARLIER => Err(Failure::invalid(
                "rask_earlier names an earlier task of the same rask_submit_all, as an argument that is in no list",
            )),
            kind => Err(Failure::invalid(format!("no such kind of argument: {kind}"))),
        }
    }
}

/// Room for the values of so many arguments.
pub(super) fn room_for(n: usize) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    match values.try_reserve_exact(n) {
        Ok(()) => Ok(values),
        Err(_) => Err(Failure::new(status::NOMEM, format!("no memory for {n} arguments"))),
    }
}

/// A constant as the task will read it. `arg` is no future and no list.
pub(crate) fn constant(arg: &Arg) -> Result<Value> {
    read(arg, 0, &mut Vec::new(), 0)
}

/// A value of an argument, which may leave memory where the client has a limit.
#[inline]
fn managed(value: Result<Value>, client: u32) -> Result<Value> {
    if client & LIMITED == 0 { value } else { value.map(Value::manage) }
}

/// The items behind a list argument.
pub(crate) fn items<T>(arg: &Arg) -> Result<&[T]> {
    let pointer = std::ptr::with_exposed_provenance::<T>(arg.payload as usize);
    if arg.size == 0 {
        Ok(&[])
    } else if pointer.is_null() {
        Err(Failure::invalid("a list with a count but NULL items"))
    } else if arg.size > MAX_ARGUMENTS {
        Err(Failure::invalid(format!("a list of {} items: the most is {MAX_ARGUMENTS}", arg.size)))
    } else {
        // SAFETY: by the contract of the C API, `size` items are there until submit returns.
        Ok(unsafe { std::slice::from_raw_parts(pointer, arg.size) })
    }
}

/// The text behind a text argument; `None` for NULL.
pub(super) fn text_of(arg: &Arg) -> Option<&CStr> {
    let pointer = std::ptr::with_exposed_provenance::<c_char>(arg.payload as usize);
    // SAFETY: by the contract of the C API, a text that is not NULL ends with a NUL and stays until submit returns.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) })
}

fn destructor(arg: &Arg) -> Option<unsafe extern "C" fn(*mut c_void)> {
    // SAFETY: `aux` of moved-in bytes holds what `rask_bytes_owned` put there: a destructor or NULL.
    unsafe { std::mem::transmute::<*const c_void, Option<unsafe extern "C" fn(*mut c_void)>>(arg.aux) }
}

pub(super) fn at_argument(index: usize, wrong: Failure) -> Failure {
    prefixed("argument", index, &wrong)
}

/// A bad handle among several, named by its place.
#[cold]
pub(crate) fn at_future(index: usize, wrong: Failure) -> Failure {
    if wrong.status == status::HANDLE { prefixed("future", index, &wrong) } else { wrong }
}

fn at_item(index: usize, wrong: Failure) -> Failure {
    prefixed("item", index, &wrong)
}

fn prefixed(what: &str, index: usize, wrong: &Failure) -> Failure {
    Failure::new(wrong.status, format!("{what} {index}: {}", wrong.message))
}

/// Destroys or releases what arguments hand over that will not reach a task. A loop: lists may nest as deep as the caller likes. Each
/// list once: one that holds itself would have no end.
pub(crate) fn discard(args: &[Arg]) {
    let mut open = vec![args];
    let mut seen = HashSet::new();
    while let Some(args) = open.pop() {
        for arg in args {
            match arg.kind {
                // What it refers to may well be stale: there is nobody to tell.
                arg_kind::TAKE => drop(handle::take(Id(arg.payload)).map(handle::Taken::let_go)),
                arg_kind::OBJECT | arg_kind::BYTES_OWNED => {
                    if let Ok(value) = read(arg, 0, &mut Vec::new(), 0) {
                        Local::with(|local| local.bury(value));
                    }
                }
                arg_kind::TOKEN => lane::discard_token(arg),
                arg_kind::LIST => {
                    open.extend(items::<Arg>(arg).ok().filter(|items| seen.insert(items.as_ptr_range())))
                }
                _ => {}
            }
        }
    }
}
