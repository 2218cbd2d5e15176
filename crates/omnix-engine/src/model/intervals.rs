//! How long customers usually take until they buy a product again: the prior and the posterior of one pair
//! of customer and product.
//!
//! Intervals are log-normal. What is believed of a pair comes from all pairs, moved towards the product and
//! the customer by as much as is known of them (empirical Bayes), then towards the pair's own intervals.
//! The pseudo-counts 8, 6 and 1.5 were set by hand and moving them changes little. Empirical Bayes as in
//! Efron and Morris (Journal of the American Statistical Association 70, 1975), on logarithms.
//!
//! Deliberately not here: what is done with a probability, and the customer's own sums.

use omnix_model::{DecodeError, Reader, Writer};

use crate::math::{exp, ln, normal_cdf, normal_quantile, sqrt};
use crate::model::product::mass;
use crate::model::tally::IntervalTally;

/// Pseudo-intervals by which a product's mean is shrunk towards that of all pairs.
pub const PRODUCT_SHRINKAGE: f64 = 8.0;
/// Pseudo-intervals by which a customer's mean is shrunk towards that of all pairs.
pub const CUSTOMER_SHRINKAGE: f64 = 6.0;
/// Pseudo-intervals by which a pair's mean is shrunk towards its prior.
pub const PAIR_SHRINKAGE: f64 = 1.5;

/// Below this a variance within pairs is a coincidence of whole days, not knowledge.
const WITHIN_VARIANCE_MIN: f64 = 0.01;

/// The number of intervals and the sum of their logarithms: of a pair, a customer, a product or all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct IntervalSums {
    /// How many intervals.
    pub count: f64,
    /// The sum of ln(days), an interval below a day counting as one day.
    pub ln_days: f64,
}

impl IntervalSums {
    /// Adds an interval of `days`.
    pub fn add(&mut self, days: f64) {
        self.count += 1.0;
        self.ln_days += ln_interval(days);
    }

    /// Adds the intervals of `other`.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.ln_days += other.ln_days;
    }

    /// How far the sum lies from what `count` intervals with the mean `mean` would sum to, shrunk by
    /// `pseudo` intervals: (S - n g) / (n + pseudo).
    fn offset(self, mean: f64, pseudo: f64) -> f64 {
        (self.ln_days - self.count * mean) / (self.count + pseudo)
    }
}

/// ln(max(`days`, 1)): the logarithm of an interval.
#[must_use]
pub fn ln_interval(days: f64) -> f64 {
    ln(days.max(1.0))
}

/// What is known of the intervals of all pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntervalPrior {
    all: IntervalSums,
    within_count: f64,
    within_sum: f64,
    exposure_count: f64,
    exposure_days: f64,
}

impl IntervalPrior {
    /// What is believed before anything was seen: one interval of 30 days, one squared deviation of 0.7, one
    /// exposure of 90 days.
    #[must_use]
    pub fn seed() -> Self {
        Self {
            all: IntervalSums { count: 1.0, ln_days: ln(30.0) },
            within_count: 1.0,
            within_sum: 0.7,
            exposure_count: 1.0,
            exposure_days: 90.0,
        }
    }

