//! Planting: copies of a history with something wrong in the hold-out, to see whether it is found.
//!
//! A copy multiplies the quantity and the amount of every line of some orders, as a mistyped quantity does, has five
//! small orders follow an order ten minutes apart, or moves some orders to another time of day. Orders are chosen by
//! a hash among those that have a score in the history itself. A copy is replayed like the history, so what was
//! planted also teaches, as it would in life. Deliberately not here: how a copy becomes a prediction file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use omnix_model::{Event, Money, OrderId, Purchase, Quantity, Timestamp};
use omnix_wire::event_to_json;
use serde_json::json;
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use super::history::{History, Order};
use super::predictions::Predictions;
use super::read::HistoryFile;
use super::split::Split;
use crate::failure::Failure;

/// What orders are multiplied by.
pub(crate) const FACTORS: [u32; 3] = [3, 5, 10];
/// Orders that follow in a burst, and the minutes between them.
const BURST_ORDERS: u32 = 5;
const BURST_GAP_MS: i64 = 600_000;
/// Hours by which an order is moved: it lies 8 hours or more from where it was, either way round the clock.
const MOVED_HOURS: [u32; 9] = [8, 9, 10, 11, 12, 13, 14, 15, 16];
/// By which order of a burst it has to be noticed.
const NOTICED_BY: u32 = 4;

/// What a copy has that the history does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// One order in twenty is so many times as large.
    Times(u32),
    /// One order in a hundred is 3, 5 or 10 times as large: so rare that precision means something.
    Rare,
    /// One order in twenty is followed by five others.
    Burst,
    /// One order in twenty, of those whose hour has a score, comes hours later.
    Hour,
}

/// One copy.
#[derive(Debug)]
pub(crate) struct Copy {
    wrong: Wrong,
    /// The orders that are chosen, and what each is multiplied by, or by how many hours it is moved.
    orders: BTreeMap<usize, u32>,
}

/// What was said of all that was planted.
#[derive(Debug, Default)]
pub(crate) struct Harvest {
    /// By factor: the scores.
    pub(crate) scores: BTreeMap<u32, Vec<f64>>,
    /// Of the rare ones: how many were planted, raised an alert, and how many alerts there were in all.
    pub(crate) rare: usize,
    pub(crate) rare_found: usize,
    pub(crate) rare_alerts: usize,
    /// The scores of hours of those that were moved.
    pub(crate) hour_scores: Vec<f64>,
    /// Bursts, and how many were noticed by their fourth order.
    pub(crate) bursts: usize,
    pub(crate) bursts_noticed: usize,
}

/// `count` copies of each kind.
pub(crate) fn copies(history: &History, predictions: &Predictions, split: Split, count: u32) -> Vec<Copy> {
    let kinds = FACTORS.into_iter().map(Wrong::Times).chain([Wrong::Rare, Wrong::Burst, Wrong::Hour]);
    let kinds: Vec<Wrong> = kinds.collect();
    let is_scored = |order: &usize| predictions.orders.get(order).is_some_and(|said| said.score.is_some());
    let has_hour =
        |order: &usize| predictions.orders.get(order).is_some_and(|said| said.hour_score.is_some());
    let held = |order: &Order| order.day >= split.from;
    let candidates: Vec<usize> = history
        .orders
        .iter()
        .enumerate()
        .filter(|(_, order)| held(order))
        .map(|(index, _)| index)
        .filter(is_scored)
        .collect();
    (0..count)
        .flat_map(|number| kinds.iter().map(move |wrong| (number, *wrong)))
        .map(|(number, wrong)| {
            let fitting = candidates.iter().filter(|order| wrong != Wrong::Hour || has_hour(order));
            let chosen = fitting.filter_map(|order| Some((*order, choice(*order, number, wrong)?)));
            Copy { wrong, orders: chosen.collect() }
        })
        .collect()
}

/// What the order is multiplied by in this copy, or by how many hours it is moved; none when it is not chosen.
fn choice(order: usize, number: u32, wrong: Wrong) -> Option<u32> {
    let hash = xxh3_64(format!("{order} {number} {wrong:?}").as_bytes());
    let one_in = if wrong == Wrong::Rare { 100 } else { 20 };
    hash.is_multiple_of(one_in).then(|| match wrong {
        Wrong::Times(factor) => factor,
        Wrong::Rare => FACTORS.into_iter().cycle().nth((hash / one_in % 3) as usize).unwrap_or(1),
        Wrong::Burst => 1,
        Wrong::Hour => MOVED_HOURS.get((hash / one_in % 9) as usize).copied().unwrap_or(12),
    })
}

impl Copy {
    /// A copy with nothing wrong in it, for a history that is in another form than the product reads.
    pub(crate) const fn faithful() -> Self {
        Self { wrong: Wrong::Rare, orders: BTreeMap::new() }
    }

    /// Writes the copy of `source` as NDJSON to `path`.
    pub(crate) fn write(
        &self,
        source: HistoryFile<'_>,
        history: &History,
        path: &Path,
    ) -> Result<(), Failure> {
        let mut out =
            Copying { out: BufWriter::new(File::create(path)?), waiting: BTreeMap::new(), moved: 0 };
        let mut begun = BTreeSet::new();
        source.events(&mut |mut event| {
            out.flush_until(event.timestamp())?;
            if let Event::Purchase(purchase) = &mut event
                && let Some(order) = history.order_holding(purchase)
                && let Some(factor) = self.orders.get(&order)
            {
                if self.wrong == Wrong::Burst && begun.insert(order) {
                    out.wait_for(purchase, order);
                }
                if self.wrong == Wrong::Hour {
                    out.move_later(purchase, order, *factor);
                    return Ok(());
                }
                multiply(purchase, *factor);
            }
            out.write(&event)
        })?;
        out.flush_until(Timestamp::MAX)?;
        out.out.flush()?;
        Ok(())
    }

