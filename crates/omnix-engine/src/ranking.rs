//! The two lists of products for one customer: what to buy again and what is new.
//!
//! Two lists and not one, because what a customer owns leaves no room for anything new among the first ten. A
//! pure function of the customer's own products, the model and the moment. What is bought again is ranked by fixed
//! weights that hold in any shop; what is new by weights that each shop's orders teach: there shops differ.
//!
//! Deliberately not here: how the customer's products are stored, and whether a change of the lists is worth
//! telling.

mod change;
mod choosing;
mod newcomers;
mod occasion;
mod scratch;

use std::cmp::Ordering;
use std::sync::LazyLock;

use omnix_model::{ProductId, Timestamp};
use smol_str::SmolStr;

use crate::math::{days_between, exp, narrow, sqrt};
use crate::model::Pull;
use crate::view::{Recommendations, Recommended};
use crate::{IntervalSums, LogNormal, Model, Product};
pub(crate) use change::NEWS_MIN;
pub(crate) use choosing::{before, choice};
use newcomers::Newcomers;
pub(crate) use occasion::rank_on;
use scratch::Scratch;

/// What a customer's state knows of one product they bought, as far as the lists depend on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OwnItem<'a> {
    /// The product.
    pub product_id: &'a ProductId,
    /// The hash under which a model finds it.
    pub hash: u32,
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
pub(crate) struct RankQuery<'a> {
    /// The customer's own products, each once; none for a stranger.
    pub own: &'a [OwnItem<'a>],
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
/// Baskets up to which what they leave is looked up.
const DECAYS: usize = 128;
/// Own products whose companions are looked at: those with the largest weight.
const TASTE_MAX: usize = 64;
/// The weight of a product in the basket, where an own product weighs 1 when it was bought in the last basket
/// and never before.
const COMPANY_WEIGHT: f64 = 3.0;
/// Days within which a product is due when its interval is likely to end in them.
const DUE_DAYS: f64 = 14.0;
/// Probability from which on that is the reason.
const DUE_MIN: f64 = 0.5;

/// The two lists, best first; both empty as long as the model knows no product.
///
/// `again`: own products by how often they were bought, how well they go with the others and how popular they
/// are (0.5, 0.25 and 0.25, each as a part of the largest) plus 0.25 of their repeat share, times 0.5 + the
/// probability that the interval in hand ends within 14 days, times a fading factor below 1 for what the shop
/// sells less and less of. Most own products were bought equally often, once or twice: how such ties are
/// broken matters more than how recent a purchase is.
///
/// `new`: all others, by how well they go with own products and the basket, and by their sales; what each of these
/// counts is learnt from what customers take (`choosing`).
pub(crate) fn rank(model: &Model, query: &RankQuery<'_>) -> Recommendations {
    Ranking::of(model, query).map_or_else(Recommendations::default, |mut ranking| Recommendations {
        again: ranking.list_again(),
        new: ranking.list_new(&[]),
    })
}

/// The two lists of [`rank`], each worked out when it is asked for.
pub(crate) struct Ranking<'a> {
    model: &'a Model,
    query: &'a RankQuery<'a>,
    taste: Taste<'a>,
}

impl<'a> Ranking<'a> {
    /// Nothing as long as the model knows no product.
    pub(crate) fn of(model: &'a Model, query: &'a RankQuery<'a>) -> Option<Self> {
        if query.limit == 0 || model.product_count() == 0 {
            return None;
        }
        Some(Self { model, query, taste: Taste::of(model, query) })
    }

    /// What to buy again. To be asked before [`Self::list_new`], which uses up what is known of own products.
    pub(crate) fn list_again(&self) -> Vec<Recommended> {
        self.again()
    }

    /// What is new, best first; behind it those products `beside` that are not among it, in no order.
    pub(crate) fn list_new(&mut self, beside: &[u32]) -> Vec<Recommended> {
        let newcomers = Newcomers::of(self.model, &mut self.taste);
        let mut listed = newcomers.best(self.query.limit);
        for &slot in beside {
            if !listed.iter().any(|newcomer| newcomer.slot == slot) {
                listed.extend(newcomers.at(slot));
            }
        }
        let listed = listed.into_iter().filter_map(|newcomer| {
            let product = self.model.at(newcomer.slot)?;
            let is_company = newcomers.company(&newcomer) >= self.model.novelty().floor();
            let reason = if is_company { "bought_together" } else { "popular" };
            Some(recommended(newcomer.score.into(), product.id(), Some(product), reason))
        });
        listed.collect()
    }
}

/// How well each product of the model goes with a customer's own and the basket.
struct Taste<'m> {
    /// `cf_j = (n_j + 5)^-0.5 sum_i s_i (n_i + 5)^-0.5 C_ij`, by slot, without the first factor.
    company: Scratch,
    /// What the model knows of each own product.
    own: Vec<Known<'m>>,
    /// Slots that the customer or the basket holds.
    held: Vec<u32>,
}

