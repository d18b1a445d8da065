//! Tasks of lanes while they are out: handed out to a thread of the program, and handed back by any.
//!
//! Each has a line of its own, a *place*, with the [`Task`] that C is given the address of. Its id is the place's index and
//! generation, so what is handed back twice, or late, or was never handed out, is found out as a stale handle is.

use super::cascade::{Cascade, RunEnd};
use super::node::NodePtr;
use super::read::{discard, read};
use super::task::{self, Task};
use super::waiting::{Suspended, Suspension, TaskWait, Until};
use super::walk::Ref;
use super::{TaskFn, handle, lane, trace};
use crate::scheduler::{Job, Lane, Local};
use crate::slab::{Class, Ended, Id, Kind, Life, Line, index_of, look_up_task, prefetch_address, task_at};
use crate::status::{self, Failure, Result};
use crate::sync::full_fence;
use crate::value::{Arg, LIMITED, Pins, Store, Value, arg::kind as arg_kind};
use std::cell::UnsafeCell;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The line of a task that is out.
#[repr(C)]
struct Place {
    life: Life,
    /// The node whose task it is, and the number of its lane. Read by who checks the life afterwards.
    node: AtomicU64,
    lane: AtomicU32,
    /// The id of the last task here that its lane has heard is not wanted.
    told: AtomicU64,
    /// There while the life has its handle.
    out: UnsafeCell<MaybeUninit<Out>>,
}

struct Out {
    task: Task,
    /// What few have: a trace, a client with a limit, a wait.
    care: Option<Box<Care>>,
    /// Among the results, when it is handed back.
    result: usize,
}

#[derive(Default)]
struct Care {
    pins: Pins,
    traced: Option<trace::Begun>,
    /// The waits of the task that have begun and not ended, by number; and how many have begun.
    waits: Vec<(u64, Suspended)>,
    n_waits: u64,
}

const _: () = assert!(size_of::<Place>() <= Class::Task.size() && align_of::<Place>() <= 64);

/// A task as it is handed out; the fields of `rask_lane_task`.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct HandedOut {
    pub id: u64,
    pub function: Option<TaskFn>,
    pub task: *mut Task,
    pub attempt: u32,
    pub n_args: u32,
    pub word: i64,
}

/// A task as it is handed back; the fields of `rask_lane_result`.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct HandedBack<'a> {
    pub id: u64,
    pub value: &'a Arg,
    pub error: Option<&'a CStr>,
    pub code: i32,
}

fn place(line: Line) -> &'static Place {
    // SAFETY: lines of this class are mapped for ever, and these words of them are only used as the struct says.
    unsafe { line.cast::<Place>().as_ref() }
}

/// How many tasks ahead a node is asked for: it mostly lies in the cache of the core that submitted it.
const AHEAD: usize = 6;

/// What became of jobs that were taken.
#[derive(Default)]
pub(crate) struct Handed {
    /// Tasks that were handed out.
    pub(crate) n: usize,
    /// Jobs that somebody had ended before.
    pub(crate) stale: usize,
    /// The last of them, which were not looked at for lack of memory.
    pub(crate) left: usize,
}

/// Starts the tasks of jobs that were taken from the lane, and hands them out; those that were are the first jobs afterwards.
pub(crate) fn hand_out(
    lane: &Lane,
    local: &Local,
    jobs: &mut [Job],
    mut put: impl FnMut(usize, HandedOut),
) -> Handed {
    let mut handed = Handed::default();
    jobs.iter().take(AHEAD).for_each(|&job| prefetch_address(job));
    for at in 0..jobs.len() {
        let job = jobs[at];
        if let Some(&soon) = jobs.get(at + AHEAD) {
            prefetch_address(soon);
        }
        let Some(line) = local.magazine(Class::Task).take() else {
            handed.left = jobs.len() - at;
            break;
        };
        let node = NodePtr::from_word(job as u64);
        if !node.gate.start() {
            local.magazine(Class::Task).put(line);
            task::drop_stale(job, local);
            handed.stale += 1;
            continue;
        }
        put(handed.n, begin(lane, local, line, node));
        jobs[handed.n] = job;
        handed.n += 1;
    }
    if handed.n > 0 {
        local.tally(lane.client, |tally| tally.started.add(handed.n as u64));
    }
    handed
}

