//! One probability, learnt row by row: a logistic regression on standardised features.
//!
//! AdaGrad (Duchi, Hazan, Singer 2011, JMLR 12), one step a row, rate 0.1, weights shrunk by 1e-6; predictions
//! are made with averaged weights (Polyak, Juditsky 1992), because the last ones depend on the order of the
//! last rows. Until there are labels enough, and whenever it does worse, a fallback speaks instead: the
//! analytic form's own probability, set straight by two numbers as soon as a hundred labels are there (Platt
//! 1999).
//!
//! Deliberately not here: what the features are (`pair`, `visit`), and when a label is known (`waiting`).

use omnix_model::{DecodeError, Reader, Writer};

use crate::math::{exp, ln, ln_1p, sqrt};

/// Labels from which on the learnt probability is used.
const LEARNT_FROM: f64 = 500.0;
/// Labels from which on the analytic probability is set straight.
const STRAIGHT_FROM: f64 = 100.0;
/// Rows over which means, variances and losses run.
const WINDOW: f64 = 20_000.0;
const LOSS_WINDOW: f64 = 1_000.0;
/// How much larger the loss of the learnt probability may be before the fallback speaks.
const WORSE: f64 = 1.1;
const RATE: f64 = 0.1;
const SHRINKAGE: f64 = 1e-6;
/// What a step is divided by at least: the seed of the sum of squared gradients.
const SQUARE_SEED: f64 = 1e-6;
/// Standard deviations beyond which a feature counts as that far off.
const FEATURE_MAX: f64 = 6.0;
/// Log-odds beyond which a probability is as good as certain.
const LOGIT_MAX: f64 = 9.0;

/// How a probability came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LearnerStage {
    /// By the analytic form alone: too few labels.
    Analytic,
    /// By the analytic form, its log-odds stretched and shifted as labels taught.
    Straightened,
    /// By the features, as labels taught.
    Learnt,
}

impl LearnerStage {
    /// Its name wherever it is read by programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Analytic => "analytic",
            Self::Straightened => "straightened",
            Self::Learnt => "learnt",
        }
    }
}

/// How a learner does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearnerStatus {
    /// Labels that it has seen.
    pub labels: f64,
    /// The rolling mean of -ln of the probability that was given to what came about.
    pub loss: f64,
    /// The same of the fallback.
    pub fallback_loss: f64,
    /// Which of them speaks.
    pub stage: LearnerStage,
}

impl LearnerStatus {
    /// Labels from which on what was learnt may speak.
    pub const LABELS_NEEDED: f64 = LEARNT_FROM;

    /// The two losses, of what was learnt and of the fallback; none before a label counts in them: the first
    /// hundred do not.
    #[must_use]
    pub fn losses(&self) -> Option<(f64, f64)> {
        (self.labels > STRAIGHT_FROM).then_some((self.loss, self.fallback_loss))
    }

    /// Whether the fallback speaks although there are labels enough: what was learnt does so much worse.
    #[must_use]
    pub fn has_fallen_back(&self) -> bool {
        self.labels >= LEARNT_FROM && self.stage != LearnerStage::Learnt
    }
}

/// A probability learnt from `N` features.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Logistic<const N: usize> {
    labels: f64,
    scale: [Scale; N],
    weights: [Weight; N],
    bias: Weight,
    /// Of the fallback: the analytic log-odds' factor and shift.
    stretch: Weight,
    shift: Weight,
    loss: f64,
    fallback_loss: f64,
}

/// The running mean and variance of a feature.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    mean: f64,
    variance: f64,
}

/// A weight, the sum of its squared gradients, and its average.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Weight {
    last: f64,
    squares: f64,
    average: f64,
}

impl Weight {
    const fn at(value: f64) -> Self {
        Self { last: value, squares: SQUARE_SEED, average: value }
    }

    /// A step against `gradient`; `share` of the new value goes into the average.
    fn step(&mut self, gradient: f64, share: f64) {
        let gradient = gradient + SHRINKAGE * self.last;
        self.squares += gradient * gradient;
        self.last -= RATE * gradient / sqrt(self.squares);
        self.average += share * (self.last - self.average);
    }

    fn encode(&self, out: &mut Writer) {
        [self.last, self.squares, self.average].into_iter().for_each(|figure| out.f64(figure));
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let weight = Self { last: finite(from)?, squares: finite(from)?, average: finite(from)? };
        if weight.squares > 0.0 { Ok(weight) } else { Err(DecodeError::Invalid("weight")) }
    }
}

