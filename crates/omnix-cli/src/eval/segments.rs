//! Segments against who ordered in the 60 days that followed, and how restless the labels are.
//!
//! What a label is worth as a predictor is judged by how often customers under it ordered, measured on the 60
//! days that ended where the snapshot begins; nothing is fitted to what is to be predicted.

use omnix_model::Segment;

use super::history::History;
use super::measure::{Findings, Measure};
use super::metric::{self, Outcome};
use super::noise::{self, Scores};
use super::predictions::{Predictions, Standing};
use super::quintiles;
use super::restless::{self, Restlessness};
use super::split::Split;

/// Days in which an order is predicted.
const DAYS: i64 = 60;
/// Pseudo-customers behind the rate of a label.
const LABEL_WEIGHT: f64 = 10.0;
/// Segments from the one that orders most often to the one that does least.
const ORDER: [Segment; 6] = [
    Segment::Champions,
    Segment::Loyal,
    Segment::PotentialLoyalists,
    Segment::NeedAttention,
    Segment::Hibernating,
    Segment::Lost,
];

/// The rules by name.
const RECENCY: &str = "days since the last order";
const BASE_RATE: &str = "the same for all";
const QUINTILES: &str = "fifths of recency and value";

/// A customer at a snapshot.
#[derive(Debug, Clone, Copy)]
struct Row {
    customer: usize,
    said: Option<Standing>,
    rule: Option<Segment>,
    recency_days: i64,
    /// What they ordered for in the 60 days that followed; none when they did not.
    spent: Option<f64>,
}

/// One date, and the rates of the labels as known by then.
#[derive(Debug)]
struct Snapshot {
    rows: Vec<Row>,
    /// None where the past is too short, or says nothing.
    said_rates: Option<LabelRates>,
    rule_rates: Option<LabelRates>,
}

/// How often customers under each label ordered.
#[derive(Debug)]
struct LabelRates {
    by_label: Vec<(Segment, f64)>,
    overall: f64,
}

impl LabelRates {
    fn of(labelled: &[(Segment, bool)]) -> Option<Self> {
        if labelled.is_empty() {
            return None;
        }
        let count = |wanted: &dyn Fn(&(Segment, bool)) -> bool| {
            labelled.iter().filter(|row| wanted(row)).count() as f64
        };
        let overall = count(&|row| row.1) / labelled.len() as f64;
        let rate = |label: Segment| {
            let (came, all) = (count(&|row| row.0 == label && row.1), count(&|row| row.0 == label));
            (label, (came + LABEL_WEIGHT * overall) / (all + LABEL_WEIGHT))
        };
        Some(Self { by_label: Segment::ALL.into_iter().map(rate).collect(), overall })
    }

    fn rate(&self, label: Segment) -> f64 {
        self.by_label.iter().find(|(known, _)| *known == label).map_or(self.overall, |(_, rate)| *rate)
    }
}

pub(crate) fn evaluate(history: &History, predictions: &Predictions, split: Split) -> Findings {
    let told = predictions.snapshots.iter().copied().filter(|day| split.holds(*day, DAYS - 1));
    let mut days: Vec<i64> = told.collect();
    if days.is_empty() {
        days = split.snapshots(DAYS);
    }
    let mut snapshots: Vec<Snapshot> =
        days.iter().map(|day| snapshot(history, predictions, *day, split)).collect();
    let rows = || snapshots.iter().flat_map(|snapshot| &snapshot.rows);
    let (expected, found) = (rows().count(), rows().filter(|row| row.said.is_some()).count());
    if found > 0 {
        for snapshot in &mut snapshots {
            snapshot.rows.retain(|row| row.said.is_some());
        }
    }
    let mut measures = probability(&snapshots);
    measures.extend(labels(&snapshots));
    measures.extend(moves(history, predictions, split));
    Findings { title: "Segments", measures, expected, found }
}

