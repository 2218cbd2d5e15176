//! What is counted: sales by the event's own hour, activity by the lane's hour and minute, and customers by
//! segment.
//!
//! One kind of row a file. Absolute and mergeable: a row holds the whole count of one shard (customers by segment:
//! of one lane), rows of several shards, lanes and hours add up. Each row carries the position up to which it was
//! added to (see [`crate::keys`]).

mod activity;
mod census;
mod histogram;
mod sales;

use omnix_model::{DecodeError, Position, Reader, Writer};

pub use activity::{Activity, Verdicts};
pub use census::{Census, SegmentCount};
pub use histogram::Histogram;
pub use sales::{Labelled, Sales, SegmentSales, add_label};

/// The label under which labels beyond the limit are counted.
pub const OTHER_LABEL: &str = "other";

/// A row that adds up, as stored.
pub trait Row: Default {
    /// Appends the row, without its position.
    fn encode(&self, out: &mut Writer);
    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no such row.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
    /// Adds another row of the same kind.
    fn merge(&mut self, other: &Self);
}

/// A row as bytes: version 1, position, row.
#[must_use]
pub fn encode_row<R: Row>(row: &R, until: Position) -> Vec<u8> {
    let mut out = Writer::new();
    out.u8(1);
    out.raw(&until.to_bytes());
    row.encode(&mut out);
    out.into_bytes()
}

/// The row that [`encode_row`] wrote, and the position up to which it was added to.
///
/// # Errors
/// [`DecodeError`] when the bytes are no such row.
pub fn decode_row<R: Row>(bytes: &[u8]) -> Result<(R, Position), DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        1 => {}
        version => return Err(DecodeError::Unknown(u64::from(version))),
    }
    let until = reader.raw(Position::BYTES)?.first_chunk().copied().ok_or(DecodeError::Truncated)?;
    Ok((R::decode(&mut reader)?, Position::from_bytes(until)))
}
