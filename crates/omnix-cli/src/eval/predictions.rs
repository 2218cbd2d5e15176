//! A prediction file: every line that speaks of something in the history, ready to be looked up.
//!
//! Kinds and fields that are not known are skipped. A line that breaks the format ends the reading: figures
//! from a damaged file would be worth nothing. Lines about customers, products or orders that the history does
//! not have are counted. Deliberately not here: what happened afterwards.

mod line;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::BufRead;
use std::path::Path;

use omnix_model::{Segment, Timestamp};

use self::line::{Line, LineError};
use super::history::History;
use crate::failure::Failure;
use crate::input_file::InputFile;

/// A product on a list that the history does not have: never bought.
const UNKNOWN: usize = usize::MAX;

/// Said when a customer has bought a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Consumption {
    /// Days until the next purchase day; none beyond 60.
    pub(crate) median_days: Option<f64>,
    /// Of a purchase within 7, 14, 30 and 60 days.
    pub(crate) p: [f64; 4],
}

/// Two lists, best first, by the indexes of the history's products.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lists {
    pub(crate) items: Vec<usize>,
    pub(crate) new_items: Vec<usize>,
}

/// What was said of an order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct OrderScore {
    /// None where there was too little history to say.
    pub(crate) score: Option<f64>,
    pub(crate) alert: bool,
    pub(crate) burst_alert: bool,
    /// Of its hour: none where too little was known, or in a file that has none.
    pub(crate) hour_score: Option<f64>,
    pub(crate) hour_alert: bool,
}

/// What was said of a customer at a date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standing {
    pub(crate) segment: Segment,
    /// Of an order within 60 days.
    pub(crate) p60: f64,
}

/// A change of a customer's segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Migration {
    pub(crate) at: Timestamp,
    /// None for the first one.
    pub(crate) from: Option<Segment>,
    pub(crate) to: Segment,
}

/// All lines of a file, by what they speak of.
#[derive(Debug, Default)]
pub(crate) struct Predictions {
    /// By customer, product and day.
    pub(crate) consumption: HashMap<(usize, usize, i64), Consumption>,
    /// By customer, product and date: of a purchase within 7, 14 and 30 days.
    pub(crate) due: HashMap<(usize, usize, i64), [f64; 3]>,
    /// By order.
    pub(crate) recommendations: HashMap<usize, Lists>,
    /// By order.
    pub(crate) orders: HashMap<usize, OrderScore>,
    /// By customer and date.
    pub(crate) standings: HashMap<(usize, i64), Standing>,
    /// By customer, in the order of the file.
    pub(crate) migrations: HashMap<usize, Vec<Migration>>,
    /// The dates that have `due` lines.
    pub(crate) grid: BTreeSet<i64>,
    /// The dates that have `segment` lines.
    pub(crate) snapshots: BTreeSet<i64>,
    /// How many lines of each kind there are.
    pub(crate) lines: BTreeMap<String, u64>,
    /// Lines that the history knows nothing of.
    pub(crate) unmatched: u64,
}

impl Predictions {
    /// Reads the file at `path`, plain, or unpacked when its name ends in `.gz`.
    pub(crate) fn read(path: &Path, history: &History) -> Result<Self, Failure> {
        let input = InputFile::open(path)?.into_input();
        Self::of(input, history).map_err(|(number, error)| {
            Failure::usage(format!("`{}`, line {number}: {error}", path.display()))
        })
    }

    fn of(mut input: impl BufRead, history: &History) -> Result<Self, (u64, LineError)> {
        let mut predictions = Self::default();
        let mut text = Vec::new();
        for number in 1.. {
            text.clear();
            let count = input.read_until(b'\n', &mut text).map_err(|error| (number, error.into()))?;
            if count == 0 {
                break;
            }
            let line = Line::parse(text.trim_ascii()).map_err(|error| (number, error))?;
            predictions.take(line, history);
        }
        Ok(predictions)
    }

    fn take(&mut self, line: Line, history: &History) {
        *self.lines.entry(line.kind().to_owned()).or_default() += 1;
        if self.put(line, history).is_none() {
            self.unmatched += 1;
        }
    }

    /// None when the history knows nothing of what the line speaks of.
    fn put(&mut self, line: Line, history: &History) -> Option<()> {
        let customer = |id: &str| history.customers.index(id);
        let product = |id: &str| history.products.index(id);
        let products = |ids: &[String]| ids.iter().map(|id| product(id).unwrap_or(UNKNOWN)).collect();
        match line {
            Line::Consumption(line) => {
                let key = (customer(&line.customer_id)?, product(&line.product_id)?, line.at.utc_day());
                // A product bought twice on a day has one line; should there be more, the first one counts.
                self.consumption
                    .entry(key)
                    .or_insert(Consumption { median_days: line.median_days, p: line.p.all() });
            }
            Line::Due(line) => {
                let day = line.at.utc_day();
                self.due
                    .insert((customer(&line.customer_id)?, product(&line.product_id)?, day), line.p.all());
                self.grid.insert(day);
            }
            Line::Recommendation(line) => {
                let order = history.order_named(customer(&line.customer_id)?, &line.order_id, line.at)?;
                let lists = Lists { items: products(&line.items), new_items: products(&line.new_items) };
                self.recommendations.insert(order, lists);
            }
            Line::Order(line) => {
                let order = history.order_named(customer(&line.customer_id)?, &line.order_id, line.at)?;
                let said = OrderScore {
                    score: line.score,
                    alert: line.alert,
                    burst_alert: line.burst_alert,
                    hour_score: line.hour_score,
                    hour_alert: line.hour_alert,
                };
                self.orders.insert(order, said);
            }
            Line::Segment(line) => {
                let day = line.at.utc_day();
                let standing = Standing { segment: line.segment.0, p60: line.p60 };
                self.standings.insert((customer(&line.customer_id)?, day), standing);
                self.snapshots.insert(day);
            }
            Line::Migration(line) => {
                let from = line.from.map(|name| name.0);
                let migration = Migration { at: line.at, from, to: line.to.0 };
                self.migrations.entry(customer(&line.customer_id)?).or_default().push(migration);
            }
            Line::Other => {}
        }
        Some(())
    }

    /// The segment that the customer was in when the day began.
    pub(crate) fn segment_at(&self, customer: usize, day: i64) -> Option<Segment> {
        let moves = self.migrations.get(&customer)?;
        let midnight = Timestamp::from_ms_clamped(day * Timestamp::DAY_MS);
        // A move by silence takes effect at midnight and counts; one by an order at that very instant does not,
        // but cannot be told apart.
        let before = moves.partition_point(|migration| migration.at <= midnight);
        moves.get(before.checked_sub(1)?).map(|migration| migration.to)
    }
}

#[cfg(test)]
mod tests;
