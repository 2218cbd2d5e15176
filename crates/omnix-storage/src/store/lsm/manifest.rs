//! Checks the manifest of a tree before it is opened.
//!
//! `lsm-tree` 3.1.10 writes a checksum of the manifest and does not look at it when it opens. A flipped bit
//! there names an older manifest or none, and opening then *deletes* every table that the wrong manifest does
//! not know. So it is looked at here, first.
//!
//! ```text
//! current: number of the version u64 · xxh3-128 of the file v{number} u128 · kind of checksum u8, 0   (little-endian)
//! ```

use std::fs;
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::StoreError;

const CURRENT: &str = "current";
const TABLES: &str = "tables";

/// How often a manifest is looked at again that a running store may just have replaced.
const RETRIES_MAX: usize = 5;

/// What an inspection of a store's directory found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreReport {
    /// Files of tables, those among them that wait to be removed.
    pub tables: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Looks at the store in `dir` without changing a byte, also beside the process that holds it.
///
/// It checks the manifest and counts the tables. Whether their blocks are sound shows when they are read:
/// open the store and scan it.
///
/// # Errors
/// [`StoreError`] when the manifest is damaged or the directory cannot be read.
pub fn inspect_store(dir: &Path) -> Result<StoreReport, StoreError> {
    let sound = (0..RETRIES_MAX).map(|_| check(dir)).find(Result::is_ok);
    sound.unwrap_or_else(|| check(dir))?;
    let mut report = StoreReport::default();
    let tables = match fs::read_dir(dir.join(TABLES)) {
        Ok(tables) => tables,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(report),
        Err(error) => return Err(damaged(&error.to_string())),
    };
    // A table that is removed meanwhile is not counted.
    for file in tables.filter_map(|entry| entry.and_then(|entry| entry.metadata()).ok()) {
        report.tables += 1;
        report.bytes += file.len();
    }
    Ok(report)
}

/// Fails when the manifest in `dir` is damaged, or lost while there are tables.
pub(super) fn check(dir: &Path) -> Result<(), StoreError> {
    let current = match fs::read(dir.join(CURRENT)) {
        Ok(current) => current,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return check_new(dir),
        Err(error) => return Err(damaged(&error.to_string())),
    };
    let Some((version, checksum)) = parse(&current) else {
        return Err(damaged("`current` cannot be read"));
    };
    let manifest = fs::read(dir.join(format!("v{version}"))).map_err(|error| damaged(&error.to_string()))?;
    if xxh3_128(&manifest) == checksum {
        Ok(())
    } else {
        Err(damaged(&format!("`v{version}` does not have the checksum in `current`")))
    }
}

fn parse(current: &[u8]) -> Option<(u64, u128)> {
    let (version, rest) = current.split_first_chunk::<8>()?;
    let (checksum, kind) = rest.split_first_chunk::<16>()?;
    (kind == [0]).then(|| (u64::from_le_bytes(*version), u128::from_le_bytes(*checksum)))
}

/// A directory without a manifest is new, or its making was interrupted: then it has no table yet.
fn check_new(dir: &Path) -> Result<(), StoreError> {
    match fs::read_dir(dir.join(TABLES)).map(Iterator::count) {
        Ok(1..) => Err(damaged("there are tables, but no `current`")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(damaged(&error.to_string())),
        _ => Ok(()),
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError(format!("the manifest is damaged: {what}"))
}
