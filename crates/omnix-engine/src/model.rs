//! What is common to all customers: priors, popularity, co-occurrence, thresholds.
//!
//! A [`Model`] is an immutable numbered snapshot. Lanes collect what they observe in a [`Tally`]; at the end
//! of an epoch [`learn()`] folds the tallies of all lanes, in lane order, into the next model.
//!
//! Deliberately not here: anything that names a customer. Rows that wait for a label hold a hash of whom they
//! are about, for 60 days at the most.

mod amounts;
mod catalogue;
mod choice;
mod companions;
#[cfg(test)]
pub(crate) mod fixture;
mod format;
mod hours;
mod index;
mod intervals;
mod learn;
mod learners;
mod limits;
mod novelty;
mod observation;
mod occasions;
mod product;
mod tally;
mod threshold;

use std::sync::Arc;

use omnix_model::{ProductId, Timestamp};

use crate::Occasion;
use crate::math::{narrow, sqrt};
pub use amounts::{AmountExpectation, AmountHistory, AmountLevel, AmountPrior, LineSums};
use catalogue::Catalogue;
pub use choice::ChoiceSums;
pub(crate) use choice::{Choices, Offered};
pub(crate) use companions::Neighbour;
use companions::{Companions, PSEUDO_BASKETS};
pub use hours::HourPrior;
pub(crate) use index::hash;
pub use intervals::{
    CUSTOMER_SHRINKAGE, IntervalPrior, IntervalSums, LogNormal, PAIR_SHRINKAGE, PRODUCT_SHRINKAGE,
    ln_interval,
};
pub use learn::{Lessons, Probabilities, learn};
pub(crate) use learners::{
    BOUGHT_DAYS, KeptPair, KeptVisit, Learners, PairFigures, VISIT_FEATURE_NAMES, VisitFigures, next_look,
    probability, what, who,
};
pub use learners::{Bought, LearnerInput, LearnerStage, LearnerStatus, Ordered, PairRow, RowKey, VisitRow};
pub use limits::ModelLimits;
pub(crate) use novelty::Novelty;
pub use observation::{Basket, Buyer, Interval, Measured, Observation, Order, OrderHour, Sale, Score};
use occasions::Occasions;
pub(crate) use occasions::Sold;
pub use product::{LONG_HALF_LIFE_DAYS, Popularity, Product, SHORT_HALF_LIFE_DAYS};
pub use tally::{TALLY_PRODUCTS_MAX, Tally};
pub use threshold::AlertScores;

/// Products of the list of those that are most popular.
pub const POPULAR_MAX: usize = 200;
/// Slots that are looked at together where all are looked at.
pub(crate) const CHUNK: usize = 32;

/// Neighbours that share a cache line, as far as it matters.
const NEIGHBOURS_OF_LINE: usize = 64 / size_of::<Neighbour>();

/// An immutable numbered snapshot of what is common to all customers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Model {
    body: Arc<Body>,
    derived: Arc<Derived>,
}

/// What a model is made of, and what its file holds.
#[derive(Debug, Clone, PartialEq)]
struct Body {
    number: u64,
    /// Follows from what was learnt from, not from what stands here.
    name: u64,
    until: Option<Timestamp>,
    limits: ModelLimits,
    intervals: IntervalPrior,
    amounts: AmountPrior,
    hours: HourPrior,
    catalogue: Catalogue,
    companions: Companions,
    occasions: Occasions,
    choices: Choices,
    learners: Arc<Learners>,
}

/// What follows from a model's body, worked out once.
#[derive(Debug)]
struct Derived {
    /// The most popular products, by falling short popularity.
    popular: Vec<u32>,
    /// The sums and maxima over all products.
    all: Popularity,
    peak: Popularity,
    /// By slot, so that lists are made without looking at whole products.
    pull: Vec<Pull>,
    novelty: Novelty,
}

/// What the lists need to know of a product, side by side: the products of a customer lie all over the memory.
/// Figures of 32 bits are enough to rank by.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    /// Whose; none where there is no product.
    id: Option<ProductId>,
    /// How far its intervals lie from those of all pairs (see [`IntervalPrior::lean`]).
    pub lean: f32,
    /// `(n_i + 5 g)^-0.5`, one side of the cosine of `C_ij`; `g` is the weight of a basket at the model's time.
    pub basket_norm: f32,
    /// Its fast popularity as a part of the largest, plus its repeat share.
    pub appeal: f32,
    /// Its trend over that of all products; 1 at the most.
    pub fading: f32,
}

