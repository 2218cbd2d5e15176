//! One probability, learnt row by row: a logistic regression on figures, the last but one of which are the log-odds of
//! an analytic form, the last a constant.
//!
//! Before any row it is the analytic form, and departs from it as far as labels bear it out (`filter`). Beside it goes
//! a fallback that takes nothing but the analytic form, stretched and shifted: it speaks whenever what was learnt does
//! worse.
//!
//! Deliberately not here: what the figures are (`pair`, `visit`), and when a label is known (`waiting`).

use omnix_model::{DecodeError, Reader, Writer};

use super::filter::Filter;
use crate::math::{exp, ln, ln_1p};

/// Labels up to which the analytic form speaks.
const LEARNT_FROM: f64 = 100.0;
/// Labels from which on what was learnt is held against the fallback.
const JUDGED_FROM: f64 = 500.0;
/// Rows over which losses and means run.
const LOSS_WINDOW: f64 = 1_000.0;
const MEAN_WINDOW: f64 = 20_000.0;
/// How much larger the loss of the learnt probability may be before the fallback speaks.
const WORSE: f64 = 1.1;
/// The variances of the weights of the analytic form and of the constant, before any row.
const ANALYTIC_VARIANCE: f64 = 0.1;
const LEVEL_VARIANCE: f64 = 1.0;

/// What is believed of weights before any row, and how they wander.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Belief {
    /// The variance of the weight of a figure; its mean is 0.
    pub variance: f64,
    /// By how much the variance of a weight grows with each row.
    pub drift: f64,
}

impl Belief {
    fn variances<const N: usize>(self) -> [f64; N] {
        std::array::from_fn(|place| match N - place {
            1 => LEVEL_VARIANCE,
            2 => ANALYTIC_VARIANCE,
            _ => self.variance,
        })
    }

    /// What shifts everything alike does not wander: seasons have figures of their own.
    fn drifts<const N: usize>(self) -> [f64; N] {
        std::array::from_fn(|place| if place + 1 < N { self.drift } else { 0.0 })
    }
}

/// The weights of the analytic form alone.
fn analytic_alone<const N: usize>() -> [f64; N] {
    std::array::from_fn(|place| if place + 2 == N { 1.0 } else { 0.0 })
}

/// How a probability came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LearnerStage {
    /// By the analytic form alone: too few labels.
    Analytic,
    /// By the analytic form, its log-odds stretched and shifted as labels taught: the fallback.
    Straightened,
    /// By all figures, as labels taught.
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
    /// Labels from which on what was learnt speaks.
    pub const LABELS_NEEDED: f64 = LEARNT_FROM;
    /// Labels from which on it is held against its fallback.
    pub const LABELS_TO_JUDGE: f64 = JUDGED_FROM;

    /// The two losses, of what was learnt and of the fallback; none before a label counts in them: the first
    /// hundred do not.
    #[must_use]
    pub fn losses(&self) -> Option<(f64, f64)> {
        (self.labels > LEARNT_FROM).then_some((self.loss, self.fallback_loss))
    }

    /// Whether the fallback speaks although there are labels enough: what was learnt does so much worse.
    #[must_use]
    pub fn has_fallen_back(&self) -> bool {
        self.stage != LearnerStage::Learnt && self.labels >= JUDGED_FROM
    }
}

/// A probability learnt from `N` figures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Logistic<const N: usize> {
    labels: f64,
    /// The running means of the figures.
    means: [f64; N],
    learnt: Filter<N>,
    /// Of the analytic log-odds and a constant.
    fallback: Filter<2>,
    loss: f64,
    fallback_loss: f64,
}

impl<const N: usize> Logistic<N> {
    /// What is believed before any label.
    pub(crate) fn seed(belief: Belief) -> Self {
        Self {
            labels: 0.0,
            means: [0.0; N],
            learnt: Filter::prior(analytic_alone(), belief.variances()),
            fallback: Filter::prior(analytic_alone(), belief.variances()),
            loss: 0.0,
            fallback_loss: 0.0,
        }
    }