/// Looks whether what was just handed out is wanted; all of a batch after one fence.
pub(crate) fn handed_out(jobs: &[Job]) {
    full_fence();
    for &job in jobs {
        // The caller has not told anybody yet that it is out, so it still is.
        let node = NodePtr::from_word(job as u64);
        if !node.dependents.is_wanted() {
            lane::ended_while_out(node);
        }
    }
}

fn begin(lane: &Lane, local: &Local, line: Line, node: NodePtr) -> HandedOut {
    let place = place(line);
    place.node.store(node.to_word(), Ordering::Relaxed);
    place.lane.store(lane.number, Ordering::Relaxed);
    // SAFETY: the line is ours, and has no task; every field is written.
    let out = unsafe {
        let out = (*place.out.get()).as_mut_ptr();
        Task::begin_at(&raw mut (*out).task, node);
        (&raw mut (*out).care).write(None);
        (&raw mut (*out).result).write(0);
        &mut *out
    };
    if node.client() & LIMITED != 0 || trace::is_on() {
        let pins = if node.client() & LIMITED == 0 { Pins::default() } else { out.task.pin_args() };
        let traced = trace::begin(node, out.task.attempt(), true, local);
        out.care = Some(Box::new(Care { pins, traced, ..Care::default() }));
    }
    let index = index_of(line);
    lane::set_place(node, index);
    let task = &raw mut out.task;
    let n_args = out.task.arg_count() as u32;
    let word = match n_args {
        0 => 0,
        _ => out.task.arg_i64(0).unwrap_or_else(|| out.task.arg(0).map_or(0, lane::word_of)),
    };
    let attempt = out.task.attempt();
    let function = node.function();
    // Last: from here on who cancels the task finds it.
    let id = Id::new(Kind::Task, index, place.life.begin()).0;
    HandedOut { id, function, task, attempt, n_args, word }
}

/// Tells the lane of a task that is out at this place, if it is this node's, that it is not wanted. The caller knows that the node is one.
pub(super) fn tell_unwanted(index: u32, node: NodePtr) {
    let Some(line) = task_at(index) else { return };
    let place = place(line);
    let id = Id::new(Kind::Task, index, place.life.current());
    if id.generation() % 2 == 0 || place.node.load(Ordering::Relaxed) != node.to_word() {
        return;
    }
    let number = place.lane.load(Ordering::Relaxed);
    if place.life.is_still(id)
        // Once; that of another one that is here by now is none.
        && place.told.swap(id.0, Ordering::Relaxed) != id.0
        && let Some(lane) = crate::scheduler::lane::find_number(number)
    {
        lane.cancelled(id.0, is_out);
    }
}

/// Whether the task with this id is out.
pub(crate) fn is_out(id: u64) -> bool {
    look_up_task(Id(id)).is_some_and(|line| place(line).life.is(Id(id)))
}

/// The futures that a task which is out waits for.
struct AwaitedOutside(Vec<Ref>);

impl TaskWait for AwaitedOutside {
    fn awaited(&self, at: usize) -> Option<(Ref, usize)> {
        Some((Ref::new(self.0.get(at)?.node()), at + 1))
    }

    /// Nobody is there to be told: found are those circles that a wait closes when it begins.
    fn deadlocked(&self) {}

    fn hears(&self) -> bool {
        false
    }
}

/// What is out as this task; an error for one that a function of C has.
fn out_of(task: *mut Task) -> Result<*mut Out> {
    // SAFETY: the caller's task, by contract.
    let node = unsafe { (*task).node() };
    let line = if node.gate.is_on_lane() { task_at(lane::place_of(node)) } else { None };
    let out = line.map(|line| place(line).out.get().cast::<Out>());
    // SAFETY: only the address is computed; if it is that of the task, the place is the task's, which is out.
    out.filter(|&out| unsafe { &raw mut (*out).task } == task)
        .ok_or_else(|| Failure::new(status::STATE, "not a task that was handed out"))
}

