//! Traces: what ran when, where and after what, in the JSON format of Chrome's tracing, which Perfetto reads.
//!
//! The layer below [records](crate::future::trace); here the record is written. The format is described in "Trace Event Format" (the Chromium
//! project): spans are complete events (`X`) on a track for each thread, or asynchronous ones (`b`, `e`) where several are out at a time, dependencies are flows (`s`, `f`) from one span to another, and
//! what waits is a counter (`C`).

use crate::future::trace::{self, Outcome, Recorded, RecordedTrack, Sample, Span};
use crate::future::{key_of_number, name_of_function};
use crate::log::log;
use crate::scheduler::{self, Core};
use crate::slab::Id;
use crate::status::{self, Failure, Result};
use parking_lot::Mutex;
use serde::ser::{Serialize, SerializeSeq, Serializer};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, OsStr};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

/// A trace that is on, or just being written.
struct Trace {
    core: Arc<Core>,
    path: PathBuf,
    /// Which file it is, to the system.
    identity: (u64, u64),
    /// `None`: it is written already. Locked while it is being written.
    file: Mutex<Option<File>>,
}

/// The traces, by the numbers of their clients.
static TRACES: LazyLock<Mutex<HashMap<u32, Arc<Trace>>>> = LazyLock::new(Mutex::default);

/// Records what the client's tasks do from now on, for a file at `path`, which is made now.
pub(super) fn start(client: u64, path: &CStr) -> Result<()> {
    let core = scheduler::find(Id(client))?;
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    let is_traced = || Err(Failure::new(status::STATE, format!("{core} is traced already")));
    if TRACES.lock().contains_key(&core.number) {
        return is_traced();
    }
    let refused = |error| Failure::invalid(format!("{}: {error}", path.display()));
    // Emptied only when nothing can go wrong any more.
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    let identity = (metadata.dev(), metadata.ino());

    let mut traces = TRACES.lock();
    if traces.contains_key(&core.number) {
        return is_traced();
    }
    if metadata.is_file() {
        if traces.values().any(|other| other.identity == identity) {
            return Err(refused(std::io::Error::other("another client's trace goes there")));
        }
        file.set_len(0).map_err(refused)?;
    }
    // Who closes the client looks for a trace afterwards.
    if core.is_closed() {
        return Err(scheduler::closed());
    }
    let trace = Trace { core: core.clone(), path: path.to_owned(), identity, file: Mutex::new(Some(file)) };
    traces.insert(core.number, Arc::new(trace));
    trace::start(core.number);
    drop(traces);
    log!(Debug, "{core} is traced to {}", path.display());
    Ok(())
}

/// Ends the client's trace and writes it.
pub(super) fn stop(client: u64) -> Result<()> {
    let core = scheduler::find(Id(client))?;
    finish(core.number).unwrap_or_else(|| Err(Failure::new(status::STATE, format!("{core} is not traced"))))
}

/// Ends and writes the trace of the client with this number; `None`: there is none. Whoever comes while another writes it returns when that
/// is done.
pub(super) fn finish(client: u32) -> Option<Result<()>> {
    let trace = TRACES.lock().get(&client)?.clone();
    let mut file = trace.file.lock();
    let file = file.take()?;
    let recorded = trace::stop(client)?;
    let written = write(&trace.core, &file, recorded);
    TRACES.lock().remove(&client);
    let path = trace.path.display();
    log!(Debug, "{}: the trace is written to {path}", trace.core);
    Some(written.map_err(|error| Failure::new(status::LOST, format!("{path}: {error}"))))
}

