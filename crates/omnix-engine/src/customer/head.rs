//! The head of a customer's state: everything but the products.
//!
//! About 300 bytes, at most about 1 KiB. Sums are exact integers; there are no histories.

use std::sync::Arc;

use omnix_model::{DecodeError, Reader, Segment, SegmentName, Timestamp, Writer};
use smol_str::SmolStr;

use super::attention::{Attention, Silence};
use super::hours::Hours;
use super::product::{day, small};
use crate::basket::Basket;
use crate::calendar::Day;
use crate::math;

const VERSION: u8 = 1;
/// Orders that are remembered, so that a straggling line does not count as an order of its own.
pub(crate) const RECENT_ORDERS: usize = 4;
/// Products of each list that are compared with the last one raised.
pub(crate) const LISTED: usize = 5;

/// Our own reasons for a segment, by the number under which they are stored less one: only ever added to.
const KNOWN_CODES: [&str; 6] = [
    "recent_purchase",
    "no_recent_purchase",
    "one_order_day",
    "few_order_days",
    "regular_orders",
    "frequent_orders",
];

/// The logarithms of a customer's order amounts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Amounts {
    /// Orders.
    pub count: u32,
    /// Of ln(amount).
    pub whole: Spread,
    /// Of ln(amount) for what is in the order.
    pub for_lines: Spread,
}

/// Where a figure of a customer lies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Spread {
    /// The forgetting mean, without drift.
    pub mean: f32,
    /// The forgetting variance.
    pub variance: f32,
}

impl Amounts {
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.uint(self.count.into());
        for spread in [self.whole, self.for_lines] {
            out.f32(spread.mean);
            out.f32(spread.variance);
        }
    }

    pub(crate) fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = small(from)?;
        let mut spread = || Ok(Spread { mean: from.f32()?, variance: from.f32()? });
        Ok(Self { count, whole: spread()?, for_lines: spread()? })
    }
}

/// The rhythm of a customer's order days.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Visits {
    /// The sum of ln(days) between them.
    pub ln_sum: f32,
    /// The forgetting mean and variance of ln(days).
    pub mean: f32,
    pub variance: f32,
    /// Order days in mind on the latest of them: each counts 1, half of it 60 days later.
    pub rate: f32,
}

impl Visits {
    /// How fast mean and variance forget.
    const MEAN_RATE: f64 = 0.3;
    const VARIANCE_RATE: f64 = 0.2;
    /// The variance that is believed before there are two intervals.
    pub(crate) const VARIANCE_SEED: f64 = 0.7;
    const HALF_LIFE_DAYS: f64 = 60.0;

    /// Notes an order day, `days` after the one before; none for the first. `order_days` were there before.
    pub(crate) fn note(&mut self, days: Option<f64>, order_days: u32) {
        let Some(days) = days else {
            *self = Self { rate: 1.0, variance: math::narrow(Self::VARIANCE_SEED), ..Self::default() };
            return;
        };
        let ln_days = math::ln(days.max(1.0));
        self.ln_sum = math::narrow(f64::from(self.ln_sum) + ln_days);
        self.rate = math::narrow(self.rate_after(days) + 1.0);
        if order_days <= 1 {
            self.mean = math::narrow(ln_days);
            return;
        }
        let off = ln_days - f64::from(self.mean);
        self.mean = math::narrow(f64::from(self.mean) + Self::MEAN_RATE * off);
        let variance = f64::from(self.variance);
        self.variance = math::narrow(variance + Self::VARIANCE_RATE * (off * off - variance));
    }

    /// Order days in mind `days` after the latest.
    pub(crate) fn rate_after(&self, days: f64) -> f64 {
        f64::from(self.rate) * math::decay(days.max(0.0), Self::HALF_LIFE_DAYS)
    }

    fn encode(&self, out: &mut Writer) {
        [self.ln_sum, self.mean, self.variance, self.rate].into_iter().for_each(|figure| out.f32(figure));
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { ln_sum: from.f32()?, mean: from.f32()?, variance: from.f32()?, rate: from.f32()? })
    }
}

