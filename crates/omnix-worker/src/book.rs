//! Rows that add up, held while a group is applied and written with its commit.
//!
//! A row remembers the position it stood at when it was loaded. What lies at or before that position was
//! added before the process died, and is not added again. A row behind all that the store has of its kind is new
//! and not looked for: a history begins one every hour.

use std::collections::BTreeMap;

use omnix_model::{Lane, Position};
use omnix_storage::{KeyRange, Order, StateReader, StoreError, Write};

use crate::keys;
use crate::rollup::{Row, decode_row, encode_row};

/// Which row: a count (hours or minutes since 1970, or 0) and a lane.
type RowKey = (i64, Lane);

/// The rows of one kind.
#[derive(Debug)]
pub struct Book<R> {
    key_of: fn(i64, Lane) -> Vec<u8>,
    rows: BTreeMap<RowKey, Entry<R>>,
    rows_max: usize,
    /// No row behind this count is stored; none before that was looked for.
    stored_until: Option<i64>,
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
        Self { key_of, rows: BTreeMap::new(), rows_max, stored_until: None }
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
                let stored_until = match self.stored_until {
                    Some(until) => until,
                    None => *self.stored_until.insert(last_stored(self.key_of, store)?),
                };
                let key = (self.key_of)(count, lane);
                let stored = if count > stored_until { None } else { store.get(&key)? };
                let (row, base) = match stored {
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
            self.stored_until = self.stored_until.map(|stored| stored.max(count));
        }
        // The oldest rows go first: what is added to now is of the present hour, or near it.
        while self.rows.len() > self.rows_max {
            self.rows.pop_first();
        }
        writes
    }
}

/// The last count of which the store has a row; where rows are not in the order of their counts, the last there is.
fn last_stored(key_of: fn(i64, Lane) -> Vec<u8>, store: &dyn StateReader) -> Result<i64, StoreError> {
    let (kind, mut last) = (key_of(0, Lane::FIRST), None);
    let rows = KeyRange::prefix(kind.get(..1).unwrap_or_default());
    store.scan(&rows, Order::Descending, &mut |key, _| {
        last = Some(keys::parse_count(key).unwrap_or(i64::MAX));
        std::ops::ControlFlow::Break(())
    })?;
    Ok(last.unwrap_or(i64::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use omnix_model::LogId;

    use crate::rollup::Sales;

    /// Rows, and the keys that were looked for.
    #[derive(Default)]
    struct Rows {
        rows: BTreeMap<Vec<u8>, Vec<u8>>,
        looked_for: Mutex<usize>,
    }

    impl StateReader for Rows {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            *self.looked_for.lock().unwrap() += 1;
            Ok(self.rows.get(key).cloned())
        }

        fn scan(
            &self,
            range: &KeyRange,
            _: Order,
            visit: omnix_storage::Visit<'_>,
        ) -> Result<(), StoreError> {
            for (key, value) in self.rows.range(range.from.clone()..range.to.clone()).rev() {
                if visit(key, value).is_break() {
                    break;
                }
            }
            Ok(())
        }
    }

    fn at(frame: u64) -> Position {
        Position { log: LogId(1), frame, slot: 0 }
    }

    fn sell(book: &mut Book<Sales>, hour: i64, frame: u64, rows: &Rows) -> u64 {
        let row = book.row(hour, Lane::FIRST, at(frame), rows).unwrap().unwrap();
        row.purchases += 1;
        row.purchases
    }

    #[test]
    fn only_a_row_that_may_be_stored_is_looked_for() {
        let mut rows = Rows::default();
        let mut book = Book::<Sales>::new(keys::sales, 1);
        for hour in [5, 7, 6] {
            assert_eq!(sell(&mut book, hour, 1, &rows), 1);
        }
        assert_eq!(*rows.looked_for.lock().unwrap(), 0, "nothing is stored");
        for write in book.take_writes(at(1)) {
            let Write::Put { key, value } = write else { panic!("a row is set") };
            rows.rows.insert(key, value);
        }
        for mut book in [book, Book::new(keys::sales, 1)] {
            *rows.looked_for.lock().unwrap() = 0;
            assert_eq!(sell(&mut book, 8, 2, &rows), 1);
            assert_eq!(*rows.looked_for.lock().unwrap(), 0, "hour 8 is behind all that is stored");
            assert_eq!(sell(&mut book, 5, 2, &rows), 2);
            assert_eq!(*rows.looked_for.lock().unwrap(), 1);
        }
    }
}
