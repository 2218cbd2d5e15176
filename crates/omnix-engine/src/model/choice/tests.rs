//! What is learnt of choices, from shops whose customers choose as the test says.

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::*;

/// A figure from 0 to 1 that looks drawn.
fn drawn(order: u32, what: u64) -> f64 {
    (xxh3_64_with_seed(&order.to_le_bytes(), what) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Products on offer.
fn on_offer(order: u32) -> Vec<Offered> {
    let figure = |product: u64, what: u64| drawn(order, 100 * product + what);
    let product = |number| Offered {
        company: figure(number, 1),
        sales: (figure(number, 2) / 9.0, figure(number, 3) / 9.0),
        is_taken: false,
    };
    (0..30).map(product).collect()
}

/// An order in which two products are taken by these weights.
fn order(number: u32, weights: &Vector) -> Vec<Offered> {
    let mut offered = on_offer(number);
    let sales: Vec<_> = offered.iter().map(|offered| ln_sales(offered.sales)).collect();
    let (chances, _) = chances(&ChoiceWeights::of(*weights), &offered, &sales);
    for draw in 0..2 {
        let mut left = drawn(number, 50 + draw);
        let picked = chances.iter().position(|chance| {
            left -= chance;
            left < 0.0
        });
        offered[picked.unwrap_or(0)].is_taken = true;
    }
    offered
}

/// What is learnt in so many days of so many orders.
fn taught(days: u32, orders: u32, weights: &Vector) -> Choices {
    let mut choices = Choices::seed();
    for day in 0..days {
        let mut sums = ChoiceSums::default();
        let seen =
            (day * orders..(day + 1) * orders).filter_map(|number| choices.observe(&order(number, weights)));
        seen.for_each(|seen| sums.merge(&seen));
        choices.fold(&sums, 1.0);
    }
    choices
}

/// Whether the weights are those of the prior, to within so much.
fn is_prior(choices: &Choices, within: f64) -> bool {
    let ChoiceWeights { floor, short, long } = choices.weights();
    [ln(floor), short, long].iter().zip(PRIOR).all(|(a, b)| (a - b).abs() <= within)
}

#[test]
fn before_any_order_it_is_company_times_what_sells_lately() {
    let seed = Choices::seed();
    assert!(is_prior(&seed, 1e-12));
    let solved = solved(&seed.seen.information, &seed.seen.vector).unwrap();
    assert!(is_prior(&Choices { weights: solved, labels: 1_000.0, ..seed }, 1e-12), "{solved:?}");
    assert_eq!(seed.observe(&order(1, &PRIOR).into_iter().take(0).collect::<Vec<_>>()), None);
}

#[test]
fn what_customers_go_by_is_found() {
    for wanted in [[0.5, 1.5, -0.5], [-3.0, 0.3, 0.3], [-1.0, 1.0, -1.0]] {
        let learnt = taught(90, 30, &wanted).weights;
        // Of company that hardly counts it is hard to tell how little.
        let within = [0.5, 0.25, 0.25];
        let is_found = learnt.iter().zip(wanted).zip(within).all(|((a, b), within)| (a - b).abs() < within);
        assert!(is_found, "{wanted:?}: {learnt:?}");
    }
}

#[test]
fn when_customers_change_it_follows_and_without_orders_it_goes_back() {
    let mut choices = taught(60, 30, &[-3.0, 0.3, 0.3]);
    assert!(choices.weights().floor < 0.1, "{:?}", choices.weights());
    for day in 0..60 {
        let mut sums = ChoiceSums::default();
        let orders = (0..30).map(|number| order(9_000 + day * 30 + number, &[0.5, 1.5, -0.5]));
        orders.filter_map(|order| choices.observe(&order)).for_each(|seen| sums.merge(&seen));
        choices.fold(&sums, 1.0);
    }
    let ChoiceWeights { floor, short, .. } = choices.weights();
    assert!(floor > 0.3 && short > 0.9, "{:?}", choices.weights());
    choices.fold(&ChoiceSums::default(), 900.0);
    assert!(is_prior(&choices, 1e-2), "{:?}", choices.weights());
}

#[test]
fn more_orders_than_are_needed_are_not_looked_at() {
    let mut choices = Choices::seed();
    assert!(!choices.takes(1 << 61) && choices.takes(1 << 60), "one in eight");
    choices.fold(&ChoiceSums::default(), 0.1);
    assert!(choices.takes(1 << 61), "too few to know: one in four");
    choices.fold(&ChoiceSums { orders: 60.0, ..ChoiceSums::default() }, 0.1);
    assert!(!choices.takes(1 << 59) && choices.takes(1 << 58), "at once, one in 32");
    for _ in 0..100 {
        choices.fold(&ChoiceSums { orders: 1.0, ..ChoiceSums::default() }, 0.01);
    }
    let gate = choices.gate;
    choices.fold(&ChoiceSums::default(), 0.01);
    assert_eq!(choices.gate, gate, "enough is known: a quiet night opens nothing");
    (0..9).for_each(|_| choices.fold(&ChoiceSums::default(), 30.0));
    assert!(choices.takes(u64::MAX) && choices.gate == 0, "what was known is forgotten");
}

#[test]
fn it_tells_how_it_does_and_falls_back_when_it_does_worse() {
    let choices = taught(60, 30, &[0.2, 1.5, -0.5]);
    let status = choices.status();
    assert!(status.labels > 500.0 && status.loss < status.fallback_loss, "{status:?}");
    assert!(!status.has_fallen_back());
    let worse = ChoiceSums {
        orders: 400.0,
        taken: 900.0,
        loss: 9_000.0,
        fallback_loss: 3_000.0,
        ..ChoiceSums::default()
    };
    let mut fallen = choices;
    fallen.fold(&worse, 1.0);
    assert!(fallen.status().has_fallen_back());
    assert!(is_prior(&fallen, 1e-12));
}

proptest! {
    #[test]
    fn bytes_are_what_was_learnt_and_damaged_ones_break_nothing(at in 0..110_usize, bit in 0..8_u8) {
        let choices = taught(3, 10, &[0.5, 1.0, 0.0]);
        let mut out = Writer::new();
        choices.encode(&mut out);
        let bytes = out.into_bytes();
        prop_assert_eq!(Choices::decode(&mut Reader::new(&bytes)), Ok(choices));
        let mut damaged = bytes.clone();
        if let Some(byte) = damaged.get_mut(at) {
            *byte ^= 1 << bit;
        }
        if let Ok(mut read) = Choices::decode(&mut Reader::new(&damaged)) {
            let sums = read.observe(&order(1, &PRIOR)).unwrap_or_default();
            read.fold(&sums, 1.0);
            let ChoiceWeights { floor, short, long } = read.weights();
        prop_assert!((0.0..34.0).contains(&floor) && short.abs().max(long.abs()) <= 4.0);
        }
    }
}
