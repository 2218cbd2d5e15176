//! Retailers' cases: what is predicted of customers whom one can picture.

use omnix_model::{
    CustomerId, Event, EventId, EventRecord, Lane, Money, OrderId, Origin, ProductId, Purchase, Quantity,
    Timestamp,
};
use smol_str::SmolStr;

use super::*;
use crate::{Cause, Context, Customer, Model, Moment, Settings, Tally, apply, learn};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn product(id: &str) -> ProductId {
    ProductId::new(id).unwrap()
}

/// A customer and what the shop has learnt from them.
struct Shop {
    id: CustomerId,
    customer: Option<Customer>,
    model: Model,
    settings: Settings,
    tally: Tally,
    orders: u32,
}

impl Shop {
    fn new() -> Self {
        Self {
            id: CustomerId::new("c").unwrap(),
            customer: None,
            model: Model::seed(),
            settings: Settings::default(),
            tally: Tally::default(),
            orders: 0,
        }
    }

    fn context(&self) -> Context<'_> {
        Context { model: &self.model, settings: &self.settings, customer_id: &self.id }
    }

    fn state(&self) -> &Customer {
        self.customer.as_ref().unwrap()
    }

    /// An order of one piece of each product, at `amount` apiece.
    fn buys(&mut self, products: &[&str], amount: i64, time: Timestamp) {
        self.orders += 1;
        for id in products {
            let line = Purchase {
                customer_id: Some(self.id.clone()),
                product_id: product(id),
                product_category: SmolStr::default(),
                product_name: SmolStr::default(),
                quantity: Quantity::from_thousandths(1_000),
                price: Money::from_millionths(amount * 1_000_000),
                total_amount: Money::from_millionths(amount * 1_000_000),
                timestamp: time,
                location: None,
                payment_method: None,
                device_type: None,
                order_id: Some(OrderId::new(&format!("o{}", self.orders)).unwrap()),
                order_lines: None,
                metadata: SmolStr::default(),
                extra: SmolStr::default(),
            };
            let record = EventRecord {
                event_id: EventId::new("e").unwrap(),
                origin: Origin::Import,
                fingerprint: 0,
                anonymous: false,
                event: Event::Purchase(line),
            };
            let moment = Moment { now: time, is_history: true };
            let mut customer = self.customer.take();
            let effects = apply(&mut customer, Cause::Event(&record), moment, &self.context()).unwrap();
            self.tally.absorb(&effects.observations);
            self.customer = customer;
        }
    }

    /// Coffee every `days` days, `times` times from 1 January on; answers the day after the last.
    fn drinks_coffee(&mut self, days: i64, times: i64) -> Timestamp {
        let first = at("2026-01-01T10:00:00Z");
        (0..times).for_each(|time| self.buys(&["coffee"], 5, first.plus_ms(time * days * Timestamp::DAY_MS)));
        at("2026-01-02T00:00:00Z").plus_ms((times - 1) * days * Timestamp::DAY_MS)
    }
}

#[test]
fn coffee_every_tuesday_is_expected_again_in_a_week() {
    let mut shop = Shop::new();
    shop.drinks_coffee(7, 12);
    let coffee = consumption(shop.state(), &product("coffee"), &shop.context());
    let median = coffee.median_days.unwrap();
    assert!((6.0..10.0).contains(&median), "{median}");
    assert!(coffee.within.is_sorted() && coffee.within[2] > 0.9, "{coffee:?}");
}

#[test]
fn what_is_bought_every_other_month_has_no_date() {
    let mut shop = Shop::new();
    shop.drinks_coffee(75, 6);
    let coffee = consumption(shop.state(), &product("coffee"), &shop.context());
    assert_eq!(coffee.median_days, None);
    assert!(coffee.within[3] < 0.5 && coffee.within[3] > 0.2, "{coffee:?}");
}

#[test]
fn the_nearer_the_next_coffee_the_likelier_it_is() {
    let mut shop = Shop::new();
    shop.drinks_coffee(7, 12);
    let due = |elapsed| due(shop.state(), &product("coffee"), elapsed, &shop.context());
    let (fresh, soon) = (due(1), due(6));
    assert!(fresh.is_sorted() && soon.is_sorted());
    assert!(soon[0] > fresh[0], "{fresh:?} {soon:?}");
    let coffee = consumption(shop.state(), &product("coffee"), &shop.context());
    let is_alike = fresh.iter().zip(coffee.within).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(is_alike, "the day after the purchase is the first day: {fresh:?} {coffee:?}");
}

