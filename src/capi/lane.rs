//! Lanes: tasks that threads of the program run.

use super::guard;
use super::handle::{rask_client, rask_future, rask_lane};
use super::pointers::{set, slice, text, timeout};
use super::status::{RASK_END, RASK_OK, rask_status};
use super::task::rask_task_fn;
use crate::client::lane::{self, Pulled};
use crate::future::{HandedBack, HandedOut, Task};
use crate::status::{Failure, Result};
use crate::value::{Arg, arg::kind as arg_kind};
use std::ffi::{c_char, c_int};

/// A task that is handed out: from then on it runs, until it is handed back.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rask_lane_task {
    /// Names it when it is handed back; no other task ever has it.
    pub id: u64,
    /// As it was submitted. The library does not call it.
    pub r#fn: rask_task_fn,
    /// For the functions of the section on tasks, until it is handed back: on any thread, one at a time.
    pub task: *mut Task,
    /// 1 for the first.
    pub attempt: u32,
    /// How many arguments it has.
    pub n_args: u32,
    /// Argument 0 where that is an i64 or a token (rask_lane_token); else 0.
    pub word: i64,
}

/// A task that is handed back, with what became of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rask_lane_result {
    /// As it was handed out.
    pub id: u64,
    /// The result, taken as by rask_submit. rask_none(): what was returned by rask_return_*, if anything was.
    /// rask_of or rask_take: the result becomes that of another future, as by rask_return_future.
    pub value: Arg,
    /// NULL, or why the task failed, as by rask_fail; value is destroyed then. Borrowed.
    pub error: *const c_char,
    /// With error: the task's own code.
    pub code: i32,
    /// Written by the call: with that the future has finished and the token of its task has ended, of which
    /// rask_lane_dropped does not tell then. False where a token lies elsewhere than in the task, or is none.
    pub token_ended: bool,
}

/// Opens a lane of a client: a set of tasks that its workers leave alone, and that threads of the program pull
/// and run. A task is submitted to it by rask_submit_options.lane.
///
/// Parameters: name: for messages and dumps; copied; NULL: "lane".
/// Returns: the lane, to be closed by rask_lane_close; {0} on failure: RASK_E_HANDLE, RASK_E_CLOSED.
/// Threads: any. Blocks: no.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_lane_open(client: rask_client, name: *const c_char) -> rask_lane {
    // SAFETY: NULL, or NUL-terminated, as the header requires.
    rask_lane { id: guard::call(0, || lane::open(client.id, unsafe { text(name) })) }
}

/// Closes a lane: its tasks that nobody has pulled are cancelled ("lane closed"), and waits for more end with
/// RASK_END. What was pulled is still to be handed back.
///
/// Returns: RASK_OK (also for a lane that is closed already), RASK_E_HANDLE.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_lane_close(lane: rask_lane) -> rask_status {
    guard::status(|| lane::close(lane.id))
}

/// A file descriptor for poll, epoll and event loops: readable while a task is ready to be pulled, and once the
/// client is closed. With edge-triggered notification, pull with a timeout of 0 until there is none.
///
/// Returns: the descriptor, the same each time, to be polled and nothing else: rask_lane_close closes it; -1 on
/// failure: RASK_E_HANDLE, RASK_E_CLOSED, RASK_E_NOMEM (no descriptor is to be had).
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_lane_fd(lane: rask_lane) -> c_int {
    guard::call(-1, || lane::fd(lane.id))
}

/// Runs tasks of a lane on this thread, one after the other, as long as some are ready.
///
/// Parameters: max: at most so many, 1 or more. timeout_ns: nanoseconds that it waits for the first; 0 polls,
/// RASK_FOREVER does not end. n_run: how many were run, written on every path; NULL: not wanted.
/// Returns: RASK_OK; RASK_E_TIMEOUT (none was ready in time), RASK_END (the lane or its client is closed, and
/// none was run), RASK_E_HANDLE, RASK_E_INVALID, RASK_E_STATE (a wait in a destructor that a worker runs),
/// RASK_E_NOMEM (inside a task: no thread to go on with).
/// Threads: any, several at a time. Blocks: yes, and runs tasks; inside a task of a worker another thread takes
/// over that worker while it waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_lane_run(
    lane: rask_lane,
    max: usize,
    timeout_ns: i64,
    n_run: *mut usize,
) -> rask_status {
    let write = |n| {
        if !n_run.is_null() {
            // SAFETY: writable, as the header requires.
            unsafe { n_run.write(n) };
        }
    };
    write(0);
    pulled(|| lane::run(lane.id, max, timeout(timeout_ns)?, write))
}

