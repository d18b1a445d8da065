//! Programs with several outputs: which of them still need a step.
//!
//! Each output is a future of its own, so one may fail, be cancelled or be released while the others go on. What is kept here is common to
//! the [run](Run) and to the outputs' entries in the [table of extras](crate::future::extra), because either may be gone before the other. A step
//! is needed as often as needed steps take it, and once more if it is a needed output; nobody counts before the first output has ended early.

use super::awaited::awaited;
use super::run::over_in;
use super::{Number, Program, Run};
use crate::future::cascade::Cascade;
use crate::future::key;
use crate::future::node::NodePtr;
use crate::future::walk::Ref;
use parking_lot::Mutex;
use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// See the module.
pub(crate) struct Several {
    program: Arc<Program>,
    /// By how many each step is needed. Written under the lock. Relaxed: who reads it without, runs a step that nobody needs any more, or
    /// [looks again](Self::park).
    needs: OnceLock<Box<[AtomicU32]>>,
    state: Mutex<State>,
}

struct State {
    outputs: Vec<Output>,
    /// How many outputs have no value yet.
    n_left: usize,
    hub: Hub,
    /// Steps that were ready when nobody needed them, and steps that failed: where a retry goes on.
    parked: Vec<Number>,
    /// Until the hub begins: each output is ready, as if it were in a queue, and is to be treated like an entry of one.
    has_entries: bool,
}

/// The node that stands for the run. Nobody has a handle of it; each output takes it as an input.
enum Hub {
    /// It has not begun.
    Idle,
    /// It runs, and [counts](super::credits) as such.
    Open(OpenRun),
    Ended,
}

/// A run that is there as long as its hub is open.
#[derive(Clone, Copy)]
struct OpenRun(NonNull<Run>);

// SAFETY: a run is shared by the threads that have credits.
unsafe impl Send for OpenRun {}

struct Output {
    /// Its node, and the life of it that the output is.
    node: NodePtr,
    life: u64,
    /// Whether somebody waits for its value.
    is_needed: bool,
    /// From when it was begun to when somebody has [taken](Self::take_run) it upon himself to end its run.
    runs: bool,
    /// Its step has left a value in its record.
    has_value: bool,
    /// Nobody refers to it any more.
    is_gone: bool,
}

impl Output {
    /// Its node if it runs: to end the run is the caller's from now on.
    fn take_run(&mut self) -> Option<NodePtr> {
        std::mem::take(&mut self.runs).then_some(self.node)
    }
}

/// A credit of a run and a reference on its hub, taken by who had none, and to be [given back](Self::end).
#[must_use]
pub(super) struct Visit {
    run: NonNull<Run>,
    /// The credit keeps the run only: a hub that has finished may be gone before the last credit.
    hub: Ref,
}

impl Visit {
    pub(super) fn run(&self) -> &Run {
        // SAFETY: the credit.
        unsafe { self.run.as_ref() }
    }

    pub(super) fn hub(&self) -> NodePtr {
        self.hub.node()
    }

    /// Ends the visit as part of what the caller does.
    pub(super) fn end(self, cascade: &mut Cascade<'_>) {
        let hub = self.hub.into_node();
        // SAFETY: the credit, and the run is not used any more.
        if unsafe { Run::give_up(self.run, 1) } {
            over_in(hub, cascade);
        }
        cascade.let_go(hub);
    }
}

/// What an output that begins turns out to be.
pub(super) enum Begun {
    /// It waits for its step.
    Runs,
    /// It waits, and its step has a value already.
    HasValue,
    /// The caller ends its run: it was settled meanwhile.
    Unwanted,
    /// The run is over, since the client is closed.
    TooLate,
}

/// Who takes the value of an output's step.
pub(super) enum Taker {
    /// This node, whose run is the caller's to end from now on.
    Node(NodePtr),
    /// Nobody yet: somebody is about to begin the output anew, and looks for the value in the record.
    Later,
    /// Nobody, unless the output is retried.
    None,
    /// Nobody ever.
    Gone,
}

impl Several {
    /// Without outputs, until they are [made](Self::made).
    pub(super) fn new(program: Arc<Program>) -> Arc<Self> {
        let state = State {
            outputs: Vec::new(),
            n_left: program.n_outputs(),
            hub: Hub::Idle,
            parked: Vec::new(),
            has_entries: false,
        };
        Arc::new(Self { program, needs: OnceLock::new(), state: Mutex::new(state) })
    }

    /// The outputs are these nodes, whose lives have begun, but which nobody knows yet.
    pub(super) fn made(&self, nodes: &[NodePtr]) {
        let output = |&node: &NodePtr| Output {
            node,
            life: node.life.peek(),
            is_needed: true,
            runs: false,
            has_value: false,
            is_gone: false,
        };
        let mut state = self.state.lock();
        state.outputs = nodes.iter().map(output).collect();
        state.has_entries = true;
    }

