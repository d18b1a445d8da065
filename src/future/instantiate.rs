//! From a plan to nodes: a chunk at a time, written, published, linked to what is outside of it, pushed.

use super::cascade::{Cascade, end_unstarted};
use super::error::Ending;
use super::extra;
use super::handle::{self, Taken};
use super::held::submit;
use super::lane;
use super::node::{Block, BlockEdge, NodePtr, Shape};
use super::ordinary::Args;
use super::plan::{Input, Kind, Plan, Source, Take, Task};
use super::submit::{Spec, link_some_inputs};
use crate::scheduler::{Job, Local, client_id};
use crate::slab::{Class, Id};
use crate::status::{self, Failure, Result};
use crate::value::Value;
use parking_lot::{RwLock, RwLockReadGuard};

/// Shared by those who publish the nodes of a chunk. Their lives begin one after the other, so for a moment a node that others can find has
/// dependents, or inputs, whose lives have not begun; whoever ended it then would count references that the beginning of those lives
/// wipes out. Nobody but a close looks for nodes that it was not led to in order to end them: it waits here first.
static PUBLISHING: RwLock<()> = RwLock::new(());

/// From now on until it is dropped, nobody looks for nodes to end that it was not led to.
pub(super) fn publishing() -> RwLockReadGuard<'static, ()> {
    PUBLISHING.read()
}

/// Called when a client is marked as closed, before its nodes are looked for: no chunk is being published in it from here on.
pub(super) fn await_published() {
    // Who publishes looks for the mark under the lock: it did so before and is over, or it finds the mark.
    drop(PUBLISHING.write());
}

/// Makes the tasks of the plan anew in a client, and gives its outputs, in `out`, a handle each. `Err`: without
/// memory, or the client is closed meanwhile; nothing is left then.
pub(crate) fn instantiate(plan: &Plan, local: &Local, client: u32, out: &mut [u64]) -> Result<()> {
    debug_assert!(out.len() == plan.n_outputs());
    let mut instance = Instance {
        plan,
        local,
        client,
        has_foreign: plan.futures.iter().any(|future| future.node().client() != client),
        nodes: Vec::with_capacity(plan.len()),
        out,
        jobs: Vec::new(),
        wrong: Vec::new(),
    };
    let mut specials = &plan.specials[..];
    let mut start = 0;
    for end in plan.ends.iter().map(|&end| end as usize).chain([plan.len()]) {
        let n = specials.iter().take_while(|&&index| (index as usize) < end).count();
        if let Err(failure) = instance.chunk(start, end, &specials[..n]) {
            instance.abandon();
            return Err(failure);
        }
        specials = &specials[n..];
        start = end;
    }
    Ok(())
}

struct Instance<'a> {
    plan: &'a Plan,
    local: &'a Local,
    client: u32,
    /// Whether any future from outside is another client's.
    has_foreign: bool,
    /// The nodes made so far; none for a task that is yet to be submitted, or could not be.
    nodes: Vec<Option<NodePtr>>,
    out: &'a mut [u64],
    /// Tasks of the chunk that are ready.
    jobs: Vec<Job>,
    /// Tasks of the chunk that turned out to be in error here and now.
    wrong: Vec<(usize, Failure)>,
}

