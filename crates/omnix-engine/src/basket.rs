//! The open basket: what is bought together, from its first line to ten minutes later.
//!
//! A basket is *evaluated at its end* and *closed* ten minutes of event time after its first line. A line in
//! between is a revision. What is said of a basket depends on its lines alone, not on when they arrived: since
//! what was said is not taken back, *whether* something is said is decided by what no further line can undo
//! (what stood before the basket, a product's first line in it, an amount that only grows), *what* is said by
//! all lines.
//!
//! Deliberately not here: what is said of it (`detect`), and what a line adds to the sums (`fold`).

use omnix_model::{DecodeError, OrderId, ProductId, Purchase, Quantity, Reader, Timestamp, Writer};

use crate::Moment;
use crate::calendar::Day;
use crate::customer::{Amounts, Head, small};
use crate::detect::Rule;

/// Event time between two lines of one basket without an order's id, in milliseconds.
const GAP_MS: i64 = 5_000;
/// Event time from the first line until the basket is closed, in milliseconds.
pub(crate) const OPEN_MS: i64 = 600_000;

/// What was said of the basket under one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raised {
    /// When it was first said, in the lane's time.
    pub at: Timestamp,
    /// How often it was revised.
    pub revision: u32,
    /// The lines that it speaks of.
    pub lines: u32,
}

/// A product that a prediction spoke of, and its state before that.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub product_id: ProductId,
    /// See [`crate::customer::Product::told_on`].
    pub on: Day,
    /// See [`crate::customer::Product::told_certain`].
    pub certain: bool,
}

impl Told {
    fn encode(&self, out: &mut Writer) {
        out.text(self.product_id.as_str());
        out.int(self.on.into());
        out.flag(self.certain);
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let product_id = ProductId::new(from.text()?).or(Err(DecodeError::Invalid("product")))?;
        let on = Day::try_from(from.int()?).or(Err(DecodeError::Invalid("day")))?;
        Ok(Self { product_id, on, certain: from.flag()? })
    }
}

/// A line that is worth an alert.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OddLine {
    pub product_id: ProductId,
    pub quantity: Quantity,
    /// The logarithm of how many times what is usual it comes to.
    pub excess: f32,
}

impl OddLine {
    fn encode(&self, out: &mut Writer) {
        out.text(self.product_id.as_str());
        out.int(self.quantity.thousandths());
        out.f32(self.excess);
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let product_id = ProductId::new(from.text()?).or(Err(DecodeError::Invalid("product")))?;
        Ok(Self { product_id, quantity: Quantity::from_thousandths(from.int()?), excess: from.f32()? })
    }
}

/// The hour of an order, where it is worth an alert, and what was known of the customer's hours before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OddHour {
    /// The hour of the shop's day.
    pub hour: u8,
    /// The hour about which most of the customer's orders lay.
    pub usual_hour: u8,
    /// The customer's orders within three hours of it, and all in mind.
    pub near: u8,
    pub orders: u8,
    /// The share of the shop's orders within three hours of it.
    pub near_share: f32,
    /// The share of the customer's orders that lies within three hours of one of them.
    pub usual_share: f32,
    /// The score that it had to pass.
    pub threshold: f32,
}

impl OddHour {
    fn encode(&self, out: &mut Writer) {
        [self.hour, self.usual_hour, self.near, self.orders].into_iter().for_each(|figure| out.u8(figure));
        out.f32(self.near_share);
        out.f32(self.usual_share);
        out.f32(self.threshold);
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (hour, usual_hour, near, orders) = (from.u8()?, from.u8()?, from.u8()?, from.u8()?);
        if hour.max(usual_hour) >= 24 {
            return Err(DecodeError::Invalid("hour"));
        }
        let (near_share, usual_share, threshold) = (from.f32()?, from.f32()?, from.f32()?);
        Ok(Self { hour, usual_hour, near, orders, near_share, usual_share, threshold })
    }
}

