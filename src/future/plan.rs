//! Plans: a lazy graph, or what is needed of it, made ready to be instantiated as often as wanted.
//!
//! A plan is an array of tasks in an order in which inputs come before those that take them. It is cut into *chunks*: the nodes of one
//! chunk are written while nobody knows them, so the edges between them are linked by plain stores. All other edges (from an earlier
//! chunk, a future that was there before, a task that is submitted the ordinary way) are linked as submit links. What a node
//! holds is known beforehand: shape, constants, how many inputs it awaits, how many references it begins with. `docs/lazy.md` tells
//! why; `instantiate.rs` makes nodes of it.

use super::argument::Argument;
use super::chain::{Chain, HEAD, Step};
use super::node::{Inline, MAX_INLINE, Shape, class_for};
use super::walk::Ref;
use super::{SubmitOptions, TaskFn};
use crate::slab::Class;
use crate::status::{Failure, Result};
use std::ffi::{CStr, CString};
use std::time::Duration;

/// Nodes written before they are published: few enough to be in the cache still.
const CHUNK: usize = 1024;

/// What a task takes: the number of a task, or of a future from outside of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Input(u32);

const OUTSIDE: u32 = 1 << 31;
/// The most tasks, and futures from outside, of a plan.
pub(crate) const MAX_TASKS: usize = OUTSIDE as usize;

/// What an [`Input`] is.
pub(super) enum Source {
    Task(usize),
    Future(usize),
}

impl Input {
    fn task(index: usize) -> Self {
        Self(index as u32)
    }

    pub(super) fn source(self) -> Source {
        match self.0 & OUTSIDE {
            0 => Source::Task(self.0 as usize),
            _ => Source::Future((self.0 & !OUTSIDE) as usize),
        }
    }

    /// Of an inline task's word.
    pub(super) fn from_word(word: u64) -> Self {
        Self(word as u32)
    }

    /// Whether it is a task whose node the chunk that begins at `start` links by plain stores.
    pub(super) fn is_linked_from(self, start: usize) -> bool {
        self.0 & OUTSIDE == 0 && self.0 as usize >= start
    }
}

/// How a task becomes a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its body is copied from the plan's words.
    Inline,
    /// Its arguments are in a block.
    Block,
    /// By the ordinary submit, because of its options.
    Ordinary,
    /// In error from the start: its own mistake.
    Mistaken,
    /// In error from the start: its input's.
    Doomed,
}

/// A task of a plan.
pub(super) struct Task {
    pub(super) function: Option<TaskFn>,
    pub(super) kind: Kind,
    pub(super) class: Class,
    pub(super) shape: Shape,
    /// Where its words begin: an inline task's arguments, else its inputs.
    pub(super) words: u32,
    /// How many edges it has, and how many of them are not linked by plain stores.
    pub(super) inputs: u32,
    pub(super) outside: u32,
    /// References that its node begins with: one for each edge of a dependent, one for the handle of an output.
    pub(super) references: u32,
    /// Its place in the array for its kind.
    pub(super) place: u32,
    /// Its place among the outputs and among the names, plus one.
    pub(super) output: u32,
    pub(super) name: u32,
}

/// A task that is submitted the ordinary way.
pub(super) struct Ordinary {
    pub(super) args: Box<[Argument<Input>]>,
    pub(super) options: OwnedOptions,
}

/// [`SubmitOptions`] that are kept.
#[derive(Clone)]
pub(crate) struct OwnedOptions {
    key: Option<CString>,
    name: Option<CString>,
    priority: i32,
    retries: u32,
    retry_delay: Duration,
    resources: Option<CString>,
    pure: Option<bool>,
}

impl OwnedOptions {
    pub(crate) fn new(options: &SubmitOptions<'_>) -> Self {
        Self {
            key: options.key.map(CStr::to_owned),
            name: options.name.map(CStr::to_owned),
            priority: options.priority,
            retries: options.retries,
            retry_delay: options.retry_delay,
            resources: options.resources.map(CStr::to_owned),
            pure: options.pure,
        }
    }

    /// The default ones, but for a name.
    pub(crate) fn named(name: Option<&CStr>) -> Self {
        Self::new(&SubmitOptions { name, ..SubmitOptions::default() })
    }

