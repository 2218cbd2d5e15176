//! Against figures worked out by hand.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]

use super::*;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9
}

/// Three intervals of e^2, e^3 and e^4 days: g = 3 when the seed is left aside.
fn prior() -> IntervalPrior {
    IntervalPrior { all: IntervalSums { count: 3.0, ln_days: 9.0 }, ..IntervalPrior::seed() }
}

#[test]
fn the_seed_expects_thirty_days() {
    let seed = IntervalPrior::seed();
    assert!(close(seed.mean(), 30.0_f64.ln()) && close(seed.within_variance(), 0.7));
    assert!(close(seed.exposure_days(), 90.0) && close(seed.count(), 0.0));
    let nothing = IntervalSums::default();
    let posterior = seed.posterior(seed.prior_mean(nothing, nothing), nothing);
    assert!(close(posterior.median(), 30.0));
    assert!(close(posterior.sd, (0.7_f64 * (1.0 + 1.0 / 1.5)).sqrt()));
}

#[test]
fn an_interval_below_a_day_counts_as_one() {
    let mut sums = IntervalSums::default();
    sums.add(0.2);
    sums.add(std::f64::consts::E);
    assert!(close(sums.count, 2.0) && close(sums.ln_days, 1.0));
}

#[test]
fn product_and_customer_are_shrunk_towards_all() {
    // (2 - 2*3... ) product: n 2, S 4: (4 - 6)/(2 + 8) = -0.2; customer: n 4, S 17: (17 - 12)/(4 + 6) = 0.5.
    let product = IntervalSums { count: 2.0, ln_days: 4.0 };
    let customer = IntervalSums { count: 4.0, ln_days: 17.0 };
    assert!(close(prior().prior_mean(product, customer), 3.0 - 0.2 + 0.5));
}

#[test]
fn a_pairs_own_intervals_outweigh_its_prior() {
    // (1.5*3.3 + 10)/(1.5 + 5) = 14.95/6.5 = 2.3
    let posterior = prior().posterior(3.3, IntervalSums { count: 5.0, ln_days: 10.0 });
    assert!(close(posterior.mu, 2.3));
    assert!(close(posterior.sd, (0.7_f64 * (1.0 + 1.0 / 6.5)).sqrt()));
}

#[test]
fn probabilities_follow_the_log_normal() {
    let interval = LogNormal { mu: 10.0_f64.ln(), sd: 0.5 };
    assert!(close(interval.cdf(10.0), 0.5) && close(interval.median(), 10.0));
    assert!(close(interval.cdf(0.0), 0.0) && close(interval.ends_within(0.0, 10.0), 0.5));
    // One standard deviation above: Phi(1) = 0.841345.
    let above = 10.0 * 0.5_f64.exp();
    assert!(close(interval.cdf(above), 0.841_344_746_068_543));
    assert!(close(interval.ends_within(10.0, above - 10.0), (0.841_344_746_068_543 - 0.5) / 0.5));
    assert!(close(interval.quantile(0.5), 10.0));
    assert!((interval.quantile(0.841_344_746_068_543) - above).abs() < 1e-6);
}

#[test]
fn a_probability_stays_one_however_late_it_is() {
    let interval = LogNormal { mu: 1.0, sd: 0.1 };
    for elapsed in [0.0, 3.0, 5.0, 100.0, 1e6, 1e300] {
        let p = interval.ends_within(elapsed, 30.0);
        assert!((0.0..=1.0).contains(&p), "{elapsed}: {p}");
    }
}

#[test]
fn an_epoch_adds_its_sums() {
    let mut prior = IntervalPrior::seed();
    prior.fold(&IntervalTally {
        all: IntervalSums { count: 3.0, ln_days: 6.0 },
        within_count: 2.0,
        within_sum: 0.5,
        exposure_days: 30.0,
    });
    assert!(close(prior.mean(), (30.0_f64.ln() + 6.0) / 4.0));
    assert!(close(prior.within_variance(), 1.2 / 3.0) && close(prior.exposure_days(), 120.0 / 4.0));
    assert!(close(prior.count(), 3.0));
}

#[test]
fn customers_like_clockwork_do_not_end_all_doubt() {
    let mut prior = IntervalPrior::seed();
    prior.fold(&IntervalTally { within_count: 1e6, ..IntervalTally::default() });
    assert!(close(prior.within_variance(), 0.01));
}
