//! The bytes of a tally, version 1.
//!
//! `version` · base (flag, time) · left out · products (count; id, label (flag; name, category, time), intervals
//! (count, sum), popularity (5), lines (count), each a byte below 16, or 16 and a float; sum of lines; circumstances
//! (count; circumstance, sales)) · intervals (count, sum, within count, within sum, exposure) · orders (2 x 3 x
//! (count, sum); scores of amounts and of lines; alerts), hours (24 x orders; scores; alerts), scores being (count;
//! difference of bins, count) · baskets (level, count; key, time, places (count, differences)) · choices (flag, 13
//! floats) · rows for the learners, and what came about (5 x count; items). Numbers are varints, figures floats with
//! all their bits.

use omnix_model::{DecodeError, ProductId, Reader, Writer};
use smol_str::SmolStr;

use super::baskets::{BasketSample, LEVEL_MAX, LINES_MAX, SampledBasket};
use super::hours::HourSums;
use super::orders::{LevelSums, OrderSums, ScoreCounts, Sum};
use super::{
    CIRCUMSTANCES_MAX, Circumstances, IntervalTally, Label, ProductTally, RowSample, TALLY_PRODUCTS_MAX,
    Tally,
};
use crate::math::bin;
use crate::model::product::{MASS_MAX, mass};
use crate::model::threshold::BINS;
use crate::model::{ChoiceSums, IntervalSums, LineSums, Popularity};
use crate::occasion::Circumstance;

const VERSION: u64 = 1;

impl Tally {
    /// The tally as bytes: exact, the same tally gives the same bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        self.write(&mut out);
        out.into_bytes()
    }

    pub(in crate::model) fn write(&self, out: &mut Writer) {
        out.uint(VERSION);
        out.flag(self.base.is_some());
        if let Some(base) = self.base {
            out.time(base);
        }
        out.uint(self.left_out);
        out.uint(self.products.len() as u64);
        for product in &self.products {
            write_product(product, out);
        }
        let IntervalTally { all, within_count, within_sum, exposure_days } = self.intervals;
        for figure in [all.count, all.ln_days, within_count, within_sum, exposure_days] {
            out.f64(figure);
        }
        write_orders(&self.orders, out);
        write_hours(&self.hours, out);
        write_baskets(&self.baskets, out);
        self.choices.encode(out);
        self.rows.write(out);
    }

    /// The tally that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a tally.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        let tally = Self::read(&mut from)?;
        if from.is_empty() { Ok(tally) } else { Err(DecodeError::Invalid("tally")) }
    }

    pub(in crate::model) fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match from.uint()? {
            VERSION => {}
            version => return Err(DecodeError::Unknown(version)),
        }
        let base = if from.flag()? { Some(from.time()?) } else { None };
        let left_out = from.uint()?.min(COUNT_MAX);
        let count = from.count()?;
        if count > TALLY_PRODUCTS_MAX {
            return Err(DecodeError::Invalid("tally"));
        }
        let mut tally = Self { base, left_out, ..Self::default() };
        for place in 0..count {
            let product = read_product(from)?;
            if tally.place(&product.id).is_none_or(|found| found as usize != place) {
                return Err(DecodeError::Invalid("tally product"));
            }
            if let Some(slot) = tally.products.last_mut() {
                *slot = product;
            }
        }
        tally.intervals = IntervalTally {
            all: IntervalSums { count: mass(from)?, ln_days: mass(from)? },
            within_count: mass(from)?,
            within_sum: mass(from)?,
            exposure_days: mass(from)?,
        };
        tally.orders = read_orders(from)?;
        tally.hours = read_hours(from)?;
        tally.baskets = read_baskets(from, count)?;
        tally.choices = ChoiceSums::decode(from)?;
        tally.rows = RowSample::read(from)?;
        Ok(tally)
    }
}

