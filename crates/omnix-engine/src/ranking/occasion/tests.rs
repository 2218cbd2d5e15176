//! What is offered where, and when.

use omnix_model::{DeviceType, ProductId};

use super::*;
use crate::Recommended;
use crate::model::fixture::{basket, day, product, sale, taught};
use crate::model::hash;
use crate::ranking::OwnItem;
use crate::{IntervalSums, Observation, Sale};

const NORTH: Occasion = Occasion { day_part: 1, device: Some(DeviceType::Pos), place: Some(1) };
const SOUTH: Occasion = Occasion { day_part: 1, device: Some(DeviceType::Pos), place: Some(2) };
const NIGHT: Occasion = Occasion { day_part: 3, device: Some(DeviceType::Web), place: None };

fn sold(id: &str, occasion: Occasion, count: usize) -> Vec<Observation> {
    let Observation::Sale(sale) = sale(id, day(95)) else { unreachable!() };
    vec![Observation::Sale(Sale { occasion, ..sale }); count]
}

/// Umbrellas sell in the north, sun hats in the south, wine at night; bread everywhere. Of cups and jugs, which are
/// both bought with tea, only the north has cups.
fn shop() -> Model {
    let mut observed = [
        sold("umbrella", NORTH, 40),
        sold("sun hat", SOUTH, 60),
        sold("wine", NIGHT, 30),
        sold("cup", NORTH, 30),
        sold("jug", SOUTH, 25),
    ]
    .concat();
    for occasion in [NORTH, SOUTH, NIGHT] {
        observed.extend(sold("bread", occasion, 60));
        observed.extend(sold("tea", occasion, 10));
    }
    for key in 0..20 {
        observed.extend([basket(key, &["tea", "cup"], day(95)), basket(key + 100, &["tea", "jug"], day(95))]);
    }
    taught(&[(100, observed)])
}

fn ids(list: &[Recommended]) -> Vec<&str> {
    list.iter().map(|listed| listed.product_id.as_str()).collect()
}

fn offered(own: &[OwnItem<'_>], basket: &[ProductId], occasion: Occasion) -> Recommendations {
    let query = RankQuery { own, intervals: IntervalSums::default(), basket, limit: 2, now: day(100) };
    rank_on(&shop(), &query, occasion)
}

fn own(id: &ProductId) -> OwnItem<'_> {
    OwnItem {
        product_id: id,
        hash: hash(id),
        baskets: 2,
        baskets_since_first: 2,
        baskets_since_last: 0,
        last_at: day(90),
        intervals: IntervalSums::default(),
    }
}

#[test]
fn a_stranger_is_shown_what_sells_here_and_now() {
    assert_eq!(ids(&offered(&[], &[], NORTH).new), ["bread", "umbrella"]);
    assert_eq!(ids(&offered(&[], &[], SOUTH).new), ["bread", "sun hat"]);
    assert_eq!(ids(&offered(&[], &[], NIGHT).new), ["bread", "wine"]);
}

#[test]
fn what_goes_with_ones_own_is_offered_where_it_is_sold() {
    let tea = product("tea");
    let first = |occasion| offered(&[own(&tea)], &[], occasion).new[0].product_id.to_string();
    assert_eq!((first(NORTH), first(SOUTH)), ("cup".to_owned(), "jug".to_owned()));
    let company = offered(&[], &[tea], SOUTH);
    assert_eq!(company.new[0].product_id.as_str(), "jug", "also for what is in the basket");
}

#[test]
fn of_ones_own_comes_first_what_is_sold_here() {
    let (umbrella, hat) = (product("umbrella"), product("sun hat"));
    let own = [own(&umbrella), own(&hat)];
    assert_eq!(ids(&offered(&own, &[], NORTH).again), ["umbrella", "sun hat"]);
    assert_eq!(ids(&offered(&own, &[], SOUTH).again), ["sun hat", "umbrella"]);
}

#[test]
fn an_occasion_of_which_nothing_is_known_changes_nothing() {
    let unknown = Occasion { day_part: 2, device: Some(DeviceType::Mobile), place: Some(9) };
    let query =
        RankQuery { own: &[], intervals: IntervalSums::default(), basket: &[], limit: 3, now: day(100) };
    assert_eq!(rank_on(&shop(), &query, unknown), rank(&shop(), &query));
    let none = RankQuery { limit: 0, ..query };
    assert_eq!(rank_on(&shop(), &none, NORTH), Recommendations::default());
    assert_eq!(rank_on(&Model::seed(), &query, NORTH), Recommendations::default());
}

#[test]
fn nothing_that_is_held_comes_back_as_best_selling() {
    let hat = product("sun hat");
    let lists = offered(&[own(&hat)], &[product("bread")], SOUTH);
    assert!(!ids(&lists.new).contains(&"sun hat") && !ids(&lists.new).contains(&"bread"));
}
