//! The two lists of products for one customer: what to buy again and what is new.
//!
//! A pure function of the customer's own products, the model and the moment. Deliberately not here: how the
//! customer's products are stored, and whether a change of the lists is worth telling.

use omnix_model::{ProductId, Timestamp};

use crate::view::Recommendations;
use crate::{IntervalSums, Model};

/// What a customer's state knows of one product they bought, as far as the lists depend on it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnItem {
    /// The product.
    pub product_id: ProductId,
    /// Baskets of the customer that held it.
    pub baskets: u32,
    /// The number of the customer's baskets from the first that held it on, that one included.
    pub baskets_since_first: u32,
    /// The number of the customer's baskets after the last that held it.
    pub baskets_since_last: u32,
    /// The time of the latest of them.
    pub last_at: Timestamp,
    /// Its intervals: how many, and the sum of ln(days).
    pub intervals: IntervalSums,
}

/// For whom, when and with what in hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankQuery<'a> {
    /// The customer's own products; none for a stranger.
    pub own: &'a [OwnItem],
    /// The customer's re-purchase intervals over all products.
    pub intervals: IntervalSums,
    /// What is in the basket already: not recommended, and company for others.
    pub basket: &'a [ProductId],
    /// How many of each list.
    pub limit: usize,
    /// When.
    pub now: Timestamp,
}

/// The two lists, best first.
#[must_use]
pub fn rank(model: &Model, query: &RankQuery<'_>) -> Recommendations {
    let _: (&Model, &RankQuery<'_>) = (model, query);
    Recommendations::default()
}
