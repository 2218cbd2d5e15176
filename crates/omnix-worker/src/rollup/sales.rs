//! What was sold, by the event's own hour.

use std::collections::BTreeMap;

use omnix_model::limits::ROLLUP_LABELS_MAX;
use omnix_model::{DecodeError, Money, Reader, SegmentName, Writer};
use smol_str::SmolStr;

use super::{Histogram, OTHER_LABEL, Row};

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
