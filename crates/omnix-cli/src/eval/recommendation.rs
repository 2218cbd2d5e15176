//! Recommendations against what was in the basket.
//!
//! A basket is what a customer bought on a day; the list is that of the day's first order. Baskets of customers
//! with at least two earlier order days count; for new products those with at least one product that the
//! customer had not bought before the day. The same is told order by order, for shops where customers order
//! several times a day.

use super::favourites::Favourites;
use super::history::History;
use super::measure::{Findings, Measure};
use super::metric::{self, ListScore};
use super::noise;
use super::predictions::{Lists, Predictions};
use super::split::Split;

/// Products on a list.
pub(crate) const LENGTH: usize = 10;
/// Earlier order days from which on a basket is evaluated.
const ORDER_DAYS_MIN: usize = 2;

/// The rules by name.
const FAVOURITES: &str = "own favourites, then bestsellers";
const LATELY: &str = "what sells lately";

/// A list held against a basket: the product's, and the simple rule's.
#[derive(Debug, Clone, Copy)]
struct Scored {
    customer: usize,
    said: Option<ListScore>,
    rule: ListScore,
}

/// An order of the hold-out that is evaluated.
#[derive(Debug)]
struct Row {
    items: Scored,
    /// None when the basket has nothing new.
    new_items: Option<Scored>,
    /// The same against the whole day, for the day's first order.
    day: Option<(Scored, Option<Scored>)>,
}

pub(crate) fn evaluate(history: &History, predictions: &Predictions, split: Split) -> Findings {
    let mut rows = rows(history, predictions, split);
    let expected = rows.len();
    let found = rows.iter().filter(|row| row.items.said.is_some()).count();
    if found > 0 {
        rows.retain(|row| row.items.said.is_some());
    }
    let days: Vec<Scored> = rows.iter().filter_map(|row| row.day.map(|(items, _)| items)).collect();
    let new: Vec<Scored> = rows.iter().filter_map(|row| row.day?.1).collect();
    let orders: Vec<Scored> = rows.iter().map(|row| row.items).collect();
    let new_orders: Vec<Scored> = rows.iter().filter_map(|row| row.new_items).collect();
    let hit = |score: ListScore| f64::from(u8::from(score.hit));
    let recall = |score: ListScore| score.recall;
    let measures = vec![
        mean(
            Measure::high("recommendation.recall", "share of the basket in the list of 10")
                .goals(0.195, 0.206, 0.215),
            &days,
            FAVOURITES,
            recall,
        ),
        mean(
            Measure::high("recommendation.ndcg", "NDCG@10, best list of 10 = 1").goals(0.322, 0.341, 0.355),
            &days,
            FAVOURITES,
            |score| score.ndcg,
        ),
        mean(
            Measure::high("recommendation.ndcg_whole", "NDCG@10, whole basket in order = 1"),
            &days,
            FAVOURITES,
            |score| score.ndcg_whole,
        ),
        mean(
            Measure::high("recommendation.new.recall", "new products: share in the list of 10")
                .goals(0.059, 0.092, 0.1),
            &new,
            LATELY,
            recall,
        ),
        mean(
            Measure::high("recommendation.new.hit", "new products: lists with a hit")
                .goals(0.317, 0.465, 0.5),
            &new,
            LATELY,
            hit,
        ),
        mean(
            Measure::high("recommendation.order.recall", "order by order: share in the list of 10"),
            &orders,
            FAVOURITES,
            recall,
        ),
        mean(
            Measure::high("recommendation.order.new.recall", "order by order, new: share in the list"),
            &new_orders,
            LATELY,
            recall,
        ),
    ];
    Findings { title: "Recommendation", measures, expected, found }
}

fn mean(
    measure: Measure,
    rows: &[Scored],
    rule: &'static str,
    of: impl Fn(ListScore) -> f64 + Copy,
) -> Measure {
    let gains: Vec<(usize, f64)> =
        rows.iter().filter_map(|row| Some((row.customer, of(row.said?) - of(row.rule)))).collect();
    measure
        .found(rows.len(), metric::mean(rows.iter().filter_map(|row| row.said).map(of)))
        .against(rule, metric::mean(rows.iter().map(|row| of(row.rule))))
        .within(noise::of_mean(&gains))
}