fn write_product(product: &ProductTally, out: &mut Writer) {
    out.text(product.id.as_str());
    out.flag(product.label.is_some());
    if let Some(label) = &product.label {
        out.text(&label.name);
        out.text(&label.category);
        out.time(label.at);
    }
    let Popularity { long, short, sales, known_sales, repeats } = product.popularity;
    let IntervalSums { count, ln_days } = product.intervals;
    for figure in [count, ln_days, long, short, sales, known_sales, repeats, product.lines.count] {
        write_mass(figure, out);
    }
    if product.lines.count > 0.0 {
        out.f64(product.lines.ln_amount);
    }
    out.uint(product.circumstances.len() as u64);
    for &(circumstance, sales) in &product.circumstances {
        out.uint(circumstance.0.into());
        out.uint(sales.into());
    }
}

fn read_product(from: &mut Reader<'_>) -> Result<ProductTally, DecodeError> {
    let id = ProductId::new(from.text()?).or(Err(DecodeError::Invalid("product id")))?;
    let label = if from.flag()? {
        let (name, category) = (SmolStr::new(from.text()?), SmolStr::new(from.text()?));
        Some(Label { name, category, at: from.time()? })
    } else {
        None
    };
    let intervals = IntervalSums { count: read_mass(from)?, ln_days: read_mass(from)? };
    let popularity = Popularity {
        long: read_mass(from)?,
        short: read_mass(from)?,
        sales: read_mass(from)?,
        known_sales: read_mass(from)?,
        repeats: read_mass(from)?,
    };
    let count = read_mass(from)?;
    let ln_amount = if count > 0.0 { from.f64()? } else { 0.0 };
    let lines = LineSums { count, ln_amount };
    if !lines.is_sane() {
        return Err(DecodeError::Invalid("line sums"));
    }
    let circumstances = read_circumstances(from)?;
    Ok(ProductTally { id, label, intervals, popularity, lines, circumstances })
}

fn read_circumstances(from: &mut Reader<'_>) -> Result<Circumstances, DecodeError> {
    const WRONG: DecodeError = DecodeError::Invalid("circumstances");
    let number = |from: &mut Reader<'_>| u32::try_from(from.uint()?).or(Err(WRONG));
    let mut circumstances = Circumstances::new();
    for _ in 0..from.count()? {
        let (circumstance, sales) = (Circumstance(number(from)?), number(from)?);
        if circumstances.len() == CIRCUMSTANCES_MAX
            || circumstances.iter().any(|(held, _)| *held == circumstance)
        {
            return Err(WRONG);
        }
        circumstances.push((circumstance, sales));
    }
    Ok(circumstances)
}

/// A sum of weights as a byte where it is a small count, as most are; else a marker and all its bits.
fn write_mass(mass: f64, out: &mut Writer) {
    let count = u8::try_from(bin(mass, 1.0, usize::from(EXACT))).unwrap_or(EXACT);
    if f64::from(count).to_bits() == mass.to_bits() {
        out.u8(count);
    } else {
        out.u8(EXACT);
        out.f64(mass);
    }
}

fn read_mass(from: &mut Reader<'_>) -> Result<f64, DecodeError> {
    match from.u8()? {
        EXACT => mass(from),
        count if count < EXACT => Ok(f64::from(count)),
        _ => Err(DecodeError::Invalid("sum of weights")),
    }
}

/// Marks a sum of weights that is no smaller count than this.
const EXACT: u8 = 16;

fn write_orders(orders: &OrderSums, out: &mut Writer) {
    for level in [&orders.whole, &orders.for_lines] {
        for sum in [level.sizes, level.within, level.residuals] {
            out.f64(sum.count);
            out.f64(sum.sum);
        }
    }
    write_scores(&orders.scores, out);
    write_scores(&orders.line_scores, out);
    out.uint(orders.alerts);
}

