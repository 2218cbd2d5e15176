//! Where finished chapters lie.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use omnix_storage::ChapterFiles;

/// Where the chapters of one log lie, each under the number of the frame that it follows. Whatever is lost of them
/// is made again.
pub trait ChapterStore: Send + Sync {
    /// Stores a chapter, in the place of what was there.
    ///
    /// # Errors
    /// What went wrong.
    fn write(&self, after: u64, bytes: &[u8]) -> io::Result<()>;

    /// `len` bytes of a chapter from `offset` on.
    ///
    /// # Errors
    /// What went wrong; there being fewer bytes is an error.
    fn read(&self, after: u64, offset: u64, len: usize) -> io::Result<Vec<u8>>;

    /// The numbers of the chapters, ascending.
    ///
    /// # Errors
    /// What went wrong.
    fn list(&self) -> io::Result<Vec<u64>>;

    /// Removes a chapter, if it is there.
    ///
    /// # Errors
    /// What went wrong.
    fn remove(&self, after: u64) -> io::Result<()>;
}

impl ChapterStore for ChapterFiles {
    fn write(&self, after: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(after, bytes)
    }

    fn read(&self, after: u64, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.read(after, offset, len)
    }

    fn list(&self) -> io::Result<Vec<u64>> {
        self.list()
    }

    fn remove(&self, after: u64) -> io::Result<()> {
        self.remove(after)
    }
}

/// Chapters in memory, for tests and simulations. Clones are the same chapters.
#[derive(Debug, Clone, Default)]
pub struct MemoryChapters(Arc<Mutex<BTreeMap<u64, Vec<u8>>>>);

impl MemoryChapters {
    /// The chapters as they are stored, to look at and to damage.
    pub fn files(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChapterStore for MemoryChapters {
    fn write(&self, after: u64, bytes: &[u8]) -> io::Result<()> {
        self.files().insert(after, bytes.to_vec());
        Ok(())
    }

    fn read(&self, after: u64, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let files = self.files();
        let bytes = files.get(&after).ok_or(io::ErrorKind::NotFound)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
        let found = rest.and_then(|rest| rest.get(..len)).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(found.to_vec())
    }

    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.files().keys().copied().collect())
    }

    fn remove(&self, after: u64) -> io::Result<()> {
        self.files().remove(&after);
        Ok(())
    }
}
