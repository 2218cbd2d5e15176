//! Holding predictions against what happened next, on a shop's own history.
//!
//! A history and a prediction file go in; what comes out says, for each kind of prediction, how good it is, what
//! a simple rule reaches on the very same rows, and what that means in plain words. Everything is computed from
//! the two files: the engine is not asked, so an error of its own cannot make it look better.
//!
//! Invariants: a rule sees only what came before its prediction; a prediction that a file lacks is counted as
//! lacking, never scored as wrong or right; the same files give the same figures to the last digit.
//!
//! Deliberately not here: making predictions (`omnix replay`), and tuning anything.

pub(crate) mod metric;
pub(crate) mod history;
pub(crate) mod read;
mod plain_csv;
pub(crate) mod predictions;
pub(crate) mod split;
pub(crate) mod measure;
mod noise;
mod compared;
mod interval;
mod consumption;
mod due;
mod favourites;
mod recommendation;
mod anomaly;
pub(crate) mod plant;
mod quintiles;
mod restless;
mod segments;
mod verdict;
mod chart;
pub(crate) mod report;
pub(crate) mod table;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::consumption::ConsumptionFindings;
use self::history::History;
use self::measure::{Findings, Measure};
use self::plant::Harvest;
use self::predictions::Predictions;
use self::split::{Split, date};

/// What a shop is made of, as far as predictions are concerned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shop {
    pub(crate) customers: usize,
    pub(crate) products: usize,
    pub(crate) orders: usize,
    /// Customers who ordered on at least two days.
    pub(crate) returning: usize,
    /// Customers with a product that they bought on at least three days.
    pub(crate) with_rhythm: usize,
}

/// An evaluation.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) shop: Shop,
    pub(crate) split: Split,
    /// Lines of the prediction file by kind.
    pub(crate) lines: BTreeMap<String, u64>,
    /// Lines that the history knows nothing of.
    pub(crate) unmatched: u64,
    pub(crate) consumption: ConsumptionFindings,
    pub(crate) recommendation: Findings,
    pub(crate) anomaly: Findings,
    pub(crate) segments: Findings,
}

/// Holds `predictions`, and what was said of orders `planted` in copies, against `history`.
pub(crate) fn evaluate(
    history: &History,
    predictions: &Predictions,
    planted: &Harvest,
    split: Split,
) -> Evaluation {
    Evaluation {
        shop: Shop::of(history),
        split,
        lines: predictions.lines.clone(),
        unmatched: predictions.unmatched,
        consumption: consumption::evaluate(history, predictions, split),
        recommendation: recommendation::evaluate(history, predictions, split),
        anomaly: anomaly::evaluate(history, predictions, planted, split),
        segments: segments::evaluate(history, predictions, split),
    }
}

impl Shop {
    fn of(history: &History) -> Self {
        let mut rhythm = vec![false; history.customers.len()];
        for ((customer, _), days) in &history.pairs {
            if let Some(known) = rhythm.get_mut(*customer) {
                *known |= days.len() >= 3;
            }
        }
        Self {
            customers: history.customers.len(),
            products: history.products.len(),
            orders: history.orders.len(),
            returning: history.order_days.iter().filter(|days| days.len() >= 2).count(),
            with_rhythm: rhythm.into_iter().filter(|known| *known).count(),
        }
    }
}

impl Evaluation {
    /// The four parts, in the order in which they are shown.
    pub(crate) fn parts(&self) -> [&Findings; 4] {
        [&self.consumption.findings, &self.recommendation, &self.anomaly, &self.segments]
    }

    /// Without the goals, which a reference reached on one shop's data: for another's they are no yardstick.
    pub(crate) fn without_goals(mut self) -> Self {
        let parts =
            [&mut self.consumption.findings, &mut self.recommendation, &mut self.anomaly, &mut self.segments];
        for findings in parts {
            let measures = std::mem::take(&mut findings.measures);
            findings.measures = measures.into_iter().map(Measure::without_goals).collect();
        }
        self
    }

    /// What it means, in sentences for the owner of the shop.
    pub(crate) fn verdict(&self) -> Vec<String> {
        verdict::sentences(self)
    }

    pub(crate) fn json(&self) -> Value {
        let part = |findings: &&Findings| {
            let measures: Vec<Value> = findings.measures.iter().map(Measure::json).collect();
            json!({
                "title": findings.title, "expected": findings.expected, "found": findings.found,
                "measures": measures,
            })
        };
        json!({
            "history": {
                "customers": self.shop.customers, "products": self.shop.products, "orders": self.shop.orders,
                "returning": self.shop.returning, "withRhythm": self.shop.with_rhythm,
                "first": date(self.split.first), "last": date(self.split.last),
            },
            "from": date(self.split.from),
            "lines": self.lines, "unmatched": self.unmatched,
            "parts": self.parts().iter().map(part).collect::<Vec<_>>(),
            "verdict": self.verdict(),
        })
    }
}
