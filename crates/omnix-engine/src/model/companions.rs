//! What is bought together: for each product the products it shares baskets with.
//!
//! Item-to-item cosine as in Linden, Smith and York (IEEE Internet Computing 7, 2003); forward decay as in
//! Cormode et al. (ICDE 2009). Decay runs forward: a basket at `t` counts `g = 2^(t/90 d)` and nothing that
//! stands is touched, so that lists which an epoch did not touch are shared with the model before. Of each
//! list the fold keeps those with the largest cosine; the criterion decides (by raw count, or when a new pair
//! inherits the smallest count, half of what new products can be found by is lost), 64 are as good as all.

mod merge;

use std::sync::Arc;

use omnix_model::{DecodeError, Reader, Timestamp, Writer};

use crate::math::{days_between, exp2, narrow};
use crate::model::catalogue::Catalogue;

use merge::{Merge, Strongest};

/// Half-life of a basket, in days.
pub(super) const HALF_LIFE_DAYS: f64 = 90.0;
/// Half-lives after which forward weights are scaled anew; a power of two, so that this rounds nothing.
const RESCALE_HALF_LIVES: f64 = 16.0;
/// Pseudo-baskets of every product, in the denominator of the cosine.
pub(super) const PSEUDO_BASKETS: f64 = 5.0;

/// A product that shares baskets with another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Neighbour {
    /// Its slot.
    pub(crate) slot: u32,
    /// `C_ij = sum g |B|^-0.5` over the baskets that held both.
    pub(crate) weight: f32,
}

/// A basket of an epoch: its products' slots, and what it counts for each pair of them.
#[derive(Debug, Clone)]
pub(super) struct Bought {
    pub(super) slots: Vec<u32>,
    pub(super) weight: f64,
}

/// The neighbours of all products, by slot.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Companions {
    /// The instant whose baskets count 1.
    anchor: Option<Timestamp>,
    /// By slot: neighbours by ascending slot; none for none.
    lists: Vec<Option<Arc<[Neighbour]>>>,
}

impl Companions {
    /// What a basket at `at` counts; never more than one at `until`.
    pub(super) fn weight_at(&self, at: Timestamp, until: Timestamp) -> f64 {
        let anchor = self.anchor.unwrap_or(until);
        exp2(days_between(anchor, at.min(until)) / HALF_LIFE_DAYS)
    }

    /// The neighbours of the product in `slot`, by ascending slot.
    pub(super) fn of(&self, slot: u32) -> &[Neighbour] {
        self.lists.get(slot as usize).and_then(Option::as_deref).unwrap_or_default()
    }

    /// How many neighbours there are in all.
    pub(super) fn entries(&self) -> usize {
        self.lists.iter().flatten().map(|list| list.len()).sum()
    }

    /// Lets weights refer to an instant near `until`; the products' sums are scaled with them.
    pub(super) fn advance(&mut self, until: Timestamp, catalogue: &mut Catalogue) {
        let anchor = *self.anchor.get_or_insert(until);
        let half_lives = days_between(anchor, until) / HALF_LIFE_DAYS;
        let steps = (half_lives / RESCALE_HALF_LIVES).floor();
        if steps < 1.0 {
            return;
        }
        let days = steps * RESCALE_HALF_LIVES * HALF_LIFE_DAYS;
        self.anchor = Some(crate::math::after_days(anchor, days));
        let factor = exp2(-steps * RESCALE_HALF_LIVES);
        for product in catalogue.iter_mut() {
            product.baskets *= factor;
        }
        for list in &mut self.lists {
            let scaled = list.iter().flat_map(|list| list.iter()).filter_map(|neighbour| {
                let weight = narrow(f64::from(neighbour.weight) * factor);
                (weight > 0.0).then_some(Neighbour { slot: neighbour.slot, weight })
            });
            *list = shared(&scaled.collect::<Vec<_>>());
        }
    }

    /// Adds `weight` to `C_ij` for each pair of products of each of an epoch's baskets, i = j too, then keeps of
    /// each list that was touched the `keep` neighbours with the largest `C_ij / sqrt(n_j + 5 g)`, with `g` the
    /// weight of a basket now.
    pub(super) fn fold(&mut self, baskets: &[Bought], keep: usize, until: Timestamp, catalogue: &Catalogue) {
        self.lists.resize(catalogue.slots().len(), None);
        let mut lines: Vec<(u32, u32)> = (0_u32..)
            .zip(baskets)
            .flat_map(|(basket, bought)| bought.slots.iter().map(move |&slot| (slot, basket)))
            .collect();
        lines.sort_unstable();
        let mut merge = Merge::new(catalogue, keep, self.weight_at(until, until));
        for touched in lines.chunk_by(|(a, _), (b, _)| a == b) {
            let Some(&(slot, _)) = touched.first() else { continue };
            let Some(place) = self.lists.get_mut(slot as usize) else { continue };
            merge.begin(place.as_deref().unwrap_or_default());
            // What is added to one pair is added in the order in which it was observed.
            for bought in touched.iter().filter_map(|&(_, basket)| baskets.get(basket as usize)) {
                merge.add(&bought.slots, bought.weight);
            }
            *place = shared(merge.end());
        }
    }

