//! Magazines: each thread's own stock of free lines, and the depot through which threads exchange whole stocks.
//!
//! After Bonwick and Adams, "Magazines and Vmem" (USENIX 2001). A magazine holds up to two stocks of [`ROUNDS`] lines: it takes from
//! and puts to the loaded one; when that is full it becomes the spare, and a full spare goes to the depot. So a thread that only frees
//! and one that only takes meet at the depot once in ROUNDS lines, and a thread that does both never does. Free lines are not touched:
//! a stock is an array of addresses, which also tells early which lines will be needed soon.

use super::chunk::{Class, Line, grow};
use parking_lot::Mutex;
use std::cell::UnsafeCell;
use std::sync::atomic::{Ordering, fence};

/// Lines in a stock. Large enough that the depot's lock does not count, small enough that little memory lies idle.
const ROUNDS: usize = 256;
/// How many lines before its use a line is asked for: about as many as are taken while it comes from another core's cache.
const AHEAD: usize = 8;

/// Addresses of free lines, the next one last.
struct Stock(Vec<Line>);

// SAFETY: a stock owns its lines: nobody else takes them.
unsafe impl Send for Stock {}

/// What the lines of a class are, beyond the threads' own: stocks given back, and the untouched rest of the newest chunk.
struct Depot {
    stocks: Vec<Stock>,
    fresh: Option<(Fresh, usize)>,
}

/// The first of a number of lines that follow each other and were never handed out.
struct Fresh(Line);

// SAFETY: as for stocks.
unsafe impl Send for Fresh {}

static DEPOTS: [Mutex<Depot>; Class::COUNT] =
    [const { Mutex::new(Depot { stocks: Vec::new(), fresh: None }) }; Class::COUNT];

/// A thread's free lines of one class.
pub(crate) struct Magazine {
    class: Class,
    loaded: UnsafeCell<Vec<Line>>,
    spare: UnsafeCell<Vec<Line>>,
}

impl Magazine {
    pub(crate) const fn new(class: Class) -> Self {
        Self { class, loaded: UnsafeCell::new(Vec::new()), spare: UnsafeCell::new(Vec::new()) }
    }

    /// The loaded and the spare stock.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    fn stocks(&self) -> (&mut Vec<Line>, &mut Vec<Line>) {
        // SAFETY: a magazine belongs to one thread (it is not `Sync`), and no method calls another while it uses these.
        unsafe { (&mut *self.loaded.get(), &mut *self.spare.get()) }
    }

    /// A free line, or none when there is no more memory. Its life word is from its last life; nothing else is told.
    #[inline]
    pub(crate) fn take(&self) -> Option<Line> {
        let (loaded, _) = self.stocks();
        let Some(line) = loaded.pop() else { return self.take_from_next() };
        if let Some(&soon) = loaded.get(loaded.len().wrapping_sub(AHEAD)) {
            prefetch(soon);
        }
        Some(line)
    }

    /// Takes back a line that nobody refers to. A line whose generations are used up is retired instead.
    #[inline]
    pub(crate) fn put(&self, line: Line) {
        // SAFETY: lines stay mapped for ever.
        if unsafe { line.as_ref() }.is_spent() {
            return;
        }
        let (loaded, _) = self.stocks();
        if loaded.len() == ROUNDS || loaded.capacity() == 0 {
            self.load_empty();
        }
        self.stocks().0.push(line);
    }

    /// Makes room in the loaded stock: the full one becomes the spare, and the spare one goes to the depot.
    #[cold]
    fn load_empty(&self) {
        let (loaded, spare) = self.stocks();
        std::mem::swap(loaded, spare);
        if loaded.len() == ROUNDS {
            let full = std::mem::replace(loaded, Vec::with_capacity(ROUNDS));
            DEPOTS[self.class as usize].lock().stocks.push(Stock(full));
        } else if loaded.capacity() == 0 {
            loaded.reserve_exact(ROUNDS);
        }
    }

    #[cold]
    fn take_from_next(&self) -> Option<Line> {
        let (loaded, spare) = self.stocks();
        if !spare.is_empty() {
            std::mem::swap(loaded, spare);
            return loaded.pop();
        }
        let mut depot = DEPOTS[self.class as usize].lock();
        if let Some(Stock(stock)) = depot.stocks.pop() {
            // As in `Life::leave`: who sees what this thread writes to these lines sees that their last lives are over.
            fence(Ordering::Release);
            *loaded = stock;
            return loaded.pop();
        }
        let (Fresh(first), n) = match depot.fresh.take() {
            Some(fresh) => fresh,
            None => {
                let (first, n) = grow(self.class)?;
                (Fresh(first), n)
            }
        };
        let taken = n.min(ROUNDS);
        // SAFETY: `n` lines follow each other in one chunk, so every step below it stays inside.
        let nth = |index: usize| unsafe { first.byte_add(index * self.class.size()) };
        if n > taken {
            depot.fresh = Some((Fresh(nth(taken)), n - taken));
        }
        drop(depot);
        loaded.reserve_exact(ROUNDS);
        // Taken in the order of their addresses, which is what the processor expects.
        loaded.extend((0..taken).rev().map(nth));
        loaded.pop()
    }
}

impl Drop for Magazine {
    fn drop(&mut self) {
        if crate::fork::in_child() {
            return;
        }
        let mut depot = DEPOTS[self.class as usize].lock();
        for stock in [std::mem::take(self.loaded.get_mut()), std::mem::take(self.spare.get_mut())] {
            if !stock.is_empty() {
                depot.stocks.push(Stock(stock));
            }
        }
    }
}

/// Asks for a line that is about to be used.
#[inline]
fn prefetch(line: Line) {
    prefetch_address(line.as_ptr().addr());
}

/// Asks for the cache line at an address, whatever is there.
#[inline]
pub(crate) fn prefetch_address(address: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint; it reads and writes nothing, and no address is wrong.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address)) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::{Ended, Id, look_up};
    use super::*;
    use crate::slab::index_of;
    use std::collections::HashSet;

    #[test]
    fn lines_are_distinct_aligned_and_found_again() {
        for class in [Class::Small, Class::Large, Class::Clone] {
            let magazine = Magazine::new(class);
            let lines: Vec<_> = (0..3 * ROUNDS).map(|_| magazine.take().expect("memory")).collect();
            assert_eq!(lines.iter().collect::<HashSet<_>>().len(), lines.len());
            for &line in &lines {
                assert_eq!(line.as_ptr().addr() % class.size(), 0);
                // SAFETY: the line is ours.
                let generation = unsafe { line.as_ref() }.begin();
                let id = Id::new(class.kind(), index_of(line), generation);
                assert_eq!(look_up(id), Some((line, class)));
                // SAFETY: as above.
                assert_eq!(unsafe { line.as_ref() }.end(id, true), Ended::Free { watched: false });
                magazine.put(line);
            }
        }
    }

    #[test]
    fn a_line_whose_generations_are_used_up_is_retired() {
        let magazine = Magazine::new(Class::Clone);
        let line = magazine.take().expect("memory");
        // SAFETY: the line is ours.
        unsafe { line.as_ref() }.spend();
        magazine.put(line);
        for _ in 0..3 * ROUNDS {
            assert_ne!(magazine.take(), Some(line));
        }
    }
}
