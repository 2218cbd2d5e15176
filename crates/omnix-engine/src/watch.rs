//! For whoever wants to know what the parts of `apply` cost: told when each begins and when it ends.
//!
//! Deliberately not here: a clock. The engine reads none; who measures brings one.

use std::fmt::Debug;

use crate::stage::Stage;

/// A part of what [`crate::apply()`] does. What belongs to none of them folds the record into the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Where the customer stands.
    SegmentMigration,
    /// What will be needed, and what was missed.
    ConsumptionPrediction,
    /// Whether an order is unlike the customer.
    BehaviorAnomaly,
    /// The two lists.
    RecommendationUpdate,
    /// What all customers are to learn from this one.
    Learning,
}

impl Work {
    /// All parts.
    pub const ALL: [Self; 5] = [
        Self::SegmentMigration,
        Self::ConsumptionPrediction,
        Self::BehaviorAnomaly,
        Self::RecommendationUpdate,
        Self::Learning,
    ];

    /// What it is called: the kind of insight that it may raise, or `learning`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SegmentMigration => "segment_migration",
            Self::ConsumptionPrediction => "consumption_prediction",
            Self::BehaviorAnomaly => "behavior_anomaly",
            Self::RecommendationUpdate => "recommendation_update",
            Self::Learning => "learning",
        }
    }
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
