//! What is kept of a customer: exact sums, products, and what is written of them.

use crate::common::{Shop, at, of_order, purchase};
use omnix_engine::{Customer, Settings, profile};
use omnix_model::{Event, Money, Timestamp};

fn day(number: i64) -> Timestamp {
    at("2026-01-06T10:00:00Z").plus_ms(number * Timestamp::DAY_MS)
}

#[test]
fn sums_are_exact() {
    let mut shop = Shop::live();
    for minute in 0..300 {
        let mut line = purchase("p", 0, day(0).plus_ms(minute));
        line.total_amount = Money::from_millionths(100_000);
        shop.buys(line);
    }
    let profile = profile(shop.state(), &shop.model, &shop.settings, day(0));
    assert_eq!((profile.purchases, profile.orders), (300, 1));
    assert_eq!(profile.total_spent, 30_000_000);
    assert_eq!(profile.units, 300_000);
    assert_eq!(profile.average_order_value, Some(30_000_000));
}

#[test]
fn a_return_changes_sums_and_nothing_else() {
    let mut shop = Shop::live();
    shop.buys(of_order("o1", purchase("p", 50, day(0))));
    shop.buys(of_order("o2", purchase("p", 50, day(7))));
    let before = profile(shop.state(), &shop.model, &shop.settings, day(8));
    shop.buys(of_order("r1", purchase("p", -20, day(8))));
    let after = profile(shop.state(), &shop.model, &shop.settings, day(8));
    assert_eq!(after.total_spent, 80_000_000);
    assert_eq!(after.units, 1_000);
    assert_eq!((after.purchases, after.orders), (2, 2));
    assert_eq!(after.products, before.products);
    assert_eq!(after.last_purchase_at, Some(day(7)));
}

#[test]
fn a_late_event_counts_and_says_nothing() {
    let mut shop = Shop::live();
    for week in 1..8 {
        shop.buys(of_order(&format!("o{week}"), purchase("p", 50, day(7 * week))));
    }
    shop.pass(day(50));
    let (before, insights) =
        (profile(shop.state(), &shop.model, &shop.settings, day(50)), shop.insights.len());
    shop.accept(Event::Purchase(of_order("late", purchase("p", 9_000, day(3)))), day(50));
    let after = profile(shop.state(), &shop.model, &shop.settings, day(50));
    assert!(shop.facts.is_late);
    assert_eq!(after.purchases, before.purchases + 1);
    assert_eq!(after.orders, before.orders + 1);
    assert_eq!(after.total_spent, before.total_spent + 9_000_000_000);
    assert_eq!(after.first_purchase_at, Some(day(3)));
    assert_eq!(after.products[0].usual_interval_days, before.products[0].usual_interval_days);
    assert_eq!(after.spending, before.spending);
    assert_eq!(shop.insights.len(), insights);
}

#[test]
fn an_order_counts_once_however_its_lines_come() {
    let mut shop = Shop::history();
    let lines = [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 20), ("c", 21)];
    for (order, minute) in lines {
        shop.buys(of_order(order, purchase("p", 10, day(0).plus_ms(minute * 60_000))));
    }
    let profile = profile(shop.state(), &shop.model, &Settings::default(), day(1));
    assert_eq!((profile.purchases, profile.orders), (6, 3));
}

#[test]
fn what_is_written_is_read_again() {
    let mut shop = Shop::live();
    for number in 0..60 {
        shop.buys(of_order(&format!("o{number}"), purchase(&format!("p{}", number % 23), 50, day(number))));
    }
    assert_eq!(&shop.stored(), shop.state());
}

#[test]
fn only_what_was_touched_is_written() {
    let mut shop = Shop::live();
    for number in 0..64 {
        shop.buys(of_order("big", purchase(&format!("p{number:02}"), 5, day(0))));
    }
    shop.pass(day(1));
    let mut customer = shop.state().clone();
    customer.mark_clean();
    assert_eq!(customer.touched(), []);
    shop.customer = Some(customer);
    shop.buys(of_order("next", purchase("p40", 5, day(1))));
    let numbers: Vec<u16> = shop.state().touched().iter().map(|part| part.number).collect();
    assert_eq!(numbers, [3, 0]);
}