fn read_orders(from: &mut Reader<'_>) -> Result<OrderSums, DecodeError> {
    Ok(OrderSums {
        whole: read_level(from)?,
        for_lines: read_level(from)?,
        scores: read_scores(from)?,
        line_scores: read_scores(from)?,
        alerts: from.uint()?.min(COUNT_MAX),
    })
}

fn read_level(from: &mut Reader<'_>) -> Result<LevelSums, DecodeError> {
    let mut sum = || -> Result<Sum, DecodeError> {
        let sum = Sum { count: mass(from)?, sum: from.f64()? };
        if sum.sum.abs() <= MASS_MAX { Ok(sum) } else { Err(DecodeError::Invalid("tally orders")) }
    };
    Ok(LevelSums { sizes: sum()?, within: sum()?, residuals: sum()? })
}

fn write_hours(hours: &HourSums, out: &mut Writer) {
    hours.orders.iter().for_each(|orders| out.uint(*orders));
    write_scores(&hours.scores, out);
    out.uint(hours.alerts);
}

fn read_hours(from: &mut Reader<'_>) -> Result<HourSums, DecodeError> {
    let mut hours = HourSums::default();
    for orders in &mut hours.orders {
        *orders = from.uint()?.min(COUNT_MAX);
    }
    hours.scores = read_scores(from)?;
    hours.alerts = from.uint()?.min(COUNT_MAX);
    Ok(hours)
}

fn write_scores(scores: &ScoreCounts, out: &mut Writer) {
    out.uint(scores.iter().len() as u64);
    let mut next = 0;
    for (bin, count) in scores.iter() {
        out.uint((bin - next) as u64);
        out.uint(count);
        next = bin + 1;
    }
}

fn read_scores(from: &mut Reader<'_>) -> Result<ScoreCounts, DecodeError> {
    const WRONG: DecodeError = DecodeError::Invalid("tally scores");
    let mut scores = ScoreCounts::default();
    let mut next = 0_usize;
    for _ in 0..from.count()? {
        let skipped = usize::try_from(from.uint()?).or(Err(WRONG))?;
        let bin = next.checked_add(skipped).filter(|bin| *bin < BINS).ok_or(WRONG)?;
        let count = from.uint()?.min(COUNT_MAX);
        if count == 0 {
            return Err(WRONG);
        }
        scores.add(bin, count);
        next = bin + 1;
    }
    Ok(scores)
}

/// Beyond any count that was ever written, and far from what a sum cannot hold.
const COUNT_MAX: u64 = 1 << 40;

fn write_baskets(sample: &BasketSample, out: &mut Writer) {
    out.u8(sample.level);
    out.uint(sample.baskets.len() as u64);
    for basket in &sample.baskets {
        out.fixed64(basket.key);
        out.time(basket.at);
        out.uint(basket.places.len() as u64);
        let mut next = 0;
        for &place in &*basket.places {
            out.uint(u64::from(place - next));
            next = place + 1;
        }
    }
}

fn read_baskets(from: &mut Reader<'_>, products: usize) -> Result<BasketSample, DecodeError> {
    const WRONG: DecodeError = DecodeError::Invalid("tally basket");
    let level = from.u8()?;
    if level > LEVEL_MAX {
        return Err(WRONG);
    }
    let count = from.count()?;
    let mut baskets = Vec::new();
    for _ in 0..count {
        let (key, at, lines) = (from.fixed64()?, from.time()?, from.count()?);
        if lines == 0 || lines > LINES_MAX {
            return Err(WRONG);
        }
        let mut places = Vec::with_capacity(lines);
        let mut next = 0_u64;
        for _ in 0..lines {
            let place =
                next.checked_add(from.uint()?).filter(|&place| place < products as u64).ok_or(WRONG)?;
            places.push(u32::try_from(place).or(Err(WRONG))?);
            next = place + 1;
        }
        baskets.push(SampledBasket { key, at, places: places.into_boxed_slice() });
    }
    Ok(BasketSample::restore(level, baskets))
}
