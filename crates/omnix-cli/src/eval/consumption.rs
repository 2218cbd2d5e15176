//! Consumption predictions against what was bought next.
//!
//! At a purchase: all pairs of customer and product from the third purchase day on, in the part of the hold-out
//! that leaves 60 days to follow. On the grid: for each horizon the dates that leave so many days. A prediction
//! that a file lacks is counted, not scored. Protocol: 3 to 60 days, capped at 60.

use super::history::{History, first_from};
use super::interval::{self, Forecast};
use super::measure::{Findings, Measure};
use super::metric::{self, Outcome, Tenth};
use super::predictions::{Consumption, Predictions};
use super::split::Split;

/// Purchase days, this one included, from which on a prediction is evaluated.
const PURCHASE_DAYS_MIN: usize = 3;
/// Days that every prediction at a purchase is followed for.
const FOLLOWED_DAYS: i64 = 60;
/// Days since the last purchase after which a pair leaves the grid.
const ELAPSED_DAYS_MAX: i64 = 180;
/// Horizons of the grid in days.
pub(crate) const GRID_HORIZONS: [i64; 3] = [7, 14, 30];

/// The rules by name.
const MEAN: &str = "mean interval";
const LOGNORMAL: &str = "log-normal of intervals";
const EXPONENTIAL: &str = "exponential of the mean";

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
    let outcomes = outcomes(&rows, 30).0;
    findings.measures.extend(confidence(&outcomes));
    let mut grid = on_grid(history, predictions, split);
    findings.expected += grid.len();
    findings.found += grid.iter().filter(|row| row.said.is_some()).count();
    if grid.iter().any(|row| row.said.is_some()) {
        grid.retain(|row| row.said.is_some());
    }
    let mut gains = [Vec::new(), Vec::new()];
    for (index, horizon) in GRID_HORIZONS.into_iter().enumerate() {
        let (said, rule) = grid_outcomes(&grid, index, split);
        findings.measures.extend(grid_measures(horizon, &said, &rule));
        if horizon == 14 {
            gains = [metric::gains(&said), metric::gains(&rule)];
        }
    }
    ConsumptionFindings { findings, reliability: metric::tenths(&outcomes), gains }
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

fn forecasts(rows: &[Row]) -> [Measure; 2] {
    let cap = FOLLOWED_DAYS as f64;
    let is_said = rows.iter().any(|row| row.said.is_some());
    let median = |row: &Row| row.said.and_then(|said| said.median_days);
    let said = rows.iter().filter(|_| is_said);
    let capped = metric::mean(said.clone().map(|row| metric::capped_error(median(row), row.next, cap)));
    let rule_capped =
        metric::mean(rows.iter().map(|row| metric::capped_error(row.rule.mean_days, row.next, cap)));
    // A median that is not stated lies beyond the cap; the cap is the shortest that it can mean.
    let off = |days: Option<f64>, row: &Row| row.next.map(|next| (days.unwrap_or(cap) - next).abs());
    let observed = metric::mean(said.filter_map(|row| off(median(row), row)));
    let rule_observed = metric::mean(rows.iter().filter_map(|row| off(row.rule.mean_days, row)));
    let bought_again = rows.iter().filter(|row| row.next.is_some()).count();
    [
        Measure::low("consumption.median.capped_mae", "days off, all (60 at the most)")
            .goals(12.5, 11.55, 11.2)
            .found(rows.len(), capped)
            .against(MEAN, rule_capped),
        Measure::low("consumption.median.observed_mae", "days off, where bought again")
            .goals(20.0, 19.0, 18.0)
            .found(bought_again, observed)
            .against(MEAN, rule_observed),
    ]
}

/// What was said, and what the log-normal says, of a purchase within `horizon` days.
fn outcomes(rows: &[Row], horizon: i64) -> (Vec<Outcome>, Vec<Outcome>) {
    let days = horizon as f64;
    let came = |row: &Row| row.next.is_some_and(|next| next <= days);
    let index = [7, 14, 30, 60].into_iter().position(|known| known == horizon).unwrap_or_default();
    let said = |row: &Row| row.said?.p.get(index).copied();
    (
        rows.iter().filter_map(|row| Some((said(row)?, came(row)))).collect(),
        rows.iter().map(|row| (row.rule.distribution.within(days), came(row))).collect(),
    )
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
        let (said, rule) = outcomes(rows, horizon);
        measures.extend(scored([auc, log_loss, ece], &said, &rule, LOGNORMAL));
    }
    measures
}

