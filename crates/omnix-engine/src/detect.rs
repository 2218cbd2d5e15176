//! The detectors: plain functions, one file each, named after the insight they produce.
//!
//! What is said of an order is said of its basket, and depends on the basket's lines, not on when they came. A
//! basket may be looked at before it is whole; so what makes a detector speak is nothing that a further line can
//! undo (`docs/adr/0009-a-growing-basket-says-what-will-stand.md`).
//! A detector says "not enough data" by saying nothing.

pub(crate) mod behavior_anomaly;
pub(crate) mod consumption_prediction;
pub(crate) mod recommendation_update;
pub(crate) mod segment_migration;

use omnix_model::InsightKind;

use crate::basket::Basket;
use crate::look;
use crate::stage::Stage;
use crate::watch::{Work, watched};
use crate::{Basket as BoughtTogether, Observation};

/// Rules that speak of a basket, each at most once, later revised; what matters most to a reader first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Order,
    Consumption,
    Burst,
    Segment,
    Recommendation,
}

impl Rule {
    /// How many there are.
    pub(crate) const COUNT: usize = 5;

    /// Its place among them.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// Evaluates a basket at its end; on a basket that had ended before, revises.
pub(crate) fn at_basket_end(stage: &mut Stage<'_>, basket: &mut Basket) {
    while_basket_grows(stage, basket);
    watched(stage, Work::Detect(InsightKind::BehaviorAnomaly), |stage| {
        behavior_anomaly::settle(stage, basket)
    });
    if !basket.has_ended {
        basket.has_ended = true;
        watched(stage, Work::Teach, |stage| {
            behavior_anomaly::observe(stage, basket);
            observe_products(stage, basket);
            look::at_basket_end(stage, basket);
        });
    }
}

/// Evaluates a basket to which more lines may come.
pub(crate) fn while_basket_grows(stage: &mut Stage<'_>, basket: &mut Basket) {
    watched(stage, Work::Detect(InsightKind::SegmentMigration), |stage| {
        segment_migration::at_basket_end(stage, basket)
    });
    watched(stage, Work::Detect(InsightKind::ConsumptionPrediction), |stage| {
        consumption_prediction::at_basket_end(stage, basket)
    });
    watched(stage, Work::Detect(InsightKind::BehaviorAnomaly), |stage| {
        behavior_anomaly::at_basket_end(stage, basket)
    });
    watched(stage, Work::Detect(InsightKind::RecommendationUpdate), |stage| {
        recommendation_update::at_basket_end(stage, basket)
    });
    basket.lines_evaluated = basket.lines;
}

fn observe_products(stage: &mut Stage<'_>, basket: &Basket) {
    let held = stage.customer.products().filter(|product| product.last_basket == basket.number);
    let products: Vec<_> = held.map(|product| product.id.clone()).collect();
    let id = omnix_model::InsightId::derive(stage.context.customer_id, "basket", &basket.cause());
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    let key = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    if stage.context.model.choices().takes(key)
        && let Some(choice) = recommendation_update::taken(&stage.customer, stage.context.model, basket)
    {
        stage.effects.observations.push(Observation::Choice(choice));
    }
    let together = BoughtTogether { key, products, at: basket.first_at };
    stage.effects.observations.push(Observation::Basket(together));
}
