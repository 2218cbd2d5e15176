//! How much room a file system has, and how much of it is kept in reserve.
//!
//! Below the reserve nothing new is taken, so that what is in hand can still be flushed.

use std::io;
use std::path::Path;

/// The reserve is never more than this, unless it is set.
const RESERVE_BYTES_MAX: u64 = 1 << 30;
/// The reserve is this part of the file system, unless it is set.
const RESERVE_PERCENT: u64 = 5;

/// The room of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What this process may still write.
    pub free_bytes: u64,
    /// How large it is.
    pub total_bytes: u64,
}

impl Space {
    /// The room of the file system on which `path` lies.
    ///
    /// # Errors
    /// What the file system said.
    pub fn of(path: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Ok(Self { free_bytes: bytes(stat.f_bavail), total_bytes: bytes(stat.f_blocks) })
    }

    /// The bytes to be kept free: `set`, or else 5 % of the file system, at most 1 GiB.
    #[must_use]
    pub fn reserve_bytes(self, set: Option<u64>) -> u64 {
        set.unwrap_or_else(|| (self.total_bytes / 100 * RESERVE_PERCENT).min(RESERVE_BYTES_MAX))
    }

    /// Whether less is free than is to be kept in reserve.
    #[must_use]
    pub fn is_short(self, reserve_set: Option<u64>) -> bool {
        self.free_bytes < self.reserve_bytes(reserve_set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_a_part_of_the_disk_with_a_limit() {
        let space = |free_bytes, total_bytes| Space { free_bytes, total_bytes };
        assert_eq!(space(0, 64 << 20).reserve_bytes(None), (64 << 20) / 100 * 5);
        assert_eq!(space(0, 1 << 50).reserve_bytes(None), 1 << 30);
        assert_eq!(space(0, 1 << 50).reserve_bytes(Some(7)), 7);
        assert!(space(4_999, 100_000).is_short(None));
        assert!(!space(5_000, 100_000).is_short(None));
        assert!(!space(0, 100_000).is_short(Some(0)), "a reserve of nothing is never touched");
    }

    #[test]
    fn a_real_file_system_answers() {
        let space = Space::of(Path::new("/")).unwrap();
        assert!(space.total_bytes > 0 && space.free_bytes <= space.total_bytes);
    }
}
