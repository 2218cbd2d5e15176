//! What one lane observed in one epoch.
//!
//! Sufficient statistics and a bounded sample of baskets; absorbing is on the path of every event, so it
//! allocates only for products and baskets seen first. Bounds: 8,192 products, and baskets as long as the
//! squares of their lengths sum to 65,536; beyond that every second basket by hash is let go, then every
//! second of the rest; and 1,024 rows of each kind for the learners. What is left out is counted.
//!
//! Deliberately not here: what the figures mean (`learn`).

mod baskets;
mod format;
mod hours;
mod orders;
mod rows;

use omnix_model::{ProductId, Timestamp};
use smallvec::SmallVec;
use smol_str::SmolStr;

pub(super) use baskets::{BasketSample, SampledBasket};
pub(super) use hours::HourSums;
#[cfg(test)]
pub(super) use orders::Sum;
pub(super) use orders::{FIGURE_MAX, LevelSums, OrderSums, ScoreCounts};
pub(super) use rows::RowSample;

use crate::math::{days_between, decay, exp2};
use crate::model::index::{Index, hash};
use crate::model::product::{LONG_HALF_LIFE_DAYS, SHORT_HALF_LIFE_DAYS};
use crate::model::{
    Basket, Buyer, ChoiceSums, Interval, IntervalSums, LineSums, Observation, Popularity, Sale,
};
use crate::occasion::Circumstance;

/// Products that a tally holds at the most; what is seen of others goes into the sums over all products.
pub const TALLY_PRODUCTS_MAX: usize = 8_192;

/// Products for which a tally takes room at least.
const PRODUCTS_ROOM_MIN: usize = 8;

/// Circumstances of occasions that are counted of a product.
pub(super) const CIRCUMSTANCES_MAX: usize = 16;

/// How far sales may lie after the instant to which their weights refer before these are scaled anew, in
/// days: keeps weights far from what a float cannot hold.
const REBASE_DAYS: f64 = 400.0;

/// What one lane observed in one epoch: sufficient statistics and bounded samples, never gradients.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// The instant to which decaying weights refer: a sale then counts 1, a later one more.
    pub(super) base: Option<Timestamp>,
    pub(super) products: Vec<ProductTally>,
    index: Index,
    pub(super) intervals: IntervalTally,
    pub(super) orders: OrderSums,
    pub(super) hours: HourSums,
    pub(super) baskets: BasketSample,
    pub(super) choices: ChoiceSums,
    pub(super) rows: RowSample,
    left_out: u64,
}

/// What was observed of one product.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProductTally {
    pub(super) id: ProductId,
    /// Name and category as last seen, and when; none when only a basket or an interval spoke of it.
    pub(super) label: Option<Label>,
    pub(super) intervals: IntervalSums,
    pub(super) popularity: Popularity,
    pub(super) lines: LineSums,
    /// Sales by circumstance, that seen first first; of those beyond 16 nothing is counted.
    pub(super) circumstances: Circumstances,
}

/// Sales by circumstance: of most products and epochs a part of the day, a device and a place.
pub(super) type Circumstances = SmallVec<[(Circumstance, u32); 3]>;

/// How a product was last called.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Label {
    pub(super) name: SmolStr,
    pub(super) category: SmolStr,
    pub(super) at: Timestamp,
}

/// What was observed of intervals over all products.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct IntervalTally {
    pub(super) all: IntervalSums,
    pub(super) within_count: f64,
    pub(super) within_sum: f64,
    pub(super) exposure_days: f64,
}

impl IntervalTally {
    pub(super) fn merge(&mut self, other: &Self) {
        self.all.merge(other.all);
        self.within_count += other.within_count;
        self.within_sum += other.within_sum;
        self.exposure_days += other.exposure_days;
    }
}

impl Tally {
    /// Adds what a record taught.
    pub fn absorb(&mut self, observations: &[Observation]) {
        for observation in observations {
            match observation {
                Observation::Sale(sale) => self.absorb_sale(sale),
                Observation::Interval(interval) => self.absorb_interval(interval),
                Observation::Basket(basket) => self.absorb_basket(basket),
                Observation::Order(order) => self.left_out += self.orders.absorb(*order),
                Observation::Choice(choice) => self.absorb_choice(choice),
                Observation::Learner(input) => self.left_out += self.rows.absorb(input),
                Observation::Hour(order) => self.left_out += self.hours.absorb(*order),
            }
        }
    }