fn write(core: &Core, file: &File, mut recorded: Recorded) -> std::io::Result<()> {
    if core.n_pending() == 0 {
        // Else the counters would end with what the last task to begin saw.
        recorded.samples.push(Sample { at: recorded.ended, ready: 0, pending: 0 });
    }
    let mut to = BufWriter::with_capacity(1 << 16, file);
    let file = TraceFile {
        display_time_unit: "ns",
        other_data: OtherData {
            rask_version: env!("CARGO_PKG_VERSION"),
            client: &core.settings.name,
            n_workers: core.settings.n_workers,
            runs_lost: recorded.tracks.iter().map(|track| track.lost).sum(),
        },
        trace_events: Events { core, recorded: &recorded },
    };
    serde_json::to_writer(&mut to, &file)?;
    to.write_all(b"\n")?;
    to.flush()
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct TraceFile<'a> {
    display_time_unit: &'static str,
    other_data: OtherData<'a>,
    trace_events: Events<'a>,
}

#[derive(serde::Serialize)]
struct OtherData<'a> {
    rask_version: &'static str,
    client: &'a str,
    n_workers: usize,
    /// Not recorded, for lack of memory.
    runs_lost: u64,
}

/// Written one after the other: there may be more of them than memory has room for.
struct Events<'a> {
    core: &'a Core,
    recorded: &'a Recorded,
}

#[derive(serde::Serialize)]
struct Event<'a> {
    name: &'a str,
    cat: &'static str,
    ph: &'static str,
    pid: u32,
    tid: i32,
    /// In microseconds since the trace began, as the format wants it.
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    /// Of a flow, or of what is asynchronous: the same at both ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    /// Of the end of a flow: that it leads to the span around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Args<'a>>,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Args<'a> {
    Name { name: &'a str },
    Run(RunArgs<'a>),
    Ready { ready: u64 },
    Pending { pending: u64 },
}

#[derive(serde::Serialize)]
struct RunArgs<'a> {
    key: Cow<'a, str>,
    attempt: u32,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, str>>,
}

impl Serialize for Events<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut events = serializer.serialize_seq(None)?;
        self.write_names(&mut events)?;
        let mut names = Names::default();
        for track in &self.recorded.tracks {
            for span in &track.spans {
                self.write_span(&mut events, track, span, &mut names)?;
            }
        }
        self.write_flows(&mut events)?;
        for sample in &self.recorded.samples {
            let ts = self.nanoseconds(sample.at);
            for (name, args) in [
                ("ready", Args::Ready { ready: sample.ready }),
                ("pending", Args::Pending { pending: sample.pending }),
            ] {
                events.serialize_element(&Event { args: Some(args), ..self.event(name, "C", 0, ts) })?;
            }
        }
        events.end()
    }
}

