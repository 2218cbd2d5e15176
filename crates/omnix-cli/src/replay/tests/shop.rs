//! Histories of a small shop, from a seed.

use omnix_model::{
    CustomerId, Event, Money, OrderId, ProductId, Purchase, Quantity, SegmentName, SegmentUpdate, Timestamp,
};
use smol_str::SmolStr;

use super::{HistoryEvent, event, time};

/// A purchase of one piece for `amount`; a return where it is negative.
pub(super) fn purchase(customer: &str, product: &str, amount: i64, at: Timestamp) -> Purchase {
    Purchase {
        customer_id: Some(CustomerId::new(customer).unwrap()),
        product_id: ProductId::new(product).unwrap(),
        product_category: SmolStr::new_static("all"),
        product_name: SmolStr::new(product),
        quantity: Quantity::from_thousandths(if amount < 0 { -1_000 } else { 1_000 }),
        price: Money::from_millionths(amount.abs() * 1_000_000),
        total_amount: Money::from_millionths(amount * 1_000_000),
        timestamp: at,
        location: Some(SmolStr::new_static("Leeds")),
        payment_method: None,
        device_type: None,
        order_id: None,
        order_lines: None,
        metadata: SmolStr::default(),
        extra: SmolStr::default(),
    }
}

/// A line of an order.
pub(super) fn line(customer: &str, order: &str, product: &str, amount: i64, at: &str) -> HistoryEvent {
    of_order(order, purchase(customer, product, amount, time(at)))
}

pub(super) fn of_order(order: &str, mut purchase: Purchase) -> HistoryEvent {
    purchase.order_id = (!order.is_empty()).then(|| OrderId::new(order).unwrap());
    event(Event::Purchase(purchase))
}

/// An outside model's word.
pub(super) fn segment_update(customer: &str, to: &str, at: Timestamp) -> HistoryEvent {
    event(Event::SegmentUpdate(SegmentUpdate {
        customer_id: CustomerId::new(customer).unwrap(),
        previous_segment: None,
        new_segment: SegmentName::parse(to),
        segmentation_score: 0.5,
        reason_codes: Vec::new(),
        timestamp: at,
        confidence: 0.5,
        model_version: SmolStr::new_static("m"),
        extra: SmolStr::default(),
    }))
}

/// Numbers from a seed (`SplitMix64`).
pub(super) struct Seed(pub(super) u64);

impl Seed {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn signed(&mut self, end: u64) -> i64 {
        self.below(end).cast_signed()
    }
}

/// `days` days of a shop, in time order: customers with rhythms of their own, returns, guests, an outside model,
/// orders with and without an id, several in a minute; nothing from 21:00 to 8:00, nothing on every seventh day.
pub(super) fn history(seed: u64, days: i64) -> Vec<HistoryEvent> {
    let mut seed = Seed(seed);
    let mut events = Vec::new();
    for day in (0..days).filter(|day| day % 7 != 6) {
        let opens = time("2026-01-01T08:00:00Z").plus_ms(day * Timestamp::DAY_MS);
        for customer in 0..24_u64 {
            if seed.below(2 + customer % 9) == 0 {
                let at = opens.plus_ms(seed.signed(13 * 60) * 60_000);
                visit(&mut seed, customer, at, &mut events);
            }
        }
        let guest = purchase("guest", "p3", 7, opens.plus_ms(seed.signed(700) * 60_000));
        events.push(HistoryEvent { is_anonymous: true, ..event(Event::Purchase(guest)) });
    }
    events.sort_by_key(|event| event.event.timestamp());
    events
}

fn visit(seed: &mut Seed, customer: u64, at: Timestamp, events: &mut Vec<HistoryEvent>) {
    let name = format!("c{customer}");
    // A till that names its orders names all of them: a line without a name would belong to any of the minute.
    let has_id = seed.below(4) != 0;
    for order in 0..=u64::from(seed.below(6) == 0) {
        let number = events.len();
        let factor = if seed.below(40) == 0 { 20 } else { 1 };
        for _ in 0..=seed.below(5) {
            let favourite = (customer * 7 + seed.below(4)) % 40;
            let product = if seed.below(3) == 0 { seed.below(40) } else { favourite };
            let amount = factor * (3 + seed.signed(12));
            let bought = purchase(&name, &format!("p{product}"), amount, at);
            events.push(of_order(&if has_id { format!("o{order}-{number}") } else { String::new() }, bought));
        }
    }
    match seed.below(30) {
        0 => events.push(event(Event::Purchase(purchase(&name, "p1", -4, at.plus_ms(60_000))))),
        1 => events.push(segment_update(&name, "VIP", at.plus_ms(120_000))),
        _ => {}
    }
}
