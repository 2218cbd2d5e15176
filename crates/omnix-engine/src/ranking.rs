//! The two lists of products for one customer: what to buy again and what is new.
//!
//! Two lists and not one, because what a customer owns leaves no room for anything new among the first ten. A
//! pure function of the customer's own products, the model and the moment: fixed weights that hold in any
//! shop, which a learnt ranker may replace.
//!
//! Deliberately not here: how the customer's products are stored, and whether a change of the lists is worth
//! telling.

mod scratch;

use omnix_model::{ProductId, Timestamp};
use smol_str::SmolStr;

use crate::math::{days_between, exp, sqrt};
use crate::model::Pull;
use crate::view::{Recommendations, Recommended};
use crate::{IntervalSums, Model, Product};
use scratch::Scratch;

/// What a customer's state knows of one product they bought, as far as the lists depend on it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnItem {
    /// The product.
    pub product_id: ProductId,
    /// Baskets of the customer that held it.
    pub baskets: u32,
    /// The number of the customer's baskets from the first that held it on, that one included.
    pub baskets_since_first: u32,
    /// The number of the customer's baskets after the last that held it.
    pub baskets_since_last: u32,
    /// The time of the latest of them.
    pub last_at: Timestamp,
    /// Its intervals: how many, and the sum of ln(days).
    pub intervals: IntervalSums,
}

/// For whom, when and with what in hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankQuery<'a> {
    /// The customer's own products, each once; none for a stranger.
    pub own: &'a [OwnItem],
    /// The customer's re-purchase intervals over all products.
    pub intervals: IntervalSums,
    /// What is in the basket already: not recommended, and company for others.
    pub basket: &'a [ProductId],
    /// How many of each list.
    pub limit: usize,
    /// When.
    pub now: Timestamp,
}

/// What a basket leaves of a product's weight that it does not hold: the logarithm of 0.9.
const LN_BASKET_DECAY: f64 = -0.105_360_515_657_826_3;
/// Own products whose companions are looked at: those with the largest weight.
const TASTE_MAX: usize = 64;
/// The weight of a product in the basket, where an own product weighs 1 when it was bought in the last basket
/// and never before.
const COMPANY_WEIGHT: f64 = 3.0;
/// Days within which a product is due when its interval is likely to end in them.
const DUE_DAYS: f64 = 14.0;
/// Probability from which on that is the reason.
const DUE_MIN: f64 = 0.5;

/// The two lists, best first; both empty as long as nothing is popular.
///
/// `again`: own products by how often they were bought, how well they go with the others and how popular they
/// are (0.5, 0.25 and 0.25, each as a part of the largest) plus 0.25 of their repeat share, times 0.5 + the
/// probability that the interval in hand ends within 14 days, times a fading factor below 1 for what the shop
/// sells less and less of. Most own products were bought equally often, once or twice: how such ties are
/// broken matters more than how recent a purchase is.
///
/// `new`: the companions of own products and of the basket, by cosine times the trend of their popularity,
/// `cf_j (s_j + 0.001)/(l_j + 0.001)` with `s` and `l` the fast and the slow popularity as parts of the largest;
/// then what is popular. A stranger gets what is popular.
#[must_use]
pub fn rank(model: &Model, query: &RankQuery<'_>) -> Recommendations {
    if query.limit == 0 || model.popular().next().is_none() {
        return Recommendations::default();
    }
    let mut taste = Taste::of(model, query);
    let again = again(model, query, &taste);
    taste.leave_held();
    let new = new(model, query, &mut taste);
    Recommendations { again, new }
}

/// How well each product of the model goes with a customer's own and the basket.
struct Taste {
    /// `cf_j = (n_j + 5)^-0.5 sum_i s_i (n_i + 5)^-0.5 C_ij`, by slot, without the first factor.
    company: Scratch,
    /// Slots that the customer or the basket holds, ascending.
    held: Vec<u32>,
    /// The slot of each own product.
    own_slots: Vec<Option<u32>>,
}

