//! What is common to all customers: priors, popularity, co-occurrence, thresholds.
//!
//! A [`Model`] is an immutable numbered snapshot. Lanes collect what they observe in a [`Tally`]; at the end
//! of an epoch [`learn`] folds the tallies of all lanes, in lane order, into the next model.
//!
//! Deliberately not here: anything that points to a customer, and learners that train on labelled rows; the
//! stored formats leave room for the latter.

mod amounts;
mod intervals;
mod observation;
mod product;
mod threshold;

use std::sync::Arc;

use omnix_model::{DecodeError, Lane, ProductId, Timestamp};

pub use amounts::{AmountExpectation, AmountHistory, AmountPrior};
pub use intervals::{
    CUSTOMER_SHRINKAGE, IntervalPrior, IntervalSums, LogNormal, PAIR_SHRINKAGE, PRODUCT_SHRINKAGE,
    ln_interval,
};
pub use observation::{Basket, Buyer, Interval, Observation, Order, Sale, Score};
pub use product::{LONG_HALF_LIFE_DAYS, Popularity, Product, SHORT_HALF_LIFE_DAYS};

/// An immutable numbered snapshot of what is common to all customers. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    body: Arc<Body>,
}

#[derive(Debug, PartialEq)]
struct Body {
    number: u64,
    intervals: IntervalPrior,
    amounts: AmountPrior,
}

impl Model {
    /// Model 0: what is believed before anything was seen.
    #[must_use]
    pub fn seed() -> Self {
        Self {
            body: Arc::new(Body {
                number: 0,
                intervals: IntervalPrior::seed(),
                amounts: AmountPrior::seed(),
            }),
        }
    }

    /// Its number: 0 is the seed, each fold adds one.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.body.number
    }

    /// What is known of the intervals of all pairs of customer and product.
    #[must_use]
    pub fn intervals(&self) -> &IntervalPrior {
        &self.body.intervals
    }

    /// What is known of the amounts of all orders.
    #[must_use]
    pub fn amounts(&self) -> &AmountPrior {
        &self.body.amounts
    }

    /// What is known of a product; none for one that was not sold before this model, or is dropped for being
    /// the least popular of too many.
    #[must_use]
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        let _: &ProductId = id;
        None
    }

    /// `m0`, see [`IntervalPrior::prior_mean`], for a product by its id and the customer's own sums.
    #[must_use]
    pub fn prior_mean(&self, product: &ProductId, customer: IntervalSums) -> f64 {
        let sums = self.product(product).map(Product::intervals).unwrap_or_default();
        self.body.intervals.prior_mean(sums, customer)
    }

    /// The whole model as bytes, from which [`learn`] can go on.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = omnix_model::Writer::new();
        out.uint(self.body.number);
        self.body.intervals.encode(&mut out);
        self.body.amounts.encode(&mut out);
        out.into_bytes()
    }

    /// The hash of [`Self::encode`], under which the log names the model.
    #[must_use]
    pub fn hash(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&self.encode())
    }

    /// The model that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a model.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = omnix_model::Reader::new(bytes);
        let body = Body {
            number: from.uint()?,
            intervals: IntervalPrior::decode(&mut from)?,
            amounts: AmountPrior::decode(&mut from)?,
        };
        Ok(Self { body: Arc::new(body) })
    }
}

/// What one lane observed in one epoch: sufficient statistics and bounded samples, never gradients.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {}

impl Tally {
    /// Adds what a record taught.
    pub fn absorb(&mut self, observations: &[Observation]) {
        let _: &[Observation] = observations;
    }

    /// Whether nothing was observed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        true
    }

    /// The tally as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The tally that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a tally.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.is_empty() { Ok(Self {}) } else { Err(DecodeError::Invalid("tally")) }
    }
}

/// The model that follows `model` when an epoch that ended at `until` taught `tallies`, in lane order.
#[must_use]
pub fn learn(model: &Model, tallies: &[(Lane, Tally)], until: Timestamp) -> Model {
    let _: (&[(Lane, Tally)], Timestamp) = (tallies, until);
    let Body { number, intervals, amounts } = &*model.body;
    Model { body: Arc::new(Body { number: number + 1, intervals: *intervals, amounts: amounts.clone() }) }
}
