//! Clients: opened, asked, waited for, closed.

use super::guard;
use super::handle::rask_client;
use super::pointers::{text, timeout};
use super::sized::{self, Versioned};
use super::status::rask_status;
use crate::client::{self, Options, Stats};
use crate::fork;
use crate::status::{Failure, Result, UNSUPPORTED};
use std::ffi::c_char;

/// How a client is opened. Begin with RASK_CLIENT_OPTIONS_INIT; everything in it is borrowed during the call
/// only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rask_client_options {
    /// sizeof(rask_client_options).
    pub struct_size: usize,
    /// Names the worker threads; NULL: "rask".
    pub name: *const c_char,
    /// NULL: embedded. A cluster's, "tcp://scheduler:8786": RASK_E_UNSUPPORTED so far.
    pub address: *const c_char,
    /// Worker threads, at most 1024; 0: one per processor this process may use.
    pub n_workers: u32,
    /// RASK_CLIENT_PURE, RASK_CLIENT_NOMEM, or 0.
    pub flags: u32,
    /// Bytes that values may hold in memory; 0: no limit. Above it, bytes and objects with encode, decode and
    /// destroy go to disk, least recently used first, and come back when they are read. While what cannot go is
    /// too much, submits from outside of tasks wait, as long as anything is pending or running.
    pub memory_limit: u64,
    /// What tasks can hold while they run: "GPU=2,license=1", at most 64 names; NULL: nothing.
    pub resources: *const c_char,
    /// Bytes of stack per worker, at most 1 GiB, raised to 256 KiB; 0: the platform's default.
    pub stack_size: usize,
    /// Threads that may be suspended in waits inside tasks, at most 65536; 0: 1024.
    pub max_spares: u32,
    /// 0.
    pub reserved: u32,
    /// With memory_limit, where values go that have no room: a directory is made in it, and removed when the
    /// client is closed. NULL: the system's for temporary files.
    pub spill_directory: *const c_char,
}

/// Submits are pure unless they say otherwise; see RASK_PURE.
pub const RASK_CLIENT_PURE: u32 = 1;
/// A submit from outside of tasks that finds memory_limit exceeded, by what cannot go to disk, is RASK_E_NOMEM
/// instead of waiting.
pub const RASK_CLIENT_NOMEM: u32 = 2;

// SAFETY: repr(C), its size first, no padding; pointers and integers are valid when zero.
unsafe impl Versioned for rask_client_options {
    const NAME: &'static str = "rask_client_options";
    const FIRST_SIZE: usize = 72;
}
const _: () = assert!(size_of::<rask_client_options>() == 72);

/// Figures of a client at one moment. Begin with RASK_CLIENT_STATS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rask_client_stats {
    /// sizeof(rask_client_stats).
    pub struct_size: usize,
    /// Worker threads.
    pub n_workers: u32,
    /// Task functions that run now, those that wait inside and those whose futures were cancelled among them.
    pub n_running: u32,
    /// Futures that wait now: for inputs, for a worker, or for the future that their task returned.
    pub n_pending: u64,
    /// Futures finished so far.
    pub n_finished: u64,
    /// Futures that became errors so far.
    pub n_error: u64,
    /// Futures cancelled so far, also because nobody wanted them any more.
    pub n_cancelled: u64,
    /// Futures made so far: submitted, or of scattered values.
    pub n_submitted: u64,
    /// Calls of task functions that have returned so far.
    pub n_executed: u64,
    /// Tasks that a worker took from another one so far.
    pub n_stolen: u64,
    /// Attempts after a failure so far.
    pub n_retried: u64,
    /// Futures that exist now, held or needed.
    pub live_futures: u64,
    /// Bytes that values hold in memory, outside of futures, now.
    pub nbytes: u64,
}

// SAFETY: repr(C), its size first, no padding, integers only.
unsafe impl Versioned for rask_client_stats {
    const NAME: &'static str = "rask_client_stats";
    const FIRST_SIZE: usize = 96;
}
const _: () = assert!(size_of::<rask_client_stats>() == 96);

