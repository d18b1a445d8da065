//! Programs: lazy graphs without options or futures from outside, made ready to be interpreted as often as wanted.
//!
//! A program is an array of steps in an order in which inputs come before those that take them. It is only read
//! while it runs: what changes is in a [`Run`], which has a [record](records) of sixteen bytes for each step instead of a node. One node stands
//! for all of it, and runs as long as any step does: it is the future of the output or, of [several](several), their hub. `docs/lazy.md` has
//! the protocol.

mod awaited;
mod credits;
mod interpret;
mod outputs;
mod records;
mod run;
mod several;

pub(crate) use awaited::{Awaited, give_up as give_up_awaited, park as park_awaited};
#[cfg(all(test, loom))]
pub(crate) use credits::{Credits, Left as CreditsLeft};
pub(crate) use interpret::{discard, help, is_step, run};
pub(crate) use outputs::{Role, prepare_several, reopened, settled};
pub(crate) use records::Records;
use run::Run;
pub(crate) use run::{begin, prepare, settle_up};
pub(crate) use several::Several;

use super::argument::Argument;
use super::node::MAX_INLINE;
use super::walk::Ref;
use super::{State, Task, TaskFn, state_of_node};
use crate::scheduler::client_id;
use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::ops::Range;

/// Records in a page, of which the first is its header.
const PAGE: u32 = 256;

/// What a step is called by: where its record stands. Multiples of [`PAGE`] are those of no step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Number(u32);

impl Number {
    fn of(index: usize) -> Self {
        let index = index as u32;
        Self(index + index / (PAGE - 1) + 1)
    }

    fn index(self) -> usize {
        (self.0 - self.0 / PAGE - 1) as usize
    }

    /// Its place in the order, from 1, for people.
    fn place(self) -> usize {
        self.index() + 1
    }

    fn is_page(self) -> bool {
        self.0 % PAGE == 0
    }
}

/// One task of a program.
struct Step {
    function: TaskFn,
    /// How many edges lead to it: inputs, counted as often as they are taken, but for those that are given.
    n_inputs: u32,
    /// How many lead away from it.
    n_dependents: u32,
    /// It takes only a few numbers and inputs.
    is_plain: bool,
    args: u32,
    n_args: u32,
    dependents: u32,
    /// Its place among the names, plus one.
    name: u32,
    /// Its place among the outputs, plus one.
    output: u32,
}

impl Step {
    /// How often its value is read: by who takes it, and by its future.
    #[inline]
    fn uses(&self) -> u32 {
        self.n_dependents + u32::from(self.output != 0)
    }
}

/// A step at the other end of an edge.
#[derive(Clone, Copy)]
struct Dependent {
    number: Number,
    /// Its `n_inputs`, so that nobody need look at it before it is ready.
    n_inputs: u32,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Program {
    steps: Vec<Step>,
    args: Vec<Argument<Number>>,
    dependents: Vec<Dependent>,
    names: Vec<CString>,
    outputs: Vec<Number>,
    /// Finished futures from outside: each stands in the place of a step that has run.
    given: Vec<(Number, Ref)>,
}

/// As many inputs as never arrive: nobody is to run what was given.
const GIVEN: u32 = u32::MAX;

impl Program {
    /// How many steps it has.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Adds a step that takes earlier ones.
    pub(crate) fn step(
        &mut self,
        function: TaskFn,
        name: Option<&CStr>,
        args: Vec<Argument<Number>>,
    ) -> Number {
        let mut n_inputs = 0;
        for arg in &args {
            arg.for_each_input(&mut |input| {
                let input = &mut self.steps[input.index()];
                n_inputs += u32::from(input.n_inputs != GIVEN);
                input.n_dependents += 1;
            });
        }
        let name = name.map_or(0, |name| {
            self.names.push(name.to_owned());
            self.names.len() as u32
        });
        self.steps.push(Step {
            function,
            n_inputs,
            n_dependents: 0,
            is_plain: args.len() <= MAX_INLINE && args.iter().all(|arg| arg.inline_kind().is_some()),
            args: self.args.len() as u32,
            n_args: args.len() as u32,
            dependents: 0,
            name,
            output: 0,
        });
        self.args.extend(args);
        Number::of(self.steps.len() - 1)
    }

