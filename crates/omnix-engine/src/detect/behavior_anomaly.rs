//! `behavior_anomaly`: an order that is unlike this customer, by its amount or by how fast orders follow.
//!
//! The amount: ln(amount) against the customer's own history, shrunk towards all customers and corrected by
//! the drift of all orders, as a normal-equivalent score; worth an alert above the model's threshold, which
//! keeps a budget of alerts, and above the setting's deviation from what is usual. Scored from the second
//! order on. A single low order is no alert: it cannot be told from chance.
//!
//! Bursts: a count of orders with a half-life of 6 hours, less what is usual for the customer.
//!
//! Deliberately not here: the threshold and how it is learnt (`model`).

use omnix_model::{Figure, Timestamp};

use crate::basket::Basket;
use crate::customer::{Amounts, Burst};
use crate::detect::Rule;
use crate::math;
use crate::priority::Case;
use crate::say::{self, Said, named};
use crate::stage::Stage;
use crate::{AmountExpectation, AmountHistory, Context, Customer, Model, Observation, Order, Score};

const AMOUNT_RULE: &str = "behavior_anomaly.amount";
const BURST_RULE: &str = "behavior_anomaly.burst";
/// Deviation from what is usual above which the insight is of high priority.
const EXTREME: f64 = 1.0;
/// Weight of the newest order in a customer's mean and variance, at the least.
const FORGETTING: f64 = 0.05;
/// Half-life of the count of orders, in days.
const BURST_HALF_LIFE_DAYS: f64 = 0.25;
/// Half-life of the peak that a customer has shown before, in days.
const PEAK_HALF_LIFE_DAYS: f64 = 90.0;
/// The count above what is usual that is worth an alert: passed by the third or fourth order that follows another
/// within an hour.
const BURST_THRESHOLD: f64 = 2.6;
/// How much of the peak is at most not usual.
const PEAK_DOUBT: f64 = 1.5;

/// What the amount of an order means.
struct Finding {
    amount: i128,
    ln_amount: f64,
    expected: AmountExpectation,
    z: f64,
    /// What an order of this customer usually comes to, in units of the currency.
    usual: f64,
    /// By how much the amount lies above it (0.5: by half).
    deviation: f64,
}

/// Counts the order as one more in short time, and works out from which amount on it is an alert.
pub(crate) fn at_basket_start(stage: &mut Stage<'_>, basket: &mut Basket) {
    let amounts = basket.amounts_before;
    let model = stage.context.model.amounts();
    if amounts.count >= 1 {
        let expected = model.expect(history(amounts));
        let floor = usual(&expected) * (1.0 + stage.context.settings.spending_deviation_threshold);
        let alarm = expected.amount_at(model.alert_score()).max(floor);
        // One millionth more, so that rounding never raises what the order's end would not.
        basket.alarm = say::millionths(alarm).saturating_add(1);
    }
    let head = stage.customer.head_mut();
    let before = head.burst;
    let (burst, excess) = counted(before, basket.first_at);
    head.burst = burst;
    // Once for a burst, and again when it has become twice as much: every order of it would be no news.
    if intensity(excess) > intensity(excess_of(before)) {
        let said = burst_said(stage, basket, burst);
        stage.raise_for(basket, Rule::Burst, said);
    }
}

/// Says at once what further lines can only confirm.
pub(crate) fn while_growing(stage: &mut Stage<'_>, basket: &mut Basket) {
    if basket.amount < basket.alarm || is_raised(basket) {
        return;
    }
    if let Some(finding) = look(stage.context.model, basket) {
        let said = amount_said(stage, basket, &finding);
        stage.raise_for(basket, Rule::Amount, said);
    }
}

/// Looks at the amount of the whole order, and takes it into the customer's history.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) {
    let Some(finding) = look(stage.context.model, basket) else { return };
    let is_said = basket.raised(Rule::Amount).is_some_and(|raised| raised.lines == basket.lines);
    if !is_said && is_alert(stage.context, basket, &finding) {
        let said = amount_said(stage, basket, &finding);
        stage.raise_for(basket, Rule::Amount, said);
    }
    let drift = stage.context.model.amounts().drift();
    stage.customer.head_mut().amounts = learnt(basket.amounts_before, &finding, drift);
}