    /// Whether the copy has orders that the history has not, moved ones among them.
    pub(crate) fn adds_orders(&self) -> bool {
        matches!(self.wrong, Wrong::Burst | Wrong::Hour)
    }

    /// What was said of what was planted: `replayed` are the predictions of the copy, read against `history`: the
    /// copy itself where it has orders of its own.
    pub(crate) fn harvest(&self, history: &History, replayed: &Predictions, split: Split, all: &mut Harvest) {
        let said = |order: &usize| replayed.orders.get(order).copied();
        match self.wrong {
            Wrong::Times(factor) => {
                let scores = self.orders.keys().filter_map(|order| said(order)?.score);
                all.scores.entry(factor).or_default().extend(scores);
            }
            Wrong::Rare => {
                let is_alert = |order: &usize| said(order).is_some_and(|said| said.alert);
                let orders = history.orders.iter().enumerate();
                let held = orders.filter(|(_, order)| order.day >= split.from).map(|(order, _)| order);
                all.rare_alerts += held.filter(is_alert).count();
                all.rare += self.orders.len();
                all.rare_found += self.orders.keys().filter(|order| is_alert(order)).count();
            }
            Wrong::Burst => {
                let orders = history.orders.iter().enumerate();
                let noticed = orders.filter_map(|(index, order)| {
                    let (burst, number) = burst_of(order.id.as_deref()?)?;
                    let is_noticed = number <= NOTICED_BY && said(&index)?.burst_alert;
                    is_noticed.then_some((order.customer, burst))
                });
                all.bursts += self.orders.len();
                all.bursts_noticed += noticed.collect::<BTreeSet<_>>().len();
            }
            Wrong::Hour => {
                let moved = history
                    .orders
                    .iter()
                    .enumerate()
                    .filter(|(_, order)| order.id.as_deref().is_some_and(|id| id.starts_with(MOVED)));
                all.hour_scores.extend(moved.filter_map(|(order, _)| said(&order)?.hour_score));
            }
        }
    }
}

/// A copy that is being written, and orders of bursts and moved lines that wait for their time.
struct Copying<W> {
    out: W,
    /// Lines that were moved.
    moved: u32,
    waiting: BTreeMap<(Timestamp, usize, u32), Event>,
}

impl<W: Write> Copying<W> {
    fn write(&mut self, event: &Event) -> Result<(), Failure> {
        writeln!(self.out, "{}", event_to_json(event, None))?;
        Ok(())
    }

    /// Writes what comes before `until` or at that instant.
    fn flush_until(&mut self, until: Timestamp) -> Result<(), Failure> {
        while let Some(next) = self.waiting.first_entry().filter(|next| next.key().0 <= until) {
            let event = next.remove();
            self.write(&event)?;
        }
        Ok(())
    }

    /// Has a line of `order` wait until it is some hours later.
    fn move_later(&mut self, line: &Purchase, order: usize, hours: u32) {
        let name = format!("{MOVED}{order}");
        let mut later = line.clone();
        later.timestamp = line.timestamp.plus_ms(i64::from(hours) * Timestamp::HOUR_MS);
        later.metadata = SmolStr::new(json!({"orderId": name}).to_string());
        later.order_id = OrderId::new(&name).ok();
        later.order_lines = None;
        self.waiting.insert((later.timestamp, order, self.moved), Event::Purchase(later));
        self.moved += 1;
    }

    /// Has a burst follow the order that begins with `line`.
    fn wait_for(&mut self, line: &Purchase, order: usize) {
        for number in 1..=BURST_ORDERS {
            let name = burst_id(order, number);
            let mut follower = line.clone();
            follower.timestamp = line.timestamp.plus_ms(i64::from(number) * BURST_GAP_MS);
            follower.metadata = SmolStr::new(json!({"orderId": name}).to_string());
            follower.order_id = OrderId::new(&name).ok();
            follower.order_lines = None;
            self.waiting.insert((follower.timestamp, order, number), Event::Purchase(follower));
        }
    }
}

/// What the id of an order that was moved begins with.
const MOVED: &str = "moved ";

/// The id of an order of a burst.
fn burst_id(order: usize, number: u32) -> String {
    format!("burst {order} {number}")
}

/// The burst that an order belongs to, and its number in it.
fn burst_of(id: &str) -> Option<(usize, u32)> {
    let (order, number) = id.strip_prefix("burst ")?.split_once(' ')?;
    Some((order.parse().ok()?, number.parse().ok()?))
}

/// An amount that would be beyond what can be kept stays as it is.
fn multiply(purchase: &mut Purchase, factor: u32) {
    let factor = i64::from(factor);
    let amount = purchase.total_amount.millionths().checked_mul(factor);
    let quantity = purchase.quantity.thousandths().checked_mul(factor);
    if let (Some(amount), Some(quantity)) = (amount, quantity) {
        purchase.total_amount = Money::from_millionths(amount);
        purchase.quantity = Quantity::from_thousandths(quantity);
    }
}

#[cfg(test)]
mod tests;
