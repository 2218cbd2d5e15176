//! The files of the models: `models/{n}`, durable before the log names the model.
//!
//! Deliberately not here: what a model is, and which ones are still needed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::DirectoryError;
use super::durable::{Access, create_dir, sync_dir, write_durably};

/// The files of the models of one data directory.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    dir: PathBuf,
}

impl ModelFiles {
    /// The files below `root`.
    pub(super) fn open(root: &Path) -> Result<Self, DirectoryError> {
        let dir = root.join("models");
        create_dir(root, &dir).map_err(DirectoryError::io(&dir))?;
        Ok(Self { dir })
    }

    /// Stores model `number`; it is durable when this returns. Writing it again replaces it.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn write(&self, number: u64, bytes: &[u8]) -> Result<(), DirectoryError> {
        let path = self.path(number);
        write_durably(&path, bytes, Access::Readable).map_err(DirectoryError::io(&path))
    }

    /// Reads model `number`; `None` when it is not kept.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn read(&self, number: u64) -> Result<Option<Vec<u8>>, DirectoryError> {
        let path = self.path(number);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DirectoryError::Io { path, error }),
        }
    }

    /// The numbers of the models that are kept, ascending.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn list(&self) -> Result<Vec<u64>, DirectoryError> {
        let entries = fs::read_dir(&self.dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(DirectoryError::io(&self.dir))?;
        let names = entries.iter().filter_map(|entry| entry.file_name().into_string().ok());
        // What does not read as it would be written is no model: a file that was not finished, for one.
        let numbers = names.filter_map(|name| name.parse().ok().filter(|n: &u64| n.to_string() == name));
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Removes the models that `keep` does not want; answers how many.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn prune(&self, keep: impl Fn(u64) -> bool) -> Result<usize, DirectoryError> {
        let unwanted: Vec<u64> = self.list()?.into_iter().filter(|&number| !keep(number)).collect();
        for &number in &unwanted {
            let path = self.path(number);
            fs::remove_file(&path).map_err(DirectoryError::io(&path))?;
        }
        sync_dir(&self.dir).map_err(DirectoryError::io(&self.dir))?;
        Ok(unwanted.len())
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(number.to_string())
    }
}