    // ---- the hub ----

    /// The hub, claimed by the caller, begins; the caller has a credit from now on. `false`: it was settled meanwhile, and the caller ends its run.
    #[must_use]
    pub(super) fn open(&self, run: NonNull<Run>) -> bool {
        // SAFETY: the block of the hub keeps it, and the hub runs.
        let this = unsafe { run.as_ref() };
        let mut state = self.state.lock();
        // Who settles it comes here after that, so one of the two finds the other.
        let is_wanted = this.node.dependents.is_wanted();
        if is_wanted {
            this.open_hub();
            // Counted before anybody can end the hub, and with it the run.
            this.add_credits(1);
            state.hub = Hub::Open(OpenRun(run));
        }
        is_wanted
    }

    /// The hub has ended. The run that was open until now, if it was.
    pub(super) fn end_hub(&self) -> Option<NonNull<Run>> {
        match std::mem::replace(&mut self.state.lock().hub, Hub::Ended) {
            Hub::Open(OpenRun(run)) => Some(run),
            Hub::Idle | Hub::Ended => None,
        }
    }

    /// The hub, if it is open.
    pub(crate) fn hub(&self) -> Option<Ref> {
        match self.state.lock().hub {
            // SAFETY: see `OpenRun`; and its node has references as long as it is open.
            Hub::Open(OpenRun(run)) => Some(Ref::new(unsafe { run.as_ref() }.node)),
            Hub::Idle | Hub::Ended => None,
        }
    }

    /// The nodes that wait for the hub to begin.
    pub(super) fn take_entries(&self) -> Vec<NodePtr> {
        self.state.lock().take_entries()
    }

    /// The run is gone. The nodes that wait for the hub to begin, and those that have begun: their runs are the caller's to end.
    pub(super) fn end_rest(&self) -> (Vec<NodePtr>, Vec<NodePtr>) {
        let mut state = self.state.lock();
        // Who begins an output from now on finds that it is too late.
        state.hub = Hub::Ended;
        let running = state.outputs.iter_mut().filter_map(Output::take_run).collect();
        (state.take_entries(), running)
    }

    // ---- outputs ----

    /// Output `index`, claimed by the caller, begins. With a visit of the run, if that is open.
    pub(super) fn begin(&self, index: usize, node: NodePtr) -> (Begun, Option<Visit>) {
        let mut state = self.state.lock();
        let visit = state.visit();
        let is_over = matches!(state.hub, Hub::Ended);
        let output = &mut state.outputs[index];
        let begun = if !node.dependents.is_wanted() {
            Begun::Unwanted
        } else if is_over {
            Begun::TooLate
        } else {
            output.runs = true;
            if output.has_value { Begun::HasValue } else { Begun::Runs }
        };
        (begun, visit)
    }

    /// Output `index` was settled, `while_running` or before, because it `is_gone` or for another reason. `true`: its run is the caller's to end.
    pub(super) fn settled(&self, index: usize, while_running: bool, is_gone: bool) -> (bool, Option<Visit>) {
        let mut state = self.state.lock();
        let output = &mut state.outputs[index];
        output.is_gone = is_gone;
        let is_ours = while_running && output.take_run().is_some();
        self.forgo(output, index);
        (is_ours, state.visit())
    }

    /// Output `index` was settled before, and is pending again.
    pub(super) fn reopened(&self, index: usize) {
        let output = &mut self.state.lock().outputs[index];
        if !std::mem::replace(&mut output.is_needed, true) {
            self.change(self.program.outputs[index], true);
        }
    }

    /// The outputs that cannot be without output `index`, itself among them.
    pub(super) fn reached_from(&self, index: usize) -> Vec<usize> {
        self.program.outputs_reached(self.program.outputs[index])
    }

    /// Nobody waits for these outputs any more. Of those that are not done already, those that run, whose runs are the caller's to end, and the
    /// others, for the caller to settle.
    pub(super) fn end(&self, outputs: impl Iterator<Item = usize>) -> (Vec<NodePtr>, Vec<Ref>) {
        let mut state = self.state.lock();
        let (mut running, mut others) = (Vec::new(), Vec::new());
        for index in outputs {
            let output = &mut state.outputs[index];
            if output.is_needed {
                self.forgo(output, index);
                match output.take_run() {
                    Some(node) => running.push(node),
                    None => others.extend(Ref::join(output.node, output.life)),
                }
            }
        }
        (running, others)
    }

