//! Planting: copies of a history in which some orders of the hold-out are multiplied, to see whether they are
//! found.
//!
//! A copy multiplies the quantity and the amount of every line of one order in twenty, chosen by a hash, as a
//! mistyped quantity does; the copy is replayed like the history itself, so what was planted also teaches, as it
//! would in life. Only orders that have a score in the history itself are chosen. Deliberately not here: how a
//! copy becomes a prediction file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use omnix_model::{Event, Money, Purchase, Quantity};
use omnix_wire::event_to_json;
use xxhash_rust::xxh3::xxh3_64;

use super::history::History;
use super::predictions::{OrderScore, Predictions};
use super::read::HistoryFile;
use super::split::Split;
use crate::failure::Failure;

/// What orders are multiplied by, one copy at a time.
pub(crate) const FACTORS: [u32; 3] = [3, 5, 10];
/// One order in so many is planted in a copy.
const ONE_IN: u64 = 20;

/// An order that was planted, and what was said of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planted {
    pub(crate) factor: u32,
    pub(crate) said: Option<OrderScore>,
}

/// One copy: its factor, its number among the copies of this factor, and the orders that are multiplied.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) factor: u32,
    pub(crate) orders: HashSet<usize>,
}

/// `count` copies of each factor.
pub(crate) fn copies(history: &History, predictions: &Predictions, split: Split, count: u32) -> Vec<Copy> {
    let numbers = (0..count).flat_map(|number| FACTORS.map(|factor| (number, factor)));
    let is_scored = |order: &usize| predictions.orders.get(order).is_some_and(|said| said.score.is_some());
    numbers
        .map(|(number, factor)| {
            let orders = history.orders.iter().enumerate();
            let held = orders.filter(|(_, order)| order.day >= split.from).map(|(index, _)| index);
            let chosen = held.filter(is_scored).filter(|order| is_chosen(*order, number, factor));
            Copy { factor, orders: chosen.collect() }
        })
        .collect()
}

fn is_chosen(order: usize, number: u32, factor: u32) -> bool {
    xxh3_64(format!("{order} {number} {factor}").as_bytes()).is_multiple_of(ONE_IN)
}

/// Writes the copy as NDJSON to `path`.
pub(crate) fn write(
    source: HistoryFile<'_>,
    history: &History,
    copy: &Copy,
    path: &Path,
) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(path)?);
    source.events(&mut |mut event| {
        if let Event::Purchase(purchase) = &mut event
            && history.order_holding(purchase).is_some_and(|order| copy.orders.contains(&order))
        {
            multiply(purchase, copy.factor);
        }
        writeln!(out, "{}", event_to_json(&event, None))?;
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}

/// What was said of the orders that the copy multiplied.
pub(crate) fn judge(copy: &Copy, replayed: &Predictions) -> impl Iterator<Item = Planted> {
    let said = |order: &usize| replayed.orders.get(order).copied();
    copy.orders.iter().map(move |order| Planted { factor: copy.factor, said: said(order) })
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
mod tests {
    use super::*;
    use crate::cli::HistoryFormat;

    #[test]
    fn only_the_lines_of_the_chosen_order_are_multiplied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.csv");
        let table = "customer,product,time,amount,order\n\
                     ann,tea,2026-01-05 10:00,2.50,1\n\
                     ann,jam,2026-01-05 10:00,4,1\n\
                     ann,tea,2026-01-09 10:00,2.50,2\n\
                     ann,tea,2026-01-10 10:00,-2.50,2\n";
        std::fs::write(&path, table).unwrap();
        let source = HistoryFile::new(&path, Some(HistoryFormat::Csv)).unwrap();
        let (history, _) = source.history().unwrap();
        let copy = Copy { factor: 5, orders: HashSet::from([0]) };
        let written = folder.path().join("copy.ndjson");
        write(source, &history, &copy, &written).unwrap();
        let again = HistoryFile::new(&written, None).unwrap().history().unwrap().0;
        let amounts: Vec<f64> = again.orders.iter().map(|order| order.amount).collect();
        assert_eq!(amounts, [32.5, 2.5]);
    }

    #[test]
    fn about_one_order_in_twenty_is_chosen_and_each_copy_has_its_own() {
        let chosen = |number: u32| -> HashSet<usize> {
            (0..10_000).filter(|order| is_chosen(*order, number, 3)).collect()
        };
        let (first, second) = (chosen(0), chosen(1));
        assert!((400..600).contains(&first.len()), "{}", first.len());
        assert!(first.intersection(&second).count() < 60);
    }
}
