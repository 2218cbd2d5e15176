//! What is due now, asked once a week: each pair of customer and product that qualifies, and whether it is bought
//! in the coming days.
//!
//! The dates are those of the file; for each horizon the ones that leave so many days to follow.

use super::compared::{self, Compared};
use super::consumption::PURCHASE_DAYS_MIN;
use super::history::History;
use super::measure::Measure;
use super::metric;
use super::predictions::Predictions;
use super::split::Split;

/// Days since the last purchase after which a pair leaves the grid.
const ELAPSED_DAYS_MAX: i64 = 180;
/// Horizons in days.
const HORIZONS: [i64; 3] = [7, 14, 30];
/// The horizon whose curve is drawn.
const DRAWN: i64 = 14;
/// The rule by name.
const EXPONENTIAL: &str = "exponential of the mean";

/// The figures, and the curves of gains: the product's, and the rule's.
#[derive(Debug, Default)]
pub(crate) struct DueFindings {
    pub(crate) measures: Vec<Measure>,
    pub(crate) expected: usize,
    pub(crate) found: usize,
    pub(crate) gains: [Vec<(f64, f64)>; 2],
}

pub(crate) fn evaluate(history: &History, predictions: &Predictions, split: Split) -> DueFindings {
    let mut rows = on_grid(history, predictions, split);
    let expected = rows.len();
    let found = rows.iter().filter(|row| row.said.is_some()).count();
    if found > 0 {
        rows.retain(|row| row.said.is_some());
    }
    let mut findings = DueFindings { expected, found, ..DueFindings::default() };
    for (index, horizon) in HORIZONS.into_iter().enumerate() {
        let rows = compared(&rows, index, split);
        findings.measures.extend(compared::measured(names(horizon), &rows, EXPONENTIAL));
        if horizon == DRAWN {
            findings.gains = [metric::gains(&compared::said(&rows)), metric::gains(&compared::rule(&rows))];
        }
    }
    findings
}

/// A pair on a date of the grid.
#[derive(Debug)]
struct Row {
    customer: usize,
    day: i64,
    mean_days: f64,
    said: Option<[f64; 3]>,
    next: Option<i64>,
}

/// All pairs that qualify on the dates of the grid: those of the file, without a file every seventh day.
fn on_grid(history: &History, predictions: &Predictions, split: Split) -> Vec<Row> {
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
            rows.push(Row {
                customer: *customer,
                day: *day,
                mean_days,
                said,
                next: days.get(before).copied(),
            });
        }
    }
    rows
}

/// The rows that are followed for so many days, with what is said of them.
fn compared(rows: &[Row], index: usize, split: Split) -> Vec<Compared> {
    let horizon = HORIZONS.get(index).copied().unwrap_or_default();
    rows.iter()
        .filter(|row| split.holds(row.day, horizon - 1))
        .map(|row| Compared {
            customer: row.customer,
            said: row.said.and_then(|said| said.get(index).copied()),
            rule: 1.0 - (-(horizon as f64) / row.mean_days).exp(),
            came: row.next.is_some_and(|next| next < row.day + horizon),
        })
        .collect()
}

const fn names(horizon: i64) -> [Measure; 3] {
    match horizon {
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
    }
}
