//! Recording what tasks do, while a trace of their client is on.
//!
//! Each thread records on a track of its own, one for each trace: a worker runs the tasks of one client, but who pulls from lanes may come with
//! those of several.
//! A record is numbers, times and addresses; what they are called is looked up when the trace is written, but for given names, which may
//! be gone by then.

use super::error::Error;
use super::node::NodePtr;
use super::{extra, key};
use crate::scheduler::Local;
use parking_lot::{Mutex, RwLock};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How often at most it is recorded how many tasks wait.
const SAMPLE_EVERY: Duration = Duration::from_micros(100);

/// `| how often a trace was started or stopped: 48 | how many are on: 16 |`. Written under the lock of [`RECORDERS`].
static TRACES: AtomicU64 = AtomicU64::new(0);
const ON: u64 = (1 << 16) - 1;
const CHANGE: u64 = 1 << 16;

/// The traces that are on, by the numbers of their clients.
static RECORDERS: LazyLock<RwLock<HashMap<u32, Arc<Recorder>>>> = LazyLock::new(RwLock::default);

/// Whether any trace is on. Relaxed: a thread that learns of it a moment later records from then on.
#[inline]
pub(crate) fn is_on() -> bool {
    TRACES.load(Ordering::Relaxed) & ON != 0
}

/// Where the tasks of one client are recorded.
struct Recorder {
    begun: Instant,
    /// `None`: the trace is over.
    tracks: Mutex<Option<Vec<Arc<Track>>>>,
    samples: Mutex<Vec<Sample>>,
    /// When the next sample is due, in nanoseconds since `begun`.
    next_sample: AtomicU64,
}

/// What ran on one thread.
struct Track {
    thread: Thread,
    /// As the system numbers it.
    thread_id: i32,
    spans: Mutex<Spans>,
}

#[derive(Default)]
struct Spans {
    spans: Vec<Span>,
    /// The inputs of all of them.
    inputs: Vec<u64>,
    /// How many could not be recorded, for lack of memory.
    lost: u64,
    /// The trace is over: what comes now is for nobody.
    over: bool,
}

/// One run of a task.
pub(crate) struct Span {
    /// Of its [node](NodePtr::number), as in the `inputs` of others.
    pub(crate) number: u64,
    /// The function's address.
    pub(crate) function: usize,
    pub(crate) given: Option<Box<Given>>,
    pub(crate) begun: Instant,
    /// `None`: it still ran when the trace was stopped.
    pub(crate) ended: Option<Instant>,
    pub(crate) attempt: u32,
    pub(crate) outcome: Outcome,
    /// It was handed out on this thread: others may be out at the same time.
    pub(crate) is_out: bool,
    inputs: Range<usize>,
}

/// How a task is called, where that does not follow from its function and number.
pub(crate) struct Given {
    pub(crate) name: Option<CString>,
    pub(crate) key: CString,
}

/// How a run ended.
pub(crate) enum Outcome {
    /// It has not.
    Running,
    Finished,
    /// With another future, whose result becomes the task's.
    Forwarded,
    Failed(Arc<Error>),
    /// The future was cancelled or released meanwhile.
    Cancelled,
}

/// How many tasks waited at one moment.
pub(crate) struct Sample {
    pub(crate) at: Instant,
    /// For a worker.
    pub(crate) ready: u64,
    /// For a worker or for inputs.
    pub(crate) pending: u64,
}

/// A trace that is over.
pub(crate) struct Recorded {
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
    pub(crate) tracks: Vec<RecordedTrack>,
    pub(crate) samples: Vec<Sample>,
}

/// A thread's part of it. Spans are in the order in which they began.
pub(crate) struct RecordedTrack {
    pub(crate) thread: Thread,
    pub(crate) thread_id: i32,
    pub(crate) spans: Vec<Span>,
    inputs: Vec<u64>,
    pub(crate) lost: u64,
}

impl RecordedTrack {
    /// The numbers of the futures that the run took.
    pub(crate) fn inputs(&self, span: &Span) -> &[u64] {
        &self.inputs[span.inputs.clone()]
    }

    /// Those of all runs.
    pub(crate) fn all_inputs(&self) -> &[u64] {
        &self.inputs
    }
}

/// Begins a trace of the client with this number, which has none.
pub(crate) fn start(client: u32) {
    let recorder = Arc::new(Recorder {
        begun: Instant::now(),
        tracks: Mutex::new(Some(Vec::new())),
        samples: Mutex::new(Vec::new()),
        next_sample: AtomicU64::new(0),
    });
    let mut recorders = RECORDERS.write();
    recorders.insert(client, recorder);
    TRACES.fetch_add(CHANGE + 1, Ordering::Relaxed);
}

/// Ends the client's trace, if there is one.
pub(crate) fn stop(client: u32) -> Option<Recorded> {
    let recorder = {
        let mut recorders = RECORDERS.write();
        let recorder = recorders.remove(&client)?;
        TRACES.fetch_add(CHANGE - 1, Ordering::Relaxed);
        recorder
    };
    // Who did not notice yet finds tracks and spans taken.
    let tracks = recorder.tracks.lock().take().unwrap_or_default();
    let tracks = tracks.iter().map(|track| {
        let spans = std::mem::replace(&mut *track.spans.lock(), Spans { over: true, ..Spans::default() });
        let Spans { spans, inputs, lost, .. } = spans;
        RecordedTrack { thread: track.thread.clone(), thread_id: track.thread_id, spans, inputs, lost }
    });
    let tracks = tracks.collect();
    let mut samples = std::mem::take(&mut *recorder.samples.lock());
    // Threads may have come to the lock in another order.
    samples.sort_by_key(|sample| sample.at);
    Some(Recorded { begun: recorder.begun, ended: Instant::now(), tracks, samples })
}