/// The customer's latest basket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Basket {
    /// The order's id, where the lines carry one.
    pub order: Option<OrderId>,
    /// Its number among the customer's baskets, from 1.
    pub number: u32,
    /// The own time of the line that opened it; whatever follows does not move it.
    pub first_at: Timestamp,
    /// The latest line, by its own time.
    pub last_at: Timestamp,
    /// The lane's time at which it ends, if nothing else ends it before.
    pub ends_at: Timestamp,
    /// Lines, returns not among them.
    pub lines: u32,
    /// Lines that the order was announced to have; 0 when nothing was said.
    pub lines_expected: u32,
    /// Lines that had come when it was last evaluated; 0: not yet.
    pub lines_evaluated: u32,
    /// Its end has come; what follows is a revision.
    pub has_ended: bool,
    /// The sum of its lines' amounts, in millionths.
    pub amount: i128,
    /// The amount from which on it is worth an alert whatever follows; `i128::MAX` when none is.
    pub alarm: i128,
    /// Its amount is worth an alert, and that has been found.
    pub is_amount_odd: bool,
    /// What its products usually come to, in lines that are usual over all products.
    pub size: f32,
    /// How far the highest of its lines lies above what is usual; none where nothing is usual yet.
    pub line_score: Option<f32>,
    /// That line, once it is worth an alert.
    pub odd_line: Option<OddLine>,
    /// Its hour, where that is worth an alert.
    pub odd_hour: Option<OddHour>,
    /// When no further line can belong to it, where something is to be said that depends on that.
    pub closes_at: Option<Timestamp>,
    /// The amounts of the baskets before it: a revision starts from them again.
    pub amounts_before: Amounts,
    /// The customer's re-purchase intervals before it: what is said of one line does not depend on others.
    pub intervals_before: u32,
    pub ln_sum_before: f64,
    /// The product that a prediction spoke of, and what was known of earlier words about it: a revision starts
    /// from there again.
    pub told: Option<Told>,
    /// How many insights of the customer's budget were left when it began: settled then, so that no further line
    /// changes who may speak of it.
    pub allowance: u8,
    /// What was raised or held back, by rule.
    pub raised: [Option<Raised>; Rule::COUNT],
}

impl Basket {
    /// The basket that `head` counts last; it begins with `line`, without counting the line.
    pub(crate) fn open(line: &Purchase, head: &Head, allowance: u8) -> Self {
        Self {
            order: line.order_id.clone(),
            number: head.baskets,
            first_at: line.timestamp,
            last_at: line.timestamp,
            ends_at: line.timestamp,
            lines: 0,
            lines_expected: 0,
            lines_evaluated: 0,
            has_ended: false,
            amount: 0,
            alarm: i128::MAX,
            is_amount_odd: false,
            size: 0.0,
            line_score: None,
            odd_line: None,
            odd_hour: None,
            closes_at: None,
            amounts_before: head.amounts,
            intervals_before: head.intervals,
            ln_sum_before: head.ln_sum,
            told: None,
            allowance,
            raised: [None; Rule::COUNT],
        }
    }

