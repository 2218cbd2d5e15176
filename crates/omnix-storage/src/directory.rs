//! The data directory of one process: who holds it, what it says of itself, where everything lies.
//!
//! ```text
//! LOCK  FORMAT  models/{n}  models/{n}.run  secret/hash
//! shard-0003/log/00005/…    shard-0003/state/00005/…    shard-0003/chapters/00005/…
//! ```
//! Logs and states are named by the id of their log, for the same shard has another log and another state
//! under another number of shards.
//!
//! Invariants: one process at a time; `FORMAT` is replaced as a whole or not at all; a directory of a newer
//! format is never touched.
//!
//! Deliberately not here: what the files of log and store hold, when shards are dealt anew, randomness.

mod chapters;
mod durable;
mod format;
mod models;
mod space;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use omnix_model::{LogId, ShardId};

pub use chapters::ChapterFiles;
use durable::{Access, write_durably};
pub use format::{Format, FormatError, LogEntry};
pub use models::ModelFiles;
pub use space::Space;

const LOCK: &str = "LOCK";
const FORMAT: &str = "FORMAT";
const HASH_SECRET: &str = "secret/hash";

/// Bytes of a secret at the least.
const SECRET_BYTES_MIN: usize = 16;

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// There is none.
    #[error("`{0}` is not a data directory")]
    Missing(PathBuf),
    /// There is one already.
    #[error("`{0}` is a data directory already")]
    Exists(PathBuf),
    /// Another process holds it.
    #[error("`{0}` is in use by another process")]
    InUse(PathBuf),
    /// It does not say what it should of itself.
    #[error("`{path}`: {error}")]
    Format {
        /// The file `FORMAT`.
        path: PathBuf,
        /// What is wrong with it.
        error: FormatError,
    },
    /// A secret is too short to be one.
    #[error("`{0}` holds fewer than {SECRET_BYTES_MIN} bytes")]
    WeakSecret(PathBuf),
    /// The file system refused.
    #[error("`{path}`: {error}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

impl DirectoryError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}

/// A data directory, held by this process until it is dropped.
#[derive(Debug)]
pub struct DataDirectory {
    root: PathBuf,
    format: Format,
    /// Held open for the lock on it.
    _lock: File,
}

impl DataDirectory {
    /// Makes a data directory at `root`, which may exist but not be one.
    ///
    /// # Errors
    /// [`DirectoryError::Exists`], [`DirectoryError::InUse`], [`DirectoryError::Io`]
    pub fn create(root: &Path, format: Format) -> Result<Self, DirectoryError> {
        fs::create_dir_all(root).map_err(DirectoryError::io(root))?;
        let lock = lock(root)?;
        if root.join(FORMAT).exists() {
            return Err(DirectoryError::Exists(root.to_owned()));
        }
        let mut directory = Self { root: root.to_owned(), format: format.clone(), _lock: lock };
        directory.adopt(format)?;
        Ok(directory)
    }

    /// Opens the data directory at `root`.
    ///
    /// # Errors
    /// [`DirectoryError`]; a directory that is none, or of a newer format, is left untouched.
    pub fn open(root: &Path) -> Result<Self, DirectoryError> {
        Self::read_format(root)?;
        let lock = lock(root)?;
        // Read again: before the lock was ours another process may have changed it.
        let format = Self::read_format(root)?;
        Ok(Self { root: root.to_owned(), format, _lock: lock })
    }

    /// What the directory at `root` says of itself, whoever holds it.
    ///
    /// # Errors
    /// [`DirectoryError::Missing`], [`DirectoryError::Format`], [`DirectoryError::Io`]
    pub fn read_format(root: &Path) -> Result<Format, DirectoryError> {
        let path = root.join(FORMAT);
        match fs::read_to_string(&path) {
            Ok(text) => text.parse().map_err(|error| DirectoryError::Format { path, error }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(DirectoryError::Missing(root.to_owned()))
            }
            Err(error) => Err(DirectoryError::Io { path, error }),
        }
    }

