//! What came of an insight: said by a person, and a record, so that it outlasts whatever is computed anew.
//!
//! # Format In `heads`: kind, lane, outcome ([`Outcome::stored`]), the insight's kind and its priority, each a
//! byte. In `refs`: the customer. In `numbers`: the insight's id as 16 bytes, and the time at which it was raised.

use crate::block::{Sink, Source};
use crate::{
    CustomerId, DecodeError, InsightId, InsightKind, Lane, Outcome, Priority, RecordKind, Timestamp,
};

use super::read_lane;

/// What came of one insight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whom the insight is about.
    pub customer_id: CustomerId,
    /// Which insight.
    pub insight: InsightId,
    /// When it was first raised.
    pub raised_at: Timestamp,
    /// Its kind: what is counted of judgements need not read insights.
    pub kind: InsightKind,
    /// How urgent it was when it was judged; a revision may change that.
    pub priority: Priority,
    /// What came of it; none takes back what was said before.
    pub outcome: Option<Outcome>,
}

pub(super) fn write(lane: Lane, judgement: &Judgement, sink: &mut Sink) {
    sink.heads.u8(RecordKind::Judgement.number());
    sink.heads.u8(lane.number());
    sink.heads.u8(Outcome::stored(judgement.outcome));
    sink.heads.u8(judgement.kind.number());
    sink.heads.u8(judgement.priority.number());
    sink.customer(&judgement.customer_id);
    sink.numbers.raw(&judgement.insight.0);
    sink.time(judgement.raised_at);
}

/// The judgement, whose kind has been read.
pub(super) fn read(source: &mut Source<'_>) -> Result<(Lane, Judgement), DecodeError> {
    let lane = read_lane(source)?;
    let outcome = Outcome::from_stored(source.heads.u8()?)?;
    let (kind, priority) = (source.heads.u8()?, source.heads.u8()?);
    let kind = *InsightKind::ALL.get(usize::from(kind)).ok_or(DecodeError::Invalid("kind"))?;
    let priority = *Priority::ALL.get(usize::from(priority)).ok_or(DecodeError::Invalid("priority"))?;
    let customer_id = source.customer()?;
    let insight = source.numbers.raw(16)?.first_chunk().copied().ok_or(DecodeError::Truncated)?;
    let raised_at = source.time()?;
    Ok((lane, Judgement { customer_id, insight: InsightId(insight), raised_at, kind, priority, outcome }))
}
