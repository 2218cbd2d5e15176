//! What is counted: sales by the event's own hour, activity by the lane's hour and minute, and customers by
//! segment.
//!
//! Absolute and mergeable: a row holds the whole count of one shard (customers by segment: of one lane), rows
//! of several shards, lanes and hours add up. Each row carries the position up to which it was added to (see
//! [`crate::keys`]).

use std::collections::BTreeMap;

use omnix_model::limits::ROLLUP_LABELS_MAX;
use omnix_model::{
    DecodeError, InsightKind, Money, Outcome, Position, Priority, Reader, SegmentName, Suppressed, Writer,
};
use smol_str::SmolStr;

use crate::rows::Judged;

/// The label under which labels beyond the limit are counted.
pub const OTHER_LABEL: &str = "other";

/// Buckets of a histogram of microseconds or of cents: each a factor of 2^(1/4) wider than the last.
const BUCKETS: usize = 128;
const BUCKETS_PER_OCTAVE: f64 = 4.0;

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

/// A histogram over powers of 2^(1/4) from 1 on: any quantile is off by at most 19 %.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    counts: BTreeMap<u8, u64>,
}

impl Histogram {
    /// Counts `value`; what is below 1 counts as 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the buckets")]
    pub fn add(&mut self, value: f64) {
        let bucket = (value.max(1.0).log2() * BUCKETS_PER_OCTAVE).clamp(0.0, BUCKETS as f64 - 1.0);
        *self.counts.entry(bucket as u8).or_default() += 1;
    }

    /// How many values were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The middle of the bucket that holds the value below which a share `q` of all lies; 0 when empty.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts stay far below 2^52"
    )]
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = ((self.total() as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        for (&bucket, &count) in &self.counts {
            seen += count;
            if seen >= rank {
                return ((f64::from(bucket) + 0.5) / BUCKETS_PER_OCTAVE).exp2();
            }
        }
        0.0
    }

    fn encode(&self, out: &mut Writer) {
        out.uint(self.counts.len() as u64);
        for (&bucket, &count) in &self.counts {
            out.u8(bucket);
            out.uint(count);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = reader.count()?;
        let counts =
            (0..len).map(|_| Ok((reader.u8()?, reader.uint()?))).collect::<Result<_, DecodeError>>()?;
        Ok(Self { counts })
    }

    fn merge(&mut self, other: &Self) {
        for (&bucket, &count) in &other.counts {
            *self.counts.entry(bucket).or_default() += count;
        }
    }
}

/// Lines and revenue under one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Labelled {
    /// Purchases and returns.
    pub lines: u64,
    /// The sum of their amounts, in millionths.
    pub revenue: i128,
}

/// Sales of one shard in one hour, by the event's own time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sales {
    /// Purchases, returns not among them.
    pub purchases: u64,
    /// Returns.
    pub returns: u64,
    /// Baskets begun.
    pub orders: u64,
    /// Customers seen for the first time.
    pub new_customers: u64,
    /// The sum of quantities, in thousandths.
    pub units: i128,
    /// The sum of amounts, in millionths.
    pub revenue: i128,
    /// Amounts of purchases, in cents.
    pub amounts: Histogram,
    /// By category, at most 200 and `other`.
    pub categories: BTreeMap<SmolStr, Labelled>,
    /// By location, at most 200 and `other`.
    pub locations: BTreeMap<SmolStr, Labelled>,
    /// By the segment in which the customer was before, without those of nobody: ours, at most 200 outside names, and
    /// `other`; those of customers in none under the empty label.
    pub segments: BTreeMap<SmolStr, SegmentSales>,
}

/// Sales to the customers of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentSales {
    /// Baskets begun.
    pub orders: u64,
    /// Purchases and returns.
    pub lines: u64,
    /// The sum of their amounts, in millionths.
    pub revenue: i128,
}

impl SegmentSales {
    fn add(&mut self, other: Self) {
        self.orders += other.orders;
        self.lines += other.lines;
        self.revenue += other.revenue;
    }
}

