//! All segments and the moves between them.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, Time};

/// All segments, ours best first, then those of outside models.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SegmentReport {
    /// The time that moves cover, such as `24 hours`.
    pub time_range: String,
    /// Customers who are in a segment.
    pub customers: u64,
    /// The segments.
    pub segments: Vec<SegmentSummary>,
    /// The moves, without those that did not happen.
    pub matrix: Vec<SegmentMove>,
    /// How the segments did over that time.
    pub performance: SegmentPerformance,
}

/// One segment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SegmentSummary {
    /// The name for people.
    pub name: String,
    /// The name in paths and channels; null for a segment of an outside model.
    pub slug: Option<String>,
    /// Customers who are in it.
    pub customers: u64,
    /// Of all customers in a segment, in percent.
    pub share: f64,
    /// What its customers spent in all.
    pub revenue: Amount,
    /// Customers who entered it.
    pub moved_in: u64,
    /// Customers who left it.
    pub moved_out: u64,
    /// Orders of that time by customers who were in it.
    pub orders: u64,
    /// What these, and what was returned, came to.
    pub sales: Amount,
}

/// How segments did, hour by hour or day by day.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentPerformance {
    /// `hour` or `day`; days are the shop's.
    pub interval: &'static str,
    /// Oldest first, from the first in which anything went on.
    pub periods: Vec<SegmentPeriod>,
}

/// One hour or day of all segments.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentPeriod {
    /// Its first instant.
    pub from: Time,
    /// Segments that had customers, moves or sales.
    pub segments: Vec<SegmentOfPeriod>,
}

/// A segment in one hour or day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SegmentOfPeriod {
    /// The name for people.
    pub name: String,
    /// How many customers were in it at the end.
    pub customers: u64,
    /// Customers who entered it.
    pub moved_in: u64,
    /// Customers who left it.
    pub moved_out: u64,
    /// Orders by customers who were in it before.
    pub orders: u64,
    /// What these, and what was returned, came to.
    pub sales: Amount,
}

/// How many customers moved from one segment to another.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentMove {
    /// From; null for customers who were in none before.
    pub from: Option<String>,
    /// To.
    pub to: String,
    /// How many.
    pub customers: u64,
}
