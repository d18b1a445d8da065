//! A client's file of values that have no room in memory.
//!
//! The directory is made when the client is opened, so that a wrong one is known at once; the file when it is first needed. Both are removed
//! when the client is closed. An [`Extent`] keeps the file open beyond that: what is on disk stays readable.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Extents begin at multiples of this, so that what is given back is whole blocks of the file system.
const ALIGNMENT: u64 = 4096;

/// A client's directory, and the file in it.
pub(super) struct Disk {
    directory: PathBuf,
    file: Mutex<Option<Arc<SpillFile>>>,
}

impl Disk {
    /// Makes a directory of our own in `parent`.
    pub(super) fn create(parent: &Path) -> Result<Self> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        loop {
            // Relaxed: only unlike others.
            let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
            let directory = parent.join(format!("rask-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => return Ok(Self { directory, file: Mutex::new(None) }),
                // Left by a process that died and had our id.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes data to the file. Nothing of it remains on failure.
    pub(super) fn write(&self, data: &[u8]) -> Result<Extent> {
        let file = self.open()?;
        let offset = file.space.lock().take(data.len() as u64);
        // From here on the extent gives its space back.
        let extent = Extent { size: data.len() as u64, checksum: crc32fast::hash(data), offset, file };
        extent.file.file.write_all_at(data, offset)?;
        Ok(extent)
    }

    fn open(&self) -> Result<Arc<SpillFile>> {
        let mut file = self.file.lock();
        if let Some(file) = &*file {
            return Ok(file.clone());
        }
        // Also fails when the directory has been removed, with the client's end.
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create_new(true).mode(0o600).open(self.path())?;
        let opened = Arc::new(SpillFile { file: opened, space: Mutex::default() });
        Ok(file.insert(opened).clone())
    }

    fn path(&self) -> PathBuf {
        self.directory.join("values")
    }

    /// Removes file and directory.
    pub(super) fn remove(&self) {
        let mut file = self.file.lock();
        // What cannot be removed, or was by somebody else, is not ours to complain about.
        if file.take().is_some() {
            let _ = std::fs::remove_file(self.path());
        }
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// The open file.
struct SpillFile {
    file: File,
    space: Mutex<Space>,
}

/// Where in the file a value is. Gives its space back when dropped.
pub(super) struct Extent {
    file: Arc<SpillFile>,
    offset: u64,
    size: u64,
    checksum: u32,
}

impl Extent {
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// Reads what was written into `data`, which has its size. Fails rather than giving anything else.
    pub(super) fn read(&self, data: &mut [u8]) -> Result<()> {
        debug_assert_eq!(data.len() as u64, self.size);
        self.file.file.read_exact_at(data, self.offset).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => Error::other("the file of spilled values was cut short"),
            _ => error,
        })?;
        if crc32fast::hash(data) == self.checksum {
            Ok(())
        } else {
            Err(Error::other("the file of spilled values was changed"))
        }
    }
}

impl Drop for Extent {
    fn drop(&mut self) {
        let SpillFile { file, space } = &*self.file;
        let size = aligned(self.size);
        // Before others may write there. Not every file system can; then the space is only reused.
        punch_hole(file, self.offset, size);
        let mut space = space.lock();
        if space.give(self.offset, size) {
            // Under the lock, so that it cuts off nothing that was taken just now.
            let _ = file.set_len(space.end);
        }
    }
}

#[cfg(target_os = "linux")]
fn punch_hole(file: &File, offset: u64, size: u64) {
    use std::os::fd::AsRawFd;
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: a plain call on a descriptor that is open.
    unsafe { libc::fallocate(file.as_raw_fd(), mode, offset as libc::off_t, size as libc::off_t) };
}

#[cfg(not(target_os = "linux"))]
fn punch_hole(_file: &File, _offset: u64, _size: u64) {}

fn aligned(size: u64) -> u64 {
    size.next_multiple_of(ALIGNMENT)
}

/// Which parts of a file are free: those between others, never two side by side, and all from `end` on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Space {
    /// Sizes by offset.
    free: BTreeMap<u64, u64>,
    end: u64,
}

impl Space {
    /// The first free place that is large enough.
    fn take(&mut self, size: u64) -> u64 {
        let size = aligned(size);
        let found = self.free.iter().find(|&(_, &free)| free >= size).map(|(&offset, &free)| (offset, free));
        let Some((offset, free)) = found else {
            self.end += size;
            return self.end - size;
        };
        self.free.remove(&offset);
        if free > size {
            self.free.insert(offset + size, free - size);
        }
        offset
    }

    /// Gives a place back. Whether the end has moved.
    fn give(&mut self, mut offset: u64, mut size: u64) -> bool {
        if let Some(next) = self.free.remove(&(offset + size)) {
            size += next;
        }
        if let Some((&before, &free)) = self.free.range(..offset).next_back()
            && before + free == offset
        {
            self.free.remove(&before);
            offset = before;
            size += free;
        }
        if offset + size == self.end {
            self.end = offset;
            return true;
        }
        self.free.insert(offset, size);
        false
    }
}
