//! The simple rules for consumption: the mean interval of a pair, and an empirical-Bayes log-normal of its
//! intervals shrunk towards product and customer.
//!
//! Both see only what was bought up to their moment. Deliberately not the engine's own code: a yardstick that
//! shares it would share its faults.

use std::collections::HashMap;

use super::history::{History, Pair, PurchaseDay};

/// Pseudo-intervals behind the mean of a pair, a product and a customer.
const PAIR_WEIGHT: f64 = 1.5;
const PRODUCT_WEIGHT: f64 = 8.0;
const CUSTOMER_WEIGHT: f64 = 6.0;
/// What is assumed before anything is known: 30 days, and the variance of ln days within a pair.
const DAYS_ASSUMED: f64 = 30.0;
const VARIANCE_ASSUMED: f64 = 0.7;

/// A distribution of days until the next purchase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogNormal {
    /// Mean and standard deviation of ln days.
    pub(crate) mu: f64,
    pub(crate) sd: f64,
}

impl LogNormal {
    /// The probability of at most `days` days, counted from the last purchase.
    pub(crate) fn within(self, days: f64) -> f64 {
        let z = (days.ln() - self.mu) / self.sd;
        libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0
    }
}

/// What the rules say when a product has been bought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forecast {
    pub(crate) bought: PurchaseDay,
    /// The mean of the pair's intervals in days; none before the second purchase day.
    pub(crate) mean_days: Option<f64>,
    pub(crate) distribution: LogNormal,
}

/// A count and a sum of ln intervals.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    sum: f64,
}

impl Sums {
    fn add(&mut self, ln_days: f64) {
        self.count += 1.0;
        self.sum += ln_days;
    }

    /// How far the mean lies from `centre`, shrunk by `weight` pseudo-intervals.
    fn shift(self, centre: f64, weight: f64) -> f64 {
        (self.sum - self.count * centre) / (self.count + weight)
    }
}

/// One customer and product.
#[derive(Debug, Clone, Copy)]
struct PairState {
    first: i64,
    last: i64,
    intervals: Sums,
}

/// What has been learnt from all purchases so far.
#[derive(Debug)]
struct Learner {
    pairs: HashMap<Pair, PairState>,
    products: Vec<Sums>,
    customers: Vec<Sums>,
    all: Sums,
    /// Within pairs: the mean square, and of how many.
    variance: f64,
    variance_count: f64,
}

/// What the rules say at every purchase day of the history, in its order.
pub(crate) fn forecasts(history: &History) -> impl Iterator<Item = Forecast> {
    let mut learner = Learner {
        pairs: HashMap::new(),
        products: vec![Sums::default(); history.products.len()],
        customers: vec![Sums::default(); history.customers.len()],
        all: Sums { count: 1.0, sum: DAYS_ASSUMED.ln() },
        variance: VARIANCE_ASSUMED,
        variance_count: 1.0,
    };
    history.purchase_days.iter().map(move |bought| learner.take(*bought))
}

impl Learner {
    fn take(&mut self, bought: PurchaseDay) -> Forecast {
        let PurchaseDay { customer, product, day, count } = bought;
        let fresh = PairState { first: day, last: day, intervals: Sums::default() };
        let mut pair = self.pairs.get(&(customer, product)).copied().unwrap_or(fresh);
        if count > 1 {
            let ln_days = ((day - pair.last) as f64).max(1.0).ln();
            self.spread(pair.intervals, ln_days);
            pair.intervals.add(ln_days);
            self.all.add(ln_days);
            for sums in
                [self.products.get_mut(product), self.customers.get_mut(customer)].into_iter().flatten()
            {
                sums.add(ln_days);
            }
        }
        pair.last = day;
        self.pairs.insert((customer, product), pair);
        let mean_days = (count > 1).then(|| (day - pair.first) as f64 / pair.intervals.count);
        Forecast { bought, mean_days, distribution: self.distribution(customer, product, pair.intervals) }
    }

    /// Learns the variance within a pair from one more interval.
    fn spread(&mut self, before: Sums, ln_days: f64) {
        if before.count > 0.0 {
            let apart = ln_days - before.sum / before.count;
            self.variance_count += 1.0;
            let square = apart * apart * before.count / (before.count + 1.0);
            self.variance += (square - self.variance) / self.variance_count;
        }
    }

    fn distribution(&self, customer: usize, product: usize, intervals: Sums) -> LogNormal {
        let centre = self.all.sum / self.all.count;
        let of = |sums: &[Sums], index: usize| sums.get(index).copied().unwrap_or_default();
        let prior = centre
            + of(&self.products, product).shift(centre, PRODUCT_WEIGHT)
            + of(&self.customers, customer).shift(centre, CUSTOMER_WEIGHT);
        let weight = PAIR_WEIGHT + intervals.count;
        LogNormal {
            mu: (PAIR_WEIGHT * prior + intervals.sum) / weight,
            sd: (self.variance * (1.0 + 1.0 / weight)).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::history::tests::history;

    #[test]
    fn half_lies_below_the_median_and_one_sigma_is_84_percent() {
        let days = LogNormal { mu: 10_f64.ln(), sd: 0.5 };
        assert!((days.within(10.0) - 0.5).abs() < 1e-12);
        assert!((days.within(10.0 * 0.5_f64.exp()) - 0.841_344_746_068_543).abs() < 1e-9);
    }

    #[test]
    fn three_purchases_make_the_mean_of_two_intervals() {
        let history = history(&[
            "ann tea 1 2026-01-01T10:00:00Z 2",
            "ann tea 2 2026-01-05T10:00:00Z 2",
            "ann tea 3 2026-01-21T10:00:00Z 2",
        ]);
        let said: Vec<Forecast> = forecasts(&history).collect();
        assert_eq!(said.iter().map(|said| said.mean_days).collect::<Vec<_>>(), [None, Some(4.0), Some(10.0)]);
        // By hand, after intervals of 4 and 16 days beside the one of 30 that is assumed.
        let (y1, y2) = (4_f64.ln(), 16_f64.ln());
        let centre = (30_f64.ln() + y1 + y2) / 3.0;
        let off = y1 + y2 - 2.0 * centre;
        let prior = centre + off / 10.0 + off / 8.0;
        let mu = (1.5 * prior + y1 + y2) / 3.5;
        let variance = 0.7 + ((y2 - y1).powi(2) / 2.0 - 0.7) / 2.0;
        let found = said[2].distribution;
        assert!((found.mu - mu).abs() < 1e-12, "{found:?}");
        assert!((found.sd - (variance * (1.0 + 1.0 / 3.5)).sqrt()).abs() < 1e-12, "{found:?}");
    }
}
