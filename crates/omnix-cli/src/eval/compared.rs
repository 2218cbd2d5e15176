//! Probabilities of the product and of a simple rule for the same rows, and the figures that both get.

use super::measure::Measure;
use super::metric::{self, Outcome};
use super::noise::{self, Scores};

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) customer: usize,
    /// None where the file does not have it.
    pub(crate) said: Option<f64>,
    pub(crate) rule: f64,
    pub(crate) came: bool,
}

/// What the product said.
pub(crate) fn said(rows: &[Compared]) -> Vec<Outcome> {
    rows.iter().filter_map(|row| Some((row.said?, row.came))).collect()
}

/// What the rule says.
pub(crate) fn rule(rows: &[Compared]) -> Vec<Outcome> {
    rows.iter().map(|row| (row.rule, row.came)).collect()
}

/// AUC, log-loss and calibration error of what was said, against the rule called `name`.
pub(crate) fn measured(
    [auc, log_loss, ece]: [Measure; 3],
    rows: &[Compared],
    name: &'static str,
) -> [Measure; 3] {
    let (said, rule) = (said(rows), rule(rows));
    let pairs: Vec<Scores> = rows
        .iter()
        .filter_map(|row| {
            Some(Scores { customer: row.customer, said: row.said?, rule: row.rule, came: row.came })
        })
        .collect();
    let gains: Vec<(usize, f64)> = pairs
        .iter()
        .map(|row| (row.customer, metric::loss((row.rule, row.came)) - metric::loss((row.said, row.came))))
        .collect();
    [
        auc.found(rows.len(), metric::auc(said.iter().copied()))
            .against(name, metric::auc(rule.iter().copied()))
            .within(noise::of_auc(&pairs)),
        log_loss
            .found(rows.len(), metric::log_loss(&said))
            .against(name, metric::log_loss(&rule))
            .within(noise::of_mean(&gains)),
        ece.found(rows.len(), metric::calibration_error(&said))
            .against(name, metric::calibration_error(&rule)),
    ]
}
