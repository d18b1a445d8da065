//! From a call to a node: arguments read, inputs linked, the task made available.

use super::cascade::{Cascade, class_of};
use super::dependents::{Closed, UNLINKED};
use super::error::{Ending, Error, state_of};
use super::identity::Identity;
use super::node::{self, Block, Inline, NodePtr, Shape, fits_body};
use super::read::{at_argument, discard, input, read, room_for};
use super::{State, SubmitOptions, TaskFn, extra, lane, trace};
use crate::log::log;
use crate::scheduler::{Job, Lane, Local, Rank};
use crate::slab::{Class, Id};
use crate::status::{self, Failure, Result};
use crate::sync::{AtomicU64, Ordering};
use crate::value::{Arg, Value, arg::kind as arg_kind};
use std::ffi::{CStr, CString};
use std::sync::Arc;

/// A task about to be made.
#[derive(Clone, Copy)]
pub(crate) struct Spec<'a> {
    pub(crate) client: u32,
    pub(crate) function: Option<TaskFn>,
    /// `None`: the default ones.
    pub(crate) options: Option<&'a SubmitOptions<'a>>,
    /// What [the options say](SubmitOptions::rank) of priority and resources.
    pub(crate) rank: Option<&'a Rank>,
    /// The key it holds, and what it computes, if others are to find it.
    pub(crate) identity: Option<(&'a CString, Identity)>,
    /// `None`: any worker runs it.
    pub(crate) lane: Option<&'a Lane>,
    /// A mistake that the caller found already.
    pub(crate) wrong: Option<&'a Failure>,
}

impl<'a> Spec<'a> {
    /// As asked for by the options, or wrong because of that.
    pub(crate) fn ranked(self, rank: &'a Result<Option<Rank>>) -> Self {
        match rank {
            Ok(rank) => Self { rank: rank.as_ref(), ..self },
            Err(failure) => Self { wrong: self.wrong.or(Some(failure)), ..self },
        }
    }

    /// As [`ranked`](Self::ranked), with the [lane](SubmitOptions::lane) that the options say.
    pub(crate) fn on_lane(self, lane: &'a Result<Option<Arc<Lane>>>) -> Self {
        match lane {
            Ok(lane) => Self { lane: lane.as_deref(), ..self },
            Err(failure) => Self { wrong: self.wrong.or(Some(failure)), ..self },
        }
    }
}

/// A future that was made.
pub(crate) struct Made {
    pub(crate) id: Id,
    /// Its task is ready, and is to be pushed by the caller.
    pub(crate) job: Option<Job>,
}

/// Makes a future and its task. What is wrong with the call becomes the future's error; `Err` only without memory for it. What `args`
/// hands over is taken on every path.
#[inline(always)]
pub(crate) fn make(local: &Local, spec: Spec<'_>, args: &[Arg]) -> Result<Made> {
    if spec.lane.is_some() {
        make_on_lane(local, spec, args)
    } else {
        make_in_body(local, spec, args, Shape::of(args.iter().map(inline_kind)), 0, false)
    }
}

/// As [`make`], for a task of a lane. A token that is its first argument lies in the node as an i64 does, if all arguments lie there.
fn make_on_lane(local: &Local, spec: Spec<'_>, args: &[Arg]) -> Result<Made> {
    let has_token =
        spec.lane.is_some_and(|lane| args.first().is_some_and(|arg| lane::is_token_of(arg, lane)));
    let first = if has_token { Some(Inline::I64) } else { args.first().and_then(inline_kind) };
    let rest = args.iter().skip(1).map(inline_kind);
    let kinds = std::iter::once(first).take(args.len()).chain(rest);
    make_in_body(local, spec, args, Shape::of(kinds), lane::LANE_WORDS, has_token)
}

