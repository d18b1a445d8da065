//! Submit: tasks and values into a client.

use super::guard;
use super::handle::{rask_client, rask_future, rask_lane};
use super::pointers::{args, out, slice, text};
use super::sized::{self, Versioned};
use super::status::rask_status;
use super::task::rask_task_fn;
use crate::client::{self, Submission, SubmitOptions, discard};
use crate::status::{Failure, Result};
use crate::value::Arg;
use std::ffi::{CStr, c_char};
use std::time::Duration;

/// How a task is submitted. Begin with RASK_SUBMIT_OPTIONS_INIT; everything in it is borrowed during the call
/// only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rask_submit_options {
    /// sizeof(rask_submit_options).
    pub struct_size: usize,
    /// The future's key, 1 to 65536 bytes: a key that is held already is the same future, or RASK_E_EXISTS if
    /// it is held by a different function or arguments. NULL: name-<hash> if pure, name-<number> if not.
    pub key: *const c_char,
    /// Begins the key, at most 65472 bytes; NULL: the function's symbol where it has one.
    pub name: *const c_char,
    /// Of what is ready, the higher runs first; equal ones in the order they were submitted. 0.
    pub priority: i32,
    /// How often the task is run again after failures of its own; 0.
    pub retries: u32,
    /// Nanoseconds before it is; 0.
    pub retry_delay_ns: i64,
    /// What the task holds while its function runs, of what the client has: "GPU=1,license=2"; what the client
    /// never has is RASK_E_INVALID. NULL: nothing.
    pub resources: *const c_char,
    /// RASK_PURE or RASK_IMPURE; 0: as the client says.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// The lane whose pullers run it; {0}: the client's workers do. With a lane of another client, a stale one or a
    /// closed one the future is an error: RASK_E_HANDLE, RASK_E_CLOSED. A lane's tasks hold no resources:
    /// RASK_E_UNSUPPORTED.
    pub lane: rask_lane,
}

/// The function does nothing but compute its result from its arguments: while a future of it with equal
/// arguments is alive, that is the future of this submit too. Arguments are equal by content, futures by key,
/// objects by what encode writes, pointers by address. An object that cannot be encoded is equal to no other.
pub const RASK_PURE: u32 = 1;
/// Runs for every submit, also in a client whose submits are pure.
pub const RASK_IMPURE: u32 = 2;

// SAFETY: repr(C), its size first, no padding; pointers and integers are valid when zero.
unsafe impl Versioned for rask_submit_options {
    const NAME: &'static str = "rask_submit_options";
    const FIRST_SIZE: usize = 56;
}
const _: () = assert!(size_of::<rask_submit_options>() == 64);

/// Submits a task: fn runs on a worker thread once the futures among its arguments are finished.
///
/// Parameters: args: RASK_ARGS(...) or RASK_NO_ARGS, at most 2^24; borrowed until the call returns, what they
/// hand over (rask_take, rask_object, rask_bytes_owned) is taken on every path.
/// Returns: a future, to be released. What is wrong with fn or args makes it an error (RASK_E_INVALID,
/// RASK_E_HANDLE); {0} only without a client (RASK_E_HANDLE, RASK_E_CLOSED) or without memory for a future
/// (RASK_E_NOMEM).
/// Threads: any. Blocks: no; with memory_limit, outside of tasks, until there is room.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_submit(
    client: rask_client,
    r#fn: rask_task_fn,
    args: *const Arg,
    n_args: usize,
) -> rask_future {
    let id = guard::call(0, || {
        // SAFETY: NULL, or that many arguments, as the header requires.
        let (args, wrong) = or_empty(unsafe { self::args(args, n_args) });
        client::submit(client.id, r#fn, args, None, wrong)
    });
    rask_future { id }
}

/// Submits a task with options.
///
/// Parameters: as for rask_submit. options: borrowed; NULL: defaults.
/// Returns: as for rask_submit; what is wrong with the options makes the future an error too (RASK_E_INVALID,
/// RASK_E_EXISTS).
/// Threads: any. Blocks: as rask_submit.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_submit_with(
    client: rask_client,
    r#fn: rask_task_fn,
    args: *const Arg,
    n_args: usize,
    options: *const rask_submit_options,
) -> rask_future {
    let id = guard::call(0, || {
        // SAFETY: NULL, or valid, as the header requires.
        let ((args, wrong), (options, mistake)) =
            unsafe { (or_empty(self::args(args, n_args)), read_options(options)) };
        client::submit(client.id, r#fn, args, options.as_ref(), wrong.or(mistake))
    });
    rask_future { id }
}

/// Submits one task per item, each with that item as its only argument: one call, with one wake-up for up to
/// 512 of them.
///
/// Parameters: items: borrowed until the call returns, what they hand over is taken on every path. options:
/// for each; borrowed; NULL: defaults. out: n_items futures in the order of items, to be released; written on
/// every path, {0} on failure.
/// Returns: RASK_OK, also where a bad item made its future an error; RASK_E_HANDLE, RASK_E_CLOSED,
/// RASK_E_INVALID (NULL with a count), RASK_E_NOMEM (the futures from some item on are {0}; so they are where
/// the client is closed while this waits).
/// Threads: any. Blocks: as rask_submit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_map(
    client: rask_client,
    r#fn: rask_task_fn,
    items: *const Arg,
    n_items: usize,
    options: *const rask_submit_options,
    out: *mut rask_future,
) -> rask_status {
    let task = |item| Submission { function: r#fn, args: std::slice::from_ref(item), wrong: None };
    // SAFETY: as the header requires.
    unsafe { submit_many(client, items, n_items, "items", task, options, out) }
}

/// A task of many that rask_submit_all submits.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rask_submission {
    /// What runs it.
    pub r#fn: rask_task_fn,
    /// As for rask_submit; also rask_earlier.
    pub args: *const Arg,
    /// How many arguments it has.
    pub n_args: usize,
}

