//! Whether lists have changed is what one would find by making them.

use omnix_model::ProductId;
use proptest::prelude::*;

use super::*;
use crate::model::fixture::{basket, day, product, sale, taught};
use crate::model::hash;
use crate::ranking::{OwnItem, RankQuery, rank};
use crate::view::Recommended;
use crate::{IntervalSums, Model, Observation};

const PRODUCTS: usize = 14;

fn shop(baskets: &[Vec<usize>]) -> Model {
    let id = |product: &usize| format!("p{product:02}");
    let mut seen: Vec<Observation> = Vec::new();
    for (key, products) in (0..).zip(baskets) {
        let ids: Vec<String> = products.iter().map(id).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        seen.push(basket(key, &ids, day(95)));
        seen.extend(ids.iter().map(|id| sale(id, day(95))));
    }
    taught(&[(100, seen)])
}

fn own(ids: &[ProductId], baskets: &[u32]) -> Vec<OwnItem<'static>> {
    let items = ids.iter().zip(baskets).filter(|(_, baskets)| **baskets > 0);
    items
        .map(|(id, &baskets)| OwnItem {
            product_id: Box::leak(Box::new(id.clone())),
            hash: hash(id),
            baskets,
            baskets_since_first: 10,
            baskets_since_last: 0,
            last_at: day(80),
            intervals: IntervalSums { count: f64::from(baskets) - 1.0, ln_days: f64::from(baskets) },
        })
        .collect()
}

/// The definition: how many of the list were not told.
fn is_changed(list: &[Recommended], told: &[u32; FIRST]) -> bool {
    list.iter().filter(|listed| !told.contains(&hash(&listed.product_id))).count() >= NEWS_MIN
}

proptest! {
    #[test]
    fn counting_finds_what_the_lists_say(
        baskets in prop::collection::vec(prop::collection::vec(0..PRODUCTS, 1..5), 1..20),
        bought in prop::collection::vec(0..4_u32, PRODUCTS),
        told in prop::collection::vec(prop::option::weighted(0.9, 0..PRODUCTS + 2), FIRST),
    ) {
        let ids: Vec<ProductId> = (0..PRODUCTS + 2).map(|number| product(&format!("p{number:02}"))).collect();
        let mut told: Vec<u32> = told.iter().map(|told| told.map_or(0, |told| hash(&ids[told]))).collect();
        told.sort_unstable();
        told.dedup();
        told.resize(FIRST, 0);
        let told: [u32; FIRST] = told.try_into().unwrap();
        let (model, own) = (shop(&baskets), own(&ids, &bought));
        let intervals = IntervalSums::default();
        let query = RankQuery { own: &own, intervals, basket: &[], limit: FIRST, now: day(100) };
        let lists = rank(&model, &query);
        let mut ranking = Ranking::of(&model, &query).unwrap();
        prop_assert_eq!(ranking.is_again_changed(&told), is_changed(&lists.again, &told));
        prop_assert_eq!(ranking.is_new_changed(&told), is_changed(&lists.new, &told));
    }
}
