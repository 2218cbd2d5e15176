//! Rows that add up, held while a group is applied and written with its commit.
//!
//! A row remembers the position it stood at when it was loaded. What lies at or before that position was
//! added before the process died, and is not added again.

use std::collections::BTreeMap;

use omnix_model::{Lane, Position};
use omnix_storage::{StateReader, StoreError, Write};

use crate::rollup::{Row, decode_row, encode_row};

/// Which row: a count (hours or minutes since 1970, or 0) and a lane.
type RowKey = (i64, Lane);

/// The rows of one kind.
#[derive(Debug)]
pub struct Book<R> {
    key_of: fn(i64, Lane) -> Vec<u8>,
    rows: BTreeMap<RowKey, Entry<R>>,
    rows_max: usize,
}

#[derive(Debug)]
struct Entry<R> {
    row: R,
    base: Position,
    is_touched: bool,
}

impl<R: Row> Book<R> {
    /// A book whose rows stand under `key_of(count, lane)`, of which it holds about `rows_max` in memory.
    #[must_use]
    pub const fn new(key_of: fn(i64, Lane) -> Vec<u8>, rows_max: usize) -> Self {
        Self { key_of, rows: BTreeMap::new(), rows_max }
    }

    /// The row to which a record at `at` adds; none when it was added already.
    ///
    /// # Errors
    /// [`StoreError`] when the row cannot be read.
    pub fn row(
        &mut self,
        count: i64,
        lane: Lane,
        at: Position,
        store: &dyn StateReader,
    ) -> Result<Option<&mut R>, StoreError> {
        let entry = match self.rows.entry((count, lane)) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(slot) => {
                let (row, base) = match store.get(&(self.key_of)(count, lane))? {
                    Some(bytes) => decode_row(&bytes).map_err(|error| StoreError(error.to_string()))?,
                    None => (R::default(), Position::default()),
                };
                slot.insert(Entry { row, base, is_touched: false })
            }
        };
        if at <= entry.base && at.log == entry.base.log {
            return Ok(None);
        }
        entry.is_touched = true;
        Ok(Some(&mut entry.row))
    }

    /// How many rows are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The writes that bring the touched rows to `until`, which is where the group ends.
    pub fn take_writes(&mut self, until: Position) -> Vec<Write> {
        let mut writes = Vec::new();
        for (&(count, lane), entry) in self.rows.iter_mut().filter(|(_, entry)| entry.is_touched) {
            let value = encode_row(&entry.row, until);
            writes.push(Write::Put { key: (self.key_of)(count, lane), value });
            (entry.base, entry.is_touched) = (until, false);
        }
        // The oldest rows go first: what is added to now is of the present hour, or near it.
        while self.rows.len() > self.rows_max {
            self.rows.pop_first();
        }
        writes
    }
}
