//! What can be asked of a stream: answered from what was committed, and from nothing else.
//!
//! Every question first lets the shards that it concerns commit what they have applied, so that it sees what
//! was answered before it was asked.
//!
//! Synchronous: whoever serves sockets asks from a thread that may block.

mod answers;
mod customers;
mod feed;
mod insights;
mod learning;
mod overview;
mod rejected;
mod segments;
mod stream;

use std::ops::ControlFlow;
use std::sync::Arc;

use arc_swap::ArcSwap;
use omnix_engine::{Model, Settings};
use omnix_model::{CustomerId, Lane, LaneRange, LogId, ShardId};
use omnix_storage::{KeyRange, Order, StateReader, StoreError};

pub use answers::{
    CustomerRow, CustomerSort, FeedMessage, FeedPage, InsightFilter, InsightPage, InsightTally, Interval,
    JudgementTally, KnownInsight, LatencySummary, Learner, Learning, Overview, PageRequest, RejectedFilter,
    RejectedRow, SegmentFlow, SegmentOfPeriod, SegmentPeriod, SegmentRow, SegmentsReport, ShardStatus,
    StreamCounts, TimeRange,
};

pub use stream::minute_of;

use crate::cursor::InvalidCursor;
use crate::on_demand::Asked;
use crate::rollup::{Row, decode_row};
use crate::{Clock, CommitOnDemand, Progress, keys};

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The cursor is not one that this list gave.
    #[error("not a cursor that this list gave")]
    InvalidCursor,
    /// The store failed, or holds what cannot be decoded.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InvalidCursor> for QueryError {
    fn from(_: InvalidCursor) -> Self {
        Self::InvalidCursor
    }
}

/// One shard, from the side of those who ask.
#[derive(Clone)]
pub struct ShardView {
    /// Which.
    pub shard: ShardId,
    /// The log it appends to.
    pub log: LogId,
    /// Its lanes.
    pub lanes: LaneRange,
    /// Its store.
    pub store: Arc<dyn StateReader>,
    /// How far it has come.
    pub progress: Arc<Progress>,
    /// Lets it commit what it has applied.
    pub on_demand: CommitOnDemand,
}

/// Answers what can be asked of a stream. Cheap to clone.
#[derive(Clone)]
pub struct Queries {
    shards: Arc<[ShardView]>,
    model: Arc<ArcSwap<Model>>,
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
}

impl Queries {
    /// Asks `shards`, which together own all lanes; `model` is the newest in force.
    #[must_use]
    pub fn new(
        shards: Vec<ShardView>,
        model: Arc<ArcSwap<Model>>,
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { shards: shards.into(), model, settings, clock }
    }

    /// Lets all shards commit what they have applied.
    fn catch_up(&self) {
        let asked: Vec<_> = self.shards.iter().map(|shard| shard.on_demand.ask(&shard.progress)).collect();
        asked.into_iter().for_each(Asked::wait);
    }

    /// The stores of the shards, in order.
    pub(crate) fn stores(&self) -> impl Iterator<Item = &dyn StateReader> {
        self.shards.iter().map(|shard| shard.store.as_ref())
    }

    /// The lane of `customer` and the store that holds it, with all that its shard has applied.
    fn home_of(&self, customer: &CustomerId) -> Result<(Lane, &dyn StateReader), StoreError> {
        let lane = Lane::of(customer);
        let owner = self.shards.iter().find(|shard| shard.lanes.contains(lane));
        let owner = owner.ok_or_else(|| StoreError(format!("no shard owns lane {lane}")))?;
        owner.on_demand.ask(&owner.progress).wait();
        Ok((lane, owner.store.as_ref()))
    }

    /// The sum of all rows of a kind with `from <= count < to` (hours or minutes since 1970), over all lanes.
    fn sum_rows<R: Row>(&self, kind: u8, from: i64, to: i64) -> Result<R, StoreError> {
        let mut sum = R::default();
        self.each_row(kind, (from, to), &mut |_, row: &R| sum.merge(row))?;
        Ok(sum)
    }

    /// Visits all rows of a kind with `from <= count < to`, with their counts, shard by shard.
    fn each_row<R: Row>(
        &self,
        kind: u8,
        (from, to): (i64, i64),
        visit: &mut dyn FnMut(i64, &R),
    ) -> Result<(), StoreError> {
        let range = KeyRange { from: keys::counted_from(kind, from), to: keys::counted_from(kind, to) };
        for shard in self.shards.iter() {
            let mut broken = None;
            shard.store.scan(&range, Order::Ascending, &mut |key, value| match decode_row::<R>(value) {
                Ok((row, _)) => {
                    visit(keys::parse_count(key).unwrap_or(0), &row);
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    broken = Some(StoreError(format!("a counted row: {error}")));
                    ControlFlow::Break(())
                }
            })?;
            if let Some(error) = broken {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// A row's key and value.
type RawRow = (Vec<u8>, Vec<u8>);

/// Up to `limit` rows of `range`, as they stand.
fn rows_of(
    store: &dyn StateReader,
    range: &KeyRange,
    order: Order,
    limit: usize,
) -> Result<Vec<RawRow>, StoreError> {
    let mut rows = Vec::new();
    if limit == 0 {
        return Ok(rows);
    }
    store.scan(range, order, &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(rows)
}

/// The first key behind `key`.
fn behind(key: &[u8]) -> Vec<u8> {
    let mut next = key.to_vec();
    next.push(0);
    next
}
