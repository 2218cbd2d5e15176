//! A store in memory, for tests and simulations: it can be killed after any single write.
//!
//! Two kinds. With [`Atomicity::Commit`] it behaves as the embedded store does: a commit is there as a whole
//! or not at all, and after a crash it falls back to the last one that was persisted. With
//! [`Atomicity::Row`] it behaves as a store without transactions: what is guaranteed is that each single row
//! is written whole, in the stages of [`Commit`], and that each is durable and visible at once. Within a stage
//! it takes the order that is least like the given one: effects from the last to the first, states in turn, a
//! row of each. So a customer's rows may stand half-written before its head,
//! never after it; effects may stand without the states that caused them, never the other way round; and
//! the checkpoint never stands before what it covers.
//!
//! Deliberately not here: a disk, threads, an order of events that a seed does not give.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use omnix_model::Position;

use super::{Commit, CommitError, KeyRange, Order, StateReader, StateStore, StoreError, Visit, Write};

/// What a store writes as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomicity {
    /// A commit (embedded).
    Commit,
    /// A single row (a store without transactions, `DynamoDB`).
    Row,
}

/// What survives a process: the rows, and the faults that are to come.
///
/// Cheap to clone; all clones are the same disk.
#[derive(Clone)]
pub struct MemoryDisk {
    atomicity: Atomicity,
    state: Arc<Mutex<Disk>>,
}

/// The rows at one moment and the position up to which they have been applied.
#[derive(Clone, Default)]
struct Rows {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    checkpoint: Option<Position>,
}

#[derive(Default)]
struct Disk {
    current: Arc<Rows>,
    /// What stands after a crash; kept apart only where a commit is atomic.
    persisted: Arc<Rows>,
    /// Counts openings: a store that is no longer the newest one is dead.
    opened: u64,
    /// How many single writes are still done before the kill.
    writes_left: Option<u64>,
    writes_done: u64,
    /// How many commits are still to be held.
    commits_held: u64,
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(atomicity: Atomicity) -> Self {
        Self { atomicity, state: Arc::default() }
    }

    /// What it writes as a whole.
    #[must_use]
    pub const fn atomicity(&self) -> Atomicity {
        self.atomicity
    }

    /// Opens what survived, as after a crash: whatever store was open on this disk is dead from now on.
    #[must_use]
    pub fn open(&self) -> MemoryStore {
        let mut disk = self.lock();
        disk.opened += 1;
        (disk.writes_left, disk.commits_held) = (None, 0);
        if self.atomicity == Atomicity::Commit {
            disk.current = Arc::clone(&disk.persisted);
        }
        MemoryStore { disk: self.clone(), opening: disk.opened }
    }

    /// Kills the open store when it has done `writes` more single writes (a row, or the checkpoint): the
    /// write after them is not done, its commit fails, and so does everything until the disk is opened anew.
    pub fn kill_after(&self, writes: u64) {
        self.lock().writes_left = Some(writes);
    }

    /// Answers the next `commits` commits with [`CommitError::Behind`].
    pub fn hold_commits(&self, commits: u64) {
        self.lock().commits_held = commits;
    }

    /// How many single writes have ever been done: what a test needs to kill between any two of them.
    #[must_use]
    pub fn writes_done(&self) -> u64 {
        self.lock().writes_done
    }

