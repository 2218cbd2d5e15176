//! What a tally holds, its bounds and its bytes.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]
#![expect(clippy::float_cmp, reason = "tests: small figures, exact by design")]

use super::*;
use crate::model::fixture::{START, basket, busy_day, day, interval, order, order_at, sale, tally};

fn of<'a>(tally: &'a Tally, id: &str) -> &'a ProductTally {
    tally.products.iter().find(|observed| observed.id.as_str() == id).unwrap()
}

#[test]
fn nothing_observed_is_empty() {
    assert!(Tally::default().is_empty() && tally(&[]).is_empty());
    assert!(!tally(&[order(5.0, 1.0)]).is_empty() && !tally(&[interval("a", 3.0, None)]).is_empty());
    assert!(!tally(&[interval("a", f64::NAN, None)]).is_empty(), "what was left out was observed too");
}

#[test]
fn sales_are_counted_by_buyer() {
    let by = |buyer| {
        let Observation::Sale(sale) = sale("a", START) else { unreachable!() };
        Observation::Sale(Sale { buyer, ..sale })
    };
    let tally = tally(&[by(Buyer::First), by(Buyer::Again), by(Buyer::Again), by(Buyer::Anonymous)]);
    let Popularity { sales, known_sales, repeats, .. } = of(&tally, "a").popularity;
    assert_eq!([sales, known_sales, repeats], [4.0, 3.0, 2.0]);
}

#[test]
fn a_later_sale_counts_more_by_its_half_lives() {
    let tally = tally(&[sale("a", day(0)), sale("b", day(56)), sale("c", day(-14))]);
    assert_eq!([of(&tally, "a").popularity.long, of(&tally, "b").popularity.long], [1.0, 2.0]);
    assert_eq!([of(&tally, "b").popularity.short, of(&tally, "c").popularity.short], [16.0, 0.5]);
}

#[test]
fn weights_stay_bounded_however_far_sales_lie_apart() {
    let tally =
        tally(&[sale("old", Timestamp::MIN), sale("a", day(0)), sale("b", day(401)), sale("c", day(802))]);
    assert_eq!(tally.base, Some(day(802)));
    for observed in &tally.products {
        assert!(observed.popularity.short <= 1.0 && observed.popularity.long <= 1.0);
    }
    let b = of(&tally, "b").popularity.short;
    assert!((b - 2_f64.powf(-401.0 / 14.0)).abs() < 1e-18, "{b}");
    // Seven years or more are nothing.
    assert_eq!(of(&tally, "old").popularity.short, 0.0);
}

#[test]
fn a_product_is_called_as_it_was_last() {
    let named = |name: &str, at| {
        let Observation::Sale(sale) = sale("a", at) else { unreachable!() };
        Observation::Sale(Sale { product_name: name.into(), ..sale })
    };
    let tally = tally(&[named("new", day(2)), named("old", day(1)), named("newest", day(2))]);
    assert_eq!(of(&tally, "a").label.as_ref().unwrap().name, "newest");
}

#[test]
fn intervals_go_to_their_product_and_to_all() {
    let e = std::f64::consts::E;
    let tally = tally(&[interval("a", e, None), interval("b", e * e, Some(0.5)), interval("a", 0.5, None)]);
    assert_eq!(of(&tally, "a").intervals.count, 2.0);
    assert!((of(&tally, "a").intervals.ln_days - 1.0).abs() < 1e-12);
    assert!((tally.intervals.all.ln_days - 3.0).abs() < 1e-12);
    assert_eq!((tally.intervals.within_count, tally.intervals.within_sum), (1.0, 0.5));
    assert!((tally.intervals.exposure_days - (e + e * e + 1.0)).abs() < 1e-12);
}

#[test]
fn what_cannot_be_is_left_out_and_counted() {
    let tally = tally(&[
        interval("a", f64::INFINITY, None),
        interval("a", -1.0, None),
        interval("a", 2.0, Some(f64::NAN)),
    ]);
    assert_eq!(tally.left_out(), 3);
    assert_eq!((tally.intervals.all.count, tally.intervals.within_count), (1.0, 0.0));
}

