//! The contract of a state store: rows under byte keys, changed by whole commits.
//!
//! The event log is the store's write-ahead log: a store may fall back to an earlier commit when the process
//! dies, never to half of one, and the log brings it forward.

mod lsm;
mod memory;
mod row;

use std::ops::ControlFlow;
use std::sync::Arc;

use omnix_model::Position;

pub use lsm::{
    Expired, LsmReader, LsmStore, SharedCaches, StoreReport, StoreSettings, StoreStats, inspect_store,
};
pub use memory::{Atomicity, MemoryDisk, MemoryStore};
pub use row::{KEY_BYTES_MAX, RESERVED_PREFIX};

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets the row.
    Put {
        /// Its key.
        key: Vec<u8>,
        /// Its new value.
        value: Vec<u8>,
    },
    /// Removes the row, if there is one.
    Delete {
        /// Its key.
        key: Vec<u8>,
    },
}

/// What one group of records changes, or several groups together where each write has its price: gathering
/// them is the caller's affair, who knows which mark speaks for all of them.
///
/// A store with transactions writes all of it at once. One without writes in stages, each complete before the
/// next begins, so that a round trip a stage is enough and not one a row:
///
/// 1. `effects` but for the last, in any order. Each overwrites itself when written again.
/// 2. The last of `effects`: it may be the mark that the others are complete.
/// 3. `states`, side by side; the rows of one of them one after the other. Its last row carries the position
///    up to which it has been applied, so that a repeated record is recognised.
/// 4. `last`, one after the other: what may say that the states are complete, or clear away after them.
/// 5. The checkpoint.
///
/// Killed between any two writes, repeating the group gives the same result.
///
/// A key that is written twice ends as its last write says; no two of `states` are meant to share one. Keys
/// are 1 to [`KEY_BYTES_MAX`] bytes and do not begin with [`RESERVED_PREFIX`]: a commit with one that does is
/// refused as a whole. A value that is larger than what the backend takes as one item (`DynamoDB`: 400 KB
/// with key and names) is the store's affair: it writes the pieces first and the row that names them last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// Insights, timers, rollups, feed entries, spills: under keys derived from their cause.
    pub effects: Vec<Write>,
    /// Customers' states: all rows of one customer stand together, its head last.
    pub states: Vec<Vec<Write>>,
    /// What is written behind all states, in this order: the lanes' own rows, removals.
    pub last: Vec<Write>,
    /// The position up to which (inclusive) everything has been applied.
    pub checkpoint: Position,
}

/// Why a commit failed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The store is behind with its background work: nothing was written, try again shortly.
    #[error("the store is behind with its background work")]
    Behind,
    /// Somebody else who holds the same store has written a later position, and nothing of this commit
    /// counts any more. Who no longer owns the shard leaves it; who does opens it anew and goes on from what
    /// stands there, which is what the same log says, only further.
    #[error("the store has been written by another owner of the shard")]
    Overtaken,
    /// The store failed for good; the shard must stop and be opened anew.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Why the store could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store cannot be read: {0}")]
pub struct StoreError(pub String);

/// A range of keys, `from` included, `to` excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key.
    pub from: Vec<u8>,
    /// The first key behind the range; empty for no end.
    pub to: Vec<u8>,
}

impl KeyRange {
    /// All keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut to = prefix.to_vec();
        while let Some(last) = to.pop() {
            if let Some(next) = last.checked_add(1) {
                to.push(next);
                break;
            }
        }
        Self { from: prefix.to_vec(), to }
    }
}

/// What a scan calls with each key and value, until it breaks.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// In which direction a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the lowest key.
    Ascending,
    /// From the highest key.
    Descending,
}

/// The store of one shard, from the side of its single writer.
///
/// # Contract
/// - A commit is visible to readers as a whole, right after `commit` returns, and never in part.
/// - Opened after a crash the store stands at some whole commit, not before the last one that `persist`
///   answered; `checkpoint` says which.
/// - A store without transactions keeps neither: there each single row is whole, rows are written in the
///   stages of [`Commit`]; each is visible and durable at once.
/// - A store that two processes can reach (one that lost its lease and does not know it yet) keeps with each
///   row the checkpoint of the commit that wrote it, and never writes over a later one. Of `effects` and
///   `last` the later row stands and the commit goes on, because it says all that ours says; a refused row of
///   `states`, or a refused checkpoint, is [`CommitError::Overtaken`]. A removed row keeps its position for as
///   long as a late writer may live. So neither row nor checkpoint ever falls back. It follows that rows to
///   which only a head gives a meaning (pages that alternate) must be named so that two owners never write
///   the same one.
/// - After [`CommitError::Failed`] or [`CommitError::Overtaken`] a store is of no further use and has to be
///   opened anew.
/// - Nothing is synced in `commit`.
pub trait StateStore: Send {
    /// The position of the last commit; `None` in a new store.
    fn checkpoint(&self) -> Option<Position>;

    /// Applies `commit`.
    ///
    /// # Errors
    /// [`CommitError`]
    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError>;

    /// A handle for readers on any thread.
    fn reader(&self) -> Arc<dyn StateReader>;

    /// The position up to which the store would stand after a crash right now: below it the log may be trimmed.
    /// Where each commit is durable at once that is the checkpoint.
    fn persisted(&self) -> Option<Position>;

    /// Makes everything committed so far survive a crash; blocks until it does.
    ///
    /// # Errors
    /// [`CommitError::Failed`]
    fn persist(&mut self) -> Result<(), CommitError>;
}

/// Reads from any thread, while the writer goes on: whole commits only, where the store has transactions.
///
/// A reader of the same store, and without transactions one in any process, sees what a commit wrote as soon
/// as `commit` has returned.
pub trait StateReader: Send + Sync {
    /// The row under `key`.
    ///
    /// # Errors
    /// [`StoreError`]
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Calls `visit(key, value)` for the rows of `range` in `order` until it breaks: all of one commit, where
    /// the store has transactions; else each row as it is when its page is read.
    ///
    /// A backend that divides rows into partitions asks each one in which the range may have rows, pays for
    /// each even where there is nothing, and merges the answers; it reads by the page and pays for what it has
    /// read. So a range is cheap within one lane, and whoever wants few rows breaks early.
    ///
    /// # Errors
    /// [`StoreError`]
    fn scan(&self, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<(), StoreError>;
}
