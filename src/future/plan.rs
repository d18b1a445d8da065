//! Plans: a lazy graph, or what is needed of it, made ready to be instantiated as often as wanted.
//!
//! A plan is an array of tasks in an order in which inputs come before those that take them. It is cut into *chunks*: the nodes of one
//! chunk are written while nobody knows them, so the edges between them are linked by plain stores. All other edges (from an earlier
//! chunk, a future that was there before, a task that is submitted the ordinary way) are linked as submit links. What a node
//! holds is known beforehand: shape, constants, how many inputs it awaits, how many references it begins with. `docs/lazy.md` tells
//! why; `instantiate.rs` makes nodes of it.

use super::argument::Argument;
use super::chain::{Chain, HEAD, Step};
use super::node::{Inline, LARGE_BODY, MAX_INLINE, SMALL_BODY, Shape, class_for};
use super::walk::Ref;
use super::{SubmitOptions, TaskFn};
use crate::slab::Class;
use crate::status::{Failure, Result};
use std::ffi::{CStr, CString};
use std::time::Duration;

type Body<const N: usize> = [u64; N];

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
    pub(super) shape: Shape,
    pub(super) kind: Kind,
    pub(super) class: Class,
    /// References that its node begins with: one for each edge of a dependent, one for the handle of an output.
    pub(super) references: u32,
    /// Its inputs: where they begin, how many there are, and how many of them are not linked by plain stores.
    takes: u32,
    pub(super) inputs: u32,
    pub(super) outside: u32,
    /// Its place in the array for its kind.
    pub(super) place: u32,
    /// Its place among the outputs and among the names, plus one.
    pub(super) output: u32,
    pub(super) name: u32,
}

impl Task {
    /// Whether it needs more than to be written.
    fn is_special(&self) -> bool {
        self.outside != 0 || self.kind != Kind::Inline
    }
}

/// An input of a task.
#[derive(Clone, Copy)]
pub(super) struct Take {
    pub(super) input: Input,
    /// Where its words stand in the body of an inline task.
    pub(super) offset: u32,
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
    lane: u64,
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
            lane: options.lane,
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
            lane: self.lane,
        }
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Plan {
    pub(super) tasks: Vec<Task>,
    takes: Vec<Take>,
    /// The bodies of inline tasks, without their inputs.
    small: Vec<Body<SMALL_BODY>>,
    large: Vec<Body<LARGE_BODY>>,
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
        debug_assert!(args.len() <= MAX_INLINE);
        let mut task = self.begin(&args, Some(function), name, Kind::Inline);
        task.class = class_for(words);
        task.shape = shape;
        let mut body = [0; LARGE_BODY];
        let mut takes = self.takes[task.takes as usize..].iter_mut();
        for (index, arg) in args.iter().enumerate() {
            let offset = shape.offset(index);
            match arg {
                Argument::Word(_, word) => body[offset] = *word,
                Argument::Input(_) => takes.next().expect("as many as there are").offset = offset as u32,
                Argument::Value(_) | Argument::List(_) => unreachable!("they need a block"),
            }
        }
        if task.class == Class::Small {
            task.place = self.small.len() as u32;
            self.small.push(std::array::from_fn(|index| body[index]));
        } else {
            task.place = self.large.len() as u32;
            self.large.push(body);
        }
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
        let mut task = self.begin(&args, Some(function), name, Kind::Block);
        task.shape = shape;
        task.place = self.blocks.len() as u32;
        self.blocks.push(args.into());
        self.add(task)
    }

    /// Adds a task that is submitted the ordinary way.
    pub(crate) fn ordinary(
        &mut self,
        function: Option<TaskFn>,
        options: OwnedOptions,
        args: Vec<Argument<Input>>,
    ) -> Input {
        let mut task = self.begin(&args, function, None, Kind::Ordinary);
        task.place = self.ordinary.len() as u32;
        self.ordinary.push(Ordinary { args: args.into(), options });
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
        let task = self.begin(&[Argument::Input(input)], Some(function), name, Kind::Doomed);
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

    /// A task that takes the inputs in these arguments, and nothing else yet. Ends the chunk if it is full, or if the task takes one that has no
    /// node before the chunk is published.
    fn begin(
        &mut self,
        args: &[Argument<Input>],
        function: Option<TaskFn>,
        name: Option<&CStr>,
        kind: Kind,
    ) -> Task {
        let first = self.takes.len();
        for arg in args {
            arg.for_each_input(&mut |&input| self.takes.push(Take { input, offset: 0 }));
        }
        let takes = &self.takes[first..];
        let index = self.tasks.len();
        let mut start = self.ends.last().map_or(0, |&end| end as usize);
        let is_known_late = |take: &Take| match take.input.source() {
            Source::Task(task) => task >= start && self.tasks[task].kind == Kind::Ordinary,
            Source::Future(_) => false,
        };
        if index - start == CHUNK || takes.iter().any(is_known_late) {
            self.ends.push(index as u32);
            start = index;
        }
        for take in takes {
            if let Source::Task(task) = take.input.source() {
                self.tasks[task].references += 1;
            }
        }
        let outside = takes.iter().filter(|take| !take.input.is_linked_from(start)).count();
        let name = name.map_or(0, |name| {
            self.names.push(name.to_owned());
            self.names.len() as u32
        });
        Task {
            function,
            shape: Shape::EMPTY,
            kind,
            class: Class::Small,
            references: 0,
            takes: first as u32,
            inputs: takes.len() as u32,
            outside: outside as u32,
            place: 0,
            output: 0,
            name,
        }
    }

    fn add(&mut self, task: Task) -> Input {
        if task.is_special() {
            self.specials.push(self.tasks.len() as u32);
        }
        self.tasks.push(task);
        Input::task(self.tasks.len() - 1)
    }

    /// The inputs of a task, in order.
    #[inline]
    pub(super) fn takes(&self, task: &Task) -> &[Take] {
        &self.takes[task.takes as usize..][..task.inputs as usize]
    }

    /// The body of an inline task with a node of one line.
    #[inline]
    pub(super) fn small(&self, task: &Task) -> &Body<SMALL_BODY> {
        &self.small[task.place as usize]
    }

    /// The body of an inline task with a node of two lines.
    #[inline]
    pub(super) fn large(&self, task: &Task) -> &Body<LARGE_BODY> {
        &self.large[task.place as usize]
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
}

/// How many arguments there are before those of a block's task.
fn head_of(shape: Shape) -> usize {
    if shape == Shape::CHAIN { HEAD } else { 0 }
}
