//! What customers are shown.

#![expect(clippy::disallowed_methods, reason = "the standard library is the other route to a figure")]

use super::*;
use crate::model::fixture::{basket, day, product, sale, taught};
use crate::model::hash;
use crate::{Buyer, Observation};

fn item(id: &str, baskets: u32, last: i64, every: f64) -> OwnItem<'static> {
    let repeats = f64::from(baskets - 1);
    let product_id = Box::leak(Box::new(product(id)));
    OwnItem {
        product_id,
        hash: hash(product_id),
        baskets,
        baskets_since_first: 10,
        baskets_since_last: 0,
        last_at: day(last),
        intervals: IntervalSums { count: repeats, ln_days: repeats * every.ln() },
    }
}

fn query<'a>(own: &'a [OwnItem<'a>], basket: &'a [ProductId]) -> RankQuery<'a> {
    RankQuery { own, intervals: IntervalSums::default(), basket, limit: 10, now: day(100) }
}

/// Coffee goes with filters, tea with honey; stollen was sold at Christmas only; coffee sells best.
fn shop() -> Model {
    let mut early = Vec::new();
    for key in 0..30 {
        early.extend([
            basket(key, &["stollen", "coffee"], day(1)),
            sale("stollen", day(1)),
            sale("coffee", day(1)),
        ]);
    }
    let mut late = Vec::new();
    for key in 100..130 {
        late.push(basket(key, &["coffee", "filters"], day(95)));
        late.extend([sale("coffee", day(95)), sale("filters", day(95)), sale("coffee", day(97))]);
    }
    for key in 200..215 {
        late.push(basket(key, &["tea", "honey"], day(96)));
        late.extend([sale("tea", day(96)), sale("honey", day(96))]);
    }
    taught(&[(2, early), (100, late)])
}

fn ids(list: &[Recommended]) -> Vec<&str> {
    list.iter().map(|listed| listed.product_id.as_str()).collect()
}

#[test]
fn a_model_that_knows_nothing_recommends_nothing() {
    let own = [item("coffee", 3, 90, 10.0)];
    assert_eq!(rank(&Model::seed(), &query(&own, &[])), Recommendations::default());
    assert_eq!(rank(&shop(), &RankQuery { limit: 0, ..query(&own, &[]) }), Recommendations::default());
}

#[test]
fn a_stranger_is_shown_what_is_popular() {
    let shown = rank(&shop(), &query(&[], &[]));
    assert!(shown.again.is_empty());
    assert_eq!(ids(&shown.new)[..2], ["coffee", "filters"]);
    assert!(shown.new.iter().all(|listed| listed.reason == "popular"));
    assert_eq!(shown.new[0].product_name, "the coffee");
}

#[test]
fn new_is_what_goes_with_ones_own() {
    let own = [item("tea", 4, 96, 20.0)];
    let shown = rank(&shop(), &query(&own, &[]));
    assert_eq!(
        (ids(&shown.again), shown.new[0].product_id.as_str(), shown.new[0].reason),
        (vec!["tea"], "honey", "bought_together")
    );
    assert!(!ids(&shown.new).contains(&"tea"));
    assert_eq!((shown.new[1].product_id.as_str(), shown.new[1].reason), ("coffee", "popular"));
}

#[test]
fn what_is_out_of_the_assortment_fades() {
    let own = [item("coffee", 4, 96, 20.0)];
    let shown = rank(&shop(), &query(&own, &[]));
    // As many baskets held stollen as filters, but long ago.
    assert_eq!(shown.new[0].product_id.as_str(), "filters");
    let place = |id: &str| ids(&shown.new).iter().position(|listed| *listed == id);
    assert!(place("stollen") > place("filters"));
    let own = [item("stollen", 3, 1, 20.0), item("tea", 3, 1, 20.0)];
    assert_eq!(ids(&rank(&shop(), &query(&own, &[])).again), ["tea", "stollen"]);
}

#[test]
fn the_basket_is_company_and_not_recommended() {
    let own = [item("coffee", 4, 96, 20.0), item("tea", 2, 96, 20.0)];
    let basket = [product("tea")];
    let shown = rank(&shop(), &query(&own, &basket));
    assert_eq!(ids(&shown.again), ["coffee"]);
    assert!(!ids(&shown.new).contains(&"tea"));
    let score = |lists: &Recommendations, id: &str| {
        lists.new.iter().find(|listed| listed.product_id.as_str() == id).unwrap().score
    };
    let at_home = rank(&shop(), &query(&own, &[]));
    let of_filters = |lists: &Recommendations| score(lists, "honey") / score(lists, "filters");
    assert!(of_filters(&shown) > 2.0 * of_filters(&at_home), "tea in hand speaks louder than tea at home");
    let shown = rank(&shop(), &query(&[], &basket));
    assert_eq!(shown.new[0].product_id.as_str(), "honey");
}

