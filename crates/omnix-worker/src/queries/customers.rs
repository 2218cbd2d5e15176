//! Customers: one, all, and what to offer them.

use std::ops::ControlFlow;

use omnix_engine::{Profile, RecommendRequest, Recommendations, profile, recommend};
use omnix_model::{CustomerId, Lane, SegmentName};
use omnix_storage::{KeyRange, Order, StoreError};

use super::{CustomerRow, CustomerSort, PageRequest, Queries, QueryError, ShardView, behind};
use crate::cursor::{decode_key, encode_key};
use crate::{keys, state_row};

/// The letter of cursors into the customers by id.
const BY_ID: char = 'c';
/// The letter of cursors into a ranking: the number of entries before the page.
const BY_RANK: char = 'n';

impl Queries {
    /// A customer's profile; none for one never seen.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn profile(&self, customer: &CustomerId) -> Result<Option<Profile>, QueryError> {
        let (lane, store) = self.home_of(customer)?;
        let stored = state_row::load(store, lane, customer)?;
        let (model, now) = (self.model.load(), self.clock.now());
        let customer = stored.and_then(|stored| stored.customer);
        Ok(customer.map(|customer| profile(&customer, &model, &self.settings, now)))
    }

    /// What to offer a customer, known or not, and the number of the model that says so.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn recommend(
        &self,
        customer: &CustomerId,
        request: &RecommendRequest,
    ) -> Result<(Recommendations, u64), QueryError> {
        let (lane, store) = self.home_of(customer)?;
        let stored = state_row::load(store, lane, customer)?;
        let model = self.model.load();
        let customer = stored.as_ref().and_then(|stored| stored.customer.as_ref());
        let lists = recommend(customer, &model, &self.settings, request, self.clock.now());
        Ok((lists, model.number()))
    }

    /// Customers whose ids begin with `prefix`, in `segment` when one is named, and the cursor of the next page.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn customers(
        &self,
        prefix: &str,
        segment: Option<&SegmentName>,
        sort: CustomerSort,
        page: &PageRequest,
    ) -> Result<(Vec<CustomerRow>, Option<String>), QueryError> {
        self.catch_up();
        match sort {
            CustomerSort::Id => self.customers_by_id(prefix, segment, page),
            CustomerSort::Value | CustomerSort::LastSeen => {
                self.customers_by_rank(prefix, segment, sort, page)
            }
        }
    }

    fn customers_by_id(
        &self,
        prefix: &str,
        segment: Option<&SegmentName>,
        page: &PageRequest,
    ) -> Result<(Vec<CustomerRow>, Option<String>), QueryError> {
        let after = page.cursor.as_deref().map(|cursor| decode_key(BY_ID, cursor)).transpose()?;
        let mut rows = Vec::new();
        for (shard, lane) in self.lanes() {
            let mut range = KeyRange::prefix(&keys::states_of_lane(lane, prefix));
            if let Some(after) = &after {
                let text = std::str::from_utf8(after).or(Err(QueryError::InvalidCursor))?;
                let id = CustomerId::new(text).or(Err(QueryError::InvalidCursor))?;
                range.from = behind(&keys::state_part(lane, &id, u16::MAX)).max(range.from);
            }
            let mut of_lane = 0;
            visit_customers(shard, lane, &range, &mut |row| {
                if segment.is_none_or(|wanted| row.segment.as_ref() == Some(wanted)) {
                    rows.push(row);
                    of_lane += 1;
                }
                // One more than the page tells whether there is another.
                if of_lane > page.limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
        }
        rows.sort_by(|a, b| a.customer_id.cmp(&b.customer_id));
        let has_more = rows.len() > page.limit;
        rows.truncate(page.limit);
        let next = rows
            .last()
            .filter(|_| has_more)
            .map(|row| encode_key(BY_ID, row.customer_id.as_str().as_bytes()));
        Ok((rows, next))
    }

    fn customers_by_rank(
        &self,
        prefix: &str,
        segment: Option<&SegmentName>,
        sort: CustomerSort,
        page: &PageRequest,
    ) -> Result<(Vec<CustomerRow>, Option<String>), QueryError> {
        let skip = match page.cursor.as_deref().map(|cursor| decode_key(BY_RANK, cursor)).transpose()? {
            None => 0,
            Some(bytes) => {
                let count: [u8; 4] = bytes.try_into().or(Err(QueryError::InvalidCursor))?;
                usize::try_from(u32::from_be_bytes(count)).or(Err(QueryError::InvalidCursor))?
            }
        };
        let mut ranking = crate::ranking::Ranking::new(sort);
        for (shard, lane) in self.lanes() {
            let range = KeyRange::prefix(&keys::states_of_lane(lane, prefix));
            visit_customers(shard, lane, &range, &mut |row| {
                if segment.is_none_or(|wanted| row.segment.as_ref() == Some(wanted)) {
                    ranking.offer(row);
                }
                ControlFlow::Continue(())
            })?;
        }
        let ranked = ranking.into_rows();
        let rows: Vec<CustomerRow> = ranked.iter().skip(skip).take(page.limit).cloned().collect();
        let taken = skip + rows.len();
        let next = u32::try_from(taken).ok().filter(|_| taken < ranked.len());
        Ok((rows, next.map(|taken| encode_key(BY_RANK, &taken.to_be_bytes()))))
    }

    fn lanes(&self) -> impl Iterator<Item = (&ShardView, Lane)> {
        self.shards.iter().flat_map(|shard| shard.lanes.iter().map(move |lane| (shard, lane)))
    }
}

/// Calls `visit` for each customer of a range of states, until it breaks.
fn visit_customers(
    shard: &ShardView,
    lane: Lane,
    range: &KeyRange,
    visit: &mut dyn FnMut(CustomerRow) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut parts: Vec<(u16, Vec<u8>)> = Vec::new();
    let mut whose: Option<CustomerId> = None;
    let mut outcome = Ok(ControlFlow::Continue(()));
    shard.store.scan(range, Order::Ascending, &mut |key, value| {
        let Some((id, part)) = keys::parse_state(key) else { return ControlFlow::Continue(()) };
        if whose.as_ref() != Some(&id) {
            outcome = finish(whose.replace(id), &std::mem::take(&mut parts), lane, visit);
        }
        parts.push((part, value.to_vec()));
        match outcome {
            Ok(flow) => flow,
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    if outcome? == ControlFlow::Continue(()) {
        let _ = finish(whose, &parts, lane, visit)?;
    }
    Ok(())
}

fn finish(
    whose: Option<CustomerId>,
    parts: &[(u16, Vec<u8>)],
    lane: Lane,
    visit: &mut dyn FnMut(CustomerRow) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, StoreError> {
    let Some(customer_id) = whose else { return Ok(ControlFlow::Continue(())) };
    let stored =
        state_row::decode(parts).map_err(|error| StoreError(format!("a state in lane {lane}: {error}")))?;
    Ok(stored.and_then(|stored| stored.customer).map_or(ControlFlow::Continue(()), |customer| {
        visit(CustomerRow {
            customer_id,
            segment: customer.segment().cloned(),
            total_spent: customer.total_spent(),
            last_purchase_at: customer.last_purchase_at(),
        })
    }))
}
