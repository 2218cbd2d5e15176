//! How the whole system does.

use omnix_model::Timestamp;

use omnix_storage::{KeyRange, Order};

use super::{
    InsightTally, JudgementTally, LatencySummary, Overview, Queries, QueryError, TimeRange, rows_of,
};
use crate::keys;
use crate::rollup::Activity;

impl Queries {
    /// How the whole system did in `range`, by whole hours of the lanes' time.
    ///
    /// # Errors
    /// [`QueryError`]
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn overview(&self, range: TimeRange) -> Result<Overview, QueryError> {
        self.catch_up();
        let sum: Activity = self.sum_rows(b'a', range.from.hour(), end_of(range.to, Timestamp::HOUR_MS))?;
        let mut insights = InsightTally::default();
        for (kind, row) in sum.insights.iter().enumerate() {
            for (priority, &count) in row.iter().enumerate() {
                add(&mut insights.by_kind, kind, count);
                add(&mut insights.by_priority, priority, count);
            }
        }
        let mut judged = JudgementTally::default();
        for (&(kind, priority), verdicts) in &sum.judged {
            let row = judged.0.get_mut(usize::from(kind));
            if let Some(cell) = row.and_then(|row| row.get_mut(usize::from(priority))) {
                *cell = *verdicts;
            }
        }
        let timed = sum.latency.total();
        let latency = LatencySummary {
            average_ms: if timed == 0 { 0.0 } else { sum.latency_us as f64 / timed as f64 / 1_000.0 },
            p50_ms: sum.latency.quantile(0.5) / 1_000.0,
            p99_ms: sum.latency.quantile(0.99) / 1_000.0,
        };
        Ok(Overview {
            insights,
            judged,
            latency,
            applied: sum.applied,
            failed: sum.refused + sum.not_applied,
            suppressed: sum.suppressed,
            since: self.first_hour(range)?.map_or(range.from, |first| first.max(range.from)),
        })
    }
}

impl Queries {
    /// The beginning of the first hour of `range` in which anything went on.
    fn first_hour(&self, range: TimeRange) -> Result<Option<Timestamp>, QueryError> {
        let (from, to) = (range.from.hour(), end_of(range.to, Timestamp::HOUR_MS));
        let hours = KeyRange { from: keys::counted_from(b'a', from), to: keys::counted_from(b'a', to) };
        let mut first = None;
        for shard in self.shards.iter() {
            let rows = rows_of(shard.store.as_ref(), &hours, Order::Ascending, 1)?;
            let hour = rows.first().and_then(|(key, _)| keys::parse_count(key));
            first = first.into_iter().chain(hour).min();
        }
        Ok(first.map(|hour| Timestamp::from_ms_clamped(hour * Timestamp::HOUR_MS)))
    }
}

/// The first hour or minute behind `to`.
pub(super) const fn end_of(to: Timestamp, unit_ms: i64) -> i64 {
    to.ms().div_euclid(unit_ms) + 1
}

fn add(counts: &mut [u64; 4], index: usize, count: u64) {
    if let Some(sum) = counts.get_mut(index) {
        *sum += count;
    }
}
