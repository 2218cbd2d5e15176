//! Files that are there as a whole or not at all, and are still there after power is lost.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Who may read a file.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// Whoever the process's mask allows.
    Readable,
    /// Its owner alone.
    Private,
}

/// Where a file is written before it takes the place of `path`.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

/// Replaces the file at `path`: writes beside it, syncs, renames, syncs the directory.
///
/// # Errors
/// What the file system said; what was at `path` before is then still there, or the new file is.
pub(super) fn write_durably(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let beside = unfinished(path);
    // A leftover keeps the permissions it was made with, so it cannot be written over.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = match access {
        Access::Readable => 0o666,
        Access::Private => 0o600,
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Makes `path` below `root` with all directories in between, durably.
pub(super) fn create_dir(root: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    for dir in path.ancestors().skip(1).take_while(|dir| dir.starts_with(root)) {
        sync_dir(dir)?;
    }
    Ok(())
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