    /// Whether nothing was observed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
            && self.left_out == 0
            && self.intervals == IntervalTally::default()
            && self.orders.is_empty()
            && self.hours.is_empty()
            && self.baskets.is_empty()
            && self.choices.is_empty()
            && self.rows.is_empty()
    }

    /// How many figures were left out: not finite, of more products than are held, or of baskets that were
    /// sampled away.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// About how many bytes of memory the tally takes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.products.len() * (size_of::<ProductTally>() + 100)
            + self.baskets.memory_bytes()
            + self.rows.memory_bytes()
    }

    fn absorb_sale(&mut self, sale: &Sale) {
        let (long, short) = self.weights(sale.at);
        let Some(product) = self.product(&sale.product_id) else { return };
        sale.occasion.circumstances().for_each(|circumstance| product.count(circumstance));
        let popularity = &mut product.popularity;
        popularity.long += long;
        popularity.short += short;
        popularity.sales += 1.0;
        if let Some(ln_amount) =
            sale.ln_amount.map(f64::from).filter(|ln_amount| ln_amount.abs() <= FIGURE_MAX)
        {
            product.lines.add(ln_amount);
        }
        let popularity = &mut product.popularity;
        match sale.buyer {
            Buyer::Anonymous => {}
            Buyer::First => popularity.known_sales += 1.0,
            Buyer::Again => {
                popularity.known_sales += 1.0;
                popularity.repeats += 1.0;
            }
        }
        match &mut product.label {
            Some(label) if label.at > sale.at => {}
            Some(label) if label.name == sale.product_name && label.category == sale.product_category => {
                label.at = sale.at;
            }
            label => {
                *label = Some(Label {
                    name: sale.product_name.clone(),
                    category: sale.product_category.clone(),
                    at: sale.at,
                });
            }
        }
    }

    fn absorb_interval(&mut self, interval: &Interval) {
        if !(0.0..=FIGURE_MAX).contains(&interval.days) {
            self.left_out += 1;
            return;
        }
        let mut sums = IntervalSums::default();
        sums.add(interval.days);
        self.intervals.all.merge(sums);
        self.intervals.exposure_days += interval.days.max(1.0);
        match interval.within {
            Some(within) if (0.0..=FIGURE_MAX).contains(&within) => {
                self.intervals.within_count += 1.0;
                self.intervals.within_sum += within;
            }
            Some(_) => self.left_out += 1,
            None => {}
        }
        if let Some(product) = self.product(&interval.product_id) {
            product.intervals.merge(sums);
        }
    }

    fn absorb_basket(&mut self, basket: &Basket) {
        if !self.baskets.admits(basket.key) {
            self.left_out += 1;
            return;
        }
        let mut places: Vec<u32> = baskets::sample(basket).filter_map(|id| self.place(id)).collect();
        places.sort_unstable();
        places.dedup();
        self.left_out += self.baskets.add(basket.key, basket.at, places);
    }

    fn absorb_choice(&mut self, choice: &ChoiceSums) {
        let mut sums = self.choices;
        sums.merge(choice);
        if sums.is_sane() {
            self.choices = sums;
        } else {
            self.left_out += 1;
        }
    }

    /// The weights of a sale at `at`: 2^((at - base)/half-life), for the slow and the fast popularity.
    fn weights(&mut self, at: Timestamp) -> (f64, f64) {
        let base = *self.base.get_or_insert(at);
        let days = days_between(base, at);
        if days > REBASE_DAYS {
            self.rebase(at, days);
            return (1.0, 1.0);
        }
        (exp2(days / LONG_HALF_LIFE_DAYS), exp2(days / SHORT_HALF_LIFE_DAYS))
    }

    /// Lets weights refer to `base`, which lies `days` after what they referred to.
    fn rebase(&mut self, base: Timestamp, days: f64) {
        let (long, short) = (decay(days, LONG_HALF_LIFE_DAYS), decay(days, SHORT_HALF_LIFE_DAYS));
        for product in &mut self.products {
            product.popularity.decay(long, short);
        }
        self.base = Some(base);
    }

    fn product(&mut self, id: &ProductId) -> Option<&mut ProductTally> {
        let place = self.place(id)?;
        self.products.get_mut(place as usize)
    }

    /// The place of a product, which it is given when it has none and there is room.
    fn place(&mut self, id: &ProductId) -> Option<u32> {
        let hash = hash(id);
        let products = &self.products;
        let is_it = |place: u32| products.get(place as usize).is_some_and(|product| product.id == *id);
        if let Some(place) = self.index.find(hash, is_it) {
            return Some(place);
        }
        let place = u32::try_from(products.len()).ok().filter(|_| products.len() < TALLY_PRODUCTS_MAX);
        let Some(place) = place else {
            self.left_out += 1;
            return None;
        };
        self.index.insert(hash, place);
        // There is a tally a lane: twice the room that is needed would be megabytes.
        if products.len() == products.capacity() {
            self.products.reserve_exact((self.products.len() / 4).max(PRODUCTS_ROOM_MIN));
        }
        self.products.push(ProductTally {
            id: id.clone(),
            label: None,
            intervals: IntervalSums::default(),
            popularity: Popularity::default(),
            lines: LineSums::default(),
            circumstances: Circumstances::new(),
        });
        Some(place)
    }
}

impl ProductTally {
    /// Counts a sale on an occasion with this circumstance.
    fn count(&mut self, circumstance: Circumstance) {
        if let Some((_, sales)) = self.circumstances.iter_mut().find(|(held, _)| *held == circumstance) {
            *sales = sales.saturating_add(1);
        } else if self.circumstances.len() < CIRCUMSTANCES_MAX {
            self.circumstances.push((circumstance, 1));
        }
    }
}

#[cfg(test)]
mod tests;
