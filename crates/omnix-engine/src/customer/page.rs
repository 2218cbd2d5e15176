//! Pages of products: the unit in which a customer's products are shared, copied and written.
//!
//! Products stand in the order in which they came; a product keeps its place until it makes room for
//! another. Ids are found by a 32-bit hash first, so that a lookup touches little memory.

use std::sync::Arc;

use omnix_model::{DecodeError, ProductId, Reader, Timestamp, Writer};

use super::product::{Product, Stub, key};
use crate::model::hash;

/// Products of one page.
pub(crate) const PAGE_PRODUCTS: usize = 16;
/// Pages of products: 512 products are held exactly.
pub(crate) const PAGES_MAX: usize = 32;
/// Stubs of one page.
pub(crate) const PAGE_STUBS: usize = 64;
/// Pages of stubs: 512 stubs.
pub(crate) const STUB_PAGES_MAX: usize = 8;

const VERSION: u8 = 1;

const _: () = assert!(PAGES_MAX + STUB_PAGES_MAX < 64, "touched pages are bits of one word");

/// A page of products.
///
/// Version 1: version, number of products, each as [`Product::encode`] writes it.
#[derive(Debug, PartialEq, Default)]
pub(crate) struct Page {
    /// Of the products in the same slots; 0 behind them. They lie in the page itself: a lookup goes through the
    /// hashes of all pages, and to the products of one.
    hashes: [u32; PAGE_PRODUCTS],
    products: Vec<Product>,
}

/// Leaves room for one more: a page is copied when something is about to be changed or added.
impl Clone for Page {
    fn clone(&self) -> Self {
        let mut products = Vec::with_capacity(room_for_one_more(self.products.len()));
        products.extend_from_slice(&self.products);
        Self { hashes: self.hashes, products }
    }
}

/// Products for which a page of `len` takes room when it takes any.
fn room_for_one_more(len: usize) -> usize {
    (len + 1).next_multiple_of(4).min(PAGE_PRODUCTS)
}

/// The place of a product: page and slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub page: usize,
    pub slot: usize,
}

impl Page {
    pub(crate) fn find(&self, hash: u32, id: &ProductId) -> Option<usize> {
        let mut slots = self.hashes.iter().zip(&self.products);
        slots.position(|(&other, product)| other == hash && product.id == *id)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.products.len() >= PAGE_PRODUCTS
    }

    /// Adds a product; takes room for a few, as most pages are never full and all customers' are in memory.
    pub(crate) fn push(&mut self, product: Product) {
        if self.products.len() == self.products.capacity() {
            let few = room_for_one_more(self.products.len()).saturating_sub(self.products.len());
            self.products.reserve_exact(few);
        }
        if let Some(place) = self.hashes.get_mut(self.products.len()) {
            *place = hash(&product.id);
        }
        self.products.push(product);
    }

    pub(crate) fn replace(&mut self, slot: usize, product: Product) -> Option<Product> {
        *self.hashes.get_mut(slot)? = hash(&product.id);
        let place = self.products.get_mut(slot)?;
        Some(std::mem::replace(place, product))
    }

    /// Puts back what stood in a slot; none: nothing did, and nothing stands behind it either.
    pub(crate) fn put_back(&mut self, slot: usize, product: Option<Product>) {
        match product {
            Some(product) => {
                self.replace(slot, product);
            }
            None => {
                self.hashes.iter_mut().skip(slot).for_each(|hash| *hash = 0);
                self.products.truncate(slot);
            }
        }
    }

    pub(crate) fn products(&self) -> &[Product] {
        &self.products
    }

    pub(crate) fn under_hashes(&self) -> impl Iterator<Item = (u32, &Product)> {
        self.hashes.iter().copied().zip(&self.products)
    }

    pub(crate) fn product_mut(&mut self, slot: usize) -> Option<&mut Product> {
        self.products.get_mut(slot)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::append_to(Vec::with_capacity(16 + 48 * self.products.len()));
        out.u8(VERSION);
        out.uint(self.products.len() as u64);
        let mut before = Timestamp::MIN;
        for product in &self.products {
            product.encode(before, &mut out);
            before = product.last_at;
        }
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        check_version(&mut from)?;
        let count = from.count()?;
        if count > PAGE_PRODUCTS {
            return Err(DecodeError::Invalid("page"));
        }
        let mut page = Self { products: Vec::with_capacity(count), ..Self::default() };
        for _ in 0..count {
            let before = page.products.last().map_or(Timestamp::MIN, |product| product.last_at);
            page.push(Product::decode(before, &mut from)?);
        }
        at_end(&from)?;
        Ok(page)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let names =
            self.products.iter().map(|product| if product.name.len() > 23 { product.name.len() } else { 0 });
        size_of::<Self>() + self.products.capacity() * size_of::<Product>() + names.sum::<usize>()
    }
}

