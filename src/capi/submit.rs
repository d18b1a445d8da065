//! Submit: tasks and values into a client.

use super::guard;
use super::handle::{rask_client, rask_future};
use super::pointers::{out, slice, text};
use super::sized::{self, Versioned};
use super::status::rask_status;
use super::task::rask_task_fn;
use crate::client::{self, SubmitOptions, discard};
use crate::status::{Failure, Result, UNSUPPORTED};
use crate::value::Arg;
use std::ffi::c_char;

/// How a task is submitted. Begin with RASK_SUBMIT_OPTIONS_INIT; everything in it is borrowed during the call
/// only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rask_submit_options {
    /// sizeof(rask_submit_options).
    pub struct_size: usize,
    /// NULL: name-<number>. Others: RASK_E_UNSUPPORTED so far.
    pub key: *const c_char,
    /// Begins the key; NULL: the function's symbol where it has one.
    pub name: *const c_char,
    /// Higher first; 0. Others: RASK_E_UNSUPPORTED so far.
    pub priority: i32,
    /// Runs after a failure; 0. Others: RASK_E_UNSUPPORTED so far.
    pub retries: u32,
    /// Nanoseconds before a retry; 0. Others: RASK_E_UNSUPPORTED so far.
    pub retry_delay_ns: i64,
    /// "GPU=1"; NULL: none. Others: RASK_E_UNSUPPORTED so far.
    pub resources: *const c_char,
    /// 0: none is defined so far.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), its size first, no padding; pointers and integers are valid when zero.
unsafe impl Versioned for rask_submit_options {
    const NAME: &'static str = "rask_submit_options";
    const FIRST_SIZE: usize = 56;
}
const _: () = assert!(size_of::<rask_submit_options>() == 56);

/// Submits a task: fn runs on a worker thread once the futures among its arguments are finished.
///
/// Parameters: args: RASK_ARGS(...) or RASK_NO_ARGS; borrowed until the call returns, what they hand over
/// (rask_take, rask_object, rask_bytes_owned) is taken on every path.
/// Returns: a future, to be released. What is wrong with fn or args makes it an error (RASK_E_INVALID,
/// RASK_E_HANDLE); {0} only without a client (RASK_E_HANDLE, RASK_E_CLOSED) or without memory for a future
/// (RASK_E_NOMEM).
/// Threads: any. Blocks: no.
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
        let (args, wrong) = or_empty(unsafe { slice(args, n_args, "args") });
        client::submit(client.id, r#fn, args, &SubmitOptions::default(), wrong)
    });
    rask_future { id }
}

/// Submits a task with options.
///
/// Parameters: as for rask_submit. options: borrowed; NULL: defaults.
/// Returns: as for rask_submit; what is wrong with the options makes the future an error too (RASK_E_INVALID,
/// RASK_E_UNSUPPORTED).
/// Threads: any. Blocks: no.
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
            unsafe { (or_empty(slice(args, n_args, "args")), read_options(options)) };
        client::submit(client.id, r#fn, args, &options, wrong.or(mistake))
    });
    rask_future { id }
}

/// Submits one task per item, each with that item as its only argument: one call, one wake-up.
///
/// Parameters: items: borrowed until the call returns, what they hand over is taken on every path. options:
/// for each; borrowed; NULL: defaults. out: n_items futures in the order of items, to be released; written on
/// every path, {0} on failure.
/// Returns: RASK_OK, also where a bad item made its future an error; RASK_E_HANDLE, RASK_E_CLOSED,
/// RASK_E_INVALID (NULL with a count), RASK_E_NOMEM (the futures from some item on are {0}).
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_map(
    client: rask_client,
    r#fn: rask_task_fn,
    items: *const Arg,
    n_items: usize,
    options: *const rask_submit_options,
    out: *mut rask_future,
) -> rask_status {
    // A failure to prepare the output is the call's, but what the items hand over has to be taken first.
    // SAFETY: NULL, or room for that many futures, as the header requires. A future is its id.
    let prepare = || Ok(unsafe { self::out(out.cast::<u64>(), n_items, "out") });
    guard::outputs(prepare, |out| {
        // SAFETY: NULL, or that many items, as the header requires.
        let (items, (options, mistake)) = unsafe { (slice(items, n_items, "items"), read_options(options)) };
        match (items, out) {
            (Ok(items), Ok(out)) => client::map(client.id, r#fn, items, &options, mistake, out),
            (Ok(items), Err(failure)) => {
                discard(items);
                Err(failure)
            }
            (Err(failure), _) => Err(failure),
        }
    })
}

/// Makes a value a finished future, to be an argument of many tasks.
///
/// Parameters: value: what it hands over is taken on every path; what it points to is borrowed until the call
/// returns.
/// Returns: a finished future, to be released; in error for what is no value (RASK_E_INVALID); {0} as for
/// rask_submit.
/// Threads: any. Blocks: no.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn rask_scatter(client: rask_client, value: Arg) -> rask_future {
    rask_future { id: guard::call(0, || client::scatter(client.id, &value)) }
}

