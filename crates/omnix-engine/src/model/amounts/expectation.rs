//! What a customer's next order is expected to come to, and how unusual another amount is.

use crate::math::{exp, ln, sqrt};

/// A customer's own orders, as [`AmountLevel::expect`](crate::AmountLevel::expect) needs them.
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