/// What the customer's next order is expected to come to; nothing before the first.
pub(crate) fn expectation(customer: &Customer, model: &Model) -> Option<AmountExpectation> {
    let amounts = customer.head.amounts;
    (amounts.count >= 1).then(|| model.amounts().expect(history(amounts)))
}

/// How unusual the amount of `basket` is, by its normal-equivalent score (none with too little history, or for
/// what was free), and whether it is worth an alert.
pub(crate) fn verdict(basket: &Basket, context: &Context<'_>) -> (Option<f64>, bool) {
    match look(context.model, basket).filter(|_| basket.amounts_before.count >= 1) {
        Some(finding) => (Some(finding.z), is_alert(context, basket, &finding)),
        None => (None, false),
    }
}

/// How far one more order at `at` lies above what the customer is known for, and whether that is an alert.
pub(crate) fn burst_verdict(burst: Burst, at: Timestamp) -> (f64, bool) {
    let (_, excess) = counted(burst, at);
    (excess, excess > BURST_THRESHOLD)
}

/// What the order teaches about all orders.
pub(crate) fn observe(stage: &mut Stage<'_>, basket: &Basket) {
    let Some(finding) = look(stage.context.model, basket) else { return };
    let before = basket.amounts_before;
    let drift = stage.context.model.amounts().drift();
    let orders = f64::from(before.count) + 1.0;
    let distance = centred(before, &finding, drift) - before.mean;
    let order = Order {
        ln_amount: finding.ln_amount,
        within: (before.count >= 1).then_some(distance * distance * (orders - 1.0) / orders),
        residual: (before.count >= 2)
            .then(|| finding.expected.clamp(finding.ln_amount) - finding.expected.mean),
        score: (before.count >= 1)
            .then(|| Score { z: finding.z, is_alert: is_alert(stage.context, basket, &finding) }),
    };
    stage.effects.observations.push(Observation::Order(order));
}

fn history(amounts: Amounts) -> AmountHistory {
    AmountHistory { count: amounts.count.into(), mean: amounts.mean, variance: amounts.variance }
}

/// What the customer's orders usually come to, in units of the currency.
fn usual(expected: &AmountExpectation) -> f64 {
    math::exp(expected.mean.clamp(-700.0, 700.0))
}

/// The amount so far against the baskets before; nothing for what was free.
fn look(model: &Model, basket: &Basket) -> Option<Finding> {
    if basket.amount <= 0 {
        return None;
    }
    let ln_amount = math::ln(say::units(basket.amount));
    let expected = model.amounts().expect(history(basket.amounts_before));
    let usual = usual(&expected);
    let deviation = say::units(basket.amount) / usual - 1.0;
    let z = expected.score(ln_amount);
    Some(Finding { amount: basket.amount, ln_amount, expected, z, usual, deviation })
}

/// Whether the order is worth an alert; what was raised while it grew stays.
fn is_alert(context: &Context<'_>, basket: &Basket, finding: &Finding) -> bool {
    let is_unusual = finding.z > context.model.amounts().alert_score()
        && finding.deviation > context.settings.spending_deviation_threshold;
    is_raised(basket) || (basket.amounts_before.count >= 1 && is_unusual)
}

fn is_raised(basket: &Basket) -> bool {
    basket.raised(Rule::Amount).is_some()
}

/// The customer's own part of `y`: `yc = clamp(y, M +- 3 sqrt V)` from the third order on, less the drift.
fn centred(before: Amounts, finding: &Finding, drift: f64) -> f64 {
    let y = if before.count >= 2 { finding.expected.clamp(finding.ln_amount) } else { finding.ln_amount };
    y - drift
}

/// `n += 1; a = max(1/n, 0.05); x = yc - m; m += a x; v += max(1/(n-1), 0.05) (x^2 (n-1)/n - v)`.
fn learnt(before: Amounts, finding: &Finding, drift: f64) -> Amounts {
    let count = before.count.saturating_add(1);
    let n = f64::from(count);
    let x = centred(before, finding, drift) - before.mean;
    let variance = if count >= 2 {
        let step = (1.0 / (n - 1.0)).max(FORGETTING);
        before.variance + step * (x * x * (n - 1.0) / n - before.variance)
    } else {
        0.0
    };
    Amounts { count, mean: before.mean + (1.0 / n).max(FORGETTING) * x, variance }
}

