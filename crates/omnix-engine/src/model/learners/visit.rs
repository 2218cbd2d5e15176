//! A customer at a moment: the figures that say whether they will order in the next 60 days.
//!
//! Recency, frequency, age, amount and the forgetting order rate, as in the project's notes on churn. The
//! analytic form is `alive (1 - 2^-ew)`: with a half-life of 60 days `1 - 2^-ew` is the probability of an order
//! of a Poisson process that has `ew` orders in mind; and a customer who leaves after one order in twenty
//! (the BG model's dropout: Fader, Hardie, Lee 2005, Marketing Science 24), and whose intervals outlast their
//! silence with probability `S`, is still there with probability `0.95 S/(0.95 S + 0.05)`.
//!
//! Deliberately not here: segments, and how the figures are read off a state (`predict`).

use omnix_model::{DecodeError, Reader, Writer};

use super::half::Half;
use super::logistic::logit;
use crate::LogNormal;
use crate::math::{exp2, ln, ln_1p};

/// Features of a customer, the analytic form and a constant among them.
pub(crate) const VISIT_FEATURES: usize = 12;
/// Their names, in their order, but for the constant.
pub(crate) const VISIT_FEATURE_NAMES: [&str; VISIT_FEATURES - 1] = [
    "silence",
    "usualGap",
    "silenceOverUsualGap",
    "overdue",
    "orderDays",
    "isFirstOrder",
    "age",
    "ordersInMind",
    "usualAmount",
    "stillThereOdds",
    "rhythmOdds",
];
const FIGURES: usize = 7;
/// The share of orders after which a customer leaves.
const DROPOUT: f64 = 0.05;

/// What is known of a customer's orders at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct VisitFigures {
    /// Days since the last order day.
    pub silent: f64,
    /// The mean of ln(days) between order days, shrunk towards that of all customers.
    pub mu: f64,
    /// Their standard deviation.
    pub sd: f64,
    /// Order days; 1 or more.
    pub order_days: f64,
    /// Days since the first order day.
    pub age: f64,
    /// Orders in mind: each counts 1, half of it 60 days later.
    pub rate: f64,
    /// ln of the mean amount of an order.
    pub ln_amount: f64,
}

impl VisitFigures {
    /// The probability that the customer is still there.
    pub(crate) fn alive(&self) -> f64 {
        let outlasts = LogNormal { mu: self.mu, sd: self.sd }.survival(self.silent);
        let there = (1.0 - DROPOUT) * outlasts;
        there / (there + DROPOUT)
    }

    /// How far what was learnt is to be believed, 0..=1: less than wholly where it is nineteen times likelier that
    /// the customer has left than that they are still there.
    pub(crate) fn belief(&self) -> f64 {
        (self.alive() / 0.05).min(1.0)
    }

    /// The log-odds of the analytic form.
    fn analytic(&self) -> f64 {
        logit(self.alive() * (1.0 - exp2(-self.rate)))
    }

    /// What the learner is told; last the log-odds of the analytic form and a constant.
    pub(crate) fn features(&self) -> [f64; VISIT_FEATURES] {
        let silent = ln_1p(self.silent);
        let over = silent - self.mu;
        [
            silent,
            self.mu,
            over,
            over.max(0.0),
            ln(self.order_days.max(1.0)),
            if self.order_days <= 1.0 { 1.0 } else { 0.0 },
            ln_1p(self.age),
            ln(self.rate + 0.01),
            self.ln_amount,
            logit(self.alive()),
            self.analytic(),
            1.0,
        ]
    }
}

/// The figures of a customer as they wait for a label: two bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeptVisit([Half; FIGURES]);

impl KeptVisit {
    pub(crate) fn of(figures: &VisitFigures) -> Self {
        let VisitFigures { silent, mu, sd, order_days, age, rate, ln_amount } = *figures;
        Self([silent, mu, sd, order_days, age, rate, ln_amount].map(Half::of))
    }

    pub(crate) fn figures(&self) -> VisitFigures {
        let [silent, mu, sd, order_days, age, rate, ln_amount] = self.0.map(Half::value);
        VisitFigures { silent, mu, sd, order_days, age, rate, ln_amount }
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
