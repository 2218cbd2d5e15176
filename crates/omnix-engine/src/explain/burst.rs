//! More orders within hours than the customer usually places.

use super::{Decision, Origin, Step, flag, step};
use crate::detect::behavior_anomaly::burst_verdict;
use crate::{math, say};

const RULE: &str = "behavior_anomaly.burst";

pub(super) fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let Some((basket, customer)) = decision.basket(RULE) else { return Vec::new() };
    let before = decision.before.map(|before| before.head.burst).unwrap_or_default();
    let hours = math::days_between(before.at, basket.first_at).max(0.0) * 24.0;
    let (excess, is_alert) = burst_verdict(before, basket.first_at);
    let figure = |name: &str| decision.number(name).unwrap_or(0.0);

    let orders = step(
        "ordersInShortTime",
        "orders of the last hours, each counting half as much after every half-life, and this one",
        "ordersBefore * 2 ^ (-hoursSince / halfLifeHours) + 1",
        say::number(figure("ordersInShortTime")),
    )
    .number("ordersBefore", before.count, Origin::State)
    .number("hoursSince", hours, Origin::Order)
    .number("halfLifeHours", figure("halfLifeHours"), Origin::Constant);
    let usual = step(
        "usual",
        "what the count usually comes to at the most when this customer orders",
        "1 + peak - min(0.75 * peak, 2.25); peak: the highest count of earlier days less one, fading with a half-life of \
         60 days",
        say::number(figure("usual")),
    )
    .number("peak", customer.head.burst.peak, Origin::State);
    let above = step(
        "excess",
        "how far the count lies above that: of a count that is often high more is chance",
        "(ordersInShortTime - usual) / max(1, 0.5 * sqrt(peak))",
        say::number(excess),
    )
    .number("peak", customer.head.burst.peak, Origin::State)
    .using(&orders)
    .using(&usual);
    let verdict = step(
        "isAlert",
        "whether it is worth telling: once for a burst, and again when it has become twice as much",
        "excess > threshold",
        flag(is_alert),
    )
    .number("threshold", figure("threshold"), Origin::Constant)
    .using(&above);
    vec![orders, usual, above, verdict]
}
