//! The threads of a client: who holds a slot, who waits for one, who is spare.
//!
//! There are as many slots as workers, and every slot is held by a thread, always. A task that blocks hands its thread's slot to a
//! thread that wants to resume a task, or to a spare one, or to a new one. A task that resumes asks for a slot; the next
//! worker between two tasks gives it its own and becomes spare. So never more tasks run at a time than there are workers.

use super::local::Local;
use super::sleep::Sleep;
use super::{Slot, worker};
use crate::log::log;
use crate::status::{self, Failure, Result};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// Where a thread without a slot waits for one.
#[derive(Default)]
pub(crate) struct Seat {
    delivery: Mutex<Delivery>,
    delivered: Condvar,
}

#[derive(Default)]
enum Delivery {
    #[default]
    None,
    Slot(Box<Slot>),
    Leave,
}

impl Seat {
    fn deliver(&self, delivery: Delivery) {
        *self.delivery.lock() = delivery;
        self.delivered.notify_one();
    }

    /// Blocks until there is a slot; `None` if the thread is to end.
    fn receive(&self) -> Option<Box<Slot>> {
        let mut delivery = self.delivery.lock();
        loop {
            match std::mem::take(&mut *delivery) {
                Delivery::None => self.delivered.wait(&mut delivery),
                Delivery::Slot(slot) => return Some(slot),
                Delivery::Leave => return None,
            }
        }
    }
}

pub(crate) struct Pool {
    max_threads: usize,
    /// As many as `State::resuming`; read between any two tasks.
    resuming: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    /// Tasks that could go on and wait for a slot.
    resuming: VecDeque<Arc<Seat>>,
    /// Threads that have nothing to do.
    spare: Vec<Arc<Seat>>,
    /// Tasks that are blocked or resuming.
    suspended: usize,
    threads: usize,
    handles: Vec<JoinHandle<()>>,
    dismissed: bool,
}

impl Pool {
    pub(crate) fn new(max_threads: usize) -> Self {
        Self {
            max_threads,
            resuming: AtomicUsize::new(0),
            state: Mutex::new(State {
                resuming: VecDeque::new(),
                spare: Vec::new(),
                suspended: 0,
                threads: 0,
                handles: Vec::new(),
                dismissed: false,
            }),
        }
    }

    /// Starts a thread that works with `slot`.
    pub(crate) fn start_thread(&self, slot: Box<Slot>) -> std::io::Result<()> {
        let mut state = self.state.lock();
        // The slot travels through a seat, so that it is not lost with the closure when no thread can be had.
        let seat = Arc::new(Seat::default());
        self.start_at(&mut state, &slot, seat.clone())?;
        seat.deliver(Delivery::Slot(slot));
        Ok(())
    }

    fn start_at(&self, state: &mut State, slot: &Slot, seat: Arc<Seat>) -> std::io::Result<()> {
        let settings = &slot.core.settings;
        let name = format!("{}-{}", settings.name, state.threads);
        let builder = std::thread::Builder::new().name(name).stack_size(settings.stack_size);
        let core = slot.core.clone();
        let handle = with_signals_blocked(|| {
            builder.spawn(move || {
                log!(Debug, "starts for {core}");
                if let Some(slot) = seat.receive() {
                    worker::run(&core, slot, seat);
                }
                log!(Debug, "ends");
            })
        })?;
        state.threads += 1;
        state.handles.push(handle);
        Ok(())
    }