/// All orders of the hold-out whose customer has ordered on enough days before.
fn rows(history: &History, predictions: &Predictions, split: Split) -> Vec<Row> {
    let mut favourites = Favourites::new(history);
    let mut rows = Vec::new();
    // By customer: the last order day, and how many there were before it.
    let mut days: Vec<(i64, usize)> = vec![(i64::MIN, 0); history.customers.len()];
    let baskets = baskets(history);
    for (index, order) in history.orders.iter().enumerate() {
        let Some((last, before)) = days.get_mut(order.customer) else { continue };
        let is_first = *last != order.day;
        if is_first {
            *before += usize::from(*last != i64::MIN);
            *last = order.day;
        }
        if order.day >= split.from && *before >= ORDER_DAYS_MIN {
            let lists = (predictions.recommendations.get(&index), favourites.lists(order.customer));
            let fresh = |basket: &[usize]| -> Vec<usize> {
                basket.iter().copied().filter(|product| !favourites.owns(order.customer, *product)).collect()
            };
            let score = |basket: &[usize]| score(order.customer, &lists, basket, &fresh(basket));
            let (items, new_items) = score(&order.products);
            let day = baskets.get(index).filter(|_| is_first).map(|basket| score(basket));
            rows.push(Row { items, new_items, day });
        }
        favourites.add(order);
    }
    rows
}

/// By order: all that its customer bought on its day, where it is the first of the day; empty for others.
fn baskets(history: &History) -> Vec<Vec<usize>> {
    let mut baskets: Vec<Vec<usize>> = vec![Vec::new(); history.orders.len()];
    let mut firsts: Vec<(i64, usize)> = vec![(i64::MIN, 0); history.customers.len()];
    for (index, order) in history.orders.iter().enumerate() {
        let Some((day, first)) = firsts.get_mut(order.customer) else { continue };
        if *day != order.day {
            (*day, *first) = (order.day, index);
        }
        if let Some(basket) = baskets.get_mut(*first) {
            basket.extend(&order.products);
        }
    }
    for basket in &mut baskets {
        basket.sort_unstable();
        basket.dedup();
    }
    baskets
}

/// The lists against a basket, and the lists of new products against what is new in it.
fn score(
    customer: usize,
    (said, rule): &(Option<&Lists>, Lists),
    basket: &[usize],
    fresh: &[usize],
) -> (Scored, Option<Scored>) {
    let items = Scored {
        customer,
        said: said.map(|lists| metric::list_score(&lists.items, basket, LENGTH)),
        rule: metric::list_score(&rule.items, basket, LENGTH),
    };
    let new_items = Scored {
        customer,
        said: said.map(|lists| metric::list_score(&lists.new_items, fresh, LENGTH)),
        rule: metric::list_score(&rule.new_items, fresh, LENGTH),
    };
    (items, (!fresh.is_empty()).then_some(new_items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::history::tests::history;

    #[test]
    fn a_day_is_judged_as_a_whole_and_by_its_first_list() {
        // Tea 0, jam 1; the fifth day brings oil 2 in a second order.
        let history = history(&[
            "ann tea 1 2026-01-01T10:00:00Z 1",
            "ann jam 2 2026-01-02T10:00:00Z 1",
            "ann tea 3 2026-01-05T10:00:00Z 1",
            "ann oil 4 2026-01-05T12:00:00Z 1",
        ]);
        let mut predictions = Predictions::default();
        predictions.recommendations.insert(2, Lists { items: vec![0], new_items: vec![2] });
        predictions.recommendations.insert(3, Lists { items: vec![1], new_items: vec![9] });
        let split = Split { from: history.orders[2].day, last: history.orders[3].day, first: 0 };
        let findings = evaluate(&history, &predictions, split);
        let value = |key: &str| findings.value(key).unwrap();
        assert!((value("recommendation.recall") - 0.5).abs() < 1e-9);
        assert!((value("recommendation.new.recall") - 1.0).abs() < 1e-9);
        assert!((value("recommendation.new.hit") - 1.0).abs() < 1e-9);
        // Two orders: tea found, oil not; the one with something new had it not on its list.
        assert!((value("recommendation.order.recall") - 0.5).abs() < 1e-9);
        assert!(value("recommendation.order.new.recall").abs() < 1e-9);
        assert_eq!((findings.expected, findings.found), (2, 2));
        // The rule's list before the day is jam and tea, of which tea is one of two.
        let (_, rule) = findings.measure("recommendation.recall").unwrap().rule.unwrap();
        assert!((rule.unwrap() - 0.5).abs() < 1e-9);
    }
}
