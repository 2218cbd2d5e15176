//! The stream itself: shards, and what went through them.

use omnix_model::Timestamp;

use super::overview::end_of;
use super::{Queries, QueryError, ShardStatus, StreamCounts};
use crate::rollup::Activity;

const MINUTE_MS: i64 = 60_000;

impl Queries {
    /// The shards, in order.
    #[must_use]
    pub fn shards(&self) -> Vec<ShardStatus> {
        let now = self.clock.now();
        let status = |view: &super::ShardView| {
            let (first_hash_key, last_hash_key) = view.lanes.hash_keys();
            let (latest, checkpoint) = view.progress.positions();
            let iterator_age_ms = view.progress.iterator_age_ms(now);
            ShardStatus {
                shard: view.shard,
                first_hash_key,
                last_hash_key,
                latest,
                checkpoint,
                iterator_age_ms,
            }
        };
        self.shards.iter().map(status).collect()
    }

    /// What went through in the last `minutes`, at most a day, by whole minutes.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn counts(&self, minutes: u32) -> Result<StreamCounts, QueryError> {
        self.catch_up();
        let now = self.clock.now();
        let from = now.plus_ms(-i64::from(minutes) * MINUTE_MS).ms().div_euclid(MINUTE_MS);
        let sum: Activity = self.sum_rows(b'b', from, end_of(now, MINUTE_MS))?;
        let oldest = self.shards.iter().map(|view| view.progress.iterator_age_ms(now)).max();
        Ok(StreamCounts {
            incoming_records: sum.applied + sum.not_applied,
            outgoing_records: sum.applied,
            incoming_bytes: sum.bytes,
            outgoing_bytes: sum.bytes,
            successful_records: sum.applied + sum.not_applied,
            failed_records: sum.not_applied + sum.refused,
            write_throttled: self.shards.iter().map(|view| view.progress.throttled_since(from)).sum(),
            read_throttled: 0,
            iterator_age_ms: oldest.unwrap_or(0),
        })
    }
}

/// The minute that `time` lies in, counted since 1970.
#[must_use]
pub const fn minute_of(time: Timestamp) -> i64 {
    time.ms().div_euclid(MINUTE_MS)
}
