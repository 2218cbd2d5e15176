//! The state of one customer: a head, and pages of products.
//!
//! Cheap to clone: pages are shared until one is written. Only what was touched is written back.

use omnix_model::{DecodeError, SegmentName, Timestamp};

/// One row of a customer's state: part 0 is the head, the others are pages of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// 0 for the head, else the page's number from 1.
    pub number: u16,
    /// Its new bytes.
    pub bytes: Vec<u8>,
}

/// The state of one customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Customer {}

impl Customer {
    /// The state stored in `parts` (part number and bytes), in any order.
    ///
    /// # Errors
    /// [`DecodeError`] when the parts are not a customer's state.
    pub fn decode<'a>(parts: impl IntoIterator<Item = (u16, &'a [u8])>) -> Result<Self, DecodeError> {
        let _ = parts.into_iter().count();
        Ok(Self {})
    }

    /// The parts touched since the state was decoded or last marked clean, pages first, the head last.
    #[must_use]
    pub fn touched(&self) -> Vec<Part> {
        Vec::new()
    }

    /// Notes that everything touched has been written.
    pub fn mark_clean(&mut self) {}

    /// When something falls due for this customer if nothing else happens: the end of its basket, a product, a
    /// change of segment by silence. The earliest of them; none for a customer of whom nothing is expected.
    #[must_use]
    pub const fn due(&self) -> Option<Timestamp> {
        None
    }

    /// The segment shown for the customer; none before the first basket was evaluated.
    #[must_use]
    pub const fn segment(&self) -> Option<&SegmentName> {
        None
    }

    /// The sum of all amounts, returns included, in millionths.
    #[must_use]
    pub const fn total_spent(&self) -> i128 {
        0
    }

    /// The time of the latest purchase.
    #[must_use]
    pub const fn last_purchase_at(&self) -> Option<Timestamp> {
        None
    }

    /// About how many bytes of memory the state takes.
    #[must_use]
    pub const fn memory_bytes(&self) -> usize {
        size_of::<Self>()
    }
}