    pub(crate) fn as_submit(&self) -> SubmitOptions<'_> {
        SubmitOptions {
            key: self.key.as_deref(),
            name: self.name.as_deref(),
            priority: self.priority,
            retries: self.retries,
            retry_delay: self.retry_delay,
            resources: self.resources.as_deref(),
            pure: self.pure,
        }
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Plan {
    pub(super) tasks: Vec<Task>,
    pub(super) words: Vec<u64>,
    pub(super) blocks: Vec<Box<[Argument<Input>]>>,
    pub(super) ordinary: Vec<Ordinary>,
    pub(super) mistakes: Vec<Failure>,
    pub(super) names: Vec<CString>,
    /// Futures from outside, with a reference each.
    pub(super) futures: Vec<Ref>,
    /// Where chunks end, but for the last one.
    pub(super) ends: Vec<u32>,
    /// Tasks that need more than to be written.
    pub(super) specials: Vec<u32>,
    n_outputs: usize,
}

impl Plan {
    /// How many tasks it has.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// How many outputs it has.
    pub(crate) fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// Adds a future from outside of the graph.
    pub(crate) fn future(&mut self, future: Ref) -> Input {
        self.futures.push(future);
        Input(OUTSIDE | (self.futures.len() - 1) as u32)
    }

    /// Adds a task without options, other than a name.
    pub(crate) fn task(
        &mut self,
        function: TaskFn,
        name: Option<&CStr>,
        args: Vec<Argument<Input>>,
    ) -> Input {
        let Some((shape, words)) = Shape::of(args.iter().map(Argument::inline_kind)) else {
            return self.block(function, name, Shape::BLOCK, args);
        };
        let inputs = inputs_of(&args);
        let mut task = self.begin(&inputs, Some(function), name, Kind::Inline);
        task.class = class_for(words);
        task.shape = shape;
        self.words.extend(args.iter().map(|arg| match arg {
            Argument::Word(_, word) => *word,
            Argument::Input(input) => u64::from(input.0),
            Argument::Value(_) | Argument::List(_) => unreachable!("they need a block"),
        }));
        debug_assert!(args.len() <= MAX_INLINE);
        self.add(task)
    }

    /// Adds a chain. `args` are those of its first step, which has none of its own.
    pub(crate) fn chain(
        &mut self,
        steps: Vec<Step>,
        name: Option<&CStr>,
        args: Vec<Argument<Input>>,
    ) -> Result<Input> {
        let chain = Chain::new(steps);
        let function = chain.function();
        let args = chain.into_head()?.into_iter().chain(args).collect();
        Ok(self.block(function, name, Shape::CHAIN, args))
    }

    fn block(
        &mut self,
        function: TaskFn,
        name: Option<&CStr>,
        shape: Shape,
        args: Vec<Argument<Input>>,
    ) -> Input {
        let inputs = inputs_of(&args);
        let mut task = self.begin(&inputs, Some(function), name, Kind::Block);
        task.shape = shape;
        task.place = self.blocks.len() as u32;
        self.blocks.push(args.into());
        self.words.extend(inputs.iter().map(|input| u64::from(input.0)));
        self.add(task)
    }

    /// Adds a task that is submitted the ordinary way.
    pub(crate) fn ordinary(
        &mut self,
        function: Option<TaskFn>,
        options: OwnedOptions,
        args: Vec<Argument<Input>>,
    ) -> Input {
        let inputs = inputs_of(&args);
        let mut task = self.begin(&inputs, function, None, Kind::Ordinary);
        task.place = self.ordinary.len() as u32;
        self.ordinary.push(Ordinary { args: args.into(), options });
        self.words.extend(inputs.iter().map(|input| u64::from(input.0)));
        self.add(task)
    }

    /// Adds a task that is in error because of its own mistake.
    pub(crate) fn mistaken(
        &mut self,
        function: Option<TaskFn>,
        name: Option<&CStr>,
        mistake: Failure,
    ) -> Input {
        let mut task = self.begin(&[], function, name, Kind::Mistaken);
        task.place = self.mistakes.len() as u32;
        self.mistakes.push(mistake);
        self.add(task)
    }

