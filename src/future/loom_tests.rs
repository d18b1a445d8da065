//! Models of the protocols between the three words of a node: life, gate and dependents.
//!
//! The words are the engine's own types. What surrounds them is a small stand-in for `Node` and `Cascade` that takes the same steps in
//! the same order; each function names the one it mirrors. The stand-in runs a task at once where the engine would queue it, and
//! checks what the engine relies on: loom's cells fail a model when two accesses are not ordered, and the plain counters when
//! something happens twice or never.

use super::dependents::{Closed, Dependents, EdgeWord};
use super::gate::{Arrived, Gate, Settled};
use crate::slab::{Ended, Id, Kind, Life};
use crate::sync::{AtomicU64, Ordering};
use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::thread;
use std::sync::Arc;
// Notes of the test, not part of what is modelled: loom neither orders by them nor interleaves at them.
use std::sync::atomic::{AtomicU32 as Note, Ordering::SeqCst};

const FINISHED: u64 = 2;
const ERROR: u64 = 3;
const CANCELLED: u64 = 4;

/// What a finished model future holds.
const VALUE: u32 = 42;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Finished,
    Error,
    Cancelled,
}

impl State {
    fn closed(self) -> Closed {
        let state = match self {
            State::Finished => FINISHED,
            State::Error => ERROR,
            State::Cancelled => CANCELLED,
        };
        Closed::new(state, 0)
    }

    fn of(closed: Closed) -> Self {
        match closed.state() {
            FINISHED => State::Finished,
            ERROR => State::Error,
            _ => State::Cancelled,
        }
    }
}

/// The stand-in for a node, with what the test notes of it.
struct Node {
    life: Life,
    gate: Gate,
    dependents: Dependents,
    inputs: UnsafeCell<Vec<usize>>,
    links: [AtomicU64; 2],
    /// Read by whoever uses the node, written by whoever frees it: a use that is not over by then is a data race.
    memory: UnsafeCell<()>,
    value: UnsafeCell<u32>,
    /// Written by whoever gives the inputs back.
    claimed: UnsafeCell<()>,
    runs: Note,
    closings: Note,
    inputs_released: Note,
    frees: Note,
    /// Whether the stand-in's owner of a freed line makes it live again at once.
    reborn: bool,
    /// The registrations in the entry beside it, by the numbers of their watches.
    on_done: Mutex<Vec<usize>>,
    /// Callbacks that were made.
    calls: Note,
}

/// All nodes of a model. An edge word is `(node + 1) << 8 | index of the link << 4`, a watch's has its lowest bit set.
struct World {
    nodes: Vec<Node>,
    watches: Vec<Watch>,
}

struct Watch {
    link: AtomicU64,
    memory: UnsafeCell<()>,
    told: Note,
    /// The node and the life of it that a registration's watch was begun for.
    registration: Option<(usize, u64)>,
}

// SAFETY: everything in a world that is not atomic is in loom's cells, which check that accesses are ordered.
unsafe impl Send for World {}
// SAFETY: as above.
unsafe impl Sync for World {}

const WATCH: u64 = 1;

fn edge_of(node: usize, link: usize) -> EdgeWord {
    (node as u64 + 1) << 8 | (link as u64) << 4
}

fn watch_edge(watch: usize) -> EdgeWord {
    (watch as u64 + 1) << 8 | WATCH
}

/// A new node: one handle, of generation 1. `open` inputs are awaited.
fn node(inputs: &[usize], open: u32) -> Node {
    let node = Node {
        life: Life::new(),
        gate: Gate::new(open),
        dependents: Dependents::new(),
        inputs: UnsafeCell::new(inputs.to_vec()),
        links: [AtomicU64::new(0), AtomicU64::new(0)],
        memory: UnsafeCell::new(()),
        value: UnsafeCell::new(0),
        claimed: UnsafeCell::new(()),
        runs: Note::new(0),
        closings: Note::new(0),
        inputs_released: Note::new(0),
        frees: Note::new(0),
        reborn: false,
        on_done: Mutex::new(Vec::new()),
        calls: Note::new(0),
    };
    assert_eq!(node.life.begin(), 1);
    node
}

/// The first handle of the node in its first life.
fn id(node: usize) -> Id {
    Id::new(Kind::Small, node as u32, 1)
}

impl World {
    fn new(nodes: Vec<Node>) -> Arc<Self> {
        Arc::new(Self { nodes, watches: Vec::new() })
    }

    fn node(&self, node: usize) -> &Node {
        &self.nodes[node]
    }

