//! Futures seen from afar: without a reference, for who wants to know how they get on and not to keep them wanted.

use super::node::NodePtr;
use super::{State, extra, handle, state_of_node, with_node};
use crate::slab::{Class, Id};
use crate::status::Result;
use std::ffi::CString;

/// A future, remembered by its node and which of the node's lives it is.
#[derive(Clone, Copy)]
pub(crate) struct Sight {
    node: NodePtr,
    life: u32,
}

/// What a task is called: to be looked up once for all that share it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    /// As the function at this address is.
    Function(usize),
    Given(CString),
}

impl Sight {
    /// The future behind a live handle, and its name.
    pub(crate) fn of(future: u64) -> Result<(Self, Name)> {
        let id = Id(future);
        let (line, class) = handle::line(id)?;
        let node = NodePtr::of(line);
        // As in `state`: a first handle needs no reference.
        if class != Class::Clone && node.life.is(id) && !node.gate.has_extra() {
            let name = Name::Function(node.function_address());
            let life = node.life.count();
            if node.life.is_still(id) {
                return Ok((Self { node, life: life as u32 }, name));
            }
        }
        with_node(future, |node, _| {
            let given = extra::peek(node, |extra| extra.name.clone()).flatten();
            let name = given.map_or_else(|| Name::Function(node.function_address()), Name::Given);
            (Self { node, life: node.life.count() as u32 }, name)
        })
    }

    /// The state of the future; `None`: nobody refers to it any more.
    #[inline]
    pub(crate) fn state(self) -> Option<State> {
        // What is read between two looks at the life belongs to it.
        if !self.node.life.is_number(self.life) {
            return None;
        }
        let state = state_of_node(self.node);
        self.node.life.is_still_number(self.life).then_some(state)
    }
}
