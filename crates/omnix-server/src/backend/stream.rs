//! The worker's handle as a backend.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use omnix_engine::{Profile, RecommendRequest, Recommendations};
use omnix_model::{CustomerId, InsightId, Judgement, RejectedEvent};
use omnix_worker::explain::{ExplainError, Explanation};
use omnix_worker::{
    Counters, CustomerRow, FeedCursor, FeedMessage, FeedPage, Health, InsightFilter, InsightPage, Interval,
    JudgeError, KnownInsight, Learning, NewEvent, Overview, PageRequest, PublishError, QueryError, Receipt,
    Refusal, RejectedFilter, RejectedRow, SegmentsReport, ShardStatus, StreamCounts, StreamHandle, TimeRange,
};
use tokio::sync::broadcast;

use super::{Backend, CustomerFilter};

impl Backend for StreamHandle {
    fn publish(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<Receipt>, PublishError>> {
        Self::publish(self, events).boxed()
    }

    fn reject(&self, event: RejectedEvent) {
        Self::reject(self, event);
    }

    fn not_ready(&self) -> Option<Refusal> {
        match self.health() {
            Health::Ready => None,
            Health::LogDamaged => Some(Refusal::LogDamaged),
            Health::Stopping | Health::Failed(_) => Some(Refusal::Unavailable),
        }
    }

    fn counters(&self) -> &Counters {
        Self::counters(self)
    }

    fn live(&self) -> broadcast::Receiver<Arc<FeedMessage>> {
        Self::live(self)
    }

    fn insights_of(
        &self,
        customer: &CustomerId,
        filter: &InsightFilter,
        page: &PageRequest,
    ) -> Result<InsightPage, QueryError> {
        self.queries().insights_of(customer, filter, page)
    }

    fn insights(&self, filter: &InsightFilter, page: &PageRequest) -> Result<InsightPage, QueryError> {
        self.queries().insights(filter, page)
    }

    fn insight(&self, customer: &CustomerId, id: InsightId) -> Result<Option<KnownInsight>, QueryError> {
        self.queries().insight(customer, id)
    }

    fn explain(
        &self,
        customer: &CustomerId,
        id: InsightId,
        is_abandoned: &dyn Fn() -> bool,
    ) -> Result<Option<Explanation>, ExplainError> {
        self.explainer().explain(customer, id, is_abandoned)
    }

    fn judge(&self, judgement: Judgement) -> BoxFuture<'_, Result<(), JudgeError>> {
        Self::judge(self, judgement).boxed()
    }

    fn overview(&self, range: TimeRange) -> Result<Overview, QueryError> {
        self.queries().overview(range)
    }

    fn profile(&self, customer: &CustomerId) -> Result<Option<Profile>, QueryError> {
        self.queries().profile(customer)
    }

    fn customers(
        &self,
        filter: &CustomerFilter,
        page: &PageRequest,
    ) -> Result<(Vec<CustomerRow>, Option<String>), QueryError> {
        self.queries().customers(&filter.prefix, filter.segment.as_ref(), filter.sort, page)
    }

    fn recommend(
        &self,
        customer: &CustomerId,
        request: &RecommendRequest,
    ) -> Result<(Recommendations, u64), QueryError> {
        self.queries().recommend(customer, request)
    }

    fn segments(&self, range: TimeRange, interval: Interval) -> Result<SegmentsReport, QueryError> {
        self.queries().segments(range, interval)
    }

    fn shards(&self) -> Vec<ShardStatus> {
        self.queries().shards()
    }

    fn learning(&self) -> Learning {
        self.queries().learning()
    }

    fn counts(&self, minutes: u32) -> Result<StreamCounts, QueryError> {
        self.queries().counts(minutes)
    }

    fn rejected(
        &self,
        filter: &RejectedFilter,
        page: &PageRequest,
    ) -> Result<(Vec<RejectedRow>, Option<String>), QueryError> {
        self.queries().rejected(filter, page)
    }

    fn rejected_by_id(&self, id: &str) -> Result<Option<RejectedRow>, QueryError> {
        self.queries().rejected_by_id(id)
    }

    fn feed_after(&self, after: &FeedCursor, limit: usize) -> Result<FeedPage, QueryError> {
        self.queries().feed_after(after, limit)
    }

    fn feed_bounds(&self) -> Result<(FeedCursor, FeedCursor), QueryError> {
        self.queries().feed_bounds()
    }
}
