//! Tasks of lanes, as nodes: which lane is whose, what becomes ready for it, what its pullers are to hear of.
//!
//! The gate of such a node says that it is a lane's, and the last word of its body says the rest:
//!
//! ```text
//! | has a token: 1 | number of the lane: 31 | place in which it was handed out last: 32 |
//! ```
//!
//! A small value overwrites the word when the task has finished, so it means something only to who knows that the task has not, or who
//! checks what it is led to.

use super::cascade::{Cascade, class_of, end_unstarted};
use super::error::Ending;
use super::node::{LARGE_BODY, NodePtr, SMALL_BODY};
use super::{State, extra, hand_out, state_of_node};
use crate::scheduler::{Job, Lane, Local, find_number, lane};
use crate::slab::{Class, Id, for_each_line};
use crate::status::{Failure, Result};
use crate::value::{Arg, Type, Value};
use std::ffi::c_void;
use std::sync::Arc;

const TOKEN: u64 = 1 << 63;
const LANE_SHIFT: u32 = 32;
const PLACE: u64 = (1 << LANE_SHIFT) - 1;

/// Words of a body that a task of a lane has no arguments in.
pub(super) const LANE_WORDS: usize = 1;

/// What the last word of the body says.
#[derive(Clone, Copy)]
struct LaneWord(u64);

impl LaneWord {
    fn of(node: NodePtr) -> Self {
        Self(node.get(Self::index(class_of(node))))
    }

    fn index(class: Class) -> usize {
        if class == Class::Large { LARGE_BODY - 1 } else { SMALL_BODY - 1 }
    }

    fn lane(self) -> u32 {
        ((self.0 & !TOKEN) >> LANE_SHIFT) as u32
    }

    fn set(self, node: NodePtr) {
        node.set(Self::index(class_of(node)), self.0);
    }
}

/// Makes a node, which the caller owns alone, a lane's. Its gate is set. `has_token`: its first argument, an i64, is one.
pub(super) fn enter(node: NodePtr, class: Class, lane: &Lane, has_token: bool) {
    let token = if has_token { TOKEN } else { 0 };
    node.set(LaneWord::index(class), token | u64::from(lane.number) << LANE_SHIFT);
    node.gate.set_lane();
}

/// Notes where a task that the caller has started is handed out.
pub(super) fn set_place(node: NodePtr, place: u32) {
    let word = LaneWord::of(node);
    LaneWord(word.0 & !PLACE | u64::from(place)).set(node);
}

/// The number of the lane of a task that has not finished, if it is one's.
pub(super) fn number_of(node: NodePtr) -> Option<u32> {
    node.gate.is_on_lane().then(|| LaneWord::of(node).lane())
}

/// The name of the lane of a task that has not begun to run, if it is there.
pub(super) fn name_of(node: NodePtr) -> Option<String> {
    lane::find_number(number_of(node)?).map(|lane| lane.name.clone())
}

// ---- ready and not to be run --------------------------------------------------------------------------------------------

/// Makes tasks that became ready available to those who pull from their lanes, or [keeps](Keeping) them. `false`: there are none.
pub(super) fn publish_ready(cascade: &mut Cascade<'_>) -> bool {
    let local = cascade.local;
    let mut jobs = {
        let mut ready = local.ready_on_lanes.borrow_mut();
        if ready.is_empty() {
            return false;
        }
        std::mem::take(&mut *ready)
    };
    publish(&mut jobs, cascade);
    jobs.clear();
    // The room is for the next; what came meanwhile is published by the cascade that brought it.
    let mut ready = local.ready_on_lanes.borrow_mut();
    if ready.is_empty() {
        *ready = jobs;
    }
    true
}

