//! Several outputs: how each begins, gets its value, fails, and ends early.
//!
//! The steps run on behalf of a hub: a node that nobody has a handle of, which each output takes as an input, but by an edge that is never
//! linked, and which the figures do not count. When it begins, so do the outputs. One that has ended is no business of the run any more, until it
//! is retried. The hub ends with the last output's value, or when nobody refers to it.

use super::interpret::{At, push};
use super::run::{NO_RECORDS, Run, end_counted, over_in};
use super::several::{Begun, Several, Taker, Visit};
use super::{Number, Program, Step, awaited};
use crate::future::cascade::{Cascade, end_unstarted};
use crate::future::error::{Ending, Error};
use crate::future::extra;
use crate::future::instantiate::publishing;
use crate::future::node::{Block, NodePtr, Shape};
use crate::scheduler::{Job, Local, client_id};
use crate::slab::Class;
use crate::status::{self, Failure, Result};
use crate::value::Value;
use std::ptr::NonNull;
use std::sync::Arc;

/// What a node is to a program with several outputs; kept [beside it](extra::Extra::role).
#[derive(Clone)]
pub(crate) enum Role {
    Hub(Arc<Several>),
    Output(Arc<Several>, usize),
}

impl Role {
    /// As what the node, on which the caller counts a reference, takes part.
    pub(crate) fn of(node: NodePtr) -> Option<Self> {
        extra::peek(node, |extra| extra.role.clone()).flatten()
    }
}

/// Makes the futures of a program's outputs, with a handle each in `out`, and the task of their hub, which is ready.
pub(crate) fn prepare_several(
    program: &Arc<Program>,
    local: &Local,
    client: u32,
    out: &mut [u64],
) -> Result<Job> {
    debug_assert!(out.len() == program.n_outputs());
    // See there: the hub is known before the outputs that take it.
    let _publishing = publishing();
    local.enter(client_id(client))?;
    let (hub, nodes) = take_nodes(local, out.len())?;
    let several = Several::new(program.clone());
    let run = Run::make(program, hub, client, Some(several.clone())).inspect_err(|_| {
        nodes.iter().chain([&hub]).for_each(|node| local.magazine(Class::Small).put(node.line()));
    })?;
    hub.begin(client, Some(program.get(program.outputs[0]).function), Shape::HUB);
    hub.set_block(Block::new(hub, vec![run], Vec::new()));
    hub.dependents.begin();
    hub.gate.open();
    extra::with(hub, |extra| extra.role = Some(Role::Hub(several.clone())));
    hub.life.begin_unheld(out.len() as u32);
    local.tally(client, |tally| tally.submitted.add(out.len() as u64));
    local.count_handles(out.len() as u64);
    for (index, (&node, id)) in nodes.iter().zip(out).enumerate() {
        let step = program.get(program.outputs[index]);
        node.begin(client, Some(step.function), Shape::OUTPUT);
        // The edge is never linked: the hub is no input to be waited for.
        node.set_block(Block::new(node, Vec::new(), vec![hub]));
        node.dependents.begin();
        node.gate.open();
        extra::with(node, |extra| {
            extra.name = program.name(step).map(ToOwned::to_owned);
            extra.role = Some(Role::Output(several.clone(), index));
        });
        *id = node.id(Class::Small, node.life.begin()).0;
    }
    several.made(&nodes);
    Ok(hub.to_word() as Job)
}

/// Lines for a hub and its outputs, or none.
fn take_nodes(local: &Local, n_outputs: usize) -> Result<(NodePtr, Vec<NodePtr>)> {
    let mut nodes = Vec::with_capacity(n_outputs + 1);
    while nodes.len() <= n_outputs {
        let Some(line) = local.magazine(Class::Small).take() else {
            nodes.iter().for_each(|node: &NodePtr| local.magazine(Class::Small).put(node.line()));
            return Err(Failure::new(status::NOMEM, "no memory for the futures of a graph"));
        };
        nodes.push(NodePtr::of(line));
    }
    Ok((nodes.pop().expect("one more than outputs"), nodes))
}

