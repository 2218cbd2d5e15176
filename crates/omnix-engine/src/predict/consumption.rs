//! When a customer will buy a product again.

use omnix_model::ProductId;

use crate::calendar::Day;
use crate::customer::Product;
use crate::look::pair_figures;
use crate::model::{BOUGHT_DAYS, PairFigures};
use crate::{Context, Customer, Model};

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

/// The probabilities that a product is bought again within the days of [`BOUGHT_DAYS`]; between them they rise
/// evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Curve([f64; BOUGHT_DAYS.len()]);

impl Curve {
    /// What the learners say of a pair on the day on which it was bought.
    pub(crate) fn of(pair: &PairFigures, model: &Model) -> Self {
        Self(model.learners().bought(pair))
    }

    /// Its pieces, from the day of the purchase on: where each begins and ends.
    fn pieces(&self) -> impl Iterator<Item = [(f64, f64); 2]> {
        let mut from = (0.0, 0.0);
        BOUGHT_DAYS
            .map(f64::from)
            .into_iter()
            .zip(self.0)
            .map(move |to| [std::mem::replace(&mut from, to), to])
    }

    /// The probability of at most `days`, up to 60.
    pub(crate) fn within(&self, days: f64) -> f64 {
        let [.., last] = self.0;
        let piece = self.pieces().find(|[_, (to, _)]| days <= *to);
        piece.map_or(last, |[(from, low), (to, high)]| low + (high - low) * (days - from) / (to - from))
    }

    /// The days within which it is bought with even odds; none beyond 60.
    pub(crate) fn median(&self) -> Option<f64> {
        let [(from, low), (to, high)] = self.pieces().find(|[_, (_, high)]| *high >= 0.5)?;
        Some(from + (to - from) * (0.5 - low) / (high - low).max(1e-9))
    }
}

/// When `customer`, who has just bought `product`, will buy it next.
#[must_use]
pub fn consumption(customer: &Customer, product: &ProductId, context: &Context<'_>) -> Consumption {
    let bought = with_product(customer, product, |product| {
        figures(customer, product, product.last_day, 0, context.model)
    });
    let curve = Curve::of(&bought, context.model);
    Consumption {
        median_days: curve.median(),
        within: CONSUMPTION_DAYS.map(|days| curve.within(days.into())),
    }
}

/// The probability that `customer` buys `product` on one of the next 7, 14 and 30 days, the first of which has
/// just begun and is the `elapsed_days`th after the last purchase day.
#[must_use]
pub fn due(customer: &Customer, product: &ProductId, elapsed_days: u16, context: &Context<'_>) -> [f64; 3] {
    let elapsed = Day::from(elapsed_days);
    let pair = with_product(customer, product, |product| {
        // The interval in hand has not ended on the day before.
        let lasted = elapsed.saturating_sub(1);
        figures(customer, product, product.last_day.saturating_add(elapsed), lasted, context.model)
    });
    context.model.learners().due(&pair)
}

fn figures(customer: &Customer, product: &Product, day: Day, lasted: Day, model: &Model) -> PairFigures {
    pair_figures(&customer.head, product, customer.intervals(), (day, lasted), model)
}

/// What `of` says of the product; of one for which there is no room in the state, as of one that was bought once,
/// with the customer's latest basket.
fn with_product(
    customer: &Customer,
    id: &ProductId,
    of: impl FnOnce(&Product) -> PairFigures,
) -> PairFigures {
    match customer.product(id) {
        Some(product) => of(product),
        None => of(&Product::once(id.clone(), &customer.head)),
    }
}
