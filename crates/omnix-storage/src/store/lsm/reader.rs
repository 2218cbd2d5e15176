//! Reading on any thread: always at a published commit, registered for as long as it takes.

use std::sync::Arc;

use lsm_tree::{AbstractTree, Guard};

use super::tree::{ShardTree, unreadable};
use super::{StoreError, StoreStats};
use crate::store::row::is_reserved;
use crate::store::{KeyRange, Order, StateReader, Visit};

/// Reads the store of one shard from any thread; stays valid after the store is dropped, until it is opened
/// anew.
pub struct LsmReader {
    tree: Arc<ShardTree>,
}

impl LsmReader {
    pub(super) fn new(tree: Arc<ShardTree>) -> Self {
        Self { tree }
    }

    /// How the store is doing, for its metrics.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.tree.stats()
    }
}

impl StateReader for LsmReader {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if is_reserved(key) {
            return Ok(None);
        }
        let reading = self.tree.enter();
        let value = self.tree.tree.get(key, reading.seqno).map_err(unreadable)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, range: &KeyRange, order: Order, visit: Visit<'_>) -> Result<(), StoreError> {
        let Some(bounds) = range.bounds() else { return Ok(()) };
        let reading = self.tree.enter();
        let mut rows = self.tree.tree.range::<&[u8], _>(bounds, reading.seqno, None);
        loop {
            let row = match order {
                Order::Ascending => rows.next(),
                Order::Descending => rows.next_back(),
            };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.into_inner().map_err(unreadable)?;
            if !is_reserved(&key) && visit(&key, &value).is_break() {
                return Ok(());
            }
        }
    }
}
