//! What is not done and why: a look at all of a client's futures, while others run, fail and free them.
//!
//! Nobody is stopped for it: what is told of each future was true when it was looked at. No lock is held meanwhile, so who has blocked
//! everything else can be looked at, too.

use super::cascade::Cascade;
use super::node::NodePtr;
use super::walk::{Ref, open_inputs};
use super::{State, extra, key, lane, state_of_node, timer, trace, waiting};
use crate::scheduler::{Local, find_number};
use crate::slab::{Class, for_each_line};
use serde::Serialize;
use std::collections::HashMap;
use std::time::Instant;

/// Inputs that are named of one future; of the others is told how many there are.
const INPUTS: usize = 100;

/// A future that is not done.
#[derive(Serialize)]
pub(crate) struct OpenFuture {
    key: String,
    state: &'static str,
    /// The thread that runs it, where a trace knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<WaitsFor>,
}

/// What a future waits for. Reasons of other kinds come beside these.
#[derive(Default, Serialize)]
pub(crate) struct WaitsFor {
    /// It is ready.
    #[serde(skip_serializing_if = "is_false")]
    worker: bool,
    /// It is ready, and waits for somebody to pull it from the lane of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<String>,
    /// The resources it needs to run, as they are written in options.
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<String>,
    /// The keys of inputs that are not done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<String>,
    /// Inputs that are not named.
    #[serde(skip_serializing_if = "is_zero")]
    omitted: usize,
    /// It failed, and is run again in so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in_s: Option<f64>,
    /// It ran, and returned this future, whose result becomes its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<String>,
}

/// A task that is suspended in a wait.
#[derive(Serialize)]
pub(crate) struct SuspendedTask {
    key: String,
    thread: String,
    /// Those beneath it on its thread's stack, each of which waits for the one before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beneath: Vec<String>,
    until: &'static str,
    /// The wait has a timeout.
    timed: bool,
    waits_for: WaitsFor,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}

impl WaitsFor {
    fn inputs(inputs: &[Ref]) -> Self {
        let named = inputs.iter().take(INPUTS).map(|input| key_of(input.node())).collect();
        Self { inputs: named, omitted: inputs.len().saturating_sub(INPUTS), ..Self::default() }
    }
}

/// Visits what is not done of the client with this number.
pub(crate) fn for_each_open(client: u32, mut visit: impl FnMut(OpenFuture)) {
    let running = trace::running(client);
    for class in [Class::Small, Class::Large] {
        for_each_line(class, |line| {
            let node = NodePtr::of(line);
            let seen = node.life.peek();
            if node.client() != client || node.dependents.closed().is_some() || !node.life.join(seen) {
                return;
            }
            // Looked at again now that it cannot become another one.
            if node.client() == client
                && let Some(open) = look(node, &running)
            {
                visit(open);
            }
            Local::with(|local| {
                let mut cascade = Cascade::new(local);
                cascade.let_go(node);
                cascade.run();
            });
        });
    }
}

/// A node that the caller counts a reference on; `None`: it is done.
fn look(node: NodePtr, running: &HashMap<u64, String>) -> Option<OpenFuture> {
    let inputs = open_inputs(node);
    let (state, waits_for) = match state_of_node(node) {
        State::Pending if !inputs.is_empty() => ("pending", Some(WaitsFor::inputs(&inputs))),
        // Waits for its next run; or is being linked, or was just told.
        State::Pending if !node.gate.is_ready() => {
            let left =
                timer::due(node).map(|due| due.saturating_duration_since(Instant::now()).as_secs_f64());
            ("pending", left.map(|left| WaitsFor { retry_in_s: Some(left), ..WaitsFor::default() }))
        }
        State::Pending if node.gate.is_on_lane() => {
            let lane = lane::name_of(node);
            ("pending", Some(WaitsFor { lane, ..WaitsFor::default() }))
        }
        State::Pending => {
            let resources = extra::need(node)
                .and_then(|need| find_number(node.client()).map(|core| core.resources().text_of(&need)));
            ("pending", Some(WaitsFor { worker: true, resources, ..WaitsFor::default() }))
        }
        State::Running => {
            let returned = inputs.first().map(|input| key_of(input.node()));
            ("running", returned.map(|key| WaitsFor { returned: Some(key), ..WaitsFor::default() }))
        }
        _ => return None,
    };
    let thread = running.get(&node.number()).cloned();
    Some(OpenFuture { key: key_of(node), state, thread, waits_for })
}

/// The suspended tasks of the client with this number.
pub(crate) fn suspended(client: u32) -> Vec<SuspendedTask> {
    let waits = waiting::suspended();
    let of_client = waits.into_iter().filter(|wait| wait.tasks[0].node().client() == client);
    let told = of_client.map(|wait| SuspendedTask {
        key: key_of(wait.tasks[0].node()),
        beneath: wait.tasks[1..].iter().map(|task| key_of(task.node())).collect(),
        thread: wait.thread.name().unwrap_or("?").to_owned(),
        until: match wait.until {
            waiting::Until::AllCompleted => "all are completed",
            waiting::Until::FirstCompleted => "the first is completed",
            waiting::Until::FirstError => "the first is an error",
        },
        timed: wait.is_timed,
        waits_for: WaitsFor::inputs(&wait.open),
    });
    told.collect()
}

fn key_of(node: NodePtr) -> String {
    key::of(node).to_string_lossy().into_owned()
}
