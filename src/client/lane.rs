//! Lanes: tasks that threads of the program run, when they come for them.

use super::{Timeout, Until, wait};
use crate::future::lane as tasks;
use crate::future::{HandedBack, HandedOut, Task, discard, hand_out};
use crate::scheduler::lane::{self, Found, Taken, Waited};
use crate::scheduler::{self, Job, Lane, Local};
use crate::slab::Id;
use crate::status::{Failure, Result};
use crate::value;
use std::ffi::CStr;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a look for tasks ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// So many tasks; none if there is something else to hear of.
    Tasks(usize),
    /// No more will come.
    End,
}

/// Jobs taken at a time to be run one after the other: others who pull are not to wait for what this thread has taken.
const RUN: usize = 1;

/// Opens a lane of the client; its id.
pub fn open(client: u64, name: Option<&CStr>) -> Result<u64> {
    let core = scheduler::find(Id(client))?;
    Lane::open(&core, name.map_or("lane".into(), |name| name.to_string_lossy().into_owned())).map(|id| id.0)
}

/// Closes a lane: what nobody has pulled is cancelled.
pub fn close(id: u64) -> Result<()> {
    Local::with(|local| {
        let Some(lane) = find(id, local)? else { return Ok(()) };
        if let Some(jobs) = lane.close() {
            tasks::end_all(&lane, &jobs, local);
        }
        Ok(())
    })
}

/// A file descriptor, the lane's own, that is readable while a task is ready.
pub fn fd(id: u64) -> Result<RawFd> {
    Local::with(|local| find(id, local))?.ok_or_else(lane::lane_closed)?.fd()
}

/// Runs up to `most` tasks on this thread, waiting for the first. `ran` is told how many so far after each.
pub fn run(id: u64, most: usize, timeout: Timeout, mut ran: impl FnMut(usize)) -> Result<Pulled> {
    if most == 0 {
        return Err(Failure::invalid("max is 0: no task could be run"));
    }
    with_lane(id, |local, lane| {
        let Some(lane) = lane else { return Ok(Pulled::End) };
        let mut pull = Pull::begin(lane, timeout, false);
        let mut jobs = Vec::with_capacity(RUN);
        let mut n = 0;
        let mut returned = 0;
        loop {
            match lane.take(returned, &mut Vec::new(), RUN, &mut jobs) {
                Taken::Jobs => {
                    returned = jobs.len();
                    let started = jobs.drain(..).filter(|&job| hand_out::run(job, local)).count();
                    n += started;
                    ran(n);
                    if n < most {
                        continue;
                    }
                    lane.give_back(returned);
                    return Ok(Pulled::Tasks(n));
                }
                Taken::Nothing | Taken::Shut if n > 0 => return Ok(Pulled::Tasks(n)),
                Taken::Shut => return Ok(Pulled::End),
                Taken::Nothing => {
                    returned = 0;
                    pull.wait(local)?;
                }
            }
        }
    })
}

/// Hands back results, then hands out up to `capacity` tasks, waiting for the first. `token_ended` is told by which results tokens have ended.
pub fn exchange<'a>(
    id: u64,
    results: impl ExactSizeIterator<Item = HandedBack<'a>>,
    mut token_ended: impl FnMut(usize),
    capacity: usize,
    timeout: Timeout,
    out: &mut impl Out,
) -> Result<Pulled> {
    let mut results = Some(results);
    let exchanged = with_lane(id, |local, lane| {
        let Some(results) = results.take_if(|results| lane.is_some() || results.len() == 0) else {
            // Nothing of it is out.
            return Err(hand_out::not_out());
        };
        let Some(lane) = lane else { return Ok(Pulled::End) };
        let mut has_ended = false;
        let token_ended = |index| {
            has_ended = true;
            token_ended(index);
        };
        let mut ready = Vec::new();
        let (mut returned, outcome) = if results.len() == 0 {
            (0, Ok(()))
        } else if capacity == 0 {
            hand_out::hand_back(lane, local, results, false, token_ended)
        } else {
            let keeping = tasks::Keeping::begin(lane, local);
            let back = hand_out::hand_back(lane, local, results, true, token_ended);
            ready = keeping.end(lane);
            back
        };
        if outcome.is_err() || capacity == 0 {
            tasks::publish_all(lane, &ready, 0, local);
            if returned > 0 {
                lane.give_back(returned);
            }
            return outcome.map(|()| Pulled::Tasks(0));
        }
        let mut pull = Pull::begin(lane, timeout, true);
        let mut jobs = local.jobs.take();
        let pulled = loop {
            jobs.clear();
            match lane.take(returned, &mut ready, capacity.min(MOST), &mut jobs) {
                Taken::Jobs => match begin(lane, local, &mut jobs, out)? {
                    // All of them had been cancelled.
                    (0, stale) => returned = stale,
                    (n, stale) => {
                        if stale > 0 {
                            lane.give_back(stale);
                        }
                        break Ok(Pulled::Tasks(n));
                    }
                },
                Taken::Shut => {
                    if !ready.is_empty() {
                        tasks::end_jobs(&ready, local);
                        lane.give_back(returned);
                    }
                    break Ok(Pulled::End);
                }
                // The caller hears of the tokens before it waits.
                Taken::Nothing if has_ended && !pull.polls() => break Ok(Pulled::Tasks(0)),
                Taken::Nothing => {
                    returned = 0;
                    match pull.wait(local) {
                        Ok(Waited::Notices) => break Ok(Pulled::Tasks(0)),
                        Ok(_) => {}
                        Err(failure) => break Err(failure),
                    }
                }
            }
        };
        local.jobs.set(jobs);
        ready.clear();
        local.kept_jobs.set(ready);
        pulled
    });
    // Where there is no such lane.
    results.into_iter().flatten().for_each(|result| discard(std::slice::from_ref(result.value)));
    exchanged
}

