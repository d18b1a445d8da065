//! Traces, read back as a viewer reads them.

#[path = "trace/read.rs"]
mod read;

use rask::client::{self, Options, SubmitOptions, Timeout};
use rask::future::{self, Task, TaskFn};
use rask::status;
use rask::value::arg::kind;
use rask::value::{Arg, Value};
use read::Trace;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A file to write a trace to; removed when dropped.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        Self(std::env::temp_dir().join(format!("rask-{test}-{}.json", std::process::id())))
    }

    fn path(&self) -> CString {
        CString::new(self.0.to_str().expect("text")).expect("no NUL")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn open(n_workers: u32) -> u64 {
    client::open(&Options { n_workers, name: Some(c"traced"), ..Options::default() }).expect("a client")
}

/// A client that is traced, and the trace of what `run` made it do.
fn traced<T>(test: &str, n_workers: u32, run: impl FnOnce(u64) -> T) -> (T, Trace) {
    let (client, place) = (open(n_workers), Place::new(test));
    client::trace_start(client, &place.path()).expect("traced");
    let made = run(client);
    client::drain(client, Timeout::Forever).expect("drained");
    client::trace_stop(client).expect("written");
    client::close(client).expect("closed");
    let trace = Trace::read(&place.0);
    assert_eq!(trace.process, "traced");
    assert!(trace.threads.values().all(|name| name.starts_with("traced-")), "{:?}", trace.threads);
    (made, trace)
}

fn submit(client: u64, function: TaskFn, args: &[Arg]) -> u64 {
    client::submit(client, Some(function), args, None, None).expect("a future")
}

fn named(client: u64, name: &CStr, function: TaskFn, args: &[Arg]) -> u64 {
    let options = SubmitOptions { name: Some(name), ..SubmitOptions::default() };
    client::submit(client, Some(function), args, Some(&options), None).expect("a future")
}

fn arg(kind: i32, payload: u64) -> Arg {
    Arg { kind, reserved: 0, payload, size: 0, aux: std::ptr::null() }
}

fn number(n: i64) -> Arg {
    arg(kind::I64, n as u64)
}

fn of(future: u64) -> Arg {
    arg(kind::FUTURE, future)
}

fn list_of(futures: &[u64]) -> Arg {
    Arg { size: futures.len(), ..arg(kind::LIST_OF, futures.as_ptr().expose_provenance() as u64) }
}

fn key(future: u64) -> String {
    let key = future::key(future).expect("a key");
    // SAFETY: valid until the handle is released.
    unsafe { CStr::from_ptr(key) }.to_str().expect("text").to_owned()
}

fn edges(pairs: impl IntoIterator<Item = (u64, u64)>) -> BTreeSet<(String, String)> {
    pairs.into_iter().map(|(from, to)| (key(from), key(to))).collect()
}

/// Adds up its numbers.
unsafe extern "C-unwind" fn sum(task: *mut Task) {
    // SAFETY: the engine calls this with the running task.
    let task = unsafe { &mut *task };
    let sum = (0..task.arg_count()).filter_map(|index| task.arg_i64(index)).sum();
    drop(task.set_result(Value::i64(sum)));
}

unsafe extern "C-unwind" fn fails(task: *mut Task) {
    // SAFETY: as above.
    unsafe { &mut *task }.fail(status::TASK, 7, "it \"broke\"\n");
}

/// The sum of 0 to n, by two tasks that it waits for.
unsafe extern "C-unwind" fn tree(task: *mut Task) {
    // SAFETY: as above.
    let task = unsafe { &mut *task };
    let n = task.arg_i64(0).expect("a number");
    let total = if n < 2 {
        n
    } else {
        let client = task.client();
        let halves = [submit(client, tree, &[number(n / 2)]), submit(client, tree, &[number(n - n / 2)])];
        let total = halves.iter().map(|&half| client::result_i64(half).expect("a number")).sum();
        future::release_all(&halves).expect("released");
        total
    };
    drop(task.set_result(Value::i64(total)));
}

/// Holds a task.
#[derive(Default)]
struct Gate {
    entered: AtomicBool,
    open: AtomicBool,
}

impl Gate {
    fn arg(&self) -> Arg {
        number(std::ptr::from_ref(self).expose_provenance() as i64)
    }

    fn await_entered(&self) {
        while !self.entered.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }

    fn open(&self) {
        self.open.store(true, Ordering::Release);
    }
}

/// (gate): waits until it is opened.
unsafe extern "C-unwind" fn held(task: *mut Task) {
    // SAFETY: as above.
    let task = unsafe { &mut *task };
    let gate = task.arg_i64(0).expect("an address");
    // SAFETY: the test keeps the gate until the task has ended.
    let gate = unsafe { &*std::ptr::with_exposed_provenance::<Gate>(gate as usize) };
    gate.entered.store(true, Ordering::Release);
    while !gate.open.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// A new task's future becomes its own.
unsafe extern "C-unwind" fn returns_future(task: *mut Task) {
    // SAFETY: as above.
    let task = unsafe { &mut *task };
    let other = submit(task.client(), sum, &[number(40), number(2)]);
    task.return_future(other);
}

#[test]
fn a_chain() {
    for workers in [1, 3] {
        let (futures, trace) = traced(&format!("chain{workers}"), workers, |client| {
            let mut futures = vec![named(client, c"first", sum, &[number(1)])];
            for _ in 0..300 {
                futures.push(named(client, c"next", sum, &[of(futures[futures.len() - 1]), number(1)]));
            }
            futures
        });
        assert_eq!(trace.spans.len(), futures.len());
        for &future in &futures {
            let span = trace.one(&key(future));
            assert_eq!(span.name, if future == futures[0] { "first" } else { "next" });
            assert_eq!((span.outcome.as_str(), span.attempt), ("finished", 1));
        }
        assert_eq!(trace.flows, edges(futures.windows(2).map(|pair| (pair[0], pair[1]))));
        assert_eq!(trace.n_flows, 300);
        future::release_all(&futures).expect("released");
    }
}

#[test]
fn what_is_finished_already_has_its_arrow() {
    let ((x, y, value), trace) = traced("inlined", 2, |client| {
        let x = submit(client, sum, &[number(1)]);
        assert_eq!(client::result_i64(x), Ok(1));
        // Without a trace this one would get the number, and nobody could tell where it came from.
        let value = client::scatter(client, &number(5)).expect("a future");
        (x, submit(client, sum, &[of(x), of(value)]), value)
    });
    assert_eq!(trace.flows, edges([(x, y)]));
    assert_eq!(trace.spans.len(), 2, "a value did not run");
    assert_eq!(trace.one(&key(y)).name, "task");
    future::release_all(&[x, y, value]).expect("released");
}

#[test]
fn a_fan() {
    let ((root, middle, end), trace) = traced("fan", 3, |client| {
        let root = submit(client, sum, &[number(1)]);
        let middle: Vec<_> = (0..500).map(|i| submit(client, sum, &[of(root), number(i)])).collect();
        // More inputs than a node has room for.
        (root, middle.clone(), submit(client, sum, &[list_of(&middle), of(root)]))
    });
    let from_root = middle.iter().map(|&node| (root, node));
    let to_end = middle.iter().map(|&node| (node, end));
    assert_eq!(trace.flows, edges(from_root.chain(to_end).chain([(root, end)])));
    assert_eq!(trace.spans.len(), 502);
    future::release_all(&middle).expect("released");
    future::release_all(&[root, end]).expect("released");
}

#[test]
fn errors_and_cancellations() {
    let gate = Gate::default();
    let ((bad, after, cancelled), trace) = traced("errors", 2, |client| {
        let bad = named(client, c"a name with \"quotes\", \\ and \x01", fails, &[]);
        let after = submit(client, sum, &[of(bad)]);
        let cancelled = submit(client, held, &[gate.arg()]);
        gate.await_entered();
        future::cancel(cancelled, None).expect("cancelled");
        gate.open();
        (bad, after, cancelled)
    });
    let span = trace.one(&key(bad));
    assert_eq!(span.name, "a name with \"quotes\", \\ and \x01");
    assert_eq!((span.outcome.as_str(), span.error.as_deref()), ("error", Some("it \"broke\"\n")));
    assert_eq!(trace.one(&key(cancelled)).outcome, "cancelled");
    assert_eq!(trace.of(&key(after)).len(), 0, "it did not run");
    future::release_all(&[bad, after, cancelled]).expect("released");
}

#[test]
fn waiting_inside_and_returned_futures() {
    for workers in [1, 4] {
        let ((root, forward, last), trace) = traced(&format!("tree{workers}"), workers, |client| {
            let forward = submit(client, returns_future, &[]);
            let last = submit(client, sum, &[of(forward)]);
            (submit(client, tree, &[number(300)]), forward, last)
        });
        assert_eq!(trace.one(&key(forward)).outcome, "returned a future");
        assert_eq!(trace.flows, edges([(forward, last)]));
        // 599 of the tree (a binary one with 300 leaves), and three more.
        assert_eq!(trace.spans.len(), 599 + 3);
        let root_span = trace.one(&key(root));
        assert!(trace.spans.iter().filter(|span| span.name == "task").count() > 0);
        assert_eq!(client::result_i64(root), Ok(300));
        if workers == 1 {
            let is_within = |span: &&read::Span| {
                span.thread == root_span.thread
                    && root_span.begun < span.begun
                    && span.ended <= root_span.ended
            };
            assert!(trace.spans.iter().filter(is_within).count() > 0, "none on top");
        }
        future::release_all(&[root, forward, last]).expect("released");
    }
}

#[test]
fn what_runs_at_the_stop_is_shown_up_to_it() {
    let gate = Gate::default();
    let (client, place) = (open(1), Place::new("running"));
    client::trace_start(client, &place.path()).expect("traced");
    let future = submit(client, held, &[gate.arg()]);
    gate.await_entered();
    client::trace_stop(client).expect("written");
    assert_eq!(Trace::read(&place.0).one(&key(future)).outcome, "running");
    // What runs when a trace begins is not in it.
    client::trace_start(client, &place.path()).expect("traced");
    let next = submit(client, sum, &[]);
    gate.open();
    client::drain(client, Timeout::Forever).expect("drained");
    client::close(client).expect("closed");
    let trace = Trace::read(&place.0);
    assert_eq!(trace.one(&key(next)).outcome, "finished", "written by the close");
    assert_eq!(trace.spans.len(), 1);
    future::release_all(&[future, next]).expect("released");
}

/// Lets others end, also when the test fails.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn started_and_stopped_by_many_while_tasks_run() {
    let clients = [open(2), open(2)];
    let done = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = SetWhenDropped(done);
        for client in clients {
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let futures: Vec<_> = (0..50).map(|n| submit(client, tree, &[number(n % 8)])).collect();
                    futures.iter().for_each(|&future| drop(client::result_i64(future)));
                    future::release_all(&futures).expect("released");
                }
            });
        }
        let tracers = [0, 1, 2, 3].map(|index| {
            scope.spawn(move || {
                let (client, place) = (clients[index % 2], Place::new(&format!("storm{index}")));
                for _ in 0..100 {
                    for outcome in [client::trace_start(client, &place.path()), client::trace_stop(client)] {
                        // Another may trace just now, or have stopped it.
                        assert!(
                            outcome.is_ok() || outcome.is_err_and(|failure| failure.status == status::STATE)
                        );
                    }
                }
            })
        });
        tracers.into_iter().for_each(|tracer| tracer.join().expect("a tracer"));
        for (index, client) in clients.into_iter().enumerate() {
            let _ = client::trace_stop(client);
            let place = Place::new(&format!("calm{index}"));
            client::trace_start(client, &place.path()).expect("nobody else traces");
            let executed = || client::stats(client).expect("figures").n_executed;
            let before = executed();
            while executed() < before + 1000 {
                std::thread::yield_now();
            }
            client::trace_stop(client).expect("written");
            // One that ran at the beginning may count without being in it.
            assert!(Trace::read(&place.0).spans.len() > 900);
        }
    });
    clients.into_iter().for_each(|client| client::close(client).expect("closed"));
}

#[test]
fn two_clients_at_once() {
    let (one, other) = (open(1), open(1));
    let (place, other_place) = (Place::new("one"), Place::new("other"));
    client::trace_start(one, &place.path()).expect("traced");
    client::trace_start(other, &other_place.path()).expect("traced");
    let (x, y) = (named(one, c"x", sum, &[]), named(other, c"y", sum, &[]));
    assert!(client::result_i64(x).is_ok() && client::result_i64(y).is_ok());
    client::close(one).expect("closed");
    client::close(other).expect("closed");
    let (trace, other_trace) = (Trace::read(&place.0), Trace::read(&other_place.0));
    assert_eq!((trace.one(&key(x)).name.as_str(), trace.spans.len()), ("x", 1));
    assert_eq!((other_trace.one(&key(y)).name.as_str(), other_trace.spans.len()), ("y", 1));
    future::release_all(&[x, y]).expect("released");
}
