//! What is sold in a part of the day, on a device, in a place.
//!
//! For each of them its sales and its best-selling products, decayed as the slow popularity is. How much more of
//! a product is sold on an occasion than its share of all sales lets one expect is observed over expected, both
//! shrunk by a few pseudo-sales, and taken back to what is sure at 5 %: `DuMouchel`, "Bayesian Data Mining in Large
//! Frequency Tables" (The American Statistician 53, 1999), with one gamma prior of mean 1 in place of two.
//!
//! Bounded whatever is sold: 64 places, those with the most sales, and 2,048 products of each occasion. Of a
//! product that has no place among them only a bound is known.
//!
//! Deliberately not here: names of places, and customers.

use std::sync::Arc;

use omnix_model::{DecodeError, Reader, Writer};

use crate::math::{decay, narrow, sqrt};
use crate::model::catalogue::Catalogue;
use crate::model::product::{LONG_HALF_LIFE_DAYS, mass};
use crate::occasion::{Circumstance, Occasion};

/// Places of which is known what is sold there.
pub(super) const PLACES_MAX: usize = 64;
/// Products that are known of one occasion: when there are more, half of them go at once, since to choose them takes
/// longer than to add to them.
pub(super) const SOLD_MAX: usize = 2_048;
const SOLD_KEPT: usize = SOLD_MAX / 2;
/// Circumstances that are no place.
const OTHERS_MAX: usize = 7;
/// Sales as expected that are added to what is observed and to what is expected.
const PSEUDO_SALES: f64 = 5.0;
/// Standard deviations of what is believed that a lift is taken back by: beyond lie 5 %.
const SURE: f64 = 1.645;
/// Sales below which a product is forgotten: one, a year ago.
const SALES_MIN: f64 = 0.01;

/// What is sold on each kind of occasion.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Occasions {
    /// By ascending circumstance.
    lists: Vec<(Circumstance, Arc<Sold>)>,
}

/// What is sold on occasions of one kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Sold {
    /// Sales of all products.
    sales: f64,
    /// What a product that is not listed may come to at the most.
    rest_max: f32,
    /// Sales by ascending slot.
    products: Vec<(u32, f32)>,
}

/// Sales of the product in a slot on an occasion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) circumstance: Circumstance,
    pub(super) slot: u32,
    pub(super) sales: u32,
}

impl Occasions {
    /// Lets `days` go by, then adds what was sold in them.
    pub(super) fn fold(&mut self, days: f64, mut counted: Vec<Counted>) {
        let left = decay(days, LONG_HALF_LIFE_DAYS);
        for (_, sold) in &mut self.lists {
            Arc::make_mut(sold).fade(left);
        }
        counted.sort_unstable_by_key(|counted| {
            u64::from(counted.circumstance.0) << 32 | u64::from(counted.slot)
        });
        for of_one in counted.chunk_by(|a, b| a.circumstance == b.circumstance) {
            let Some(&Counted { circumstance, .. }) = of_one.first() else { continue };
            let place = self.lists.binary_search_by_key(&circumstance, |(circumstance, _)| *circumstance);
            let place = place.unwrap_or_else(|place| {
                self.lists.insert(place, (circumstance, Arc::default()));
                place
            });
            if let Some((_, sold)) = self.lists.get_mut(place) {
                Arc::make_mut(sold).add(of_one);
            }
        }
        self.lists.retain(|(_, sold)| sold.sales >= SALES_MIN);
        self.bound_places();
    }

    /// Forgets the places with the least sales until there are no more than 64.
    fn bound_places(&mut self) {
        let places = self.lists.iter().filter(|(circumstance, _)| circumstance.is_place());
        let mut by_sales: Vec<(f64, Circumstance)> =
            places.map(|(circumstance, sold)| (sold.sales, *circumstance)).collect();
        if by_sales.len() <= PLACES_MAX {
            return;
        }
        by_sales
            .sort_unstable_by(|(a, circumstance), (b, other)| b.total_cmp(a).then(circumstance.cmp(other)));
        let gone: Vec<Circumstance> =
            by_sales.iter().skip(PLACES_MAX).map(|(_, circumstance)| *circumstance).collect();
        self.lists.retain(|(circumstance, _)| !gone.contains(circumstance));
    }

    /// Forgets the products that were in `slots`, ascending.
    pub(super) fn forget(&mut self, slots: &[u32]) {
        if slots.is_empty() {
            return;
        }
        for (_, sold) in &mut self.lists {
            Arc::make_mut(sold).products.retain(|(slot, _)| slots.binary_search(slot).is_err());
        }
    }

    /// What is sold on occasions like this one, circumstance by circumstance.
    pub(super) fn on(&self, occasion: Occasion) -> impl Iterator<Item = &Sold> {
        occasion.circumstances().filter_map(|circumstance| {
            let place =
                self.lists.binary_search_by_key(&circumstance, |(circumstance, _)| *circumstance).ok()?;
            self.lists.get(place).map(|(_, sold)| &**sold)
        })
    }

    /// About how many bytes of memory the lists take.
    pub(super) fn memory_bytes(&self) -> usize {
        let entries: usize = self.lists.iter().map(|(_, sold)| sold.products.capacity()).sum();
        self.lists.len() * size_of::<Sold>() + entries * size_of::<(u32, f32)>()
    }