/// How many orders came in short time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Burst {
    /// Orders, with a half-life of 6 hours, at `at`.
    pub count: f64,
    pub at: Timestamp,
    /// The highest count of earlier days, less one, as far as it is a habit, with a half-life of 60 days.
    pub peak: f64,
    /// The highest count of the day in hand.
    pub high: f64,
}

/// The segment shown for a customer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SegmentState {
    pub name: SegmentName,
    pub score: f64,
    pub confidence: f64,
    pub since: Timestamp,
    pub reason_codes: Vec<SmolStr>,
    /// The outside model's version; empty when the segment is our own finding.
    pub model_version: SmolStr,
}

/// That a customer is on the way to another segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaving {
    /// The first day on which the rule said another one.
    pub since: Day,
    /// That was long before we heard of it: no news.
    pub is_old: bool,
}

impl Leaving {
    /// Nobody knows since when, but long ago.
    pub(crate) const LONG_AGO: Self = Self { since: Day::MIN / 2, is_old: true };
}

/// An order whose lines may still straggle in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RecentOrder {
    /// A hash of the order's id; 0 for a late purchase without one.
    pub key: u32,
    /// The latest line.
    pub at: Timestamp,
}

/// The first products of both lists, as last raised: hashes of their ids, 0 where a list was shorter.
pub(crate) type Listed = [[u32; LISTED]; 2];

/// Everything but the products.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Head {
    /// Purchase events, late ones included.
    pub purchases: u64,
    /// Return events.
    pub returns: u64,
    /// Orders, late ones included.
    pub orders: u64,
    /// The sum of quantities, in thousandths, returns included.
    pub units: i128,
    /// The sum of amounts, in millionths, returns included.
    pub total: i128,
    /// The sum of purchases' amounts, in millionths.
    pub bought: i128,
    /// The earliest purchase, late ones included.
    pub first_purchase_at: Option<Timestamp>,
    /// The latest purchase.
    pub last_purchase_at: Option<Timestamp>,
    /// The latest purchase or return; what is older is late.
    pub last_at: Timestamp,
    /// Baskets, late ones not among them.
    pub baskets: u32,
    /// Days with at least one basket.
    pub order_days: u32,
    /// The earliest and the latest of them.
    pub first_order_day: Day,
    pub last_order_day: Day,
    /// Intervals between purchase days of one product, over all products: how many, and the sum of ln(days).
    pub intervals: u32,
    pub ln_sum: f64,
    pub visits: Visits,
    pub amounts: Amounts,
    pub burst: Burst,
    pub hours: Hours,
    /// The latest basket.
    pub basket: Option<Basket>,
    pub recent_orders: [RecentOrder; RECENT_ORDERS],
    /// The segment shown.
    pub segment: Option<Arc<SegmentState>>,
    /// The segment that the rule says, once a basket was evaluated.
    pub own_segment: Option<Segment>,
    /// The latest published segment update; what is older is late.
    pub segment_update_at: Timestamp,
    /// Since when the rule says another segment; none while it does not.
    pub leaving: Option<Leaving>,
    /// When the customer may come to be in another segment.
    pub silence_at: Option<Timestamp>,
    /// When the first of the expected products counts as overdue.
    pub overdue_at: Option<Timestamp>,
    /// When the customer is looked at next, for the learners' sake; none for one who is not.
    pub look_at: Option<Timestamp>,
    pub silence: Silence,
    pub attention: Attention,
    pub listed: Option<Arc<Listed>>,
    /// After the latest basket either list was so unlike those that the next basket is to say so.
    pub lists_changed: bool,
    /// Products that are not even kept as stubs any more.
    pub forgotten: u64,
}

impl Head {
    /// What orders came to that no line after `at` can change: how much of an order is in by then depends on how its
    /// lines are sent.
    pub(crate) fn settled_amounts(&self, at: Timestamp) -> &Amounts {
        self.open_at(at).map_or(&self.amounts, |basket| &basket.amounts_before)
    }

    /// The latest purchase that no line after `at` can change: of an order that is open, its first line.
    pub(crate) fn settled_purchase_at(&self, at: Timestamp) -> Option<Timestamp> {
        self.open_at(at).map_or(self.last_purchase_at, |basket| Some(basket.first_at))
    }

