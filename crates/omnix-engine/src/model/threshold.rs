//! The alert budget: the score above which 10 in 1,000 scored orders lie.
//!
//! A decayed histogram of scores with pseudo-orders for a prior, an exponential tail fitted above its upper
//! 5 %, and a target that makes up for what was lately alerted too often or too rarely. Measured against a
//! threshold moved by every single alert, it finds more at the same budget. The tail above a high quantile as
//! an exponential is the peaks-over-threshold method (Pickands, Annals of Statistics 3, 1975; for streams
//! Siffer et al., KDD 2017) with its shape parameter fixed at 0.

use omnix_model::{DecodeError, Reader, Writer};

use crate::math::{bin, decay, exp, ln};

/// Alerts per scored order.
const BUDGET: f64 = 0.01;
/// Bins of the histogram; scores below 0 count in the first, above 8 in the last.
pub(super) const BINS: usize = 320;
/// Width of a bin, in units of the score.
const BIN_WIDTH: f64 = 0.025;
/// Half-life of the histogram, in days.
const SCORES_HALF_LIFE: f64 = 45.0;
/// Half-life of the counts of scored orders and alerts, in days.
const ALERTS_HALF_LIFE: f64 = 30.0;
/// Pseudo-orders that the histogram begins with and keeps.
const PSEUDO_ORDERS: f64 = 100.0;
/// Mean excess of the pseudo-orders' tail, in units of the score.
const PSEUDO_EXCESS: f64 = 0.35;
/// The share above which the tail is fitted.
const TAIL: f64 = 0.05;

/// Scores of orders and the threshold that follows from them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Threshold {
    scores: Vec<f64>,
    scored: f64,
    alerts: f64,
    theta: f64,
}

impl Threshold {
    /// Pseudo-orders alone.
    pub(super) fn seed() -> Self {
        let mut seed = Self { scores: vec![0.0; BINS], scored: 0.0, alerts: 0.0, theta: 0.0 };
        seed.settle();
        seed
    }

    /// The score above which an order is worth an alert.
    pub(super) const fn theta(&self) -> f64 {
        self.theta
    }

    /// The bin of a score.
    pub(super) fn bin_of(score: f64) -> usize {
        bin(score, BIN_WIDTH, BINS)
    }

    /// Forgets what `days` make one forget, then adds the scores, by bin, and the alerts of an epoch.
    pub(super) fn fold(&mut self, days: f64, scores: &[u64], alerts: u64) {
        let keep = decay(days, SCORES_HALF_LIFE);
        for (mass, &count) in self.scores.iter_mut().zip(scores) {
            *mass = *mass * keep + count as f64;
        }
        let keep = decay(days, ALERTS_HALF_LIFE);
        self.scored = self.scored * keep + scores.iter().sum::<u64>() as f64;
        self.alerts = self.alerts * keep + alerts as f64;
        self.settle();
    }

    /// `u` = lowest edge with at most 5 % of the mass above; `m` = mean excess above `u`;
    /// `tau = clamp(0.01 * 0.01 (Rn + 300)/(Ra + 3), 0.004, 0.025); theta = u + m ln(0.05/tau)`.
    fn settle(&mut self) {
        let total = PSEUDO_ORDERS + self.scores.iter().sum::<f64>();
        let (mut above, mut excess) = (0.0, 0.0);
        let (mut edge, mut mean_excess) = (BINS as f64 * BIN_WIDTH, PSEUDO_EXCESS);
        for (index, mass) in self.scores.iter().enumerate().rev() {
            // The excess of every score above grows with the edge's step down by a bin.
            excess += above * BIN_WIDTH + mass * 0.5 * BIN_WIDTH;
            above += mass;
            let candidate = index as f64 * BIN_WIDTH;
            let pseudo = PSEUDO_ORDERS * pseudo_tail(candidate);
            if above + pseudo > TAIL * total {
                break;
            }
            edge = candidate;
            mean_excess = (excess + pseudo * PSEUDO_EXCESS) / (above + pseudo);
        }
        let tau = (BUDGET * BUDGET * (self.scored + 300.0) / (self.alerts + 3.0)).clamp(0.004, 0.025);
        self.theta = edge + mean_excess * ln(TAIL / tau);
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        for mass in &self.scores {
            out.f64(*mass);
        }
        out.f64(self.scored);
        out.f64(self.alerts);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut scores = Vec::with_capacity(BINS);
        for _ in 0..BINS {
            scores.push(mass(from)?);
        }
        let mut threshold = Self { scores, scored: mass(from)?, alerts: mass(from)?, theta: 0.0 };
        threshold.settle();
        Ok(threshold)
    }
}

/// The share of pseudo-orders whose score is above `x`: min(1, 0.01 exp(-(x - 1.9)/0.35)).
fn pseudo_tail(x: f64) -> f64 {
    (0.01 * exp(-(x - 1.9) / PSEUDO_EXCESS)).min(1.0)
}

fn mass(from: &mut Reader<'_>) -> Result<f64, DecodeError> {
    let mass = from.f64()?;
    if (0.0..1e15).contains(&mass) { Ok(mass) } else { Err(DecodeError::Invalid("threshold")) }
}

#[cfg(test)]
mod tests;
