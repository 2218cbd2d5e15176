//! Against figures from tables.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]

use super::*;

fn close(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() <= within
}

#[test]
fn the_normal_distribution_is_that_of_the_tables() {
    for (x, p) in [
        (0.0, 0.5),
        (1.0, 0.841_344_746_068_543),
        (-1.96, 0.024_997_895_148_220),
        (3.0, 0.998_650_101_968_370),
    ] {
        assert!(close(normal_cdf(x), p, 1e-12), "{x}: {}", normal_cdf(x));
    }
}

#[test]
fn the_quantile_is_the_inverse() {
    assert!(close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-12));
    assert!(close(normal_quantile(0.001), -3.090_232_306_167_814, 1e-9));
    for x in [-6.0, -2.5, -1.0, -0.01, 0.0, 0.3, 2.0, 5.0] {
        assert!(close(normal_quantile(normal_cdf(x)), x, 1e-8), "{x}: {}", normal_quantile(normal_cdf(x)));
    }
    assert!(normal_quantile(0.0).is_finite() && normal_quantile(1.0).is_finite());
}

#[test]
fn logit_and_logistic_are_inverse_and_finite() {
    assert!(close(logit(0.75), 3.0_f64.ln(), 1e-12));
    assert!(close(logistic(logit(0.2)), 0.2, 1e-12));
    assert!(logit(0.0).is_finite() && logit(1.0).is_finite());
    assert!(close(logistic(-1e9), 0.0, 1e-300) && close(logistic(1e9), 1.0, 1e-12));
}

#[test]
fn half_is_left_after_a_half_life() {
    assert!(close(decay(14.0, 14.0), 0.5, 1e-15) && close(decay(0.0, 14.0), 1.0, 0.0));
    assert!(close(decay(1e9, 14.0), 0.0, 0.0));
}

#[test]
fn days_go_there_and_back() {
    let start = Timestamp::from_ms_clamped(1_700_000_000_000);
    let end = after_days(start, 1.5);
    assert_eq!(end.ms_since(start), 36 * Timestamp::HOUR_MS);
    assert!(close(days_between(start, end), 1.5, 1e-15) && close(days_between(end, start), -1.5, 1e-15));
    assert_eq!(after_days(start, f64::INFINITY), Timestamp::MAX);
    assert_eq!(after_days(start, -1e300), Timestamp::MIN);
}

#[test]
fn bins_are_clamped_at_both_ends() {
    let bins = [-1.0, 0.0, 0.024, 0.025, 7.99, 8.0, 1e300, f64::INFINITY].map(|x| bin(x, 0.025, 320));
    assert_eq!(bins, [0, 0, 0, 1, 319, 319, 319, 319]);
    assert_eq!(bin(f64::NAN, 0.025, 320), 0);
}

#[test]
fn what_is_too_large_for_half_the_precision_is_clamped() {
    assert!(narrow(1e300).is_finite() && narrow(-1e300).is_finite());
    assert!(close(f64::from(narrow(0.1)), 0.1, 1e-8));
}