impl Events<'_> {
    /// Of the process, which here is the client, and of its threads.
    fn write_names<S: SerializeSeq>(&self, events: &mut S) -> std::result::Result<(), S::Error> {
        let name = Some(Args::Name { name: &self.core.settings.name });
        events.serialize_element(&Event { args: name, ..self.event("process_name", "M", 0, 0) })?;
        for track in &self.recorded.tracks {
            let name = Some(Args::Name { name: track.thread.name().unwrap_or("?") });
            let event = self.event("thread_name", "M", track.thread_id, 0);
            events.serialize_element(&Event { args: name, ..event })?;
        }
        Ok(())
    }

    fn write_span<S: SerializeSeq>(
        &self,
        events: &mut S,
        track: &RecordedTrack,
        span: &Span,
        names: &mut Names,
    ) -> std::result::Result<(), S::Error> {
        let name = names.of(span);
        let key = match &span.given {
            Some(given) => given.key.to_string_lossy(),
            None => key_of_number(name, span.number).into(),
        };
        let (outcome, error) = match &span.outcome {
            Outcome::Running => ("running", None),
            Outcome::Finished => ("finished", None),
            Outcome::Forwarded => ("returned a future", None),
            Outcome::Cancelled => ("cancelled", None),
            Outcome::Failed(error) => ("error", Some(error.message.to_string_lossy())),
        };
        let begun = self.nanoseconds(span.begun);
        let args = Some(Args::Run(RunArgs { key, attempt: span.attempt, outcome, error }));
        let end = self.end_of(span);
        if !span.is_out {
            let dur = Some(microseconds(end - begun));
            return events.serialize_element(&Event {
                dur,
                args,
                ..self.event(name, "X", track.thread_id, begun)
            });
        }
        // The number is no other task's, and its runs do not overlap.
        let id = Some(span.number);
        events.serialize_element(&Event { id, args, ..self.event(name, "b", track.thread_id, begun) })?;
        events.serialize_element(&Event { id, ..self.event(name, "e", track.thread_id, end) })
    }

    /// An arrow along each dependency of which both ends ran while the trace was on.
    fn write_flows<S: SerializeSeq>(&self, events: &mut S) -> std::result::Result<(), S::Error> {
        // Of several runs of a task (it was run again) the last that ended before its dependent began has made the value.
        let mut producers: HashMap<u64, Vec<(i32, &Span)>> = HashMap::new();
        let tracks = &self.recorded.tracks;
        let taken: HashSet<u64> = tracks.iter().flat_map(RecordedTrack::all_inputs).copied().collect();
        for track in tracks {
            for span in track.spans.iter().filter(|span| taken.contains(&span.number)) {
                producers.entry(span.number).or_default().push((track.thread_id, span));
            }
        }
        let mut id = 0;
        for track in tracks {
            for span in &track.spans {
                let begun = self.nanoseconds(span.begun);
                for input in track.inputs(span) {
                    let runs = producers.get(input).map_or(&[][..], Vec::as_slice).iter();
                    let before = runs.filter(|(_, run)| run.ended.is_some_and(|ended| ended <= span.begun));
                    let Some(&(thread_id, run)) = before.max_by_key(|(_, run)| run.ended) else { continue };
                    id += 1;
                    // Within the span, so that viewers find it: at its end another may have begun.
                    let ended = self.end_of(run).saturating_sub(1).max(self.nanoseconds(run.begun));
                    let from = self.event("dependency", "s", thread_id, ended);
                    events.serialize_element(&Event { id: Some(id), ..from })?;
                    let to = self.event("dependency", "f", track.thread_id, begun);
                    events.serialize_element(&Event { id: Some(id), bp: Some("e"), ..to })?;
                }
            }
        }
        Ok(())
    }

    fn event<'a>(&self, name: &'a str, ph: &'static str, tid: i32, nanoseconds: u64) -> Event<'a> {
        let ts = microseconds(nanoseconds);
        let pid = std::process::id();
        Event { name, cat: "rask", ph, pid, tid, ts, dur: None, id: None, bp: None, args: None }
    }

    /// When a run ended, or the trace.
    fn end_of(&self, span: &Span) -> u64 {
        self.nanoseconds(span.ended.unwrap_or(self.recorded.ended))
    }

    fn nanoseconds(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.recorded.begun).as_nanos() as u64
    }
}

/// Exact to the nanosecond, as written, for the first 52 days: division rounds to the double nearest to a number with three decimals, which is written with those.
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

/// What tasks are called, looked up once for each function.
#[derive(Default)]
struct Names {
    by_function: HashMap<usize, String>,
    given: String,
}

impl Names {
    fn of(&mut self, span: &Span) -> &str {
        match span.given.as_ref().and_then(|given| given.name.as_ref()) {
            Some(name) => {
                self.given.clear();
                self.given.push_str(&name.to_string_lossy());
                &self.given
            }
            None => self.by_function.entry(span.function).or_insert_with(|| name_of_function(span.function)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::microseconds;

    #[test]
    fn times_are_exact_to_the_nanosecond() {
        for nanoseconds in [0, 1, 999, 1000, 123_456_789, 86_400_000_000_001, (1 << 52) - 1] {
            let written = serde_json::to_string(&microseconds(nanoseconds)).unwrap();
            let (whole, decimals) = written.split_once('.').unwrap();
            assert_eq!(format!("{whole}{decimals:0<3}").parse(), Ok(nanoseconds), "{written}");
        }
    }
}
