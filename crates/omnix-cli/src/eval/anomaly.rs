//! Scores and alerts of orders, and what a simple rule would have raised.
//!
//! Nobody has marked the real anomalies of a history, so a file by itself can be judged by how many alerts it
//! raises, and how much it can score. What is found is judged by planting: `plant` makes copies of the history
//! with orders multiplied, and their lines are held here against the ordinary orders of the history itself.
//! Ordinary orders contain real anomalies that nobody marked, so what is found by planting is a lower bound.

use super::history::History;
use super::measure::{Findings, Measure};
use super::metric;
use super::plant::{FACTORS, Harvest};
use super::predictions::{OrderScore, Predictions};
use super::split::Split;

/// The rule by name.
const DEVIATION: &str = "half off the running mean";
const RUNNING_MEAN: &str = "distance from the running mean";
/// Orders before one that the rule needs.
const ORDERS_BEFORE_MIN: u32 = 3;
/// How far off the mean an order is worth an alert under the rule.
const DEVIATION_LIMIT: f64 = 0.5;
/// The budget of alerts: a share of the scored orders.
const BUDGET: f64 = 0.01;
/// The budget of hours.
const HOUR_BUDGET: f64 = 0.002;
/// Days of a window in which alerts are counted.
const WINDOW_DAYS: i64 = 30;
/// Scored orders from which on a window says anything.
const WINDOW_ORDERS_MIN: usize = 100;

/// An order as the rule sees it.
#[derive(Debug, Clone, Copy)]
struct Ruled {
    day: i64,
    amount: f64,
    /// The mean of the customer's orders before; none where there are too few.
    mean: Option<f64>,
    said: Option<OrderScore>,
}

impl Ruled {
    /// How far above the mean the order is with its amount multiplied, in means.
    fn deviation(&self, factor: f64) -> Option<f64> {
        let mean = self.mean.filter(|mean| *mean > 0.0)?;
        Some(self.amount * factor / mean - 1.0)
    }

    fn rule_alerts(&self) -> bool {
        self.deviation(1.0).is_some_and(|off| off.abs() > DEVIATION_LIMIT)
    }
}

pub(crate) fn evaluate(
    history: &History,
    predictions: &Predictions,
    planted: &Harvest,
    split: Split,
) -> Findings {
    let all = orders(history, predictions);
    let held: Vec<Ruled> = all.iter().copied().filter(|order| order.day >= split.from).collect();
    let (expected, found) = (held.len(), held.iter().filter(|order| order.said.is_some()).count());
    let scored = |order: &Ruled| order.said.and_then(|said| said.score).is_some();
    let scored_count = held.iter().filter(|order| scored(order)).count();
    let burst_alerts = held.iter().filter(|order| order.said.is_some_and(|said| said.burst_alert)).count();
    let ruled = held.iter().filter(|order| order.mean.is_some()).count();
    let mut measures = vec![
        Measure::high("order.scored", "orders that get a score")
            .goals(0.63, 0.857, 0.857)
            .found(expected, metric::share(scored_count, found))
            .against("from the 4th order on", metric::share(ruled, expected)),
        alerts(
            Measure::low("order.alerts", "alerts in 1,000 scored orders, worst 30 days")
                .goals(25.0, 15.0, 12.0),
            &held,
            split.from,
        ),
        alerts(
            Measure::low("order.alerts_ever", "the same over the whole history").goals(15.0, 15.0, 12.0),
            &all,
            split.first,
        ),
        Measure::low("order.burst_alerts", "burst alerts in 1,000 orders")
            .goals(5.0, 3.0, 3.0)
            .found(found, metric::share(burst_alerts, found).map(|share| share * 1000.0)),
    ];
    measures.extend(planted_measures(&held, planted));
    measures.extend(rare_measures(&held, planted));
    measures.extend(hour_measures(&held, planted));
    Findings { title: "Order anomalies", measures, expected, found }
}

