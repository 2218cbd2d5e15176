//! The alert budget: the score above which 10 in 1,000 scored orders lie.
//!
//! Two scores share the budget: that of an order's amount, and that of the line that is farthest above what its product
//! usually comes to; an order with both counts once.
//!
//! A decayed histogram of scores with pseudo-orders for a prior, an exponential tail fitted above its upper
//! 5 %, and a target that makes up for what was lately alerted too often or too rarely. Measured against a
//! threshold moved by every single alert, it finds more at the same budget. The tail above a high quantile as
//! an exponential is the peaks-over-threshold method (Pickands, Annals of Statistics 3, 1975; for streams
//! Siffer et al., KDD 2017) with its shape parameter fixed at 0.

use omnix_model::{DecodeError, Reader, Writer};

use crate::math::{bin, decay, exp, ln};
use crate::model::tally::{OrderSums, ScoreCounts};

/// Alerts per scored order.
const BUDGET: f64 = 0.01;
/// How much of it lines may take by themselves.
const LINE_SHARE: f64 = 0.2;
/// Bins of a histogram; scores below 0 count in the first, above 8 in the last.
pub(super) const BINS: usize = 320;
/// Width of a bin, in units of the score.
const BIN_WIDTH: f64 = 0.025;
/// Half-life of the histograms, in days.
const SCORES_HALF_LIFE: f64 = 45.0;
/// Half-life of the counts of scored orders and alerts, in days.
const ALERTS_HALF_LIFE: f64 = 30.0;
/// Pseudo-orders that a histogram begins with and keeps.
const PSEUDO_ORDERS: f64 = 300.0;
/// Those of amounts and lines: as of a normal variable, which scores are meant to be equivalent to; of a line, one in
/// a hundred lies above ten times what is usual.
const PSEUDO: Pseudo = Pseudo { quantile: 2.33, excess: 0.35 };
/// The share above which the tail is fitted.
const TAIL: f64 = 0.05;

/// How the scores of pseudo-orders are spread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pseudo {
    /// The score above which one in a hundred lies.
    pub(super) quantile: f64,
    /// Mean excess of their tail, in units of the score.
    pub(super) excess: f64,
}

/// The scores above which an order is worth an alert.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlertScores {
    /// Of its amount.
    pub amount: f64,
    /// Of a line: the logarithm of how many times what is usual it comes to.
    pub line: f64,
}

/// Scores of orders and the thresholds that follow from them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Threshold {
    amount: Scores,
    line: Scores,
    spent: Spent,
    alert_scores: AlertScores,
}

impl Threshold {
    /// Pseudo-orders alone.
    pub(super) fn seed() -> Self {
        Self::of(Scores::none(), Scores::none(), Spent::default())
    }

    /// The scores above which an order is worth an alert.
    pub(super) const fn alert_scores(&self) -> AlertScores {
        self.alert_scores
    }

    /// The bin of a score.
    pub(super) fn bin_of(score: f64) -> usize {
        bin(score, BIN_WIDTH, BINS)
    }

    /// Forgets what `days` make one forget, then adds the scores, by bin, and the alerts of an epoch.
    pub(super) fn fold(&mut self, days: f64, orders: &OrderSums) {
        self.amount.fold(days, &orders.scores);
        self.line.fold(days, &orders.line_scores);
        self.spent.fold(days, orders.scores.total(), orders.alerts);
        self.settle();
    }

    fn settle(&mut self) {
        let tau = self.spent.share(BUDGET);
        self.alert_scores = AlertScores {
            amount: self.amount.above(tau, PSEUDO),
            line: self.line.above(tau * LINE_SHARE, PSEUDO),
        };
    }

    fn of(amount: Scores, line: Scores, spent: Spent) -> Self {
        let alert_scores = AlertScores { amount: 0.0, line: 0.0 };
        let mut threshold = Self { amount, line, spent, alert_scores };
        threshold.settle();
        threshold
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        for scores in [&self.amount, &self.line] {
            scores.encode(out);
        }
        self.spent.encode(out);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::of(Scores::decode(from)?, Scores::decode(from)?, Spent::decode(from)?))
    }
}