    /// Adds a future from outside, which is finished.
    pub(crate) fn given(&mut self, future: Ref) -> Number {
        let known = self.given.iter().rev().take(KNOWN).find(|(_, other)| other.node() == future.node());
        if let Some(&(number, _)) = known {
            return number;
        }
        let number = self.step(given, None, Vec::new());
        self.steps[number.index()].n_inputs = GIVEN;
        self.given.push((number, future));
        number
    }

    /// Whether all futures from outside are finished ones of the client with this id. A finished future is so for ever.
    pub(crate) fn fits(&self, client: u64) -> bool {
        self.given.first().is_none_or(|(_, future)| is_finished_in(future, client))
    }

    /// Makes a step the next output.
    fn output(&mut self, step: Number) {
        self.outputs.push(step);
        let step = &mut self.steps[step.index()];
        debug_assert!(step.output == 0, "an output is named once");
        step.output = self.outputs.len() as u32;
    }

    /// How many outputs it has.
    pub(crate) fn n_outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Ends the adding of steps, of which these are the outputs: writes down who depends on whom.
    pub(crate) fn finish(&mut self, outputs: impl Iterator<Item = Number>) {
        outputs.for_each(|output| self.output(output));
        let mut end = 0;
        for step in &mut self.steps {
            end += step.n_dependents;
            // Where the next dependent goes, from the end backwards.
            step.dependents = end;
        }
        self.dependents = vec![Dependent { number: Number(0), n_inputs: 0 }; end as usize];
        let Self { steps, args, dependents, .. } = self;
        for index in (0..steps.len()).rev() {
            let dependent = Dependent { number: Number::of(index), n_inputs: steps[index].n_inputs };
            for arg in &args[span(steps[index].args, steps[index].n_args)] {
                arg.for_each_input(&mut |input| {
                    let input = &mut steps[input.index()];
                    input.dependents -= 1;
                    dependents[input.dependents as usize] = dependent;
                });
            }
        }
    }

    fn last(&self) -> Number {
        Number::of(self.steps.len() - 1)
    }

    fn n_pages(&self) -> usize {
        (self.last().0 / PAGE + 1) as usize
    }

    #[inline]
    fn get(&self, number: Number) -> &Step {
        &self.steps[number.index()]
    }

    #[inline]
    fn args(&self, step: &Step) -> &[Argument<Number>] {
        &self.args[span(step.args, step.n_args)]
    }

    /// Who takes it, as often as they do, in order.
    #[inline]
    fn dependents(&self, step: &Step) -> &[Dependent] {
        &self.dependents[span(step.dependents, step.n_dependents)]
    }

    #[inline]
    fn name(&self, step: &Step) -> Option<&CStr> {
        if step.name == 0 { None } else { Some(&self.names[step.name as usize - 1]) }
    }

    /// The outputs that cannot be without this step, by their places.
    fn outputs_reached(&self, step: Number) -> Vec<usize> {
        let mut seen = HashSet::from([step.0]);
        let mut open = vec![step];
        let mut reached = Vec::new();
        while let Some(step) = open.pop() {
            let step = self.get(step);
            reached.extend((step.output as usize).checked_sub(1));
            for dependent in self.dependents(step) {
                if seen.insert(dependent.number.0) {
                    open.push(dependent.number);
                }
            }
        }
        reached
    }

    /// The steps whose records are in this page.
    fn in_page(&self, page: Number) -> impl DoubleEndedIterator<Item = Number> {
        (page.0 + 1..(page.0 + PAGE).min(self.last().0 + 1)).map(Number)
    }
}

/// How many of the last futures from outside are looked at for one that comes again: a place of its own for each time costs memory only.
const KNOWN: usize = 8;

/// The function of what was given, which is not called.
unsafe extern "C-unwind" fn given(_: *mut Task) {}

/// Whether the future is a finished one of the client with this id.
pub(crate) fn is_finished_in(future: &Ref, client: u64) -> bool {
    let node = future.node();
    client_id(node.client()).0 == client && state_of_node(node) == State::Finished
}

#[inline]
fn span(start: u32, n: u32) -> Range<usize> {
    start as usize..(start + n) as usize
}
