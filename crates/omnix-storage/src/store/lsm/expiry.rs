//! Rows whose time has passed are taken away by compaction. Whether it has, the caller's predicate says.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use lsm_tree::compaction::filter::{CompactionFilter, Context, Factory, ItemAccessor, Verdict};

use crate::store::row::is_reserved;

/// Whether the row under a key has expired: a function of the key, with the time in it, and of the caller's
/// own clock. It must not panic, and a row that has expired stays so.
pub type Expired = dyn Fn(&[u8]) -> bool + Send + Sync;

/// Makes a filter for each compaction.
pub(super) struct ExpiryFactory(AssertUnwindSafe<Arc<Expired>>);

impl ExpiryFactory {
    pub(super) fn shared(expired: Arc<Expired>) -> Arc<dyn Factory> {
        Arc::new(Self(AssertUnwindSafe(expired)))
    }
}

impl Factory for ExpiryFactory {
    fn name(&self) -> &'static str {
        "expiry"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(ExpiryFilter(Arc::clone(&self.0)))
    }
}

struct ExpiryFilter(Arc<Expired>);

impl CompactionFilter for ExpiryFilter {
    fn filter_item(&mut self, item: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        let key = item.key();
        if !is_reserved(key) && (self.0)(key) { Ok(Verdict::Remove) } else { Ok(Verdict::Keep) }
    }
}
