//! The amount of an order against the customer's own history: as a whole, and for what is in it.
//!
//! The whole amount only grows with further lines, so that it may be told at once. What it comes to for its lines
//! may become usual with a further line, so that it is told once the order is closed: when all announced lines are
//! in, another order has begun, or ten minutes have passed since its first line.

use omnix_model::Figure;

use crate::basket::{Basket, OPEN_MS};
use crate::customer::{Amounts, Spread};
use crate::math;
use crate::priority::Case;
use crate::say::{self, Said, named};
use crate::stage::Stage;

use super::RULE;
use crate::{
    AmountExpectation, AmountHistory, AmountLevel, AmountPrior, Context, Customer, Measured, Model,
    Observation, Order, Score,
};

/// Deviation from what is usual above which the insight is of high priority.
const EXTREME: f64 = 1.0;
/// Weight of the newest order in a customer's mean and variance, at the least.
const FORGETTING: f64 = 0.05;

/// An order by one measure.
struct Look {
    y: f64,
    expected: AmountExpectation,
    score: f64,
    /// What such an order of this customer usually comes to, in units of the currency.
    usual: f64,
    /// By how much the amount lies above it (0.5: by half).
    deviation: f64,
}

impl Look {
    /// An order of `amount`, in units of the currency, of whose logarithm `y` is what is not explained.
    fn new(expected: AmountExpectation, amount: f64, y: f64) -> Self {
        let usual = math::exp((expected.mean + math::ln(amount) - y).clamp(-700.0, 700.0));
        let deviation = amount / usual - 1.0;
        Self { y, expected, score: expected.score(y), usual, deviation }
    }

    fn is_unusual(&self, context: &Context<'_>) -> bool {
        self.score > context.model.amounts().alert_scores().amount
            && self.deviation > context.settings.spending_deviation_threshold
    }
}

/// What the amount of an order means.
struct Finding {
    amount: i128,
    whole: Look,
    for_lines: Look,
}

impl Finding {
    /// The amount so far against the baskets before; nothing for what was free.
    fn of(basket: &Basket, model: &Model) -> Option<Self> {
        if basket.amount <= 0 {
            return None;
        }
        let (prior, before) = (model.amounts(), basket.amounts_before);
        let amount = say::units(basket.amount);
        let whole = math::ln(amount);
        let for_lines = AmountPrior::for_lines_of(whole, basket.size.into());
        Some(Self {
            amount: basket.amount,
            whole: Look::new(prior.whole().expect(history(before, before.whole)), amount, whole),
            for_lines: Look::new(
                prior.for_lines().expect(history(before, before.for_lines)),
                amount,
                for_lines,
            ),
        })
    }

    /// By which of the two the order is the more unusual.
    fn is_for_lines(&self) -> bool {
        self.for_lines.score > self.whole.score
    }

    fn lead(&self) -> &Look {
        if self.is_for_lines() { &self.for_lines } else { &self.whole }
    }
}

/// Works out from which amount on the order is an alert.
pub(super) fn at_basket_start(stage: &Stage<'_>, basket: &mut Basket) {
    let before = basket.amounts_before;
    let prior = stage.context.model.amounts();
    if before.count >= 1 {
        let expected = prior.whole().expect(history(before, before.whole));
        let usual = math::exp(expected.mean.clamp(-700.0, 700.0));
        let floor = usual * (1.0 + stage.context.settings.spending_deviation_threshold);
        let alarm = expected.amount_at(prior.alert_scores().amount).max(floor);
        // One millionth more, so that rounding never raises what the order's end would not.
        basket.alarm = say::millionths(alarm).saturating_add(1);
    }
}

/// Finds at once what further lines can only confirm; whether it is new.
pub(super) fn while_growing(basket: &mut Basket) -> bool {
    let is_new = basket.amount >= basket.alarm && basket.amount > 0 && !basket.is_amount_odd;
    basket.is_amount_odd |= is_new;
    is_new
}

/// Looks at the amount of the whole order, and takes it into the customer's history; whether something was found
/// that is new.
pub(super) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) -> bool {
    let Some(finding) = Finding::of(basket, stage.context.model) else { return false };
    let is_unusual = basket.amounts_before.count >= 1 && finding.whole.is_unusual(stage.context);
    let is_new = is_unusual && !basket.is_amount_odd;
    basket.is_amount_odd |= is_unusual;
    stage.customer.head_mut().amounts = learnt(basket.amounts_before, &finding, stage.context.model);
    is_new
}

