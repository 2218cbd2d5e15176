//! How many customers are in which segment, and what they spent.

use std::collections::BTreeMap;

use omnix_model::{DecodeError, Reader, SegmentName, Writer};
use smol_str::SmolStr;

use super::Row;

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