/// The way of bindings: hands back tasks that were handed out, and hands out others, many at a time. Results
/// are all taken, also where one is bad; then nothing is handed out.
///
/// Parameters: results: n_results of them; what they hand over is taken on every path, token_ended is written,
/// and the rest is borrowed. tasks: room for capacity tasks. timeout_ns: nanoseconds that it waits for the
/// first task, if capacity is not 0; 0 polls, RASK_FOREVER does not end. n_tasks: how many were handed out,
/// written on every path.
/// Returns: RASK_OK: n_tasks were handed out; 0 if capacity is 0, or where it would have to wait, to say that
/// tokens have ended or that there may be something in rask_lane_cancelled or rask_lane_dropped.
/// RASK_E_TIMEOUT (none was ready in time), RASK_END (the lane or its client is closed: no more are handed out,
/// results are still taken), RASK_E_HANDLE (also where an id is not that of a task of this lane that is out),
/// RASK_E_INVALID, RASK_E_NOMEM, RASK_E_STATE (as rask_lane_run).
/// Threads: any, several at a time. Blocks: as rask_lane_run, but runs nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_lane_exchange(
    lane: rask_lane,
    results: *mut rask_lane_result,
    n_results: usize,
    tasks: *mut rask_lane_task,
    capacity: usize,
    timeout_ns: i64,
    n_tasks: *mut usize,
) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    let counted = unsafe { set(n_tasks, 0) };
    pulled(|| {
        // SAFETY: NULL, or that many results, as the header requires.
        unsafe { slice(results, n_results, "results") }?;
        let at = |index| {
            // SAFETY: as above; nobody else uses the results during the call, and no reference outlives its use here.
            unsafe { results.add(index) }
        };
        let back = (0..n_results).map(|index| {
            let result = at(index);
            // SAFETY: as above; a text is NULL, or NUL-terminated.
            unsafe {
                (*result).token_ended = false;
                let (id, code, error) = ((*result).id, (*result).code, text((*result).error));
                HandedBack { id, value: &(*result).value, error, code }
            }
        });
        // SAFETY: as above.
        let token_ended = |index| unsafe { (*at(index)).token_ended = true };
        // What is wrong with the rest of the call keeps nobody from handing back.
        let checked = counted.and_then(|()| check_room(tasks, capacity)).and_then(|()| timeout(timeout_ns));
        let timeout = match checked {
            Ok(timeout) => timeout,
            Err(failure) => {
                let mut nowhere = Room(std::ptr::null_mut());
                let none = crate::client::Timeout::After(std::time::Duration::ZERO);
                lane::exchange(lane.id, back, token_ended, 0, none, &mut nowhere)?;
                return Err(failure);
            }
        };
        let pulled = lane::exchange(lane.id, back, token_ended, capacity, timeout, &mut Room(tasks))?;
        if let Pulled::Tasks(n) = pulled {
            // SAFETY: as above, and not NULL.
            unsafe { n_tasks.write(n) };
        }
        Ok(pulled)
    })
}

/// Which of the tasks that are out nobody wants any more, because they were cancelled or their last handle is
/// gone, so that they may stop: rask_cancelled for many. What they hand back is dropped, and is to be handed back
/// all the same.
///
/// Parameters: ids: room for capacity ids, of which each is told once. timeout_ns: nanoseconds that it waits for
/// the first; 0 polls, RASK_FOREVER does not end. n: how many, written on every path.
/// Returns: RASK_OK, RASK_E_TIMEOUT, RASK_END (the lane or its client is closed, and nothing is out),
/// RASK_E_HANDLE, RASK_E_INVALID, RASK_E_STATE and RASK_E_NOMEM (as rask_lane_run).
/// Threads: any. Blocks: yes; inside a task another thread takes over its worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_lane_cancelled(
    lane: rask_lane,
    ids: *mut u64,
    capacity: usize,
    timeout_ns: i64,
    n: *mut usize,
) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    let prepared = unsafe { set(n, 0).and_then(|()| room(ids, capacity, "ids")) };
    pulled(|| {
        let ids = prepared?;
        let told = lane::cancelled(lane.id, ids, timeout(timeout_ns)?)?;
        let Some(told) = told else { return Ok(Pulled::End) };
        // SAFETY: as above, and not NULL.
        unsafe { n.write(told) };
        Ok(Pulled::Tasks(told))
    })
}

