//! Whether a customer will order again.

use omnix_model::Timestamp;

use crate::look::visit_figures;
use crate::model::probability;
use crate::{Context, Customer, calendar};

/// Days ahead for which [`visit`] speaks.
pub const VISIT_DAYS: u16 = 60;

/// The probability that `customer` orders on one of the next 60 days, the first of which begins at `at`.
#[must_use]
pub fn visit(customer: &Customer, at: Timestamp, context: &Context<'_>) -> f64 {
    let today = calendar::day_of(&context.settings.time_zone, at);
    let head = &customer.head;
    let figures = visit_figures(head, &head.amounts, today, context.model);
    probability(context.model.learners().visit(&figures))
}
