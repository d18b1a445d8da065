//! The thread that draws while others go on: one for all, there as long as there is something to draw.

use super::{Display, Followed, POLLING, Sight, TICK};
use crate::scheduler::with_signals_blocked;
use crate::status::{Failure, NOMEM, Result};
use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// What is followed, and how it is shown.
struct Drawn {
    followed: Followed<Sight>,
    display: Display,
}

struct State {
    /// What the thread has not seen yet.
    new: Vec<Drawn>,
    /// There is a thread.
    alive: bool,
    /// How often it has looked at everything.
    looks: u64,
    /// It does not rest before it has looked that often.
    hurry: u64,
}

static STATE: Mutex<State> = Mutex::new(State { new: Vec::new(), alive: false, looks: 0, hurry: 0 });
/// There is something for the thread to do.
static CALLED: Condvar = Condvar::new();
/// It has looked at everything, or ends.
static LOOKED: Condvar = Condvar::new();

/// How long a close waits for the last sight to be drawn. Long enough, unless nobody reads what is written to stderr.
const LAST_SIGHT: Duration = Duration::from_secs(1);

/// Draws from now on, until all are done.
pub(super) fn start(followed: Followed<Sight>, display: Display) -> Result<()> {
    let mut state = STATE.lock();
    if !state.alive {
        let thread = std::thread::Builder::new().name("rask-progress".into());
        with_signals_blocked(|| thread.spawn(draw))
            .map_err(|error| Failure::new(NOMEM, format!("no thread to draw progress: {error}")))?;
        state.alive = true;
    }
    state.new.push(Drawn { followed, display });
    CALLED.notify_one();
    Ok(())
}

/// Futures have ended for good, because their client is closed: returns when that is drawn.
pub(in crate::client) fn look_again() {
    let mut state = STATE.lock();
    if !state.alive {
        return;
    }
    // The look that goes on now may have seen them before; the one after it has not.
    let enough = state.looks + 2;
    state.hurry = state.hurry.max(enough);
    CALLED.notify_one();
    let until = Instant::now() + LAST_SIGHT;
    while state.alive && state.looks < enough && !LOOKED.wait_until(&mut state, until).timed_out() {}
}

fn draw() {
    let mut drawn: Vec<Drawn> = Vec::new();
    let mut state = STATE.lock();
    loop {
        drawn.append(&mut state.new);
        if drawn.is_empty() {
            state.alive = false;
            LOOKED.notify_all();
            return;
        }
        drop(state);
        let begun = Instant::now();
        let time = POLLING / drawn.len().min(100) as u32;
        drawn.retain_mut(|drawn| !drawn.look(time));
        state = STATE.lock();
        state.looks += 1;
        LOOKED.notify_all();
        while !drawn.is_empty() && state.new.is_empty() && state.looks >= state.hurry {
            if CALLED.wait_until(&mut state, begun + TICK).timed_out() {
                break;
            }
        }
    }
}

impl Drawn {
    /// Looks and shows what there is to see; `true` when all are done.
    fn look(&mut self, time: Duration) -> bool {
        // From afar nothing can fail.
        let looked = self.followed.poll(time);
        if looked.is_err() || self.followed.is_done() {
            self.display.end(&self.followed.figures());
            return true;
        }
        self.display.show(&self.followed.figures());
        false
    }
}
