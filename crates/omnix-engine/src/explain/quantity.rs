//! A line far above what its product usually comes to.

use super::{Decision, Origin, Step, flag, number_of, step};
use crate::{math, say};

const RULE: &str = "behavior_anomaly.order";

pub(super) fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let Some((basket, _)) = decision.basket(RULE) else { return Vec::new() };
    let Some(odd) = &basket.odd_line else { return Vec::new() };
    let model = decision.context.model;
    let known = model.product(&odd.product_id).map(crate::Product::lines).unwrap_or_default();
    let figure = |name: &str| decision.number(name).unwrap_or(0.0);
    let excess = f64::from(odd.excess);

    let line = step(
        "usualAmount",
        "what a line of the product usually comes to, over all customers: the geometric mean of its lines, drawn towards \
         that of all products the fewer there are",
        "exp((lnSum + 4 * allMean) / (lines + 4))",
        say::money(say::millionths(math::exp(model.amounts().line_mean(known).clamp(-700.0, 700.0)))),
    )
    .number("lnSum", known.ln_amount, Origin::Model)
    .number("lines", known.count, Origin::Model);
    let score = step(
        "score",
        "the logarithm of how many times what is usual the line comes to: against the product, a customer whose lines are \
         larger than others' being allowed that; and against what the customer usually buys of it, whichever is less",
        "min(ln(amount / usualAmount) - max(0, larger), ln((1 + quantity) / (1 + ownUsualQuantity)))",
        say::number(excess),
    )
    .number("quantity", figure("quantity"), Origin::Order)
    .using(&line);
    let usual = step(
        "usualQuantity",
        "the quantity that would have been usual",
        "quantity / exp(score)",
        say::number(figure("quantity") / math::exp(excess)),
    )
    .number("quantity", figure("quantity"), Origin::Order)
    .using(&score);
    let threshold = figure("threshold");
    let verdict = step(
        "isAlert",
        "whether it is worth telling: rarer than a fifth of the budget of alerts, and at least five times what is usual",
        "score > threshold",
        flag(number_of(&score.value).unwrap_or(0.0) > threshold),
    )
    .number("threshold", threshold, Origin::Model)
    .using(&score);
    vec![line, score, usual, verdict]
}
