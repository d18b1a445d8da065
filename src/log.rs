//! What the engine decides, told on stderr: `RASK_LOG=debug`, or `trace` for more of it.
//!
//! Off is one relaxed load at each place that could tell something, and no such place is on the way of a task. A line is put together first
//! and written at once, so that lines of several threads do not mix.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Once;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

/// How much is told. The order is that of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Level {
    /// Nothing.
    Off = 0,
    /// What happens to clients, threads and waits, and how failures spread.
    Debug = 1,
    /// What happens all the time, too: steals.
    Trace = 2,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Off as u8);
static START: OnceLock<Instant> = OnceLock::new();

/// Tells something, if that much is to be told: `log!(Debug, "client {name} opened")`.
macro_rules! log {
    ($level:ident, $($words:tt)*) => {
        if $crate::log::is_on($crate::log::Level::$level) {
            $crate::log::tell($crate::log::Level::$level, format_args!($($words)*));
        }
    };
}
pub(crate) use log;

/// Reads the environment, the first time. Called whenever a client is opened: before that nothing happens.
pub(crate) fn read_environment() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(value) = std::env::var_os("RASK_LOG") else { return };
        START.get_or_init(Instant::now);
        match level(&value.to_string_lossy()) {
            // Relaxed: a thread that learns of it a moment later tells a line less.
            Some(level) => LEVEL.store(level as u8, Ordering::Relaxed),
            None => {
                let words = format!("rask: RASK_LOG={value:?} is unknown; known are debug, trace and off\n");
                let _ = std::io::stderr().write_all(words.as_bytes());
            }
        }
    });
}

fn level(name: &str) -> Option<Level> {
    match name {
        "" | "off" => Some(Level::Off),
        "debug" => Some(Level::Debug),
        "trace" => Some(Level::Trace),
        _ => None,
    }
}

/// Whether this much is to be told.
#[inline]
pub(crate) fn is_on(level: Level) -> bool {
    // Relaxed: see `read_environment`.
    LEVEL.load(Ordering::Relaxed) >= level as u8
}

/// Writes one line: `rask   12.345678 debug rask-0: sleeps`.
#[cold]
pub(crate) fn tell(level: Level, words: fmt::Arguments<'_>) {
    let level = if level == Level::Trace { "trace" } else { "debug" };
    let seconds = START.get_or_init(Instant::now).elapsed().as_secs_f64();
    let mut line = String::new();
    let _ = write!(line, "rask {seconds:11.6} {level} {}: {words}", thread_name());
    let mut line = one_line(&line);
    line.push('\n');
    // A stderr that is closed is nobody's failure.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The text as one line. What a user called something may hold line breaks, and what makes a terminal do other things than write.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The name of this thread as the system knows it, which has at most 15 bytes. Unlike std's, it is there while the thread ends, too.
fn thread_name() -> String {
    let mut name = [0u8; 16];
    // SAFETY: the buffer has the 16 bytes that the system's names have at most.
    let known =
        unsafe { libc::pthread_getname_np(libc::pthread_self(), name.as_mut_ptr().cast(), name.len()) };
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    if known == 0 { String::from_utf8_lossy(&name[..end]).into_owned() } else { "?".to_owned() }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        assert_eq!(level("debug"), Some(Level::Debug));
        assert_eq!(level("trace"), Some(Level::Trace));
        assert_eq!(level(""), Some(Level::Off));
        assert_eq!(level("off"), Some(Level::Off));
        assert_eq!(level("DEBUG"), None);
        assert!((Level::Debug as u8) < Level::Trace as u8 && is_on(Level::Off));
    }

    #[test]
    fn threads_have_names() {
        let named = std::thread::Builder::new().name("a-name-of-more-than-15".into());
        assert_eq!(named.spawn(thread_name).unwrap().join().unwrap(), "a-name-of-more-");
    }
}