/// `c = c 2^(-dt/6h) + 1; alert if (c - usual)/max(1, 0.5 sqrt(peak)) > threshold`: the new count, and by how much it
/// exceeds what is usual; of a count that is often high more is chance.
///
/// The peak is the highest count, less one, of earlier days, with a half-life of 90 days. One day takes it to
/// twice what it was and one more at the most: a single burst makes no habit, and who orders all day is soon known
/// for it.
fn counted(before: Burst, at: Timestamp) -> (Burst, f64) {
    let days = math::days_between(before.at, at).max(0.0);
    let count = before.count * math::decay(days, BURST_HALF_LIFE_DAYS) + 1.0;
    let (earlier, high) = if at.utc_day() > before.at.utc_day() {
        (before.peak.max((before.high - 1.0).min(2.0 * before.peak + 1.0)), 0.0)
    } else {
        (before.peak, before.high)
    };
    let peak = earlier * math::decay(days, PEAK_HALF_LIFE_DAYS);
    let burst = Burst { count, at: at.max(before.at), peak, high: high.max(count) };
    (burst, excess_of(burst))
}

/// By how much the count exceeded what is usual when the latest order came.
fn excess_of(burst: Burst) -> f64 {
    (burst.count - usual_count(burst.peak)) / (0.5 * math::sqrt(burst.peak)).max(1.0)
}

/// 0 for what is no alert, 1 for one, 2 from twice the threshold on, and so on.
fn intensity(excess: f64) -> usize {
    math::bin(math::ln((excess / BURST_THRESHOLD).max(0.5)) / math::ln(2.0) + 1.0, 1.0, 64)
}

/// What the count usually comes to at the most, for a customer with this peak: half of it is believed, of a high one
/// all but 1.5.
fn usual_count(peak: f64) -> f64 {
    1.0 + peak - (0.5 * peak).min(PEAK_DOUBT)
}

fn amount_said(stage: &Stage<'_>, basket: &Basket, finding: &Finding) -> Said {
    let customer = stage.context.customer_id.as_str();
    let currency = &stage.context.settings.currency;
    let case = if finding.deviation > EXTREME { Case::AmountExtreme } else { Case::AmountUnusual };
    let usual = say::millionths(finding.usual);
    let sentence = format!(
        "Customer {customer} ordered for {}, {} more than their usual {}.",
        say::money_text(finding.amount, currency),
        say::percent_text(finding.deviation),
        say::money_text(usual, currency),
    );
    let order = basket.order.as_ref().map_or(Figure::Unknown, |order| say::text(order.as_str()));
    Said {
        rule: AMOUNT_RULE,
        case,
        event_timestamp: basket.last_at,
        sentence,
        params: named([
            ("customerId", say::text(customer)),
            ("amount", say::money(finding.amount)),
            ("usual", say::money(usual)),
            ("deviation", say::number(finding.deviation)),
            ("currency", say::text(currency)),
        ]),
        figures: named([
            ("subtype", say::text("amount")),
            ("direction", say::text("higher")),
            ("orderId", order),
            ("lines", Figure::Count(basket.lines.into())),
            ("amount", say::money(finding.amount)),
            ("usual", say::money(usual)),
            ("deviation", say::number(finding.deviation)),
            ("score", say::number(finding.z)),
            ("threshold", say::number(stage.context.model.amounts().alert_score())),
            ("ordersBefore", Figure::Count(basket.amounts_before.count.into())),
        ]),
    }
}

