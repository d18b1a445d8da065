//! A future's error, shared by all futures that failed because of it.

use super::dependents::Closed;
use super::node::NodePtr;
use super::walk::Ref;
use super::{State, key};
use crate::scheduler::Local;
use crate::status::{self, Failure, Status};
use crate::value::Value;
use parking_lot::Mutex;
use std::ffi::CString;
use std::sync::{Arc, LazyLock};

/// Why a future has no value.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) status: Status,
    /// The task's own.
    pub(crate) code: i32,
    /// How often the task it began in was run.
    pub(crate) attempts: u32,
    pub(crate) message: CString,
    /// The key of the task it began in.
    pub(crate) origin: CString,
    /// An object that the task failed with.
    payload: Option<Payload>,
    /// Whether somebody could retry what ended because of it.
    pub(crate) is_retryable: bool,
    followers: Mutex<Followers>,
}

/// An object that travels with an error, and ends with its last sharer: under no lock of ours, wherever that is.
#[derive(Debug, Clone)]
struct Payload(Value);

impl Drop for Payload {
    fn drop(&mut self) {
        let value = std::mem::take(&mut self.0);
        Local::with(|local| local.bury(value));
    }
}

/// The futures that ended because of an error, as they were: each may be freed, or something else by now.
#[derive(Debug, Default)]
struct Followers {
    seen: Vec<(NodePtr, u64)>,
    /// How many there may be before those that are no more are dropped.
    most: usize,
}

impl Error {
    /// An error that begins in `node`.
    pub(crate) fn new(node: NodePtr, status: Status, code: i32, attempts: u32, message: &str) -> Arc<Self> {
        Self::begun_in(key::of(node), status, code, attempts, message)
    }

    /// An error that begins in the task with this key.
    pub(crate) fn begun_in(
        origin: CString,
        status: Status,
        code: i32,
        attempts: u32,
        message: &str,
    ) -> Arc<Self> {
        Self::with_payload(origin, status, code, attempts, message, None)
    }

    /// The same with an object that travels with it.
    pub(crate) fn with_payload(
        origin: CString,
        status: Status,
        code: i32,
        attempts: u32,
        message: &str,
        payload: Option<Value>,
    ) -> Arc<Self> {
        let payload = payload.map(Payload);
        let error = Self::for_good(origin, status, code, attempts, message);
        Arc::new(Self { is_retryable: true, payload, ..error })
    }

    /// The object that the task failed with.
    pub(crate) fn payload(&self) -> Option<&Value> {
        self.payload.as_ref().map(|payload| &payload.0)
    }

    /// The error without what travels with it: for who keeps it longer than futures do.
    pub(crate) fn bare(self: &Arc<Self>) -> Arc<Self> {
        if self.payload.is_none() { self.clone() } else { Arc::new(self.copy()) }
    }

    /// The same words, for futures that nobody can retry.
    fn copy(&self) -> Self {
        let error = Self::for_good(self.origin.clone(), self.status, self.code, self.attempts, "");
        Self { message: self.message.clone(), ..error }
    }

    /// An error that nobody can retry after.
    fn for_good(origin: CString, status: Status, code: i32, attempts: u32, message: &str) -> Self {
        Self {
            status,
            code,
            attempts,
            message: text(message),
            origin,
            payload: None,
            is_retryable: false,
            followers: Mutex::default(),
        }
    }

    /// Notes that `node`, which the caller counts a reference on, ends because of this error: a retry is to find it.
    pub(crate) fn follow(&self, node: NodePtr) {
        let mut followers = self.followers.lock();
        if followers.seen.len() >= followers.most {
            // Each look at all of them lets their number double before the next: constant for each on average.
            followers.seen.retain(|(node, seen)| node.life.lasts(*seen));
            followers.most = (2 * followers.seen.len()).max(16);
        }
        followers.seen.push((node, node.life.peek()));
    }

    /// The futures that ended because of this error and are still there; some may have been retried since.
    pub(crate) fn followers(&self) -> Vec<Ref> {
        self.followers.lock().seen.iter().filter_map(|&(node, seen)| Ref::join(node, seen)).collect()
    }

    /// What a call reports that wanted the value.
    pub(crate) fn failure(&self) -> Failure {
        let (origin, message) = (self.origin.to_string_lossy(), self.message.to_string_lossy());
        // Some messages name their task themselves.
        let words = if message.contains(&*origin) { message.into() } else { format!("{origin}: {message}") };
        Failure::new(self.status, words)
    }
}

/// A C string of the text, up to its first NUL.
pub(crate) fn text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).expect("cut before the first NUL")
}

/// How a future ends.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// With the value in its body.
    Finished,
    Failed(Arc<Error>),
    Cancelled(Arc<Error>),
}

static RELEASED: LazyLock<Arc<Error>> =
    LazyLock::new(|| Arc::new(Error::for_good(CString::default(), status::CANCELLED, 0, 0, "released")));

