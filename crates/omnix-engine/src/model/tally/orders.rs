//! What was observed of the amounts of orders.

use crate::model::Order;
use crate::model::threshold::{BINS, Threshold};

/// Beyond the logarithm of any amount, and its square.
pub(in crate::model) const FIGURE_MAX: f64 = 1e6;

/// A number of figures and their sum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::model) struct Sum {
    pub(in crate::model) count: f64,
    pub(in crate::model) sum: f64,
}

impl Sum {
    fn add(&mut self, figure: f64) {
        self.count += 1.0;
        self.sum += figure;
    }

    pub(in crate::model) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
    }

    /// The mean; 0 of nothing.
    pub(in crate::model) fn mean(self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { 0.0 }
    }
}

/// What was observed of the amounts of orders.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::model) struct OrderSums {
    /// ln(amount).
    pub(in crate::model) amounts: Sum,
    /// Squared deviations within a customer.
    pub(in crate::model) within: Sum,
    /// Residuals, by which the drift moves.
    pub(in crate::model) residuals: Sum,
    /// Scores, counted by bin; empty until the first.
    pub(in crate::model) scores: Vec<u64>,
    /// Scores above the threshold in force.
    pub(in crate::model) alerts: u64,
}

impl OrderSums {
    pub(in crate::model) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds an order; says how many of its figures were left out for not being finite.
    pub(in crate::model) fn absorb(&mut self, order: Order) -> u64 {
        let mut left_out = 0;
        let mut add = |sum: &mut Sum, figure: Option<f64>| match figure {
            Some(figure) if figure.abs() <= FIGURE_MAX => sum.add(figure),
            Some(_) => left_out += 1,
            None => {}
        };
        add(&mut self.amounts, Some(order.ln_amount));
        add(&mut self.within, order.within.map(|within| if within < 0.0 { f64::NAN } else { within }));
        add(&mut self.residuals, order.residual);
        match order.score {
            Some(score) if score.z.is_finite() => {
                if self.scores.is_empty() {
                    self.scores = vec![0; BINS];
                }
                if let Some(count) = self.scores.get_mut(Threshold::bin_of(score.z)) {
                    *count += 1;
                }
                self.alerts += u64::from(score.is_alert);
            }
            Some(_) => left_out += 1,
            None => {}
        }
        left_out
    }

    pub(in crate::model) fn merge(&mut self, other: &Self) {
        self.amounts.merge(other.amounts);
        self.within.merge(other.within);
        self.residuals.merge(other.residuals);
        if self.scores.is_empty() {
            self.scores.clone_from(&other.scores);
        } else {
            for (count, more) in self.scores.iter_mut().zip(&other.scores) {
                *count += more;
            }
        }
        self.alerts += other.alerts;
    }
}
