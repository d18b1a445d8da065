//! From a call to a node: arguments read, inputs linked, the task made available.

use super::cascade::{Cascade, class_of};
use super::dependents::{Closed, UNLINKED};
use super::error::{Ending, Error, state_of};
use super::identity::Identity;
use super::node::{self, Block, Inline, NodePtr, Shape};
use super::{State, SubmitOptions, TaskFn, extra, handle, trace};
use crate::log::log;
use crate::scheduler::{Job, Local, Rank};
use crate::slab::{Class, Id};
use crate::status::{self, Failure, Result};
use crate::sync::{AtomicU64, Ordering};
use crate::value::{Arg, LIMITED, Type, Value, arg::SHARED, arg::kind as arg_kind};
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::Arc;

/// How deep lists of arguments may nest. Stated in the header.
pub(crate) const MAX_NESTING: usize = 128;

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
    let Some((shape, words)) = Shape::of(args.iter().map(inline_kind)) else {
        return make_with_block(local, spec, args);
    };
    let class = node::class_for(words);
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
    Ok(finish(local, node, class, spec, open))
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

/// The future of a task that cannot run because of argument `index`: those before it are in the body, those after it still with the
/// caller.
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

/// Begins the life of a node whose inputs are all in its body, links those that are open, and opens its gate.
#[inline(always)]
fn finish(local: &Local, node: NodePtr, class: Class, spec: Spec<'_>, open: u32) -> Made {
    node.dependents.begin();
    if open == 0 {
        node.gate.open();
    } else {
        node.gate.await_inputs(open);
    }
    if spec.options.is_some() || spec.identity.is_some() {
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
    if spec.options.is_none() && spec.identity.is_none() {
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
                if state_of(closed) != State::Finished {
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
    let node = take_node(local, class, args)?;
    node.begin(client, None, Shape::EMPTY);
    let spec = Spec { client, function: None, options: None, rank: None, identity: None, wrong: None };
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
    let mut inputs = Vec::new();
    let mut values = Vec::with_capacity(args.len());
    let mut wrong = None;
    for (index, arg) in args.iter().enumerate() {
        match read(arg, spec.client, &mut inputs, 0) {
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
    node.set_block(Block::new(node, values, inputs));
    node.set_shape(Shape::BLOCK);
    Ok(finish(local, node, class, spec, open))
}

/// The input that an argument names, with a reference for the task, and whether it has finished.
#[inline]
fn input(arg: &Arg, client: u32) -> Result<(NodePtr, bool)> {
    let id = Id(arg.payload);
    let taken = if arg.kind == arg_kind::TAKE { handle::take(id) } else { handle::pin(id) };
    let taken = taken?;
    let node = taken.node();
    if node.client() != client {
        taken.let_go();
        return Err(Failure::handle("a future of another client"));
    }
    // An input that has failed counts as open: linking finds out, and the task keeps it for a retry.
    let is_finished = node.dependents.closed().is_some_and(|closed| state_of(closed) == State::Finished);
    Ok((taken.into_node(), is_finished))
}

/// An argument as the task will read it. Futures in it are added to `inputs`, with a reference each, and become references to the values
/// in their nodes. On failure, what the rest of a list hands over has been discarded.
fn read(arg: &Arg, client: u32, inputs: &mut Vec<NodePtr>, depth: usize) -> Result<Value> {
    let pointer = std::ptr::with_exposed_provenance_mut::<c_void>(arg.payload as usize);
    // SAFETY: pointers in arguments that are not NULL are valid, by the contract of the C API; counts were checked to fit memory.
    unsafe {
        match arg.kind {
            _ if arg.reserved != 0 => Err(Failure::invalid("reserved is not 0 in rask_arg")),
            arg_kind::NONE => Ok(Value::NONE),
            arg_kind::I64 => Ok(Value::i64(arg.payload as i64)),
            arg_kind::F64 => Ok(Value::f64(f64::from_bits(arg.payload))),
            arg_kind::POINTER => Ok(Value::pointer(pointer)),
            arg_kind::BYTES => managed(Value::bytes_from(pointer, arg.size, client), client),
            arg_kind::STR => match text_of(arg) {
                Some(text) => managed(Value::bytes(text.to_bytes(), client), client),
                None => Err(Failure::invalid("the text is NULL")),
            },
            arg_kind::BYTES_OWNED => {
                managed(Value::bytes_owned(pointer, arg.size, destructor(arg), client), client)
            }
            arg_kind::OBJECT => managed(Value::object(pointer, arg.aux.cast::<Type>(), client), client),
            arg_kind::FUTURE | arg_kind::TAKE => {
                let (node, _) = input(arg, client)?;
                inputs.push(node);
                Ok(Value::reference(node.value()))
            }
            arg_kind::LIST => {
                let items = items::<Arg>(arg)?;
                if depth == MAX_NESTING {
                    discard(items);
                    return Err(Failure::invalid("lists nest more than 128 deep"));
                }
                let mut values = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    match read(item, client, inputs, depth + 1) {
                        Ok(value) => values.push(value),
                        Err(wrong) => {
                            discard(&items[index + 1..]);
                            return Err(at_item(index, wrong));
                        }
                    }
                }
                Value::list(values, client)
            }
            arg_kind::LIST_OF => {
                let futures = items::<u64>(arg)?;
                let mut values = Vec::with_capacity(futures.len());
                for (index, &future) in futures.iter().enumerate() {
                    let item = Arg { kind: arg_kind::FUTURE, payload: future, ..*arg };
                    let (node, _) = input(&item, client).map_err(|wrong| at_item(index, wrong))?;
                    inputs.push(node);
                    values.push(Value::reference(node.value()));
                }
                Value::list(values, client)
            }
            arg_kind::SHARED if arg.aux == (&raw const SHARED).cast() => {
                Ok((*pointer.cast::<Value>()).clone())
            }
            arg_kind::LAZY => Err(Failure::invalid("a delayed is an argument of rask_delayed_call only")),
            kind => Err(Failure::invalid(format!("no such kind of argument: {kind}"))),
        }
    }
}

/// A constant as the task will read it. `arg` is no future and no list.
pub(crate) fn constant(arg: &Arg) -> Result<Value> {
    read(arg, 0, &mut Vec::new(), 0)
}

/// A value of an argument, which may leave memory where the client has a limit.
#[inline]
fn managed(value: Result<Value>, client: u32) -> Result<Value> {
    if client & LIMITED == 0 { value } else { value.map(Value::manage) }
}

/// The items behind a list argument.
pub(crate) fn items<T>(arg: &Arg) -> Result<&[T]> {
    let pointer = std::ptr::with_exposed_provenance::<T>(arg.payload as usize);
    if arg.size == 0 {
        Ok(&[])
    } else if pointer.is_null() {
        Err(Failure::invalid("a list with a count but NULL items"))
    } else if arg.size > isize::MAX as usize / size_of::<T>() {
        Err(Failure::invalid("a list of more items than memory can hold"))
    } else {
        // SAFETY: by the contract of the C API, `size` items are there until submit returns.
        Ok(unsafe { std::slice::from_raw_parts(pointer, arg.size) })
    }
}

/// The text behind a text argument; `None` for NULL.
pub(super) fn text_of(arg: &Arg) -> Option<&CStr> {
    let pointer = std::ptr::with_exposed_provenance::<c_char>(arg.payload as usize);
    // SAFETY: by the contract of the C API, a text that is not NULL ends with a NUL and stays until submit returns.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) })
}

fn destructor(arg: &Arg) -> Option<unsafe extern "C" fn(*mut c_void)> {
    // SAFETY: `aux` of moved-in bytes holds what `rask_bytes_owned` put there: a destructor or NULL.
    unsafe { std::mem::transmute::<*const c_void, Option<unsafe extern "C" fn(*mut c_void)>>(arg.aux) }
}

fn at_argument(index: usize, wrong: Failure) -> Failure {
    prefixed("argument", index, &wrong)
}

fn at_item(index: usize, wrong: Failure) -> Failure {
    prefixed("item", index, &wrong)
}

fn prefixed(what: &str, index: usize, wrong: &Failure) -> Failure {
    Failure::new(wrong.status, format!("{what} {index}: {}", wrong.message))
}

/// Destroys or releases what arguments hand over that will not reach a task. A loop: lists may nest as deep as the caller likes.
pub(crate) fn discard(args: &[Arg]) {
    let mut open = vec![args];
    while let Some(args) = open.pop() {
        for arg in args {
            match arg.kind {
                // What it refers to may well be stale: there is nobody to tell.
                arg_kind::TAKE => drop(handle::take(Id(arg.payload)).map(handle::Taken::let_go)),
                arg_kind::OBJECT | arg_kind::BYTES_OWNED => {
                    if let Ok(value) = read(arg, 0, &mut Vec::new(), 0) {
                        Local::with(|local| local.bury(value));
                    }
                }
                arg_kind::LIST => open.extend(items::<Arg>(arg)),
                _ => {}
            }
        }
    }
}

/// The error of a future that is closed, shared.
pub(crate) fn error_of(closed: Closed) -> Option<Arc<Error>> {
    match Ending::of(closed) {
        Ending::Finished => None,
        Ending::Failed(error) | Ending::Cancelled(error) => Some(error),
    }
}
