//! What is kept of one product of a customer: exactly while there is room, then as a stub.

use omnix_model::{DecodeError, ProductId, Quantity, Reader, Timestamp, Writer};
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use crate::calendar::Day;
use crate::customer::Head;
use crate::{Model, math};

/// Bytes of a product's name that are kept.
const NAME_BYTES_MAX: usize = 80;

/// A product that the customer has bought.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Product {
    pub id: ProductId,
    /// As last seen; empty when that is what the model called it.
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
    /// Days from the first purchase day to the latest.
    pub span_days: u32,
    /// Days from the purchase day before the latest to it; 0 without one.
    pub last_interval: u32,
    /// The forgetting share of the customer's baskets that held it, as of the latest with it.
    pub incidence: Share,
    /// How much was bought in the latest basket with it, and usually is.
    pub quantity: Amount,
    pub usual_quantity: Amount,
}

impl Product {
    /// A product that was bought once, in the customer's latest basket.
    pub(crate) fn once(id: ProductId, head: &Head) -> Self {
        Self {
            id,
            name: SmolStr::default(),
            purchases: 1,
            days: 1,
            last_at: head.last_at,
            last_day: head.last_order_day,
            baskets: 1,
            first_basket: head.baskets,
            last_basket: head.baskets,
            ln_sum: 0.0,
            ln_square_sum: 0.0,
            overdue_on: 0,
            told_on: 0,
            told_certain: false,
            span_days: 0,
            last_interval: 0,
            incidence: Share::ONCE,
            quantity: Amount::ONE,
            usual_quantity: Amount::ONE,
        }
    }

    /// Intervals between purchase days.
    pub(crate) const fn intervals(&self) -> u32 {
        self.days.saturating_sub(1)
    }

    /// Id, which of the following are there (bits, in their order), purchases, days, baskets, first basket,
    /// last basket less the first, time less that of the product `before` it; then, where they say something:
    /// name, day less that of the time, sums of intervals, days of being overdue and told, quantities unless one
    /// piece; from the second basket or day on span, latest interval and incidence.
    pub(crate) fn encode(&self, before: Timestamp, out: &mut Writer) {
        out.text(self.id.as_str());
        let shift = i64::from(self.last_day) - self.last_at.utc_day();
        let there = [
            !self.name.is_empty(),
            shift != 0,
            self.has_sums(),
            self.overdue_on != 0,
            self.told_on != 0,
            self.told_certain,
            self.has_quantities(),
        ];
        out.u8(there.iter().rev().fold(0, |bits, &is_there| bits << 1 | u8::from(is_there)));
        out.uint(self.purchases.into());
        out.uint(self.days.into());
        out.uint(self.baskets.into());
        out.uint(self.first_basket.into());
        out.int(i64::from(self.last_basket) - i64::from(self.first_basket));
        out.int(self.last_at.ms() - before.ms());
        if !self.name.is_empty() {
            out.text(&self.name);
        }
        if shift != 0 {
            out.int(shift);
        }
        if self.has_sums() {
            out.f32(self.ln_sum);
            out.f32(self.ln_square_sum);
        }
        for day in [self.overdue_on, self.told_on].into_iter().filter(|&day| day != 0) {
            out.int(i64::from(day) - i64::from(self.last_day));
        }
        if self.has_quantities() {
            out.uint(self.quantity.0.into());
            out.uint(self.usual_quantity.0.into());
        }
        if self.baskets > 1 || self.days > 1 {
            out.uint(self.span_days.into());
            out.uint(self.last_interval.into());
            out.u8(self.incidence.0);
        }
    }

    fn has_quantities(&self) -> bool {
        (self.quantity, self.usual_quantity) != (Amount::ONE, Amount::ONE)
    }

    fn has_sums(&self) -> bool {
        self.ln_sum.to_bits() != 0 || self.ln_square_sum.to_bits() != 0
    }