impl Sales {
    /// Counts a line that a customer in `segment` (none: in no segment yet) bought or returned.
    pub fn add_to_segment(&mut self, segment: Option<&SegmentName>, is_new_order: bool, amount: Money) {
        let sale = SegmentSales {
            orders: u64::from(is_new_order),
            lines: 1,
            revenue: i128::from(amount.millionths()),
        };
        self.add_segment(segment.map_or("", SegmentName::label), sale);
    }

    /// Our own segments always have a row of their own, however many outside names there are.
    fn add_segment(&mut self, label: &str, sale: SegmentSales) {
        if let Some(sum) = self.segments.get_mut(label) {
            sum.add(sale);
            return;
        }
        let is_ours = label.is_empty() || SegmentName::parse(label).known().is_some();
        let is_counted = is_ours || self.segments.len() < ROLLUP_LABELS_MAX;
        let label = if is_counted { label } else { OTHER_LABEL };
        self.segments.entry(SmolStr::new(label)).or_default().add(sale);
    }
}

/// Adds to a label; beyond the limit to `other`.
pub fn add_label(labels: &mut BTreeMap<SmolStr, Labelled>, label: &str, lines: u64, revenue: i128) {
    if let Some(entry) = labels.get_mut(label) {
        entry.lines += lines;
        entry.revenue += revenue;
        return;
    }
    let label = if labels.len() < ROLLUP_LABELS_MAX { label } else { OTHER_LABEL };
    let entry = labels.entry(SmolStr::new(label)).or_default();
    entry.lines += lines;
    entry.revenue += revenue;
}

fn encode_labels(labels: &BTreeMap<SmolStr, Labelled>, out: &mut Writer) {
    out.uint(labels.len() as u64);
    for (label, entry) in labels {
        out.text(label);
        out.uint(entry.lines);
        out.int128(entry.revenue);
    }
}

fn decode_labels(reader: &mut Reader<'_>) -> Result<BTreeMap<SmolStr, Labelled>, DecodeError> {
    let len = reader.count()?;
    let mut labels = BTreeMap::new();
    for _ in 0..len {
        let label = SmolStr::new(reader.text()?);
        labels.insert(label, Labelled { lines: reader.uint()?, revenue: reader.int128()? });
    }
    Ok(labels)
}

fn decode_segments(reader: &mut Reader<'_>) -> Result<BTreeMap<SmolStr, SegmentSales>, DecodeError> {
    let sum = |reader: &mut Reader<'_>| {
        let label = SmolStr::new(reader.text()?);
        let sum = SegmentSales { orders: reader.uint()?, lines: reader.uint()?, revenue: reader.int128()? };
        Ok((label, sum))
    };
    (0..reader.count()?).map(|_| sum(reader)).collect()
}

impl Row for Sales {
    fn encode(&self, out: &mut Writer) {
        [self.purchases, self.returns, self.orders, self.new_customers].into_iter().for_each(|n| out.uint(n));
        out.int128(self.units);
        out.int128(self.revenue);
        self.amounts.encode(out);
        encode_labels(&self.categories, out);
        encode_labels(&self.locations, out);
        out.uint(self.segments.len() as u64);
        for (label, sum) in &self.segments {
            out.text(label);
            out.uint(sum.orders);
            out.uint(sum.lines);
            out.int128(sum.revenue);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            purchases: reader.uint()?,
            returns: reader.uint()?,
            orders: reader.uint()?,
            new_customers: reader.uint()?,
            units: reader.int128()?,
            revenue: reader.int128()?,
            amounts: Histogram::decode(reader)?,
            categories: decode_labels(reader)?,
            locations: decode_labels(reader)?,
            segments: decode_segments(reader)?,
        })
    }

    fn merge(&mut self, other: &Self) {
        self.purchases += other.purchases;
        self.returns += other.returns;
        self.orders += other.orders;
        self.new_customers += other.new_customers;
        self.units += other.units;
        self.revenue += other.revenue;
        self.amounts.merge(&other.amounts);
        for (label, entry) in &other.categories {
            add_label(&mut self.categories, label, entry.lines, entry.revenue);
        }
        for (label, entry) in &other.locations {
            add_label(&mut self.locations, label, entry.lines, entry.revenue);
        }
        other.segments.iter().for_each(|(label, sale)| self.add_segment(label, *sale));
    }
}