    /// Adds a task that is in error because `input`, a task, is from the start.
    pub(crate) fn doomed(&mut self, function: TaskFn, name: Option<&CStr>, input: Input) -> Input {
        let task = self.begin(&[input], Some(function), name, Kind::Doomed);
        self.words.push(u64::from(input.0));
        self.add(task)
    }

    /// Makes a task the next output.
    pub(crate) fn output(&mut self, task: Input) {
        self.n_outputs += 1;
        let task = &mut self.tasks[task.0 as usize];
        debug_assert!(task.output == 0, "an output is named once");
        task.output = self.n_outputs as u32;
        task.references += 1;
    }

    /// A task that takes these inputs, and nothing else yet. Ends the chunk if it is full, or if the task takes one that has no node
    /// before the chunk is published.
    fn begin(&mut self, inputs: &[Input], function: Option<TaskFn>, name: Option<&CStr>, kind: Kind) -> Task {
        let index = self.tasks.len();
        let mut start = self.ends.last().map_or(0, |&end| end as usize);
        let is_known_late = |input: &Input| match input.source() {
            Source::Task(task) => task >= start && self.tasks[task].kind == Kind::Ordinary,
            Source::Future(_) => false,
        };
        if index - start == CHUNK || inputs.iter().any(is_known_late) {
            self.ends.push(index as u32);
            start = index;
        }
        for input in inputs {
            if let Source::Task(task) = input.source() {
                self.tasks[task].references += 1;
            }
        }
        let outside = inputs.iter().filter(|input| !input.is_linked_from(start)).count();
        let name = name.map_or(0, |name| {
            self.names.push(name.to_owned());
            self.names.len() as u32
        });
        Task {
            function,
            kind,
            class: Class::Small,
            shape: Shape::EMPTY,
            words: self.words.len() as u32,
            inputs: inputs.len() as u32,
            outside: outside as u32,
            references: 0,
            place: 0,
            output: 0,
            name,
        }
    }

    fn add(&mut self, task: Task) -> Input {
        let is_special = task.outside != 0 || !matches!(task.kind, Kind::Inline);
        if is_special {
            self.specials.push(self.tasks.len() as u32);
        }
        self.tasks.push(task);
        Input::task(self.tasks.len() - 1)
    }

    /// The words of a task: an inline task's arguments, else its inputs.
    #[inline]
    pub(super) fn words_of(&self, task: &Task) -> &[u64] {
        let n = if task.kind == Kind::Inline { task.shape.count() } else { task.inputs as usize };
        &self.words[task.words as usize..][..n]
    }

    /// Which argument of a task has its input number `position` in it.
    pub(super) fn argument_of(&self, task: &Task, position: usize) -> usize {
        if task.kind == Kind::Inline {
            let is_input = |&index: &usize| task.shape.kind(index) == Inline::Future;
            return (0..task.shape.count()).filter(is_input).nth(position).unwrap_or(0);
        }
        let mut before = 0;
        let has_it = |arg: &Argument<Input>| {
            arg.for_each_input(&mut |_| before += 1);
            before > position
        };
        let args = &self.blocks[task.place as usize];
        args.iter().position(has_it).unwrap_or(0).saturating_sub(head_of(task.shape))
    }

    /// The inputs of a task, in order.
    pub(super) fn inputs_of<'a>(&'a self, task: &'a Task) -> impl Iterator<Item = Input> + 'a {
        let is_input = |&(index, _): &(usize, &u64)| {
            task.kind != Kind::Inline || task.shape.kind(index) == Inline::Future
        };
        self.words_of(task).iter().enumerate().filter(is_input).map(|(_, &word)| Input::from_word(word))
    }
}

/// How many arguments there are before those of a block's task.
fn head_of(shape: Shape) -> usize {
    if shape == Shape::CHAIN { HEAD } else { 0 }
}

fn inputs_of(args: &[Argument<Input>]) -> Vec<Input> {
    let mut inputs = Vec::new();
    args.iter().for_each(|arg| arg.for_each_input(&mut |&input| inputs.push(input)));
    inputs
}
