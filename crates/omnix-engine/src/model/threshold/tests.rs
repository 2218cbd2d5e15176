//! The budget holds, from the first day on and when scores change.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]

use super::*;

/// `count` scores whose share above `x` is exp(-x/mean): an exponential, by its quantiles.
fn exponential(count: u32, mean: f64) -> ScoreCounts {
    let mut scores = ScoreCounts::default();
    for i in 0..count {
        let share = (f64::from(i) + 0.5) / f64::from(count);
        scores.add(Threshold::bin_of(-mean * ln(share)), 1);
    }
    scores
}

/// Orders with these scores by every measure.
fn orders(scores: ScoreCounts, alerts: u64) -> OrderSums {
    OrderSums { scores: scores.clone(), line_scores: scores, alerts, ..OrderSums::default() }
}

fn theta(threshold: &Threshold) -> f64 {
    threshold.alert_scores().amount
}

fn share_above(theta: f64, mean: f64) -> f64 {
    exp(-theta / mean)
}

#[test]
fn the_seed_follows_from_the_pseudo_orders_alone() {
    // 5 % of them lie above 2.33 - 0.35 ln 5 = 1.767, so u = 1.775; tau = 0.01; theta = 1.775 + 0.35 ln 5.
    let seed = Threshold::seed().alert_scores();
    let theta = 1.775 + 0.35 * 5.0_f64.ln();
    assert!((seed.amount - theta).abs() < 1e-9);
    // A line may take a fifth of the budget.
    assert!((seed.line - (theta + 0.35 * 5.0_f64.ln())).abs() < 1e-9);
}

#[test]
fn one_in_a_hundred_lies_above_the_threshold() {
    for mean in [0.2, 0.35, 0.6] {
        let mut threshold = Threshold::seed();
        threshold.fold(1.0, &orders(exponential(60_000, mean), 600));
        let share = share_above(theta(&threshold), mean);
        assert!((0.0075..0.0125).contains(&share), "mean {mean}: {share}");
    }
}

#[test]
fn too_many_alerts_raise_it_and_too_few_lower_it() {
    let scores = exponential(2_000, 0.35);
    let at = |alerts| {
        let mut threshold = Threshold::seed();
        threshold.fold(1.0, &orders(scores.clone(), alerts));
        theta(&threshold)
    };
    assert!(at(60) > at(20) && at(20) > at(5));
    // Within bounds: tau stays between 0.004 and 0.025.
    assert!((at(2_000) - at(1_000)).abs() < 1e-12);
}

#[test]
fn it_follows_scores_that_change_and_forgets_the_old() {
    let mut threshold = Threshold::seed();
    threshold.fold(1.0, &orders(exponential(5_000, 0.2), 50));
    let low = theta(&threshold);
    for _ in 0..12 {
        threshold.fold(30.0, &orders(exponential(5_000, 0.6), 50));
    }
    assert!(theta(&threshold) > low + 1.0);
    let share = share_above(theta(&threshold), 0.6);
    assert!((0.007..0.013).contains(&share), "{share}");
}

#[test]
fn scores_beyond_all_bins_leave_it_finite() {
    let mut scores = ScoreCounts::default();
    scores.add(BINS - 1, 1_000_000);
    let mut threshold = Threshold::seed();
    threshold.fold(0.0, &orders(scores, 1_000_000));
    assert!(theta(&threshold).is_finite() && theta(&threshold) >= 8.0, "{}", theta(&threshold));
}