    /// Notes a use of the node's memory: it must be over before the node is freed.
    fn uses(&self, node: usize) -> &Node {
        let node = &self.nodes[node];
        node.memory.with(|_| ());
        assert!(node.reborn || node.frees.load(SeqCst) == 0, "a node is used after it was freed");
        node
    }

    /// The link of an edge whose owner is there.
    fn link_of(&self, edge: EdgeWord) -> &AtomicU64 {
        let at = (edge >> 8) as usize - 1;
        if edge & WATCH == 0 {
            return &self.uses(at).links[(edge >> 4 & 15) as usize];
        }
        assert_eq!(self.watches[at].told.load(SeqCst), 0, "a watch is used after it was told");
        &self.watches[at].link
    }

    fn inputs(&self, node: usize) -> Vec<usize> {
        // SAFETY: loom checks that nobody writes meanwhile.
        self.node(node).inputs.with(|inputs| unsafe { (*inputs).clone() })
    }

    /// The value of a finished node.
    fn value(&self, node: usize) -> u32 {
        // SAFETY: as above.
        self.uses(node).value.with(|value| unsafe { *value })
    }

    /// `Cascade::new`, what is to be done, and `Cascade::run`; then what a worker does with the tasks made ready.
    fn cascade<T>(&self, begin: impl FnOnce(&mut Cascade<'_>) -> T) -> T {
        let mut cascade = Cascade { world: self, lists: Vec::new(), unwanted: Vec::new(), ready: Vec::new() };
        let begun = begin(&mut cascade);
        loop {
            if let Some((edges, state)) = cascade.lists.pop() {
                cascade.tell(edges, state);
            } else if let Some(node) = cascade.unwanted.pop() {
                cascade.settle(node, State::Cancelled);
                cascade.leave(node);
            } else if let Some(node) = cascade.ready.pop() {
                cascade.run(node);
            } else {
                return begun;
            }
        }
    }

    /// `cascade::free`. A line that is to be reborn begins the life of a future nobody else knows.
    fn free(&self, node: usize) {
        let this = self.node(node);
        assert!(this.dependents.closed().is_some(), "a node without references is done");
        if this.gate.has_extra() && !self.take_extra(node) {
            return;
        }
        this.memory.with_mut(|_| ());
        this.value.with_mut(|_| ());
        this.claimed.with_mut(|_| ());
        let before = this.frees.fetch_add(1, SeqCst);
        if this.reborn && before == 0 {
            this.dependents.begin();
            this.gate.open();
            this.life.begin();
            this.inputs_released.store(0, SeqCst);
        } else {
            assert_eq!(before, u32::from(this.reborn), "a node is freed twice");
        }
    }

    // ---- what threads of a model do ----------------------------------------------------------------------------

    /// A task that runs has an outcome.
    fn end(&self, node: usize, state: State) {
        self.cascade(|cascade| cascade.end(node, state));
    }

    /// `submit::link_new`.
    fn link_inputs(&self, node: usize) {
        self.cascade(|cascade| cascade.link_inputs(node));
    }

    /// A worker takes a job.
    fn run(&self, node: usize) {
        self.cascade(|cascade| cascade.run(node));
    }

    /// A task that runs has returned another's future.
    fn forward_to(&self, node: usize, input: usize) {
        self.cascade(|cascade| cascade.forward_to(node, input));
    }

    /// An arrival from elsewhere.
    fn arrived(&self, node: usize, arrived: Arrived) {
        self.cascade(|cascade| cascade.arrived(node, arrived));
    }

    /// `Taken::let_go`.
    fn let_go(&self, node: usize) {
        self.cascade(|cascade| cascade.let_go(node));
    }

    /// A task that was claimed is run.
    fn execute(&self, node: usize) {
        self.cascade(|cascade| cascade.execute(node));
    }

    /// `handle::release` of a first handle.
    fn release(&self, node: usize) {
        let this = self.node(node);
        let is_done = this.life.is(id(node)) && this.dependents.closed().is_some();
        match this.life.end(id(node), is_done) {
            Ended::Stale => panic!("the handle is live"),
            Ended::Shared { .. } => {}
            Ended::Last { .. } => self.cascade(|cascade| cascade.let_go_last(node)),
            Ended::Free => self.free(node),
        }
    }

    /// `future::cancel` of a first handle, which may be stale.
    fn cancel(&self, node: usize) -> Option<bool> {
        if !self.node(node).life.pin(id(node)) {
            return None;
        }
        let cancelled = self.cascade(|cascade| cascade.settle(node, State::Cancelled));
        self.let_go(node);
        Some(cancelled)
    }

    /// [`cancel`](Self::cancel), whatever comes of it.
    fn cancels(&self, node: usize) {
        let _ = self.cancel(node);
    }

    /// `walk::claim`, by one who keeps the node, and what `wait::help` does with the task.
    fn claim(&self, node: usize) {
        let this = self.uses(node);
        if !this.gate.is_ready() {
            return;
        }
        this.life.retain();
        if this.gate.start() {
            self.execute(node);
        } else {
            self.let_go(node);
        }
    }

    /// `walk::open_inputs`; `look` sees each input that is open, with a reference counted.
    fn open_inputs(&self, node: usize, mut look: impl FnMut(usize)) {
        let this = self.uses(node);
        if !this.gate.hold() {
            return;
        }
        for input in self.inputs(node) {
            let other = self.node(input);
            let seen = other.life.peek();
            if !this.gate.is_settled() && other.dependents.closed().is_none() && other.life.join(seen) {
                look(input);
                self.let_go(input);
            }
        }
        let arrived = this.gate.arrive();
        self.arrived(node, arrived);
    }

    // ---- callbacks ---------------------------------------------------------------------------------------------

    /// `on_done::on_done` with the watch of that number, by one who has counted a reference for it.
    fn on_done(&self, watch: usize) {
        let (node, _) = self.watches[watch].registration.expect("a registration's watch");
        let this = self.uses(node);
        this.on_done.lock().unwrap().push(watch);
        this.gate.mark_extra();
        if this.dependents.link(watch_edge(watch), &self.watches[watch].link).is_err() {
            self.due(watch);
        }
        self.let_go(node);
    }

    /// `Told::done`.
    fn told(&self, watch: usize) {
        let Some((node, life)) = self.watches[watch].registration else { return };
        if self.node(node).life.join(life) {
            self.due(watch);
            self.let_go(node);
        }
    }

    /// `on_done::due`, by one who counts a reference.
    fn due(&self, watch: usize) {
        let (node, _) = self.watches[watch].registration.expect("a registration's watch");
        let due: Vec<_> = {
            let mut on_done = self.uses(node).on_done.lock().unwrap();
            let at = on_done.iter().rposition(|&other| other == watch);
            at.map(|at| on_done.drain(..=at).collect()).unwrap_or_default()
        };
        self.dispatch(node, due);
    }

    /// `on_done::take_extra`, and `Ref::revive`.
    fn take_extra(&self, node: usize) -> bool {
        let this = self.node(node);
        let due = std::mem::take(&mut *this.on_done.lock().unwrap());
        if due.is_empty() {
            return true;
        }
        this.life.revive();
        self.dispatch(node, due);
        self.let_go(node);
        false
    }

    /// `on_done::dispatch` and `dispatcher::make`, which here are one: each callback is made with a reference of its own.
    fn dispatch(&self, node: usize, due: Vec<usize>) {
        for _ in due {
            self.uses(node).life.retain();
            self.uses(node).calls.fetch_add(1, SeqCst);
            assert!(
                self.uses(node).dependents.closed().is_some(),
                "a callback comes when the future is done"
            );
            self.let_go(node);
        }
    }

    /// Every node has ended once, given its inputs back once, and was freed once.
    fn all_over(&self) {
        for node in &self.nodes {
            assert_eq!(node.closings.load(SeqCst), 1, "a future ends once");
            assert_eq!(node.inputs_released.load(SeqCst), 1, "inputs are released once");
            assert_eq!(node.frees.load(SeqCst), 1, "a node is freed once");
        }
    }
}

/// What one event has caused and is still to be done: the stand-in for `Cascade`.
struct Cascade<'a> {
    world: &'a World,
    lists: Vec<(EdgeWord, State)>,
    unwanted: Vec<usize>,
    ready: Vec<usize>,
}

