//! What outside models publish: segment updates and predictions.

use crate::common::{Shop, at, prediction, purchase, segment_update};
use omnix_model::{InsightKind, Priority, Timestamp};

fn now() -> Timestamp {
    at("2026-05-04T10:00:00Z")
}

#[test]
fn a_champion_at_risk_is_critical_whatever_we_know_of_them() {
    let mut shop = Shop::live();
    shop.buys(purchase("p-1", 10, now()));
    shop.event(segment_update(Some("Champions"), "At Risk", now()));
    let insight = &shop.insights[0];
    assert_eq!((insight.kind, insight.priority), (InsightKind::SegmentMigration, Priority::Critical));
    assert!(insight.action_required);
    assert_eq!(shop.state().segment().unwrap().label(), "At Risk");
    // The end of the basket does not overrule the outside model.
    shop.pass(now().plus_ms(60_000));
    assert_eq!(shop.state().segment().unwrap().label(), "At Risk");
    assert_eq!(shop.insights.len(), 1);
}

#[test]
fn a_first_segment_is_an_insight_of_low_priority() {
    let mut shop = Shop::live();
    shop.event(segment_update(None, "Loyal Customers", now()));
    assert_eq!(shop.insights[0].priority, Priority::Low);
    assert_eq!(shop.insights[0].sentence, "Customer c is now in the segment Loyal Customers.");
}

#[test]
fn an_update_that_changes_nothing_is_no_insight() {
    let mut shop = Shop::live();
    shop.event(segment_update(None, "Champions", now()));
    shop.event(segment_update(None, "Champions", now().plus_ms(1)));
    shop.event(segment_update(Some("champions"), "CHAMPION", now().plus_ms(2)));
    assert_eq!(shop.insights.len(), 1);
    // From what we hold, where the event does not say.
    shop.event(segment_update(None, "Lost", now().plus_ms(3)));
    assert_eq!(shop.insights[1].priority, Priority::Critical);
}

#[test]
fn an_older_update_is_late() {
    let mut shop = Shop::live();
    shop.event(segment_update(None, "Champions", now()));
    shop.accept(segment_update(Some("Champions"), "Lost", now().plus_ms(-1)), now());
    assert!(shop.facts.is_late);
    assert_eq!(shop.insights.len(), 1);
    assert_eq!(shop.state().segment().unwrap().label(), "Champions");
}

#[test]
fn priorities_follow_the_move() {
    let urgency = |from, to| {
        let mut shop = Shop::live();
        shop.event(segment_update(Some(from), to, now()));
        (shop.insights[0].priority, shop.insights[0].action_required)
    };
    assert_eq!(urgency("Loyal Customers", "Hibernating"), (Priority::Critical, true));
    assert_eq!(urgency("Champions", "Cannot Lose Them"), (Priority::Critical, true));
    assert_eq!(urgency("Champions", "Need Attention"), (Priority::High, true));
    assert_eq!(urgency("At Risk", "Cannot Lose Them"), (Priority::High, true));
    assert_eq!(urgency("New Customer", "Lost"), (Priority::Medium, false));
    assert_eq!(urgency("Lost", "Champions"), (Priority::Low, false));
    assert_eq!(urgency("Champions", "Loyal Customers"), (Priority::Low, false));
    assert_eq!(urgency("Champions", "VIP Gold"), (Priority::Low, false));
}

#[test]
fn a_prediction_is_an_insight_above_the_threshold_or_when_it_asks_for_it() {
    let urgency = |confidence, alert| {
        let mut shop = Shop::live();
        shop.event(prediction("p-1", confidence, alert, now()));
        shop.insights.first().map(|insight| (insight.priority, insight.action_required))
    };
    assert_eq!(urgency(0.7, false), None);
    assert_eq!(urgency(0.71, false), Some((Priority::Medium, false)));
    assert_eq!(urgency(0.9, false), Some((Priority::Medium, false)));
    assert_eq!(urgency(0.91, false), Some((Priority::High, true)));
    assert_eq!(urgency(0.1, true), Some((Priority::Medium, true)));
    assert_eq!(urgency(0.95, true), Some((Priority::High, true)));
}

#[test]
fn a_prediction_names_the_product_and_the_date() {
    let mut shop = Shop::live();
    shop.buys(purchase("p-1", 10, now()));
    shop.event(prediction("p-1", 0.95, true, now()));
    let sentence = "Customer c is expected to need p-1 (name) around 7 May 2026 (confidence 95 %).";
    assert_eq!(shop.insights[0].sentence, sentence);
}