/// The most tasks that are handed out at a time, whatever there is room for.
const MOST: usize = 1 << 16;

/// Where tasks that are handed out are written.
pub trait Out {
    /// Writes the task at `index`, which is below the capacity.
    fn put(&mut self, index: usize, task: HandedOut);
}

/// Hands out what was taken; how many tasks, and how many jobs were stale.
fn begin(lane: &Lane, local: &Local, jobs: &mut [Job], out: &mut impl Out) -> Result<(usize, usize)> {
    let handed = hand_out::hand_out(lane, local, jobs, |index, task| out.put(index, task));
    if handed.n > 0 {
        hand_out::handed_out(&jobs[..handed.n]);
    }
    if handed.left > 0 {
        let rest = &jobs[jobs.len() - handed.left..];
        if !lane.put_back(rest) {
            tasks::end_jobs(rest, local);
        }
        if handed.n == 0 {
            if handed.stale > 0 {
                lane.give_back(handed.stale);
            }
            return Err(Failure::new(crate::status::NOMEM, "no memory to hand out a task"));
        }
    }
    Ok((handed.n, handed.stale))
}

/// Ids of tasks that are out and not wanted any more, each once; how many. `None`: none can be any more.
pub fn cancelled(id: u64, ids: &mut [u64], timeout: Timeout) -> Result<Option<usize>> {
    let Some(lane) = Local::with(|local| find(id, local))? else { return Ok(None) };
    let polls = timeout == Timeout::After(Duration::ZERO);
    let deadline = timeout.deadline();
    loop {
        let n = lane.take_cancelled(ids, hand_out::is_out);
        if n > 0 || ids.is_empty() {
            return Ok(Some(n));
        }
        let waited = if polls {
            lane.await_cancelled(Some(Instant::now()))
        } else {
            Local::with(|local| {
                check_wait(local)?;
                wait::suspended_meanwhile(local, || lane.await_cancelled(deadline))
            })?
        };
        match waited {
            Some(true) => {}
            Some(false) => return Err(wait::time_is_up()),
            None => return Ok(None),
        }
    }
}

/// Tokens whose tasks nobody can run any more, each once; how many.
pub fn dropped(id: u64, tokens: &mut [i64]) -> Result<usize> {
    with_lane(id, |_, lane| Ok(lane.map_or(0, |lane| lane.take_dropped(tokens))))
}

/// Notes that a task which is out waits for futures; the number of the wait.
pub fn begin_wait(task: *mut Task, futures: &[u64], until: Until) -> Result<u64> {
    Local::with(|local| hand_out::begin_wait(task, futures, until, local))
}

/// Ends a wait that was begun.
pub fn end_wait(task: *mut Task, number: u64) -> Result<()> {
    hand_out::end_wait(task, number)
}

/// The lane behind an id; `None`: it is closed, and nothing is out.
fn find(id: u64, local: &Local) -> Result<Option<Arc<Lane>>> {
    local.take_lane(Id(id)).map(|found| match found {
        Found::Lane(lane) => Some(lane),
        Found::Ended => None,
    })
}

/// Calls `f` with the lane behind an id, `None` as for [`find`], and has it at hand for the next call.
fn with_lane<T>(id: u64, f: impl FnOnce(&Local, Option<&Lane>) -> Result<T>) -> Result<T> {
    Local::with(|local| {
        let lane = find(id, local)?;
        let result = f(local, lane.as_deref());
        if let Some(lane) = lane {
            local.keep_lane(lane);
        }
        result
    })
}

/// A look for tasks that may wait.
struct Pull<'a> {
    lane: &'a Lane,
    timeout: Timeout,
    /// Known from the first wait on.
    deadline: Option<Instant>,
    waits: bool,
    hears: bool,
}

impl<'a> Pull<'a> {
    fn begin(lane: &'a Lane, timeout: Timeout, hears: bool) -> Self {
        Self { lane, timeout, deadline: None, waits: false, hears }
    }

    fn polls(&self) -> bool {
        self.timeout == Timeout::After(Duration::ZERO)
    }

    /// Waits until another look is worth while.
    fn wait(&mut self, local: &Local) -> Result<Waited> {
        if self.polls() {
            return Err(wait::time_is_up());
        }
        if !std::mem::replace(&mut self.waits, true) {
            check_wait(local)?;
            self.deadline = self.timeout.deadline();
            if self.lane.look() {
                return Ok(Waited::Ready);
            }
        }
        let is_worker = local.slot().is_some();
        let wait = || {
            let waited = self.lane.wait(self.deadline, self.hears);
            if is_worker {
                // It may be long until this thread has a slot again.
                self.lane.pass_on();
            }
            waited
        };
        match wait::suspended_meanwhile(local, wait)? {
            Waited::TimeIsUp => Err(wait::time_is_up()),
            waited => Ok(waited),
        }
    }
}

/// Whether this thread may wait for tasks at all just now.
fn check_wait(local: &Local) -> Result<()> {
    if local.is_worker() && local.is_burying() {
        Err(wait::destructor_waits())
    } else if value::codec_is_running() {
        Err(wait::codec_waits())
    } else {
        Ok(())
    }
}