impl Cascade<'_> {
    // ---- submit ------------------------------------------------------------------------------------------------

    /// `submit::link_inputs`.
    fn link_inputs(&mut self, node: usize) {
        let this = self.world.uses(node);
        let mut failed = None;
        let mut awaited = this.gate.awaited();
        for (index, input) in self.world.inputs(node).into_iter().enumerate() {
            match self.world.uses(input).dependents.link(edge_of(node, index), &this.links[index]) {
                Ok(()) => awaited -= 1,
                Err(closed) => {
                    if State::of(closed) != State::Finished {
                        failed = Some(State::of(closed));
                    }
                }
            }
        }
        let finished = awaited;
        if let Some(state) = failed {
            self.settle(node, state);
        }
        let arrived = this.gate.linked(finished).unwrap_or_else(|| {
            self.release_inputs(node);
            this.gate.linked_settled(finished)
        });
        self.arrived(node, arrived);
    }

    // ---- task --------------------------------------------------------------------------------------------------

    /// `task::run`: what a worker does with a job.
    fn run(&mut self, node: usize) {
        if !self.world.node(node).gate.start() {
            return self.let_go(node);
        }
        self.execute(node);
    }

    /// `task::execute` of a function that returns a value.
    fn execute(&mut self, node: usize) {
        let this = self.world.uses(node);
        assert_eq!(this.runs.fetch_add(1, SeqCst), 0, "a task runs twice");
        for input in self.world.inputs(node) {
            assert_eq!(self.world.value(input), VALUE, "a task runs before its input is there");
        }
        self.end(node, State::Finished);
    }

    /// `task::forward_to`, from where the inputs of the task that ran have been released.
    fn forward_to(&mut self, node: usize, input: usize) {
        let this = self.world.uses(node);
        // SAFETY: the task is claimed; loom checks that nobody else looks.
        this.inputs.with_mut(|inputs| unsafe { *inputs = vec![input] });
        if !this.gate.forward() {
            self.let_go(input);
            return self.let_go(node);
        }
        self.link_inputs(node);
    }

    // ---- cascade -----------------------------------------------------------------------------------------------

    /// `Cascade::tell`.
    fn tell(&mut self, edges: EdgeWord, state: State) {
        let mut edge = edges;
        while edge != 0 {
            let next = self.world.link_of(edge).load(Ordering::Relaxed);
            let at = (edge >> 8) as usize - 1;
            if edge & WATCH != 0 {
                self.world.watches[at].tell();
                self.world.told(at);
            } else {
                self.world.uses(at);
                if state != State::Finished {
                    self.settle(at, state);
                }
                self.arrived(at, self.world.node(at).gate.arrive());
            }
            edge = next;
        }
    }

    /// `Cascade::arrived`.
    fn arrived(&mut self, node: usize, arrived: Arrived) {
        match arrived {
            Arrived::NotLast => {}
            Arrived::Ready => self.ready.push(node),
            Arrived::Forward => self.forwarded(node),
            Arrived::Settled => self.let_go(node),
        }
    }

    /// `Cascade::forwarded`.
    fn forwarded(&mut self, node: usize) {
        if !self.world.uses(node).gate.start_forwarded() {
            return self.let_go(node);
        }
        let input = self.world.inputs(node)[0];
        assert_eq!(self.world.value(input), VALUE);
        self.end(node, State::Finished);
    }

    /// `Cascade::finish` and `Cascade::fail`.
    fn end(&mut self, node: usize, state: State) {
        let this = self.world.uses(node);
        self.release_inputs(node);
        if state == State::Finished {
            // SAFETY: the task is claimed; loom checks that nobody else looks.
            this.value.with_mut(|value| unsafe { *value = VALUE });
        }
        match this.dependents.close(state.closed()) {
            Some(edges) => {
                this.closings.fetch_add(1, SeqCst);
                self.lists.push((edges, state));
            }
            None => self.let_go(node),
        }
    }

    /// `Cascade::settle`.
    fn settle(&mut self, node: usize, state: State) -> bool {
        let this = self.world.uses(node);
        if this.dependents.closed().is_some() {
            return false;
        }
        this.life.retain();
        let settled = this.gate.settle();
        if settled == Settled::Already {
            self.let_go(node);
            return false;
        }
        if settled == Settled::Idle {
            self.release_inputs(node);
        }
        let Some(edges) = this.dependents.close(state.closed()) else {
            assert_eq!(settled, Settled::Running, "only a task that runs is closed by another");
            self.let_go(node);
            return false;
        };
        this.closings.fetch_add(1, SeqCst);
        self.world.uses(node);
        self.lists.push((edges, state));
        true
    }

    /// `Cascade::release_inputs` and `release_inputs_of_idle`.
    fn release_inputs(&mut self, node: usize) {
        let this = self.world.uses(node);
        this.claimed.with_mut(|_| ());
        assert_eq!(this.inputs_released.fetch_add(1, SeqCst), 0, "inputs are released twice");
        for input in self.world.inputs(node) {
            self.let_go(input);
        }
    }

    /// `Cascade::let_go`.
    fn let_go(&mut self, node: usize) {
        if self.world.uses(node).life.leave_unless_last() {
            self.let_go_last(node);
        }
    }

    /// `Cascade::let_go_last`.
    fn let_go_last(&mut self, node: usize) {
        if self.world.uses(node).dependents.closed().is_none() {
            self.unwanted.push(node);
        } else {
            self.leave(node);
        }
    }

    /// `Cascade::leave`.
    fn leave(&mut self, node: usize) {
        if self.world.uses(node).life.leave() {
            self.world.free(node);
        }
    }
}