    /// What it says of itself.
    #[must_use]
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Says `format` from now on. Its current logs have their directories when this returns.
    ///
    /// To change the number of shards, at rest: deal the states of the old logs' lanes into the new logs'
    /// states, persist them, then adopt [`Format::with_shards`], then [`Self::remove_stale_states`].
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn adopt(&mut self, format: Format) -> Result<(), DirectoryError> {
        for log in format.current_logs() {
            for path in [log_path(&self.root, log), state_path(&self.root, log)] {
                durable::create_dir(&self.root, &path).map_err(DirectoryError::io(&path))?;
            }
        }
        let path = self.root.join(FORMAT);
        write_durably(&path, format.to_string().as_bytes(), Access::Readable)
            .map_err(DirectoryError::io(&path))?;
        self.format = format;
        Ok(())
    }

    /// Removes the states of logs that are not current: what a change of the number of shards left behind,
    /// or began and did not finish. Answers how many there were.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn remove_stale_states(&self) -> Result<usize, DirectoryError> {
        let current: Vec<_> = self.format.current_logs().map(|log| state_path(&self.root, log)).collect();
        let mut removed = 0;
        for shard in subdirectories(&self.root)? {
            for state in subdirectories(&shard.join("state"))? {
                if !current.contains(&state) {
                    fs::remove_dir_all(&state).map_err(DirectoryError::io(&state))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Where it lies.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the segments of a log lie.
    #[must_use]
    pub fn log_path(&self, log: LogEntry) -> PathBuf {
        log_path(&self.root, log)
    }

    /// Where the state that belongs to a log lies.
    #[must_use]
    pub fn state_path(&self, log: LogEntry) -> PathBuf {
        state_path(&self.root, log)
    }

    /// The files of the chapters of a log.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn chapters(&self, log: LogEntry) -> Result<ChapterFiles, DirectoryError> {
        let path = under_shard(&self.root, log.shard, "chapters", log.id);
        ChapterFiles::open(&self.root, path.clone()).map_err(DirectoryError::io(&path))
    }

    /// The files of the models.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn models(&self) -> Result<ModelFiles, DirectoryError> {
        ModelFiles::open(&self.root)
    }

    /// The secret of this installation, under which ids are hashed; the first time it is drawn, stored for the
    /// owner alone, and kept.
    ///
    /// # Errors
    /// [`DirectoryError::WeakSecret`], [`DirectoryError::Io`]
    pub fn hash_secret(&self, draw: impl FnOnce() -> [u8; 32]) -> Result<Vec<u8>, DirectoryError> {
        let path = self.root.join(HASH_SECRET);
        match fs::read(&path) {
            Ok(known) if known.len() < SECRET_BYTES_MIN => return Err(DirectoryError::WeakSecret(path)),
            Ok(known) => return Ok(known),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(DirectoryError::Io { path, error }),
        }
        let drawn = draw();
        durable::create_dir(&self.root, &self.root.join("secret")).map_err(DirectoryError::io(&path))?;
        write_durably(&path, &drawn, Access::Private).map_err(DirectoryError::io(&path))?;
        Ok(drawn.to_vec())
    }

    /// How much room its file system has.
    ///
    /// # Errors
    /// [`DirectoryError::Io`]
    pub fn space(&self) -> Result<Space, DirectoryError> {
        Space::of(&self.root).map_err(DirectoryError::io(&self.root))
    }
}

fn lock(root: &Path) -> Result<File, DirectoryError> {
    let path = root.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(DirectoryError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DirectoryError::InUse(root.to_owned())),
        Err(TryLockError::Error(error)) => Err(DirectoryError::Io { path, error }),
    }
}

fn log_path(root: &Path, log: LogEntry) -> PathBuf {
    under_shard(root, log.shard, "log", log.id)
}

fn state_path(root: &Path, log: LogEntry) -> PathBuf {
    under_shard(root, log.shard, "state", log.id)
}

fn under_shard(root: &Path, ShardId(shard): ShardId, kind: &str, LogId(log): LogId) -> PathBuf {
    root.join(format!("shard-{shard:04}")).join(kind).join(format!("{log:05}"))
}

/// The directories in `path`; none when there is no `path`.
fn subdirectories(path: &Path) -> Result<Vec<PathBuf>, DirectoryError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(DirectoryError::io(path)(error)),
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let paths = paths.map_err(DirectoryError::io(path))?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}
