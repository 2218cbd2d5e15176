//! The files of the chapters of one log: `shard-0003/chapters/00005/{n}`, each there as a whole or not at all, named
//! by the frame that it follows.
//!
//! Deliberately not here: what a chapter says, and when it is not worth its room any more. Nothing rests on these
//! files: whoever removes them costs whoever asks some time, and they are made again.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::durable::{Access, create_dir, write_durably};

/// Digits of a file's name: so many has the greatest number of a frame.
const DIGITS: usize = 20;

/// The files of the chapters of one log. Clones are the same files.
#[derive(Debug, Clone)]
pub struct ChapterFiles {
    dir: PathBuf,
}

impl ChapterFiles {
    /// The files in `dir` below `root`.
    pub(super) fn open(root: &Path, dir: PathBuf) -> io::Result<Self> {
        create_dir(root, &dir)?;
        Ok(Self { dir })
    }

    /// Stores the chapter that follows frame `after`, in the place of what was there.
    ///
    /// # Errors
    /// As the file system says.
    pub fn write(&self, after: u64, bytes: &[u8]) -> io::Result<()> {
        write_durably(&self.path(after), bytes, Access::Private)
    }

    /// Reads `len` bytes of a chapter from `offset` on.
    ///
    /// # Errors
    /// As the file system says; [`io::ErrorKind::UnexpectedEof`] where there are fewer.
    pub fn read(&self, after: u64, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        File::open(self.path(after))?.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// The frames that the chapters follow, ascending.
    ///
    /// # Errors
    /// As the file system says.
    pub fn list(&self) -> io::Result<Vec<u64>> {
        let entries = fs::read_dir(&self.dir)?.collect::<io::Result<Vec<_>>>()?;
        let names = entries.iter().filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<u64> =
            names.filter(|name| name.len() == DIGITS).filter_map(|name| name.parse().ok()).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Removes a chapter, if it is there.
    ///
    /// # Errors
    /// As the file system says.
    pub fn remove(&self, after: u64) -> io::Result<()> {
        match fs::remove_file(self.path(after)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, after: u64) -> PathBuf {
        self.dir.join(format!("{after:0DIGITS$}"))
    }
}
