//! The embedded store: one `lsm-tree` a shard, without a journal of its own, because the event log is one.
//!
//! A commit takes one sequence number, writes its rows and last the checkpoint, then publishes the number.
//! A memtable is sealed only between two commits, so every table on disk ends at a whole commit, and a
//! process that dies leaves a store that stands at one. Two threads work in the background, one flushes, one
//! compacts; when they fall behind, commits answer [`CommitError::Behind`]; when one fails, the store is
//! poisoned for good.
//!
//! Deliberately not here: a lock of the directory ([`crate::DataDirectory`] holds one for all shards), the
//! replay of the log, a clock for what expires (the caller's predicate has one).

mod background;
mod expiry;
mod manifest;
mod reader;
mod tree;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lsm_tree::{AbstractTree, Cache, DescriptorTable, SequenceNumberCounter};
use omnix_model::Position;

use super::{Commit, CommitError, StateReader, StateStore, StoreError, Write};
use background::Background;
pub use expiry::Expired;
pub use manifest::{StoreReport, inspect_store};
pub use reader::LsmReader;
use tree::{ShardTree, open_tree};

/// Under this key stands the position up to which the store has been applied.
const POSITION_KEY: &[u8] = b"m/position";

/// A memtable is sealed by a commit that finds its first row this old, so that a replay is short. A store at
/// rest keeps its last memtable: replaying that takes no longer.
const MEMTABLE_AGE_MAX: Duration = Duration::from_secs(60);
/// Commits are held while this many sealed memtables wait for the flush.
const SEALED_MEMTABLES_MAX: usize = 2;
/// Commits are held while this many runs of tables wait for compaction: each makes reading slower.
const L0_RUNS_MAX: usize = 24;

/// What the stores of all shards of a process share: the block cache and the open files.
#[derive(Clone)]
pub struct SharedCaches {
    cache: Arc<Cache>,
    descriptors: Arc<DescriptorTable>,
}

impl SharedCaches {
    /// A cache of `cache_bytes` bytes and room for `descriptors` open files, for all stores together.
    #[must_use]
    pub fn new(cache_bytes: u64, descriptors: usize) -> Self {
        Self {
            cache: Arc::new(Cache::with_capacity_bytes(cache_bytes)),
            descriptors: Arc::new(DescriptorTable::new(descriptors)),
        }
    }
}

/// How a store is to be opened.
#[derive(Clone)]
pub struct StoreSettings {
    /// Bytes after which a memtable is sealed; a store holds up to three. 16 to 32 MiB is usual.
    pub memtable_bytes: u64,
    /// What it shares with the other stores of the process.
    pub caches: SharedCaches,
    /// Says which rows have expired; compaction takes them away, sooner or later or, at rest, never. Readers
    /// still see them until then.
    pub expire: Option<Arc<Expired>>,
}

/// How a store is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Bytes of the memtable that is being written.
    pub memtable_bytes: u64,
    /// Memtables that wait for the flush.
    pub sealed_memtables: usize,
    /// Runs of tables that wait for compaction.
    pub l0_runs: usize,
    /// Bytes of all tables on disk.
    pub disk_bytes: u64,
    /// Commits answered with [`CommitError::Behind`] since the store was opened.
    pub held_commits: u64,
}

/// The embedded store of one shard, from the side of its single writer.
///
/// Dropping it ends its threads and persists nothing: call [`StateStore::persist`] before, or let the log
/// bring the next one forward.
pub struct LsmStore {
    seqno: SequenceNumberCounter,
    checkpoint: Option<Position>,
    memtable_bytes_max: u64,
    memtable_since: Option<Instant>,
    tree: Arc<ShardTree>,
    background: Background,
}

impl LsmStore {
    /// Opens the store in `dir`, or makes one there. It stands at the last commit that was persisted.
    ///
    /// No other process may hold `dir`; no other store of this one.
    ///
    /// # Errors
    /// [`StoreError`] when the directory cannot be used or its tables are damaged.
    pub fn open(dir: &Path, settings: StoreSettings) -> Result<Self, StoreError> {
        let seqno = SequenceNumberCounter::default();
        let memtable_bytes_max = settings.memtable_bytes;
        let (tree, checkpoint) = open_tree(dir, settings, &seqno)?;
        let tree = Arc::new(tree);
        let background = Background::start(&tree, checkpoint)?;
        Ok(Self { seqno, checkpoint, memtable_bytes_max, memtable_since: None, tree, background })
    }