/// Notes that a task which is out waits for futures; the number of the wait. `DEADLOCK`: it could never end.
pub(crate) fn begin_wait(task: *mut Task, futures: &[u64], until: Until, local: &Local) -> Result<u64> {
    let out = out_of(task)?;
    let awaited: Result<Vec<Ref>> = futures.iter().map(|&id| handle::pin(Id(id)).map(Ref::of)).collect();
    let wait = Suspension { wait: Arc::new(AwaitedOutside(awaited?)), until, is_timed: false };
    // SAFETY: the task is out as long as the caller has it, and its waits are begun and ended by one thread at a time.
    unsafe {
        let suspended = wait.begin(local, &(*out).task)?;
        let care: &mut Option<Box<Care>> = &mut (*out).care;
        let care = care.get_or_insert_default();
        care.n_waits += 1;
        care.waits.push((care.n_waits, suspended));
        Ok(care.n_waits)
    }
}

/// Ends a wait that was begun.
pub(crate) fn end_wait(task: *mut Task, number: u64) -> Result<()> {
    let out = out_of(task)?;
    // SAFETY: as in `begin_wait`.
    let care = unsafe { &mut (*out).care }.as_mut();
    let ended = care.and_then(|care| {
        let at = care.waits.iter().position(|&(other, _)| other == number)?;
        Some(care.waits.swap_remove(at))
    });
    ended.map(drop).ok_or_else(|| Failure::invalid("not the number of a wait"))
}

/// What is wrong with an id that is handed back.
#[cold]
pub(crate) fn not_out() -> Failure {
    Failure::handle("not the id of a task that is out")
}

/// Takes the task with this id back from the lane's pullers.
fn take_back(lane: &Lane, id: u64) -> Result<NonNull<Place>> {
    let line = look_up_task(Id(id)).ok_or_else(not_out)?;
    let place = place(line);
    // If the handle is live before this look and still when it ends, the look was at its task.
    if place.life.is(Id(id)) && place.lane.load(Ordering::Relaxed) != lane.number {
        return Err(Failure::handle("a task of another lane"));
    }
    match place.life.end(Id(id), true) {
        Ended::Free { .. } => Ok(NonNull::from(place)),
        Ended::Stale | Ended::Shared { .. } | Ended::Last { .. } => Err(not_out()),
    }
}

/// Ends tasks that were handed out, with their results, which are taken on every path. Returns how many, and the first failure. The caller gives
/// them back to the lane; `pulls`: and then takes others. `token_ended` is told by which results futures have finished, and tokens with
/// them, which are not told otherwise.
pub(crate) fn hand_back<'a>(
    lane: &Lane,
    local: &Local,
    results: impl Iterator<Item = HandedBack<'a>>,
    pulls: bool,
    token_ended: impl FnMut(usize),
) -> (usize, Result<()>) {
    let mut outcome = Ok(());
    let mut places = local.lines.take();
    // Values are read first: that may call functions of the user's, which is not to happen between the ends.
    for (index, result) in results.enumerate() {
        match take_back(lane, result.id) {
            Ok(place) => {
                // SAFETY: the id was that of a task that is out, and its end is ours alone.
                let out = unsafe { (*place.as_ref().out.get()).assume_init_mut() };
                out.result = index;
                if let Some(care) = &mut out.care {
                    care.waits.clear();
                }
                answer(&mut out.task, &result, local);
                if let Some(care) = out.care.take() {
                    end_care(*care, &mut out.task);
                }
                places.push(place.cast());
            }
            Err(failure) => {
                discard(std::slice::from_ref(result.value));
                outcome = outcome.and(Err(failure));
            }
        }
    }
    let n = places.len();
    if n > 0 {
        end_tasks(lane, local, &places, pulls, token_ended);
        places.clear();
    }
    local.lines.replace(places);
    (n, outcome)
}