/// Opens a client: starts its worker threads.
///
/// Parameters: options: borrowed; NULL: defaults.
/// Returns: the client, to be closed by rask_client_close; {0} on failure: RASK_E_INVALID (also where
/// nothing can be made in spill_directory), RASK_E_UNSUPPORTED, RASK_E_NOMEM (also where a thread cannot be
/// started).
/// Threads: any. Blocks: no.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_client_open(options: *const rask_client_options) -> rask_client {
    let id = guard::call(0, || {
        fork::watch();
        // SAFETY: NULL, or a struct of the size it states, as the header requires.
        match unsafe { sized::read(options) }? {
            Some(options) => client::open(&checked(&options)?),
            None => client::open(&Options::default()),
        }
    });
    rask_client { id }
}

/// Waits until the client has nothing pending or running.
///
/// Parameters: timeout_ns: nanoseconds; 0 polls, RASK_FOREVER does not end.
/// Returns: RASK_OK, RASK_E_TIMEOUT, RASK_E_HANDLE, RASK_E_CLOSED, RASK_E_INVALID, RASK_E_DEADLOCK (inside one
/// of its tasks).
/// Threads: any. Blocks: yes.
#[unsafe(no_mangle)]
pub extern "C" fn rask_client_wait(client: rask_client, timeout_ns: i64) -> rask_status {
    guard::status(|| client::drain(client.id, timeout(timeout_ns)?))
}

/// Closes a client: cancels what has not started, waits for what runs, ends the threads, removes its files.
/// Its finished futures stay readable, and all its futures are still to be released.
///
/// Returns: RASK_OK (also for a client that is closed already), RASK_E_HANDLE, RASK_E_STATE
/// (inside a task); RASK_E_LOST (it is closed, but its trace could not be written).
/// Threads: any. Blocks: until the last running task has returned.
#[unsafe(no_mangle)]
pub extern "C" fn rask_client_close(client: rask_client) -> rask_status {
    guard::status(|| client::close(client.id))
}

/// What a client does and has done. The figures are read one after the other, while it works on.
///
/// Parameters: out: written on every path, zero on failure, unless its struct_size is wrong.
/// Returns: RASK_OK, RASK_E_HANDLE, RASK_E_CLOSED, RASK_E_INVALID.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rask_client_get_stats(
    client: rask_client,
    out: *mut rask_client_stats,
) -> rask_status {
    guard::status(|| {
        // SAFETY: NULL, or a writable struct of the size it states, as the header requires.
        let out = unsafe { sized::out(out) }?;
        out.set(client::stats(client.id)?.into());
        Ok(())
    })
}

/// The options as the engine wants them.
fn checked(options: &rask_client_options) -> Result<Options<'_>> {
    if options.flags & !(RASK_CLIENT_PURE | RASK_CLIENT_NOMEM) != 0 {
        return Err(Failure::invalid(format!(
            "unknown flags in {:#x} of rask_client_options",
            options.flags
        )));
    }
    if options.reserved != 0 {
        return Err(Failure::invalid("reserved is not 0 in rask_client_options"));
    }
    if !options.address.is_null() {
        return Err(Failure::new(
            UNSUPPORTED,
            "address: this version has no cluster engine, only the embedded one (address NULL)",
        ));
    }
    // SAFETY: NULL, or NUL-terminated during the call, as the header requires.
    let (name, resources, spill_directory) =
        unsafe { (text(options.name), text(options.resources), text(options.spill_directory)) };
    Ok(Options {
        name,
        n_workers: options.n_workers,
        stack_size: options.stack_size,
        max_spares: options.max_spares,
        pure: options.flags & RASK_CLIENT_PURE != 0,
        resources,
        memory_limit: options.memory_limit,
        spill_directory,
        fails_over_limit: options.flags & RASK_CLIENT_NOMEM != 0,
    })
}

impl From<Stats> for rask_client_stats {
    fn from(stats: Stats) -> Self {
        rask_client_stats {
            struct_size: size_of::<Self>(),
            n_workers: stats.n_workers,
            n_running: stats.n_running,
            n_pending: stats.n_pending,
            n_finished: stats.n_finished,
            n_error: stats.n_error,
            n_cancelled: stats.n_cancelled,
            n_submitted: stats.n_submitted,
            n_executed: stats.n_executed,
            n_stolen: stats.n_stolen,
            n_retried: stats.n_retried,
            live_futures: stats.live_futures,
            nbytes: stats.nbytes,
        }
    }
}
