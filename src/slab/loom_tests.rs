//! Models of the life word.

use super::{Ended, Id, Kind, Left, Life};
use crate::sync::{AtomicU64, Ordering, fence, model};
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;

fn id(generation: u64) -> Id {
    Id::new(Kind::Small, 1, generation)
}

/// A line: its life, a word that a stale handle may look at, and memory that only those with a reference touch.
struct Line {
    life: Life,
    word: AtomicU64,
    memory: UnsafeCell<u64>,
}

impl Line {
    /// In its first life, whose number is in the word and in the memory.
    fn alive() -> Arc<Self> {
        let line = Self { life: Life::new(), word: AtomicU64::new(1), memory: UnsafeCell::new(1) };
        assert_eq!(line.life.begin(), 1);
        Arc::new(line)
    }

    fn read(&self) -> u64 {
        // SAFETY: loom checks that nobody writes meanwhile.
        self.memory.with(|memory| unsafe { *memory })
    }

    /// Frees the line and begins its next life: `Magazine::put`, `Magazine::take` and what submit writes.
    fn live_again(&self) -> u64 {
        self.word.store(3, Ordering::Relaxed);
        // SAFETY: loom checks that nobody looks.
        self.memory.with_mut(|memory| unsafe { *memory = 3 });
        self.life.begin()
    }
}

/// A stale id never reaches the next life of its line: whoever pins with it reads the first life's memory.
#[test]
fn pin_against_end_and_reuse() {
    model(|| {
        let line = Line::alive();
        let other = line.clone();
        let pinner = thread::spawn(move || {
            if !other.life.pin(id(1)) {
                return;
            }
            assert_eq!(other.read(), 1);
            if other.life.leave() {
                assert_eq!(other.live_again(), 3);
            }
        });
        match line.life.end(id(1), false) {
            Ended::Stale => panic!("the handle is live"),
            Ended::Shared { .. } => {}
            Ended::Free { .. } => unreachable!("not asked for"),
            Ended::Last { .. } => {
                if line.life.leave() {
                    assert_eq!(line.live_again(), 3);
                }
            }
        }
        pinner.join().unwrap();
        assert!(!line.life.pin(id(1)));
        assert!(line.life.pin(id(3)));
        assert_eq!(line.life.count(), 2);
    });
}

/// Of two that end a handle, or take it, one succeeds.
#[test]
fn end_against_end_against_take() {
    model(|| {
        let line = Line::alive();
        line.life.retain();
        let (first, second) = (line.clone(), line.clone());
        let first = thread::spawn(move || first.life.end(id(1), false) != Ended::Stale);
        let second = thread::spawn(move || second.life.end(id(1), false) != Ended::Stale);
        let taken = line.life.take(id(1)).is_some();
        let ended = [first.join().unwrap(), second.join().unwrap(), taken];
        assert_eq!(ended.into_iter().filter(|&done| done).count(), 1);
        // What is left: the reference counted above, and the handle's if it was taken.
        if taken {
            assert!(!line.life.leave());
        }
        assert!(line.life.leave());
    });
}

/// Whoever marks a handle as watched and then finds it live will be told of its end. `handle::watch`, `waiting::enter` and
/// `handle::is_live` against `handle::release` and `waiting::released`, with a flag under a lock for the table of waiters.
#[test]
fn watch_against_end() {
    model(|| {
        let line = Line::alive();
        line.life.retain();
        let waiting = Arc::new((Mutex::new(false), Mutex::new(false)));
        let (other, table) = (line.clone(), waiting.clone());
        let waiter = thread::spawn(move || {
            if !other.life.watch(id(1)) {
                return true;
            }
            *table.0.lock().unwrap() = true;
            let is_live = other.life.is(id(1));
            assert!(!other.life.leave());
            !is_live
        });
        let (Ended::Shared { watched, .. } | Ended::Last { watched }) = line.life.end(id(1), false) else {
            panic!("the handle is live");
        };
        if watched {
            let entered = *waiting.0.lock().unwrap();
            *waiting.1.lock().unwrap() = entered;
        }
        let noticed = waiter.join().unwrap();
        assert!(noticed || *waiting.1.lock().unwrap(), "a waiter is never left alone");
    });
}

/// What is read between `is` and `is_still` belongs to the life of the handle: `future::state` and `future::peek_i64`.
#[test]
fn look_against_end_and_reuse() {
    model(|| {
        let line = Line::alive();
        let other = line.clone();
        let looker = thread::spawn(move || {
            if other.life.is(id(1)) {
                let word = other.word.load(Ordering::Relaxed);
                if other.life.is_still(id(1)) {
                    assert_eq!(word, 1, "the next life was read through a handle of the last");
                }
            }
        });
        assert!(matches!(line.life.end(id(1), false), Ended::Last { .. }));
        assert!(line.life.leave());
        line.live_again();
        looker.join().unwrap();
    });
}

