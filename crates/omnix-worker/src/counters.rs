//! What a stream counts of itself since its start: read by metrics, written by the shards' threads.

use std::sync::atomic::{AtomicU64, Ordering};

use omnix_model::{Insight, InsightKind, Priority, Suppressed, Suppression};

/// Buckets of a histogram of durations: the first up to 16 us, each twice as wide as the last.
pub const DURATION_BUCKETS: usize = 24;

/// A histogram of durations.
#[derive(Debug)]
pub struct Durations {
    buckets: [AtomicU64; DURATION_BUCKETS],
    sum_us: AtomicU64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), sum_us: AtomicU64::new(0) }
    }
}

impl Durations {
    /// Counts a duration in microseconds.
    pub fn note_us(&self, us: u64) {
        let bits = (64 - (us >> 4).leading_zeros()) as usize;
        if let Some(bucket) = self.buckets.get(bits.min(DURATION_BUCKETS - 1)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Upper bound in microseconds (none for the last) and count of each bucket.
    #[must_use]
    pub fn buckets(&self) -> [(Option<u64>, u64); DURATION_BUCKETS] {
        std::array::from_fn(|i| {
            let count = self.buckets.get(i).map_or(0, |bucket| bucket.load(Ordering::Relaxed));
            ((i + 1 < DURATION_BUCKETS).then_some(16_u64 << i), count)
        })
    }

    /// The sum of all durations in microseconds.
    #[must_use]
    pub fn sum_us(&self) -> u64 {
        self.sum_us.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What a stream counts of itself since its start.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: Counter,)+
            /// Insights raised, by the kind's number and the priority's.
            pub insights: [[Counter; 4]; 4],
            /// Insights held back, by the reason's number.
            pub suppressed: [Counter; Suppression::ALL.len()],
            /// From handing a block to the log to its answer.
            pub append: Durations,
            /// From the log's answer to the end of the commit.
            pub commit: Durations,
            /// From acceptance to commit, live events only.
            pub acknowledge: Durations,
        }
    };
}

counters! {
    /// Events that were handed in and taken into a queue.
    accepted,
    /// Events applied since the start, replayed ones not among them.
    applied,
    /// Events applied again after a start.
    replayed,
    /// Events that were known already.
    duplicates,
    /// Events whose id is taken by another.
    conflicts,
    /// Events refused because a queue or the disk was full, or the stream takes nothing.
    refused,
    /// Events older than their customer's last.
    late,
    /// Events that are durable and could not be applied.
    not_applied,
    /// Rejected events that were kept.
    rejected_kept,
    /// Rejected events for which there was no room.
    rejected_dropped,
    /// Blocks appended.
    blocks,
    /// Bytes of these blocks, before compression.
    block_bytes,
    /// Commits of the store.
    commits,
    /// Commits that had to wait for the store's background work.
    held_commits,
    /// Customers found among those held.
    hot_hits,
    /// Customers read from the store.
    hot_misses,
    /// Bytes of customers held, of all shards.
    hot_bytes,
    /// Timers fired.
    timers,
    /// Timers that fired and did not move on; each is a fault of the engine.
    timers_stuck,
    /// Ticks appended for idle lanes.
    ticks,
    /// Models learnt.
    models,
    /// Events waiting in the queues.
    queued,
    /// Messages that reached no live subscriber.
    feed_unheard,
}

/// A number that several threads add to.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Takes away, where what is counted is a level.
    pub fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a shard counted since it told last. Two threads that add to one number for every event take it from each
/// other's cache every time.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) applied: u64,
    pub(crate) replayed: u64,
    pub(crate) late: u64,
    pub(crate) suppressed: Suppressed,
    pub(crate) hot_hits: u64,
    pub(crate) hot_misses: u64,
    pub(crate) timers: u64,
}

impl Counters {
    /// Adds what a shard counted.
    pub(crate) fn add(&self, counted: &Counted) {
        self.applied.add(counted.applied);
        self.replayed.add(counted.replayed);
        self.late.add(counted.late);
        self.suppressed.iter().zip(counted.suppressed.0).for_each(|(sum, count)| sum.add(count));
        self.hot_hits.add(counted.hot_hits);
        self.hot_misses.add(counted.hot_misses);
        self.timers.add(counted.timers);
    }

    /// Counts an insight.
    pub(crate) fn note_insight(&self, insight: &Insight) {
        let row = self.insights.get(usize::from(insight.kind.number()));
        if let Some(counter) = row.and_then(|row| row.get(usize::from(insight.priority.number()))) {
            counter.add(1);
        }
    }

    /// Insights held back for a reason.
    #[must_use]
    pub fn suppressed_of(&self, reason: Suppression) -> u64 {
        self.suppressed.get(usize::from(reason.number())).map_or(0, Counter::get)
    }

    /// Insights of a kind and priority.
    #[must_use]
    pub fn insights_of(&self, kind: InsightKind, priority: Priority) -> u64 {
        let row = self.insights.get(usize::from(kind.number()));
        row.and_then(|row| row.get(usize::from(priority.number()))).map_or(0, Counter::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_their_buckets() {
        let durations = Durations::default();
        [0, 15, 16, 31, 32, u64::MAX >> 1].into_iter().for_each(|us| durations.note_us(us));
        let buckets = durations.buckets();
        assert_eq!(buckets[0], (Some(16), 2));
        assert_eq!(buckets[1], (Some(32), 2));
        assert_eq!(buckets[2], (Some(64), 1));
        assert_eq!(buckets[DURATION_BUCKETS - 1], (None, 1));
    }
}
