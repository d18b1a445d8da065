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
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint; it reads and writes nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}
