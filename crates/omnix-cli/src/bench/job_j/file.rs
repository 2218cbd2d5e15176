//! Job J as it is defined: from a file on the disk to alert lines and a table on the disk.
//!
//! Every thread reads the whole file, which lies in the page cache, and takes the lines of its own customers: it
//! looks at a line's `customerId` as bytes and parses the line only if it is its own. To let each thread read half
//! of the file and hand over the other's lines was no faster.
//!
//! Deliberately not here: lines whose `customerId` is written with escapes in one place and without in another, or
//! stands below the top level before the event's own.

use std::fs::File;
use std::io::{BufWriter, Read, Write as _};
use std::path::Path;
use std::thread;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64};

use super::{Line, Outcome, State, seconds};
use crate::bench::events::open;
use crate::failure::Failure;

/// Bytes that are read at once: they stay in the processor's cache until they are folded.
const READ_BYTES: usize = 256 << 10;
/// Bytes that are gathered before they are written.
const WRITE_BYTES: usize = 256 << 10;

/// Job J on `parts` threads, each with its own share of the customers of `file`; they write their alerts to
/// `into/alerts-N` and their shares of the table to `into/table-N`.
pub(crate) fn run_file(file: &Path, into: &Path, parts: u64) -> Result<Outcome, Failure> {
    let outcomes: Result<Vec<Outcome>, Failure> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..parts).map(|part| scope.spawn(move || Part::new(into, part, parts)?.run(file))).collect();
        let ended = threads.into_iter().filter_map(|thread| thread.join().ok());
        ended.collect()
    });
    Ok(Outcome::sum(outcomes?))
}

/// One thread's share of the customers.
struct Part {
    part: u64,
    parts: u64,
    customer_id: Finder<'static>,
    state: State<Xxh3DefaultBuilder>,
    alerts: BufWriter<File>,
    table: BufWriter<File>,
}