/// What was lately spent of an alert budget: scored orders and alerts, decayed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Spent {
    scored: f64,
    alerts: f64,
}

impl Spent {
    /// Forgets what `days` make one forget, then adds the scored orders and the alerts of an epoch.
    pub(super) fn fold(&mut self, days: f64, scored: u64, alerts: u64) {
        let keep = decay(days, ALERTS_HALF_LIFE);
        self.scored = self.scored * keep + scored as f64;
        self.alerts = self.alerts * keep + alerts as f64;
    }

    /// `tau = clamp(b * b (Rn + 3/b)/(Ra + 3), 0.4 b, 2.5 b)`: the share of orders that lies above the threshold of
    /// a budget `b`, which makes up for what was lately alerted too often or too rarely.
    pub(super) fn share(self, budget: f64) -> f64 {
        let tau = budget * budget * (self.scored + 3.0 / budget) / (self.alerts + 3.0);
        tau.clamp(0.4 * budget, 2.5 * budget)
    }

    pub(super) fn encode(self, out: &mut Writer) {
        out.f64(self.scored);
        out.f64(self.alerts);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { scored: mass(from)?, alerts: mass(from)? })
    }
}

/// A decayed histogram of scores.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scores(Vec<f64>);

impl Scores {
    pub(super) fn none() -> Self {
        Self(vec![0.0; BINS])
    }

    pub(super) fn fold(&mut self, days: f64, scores: &ScoreCounts) {
        let keep = decay(days, SCORES_HALF_LIFE);
        self.0.iter_mut().for_each(|mass| *mass *= keep);
        for (bin, count) in scores.iter() {
            if let Some(mass) = self.0.get_mut(bin) {
                *mass += count as f64;
            }
        }
    }

    /// The score above which a share of `tau` lies, by the tail: `u` = lowest edge with at most 5 % of the mass above;
    /// `m` = mean excess above `u`; `theta = u + m ln(0.05/tau)`.
    pub(super) fn above(&self, tau: f64, pseudo: Pseudo) -> f64 {
        let total = PSEUDO_ORDERS + self.0.iter().sum::<f64>();
        let (mut above, mut excess) = (0.0, 0.0);
        let (mut edge, mut mean_excess) = (BINS as f64 * BIN_WIDTH, pseudo.excess);
        for (index, mass) in self.0.iter().enumerate().rev() {
            // The excess of every score above grows with the edge's step down by a bin.
            excess += above * BIN_WIDTH + mass * 0.5 * BIN_WIDTH;
            above += mass;
            let candidate = index as f64 * BIN_WIDTH;
            let pseudo_above = PSEUDO_ORDERS * pseudo.share_above(candidate);
            if above + pseudo_above > TAIL * total {
                break;
            }
            edge = candidate;
            mean_excess = (excess + pseudo_above * pseudo.excess) / (above + pseudo_above);
        }
        edge + mean_excess * ln(TAIL / tau)
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        self.0.iter().for_each(|mass| out.f64(*mass));
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        (0..BINS).map(|_| mass(from)).collect::<Result<_, _>>().map(Self)
    }
}

impl Pseudo {
    /// The share of pseudo-orders whose score is above `x`: min(1, 0.01 exp(-(x - quantile)/excess)).
    fn share_above(self, x: f64) -> f64 {
        (0.01 * exp(-(x - self.quantile) / self.excess)).min(1.0)
    }
}

fn mass(from: &mut Reader<'_>) -> Result<f64, DecodeError> {
    let mass = from.f64()?;
    if (0.0..1e15).contains(&mass) { Ok(mass) } else { Err(DecodeError::Invalid("threshold")) }
}

#[cfg(test)]
mod tests;
