//! Insights of one customer, and of all.

use std::ops::ControlFlow;

use omnix_model::{CustomerId, Insight, InsightId, Lane, Outcome};
use omnix_storage::{KeyRange, Order, StateReader, StoreError};

use super::{
    InsightFilter, InsightPage, KnownInsight, PageRequest, Queries, QueryError, RawRow, behind, rows_of,
};
use crate::cursor::{InvalidCursor, decode_key, encode_key};
use crate::rows::{IndexEntry, JudgementRow};
use crate::{keys, state_row};

/// The letter of cursors into one customer's insights.
const OF_CUSTOMER: char = 'i';
/// The letter of cursors into the insights of all.
const OF_ALL: char = 'j';
/// Rows of the index read at once, per shard.
const CHUNK_ROWS: usize = 256;

impl Queries {
    /// The insights of one customer; an unknown customer has none.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn insights_of(
        &self,
        customer: &CustomerId,
        filter: &InsightFilter,
        page: &PageRequest,
    ) -> Result<InsightPage, QueryError> {
        let (lane, store) = self.home_of(customer)?;
        let prefix = keys::insights_prefix(lane, customer);
        let mut range = KeyRange::prefix(&prefix);
        if let Some(times) = filter.range {
            range.from = keys::insight(lane, customer, times.from, InsightId([0; 16]));
            range.to = keys::insight(lane, customer, times.to, InsightId([0; 16]));
        }
        if let Some(cursor) = &page.cursor {
            let key = decode_key(OF_CUSTOMER, cursor)?;
            if !key.starts_with(&prefix) || key.len() != prefix.len() + 24 {
                return Err(QueryError::InvalidCursor);
            }
            narrow(&mut range, key, filter.is_ascending);
        }
        let mut found = InsightPage::default();
        let mut last_key = Vec::new();
        let mut broken = None;
        store.scan(&range, order(filter), &mut |key, value| match Insight::decode(value) {
            Ok(insight) if !matches(filter, &insight) => ControlFlow::Continue(()),
            Ok(_) if found.insights.len() == page.limit => {
                found.next = Some(encode_key(OF_CUSTOMER, &last_key));
                ControlFlow::Break(())
            }
            Ok(insight) => {
                found.insights.push(KnownInsight { insight, outcome: None });
                last_key = key.to_vec();
                ControlFlow::Continue(())
            }
            Err(error) => {
                broken = Some(StoreError(format!("an insight: {error}")));
                ControlFlow::Break(())
            }
        })?;
        if let Some(error) = broken {
            return Err(error.into());
        }
        for known in &mut found.insights {
            known.outcome = outcome_of(store, &known.insight)?;
        }
        Ok(found)
    }

    /// One insight; none when the customer has no such.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn insight(&self, customer: &CustomerId, id: InsightId) -> Result<Option<KnownInsight>, QueryError> {
        let (lane, store) = self.home_of(customer)?;
        let mut found = None;
        let range = KeyRange::prefix(&keys::insights_prefix(lane, customer));
        store.scan(&range, Order::Descending, &mut |key, value| {
            if keys::parse_insight_end(key).is_some_and(|(_, other)| other == id) {
                found = Some(value.to_vec());
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        let Some(bytes) = found else { return Ok(None) };
        let insight = Insight::decode(&bytes).map_err(|error| StoreError(format!("an insight: {error}")))?;
        let outcome = outcome_of(store, &insight)?;
        Ok(Some(KnownInsight { insight, outcome }))
    }

    /// The insights of all customers, by the time at which they were raised.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn insights(&self, filter: &InsightFilter, page: &PageRequest) -> Result<InsightPage, QueryError> {
        self.catch_up();
        let mut range = KeyRange::prefix(&keys::all_of(b'j'));
        if let Some(times) = filter.range {
            range = KeyRange { from: keys::insights_at(times.from), to: keys::insights_at(times.to) };
        }
        if let Some(cursor) = &page.cursor {
            let key = decode_key(OF_ALL, cursor)?;
            keys::parse_insight_by_time(&key).ok_or(InvalidCursor)?;
            narrow(&mut range, key, filter.is_ascending);
        }
        let mut found = InsightPage::default();
        let mut last_key = Vec::new();
        for row in Merged::new(self, &range, filter.is_ascending) {
            let (key, value, store) = row?;
            let Some(insight) = self.indexed(filter, &key, &value, store)? else { continue };
            if found.insights.len() == page.limit {
                found.next = Some(encode_key(OF_ALL, &last_key));
                break;
            }
            let outcome = outcome_of(store, &insight)?;
            found.insights.push(KnownInsight { insight, outcome });
            last_key = key;
        }
        Ok(found)
    }

    /// The insight that a row of the index names, if it passes the filter.
    fn indexed(
        &self,
        filter: &InsightFilter,
        key: &[u8],
        value: &[u8],
        store: &dyn StateReader,
    ) -> Result<Option<Insight>, StoreError> {
        let broken = |error| StoreError(format!("the index of insights: {error}"));
        let entry = IndexEntry::decode(value).map_err(broken)?;
        let passes = filter.kind.is_none_or(|kind| kind == entry.kind)
            && filter.priority.is_none_or(|priority| priority == entry.priority)
            && filter.action_required.is_none_or(|required| required == entry.action_required);
        if !passes || !self.is_in_segment(filter, &entry.customer_id, store)? {
            return Ok(None);
        }
        let Some((raised_at, lane, id)) = keys::parse_insight_by_time(key) else { return Ok(None) };
        let row = store.get(&keys::insight(lane, &entry.customer_id, raised_at, id))?;
        row.map(|bytes| Insight::decode(&bytes)).transpose().map_err(broken)
    }

    #[expect(clippy::unused_self, reason = "reads beside its siblings")]
    fn is_in_segment(
        &self,
        filter: &InsightFilter,
        customer: &CustomerId,
        store: &dyn StateReader,
    ) -> Result<bool, StoreError> {
        let Some(wanted) = &filter.segment else { return Ok(true) };
        let stored = state_row::load(store, Lane::of(customer), customer)?;
        let customer = stored.and_then(|stored| stored.customer);
        Ok(customer.is_some_and(|customer| customer.segment() == Some(wanted)))
    }
}

