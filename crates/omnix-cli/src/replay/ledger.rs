//! What the file has said of one customer so far: which products on which days, which orders.
//!
//! Exact however many there are, where the engine's state is bounded: it says what is to be predicted, never what
//! the prediction is.

use std::collections::{HashMap, HashSet};

use omnix_model::{OrderId, ProductId};
use xxhash_rust::xxh3::xxh3_64;

/// On how many days a product was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PurchaseDays {
    pub(super) count: u32,
    /// The UTC date of the last.
    pub(super) last: i64,
}

/// Products and orders of one customer.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    products: HashMap<ProductId, PurchaseDays>,
    /// Hashes of the ids of all orders that have one.
    order_ids: HashSet<u64>,
    orders: u64,
    order_days: u32,
    last_order_day: i64,
}

impl Ledger {
    /// Notes a purchase: how many purchase days the product has now, if this begins one.
    pub(super) fn bought(&mut self, product: &ProductId, day: i64) -> Option<u32> {
        let Some(days) = self.products.get_mut(product) else {
            self.products.insert(product.clone(), PurchaseDays { count: 1, last: day });
            return Some(1);
        };
        if day <= days.last {
            return None;
        }
        *days = PurchaseDays { count: days.count + 1, last: day };
        Some(days.count)
    }

    /// Notes a late purchase: it begins no purchase day of a product that is known.
    pub(super) fn bought_late(&mut self, product: &ProductId, day: i64) {
        if !self.products.contains_key(product) {
            self.products.insert(product.clone(), PurchaseDays { count: 1, last: day });
        }
    }

    /// Notes an order that begins on `day`; false for one that was noted before.
    pub(super) fn ordered(&mut self, id: Option<&OrderId>, day: i64) -> bool {
        if let Some(id) = id
            && !self.order_ids.insert(xxh3_64(id.as_str().as_bytes()))
        {
            return false;
        }
        self.orders += 1;
        if self.order_days == 0 || day > self.last_order_day {
            self.order_days += 1;
            self.last_order_day = day;
        }
        true
    }

    /// How many orders there were.
    pub(super) const fn orders(&self) -> u64 {
        self.orders
    }

    /// Days with at least one order.
    pub(super) const fn order_days(&self) -> u32 {
        self.order_days
    }

    /// Products that were ever bought.
    pub(super) fn product_count(&self) -> usize {
        self.products.len()
    }

    /// Whether a product was ever bought.
    pub(super) fn has(&self, product: &ProductId) -> bool {
        self.products.contains_key(product)
    }

    /// The products bought on at least `days` days, in the order of their ids.
    pub(super) fn bought_on(&self, days: u32) -> Vec<(&ProductId, PurchaseDays)> {
        let all = self.products.iter().map(|(id, days)| (id, *days));
        let mut products: Vec<_> = all.filter(|(_, bought)| bought.count >= days).collect();
        products.sort_unstable_by_key(|(id, _)| *id);
        products
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purchase_day_counts_once_and_a_late_one_not_at_all() {
        let mut ledger = Ledger::default();
        let tea = ProductId::new("tea").unwrap();
        assert_eq!(ledger.bought(&tea, 5), Some(1));
        assert_eq!(ledger.bought(&tea, 5), None);
        assert_eq!(ledger.bought(&tea, 9), Some(2));
        ledger.bought_late(&tea, 7);
        assert_eq!(ledger.bought(&tea, 9), None);
        assert_eq!(ledger.bought_on(2), [(&tea, PurchaseDays { count: 2, last: 9 })]);
        assert_eq!(ledger.bought_on(3), []);
    }

    #[test]
    fn an_order_counts_once_and_an_order_day_too() {
        let mut ledger = Ledger::default();
        let order = |id: &str| OrderId::new(id).unwrap();
        assert!(ledger.ordered(Some(&order("a")), 5));
        assert!(!ledger.ordered(Some(&order("a")), 6));
        assert!(ledger.ordered(Some(&order("b")), 5) && ledger.ordered(None, 5));
        assert_eq!((ledger.orders(), ledger.order_days()), (3, 1));
        assert!(ledger.ordered(None, 8));
        assert_eq!(ledger.order_days(), 2);
    }
}
