//! The events of a file in any of the formats, one after another.
//!
//! Deliberately not here: what a purchase is (`omnix-wire` for the two formats of the product, `plain_csv` for any
//! table with four columns), and what is made of the events.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use omnix_model::{CustomerId, Event, Timestamp};
use omnix_wire::{AnonymousRule, NdjsonHistory, OnlineRetail, ParseSettings, RowOutcome};
use smol_str::SmolStr;

use super::history::{Gathering, History};
use super::plain_csv;
use crate::cli::HistoryFormat;
use crate::failure::Failure;
use crate::settings;

/// A history's file, and how it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HistoryFile<'a> {
    pub(crate) path: &'a Path,
    pub(crate) format: HistoryFormat,
}

impl<'a> HistoryFile<'a> {
    /// The file at `path`; without a format its first line tells.
    pub(crate) fn new(path: &'a Path, format: Option<HistoryFormat>) -> Result<Self, Failure> {
        let format = match format {
            Some(format) => format,
            None => told_by(&first_line(path)?),
        };
        Ok(Self { path, format })
    }

    /// All events that are sound, in the order of the file; answers how many lines were left out.
    pub(crate) fn events(self, each: &mut dyn FnMut(Event) -> Result<(), Failure>) -> Result<u64, Failure> {
        let input = BufReader::with_capacity(1 << 18, open(self.path)?);
        match self.format {
            HistoryFormat::Ndjson => ndjson(input, each),
            HistoryFormat::OnlineRetail => online_retail(input, each),
            HistoryFormat::Csv => plain_csv::read(input, each),
        }
    }

    /// The whole of it, customers who are nobody left out.
    pub(crate) fn history(self) -> Result<(History, u64), Failure> {
        let settings = settings::load(None, &[])?.settings;
        let anonymous = AnonymousRule::new(&settings.customers.anonymous);
        let mut gathering = Gathering::default();
        let left_out = self.events(&mut |event| {
            if let Event::Purchase(purchase) = &event
                && !anonymous.is_anonymous(purchase.customer_id.as_ref().map(CustomerId::as_str))
            {
                gathering.add(purchase);
            }
            Ok(())
        })?;
        Ok((gathering.finish(), left_out))
    }
}

/// A file's bytes, plain, or unpacked when its name ends in `.gz`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    let file = File::open(path).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
    let is_gzip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

fn first_line(path: &Path) -> Result<String, Failure> {
    let mut line = Vec::new();
    BufReader::new(open(path)?.take(1 << 16)).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// The format of a file that begins with `line`.
fn told_by(line: &str) -> HistoryFormat {
    if line.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        HistoryFormat::Ndjson
    } else if ["InvoiceNo", "StockCode", "CustomerID"].iter().all(|column| line.contains(column)) {
        HistoryFormat::OnlineRetail
    } else {
        HistoryFormat::Csv
    }
}

fn ndjson(input: impl BufRead, each: &mut dyn FnMut(Event) -> Result<(), Failure>) -> Result<u64, Failure> {
    let settings = settings::load(None, &[])?.settings;
    let parse = ParseSettings {
        now: Timestamp::MAX,
        currency: SmolStr::new(&settings.shop.currency),
        anonymous_empty_allowed: AnonymousRule::new(&settings.customers.anonymous).allows_absent(),
        expected: None,
    };
    let mut left_out = 0;
    for line in NdjsonHistory::new(input, parse) {
        match line?.outcome {
            Ok(parsed) => each(parsed.event)?,
            Err(_) => left_out += 1,
        }
    }
    Ok(left_out)
}

fn online_retail(
    input: impl Read,
    each: &mut dyn FnMut(Event) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut left_out = 0;
    for row in OnlineRetail::new(input)? {
        match row?.outcome {
            RowOutcome::Event { event, .. } => each(event)?,
            RowOutcome::Skipped(_) | RowOutcome::Refused(_) => left_out += 1,
        }
    }
    Ok(left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells_the_format() {
        assert_eq!(told_by("\u{feff}{\"customerId\": 1}\n"), HistoryFormat::Ndjson);
        let retail = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
        assert_eq!(told_by(retail), HistoryFormat::OnlineRetail);
        assert_eq!(told_by("Kunde;Artikel;Datum;Betrag\r\n"), HistoryFormat::Csv);
    }
}