#[test]
fn nothing_of_a_long_basket_is_recommended() {
    let all: Vec<String> = (0..300).map(|i| format!("p{i}")).collect();
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let mut seen: Vec<Observation> = names.iter().map(|id| sale(id, day(95))).collect();
    seen.extend(names.windows(5).zip(0..).map(|(ids, key)| basket(key, ids, day(95))));
    let in_hand: Vec<ProductId> = names.iter().skip(10).map(|id| product(id)).collect();
    let shown = rank(&taught(&[(100, seen)]), &RankQuery { limit: 20, ..query(&[], &in_hand) });
    assert!(ids(&shown.new).contains(&"p9"), "bought with what is in hand");
    assert!(shown.new.iter().all(|listed| !in_hand.contains(&listed.product_id)));
}

#[test]
fn what_is_due_comes_before_what_was_just_bought() {
    let own = [item("tea", 5, 99, 30.0), item("honey", 5, 91, 10.0)];
    let shown = rank(&shop(), &query(&own, &[]));
    assert_eq!((ids(&shown.again), shown.again[0].reason), (vec!["honey", "tea"], "due"));
    assert_eq!(shown.again[1].reason, "frequent");
}

#[test]
fn what_is_bought_more_often_comes_first_and_ties_go_to_what_is_popular() {
    let own = [item("tea", 2, 90, 20.0), item("filters", 8, 90, 20.0)];
    assert_eq!(ids(&rank(&shop(), &query(&own, &[])).again), ["filters", "tea"]);
    let own = [item("tea", 2, 90, 20.0), item("filters", 2, 90, 20.0)];
    assert_eq!(ids(&rank(&shop(), &query(&own, &[])).again), ["filters", "tea"]);
}

#[test]
fn of_two_products_alike_the_one_that_others_buy_again_comes_first() {
    let by = |id: &str, buyer| {
        let Observation::Sale(sale) = sale(id, day(95)) else { unreachable!() };
        Observation::Sale(crate::Sale { buyer, ..sale })
    };
    let sales = [("glue", Buyer::First), ("milk", Buyer::Again)].map(|(id, buyer)| vec![by(id, buyer); 20]);
    let own = [item("glue", 2, 90, 20.0), item("milk", 2, 90, 20.0)];
    let model = taught(&[(100, sales.concat())]);
    assert_eq!(ids(&rank(&model, &query(&own, &[])).again), ["milk", "glue"]);
}

#[test]
fn a_product_unknown_to_the_model_is_kept_under_its_id() {
    let own = [item("secret", 3, 90, 10.0)];
    let shown = rank(&shop(), &query(&own, &[]));
    assert_eq!((ids(&shown.again), shown.again[0].product_name.as_str()), (vec!["secret"], "secret"));
}

#[test]
fn the_order_of_own_products_does_not_matter() {
    let mut own = vec![item("tea", 2, 90, 20.0), item("filters", 2, 90, 20.0), item("honey", 2, 90, 20.0)];
    let shown = rank(&shop(), &query(&own, &[]));
    own.reverse();
    assert_eq!(rank(&shop(), &query(&own, &[])), shown);
    assert_eq!(rank(&shop(), &RankQuery { limit: 2, ..query(&own, &[]) }).again, shown.again[..2]);
}

#[test]
fn a_weight_is_the_decayed_count_of_even_baskets() {
    // Bought in baskets 1, 4, 7 and 10 of 12: 0.9^2 (1 + 0.9^3 + 0.9^6 + 0.9^9).
    let own = OwnItem { baskets_since_first: 12, baskets_since_last: 2, ..item("a", 4, 0, 5.0) };
    let hand: f64 = [2, 5, 8, 11].iter().map(|&gap| 0.9_f64.powi(gap)).sum();
    assert!((weight(&own) - hand).abs() < 1e-12);
    let once = OwnItem { baskets_since_first: 3, baskets_since_last: 2, ..item("a", 1, 0, 5.0) };
    assert!((weight(&once) - 0.81).abs() < 1e-12);
}