/// AUC, log-loss and calibration error of what was said, against a rule.
fn scored(
    [auc, log_loss, ece]: [Measure; 3],
    said: &[Outcome],
    rule: &[Outcome],
    name: &'static str,
) -> [Measure; 3] {
    let rows = rule.len();
    [
        auc.found(rows, metric::auc(said.iter().copied())).against(name, metric::auc(rule.iter().copied())),
        log_loss.found(rows, metric::log_loss(said)).against(name, metric::log_loss(rule)),
        ece.found(rows, metric::calibration_error(said)).against(name, metric::calibration_error(rule)),
    ]
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

/// A pair on a date of the grid.
#[derive(Debug)]
struct GridRow {
    day: i64,
    mean_days: f64,
    said: Option<[f64; 3]>,
    next: Option<i64>,
}

/// All pairs that qualify on the dates of the grid: those of the file, without a file every seventh day.
fn on_grid(history: &History, predictions: &Predictions, split: Split) -> Vec<GridRow> {
    let mut dates: Vec<i64> = predictions.grid.iter().copied().filter(|day| *day >= split.from).collect();
    if dates.is_empty() {
        dates = split.every(7).collect();
    }
    let mut rows = Vec::new();
    for ((customer, product), days) in &history.pairs {
        for day in &dates {
            let before = days.partition_point(|bought| bought < day);
            let (Some(first), Some(last)) =
                (days.first(), before.checked_sub(1).and_then(|last| days.get(last)))
            else {
                continue;
            };
            if before < PURCHASE_DAYS_MIN || day - last > ELAPSED_DAYS_MAX {
                continue;
            }
            let said = predictions.due.get(&(*customer, *product, *day)).copied();
            let mean_days = (last - first) as f64 / (before as f64 - 1.0);
            rows.push(GridRow { day: *day, mean_days, said, next: days.get(before).copied() });
        }
    }
    rows
}

fn grid_outcomes(rows: &[GridRow], index: usize, split: Split) -> (Vec<Outcome>, Vec<Outcome>) {
    let horizon = GRID_HORIZONS.get(index).copied().unwrap_or_default();
    let followed = || rows.iter().filter(|row| split.holds(row.day, horizon - 1));
    let came = |row: &GridRow| row.next.is_some_and(|next| next < row.day + horizon);
    let exponential = |row: &GridRow| 1.0 - (-(horizon as f64) / row.mean_days).exp();
    (
        followed().filter_map(|row| Some((*row.said?.get(index)?, came(row)))).collect(),
        followed().map(|row| (exponential(row), came(row))).collect(),
    )
}

fn grid_measures(horizon: i64, said: &[Outcome], rule: &[Outcome]) -> [Measure; 3] {
    let names = match horizon {
        7 => [
            Measure::high("due.p7.auc", "due within 7 days, weekly: AUC").goals(0.7, 0.741, 0.75),
            Measure::low("due.p7.log_loss", "due within 7 days, weekly: log-loss"),
            Measure::low("due.p7.ece", "due within 7 days, weekly: calibration error"),
        ],
        14 => [
            Measure::high("due.p14.auc", "due within 14 days, weekly: AUC").goals(0.69, 0.719, 0.73),
            Measure::low("due.p14.log_loss", "due within 14 days, weekly: log-loss"),
            Measure::low("due.p14.ece", "due within 14 days, weekly: calibration error"),
        ],
        _ => [
            Measure::high("due.p30.auc", "due within 30 days, weekly: AUC").goals(0.66, 0.696, 0.705),
            Measure::low("due.p30.log_loss", "due within 30 days, weekly: log-loss"),
            Measure::low("due.p30.ece", "due within 30 days, weekly: calibration error"),
        ],
    };
    scored(names, said, rule, EXPONENTIAL)
}