impl Pull {
    /// Of a product that the model does not know.
    const UNKNOWN: Self = Self { id: None, lean: 0.0, basket_norm: 0.0, appeal: 0.0, fading: 1.0 };
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.body, &other.body) || self.body == other.body
    }
}

impl Model {
    /// Model 0: what is believed before anything was seen.
    #[must_use]
    pub fn seed() -> Self {
        Self::of_body(Body {
            number: 0,
            name: 0,
            until: None,
            limits: ModelLimits::default(),
            intervals: IntervalPrior::seed(),
            amounts: AmountPrior::seed(),
            hours: HourPrior::seed(),
            catalogue: Catalogue::default(),
            companions: Companions::default(),
            occasions: Occasions::default(),
            choices: Choices::seed(),
            learners: Arc::new(Learners::seed()),
        })
    }

    fn of_body(body: Body) -> Self {
        let (mut all, mut peak) = (Popularity::default(), Popularity::default());
        for (_, product) in body.catalogue.iter() {
            all.merge(product.popularity);
            peak.raise(product.popularity);
        }
        let popular = most_popular(&body.catalogue);
        let basket = body.until.map_or(1.0, |until| body.companions.weight_at(until, until));
        let mut pull = vec![Pull::UNKNOWN; body.catalogue.slots().len()];
        let trend = all.trend();
        for (pull, product) in pull.iter_mut().zip(body.catalogue.slots()) {
            let Some(product) = product else { continue };
            let popularity = &product.popularity;
            *pull = Pull {
                id: Some(product.id.clone()),
                lean: narrow(body.intervals.lean(product.intervals)),
                basket_norm: narrow(1.0 / sqrt(product.baskets + PSEUDO_BASKETS * basket)),
                appeal: narrow(popularity.parts_of(&peak).0 + popularity.repeat_share()),
                fading: narrow((popularity.trend() / trend).min(1.0)),
            };
        }
        let products = body.catalogue.iter();
        let products = products.filter_map(|(slot, product)| {
            let norm = pull.get(slot as usize)?.basket_norm;
            Some((slot, norm, product.popularity.parts_of(&peak)))
        });
        let novelty = Novelty::of(pull.len(), products, body.choices.weights());
        let derived = Derived { popular, all, peak, pull, novelty };
        Self { body: Arc::new(body), derived: Arc::new(derived) }
    }

    /// The same model under other limits; they hold from the next fold on.
    #[must_use]
    pub fn with_limits(&self, limits: ModelLimits) -> Self {
        if limits == self.body.limits {
            return self.clone();
        }
        Self::of_body(Body { limits, ..Body::clone(&self.body) })
    }