impl Part {
    fn new(into: &Path, part: u64, parts: u64) -> Result<Self, Failure> {
        let create = |name: &str| -> Result<_, Failure> {
            Ok(BufWriter::with_capacity(WRITE_BYTES, File::create(into.join(format!("{name}-{part}")))?))
        };
        Ok(Self {
            part,
            parts,
            customer_id: Finder::new(br#""customerId""#),
            state: State::default(),
            alerts: create("alerts")?,
            table: create("table")?,
        })
    }

    fn run(mut self, file: &Path) -> Result<Outcome, Failure> {
        let mut input = open(file)?;
        let mut buffer = vec![0; READ_BYTES];
        // Of the buffer, bytes of a line that is not read to its end.
        let mut begun = 0;
        loop {
            if begun == buffer.len() {
                buffer.resize(2 * begun, 0);
            }
            let read = input.read(buffer.get_mut(begun..).unwrap_or_default())?;
            let filled = buffer.get(..begun + read).unwrap_or_default();
            if read == 0 {
                self.line(filled)?;
                return self.finish();
            }
            let mut from = 0;
            for end in memchr_iter(b'\n', filled) {
                self.line(filled.get(from..end).unwrap_or_default())?;
                from = end + 1;
            }
            begun = filled.len() - from;
            buffer.copy_within(from..from + begun, 0);
        }
    }

    fn is_mine(&self, line: &[u8]) -> bool {
        let value = || {
            let behind = line.get(self.customer_id.find(line)? + self.customer_id.needle().len()..)?;
            let id = behind.get(memchr(b'"', behind)? + 1..)?;
            id.get(..memchr(b'"', id)?)
        };
        value().is_some_and(|id| xxh3_64(id) % self.parts == self.part)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        if !self.is_mine(line) {
            return Ok(());
        }
        let Ok(Line { customer_id, product_id, total_amount, timestamp }) = serde_json::from_slice(line)
        else {
            return Ok(());
        };
        if let Some(mean) = self.state.update(&customer_id, &product_id, total_amount, seconds(timestamp)) {
            writeln!(self.alerts, "{customer_id},{product_id},{timestamp},{total_amount},{mean}")?;
        }
        Ok(())
    }

    /// A line a customer and a line a pair.
    #[expect(clippy::cast_precision_loss, reason = "seconds and counts of purchases")]
    fn finish(mut self) -> Result<Outcome, Failure> {
        for (id, customer) in &self.state.customers {
            let (mean, ewma) = (customer.mean(), customer.ewma);
            let (count, sum, last_s) = (customer.count, customer.sum, customer.last_s);
            writeln!(self.table, "{id},{count},{sum},{mean},{ewma},{last_s}")?;
            for (product, pair) in &customer.products {
                let (count, last_s) = (pair.count, pair.last_s);
                let interval_s = pair.interval_sum_s as f64 / count.saturating_sub(1).max(1) as f64;
                writeln!(self.table, "{id},{product},{count},{last_s},{interval_s}")?;
            }
        }
        self.alerts.flush()?;
        self.table.flush()?;
        Ok(self.state.outcome())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use serde_json::Value;

    use super::*;
    use crate::bench::events::Population;

    /// The same job, as it is said and not as it is fast: one thread, every line a JSON document.
    fn plain(lines: &str) -> (Outcome, Vec<String>, Vec<String>) {
        type Sales = Vec<(f64, i64)>;
        let mut customers: BTreeMap<String, (Sales, BTreeMap<String, Sales>)> = BTreeMap::new();
        let (mut alerts, mut events) = (Vec::new(), 0);
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let [customer, product, at] =
                ["customerId", "productId", "timestamp"].map(|name| line[name].as_str().unwrap());
            let amount = line["totalAmount"].as_f64().unwrap();
            let sale = (amount, seconds(at));
            let (sales, pairs) = customers.entry(customer.to_owned()).or_default();
            let mean = sales.iter().map(|(amount, _)| amount).sum::<f64>() / sales.len() as f64;
            if (amount - mean).abs() > 0.5 * mean.abs() {
                alerts.push(format!("{customer},{product},{at},{amount},{mean}"));
            }
            sales.push(sale);
            pairs.entry(product.to_owned()).or_default().push(sale);
            events += 1;
        }
        let mut table = Vec::new();
        for (customer, (sales, pairs)) in &customers {
            let (sum, count) = (sales.iter().map(|(amount, _)| amount).sum::<f64>(), sales.len());
            let ewma = sales.iter().fold(0.0, |ewma, (amount, _)| ewma + 0.3 * (amount - ewma));
            let last_s = sales.last().unwrap().1;
            table.push(format!("{customer},{count},{sum},{},{ewma},{last_s}", sum / count as f64));
            for (product, sales) in pairs {
                let (first, last) = (sales.first().unwrap().1, sales.last().unwrap().1);
                let mean =
                    if sales.len() > 1 { (last - first) as f64 / (sales.len() - 1) as f64 } else { 0.0 };
                table.push(format!("{customer},{product},{},{last},{mean}", sales.len()));
            }
        }
        let pairs = customers.values().map(|(_, pairs)| pairs.len() as u64).sum();
        let customers = customers.len() as u64;
        (Outcome { events, customers, pairs, alerts: alerts.len() as u64 }, alerts, table)
    }

    fn written(dir: &Path, name: &str, parts: u64) -> Vec<String> {
        let part = |part| fs::read_to_string(dir.join(format!("{name}-{part}"))).unwrap();
        let mut lines: Vec<String> = (0..parts)
            .flat_map(|number| part(number).lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn alerts_and_table_are_those_of_a_plain_loop() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("events.ndjson");
        let shop = Population { events: 4_000, customers: 60, favourites: 9, products: 80, days: 30 };
        shop.write_file(&file).unwrap();
        let lines = fs::read_to_string(&file).unwrap();
        assert!(lines.len() > 4 * READ_BYTES, "lines are cut by what is read at once");
        let (outcome, mut alerts, mut table) = plain(&lines);
        assert!(outcome.alerts > 0 && outcome.pairs > outcome.customers);
        alerts.sort();
        table.sort();
        for parts in [1, 2, 3] {
            assert_eq!(run_file(&file, dir.path(), parts).unwrap(), outcome);
            assert_eq!(written(dir.path(), "alerts", parts), alerts);
            assert_eq!(written(dir.path(), "table", parts), table);
        }
        // A line that is longer than what is read at once, and none at the end of the last line.
        let long = lines.lines().next().unwrap().replace("Store", &"x".repeat(3 * READ_BYTES));
        fs::write(&file, format!("{lines}{long}")).unwrap();
        assert_eq!(run_file(&file, dir.path(), 2).unwrap().events, outcome.events + 1);
    }
}