    /// All rows as a reader would see them now, to compare two disks.
    #[must_use]
    pub fn rows(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.lock().current.rows.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// Takes one write from those that are left; fails at the kill.
    fn spend(&mut self) -> Result<(), CommitError> {
        match &mut self.writes_left {
            Some(0) => return Err(killed()),
            Some(left) => *left -= 1,
            None => {}
        }
        self.writes_done += 1;
        Ok(())
    }

    /// Writes each row where readers see it. At the kill what is written stays.
    fn commit_by_row(&mut self, commit: &Commit) -> Result<(), CommitError> {
        for write in in_stages(commit) {
            self.spend()?;
            Arc::make_mut(&mut self.current).apply(write);
        }
        self.spend()?;
        Arc::make_mut(&mut self.current).checkpoint = Some(commit.checkpoint);
        Ok(())
    }

    /// Writes all rows, or at the kill none.
    fn commit_whole(&mut self, commit: &Commit) -> Result<(), CommitError> {
        for _ in commit.writes() {
            self.spend()?;
        }
        self.spend()?;
        let rows = Arc::make_mut(&mut self.current);
        commit.writes().for_each(|write| rows.apply(write));
        rows.checkpoint = Some(commit.checkpoint);
        Ok(())
    }
}

impl Rows {
    fn apply(&mut self, write: &Write) {
        match write {
            Write::Put { key, value } => {
                self.rows.insert(key.clone(), value.clone());
            }
            Write::Delete { key } => {
                self.rows.remove(key);
            }
        }
    }
}

/// The writes of `commit` in the order of [`Atomicity::Row`]; of two to one row only the later.
fn in_stages(commit: &Commit) -> Vec<&Write> {
    let last_to: BTreeMap<&[u8], *const Write> =
        commit.writes().map(|write| (write.key(), std::ptr::from_ref(write))).collect();
    let (mark, effects) = commit.effects.split_last().map_or((None, [].as_slice()), |(m, e)| (Some(m), e));
    let rows = commit.states.iter().map(Vec::len).max().unwrap_or(0);
    let states = (0..rows).flat_map(|row| commit.states.iter().rev().filter_map(move |rows| rows.get(row)));
    let all = effects.iter().rev().chain(mark).chain(states).chain(&commit.last);
    all.filter(|write| last_to.get(write.key()).is_some_and(|last| std::ptr::eq(*last, *write))).collect()
}

fn killed() -> CommitError {
    CommitError::Failed("killed".to_owned())
}

/// A store on a [`MemoryDisk`]. Dropping it persists nothing.
pub struct MemoryStore {
    disk: MemoryDisk,
    opening: u64,
}

impl MemoryStore {
    /// A store on a disk of its own.
    #[must_use]
    pub fn new(atomicity: Atomicity) -> Self {
        MemoryDisk::new(atomicity).open()
    }

    /// The disk that it stands on.
    #[must_use]
    pub fn disk(&self) -> &MemoryDisk {
        &self.disk
    }

    fn alive(&self) -> Result<MutexGuard<'_, Disk>, CommitError> {
        let disk = self.disk.lock();
        if disk.opened != self.opening {
            return Err(CommitError::Overtaken);
        }
        if disk.writes_left == Some(0) { Err(killed()) } else { Ok(disk) }
    }
}

impl StateStore for MemoryStore {
    fn checkpoint(&self) -> Option<Position> {
        self.disk.lock().current.checkpoint
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        let mut disk = self.alive()?;
        if let Some(fault) = commit.fault() {
            return Err(CommitError::Failed(fault));
        }
        if disk.commits_held > 0 {
            disk.commits_held -= 1;
            return Err(CommitError::Behind);
        }
        match self.disk.atomicity {
            Atomicity::Commit => disk.commit_whole(commit),
            Atomicity::Row => disk.commit_by_row(commit),
        }
    }

    fn reader(&self) -> Arc<dyn StateReader> {
        Arc::new(MemoryReader { disk: self.disk.clone() })
    }

    fn persisted(&self) -> Option<Position> {
        let disk = self.disk.lock();
        match self.disk.atomicity {
            Atomicity::Commit => disk.persisted.checkpoint,
            Atomicity::Row => disk.current.checkpoint,
        }
    }

    fn persist(&mut self) -> Result<(), CommitError> {
        let mut disk = self.alive()?;
        disk.persisted = Arc::clone(&disk.current);
        Ok(())
    }
}

struct MemoryReader {
    disk: MemoryDisk,
}

impl MemoryReader {
    /// The rows as they stand: a writer that goes on leaves them alone.
    fn snapshot(&self) -> Arc<Rows> {
        Arc::clone(&self.disk.lock().current)
    }
}

impl StateReader for MemoryReader {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.disk.lock().current.rows.get(key).cloned())
    }

    fn scan(&self, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<(), StoreError> {
        let Some(bounds) = range.bounds() else { return Ok(()) };
        let snapshot = self.snapshot();
        let mut rows = snapshot.rows.range::<[u8], _>(bounds);
        loop {
            let row = match order {
                Order::Ascending => rows.next(),
                Order::Descending => rows.next_back(),
            };
            let Some((key, value)) = row else { return Ok(()) };
            if visit(key, value).is_break() {
                return Ok(());
            }
        }
    }
}