    /// Whether `line` belongs to the basket: same order, else within 5 s, and not closed.
    pub(crate) fn holds(&self, line: &Purchase) -> bool {
        let since_first = line.timestamp.ms_since(self.first_at);
        if since_first.abs() >= OPEN_MS {
            return false;
        }
        match (&self.order, &line.order_id) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => {
                since_first >= -GAP_MS && line.timestamp.ms_since(self.last_at) <= GAP_MS
            }
        }
    }

    /// Counts a purchase of the basket: `None` when the sum would overflow.
    pub(crate) fn add(&mut self, line: &Purchase, moment: Moment, flush_ms: i64) -> Option<()> {
        self.amount = self.amount.checked_add(line.total_amount.millionths().into())?;
        self.lines = self.lines.checked_add(1)?;
        self.last_at = self.last_at.max(line.timestamp);
        if self.order.is_none() {
            self.order.clone_from(&line.order_id);
        }
        if let Some(expected) = line.order_lines {
            self.lines_expected = expected;
        }
        self.ends_at = if moment.is_history {
            self.first_at.plus_ms(OPEN_MS)
        } else {
            moment.now.plus_ms(flush_ms.max(0))
        };
        Some(())
    }

    /// Whether further lines may belong to it at `at`.
    pub(crate) fn is_open_at(&self, at: Timestamp) -> bool {
        at.ms_since(self.first_at) < OPEN_MS
    }

    /// When something falls due for it: its end, or its close where that matters.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let end = self.is_pending().then_some(self.ends_at);
        end.into_iter().chain(self.closes_at).min()
    }

    /// Whether there are lines that have not been evaluated.
    pub(crate) const fn is_pending(&self) -> bool {
        self.lines != self.lines_evaluated
    }

    /// Whether all lines that were announced are in.
    pub(crate) const fn is_complete(&self) -> bool {
        self.lines_expected > 0 && self.lines >= self.lines_expected
    }

    /// Whether `rule` may speak of the basket: of the day's budget as much must be left as rules go before it, and
    /// one more. The order itself and what will be needed next go first, whether they speak or not, since any further
    /// line may let them; of the others it was settled by the first line whether they do.
    pub(crate) fn lets_speak(&self, rule: Rule) -> bool {
        let spoken = |rule: Rule| u8::from(self.raised(rule).is_some());
        let before = match rule {
            Rule::Order => 0,
            Rule::Consumption => 1,
            Rule::Burst => 2,
            Rule::Segment => 2 + spoken(Rule::Burst),
            Rule::Recommendation => 2 + spoken(Rule::Burst) + spoken(Rule::Segment),
        };
        before < self.allowance
    }

    /// What was raised under `rule`, or held back.
    pub(crate) fn raised(&self, rule: Rule) -> Option<Raised> {
        self.raised.get(rule.index()).copied().flatten()
    }

    /// What names the basket among the customer's: what its first line settled, so that no further line can
    /// rename it.
    pub(crate) fn cause(&self) -> Vec<u8> {
        let mut cause = self.number.to_le_bytes().to_vec();
        cause.extend_from_slice(&self.first_at.ms().to_le_bytes());
        cause
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        out.text(self.order.as_ref().map_or("", OrderId::as_str));
        out.uint(self.number.into());
        out.time(self.first_at);
        out.int(self.last_at.ms_since(self.first_at));
        out.int(self.ends_at.ms_since(self.first_at));
        out.uint(self.lines.into());
        out.uint(self.lines_expected.into());
        out.uint(self.lines_evaluated.into());
        out.flag(self.has_ended);
        out.int128(self.amount);
        out.flag(self.alarm != i128::MAX);
        if self.alarm != i128::MAX {
            out.int128(self.alarm);
        }
        out.f32(self.size);
        let there = [
            self.line_score.is_some(),
            self.odd_line.is_some(),
            self.closes_at.is_some(),
            self.told.is_some(),
            self.is_amount_odd,
            self.odd_hour.is_some(),
        ];
        out.u8(there.iter().rev().fold(0, |bits, &is_there| bits << 1 | u8::from(is_there)));
        if let Some(score) = self.line_score {
            out.f32(score);
        }
        if let Some(odd) = &self.odd_line {
            odd.encode(out);
        }
        if let Some(odd) = &self.odd_hour {
            odd.encode(out);
        }
        if let Some(closes_at) = self.closes_at {
            out.int(closes_at.ms_since(self.first_at));
        }
        self.amounts_before.encode(out);
        out.uint(self.intervals_before.into());
        out.f64(self.ln_sum_before);
        if let Some(told) = &self.told {
            told.encode(out);
        }
        out.u8(self.allowance);
        for raised in self.raised {
            out.flag(raised.is_some());
            if let Some(raised) = raised {
                out.time(raised.at);
                out.uint(raised.revision.into());
                out.uint(raised.lines.into());
            }
        }
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let order = match from.text()? {
            "" => None,
            id => Some(OrderId::new(id).or(Err(DecodeError::Invalid("order")))?),
        };
        let number = small(from)?;
        let first_at = from.time()?;
        let mut basket = Self {
            order,
            number,
            first_at,
            last_at: first_at.plus_ms(from.int()?),
            ends_at: first_at.plus_ms(from.int()?),
            lines: small(from)?,
            lines_expected: small(from)?,
            lines_evaluated: small(from)?,
            has_ended: from.flag()?,
            amount: from.int128()?,
            alarm: if from.flag()? { from.int128()? } else { i128::MAX },
            is_amount_odd: false,
            size: from.f32()?,
            line_score: None,
            odd_line: None,
            odd_hour: None,
            closes_at: None,
            amounts_before: Amounts::default(),
            intervals_before: 0,
            ln_sum_before: 0.0,
            told: None,
            allowance: 0,
            raised: [None; Rule::COUNT],
        };
        let there = from.u8()?;
        let has = |bit: u8| there >> bit & 1 == 1;
        basket.line_score = if has(0) { Some(from.f32()?) } else { None };
        basket.odd_line = if has(1) { Some(OddLine::decode(from)?) } else { None };
        basket.odd_hour = if has(5) { Some(OddHour::decode(from)?) } else { None };
        basket.closes_at = if has(2) { Some(first_at.plus_ms(from.int()?)) } else { None };
        basket.amounts_before = Amounts::decode(from)?;
        basket.intervals_before = small(from)?;
        basket.ln_sum_before = from.f64()?;
        basket.told = if has(3) { Some(Told::decode(from)?) } else { None };
        basket.is_amount_odd = has(4);
        basket.allowance = from.u8()?;
        for raised in &mut basket.raised {
            if from.flag()? {
                *raised = Some(Raised { at: from.time()?, revision: small(from)?, lines: small(from)? });
            }
        }
        Ok(basket)
    }
}