/// What the model knows of a product: its slot, and what lies there.
#[derive(Debug, Clone, Copy)]
struct Known<'m> {
    slot: Option<u32>,
    pull: &'m Pull,
}

impl<'m> Taste<'m> {
    fn of(model: &'m Model, query: &RankQuery<'_>) -> Self {
        let known = |item: &OwnItem<'_>| {
            let slot = model.slot_under(item.hash, item.product_id);
            Known { slot, pull: model.pull(slot.unwrap_or(u32::MAX)) }
        };
        let mut own = Vec::with_capacity(query.own.len());
        own.extend(query.own.iter().map(known));
        let mut liked: Vec<(u32, f64)> = Vec::with_capacity(query.own.len() + query.basket.len());
        for (item, known) in query.own.iter().zip(&own) {
            liked.extend(known.slot.map(|slot| (slot, weight(item))));
        }
        let mut held: Vec<u32> = liked.iter().map(|&(slot, _)| slot).collect();
        if liked.len() > TASTE_MAX {
            liked.select_nth_unstable_by_key(TASTE_MAX, |&(slot, weight)| {
                in_one(!weight.to_bits(), slot.into())
            });
            liked.truncate(TASTE_MAX);
        }
        let in_basket: Vec<u32> = query.basket.iter().filter_map(|id| model.slot(id)).collect();
        liked.extend(in_basket.iter().take(TASTE_MAX).map(|&slot| (slot, COMPANY_WEIGHT)));
        held.extend(in_basket);
        // Sums are rounded alike whatever the order in which the customer's products are held.
        liked.sort_unstable_by_key(|&(slot, weight)| in_one(slot.into(), weight.to_bits()));
        let length = sqrt(liked.iter().map(|(_, weight)| weight * weight).sum());
        // Most of the time goes into waiting for lists that lie all over the memory: all are asked for at once.
        std::hint::black_box(model.fetch_companions(liked.iter().map(|&(slot, _)| slot)));
        let mut company = Scratch::zeroed(model.slots());
        for (slot, weight) in liked {
            company.add(model, slot, narrow(weight / length) * model.pull(slot).basket_norm);
        }
        Self { company, own, held }
    }
}

/// Two numbers that are compared one after the other, as one: without a branch, where many are sorted. Floats that
/// are not negative stand in the order of their bits.
fn in_one(first: u64, then: u64) -> u128 {
    u128::from(first) << 64 | u128::from(then)
}

/// How often a product was bought, a basket without it leaving 0.9: exact when its baskets lie evenly.
fn weight(item: &OwnItem<'_>) -> f64 {
    let span = item.baskets_since_first.saturating_sub(1).saturating_sub(item.baskets_since_last);
    let since_last = left_after(item.baskets_since_last);
    if item.baskets < 2 || span == 0 {
        return since_last;
    }
    let (all, one) = evenly(item.baskets, span);
    since_last * all / one
}

/// Of `count` even baskets with a product, the last of them `span` baskets after the first: by how much the weight
/// that is left falls over all of them, and from one to the next. The first over the second is their weight at the
/// last of them.
fn evenly(count: u32, span: u32) -> (f64, f64) {
    /// Counts from 2 on, and spans, up to which it is looked up.
    const COUNTS: usize = 6;
    const SPANS: usize = 128;
    static KNOWN: LazyLock<[[(f64, f64); SPANS]; COUNTS]> = LazyLock::new(|| {
        std::array::from_fn(|count| std::array::from_fn(|span| work_out(count as f64 + 2.0, span as f64)))
    });
    fn work_out(count: f64, span: f64) -> (f64, f64) {
        let ln_gap = LN_BASKET_DECAY * span / (count - 1.0);
        (1.0 - exp(ln_gap * count), 1.0 - exp(ln_gap))
    }
    let known = KNOWN.get(count.saturating_sub(2) as usize).and_then(|spans| spans.get(span as usize));
    known.copied().unwrap_or_else(|| work_out(count.into(), span.into()))
}

/// What so many baskets leave of a product's weight.
fn left_after(baskets: u32) -> f64 {
    static LEFT: LazyLock<[f64; DECAYS]> =
        LazyLock::new(|| std::array::from_fn(|baskets| work_out(baskets as f64)));
    fn work_out(baskets: f64) -> f64 {
        exp(LN_BASKET_DECAY * baskets)
    }
    LEFT.get(baskets as usize).copied().unwrap_or_else(|| work_out(baskets.into()))
}

fn recommended(
    score: f64,
    product_id: &ProductId,
    product: Option<&Product>,
    reason: &'static str,
) -> Recommended {
    let name = product.map(|product| product.name().clone());
    Recommended {
        product_id: product_id.clone(),
        product_name: name.unwrap_or_else(|| SmolStr::new(product_id.as_str())),
        score,
        reason,
    }
}

