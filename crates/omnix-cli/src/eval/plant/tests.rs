//! Copies of a small shop: what is changed in them, and what is not.

use std::collections::HashMap;

use super::*;
use crate::cli::HistoryFormat;
use crate::eval::predictions::OrderScore;

const TABLE: &str = "customer,product,time,amount,order\n\
                     ann,tea,2026-01-05 10:00,2.50,1\n\
                     ann,jam,2026-01-05 10:00,4,1\n\
                     bob,tea,2026-01-05 10:25,2.50,2\n\
                     ann,tea,2026-01-09 10:00,2.50,3\n\
                     ann,tea,2026-01-10 10:00,-2.50,3\n";

/// The history of the shop, and that of a copy of it.
fn copied(copy: &Copy) -> (History, History) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.csv");
    std::fs::write(&path, TABLE).unwrap();
    let source = HistoryFile::new(&path, Some(HistoryFormat::Csv)).unwrap();
    let (history, _) = source.history().unwrap();
    let written = folder.path().join("copy.ndjson");
    copy.write(source, &history, &written).unwrap();
    let again = HistoryFile::new(&written, None).unwrap().history().unwrap().0;
    (history, again)
}

fn amounts(history: &History) -> Vec<f64> {
    history.orders.iter().map(|order| order.amount).collect()
}

#[test]
fn only_the_lines_of_the_chosen_order_are_multiplied() {
    let (history, copy) = copied(&Copy { wrong: Wrong::Times(5), orders: BTreeMap::from([(0, 5)]) });
    assert_eq!(amounts(&history), [6.5, 2.5, 2.5]);
    assert_eq!(amounts(&copy), [32.5, 2.5, 2.5]);
}

#[test]
fn a_faithful_copy_says_the_same() {
    let (history, copy) = copied(&Copy::faithful());
    assert_eq!(amounts(&copy), amounts(&history));
    assert_eq!(copy.purchase_days, history.purchase_days);
}

#[test]
fn a_burst_follows_in_its_own_time() {
    let copy = Copy { wrong: Wrong::Burst, orders: BTreeMap::from([(0, 1)]) };
    let (_, copied) = copied(&copy);
    let ids: Vec<&str> = copied.orders.iter().map(|order| order.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["1", "burst 0 1", "burst 0 2", "2", "burst 0 3", "burst 0 4", "burst 0 5", "3"]);
    let of_day: Vec<f64> = amounts(&copied).into_iter().take(3).collect();
    assert_eq!(of_day, [6.5, 2.5, 2.5]);

    let split = Split { from: 0, last: i64::MAX, first: 0 };
    let harvest = |alerting: &[usize]| {
        let said = OrderScore { score: Some(0.0), burst_alert: true, ..OrderScore::default() };
        let orders = alerting.iter().map(|order| (*order, said)).collect();
        let mut harvest = Harvest::default();
        copy.harvest(&copied, &Predictions { orders, ..Predictions::default() }, split, &mut harvest);
        (harvest.bursts, harvest.bursts_noticed)
    };
    // The fourth and the fifth; an order beside it and the fifth alone, which is late.
    assert_eq!(harvest(&[5, 6]), (1, 1));
    assert_eq!(harvest(&[3, 6]), (1, 0));
}

#[test]
fn an_order_is_moved_with_all_its_lines() {
    let copy = Copy { wrong: Wrong::Hour, orders: BTreeMap::from([(0, 10)]) };
    let (history, copied) = copied(&copy);
    let ids: Vec<&str> = copied.orders.iter().map(|order| order.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["2", "moved 0", "3"]);
    assert_eq!(copied.orders[1].at, history.orders[0].at.plus_ms(10 * 3_600_000));
    assert_eq!(amounts(&copied), [2.5, 6.5, 2.5]);
    let said = |score: f64| OrderScore { hour_score: Some(score), ..OrderScore::default() };
    let orders = HashMap::from([(0, said(1.0)), (1, said(5.0)), (2, said(0.0))]);
    let mut harvest = Harvest::default();
    let split = Split { from: 0, last: i64::MAX, first: 0 };
    copy.harvest(&copied, &Predictions { orders, ..Predictions::default() }, split, &mut harvest);
    assert_eq!(harvest.hour_scores, [5.0]);
}

#[test]
fn what_is_rare_is_held_against_all_alerts() {
    let copy = Copy { wrong: Wrong::Rare, orders: BTreeMap::from([(0, 3), (1, 5)]) };
    let (history, _) = copied(&copy);
    let said = OrderScore { score: Some(3.0), alert: true, ..OrderScore::default() };
    let orders = HashMap::from([(0, said), (2, said), (1, OrderScore { alert: false, ..said })]);
    let predictions = Predictions { orders, ..Predictions::default() };
    let mut harvest = Harvest::default();
    let split = Split { from: 0, last: i64::MAX, first: 0 };
    copy.harvest(&history, &predictions, split, &mut harvest);
    assert_eq!((harvest.rare, harvest.rare_found, harvest.rare_alerts), (2, 1, 2));
}

#[test]
fn about_one_order_in_twenty_is_chosen_and_each_copy_has_its_own() {
    let chosen = |number: u32| -> BTreeSet<usize> {
        (0..10_000).filter(|order| choice(*order, number, Wrong::Times(3)).is_some()).collect()
    };
    let (first, second) = (chosen(0), chosen(1));
    assert!((400..600).contains(&first.len()), "{}", first.len());
    assert!(first.intersection(&second).count() < 60);
    let rare: Vec<u32> = (0..10_000).filter_map(|order| choice(order, 0, Wrong::Rare)).collect();
    assert!((60..140).contains(&rare.len()), "{}", rare.len());
    assert!(FACTORS.iter().all(|factor| rare.contains(factor)));
}
