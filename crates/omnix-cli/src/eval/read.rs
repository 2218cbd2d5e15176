//! The events of a file in any of the formats, one after another.
//!
//! Deliberately not here: what a purchase is (`input_file` for the two formats of the product, `plain_csv`
//! for any table with four columns), and what is made of the events.

use std::io::{BufRead as _, Read as _};
use std::path::Path;

use omnix_model::{CustomerId, Event};
use omnix_wire::AnonymousRule;

use super::history::{Gathering, History};
use super::plain_csv;
use crate::cli::{FormatArg, HistoryFormat};
use crate::failure::Failure;
use crate::input_file::InputFile;
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
        let file = InputFile::open(self.path)?.silent();
        let format = match self.format {
            HistoryFormat::Ndjson => FormatArg::Ndjson,
            HistoryFormat::OnlineRetail => FormatArg::OnlineRetail,
            HistoryFormat::Csv => return plain_csv::read(file.into_input(), each),
        };
        let settings = settings::load(None, &[])?.settings;
        Ok(file.events(format, &settings, |line| each(line.event))?.lines())
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

fn first_line(path: &Path) -> Result<String, Failure> {
    let mut line = Vec::new();
    InputFile::open(path)?.into_input().take(1 << 16).read_until(b'\n', &mut line)?;
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
