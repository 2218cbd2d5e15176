//! Customers: the profile, lists, and what to offer them.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, Time, Units};

/// A customer, as far as purchases tell.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerProfile {
    /// Who.
    pub customer_id: String,
    /// The time at which this was true.
    pub as_of: Time,
    /// Purchase events, returns not among them.
    pub purchases: u64,
    /// Orders.
    pub orders: u64,
    /// The sum of quantities, returns included.
    pub units: Units,
    /// The sum of `totalAmount`, returns included.
    pub total_spent: Amount,
    /// The installation's.
    pub currency: String,
    /// Null without an order.
    pub average_order_value: Option<Amount>,
    /// Null without a purchase.
    pub first_purchase_at: Option<Time>,
    /// Null without a purchase.
    pub last_purchase_at: Option<Time>,
    /// Whole days since the last purchase, by the shop's calendar.
    pub recency_days: Option<i64>,
    /// Null before the first order was evaluated.
    pub segment: Option<CustomerSegment>,
    /// Null with too little data.
    pub spending: Option<UsualSpending>,
    /// Those that matter most first.
    pub products: Vec<CustomerProduct>,
    /// What to offer.
    pub recommendations: RecommendationLists,
}

/// A customer's segment and why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerSegment {
    /// The name for people.
    pub name: String,
    /// The name in paths and channels; null for a segment of an outside model.
    pub slug: Option<String>,
    /// 0 to 1, higher is better.
    pub score: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Since when.
    pub since: Time,
    /// Why, as stable codes.
    pub reason_codes: Vec<String>,
}

/// What an order of a customer usually comes to.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct UsualSpending {
    /// The typical amount.
    pub usual: Amount,
    /// Below this is unusual.
    pub low: Amount,
    /// Above this is unusual.
    pub high: Amount,
}

/// One product of a customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerProduct {
    /// Which.
    pub product_id: String,
    /// Its name, as last seen.
    pub product_name: String,
    /// Purchase events of it.
    pub purchases: u64,
    /// The latest of them.
    pub last_purchase_at: Time,
    /// Null with too little data.
    pub usual_interval_days: Option<f64>,
    /// Null with too little data.
    pub next_expected_at: Option<Time>,
    /// The probability that it is bought within 30 days; null with too little data.
    pub confidence: Option<f64>,
}

/// The two lists of recommendations, best first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationLists {
    /// Products that the customer has bought before.
    pub again: Vec<RecommendedProduct>,
    /// Products that the customer has not bought.
    pub new: Vec<RecommendedProduct>,
}

/// One recommended product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecommendedProduct {
    /// Which.
    pub product_id: String,
    /// Its name, as last seen.
    pub product_name: String,
    /// For sorting only; higher is better.
    pub score: f64,
    /// Why, as a stable code.
    pub reason: &'static str,
}

/// What to offer a customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recommendations {
    /// Products that the customer has bought before.
    pub again: Vec<RecommendedProduct>,
    /// Products that the customer has not bought.
    pub new: Vec<RecommendedProduct>,
    /// The number of the model in force.
    pub model_version: u64,
    /// The time at which this was true.
    pub as_of: Time,
}

/// A list of customers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerList {
    /// The customers.
    pub customers: Vec<CustomerEntry>,
    /// The next page; null on the last.
    pub next_cursor: Option<String>,
}

/// One customer of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerEntry {
    /// Who.
    pub customer_id: String,
    /// The name of their segment; null before the first order was evaluated.
    pub segment: Option<String>,
    /// The sum of `totalAmount`, returns included.
    pub total_spent: Amount,
    /// Null without a purchase.
    pub last_purchase_at: Option<Time>,
}
