//! From a graph to a program, or to a plan: what is needed, in an order in which inputs come first, chains fused.

use super::delayed::Form;
use super::engine::Traits;
use super::graph::{Part, PartOptions, Source};
use super::table::IdHasher;
use crate::future::{
    Argument, Input, MAX_TASKS, Number, OwnedOptions, Plan, Program, Step, TaskFn, is_finished_in,
};
use crate::status::{Failure, NOMEM, Result};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

/// The shortest chain that is fused. A chain's node has a block, which costs about as much as the nodes of the first few steps.
const SHORTEST: usize = 4;
/// The longest: as many tasks as follow each other before a worker's queues have their turn.
const LONGEST: usize = 64;
/// How many parts there are to be for each of several outputs, which cost more in a program than as tasks of their own.
const PARTS_AN_OUTPUT: usize = 8;

/// What computes `outputs`, which are all different, in this client.
pub(super) fn compile(outputs: &[Arc<Part>], client: u64, traits: Traits) -> Result<Form> {
    let mut graph = Graph::new(outputs);
    if graph.parts.len() >= MAX_TASKS {
        return Err(Failure::new(NOMEM, "the graph has more parts than a plan can have"));
    }
    if traits.interprets && graph.pays_as_program(outputs.len()) && graph.is_plain(client) {
        return Ok(Form::Program(Arc::new(graph.into_program(outputs))));
    }
    graph.find_needed(outputs);
    graph.into_plan(outputs, traits.is_pure).map(|plan| Form::Plan(Box::new(plan)))
}

type Indices = HashMap<*const Part, u32, BuildHasherDefault<IdHasher>>;

struct Graph<'a> {
    /// Inputs before those that take them.
    parts: Vec<&'a Part>,
    indices: Indices,
    facts: Vec<Fact>,
}

/// What is known of a part.
#[derive(Clone, Copy, Default)]
struct Fact {
    /// It is needed for an output.
    is_needed: bool,
    is_output: bool,
    /// It fails whatever the others do: because of its own mistake, or of its input's.
    fate: Fate,
    /// How many inputs of needed parts it is, but for failures.
    n_dependents: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Open,
    Mistaken,
    Doomed(u32),
}

/// Marks a part that was seen and has no index yet.
const SEEN: u32 = u32::MAX;

impl<'a> Graph<'a> {
    /// All parts that the outputs can be reached from, depth first: what is computed together lies together.
    fn new(outputs: &'a [Arc<Part>]) -> Self {
        let mut graph = Self { parts: Vec::new(), indices: Indices::default(), facts: Vec::new() };
        let mut open: Vec<(&Part, bool)> = outputs.iter().rev().map(|output| (&**output, false)).collect();
        while let Some((part, is_expanded)) = open.pop() {
            if is_expanded {
                graph.add(part);
            } else if !graph.indices.contains_key(&std::ptr::from_ref(part)) {
                graph.indices.insert(part, SEEN);
                open.push((part, true));
                let first = open.len();
                part.for_each_part(|input| {
                    if !graph.indices.contains_key(&std::ptr::from_ref(input)) {
                        open.push((input, false));
                    }
                });
                // The first input on top.
                open[first..].reverse();
            }
        }
        graph
    }

    fn add(&mut self, part: &'a Part) {
        let mut fact = Fact::default();
        if part.mistake.is_some() {
            fact.fate = Fate::Mistaken;
        }
        part.for_each_part(|input| {
            let input = self.indices[&std::ptr::from_ref(input)];
            if fact.fate == Fate::Open && self.facts[input as usize].fate != Fate::Open {
                fact.fate = Fate::Doomed(input);
            }
        });
        self.indices.insert(part, self.parts.len() as u32);
        self.parts.push(part);
        self.facts.push(fact);
    }

    /// Finds what is needed: not what only tasks take that fail anyhow.
    fn find_needed(&mut self, outputs: &[Arc<Part>]) {
        for output in outputs {
            let fact = &mut self.facts[self.indices[&Arc::as_ptr(output)] as usize];
            fact.is_output = true;
            fact.is_needed = true;
        }
        for index in (0..self.parts.len()).rev() {
            let Fact { is_needed, fate, .. } = self.facts[index];
            match fate {
                _ if !is_needed => {}
                Fate::Mistaken => {}
                Fate::Doomed(input) => self.facts[input as usize].is_needed = true,
                Fate::Open => self.parts[index].for_each_part(|input| {
                    let fact = &mut self.facts[self.indices[&std::ptr::from_ref(input)] as usize];
                    fact.is_needed = true;
                    fact.n_dependents += 1;
                }),
            }
        }
    }

    /// Whether it is large enough for a program, and not mostly outputs.
    fn pays_as_program(&self, n_outputs: usize) -> bool {
        match n_outputs {
            0 => false,
            1 => self.parts.len() >= SHORTEST,
            n => self.parts.len() / PARTS_AN_OUTPUT >= n,
        }
    }

    /// Whether no part has a mistake or options, other than a name, and all futures from outside are finished ones of the client.
    fn is_plain(&self, client: u64) -> bool {
        self.parts.iter().all(|part| {
            let mut is_plain =
                part.mistake.is_none() && !matches!(part.options.as_deref(), Some(PartOptions::All(_)));
            for arg in &part.args {
                arg.for_each_input(&mut |source| {
                    is_plain &= match source {
                        Source::Part(_) => true,
                        Source::Future(future) => is_finished_in(future, client),
                    }
                });
            }
            is_plain
        })
    }

