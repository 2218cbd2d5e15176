//! The head that all events have in common: identity, origin, lane.
//!
//! # Format
//! In `heads`: the record's kind, then a varint of flags, the lane when it does not follow from the
//! customer, the length shared with the event id before and the length of its rest; the rest in `ids`.
//! In `numbers`, first: the fingerprint, when it does not follow from the event ([`crate::fingerprint`]).
//!
//! A field that is added later takes the next flag and stands behind the others, so that records without it
//! are still read; an older version refuses the flag instead of misreading the record.

use crate::block::{Sink, Source};
use crate::fingerprint::fingerprint_in;
use crate::record::{consumption_prediction, purchase, segment_update};
use crate::{DecodeError, Event, EventId, EventRecord, Lane, Origin, RecordKind, fingerprint};

/// Bits of the flags. Those not named here belong to the kind.
pub(super) mod flag {
    pub(in crate::record) const LANE: u64 = 1;
    pub(in crate::record) const FINGERPRINT: u64 = 1 << 1;
    /// Two bits.
    pub(in crate::record) const ORIGIN_SHIFT: u32 = 2;
    pub(in crate::record) const ANONYMOUS: u64 = 1 << 13;
    pub(in crate::record) const EXTRA: u64 = 1 << 15;
    /// All that are in use by any kind.
    pub(in crate::record) const ALL: u64 = (1 << 16) - 1;
}

pub(super) fn write(lane: Lane, record: &EventRecord, sink: &mut Sink) {
    let kind = match &record.event {
        Event::Purchase(_) => RecordKind::Purchase,
        Event::SegmentUpdate(_) => RecordKind::SegmentUpdate,
        Event::ConsumptionPrediction(_) => RecordKind::ConsumptionPrediction,
    };
    let own_flags = match &record.event {
        Event::Purchase(event) => purchase::flags(event),
        Event::SegmentUpdate(event) => segment_update::flags(event),
        Event::ConsumptionPrediction(event) => consumption_prediction::flags(event),
    };
    let has_lane = lane != lane_of(record.anonymous, &record.event, &record.event_id);
    let has_fingerprint = record.fingerprint != fingerprint_in(&mut sink.scratch, &record.event);
    let flags = own_flags
        | if has_lane { flag::LANE } else { 0 }
        | if has_fingerprint { flag::FINGERPRINT } else { 0 }
        | if record.anonymous { flag::ANONYMOUS } else { 0 }
        | u64::from(record.origin.number()) << flag::ORIGIN_SHIFT;
    sink.heads.u8(kind.number());
    sink.heads.uint(flags);
    if has_lane {
        sink.heads.u8(lane.number());
    }
    if has_fingerprint {
        sink.numbers.fixed32(record.fingerprint);
    }
    sink.event_id(&record.event_id);
    match &record.event {
        Event::Purchase(event) => purchase::write(event, flags, sink),
        Event::SegmentUpdate(event) => segment_update::write(event, sink),
        Event::ConsumptionPrediction(event) => consumption_prediction::write(event, sink),
    }
}

/// The event of `kind` (one of the three), whose number has been read.
pub(super) fn read(kind: RecordKind, source: &mut Source<'_>) -> Result<(Lane, EventRecord), DecodeError> {
    let flags = source.heads.uint()?;
    if flags & !flag::ALL != 0 {
        return Err(DecodeError::Invalid("flags"));
    }
    let lane = if flags & flag::LANE == 0 { None } else { Some(super::read_lane(source)?) };
    let stored = if flags & flag::FINGERPRINT == 0 { None } else { Some(source.numbers.fixed32()?) };
    let event_id = source.event_id()?;
    let event = match kind {
        RecordKind::SegmentUpdate => Event::SegmentUpdate(segment_update::read(flags, source)?),
        RecordKind::ConsumptionPrediction => {
            Event::ConsumptionPrediction(consumption_prediction::read(flags, source)?)
        }
        RecordKind::Purchase
        | RecordKind::Erased
        | RecordKind::Tick
        | RecordKind::EpochEnd
        | RecordKind::Model
        | RecordKind::Settings
        | RecordKind::EngineVersion
        | RecordKind::LossAccepted
        | RecordKind::Imported
        | RecordKind::Judgement => Event::Purchase(purchase::read(flags, source)?),
    };
    let anonymous = flags & flag::ANONYMOUS != 0;
    let origin = Origin::from_number(u8::try_from((flags >> flag::ORIGIN_SHIFT) & 3).unwrap_or(0))
        .ok_or(DecodeError::Invalid("origin"))?;
    let lane = lane.unwrap_or_else(|| lane_of(anonymous, &event, &event_id));
    let fingerprint = stored.unwrap_or_else(|| fingerprint(&event));
    Ok((lane, EventRecord { event_id, origin, fingerprint, anonymous, event }))
}

/// The lane where such an event belongs: its customer's, or, for want of one, that of its own id.
fn lane_of(anonymous: bool, event: &Event, id: &EventId) -> Lane {
    match event.customer() {
        Some(customer) if !anonymous => Lane::of(customer),
        Some(_) | None => Lane::of_anonymous(id),
    }
}
