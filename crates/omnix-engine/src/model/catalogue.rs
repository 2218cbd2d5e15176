//! The products of a model, each in a slot that it keeps as long as it is known.
//!
//! Slots are what neighbours refer to, so that lists which nothing touched can be shared between models. A
//! dropped product leaves a hole, which the next new product fills, the lowest first.

use omnix_model::ProductId;

use crate::model::Product;
use crate::model::index::{Index, hash};

/// The products of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Catalogue {
    slots: Vec<Option<Product>>,
    index: Index,
    /// Slots without a product, the highest first.
    holes: Vec<u32>,
}

impl Catalogue {
    /// Products in these slots.
    pub(super) fn of_slots(slots: Vec<Option<Product>>) -> Self {
        let mut catalogue = Self { slots, index: Index::default(), holes: Vec::new() };
        for (slot, product) in (0_u32..).zip(&catalogue.slots) {
            match product {
                Some(product) => catalogue.index.insert(hash(&product.id), slot),
                None => catalogue.holes.push(slot),
            }
        }
        catalogue.holes.reverse();
        catalogue
    }

    /// How many products.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.holes.len()
    }

    /// All slots.
    pub(super) fn slots(&self) -> &[Option<Product>] {
        &self.slots
    }

    /// The products and their slots, in the order of slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Product)> {
        (0_u32..).zip(&self.slots).filter_map(|(slot, product)| Some((slot, product.as_ref()?)))
    }

    /// The products, to change them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Product> {
        self.slots.iter_mut().flatten()
    }

    /// The slot of a product.
    pub(super) fn find(&self, id: &ProductId) -> Option<u32> {
        self.find_under(hash(id), |slot| self.get(slot).is_some_and(|product| product.id == *id))
    }

    /// The slot under the hash of an id for which `is_it` holds.
    pub(super) fn find_under(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.index.find(hash, is_it)
    }

    /// The slots of all products under the hash of an id.
    pub(super) fn under(&self, hash: u32) -> impl Iterator<Item = u32> {
        self.index.under(hash)
    }

    /// The product in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Product> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The product in a slot, to change it.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Product> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// The slot of a product, a new one if it has none.
    pub(super) fn slot_of(&mut self, id: &ProductId) -> u32 {
        if let Some(slot) = self.find(id) {
            return slot;
        }
        let product = Some(Product::new(id.clone()));
        let slot = match self.holes.pop() {
            Some(hole) => hole,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = product;
        }
        self.index.insert(hash(id), slot);
        slot
    }

    /// Drops the least popular products until at most `products_max` with at most `text_bytes_max` bytes of
    /// text are left; says which slots became free, in order.
    pub(super) fn shrink(&mut self, products_max: usize, text_bytes_max: usize) -> Vec<u32> {
        let mut text: usize = self.iter().map(|(_, product)| product.text_bytes()).sum();
        let mut count = self.len();
        if count <= products_max && text <= text_bytes_max {
            return Vec::new();
        }
        let mut least: Vec<(u32, &Product)> = self.iter().collect();
        least.sort_unstable_by(|(_, a), (_, b)| {
            let (x, y) = (&a.popularity, &b.popularity);
            x.long.total_cmp(&y.long).then(x.sales.total_cmp(&y.sales)).then_with(|| b.id.cmp(&a.id))
        });
        let mut dropped = Vec::new();
        for (slot, product) in least {
            if count <= products_max && text <= text_bytes_max {
                break;
            }
            count -= 1;
            text -= product.text_bytes();
            dropped.push(slot);
        }
        dropped.sort_unstable();
        let mut slots = std::mem::take(&mut self.slots);
        for &slot in &dropped {
            if let Some(product) = slots.get_mut(slot as usize) {
                *product = None;
            }
        }
        *self = Self::of_slots(slots);
        dropped
    }

    /// About how many bytes of memory the products take.
    pub(super) fn memory_bytes(&self) -> usize {
        let text: usize = self.iter().map(|(_, product)| product.text_bytes() + 3 * TEXT_OVERHEAD).sum();
        self.slots.len() * (size_of::<Option<Product>>() + INDEX_BYTES) + text
    }
}

/// What a text on the heap takes beside its bytes.
pub(super) const TEXT_OVERHEAD: usize = 16;
/// What a product takes in an index that is a quarter full at the worst.
pub(super) const INDEX_BYTES: usize = 4 * size_of::<(u32, u32)>();
