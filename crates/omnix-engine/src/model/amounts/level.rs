//! What is known of all orders by one measure: its mean, its variance within a customer, its drift.

use omnix_model::{DecodeError, Reader, Writer};

use super::expectation::{AmountExpectation, AmountHistory};
use crate::math::{exp, ln, pow};
use crate::model::product::mass;
use crate::model::tally::{FIGURE_MAX, LevelSums};

/// What is known of all orders by one measure, a logarithm of their amount.
#[derive(Debug, Clone, PartialEq)]
pub struct AmountLevel {
    mean: f64,
    mean_window: Window,
    variance: f64,
    variance_window: Window,
    drift: f64,
    drift_window: Window,
}

impl AmountLevel {
    /// Fewest degrees of freedom: the weight of what is known of all customers.
    const FREEDOM: f64 = 12.0;
    /// Orders of a customer that count at the most.
    const ORDERS_MAX: f64 = 20.0;
    /// Orders that the seed's mean counts for: next to nothing, as it knows neither shop nor currency.
    const MEAN_WEIGHT: f64 = 0.1;
    /// Orders after which the mean of all is believed half as much as it will be.
    const MEAN_DOUBT: f64 = 10.0;
    /// Orders that the seed's variance counts for: two equal orders must not make it nothing.
    const VARIANCE_WEIGHT: f64 = 8.0;
    /// Orders over which mean and variance are running means, where 90 days hold fewer.
    const WINDOW_ORDERS: f64 = 5_000.0;
    /// Days over which they are, where these hold more orders.
    const WINDOW_DAYS: f64 = 90.0;
    /// How far one order moves the drift, where 6 days hold few.
    const DRIFT_RATE: f64 = 0.004;
    /// Days over which the drift is a running mean, where these hold many orders.
    const DRIFT_DAYS: f64 = 6.0;
    /// Below this a variance is rounding, not knowledge: no order is usual to the cent.
    const VARIANCE_MIN: f64 = 0.01;

    /// What is believed before anything was seen: 300 of whatever currency, give or take a factor of 2.
    #[must_use]
    pub fn seed() -> Self {
        Self {
            mean: ln(300.0),
            mean_window: Window::seed(Self::MEAN_WEIGHT),
            variance: ln(2.0) * ln(2.0),
            variance_window: Window::seed(Self::VARIANCE_WEIGHT),
            drift: 0.0,
            drift_window: Window::seed(0.0),
        }
    }

    /// mu0: the mean of ln(amount) over all orders.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// `s0^2`: the variance of ln(amount) within a customer.
    #[must_use]
    pub const fn variance(&self) -> f64 {
        self.variance
    }

    /// By how much ln(amount) lately lies above what customers' own histories say.
    #[must_use]
    pub const fn drift(&self) -> f64 {
        self.drift
    }

    /// How many orders were learnt from.
    pub(super) fn orders(&self) -> f64 {
        self.mean_window.seen - Self::MEAN_WEIGHT
    }

    /// `w = N/(N + 10)`: how many of a customer's orders the mean of all is worth, by the orders it was learnt from;
    /// the seed counts for a tenth of one.
    #[must_use]
    pub fn trust(&self) -> f64 {
        self.mean_window.seen / (self.orders() + Self::MEAN_DOUBT)
    }

    /// What the next order of a customer with this history is expected to come to:
    /// `n' = min(n, 20); w = N/(N + 10); M = (w mu0 + n' m)/(w + n') + drift; nu = 12 + max(n' - 1, 0);`
    /// `V = (12 s0^2 + max(n' - 1, 0) v)/nu (1 + 1/(w + n'))`, with `N` the orders that `mu0` was learnt from: in a
    /// shop of which nothing is known a customer's first order says more than the seed.
    #[must_use]
    pub fn expect(&self, history: AmountHistory) -> AmountExpectation {
        let n = history.count.clamp(0.0, Self::ORDERS_MAX);
        let own = (n - 1.0).max(0.0);
        let freedom = Self::FREEDOM + own;
        let all = self.trust();
        AmountExpectation {
            mean: (all * self.mean + n * history.mean) / (all + n) + self.drift,
            variance: (Self::FREEDOM * self.variance + own * history.variance) / freedom
                * (1.0 + 1.0 / (all + n)),
            freedom,
        }
    }