/// As [`make`], where the arguments are words of these kinds, `None` if they are not, and `other_words` of the body are for something else.
/// `has_token`: the first argument is a token of the lane.
#[inline(always)]
fn make_in_body(
    local: &Local,
    spec: Spec<'_>,
    args: &[Arg],
    inline: Option<(Shape, usize)>,
    other_words: usize,
    has_token: bool,
) -> Result<Made> {
    let Some((shape, words)) =
        inline.filter(|&(_, words)| other_words == 0 || fits_body(words + other_words))
    else {
        return make_with_block(local, spec, args);
    };
    let class = node::class_for(words + other_words);
    let node = take_node(local, class, args)?;
    node.begin(spec.client, spec.function, Shape::EMPTY);
    if spec.wrong.is_some() || !spec.function.is_some_and(node::fits) {
        return Ok(make_mistaken(local, node, class, spec, args));
    }
    let mut shape = shape;
    let mut offset = 0;
    let mut open = 0;
    for (index, arg) in args.iter().enumerate() {
        if shape.kind(index) != Inline::Future {
            node.set(offset, arg.payload);
            offset += 1;
            continue;
        }
        // A number that is there already is as good as its future, and nobody need count or release anything for it. A trace shows it all the
        // same as what it is: something that the task depends on.
        if arg.kind == arg_kind::FUTURE
            && !trace::is_on()
            && let Some((kind, word)) = super::peek(Id(arg.payload), spec.client)
        {
            node.set(offset, word);
            offset += 1;
            shape = shape.with(index, kind);
            continue;
        }
        match input(arg, spec.client) {
            Ok((input, done)) => {
                node.set(offset, input.to_word());
                open += u32::from(!done);
                offset += 2;
            }
            Err(wrong) => {
                node.set_shape(shape);
                return Ok(make_without_inputs(local, node, class, spec, args, index, wrong));
            }
        }
    }
    node.set_shape(shape);
    Ok(finish(local, node, class, spec, open, has_token))
}

/// How the argument lies in a body; `None`: in a block.
#[inline]
fn inline_kind(arg: &Arg) -> Option<Inline> {
    match arg.kind {
        _ if arg.reserved != 0 => None,
        arg_kind::I64 => Some(Inline::I64),
        arg_kind::F64 => Some(Inline::F64),
        arg_kind::POINTER => Some(Inline::Pointer),
        arg_kind::FUTURE | arg_kind::TAKE => Some(Inline::Future),
        _ => None,
    }
}

/// The future of a call that is wrong in itself.
#[cold]
fn make_mistaken(local: &Local, node: NodePtr, class: Class, spec: Spec<'_>, args: &[Arg]) -> Made {
    discard(args);
    let wrong = spec.wrong.cloned().unwrap_or_else(|| match spec.function {
        None => Failure::invalid("the task's function is NULL"),
        Some(_) => Failure::new(status::UNSUPPORTED, "the function's address has more than 48 bits"),
    });
    make_wrong(local, node, class, spec, &wrong)
}

/// The future of a task that cannot run because of argument `index`: those before it are in the body, but for a token, and those after it
/// still with the caller.
#[cold]
fn make_without_inputs(
    local: &Local,
    node: NodePtr,
    class: Class,
    spec: Spec<'_>,
    args: &[Arg],
    index: usize,
    wrong: Failure,
) -> Made {
    discard(&args[index + 1..]);
    if args[0].kind == arg_kind::TOKEN {
        discard(&args[..1]);
    }
    let shape = node.shape();
    let inputs = (0..index)
        .filter(|&before| shape.kind(before) == Inline::Future)
        .map(|before| NodePtr::from_word(node.get(shape.offset(before))))
        .collect();
    make_wrong_after(local, node, class, spec, inputs, &at_argument(index, wrong))
}

#[inline(always)]
fn take_node(local: &Local, class: Class, args: &[Arg]) -> Result<NodePtr> {
    match local.magazine(class).take() {
        Some(line) => Ok(NodePtr::of(line)),
        None => {
            discard(args);
            Err(Failure::new(status::NOMEM, "no memory for a future"))
        }
    }
}

/// Begins the life of a task without inputs, whose body the caller has written.
pub(super) fn begin_ready(local: &Local, node: NodePtr, class: Class, spec: Spec<'_>) -> Made {
    finish(local, node, class, spec, 0, false)
}

/// Begins the life of a node whose inputs are all in its body, links those that are open, and opens its gate.
#[inline(always)]
fn finish(local: &Local, node: NodePtr, class: Class, spec: Spec<'_>, open: u32, has_token: bool) -> Made {
    node.dependents.begin();
    if open == 0 {
        node.gate.open();
    } else {
        node.gate.await_inputs(open);
    }
    if let Some(lane) = spec.lane {
        lane::enter(node, class, lane, has_token);
    }
    if spec.options.is_some_and(SubmitOptions::is_kept) || spec.rank.is_some() || spec.identity.is_some() {
        set_options(node, spec);
    }
    let id = born(local, node, class, spec);
    if open == 0 {
        return Made { id, job: Some(node.to_word() as Job) };
    }
    Made { id, job: link_new(local, node) }
}

