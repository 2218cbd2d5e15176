//! The few calls of a file system that the log makes, as a trait, so that a test can stand in for the disk.
//!
//! Deliberately thin: no buffering, no retries, no policy. What a failed call means is decided where it is
//! made.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::FallocateFlags;

/// A file system and a clock.
pub trait Disk: Send + Sync {
    /// Makes `dir` and whatever is missing above it, each entry durable.
    ///
    /// # Errors
    /// As the file system says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names of the entries of `dir`, in no order.
    ///
    /// # Errors
    /// As the file system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// An empty file to read and write, in the place of one that may be there. Its name is durable only after
    /// [`Self::sync_dir`].
    ///
    /// # Errors
    /// As the file system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// A file that is there, to read.
    ///
    /// # Errors
    /// As the file system says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// A file that is there, to read and to write.
    ///
    /// # Errors
    /// As the file system says.
    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives `from` the name `to`, in the place of what bears it. Durable only after [`Self::sync_dir`].
    ///
    /// # Errors
    /// As the file system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes the name away; who has the file open keeps it. Durable only after [`Self::sync_dir`].
    ///
    /// # Errors
    /// As the file system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes durable what was created, renamed and removed in `dir`.
    ///
    /// # Errors
    /// As the file system says; what was to be durable may or may not be.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that may still be written in the file system of `dir`.
    ///
    /// # Errors
    /// As the file system says.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;

    /// The wall clock, in milliseconds since 1970. It may jump.
    fn now_ms(&self) -> u64;
}

/// A file of a [`Disk`].
pub trait DiskFile: Send + Sync {
    /// Reads at `offset`; fewer bytes than asked for are no error, none means the end.
    ///
    /// # Errors
    /// As the file system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at `offset`, perhaps fewer bytes than given.
    ///
    /// # Errors
    /// As the file system says; some bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// The file's length in bytes.
    ///
    /// # Errors
    /// As the file system says.
    fn bytes(&self) -> io::Result<u64>;

    /// Cuts the file, or lengthens it by zeros.
    ///
    /// # Errors
    /// As the file system says.
    fn set_bytes(&self, bytes: u64) -> io::Result<()>;

    /// Takes space for `from..to`, lengthening the file by zeros where it is shorter.
    ///
    /// # Errors
    /// As the file system says: [`io::ErrorKind::StorageFull`] when there is none,
    /// [`io::ErrorKind::Unsupported`] when it cannot take space beforehand.
    fn allocate(&self, from: u64, to: u64) -> io::Result<()>;

    /// Makes the file's bytes durable, and as much of its length as is needed to read them.
    ///
    /// # Errors
    /// As the file system says. Which bytes are durable is not known then, and syncing again does not tell.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes bytes and length durable.
    ///
    /// # Errors
    /// As with [`Self::sync_data`].
    fn sync_all(&self) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if dir.is_dir() {
            // Whoever made it may have died before this. A parent that may not be read is not ours.
            return match self.sync_dir(parent) {
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            };
        }
        self.create_dir(parent)?;
        match fs::create_dir(dir) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        self.sync_dir(parent)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names: Vec<OsString> =
            fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        // What customers buy is nobody's business but the owner's.
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        Ok(Box::new(RealFile(options.open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(File::open(path)?)))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let figures = rustix::fs::statvfs(dir)?;
        Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
    }

    fn now_ms(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn allocate(&self, from: u64, to: u64) -> io::Result<()> {
        let bytes = to.saturating_sub(from);
        Ok(rustix::fs::fallocate(&self.0, FallocateFlags::empty(), from, bytes)?)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// Writes all of `bytes` at `offset`, over short writes and interruptions.
pub(crate) fn write_all_at(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset += written as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Fills `buffer` from `offset` as far as the file reaches, over short reads and interruptions.
pub(crate) fn read_full_at(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Whether an error says that there is no room (space, quota, or a file's greatest length).
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
