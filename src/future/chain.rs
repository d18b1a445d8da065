//! Chains: tasks of a lazy graph that follow each other without a branch, run as one task.
//!
//! A chain is one node. Its block holds the [`Chain`] (as an object, so that counting and destroying it is what values do anyhow), the
//! number of the step it begins with, and the arguments of that step; each later step takes its constants from the chain and the
//! value of the step before, which never sees a node. To its function a step looks like any task: it has arguments, a key and
//! errors of its own. The node's function is the last step's, whose result is the node's, so that the future is called by it.

use super::TaskFn;
use super::argument::{Argument, Held};
use super::cascade::Cascade;
use super::handle::Taken;
use super::node::{Block, NodePtr, Shape};
use super::step::{StepArgs, StepOf, StepView};
use super::submit::link_inputs;
use super::task::{Task, panic_message};
use crate::scheduler::Local;
use crate::slab::Class;
use crate::status::{self, Result};
use crate::value::{Type, Value};
use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Two and more steps.
pub(crate) struct Chain {
    steps: Box<[Step]>,
}

/// One task of a chain.
pub(crate) struct Step {
    pub(crate) function: TaskFn,
    /// Begins the key, if given.
    pub(crate) name: Option<CString>,
    /// The input is what the step before has returned. Empty for the first step, whose arguments are the node's.
    pub(crate) args: Box<[Argument<()>]>,
}

/// What stands before the first step's arguments in the block: the chain, and the step that the node begins with.
pub(super) const HEAD: usize = 2;

impl Chain {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        debug_assert!(steps.len() > 1);
        Self { steps: steps.into() }
    }

    /// The function of the last step.
    pub(crate) fn function(&self) -> TaskFn {
        self.steps[self.steps.len() - 1].function
    }

    /// What stands before the first step's arguments.
    pub(crate) fn into_head<I>(self) -> Result<[Argument<I>; HEAD]> {
        static TYPE: Type = Type {
            struct_size: size_of::<Type>(),
            name: c"rask chain".as_ptr(),
            destroy: Some(destroy),
            nbytes: None,
            encode: None,
            decode: None,
            bytes: None,
            flags: 0,
        };
        unsafe extern "C" fn destroy(chain: *mut c_void) {
            // SAFETY: an object of this type is a box given up below, and is destroyed once.
            drop(unsafe { Box::from_raw(chain.cast::<Chain>()) });
        }
        let chain = Box::into_raw(Box::new(self));
        // SAFETY: an object of that type, which is static.
        let chain = unsafe { Value::object(chain.cast(), &raw const TYPE, 0) }?;
        Ok([Argument::constant(chain), Argument::constant(Value::i64(0))])
    }

    /// The chain in the first argument of a block.
    fn of(value: &Value) -> &Chain {
        let object = value.as_object().ok().flatten();
        let (chain, _) = object.expect("a chain's block begins with the chain, which never leaves memory");
        // SAFETY: `into_head` put it there, and it lives as long as the value.
        unsafe { &*chain.cast::<Chain>() }
    }
}

/// Runs the steps of a node whose shape is [`Shape::CHAIN`], until one fails, returns a future, or nobody wants the rest. `task` is
/// left as the last of them leaves it.
///
/// # Safety
/// `task` is the node's, which runs on this thread, and nobody else uses it during the call.
pub(super) unsafe fn run(task: *mut Task, local: &Local) {
    // SAFETY: by contract. The task is borrowed only between calls of step functions, which are given its address.
    let node = unsafe { (*task).node() };
    // SAFETY: the task is claimed and runs; its arguments are taken out after this function has returned.
    let block = unsafe { node.block().as_ref().args() };
    let chain = Chain::of(&block[0]);
    let first = block[1].as_i64().unwrap_or(0) as usize;
    // What the step before has returned; of a chain that goes on after a returned future, that one's value.
    let mut previous = Held(Value::NONE);
    let mut args = Vec::new();
    for (index, step) in chain.steps.iter().enumerate().skip(first) {
        // SAFETY: as above.
        let task_now = unsafe { &mut *task };
        if index > first && (task_now.cancelled() || is_closed(local)) {
            task_now.cancel();
            break;
        }
        let args_now = if index == 0 {
            &block[HEAD..]
        } else {
            let input = if index == first { block[HEAD].resolve() } else { &*previous };
            args.clear();
            for arg in &step.args {
                // SAFETY: the input stays where it is until the step has returned, and the values end before it does.
                match arg.value(0, &mut |()| unsafe { Value::reference(input) }) {
                    Ok(value) => args.push(value),
                    Err(failure) => task_now.fail(failure.status, 0, &failure.message),
                }
            }
            &args[..]
        };
        let is_last = index + 1 == chain.steps.len();
        let view = StepView {
            function: step.function,
            name: step.name.as_deref().map(std::ptr::from_ref),
            place: index + 1,
            of: if is_last { StepOf::Node } else { StepOf::Part },
            args: StepArgs::Values(args_now),
        };
        task_now.begin_step(&view);
        // SAFETY: the caller of `rask_delayed_call` gave a function with this signature; the task is valid during the call.
        let returned = catch_unwind(AssertUnwindSafe(|| unsafe { (step.function)(task) }));
        // SAFETY: as above; the function has returned.
        let task_now = unsafe { &mut *task };
        if let Err(panic) = returned {
            task_now.fail(status::PANIC, 0, &panic_message(&*panic));
            // Its destructor might panic in its turn.
            std::mem::forget(panic);
        }
        if !is_last && !task_now.has_failed() {
            if let Some(input) = task_now.take_forward() {
                match go_on_after(node, &block[0], index + 1, input, local) {
                    Some(rest) => task_now.forward(rest),
                    None => task_now.fail(status::NOMEM, 0, "no memory for the rest of a chain"),
                }
            }
        }
        task_now.end_step();
        if is_last || task_now.has_failed() || task_now.has_forward() {
            break;
        }
        previous = Held(task_now.take_result());
    }
}

/// Whether the client is being closed: what has not begun is not to begin any more, in a chain either.
fn is_closed(local: &Local) -> bool {
    local.slot().is_some_and(|slot| slot.core.is_closed())
}

/// A step has returned a future instead of a value: the rest of its chain becomes a task that takes that future.
fn go_on_after(node: NodePtr, chain: &Value, first: usize, input: Taken, local: &Local) -> Option<Taken> {
    let Some(line) = local.magazine(Class::Small).take() else {
        input.let_go();
        return None;
    };
    let input = input.into_node();
    let rest = NodePtr::of(line);
    rest.begin(node.client(), node.function(), Shape::EMPTY);
    rest.dependents.begin();
    rest.gate.await_inputs(1);
    // SAFETY: the node counts a reference on its input until it has run.
    let value = unsafe { Value::reference(input.value()) };
    let args = vec![chain.clone(), Value::i64(first as i64), value];
    rest.set_block(Block::new(rest, args, vec![input]));
    rest.set_shape(Shape::CHAIN);
    local.tally(node.client(), |tally| tally.submitted.add(1));
    // The task that goes on has the one reference.
    rest.life.begin_unheld(1);
    let mut cascade = Cascade::new(local);
    link_inputs(rest, &mut cascade);
    cascade.run();
    Some(Taken::of(rest))
}