    /// How many intervals were learnt from.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.all.count - 1.0
    }

    /// g = S / n: the mean of ln(days) over all pairs.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.all.ln_days / self.all.count
    }

    /// `v_w`: the variance of ln(days) within a pair; at least 0.01, for no rhythm is kept to within a tenth.
    #[must_use]
    pub fn within_variance(&self) -> f64 {
        (self.within_sum / self.within_count).max(WITHIN_VARIANCE_MIN)
    }

    /// The mean of all observed intervals, in days: the prior of the gamma-Poisson rate.
    #[must_use]
    pub fn exposure_days(&self) -> f64 {
        self.exposure_days / self.exposure_count
    }

    /// `m0 = g + (S_p - n_p g)/(n_p + 8) + (S_c - n_c g)/(n_c + 6)`: the mean of ln(days) expected of a pair
    /// before its own intervals are looked at, from those of its product and of its customer.
    #[must_use]
    pub fn prior_mean(&self, product: IntervalSums, customer: IntervalSums) -> f64 {
        self.prior_mean_at(self.lean(product), customer)
    }

    /// `(S_p - n_p g)/(n_p + 8)`: how far a product's intervals lie from those of all pairs.
    pub(crate) fn lean(&self, product: IntervalSums) -> f64 {
        product.offset(self.mean(), PRODUCT_SHRINKAGE)
    }

    /// [`Self::prior_mean`] of a product by its [`Self::lean`].
    pub(crate) fn prior_mean_at(&self, lean: f64, customer: IntervalSums) -> f64 {
        let g = self.mean();
        g + lean + customer.offset(g, CUSTOMER_SHRINKAGE)
    }

    /// The distribution of a pair's next interval, from its prior mean `m0` and its own intervals:
    /// `mu = (1.5 m0 + S)/(1.5 + n)`, `sd = sqrt(v_w (1 + 1/(1.5 + n)))`.
    #[must_use]
    pub fn posterior(&self, prior_mean: f64, own: IntervalSums) -> LogNormal {
        let weight = PAIR_SHRINKAGE + own.count;
        LogNormal {
            mu: (PAIR_SHRINKAGE * prior_mean + own.ln_days) / weight,
            sd: sqrt(self.within_variance() * (1.0 + 1.0 / weight)),
        }
    }

    /// Adds the intervals of an epoch: plain sums, exact in any order but for rounding.
    pub(super) fn fold(&mut self, tally: &IntervalTally) {
        self.all.merge(tally.all);
        self.within_count += tally.within_count;
        self.within_sum += tally.within_sum;
        self.exposure_count += tally.all.count;
        self.exposure_days += tally.exposure_days;
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.f64(self.all.count);
        out.f64(self.all.ln_days);
        out.f64(self.within_count);
        out.f64(self.within_sum);
        out.f64(self.exposure_count);
        out.f64(self.exposure_days);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let prior = Self {
            all: IntervalSums { count: mass(from)?, ln_days: mass(from)? },
            within_count: mass(from)?,
            within_sum: mass(from)?,
            exposure_count: mass(from)?,
            exposure_days: mass(from)?,
        };
        let counts = [prior.all.count, prior.within_count, prior.exposure_count];
        if counts.iter().all(|&count| count >= 1.0) && prior.within_sum > 0.0 {
            Ok(prior)
        } else {
            Err(DecodeError::Invalid("interval prior"))
        }
    }
}

/// A log-normal distribution of days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogNormal {
    /// The mean of ln(days).
    pub mu: f64,
    /// The standard deviation of ln(days); more than 0.
    pub sd: f64,
}

impl LogNormal {
    /// F(x) = Phi((ln x - mu)/sd): the probability of at most `days`.
    #[must_use]
    pub fn cdf(self, days: f64) -> f64 {
        if days <= 0.0 { 0.0 } else { normal_cdf((ln(days) - self.mu) / self.sd) }
    }

    /// The days that half of all intervals do not exceed.
    #[must_use]
    pub fn median(self) -> f64 {
        exp(self.mu)
    }

    /// The days that a share of `p` of all intervals does not exceed.
    #[must_use]
    pub fn quantile(self, p: f64) -> f64 {
        exp(self.mu + self.sd * normal_quantile(p))
    }

    /// (F(e+H) - F(e)) / (1 - F(e)): the probability that an interval that has lasted `elapsed` days ends
    /// within the next `horizon`.
    #[must_use]
    pub fn ends_within(self, elapsed: f64, horizon: f64) -> f64 {
        let elapsed = elapsed.max(0.0);
        self.ends_before(elapsed, self.survival(elapsed + horizon.max(0.0)))
    }

    /// The same, the end of the horizon given by the share of intervals that outlast it: at most 1 less that.
    pub(crate) fn ends_before(self, elapsed: f64, outlast: f64) -> f64 {
        let left = self.survival(elapsed);
        if left < 1e-12 {
            // Beyond the reach of the distribution: nothing more can be said than at its edge.
            return 0.0;
        }
        (1.0 - outlast / left).clamp(0.0, 1.0)
    }

    /// 1 - F(x), without the loss of digits of that subtraction.
    pub(crate) fn survival(self, days: f64) -> f64 {
        if days <= 0.0 { 1.0 } else { normal_cdf((self.mu - ln(days)) / self.sd) }
    }
}

#[cfg(test)]
mod tests;