/// Keeps what the options ask for beside a node that the caller owns alone.
#[cold]
fn set_options(node: NodePtr, spec: Spec<'_>) {
    if !spec.options.is_some_and(SubmitOptions::is_kept) && spec.rank.is_none() && spec.identity.is_none() {
        return;
    }
    extra::with(node, |extra| {
        if let Some(options) = spec.options {
            extra.name = options.name.map(CStr::to_owned);
            extra.retries = options.retries;
            extra.retry_delay = options.retry_delay;
            extra.rank = spec.rank.cloned();
        }
        if let Some((key, identity)) = spec.identity {
            extra.key = Some(key.clone());
            extra.identity = Some(identity);
        }
    });
}

#[inline(never)]
fn link_new(local: &Local, node: NodePtr) -> Option<Job> {
    let mut cascade = Cascade::keeping_next(local);
    link_inputs(node, &mut cascade);
    cascade.run()
}

/// Counts a new future and gives it its first handle. From here on others may know it.
#[inline(always)]
fn born(local: &Local, node: NodePtr, class: Class, spec: Spec<'_>) -> Id {
    local.tally(spec.client, |tally| tally.submitted.add(1));
    local.count_handles(1);
    node.id(class, node.life.begin())
}

/// Links a node, whose gate awaits them, to those of its inputs that are open.
pub(crate) fn link_inputs(node: NodePtr, cascade: &mut Cascade<'_>) {
    // Inputs that were done when the gate was set are not awaited; of those that are, some may end before they are linked.
    link_some_inputs(node, cascade, node.gate.awaited(), || true);
}

/// As [`link_inputs`], where some inputs are linked already: `awaited` are awaited of the others, those for which `is_open`, asked for each in
/// turn, says so.
pub(crate) fn link_some_inputs(
    node: NodePtr,
    cascade: &mut Cascade<'_>,
    mut awaited: u32,
    mut is_open: impl FnMut() -> bool,
) {
    let shape = node.shape();
    let mut failed = None;
    let mut link = |input: NodePtr, edge, link: &AtomicU64| {
        if !is_open() {
            return false;
        }
        match input.dependents.link(edge, link) {
            Ok(()) => true,
            Err(closed) => {
                if state_of(closed) != State::Finished && !node::is_lenient(edge) {
                    // Relaxed: a retry waits until submit has linked.
                    link.store(UNLINKED, Ordering::Relaxed);
                    failed.get_or_insert_with(|| Ending::of(closed));
                }
                false
            }
        }
    };
    if shape.is_block() {
        // SAFETY: the block stays until the node is freed, which it cannot be before its gate is opened below.
        for block_edge in unsafe { node.block().as_ref() }.edges.iter() {
            let (edge, word) = NodePtr::block_edge(block_edge);
            if link(block_edge.input, edge, word) {
                awaited -= 1;
            }
        }
    } else {
        let class = class_of(node);
        for index in 0..shape.count() {
            if shape.kind(index) == Inline::Future {
                let offset = shape.offset(index);
                let (edge, word) = node.inline_edge(offset, class);
                if link(NodePtr::from_word(node.get(offset)), edge, word) {
                    awaited -= 1;
                }
            }
        }
    }
    if let Some(ending) = failed {
        log!(Debug, "submitted what cannot run: {ending}");
        cascade.settle(node, &ending);
    }
    cascade.linked(node, awaited);
}

/// A future that is done from the start, because of a mistake.
fn make_wrong(local: &Local, node: NodePtr, class: Class, spec: Spec<'_>, wrong: &Failure) -> Made {
    begin_wrong(node, spec);
    let ending = Ending::mistaken(node, wrong);
    log!(Debug, "submitted what cannot run: {ending}");
    born_done(local, node, class, spec, ending)
}

/// The same, where inputs were read before the mistake: of a mistake and inputs that have failed the first counts.
fn make_wrong_after(
    local: &Local,
    node: NodePtr,
    class: Class,
    spec: Spec<'_>,
    inputs: Vec<NodePtr>,
    wrong: &Failure,
) -> Made {
    begin_wrong(node, spec);
    let ended = inputs.iter().filter_map(|input| input.dependents.closed());
    let ending = ended.map(Ending::of).find_map(|ending| ending.for_good());
    let ending = ending.unwrap_or_else(|| Ending::mistaken(node, wrong));
    log!(Debug, "submitted what cannot run: {ending}");
    let made = born_done(local, node, class, spec, ending);
    let mut cascade = Cascade::new(local);
    inputs.into_iter().for_each(|input| cascade.let_go(input));
    cascade.run();
    made
}

