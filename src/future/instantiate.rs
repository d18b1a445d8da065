//! From a plan to nodes: a chunk at a time, written, published, linked to what is outside of it, pushed.

use super::cascade::{Cascade, end_unstarted};
use super::error::Ending;
use super::handle::{self, Taken};
use super::node::{Block, BlockEdge, Inline, NodePtr};
use super::ordinary::Args;
use super::plan::{Input, Kind, Plan, Source, Task};
use super::submit::{Spec, link_some_inputs, make};
use super::{CLIENT_CLOSED, key};
use crate::scheduler::{Job, Local};
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use crate::value::Value;

/// Makes the tasks of the plan anew in a client, and gives its outputs, in `out`, a handle each. `Err` only without memory.
pub(crate) fn instantiate(plan: &Plan, local: &Local, client: u32, out: &mut [u64]) -> Result<()> {
    debug_assert!(out.len() == plan.n_outputs());
    let nodes = Vec::with_capacity(plan.len());
    let mut instance = Instance { plan, local, client, nodes, out, jobs: Vec::new(), failed: Vec::new() };
    let mut start = 0;
    let ends = plan.ends.iter().map(|&end| end as usize).chain([plan.len()]);
    for end in ends {
        if let Err(failure) = instance.chunk(start, end) {
            instance.abandon();
            return Err(failure);
        }
        start = end;
    }
    Ok(())
}

struct Instance<'a> {
    plan: &'a Plan,
    local: &'a Local,
    client: u32,
    /// The nodes made so far; none for a task that could not be made.
    nodes: Vec<Option<NodePtr>>,
    out: &'a mut [u64],
    /// Tasks of the chunk that are ready.
    jobs: Vec<Job>,
    /// Tasks of the chunk whose arguments could not be made.
    failed: Vec<(NodePtr, Failure)>,
}