/// Finds what the order comes to for what is in it, if that is unusual and no further line can belong to it; else
/// notes when that will be so.
pub(super) fn settle(stage: &Stage<'_>, basket: &mut Basket) -> bool {
    basket.closes_at = None;
    if basket.is_amount_odd || basket.amounts_before.count == 0 {
        return false;
    }
    let finding = Finding::of(basket, stage.context.model);
    if !finding.is_some_and(|finding| finding.for_lines.is_unusual(stage.context)) {
        return false;
    }
    let closes_at = basket.first_at.plus_ms(OPEN_MS);
    let is_closed = stage.moment.is_history || basket.is_complete() || closes_at <= stage.moment.now;
    basket.is_amount_odd = is_closed;
    basket.closes_at = (!is_closed).then_some(closes_at);
    is_closed
}

/// Finds what was left open until no further line could belong to the order.
pub(super) fn at_basket_close(basket: &mut Basket) -> bool {
    let is_new = basket.closes_at.take().is_some();
    basket.is_amount_odd |= is_new;
    is_new
}

/// What the customer's next order is expected to come to; nothing before the first.
pub(crate) fn expectation(customer: &Customer, model: &Model) -> Option<AmountExpectation> {
    let amounts = customer.head.amounts;
    (amounts.count >= 1).then(|| model.amounts().whole().expect(history(amounts, amounts.whole)))
}

/// How unusual the amount of `basket` is, by its normal-equivalent score (none with too little history, or for
/// what was free), and whether it is worth an alert.
pub(crate) fn verdict(basket: &Basket, context: &Context<'_>) -> (Option<f64>, bool) {
    match Finding::of(basket, context.model).filter(|_| basket.amounts_before.count >= 1) {
        Some(finding) => (Some(finding.lead().score), is_alert(context, basket, &finding)),
        None => (None, false),
    }
}

/// What the order teaches about all orders.
pub(super) fn observe(stage: &mut Stage<'_>, basket: &Basket) {
    let Some(finding) = Finding::of(basket, stage.context.model) else { return };
    let before = basket.amounts_before;
    let prior = stage.context.model.amounts();
    let is_alert = is_alert(stage.context, basket, &finding) || basket.odd_line.is_some();
    let line = basket.line_score.map(f64::from);
    let score = Score { z: finding.lead().score, line, is_alert };
    let order = Order {
        whole: measured(before.count, before.whole, &finding.whole, prior.whole()),
        for_lines: measured(before.count, before.for_lines, &finding.for_lines, prior.for_lines()),
        score: (before.count >= 1).then_some(score),
    };
    stage.effects.observations.push(Observation::Order(order));
}

fn measured(count: u32, before: Spread, look: &Look, level: &AmountLevel) -> Measured {
    let orders = f64::from(count) + 1.0;
    let distance = centred(count, look, level.drift()) - f64::from(before.mean);
    Measured {
        y: look.y,
        within: (count >= 1).then_some(distance * distance * (orders - 1.0) / orders),
        residual: (count >= 2).then(|| look.expected.clamp(look.y) - look.expected.mean),
    }
}

fn history(amounts: Amounts, spread: Spread) -> AmountHistory {
    AmountHistory { count: amounts.count.into(), mean: spread.mean.into(), variance: spread.variance.into() }
}

/// Whether the order is worth an alert; what was found while it grew stays.
fn is_alert(context: &Context<'_>, basket: &Basket, finding: &Finding) -> bool {
    let is_unusual = finding.whole.is_unusual(context) || finding.for_lines.is_unusual(context);
    basket.is_amount_odd || (basket.amounts_before.count >= 1 && is_unusual)
}

/// The customer's own part of `y`: `yc = clamp(y, M +- 3 sqrt V)` from the third order on, less the drift.
fn centred(count: u32, look: &Look, drift: f64) -> f64 {
    let y = if count >= 2 { look.expected.clamp(look.y) } else { look.y };
    y - drift
}

