//! For how long rows and blocks are kept.

use omnix_model::limits::REJECTED_BYTES_MAX;
use omnix_model::{Position, Timestamp};
use omnix_storage::{KeyRange, Order, Write};

use crate::dedup::Window;
use crate::keys;
use crate::rows::FeedEntry;
use crate::shard::{Shard, ShardError};

/// Rejected events are kept for so many days.
const REJECTED_DAYS: i64 = 14;
/// Hourly counts are kept for so many days: three years.
const COUNTED_DAYS: i64 = 3 * 366;
/// Counts by the minute are kept for so many minutes: a day, and an hour for whoever is asking right now.
const MINUTES_KEPT: i64 = 25 * 60;
/// Messages of the feed removed at once.
const FEED_ROWS_MAX: usize = 20_000;

/// For how long rows and blocks are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The feed: what a reader of the stream is promised, in hours.
    pub stream_hours: i64,
    /// The log: what replay and timelines read, in days.
    pub archive_days: i64,
    /// Insights, in days.
    pub insight_days: i64,
    /// The duplicate window.
    pub window: Window,
}

impl Default for Retention {
    fn default() -> Self {
        Self { stream_hours: 24, archive_days: 400, insight_days: 400, window: Window::default() }
    }
}

impl Retention {
    /// Before this the log is no longer needed for what is read of it.
    #[must_use]
    pub const fn archive_horizon(&self, now: Timestamp) -> Timestamp {
        now.plus_ms(-self.archive_days.saturating_mul(Timestamp::DAY_MS))
    }

    /// Whether the row under `key` has expired at `now`: the store drops it when it next rewrites it.
    #[must_use]
    pub fn has_expired(&self, key: &[u8], now: Timestamp) -> bool {
        let before = |days: i64| now.plus_ms(-days.saturating_mul(Timestamp::DAY_MS));
        let time = || {
            let ms = key.get(1..9).and_then(|bytes| bytes.first_chunk().copied()).map(i64::from_be_bytes);
            ms.map(Timestamp::from_ms_clamped)
        };
        let count = || {
            let count = key.get(1..5).and_then(|bytes| bytes.first_chunk().copied()).map(u32::from_be_bytes);
            count.map(i64::from)
        };
        match key.first() {
            Some(b'i') => keys::parse_insight_end(key).is_some_and(|(at, _)| at < before(self.insight_days)),
            Some(b'j' | b'v') => time().is_some_and(|at| at < before(self.insight_days)),
            Some(b'q') => time().is_some_and(|at| at < before(REJECTED_DAYS)),
            Some(b'r' | b'a') => count().is_some_and(|hour| hour < before(COUNTED_DAYS).hour()),
            Some(b'b') => count().is_some_and(|minute| minute < now.ms() / 60_000 - MINUTES_KEPT),
            Some(b'd') => count().is_some_and(|bucket| bucket < self.window.first_live_bucket(now)),
            _ => false,
        }
    }
}

impl Shard {
    /// Removes messages of the feed that are older than a reader of the stream is promised.
    pub(crate) fn retain(&mut self, retention: &Retention, now: Timestamp) -> Result<(), ShardError> {
        let horizon = now.plus_ms(-retention.stream_hours.saturating_mul(Timestamp::HOUR_MS));
        let mut gone: Vec<Write> = Vec::new();
        let mut last: Option<Position> = None;
        self.reader().scan(&KeyRange::prefix(b"f"), Order::Ascending, &mut |key, value| {
            let is_old = FeedEntry::decode(value).is_ok_and(|entry| entry.raised_at < horizon);
            if !is_old || gone.len() == FEED_ROWS_MAX {
                return std::ops::ControlFlow::Break(());
            }
            last = keys::parse_feed(key).map(|(at, _)| at);
            gone.push(Write::Delete { key: key.to_vec() });
            std::ops::ControlFlow::Continue(())
        })?;
        self.bound_rejected(retention, now)?;
        if let Some(last) = last {
            gone.push(Write::Put { key: keys::feed_horizon(last.log), value: last.to_bytes().to_vec() });
            self.put_later(gone);
        }
        Ok(())
    }

    /// Removes rejected events that are too old, and the oldest of those that take too much room.
    fn bound_rejected(&mut self, retention: &Retention, now: Timestamp) -> Result<(), ShardError> {
        let mut bytes = 0;
        let mut gone: Vec<Write> = Vec::new();
        self.reader().scan(&KeyRange::prefix(b"q"), Order::Descending, &mut |key, value| {
            bytes += key.len() + value.len();
            if bytes > REJECTED_BYTES_MAX || retention.has_expired(key, now) {
                gone.push(Write::Delete { key: key.to_vec() });
            }
            std::ops::ControlFlow::Continue(())
        })?;
        self.put_later(gone);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnix_model::{CustomerId, InsightId, Lane};

    #[test]
    fn rows_expire_by_the_time_in_their_keys_and_others_never() {
        let now = Timestamp::from_ms_clamped(1_767_225_600_000);
        let retention = Retention::default();
        let days = |days: i64| now.plus_ms(-days * Timestamp::DAY_MS);
        let customer = CustomerId::new("c").unwrap();
        let id = InsightId([255; 16]);
        let lane = Lane::FIRST;
        let pairs = [
            (keys::insight(lane, &customer, days(399), id), keys::insight(lane, &customer, days(401), id)),
            (keys::insight_by_time(days(399), lane, id), keys::insight_by_time(days(401), lane, id)),
            (keys::judgement(days(399), lane, id), keys::judgement(days(401), lane, id)),
            (keys::rejected(days(13), lane, 1), keys::rejected(days(15), lane, 1)),
            (keys::sales(days(1_000).hour(), lane), keys::sales(days(1_100).hour(), lane)),
            (
                keys::activity_of_hour(days(1_000).hour(), lane),
                keys::activity_of_hour(days(1_100).hour(), lane),
            ),
            (
                keys::activity_of_minute(days(1).ms() / 60_000, lane),
                keys::activity_of_minute(days(2).ms() / 60_000, lane),
            ),
            (
                keys::spilled(retention.window.first_live_bucket(now), b"c", 1),
                keys::spilled(retention.window.first_live_bucket(now) - 1, b"c", 1),
            ),
        ];
        for (young, old) in pairs {
            assert!(!retention.has_expired(&young, now), "{young:?}");
            assert!(retention.has_expired(&old, now), "{old:?}");
        }
        for key in [keys::lane(lane), keys::state_part(lane, &customer, 0), keys::timer(lane, 0, &customer)] {
            assert!(!retention.has_expired(&key, now), "{key:?}");
        }
    }
}
