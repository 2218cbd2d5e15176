//! When a customer will buy a product again.

use omnix_model::ProductId;

use crate::customer::Product;
use crate::{Context, Customer, LogNormal};

/// Days ahead for which [`consumption`] speaks.
pub const CONSUMPTION_DAYS: [u16; 4] = [7, 14, 30, 60];
/// Days ahead for which [`due`] speaks.
pub const DUE_DAYS: [u16; 3] = [7, 14, 30];

/// When a product that was just bought will be bought next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Consumption {
    /// The median of the days from the purchase's day to the next purchase day; none beyond 60.
    pub median_days: Option<f64>,
    /// The probability that the next purchase day is at most so many days later, by [`CONSUMPTION_DAYS`].
    pub within: [f64; 4],
}

/// When `customer`, who has just bought `product`, will buy it next.
///
/// `P(T <= H) = F(H)`, `F` the log-normal distribution of the pair's next interval in whole days.
#[must_use]
pub fn consumption(customer: &Customer, product: &ProductId, context: &Context<'_>) -> Consumption {
    let distribution = distribution(customer, product, context);
    let within = CONSUMPTION_DAYS.map(|days| distribution.cdf(days.into()));
    let [.., longest] = within;
    let median_days = (longest >= 0.5).then(|| distribution.median());
    Consumption { median_days, within }
}

/// The probability that `customer` buys `product` on one of the next 7, 14 and 30 days, the first of which has
/// just begun and is the `elapsed_days`th after the last purchase day.
///
/// The interval in hand, in whole days, has not ended on the day before: `(F(e-1+H) - F(e-1))/(1 - F(e-1))`.
#[must_use]
pub fn due(customer: &Customer, product: &ProductId, elapsed_days: u16, context: &Context<'_>) -> [f64; 3] {
    let distribution = distribution(customer, product, context);
    let lasted = f64::from(elapsed_days.saturating_sub(1));
    DUE_DAYS.map(|days| distribution.ends_within(lasted, days.into()))
}

/// The distribution of the pair's next interval; of a product for which there is no room in the state, as of one
/// that was bought once.
fn distribution(customer: &Customer, product: &ProductId, context: &Context<'_>) -> LogNormal {
    let model = context.model;
    let own = customer.product(product).map(Product::interval_sums).unwrap_or_default();
    model.intervals().posterior(model.prior_mean(product, customer.intervals()), own)
}
