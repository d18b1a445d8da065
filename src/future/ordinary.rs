//! Kept arguments, written down again for the ordinary submit.

use super::argument::Argument;
use super::handle;
use super::node::{Inline, NodePtr};
use super::read::discard;
use crate::status::Result;
use crate::value::arg::{SHARED, kind as arg_kind};
use crate::value::{Arg, Value, kind};

/// Arguments for submit, with the lists that they point to. Each future is handed over by a handle of its own; what is not submitted is
/// still to be discarded.
pub(super) struct Args {
    args: Vec<Arg>,
    /// The memory of lists of arguments.
    lists: Vec<Vec<Arg>>,
}

impl Args {
    /// `node_of` gives the node of an input, on which the caller counts a reference. What borrowed constants point to must outlive the
    /// arguments.
    pub(super) fn new<I: Copy>(args: &[Argument<I>], node_of: impl Fn(I) -> NodePtr) -> Result<Self> {
        let mut made = Self { args: Vec::with_capacity(args.len()), lists: Vec::new() };
        for arg in args {
            match made.argument(arg, &node_of) {
                Ok(arg) => made.args.push(arg),
                Err(failure) => {
                    discard(&made.args);
                    return Err(failure);
                }
            }
        }
        Ok(made)
    }

    pub(super) fn as_slice(&self) -> &[Arg] {
        &self.args
    }

    fn argument<I: Copy>(&mut self, arg: &Argument<I>, node_of: &impl Fn(I) -> NodePtr) -> Result<Arg> {
        Ok(match arg {
            Argument::Word(Inline::F64, word) => plain(arg_kind::F64, *word),
            Argument::Word(Inline::Pointer, word) => plain(arg_kind::POINTER, *word),
            Argument::Word(_, word) => plain(arg_kind::I64, *word),
            Argument::Value(value) => self.constant(value),
            Argument::Input(input) => {
                let node = node_of(*input);
                plain(arg_kind::TAKE, handle::another(node)?.0)
            }
            Argument::List(items) => {
                let mut list = Vec::with_capacity(items.0.len());
                for item in &items.0 {
                    match self.argument(item, node_of) {
                        Ok(item) => list.push(item),
                        Err(failure) => {
                            discard(&list);
                            return Err(failure);
                        }
                    }
                }
                self.list(list)
            }
        })
    }

    /// Bytes are copied once more, and lists taken apart, so that a pure task finds them equal to those of any other submit.
    fn constant(&mut self, value: &Value) -> Arg {
        match value.kind() {
            kind::NONE => plain(arg_kind::NONE, 0),
            kind::I64 => plain(arg_kind::I64, value.as_i64().unwrap_or(0) as u64),
            kind::F64 => plain(arg_kind::F64, value.as_f64().unwrap_or(0.0).to_bits()),
            kind::POINTER => plain(
                arg_kind::POINTER,
                value.as_pointer().unwrap_or(std::ptr::null_mut()).expose_provenance() as u64,
            ),
            kind::BYTES => {
                // Constants are no client's, so they never leave memory.
                let (data, size) = value.bytes_raw().ok().flatten().unwrap_or((std::ptr::null(), 0));
                Arg { size, ..plain(arg_kind::BYTES, word(data)) }
            }
            kind::LIST => {
                let items = value.items().unwrap_or(&[]);
                let list = items.iter().map(|item| self.constant(item)).collect();
                self.list(list)
            }
            _ => Arg { aux: (&raw const SHARED).cast(), ..plain(arg_kind::SHARED, word(value)) },
        }
    }

    fn list(&mut self, items: Vec<Arg>) -> Arg {
        let arg = Arg { size: items.len(), ..plain(arg_kind::LIST, word(items.as_ptr())) };
        self.lists.push(items);
        arg
    }
}

fn plain(kind: i32, payload: u64) -> Arg {
    Arg { kind, reserved: 0, payload, size: 0, aux: std::ptr::null() }
}

fn word<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}
