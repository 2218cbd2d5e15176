//! Rows for the learners, and what came about: what a lane saw of them in an epoch.
//!
//! Which rows there are is decided by the gates of the model in force; here they are only bounded.

use omnix_model::{DecodeError, Reader, Writer};

use crate::model::learners::{Bought, LearnerInput, Ordered, PairRow, Row, VisitRow};

/// Rows of each kind that are kept.
const ROWS_MAX: usize = 1_024;
/// Things that came about, of each kind, that are kept.
const EVENTS_MAX: usize = 16_384;

/// Rows for the learners, and what came about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::model) struct RowSample {
    /// Pairs on the day on which they were bought.
    pub(in crate::model) expects: Vec<PairRow>,
    /// Pairs as they stood on the day of the weekly look.
    pub(in crate::model) due: Vec<PairRow>,
    /// Customers as they stood on it.
    pub(in crate::model) stands: Vec<VisitRow>,
    pub(in crate::model) bought: Vec<Bought>,
    pub(in crate::model) ordered: Vec<Ordered>,
}

/// Adds an item if there is room; says how many were left out.
fn add<T>(items: &mut Vec<T>, item: T, max: usize) -> u64 {
    if items.len() < max {
        items.push(item);
        return 0;
    }
    1
}

impl RowSample {
    /// Takes an input in; says how many were left out.
    pub(super) fn absorb(&mut self, input: &LearnerInput) -> u64 {
        match input {
            LearnerInput::Expects(row) => add(&mut self.expects, *row, ROWS_MAX),
            LearnerInput::Due(row) => add(&mut self.due, *row, ROWS_MAX),
            LearnerInput::Stands(row) => add(&mut self.stands, *row, ROWS_MAX),
            LearnerInput::Bought(bought) => add(&mut self.bought, *bought, EVENTS_MAX),
            LearnerInput::Ordered(ordered) => add(&mut self.ordered, *ordered, EVENTS_MAX),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.expects.len() + self.due.len()) * size_of::<PairRow>()
            + self.stands.len() * size_of::<VisitRow>()
            + self.bought.len() * size_of::<Bought>()
            + self.ordered.len() * size_of::<Ordered>()
    }

    pub(super) fn write(&self, out: &mut Writer) {
        for rows in [&self.expects, &self.due] {
            out.uint(rows.len() as u64);
            rows.iter().for_each(|row| row.encode(out));
        }
        out.uint(self.stands.len() as u64);
        self.stands.iter().for_each(|row| row.encode(out));
        out.uint(self.bought.len() as u64);
        self.bought.iter().for_each(|bought| bought.encode(out));
        out.uint(self.ordered.len() as u64);
        self.ordered.iter().for_each(|ordered| ordered.encode(out));
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            expects: items(from, ROWS_MAX, PairRow::decode)?,
            due: items(from, ROWS_MAX, PairRow::decode)?,
            stands: items(from, ROWS_MAX, VisitRow::decode)?,
            bought: items(from, EVENTS_MAX, Bought::decode)?,
            ordered: items(from, EVENTS_MAX, Ordered::decode)?,
        })
    }
}

fn items<T>(
    from: &mut Reader<'_>,
    max: usize,
    read: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = from.count()?;
    if count > max {
        return Err(DecodeError::Invalid("tally rows"));
    }
    (0..count).map(|_| read(from)).collect()
}
