//! Parts of lazy graphs: a function and its arguments, kept to be computed as often as wanted.

use super::delayed::{self, Planned};
use crate::future::walk::Ref;
use crate::future::{
    Argument, MAX_NESTING, OwnedOptions, SubmitOptions, TaskFn, constant, discard, fits, handle, items,
};
use crate::slab::Id;
use crate::status::{Failure, Result, UNSUPPORTED};
use crate::value::{Arg, arg::kind as arg_kind};
use parking_lot::Mutex;
use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A part: what a delayed is the handle of. It keeps the parts it takes.
pub(super) struct Part {
    pub(super) function: Option<TaskFn>,
    pub(super) args: Box<[Argument<Source>]>,
    /// `None`: the default ones.
    pub(super) options: Option<Box<PartOptions>>,
    /// What is wrong with it: it then has no arguments.
    pub(super) mistake: Option<Box<Failure>>,
    /// The plan of which the part is an output.
    pub(super) planned: Mutex<Option<Arc<Planned>>>,
}

/// What a part takes.
pub(super) enum Source {
    Part(Arc<Part>),
    Future(Ref),
}

/// Options other than the default ones.
pub(super) enum PartOptions {
    /// Nothing but a name, which every task may have.
    Name(CString),
    /// What only the ordinary submit knows to obey.
    All(OwnedOptions),
}

/// How many parts there are.
static PARTS: AtomicUsize = AtomicUsize::new(0);

/// How many parts there are in this process.
pub(super) fn n_parts() -> usize {
    PARTS.load(Ordering::Relaxed)
}

impl Part {
    /// Makes a part. What is wrong with the call is remembered; what `args` hands over is taken on every path.
    pub(super) fn new(
        function: Option<TaskFn>,
        args: &[Arg],
        options: Option<&SubmitOptions<'_>>,
        wrong: Option<Failure>,
    ) -> Self {
        PARTS.fetch_add(1, Ordering::Relaxed);
        let wrong = wrong.or_else(|| match function {
            None => Some(Failure::invalid("the task's function is NULL")),
            Some(function) if !fits(function) => {
                Some(Failure::new(UNSUPPORTED, "the function's address has more than 48 bits"))
            }
            Some(_) => None,
        });
        let read = match wrong {
            None => read_all(args, "argument", 0),
            Some(wrong) => {
                discard(args);
                Err(wrong)
            }
        };
        let (args, mistake) = match read {
            Ok(args) => (args.into(), None),
            Err(failure) => (Box::default(), Some(Box::new(failure))),
        };
        let options = options.and_then(PartOptions::new).map(Box::new);
        Self { function, args, options, mistake, planned: Mutex::new(None) }
    }

    /// The name given to it, if it has no other options.
    pub(super) fn name(&self) -> Option<&CStr> {
        match self.options.as_deref() {
            Some(PartOptions::Name(name)) => Some(name),
            Some(PartOptions::All(options)) => options.as_submit().name,
            None => None,
        }
    }

    /// The parts it takes, depth first.
    pub(super) fn for_each_part<'a>(&'a self, mut visit: impl FnMut(&'a Part)) {
        for arg in &self.args {
            arg.for_each_input(&mut |source| {
                if let Source::Part(part) = source {
                    visit(part);
                }
            });
        }
    }
}

impl PartOptions {
    fn new(options: &SubmitOptions<'_>) -> Option<Self> {
        let SubmitOptions { key, name, priority, retries, retry_delay: _, resources, pure, lane } = *options;
        let is_plain = priority == 0 && retries == 0 && lane == 0;
        if key.is_some() || resources.is_some() || pure.is_some() || !is_plain {
            return Some(Self::All(OwnedOptions::new(options)));
        }
        name.map(|name| Self::Name(name.to_owned()))
    }
}

impl Drop for Part {
    /// A loop, because a graph may be deep.
    fn drop(&mut self) {
        PARTS.fetch_sub(1, Ordering::Relaxed);
        let mut open = Vec::new();
        take_apart(std::mem::take(&mut self.args).into_vec(), &mut open);
        while let Some(part) = open.pop() {
            if let Some(mut part) = Arc::into_inner(part) {
                take_apart(std::mem::take(&mut part.args).into_vec(), &mut open);
            }
        }
    }
}

/// Drops arguments, but for the parts in them.
fn take_apart(args: Vec<Argument<Source>>, parts: &mut Vec<Arc<Part>>) {
    for arg in args {
        match arg {
            Argument::Input(Source::Part(part)) => parts.push(part),
            Argument::List(items) => take_apart(items.0, parts),
            Argument::Input(Source::Future(_)) | Argument::Word(..) | Argument::Value(_) => {}
        }
    }
}

/// Arguments as they will be given to tasks. After a mistake, what the rest hands over is discarded.
fn read_all(args: &[Arg], what: &str, depth: usize) -> Result<Vec<Argument<Source>>> {
    let mut read = Vec::with_capacity(args.len());
    for (index, arg) in args.iter().enumerate() {
        match self::read(arg, depth) {
            Ok(arg) => read.push(arg),
            Err(failure) => {
                discard(&args[index + 1..]);
                return Err(Failure::new(failure.status, format!("{what} {index}: {}", failure.message)));
            }
        }
    }
    Ok(read)
}

fn read(arg: &Arg, depth: usize) -> Result<Argument<Source>> {
    match arg.kind {
        // What is wrong there is said there.
        _ if arg.reserved != 0 => constant(arg).map(Argument::constant),
        arg_kind::LAZY => delayed::part(arg.payload).map(|part| Argument::Input(Source::Part(part))),
        arg_kind::FUTURE => future(handle::pin(Id(arg.payload))),
        arg_kind::TAKE => future(handle::take(Id(arg.payload))),
        arg_kind::LIST if depth == MAX_NESTING => {
            discard(std::slice::from_ref(arg));
            Err(Failure::invalid("lists nest more than 128 deep"))
        }
        arg_kind::LIST => Argument::list(read_all(items::<Arg>(arg)?, "item", depth + 1)?),
        arg_kind::LIST_OF => {
            let item = |&future: &u64| Arg { kind: arg_kind::FUTURE, payload: future, ..*arg };
            let futures: Vec<_> = items::<u64>(arg)?.iter().map(item).collect();
            Argument::list(read_all(&futures, "item", depth + 1)?)
        }
        _ => constant(arg).map(Argument::constant),
    }
}

fn future(taken: Result<handle::Taken>) -> Result<Argument<Source>> {
    taken.map(|taken| Argument::Input(Source::Future(Ref::of(taken))))
}