    /// Which form speaks now.
    pub(crate) fn stage(&self) -> LearnerStage {
        if self.labels < LEARNT_FROM {
            LearnerStage::Analytic
        } else if self.labels < JUDGED_FROM || self.loss <= self.fallback_loss * WORSE {
            LearnerStage::Learnt
        } else {
            LearnerStage::Straightened
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

    /// The log-odds of what `figures` speak of.
    pub(crate) fn logit(&self, figures: &[f64; N]) -> f64 {
        match self.stage() {
            LearnerStage::Learnt => self.learnt.logit(figures),
            LearnerStage::Straightened => self.fallback.logit(&of_fallback(figures)),
            LearnerStage::Analytic => analytic(figures),
        }
    }

    /// What each figure adds to the log-odds by being another than usual, and what they are when none is; none while
    /// the analytic form speaks.
    pub(crate) fn terms(&self, figures: &[f64; N]) -> Option<([f64; N], f64)> {
        let is_learnt = self.stage() == LearnerStage::Learnt;
        let mut terms = [0.0; N];
        let mut usual = 0.0;
        let parts = figures.iter().zip(&self.means).zip(&self.learnt.weights);
        for (term, ((figure, mean), weight)) in terms.iter_mut().zip(parts) {
            *term = weight * (figure - mean);
            usual += weight * mean;
        }
        is_learnt.then_some((terms, usual))
    }

    /// Learns whether it `came` about.
    pub(crate) fn learn(&mut self, figures: &[f64; N], came: bool, belief: Belief) {
        // What would have been said counts, not what is known now.
        let (said, fallback) = (self.learnt.logit(figures), self.fallback.logit(&of_fallback(figures)));
        self.labels += 1.0;
        // The first labels say how little was known, not how well it is learnt.
        let share = 1.0 / (self.labels - LEARNT_FROM).clamp(1.0, LOSS_WINDOW);
        self.loss += share * (loss(said, came) - self.loss);
        self.fallback_loss += share * (loss(fallback, came) - self.fallback_loss);
        self.learnt.learn(figures, came, &belief.drifts(), &belief.variances());
        self.fallback.learn(&of_fallback(figures), came, &belief.drifts(), &belief.variances());
        let share = 1.0 / self.labels.min(MEAN_WINDOW);
        for (mean, figure) in self.means.iter_mut().zip(figures) {
            *mean += share * (figure - *mean);
        }
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.f64(self.labels);
        self.means.iter().for_each(|mean| out.f64(*mean));
        self.learnt.encode(out);
        self.fallback.encode(out);
        out.f64(self.loss);
        out.f64(self.fallback_loss);
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let labels = from.f64()?;
        let mut means = [0.0; N];
        for mean in &mut means {
            *mean = from.f64()?;
        }
        let (learnt, fallback) = (Filter::decode(from)?, Filter::decode(from)?);
        Ok(Self { labels, means, learnt, fallback, loss: from.f64()?, fallback_loss: from.f64()? })
    }
}

/// The log-odds of the analytic form.
fn analytic<const N: usize>(figures: &[f64; N]) -> f64 {
    let [analytic, _] = of_fallback(figures);
    analytic
}

/// The figures of the fallback: the analytic form and the constant.
fn of_fallback<const N: usize>(figures: &[f64; N]) -> [f64; 2] {
    figures.last_chunk().copied().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    const BELIEF: Belief = Belief { variance: 0.1, drift: 1e-4 };

    fn figures(x: f64, noise: f64, analytic: f64) -> [f64; 4] {
        [x, noise, analytic, 1.0]
    }

    /// Rows whose odds rise with the first figure; the second is noise. The analytic form is far too sure.
    fn taught(rows: u32) -> Logistic<4> {
        let mut learner = Logistic::seed(BELIEF);
        for row in 0..rows {
            let x = f64::from(row * 7 % 11) / 5.0 - 1.0;
            let noise = f64::from(row * 13 % 17) / 8.0 - 1.0;
            let chance = probability(2.0 * x);
            let came = f64::from(row * 7_919 % 1_000) / 1_000.0 < chance;
            learner.learn(&figures(x, noise, 6.0 * x), came, BELIEF);
        }
        learner
    }

    #[test]
    fn before_labels_the_analytic_form_speaks_then_what_was_learnt() {
        assert_eq!(taught(99).stage(), LearnerStage::Analytic);
        assert!((taught(50).logit(&figures(1.0, 0.0, 3.0)) - 3.0).abs() < 1e-12);
        assert_eq!(taught(100).stage(), LearnerStage::Learnt);
    }

    #[test]
    fn a_form_that_is_too_sure_is_set_straight_by_few_labels() {
        let p = probability(taught(150).logit(&figures(0.8, 0.0, 4.8)));
        assert!((0.65..0.93).contains(&p), "{p}");
    }

    #[test]
    fn probabilities_come_to_what_is_observed() {
        let learner = taught(5_000);
        let p = |x| probability(learner.logit(&figures(x, 0.0, 6.0 * x)));
        for x in [-0.8, 0.0, 0.8] {
            assert!((p(x) - probability(2.0 * x)).abs() < 0.06, "{x}: {}", p(x));
        }
        let status = learner.status();
        assert!(status.loss < status.fallback_loss * WORSE && status.labels > 4_999.0, "{status:?}");
    }

    #[test]
    fn what_each_figure_adds_comes_to_the_log_odds() {
        let (learner, asked) = (taught(700), figures(0.4, -0.3, 2.4));
        let (terms, usual) = learner.terms(&asked).unwrap();
        assert!((terms.iter().sum::<f64>() + usual - learner.logit(&asked)).abs() < 1e-12);
        assert_eq!(taught(99).terms(&asked), None);
    }

    #[test]
    fn a_learner_that_gets_worse_falls_back() {
        let mut learner = taught(1_000);
        assert_eq!(learner.stage(), LearnerStage::Learnt);
        assert!(!learner.status().has_fallen_back());
        // What the first figure means turns round with each row; the analytic form knows nothing, and says so.
        for row in 0..4_000_u32 {
            let came = row % 2 == 0;
            let x = if row / 40 % 2 == 0 { 1.0 } else { -1.0 };
            let sure = Belief { variance: 9.0, drift: 9.0 };
            learner.learn(&figures(x, if came == (row / 7 % 2 == 0) { 2.0 } else { -2.0 }, 0.0), came, sure);
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
        assert!(!taught(499).status().has_fallen_back(), "too few labels to judge by");
    }

    #[test]
    fn bytes_are_the_learner() {
        let learner = taught(300);
        let mut out = Writer::new();
        learner.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Logistic::<4>::decode(&mut Reader::new(&bytes)), Ok(learner));
        assert!(Logistic::<4>::decode(&mut Reader::new(&bytes[1..])).is_err());
    }
}
