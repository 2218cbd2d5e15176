//! Whether a customer will order again.

use omnix_model::Timestamp;

use crate::calendar;
use crate::math;
use crate::{Context, Customer};

/// Days ahead for which [`visit`] speaks.
pub const VISIT_DAYS: u16 = 60;

/// The probability that `customer` orders on one of the next 60 days, the first of which begins at `at`.
///
/// `1 - 2^-w`, `w` the customer's order days, one of 60 days ago counting half: orders that keep coming as they
/// lately came are a Poisson process of rate `w ln 2 / 60` a day. The order days are taken to lie evenly between
/// the first and the last.
#[must_use]
pub fn visit(customer: &Customer, at: Timestamp, context: &Context<'_>) -> f64 {
    let head = &customer.head;
    let half_life = f64::from(VISIT_DAYS);
    let today = calendar::day_of(&context.settings.time_zone, at);
    let silent_days = f64::from(today.saturating_sub(head.last_order_day).max(0));
    let days = f64::from(head.order_days);
    let span = f64::from(head.last_order_day.saturating_sub(head.first_order_day));
    let lately = if head.order_days < 2 || span <= 0.0 {
        days
    } else {
        let kept = math::decay(span / (days - 1.0), half_life);
        (1.0 - math::pow(kept, days)) / (1.0 - kept)
    };
    1.0 - math::exp2(-lately * math::decay(silent_days, half_life))
}