/// Begins with a hub that the caller has claimed.
///
/// # Safety
/// The run is the hub's.
pub(super) unsafe fn begin_hub(run: NonNull<Run>, local: &Local, mut cascade: Cascade<'_>) -> Option<Job> {
    // SAFETY: the block keeps it until the hub has ended.
    let this = unsafe { run.as_ref() };
    let (node, several) = (this.node, this.several.as_ref().expect("it has a hub"));
    let client = node.client();
    // It was counted as a function that has begun.
    local.tally(client, |tally| tally.started.sub(1));
    if !several.open(run) {
        cascade.begin_telling();
        cascade.end_run(node);
        return cascade.run();
    }
    for (index, output) in several.take_entries().into_iter().enumerate() {
        if output.gate.start() {
            local.tally(client, |tally| tally.started.add(1));
            if let Some(visit) = begin_output(several, index, output, &mut cascade) {
                visit.end(&mut cascade);
            }
        } else {
            cascade.let_go_entry(output);
        }
    }
    let next = cascade.run();
    go_on(this, local);
    // SAFETY: the credit that came with the opening.
    unsafe { Run::give(run, 1) };
    next
}

/// Begins with an output that the caller has claimed: after a retry, or for who waits for it, before its hub.
pub(super) fn begin(node: NodePtr, local: &Local, mut cascade: Cascade<'_>) -> Option<Job> {
    let Some(Role::Output(several, index)) = Role::of(node) else { unreachable!("its shape says so") };
    let visit = begin_output(&several, index, node, &mut cascade);
    let next = cascade.run();
    if let Some(visit) = visit {
        go_on(visit.run(), local);
        let mut cascade = Cascade::new(local);
        visit.end(&mut cascade);
        cascade.run();
    }
    next
}

/// Begins with an output, or ends it here and now.
fn begin_output(several: &Several, index: usize, node: NodePtr, cascade: &mut Cascade<'_>) -> Option<Visit> {
    let (begun, visit) = several.begin(index, node);
    match begun {
        Begun::Runs => {}
        Begun::Unwanted => over_in(node, cascade),
        Begun::TooLate => fail(node, &Ending::closed(node), cascade),
        Begun::HasValue => {
            let run = visit.as_ref().expect("it was looked at").run();
            hand_over(run, several, index, cascade);
        }
    }
    visit
}

/// Goes on with what there is to go on with in a run of several outputs. The caller has a credit.
fn go_on(run: &Run, local: &Local) {
    let client = run.client;
    match run.first_jobs() {
        Some(jobs) => {
            run.add_credits(jobs.len() as u64);
            push(client, &jobs, local);
        }
        None => {
            let error = Error::new(run.node, status::NOMEM, 0, 1, NO_RECORDS);
            let mut cascade = Cascade::new(local);
            end_all(run, &Ending::Failed(error), &mut cascade);
            cascade.run();
        }
    }
}

/// Ends all outputs that have no value.
fn end_all(run: &Run, ending: &Ending, cascade: &mut Cascade<'_>) {
    let several = run.several.as_ref().expect("it has a hub");
    end_those(several, 0..run.program.n_outputs(), ending, cascade);
}

fn end_those(
    several: &Several,
    outputs: impl IntoIterator<Item = usize>,
    ending: &Ending,
    cascade: &mut Cascade<'_>,
) {
    // What is retried from here on is not ours to end.
    cascade.begin_telling();
    let (running, others) = several.end(outputs.into_iter());
    for node in running {
        fail(node, ending, cascade);
    }
    for other in others {
        // What takes it has been counted as ended too, so this does not come here again.
        cascade.settle(other.node(), ending);
    }
}

/// Ends the run of an output so.
fn fail(node: NodePtr, ending: &Ending, cascade: &mut Cascade<'_>) {
    cascade.begin_telling();
    // A retry of one is for all that have failed with it.
    if let Some(error) = ending.error().filter(|error| error.is_retryable) {
        error.follow(node);
    }
    end_counted(node, cascade, |cascade| cascade.fail(node, ending.clone()));
}

/// The value of an output's step is in its record: the output gets its own.
fn hand_over(run: &Run, several: &Several, index: usize, cascade: &mut Cascade<'_>) {
    let number = run.program.outputs[index];
    let node = match taker(several, index, true, cascade) {
        Taker::Node(node) => node,
        Taker::Gone => return run.records().count_one_read(&run.program, number),
        Taker::Later | Taker::None => return,
    };
    // SAFETY: who has taken the output reads for it, which nobody has done before.
    let value = unsafe { run.records().get(number).value() }.share();
    match value {
        Ok(mut value) => {
            finish(run, several, index, node, &mut value, cascade);
            run.records().count_one_read(&run.program, number);
        }
        Err(why) => {
            let error = Error::new(node, why.status, 0, 1, why.message.as_bytes());
            let ending = Ending::Failed(error);
            end_those(several, several.reached_from(index), &ending, cascade);
            fail(node, &ending, cascade);
        }
    }
}

