//! How a task is submitted, where that is not the default.

use super::lane;
use crate::scheduler::{Lane, Local, Need, Rank, find_unclosed_number};
use crate::status::{Failure, Result, UNSUPPORTED};
use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

/// The fields of `rask_submit_options`.
#[derive(Debug, Default, Clone, Copy)]
pub struct SubmitOptions<'a> {
    /// The future's key; `None`: `name-<hash>` if pure, `name-<number>` if not.
    pub key: Option<&'a CStr>,
    /// Begins the key; `None`: the function's symbol where it has one.
    pub name: Option<&'a CStr>,
    /// Higher first.
    pub priority: i32,
    /// Runs after the task's own failures.
    pub retries: u32,
    /// How long a retry waits.
    pub retry_delay: Duration,
    /// `"GPU=1,license=2"`: what the task holds while it runs.
    pub resources: Option<&'a CStr>,
    /// Whether equal submits share one run; `None`: as the client says.
    pub pure: Option<bool>,
    /// The id of the lane whose pullers run it; 0: workers do.
    pub lane: u64,
}

impl SubmitOptions<'_> {
    /// Priority and resources, if not the default, in the client with this number; a failure when it does not have these resources.
    #[cold]
    pub(crate) fn rank(&self, client: u32) -> Result<Option<Rank>> {
        let need = match self.resources {
            None => Need::default(),
            Some(_) if self.lane != 0 => {
                let words = "resources: a task of a lane holds none, since workers do not run it";
                return Err(Failure::new(UNSUPPORTED, words));
            }
            // While a client closes, its workers still begin what they have found already.
            Some(resources) => match find_unclosed_number(client) {
                Some(core) => core.resources().need(resources)?,
                // Closed since the submit began: the task will not run, and is cancelled where it would be queued.
                None => return Ok(None),
            },
        };
        let priority = self.priority;
        Ok((priority != 0 || !need.is_empty()).then_some(Rank { priority, need }))
    }

    /// The lane, if there is one; a failure when it is none of the client with this number, or closed. To be [kept](Local::keep_lane)
    /// afterwards.
    pub(crate) fn lane(&self, client: u32, local: &Local) -> Result<Option<Arc<Lane>>> {
        if self.lane == 0 { Ok(None) } else { lane::for_submit(self.lane, client, local).map(Some) }
    }

    /// Whether a node has to remember anything of it, besides what is asked of it otherwise.
    pub(crate) fn is_kept(&self) -> bool {
        self.name.is_some() || self.retries != 0
    }
}
