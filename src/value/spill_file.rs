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
        let extent = Extent { size: data.len() as u64, checksum: blake3::hash(data), offset, file };
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

    pub(super) fn path(&self) -> PathBuf {
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
    checksum: blake3::Hash,
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
        if blake3::hash(data) == self.checksum {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Disk {
        Disk::create(&std::env::temp_dir()).unwrap()
    }

    fn read(extent: &Extent) -> Result<Vec<u8>> {
        let mut data = vec![0; extent.size()];
        extent.read(&mut data).map(|()| data)
    }

    #[test]
    fn space_is_reused_and_given_back() {
        let mut space = Space::default();
        assert_eq!([1, 4096, 4097, 1].map(|size| space.take(size)), [0, 4096, 8192, 16384]);
        // A hole; it is taken by what fits, and the rest of it stays one.
        assert!(!space.give(4096, 4096));
        assert!(!space.give(8192, 8192));
        assert_eq!(space.free, BTreeMap::from([(4096, 12288)]));
        assert_eq!(space.take(8192), 4096);
        assert_eq!(space.free, BTreeMap::from([(12288, 4096)]));
        assert_eq!(space.take(4097), 20480);
        assert!(!space.give(0, 4096));
        assert!(!space.give(4096, 8192));
        assert_eq!(space.free, BTreeMap::from([(0, 16384)]));
        // The last one takes the hole before it along.
        assert!(space.give(20480, 8192));
        assert_eq!(space.end, 20480);
        assert!(space.give(16384, 4096));
        assert_eq!(space, Space::default());
    }

    #[test]
    fn what_was_written_is_read_or_a_failure() {
        let disk = disk();
        let first = disk.write(&[1; 5000]).unwrap();
        let second = disk.write(b"second").unwrap();
        assert_eq!(read(&first).unwrap(), [1; 5000]);
        assert_eq!(read(&second).unwrap(), b"second");
        let file = OpenOptions::new().write(true).open(disk.path()).unwrap();
        file.write_all_at(&[2], 4999).unwrap();
        assert!(read(&first).unwrap_err().to_string().contains("changed"));
        file.set_len(second.offset + 5).unwrap();
        assert!(read(&second).unwrap_err().to_string().contains("cut short"));
        drop((first, second));
        assert_eq!(file.metadata().unwrap().len(), 0);
        disk.remove();
    }

    #[test]
    fn what_is_on_disk_outlives_the_file() {
        let disk = disk();
        let extent = disk.write(b"kept").unwrap();
        let (directory, file) = (disk.directory.clone(), disk.path());
        assert!(file.exists());
        disk.remove();
        disk.remove();
        assert!(!directory.exists());
        assert!(disk.write(b"no more").is_err());
        assert_eq!(read(&extent).unwrap(), b"kept");
    }

    #[test]
    fn a_directory_is_our_own_or_none() {
        let (one, other) = (disk(), disk());
        assert_ne!(one.directory, other.directory);
        assert!(Disk::create(Path::new("/nonexistent")).is_err());
        assert!(Disk::create(Path::new("/dev/null")).is_err());
        one.remove();
        other.remove();
    }
}
