//! Steps: tasks of a chain or of a program, which share one node.

use super::argument::Argument;
use super::error::Error;
use super::handle::Taken;
use super::node::NodePtr;
use super::program::{Number, Records};
use super::{TaskFn, key};
use crate::value::Value;
use std::ffi::{CStr, CString};
use std::sync::Arc;

/// A step of a chain or of a program while it runs: what its [`Task`] is not by itself.
pub(super) struct StepView {
    pub(super) function: TaskFn,
    /// Begins the key, if given.
    pub(super) name: Option<*const CStr>,
    /// Among the steps of its node, from 1; 0: the last one, whose key is the node's.
    pub(super) place: usize,
    pub(super) args: StepArgs,
}

/// The arguments of a step; whoever made them keeps them while it runs.
#[derive(Clone, Copy)]
pub(super) enum StepArgs {
    Values(*const [Value]),
    /// Of a plain step of a program.
    Plain {
        args: *const [Argument<Number>],
        records: *const Records,
    },
}

impl StepView {
    pub(super) fn key(&self, node: NodePtr) -> CString {
        if self.place == 0 {
            return key::of(node);
        }
        // SAFETY: as for the arguments.
        let name = self.name.map(|name| unsafe { &*name });
        key::of_step(node, name, self.function, self.place)
    }
}

/// What a step's function has come back with.
pub(super) enum Returned {
    Value(Value),
    Failed(Arc<Error>),
    Future(Taken),
}