    /// The step of output `index` has a value, which `is_kept` in its record, or still is the caller's. With the output's node if it was settled
    /// meanwhile, for the caller to end its run.
    pub(super) fn taker(&self, index: usize, is_kept: bool) -> (Taker, Option<NodePtr>) {
        let mut state = self.state.lock();
        let output = &mut state.outputs[index];
        // As one step with the look who takes it: of who runs the step and who begins the output, one hands it over.
        output.has_value |= is_kept;
        let node = output.take_run();
        if let Some(node) = node.filter(|node| node.dependents.is_wanted()) {
            return (Taker::Node(node), None);
        }
        // Who settled it may not have come here yet; or it was retried already.
        if node.is_some_and(|node| node.dependents.closed().is_some()) {
            self.forgo(output, index);
        }
        let taker = match (output.is_needed, output.is_gone) {
            (true, _) => Taker::Later,
            (false, false) => Taker::None,
            (false, true) => Taker::Gone,
        };
        (taker, node)
    }

    /// Output `index`, which the caller has [taken](Self::taker), has its value. `true`: all of them have, and the hub is the caller's to finish.
    pub(super) fn count_value(&self, index: usize) -> bool {
        let mut state = self.state.lock();
        state.outputs[index].is_needed = false;
        state.n_left -= 1;
        let ends_hub = state.n_left == 0 && matches!(state.hub, Hub::Open(_));
        if ends_hub {
            state.hub = Hub::Ended;
        }
        ends_hub
    }

    fn forgo(&self, output: &mut Output, index: usize) {
        if std::mem::replace(&mut output.is_needed, false) {
            self.change(self.program.outputs[index], false);
        }
    }

    /// The key of the output that this step is, if it is one that somebody waits for.
    pub(crate) fn key(&self, step: Number) -> Option<CString> {
        let index = (self.program.get(step).output as usize).checked_sub(1)?;
        // Who ends it has to come here first, so it stays as long as the lock is held.
        let state = self.state.lock();
        let output = &state.outputs[index];
        output.runs.then(|| key::of(output.node))
    }

    // ---- steps ----

    /// Whether any output needs the step.
    #[inline]
    pub(crate) fn needs(&self, step: Number) -> bool {
        self.needs.get().is_none_or(|needs| needs[step.index()].load(Ordering::Relaxed) > 0)
    }

    /// Whether output `index` takes the step, directly or by others.
    pub(crate) fn takes(&self, index: usize, step: Number) -> bool {
        self.program.outputs_reached(step).contains(&index)
    }

    /// What steps that output `index` takes have returned, and wait for.
    pub(crate) fn awaited_for(&self, index: usize) -> Vec<Ref> {
        let hub = self.hub();
        hub.map_or_else(Vec::new, |hub| awaited(hub.node(), |step| self.takes(index, step)))
    }

    /// Leaves a step to a retry. `false`: it is needed again, so the caller runs it.
    #[must_use]
    pub(super) fn park(&self, step: Number) -> bool {
        let mut state = self.state.lock();
        let is_parked = !self.needs(step);
        if is_parked {
            state.parked.push(step);
        }
        is_parked
    }

    /// Takes the parked steps that are needed again.
    pub(super) fn take_needed(&self) -> Vec<Number> {
        let mut state = self.state.lock();
        let (needed, parked) = state.parked.drain(..).partition(|&step| self.needs(step));
        state.parked = parked;
        needed
    }

    /// One use more of a step, or one less. With the first one begins, with the last one ends, a use of each of its inputs.
    fn change(&self, step: Number, is_needed: bool) {
        let uses = || self.program.steps.iter().map(|step| AtomicU32::new(step.uses())).collect();
        let needs = self.needs.get_or_init(uses);
        let mut open = vec![step];
        while let Some(step) = open.pop() {
            let count = &needs[step.index()];
            let before = count.load(Ordering::Relaxed);
            count.store(if is_needed { before + 1 } else { before - 1 }, Ordering::Relaxed);
            if before == u32::from(!is_needed) {
                for arg in self.program.args(self.program.get(step)) {
                    arg.for_each_input(&mut |&input| open.push(input));
                }
            }
        }
    }
}

impl State {
    fn take_entries(&mut self) -> Vec<NodePtr> {
        match std::mem::take(&mut self.has_entries) {
            true => self.outputs.iter().map(|output| output.node).collect(),
            false => Vec::new(),
        }
    }

    fn visit(&self) -> Option<Visit> {
        match self.hub {
            Hub::Open(OpenRun(run)) => {
                // SAFETY: see `OpenRun`; and its node has references as long as it is open.
                let this = unsafe { run.as_ref() };
                this.add_credits(1);
                Some(Visit { run, hub: Ref::new(this.node) })
            }
            Hub::Idle | Hub::Ended => None,
        }
    }
}