    /// How the store is doing, for its metrics.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.tree.stats()
    }

    /// A handle for readers that also tells how the store is doing, on any thread.
    #[must_use]
    pub fn lsm_reader(&self) -> Arc<LsmReader> {
        Arc::new(LsmReader::new(Arc::clone(&self.tree)))
    }

    fn is_behind(&self) -> bool {
        self.tree.tree.sealed_memtable_count() >= SEALED_MEMTABLES_MAX
            || self.tree.tree.l0_run_count() >= L0_RUNS_MAX
    }

    /// Seals the memtable and hands it to the flush. Only ever called between two commits.
    fn rotate(&mut self) {
        self.memtable_since = None;
        if self.tree.tree.rotate_memtable().is_some() {
            self.background.rotated(self.checkpoint);
        }
    }

    /// Writes all rows under one sequence number; answers the bytes of the memtable.
    fn write(&self, commit: &Commit) -> u64 {
        let seqno = self.seqno.next();
        let tree = &self.tree.tree;
        for write in commit.writes() {
            let _sizes = match write {
                Write::Put { key, value } => tree.insert(key.as_slice(), value.as_slice(), seqno),
                Write::Delete { key } => tree.remove(key.as_slice(), seqno),
            };
        }
        let (_, memtable_bytes) = tree.insert(POSITION_KEY, commit.checkpoint.to_bytes(), seqno);
        self.tree.publish(seqno);
        memtable_bytes
    }
}

/// Whether a memtable of `bytes` bytes whose first row is `age` old is to be sealed.
fn is_due(bytes: u64, bytes_max: u64, age: Duration) -> bool {
    bytes >= bytes_max || age >= MEMTABLE_AGE_MAX
}

impl StateStore for LsmStore {
    fn checkpoint(&self) -> Option<Position> {
        self.checkpoint
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        self.background.check()?;
        if let Some(fault) = commit.fault() {
            return Err(CommitError::Failed(fault));
        }
        if self.is_behind() {
            self.tree.count_held();
            self.background.wake();
            return Err(CommitError::Behind);
        }
        let memtable_bytes = self.write(commit);
        if self.tree.has_old_versions() {
            self.background.release();
        }
        self.checkpoint = Some(commit.checkpoint);
        let age = self.memtable_since.get_or_insert_with(Instant::now).elapsed();
        if is_due(memtable_bytes, self.memtable_bytes_max, age) {
            self.rotate();
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn StateReader> {
        self.lsm_reader()
    }

    fn persisted(&self) -> Option<Position> {
        self.background.persisted()
    }

    fn persist(&mut self) -> Result<(), CommitError> {
        self.background.check()?;
        self.rotate();
        self.background.wait_flushed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memtable_is_sealed_when_it_is_large_or_old() {
        let young = MEMTABLE_AGE_MAX - Duration::from_millis(1);
        assert!(!is_due(99, 100, young));
        assert!(is_due(100, 100, young));
        assert!(is_due(1, 100, MEMTABLE_AGE_MAX));
    }

    #[test]
    fn a_memtable_that_was_flushed_is_let_go_by_the_next_commit() {
        let dir = tempfile::tempdir().unwrap();
        let settings =
            StoreSettings { memtable_bytes: 1 << 20, caches: SharedCaches::new(1 << 20, 8), expire: None };
        let mut store = LsmStore::open(dir.path(), settings).unwrap();
        let commit = |frame: u64| Commit {
            states: vec![vec![Write::Put { key: frame.to_be_bytes().to_vec(), value: vec![7; 1_000] }]],
            checkpoint: Position { frame, ..Position::default() },
            ..Commit::default()
        };
        store.commit(&commit(1)).unwrap();
        store.persist().unwrap();
        assert!(store.tree.has_old_versions(), "readers may stand before the flush");
        // A compaction may supersede another version meanwhile; but nothing is flushed once more.
        let mut frame = 1;
        while store.tree.has_old_versions() {
            frame += 1;
            assert!(frame < 500, "what was flushed is held until the next flush");
            store.commit(&commit(frame)).unwrap();
            let _tick = crossbeam_channel::after(Duration::from_millis(20)).recv();
        }
        assert_eq!(store.checkpoint(), Some(Position { frame, ..Position::default() }));
    }
}