fn end_tasks(lane: &Lane, local: &Local, places: &[Line], pulls: bool, mut token_ended: impl FnMut(usize)) {
    local.tally(lane.client, |tally| tally.returned.add(places.len() as u64));
    let mut tokens = local.tokens.take();
    let mut cascade = Cascade::new(local);
    for &line in places {
        // SAFETY: as in `hand_back`.
        let out = unsafe { (*place(line).out.get()).assume_init_mut() };
        let node = out.task.node();
        let token = lane::token_of(node);
        match out.task.end(local, &mut cascade) {
            RunEnd::Finished if token.is_some() => token_ended(out.result),
            RunEnd::Finished | RunEnd::Kept => {}
            RunEnd::Late => tokens.extend(token.map(|(_, token)| token)),
        }
        // SAFETY: as above, and once; nothing of a user's is left in it.
        unsafe { std::ptr::drop_in_place(out) };
        local.magazine(Class::Task).put(line);
    }
    cascade.run();
    if !tokens.is_empty() {
        lane.dropped(&tokens, pulls);
        tokens.clear();
    }
    local.tokens.replace(tokens);
    if lane.client & LIMITED != 0
        && let Some(store) = Store::of(lane.client)
    {
        store.make_room();
    }
    // Last: when everything is counted as ended, everything has been told.
    local.tally(lane.client, |tally| tally.ended.add(places.len() as u64));
    local.tell_drainers(lane.client);
}

#[cold]
fn end_care(care: Care, task: &mut Task) {
    drop(care.pins);
    if let Some(begun) = care.traced {
        begun.end(task.outcome());
    }
}

/// Makes what is handed back the task's result or failure.
fn answer(task: &mut Task, result: &HandedBack<'_>, local: &Local) {
    let value = result.value;
    if let Some(error) = result.error {
        discard(std::slice::from_ref(value));
        return task.fail(status::TASK, result.code, error.to_bytes());
    }
    match value.kind {
        _ if value.reserved != 0 => answer_otherwise(task, value, local),
        arg_kind::NONE => {}
        arg_kind::I64 => set(task, Value::i64(value.payload as i64), local),
        arg_kind::F64 => set(task, Value::f64(f64::from_bits(value.payload)), local),
        _ => answer_otherwise(task, value, local),
    }
    if task.account() & LIMITED != 0 && !task.has_forward() {
        let result = task.take_result().manage();
        set(task, result, local);
    }
}

#[inline]
fn set(task: &mut Task, value: Value, local: &Local) {
    let before = task.set_result(value);
    if before.needs_drop() {
        local.bury(before);
    }
}

fn answer_otherwise(task: &mut Task, value: &Arg, local: &Local) {
    let future = match value.kind {
        _ if value.reserved != 0 => None,
        arg_kind::FUTURE => Some(handle::pin(Id(value.payload))),
        arg_kind::TAKE => Some(handle::take(Id(value.payload))),
        _ => None,
    };
    if let Some(future) = future {
        local.bury(task.take_result());
        return task.return_taken(future);
    }
    let mut inputs = Vec::new();
    let read = read(value, task.account(), &mut inputs, 0);
    let has_futures = !inputs.is_empty();
    let mut cascade = Cascade::new(local);
    inputs.into_iter().for_each(|input| cascade.let_go(input));
    cascade.run();
    match read {
        Ok(value) if has_futures => {
            local.bury(value);
            task.fail(status::INVALID, 0, "a result is a value or a future, not a list with futures in it");
        }
        Ok(value) => set(task, value, local),
        Err(failure) => task.fail(failure.status, 0, format!("the result: {}", failure.message)),
    }
}

/// Runs the task of a job that was taken from a lane on this thread. `false`: it was stale.
pub(crate) fn run(job: Job, local: &Local) -> bool {
    let node = NodePtr::from_word(job as u64);
    let is_started = node.gate.start();
    if is_started {
        task::execute_on_lane(node, local);
        local.tell_drainers(node.client());
    } else {
        task::drop_stale(job, local);
    }
    is_started
}
