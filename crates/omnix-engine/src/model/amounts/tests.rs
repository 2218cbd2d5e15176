//! Against figures worked out by hand.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]

use super::*;
use crate::model::{Order, Score};

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9
}

fn orders(count: usize, ln_amount: f64, within: Option<f64>, residual: Option<f64>) -> OrderSums {
    let mut sums = OrderSums::default();
    for _ in 0..count {
        let left_out = sums.absorb(Order { ln_amount, within, residual, score: None });
        assert_eq!(left_out, 0);
    }
    sums
}

#[test]
fn a_newcomer_is_expected_to_order_like_all() {
    let expectation = AmountPrior::seed().expect(AmountHistory::default());
    assert!(close(expectation.mean, 300.0_f64.ln()) && close(expectation.freedom, 12.0));
    assert!(close(expectation.variance, 2.0_f64.ln().powi(2) * 2.0));
}

#[test]
fn a_known_customer_is_expected_to_order_like_before() {
    let prior = AmountPrior { mean: 5.0, variance: 0.5, drift: 0.1, ..AmountPrior::seed() };
    let expectation = prior.expect(AmountHistory { count: 4.0, mean: 6.0, variance: 0.2 });
    // M = (5 + 4*6)/5 + 0.1; nu = 12 + 3; V = (12*0.5 + 3*0.2)/15 * (1 + 1/5).
    assert!(close(expectation.mean, 5.9) && close(expectation.freedom, 15.0));
    assert!(close(expectation.variance, 6.6 / 15.0 * 1.2));
    // No more than 20 orders count.
    let many = prior.expect(AmountHistory { count: 900.0, mean: 6.0, variance: 0.2 });
    assert_eq!(many, prior.expect(AmountHistory { count: 20.0, mean: 6.0, variance: 0.2 }));
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
    let mut prior = AmountPrior::seed();
    prior.fold(&orders(9, 4.0, None, None), 1.0);
    // One order of 300 by the seed, nine of e^4.
    assert!(close(prior.mean(), (300.0_f64.ln() + 36.0) / 10.0));
    assert!(close(prior.orders(), 9.0));
    prior.fold(&orders(10, 5.0, Some(0.5), None), 1.0);
    assert!(close(prior.mean(), (300.0_f64.ln() + 86.0) / 20.0));
    let eight = 8.0 * 2.0_f64.ln().powi(2);
    assert!(close(prior.variance(), (eight + 5.0) / 18.0));
}

#[test]
fn a_full_window_forgets_by_orders_and_by_days() {
    let mut few =
        AmountPrior { mean_window: Window { seen: 9_000.0, recent: 0.0 }, mean: 0.0, ..AmountPrior::seed() };
    few.fold(&orders(50, 1.0, None, None), 1.0);
    assert!(close(few.mean(), 50.0 / 5_000.0));
    // 90 days hold 90,000 orders: 1,000 a day weigh a 90th, not a fifth.
    let mut many =
        AmountPrior { mean_window: Window { seen: 1e6, recent: 90_000.0 }, mean: 0.0, ..AmountPrior::seed() };
    many.fold(&orders(1_000, 1.0, None, None), 1.0);
    let recent = 90_000.0 * (-1.0_f64 / 90.0).exp() + 1_000.0;
    assert!(close(many.mean(), 1_000.0 / recent));
}

#[test]
fn drift_moves_as_by_one_order_after_the_other() {
    let mut prior = AmountPrior::seed();
    prior.fold(&orders(40, 5.0, None, Some(0.5)), 1.0);
    assert!(close(prior.drift(), (1.0 - 0.996_f64.powi(40)) * 0.5));
}

#[test]
fn drift_does_not_explode_in_a_large_epoch() {
    let mut prior = AmountPrior::seed();
    prior.fold(&orders(20_000, 5.0, None, Some(0.5)), 28.0);
    assert!(prior.drift() > 0.0 && prior.drift() <= 0.5, "{}", prior.drift());
}

#[test]
fn two_equal_orders_do_not_end_all_doubt() {
    let mut prior = AmountPrior::seed();
    for _ in 0..200 {
        prior.fold(&orders(5_000, 5.0, Some(0.0), None), 30.0);
    }
    assert!(prior.variance() >= 0.01);
    assert!(prior.expect(AmountHistory::default()).score(9.0).is_finite());
}

#[test]
fn an_empty_epoch_changes_no_belief() {
    let mut prior = AmountPrior::seed();
    prior.fold(&orders(100, 5.0, Some(0.3), Some(0.2)), 1.0);
    let before = prior.clone();
    prior.fold(&OrderSums::default(), 1.0);
    assert!(close(prior.mean(), before.mean()) && close(prior.variance(), before.variance()));
    assert!(close(prior.drift(), before.drift()));
}

#[test]
fn what_is_not_finite_is_left_out() {
    let mut sums = OrderSums::default();
    let score = Some(Score { z: f64::NAN, is_alert: true });
    let bad = Order { ln_amount: f64::NEG_INFINITY, within: Some(-1.0), residual: Some(f64::NAN), score };
    assert_eq!(sums.absorb(bad), 4);
    assert!(sums.is_empty());
}

#[test]
fn how_orders_are_cut_into_epochs_hardly_matters() {
    let mut once = AmountPrior::seed();
    once.fold(&orders(200, 5.0, Some(0.3), Some(0.2)), 5.0);
    let mut singly = AmountPrior::seed();
    for _ in 0..200 {
        // What is left of the residual once the drift has taken its part.
        let residual = 0.2 - singly.drift();
        singly.fold(&orders(1, 5.0, Some(0.3), Some(residual)), 5.0 / 200.0);
    }
    assert!(close(once.mean(), singly.mean()) && close(once.variance(), singly.variance()));
    assert!(close(once.drift(), singly.drift()), "{} {}", once.drift(), singly.drift());
}
