//! What is kept of one product of a customer: exactly while there is room, then as a stub.

use omnix_model::{DecodeError, ProductId, Reader, Timestamp, Writer};
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use crate::calendar::Day;

/// Bytes of a product's name that are kept.
const NAME_BYTES_MAX: usize = 80;

/// A product that the customer has bought.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Product {
    pub id: ProductId,
    /// As last seen.
    pub name: SmolStr,
    /// Purchase events, returns not among them.
    pub purchases: u32,
    /// Days on which it was bought.
    pub days: u32,
    /// The latest purchase.
    pub last_at: Timestamp,
    /// The shop's day of the latest purchase.
    pub last_day: Day,
    /// Baskets with it.
    pub baskets: u32,
    /// The basket of the first purchase.
    pub first_basket: u32,
    /// The basket of the latest purchase.
    pub last_basket: u32,
    /// The sum of ln(days) over the `days - 1` intervals.
    pub ln_sum: f32,
    /// The sum of their squares.
    pub ln_square_sum: f32,
    /// The day at whose beginning it counts as overdue; 0 when nobody waits for it.
    pub overdue_on: Day,
    /// The day on which an insight last spoke of it; 0 for none.
    pub told_on: Day,
    /// Whether that insight was of the more certain kind.
    pub told_certain: bool,
}

impl Product {
    /// Intervals between purchase days.
    pub(crate) const fn intervals(&self) -> u32 {
        self.days.saturating_sub(1)
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.text(self.id.as_str());
        out.text(&self.name);
        out.uint(self.purchases.into());
        out.uint(self.days.into());
        out.time(self.last_at);
        out.int(i64::from(self.last_day) - self.last_at.utc_day());
        out.uint(self.baskets.into());
        out.uint(self.first_basket.into());
        out.uint(self.last_basket.into());
        out.f32(self.ln_sum);
        out.f32(self.ln_square_sum);
        out.int(relative(self.overdue_on, self.last_day));
        out.int(relative(self.told_on, self.last_day));
        out.flag(self.told_certain);
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = ProductId::new(from.text()?).or(Err(DecodeError::Invalid("product")))?;
        let name = SmolStr::new(from.text()?);
        let (purchases, days) = (small(from)?, small(from)?);
        let last_at = from.time()?;
        let last_day = day(from.int()?.saturating_add(last_at.utc_day()))?;
        Ok(Self {
            id,
            name,
            purchases,
            days,
            last_at,
            last_day,
            baskets: small(from)?,
            first_basket: small(from)?,
            last_basket: small(from)?,
            ln_sum: from.f32()?,
            ln_square_sum: from.f32()?,
            overdue_on: absolute(from.int()?, last_day)?,
            told_on: absolute(from.int()?, last_day)?,
            told_certain: from.flag()?,
        })
    }
}

/// What is left of a product for which there was no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stub {
    /// The product, by [`key`].
    pub key: u64,
    pub purchases: u32,
    pub days: u32,
    pub last_day: Day,
}

impl Stub {
    pub(crate) fn of(product: &Product) -> Self {
        Self {
            key: key(&product.id),
            purchases: product.purchases,
            days: product.days,
            last_day: product.last_day,
        }
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.fixed64(self.key);
        out.uint(self.purchases.into());
        out.uint(self.days.into());
        out.int(self.last_day.into());
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: from.fixed64()?,
            purchases: small(from)?,
            days: small(from)?,
            last_day: day(from.int()?)?,
        })
    }
}

/// A hash of a product's id: names it where the id itself would take too much room.
pub(crate) fn key(id: &ProductId) -> u64 {
    xxh3_64(id.as_str().as_bytes())
}

/// A product's name, cut to what is kept.
pub(crate) fn kept_name(name: &SmolStr) -> SmolStr {
    cut(name, NAME_BYTES_MAX)
}

/// `text`, cut to at most `bytes_max` bytes at a character's end.
pub(crate) fn cut(text: &SmolStr, bytes_max: usize) -> SmolStr {
    if text.len() <= bytes_max {
        return text.clone();
    }
    let end = (0..=bytes_max).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text.get(..end).map_or_else(SmolStr::default, SmolStr::new)
}

pub(crate) fn small(from: &mut Reader<'_>) -> Result<u32, DecodeError> {
    u32::try_from(from.uint()?).or(Err(DecodeError::Invalid("count")))
}

pub(crate) fn day(number: i64) -> Result<Day, DecodeError> {
    Day::try_from(number).or(Err(DecodeError::Invalid("day")))
}

/// A day that may be absent (0), written as its distance from another, plus one.
fn relative(day: Day, base: Day) -> i64 {
    if day == 0 { 0 } else { zigzag_free(i64::from(day) - i64::from(base)) }
}

fn absolute(written: i64, base: Day) -> Result<Day, DecodeError> {
    if written == 0 {
        return Ok(0);
    }
    let distance = if written > 0 { written - 1 } else { written };
    day(distance.saturating_add(base.into()))
}

/// Makes room for 0: distances from 0 on move up by one.
const fn zigzag_free(distance: i64) -> i64 {
    if distance >= 0 { distance + 1 } else { distance }
}
