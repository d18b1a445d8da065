//! Steps: tasks of a chain or of a program, which share one node.

use super::argument::Argument;
use super::error::Error;
use super::handle::Taken;
use super::node::NodePtr;
use super::program::{Number, Records, Several};
use super::{TaskFn, key};
use crate::value::Value;
use std::ffi::{CStr, CString};
use std::sync::Arc;

/// A step of a chain or of a program while it runs: what its [`Task`] is not by itself.
pub(super) struct StepView {
    pub(super) function: TaskFn,
    /// Begins the key, if given.
    pub(super) name: Option<*const CStr>,
    /// Among the steps of its node, from 1.
    pub(super) place: usize,
    pub(super) of: StepOf,
    pub(super) args: StepArgs,
}

/// What a step is to its node.
#[derive(Clone, Copy)]
pub(super) enum StepOf {
    /// One of those that are on the way to its result.
    Part,
    /// The one whose result and key are the node's.
    Node,
    /// The node is the hub of these outputs.
    Several(*const Several, Number),
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
    /// Whether nobody needs the step, although somebody wants the node.
    pub(super) fn is_unneeded(&self) -> bool {
        match self.of {
            // SAFETY: the run keeps it while the step runs.
            StepOf::Several(several, number) => unsafe { !(*several).needs(number) },
            StepOf::Part | StepOf::Node => false,
        }
    }

    /// Its number, if the node is a hub.
    pub(super) fn number_in_hub(&self) -> Option<Number> {
        match self.of {
            StepOf::Several(_, number) => Some(number),
            StepOf::Part | StepOf::Node => None,
        }
    }

    pub(super) fn key(&self, node: NodePtr) -> CString {
        let key_of_output = match self.of {
            StepOf::Part => None,
            StepOf::Node => Some(key::of(node)),
            // SAFETY: as above.
            StepOf::Several(several, number) => unsafe { (*several).key(number) },
        };
        if let Some(key) = key_of_output {
            return key;
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
