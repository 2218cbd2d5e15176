//! The pure core: folds a record into the state of one customer and says what it means.
//!
//! [`apply()`] depends on the customer's state, the record, the model and the settings, and on nothing else.
//! What is common to all customers, the [`Model`], is an immutable numbered snapshot that `apply` only reads;
//! what it learns from a record leaves as [`Observation`]s, which the shell collects in a [`Tally`] per lane
//! and [`learn()`] folds into the next model.
//!
//! Invariants: no IO, no clock, no random number, no async, no map whose order can show; the same arguments
//! give the same bytes on every processor.
//!
//! Deliberately not here: duplicates, positions, when to commit (`omnix-worker`); bytes of the log
//! (`omnix-model`).

mod apply;
mod stage;
mod watch;
mod customer;
mod basket;
mod fold;
mod look;
mod detect;
mod priority;
mod say;
mod calendar;
mod occasion;
pub mod math;
mod model;
mod ranking;
pub mod predict;
pub mod explain;
mod settings;
mod view;

pub use apply::{
    ApplyError, Cause, Context, Derived, Effects, Facts, Moment, apply, apply_watched, observe_anonymous,
};
pub use customer::{Customer, Part};
pub use model::{
    AlertScores, AmountExpectation, AmountHistory, AmountLevel, AmountPrior, Basket, Bought, Buyer,
    CUSTOMER_SHRINKAGE, ChoiceSums, HourPrior, Interval, IntervalPrior, IntervalSums, LONG_HALF_LIFE_DAYS,
    LearnerInput, LearnerStage, LearnerStatus, Lessons, LineSums, LogNormal, Measured, Model, ModelLimits,
    Observation, Order, OrderHour, Ordered, PAIR_SHRINKAGE, POPULAR_MAX, PRODUCT_SHRINKAGE, PairRow,
    Popularity, Probabilities, Product, RowKey, SHORT_HALF_LIFE_DAYS, Sale, Score, TALLY_PRODUCTS_MAX, Tally,
    VisitRow, learn, ln_interval,
};
pub use occasion::Occasion;
pub use settings::Settings;
pub use view::{
    ProductView, Profile, RecommendRequest, Recommendations, Recommended, SegmentView, Spending, profile,
    recommend,
};
pub use watch::{Watch, Work};

/// The version of what `apply` computes. It stands in the log; it changes whenever the same record could come
/// to mean something else.
pub const ENGINE_VERSION: u32 = 1;