    /// See [`Core::suspend`](super::Core::suspend).
    pub(crate) fn suspend(&self, local: &Local) -> Result<()> {
        let mut state = self.state.lock();
        let (seat, taker) = if let Some(seat) = state.resuming.pop_front() {
            self.resuming.fetch_sub(1, Ordering::SeqCst);
            state.suspended -= 1;
            (seat, "a task that resumes")
        } else if let Some(seat) = state.spare.pop() {
            (seat, "a spare thread")
        } else {
            if state.threads >= self.max_threads {
                return Err(Failure::new(
                    status::NOMEM,
                    format!(
                        "{} threads are suspended in waits, the most this client may have",
                        state.suspended
                    ),
                ));
            }
            let seat = Arc::new(Seat::default());
            let slot = local.slot().expect("a task runs with a slot");
            self.start_at(&mut state, slot, seat.clone()).map_err(|error| {
                Failure::new(status::NOMEM, format!("no spare thread for a wait: {error}"))
            })?;
            (seat, "a new spare thread")
        };
        state.suspended += 1;
        let suspended = state.suspended;
        drop(state);
        log!(Debug, "is suspended in a wait, one of {suspended}; its slot goes to {taker}");
        let slot = local.take_slot().expect("a task runs with a slot");
        seat.deliver(Delivery::Slot(slot));
        Ok(())
    }

    /// See [`Core::resume`](super::Core::resume).
    pub(crate) fn resume(&self, local: &Local, sleep: &Sleep) {
        let seat = Arc::new(Seat::default());
        {
            let mut state = self.state.lock();
            state.resuming.push_back(seat.clone());
            self.resuming.fetch_add(1, Ordering::SeqCst);
        }
        // A task that resumes is work like any other: whoever searches finds it, else a sleeper is woken.
        std::sync::atomic::fence(Ordering::SeqCst);
        sleep.wake_one();
        let slot = seat.receive().expect("a resuming task is never sent away");
        local.put_slot(slot);
        log!(Debug, "resumes");
    }

    /// How many tasks wait for a slot to resume with.
    #[inline]
    pub(crate) fn n_resuming(&self) -> usize {
        self.resuming.load(Ordering::Relaxed)
    }

    /// Gives this thread's slot to a task that resumes. `false`: there is none any more.
    pub(crate) fn hand_over(&self, local: &Local) -> bool {
        let mut state = self.state.lock();
        let Some(seat) = state.resuming.pop_front() else { return false };
        self.resuming.fetch_sub(1, Ordering::SeqCst);
        state.suspended -= 1;
        drop(state);
        log!(Debug, "hands its slot to a task that resumes");
        seat.deliver(Delivery::Slot(local.take_slot().expect("a worker between tasks has a slot")));
        true
    }

    /// Waits as a spare thread for a slot; `None` if the thread is to end.
    pub(crate) fn await_slot(&self, seat: &Arc<Seat>) -> Option<Box<Slot>> {
        {
            let mut state = self.state.lock();
            if state.dismissed {
                return None;
            }
            state.spare.push(seat.clone());
        }
        seat.receive()
    }

    pub(crate) fn suspended(&self) -> usize {
        self.state.lock().suspended
    }

    /// Sends the spare threads home, those of now and those to come.
    pub(crate) fn dismiss_spares(&self) {
        let mut state = self.state.lock();
        state.dismissed = true;
        for seat in state.spare.drain(..) {
            seat.deliver(Delivery::Leave);
        }
    }

    /// Waits for all threads to end, those that start meanwhile included.
    pub(crate) fn join(&self) {
        loop {
            let Some(handle) = self.state.lock().handles.pop() else { return };
            // A worker's panic was reported where it happened; there is nothing to add here.
            let _ = handle.join();
        }
    }
}

/// Starts a thread of the library's own.
pub(crate) fn spawn_quietly(name: &str, run: fn()) -> std::io::Result<()> {
    let builder = std::thread::Builder::new().name(name.into()).stack_size(super::default_stack_size());
    with_signals_blocked(|| builder.spawn(run)).map(drop)
}

/// Starts threads with the host's signals blocked: they are the host's to handle, on the host's threads. Faults stay deliverable.
pub(crate) fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: plain libc calls on local sets; the previous mask is restored before returning.
    unsafe {
        let mut all = std::mem::zeroed::<libc::sigset_t>();
        let mut before = std::mem::zeroed::<libc::sigset_t>();
        libc::sigfillset(&mut all);
        for fault in [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGABRT,
            libc::SIGPROF,
        ] {
            libc::sigdelset(&mut all, fault);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let started = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        started
    }
}
