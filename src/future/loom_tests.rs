//! Models of the protocols between the three words of a node: life, gate and dependents.
//!
//! The words are the engine's own types. What surrounds them is a small stand-in for `Node` and `Cascade` that takes the same steps in
//! the same order; each function names the one it mirrors. The stand-in runs a task at once where the engine would queue it, and
//! checks what the engine relies on: loom's cells fail a model when two accesses are not ordered, and the plain counters when
//! something happens twice or never.

mod callbacks;
mod cascade;
mod hub;
mod lane;
mod models;
mod program;
mod reopen;
mod retry;
mod walks;
mod watches;

use super::dependents::{Closed, Dependents, EdgeWord, UNLINKED};
use super::gate::{Arrived, Gate, Reopened, Settled};
use crate::slab::{Ended, Id, Kind, Left, Life};
use crate::sync::{AtomicU64, Ordering, model, model_with};
use cascade::Cascade;
use loom::cell::UnsafeCell;
use loom::sync::{Mutex, RwLock, RwLockReadGuard};
use loom::thread;
use std::cell::Cell;
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
    /// Cancelled, and nobody can retry it.
    Released,
}

/// Stands for an error after which nobody can retry.
const FINAL: u64 = 64;

impl State {
    fn closed(self) -> Closed {
        match self {
            State::Finished => Closed::new(FINISHED, 0),
            State::Error => Closed::new(ERROR, 0),
            State::Cancelled => Closed::new(CANCELLED, 0),
            State::Released => Closed::new(CANCELLED, FINAL),
        }
    }