/// What came of an insight, as far as anybody has said.
fn outcome_of(store: &dyn StateReader, insight: &Insight) -> Result<Option<Outcome>, StoreError> {
    let lane = Lane::of(&insight.customer_id);
    let Some(row) = store.get(&keys::judgement(insight.timestamp, lane, insight.id))? else {
        return Ok(None);
    };
    let row = JudgementRow::decode(&row)
        .map_err(|error| StoreError(format!("what came of an insight: {error}")))?;
    Ok(row.judged.map(|(outcome, _)| outcome))
}

fn order(filter: &InsightFilter) -> Order {
    if filter.is_ascending { Order::Ascending } else { Order::Descending }
}

/// Narrows `range` to what lies behind `key` in the direction of reading.
fn narrow(range: &mut KeyRange, key: Vec<u8>, is_ascending: bool) {
    if is_ascending {
        range.from = behind(&key).max(std::mem::take(&mut range.from));
    } else if range.to.is_empty() || key < range.to {
        range.to = key;
    }
}

fn matches(filter: &InsightFilter, insight: &Insight) -> bool {
    filter.kind.is_none_or(|kind| kind == insight.kind)
        && filter.priority.is_none_or(|priority| priority == insight.priority)
        && filter.action_required.is_none_or(|required| required == insight.action_required)
}

/// The rows of a range in all shards, merged by key.
struct Merged<'a> {
    heads: Vec<Head<'a>>,
    is_ascending: bool,
}

struct Head<'a> {
    store: &'a dyn StateReader,
    range: KeyRange,
    /// The next rows, the nearest last; filled chunk by chunk.
    rows: Vec<RawRow>,
    is_drained: bool,
}

impl<'a> Merged<'a> {
    fn new(queries: &'a Queries, range: &KeyRange, is_ascending: bool) -> Self {
        let head = |store| Head { store, range: range.clone(), rows: Vec::new(), is_drained: false };
        Self { heads: queries.shards.iter().map(|shard| head(shard.store.as_ref())).collect(), is_ascending }
    }
}

impl Head<'_> {
    fn fill(&mut self, is_ascending: bool) -> Result<(), StoreError> {
        if !self.rows.is_empty() || self.is_drained {
            return Ok(());
        }
        let order = if is_ascending { Order::Ascending } else { Order::Descending };
        self.rows = rows_of(self.store, &self.range, order, CHUNK_ROWS)?;
        self.is_drained = self.rows.len() < CHUNK_ROWS;
        if let Some((key, _)) = self.rows.last() {
            narrow(&mut self.range, key.clone(), is_ascending);
        }
        self.rows.reverse();
        Ok(())
    }
}

impl<'a> Iterator for Merged<'a> {
    type Item = Result<(Vec<u8>, Vec<u8>, &'a dyn StateReader), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        for head in &mut self.heads {
            if let Err(error) = head.fill(self.is_ascending) {
                return Some(Err(error));
            }
        }
        let key = |head: &Head<'_>| head.rows.last().map(|(key, _)| key.clone());
        let filled = self.heads.iter_mut().filter(|head| !head.rows.is_empty());
        let nearest =
            if self.is_ascending { filled.min_by_key(|h| key(h)) } else { filled.max_by_key(|h| key(h)) };
        let head = nearest?;
        let store = head.store;
        head.rows.pop().map(|(key, value)| Ok((key, value, store)))
    }
}