impl Watch {
    fn new() -> Self {
        Self { link: AtomicU64::new(0), memory: UnsafeCell::new(()), told: Note::new(0), registration: None }
    }

    /// That of a registration for a node in its first life.
    fn registered(node: usize, world: &[Node]) -> Self {
        Self { registration: Some((node, world[node].life.peek())), ..Self::new() }
    }

    /// `Watch::tell`: tells and frees.
    fn tell(&self) {
        self.memory.with_mut(|_| ());
        assert_eq!(self.told.fetch_add(1, SeqCst), 0, "a watch is told twice");
    }
}

/// Runs the threads of a model, the last one on the model's own thread.
fn together(world: &Arc<World>, threads: &[fn(&World)]) {
    let Some((last, others)) = threads.split_last() else { return };
    let others: Vec<_> = others
        .iter()
        .map(|&body| {
            let world = world.clone();
            thread::spawn(move || body(&world))
        })
        .collect();
    last(world);
    others.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Checks all interleavings with at most three preemptions.
fn model(body: impl Fn() + Sync + Send + 'static) {
    model_with(3, body);
}

/// As [`model`], with fewer preemptions where three would take long.
fn model_with(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// A running task, to be ended by [`World::end`]: its gate was claimed.
fn running(inputs: &[usize]) -> Node {
    let node = node(inputs, 0);
    assert!(node.gate.start());
    node
}

// ---- submit ----------------------------------------------------------------------------------------------------------

/// Node 1 needs node 0, which it counts a reference on: the handle's, handed over with `rask_take`.
fn one_input() -> Arc<World> {
    let world = World::new(vec![running(&[]), node(&[0], 1)]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world
}

#[test]
fn submit_against_completion() {
    model(|| {
        let world = one_input();
        together(&world, &[|world| world.end(0, State::Finished), |world| world.link_inputs(1)]);
        assert_eq!(world.node(1).runs.load(SeqCst), 1);
        world.release(1);
        world.all_over();
    });
}

#[test]
fn submit_against_failure() {
    model(|| {
        let world = one_input();
        together(&world, &[|world| world.end(0, State::Error), |world| world.link_inputs(1)]);
        assert_eq!(world.node(1).runs.load(SeqCst), 0);
        assert_eq!(world.node(1).dependents.closed().map(State::of), Some(State::Error));
        world.release(1);
        world.all_over();
    });
}

/// Node 2 needs nodes 0 and 1, as above.
fn two_inputs() -> Arc<World> {
    let world = World::new(vec![running(&[]), running(&[]), node(&[0, 1], 2)]);
    for input in 0..2 {
        assert_eq!(world.node(input).life.take(id(input)), Some(false));
    }
    world
}

#[test]
fn submit_against_two_completions() {
    model(|| {
        let world = two_inputs();
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| world.end(1, State::Finished),
                |world| world.link_inputs(2),
            ],
        );
        assert_eq!(world.node(2).runs.load(SeqCst), 1);
        world.release(2);
        world.all_over();
    });
}

#[test]
fn failure_against_completion_against_release() {
    model(|| {
        let world = two_inputs();
        world.link_inputs(2);
        together(
            &world,
            &[
                |world| world.end(0, State::Error),
                |world| world.end(1, State::Finished),
                |world| world.release(2),
            ],
        );
        assert_eq!(world.node(2).runs.load(SeqCst), 0);
        world.all_over();
    });
}

#[test]
fn two_failures() {
    model(|| {
        let world = two_inputs();
        world.link_inputs(2);
        together(&world, &[|world| world.end(0, State::Error), |world| world.end(1, State::Cancelled)]);
        assert_eq!(world.node(2).runs.load(SeqCst), 0);
        world.release(2);
        world.all_over();
    });
}

#[test]
fn cancel_while_linking() {
    model(|| {
        let world = one_input();
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.cancels(1), |world| world.link_inputs(1)],
        );
        world.release(1);
        world.all_over();
    });
}