/// The newest job comes first.
fn publish(jobs: &mut [Job], cascade: &mut Cascade<'_>) {
    let node_of = |job: Job| NodePtr::from_word(job as u64);
    // Looked at before any is published, when it may be gone at once.
    let place =
        |node: NodePtr| (LaneWord::of(node).lane(), extra::rank(node).map_or(0, |rank| rank.priority));
    jobs.reverse();
    let mut rest = &jobs[..];
    while let Some(&first) = rest.first() {
        let (number, priority) = place(node_of(first));
        let n = rest.iter().position(|&job| place(node_of(job)) != (number, priority)).unwrap_or(rest.len());
        let (group, behind) = rest.split_at(n);
        rest = behind;
        // An entry of a task that was cancelled, retried and has finished since says anything, 0 too.
        if number != 0 && number == cascade.local.keeps_for_lane.get() && priority == 0 {
            let mut kept = cascade.local.kept_jobs.take();
            kept.extend_from_slice(group);
            cascade.local.kept_jobs.set(kept);
            continue;
        }
        let jobs = group.iter().copied();
        let lane = cascade.local.take_lane_number(number);
        let is_pushed = lane.as_ref().is_some_and(|lane| lane.push(jobs, priority));
        if let Some(lane) = lane {
            cascade.local.keep_lane(lane);
        }
        if !is_pushed {
            for &job in group {
                end_unstarted(node_of(job), cascade, || ending(node_of(job)));
            }
        }
    }
}

/// While it lives, what becomes ready for a lane on this thread is kept for the exchange that is about to take from it: mostly it can have it at
/// once. Destructors, which may wait for what is kept, are put off meanwhile.
pub(crate) struct Keeping<'a> {
    local: &'a Local,
    before: u32,
    nested: bool,
}

impl<'a> Keeping<'a> {
    pub(crate) fn begin(lane: &Lane, local: &'a Local) -> Self {
        Self { local, before: local.keeps_for_lane.replace(lane.number), nested: local.put_burying_off() }
    }

    /// What was kept; nothing if destructors are to run first.
    pub(crate) fn end(self, lane: &Lane) -> Vec<Job> {
        self.local.keeps_for_lane.set(self.before);
        let mut jobs = self.local.kept_jobs.take();
        if self.local.has_buried() {
            publish_all(lane, &jobs, 0, self.local);
            jobs.clear();
        }
        self.local.bury_now(self.nested);
        jobs
    }
}

/// Makes tasks that were just submitted available, all to one lane, or ends them if it is shut.
pub(crate) fn publish_all(lane: &Lane, jobs: &[Job], priority: i32, local: &Local) {
    if !jobs.is_empty() && !lane.push(jobs.iter().copied(), priority) {
        end_jobs(jobs, local);
    }
}

/// Why a task ends that nobody will pull.
fn ending(node: NodePtr) -> Ending {
    let is_open = find_number(node.client()).is_some();
    if is_open { Ending::lane_closed(node) } else { Ending::closed(node) }
}

/// Ends jobs that nobody will pull.
pub(crate) fn end_jobs(jobs: &[Job], local: &Local) {
    for &job in jobs {
        let node = NodePtr::from_word(job as u64);
        let mut cascade = Cascade::new(local);
        end_unstarted(node, &mut cascade, || ending(node));
        cascade.run();
    }
}

/// Cancels what nobody will pull from a lane that is closed: these jobs, and what waits for inputs. Looks at all nodes of the process.
pub(crate) fn end_all(lane: &Lane, jobs: &[Job], local: &Local) {
    end_jobs(jobs, local);
    for class in [Class::Small, Class::Large] {
        for_each_line(class, |line| {
            let node = NodePtr::of(line);
            let seen = node.life.peek();
            if node.client() != lane.client || !node.gate.is_on_lane() || !node.life.join(seen) {
                return;
            }
            // Looked at again now that it cannot become another one. What is missed here is ended when it becomes ready.
            let mut cascade = Cascade::new(local);
            let waits = node.client() == lane.client && state_of_node(node) == State::Pending;
            if waits && number_of(node) == Some(lane.number) {
                cascade.settle(node, &ending(node));
            }
            cascade.let_go(node);
            cascade.run();
        });
    }
}

// ---- notices ------------------------------------------------------------------------------------------------------------

/// A task was ended while it ran, by the caller, who has closed its list: if it is out, its lane is to hear of it.
///
/// Who hands it out writes its place and then looks whether it is wanted; so one of the two sees the other.
#[cold]
pub(super) fn ended_while_out(node: NodePtr) {
    crate::sync::full_fence();
    hand_out::tell_unwanted(place_of(node), node);
}

