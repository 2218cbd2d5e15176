//! A customer and a product at a moment: the figures that say when it will be bought again.
//!
//! The features and the analytic form are those of the project's notes on consumption: the interval between
//! purchase days log-normal around a mean shrunk to product and customer (empirical Bayes), and a
//! gamma-Poisson rate (Fader, Hardie, Lee 2005) beside it.
//!
//! Deliberately not here: how the figures are read off a state (`predict`), and the learner itself.

use omnix_model::{DecodeError, Reader, Writer};

use super::half::Half;
use super::logistic::logit;
use crate::LogNormal;
use crate::math::{ln, ln_1p, pow};

/// Features of a pair, the analytic form and a constant among them.
pub(crate) const PAIR_FEATURES: usize = 23;
/// Which reason a feature belongs to, in their order; a constant is none.
pub(crate) const PAIR_REASONS: [&str; PAIR_FEATURES - 1] = [
    "regular_interval",
    "regular_interval",
    "regular_interval",
    "regular_interval",
    "bought_often",
    "bought_often",
    "customer_visits",
    "customer_visits",
    "customer_visits",
    "bought_often",
    "in_most_orders",
    "in_most_orders",
    "in_most_orders",
    "latest_interval",
    "product_trend",
    "season",
    "quantity",
    "in_most_orders",
    "customer_visits",
    "buys_things_again",
    "regular_interval",
    "regular_interval",
];
/// Figures of a pair.
const FIGURES: usize = 17;

/// What is known of a customer and a product at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PairFigures {
    /// The mean of ln(days) of its next interval, and the standard deviation.
    pub mu: f64,
    pub sd: f64,
    /// Whole days that the interval in hand has lasted for certain.
    pub lasted: f64,
    /// Days on which it was bought; 1 or more.
    pub purchase_days: f64,
    /// `b` of the gamma-Poisson: the mean interval of all pairs plus the days since the first purchase.
    pub exposure: f64,
    /// Days since the customer's last order day.
    pub silent: f64,
    /// The running mean of ln(days) between the customer's order days, and the standard deviation.
    pub visit_mu: f64,
    pub visit_sd: f64,
    /// The customer's orders; those since the first with the product, it included; those since the last.
    pub orders: f64,
    pub orders_since_first: f64,
    pub orders_since_last: f64,
    /// ln(days) of its latest interval; `mu` without one.
    pub ln_last: f64,
    /// How much more than usual the product sells lately, and all products: ln((4 short + 1)/(long + 1)).
    pub trend: f64,
    pub season: f64,
    /// ln((quantity + 1)/(usual quantity + 1)) of the latest purchase.
    pub quantity: f64,
    /// The forgetting share of the customer's orders that held it (a quarter at each order).
    pub incidence: f64,
    /// Intervals between purchase days of one product, over all of the customer's products.
    pub intervals: f64,
}

impl PairFigures {
    /// The same from its figures in their order.
    const fn of(figures: [f64; FIGURES]) -> Self {
        let [
            mu,
            sd,
            lasted,
            purchase_days,
            exposure,
            silent,
            visit_mu,
            visit_sd,
            orders,
            orders_since_first,
            orders_since_last,
            ln_last,
            trend,
            season,
            quantity,
            incidence,
            intervals,
        ] = figures;
        Self {
            mu,
            sd,
            lasted,
            purchase_days,
            exposure,
            silent,
            visit_mu,
            visit_sd,
            orders,
            orders_since_first,
            orders_since_last,
            ln_last,
            trend,
            season,
            quantity,
            incidence,
            intervals,
        }
    }

    const fn figures(&self) -> [f64; FIGURES] {
        [
            self.mu,
            self.sd,
            self.lasted,
            self.purchase_days,
            self.exposure,
            self.silent,
            self.visit_mu,
            self.visit_sd,
            self.orders,
            self.orders_since_first,
            self.orders_since_last,
            self.ln_last,
            self.trend,
            self.season,
            self.quantity,
            self.incidence,
            self.intervals,
        ]
    }

    /// The log-odds that it is bought within `days`: the log-normal's, the gamma-Poisson's.
    fn forms(&self, days: f64) -> [f64; 2] {
        let interval = LogNormal { mu: self.mu, sd: self.sd };
        let exposure = self.exposure.max(1.0);
        let rate = 1.0 - pow(exposure / (exposure + days), self.purchase_days);
        [logit(interval.ends_within(self.lasted, days)), logit(rate)]
    }

    /// What the learner of `days` is told; last the log-odds of the analytic form, the mean of both forms, and a
    /// constant.
    pub(crate) fn features(&self, days: f64) -> [f64; PAIR_FEATURES] {
        let [log_normal, gamma_poisson] = self.forms(days);
        let age = ln_1p(self.lasted) - self.mu;
        let silent = ln_1p(self.silent);
        let share = (self.purchase_days / self.orders_since_first.max(1.0)).min(1.0);
        let visit = LogNormal { mu: self.visit_mu, sd: self.visit_sd };
        [
            self.mu,
            age,
            age.max(0.0),
            log_normal,
            gamma_poisson,
            ln(self.purchase_days.max(1.0)),
            silent,
            self.visit_mu,
            silent - self.visit_mu,
            ln_1p(self.orders),
            share,
            ln(share.max(1e-3)),
            ln_1p(self.orders_since_last),
            self.ln_last - self.mu,
            self.trend,
            self.season,
            self.quantity,
            logit(self.incidence),
            logit(visit.ends_within(self.silent, days)),
            ln_1p(self.intervals),
            self.sd,
            f64::midpoint(log_normal, gamma_poisson),
            1.0,
        ]
    }
}

/// The figures of a pair as they wait for a label: two bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeptPair([Half; FIGURES]);

impl KeptPair {
    pub(crate) fn of(figures: &PairFigures) -> Self {
        Self(figures.figures().map(Half::of))
    }

    pub(crate) fn figures(&self) -> PairFigures {
        PairFigures::of(self.0.map(Half::value))
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        self.0.iter().for_each(|half| half.encode(out));
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut kept = [Half::default(); FIGURES];
        for half in &mut kept {
            *half = Half::decode(from)?;
        }
        Ok(Self(kept))
    }
}