impl Taste {
    fn of(model: &Model, query: &RankQuery<'_>) -> Self {
        let own_slots: Vec<Option<u32>> = query.own.iter().map(|item| model.slot(&item.product_id)).collect();
        let own = query.own.iter().zip(&own_slots).filter_map(|(item, slot)| Some(((*slot)?, weight(item))));
        let mut liked: Vec<(u32, f64)> = Vec::with_capacity(query.own.len() + query.basket.len());
        liked.extend(own);
        let mut held: Vec<u32> = liked.iter().map(|&(slot, _)| slot).collect();
        if liked.len() > TASTE_MAX {
            liked.select_nth_unstable_by(TASTE_MAX, |(i, a), (j, b)| b.total_cmp(a).then(i.cmp(j)));
            liked.truncate(TASTE_MAX);
        }
        let in_basket: Vec<u32> = query.basket.iter().filter_map(|id| model.slot(id)).collect();
        liked.extend(in_basket.iter().take(TASTE_MAX).map(|&slot| (slot, COMPANY_WEIGHT)));
        held.extend(in_basket);
        held.sort_unstable();
        // Sums are rounded alike whatever the order in which the customer's products are held.
        liked.sort_unstable_by(|(i, a), (j, b)| i.cmp(j).then(a.total_cmp(b)));
        let length = sqrt(liked.iter().map(|(_, weight)| weight * weight).sum());
        let mut company = Scratch::zeroed(model.slots());
        for (slot, weight) in liked {
            company.add(model, slot, weight / length * model.pull(slot).basket_norm);
        }
        Self { company, held, own_slots }
    }

    /// The cosine of a product with what the customer likes.
    fn cosine(&self, model: &Model, slot: u32) -> f64 {
        self.company.at(slot) * model.pull(slot).basket_norm
    }

    /// Takes what is held out of company: nothing of it is new.
    fn leave_held(&mut self) {
        self.company.clear(&self.held);
    }

    fn holds(&self, slot: u32) -> bool {
        self.held.binary_search(&slot).is_ok()
    }
}

/// How often a product was bought, a basket without it leaving 0.9: exact when its baskets lie evenly.
fn weight(item: &OwnItem) -> f64 {
    let count = f64::from(item.baskets.max(1));
    let last = f64::from(item.baskets_since_last);
    let span = f64::from(item.baskets_since_first.max(1)) - 1.0 - last;
    let since_last = exp(LN_BASKET_DECAY * last);
    if count < 2.0 || span <= 0.0 {
        return since_last;
    }
    let ln_gap = LN_BASKET_DECAY * span / (count - 1.0);
    since_last * (1.0 - exp(ln_gap * count)) / (1.0 - exp(ln_gap))
}

/// A product with its score.
struct Scored<'a> {
    score: f64,
    product_id: &'a ProductId,
    product: Option<&'a Product>,
    reason: &'static str,
}

/// The `limit` best, best first, ties by id.
fn best(mut scored: Vec<Scored<'_>>, limit: usize) -> Vec<Recommended> {
    let order = |a: &Scored<'_>, b: &Scored<'_>| {
        b.score.total_cmp(&a.score).then_with(|| a.product_id.cmp(b.product_id))
    };
    if scored.len() > limit {
        scored.select_nth_unstable_by(limit, order);
        scored.truncate(limit);
    }
    scored.sort_unstable_by(order);
    scored.iter().map(recommended).collect()
}

fn recommended(scored: &Scored<'_>) -> Recommended {
    let name = scored.product.map(|product| product.name().clone());
    Recommended {
        product_id: scored.product_id.clone(),
        product_name: name.unwrap_or_else(|| SmolStr::new(scored.product_id.as_str())),
        score: scored.score,
        reason: scored.reason,
    }
}

/// An own product on its way into the list.
struct Liked<'a> {
    item: &'a OwnItem,
    slot: Option<u32>,
    /// Its score but for the factor 0.5 + the probability that it is due.
    liking: f64,
}

