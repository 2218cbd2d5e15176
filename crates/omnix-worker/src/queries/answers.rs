//! What is asked and what is answered, in the model's words.

use omnix_engine::LearnerStatus;
use omnix_model::{
    CustomerId, ErrorCode, Insight, InsightKind, Outcome, Position, Priority, RejectedEvent, SegmentName,
    ShardId, Suppressed, Timestamp,
};

use crate::FeedCursor;
use crate::rollup::Verdicts;

/// A range of time, `from` included, `to` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant behind the range.
    pub to: Timestamp,
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// How many entries at the most.
    pub limit: usize,
    /// Where the page before ended: what it gave as `next`.
    pub cursor: Option<String>,
}

/// Which insights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InsightFilter {
    /// When they were raised.
    pub range: Option<TimeRange>,
    /// Which kind.
    pub kind: Option<InsightKind>,
    /// Which priority.
    pub priority: Option<Priority>,
    /// Of customers who are in this segment now.
    pub segment: Option<SegmentName>,
    /// Whether somebody should do something.
    pub action_required: Option<bool>,
    /// Oldest first instead of newest first.
    pub is_ascending: bool,
}

/// An insight as it is read: what was raised, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownInsight {
    /// What was raised.
    pub insight: Insight,
    /// What came of it, as far as anybody has said.
    pub outcome: Option<Outcome>,
}

/// A page of insights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InsightPage {
    /// The insights.
    pub insights: Vec<KnownInsight>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// Insights by kind and priority, indexed by their stored numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InsightTally {
    /// By kind.
    pub by_kind: [u64; 4],
    /// By priority.
    pub by_priority: [u64; 4],
}

/// What came of insights, by the kind's number, the priority's and the outcome's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JudgementTally(pub [[Verdicts; 4]; 4]);

impl JudgementTally {
    /// Those of one kind, and of one priority; of all where none is named.
    #[must_use]
    pub fn of(&self, kind: Option<InsightKind>, priority: Option<Priority>) -> Verdicts {
        let is_wanted = |wanted: Option<u8>, number: u8| wanted.is_none_or(|wanted| wanted == number);
        let mut sum = Verdicts::default();
        for (of, row) in (0_u8..).zip(&self.0) {
            for (urgency, verdicts) in (0_u8..).zip(row) {
                if is_wanted(kind.map(InsightKind::number), of)
                    && is_wanted(priority.map(Priority::number), urgency)
                {
                    sum.iter_mut().zip(verdicts).for_each(|(sum, count)| *sum += count);
                }
            }
        }
        sum
    }
}

/// Latency from acceptance to commit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LatencySummary {
    /// Mean, in milliseconds.
    pub average_ms: f64,
    /// Median, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile, in milliseconds.
    pub p99_ms: f64,
}

/// How the whole system does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Overview {
    /// Insights raised.
    pub insights: InsightTally,
    /// What came of them, as far as anybody has said.
    pub judged: JudgementTally,
    /// From acceptance to commit.
    pub latency: LatencySummary,
    /// Events applied.
    pub applied: u64,
    /// Events refused or not applied.
    pub failed: u64,
    /// Insights held back, by reason.
    pub suppressed: Suppressed,
    /// Where the range begins, or the first hour in it in which anything went on.
    pub since: Timestamp,
}

/// What went through the stream. A record here is an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamCounts {
    /// Accepted.
    pub incoming_records: u64,
    /// Applied.
    pub outgoing_records: u64,
    /// Bytes accepted, before compression.
    pub incoming_bytes: u64,
    /// Bytes applied, before compression.
    pub outgoing_bytes: u64,
    /// Acknowledged.
    pub successful_records: u64,
    /// Refused or not applied.
    pub failed_records: u64,
    /// Publishing requests answered with 429 or 503.
    pub write_throttled: u64,
    /// Reads that were throttled; always 0 where nothing throttles them.
    pub read_throttled: u64,
    /// Age of the oldest event that is durable but not applied, in milliseconds.
    pub iterator_age_ms: u64,
}

