//! What the shop has sold so far: fills lists of recommendations as long as the model knows too few products.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use omnix_model::ProductId;

/// All products that were sold, best-selling first.
#[derive(Debug, Default)]
pub(super) struct Assortment {
    sales: HashMap<ProductId, u64>,
    ranked: BTreeSet<(Reverse<u64>, ProductId)>,
}

impl Assortment {
    /// Notes a sale.
    pub(super) fn sold(&mut self, product: &ProductId) {
        let sales = match self.sales.get_mut(product) {
            Some(sales) => sales,
            None => self.sales.entry(product.clone()).or_default(),
        };
        self.ranked.remove(&(Reverse(*sales), product.clone()));
        *sales += 1;
        self.ranked.insert((Reverse(*sales), product.clone()));
    }

    /// How many products there are.
    pub(super) fn len(&self) -> usize {
        self.sales.len()
    }

    /// Fills `list` to `limit` products with those that are `wanted`, best-selling first.
    pub(super) fn fill(&self, list: &mut Vec<ProductId>, limit: usize, wanted: impl Fn(&ProductId) -> bool) {
        for (_, product) in &self.ranked {
            if list.len() >= limit {
                return;
            }
            if wanted(product) && !list.contains(product) {
                list.push(product.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sells_best_fills_a_list_first() {
        let mut assortment = Assortment::default();
        let product = |id: &str| ProductId::new(id).unwrap();
        for id in ["a", "b", "c", "b", "d", "c", "b"] {
            assortment.sold(&product(id));
        }
        let mut list = vec![product("c")];
        assortment.fill(&mut list, 3, |id| id.as_str() != "a");
        assert_eq!(list, ["c", "b", "d"].map(product));
        assert_eq!(assortment.len(), 4);
    }
}
