//! `behavior_anomaly`: an order that is unlike this customer, by its amount, by one of its lines, or by how fast
//! orders follow.
//!
//! The amount: ln(amount) against the customer's own history, shrunk towards all customers and corrected by
//! the drift of all orders, as a normal-equivalent score; once as a whole, once for what is in the order. A line:
//! far above what its product usually comes to. Each is worth an alert above the model's threshold, which
//! keeps a budget of alerts, and above the setting's deviation from what is usual. Scored from the second
//! order on. A single low order is no alert: it cannot be told from chance.
//!
//! Deliberately not here: the thresholds and how they are learnt (`model`). Nor unusual hours: orders at odd times
//! are too common to be told within a budget that amounts and bursts need.

mod amount;
mod burst;
mod line;

use omnix_model::Purchase;

use crate::basket::Basket;
use crate::stage::Stage;

pub(crate) use amount::{expectation, verdict};
pub(crate) use burst::verdict as burst_verdict;

/// Counts the order as one more in short time, and works out from which amount on it is an alert.
pub(crate) fn at_basket_start(stage: &mut Stage<'_>, basket: &mut Basket) {
    amount::at_basket_start(stage, basket);
    burst::at_basket_start(stage, basket);
}

/// Looks at the first line of a product in the order. `usual_quantity` is what the customer usually buys of it, as
/// ln(1 + pieces); none before the first time.
pub(crate) fn at_line(stage: &Stage<'_>, basket: &mut Basket, line: &Purchase, usual_quantity: Option<f64>) {
    line::look(stage, basket, line, usual_quantity);
}

/// Says at once what further lines can only confirm.
pub(crate) fn while_growing(stage: &mut Stage<'_>, basket: &mut Basket) {
    amount::while_growing(stage, basket);
    line::while_growing(stage, basket);
}

/// Looks at the whole order, and takes it into the customer's history.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) {
    amount::at_basket_end(stage, basket);
    line::say(stage, basket);
}

/// Says what depends on there being no further line, or notes when that will be so.
pub(crate) fn settle(stage: &mut Stage<'_>, basket: &mut Basket) {
    amount::settle(stage, basket);
}

/// No further line can belong to the order.
pub(crate) fn at_basket_close(stage: &mut Stage<'_>, basket: &mut Basket) {
    amount::at_basket_close(stage, basket);
}

/// What the order teaches about all orders.
pub(crate) fn observe(stage: &mut Stage<'_>, basket: &Basket) {
    amount::observe(stage, basket);
}
