//! What is shown of a customer: the profile and the two lists of recommendations.
//!
//! Computed from state and model when somebody asks; nothing here is stored.

use omnix_model::{DeviceType, ProductId, SegmentName, Timestamp};
use smol_str::SmolStr;

use crate::{Customer, Model, Settings};

/// A customer as `GET /v1/streaming/customers/{customerId}` shows them.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Purchase events, returns not among them.
    pub purchases: u64,
    /// Baskets.
    pub orders: u64,
    /// The sum of quantities, in thousandths, returns included.
    pub units: i128,
    /// The sum of amounts, in millionths, returns included.
    pub total_spent: i128,
    /// What an order is worth on average, in millionths; none without an order.
    pub average_order_value: Option<i128>,
    /// The first purchase.
    pub first_purchase_at: Option<Timestamp>,
    /// The latest purchase.
    pub last_purchase_at: Option<Timestamp>,
    /// Whole days since then, by the shop's calendar.
    pub recency_days: Option<i64>,
    /// The segment; none before the first basket was evaluated.
    pub segment: Option<SegmentView>,
    /// What an order of this customer usually comes to; none with too little data.
    pub spending: Option<Spending>,
    /// Products, those that matter most first.
    pub products: Vec<ProductView>,
}

/// A customer's segment and why.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentView {
    /// The segment.
    pub name: SegmentName,
    /// 0..=1, higher is better.
    pub score: f64,
    /// 0..=1.
    pub confidence: f64,
    /// Since when.
    pub since: Timestamp,
    /// Why, as stable codes such as `recent_purchase`.
    pub reason_codes: Vec<SmolStr>,
}

/// What an order usually comes to, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spending {
    /// The typical amount.
    pub usual: i64,
    /// Below this is unusual.
    pub low: i64,
    /// Above this is unusual.
    pub high: i64,
}

/// One product of a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductView {
    /// The product.
    pub product_id: ProductId,
    /// Its name, as last seen.
    pub product_name: SmolStr,
    /// Purchase events of it.
    pub purchases: u64,
    /// The latest of them.
    pub last_purchase_at: Timestamp,
    /// The usual interval in days; none with too little data.
    pub usual_interval_days: Option<f64>,
    /// When it is expected next; none with too little data.
    pub next_expected_at: Option<Timestamp>,
    /// The probability that it is bought within 30 days; none with too little data.
    pub confidence: Option<f64>,
}

/// What is asked of [`recommend`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecommendRequest {
    /// How many of each list.
    pub limit: usize,
    /// The shop or region, where known.
    pub location: Option<SmolStr>,
    /// The device, where known.
    pub device_type: Option<DeviceType>,
    /// Products in the basket already: not recommended, and company for others.
    pub basket: Vec<ProductId>,
}

/// A recommended product.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommended {
    /// The product.
    pub product_id: ProductId,
    /// Its name, as last seen.
    pub product_name: SmolStr,
    /// For sorting only; higher is better.
    pub score: f64,
    /// Why, as a stable code: `due`, `frequent`, `bought_together`, `popular`.
    pub reason: &'static str,
}

/// The two lists, best first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recommendations {
    /// Products that the customer has bought before.
    pub again: Vec<Recommended>,
    /// Products that the customer has not bought.
    pub new: Vec<Recommended>,
}

/// The profile of `customer` at `now`.
#[must_use]
pub fn profile(customer: &Customer, model: &Model, settings: &Settings, now: Timestamp) -> Profile {
    let _: (&Customer, &Model, &Settings, Timestamp) = (customer, model, settings, now);
    Profile {
        purchases: 0,
        orders: 0,
        units: 0,
        total_spent: 0,
        average_order_value: None,
        first_purchase_at: None,
        last_purchase_at: None,
        recency_days: None,
        segment: None,
        spending: None,
        products: Vec::new(),
    }
}

/// What to offer `customer` (none: a stranger, who is shown what is popular) at `now`.
#[must_use]
pub fn recommend(
    customer: Option<&Customer>,
    model: &Model,
    request: &RecommendRequest,
    now: Timestamp,
) -> Recommendations {
    let _: (Option<&Customer>, &Model, &RecommendRequest, Timestamp) = (customer, model, request, now);
    Recommendations::default()
}
