//! The values of rows that point at others: the index of insights by time, what came of them, and the feed.

use omnix_model::{
    CustomerId, DecodeError, Insight, InsightId, InsightKind, Lane, Outcome, Position, Priority, Reader,
    SegmentName, Timestamp, Writer,
};

/// What the index by time says of an insight, so that most filters need not read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// Which kind.
    pub kind: InsightKind,
    /// How urgent.
    pub priority: Priority,
    /// Whether somebody should do something.
    pub action_required: bool,
}

impl IndexEntry {
    /// The entry of `insight`.
    #[must_use]
    pub fn of(insight: &Insight) -> Self {
        Self {
            customer_id: insight.customer_id.clone(),
            kind: insight.kind,
            priority: insight.priority,
            action_required: insight.action_required,
        }
    }

    /// The entry as bytes: kind, priority, whether to act, customer.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::append_to(Vec::with_capacity(3 + self.customer_id.as_str().len()));
        out.u8(self.kind.number());
        out.u8(self.priority.number());
        out.flag(self.action_required);
        out.raw(self.customer_id.as_str().as_bytes());
        out.into_bytes()
    }

    /// The entry that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (kind, priority) = (reader.u8()?, reader.u8()?);
        Ok(Self {
            kind: *InsightKind::ALL.get(usize::from(kind)).ok_or(DecodeError::Invalid("kind"))?,
            priority: *Priority::ALL.get(usize::from(priority)).ok_or(DecodeError::Invalid("priority"))?,
            action_required: reader.flag()?,
            customer_id: customer_id(reader.rest())?,
        })
    }
}

/// What came of an insight, and how urgent it was when that was said.
pub type Judged = Option<(Outcome, Priority)>;

/// What came of an insight. The row says what stood before it as well: a group that is applied again, because
/// the process died between two writes, finds its own row and counts the same change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JudgementRow {
    /// The record that said so.
    pub at: Position,
    /// What it said; none when it took back what was said before.
    pub judged: Judged,
    /// What had been said before it.
    pub before: Judged,
}

impl JudgementRow {
    /// What had been said before the record at `at`.
    #[must_use]
    pub fn before(&self, at: Position) -> Judged {
        if self.at == at { self.before } else { self.judged }
    }

    /// The row as bytes: position, then twice outcome and priority.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.raw(&self.at.to_bytes());
        for judged in [self.judged, self.before] {
            out.u8(Outcome::stored(judged.map(|(outcome, _)| outcome)));
            out.u8(judged.map_or(0, |(_, priority)| priority.number()));
        }
        out.into_bytes()
    }

    /// The row that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let at = crate::shell::read_position(&mut reader)?;
        let mut judged = || {
            let (outcome, priority) = (Outcome::from_stored(reader.u8()?)?, reader.u8()?);
            let priority =
                *Priority::ALL.get(usize::from(priority)).ok_or(DecodeError::Invalid("priority"))?;
            Ok(outcome.map(|outcome| (outcome, priority)))
        };
        let row = Self { at, judged: judged()?, before: judged()? };
        if reader.is_empty() { Ok(row) } else { Err(DecodeError::Invalid("judgement")) }
    }
}

/// What a row of the feed points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// The customer's lane.
    pub lane: Lane,
    /// Whom the insight is about.
    pub customer_id: CustomerId,
    /// When the insight was first raised.
    pub raised_at: Timestamp,
    /// Which insight.
    pub id: InsightId,
    /// The customer's segment at that moment.
    pub segment: Option<SegmentName>,
}

impl FeedEntry {
    /// The entry as bytes: lane, time, id, customer, segment (empty for none).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u8(self.lane.number());
        out.time(self.raised_at);
        out.raw(&self.id.0);
        out.text(self.customer_id.as_str());
        out.text(self.segment.as_ref().map_or("", SegmentName::label));
        out.into_bytes()
    }

    /// The entry that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            lane: Lane::new(reader.u8()?).ok_or(DecodeError::Invalid("lane"))?,
            raised_at: reader.time()?,
            id: InsightId(reader.raw(16)?.try_into().or(Err(DecodeError::Truncated))?),
            customer_id: customer_id(reader.bytes()?)?,
            segment: Some(reader.text()?).filter(|label| !label.is_empty()).map(SegmentName::parse),
        })
    }
}

fn customer_id(bytes: &[u8]) -> Result<CustomerId, DecodeError> {
    let text = std::str::from_utf8(bytes).or(Err(DecodeError::Invalid("customer")))?;
    CustomerId::new(text).or(Err(DecodeError::Invalid("customer")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgement_comes_back_and_a_cut_one_does_not() {
        let row = JudgementRow {
            at: Position { log: omnix_model::LogId(2), frame: 9, slot: 3 },
            judged: Some((Outcome::Acted, Priority::Critical)),
            before: None,
        };
        let bytes = row.encode();
        assert_eq!(JudgementRow::decode(&bytes), Ok(row));
        for cut in 0..bytes.len() {
            assert!(JudgementRow::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        assert_eq!(row.before(row.at), None, "applied again it stands before itself");
        assert_eq!(row.before(Position { slot: 4, ..row.at }), row.judged);
    }
}