#[test]
fn a_product_that_the_state_has_no_room_for_is_expected_as_if_bought_once() {
    let mut shop = Shop::new();
    shop.drinks_coffee(7, 12);
    let tea = consumption(shop.state(), &product("tea"), &shop.context());
    let coffee = consumption(shop.state(), &product("coffee"), &shop.context());
    assert!(tea.within[0] > 0.0 && tea.within[0] < coffee.within[0], "{tea:?} {coffee:?}");
}

#[test]
fn an_order_is_judged_by_those_before_it_and_never_alone() {
    let mut shop = Shop::new();
    shop.buys(&["rug"], 50, at("2026-01-01T10:00:00Z"));
    let first = verdict(shop.state(), &shop.context()).unwrap();
    assert_eq!((first.amount, first.score, first.is_alert), (50_000_000, None, false));
    for week in 1..10 {
        shop.buys(&["rug"], 50, at("2026-01-01T10:00:00Z").plus_ms(week * 7 * Timestamp::DAY_MS));
    }
    let usual = verdict(shop.state(), &shop.context()).unwrap();
    assert!(usual.score.is_some_and(|score| score.abs() < 2.0) && !usual.is_alert, "{usual:?}");
    shop.buys(&["rug", "sofa"], 2_500, at("2026-04-01T10:00:00Z"));
    let huge = verdict(shop.state(), &shop.context()).unwrap();
    assert!(huge.score > usual.score && huge.is_alert && huge.amount == 5_000_000_000, "{huge:?}");
    shop.buys(&["pin"], 1, at("2026-04-08T10:00:00Z"));
    let tiny = verdict(shop.state(), &shop.context()).unwrap();
    assert!(tiny.score.is_some_and(|score| score < 0.0) && !tiny.is_alert, "{tiny:?}");
}

#[test]
fn orders_that_follow_each_other_fast_become_a_burst() {
    let mut shop = Shop::new();
    let start = shop.drinks_coffee(7, 10);
    let mut last = burst(shop.customer.as_ref(), start);
    assert!(!last.1);
    shop.buys(&["coffee"], 5, start);
    for order in 1..6 {
        let time = start.plus_ms(order * 900_000);
        let next = burst(shop.customer.as_ref(), time);
        assert!(next.0 > last.0);
        last = next;
        shop.buys(&["coffee"], 5, time);
    }
    assert!(last.1);
    assert!(!burst(None, start).1, "a stranger's first order is none");
}

#[test]
fn lists_are_full_whoever_comes() {
    let mut shop = Shop::new();
    let moment = BasketMoment { at: at("2026-02-01T10:00:00Z"), location: None, device_type: None };
    assert_eq!(contents(None, moment, 10, &shop.context()), BasketContents::default(), "an empty shop");
    shop.buys(&["a", "b", "c"], 5, at("2026-01-01T10:00:00Z"));
    shop.buys(&["b"], 5, at("2026-01-05T10:00:00Z"));
    let own = contents(shop.customer.as_ref(), moment, 10, &shop.context());
    assert_eq!(own.items, ["b", "a", "c"].map(product), "without a model, by how often");
    let names: Vec<String> = (0..300).map(|number| format!("p{number:03}")).collect();
    let mut other = Shop::new();
    for chunk in names.chunks(30) {
        other.buys(&chunk.iter().map(String::as_str).collect::<Vec<_>>(), 5, at("2026-01-06T10:00:00Z"));
    }
    let tallies = [(Lane::FIRST, shop.tally.clone()), (Lane::FIRST, other.tally.clone())];
    shop.model = learn(&shop.model, &tallies, at("2026-01-07T00:00:00Z"));
    for limit in [10, 400] {
        let stranger = contents(None, moment, limit, &shop.context());
        assert_eq!(stranger.items, stranger.new_items);
        assert_eq!(stranger.items.len(), limit.min(303));
        let known = contents(shop.customer.as_ref(), moment, limit, &shop.context());
        assert_eq!((known.items.len(), known.new_items.len()), (limit.min(303), limit.min(300)));
        assert!(known.new_items.iter().all(|id| shop.state().product(id).is_none()));
        let mut unique = known.items.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), known.items.len(), "without repeats");
    }
}

#[test]
fn who_orders_often_and_lately_will_come_again() {
    let chance = |days: i64, times: i64, silent_days: i64| {
        let mut shop = Shop::new();
        let after = shop.drinks_coffee(days, times);
        visit(shop.state(), after.plus_ms(silent_days * Timestamp::DAY_MS), &shop.context())
    };
    assert!((chance(1, 1, 0) - 0.5).abs() < 0.05, "one order just now: even odds");
    assert!(chance(7, 12, 0) > 0.9);
    assert!(chance(7, 12, 0) > chance(7, 12, 90));
    assert!(chance(7, 12, 90) < chance(7, 3, 90), "who came every week for long is surely gone");
    assert!(chance(7, 12, 3_000) < 1e-3);
}
