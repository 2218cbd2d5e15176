//! A history as an evaluation looks at it: orders, purchase days and order days, all known beforehand.
//!
//! A day is a UTC date. Returns are no purchase and leave no trace here; neither do anonymous customers.
//! Deliberately not here: how the file is read (`read`), and what is made of it.

use std::collections::{BTreeMap, HashMap};

use omnix_model::{Purchase, Timestamp};
use smol_str::SmolStr;

/// Event time between two lines of one order that carries no id, in milliseconds.
const GAP_MS: i64 = 5_000;
/// Event time after which an order without an id takes no further line, in milliseconds.
const OPEN_MS: i64 = 600_000;

/// A customer and a product, by their indexes.
pub(crate) type Pair = (usize, usize);

/// Names in the order in which they were first met.
#[derive(Debug, Default)]
pub(crate) struct Names {
    indexes: HashMap<SmolStr, usize>,
}

impl Names {
    /// The index of `name`, from 0.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.indexes.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.indexes.len()
    }

    fn add(&mut self, name: &str) -> usize {
        let next = self.indexes.len();
        *self.indexes.entry(SmolStr::new(name)).or_insert(next)
    }
}

/// What a customer bought at once.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) customer: usize,
    /// The time of its first line.
    pub(crate) at: Timestamp,
    /// The day of its first line.
    pub(crate) day: i64,
    /// Its products, sorted, each once.
    pub(crate) products: Vec<usize>,
    /// The sum of its lines, in the shop's currency.
    pub(crate) amount: f64,
    /// The id that its lines carry.
    pub(crate) id: Option<SmolStr>,
    last_at: Timestamp,
    millionths: i128,
}

/// A day on which a customer bought a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PurchaseDay {
    pub(crate) customer: usize,
    pub(crate) product: usize,
    pub(crate) day: i64,
    /// How many such days there are by now, this one included.
    pub(crate) count: usize,
}

/// All that was bought, in time order.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) customers: Names,
    pub(crate) products: Names,
    /// By the time of their first line.
    pub(crate) orders: Vec<Order>,
    /// By the time of the first purchase of the day.
    pub(crate) purchase_days: Vec<PurchaseDay>,
    /// Days ascending. Sorted, so that sums over all come out the same every time.
    pub(crate) pairs: BTreeMap<Pair, Vec<i64>>,
    /// By customer: days with an order, ascending, each with what was spent on it.
    pub(crate) order_days: Vec<Vec<(i64, f64)>>,
    by_id: HashMap<(usize, SmolStr), usize>,
    /// By customer: those without an id, by the time of their first line.
    by_start: HashMap<usize, BTreeMap<Timestamp, usize>>,
}

/// One purchase of a known customer.
#[derive(Debug)]
struct Line {
    customer: usize,
    product: usize,
    order: Option<SmolStr>,
    at: Timestamp,
    millionths: i64,
}

/// Gathers purchases in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    customers: Names,
    products: Names,
    lines: Vec<Line>,
}

impl Gathering {
    /// Adds a purchase; returns, and purchases of nobody, are left out.
    pub(crate) fn add(&mut self, purchase: &Purchase) {
        let Some(customer) = purchase.customer_id.as_ref().filter(|_| !purchase.is_return()) else { return };
        self.lines.push(Line {
            customer: self.customers.add(customer.as_str()),
            product: self.products.add(purchase.product_id.as_str()),
            order: purchase.order_id.as_ref().map(|id| SmolStr::new(id.as_str())),
            at: purchase.timestamp,
            millionths: purchase.total_amount.millionths(),
        });
    }

    /// The history of all that was added.
    pub(crate) fn finish(mut self) -> History {
        // A history is in time order but for late events; they count at their own time.
        self.lines.sort_by_key(|line| line.at);
        let mut history =
            History { customers: self.customers, products: self.products, ..History::default() };
        let mut without_id = HashMap::new();
        for line in self.lines {
            let order = history.order_of(&line, &mut without_id);
            history.take(order, &line);
        }
        history.close();
        history
    }
}

