//! The tree of one shard together with what its readers and its background threads must agree on: up to
//! which sequence number commits are published, and which numbers are still being read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lsm_tree::config::{CompressionPolicy, PartitioningPolicy};
use lsm_tree::{AbstractTree, AnyTree, CompressionType, Config, SeqNo, SequenceNumberCounter};
use omnix_model::Position;

use super::expiry::ExpiryFactory;
use super::{POSITION_KEY, StoreError, StoreSettings, StoreStats};

/// A tree, what is published of it, and who reads it.
pub(super) struct ShardTree {
    pub(super) tree: AnyTree,
    /// Rows below this sequence number belong to whole commits. The counter that the tree itself keeps is
    /// moved by flushes in the middle of a commit and is of no use here.
    visible: AtomicU64,
    /// How many readers there are at each sequence number.
    readers: Mutex<BTreeMap<SeqNo, usize>>,
    held_commits: AtomicU64,
}

/// Opens the tree in `dir` and reads the position at which it stands.
pub(super) fn open_tree(
    dir: &Path,
    settings: StoreSettings,
    seqno: &SequenceNumberCounter,
) -> Result<(ShardTree, Option<Position>), StoreError> {
    super::manifest::check(dir)?;
    let unused = SequenceNumberCounter::default();
    let tree = Config::new(dir, seqno.clone(), unused)
        .use_cache(settings.caches.cache)
        .use_descriptor_table(Some(settings.caches.descriptors))
        // What is flushed is soon written again, by the compaction that takes it to the levels that last.
        .data_block_compression_policy(CompressionPolicy::new([CompressionType::None, CompressionType::Lz4]))
        // Whole, the index of a table of 40 MB is larger than what the cache takes of one piece: each read had it
        // from the disk, and spent 0.6 ms.
        .index_block_partitioning_policy(PartitioningPolicy::new([false, true]))
        .filter_block_partitioning_policy(PartitioningPolicy::new([false, true]))
        .with_compaction_filter_factory(settings.expire.map(ExpiryFactory::shared))
        .open()
        .map_err(unreadable)?;
    if let Some(highest) = tree.get_highest_seqno() {
        seqno.fetch_max(highest + 1);
    }
    let visible = seqno.get();
    let checkpoint = tree.get(POSITION_KEY, visible).map_err(unreadable)?;
    let checkpoint = checkpoint.map(|bytes| parse_position(&bytes)).transpose()?;
    let tree = ShardTree {
        tree,
        visible: AtomicU64::new(visible),
        readers: Mutex::default(),
        held_commits: AtomicU64::new(0),
    };
    Ok((tree, checkpoint))
}

fn parse_position(bytes: &[u8]) -> Result<Position, StoreError> {
    match bytes.try_into() {
        Ok(bytes) => Ok(Position::from_bytes(bytes)),
        Err(_) => Err(StoreError(format!("the stored position has {} bytes", bytes.len()))),
    }
}

/// The error of a tree that could not be opened or read.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(super) fn unreadable(error: lsm_tree::Error) -> StoreError {
    StoreError(error.to_string())
}

impl ShardTree {
    /// Shows the commit that was written under `seqno` to readers.
    pub(super) fn publish(&self, seqno: SeqNo) {
        self.visible.store(seqno + 1, Ordering::Release);
    }

    /// Registers a reader at the last published commit, until the answer is dropped.
    pub(super) fn enter(&self) -> Reading<'_> {
        let mut readers = self.readers();
        let seqno = self.visible.load(Ordering::Acquire);
        *readers.entry(seqno).or_default() += 1;
        Reading { tree: self, seqno }
    }

    /// The sequence number from which on nothing may be taken away that a reader might ask for.
    ///
    /// Taken under the lock of [`Self::enter`]: a reader is either counted here or begins at `visible`, which
    /// only grows.
    pub(super) fn watermark(&self) -> SeqNo {
        let readers = self.readers();
        let visible = self.visible.load(Ordering::Acquire);
        readers.first_key_value().map_or(visible, |(&lowest, _)| lowest)
    }

    /// Lets go of the versions of the tree that no reader can ask for any more, and with them of memtables that
    /// were flushed and tables that were compacted. The tree itself does so only with its next flush or compaction.
    pub(super) fn release_versions(&self) -> lsm_tree::Result<()> {
        let watermark = self.watermark();
        self.tree.get_version_history_lock().maintenance(&self.tree.tree_config().path, watermark)
    }

    /// Whether a version is held that has been superseded.
    pub(super) fn has_old_versions(&self) -> bool {
        self.tree.version_free_list_len() > 0
    }

    pub(super) fn count_held(&self) {
        self.held_commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> StoreStats {
        StoreStats {
            memtable_bytes: self.tree.active_memtable().size(),
            sealed_memtables: self.tree.sealed_memtable_count(),
            l0_runs: self.tree.l0_run_count(),
            disk_bytes: self.tree.disk_space(),
            held_commits: self.held_commits.load(Ordering::Relaxed),
        }
    }

    fn readers(&self) -> MutexGuard<'_, BTreeMap<SeqNo, usize>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A registered reader.
pub(super) struct Reading<'a> {
    tree: &'a ShardTree,
    /// It sees what was written below this sequence number.
    pub(super) seqno: SeqNo,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut readers = self.tree.readers();
        if let Some(count) = readers.get_mut(&self.seqno) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.seqno);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedCaches;

    #[test]
    fn the_watermark_stays_below_every_reader() {
        let dir = tempfile::tempdir().unwrap();
        let settings =
            StoreSettings { memtable_bytes: 1 << 20, caches: SharedCaches::new(1 << 20, 8), expire: None };
        let (tree, _) = open_tree(dir.path(), settings, &SequenceNumberCounter::default()).unwrap();
        tree.publish(4);
        assert_eq!(tree.watermark(), 5, "without readers all but what is visible may go");
        let (first, again) = (tree.enter(), tree.enter());
        tree.publish(7);
        let later = tree.enter();
        assert_eq!((first.seqno, later.seqno), (5, 8));
        drop(first);
        assert_eq!(tree.watermark(), 5, "one of two is still there");
        drop(again);
        assert_eq!(tree.watermark(), 8);
        tree.publish(8);
        drop(later);
        assert_eq!(tree.watermark(), 9);
    }
}
