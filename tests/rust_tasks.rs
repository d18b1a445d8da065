//! Tasks written in Rust, through the crate: what C cannot do is panic.

use rask::client::{self, Options, Timeout, Until};
use rask::future::{self, State, Task, TaskFn};
use rask::status;
use rask::value::Value;
use rask::value::{Arg, arg::kind};
use std::ffi::CStr;
use std::sync::Mutex;

/// Live handles are counted by process: one test at a time looks at them.
static ALONE: Mutex<()> = Mutex::new(());

fn with_client(n_workers: u32, test: impl FnOnce(u64)) {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let id = client::open(&Options { n_workers, ..Options::default() }).expect("a client");
    test(id);
    client::close(id).expect("closed");
    assert_eq!(client::live_handles(), 0);
}

fn submit(client: u64, function: TaskFn, args: &[Arg]) -> u64 {
    client::submit(client, Some(function), args, None, None).expect("a future")
}

fn arg(kind: i32, payload: u64) -> Arg {
    Arg { kind, reserved: 0, payload, size: 0, aux: std::ptr::null() }
}

unsafe extern "C-unwind" fn inc(task: *mut Task) {
    // SAFETY: the engine calls this with the running task.
    let task = unsafe { &mut *task };
    let value = task.arg_i64(0).expect("an integer");
    drop(task.set_result(Value::i64(value + 1)));
}

unsafe extern "C-unwind" fn panics(_task: *mut Task) {
    panic!("no way on");
}

unsafe extern "C-unwind" fn panics_with_a_number(_task: *mut Task) {
    std::panic::panic_any(7);
}

#[test]
fn a_result_travels() {
    with_client(2, |client| {
        let x = submit(client, inc, &[arg(kind::I64, 1)]);
        let y = submit(client, inc, &[arg(kind::TAKE, x)]);
        assert_eq!(client::result_i64(y), Ok(3));
        assert_eq!(future::release(x).unwrap_err().status, status::HANDLE);
        future::release(y).expect("released");
    });
}

#[test]
fn a_panic_becomes_an_error_and_travels() {
    with_client(1, |client| {
        for (function, words) in [(panics as TaskFn, "no way on"), (panics_with_a_number, "no message")] {
            let bad = submit(client, function, &[]);
            let dependent = submit(client, inc, &[arg(kind::FUTURE, bad)]);
            for future in [bad, dependent] {
                let failure = client::result(future, Timeout::Forever).expect_err("it panicked");
                assert_eq!(failure.status, status::PANIC);
                assert!(failure.message.contains(words), "{}", failure.message);
                assert_eq!(future::state(future), Ok(State::Error));
            }
            let error = future::error(dependent).expect("an error");
            assert_eq!((error.status, error.attempts), (status::PANIC, 1));
            // SAFETY: borrowed until the release below.
            let (origin, key) =
                unsafe { (CStr::from_ptr(error.origin), CStr::from_ptr(future::key(bad).expect("a key"))) };
            assert_eq!(origin, key);
            future::release_all(&[bad, dependent]).expect("released");
        }
        // The worker has survived.
        let x = submit(client, inc, &[arg(kind::I64, 1)]);
        client::wait(&[x], Until::AllCompleted, Timeout::Forever, None).expect("done");
        assert_eq!(client::result_i64(x), Ok(2));
        future::release(x).expect("released");
    });
}
