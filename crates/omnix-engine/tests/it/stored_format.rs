//! The bytes of every version that was ever written can be read, and mean the same.
//!
//! `tests/golden` holds one state per version, as lines of part number and hexadecimal bytes. A new version
//! adds a file; none is ever changed.

#![expect(clippy::unwrap_used, reason = "the files are ours")]

use std::fmt::Write as _;

use omnix_engine::Customer;
use omnix_model::Timestamp;

use crate::common::{Shop, at, of_order, prediction, purchase, segment_update};

/// A state in which every field says something.
fn everything() -> Shop {
    let mut shop = Shop::live();
    let start = at("2026-01-06T10:00:00Z");
    for week in 0..8 {
        let day = start.plus_ms(7 * week * Timestamp::DAY_MS);
        shop.buys(of_order(&format!("order-{week}"), purchase("coffee", 20 + week, day)));
        shop.buys(of_order(
            &format!("order-{week}"),
            purchase(&format!("extra-{week}"), 5, day.plus_ms(900)),
        ));
    }
    let end = start.plus_ms(56 * Timestamp::DAY_MS);
    shop.buys(purchase("coffee", -20, end));
    shop.event(segment_update(Some("Champions"), "VIP", end));
    shop.event(prediction("coffee", 0.95, false, end));
    shop.learn(end);
    shop.buys(of_order("order-9", purchase("tea", 900, end.plus_ms(1_000))));
    shop.buys(of_order("order-9", purchase("coffee", 20, end.plus_ms(2_000))));
    shop.pass(end.plus_ms(60_000));
    shop
}

fn as_text(customer: &Customer) -> String {
    let mut text = String::new();
    for part in customer.parts() {
        let bytes: String = part.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{} {bytes}", part.number).unwrap();
    }
    text
}

fn read(text: &str) -> Customer {
    let parts: Vec<(u16, Vec<u8>)> = text
        .lines()
        .map(|line| {
            let (number, hex) = line.split_once(' ').unwrap();
            let pairs = (0..hex.len()).step_by(2).map(|start| hex.get(start..start + 2).unwrap());
            let bytes = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
            (number.parse().unwrap(), bytes)
        })
        .collect();
    Customer::decode(parts.iter().map(|(number, bytes)| (*number, bytes.as_slice()))).unwrap()
}

#[test]
fn version_1_is_read_and_written_as_ever() {
    let golden = include_str!("../golden/customer-v1.txt");
    let customer = read(golden);
    assert_eq!(as_text(&customer), golden);
    assert_eq!(customer.total_spent(), 1_128_000_000);
    assert_eq!(customer.segment().unwrap().label(), "VIP");
    assert_eq!(customer.touched(), [], "what was read has been written");
    let shop = everything();
    assert_eq!(&read(&as_text(shop.state())), shop.state());
}

#[test]
fn a_state_stays_within_its_bounds() {
    let shop = everything();
    let parts = shop.state().parts();
    let head = parts.last().unwrap();
    assert!(head.number == 0 && head.bytes.len() <= 1 << 10, "a head of {} bytes", head.bytes.len());
    let pages: usize = parts.iter().filter(|part| part.number > 0).map(|part| part.bytes.len()).sum();
    assert!(pages <= 64 * 10, "10 products take {pages} bytes");
}

#[test]
fn the_longest_names_make_no_large_head() {
    let mut shop = Shop::live();
    let start = at("2026-01-06T10:00:00Z");
    let (order, product) = ("o".repeat(256), "p".repeat(256));
    for week in 0..5 {
        shop.buys(of_order(&order, purchase(&product, 20, start.plus_ms(7 * week * Timestamp::DAY_MS))));
        shop.pass(start.plus_ms((7 * week + 1) * Timestamp::DAY_MS));
    }
    shop.event(segment_update(None, &"s".repeat(1_024), start.plus_ms(40 * Timestamp::DAY_MS)));
    let head = shop.state().parts().pop().unwrap();
    assert!(head.number == 0 && head.bytes.len() <= 1_200, "a head of {} bytes", head.bytes.len());
}

#[test]
fn a_newer_version_is_named_not_guessed() {
    let shop = everything();
    let parts: Vec<(u16, Vec<u8>)> =
        shop.state().parts().into_iter().map(|part| (part.number, part.bytes)).collect();
    for index in 0..parts.len() {
        let mut newer = parts.clone();
        newer[index].1[0] = 2;
        let result = Customer::decode(newer.iter().map(|(number, bytes)| (*number, bytes.as_slice())));
        assert_eq!(result.unwrap_err(), omnix_model::DecodeError::Unknown(2));
    }
}
