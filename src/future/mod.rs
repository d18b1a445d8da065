//! Futures: their body, the states they go through, and the verbs that act on one of them.
//!
//! A future is a [`node`](node::NodePtr) with three protocol words: its *life* (who refers to it, in the slab), its *gate* (what it
//! waits for, who may run or end it) and its *dependents* (whom to tell, and how it ended). `docs/node.md` tells how they play
//! together.

mod argument;
mod cascade;
mod chain;
mod dependents;
mod dispatcher;
pub(crate) mod dump;
mod error;
mod extra;
mod gate;
pub(crate) mod hand_out;
pub(crate) mod handle;
mod held;
mod identity;
mod instantiate;
mod key;
pub(crate) mod lane;
mod node;
mod on_done;
mod options;
mod ordinary;
mod plan;
mod program;
mod read;
mod retry;
mod settle;
mod shortage;
mod sight;
mod spread;
mod step;
mod submit;
mod task;
mod timer;
pub(crate) mod trace;
pub(crate) mod waiting;
pub(crate) mod walk;
mod watch;

#[cfg(all(test, loom))]
mod loom_tests;

pub(crate) use argument::Argument;
pub(crate) use cascade::Cascade;
pub(crate) use chain::Step;
pub(crate) use dispatcher::{await_returned as await_callbacks, is_current as is_dispatcher};
pub(crate) use error::Ending;
pub use hand_out::{HandedBack, HandedOut};
pub(crate) use held::submit;
pub(crate) use instantiate::instantiate;
use node::Inline;
pub(crate) use node::{NodePtr, fits};
pub use on_done::{Callback, on_done};
pub use options::SubmitOptions;
pub(crate) use plan::{Input, MAX_TASKS, OwnedOptions, Plan};
pub(crate) use program::{
    Number, Program, help as help_graph, is_finished_in, prepare as prepare_program, prepare_several,
};
pub(crate) use read::{MAX_ARGUMENTS, MAX_NESTING, at_future, constant, discard, items};
pub(crate) use sight::{Name, Sight};
pub(crate) use submit::{Made, Spec, scatter};
use task::run_queued_child;
pub use task::{Task, current};
pub(crate) use task::{drop_stale_entries, execute};
pub(crate) use waiting::deadlock;
pub(crate) use watch::{Watch, Watcher, Watching};

use crate::log::{log, one_line};
use crate::scheduler::{Job, Local, Work};
use crate::slab::{Class, Id};
use crate::status::{self, Failure, Result, Status};
use crate::value::{Value, kind as value_kind};
use error::state_of;
use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;

/// The states of a future, as `rask_state` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum State {
    /// Waits for its inputs or for a worker.
    Pending = 0,
    /// A worker runs it.
    Running = 1,
    /// Its value is there.
    Finished = 2,
    /// It, or one it depends on, failed.
    Error = 3,
    /// It will never have a value.
    Cancelled = 4,
    /// Its value was lost with a worker of a cluster.
    Lost = 5,
}

/// A task's function.
pub type TaskFn = unsafe extern "C-unwind" fn(*mut Task);

/// What [`error`] tells. The texts are valid until the handle is released.
pub struct ErrorView {
    /// `OK`: the future has no error.
    pub status: Status,
    /// The task's own code.
    pub code: i32,
    /// How often the task it began in was run.
    pub attempts: u32,
    /// In words; null without error.
    pub message: *const c_char,
    /// The key of the task it began in; null without error.
    pub origin: *const c_char,
}

/// What the scheduler does with futures.
pub(crate) fn work() -> Work {
    Work {
        run: task::run,
        discard: |job, local, _| discard_job(job, local),
        is_stale: task::is_stale,
        drop_stale: task::drop_stale,
        cancel_pending,
        closed: client_closed,
        stuck: waiting::resolve_deadlocks,
        settle_up: program::settle_up,
    }
}

/// Ends a job that will not run, because its client is closed.
pub(crate) fn discard_job(job: Job, local: &Local) {
    if program::is_step(job) {
        return program::discard(job, local);
    }
    let mut cascade = Cascade::new(local);
    cascade::discard(NodePtr::from_word(job as u64), &mut cascade);
    cascade.run();
}

/// What is left to do when a client is closed: nobody can retry its futures, if some `has_failed`.
fn client_closed(client: u32, has_failed: bool, local: &Local) {
    timer::await_client(client);
    if has_failed {
        retry::forgo_all(client, local);
    }
}

/// Cancels every future of the client that waits for its inputs; if `nothing_runs` of it any more, also those whose tasks have run and wait
/// for each other's results. Looks at all nodes of the process, since those that wait are in no queue.
fn cancel_pending(client: u32, nothing_runs: bool, local: &Local) {
    instantiate::await_published();
    let waits = |node| match state_of_node(node) {
        State::Pending => true,
        State::Running => nothing_runs,
        _ => false,
    };
    for class in [Class::Small, Class::Large] {
        crate::slab::for_each_line(class, |line| {
            let node = NodePtr::of(line);
            let seen = node.life.peek();
            if node.client() != client || !waits(node) || !node.life.join(seen) {
                return;
            }
            // Looked at again now that it cannot become another one.
            let mut cascade = Cascade::new(local);
            if node.client() == client && waits(node) {
                cascade.settle(node, &Ending::closed(node));
            }
            cascade.let_go(node);
            cascade.run();
        });
    }
}

