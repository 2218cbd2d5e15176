//! What is believed of the weights of a logistic regression, brought up to date row by row.
//!
//! A normal distribution over the weights, its mean and covariance corrected by each label as an extended Kalman
//! filter does: dynamic logistic regression (`McCormick`, Raftery, Madigan, Burd 2012, Biometrics 68; Fahrmeir 1992,
//! JASA 87). It learns from a hundred rows what steps along a gradient learn from thousands, and starts from what is
//! believed before any row. Rows come in bunches of one customer or one day, and say less than as many rows drawn
//! alone: each counts a part. Weights wander: with each row what is believed of them grows less certain, within bounds.
//!
//! Deliberately not here: what the figures are, and what is said with them (`logistic`).

use omnix_model::{DecodeError, Reader, Writer};

use super::logistic::probability;

/// What a row counts for, of one that is drawn alone.
const ROW_SHARE: f64 = 0.3;
/// Log-odds beyond which a probability is as good as certain.
pub(super) const LOGIT_MAX: f64 = 9.0;
/// The variance of a label that is believed at the least.
const DOUBT_MIN: f64 = 1e-4;
/// Times its variance at first up to which a weight grows less certain.
const WANDER_MAX: f64 = 5.0;
/// Weights and variances beyond which something is broken.
const FIGURE_MAX: f64 = 1e6;

/// Weights of `N` figures, as far as they are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter<const N: usize> {
    pub(super) weights: [f64; N],
    covariance: Box<[[f64; N]; N]>,
}

impl<const N: usize> Filter<N> {
    /// What is believed before any row: these weights, give or take these variances.
    pub(super) fn prior(weights: [f64; N], variances: [f64; N]) -> Self {
        let mut covariance = Box::new([[0.0; N]; N]);
        for (place, (row, variance)) in covariance.iter_mut().zip(variances).enumerate() {
            if let Some(own) = row.get_mut(place) {
                *own = variance;
            }
        }
        Self { weights, covariance }
    }

    /// The log-odds that the weights give to `figures`.
    pub(super) fn logit(&self, figures: &[f64; N]) -> f64 {
        dot(figures, &self.weights).clamp(-LOGIT_MAX, LOGIT_MAX)
    }

    /// Learns from a row whether it `came` about. The variance of each weight grows by its `drift`, up to five times
    /// what it was at first, `variances`.
    pub(super) fn learn(&mut self, figures: &[f64; N], came: bool, drift: &[f64; N], variances: &[f64; N]) {
        let said = probability(self.logit(figures));
        let doubt = (said * (1.0 - said)).max(DOUBT_MIN);
        let mut reach = [0.0; N];
        // The covariance is symmetric: by its columns the sums stand side by side.
        for (row, figure) in self.covariance.iter().zip(figures) {
            for (reach, entry) in reach.iter_mut().zip(row) {
                *reach += entry * figure;
            }
        }
        let gain = ROW_SHARE / (1.0 + ROW_SHARE * doubt * dot(figures, &reach).max(0.0));
        let error = f64::from(u8::from(came)) - said;
        for (weight, reach) in self.weights.iter_mut().zip(&reach) {
            *weight = (*weight + gain * error * reach).clamp(-FIGURE_MAX, FIGURE_MAX);
        }
        let certain = gain * doubt;
        for (row, of_row) in self.covariance.iter_mut().zip(&reach) {
            for (entry, reach) in row.iter_mut().zip(&reach) {
                *entry = (*entry - certain * (of_row * reach)).clamp(-FIGURE_MAX, FIGURE_MAX);
            }
        }
        for (place, (row, (drift, variance))) in
            self.covariance.iter_mut().zip(drift.iter().zip(variances)).enumerate()
        {
            if let Some(own) = row.get_mut(place)
                && *own < WANDER_MAX * variance
            {
                *own += drift;
            }
        }
    }

    /// The weights, then the covariance from its diagonal on, row by row.
    pub(super) fn encode(&self, out: &mut Writer) {
        self.weights.iter().for_each(|weight| out.f64(*weight));
        for (place, row) in self.covariance.iter().enumerate() {
            row.iter().skip(place).for_each(|entry| out.f64(*entry));
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut figure = || {
            let figure = from.f64()?;
            if figure.abs() <= FIGURE_MAX { Ok(figure) } else { Err(DecodeError::Invalid("weight")) }
        };
        let mut filter = Self::prior([0.0; N], [0.0; N]);
        for weight in &mut filter.weights {
            *weight = figure()?;
        }
        for row in 0..N {
            for column in row..N {
                let entry = figure()?;
                for (row, column) in [(row, column), (column, row)] {
                    if let Some(place) = filter.covariance.get_mut(row).and_then(|row| row.get_mut(column)) {
                        *place = entry;
                    }
                }
            }
        }
        Ok(filter)
    }
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIOR: [f64; 3] = [0.0, 0.0, 1.0];
    const VARIANCES: [f64; 3] = [0.5, 0.5, 1.0];

    fn filter() -> Filter<3> {
        Filter::prior(PRIOR, VARIANCES)
    }

    /// Rows of a figure, of noise and of a constant; the odds follow from the first.
    fn row(number: u32) -> ([f64; 3], f64) {
        let x = f64::from(number * 7 % 11) / 5.0 - 1.0;
        ([x, f64::from(number * 13 % 17) / 8.0 - 1.0, 1.0], f64::from(number * 7_919 % 1_000) / 1_000.0)
    }

    #[test]
    fn it_starts_from_what_is_believed_and_comes_to_what_is_observed() {
        assert!((filter().logit(&[3.0, -2.0, 0.5]) - 0.5).abs() < 1e-12);
        let mut learnt = filter();
        for number in 0..3_000 {
            let (figures, chance) = row(number);
            learnt.learn(&figures, chance < probability(2.0 * figures[0] - 1.0), &[0.0; 3], &VARIANCES);
        }
        let [slope, noise, level] = learnt.weights;
        assert!((slope - 2.0).abs() < 0.25 && noise.abs() < 0.2 && (level + 1.0).abs() < 0.2, "{learnt:?}");
    }

    #[test]
    fn what_wanders_is_followed_and_doubt_is_bounded() {
        let after_a_turn = |drift: f64| {
            let mut learnt = filter();
            for number in 0..4_000 {
                let (figures, chance) = row(number);
                let slope = if number < 3_000 { 2.0 } else { -2.0 };
                learnt.learn(&figures, chance < probability(slope * figures[0]), &[drift; 3], &VARIANCES);
            }
            for (place, variance) in VARIANCES.iter().enumerate() {
                assert!((0.0..=5.0 * variance + drift).contains(&learnt.covariance[place][place]));
            }
            learnt.weights[0]
        };
        assert!(after_a_turn(1e-2) < -1.2 && after_a_turn(0.0) > -1.0);
    }

    #[test]
    fn bytes_are_the_filter_and_damaged_ones_break_nothing() {
        let mut learnt = filter();
        (0..100).for_each(|number| learnt.learn(&row(number).0, number % 3 == 0, &[1e-3; 3], &VARIANCES));
        let mut out = Writer::new();
        learnt.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Filter::<3>::decode(&mut Reader::new(&bytes)), Ok(learnt));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            if let Ok(mut read) = Filter::<3>::decode(&mut Reader::new(&damaged)) {
                (0..50)
                    .for_each(|number| read.learn(&row(number).0, number % 2 == 0, &[1e-3; 3], &VARIANCES));
                assert!(read.logit(&[1.0, 1.0, 1.0]).is_finite(), "byte {at}");
            }
        }
    }
}
