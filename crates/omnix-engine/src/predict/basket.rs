//! What the next order of a customer will hold.

use omnix_model::{DeviceType, ProductId, Timestamp};

use crate::detect::recommendation_update::{Asked, lists};
use crate::{Context, Customer, Occasion, Recommended};

/// What is known of an order before its first line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BasketMoment<'a> {
    /// Its time.
    pub at: Timestamp,
    /// The shop or region, where known.
    pub location: Option<&'a str>,
    /// The device, where known.
    pub device_type: Option<DeviceType>,
}

/// Products that an order is likely to hold, best first, without repeats.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BasketContents {
    /// All products compete.
    pub items: Vec<ProductId>,
    /// Only those that the customer's state does not hold.
    pub new_items: Vec<ProductId>,
}

/// The `limit` products that the next order of `customer` (none: a stranger) most likely holds.
///
/// The customer's own products come first, by the list of what to buy again; what is new follows. Lists are
/// shorter only where customer and model know fewer products.
#[must_use]
pub fn contents(
    customer: Option<&Customer>,
    moment: BasketMoment<'_>,
    limit: usize,
    context: &Context<'_>,
) -> BasketContents {
    let model = context.model;
    let occasion = Occasion::new(&context.settings.time_zone, moment.at, moment.location, moment.device_type);
    let asked = Asked { occasion: Some(occasion), basket: &[], limit, at: moment.at };
    let lists = lists(customer, model, &asked);
    let new_items = ids(lists.new);
    let mut items = ids(lists.again);
    if items.len() < limit {
        add_own(customer, limit, &mut items);
    }
    let room = limit.saturating_sub(items.len());
    items.extend(new_items.iter().take(room).cloned());
    BasketContents { items, new_items }
}

fn ids(list: Vec<Recommended>) -> Vec<ProductId> {
    list.into_iter().map(|product| product.product_id).collect()
}

/// Own products that no list holds: before there is a model, those bought most often, then latest.
fn add_own(customer: Option<&Customer>, limit: usize, items: &mut Vec<ProductId>) {
    let Some(customer) = customer else { return };
    let mut own: Vec<_> = customer.products().filter(|product| !items.contains(&product.id)).collect();
    own.sort_unstable_by(|a, b| {
        (b.baskets, b.last_at).cmp(&(a.baskets, a.last_at)).then_with(|| a.id.cmp(&b.id))
    });
    let room = limit.saturating_sub(items.len());
    items.extend(own.into_iter().take(room).map(|product| product.id.clone()));
}
