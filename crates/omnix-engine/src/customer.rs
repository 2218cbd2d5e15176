//! The state of one customer: a head, and pages of products.
//!
//! Changed in place, and only through a [`Draft`]. Cheap to clone: pages are shared until one is written. Only what
//! was touched is written back. Bounded: 512 products are held exactly, the least valuable shrink to stubs, of
//! which 512 are kept, and then to a number.
//!
//! Deliberately not here: what an event changes (`fold`), and what it means (`detect`).

mod attention;
mod draft;
mod head;
mod hours;
mod page;
mod product;

use std::sync::Arc;

use omnix_model::{DecodeError, ProductId, SegmentName, Timestamp};

use crate::basket::Basket;
pub(crate) use attention::Silence;
pub(crate) use draft::Draft;
pub(crate) use head::{Amounts, Burst, Head, LISTED, Leaving, RecentOrder, SegmentState, Spread, Visits};
pub(crate) use hours::Hours;
use page::{PAGES_MAX, Page, Place, Products, STUB_PAGES_MAX, StubPage};
use product::Stub;
pub(crate) use product::{Amount, Product, Share, cut, kept_name, key, small};

/// One row of a customer's state: part 0 is the head, the others are pages of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// 0 for the head, else the page's number from 1.
    pub number: u16,
    /// Its new bytes.
    pub bytes: Vec<u8>,
}

/// The state of one customer.
#[derive(Debug, Clone, Default)]
pub struct Customer {
    pub(crate) head: Head,
    products: Products,
    touched: Touched,
}

/// Which parts differ from what was written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Touched {
    head: bool,
    /// Bit `i`: page `i` of products, or of stubs from [`PAGES_MAX`] on.
    pages: u64,
}

/// Equal states are those that say the same; what of them has been written does not matter.
impl PartialEq for Customer {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head && self.products == other.products
    }
}

impl Customer {
    /// The state stored in `parts` (part number and bytes), in any order.
    ///
    /// # Errors
    /// [`DecodeError`] when the parts are not a customer's state.
    pub fn decode<'a>(parts: impl IntoIterator<Item = (u16, &'a [u8])>) -> Result<Self, DecodeError> {
        let mut head = None;
        let mut pages: Vec<(usize, Arc<Page>)> = Vec::new();
        let mut stub_pages: Vec<(usize, Arc<StubPage>)> = Vec::new();
        for (number, bytes) in parts {
            let number = usize::from(number);
            if number == 0 {
                head = Some(Head::decode(bytes)?);
            } else if number <= PAGES_MAX {
                pages.push((number - 1, Arc::new(Page::decode(bytes)?)));
            } else if number <= PAGES_MAX + STUB_PAGES_MAX {
                stub_pages.push((number - 1 - PAGES_MAX, Arc::new(StubPage::decode(bytes)?)));
            } else {
                return Err(DecodeError::Invalid("part"));
            }
        }
        Ok(Self {
            head: head.ok_or(DecodeError::Truncated)?,
            products: Products { pages: in_order(pages)?, stub_pages: in_order(stub_pages)? },
            touched: Touched::default(),
        })
    }

    /// The parts touched since the state was decoded or last marked clean, pages first, the head last.
    #[must_use]
    pub fn touched(&self) -> Vec<Part> {
        self.written(self.touched)
    }

    /// All parts, pages first, the head last.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        self.written(Touched { head: true, pages: u64::MAX })
    }

    fn written(&self, which: Touched) -> Vec<Part> {
        let is_wanted = |index: usize| which.pages >> index & 1 == 1;
        let mut parts = Vec::new();
        for (index, page) in self.products.pages.iter().enumerate().filter(|(index, _)| is_wanted(*index)) {
            parts.extend(part(index + 1, page.encode()));
        }
        let stub_pages = (PAGES_MAX..).zip(&self.products.stub_pages);
        for (index, page) in stub_pages.filter(|(index, _)| is_wanted(*index)) {
            parts.extend(part(index + 1, page.encode()));
        }
        if which.head {
            parts.extend(part(0, self.head.encode()));
        }
        parts
    }

    /// Notes that everything touched has been written.
    pub fn mark_clean(&mut self) {
        self.touched = Touched::default();
    }

    /// When something falls due for this customer if nothing else happens: the end of its basket, or its close where
    /// that matters, a product, a change of segment by silence. The earliest of them; none for a customer of whom
    /// nothing is expected.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let basket = self.head.basket.as_ref().and_then(Basket::due);
        let ahead = [self.head.silence_at, self.head.overdue_at, self.head.look_at].into_iter().flatten();
        basket.into_iter().chain(ahead).min()
    }

    /// The segment shown for the customer; none before the first basket was evaluated.
    #[must_use]
    pub fn segment(&self) -> Option<&SegmentName> {
        self.head.segment.as_ref().map(|segment| &segment.name)
    }

    /// Since when that segment is shown.
    #[must_use]
    pub fn segment_since(&self) -> Option<Timestamp> {
        self.head.segment.as_ref().map(|segment| segment.since)
    }

    /// The sum of all amounts, returns included, in millionths.
    #[must_use]
    pub const fn total_spent(&self) -> i128 {
        self.head.total
    }

    /// The time of the latest purchase.
    #[must_use]
    pub const fn last_purchase_at(&self) -> Option<Timestamp> {
        self.head.last_purchase_at
    }

    /// About how many bytes of memory the state takes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let pages: usize = self.products.pages.iter().map(|page| page.memory_bytes()).sum();
        let stubs: usize =
            self.products.stub_pages.iter().map(|page| page.stubs.capacity() * size_of::<Stub>()).sum();
        size_of::<Self>() + size_of::<SegmentState>() + pages + stubs
    }

    /// A customer of whom nothing is known and nothing has been written.
    pub(crate) fn unwritten() -> Self {
        Self { touched: Touched { head: true, pages: 0 }, ..Self::default() }
    }

    /// The products that are held exactly.
    pub(crate) fn products(&self) -> impl Iterator<Item = &Product> {
        self.products.iter()
    }

    /// The products that are held exactly, each with the hash under which a model finds it.
    pub(crate) fn products_under_hashes(&self) -> impl Iterator<Item = (u32, &Product)> {
        self.products.pages.iter().flat_map(|page| page.under_hashes())
    }

    /// How many products are held exactly.
    pub(crate) fn product_count(&self) -> usize {
        self.products.pages.iter().map(|page| page.products().len()).sum()
    }

    /// The product, if it is held exactly.
    pub(crate) fn product(&self, id: &ProductId) -> Option<&Product> {
        let Place { page, slot } = self.products.find(id)?;
        self.products.pages.get(page).and_then(|page| page.products().get(slot))
    }
}

/// Pages by their index, none missing, none twice.
fn in_order<T>(mut pages: Vec<(usize, T)>) -> Result<Vec<T>, DecodeError> {
    pages.sort_by_key(|(index, _)| *index);
    let whole = pages.iter().enumerate().all(|(expected, (index, _))| expected == *index);
    if whole {
        Ok(pages.into_iter().map(|(_, page)| page).collect())
    } else {
        Err(DecodeError::Invalid("part"))
    }
}

fn part(number: usize, bytes: Vec<u8>) -> Option<Part> {
    u16::try_from(number).ok().map(|number| Part { number, bytes })
}
