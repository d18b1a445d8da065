//! The keys that futures hold: which future is called what, and which computation is whose.
//!
//! An entry refers to its future without keeping it: it is taken out when the future is freed, and whoever finds one that is being freed
//! takes its place. Nobody else's are looked at, so a client without keys pays nothing.

use super::identity::{self, Identity, Print};
use super::node::NodePtr;
use super::read::discard;
use super::settle::is_alone;
use super::submit::{Made, Spec, make};
use super::walk::Ref;
use super::{extra, handle, key};
use crate::scheduler::{Local, trait_bit};
use crate::status::{self, Failure, Result};
use crate::value::Arg;
use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::LazyLock;

/// What an entry is found by, in its client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Key(u32, CString),
    Pure(u32, Print),
}

enum Entry {
    /// Some thread is making the future.
    Making,
    /// The future, and its life as it was seen then.
    Is(NodePtr, u64),
}

static HELD: LazyLock<Mutex<HashMap<Name, Entry>>> = LazyLock::new(Mutex::default);
static MADE: Condvar = Condvar::new();

/// A place in the table that is the caller's to fill. Dropped unfilled, it is free again.
struct Place(Option<Name>);

enum Claimed {
    Free(Place),
    Held(Ref),
}

/// Claims the place of a name, or finds who holds it. Blocks while another thread makes that future, which runs no code of the user's
/// meanwhile.
fn claim(name: Name) -> Claimed {
    let mut held = HELD.lock();
    loop {
        match held.get(&name) {
            Some(Entry::Making) => MADE.wait(&mut held),
            Some(&Entry::Is(node, seen)) => match Ref::join(node, seen) {
                Some(found) => return Claimed::Held(found),
                // It is being freed, and takes only an entry of its own out.
                None => break,
            },
            None => break,
        }
    }
    held.insert(name.clone(), Entry::Making);
    Claimed::Free(Place(Some(name)))
}

impl Place {
    fn fill(mut self, node: NodePtr) {
        if let Some(name) = self.0.take() {
            HELD.lock().insert(name, Entry::Is(node, node.life.peek()));
            MADE.notify_all();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(name) = self.0.take() {
            HELD.lock().remove(&name);
            MADE.notify_all();
        }
    }
}

/// Takes the entries of a node that nobody refers to but the caller, and the engine, out. `false`: somebody does.
#[cold]
pub(super) fn give_up(node: NodePtr) -> bool {
    let known = extra::peek(node, |extra| extra.key.clone().zip(extra.identity)).flatten();
    let Some((key, identity)) = known else { return true };
    let mut held = HELD.lock();
    // Under the lock nobody finds it, so nobody comes by.
    let is_last = is_alone(node);
    if is_last {
        remove(&mut held, node, key, identity);
    }
    is_last
}

/// Takes the entries of a node that is being freed out.
#[cold]
pub(super) fn forget(node: NodePtr, key: CString, identity: Identity) {
    remove(&mut HELD.lock(), node, key, identity);
}

fn remove(held: &mut HashMap<Name, Entry>, node: NodePtr, key: CString, identity: Identity) {
    let client = node.client();
    let names =
        [Some(Name::Key(client, key)), identity.is_pure.then_some(Name::Pure(client, identity.print))];
    for name in names.into_iter().flatten() {
        if matches!(held.get(&name), Some(&Entry::Is(its, seen)) if its == node && node.life.is_same(seen)) {
            held.remove(&name);
        }
    }
}

/// A future of a task, new or found by its key.
#[inline(always)]
pub(crate) fn submit(local: &Local, spec: Spec<'_>, args: &[Arg]) -> Result<Made> {
    let is_pure = || spec.client & trait_bit::PURE != 0;
    let is_held = match spec.options {
        None => is_pure(),
        Some(options) => options.key.is_some() || options.pure.unwrap_or_else(is_pure),
    };
    if is_held { make_held(local, spec, args) } else { make(local, spec, args) }
}

/// As [`make`], for a task with a given key or a pure one: a further handle of the future that is the same computation, if there is
/// one; a future in error, `EXISTS`, if the key is held by another.
#[cold]
fn make_held(local: &Local, spec: Spec<'_>, args: &[Arg]) -> Result<Made> {
    let (Some(function), None) = (spec.function, spec.wrong) else { return make(local, spec, args) };
    let print = match identity::of(function, args, spec.client) {
        Ok(Some(print)) => print,
        Ok(None) => return make(local, spec, args),
        Err(failure) => return make(local, Spec { wrong: Some(&failure), ..spec }, args),
    };
    let given = spec.options.and_then(|options| options.key);
    let identity = Identity { print, is_pure: given.is_none() };
    let key = given.map_or_else(|| key::of_pure(function, spec.options, &print), |key| key.to_owned());

    if given.is_some() && key::is_numbered(spec.client, &key) {
        let words =
            format!("the key {} is held by a future that was submitted without a key", key.to_string_lossy());
        return make(local, Spec { wrong: Some(&Failure::new(status::EXISTS, words)), ..spec }, args);
    }

    let mut places = Vec::with_capacity(2);
    let pure = identity.is_pure.then_some(Name::Pure(spec.client, print));
    for name in pure.into_iter().chain([Name::Key(spec.client, key.clone())]) {
        match claim(name) {
            Claimed::Free(place) => places.push(place),
            Claimed::Held(found) => {
                drop(places);
                return another_handle(local, spec, args, &found, &print, &key);
            }
        }
    }
    // What `args` hands over may end here, and its destructors may submit the very same.
    local.bury_later(|| {
        let made = make(local, Spec { identity: Some((&key, identity)), ..spec }, args)?;
        // A handle that was released since it was looked at has made it an error without a key.
        let node = NodePtr::of(handle::line(made.id)?.0);
        if extra::peek(node, |extra| extra.identity.is_some()) == Some(true) {
            places.into_iter().for_each(|place| place.fill(node));
        }
        Ok(made)
    })
}

fn another_handle(
    local: &Local,
    spec: Spec<'_>,
    args: &[Arg],
    found: &Ref,
    print: &Print,
    key: &CString,
) -> Result<Made> {
    let its = extra::peek(found.node(), |extra| extra.identity).flatten();
    if its.is_some_and(|its| its.print == *print) {
        discard(args);
        let id = handle::another(found.node())?;
        return Ok(Made { id, job: None });
    }
    let words = format!("the key {} is held by a different computation", key.to_string_lossy());
    let failure = Failure::new(status::EXISTS, words);
    make(local, Spec { wrong: Some(&failure), ..spec }, args)
}
