//! How far a shard has come: written by its thread, read by whoever asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use omnix_model::{Position, Timestamp};

/// Minutes of refusals kept: a day.
const MINUTES_KEPT: i64 = 1_440;

/// How far a shard has come.
#[derive(Debug, Default)]
pub struct Progress {
    positions: Mutex<(Position, Position)>,
    has_uncommitted: AtomicBool,
    pending_since_ms: AtomicI64,
    persisted_model: AtomicU64,
    /// Requests refused, by minute since 1970, of the last day.
    throttled: Mutex<BTreeMap<i64, u64>>,
}

impl Progress {
    /// The last durable position, and the last applied one.
    #[must_use]
    pub fn positions(&self) -> (Position, Position) {
        *self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the last durable position.
    pub fn set_latest(&self, latest: Position) {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner).0 = latest;
    }

    /// Notes the last applied position.
    pub fn set_checkpoint(&self, checkpoint: Position) {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner).1 = checkpoint;
    }

    /// Whether something has been applied that a reader of the store does not see yet.
    #[must_use]
    pub fn has_uncommitted(&self) -> bool {
        self.has_uncommitted.load(Ordering::Acquire)
    }

    /// Notes whether something has been applied that a reader of the store does not see yet: before anybody is
    /// told that it has been, and after it has been committed.
    pub fn set_uncommitted(&self, has: bool) {
        self.has_uncommitted.store(has, Ordering::Release);
    }

    /// The model that all lanes would work with, or a newer one, if the process died now.
    #[must_use]
    pub fn persisted_model(&self) -> u64 {
        self.persisted_model.load(Ordering::Relaxed)
    }

    /// Notes the model that all lanes work with in what a crash leaves standing.
    pub fn set_persisted_model(&self, number: u64) {
        self.persisted_model.store(number, Ordering::Relaxed);
    }

    /// Notes when the oldest event that is durable but not applied was accepted; none when there is none.
    pub fn set_pending_since(&self, since: Option<Timestamp>) {
        self.pending_since_ms.store(since.map_or(0, Timestamp::ms), Ordering::Relaxed);
    }

    /// Age of the oldest event that is durable but not applied, in milliseconds.
    #[must_use]
    pub fn iterator_age_ms(&self, now: Timestamp) -> u64 {
        match self.pending_since_ms.load(Ordering::Relaxed) {
            0 => 0,
            since => u64::try_from(now.ms() - since).unwrap_or(0),
        }
    }

    /// Counts a request that was refused because the queue was full or the disk was.
    pub fn note_throttled(&self, minute: i64) {
        let mut throttled = self.throttled.lock().unwrap_or_else(PoisonError::into_inner);
        *throttled.entry(minute).or_default() += 1;
        *throttled = throttled.split_off(&(minute - MINUTES_KEPT));
    }

    /// Requests refused from `minute` (counted since 1970) on.
    #[must_use]
    pub fn throttled_since(&self, minute: i64) -> u64 {
        let throttled = self.throttled.lock().unwrap_or_else(PoisonError::into_inner);
        throttled.range(minute..).map(|(_, &count)| count).sum()
    }
}
