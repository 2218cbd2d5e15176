//! All segments and the moves between them.

use serde::Serialize;
use utoipa::ToSchema;

use super::Amount;

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