    fn into_plan(self, outputs: &[Arc<Part>], is_pure: bool) -> Result<Plan> {
        let mut maker = Maker { graph: &self, inputs: vec![None; self.parts.len()], plan: Plan::default() };
        let mut index = 0;
        while index < self.parts.len() {
            let n = if is_pure { 1 } else { self.chain_from(index) };
            if self.facts[index].is_needed {
                maker.add(index, n, is_pure)?;
            }
            index += n;
        }
        for output in outputs {
            let task = maker.inputs[self.indices[&Arc::as_ptr(output)] as usize];
            maker.plan.output(task.expect("outputs are needed"));
        }
        Ok(maker.plan)
    }

    /// Of a graph all of whose parts are needed.
    fn into_program(self, outputs: &[Arc<Part>]) -> Program {
        let mut program = Program::default();
        let mut numbers: Vec<Number> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let mut name = |source: &Source| match source {
                Source::Part(input) => numbers[self.indices[&Arc::as_ptr(input)] as usize],
                Source::Future(future) => program.given(future.clone()),
            };
            let args: Vec<_> = part.args.iter().map(|arg| arg.map(&mut name)).collect();
            numbers.push(program.step(function(part), part.name(), args));
        }
        program.finish(outputs.iter().map(|output| numbers[self.indices[&Arc::as_ptr(output)] as usize]));
        program
    }

    /// How many parts, this one and those that follow, make a chain to be run as one task. What takes nothing but the part before follows it
    /// in the order of parts, because that has no other way to be reached.
    fn chain_from(&self, first: usize) -> usize {
        let can_begin = |index: usize| {
            let (part, fact) = (self.parts[index], &self.facts[index]);
            fact.is_needed
                && fact.fate == Fate::Open
                && !matches!(part.options.as_deref(), Some(PartOptions::All(_)))
        };
        if !can_begin(first) {
            return 1;
        }
        let mut last = first;
        while last + 1 < self.parts.len()
            && last + 1 - first < LONGEST
            && !self.facts[last].is_output
            && self.facts[last].n_dependents == 1
            && can_begin(last + 1)
            && takes_only(self.parts[last + 1], self.parts[last])
        {
            last += 1;
        }
        let n = last + 1 - first;
        if n < SHORTEST { 1 } else { n }
    }
}

/// Whether the part takes the other one, as one argument, and nothing else that is to be waited for.
fn takes_only(part: &Part, other: &Part) -> bool {
    let mut n_inputs = 0;
    let mut is_other = false;
    for arg in &part.args {
        arg.for_each_input(&mut |source| {
            n_inputs += 1;
            is_other = matches!(source, Source::Part(input) if std::ptr::eq(&**input, other));
        });
    }
    n_inputs == 1 && is_other
}

/// Adds tasks to a plan.
struct Maker<'a> {
    graph: &'a Graph<'a>,
    /// The tasks of the parts added so far.
    inputs: Vec<Option<Input>>,
    plan: Plan,
}

impl Maker<'_> {
    /// Adds `n` parts as one task.
    fn add(&mut self, first: usize, n: usize, is_pure: bool) -> Result<()> {
        let part = self.graph.parts[first];
        let task = match self.graph.facts[first].fate {
            Fate::Mistaken => {
                let mistake = part.mistake.as_deref().cloned().expect("it is mistaken");
                self.plan.mistaken(part.function, part.name(), mistake)
            }
            Fate::Doomed(input) => {
                let input = self.inputs[input as usize].expect("needed, and before");
                self.plan.doomed(function(part), part.name(), input)
            }
            Fate::Open if n > 1 => self.chain(first, n)?,
            Fate::Open => {
                let args = self.args(part);
                match part.options.as_deref() {
                    Some(PartOptions::All(options)) => {
                        self.plan.ordinary(part.function, options.clone(), args)
                    }
                    _ if is_pure => self.plan.ordinary(part.function, OwnedOptions::named(part.name()), args),
                    _ => self.plan.task(function(part), part.name(), args),
                }
            }
        };
        self.inputs[first + n - 1] = Some(task);
        Ok(())
    }

    fn chain(&mut self, first: usize, n: usize) -> Result<Input> {
        let parts = &self.graph.parts[first..first + n];
        let args = self.args(parts[0]);
        let steps = parts.iter().enumerate().map(|(index, part)| Step {
            function: function(part),
            name: part.name().map(ToOwned::to_owned),
            args: match index {
                0 => Box::default(),
                _ => part.args.iter().map(|arg| arg.map(&mut |_| ())).collect(),
            },
        });
        let name = parts[n - 1].name();
        self.plan.chain(steps.collect(), name, args)
    }

    fn args(&mut self, part: &Part) -> Vec<Argument<Input>> {
        let Self { graph, inputs, plan } = self;
        let mut name = |source: &Source| match source {
            Source::Part(part) => {
                inputs[graph.indices[&Arc::as_ptr(part)] as usize].expect("needed, and before")
            }
            Source::Future(future) => plan.future(future.clone()),
        };
        part.args.iter().map(|arg| arg.map(&mut name)).collect()
    }
}

fn function(part: &Part) -> TaskFn {
    part.function.expect("a part without a function is mistaken")
}
