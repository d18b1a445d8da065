//! A trace as a viewer reads it, held to what every trace promises.

use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// One run of a task; times in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub name: String,
    pub key: String,
    pub thread: i64,
    pub begun: u64,
    pub ended: u64,
    pub outcome: String,
    pub error: Option<String>,
    pub attempt: u64,
}

/// What a file holds.
pub struct Trace {
    pub spans: Vec<Span>,
    /// Keys: from, to.
    pub flows: BTreeSet<(String, String)>,
    /// How many there are, of which some may lead from one key to the same other one.
    pub n_flows: usize,
    pub threads: HashMap<i64, String>,
    pub process: String,
}

impl Trace {
    /// Reads the file and checks what holds for any trace.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a trace");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(file["displayTimeUnit"], "ns");
        assert_eq!(file["otherData"]["runs_lost"], 0);
        let events = file["traceEvents"].as_array().expect("events");
        let of_kind = |kind: &'static str| events.iter().filter(move |event| event["ph"] == kind);
        for event in events {
            assert_eq!(event["pid"], std::process::id(), "{event}");
            assert!(["M", "X", "s", "f", "C"].contains(&text_of(&event["ph"]).as_str()), "{event}");
        }
        let mut process = None;
        let mut threads = HashMap::new();
        for event in of_kind("M") {
            let name = text_of(&event["args"]["name"]);
            match text_of(&event["name"]).as_str() {
                "process_name" => assert!(process.replace(name).is_none()),
                "thread_name" => {
                    assert!(threads.insert(event["tid"].as_i64().expect("a number"), name).is_none());
                }
                other => panic!("metadata {other}"),
            }
        }
        let spans: Vec<_> = of_kind("X").map(span).collect();
        assert!(spans.iter().all(|span| threads.contains_key(&span.thread)), "a track without a name");
        check_nesting(&spans);
        let (flows, n_flows) = flows(events, &spans);
        check_counters(of_kind("C"));
        Self { spans, flows, n_flows, threads, process: process.expect("a name") }
    }

    /// The spans of a task.
    pub fn of(&self, key: &str) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.key == key).collect()
    }

    /// The one span of a task.
    pub fn one(&self, key: &str) -> &Span {
        let spans = self.of(key);
        assert_eq!(spans.len(), 1, "{key}");
        spans[0]
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn nanoseconds(microseconds: &Value) -> u64 {
    (microseconds.as_f64().expect("a time") * 1000.0).round() as u64
}

fn span(event: &Value) -> Span {
    let (begun, args) = (nanoseconds(&event["ts"]), &event["args"]);
    Span {
        name: text_of(&event["name"]),
        key: text_of(&args["key"]),
        thread: event["tid"].as_i64().expect("a number"),
        begun,
        ended: begun + nanoseconds(&event["dur"]),
        outcome: text_of(&args["outcome"]),
        error: args["error"].as_str().map(str::to_owned),
        attempt: args["attempt"].as_u64().expect("a number"),
    }
}

/// Spans on one track lie in each other or apart.
fn check_nesting(spans: &[Span]) {
    let mut sorted: Vec<_> = spans.iter().collect();
    sorted.sort_by_key(|span| (span.thread, span.begun, std::cmp::Reverse(span.ended)));
    let mut around: Vec<&Span> = Vec::new();
    for span in sorted {
        while around.last().is_some_and(|outer| outer.thread != span.thread || outer.ended <= span.begun) {
            around.pop();
        }
        if let Some(outer) = around.last() {
            assert!(span.ended <= outer.ended, "{span:?} overlaps {outer:?}");
        }
        around.push(span);
    }
}

/// Each flow has two ends, in the order of time, within a span each.
fn flows(events: &[Value], spans: &[Span]) -> (BTreeSet<(String, String)>, usize) {
    let mut by_thread: HashMap<i64, Vec<&Span>> = HashMap::new();
    spans.iter().for_each(|span| by_thread.entry(span.thread).or_default().push(span));
    by_thread.values_mut().for_each(|spans| spans.sort_by_key(|span| span.begun));
    // The innermost span that the end of a flow lies in.
    let key_at = |event: &Value| {
        let (thread, at) = (event["tid"].as_i64().expect("a number"), nanoseconds(&event["ts"]));
        let spans = &by_thread[&thread];
        let before = spans.partition_point(|span| span.begun <= at);
        let around = spans[..before].iter().rev().find(|span| at <= span.ended);
        around.unwrap_or_else(|| panic!("{event} is in no span")).key.clone()
    };
    let mut open = HashMap::new();
    let mut flows = BTreeSet::new();
    let mut n_flows = 0;
    for event in events.iter().filter(|event| event["ph"] == "s") {
        let id = event["id"].as_u64().expect("an id");
        assert!(open.insert(id, (nanoseconds(&event["ts"]), key_at(event))).is_none(), "{event}");
    }
    for event in events.iter().filter(|event| event["ph"] == "f") {
        assert_eq!(event["bp"], "e");
        let (begun, from) = open.remove(&event["id"].as_u64().expect("an id")).expect("a beginning");
        assert!(begun <= nanoseconds(&event["ts"]), "{event}");
        flows.insert((from, key_at(event)));
        n_flows += 1;
    }
    assert!(open.is_empty(), "flows without an end: {open:?}");
    (flows, n_flows)
}

fn check_counters<'a>(events: impl Iterator<Item = &'a Value>) {
    let mut last: HashMap<String, u64> = HashMap::new();
    for event in events {
        let name = text_of(&event["name"]);
        assert!(event["args"][&name].as_u64().is_some(), "{event}");
        let at = nanoseconds(&event["ts"]);
        let before = last.insert(name, at);
        assert!(before.is_none_or(|before| before <= at), "{event}");
    }
}
