//! Against figures worked out by hand.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]

use super::*;
use crate::model::{Measured, Order, Score};

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9
}

fn lines(count: f64, amount: f64) -> LineSums {
    LineSums { count, ln_amount: count * amount.ln() }
}

/// A shop in which 1,000 lines came to 8 each.
fn shop() -> AmountPrior {
    AmountPrior { lines: lines(1_000.0, 8.0), ..AmountPrior::seed() }
}

#[test]
fn a_product_that_comes_to_more_is_more_of_an_order() {
    let prior = shop();
    assert!(close(prior.line_size(LineSums::default()), 1.0), "of what is not known nothing is said");
    // 16 lines of 8 times as much, against 4 of the usual: 8^(16/20).
    assert!(close(prior.line_size(lines(16.0, 64.0)), 8.0_f64.powf(0.8)));
    assert!(close(prior.line_mean(lines(16.0, 64.0)), 8.0_f64.ln() * 1.8));
}

#[test]
fn the_size_of_an_order_knows_no_currency() {
    let (mut pounds, mut pence) = (shop(), shop());
    pounds.lines = lines(1_000.0, 8.0);
    pence.lines = lines(1_000.0, 800.0);
    assert!(close(pounds.line_size(lines(3.0, 20.0)), pence.line_size(lines(3.0, 2_000.0))));
}

#[test]
fn four_times_the_lines_may_come_to_twice_as_much() {
    let small = AmountPrior::for_lines_of(100.0_f64.ln(), 1.0);
    let large = AmountPrior::for_lines_of(200.0_f64.ln(), 4.0);
    assert!(close(small, large));
}

#[test]
fn prices_of_a_year_ago_count_half() {
    let mut prior = shop();
    prior.fold(&OrderSums::default(), lines(500.0, 32.0), 365.0);
    assert!(close(prior.lines.count, 1_000.0) && close(prior.lines.mean(), 16.0_f64.ln()));
}

#[test]
fn what_is_not_finite_is_left_out() {
    let mut sums = OrderSums::default();
    let score = Some(Score { z: f64::NAN, line: Some(f64::NAN), is_alert: true });
    let bad = Measured { y: f64::NEG_INFINITY, within: Some(-1.0), residual: Some(f64::NAN) };
    assert_eq!(sums.absorb(Order { whole: bad, for_lines: bad, score }), 8);
    assert!(sums.is_empty());
}
