//! Lazy graphs: delayed calls, which run nothing, and the verbs that compute them.

use super::compile::compile;
use super::engine::{self, Engine, Traits};
use super::graph::{self, Part};
use super::table::Table;
use crate::future::{self, Plan, Program, SubmitOptions, TaskFn};
use crate::slab::Kind;
use crate::status::{Failure, Result};
use crate::value::Arg;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

static DELAYED: Table<Part> = Table::new(Kind::Delayed, "delayed");

/// How many delayeds are alive.
pub(super) fn live_handles() -> u64 {
    DELAYED.len()
}

/// The part behind a handle.
pub(super) fn part(delayed: u64) -> Result<Arc<Part>> {
    DELAYED.get(delayed)
}

/// Writes a call down; the id of its delayed. Whatever is wrong with the call appears when it is computed. What `args` hands over is taken on every
/// path.
pub fn call(
    function: Option<TaskFn>,
    args: &[Arg],
    options: Option<&SubmitOptions<'_>>,
    wrong: Option<Failure>,
) -> Result<u64> {
    Ok(DELAYED.insert(Arc::new(Part::new(function, args, options, wrong))))
}

/// Ends a handle. Null is a no-op.
pub fn release(delayed: u64) -> Result<()> {
    if delayed == 0 {
        return Ok(());
    }
    let part = DELAYED.remove(delayed)?;
    // What the plan holds is needed no longer, whoever keeps the part.
    let planned = part.planned.lock().take();
    if let Some(planned) = planned {
        planned.forget();
    }
    Ok(())
}

/// Submits what the delayed needs; the id of its future. Its mistakes, and its handle's, become a future in error.
pub fn compute(client: u64, delayed: u64) -> Result<u64> {
    let mut out = [0];
    compute_all(client, &[delayed], &mut out)?;
    Ok(out[0])
}

/// As [`compute`], for several: what they have in common is computed once. `out` is written on every path.
pub fn compute_all(client: u64, delayed: &[u64], out: &mut [u64]) -> Result<()> {
    out.fill(0);
    let computed = compute_into(client, delayed, out);
    if computed.is_err() {
        // Their futures are all or none.
        for id in out.iter_mut() {
            let _ = future::release(std::mem::take(id));
        }
    }
    computed
}

/// What it takes to compute some delayeds.
struct Prepared {
    form: Form,
    /// Of the clients that it is for.
    traits: Traits,
    /// What becomes of each delayed asked for; `None`: they are the outputs, in order.
    slots: Option<Box<[Slot]>>,
    /// What it counts in [`PLANNED`].
    weight: usize,
}

/// A graph made ready to be computed.
pub(super) enum Form {
    /// To be made nodes of.
    Plan(Box<Plan>),
    /// To be interpreted.
    Program(Arc<Program>),
}

impl Form {
    /// Whether it will do for the client, too. What is a plan because futures from outside are not finished stays one.
    fn fits(&self, client: u64) -> bool {
        match self {
            Form::Plan(_) => true,
            Form::Program(program) => program.fits(client),
        }
    }

    /// How many tasks it has.
    fn len(&self) -> usize {
        match self {
            Form::Plan(plan) => plan.len(),
            Form::Program(program) => program.len(),
        }
    }

    fn n_outputs(&self) -> usize {
        match self {
            Form::Plan(plan) => plan.n_outputs(),
            Form::Program(program) => program.n_outputs(),
        }
    }

    fn compute(&self, client: u64, out: &mut [u64]) -> Result<()> {
        let engine = engine::of(client);
        match self {
            Form::Plan(plan) => engine.compute(client, plan, out),
            Form::Program(program) => engine.interpret(client, program, out),
        }
    }
}

enum Slot {
    Output(usize),
    /// It is none.
    Bad(Failure),
}

/// The plan for some delayeds, known to each of them, so that the end of any handle forgets it.
pub(super) struct Planned {
    /// As asked for.
    delayed: Box<[u64]>,
    prepared: Mutex<Option<Arc<Prepared>>>,
}

/// Tasks in the plans that are kept.
static PLANNED: AtomicUsize = AtomicUsize::new(0);

impl Planned {
    fn forget(&self) {
        let prepared = self.prepared.lock().take();
        drop(prepared);
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        PLANNED.fetch_sub(self.weight, Ordering::Relaxed);
    }
}

fn compute_into(client: u64, delayed: &[u64], out: &mut [u64]) -> Result<()> {
    let engine = engine::of(client);
    let traits = engine.traits(client)?;
    let prepared = match kept(delayed).filter(|kept| kept.traits == traits && kept.form.fits(client)) {
        Some(prepared) => prepared,
        None => prepare(delayed, client, traits)?,
    };
    let Some(slots) = &prepared.slots else {
        return prepared.form.compute(client, out);
    };
    let mut ids = vec![0; prepared.form.n_outputs()];
    prepared.form.compute(client, &mut ids)?;
    let mut firsts = vec![None; ids.len()];
    let mut outcome = Ok(());
    for (index, slot) in slots.iter().enumerate() {
        let made = match slot {
            Slot::Output(output) => match firsts[*output] {
                None => {
                    firsts[*output] = Some(index);
                    Ok(ids[*output])
                }
                Some(first) => future::clone(out[first]),
            },
            Slot::Bad(failure) => engine.submit(client, None, &[], None, Some(failure.clone())),
        };
        match made {
            Ok(id) => out[index] = id,
            Err(failure) => outcome = outcome.and(Err(failure)),
        }
    }
    outcome
}

/// What is kept from having computed the same delayeds before. All of them are alive: the end of a handle forgets it.
fn kept(delayed: &[u64]) -> Option<Arc<Prepared>> {
    let first = part(*delayed.first()?).ok()?;
    let planned = first.planned.lock().clone()?;
    if *planned.delayed == *delayed { planned.prepared.lock().clone() } else { None }
}

fn prepare(delayed: &[u64], client: u64, traits: Traits) -> Result<Arc<Prepared>> {
    let mut outputs: Vec<Arc<Part>> = Vec::with_capacity(delayed.len());
    let mut known = HashMap::with_capacity(delayed.len());
    let slots: Box<[Slot]> = delayed
        .iter()
        .map(|&id| match part(id) {
            Ok(part) => Slot::Output(*known.entry(id).or_insert_with(|| {
                outputs.push(part);
                outputs.len() - 1
            })),
            Err(failure) => Slot::Bad(failure),
        })
        .collect();
    let form = compile(&outputs, client, traits)?;
    // Plans never weigh more than the graphs: a program that computes each prefix of a long chain gets no plan for each.
    let weight = form.len();
    let is_kept = PLANNED.fetch_add(weight, Ordering::Relaxed) + weight <= 2 * graph::n_parts();
    let slots = if outputs.len() == delayed.len() { None } else { Some(slots) };
    let prepared = Arc::new(Prepared { form, traits, slots, weight });
    if is_kept {
        keep(delayed, &outputs, prepared.clone());
    }
    Ok(prepared)
}

fn keep(delayed: &[u64], outputs: &[Arc<Part>], prepared: Arc<Prepared>) {
    let planned = Arc::new(Planned { delayed: delayed.into(), prepared: Mutex::new(Some(prepared)) });
    for output in outputs {
        let before = output.planned.lock().replace(planned.clone());
        if let Some(before) = before {
            before.forget();
        }
    }
    // A handle that ended before its part knew the plan is noticed here, a later one tells.
    if delayed.iter().any(|&id| part(id).is_err()) {
        planned.forget();
    }
}
