//! For whoever wants to know what the parts of `apply` cost: told when each begins and when it ends.
//!
//! Deliberately not here: a clock. The engine reads none; who measures brings one.

use std::fmt::Debug;

use omnix_model::InsightKind;

use crate::stage::Stage;

/// A part of what [`crate::apply()`] does. What belongs to none of them folds the record into the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Looking for insights of this kind.
    Detect(InsightKind),
    /// Telling what all customers are to learn from this one.
    Teach,
}

impl Work {
    /// All parts.
    pub const ALL: [Self; 5] = [
        Self::Detect(InsightKind::SegmentMigration),
        Self::Detect(InsightKind::ConsumptionPrediction),
        Self::Detect(InsightKind::BehaviorAnomaly),
        Self::Detect(InsightKind::RecommendationUpdate),
        Self::Teach,
    ];
}

/// Who is told. One part ends before another begins.
pub trait Watch: Debug {
    /// A part begins.
    fn begins(&self, work: Work);
    /// It has ended.
    fn ends(&self, work: Work);
}

/// Nobody wants to know.
#[derive(Debug)]
pub(crate) struct Nobody;

impl Watch for Nobody {
    fn begins(&self, _: Work) {}
    fn ends(&self, _: Work) {}
}

/// Does `what`, a part of `work`.
pub(crate) fn watched<'a>(stage: &mut Stage<'a>, work: Work, what: impl FnOnce(&mut Stage<'a>)) {
    let watch = stage.watch;
    watch.begins(work);
    what(stage);
    watch.ends(work);
}
