//! What went on, by the hour and the minute of the lanes.

use std::collections::BTreeMap;

use omnix_model::limits::ROLLUP_LABELS_MAX;
use omnix_model::{DecodeError, InsightKind, Outcome, Priority, Reader, SegmentName, Suppressed, Writer};
use smol_str::SmolStr;

use super::{Histogram, OTHER_LABEL, Row};
use crate::rows::Judged;

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
