//! What is told of orders in a young shop, whatever its currency and its size.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "what the test builds is there, and small"
)]

use omnix_engine::explain::{Decision, steps};
use omnix_engine::{Cause, Context, Model};
use omnix_model::{Event, Figure, Insight, InsightKind, Money, Timestamp};

use crate::common::{Shop, at, of_order, purchase, record};
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

/// Ten minutes past an hour of a day.
fn past(day: i64, hour: i64) -> Timestamp {
    at("2026-01-05T00:10:00Z").plus_ms(day * Timestamp::DAY_MS + hour * Timestamp::HOUR_MS)
}

/// A customer who for 40 days has ordered at `hour`.
fn regular(hour: i64) -> Shop {
    let mut shop = Shop::history();
    for day in 0..40 {
        shop.buys(of_order(&format!("o{day}"), purchase("coffee", 4, past(day, hour))));
    }
    shop
}

/// What is known in a shop whose customers order at six, eight or ten.
fn shop_with_hours() -> Model {
    let mut teacher = Shop::history();
    for hour in [6, 8, 10].into_iter().cycle().take(30) {
        teacher.observations.append(&mut regular(hour).observations);
    }
    teacher.learn(past(40, 0));
    teacher.model
}

/// What is said of an order of this amount at an hour of a customer who has always ordered at eight, for four.
fn said_at(model: &Model, amount: i64, hour: i64) -> Vec<Insight> {
    let mut shop = Shop { model: model.clone(), ..regular(8) };
    shop.buys(of_order("last", purchase("coffee", amount, past(41, hour))));
    assert_eq!(&shop.stored(), shop.state(), "what was found is kept");
    shop.pass(past(43, 0));
    let anomalies = shop.insights.into_iter().filter(|insight| insight.kind == InsightKind::BehaviorAnomaly);
    anomalies.collect()
}

/// Whether an insight covers an unusual hour.
fn covers_hour(insight: &Insight) -> bool {
    let covers = insight.figures.iter().find(|(name, _)| name == "covers");
    matches!(covers, Some((_, Figure::List(ids))) if ids.contains(&Figure::Text("anomaly.hour".into())))
}

#[test]
fn an_hour_far_from_all_others_is_told_with_a_large_order_and_one_near_them_is_not() {
    let model = shop_with_hours();
    let is_told = |hour: i64| match said_at(&model, 4_000, hour).as_slice() {
        [insight] => covers_hour(insight),
        other => panic!("one insight at each hour: {other:#?}"),
    };
    let hours: Vec<i64> = (0..24).filter(|hour| is_told(*hour)).collect();
    let far: Vec<i64> = (0..5).chain(12..24).collect();
    assert_eq!(hours, far, "more than three hours from theirs");
}

#[test]
fn an_hour_alone_is_not_told() {
    let model = shop_with_hours();
    assert!((0..24).all(|hour| said_at(&model, 4, hour).is_empty()));
}

#[test]
fn the_steps_of_an_hour_lead_to_its_figures() {
    let mut shop = Shop { model: shop_with_hours(), ..regular(8) };
    let before = shop.customer.clone();
    let event = record("e", Event::Purchase(of_order("last", purchase("coffee", 4_000, past(41, 20)))));
    shop.accept(event.event.clone(), past(41, 20));
    let insight = shop.insights.iter().find(|insight| covers_hour(insight)).unwrap();
    let figure = |name: &str| &insight.figures.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(figure("hourDirection"), &Figure::Text("later".into()));
    assert_eq!((figure("hour"), figure("usualHour")), (&Figure::Count(20), &Figure::Count(8)));
    let context = Context { model: &shop.model, settings: &shop.settings, customer_id: &shop.customer_id };
    let steps = steps(&Decision {
        insight,
        cause: Cause::Event(&event),
        before: before.as_ref(),
        after: shop.state(),
        now: past(41, 20),
        context,
    });
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    let of_hour = ["shopShare", "hourLikelihood", "usualHourLikelihood", "hourScore", "isHourUnusual"];
    assert!(names.ends_with(&of_hour), "behind those of the amount: {names:?}");
    let step = |name: &str| &steps.iter().find(|step| step.name == name).unwrap().value;
    assert_eq!(step("hourScore"), figure("hourScore"));
    assert_eq!(step("isHourUnusual"), &Figure::Flag(true));
}

#[test]
fn however_the_lines_of_an_order_at_night_come_the_same_is_said() {
    let model = shop_with_hours();
    for amounts in [[1, 1, 2], [4, 4, 4_000], [4_000, 4, 4]] {
        let said = |is_history: bool, gap_ms: i64| {
            let mut shop = Shop { model: model.clone(), is_history, ..regular(8) };
            let at = past(41, 20);
            for (number, amount) in (0..).zip(amounts) {
                let line =
                    of_order("night", purchase(&format!("p{number}"), amount, at.plus_ms(number * 60_000)));
                let now = at.plus_ms(number * gap_ms + 120_000);
                shop.pass(now);
                shop.accept(Event::Purchase(line), now);
            }
            shop.pass(past(42, 20));
            let of_order = shop.insights.iter().filter(|insight| insight.event_timestamp >= at);
            let of_order = of_order.filter(|insight| insight.kind == InsightKind::BehaviorAnomaly);
            of_order.map(|said| (said.id, said.message_id.clone(), said.figures.clone())).collect::<Vec<_>>()
        };
        let (singly, together, imported) = (said(false, 60_000), said(false, 0), said(true, 0));
        let is_large = amounts.contains(&4_000);
        assert_eq!(singly.len(), usize::from(is_large), "{amounts:?}: {singly:#?}");
        assert_eq!(singly, together, "{amounts:?}");
        assert_eq!(singly, imported, "{amounts:?}");
    }
}
