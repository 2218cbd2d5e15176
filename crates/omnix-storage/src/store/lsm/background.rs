//! The two threads behind a store: one flushes sealed memtables, the other compacts tables.
//!
//! They are apart because one thread for both stalls the flush, and with it the commits, behind a long
//! compaction. Both are woken through a channel with room for one: a wake that finds it full is not lost,
//! because the one that is waiting does the same. An error or a panic in either poisons the store.
//!
//! Memtables that were flushed and tables that were compacted are let go in a second step: until the next commit
//! is published readers may stand before that, so it is that commit which wakes the flush thread once more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use lsm_tree::AbstractTree;
use lsm_tree::compaction::Leveled;
use omnix_model::Position;

use super::tree::ShardTree;
use super::{CommitError, StoreError};

/// Compactions after each flush: each does one step at the most.
const COMPACTIONS_MIN: usize = 4;
/// Compactions in one go while there are too many runs.
const COMPACTIONS_MAX: usize = 32;
/// Runs of tables from which on compaction goes on without another flush; twice what it begins at.
const L0_RUNS_MANY: usize = 8;

/// What a thread is woken for. Whatever it is, a sealed memtable is flushed: the next wake may have found the
/// channel full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// Flush, and compact.
    Work,
    /// Let go of what was flushed or compacted.
    Release,
}

/// How far the flush has come.
#[derive(Default)]
struct Progress {
    /// How often a memtable was sealed, and the position at the last time.
    rotations: u64,
    rotated: Option<Position>,
    /// How many of these have been flushed, and the position that stands on disk.
    flushed: u64,
    persisted: Option<Position>,
    /// Why the store is poisoned.
    failure: Option<String>,
}

#[derive(Default)]
struct Shared {
    progress: Mutex<Progress>,
    changed: Condvar,
    closing: AtomicBool,
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Runs `work` for each wake until the store closes or the work fails.
    fn run(&self, wakes: &Receiver<Wake>, work: &dyn Fn(Wake) -> lsm_tree::Result<()>) {
        while let Ok(wake) = wakes.recv() {
            if self.is_closing() {
                return;
            }
            let failure = match catch_unwind(AssertUnwindSafe(|| work(wake))) {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "a background thread panicked".to_owned(),
            };
            self.progress().failure.get_or_insert(failure);
            self.changed.notify_all();
            return;
        }
    }

    /// Flushes every sealed memtable; what was sealed before it began is on disk when it returns. Says whether
    /// there was any.
    fn flush(&self, tree: &ShardTree) -> lsm_tree::Result<bool> {
        let (rotations, rotated) = {
            let progress = self.progress();
            (progress.rotations, progress.rotated)
        };
        let flushed_bytes = {
            let lock = tree.tree.get_flush_lock();
            tree.tree.flush(&lock, tree.watermark())?
        };
        let mut progress = self.progress();
        if progress.flushed < rotations {
            progress.flushed = rotations;
            progress.persisted = rotated;
            self.changed.notify_all();
        }
        Ok(flushed_bytes.is_some())
    }

    fn compact(&self, tree: &ShardTree) -> lsm_tree::Result<()> {
        for done in 0..COMPACTIONS_MAX {
            let enough = done >= COMPACTIONS_MIN && tree.tree.l0_run_count() < L0_RUNS_MANY;
            if enough || self.is_closing() {
                break;
            }
            tree.tree.compact(Arc::new(Leveled::default()), tree.watermark())?;
        }
        Ok(())
    }
}

/// The threads, and the writer's side of what they do. Dropping it ends them.
pub(super) struct Background {
    shared: Arc<Shared>,
    /// `None` only while it is being dropped.
    wake: Option<Sender<Wake>>,
    threads: Vec<JoinHandle<()>>,
}

