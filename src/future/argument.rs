//! Arguments that are kept, to be given to tasks as often as wanted: those of a lazy graph's parts, of its plan, of a chain's steps.

use super::node::Inline;
use crate::scheduler::Local;
use crate::status::Result;
use crate::value::{ListBuilder, Value, kind};
use std::ops::Deref;

/// A value whose destructor, which may be the user's, runs as all those do: not nested, under no lock.
pub(crate) struct Held(pub(crate) Value);

impl Deref for Held {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.needs_drop() {
            Local::with(|local| local.bury(std::mem::take(&mut self.0)));
        }
    }
}

/// An argument whose inputs are named by `I`: what that is differs between a graph, a plan and a chain.
pub(crate) enum Argument<I> {
    /// What needs no block: never a future.
    Word(Inline, u64),
    /// Any other constant. Its bytes are booked for no client: a graph has none.
    Value(Box<Held>),
    Input(I),
    /// A list with inputs in it; one without is a constant. As deep as lists of arguments may nest, so it may be walked by recursion.
    List(Box<Items<I>>),
}

/// The items of a list; boxed, so that an argument is two words.
pub(crate) struct Items<I>(pub(crate) Vec<Argument<I>>);

const _: () = assert!(size_of::<Argument<usize>>() == 16);

impl<I> Argument<I> {
    /// A constant.
    pub(crate) fn constant(value: Value) -> Self {
        match value.kind() {
            kind::I64 => Argument::Word(Inline::I64, value.as_i64().unwrap_or(0) as u64),
            kind::F64 => Argument::Word(Inline::F64, value.as_f64().unwrap_or(0.0).to_bits()),
            kind::POINTER => Argument::Word(
                Inline::Pointer,
                value.as_pointer().unwrap_or(std::ptr::null_mut()).expose_provenance() as u64,
            ),
            _ => Argument::Value(Box::new(Held(value))),
        }
    }

    /// A list; a constant if all its items are.
    pub(crate) fn list(items: Vec<Argument<I>>) -> Result<Self> {
        let is_constant = !items.iter().any(|item| matches!(item, Argument::Input(_) | Argument::List(_)));
        if !is_constant {
            return Ok(Argument::List(Box::new(Items(items))));
        }
        let mut list = ListBuilder::new(items.len(), 0)?;
        for item in &items {
            list.push(item.value(0, &mut |_| unreachable!("constants have no inputs"))?);
        }
        Ok(Argument::constant(list.finish()))
    }

    /// How it lies in a body; `None`: in a block.
    pub(crate) fn inline_kind(&self) -> Option<Inline> {
        match self {
            Argument::Word(kind, _) => Some(*kind),
            Argument::Input(_) => Some(Inline::Future),
            Argument::Value(_) | Argument::List(_) => None,
        }
    }

    /// The inputs, depth first.
    pub(crate) fn for_each_input<'a>(&'a self, visit: &mut impl FnMut(&'a I)) {
        match self {
            Argument::Input(input) => visit(input),
            Argument::List(items) => items.0.iter().for_each(|item| item.for_each_input(visit)),
            Argument::Word(..) | Argument::Value(_) => {}
        }
    }

    /// The same with other names for its inputs.
    pub(crate) fn map<J>(&self, name: &mut impl FnMut(&I) -> J) -> Argument<J> {
        match self {
            Argument::Word(kind, word) => Argument::Word(*kind, *word),
            Argument::Value(value) => Argument::Value(Box::new(Held((***value).clone()))),
            Argument::Input(input) => Argument::Input(name(input)),
            Argument::List(items) => {
                Argument::List(Box::new(Items(items.0.iter().map(|item| item.map(name)).collect())))
            }
        }
    }

    /// The argument as a task reads it. `input` makes the value that stands for an input.
    pub(crate) fn value(&self, client: u32, input: &mut impl FnMut(&I) -> Value) -> Result<Value> {
        Ok(match self {
            Argument::Word(Inline::F64, word) => Value::f64(f64::from_bits(*word)),
            Argument::Word(Inline::Pointer, word) => {
                Value::pointer(std::ptr::with_exposed_provenance_mut(*word as usize))
            }
            Argument::Word(_, word) => Value::i64(*word as i64),
            Argument::Value(value) => (***value).clone(),
            Argument::Input(name) => input(name),
            Argument::List(items) => {
                let mut list = ListBuilder::new(items.0.len(), client)?;
                for item in &items.0 {
                    list.push(item.value(client, input)?);
                }
                list.finish()
            }
        })
    }
}
