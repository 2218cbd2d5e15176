//! What was observed of the amounts of orders.

use crate::model::threshold::Threshold;
use crate::model::{Measured, Order};

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

/// What was observed of orders by one measure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::model) struct LevelSums {
    /// `y`, a logarithm of the amount.
    pub(in crate::model) sizes: Sum,
    /// Squared deviations within a customer.
    pub(in crate::model) within: Sum,
    /// Residuals, by which the drift moves.
    pub(in crate::model) residuals: Sum,
}

impl LevelSums {
    /// Adds an order; says how many of its figures were left out for not being finite.
    fn absorb(&mut self, measured: Measured) -> u64 {
        let within = measured.within.map(|within| if within < 0.0 { f64::NAN } else { within });
        let figures = [
            (&mut self.sizes, Some(measured.y)),
            (&mut self.within, within),
            (&mut self.residuals, measured.residual),
        ];
        let mut left_out = 0;
        for (sum, figure) in figures {
            match figure {
                Some(figure) if figure.abs() <= FIGURE_MAX => sum.add(figure),
                Some(_) => left_out += 1,
                None => {}
            }
        }
        left_out
    }

    fn merge(&mut self, other: Self) {
        self.sizes.merge(other.sizes);
        self.within.merge(other.within);
        self.residuals.merge(other.residuals);
    }
}

/// Scores, counted by bin: of the bins that have any, in their order. There are hundreds of bins, and a lane scores
/// a few orders an epoch.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::model) struct ScoreCounts(Vec<(usize, u64)>);

impl ScoreCounts {
    /// Counts `more` scores, not none, in a bin.
    pub(in crate::model) fn add(&mut self, bin: usize, more: u64) {
        match self.0.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(place) => {
                if let Some((_, count)) = self.0.get_mut(place) {
                    *count += more;
                }
            }
            Err(place) => self.0.insert(place, (bin, more)),
        }
    }

    pub(in crate::model) fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(bin, count)| self.add(bin, count));
    }

    /// Bins and their counts, in the order of bins.
    pub(in crate::model) fn iter(&self) -> impl ExactSizeIterator<Item = (usize, u64)> {
        self.0.iter().copied()
    }

    /// How many scores were counted.
    pub(in crate::model) fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

/// What was observed of the amounts of orders.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::model) struct OrderSums {
    /// By their amount.
    pub(in crate::model) whole: LevelSums,
    /// By their amount for what is in them.
    pub(in crate::model) for_lines: LevelSums,
    /// Scores of amounts.
    pub(in crate::model) scores: ScoreCounts,
    /// Scores of lines.
    pub(in crate::model) line_scores: ScoreCounts,
    /// Orders above either threshold in force.
    pub(in crate::model) alerts: u64,
}

impl OrderSums {
    pub(in crate::model) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds an order; says how many of its figures were left out for not being finite.
    pub(in crate::model) fn absorb(&mut self, order: Order) -> u64 {
        let score = order.score;
        self.alerts += u64::from(score.is_some_and(|score| score.is_alert && score.z.is_finite()));
        self.whole.absorb(order.whole)
            + self.for_lines.absorb(order.for_lines)
            + count(&mut self.scores, score.map(|score| score.z))
            + count(&mut self.line_scores, score.and_then(|score| score.line))
    }

    pub(in crate::model) fn merge(&mut self, other: &Self) {
        self.whole.merge(other.whole);
        self.for_lines.merge(other.for_lines);
        self.scores.merge(&other.scores);
        self.line_scores.merge(&other.line_scores);
        self.alerts += other.alerts;
    }
}

/// Counts a score; says how many were left out for not being finite.
pub(super) fn count(scores: &mut ScoreCounts, score: Option<f64>) -> u64 {
    let Some(score) = score else { return 0 };
    if !score.is_finite() {
        return 1;
    }
    scores.add(Threshold::bin_of(score), 1);
    0
}