impl<const N: usize> Logistic<N> {
    /// What is believed before any label: nothing.
    pub(crate) fn seed() -> Self {
        Self {
            labels: 0.0,
            scale: [Scale { mean: 0.0, variance: 1.0 }; N],
            weights: [Weight::at(0.0); N],
            bias: Weight::at(0.0),
            stretch: Weight::at(1.0),
            shift: Weight::at(0.0),
            loss: 0.0,
            fallback_loss: 0.0,
        }
    }

    /// Which form speaks now.
    pub(crate) fn stage(&self) -> LearnerStage {
        if self.labels >= LEARNT_FROM && self.loss <= self.fallback_loss * WORSE {
            LearnerStage::Learnt
        } else if self.labels >= STRAIGHT_FROM {
            LearnerStage::Straightened
        } else {
            LearnerStage::Analytic
        }
    }

    pub(crate) fn status(&self) -> LearnerStatus {
        LearnerStatus {
            labels: self.labels,
            loss: self.loss,
            fallback_loss: self.fallback_loss,
            stage: self.stage(),
        }
    }

    /// The log-odds of what `features` speak of; `analytic` says those of the analytic form, where they are needed.
    pub(crate) fn logit(&self, features: &[f64; N], analytic: impl FnOnce() -> f64) -> f64 {
        match self.stage() {
            LearnerStage::Learnt => self.learnt(features),
            LearnerStage::Straightened => self.straightened(analytic()),
            LearnerStage::Analytic => analytic(),
        }
    }

    /// What each feature adds to the log-odds, and what stands without any; none while the analytic form speaks.
    pub(crate) fn terms(&self, features: &[f64; N]) -> Option<([f64; N], f64)> {
        let is_learnt = self.stage() == LearnerStage::Learnt;
        let mut terms = [0.0; N];
        for (((term, x), scale), weight) in terms.iter_mut().zip(features).zip(&self.scale).zip(&self.weights)
        {
            *term = weight.average * scale.standard(*x);
        }
        is_learnt.then_some((terms, self.bias.average))
    }

    fn learnt(&self, features: &[f64; N]) -> f64 {
        let parts = features.iter().zip(&self.scale).zip(&self.weights);
        let sum: f64 = parts.map(|((x, scale), weight)| weight.average * scale.standard(*x)).sum();
        (self.bias.average + sum).clamp(-LOGIT_MAX, LOGIT_MAX)
    }

    fn straightened(&self, analytic: f64) -> f64 {
        (self.stretch.average * analytic + self.shift.average).clamp(-LOGIT_MAX, LOGIT_MAX)
    }

    /// Learns whether it `came` about; averages run over `window` rows.
    pub(crate) fn learn(&mut self, features: &[f64; N], analytic: f64, came: bool, window: f64) {
        let label = f64::from(u8::from(came));
        // What would have been said counts, not what is known now.
        let fallback = if self.labels >= STRAIGHT_FROM { self.straightened(analytic) } else { analytic };
        self.labels += 1.0;
        // The first labels say how little was known, not how well it is learnt.
        let share = 1.0 / (self.labels - STRAIGHT_FROM).clamp(1.0, LOSS_WINDOW);
        self.loss += share * (loss(self.learnt(features), came) - self.loss);
        self.fallback_loss += share * (loss(fallback, came) - self.fallback_loss);

        let share = 1.0 / self.labels.min(window);
        let error = probability(self.stretch.last * analytic + self.shift.last) - label;
        self.stretch.step(error * analytic, share);
        self.shift.step(error, share);

        let memory = 1.0 / (self.labels + 1.0).min(WINDOW);
        let mut standard = [0.0; N];
        for ((place, x), scale) in standard.iter_mut().zip(features).zip(&mut self.scale) {
            scale.note(*x, memory);
            *place = scale.standard(*x);
        }
        let sum: f64 = standard.iter().zip(&self.weights).map(|(x, weight)| weight.last * x).sum();
        let error = probability(self.bias.last + sum) - label;
        for (x, weight) in standard.iter().zip(&mut self.weights) {
            weight.step(error * x, share);
        }
        self.bias.step(error, share);
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.f64(self.labels);
        for scale in &self.scale {
            out.f64(scale.mean);
            out.f64(scale.variance);
        }
        self.weights.iter().for_each(|weight| weight.encode(out));
        [self.bias, self.stretch, self.shift].iter().for_each(|weight| weight.encode(out));
        out.f64(self.loss);
        out.f64(self.fallback_loss);
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut learner = Self { labels: finite(from)?, ..Self::seed() };
        for scale in &mut learner.scale {
            *scale = Scale { mean: finite(from)?, variance: finite(from)? };
        }
        for weight in &mut learner.weights {
            *weight = Weight::decode(from)?;
        }
        learner.bias = Weight::decode(from)?;
        learner.stretch = Weight::decode(from)?;
        learner.shift = Weight::decode(from)?;
        learner.loss = finite(from)?;
        learner.fallback_loss = finite(from)?;
        Ok(learner)
    }
}

