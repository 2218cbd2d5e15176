//! The column layout of the UCI data set "Online Retail": one row an invoice line, one event a row.
//!
//! For each row the first rule that fits decides: no `CustomerID`; a `StockCode` that is no product; a price of
//! 0 or less; a cancellation (`InvoiceNo` begins with `C`) of a negative quantity is a return; any other
//! cancellation or quantity of 0 or less contradicts itself; the rest are purchases. Rows that are no sale to a
//! known customer are skipped with a reason; rows that cannot be parsed are refused; neither stops the reading.
//! Identical rows are separate purchases: nothing is dropped as a duplicate within a file.

mod columns;
mod row;

use std::collections::HashMap;
use std::io::Read;

use omnix_model::{Event, EventId};

use columns::Columns;

/// Why a row is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// It names no customer.
    NoCustomer,
    /// Its stock code is postage, a fee, a voucher or a correction.
    NoProduct,
    /// Its price is not positive.
    NoPrice,
    /// A cancellation of a positive quantity, or a negative quantity that is no cancellation.
    Contradictory,
}

impl SkipReason {
    /// All reasons, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::NoCustomer, Self::NoProduct, Self::NoPrice, Self::Contradictory];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCustomer => "no_customer",
            Self::NoProduct => "no_product",
            Self::NoPrice => "no_price",
            Self::Contradictory => "contradictory",
        }
    }
}

/// What a row is.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every row is an event, and only one is held at a time")]
pub enum RowOutcome {
    /// A purchase or a return.
    Event {
        /// `online-retail:<InvoiceNo>:<n>`.
        event_id: EventId,
        /// The purchase; with a negative quantity a return.
        event: Event,
    },
    /// A row that is no sale to a known customer.
    Skipped(SkipReason),
    /// A row that cannot be read: why.
    Refused(String),
}

/// One row of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct RetailRow {
    /// Its number, from 1, the header not counted.
    pub number: u64,
    /// What it is.
    pub outcome: RowOutcome,
}

/// Why a file cannot be read at all, or no further.
#[derive(Debug, thiserror::Error)]
pub enum RetailError {
    /// The header lacks a column.
    #[error("the header has no column `{0}`")]
    NoColumn(&'static str),
    /// The input failed.
    #[error("the input cannot be read: {0}")]
    Input(#[from] csv::Error),
}

/// Reads a file row by row.
pub struct OnlineRetail<R> {
    reader: csv::Reader<R>,
    columns: Columns,
    record: csv::ByteRecord,
    /// How many rows of each invoice have been read, skipped ones included.
    lines: HashMap<Vec<u8>, u32>,
    number: u64,
}

impl<R: Read> OnlineRetail<R> {
    /// The file that `input` holds.
    ///
    /// # Errors
    /// [`RetailError`] when its header cannot be read or lacks a column.
    pub fn new(input: R) -> Result<Self, RetailError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let columns = Columns::of(reader.byte_headers()?)?;
        Ok(Self { reader, columns, record: csv::ByteRecord::new(), lines: HashMap::new(), number: 0 })
    }

    /// Counts a row of the invoice.
    fn next_line(&mut self) -> u32 {
        let invoice = self.columns.invoice_no(&self.record);
        if let Some(lines) = self.lines.get_mut(invoice) {
            *lines += 1;
            return *lines;
        }
        self.lines.insert(invoice.to_vec(), 1);
        1
    }
}

impl<R: Read> Iterator for OnlineRetail<R> {
    type Item = Result<RetailRow, RetailError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error.into())),
        }
        self.number += 1;
        let line = self.next_line();
        let outcome = row::read(&self.columns, &self.record, line);
        let outcome = outcome.unwrap_or_else(|reason| RowOutcome::Refused(reason.to_string()));
        Some(Ok(RetailRow { number: self.number, outcome }))
    }
}

impl<R> std::fmt::Debug for OnlineRetail<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnlineRetail").field("number", &self.number).finish_non_exhaustive()
    }
}