impl Ending {
    /// Cancelled for a reason, beginning in `node`.
    pub(crate) fn cancelled(node: NodePtr, reason: &str) -> Self {
        Ending::Cancelled(Error::new(node, status::CANCELLED, 0, 0, reason))
    }

    /// Cancelled because nobody can want it any more, or learn why it was.
    pub(crate) fn released() -> Self {
        Ending::Cancelled(RELEASED.clone())
    }

    /// Whether it is [`released`](Self::released).
    pub(crate) fn is_released(&self) -> bool {
        self.error().is_some_and(|error| Arc::ptr_eq(error, &RELEASED))
    }

    /// Cancelled, beginning in `node`, because the client is closed.
    pub(crate) fn closed(node: NodePtr) -> Self {
        let closed = Error::for_good(key::of(node), status::CANCELLED, 0, 0, super::CLIENT_CLOSED);
        Ending::Cancelled(Arc::new(closed))
    }

    /// Cancelled, beginning in `node`, because its lane is closed: nobody could run it again.
    pub(crate) fn lane_closed(node: NodePtr) -> Self {
        let closed = Error::for_good(key::of(node), status::CANCELLED, 0, 0, super::LANE_CLOSED);
        Ending::Cancelled(Arc::new(closed))
    }

    /// A submit that was wrong in itself.
    pub(crate) fn mistaken(node: NodePtr, wrong: &Failure) -> Self {
        Ending::Failed(Arc::new(Error::for_good(key::of(node), wrong.status, 0, 0, &wrong.message)))
    }

    /// The same, if it is an error, for a future that nobody can retry.
    pub(crate) fn for_good(&self) -> Option<Self> {
        let copied = |error: &Error| Arc::new(Error { payload: error.payload.clone(), ..error.copy() });
        match self {
            Ending::Finished => None,
            Ending::Failed(error) => Some(Ending::Failed(copied(error))),
            Ending::Cancelled(error) => Some(Ending::Cancelled(copied(error))),
        }
    }

    /// The error, if it is one.
    pub(crate) fn error(&self) -> Option<&Arc<Error>> {
        match self {
            Ending::Finished => None,
            Ending::Failed(error) | Ending::Cancelled(error) => Some(error),
        }
    }

    /// Failed before it ran.
    pub(crate) fn failed(node: NodePtr, failure: &Failure) -> Self {
        Ending::Failed(Error::new(node, failure.status, 0, 0, &failure.message))
    }

    /// Whether it is the very same error, shared.
    pub(crate) fn is(&self, other: &Ending) -> bool {
        match (self, other) {
            (Ending::Finished, Ending::Finished) => true,
            (Ending::Failed(one), Ending::Failed(other))
            | (Ending::Cancelled(one), Ending::Cancelled(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    pub(crate) fn state(&self) -> State {
        match self {
            Ending::Finished => State::Finished,
            Ending::Failed(_) => State::Error,
            Ending::Cancelled(_) => State::Cancelled,
        }
    }

    /// The word that closes a list with this ending, which then owns the error; [`from_closed`](Self::from_closed) takes it back.
    pub(crate) fn into_closed(self) -> Closed {
        let state = self.state() as u64;
        let address = match self {
            Ending::Finished => 0,
            Ending::Failed(error) | Ending::Cancelled(error) => {
                Arc::into_raw(error).expose_provenance() as u64
            }
        };
        Closed::new(state, address)
    }

    /// Takes the ending out of a word that [`into_closed`](Self::into_closed) made.
    ///
    /// # Safety
    /// Done once for each word, by who frees the node or was refused the closing.
    pub(crate) unsafe fn from_closed(closed: Closed) -> Self {
        let error = std::ptr::with_exposed_provenance::<Error>(closed.address() as usize);
        match state_of(closed) {
            State::Finished => Ending::Finished,
            // SAFETY: the address is that of an `Arc` given up in `into_closed`.
            State::Error => Ending::Failed(unsafe { Arc::from_raw(error) }),
            // SAFETY: as above.
            _ => Ending::Cancelled(unsafe { Arc::from_raw(error) }),
        }
    }

    /// A copy of the ending of a node that the caller counts a reference on.
    pub(crate) fn of(closed: Closed) -> Self {
        // SAFETY: the word keeps its own share: the one made here is forgotten, and a clone returned.
        let kept = std::mem::ManuallyDrop::new(unsafe { Ending::from_closed(closed) });
        Ending::clone(&kept)
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (ended, error) = match self {
            Ending::Finished => return write!(to, "finished"),
            Ending::Failed(error) => ("failed", error),
            Ending::Cancelled(error) => ("was cancelled", error),
        };
        let message = error.message.to_string_lossy();
        match error.origin.to_string_lossy() {
            // Nobody holds the future, so nobody knows its name.
            origin if origin.is_empty() => write!(to, "{message}"),
            origin => write!(to, "{origin} {ended}: {message}"),
        }
    }
}

/// The final state a closed word tells.
pub(crate) fn state_of(closed: Closed) -> State {
    match closed.state() {
        2 => State::Finished,
        3 => State::Error,
        _ => State::Cancelled,
    }
}