// ---- handles ---------------------------------------------------------------------------------------------------------

#[test]
fn release_against_completion_against_pin() {
    model(|| {
        let world = World::new(vec![running(&[])]);
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| world.release(0),
                |world| {
                    if world.node(0).life.pin(id(0)) {
                        if world.uses(0).dependents.closed().map(State::of) == Some(State::Finished) {
                            assert_eq!(world.value(0), VALUE);
                        }
                        world.let_go(0);
                    }
                },
            ],
        );
        world.all_over();
    });
}

#[test]
fn last_references_go_at_once() {
    model(|| {
        let world = World::new(vec![running(&[])]);
        world.node(0).life.retain();
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.let_go(0), |world| world.release(0)],
        );
        world.all_over();
    });
}

// ---- cancel ----------------------------------------------------------------------------------------------------------

#[test]
fn cancel_against_last_arrival() {
    model(|| {
        let world = one_input();
        world.link_inputs(1);
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.cancels(1), |world| world.release(1)],
        );
        world.all_over();
    });
}

#[test]
fn release_against_last_arrival() {
    model(|| {
        let world = one_input();
        world.link_inputs(1);
        together(&world, &[|world| world.end(0, State::Finished), |world| world.release(1)]);
        world.all_over();
    });
}

#[test]
fn cancel_against_run() {
    model(|| {
        let world = World::new(vec![node(&[], 0)]);
        together(
            &world,
            &[
                |world| world.run(0),
                |world| {
                    if world.cancel(0) == Some(false) {
                        assert_eq!(world.node(0).dependents.closed().map(State::of), Some(State::Finished));
                        assert_eq!(world.value(0), VALUE);
                    }
                },
            ],
        );
        let state = world.node(0).dependents.closed().map(State::of);
        if world.node(0).runs.load(SeqCst) == 0 {
            assert_eq!(state, Some(State::Cancelled));
        }
        world.release(0);
        world.all_over();
    });
}

