//! What the server needs of a stream.
//!
//! One implementation, for the worker's handle; the router's tests stand on another. Questions are answered
//! synchronously and may block: routes ask them on threads that may (`App::ask`).

mod stream;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use omnix_engine::{Profile, RecommendRequest, Recommendations};
use omnix_model::{CustomerId, InsightId, Judgement, RejectedEvent, SegmentName};
use omnix_worker::explain::{ExplainError, Explanation};
use omnix_worker::{
    Counters, CustomerRow, CustomerSort, FeedCursor, FeedMessage, FeedPage, InsightFilter, InsightPage,
    Interval, JudgeError, KnownInsight, Learning, NewEvent, Overview, PageRequest, PublishError, QueryError,
    Receipt, Refusal, RejectedFilter, RejectedRow, SegmentsReport, ShardStatus, StreamCounts, TimeRange,
};
use tokio::sync::broadcast;

/// A stream, as far as the server knows it.
pub trait Backend: Send + Sync + 'static {
    /// Hands events in: all are taken or none; answered in their order once they are durable and committed.
    fn publish(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<Receipt>, PublishError>>;
    /// Keeps an event that was refused.
    fn reject(&self, event: RejectedEvent);
    /// Why nothing is taken at the moment; none when all is well.
    fn not_ready(&self) -> Option<Refusal>;
    /// What the stream has counted since it started.
    fn counters(&self) -> &Counters;
    /// The messages of the feed from now on.
    fn live(&self) -> broadcast::Receiver<Arc<FeedMessage>>;

    /// Insights of a customer.
    fn insights_of(
        &self,
        customer: &CustomerId,
        filter: &InsightFilter,
        page: &PageRequest,
    ) -> Result<InsightPage, QueryError>;
    /// Insights of all customers.
    fn insights(&self, filter: &InsightFilter, page: &PageRequest) -> Result<InsightPage, QueryError>;
    /// One insight of a customer, and what came of it.
    fn insight(&self, customer: &CustomerId, id: InsightId) -> Result<Option<KnownInsight>, QueryError>;
    /// Works out how an insight came about; none when there is no such. May take many seconds; asks `is_abandoned`
    /// now and then whether anybody still waits.
    fn explain(
        &self,
        customer: &CustomerId,
        id: InsightId,
        is_abandoned: &dyn Fn() -> bool,
    ) -> Result<Option<Explanation>, ExplainError>;
    /// Notes what came of an insight; answered once it is durable and whoever asks sees it.
    fn judge(&self, judgement: Judgement) -> BoxFuture<'_, Result<(), JudgeError>>;
    /// How the whole system does.
    fn overview(&self, range: TimeRange) -> Result<Overview, QueryError>;
    /// A customer's profile; none for one never seen.
    fn profile(&self, customer: &CustomerId) -> Result<Option<Profile>, QueryError>;
    /// Customers, and the cursor of the next page.
    fn customers(
        &self,
        filter: &CustomerFilter,
        page: &PageRequest,
    ) -> Result<(Vec<CustomerRow>, Option<String>), QueryError>;
    /// What to offer a customer, and the number of the model that says so.
    fn recommend(
        &self,
        customer: &CustomerId,
        request: &RecommendRequest,
    ) -> Result<(Recommendations, u64), QueryError>;
    /// All segments.
    fn segments(&self, range: TimeRange, interval: Interval) -> Result<SegmentsReport, QueryError>;
    /// The shards.
    fn shards(&self) -> Vec<ShardStatus>;
    /// What the model in force has learnt, and how well.
    fn learning(&self) -> Learning;
    /// What went through in the last minutes.
    fn counts(&self, minutes: u32) -> Result<StreamCounts, QueryError>;
    /// Rejected events, newest first, and the cursor of the next page.
    fn rejected(
        &self,
        filter: &RejectedFilter,
        page: &PageRequest,
    ) -> Result<(Vec<RejectedRow>, Option<String>), QueryError>;
    /// One rejected event.
    fn rejected_by_id(&self, id: &str) -> Result<Option<RejectedRow>, QueryError>;
    /// Messages of the feed behind a cursor.
    fn feed_after(&self, after: &FeedCursor, limit: usize) -> Result<FeedPage, QueryError>;
    /// The oldest and the newest place of the feed.
    fn feed_bounds(&self) -> Result<(FeedCursor, FeedCursor), QueryError>;
}

/// Which customers, and in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerFilter {
    /// Whose ids begin with this.
    pub prefix: String,
    /// Who are in this segment.
    pub segment: Option<SegmentName>,
    /// The order.
    pub sort: CustomerSort,
}