    /// Count, then of each: circumstance, sales, what others may come to, and its products: count, (difference to
    /// the slot before, sales).
    pub(super) fn encode(&self, out: &mut Writer) {
        out.uint(self.lists.len() as u64);
        for (circumstance, sold) in &self.lists {
            out.uint(circumstance.0.into());
            out.f64(sold.sales);
            out.f32(sold.rest_max);
            out.uint(sold.products.len() as u64);
            let mut next = 0;
            for &(slot, sales) in &sold.products {
                out.uint(u64::from(slot - next));
                out.f32(sales);
                next = slot + 1;
            }
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>, catalogue: &Catalogue) -> Result<Self, DecodeError> {
        const WRONG: DecodeError = DecodeError::Invalid("occasions");
        let mut lists: Vec<(Circumstance, Arc<Sold>)> = Vec::new();
        for _ in 0..from.count()? {
            let circumstance = Circumstance(u32::try_from(from.uint()?).or(Err(WRONG))?);
            if lists.last().is_some_and(|(last, _)| *last >= circumstance) {
                return Err(WRONG);
            }
            lists.push((circumstance, Arc::new(Sold::decode(from, catalogue)?)));
        }
        let places = lists.iter().filter(|(circumstance, _)| circumstance.is_place()).count();
        if places <= PLACES_MAX && lists.len() - places <= OTHERS_MAX {
            Ok(Self { lists })
        } else {
            Err(WRONG)
        }
    }
}

impl Sold {
    fn fade(&mut self, left: f64) {
        self.sales *= left;
        self.rest_max = narrow(f64::from(self.rest_max) * left);
        for (_, sales) in &mut self.products {
            *sales = narrow(f64::from(*sales) * left);
        }
        self.products.retain(|(_, sales)| f64::from(*sales) >= SALES_MIN);
    }

    /// Adds sales by ascending slot; keeps the products with the most.
    fn add(&mut self, counted: &[Counted]) {
        let old = std::mem::take(&mut self.products);
        self.products.reserve(old.len() + counted.len());
        let mut left = old.into_iter().peekable();
        for of_slot in counted.chunk_by(|a, b| a.slot == b.slot) {
            let Some(&Counted { slot, .. }) = of_slot.first() else { continue };
            self.products.extend(std::iter::from_fn(|| left.next_if(|(held, _)| *held < slot)));
            let held = left.next_if(|(held, _)| *held == slot).map_or(0.0, |(_, sales)| f64::from(sales));
            let sales: f64 = of_slot.iter().map(|counted| f64::from(counted.sales)).sum();
            self.sales += sales;
            self.products.push((slot, narrow(held + sales)));
        }
        self.products.extend(left);
        if self.products.len() > SOLD_MAX {
            self.products.select_nth_unstable_by(SOLD_KEPT, |(slot, a), (other, b)| {
                b.total_cmp(a).then(slot.cmp(other))
            });
            let dropped = self.products.split_off(SOLD_KEPT);
            self.rest_max = dropped.iter().map(|(_, sales)| *sales).fold(self.rest_max, f32::max);
            self.products.sort_unstable_by_key(|(slot, _)| *slot);
        }
    }

    /// How many times as much of the product in `slot` is sold as its `share` of all sales lets one expect, as far
    /// as that is sure: 1 where it may as well be chance.
    pub(crate) fn lift(&self, slot: u32, share: f64) -> f64 {
        let expected = self.sales * share;
        let listed = self.products.binary_search_by_key(&slot, |(slot, _)| *slot);
        let sales = match listed.ok().and_then(|place| self.products.get(place)) {
            Some((_, sales)) => f64::from(*sales),
            None => expected.min(self.rest_max.into()),
        };
        let (shape, rate) = (sales + PSEUDO_SALES, expected + PSEUDO_SALES);
        let (mean, unsure) = (shape / rate, SURE * sqrt(shape) / rate);
        // As much of it as is sure: towards 1, which is left where that is as likely.
        if mean > 1.0 { (mean - unsure).max(1.0) } else { (mean + unsure).min(1.0) }
    }

    /// The slots of the `count` products that sell best, in any order.
    pub(crate) fn best(&self, count: usize) -> Vec<u32> {
        let mut products = self.products.clone();
        if products.len() > count {
            products
                .select_nth_unstable_by(count, |(slot, a), (other, b)| b.total_cmp(a).then(slot.cmp(other)));
            products.truncate(count);
        }
        products.into_iter().map(|(slot, _)| slot).collect()
    }

    fn decode(from: &mut Reader<'_>, catalogue: &Catalogue) -> Result<Self, DecodeError> {
        const WRONG: DecodeError = DecodeError::Invalid("sales of an occasion");
        let (sales, rest_max) = (mass(from)?, from.f32()?);
        let count = from.count()?;
        if rest_max < 0.0 || count > SOLD_MAX {
            return Err(WRONG);
        }
        let mut products = Vec::with_capacity(count);
        let mut next = 0_u64;
        for _ in 0..count {
            let slot =
                next.checked_add(from.uint()?).and_then(|slot| u32::try_from(slot).ok()).ok_or(WRONG)?;
            let sales = from.f32()?;
            if sales < 0.0 || catalogue.get(slot).is_none() {
                return Err(WRONG);
            }
            products.push((slot, sales));
            next = u64::from(slot) + 1;
        }
        Ok(Self { sales, rest_max, products })
    }
}

/// What the lists take at the most.
pub(super) const BYTES_MAX: usize =
    (PLACES_MAX + OTHERS_MAX) * (size_of::<Sold>() + SOLD_MAX * size_of::<(u32, f32)>());

#[cfg(test)]
mod tests;
