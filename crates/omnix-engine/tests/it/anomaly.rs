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
use omnix_model::{Event, Figure, InsightKind, Money, Timestamp};

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

/// Whether an order at each hour of the day is told of a customer who has always ordered at eight.
fn told_at_hours() -> Vec<bool> {
    let model = shop_with_hours();
    let told = |hour: i64| {
        let mut shop = Shop { model: model.clone(), ..regular(8) };
        shop.buys(of_order("last", purchase("coffee", 4, past(41, hour))));
        assert_eq!(&shop.stored(), shop.state(), "what was found is kept");
        shop.pass(past(43, 0));
        shop.insights.iter().any(|insight| insight.message_id == "anomaly.hour")
    };
    (0..24).map(told).collect()
}

#[test]
fn an_hour_far_from_all_others_is_told_and_one_near_them_is_not() {
    let hours: Vec<usize> =
        (0..24).zip(told_at_hours()).filter(|(_, told)| *told).map(|(hour, _)| hour).collect();
    let far: Vec<usize> = (0..5).chain(12..24).collect();
    assert_eq!(hours, far, "more than three hours from theirs");
}

#[test]
fn the_steps_of_an_hour_lead_to_its_figures() {
    let mut shop = Shop { model: shop_with_hours(), ..regular(8) };
    let before = shop.customer.clone();
    let event = record("e", Event::Purchase(of_order("last", purchase("coffee", 4, past(41, 20)))));
    shop.accept(event.event.clone(), past(41, 20));
    let insight = shop.insights.iter().find(|insight| insight.message_id == "anomaly.hour").unwrap();
    let figure = |name: &str| &insight.figures.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(figure("direction"), &Figure::Text("later".into()));
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
    let led_to = steps.iter().filter(|step| insight.figures.iter().any(|(name, _)| name == step.name));
    let led_to: Vec<&str> = led_to.map(|step| step.name).collect();
    assert_eq!(led_to, ["likelihood", "usualLikelihood", "score"]);
    for step in steps.iter().filter(|step| led_to.contains(&step.name)) {
        assert_eq!(figure(step.name), &step.value, "{}", step.name);
    }
    assert_eq!(steps.last().unwrap().value, Figure::Flag(true));
}

#[test]
fn however_the_lines_of_an_order_at_night_come_the_same_is_said() {
    let model = shop_with_hours();
    for amounts in [[4, 4, 4], [4, 4, 4_000], [4_000, 4, 4]] {
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
        assert_eq!(singly.len(), 1, "{amounts:?}: one insight: {singly:#?}");
        assert_eq!(singly, together, "{amounts:?}");
        assert_eq!(singly, imported, "{amounts:?}");
    }
}
