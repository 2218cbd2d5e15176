//! What is shown of a customer: the profile and the two lists of recommendations.
//!
//! Computed from state and model when somebody asks; nothing here is stored.

use std::cmp::Reverse;

use omnix_model::{DeviceType, Money, ProductId, SegmentName, Timestamp};
use smol_str::SmolStr;

use crate::customer::{Product, SegmentState};
use crate::detect::recommendation_update::{Asked, lists};
use crate::detect::{behavior_anomaly, consumption_prediction};
use crate::look::pair_figures;
use crate::{Customer, Model, Occasion, Settings, calendar, say};

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
    /// For which moment; none: now.
    pub at: Option<Timestamp>,
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

/// Products that a profile lists at the most.
const PRODUCTS_MAX: usize = 100;
/// The score beyond which an amount is shown as unusual: about one of forty on either side.
const UNUSUAL_SCORE: f64 = 1.96;

/// The profile of `customer` at `now`.
#[must_use]
pub fn profile(customer: &Customer, model: &Model, settings: &Settings, now: Timestamp) -> Profile {
    let head = &customer.head;
    let day_of = |at| i64::from(calendar::day_of(&settings.time_zone, at));
    Profile {
        purchases: head.purchases,
        orders: head.orders,
        units: head.units,
        total_spent: head.total,
        average_order_value: head.bought.checked_div(head.orders.into()),
        first_purchase_at: head.first_purchase_at,
        last_purchase_at: head.last_purchase_at,
        recency_days: head.last_purchase_at.map(|last| (day_of(now) - day_of(last)).max(0)),
        segment: head.segment.as_deref().map(segment_view),
        spending: spending(customer, model),
        products: products(customer, model, settings, now),
    }
}

fn segment_view(shown: &SegmentState) -> SegmentView {
    SegmentView {
        name: shown.name.clone(),
        score: shown.score,
        confidence: shown.confidence,
        since: shown.since,
        reason_codes: shown.reason_codes.clone(),
    }
}

/// What an order usually comes to, from the second order on.
fn spending(customer: &Customer, model: &Model) -> Option<Spending> {
    let expected = behavior_anomaly::expectation(customer, model)?;
    let amount =
        |z| Money::from_millionths(say::clamped(say::millionths(expected.amount_at(z)))).millionths();
    Some(Spending { usual: amount(0.0), low: amount(-UNUSUAL_SCORE), high: amount(UNUSUAL_SCORE) })
}

/// The products bought on the most days first, then the latest; at most 100.
fn products(customer: &Customer, model: &Model, settings: &Settings, now: Timestamp) -> Vec<ProductView> {
    let mut held: Vec<&Product> = customer.products().collect();
    let rank = |product: &&Product| (Reverse(product.days), Reverse(product.last_at));
    held.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id)));
    held.truncate(PRODUCTS_MAX);
    held.into_iter().map(|product| product_view(customer, product, model, settings, now)).collect()
}

fn product_view(
    customer: &Customer,
    product: &Product,
    model: &Model,
    settings: &Settings,
    now: Timestamp,
) -> ProductView {
    // From the second purchase day on there is an interval to speak of.
    let outlook = (product.days >= 2)
        .then(|| consumption_prediction::outlook(&customer.head, customer.intervals(), product, model));
    let today = calendar::day_of(&settings.time_zone, now);
    let elapsed = today.saturating_sub(product.last_day).max(0);
    let figures = pair_figures(&customer.head, product, customer.intervals(), (today, elapsed), model);
    let [.., within_month] = model.learners().due(&figures);
    ProductView {
        product_id: product.id.clone(),
        product_name: product.shown_name(model),
        purchases: product.purchases.into(),
        last_purchase_at: product.last_at,
        usual_interval_days: outlook.map(|outlook| outlook.distribution.median()),
        next_expected_at: outlook
            .filter(|outlook| outlook.has_date)
            .map(|outlook| calendar::start_of(&settings.time_zone, outlook.due)),
        confidence: outlook.map(|_| within_month),
    }
}

/// What to offer `customer` (none: a stranger, who is shown what is popular) where, when and on what they are.
#[must_use]
pub fn recommend(
    customer: Option<&Customer>,
    model: &Model,
    settings: &Settings,
    request: &RecommendRequest,
    now: Timestamp,
) -> Recommendations {
    let at = request.at.unwrap_or(now);
    let occasion = Occasion::new(&settings.time_zone, at, request.location.as_deref(), request.device_type);
    let asked = Asked { occasion: Some(occasion), basket: &request.basket, limit: request.limit, at };
    lists(customer, model, &asked)
}