/// Who takes the value of an output.
fn taker(several: &Several, index: usize, is_kept: bool, cascade: &mut Cascade<'_>) -> Taker {
    let (taker, ended) = several.taker(index, is_kept);
    if let Some(node) = ended {
        over_in(node, cascade);
    }
    taker
}

/// Finishes an output that the caller has taken.
fn finish(
    run: &Run,
    several: &Several,
    index: usize,
    node: NodePtr,
    value: &mut Value,
    cascade: &mut Cascade<'_>,
) {
    if several.count_value(index) {
        // Before the output lets go of it.
        cascade.finish_uncounted(run.node);
        let is_over = run.close_hub();
        debug_assert!(!is_over, "the caller has a credit");
    }
    end_counted(node, cascade, |cascade| cascade.finish_wanted(node, value));
}

// ---- by who is at a step ----

impl At<'_> {
    /// The step of one of several outputs has a value.
    #[cold]
    pub(super) fn complete_output(
        self,
        several: &Several,
        number: Number,
        step: &Step,
        mut value: Value,
    ) -> Option<Job> {
        let (run, index) = (self.run, step.output as usize - 1);
        let mut cascade = Cascade::new(self.local);
        if step.n_dependents == 0 {
            match taker(several, index, false, &mut cascade) {
                Taker::Node(node) => {
                    finish(run, several, index, node, &mut value, &mut cascade);
                    run.records().count_read(&run.program, step);
                    cascade.run();
                    return self.pass_on_late(step);
                }
                Taker::Later => {}
                Taker::Gone | Taker::None => {
                    self.local.bury(value);
                    cascade.run();
                    return self.park(number);
                }
            }
        }
        run.records().set(number, value);
        run.records().count_read(&run.program, step);
        // The output may have begun only now.
        hand_over(run, several, index, &mut cascade);
        cascade.run();
        self.pass_on_late(step)
    }

    /// The outputs that cannot be without this step end so.
    #[cold]
    pub(super) fn end_reached(self, several: &Several, number: Number, ending: &Ending) {
        let mut cascade = Cascade::new(self.local);
        end_those(several, self.run.program.outputs_reached(number), ending, &mut cascade);
        awaited::give_up(self.run.node, &mut cascade, |number| !several.needs(number));
        cascade.run();
    }

    /// Ends all outputs, and the hub.
    #[cold]
    pub(super) fn end_all(self, ending: &Ending) {
        let mut cascade = Cascade::new(self.local);
        end_all(self.run, ending, &mut cascade);
        cascade.settle(self.run.node, ending);
        cascade.run();
    }
}

// ---- by who ends or retries an output ----

/// A node was settled, while it ran or before. The caller counts a reference.
#[cold]
pub(crate) fn settled(node: NodePtr, while_running: bool, ending: &Ending, cascade: &mut Cascade<'_>) {
    match Role::of(node) {
        None => {}
        Some(Role::Hub(several)) => {
            if let Some(run) = several.end_hub() {
                // SAFETY: until its hub's credit is given back.
                if unsafe { run.as_ref() }.close_hub() {
                    over_in(node, cascade);
                }
            }
        }
        Some(Role::Output(several, index)) => {
            let (is_ours, visit) = several.settled(index, while_running, ending.is_released());
            if is_ours {
                over_in(node, cascade);
            }
            if !ending.is_released() {
                // To those that take it, it has failed.
                end_those(&several, several.reached_from(index), ending, cascade);
            }
            if let Some(visit) = visit {
                awaited::give_up(visit.hub(), cascade, |number| !several.needs(number));
                visit.end(cascade);
            }
        }
    }
}

/// A node is about to be pending again, after a retry.
pub(crate) fn reopened(node: NodePtr) {
    if node.shape() == Shape::OUTPUT
        && let Some(Role::Output(several, index)) = Role::of(node)
    {
        several.reopened(index);
    }
}

/// The run is gone. What has not begun never will, and what has never gets its value.
pub(super) fn end_rest(several: &Several) {
    let (entries, running) = several.end_rest();
    if entries.is_empty() && running.is_empty() {
        return;
    }
    Local::with(|local| {
        let mut cascade = Cascade::new(local);
        for node in entries {
            end_unstarted(node, &mut cascade, || Ending::closed(node));
        }
        for node in running {
            fail(node, &Ending::closed(node), &mut cascade);
        }
        cascade.run();
    });
}
