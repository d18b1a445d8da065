//! Progress of many futures on stderr: a bar on a terminal, a line now and then elsewhere.
//!
//! Finished futures are never looked at again. The open ones go round in a queue, a chunk at a time: those
//! that can be polled within a few milliseconds, then one chunk that is waited for until it is time to draw.

use super::{Timeout, Until, wait};
use crate::future::{State, state};
use crate::status::{Failure, NOMEM, Result, TIMEOUT};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::VecDeque;
use std::ffi::CStr;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Futures looked at by one wait.
const CHUNK: usize = 1024;
/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(100);
/// How much of a tick goes into polling.
const POLLING: Duration = Duration::from_millis(5);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Draws how many of the futures are done and failed, at which rate, and how long the rest will take, until
/// all are done.
pub fn progress(futures: &[u64], label: Option<&CStr>) -> Result<()> {
    let label = label.map_or("tasks".into(), CStr::to_string_lossy);
    let mut display = Display::new(&label, futures.len());
    let mut open = Open::new(futures)?;
    display.show(&open);
    let outcome = loop {
        if open.queue.is_empty() {
            break Ok(());
        }
        if let Err(failure) = open.look() {
            break Err(failure);
        }
        display.show(&open);
    };
    display.end(&open);
    outcome
}

/// The futures that were not done when last looked at, and what became of the others.
struct Open {
    queue: VecDeque<u64>,
    done: usize,
    failed: usize,
}

impl Open {
    fn new(futures: &[u64]) -> Result<Self> {
        let mut queue = VecDeque::new();
        queue
            .try_reserve_exact(futures.len())
            .map_err(|_| Failure::new(NOMEM, format!("no memory to follow {} futures", futures.len())))?;
        queue.extend(futures);
        Ok(Self { queue, done: 0, failed: 0 })
    }

    /// One tick: polls chunks while that is quick and finds something, then waits for one.
    fn look(&mut self) -> Result<()> {
        let started = Instant::now();
        let mut unseen = self.queue.len();
        while unseen > CHUNK && started.elapsed() < POLLING {
            unseen -= CHUNK;
            self.chunk(Duration::ZERO)?;
        }
        while !self.queue.is_empty() {
            let rest = TICK.saturating_sub(started.elapsed());
            // A chunk that is done before the tick is over leaves time for the next.
            if !self.chunk(rest)? || rest.is_zero() {
                break;
            }
        }
        Ok(())
    }

    /// Waits for the next chunk; true if all of it is done. What is not goes to the end of the queue.
    fn chunk(&mut self, timeout: Duration) -> Result<bool> {
        let mut futures = [0; CHUNK];
        let mut flags = [false; CHUNK];
        let n = self.queue.len().min(CHUNK);
        for (slot, future) in futures.iter_mut().zip(self.queue.drain(..n)) {
            *slot = future;
        }
        let (futures, flags) = (&futures[..n], &mut flags[..n]);
        match wait(futures, Until::AllCompleted, Timeout::After(timeout), Some(flags)) {
            Err(failure) if failure.status != TIMEOUT => return Err(failure),
            _ => {}
        }
        let before = self.done;
        for (&future, &done) in futures.iter().zip(flags.iter()) {
            if !done {
                self.queue.push_back(future);
                continue;
            }
            self.done += 1;
            if state(future)? != State::Finished {
                self.failed += 1;
            }
        }
        Ok(self.done - before == n)
    }
}

/// Where progress is shown.
enum Display {
    Bar(ProgressBar),
    Lines { label: String, total: usize, started: Instant, written: Option<Instant> },
}

impl Display {
    fn new(label: &str, total: usize) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { label: label.to_owned(), total, started: Instant::now(), written: None };
        }
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(
            "{prefix} [{bar:32}] {human_pos}/{human_len}{msg}  {per_sec}  {elapsed} < {eta}",
        ) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(label.to_owned());
        Self::Bar(bar)
    }

    /// Shows where things are; lines are written only now and then.
    fn show(&mut self, open: &Open) {
        match self {
            Self::Bar(bar) => {
                if open.failed > 0 {
                    bar.set_message(format!(", {} failed", open.failed));
                }
                bar.set_position(open.done as u64);
                bar.tick();
            }
            Self::Lines { label, total, started, written } => {
                if written.is_none_or(|at| at.elapsed() >= LINE_EVERY) && open.done < *total {
                    *written = Some(Instant::now());
                    write_line(&line(label, open.done, open.failed, *total, started.elapsed()));
                }
            }
        }
    }

    /// The last sight: it stays on the screen.
    fn end(&mut self, open: &Open) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(open.done as u64);
                bar.abandon();
            }
            Self::Lines { label, total, started, .. } => {
                write_line(&line(label, open.done, open.failed, *total, started.elapsed()));
            }
        }
    }
}

/// One line: `inc: 120/1000 done, 3 failed, 52/s, 17 s left`.
fn line(label: &str, done: usize, failed: usize, total: usize, elapsed: Duration) -> String {
    let mut line = format!("{label}: {done}/{total} done");
    if failed > 0 {
        line += &format!(", {failed} failed");
    }
    let rate = done as f64 / elapsed.as_secs_f64().max(1e-9);
    if done == total {
        line += &format!(" in {:.1} s", elapsed.as_secs_f64());
    } else if done > 0 {
        line += &format!(", {rate:.0}/s, {:.0} s left", (total - done) as f64 / rate);
    }
    line
}

/// Writes a line to stderr; a stderr that is closed is nobody's failure.
fn write_line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_there_is_to_say() {
        let seconds = Duration::from_secs;
        assert_eq!(line("inc", 0, 0, 10, seconds(0)), "inc: 0/10 done");
        assert_eq!(line("inc", 5, 1, 10, seconds(1)), "inc: 5/10 done, 1 failed, 5/s, 1 s left");
        assert_eq!(line("inc", 10, 0, 10, seconds(2)), "inc: 10/10 done in 2.0 s");
        assert_eq!(line("none", 0, 0, 0, seconds(0)), "none: 0/0 done in 0.0 s");
    }
}