/// All orders with the mean of their customer's orders before.
fn orders(history: &History, predictions: &Predictions) -> Vec<Ruled> {
    let mut before: Vec<(u32, f64)> = vec![(0, 0.0); history.customers.len()];
    let mut orders = Vec::with_capacity(history.orders.len());
    for (index, order) in history.orders.iter().enumerate() {
        let Some((count, sum)) = before.get_mut(order.customer) else { continue };
        let mean = (*count >= ORDERS_BEFORE_MIN).then(|| *sum / f64::from(*count));
        let said = predictions.orders.get(&index).copied();
        orders.push(Ruled { day: order.day, amount: order.amount, mean, said });
        (*count, *sum) = (*count + 1, *sum + order.amount);
    }
    orders
}

/// Alerts in 1,000 scored orders in the worst window, the product's and the rule's.
fn alerts(measure: Measure, orders: &[Ruled], from: i64) -> Measure {
    let said: Vec<(i64, bool)> = orders
        .iter()
        .filter_map(|order| Some((order.day, order.said.filter(|said| said.score.is_some())?.alert)))
        .collect();
    let rule: Vec<(i64, bool)> = orders
        .iter()
        .filter(|order| order.mean.is_some())
        .map(|order| (order.day, order.rule_alerts()))
        .collect();
    measure.found(said.len(), worst_window(&said, from)).against(DEVIATION, worst_window(&rule, from))
}

/// The most alerts in 1,000 orders that any window of 30 days has, of `orders` by day.
///
/// A history that is shorter is one window; windows of fewer than 100 orders are passed over.
fn worst_window(orders: &[(i64, bool)], from: i64) -> Option<f64> {
    let last = orders.last()?.0;
    let latest = (last + 1 - WINDOW_DAYS).max(from);
    let rate = |first: i64| {
        let start = orders.partition_point(|order| order.0 < first);
        let end = orders.partition_point(|order| order.0 < first + WINDOW_DAYS);
        let window = orders.get(start..end)?;
        let alerts = window.iter().filter(|order| order.1).count();
        (window.len() >= WINDOW_ORDERS_MIN).then(|| alerts as f64 * 1000.0 / window.len() as f64)
    };
    (from..=latest).filter_map(rate).max_by(f64::total_cmp)
}

/// AUC and recall of planted orders, the product's where copies were replayed, the rule's always.
fn planted_measures(held: &[Ruled], planted: &Harvest) -> Vec<Measure> {
    let names = [
        (
            Measure::high("order.x3.auc", "amount x3: AUC").goals(0.846, 0.853, 0.87),
            Measure::high("order.x3.recall", "amount x3: found at 10 in 1,000"),
        ),
        (
            Measure::high("order.x5.auc", "amount x5: AUC").goals(0.906, 0.914, 0.925),
            Measure::high("order.x5.recall", "amount x5: found at 10 in 1,000").goals(0.5, 0.55, 0.62),
        ),
        (
            Measure::high("order.x10.auc", "amount x10: AUC").goals(0.948, 0.954, 0.96),
            Measure::high("order.x10.recall", "amount x10: found at 10 in 1,000").goals(0.8, 0.825, 0.86),
        ),
    ];
    let ordinary: Vec<f64> = held.iter().filter_map(|order| order.said?.score).collect();
    let rule_ordinary: Vec<f64> = held.iter().filter_map(|order| order.deviation(1.0)).collect();
    let mut measures = Vec::new();
    for (factor, (auc, recall)) in FACTORS.into_iter().zip(names) {
        let wanted = planted.scores.get(&factor).map_or(&[][..], Vec::as_slice);
        let rule: Vec<f64> = held.iter().filter_map(|order| order.deviation(f64::from(factor))).collect();
        measures.push(
            auc.found(wanted.len(), auc_of(&ordinary, wanted))
                .against(RUNNING_MEAN, auc_of(&rule_ordinary, &rule)),
        );
        measures.push(
            recall
                .found(wanted.len(), metric::recall_at_rate(&ordinary, wanted, BUDGET))
                .against(RUNNING_MEAN, metric::recall_at_rate(&rule_ordinary, &rule, BUDGET)),
        );
    }
    measures
}