/// A page of stubs.
///
/// Version 1: version, number of stubs, each as [`Stub::encode`] writes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct StubPage {
    pub stubs: Vec<Stub>,
}

impl StubPage {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u8(VERSION);
        out.uint(self.stubs.len() as u64);
        for stub in &self.stubs {
            stub.encode(&mut out);
        }
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        check_version(&mut from)?;
        let count = from.count()?;
        if count > PAGE_STUBS {
            return Err(DecodeError::Invalid("page"));
        }
        let stubs = (0..count).map(|_| Stub::decode(&mut from)).collect::<Result<_, _>>()?;
        at_end(&from)?;
        Ok(Self { stubs })
    }
}

/// All products of a customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Products {
    pub pages: Vec<Arc<Page>>,
    pub stub_pages: Vec<Arc<StubPage>>,
}

impl Products {
    /// Where the product stands.
    pub(crate) fn find(&self, id: &ProductId) -> Option<Place> {
        let hash = hash(id);
        let mut pages = self.pages.iter().enumerate();
        pages.find_map(|(page, held)| held.find(hash, id).map(|slot| Place { page, slot }))
    }

    /// All products that are held exactly.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Product> {
        self.pages.iter().flat_map(|page| page.products())
    }

    /// Where the products stand for which `wanted` says so.
    pub(crate) fn places(&self, wanted: impl Fn(&Product) -> bool) -> Vec<Place> {
        let mut places = Vec::new();
        for (page, held) in self.pages.iter().enumerate() {
            let slots = held.products().iter().enumerate().filter(|(_, product)| wanted(product));
            places.extend(slots.map(|(slot, _)| Place { page, slot }));
        }
        places
    }

    /// The first page that has room for a product, a new one if need be; none when all are full.
    pub(crate) fn page_with_room(&mut self) -> Option<usize> {
        let free = self.pages.iter().position(|page| !page.is_full());
        if free.is_none() && self.pages.len() < PAGES_MAX {
            self.pages.push(Arc::default());
            return Some(self.pages.len() - 1);
        }
        free
    }

    /// Where the stub stands that was left of a product.
    pub(crate) fn find_stub(&self, id: &ProductId) -> Option<Place> {
        if self.stub_pages.is_empty() {
            return None;
        }
        let key = key(id);
        self.stub_pages.iter().enumerate().find_map(|(page, held)| {
            held.stubs.iter().position(|stub| stub.key == key).map(|slot| Place { page, slot })
        })
    }

    /// Takes a stub out; the last of its page takes its place.
    pub(crate) fn take_stub(&mut self, place: Place) -> Option<Stub> {
        let page = Arc::make_mut(self.stub_pages.get_mut(place.page)?);
        (place.slot < page.stubs.len()).then(|| page.stubs.swap_remove(place.slot))
    }

    /// Keeps a stub: the page it went to, and the stub that had to go for it.
    pub(crate) fn keep_stub(&mut self, stub: Stub) -> (usize, Option<Stub>) {
        let free = self.stub_pages.iter().position(|page| page.stubs.len() < PAGE_STUBS);
        if let Some(index) = free
            && let Some(page) = self.stub_pages.get_mut(index)
        {
            Arc::make_mut(page).stubs.push(stub);
            return (index, None);
        }
        if self.stub_pages.len() < STUB_PAGES_MAX {
            self.stub_pages.push(Arc::new(StubPage { stubs: vec![stub] }));
            return (self.stub_pages.len() - 1, None);
        }
        let stubs = self.stub_pages.iter().enumerate().flat_map(|(page, held)| {
            held.stubs.iter().enumerate().map(move |(slot, kept)| (kept.days, kept.last_day, page, slot))
        });
        let Some((_, _, index, slot)) = stubs.min() else { return (0, Some(stub)) };
        let place = self.stub_pages.get_mut(index).and_then(|page| Arc::make_mut(page).stubs.get_mut(slot));
        (index, place.map(|place| std::mem::replace(place, stub)))
    }

    /// The place of the product that is worth least: bought on the fewest days, then longest ago.
    pub(crate) fn least(&self) -> Option<Place> {
        let products = self.pages.iter().enumerate().flat_map(|(page, held)| {
            let slots = held.products().iter().enumerate();
            slots.map(move |(slot, product)| (product.days, product.last_at, page, slot))
        });
        products.min().map(|(_, _, page, slot)| Place { page, slot })
    }
}

fn check_version(from: &mut Reader<'_>) -> Result<(), DecodeError> {
    match from.u8()? {
        VERSION => Ok(()),
        other => Err(DecodeError::Unknown(other.into())),
    }
}

fn at_end(from: &Reader<'_>) -> Result<(), DecodeError> {
    if from.is_empty() { Ok(()) } else { Err(DecodeError::Invalid("page")) }
}
