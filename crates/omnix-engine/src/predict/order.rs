//! How unusual an order is.

use omnix_model::Timestamp;

use crate::customer::{Burst, Hours};
use crate::detect::behavior_anomaly;
use crate::{Context, Customer};

/// What the amount of an order means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderVerdict {
    /// The sum of its purchases' amounts, in millionths.
    pub amount: i128,
    /// The normal-equivalent score of the amount against the customer's orders before: 0 ordinary, positive
    /// higher, negative lower; none with too little history, or for what was free.
    pub score: Option<f64>,
    /// Whether the amount is worth an alert, or was found to be while the order grew.
    pub is_alert: bool,
}

/// What the amount of the customer's latest order means, as far as its lines have come; none without an order.
#[must_use]
pub fn verdict(customer: &Customer, context: &Context<'_>) -> Option<OrderVerdict> {
    let basket = customer.head.basket.as_ref()?;
    let (score, is_alert) = behavior_anomaly::verdict(basket, context);
    Some(OrderVerdict { amount: basket.amount, score, is_alert })
}

/// How unusual it is, in orders, that a customer (none: a stranger) places one more order at `at`, so soon after
/// the others; and whether that is an alert.
#[must_use]
pub fn burst(customer: Option<&Customer>, at: Timestamp) -> (f64, bool) {
    let before = customer.map_or_else(Burst::default, |customer| customer.head.burst);
    behavior_anomaly::burst_verdict(before, at)
}

/// How unusual the hour of an order at `at` is for a customer (none: a stranger), and whether that is an alert.
///
/// The logarithm of how many times less likely it is than an ordinary order of theirs; none where too little is known,
/// without a time of day, or for another order of the same hour and day.
#[must_use]
pub fn hour(customer: Option<&Customer>, at: Timestamp, context: &Context<'_>) -> (Option<f64>, bool) {
    let before = customer.map_or_else(Hours::default, |customer| customer.head.hours);
    behavior_anomaly::hour_verdict(&before, at, context)
}
