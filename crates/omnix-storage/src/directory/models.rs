//! The files of the models: `models/{n}`, and `models/{n}.run` for small ones that follow each other; durable before
//! the log names the model.
//!
//! Deliberately not here: what a model is, and which ones are still needed.

mod runs;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::DirectoryError;
use super::durable::{Access, create_dir, sync_dir, write_durably};
use runs::Runs;

/// The files of the models of one data directory. Clones are the same files.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    dir: PathBuf,
    runs: Arc<Mutex<Runs>>,
}

impl ModelFiles {
    /// The files below `root`.
    pub(super) fn open(root: &Path) -> Result<Self, DirectoryError> {
        let dir = root.join("models");
        create_dir(root, &dir).map_err(DirectoryError::io(&dir))?;
        let runs = Runs::open(&dir).map_err(DirectoryError::io(&dir))?;
        Ok(Self { dir, runs: Arc::new(Mutex::new(runs)) })
    }

    /// Stores model `number` in a file of its own; it is durable when this returns. Writing it again replaces it,
    /// and what was appended under its number.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn write(&self, number: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        let path = self.path(number);
        write_durably(&path, bytes, Access::Readable).map_err(DirectoryError::io(&path))
    }

    /// Stores model `number` behind those appended before it, in one file as long as their numbers follow each
    /// other; it is durable when this returns. For models that are small and many.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn append(&self, number: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        self.runs().append(number, bytes).map_err(DirectoryError::io(&self.dir))
    }

    /// Reads model `number`; `None` when it is not kept.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn read(&self, number: u64) -> Result<Option<Vec<u8>>, DirectoryError> {
        let path = self.path(number);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.runs().read(number).map_err(DirectoryError::io(&self.dir))
            }
            Err(error) => Err(DirectoryError::Io { path, error }),
        }
    }

    /// The numbers of the models that are kept, ascending.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn list(&self) -> Result<Vec<u64>, DirectoryError> {
        let mut numbers = self.alone()?;
        numbers.extend(self.runs().numbers());
        Ok(numbers.into_iter().collect())
    }

    /// The models that have a file of their own.
    fn alone(&self) -> Result<BTreeSet<u64>, DirectoryError> {
        let entries = fs::read_dir(&self.dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(DirectoryError::io(&self.dir))?;
        let names = entries.iter().filter_map(|entry| entry.file_name().into_string().ok());
        // What does not read as it would be written is no model: a file that was not finished, for one.
        Ok(names.filter_map(|name| name.parse().ok().filter(|n: &u64| n.to_string() == name)).collect())
    }

    /// Removes the models that `keep` does not want; answers how many. Of those that were appended to one file all
    /// stay as long as one is wanted.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn prune(&self, keep: impl Fn(u64) -> bool) -> Result<usize, DirectoryError> {
        let mut count = 0;
        for number in self.alone()?.into_iter().filter(|&number| !keep(number)) {
            let path = self.path(number);
            fs::remove_file(&path).map_err(DirectoryError::io(&path))?;
            count += 1;
        }
        count += self.runs().prune(keep).map_err(DirectoryError::io(&self.dir))?;
        sync_dir(&self.dir).map_err(DirectoryError::io(&self.dir))?;
        Ok(count)
    }

    /// Bytes of the models from `from` on and before `to`.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn bytes(&self, from: u64, to: u64) -> Result<u64, DirectoryError> {
        let mut bytes = self.runs().bytes(from, to);
        for number in self.alone()?.range(from..to) {
            let path = self.path(*number);
            bytes += fs::metadata(&path).map_err(DirectoryError::io(&path))?.len();
        }
        Ok(bytes)
    }

    /// Removes the files of models that were appended as well and that `is_needless` names by number, bytes that were
    /// appended, and bytes of the file; answers how many.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn drop_doubles(&self, is_needless: impl Fn(u64, u64, u64) -> bool) -> Result<usize, DirectoryError> {
        let appended: BTreeSet<u64> = self.runs().numbers().collect();
        let mut count = 0;
        for &number in self.alone()?.intersection(&appended) {
            let path = self.path(number);
            let alone = fs::metadata(&path).map_err(DirectoryError::io(&path))?.len();
            let appended = self.runs().bytes(number, number + 1);
            if is_needless(number, appended, alone) {
                fs::remove_file(&path).map_err(DirectoryError::io(&path))?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(number.to_string())
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
