//! What a growing basket may say: nothing that a further line would silence.

use omnix_model::{Event, Figure, Insight, InsightKind, Timestamp};

use crate::common::{Shop, at, of_order, purchase};

const MINUTE_MS: i64 = 60_000;

fn week(number: i64) -> Timestamp {
    at("2026-01-06T23:58:00Z").plus_ms(7 * number * Timestamp::DAY_MS)
}

/// A customer who has bought coffee every week, and once more today: that order may go on.
fn regular(mut shop: Shop, weeks: i64) -> Shop {
    for number in 0..=weeks {
        shop.buys(of_order(&format!("o{number}"), purchase("coffee", 10, week(number))));
    }
    shop
}

fn of_kind(shop: &Shop, kind: InsightKind) -> Vec<&Insight> {
    shop.insights.iter().filter(|insight| insight.kind == kind).collect()
}

fn figure<'a>(insight: &'a Insight, name: &str) -> Option<&'a Figure> {
    insight.figures.iter().find(|(other, _)| other == name).map(|(_, figure)| figure)
}

#[test]
fn bought_again_after_midnight_in_the_same_order_is_bought_once() {
    let mut shop = regular(Shop::live(), 2);
    // The order has been spoken of before its next line comes, on the next day.
    shop.buys(of_order("o2", purchase("coffee", 10, week(2).plus_ms(4 * MINUTE_MS))));
    shop.pass(week(3).plus_ms(-1));
    let said = of_kind(&shop, InsightKind::ConsumptionPrediction);
    let last = said.last().unwrap();
    assert_eq!(figure(last, "purchaseDays"), Some(&Figure::Count(3)));
    assert_eq!(figure(last, "productId"), Some(&Figure::Text("coffee".into())));
    assert_eq!((said.len(), last.revision), (1, 1));
}

#[test]
fn a_line_with_an_earlier_time_revises_what_was_said() {
    let mut shop = regular(Shop::live(), 2);
    let now = week(2).plus_ms(MINUTE_MS);
    shop.pass(now);
    let ids: Vec<_> = shop.insights.iter().map(|insight| insight.id).collect();
    let earlier = of_order("o2", purchase("milk", 2, week(2).plus_ms(-3 * MINUTE_MS)));
    shop.accept(Event::Purchase(earlier), now);
    shop.pass(now.plus_ms(MINUTE_MS));
    assert!(!shop.facts.is_late);
    assert!(shop.insights.iter().any(|insight| insight.revision == 1));
    let mut after: Vec<_> = shop.insights.iter().map(|insight| insight.id).collect();
    after.sort_by_key(|id| ids.iter().position(|other| other == id));
    assert_eq!(after, ids, "the same insights, revised");
}

#[test]
fn what_was_said_stands_under_stricter_settings_and_is_not_said_again() {
    let mut shop = regular(Shop::live(), 2);
    shop.pass(week(2).plus_ms(MINUTE_MS));
    let said = shop.insights.clone();
    assert_eq!(of_kind(&shop, InsightKind::ConsumptionPrediction).len(), 1);
    shop.settings.high_confidence_threshold = 1.0;
    shop.buys(of_order("o2", purchase("milk", 2, week(2).plus_ms(2 * MINUTE_MS))));
    shop.pass(week(2).plus_ms(9 * MINUTE_MS));
    assert_eq!(of_kind(&shop, InsightKind::ConsumptionPrediction), [said.last().unwrap()]);
    // Nor has it been forgotten that it was said: a week later it is no news, unless it is more certain.
    shop.settings.high_confidence_threshold = 0.7;
    shop.settings.critical_confidence_threshold = 1.0;
    shop.buys(of_order("o3", purchase("coffee", 10, week(3))));
    shop.pass(week(3).plus_ms(MINUTE_MS));
    assert_eq!(of_kind(&shop, InsightKind::ConsumptionPrediction).len(), 1);
}

#[test]
fn silence_that_an_order_broke_is_not_told_while_the_order_is_open() {
    let mut shop = regular(Shop::history(), 25);
    let mut silent = regular(Shop::history(), 25);
    silent.pass(week(40));
    let moves = silent.derived.iter().filter(|derived| matches!(derived.event, Event::SegmentUpdate(_)));
    let fallen_silent = moves.map(|derived| derived.event.timestamp()).find(|&at| at > week(25)).unwrap();
    // Minutes before silence would have meant something; the basket ends minutes after.
    let just_in_time = fallen_silent.plus_ms(-3 * MINUTE_MS);
    shop.pass(just_in_time);
    shop.buys(of_order("again", purchase("milk", 2, just_in_time)));
    shop.pass(just_in_time.plus_ms(60 * MINUTE_MS));
    let moves = of_kind(&shop, InsightKind::SegmentMigration);
    assert!(moves.iter().all(|insight| insight.timestamp < week(25)), "{moves:?}");
    assert_eq!(shop.state().segment().unwrap().label(), "Champions");
}

/// A shop whose model knows what is popular, and a customer who was told what to offer.
fn told() -> Shop {
    let mut shop = Shop::live();
    let popular = ["a", "b", "c", "d", "e", "f"].map(|product| purchase(product, 5, week(0)));
    popular.into_iter().for_each(|line| shop.buys(of_order("o0", line)));
    shop.pass(week(1).plus_ms(-1));
    shop.learn(week(1));
    shop.customer = None;
    shop.insights.clear();
    regular(shop, 1)
}

#[test]
fn the_first_lists_are_told_at_the_second_basket() {
    let mut shop = told();
    assert_eq!(of_kind(&shop, InsightKind::RecommendationUpdate).len(), 0);
    shop.pass(week(1).plus_ms(MINUTE_MS));
    assert_eq!(of_kind(&shop, InsightKind::RecommendationUpdate).len(), 1);
}

#[test]
fn lists_that_a_basket_changed_are_told_with_the_next_one() {
    let mut shop = told();
    for (line, product) in ["a", "b", "c", "d"].into_iter().enumerate() {
        // Each line is evaluated by itself: on the way to the whole there is nothing to take back.
        let at = week(2).plus_ms(i64::try_from(line).unwrap() * MINUTE_MS);
        shop.buys(of_order("o2", purchase(product, 5, at)));
        assert_eq!(of_kind(&shop, InsightKind::RecommendationUpdate).len(), 1);
    }
    shop.pass(week(3).plus_ms(-1));
    assert_eq!(of_kind(&shop, InsightKind::RecommendationUpdate).len(), 1);
    shop.buys(of_order("o3", purchase("a", 5, week(3))));
    shop.pass(week(3).plus_ms(MINUTE_MS));
    let said = of_kind(&shop, InsightKind::RecommendationUpdate);
    assert_eq!((said.len(), said[1].timestamp), (2, week(3).plus_ms(5_000)));
}