impl History {
    /// The order that `line` belongs to; a new one where there is none yet.
    fn order_of(&mut self, line: &Line, without_id: &mut HashMap<usize, usize>) -> usize {
        let known = match &line.order {
            Some(id) => self.by_id.get(&(line.customer, id.clone())).copied(),
            None => without_id.get(&line.customer).copied().filter(|order| {
                self.orders.get(*order).is_some_and(|order| {
                    line.at.ms_since(order.last_at) <= GAP_MS && line.at.ms_since(order.at) < OPEN_MS
                })
            }),
        };
        if let Some(order) = known {
            return order;
        }
        let index = self.orders.len();
        if let Some(id) = &line.order {
            self.by_id.insert((line.customer, id.clone()), index);
        } else {
            without_id.insert(line.customer, index);
            self.by_start.entry(line.customer).or_default().insert(line.at, index);
        }
        self.orders.push(Order {
            customer: line.customer,
            at: line.at,
            day: line.at.utc_day(),
            products: Vec::new(),
            amount: 0.0,
            id: line.order.clone(),
            last_at: line.at,
            millionths: 0,
        });
        index
    }

    fn take(&mut self, order: usize, line: &Line) {
        if let Some(order) = self.orders.get_mut(order) {
            order.products.push(line.product);
            order.millionths += i128::from(line.millionths);
            order.last_at = line.at;
        }
        let day = line.at.utc_day();
        let days = self.pairs.entry((line.customer, line.product)).or_default();
        if days.last() != Some(&day) {
            days.push(day);
            let (customer, product, count) = (line.customer, line.product, days.len());
            self.purchase_days.push(PurchaseDay { customer, product, day, count });
        }
    }

    fn close(&mut self) {
        self.order_days = vec![Vec::new(); self.customers.len()];
        for order in &mut self.orders {
            order.products.sort_unstable();
            order.products.dedup();
            order.amount = order.millionths as f64 / 1e6;
            let Some(days) = self.order_days.get_mut(order.customer) else { continue };
            match days.last_mut() {
                Some((day, spent)) if *day == order.day => *spent += order.amount,
                _ => days.push((order.day, order.amount)),
            }
        }
    }

    /// The order that a line of a prediction file names: by its id, where the history has ids, else by its time.
    pub(crate) fn order_named(&self, customer: usize, id: &str, at: Timestamp) -> Option<usize> {
        let by_id = self.by_id.get(&(customer, SmolStr::new(id))).copied();
        by_id.or_else(|| self.by_start.get(&customer)?.get(&at).copied())
    }

    /// The order that a purchase of the file belongs to.
    pub(crate) fn order_holding(&self, purchase: &Purchase) -> Option<usize> {
        let customer = self.customers.index(purchase.customer_id.as_ref()?.as_str())?;
        if purchase.is_return() {
            return None;
        }
        if let Some(id) = &purchase.order_id {
            return self.by_id.get(&(customer, SmolStr::new(id.as_str()))).copied();
        }
        let begun = self.by_start.get(&customer)?.range(..=purchase.timestamp).next_back()?.1;
        self.orders.get(*begun).filter(|order| purchase.timestamp <= order.last_at).map(|_| *begun)
    }

    /// The days from the first to the last order; none of an empty history.
    pub(crate) fn span(&self) -> Option<(i64, i64)> {
        Some((self.orders.first()?.day, self.orders.last()?.day))
    }

    /// The days on which the customer bought the product, ascending.
    pub(crate) fn days_of(&self, pair: Pair) -> &[i64] {
        self.pairs.get(&pair).map_or(&[], Vec::as_slice)
    }

