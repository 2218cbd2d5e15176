//! The evaluation as text: one line a figure, for a terminal.

use std::fmt::Write as _;

use super::Evaluation;
use super::measure::{Findings, Measure, figure_or_dash};
use super::split::date;

/// The whole table, with the verdict below.
pub(crate) fn text(evaluation: &Evaluation) -> String {
    let mut out = String::new();
    let (shop, split) = (evaluation.shop, evaluation.split);
    let (first, from, last) = (date(split.first), date(split.from), date(split.last));
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "{} customers, {} products, {} orders from {first} to {last}; held out from {from} on",
        shop.customers, shop.products, shop.orders
    );
    if evaluation.unmatched > 0 {
        let _ = writeln!(out, "{} lines of the file are about nothing in this history", evaluation.unmatched);
    }
    for findings in evaluation.parts() {
        out.push('\n');
        part(findings, &mut out);
    }
    out.push('\n');
    for sentence in evaluation.verdict() {
        let _ = writeln!(out, "* {sentence}");
    }
    out
}

fn part(findings: &Findings, out: &mut String) {
    let _ = writeln!(out, "{}: {}", findings.title, coverage(findings));
    let _ = writeln!(
        out,
        "  {:<49} {:>7} {:>8} {:>8}  {:<17}  {:<17} {:<9} simple rule",
        "", "of", "omnix", "rule", "gain", "must / goal", "reached"
    );
    for measure in &findings.measures {
        let _ = writeln!(out, "  {}", line(measure).trim_end());
    }
}

/// How many of the predictions that the history calls for the file has.
pub(crate) fn coverage(findings: &Findings) -> String {
    format!("{} of {} predictions are in the file", findings.found, findings.expected)
}

fn line(measure: &Measure) -> String {
    let (rule, rule_value) = measure.rule.unwrap_or(("", None));
    format!(
        "{:<49} {:>7} {:>8} {:>8}  {:<17}  {:<17} {:<9} {rule}",
        measure.name,
        measure.rows,
        figure_or_dash(measure.value),
        figure_or_dash(rule_value),
        measure.gain_text(),
        measure.goals_text(),
        measure.level(),
    )
}
