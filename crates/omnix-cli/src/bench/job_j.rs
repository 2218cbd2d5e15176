//! Job J: the yardstick. What any stream processor can be asked to do with purchases, as a bare loop without
//! durability, time or a network.
//!
//! Reads NDJSON; per customer count, sum, mean, an exponentially weighted mean and the last time; per customer
//! and product count, last time and mean interval; an alert line where an amount is off the running mean by more
//! than half; in the end the table of customers and pairs. That is [`run_file`]. What the loop takes when the
//! lines lie in memory, dealt beforehand, and nothing is written, is [`run`]; the update alone is [`run_parsed`].

mod file;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::thread;

use serde::Deserialize;

pub(crate) use file::run_file;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow)]
    customer_id: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    product_id: std::borrow::Cow<'a, str>,
    total_amount: f64,
    timestamp: &'a str,
}

#[derive(Debug, Default)]
struct Customer<S> {
    count: u64,
    sum: f64,
    ewma: f64,
    last_s: i64,
    products: HashMap<String, Product, S>,
}

impl<S> Customer<S> {
    #[expect(clippy::cast_precision_loss, reason = "a count of purchases")]
    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}

#[derive(Debug, Default)]
struct Product {
    count: u64,
    last_s: i64,
    interval_sum_s: i64,
}

/// What the loop found; printed, so that nothing of it can be left out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) events: u64,
    pub(crate) customers: u64,
    pub(crate) pairs: u64,
    pub(crate) alerts: u64,
}

impl Outcome {
    /// What was found in parts of the customers, together.
    fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::default(), |sum, part| Self {
            events: sum.events + part.events,
            customers: sum.customers + part.customers,
            pairs: sum.pairs + part.pairs,
            alerts: sum.alerts + part.alerts,
        })
    }
}

/// One event, parsed already: what the update alone costs is measured with these.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) customer: String,
    pub(crate) product: String,
    pub(crate) amount: f64,
    pub(crate) at_s: i64,
}

/// Deals lines to `parts`, all lines of a customer to one of them, in their order.
pub(crate) fn deal(lines: &[String], parts: usize) -> Vec<Vec<&str>> {
    let hasher = RandomState::new();
    let mut dealt = vec![Vec::new(); parts];
    for line in lines {
        let Ok(parsed) = serde_json::from_str::<Line<'_>>(line) else { continue };
        let part = usize::try_from(hasher.hash_one(parsed.customer_id.as_ref()) % parts as u64).unwrap_or(0);
        if let Some(part) = dealt.get_mut(part) {
            part.push(line.as_str());
        }
    }
    dealt
}

/// Job J over dealt lines, one thread a part.
pub(crate) fn run(dealt: &[Vec<&str>]) -> Outcome {
    thread::scope(|scope| {
        let threads: Vec<_> = dealt.iter().map(|lines| scope.spawn(move || fold_lines(lines))).collect();
        Outcome::sum(threads.into_iter().filter_map(|thread| thread.join().ok()))
    })
}

fn fold_lines(lines: &[&str]) -> Outcome {
    let mut state = State::<RandomState>::default();
    for line in lines {
        if let Ok(line) = serde_json::from_str::<Line<'_>>(line) {
            let at_s = seconds(line.timestamp);
            state.update(&line.customer_id, &line.product_id, line.total_amount, at_s);
        }
    }
    state.outcome()
}

/// The update of job J alone, over events parsed already.
pub(crate) fn run_parsed(events: &[Parsed]) -> Outcome {
    let mut state = State::<RandomState>::default();
    for event in events {
        state.update(&event.customer, &event.product, event.amount, event.at_s);
    }
    state.outcome()
}

#[derive(Debug, Default)]
struct State<S> {
    customers: HashMap<String, Customer<S>, S>,
    events: u64,
    alerts: u64,
}

impl<S: BuildHasher + Default> State<S> {
    /// Takes an event; the mean before it, if its amount is off that by more than half.
    fn update(&mut self, customer: &str, product: &str, amount: f64, at_s: i64) -> Option<f64> {
        self.events += 1;
        if !self.customers.contains_key(customer) {
            self.customers.insert(customer.to_owned(), Customer::default());
        }
        let state = self.customers.get_mut(customer)?;
        let off =
            (state.count > 0).then(|| state.mean()).filter(|mean| (amount - mean).abs() > 0.5 * mean.abs());
        self.alerts += u64::from(off.is_some());
        state.count += 1;
        state.sum += amount;
        state.ewma += 0.3 * (amount - state.ewma);
        state.last_s = at_s;
        if !state.products.contains_key(product) {
            state.products.insert(product.to_owned(), Product::default());
        }
        let pair = state.products.get_mut(product)?;
        if pair.count > 0 {
            pair.interval_sum_s += at_s - pair.last_s;
        }
        pair.count += 1;
        pair.last_s = at_s;
        off
    }

    fn outcome(&self) -> Outcome {
        let checksum: f64 = self.customers.values().map(|state| state.ewma).sum();
        std::hint::black_box(checksum);
        Outcome {
            events: self.events,
            customers: self.customers.len() as u64,
            pairs: self.customers.values().map(|state| state.products.len() as u64).sum(),
            alerts: self.alerts,
        }
    }
}

/// Seconds since 1970 of `2026-01-05T10:00:00Z` (days-from-civil, Howard Hinnant's date algorithms).
fn seconds(text: &str) -> i64 {
    let number = |from: usize, to: usize| {
        text.get(from..to).and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0)
    };
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * 86_400
        + number(11, 13) * 3_600
        + number(14, 16) * 60
        + number(17, 19)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(customer: &str, product: &str, amount: f64, at: &str) -> String {
        format!(
            r#"{{"customerId":"{customer}","productId":"{product}","totalAmount":{amount},"timestamp":"{at}","x":1}}"#
        )
    }

    #[test]
    fn any_number_of_threads_finds_the_same() {
        let lines: Vec<String> = (0..500)
            .map(|i| {
                line(
                    &format!("c{}", i % 37),
                    &format!("p{}", i % 11),
                    f64::from(i % 90),
                    "2026-01-05T10:00:00Z",
                )
            })
            .collect();
        let one = run(&deal(&lines, 1));
        assert_eq!((one.events, one.customers), (500, 37));
        assert!(one.alerts > 0);
        assert_eq!(run(&deal(&lines, 2)), one);
    }

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("1970-01-01T00:00:01Z"), 1);
        assert_eq!(seconds("2026-01-05T10:00:00Z"), 1_767_607_200);
    }
}
