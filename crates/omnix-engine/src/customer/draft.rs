//! A customer while one record is applied: changed in place, and put back unless the record could be applied
//! whole.
//!
//! The doors through which a customer changes are here and nowhere else, and each notes first what it is about
//! to change. A draft that is let go without [`Draft::keep`], on an early return or while a panic unwinds, plays
//! its notes back: so nothing that goes wrong half way, in whatever line, leaves a trace, neither in the state nor
//! in what is to be written of it.
//!
//! Deliberately not here: what an event changes (`fold`, `detect`).

use std::ops::Deref;
use std::sync::Arc;

use omnix_model::ProductId;

use super::page::{PAGES_MAX, Place, StubPage};
use super::product::Stub;
use super::{Customer, Head, Product, Touched};

/// A customer to whom a record is being applied; reads like the customer.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    customer: &'a mut Customer,
    /// None once the changes are kept.
    before: Option<Before>,
}

/// What a customer was before the record, as far as the record has changed it.
#[derive(Debug)]
struct Before {
    /// Nearly every record changes it.
    head: Head,
    touched: Touched,
    /// What stood in each place that was changed, in the order of the changes; none: nothing did, the product was
    /// added.
    products: Vec<(Place, Option<Product>)>,
    /// How many pages of products there were.
    pages: usize,
    /// The pages of stubs, if one was changed: only customers with hundreds of products have any.
    stub_pages: Option<Vec<Arc<StubPage>>>,
}

impl Deref for Draft<'_> {
    type Target = Customer;

    fn deref(&self) -> &Customer {
        self.customer
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            before.put_back(self.customer);
        }
    }
}

impl Before {
    fn put_back(self, customer: &mut Customer) {
        let held = &mut customer.products;
        for (place, product) in self.products.into_iter().rev() {
            if let Some(page) = held.pages.get_mut(place.page) {
                Arc::make_mut(page).put_back(place.slot, product);
            }
        }
        held.pages.truncate(self.pages);
        if let Some(stub_pages) = self.stub_pages {
            held.stub_pages = stub_pages;
        }
        customer.head = self.head;
        customer.touched = self.touched;
    }
}

impl<'a> Draft<'a> {
    /// Begins to change `customer`.
    pub(crate) fn of(customer: &'a mut Customer) -> Self {
        let before = Before {
            head: customer.head.clone(),
            touched: customer.touched,
            products: Vec::new(),
            pages: customer.products.pages.len(),
            stub_pages: None,
        };
        Self { customer, before: Some(before) }
    }

    /// The record was applied whole: its changes stay.
    pub(crate) fn keep(mut self) {
        at_door();
        self.before = None;
    }

    /// The head, to be changed.
    pub(crate) fn head_mut(&mut self) -> &mut Head {
        at_door();
        self.customer.touched.head = true;
        &mut self.customer.head
    }

    /// The product, if it is held exactly, to be changed.
    pub(crate) fn product_mut(&mut self, id: &ProductId) -> Option<&mut Product> {
        let place = self.customer.products.find(id)?;
        self.note_product(place);
        let page = self.customer.products.pages.get_mut(place.page)?;
        Arc::make_mut(page).product_mut(place.slot)
    }

    /// Changes every product for which `wanted` says so; pages without one stay as they are.
    pub(crate) fn change_products(
        &mut self,
        wanted: impl Fn(&Product) -> bool,
        mut change: impl FnMut(&mut Product),
    ) {
        for place in self.customer.products.places(wanted) {
            self.note_product(place);
            let page = self.customer.products.pages.get_mut(place.page);
            if let Some(product) = page.and_then(|page| Arc::make_mut(page).product_mut(place.slot)) {
                change(product);
            }
        }
    }

    /// Takes up a product that is not held; the least valuable makes room for it, if there is none. What a
    /// stub still knows of it is added.
    pub(crate) fn insert_product(&mut self, mut product: Product) {
        if let Some(stub) = self.take_stub(&product.id) {
            product.purchases = product.purchases.saturating_add(stub.purchases);
        }
        let Some(index) = self.customer.products.page_with_room() else { return self.replace_least(product) };
        self.touch_page(index);
        let Some(page) = self.customer.products.pages.get_mut(index) else { return };
        let place = Place { page: index, slot: page.products().len() };
        if let Some(before) = &mut self.before {
            before.products.push((place, None));
        }
        at_door();
        Arc::make_mut(page).push(product);
    }

    fn replace_least(&mut self, product: Product) {
        let Some(place) = self.customer.products.least() else { return };
        self.note_product(place);
        let held = self.customer.products.pages.get_mut(place.page);
        let gone = held.and_then(|held| Arc::make_mut(held).replace(place.slot, product));
        if let Some(gone) = gone {
            self.keep_stub(Stub::of(&gone));
        }
    }

    fn take_stub(&mut self, id: &ProductId) -> Option<Stub> {
        let Place { page, slot } = self.customer.products.find_stub(id)?;
        self.note_stubs();
        self.touch_page(PAGES_MAX + page);
        self.customer.products.take_stub(Place { page, slot })
    }

    fn keep_stub(&mut self, stub: Stub) {
        self.note_stubs();
        let (page, dropped) = self.customer.products.keep_stub(stub);
        self.touch_page(PAGES_MAX + page);
        if dropped.is_some() {
            let head = self.head_mut();
            head.forgotten = head.forgotten.saturating_add(1);
        }
    }

    /// Notes a product that is about to be changed.
    fn note_product(&mut self, place: Place) {
        self.touch_page(place.page);
        if let Some(before) = &mut self.before {
            let page = self.customer.products.pages.get(place.page);
            let product = page.and_then(|page| page.products().get(place.slot)).cloned();
            before.products.push((place, product));
        }
        at_door();
    }

    /// Notes the pages of stubs, one of which is about to be changed; they are shared until it is.
    fn note_stubs(&mut self) {
        if let Some(before) = &mut self.before {
            before.stub_pages.get_or_insert_with(|| self.customer.products.stub_pages.clone());
        }
        at_door();
    }

    const fn touch_page(&mut self, index: usize) {
        self.customer.touched.pages |= 1 << index;
    }
}

/// Where a test lets a record panic.
#[cfg(not(test))]
const fn at_door() {}

#[cfg(test)]
use tests::at_door;

#[cfg(test)]
mod tests;