    pub(crate) fn decode(before: Timestamp, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WRONG: DecodeError = DecodeError::Invalid("product");
        let id = ProductId::new(from.text()?).or(Err(WRONG))?;
        let there = from.u8()?;
        let has = |bit: u8| there >> bit & 1 == 1;
        let (purchases, days, baskets, first_basket) =
            (small(from)?, small(from)?, small(from)?, small(from)?);
        let last_basket =
            u32::try_from(i64::from(first_basket).saturating_add(from.int()?)).or(Err(WRONG))?;
        let last_at = before.plus_ms(from.int()?);
        let name = if has(0) { SmolStr::new(from.text()?) } else { SmolStr::default() };
        let shift = if has(1) { from.int()? } else { 0 };
        let last_day = day(shift.saturating_add(last_at.utc_day()))?;
        let (ln_sum, ln_square_sum) = if has(2) { (from.f32()?, from.f32()?) } else { (0.0, 0.0) };
        let mut day_if = |is_there: bool| match is_there {
            true => day(from.int()?.saturating_add(last_day.into())),
            false => Ok(0),
        };
        let (overdue_on, told_on) = (day_if(has(3))?, day_if(has(4))?);
        let (quantity, usual_quantity) =
            if has(6) { (Amount::decode(from)?, Amount::decode(from)?) } else { (Amount::ONE, Amount::ONE) };
        let (span_days, last_interval, incidence) = if baskets > 1 || days > 1 {
            (small(from)?, small(from)?, Share(from.u8()?))
        } else {
            (0, 0, Share::ONCE)
        };
        Ok(Self {
            overdue_on,
            told_on,
            told_certain: has(5),
            span_days,
            last_interval,
            incidence,
            quantity,
            usual_quantity,
            id,
            name,
            purchases,
            days,
            last_at,
            last_day,
            baskets,
            first_basket,
            last_basket,
            ln_sum,
            ln_square_sum,
        })
    }

    /// What it is called: as the customer, else as all customers have last seen it; else its id.
    pub(crate) fn shown_name(&self, model: &Model) -> SmolStr {
        let own = Some(&self.name).filter(|name| !name.is_empty());
        let name = own.or_else(|| model.product(&self.id).map(crate::Product::name));
        name.cloned().unwrap_or_else(|| SmolStr::new(self.id.as_str()))
    }
}

/// A share of baskets in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share(u8);

impl Share {
    /// How much a basket counts.
    const WEIGHT: f64 = 0.25;
    /// After the first basket with a product.
    pub(crate) const ONCE: Self = Self(64);

    /// The share after `baskets` more of which the last held it.
    pub(crate) fn with(self, baskets: u32) -> Self {
        let share = self.after(baskets) + Self::WEIGHT;
        Self(u8::try_from(math::bin(share * 255.0 + 0.5, 1.0, 256)).unwrap_or(u8::MAX))
    }

    /// The share after `baskets` more of which none held it.
    pub(crate) fn after(self, baskets: u32) -> f64 {
        f64::from(self.0) / 255.0 * math::pow(1.0 - Self::WEIGHT, baskets.into())
    }
}

/// A quantity, as 1,024 times ln(1 + pieces): at most 2^64 pieces, right to a thousandth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount(u16);

impl Amount {
    /// One piece.
    pub(crate) const ONE: Self = Self(710);
    const UNIT: f64 = 1_024.0;

    pub(crate) fn of(quantity: Quantity) -> Self {
        Self::of_ln(math::ln_1p((quantity.thousandths() as f64 / 1_000.0).max(0.0)))
    }

    fn of_ln(ln: f64) -> Self {
        Self(u16::try_from(math::bin(ln * Self::UNIT + 0.5, 1.0, 1 << 16)).unwrap_or(u16::MAX))
    }

    /// ln(1 + pieces).
    pub(crate) fn ln(self) -> f64 {
        f64::from(self.0) / Self::UNIT
    }

    /// What is usual when `other` was the latest of `count`, which at most eight are remembered of.
    pub(crate) fn towards(self, other: Self, count: u32) -> Self {
        Self::of_ln(self.ln() + (other.ln() - self.ln()) / f64::from(count.clamp(1, 8)))
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u16::try_from(from.uint()?).map(Self).or(Err(DecodeError::Invalid("quantity")))
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

/// What is kept of a product's name: nothing when the model calls it so, else what there is room for.
pub(crate) fn kept_name(name: &SmolStr, id: &ProductId, model: &Model) -> SmolStr {
    let is_known = model.product(id).is_some_and(|product| product.name() == name);
    if is_known { SmolStr::default() } else { cut(name, NAME_BYTES_MAX) }
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
