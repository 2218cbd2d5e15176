//! What is told of orders in a young shop, whatever its currency and its size.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "what the test builds is there, and small"
)]

use omnix_engine::Model;
use omnix_model::{Event, InsightKind, Money, Timestamp};

use crate::common::{Shop, at, of_order, purchase};
use crate::history::Seed;

/// A logarithm's share of a standard normal variable, roughly: the sum of twelve uniform ones.
fn normal(seed: &mut Seed) -> f64 {
    (0..12).map(|_| seed.next(1_000_000) as f64 / 1e6).sum::<f64>() - 6.0
}

/// A shop's first weeks: every day 24 of 120 customers order one to eight products, all amounts times `scale`. The
/// alerts of each day, and how many orders could be scored.
fn first_weeks(days: i64, scale: f64) -> (Vec<usize>, usize) {
    let mut seed = Seed(7);
    let start = at("2026-01-05T09:00:00Z");
    let mut customers: Vec<Shop> = (0..120).map(|_| Shop::history()).collect();
    let means: Vec<f64> = (0..120).map(|_| 3.4 + 0.7 * normal(&mut seed)).collect();
    let (mut model, mut alerts, mut scored) = (Model::seed(), Vec::new(), 0);
    for day in 0..days {
        let (now, mut told) = (start.plus_ms(day * Timestamp::DAY_MS), 0);
        let mut teacher = Shop { model: model.clone(), ..Shop::history() };
        for order in 0..24 {
            // On the first day some come again before anything has been learnt.
            let customer = usize::try_from(seed.next(if day == 0 { 10 } else { 120 })).unwrap();
            let shop = &mut customers[customer];
            shop.model = model.clone();
            scored += usize::from(shop.customer.is_some());
            let at = now.plus_ms(order * 1_200_000);
            for line in 0..=seed.next(8) {
                let product = seed.next(40);
                let usual = product as f64 / 20.0;
                let amount = (means[customer] - 2.0 + usual + 0.5 * normal(&mut seed)).exp() * scale;
                let mut bought =
                    of_order(&format!("d{day}-{order}"), purchase(&format!("p{product}"), 0, at));
                bought.total_amount = Money::from_millionths((amount * 1e6).round() as i64);
                shop.accept(Event::Purchase(bought), at.plus_ms(i64::try_from(line).unwrap()));
            }
            shop.pass(at.plus_ms(Timestamp::DAY_MS / 2));
            told += shop.insights.drain(..).filter(|said| said.kind == InsightKind::BehaviorAnomaly).count();
            teacher.observations.append(&mut shop.observations);
        }
        teacher.learn(now.plus_ms(Timestamp::DAY_MS));
        model = teacher.model;
        alerts.push(told);
    }
    (alerts, scored)
}

#[test]
fn the_first_weeks_are_quiet_whatever_the_currency() {
    let (euros, scored) = first_weeks(42, 1.0);
    for scale in [0.01, 100.0] {
        let (other, _) = first_weeks(42, scale);
        assert_eq!(other, euros, "amounts times {scale}");
    }
    let told: usize = euros.iter().sum();
    assert!(told * 1_000 <= 15 * scored, "{told} of {scored}");
}