#[cfg(test)]
mod tests {
    use omnix_model::{Money, ProductId, Quantity};
    use smol_str::SmolStr;

    use super::*;

    fn line(order: Option<&str>, ms: i64) -> Purchase {
        Purchase {
            customer_id: None,
            product_id: ProductId::new("p").unwrap(),
            product_category: SmolStr::default(),
            product_name: SmolStr::default(),
            quantity: Quantity::from_thousandths(1_000),
            price: Money::ZERO,
            total_amount: Money::from_millionths(1),
            timestamp: Timestamp::from_ms_clamped(1_700_000_000_000 + ms),
            location: None,
            payment_method: None,
            device_type: None,
            order_id: order.map(|id| OrderId::new(id).unwrap()),
            order_lines: None,
            metadata: SmolStr::default(),
            extra: SmolStr::default(),
        }
    }

    fn basket(lines: &[Purchase]) -> Basket {
        let moment = Moment { now: Timestamp::MIN, is_history: true };
        let mut basket = Basket::open(&lines[0], &Head::default(), 5);
        lines.iter().for_each(|line| basket.add(line, moment, 0).unwrap());
        basket
    }

    #[test]
    fn one_order_is_one_basket_until_it_is_closed() {
        let basket = basket(&[line(Some("a"), 0)]);
        assert!(basket.holds(&line(Some("a"), 599_999)));
        assert!(!basket.holds(&line(Some("a"), 600_000)));
        assert!(!basket.holds(&line(Some("b"), 1)));
    }

    #[test]
    fn without_an_order_five_seconds_decide() {
        let basket = basket(&[line(None, 0), line(None, 4_000)]);
        assert!(basket.holds(&line(None, 9_000)));
        assert!(basket.holds(&line(None, -5_000)));
        assert!(!basket.holds(&line(None, 9_001)));
        assert!(!basket.holds(&line(None, -5_001)));
        assert!(basket.holds(&line(Some("a"), 9_000)), "one side without an order's id");
    }

    #[test]
    fn however_long_lines_follow_each_other_it_is_closed_after_ten_minutes() {
        let lines: Vec<Purchase> = (0..200).map(|number| line(None, number * 3_000)).collect();
        let basket = basket(&lines);
        assert!(!basket.holds(&line(None, 600_000)));
    }
}