#[test]
fn a_long_basket_is_sampled_by_hash_to_eighty_lines() {
    let ids: Vec<String> = (0..200).map(|i| format!("p{i}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let one = tally(&[basket(1, &ids, START)]);
    assert_eq!(one.baskets.baskets[0].places.len(), 80);
    let mut turned = ids.clone();
    turned.reverse();
    let names = |tally: &Tally| {
        let places = &tally.baskets.baskets[0].places;
        let mut names: Vec<_> =
            places.iter().map(|&place| tally.products[place as usize].id.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&one), names(&tally(&[basket(1, &turned, START)])), "the order of lines is irrelevant");
    assert_ne!(names(&one), names(&tally(&[basket(2, &ids, START)])), "another basket, another sample");
}

#[test]
fn a_product_that_stands_twice_in_a_basket_counts_once() {
    assert_eq!(tally(&[basket(1, &["a", "b", "a"], START)]).baskets.baskets[0].places.len(), 2);
}

#[test]
fn baskets_are_thinned_by_hash_when_there_are_too_many() {
    let ids: Vec<String> = (0..40).map(|i| format!("p{i}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut tally = Tally::default();
    for key in 0..1_000 {
        tally.absorb(&[basket(key, &ids, START)]);
    }
    // 65,536 / 1,600 = 40 baskets at the most, one in 32 or 64 of a thousand.
    let BasketSample { level, baskets, .. } = &tally.baskets;
    assert!(baskets.len() <= 40 && baskets.len() >= 5, "{}", baskets.len());
    assert!((4..=7).contains(level), "{level}");
    assert_eq!(tally.left_out(), 1_000 - baskets.len() as u64);
    // Whether a basket is kept does not depend on when it came.
    let mut turned = Tally::default();
    for key in (0..1_000).rev() {
        turned.absorb(&[basket(key, &ids, START)]);
    }
    let keys = |tally: &Tally| {
        let mut keys: Vec<_> = tally.baskets.baskets.iter().map(|basket| basket.key).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys(&tally), keys(&turned));
}

#[test]
fn products_are_bounded_and_the_sums_over_all_are_not() {
    let mut tally = Tally::default();
    for i in 0..TALLY_PRODUCTS_MAX + 100 {
        let id = format!("p{i}");
        tally.absorb(&[sale(&id, START), interval(&id, 10.0, None)]);
    }
    assert_eq!(tally.products.len(), TALLY_PRODUCTS_MAX);
    assert_eq!(tally.intervals.all.count, (TALLY_PRODUCTS_MAX + 100) as f64);
    assert_eq!(tally.left_out(), 200);
    assert!(tally.memory_bytes() < 4 << 20);
}

#[test]
fn its_bytes_give_it_back_and_absorb_goes_on_alike() {
    let (first, second) = (busy_day(1, 60), busy_day(2, 60));
    let whole = tally(&first);
    let mut restored = Tally::decode(&whole.encode()).unwrap();
    assert_eq!(restored, whole);
    assert_eq!(restored.encode(), whole.encode());
    let mut straight = whole;
    straight.absorb(&second);
    restored.absorb(&second);
    assert_eq!(restored.encode(), straight.encode());
    assert!(Tally::decode(&Tally::default().encode()).unwrap().is_empty());
}

#[test]
fn what_version_1_wrote_is_read_and_written_alike() {
    let observed = tally(&[
        sale("a", day(0)),
        sale("b", day(1)),
        interval("a", 7.0, Some(0.25)),
        basket(9, &["b", "a"], day(1)),
        order(5.0, 1.0),
        order_at(3, 4.5),
    ]);
    assert_eq!(Tally::decode(TALLY_1).unwrap(), observed);
    assert_eq!(observed.encode(), TALLY_1, "a stored format may only change with its version");
}

/// Written by version 1; never to be changed.
const TALLY_1: &[u8] = include_bytes!("../fixture/tally-1.bin");

#[test]
fn damaged_bytes_are_refused_or_read_but_never_panic() {
    let bytes = tally(&busy_day(3, 12)).encode();
    for len in 0..bytes.len() {
        assert!(Tally::decode(&bytes[..len]).is_err(), "cut at {len}");
    }
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let read = Tally::decode(&damaged);
            // Folding each of them would take long: every ninth.
            if let Some(tally) = read.ok().filter(|_| at % 9 == 0) {
                let model =
                    crate::learn(&crate::Model::seed(), &[(crate::model::fixture::lane(0), tally)], day(9));
                assert!(crate::Model::decode(&model.encode()).is_ok(), "byte {at} ^ {flip}");
            }
        }
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(Tally::decode(&longer).is_err());
    assert!(Tally::decode(&[2]).is_err());
}