/// An own product with its score.
struct Scored<'a> {
    score: f64,
    product_id: &'a ProductId,
    slot: Option<u32>,
    is_due: bool,
}

impl Scored<'_> {
    /// Who stands first: the better one, of two that are as good by id.
    fn rank(&self, other: &Scored<'_>) -> Ordering {
        other.score.total_cmp(&self.score).then_with(|| self.product_id.cmp(other.product_id))
    }
}

/// The best so far, best first: there are many products and few places.
struct Best<'a> {
    list: Vec<Scored<'a>>,
    limit: usize,
}

impl<'a> Best<'a> {
    fn new(limit: usize, products: usize) -> Self {
        Self { list: Vec::with_capacity(limit.min(products) + 1), limit }
    }

    fn offer(&mut self, scored: Scored<'a>) {
        let place = self.list.partition_point(|other| other.rank(&scored).is_lt());
        self.list.insert(place, scored);
        self.list.truncate(self.limit);
    }

    /// The score below which nothing has a place any more.
    fn least(&self) -> Option<f64> {
        self.list.get(self.limit - 1).map(|last| last.score)
    }

    fn recommended(&self, model: &Model) -> Vec<Recommended> {
        let product = |own: &Scored<'_>| own.slot.and_then(|slot| model.at(slot));
        let reason = |own: &Scored<'_>| if own.is_due { "due" } else { "frequent" };
        let list = self.list.iter();
        list.map(|own| recommended(own.score, own.product_id, product(own), reason(own))).collect()
    }
}

/// An own product on its way into the list.
struct Liked<'a> {
    item: &'a OwnItem<'a>,
    known: Known<'a>,
    /// Its score but for the factor 0.5 + the probability that it is due.
    liking: f64,
}

impl<'a> Ranking<'a> {
    /// The customer's own products, those liked most first.
    fn again(&self) -> Vec<Recommended> {
        let limit = self.query.limit;
        let mut liked = liked(self.query, &self.taste);
        if liked.len() > limit {
            liked.select_nth_unstable_by(limit, |a, b| b.liking.total_cmp(&a.liking));
        }
        let mut best = Best::new(limit, liked.len());
        for liked in &liked {
            if let Some(scored) = self.scored(liked, best.least()) {
                best.offer(scored);
            }
        }
        best.recommended(self.model)
    }

    /// Its score, unless that lies below `least`. Whether it is due is only worked out while that can still bring it
    /// there: at most 1.5 times its liking.
    fn scored(&self, liked: &Liked<'a>, least: Option<f64>) -> Option<Scored<'a>> {
        let &Liked { item, known, liking } = liked;
        let is_out = |due: f64| least.is_some_and(|least| liking * (0.5 + due) < least);
        if is_out(1.0) {
            return None;
        }
        let interval = interval(self.model, self.query, item, known.pull);
        let elapsed = days_between(item.last_at, self.query.now).max(0.0);
        let outlast = interval.survival(elapsed + DUE_DAYS);
        if is_out(1.0 - outlast) {
            return None;
        }
        let due = interval.ends_before(elapsed, outlast);
        let (score, is_due) = (liking * (0.5 + due), due >= DUE_MIN);
        Some(Scored { score, product_id: item.product_id, slot: known.slot, is_due })
    }
}

/// How much the customer likes each of their products, whether due or not.
fn liked<'a>(query: &RankQuery<'a>, taste: &Taste<'a>) -> Vec<Liked<'a>> {
    let mut basket: Vec<&ProductId> = query.basket.iter().collect();
    basket.sort_unstable();
    let mut liked: Vec<Liked<'a>> = Vec::with_capacity(query.own.len());
    let (mut most, mut company_most) = (1.0_f64, 1e-12_f64);
    for (item, &known) in query.own.iter().zip(&taste.own) {
        if basket.binary_search(&item.product_id).is_ok() {
            continue;
        }
        let company = known.slot.map_or(0.0, |slot| taste.company.at(slot) * known.pull.basket_norm);
        let company = f64::from(company);
        most = most.max(item.baskets.into());
        company_most = company_most.max(company);
        liked.push(Liked { item, known, liking: company });
    }
    for Liked { item, known, liking } in &mut liked {
        let often = f64::from(item.baskets) / most;
        *liking = (0.5 * often + 0.25 * (*liking / company_most + f64::from(known.pull.appeal)))
            * f64::from(known.pull.fading);
    }
    liked
}

/// When a product is bought again.
fn interval(model: &Model, query: &RankQuery<'_>, item: &OwnItem<'_>, pull: &Pull) -> LogNormal {
    let prior = model.intervals();
    prior.posterior(prior.prior_mean_at(pull.lean.into(), query.intervals), item.intervals)
}

#[cfg(test)]
mod tests;