fn learnt(before: Amounts, finding: &Finding, model: &Model) -> Amounts {
    let prior = model.amounts();
    let (whole, for_lines) = (prior.whole().drift(), prior.for_lines().drift());
    Amounts {
        count: before.count.saturating_add(1),
        whole: spread(before.count, before.whole, centred(before.count, &finding.whole, whole)),
        for_lines: spread(
            before.count,
            before.for_lines,
            centred(before.count, &finding.for_lines, for_lines),
        ),
    }
}

/// `n += 1; a = max(1/n, 0.05); x = yc - m; m += a x; v += max(1/(n-1), 0.05) (x^2 (n-1)/n - v)`.
fn spread(before_count: u32, before: Spread, y: f64) -> Spread {
    let n = f64::from(before_count) + 1.0;
    let (mean, variance) = (f64::from(before.mean), f64::from(before.variance));
    let x = y - mean;
    let variance = if n >= 2.0 {
        let step = (1.0 / (n - 1.0)).max(FORGETTING);
        variance + step * (x * x * (n - 1.0) / n - variance)
    } else {
        0.0
    };
    Spread { mean: math::narrow(mean + (1.0 / n).max(FORGETTING) * x), variance: math::narrow(variance) }
}

/// What is to be said of the amount, if it was found to be odd.
pub(super) fn said(stage: &Stage<'_>, basket: &Basket) -> Option<Said> {
    if !basket.is_amount_odd {
        return None;
    }
    let finding = Finding::of(basket, stage.context.model)?;
    Some(finding_said(stage, basket, &finding))
}

fn finding_said(stage: &Stage<'_>, basket: &Basket, finding: &Finding) -> Said {
    let customer = stage.context.customer_id.as_str();
    let currency = &stage.context.settings.currency;
    let lead = finding.lead();
    let case = match (finding.is_for_lines(), lead.deviation > EXTREME) {
        (true, _) => Case::AmountForLines,
        (false, true) => Case::AmountExtreme,
        (false, false) => Case::AmountUnusual,
    };
    let usual = say::millionths(lead.usual);
    let amount = say::money_text(finding.amount, currency);
    let more = say::percent_text(lead.deviation);
    let usual_text = say::money_text(usual, currency);
    let sentence = if finding.is_for_lines() {
        format!(
            "Customer {customer} ordered for {amount}, {more} more than the {usual_text} that what is in the order usually comes to for them."
        )
    } else {
        format!("Customer {customer} ordered for {amount}, {more} more than their usual {usual_text}.")
    };
    let order = basket.order.as_ref().map_or(Figure::Unknown, |order| say::text(order.as_str()));
    Said {
        rule: RULE,
        case,
        event_timestamp: basket.last_at,
        sentence,
        params: named([
            ("customerId", say::text(customer)),
            ("amount", say::money(finding.amount)),
            ("usual", say::money(usual)),
            ("deviation", say::number(lead.deviation)),
            ("currency", say::text(currency)),
        ]),
        figures: named([
            ("anomalyType", say::text(if finding.is_for_lines() { "amountForLines" } else { "amount" })),
            ("direction", say::text("higher")),
            ("orderId", order),
            ("lines", Figure::Count(basket.lines.into())),
            ("amount", say::money(finding.amount)),
            ("usual", say::money(usual)),
            ("deviation", say::number(lead.deviation)),
            ("score", say::number(lead.score)),
            ("threshold", say::number(stage.context.model.amounts().alert_scores().amount)),
            ("ordersBefore", Figure::Count(basket.amounts_before.count.into())),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published update, written anew from its formula over a list instead of step by step.
    #[test]
    fn mean_and_variance_are_those_of_the_amounts_while_there_are_few() {
        let ys = [3.0, 3.4, 3.1, 3.3, 2.9];
        let mut own = Spread::default();
        for (count, y) in (0..).zip(ys) {
            own = spread(count, own, y);
        }
        let mean = ys.iter().sum::<f64>() / 5.0;
        let variance = ys.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / 4.0;
        assert!((f64::from(own.mean) - mean).abs() < 1e-6, "{} {mean}", own.mean);
        assert!((f64::from(own.variance) - variance).abs() < 1e-6, "{} {variance}", own.variance);
    }
}
