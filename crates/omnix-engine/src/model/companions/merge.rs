//! What an epoch's baskets add to the list of one product, and which neighbours the list keeps.
//!
//! Used again for one list after the other; of a list only those are looked at that a basket speaks of.

use super::{Neighbour, PSEUDO_BASKETS};
use crate::math::{narrow, sqrt};
use crate::model::catalogue::Catalogue;

/// A list in the making, and what it takes to make it.
pub(super) struct Merge {
    /// The list, first as it was, then as it becomes.
    list: Vec<Neighbour>,
    /// By slot: the neighbour's weight with what was added to it; of those that were met.
    sums: Vec<f64>,
    /// By slot: whether it was met.
    is_met: Vec<bool>,
    /// Slots that were met, in the order in which they were.
    met: Vec<u32>,
    /// Neighbours that the list did not have.
    new: Vec<Neighbour>,
    strongest: Strongest,
}

impl Merge {
    /// For lists of at most `keep` products of `catalogue`, a basket counting `weight` now.
    pub(super) fn new(catalogue: &Catalogue, keep: usize, weight: f64) -> Self {
        let slots = catalogue.slots().len();
        Self {
            list: Vec::new(),
            sums: vec![0.0; slots],
            is_met: vec![false; slots],
            met: Vec::new(),
            new: Vec::new(),
            strongest: Strongest::new(catalogue, keep, weight),
        }
    }

    /// Begins with `list`, which is in the order of slots.
    pub(super) fn begin(&mut self, list: &[Neighbour]) {
        self.list.clear();
        // All of it is needed in the end: read from front to back before anything is looked up in it.
        self.list.extend_from_slice(list);
    }

    /// Adds a basket of the products in `slots`, each of which is to count `weight` more.
    pub(super) fn add(&mut self, slots: &[u32], weight: f64) {
        for &slot in slots {
            let place = slot as usize;
            let (Some(sum), Some(is_met)) = (self.sums.get_mut(place), self.is_met.get_mut(place)) else {
                continue;
            };
            if !std::mem::replace(is_met, true) {
                self.met.push(slot);
                *sum = place_of(&self.list, slot)
                    .and_then(|at| self.list.get(at))
                    .map_or(0.0, |neighbour| f64::from(neighbour.weight));
            }
            *sum += weight;
        }
    }

    /// The list with what was added to it, as far as it is kept, in the order of slots.
    pub(super) fn end(&mut self) -> &[Neighbour] {
        let before = self.list.len();
        // Those that are new come in the order of slots, and then are merged from the back.
        self.met.sort_unstable();
        for slot in self.met.drain(..) {
            let place = slot as usize;
            let weight = narrow(self.sums.get(place).copied().unwrap_or(0.0));
            if let Some(is_met) = self.is_met.get_mut(place) {
                *is_met = false;
            }
            let known = self.list.get(..before).and_then(|known| place_of(known, slot));
            match known.and_then(|at| self.list.get_mut(at)) {
                Some(neighbour) => neighbour.weight = weight,
                None if weight > 0.0 => self.list.push(Neighbour { slot, weight }),
                None => {}
            }
        }
        self.new.extend(self.list.drain(before..));
        merge(&mut self.list, &self.new);
        self.new.clear();
        self.strongest.keep_of(&mut self.list);
        &self.list
    }
}

/// Merges `new` into `list`, both in the order of slots and without a slot in common.
fn merge(list: &mut Vec<Neighbour>, new: &[Neighbour]) {
    let mut left = list.len();
    list.extend_from_slice(new);
    let mut free = list.len();
    for neighbour in new.iter().rev() {
        let above =
            list.get(..left).map_or(0, |known| known.partition_point(|known| known.slot < neighbour.slot));
        let moved = left - above;
        list.copy_within(above..left, free - moved);
        free -= moved + 1;
        left = above;
        if let Some(place) = list.get_mut(free) {
            *place = *neighbour;
        }
    }
}

fn place_of(list: &[Neighbour], slot: u32) -> Option<usize> {
    list.binary_search_by_key(&slot, |neighbour| neighbour.slot).ok()
}

/// Which neighbours of a list are kept: those with the largest cosine, `C_ij / sqrt(n_j + 5 g)`.
pub(super) struct Strongest {
    keep: usize,
    /// By slot: `sqrt(n_j + 5 g)`.
    roots: Vec<f64>,
    /// Each neighbour of the list in hand, as a number: the larger its cosine, then the lower its slot, the smaller.
    ranked: Vec<u128>,
}

impl Strongest {
    /// The `keep` strongest of products of `catalogue`, a basket counting `weight` now.
    pub(super) fn new(catalogue: &Catalogue, keep: usize, weight: f64) -> Self {
        let pseudo = PSEUDO_BASKETS * weight;
        let baskets = catalogue.slots().iter().map(|product| product.as_ref().map_or(0.0, |of| of.baskets));
        Self { keep, roots: baskets.map(|baskets| sqrt(baskets + pseudo)).collect(), ranked: Vec::new() }
    }

    /// Lets the weakest neighbours of `list` go; those that stay, stay in their order.
    pub(super) fn keep_of(&mut self, list: &mut Vec<Neighbour>) {
        if list.len() <= self.keep {
            return;
        }
        let roots = &self.roots;
        let rank = |neighbour: &Neighbour| {
            let root = roots.get(neighbour.slot as usize).copied().unwrap_or(f64::INFINITY);
            // A cosine is not negative: its bits stand in its order.
            let cosine = (f64::from(neighbour.weight) / root).to_bits();
            u128::from(!cosine) << 64 | u128::from(neighbour.slot)
        };
        self.ranked.clear();
        self.ranked.extend(list.iter().map(rank));
        let (_, first_to_go, _) = self.ranked.select_nth_unstable(self.keep);
        let first_to_go = *first_to_go;
        list.retain(|neighbour| rank(neighbour) < first_to_go);
    }
}
