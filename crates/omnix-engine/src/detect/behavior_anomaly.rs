//! `behavior_anomaly`: an order that is unlike this customer, by its amount, by one of its lines, by its hour, or by
//! how fast orders follow.
//!
//! The amount: ln(amount) against the customer's own history, shrunk towards all customers and corrected by
//! the drift of all orders, as a normal-equivalent score; once as a whole, once for what is in the order. A line:
//! far above what its product usually comes to. Each is worth an alert above the model's threshold, which
//! keeps a budget of alerts, and above the setting's deviation from what is usual. Scored from the second
//! order on. A single low order is no alert: it cannot be told from chance. Amount and lines of an order are one
//! insight, orders in short time another. The hour, where it is fifty times less likely than the customer's ordinary
//! ones, is told with them, never alone: when a shop sells at midnight for once, it is unusual for everybody.
//!
//! Deliberately not here: the thresholds and how they are learnt (`model`). Nor orders of products that the customer
//! has never bought: where most orders have some, too many are.

mod amount;
mod burst;
mod hour;
mod line;
mod order;

use omnix_model::Purchase;

use crate::basket::Basket;
use crate::detect::Rule;
use crate::stage::Stage;

pub(crate) use amount::{expectation, verdict};
pub(crate) use burst::verdict as burst_verdict;
pub(crate) use hour::verdict as hour_verdict;

/// The rule that speaks of an order, by its amount, its lines and its hour.
const RULE: &str = "behavior_anomaly.order";

/// Looks at the hour, counts the order as one more in short time, and works out from which amount on it is an alert.
pub(crate) fn at_basket_start(stage: &mut Stage<'_>, basket: &mut Basket) {
    amount::at_basket_start(stage, basket);
    burst::at_basket_start(stage, basket);
    hour::at_basket_start(stage, basket);
}

/// Looks at the first line of a product in the order. `usual_quantity` is what the customer usually buys of it, as
/// ln(1 + pieces); none before the first time.
pub(crate) fn at_line(
    stage: &mut Stage<'_>,
    basket: &mut Basket,
    line: &Purchase,
    usual_quantity: Option<f64>,
) {
    let was_odd = basket.odd_line.is_some();
    line::look(stage, basket, line, usual_quantity);
    if !was_odd && basket.odd_line.is_some() && basket.is_amount_odd {
        order::count_second(stage);
    }
}

/// Says at once what further lines can only confirm.
pub(crate) fn while_growing(stage: &mut Stage<'_>, basket: &mut Basket) {
    let is_new = amount::while_growing(basket);
    if is_new || (basket.odd_line.is_some() && basket.raised(Rule::Order).is_none()) {
        order::say(stage, basket, is_new);
    }
}

/// Looks at the whole order, and takes it into the customer's history.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) {
    let is_new = amount::at_basket_end(stage, basket);
    order::say(stage, basket, is_new);
}

/// Says what depends on there being no further line, or notes when that will be so.
pub(crate) fn settle(stage: &mut Stage<'_>, basket: &mut Basket) {
    if amount::settle(stage, basket) {
        order::say(stage, basket, true);
    }
}

/// No further line can belong to the order.
pub(crate) fn at_basket_close(stage: &mut Stage<'_>, basket: &mut Basket) {
    if amount::at_basket_close(basket) {
        order::say(stage, basket, true);
    }
}

/// What the order teaches about all orders.
pub(crate) fn observe(stage: &mut Stage<'_>, basket: &Basket) {
    amount::observe(stage, basket);
}
