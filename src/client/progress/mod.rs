//! Progress of many futures on stderr, by the names of their tasks: while the caller waits, or while it goes on.
//!
//! Finished futures are never looked at again. The open ones of each name go round in a queue, a chunk at a time: as many as can be
//! looked at within a few milliseconds, ten times a second. So ten million futures are followed at the price of a few.

mod background;
mod display;

use super::{Timeout, Until, wait};
use crate::future::{self, Name, Sight, State, at_future};
use crate::log::one_line;
use crate::status::{Failure, NOMEM, Result, TIMEOUT};
pub(super) use background::look_again;
use display::Display;
use std::collections::{HashMap, VecDeque};
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// Futures looked at or waited for at a time.
const CHUNK: usize = 1024;
/// How often is drawn.
const TICK: Duration = Duration::from_millis(100);
/// How much of a tick goes into looking.
const POLLING: Duration = Duration::from_millis(5);
/// Names that are told apart; what has another is among the "others".
const NAMES: usize = 12;

/// Draws how the futures get on until all are done.
pub fn progress(futures: &[u64], label: Option<&CStr>) -> Result<()> {
    let mut followed = Followed::new(futures, |&future| Sight::of(future).map(|(_, name)| (future, name)))?;
    let mut display = Display::new(label, &followed.figures());
    let outcome = loop {
        let begun = Instant::now();
        if let Err(failure) = followed.poll(POLLING) {
            break Err(failure);
        }
        display.show(&followed.figures());
        if followed.is_done() {
            break Ok(());
        }
        if let Err(failure) = followed.wait(begun + TICK) {
            break Err(failure);
        }
    };
    display.end(&followed.figures());
    outcome
}

/// As [`progress`], drawn by a thread of its own. The handles are not used after the call.
pub fn progress_start(futures: &[u64], label: Option<&CStr>) -> Result<()> {
    let followed = Followed::new(futures, |&future| Sight::of(future))?;
    let display = Display::new(label, &followed.figures());
    background::start(followed, display)
}

/// How a future is looked at.
trait Look: Copy {
    fn look(self) -> Result<State>;
}

/// Through its handle, which must stay live.
impl Look for u64 {
    fn look(self) -> Result<State> {
        future::state(self)
    }
}

/// From afar: who is gone is done.
impl Look for Sight {
    fn look(self) -> Result<State> {
        Ok(self.state().unwrap_or(State::Finished))
    }
}

/// What is drawn of the futures with one name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Figures {
    name: String,
    total: usize,
    done: usize,
    failed: usize,
    running: usize,
}

/// The futures with one name.
struct Group<P> {
    figures: Figures,
    /// Those that were not done when last looked at.
    open: VecDeque<P>,
    /// How many of them this round has yet to look at, and how many it saw running.
    left: usize,
    running: usize,
}

/// All that are drawn together.
struct Followed<P> {
    groups: Vec<Group<P>>,
}

impl<P: Look> Followed<P> {
    /// `sight` tells how to look at a future, and its name.
    fn new(futures: &[u64], sight: impl Fn(&u64) -> Result<(P, Name)>) -> Result<Self> {
        let no_memory = |_| Failure::new(NOMEM, format!("no memory to follow {} futures", futures.len()));
        let mut groups: Vec<Group<P>> = Vec::new();
        let mut by_name: HashMap<Name, usize> = HashMap::new();
        let mut last = None;
        for (at, future) in futures.iter().enumerate() {
            let (place, name) = sight(future).map_err(|wrong| at_future(at, wrong))?;
            // Neighbours mostly have the same name.
            let index = match &last {
                Some((last, index)) if *last == name => *index,
                _ => match by_name.get(&name) {
                    Some(&index) => index,
                    None => {
                        let index = by_name.len().min(NAMES);
                        if index == groups.len() {
                            groups.push(Group::new(if index == NAMES {
                                "others".into()
                            } else {
                                words(&name)
                            }));
                        }
                        if index < NAMES {
                            by_name.insert(name.clone(), index);
                        }
                        index
                    }
                },
            };
            last = Some((name, index));
            let group = &mut groups[index];
            group.open.try_reserve(1).map_err(no_memory)?;
            group.open.push_back(place);
            group.figures.total += 1;
            group.left += 1;
        }
        Ok(Self { groups })
    }

