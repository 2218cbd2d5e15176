//! How the whole system does.

use omnix_model::Timestamp;

use super::{InsightTally, LatencySummary, Overview, Queries, QueryError, TimeRange};
use crate::rollup::Activity;

impl Queries {
    /// How the whole system did in `range`, by whole hours of the lanes' time.
    ///
    /// # Errors
    /// [`QueryError`]
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn overview(&self, range: TimeRange) -> Result<Overview, QueryError> {
        let sum: Activity = self.sum_rows(b'a', range.from.hour(), end_of(range.to, Timestamp::HOUR_MS))?;
        let mut insights = InsightTally::default();
        for (kind, row) in sum.insights.iter().enumerate() {
            for (priority, &count) in row.iter().enumerate() {
                add(&mut insights.by_kind, kind, count);
                add(&mut insights.by_priority, priority, count);
            }
        }
        let timed = sum.latency.total();
        let latency = LatencySummary {
            average_ms: if timed == 0 { 0.0 } else { sum.latency_us as f64 / timed as f64 / 1_000.0 },
            p50_ms: sum.latency.quantile(0.5) / 1_000.0,
            p99_ms: sum.latency.quantile(0.99) / 1_000.0,
        };
        let seconds = (range.to.ms_since(range.from) as f64 / 1_000.0).max(1.0);
        Ok(Overview {
            insights,
            latency,
            applied: sum.applied,
            failed: sum.refused + sum.not_applied,
            suppressed: sum.suppressed,
            events_per_second: sum.applied as f64 / seconds,
        })
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