    /// Whether there is an order, open at `at`, of which some lines were not evaluated.
    pub(crate) fn awaits_basket(&self, at: Timestamp) -> bool {
        self.open_at(at).is_some_and(Basket::is_pending)
    }

    fn open_at(&self, at: Timestamp) -> Option<&Basket> {
        self.basket.as_ref().filter(|basket| basket.is_open_at(at))
    }

    /// Version 1: the fields in their order, `last_at` before the times that are told by their distance from it;
    /// what may be absent after a flag.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::append_to(Vec::with_capacity(384));
        out.u8(VERSION);
        self.encode_sums(&mut out);
        self.encode_rhythm(&mut out);
        self.encode_findings(&mut out);
        out.into_bytes()
    }

    fn encode_sums(&self, out: &mut Writer) {
        out.uint(self.purchases);
        out.uint(self.returns);
        out.uint(self.orders);
        out.int128(self.units);
        out.int128(self.total);
        out.int128(self.bought);
        out.time(self.last_at);
        self.near_if(out, self.first_purchase_at);
        self.near_if(out, self.last_purchase_at);
    }

    fn encode_rhythm(&self, out: &mut Writer) {
        out.uint(self.baskets.into());
        out.uint(self.order_days.into());
        out.int(self.first_order_day.into());
        out.int(i64::from(self.last_order_day) - i64::from(self.first_order_day));
        out.uint(self.intervals.into());
        out.f64(self.ln_sum);
        self.visits.encode(out);
        self.amounts.encode(out);
        out.f64(self.burst.count);
        self.near(out, self.burst.at);
        out.f64(self.burst.peak);
        out.f64(self.burst.high);
        self.hours.encode(self.last_order_day, out);
        out.flag(self.basket.is_some());
        if let Some(basket) = &self.basket {
            basket.encode(out);
        }
        let known = self.recent_orders.iter().filter(|order| **order != RecentOrder::default());
        out.uint(known.clone().count() as u64);
        for order in known {
            out.fixed32(order.key);
            self.near(out, order.at);
        }
    }

    fn encode_findings(&self, out: &mut Writer) {
        out.flag(self.segment.is_some());
        if let Some(segment) = &self.segment {
            segment.encode(out);
        }
        out.u8(self.own_segment.map_or(0, Segment::number));
        out.time(self.segment_update_at);
        out.u8(self.leaving.map_or(0, |leaving| 1 + u8::from(leaving.is_old)));
        if let Some(leaving) = self.leaving {
            out.int(leaving.since.into());
        }
        self.near_if(out, self.silence_at);
        self.near_if(out, self.overdue_at);
        self.near_if(out, self.look_at);
        out.u8(self.silence.to_byte());
        out.int(self.attention.day.into());
        out.u8(self.attention.raised);
        out.flag(self.listed.is_some());
        if let Some(listed) = &self.listed {
            listed.iter().flatten().for_each(|&key| out.fixed32(key));
            out.flag(self.lists_changed);
        }
        out.uint(self.forgotten);
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        match from.u8()? {
            VERSION => {}
            other => return Err(DecodeError::Unknown(other.into())),
        }
        let mut head = Self::default();
        head.decode_sums(&mut from)?;
        head.decode_rhythm(&mut from)?;
        head.decode_findings(&mut from)?;
        if from.is_empty() { Ok(head) } else { Err(DecodeError::Invalid("head")) }
    }

    fn decode_sums(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.purchases = from.uint()?;
        self.returns = from.uint()?;
        self.orders = from.uint()?;
        self.units = from.int128()?;
        self.total = from.int128()?;
        self.bought = from.int128()?;
        self.last_at = from.time()?;
        self.first_purchase_at = self.read_near_if(from)?;
        self.last_purchase_at = self.read_near_if(from)?;
        Ok(())
    }

    fn decode_rhythm(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.baskets = small(from)?;
        self.order_days = small(from)?;
        self.first_order_day = day(from.int()?)?;
        self.last_order_day = day(from.int()?.saturating_add(self.first_order_day.into()))?;
        self.intervals = small(from)?;
        self.ln_sum = from.f64()?;
        self.visits = Visits::decode(from)?;
        self.amounts = Amounts::decode(from)?;
        self.burst =
            Burst { count: from.f64()?, at: self.read_near(from)?, peak: from.f64()?, high: from.f64()? };
        self.hours = Hours::decode(self.last_order_day, from)?;
        if from.flag()? {
            self.basket = Some(Basket::decode(from)?);
        }
        let count = from.count()?;
        if count > RECENT_ORDERS {
            return Err(DecodeError::Invalid("recent orders"));
        }
        for place in 0..count {
            let order = RecentOrder { key: from.fixed32()?, at: self.read_near(from)? };
            if let Some(place) = self.recent_orders.get_mut(place) {
                *place = order;
            }
        }
        Ok(())
    }

    fn decode_findings(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        if from.flag()? {
            self.segment = Some(Arc::new(SegmentState::decode(from)?));
        }
        self.own_segment = match from.u8()? {
            0 => None,
            number => Some(Segment::from_number(number).ok_or(DecodeError::Invalid("segment"))?),
        };
        self.segment_update_at = from.time()?;
        self.leaving = match from.u8()? {
            0 => None,
            kind @ (1 | 2) => Some(Leaving { since: day(from.int()?)?, is_old: kind == 2 }),
            _ => return Err(DecodeError::Invalid("leaving")),
        };
        self.silence_at = self.read_near_if(from)?;
        self.overdue_at = self.read_near_if(from)?;
        self.look_at = self.read_near_if(from)?;
        self.silence = Silence::from_byte(from.u8()?)?;
        self.attention = Attention { day: day(from.int()?)?, raised: from.u8()? };
        if from.flag()? {
            let mut listed = Listed::default();
            for key in listed.iter_mut().flatten() {
                *key = from.fixed32()?;
            }
            self.listed = Some(Arc::new(listed));
            self.lists_changed = from.flag()?;
        }
        self.forgotten = from.uint()?;
        Ok(())
    }
}