fn snapshot(history: &History, predictions: &Predictions, day: i64, split: Split) -> Snapshot {
    let rule_labels = quintiles::labels(history, day);
    let mut rows = Vec::new();
    for (customer, rule) in rule_labels.into_iter().enumerate() {
        let orders = history.orders_of(customer);
        let (before, after) = orders.split_at(orders.partition_point(|order| order.0 < day));
        let Some((last, _)) = before.last() else { continue };
        let said = predictions.standings.get(&(customer, day)).copied();
        rows.push(Row { customer, said, rule, recency_days: day - last, spent: spent(after, day) });
    }
    let past = day - DAYS;
    if past <= split.first {
        return Snapshot { rows, said_rates: None, rule_rates: None };
    }
    let rule_past = quintiles::labels(history, past);
    let ordered = |customer: usize| {
        let orders = history.orders_of(customer);
        spent(orders.get(orders.partition_point(|order| order.0 < past)..).unwrap_or_default(), past)
            .is_some()
    };
    let customers = 0..history.customers.len();
    let said: Vec<(Segment, bool)> = customers
        .filter_map(|customer| Some((predictions.segment_at(customer, past)?, ordered(customer))))
        .collect();
    let rule: Vec<(Segment, bool)> = rule_past
        .into_iter()
        .enumerate()
        .filter_map(|(customer, label)| Some((label?, ordered(customer))))
        .collect();
    Snapshot { rows, said_rates: LabelRates::of(&said), rule_rates: LabelRates::of(&rule) }
}

/// What was spent on the 60 days from `day` on, of orders that are not earlier; none without one.
fn spent(orders: &[(i64, f64)], day: i64) -> Option<f64> {
    let within = orders.get(..orders.partition_point(|order| order.0 < day + DAYS)).unwrap_or_default();
    (!within.is_empty()).then(|| within.iter().map(|order| order.1).sum())
}

/// The mean of a figure over the snapshots that have it.
fn over(snapshots: &[Snapshot], of: impl Fn(&Snapshot) -> Option<f64>) -> Option<f64> {
    metric::mean(snapshots.iter().filter_map(of))
}

fn probability(snapshots: &[Snapshot]) -> Vec<Measure> {
    let count = snapshots.iter().map(|snapshot| snapshot.rows.len()).sum();
    let said = |snapshot: &Snapshot| -> Vec<Outcome> {
        snapshot.rows.iter().filter_map(|row| Some((row.said?.p60, row.spent.is_some()))).collect()
    };
    let base_rate = |snapshot: &Snapshot| {
        let came = snapshot.rows.iter().filter(|row| row.spent.is_some()).count();
        metric::share(came, snapshot.rows.len()).map(|rate| rate * (1.0 - rate))
    };
    let recency = |snapshot: &Snapshot| {
        metric::auc(snapshot.rows.iter().map(|row| (-(row.recency_days as f64), row.spent.is_some())))
    };
    // The snapshots' errors are not independent: the customers are the same. As if there were one is the safe side.
    let pairs = |snapshot: &Snapshot| -> Vec<Scores> {
        let scores = |row: &Row| {
            let rule = -(row.recency_days as f64);
            Some(Scores { customer: row.customer, said: row.said?.p60, rule, came: row.spent.is_some() })
        };
        snapshot.rows.iter().filter_map(scores).collect()
    };
    vec![
        Measure::high("segment.p60.auc", "order within 60 days: AUC")
            .goals(0.733, 0.75, 0.765)
            .found(count, over(snapshots, |snapshot| metric::auc(said(snapshot))))
            .against(RECENCY, over(snapshots, recency))
            .within(over(snapshots, |snapshot| noise::of_auc(&pairs(snapshot)))),
        Measure::low("segment.p60.brier", "order within 60 days: Brier score")
            .goals(0.21, 0.199, 0.194)
            .found(count, over(snapshots, |snapshot| metric::brier(&said(snapshot))))
            .against(BASE_RATE, over(snapshots, base_rate)),
    ]
}

/// The labels of a snapshot's customers, the product's or the rule's.
type LabelOf = fn(&Row) -> Option<Segment>;

const SAID: LabelOf = |row| row.said.map(|said| said.segment);
const RULE: LabelOf = |row| row.rule;