impl Scale {
    fn note(&mut self, x: f64, share: f64) {
        let off = x - self.mean;
        self.mean += share * off;
        self.variance += share * (off * (x - self.mean) - self.variance);
    }

    fn standard(&self, x: f64) -> f64 {
        ((x - self.mean) / sqrt(self.variance.max(1e-6))).clamp(-FEATURE_MAX, FEATURE_MAX)
    }
}

/// The probability of log-odds.
pub(crate) fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + exp(-logit))
}

/// The log-odds of a probability, kept 1e-4 off 0 and 1.
pub(crate) fn logit(probability: f64) -> f64 {
    let p = probability.clamp(1e-4, 1.0 - 1e-4);
    ln(p / (1.0 - p))
}

/// -ln of the probability given to what came about.
fn loss(logit: f64, came: bool) -> f64 {
    ln_1p(exp(if came { -logit } else { logit }))
}

fn finite(from: &mut Reader<'_>) -> Result<f64, DecodeError> {
    let figure = from.f64()?;
    if figure.is_finite() { Ok(figure) } else { Err(DecodeError::Invalid("figure of a learner")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose odds rise with the first feature; the second is noise. The analytic form is far too sure.
    fn taught(rows: u32) -> Logistic<2> {
        let mut learner = Logistic::seed();
        for row in 0..rows {
            let x = f64::from(row * 7 % 11) / 5.0 - 1.0;
            let noise = f64::from(row * 13 % 17) / 8.0 - 1.0;
            let chance = probability(2.0 * x);
            let came = f64::from(row * 7_919 % 1_000) / 1_000.0 < chance;
            learner.learn(&[x, noise], 6.0 * x, came, 100.0);
        }
        learner
    }

    #[test]
    fn before_labels_the_analytic_form_speaks_then_straightened_then_what_was_learnt() {
        assert_eq!(taught(99).stage(), LearnerStage::Analytic);
        assert_eq!(taught(100).stage(), LearnerStage::Straightened);
        assert_eq!(taught(600).stage(), LearnerStage::Learnt);
        assert!((taught(50).logit(&[1.0, 0.0], || 3.0) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn probabilities_come_to_what_is_observed() {
        let learner = taught(5_000);
        let p = |x| probability(learner.logit(&[x, 0.0], || 6.0 * x));
        for x in [-0.8, 0.0, 0.8] {
            assert!((p(x) - probability(2.0 * x)).abs() < 0.06, "{x}: {}", p(x));
        }
        let status = learner.status();
        assert!(status.loss < status.fallback_loss * WORSE && status.labels > 4_999.0, "{status:?}");
    }

    #[test]
    fn a_form_that_is_too_sure_is_set_straight() {
        let learner = taught(400);
        let p = probability(learner.logit(&[0.8, 0.0], || 4.8));
        assert!((0.65..0.93).contains(&p), "{p}");
    }

    #[test]
    fn a_learner_that_gets_worse_falls_back() {
        let mut learner = taught(1_000);
        assert_eq!(learner.stage(), LearnerStage::Learnt);
        assert!(!learner.status().has_fallen_back());
        // What the feature meant turns round again and again; the analytic form knows.
        for row in 0..4_000_u32 {
            let came = row / 40 % 2 == 0;
            let x = if row % 2 == 0 { 1.0 } else { -1.0 };
            learner.learn(&[x, 0.0], if came { 3.0 } else { -3.0 }, came, 100.0);
        }
        assert_eq!(learner.stage(), LearnerStage::Straightened, "{:?}", learner.status());
        assert!(learner.status().has_fallen_back());
    }

    #[test]
    fn losses_are_told_from_the_first_label_on_that_counts_in_them() {
        assert_eq!(taught(100).status().losses(), None);
        assert!(
            taught(101).status().losses().is_some_and(|(learnt, fallback)| learnt > 0.0 && fallback > 0.0)
        );
        assert!(!taught(499).status().has_fallen_back(), "too few labels are no fall");
    }

    #[test]
    fn bytes_are_the_learner() {
        let learner = taught(300);
        let mut out = Writer::new();
        learner.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Logistic::<2>::decode(&mut Reader::new(&bytes)), Ok(learner));
        assert!(Logistic::<2>::decode(&mut Reader::new(&bytes[1..])).is_err());
    }
}