impl SegmentState {
    fn encode(&self, out: &mut Writer) {
        out.u8(self.name.known().map_or(0, Segment::number));
        if let SegmentName::Other(name) = &self.name {
            out.text(name);
        }
        out.f64(self.score);
        out.f64(self.confidence);
        out.time(self.since);
        out.uint(self.reason_codes.len() as u64);
        for code in &self.reason_codes {
            let known = (0_u8..).zip(KNOWN_CODES).find(|(_, known)| known == code);
            out.u8(known.map_or(0, |(place, _)| place + 1));
            if known.is_none() {
                out.text(code);
            }
        }
        out.text(&self.model_version);
    }

    fn decode(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let name = match from.u8()? {
            0 => SegmentName::Other(SmolStr::new(from.text()?)),
            number => {
                SegmentName::Known(Segment::from_number(number).ok_or(DecodeError::Invalid("segment"))?)
            }
        };
        let (score, confidence, since) = (from.f64()?, from.f64()?, from.time()?);
        let count = from.count()?;
        let mut code = || match from.u8()?.checked_sub(1) {
            None => from.text().map(SmolStr::new),
            Some(place) => {
                let known = KNOWN_CODES.get(usize::from(place));
                known.map(|code| SmolStr::new_static(code)).ok_or(DecodeError::Invalid("reason"))
            }
        };
        let codes = (0..count).map(|_| code()).collect::<Result<_, _>>()?;
        let model_version = SmolStr::new(from.text()?);
        Ok(Self { name, score, confidence, since, reason_codes: codes, model_version })
    }
}

impl Head {
    /// A time that lies near the latest event, as its distance.
    fn near(&self, out: &mut Writer, time: Timestamp) {
        out.int(time.ms() - self.last_at.ms());
    }

    fn near_if(&self, out: &mut Writer, time: Option<Timestamp>) {
        out.flag(time.is_some());
        if let Some(time) = time {
            self.near(out, time);
        }
    }

    fn read_near(&self, from: &mut Reader<'_>) -> Result<Timestamp, DecodeError> {
        Ok(self.last_at.plus_ms(from.int()?))
    }

    fn read_near_if(&self, from: &mut Reader<'_>) -> Result<Option<Timestamp>, DecodeError> {
        if from.flag()? { self.read_near(from).map(Some) } else { Ok(None) }
    }
}