#[test]
fn two_cancels_against_run() {
    model(|| {
        let world = World::new(vec![node(&[], 0)]);
        together(
            &world,
            &[
                |world| world.run(0),
                |world| world.cancels(0),
                |world| {
                    world.cancels(0);
                    world.release(0);
                },
            ],
        );
        world.all_over();
    });
}

/// A waiter claims a task the moment its last input is there: it sees the input's value without having been told of it.
#[test]
fn claim_against_last_arrival() {
    model(|| {
        let world = one_input();
        world.link_inputs(1);
        together(&world, &[|world| world.end(0, State::Finished), |world| world.claim(1)]);
        assert_eq!(world.node(1).runs.load(SeqCst), 1);
        world.release(1);
        world.all_over();
    });
}

/// A waiter runs the very task it waits for while a worker takes it from its queue and somebody cancels it: `walk::claim` counts a
/// reference for the entry in the queue.
#[test]
fn claim_against_run_against_cancel() {
    model(|| {
        let world = World::new(vec![node(&[], 0)]);
        world.node(0).life.retain();
        together(
            &world,
            &[
                |world| world.run(0),
                |world| world.cancels(0),
                |world| {
                    world.claim(0);
                    world.let_go(0);
                },
            ],
        );
        world.release(0);
        world.all_over();
    });
}

// ---- forwarding ------------------------------------------------------------------------------------------------------

/// Node 1 runs and is about to return node 0, of which it has taken the handle.
fn forwarding() -> Arc<World> {
    let world = World::new(vec![running(&[]), running(&[])]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world
}

#[test]
fn forward_against_completion() {
    model(|| {
        let world = forwarding();
        together(&world, &[|world| world.end(0, State::Finished), |world| world.forward_to(1, 0)]);
        assert_eq!(world.value(1), VALUE);
        world.release(1);
        world.all_over();
    });
}

#[test]
fn forward_against_failure() {
    model(|| {
        let world = forwarding();
        together(&world, &[|world| world.end(0, State::Error), |world| world.forward_to(1, 0)]);
        assert_eq!(world.node(1).dependents.closed().map(State::of), Some(State::Error));
        world.release(1);
        world.all_over();
    });
}

#[test]
fn forward_against_cancel() {
    model(|| {
        let world = forwarding();
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| world.cancels(1),
                |world| {
                    // A settled task never takes its input: `forward_to` lets go of it itself.
                    world.forward_to(1, 0);
                },
            ],
        );
        world.release(1);
        let node = world.node(1);
        assert_eq!((node.closings.load(SeqCst), node.frees.load(SeqCst)), (1, 1));
        assert_eq!(world.node(0).frees.load(SeqCst), 1);
    });
}