/// What was found, and what is wrong: the engine makes it an error of the future.
fn or_empty(args: Result<&[Arg]>) -> (&[Arg], Option<Failure>) {
    match args {
        Ok(args) => (args, None),
        Err(failure) => (&[], Some(failure)),
    }
}

/// The options, and what is wrong with them.
///
/// # Safety
/// `options` is NULL or points to a struct of the size it states, with texts that are valid during `'a`.
unsafe fn read_options<'a>(options: *const rask_submit_options) -> (SubmitOptions<'a>, Option<Failure>) {
    // SAFETY: by contract.
    let options = match unsafe { sized::read(options) } {
        Ok(Some(options)) => options,
        Ok(None) => return (SubmitOptions::default(), None),
        Err(failure) => return (SubmitOptions::default(), Some(failure)),
    };
    // SAFETY: by contract.
    let known = SubmitOptions { name: unsafe { text(options.name) } };
    let unsupported = [
        ("key", !options.key.is_null()),
        ("priority", options.priority != 0),
        ("retries", options.retries != 0),
        ("retry_delay_ns", options.retry_delay_ns != 0),
        ("resources", !options.resources.is_null()),
    ];
    let mistake = match unsupported.iter().find(|(_, used)| *used) {
        Some((name, _)) => Some(Failure::new(
            UNSUPPORTED,
            format!("{name}: this version does not support that option of a submit"),
        )),
        None if options.flags != 0 => {
            Some(Failure::invalid(format!("flags: unknown bits {:#x} in rask_submit_options", options.flags)))
        }
        None if options.reserved != 0 => Some(Failure::invalid("reserved is not 0 in rask_submit_options")),
        None => None,
    };
    (known, mistake)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::INVALID;
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
    };

    fn mistake(options: &rask_submit_options) -> Option<(rask_status, String)> {
        // SAFETY: a struct of the size it states, or refused for that.
        let (_, mistake) = unsafe { read_options(options) };
        mistake
            .map(|failure| (failure.status, failure.message.split(':').next().unwrap_or_default().to_owned()))
    }

    #[test]
    fn options_that_come_later_are_named() {
        assert_eq!(mistake(&INIT), None);
        assert_eq!(mistake(&rask_submit_options { name: c"inc".as_ptr(), ..INIT }), None);
        let unsupported = |name: &str| Some((UNSUPPORTED, name.to_owned()));
        assert_eq!(mistake(&rask_submit_options { key: c"k".as_ptr(), ..INIT }), unsupported("key"));
        assert_eq!(mistake(&rask_submit_options { priority: -1, ..INIT }), unsupported("priority"));
        assert_eq!(mistake(&rask_submit_options { retries: 1, ..INIT }), unsupported("retries"));
        assert_eq!(
            mistake(&rask_submit_options { retry_delay_ns: 1, ..INIT }),
            unsupported("retry_delay_ns")
        );
        assert_eq!(
            mistake(&rask_submit_options { resources: c"".as_ptr(), ..INIT }),
            unsupported("resources")
        );
        assert_eq!(mistake(&rask_submit_options { flags: 1, ..INIT }).unwrap().0, INVALID);
        assert_eq!(mistake(&rask_submit_options { reserved: 1, ..INIT }).unwrap().0, INVALID);
        assert_eq!(mistake(&rask_submit_options { struct_size: 0, ..INIT }).unwrap().0, INVALID);
    }
}