/// Where a task that runs was handed out, if it was.
pub(super) fn place_of(node: NodePtr) -> u32 {
    (LaneWord::of(node).0 & PLACE) as u32
}

/// The token of a task of a lane that has not finished, and the lane's number.
pub(super) fn token_of(node: NodePtr) -> Option<(u32, i64)> {
    let word = LaneWord::of(node);
    (word.0 & TOKEN != 0).then(|| (word.lane(), node.get(0) as i64))
}

/// The recipe of a task of a lane is about to be released, by the caller alone: nobody can run it any more.
#[cold]
pub(super) fn forgo_token(node: NodePtr) {
    if let Some((number, token)) = token_of(node) {
        LaneWord(LaneWord::of(node).0 & !TOKEN).set(node);
        drop_token(number, token);
    }
}

/// Tells a lane that nobody can run the task with this token any more.
pub(super) fn drop_token(number: u32, token: i64) {
    if let Some(lane) = lane::find_number(number) {
        lane.dropped(&[token], false);
    }
}

// ---- tokens as arguments ------------------------------------------------------------------------------------------------

/// A token that lies elsewhere than in the first word of a body: an object, whose end is the token's.
struct TokenObject {
    lane: u32,
    token: i64,
}

static TOKEN_TYPE: Type = Type {
    struct_size: size_of::<Type>(),
    name: c"rask lane token".as_ptr(),
    destroy: Some(destroy_token),
    nbytes: None,
    encode: None,
    decode: None,
    bytes: None,
    flags: 0,
};

unsafe extern "C" fn destroy_token(object: *mut c_void) {
    // SAFETY: an object of this type is a box given up in `read_token`, and is destroyed once.
    let object = unsafe { Box::from_raw(object.cast::<TokenObject>()) };
    drop_token(object.lane, object.token);
}

/// The id of the lane that a token argument is for.
fn lane_of(arg: &Arg) -> Id {
    Id(arg.size as u64)
}

const _: () = assert!(size_of::<usize>() == size_of::<u64>(), "a token argument has an id for its size");

/// Whether the argument is a token of this lane.
pub(super) fn is_token_of(arg: &Arg, lane: &Lane) -> bool {
    arg.kind == crate::value::arg::kind::TOKEN && arg.reserved == 0 && lane_of(arg) == lane.id()
}

/// A token as a value.
pub(super) fn read_token(arg: &Arg) -> Result<Value> {
    let number = match lane::find(lane_of(arg))? {
        lane::Found::Lane(lane) => lane.number,
        lane::Found::Ended => return Err(lane::lane_closed()),
    };
    let object = Box::new(TokenObject { lane: number, token: arg.payload as i64 });
    // SAFETY: an object of that type, which is static.
    unsafe { Value::object(Box::into_raw(object).cast(), &raw const TOKEN_TYPE, 0) }
}

/// A token that reaches no task.
#[cold]
pub(super) fn discard_token(arg: &Arg) {
    if let Ok(lane::Found::Lane(lane)) = lane::find(lane_of(arg)) {
        lane.dropped(&[arg.payload as i64], false);
    }
}

/// The word of a task that is handed out: its first argument, if that is an i64 or a token.
pub(super) fn word_of(first: &Value) -> i64 {
    let token = || {
        let (object, ty) = first.as_object().ok().flatten()?;
        // SAFETY: an object of this type is such a box, and lives as long as the value.
        std::ptr::eq(ty, &TOKEN_TYPE).then(|| unsafe { &*object.cast::<TokenObject>() }.token)
    };
    token().or_else(|| first.as_i64()).unwrap_or(0)
}

/// The lane behind an id, for a submit of the client with this number, and then to be [kept](Local::keep_lane).
pub(crate) fn for_submit(id: u64, client: u32, local: &Local) -> Result<Arc<Lane>> {
    match local.take_lane(Id(id))? {
        lane::Found::Ended => Err(lane::lane_closed()),
        lane::Found::Lane(lane) if lane.client != client => Err(Failure::handle("a lane of another client")),
        lane::Found::Lane(lane) if lane.is_shut() => Err(lane::lane_closed()),
        lane::Found::Lane(lane) => Ok(lane),
    }
}
