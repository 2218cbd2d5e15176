//! An order at an hour at which the customer hardly ever orders.

use super::{Decision, Origin, Step, flag, step};
use crate::say;

const RULE: &str = "behavior_anomaly.order";

/// Nothing where the hour is not told of.
pub(super) fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let Some((basket, _)) = decision.basket(RULE) else { return Vec::new() };
    let Some(odd) = &basket.odd_hour else { return Vec::new() };
    let shop = step(
        "shopShare",
        "the share of the shop's orders that come within three hours of that hour, round the clock",
        "",
        say::number(odd.near_share.into()),
    )
    .count("hour", odd.hour, Origin::Order);
    let likelihood = step(
        "hourLikelihood",
        "how likely an order of this customer within three hours of that hour was: by the hours of their orders, each \
         counting once a day, drawn towards the shop's the fewer there are",
        "(ordersNear + 2 * shopShare) / (ordersInMind + 2)",
        say::number(odd.likelihood()),
    )
    .count("ordersNear", odd.near, Origin::State)
    .count("ordersInMind", odd.orders, Origin::State)
    .using(&shop);
    let usual = step(
        "usualHourLikelihood",
        "the same of an ordinary order of theirs: the share of their orders that lies within three hours of one of them, \
         on average",
        "sum over their orders of ordersNear / ordersInMind ^ 2",
        say::number(odd.usual_share.into()),
    )
    .count("ordersInMind", odd.orders, Origin::State);
    let score = step(
        "hourScore",
        "the logarithm of how many times less likely that is",
        "ln(usualHourLikelihood / hourLikelihood)",
        say::number(odd.score()),
    )
    .using(&usual)
    .using(&likelihood);
    let verdict = step(
        "isHourUnusual",
        "whether it is worth telling: rarer than what keeps the budget of hours, and at least fifty times less likely than \
         usual",
        "hourScore > threshold",
        flag(odd.is_alert()),
    )
    .number("threshold", odd.threshold.into(), Origin::Model)
    .using(&score);
    vec![shop, likelihood, usual, score, verdict]
}