/// The customer's own products. Whether one is due is only worked out while that can still bring it into the
/// list: at most 1.5 times its liking.
fn again(model: &Model, query: &RankQuery<'_>, taste: &Taste) -> Vec<Recommended> {
    let mut liked = liked(model, query, taste);
    liked.sort_unstable_by(|a, b| {
        b.liking.total_cmp(&a.liking).then_with(|| a.item.product_id.cmp(&b.item.product_id))
    });
    let mut scored: Vec<Scored<'_>> = Vec::with_capacity(liked.len().min(2 * query.limit));
    let mut scores: Vec<f64> = Vec::with_capacity(query.limit + 1);
    for Liked { item, slot, liking } in liked {
        if scores.len() >= query.limit && scores.last().is_some_and(|least| 1.5 * liking < *least) {
            break;
        }
        let product = slot.and_then(|slot| model.at(slot));
        let due = due(model, query, item, product);
        let score = liking * (0.5 + due);
        let at = scores.partition_point(|other| *other >= score);
        scores.insert(at, score);
        scores.truncate(query.limit);
        let reason = if due >= DUE_MIN { "due" } else { "frequent" };
        scored.push(Scored { score, product_id: &item.product_id, product, reason });
    }
    best(scored, query.limit)
}

/// How much the customer likes each of their products, whether due or not.
fn liked<'a>(model: &Model, query: &RankQuery<'a>, taste: &Taste) -> Vec<Liked<'a>> {
    let mut basket: Vec<&ProductId> = query.basket.iter().collect();
    basket.sort_unstable();
    let own = query.own.iter().zip(&taste.own_slots);
    let mut known: Vec<Liked<'a>> = Vec::with_capacity(query.own.len());
    known.extend(own.filter(|(item, _)| basket.binary_search(&&item.product_id).is_err()).map(
        |(item, &slot)| Liked { item, slot, liking: slot.map_or(0.0, |slot| taste.cosine(model, slot)) },
    ));
    let most = known.iter().map(|known| f64::from(known.item.baskets)).fold(1.0, f64::max);
    let company_most = known.iter().map(|known| known.liking).fold(1e-12, f64::max);
    for Liked { item, slot, liking } in &mut known {
        let pull = slot.map_or(Pull::UNKNOWN, |slot| model.pull(slot));
        let often = f64::from(item.baskets) / most;
        *liking = (0.5 * often + 0.25 * (*liking / company_most + pull.appeal)) * pull.fading;
    }
    known
}

/// The probability that a product is bought again within 14 days.
fn due(model: &Model, query: &RankQuery<'_>, item: &OwnItem, product: Option<&Product>) -> f64 {
    let prior = model.intervals();
    let of_product = product.map(Product::intervals).unwrap_or_default();
    let mean = prior.prior_mean(of_product, query.intervals);
    prior.posterior(mean, item.intervals).ends_within(days_between(item.last_at, query.now), DUE_DAYS)
}

/// Products that the customer does not hold.
fn new(model: &Model, query: &RankQuery<'_>, taste: &mut Taste) -> Vec<Recommended> {
    let peak = model.peak();
    let id = |slot: u32| model.at(slot).map(Product::id);
    // The best so far, best first: there are thousands of companions and few places.
    let mut first: Vec<(f64, u32)> = Vec::with_capacity(query.limit.min(model.slots()) + 1);
    taste.company.drain(model.attraction(), |score, slot| {
        let stands_before = |&(other, held): &(f64, u32)| {
            score.total_cmp(&other).then_with(|| id(held).cmp(&id(slot))).is_lt()
        };
        first.insert(first.partition_point(stands_before), (score, slot));
        first.truncate(query.limit);
        first.get(query.limit - 1).map(|&(least, _)| least)
    });
    let companions = first.into_iter().filter_map(|(score, slot)| {
        let product = model.at(slot)?;
        Some(Scored { score, product_id: product.id(), product: Some(product), reason: "bought_together" })
    });
    let mut list = best(companions.collect(), query.limit);
    // What is popular stands behind every companion, whatever their scores.
    let floor = list.last().map_or(1.0, |last| last.score);
    for product in model.popular() {
        if list.len() >= query.limit {
            break;
        }
        let is_held = model.slot(product.id()).is_some_and(|slot| taste.holds(slot));
        if is_held || list.iter().any(|listed| listed.product_id == *product.id()) {
            continue;
        }
        let score = floor * product.popularity().short / (2.0 * peak.short);
        let product_id = product.id();
        list.push(recommended(&Scored { score, product_id, product: Some(product), reason: "popular" }));
    }
    list
}

#[cfg(test)]
mod tests;
