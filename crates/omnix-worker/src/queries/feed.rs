//! The feed, read from where a reader stands.

use omnix_model::{Insight, LogId, Position, Timestamp};
use omnix_storage::{KeyRange, Order, StateReader, StoreError};

use super::{FeedMessage, FeedPage, Queries, QueryError, behind, rows_of};
use crate::cursor::FeedCursor;
use crate::keys;
use crate::rows::FeedEntry;

impl Queries {
    /// Up to `limit` messages behind `after`, each log's in order.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn feed_after(&self, after: &FeedCursor, limit: usize) -> Result<FeedPage, QueryError> {
        self.catch_up();
        let mut page = FeedPage { next: after.clone(), ..FeedPage::default() };
        let mut messages = Vec::new();
        for shard in self.shards.iter() {
            let (store, read) = (shard.store.as_ref(), after.of_log(shard.log));
            page.has_gap |= is_behind(read, horizon(store, shard.log)?);
            let start = read.map_or_else(
                || keys::feed(Position::start(shard.log), 0),
                |(at, i)| behind(&keys::feed(at, i)),
            );
            let end = keys::feed(Position { log: shard.log, frame: u64::MAX, slot: u16::MAX }, u16::MAX);
            let range = KeyRange { from: start, to: end };
            // A revision bears the time of its first raising, so the time alone does not keep a log's order.
            let mut latest = Timestamp::MIN;
            for (key, value) in rows_of(store, &range, Order::Ascending, limit)? {
                if let Some(message) = message(store, &key, &value)? {
                    latest = latest.max(message.insight.timestamp);
                    messages.push((latest, message));
                }
            }
        }
        messages.sort_by_key(|(latest, message)| (*latest, message.position, message.index));
        for (_, message) in messages.into_iter().take(limit) {
            page.next.advance(message.position, message.index);
            page.messages.push(message);
        }
        Ok(page)
    }

    /// Where a reader stands who wants everything that is kept, and one who wants only what comes.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn feed_bounds(&self) -> Result<(FeedCursor, FeedCursor), QueryError> {
        self.catch_up();
        let (mut oldest, mut newest) = (FeedCursor::default(), FeedCursor::default());
        for shard in self.shards.iter() {
            if let Some(horizon) = horizon(shard.store.as_ref(), shard.log)? {
                oldest.advance(horizon, u16::MAX);
            }
            let (_, checkpoint) = shard.progress.positions();
            newest.advance(checkpoint, u16::MAX);
        }
        Ok((oldest, newest))
    }
}

/// Up to where the feed of `log` was removed; none when it is whole.
fn horizon(store: &dyn StateReader, log: LogId) -> Result<Option<Position>, StoreError> {
    let row = store.get(&keys::feed_horizon(log))?;
    Ok(row.and_then(|bytes| bytes.first_chunk().copied()).map(Position::from_bytes))
}

/// Whether a reader who stands at `read` has missed what was removed up to `horizon`.
fn is_behind(read: Option<(Position, u16)>, horizon: Option<Position>) -> bool {
    match (read, horizon) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some((at, _)), Some(horizon)) => at < horizon,
    }
}

/// The message that a row of the feed stands for; none when its insight is no longer kept.
fn message(store: &dyn StateReader, key: &[u8], value: &[u8]) -> Result<Option<FeedMessage>, StoreError> {
    let broken = |error| StoreError(format!("the feed: {error}"));
    let Some((position, index)) = keys::parse_feed(key) else { return Ok(None) };
    let entry = FeedEntry::decode(value).map_err(broken)?;
    let row = store.get(&keys::insight(entry.lane, &entry.customer_id, entry.raised_at, entry.id))?;
    let insight = row.map(|bytes| Insight::decode(&bytes)).transpose().map_err(broken)?;
    Ok(insight.map(|insight| FeedMessage { position, index, insight, segment: entry.segment }))
}
