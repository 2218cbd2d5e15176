//! A line far above what its product usually comes to: a quantity that was mistyped, most of all.
//!
//! Measured against all lines of the product, against what this customer usually buys of it, and against how much
//! larger than others' the customer's lines are. Each product is judged once an order, by its first line there,
//! which no further line can undo.

use omnix_model::{Figure, Purchase};

use crate::basket::{Basket, OddLine};
use crate::customer::Amounts;
use crate::math;
use crate::priority::Case;
use crate::say::{self, Said, named};
use crate::stage::Stage;

use super::RULE;
use crate::{AmountPrior, LineSums};

/// Lines of a product from which on it is known what is usual.
const LINES_MIN: f64 = 5.0;
/// Times what is usual that a line comes to at the least to be told, whatever the budget allows.
const TIMES_MIN: f64 = 5.0;

/// Looks at the first line of a product in the order: how much more it is than usual, and how much of an order it
/// usually is. `usual_quantity` is what the customer usually buys of it, as ln(1 + pieces); none before the first
/// time.
pub(super) fn look(stage: &Stage<'_>, basket: &mut Basket, line: &Purchase, usual_quantity: Option<f64>) {
    let prior = stage.context.model.amounts();
    let known = stage.context.model.product(&line.product_id).map(crate::Product::lines).unwrap_or_default();
    basket.size = math::narrow(f64::from(basket.size) + prior.line_size(known));
    let amount = say::units(line.total_amount.millionths().into());
    if known.count < LINES_MIN || basket.amounts_before.count == 0 || amount <= 0.0 {
        return;
    }
    let pieces = line.quantity.thousandths() as f64 / 1_000.0;
    let excess = excess(prior, known, basket.amounts_before, math::ln(amount));
    let excess = match usual_quantity {
        Some(usual) => excess.min(math::ln_1p(pieces.max(0.0)) - usual),
        None => excess,
    };
    let score = math::narrow(excess);
    if basket.line_score.is_none_or(|highest| score > highest) {
        basket.line_score = Some(score);
    }
    let times_min = TIMES_MIN.max(1.0 + stage.context.settings.spending_deviation_threshold);
    let is_odd = excess > prior.alert_scores().line && excess > math::ln(times_min);
    if is_odd && basket.odd_line.as_ref().is_none_or(|odd| score > odd.excess) {
        let (product_id, quantity) = (line.product_id.clone(), line.quantity);
        basket.odd_line = Some(OddLine { product_id, quantity, excess: score });
    }
}

/// By how much a line's ln(amount) exceeds what is usual: for the product, and for the customer.
///
/// How much larger than others' a customer's lines are follows from the two measures of their orders: where `a` is
/// an order's ln(amount) and `b` that for its lines, `2 b - a` is ln(amount/size), here against that of all orders,
/// shrunk by one order.
fn excess(prior: &AmountPrior, product: LineSums, customer: Amounts, ln_amount: f64) -> f64 {
    let lean = |whole: f64, for_lines: f64| 2.0 * for_lines - whole;
    let own = lean(customer.whole.mean.into(), customer.for_lines.mean.into());
    let all = lean(prior.whole().mean(), prior.for_lines().mean());
    let orders = f64::from(customer.count);
    let larger = ((own - all) * orders / (orders + 1.0)).max(0.0);
    ln_amount - prior.line_mean(product) - larger
}

/// What is to be said of a line, if one was found to be odd.
pub(super) fn said(stage: &Stage<'_>, basket: &Basket) -> Option<Said> {
    basket.odd_line.as_ref().map(|odd| odd_said(stage, basket, odd))
}

fn odd_said(stage: &Stage<'_>, basket: &Basket, odd: &OddLine) -> Said {
    let customer = stage.context.customer_id.as_str();
    let name = stage.customer.product(&odd.product_id).map(|held| held.shown_name(stage.context.model));
    let name = name.unwrap_or_else(|| odd.product_id.as_str().into());
    let pieces = odd.quantity.thousandths() as f64 / 1_000.0;
    let times = math::exp(odd.excess.into());
    let usual = pieces / times;
    let order = basket.order.as_ref().map_or(Figure::Unknown, |order| say::text(order.as_str()));
    Said {
        rule: RULE,
        case: Case::QuantityUnusual,
        event_timestamp: basket.last_at,
        sentence: format!(
            "Customer {customer} ordered {} of {name}, {times:.0} times what would be usual.",
            say::quantity_text(odd.quantity)
        ),
        params: named([
            ("customerId", say::text(customer)),
            ("productName", say::text(&name)),
            ("quantity", say::number(pieces)),
            ("times", say::number(times)),
        ]),
        figures: named([
            ("anomalyType", say::text("quantity")),
            ("direction", say::text("higher")),
            ("orderId", order),
            ("productId", say::text(odd.product_id.as_str())),
            ("productName", say::text(&name)),
            ("quantity", say::number(pieces)),
            ("usualQuantity", say::number(usual)),
            ("score", say::number(odd.excess.into())),
            ("threshold", say::number(stage.context.model.amounts().alert_scores().line)),
            ("ordersBefore", Figure::Count(basket.amounts_before.count.into())),
        ]),
    }
}
