//! Against figures worked out by hand.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]

use super::*;
use crate::model::tally::Sum;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9
}

fn orders(count: u32, y: f64, within: Option<f64>, residual: Option<f64>) -> LevelSums {
    let count = f64::from(count);
    let sum =
        |figure: Option<f64>| figure.map_or(Sum::default(), |figure| Sum { count, sum: count * figure });
    LevelSums { sizes: sum(Some(y)), within: sum(within), residuals: sum(residual) }
}

#[test]
fn a_newcomer_is_expected_to_order_like_all() {
    let level = AmountLevel { mean_window: Window { seen: 1e9, recent: 0.0 }, ..AmountLevel::seed() };
    let expectation = level.expect(AmountHistory::default());
    assert!(close(expectation.mean, 300.0_f64.ln()) && close(expectation.freedom, 12.0));
    assert!((expectation.variance - 2.0_f64.ln().powi(2) * 2.0).abs() < 1e-6);
}

#[test]
fn a_known_customer_is_expected_to_order_like_before() {
    let mean_window = Window { seen: 10.0, recent: 10.0 };
    let level = AmountLevel { mean: 5.0, mean_window, variance: 0.5, drift: 0.1, ..AmountLevel::seed() };
    let expectation = level.expect(AmountHistory { count: 4.0, mean: 6.0, variance: 0.2 });
    // w = 10/(9.9 + 10), as the seed counts for a tenth of an order; M = (w 5 + 4*6)/(w + 4) + 0.1; nu = 12 + 3; V
    // = (12*0.5 + 3*0.2)/15 * (1 + 1/4.5).
    let w = 10.0 / 19.9;
    assert!(close(expectation.mean, (5.0 * w + 24.0) / (w + 4.0) + 0.1) && close(expectation.freedom, 15.0));
    assert!(close(expectation.variance, 6.6 / 15.0 * (1.0 + 1.0 / (w + 4.0))));
    // No more than 20 orders count.
    let many = level.expect(AmountHistory { count: 900.0, mean: 6.0, variance: 0.2 });
    assert_eq!(many, level.expect(AmountHistory { count: 20.0, mean: 6.0, variance: 0.2 }));
}

#[test]
fn a_score_is_the_normal_equivalent_of_its_t() {
    let expectation = AmountExpectation { mean: 2.0, variance: 0.25, freedom: 12.0 };
    // t = (3 - 2)/0.5 = 2: sqrt(12 ln(1 + 4/12)) * 97/99 = 1.820468
    let hand = (12.0_f64 * (4.0_f64 / 3.0).ln()).sqrt() * 97.0 / 99.0;
    assert!(close(expectation.score(3.0), hand) && close(expectation.score(1.0), -hand));
    assert!((hand - 1.820_5).abs() < 1e-3, "{hand}");
    assert!(close(expectation.score(2.0), 0.0));
    assert!((expectation.amount_at(hand).ln() - 3.0).abs() < 1e-9);
    assert!((expectation.amount_at(-hand).ln() - 1.0).abs() < 1e-9);
    assert!(close(expectation.clamp(9.0), 3.5) && close(expectation.clamp(-9.0), 0.5));
}

#[test]
fn the_mean_is_a_running_mean_until_the_window_is_full() {
    let mut level = AmountLevel::seed();
    level.fold(&orders(9, 4.0, None, None), 1.0);
    // A tenth of an order of 300 by the seed, nine of e^4.
    assert!(close(level.mean(), (0.1 * 300.0_f64.ln() + 36.0) / 9.1));
    assert!(close(level.orders(), 9.0));
    level.fold(&orders(10, 5.0, Some(0.5), None), 1.0);
    assert!(close(level.mean(), (0.1 * 300.0_f64.ln() + 86.0) / 19.1));
    let eight = 8.0 * 2.0_f64.ln().powi(2);
    assert!(close(level.variance(), (eight + 5.0) / 18.0));
}

#[test]
fn a_full_window_forgets_by_orders_and_by_days() {
    let mut few =
        AmountLevel { mean_window: Window { seen: 9_000.0, recent: 0.0 }, mean: 0.0, ..AmountLevel::seed() };
    few.fold(&orders(50, 1.0, None, None), 1.0);
    assert!(close(few.mean(), 50.0 / 5_000.0));
    // 90 days hold 90,000 orders: 1,000 a day weigh a 90th, not a fifth.
    let mut many =
        AmountLevel { mean_window: Window { seen: 1e6, recent: 90_000.0 }, mean: 0.0, ..AmountLevel::seed() };
    many.fold(&orders(1_000, 1.0, None, None), 1.0);
    let recent = 90_000.0 * (-1.0_f64 / 90.0).exp() + 1_000.0;
    assert!(close(many.mean(), 1_000.0 / recent));
}

#[test]
fn drift_moves_as_by_one_order_after_the_other() {
    let mut level = AmountLevel::seed();
    level.fold(&orders(40, 5.0, None, Some(0.5)), 1.0);
    assert!(close(level.drift(), (1.0 - 0.996_f64.powi(40)) * 0.5));
}

#[test]
fn drift_does_not_explode_in_a_large_epoch() {
    let mut level = AmountLevel::seed();
    level.fold(&orders(20_000, 5.0, None, Some(0.5)), 28.0);
    assert!(level.drift() > 0.0 && level.drift() <= 0.5, "{}", level.drift());
}

#[test]
fn two_equal_orders_do_not_end_all_doubt() {
    let mut level = AmountLevel::seed();
    for _ in 0..200 {
        level.fold(&orders(5_000, 5.0, Some(0.0), None), 30.0);
    }
    assert!(level.variance() >= 0.01);
    assert!(level.expect(AmountHistory::default()).score(9.0).is_finite());
}

#[test]
fn an_empty_epoch_changes_no_belief() {
    let mut level = AmountLevel::seed();
    level.fold(&orders(100, 5.0, Some(0.3), Some(0.2)), 1.0);
    let before = level.clone();
    level.fold(&LevelSums::default(), 1.0);
    assert!(close(level.mean(), before.mean()) && close(level.variance(), before.variance()));
    assert!(close(level.drift(), before.drift()));
}

#[test]
fn how_orders_are_cut_into_epochs_hardly_matters() {
    let mut once = AmountLevel::seed();
    once.fold(&orders(200, 5.0, Some(0.3), Some(0.2)), 5.0);
    let mut singly = AmountLevel::seed();
    for _ in 0..200 {
        // What is left of the residual once the drift has taken its part.
        let residual = 0.2 - singly.drift();
        singly.fold(&orders(1, 5.0, Some(0.3), Some(residual)), 5.0 / 200.0);
    }
    assert!(close(once.mean(), singly.mean()) && close(once.variance(), singly.variance()));
    assert!(close(once.drift(), singly.drift()), "{} {}", once.drift(), singly.drift());
}