/// One shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardStatus {
    /// Which.
    pub shard: ShardId,
    /// The first key of its hash range.
    pub first_hash_key: u128,
    /// The last key of its hash range.
    pub last_hash_key: u128,
    /// The last durable position.
    pub latest: Position,
    /// The last applied position.
    pub checkpoint: Position,
    /// Age of the oldest event that is durable but not applied, in milliseconds.
    pub iterator_age_ms: u64,
}

/// How customers are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerSort {
    /// By id, all of them.
    Id,
    /// By what they spent, most first: the first 10,000.
    Value,
    /// By their last purchase, latest first: the first 10,000.
    LastSeen,
}

/// One customer of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerRow {
    /// Who.
    pub customer_id: CustomerId,
    /// Their segment.
    pub segment: Option<SegmentName>,
    /// What they spent, in millionths.
    pub total_spent: i128,
    /// Their last purchase.
    pub last_purchase_at: Option<Timestamp>,
}

/// One segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentRow {
    /// Which.
    pub name: SegmentName,
    /// How many customers are in it.
    pub customers: u64,
    /// What they spent in all, in millionths.
    pub revenue: i128,
    /// Customers who entered it in the range.
    pub moved_in: u64,
    /// Customers who left it in the range.
    pub moved_out: u64,
    /// Orders of the range by customers who were in it.
    pub orders: u64,
    /// What these and their returns came to, in millionths.
    pub sales: i128,
}

/// By which time segments are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// By the hour.
    Hour,
    /// By the shop's day.
    Day,
}

/// A segment in one hour or day.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentOfPeriod {
    /// Which.
    pub name: SegmentName,
    /// How many customers were in it at the end.
    pub customers: u64,
    /// Customers who entered it.
    pub moved_in: u64,
    /// Customers who left it.
    pub moved_out: u64,
    /// Orders by customers who were in it.
    pub orders: u64,
    /// What these and their returns came to, in millionths.
    pub sales: i128,
}

/// One hour or day of all segments.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentPeriod {
    /// Its first instant.
    pub from: Timestamp,
    /// Segments that had customers, moves or sales.
    pub segments: Vec<SegmentOfPeriod>,
}

/// How many customers moved from one segment to another.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentFlow {
    /// From; none for customers not in one before.
    pub from: Option<SegmentName>,
    /// To.
    pub to: SegmentName,
    /// How many.
    pub customers: u64,
}

/// All segments and what moved between them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SegmentsReport {
    /// The segments: ours, best first, then outside ones.
    pub segments: Vec<SegmentRow>,
    /// The moves of the range.
    pub flows: Vec<SegmentFlow>,
    /// Customers in all.
    pub customers: u64,
    /// The hours or days of the range, oldest first, from the first in which anything went on.
    pub periods: Vec<SegmentPeriod>,
}

/// Which rejected events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RejectedFilter {
    /// With this code.
    pub code: Option<ErrorCode>,
}

/// One rejected event.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectedRow {
    /// Its id in the list.
    pub id: String,
    /// The event.
    pub event: RejectedEvent,
}

/// One message of the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedMessage {
    /// Where it stands: the same after any restart.
    pub position: Position,
    /// Its number among the messages of that position.
    pub index: u16,
    /// The insight it brings.
    pub insight: Insight,
    /// The customer's segment when it was raised.
    pub segment: Option<SegmentName>,
}

/// A piece of the feed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedPage {
    /// The messages, each customer's in order.
    pub messages: Vec<FeedMessage>,
    /// The cursor right behind them.
    pub next: FeedCursor,
    /// Whether older messages were asked for than are kept.
    pub has_gap: bool,
}

/// What the model in force has learnt, and how well.
#[derive(Debug, Clone, PartialEq)]
pub struct Learning {
    /// The model's number.
    pub model: u64,
    /// The end of the last epoch that it learnt from; none for the seed.
    pub until: Option<Timestamp>,
    /// Products that it knows.
    pub products: usize,
    /// Rows that wait for a label.
    pub rows_waiting: usize,
    /// Its learners.
    pub learners: Vec<Learner>,
}

/// One learner of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learner {
    /// What it says: a stable name.
    pub name: &'static str,
    /// How many days ahead.
    pub days: u8,
    /// How well.
    pub status: LearnerStatus,
}