    /// Forgets the products that were in `slots`, ascending.
    pub(super) fn forget(&mut self, slots: &[u32]) {
        if slots.is_empty() {
            return;
        }
        let is_gone = |slot: u32| slots.binary_search(&slot).is_ok();
        for (slot, list) in (0_u32..).zip(&mut self.lists) {
            if is_gone(slot) {
                *list = None;
            } else if list.as_ref().is_some_and(|list| list.iter().any(|entry| is_gone(entry.slot))) {
                let left = list.iter().flat_map(|list| list.iter()).copied();
                *list = shared(&left.filter(|neighbour| !is_gone(neighbour.slot)).collect::<Vec<_>>());
            }
        }
    }

    /// Shortens the longest lists until there are at most `entries_max` neighbours in all.
    pub(super) fn bound(&mut self, entries_max: usize, until: Timestamp, catalogue: &Catalogue) {
        if self.entries() <= entries_max {
            return;
        }
        let longest = self.lists.iter().flatten().map(|list| list.len()).max().unwrap_or(0);
        let fits = |keep: usize| {
            self.lists.iter().flatten().map(|list| list.len().min(keep)).sum::<usize>() <= entries_max
        };
        let keep = (0..longest).rev().find(|&keep| fits(keep)).unwrap_or(0);
        let mut strongest = Strongest::new(catalogue, keep, self.weight_at(until, until));
        for list in &mut self.lists {
            if let Some(long) = list.as_ref().filter(|list| list.len() > keep) {
                let mut left = long.to_vec();
                strongest.keep_of(&mut left);
                *list = shared(&left);
            }
        }
    }

    /// About how many bytes of memory the lists take.
    pub(super) fn memory_bytes(&self) -> usize {
        self.lists.len() * LIST_BYTES + self.entries() * size_of::<Neighbour>()
    }

    /// Whether `self` and `other` hold the very same list for `slot`.
    #[cfg(test)]
    pub(super) fn shares(&self, other: &Self, slot: u32) -> bool {
        match (self.lists.get(slot as usize), other.lists.get(slot as usize)) {
            (Some(Some(a)), Some(Some(b))) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// `anchor` (flag, time), then a list for each slot: count, then (difference to the slot before, weight).
    pub(super) fn encode(&self, slots: usize, out: &mut Writer) {
        out.flag(self.anchor.is_some());
        if let Some(anchor) = self.anchor {
            out.time(anchor);
        }
        for slot in (0_u32..).take(slots) {
            let list = self.of(slot);
            out.uint(list.len() as u64);
            let mut next = 0;
            for neighbour in list {
                out.uint(u64::from(neighbour.slot - next));
                out.f32(neighbour.weight);
                next = neighbour.slot + 1;
            }
        }
    }

    /// Of each neighbour a byte of its slot at the least, and its weight.
    pub(super) fn encoded_bytes_min(&self) -> usize {
        self.entries() * (1 + size_of::<f32>())
    }

    pub(super) fn decode(from: &mut Reader<'_>, catalogue: &Catalogue) -> Result<Self, DecodeError> {
        let anchor = if from.flag()? { Some(from.time()?) } else { None };
        let mut lists = Vec::new();
        for product in catalogue.slots() {
            let count = from.count()?;
            if count > 0 && (anchor.is_none() || product.is_none()) {
                return Err(DecodeError::Invalid("neighbours"));
            }
            lists.push(shared(&read_list(from, count, catalogue)?));
        }
        Ok(Self { anchor, lists })
    }
}

/// What a slot takes beside its neighbours: the pointer, and the counts before them.
pub(super) const LIST_BYTES: usize = size_of::<Option<Arc<[Neighbour]>>>() + 2 * size_of::<usize>();

fn shared(list: &[Neighbour]) -> Option<Arc<[Neighbour]>> {
    if list.is_empty() { None } else { Some(list.into()) }
}

fn read_list(
    from: &mut Reader<'_>,
    count: usize,
    catalogue: &Catalogue,
) -> Result<Vec<Neighbour>, DecodeError> {
    const WRONG: DecodeError = DecodeError::Invalid("neighbours");
    let mut list = Vec::with_capacity(count);
    let mut next = 0_u64;
    for _ in 0..count {
        let slot = next.checked_add(from.uint()?).and_then(|slot| u32::try_from(slot).ok()).ok_or(WRONG)?;
        let weight = from.f32()?;
        if weight <= 0.0 || catalogue.get(slot).is_none() {
            return Err(WRONG);
        }
        list.push(Neighbour { slot, weight });
        next = u64::from(slot) + 1;
    }
    Ok(list)
}