#[test]
fn a_customer_of_many_products_stays_bounded() {
    let mut shop = Shop::live();
    for number in 0..3_000 {
        shop.buys(of_order(
            &format!("o{number}"),
            purchase(&format!("product-{number}"), 5, day(0).plus_ms(number * 60_000)),
        ));
    }
    let parts = shop.state().touched();
    let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
    assert!(parts.len() <= 41, "{} parts", parts.len());
    assert!(bytes < 64 << 10, "{bytes} bytes");
    assert_eq!(profile(shop.state(), &shop.model, &shop.settings, day(3)).purchases, 3_000);
    // A product that had shrunk to a stub comes back with its purchases.
    shop.buys(of_order("again", purchase("product-2480", 5, day(3))));
    let products = profile(shop.state(), &shop.model, &shop.settings, day(3)).products;
    assert_eq!(products.iter().find(|p| p.product_id.as_str() == "product-2480").unwrap().purchases, 2);
    assert_eq!(&shop.stored(), shop.state());
}

#[test]
fn bytes_that_are_no_state_are_refused() {
    let mut shop = Shop::live();
    shop.buys(purchase("p", 5, day(0)));
    let parts = shop.state().touched();
    let head = &parts.last().unwrap().bytes;
    for end in 0..head.len() {
        assert!(Customer::decode([(0, &head[..end])]).is_err(), "cut at {end}");
    }
    assert!(
        Customer::decode([(0, head.as_slice()), (2, parts[0].bytes.as_slice())]).is_err(),
        "a missing page"
    );
    assert!(Customer::decode([(1, parts[0].bytes.as_slice())]).is_err(), "a missing head");
}

#[test]
fn a_name_is_kept_only_while_the_model_calls_it_otherwise() {
    let mut shop = Shop::live();
    let written = |shop: &Shop| {
        let parts = shop.state().parts();
        parts.iter().any(|part| part.bytes.windows(8).any(|bytes| bytes == b"p (name)"))
    };
    shop.buys(purchase("p", 5, day(0)));
    assert!(written(&shop), "nobody else knows it");
    shop.learn(day(1));
    shop.buys(purchase("p", 5, day(2)));
    assert!(!written(&shop));
    let name = |shop: &Shop| {
        profile(shop.state(), &shop.model, &shop.settings, day(3)).products[0].product_name.clone()
    };
    assert_eq!(name(&shop), "p (name)");
    let mut other = purchase("p", 5, day(4));
    other.product_name = "another".into();
    shop.buys(other);
    assert_eq!(name(&shop), "another", "as the customer saw it last");
    assert_eq!(&shop.stored(), shop.state());
}

/// A customer of whom much is known: an order a day of 8 of 64 products, said this and that of, and an order open.
fn well_known() -> Shop {
    let mut shop = Shop::history();
    for number in 0..120 {
        for line in 0..8 {
            let id = format!("product-{:04}", (number * 5 + line * 7) % 64);
            let amount = if number == 100 { 5_000 } else { 5 };
            let at = day(number).plus_ms(line * 1_000);
            shop.buys(of_order(&format!("order-{number:08}"), purchase(&id, amount, at)));
        }
        if number % 10 == 9 {
            shop.learn(day(number + 1));
        }
    }
    shop
}

#[test]
fn a_head_takes_at_most_a_kilobyte_and_a_product_64_bytes() {
    let shop = well_known();
    assert!(shop.insights.len() > 5, "there is something to remember: {}", shop.insights.len());
    let parts = shop.state().touched();
    let head = parts.iter().find(|part| part.number == 0).unwrap();
    assert!(head.bytes.len() <= 1_024, "{} bytes", head.bytes.len());
    let pages: usize = parts.iter().filter(|part| part.number > 0).map(|part| part.bytes.len()).sum();
    assert!(pages <= 64 * 64, "{pages} bytes for 64 products");
}

#[test]
fn a_till_of_20_000_products_stays_bounded() {
    let mut shop = Shop::history();
    let mut largest = 0;
    for number in 0..40_000 {
        let id = format!("product-{}", number * 7_919 % 20_000);
        shop.buys(of_order(&format!("o{number}"), purchase(&id, 5, day(0).plus_ms(number * 700_000))));
        shop.insights.clear();
        shop.observations.clear();
        if number % 5_000 == 4_999 {
            let bytes: usize = shop.state().touched().iter().map(|part| part.bytes.len()).sum();
            largest = largest.max(bytes);
        }
    }
    assert!(largest < 96 << 10, "{largest} bytes");
    let profile = profile(shop.state(), &shop.model, &shop.settings, day(330));
    assert_eq!((profile.purchases, profile.orders), (40_000, 40_000));
}