#[test]
fn forward_against_two_cancels() {
    model(|| {
        let world = forwarding();
        world.end(0, State::Finished);
        together(
            &world,
            &[
                |world| world.cancels(1),
                |world| world.cancels(1),
                |world| {
                    world.forward_to(1, 0);
                },
            ],
        );
        world.release(1);
        assert_eq!(world.node(1).closings.load(SeqCst), 1);
        assert_eq!((world.node(0).frees.load(SeqCst), world.node(1).frees.load(SeqCst)), (1, 1));
    });
}

// ---- walks -----------------------------------------------------------------------------------------------------------

/// Node 1 waits for node 0, which is queued and which nobody else wants; node 0's line lives again when it is freed.
fn queued_input() -> Arc<World> {
    let mut input = node(&[], 0);
    input.reborn = true;
    let world = World::new(vec![input, node(&[0], 1)]);
    assert_eq!(world.node(0).life.take(id(0)), Some(false));
    world.link_inputs(1);
    world
}

/// `walk::needs` on node 1: what it sees of node 0 must be its first life.
fn walk(world: &World) {
    if world.node(1).life.pin(id(1)) {
        world.open_inputs(1, |input| assert_eq!(world.node(input).frees.load(SeqCst), 0));
        world.let_go(1);
    }
}

/// Both have ended once and were freed once, and the next life of node 0's line is whole.
fn both_over(world: &World) {
    for node in &world.nodes {
        assert_eq!((node.closings.load(SeqCst), node.frees.load(SeqCst)), (1, 1));
    }
    let again = &world.node(0).life;
    assert!(
        matches!(again.end(Id::new(Kind::Small, 0, 3), false), Ended::Last { .. }),
        "the next life is whole"
    );
    assert!(again.leave());
}

#[test]
fn walk_against_cancel_and_reuse() {
    model(|| {
        let world = queued_input();
        together(
            &world,
            &[walk, |world| {
                world.cancels(1);
                world.release(1);
                world.run(0);
            }],
        );
        both_over(&world);
    });
}

#[test]
fn walk_against_cancel_against_run() {
    model_with(2, || {
        let world = queued_input();
        together(
            &world,
            &[
                |world| world.run(0),
                |world| {
                    world.cancels(1);
                    world.release(1);
                },
                walk,
            ],
        );
        both_over(&world);
    });
}

/// The two words alone that `walk::open_inputs` goes by: the gate of the task and the life of its input. The task is settled and lets go of the
/// input, whose line lives again: a walker joins the first life or none.
#[test]
fn walk_against_settle_and_reuse() {
    model(|| {
        let words = loom::sync::Arc::new((Gate::new(0), Life::new()));
        assert_eq!(words.1.begin(), 1);
        assert_eq!(words.1.take(id(0)), Some(false));
        let let_go = |life: &Life| {
            if life.leave_unless_last() && life.leave() {
                assert_eq!(life.begin(), 3);
            }
        };
        let other = words.clone();
        let walker = thread::spawn(move || {
            let (gate, life) = &*other;
            let seen = life.peek();
            if !gate.is_settled() && life.join(seen) {
                assert_eq!(life.count(), 1, "the walker joined what is no input of the task");
                let_go(life);
            }
        });
        let (gate, life) = &*words;
        assert_eq!(gate.settle(), Settled::Idle);
        let_go(life);
        walker.join().unwrap();
        assert_eq!(life.count(), 2);
    });
}

#[test]
fn walk_against_arrival() {
    model(|| {
        let world = one_input();
        world.link_inputs(1);
        together(
            &world,
            &[
                |world| world.end(0, State::Finished),
                |world| {
                    assert!(world.node(1).life.pin(id(1)));
                    world.open_inputs(1, |_| ());
                    world.let_go(1);
                },
            ],
        );
        assert_eq!(world.node(1).runs.load(SeqCst), 1);
        world.release(1);
        world.all_over();
    });
}

// ---- callbacks -------------------------------------------------------------------------------------------------------

/// A running node, of which `handles` references more than the handle's are counted, and watches for two registrations.
fn called_back(handles: usize) -> Arc<World> {
    let nodes = vec![running(&[])];
    let watches = vec![Watch::registered(0, &nodes), Watch::registered(0, &nodes)];
    (0..handles).for_each(|_| nodes[0].life.retain());
    Arc::new(World { nodes, watches })
}

/// Registered before all else, so that only its call is raced for.
fn registered() -> Arc<World> {
    let world = called_back(1);
    world.on_done(0);
    world
}

fn all_called(world: &World, calls: u32) {
    assert_eq!(world.node(0).calls.load(SeqCst), calls, "each registration is called once");
    assert!(world.node(0).on_done.lock().unwrap().is_empty());
    world.all_over();
}

