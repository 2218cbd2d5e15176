//! Rejected events: kept until somebody has looked, or 14 days.

use omnix_model::RejectedEvent;
use omnix_storage::{KeyRange, Order, StoreError};

use super::{PageRequest, Queries, QueryError, RejectedFilter, RejectedRow, behind, rows_of};
use crate::cursor::{decode_key, encode_key};
use crate::keys;

/// The letter of a rejected event's id, and of cursors into their list.
const REJECTED: char = 'q';
/// Rows read at once, per shard.
const CHUNK_ROWS: usize = 256;

impl Queries {
    /// Rejected events, newest first, and the cursor of the next page.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn rejected(
        &self,
        filter: &RejectedFilter,
        page: &PageRequest,
    ) -> Result<(Vec<RejectedRow>, Option<String>), QueryError> {
        self.catch_up();
        let mut range = KeyRange::prefix(&keys::all_of(b'q'));
        if let Some(cursor) = &page.cursor {
            let key = decode_key(REJECTED, cursor)?;
            if !key.starts_with(&range.from) {
                return Err(QueryError::InvalidCursor);
            }
            range.to = key;
        }
        let mut rows = Vec::new();
        for shard in self.shards.iter() {
            let mut range = range.clone();
            let mut of_shard = 0;
            while of_shard <= page.limit {
                let chunk = rows_of(shard.store.as_ref(), &range, Order::Descending, CHUNK_ROWS)?;
                let Some((last, _)) = chunk.last() else { break };
                range.to.clone_from(last);
                let is_drained = chunk.len() < CHUNK_ROWS;
                for (key, value) in chunk {
                    let row = decode(&key, &value)?;
                    if filter.code.is_none_or(|code| code == row.event.code()) {
                        rows.push((key, row));
                        of_shard += 1;
                    }
                }
                if is_drained {
                    break;
                }
            }
        }
        rows.sort_by(|a, b| b.0.cmp(&a.0));
        let has_more = rows.len() > page.limit;
        rows.truncate(page.limit);
        let next = rows.last().filter(|_| has_more).map(|(key, _)| encode_key(REJECTED, key));
        Ok((rows.into_iter().map(|(_, row)| row).collect(), next))
    }

    /// The rejected event with this id; none when there is no such.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn rejected_by_id(&self, id: &str) -> Result<Option<RejectedRow>, QueryError> {
        let Ok(key) = decode_key(REJECTED, id) else { return Ok(None) };
        self.catch_up();
        for shard in self.shards.iter() {
            let range = KeyRange { from: key.clone(), to: behind(&key) };
            if let Some((key, value)) = rows_of(shard.store.as_ref(), &range, Order::Ascending, 1)?.first() {
                return Ok(Some(decode(key, value)?));
            }
        }
        Ok(None)
    }
}

fn decode(key: &[u8], value: &[u8]) -> Result<RejectedRow, StoreError> {
    let event =
        RejectedEvent::decode(value).map_err(|error| StoreError(format!("a rejected event: {error}")))?;
    Ok(RejectedRow { id: encode_key(REJECTED, key), event })
}