/// Submits many tasks, which may depend on each other (rask_earlier): one call, with one wake-up for up to 512
/// of them. Where they go to a lane, that is much cheaper than one by one.
///
/// Parameters: tasks: borrowed until the call returns, what their arguments hand over is taken on every path.
/// options: for each; borrowed; NULL: defaults. out: n_tasks futures in the order of tasks, to be released;
/// written on every path, {0} on failure.
/// Returns: as rask_map.
/// Threads: any. Blocks: as rask_submit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_submit_all(
    client: rask_client,
    tasks: *const rask_submission,
    n_tasks: usize,
    options: *const rask_submit_options,
    out: *mut rask_future,
) -> rask_status {
    let task = |task: &rask_submission| {
        // SAFETY: NULL, or that many arguments, as the header requires.
        let (args, wrong) = or_empty(unsafe { args(task.args, task.n_args) });
        Submission { function: task.r#fn, args, wrong }
    };
    // SAFETY: as the header requires.
    unsafe { submit_many(client, tasks, n_tasks, "tasks", task, options, out) }
}

/// Submits a task for each of `n` elements, which `what` names in a message.
///
/// # Safety
/// `from`, if not NULL, points to that many elements, and `out`, if not NULL, to room for as many futures; `options` are as for
/// [`read_options`].
unsafe fn submit_many<'a, T: 'a>(
    client: rask_client,
    from: *const T,
    n: usize,
    what: &str,
    task: impl Fn(&'a T) -> Submission<'a>,
    options: *const rask_submit_options,
    out: *mut rask_future,
) -> rask_status {
    // A failure to prepare the output is the call's, but what the tasks are handed has to be taken first.
    // SAFETY: by contract. A future is its id.
    let prepare = || Ok(unsafe { self::out(out.cast::<u64>(), n, "out") });
    guard::outputs(prepare, |out| {
        // SAFETY: by contract.
        let (from, (options, mistake)) = unsafe { (slice(from, n, what), read_options(options)) };
        let tasks = from?.iter().map(task);
        match out {
            Ok(out) => client::submit_all(client.id, tasks, options.as_ref(), mistake, out),
            Err(failure) => {
                tasks.for_each(|task| discard(task.args));
                Err(failure)
            }
        }
    })
}

/// Makes a value a finished future, to be an argument of many tasks.
///
/// Parameters: value: what it hands over is taken on every path; what it points to is borrowed until the call
/// returns.
/// Returns: a finished future, to be released; in error for what is no value (RASK_E_INVALID); {0} as for
/// rask_submit.
/// Threads: any. Blocks: as rask_submit.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn rask_scatter(client: rask_client, value: Arg) -> rask_future {
    rask_future { id: guard::call(0, || client::scatter(client.id, &value)) }
}

/// What was found, and what is wrong: the engine makes it an error of the future.
pub(super) fn or_empty(args: Result<&[Arg]>) -> (&[Arg], Option<Failure>) {
    match args {
        Ok(args) => (args, None),
        Err(failure) => (&[], Some(failure)),
    }
}

/// The options, `None` for the defaults, and what is wrong with them.
///
/// # Safety
/// `options` is NULL or points to a struct of the size it states, with texts that are valid during `'a`.
pub(super) unsafe fn read_options<'a>(
    options: *const rask_submit_options,
) -> (Option<SubmitOptions<'a>>, Option<Failure>) {
    // SAFETY: by contract.
    let options = match unsafe { sized::read(options) } {
        Ok(Some(options)) => options,
        Ok(None) => return (None, None),
        Err(failure) => return (None, Some(failure)),
    };
    // SAFETY: by contract.
    let (key, name, resources) = unsafe { (text(options.key), text(options.name), text(options.resources)) };
    let known = SubmitOptions {
        key,
        name: name.filter(|name| fits_key(name)),
        priority: options.priority,
        retries: options.retries,
        retry_delay: Duration::from_nanos(options.retry_delay_ns.max(0) as u64),
        resources,
        pure: (options.flags != 0).then_some(options.flags == RASK_PURE),
        lane: options.lane.id,
    };
    (Some(known), mistake(&options, key, name).map(Failure::invalid))
}