#[test]
fn call_against_release() {
    model(|| {
        let world = registered();
        together(&world, &[|world| world.end(0, State::Finished), |world| world.release(0)]);
        all_called(&world, 1);
    });
}

#[test]
fn two_calls_against_release() {
    model(|| {
        let world = called_back(2);
        world.on_done(0);
        world.on_done(1);
        together(&world, &[|world| world.end(0, State::Error), |world| world.release(0)]);
        all_called(&world, 2);
    });
}

/// The last handle goes while another thread has the future's end in its hands but has not told the watch yet.
#[test]
fn call_against_cancel_against_release() {
    model_with(2, || {
        let world = registered();
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.cancels(0), |world| world.release(0)],
        );
        all_called(&world, 1);
    });
}

#[test]
fn registration_against_completion() {
    model(|| {
        let world = called_back(1);
        together(&world, &[|world| world.end(0, State::Finished), |world| world.on_done(0)]);
        world.release(0);
        all_called(&world, 1);
    });
}

#[test]
fn registration_against_completion_against_release() {
    model_with(2, || {
        let world = called_back(1);
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.on_done(0), |world| world.release(0)],
        );
        all_called(&world, 1);
    });
}

#[test]
fn two_registrations_against_completion() {
    model_with(2, || {
        let world = called_back(2);
        together(
            &world,
            &[|world| world.end(0, State::Finished), |world| world.on_done(0), |world| world.on_done(1)],
        );
        world.release(0);
        all_called(&world, 2);
    });
}

// ---- watches ---------------------------------------------------------------------------------------------------------

/// A running node with `linked` watches in its list, of `watches`.
fn watched(watches: usize, linked: usize) -> Arc<World> {
    let world = Arc::new(World {
        nodes: vec![running(&[])],
        watches: std::iter::repeat_with(Watch::new).take(watches).collect(),
    });
    for watch in 0..linked {
        assert_eq!(world.node(0).dependents.link(watch_edge(watch), &world.watches[watch].link), Ok(()));
    }
    world
}

/// `Watching::end`.
fn end_watch(world: &World, watch: usize) {
    if world.node(0).dependents.unlink(watch_edge(watch), |edge| world.link_of(edge)) {
        world.watches[watch].tell();
    }
}

/// `Watch::begin`.
fn begin_watch(world: &World, watch: usize) {
    world.watches[watch].memory.with_mut(|_| ());
    if world.node(0).dependents.link(watch_edge(watch), &world.watches[watch].link).is_err() {
        assert_eq!(world.value(0), VALUE, "who is refused may read the result");
        world.watches[watch].tell();
    }
}

fn all_told(world: &World) {
    for watch in &world.watches {
        assert_eq!(watch.told.load(SeqCst), 1, "a watch is told, taken back or refused");
    }
}

// Two threads each: a third that spins on the lock bit would make the interleavings endless.

#[test]
fn unlink_against_close() {
    model(|| {
        let world = watched(2, 2);
        together(&world, &[|world| end_watch(world, 0), |world| world.end(0, State::Finished)]);
        all_told(&world);
    });
}

#[test]
fn unlink_against_link_and_close() {
    model(|| {
        let world = watched(2, 1);
        together(
            &world,
            &[
                |world| end_watch(world, 0),
                |world| {
                    begin_watch(world, 1);
                    world.end(0, State::Finished);
                },
            ],
        );
        all_told(&world);
    });
}

#[test]
fn unlink_against_unlink() {
    model(|| {
        let world = watched(3, 3);
        together(&world, &[|world| end_watch(world, 0), |world| end_watch(world, 1)]);
        world.end(0, State::Finished);
        all_told(&world);
    });
}

/// A future that is done and pending again: what was in its list then is not in it now, and who takes his watch back finds nothing.
#[test]
fn unlink_against_close_and_reopen() {
    model(|| {
        let world = watched(2, 1);
        together(
            &world,
            &[
                |world| end_watch(world, 0),
                |world| {
                    world.end(0, State::Error);
                    world.node(0).dependents.begin();
                    let watch = &world.watches[1];
                    assert_eq!(world.node(0).dependents.link(watch_edge(1), &watch.link), Ok(()));
                },
            ],
        );
        end_watch(&world, 1);
        all_told(&world);
    });
}

#[test]
fn links_against_close() {
    model(|| {
        let world = watched(2, 0);
        together(
            &world,
            &[
                |world| begin_watch(world, 0),
                |world| begin_watch(world, 1),
                |world| {
                    world.end(0, State::Finished);
                },
            ],
        );
        all_told(&world);
    });
}