    /// The days on which the customer ordered, ascending, each with what was spent.
    pub(crate) fn orders_of(&self, customer: usize) -> &[(i64, f64)] {
        self.order_days.get(customer).map_or(&[], Vec::as_slice)
    }
}

/// The first of `days`, which ascend, that is `from` or later.
pub(crate) fn first_from(days: &[i64], from: i64) -> Option<i64> {
    days.get(days.partition_point(|day| *day < from)).copied()
}

#[cfg(test)]
pub(crate) mod tests {
    use omnix_model::{CustomerId, Money, OrderId, ProductId, Quantity};

    use super::*;

    /// A purchase of one piece, written as `customer product order|- time amount`.
    pub(crate) fn purchase(text: &str) -> Purchase {
        let words: Vec<&str> = text.split(' ').collect();
        let amount = Money::parse(words[4]).unwrap().0;
        Purchase {
            customer_id: Some(CustomerId::new(words[0]).unwrap()),
            product_id: ProductId::new(words[1]).unwrap(),
            product_category: SmolStr::default(),
            product_name: SmolStr::new(words[1]),
            quantity: Quantity::parse("1").unwrap().0,
            price: amount,
            total_amount: amount,
            timestamp: words[3].parse().unwrap(),
            location: None,
            payment_method: None,
            device_type: None,
            order_id: (words[2] != "-").then(|| OrderId::new(words[2]).unwrap()),
            order_lines: None,
            metadata: SmolStr::default(),
            extra: SmolStr::default(),
        }
    }

    /// The history of such purchases.
    pub(crate) fn history(lines: &[&str]) -> History {
        let mut gathering = Gathering::default();
        for line in lines {
            gathering.add(&purchase(line));
        }
        gathering.finish()
    }

    #[test]
    fn lines_of_one_id_are_one_order_and_two_ids_of_one_minute_are_two() {
        let history = history(&[
            "ann tea 1 2026-01-05T10:00:00Z 2",
            "ann jam 2 2026-01-05T10:00:00Z 3",
            "ann tea 1 2026-01-05T10:01:00Z 4",
        ]);
        let amounts: Vec<f64> = history.orders.iter().map(|order| order.amount).collect();
        assert_eq!(amounts, [6.0, 3.0]);
        assert_eq!(history.orders[0].products, [0]);
        assert_eq!(history.orders_of(0), [(20_458, 9.0)]);
        let at = "2026-01-05T10:00:00Z".parse().unwrap();
        assert_eq!(history.order_named(0, "2", at), Some(1));
        assert_eq!(history.order_named(0, "9", at), None);
    }

    #[test]
    fn without_ids_five_seconds_make_an_order() {
        let history = history(&[
            "ann tea - 2026-01-05T10:00:00Z 2",
            "bob tea - 2026-01-05T10:00:01Z 2",
            "ann jam - 2026-01-05T10:00:05Z 3",
            "ann oil - 2026-01-05T10:00:11Z 4",
        ]);
        assert_eq!(history.orders.len(), 3);
        assert_eq!(history.order_named(0, "whatever", "2026-01-05T10:00:11Z".parse().unwrap()), Some(2));
    }

    #[test]
    fn a_product_bought_twice_on_a_day_has_one_purchase_day() {
        let history = history(&[
            "ann tea 1 2026-01-05T10:00:00Z 2",
            "ann tea 2 2026-01-05T23:59:59Z 2",
            "ann tea 3 2026-01-06T00:00:00Z 2",
        ]);
        assert_eq!(history.days_of((0, 0)), [20_458, 20_459]);
        assert_eq!(history.purchase_days.last().unwrap().count, 2);
        assert_eq!(history.span(), Some((20_458, 20_459)));
    }

    #[test]
    fn the_next_day_is_found() {
        assert_eq!([1, 4, 5].map(|from| first_from(&[1, 4, 9], from)), [Some(1), Some(4), Some(9)]);
        assert_eq!(first_from(&[1], 2), None);
    }
}