fn burst_said(stage: &Stage<'_>, basket: &Basket, burst: Burst) -> Said {
    let customer = stage.context.customer_id.as_str();
    let order = basket.order.as_ref().map_or(Figure::Unknown, |order| say::text(order.as_str()));
    let figures = named([
        ("subtype", say::text("burst")),
        ("direction", say::text("higher")),
        ("orderId", order),
        ("ordersInShortTime", say::number(burst.count)),
        ("usual", say::number(usual_count(burst.peak))),
        ("halfLifeHours", say::number(BURST_HALF_LIFE_DAYS * 24.0)),
        ("threshold", say::number(BURST_THRESHOLD)),
    ]);
    Said {
        rule: BURST_RULE,
        case: Case::OrdersInShortTime,
        event_timestamp: basket.first_at,
        sentence: format!(
            "Customer {customer} is placing orders unusually fast: about {:.0} within a few hours.",
            burst.count
        ),
        params: named([("customerId", say::text(customer)), ("orders", say::number(burst.count))]),
        figures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AmountPrior;

    fn hours(hours: f64) -> Timestamp {
        math::after_days(Timestamp::from_ms_clamped(1_700_000_000_000), hours / 24.0)
    }

    /// Counts orders at the given hours; which of them were alerts.
    fn alerts(at_hours: impl IntoIterator<Item = f64>) -> Vec<bool> {
        let mut burst = Burst::default();
        let mut count = |at| {
            let (after, excess) = counted(burst, hours(at));
            burst = after;
            excess > BURST_THRESHOLD
        };
        at_hours.into_iter().map(&mut count).collect()
    }

    #[test]
    fn a_burst_is_an_alert_by_the_fourth_extra_order() {
        let weekly = (0..10).map(|week| f64::from(week) * 168.0);
        let burst = (1..6).map(|extra| 9.0 * 168.0 + f64::from(extra) / 6.0);
        let alerts = alerts(weekly.chain(burst));
        assert_eq!(alerts.iter().position(|is_alert| *is_alert), Some(12), "the third that follows");
    }

    #[test]
    fn who_always_orders_in_bursts_is_soon_no_news() {
        let bursts = (0..12)
            .flat_map(|week| (0..5).map(move |order| f64::from(week) * 168.0 + f64::from(order) / 6.0));
        let alerts = alerts(bursts);
        let by_week: Vec<usize> =
            alerts.chunks(5).map(|week| week.iter().filter(|is_alert| **is_alert).count()).collect();
        assert!(by_week[0] > 0, "the first is news");
        assert_eq!(by_week[6..], [0; 6], "{by_week:?}");
    }

    #[test]
    fn who_orders_all_day_is_soon_no_news() {
        // A till: an order every two minutes from 8 to 18, more on some days than on others.
        let day = |day: i32| {
            let orders = 250 + 50 * (day % 3);
            (0..orders)
                .map(move |order| f64::from(day) * 24.0 + 8.0 + 10.0 * f64::from(order) / f64::from(orders))
        };
        let alerts = alerts((0..60).flat_map(day));
        assert!(alerts[..300].contains(&true), "at first it is news");
        assert!(!alerts[15 * 300..].contains(&true));
    }

    #[test]
    fn two_orders_on_one_day_do_not_hide_a_burst() {
        let twice = (0..20).flat_map(|week| [f64::from(week) * 168.0, f64::from(week) * 168.0 + 2.0]);
        let burst = (0..5).map(|order| 20.0 * 168.0 + f64::from(order) / 6.0);
        let alerts = alerts(twice.chain(burst));
        assert_eq!(alerts.iter().position(|is_alert| *is_alert), Some(44), "the fourth that follows");
    }

    #[test]
    fn a_daily_customer_is_no_burst() {
        assert!(!alerts((0..200).map(|day| f64::from(day) * 24.0)).contains(&true));
    }

    /// The published update, written anew from its formula over a list instead of step by step.
    #[test]
    fn mean_and_variance_are_those_of_the_amounts_while_there_are_few() {
        let prior = AmountPrior::seed();
        let ys = [3.0, 3.4, 3.1, 3.3, 2.9];
        let mut amounts = Amounts::default();
        for y in ys {
            let expected = prior.expect(history(amounts));
            let finding = Finding {
                amount: 1,
                ln_amount: y,
                z: expected.score(y),
                usual: 1.0,
                deviation: 0.0,
                expected,
            };
            amounts = learnt(amounts, &finding, 0.0);
        }
        let mean = ys.iter().sum::<f64>() / 5.0;
        let variance = ys.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / 4.0;
        assert_eq!(amounts.count, 5);
        assert!((amounts.mean - mean).abs() < 1e-12, "{} {mean}", amounts.mean);
        assert!((amounts.variance - variance).abs() < 1e-12, "{} {variance}", amounts.variance);
    }
}
