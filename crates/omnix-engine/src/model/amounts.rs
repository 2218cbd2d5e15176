//! What an order usually comes to, and above which score it is worth an alert.
//!
//! Amounts are log-normal around the customer's own mean, which is shrunk towards that of all orders and
//! corrected by what all orders have lately been above or below expectation (the drift). The threshold holds
//! a budget of alerts by itself: 10 in 1,000 scored orders.
//!
//! Deliberately not here: the customer's own mean and variance, and what is said of a score.

use omnix_model::{DecodeError, Reader, Writer};

use crate::math::{exp, ln, pow, sqrt};
use crate::model::product::mass;
use crate::model::tally::{FIGURE_MAX, OrderSums};
use crate::model::threshold::Threshold;

/// What is known of the amounts of all orders.
#[derive(Debug, Clone, PartialEq)]
pub struct AmountPrior {
    mean: f64,
    mean_window: Window,
    variance: f64,
    variance_window: Window,
    drift: f64,
    drift_window: Window,
    threshold: Threshold,
}

/// A customer's own orders, as [`AmountPrior::expect`] needs them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AmountHistory {
    /// How many orders.
    pub count: f64,
    /// The (exponentially forgetting) mean of ln(amount) without drift.
    pub mean: f64,
    /// The (exponentially forgetting) variance of ln(amount).
    pub variance: f64,
}

/// What the logarithm of a customer's next amount is expected to be: a Student t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AmountExpectation {
    /// M: the mean of ln(amount).
    pub mean: f64,
    /// V: its squared scale.
    pub variance: f64,
    /// nu: degrees of freedom.
    pub freedom: f64,
}

impl AmountPrior {
    /// Fewest degrees of freedom: the weight of what is known of all customers.
    const FREEDOM: f64 = 12.0;
    /// Orders of a customer that count at the most.
    const ORDERS_MAX: f64 = 20.0;
    /// Orders that the seed's mean counts for.
    const MEAN_WEIGHT: f64 = 1.0;
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
            threshold: Threshold::seed(),
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

    /// theta: the score above which an order is worth an alert.
    #[must_use]
    pub const fn alert_score(&self) -> f64 {
        self.threshold.theta()
    }

    /// How many orders were learnt from.
    #[must_use]
    pub fn orders(&self) -> f64 {
        self.mean_window.seen - Self::MEAN_WEIGHT
    }

    /// What the next order of a customer with this history is expected to come to:
    /// `n' = min(n, 20); M = (mu0 + n' m)/(1 + n') + drift; nu = 12 + max(n' - 1, 0);`
    /// `V = (12 s0^2 + max(n' - 1, 0) v)/nu (1 + 1/(1 + n'))`.
    #[must_use]
    pub fn expect(&self, history: AmountHistory) -> AmountExpectation {
        let n = history.count.clamp(0.0, Self::ORDERS_MAX);
        let own = (n - 1.0).max(0.0);
        let freedom = Self::FREEDOM + own;
        AmountExpectation {
            mean: (self.mean + n * history.mean) / (1.0 + n) + self.drift,
            variance: (Self::FREEDOM * self.variance + own * history.variance) / freedom
                * (1.0 + 1.0 / (1.0 + n)),
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
    pub(super) fn fold(&mut self, orders: &OrderSums, days: f64) {
        self.mean_window.pass(days, Self::WINDOW_DAYS, orders.amounts.count);
        self.mean += self.mean_window.weight(orders.amounts.count) * (orders.amounts.mean() - self.mean);
        self.variance_window.pass(days, Self::WINDOW_DAYS, orders.within.count);
        let weight = self.variance_window.weight(orders.within.count);
        self.variance += weight * (orders.within.mean() - self.variance);
        self.variance = self.variance.max(Self::VARIANCE_MIN);
        self.drift_window.pass(days, Self::DRIFT_DAYS, orders.residuals.count);
        let rate = Self::DRIFT_RATE.min(1.0 / self.drift_window.recent.max(1.0));
        self.drift += (1.0 - pow(1.0 - rate, orders.residuals.count)) * orders.residuals.mean();
        self.threshold.fold(days, &orders.scores, orders.alerts);
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.f64(self.mean);
        self.mean_window.encode(out);
        out.f64(self.variance);
        self.variance_window.encode(out);
        out.f64(self.drift);
        self.drift_window.encode(out);
        self.threshold.encode(out);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let prior = Self {
            mean: from.f64()?,
            mean_window: Window::decode(from, Self::MEAN_WEIGHT)?,
            variance: from.f64()?,
            variance_window: Window::decode(from, Self::VARIANCE_WEIGHT)?,
            drift: from.f64()?,
            drift_window: Window::decode(from, 0.0)?,
            threshold: Threshold::decode(from)?,
        };
        let is_sane = prior.mean.abs() <= FIGURE_MAX
            && (Self::VARIANCE_MIN..=FIGURE_MAX).contains(&prior.variance)
            && prior.drift.abs() <= FIGURE_MAX;
        if is_sane { Ok(prior) } else { Err(DecodeError::Invalid("amount prior")) }
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
        let window = self.seen.min(AmountPrior::WINDOW_ORDERS).max(self.recent);
        if window > 0.0 { (count / window).min(1.0) } else { 0.0 }
    }

    fn encode(&self, out: &mut Writer) {
        out.f64(self.seen);
        out.f64(self.recent);
    }

    fn decode(from: &mut Reader<'_>, weight: f64) -> Result<Self, DecodeError> {
        let window = Self { seen: mass(from)?, recent: mass(from)? };
        if window.seen >= weight { Ok(window) } else { Err(DecodeError::Invalid("amount prior")) }
    }
}

impl AmountExpectation {
    /// The normal-equivalent score of an order whose ln(amount) is `y`, comparable for short and long
    /// histories (Wallace's approximation of the t distribution, Annals of Mathematical Statistics 30, 1959):
    /// `t = (y - M)/sqrt V; z = sign(t) sqrt(nu ln(1 + t^2/nu)) (8 nu + 1)/(8 nu + 3)`.
    #[must_use]
    pub fn score(&self, y: f64) -> f64 {
        let nu = self.freedom;
        let t = (y - self.mean) / sqrt(self.variance);
        let size = sqrt(nu * ln(1.0 + t * t / nu)) * (8.0 * nu + 1.0) / (8.0 * nu + 3.0);
        if t < 0.0 { -size } else { size }
    }

    /// `y` clamped to M +- 3 sqrt V: what a customer's own mean is updated with from the third order on.
    #[must_use]
    pub fn clamp(&self, y: f64) -> f64 {
        let reach = 3.0 * sqrt(self.variance);
        y.clamp(self.mean - reach, self.mean + reach)
    }

    /// The amount whose score is `z`, in units of the currency: the inverse of [`Self::score`].
    #[must_use]
    pub fn amount_at(&self, z: f64) -> f64 {
        let nu = self.freedom;
        let size = z.abs() * (8.0 * nu + 3.0) / (8.0 * nu + 1.0);
        let t = sqrt(nu * (exp((size * size / nu).min(50.0)) - 1.0));
        let reach = t * sqrt(self.variance);
        exp((self.mean + if z < 0.0 { -reach } else { reach }).clamp(-700.0, 700.0))
    }
}

#[cfg(test)]
mod tests;