/// As above, for who has remembered the number of the life: `future::sight`.
#[test]
fn look_by_number_against_leave_and_reuse() {
    model(|| {
        let line = Line::alive();
        let number = line.life.count() as u32;
        let other = line.clone();
        let looker = thread::spawn(move || {
            if other.life.is_number(number) {
                let word = other.word.load(Ordering::Relaxed);
                if other.life.is_still_number(number) {
                    assert_eq!(word, 1, "the next life was taken for the last");
                }
            }
        });
        assert!(matches!(line.life.end(id(1), false), Ended::Last { .. }));
        assert!(line.life.leave());
        line.live_again();
        looker.join().unwrap();
    });
}

/// As `look_against_end_and_reuse`, with the line reused by another thread: the release fence of `Magazine::take_from_next` stands for that of `Life::leave`, and the
/// lock for the depot's.
#[test]
fn look_against_reuse_by_another() {
    model(|| {
        let line = Line::alive();
        let depot = Arc::new(Mutex::new(false));
        let (looked_at, freed, given) = (line.clone(), line.clone(), depot.clone());
        let looker = thread::spawn(move || {
            if looked_at.life.is(id(1)) {
                let word = looked_at.word.load(Ordering::Relaxed);
                if looked_at.life.is_still(id(1)) {
                    assert_eq!(word, 1, "the next life was read through a handle of the last");
                }
            }
        });
        let freer = thread::spawn(move || {
            assert!(matches!(freed.life.end(id(1), false), Ended::Last { .. }));
            assert!(freed.life.leave());
            *given.lock().unwrap() = true;
        });
        if *depot.lock().unwrap() {
            fence(Ordering::Release);
            line.live_again();
        }
        looker.join().unwrap();
        freer.join().unwrap();
    });
}

/// Whoever joins a life by a word seen before has a reference, and only on that life: `walk::open_inputs`, `future::cancel_pending`.
#[test]
fn join_against_last_leave_and_reuse() {
    model(|| {
        let line = Line::alive();
        let seen = line.life.peek();
        let other = line.clone();
        let joiner = thread::spawn(move || {
            if other.life.join(seen) {
                assert_eq!(other.read(), 1);
                if other.life.leave() {
                    other.live_again();
                }
            }
        });
        match line.life.end(id(1), false) {
            Ended::Stale => panic!("the handle is live"),
            Ended::Shared { .. } => {}
            Ended::Free { .. } => unreachable!("not asked for"),
            Ended::Last { .. } => {
                if line.life.leave() {
                    line.live_again();
                }
            }
        }
        joiner.join().unwrap();
        assert_eq!(line.read(), 3);
        assert!(matches!(line.life.end(id(3), false), Ended::Last { .. }));
        assert!(line.life.leave());
    });
}

/// Who uses a line and then ends its handle is done before another, who has the last reference, frees it.
#[test]
fn end_against_leave() {
    model(|| {
        let line = Line::alive();
        line.life.retain();
        let other = line.clone();
        let user = thread::spawn(move || {
            assert_eq!(other.read(), 1);
            if matches!(other.life.end(id(1), false), Ended::Last { .. }) && other.life.leave() {
                other.live_again();
            }
        });
        assert_eq!(line.read(), 1);
        if line.life.leave_unless_last() == Left::Last && line.life.leave() {
            line.live_again();
        }
        user.join().unwrap();
        assert_eq!(line.read(), 3);
    });
}

/// Of several that leave, one is the last, and sees all that the others did.
#[test]
fn leave_against_leave() {
    model(|| {
        let line = Line::alive();
        line.life.retain();
        line.life.retain();
        let leave = |line: &Line| {
            assert_eq!(line.read(), 1);
            let last = line.life.leave_unless_last() == Left::Last && line.life.leave();
            if last {
                line.live_again();
            }
            usize::from(last)
        };
        let others = [line.clone(), line.clone()].map(|line| thread::spawn(move || leave(&line)));
        let mut last = leave(&line);
        for other in others {
            last += other.join().unwrap();
        }
        assert_eq!(last, 1);
    });
}

/// As `join_against_last_leave_and_reuse`, where ending the handle of a future that is done gives the last reference up in the same step, and
/// as `pin_against_end`: one of the three frees the line.
#[test]
fn end_of_what_is_done_against_pin_and_join() {
    model(|| {
        let line = Line::alive();
        let seen = line.life.peek();
        let (joins, pins) = (line.clone(), line.clone());
        let leave = |line: &Line| {
            assert_eq!(line.read(), 1);
            if line.life.leave() {
                line.live_again();
            }
        };
        let joiner = thread::spawn(move || {
            if joins.life.join(seen) {
                leave(&joins);
            }
        });
        let pinner = thread::spawn(move || {
            if pins.life.pin(id(1)) {
                leave(&pins);
            }
        });
        match line.life.end(id(1), true) {
            Ended::Stale | Ended::Last { .. } => {
                panic!("the handle is live, and the last reference goes with it")
            }
            Ended::Shared { .. } => {}
            Ended::Free { .. } => {
                line.live_again();
            }
        }
        joiner.join().unwrap();
        pinner.join().unwrap();
        assert_eq!(line.read(), 3);
        assert!(!line.life.pin(id(1)) && line.life.pin(id(3)));
    });
}