/// How many insights came to what, by the outcome's number.
pub type Verdicts = [u64; Outcome::ALL.len()];

/// What went on in one shard in one hour or minute, by the time of its lanes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Activity {
    /// Events applied.
    pub applied: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
    /// Events refused: not stored, kept as rejected events.
    pub refused: u64,
    /// Events that are durable and could not be applied.
    pub not_applied: u64,
    /// Events older than their customer's last.
    pub late: u64,
    /// Insights held back, by reason.
    pub suppressed: Suppressed,
    /// Insights raised, by the kind's number and the priority's; a revision is none.
    pub insights: [[u64; 4]; 4],
    /// What came of the insights raised in it, by the kind's number and the priority's; without those of which
    /// nobody has said anything.
    pub judged: BTreeMap<(u8, u8), Verdicts>,
    /// Microseconds from acceptance to commit, live events only.
    pub latency: Histogram,
    /// Their sum, in microseconds.
    pub latency_us: u64,
    /// Moves between segments: from (empty for none) and to.
    pub moves: BTreeMap<(SmolStr, SmolStr), u64>,
}

impl Activity {
    /// Counts an insight that was raised.
    pub fn add_insight(&mut self, kind: InsightKind, priority: Priority) {
        let row = self.insights.get_mut(usize::from(kind.number()));
        if let Some(count) = row.and_then(|row| row.get_mut(usize::from(priority.number()))) {
            *count += 1;
        }
    }

    /// Counts what came of an insight in place of what was said of it before.
    pub fn add_judgement(&mut self, kind: InsightKind, before: Judged, now: Judged) {
        let mut count = |judged: Judged, change: fn(u64) -> u64| {
            let Some((outcome, priority)) = judged else { return };
            let verdicts = self.judged.entry((kind.number(), priority.number())).or_default();
            if let Some(count) = verdicts.get_mut(usize::from(outcome.number())) {
                *count = change(*count);
            }
        };
        count(before, |count| count.saturating_sub(1));
        count(now, |count| count.saturating_add(1));
        self.judged.retain(|_, verdicts| verdicts.iter().any(|&count| count > 0));
    }

    /// Counts a move between segments; outside names beyond the limit count as `other`.
    pub fn add_move(&mut self, from: Option<&SegmentName>, to: &SegmentName) {
        let label = |segment: &SegmentName| SmolStr::new(segment.label());
        let key = (from.map(label).unwrap_or_default(), label(to));
        self.add_moves(key, 1);
    }

    fn add_moves(&mut self, key: (SmolStr, SmolStr), count: u64) {
        let is_full = self.moves.len() >= ROLLUP_LABELS_MAX && !self.moves.contains_key(&key);
        let other = || (SmolStr::new_static(OTHER_LABEL), SmolStr::new_static(OTHER_LABEL));
        *self.moves.entry(if is_full { other() } else { key }).or_default() += count;
    }
}