impl Instance<'_> {
    /// Makes the tasks from `start` to `end`, of which `specials` need more than to be written.
    fn chunk(&mut self, start: usize, end: usize, specials: &[u32]) -> Result<()> {
        self.make_nodes(start, end)?;
        let mut outcome = Ok(());
        for &index in specials {
            outcome = outcome.and(self.finish(start, index as usize));
        }
        self.wrong.clear();
        if !self.local.push_all(self.client, &self.jobs) {
            self.jobs.iter().for_each(|&job| super::discard_job(job, self.local));
        }
        self.jobs.clear();
        outcome
    }

    /// Writes the nodes of the chunk and begins their lives, if the client is open.
    fn make_nodes(&mut self, start: usize, end: usize) -> Result<()> {
        let _publishing = publishing();
        self.local.enter(client_id(self.client))?;
        self.take_lines(start, end)?;
        for (index, task) in self.plan.tasks[start..end].iter().enumerate() {
            match task.kind {
                Kind::Inline if task.outside == 0 && task.name == 0 => {
                    self.write_inline(start, task, self.node(start + index));
                }
                Kind::Ordinary => {}
                _ => self.write_special(start, start + index),
            }
        }
        self.publish(start, end);
        Ok(())
    }

    /// Takes memory for all nodes of the chunk, or for none.
    fn take_lines(&mut self, start: usize, end: usize) -> Result<()> {
        for task in &self.plan.tasks[start..end] {
            if task.kind == Kind::Ordinary {
                self.nodes.push(None);
                continue;
            }
            let Some(line) = self.local.magazine(task.class).take() else {
                for (node, task) in self.nodes.drain(start..).zip(&self.plan.tasks[start..]) {
                    if let Some(node) = node {
                        self.local.magazine(task.class).put(node.line());
                    }
                }
                return Err(Failure::new(status::NOMEM, "no memory for the futures of a graph"));
            };
            self.nodes.push(Some(NodePtr::of(line)));
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

    // ---- while nobody knows the nodes ----

    /// Writes a node whose arguments fit its body, and links it to inputs of the same chunk.
    #[inline]
    fn write_inline(&self, start: usize, task: &Task, node: NodePtr) {
        node.begin(self.client, task.function, task.shape);
        node.dependents.begin();
        match task.class {
            Class::Large => node.set_all(self.plan.large(task)),
            _ => node.set_all(self.plan.small(task)),
        }
        for take in self.plan.takes(task) {
            let input = self.input(take.input);
            let offset = take.offset as usize;
            node.set(offset, input.to_word());
            if take.input.is_linked_from(start) {
                let (edge, link) = node.inline_edge(offset, task.class);
                input.dependents.link_private(edge, link);
            } else if let Source::Future(_) = take.input.source() {
                input.life.retain();
            }
        }
        self.set_gate(task, node);
    }

    #[inline]
    fn set_gate(&self, task: &Task, node: NodePtr) {
        if task.outside == 0 {
            node.gate.await_linked(task.inputs);
        } else {
            node.gate.await_inputs(task.inputs);
        }
    }

    #[inline(never)]
    fn write_special(&mut self, start: usize, index: usize) {
        let task = &self.plan.tasks[index];
        let node = self.node(index);
        let written = match task.kind {
            Kind::Inline | Kind::Block if self.has_foreign => self.check_inputs(task),
            _ => Ok(()),
        };
        let written = written.and_then(|()| match task.kind {
            Kind::Inline => {
                self.write_inline(start, task, node);
                Ok(true)
            }
            Kind::Block => self.write_block(start, task, node).map(|()| true),
            Kind::Ordinary | Kind::Mistaken | Kind::Doomed => Ok(false),
        });
        if written != Ok(true) {
            node.begin(self.client, task.function, Shape::EMPTY);
            node.dependents.begin();
            node.gate.open_forgone();
        }
        if let Err(failure) = written {
            self.wrong.push((index, failure));
        }
        if task.name != 0 {
            let name = self.plan.names[task.name as usize - 1].clone();
            extra::with(node, |extra| extra.name = Some(name));
        }
    }

    fn write_block(&self, start: usize, task: &Task, node: NodePtr) -> Result<()> {
        // SAFETY: the node counts references on its inputs until it has run.
        let mut value_of = |input: &Input| unsafe { Value::reference(self.input(*input).value()) };
        let args = &self.plan.blocks[task.place as usize];
        let values: Result<Vec<_>> = args.iter().map(|arg| arg.value(self.client, &mut value_of)).collect();
        let takes = self.plan.takes(task);
        let inputs = takes.iter().map(|take| self.input(take.input)).collect();
        node.begin(self.client, task.function, task.shape);
        node.dependents.begin();
        node.set_block(Block::new(node, values?, inputs));
        // SAFETY: just made, and nobody else knows the node.
        let edges: &[BlockEdge] = unsafe { &node.block().as_ref().edges };
        for (edge, take) in edges.iter().zip(takes) {
            if take.input.is_linked_from(start) {
                let (word, link) = NodePtr::block_edge(edge);
                edge.input.dependents.link_private(word, link);
            } else if let Source::Future(_) = take.input.source() {
                edge.input.life.retain();
            }
        }
        self.set_gate(task, node);
        Ok(())
    }

    /// Whether no input is a future of another client.
    #[cold]
    fn check_inputs(&self, task: &Task) -> Result<()> {
        let is_foreign = |take: &Take| match take.input.source() {
            Source::Future(future) => self.plan.futures[future].node().client() != self.client,
            Source::Task(_) => false,
        };
        match self.plan.takes(task).iter().position(is_foreign) {
            None => Ok(()),
            Some(position) => {
                let argument = self.plan.argument_of(task, position);
                Err(Failure::handle(format!("argument {argument}: a future of another client")))
            }
        }
    }

    /// Begins the lives of the chunk's nodes: from here on others may know them.
    fn publish(&mut self, start: usize, end: usize) {
        let mut made = 0;
        let mut handles = 0;
        for (index, task) in self.plan.tasks[start..end].iter().enumerate() {
            let Some(node) = self.nodes[start + index] else { continue };
            made += 1;
            if task.output != 0 {
                handles += 1;
                let generation = node.life.begin_held(task.references);
                self.out[task.output as usize - 1] = node.id(task.class, generation).0;
            } else {
                node.life.begin_unheld(task.references);
            }
            if task.inputs == 0 && task.kind != Kind::Mistaken && !self.is_wrong(start + index) {
                self.jobs.push(node.to_word() as Job);
            }
        }
        self.local.tally(self.client, |tally| tally.submitted.add(made));
        self.local.count_handles(handles);
    }

    #[inline]
    fn is_wrong(&self, index: usize) -> bool {
        self.wrong.iter().any(|&(wrong, _)| wrong == index)
    }

    // ---- from here on others may ----

    /// Links a task to what is outside of its chunk, submits it, or ends it, as it is with special ones.
    fn finish(&mut self, start: usize, index: usize) -> Result<()> {
        let task = &self.plan.tasks[index];
        match task.kind {
            Kind::Ordinary => return self.submit(index),
            Kind::Mistaken => {
                let mistake = &self.plan.mistakes[task.place as usize];
                self.end(task, self.node(index), |node| Ending::mistaken(node, mistake));
            }
            Kind::Doomed => {
                // It was ended before this one, or is just being ended by who closes the client.
                let closed = self.input(self.plan.takes(task)[0].input).dependents.closed();
                let ending = |node| closed.map_or_else(|| Ending::closed(node), Ending::of);
                self.end(task, self.node(index), ending);
            }
            Kind::Inline | Kind::Block => {
                if let Some((_, failure)) = self.wrong.iter().find(|&&(wrong, _)| wrong == index) {
                    self.end(task, self.node(index), |node| Ending::mistaken(node, failure));
                } else if task.outside != 0 {
                    self.link(start, task, self.node(index));
                }
            }
        }
        Ok(())
    }

    /// Ends a task that is in error from the start, and needs no inputs.
    fn end(&self, task: &Task, node: NodePtr, ending: impl FnOnce(NodePtr) -> Ending) {
        let mut cascade = Cascade::new(self.local);
        end_unstarted(node, &mut cascade, || ending(node));
        self.let_go_inputs(task, &mut cascade);
        cascade.run();
    }

    /// Links a node to those of its inputs that it is not linked to yet.
    fn link(&self, start: usize, task: &Task, node: NodePtr) {
        let mut takes = self.plan.takes(task).iter();
        let mut cascade = Cascade::new(self.local);
        link_some_inputs(node, &mut cascade, task.outside, || {
            takes.next().is_some_and(|take| !take.input.is_linked_from(start))
        });
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
        let spec = Spec {
            client: self.client,
            function: task.function,
            options: Some(&options),
            rank: None,
            identity: None,
            lane: None,
            wrong: None,
        };
        let (rank, lane) = (options.rank(self.client), options.lane(self.client, self.local));
        let spec = spec.ranked(&rank).on_lane(&lane);
        let made = submit(self.local, spec, args.as_slice())?;
        match (made.job, &rank) {
            (Some(job), Ok(rank)) if spec.lane.is_some() => {
                let priority = rank.as_ref().map_or(0, |rank| rank.priority);
                if let Ok(Some(lane)) = &lane {
                    lane::publish_all(lane, &[job], priority, self.local);
                }
            }
            (Some(job), Ok(Some(rank))) => {
                if !self.local.push_ranked(self.client, &[job], rank) {
                    super::discard_job(job, self.local);
                }
            }
            (job, _) => self.jobs.extend(job),
        }
        if let Ok(Some(lane)) = lane {
            self.local.keep_lane(lane);
        }
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
        for take in self.plan.takes(task) {
            if let Source::Task(input) = take.input.source()
                && let Some(Some(node)) = self.nodes.get(input)
            {
                cascade.let_go(*node);
            }
        }
    }
}
