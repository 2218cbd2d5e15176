//! What the model in force has learnt.

use omnix_engine::Model;

use super::{Learner, Learning, Queries};

impl Queries {
    /// What the newest model in force has learnt, and how well.
    #[must_use]
    pub fn learning(&self) -> Learning {
        Learning::of(&self.model.load())
    }
}

impl Learning {
    /// What `model` has learnt.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let learners = model.learner_status().into_iter();
        Self {
            model: model.number(),
            until: model.until(),
            products: model.product_count(),
            rows_waiting: model.rows_waiting(),
            learners: learners.map(|(name, days, status)| Learner { name, days, status }).collect(),
        }
    }
}
