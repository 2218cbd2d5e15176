//! What was learnt, and how well.

use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// What the model in force has learnt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LearningStatus {
    /// The model's number: 0 before anything was learnt.
    pub model_version: u64,
    /// Up to when it learnt; null before anything was learnt.
    pub learnt_until: Option<Time>,
    /// Products that it knows.
    pub products: usize,
    /// Rows that wait until it is known what came about.
    pub rows_waiting: usize,
    /// Its learners.
    pub learners: Vec<LearnerBody>,
}

/// One learner: a probability that is learnt from what came about, and its analytic fallback.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LearnerBody {
    /// What it says: `bought_again` (on the day of a purchase, of the same product), `due` (on any day, of a
    /// product bought before), `order` (of a customer) or `new_product` (of what a customer has never bought, which
    /// an order takes).
    pub name: &'static str,
    /// How many days ahead; 0: with the order.
    pub days_ahead: u8,
    /// Labels that it has learnt from.
    pub labels: u64,
    /// The rolling log-loss of what was learnt, in nats: less is better; null while there are too few labels.
    pub log_loss: Option<f64>,
    /// The same of the fallback, on the same labels.
    pub fallback_log_loss: Option<f64>,
    /// `analytic`, `straightened` or `learnt`.
    pub stage: &'static str,
    /// Which form is used now, in words.
    pub speaks: &'static str,
    /// Why, in words.
    pub note: String,
}
