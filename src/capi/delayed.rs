//! Lazy graphs: calls written down first and computed later, as often as wanted.

use super::guard;
use super::handle::{rask_client, rask_delayed, rask_future};
use super::pointers::{out, slice};
use super::status::rask_status;
use super::submit::{or_empty, rask_submit_options, read_options};
use super::task::rask_task_fn;
use crate::client::delayed;
use crate::value::Arg;

/// Writes a call down, to be computed later, as often as wanted: nothing runs. It belongs to no client, and
/// keeps what it is built on: values, futures, and, through rask_lazy, other delayeds.
///
/// Parameters: args: as for rask_submit, and rask_lazy; borrowed until the call returns, what they hand over
/// is taken on every path. options: for each time it is computed; copied; NULL: defaults.
/// Returns: a delayed, to be released by rask_delayed_release. What is wrong with the call makes its futures
/// errors when it is computed; {0} only without memory (RASK_E_NOMEM).
/// Threads: any. Blocks: no.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_delayed_call(
    r#fn: rask_task_fn,
    args: *const Arg,
    n_args: usize,
    options: *const rask_submit_options,
) -> rask_delayed {
    let id = guard::call(0, || {
        // SAFETY: NULL, or valid, as the header requires.
        let ((args, wrong), (options, mistake)) =
            unsafe { (or_empty(slice(args, n_args, "args")), read_options(options)) };
        delayed::call(r#fn, args, options.as_ref(), wrong.or(mistake))
    });
    rask_delayed { id }
}

/// Submits what a delayed needs, each part once, as if by rask_submit. Computing it again runs it again, at a
/// fraction of the price. The parts of a larger graph may share its one future, which then runs from the first
/// of them to the last; each part keeps a key and errors of its own.
///
/// Returns: the future of its result, to be released; in error for what is no delayed (RASK_E_HANDLE), or
/// was called wrongly; {0} as for rask_submit.
/// Threads: any. Blocks: no.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn rask_compute(client: rask_client, delayed: rask_delayed) -> rask_future {
    rask_future { id: guard::call(0, || delayed::compute(client.id, delayed.id)) }
}

/// Submits what several delayeds need: what they have in common runs once. Each has a future of its own, which
/// is done as soon as its own call is, and may fail, be cancelled, released or retried by itself; what only it
/// needs does not run then. One that others of them take is an input to them, as it would be by rask_submit.
///
/// Parameters: delayed: n handles, borrowed; NULL if n is 0. out: n futures in their order, to be released, as
/// rask_compute returns them; the same delayed twice is two handles of one future. Written on every path, {0}
/// on failure.
/// Returns: RASK_OK, also where a future is an error; RASK_E_HANDLE, RASK_E_CLOSED, RASK_E_INVALID (NULL with
/// a count), RASK_E_NOMEM.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_compute_all(
    client: rask_client,
    delayed: *const rask_delayed,
    n: usize,
    out: *mut rask_future,
) -> rask_status {
    // SAFETY: NULL, or room for that many futures, as the header requires. A handle is its id.
    let prepare = || unsafe { self::out(out.cast::<u64>(), n, "out") };
    guard::outputs(prepare, |out| {
        // SAFETY: NULL, or that many handles, as the header requires.
        let delayed = unsafe { slice(delayed.cast::<u64>(), n, "delayed") }?;
        delayed::compute_all(client.id, delayed, out)
    })
}

/// Ends a delayed. What others take of it lives on in them, futures computed from it are not touched.
///
/// Returns: RASK_OK, also for {0}; RASK_E_HANDLE for one that was released before.
/// Threads: any. Blocks: no, but may call destructors of values.
#[unsafe(no_mangle)]
pub extern "C" fn rask_delayed_release(delayed: rask_delayed) -> rask_status {
    guard::status(|| delayed::release(delayed.id))
}
