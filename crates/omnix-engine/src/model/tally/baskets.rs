//! A bounded sample of what was bought together.
//!
//! Which baskets and which lines of long ones are kept is decided by hashes of the basket and the product,
//! never by a generator: the same lane gives the same sample. Baskets by Wegman's adaptive sampling (Flajolet,
//! Computing 34, 1990), the lines of one basket by the smallest hashes (Broder, 1997).

use omnix_model::{ProductId, Timestamp};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::model::Basket;

/// Lines of a basket that are looked at.
pub(super) const LINES_MAX: usize = 80;
/// The sum of the squares of the lengths of all baskets that are kept.
const PAIRS_MAX: usize = 65_536;
/// How often the sample may be halved.
pub(super) const LEVEL_MAX: u8 = 40;

const _: () = assert!(LINES_MAX * LINES_MAX <= PAIRS_MAX, "a basket that is allowed fits into the sample");

/// A basket, its products as places in the tally.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) struct SampledBasket {
    pub(in crate::model) key: u64,
    pub(in crate::model) at: Timestamp,
    /// Ascending, each once.
    pub(in crate::model) places: Box<[u32]>,
}

/// A bounded sample of baskets.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::model) struct BasketSample {
    /// One in 2^`level` baskets is kept.
    pub(in crate::model) level: u8,
    pub(in crate::model) baskets: Vec<SampledBasket>,
    pairs: usize,
}

impl BasketSample {
    pub(in crate::model) fn is_empty(&self) -> bool {
        self.level == 0 && self.baskets.is_empty()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.baskets.iter().map(|basket| size_of::<SampledBasket>() + size_of_val(&*basket.places)).sum()
    }

    /// Whether a basket with this key belongs to the sample as it stands.
    pub(super) fn admits(&self, key: u64) -> bool {
        let mask = (1_u64 << self.level.min(LEVEL_MAX)) - 1;
        xxh3_64(&key.to_le_bytes()) & mask == 0
    }

    /// Adds a basket that was admitted; says how many had to go.
    pub(super) fn add(&mut self, key: u64, at: Timestamp, places: Vec<u32>) -> u64 {
        if places.is_empty() {
            return 0;
        }
        self.pairs += places.len() * places.len();
        self.baskets.push(SampledBasket { key, at, places: places.into_boxed_slice() });
        let before = self.baskets.len();
        while self.pairs > PAIRS_MAX && self.level < LEVEL_MAX {
            self.halve();
        }
        (before - self.baskets.len()) as u64
    }

    /// The sample as it was written.
    pub(super) fn restore(level: u8, baskets: Vec<SampledBasket>) -> Self {
        let pairs = baskets.iter().map(|basket| basket.places.len() * basket.places.len()).sum();
        Self { level, baskets, pairs }
    }

    fn halve(&mut self) {
        self.level += 1;
        let mut baskets = std::mem::take(&mut self.baskets);
        baskets.retain(|basket| self.admits(basket.key));
        *self = Self::restore(self.level, baskets);
    }
}

/// The products of a basket; of more than 80 those 80 with the smallest hash of basket and product.
pub(super) fn sample(basket: &Basket) -> impl Iterator<Item = &ProductId> {
    let mut order: Vec<(u64, &ProductId)> = Vec::new();
    let is_long = basket.products.len() > LINES_MAX;
    if is_long {
        order.extend(basket.products.iter().map(|id| (line_hash(basket.key, id), id)));
        order.sort_unstable();
        order.dedup();
        order.truncate(LINES_MAX);
    }
    let short = basket.products.iter().take(if is_long { 0 } else { LINES_MAX });
    short.chain(order.into_iter().map(|(_, id)| id))
}

fn line_hash(key: u64, id: &ProductId) -> u64 {
    xxh3_64_with_seed(id.as_str().as_bytes(), key)
}