/// Prepares a node without a task that could be run.
fn begin_wrong(node: NodePtr, spec: Spec<'_>) {
    node.set_shape(Shape::EMPTY);
    node.gate.open_forgone();
    set_options(node, Spec { identity: None, ..spec });
}

/// Begins the life of a node whose future is done: closed before anybody can know it.
fn born_done(local: &Local, node: NodePtr, class: Class, spec: Spec<'_>, ending: Ending) -> Made {
    let state = ending.state();
    node.dependents.begin_closed(ending.into_closed());
    let id = born(local, node, class, spec);
    // Counted after it was counted as submitted: never more is done than was submitted.
    local.tally(spec.client, |tally| {
        tally.unstarted.add(1);
        match state {
            State::Finished => tally.finished.add(1),
            State::Error => tally.failed.add(1),
            _ => tally.cancelled.add(1),
        }
    });
    local.tell_drainers(spec.client);
    Made { id, job: None }
}

/// A future that holds a value from the start.
pub(crate) fn scatter(local: &Local, client: u32, arg: &Arg) -> Result<Made> {
    let args = std::slice::from_ref(arg);
    let class = Class::Small;
    let spec =
        Spec { client, function: None, options: None, rank: None, identity: None, lane: None, wrong: None };
    let node = take_node(local, class, args)?;
    node.begin(client, None, Shape::EMPTY);
    let mut inputs = Vec::new();
    let mut value = read(arg, client, &mut inputs, 0);
    if !inputs.is_empty() {
        value = value.and_then(|value| {
            local.bury(value);
            let words = "rask_scatter takes a value, not a future: pass the future on instead";
            Err(Failure::invalid(words))
        });
        let mut cascade = Cascade::new(local);
        inputs.into_iter().for_each(|input| cascade.let_go(input));
        cascade.run();
    }
    match value {
        Err(wrong) => Ok(make_wrong(local, node, class, spec, &wrong)),
        Ok(mut value) => {
            node.set_value(&mut value);
            node.gate.open();
            Ok(born_done(local, node, class, spec, Ending::Finished))
        }
    }
}

#[cold]
#[inline(never)]
fn make_with_block(local: &Local, spec: Spec<'_>, args: &[Arg]) -> Result<Made> {
    let class = Class::Small;
    let node = take_node(local, class, args)?;
    node.begin(spec.client, spec.function, Shape::EMPTY);
    if spec.wrong.is_some() || !spec.function.is_some_and(node::fits) {
        return Ok(make_mistaken(local, node, class, spec, args));
    }
    let mut values = match room_for(args.len()) {
        Ok(values) => values,
        Err(failure) => {
            return Ok(make_mistaken(local, node, class, Spec { wrong: Some(&failure), ..spec }, args));
        }
    };
    let mut inputs = Vec::new();
    let mut lenient = Vec::new();
    let mut wrong = None;
    for (index, arg) in args.iter().enumerate() {
        // An input that may fail has no value to refer to.
        let value = if arg.kind == arg_kind::AFTER && arg.reserved == 0 {
            lenient.push(inputs.len());
            input(arg, spec.client).map(|(node, _)| {
                inputs.push(node);
                Value::NONE
            })
        } else {
            read(arg, spec.client, &mut inputs, 0)
        };
        match value {
            Ok(value) => values.push(value),
            Err(why) => {
                discard(&args[index + 1..]);
                wrong = Some(at_argument(index, why));
                break;
            }
        }
    }
    if wrong.is_none() && inputs.len() > super::gate::MAX_INPUTS {
        wrong = Some(Failure::invalid("more inputs than a task may have"));
    }
    if let Some(wrong) = wrong {
        values.into_iter().for_each(|value| local.bury(value));
        return Ok(make_wrong_after(local, node, class, spec, inputs, &wrong));
    }
    // An input may end between being read and being linked; counting it as open costs an arrival, nothing else.
    let open = inputs.len() as u32;
    node.set_block(Block::with_lenient(node, values, inputs, &lenient));
    node.set_shape(Shape::BLOCK);
    Ok(finish(local, node, class, spec, open, false))
}

/// The error of a future that is closed, shared.
pub(crate) fn error_of(closed: Closed) -> Option<Arc<Error>> {
    match Ending::of(closed) {
        Ending::Finished => None,
        Ending::Failed(error) | Ending::Cancelled(error) => Some(error),
    }
}