/// Why futures are cancelled when their client is closed.
pub(crate) const CLIENT_CLOSED: &str = "client closed";

/// Why they are when their lane is.
pub(crate) const LANE_CLOSED: &str = "lane closed";

/// Calls `f` with the node behind a handle, of which a reference is counted meanwhile.
fn with_node<T>(future: u64, f: impl FnOnce(NodePtr, &Local) -> T) -> Result<T> {
    let taken = handle::pin(Id(future))?;
    Ok(Local::with(|local| {
        let result = f(taken.node(), local);
        let mut cascade = Cascade::new(local);
        cascade.let_go(taken.into_node());
        cascade.run();
        result
    }))
}

/// The state of a node that the caller counts a reference on.
pub(crate) fn state_of_node(node: NodePtr) -> State {
    match node.dependents.closed() {
        Some(closed) => state_of(closed),
        None if node.gate.is_started() => State::Running,
        None => State::Pending,
    }
}

/// The state of a future right now.
#[inline]
pub fn state(future: u64) -> Result<State> {
    // A first handle needs no reference: the node's words are read between two looks at its generation.
    let id = Id(future);
    let (line, class) = handle::line(id)?;
    if class != Class::Clone {
        let node = NodePtr::of(line);
        if node.life.is(id) {
            let state = state_of_node(node);
            if node.life.is_still(id) {
                return Ok(state);
            }
        }
    }
    with_node(future, |node, _| state_of_node(node))
}

/// A number or pointer that the future has finished with, if the id is a first handle of the client's: read without counting a reference.
#[inline]
pub(crate) fn peek(id: Id, client: u32) -> Option<(Inline, u64)> {
    let (line, class) = handle::line(id).ok()?;
    let node = NodePtr::of(line);
    if class == Class::Clone || !node.life.is(id) || state_of(node.dependents.closed()?) != State::Finished {
        return None;
    }
    let (word, meta) = (node.get(0), node.get(3));
    if node.client() != client || !node.life.is_still(id) {
        return None;
    }
    match i32::from(meta as u8) {
        value_kind::I64 => Some((Inline::I64, word)),
        value_kind::F64 => Some((Inline::F64, word)),
        value_kind::POINTER => Some((Inline::Pointer, word)),
        _ => None,
    }
}

/// The first handle with this id, at which [`FirstHandle::i64`] is the short way to a small result.
#[inline]
pub(crate) fn first_handle(future: u64) -> Option<FirstHandle> {
    let id = Id(future);
    let (line, class) = handle::line(id).ok()?;
    (class != Class::Clone).then(|| FirstHandle { id, node: NodePtr::of(line) })
}

/// An id that leads to a node's line. Nothing is counted: each use compares generations anew.
#[derive(Clone, Copy)]
pub(crate) struct FirstHandle {
    id: Id,
    node: NodePtr,
}

impl FirstHandle {
    /// The result if the future has finished with an i64.
    #[inline]
    pub(crate) fn i64(self) -> Option<i64> {
        let node = self.node;
        if !node.life.is(self.id) || state_of(node.dependents.closed()?) != State::Finished {
            return None;
        }
        let (word, meta) = (node.get(0), node.get(3));
        (node.life.is_still(self.id) && meta as u8 == value_kind::I64 as u8).then_some(word as i64)
    }

    /// Runs the future's task on top of the one that runs on this thread, if this thread has queued it just before.
    #[inline]
    pub(crate) fn run_child(self, local: &Local) -> bool {
        // A stale handle's line may hold another child of this thread's.
        local.has_stack() && self.node.life.is(self.id) && run_queued_child(self.node, local)
    }
}

/// The outcome of a done node: its value, valid while it has references, or the error's failure; `None` if it is not done.
pub(crate) fn outcome(node: NodePtr) -> Option<Result<*const Value>> {
    let closed = node.dependents.closed()?;
    Some(match submit::error_of(closed) {
        None => Ok(node.value()),
        Some(error) => Err(error.failure()),
    })
}

/// The key; valid until the handle is released.
pub fn key(future: u64) -> Result<*const c_char> {
    with_node(future, |node, _| key::pointer(node))
}

/// The key of the future with this number, which was given neither key nor name, and what it is called.
pub(crate) fn key_of_number(name: &str, number: u64) -> String {
    key::numbered(name.as_bytes(), number).to_string_lossy().into_owned()
}

/// What tasks with the function at this address are called.
pub(crate) fn name_of_function(function: usize) -> String {
    String::from_utf8_lossy(&key::name_of(function)).into_owned()
}