fn labels(snapshots: &[Snapshot]) -> Vec<Measure> {
    let count = snapshots.iter().map(|snapshot| snapshot.rows.len()).sum();
    let champions = |label: LabelOf| {
        snapshots
            .iter()
            .flat_map(|snapshot| &snapshot.rows)
            .filter(|row| label(row) == Some(Segment::Champions))
            .count()
    };
    let auc = |rates: fn(&Snapshot) -> Option<&LabelRates>, label: LabelOf| {
        over(snapshots, |snapshot| {
            let rates = rates(snapshot)?;
            let rows = snapshot.rows.iter();
            metric::auc(rows.filter_map(|row| Some((rates.rate(label(row)?), row.spent.is_some()))))
        })
    };
    vec![
        Measure::high("segment.label.auc", "order within 60 days by the label alone: AUC")
            .goals(0.73, 0.738, 0.745)
            .found(count, auc(|snapshot| snapshot.said_rates.as_ref(), SAID))
            .against(QUINTILES, auc(|snapshot| snapshot.rule_rates.as_ref(), RULE)),
        Measure::high("segment.champions.repeat", "Champions: order within 60 days")
            .goals(0.8, 0.86, 0.9)
            .found(champions(SAID), over(snapshots, |snapshot| champions_repeat(snapshot, SAID)))
            .against(QUINTILES, over(snapshots, |snapshot| champions_repeat(snapshot, RULE))),
        Measure::high("segment.champions.revenue", "Champions: share of the revenue that follows")
            .goals(0.4, 0.55, 0.58)
            .found(champions(SAID), over(snapshots, |snapshot| champions_revenue(snapshot, SAID)))
            .against(QUINTILES, over(snapshots, |snapshot| champions_revenue(snapshot, RULE))),
        Measure::low("segment.inversions", "segments out of the order of their names")
            .goals(1.0, 0.0, 0.0)
            .found(count, inversions(snapshots, SAID))
            .against(QUINTILES, inversions(snapshots, RULE)),
    ]
}

fn champions_repeat(snapshot: &Snapshot, label: LabelOf) -> Option<f64> {
    rate_of(&snapshot.rows.iter().collect::<Vec<_>>(), Segment::Champions, label)
}

fn champions_revenue(snapshot: &Snapshot, label: LabelOf) -> Option<f64> {
    let revenue = |wanted: &dyn Fn(&&Row) -> bool| -> f64 {
        snapshot.rows.iter().filter(|row| wanted(row)).filter_map(|row| row.spent).sum()
    };
    let is_labelled = snapshot.rows.iter().any(|row| label(row).is_some());
    let all = revenue(&|_| true);
    (is_labelled && all > 0.0).then(|| revenue(&|row| label(row) == Some(Segment::Champions)) / all)
}

fn rate_of(rows: &[&Row], segment: Segment, label: LabelOf) -> Option<f64> {
    let of: Vec<_> = rows.iter().filter(|row| label(row) == Some(segment)).collect();
    metric::share(of.iter().filter(|row| row.spent.is_some()).count(), of.len())
}

/// How many neighbours among the named segments order less often than the one below them.
fn inversions(snapshots: &[Snapshot], label: LabelOf) -> Option<f64> {
    let rows: Vec<&Row> = snapshots.iter().flat_map(|snapshot| &snapshot.rows).collect();
    let rates: Vec<f64> = ORDER.into_iter().filter_map(|segment| rate_of(&rows, segment, label)).collect();
    let fallen = rates.iter().zip(rates.iter().skip(1)).filter(|(above, below)| above < below).count();
    (rates.len() > 1).then_some(fallen as f64)
}

fn moves(history: &History, predictions: &Predictions, split: Split) -> Vec<Measure> {
    let said = restless::of_file(history, predictions, split);
    let rule = restless::of_quintiles(history, split);
    let said_value = |of: fn(&Restlessness) -> Option<f64>| said.as_ref().and_then(of);
    let changes = said.as_ref().map_or(0, |said| said.changes);
    vec![
        Measure::low("segment.migrations", "changes of label a customer and 30 days")
            .goals(0.35, 0.26, 0.22)
            .found(changes, said_value(|found| found.per_month))
            .against(QUINTILES, rule.per_month),
        Measure::low("segment.again_14", "changed again within 14 days")
            .goals(0.07, 0.055, 0.03)
            .found(changes, said_value(|found| found.again))
            .against(QUINTILES, rule.again),
        Measure::low("segment.back_30", "back to the label before within 30 days")
            .goals(0.06, 0.016, 0.01)
            .found(changes, said_value(|found| found.back))
            .against(QUINTILES, rule.back),
    ]
}

#[cfg(test)]
mod tests;
