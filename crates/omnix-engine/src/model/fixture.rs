//! Small shops for tests.

#![expect(clippy::cast_possible_wrap, reason = "tests: small figures, exact by design")]

use omnix_model::{DeviceType, Lane, ProductId, Timestamp};
use smol_str::{SmolStr, format_smolstr};

use crate::Occasion;
use crate::model::{
    Basket, Buyer, Interval, Measured, Model, Observation, Order, OrderHour, Sale, Score, Tally, learn,
};

/// 2024-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_ms_clamped(1_704_067_200_000);

/// `days` after [`START`].
pub(crate) fn day(days: i64) -> Timestamp {
    START.plus_ms(days * Timestamp::DAY_MS)
}

pub(crate) fn product(id: &str) -> ProductId {
    ProductId::new(id).unwrap()
}

pub(crate) fn lane(number: u8) -> Lane {
    Lane::new(number).unwrap()
}

pub(crate) fn sale(id: &str, at: Timestamp) -> Observation {
    Observation::Sale(Sale {
        product_id: product(id),
        product_name: format_smolstr!("the {id}"),
        product_category: SmolStr::new("things"),
        buyer: Buyer::First,
        ln_amount: Some(2.0),
        at,
        occasion: Occasion { day_part: 2, device: Some(DeviceType::Web), place: Some(17) },
    })
}

pub(crate) fn basket(key: u64, ids: &[&str], at: Timestamp) -> Observation {
    Observation::Basket(Basket { key, products: ids.iter().map(|id| product(id)).collect(), at })
}

pub(crate) fn interval(id: &str, days: f64, within: Option<f64>) -> Observation {
    Observation::Interval(Interval { product_id: product(id), days, within })
}

pub(crate) fn order(ln_amount: f64, z: f64) -> Observation {
    let measured = |y| Measured { y, within: Some(0.3), residual: Some(0.1) };
    Observation::Order(Order {
        whole: measured(ln_amount),
        for_lines: measured(ln_amount - 1.0),
        score: Some(Score { z, line: Some(z), is_alert: z > 2.0 }),
    })
}

pub(crate) fn order_at(hour: u8, score: f64) -> Observation {
    Observation::Hour(OrderHour { hour, score: Some(score), is_alert: score > 4.0 })
}

pub(crate) fn tally(observations: &[Observation]) -> Tally {
    let mut tally = Tally::default();
    tally.absorb(observations);
    tally
}

/// The model after one lane's epochs, each ending with the day at which it stands.
pub(crate) fn taught(epochs: &[(i64, Vec<Observation>)]) -> Model {
    epochs.iter().fold(Model::seed(), |model, (until, observations)| {
        learn(&model, &[(lane(0), tally(observations))], day(*until))
    })
}

/// A shop's day: `count` baskets of products that follow from their numbers.
pub(crate) fn busy_day(number: u64, count: u64) -> Vec<Observation> {
    let mut observations = Vec::new();
    let at = day(number as i64);
    for i in 0..count {
        let key = number * 1_000 + i;
        let mut ids: Vec<String> =
            (0..=i % 5).map(|line| format!("p{}", (key * 7 + line * line * 3) % 23)).collect();
        ids.sort();
        ids.dedup();
        observations.extend(ids.iter().map(|id| sale(id, at)));
        if i % 3 == 0 {
            observations.push(interval(&ids[0], 3.0 + (key % 40) as f64, (i % 2 == 0).then_some(0.4)));
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        observations.push(basket(key, &ids, at.plus_ms(i as i64 * 60_000)));
        observations.push(order(4.0 + (key % 10) as f64 / 5.0, (key % 25) as f64 / 10.0));
        let hour = match key % 6 {
            0 => 8,
            1 | 2 => 9,
            3 => 10,
            4 => 17,
            _ => 23,
        };
        observations.push(order_at(hour, (key % 45) as f64 / 10.0));
    }
    observations
}
