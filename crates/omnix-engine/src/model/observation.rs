//! What one record teaches about all customers.

use omnix_model::{ProductId, Timestamp};
use smol_str::SmolStr;

use crate::Occasion;
use crate::model::{ChoiceSums, LearnerInput};

/// One thing that a record teaches about all customers.
///
/// It holds figures and products, never who it was about; rows that wait for a label hold a hash of it. What is not
/// finite is left out when it is absorbed, and counted.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// A product was bought: once per product and basket, returns not among them.
    Sale(Sale),
    /// A customer bought a product again.
    Interval(Interval),
    /// A basket was evaluated: what was bought together.
    Basket(Basket),
    /// An order's amount was looked at: once per basket.
    Order(Order),
    /// What an order took of what was new to the customer.
    Choice(ChoiceSums),
    /// What the learners are told.
    Learner(LearnerInput),
    /// An order came at an hour of the shop's day: once per basket whose time of day is known.
    Hour(OrderHour),
}

/// A product was bought.
#[derive(Debug, Clone, PartialEq)]
pub struct Sale {
    /// The product.
    pub product_id: ProductId,
    /// Its name, as now seen.
    pub product_name: SmolStr,
    /// Its category, as now seen.
    pub product_category: SmolStr,
    /// Who bought it.
    pub buyer: Buyer,
    /// ln(amount of the line in units of the currency); none for what was free.
    pub ln_amount: Option<f32>,
    /// When: the event's own time.
    pub at: Timestamp,
    /// In what part of the shop's day, where and on what.
    pub occasion: Occasion,
}

/// Who bought a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buyer {
    /// Nobody known.
    Anonymous,
    /// A customer who had not bought it before.
    First,
    /// A customer who had bought it in an earlier basket.
    Again,
}

/// A customer bought a product again, on another day than before.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// The product.
    pub product_id: ProductId,
    /// Days since the customer bought it before; below 1 they count as 1.
    pub days: f64,
    /// `d^2 (k-1)/k` with `d = ln(days) - S/(k-1)`: how far it lies from the mean of the pair's `k - 1`
    /// earlier intervals; none without an earlier one.
    pub within: Option<f64>,
}

/// What was bought together.
#[derive(Debug, Clone, PartialEq)]
pub struct Basket {
    /// A hash that names the basket and says nothing of the customer: lines and baskets are sampled by it.
    pub key: u64,
    /// The products, each once, in any order; more than 80 are sampled down to 80.
    pub products: Vec<ProductId>,
    /// When: the time of its first line.
    pub at: Timestamp,
}

/// An order's amount was looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// By its amount.
    pub whole: Measured,
    /// By its amount for what is in it.
    pub for_lines: Measured,
    /// How unusual it was; none when it was not scored.
    pub score: Option<Score>,
}

/// An order by one measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// `y`: ln(amount in units of the currency), less what is explained.
    pub y: f64,
    /// `x^2 (n-1)/n` with `x` = `y` without drift minus the customer's mean of the `n - 1` orders before; none
    /// for the first.
    pub within: Option<f64>,
    /// `yc - M`: how far the clamped `y` lies from what was expected; none before the third order.
    pub residual: Option<f64>,
}

/// An order came at an hour of the shop's day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderHour {
    /// The hour, 0..24.
    pub hour: u8,
    /// How unusual it was for the customer; none when too little is known, or when the same hour counted on that
    /// day.
    pub score: Option<f64>,
    /// Whether it passed the threshold in force.
    pub is_alert: bool,
}

/// How unusual an order was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The normal-equivalent score of its amount: the higher one of both measures.
    pub z: f64,
    /// The score of the line farthest above what is usual; none where nothing is usual yet.
    pub line: Option<f64>,
    /// Whether any of them passed the threshold in force.
    pub is_alert: bool,
}
