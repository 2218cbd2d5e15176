//! A customer in another segment than before.

use omnix_model::Figure;

use super::{Decision, Origin, Step, step, text};
use crate::detect::segment_migration::standing;
use crate::{math, say};

const RULE: &str = "segment_migration";

pub(super) fn steps(decision: &Decision<'_>) -> Vec<Step> {
    let of_basket = decision.basket(RULE).map(|(_, customer)| customer);
    let head = &of_basket.unwrap_or_else(|| decision.state()).head;
    let at = decision.insight.event_timestamp;
    let Some(last) = head.last_purchase_at else { return Vec::new() };
    let silent_days = math::days_between(last, at).max(0.0);
    let (score, confidence) = standing(head, at);

    let order_days = step(
        "orderDays",
        "days on which the customer has ordered",
        "",
        Figure::Count(head.order_days.into()),
    )
    .count("orders", i64::from(head.baskets), Origin::State);
    let silence = step(
        "daysSinceLastPurchase",
        "how long the customer has been silent",
        "cause - lastPurchaseAt, in days",
        say::number(silent_days),
    )
    .with("lastPurchaseAt", Figure::Time(last), Origin::State)
    .with("cause", Figure::Time(at), Origin::Cause);
    let mut steps = vec![order_days, silence];
    if of_basket.is_none() {
        let due = decision.before.and_then(|before| before.head.silence_at);
        steps.extend(due.map(|due| {
            step(
                "silenceMeansMoveAt",
                "the moment from which on this silence means another segment, as it was set at the last purchase",
                "",
                Figure::Time(due),
            )
            .with("lastPurchaseAt", Figure::Time(last), Origin::State)
        }));
    }
    let standing = step(
        "segmentationScore",
        "how the customer stands: half by how recently they bought (halved every 60 days), half by on how many days",
        "0.5 * 2 ^ (-daysSinceLastPurchase / 60) + 0.5 * orderDays / (orderDays + 3)",
        say::number(score),
    )
    .number("daysSinceLastPurchase", silent_days, Origin::Step)
    .count("orderDays", head.order_days, Origin::Step);
    let sure = step(
        "confidence",
        "how much is known of the customer",
        "(orderDays + 1) / (orderDays + 3)",
        say::number(confidence),
    )
    .count("orderDays", head.order_days, Origin::Step);
    let from = decision.figure("previousSegment").cloned().unwrap_or(Figure::Unknown);
    let to = decision.figure("newSegment").cloned().unwrap_or_else(|| text(""));
    let verdict = step(
        "newSegment",
        "the segment that this means, and the one shown before",
        "the segment of the rule for orderDays and daysSinceLastPurchase",
        to,
    )
    .with("previousSegment", from, Origin::State);
    steps.extend([standing, sure, verdict]);
    steps
}