/// Which thread runs what of the client, as far as a trace of it knows: by the numbers of the nodes.
pub(super) fn running(client: u32) -> HashMap<u64, String> {
    let mut running = HashMap::new();
    let Some(recorder) = RECORDERS.read().get(&client).cloned() else { return running };
    let tracks = recorder.tracks.lock().clone();
    for track in tracks.into_iter().flatten() {
        let name = track.thread.name().unwrap_or("?");
        let spans = track.spans.lock();
        let open = spans.spans.iter().filter(|span| span.ended.is_none());
        running.extend(open.map(|span| (span.number, name.to_owned())));
    }
    running
}

/// A thread's part in the trace of its client.
#[derive(Clone)]
struct Mine {
    recorder: Arc<Recorder>,
    track: Arc<Track>,
}

thread_local! {
    /// This thread's part, the client of which, and [`TRACES`] when it was looked up.
    static MINE: RefCell<(u64, u32, Option<Mine>)> = const { RefCell::new((0, 0, None)) };
}

/// A run that was begun, to be [ended](Begun::end).
pub(super) struct Begun {
    track: Arc<Track>,
    index: usize,
}

/// Records that this thread begins to run a task that the caller has claimed, or `is_out` if it is handed out. `None`: its client is not traced.
#[cold]
pub(super) fn begin(node: NodePtr, attempt: u32, is_out: bool, local: &Local) -> Option<Begun> {
    let Mine { recorder, track } = mine(node.client())?;
    let given = node.gate.has_extra().then(|| {
        let name = extra::peek(node, |extra| extra.name.clone()).flatten();
        Box::new(Given { name, key: key::of(node) })
    });
    recorder.sample(local);
    let mut spans = track.spans.lock();
    if spans.over {
        return None;
    }
    // A trace that was forgotten is the likeliest to fill memory: it is not to end the program.
    let mut fits = spans.spans.try_reserve(1).is_ok();
    let first = spans.inputs.len();
    node.for_each_input(|input| {
        fits = fits && spans.inputs.try_reserve(1).is_ok();
        if fits {
            spans.inputs.push(input.number());
        }
    });
    if !fits {
        spans.inputs.truncate(first);
        spans.lost += 1;
        return None;
    }
    let inputs = first..spans.inputs.len();
    let index = spans.spans.len();
    spans.spans.push(Span {
        number: node.number(),
        function: node.function_address(),
        given,
        begun: Instant::now(),
        ended: None,
        attempt,
        outcome: Outcome::Running,
        is_out,
        inputs,
    });
    drop(spans);
    Some(Begun { track, index })
}

impl Begun {
    /// Records that the function has returned.
    #[cold]
    pub(super) fn end(self, outcome: Outcome) {
        let ended = Instant::now();
        // Not there: the trace was stopped meanwhile, with the run as one that goes on.
        if let Some(span) = self.track.spans.lock().spans.get_mut(self.index) {
            span.ended = Some(ended);
            span.outcome = outcome;
        }
    }
}

/// This thread's part in the trace of the client.
fn mine(client: u32) -> Option<Mine> {
    // Acquire, so that the look into the table is not older than the number it is kept under.
    let now = TRACES.load(Ordering::Acquire);
    MINE.with_borrow_mut(|(seen, of, mine)| {
        if (*seen, *of) != (now, client) {
            let recorder = RECORDERS.read().get(&client).cloned();
            // It may have been another client's that began or ended: then this one goes on.
            let goes_on = matches!((&*mine, &recorder), (Some(mine), Some(recorder)) if Arc::ptr_eq(&mine.recorder, recorder));
            if !goes_on {
                *mine = recorder.and_then(Mine::begin);
            }
            (*seen, *of) = (now, client);
        }
        mine.clone()
    })
}

impl Mine {
    /// The track of this thread; `None`: the trace is over.
    fn begin(recorder: Arc<Recorder>) -> Option<Self> {
        let thread = std::thread::current();
        let mut tracks = recorder.tracks.lock();
        let tracks_now = tracks.as_mut()?;
        let known = tracks_now.iter().find(|track| track.thread.id() == thread.id()).cloned();
        let track = known.unwrap_or_else(|| {
            // SAFETY: takes nothing and cannot fail.
            let thread_id = unsafe { libc::gettid() };
            tracks_now.push(Arc::new(Track { thread, thread_id, spans: Mutex::default() }));
            tracks_now[tracks_now.len() - 1].clone()
        });
        drop(tracks);
        Some(Self { recorder, track })
    }
}

impl Recorder {
    /// Records how many tasks wait, if it is time to.
    fn sample(&self, local: &Local) {
        let Some(slot) = local.slot() else { return };
        let at = Instant::now();
        let now = (at - self.begun).as_nanos() as u64;
        let due = self.next_sample.load(Ordering::Relaxed);
        let next = now + SAMPLE_EVERY.as_nanos() as u64;
        // Relaxed: it only chooses one of those who are late.
        if now < due
            || self.next_sample.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let (ready, pending) = (slot.core.n_queued(local), slot.core.n_pending());
        let mut samples = self.samples.lock();
        let is_new = samples.last().is_none_or(|last| (last.ready, last.pending) != (ready, pending));
        if is_new && samples.try_reserve(1).is_ok() {
            samples.push(Sample { at, ready, pending });
        }
    }
}