impl Row for Activity {
    fn encode(&self, out: &mut Writer) {
        [self.applied, self.bytes, self.refused, self.not_applied, self.late]
            .into_iter()
            .chain(self.suppressed.0)
            .for_each(|n| out.uint(n));
        self.insights.iter().flatten().for_each(|&n| out.uint(n));
        out.uint(self.judged.len() as u64);
        for ((kind, priority), verdicts) in &self.judged {
            out.u8(*kind);
            out.u8(*priority);
            verdicts.iter().for_each(|&n| out.uint(n));
        }
        self.latency.encode(out);
        out.uint(self.latency_us);
        out.uint(self.moves.len() as u64);
        for ((from, to), &count) in &self.moves {
            out.text(from);
            out.text(to);
            out.uint(count);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut row = Self {
            applied: reader.uint()?,
            bytes: reader.uint()?,
            refused: reader.uint()?,
            not_applied: reader.uint()?,
            late: reader.uint()?,
            ..Self::default()
        };
        for count in &mut row.suppressed.0 {
            *count = reader.uint()?;
        }
        for count in row.insights.iter_mut().flatten() {
            *count = reader.uint()?;
        }
        for _ in 0..reader.count()? {
            let cell = (reader.u8()?, reader.u8()?);
            let mut verdicts = Verdicts::default();
            for count in &mut verdicts {
                *count = reader.uint()?;
            }
            row.judged.insert(cell, verdicts);
        }
        row.latency = Histogram::decode(reader)?;
        row.latency_us = reader.uint()?;
        for _ in 0..reader.count()? {
            let key = (SmolStr::new(reader.text()?), SmolStr::new(reader.text()?));
            row.moves.insert(key, reader.uint()?);
        }
        Ok(row)
    }

    fn merge(&mut self, other: &Self) {
        self.applied += other.applied;
        self.bytes += other.bytes;
        self.refused += other.refused;
        self.not_applied += other.not_applied;
        self.late += other.late;
        self.suppressed.merge(&other.suppressed);
        for (mine, theirs) in self.insights.iter_mut().flatten().zip(other.insights.iter().flatten()) {
            *mine += theirs;
        }
        for (cell, theirs) in &other.judged {
            let mine = self.judged.entry(*cell).or_default();
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
        self.latency.merge(&other.latency);
        self.latency_us += other.latency_us;
        other.moves.iter().for_each(|(key, &count)| self.add_moves(key.clone(), count));
    }
}

/// The customers of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentCount {
    /// How many.
    pub customers: i64,
    /// What they spent in all, in millionths.
    pub revenue: i128,
}

/// A lane's customers by segment; those without one under the empty label.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// By the segment's label.
    pub segments: BTreeMap<SmolStr, SegmentCount>,
}

impl Census {
    /// Notes how a customer's segment and spending changed; `before` is none for a new customer.
    pub fn note(
        &mut self,
        before: Option<(Option<&SegmentName>, i128)>,
        after: (Option<&SegmentName>, i128),
    ) {
        let (label, spent) = (after.0.map_or("", SegmentName::label), after.1);
        let Some((from, spent_before)) = before else { return self.add(label, 1, spent) };
        let from = from.map_or("", SegmentName::label);
        if from == label {
            return self.add(label, 0, spent - spent_before);
        }
        self.add(from, -1, -spent_before);
        if self.segments.get(from).is_some_and(|count| count.customers == 0) {
            self.segments.remove(from);
        }
        self.add(label, 1, spent);
    }

    fn add(&mut self, label: &str, customers: i64, revenue: i128) {
        let add = |count: &mut SegmentCount| {
            count.customers += customers;
            count.revenue += revenue;
        };
        // Nearly always there is one: no key is made to look for it.
        match self.segments.get_mut(label) {
            Some(count) => add(count),
            None => add(self.segments.entry(SmolStr::new(label)).or_default()),
        }
    }
}

impl Row for Census {
    fn encode(&self, out: &mut Writer) {
        out.uint(self.segments.len() as u64);
        for (label, entry) in &self.segments {
            out.text(label);
            out.int(entry.customers);
            out.int128(entry.revenue);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut census = Self::default();
        for _ in 0..reader.count()? {
            let label = SmolStr::new(reader.text()?);
            let entry = SegmentCount { customers: reader.int()?, revenue: reader.int128()? };
            census.segments.insert(label, entry);
        }
        Ok(census)
    }

    fn merge(&mut self, other: &Self) {
        for (label, entry) in &other.segments {
            let mine = self.segments.entry(label.clone()).or_default();
            mine.customers += entry.customers;
            mine.revenue += entry.revenue;
        }
    }
}