/// Tells the library that a task which was handed out is about to wait for futures, by whatever means: so that a
/// wait which could never end, because what it waits for waits for this task, is found out. Handing the task back
/// ends its waits.
///
/// Parameters: task: as it was handed out. until: as for rask_wait. wait: a number, for rask_lane_wait_end;
/// written on every path.
/// Returns: RASK_OK, RASK_E_DEADLOCK (do not wait), RASK_E_HANDLE, RASK_E_INVALID, RASK_E_STATE (not a task that is
/// out).
/// Threads: any, one at a time for a task. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_lane_wait_begin(
    task: *mut Task,
    futures: *const rask_future,
    n_futures: usize,
    until: i32,
    wait: *mut u64,
) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    let prepare = || unsafe { set(wait, 0).map(|()| wait) };
    guard::outputs(prepare, |wait| {
        if task.is_null() {
            return Err(Failure::invalid("the task is NULL"));
        }
        // SAFETY: NULL, or that many futures, as the header requires; a future is its id.
        let futures = unsafe { slice(futures.cast::<u64>(), n_futures, "futures") }?;
        let number = lane::begin_wait(task, futures, super::several::until_of(until)?)?;
        // SAFETY: as above, and not NULL.
        unsafe { set(wait, number) }
    })
}

/// Ends a wait that rask_lane_wait_begin has told of.
///
/// Returns: RASK_OK, RASK_E_INVALID (no such wait of this task), RASK_E_STATE (not a task that is out).
/// Threads: any, one at a time for a task. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_lane_wait_end(task: *mut Task, wait: u64) -> rask_status {
    guard::status(|| {
        if task.is_null() {
            return Err(Failure::invalid("the task is NULL"));
        }
        lane::end_wait(task, wait)
    })
}

/// An argument of a task by which a binding knows what it has to keep for it: an integer, of which
/// rask_lane_dropped tells when nobody can run the task any more, now or by a retry, unless
/// rask_lane_result.token_ended has told it. As argument 0 of a task of that lane it costs no more than
/// rask_i64; rask_lane_task.word is how it is read, in other places it is an object without use.
///
/// Parameters: lane: not yet looked at. token: anything; taken by submit on every path.
/// Returns: an argument.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_lane_token(lane: rask_lane, token: i64) -> Arg {
    Arg {
        kind: arg_kind::TOKEN,
        reserved: 0,
        payload: token as u64,
        size: lane.id as usize,
        aux: std::ptr::null(),
    }
}

/// Which tokens nobody needs any more, but for those of rask_lane_result.token_ended: each as often as it was
/// given to a call. When the lane is closed none is told any more: those of tasks that are out are needed until
/// these are handed back, no others are.
///
/// Parameters: tokens: room for capacity tokens, in no order. n: how many, written on every path.
/// Returns: RASK_OK, RASK_E_HANDLE, RASK_E_INVALID.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_lane_dropped(
    lane: rask_lane,
    tokens: *mut i64,
    capacity: usize,
    n: *mut usize,
) -> rask_status {
    // SAFETY: NULL, or writable, as the header requires.
    let prepare = || unsafe { set(n, 0).and_then(|()| room(tokens, capacity, "tokens")) };
    guard::outputs(prepare, |tokens| {
        let told = lane::dropped(lane.id, tokens)?;
        // SAFETY: as above, and not NULL.
        unsafe { set(n, told) }
    })
}

/// What a call that pulls returns.
fn pulled(body: impl FnOnce() -> Result<Pulled>) -> rask_status {
    let mut end = RASK_OK;
    let status = guard::status(|| {
        if body()? == Pulled::End {
            end = RASK_END;
        }
        Ok(())
    });
    if status == RASK_OK { end } else { status }
}

/// Room for tasks that are handed out.
struct Room(*mut rask_lane_task);

impl lane::Out for Room {
    #[inline]
    fn put(&mut self, index: usize, task: HandedOut) {
        let HandedOut { id, function, task, attempt, n_args, word } = task;
        // SAFETY: the index is below the capacity that the caller has room for.
        unsafe {
            self.0.add(index).write(rask_lane_task { id, r#fn: function, task, attempt, n_args, word })
        };
    }
}

fn check_room(tasks: *mut rask_lane_task, capacity: usize) -> Result<()> {
    // SAFETY: nothing is read.
    unsafe { slice(tasks.cast_const(), capacity, "tasks") }.map(drop)
}

/// Room for `n` numbers.
///
/// # Safety
/// As for [`out`](super::pointers::out).
unsafe fn room<'a, T>(at: *mut T, n: usize, what: &str) -> Result<&'a mut [T]> {
    if at.is_null() && n == 0 {
        return Err(Failure::invalid(format!("no room for {what}")));
    }
    // SAFETY: by contract.
    unsafe { super::pointers::out(at, n, what) }
}
