//! All four kinds of insight are reached from raw purchases alone, sent through a live shop: a year's history
//! in batches, then today's orders.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what the test builds is there")]

use omnix_engine::Model;
use omnix_model::{Event, InsightKind, Priority, Timestamp};

use crate::common::{Shop, at, of_order, purchase};

/// Sends `events`, each the only line of an order of its own, at `now`.
fn send(shop: &mut Shop, events: &[(String, &str, i64, Timestamp)], now: Timestamp) {
    for (order, product, amount, when) in events {
        shop.pass(now);
        shop.accept(Event::Purchase(of_order(order, purchase(product, *amount, *when))), now);
    }
}

/// What the history of all taught, and the shops as they stand after it: the first is the regular's.
fn after_history(now: Timestamp) -> (Model, Vec<Shop>) {
    let start = now.plus_ms(-200 * Timestamp::DAY_MS);
    let mut shops: Vec<Shop> = (0..41).map(|_| Shop::live()).collect();
    let weekly: Vec<_> = (0..28)
        .map(|week| (format!("h{week}"), "coffee", 50, start.plus_ms(7 * week * Timestamp::DAY_MS)))
        .collect();
    send(&mut shops[0], &weekly, now);
    const PRODUCTS: [&str; 7] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];
    for (other, shop) in shops.iter_mut().enumerate().skip(1) {
        let product = PRODUCTS[other % 7];
        let orders = 0..1 + i64::try_from(other % 8).unwrap();
        let events = orders
            .map(|order| (format!("o{order}"), product, 10, start.plus_ms(20 * order * Timestamp::DAY_MS)));
        send(shop, &events.collect::<Vec<_>>(), now);
    }
    let mut teacher = Shop::live();
    for shop in &mut shops {
        shop.pass(now.plus_ms(10_000));
        teacher.observations.append(&mut shop.observations);
    }
    teacher.learn(now);
    (teacher.model, shops)
}

#[test]
fn all_four_kinds_are_reached() {
    let now = at("2026-11-24T12:00:00Z");
    let (model, mut shops) = after_history(now);
    let late = now.plus_ms(30_000);
    let mut kinds: Vec<InsightKind> = Vec::new();
    for (other, shop) in shops.iter_mut().enumerate() {
        shop.model = model.clone();
        if other == 0 {
            send(shop, &[("big".to_owned(), "tv", 4_800, late)], late);
        } else {
            let events: Vec<_> = (0..4).map(|_| ("late".to_owned(), "p1", 10, late)).collect();
            send(shop, &events, late);
            // A rhythm that goes on, from here in real time.
            for day in 1..4 {
                let next = late.plus_ms(day * 7 * Timestamp::DAY_MS);
                send(shop, &[(format!("n{day}"), "p1", 10, next)], next);
            }
        }
        shop.pass(late.plus_ms(60 * Timestamp::DAY_MS));
        kinds.extend(shop.insights.iter().map(|insight| insight.kind));
    }
    for kind in InsightKind::ALL {
        assert!(kinds.contains(&kind), "{} is reached", kind.name());
    }
    let anomaly =
        shops[0].insights.iter().find(|insight| insight.kind == InsightKind::BehaviorAnomaly).unwrap();
    assert_eq!((anomaly.priority, anomaly.action_required), (Priority::High, true));
    assert_eq!(anomaly.timestamp, late, "said at once: further lines can only confirm it");
}

#[test]
fn an_order_that_is_out_of_the_ordinary_stands_out_under_the_first_model() {
    let now = at("2026-11-24T12:00:00Z");
    let (_, mut shops) = after_history(now);
    send(&mut shops[0], &[("big".to_owned(), "tv", 4_800, now)], now);
    assert!(shops[0].insights.iter().any(|insight| insight.kind == InsightKind::BehaviorAnomaly));
    send(&mut shops[0], &[("usual".to_owned(), "coffee", 50, now.plus_ms(60_000))], now.plus_ms(60_000));
    shops[0].pass(now.plus_ms(Timestamp::DAY_MS));
    let anomalies = shops[0].insights.iter().filter(|insight| insight.kind == InsightKind::BehaviorAnomaly);
    assert_eq!(anomalies.count(), 1, "the usual order after it is none");
}

#[test]
fn nothing_is_made_of_too_little_data() {
    let start = at("2026-01-06T10:00:00Z");
    let mut shop = Shop::live();
    shop.buys(purchase("car", 30_000, start));
    shop.pass(start.plus_ms(Timestamp::DAY_MS));
    assert_eq!(shop.insights, [], "the first order can be neither usual nor unusual");
}
