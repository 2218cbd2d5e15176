//! What the engine predicts, whether or not anybody is told: the figures behind every insight, for any customer
//! at any moment.
//!
//! Pure functions of a state, a moment and the [`crate::Context`]. Insights say what is worth saying; an
//! evaluation needs the rest as well, or it would only see what the engine was sure of.
//!
//! Invariants: probabilities lie in 0..=1 and do not fall with the horizon; what cannot be said is `None`, never
//! an invented figure; nothing is read of the future, nor of the order that is predicted.
//!
//! Deliberately not here: thresholds, cool-downs and sentences (`detect`), and which moments are predicted at.

mod basket;
mod consumption;
mod order;
mod visit;

pub use basket::{BasketContents, BasketMoment, contents};
pub(crate) use consumption::Curve;
pub use consumption::{CONSUMPTION_DAYS, Consumption, DUE_DAYS, consumption, due};
pub use order::{OrderVerdict, burst, hour, verdict};
pub use visit::{VISIT_DAYS, visit};

#[cfg(test)]
mod tests;