impl Background {
    /// Starts the threads of a store that stands at `persisted`. A compaction that was due when the last
    /// process ended is made up for: an import ends right after its last flush, and its tables would take
    /// several times their room until some later flush.
    pub(super) fn start(tree: &Arc<ShardTree>, persisted: Option<Position>) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        shared.progress().persisted = persisted;
        let (wake, flushes) = bounded(1);
        let (wake_compaction, compactions) = bounded(1);
        let mut background = Self { shared, wake: Some(wake), threads: Vec::new() };

        let (shared, flushed) = (Arc::clone(&background.shared), Arc::clone(tree));
        background.spawn("store-flush", move || {
            shared.run(&flushes, &|wake| {
                let has_flushed = shared.flush(&flushed)?;
                flushed.release_versions()?;
                if has_flushed || wake == Wake::Work {
                    let _full_is_fine = wake_compaction.try_send(Wake::Work);
                }
                Ok(())
            });
        })?;
        let (shared, compacted) = (Arc::clone(&background.shared), Arc::clone(tree));
        background.spawn("store-compact", move || {
            shared.run(&compactions, &|_| shared.compact(&compacted));
        })?;
        background.wake();
        Ok(background)
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
        self.threads.push(thread.map_err(|error| StoreError(error.to_string()))?);
        Ok(())
    }

    /// Wakes the flush, which wakes the compaction.
    pub(super) fn wake(&self) {
        self.send(Wake::Work);
    }

    /// Lets go of what was flushed or compacted before the commit that was published last.
    pub(super) fn release(&self) {
        self.send(Wake::Release);
    }

    fn send(&self, wake: Wake) {
        if let Some(sender) = &self.wake {
            let _full_is_fine = sender.try_send(wake);
        }
    }

    /// Says that a memtable was sealed at `position`. Called after sealing it: a flush that knows of it has it.
    pub(super) fn rotated(&self, position: Option<Position>) {
        {
            let mut progress = self.shared.progress();
            progress.rotations += 1;
            progress.rotated = position;
        }
        self.wake();
    }

    /// The position up to which everything is on disk.
    pub(super) fn persisted(&self) -> Option<Position> {
        self.shared.progress().persisted
    }

    /// Fails when the store is poisoned.
    pub(super) fn check(&self) -> Result<(), CommitError> {
        match &self.shared.progress().failure {
            None => Ok(()),
            Some(failure) => Err(CommitError::Failed(failure.clone())),
        }
    }

    /// Waits until every memtable that was sealed is on disk.
    pub(super) fn wait_flushed(&self) -> Result<(), CommitError> {
        let mut progress = self.shared.progress();
        loop {
            if let Some(failure) = &progress.failure {
                return Err(CommitError::Failed(failure.clone()));
            }
            if progress.flushed == progress.rotations {
                return Ok(());
            }
            progress = self.shared.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.wake = None;
        for thread in self.threads.drain(..) {
            let _failure_is_recorded = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use lsm_tree::SequenceNumberCounter;

    use super::*;
    use crate::store::lsm::tree::open_tree;
    use crate::{SharedCaches, StoreSettings};

    #[test]
    fn a_compaction_that_was_due_at_the_end_is_made_up_for_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let settings =
            StoreSettings { memtable_bytes: 1 << 20, caches: SharedCaches::new(1 << 20, 8), expire: None };
        let (tree, _) = open_tree(dir.path(), settings, &SequenceNumberCounter::default()).unwrap();
        let tree = Arc::new(tree);
        for seqno in 0..4 {
            tree.tree.insert("a", "value", seqno);
            tree.tree.insert("z", "value", seqno);
            tree.publish(seqno);
            tree.tree.rotate_memtable();
            tree.tree.flush(&tree.tree.get_flush_lock(), tree.watermark()).unwrap();
        }
        assert_eq!(tree.tree.l0_run_count(), 4, "nothing compacts yet");
        let _background = Background::start(&tree, None).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while tree.tree.l0_run_count() == 4 {
            assert!(Instant::now() < deadline, "nothing is flushed, and nothing compacts");
            std::thread::yield_now();
        }
    }
}