    /// Adds the orders of an epoch that ended `days` after the one before.
    ///
    /// Running means over at least 5,000 orders and 90 days: `mu0 += min(1, n/max(min(N, 5000), N90))
    /// (mean y - mu0)`, `s0^2` alike, with N the orders so far and N90 those of the last 90 days
    /// (forgotten exponentially). The drift over at least 250 orders and 6 days:
    /// `drift += (1 - (1 - r)^n) mean(yc - M)` with `r = min(0.004, 1/N6)`, so that the orders of an epoch move
    /// it as they would one after the other.
    pub(super) fn fold(&mut self, orders: &LevelSums, days: f64) {
        self.mean_window.pass(days, Self::WINDOW_DAYS, orders.sizes.count);
        self.mean += self.mean_window.weight(orders.sizes.count) * (orders.sizes.mean() - self.mean);
        self.variance_window.pass(days, Self::WINDOW_DAYS, orders.within.count);
        let weight = self.variance_window.weight(orders.within.count);
        self.variance += weight * (orders.within.mean() - self.variance);
        self.variance = self.variance.max(Self::VARIANCE_MIN);
        self.drift_window.pass(days, Self::DRIFT_DAYS, orders.residuals.count);
        let rate = Self::DRIFT_RATE.min(1.0 / self.drift_window.recent.max(1.0));
        self.drift += (1.0 - pow(1.0 - rate, orders.residuals.count)) * orders.residuals.mean();
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.f64(self.mean);
        self.mean_window.encode(out);
        out.f64(self.variance);
        self.variance_window.encode(out);
        out.f64(self.drift);
        self.drift_window.encode(out);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let level = Self {
            mean: from.f64()?,
            mean_window: Window::decode(from, Self::MEAN_WEIGHT)?,
            variance: from.f64()?,
            variance_window: Window::decode(from, Self::VARIANCE_WEIGHT)?,
            drift: from.f64()?,
            drift_window: Window::decode(from, 0.0)?,
        };
        let is_sane = level.mean.abs() <= FIGURE_MAX
            && (Self::VARIANCE_MIN..=FIGURE_MAX).contains(&level.variance)
            && level.drift.abs() <= FIGURE_MAX;
        if is_sane { Ok(level) } else { Err(DecodeError::Invalid("amount level")) }
    }
}

/// How many orders a running mean has seen: in all, and lately.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    /// Orders so far, what the seed counts for included.
    seen: f64,
    /// Orders so far, forgotten exponentially over the window's days.
    recent: f64,
}

impl Window {
    const fn seed(weight: f64) -> Self {
        Self { seen: weight, recent: 0.0 }
    }

    /// Lets `days` pass, after which there are `count` orders more.
    fn pass(&mut self, days: f64, window_days: f64, count: f64) {
        self.seen += count;
        self.recent = self.recent * exp(-days / window_days) + count;
    }

    /// The weight of the latest `count` orders against all before.
    fn weight(&self, count: f64) -> f64 {
        let window = self.seen.min(AmountLevel::WINDOW_ORDERS).max(self.recent);
        if window > 0.0 { (count / window).min(1.0) } else { 0.0 }
    }

    fn encode(&self, out: &mut Writer) {
        out.f64(self.seen);
        out.f64(self.recent);
    }

    fn decode(from: &mut Reader<'_>, weight: f64) -> Result<Self, DecodeError> {
        let window = Self { seen: mass(from)?, recent: mass(from)? };
        if window.seen >= weight { Ok(window) } else { Err(DecodeError::Invalid("amount level")) }
    }
}

#[cfg(test)]
mod tests;
