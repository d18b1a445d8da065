//! Magazines: each thread's own stock of free lines, and the depot through which threads exchange whole chains.
//!
//! A free line's second word links it to the next. A magazine holds up to two chains of [`CHAIN`] lines: it takes from and
//! puts to the first; when the first is full it becomes the spare, and a full spare goes to the depot. So a thread that
//! only frees and one that only takes meet at the depot once in CHAIN lines, and a thread that does both never does.

use super::chunk::{Class, Line, grow};
use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Lines in a chain. Large enough that the depot's lock does not count, small enough that little memory lies idle.
const CHAIN: usize = 256;

/// Lines linked through their second words.
#[derive(Clone, Copy)]
struct Chain {
    head: Option<Line>,
    length: usize,
}

// SAFETY: a chain owns its lines: nobody else links or unlinks them.
unsafe impl Send for Chain {}

impl Chain {
    const EMPTY: Chain = Chain { head: None, length: 0 };
}

/// What the lines of a class are, beyond the threads' own: chains given back, and the untouched rest of the newest chunk.
struct Depot {
    chains: Vec<Chain>,
    fresh: Chain,
}

// A fresh stretch uses `Chain` as address and count: its lines follow each other in memory and are not linked yet.
static DEPOTS: [Mutex<Depot>; Class::COUNT] =
    [const { Mutex::new(Depot { chains: Vec::new(), fresh: Chain::EMPTY }) }; Class::COUNT];

/// The link of a free line.
///
/// It is an atomic because a stale handle may look at the line while it is linked; relaxed, because only the owner follows it.
fn link(line: Line) -> &'static AtomicUsize {
    // SAFETY: every line has at least two words, is never unmapped, and its second word is only ever used as an atomic.
    unsafe { line.cast::<AtomicUsize>().add(1).as_ref() }
}

fn follow(line: Line) -> Option<Line> {
    Line::new(std::ptr::with_exposed_provenance_mut(link(line).load(Ordering::Relaxed)))
}

fn set_link(line: Line, next: Option<Line>) {
    link(line).store(next.map_or(0, |next| next.as_ptr().expose_provenance()), Ordering::Relaxed);
}

/// A thread's free lines of one class.
pub(crate) struct Magazine {
    class: Class,
    first: Cell<Chain>,
    spare: Cell<Chain>,
}

impl Magazine {
    pub(crate) const fn new(class: Class) -> Self {
        Self { class, first: Cell::new(Chain::EMPTY), spare: Cell::new(Chain::EMPTY) }
    }

    /// A free line, or none when there is no more memory. Its life word is from its last life; nothing else is told.
    #[inline]
    pub(crate) fn take(&self) -> Option<Line> {
        let mut chain = self.first.get();
        if chain.head.is_none() {
            chain = self.refill()?;
        }
        let line = chain.head?;
        let next = follow(line);
        prefetch(next);
        self.first.set(Chain { head: next, length: chain.length - 1 });
        Some(line)
    }

    /// Takes back a line that nobody refers to. A line whose generations are used up is retired instead.
    #[inline]
    pub(crate) fn put(&self, line: Line) {
        // SAFETY: lines stay mapped for ever.
        if unsafe { line.as_ref() }.is_spent() {
            return;
        }
        let mut chain = self.first.get();
        if chain.length == CHAIN {
            self.give(self.spare.replace(chain));
            chain = Chain::EMPTY;
        }
        set_link(line, chain.head);
        self.first.set(Chain { head: Some(line), length: chain.length + 1 });
    }

    #[cold]
    fn refill(&self) -> Option<Chain> {
        let spare = self.spare.replace(Chain::EMPTY);
        if spare.head.is_some() {
            return Some(spare);
        }
        let mut depot = DEPOTS[self.class as usize].lock();
        if let Some(chain) = depot.chains.pop() {
            // As in `Life::leave`: who sees what this thread writes to these lines sees that their last lives are over.
            fence(Ordering::Release);
            return Some(chain);
        }
        if depot.fresh.head.is_none() {
            let (head, length) = grow(self.class)?;
            depot.fresh = Chain { head: Some(head), length };
        }
        let fresh = depot.fresh;
        let length = fresh.length.min(CHAIN);
        let head = fresh.head?;
        // SAFETY: `fresh.length` lines follow each other in one chunk, so every step stays inside it.
        let nth = |n: usize| unsafe { head.byte_add(n * self.class.size()) };
        let rest = fresh.length - length;
        depot.fresh = Chain { head: (rest > 0).then(|| nth(length)), length: rest };
        drop(depot);
        for n in 0..length {
            set_link(nth(n), (n + 1 < length).then(|| nth(n + 1)));
        }
        Some(Chain { head: Some(head), length })
    }

    #[cold]
    fn give(&self, chain: Chain) {
        if chain.head.is_some() {
            DEPOTS[self.class as usize].lock().chains.push(chain);
        }
    }
}

impl Drop for Magazine {
    fn drop(&mut self) {
        self.give(self.first.get());
        self.give(self.spare.get());
    }
}

/// Asks for a line that is about to be taken, so that its link is there when it is.
#[inline]
fn prefetch(line: Option<Line>) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if let Some(line) = line {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        // SAFETY: a prefetch is a hint; it reads and writes nothing.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(line.as_ptr().cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}
