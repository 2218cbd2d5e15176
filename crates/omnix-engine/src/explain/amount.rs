//! An order far above what is usual for the customer.

use super::{Decision, Origin, Step, flag, number_of, step};
use crate::customer::Amounts;
use crate::{AmountExpectation, AmountHistory, AmountLevel, AmountPrior, math, say};

const RULE: &str = "behavior_anomaly.order";

/// By what the order was measured: its amount, or its amount for what is in it.
struct Measure<'a> {
    level: &'a AmountLevel,
    own: AmountHistory,
}

fn measure<'a>(decision: &Decision<'a>, before: Amounts, is_for_lines: bool) -> Measure<'a> {
    let prior = decision.context.model.amounts();
    let (level, own) =
        if is_for_lines { (prior.for_lines(), before.for_lines) } else { (prior.whole(), before.whole) };
    let (count, mean, variance) = (before.count.into(), own.mean.into(), own.variance.into());
    Measure { level, own: AmountHistory { count, mean, variance } }
}

pub(super) fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let Some((basket, _)) = decision.basket(RULE) else { return Vec::new() };
    let is_for_lines = decision.insight.message_id == "anomaly.amount.for_lines";
    let measure = measure(decision, basket.amounts_before, is_for_lines);
    let expected = measure.level.expect(measure.own);
    // What the insight speaks of: a further line may have come since.
    let amount = decision.figure("amount").cloned().unwrap_or_else(|| say::money(basket.amount));
    let units = number_of(&amount).unwrap_or_else(|| say::units(basket.amount));

    let amount = step(
        "amount",
        "what the order comes to: the sum of its lines",
        "sum of totalAmount over the lines of the order",
        amount,
    )
    .count("lines", basket.lines, Origin::Order);
    let mut ln = step(
        "lnAmount",
        "its natural logarithm: amounts differ by factors, not by sums",
        "ln(amount)",
        say::number(math::ln(units)),
    )
    .using(&amount);
    let size = if is_for_lines { f64::from(basket.size) } else { 1.0 };
    let y = AmountPrior::for_lines_of(math::ln(units), size);
    if is_for_lines {
        ln = step(
            "lnAmount",
            "its natural logarithm, less what the order's size explains; the size is the sum over its products of what a \
             line of the product usually comes to, in usual lines of all products",
            "ln(amount) - 0.5 * ln(size)",
            say::number(y),
        )
        .number("size", size, Origin::Order)
        .using(&amount);
    }
    let [centre, spread] = expectation(&measure, &expected);
    let usually = math::exp((expected.mean + math::ln(units) - y).clamp(-700.0, 700.0));
    let usual = step(
        "usual",
        "what such an order of this customer usually comes to",
        if is_for_lines { "exp(expectedLn) * sqrt(size)" } else { "exp(expectedLn)" },
        say::money(say::millionths(usually)),
    )
    .using(&centre);
    let deviation = step(
        "deviation",
        "by how much the order lies above it: 0.5 is half as much again",
        "amount / usual - 1",
        say::number(units / usually - 1.0),
    )
    .using(&amount)
    .using(&usual);
    let score = step(
        "score",
        "how unusual that is, in standard deviations of a normal distribution; the less is known of the customer, the \
         less unusual",
        "t = (lnAmount - expectedLn) / spread; sign(t) * sqrt(freedom * ln(1 + t^2 / freedom)) * (8 * freedom + 1) \
         / (8 * freedom + 3)",
        say::number(expected.score(y)),
    )
    .number("freedom", expected.freedom, Origin::Model)
    .using(&ln)
    .using(&centre)
    .using(&spread);
    let verdict = verdict(decision, &score, &deviation);
    vec![amount, ln, centre, spread, usual, deviation, score, verdict]
}

/// What the logarithm of the amount was expected to be, and how far such amounts lie from it.
fn expectation(measure: &Measure<'_>, expected: &AmountExpectation) -> [Step; 2] {
    let (level, own) = (measure.level, measure.own);
    let centre = step(
        "expectedLn",
        "what the logarithm was expected to be: the customer's own mean, drawn towards that of all orders the less \
         the customer has ordered, and moved by how all orders lately lie above or below what was expected",
        "n = min(ordersBefore, 20); (trust * allMean + n * ownMean) / (trust + n) + drift",
        say::number(expected.mean),
    )
    .number("ordersBefore", own.count, Origin::State)
    .number("ownMean", own.mean, Origin::State)
    .number("trust", level.trust(), Origin::Model)
    .number("allMean", level.mean(), Origin::Model)
    .number("drift", level.drift(), Origin::Model);
    let spread = step(
        "spread",
        "how far orders of such a customer usually lie from that, by their own variance and that of all customers",
        "n = min(ordersBefore, 20); m = max(n - 1, 0); sqrt((12 * allVariance + m * ownVariance) / (12 + m) \
         * (1 + 1 / (trust + n)))",
        say::number(math::sqrt(expected.variance)),
    )
    .number("ordersBefore", own.count, Origin::State)
    .number("ownVariance", own.variance, Origin::State)
    .number("trust", level.trust(), Origin::Model)
    .number("allVariance", level.variance(), Origin::Model);
    [centre, spread]
}

fn verdict(decision: &Decision<'_>, score: &Step, deviation: &Step) -> Step {
    let threshold = decision.context.model.amounts().alert_scores().amount;
    let floor = decision.context.settings.spending_deviation_threshold;
    let value = |step: &Step| number_of(&step.value).unwrap_or(0.0);
    step(
        "isAlert",
        "whether it is worth telling: rarer than what keeps the budget of alerts, and further above what is usual than \
         the setting asks for; what was told while the order grew stays",
        "score > threshold and deviation > spendingDeviationThreshold",
        flag(value(score) > threshold && value(deviation) > floor),
    )
    .number("threshold", threshold, Origin::Model)
    .number("spendingDeviationThreshold", floor, Origin::Settings)
    .using(score)
    .using(deviation)
}