    /// Looks at open futures for about so long, at each once at most.
    fn poll(&mut self, time: Duration) -> Result<()> {
        let begun = Instant::now();
        let mut unseen: Vec<_> = self.groups.iter().map(|group| group.open.len()).collect();
        while unseen.iter().any(|&unseen| unseen > 0) {
            for (group, unseen) in self.groups.iter_mut().zip(&mut unseen) {
                let n = CHUNK.min(*unseen);
                group.look(n)?;
                *unseen -= n;
            }
            if begun.elapsed() >= time {
                break;
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.groups.iter().all(|group| group.open.is_empty())
    }

    fn figures(&self) -> Vec<&Figures> {
        self.groups.iter().map(|group| &group.figures).collect()
    }
}

impl Followed<u64> {
    /// Waits until the time is up, or all are done.
    fn wait(&mut self, until: Instant) -> Result<()> {
        while let Some(group) = self.groups.iter_mut().find(|group| !group.open.is_empty()) {
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            let n = group.open.len().min(CHUNK);
            let chunk = &group.open.make_contiguous()[..n];
            match wait(chunk, Until::AllCompleted, Timeout::After(rest), None) {
                Err(failure) if failure.status != TIMEOUT => return Err(failure),
                _ => group.look(n)?,
            }
        }
        Ok(())
    }
}

impl<P: Look> Group<P> {
    fn new(name: String) -> Self {
        let figures = Figures { name, ..Figures::default() };
        Self { figures, open: VecDeque::new(), left: 0, running: 0 }
    }

    /// Looks at the next `n` open ones. What is still open goes to the end of the queue.
    fn look(&mut self, n: usize) -> Result<()> {
        for _ in 0..n {
            let Some(place) = self.open.pop_front() else { break };
            match place.look()? {
                State::Pending => self.open.push_back(place),
                State::Running => {
                    self.running += 1;
                    self.open.push_back(place);
                }
                state => {
                    self.figures.done += 1;
                    self.figures.failed += usize::from(state != State::Finished);
                }
            }
            self.left -= 1;
            if self.left == 0 {
                self.left = self.open.len();
                self.figures.running = std::mem::take(&mut self.running);
            }
        }
        Ok(())
    }
}

fn words(name: &Name) -> String {
    match name {
        Name::Function(function) => future::name_of_function(*function),
        Name::Given(name) => one_line(&name.to_string_lossy()),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Fixed(State);

    impl Look for Fixed {
        fn look(self) -> Result<State> {
            Ok(self.0)
        }
    }

    #[test]
    fn rounds_are_counted_whole() {
        let futures: Vec<u64> = (0..3000).collect();
        let states = [State::Pending, State::Running, State::Finished, State::Error, State::Cancelled];
        let sight = |future: &u64| Ok((Fixed(states[*future as usize % 5]), Name::Function(0)));
        let mut followed = Followed::new(&futures, sight).unwrap();
        for _ in 0..3 {
            followed.poll(Duration::MAX).unwrap();
            let expected =
                Figures { name: "value".into(), total: 3000, done: 1800, failed: 1200, running: 600 };
            assert_eq!(followed.figures(), [&expected]);
        }
        assert!(!followed.is_done());
        followed.poll(Duration::ZERO).unwrap();
        assert_eq!(followed.figures()[0].running, 600);
    }

    #[test]
    fn many_names_share_a_bar() {
        let futures: Vec<u64> = (0..100).collect();
        let sight = |future: &u64| {
            let name = format!("name{}", future % 20);
            Ok((Fixed(State::Finished), Name::Given(std::ffi::CString::new(name).unwrap())))
        };
        let followed = Followed::new(&futures, sight).unwrap();
        let figures = followed.figures();
        assert_eq!(figures.len(), NAMES + 1);
        assert_eq!((figures[0].name.as_str(), figures[0].total), ("name0", 5));
        assert_eq!((figures[NAMES].name.as_str(), figures[NAMES].total), ("others", 40));
    }
}