fn mistake(options: &rask_submit_options, key: Option<&CStr>, name: Option<&CStr>) -> Option<String> {
    let flags = options.flags;
    if flags & !(RASK_PURE | RASK_IMPURE) != 0 {
        Some(format!("flags: unknown bits in {flags:#x} of rask_submit_options"))
    } else if flags == RASK_PURE | RASK_IMPURE {
        Some("flags: a submit is RASK_PURE or RASK_IMPURE, not both".into())
    } else if options.reserved != 0 {
        Some("reserved is not 0 in rask_submit_options".into())
    } else if options.retry_delay_ns < 0 {
        Some(format!("retry_delay_ns: {} is less than 0", options.retry_delay_ns))
    } else if key.is_some_and(|key| !(1..=MAX_KEY).contains(&key.count_bytes())) {
        Some("key: it is 1 to 65536 bytes long".into())
    } else if !name.is_none_or(fits_key) {
        Some("name: it is at most 65472 bytes long".into())
    } else {
        None
    }
}

/// Bytes of the longest key.
const MAX_KEY: usize = 64 << 10;

/// Whether a key that begins with this name is none too long: the rest is a hash, or numbers.
fn fits_key(name: &CStr) -> bool {
    name.count_bytes() <= MAX_KEY - 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::ptr;

    const INIT: rask_submit_options = rask_submit_options {
        struct_size: size_of::<rask_submit_options>(),
        key: ptr::null(),
        name: ptr::null(),
        priority: 0,
        retries: 0,
        retry_delay_ns: 0,
        resources: ptr::null(),
        flags: 0,
        reserved: 0,
        lane: rask_lane { id: 0 },
    };

    fn mistake(options: &rask_submit_options) -> Option<String> {
        // SAFETY: a struct of the size it states, or refused for that.
        let (_, mistake) = unsafe { read_options(options) };
        mistake.map(|failure| failure.message.split([':', ' ']).next().unwrap_or_default().to_owned())
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(mistake(&INIT), None);
        let longest = CString::new("k".repeat(MAX_KEY)).unwrap();
        let longer = CString::new("k".repeat(MAX_KEY + 1)).unwrap();
        let all = rask_submit_options {
            key: longest.as_ptr(),
            name: c"inc".as_ptr(),
            priority: i32::MIN,
            retries: u32::MAX,
            retry_delay_ns: i64::MAX,
            resources: c"GPU=1".as_ptr(),
            flags: RASK_PURE,
            ..INIT
        };
        assert_eq!(mistake(&all), None);
        for (name, wrong) in [
            ("key", rask_submit_options { key: c"".as_ptr(), ..INIT }),
            ("key", rask_submit_options { key: longer.as_ptr(), ..INIT }),
            ("name", rask_submit_options { name: longest.as_ptr(), ..INIT }),
            ("retry_delay_ns", rask_submit_options { retry_delay_ns: -1, ..INIT }),
            ("flags", rask_submit_options { flags: 3, ..INIT }),
            ("flags", rask_submit_options { flags: 4, ..INIT }),
            ("reserved", rask_submit_options { reserved: 1, ..INIT }),
            ("struct_size", rask_submit_options { struct_size: 0, ..INIT }),
        ] {
            assert_eq!(mistake(&wrong).as_deref(), Some(name));
        }
    }
}
