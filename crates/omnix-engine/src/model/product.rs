//! What is known of one product from all customers.

use omnix_model::{DecodeError, ProductId, Reader, Timestamp, Writer};
use smol_str::SmolStr;

use crate::math::narrow;
use crate::model::tally::Label;
use crate::model::{IntervalSums, LineSums};

/// Half-life of the slow popularity, in days.
pub const LONG_HALF_LIFE_DAYS: f64 = 56.0;
/// Half-life of the fast popularity, in days.
pub const SHORT_HALF_LIFE_DAYS: f64 = 14.0;

/// Bytes that are kept of a product's name.
const NAME_BYTES_MAX: usize = 256;
/// Bytes that are kept of a product's category.
const CATEGORY_BYTES_MAX: usize = 128;

/// A product, as all customers together know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    pub(super) id: ProductId,
    pub(super) name: SmolStr,
    pub(super) category: SmolStr,
    pub(super) last_sold_at: Timestamp,
    pub(super) intervals: IntervalSums,
    pub(super) popularity: Popularity,
    /// Baskets that held it, forward-decayed as the co-occurrence is.
    pub(super) baskets: f64,
    /// [`Self::lines`] with half the digits: there are many products.
    line_count: f32,
    ln_line_amount: f32,
}

/// How often a product is bought.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Popularity {
    /// Sales, those of 56 days before the model's time counting half.
    pub long: f64,
    /// Sales, those of 14 days before the model's time counting half.
    pub short: f64,
    /// Sales, all of them.
    pub sales: f64,
    /// Sales to customers who are known.
    pub known_sales: f64,
    /// Sales to customers who had bought it before.
    pub repeats: f64,
}

impl Popularity {
    /// The fast and the slow popularity as parts of the largest.
    pub(crate) fn parts_of(&self, peak: &Self) -> (f64, f64) {
        let part = |sales: f64, peak: f64| if peak > 0.0 { sales / peak } else { 0.0 };
        (part(self.short, peak.short), part(self.long, peak.long))
    }

    /// Multiplies what decays.
    pub(super) fn decay(&mut self, long: f64, short: f64) {
        self.long *= long;
        self.short *= short;
    }

    /// The larger of each figure.
    pub(super) fn raise(&mut self, other: Self) {
        self.long = self.long.max(other.long);
        self.short = self.short.max(other.short);
        self.sales = self.sales.max(other.sales);
        self.known_sales = self.known_sales.max(other.known_sales);
        self.repeats = self.repeats.max(other.repeats);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.long += other.long;
        self.short += other.short;
        self.sales += other.sales;
        self.known_sales += other.known_sales;
        self.repeats += other.repeats;
    }

    /// (4 short + 1)/(long + 1): above 1 for what lately sells better than before, below for what fades. A
    /// steady product's short popularity is a quarter of its long one.
    #[must_use]
    pub fn trend(&self) -> f64 {
        (4.0 * self.short + 1.0) / (self.long + 1.0)
    }

    /// (repeats + 0.3)/(sales to known customers + 2): the share of sales that are repeated ones, shrunk.
    #[must_use]
    pub fn repeat_share(&self) -> f64 {
        (self.repeats + 0.3) / (self.known_sales + 2.0)
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        for figure in [self.long, self.short, self.sales, self.known_sales, self.repeats] {
            out.f64(figure);
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            long: mass(from)?,
            short: mass(from)?,
            sales: mass(from)?,
            known_sales: mass(from)?,
            repeats: mass(from)?,
        })
    }
}

impl Product {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &ProductId {
        &self.id
    }

    /// Its name, as last seen, cut at 256 bytes.
    #[must_use]
    pub const fn name(&self) -> &SmolStr {
        &self.name
    }

    /// Its category, as last seen, cut at 128 bytes.
    #[must_use]
    pub const fn category(&self) -> &SmolStr {
        &self.category
    }

    /// When it was last bought.
    #[must_use]
    pub const fn last_sold_at(&self) -> Timestamp {
        self.last_sold_at
    }

    /// Its intervals, over all customers.
    #[must_use]
    pub const fn intervals(&self) -> IntervalSums {
        self.intervals
    }

    /// What its lines came to, one of each basket.
    #[must_use]
    pub fn lines(&self) -> LineSums {
        LineSums { count: self.line_count.into(), ln_amount: self.ln_line_amount.into() }
    }

    pub(super) fn set_lines(&mut self, lines: LineSums) {
        self.line_count = narrow(lines.count);
        self.ln_line_amount = narrow(lines.ln_amount);
    }

    /// A product of which nothing is known yet.
    pub(super) fn new(id: ProductId) -> Self {
        Self {
            name: SmolStr::new(id.as_str()),
            id,
            category: SmolStr::default(),
            last_sold_at: Timestamp::MIN,
            intervals: IntervalSums::default(),
            popularity: Popularity::default(),
            baskets: 0.0,
            line_count: 0.0,
            ln_line_amount: 0.0,
        }
    }

    /// Bytes of its texts.
    pub(super) fn text_bytes(&self) -> usize {
        self.id.as_str().len() + self.name.len() + self.category.len()
    }

    /// Takes over how it was called last, cut to what is kept.
    pub(super) fn relabel(&mut self, label: &Label) {
        self.last_sold_at = self.last_sold_at.max(label.at);
        self.name = cut(&label.name, NAME_BYTES_MAX);
        self.category = cut(&label.category, CATEGORY_BYTES_MAX);
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.text(self.id.as_str());
        out.text(&self.name);
        out.text(&self.category);
        out.time(self.last_sold_at);
        out.f64(self.intervals.count);
        out.f64(self.intervals.ln_days);
        self.popularity.encode(out);
        out.f64(self.baskets);
        out.f32(self.line_count);
        out.f32(self.ln_line_amount);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let product = Self {
            id: ProductId::new(from.text()?).or(Err(DecodeError::Invalid("product id")))?,
            name: SmolStr::new(from.text()?),
            category: SmolStr::new(from.text()?),
            last_sold_at: from.time()?,
            intervals: IntervalSums { count: mass(from)?, ln_days: mass(from)? },
            popularity: Popularity::decode(from)?,
            baskets: mass(from)?,
            line_count: from.f32()?,
            ln_line_amount: from.f32()?,
        };
        if product.lines().is_sane() { Ok(product) } else { Err(DecodeError::Invalid("line sums")) }
    }

    /// How often it is bought.
    #[must_use]
    pub const fn popularity(&self) -> &Popularity {
        &self.popularity
    }
}

/// `text`, cut at the last character that ends within `bytes_max`.
fn cut(text: &SmolStr, bytes_max: usize) -> SmolStr {
    let cut = text.floor_char_boundary(bytes_max);
    if cut == text.len() { text.clone() } else { SmolStr::new(text.get(..cut).unwrap_or_default()) }
}

/// A figure that is a sum of weights: not negative, and far from what a float cannot hold.
pub(super) fn mass(from: &mut Reader<'_>) -> Result<f64, DecodeError> {
    let mass = from.f64()?;
    if (0.0..=MASS_MAX).contains(&mass) { Ok(mass) } else { Err(DecodeError::Invalid("sum of weights")) }
}

/// Beyond any sum of weights that is ever written.
pub(super) const MASS_MAX: f64 = 1e24;
