//! Says which learners a new model has stopped listening to.
//!
//! The model itself decides it; here it is only told, once, when it comes about.

use omnix_engine::{LearnerStatus, Model};

/// A learner's name, the days ahead, and how it does.
type Named = (&'static str, u8, LearnerStatus);

/// Warns of each learner that spoke in `before` and falls back in `now`.
pub(super) fn warn_of_fallbacks(before: &Model, now: &Model) {
    for (learner, days, status) in fallen(&before.learner_status(), &now.learner_status()) {
        tracing::warn!(
            model = now.number(),
            learner,
            days,
            loss = status.loss,
            fallback_loss = status.fallback_loss,
            "a learner does worse than its fallback, which speaks instead"
        );
    }
}

/// The learners of `now` that fall back and did not in `before`.
fn fallen(before: &[Named], now: &[Named]) -> Vec<Named> {
    let is_new = |(before, now): &(&Named, &Named)| now.2.has_fallen_back() && !before.2.has_fallen_back();
    before.iter().zip(now).filter(is_new).map(|(_, now)| *now).collect()
}

#[cfg(test)]
mod tests {
    use omnix_engine::LearnerStage;

    use super::*;

    #[test]
    fn a_fall_is_told_once() {
        let of = |labels, stage| [("due", 7, LearnerStatus { labels, loss: 0.5, fallback_loss: 0.4, stage })];
        let young = of(200.0, LearnerStage::Analytic);
        let learnt = of(600.0, LearnerStage::Learnt);
        let fell = of(700.0, LearnerStage::Straightened);
        assert_eq!(fallen(&learnt, &fell), fell);
        assert_eq!(fallen(&young, &fell), fell, "it had not spoken before");
        for (before, now) in [(&fell, &fell), (&fell, &learnt), (&young, &learnt), (&young, &young)] {
            assert_eq!(fallen(before, now), [], "{before:?} {now:?}");
        }
    }
}
