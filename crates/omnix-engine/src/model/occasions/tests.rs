//! What is known of occasions, and what is forgotten.

use super::*;
use crate::model::fixture::{day, product, sale, taught};
use crate::model::{Model, Observation, Sale};

const PLACE: u32 = 1 << 31;

fn counted(circumstance: u32, slot: u32, sales: u32) -> Counted {
    Counted { circumstance: Circumstance(circumstance), slot, sales }
}

fn at_place(place: u32) -> Occasion {
    Occasion { place: Some(place), ..Occasion::default() }
}

/// What is sold in a place, and in the night.
fn sold(occasions: &Occasions, place: u32) -> &Sold {
    occasions.on(at_place(place)).last().expect("known")
}

fn sale_in(id: &str, place: u32) -> Observation {
    let Observation::Sale(sale) = sale(id, day(0)) else { unreachable!() };
    Observation::Sale(Sale { occasion: at_place(place), ..sale })
}

#[test]
fn what_is_sold_more_here_than_elsewhere_is_lifted() {
    let mut occasions = Occasions::default();
    occasions.fold(0.0, vec![counted(PLACE | 9, 3, 60), counted(PLACE | 9, 1, 40)]);
    let sold = sold(&occasions, 9);
    // Observed over expected, both with 5 more; of that, what is sure.
    assert!((sold.lift(3, 0.1) - (65.0 - SURE * 65.0_f64.sqrt()) / 15.0).abs() < 1e-9);
    assert!((sold.lift(1, 0.4) - 1.0).abs() < 1e-9);
    assert!((sold.lift(1, 0.3) - 1.0).abs() < 1e-9, "45 for 35 may be chance");
    let never = (5.0 + SURE * 5.0_f64.sqrt()) / 20.0;
    assert!((sold.lift(7, 0.15) - never).abs() < 1e-9, "never sold here, though much elsewhere");
    assert!((sold.lift(7, 0.0) - 1.0).abs() < 1e-9, "sold nowhere");
    assert_eq!(sold.best(1), [3]);
}

#[test]
fn it_halves_in_56_days_and_is_forgotten_in_the_end() {
    let mut occasions = Occasions::default();
    occasions.fold(0.0, vec![counted(2, 0, 8)]);
    occasions.fold(56.0, vec![counted(2, 0, 1), counted(2, 0, 1), counted(2, 5, 1)]);
    assert_eq!(occasions.lists.len(), 1);
    let (_, sold) = &occasions.lists[0];
    assert_eq!((sold.sales, &sold.products[..]), (7.0, &[(0, 6.0), (5, 1.0)][..]));
    occasions.fold(1_000.0, Vec::new());
    assert_eq!(occasions, Occasions::default());
}

#[test]
fn places_and_products_are_bounded_and_the_others_are_not_thought_unsold() {
    let places = (0..100).map(|place| counted(PLACE | place, 0, 1 + place));
    let mut occasions = Occasions::default();
    occasions.fold(0.0, places.chain([counted(0, 0, 1)]).collect());
    assert_eq!(occasions.lists.len(), PLACES_MAX + 1, "hours are no places");
    assert_eq!(occasions.on(at_place(35)).count(), 1, "few sales");
    assert_eq!(occasions.on(at_place(36)).count(), 2);

    let products = (0..3_000).map(|slot| counted(PLACE | 1, slot, 2 + slot % 2));
    let mut occasions = Occasions::default();
    occasions.fold(0.0, products.collect());
    let sold = sold(&occasions, 1);
    assert_eq!((sold.products.len(), sold.rest_max, sold.sales), (SOLD_KEPT, 3.0, 7_500.0));
    assert!(sold.products.is_sorted_by_key(|(slot, _)| *slot));
    let gone = (0..3_000).find(|slot| sold.products.iter().all(|(held, _)| held != slot)).unwrap();
    assert!((sold.lift(gone, 1.0 / 7_500.0) - 1.0).abs() < 1e-9, "it may have been sold as expected");
    let thrice = (8.0 + SURE * 8.0_f64.sqrt()) / 80.0;
    assert!((sold.lift(gone, 0.01) - thrice).abs() < 1e-9, "but not more than three times");
    assert!(occasions.memory_bytes() <= BYTES_MAX);
}

#[test]
fn a_model_learns_occasions_and_keeps_them() {
    let observed: Vec<_> = (0..200).flat_map(|_| [sale_in("tea", 7), sale_in("coffee", 8)]).collect();
    let model = taught(&[(1, observed)]);
    let lift = |model: &Model, id: &str, place: u32| {
        let slot = model.slot(&product(id)).unwrap();
        model.sold_on(at_place(place)).last().unwrap().lift(slot, model.share(slot))
    };
    assert!(lift(&model, "tea", 7) > 1.5 && lift(&model, "tea", 8) < 0.4);
    let decoded = Model::decode(&model.encode()).unwrap();
    assert_eq!(decoded, model);
    assert!((lift(&decoded, "tea", 7) - lift(&model, "tea", 7)).abs() < 1e-12);
}