    /// Its number: 0 is the seed, each fold adds one.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.body.number
    }

    /// The end of the last epoch that was folded into it; none for the seed.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.body.until
    }

    /// What it may hold.
    #[must_use]
    pub fn limits(&self) -> ModelLimits {
        self.body.limits
    }

    /// The hash under which the log names the model: of all lessons that it learnt from (see [`Lessons`]); 0 for
    /// the seed.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.body.name
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

    /// What is known of the hours of all orders.
    #[must_use]
    pub fn hours(&self) -> &HourPrior {
        &self.body.hours
    }

    /// What is known of a product; none for one that was not sold before this model, or is dropped for being
    /// the least popular of too many.
    #[must_use]
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        self.body.catalogue.get(self.body.catalogue.find(id)?)
    }

    /// How many products are known.
    #[must_use]
    pub fn product_count(&self) -> usize {
        self.body.catalogue.len()
    }

    /// The most popular products, the best-selling of the last weeks first: at most [`POPULAR_MAX`].
    pub fn popular(&self) -> impl Iterator<Item = &Product> {
        self.derived.popular.iter().filter_map(|&slot| self.body.catalogue.get(slot))
    }

    /// The slots of the same.
    pub(crate) fn popular_slots(&self) -> &[u32] {
        &self.derived.popular
    }

    /// The popularity of all products together.
    #[must_use]
    pub fn popularity(&self) -> &Popularity {
        &self.derived.all
    }

    /// The largest popularity that any product has, figure by figure.
    pub(crate) fn peak(&self) -> &Popularity {
        &self.derived.peak
    }

    /// `m0`, see [`IntervalPrior::prior_mean`], for a product by its id and the customer's own sums.
    #[must_use]
    pub fn prior_mean(&self, product: &ProductId, customer: IntervalSums) -> f64 {
        let sums = self.product(product).map(Product::intervals).unwrap_or_default();
        self.body.intervals.prior_mean(sums, customer)
    }

    /// A product's slot: its number among [`Self::slots`], valid in this model only.
    pub(crate) fn slot(&self, id: &ProductId) -> Option<u32> {
        self.body.catalogue.find(id)
    }

    /// The same, for who has the id's hash at hand (see [`hash`]).
    pub(crate) fn slot_under(&self, hash: u32, id: &ProductId) -> Option<u32> {
        self.body.catalogue.find_under(hash, |slot| self.pull(slot).id.as_ref() == Some(id))
    }

    /// The slots of all products whose id has this hash.
    pub(crate) fn slots_under(&self, hash: u32) -> impl Iterator<Item = u32> {
        self.body.catalogue.under(hash)
    }

    /// The product in a slot.
    pub(crate) fn at(&self, slot: u32) -> Option<&Product> {
        self.body.catalogue.get(slot)
    }

    /// How many slots there are, with and without a product.
    pub(crate) fn slots(&self) -> usize {
        self.body.catalogue.slots().len()
    }

    /// The products bought together with the one in `slot`, and `C_ij`, both sides' baskets not yet divided
    /// out (see [`Pull::basket_norm`]).
    pub(crate) fn companions(&self, slot: u32) -> &[Neighbour] {
        self.body.companions.of(slot)
    }

    /// Looks at the companions of all `slots`, one a cache line, so that they are fetched side by side: what
    /// comes of it is of no use.
    pub(crate) fn fetch_companions(&self, slots: impl Iterator<Item = u32>) -> u32 {
        let mut seen = 0;
        for slot in slots {
            for [first, ..] in self.companions(slot).as_chunks::<NEIGHBOURS_OF_LINE>().0 {
                seen ^= first.slot;
            }
        }
        seen
    }

    /// What is sold on occasions like this one.
    pub(crate) fn sold_on(&self, occasion: Occasion) -> impl Iterator<Item = &Sold> {
        self.body.occasions.on(occasion)
    }

    /// The share of the product in `slot` in the sales of all products, by the slow popularity.
    pub(crate) fn share(&self, slot: u32) -> f64 {
        let (all, of_product) =
            (self.derived.all.long, self.at(slot).map_or(0.0, |product| product.popularity.long));
        if all > 0.0 { of_product / all } else { 0.0 }
    }

    /// What the lists need to know of the product in `slot`.
    pub(crate) fn pull(&self, slot: u32) -> &Pull {
        static UNKNOWN: Pull = Pull::UNKNOWN;
        self.derived.pull.get(slot as usize).unwrap_or(&UNKNOWN)
    }

    /// What makes products worth showing to who has never bought them.
    pub(crate) fn novelty(&self) -> &Novelty {
        &self.derived.novelty
    }

    /// What is learnt of which of them are taken.
    pub(crate) fn choices(&self) -> &Choices {
        &self.body.choices
    }

    /// What is learnt of probabilities.
    pub(crate) fn learners(&self) -> &Learners {
        &self.body.learners
    }

    /// How each learner does: what it says, days ahead, and how well.
    #[must_use]
    pub fn learner_status(&self) -> Vec<(&'static str, u8, LearnerStatus)> {
        let mut all = self.body.learners.status();
        all.push(("new_product", 0, self.body.choices.status()));
        all
    }

    /// Rows that wait for a label.
    #[must_use]
    pub fn rows_waiting(&self) -> usize {
        self.body.learners.waiting()
    }

    /// About how many bytes of memory the model takes, lists shared with other models included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let derived = self.derived.pull.len() * size_of::<Pull>() + self.derived.novelty.memory_bytes();
        size_of::<Body>()
            + derived
            + self.body.catalogue.memory_bytes()
            + self.body.companions.memory_bytes()
            + self.body.occasions.memory_bytes()
            + self.body.learners.memory_bytes()
    }
}

/// The slots of the best-selling products: by falling short popularity, then long, then by id.
fn most_popular(catalogue: &Catalogue) -> Vec<u32> {
    /// Below this a product counts as no longer sold: one sale half a year ago.
    const SOLD_MIN: f64 = 1e-4;
    let mut ranked: Vec<(u32, &Product)> =
        catalogue.iter().filter(|(_, product)| product.popularity.short > SOLD_MIN).collect();
    let order = |(_, a): &(u32, &Product), (_, b): &(u32, &Product)| {
        let (x, y) = (&a.popularity, &b.popularity);
        y.short.total_cmp(&x.short).then(y.long.total_cmp(&x.long)).then_with(|| a.id.cmp(&b.id))
    };
    if ranked.len() > POPULAR_MAX {
        ranked.select_nth_unstable_by(POPULAR_MAX, order);
        ranked.truncate(POPULAR_MAX);
    }
    ranked.sort_unstable_by(order);
    ranked.into_iter().map(|(slot, _)| slot).collect()
}