    fn of(closed: Closed) -> Self {
        match (closed.state(), closed.address()) {
            (FINISHED, _) => State::Finished,
            (ERROR, _) => State::Error,
            (_, FINAL) => State::Released,
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
    /// Those of the inputs that it only comes after, by bits.
    lenient: u32,
    links: [AtomicU64; 2],
    /// Read by whoever uses the node, written by whoever frees it: a use that is not over by then is a data race.
    memory: UnsafeCell<()>,
    value: UnsafeCell<u32>,
    /// Written by whoever gives the inputs back.
    claimed: UnsafeCell<()>,
    /// Whether the recipe is the value in the body. Written where `claimed` is.
    is_late: UnsafeCell<bool>,
    runs: Note,
    /// Retries, of which each allows another run and another end.
    reopenings: Note,
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

/// All nodes of a model. An edge word is `(node + 1) << 8 | index of the link << 4`, a watch's has its lowest bit set, a lenient one's the
/// next.
struct World {
    nodes: Vec<Node>,
    watches: Vec<Watch>,
    /// `retry::TELLING`, in the models that have a retry: for the others it would be more to interleave and nothing else.
    telling: Option<RwLock<()>>,
    /// The run of node 0, in the models of programs.
    run: Option<program::Run>,
}

loom::thread_local! {
    /// How many cascades of this thread hold the lock, which loom does not let a thread take twice.
    static TELLING: Cell<u32> = Cell::new(0);
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
const LENIENT: u64 = 2;

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
        lenient: 0,
        links: [AtomicU64::new(0), AtomicU64::new(0)],
        memory: UnsafeCell::new(()),
        value: UnsafeCell::new(0),
        claimed: UnsafeCell::new(()),
        is_late: UnsafeCell::new(false),
        runs: Note::new(0),
        reopenings: Note::new(0),
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

impl Node {
    fn is_lenient(&self, input: usize) -> bool {
        self.lenient >> input & 1 != 0
    }
}

impl World {
    fn new(nodes: Vec<Node>) -> Arc<Self> {
        Self::with_watches(nodes, Vec::new())
    }

    fn with_watches(nodes: Vec<Node>, watches: Vec<Watch>) -> Arc<Self> {
        Arc::new(Self { nodes, watches, telling: None, run: None })
    }

    /// As [`new`](Self::new), for models with a retry.
    fn with_retries(nodes: Vec<Node>) -> Arc<Self> {
        Arc::new(Self { nodes, watches: Vec::new(), telling: Some(RwLock::new(())), run: None })
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

    /// The edge of an input.
    fn edge(&self, node: usize, input: usize) -> EdgeWord {
        let mark = if self.node(node).is_lenient(input) { LENIENT } else { 0 };
        (node as u64 + 1) << 8 | (input as u64) << 4 | mark
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
        let mut cascade = Cascade {
            world: self,
            lists: Vec::new(),
            unwanted: Vec::new(),
            ready: Vec::new(),
            telling: None,
            is_telling: false,
        };
        let begun = begin(&mut cascade);
        loop {
            if let Some((edges, state)) = cascade.lists.pop() {
                cascade.tell(edges, state);
            } else if let Some(node) = cascade.unwanted.pop() {
                cascade.drop_unwanted(node);
            } else if cascade.is_telling {
                cascade.end_telling();
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
        let closed = this.dependents.closed().expect("a node without references is done");
        assert!(
            State::of(closed) == State::Finished || this.gate.is_forgone(),
            "a future that did not finish has released its inputs"
        );
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
        let is_finished = this.life.is(id(node))
            && this.dependents.closed().is_some_and(|closed| State::of(closed) == State::Finished);
        match this.life.end(id(node), is_finished) {
            Ended::Stale => panic!("the handle is live"),
            Ended::Shared { by_one, .. } => {
                // `handle::forgo_if_unwanted`.
                if by_one && this.gate.is_bound() && this.life.join(this.life.peek()) {
                    self.let_go(node);
                }
            }
            Ended::Last { .. } => self.cascade(|cascade| cascade.let_go_last(node)),
            Ended::Free { .. } => self.free(node),
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

    /// `handle::take_object` of a first handle. `false`: it is shared, and the reference of the handle that it has then is the caller's.
    fn take_object(&self, node: usize) -> bool {
        let this = self.node(node);
        assert!(this.life.pin(id(node)), "the handle is live");
        assert_eq!(self.state(node), Some(State::Finished));
        if this.life.references() != 2 {
            this.life.take(id(node)).expect("nobody else ends the handle");
            self.let_go(node);
            return false;
        }
        this.life.take(id(node)).expect("nobody else ends the handle");
        self.let_go(node);
        if !this.life.leave_if_last() {
            return false;
        }
        // SAFETY: loom checks that nobody looks.
        this.value.with_mut(|value| unsafe { assert_eq!(std::mem::take(&mut *value), VALUE) });
        self.free(node);
        true
    }

    /// How the future has ended, if it has.
    fn state(&self, node: usize) -> Option<State> {
        self.uses(node).dependents.closed().map(State::of)
    }

    /// `walk::open_inputs`; `look` sees each input that is open, with a reference counted.
    fn open_inputs(&self, node: usize, mut look: impl FnMut(usize)) {
        let this = self.uses(node);
        if !this.gate.hold() {
            return;
        }
        let inputs = if this.dependents.is_abandoned() { Vec::new() } else { self.inputs(node) };
        for input in inputs {
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

    /// Every node has ended once, given its inputs back once, and was freed once.
    fn all_over(&self) {
        for node in &self.nodes {
            let ends = 1 + node.reopenings.load(SeqCst);
            assert_eq!(node.closings.load(SeqCst), ends, "a future ends once, and once more for each retry");
            assert_eq!(node.inputs_released.load(SeqCst), 1, "inputs are released once");
            assert_eq!(node.frees.load(SeqCst), 1, "a node is freed once");
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
fn together<T: 'static>(shared: &Arc<T>, threads: &[fn(&T)]) {
    let Some((last, others)) = threads.split_last() else { return };
    let others: Vec<_> = others
        .iter()
        .map(|&body| {
            let shared = shared.clone();
            thread::spawn(move || body(&shared))
        })
        .collect();
    last(shared);
    others.into_iter().for_each(|thread| thread.join().unwrap());
}

/// A running task, to be ended by [`World::end`]: its gate was claimed.
fn running(inputs: &[usize]) -> Node {
    let node = node(inputs, 0);
    assert!(node.gate.start());
    node
}
