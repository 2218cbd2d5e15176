//! The simple rules for recommendations: what the customer bought most often, and what sells lately.
//!
//! Both see only the orders before. Deliberately not the engine's own ranking.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::history::{History, Order};
use super::predictions::Lists;
use super::recommendation::LENGTH;

/// Days after which a sale counts half in what sells lately.
const HALF_LIFE_DAYS: f64 = 14.0;

/// Products by how much they sell: the most popular one is found, and moves, in logarithmic time.
#[derive(Debug)]
struct Popularity {
    weights: Vec<f64>,
    /// Weights above 0 sort like their bits; of equal ones the first that was met stands first.
    order: BTreeSet<(Reverse<u64>, usize)>,
}

impl Popularity {
    fn new(products: usize) -> Self {
        Self { weights: vec![0.0; products], order: BTreeSet::new() }
    }

    fn add(&mut self, product: usize, weight: f64) {
        let Some(held) = self.weights.get_mut(product) else { return };
        self.order.remove(&(Reverse(held.to_bits()), product));
        *held += weight;
        self.order.insert((Reverse(held.to_bits()), product));
    }

    fn weight(&self, product: usize) -> f64 {
        self.weights.get(product).copied().unwrap_or_default()
    }

    /// The products, the most popular one first.
    fn best(&self) -> impl Iterator<Item = usize> {
        self.order.iter().map(|(_, product)| *product)
    }
}

/// What has been bought so far.
#[derive(Debug)]
pub(crate) struct Favourites {
    /// By customer: on how many days each product was bought, and the day of the last time.
    own: Vec<BTreeMap<usize, (u32, i64)>>,
    /// Order days in which a product was bought, by all customers; and the same, decayed.
    ever: Popularity,
    lately: Popularity,
    first_day: i64,
}

impl Favourites {
    pub(crate) fn new(history: &History) -> Self {
        Self {
            own: vec![BTreeMap::new(); history.customers.len()],
            ever: Popularity::new(history.products.len()),
            lately: Popularity::new(history.products.len()),
            first_day: history.span().map_or(0, |(first, _)| first),
        }
    }

    /// What the rules say before the customer's next order: own products by how often, then by what sells,
    /// filled with what sells; and of what is new to the customer that which sells lately.
    pub(crate) fn lists(&self, customer: usize) -> Lists {
        let nothing = BTreeMap::new();
        let own = self.own.get(customer).unwrap_or(&nothing);
        let mut items: Vec<(u32, f64, usize)> =
            own.iter().map(|(product, (count, _))| (*count, self.ever.weight(*product), *product)).collect();
        items.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
        let is_new = |product: &usize| !own.contains_key(product);
        let items = items.into_iter().map(|(_, _, product)| product);
        Lists {
            items: items.chain(self.ever.best().filter(is_new)).take(LENGTH).collect(),
            new_items: self.lately.best().filter(is_new).take(LENGTH).collect(),
        }
    }

    /// Whether the customer has bought the product before `day`.
    pub(crate) fn owns(&self, customer: usize, product: usize) -> bool {
        self.own.get(customer).is_some_and(|own| own.contains_key(&product))
    }

    /// Counts an order; a product bought again on the same day counts once.
    pub(crate) fn add(&mut self, order: &Order) {
        // Forward decay: later sales weigh more, earlier ones stay as they are.
        let weight = ((order.day - self.first_day) as f64 / HALF_LIFE_DAYS).exp2();
        let Some(own) = self.own.get_mut(order.customer) else { return };
        for product in &order.products {
            let (count, last) = own.entry(*product).or_insert((0, i64::MIN));
            if *last != order.day {
                (*count, *last) = (*count + 1, order.day);
                self.ever.add(*product, 1.0);
                self.lately.add(*product, weight);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::history::tests::history;

    #[test]
    fn own_products_come_by_count_then_by_what_sells_then_others() {
        // Products in the order in which they are met: tea 0, jam 1, oil 2, rye 3, cod 4.
        let history = history(&[
            "ann tea 1 2026-01-01T10:00:00Z 1",
            "ann jam 1 2026-01-01T10:00:00Z 1",
            "ann oil 1 2026-01-01T10:00:00Z 1",
            "ann jam 2 2026-01-02T10:00:00Z 1",
            "bob oil 3 2026-01-03T10:00:00Z 1",
            "bob rye 3 2026-01-03T10:00:00Z 1",
            "bob rye 4 2026-01-04T10:00:00Z 1",
            "cat cod 5 2026-02-20T10:00:00Z 1",
        ]);
        let mut favourites = Favourites::new(&history);
        for order in &history.orders {
            favourites.add(order);
        }
        let lists = favourites.lists(0);
        assert_eq!(lists.items, [1, 2, 0, 3, 4]);
        // Rye sold twice, cod once, but seven weeks later.
        assert_eq!(lists.new_items, [4, 3]);
        assert!(favourites.owns(0, 1) && !favourites.owns(0, 3));
    }

    #[test]
    fn a_product_counts_once_a_day() {
        let history = history(&[
            "ann tea 1 2026-01-01T10:00:00Z 1",
            "ann tea 2 2026-01-01T12:00:00Z 1",
            "ann jam 3 2026-01-02T10:00:00Z 1",
            "bob jam 4 2026-01-02T11:00:00Z 1",
        ]);
        let mut favourites = Favourites::new(&history);
        for order in &history.orders {
            favourites.add(order);
        }
        assert_eq!(favourites.lists(0).items, [1, 0]);
    }
}
