//! Chunks: 4 MiB of lines of one class, entered for good in a table that maps an id's index to memory.

use super::{Id, Kind, Life};
use parking_lot::Mutex;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of the smallest line: a cache line.
const LINE: usize = 64;
const CHUNK: usize = 4 << 20;
const LINES_PER_CHUNK: u32 = (CHUNK / LINE) as u32;
/// 2^16 chunks of 2^16 lines: all that an index of 32 bits can name, 256 GiB.
const CHUNKS: usize = 1 << 16;

/// What the lines of a chunk are for. They are never used for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Class {
    /// Nodes of one cache line.
    Small = 0,
    /// Nodes of two cache lines.
    Large = 1,
    /// Further handles of a future.
    Clone = 2,
    /// Tasks of lanes while they are handed out.
    Task = 3,
}

impl Class {
    pub(crate) const COUNT: usize = 4;

    pub(crate) const fn size(self) -> usize {
        match self {
            Class::Task => 8 * LINE,
            Class::Large => 2 * LINE,
            Class::Small | Class::Clone => LINE,
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Class::Small => Kind::Small,
            Class::Large => Kind::Large,
            Class::Clone => Kind::Clone,
            Class::Task => Kind::Task,
        }
    }

    /// What marks the class in the table of chunks, where 0 is no chunk.
    fn tag(self) -> usize {
        self as usize + 1
    }
}

/// The address of a line. Valid to read for ever; what it holds is the matter of its life word.
pub(crate) type Line = NonNull<Life>;

/// Chunk addresses, with the class in the bits that alignment leaves free; 0 for none.
static TABLE: [AtomicUsize; CHUNKS] = [const { AtomicUsize::new(0) }; CHUNKS];

/// The next unused entry of the table.
static USED: Mutex<usize> = Mutex::new(0);

/// The line that a future's id leads to, if the id is of such a kind and there is such a line at its index. Says nothing about
/// the line's generation, but that the id's is one of a live handle.
#[inline]
pub(crate) fn look_up(id: Id) -> Option<(Line, Class)> {
    let class = match id.kind()? {
        Kind::Small => Class::Small,
        Kind::Large => Class::Large,
        Kind::Clone => Class::Clone,
        Kind::Client | Kind::AsCompleted | Kind::Delayed | Kind::Lane | Kind::Task => return None,
    };
    if id.generation() % 2 == 0 {
        return None;
    }
    // Odd lines of a two-line chunk are the middle of something.
    let misses = class == Class::Large && id.index() % 2 == 1;
    if misses { None } else { Some((line_at(id.index(), class)?, class)) }
}

/// As [`look_up`], for the id of a task that was handed out.
pub(crate) fn look_up_task(id: Id) -> Option<Line> {
    if id.kind() == Some(Kind::Task) && id.generation() % 2 == 1 { task_at(id.index()) } else { None }
}

/// The line of a task that was handed out, if there is one at this index.
pub(crate) fn task_at(index: u32) -> Option<Line> {
    if index as usize % (Class::Task.size() / LINE) == 0 { line_at(index, Class::Task) } else { None }
}

/// The line at an index, if the chunk there is of this class; the index is a multiple of the lines that one of the class takes.
#[inline]
fn line_at(index: u32, class: Class) -> Option<Line> {
    // Acquire pairs with the release in `grow`: the header and the zeroed lines are there.
    let entry = TABLE[(index / LINES_PER_CHUNK) as usize].load(Ordering::Acquire);
    let line = (index % LINES_PER_CHUNK) as usize;
    // The first line of a chunk is its header.
    if entry % CHUNK != class.tag() || line == 0 {
        return None;
    }
    let chunk = ptr::with_exposed_provenance_mut::<u8>(entry - class.tag());
    // SAFETY: the line is within the chunk, which is CHUNK bytes and mapped for ever; it begins a line of `class`.
    Some(unsafe { NonNull::new_unchecked(chunk.add(line * LINE).cast::<Life>()) })
}

/// The index that leads back to `line`.
pub(crate) fn index_of(line: Line) -> u32 {
    let address = line.as_ptr().addr();
    let offset = address % CHUNK;
    // SAFETY: chunks are aligned to their size and begin with the index of their first line, written before any line of
    // them was handed out and never changed.
    let first = unsafe { line.as_ptr().cast::<u8>().sub(offset).cast::<u32>().read() };
    first + (offset / LINE) as u32
}

/// The class of `line`.
pub(crate) fn class_of(line: Line) -> Class {
    let offset = line.as_ptr().addr() % CHUNK;
    // SAFETY: as in `index_of`; the class stands behind the index.
    match unsafe { line.as_ptr().cast::<u8>().sub(offset).cast::<u32>().add(1).read() } {
        0 => Class::Small,
        1 => Class::Large,
        2 => Class::Clone,
        _ => Class::Task,
    }
}

/// Visits every line of a class that was ever handed out, and those of the newest chunk that were not.
pub(crate) fn for_each_line(class: Class, mut visit: impl FnMut(Line)) {
    let used = *USED.lock();
    for entry in &TABLE[..used] {
        let entry = entry.load(Ordering::Acquire);
        if entry % CHUNK != class.tag() {
            continue;
        }
        let chunk = ptr::with_exposed_provenance_mut::<u8>(entry - class.tag());
        for offset in (class.size()..CHUNK).step_by(class.size()) {
            // SAFETY: `offset` is within the chunk and begins a line of `class`.
            visit(unsafe { NonNull::new_unchecked(chunk.add(offset).cast::<Life>()) });
        }
    }
}

/// A fresh chunk's lines: the first one, and how many of them follow each other at `class.size()` bytes.
pub(crate) fn grow(class: Class) -> Option<(Line, usize)> {
    let mut used = USED.lock();
    if *used == CHUNKS {
        return None;
    }
    let chunk = map_aligned()?;
    let first_index = *used as u32 * LINES_PER_CHUNK;
    // SAFETY: the chunk is ours alone until it is in the table, and page-aligned.
    unsafe { chunk.as_ptr().cast::<[u32; 2]>().write([first_index, class as u32]) };
    TABLE[*used].store(chunk.as_ptr().expose_provenance() + class.tag(), Ordering::Release);
    *used += 1;
    // SAFETY: one line of the class beyond the header's is still inside the chunk.
    let first = unsafe { chunk.add(class.size()) };
    Some((first.cast(), CHUNK / class.size() - 1))
}

/// Zeroed memory of CHUNK bytes at a multiple of CHUNK, straight from the system: pages count only once they are touched.
fn map_aligned() -> Option<NonNull<u8>> {
    // SAFETY: an anonymous private mapping at an address of the kernel's choosing touches nothing that exists.
    let raw = unsafe {
        libc::mmap(
            ptr::null_mut(),
            2 * CHUNK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if raw == libc::MAP_FAILED {
        return None;
    }
    let raw = raw.cast::<u8>();
    let before = raw.addr().next_multiple_of(CHUNK) - raw.addr();
    // SAFETY: both cuts are page-aligned parts of the mapping just made, outside the CHUNK bytes that are kept.
    unsafe {
        if before > 0 {
            libc::munmap(raw.cast(), before);
        }
        libc::munmap(raw.add(before + CHUNK).cast(), CHUNK - before);
        NonNull::new(raw.add(before))
    }
}
