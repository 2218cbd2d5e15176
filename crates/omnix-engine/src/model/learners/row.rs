//! Labelled rows in the making: what is to be told of a pair or a customer later, and what came about.
//!
//! A row names whom it is about by two hashes of 32 bits, so that what came about finds it; it is kept for as
//! long as its longest horizon and no longer.

use omnix_model::{CustomerId, DecodeError, ProductId, Reader, Writer};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::pair::KeptPair;
use super::visit::KeptVisit;
use crate::calendar::Day;
use crate::math::low32;

/// Days of the week: a customer's rows are looked at on the one that follows from their hash.
const WEEK: u32 = 7;

/// Who a row is about: a hash of the customer's id.
pub(crate) fn who(customer: &CustomerId) -> u32 {
    low32(xxh3_64(customer.as_str().as_bytes()))
}

/// What a row is about: a hash of the product and of the day on which it was bought last.
pub(crate) fn what(product: &ProductId, bought_on: Day) -> u32 {
    low32(xxh3_64_with_seed(product.as_str().as_bytes(), u64::from(bought_on.cast_unsigned())))
}

/// The first day after `day` on which the rows of `who` are looked at.
pub(crate) fn next_look(who: u32, day: Day) -> Day {
    let wanted = who % WEEK;
    let today = day.rem_euclid(7).cast_unsigned();
    let ahead = (wanted + WEEK - today - 1) % WEEK + 1;
    day.saturating_add(ahead.cast_signed())
}

/// Names a row: what, then whom it is about, so that rows in their order are not those of one customer after
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    pub(crate) what: u32,
    pub(crate) who: u32,
}

impl RowKey {
    pub(crate) fn encode(self, out: &mut Writer) {
        out.fixed32(self.what);
        out.fixed32(self.who);
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { what: from.fixed32()?, who: from.fixed32()? })
    }
}

/// A customer and a product as they stood on a day: whether it is bought within so many days will be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairRow {
    pub(crate) key: RowKey,
    pub(crate) day: Day,
    pub(crate) figures: KeptPair,
}

/// A customer as they stood on a day: whether they order within 60 days will be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitRow {
    pub(crate) key: RowKey,
    pub(crate) day: Day,
    pub(crate) figures: KeptVisit,
}

/// A customer bought a product again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    /// Names the pair by the purchase day before.
    pub(crate) key: RowKey,
    /// The purchase day before.
    pub(crate) since: Day,
    pub(crate) day: Day,
}

/// A customer ordered, for the first time on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ordered {
    pub(crate) who: u32,
    /// The order day before.
    pub(crate) since: Day,
    pub(crate) day: Day,
}

/// What the learners are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LearnerInput {
    /// A pair of customer and product on the day on which it was bought.
    Expects(PairRow),
    /// A pair on the day of the weekly look at its customer.
    Due(PairRow),
    /// A customer on the day of the weekly look.
    Stands(VisitRow),
    /// A product was bought again, on another day than before.
    Bought(Bought),
    /// A customer ordered again, on another day than before.
    Ordered(Ordered),
}

impl LearnerInput {
    /// Appends it to `out`: kind, then its fields.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Expects(row) => {
                out.u8(0);
                row.encode(out);
            }
            Self::Due(row) => {
                out.u8(1);
                row.encode(out);
            }
            Self::Stands(row) => {
                out.u8(2);
                row.encode(out);
            }
            Self::Bought(bought) => {
                out.u8(3);
                bought.encode(out);
            }
            Self::Ordered(ordered) => {
                out.u8(4);
                ordered.encode(out);
            }
        }
    }

    /// What [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match from.u8()? {
            0 => Self::Expects(PairRow::decode(from)?),
            1 => Self::Due(PairRow::decode(from)?),
            2 => Self::Stands(VisitRow::decode(from)?),
            3 => Self::Bought(Bought::decode(from)?),
            4 => Self::Ordered(Ordered::decode(from)?),
            kind => return Err(DecodeError::Unknown(kind.into())),
        })
    }
}

/// A row that waits for its label.
pub(crate) trait Row: Copy {
    fn key(&self) -> RowKey;
    fn day(&self) -> Day;
    fn encode(&self, out: &mut Writer);
    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

impl Row for PairRow {
    fn key(&self) -> RowKey {
        self.key
    }

    fn day(&self) -> Day {
        self.day
    }

    fn encode(&self, out: &mut Writer) {
        self.key.encode(out);
        out.int(self.day.into());
        self.figures.encode(out);
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { key: RowKey::decode(from)?, day: read_day(from)?, figures: KeptPair::decode(from)? })
    }
}

impl Row for VisitRow {
    fn key(&self) -> RowKey {
        self.key
    }

    fn day(&self) -> Day {
        self.day
    }

    fn encode(&self, out: &mut Writer) {
        self.key.encode(out);
        out.int(self.day.into());
        self.figures.encode(out);
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { key: RowKey::decode(from)?, day: read_day(from)?, figures: KeptVisit::decode(from)? })
    }
}

impl Bought {
    pub(crate) fn encode(&self, out: &mut Writer) {
        self.key.encode(out);
        out.int(self.since.into());
        out.int(i64::from(self.day) - i64::from(self.since));
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (key, since) = (RowKey::decode(from)?, read_day(from)?);
        Ok(Self { key, since, day: day_after(since, from)? })
    }
}

impl Ordered {
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.fixed32(self.who);
        out.int(self.since.into());
        out.int(i64::from(self.day) - i64::from(self.since));
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (who, since) = (from.fixed32()?, read_day(from)?);
        Ok(Self { who, since, day: day_after(since, from)? })
    }
}

fn read_day(from: &mut Reader<'_>) -> Result<Day, DecodeError> {
    Day::try_from(from.int()?).or(Err(DecodeError::Invalid("day")))
}

fn day_after(since: Day, from: &mut Reader<'_>) -> Result<Day, DecodeError> {
    Day::try_from(from.int()?.saturating_add(since.into())).or(Err(DecodeError::Invalid("day")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_looked_at_once_a_week() {
        for who in 0..20 {
            for day in -3..30 {
                let next = next_look(who, day);
                assert!((day + 1..=day + 7).contains(&next), "{who} {day} {next}");
                assert_eq!(next.rem_euclid(7).cast_unsigned(), who % 7);
                assert_eq!(next_look(who, next), next + 7);
            }
        }
    }
}
