//! What an order usually comes to, and above which score it is worth an alert.
//!
//! Amounts are log-normal around the customer's own mean, which is shrunk towards that of all orders and
//! corrected by what all orders have lately been above or below expectation (the drift). An order is looked at
//! twice: by its amount, and by its amount for what is in it; both scores are normal-equivalent, so that the higher
//! one counts. The thresholds hold a budget of alerts by themselves: 10 in 1,000 scored orders.
//!
//! Deliberately not here: the customer's own means and variances, and what is said of a score.

mod expectation;
mod level;

use omnix_model::{DecodeError, Reader, Writer};

pub use expectation::{AmountExpectation, AmountHistory};
pub use level::AmountLevel;

use crate::math::{decay, exp, ln};
use crate::model::product::{MASS_MAX, mass};
use crate::model::tally::{FIGURE_MAX, OrderSums};
use crate::model::threshold::{AlertScores, Threshold};

/// What is known of the amounts of all orders and of their lines.
#[derive(Debug, Clone, PartialEq)]
pub struct AmountPrior {
    whole: AmountLevel,
    for_lines: AmountLevel,
    lines: LineSums,
    threshold: Threshold,
}

/// Amounts of lines: how many, and the sum of their logarithms, those of a year ago counting half.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LineSums {
    /// How many.
    pub count: f64,
    /// The sum of ln(amount in units of the currency).
    pub ln_amount: f64,
}

impl LineSums {
    /// Half-life, in days: long enough for what is seldom sold, short enough for prices that rise.
    const HALF_LIFE_DAYS: f64 = 365.0;

    pub(super) fn add(&mut self, ln_amount: f64) {
        self.count += 1.0;
        self.ln_amount += ln_amount;
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.ln_amount += other.ln_amount;
    }

    /// What is left of them after `days`.
    pub(super) fn kept_after(days: f64) -> f64 {
        decay(days, Self::HALF_LIFE_DAYS)
    }

    /// Forgets all but `keep` of them.
    pub(super) fn fade(&mut self, keep: f64) {
        self.count *= keep;
        self.ln_amount *= keep;
    }

    /// Whether they can be sums over lines: the logarithm of an amount lies well within 1e6.
    pub(super) fn is_sane(self) -> bool {
        (0.0..=MASS_MAX).contains(&self.count) && self.ln_amount.abs() <= self.count * FIGURE_MAX
    }

    fn mean(self) -> f64 {
        if self.count > 0.0 { self.ln_amount / self.count } else { 0.0 }
    }

    pub(super) fn encode(self, out: &mut Writer) {
        out.f64(self.count);
        out.f64(self.ln_amount);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let sums = Self { count: mass(from)?, ln_amount: from.f64()? };
        if sums.is_sane() { Ok(sums) } else { Err(DecodeError::Invalid("line sums")) }
    }
}

impl AmountPrior {
    /// How much of a line's usual amount an order's size explains: half of its logarithm. Measured: between
    /// 0.25 and 0.75 a mistyped quantity is found best at 0.5, where an order twice as large may come to
    /// 1.4 times as much.
    const SIZE_SHARE: f64 = 0.5;
    /// Lines at the usual amount of all products that a product's own count against.
    const LINE_SHRINKAGE: f64 = 4.0;

    /// What is believed before anything was seen.
    #[must_use]
    pub fn seed() -> Self {
        Self {
            whole: AmountLevel::seed(),
            for_lines: AmountLevel::seed(),
            lines: LineSums::default(),
            threshold: Threshold::seed(),
        }
    }

    /// Of ln(amount).
    #[must_use]
    pub const fn whole(&self) -> &AmountLevel {
        &self.whole
    }

    /// Of ln(amount) less what the order's size explains: see [`Self::for_lines_of`].
    #[must_use]
    pub const fn for_lines(&self) -> &AmountLevel {
        &self.for_lines
    }

    /// `y = ln(amount) - 0.5 ln(size)`: the amount of an order for what is in it. The size is the sum of
    /// [`Self::line_size`] over its products; where nothing is known of them it is their number, and
    /// multiplying a quantity does not change it.
    #[must_use]
    pub fn for_lines_of(ln_amount: f64, size: f64) -> f64 {
        ln_amount - Self::SIZE_SHARE * ln(size.max(f64::MIN_POSITIVE))
    }

    /// What a product's line usually comes to, in lines that are usual over all products:
    /// `exp((S - n g)/(n + 4))` with `n` lines of the product, `S` the sum of their ln(amount), `g` the mean of
    /// all. Free of the currency, and 1 for a product of which nothing is known.
    #[must_use]
    pub fn line_size(&self, product: LineSums) -> f64 {
        exp(self.line_mean(product) - self.lines.mean())
    }

    /// The mean of ln(amount) of a product's lines, shrunk towards that of all.
    #[must_use]
    pub fn line_mean(&self, product: LineSums) -> f64 {
        let all = self.lines.mean();
        let off = (product.ln_amount - product.count * all) / (product.count + Self::LINE_SHRINKAGE);
        all + off.clamp(-50.0, 50.0)
    }

    /// The scores above which an order is worth an alert.
    #[must_use]
    pub const fn alert_scores(&self) -> AlertScores {
        self.threshold.alert_scores()
    }

    /// How many orders were learnt from.
    #[must_use]
    pub fn orders(&self) -> f64 {
        self.whole.orders()
    }

    /// Adds the orders and lines of an epoch that ended `days` after the one before.
    pub(super) fn fold(&mut self, orders: &OrderSums, lines: LineSums, days: f64) {
        self.whole.fold(&orders.whole, days);
        self.for_lines.fold(&orders.for_lines, days);
        self.lines.fade(LineSums::kept_after(days));
        self.lines.merge(lines);
        self.threshold.fold(days, orders);
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        self.whole.encode(out);
        self.for_lines.encode(out);
        self.lines.encode(out);
        self.threshold.encode(out);
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            whole: AmountLevel::decode(from)?,
            for_lines: AmountLevel::decode(from)?,
            lines: LineSums::decode(from)?,
            threshold: Threshold::decode(from)?,
        })
    }
}

#[cfg(test)]
mod tests;
