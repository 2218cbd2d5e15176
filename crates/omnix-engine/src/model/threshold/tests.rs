//! The budget holds, from the first day on and when scores change.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]

use super::*;

/// `count` scores whose share above `x` is exp(-x/mean): an exponential, by its quantiles.
fn exponential(count: u32, mean: f64) -> Vec<u64> {
    let mut scores = vec![0; BINS];
    for i in 0..count {
        let share = (f64::from(i) + 0.5) / f64::from(count);
        scores[Threshold::bin_of(-mean * ln(share))] += 1;
    }
    scores
}

fn share_above(theta: f64, mean: f64) -> f64 {
    exp(-theta / mean)
}

#[test]
fn the_seed_follows_from_the_pseudo_orders_alone() {
    // 5 % of them lie above 1.9 - 0.35 ln 5 = 1.337, so u = 1.35; tau = 0.01; theta = 1.35 + 0.35 ln 5.
    assert!((Threshold::seed().theta() - (1.35 + 0.35 * 5.0_f64.ln())).abs() < 1e-9);
}

#[test]
fn one_in_a_hundred_lies_above_the_threshold() {
    for mean in [0.2, 0.35, 0.6] {
        let mut threshold = Threshold::seed();
        threshold.fold(1.0, &exponential(20_000, mean), 200);
        let share = share_above(threshold.theta(), mean);
        assert!((0.008..0.0125).contains(&share), "mean {mean}: {share}");
    }
}

#[test]
fn too_many_alerts_raise_it_and_too_few_lower_it() {
    let scores = exponential(2_000, 0.35);
    let theta = |alerts| {
        let mut threshold = Threshold::seed();
        threshold.fold(1.0, &scores, alerts);
        threshold.theta()
    };
    assert!(theta(60) > theta(20) && theta(20) > theta(5));
    // Within bounds: tau stays between 0.004 and 0.025.
    assert!((theta(2_000) - theta(1_000)).abs() < 1e-12);
}

#[test]
fn it_follows_scores_that_change_and_forgets_the_old() {
    let mut threshold = Threshold::seed();
    threshold.fold(1.0, &exponential(5_000, 0.2), 50);
    let low = threshold.theta();
    for _ in 0..12 {
        threshold.fold(30.0, &exponential(5_000, 0.6), 50);
    }
    assert!(threshold.theta() > low + 1.0);
    let share = share_above(threshold.theta(), 0.6);
    assert!((0.007..0.013).contains(&share), "{share}");
}

#[test]
fn scores_beyond_all_bins_leave_it_finite() {
    let mut scores = vec![0; BINS];
    scores[BINS - 1] = 1_000_000;
    let mut threshold = Threshold::seed();
    threshold.fold(0.0, &scores, 1_000_000);
    assert!(threshold.theta().is_finite() && threshold.theta() >= 8.0, "{}", threshold.theta());
}