/// Precision and recall of the alerts where one order in a hundred is multiplied, and how many bursts are noticed.
fn rare_measures(held: &[Ruled], planted: &Harvest) -> [Measure; 3] {
    // What the rule would raise, expected over all choices of one order in a hundred.
    let ruled: Vec<&Ruled> = held.iter().filter(|order| order.mean.is_some()).collect();
    let alerting = |factor: f64| {
        let off = ruled.iter().filter_map(|order| order.deviation(factor));
        metric::share(off.filter(|off| off.abs() > DEVIATION_LIMIT).count(), ruled.len())
    };
    let recall = metric::mean(FACTORS.into_iter().filter_map(|factor| alerting(f64::from(factor))));
    let precision = recall.zip(alerting(1.0)).map(|(recall, ordinary)| {
        let (right, wrong) = (BUDGET * recall, (1.0 - BUDGET) * ordinary);
        right / (right + wrong)
    });
    [
        Measure::high("order.rare.precision", "1 % of orders multiplied: alerts that are right")
            .goals(0.18, 0.2, 0.3)
            .found(planted.rare_alerts, metric::share(planted.rare_found, planted.rare_alerts))
            .against(DEVIATION, precision),
        Measure::high("order.rare.recall", "1 % of orders multiplied: found by an alert")
            .goals(0.5, 0.53, 0.55)
            .found(planted.rare, metric::share(planted.rare_found, planted.rare))
            .against(DEVIATION, recall),
        Measure::high("order.burst.noticed", "bursts of 5 noticed by the 4th order")
            .goals(0.95, 0.995, 1.0)
            .found(planted.bursts, metric::share(planted.bursts_noticed, planted.bursts)),
    ]
}

/// How many hours raise an alert, and what is found of orders that were moved to another time of day.
fn hour_measures(held: &[Ruled], planted: &Harvest) -> [Measure; 3] {
    let said: Vec<OrderScore> = held.iter().filter_map(|order| order.said).collect();
    let ordinary: Vec<f64> = said.iter().filter_map(|said| said.hour_score).collect();
    let alerts = said.iter().filter(|said| said.hour_alert).count();
    let wanted = &planted.hour_scores;
    [
        Measure::low("order.hour_alerts", "hour alerts in 1,000 orders whose hour has a score")
            .found(ordinary.len(), metric::share(alerts, ordinary.len()).map(|share| share * 1000.0)),
        Measure::high("order.hour.auc", "moved by 8 to 16 hours: AUC of the hour")
            .found(wanted.len(), auc_of(&ordinary, wanted)),
        Measure::high("order.hour.recall", "moved by 8 to 16 hours: found at 2 in 1,000")
            .found(wanted.len(), metric::recall_at_rate(&ordinary, wanted, HOUR_BUDGET)),
    ]
}

fn auc_of(ordinary: &[f64], wanted: &[f64]) -> Option<f64> {
    let rows = ordinary.iter().map(|score| (*score, false)).chain(wanted.iter().map(|score| (*score, true)));
    metric::auc(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_window_counts() {
        // 100 orders a day for 60 days; three alerts on each of the last ten.
        let orders: Vec<(i64, bool)> =
            (0..60).flat_map(|day| (0..100).map(move |number| (day, day >= 50 && number < 3))).collect();
        assert_eq!(worst_window(&orders, 0), Some(10.0));
        // From day 45 on there are but 15 days: one window.
        assert_eq!(worst_window(&orders, 45), Some(20.0));
        assert_eq!(worst_window(&orders[..50], 0), None);
        assert_eq!(worst_window(&[], 0), None);
    }

    #[test]
    fn the_rule_needs_three_orders_and_alerts_beyond_half() {
        let order = |amount: f64, mean: Option<f64>| Ruled { day: 0, amount, mean, said: None };
        assert!(order(151.0, Some(100.0)).rule_alerts());
        assert!(order(49.0, Some(100.0)).rule_alerts());
        assert!(!order(150.0, Some(100.0)).rule_alerts());
        assert!(!order(1e9, None).rule_alerts());
        assert_eq!(order(50.0, Some(100.0)).deviation(3.0), Some(0.5));
    }
}