/// One line about the future: key, state and what it holds.
pub fn describe(future: u64) -> Result<String> {
    with_node(future, |node, _| {
        let key = key::of(node);
        let key = key.to_string_lossy();
        let line = match node.dependents.closed() {
            None if node.gate.is_started() => format!("{key}: running"),
            None => format!("{key}: pending"),
            Some(closed) => match submit::error_of(closed) {
                // SAFETY: finished, and the caller of this closure counts a reference.
                None => format!("{key}: finished, {}", unsafe { &*node.value() }.kind_in_words()),
                Some(error) => {
                    let state = if state_of(closed) == State::Cancelled { "cancelled" } else { "error" };
                    format!("{key}: {state}, {}", error.failure().message)
                }
            },
        };
        one_line(&line)
    })
}

/// Never waits: `STATE` while pending or running.
pub fn error(future: u64) -> Result<ErrorView> {
    with_node(future, |node, _| {
        let Some(closed) = node.dependents.closed() else {
            return Err(Failure::new(status::STATE, "the future is not done"));
        };
        // The node keeps its share of the error until it is freed, and with it the texts.
        Ok(match submit::error_of(closed) {
            None => ErrorView {
                status: status::OK,
                code: 0,
                attempts: 0,
                message: std::ptr::null(),
                origin: std::ptr::null(),
            },
            Some(error) => ErrorView {
                status: error.status,
                code: error.code,
                attempts: error.attempts,
                message: error.message.as_ptr(),
                origin: error.origin.as_ptr(),
            },
        })
    })?
}

/// The object that the task failed with in which the error began, valid until the handle is released; `None` without one.
pub fn error_payload(future: u64) -> Result<Option<*const Value>> {
    with_node(future, |node, _| {
        let closed =
            node.dependents.closed().ok_or_else(|| Failure::new(status::STATE, "the future is not done"))?;
        // The node keeps its share of the error until it is freed.
        Ok(submit::error_of(closed).and_then(|error| error.payload().map(std::ptr::from_ref)))
    })?
}

/// The id of the future's client.
pub fn client(future: u64) -> Result<u64> {
    with_node(future, |node, _| crate::scheduler::client_id(node.client()).0)
}

/// Cancels the future and its dependents; `STATE` when done already.
pub fn cancel(future: u64, reason: Option<&CStr>) -> Result<()> {
    with_node(future, |node, local| {
        let reason = reason.map_or(&b"cancelled"[..], CStr::to_bytes);
        let mut cascade = Cascade::new(local);
        let ending = Ending::cancelled(node, task::runs(node), reason);
        let cancelled = cascade.settle(node, &ending);
        if cancelled {
            log!(Debug, "{ending}");
        }
        cascade.run();
        if cancelled {
            return Ok(());
        }
        settle::await_closed(node);
        Err(Failure::new(status::STATE, "the future is done already"))
    })?
}

/// Runs what failed again: the future, the failed inputs that it depends on, and whatever ended because of them.
pub fn retry(future: u64) -> Result<()> {
    with_node(future, retry::retry)?
}

/// Another handle of the same future.
pub fn clone(future: u64) -> Result<u64> {
    handle::clone(Id(future)).map(|id| id.0)
}

/// Takes the object out of a finished future that nobody else refers to, and ends the handle, which else may become another one. `check`
/// says what is wrong with the object.
pub fn take_object(future: &mut u64, check: impl FnOnce(&Value) -> Result<()>) -> Result<*mut c_void> {
    let mut id = Id(*future);
    let taken = handle::take_object(&mut id, check);
    *future = id.0;
    taken
}

/// Ends one handle. Null is a no-op.
#[inline]
pub fn release(future: u64) -> Result<()> {
    Local::with(|local| handle::release(Id(future), local))
}

/// How many futures before its turn a node's memory is asked for: it mostly lies in the cache of the core that ran the task.
const AHEAD: usize = 6;

/// Ends many handles. Goes on past bad ones; the first failure is returned.
pub fn release_all(futures: &[u64]) -> Result<()> {
    Local::with(|local| {
        let mut first = Ok(());
        for (index, &future) in futures.iter().enumerate() {
            if let Some(&soon) = futures.get(index + AHEAD) {
                handle::prefetch(Id(soon));
            }
            let released = handle::release(Id(future), local).map_err(|wrong| at_future(index, wrong));
            first = first.and(released);
        }
        first
    })
}

/// Takes the handle; the task runs all the same.
pub fn fire_and_forget(future: u64) -> Result<()> {
    let taken = handle::take(Id(future))?;
    let node = taken.node();
    // The reference now belongs to the watch, which lets go of it when the future is done.
    if Watch::begin(node, 0, Arc::new(Forgotten(node))).is_err() {
        taken.let_go();
    }
    Ok(())
}

/// Keeps a future wanted until it is done.
struct Forgotten(NodePtr);

impl Watcher for Forgotten {
    fn done(&self, _token: usize, _state: State) {
        Local::with(|local| {
            let mut cascade = Cascade::new(local);
            cascade.let_go(self.0);
            cascade.run();
        });
    }
}