impl Instance<'_> {
    fn chunk(&mut self, start: usize, end: usize) -> Result<()> {
        self.take_lines(start, end)?;
        for index in start..end {
            self.write(start, index);
        }
        self.publish(start, end);
        let outcome = self.link_outside(start, end);
        let jobs = std::mem::take(&mut self.jobs);
        if !self.local.push_all(self.client, &jobs) {
            jobs.iter().for_each(|&job| super::discard_job(job, self.local));
        }
        self.jobs = jobs;
        self.jobs.clear();
        outcome
    }

    /// Takes memory for all nodes of the chunk, or for none.
    fn take_lines(&mut self, start: usize, end: usize) -> Result<()> {
        for task in &self.plan.tasks[start..end] {
            if task.kind == Kind::Ordinary {
                self.nodes.push(None);
                continue;
            }
            match self.local.magazine(task.class).take() {
                Some(line) => self.nodes.push(Some(NodePtr::of(line))),
                None => {
                    for (node, task) in self.nodes.drain(start..).zip(&self.plan.tasks[start..]) {
                        if let Some(node) = node {
                            self.local.magazine(task.class).put(node.line());
                        }
                    }
                    return Err(Failure::new(status::NOMEM, "no memory for the futures of a graph"));
                }
            }
        }
        Ok(())
    }

    /// The node of a task that has one.
    #[inline]
    fn node(&self, index: usize) -> NodePtr {
        self.nodes[index].expect("its node was made")
    }

    #[inline]
    fn input(&self, input: Input) -> NodePtr {
        match input.source() {
            Source::Task(task) => self.node(task),
            Source::Future(future) => self.plan.futures[future].node(),
        }
    }

    /// Writes a node that nobody knows yet, and links it to inputs that nobody knows either.
    #[inline]
    fn write(&mut self, start: usize, index: usize) {
        let task = &self.plan.tasks[index];
        if task.kind == Kind::Ordinary {
            return;
        }
        let node = self.node(index);
        node.begin(self.client, task.function, task.shape);
        node.dependents.begin();
        match task.kind {
            Kind::Inline => self.write_inline(start, task, node),
            Kind::Block => self.write_block(start, task, node),
            Kind::Ordinary | Kind::Mistaken | Kind::Doomed => {}
        }
        if matches!(task.kind, Kind::Mistaken | Kind::Doomed) {
            node.gate.open();
        } else if task.outside == 0 {
            node.gate.await_linked(task.inputs);
        } else {
            node.gate.await_inputs(task.inputs);
        }
        if task.name != 0 {
            key::set_name(node, &self.plan.names[task.name as usize - 1]);
        }
    }

    #[inline]
    fn write_inline(&self, start: usize, task: &Task, node: NodePtr) {
        let mut offset = 0;
        for (index, &word) in self.plan.words_of(task).iter().enumerate() {
            if task.shape.kind(index) != Inline::Future {
                node.set(offset, word);
                offset += 1;
                continue;
            }
            let source = Input::from_word(word);
            let input = self.input(source);
            node.set(offset, input.to_word());
            if source.is_linked_from(start) {
                let (edge, link) = node.inline_edge(offset, task.class);
                input.dependents.link_private(edge, link);
            } else if let Source::Future(_) = source.source() {
                input.life.retain();
            }
            offset += 2;
        }
    }

    fn write_block(&mut self, start: usize, task: &Task, node: NodePtr) {
        let sources = self.plan.words_of(task);
        let inputs: Vec<_> = sources.iter().map(|&word| self.input(Input::from_word(word))).collect();
        // SAFETY: the node counts references on its inputs until it has run.
        let mut value_of = |input: &Input| unsafe { Value::reference(self.input(*input).value()) };
        let args = &self.plan.blocks[task.place as usize];
        let values: Result<Vec<_>> = args.iter().map(|arg| arg.value(self.client, &mut value_of)).collect();
        let values = values.unwrap_or_else(|failure| {
            self.failed.push((node, failure));
            Vec::new()
        });
        node.set_block(Block::new(node, values, inputs));
        // SAFETY: just made, and nobody else knows the node.
        let edges: &[BlockEdge] = unsafe { &node.block().as_ref().edges };
        for (edge, &word) in edges.iter().zip(sources) {
            let source = Input::from_word(word);
            if source.is_linked_from(start) {
                let (word, link) = NodePtr::block_edge(edge);
                edge.input.dependents.link_private(word, link);
            } else if let Source::Future(_) = source.source() {
                edge.input.life.retain();
            }
        }
    }

    /// Begins the lives of the chunk's nodes: from here on others may know them.
    fn publish(&mut self, start: usize, end: usize) {
        let mut made = 0;
        let mut handles = 0;
        for index in start..end {
            let task = &self.plan.tasks[index];
            let Some(node) = self.nodes[index] else { continue };
            made += 1;
            if task.output != 0 {
                handles += 1;
                let generation = node.life.begin_held(task.references);
                self.out[task.output as usize - 1] = node.id(task.class, generation).0;
            } else {
                node.life.begin_unheld(task.references);
            }
            if task.inputs == 0 && task.kind != Kind::Mistaken {
                self.jobs.push(node.to_word() as Job);
            }
        }
        self.local.tally(self.client, |tally| tally.submitted.add(made));
        self.local.count_handles(handles);
    }

    /// Links what the chunk takes from outside of it, and makes and ends what is special in it.
    fn link_outside(&mut self, start: usize, end: usize) -> Result<()> {
        let mut outcome = Ok(());
        for index in start..end {
            let task = &self.plan.tasks[index];
            match task.kind {
                Kind::Inline | Kind::Block if task.outside == 0 => {}
                Kind::Inline | Kind::Block => self.link(start, task, self.node(index)),
                Kind::Ordinary => outcome = outcome.and(self.submit(index)),
                Kind::Mistaken => {
                    let mistake = &self.plan.mistakes[task.place as usize];
                    self.end(self.node(index), |node| Ending::failed(node, mistake));
                }
                Kind::Doomed => {
                    let input = self.input(Input::from_word(self.plan.words_of(task)[0]));
                    // It was ended before this one, or is just being ended by who closes the client.
                    let closed = input.dependents.closed();
                    self.end(self.node(index), |node| {
                        closed.map_or_else(|| Ending::cancelled(node, CLIENT_CLOSED), Ending::of)
                    });
                    Taken::of(input).let_go();
                }
            }
        }
        for (node, failure) in std::mem::take(&mut self.failed) {
            let mut cascade = Cascade::new(self.local);
            cascade.settle(node, &Ending::failed(node, &failure));
            cascade.run();
        }
        outcome
    }

    fn end(&self, node: NodePtr, ending: impl FnOnce(NodePtr) -> Ending) {
        let mut cascade = Cascade::new(self.local);
        end_unstarted(node, &mut cascade, || ending(node));
        cascade.run();
    }

    /// Links a node to those of its inputs that it is not linked to yet.
    fn link(&self, start: usize, task: &Task, node: NodePtr) {
        let mut cascade = Cascade::new(self.local);
        let is_foreign = |input: Input| match input.source() {
            Source::Future(future) => self.plan.futures[future].node().client() != self.client,
            Source::Task(_) => false,
        };
        let inputs: Vec<_> = self.plan.inputs_of(task).collect();
        if let Some(position) = inputs.iter().position(|&input| is_foreign(input)) {
            let failure = Failure::handle(format!("input {position}: a future of another client"));
            cascade.settle(node, &Ending::failed(node, &failure));
        }
        let is_wanted = |position: usize| {
            let input: Input = inputs[position];
            !input.is_linked_from(start) && !is_foreign(input)
        };
        link_some_inputs(node, &mut cascade, task.outside, is_wanted);
        cascade.run();
    }

    /// Makes a task by the ordinary submit, which counts references on its inputs itself.
    #[cold]
    fn submit(&mut self, index: usize) -> Result<()> {
        let outcome = self.make(index);
        let mut cascade = Cascade::new(self.local);
        self.let_go_inputs(&self.plan.tasks[index], &mut cascade);
        cascade.run();
        outcome
    }

    fn make(&mut self, index: usize) -> Result<()> {
        let task = &self.plan.tasks[index];
        let ordinary = &self.plan.ordinary[task.place as usize];
        let args = Args::new(&ordinary.args, |input| self.input(input))?;
        let options = ordinary.options.as_submit();
        let spec =
            Spec { client: self.client, function: task.function, options: Some(&options), wrong: None };
        let made = make(self.local, spec, args.as_slice())?;
        self.jobs.extend(made.job);
        // Others may know it, but we have its handle.
        let node = handle::pin(made.id)?.into_node();
        self.nodes[index] = Some(node);
        let is_output = task.output != 0;
        for _ in u32::from(is_output)..task.references {
            node.life.retain();
        }
        if is_output {
            self.out[task.output as usize - 1] = made.id.0;
        } else {
            handle::release(made.id, self.local)?;
        }
        Taken::of(node).let_go();
        Ok(())
    }

    /// Takes back what was made for tasks that will not be made: references on inputs, and handles.
    #[cold]
    fn abandon(&mut self) {
        let mut cascade = Cascade::new(self.local);
        for task in &self.plan.tasks[self.nodes.len()..] {
            self.let_go_inputs(task, &mut cascade);
        }
        cascade.run();
        for id in self.out.iter_mut() {
            // Nobody else knows the handle.
            let _ = handle::release(Id(std::mem::take(id)), self.local);
        }
    }

    /// Gives up the references that nodes made so far began with for this task.
    fn let_go_inputs(&self, task: &Task, cascade: &mut Cascade<'_>) {
        for input in self.plan.inputs_of(task) {
            if let Source::Task(input) = input.source()
                && let Some(Some(node)) = self.nodes.get(input)
            {
                cascade.let_go(*node);
            }
        }
    }
}
