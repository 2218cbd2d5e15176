//! Consumption predictions against what was bought next.
//!
//! At a purchase: all pairs of customer and product from the third purchase day on, in the part of the hold-out
//! that leaves 60 days to follow; on the dates of a grid: `due`. A prediction that a file lacks is counted, not
//! scored.

use super::compared::{self, Compared};
use super::due;
use super::history::{History, first_from};
use super::interval::{self, Forecast};
use super::measure::{Findings, Measure};
use super::metric::{self, Outcome, Tenth};
use super::noise;
use super::predictions::{Consumption, Predictions};
use super::split::Split;

/// Purchase days, this one included, from which on a prediction is evaluated.
pub(crate) const PURCHASE_DAYS_MIN: usize = 3;
/// Days that every prediction at a purchase is followed for.
const FOLLOWED_DAYS: i64 = 60;
/// The rules by name.
const MEAN: &str = "mean interval";
const LOGNORMAL: &str = "log-normal of intervals";

/// The figures, and what the pictures show.
#[derive(Debug, Default)]
pub(crate) struct ConsumptionFindings {
    pub(crate) findings: Findings,
    /// P(30 days) at a purchase.
    pub(crate) reliability: [Tenth; 10],
    /// Gains on the grid at 14 days: the product's, and the simple rule's.
    pub(crate) gains: [Vec<(f64, f64)>; 2],
}

/// A prediction at a purchase.
#[derive(Debug)]
struct Row {
    rule: Forecast,
    said: Option<Consumption>,
    /// Days until the next purchase day; none when it is not in the history.
    next: Option<f64>,
}

pub(crate) fn evaluate(history: &History, predictions: &Predictions, split: Split) -> ConsumptionFindings {
    let (rows, expected, found) = at_purchase(history, predictions, split);
    let mut findings = Findings { title: "Consumption", expected, found, ..Findings::default() };
    findings.measures.extend(forecasts(&rows));
    findings.measures.extend(probabilities(&rows));
    let month = compared::said(&compared(&rows, 30));
    findings.measures.extend(confidence(&month));
    let due = due::evaluate(history, predictions, split);
    findings.expected += due.expected;
    findings.found += due.found;
    findings.measures.extend(due.measures);
    ConsumptionFindings { findings, reliability: metric::tenths(&month), gains: due.gains }
}

/// The predictions that are followed to the end; how many there should be, and how many there are.
fn at_purchase(history: &History, predictions: &Predictions, split: Split) -> (Vec<Row>, usize, usize) {
    let mut rows = Vec::new();
    for rule in interval::forecasts(history) {
        let bought = rule.bought;
        if bought.count < PURCHASE_DAYS_MIN || !split.holds(bought.day, FOLLOWED_DAYS) {
            continue;
        }
        let (customer, product, day) = (bought.customer, bought.product, bought.day);
        let next = first_from(history.days_of((customer, product)), day + 1).map(|next| (next - day) as f64);
        rows.push(Row { rule, said: predictions.consumption.get(&(customer, product, day)).copied(), next });
    }
    let expected = rows.len();
    let found = rows.iter().filter(|row| row.said.is_some()).count();
    if found > 0 {
        rows.retain(|row| row.said.is_some());
    }
    (rows, expected, found)
}

/// The predicted date against that of the rule.
fn forecasts(rows: &[Row]) -> [Measure; 2] {
    let cap = FOLLOWED_DAYS as f64;
    // By row: how far the product is off, where it said something, and how far the rule is.
    let off = |row: &Row, error: &dyn Fn(Option<f64>) -> f64| {
        let said = row.said.map(|said| error(said.median_days));
        (row.rule.bought.customer, said, error(row.rule.mean_days))
    };
    let capped: Vec<_> =
        rows.iter().map(|row| off(row, &|days| metric::capped_error(days, row.next, cap))).collect();
    // A median that is not stated lies beyond the cap; the cap is the shortest that it can mean.
    let observed: Vec<_> = rows
        .iter()
        .filter_map(|row| row.next.map(|next| off(row, &|days| (days.unwrap_or(cap) - next).abs())))
        .collect();
    let measured = |measure: Measure, rows: &[(usize, Option<f64>, f64)]| {
        let gains: Vec<_> =
            rows.iter().filter_map(|(customer, said, rule)| Some((*customer, rule - (*said)?))).collect();
        measure
            .found(rows.len(), metric::mean(rows.iter().filter_map(|row| row.1)))
            .against(MEAN, metric::mean(rows.iter().map(|row| row.2)))
            .within(noise::of_mean(&gains))
    };
    let capped_mae = Measure::low("consumption.median.capped_mae", "days off, all (60 at the most)");
    let observed_mae = Measure::low("consumption.median.observed_mae", "days off, where bought again");
    [
        measured(capped_mae.goals(12.5, 11.55, 11.2), &capped),
        measured(observed_mae.goals(20.0, 19.0, 18.0), &observed),
    ]
}

/// What was said, and what the log-normal says, of a purchase within `horizon` days.
fn compared(rows: &[Row], horizon: i64) -> Vec<Compared> {
    let days = horizon as f64;
    let index = [7, 14, 30, 60].into_iter().position(|known| known == horizon).unwrap_or_default();
    rows.iter()
        .map(|row| Compared {
            customer: row.rule.bought.customer,
            said: row.said.and_then(|said| said.p.get(index).copied()),
            rule: row.rule.distribution.within(days),
            came: row.next.is_some_and(|next| next <= days),
        })
        .collect()
}

fn probabilities(rows: &[Row]) -> Vec<Measure> {
    let names = [
        (
            7,
            Measure::high("consumption.p7.auc", "within 7 days: AUC"),
            Measure::low("consumption.p7.log_loss", "within 7 days: log-loss"),
            Measure::low("consumption.p7.ece", "within 7 days: calibration error"),
        ),
        (
            30,
            Measure::high("consumption.p30.auc", "within 30 days: AUC").goals(0.795, 0.8105, 0.82),
            Measure::low("consumption.p30.log_loss", "within 30 days: log-loss").goals(0.5, 0.477, 0.465),
            Measure::low("consumption.p30.ece", "within 30 days: calibration error").goals(0.06, 0.037, 0.02),
        ),
    ];
    let mut measures = Vec::new();
    for (horizon, auc, log_loss, ece) in names {
        measures.extend(compared::measured([auc, log_loss, ece], &compared(rows, horizon), LOGNORMAL));
    }
    measures
}

fn confidence(outcomes: &[Outcome]) -> [Measure; 4] {
    let (sure, very_sure) = (metric::confident(outcomes, 0.7), metric::confident(outcomes, 0.9));
    let rows = outcomes.len();
    [
        Measure::high("consumption.p30.precision_70", "70 % sure of 30 days: came true")
            .goals(0.75, 0.8, 0.8)
            .found(rows, sure.precision),
        Measure::high("consumption.p30.recall_70", "70 % sure of 30 days: of all that came")
            .goals(0.3, 0.36, 0.42)
            .found(rows, sure.recall),
        Measure::high("consumption.p30.precision_90", "90 % sure of 30 days: came true")
            .goals(0.88, 0.905, 0.92)
            .found(rows, very_sure.precision),
        Measure::high("consumption.p30.share_90", "90 % sure of 30 days: of all predictions")
            .goals(0.02, 0.03, 0.045)
            .found(rows, very_sure.share),
    ]
}
